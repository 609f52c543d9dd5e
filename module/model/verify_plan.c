// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * The arena plan: a tensor lives from the operator that writes it to the last
 * one that reads it, and no two that live at the same time share a byte. The
 * one exception is an operator that may work in place on an input which it is
 * the last to read.
 *
 * The operators are walked in order with the set of what lives. The set is
 * bounded by AIM_MAX_LIVE, which keeps the walk linear.
 */
#include "verify_internal.h"

static void live_remove(struct aim_ctx *c, u32 tensor)
{
	struct aim_vtensor *s = &c->state[tensor];
	struct aim_vlive *last = &c->live[--c->nr_live];

	c->live[s->slot] = *last;
	c->state[last->tensor].slot = s->slot;
	s->alive = 0;
}

static bool may_be_in_place(const struct aim_op *op)
{
	return op->code == AIM_OP_RESHAPE || op->code == AIM_OP_LUT8;
}

/* Is the living tensor @l input 0 of operator @i, read here for the last time? */
static bool dies_under(const struct aim_ctx *c, u32 i, const struct aim_vlive *l,
		       u64 begin, u64 end)
{
	const struct aim_op *op = &c->v->ops[i];

	return may_be_in_place(op) &&
	       c->v->operands[op->operands] == l->tensor &&
	       c->state[l->tensor].reader == i + 1 &&
	       l->begin == begin && l->end == end;
}

static int live_add(struct aim_ctx *c, u32 i, u32 tensor)
{
	const struct aim_tensor *t = &c->v->tensors[tensor];
	struct aim_vtensor *s = &c->state[tensor];
	u64 begin = t->offset, end = t->offset + t->bytes;
	u32 k;

	for (k = 0; k < c->nr_live; k++) {
		const struct aim_vlive *l = &c->live[k];

		if (end <= l->begin || l->end <= begin)
			continue;
		if (dies_under(c, i, l, begin, end))
			continue;
		return aim_refuse_tensors(c, -EINVAL,
					  "overlap in the arena while both are in use",
					  l->tensor, tensor);
	}
	if (c->nr_live == AIM_MAX_LIVE)
		return aim_refuse_got(c, -E2BIG,
				      "too many arena tensors are in use at one time",
				      AIM_MAX_LIVE + 1);
	s->slot = c->nr_live;
	s->alive = 1;
	c->live[c->nr_live++] = (struct aim_vlive){ begin, end, tensor, 0 };
	return 0;
}

static int plan_op(struct aim_ctx *c, u32 i)
{
	const struct aim_op *op = &c->v->ops[i];
	const u32 *operands = &c->v->operands[op->operands];
	u32 nr = op->nr_inputs + op->nr_outputs;
	u32 k;
	int err;

	for (k = op->nr_inputs; k < nr; k++) {
		if (c->v->tensors[operands[k]].place != AIM_PLACE_ARENA)
			continue;
		err = live_add(c, i, operands[k]);
		if (err)
			return err;
	}
	for (k = 0; k < nr; k++) {
		u32 t = operands[k];

		/* read here for the last time, or written and never read */
		if (t != AIM_NO_TENSOR && c->state[t].alive &&
		    c->state[t].reader <= i + 1)
			live_remove(c, t);
	}
	return 0;
}

int aim_check_plan(struct aim_ctx *c)
{
	u32 i;
	int err;

	c->nr_live = 0;
	c->subject = AIM_SUBJ_OP;
	for (i = 0; i < c->v->nr_ops; i++) {
		c->index = i;
		err = plan_op(c, i);
		if (err)
			return err;
		aim_relax();
	}
	return 0;
}
