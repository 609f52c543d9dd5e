// SPDX-License-Identifier: GPL-2.0
/*
 * What a group may take.
 *
 * A charge is made to a group and all above it, or to none: one lock covers all
 * counters, so no charge is ever seen half made, and none is refused because of
 * another that is about to be taken back. Jobs come here only where a limit
 * makes them.
 */
#include <linux/math64.h>
#include <linux/overflow.h>

#include "../core/internal.h"
#include "group.h"

#define AI_MIN_PERIOD	NSEC_PER_MSEC
#define AI_MAX_PERIOD	(100 * NSEC_PER_SEC)

static DEFINE_SPINLOCK(ai_quota_lock);

/* A limit that was hit. */
struct refusal {
	struct ai_group *at;
	u32 resource;
	u64 limit;
};

static int refuse(const struct refusal *r)
{
	/* The group stays: whoever is refused has one below it. */
	ai_audit_limit(cgroup_id(r->at->cgrp), r->resource, r->limit);
	return -EDQUOT;
}

static bool has_room(const struct ai_counter *c, u64 n)
{
	return n <= c->limit && c->used <= c->limit - n;
}

static void note_refusal(struct refusal *r, struct ai_group *g, u32 resource)
{
	g->res[resource].events++;
	r->at = g;
	r->resource = resource;
	r->limit = g->res[resource].limit;
}

/* With ai_quota_lock. */
static bool try_charge(struct ai_group *from, u32 resource, u64 n,
		       struct refusal *r)
{
	struct ai_group *g;

	for (g = from; g; g = g->parent) {
		if (!has_room(&g->res[resource], n)) {
			note_refusal(r, g, resource);
			return false;
		}
	}
	for (g = from; g; g = g->parent) {
		struct ai_counter *c = &g->res[resource];

		c->used += n;
		c->peak = max(c->peak, c->used);
	}
	return true;
}

int ai_quota_charge(struct ai_group *g, u32 resource, u64 n)
{
	unsigned long flags;
	struct refusal r;
	bool charged;

	spin_lock_irqsave(&ai_quota_lock, flags);
	charged = try_charge(g, resource, n, &r);
	spin_unlock_irqrestore(&ai_quota_lock, flags);
	return charged ? 0 : refuse(&r);
}

static void uncharge(struct ai_group *g, u32 resource, u64 n)
{
	for (; g; g = g->parent) {
		struct ai_counter *c = &g->res[resource];

		if (WARN_ON_ONCE(c->used < n))
			c->used = n;
		c->used -= n;
	}
}

void ai_quota_uncharge(struct ai_group *g, u32 resource, u64 n)
{
	unsigned long flags;

	spin_lock_irqsave(&ai_quota_lock, flags);
	uncharge(g, resource, n);
	spin_unlock_irqrestore(&ai_quota_lock, flags);
}

u64 ai_quota_used(const struct ai_group *g, u32 resource)
{
	unsigned long flags;
	u64 used;

	spin_lock_irqsave(&ai_quota_lock, flags);
	used = g->res[resource].used;
	spin_unlock_irqrestore(&ai_quota_lock, flags);
	return used;
}

/* ---- jobs and their time ------------------------------------------------ */

/*
 * Jobs are counted when they have ended, so a group can overdraw: what exceeds
 * the limit is owed, and later periods pay it off. Otherwise one long job in
 * each short period would make the limit void.
 */
static void renew_period(struct ai_group *g, u64 now)
{
	struct ai_counter *c = &g->res[AIOFFLOAD_RES_TIME];
	u64 n, paid;

	if (!g->period_ns || now < g->period_end)
		return;
	n = div64_u64(now - g->period_end, g->period_ns) + 1;
	g->period_end += n * g->period_ns;
	if (check_mul_overflow(n, c->limit, &paid))
		paid = U64_MAX;
	c->used -= min(c->used, paid);
}

static bool has_time(struct ai_group *from, u64 now, struct refusal *r)
{
	struct ai_group *g;

	for (g = from; g; g = g->parent) {
		struct ai_counter *c = &g->res[AIOFFLOAD_RES_TIME];

		if (!g->period_ns)
			continue;
		renew_period(g, now);
		if (c->used >= c->limit) {
			note_refusal(r, g, AIOFFLOAD_RES_TIME);
			return false;
		}
	}
	return true;
}

int ai_quota_job_start(struct ai_group *metered)
{
	u64 now = ktime_get_mono_fast_ns();
	unsigned long flags;
	struct refusal r;
	bool charged;

	spin_lock_irqsave(&ai_quota_lock, flags);
	charged = has_time(metered, now, &r) &&
		  try_charge(metered, AIOFFLOAD_RES_JOBS, 1, &r);
	spin_unlock_irqrestore(&ai_quota_lock, flags);
	return likely(charged) ? 0 : refuse(&r);
}

