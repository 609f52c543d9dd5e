/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Template: fp32 convolution, depthwise convolution, fully connected layers
 * and addition. Included after a unit's primitives. Products are fused into
 * the sums; a channel's packed form is its bias, then its weights.
 */
#ifndef _ENG_VEC_F32_H
#define _ENG_VEC_F32_H

#include "f32.h"
#include "scalar.h"

/* Weight k of channel o lies at o * by_channel + k * by_k. */
static void vecf_gemm_pack(const struct eng_conv *c, void *packed,
			   size_t by_channel, size_t by_k)
{
	const float *w = c->weights, *bias = c->bias;
	struct vec_gemm m;
	float *block = packed;
	u32 o, k;

	vec_gemm_of(c, LANES, 1, 1, &m);
	memset(packed, 0, m.vecs * m.block);
	for (o = 0; o < c->out_c; o++) {
		u32 lane = o % LANES;

		block[lane] = bias ? bias[o] : 0.0f;
		for (k = 0; k < m.k; k++)
			block[((size_t)k + 1) * LANES + lane] =
				w[o * by_channel + k * by_k];
		if (lane == LANES - 1)
			block += m.block / sizeof(float);
	}
}

/* The window of one pixel, zeros for padding */
static void vecf_gather_one(const struct eng_conv *c, const float *image,
			    s64 top, s64 left, float *dst)
{
	u32 y0, y1, x0, x1, ky, kx;

	eng_taps(top, c->dilation_h, c->kernel_h, c->in_h, &y0, &y1);
	eng_taps(left, c->dilation_w, c->kernel_w, c->in_w, &x0, &x1);
	for (ky = 0; ky < c->kernel_h; ky++) {
		size_t row = (size_t)(top + (s64)ky * c->dilation_h) * c->in_w;

		for (kx = 0; kx < c->kernel_w; kx++) {
			size_t n = c->in_c, at;

			if (ky < y0 || ky >= y1 || kx < x0 || kx >= x1) {
				memset(dst, 0, n * sizeof(float));
				dst += n;
				continue;
			}
			at = row + (size_t)(left + (s64)kx * c->dilation_w);
			if (c->dilation_w == 1) {
				n *= x1 - kx;
				kx = x1 - 1;
			}
			memcpy(dst, image + at * c->in_c, n * sizeof(float));
			dst += n;
		}
	}
}

static void vecf_gather(const struct eng_conv *c, const struct vec_gemm *m,
			const float *x, float *panel, u32 first, u32 count)
{
	size_t image = (size_t)c->in_h * c->in_w * c->in_c;
	u32 i;

	for (i = first; i < first + count; i++) {
		u32 row = i / c->out_w;

		vecf_gather_one(c, x + row / c->out_h * image,
				(s64)(row % c->out_h) * c->stride_h - c->pad_top,
				(s64)(i % c->out_w) * c->stride_w - c->pad_left,
				panel);
		panel += m->lda / sizeof(float);
	}
}

struct vecf_tile {
	const float *a;
	size_t lda;		/* floats */
	const float *block;
	size_t block_floats;
	u32 steps;
	float *y;
	size_t out_stride;
	u32 rows;		/* pixels that exist, at most the tile's height */
	bool single;		/* the layer has one pixel in all */
	u32 lo, hi;		/* channels to store, relative to the first */
	struct eng_range range;
};

static __attribute__((__noinline__)) void
vecf_put_part(float *y, vecf v, u32 at, u32 lo, u32 hi)
{
	float part[LANES];
	u32 i;

	vecf_store(part, v);
	for (i = at; i < at + LANES; i++)
		if (i >= lo && i < hi)
			y[i] = part[i - at];
}

VEC_INLINE void vecf_tile_end(const struct vecf_tile *t, vecf acc[],
			      const int mr, const int nv)
{
	vecf min = vecf_all(&t->range.min), max = vecf_all(&t->range.max);
	int r, v;

#pragma GCC unroll 12
	for (r = 0; r < mr; r++) {
#pragma GCC unroll 4
		for (v = 0; v < nv; v++) {
			float *y = t->y + (u32)r * t->out_stride;
			vecf s = vecf_add(acc[r * nv + v],
					  vecf_load(t->block +
						    v * t->block_floats));

			s = vecf_clamp(s, min, max);
			if ((u32)r >= t->rows)
				continue;
			if (t->lo == 0 && t->hi >= (u32)(v + 1) * LANES)
				vecf_store(y + v * LANES, s);
			else
				vecf_put_part(y, s, (u32)v * LANES, t->lo,
					      t->hi);
		}
	}
}

