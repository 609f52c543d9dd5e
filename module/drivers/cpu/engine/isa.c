// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Which vector unit to use.
 */
#include "kernels.h"

#pragma weak eng_isa_avx2
#pragma weak eng_isa_avxvnni
#pragma weak eng_isa_avx512
#pragma weak eng_isa_avx512vnni
#pragma weak eng_isa_neon
#pragma weak eng_isa_neondot

/* Best first. */
static const struct eng_isa *const units[] = {
#if defined(__x86_64__)
	&eng_isa_avx512vnni,
	&eng_isa_avxvnni,
	&eng_isa_avx512,
	&eng_isa_avx2,
#elif defined(__aarch64__)
	&eng_isa_neondot,
	&eng_isa_neon,
#endif
	&eng_isa_scalar,
};

#define NR_UNITS	(sizeof(units) / sizeof(units[0]))

const struct eng_isa *eng_isa_best(const struct eng_cpu *cpu)
{
	size_t i;

	for (i = 0; i < NR_UNITS; i++)
		if (units[i] && units[i]->usable(cpu))
			return units[i];
	return &eng_isa_scalar;
}

const struct eng_isa *eng_isa_by_name(const char *name,
				      const struct eng_cpu *cpu)
{
	size_t i;

	for (i = 0; i < NR_UNITS; i++)
		if (units[i] && !strcmp(units[i]->name, name))
			return units[i]->usable(cpu) ? units[i] : NULL;
	return NULL;
}

const char *eng_isa_name(const struct eng_isa *isa)
{
	return isa->name;
}
