// SPDX-License-Identifier: GPL-2.0
/* What is demanded; lockdown. */
#include <linux/errno.h>

#include "group.h"

int ai_sec_init(void)
{
	int ret;

	ret = ai_audit_init();
	if (ret)
		return ret;
	return ai_group_init();
}

void ai_sec_exit(void)
{
	ai_group_exit();
	ai_audit_exit();
}

long ai_sec_policy(struct ai_sec_ctx *sec, void __user *uarg)
{
	return -EOPNOTSUPP;
}
