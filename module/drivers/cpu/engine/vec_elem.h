/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Template: int8 addition, subtraction, multiplication and pooling. Included
 * after a unit's primitives. Whole vectors here; remainders, and parameters for
 * which 32-bit sums could wrap, go to the scalar kernels.
 */
#ifndef _ENG_VEC_ELEM_H
#define _ENG_VEC_ELEM_H

#include "scalar.h"

#define VEC_ELEMS	(4 * LANES)

/* Both operands and the sum of their rescaled values stay below 2^30. */
static bool vec_sum_bounded(const struct eng_binary *p)
{
	return p->left_shift >= 0 && p->left_shift <= 20 &&
	       p->a.shift <= 0 && p->b.shift <= 0 && p->out.shift <= 0;
}

struct vec_operand {
	vec zp;
	struct vec_requant q;
};

VEC_INLINE vec vec_rescaled(const s8 *x, const struct vec_operand *o,
			    s32 left_shift)
{
	vec v = vec_sub(vec_widen_load(x), o->zp);

	return vec_requant(vec_shift_all(v, left_shift), &o->q);
}

static __attribute__((__noinline__)) void
vec_sum_exact(const struct eng_binary *p, bool minus, const s8 *a, const s8 *b,
	      s8 *y, size_t n)
{
	const struct vec_output out = vec_output_of(p->out_zp, p->clamp);
	const struct vec_operand l = { vec_all(p->a_zp), vec_requant_all(p->a) };
	const struct vec_operand r = { vec_all(p->b_zp), vec_requant_all(p->b) };
	const struct vec_requant q = vec_requant_all(p->out);
	size_t i;
	int j;

	for (i = 0; i < n; i += VEC_ELEMS) {
		vec s[4];

#pragma GCC unroll 4
		for (j = 0; j < 4; j++) {
			vec u = vec_rescaled(a + i + j * LANES, &l,
					     p->left_shift);
			vec v = vec_rescaled(b + i + j * LANES, &r,
					     p->left_shift);

			u = minus ? vec_sub(u, v) : vec_add(u, v);
			s[j] = vec_requant(u, &q);
		}
		vec_put_all(y + i, vec_narrow(s[0], s[1], s[2], s[3], &out));
	}
}

/*
 * The same in floating point: y = a * scale_a + b * scale_b + offset. Where y is
 * farther than @margin from the middle between two integers, rounding it gives
 * the exact result, and others are computed again. With A and B the rescaled
 * operands, the exact result is the integer nearest to (A + B) * out, except
 * within 2^-(e + 1) of a tie, where e is the final right shift; A and B are off
 * by at most 1 each, which is 2^-e each in units of the result. Scales carry 3
 * roundings, the offset 2 more, the two sums one each: less than 8 * 2^-24 of
 * 256 * (scale_a + scale_b). So the margin is 2.5 * 2^-e plus 2^-21 of that.
 */
struct vec_sum_fast {
	vecf a, b, offset;
	float limit;		/* 1/2 - margin */
};

