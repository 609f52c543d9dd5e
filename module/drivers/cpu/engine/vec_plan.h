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
 * @split:  vec_interleave() keeps the elements of a vector's units apart, so
 *	    that vectors of units begin at multiples of @lanes units alone
 */
struct vec_geom {
	u32 lanes, group, offset, vecs;
	bool split;
};

#define VEC_UNIT_BYTES	4U
#define VEC_SLACK	128U	/* copies may write this much past their end */

/* Activations of one panel stay in the first level cache. */
#define VEC_PANEL_BYTES	16384U
#define VEC_PANEL_STEP	24U	/* rows: a multiple of every tile height */
#define VEC_PANEL_ROWS	96U

/* Tiles may read this many rows of the product past the last one. */
#define VEC_TILE_ROWS	16U

/* Padded copies of input rows: at one time, and so much that it is allowed */
#define VEC_SLIDE_BYTES	24576U
#define VEC_SLIDE_MAX	(256U << 10)

/* Depthwise: channels, interleaved bytes and outputs at one time */
#define VEC_DW_CHANNELS	64U
#define VEC_DW_BYTES	24576U
#define VEC_DW_OUTPUTS	384U
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
	/* s32: 31 where e >= 1, else 32: acc >> this, logically, is [acc < 0]
	 * where it counts
	 */
	VEC_RQ_SIGN,
	VEC_RQ_NR,
};

static inline size_t vec_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static inline u32 vec_min(u32 a, u32 b)
{
	return a < b ? a : b;
}

/* The low @n (at most 8) bytes of @v */
static inline void vec_put_bytes(s8 *dst, u64 v, u32 n)
{
	if (n & 8) {
		memcpy(dst, &v, 8);
		return;
	}
	if (n & 4) {
		memcpy(dst, &v, 4);
		dst += 4;
		v >>= 32;
	}
	if (n & 2) {
		memcpy(dst, &v, 2);
		dst += 2;
		v >>= 16;
	}
	if (n & 1)
		*dst = (s8)v;
}

/*
 * Convolution as a matrix product: rows are pixels, k runs over the window in
 * segments. Three ways to the rows:
 *   direct  rows of x are rows of the product; a panel of them is copied
 *   slide   a padded copy of some input rows, in which windows of neighbouring
 *	     pixels overlap; one segment for each window row
 *   gather  each window is copied into a row of a panel (dilated windows)
 */
struct vec_gemm {
	u32 k;		/* elements of a window */
	u32 segments;
	u32 units;	/* of a segment */
	u32 steps;	/* units of a window: segments * units */
	u32 vecs;	/* vectors of output channels */
	u32 params;	/* vectors of requantisation (f32: bias) in a block */
	size_t shared;	/* bytes of requantisation before the blocks */
	size_t block;	/* bytes of packed memory of one vector of channels */
	size_t lda;	/* bytes from one row of the product to the next */
	size_t pitch;	/* slide: bytes of one input row's copy */
	u32 rows;	/* pixels of a panel; slide: output rows at one time */
	bool direct;
	size_t scratch;	/* bytes of the panel or the copy */
};

/* Rows of the product are rows of x: 1x1 convolution, fully connected */
static inline bool vec_gemm_direct(const struct eng_conv *c)
{
	return c->kernel_h == 1 && c->kernel_w == 1 && c->stride_h == 1 &&
	       c->stride_w == 1 && !c->pad_top && !c->pad_left &&
	       c->in_h == c->out_h && (c->in_w == c->out_w || c->in_w == 1);
}

/* Input rows under @rows output rows */
static inline size_t vec_rows_under(const struct eng_conv *c, size_t rows)
{
	return (rows - 1) * c->stride_h +
	       (size_t)(c->kernel_h - 1) * c->dilation_h + 1;
}

/* Input columns under @columns output columns of an undilated window */
static inline size_t vec_columns_under(const struct eng_conv *c, size_t columns)
{
	return (columns - 1) * c->stride_w + c->kernel_w;
}

/* @size: bytes of one element in scratch, VEC_UNIT_BYTES / group */
static inline size_t vec_slide_pitch(const struct eng_conv *c, u32 size)
{
	return vec_up(vec_columns_under(c, c->out_w) * c->in_c * size, 64) +
	       VEC_SLACK;
}

