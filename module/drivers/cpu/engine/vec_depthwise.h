/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Template: int8 depthwise convolution. Included after vec_gemm.h.
 *
 * The rows of windows are interleaved once: GROUP input rows side by side give
 * one unit per column and channel, with columns of padding around. Every tap of
 * a window is then one multiply-add of a vector of units, at any stride and
 * dilation, and neighbouring outputs share the interleaving. Layers go by strips
 * of outputs and blocks of VEC_DW_CHANNELS channels that fit a level-1 cache.
 * Rows past the window's last one have zero weights.
 */
#ifndef _ENG_VEC_DEPTHWISE_H
#define _ENG_VEC_DEPTHWISE_H

static void vec_dw_pack(const struct eng_conv *c, void *packed)
{
	u8 *block = (u8 *)packed + sizeof(struct vec_head);
	const s8 *w = c->weights;
	struct vec_dw d;
	u32 i, o, ky, kx;

	if (vec_dw_is_conv(c)) {
		vec_gemm_pack(c, packed, 1, c->out_c);
		return;
	}
	vec_dw_of(c, &VEC_NAME(vec_geom_), &d);
	memset(packed, 0, sizeof(struct vec_head) + d.vecs * d.block);
	vec_pack_head(c, packed)->dw = d;
	for (i = 0; i < c->out_c * d.repeat; i++) {
		u32 lane = i % LANES, sum = 0;

		o = i % c->out_c;

		for (ky = 0; ky < c->kernel_h; ky++) {
			for (kx = 0; kx < c->kernel_w; kx++) {
				u32 tap = ky * c->kernel_w + kx;
				u32 unit = ky / GROUP * c->kernel_w + kx;
				s8 v = w[(size_t)tap * c->out_c + o];

				sum += (u32)(s32)v;
				vec_pack_weight(block + VEC_RQ_BYTES, lane,
						unit * GROUP + ky % GROUP, v);
			}
		}
		vec_pack_bias(c, block, lane, o, sum);
		vec_pack_requant(block, lane, c->requant[o]);
		if (lane == LANES - 1)
			block += d.block;
	}
}

/*
 * A rectangle of outputs for one block of channels: whole rows of one image, or
 * a stretch of one row. Either way they lie one after the other in memory.
 */
struct vec_strip {
	const struct eng_conv *c;
	const struct vec_dw *d;
	const s8 *x, *end;	/* all of the input */
	u8 *planes;
	u32 *offsets;		/* of each output's first unit */
	s8 *zeros;		/* a row of the zero point */
	s8 *expand;		/* GROUP rows with the multiplier applied */
	u32 channel, channels;	/* block */
	size_t column;		/* bytes of one column in a plane */
	u32 row, rows;		/* first: batch * out_h + output row */
	u32 ox, n;		/* output columns */
	u32 columns, lo, hi;	/* of input; [lo, hi) lie inside the image */
	s64 left;		/* input column of the first */
};

/* Rows of input under one plane, from the first column inside the image */
struct vec_rows_in {
	const s8 *p[GROUP];
	const s8 *end[GROUP];	/* readable up to here */
	size_t step[GROUP];	/* from one column to the next */
};

/* Columns of one row with every channel repeated depth_multiplier times */
static void vec_expand(const struct vec_strip *s, const s8 *src, s8 *dst,
		       u32 columns)
{
	u32 m = s->c->depth_multiplier, i, j;

	for (i = 0; i < columns; i++) {
		for (j = 0; j < s->channels; j++)
			dst[j] = src[(s->channel + j) / m];
		src += s->c->in_c;
		dst += s->channels;
	}
}

