// SPDX-License-Identifier: LGPL-2.1-or-later
/* Pairs of tensors, pools, means and softmax. */
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

	err = cv_arity(c, 2, 2, 1);
	if (!err)
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

/* ---- pools ---- */

/*
 * The reference rounds a uint8 average half up, an int8 one half away from
 * zero. They agree where no half can occur: where every window has an odd
 * number of elements.
 */
static bool average_has_halves(const struct aim_p_pool *p)
{
	bool padded = p->pad_top || p->pad_bottom || p->pad_left || p->pad_right;

	return padded || p->kernel_h % 2 == 0 || p->kernel_w % 2 == 0;
}

static int pool_quant(struct cv *c, const struct aim_p_pool *p, bool average)
{
	u32 x = cv_input(c, 0), y = cv_output(c, 0);

	if (c->m->tensors[x].type == TFL_FLOAT32)
		return 0;
	if (average && c->m->tensors[x].type == TFL_UINT8 &&
	    average_has_halves(p))
		return cv_refuse(c, -EOPNOTSUPP,
				 "a uint8 average over an even number of elements can't be computed exactly; quantise the model to int8");
	return cv_same_quant(c, x, y);
}

static int pool_params(struct cv *c, const struct aim_tensor *x,
		       struct aim_p_pool *p, u8 *activation, u32 dims[4])
{
	struct cv_window h, v;
	struct fb_table o;
	int err;

	if (x->rank != 4)
		return cv_refuse(c, -EINVAL, "its input must have 4 dimensions, not %u",
				 x->rank);
	err = cv_options(c, TFL_OPT_POOL_2D, &o);
	if (err)
		return err;
	v = (struct cv_window){ .in = x->dims[1], .dilation = 1,
				.stride = fb_u32(&o, 2, 0),
				.kernel = fb_u32(&o, 4, 0) };
	h = (struct cv_window){ .in = x->dims[2], .dilation = 1,
				.stride = fb_u32(&o, 1, 0),
				.kernel = fb_u32(&o, 3, 0) };
	err = cv_window(c, fb_u8(&o, 0, 0), &v);
	if (!err)
		err = cv_window(c, fb_u8(&o, 0, 0), &h);
	if (!err && (u64)v.kernel * h.kernel > AIM_MAX_WINDOW)
		err = cv_refuse(c, -E2BIG, "its window of %u by %u is too large",
				v.kernel, h.kernel);
	*p = (struct aim_p_pool){
		.kernel_h = v.kernel, .kernel_w = h.kernel,
		.stride_h = v.stride, .stride_w = h.stride,
		.pad_top = v.before, .pad_bottom = v.after,
		.pad_left = h.before, .pad_right = h.after,
	};
	*activation = fb_u8(&o, 5, 0);
	dims[0] = x->dims[0];
	dims[1] = v.out;
	dims[2] = h.out;
	dims[3] = x->dims[3];
	return err;
}

static int lower_pool(struct cv *c, u16 code)
{
	struct aim_p_pool p;
	struct aim_op *op;
	u32 x, y, dims[4];
	u8 activation = 0;
	int err;

	err = cv_arity(c, 1, 1, 1);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), &x);
	if (!err)
		err = pool_params(c, &c->tensors[x].t, &p, &activation, dims);
	if (!err)
		err = cv_result(c, cv_output(c, 0), 4, dims, &y);
	if (!err)
		err = cv_same_type(c, x, y);
	if (!err)
		err = pool_quant(c, &p, code == AIM_OP_AVGPOOL);
	if (!err)
		err = cv_clamp(c, activation, y, &p.clamp);
	if (!err)
		err = cv_new_unary(c, code, x, y, &op);
	if (!err)
		op->p.pool = p;
	return err;
}

int cv_lower_average_pool(struct cv *c)
{
	return lower_pool(c, AIM_OP_AVGPOOL);
}

int cv_lower_max_pool(struct cv *c)
{
	return lower_pool(c, AIM_OP_MAXPOOL);
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
