/* SPDX-License-Identifier: GPL-2.0 */
/*
 * May this caller, this model, this device? Asked by core; answers yes or no
 * and leaves a record, and changes nothing of core's.
 *
 *	policy.c	what is demanded; lockdown
 *	keyring.c	.aioffload; which key made a signature
 *	admit.c		from a file's bytes to an admitted model
 *	block.c		models, keys and versions that are not admitted; quarantine
 *	group.c		the cgroups that use devices, as a tree
 *	rights.c	what a group may do and see
 *	quota.c		what a group may take
 *	weight.c	its share of what others want, too
 *	audit.c		records
 *	measure.c	IMA
 *
 * Rights are those of two cgroups: the one that opened the context and the one
 * the caller is in now. So neither passing a descriptor nor moving a task to
 * another cgroup gives anybody more than he has.
 */
#ifndef AIOFFLOAD_SEC_H
#define AIOFFLOAD_SEC_H

#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <uapi/linux/aioffload.h>

#define AI_RIGHT_EXEC	AIOFFLOAD_RIGHT_EXEC
#define AI_RIGHT_LOAD	AIOFFLOAD_RIGHT_LOAD
#define AI_RIGHT_RT	AIOFFLOAD_RIGHT_RT
#define AI_RIGHT_ADMIN	AIOFFLOAD_RIGHT_ADMIN

struct ai_device;
struct ai_group;
struct aim_reason;

int ai_sec_init(void);
void ai_sec_exit(void);

/* ---- who: contexts ------------------------------------------------------ */

/**
 * struct ai_sec_answer - rights of a context's callers in one cgroup
 * @generation:	of the policy that it came from
 * @cgroup:	id of the caller's cgroup
 * @rights:	AI_RIGHT_*
 * @devices:	bit N: device N
 *
 * What a capability adds is not in it: the next caller may not have that.
 */
struct ai_sec_answer {
	u64 generation;
	u64 cgroup;
	u32 rights;
	u64 devices[AIOFFLOAD_MAX_DEVICES / 64];
	struct rcu_head rcu;
};

/**
 * struct ai_sec_ctx - whose a context is
 * @answer:	the last one, replaced as a whole
 * @cred:	the opener's
 * @group:	of the opener's cgroup; pays for what the context makes
 * @metered:	the nearest group, from there upwards, with a limit on jobs or
 *		time, or NULL: then jobs are not counted; as of the last time
 *		that an answer was worked out
 * @auid:	the opener, for records that are written on nobody's behalf, by
 *		ai_audit_ctx_open(): login user, session, process (in the
 * @ses:	initial pid namespace), cgroup, what it was called, its program
 * @pid:	and its security label; the last two NULL if unknown
 * @cgroup:
 * @comm:
 * @exe:
 * @subj:
 */
struct ai_sec_ctx {
	struct ai_sec_answer __rcu *answer;
	const struct cred *cred;
	struct ai_group *group;
	struct ai_group *metered;
	kuid_t auid;
	unsigned int ses;
	pid_t pid;
	u64 cgroup;
	char comm[TASK_COMM_LEN];
	char *exe;
	char *subj;
};

/*
 * Grows whenever an answer may have become wrong; 64 bits, so that nobody can
 * make it come round to that of an old answer.
 */
extern u64 ai_sec_generation;

/* 0 or -ENOMEM. */
int ai_sec_open(struct ai_sec_ctx *sec);
void ai_sec_close(struct ai_sec_ctx *sec);
int ai_sec_may_slow(struct ai_sec_ctx *sec, u32 right, u32 device);

/* As RCU-sched reader. */
static inline bool ai_sec_answer_holds(const struct ai_sec_answer *a)
{
	const struct css_set *cset = rcu_dereference_sched(current->cgroups);

	return a && a->generation == READ_ONCE(ai_sec_generation) &&
	       a->cgroup == cgroup_id(cset->dfl_cgrp);
}

static inline bool ai_sec_answer_is_yes(const struct ai_sec_answer *a,
					u32 right, u32 device)
{
	return (a->rights & right) == right &&
	       (device == AIOFFLOAD_DEVICE_ANY ||
		a->devices[device / 64] >> device % 64 & 1);
}

