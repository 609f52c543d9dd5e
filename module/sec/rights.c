// SPDX-License-Identifier: GPL-2.0
/* What a group may do and see. */
#include <linux/errno.h>

#include "sec.h"

int ai_sec_open(struct ai_sec_ctx *sec)
{
	sec->cred = get_current_cred();
	return 0;
}

void ai_sec_close(struct ai_sec_ctx *sec)
{
	put_cred(sec->cred);
}

int ai_sec_may_slow(struct ai_sec_ctx *sec, u32 right, u32 device)
{
	return 0;
}

long ai_sec_grant(struct ai_sec_ctx *sec, void __user *uarg)
{
	return -EOPNOTSUPP;
}

long ai_sec_rights(struct ai_sec_ctx *sec, void __user *uarg)
{
	return -EOPNOTSUPP;
}
