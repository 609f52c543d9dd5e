// SPDX-License-Identifier: GPL-2.0
/* What is demanded; lockdown. */
#include <linux/errno.h>

#include "sec.h"

/* Raised whenever an earlier answer may have become wrong. Never 0. */
u32 ai_sec_generation = 1;

int ai_sec_init(void)
{
	return 0;
}

void ai_sec_exit(void)
{
}

long ai_sec_policy(struct ai_sec_ctx *sec, void __user *uarg)
{
	return -EOPNOTSUPP;
}
