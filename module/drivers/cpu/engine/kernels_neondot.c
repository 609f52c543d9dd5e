// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* The compute kernels for arm64 NEON with dot products (ARMv8.2). */
#ifndef __CHECKER__	/* sparse does not know vector types */
#define VEC_UNIT	neondot
#define VEC_SPEED	(48 * 16)
#define VEC_DOTPROD	1
#include "vec_128.h"
#include "vec_isa.h"
#endif
