// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* The compute kernels for AVX-512 without VNNI. */
#ifndef __CHECKER__	/* sparse does not know vector types */
#define VEC_UNIT	avx512
#define VEC_SPEED	(64 * 16)
#define VEC_VNNI	0
#include "vec_512.h"
#include "vec_isa.h"
#endif
