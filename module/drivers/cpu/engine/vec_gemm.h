/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Template: int8 convolution and fully connected layers as a matrix product.
 * Included after a unit's primitives.
 *
 * Windows of up to VEC_PANEL_ROWS pixels are gathered into a panel in scratch
 * memory, one row each, widened or offset as the unit's products want it.
 * Padding is filled with the zero point, so that the correction for zero point
 * and offset is one constant per channel, folded into the bias. Tiles of pixels
 * by channel vectors then run over the panel with all accumulators in registers.
 */
#ifndef _ENG_VEC_GEMM_H
#define _ENG_VEC_GEMM_H

#include "scalar.h"
#include "vec_pack.h"

/* What all blocks share */
static void vec_pack_shared(const struct eng_conv *c, u8 *shared)
{
	u32 lane;

	for (lane = 0; lane < LANES; lane++)
		vec_pack_requant(shared, lane, c->requant[0]);
}

/* Weight k of channel o lies at o * by_channel + k * by_k. */
static void vec_gemm_pack(const struct eng_conv *c, void *packed,
			  size_t by_channel, size_t by_k)
{
	u8 *block = (u8 *)packed + sizeof(struct vec_head);
	const s8 *w = c->weights;
	struct vec_gemm m;
	u32 segment, o, k;

	vec_gemm_of(c, LANES, GROUP, VEC_RQ_NR, &m);
	segment = m.k / m.segments;
	memset(packed, 0, sizeof(struct vec_head) + m.shared + m.vecs * m.block);
	vec_pack_head(c, packed)->gemm = m;
	if (m.shared)
		vec_pack_shared(c, block);
	block += m.shared;
	for (o = 0; o < c->out_c; o++) {
		u32 lane = o % LANES, sum = 0;

		for (k = 0; k < m.k; k++) {
			s8 v = w[o * by_channel + k * by_k];

			sum += (u32)(s32)v;
			vec_pack_weight(block + m.params * VEC_BYTES, lane,
					k / segment * m.units * GROUP +
					k % segment, v);
		}
		vec_pack_bias(c, block, lane, o, sum);
		if (!m.shared)
			vec_pack_requant(block, lane, c->requant[o]);
		if (lane == LANES - 1)
			block += m.block;
	}
}

/* A vector of units of the zero point */
VEC_INLINE vec vec_zeros_unit(s32 zp)
{
	u32 v = (u32)(zp + OFFSET) & (GROUP == 4 ? 0xff : 0xffff);

	return vec_all((s32)(v * (GROUP == 4 ? 0x01010101U : 0x00010001U)));
}

static void vec_fill(u8 *dst, s32 zp, size_t n)
{
	s16 wide = (s16)(zp + OFFSET);
	size_t i;

	if (GROUP == 4) {
		memset(dst, (u8)wide, n);
		return;
	}
	for (i = 0; i < n; i++)
		memcpy(dst + i * 2, &wide, sizeof(wide));
}

/* One window, all of it inside the input or not */
static u8 *vec_gather_edge(const struct eng_conv *c, const s8 *image, s64 top,
			   s64 left, u8 *dst, const s8 *end)
{
	const size_t unit = VEC_UNIT_BYTES / GROUP;
	u32 y0, y1, x0, x1, ky, kx;

	eng_taps(top, c->dilation_h, c->kernel_h, c->in_h, &y0, &y1);
	eng_taps(left, c->dilation_w, c->kernel_w, c->in_w, &x0, &x1);
	for (ky = 0; ky < c->kernel_h; ky++) {
		size_t row = (size_t)(top + (s64)ky * c->dilation_h) * c->in_w;

		for (kx = 0; kx < c->kernel_w; kx++) {
			size_t n = c->in_c;

			if (ky < y0 || ky >= y1 || kx < x0 || kx >= x1) {
				vec_fill(dst, c->in_zp, n);
			} else {
				size_t at = row + (size_t)(left + (s64)kx *
							   c->dilation_w);

				if (c->dilation_w == 1) {
					n *= x1 - kx;
					kx = x1 - 1;
				}
				vec_widen(dst, image + at * c->in_c,
					  n, end);
			}
			dst += n * unit;
		}
	}
	return dst;
}

