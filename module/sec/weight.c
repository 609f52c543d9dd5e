// SPDX-License-Identifier: GPL-2.0
/*
 * What share of devices a group has beside its siblings.
 *
 * A weight that somebody set counts; else the cgroup's cpu.weight, which the
 * kernel gives to no module: aioffloadd reads it and tells us. That one is worth
 * nothing for a group that is not there, so it keeps none alive.
 */
#include "../core/internal.h"
#include "group.h"

void ai_group_weights(const struct ai_group *g, u32 *own, u32 *cpu)
{
	*own = READ_ONCE(g->weight);
	*cpu = READ_ONCE(g->cpu_weight);
}

static u32 effective(u32 own, u32 cpu)
{
	return own ?: cpu ?: AIOFFLOAD_WEIGHT_DEFAULT;
}

u32 ai_group_weight(const struct ai_group *g)
{
	u32 own, cpu;

	ai_group_weights(g, &own, &cpu);
	return effective(own, cpu);
}

struct change {
	const struct aioffload_weight *k;
	struct ai_group **group;
};

static int set_weight(struct ai_group *g, const void *how, bool system)
{
	const struct change *c = how;
	const struct aioffload_weight *k = c->k;
	int ret;

	/* The root has nobody beside it. */
	if (!g->parent)
		return -EINVAL;
	if (k->flags & AIOFFLOAD_WEIGHT_SET && k->weight) {
		ret = ai_group_configure(g, system);
		if (ret)
			return ret;
	}
	if (k->flags & AIOFFLOAD_WEIGHT_SET)
		WRITE_ONCE(g->weight, k->weight);
	if (k->flags & AIOFFLOAD_WEIGHT_SET_CPU)
		WRITE_ONCE(g->cpu_weight, k->cpu_weight);
	*c->group = ai_group_get(g);
	if (k->flags & AIOFFLOAD_WEIGHT_SET && !k->weight)
		ai_group_unconfigure(g);
	return 0;
}

static int check_weight(const struct aioffload_weight *k)
{
	if (k->flags & ~(AIOFFLOAD_WEIGHT_SET | AIOFFLOAD_WEIGHT_SET_CPU) ||
	    k->cgroup_fd < -1)
		return -EINVAL;
	if (k->flags & AIOFFLOAD_WEIGHT_SET &&
	    k->weight > AIOFFLOAD_WEIGHT_MAX)
		return -EINVAL;
	if (k->flags & AIOFFLOAD_WEIGHT_SET_CPU &&
	    k->cpu_weight > AIOFFLOAD_WEIGHT_MAX)
		return -EINVAL;
	return 0;
}

static int set(struct ai_sec_ctx *sec, const struct aioffload_weight *k,
	       struct ai_group **changed)
{
	const struct change c = { .k = k, .group = changed };
	u64 id;
	int ret;

	ret = ai_sec_configure(sec, k->cgroup_fd, set_weight, &c, &id);
	/* Of cpu.weight whoever changed that may be asked. */
	if (ret || k->flags & AIOFFLOAD_WEIGHT_SET)
		ai_audit_weight_set(sec, id, k->weight, ret);
	return ret;
}

static int tell(struct aioffload_weight *k)
{
	struct cgroup *cgrp = k->cgroup_fd == -1 ? ai_cgroup_current() :
						   ai_cgroup_visible(k->cgroup_fd);
	const struct ai_group *g;

	if (IS_ERR(cgrp))
		return PTR_ERR(cgrp);
	k->weight = 0;
	k->cpu_weight = 0;
	spin_lock(&ai_group_lock);
	g = ai_group_find(cgrp);
	if (g)
		ai_group_weights(g, &k->weight, &k->cpu_weight);
	spin_unlock(&ai_group_lock);
	k->effective = effective(k->weight, k->cpu_weight);
	cgroup_put(cgrp);
	return 0;
}

long ai_sec_weight(struct ai_sec_ctx *sec, void __user *uarg,
		   struct ai_group **changed)
{
	struct aioffload_weight k;
	int ret;

	*changed = NULL;
	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg) ?: check_weight(&k);
	if (ret)
		return ret;
	if (k.flags)
		return set(sec, &k, changed);
	return tell(&k) ?: ai_copy_out(uarg, &k, sizeof(k));
}