/**
 * ai_sec_may() - have context and caller a right, on this device?
 * @sec:	the context
 * @right:	AI_RIGHT_*, or 0: may they see the device? (a no is not recorded)
 * @device:	its id, or AIOFFLOAD_DEVICE_ANY
 *
 * In the caller's own context, which may hold spinlocks. Return: 0, -EACCES,
 * or -ENODEV for a device that it can't see.
 */
static inline int ai_sec_may(struct ai_sec_ctx *sec, u32 right, u32 device)
{
	const struct ai_sec_answer *a;
	bool yes;

	rcu_read_lock_sched();
	a = rcu_dereference_sched(sec->answer);
	yes = likely(ai_sec_answer_holds(a)) &&
	      ai_sec_answer_is_yes(a, right, device);
	rcu_read_unlock_sched();
	return likely(yes) ? 0 : ai_sec_may_slow(sec, right, device);
}

/*
 * Have callers in the opener's cgroup that right, or may the opener do without?
 * Any context. Whoever keeps the answer asks again after ai_sec_grant().
 */
bool ai_sec_opener_may(const struct ai_sec_ctx *sec, u32 right, u32 device);

/* Without a context: does the caller's cgroup see this device? */
bool ai_sec_sees(u32 device);

/* ---- what: models ------------------------------------------------------- */

/**
 * struct ai_sec_model - what is known of an admitted model, part of core's
 * @refused:	0, or the errno that its jobs end with from now on:
 *		-EKEYREVOKED blocked, -ENOTRECOVERABLE quarantined, @verdict
 *		if the policy became stricter
 * @timeouts:	jobs that overstayed since one succeeded
 * @node:	in the list of loaded models (block.c)
 * @mode:	enum aioffload_policy_mode, as it was when the model was admitted
 * @verdict:	0, or what enforce would have said of signature and manifest,
 * @why:	in words
 * @digest:	SHA-256 of the model proper
 * @key:	id of the key that signed it (enum aioffload_block_kind), or zero
 * @name:	from here on as in struct aim_manifest; empty, zero or unlimited
 *		without one
 */
struct ai_sec_model {
	int refused;
	atomic_t timeouts;
	struct list_head node;
	struct ai_group *group;		/* that loaded it; pays for it */
	u64 charged;			/* bytes */
	u32 mode;
	int verdict;
	char why[128];
	u8 digest[32];
	u8 key[32];
	char name[AIOFFLOAD_NAME_LEN];
	u64 version;
	u64 not_after;
	u32 class_mask;
	char driver[AIOFFLOAD_NAME_LEN];
	u64 max_job_ns;
	u64 max_memory;
};

/**
 * ai_sec_admit() - may these bytes become a model?
 * @sec:	the context that loads it
 * @m:		@group and @charged set, else zeroed; filled in
 * @data:	the kernel's own copy of the whole file, 8-byte aligned
 * @bytes:	its size
 * @model_bytes: out: the model proper is the first so many
 * @reason:	filled in on refusal
 *
 * Called before the verifier. May sleep. Leaves a record if it refuses.
 *
 * Return: 0, or
 *  -ENOKEY		no key is known at all, or not the one that signed
 *  -EKEYREJECTED	not signed, or the signature does not fit
 *  -EKEYREVOKED	model, key or version is blocked
 *  -EKEYEXPIRED	out of its time
 *  -EBADMSG		trailer or manifest make no sense, or are another model's
 *  -ENOPKG		an algorithm that this kernel lacks, or too weak a key
 *  -ENOTRECOVERABLE	in quarantine
 */
int ai_sec_admit(struct ai_sec_ctx *sec, struct ai_sec_model *m,
		 const void *data, size_t bytes, size_t *model_bytes,
		 struct aim_reason *reason);

/*
 * The verifier has passed it: known to block.c from here on, recorded,
 * measured. @scratch: bytes of working memory it plans. Return: 0, or
 * -E2BIG (beyond its own budget), -EKEYREVOKED (blocked meanwhile), or another
 * of the above if the policy became stricter meanwhile.
 */
int ai_sec_model_loaded(struct ai_sec_ctx *sec, struct ai_sec_model *m,
			u64 scratch, struct aim_reason *reason);
