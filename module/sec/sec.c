// SPDX-License-Identifier: GPL-2.0
/*
 * The policy so far is that of the device nodes: who could open one may load
 * models and run jobs.
 */
#include <linux/errno.h>

#include "sec.h"

/* Raised whenever an earlier answer may have become wrong. Never 0. */
u32 ai_sec_generation = 1;

void ai_sec_open(struct ai_sec_ctx *sec)
{
	sec->cred = get_current_cred();
	sec->cache = 0;
}

void ai_sec_close(struct ai_sec_ctx *sec)
{
	put_cred(sec->cred);
}

/*
 * Rights of the opener under the present policy. The fd itself is the proof of
 * permission, as it is for files: it may have been passed on purpose.
 */
static u32 rights_of(const struct ai_sec_ctx *sec, u32 device)
{
	return AI_RIGHT_EXEC | AI_RIGHT_LOAD;
}

int ai_sec_may_slow(struct ai_sec_ctx *sec, u32 right, u32 device)
{
	u32 generation = READ_ONCE(ai_sec_generation);
	u32 rights = rights_of(sec, device);

	/*
	 * Generation first, rights after: if the policy changes in between,
	 * the answer is filed under the old generation and asked for again.
	 */
	WRITE_ONCE(sec->cache, (u64)generation << 32 | rights);
	return (rights & right) == right ? 0 : -EACCES;
}

/*
 * ai_sec_admit_model() - may these bytes become a model?
 *
 * Called with the kernel's own copy, before the verifier. May sleep.
 * Return: 0, or -EACCES.
 */
int ai_sec_admit_model(struct ai_sec_ctx *sec, const void *bytes, size_t nr,
		       const u8 *digest)
{
	return 0;
}
