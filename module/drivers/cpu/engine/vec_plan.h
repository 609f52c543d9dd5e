/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Layout of packed weights and of scratch memory, one description for all
 * vector units.
 *
 * A unit works on vectors of LANES output channels (s32 or f32 accumulators).
 * One multiply-add step of a lane takes a unit of 4 bytes from each side: 4
 * products of 8 bits where the CPU has such an instruction, 2 of 16 bits where
 * it has not, 1 of f32. So a vector of weights for one step has LANES * 4 bytes
 * everywhere.
 *
 * What computes sizes lives in vec_plan.c, which is built without vector
 * flags: it is called outside FPU sections.
 */
#ifndef _ENG_VEC_PLAN_H
#define _ENG_VEC_PLAN_H

#include "kernels.h"

/**
 * struct vec_geom - what the layout depends on
 * @lanes:  output channels in one vector
 * @group:  int8 products in one step of a lane: 4 or 2
 * @offset: added to int8 activations: 128 where the instruction wants them
 *	    unsigned
 * @vecs:   vectors in a full block of channels
 */
struct vec_geom {
	u32 lanes, group, offset, vecs;
};

#define VEC_UNIT_BYTES	4U
#define VEC_SLACK	128U	/* copies may write this much past their end */

/* Activations of one panel stay in the first level cache. */
#define VEC_PANEL_BYTES	16384U
#define VEC_PANEL_STEP	24U	/* rows: a multiple of every tile height */
#define VEC_PANEL_ROWS	96U

/* Depthwise: channels and bytes of interleaved activations at one time. */
#define VEC_DW_CHANNELS	64U
#define VEC_DW_BYTES	24576U
#define VEC_DW_MAX	(1U << 20)

/*
 * Requantisation of one vector, @lanes elements of each kind one after the
 * other. With m the multiplier and e = max(-shift, 0), for e >= 1:
 *
 *   SRDHM then RDBPOT = (acc * m + 2^30 + 2^(30 + e) - [acc < 0] * 2^31)
 *			 >> (31 + e)
 *
 * with an arithmetic shift, since both steps are floors of sums. e = 0 has no
 * second rounding: VEC_RQ_ADD_* is 2^30 there and VEC_RQ_SIGN switches the
 * sign's part off. 64-bit terms are kept apart for even and odd lanes, which is how the
 * widening multiplication wants them.
 */
enum vec_rq {
	VEC_RQ_BIAS,		/* s32, or f32 */
	VEC_RQ_MULT,		/* s32 */
	VEC_RQ_MULT_ODD,	/* s32: lane 2i holds the multiplier of 2i + 1 */
	VEC_RQ_ADD_EVEN,	/* s64 */
	VEC_RQ_ADD_ODD,		/* s64 */
	VEC_RQ_RIGHT,		/* s32: e */
	VEC_RQ_LEFT,		/* s32: max(shift, 0) */
	VEC_RQ_SIGN,		/* s32: 31 where e >= 1, else 32: acc >> this,
				 * logically, is [acc < 0] where it counts */
	VEC_RQ_NR,
};

/* At the start of packed memory; the rest is 64-byte aligned. */
struct vec_head {
	u32 left;	/* some channel has shift > 0 */
	u32 reserved[15];
};

static inline size_t vec_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static inline u32 vec_min(u32 a, u32 b)
{
	return a < b ? a : b;
}

/* Convolution as a matrix product: rows are pixels, k runs over the window. */
struct vec_gemm {
	u32 k;		/* elements of a window */
	u32 steps;	/* units of a window */
	u32 vecs;	/* vectors of output channels */
	size_t lda;	/* bytes from one row of a panel to the next */
	size_t block;	/* bytes of packed memory of one vector of channels */
	u32 rows;	/* pixels of a panel */
	size_t panel;	/* its bytes: whole tiles, but for a single pixel */
};

static inline void vec_gemm_of(const struct eng_conv *c, u32 lanes, u32 group,
			       u32 params, struct vec_gemm *m)
{
	size_t pixels = (size_t)c->batch * c->out_h * c->out_w;
	u32 rows;

	m->k = c->kernel_h * c->kernel_w * c->in_c;
	m->steps = (m->k + group - 1) / group;
	m->vecs = (c->out_c + lanes - 1) / lanes;
	m->lda = (size_t)m->steps * VEC_UNIT_BYTES;
	m->block = ((size_t)m->steps + params) * lanes * VEC_UNIT_BYTES;
	rows = (u32)(VEC_PANEL_BYTES / m->lda) / VEC_PANEL_STEP * VEC_PANEL_STEP;
	if (rows < VEC_PANEL_STEP)
		rows = VEC_PANEL_STEP;
	if (rows > VEC_PANEL_ROWS)
		rows = VEC_PANEL_ROWS;
	m->rows = rows < pixels ? rows : (u32)pixels;
	rows = m->rows == 1 ? 1 : (u32)vec_up(m->rows, VEC_PANEL_STEP);
	m->panel = rows * m->lda + VEC_SLACK;
}

