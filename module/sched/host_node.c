// SPDX-License-Identifier: GPL-2.0
/*
 * Threads near the memory of their jobs, on machines of several NUMA nodes.
 *
 * A job whose buffers lie on a node runs on CPUs of that node, as far as its
 * cgroup may use any: its thread narrows its own affinity before it begins, and
 * keeps it that way for the next one. Not more threads of a pool than there are
 * such CPUs; others go where there is room, since far memory is better than no
 * CPU. Realtime threads may run on all CPUs that were reckoned with when their
 * queues were admitted; only of those that are idle a near one is woken.
 *
 * What the cgroup may use is what cpuset says to a thread whose affinity nobody
 * else changes. So in each host there is a further one, the guide, which does
 * nothing. Whenever cpuset speaks it overrules us, and at its next job a thread
 * sees that the guide's CPUs are others now.
 *
 * CPUs that are isolated, by isolcpus= or as a cpuset's partition, are left
 * alone unless the cgroup has no others.
 */
#include <linux/cpumask.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "../core/internal.h"

#if AI_NODES

/* Return: 0 or -ENOMEM. */
int ai_node_open(struct ai_host *host)
{
	host->at_node = kcalloc(array_size(AI_NR_QOS, nr_node_ids),
				sizeof(*host->at_node), GFP_KERNEL);
	return host->at_node ? 0 : -ENOMEM;
}

void ai_node_close(struct ai_host *host)
{
	kfree(host->at_node);
}

/* For a thread of such a host. Return: 0 or -ENOMEM. */
int ai_near_init(struct ai_near *near)
{
	near->home = NUMA_NO_NODE;
	near->seen = kcalloc(3, cpumask_size(), GFP_KERNEL);
	if (!near->seen)
		return -ENOMEM;
	near->may = (void *)near->seen + cpumask_size();
	near->local = (void *)near->may + cpumask_size();
	return 0;
}

void ai_near_free(struct ai_near *near)
{
	kfree(near->seen);
}

/*
 * ai_node_idle() - which idle thread should be woken for a job on a node
 * @node:	or NUMA_NO_NODE
 *
 * With the pool's lock. One that is there, else one that is nowhere at home. If
 * all are at home elsewhere, one of them moves, and next time there should be one
 * more: nobody moves to and fro for long.
 */
struct ai_host_thread *ai_node_idle(struct ai_host_pool *pool, int node)
{
	struct ai_host_thread *t, *any = NULL;

	list_for_each_entry(t, &pool->idle, idle) {
		if (node == NUMA_NO_NODE ||
		    cpu_to_node(task_cpu(t->task)) == node)
			return t;
		if (!any || (any->near.home != NUMA_NO_NODE &&
			     t->near.home == NUMA_NO_NODE))
			any = t;
	}
	if (any && any->near.home != NUMA_NO_NODE)
		pool->apart = true;
	return any;
}

static void leave_isolated(struct cpumask *may, const struct cpumask *all)
{
	unsigned int cpu;

	cpumask_copy(may, all);
	rcu_read_lock();
	for_each_cpu(cpu, all)
		if (cpu_is_isolated(cpu))
			cpumask_clear_cpu(cpu, may);
	rcu_read_unlock();
	if (!cpumask_intersects(may, cpu_online_mask))
		cpumask_copy(may, all);
}

/* What may be used, and what of it is near. */
static void look_around(struct ai_near *near, const struct cpumask *all,
			int node)
{
	cpumask_copy(near->seen, all);
	leave_isolated(near->may, near->seen);
	near->home = node;
	near->nr_local = 0;
	if (node == NUMA_NO_NODE)
		return;
	cpumask_and(near->local, near->may, cpumask_of_node(node));
	if (cpumask_and(near->local, near->local, cpu_online_mask))
		near->nr_local = cpumask_weight(near->local);
}

static atomic_t *at_node(const struct ai_host_thread *t)
{
	const struct ai_host_pool *pool = t->pool;

	return &pool->host->at_node[pool->qos * nr_node_ids + t->near.home];
}

/* May one more be there? */
static bool take_place(struct ai_host_thread *t)
{
	if (atomic_inc_return(at_node(t)) <= t->near.nr_local)
		return true;
	atomic_dec(at_node(t));
	return false;
}

/*
 * ai_node_begin() - the calling thread goes where its job's memory is
 * @node:	or NUMA_NO_NODE
 *
 * Not where somebody has moved it to another cgroup than the guide's.
 */
void ai_node_begin(struct ai_host_thread *t, int node)
{
	const struct task_struct *guide = t->pool->host->leader;
	struct ai_near *near = &t->near;
	const struct cpumask *want;

	if (t->pool->qos == AIOFFLOAD_QOS_REALTIME ||
	    rcu_access_pointer(guide->cgroups) !=
	    rcu_access_pointer(current->cgroups))
		return;
	if (!cpumask_equal(near->seen, &guide->cpus_mask))
		look_around(near, &guide->cpus_mask, node);
	else if (node != NUMA_NO_NODE && node != near->home)
		look_around(near, near->seen, node);
	near->placed = node != NUMA_NO_NODE && take_place(t);
	want = near->placed ? near->local : near->may;
	/* Those that it names may just have gone offline: then it stays. */
	if (!cpumask_equal(want, &current->cpus_mask))
		set_cpus_allowed_ptr(current, want);
}

/* The job has ended. */
void ai_node_end(struct ai_host_thread *t)
{
	if (t->near.placed)
		atomic_dec(at_node(t));
	t->near.placed = false;
}

#endif
