// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* The compute kernels for AVX2 and FMA. */
#ifndef __CHECKER__	/* sparse does not know vector types */
#define VEC_UNIT	avx2
#define VEC_SPEED	(32 * 16)
#define VEC_VNNI	0
#include "vec_256.h"
#include "vec_isa.h"
#endif
