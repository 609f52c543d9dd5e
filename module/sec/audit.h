/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of audit share.
 *
 *	audit.c		records on a caller's behalf; how a record is put together
 *	audit_tally.c	refusals that are counted, and recorded by a worker
 *	audit_exec.c	executions
 *	audit_text.c	encoding
 */
#ifndef AIOFFLOAD_AUDIT_H
#define AIOFFLOAD_AUDIT_H

#include <linux/audit.h>

#include "sec.h"

/*
 * Of models: admission is a check of integrity, and ausearch knows user,
 * session and result of this type. Of the rest: the type meant for modules.
 */
#define AI_AUDIT_MODEL	AUDIT_INTEGRITY_DATA
#define AI_AUDIT_POLICY	AUDIT_INTEGRITY_STATUS
#define AI_AUDIT_BLOCK	AUDIT_INTEGRITY_RULE
#define AI_AUDIT_OTHER	AUDIT_KERNEL_OTHER

/* For those who must not wait for the audit system. */
#define AI_AUDIT_NOWAIT	(GFP_NOWAIT | __GFP_NOWARN)

/**
 * struct ai_audit_id - who, in numbers and names of the initial namespaces
 * @exe:	or NULL: not recorded
 * @subj:	likewise
 */
struct ai_audit_id {
	pid_t pid;
	kuid_t uid;
	kuid_t auid;
	unsigned int ses;
	u64 cgroup;
	char comm[TASK_COMM_LEN];
	char *exe;
	char *subj;
};

/* Is there anybody to write for? Never "lost" while there is not. */
static inline bool ai_audit_on(void)
{
	return audit_enabled;
}

/* Without exe and subj: any context. */
void ai_audit_id_quick(struct ai_audit_id *id);

/*
 * " pid=... comm=...", of somebody else than the caller. Nothing here sleeps
 * unless @gfp allows it.
 */
void ai_audit_put_id(struct audit_buffer *ab, const struct ai_audit_id *id);
void ai_audit_put_cgroup(struct audit_buffer *ab, const char *name, u64 id,
			 gfp_t gfp);
void ai_audit_put_limit(struct audit_buffer *ab, u32 resource, u64 limit);
void ai_audit_put_string(struct audit_buffer *ab, const char *name,
			 const char *s, size_t n);
void ai_audit_put_model(struct audit_buffer *ab, const u8 digest[32],
			const u8 key[32], const char *name, u64 version);
void ai_audit_put_since(struct audit_buffer *ab, u64 ms);
/* @err: negative errno or 0 */
void ai_audit_end(struct audit_buffer *ab, int err, bool res);

/* Now, as in "since=": milliseconds since 1970. */
u64 ai_audit_now(void);

/* ---- counted ------------------------------------------------------------ */

/**
 * struct ai_audit_kind - refusals that are counted together
 * @op:		a string that lives for ever; compared by address
 * @type:	of the record
 * @arg:	what was asked for: resource, right(s); of no meaning to some @op
 * @err:	negative errno
 * @digest:	of the model, if that is compared, or zero
 * @limit:	for "limit" and "limit_set": which; for "deny": the device; for
 *		"grant", "revoke" and "weight_set": the cgroup; the first one's, not compared
 */
struct ai_audit_kind {
	const char *op;
	u32 type;
	u32 arg;
	int err;
	u8 digest[32];
	u64 limit;
};

/* Any context. */
void ai_tally_add(const struct ai_audit_kind *kind,
		  const struct ai_audit_id *id, u64 n);
/* May a record be written now about this cgroup, or has it had its share? */
bool ai_tally_allows(u64 cgroup);
void ai_tally_exit(void);

/* Writers, one at a time. */
extern struct workqueue_struct *ai_audit_wq;

/* ---- executions --------------------------------------------------------- */

int ai_exec_init(void);
void ai_exec_exit(void);

#endif /* AIOFFLOAD_AUDIT_H */
