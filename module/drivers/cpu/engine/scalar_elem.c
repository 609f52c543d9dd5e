// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * int8 element-wise pairs, table look-up and pooling in plain C.
 */
#include "requant.h"
#include "scalar.h"

/* (x - zp) << left_shift, brought to the common scale of both operands */
static s32 rescaled(s8 x, s32 zp, s32 left_shift, struct aim_requant r)
{
	return eng_requant(eng_shl(eng_sub(x, zp), (u32)left_shift), r);
}

void eng_scalar_add_s8(const struct eng_binary *p, const s8 *a, const s8 *b,
		       s8 *y, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		s32 l = rescaled(a[i], p->a_zp, p->left_shift, p->a);
		s32 r = rescaled(b[i], p->b_zp, p->left_shift, p->b);

		y[i] = eng_output_s8(eng_add(l, r), p->out, p->out_zp,
				     p->clamp);
	}
}

void eng_scalar_sub_s8(const struct eng_binary *p, const s8 *a, const s8 *b,
		       s8 *y, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		s32 l = rescaled(a[i], p->a_zp, p->left_shift, p->a);
		s32 r = rescaled(b[i], p->b_zp, p->left_shift, p->b);

		y[i] = eng_output_s8(eng_sub(l, r), p->out, p->out_zp,
				     p->clamp);
	}
}

void eng_scalar_mul_s8(const struct eng_binary *p, const s8 *a, const s8 *b,
		       s8 *y, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		s32 v = eng_mul(eng_sub(a[i], p->a_zp), eng_sub(b[i], p->b_zp));

		y[i] = eng_output_s8(v, p->out, p->out_zp, p->clamp);
	}
}

void eng_scalar_lut8(const u8 *table, const u8 *x, u8 *y, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		y[i] = table[x[i]];
}

struct window {
	u32 b, y0, y1, x0, x1;	/* batch; input rows and columns covered */
};

static void window_of(const struct eng_pool *p, u32 pixel, struct window *w)
{
	u32 row = pixel / p->out_w;
	s64 top = (s64)(row % p->out_h) * p->stride_h - p->pad_top;
	s64 left = (s64)(pixel % p->out_w) * p->stride_w - p->pad_left;

	w->b = row / p->out_h;
	eng_taps(top, 1, p->kernel_h, p->in_h, &w->y0, &w->y1);
	eng_taps(left, 1, p->kernel_w, p->in_w, &w->x0, &w->x1);
	w->y0 = (u32)(w->y0 + top);
	w->y1 = (u32)(w->y1 + top);
	w->x0 = (u32)(w->x0 + left);
	w->x1 = (u32)(w->x1 + left);
}

/* Rounded to nearest, ties away from zero; an empty window gives 0. */
static s32 average(s32 sum, s32 n)
{
	if (n == 0)
		return 0;
	return sum > 0 ? (sum + n / 2) / n : (sum - n / 2) / n;
}

static s8 avgpool_one(const struct eng_pool *p, const struct window *w,
		      const s8 *x, u32 c)
{
	s32 sum = 0;
	u32 iy, ix;

	for (iy = w->y0; iy < w->y1; iy++) {
		size_t row = (size_t)w->b * p->in_h + iy;

		for (ix = w->x0; ix < w->x1; ix++)
			sum += x[(row * p->in_w + ix) * p->c + c];
	}
	sum = average(sum, (s32)((w->y1 - w->y0) * (w->x1 - w->x0)));
	return (s8)eng_clamp(sum, p->clamp);
}

static s8 maxpool_one(const struct eng_pool *p, const struct window *w,
		      const s8 *x, u32 c)
{
	s32 best = -128;
	u32 iy, ix;

	for (iy = w->y0; iy < w->y1; iy++) {
		size_t row = (size_t)w->b * p->in_h + iy;

		for (ix = w->x0; ix < w->x1; ix++) {
			s32 v = x[(row * p->in_w + ix) * p->c + c];

			best = v > best ? v : best;
		}
	}
	return (s8)eng_clamp(best, p->clamp);
}

void eng_scalar_avgpool_s8(const struct eng_pool *p, const s8 *x, s8 *y,
			   u32 begin, u32 end)
{
	struct window w;
	u32 i, c;

	for (i = begin; i < end; i++) {
		window_of(p, i, &w);
		for (c = 0; c < p->c; c++)
			y[(size_t)i * p->c + c] = avgpool_one(p, &w, x, c);
	}
}

void eng_scalar_maxpool_s8(const struct eng_pool *p, const s8 *x, s8 *y,
			   u32 begin, u32 end)
{
	struct window w;
	u32 i, c;

	for (i = begin; i < end; i++) {
		window_of(p, i, &w);
		for (c = 0; c < p->c; c++)
			y[(size_t)i * p->c + c] = maxpool_one(p, &w, x, c);
	}
}

void eng_scalar_avgpool_s8_part(const struct eng_pool *p, const s8 *x, s8 *y,
				u32 begin, u32 end)
{
	struct window w;
	u32 i;

	for (i = begin; i < end; i++) {
		window_of(p, i / p->c, &w);
		y[i] = avgpool_one(p, &w, x, i % p->c);
	}
}

void eng_scalar_maxpool_s8_part(const struct eng_pool *p, const s8 *x, s8 *y,
				u32 begin, u32 end)
{
	struct window w;
	u32 i;

	for (i = begin; i < end; i++) {
		window_of(p, i / p->c, &w);
		y[i] = maxpool_one(p, &w, x, i % p->c);
	}
}
