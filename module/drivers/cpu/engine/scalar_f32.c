// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * fp32 convolution, depthwise convolution, fully connected layers and addition
 * in plain C. Every output sums its products in the order of the reference
 * kernels (row, column, channel; bias last); four outputs go side by side to
 * hide the latency of the additions.
 */
#include "f32.h"
#include "scalar.h"

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

static void conv_four(const struct eng_conv *c, const struct eng_window *w,
		      const float *x, u32 o, u32 lanes, float acc[4])
{
	size_t filter = (size_t)c->kernel_h * c->kernel_w * c->in_c;
	const float *base = (const float *)c->weights + o * filter;
	u32 ky, kx;

	for (ky = w->y0; ky < w->y1; ky++) {
		for (kx = w->x0; kx < w->x1; kx++) {
			size_t tap = (size_t)ky * c->kernel_w + kx;

			dots(acc, x + eng_input_at(c, w, ky, kx),
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
	struct eng_window w;
	u32 p, o;

	for (p = begin; p < end; p++) {
		float *out = (float *)y + (size_t)p * c->out_stride;

		eng_window_of(c, p, &w);
		for (o = 0; o < c->out_c; o += 4) {
			u32 lanes = c->out_c - o < 4 ? c->out_c - o : 4;
			float acc[4] = { 0, 0, 0, 0 };

			conv_four(c, &w, x, o, lanes, acc);
			store_four(c, out, o, lanes, acc, range);
		}
	}
}

static float depthwise_one(const struct eng_conv *c, const struct eng_window *w,
			   const float *x, u32 o)
{
	const float *f = (const float *)c->weights + o;
	u32 channel = o / c->depth_multiplier;
	float acc = 0;
	u32 ky, kx;

	for (ky = w->y0; ky < w->y1; ky++) {
		for (kx = w->x0; kx < w->x1; kx++) {
			size_t tap = (size_t)ky * c->kernel_w + kx;

			acc += x[eng_input_at(c, w, ky, kx) + channel] *
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
	struct eng_window w;
	u32 p, o;

	for (p = begin; p < end; p++) {
		float *out = (float *)y + (size_t)p * c->out_stride;

		eng_window_of(c, p, &w);
		for (o = 0; o < c->out_c; o++)
			out[o] = eng_clampf(depthwise_one(c, &w, x, o), range);
	}
}

void eng_scalar_depthwise_f32_part(const struct eng_conv *c, const void *x,
				   void *y, u32 begin, u32 end)
{
	struct eng_range range = eng_range_of(c->clamp);
	struct eng_window w;
	u32 i;

	for (i = begin; i < end; i++) {
		eng_window_of(c, i / c->out_c, &w);
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

const struct eng_conv_kernel eng_scalar_conv_f32 = {
	.packed_bytes = eng_none_bytes,
	.pack = eng_none_pack,
	.scratch_bytes = eng_none_bytes,
	.granule = eng_granule_one,
	.run = conv_run,
	.by_channel = eng_by_pixel,
};

const struct eng_conv_kernel eng_scalar_depthwise_f32 = {
	.packed_bytes = eng_none_bytes,
	.pack = eng_none_pack,
	.scratch_bytes = eng_none_bytes,
	.granule = eng_granule_one,
	.run = depthwise_run,
	.by_channel = eng_by_pixel,
};

const struct eng_conv_kernel eng_scalar_fc_f32 = {
	.packed_bytes = eng_none_bytes,
	.pack = eng_none_pack,
	.scratch_bytes = eng_none_bytes,
	.granule = eng_granule_four,
	.run = fc_run,
	.by_channel = eng_by_channel,
};
