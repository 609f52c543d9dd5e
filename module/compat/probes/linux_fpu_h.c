// SPDX-License-Identifier: GPL-2.0
/* <linux/fpu.h>: kernel_fpu_begin/end() under one name on every arch. */
#include <linux/fpu.h>
#include <linux/module.h>

void probe(void);
void probe(void)
{
	kernel_fpu_begin();
	kernel_fpu_end();
}

MODULE_LICENSE("GPL");
