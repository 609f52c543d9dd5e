/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What group.c, rights.c, quota.c and weight.c share.
 *
 * A group stands for a cgroup of the default hierarchy: one that opened a
 * context, or that has a grant, a limit or a weight of its own, and every ancestor of
 * those. So the tree of groups is the tree of cgroups with unimportant leaves
 * left out, and what holds for a cgroup that has no group holds for its nearest
 * ancestor that has one. The root always has.
 *
 * LOCKS, both innermost: taken under any lock of core, never around another
 * one but in this order.
 *
 *	ai_group_lock	spin		the tree, the grants, configured groups
 *	ai_quota_lock	spin, irq	limits and counters of all groups (quota.c)
 *
 * Limits are written under both and may be read under either.
 */
#ifndef AIOFFLOAD_SEC_GROUP_H
#define AIOFFLOAD_SEC_GROUP_H

#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

#include "sec.h"

#define AI_DEVICE_WORDS		(AIOFFLOAD_MAX_DEVICES / 64)

/*
 * Cgroups below this level share the group of their ancestor there. Whoever may
 * make cgroups must not decide how long our lists are.
 */
#define AI_GROUP_DEPTH		32

/* Groups with a grant, limit or weight; the last ones are kept for the system's. */
#define AI_GROUP_CONFIGURED	4096
#define AI_GROUP_RESERVED	1024

/**
 * struct ai_counter - one resource of a group
 * @limit:	AIOFFLOAD_NO_LIMIT: none
 * @used:	of this group and all below
 * @peak:	highest @used
 * @events:	refusals for want of room here
 */
struct ai_counter {
	u64 limit;
	u64 used;
	u64 peak;
	u64 events;
};

/**
 * struct ai_group - a cgroup that matters to us
 * @refs:	contexts and objects that it pays for, groups below it, one for
 *		being configured; reaches 0 under ai_group_lock only
 * @parent:	referenced; NULL for the root
 * @cgrp:	referenced; may be dead
 * @node:	in the hash, by the cgroup's id
 * @configured:	in the list of groups that have a grant, a limit or a weight
 * @has_grant:	@rights and @devices count
 * @weight:	of its share of devices, 0: none set; written with
 * @cpu_weight:	ai_group_lock. And what counts then, 0: not known either
 * @res:	by enum aioffload_resource
 * @period_ns:	of RES_TIME, 0 without a limit
 * @period_end:	of the present one, by ktime_get_mono_fast_ns()
 */
struct ai_group {
	refcount_t refs;
	struct ai_group *parent;
	struct cgroup *cgrp;
	struct hlist_node node;
	struct list_head configured;
	bool has_grant;
	u32 rights;
	u64 devices[AI_DEVICE_WORDS];
	u32 weight;
	u32 cpu_weight;
	struct ai_counter res[AIOFFLOAD_RES_NR];
	u64 period_ns;
	u64 period_end;
};

extern spinlock_t ai_group_lock;
extern struct list_head ai_groups_configured;

int ai_group_init(void);
void ai_group_exit(void);

struct ai_group *ai_group_make(struct cgroup *cgrp);
struct ai_group *ai_group_find(struct cgroup *cgrp);
struct ai_group *ai_group_nearest(struct cgroup *cgrp);
int ai_group_configure(struct ai_group *g, bool system);
void ai_group_unconfigure(struct ai_group *g);
bool ai_group_is_dead(const struct ai_group *g);

struct cgroup *ai_cgroup_current(void);
struct cgroup *ai_cgroup_visible(int fd);
bool ai_cgroup_in_ns(struct cgroup *cgrp);
int ai_cgroup_tell(struct cgroup *cgrp, u64 path, u32 path_len);

bool ai_sec_override(const struct ai_sec_ctx *sec);
typedef int (*ai_configure_fn)(struct ai_group *g, const void *how,
			       bool system);
int ai_sec_configure(struct ai_sec_ctx *sec, int fd, ai_configure_fn fn,
		     const void *how, u64 *id);
void ai_sec_changed(void);

bool ai_quota_limited(const struct ai_group *g);
struct ai_group *ai_quota_metered(struct ai_group *g);

#endif /* AIOFFLOAD_SEC_GROUP_H */