/* Takes back what ai_quota_job_start() charged, whatever limits are now. */
void ai_quota_job_end(struct ai_group *metered, u64 device_ns)
{
	u64 now = ktime_get_mono_fast_ns();
	unsigned long flags;
	struct ai_group *g;

	spin_lock_irqsave(&ai_quota_lock, flags);
	uncharge(metered, AIOFFLOAD_RES_JOBS, 1);
	for (g = metered; g; g = g->parent) {
		struct ai_counter *c = &g->res[AIOFFLOAD_RES_TIME];

		if (!g->period_ns)
			continue;
		renew_period(g, now);
		c->used += device_ns;
		c->peak = max(c->peak, c->used);
	}
	spin_unlock_irqrestore(&ai_quota_lock, flags);
}

static bool limited(const struct ai_group *g, u32 resource)
{
	return g->res[resource].limit != AIOFFLOAD_NO_LIMIT;
}

/* With ai_group_lock: has it a limit of its own? */
bool ai_quota_limited(const struct ai_group *g)
{
	u32 i;

	for (i = 0; i < AIOFFLOAD_RES_NR; i++)
		if (limited(g, i))
			return true;
	return false;
}

/* With ai_group_lock: the nearest that limits jobs or time, or NULL. */
struct ai_group *ai_quota_metered(struct ai_group *g)
{
	while (g && !limited(g, AIOFFLOAD_RES_JOBS) &&
	       !limited(g, AIOFFLOAD_RES_TIME))
		g = g->parent;
	return g;
}

/* ---- LIMIT -------------------------------------------------------------- */

static void set_period(struct ai_group *g, u64 period_ns)
{
	u64 now = ktime_get_mono_fast_ns();

	renew_period(g, now);
	if (!period_ns)
		g->res[AIOFFLOAD_RES_TIME].used = 0;
	if (g->period_ns != period_ns)
		g->period_end = now + period_ns;
	g->period_ns = period_ns;
}

static int set_limit(struct ai_group *g, const void *how, bool system)
{
	const struct aioffload_limit *k = how;
	bool none = k->limit == AIOFFLOAD_NO_LIMIT;
	unsigned long flags;
	int ret;

	if (!none) {
		ret = ai_group_configure(g, system);
		if (ret)
			return ret;
	}
	spin_lock_irqsave(&ai_quota_lock, flags);
	if (k->resource == AIOFFLOAD_RES_TIME)
		set_period(g, none ? 0 : k->period_ns);
	g->res[k->resource].limit = k->limit;
	spin_unlock_irqrestore(&ai_quota_lock, flags);
	if (none)
		ai_group_unconfigure(g);
	/* Whose jobs are counted, and where, may have changed. */
	ai_sec_changed();
	return 0;
}

static int check_limit(const struct aioffload_limit *k)
{
	if (k->flags || k->resource >= AIOFFLOAD_RES_NR)
		return -EINVAL;
	if (k->resource != AIOFFLOAD_RES_TIME || k->limit == AIOFFLOAD_NO_LIMIT)
		return k->period_ns ? -EINVAL : 0;
	if (k->period_ns < AI_MIN_PERIOD || k->period_ns > AI_MAX_PERIOD)
		return -EINVAL;
	return 0;
}

long ai_sec_limit(struct ai_sec_ctx *sec, void __user *uarg)
{
	struct aioffload_limit k;
	u64 id;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg) ?: check_limit(&k);
	if (ret)
		return ret;
	k.resource = array_index_nospec(k.resource, AIOFFLOAD_RES_NR);
	ret = ai_sec_configure(sec, k.cgroup_fd, set_limit, &k, &id);
	ai_audit_limit_set(sec, id, k.resource, k.limit, k.period_ns, ret);
	return ret;
}

/* ---- USAGE -------------------------------------------------------------- */

static void usage_fill(struct cgroup *cgrp, struct aioffload_usage *k)
{
	struct ai_counter c = { .limit = AIOFFLOAD_NO_LIMIT };
	unsigned long flags;
	struct ai_group *g;

	k->period_ns = 0;
	spin_lock(&ai_group_lock);
	g = ai_group_find(cgrp);
	if (g) {
		spin_lock_irqsave(&ai_quota_lock, flags);
		if (k->resource == AIOFFLOAD_RES_TIME) {
			renew_period(g, ktime_get_mono_fast_ns());
			k->period_ns = g->period_ns;
		}
		c = g->res[k->resource];
		spin_unlock_irqrestore(&ai_quota_lock, flags);
	}
	spin_unlock(&ai_group_lock);
	k->limit = c.limit;
	k->used = c.used;
	k->peak = c.peak;
	k->events = c.events;
}

long ai_sec_usage(struct ai_sec_ctx *sec, void __user *uarg)
{
	struct aioffload_usage k;
	struct cgroup *cgrp;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (ret)
		return ret;
	if (k.flags || k.resource >= AIOFFLOAD_RES_NR || k.cgroup_fd < -1)
		return -EINVAL;
	k.resource = array_index_nospec(k.resource, AIOFFLOAD_RES_NR);
	cgrp = k.cgroup_fd == -1 ? ai_cgroup_current() :
				   ai_cgroup_visible(k.cgroup_fd);
	if (IS_ERR(cgrp))
		return PTR_ERR(cgrp);
	usage_fill(cgrp, &k);
	cgroup_put(cgrp);
	return ai_copy_out(uarg, &k, sizeof(k));
}
