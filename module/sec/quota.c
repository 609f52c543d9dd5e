// SPDX-License-Identifier: GPL-2.0
/* What a group may take. */
#include <linux/errno.h>

#include "sec.h"

int ai_quota_charge(struct ai_group *g, u32 resource, u64 n)
{
	return 0;
}

void ai_quota_uncharge(struct ai_group *g, u32 resource, u64 n)
{
}

int ai_quota_job_start(struct ai_group *metered)
{
	return 0;
}

void ai_quota_job_end(struct ai_group *metered, u64 device_ns)
{
}

long ai_sec_limit(struct ai_sec_ctx *sec, void __user *uarg)
{
	return -EOPNOTSUPP;
}

long ai_sec_usage(struct ai_sec_ctx *sec, void __user *uarg)
{
	return -EOPNOTSUPP;
}
