// SPDX-License-Identifier: GPL-2.0
/*
 * The cgroups that use devices, as a tree.
 *
 * Groups hold their cgroup, so that it can be named and found dead; a dead
 * cgroup's memory is therefore kept as long as somebody has a context of it
 * open, but not for its configuration: that is swept away.
 */
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "../compat/compat.h"
#include "group.h"

#define AI_SWEEP_PERIOD	(10 * HZ)

DEFINE_SPINLOCK(ai_group_lock);
LIST_HEAD(ai_groups_configured);

static DEFINE_HASHTABLE(ai_groups, 8);
static unsigned int ai_nr_configured;
static struct ai_group ai_root = {
	.refs = REFCOUNT_INIT(1),
	.configured = LIST_HEAD_INIT(ai_root.configured),
};

static void sweep(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(sweep_work, sweep);

static void no_limits(struct ai_group *g)
{
	int i;

	for (i = 0; i < AIOFFLOAD_RES_NR; i++)
		g->res[i].limit = AIOFFLOAD_NO_LIMIT;
}

bool ai_group_is_dead(const struct ai_group *g)
{
	return !(READ_ONCE(g->cgrp->self.flags) & CSS_ONLINE);
}

/* With ai_group_lock: its group, or NULL. */
struct ai_group *ai_group_find(struct cgroup *cgrp)
{
	u64 id = cgroup_id(cgrp);
	struct ai_group *g;

	hash_for_each_possible(ai_groups, g, node, id)
		if (g->cgrp == cgrp)
			return g;
	return NULL;
}

static int group_level(const struct cgroup *cgrp)
{
	return min(cgrp->level, AI_GROUP_DEPTH);
}

/* With ai_group_lock: the group that holds for a cgroup. */
struct ai_group *ai_group_nearest(struct cgroup *cgrp)
{
	struct ai_group *g;
	int level;

	for (level = group_level(cgrp); level > 0; level--) {
		g = ai_group_find(cgroup_ancestor(cgrp, level));
		if (g)
			return g;
	}
	return &ai_root;
}

struct ai_group *ai_group_get(struct ai_group *g)
{
	refcount_inc(&g->refs);
	return g;
}

struct ai_group *ai_group_parent(const struct ai_group *g)
{
	return g->parent;
}

struct ai_group *ai_group_root(void)
{
	return &ai_root;
}

u64 ai_group_id(const struct ai_group *g)
{
	return cgroup_id(g->cgrp);
}

/* Neither cgroup_put() nor kfree() minds the lock. */
static void put_locked(struct ai_group *g)
{
	struct ai_group *parent;

	while (g && refcount_dec_and_test(&g->refs)) {
		parent = g->parent;
		hash_del(&g->node);
		cgroup_put(g->cgrp);
		kfree(g);
		g = parent;
	}
}

void ai_group_put(struct ai_group *g)
{
	spin_lock(&ai_group_lock);
	put_locked(g);
	spin_unlock(&ai_group_lock);
}

/* The group of a child of @parent's cgroup. Takes over that reference. */
static struct ai_group *make_child(struct ai_group *parent, struct cgroup *cgrp)
{
	struct ai_group *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	struct ai_group *g;

	spin_lock(&ai_group_lock);
	g = ai_group_find(cgrp);
	if (g) {
		ai_group_get(g);
		put_locked(parent);
	} else if (new) {
		g = new;
		new = NULL;
		refcount_set(&g->refs, 1);
		g->parent = parent;
		cgroup_get(cgrp);
		g->cgrp = cgrp;
		INIT_LIST_HEAD(&g->configured);
		no_limits(g);
		hash_add(ai_groups, &g->node, cgroup_id(cgrp));
	} else {
		put_locked(parent);
	}
	spin_unlock(&ai_group_lock);
	kfree(new);
	return g;
}

/*
 * ai_group_make() - the group of a cgroup, made if need be with all above it
 *
 * Return: a reference, or NULL: no memory.
 */
struct ai_group *ai_group_make(struct cgroup *cgrp)
{
	int level, depth = group_level(cgrp);
	struct ai_group *g;

	spin_lock(&ai_group_lock);
	g = ai_group_find(cgroup_ancestor(cgrp, depth));
	if (g)
		ai_group_get(g);
	spin_unlock(&ai_group_lock);
	if (g)
		return g;

	g = ai_group_get(&ai_root);
	for (level = 1; g && level <= depth; level++)
		g = make_child(g, cgroup_ancestor(cgrp, level));
	return g;
}

static void unconfigure(struct ai_group *g)
{
	list_del_init(&g->configured);
	ai_nr_configured--;
	put_locked(g);
}

/* With ai_group_lock. What has a context open keeps what holds for it. */
static void sweep_locked(void)
{
	struct ai_group *g, *next;

	/* Freeing one can't free another: those here have a reference each. */
	list_for_each_entry_safe(g, next, &ai_groups_configured, configured)
		if (ai_group_is_dead(g) && refcount_read(&g->refs) == 1)
			unconfigure(g);
}

/* A cgroup that goes tells nobody, so we look now and then. */
static void sweep(struct work_struct *work)
{
	bool again;

	spin_lock(&ai_group_lock);
	sweep_locked();
	again = ai_nr_configured;
	spin_unlock(&ai_group_lock);
	if (again)
		schedule_delayed_work(&sweep_work, AI_SWEEP_PERIOD);
}

/*
 * ai_group_configure() - a group is about to get a grant, limit or weight
 * @g:		the caller has a reference
 * @system:	configured for the whole system, not by an ADMIN of a part of it
 *
 * With ai_group_lock. Return: 0 or -ENOSPC.
 */
int ai_group_configure(struct ai_group *g, bool system)
{
	unsigned int most = AI_GROUP_CONFIGURED;

	if (!list_empty(&g->configured))
		return 0;
	if (!system)
		most -= AI_GROUP_RESERVED;
	if (ai_nr_configured >= most)
		sweep_locked();
	if (ai_nr_configured >= most)
		return -ENOSPC;
	ai_nr_configured++;
	list_add_tail(&g->configured, &ai_groups_configured);
	ai_group_get(g);
	schedule_delayed_work(&sweep_work, AI_SWEEP_PERIOD);
	return 0;
}

/* With ai_group_lock, and a reference: one of these was taken away. */
void ai_group_unconfigure(struct ai_group *g)
{
	if (!list_empty(&g->configured) && !g->has_grant && !g->weight &&
	    !ai_quota_limited(g))
		unconfigure(g);
}

/* The caller's cgroup, referenced. */
struct cgroup *ai_cgroup_current(void)
{
	struct cgroup *cgrp;

	rcu_read_lock();
	/* It can only be about to be freed if we have just been moved. */
	while (!cgroup_tryget(cgrp = task_dfl_cgroup(current)))
		cpu_relax();
	rcu_read_unlock();
	return cgrp;
}

/* Does the caller's cgroup namespace show it? */
bool ai_cgroup_in_ns(struct cgroup *cgrp)
{
	struct css_set *root = current->nsproxy->cgroup_ns->root_cset;

	return cgroup_is_descendant(cgrp, root->dfl_cgrp);
}

/*
 * The cgroup behind a descriptor, referenced, or ERR_PTR: -EBADF no directory
 * of cgroup 2, -ENOENT it was removed, -EACCES not in the caller's namespace.
 */
struct cgroup *ai_cgroup_visible(int fd)
{
	struct cgroup *cgrp = cgroup_get_from_fd(fd);

	if (!IS_ERR(cgrp) && !ai_cgroup_in_ns(cgrp)) {
		cgroup_put(cgrp);
		return ERR_PTR(-EACCES);
	}
	return cgrp;
}

/*
 * ai_cgroup_tell() - a cgroup's path, as the caller's namespace has it
 * @path:	of user space, @path_len bytes; 0: not wanted
 */
int ai_cgroup_tell(struct cgroup *cgrp, u64 path, u32 path_len)
{
	char *buf;
	int ret;

	if (!path)
		return 0;
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	ret = cgroup_path_ns(cgrp, buf, PATH_MAX,
			     current->nsproxy->cgroup_ns);
	if (ret < 0 || ret >= PATH_MAX)
		ret = -ENAMETOOLONG;
	else if (ret >= path_len)
		ret = -ERANGE;
	else
		ret = copy_to_user(u64_to_user_ptr(path), buf, ret + 1) ?
		      -EFAULT : 0;
	kfree(buf);
	return ret;
}

int ai_group_tell(const struct ai_group *g, u64 path, u32 path_len)
{
	return ai_cgroup_tell(g->cgrp, path, path_len);
}

bool ai_group_within(const struct ai_group *g, struct cgroup *top)
{
	return cgroup_is_descendant(g->cgrp, top);
}

int ai_group_init(void)
{
	/* The root of the hierarchy is never freed and not counted. */
	rcu_read_lock();
	ai_root.cgrp = cgroup_ancestor(task_dfl_cgroup(current), 0);
	rcu_read_unlock();
	no_limits(&ai_root);
	hash_add(ai_groups, &ai_root.node, cgroup_id(ai_root.cgrp));
	return 0;
}

/* No context and no object is left. */
void ai_group_exit(void)
{
	struct ai_group *g, *next;

	cancel_delayed_work_sync(&sweep_work);
	spin_lock(&ai_group_lock);
	list_for_each_entry_safe(g, next, &ai_groups_configured, configured)
		unconfigure(g);
	hash_del(&ai_root.node);
	spin_unlock(&ai_group_lock);
	WARN_ON_ONCE(!hash_empty(ai_groups));
}