/* GROUP rows from input row @top on, @columns of them from column @left */
static void vec_rows_find(const struct vec_strip *s, s64 top, u32 left,
			  u32 columns, struct vec_rows_in *r)
{
	const struct eng_conv *c = s->c;
	const s8 *image = s->x + (size_t)(s->row / c->out_h) * c->in_h *
				 c->in_w * c->in_c;
	u32 j;

	for (j = 0; j < GROUP; j++) {
		s64 y = top + (s64)j * c->dilation_h;

		if (y < 0 || y >= (s64)c->in_h) {
			r->p[j] = s->zeros;
			r->end[j] = s->zeros + s->d->zeros;
			r->step[j] = s->channels;
			continue;
		}
		r->p[j] = image + ((size_t)y * c->in_w + left) * c->in_c;
		r->end[j] = s->end;
		r->step[j] = c->in_c;
		if (s->d->expand) {
			s8 *row = s->expand + j * s->d->expand;

			vec_expand(s, r->p[j], row, columns);
			r->p[j] = row;
			r->end[j] = row + s->d->expand;
			r->step[j] = s->channels;
		} else {
			r->p[j] += s->channel;
		}
	}
}

/*
 * @n elements of each row from @column on, in whole vectors of 16. The pointers
 * stay as they are: gcc would step them in a vector, through memory.
 */
static void vec_interleave_run(u8 *dst, const struct vec_rows_in *from,
			       u32 column, size_t n)
{
	s8 tail[GROUP][16];
	const s8 *p[GROUP];
	size_t at = 0;
	u32 j;

	for (j = 0; j < GROUP; j++)
		p[j] = from->p[j] + column * from->step[j];
#ifdef VEC_INTERLEAVE_WIDE
	for (; at + VEC_INTERLEAVE_WIDE <= n; at += VEC_INTERLEAVE_WIDE)
		vec_interleave_wide(dst + at * VEC_UNIT_BYTES, p, at);
#endif
	for (; at + 16 <= n; at += 16)
		vec_interleave(dst + at * VEC_UNIT_BYTES, p, at);
	if (at == n)
		return;
	for (j = 0; j < GROUP; j++) {
		p[j] += at;
		if (from->end[j] - p[j] >= 16)
			continue;
		memcpy(tail[j], p[j], n - at);
		p[j] = tail[j];
	}
	vec_interleave(dst + at * VEC_UNIT_BYTES, p, 0);
}

static void vec_fill_columns(const struct vec_strip *s, u8 *plane, u32 from,
			     u32 to)
{
	vec zp = vec_zeros_unit(s->c->in_zp);
	u8 *at = plane + from * s->column;

	for (; at < plane + to * s->column; at += VEC_BYTES)
		vec_store(at, zp);
}

/* The plane whose first row is input row @top */
static void vec_plane_fill(const struct vec_strip *s, s64 top, u8 *plane)
{
	const struct eng_conv *c = s->c;
	u32 inside = s->hi - s->lo, i;
	struct vec_rows_in r;

	/* each may write a little too much, which the next one mends */
	vec_fill_columns(s, plane, 0, s->lo);
	if (inside)
		vec_rows_find(s, top, (u32)(s->left + s->lo), inside, &r);
	if (inside && s->column == s->channels * VEC_UNIT_BYTES &&
	    (c->in_c == s->channels || s->d->expand)) {
		vec_interleave_run(plane + s->lo * s->column, &r, 0,
				   (size_t)inside * s->channels);
		inside = 0;
	}
	for (i = 0; i < inside; i++)
		vec_interleave_run(plane + (s->lo + i) * s->column, &r, i,
				   s->channels);
	vec_fill_columns(s, plane, s->hi, s->columns);
}

/* All planes of the strip */
static void vec_strip_fill(const struct vec_strip *s)
{
	const struct eng_conv *c = s->c;
	const struct vec_dw *d = s->d;
	s64 top = (s64)(s->row % c->out_h) * c->stride_h - c->pad_top;
	u32 planes = vec_dw_planes(d, s->rows, GROUP), i;

	for (i = 0; i < planes; i++) {
		s64 y = top + (s64)i;

		if (!d->shared)
			y = top + (s64)(i / d->groups) * c->stride_h +
			    (s64)(i % d->groups) * GROUP * c->dilation_h;
		vec_plane_fill(s, y, s->planes + i * d->plane);
	}
}

