// SPDX-License-Identifier: GPL-2.0
/* Must compile nowhere. */
#include <linux/module.h>

int aioffload_mute(void);
int aioffload_mute(void)
{
	return aioffload_no_such_function_anywhere();
}

MODULE_LICENSE("GPL");