VEC_INLINE bool vec_inside(s64 start, u32 step, u32 taps, u32 size)
{
	return start >= 0 && start + (s64)(taps - 1) * step < (s64)size;
}

/* Windows of pixels [first, first + count) into the panel */
static void vec_gather(const struct eng_conv *c, const struct vec_gemm *m,
		       const s8 *x, u8 *panel, u32 first, u32 count)
{
	size_t image = (size_t)c->in_h * c->in_w * c->in_c;
	size_t segment = (size_t)c->kernel_w * c->in_c;
	size_t below = (size_t)c->dilation_h * c->in_w * c->in_c;
	const s8 *end = x + image * c->batch;
	u32 ox = first % c->out_w, row = first / c->out_w;
	u32 ky;

	for (; count; count--, panel += m->lda) {
		const s8 *in = x + row / c->out_h * image;
		s64 top = (s64)(row % c->out_h) * c->stride_h - c->pad_top;
		s64 left = (s64)ox * c->stride_w - c->pad_left;

		if (c->dilation_w == 1 &&
		    vec_inside(top, c->dilation_h, c->kernel_h, c->in_h) &&
		    vec_inside(left, 1, c->kernel_w, c->in_w)) {
			const s8 *src = in + ((size_t)top * c->in_w +
					      (size_t)left) * c->in_c;
			u8 *dst = panel;

			for (ky = 0; ky < c->kernel_h; ky++) {
				vec_widen(dst, src, segment, end);
				dst += segment * (VEC_UNIT_BYTES / GROUP);
				src += below;
			}
		} else {
			vec_gather_edge(c, in, top, left, panel, end);
		}
		if (++ox == c->out_w) {
			ox = 0;
			row++;
		}
	}
}

static void vec_panel_fill(const struct eng_conv *c, const struct vec_gemm *m,
			   const s8 *x, u8 *panel, u32 first, u32 count)
{
	const s8 *end = x + (size_t)c->batch * c->out_h * c->out_w * m->k;

	if (!m->direct) {
		vec_gather(c, m, x, panel, first, count);
		return;
	}
	x += (size_t)first * m->k;
	if (m->k % GROUP == 0) {
		vec_widen(panel, x, (size_t)count * m->k, end);
		return;
	}
	for (; count; count--, x += m->k, panel += m->lda)
		vec_widen(panel, x, m->k, end);
}

/* What a tile needs to know */
struct vec_tile {
	const u8 *a;		/* panel row 0 */
	size_t lda;
	const u8 *block;	/* packed vectors of channels */
	size_t block_bytes;
	const u8 *weights;	/* the first vector's */
	const u8 *requant;	/* of the first vector, and bytes to the next's */
	size_t requant_next;
	u32 segments, units;
	size_t pitch;		/* bytes from segment to segment */
	bool left;
	s8 *y;			/* pixel 0, first channel */
	size_t out_stride;
	u32 rows;		/* pixels to store, at most the tile's height */
	u32 lo, hi;		/* channels to store, relative to the first */
	struct vec_output out;
};

/* Bytes [lo, hi) of LANES bytes that belong at @dst + 0 .. LANES */
static void vec_put_part(s8 *dst, const s8 *src, u32 at, u32 lo, u32 hi)
{
	u32 i;

	for (i = at; i < at + LANES; i++)
		if (i >= lo && i < hi)
			dst[i] = src[i - at];
}

