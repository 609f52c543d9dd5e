// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * The verifier's frame: header, sections, and the tables that need no other
 * knowledge. Then tensors, operators and the arena plan, each in its own file.
 * The text with every rule is docs/model-format.md.
 *
 * The file is untrusted and the caller guarantees that no one changes it. Each
 * step uses only what earlier steps have proved.
 */
#include "verify_internal.h"

#define MAX_GAP		(AIM_ALIGN - 1)
/* Bytes of constants that layers may name in all, see charge_constants(). */
#define NAMED_FLOOR	(16U << 20)
#define NAMED_FACTOR	4

static const u32 record_bytes[AIM_SEC_NR] = {
	[AIM_SEC_TENSORS]	= sizeof(struct aim_tensor),
	[AIM_SEC_OPS]		= sizeof(struct aim_op),
	[AIM_SEC_OPERANDS]	= sizeof(u32),
	[AIM_SEC_REQUANT]	= sizeof(struct aim_requant),
	[AIM_SEC_SCALES]	= sizeof(u32),
	[AIM_SEC_DATA]		= 1,
	[AIM_SEC_STRINGS]	= 1,
	[AIM_SEC_META]		= 1,
};

static bool little_endian(void)
{
	const u16 one = 1;

	return *(const u8 *)&one == 1;
}

static int check_header(struct aim_ctx *c, const u8 *data, size_t bytes)
{
	const struct aim_header *h = (const struct aim_header *)data;
	u32 i;

	if (bytes < AIM_MAGIC_LEN || memcmp(data, AIM_MAGIC, AIM_MAGIC_LEN))
		return aim_refuse(c, -ENOEXEC, "not an .aim model file");
	if (!little_endian())
		return aim_refuse(c, -ENOEXEC, "big-endian hosts are not supported");
	if (bytes < sizeof(*h))
		return aim_refuse_got(c, -EBADMSG, "the file ends within its header",
				      aim_clip(bytes));
	if (h->version_major != AIM_VERSION_MAJOR)
		return aim_refuse_pair(c, -ENOEXEC, "the format's major version",
				       h->version_major, AIM_VERSION_MAJOR);
	if (h->version_minor > AIM_VERSION_MINOR)
		return aim_refuse_got(c, -ENOEXEC,
				      "the format's minor version is newer than this reader",
				      h->version_minor);
	if (h->header_bytes != sizeof(*h))
		return aim_refuse_pair(c, -EBADMSG, "the header's size",
				       h->header_bytes, sizeof(*h));
	if (bytes > AIM_MAX_FILE_BYTES)
		return aim_refuse_got(c, -E2BIG, "the file is too large",
				      aim_clip(bytes));
	if (h->file_bytes != bytes)
		return aim_refuse_pair(c, -EBADMSG, "file_bytes of the header",
				       aim_clip(h->file_bytes), bytes);
	if (h->flags)
		return aim_refuse(c, -EBADMSG, "flags of the header are not zero");
	for (i = 0; i < 4; i++)
		if (h->reserved[i])
			return aim_refuse(c, -EBADMSG,
					  "a reserved field of the header is not zero");
	if (h->arena_bytes > AIM_MAX_ARENA_BYTES)
		return aim_refuse_got(c, -E2BIG, "arena_bytes is too large",
				      aim_clip(h->arena_bytes));
	if (h->arena_bytes % AIM_ALIGN)
		return aim_refuse_got(c, -EBADMSG,
				      "arena_bytes is not a multiple of 64",
				      h->arena_bytes);
	if ((u64)h->nr_inputs + h->nr_outputs > AIM_MAX_IO)
		return aim_refuse_got(c, -E2BIG, "too many inputs and outputs",
				      (u64)h->nr_inputs + h->nr_outputs);
	if (!h->nr_inputs || !h->nr_outputs)
		return aim_refuse(c, -EINVAL, "a model needs an input and an output");
	return 0;
}

