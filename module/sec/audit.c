// SPDX-License-Identifier: GPL-2.0
/* Records. */
#include "sec.h"

bool ai_audit_each;

void ai_audit_exec_open(struct ai_sec_exec *e, struct ai_sec_ctx *ctx,
			const struct ai_sec_model *model)
{
}

void ai_audit_exec_close(struct ai_sec_exec *e)
{
}

void ai_audit_exec(struct ai_sec_exec *e, u32 device, int status)
{
}
