/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Template: the unit's multiply-add alone, with as many independent sums as hide
 * its latency and no memory at all. Included after a unit's primitives.
 */
#include "compute_peak.h"
#include "compute_rounds.h"

#define PEAK_STEPS	20000
#define PEAK_SUMS	12

static void peak_loop(void *arg)
{
	vec acc[PEAK_SUMS], a = vec_load(arg), w = vec_load(arg);
	unsigned int i;
	int j;

#pragma GCC unroll 12
	for (j = 0; j < PEAK_SUMS; j++)
		acc[j] = vec_zero();
	for (i = 0; i < PEAK_STEPS; i++) {
#pragma GCC unroll 12
		for (j = 0; j < PEAK_SUMS; j++) {
			/* opaque, else the compiler computes one product once */
			__asm__ volatile("" : "+x"(a), "+x"(w));
			acc[j] = vec_dot(acc[j], a, w);
			__asm__ volatile("" : "+x"(acc[j]));
		}
	}
#pragma GCC unroll 12
	for (j = 1; j < PEAK_SUMS; j++)
		acc[0] = vec_add(acc[0], acc[j]);
	vec_store(arg, acc[0]);
}

static double peak_measure(void)
{
	u8 data[VEC_BYTES] __attribute__((aligned(64))) = { 0 };
	double best = 1e18, t;
	int round;

	for (round = 0; round < 40; round++) {
		t = one_round(peak_loop, data, 5);
		best = t < best ? t : best;
	}
	return (double)PEAK_STEPS * PEAK_SUMS * LANES * GROUP / best;
}