VEC_INLINE void vecf_tile_run(const struct vecf_tile *t, const int mr,
			      const int nv)
{
	const float *w = t->block + LANES, *a[12];
	vecf acc[24];
	u32 k;
	int r, v;

#pragma GCC unroll 12
	for (r = 0; r < mr; r++) {
		/* rows that don't exist read an existing one */
		a[r] = t->a + vec_min((u32)r, t->rows - 1) * t->lda;
#pragma GCC unroll 4
		for (v = 0; v < nv; v++)
			acc[r * nv + v] = vecf_zero();
	}
	for (k = 0; k < t->steps; k++) {
		vecf wv[4];

#pragma GCC unroll 4
		for (v = 0; v < nv; v++)
			wv[v] = vecf_load(w + v * t->block_floats);
#pragma GCC unroll 12
		for (r = 0; r < mr; r++) {
			vecf av = vecf_all(a[r] + k);

#pragma GCC unroll 4
			for (v = 0; v < nv; v++)
				acc[r * nv + v] = vecf_fma(acc[r * nv + v], av,
							   wv[v]);
		}
		w += LANES;
	}
	vecf_tile_end(t, acc, mr, nv);
}

/* One row: four sums per vector hide the latency */
VEC_INLINE void vecf_tile_row(const struct vecf_tile *t, const int nv)
{
	const float *w = t->block + LANES;
	vecf acc[4][4], sum[4];
	u32 k = 0;
	int i, v;

#pragma GCC unroll 4
	for (v = 0; v < nv; v++) {
		acc[v][0] = vecf_zero();
		acc[v][1] = vecf_zero();
		acc[v][2] = vecf_zero();
		acc[v][3] = vecf_zero();
	}
	for (; k + 4 <= t->steps; k += 4) {
#pragma GCC unroll 4
		for (i = 0; i < 4; i++) {
			vecf av = vecf_all(t->a + k + i);

#pragma GCC unroll 4
			for (v = 0; v < nv; v++)
				acc[v][i] = vecf_fma(acc[v][i], av,
						     vecf_load(w + v * t->block_floats +
							       i * LANES));
		}
		w += 4 * LANES;
	}
	for (; k < t->steps; k++) {
#pragma GCC unroll 4
		for (v = 0; v < nv; v++)
			acc[v][0] = vecf_fma(acc[v][0], vecf_all(t->a + k),
					     vecf_load(w + v * t->block_floats));
		w += LANES;
	}
#pragma GCC unroll 4
	for (v = 0; v < nv; v++)
		sum[v] = vecf_add(vecf_add(acc[v][0], acc[v][1]),
				  vecf_add(acc[v][2], acc[v][3]));
	vecf_tile_end(t, sum, 1, nv);
}

VEC_INLINE void vecf_rows(struct vecf_tile *t, u32 rows, const int full,
			  const int nv)
{
	while (rows) {
		t->rows = vec_min(rows, (u32)full);
		/*
		 * Its order of sums differs: not for the last pixel of a piece,
		 * else results depended on how a layer is cut into steps.
		 */
		if (t->single)
			vecf_tile_row(t, nv);
		else if (t->rows <= (u32)full / 2)
			vecf_tile_run(t, full / 2, nv);
		else
			vecf_tile_run(t, full, nv);
		rows -= t->rows;
		t->a += t->rows * t->lda;
		t->y += t->rows * t->out_stride;
	}
}

static __attribute__((__noinline__)) void vecf_rows_1(struct vecf_tile *t, u32 rows)
{
	vecf_rows(t, rows, TILE_1, 1);
}

static __attribute__((__noinline__)) void vecf_rows_full(struct vecf_tile *t,
						     u32 rows)
{
	vecf_rows(t, rows, TILE_FULL, VECS);
}

