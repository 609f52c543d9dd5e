/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fixed-point numbers as TFLite's reference kernels use them. The floating
 * point here decides every bit of a quantised model: float where TFLite has
 * float, double where it has double, rounding half away from zero.
 */
#ifndef AIM_CONVERT_QUANT_H
#define AIM_CONVERT_QUANT_H

#include <aim/format.h>

/*
 * Split a real multiplier into mantissa and exponent. false: negative, not
 * finite, or beyond what the format can say.
 */
bool quant_split(double real, struct aim_requant *out);

/* x * multiplier, rounded in two steps; saturates. */
s32 quant_mul(s64 x, const struct aim_requant *rq);

/* Rounded f / scale + zero_point, within [lo, hi]. */
s32 quant_value(float f, float scale, s32 zero_point, s32 lo, s32 hi);

/* Parameters of the fixed-point softmax. false: out of range. */
bool quant_softmax(float beta, float scale, struct aim_p_softmax *out);

/* a float that is a usable scale: finite and positive */
bool quant_scale_ok(float scale);

static inline s32 quant_clamp(s64 x, s32 lo, s32 hi)
{
	return x < lo ? lo : x > hi ? hi : (s32)x;
}

static inline u32 float_bits(float f)
{
	u32 bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

/* gemmlowp's primitives on 32 bits */
s32 fixed_doubling_high_mul(s32 a, s32 b);
s32 fixed_rounding_shift(s32 x, u32 shift);

#endif /* AIM_CONVERT_QUANT_H */
