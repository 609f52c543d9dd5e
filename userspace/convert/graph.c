// SPDX-License-Identifier: LGPL-2.1-or-later
/* Building the graph: memory, tensors, operators, messages. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "graph.h"

/* Memory that tensors' data lies in; freed with the graph. */
struct cv_block {
	struct cv_block *next;
	u8 data[];
};

int cv_init(struct cv *c, const struct tfl_model *m,
	    const struct aim_convert_options *opt, const struct tfl_reason *why)
{
	u32 i;

	memset(c, 0, sizeof(*c));
	c->opt = opt;
	c->m = m;
	c->why = why;
	/*
	 * What is made from a file is in proportion to it. Real models stay far
	 * below; a hostile one, whose operators all name the same large
	 * constant, does not get to allocate their product.
	 */
	c->budget = (16ULL << 20) + 16ULL * m->fb.len;
	c->values = calloc(m->nr_tensors + 1, sizeof(*c->values));
	if (!c->values)
		return cv_refuse(c, -ENOMEM, "out of memory");
	for (i = 0; i < m->nr_tensors; i++) {
		c->values[i].native = CV_NONE;
		c->values[i].twin = CV_NONE;
	}
	return 0;
}

void cv_free(struct cv *c)
{
	struct cv_block *b;

	while ((b = c->blocks)) {
		c->blocks = b->next;
		free(b);
	}
	free(c->values);
	free(c->tensors);
	free(c->ops);
	free(c->operands);
	free(c->requants);
	free(c->scales);
}

const char *cv_name(struct cv *c, u32 tensor)
{
	char *out = c->names[c->next_name++ % 4];

	tfl_text(&c->m->fb, &c->m->tensors[tensor].name, out, 64);
	if (!out[0])
		snprintf(out, sizeof(c->names[0]), "#%u", tensor);
	return out;
}

int cv_refuse(struct cv *c, int err, const char *fmt, ...)
{
	char what[AIM_CONVERT_REASON_LEN], where[160] = "", op[80];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (c->op) {
		tfl_op_text(c->m, c->op, op, sizeof(op));
		if (c->op->outputs.n)
			snprintf(where, sizeof(where),
				 "operator %u (%s, tensor '%s'): ", c->op_index,
				 op, cv_name(c, cv_output(c, 0)));
		else
			snprintf(where, sizeof(where), "operator %u (%s): ",
				 c->op_index, op);
	}
	tfl_say(c->why, "%s%s", where, what);
	return err;
}

int cv_spend(struct cv *c, u64 bytes)
{
	if (bytes > c->budget - c->spent)
		return cv_refuse(c, -E2BIG,
				 "the model would grow out of proportion to its file");
	c->spent += bytes;
	return 0;
}

void *cv_alloc(struct cv *c, u64 bytes, int *err)
{
	struct cv_block *b;

	*err = cv_spend(c, bytes + sizeof(*b));
	if (*err)
		return NULL;
	b = malloc(sizeof(*b) + bytes);
	if (!b) {
		*err = cv_refuse(c, -ENOMEM, "out of memory");
		return NULL;
	}
	b->next = c->blocks;
	c->blocks = b;
	return b->data;
}

/* An array with room for @more elements behind the @n it has. */
static void *cv_grow(struct cv *c, void *array, u32 n, u32 more, u32 *room,
		     size_t elem, int *err)
{
	void *bigger;
	u64 want;

	*err = 0;
	if (more <= *room - n)
		return array;
	want = (u64)n + more;
	want = want < 64 ? 64 : want + want / 2;
	*err = cv_spend(c, (want - *room) * elem);
	if (*err)
		return array;
	bigger = realloc(array, want * elem);
	if (!bigger) {
		*err = cv_refuse(c, -ENOMEM, "out of memory");
		return array;
	}
	*room = (u32)want;
	return bigger;
}

u32 cv_elem_bytes(u8 aim_type)
{
	switch (aim_type) {
	case AIM_TYPE_S8:
	case AIM_TYPE_U8:
		return 1;
	case AIM_TYPE_S16:
		return 2;
	default:
		return 4;
	}
}

u64 cv_count(const struct aim_tensor *t)
{
	return t->bytes / cv_elem_bytes(t->type);
}

/* Elements times size, within the format's limits. */
static int kind_bytes(struct cv *c, const struct cv_kind *k, u64 *out)
{
	u64 bytes = cv_elem_bytes(k->type);
	u32 i;

	if (k->rank > AIM_MAX_RANK)
		return cv_refuse(c, -E2BIG, "a tensor has %u dimensions, more than %u",
				 k->rank, AIM_MAX_RANK);
	for (i = 0; i < k->rank; i++) {
		if (!k->dims[i])
			return cv_refuse(c, -EINVAL, "a tensor has a dimension of 0");
		if (k->dims[i] > AIM_MAX_DIM)
			return cv_refuse(c, -E2BIG, "a dimension of %u is too large",
					 k->dims[i]);
		bytes *= k->dims[i];
		if (bytes > AIM_MAX_TENSOR_BYTES)
			return cv_refuse(c, -E2BIG, "a tensor is larger than 1 GiB");
	}
	*out = bytes;
	return 0;
}

