// SPDX-License-Identifier: LGPL-2.1-or-later
#define VEC_VNNI	0
#include "vec_256.h"
#include "compute_peak_loop.h"

double compute_peak_avx2(void)
{
	return peak_measure();
}
