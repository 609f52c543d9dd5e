// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * int8 convolution, depthwise convolution and fully connected layers in plain
 * C: the oracle for every vector unit, and the path that needs no FPU.
 */
#include "requant.h"
#include "scalar.h"

/*
 * acc[j] += sum((x[i] - zp) * w[j * stride + i]) modulo 2^32, j < lanes. Four
 * side by side share the look at the input.
 */
static void dots(u32 acc[4], const s8 *x, const s8 *w, size_t stride, size_t n,
		 s32 zp, u32 lanes)
{
	const s8 *w1 = lanes > 1 ? w + stride : w;
	const s8 *w2 = lanes > 2 ? w + 2 * stride : w;
	const s8 *w3 = lanes > 3 ? w + 3 * stride : w;
	u32 a0 = acc[0], a1 = acc[1], a2 = acc[2], a3 = acc[3];
	size_t i;

	for (i = 0; i < n; i++) {
		s32 v = x[i] - zp;

		a0 += (u32)(v * w[i]);
		a1 += (u32)(v * w1[i]);
		a2 += (u32)(v * w2[i]);
		a3 += (u32)(v * w3[i]);
	}
	acc[0] = a0;
	acc[1] = a1;
	acc[2] = a2;
	acc[3] = a3;
}

static s32 bias_of(const struct eng_conv *c, u32 channel)
{
	return c->bias ? ((const s32 *)c->bias)[channel] : 0;
}

static void conv_four(const struct eng_conv *c, const struct eng_window *w,
		      const s8 *x, u32 o, u32 lanes, u32 acc[4])
{
	size_t filter = (size_t)c->kernel_h * c->kernel_w * c->in_c;
	const s8 *base = (const s8 *)c->weights + o * filter;
	u32 taps = c->dilation_w == 1 ? w->x1 - w->x0 : 1;
	u32 ky, kx;

	/* Taps of a row that lie together are one product. */
	for (ky = w->y0; ky < w->y1; ky++) {
		for (kx = w->x0; kx < w->x1; kx += taps) {
			size_t tap = (size_t)ky * c->kernel_w + kx;

			dots(acc, x + eng_input_at(c, w, ky, kx),
			     base + tap * c->in_c, filter,
			     (size_t)taps * c->in_c, c->in_zp, lanes);
		}
	}
}

static void store_four(const struct eng_conv *c, s8 *y, u32 o, u32 lanes,
		       const u32 acc[4])
{
	u32 j;

	for (j = 0; j < lanes; j++)
		y[o + j] = eng_output_s8((s32)(acc[j] + (u32)bias_of(c, o + j)),
					 c->requant[o + j], c->out_zp,
					 c->clamp);
}

static void conv_run(const struct eng_conv *c, const void *packed,
		     const void *x, void *y, void *scratch, u32 begin, u32 end)
{
	struct eng_window w;
	u32 p, o;

	for (p = begin; p < end; p++) {
		s8 *out = (s8 *)y + (size_t)p * c->out_stride;

		eng_window_of(c, p, &w);
		for (o = 0; o < c->out_c; o += 4) {
			u32 lanes = c->out_c - o < 4 ? c->out_c - o : 4;
			u32 acc[4] = { 0, 0, 0, 0 };

			conv_four(c, &w, x, o, lanes, acc);
			store_four(c, out, o, lanes, acc);
		}
	}
}

static s8 depthwise_one(const struct eng_conv *c, const struct eng_window *w,
			const s8 *x, u32 o)
{
	const s8 *f = (const s8 *)c->weights + o;
	u32 channel = o / c->depth_multiplier;
	u32 acc = (u32)bias_of(c, o);
	u32 ky, kx;

	for (ky = w->y0; ky < w->y1; ky++) {
		for (kx = w->x0; kx < w->x1; kx++) {
			s32 v = x[eng_input_at(c, w, ky, kx) + channel];
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
	struct eng_window w;
	u32 p, o;

	for (p = begin; p < end; p++) {
		s8 *out = (s8 *)y + (size_t)p * c->out_stride;

		eng_window_of(c, p, &w);
		for (o = 0; o < c->out_c; o++)
			out[o] = depthwise_one(c, &w, x, o);
	}
}

void eng_scalar_depthwise_s8_part(const struct eng_conv *c, const void *x,
				  void *y, u32 begin, u32 end)
{
	struct eng_window w;
	u32 i;

	for (i = begin; i < end; i++) {
		eng_window_of(c, i / c->out_c, &w);
		((s8 *)y)[i] = depthwise_one(c, &w, x, i % c->out_c);
	}
}

/* Channels [begin, end) of every row. */
static void fc_run(const struct eng_conv *c, const void *packed, const void *x,
		   void *y, void *scratch, u32 begin, u32 end)
{
	u32 r, o;

	for (o = begin; o < end; o += 4) {
		const s8 *w = (const s8 *)c->weights + (size_t)o * c->in_c;
		u32 lanes = end - o < 4 ? end - o : 4;

		for (r = 0; r < c->out_w; r++) {
			u32 acc[4] = { 0, 0, 0, 0 };

			dots(acc, (const s8 *)x + (size_t)r * c->in_c, w,
			     c->in_c, c->in_c, c->in_zp, lanes);
			store_four(c, (s8 *)y + (size_t)r * c->out_stride, o,
				   lanes, acc);
		}
	}
}

const struct eng_conv_kernel eng_scalar_conv_s8 = {
	.packed_bytes = eng_none_bytes,
	.pack = eng_none_pack,
	.scratch_bytes = eng_none_bytes,
	.granule = eng_granule_one,
	.run = conv_run,
	.by_channel = eng_by_pixel,
};

const struct eng_conv_kernel eng_scalar_depthwise_s8 = {
	.packed_bytes = eng_none_bytes,
	.pack = eng_none_pack,
	.scratch_bytes = eng_none_bytes,
	.granule = eng_granule_one,
	.run = depthwise_run,
	.by_channel = eng_by_pixel,
};

const struct eng_conv_kernel eng_scalar_fc_s8 = {
	.packed_bytes = eng_none_bytes,
	.pack = eng_none_pack,
	.scratch_bytes = eng_none_bytes,
	.granule = eng_granule_four,
	.run = fc_run,
	.by_channel = eng_by_channel,
};
