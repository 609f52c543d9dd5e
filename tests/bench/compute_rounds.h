/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the programs of the compute benchmark share: they run rounds on demand,
 * so that tools/bench-compute can interleave them on one core. Each line "MS" on
 * standard input asks for a round of about MS milliseconds; the answer is the
 * median time of one inference in ns. End of input ends the program.
 */
#ifndef _BENCH_COMPUTE_ROUNDS_H
#define _BENCH_COMPUTE_ROUNDS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUND_SAMPLES	4096

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static inline int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/*
 * Median over samples of at least 20 us each, so that the clock is no matter; at
 * least one. Short rounds fit between the machine's other tasks.
 */
static inline double one_round(void (*infer)(void *), void *arg, double ms)
{
	static double samples[ROUND_SAMPLES];
	uint64_t start, end, t, u;
	unsigned int n = 0, batch = 1, i;

	infer(arg);
	start = now_ns();
	infer(arg);
	t = now_ns() - start;
	if (t < 20000)
		batch = (unsigned int)(20000 / (t + 1)) + 1;
	end = start + (uint64_t)(ms * 1e6);
	do {
		t = now_ns();
		for (i = 0; i < batch; i++)
			infer(arg);
		u = now_ns();
		samples[n++] = (double)(u - t) / batch;
	} while (u < end && n < ROUND_SAMPLES);
	qsort(samples, n, sizeof(samples[0]), by_time);
	return samples[n / 2];
}

static inline void serve_rounds(void (*infer)(void *), void *arg)
{
	double ms;

	printf("ready\n");
	fflush(stdout);
	while (scanf("%lf", &ms) == 1) {
		printf("%.1f\n", one_round(infer, arg, ms));
		fflush(stdout);
	}
}

#endif /* _BENCH_COMPUTE_ROUNDS_H */
