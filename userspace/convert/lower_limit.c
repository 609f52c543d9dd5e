// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Operators that the format has no code for, but that others express exactly:
 * limits, PRELU, maxima over an image, division by constants, casts to float.
 */
#include <math.h>

#include "lower.h"

static int f32_only(struct cv *c, u32 tensor)
{
	if (c->tensors[tensor].t.type == AIM_TYPE_F32)
		return 0;
	return cv_refuse(c, -EOPNOTSUPP, "an input of type %s is not supported here",
			 tfl_type_name(c->m->tensors[cv_input(c, 0)].type));
}

/* y = x within [lo, hi], for float: x + 0, whose result is clamped. */
static int limit_f32(struct cv *c, u32 x, u32 y, float lo, float hi)
{
	static const u8 zero[4];
	const struct cv_kind scalar = { .type = AIM_TYPE_F32 };
	u32 in[2] = { x, 0 };
	struct aim_op *op;
	int err;

	err = cv_new_const(c, &scalar, zero, CV_NONE, &in[1]);
	if (!err)
		err = cv_new_op(c, AIM_OP_ADD, in, 2, &y, 1, &op);
	if (err)
		return err;
	op->p.binary.clamp.min = (s32)float_bits(lo);
	op->p.binary.clamp.max = (s32)float_bits(hi);
	return 0;
}

static int limit_8bit(struct cv *c, u32 x, u32 y, s32 limit, bool maximum)
{
	u8 table[256];
	s32 i;
	int err = cv_same_quant(c, cv_input(c, 0), cv_input(c, 1));

	if (!err)
		err = cv_same_quant(c, cv_input(c, 0), cv_output(c, 0));
	for (i = -128; !err && i < 128; i++)
		table[(u8)i] = (u8)(maximum == (i < limit) ? limit : i);
	return err ? err : cv_new_lut(c, x, y, table);
}

/* MAXIMUM and MINIMUM of a tensor and a constant number. */
static int lower_limit(struct cv *c, bool maximum)
{
	u32 x, limit, y, k;
	const u8 *data;
	float f;
	int err;

	err = cv_arity(c, 2, 2, 1);
	if (err)
		return err;
	k = cv_is_const(c, cv_input(c, 0)) ? 0 : 1;
	if (!cv_is_const(c, cv_input(c, k)))
		return cv_refuse(c, -EOPNOTSUPP,
				 "is supported with one constant input only");
	err = cv_signed(c, cv_input(c, !k), &x);
	if (!err)
		err = cv_signed(c, cv_input(c, k), &limit);
	if (!err && (c->tensors[x].t.type != c->tensors[limit].t.type ||
		     cv_count(&c->tensors[limit].t) != 1))
		err = cv_refuse(c, -EOPNOTSUPP,
				"its constant must be a single number of its input's type");
	if (!err)
		err = cv_result_moved(c, cv_output(c, 0), x,
				      c->tensors[x].t.rank,
				      c->tensors[x].t.dims, &y);
	if (err)
		return err;
	data = c->tensors[limit].data;
	if (c->tensors[x].t.type == AIM_TYPE_S8)
		return limit_8bit(c, x, y, (s8)data[0], maximum);
	memcpy(&f, data, sizeof(f));
	err = f32_only(c, x);
	if (!err && isnan(f))
		err = cv_refuse(c, -EINVAL, "its constant is not a number");
	return err ? err : limit_f32(c, x, y, maximum ? f : -INFINITY,
				     maximum ? INFINITY : f);
}

int cv_lower_maximum(struct cv *c)
{
	return lower_limit(c, true);
}

int cv_lower_minimum(struct cv *c)
{
	return lower_limit(c, false);
}

