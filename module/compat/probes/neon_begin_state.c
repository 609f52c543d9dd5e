// SPDX-License-Identifier: GPL-2.0
/* arm64: kernel_neon_begin(state), formerly kernel_neon_begin(void). */
#include <asm/neon.h>
#include <linux/module.h>

void probe(struct user_fpsimd_state *state);
void probe(struct user_fpsimd_state *state)
{
	kernel_neon_begin(state);
	kernel_neon_end(state);
}

MODULE_LICENSE("GPL");
