// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Operators that move elements: each is one or more strided copies.
 */
#include "program.h"

#define MAX_LANES	16	/* channels that are interleaved pixel by pixel */
#define SHORT_RUN	8	/* innermost runs below this are worth turning */

/* Strides of a dense tensor, in elements. */
static void dense(const u32 *dims, u32 rank, size_t *strides)
{
	size_t step = 1;
	u32 i = rank;

	while (i-- > 0) {
		strides[i] = step;
		step *= dims[i];
	}
}

static void walk_dims(struct eng_walk *w, const struct aim_tensor *t)
{
	u32 i;

	w->rank = t->rank;
	for (i = 0; i < t->rank; i++)
		w->dims[i] = t->dims[i];
}

/* The order of a copy is free: let the longest dimension run innermost. */
static void turn(struct eng_walk *w)
{
	u32 last = w->rank - 1;
	u32 i, longest = last;
	struct eng_walk old = *w;

	if (w->dims[last] >= SHORT_RUN)
		return;
	for (i = 0; i < last; i++)
		if (w->dims[i] > w->dims[longest])
			longest = i;
	w->dims[longest] = old.dims[last];
	w->xs[longest] = old.xs[last];
	w->ys[longest] = old.ys[last];
	w->dims[last] = old.dims[longest];
	w->xs[last] = old.xs[longest];
	w->ys[last] = old.ys[longest];
}

/* A merged walk that goes from planes to channels of bytes? */
static bool interleaves(const struct eng_walk *w, u32 size)
{
	return size == 1 && w->rank == 2 && w->xs[0] == 1 && w->ys[1] == 1 &&
	       w->dims[1] > 1 && w->dims[1] <= MAX_LANES &&
	       w->ys[0] == w->dims[1];
}

static int add_copy(struct eng_compiler *c, u32 x, u32 y,
		    const struct eng_walk *walk, size_t x_at, size_t y_at)
{
	u32 size = aim_type_size(c->view->tensors[x].type);
	struct eng_task *t = eng_new_task(c, eng_run_copy, x, AIM_NO_TENSOR, y);
	struct eng_walk *w;
	u32 i;

	if (!t)
		return -ENOMEM;
	t->x.at = x_at * size;
	t->y.at = y_at * size;
	t->p.copy.size = size;
	w = &t->p.copy.walk;
	*w = *walk;
	eng_walk_merge(w);
	if (interleaves(w, size)) {
		t->p.copy.lanes = w->dims[1];
		t->units = w->dims[0];
		t->unit_cost = eng_scalar_cost(c, 10) * w->dims[1];
		return 0;
	}
	turn(w);
	t->units = 1;
	for (i = 0; i < w->rank; i++)
		t->units *= w->dims[i];
	if (w->dims[w->rank - 1] < SHORT_RUN)
		t->unit_cost = eng_scalar_cost(c, 40);
	else if (w->xs[w->rank - 1] != 1 || w->ys[w->rank - 1] != 1)
		t->unit_cost = eng_scalar_cost(c, 10);
	else
		t->unit_cost = eng_scalar_cost(c, size / 2);
	return 0;
}

static int lower_concat(struct eng_compiler *c, const struct aim_op *op)
{
	const struct aim_tensor *y = aim_out(c->view, op, 0);
	u32 axis = op->p.concat.axis;
	struct eng_walk w = { 0 };
	size_t at = 0;
	u32 i;
	int err;

	dense(y->dims, y->rank, w.ys);
	for (i = 0; i < op->nr_inputs; i++) {
		const struct aim_tensor *x = aim_operand(c->view, op, i);

		walk_dims(&w, x);
		dense(x->dims, x->rank, w.xs);
		err = add_copy(c, eng_operand(c, op, i), eng_output(c, op), &w,
			       0, at);
		if (err)
			return err;
		at += x->dims[axis] * w.ys[axis];
	}
	return 0;
}

static int lower_pad(struct eng_compiler *c, const struct aim_op *op)
{
	const struct aim_tensor *x = aim_operand(c->view, op, 0);
	const struct aim_tensor *y = aim_out(c->view, op, 0);
	struct eng_walk w = { 0 };
	struct eng_task *t;
	size_t at = 0;
	u32 i;

	walk_dims(&w, x);
	dense(x->dims, x->rank, w.xs);
	dense(y->dims, y->rank, w.ys);
	for (i = 0; i < x->rank; i++)
		at += op->p.pad.before[i] * w.ys[i];
	if (x->bytes != y->bytes) {
		t = eng_new_task(c, eng_run_fill, AIM_NO_TENSOR, AIM_NO_TENSOR,
				 eng_output(c, op));
		if (!t)
			return -ENOMEM;
		t->p.fill.size = aim_type_size(y->type);
		t->p.fill.value = (u32)op->p.pad.value;
		t->units = eng_elements(y);
		t->unit_cost = eng_scalar_cost(c, t->p.fill.size / 2);
	}
	return add_copy(c, eng_operand(c, op, 0), eng_output(c, op), &w, 0, at);
}

static int lower_reshape(struct eng_compiler *c, const struct aim_op *op)
{
	const struct aim_tensor *x = aim_operand(c->view, op, 0);
	u32 from = eng_operand(c, op, 0), to = eng_output(c, op);
	struct eng_walk w = { 0 };

	if (c->info[from].root == c->info[to].root)
		return 0;
	walk_dims(&w, x);
	dense(x->dims, x->rank, w.xs);
	dense(x->dims, x->rank, w.ys);
	return add_copy(c, from, to, &w, 0, 0);
}

static int lower_transpose(struct eng_compiler *c, const struct aim_op *op)
{
	const struct aim_tensor *x = aim_operand(c->view, op, 0);
	const struct aim_tensor *y = aim_out(c->view, op, 0);
	size_t strides[AIM_MAX_RANK];
	struct eng_walk w = { 0 };
	u32 i;

	dense(x->dims, x->rank, strides);
	walk_dims(&w, y);
	dense(y->dims, y->rank, w.ys);
	for (i = 0; i < y->rank; i++)
		w.xs[i] = strides[op->p.transpose.perm[i]];
	return add_copy(c, eng_operand(c, op, 0), eng_output(c, op), &w, 0, 0);
}

static int lower_slice(struct eng_compiler *c, const struct aim_op *op)
{
	const struct aim_tensor *x = aim_operand(c->view, op, 0);
	const struct aim_tensor *y = aim_out(c->view, op, 0);
	size_t strides[AIM_MAX_RANK];
	struct eng_walk w = { 0 };
	size_t at = 0;
	u32 i;

	dense(x->dims, x->rank, strides);
	walk_dims(&w, y);
	dense(y->dims, y->rank, w.ys);
	for (i = 0; i < y->rank; i++) {
		w.xs[i] = strides[i] * op->p.slice.stride[i];
		at += strides[i] * op->p.slice.begin[i];
	}
	return add_copy(c, eng_operand(c, op, 0), eng_output(c, op), &w, at, 0);
}

int eng_lower_move(struct eng_compiler *c, const struct aim_op *op)
{
	switch (op->code) {
	case AIM_OP_CONCAT:
		return lower_concat(c, op);
	case AIM_OP_PAD:
		return lower_pad(c, op);
	case AIM_OP_RESHAPE:
		return lower_reshape(c, op);
	case AIM_OP_TRANSPOSE:
		return lower_transpose(c, op);
	case AIM_OP_SLICE:
		return lower_slice(c, op);
	}
	return -EOPNOTSUPP;
}