/* The verifier has refused it, or anything else failed: recorded. */
void ai_sec_model_refused(struct ai_sec_ctx *sec, const struct ai_sec_model *m,
			  int err, const char *why);
/* It is about to be freed. */
void ai_sec_model_gone(struct ai_sec_model *m);

/* May it run there? 0 or -EPERM. At BIND. @driver: the device's module. */
int ai_sec_model_on(const struct ai_sec_model *m, u32 dev_class,
		    const char *driver, const struct module *owner);

/*
 * A job had its whole budget at a device and did not end. Any context. The
 * model, or the system, set that budget, not the caller; and the job belonged
 * to a context of the model's own group, so that nobody who was lent a model
 * can have it quarantined. Some of that in a row, and it is.
 */
void ai_sec_model_timed_out(struct ai_sec_model *m);

/* One did end well. */
static inline void ai_sec_model_succeeded(struct ai_sec_model *m)
{
	if (unlikely(atomic_read(&m->timeouts)))
		atomic_set(&m->timeouts, 0);
}

/* ---- how much: quotas --------------------------------------------------- */

/*
 * Charge @n of AIOFFLOAD_RES_BYTES, _MODELS or _QUEUES to a group and all
 * above it. May sleep (it records a refusal). Return: 0 or -EDQUOT, then
 * nothing is charged.
 */
int ai_quota_charge(struct ai_group *g, u32 resource, u64 n);
void ai_quota_uncharge(struct ai_group *g, u32 resource, u64 n);

/*
 * The same for jobs and their time, on the way of a job: any context.
 * ai_sec_metered() is what to charge, or NULL: nothing needs be. It stays as
 * long as the context.
 */
int ai_quota_job_start(struct ai_group *metered);
void ai_quota_job_end(struct ai_group *metered, u64 device_ns);

/* Right after ai_sec_may() has said yes. */
static inline struct ai_group *ai_sec_metered(const struct ai_sec_ctx *sec)
{
	return READ_ONCE(sec->metered);
}

/* In use now. Any context. */
u64 ai_quota_used(const struct ai_group *g, u32 resource);

/* ---- groups, for those who have a reference ----------------------------- */

struct ai_group *ai_group_get(struct ai_group *g);
/* NULL: it is the root. Stays as long as @g. */
struct ai_group *ai_group_parent(const struct ai_group *g);
/* That of all others; always there. */
struct ai_group *ai_group_root(void);
void ai_group_put(struct ai_group *g);
/* The cgroup's number: never 0, and never another's. */
u64 ai_group_id(const struct ai_group *g);
/* Its path as the caller's namespace has it, see struct aioffload_rights. */
int ai_group_tell(const struct ai_group *g, u64 path, u32 path_len);
/* Is it @top's, or below it? */
bool ai_group_within(const struct ai_group *g, struct cgroup *top);
struct cgroup *ai_sec_view(const struct ai_sec_ctx *sec);

/* ---- how much beside others: weights ------------------------------------ */

/*
 * What holds now, 1 to AIOFFLOAD_WEIGHT_MAX. Any context. Whoever keeps it asks
 * again when ai_sec_weight() has told of a change.
 */
u32 ai_group_weight(const struct ai_group *g);
/* For those who tell it: what it comes from. 0: nothing. */
void ai_group_weights(const struct ai_group *g, u32 *own, u32 *cpu);

/* ---- what is remembered: audit ------------------------------------------ */

/*
 * Records on the caller's behalf. May sleep, for as long as the audit system's
 * backlog is full, so no lock is held but where said. What can't be written, or
 * would be a flood of refusals, is counted and the count recorded later.
 *
 * ai_audit_model() - @op: "model_load" (admitted), "model_refuse", "model_permit"
 * (admitted, but enforce would have refused), "quarantine". @sec: NULL if nobody
 * asked for it. @m: what is known so far. @err: 0 or a negative errno, of what
 * the record says; @why: text or NULL.
 */
void ai_audit_model(struct ai_sec_ctx *sec, const struct ai_sec_model *m,
		    const char *op, int err, const char *why);