/* Rows of the product are rows of x: 1x1 convolution, fully connected */
static inline bool vec_gemm_direct(const struct eng_conv *c)
{
	return c->kernel_h == 1 && c->kernel_w == 1 && c->stride_h == 1 &&
	       c->stride_w == 1 && !c->pad_top && !c->pad_left &&
	       c->in_h == c->out_h && (c->in_w == c->out_w || c->in_w == 1);
}

/* Depthwise: groups of window rows side by side, one unit per column. */
struct vec_dw {
	u32 groups;	/* of window rows */
	u32 vecs;	/* vectors of channels */
	size_t block;	/* bytes of packed memory of one vector of channels */
	u32 channels;	/* of a channel block, at most */
	u32 padded;	/* the same, whole vectors of at least 16 */
	u32 chunk;	/* output columns at one time */
	u32 cols;	/* input columns they need */
	size_t plane;	/* bytes of one group's interleaved activations */
	size_t zeros;	/* bytes of a row of padding, 64-byte aligned */
	size_t expand;	/* bytes of one expanded row, 0: no multiplier */
};

static inline void vec_dw_of(const struct eng_conv *c, u32 lanes, u32 group,
			     struct vec_dw *d)
{
	size_t span = (size_t)(c->kernel_w - 1) * c->dilation_w + 1;
	size_t column, room;

	d->groups = (c->kernel_h + group - 1) / group;
	d->vecs = (c->out_c + lanes - 1) / lanes;
	d->block = ((size_t)d->groups * c->kernel_w + VEC_RQ_NR) * lanes *
		   VEC_UNIT_BYTES;
	d->channels = vec_min(c->out_c, VEC_DW_CHANNELS);
	d->padded = (u32)vec_up(d->channels, 16);
	column = (size_t)d->groups * d->padded * VEC_UNIT_BYTES;
	room = VEC_DW_BYTES / column;
	d->chunk = 1;
	if (room > span)
		d->chunk = (u32)((room - span) / c->stride_w) + 1;
	d->chunk = vec_min(d->chunk, c->out_w);
	d->cols = (u32)((size_t)(d->chunk - 1) * c->stride_w + span);
	d->plane = (size_t)d->cols * d->padded * VEC_UNIT_BYTES;
	d->zeros = vec_up((size_t)d->cols * d->channels + VEC_SLACK, 64);
	d->expand = c->depth_multiplier > 1 ? d->zeros : 0;
}

/* A depthwise layer of one input channel is a plain convolution. */
static inline bool vec_dw_is_conv(const struct eng_conv *c)
{
	return c->in_c == 1;
}

/* One set of shape functions per unit; X(unit, lanes, group, offset, vecs). */
#define VEC_UNITS(X)				\
	X(avx2, 8, 2, 0, 2)			\
	X(avxvnni, 8, 4, 128, 2)		\
	X(avx512, 16, 2, 0, 4)			\
	X(avx512vnni, 16, 4, 128, 4)		\
	X(neon, 4, 2, 0, 4)			\
	X(neondot, 4, 4, 0, 4)

#define VEC_DECLARE(unit, lanes, group, offset, vecs)			\
	extern const struct vec_geom vec_geom_##unit;			\
	bool vec_usable_##unit(const struct eng_cpu *cpu);		\
	size_t vec_conv_bytes_##unit(const struct eng_conv *c);	\
	size_t vec_conv_scratch_##unit(const struct eng_conv *c);	\
	size_t vec_dw_bytes_##unit(const struct eng_conv *c);		\
	size_t vec_dw_scratch_##unit(const struct eng_conv *c);	\
	size_t vec_conv_f32_bytes_##unit(const struct eng_conv *c);	\
	size_t vec_conv_f32_scratch_##unit(const struct eng_conv *c);	\
	size_t vec_dw_f32_bytes_##unit(const struct eng_conv *c);	\
	size_t vec_dw_f32_scratch_##unit(const struct eng_conv *c);	\
	u32 vec_fc_granule_##unit(const struct eng_conv *c);
VEC_UNITS(VEC_DECLARE)
#undef VEC_DECLARE

size_t vec_none(const struct eng_conv *c);
u32 vec_conv_granule(const struct eng_conv *c);
u32 vec_dw_granule(const struct eng_conv *c);
bool vec_by_pixel(const struct eng_conv *c);
bool vec_by_channel(const struct eng_conv *c);

#endif /* _ENG_VEC_PLAN_H */