static float vec_power(s32 e)
{
	u32 bits = (u32)(127 + e) << 23;
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static bool vec_sum_fast_of(const struct eng_binary *p, bool minus,
			    struct vec_sum_fast *f)
{
	float out = (float)p->out.multiplier * vec_power(-31);
	float a = (float)p->a.multiplier * vec_power(-31) * out;
	float b = (float)p->b.multiplier * vec_power(-31) * out;
	float offset, margin;

	/* exponents of normal numbers, and no margin that eats all */
	if (p->out.shift > -8 || p->a.shift < -31 || p->b.shift < -31)
		return false;
	a *= vec_power(p->left_shift + p->out.shift + p->a.shift);
	b *= vec_power(p->left_shift + p->out.shift + p->b.shift);
	if (a + b > 64.0f)
		return false;
	margin = 2.5f * vec_power(p->out.shift) +
		 (a + b) * (256.0f * vec_power(-21));
	b = minus ? -b : b;
	offset = -((float)p->a_zp * a + (float)p->b_zp * b);
	f->a = vecf_all(&a);
	f->b = vecf_all(&b);
	f->offset = vecf_all(&offset);
	f->limit = 0.5f - margin;
	return true;
}

/* @n is a multiple of VEC_ELEMS */
static void vec_sum(const struct eng_binary *p, const s8 *a, const s8 *b,
		    s8 *y, size_t n, bool minus)
{
	const struct vec_output out = vec_output_of(p->out_zp, p->clamp);
	struct vec_sum_fast f;
	size_t i;
	int j;

	if (!vec_sum_fast_of(p, minus, &f)) {
		vec_sum_exact(p, minus, a, b, y, n);
		return;
	}
	for (i = 0; i < n; i += VEC_ELEMS) {
		vecf worst = vecf_zero();
		vec s[4];

#pragma GCC unroll 4
		for (j = 0; j < 4; j++) {
			vecf u = vecf_from(vec_widen_load(a + i + j * LANES));
			vecf v = vecf_from(vec_widen_load(b + i + j * LANES));

			v = vecf_fma(vecf_fma(f.offset, v, f.b), u, f.a);
			worst = vecf_ties(worst, v);
			s[j] = vecf_round(v);
		}
		if (vecf_above(worst, f.limit))
			vec_sum_exact(p, minus, a + i, b + i, y + i,
				      VEC_ELEMS);
		else
			vec_put_all(y + i, vec_narrow(s[0], s[1], s[2], s[3],
						      &out));
	}
}

static void vec_add_s8(const struct eng_binary *p, const s8 *a, const s8 *b,
		       s8 *y, size_t n)
{
	size_t i = vec_sum_bounded(p) ? n - n % VEC_ELEMS : 0;

	vec_sum(p, a, b, y, i, false);

	eng_scalar_add_s8(p, a + i, b + i, y + i, n - i);
}

static void vec_sub_s8(const struct eng_binary *p, const s8 *a, const s8 *b,
		       s8 *y, size_t n)
{
	size_t i = vec_sum_bounded(p) ? n - n % VEC_ELEMS : 0;

	vec_sum(p, a, b, y, i, true);

	eng_scalar_sub_s8(p, a + i, b + i, y + i, n - i);
}

static void vec_mul_s8(const struct eng_binary *p, const s8 *a, const s8 *b,
		       s8 *y, size_t n)
{
	struct vec_output out = vec_output_of(p->out_zp, p->clamp);
	struct vec_requant q = vec_requant_all(p->out);
	vec za = vec_all(p->a_zp), zb = vec_all(p->b_zp);
	size_t i = 0;
	int j;

	for (; p->out.shift <= 0 && i + VEC_ELEMS <= n; i += VEC_ELEMS) {
		vec s[4];

#pragma GCC unroll 4
		for (j = 0; j < 4; j++) {
			vec u = vec_widen_load(a + i + j * LANES);
			vec v = vec_widen_load(b + i + j * LANES);

			u = vec_mul(vec_sub(u, za), vec_sub(v, zb));
			s[j] = vec_requant(u, &q);
		}
		vec_put_all(y + i, vec_narrow(s[0], s[1], s[2], s[3], &out));
	}
	eng_scalar_mul_s8(p, a + i, b + i, y + i, n - i);
}

/* What of the input an output pixel covers */
struct vec_window {
	const s8 *at;
	size_t below, next;	/* row to row, column to column */
	u32 rows, cols;
};

static void vec_window_of(const struct eng_pool *p, const s8 *x, u32 pixel,
			  struct vec_window *w)
{
	u32 row = pixel / p->out_w, y0, y1, x0, x1;
	s64 top = (s64)(row % p->out_h) * p->stride_h - p->pad_top;
	s64 left = (s64)(pixel % p->out_w) * p->stride_w - p->pad_left;

	eng_taps(top, 1, p->kernel_h, p->in_h, &y0, &y1);
	eng_taps(left, 1, p->kernel_w, p->in_w, &x0, &x1);
	w->rows = y1 - y0;
	w->cols = x1 - x0;
	w->next = p->c;
	w->below = (size_t)p->in_w * p->c;
	w->at = x;
	if (w->rows && w->cols)
		w->at += (size_t)(row / p->out_h) * p->in_h * w->below +
			 (size_t)(top + y0) * w->below +
			 (size_t)(left + x0) * p->c;
}

static s8 vec_average_one(const struct eng_pool *p, const struct vec_window *w,
			  u32 c)
{
	s32 n = (s32)(w->rows * w->cols), sum = 0;
	u32 y, x;

	for (y = 0; y < w->rows; y++)
		for (x = 0; x < w->cols; x++)
			sum += w->at[y * w->below + x * w->next + c];
	if (n)
		sum = sum > 0 ? (sum + n / 2) / n : (sum - n / 2) / n;
	if (sum < p->clamp.min)
		return (s8)p->clamp.min;
	return (s8)(sum > p->clamp.max ? p->clamp.max : sum);
}

/* Up to so many terms vec_average(), which divides in f32, is exact. */
static bool vec_average_exact(const struct vec_window *w)
{
	return w->rows && w->cols && w->rows <= AIM_MAX_WINDOW / w->cols;
}

static void vec_avgpool_s8(const struct eng_pool *p, const s8 *x, s8 *y,
			   u32 begin, u32 end)
{
	struct vec_output out = vec_output_of(0, p->clamp);
	struct vec_window w;
	u32 i, c, iy, ix;

	y += (size_t)begin * p->c;
	for (i = begin; i < end; i++, y += p->c) {
		vec_window_of(p, x, i, &w);
		for (c = 0; vec_average_exact(&w) && c + LANES <= p->c; c += LANES) {
			vec sum = vec_zero();

			for (iy = 0; iy < w.rows; iy++) {
				const s8 *at = w.at + iy * w.below + c;

				for (ix = 0; ix < w.cols; ix++, at += w.next)
					sum = vec_add(sum, vec_widen_load(at));
			}
			sum = vec_average(sum, (s32)(w.rows * w.cols));
			vec_put(y + c, vec_narrow(sum, sum, sum, sum, &out), 0);
		}
		for (; c < p->c; c++)
			y[c] = vec_average_one(p, &w, c);
	}
}

static s8 vec_largest_one(const struct eng_pool *p, const struct vec_window *w,
			  u32 c)
{
	s32 best = -128;
	u32 y, x;

	for (y = 0; y < w->rows; y++) {
		for (x = 0; x < w->cols; x++) {
			s32 v = w->at[y * w->below + x * w->next + c];

			best = v > best ? v : best;
		}
	}
	if (best < p->clamp.min)
		return (s8)p->clamp.min;
	return (s8)(best > p->clamp.max ? p->clamp.max : best);
}

static void vec_maxpool_s8(const struct eng_pool *p, const s8 *x, s8 *y,
			   u32 begin, u32 end)
{
	struct vec_output out = vec_output_of(0, p->clamp);
	struct vec_window w;
	u32 i, c, iy, ix;

	y += (size_t)begin * p->c;
	for (i = begin; i < end; i++, y += p->c) {
		vec_window_of(p, x, i, &w);
		for (c = 0; c + VEC_ELEMS <= p->c; c += VEC_ELEMS) {
			vec_bytes best = vec_bytes_all(-128);

			for (iy = 0; iy < w.rows; iy++) {
				const s8 *at = w.at + iy * w.below + c;

				for (ix = 0; ix < w.cols; ix++, at += w.next)
					best = vec_bytes_max(best,
							     vec_bytes_load(at));
			}
			vec_put_all(y + c, vec_bytes_clamp(best, &out));
		}
		for (; c < p->c; c++)
			y[c] = vec_largest_one(p, &w, c);
	}
}

#endif /* _ENG_VEC_ELEM_H */
