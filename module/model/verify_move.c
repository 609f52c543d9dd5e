// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* Operators that move values and compute nothing. */
#include "verify_internal.h"

static bool value_fits(u32 type, s32 value)
{
	switch (type) {
	case AIM_TYPE_S8:
		return value >= -128 && value <= 127;
	case AIM_TYPE_U8:
		return value >= 0 && value <= 255;
	case AIM_TYPE_S16:
		return value >= -32768 && value <= 32767;
	default:	/* bits of an fp32: any */
		return true;
	}
}

static int check_concat_input(struct aim_ctx *c, const struct aim_tensor *x,
			      const struct aim_tensor *y, u32 axis)
{
	u32 i;

	if (x->type != y->type)
		return aim_refuse(c, -EINVAL,
				  "inputs and output have different element types");
	if (x->scale_bits != y->scale_bits || x->zero_point != y->zero_point)
		return aim_refuse(c, -EINVAL,
				  "inputs and output are quantised differently");
	if (x->rank != y->rank)
		return aim_refuse_pair(c, -EINVAL, "rank of an input", x->rank,
				       y->rank);
	for (i = 0; i < y->rank; i++)
		if (i != axis && x->dims[i] != y->dims[i])
			return aim_refuse_pair(c, -EINVAL,
					       "a dimension of an input",
					       x->dims[i], y->dims[i]);
	return 0;
}

int aim_check_concat(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_tensor *y = aim_out(c->v, op, 0);
	u32 axis = op->p.concat.axis;
	u64 sum = 0;
	u32 i;
	int err;

	if (axis >= y->rank)
		return aim_refuse_got(c, -EINVAL, "axis is not a dimension", axis);
	for (i = 0; i < op->nr_inputs; i++) {
		const struct aim_tensor *x = aim_operand(c->v, op, i);

		err = check_concat_input(c, x, y, axis);
		if (err)
			return err;
		sum += x->dims[axis];
	}
	return aim_check_dim(c, y, axis, sum, "the output along the axis");
}

int aim_check_pad(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_p_pad *p = &op->p.pad;
	const struct aim_tensor *x = aim_operand(c->v, op, 0);
	const struct aim_tensor *y = aim_out(c->v, op, 0);
	u32 i;
	int err;

	err = aim_check_rank(c, y, x->rank, "rank of the output");
	for (i = 0; !err && i < x->rank; i++)
		err = aim_check_dim(c, y, i,
				    (u64)x->dims[i] + p->before[i] + p->after[i],
				    "a dimension of the output");
	if (!err)
		err = aim_check_zero(c, p->before, x->rank, AIM_MAX_RANK);
	if (!err)
		err = aim_check_zero(c, p->after, x->rank, AIM_MAX_RANK);
	if (err)
		return err;
	if (!value_fits(x->type, p->value))
		return aim_refuse_got(c, -EINVAL,
				      "its value is out of the type's range",
				      p->value);
	return 0;
}

int aim_check_reshape(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_tensor *x = aim_operand(c->v, op, 0);
	const struct aim_tensor *y = aim_out(c->v, op, 0);

	if (x->bytes != y->bytes)
		return aim_refuse_pair(c, -EINVAL, "bytes of the output",
				       y->bytes, x->bytes);
	return 0;
}

int aim_check_transpose(struct aim_ctx *c, const struct aim_op *op)
{
	const u32 *perm = op->p.transpose.perm;
	const struct aim_tensor *x = aim_operand(c->v, op, 0);
	const struct aim_tensor *y = aim_out(c->v, op, 0);
	u32 seen = 0, i;
	int err;

	err = aim_check_rank(c, y, x->rank, "rank of the output");
	if (err)
		return err;
	for (i = 0; i < x->rank; i++) {
		if (perm[i] >= x->rank || (seen >> perm[i] & 1))
			return aim_refuse_got(c, -EINVAL,
					      "perm is not a permutation, entry",
					      perm[i]);
		seen |= 1U << perm[i];
		err = aim_check_dim(c, y, i, x->dims[perm[i]],
				    "a dimension of the output");
		if (err)
			return err;
	}
	return aim_check_zero(c, perm, x->rank, AIM_MAX_RANK);
}

int aim_check_slice(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_p_slice *p = &op->p.slice;
	const struct aim_tensor *x = aim_operand(c->v, op, 0);
	const struct aim_tensor *y = aim_out(c->v, op, 0);
	u32 i;
	int err;

	err = aim_check_rank(c, y, x->rank, "rank of the output");
	if (err)
		return err;
	for (i = 0; i < x->rank; i++) {
		/* at most 2^32 + 2^24 * 2^32 */
		u64 last = p->begin[i] + (u64)(y->dims[i] - 1) * p->stride[i];

		if (!p->stride[i] || p->stride[i] > AIM_MAX_DIM)
			return aim_refuse_got(c, -EINVAL,
					      "a stride is not in 1..2^24",
					      p->stride[i]);
		if (last >= x->dims[i])
			return aim_refuse_got(c, -EINVAL,
					      "reaches past the input in dimension",
					      i);
	}
	err = aim_check_zero(c, p->begin, x->rank, AIM_MAX_RANK);
	if (!err)
		err = aim_check_zero(c, p->stride, x->rank, AIM_MAX_RANK);
	return err;
}
