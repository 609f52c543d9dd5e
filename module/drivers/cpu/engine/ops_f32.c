// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Tasks on single-precision floats. Whatever the memory holds while they run,
 * infinities and NaNs included, they end and stay inside their operands.
 */
#include "binary.h"
#include "f32.h"
#include "scalar.h"

void eng_run_depthwise_f32_part(const struct eng_task *t,
				const struct eng_run *r, u32 begin, u32 end)
{
	eng_scalar_depthwise_f32_part(&t->p.conv.c, eng_at(r, &t->x),
				      eng_at(r, &t->y), begin, end);
}

void eng_sub_f32(const struct eng_binary *p, const float *a, const float *b,
		 float *y, size_t n)
{
	struct eng_range range = eng_range_of(p->clamp);
	size_t i;

	for (i = 0; i < n; i++)
		y[i] = eng_clampf(a[i] - b[i], range);
}

void eng_mul_f32(const struct eng_binary *p, const float *a, const float *b,
		 float *y, size_t n)
{
	struct eng_range range = eng_range_of(p->clamp);
	size_t i;

	for (i = 0; i < n; i++)
		y[i] = eng_clampf(a[i] * b[i], range);
}

static void call_f32(const struct eng_p_binary *b, const void *a, const void *c,
		     void *y, size_t n)
{
	b->f32_fn(&b->p, a, c, y, n);
}

void eng_run_binary_f32(const struct eng_task *t, const struct eng_run *r,
			u32 begin, u32 end)
{
	eng_run_binary(t, r, begin, end, sizeof(float), call_f32);
}

struct window {
	u32 y0, y1, x0, x1;	/* input rows of all batches, and columns */
	u32 terms;
};

static void window_of(const struct eng_pool *p, u32 pixel, struct window *w)
{
	u32 row = pixel / p->out_w;
	s64 top = (s64)(row % p->out_h) * p->stride_h - p->pad_top;
	s64 left = (s64)(pixel % p->out_w) * p->stride_w - p->pad_left;
	u32 first = row / p->out_h * p->in_h;

	eng_taps(top, 1, p->kernel_h, p->in_h, &w->y0, &w->y1);
	eng_taps(left, 1, p->kernel_w, p->in_w, &w->x0, &w->x1);
	w->terms = (w->y1 - w->y0) * (w->x1 - w->x0);
	w->y0 = (u32)(w->y0 + top + first);
	w->y1 = (u32)(w->y1 + top + first);
	w->x0 = (u32)(w->x0 + left);
	w->x1 = (u32)(w->x1 + left);
}

/* Units of pooling are output elements. */
void eng_run_avgpool_f32(const struct eng_task *t, const struct eng_run *r,
			 u32 begin, u32 end)
{
	const struct eng_pool *p = &t->p.pool.p;
	struct eng_range range = eng_range_of(p->clamp);
	const float *x = eng_at(r, &t->x);
	float *y = eng_at(r, &t->y);
	struct window w;
	u32 i, iy, ix;

	for (i = begin; i < end; i++) {
		float sum = 0;

		window_of(p, i / p->c, &w);
		for (iy = w.y0; iy < w.y1; iy++)
			for (ix = w.x0; ix < w.x1; ix++)
				sum += x[((size_t)iy * p->in_w + ix) * p->c +
					 i % p->c];
		y[i] = eng_clampf(w.terms ? sum / (float)w.terms : 0.0f, range);
	}
}

void eng_run_maxpool_f32(const struct eng_task *t, const struct eng_run *r,
			 u32 begin, u32 end)
{
	const struct eng_pool *p = &t->p.pool.p;
	struct eng_range range = eng_range_of(p->clamp);
	const float *x = eng_at(r, &t->x);
	float *y = eng_at(r, &t->y);
	struct window w;
	u32 i, iy, ix;

	for (i = begin; i < end; i++) {
		float best = eng_f32(0xff7fffff);	/* lowest finite */

		window_of(p, i / p->c, &w);
		for (iy = w.y0; iy < w.y1; iy++) {
			for (ix = w.x0; ix < w.x1; ix++) {
				float v = x[((size_t)iy * p->in_w + ix) * p->c +
					    i % p->c];

				best = v > best ? v : best;
			}
		}
		y[i] = eng_clampf(best, range);
	}
}

/* sums[...] += x over elements [begin, end) of the input */
static void mean_add(const struct eng_walk *w, const float *x, float *sums,
		     u32 begin, u32 end)
{
	size_t ys = w->ys[w->rank - 1];
	struct eng_walker at;
	u32 i, n;

	eng_walk_seek(w, &at, begin);
	for (; begin < end; begin += n) {
		float *to = sums + at.y;
		const float *from = x + at.x;

		n = eng_walk_left(w, &at);
		n = n < end - begin ? n : end - begin;
		for (i = 0; i < n; i++)
			to[i * ys] += from[i];
		if (n < end - begin)
			eng_walk_next(w, &at, n);
	}
}