/* Four neighbours of the tile's accumulators, number @first and on */
VEC_INLINE void vec_tile_put(const struct vec_tile *t, vec_bytes v, int first,
			     const int nv, int mr)
{
	bool whole = t->lo == 0 && t->hi == (u32)nv * LANES;
	int i;

	if (nv == 4 && whole) {
		if ((u32)(first / 4) < t->rows)
			vec_put_all(t->y + (u32)(first / 4) * t->out_stride, v);
	} else if (nv == 2 && whole) {
		if ((u32)(first / 2) < t->rows)
			vec_put_half(t->y + (u32)(first / 2) * t->out_stride, v,
				     0);
		if ((u32)(first / 2 + 1) < t->rows)
			vec_put_half(t->y + (u32)(first / 2 + 1) * t->out_stride,
				     v, 1);
	} else if (whole) {
#pragma GCC unroll 4
		for (i = 0; i < 4; i++)
			if ((u32)((first + i) / nv) < t->rows &&
			    (first + i) / nv < mr)
				vec_put(t->y + (u32)((first + i) / nv) *
						t->out_stride +
						(first + i) % nv * LANES, v, i);
	} else if (t->lo == 0) {
#pragma GCC unroll 4
		for (i = 0; i < 4; i++) {
			u32 at = (u32)((first + i) % nv) * LANES;

			if ((u32)((first + i) / nv) < t->rows &&
			    (first + i) / nv < mr && at < t->hi)
				vec_put_n(t->y + (u32)((first + i) / nv) *
						  t->out_stride + at, v, i,
					  vec_min(t->hi - at, LANES));
		}
	} else {
		s8 bytes[4 * LANES];

		vec_put_all(bytes, v);
		for (i = 0; i < 4; i++)
			if ((u32)((first + i) / nv) < t->rows &&
			    (first + i) / nv < mr)
				vec_put_part(t->y + (u32)((first + i) / nv) *
						     t->out_stride,
					     bytes + i * LANES,
					     (u32)((first + i) % nv) * LANES,
					     t->lo, t->hi);
	}
}

/* Requantise and store mr x nv accumulators */
VEC_INLINE void vec_tile_end(const struct vec_tile *t, vec acc[], const int mr,
			     const int nv)
{
	int r, v;

#pragma GCC unroll 4
	for (v = 0; v < nv; v++) {
		struct vec_requant q = vec_requant_load(t->requant +
							v * t->requant_next);

		if (t->left) {
#pragma GCC unroll 16
			for (r = 0; r < mr; r++)
				acc[r * nv + v] =
					vec_shift_left(acc[r * nv + v], &q);
		}
#pragma GCC unroll 16
		for (r = 0; r < mr; r++)
			acc[r * nv + v] = vec_requant(acc[r * nv + v], &q);
	}
#pragma GCC unroll 6
	for (r = 0; r < mr * nv; r += 4) {
		const int last = mr * nv - 1;
		vec a = acc[r], b = acc[r + 1 < last ? r + 1 : last];
		vec c = acc[r + 2 < last ? r + 2 : last];
		vec d = acc[r + 3 < last ? r + 3 : last];

		vec_tile_put(t, vec_narrow(a, b, c, d, &t->out), r, nv, mr);
	}
}

VEC_INLINE void vec_tile_run(const struct vec_tile *t, const int mr,
			     const int nv)
{
	const u8 *w = t->weights, *row = t->a;
	const u8 *a[6];		/* every third row: x86 has few registers */
	vec acc[24];
	u32 s, k;
	int r, v;

#pragma GCC unroll 16
	for (r = 0; r < mr; r++) {
#pragma GCC unroll 4
		for (v = 0; v < nv; v++)
			acc[r * nv + v] = vec_load(t->block +
						   v * t->block_bytes);
	}
	for (s = t->segments; s; s--) {
#pragma GCC unroll 6
		for (r = 0; r < mr; r += 3)
			a[r / 3] = row + r * t->lda;
		for (k = t->units; k; k--) {
			vec wv[4];

#pragma GCC unroll 4
			for (v = 0; v < nv; v++)
				wv[v] = vec_pin(vec_load(w + v *
							t->block_bytes));
#pragma GCC unroll 16
			for (r = 0; r < mr; r++) {
				vec av = vec_unit(a[r / 3] +
						  r % 3 * t->lda);

#pragma GCC unroll 4
				for (v = 0; v < nv; v++)
					acc[r * nv + v] =
						vec_dot(acc[r * nv + v], av,
							wv[v]);
			}
#pragma GCC unroll 6
			for (r = 0; r < mr; r += 3)
				a[r / 3] += VEC_UNIT_BYTES;
			w += VEC_BYTES;
		}
		row += t->pitch;
	}
	vec_tile_end(t, acc, mr, nv);
}

