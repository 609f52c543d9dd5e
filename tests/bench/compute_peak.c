// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>
#include "compute_peak.h"

double compute_peak(const char *isa)
{
#if defined(__x86_64__)
	if (!strcmp(isa, "avx2"))
		return compute_peak_avx2();
	if (!strcmp(isa, "avxvnni"))
		return compute_peak_avxvnni();
	if (!strcmp(isa, "avx512"))
		return compute_peak_avx512();
	if (!strcmp(isa, "avx512vnni"))
		return compute_peak_avx512vnni();
#endif
	return 0;
}
