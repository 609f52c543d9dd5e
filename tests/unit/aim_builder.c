// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>
#include "aim_builder.h"

static u32 align64(u32 n)
{
	return (n + 63) & ~63U;
}

static u32 type_size(u32 type)
{
	return type == AIM_TYPE_S16 ? 2 :
	       type == AIM_TYPE_S32 || type == AIM_TYPE_F32 ? 4 : 1;
}

void ab_init(struct aim_builder *b)
{
	memset(b, 0, sizeof(*b));
	memcpy(b->h.magic, AIM_MAGIC, AIM_MAGIC_LEN);
	b->h.version_major = AIM_VERSION_MAJOR;
	b->h.version_minor = AIM_VERSION_MINOR;
	b->h.header_bytes = sizeof(b->h);
	b->strings_bytes = 1;
}

u32 ab_string(struct aim_builder *b, const char *s)
{
	u32 at = b->strings_bytes;
	size_t n = strlen(s) + 1;

	if (n > sizeof(b->strings) - at) {
		b->full = true;
		return 0;
	}
	memcpy(b->strings + at, s, n);
	b->strings_bytes += n;
	return at;
}

void ab_meta(struct aim_builder *b, const char *key, const char *value)
{
	size_t k = strlen(key) + 1, v = strlen(value) + 1;

	if (k + v > sizeof(b->meta) - b->meta_bytes) {
		b->full = true;
		return;
	}
	memcpy(b->meta + b->meta_bytes, key, k);
	memcpy(b->meta + b->meta_bytes + k, value, v);
	b->meta_bytes += k + v;
}

u32 ab_tensor(struct aim_builder *b, const char *name, u32 type, u32 place,
	      u32 rank, const u32 *dims)
{
	struct aim_tensor *t;
	u32 i;

	if (b->nr_tensors == AB_TENSORS) {
		b->full = true;
		return 0;
	}
	t = &b->tensors[b->nr_tensors];
	t->type = type;
	t->rank = rank;
	t->place = place;
	t->name = name ? ab_string(b, name) : 0;
	t->bytes = type_size(type);
	for (i = 0; i < AIM_MAX_RANK; i++) {
		t->dims[i] = i < rank ? dims[i] : 1;
		t->bytes *= t->dims[i];
	}
	switch (place) {
	case AIM_PLACE_INPUT:
		t->offset = b->h.nr_inputs++;
		break;
	case AIM_PLACE_OUTPUT:
		t->offset = b->h.nr_outputs++;
		break;
	case AIM_PLACE_ARENA:
		t->offset = b->h.arena_bytes;
		b->h.arena_bytes = align64(t->offset + t->bytes);
		break;
	case AIM_PLACE_CONST:
		t->offset = b->data_bytes;
		if (t->bytes > AB_DATA - 64 - b->data_bytes)
			b->full = true;
		else
			b->data_bytes = align64(t->offset + t->bytes);
		break;
	}
	return b->nr_tensors++;
}

void ab_quant(struct aim_builder *b, u32 tensor, u32 scale_bits, s32 zero_point)
{
	b->tensors[tensor].scale_bits = scale_bits;
	b->tensors[tensor].zero_point = zero_point;
}

void ab_fill(struct aim_builder *b, u32 tensor, u32 seed)
{
	const struct aim_tensor *t = &b->tensors[tensor];
	u64 i, n = t->bytes / type_size(t->type);

	if (b->full)
		return;
	for (i = 0; i < n; i++) {
		s32 v;
		float f;

		seed = seed * 1664525 + 1013904223;
		v = (s32)(seed >> 24) - 128;
		f = v / 64.0f;
		if (t->type == AIM_TYPE_F32)
			memcpy(b->data + t->offset + 4 * i, &f, 4);
		else
			memcpy(b->data + t->offset + type_size(t->type) * i, &v,
			       type_size(t->type));
	}
}

u32 ab_requant(struct aim_builder *b, u32 n, s32 multiplier, s32 shift)
{
	u32 first = b->nr_requants;

	if (n > AB_RECORDS - first) {
		b->full = true;
		return 0;
	}
	while (n--)
		b->requants[b->nr_requants++] =
			(struct aim_requant){ multiplier, shift };
	return first;
}

void ab_scales(struct aim_builder *b, u32 tensor, u32 n, u32 bits)
{
	if (n > AB_RECORDS - b->nr_scales) {
		b->full = true;
		return;
	}
	b->tensors[tensor].scales_first = b->nr_scales;
	b->tensors[tensor].scales_count = n;
	while (n--)
		b->scales[b->nr_scales++] = bits;
}

struct aim_op *ab_op(struct aim_builder *b, u32 code, u32 nr_inputs,
		     const u32 *inputs, u32 out)
{
	struct aim_op *op;
	u32 i;

	if (b->nr_ops == AB_OPS || nr_inputs + 1 > AB_OPERANDS - b->nr_operands) {
		b->full = true;
		return &b->ops[0];
	}
	op = &b->ops[b->nr_ops++];
	op->code = code;
	op->nr_inputs = nr_inputs;
	op->nr_outputs = 1;
	op->operands = b->nr_operands;
	for (i = 0; i < nr_inputs; i++)
		b->operands[b->nr_operands++] = inputs[i];
	b->operands[b->nr_operands++] = out;
	return op;
}

