// SPDX-License-Identifier: LGPL-2.1-or-later
/* Pairs of tensors, means and softmax. */
#include <math.h>

#include "lower.h"

/* ---- ADD, SUB, MUL ---- */

/* An operand with as many dimensions as the result. */
static int widen(struct cv *c, u32 *tensor, u32 rank)
{
	struct cv_kind k = cv_kind_of(c, *tensor);
	u32 missing = rank - k.rank, dims[AIM_MAX_RANK], i;

	if (!missing)
		return 0;
	for (i = 0; i < rank; i++)
		dims[i] = i < missing ? 1 : k.dims[i - missing];
	if (c->tensors[*tensor].t.place != AIM_PLACE_CONST)
		return cv_new_reshape(c, *tensor, rank, dims, tensor);
	memcpy(k.dims, dims, sizeof(dims[0]) * rank);
	k.rank = (u8)rank;
	return cv_new_const(c, &k, c->tensors[*tensor].data,
			    c->tensors[*tensor].source, tensor);
}

int cv_broadcast_shape(struct cv *c, u32 a, u32 b, u32 *rank, u32 *dims)
{
	const struct aim_tensor *ta = &c->tensors[a].t, *tb = &c->tensors[b].t;
	u32 i, n = ta->rank > tb->rank ? ta->rank : tb->rank;

	for (i = 0; i < n; i++) {
		u32 da = i < n - ta->rank ? 1 : ta->dims[i - (n - ta->rank)];
		u32 db = i < n - tb->rank ? 1 : tb->dims[i - (n - tb->rank)];

		if (da != db && da != 1 && db != 1)
			return cv_refuse(c, -EINVAL,
					 "dimensions %u and %u of its inputs don't go together",
					 da, db);
		dims[i] = da > db ? da : db;
	}
	*rank = n;
	return 0;
}

static int pair_scales(struct cv *c, float s[3])
{
	s32 zp;
	int err;

	err = cv_quant(c, cv_input(c, 0), &s[0], &zp);
	if (!err)
		err = cv_quant(c, cv_input(c, 1), &s[1], &zp);
	if (!err)
		err = cv_quant(c, cv_output(c, 0), &s[2], &zp);
	return err;
}

/*
 * Sums: both inputs go to a common scale of twice the larger one, with 20 more
 * bits, and from there to that of the output.
 */
static int sum_params(struct cv *c, struct aim_p_binary *p)
{
	float s[3];
	double twice, real;
	int err = pair_scales(c, s);

	if (err)
		return err;
	p->left_shift = 20;
	twice = 2 * (s[0] > s[1] ? s[0] : s[1]);
	real = twice / (double)((float)(1 << p->left_shift) * s[2]);
	if (!(real < 1) || !quant_split(real, &p->out) ||
	    !quant_split((double)s[0] / twice, &p->a) ||
	    !quant_split((double)s[1] / twice, &p->b))
		return cv_refuse(c, -EINVAL,
				 "scales %g and %g of its inputs are too large for %g of its output",
				 (double)s[0], (double)s[1], (double)s[2]);
	return 0;
}

static int product_params(struct cv *c, struct aim_p_binary *p)
{
	float s[3], real;
	int err = pair_scales(c, s);

	if (err)
		return err;
	real = s[0] * s[1];
	real = real / s[2];
	if (!quant_split((double)real, &p->out))
		return cv_refuse(c, -EINVAL,
				 "scales %g and %g of its inputs are too large for %g of its output",
				 (double)s[0], (double)s[1], (double)s[2]);
	return 0;
}

static int pair_types(struct cv *c, u32 a, u32 b)
{
	u8 ta = c->tensors[a].t.type, tb = c->tensors[b].t.type;

	if (ta != tb || (ta != AIM_TYPE_S8 && ta != AIM_TYPE_F32))
		return cv_refuse(c, -EOPNOTSUPP,
				 "inputs of types %s and %s are not supported",
				 tfl_type_name(c->m->tensors[cv_input(c, 0)].type),
				 tfl_type_name(c->m->tensors[cv_input(c, 1)].type));
	return 0;
}

