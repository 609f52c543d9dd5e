// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* The compute kernels for AVX2 with AVX-VNNI: int8 products of 8 bits. */
#ifndef __CHECKER__	/* sparse does not know vector types */
#define VEC_UNIT	avxvnni
#define VEC_SPEED	(64 * 16)
#define VEC_VNNI	1
#include "vec_256.h"
#include "vec_isa.h"
#endif
