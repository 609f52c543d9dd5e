// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Convolutions, fully connected layers and pools: window geometry, and the
 * proof that no integer sum leaves int32.
 */
#include "verify_internal.h"

#define MAX_STRIDE	65535
#define MAX_WEIGHT	128	/* |weight| of an s8 */

/* What convolutions and fully connected layers share. */
struct layer {
	const struct aim_tensor *x, *w, *bias, *y;
	struct aim_clamp clamp;
	u32 requant_first;
	u32 channels;
	u64 terms;	/* products in one output element */
	u64 step;	/* from one weight of a channel to the next */
	u64 jump;	/* from one channel's first weight to the next one's */
};

static int refuse_axis(struct aim_ctx *c, bool height, const char *const what[2],
		       u64 got)
{
	return aim_refuse_got(c, -EINVAL, what[height], aim_clip(got));
}

/*
 * One axis of a sliding window. The output's extent is exactly
 * (in + padding - dilated kernel) / stride + 1, and padding is smaller than the
 * kernel, so every window of an undilated kernel meets at least one element.
 */
int aim_check_axis(struct aim_ctx *c, const struct aim_axis *a, bool height)
{
	static const char *const stride[] = {
		"horizontal stride is not in 1..65535",
		"vertical stride is not in 1..65535" };
	static const char *const dilation[] = {
		"horizontal dilation is not in 1..65535",
		"vertical dilation is not in 1..65535" };
	static const char *const large[] = {
		"the dilated kernel is too wide", "the dilated kernel is too high" };
	static const char *const pad[] = {
		"padding left or right is not smaller than the kernel",
		"padding above or below is not smaller than the kernel" };
	static const char *const small[] = {
		"the padded input is narrower than the kernel",
		"the padded input is lower than the kernel" };
	static const char *const out[] = {
		"width of the output", "height of the output" };
	u64 extent, span, want;

	if (!a->stride || a->stride > MAX_STRIDE)
		return refuse_axis(c, height, stride, a->stride);
	if (!a->dilation || a->dilation > MAX_STRIDE)
		return refuse_axis(c, height, dilation, a->dilation);
	extent = (u64)(a->kernel - 1) * a->dilation + 1;
	if (extent > AIM_MAX_DIM)
		return refuse_axis(c, height, large, extent);
	if (a->pad_before >= extent || a->pad_after >= extent)
		return refuse_axis(c, height, pad,
				   a->pad_before >= extent ? a->pad_before :
							     a->pad_after);
	span = (u64)a->in + a->pad_before + a->pad_after;
	if (span < extent)
		return refuse_axis(c, height, small, span);
	want = (span - extent) / a->stride + 1;
	if (a->out != want)
		return aim_refuse_pair(c, -EINVAL, out[height], a->out, want);
	return 0;
}

static int check_window(struct aim_ctx *c, const struct aim_p_conv *p,
			const struct aim_tensor *x, const struct aim_tensor *y,
			u32 kernel_h, u32 kernel_w)
{
	const struct aim_axis h = {
		x->dims[1], y->dims[1], kernel_h, p->stride_h, p->dilation_h,
		p->pad_top, p->pad_bottom,
	};
	const struct aim_axis w = {
		x->dims[2], y->dims[2], kernel_w, p->stride_w, p->dilation_w,
		p->pad_left, p->pad_right,
	};
	int err;

	if ((u64)kernel_h * kernel_w > AIM_MAX_WINDOW)
		return aim_refuse_got(c, -E2BIG, "the kernel is too large",
				      (u64)kernel_h * kernel_w);
	err = aim_check_axis(c, &h, true);
	if (!err)
		err = aim_check_axis(c, &w, false);
	return err;
}

/* Exact sum of one channel's weights' sizes: for when the bound is too coarse */
static u64 weigh_channel(const struct aim_ctx *c, const struct layer *l,
			 u32 channel)
{
	const s8 *w = (const s8 *)c->v->consts + l->w->offset +
		      channel * l->jump;
	u64 total = 0, i;

	for (i = 0; i < l->terms; i++) {
		s32 v = w[i * l->step];

		total += v < 0 ? -v : v;
	}
	aim_relax();
	return total;
}

/*
 * For each channel: |bias| + sum of |weight| * |x - zero point|, shifted left
 * as its requantisation does, stays an int32. First with every weight taken as
 * 128, and only where that does not suffice with the weights themselves.
 */
