// SPDX-License-Identifier: LGPL-2.1-or-later
/* A reader of FlatBuffers that trusts nothing, see flatbuf.h. */
#include "flatbuf.h"

u16 le16_load(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

u32 le32_load(const u8 *p)
{
	return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

u64 le64_load(const u8 *p)
{
	return le32_load(p) | (u64)le32_load(p + 4) << 32;
}

static void fb_damaged(struct fb *fb, const char *what)
{
	if (!fb->bad)
		fb->bad = what;
}

static bool fb_inside(const struct fb *fb, u64 pos, u64 bytes)
{
	return pos <= fb->len && bytes <= fb->len - pos;
}

static bool fb_open_table(struct fb *fb, u64 pos, const char *what,
			  struct fb_table *out)
{
	s64 vtable;
	u32 vlen, tlen;

	memset(out, 0, sizeof(*out));
	out->what = what;
	if (!fb_inside(fb, pos, 4))
		goto bad;
	vtable = (s64)pos - (s32)le32_load(fb->data + pos);
	if (vtable < 0 || !fb_inside(fb, (u64)vtable, 4))
		goto bad;
	vlen = le16_load(fb->data + vtable);
	tlen = le16_load(fb->data + vtable + 2);
	if (vlen < 4 || vlen % 2 || tlen < 4 ||
	    !fb_inside(fb, (u64)vtable, vlen) || !fb_inside(fb, pos, tlen))
		goto bad;
	out->fb = fb;
	out->pos = (u32)pos;
	out->len = tlen;
	out->vtable = (u32)vtable;
	out->fields = (vlen - 4) / 2;
	return true;
bad:
	fb_damaged(fb, what);
	return false;
}

void fb_root(struct fb *fb, const char *what, struct fb_table *out)
{
	memset(out, 0, sizeof(*out));
	if (!fb_inside(fb, 0, 8)) {
		fb_damaged(fb, what);
		return;
	}
	fb_open_table(fb, le32_load(fb->data), what, out);
}

/* Where a field's bytes are, or NULL where it is absent. */
static const u8 *fb_field(const struct fb_table *t, u32 field, u32 bytes)
{
	u32 off;

	if (!t->fb || field >= t->fields)
		return NULL;
	off = le16_load(t->fb->data + t->vtable + 4 + 2 * field);
	if (!off)
		return NULL;
	if (off < 4 || off > t->len || bytes > t->len - off) {
		fb_damaged(t->fb, t->what);
		return NULL;
	}
	return t->fb->data + t->pos + off;
}

bool fb_has(const struct fb_table *t, u32 field)
{
	return fb_field(t, field, 1);
}

u8 fb_u8(const struct fb_table *t, u32 field, u8 absent)
{
	const u8 *p = fb_field(t, field, 1);

	return p ? *p : absent;
}

u32 fb_u32(const struct fb_table *t, u32 field, u32 absent)
{
	const u8 *p = fb_field(t, field, 4);

	return p ? le32_load(p) : absent;
}

s32 fb_s32(const struct fb_table *t, u32 field, s32 absent)
{
	return (s32)fb_u32(t, field, (u32)absent);
}

u64 fb_u64(const struct fb_table *t, u32 field, u64 absent)
{
	const u8 *p = fb_field(t, field, 8);

	return p ? le64_load(p) : absent;
}

static float f32_of(u32 bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

float fb_f32(const struct fb_table *t, u32 field, float absent)
{
	const u8 *p = fb_field(t, field, 4);

	return p ? f32_of(le32_load(p)) : absent;
}

/* The position that an offset field points to; 0: absent or damaged. */
static u64 fb_follow(const struct fb_table *t, u32 field)
{
	const u8 *p = fb_field(t, field, 4);
	u64 to;

	if (!p)
		return 0;
	to = (u64)(p - t->fb->data) + le32_load(p);
	if (!fb_inside(t->fb, to, 4)) {
		fb_damaged(t->fb, t->what);
		return 0;
	}
	return to;
}

bool fb_sub(const struct fb_table *t, u32 field, const char *what,
	    struct fb_table *out)
{
	u64 pos = fb_follow(t, field);

	memset(out, 0, sizeof(*out));
	return pos && fb_open_table(t->fb, pos, what, out);
}

bool fb_vector(const struct fb_table *t, u32 field, u32 elem_bytes,
	       struct fb_vec *out)
{
	u64 pos = fb_follow(t, field);
	u32 n;

	memset(out, 0, sizeof(*out));
	if (!pos)
		return false;
	n = le32_load(t->fb->data + pos);
	if (!fb_inside(t->fb, pos + 4, (u64)n * elem_bytes)) {
		fb_damaged(t->fb, t->what);
		return false;
	}
	out->pos = (u32)pos + 4;
	out->n = n;
	return true;
}

void fb_elem(struct fb *fb, const struct fb_vec *v, u32 i, const char *what,
	     struct fb_table *out)
{
	u64 at;

	memset(out, 0, sizeof(*out));
	if (i >= v->n)
		return;
	at = v->pos + 4 * (u64)i;
	fb_open_table(fb, at + le32_load(fb->data + at), what, out);
}

u8 fb_vec_u8(const struct fb *fb, const struct fb_vec *v, u32 i)
{
	return i < v->n ? fb->data[v->pos + i] : 0;
}

s32 fb_vec_s32(const struct fb *fb, const struct fb_vec *v, u32 i)
{
	return i < v->n ? (s32)le32_load(fb->data + v->pos + 4 * (u64)i) : 0;
}

s64 fb_vec_s64(const struct fb *fb, const struct fb_vec *v, u32 i)
{
	return i < v->n ? (s64)le64_load(fb->data + v->pos + 8 * (u64)i) : 0;
}

float fb_vec_f32(const struct fb *fb, const struct fb_vec *v, u32 i)
{
	return i < v->n ? f32_of(le32_load(fb->data + v->pos + 4 * (u64)i)) : 0;
}
