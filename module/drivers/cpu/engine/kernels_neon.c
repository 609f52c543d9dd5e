// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* The compute kernels for arm64 NEON. */
#ifndef __CHECKER__	/* sparse does not know vector types */
#define VEC_UNIT	neon
#define VEC_SPEED	(16 * 16)
#define VEC_DOTPROD	0
#include "vec_128.h"
#include "vec_isa.h"
#endif
