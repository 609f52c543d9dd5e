// SPDX-License-Identifier: GPL-2.0
/* From a file's bytes to an admitted model. */
#include <linux/errno.h>

#include "../compat/compat.h"
#include "sec.h"

int ai_sec_admit(struct ai_sec_ctx *sec, struct ai_sec_model *m,
		 const void *data, size_t bytes, size_t *model_bytes,
		 struct aim_reason *reason)
{
	*model_bytes = bytes;
	sha256(data, bytes, m->digest);
	return 0;
}

int ai_sec_model_loaded(struct ai_sec_ctx *sec, struct ai_sec_model *m,
			u64 scratch, struct aim_reason *reason)
{
	return 0;
}

void ai_sec_model_refused(struct ai_sec_ctx *sec, const struct ai_sec_model *m,
			  int err, const char *why)
{
}

void ai_sec_model_gone(struct ai_sec_model *m)
{
}

int ai_sec_model_on(const struct ai_sec_model *m, u32 dev_class,
		    const char *driver, const struct module *owner)
{
	return 0;
}