/* Units [0, n) of one row: four sums per vector hide the latency */
VEC_INLINE const u8 *vec_row_segment(const struct vec_tile *t, const u8 *a,
				     const u8 *w, u32 n, vec acc[4][4],
				     const int nv)
{
	int i, v;

	for (; n >= 4; n -= 4) {
#pragma GCC unroll 4
		for (i = 0; i < 4; i++) {
			vec av = vec_unit(a + i * VEC_UNIT_BYTES);

#pragma GCC unroll 4
			for (v = 0; v < nv; v++)
				acc[v][i] = vec_dot(acc[v][i], av,
						    vec_load(w + v * t->block_bytes +
							     i * VEC_BYTES));
		}
		a += 4 * VEC_UNIT_BYTES;
		w += 4 * VEC_BYTES;
	}
	for (; n; n--) {
#pragma GCC unroll 4
		for (v = 0; v < nv; v++)
			acc[v][0] = vec_dot(acc[v][0], vec_unit(a),
					    vec_load(w + v * t->block_bytes));
		a += VEC_UNIT_BYTES;
		w += VEC_BYTES;
	}
	return w;
}

VEC_INLINE void vec_tile_row(const struct vec_tile *t, const int nv)
{
	const u8 *w = t->weights, *row = t->a;
	vec acc[4][4], sum[4];
	u32 s;
	int v;

#pragma GCC unroll 4
	for (v = 0; v < nv; v++) {
		acc[v][0] = vec_load(t->block + v * t->block_bytes);
		acc[v][1] = vec_zero();
		acc[v][2] = vec_zero();
		acc[v][3] = vec_zero();
	}
	for (s = t->segments; s; s--, row += t->pitch)
		w = vec_row_segment(t, row, w, t->units, acc, nv);
#pragma GCC unroll 4
	for (v = 0; v < nv; v++)
		sum[v] = vec_add(vec_add(acc[v][0], acc[v][1]),
				 vec_add(acc[v][2], acc[v][3]));
	vec_tile_end(t, sum, 1, nv);
}

/*
 * @rows neighbouring rows of the product for nv vectors of channels, in tiles
 * of three heights: few rows are computed in vain.
 */
VEC_INLINE void vec_rows(struct vec_tile *t, u32 rows, const int full,
			 const int middle, const int small, const int nv)
{
	while (rows) {
		if (rows == 1) {
			t->rows = 1;
			vec_tile_row(t, nv);
		} else if (rows <= (u32)small) {
			t->rows = rows;
			vec_tile_run(t, small, nv);
		} else if (rows <= (u32)middle || rows == 2 * (u32)middle) {
			t->rows = vec_min(rows, (u32)middle);
			vec_tile_run(t, middle, nv);
		} else {
			t->rows = vec_min(rows, (u32)full);
			vec_tile_run(t, full, nv);
		}
		rows -= t->rows;
		t->a += t->rows * t->lda;
		t->y += t->rows * t->out_stride;
	}
}

static __attribute__((__noinline__)) void vec_rows_1(struct vec_tile *t, u32 rows)
{
	vec_rows(t, rows, TILES_1, 1);
}

static __attribute__((__noinline__)) void vec_rows_2(struct vec_tile *t, u32 rows)
{
	vec_rows(t, rows, TILES_2, 2);
}

#if VECS == 4
static __attribute__((__noinline__)) void vec_rows_3(struct vec_tile *t, u32 rows)
{
	vec_rows(t, rows, TILES_3, 3);
}

static __attribute__((__noinline__)) void vec_rows_4(struct vec_tile *t, u32 rows)
{
	vec_rows(t, rows, TILES_4, 4);
}
#endif

static void (*vec_rows_by(u32 nv))(struct vec_tile *t, u32 rows)
{
	switch (nv) {
	case 1:
		return vec_rows_1;
#if VECS == 4
	case 3:
		return vec_rows_3;
	case 4:
		return vec_rows_4;
#endif
	default:
		return vec_rows_2;
	}
}

/* A rectangle of the product: lines of pixels whose rows lie evenly */
struct vec_lines {
	const u8 *a;
	s8 *y;			/* pixel 0, channel 0 */
	u32 lines, n;		/* n pixels each */
	size_t next;		/* bytes from line to line */
	u32 begin, end;		/* channels */
};

/* Field by field: a copy would wait for its stores */
VEC_INLINE void vec_tile_init(struct vec_tile *t, const struct eng_conv *c,
			      const struct vec_head *head)
{
	const struct vec_gemm *m = &head->gemm;

	t->lda = m->lda;
	t->block_bytes = m->block;
	t->requant = (const u8 *)(head + 1);
	t->requant_next = m->shared ? 0 : m->block;
	t->segments = m->segments;
	t->units = m->units;
	t->pitch = m->pitch * c->dilation_h;
	t->left = head->left;
	t->out_stride = c->out_stride;
	t->out = vec_output_of(c->out_zp, c->clamp);
}

