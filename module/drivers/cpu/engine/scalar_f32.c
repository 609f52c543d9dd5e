// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * fp32 convolution, depthwise convolution, fully connected layers and addition
 * in plain C. Every output sums its products in the order of the reference
 * kernels (row, column, channel; bias last); four outputs go side by side to
 * hide the latency of the additions.
 */
#include "f32.h"
#include "scalar.h"

struct window {
	u32 b, y0, y1, x0, x1;	/* batch; valid taps [y0, y1) x [x0, x1) */
	s64 top, left;		/* input position of tap (0, 0) */
};

static void window_of(const struct eng_conv *c, u32 pixel, struct window *w)
{
	u32 row = pixel / c->out_w;

	w->b = row / c->out_h;
	w->top = (s64)(row % c->out_h) * c->stride_h - c->pad_top;
	w->left = (s64)(pixel % c->out_w) * c->stride_w - c->pad_left;
	eng_taps(w->top, c->dilation_h, c->kernel_h, c->in_h, &w->y0, &w->y1);
	eng_taps(w->left, c->dilation_w, c->kernel_w, c->in_w, &w->x0, &w->x1);
}

static const float *input_at(const struct eng_conv *c, const struct window *w,
			     const float *x, u32 ky, u32 kx)
{
	size_t row = (size_t)w->b * c->in_h +
		     (size_t)(w->top + (s64)ky * c->dilation_h);

	return x + (row * c->in_w +
		    (size_t)(w->left + (s64)kx * c->dilation_w)) * c->in_c;
}

static float bias_of(const struct eng_conv *c, u32 channel)
{
	return c->bias ? ((const float *)c->bias)[channel] : 0.0f;
}

/* acc[j] += x . w[j * stride], j < lanes */
static void dots(float acc[4], const float *x, const float *w, size_t stride,
		 size_t n, u32 lanes)
{
	const float *w1 = lanes > 1 ? w + stride : w;
	const float *w2 = lanes > 2 ? w + 2 * stride : w;
	const float *w3 = lanes > 3 ? w + 3 * stride : w;
	float a0 = acc[0], a1 = acc[1], a2 = acc[2], a3 = acc[3];
	size_t i;

	for (i = 0; i < n; i++) {
		float v = x[i];

		a0 += v * w[i];
		a1 += v * w1[i];
		a2 += v * w2[i];
		a3 += v * w3[i];
	}
	acc[0] = a0;
	acc[1] = a1;
	acc[2] = a2;
	acc[3] = a3;
}

static void conv_four(const struct eng_conv *c, const struct window *w,
		      const float *x, u32 o, u32 lanes, float acc[4])
{
	size_t filter = (size_t)c->kernel_h * c->kernel_w * c->in_c;
	const float *base = (const float *)c->weights + o * filter;
	u32 ky, kx;

	for (ky = w->y0; ky < w->y1; ky++) {
		for (kx = w->x0; kx < w->x1; kx++) {
			size_t tap = (size_t)ky * c->kernel_w + kx;

			dots(acc, input_at(c, w, x, ky, kx),
			     base + tap * c->in_c, filter, c->in_c, lanes);
		}
	}
}

static void store_four(const struct eng_conv *c, float *y, u32 o, u32 lanes,
		       const float acc[4], struct eng_range range)
{
	u32 j;

	for (j = 0; j < lanes; j++)
		y[o + j] = eng_clampf(acc[j] + bias_of(c, o + j), range);
}

static void conv_run(const struct eng_conv *c, const void *packed,
		     const void *x, void *y, void *scratch, u32 begin, u32 end)
{
	struct eng_range range = eng_range_of(c->clamp);
	struct window w;
	u32 p, o;

	for (p = begin; p < end; p++) {
		float *out = (float *)y + (size_t)p * c->out_stride;

		window_of(c, p, &w);
		for (o = 0; o < c->out_c; o += 4) {
			u32 lanes = c->out_c - o < 4 ? c->out_c - o : 4;
			float acc[4] = { 0, 0, 0, 0 };

			conv_four(c, &w, x, o, lanes, acc);
			store_four(c, out, o, lanes, acc, range);
		}
	}
}