static int prove_channels(struct aim_ctx *c, const struct layer *l)
{
	const struct aim_requant *rq = c->v->requants + l->requant_first;
	const s32 *bias = NULL;
	u64 each = aim_max_distance(l->x);
	u32 i;

	if (l->bias)
		bias = (const s32 *)(c->v->consts + l->bias->offset);
	for (i = 0; i < l->channels; i++) {
		u64 b = !bias ? 0 : bias[i] < 0 ? -(u64)bias[i] : (u64)bias[i];
		u64 sum = l->terms * MAX_WEIGHT;

		if (aim_requant_fits(b + sum * each, rq[i].shift))
			continue;
		sum = weigh_channel(c, l, i);
		if (!aim_requant_fits(b + sum * each, rq[i].shift))
			return aim_refuse_got(c, -EINVAL,
					      "a sum may overflow int32 in output channel",
					      i);
	}
	return 0;
}

static int check_bias(struct aim_ctx *c, const struct layer *l)
{
	u32 type = l->x->type == AIM_TYPE_F32 ? AIM_TYPE_F32 : AIM_TYPE_S32;

	if (!l->bias)
		return 0;
	if (l->bias->type != type)
		return aim_refuse(c, -EINVAL,
				  type == AIM_TYPE_F32 ? "bias is not float32" :
							 "bias is not int32");
	if (aim_elements(l->bias) != l->channels)
		return aim_refuse_pair(c, -EINVAL, "number of bias elements",
				       aim_elements(l->bias), l->channels);
	if (l->bias->scales_count && l->bias->scales_count != l->channels)
		return aim_refuse_pair(c, -EINVAL, "number of the bias' scales",
				       l->bias->scales_count, l->channels);
	return 0;
}

/*
 * Many layers may name the same constants, each of which is read here, and
 * packed by engines. So what they name in all is bounded by the file's size.
 */
static int charge_constants(struct aim_ctx *c, const struct layer *l)
{
	u64 bytes = l->w->bytes +
		    (u64)l->channels * (sizeof(struct aim_requant) + sizeof(s32));

	if (bytes > c->named)
		return aim_refuse(c, -E2BIG,
				  "layers name the same constants too often");
	c->named -= bytes;
	return 0;
}

static int check_layer(struct aim_ctx *c, const struct layer *l)
{
	u64 macs = aim_elements(l->y) * l->terms;
	int err;

	if (l->terms > AIM_MAX_ACC_TERMS)
		return aim_refuse_got(c, -E2BIG,
				      "too many products in one output element",
				      aim_clip(l->terms));
	if (l->w->type != l->x->type)
		return aim_refuse(c, -EINVAL,
				  "input and weights have different element types");
	if (l->w->scales_count && l->w->scales_count != l->channels)
		return aim_refuse_pair(c, -EINVAL, "number of the weights' scales",
				       l->w->scales_count, l->channels);
	err = check_bias(c, l);
	if (!err)
		err = aim_check_clamp(c, &l->clamp, l->x->type);
	if (!err)
		err = aim_add_macs(c, macs);
	if (!err)
		err = charge_constants(c, l);
	if (err)
		return err;
	if (l->x->type == AIM_TYPE_F32)
		return !l->requant_first ? 0 :
			aim_refuse(c, -EBADMSG, "float32 has no requant");
	if (l->w->zero_point)
		return aim_refuse_pair(c, -EINVAL, "zero point of the weights",
				       l->w->zero_point, 0);
	if ((u64)l->requant_first + l->channels > c->v->nr_requants)
		return aim_refuse_got(c, -EINVAL,
				      "its requant records lie outside the section",
				      l->requant_first);
	return prove_channels(c, l);
}

static void layer_operands(const struct aim_ctx *c, const struct aim_op *op,
			   struct layer *l)
{
	l->x = aim_operand(c->v, op, 0);
	l->w = aim_operand(c->v, op, 1);
	l->bias = aim_operand(c->v, op, 2);
	l->y = aim_out(c->v, op, 0);
}

static int check_image_ranks(struct aim_ctx *c, const struct layer *l)
{
	int err = aim_check_rank(c, l->x, 4, "rank of the input");

	if (!err)
		err = aim_check_rank(c, l->w, 4, "rank of the weights");
	if (!err)
		err = aim_check_rank(c, l->y, 4, "rank of the output");
	if (!err)
		err = aim_check_dim(c, l->y, 0, l->x->dims[0],
				    "batch of the output");
	return err;
}