/* Vectors [@v, v + nv): what [begin, end) has of their channels */
VEC_INLINE void vec_tile_at(struct vec_tile *t, const struct vec_head *head,
			    u32 v, u32 nv, u32 begin, u32 end)
{
	const struct vec_gemm *m = &head->gemm;
	u32 channel = v * LANES;

	t->block = (const u8 *)(head + 1) + m->shared + v * m->block;
	t->weights = t->block + m->params * VEC_BYTES;
	if (!m->shared)
		t->requant = t->block;
	t->lo = begin > channel ? begin - channel : 0;
	t->hi = vec_min(end - channel, nv * LANES);
}

static void vec_lines_run(const struct eng_conv *c, const void *packed,
			  const struct vec_lines *l)
{
	u32 v = l->begin / LANES, last = (l->end + LANES - 1) / LANES, nv, i;
	struct vec_tile t;

	vec_tile_init(&t, c, packed);
	for (; v < last; v += nv) {
		u32 channel = v * LANES;

		nv = vec_min(last - v, VECS);
		vec_tile_at(&t, packed, v, nv, l->begin, l->end);
		for (i = 0; i < l->lines; i++) {
			t.a = l->a + i * l->next;
			t.y = l->y + (size_t)i * l->n * c->out_stride + channel;
			vec_rows_by(nv)(&t, l->n);
		}
	}
}

static void vec_panels_run(const struct eng_conv *c, const struct vec_gemm *m,
			   const void *packed, const s8 *x, s8 *y, u8 *scratch,
			   u32 begin, u32 end, u32 first, u32 last)
{
	struct vec_lines l = {
		.a = scratch, .lines = 1, .begin = first, .end = last,
	};

	for (; begin < end; begin += l.n) {
		l.n = vec_min(end - begin, m->rows);
		l.y = y + (size_t)begin * c->out_stride;
		vec_panel_fill(c, m, x, scratch, begin, l.n);
		vec_lines_run(c, packed, &l);
	}
}

/* Input row @iy (may lie outside) under output columns from @ox, @n of them */
static void vec_slide_row(const struct eng_conv *c, const s8 *image,
			  const s8 *end, s64 iy, u32 ox, u32 n, u8 *dst)
{
	u32 columns = (u32)vec_columns_under(c, n), lo, hi;
	s64 left = (s64)ox * c->stride_w - c->pad_left;
	const size_t size = VEC_UNIT_BYTES / GROUP;

	eng_taps(left, 1, columns, c->in_w, &lo, &hi);
	if (iy < 0 || iy >= (s64)c->in_h) {
		lo = columns;
		hi = columns;
	}
	vec_fill(dst, c->in_zp, (size_t)lo * c->in_c);
	if (lo < hi) {
		size_t at = (size_t)iy * c->in_w + (size_t)(left + lo);

		vec_widen(dst + lo * c->in_c * size, image + at * c->in_c,
			  (size_t)(hi - lo) * c->in_c, end);
	}
	vec_fill(dst + hi * c->in_c * size, c->in_zp,
		 (size_t)(columns - hi) * c->in_c);
}

/* Output rows [row, row + l->lines) of one image, columns from @ox */
static void vec_slide_lines(const struct eng_conv *c, const struct vec_gemm *m,
			    const void *packed, const s8 *x, u8 *scratch,
			    u32 row, u32 ox, struct vec_lines *l)
{
	size_t image = (size_t)c->in_h * c->in_w * c->in_c;
	const s8 *in = x + row / c->out_h * image;
	s64 top = (s64)(row % c->out_h) * c->stride_h - c->pad_top;
	size_t rows = vec_rows_under(c, l->lines), i;

	for (i = 0; i < rows; i++)
		vec_slide_row(c, in, x + image * c->batch, top + (s64)i, ox,
			      l->n, scratch + i * m->pitch);
	l->a = scratch;
	l->next = c->stride_h * m->pitch;
	vec_lines_run(c, packed, l);
}

