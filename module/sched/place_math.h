/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/* Sums and products of times that stop at the end instead of starting again. */
#ifndef AIOFFLOAD_PLACE_MATH_H
#define AIOFFLOAD_PLACE_MATH_H

#include <aim/types.h>

#define PLACE_U64_MAX	(~0ULL)

static inline u64 place_add(u64 a, u64 b)
{
	u64 sum;

	return __builtin_add_overflow(a, b, &sum) ? PLACE_U64_MAX : sum;
}

static inline u64 place_mul(u64 a, u64 b)
{
	u64 product;

	return __builtin_mul_overflow(a, b, &product) ? PLACE_U64_MAX : product;
}

/* Time from @a to @b; none if the clock seems to have gone back. */
static inline u64 place_since(u64 a, u64 b)
{
	return b > a ? b - a : 0;
}

static inline u64 place_min(u64 a, u64 b)
{
	return a < b ? a : b;
}

static inline u64 place_max(u64 a, u64 b)
{
	return a > b ? a : b;
}

/* @value * @num / @den, to about 20 bits */
static inline u64 place_scale(u64 value, u64 num, u64 den)
{
	unsigned int shift = 0;

	while ((num | den) >> 20) {
		num >>= 1;
		den >>= 1;
	}
	if (!den)
		return num && value ? PLACE_U64_MAX : 0;
	while (value >> 43) {
		value >>= 1;
		shift++;
	}
	value = value * num / den;
	return value << shift >> shift == value ? value << shift : PLACE_U64_MAX;
}

#endif /* AIOFFLOAD_PLACE_MATH_H */
