// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * int8 softmax in the fixed-point arithmetic of the TFLite reference kernel.
 *
 * A value's exponential depends only on its distance to the row's largest
 * value, 0..255, so a table made at compile time replaces the evaluation.
 * Numbers are Qm.n: m integer bits, n = 31 - m fraction bits.
 */
#include "program.h"
#include "requant.h"

#define Q0_ONE		2147483647	/* 1.0, as near as Q0.31 gets */
#define SUM_BITS	12		/* integer bits of the sum */
#define DIFF_BITS	5		/* integer bits of a scaled difference */

/* x * 2^n for n >= 0, saturating */
static s32 shl_saturate(s32 x, u32 n)
{
	s64 v = (s64)x * (1LL << n);

	if (v > 2147483647)
		return 2147483647;
	return v < -2147483647 - 1 ? -2147483647 - 1 : (s32)v;
}

/* e^a for a in [-1/4, 0), Q0.31: Taylor around -1/8 */
static s32 exp_quarter(s32 a)
{
	const s32 exp_minus_eighth = 1895147668;
	const s32 third = 715827883;
	s32 x = eng_add(a, 1 << 28);
	s32 x2 = eng_srdhm(x, x);
	s32 x3 = eng_srdhm(x2, x);
	s32 x4 = eng_srdhm(x2, x2);
	s32 tail = eng_srdhm(eng_add(eng_rdbpot(x4, 2), x3), third);

	tail = eng_rdbpot(eng_add(tail, x2), 1);
	return eng_add(exp_minus_eighth,
		       eng_srdhm(exp_minus_eighth, eng_add(x, tail)));
}

/* e^a for a <= 0, Q5.26 to Q0.31 */
static s32 exp_negative(s32 a)
{
	static const s32 factors[] = {	/* e^-2^k, k = -2..4 */
		1672461947, 1302514674, 790015084, 290630308, 39332535, 720401,
		242,
	};
	const s32 quarter = 1 << 24;
	s32 part = eng_sub(a & (quarter - 1), quarter);
	s32 rest = eng_sub(part, a);
	s32 result = exp_quarter(shl_saturate(part, DIFF_BITS));
	u32 k;

	for (k = 0; k < 7; k++)
		if (rest & (1 << (24 + k)))
			result = eng_srdhm(result, factors[k]);
	return a == 0 ? Q0_ONE : result;
}

/* 1 / (1 + a) for a in [0, 1), Q0.31: three steps of Newton-Raphson */
static s32 one_over_one_plus(s32 a)
{
	const s32 c48_17 = 1515870810;		/* Q2.29 */
	const s32 minus_c32_17 = -1010580540;
	s64 sum = (s64)a + Q0_ONE;
	s32 half = (s32)((sum + (sum >= 0 ? 1 : -1)) / 2);
	s32 x = eng_add(c48_17, eng_srdhm(half, minus_c32_17));
	u32 i;

	for (i = 0; i < 3; i++) {
		s32 error = eng_sub(1 << 29, eng_srdhm(half, x));

		x = eng_add(x, shl_saturate(eng_srdhm(x, error), 2));
	}
	return shl_saturate(x, 1);
}

void eng_softmax_table(const struct aim_p_softmax *p, s32 exps[256])
{
	struct aim_requant r = {
		.multiplier = p->input_multiplier,
		.shift = p->input_left_shift,
	};
	s32 d;

	for (d = 0; d < 256; d++)
		exps[d] = -d < p->diff_min ? 0 : exp_negative(eng_requant(-d, r));
}

static u32 leading_zeros(u32 x)
{
	return x ? (u32)__builtin_clz(x) : 32;
}

/* Largest value and sum of a row between calls. */
struct softmax_state {
	s32 max;
	u32 sum;
};

/*
 * The row may change under us: a difference outside 0..255 is cut, a sum that
 * fits no row gives some output, never a trap.
 */
static u32 distance(s32 max, s8 x)
{
	s32 d = max - x;

	return d < 0 ? 0 : d > 255 ? 255 : (u32)d;
}

static void find(struct softmax_state *s, const s8 *x, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		s->max = x[i] > s->max ? x[i] : s->max;
}

static void add(struct softmax_state *s, const s32 *exps, const s8 *x, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		s->sum += (u32)eng_rdbpot(exps[distance(s->max, x[i])],
					  SUM_BITS);
}

static void write(const struct softmax_state *s, const s32 *exps, const s8 *x,
		  s8 *y, u32 n)
{
	const struct aim_clamp range = { -128, 127 };
	u32 zeros = leading_zeros(s->sum);
	s32 scale = one_over_one_plus((s32)((u32)((u64)s->sum << zeros) -
					    (1U << 31)));
	/* SUM_BITS - zeros integer bits over the unit, 8 bits of output */
	s32 shift = SUM_BITS - (s32)zeros + 31 - 8;
	u32 i;

	shift = shift < 0 ? 0 : shift > 31 ? 31 : shift;
	for (i = 0; i < n; i++) {
		s32 v = eng_srdhm(scale, exps[distance(s->max, x[i])]);

		y[i] = (s8)eng_clamp(eng_sub(eng_rdbpot(v, (u32)shift), 128),
				     range);
	}
}

void eng_run_softmax_s8(const struct eng_task *t, const struct eng_run *r,
			u32 begin, u32 end)
{
	const struct eng_p_softmax *p = &t->p.softmax;
	struct softmax_state *s = eng_at(r, &t->scratch);
	const s8 *x = eng_at(r, &t->x);
	s8 *y = eng_at(r, &t->y);
	u32 n;

	for (; begin < end; begin += n) {
		u64 row = begin / p->depth / 3;
		u32 phase = begin / p->depth % 3;
		u32 at = begin % p->depth;
		size_t from = (size_t)(row * p->depth + at);

		n = p->depth - at;
		n = n < end - begin ? n : end - begin;
		if (phase == 0) {
			if (at == 0)
				*s = (struct softmax_state){ -128, 0 };
			find(s, x + from, n);
		} else if (phase == 1) {
			add(s, p->exps, x + from, n);
		} else {
			write(s, p->exps, x + from, y + from, n);
		}
	}
}
