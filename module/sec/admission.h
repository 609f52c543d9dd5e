/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What policy.c, keyring.c, admit.c and block.c share.
 *
 * ai_block_lock (block.c) guards the list of loaded models and what is blocked.
 * A change of either, or of the mode, is followed by a look at all of the
 * former under it; so no model slips in between.
 */
#ifndef AIOFFLOAD_SEC_ADMISSION_H
#define AIOFFLOAD_SEC_ADMISSION_H

#include <linux/compiler.h>
#include <aim/verify.h>

#include "group.h"

/* One sentence that says what is wrong and what to do; returns @err. */
__printf(3, 4)
int ai_refuse(struct aim_reason *reason, int err, const char *fmt, ...);

/* policy.c */
u32 ai_policy_mode(void);
u32 ai_policy_keyrings(void);
bool ai_policy_signed_drivers(void);
bool ai_policy_is_locked(void);

/* keyring.c */
int ai_keyring_init(void);
void ai_keyring_exit(void);
u32 ai_keyring_count(void);
int ai_keyring_verify(const void *data, size_t bytes, const u8 *sig,
		      size_t sig_bytes, u8 key_id[32],
		      struct aim_reason *reason);

/* block.c */
void ai_block_init(void);
void ai_block_exit(void);
int ai_block_check_key(const struct ai_sec_model *m, struct aim_reason *reason);
int ai_block_check(const struct ai_sec_model *m, struct aim_reason *reason);
int ai_block_join(struct ai_sec_model *m, struct aim_reason *reason);
void ai_block_leave(struct ai_sec_model *m);
void ai_block_review(void);

#endif /* AIOFFLOAD_SEC_ADMISSION_H */
