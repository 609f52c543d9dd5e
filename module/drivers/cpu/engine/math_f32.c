// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * exp, tanh and the logistic function in single precision. They compute in
 * double precision with an error near 1e-14 and round once, which makes them
 * independent of the compiler and of any libm.
 */
#include "f32.h"

#define LN2		0.69314718055994530942
#define INV_LN2		1.44269504088896340736

static double pow2(s32 n)	/* 2^n, -1022 <= n <= 1023 */
{
	u64 bits = (u64)(n + 1023) << 52;
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

/* e^x for finite |x| <= 700 */
static double exp_double(double x)
{
	double t = x * INV_LN2;
	s32 n = (s32)(t < 0 ? t - 0.5 : t + 0.5);
	double r = x - n * LN2;		/* |r| <= 0.347; n * LN2 loses < 2^-43 */
	double p = 1.0 / 39916800;	/* Taylor to r^11: error below 1e-14 */

	p = p * r + 1.0 / 3628800;
	p = p * r + 1.0 / 362880;
	p = p * r + 1.0 / 40320;
	p = p * r + 1.0 / 5040;
	p = p * r + 1.0 / 720;
	p = p * r + 1.0 / 120;
	p = p * r + 1.0 / 24;
	p = p * r + 1.0 / 6;
	p = p * r + 0.5;
	p = p * r + 1.0;
	p = p * r + 1.0;
	return p * pow2(n);
}

float eng_expf(float x)
{
	if (x != x)
		return x;
	if (x > 89.0f)		/* past the largest float */
		x = 89.0f;
	if (x < -104.0f)	/* below half the smallest */
		return 0.0f;
	return (float)exp_double((double)x);
}

float eng_tanhf(float x)
{
	double d = (double)x;
	double e;

	if (x != x)
		return x;
	if (d > 10.0)
		return 1.0f;
	if (d < -10.0)
		return -1.0f;
	if (d < 0.001 && d > -0.001)	/* the quotient would cancel */
		return (float)(d - d * d * d * (1.0 / 3));
	e = exp_double(2 * d);
	return (float)((e - 1) / (e + 1));
}

float eng_logisticf(float x)
{
	if (x != x)
		return x;
	if (x < -104.0f)
		return 0.0f;
	if (x > 104.0f)
		return 1.0f;
	return (float)(1.0 / (1.0 + exp_double(-(double)x)));
}
