// SPDX-License-Identifier: LGPL-2.1-or-later
#define VEC_VNNI	1
#include "vec_512.h"
#include "compute_peak_loop.h"

double compute_peak_avx512vnni(void)
{
	return peak_measure();
}
