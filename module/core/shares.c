// SPDX-License-Identifier: GPL-2.0
/*
 * GRANT, WEIGHT and SCHED: what cgroups may do with devices, what share of them
 * they are to have, and what they have had.
 */
#include "queue.h"

/* Every device has its own share for the group, if it has one at all. */
static void reweigh(const struct ai_group *group)
{
	struct ai_device *dev;
	u32 id = 0;

	while ((dev = ai_device_find_from(id))) {
		ai_sched_reweigh(&dev->sched, group);
		id = dev->id + 1;
		ai_device_put(dev);
	}
}

long ai_ctx_grant(struct ai_ctx *ctx, void __user *uarg)
{
	long ret = ai_sec_grant(&ctx->sec, uarg);

	if (!ret)
		ai_promise_recheck();
	return ret;
}

long ai_ctx_weight(struct ai_ctx *ctx, void __user *uarg)
{
	struct ai_group *changed;
	long ret = ai_sec_weight(&ctx->sec, uarg, &changed);

	if (changed) {
		reweigh(changed);
		ai_group_put(changed);
	}
	return ret;
}

static void fill_class(struct aioffload_sched_class *c,
		       const struct ai_sched_report *r, int cls)
{
	const struct arb_stats *s = &r->sum[cls];

	*c = (struct aioffload_sched_class) {
		.served_ns = s->served,
		.done = s->done,
		.missed = s->misses,
		.late_max_ns = s->late_max,
		.waited_ns = s->waited,
		.wait_max_ns = s->wait_max,
		.waiting = r->waiting[cls],
		.running = r->running[cls],
	};
}

static void fill(struct aioffload_sched *k, struct ai_device *dev,
		 const struct ai_sched_report *r, struct cgroup *top)
{
	int i;

	k->cgroup_id = ai_group_id(r->who);
	k->parent_id = 0;
	k->weight = 0;
	k->cpu_weight = 0;
	k->effective = 0;
	if (r->parent) {
		if (ai_group_within(r->parent, top))
			k->parent_id = ai_group_id(r->parent);
		ai_group_weights(r->who, &k->weight, &k->cpu_weight);
		k->effective = ai_group_weight(r->who);
	}
	k->total_ns = ai_sched_total(&dev->sched);
	k->lag_ns = r->lag[ARB_FAIR];
	k->lag_background_ns = r->lag[ARB_IDLE];
	k->host = dev->host;
	k->contexts = r->contexts;
	k->queues = ai_quota_used(r->who, AIOFFLOAD_RES_QUEUES);
	BUILD_BUG_ON(AIOFFLOAD_NR_QOS != ARB_NR_CLASSES);
	for (i = 0; i < AIOFFLOAD_NR_QOS; i++)
		fill_class(&k->classes[i], r, i);
}

static int tell(struct ai_ctx *ctx, struct ai_device *dev,
		struct aioffload_sched *k)
{
	struct cgroup *top = ai_sec_view(&ctx->sec);
	struct ai_sched_report r;
	int ret;

	ret = ai_sched_tell(&dev->sched, k->cgroup_id, top, &r);
	if (ret)
		goto out;
	fill(k, dev, &r, top);
	ret = ai_group_tell(r.who, k->path, k->path_len);
	if (r.parent)
		ai_group_put(r.parent);
	ai_group_put(r.who);
out:
	cgroup_put(top);
	return ret;
}

long ai_ctx_sched(struct ai_ctx *ctx, void __user *uarg)
{
	struct aioffload_sched k;
	struct ai_device *dev;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (ret)
		return ret;
	if (k.flags)
		return -EINVAL;
	dev = ai_device_find(k.device);
	if (!dev)
		return -ENODEV;
	ret = ai_sec_may(&ctx->sec, 0, dev->id) ?: tell(ctx, dev, &k);
	ai_device_put(dev);
	return ret ?: ai_copy_out(uarg, &k, sizeof(k));
}