/* Channels [begin, end) of @rows pixels; a is their panel, y channel 0 */
static void vecf_panel_run(const struct eng_conv *c, const struct vec_gemm *m,
			   const float *packed, const float *a, size_t lda,
			   float *y, u32 rows, u32 begin, u32 end)
{
	u32 v = begin / LANES, last = (end + LANES - 1) / LANES, nv;
	struct vecf_tile t;

	t.lda = lda;
	t.block_floats = m->block / sizeof(float);
	t.steps = m->steps;
	t.out_stride = c->out_stride;
	t.range = eng_range_of(c->clamp);
	t.single = (size_t)c->batch * c->out_h * c->out_w == 1;
	for (; v < last; v += nv) {
		u32 channel = v * LANES;

		nv = last - v >= VECS ? VECS : 1;
		t.a = a;
		t.block = packed + v * t.block_floats;
		t.y = y + channel;
		t.lo = begin > channel ? begin - channel : 0;
		t.hi = vec_min(end - channel, nv * LANES);
		if (nv == 1)
			vecf_rows_1(&t, rows);
		else
			vecf_rows_full(&t, rows);
	}
}

static void vecf_gemm_run(const struct eng_conv *c, const void *packed,
			  const float *x, float *y, float *scratch, u32 begin,
			  u32 end, u32 first, u32 last)
{
	bool direct = vec_gemm_direct(c);
	struct vec_gemm m;

	vec_gemm_of(c, LANES, 1, 1, &m);
	while (begin < end) {
		u32 rows = vec_min(end - begin, m.rows);
		const float *a = scratch;

		if (direct)
			a = x + (size_t)begin * m.k;
		else
			vecf_gather(c, &m, x, scratch, begin, rows);
		vecf_panel_run(c, &m, packed, a, m.k,
			       y + (size_t)begin * c->out_stride, rows, first,
			       last);
		begin += rows;
	}
}

static void vecf_conv_pack(const struct eng_conv *c, void *packed)
{
	vecf_gemm_pack(c, packed, (size_t)c->kernel_h * c->kernel_w * c->in_c,
		       1);
}

static void vecf_conv_run(const struct eng_conv *c, const void *packed,
			  const void *x, void *y, void *scratch, u32 begin,
			  u32 end)
{
	vecf_gemm_run(c, packed, x, y, scratch, begin, end, 0, c->out_c);
}

static void vecf_fc_run(const struct eng_conv *c, const void *packed,
			const void *x, void *y, void *scratch, u32 begin,
			u32 end)
{
	vecf_gemm_run(c, packed, x, y, scratch, 0,
		      c->batch * c->out_h * c->out_w, begin, end);
}

static void vecf_dw_pack(const struct eng_conv *c, void *packed)
{
	size_t padded = vec_up(c->out_c, LANES), taps, t;
	const float *w = c->weights;
	float *p = packed;

	if (vec_dw_is_conv(c)) {
		vecf_gemm_pack(c, packed, 1, c->out_c);
		return;
	}
	taps = (size_t)c->kernel_h * c->kernel_w;
	memset(p, 0, padded * (taps + 1) * sizeof(float));
	if (c->bias)
		memcpy(p, c->bias, c->out_c * sizeof(float));
	for (t = 0; t < taps; t++)
		memcpy(p + (t + 1) * padded, w + t * c->out_c,
		       c->out_c * sizeof(float));
}

/* The part of a pixel's window that lies inside the input */
struct vecf_window {
	const float *x;		/* its first tap */
	const float *w;
	size_t below, next;	/* input: tap to tap */
	size_t w_below, w_next;	/* weights */
	u32 rows, cols;
};

static void vecf_window_of(const struct eng_conv *c, const float *x,
			   const float *packed, u32 pixel,
			   struct vecf_window *win)
{
	size_t padded = vec_up(c->out_c, LANES);
	u32 row = pixel / c->out_w, y0, y1, x0, x1;
	s64 top = (s64)(row % c->out_h) * c->stride_h - c->pad_top;
	s64 left = (s64)(pixel % c->out_w) * c->stride_w - c->pad_left;

