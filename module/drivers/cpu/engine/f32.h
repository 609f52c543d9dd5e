/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Single-precision helpers without libm. Only for *_f32.c files, which are
 * built with floating point and called inside FPU sections.
 */
#ifndef _ENG_F32_H
#define _ENG_F32_H

#include <aim/format.h>

/* Correctly rounded in nearly all cases, never off by more than one ulp. */
float eng_expf(float x);
float eng_tanhf(float x);
float eng_logisticf(float x);

static inline float eng_f32(u32 bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

struct eng_range {
	float min, max;
};

static inline struct eng_range eng_range_of(struct aim_clamp c)
{
	return (struct eng_range){ eng_f32((u32)c.min), eng_f32((u32)c.max) };
}

static inline float eng_clampf(float x, struct eng_range r)
{
	x = x < r.min ? r.min : x;
	return x > r.max ? r.max : x;
}

#endif /* _ENG_F32_H */