void eng_run_mean_f32(const struct eng_task *t, const struct eng_run *r,
		      u32 begin, u32 end)
{
	const struct eng_p_mean *p = &t->p.mean;
	struct eng_range range = eng_range_of(p->clamp);
	float *sums = eng_at(r, &t->scratch);
	float *y = eng_at(r, &t->y);
	u32 first = p->nr_out, second = p->nr_out + p->nr_in;
	u32 stop;

	for (; begin < end && begin < first; begin++)
		sums[begin] = 0;
	if (begin < end && begin < second) {
		stop = end < second ? end : second;
		mean_add(&p->walk, eng_at(r, &t->x), sums, begin - first,
			 stop - first);
		begin = stop;
	}
	for (; begin < end; begin++)
		y[begin - second] = eng_clampf(sums[begin - second] /
					       (float)p->terms, range);
}

/* Largest value and sum of a row between calls. */
struct softmax_state {
	float max, sum;
};

void eng_run_softmax_f32(const struct eng_task *t, const struct eng_run *r,
			 u32 begin, u32 end)
{
	const struct eng_p_softmax *p = &t->p.softmax;
	struct softmax_state *s = eng_at(r, &t->scratch);
	float beta = eng_f32(p->beta_bits);
	const float *x = eng_at(r, &t->x);
	float *y = eng_at(r, &t->y);

	for (; begin < end; begin++) {
		u64 row = begin / p->depth / 3;
		u32 at = begin % p->depth;
		size_t i = (size_t)(row * p->depth + at);

		switch (begin / p->depth % 3) {
		case 0:
			if (at == 0)
				*s = (struct softmax_state){ x[i], 0 };
			s->max = x[i] > s->max ? x[i] : s->max;
			break;
		case 1:
			y[i] = eng_expf((x[i] - s->max) * beta);
			s->sum += y[i];
			break;
		case 2:
			y[i] = y[i] / s->sum;
			break;
		}
	}
}

static float unary(u32 kind, float x, float alpha)
{
	float t;

	switch (kind) {
	case AIM_UNARY_RELU:
		return x < 0 ? 0 : x;
	case AIM_UNARY_RELU6:
		return x < 0 ? 0 : x > 6 ? 6 : x;
	case AIM_UNARY_RELU_N1_TO_1:
		return x < -1 ? -1 : x > 1 ? 1 : x;
	case AIM_UNARY_HARD_SWISH:
		t = x + 3;
		t = t < 0 ? 0 : t > 6 ? 6 : t;
		return x * t / 6;
	case AIM_UNARY_LOGISTIC:
		return eng_logisticf(x);
	case AIM_UNARY_TANH:
		return eng_tanhf(x);
	case AIM_UNARY_LEAKY_RELU:
		return x > 0 ? x : x * alpha;
	}
	return x;
}

void eng_run_unary_f32(const struct eng_task *t, const struct eng_run *r,
		       u32 begin, u32 end)
{
	float alpha = eng_f32(t->p.unary.alpha_bits);
	const float *x = eng_at(r, &t->x);
	float *y = eng_at(r, &t->y);
	u32 i;

	for (i = begin; i < end; i++)
		y[i] = unary(t->p.unary.kind, x[i], alpha);
}

/* Nearest integer, ties away from zero, within +-2^24; NaN gives 0. */
static s32 round_away(float v)
{
	s32 whole;
	float rest;

	if (v != v)
		return 0;
	v = v > 16777216.0f ? 16777216.0f : v;
	v = v < -16777216.0f ? -16777216.0f : v;
	whole = (s32)v;
	rest = v - (float)whole;
	if (rest >= 0.5f)
		return whole + 1;
	return rest <= -0.5f ? whole - 1 : whole;
}

void eng_run_quantize(const struct eng_task *t, const struct eng_run *r,
		      u32 begin, u32 end)
{
	const struct eng_p_quant *p = &t->p.quant;
	float scale = eng_f32(p->scale_bits);
	const float *x = eng_at(r, &t->x);
	void *y = eng_at(r, &t->y);
	s32 lo = p->type == AIM_TYPE_S8 ? -128 : p->type == AIM_TYPE_U8 ? 0 :
		 -32768;
	s32 hi = p->type == AIM_TYPE_S8 ? 127 : p->type == AIM_TYPE_U8 ? 255 :
		 32767;
	u32 i;

	for (i = begin; i < end; i++) {
		s32 v = round_away(x[i] / scale) + p->zero_point;

		v = v < lo ? lo : v > hi ? hi : v;
		if (p->type == AIM_TYPE_S16)
			((s16 *)y)[i] = (s16)v;
		else
			((u8 *)y)[i] = (u8)v;
	}
}

void eng_run_dequantize(const struct eng_task *t, const struct eng_run *r,
			u32 begin, u32 end)
{
	const struct eng_p_quant *p = &t->p.quant;
	float scale = eng_f32(p->scale_bits);
	const void *x = eng_at(r, &t->x);
	float *y = eng_at(r, &t->y);
	s32 v;
	u32 i;

	for (i = begin; i < end; i++) {
		if (p->type == AIM_TYPE_S16)
			v = ((const s16 *)x)[i];
		else if (p->type == AIM_TYPE_U8)
			v = ((const u8 *)x)[i];
		else
			v = ((const s8 *)x)[i];
		y[i] = scale * (float)(v - p->zero_point);
	}
}
