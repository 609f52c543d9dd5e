// SPDX-License-Identifier: GPL-2.0
/*
 * What a group may do and see.
 *
 * A grant narrows what the groups above it leave; where there is none, EXEC and
 * LOAD. Grants change under ai_group_lock, and the generation after them, while
 * an answer is worked out under the same lock: so an answer that carries the
 * present generation is right.
 */
#include <linux/nsproxy.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../core/internal.h"
#include "group.h"

#define AI_RIGHTS_DEFAULT	(AI_RIGHT_EXEC | AI_RIGHT_LOAD)

u64 ai_sec_generation = 1;

/* With ai_group_lock: answers given so far no longer hold. */
void ai_sec_changed(void)
{
	WRITE_ONCE(ai_sec_generation, ai_sec_generation + 1);
}

/* What a group may do and see. */
struct effect {
	u32 rights;
	u64 devices[AI_DEVICE_WORDS];
};

/* With ai_group_lock: what the grants on the way from @g to the root leave. */
static struct effect effect_of(const struct ai_group *g)
{
	struct effect e = { .rights = AIOFFLOAD_RIGHTS_ALL };
	bool granted = false;
	int i;

	memset(e.devices, 0xff, sizeof(e.devices));
	for (; g; g = g->parent) {
		if (!g->has_grant)
			continue;
		granted = true;
		e.rights &= g->rights;
		for (i = 0; i < AI_DEVICE_WORDS; i++)
			e.devices[i] &= g->devices[i];
	}
	if (!granted)
		e.rights = AI_RIGHTS_DEFAULT;
	return e;
}

static void effect_and(struct effect *e, const struct effect *with)
{
	int i;

	e->rights &= with->rights;
	for (i = 0; i < AI_DEVICE_WORDS; i++)
		e->devices[i] &= with->devices[i];
}

/* With ai_group_lock: for a task in @cgrp that uses the context. */
static struct effect effect_for(const struct ai_sec_ctx *sec,
				struct cgroup *cgrp)
{
	struct effect e = effect_of(sec->group);
	struct ai_group *caller = ai_group_nearest(cgrp);

	if (caller != sec->group) {
		struct effect other = effect_of(caller);

		effect_and(&e, &other);
	}
	return e;
}

int ai_sec_open(struct ai_sec_ctx *sec)
{
	struct cgroup *cgrp = ai_cgroup_current();

	sec->group = ai_group_make(cgrp);
	cgroup_put(cgrp);
	if (!sec->group)
		return -ENOMEM;
	sec->cred = get_current_cred();
	ai_audit_ctx_open(sec);
	return 0;
}

/* Nobody uses it any more. */
void ai_sec_close(struct ai_sec_ctx *sec)
{
	ai_audit_ctx_close(sec);
	kfree(rcu_dereference_raw(sec->answer));
	put_cred(sec->cred);
	ai_group_put(sec->group);
}

static bool opener_is_above(const struct ai_sec_ctx *sec)
{
	return sec->cred->user_ns == &init_user_ns &&
	       cap_raised(sec->cred->cap_effective, CAP_SYS_ADMIN);
}

/*
 * The system's administrator is above grants (not above limits); neither he nor
 * somebody else has that by a descriptor that the other one opened.
 */
bool ai_sec_override(const struct ai_sec_ctx *sec)
{
	return opener_is_above(sec) && capable(CAP_SYS_ADMIN);
}

bool ai_sec_opener_may(const struct ai_sec_ctx *sec, u32 right, u32 device)
{
	struct ai_sec_answer a = { };
	struct effect e;

	if (opener_is_above(sec))
		return true;
	spin_lock(&ai_group_lock);
	e = effect_of(sec->group);
	spin_unlock(&ai_group_lock);
	a.rights = e.rights;
	memcpy(a.devices, e.devices, sizeof(a.devices));
	return ai_sec_answer_is_yes(&a, right, device);
}

/* The present answer, if it holds. */
static bool cached(const struct ai_sec_ctx *sec, struct ai_sec_answer *now)
{
	const struct ai_sec_answer *a;
	bool holds;

	rcu_read_lock_sched();
	a = rcu_dereference_sched(sec->answer);
	holds = ai_sec_answer_holds(a);
	if (holds)
		*now = *a;
	rcu_read_unlock_sched();
	return holds;
}

/* Work it out. It stays for later, unless there is no memory right now. */
static void answer(struct ai_sec_ctx *sec, struct ai_sec_answer *now)
{
	struct ai_sec_answer *keep, *old = NULL;
	struct cgroup *cgrp;
	struct effect e;

	keep = kmalloc(sizeof(*keep), GFP_ATOMIC | __GFP_NOWARN);
	rcu_read_lock();
	cgrp = task_dfl_cgroup(current);
	spin_lock(&ai_group_lock);
	e = effect_for(sec, cgrp);
	*now = (struct ai_sec_answer) {
		.generation = ai_sec_generation,
		.cgroup = cgroup_id(cgrp),
		.rights = e.rights,
	};
	memcpy(now->devices, e.devices, sizeof(now->devices));
	WRITE_ONCE(sec->metered, ai_quota_metered(sec->group));
	if (keep) {
		*keep = *now;
		old = rcu_replace_pointer(sec->answer, keep,
					  lockdep_is_held(&ai_group_lock));
	}
	spin_unlock(&ai_group_lock);
	rcu_read_unlock();
	if (old)
		kfree_rcu(old, rcu);
}

