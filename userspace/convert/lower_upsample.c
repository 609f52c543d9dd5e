// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operators whose output is larger than their input. */
#include <math.h>

#include "lower.h"

/*
 * A transposed convolution is a convolution of the image with zeros put between
 * its pixels, by kernels turned around: the same products, hence, for
 * integers, the same sums.
 */
struct upconv {
	struct cv_layer l;
	u32 stride[2], kernel[2], in[2], out[2];
	u32 before[2], after[2];
	u32 cut[2];	/* what the image has too much at its end */
	u8 activation;
};

static int upconv_operands(struct cv *c, struct upconv *u)
{
	s64 shape[4];
	u32 n;
	int err;

	err = cv_arity(c, 3, 4, 1);
	if (err)
		return err;
	u->l.weights = cv_input(c, 1);
	u->l.input = cv_input(c, 2);
	err = cv_layer_weights(c, &u->l);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 0), shape, 4, &n);
	if (err)
		return err;
	if (n != 4 || c->tensors[u->l.x].t.rank != 4 ||
	    c->tensors[u->l.w].t.rank != 4)
		return cv_refuse(c, -EINVAL,
				 "shape, input and weights must have 4 dimensions");
	if (shape[1] < 1 || shape[1] > AIM_MAX_DIM || shape[2] < 1 ||
	    shape[2] > AIM_MAX_DIM)
		return cv_refuse(c, -EINVAL, "asks for an output of %lld by %lld",
				 (long long)shape[1], (long long)shape[2]);
	u->out[0] = (u32)shape[1];
	u->out[1] = (u32)shape[2];
	u->l.channels = c->tensors[u->l.w].t.dims[0];
	u->l.groups = 1;
	u->l.per_tensor_float = c->m->tensors[u->l.input].type == TFL_UINT8;
	if (c->tensors[u->l.x].t.dims[3] != c->tensors[u->l.w].t.dims[3])
		return cv_refuse(c, -EINVAL,
				 "weights for %u channels don't fit an input of %u",
				 c->tensors[u->l.w].t.dims[3],
				 c->tensors[u->l.x].t.dims[3]);
	return cv_layer_bias(c, &u->l, cv_input(c, 3));
}

/* Padding around the image with zeros between its pixels, of in * stride. */
static int upconv_axis(struct cv *c, struct upconv *u, u32 i, u8 padding)
{
	struct cv_window w = { .in = u->out[i], .kernel = u->kernel[i],
			       .stride = u->stride[i], .dilation = 1 };
	s64 after;
	int err = cv_window(c, padding, &w);

	if (err)
		return err;
	after = (s64)u->out[i] + w.before - (s64)u->in[i] * u->stride[i];
	u->before[i] = u->kernel[i] - 1 - w.before;
	u->after[i] = after > 0 ? (u32)after : 0;
	u->cut[i] = after < 0 ? (u32)-after : 0;
	if (after >= (s64)u->kernel[i] ||
	    u->cut[i] >= (u64)u->in[i] * u->stride[i])
		return cv_refuse(c, -EOPNOTSUPP,
				 "an output of %u for an input of %u is not supported",
				 u->out[i], u->in[i]);
	return 0;
}

static int upconv_params(struct cv *c, struct upconv *u)
{
	struct fb_table o;
	u8 padding;
	u32 i;
	int err;

	err = cv_options(c, TFL_OPT_TRANSPOSE_CONV, &o);
	if (err)
		return err;
	padding = fb_u8(&o, 0, 0);
	u->stride[0] = fb_u32(&o, 2, 0);
	u->stride[1] = fb_u32(&o, 1, 0);
	u->activation = fb_u8(&o, 3, 0);
	for (i = 0; i < 2; i++) {
		u->kernel[i] = c->tensors[u->l.w].t.dims[1 + i];
		u->in[i] = c->tensors[u->l.x].t.dims[1 + i];
	}
	err = upconv_axis(c, u, 0, padding);
	if (!err)
		err = upconv_axis(c, u, 1, padding);
	if (!err && (u64)u->kernel[0] * u->kernel[1] > AIM_MAX_WINDOW)
		err = cv_refuse(c, -E2BIG, "its kernel is too large");
	return err;
}

/* stride - 1 zeros after each pixel, in both directions */
static int put_zeros(struct cv *c, struct upconv *u)
{
	struct cv_kind k = cv_kind_of(c, u->l.x);
	const u32 n = k.dims[0], ch = k.dims[3];
	struct aim_op *op;
	u32 padded;
	int err;

	if (u->stride[0] == 1 && u->stride[1] == 1)
		return 0;
	err = cv_new_reshape(c, u->l.x, 6, (const u32[]){
		n, u->in[0], 1, u->in[1], 1, ch }, &u->l.x);
	if (err)
		return err;
	k = cv_kind_of(c, u->l.x);
	k.dims[2] = u->stride[0];
	k.dims[4] = u->stride[1];
	err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, &padded);
	if (!err)
		err = cv_new_unary(c, AIM_OP_PAD, u->l.x, padded, &op);
	if (err)
		return err;
	op->p.pad.after[2] = u->stride[0] - 1;
	op->p.pad.after[4] = u->stride[1] - 1;
	op->p.pad.value = k.type == AIM_TYPE_F32 ? 0 : k.zero_point;
	return cv_new_reshape(c, padded, 4, (const u32[]){
		n, u->in[0] * u->stride[0], u->in[1] * u->stride[1], ch },
		&u->l.x);
}

