// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Which vector unit to use.
 */
#include "kernels.h"

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
	&eng_isa_scalar,	/* ends the list: always usable */
};

const struct eng_isa *eng_isa_best(const struct eng_cpu *cpu)
{
	const struct eng_isa *const *u = units;

	while (!(*u)->usable(cpu))
		u++;
	return *u;
}

const struct eng_isa *eng_isa_by_name(const char *name,
				      const struct eng_cpu *cpu)
{
	const struct eng_isa *const *u = units;

	while (strcmp((*u)->name, name)) {
		if (*u == &eng_isa_scalar)
			return NULL;
		u++;
	}
	return (*u)->usable(cpu) ? *u : NULL;
}

const char *eng_isa_name(const struct eng_isa *isa)
{
	return isa->name;
}
