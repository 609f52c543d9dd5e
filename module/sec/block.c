// SPDX-License-Identifier: GPL-2.0
/* Models, keys and versions that are not admitted; quarantine. */
#include <linux/errno.h>

#include "sec.h"

void ai_sec_model_timed_out(struct ai_sec_model *m)
{
}

long ai_sec_block(struct ai_sec_ctx *sec, void __user *uarg)
{
	return -EOPNOTSUPP;
}