static u64 count_macs(const struct aim_builder *b)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < b->nr_ops; i++) {
		const struct aim_op *op = &b->ops[i];
		const struct aim_tensor *y;
		const u32 *o, *w;
		u64 n;

		/* whatever is not sane here, the verifier is to find */
		if (op->nr_inputs < 2 || op->nr_inputs > 3 ||
		    op->operands > AB_OPERANDS - 4)
			continue;
		o = b->operands + op->operands;
		if (o[1] >= b->nr_tensors || o[op->nr_inputs] >= b->nr_tensors)
			continue;
		y = &b->tensors[o[op->nr_inputs]];
		n = y->bytes / type_size(y->type);
		w = b->tensors[o[1]].dims;
		if (op->code == AIM_OP_CONV2D)
			sum += n * w[1] * w[2] * w[3];
		else if (op->code == AIM_OP_DEPTHWISE)
			sum += n * w[1] * w[2];
		else if (op->code == AIM_OP_FC)
			sum += n * w[1];
	}
	return sum;
}

static void place(struct aim_header *h, u32 id, u64 bytes, u64 *end)
{
	if (!bytes)
		return;
	h->sections[id].offset = (*end + 63) & ~63ULL;
	h->sections[id].bytes = bytes;
	*end = h->sections[id].offset + bytes;
}

int ab_open(struct aim_file *f, void *data, size_t bytes)
{
	void **parts[AIM_SEC_NR] = {
		(void **)&f->t, (void **)&f->ops, (void **)&f->operands,
		(void **)&f->rq, (void **)&f->scales, (void **)&f->consts,
		(void **)&f->strings, (void **)&f->meta,
	};
	u32 i;

	memset(f, 0, sizeof(*f));
	if (bytes < sizeof(*f->h))
		return -1;
	f->data = data;
	f->bytes = bytes;
	f->h = data;
	for (i = 0; i < AIM_SEC_NR; i++) {
		const struct aim_section *s = &f->h->sections[i];

		if (s->offset % 64 || s->offset > bytes ||
		    s->bytes > bytes - s->offset)
			return -1;
		*parts[i] = f->data + s->offset;
	}
	return 0;
}

int ab_finish(struct aim_builder *b, struct aim_file *f)
{
	const void *const from[AIM_SEC_NR] = {
		b->tensors, b->ops, b->operands, b->requants, b->scales,
		b->data, b->strings, b->meta,
	};
	struct aim_header *h = &b->h;
	u64 end = sizeof(*h);
	u8 *data = NULL;
	u32 i;

	memset(f, 0, sizeof(*f));
	if (b->full)
		return -1;
	h->macs = count_macs(b);
	place(h, AIM_SEC_TENSORS, b->nr_tensors * sizeof(b->tensors[0]), &end);
	place(h, AIM_SEC_OPS, b->nr_ops * sizeof(b->ops[0]), &end);
	place(h, AIM_SEC_OPERANDS, b->nr_operands * sizeof(u32), &end);
	place(h, AIM_SEC_REQUANT, b->nr_requants * sizeof(b->requants[0]), &end);
	place(h, AIM_SEC_SCALES, b->nr_scales * sizeof(u32), &end);
	place(h, AIM_SEC_DATA, b->data_bytes, &end);
	place(h, AIM_SEC_STRINGS, b->strings_bytes > 1 ? b->strings_bytes : 0,
	      &end);
	place(h, AIM_SEC_META, b->meta_bytes, &end);
	h->file_bytes = end;
	if (posix_memalign((void **)&data, 64, end))
		return -1;
	memset(data, 0, end);
	memcpy(data, h, sizeof(*h));
	for (i = 0; i < AIM_SEC_NR; i++)
		memcpy(data + h->sections[i].offset, from[i],
		       h->sections[i].bytes);
	return ab_open(f, data, end);
}

void ab_release(struct aim_file *f)
{
	free(f->data);
	memset(f, 0, sizeof(*f));
}

int ab_verify(const void *data, size_t bytes, struct aim_view *view,
	      struct aim_reason *reason)
{
	void *copy, *scratch;
	int err = -ENOMEM;

	/* exact sizes, so that a sanitizer sees one byte too many */
	if (posix_memalign(&copy, 64, bytes ? bytes : 1))
		return err;
	memcpy(copy, data, bytes);
	scratch = malloc(aim_verify_scratch(copy, bytes));
	if (scratch)
		err = aim_verify(copy, bytes, scratch, view, reason);
	free(scratch);
	free(copy);
	return err;
}

int ab_model_file(const char *name, struct aim_file *f)
{
	struct aim_builder *b;
	u32 i;
	int err = -1;

	for (i = 0; i < ab_nr_models; i++)
		if (!strcmp(ab_models[i].name, name))
			break;
	if (i == ab_nr_models)
		return -1;
	b = malloc(sizeof(*b));
	if (!b)
		return -1;
	ab_init(b);
	ab_models[i].build(b);
	err = ab_finish(b, f);
	free(b);
	return err;
}