static int cut_end(struct cv *c, struct upconv *u)
{
	struct cv_kind k = cv_kind_of(c, u->l.x);
	struct aim_op *op;
	u32 i, cut;
	int err;

	if (!u->cut[0] && !u->cut[1])
		return 0;
	k.dims[1] -= u->cut[0];
	k.dims[2] -= u->cut[1];
	err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, &cut);
	if (!err)
		err = cv_new_unary(c, AIM_OP_SLICE, u->l.x, cut, &op);
	for (i = 0; !err && i < 4; i++)
		op->p.slice.stride[i] = 1;
	u->l.x = cut;
	return err;
}

/* Kernels turned by half a turn, each element with all its input channels. */
static int turn_weights(struct cv *c, struct cv_layer *l)
{
	const struct aim_tensor *t = &c->tensors[l->w].t;
	struct cv_kind k = cv_kind_of(c, l->w);
	u64 window = (u64)t->dims[1] * t->dims[2], o, i;
	u64 run = (u64)t->dims[3] * cv_elem_bytes(t->type);
	const u8 *from = c->tensors[l->w].data;
	u8 *to;
	int err;

	to = cv_alloc(c, t->bytes, &err);
	if (err)
		return err;
	for (o = 0; o < k.dims[0]; o++)
		for (i = 0; i < window; i++)
			memcpy(to + (o * window + i) * run,
			       from + (o * window + window - 1 - i) * run, run);
	return cv_new_const(c, &k, to, l->weights, &l->w);
}

int cv_lower_transpose_conv(struct cv *c)
{
	struct upconv u = { .activation = 0 };
	struct aim_p_conv p = { .stride_h = 1, .stride_w = 1,
				.dilation_h = 1, .dilation_w = 1 };
	struct aim_op *op;
	u32 y;
	int err;

	err = upconv_operands(c, &u);
	if (!err)
		err = upconv_params(c, &u);
	if (!err)
		err = cv_result(c, cv_output(c, 0), 4, (const u32[]){
			c->tensors[u.l.x].t.dims[0], u.out[0], u.out[1],
			u.l.channels }, &y);
	if (!err)
		err = cv_clamp(c, u.activation, y, &p.clamp);
	if (!err)
		err = turn_weights(c, &u.l);
	if (!err)
		err = put_zeros(c, &u);
	if (!err)
		err = cut_end(c, &u);
	if (!err)
		err = cv_centre_conv(c, &u.l);
	if (!err)
		err = cv_layer_emit(c, AIM_OP_CONV2D, &u.l, y, &op,
				    &p.requant_first);
	if (err)
		return err;
	p.pad_top = u.before[0];
	p.pad_bottom = u.after[0];
	p.pad_left = u.before[1];
	p.pad_right = u.after[1];
	op->p.conv = p;
	return 0;
}

/* @x beside itself @times along dimension @axis, which is 1 */
static int repeat(struct cv *c, u32 *x, u32 axis, u32 times)
{
	struct cv_kind k = cv_kind_of(c, *x);
	u32 in[AIM_MAX_OP_OPERANDS], i;
	struct aim_op *op;
	int err;

	for (i = 0; i < times; i++)
		in[i] = *x;
	k.dims[axis] = times;
	err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, x);
	if (!err)
		err = cv_new_op(c, AIM_OP_CONCAT, in, times, x, 1, &op);
	if (!err)
		op->p.concat.axis = axis;
	return err;
}

/* Whether the reference, in its arithmetic, repeats each pixel evenly. */
static bool repeats(u32 in, s64 out, bool half_pixel_centers)
{
	const float scale = (float)in / (float)out;
	const float offset = half_pixel_centers ? 0.5f : 0;
	s64 i;

	if (out < in || out % in || out > 65536 || out / in >= AIM_MAX_OP_OPERANDS)
		return false;
	for (i = 0; i < out; i++)
		if ((s64)floorf(((float)i + offset) * scale) != i / (out / in))
			return false;
	return true;
}

int cv_lower_resize_nearest(struct cv *c)
{
	u32 x, y, n, times[2], d[4], i;
	struct fb_table o;
	struct aim_op *op;
	s64 size[2];
	int err;

	err = cv_arity(c, 2, 2, 1);
	if (!err)
		err = cv_options(c, TFL_OPT_RESIZE_NEAREST, &o);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), &x);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 1), size, 2, &n);
	if (err)
		return err;
	if (n != 2 || c->tensors[x].t.rank != 4)
		return cv_refuse(c, -EINVAL,
				 "names %u sizes for an input of %u dimensions", n,
				 c->tensors[x].t.rank);
	memcpy(d, c->tensors[x].t.dims, sizeof(d));
	for (i = 0; i < 2; i++) {
		if (fb_u8(&o, 0, 0) ||
		    !repeats(d[1 + i], size[i], fb_u8(&o, 1, 0)))
			return cv_refuse(c, -EOPNOTSUPP,
					 "from %u to %lld: only whole multiples, without aligned corners, are supported",
					 d[1 + i], (long long)size[i]);
		times[i] = (u32)(size[i] / d[1 + i]);
	}
	err = cv_result_moved(c, cv_output(c, 0), x, 4, (const u32[]){
		d[0], d[1] * times[0], d[2] * times[1], d[3] }, &y);
	if (!err)
		err = cv_new_reshape(c, x, 6, (const u32[]){
			d[0], d[1], 1, d[2], 1, d[3] }, &x);
	if (!err && times[1] > 1)
		err = repeat(c, &x, 4, times[1]);
	if (!err && times[0] > 1)
		err = repeat(c, &x, 2, times[0]);
	return err ? err : cv_new_unary(c, AIM_OP_RESHAPE, x, y, &op);
}