static bool all_zero(const u8 *p, u64 n)
{
	u64 i;

	for (i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/*
 * Sections may come in any order, but they fill the file: whatever lies
 * between them is less than an alignment, and zero.
 */
static int check_layout(struct aim_ctx *c, const u8 *order, u32 nr)
{
	const struct aim_header *h = c->v->header;
	const u8 *data = c->v->data;
	u64 pos = sizeof(*h);
	u32 i;

	for (i = 0; i < nr; i++) {
		const struct aim_section *s = &h->sections[order[i]];

		c->index = order[i];
		if (s->offset < pos)
			return aim_refuse_got(c, -EBADMSG,
					      "overlaps what comes before it",
					      aim_clip(s->offset));
		if (s->offset - pos > MAX_GAP)
			return aim_refuse_got(c, -EBADMSG,
					      "a gap comes before it",
					      aim_clip(s->offset - pos));
		if (!all_zero(data + pos, s->offset - pos))
			return aim_refuse(c, -EBADMSG,
					  "padding before it is not zero");
		pos = s->offset + s->bytes;
	}
	c->subject = AIM_SUBJ_FILE;
	if (h->file_bytes - pos > MAX_GAP)
		return aim_refuse_got(c, -EBADMSG,
				      "bytes that belong to no section end the file",
				      aim_clip(h->file_bytes - pos));
	if (!all_zero(data + pos, h->file_bytes - pos))
		return aim_refuse(c, -EBADMSG, "padding at the end is not zero");
	return 0;
}

static int check_sections(struct aim_ctx *c)
{
	const struct aim_header *h = c->v->header;
	u8 order[AIM_SEC_NR];
	u32 nr = 0;
	u32 i, k;

	c->subject = AIM_SUBJ_SECTION;
	for (i = 0; i < AIM_SEC_NR; i++) {
		const struct aim_section *s = &h->sections[i];

		c->index = i;
		if (!s->bytes) {
			if (s->offset)
				return aim_refuse(c, -EBADMSG,
						  "is empty, but its offset is not zero");
			continue;
		}
		if (s->offset % AIM_ALIGN)
			return aim_refuse_got(c, -EBADMSG,
					      "its offset is not a multiple of 64",
					      aim_clip(s->offset));
		if (s->offset > h->file_bytes ||
		    s->bytes > h->file_bytes - s->offset)
			return aim_refuse(c, -EBADMSG, "reaches past the file's end");
		if (s->bytes % record_bytes[i])
			return aim_refuse_got(c, -EBADMSG,
					      "is not a whole number of records",
					      aim_clip(s->bytes));
		/* insertion sort: eight at most */
		for (k = nr; k > 0 && h->sections[order[k - 1]].offset > s->offset; k--)
			order[k] = order[k - 1];
		order[k] = i;
		nr++;
	}
	return check_layout(c, order, nr);
}

static int section_count(struct aim_ctx *c, u32 id, u32 max, u32 *count)
{
	const struct aim_section *s = &c->v->header->sections[id];
	u64 n = s->bytes / record_bytes[id];

	c->subject = AIM_SUBJ_SECTION;
	c->index = id;
	if (n > max)
		return aim_refuse_got(c, -E2BIG, "has too many records",
				      aim_clip(n));
	*count = n;
	return 0;
}

static const void *section_data(const struct aim_view *v, u32 id)
{
	const struct aim_section *s = &v->header->sections[id];

	return s->bytes ? v->data + s->offset : NULL;
}

static int fill_view(struct aim_ctx *c)
{
	struct aim_view *v = c->v;
	const u32 any = AIM_MAX_FILE_BYTES;
	int err;

	err = section_count(c, AIM_SEC_TENSORS, AIM_MAX_TENSORS, &v->nr_tensors);
	if (!err)
		err = section_count(c, AIM_SEC_OPS, AIM_MAX_OPS, &v->nr_ops);
	if (!err)
		err = section_count(c, AIM_SEC_OPERANDS, AIM_MAX_OPERANDS,
				    &v->nr_operands);
	if (!err)
		err = section_count(c, AIM_SEC_REQUANT, any, &v->nr_requants);
	if (!err)
		err = section_count(c, AIM_SEC_SCALES, any, &v->nr_scales);
	if (!err)
		err = section_count(c, AIM_SEC_STRINGS, any, &v->strings_bytes);
	if (!err)
		err = section_count(c, AIM_SEC_META, any, &v->meta_bytes);
	if (err)
		return err;
	c->subject = AIM_SUBJ_FILE;
	if (!v->nr_tensors || !v->nr_ops)
		return aim_refuse(c, -EINVAL,
				  "a model needs tensors and an operator");
	v->tensors = section_data(v, AIM_SEC_TENSORS);
	v->ops = section_data(v, AIM_SEC_OPS);
	v->operands = section_data(v, AIM_SEC_OPERANDS);
	v->requants = section_data(v, AIM_SEC_REQUANT);
	v->scales = section_data(v, AIM_SEC_SCALES);
	v->consts = section_data(v, AIM_SEC_DATA);
	v->strings = section_data(v, AIM_SEC_STRINGS);
	v->meta = section_data(v, AIM_SEC_META);
	return 0;
}

static int check_texts(struct aim_ctx *c)
{
	const struct aim_view *v = c->v;
	u32 parts = 0, i;

	c->subject = AIM_SUBJ_SECTION;
	c->index = AIM_SEC_STRINGS;
	if (v->strings_bytes &&
	    (v->strings[0] || v->strings[v->strings_bytes - 1]))
		return aim_refuse(c, -EBADMSG, "does not begin and end with NUL");
	c->index = AIM_SEC_META;
	for (i = 0; i < v->meta_bytes; i++) {
		if (v->meta[i])
			continue;
		if (!(parts & 1) && (!i || !v->meta[i - 1]))
			return aim_refuse_got(c, -EBADMSG, "has an empty key at", i);
		parts++;
	}
	if (v->meta_bytes && (v->meta[v->meta_bytes - 1] || (parts & 1)))
		return aim_refuse(c, -EBADMSG, "does not end with a whole pair");
	c->subject = AIM_SUBJ_FILE;
	return aim_check_name(c, v->header->name);
}

static int check_tables(struct aim_ctx *c)
{
	const struct aim_view *v = c->v;
	u32 i;
	int err;

	c->subject = AIM_SUBJ_SECTION;
	c->index = AIM_SEC_REQUANT;
	for (i = 0; i < v->nr_requants; i++) {
		err = aim_check_requant(c, &v->requants[i]);
		if (err)
			return err;
	}
	aim_relax();
	c->index = AIM_SEC_SCALES;
	for (i = 0; i < v->nr_scales; i++)
		if (!aim_bits_scale(v->scales[i]))
			return aim_refuse_got(c, -EINVAL,
					      "a scale is not finite and above zero, number",
					      i);
	aim_relax();
	return 0;
}

static int verify(struct aim_ctx *c, const u8 *data, size_t bytes)
{
	int err;

	if ((uintptr_t)data % AIM_ALIGN)
		return aim_refuse(c, -EINVAL, "the buffer is not 64-byte aligned");
	err = check_header(c, data, bytes);
	if (err)
		return err;
	c->v->data = data;
	c->v->bytes = bytes;
	c->v->header = (const struct aim_header *)data;
	c->named = NAMED_FLOOR + NAMED_FACTOR * (u64)bytes;
	err = check_sections(c);
	if (!err)
		err = fill_view(c);
	if (!err)
		err = check_texts(c);
	if (!err)
		err = check_tables(c);
	if (!err)
		err = aim_check_tensors(c);
	if (!err)
		err = aim_check_ops(c);
	if (!err)
		err = aim_check_plan(c);
	return err;
}

size_t aim_verify_scratch(const void *data, size_t bytes)
{
	struct aim_header h;
	u64 tensors = 0;

	if (bytes >= sizeof(h)) {
		memcpy(&h, data, sizeof(h));
		tensors = h.sections[AIM_SEC_TENSORS].bytes /
			  sizeof(struct aim_tensor);
		if (tensors > AIM_MAX_TENSORS)
			tensors = AIM_MAX_TENSORS;
	}
	return AIM_MAX_LIVE * sizeof(struct aim_vlive) +
	       tensors * sizeof(struct aim_vtensor);
}

int aim_verify(const void *data, size_t bytes, void *scratch,
	       struct aim_view *view, struct aim_reason *reason)
{
	struct aim_ctx c = {
		.v = view,
		.reason = reason,
		.live = scratch,
		.state = (void *)((struct aim_vlive *)scratch + AIM_MAX_LIVE),
	};
	int err;

	memset(view, 0, sizeof(*view));
	reason->text[0] = '\0';
	err = verify(&c, data, bytes);
	if (err)
		memset(view, 0, sizeof(*view));	/* nothing half-proved leaks out */
	return err;
}
