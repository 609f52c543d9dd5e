// SPDX-License-Identifier: GPL-2.0
/* Records. */
#include "sec.h"

struct ai_audit_totals ai_audit_totals;
bool ai_audit_each;

int ai_audit_init(void)
{
	return 0;
}

void ai_audit_exit(void)
{
}

void ai_audit_model(struct ai_sec_ctx *sec, const struct ai_sec_model *m,
		    const char *op, int err, const char *why)
{
}

void ai_audit_group(struct ai_sec_ctx *sec, const char *op, u64 cgroup_id,
		    u32 rights, int err)
{
}

void ai_audit_policy(struct ai_sec_ctx *sec, const char *op,
		     const char *detail, int err)
{
}

void ai_audit_limit(u64 cgroup_id, u32 resource, u64 limit)
{
}

void ai_audit_deny(struct ai_sec_ctx *sec, u32 right, u32 device, int err)
{
}

int ai_audit_exec_open(struct ai_sec_exec *e, struct ai_sec_ctx *ctx,
		       const struct ai_sec_model *model)
{
	return 0;
}

void ai_audit_exec_close(struct ai_sec_exec *e)
{
}

void ai_audit_exec(struct ai_sec_exec *e, u32 device, int status)
{
}
