// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * int8 convolution, depthwise convolution and fully connected layers in plain
 * C: the oracle for every vector unit, and the path that needs no FPU.
 */
#include "requant.h"
#include "scalar.h"

/* sum((x[i] - zp) * w[i]) modulo 2^32 */
static u32 dot_s8(const s8 *x, const s8 *w, size_t n, s32 zp)
{
	u32 even = 0, odd = 0;
	size_t i;

	for (i = 0; i + 2 <= n; i += 2) {
		even += (u32)((x[i] - zp) * w[i]);
		odd += (u32)((x[i + 1] - zp) * w[i + 1]);
	}
	if (i < n)
		even += (u32)((x[i] - zp) * w[i]);
	return even + odd;
}

static s32 bias_of(const struct eng_conv *c, u32 channel)
{
	return c->bias ? ((const s32 *)c->bias)[channel] : 0;
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

static bool yes(const struct eng_conv *c)
{
	return true;
}

/* Where an output pixel's window lies. */
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

static size_t input_at(const struct eng_conv *c, const struct window *w, u32 ky,
		       u32 kx)
{
	size_t row = (size_t)w->b * c->in_h +
		     (size_t)(w->top + (s64)ky * c->dilation_h);

	return (row * c->in_w + (size_t)(w->left + (s64)kx * c->dilation_w)) *
	       c->in_c;
}

static u32 conv_acc(const struct eng_conv *c, const struct window *w,
		    const s8 *x, const s8 *weights)
{
	u32 acc = 0, ky, kx;

	for (ky = w->y0; ky < w->y1 && w->x0 < w->x1; ky++) {
		const s8 *f = weights + (size_t)ky * c->kernel_w * c->in_c;

		if (c->dilation_w == 1) {	/* the whole row lies together */
			acc += dot_s8(x + input_at(c, w, ky, w->x0),
				      f + (size_t)w->x0 * c->in_c,
				      (size_t)(w->x1 - w->x0) * c->in_c,
				      c->in_zp);
			continue;
		}
		for (kx = w->x0; kx < w->x1; kx++)
			acc += dot_s8(x + input_at(c, w, ky, kx),
				      f + (size_t)kx * c->in_c, c->in_c,
				      c->in_zp);
	}
	return acc;
}

static void conv_run(const struct eng_conv *c, const void *packed,
		     const void *x, void *y, void *scratch, u32 begin, u32 end)
{
	size_t filter = (size_t)c->kernel_h * c->kernel_w * c->in_c;
	struct window w;
	u32 p, o;

	for (p = begin; p < end; p++) {
		s8 *out = (s8 *)y + (size_t)p * c->out_stride;

		window_of(c, p, &w);
		for (o = 0; o < c->out_c; o++) {
			u32 acc = conv_acc(c, &w, x,
					   (const s8 *)c->weights + o * filter);

			acc += (u32)bias_of(c, o);
			out[o] = eng_output_s8((s32)acc, c->requant[o],
					       c->out_zp, c->clamp);
		}
	}
}

static s8 depthwise_one(const struct eng_conv *c, const struct window *w,
			const s8 *x, u32 o)
{
	const s8 *f = (const s8 *)c->weights + o;
	u32 channel = o / c->depth_multiplier;
	u32 acc = (u32)bias_of(c, o);
	u32 ky, kx;

	for (ky = w->y0; ky < w->y1; ky++) {
		for (kx = w->x0; kx < w->x1; kx++) {
			s32 v = x[input_at(c, w, ky, kx) + channel];
			size_t tap = (size_t)ky * c->kernel_w + kx;

			acc += (u32)((v - c->in_zp) * f[tap * c->out_c]);
		}
	}
	return eng_output_s8((s32)acc, c->requant[o], c->out_zp, c->clamp);
}

static void depthwise_run(const struct eng_conv *c, const void *packed,
			  const void *x, void *y, void *scratch, u32 begin,
			  u32 end)
{
	struct window w;
	u32 p, o;

	for (p = begin; p < end; p++) {
		s8 *out = (s8 *)y + (size_t)p * c->out_stride;

		window_of(c, p, &w);
		for (o = 0; o < c->out_c; o++)
			out[o] = depthwise_one(c, &w, x, o);
	}
}

void eng_scalar_depthwise_s8_part(const struct eng_conv *c, const void *x,
				  void *y, u32 begin, u32 end)
{
	struct window w;
	u32 i;

	for (i = begin; i < end; i++) {
		window_of(c, i / c->out_c, &w);
		((s8 *)y)[i] = depthwise_one(c, &w, x, i % c->out_c);
	}
}

/* Channels [begin, end) of every row. */
static void fc_run(const struct eng_conv *c, const void *packed, const void *x,
		   void *y, void *scratch, u32 begin, u32 end)
{
	u32 r, o;

	for (o = begin; o < end; o++) {
		const s8 *w = (const s8 *)c->weights + (size_t)o * c->in_c;

		for (r = 0; r < c->out_w; r++) {
			const s8 *in = (const s8 *)x + (size_t)r * c->in_c;
			u32 acc = dot_s8(in, w, c->in_c, c->in_zp);

			acc += (u32)bias_of(c, o);
			((s8 *)y)[(size_t)r * c->out_stride + o] =
				eng_output_s8((s32)acc, c->requant[o],
					      c->out_zp, c->clamp);
		}
	}
}

const struct eng_conv_kernel eng_scalar_conv_s8 = {
	.packed_bytes = none_bytes,
	.pack = none_pack,
	.scratch_bytes = none_bytes,
	.granule = one,
	.run = conv_run,
	.by_channel = no,
};

const struct eng_conv_kernel eng_scalar_depthwise_s8 = {
	.packed_bytes = none_bytes,
	.pack = none_pack,
	.scratch_bytes = none_bytes,
	.granule = one,
	.run = depthwise_run,
	.by_channel = no,
};

const struct eng_conv_kernel eng_scalar_fc_s8 = {
	.packed_bytes = none_bytes,
	.pack = none_pack,
	.scratch_bytes = none_bytes,
	.granule = one,
	.run = fc_run,
	.by_channel = yes,
};