static inline bool vec_gemm_slides(const struct eng_conv *c, u32 size)
{
	return c->dilation_w == 1 && !vec_gemm_direct(c) &&
	       vec_slide_pitch(c, size) * vec_rows_under(c, 1) <= VEC_SLIDE_MAX;
}

static inline void vec_gemm_slide_of(const struct eng_conv *c, u32 size,
				     struct vec_gemm *m)
{
	size_t room = VEC_SLIDE_BYTES / vec_slide_pitch(c, size);

	m->pitch = vec_slide_pitch(c, size);
	m->rows = 1;
	if (room > vec_rows_under(c, 1))
		m->rows += (u32)((room - vec_rows_under(c, 1)) / c->stride_h);
	m->rows = vec_min(m->rows, c->out_h);
	m->lda = (size_t)c->stride_w * c->in_c * size;
	m->scratch = vec_rows_under(c, m->rows) * m->pitch +
		     VEC_TILE_ROWS * m->lda + VEC_SLACK;
}

static inline void vec_gemm_panel_of(const struct eng_conv *c,
				     struct vec_gemm *m)
{
	size_t pixels = (size_t)c->batch * c->out_h * c->out_w;
	u32 rows;

	m->lda = (size_t)m->steps * VEC_UNIT_BYTES;
	rows = (u32)(VEC_PANEL_BYTES / m->lda) / VEC_PANEL_STEP * VEC_PANEL_STEP;
	if (rows < VEC_PANEL_STEP)
		rows = VEC_PANEL_STEP;
	if (rows > VEC_PANEL_ROWS)
		rows = VEC_PANEL_ROWS;
	m->rows = rows < pixels ? rows : (u32)pixels;
	rows = m->rows == 1 ? 1 : (u32)vec_up(m->rows, VEC_PANEL_STEP);
	m->scratch = rows * m->lda + VEC_SLACK;
}

/*
 * One multiplier and shift for all channels, as in layers quantised by tensor:
 * kept once, where they stay in the first level cache. Few pixels make a layer as
 * slow as its packed memory is large.
 */
static inline bool vec_requant_shared(const struct eng_conv *c)
{
	u32 o;

	for (o = 1; o < c->out_c; o++)
		if (c->requant[o].multiplier != c->requant[0].multiplier ||
		    c->requant[o].shift != c->requant[0].shift)
			return false;
	return true;
}

/* @params: vectors before the weights of a block. f32 does not slide */
static inline void vec_gemm_of(const struct eng_conv *c, u32 lanes, u32 group,
			       u32 params, struct vec_gemm *m)
{
	u32 size = VEC_UNIT_BYTES / group;
	bool slides = params == VEC_RQ_NR && vec_gemm_slides(c, size);

	m->k = c->kernel_h * c->kernel_w * c->in_c;
	m->segments = slides ? c->kernel_h : 1;
	m->units = (m->k / m->segments + group - 1) / group;
	m->steps = m->segments * m->units;
	m->vecs = (c->out_c + lanes - 1) / lanes;
	m->params = params;
	m->shared = 0;
	if (params == VEC_RQ_NR && vec_requant_shared(c)) {
		m->params = 1;
		m->shared = (size_t)params * lanes * VEC_UNIT_BYTES;
	}
	m->block = ((size_t)m->steps + m->params) * lanes * VEC_UNIT_BYTES;
	m->pitch = 0;
	m->direct = vec_gemm_direct(c);
	if (slides)
		vec_gemm_slide_of(c, size, m);
	else
		vec_gemm_panel_of(c, m);
}

/*
 * Depthwise: GROUP input rows side by side, one unit for each column and
 * channel, make a plane. An output row needs one plane for each group of window
 * rows; some output rows are done at a time, which share planes at stride 1.
 */
struct vec_dw {
	u32 groups;	/* of window rows */
	u32 vecs;	/* vectors of channels */
	size_t block;	/* bytes of packed memory of one vector of channels */
	u32 channels;	/* of a channel block, at most */
	u32 repeat;	/* neighbouring outputs in one vector: few channels */
	u32 chunk;	/* output columns at one time */
	u32 rows;	/* output rows at one time, 1 unless chunk is a row */
	bool shared;	/* planes begin at every input row */
	u32 planes;
	size_t plane;	/* bytes */
	size_t zeros;	/* bytes of a row of padding, 64-byte aligned */
	size_t expand;	/* bytes of one expanded row, 0: no multiplier */
};

