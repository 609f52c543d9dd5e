/* SPDX-License-Identifier: GPL-2.0 */
/*
 * May this caller do this? Asked by core; answers yes or no, changes nothing.
 *
 * An answer is kept in the context together with the generation of the policy
 * it came from, so that asking again on the way of every job costs a compare.
 */
#ifndef AIOFFLOAD_SEC_H
#define AIOFFLOAD_SEC_H

#include <linux/compiler.h>
#include <linux/cred.h>
#include <linux/types.h>

#define AI_RIGHT_EXEC	BIT(0)	/* run jobs */
#define AI_RIGHT_LOAD	BIT(1)	/* bring models in */

/**
 * struct ai_sec_ctx - who opened a context
 * @cred:	the opener's
 * @cache:	generation of the policy << 32 | rights
 */
struct ai_sec_ctx {
	const struct cred *cred;
	u64 cache;
};

extern u32 ai_sec_generation;

void ai_sec_open(struct ai_sec_ctx *sec);
void ai_sec_close(struct ai_sec_ctx *sec);
int ai_sec_may_slow(struct ai_sec_ctx *sec, u32 right, u32 device);
int ai_sec_admit_model(struct ai_sec_ctx *sec, const void *bytes, size_t nr,
		       const u8 *digest);

/**
 * ai_sec_may() - has this context a right, on this device?
 * @device:	its id, or AIOFFLOAD_DEVICE_ANY
 *
 * Any context, interrupts included. Return: 0 or -EACCES.
 */
static inline int ai_sec_may(struct ai_sec_ctx *sec, u32 right, u32 device)
{
	u64 cache = READ_ONCE(sec->cache);

	if (likely(cache >> 32 == READ_ONCE(ai_sec_generation) &&
		   (cache & right) == right))
		return 0;
	return ai_sec_may_slow(sec, right, device);
}

#endif /* AIOFFLOAD_SEC_H */