/* Where in the planes each output of the strip begins */
static void vec_strip_offsets(const struct vec_strip *s)
{
	size_t line = s->d->plane * (s->d->shared ? 1 : s->d->groups);
	size_t step = s->c->stride_w * s->column;
	u32 r, i, *to = s->offsets;

	for (r = 0; r < s->rows; r++)
		for (i = 0; i < s->n; i += s->d->repeat)
			*to++ = (u32)(r * line + i * step);
}

/* Where the outputs of one vector of channels come from and go to */
struct vec_taps {
	const u8 *block;	/* packed vector of channels */
	const u8 *at;		/* where offsets count from */
	const u32 *offsets;	/* of the next output and on */
	size_t tap, group;	/* bytes from tap to tap, group to group */
	s8 *y;
	size_t out_c;
	u32 lanes;		/* channels to store */
	bool left;
};

/* Four outputs, of which @n exist */
VEC_INLINE void vec_strip_put(const struct vec_taps *t, vec_bytes v, u32 n)
{
	s8 *y = t->y;

	if (t->lanes < LANES) {
		vec_put_n(y, v, 0, t->lanes);
		if (n > 1)
			vec_put_n(y + t->out_c, v, 1, t->lanes);
		if (n > 2)
			vec_put_n(y + 2 * t->out_c, v, 2, t->lanes);
		if (n > 3)
			vec_put_n(y + 3 * t->out_c, v, 3, t->lanes);
		return;
	}
	vec_put(y, v, 0);
	if (n > 1)
		vec_put(y + t->out_c, v, 1);
	if (n > 2)
		vec_put(y + 2 * t->out_c, v, 2);
	if (n > 3)
		vec_put(y + 3 * t->out_c, v, 3);
}

/* @np (1, 2 or 4) neighbouring outputs, of which @n exist */
VEC_INLINE void vec_strip_some(const struct vec_taps *t,
			       const struct vec_requant *q,
			       const struct vec_output *out, u32 groups,
			       u32 taps, const int np, u32 n)
{
	const u8 *w = t->block + VEC_RQ_BYTES, *at[4];
	vec acc[4];
	u32 g, kx;
	int i;

#pragma GCC unroll 4
	for (i = 0; i < np; i++) {
		at[i] = t->at + t->offsets[vec_min((u32)i, n - 1)];
		acc[i] = vec_load(t->block);
	}
#pragma GCC unroll 2
	for (g = 0; g < groups; g++) {
#pragma GCC unroll 3
		for (kx = 0; kx < taps; kx++) {
			vec wv = vec_load(w);

#pragma GCC unroll 4
			for (i = 0; i < np; i++)
				acc[i] = vec_dot_lanes(acc[i],
						       vec_load(at[i] + g * t->group +
								kx * t->tap), wv);
			w += VEC_BYTES;
		}
	}
	if (t->left) {
#pragma GCC unroll 4
		for (i = 0; i < np; i++)
			acc[i] = vec_shift_left(acc[i], q);
	}
#pragma GCC unroll 4
	for (i = 0; i < np; i++)
		acc[i] = vec_requant(acc[i], q);
	vec_strip_put(t, vec_narrow(acc[0], acc[1 % np], acc[2 % np],
				    acc[3 % np], out), n);
}

