/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reader of FlatBuffers that trusts nothing. Every access is checked against
 * the file, the table and its vtable; what fails the check reads as absent and
 * sets a sticky mark, so callers look at it once, at the end of a piece of
 * work, and no value read before that can hurt: sizes and positions handed out
 * always lie inside the file. Any alignment, any byte order of the host.
 */
#ifndef AIM_CONVERT_FLATBUF_H
#define AIM_CONVERT_FLATBUF_H

#include <aim/types.h>

#define FB_MAX_BYTES	0x40000000u	/* positions fit 32 bits with room */

/**
 * struct fb - a file being read
 * @bad: NULL, or what was found damaged first (a constant string)
 */
struct fb {
	const u8 *data;
	u32 len;
	const char *bad;
};

/**
 * struct fb_table - a table; all zero is a table without any field
 * @pos:    of the table
 * @len:    of its inline part
 * @vtable: position of its vtable
 * @fields: entries of the vtable
 */
struct fb_table {
	struct fb *fb;
	u32 pos;
	u32 len;
	u32 vtable;
	u32 fields;
	const char *what;
};

/**
 * struct fb_vec - a vector or string, proven to lie inside the file
 * @pos: of the first element
 * @n:   number of elements
 */
struct fb_vec {
	u32 pos;
	u32 n;
};

void fb_root(struct fb *fb, const char *what, struct fb_table *out);

bool fb_has(const struct fb_table *t, u32 field);
u8 fb_u8(const struct fb_table *t, u32 field, u8 absent);
u32 fb_u32(const struct fb_table *t, u32 field, u32 absent);
s32 fb_s32(const struct fb_table *t, u32 field, s32 absent);
u64 fb_u64(const struct fb_table *t, u32 field, u64 absent);
float fb_f32(const struct fb_table *t, u32 field, float absent);

/* false (and *out empty) where the field is absent */
bool fb_sub(const struct fb_table *t, u32 field, const char *what,
	    struct fb_table *out);
bool fb_vector(const struct fb_table *t, u32 field, u32 elem_bytes,
	       struct fb_vec *out);
/* table number i of a vector of tables */
void fb_elem(struct fb *fb, const struct fb_vec *v, u32 i, const char *what,
	     struct fb_table *out);

/* Elements of a vector; i >= n reads as 0. */
u8 fb_vec_u8(const struct fb *fb, const struct fb_vec *v, u32 i);
s32 fb_vec_s32(const struct fb *fb, const struct fb_vec *v, u32 i);
s64 fb_vec_s64(const struct fb *fb, const struct fb_vec *v, u32 i);
float fb_vec_f32(const struct fb *fb, const struct fb_vec *v, u32 i);

/* Little-endian loads from anywhere. */
u16 le16_load(const u8 *p);
u32 le32_load(const u8 *p);
u64 le64_load(const u8 *p);

#endif /* AIM_CONVERT_FLATBUF_H */