static int pair_operands(struct cv *c, u32 in[2], u32 *out)
{
	u32 rank = 0, dims[AIM_MAX_RANK];
	int err;

	err = cv_signed(c, cv_input(c, 0), &in[0]);
	if (!err)
		err = cv_signed(c, cv_input(c, 1), &in[1]);
	if (!err)
		err = pair_types(c, in[0], in[1]);
	if (!err)
		err = cv_broadcast_shape(c, in[0], in[1], &rank, dims);
	if (!err)
		err = widen(c, &in[0], rank);
	if (!err)
		err = widen(c, &in[1], rank);
	if (!err)
		err = cv_result(c, cv_output(c, 0), rank, dims, out);
	return err ? err : cv_same_type(c, in[0], *out);
}

static int lower_pair(struct cv *c, u16 code, enum tfl_options type,
		      int (*params)(struct cv *c, struct aim_p_binary *p))
{
	struct aim_p_binary p = { .left_shift = 0 };
	struct fb_table o;
	struct aim_op *op;
	u32 in[2], out;
	int err;

	err = cv_options(c, type, &o);
	if (!err)
		err = cv_arity(c, 2, 2, 1);
	if (!err && !fb_u8(&o, 0, 0) && cv_ints_known(c, cv_input(c, 0)) &&
	    cv_ints_known(c, cv_input(c, 1)))
		return cv_ints_pair(c);
	if (!err)
		err = pair_operands(c, in, &out);
	if (!err)
		err = cv_clamp(c, fb_u8(&o, 0, 0), out, &p.clamp);
	if (!err && c->tensors[out].t.type == AIM_TYPE_S8)
		err = params(c, &p);
	if (!err)
		err = cv_new_op(c, code, in, 2, &out, 1, &op);
	if (!err)
		op->p.binary = p;
	return err;
}

int cv_lower_add(struct cv *c)
{
	return lower_pair(c, AIM_OP_ADD, TFL_OPT_ADD, sum_params);
}

int cv_lower_sub(struct cv *c)
{
	return lower_pair(c, AIM_OP_SUB, TFL_OPT_SUB, sum_params);
}

int cv_lower_mul(struct cv *c)
{
	return lower_pair(c, AIM_OP_MUL, TFL_OPT_MUL, product_params);
}

/* ---- MEAN ---- */

static int mean_axes(struct cv *c, u32 rank, u32 *axes)
{
	s64 list[AIM_MAX_RANK];
	u32 n, i;
	int err;

	err = cv_const_ints(c, cv_input(c, 1), list, AIM_MAX_RANK, &n);
	if (err)
		return err;
	*axes = 0;
	for (i = 0; i < n; i++) {
		s64 a = list[i] < 0 ? list[i] + rank : list[i];

		if (a < 0 || a >= rank)
			return cv_refuse(c, -EINVAL,
					 "axis %lld is not one of its input's %u dimensions",
					 (long long)list[i], rank);
		*axes |= 1U << a;
	}
	if (!*axes)
		return cv_refuse(c, -EINVAL, "names no axis to take the mean over");
	return 0;
}

/* The engine divides this multiplier by the number of elements. */
static int mean_params(struct cv *c, struct aim_p_mean *p)
{
	float in = 0, out = 0;
	s32 zp;
	int err;

	err = cv_quant(c, cv_input(c, 0), &in, &zp);
	if (!err)
		err = cv_quant(c, cv_output(c, 0), &out, &zp);
	if (!err && !quant_split((double)in / (double)out, &p->requant))
		err = cv_refuse(c, -EINVAL, "its output's scale %g is too small",
				(double)out);
	return err;
}