/* Bytes of one column of @channels in a plane */
static inline size_t vec_dw_column(const struct vec_dw *d, u32 channels)
{
	return (d->repeat > 1 ? channels : vec_up(channels, 16)) *
	       VEC_UNIT_BYTES;
}

static inline u32 vec_dw_planes(const struct vec_dw *d, u32 rows, u32 group)
{
	return d->shared ? rows + (d->groups - 1) * group : rows * d->groups;
}

/*
 * Outputs that share a vector lie one column apart, and so do their taps: a
 * vector then begins at any column. Where units are split that works for whole
 * vectors only, which leaves each output a vector of its own. With 4 lanes all
 * that is lost is two outputs at a time for layers of 2 channels.
 */
static inline u32 vec_dw_repeat(const struct eng_conv *c,
				const struct vec_geom *g)
{
	u32 repeat;

	if (g->split || c->stride_w != 1 || g->lanes % c->out_c)
		return 1;
	repeat = g->lanes / c->out_c;
	return c->out_w % repeat ? 1 : repeat;
}

static inline void vec_dw_of(const struct eng_conv *c, const struct vec_geom *g,
			     struct vec_dw *d)
{
	u32 lanes = g->lanes, group = g->group;
	size_t span = (size_t)(c->kernel_w - 1) * c->dilation_w + 1;
	size_t column, room, cols;

	d->groups = (c->kernel_h + group - 1) / group;
	d->vecs = (c->out_c + lanes - 1) / lanes;
	d->block = ((size_t)d->groups * c->kernel_w + VEC_RQ_NR) * lanes *
		   VEC_UNIT_BYTES;
	d->shared = c->stride_h == 1 && c->dilation_h == 1;
	d->channels = vec_min(c->out_c, VEC_DW_CHANNELS);
	d->repeat = vec_dw_repeat(c, g);
	column = vec_dw_column(d, d->channels);
	room = VEC_DW_BYTES / (column * vec_dw_planes(d, 1, group));
	d->chunk = 1;
	if (room > span)
		d->chunk = (u32)((room - span) / c->stride_w) + 1;
	d->chunk = vec_min(vec_min(d->chunk, c->out_w), VEC_DW_OUTPUTS);
	d->chunk = (u32)vec_up(d->chunk, d->repeat);
	cols = (size_t)(d->chunk - 1) * c->stride_w + span;
	d->plane = vec_up(cols * column, 64);
	d->rows = 1;
	room = VEC_DW_BYTES / d->plane;
	if (d->chunk == c->out_w && room > vec_dw_planes(d, 1, group)) {
		room -= vec_dw_planes(d, 1, group);
		d->rows += (u32)(d->shared ? room : room / d->groups);
		d->rows = vec_min(d->rows, VEC_DW_OUTPUTS / d->chunk);
		d->rows = vec_min(d->rows, c->out_h);
	}
	d->planes = vec_dw_planes(d, d->rows, group);
	d->zeros = vec_up(cols * d->channels + VEC_SLACK, 64);
	d->expand = c->depth_multiplier > 1 ? d->zeros : 0;
}

/* At the start of packed memory; the blocks follow */
struct vec_head {
	u32 left;	/* some channel has shift > 0 */
	u32 reserved;
	union {
		struct vec_gemm gemm;
		struct vec_dw dw;
	};
} __attribute__((aligned(64)));

/* A depthwise layer of one input channel is a plain convolution. */
static inline bool vec_dw_is_conv(const struct eng_conv *c)
{
	return c->in_c == 1;
}

/*
 * One set of shape functions per unit; X(unit, lanes, group, offset, vecs,
 * split).
 */
#define VEC_UNITS(X)				\
	X(avx2, 8, 2, 0, 2, false)		\
	X(avxvnni, 8, 4, 128, 2, false)		\
	X(avx512, 16, 2, 0, 4, false)		\
	X(avx512vnni, 16, 4, 128, 4, false)	\
	X(neon, 4, 2, 0, 4, true)		\
	X(neondot, 4, 4, 0, 4, false)

#define VEC_DECLARE(unit, lanes, group, offset, vecs, split)		\
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
