/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Between the engine's planner and its compute kernels. One struct eng_isa per
 * vector unit; what a unit leaves NULL falls back to the scalar form.
 *
 * Exactness: integer kernels give the bits of TFLite's reference kernels on
 * every unit (../shared/models/README holds the formulas). They are total: any
 * input values, also values that change during the call, lead neither to a trap
 * nor to an access outside the operands.
 *
 * Bounds: a kernel reads and writes only within the tensors it is given (no
 * over-read past a row's end), its packed weights and its scratch.
 */
#ifndef _ENG_KERNELS_H
#define _ENG_KERNELS_H

#include <aim/format.h>
#include "engine.h"

/**
 * struct eng_conv - one convolution, depthwise convolution or fully connected
 * layer. FC is in_h = in_w = out_h = 1, out_w = rows, kernel 1x1 stride 1: row r
 * is at x + r * in_c.
 * @requant: integer: one per output channel
 * @in_zp:   integer: input's zero point; padding reads as in_zp
 * @out_stride: elements from one output pixel to the next; out_c, or more where
 *	     this is a part of the channels of a wider tensor: the planner splits
 *	     layers whose weights or single pixels are too large for one tile
 *	     (weights, bias, requant and y then point at the part's first channel).
 *	     Depthwise layers are not split: out_stride == out_c == in_c * M there
 *
 * Accumulators wrap modulo 2^32 (the verifier bounds the sum without bias below
 * 2^31; a bias is any value).
 */
struct eng_conv {
	u32 batch;
	u32 in_h, in_w, in_c;
	u32 out_h, out_w, out_c;
	u32 out_stride;
	u32 kernel_h, kernel_w;
	u32 stride_h, stride_w;
	u32 dilation_h, dilation_w;
	u32 pad_top, pad_left;
	u32 depth_multiplier;		/* depthwise only */
	s32 in_zp, out_zp;
	struct aim_clamp clamp;		/* s32, or fp32 bits */
	const void *weights;		/* as in the file */
	const void *bias;		/* s32 or f32, NULL: zero */
	const struct aim_requant *requant;
};

/**
 * struct eng_conv_kernel - how a unit does one kind of convolution
 * @packed_bytes:  size of the packed form (weights, bias, requant), 0: this unit
 *		   does not do this shape, use the scalar form (which itself
 *		   packs nothing: NULL here, run() takes the file's weights)
 * @pack:	   write the packed form; runs at load, inside an FPU section
 * @scratch_bytes: work memory of run() beyond its operands; 64-byte aligned
 * @granule:	   units of work that run() likes to get at a time (>= 1)
 * @run:	   compute output pixels [begin, end) of batch * out_h * out_w, all
 *		   channels. For layers with few pixels and many channels (FC),
 *		   @by_channel is set and [begin, end) is a range of channels for
 *		   all pixels.
 * @by_channel:	   the unit of work is a channel, not a pixel
 */
struct eng_conv_kernel {
	size_t (*packed_bytes)(const struct eng_conv *c);
	void (*pack)(const struct eng_conv *c, void *packed);
	size_t (*scratch_bytes)(const struct eng_conv *c);
	u32 (*granule)(const struct eng_conv *c);
	void (*run)(const struct eng_conv *c, const void *packed, const void *x,
		    void *y, void *scratch, u32 begin, u32 end);
	bool (*by_channel)(const struct eng_conv *c);
};

/* Element-wise pair of equal shape; the planner unrolls broadcasting. */
struct eng_binary {
	struct aim_requant a, b, out;
	s32 a_zp, b_zp, out_zp;
	s32 left_shift;
	struct aim_clamp clamp;
};

struct eng_pool {
	u32 batch, in_h, in_w, c, out_h, out_w;
	u32 kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left;
	struct aim_clamp clamp;
};

struct eng_isa {
	const char *name;
	bool (*usable)(const struct eng_cpu *cpu);
	u32 macs_per_ns_x16;	/* rough speed, sets eng_budget() */

	const struct eng_conv_kernel *conv_s8;
	const struct eng_conv_kernel *depthwise_s8;
	const struct eng_conv_kernel *fc_s8;
	const struct eng_conv_kernel *conv_f32;
	const struct eng_conv_kernel *depthwise_f32;
	const struct eng_conv_kernel *fc_f32;

	/* n elements */
	void (*add_s8)(const struct eng_binary *p, const s8 *a, const s8 *b,
		       s8 *y, size_t n);
	void (*sub_s8)(const struct eng_binary *p, const s8 *a, const s8 *b,
		       s8 *y, size_t n);
	void (*mul_s8)(const struct eng_binary *p, const s8 *a, const s8 *b,
		       s8 *y, size_t n);
	void (*add_f32)(const struct eng_binary *p, const float *a,
			const float *b, float *y, size_t n);
	void (*lut8)(const u8 *table, const u8 *x, u8 *y, size_t n);
	/* output pixels [begin, end) */
	void (*avgpool_s8)(const struct eng_pool *p, const s8 *x, s8 *y,
			   u32 begin, u32 end);
	void (*maxpool_s8)(const struct eng_pool *p, const s8 *x, s8 *y,
			   u32 begin, u32 end);
};

extern const struct eng_isa eng_isa_scalar;
extern const struct eng_isa eng_isa_avx2;
extern const struct eng_isa eng_isa_avxvnni;	/* AVX2 + 256-bit VNNI */
extern const struct eng_isa eng_isa_avx512;	/* without VNNI */
extern const struct eng_isa eng_isa_avx512vnni;
extern const struct eng_isa eng_isa_neon;
extern const struct eng_isa eng_isa_neondot;

#endif /* _ENG_KERNELS_H */
