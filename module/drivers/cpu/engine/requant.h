/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Fixed-point arithmetic of the TFLite reference kernels, bit for bit.
 *
 * Every function is total: values wrap modulo 2^32 where the reference would
 * overflow, and shift counts outside the stated range are never used with
 * data that passed the verifier. Vector units have to give the same bits for
 * every input, the wrapping ones included.
 */
#ifndef _ENG_REQUANT_H
#define _ENG_REQUANT_H

#include <aim/format.h>

/*
 * (2 * a * b) / 2^32, rounded to nearest, ties away from zero towards plus
 * infinity; saturates in the one case that overflows. The reference nudges by
 * the sign and divides with truncation, which is the same as adding half and
 * shifting arithmetically.
 */
static inline s32 eng_srdhm(s32 a, s32 b)
{
	s64 ab = (s64)a * b;

	if (a == b && a == (-2147483647 - 1))
		return 2147483647;
	return (s32)((ab + (1LL << 30)) >> 31);
}

/* x / 2^exponent, rounded to nearest, ties away from zero. 0 <= exponent <= 31 */
static inline s32 eng_rdbpot(s32 x, u32 exponent)
{
	u32 mask = (1U << (exponent & 31)) - 1;
	u32 remainder = (u32)x & mask;
	u32 threshold = (mask >> 1) + (x < 0 ? 1 : 0);

	return (x >> (exponent & 31)) + (remainder > threshold ? 1 : 0);
}

/* x << n modulo 2^32 */
static inline s32 eng_shl(s32 x, u32 n)
{
	return (s32)((u32)x << (n & 31));
}

/* a + b, a - b and a * b modulo 2^32 */
static inline s32 eng_add(s32 a, s32 b)
{
	return (s32)((u32)a + (u32)b);
}

static inline s32 eng_sub(s32 a, s32 b)
{
	return (s32)((u32)a - (u32)b);
}

static inline s32 eng_mul(s32 a, s32 b)
{
	return (s32)((u32)a * (u32)b);
}

/* x * multiplier * 2^(shift - 31) in the reference's two roundings */
static inline s32 eng_requant(s32 x, struct aim_requant r)
{
	u32 left = r.shift > 0 ? (u32)r.shift : 0;
	u32 right = r.shift > 0 ? 0 : 0U - (u32)r.shift;

	return eng_rdbpot(eng_srdhm(eng_shl(x, left), r.multiplier), right);
}

static inline s32 eng_clamp(s32 x, struct aim_clamp c)
{
	if (x < c.min)
		return c.min;
	return x > c.max ? c.max : x;
}

/* Accumulator to int8: what ends every convolution */
static inline s8 eng_output_s8(s32 acc, struct aim_requant r, s32 zp,
			       struct aim_clamp c)
{
	return (s8)eng_clamp(eng_add(eng_requant(acc, r), zp), c);
}

#endif /* _ENG_REQUANT_H */