int aim_check_conv2d(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_p_conv *p = &op->p.conv;
	struct layer l = { .clamp = p->clamp, .requant_first = p->requant_first };
	const u32 *w;
	int err;

	layer_operands(c, op, &l);
	err = check_image_ranks(c, &l);
	if (err)
		return err;
	w = l.w->dims;
	if (l.x->dims[3] != w[3])
		return aim_refuse_pair(c, l.x->dims[3] % w[3] ? -EINVAL : -EOPNOTSUPP,
				       "channels of the weights (no groups)", w[3],
				       l.x->dims[3]);
	if (p->depth_multiplier)
		return aim_refuse(c, -EBADMSG, "conv2d has no depth multiplier");
	err = aim_check_dim(c, l.y, 3, w[0], "channels of the output");
	if (!err)
		err = check_window(c, p, l.x, l.y, w[1], w[2]);
	if (err)
		return err;
	l.channels = w[0];
	l.terms = (u64)w[1] * w[2] * w[3];
	l.step = 1;
	l.jump = l.terms;
	return check_layer(c, &l);
}

int aim_check_depthwise(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_p_conv *p = &op->p.conv;
	struct layer l = { .clamp = p->clamp, .requant_first = p->requant_first };
	const u32 *w;
	int err;

	layer_operands(c, op, &l);
	err = check_image_ranks(c, &l);
	if (err)
		return err;
	w = l.w->dims;
	err = aim_check_dim(c, l.w, 0, 1, "first dimension of the weights");
	if (!err)
		err = aim_check_dim(c, l.w, 3,
				    (u64)l.x->dims[3] * p->depth_multiplier,
				    "channels of the weights");
	if (!err)
		err = aim_check_dim(c, l.y, 3, w[3], "channels of the output");
	if (!err)
		err = check_window(c, p, l.x, l.y, w[1], w[2]);
	if (err)
		return err;
	l.channels = w[3];
	l.terms = (u64)w[1] * w[2];
	l.step = w[3];
	l.jump = 1;
	return check_layer(c, &l);
}

int aim_check_fc(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_p_fc *p = &op->p.fc;
	struct layer l = { .clamp = p->clamp, .requant_first = p->requant_first };
	u64 rows;
	int err;

	layer_operands(c, op, &l);
	err = aim_check_rank(c, l.w, 2, "rank of the weights");
	if (err)
		return err;
	if (p->reserved)
		return aim_refuse(c, -EBADMSG, "a reserved parameter is not zero");
	l.channels = l.w->dims[0];
	l.terms = l.w->dims[1];
	l.step = 1;
	l.jump = l.terms;
	if (aim_elements(l.x) % l.terms)
		return aim_refuse_got(c, -EINVAL,
				      "the input is not a whole number of rows of the weights' length",
				      l.terms);
	rows = aim_elements(l.x) / l.terms;
	if (!l.y->rank || l.y->dims[l.y->rank - 1] != l.channels)
		return aim_refuse_got(c, -EINVAL,
				      "the output's last dimension is not the number of weight rows",
				      l.channels);
	if (aim_elements(l.y) / l.channels != rows)
		return aim_refuse_pair(c, -EINVAL, "number of output rows",
				       aim_elements(l.y) / l.channels, rows);
	return check_layer(c, &l);
}

int aim_check_pool(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_p_pool *p = &op->p.pool;
	const struct aim_tensor *x = aim_operand(c->v, op, 0);
	const struct aim_tensor *y = aim_out(c->v, op, 0);
	struct aim_p_conv window = {
		.stride_h = p->stride_h, .stride_w = p->stride_w,
		.dilation_h = 1, .dilation_w = 1,
		.pad_top = p->pad_top, .pad_bottom = p->pad_bottom,
		.pad_left = p->pad_left, .pad_right = p->pad_right,
	};
	int err;

	err = aim_check_rank(c, x, 4, "rank of the input");
	if (!err)
		err = aim_check_rank(c, y, 4, "rank of the output");
	if (!err)
		err = aim_check_dim(c, y, 0, x->dims[0], "batch of the output");
	if (!err)
		err = aim_check_dim(c, y, 3, x->dims[3], "channels of the output");
	if (err)
		return err;
	if (!p->kernel_h || !p->kernel_w)
		return aim_refuse(c, -EINVAL, "the kernel is empty");
	err = check_window(c, &window, x, y, p->kernel_h, p->kernel_w);
	if (!err)
		err = aim_check_clamp(c, &p->clamp, x->type);
	if (!err)
		err = aim_add_work(c, aim_elements(y) * p->kernel_h * p->kernel_w);
	return err;
}
