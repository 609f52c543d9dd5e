// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The arena plan. A tensor needs its bytes from the operator that writes it to
 * the last one that reads it. Operators that may work in place do so where
 * their input ends there: both tensors then form a group with one place.
 * Groups are placed largest first, each at the lowest gap that is free during
 * its life, which comes close to the best possible in practice.
 */
#include <stdlib.h>

#include "finish.h"

/* A group of tensors that share their place: bytes from..last inclusive. */
struct span {
	u64 bytes;
	u64 offset;
	u32 first, last;
	u32 root;
};

static u32 *op_inputs(struct cv *c, const struct cv_op *op)
{
	return c->operands + op->op.operands;
}

static u32 *op_outputs(struct cv *c, const struct cv_op *op)
{
	return op_inputs(c, op) + op->op.nr_inputs;
}

/* Walking back from the outputs: an operator lives if a result of it is used. */
static int mark_live(struct cv *c)
{
	bool *used = calloc(c->nr_tensors + 1, sizeof(*used));
	u32 i, k;

	if (!used)
		return cv_refuse(c, -ENOMEM, "out of memory");
	for (i = c->nr_ops; i-- > 0;) {
		struct cv_op *op = &c->ops[i];

		op->live = false;
		for (k = 0; k < op->op.nr_outputs; k++) {
			u32 t = op_outputs(c, op)[k];

			if (used[t] || c->tensors[t].t.place == AIM_PLACE_OUTPUT)
				op->live = true;
		}
		for (k = 0; op->live && k < op->op.nr_inputs; k++)
			if (op_inputs(c, op)[k] != CV_NONE)
				used[op_inputs(c, op)[k]] = true;
	}
	free(used);
	return 0;
}

static void drop_dead(struct cv *c)
{
	u32 i, n = 0;

	for (i = 0; i < c->nr_ops; i++)
		if (c->ops[i].live)
			c->ops[n++] = c->ops[i];
	c->nr_ops = n;
}

static void touch(struct cv_tensor *t, u32 op)
{
	if (t->first == CV_NONE)
		t->first = op;
	t->last = op;
}

static void set_lives(struct cv *c)
{
	u32 i, k;

	for (i = 0; i < c->nr_ops; i++) {
		struct cv_op *op = &c->ops[i];

		for (k = 0; k < op->op.nr_inputs + (u32)op->op.nr_outputs; k++)
			if (op_inputs(c, op)[k] != CV_NONE)
				touch(&c->tensors[op_inputs(c, op)[k]], i);
	}
}

static bool in_place(const struct cv *c, u32 op, u32 x, u32 y)
{
	const struct cv_tensor *tx = &c->tensors[x], *ty = &c->tensors[y];
	u16 code = c->ops[op].op.code;

	return (code == AIM_OP_RESHAPE || code == AIM_OP_LUT8) &&
	       tx->t.place == AIM_PLACE_ARENA && ty->t.place == AIM_PLACE_ARENA &&
	       tx->last == op && tx->t.bytes == ty->t.bytes;
}

/* Tensors are written in order, so a group's root is met before its members. */
static void set_groups(struct cv *c)
{
	u32 i;

	for (i = 0; i < c->nr_tensors; i++)
		c->tensors[i].group = i;
	for (i = 0; i < c->nr_ops; i++) {
		u32 x = op_inputs(c, &c->ops[i])[0];
		u32 y = op_outputs(c, &c->ops[i])[0];

		if (x != CV_NONE && in_place(c, i, x, y))
			c->tensors[y].group = c->tensors[x].group;
	}
}

static int by_size(const void *pa, const void *pb)
{
	const struct span *a = pa, *b = pb;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return a->root < b->root ? -1 : 1;
}

static u32 collect_spans(struct cv *c, struct span *spans, u32 *span_of)
{
	u32 i, n = 0;

	for (i = 0; i < c->nr_tensors; i++) {
		struct cv_tensor *t = &c->tensors[i];

		if (t->t.place != AIM_PLACE_ARENA || t->first == CV_NONE ||
		    t->group != i)
			continue;
		span_of[i] = n;
		spans[n++] = (struct span){
			.bytes = (t->t.bytes + AIM_ALIGN - 1) / AIM_ALIGN * AIM_ALIGN,
			.first = t->first, .last = t->last, .root = i,
		};
	}
	for (i = 0; i < c->nr_tensors; i++) {
		struct cv_tensor *t = &c->tensors[i];
		struct span *s;

		if (t->t.place != AIM_PLACE_ARENA || t->first == CV_NONE)
			continue;
		s = &spans[span_of[t->group]];
		if (t->last > s->last)
			s->last = t->last;
	}
	return n;
}

/*
 * Place span number @n among the ones before it; @order holds those by offset.
 * @order stays sorted.
 */
static void place(struct span *spans, u32 n, u32 *order)
{
	struct span *s = &spans[n];
	u64 at = 0;
	u32 i, pos;

	for (i = 0; i < n; i++) {
		const struct span *o = &spans[order[i]];

		if (o->last < s->first || s->last < o->first)
			continue;
		if (o->offset >= at + s->bytes)
			break;
		if (o->offset + o->bytes > at)
			at = o->offset + o->bytes;
	}
	s->offset = at;
	for (pos = n; pos > 0 && spans[order[pos - 1]].offset > at; pos--)
		order[pos] = order[pos - 1];
	order[pos] = n;
}

static int place_all(struct cv *c, struct span *spans, u32 *index, u32 *order)
{
	u32 i, n = collect_spans(c, spans, index);

	qsort(spans, n, sizeof(*spans), by_size);
	for (i = 0; i < n; i++) {
		struct span *s = &spans[i];

		place(spans, i, order);
		c->tensors[s->root].t.offset = s->offset;
		if (s->offset + s->bytes > c->arena_bytes)
			c->arena_bytes = s->offset + s->bytes;
		if (c->arena_bytes > AIM_MAX_ARENA_BYTES)
			return cv_refuse(c, -E2BIG,
					 "the model needs more than 1 GiB of work memory");
	}
	for (i = 0; i < c->nr_tensors; i++)
		if (c->tensors[i].t.place == AIM_PLACE_ARENA)
			c->tensors[i].t.offset =
				c->tensors[c->tensors[i].group].t.offset;
	return 0;
}

int cv_plan(struct cv *c)
{
	struct span *spans;
	u32 *index, *order;
	int err = mark_live(c);

	if (err)
		return err;
	drop_dead(c);
	set_lives(c);
	set_groups(c);
	spans = calloc(c->nr_tensors + 1, sizeof(*spans));
	index = calloc(c->nr_tensors + 1, sizeof(*index));
	order = calloc(c->nr_tensors + 1, sizeof(*order));
	if (spans && index && order)
		err = place_all(c, spans, index, order);
	else
		err = cv_refuse(c, -ENOMEM, "out of memory");
	free(spans);
	free(index);
	free(order);
	return err;
}
