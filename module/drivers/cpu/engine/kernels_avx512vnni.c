// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* The compute kernels for AVX-512 with VNNI. */
#ifndef __CHECKER__	/* sparse does not know vector types */
#define VEC_UNIT	avx512vnni
#define VEC_SPEED	(128 * 16)
#define VEC_VNNI	1
#include "vec_512.h"
#include "vec_isa.h"
#endif