int cv_new_tensor(struct cv *c, const struct cv_kind *k, u8 place, u32 source,
		  u32 *out)
{
	struct cv_tensor *n;
	u64 bytes = 0;
	int err;
	u32 i;

	err = kind_bytes(c, k, &bytes);
	if (err)
		return err;
	if (c->nr_tensors == AIM_MAX_TENSORS)
		return cv_refuse(c, -E2BIG, "the model needs more than %u tensors",
				 AIM_MAX_TENSORS);
	c->tensors = cv_grow(c, c->tensors, c->nr_tensors, 1, &c->room_tensors,
			     sizeof(*c->tensors), &err);
	if (err)
		return err;
	n = &c->tensors[c->nr_tensors];
	memset(n, 0, sizeof(*n));
	n->t.type = k->type;
	n->t.rank = k->rank;
	n->t.place = place;
	for (i = 0; i < AIM_MAX_RANK; i++)
		n->t.dims[i] = i < k->rank ? k->dims[i] : 1;
	n->t.bytes = bytes;
	if (k->scale != 0)
		n->t.scale_bits = float_bits(k->scale);
	n->t.zero_point = k->zero_point;
	n->source = source;
	n->first = CV_NONE;
	n->last = CV_NONE;
	*out = c->nr_tensors++;
	return 0;
}

int cv_new_const(struct cv *c, const struct cv_kind *kind, const u8 *data,
		 u32 source, u32 *out)
{
	int err = cv_new_tensor(c, kind, AIM_PLACE_CONST, source, out);

	if (!err)
		c->tensors[*out].data = data;
	return err;
}

struct cv_kind cv_kind_of(const struct cv *c, u32 tensor)
{
	const struct aim_tensor *t = &c->tensors[tensor].t;
	struct cv_kind k = { .type = t->type, .rank = t->rank,
			     .zero_point = t->zero_point };

	memcpy(k.dims, t->dims, sizeof(k.dims));
	memcpy(&k.scale, &t->scale_bits, sizeof(k.scale));
	return k;
}

int cv_new_op(struct cv *c, u16 code, const u32 *in, u32 nr_in, const u32 *out,
	      u32 nr_out, struct aim_op **op)
{
	struct cv_op *n;
	int err;

	if (c->nr_ops == AIM_MAX_OPS)
		return cv_refuse(c, -E2BIG, "the model needs more than %u operators",
				 AIM_MAX_OPS);
	if (c->nr_operands + nr_in + nr_out > AIM_MAX_OPERANDS)
		return cv_refuse(c, -E2BIG, "the model needs more than %u operands",
				 AIM_MAX_OPERANDS);
	c->ops = cv_grow(c, c->ops, c->nr_ops, 1, &c->room_ops,
			 sizeof(*c->ops), &err);
	if (err)
		return err;
	c->operands = cv_grow(c, c->operands, c->nr_operands, nr_in + nr_out,
			      &c->room_operands, sizeof(*c->operands), &err);
	if (err)
		return err;
	n = &c->ops[c->nr_ops++];
	memset(n, 0, sizeof(*n));
	n->source = c->op ? c->op_index : CV_NONE;
	n->op.code = code;
	n->op.nr_inputs = (u16)nr_in;
	n->op.nr_outputs = (u16)nr_out;
	n->op.operands = c->nr_operands;
	memcpy(c->operands + c->nr_operands, in, nr_in * sizeof(*in));
	memcpy(c->operands + c->nr_operands + nr_in, out, nr_out * sizeof(*out));
	c->nr_operands += nr_in + nr_out;
	*op = &n->op;
	return 0;
}

int cv_new_unary(struct cv *c, u16 code, u32 in, u32 out, struct aim_op **op)
{
	return cv_new_op(c, code, &in, 1, &out, 1, op);
}

int cv_new_lut(struct cv *c, u32 in, u32 out, const u8 table[256])
{
	struct cv_kind kind = { .type = c->tensors[out].t.type, .rank = 1,
				.dims = { 256 } };
	struct aim_op *op;
	u32 operands[2];
	u8 *copy;
	int err;

	copy = cv_alloc(c, 256, &err);
	if (err)
		return err;
	memcpy(copy, table, 256);
	operands[0] = in;
	err = cv_new_const(c, &kind, copy, CV_NONE, &operands[1]);
	if (err)
		return err;
	return cv_new_op(c, AIM_OP_LUT8, operands, 2, &out, 1, &op);
}

int cv_new_reshape(struct cv *c, u32 in, u32 rank, const u32 *dims, u32 *out)
{
	struct cv_kind kind = cv_kind_of(c, in);
	struct aim_op *op;
	int err;

	kind.rank = (u8)rank;
	memcpy(kind.dims, dims, rank * sizeof(*dims));
	err = cv_new_tensor(c, &kind, AIM_PLACE_ARENA, CV_NONE, out);
	if (err)
		return err;
	return cv_new_unary(c, AIM_OP_RESHAPE, in, *out, &op);
}

int cv_new_requants(struct cv *c, u32 n, u32 *first)
{
	int err;

	c->requants = cv_grow(c, c->requants, c->nr_requants, n,
			      &c->room_requants, sizeof(*c->requants), &err);
	if (err)
		return err;
	*first = c->nr_requants;
	c->nr_requants += n;
	return 0;
}

int cv_new_scales(struct cv *c, u32 n, u32 *first)
{
	int err;

	c->scales = cv_grow(c, c->scales, c->nr_scales, n,
			    &c->room_scales, sizeof(*c->scales), &err);
	if (err)
		return err;
	*first = c->nr_scales;
	c->nr_scales += n;
	return 0;
}