/* max(x, 0) + alpha * min(x, 0): one of both is 0, so nothing is rounded twice */
int cv_lower_prelu(struct cv *c)
{
	const struct aim_clamp open = { (s32)float_bits(-INFINITY),
					(s32)float_bits(INFINITY) };
	u32 x, alpha, y, above, below[2], sum[2];
	struct cv_kind k;
	struct aim_op *op;
	int err;

	err = cv_arity(c, 2, 2, 1);
	if (!err)
		err = cv_native(c, cv_input(c, 0), &x);
	if (!err)
		err = f32_only(c, x);
	if (!err && !cv_is_const(c, cv_input(c, 1)))
		err = cv_refuse(c, -EOPNOTSUPP, "its slopes must be constant");
	if (!err)
		err = cv_native(c, cv_input(c, 1), &alpha);
	if (!err)
		err = f32_only(c, alpha);
	if (err)
		return err;
	k = cv_kind_of(c, x);
	err = cv_result_moved(c, cv_output(c, 0), x, k.rank, k.dims, &y);
	if (!err)
		err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, &above);
	if (!err)
		err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, &below[0]);
	if (!err)
		err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, &sum[1]);
	if (!err)
		err = limit_f32(c, x, above, 0, INFINITY);
	if (!err)
		err = limit_f32(c, x, below[0], -INFINITY, 0);
	below[1] = alpha;
	if (!err)
		err = cv_new_op(c, AIM_OP_MUL, below, 2, &sum[1], 1, &op);
	if (err)
		return err;
	op->p.binary.clamp = open;
	sum[0] = above;
	err = cv_new_op(c, AIM_OP_ADD, sum, 2, &y, 1, &op);
	if (!err)
		op->p.binary.clamp = open;
	return err;
}

int cv_lower_relu_0_to_1(struct cv *c)
{
	u32 x, y;
	int err;

	err = cv_arity(c, 1, 1, 1);
	if (!err)
		err = cv_native(c, cv_input(c, 0), &x);
	if (!err)
		err = f32_only(c, x);
	if (!err)
		err = cv_result_moved(c, cv_output(c, 0), x,
				      c->tensors[x].t.rank,
				      c->tensors[x].t.dims, &y);
	return err ? err : limit_f32(c, x, y, 0, 1);
}

/* A maximum over height and width is a pool with one window. */
int cv_lower_reduce_max(struct cv *c)
{
	struct aim_p_pool p = { .stride_h = 1, .stride_w = 1 };
	s64 axes[2] = { 0, 0 };
	struct fb_table o;
	struct cv_kind k;
	struct aim_op *op;
	u32 x, y = 0, whole, n = 0;
	int err;

	err = cv_arity(c, 2, 2, 1);
	if (!err)
		err = cv_options(c, TFL_OPT_REDUCER, &o);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), &x);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 1), axes, 2, &n);
	if (err)
		return err;
	k = cv_kind_of(c, x);
	if (k.rank != 4 || n != 2 || (axes[0] & 3) + (axes[1] & 3) != 3 ||
	    !(axes[0] & 3) || !(axes[1] & 3) || axes[0] < -4 || axes[0] > 3 ||
	    axes[1] < -4 || axes[1] > 3)
		return cv_refuse(c, -EOPNOTSUPP,
				 "is supported over height and width of an image only");
	p.kernel_h = k.dims[1];
	p.kernel_w = k.dims[2];
	if ((u64)p.kernel_h * p.kernel_w > AIM_MAX_WINDOW)
		return cv_refuse(c, -E2BIG, "its window of %u by %u is too large",
				 p.kernel_h, p.kernel_w);
	if (k.type == AIM_TYPE_S8)
		err = cv_same_quant(c, cv_input(c, 0), cv_output(c, 0));
	k.dims[1] = 1;
	k.dims[2] = 1;
	if (!err)
		err = fb_u8(&o, 0, 0) ?
		      cv_result_moved(c, cv_output(c, 0), x, 4, k.dims, &y) :
		      cv_result_moved(c, cv_output(c, 0), x, 2,
				      (const u32[]){ k.dims[0], k.dims[3] }, &y);
	whole = y;
	if (!err && c->tensors[y].t.rank != 4)
		err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, &whole);
	if (!err)
		err = cv_clamp(c, TFL_ACT_NONE, whole, &p.clamp);
	if (!err)
		err = cv_new_unary(c, AIM_OP_MAXPOOL, x, whole, &op);
	if (err)
		return err;
	op->p.pool = p;
	return whole == y ? 0 : cv_new_unary(c, AIM_OP_RESHAPE, whole, y, &op);
}