int ai_sec_may_slow(struct ai_sec_ctx *sec, u32 right, u32 device)
{
	struct ai_sec_answer now;
	int ret;

	if (!cached(sec, &now))
		answer(sec, &now);
	if (ai_sec_answer_is_yes(&now, right, device) || ai_sec_override(sec))
		return 0;
	ret = (now.rights & right) == right ? -ENODEV : -EACCES;
	if (right)
		ai_audit_deny(sec, right, device, ret);
	return ret;
}

bool ai_sec_sees(u32 device)
{
	struct effect e;

	rcu_read_lock();
	spin_lock(&ai_group_lock);
	e = effect_of(ai_group_nearest(task_dfl_cgroup(current)));
	spin_unlock(&ai_group_lock);
	rcu_read_unlock();
	return e.devices[device / 64] >> device % 64 & 1 ||
	       capable(CAP_SYS_ADMIN);
}

/* From where downwards the caller sees what groups have had, referenced. */
struct cgroup *ai_sec_view(const struct ai_sec_ctx *sec)
{
	struct cgroup *top;

	if (!ai_sec_override(sec))
		return ai_cgroup_current();
	/* It stays as long as the namespace, which is ours. */
	top = current->nsproxy->cgroup_ns->root_cset->dfl_cgrp;
	cgroup_get(top);
	return top;
}

/* ---- GRANT, and what LIMIT and WEIGHT have in common with it ------------- */

/*
 * The cgroup of @fd, referenced, if the caller may give it rights and limits;
 * @system: as administrator of the whole system. Or ERR_PTR: -EPERM, -EBADF,
 * -ENOENT (removed).
 */
static struct cgroup *admin_of(struct ai_sec_ctx *sec, int fd, bool *system)
{
	struct cgroup *cgrp, *own;
	struct ai_sec_answer now;

	*system = ai_sec_override(sec);
	if (!*system) {
		if (!cached(sec, &now))
			answer(sec, &now);
		if (!(now.rights & AI_RIGHT_ADMIN))
			return ERR_PTR(-EPERM);
	}
	cgrp = cgroup_get_from_fd(fd);
	if (IS_ERR(cgrp) || *system)
		return cgrp;
	own = ai_cgroup_current();
	if (cgrp == own || !cgroup_is_descendant(cgrp, own)) {
		cgroup_put(cgrp);
		cgrp = ERR_PTR(-EPERM);
	}
	cgroup_put(own);
	return cgrp;
}

static int configure(struct cgroup *cgrp, ai_configure_fn fn, const void *how,
		     bool system)
{
	struct ai_group *g;
	int ret;

	if (cgrp->level > AI_GROUP_DEPTH)
		return -E2BIG;
	g = ai_group_make(cgrp);
	if (!g)
		return -ENOMEM;
	spin_lock(&ai_group_lock);
	ret = fn(g, how, system);
	spin_unlock(&ai_group_lock);
	ai_group_put(g);
	return ret;
}

/*
 * ai_sec_configure() - give a cgroup rights, a limit or a weight, if the caller
 *			may
 * @fd:		its directory
 * @fn:		does it, with ai_group_lock
 * @how:	for @fn
 * @id:		out: which cgroup it is, 0 if he may not
 *
 * Return: what @fn returns, or -EPERM, -EBADF, -ENOENT (removed), -E2BIG (too
 * deep), -ENOMEM.
 */
int ai_sec_configure(struct ai_sec_ctx *sec, int fd, ai_configure_fn fn,
		     const void *how, u64 *id)
{
	struct cgroup *cgrp;
	bool system;
	int ret;

	*id = 0;
	cgrp = admin_of(sec, fd, &system);
	if (IS_ERR(cgrp))
		return PTR_ERR(cgrp);
	*id = cgroup_id(cgrp);
	ret = configure(cgrp, fn, how, system);
	cgroup_put(cgrp);
	return ret;
}

/* Does it ask for more than there is above it? */
static bool exceeds(const struct ai_group *g, const struct aioffload_grant *k)
{
	const struct ai_group *above = g->parent;
	struct effect e;
	int i;

	while (above && !above->has_grant)
		above = above->parent;
	if (!above)
		return false;
	e = effect_of(above);
	if (k->rights & ~e.rights)
		return true;
	/* Without a wish: whatever there is. */
	if (!(k->flags & AIOFFLOAD_GRANT_DEVICES))
		return false;
	for (i = 0; i < AI_DEVICE_WORDS; i++)
		if (k->devices[i] & ~e.devices[i])
			return true;
	return false;
}