/* @op: "grant", "revoke"; tried without success as well. */
void ai_audit_group(struct ai_sec_ctx *sec, const char *op, u64 cgroup_id,
		    u32 rights, int err);
void ai_audit_limit_set(struct ai_sec_ctx *sec, u64 cgroup_id, u32 resource,
			u64 limit, u64 period_ns, int err);
void ai_audit_weight_set(struct ai_sec_ctx *sec, u64 cgroup_id, u32 weight,
			 int err);
/* @op: "policy", "block", "unblock", "key_..."; @detail: "what=value ...". */
void ai_audit_policy(struct ai_sec_ctx *sec, const char *op,
		     const char *detail, int err);

/*
 * In the offender's own context, which may hold spinlocks. Counted, and
 * recorded within a second, one record for many of the same kind.
 *
 * ai_audit_limit() - @resource was refused to @cgroup_id: it hit @limit
 * ai_audit_deny() - a right (AI_RIGHT_*) is missing, or a device is not to be seen
 */
void ai_audit_limit(u64 cgroup_id, u32 resource, u64 limit);
void ai_audit_deny(struct ai_sec_ctx *sec, u32 right, u32 device, int err);

/* For AIOFFLOAD_IOC_POLICY; counted whether audit is on or not. */
struct ai_audit_totals {
	atomic64_t admitted;	/* "model_load" and "model_permit" */
	atomic64_t refused;	/* "model_refuse" */
	atomic64_t denied;	/* refused, but no models */
	atomic64_t lost;	/* not written when they should have been */
};

extern struct ai_audit_totals ai_audit_totals;

/* First and last of all that sec does. */
int ai_audit_init(void);
void ai_audit_exit(void);

/* The caller is the opener of a context, whose @cred is set. */
void ai_audit_ctx_open(struct ai_sec_ctx *sec);
void ai_audit_ctx_close(struct ai_sec_ctx *sec);

struct ai_audit_who;

/**
 * struct ai_sec_exec - executions of a model by a context, part of a binding
 * @done:	jobs that succeeded, not yet recorded
 * @failed:	and that did not
 * @who:	what the records say of model and context
 * @node:	in the list of @who
 *
 * Counts are never lost: what can't be recorded now is kept, added up if need
 * be, and recorded later.
 */
struct ai_sec_exec {
	atomic64_t done;
	atomic64_t failed;
	struct ai_audit_who *who;
	struct list_head node;
};

/* True: each execution is to be recorded, by ai_audit_exec(). */
extern bool ai_audit_each;

/* Return: 0 or -ENOMEM. After 0, and only then, ai_audit_exec_close() is due. */
int ai_audit_exec_open(struct ai_sec_exec *e, struct ai_sec_ctx *ctx,
		       const struct ai_sec_model *model);
/* The last job has ended. May sleep, but waits for nobody. */
void ai_audit_exec_close(struct ai_sec_exec *e);
/* One execution, now. Any context. What can't be written is counted. */
void ai_audit_exec(struct ai_sec_exec *e, u32 device, int status);

static inline void ai_audit_count(struct ai_sec_exec *e, u32 done, u32 failed)
{
	if (done)
		atomic64_add(done, &e->done);
	if (unlikely(failed))
		atomic64_add(failed, &e->failed);
}

/* ---- what was admitted: IMA --------------------------------------------- */

/* 0, or an errno: then IMA has no record of it. */
int ai_measure_model(const struct ai_sec_model *m);
void ai_measure_exit(void);

/* ---- ioctls ------------------------------------------------------------- */

long ai_sec_policy(struct ai_sec_ctx *sec, void __user *uarg);
long ai_sec_block(struct ai_sec_ctx *sec, void __user *uarg);
long ai_sec_grant(struct ai_sec_ctx *sec, void __user *uarg);
long ai_sec_rights(struct ai_sec_ctx *sec, void __user *uarg);
long ai_sec_limit(struct ai_sec_ctx *sec, void __user *uarg);
long ai_sec_usage(struct ai_sec_ctx *sec, void __user *uarg);
/* @changed: out: the group whose weight was set, referenced, or NULL */
long ai_sec_weight(struct ai_sec_ctx *sec, void __user *uarg,
		   struct ai_group **changed);

#endif /* AIOFFLOAD_SEC_H */