int cv_lower_mean(struct cv *c)
{
	struct aim_p_mean p = { 0 };
	u32 x, y, i, rank = 0, dims[AIM_MAX_RANK];
	const struct aim_tensor *t;
	struct fb_table o;
	struct aim_op *op;
	int err;

	err = cv_arity(c, 2, 2, 1);
	if (!err)
		err = cv_options(c, TFL_OPT_REDUCER, &o);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), &x);
	if (!err)
		err = mean_axes(c, c->tensors[x].t.rank, &p.axes);
	if (err)
		return err;
	t = &c->tensors[x].t;
	for (i = 0; i < t->rank; i++) {
		bool reduced = p.axes >> i & 1;

		if (!reduced || fb_u8(&o, 0, 0))
			dims[rank++] = reduced ? 1 : t->dims[i];
	}
	err = cv_result(c, cv_output(c, 0), rank, dims, &y);
	if (!err)
		err = cv_same_type(c, x, y);
	if (!err)
		err = cv_clamp(c, TFL_ACT_NONE, y, &p.clamp);
	if (!err && c->tensors[y].t.type == AIM_TYPE_S8)
		err = mean_params(c, &p);
	if (!err)
		err = cv_new_unary(c, AIM_OP_MEAN, x, y, &op);
	if (!err)
		op->p.mean = p;
	return err;
}

/* ---- SOFTMAX ---- */

static int softmax_quant(struct cv *c, float beta, u32 y,
			 struct aim_p_softmax *p)
{
	struct cv_kind out = cv_kind_of(c, y);
	const float exact = 1.0f / 256;
	float scale = 0;
	s32 zp;
	int err;

	err = cv_quant(c, cv_input(c, 0), &scale, &zp);
	if (err)
		return err;
	if (out.zero_point != -128 ||
	    !(fabsf(out.scale - exact) <= 0.001f * exact))
		return cv_refuse(c, -EOPNOTSUPP,
				 "its output must have a scale of 1/256 and the lowest value as zero point");
	if (!quant_softmax(beta, scale, p))
		return cv_refuse(c, -EINVAL,
				 "beta %g with input scale %g is out of range",
				 (double)beta, (double)scale);
	if (out.dims[out.rank - 1] > AIM_MAX_SOFTMAX)
		return cv_refuse(c, -E2BIG,
				 "an integer softmax over %u elements is not supported; at most %u are",
				 out.dims[out.rank - 1], AIM_MAX_SOFTMAX);
	/* what the kernel computes, whatever the writer's rounding made of it */
	c->tensors[y].t.scale_bits = float_bits(exact);
	p->beta_bits = 0;
	return 0;
}

int cv_lower_softmax(struct cv *c)
{
	struct aim_p_softmax p = { 0 };
	struct fb_table o;
	struct aim_op *op;
	float beta;
	u32 x, y;
	int err;

	err = cv_arity(c, 1, 1, 1);
	if (!err)
		err = cv_options(c, TFL_OPT_SOFTMAX, &o);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), &x);
	if (err)
		return err;
	beta = fb_f32(&o, 0, 0);
	if (!quant_scale_ok(beta))
		return cv_refuse(c, -EINVAL, "beta is %g; it must be finite and above 0",
				 (double)beta);
	p.beta_bits = float_bits(beta);
	if (!c->tensors[x].t.rank)
		return cv_refuse(c, -EINVAL, "its input has no dimension");
	err = cv_result(c, cv_output(c, 0), c->tensors[x].t.rank,
			c->tensors[x].t.dims, &y);
	if (!err)
		err = cv_same_type(c, x, y);
	if (!err && c->tensors[x].t.type == AIM_TYPE_S8)
		err = softmax_quant(c, beta, y, &p);
	if (!err)
		err = cv_new_unary(c, AIM_OP_SOFTMAX, x, y, &op);
	if (!err)
		op->p.softmax = p;
	return err;
}