static int grant(struct ai_group *g, const void *how, bool system)
{
	const struct aioffload_grant *k = how;
	int ret;

	if (k->flags & AIOFFLOAD_GRANT_CLEAR) {
		g->has_grant = false;
		ai_group_unconfigure(g);
		ai_sec_changed();
		return 0;
	}
	if (exceeds(g, k))
		return -EPERM;
	ret = ai_group_configure(g, system);
	if (ret)
		return ret;
	g->has_grant = true;
	g->rights = k->rights;
	if (k->flags & AIOFFLOAD_GRANT_DEVICES)
		memcpy(g->devices, k->devices, sizeof(g->devices));
	else
		memset(g->devices, 0xff, sizeof(g->devices));
	ai_sec_changed();
	return 0;
}

static int check_grant(const struct aioffload_grant *k)
{
	bool devices = k->flags & AIOFFLOAD_GRANT_DEVICES;
	bool clear = k->flags & AIOFFLOAD_GRANT_CLEAR;

	if (k->flags & ~(AIOFFLOAD_GRANT_DEVICES | AIOFFLOAD_GRANT_CLEAR) ||
	    k->rights & ~AIOFFLOAD_RIGHTS_ALL)
		return -EINVAL;
	if (clear && (devices || k->rights))
		return -EINVAL;
	if (!devices && memchr_inv(k->devices, 0, sizeof(k->devices)))
		return -EINVAL;
	return 0;
}

long ai_sec_grant(struct ai_sec_ctx *sec, void __user *uarg)
{
	struct aioffload_grant k;
	u64 id;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg) ?: check_grant(&k);
	if (ret)
		return ret;
	ret = ai_sec_configure(sec, k.cgroup_fd, grant, &k, &id);
	ai_audit_group(sec, k.flags & AIOFFLOAD_GRANT_CLEAR ? "revoke" : "grant",
		       id, k.rights, ret);
	return ret;
}

/* ---- RIGHTS ------------------------------------------------------------- */

/* Grant number @index of those that the caller may see, or ERR_PTR(-ENOENT). */
static struct cgroup *grant_at(u32 index)
{
	struct cgroup *cgrp = ERR_PTR(-ENOENT);
	struct ai_group *g;

	spin_lock(&ai_group_lock);
	list_for_each_entry(g, &ai_groups_configured, configured) {
		if (!g->has_grant || ai_group_is_dead(g) ||
		    !ai_cgroup_in_ns(g->cgrp))
			continue;
		if (!index--) {
			cgroup_get(g->cgrp);
			cgrp = g->cgrp;
			break;
		}
	}
	spin_unlock(&ai_group_lock);
	return cgrp;
}

static struct cgroup *rights_cgroup(const struct aioffload_rights *k)
{
	switch (k->flags) {
	case AIOFFLOAD_RIGHTS_OF:
		return ai_cgroup_visible(k->cgroup_fd);
	case AIOFFLOAD_RIGHTS_LIST:
		return grant_at(k->index);
	default:
		return ai_cgroup_current();
	}
}

static void rights_fill(struct ai_sec_ctx *sec, struct cgroup *cgrp,
			struct aioffload_rights *k)
{
	const struct ai_group *g;
	struct effect e;

	spin_lock(&ai_group_lock);
	g = ai_group_find(cgrp);
	e = k->flags ? effect_of(ai_group_nearest(cgrp)) :
		       effect_for(sec, cgrp);
	k->has_grant = g && g->has_grant;
	k->granted = k->has_grant ? g->rights : 0;
	spin_unlock(&ai_group_lock);
	k->rights = e.rights;
	memcpy(k->devices, e.devices, sizeof(k->devices));
	k->cgroup_id = cgroup_id(cgrp);
}

long ai_sec_rights(struct ai_sec_ctx *sec, void __user *uarg)
{
	struct aioffload_rights k;
	struct cgroup *cgrp;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (ret)
		return ret;
	if (k.flags & ~(AIOFFLOAD_RIGHTS_OF | AIOFFLOAD_RIGHTS_LIST) ||
	    k.flags == (AIOFFLOAD_RIGHTS_OF | AIOFFLOAD_RIGHTS_LIST))
		return -EINVAL;
	if ((k.flags != AIOFFLOAD_RIGHTS_OF && k.cgroup_fd != -1) ||
	    (k.flags != AIOFFLOAD_RIGHTS_LIST && k.index))
		return -EINVAL;
	cgrp = rights_cgroup(&k);
	if (IS_ERR(cgrp))
		return PTR_ERR(cgrp);
	rights_fill(sec, cgrp, &k);
	ret = ai_cgroup_tell(cgrp, k.path, k.path_len);
	cgroup_put(cgrp);
	return ret ?: ai_copy_out(uarg, &k, sizeof(k));
}