/* Division by constants: multiplication with what they are the inverse of. */
int cv_lower_div(struct cv *c)
{
	u32 in[2], y, rank = 0, dims[AIM_MAX_RANK];
	struct aim_clamp clamp;
	struct fb_table o;
	struct cv_kind k;
	struct aim_op *op;
	u8 *inverse;
	u64 i, n;
	int err;

	err = cv_arity(c, 2, 2, 1);
	if (!err)
		err = cv_options(c, TFL_OPT_DIV, &o);
	if (!err)
		err = cv_native(c, cv_input(c, 0), &in[0]);
	if (!err && !cv_is_const(c, cv_input(c, 1)))
		err = cv_refuse(c, -EOPNOTSUPP, "its divisor must be constant");
	if (!err)
		err = cv_native(c, cv_input(c, 1), &in[1]);
	if (!err)
		err = f32_only(c, in[0]);
	if (!err)
		err = f32_only(c, in[1]);
	if (!err)
		err = cv_broadcast_shape(c, in[0], in[1], &rank, dims);
	if (err)
		return err;
	k = cv_kind_of(c, in[1]);
	n = cv_count(&c->tensors[in[1]].t);
	inverse = cv_alloc(c, n * 4, &err);
	for (i = 0; !err && i < n; i++) {
		float f;

		memcpy(&f, c->tensors[in[1]].data + 4 * i, 4);
		f = 1.0f / f;
		if (!isfinite(f) || !f)
			return cv_refuse(c, -EINVAL,
					 "a divisor has no inverse that is a float");
		memcpy(inverse + 4 * i, &f, 4);
	}
	if (!err)
		err = cv_new_const(c, &k, inverse, CV_NONE, &in[1]);
	if (!err)
		err = cv_result(c, cv_output(c, 0), rank, dims, &y);
	if (!err)
		err = cv_same_type(c, in[0], y);
	if (!err)
		err = cv_clamp(c, fb_u8(&o, 0, 0), y, &clamp);
	if (!err)
		err = cv_new_op(c, AIM_OP_MUL, in, 2, &y, 1, &op);
	if (!err)
		op->p.binary.clamp = clamp;
	return err;
}

/* To float: values as they are, which is a scale of 1. */
int cv_lower_cast(struct cv *c)
{
	struct cv_kind k;
	struct aim_op *op;
	u32 x, y, plain;
	int err;

	err = cv_arity(c, 1, 1, 1);
	if (!err && cv_ints_known(c, cv_input(c, 0)))
		return cv_ints_join(c);
	if (!err)
		err = cv_native(c, cv_input(c, 0), &x);
	if (err)
		return err;
	k = cv_kind_of(c, x);
	err = cv_result(c, cv_output(c, 0), k.rank, k.dims, &y);
	if (!err && (k.type == AIM_TYPE_F32 || k.type == AIM_TYPE_S32 ||
		     c->tensors[y].t.type != AIM_TYPE_F32))
		err = cv_refuse(c, -EOPNOTSUPP,
				"from %s to %s is not supported; only 8 and 16 bits to float32 are",
				tfl_type_name(c->m->tensors[cv_input(c, 0)].type),
				tfl_type_name(c->m->tensors[cv_output(c, 0)].type));
	k.scale = 1;
	k.zero_point = 0;
	if (!err)
		err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, &plain);
	if (!err)
		err = cv_new_unary(c, AIM_OP_RESHAPE, x, plain, &op);
	return err ? err : cv_new_unary(c, AIM_OP_DEQUANTIZE, plain, y, &op);
}
