/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the attacks have in common: keys, policy, cgroups, audit records, other
 * users. The frame is tests/vm/c/vmtest.h.
 *
 * Each case begins with fresh(): nothing is left of earlier ones, if need be by
 * loading the modules anew, so that it may lock, restrict and revoke as it likes.
 */
#ifndef SECTEST_H
#define SECTEST_H

#include "vmtest.h"
#include <sys/types.h>

#define NOBODY		65534
#define BAD_KEY		(-1)

/* The models of forge.py: LUT of 64 bytes. */
#define SEC_N		64

/*
 * Policy enforce, "good" and "second" in .aioffload, nothing blocked; we are in a
 * cgroup of our own. A case that closes the ring leaves other than two keys in it.
 */
void fresh(void);
/* Modules loaded anew, with these parameters; an empty ring. */
void fresh_with(const char *params);
/* A trusted model loads, binds, runs and is right: the machine is unharmed. */
void unharmed(void);

/* ---- files made by forge.py ---- */
struct blob {
	size_t bytes;
	_Alignas(64) uint8_t data[1 << 17];
};
void blob_read(struct blob *b, const char *name);
/* MODEL_LOAD of such a file; the sentence of a refusal is in load_reason. */
int load_file(int ctx, const char *name);
extern char load_reason[256];
extern uint8_t load_digest[AIOFFLOAD_DIGEST_LEN];
/* It must be refused: errno, a sentence, one more refusal counted, a record. */
void refused(int ctx, const char *name, int err);
/* It must load; its fd. */
int admitted(int ctx, const char *name);
/* Bound to a buffer as in vmtest.h. */
void bound_model(struct bound *b, int ctx, int model);
void bound_file(struct bound *b, int ctx, const char *name);
/* One sample computed, and rightly. */
void bound_works(struct bound *b);

/* ---- keys ---- */
int ring_id(void);				/* of .aioffload */
long key_add(const char *name, int ring);	/* forge.py's NAME.der; -1 */
long key_ctl(int op, unsigned long a, unsigned long b, unsigned long c);
#define KEYCTL_CHOWN_		4
#define KEYCTL_SETPERM_		5
#define KEYCTL_REVOKE_		3
#define KEYCTL_CLEAR_		7
#define KEYCTL_LINK_		8
#define KEYCTL_UNLINK_		9
#define KEYCTL_SET_TIMEOUT_	15
#define KEYCTL_INVALIDATE_	21
#define KEYCTL_RESTRICT_	29
#define KEYCTL_PROCESS_RING_	(-2)	/* instead of a keyring's number */

/* ---- policy and blocking ---- */
struct aioffload_policy policy_now(void);
int policy_set(int ctx, uint32_t flags, struct aioffload_policy p);
int policy_mode(int ctx, uint32_t mode);	/* -1 and errno */
int block(int ctx, uint32_t op, uint32_t kind, const void *id);
int block_version(int ctx, uint32_t op, const char *name, uint64_t version);

/* ---- cgroups, rights, quotas ---- */
/* Directories under /sys/fs/cgroup/sec, made anew by fresh(). */
int cg_open(const char *path);		/* made if need be; an O_RDONLY fd */
void cg_enter(const char *path);	/* the calling process */
int cg_move(const char *path, pid_t pid);	/* 0 or -errno */
int grant_one_device(int ctx, int cgroup, uint32_t rights, int device);
struct aioffload_usage usage(int ctx, int cgroup, uint32_t resource);

/* ---- who ---- */
void become(uid_t uid);			/* no groups, no capabilities */
/* Still uid 0. */
void drop_capabilities(void);
/* Root of a user namespace of its own, nobody outside. */
void become_ns_root(void);
/* The nodes are for everybody from now on, as in a container that has them. */
void open_to_all(void);
/* Runs fn in a child that must succeed. */
void in_child(void (*fn)(void *), void *arg);

/* ---- held.c ---- */
#define HELD_PAGE	4096
/* Two pages; who reads the second one, even the kernel, waits for held_give(). */
struct held {
	int uffd;
	uint8_t *mem;
};
void held_open(struct held *h);
bool held_wait(struct held *h, int ms);	/* somebody reads it */
void held_give(struct held *h, const void *data, size_t bytes);
void held_close(struct held *h);

/* ---- audit ---- */
/* From now on records are listened to: a multicast, which needs no auditd. */
void audit_watch(void);
/* One comes (or came) that contains all of these; NULL ends the list. */
void audit_expect_(const char *file, int line, const char *const *words);
#define AUDIT_EXPECT(...) audit_expect_(__FILE__, __LINE__, \
	(const char *const []){ __VA_ARGS__, NULL })
/* How many of our records with these words have come until now. */
unsigned int audit_count(const char *word);
int audit_set(uint32_t mask, uint32_t value);	/* AUDIT_STATUS_* */

#endif /* SECTEST_H */
