// SPDX-License-Identifier: LGPL-2.1-or-later
/* Fixed-point numbers as TFLite's reference kernels use them, see quant.h. */
#include <math.h>

#include "quant.h"

bool quant_scale_ok(float scale)
{
	return isfinite(scale) && scale > 0;
}

static bool split(double real, int max_shift, struct aim_requant *out)
{
	double mantissa;
	s64 fixed;
	int shift;

	out->multiplier = 0;
	out->shift = 0;
	if (!isfinite(real) || real < 0)
		return false;
	if (real == 0)
		return true;
	mantissa = frexp(real, &shift);
	fixed = (s64)round(mantissa * (double)(1LL << 31));
	if (fixed == 1LL << 31) {
		fixed /= 2;
		shift++;
	}
	/* So small that every product is 0 */
	if (shift < -31)
		return true;
	if (shift > max_shift)
		return false;
	out->multiplier = (s32)fixed;
	out->shift = shift;
	return true;
}

bool quant_split(double real, struct aim_requant *out)
{
	return split(real, 30, out);
}

s32 fixed_doubling_high_mul(s32 a, s32 b)
{
	s64 ab = (s64)a * b;
	s64 nudge = ab >= 0 ? 1LL << 30 : 1 - (1LL << 30);

	if (a == INT32_MIN && b == INT32_MIN)
		return INT32_MAX;
	return (s32)((ab + nudge) / (1LL << 31));
}

s32 fixed_rounding_shift(s32 x, u32 shift)
{
	s32 mask = (s32)((1ULL << shift) - 1);
	s32 rest = x & mask;
	s32 threshold = (mask >> 1) + (x < 0);

	return (x >> shift) + (rest > threshold);
}

s32 quant_mul(s64 x, const struct aim_requant *rq)
{
	u32 left = rq->shift > 0 ? (u32)rq->shift : 0;
	u32 right = rq->shift < 0 ? (u32)-rq->shift : 0;
	s32 v;

	v = quant_clamp(x * (1LL << left), INT32_MIN, INT32_MAX);
	return fixed_rounding_shift(fixed_doubling_high_mul(v, rq->multiplier),
				    right);
}

s32 quant_value(float f, float scale, s32 zero_point, s32 lo, s32 hi)
{
	float q = roundf(f / scale);

	if (q <= -2147483648.0f)
		return lo;
	if (q >= 2147483648.0f)
		return hi;
	return quant_clamp((s64)q + zero_point, lo, hi);
}

bool quant_softmax(float beta, float scale, struct aim_p_softmax *out)
{
	const int integer_bits = 5;
	const double largest = (double)((1LL << 31) - 1);
	struct aim_requant rq;
	double real;

	real = (double)beta * (double)scale * (1 << (31 - integer_bits));
	if (!(real > 1))
		return false;
	if (real > largest)
		real = largest;
	if (!split(real, 31, &rq))
		return false;
	out->beta_bits = float_bits(beta);
	out->input_multiplier = rq.multiplier;
	out->input_left_shift = rq.shift;
	/* differences beyond this have exp() == 0 in the output's precision */
	out->diff_min = -(s32)floor((double)((1 << integer_bits) - 1) *
				    (double)(1LL << (31 - integer_bits)) /
				    (double)(1LL << rq.shift));
	return true;
}