static void vec_slide_run(const struct eng_conv *c, const struct vec_gemm *m,
			  const void *packed, const s8 *x, s8 *y, u8 *scratch,
			  u32 begin, u32 end, u32 first, u32 last)
{
	struct vec_lines l = { .begin = first, .end = last };

	for (; begin < end; begin += l.lines * l.n) {
		u32 row = begin / c->out_w, ox = begin % c->out_w;

		l.n = vec_min(c->out_w - ox, end - begin);
		l.lines = 1;
		if (l.n == c->out_w)	/* whole rows, of one image */
			l.lines = vec_min(vec_min(m->rows,
						  (end - begin) / c->out_w),
					  c->out_h - row % c->out_h);
		l.y = y + (size_t)begin * c->out_stride;
		vec_slide_lines(c, m, packed, x, scratch, row, ox, &l);
	}
}

/* Pixels [begin, end), channels [first, last) */
static void vec_gemm_run(const struct eng_conv *c, const void *packed,
			 const s8 *x, s8 *y, u8 *scratch, u32 begin, u32 end,
			 u32 first, u32 last)
{
	const struct vec_head *head = packed;
	const struct vec_gemm *m = &head->gemm;

	if (m->pitch)
		vec_slide_run(c, m, packed, x, y, scratch, begin, end, first,
			      last);
	else
		vec_panels_run(c, m, packed, x, y, scratch, begin, end, first,
			       last);
}

#ifdef VEC_STREAM
/* One vector of channels by @n units of x: four sums hide the latency */
VEC_INLINE vec vec_stream_sum(const u8 *x, const u8 *w, u32 n, vec bias)
{
	const vec flip = vec_all((s32)0x80808080);
	vec acc[4] = { bias, vec_zero(), vec_zero(), vec_zero() };
	int i;

	for (; n >= 4; n -= 4) {
#pragma GCC unroll 4
		for (i = 0; i < 4; i++)
			acc[i] = vec_dot(acc[i],
					 vec_unit(x + i * VEC_UNIT_BYTES) ^ flip,
					 vec_load(w + i * VEC_BYTES));
		x += 4 * VEC_UNIT_BYTES;
		w += 4 * VEC_BYTES;
	}
	for (; n; n--) {
		acc[0] = vec_dot(acc[0], vec_unit(x) ^ flip, vec_load(w));
		x += VEC_UNIT_BYTES;
		w += VEC_BYTES;
	}
	return vec_add(vec_add(acc[0], acc[1]), vec_add(acc[2], acc[3]));
}

/*
 * One row, read from x itself: in small layers a panel costs as much as the
 * products. Weights come from the second level cache, which is fastest when they
 * are read one address after the other: one vector of channels at a time.
 */
static void vec_stream_run(const struct eng_conv *c, const void *packed,
			   const s8 *x, s8 *y, u32 begin, u32 end)
{
	u32 v = begin / LANES, last = (end + LANES - 1) / LANES;
	struct vec_tile t;
	vec sum;

	vec_tile_init(&t, c, packed);
	t.rows = 1;
	for (; v < last; v++) {
		vec_tile_at(&t, packed, v, 1, begin, end);
		t.y = y + v * LANES;
		sum = vec_stream_sum((const u8 *)x, t.weights, t.units,
				     vec_load(t.block));
		vec_tile_end(&t, &sum, 1, 1);
	}
}
#endif

static void vec_conv_pack(const struct eng_conv *c, void *packed)
{
	vec_gemm_pack(c, packed, (size_t)c->kernel_h * c->kernel_w * c->in_c, 1);
}

static void vec_conv_run(const struct eng_conv *c, const void *packed,
			 const void *x, void *y, void *scratch, u32 begin,
			 u32 end)
{
	vec_gemm_run(c, packed, x, y, scratch, begin, end, 0, c->out_c);
}

static void vec_fc_run(const struct eng_conv *c, const void *packed,
		       const void *x, void *y, void *scratch, u32 begin,
		       u32 end)
{
	u32 rows = c->batch * c->out_h * c->out_w;

#ifdef VEC_STREAM	/* units of x are whole: nothing past its end is read */
	if (rows == 1 && c->in_c % GROUP == 0) {
		vec_stream_run(c, packed, x, y, begin, end);
		return;
	}
#endif
	vec_gemm_run(c, packed, x, y, scratch, 0, rows, begin, end);
}

#endif /* _ENG_VEC_GEMM_H */
