/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * The compiler's vector intrinsics, in the kernel as in user space. The x86
 * header needs nothing of a C library but for _mm_malloc(), which its own
 * include guard keeps out.
 */
#ifndef _ENG_VEC_INTRIN_H
#define _ENG_VEC_INTRIN_H

#if defined(__x86_64__)
#define _MM_MALLOC_H_INCLUDED	1	/* gcc */
#define __MM_MALLOC_H		1	/* clang */
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__KERNEL__)
#include <linux/limits.h>	/* before the <stdint.h> that the next brings */
#include <asm/neon-intrinsics.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define VEC_INLINE	static inline __attribute__((always_inline))

#endif /* _ENG_VEC_INTRIN_H */