/* The strip's outputs; groups and taps are constants where it is inlined */
VEC_INLINE void vec_strip_run(const struct vec_strip *s, const u8 *block,
			      bool left, s8 *y, const u32 groups,
			      const u32 taps)
{
	const struct eng_conv *c = s->c;
	struct vec_output out = vec_output_of(c->out_zp, c->clamp);
	struct vec_taps t = {
		.block = block,
		.tap = c->dilation_w * s->column,
		.group = s->d->plane * (s->d->shared ? GROUP : 1),
		.out_c = (size_t)c->out_c * s->d->repeat,
		.left = left,
	};
	u32 repeat = s->d->repeat, lane, n, k;

	for (lane = 0; lane < s->channels; lane += LANES) {
		struct vec_requant q = vec_requant_load(t.block);

		t.lanes = vec_min(s->channels * repeat - lane, LANES);
		t.at = s->planes + lane * VEC_UNIT_BYTES;
		t.offsets = s->offsets;
		t.y = y + lane;
		n = (s->rows * s->n + repeat - 1) / repeat;
		for (; n; n -= k) {
			k = vec_min(n, 4);
			/* a stretch of a row may end within a vector */
			if (k == 1 && s->n % repeat)
				t.lanes = s->n % repeat * s->channels;
			else if (k == n && s->n % repeat)
				k--;
			if (k > 2)
				vec_strip_some(&t, &q, &out, groups, taps, 4, k);
			else if (k == 2)
				vec_strip_some(&t, &q, &out, groups, taps, 2, 2);
			else
				vec_strip_some(&t, &q, &out, groups, taps, 1, 1);
			t.offsets += k;
			t.y += k * t.out_c;
		}
		t.block += s->d->block;
	}
}

/* All channels of the strip, block by block */
static void vec_strip(struct vec_strip *s, const void *packed, s8 *y)
{
	const struct vec_head *head = packed;
	const struct eng_conv *c = s->c;
	const struct vec_dw *d = s->d;
	const u8 *block = (const u8 *)(head + 1);

	for (s->channel = 0; s->channel < c->out_c; s->channel += d->channels) {
		size_t column = s->column;

		s->channels = vec_min(c->out_c - s->channel, d->channels);
		s->column = vec_dw_column(d, s->channels);
		if (s->channel == 0 || s->column != column)
			vec_strip_offsets(s);
		vec_strip_fill(s);
		if (c->kernel_w == 3 && d->groups == (3 + GROUP - 1) / GROUP)
			vec_strip_run(s, block, head->left, y + s->channel,
				      (3 + GROUP - 1) / GROUP, 3);
		else
			vec_strip_run(s, block, head->left, y + s->channel,
				      d->groups, c->kernel_w);
		block += s->channels / LANES * d->block;
	}
}

/* Outputs [begin, end), strip by strip */
static void vec_strips(struct vec_strip *s, const void *packed, s8 *y,
		       u32 begin, u32 end)
{
	const struct eng_conv *c = s->c;

	for (; begin < end; begin += s->rows * s->n) {
		s->row = begin / c->out_w;
		s->ox = begin % c->out_w;
		s->n = vec_min(vec_min(c->out_w - s->ox, end - begin),
			       s->d->chunk);
		s->left = (s64)s->ox * c->stride_w - c->pad_left;
		s->columns = (s->n - 1) * c->stride_w +
			     (c->kernel_w - 1) * c->dilation_w + 1;
		eng_taps(s->left, 1, s->columns, c->in_w, &s->lo, &s->hi);
		s->rows = 1;
		if (s->n == c->out_w)	/* of one image */
			s->rows = vec_min(vec_min(s->d->rows,
						  (end - begin) / c->out_w),
					  c->out_h - s->row % c->out_h);
		vec_strip(s, packed, y + (size_t)begin * c->out_c);
	}
}

static void vec_dw_run(const struct eng_conv *c, const void *packed,
		       const void *x, void *y, void *scratch, u32 begin,
		       u32 end)
{
	const struct vec_head *head = packed;
	struct vec_strip s = { .c = c, .d = &head->dw, .x = x };

	if (vec_dw_is_conv(c)) {
		vec_gemm_run(c, packed, x, y, scratch, begin, end, 0, c->out_c);
		return;
	}
	s.end = s.x + (size_t)c->batch * c->in_h * c->in_w * c->in_c;
	s.offsets = scratch;
	s.planes = (u8 *)scratch + VEC_DW_OUTPUTS * sizeof(u32);
	s.zeros = (s8 *)s.planes + s.d->planes * s.d->plane + VEC_SLACK;
	s.expand = s.zeros + s.d->zeros;
	memset(s.zeros, c->in_zp, s.d->zeros);
	vec_strips(&s, packed, y, begin, end);
}

#endif /* _ENG_VEC_DEPTHWISE_H */