	eng_taps(top, c->dilation_h, c->kernel_h, c->in_h, &y0, &y1);
	eng_taps(left, c->dilation_w, c->kernel_w, c->in_w, &x0, &x1);
	win->rows = x1 > x0 ? y1 - y0 : 0;
	win->cols = x1 - x0;
	win->next = (size_t)c->dilation_w * c->in_c;
	win->below = (size_t)c->dilation_h * c->in_w * c->in_c;
	win->w_next = padded;
	win->w_below = padded * c->kernel_w;
	win->x = x;
	win->w = packed + padded;
	if (!win->rows)
		return;
	top += (s64)y0 * c->dilation_h + (s64)(row / c->out_h) * c->in_h;
	left += (s64)x0 * c->dilation_w;
	win->x += ((size_t)top * c->in_w + (size_t)left) * c->in_c;
	win->w += ((size_t)y0 * c->kernel_w + x0) * padded;
}

/* @nv vectors of channels from @o on */
VEC_INLINE void vecf_dw_some(const struct vecf_window *win, const float *bias,
			     u32 o, struct eng_range range, float *y,
			     const int nv)
{
	vecf acc[4];
	u32 ky, kx;
	int v;

#pragma GCC unroll 4
	for (v = 0; v < nv; v++)
		acc[v] = vecf_zero();
	for (ky = 0; ky < win->rows; ky++) {
		const float *x = win->x + ky * win->below + o;
		const float *w = win->w + ky * win->w_below + o;

		for (kx = 0; kx < win->cols; kx++) {
#pragma GCC unroll 4
			for (v = 0; v < nv; v++)
				acc[v] = vecf_fma(acc[v],
						  vecf_load(x + v * LANES),
						  vecf_load(w + v * LANES));
			x += win->next;
			w += win->w_next;
		}
	}
#pragma GCC unroll 4
	for (v = 0; v < nv; v++) {
		acc[v] = vecf_add(acc[v], vecf_load(bias + o + v * LANES));
		acc[v] = vecf_clamp(acc[v], vecf_all(&range.min),
				    vecf_all(&range.max));
		vecf_store(y + o + v * LANES, acc[v]);
	}
}

static float vecf_dw_one(const struct vecf_window *win, float bias, u32 o,
			 struct eng_range range)
{
	float acc = 0;
	u32 ky, kx;

	for (ky = 0; ky < win->rows; ky++)
		for (kx = 0; kx < win->cols; kx++)
			acc += win->x[ky * win->below + kx * win->next + o] *
			       win->w[ky * win->w_below + kx * win->w_next + o];
	return eng_clampf(acc + bias, range);
}

static void vecf_dw_run(const struct eng_conv *c, const void *packed,
			const void *x, void *y, void *scratch, u32 begin,
			u32 end)
{
	struct eng_range range = eng_range_of(c->clamp);
	const float *bias = packed;
	float *out = (float *)y + (size_t)begin * c->out_c;
	u32 i, o;

	if (vec_dw_is_conv(c)) {
		vecf_gemm_run(c, packed, x, y, scratch, begin, end, 0,
			      c->out_c);
		return;
	}
	for (i = begin; i < end; i++, out += c->out_c) {
		struct vecf_window win;

		vecf_window_of(c, x, packed, i, &win);
		for (o = 0; o + 4 * LANES <= c->out_c; o += 4 * LANES)
			vecf_dw_some(&win, bias, o, range, out, 4);
		for (; o + LANES <= c->out_c; o += LANES)
			vecf_dw_some(&win, bias, o, range, out, 1);
		for (; o < c->out_c; o++)
			out[o] = vecf_dw_one(&win, bias[o], o, range);
	}
}

static void vecf_add_f32(const struct eng_binary *p, const float *a,
			 const float *b, float *y, size_t n)
{
	struct eng_range range = eng_range_of(p->clamp);
	vecf min = vecf_all(&range.min), max = vecf_all(&range.max);
	size_t i;

	for (i = 0; i + LANES <= n; i += LANES)
		vecf_store(y + i, vecf_clamp(vecf_add(vecf_load(a + i),
						      vecf_load(b + i)),
					     min, max));
	eng_scalar_add_f32(p, a + i, b + i, y + i, n - i);
}

#endif /* _ENG_VEC_F32_H */
