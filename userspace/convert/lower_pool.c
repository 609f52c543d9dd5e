// SPDX-License-Identifier: LGPL-2.1-or-later
/* Pools. */
#include <math.h>

#include "lower.h"

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

static int pool_quant(struct cv *c)
{
	u32 x = cv_input(c, 0), y = cv_output(c, 0);

	return c->m->tensors[x].type == TFL_FLOAT32 ? 0 :
	       cv_same_quant(c, x, y);
}

/* Weights of 127 for each element of the window and channel. */
static int sum_weights(struct cv *c, const struct aim_p_pool *p, u32 channels,
		       u32 *w)
{
	struct cv_kind k = { .type = AIM_TYPE_S8, .rank = 4, .scale = 1,
			     .dims = { 1, p->kernel_h, p->kernel_w, channels } };
	u64 n = (u64)p->kernel_h * p->kernel_w * channels;
	u8 *data;
	int err;

	data = cv_alloc(c, n, &err);
	if (err)
		return err;
	memset(data, 127, n);
	return cv_new_const(c, &k, data, CV_NONE, w);
}

/*
 * Multipliers that divide by 127 * n. The first of their two roundings is to a
 * 127th of the distance between neighbouring quotients or finer, so halves
 * stay halves and nothing else becomes one: round(sum / n), half up.
 */
static int sum_requants(struct cv *c, u64 n, u32 channels, u32 *first)
{
	u32 shift = 63 - (u32)__builtin_clzll(127 * n), i;
	double m = ldexp(1, 31 + (int)shift) / (127.0 * (double)n);
	int err = cv_new_requants(c, channels, first);

	for (i = 0; !err && i < channels; i++)
		c->requants[*first + i] = (struct aim_requant){
			.multiplier = (s32)round(m), .shift = -(s32)shift };
	return err;
}

/* The same bytes, taken as uint8 values 128 lower: sums are those of uint8. */
static struct cv_kind plain(const struct cv *c, u32 from)
{
	struct cv_kind k = cv_kind_of(c, from);

	k.scale = 1;
	k.zero_point = -128;
	return k;
}

/* An average of uint8 as a sum with weights, see above. */
static int emit_sum(struct cv *c, u32 x, u32 y, const struct aim_p_pool *p)
{
	struct aim_p_conv conv = {
		.stride_h = p->stride_h, .stride_w = p->stride_w,
		.dilation_h = 1, .dilation_w = 1, .depth_multiplier = 1,
		.clamp = p->clamp,
	};
	u32 channels = c->tensors[x].t.dims[3], in[3] = { 0, 0, CV_NONE }, sum;
	struct cv_kind k;
	struct aim_op *op;
	int err;

	if (p->pad_top || p->pad_bottom || p->pad_left || p->pad_right)
		return cv_refuse(c, -EOPNOTSUPP,
				 "a padded uint8 average can't be computed exactly; quantise the model to int8");
	k = plain(c, x);
	err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, &in[0]);
	if (!err)
		err = cv_new_unary(c, AIM_OP_RESHAPE, x, in[0], &op);
	if (!err)
		err = sum_weights(c, p, channels, &in[1]);
	if (!err)
		err = sum_requants(c, (u64)p->kernel_h * p->kernel_w, channels,
				   &conv.requant_first);
	k = plain(c, y);
	if (!err)
		err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, &sum);
	if (!err)
		err = cv_new_op(c, AIM_OP_DEPTHWISE, in, 3, &sum, 1, &op);
	if (err)
		return err;
	op->p.conv = conv;
	return cv_new_unary(c, AIM_OP_RESHAPE, sum, y, &op);
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
		err = pool_quant(c);
	if (!err)
		err = cv_clamp(c, activation, y, &p.clamp);
	if (!err && code == AIM_OP_AVGPOOL && average_has_halves(&p) &&
	    c->m->tensors[cv_input(c, 0)].type == TFL_UINT8)
		return emit_sum(c, x, y, &p);
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
