/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Vector registers in the kernel, under one name.
 *
 *	struct compat_fpu_state state;
 *
 *	compat_fpu_begin(&state);
 *	... nothing that sleeps, and not for long: preemption is off ...
 *	compat_fpu_end(&state);
 *
 * compat_fpu_usable() says whether begin may be called here at all (on x86 not
 * in every interrupt).
 */
#ifndef AIOFFLOAD_COMPAT_FPU_H
#define AIOFFLOAD_COMPAT_FPU_H

#ifdef __has_include	/* sparse has not */
#if !__has_include("probed.h")
#error "module/compat/configure KDIR must run before kbuild"
#endif
#endif
#include "probed.h"

#include <linux/types.h>

#if defined(CONFIG_X86)
#include <asm/fpu/api.h>

struct compat_fpu_state {
};

static inline bool compat_fpu_usable(void)
{
	return irq_fpu_usable();
}

static inline void compat_fpu_begin(struct compat_fpu_state *state)
{
	kernel_fpu_begin();
}

static inline void compat_fpu_end(struct compat_fpu_state *state)
{
	kernel_fpu_end();
}

#elif defined(CONFIG_ARM64) && defined(CONFIG_KERNEL_MODE_NEON)
#include <asm/neon.h>
#include <asm/simd.h>

/*
 * Newer kernels save the caller's own kernel-mode state into a buffer of the
 * caller's, half a kilobyte that therefore lies on its stack.
 */
struct compat_fpu_state {
#if HAVE_NEON_BEGIN_STATE
	struct user_fpsimd_state fpsimd;
#endif
};

static inline bool compat_fpu_usable(void)
{
	return may_use_simd();
}

static inline void compat_fpu_begin(struct compat_fpu_state *state)
{
#if HAVE_NEON_BEGIN_STATE
	kernel_neon_begin(&state->fpsimd);
#else
	kernel_neon_begin();
#endif
}

static inline void compat_fpu_end(struct compat_fpu_state *state)
{
#if HAVE_NEON_BEGIN_STATE
	kernel_neon_end(&state->fpsimd);
#else
	kernel_neon_end();
#endif
}

#else
/* No vector unit to borrow: only the scalar kernels are used. */
struct compat_fpu_state {
};

static inline bool compat_fpu_usable(void)
{
	return false;
}

static inline void compat_fpu_begin(struct compat_fpu_state *state)
{
}

static inline void compat_fpu_end(struct compat_fpu_state *state)
{
}
#endif

#endif /* AIOFFLOAD_COMPAT_FPU_H */