static float depthwise_one(const struct eng_conv *c, const struct window *w,
			   const float *x, u32 o)
{
	const float *f = (const float *)c->weights + o;
	u32 channel = o / c->depth_multiplier;
	float acc = 0;
	u32 ky, kx;

	for (ky = w->y0; ky < w->y1; ky++) {
		for (kx = w->x0; kx < w->x1; kx++) {
			size_t tap = (size_t)ky * c->kernel_w + kx;

			acc += input_at(c, w, x, ky, kx)[channel] *
			       f[tap * c->out_c];
		}
	}
	return acc + bias_of(c, o);
}

static void depthwise_run(const struct eng_conv *c, const void *packed,
			  const void *x, void *y, void *scratch, u32 begin,
			  u32 end)
{
	struct eng_range range = eng_range_of(c->clamp);
	struct window w;
	u32 p, o;

	for (p = begin; p < end; p++) {
		float *out = (float *)y + (size_t)p * c->out_stride;

		window_of(c, p, &w);
		for (o = 0; o < c->out_c; o++)
			out[o] = eng_clampf(depthwise_one(c, &w, x, o), range);
	}
}

void eng_scalar_depthwise_f32_part(const struct eng_conv *c, const void *x,
				   void *y, u32 begin, u32 end)
{
	struct eng_range range = eng_range_of(c->clamp);
	struct window w;
	u32 i;

	for (i = begin; i < end; i++) {
		window_of(c, i / c->out_c, &w);
		((float *)y)[i] = eng_clampf(depthwise_one(c, &w, x,
							   i % c->out_c), range);
	}
}

static void fc_run(const struct eng_conv *c, const void *packed, const void *x,
		   void *y, void *scratch, u32 begin, u32 end)
{
	struct eng_range range = eng_range_of(c->clamp);
	u32 r, o;

	for (r = 0; r < c->out_w; r++) {
		float *out = (float *)y + (size_t)r * c->out_stride;

		for (o = begin; o < end; o += 4) {
			u32 lanes = end - o < 4 ? end - o : 4;
			float acc[4] = { 0, 0, 0, 0 };

			dots(acc, (const float *)x + (size_t)r * c->in_c,
			     (const float *)c->weights + (size_t)o * c->in_c,
			     c->in_c, c->in_c, lanes);
			store_four(c, out, o, lanes, acc, range);
		}
	}
}

void eng_scalar_add_f32(const struct eng_binary *p, const float *a,
			const float *b, float *y, size_t n)
{
	struct eng_range range = eng_range_of(p->clamp);
	size_t i;

	for (i = 0; i < n; i++)
		y[i] = eng_clampf(a[i] + b[i], range);
}

static size_t none_bytes(const struct eng_conv *c)
{
	return 0;
}

static void none_pack(const struct eng_conv *c, void *packed)
{
}

static u32 one(const struct eng_conv *c)
{
	return 1;
}

static bool no(const struct eng_conv *c)
{
	return false;
}

static u32 four(const struct eng_conv *c)
{
	return 4;
}

static bool yes(const struct eng_conv *c)
{
	return true;
}

const struct eng_conv_kernel eng_scalar_conv_f32 = {
	.packed_bytes = none_bytes,
	.pack = none_pack,
	.scratch_bytes = none_bytes,
	.granule = one,
	.run = conv_run,
	.by_channel = no,
};

const struct eng_conv_kernel eng_scalar_depthwise_f32 = {
	.packed_bytes = none_bytes,
	.pack = none_pack,
	.scratch_bytes = none_bytes,
	.granule = one,
	.run = depthwise_run,
	.by_channel = no,
};

const struct eng_conv_kernel eng_scalar_fc_f32 = {
	.packed_bytes = none_bytes,
	.pack = none_pack,
	.scratch_bytes = none_bytes,
	.granule = four,
	.run = fc_run,
	.by_channel = yes,
};
