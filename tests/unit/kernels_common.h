/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For the tests of the compute kernels: random numbers, exactly sized buffers
 * (AddressSanitizer then sees any access outside), the units of this CPU.
 */
#ifndef _TESTS_KERNELS_COMMON_H
#define _TESTS_KERNELS_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "unit.h"
#include "kernels.h"
#include "requant.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#include <asm/hwcap.h>
#endif

static u64 seed = 0x9e3779b97f4a7c15ULL;

static inline u32 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (u32)(seed >> 32);
}

/* lo .. hi, both included */
static inline s32 rnd_in(s32 lo, s32 hi)
{
	return (s32)(lo + (s64)(rnd() % (u32)((s64)hi - lo + 1)));
}

static inline void *exact(size_t bytes)
{
	void *p = calloc(1, bytes ? bytes : 1);

	assert_non_null(p);
	return p;
}

static inline void *exact64(size_t bytes)
{
	void *p = NULL;

	assert_int_equal(posix_memalign(&p, 64, bytes ? bytes : 1), 0);
	return p;
}

/* Random bytes, or one of the patterns that saturate */
static inline s8 *rnd_s8(size_t n, s8 lowest)
{
	s8 *p = exact(n);
	u32 kind = rnd() % 8;
	size_t i;

	for (i = 0; i < n; i++) {
		s32 v = (s8)rnd();

		if (kind == 0)
			v = 127;
		else if (kind == 1)
			v = lowest;
		else if (kind == 2)
			v = rnd() % 2 ? 127 : lowest;
		p[i] = (s8)(v < lowest ? lowest : v);
	}
	return p;
}

static inline float *rnd_f32(size_t n)
{
	float *p = exact(n * sizeof(float));
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (float)rnd_in(-1000, 1000) / 500.0f;
	return p;
}

static inline struct aim_requant rnd_requant(s32 lowest, s32 highest)
{
	struct aim_requant r = {
		.multiplier = rnd_in(1 << 30, 0x7fffffff),
		.shift = rnd_in(lowest, highest),
	};
	u32 kind = rnd() % 16;

	if (kind == 0)
		r.multiplier = 1 << 30;
	else if (kind == 1)
		r.multiplier = 0x7fffffff;
	else if (kind == 2)
		r.multiplier = 0;
	return r;
}

static inline struct aim_clamp rnd_clamp(void)
{
	struct aim_clamp c = { -128, 127 };

	if (rnd() % 2) {
		c.min = rnd_in(-128, 127);
		c.max = rnd_in(c.min, 127);
	}
	return c;
}

static inline struct eng_cpu this_cpu(void)
{
	struct eng_cpu cpu = { 0 };

#if defined(__x86_64__)
	__builtin_cpu_init();
	cpu.avx2 = __builtin_cpu_supports("avx2") &&
		   __builtin_cpu_supports("fma");
	cpu.avx512 = __builtin_cpu_supports("avx512f") &&
		     __builtin_cpu_supports("avx512bw") &&
		     __builtin_cpu_supports("avx512dq") &&
		     __builtin_cpu_supports("avx512vl");
	cpu.avx512_vnni = __builtin_cpu_supports("avx512vnni");
	{
		u32 a = 7, b, c = 1, d;

		/* AVX-VNNI: CPUID 7.1 EAX bit 4; gcc 12 has no name for it */
		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		cpu.avx_vnni = cpu.avx2 && (a >> 4 & 1);
	}
#elif defined(__aarch64__)
	cpu.neon = getauxval(AT_HWCAP) & HWCAP_ASIMD;
	cpu.neon_dotprod = getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
#endif
	return cpu;
}

static const struct eng_isa *const vector_units[] = {
#if defined(__x86_64__)
	&eng_isa_avx2, &eng_isa_avxvnni, &eng_isa_avx512, &eng_isa_avx512vnni,
#elif defined(__aarch64__)
	&eng_isa_neon, &eng_isa_neondot,
#endif
	NULL,
};

/* Calls @f with every unit this CPU has, and says which it has not */
static inline void each_unit(void (*f)(const struct eng_isa *isa))
{
	struct eng_cpu cpu = this_cpu();
	size_t i;

	for (i = 0; vector_units[i]; i++) {
		if (vector_units[i]->usable(&cpu))
			f(vector_units[i]);
		else
			printf("  (this CPU has no %s)\n",
			       vector_units[i]->name);
	}
}

#endif /* _TESTS_KERNELS_COMMON_H */
