// SPDX-License-Identifier: GPL-2.0
/*
 * Who shares a device: groups (cgroups) with a share each, and in them ports
 * (contexts), through which jobs come.
 *
 * A device's tree of groups is that of sec's groups as far as they have ports
 * there. So what sits deeper than the arbiter's trees go shares the group of
 * its ancestor.
 *
 * What jobs had is counted in their streams. What has gone hands its counts on,
 * a port to its group and a group to the one above it, so that nothing is lost
 * and nobody has to be counted twice.
 */
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "../sec/sec.h"
#include "sched.h"

#define MAX_PATH	(ARB_MAX_DEPTH - 1)	/* the root is none of ours */

/* Numbers of cgroups are keys of an xarray. */
static_assert(sizeof(unsigned long) == sizeof(u64));

void ai_sched_groups_init(struct ai_sched_groups *gs)
{
	mutex_init(&gs->lock);
	xa_init(&gs->by_id);
	gs->root = (struct ai_sched_group) {
		.who = ai_group_root(),
		.refs = 1,
	};
	INIT_LIST_HEAD(&gs->root.ports);
}

void ai_sched_add_stats(struct arb_stats *to, const struct arb_stats *more)
{
	to->served += more->served;
	to->done += more->done;
	to->misses += more->misses;
	to->late_max = max(to->late_max, more->late_max);
	to->waited += more->waited;
	to->wait_max = max(to->wait_max, more->wait_max);
}

/* With the lock. Lets go of the empty ones upwards. */
static void put(struct ai_sched_dev *sd, struct ai_sched_group *g)
{
	struct ai_sched_group *parent;
	int i;

	while (!--g->refs) {
		parent = g->parent;
		for (i = 0; i < ARB_NR_CLASSES; i++)
			ai_sched_add_stats(&parent->gone[i], &g->gone[i]);
		xa_erase(&sd->groups.by_id, ai_group_id(g->who));
		spin_lock_irq(&sd->lock);
		WARN_ON_ONCE(arb_group_exit(&sd->arb, &g->arb));
		spin_unlock_irq(&sd->lock);
		ai_group_put(g->who);
		kfree(g);
		g = parent;
	}
}

/*
 * With the lock: the group of @who below @parent, whose reference it takes over.
 * Its weight is read here, and by ai_sched_reweigh() after it has changed: both
 * with the lock.
 */
static struct ai_sched_group *make(struct ai_sched_dev *sd,
				   struct ai_sched_group *parent,
				   struct ai_group *who)
{
	u64 id = ai_group_id(who);
	struct ai_sched_group *g;
	int ret = -ENOMEM;

	g = xa_load(&sd->groups.by_id, id);
	if (g) {
		g->refs++;
		put(sd, parent);
		return g;
	}
	g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	if (!g)
		goto err_parent;
	g->refs = 1;
	g->parent = parent;
	INIT_LIST_HEAD(&g->ports);
	ret = xa_err(xa_store(&sd->groups.by_id, id, g, GFP_KERNEL_ACCOUNT));
	if (ret)
		goto err_free;
	g->who = ai_group_get(who);
	spin_lock_irq(&sd->lock);
	WARN_ON_ONCE(arb_group_init(&sd->arb, &g->arb, ai_sched_arb_of(parent),
				    ai_group_weight(who)));
	spin_unlock_irq(&sd->lock);
	return g;

err_free:
	kfree(g);
err_parent:
	put(sd, parent);
	return ERR_PTR(ret);
}

/* With the lock: that of @who, made with all above it. */
static struct ai_sched_group *get(struct ai_sched_dev *sd, struct ai_group *who)
{
	struct ai_sched_group *g = &sd->groups.root;
	struct ai_group *path[MAX_PATH], *at;
	u32 depth = 0, i;

	for (at = who; ai_group_parent(at); at = ai_group_parent(at))
		depth++;
	for (at = who; depth > MAX_PATH; depth--)
		at = ai_group_parent(at);
	for (i = depth; i; at = ai_group_parent(at))
		path[--i] = at;
	g->refs++;
	for (i = 0; i < depth; i++) {
		g = make(sd, g, path[i]);
		if (IS_ERR(g))
			break;
	}
	return g;
}

/**
 * ai_sched_reweigh() - a group's weight has changed
 * @sd:		a device, on which it may have a share
 * @who:	the group
 *
 * May sleep. Holds at once, also for jobs that wait; what the group was owed or
 * owes stays.
 */
void ai_sched_reweigh(struct ai_sched_dev *sd, const struct ai_group *who)
{
	struct ai_sched_group *g;

	mutex_lock(&sd->groups.lock);
	g = xa_load(&sd->groups.by_id, ai_group_id(who));
	if (g) {
		spin_lock_irq(&sd->lock);
		WARN_ON_ONCE(arb_group_set_weight(&sd->arb, &g->arb,
						  ai_group_weight(who)));
		spin_unlock_irq(&sd->lock);
	}
	mutex_unlock(&sd->groups.lock);
}

/**
 * ai_sched_port_open() - a context comes to a device
 * @port:	to be filled
 * @sd:		the device, which must outlive it
 * @who:	the context's group
 *
 * May sleep. Return: 0; 1 if its group was not there before; or -ENOMEM.
 */
int ai_sched_port_open(struct ai_sched_port *port, struct ai_sched_dev *sd,
		       struct ai_group *who)
{
	struct ai_sched_group *g;
	int i, ret;

	mutex_lock(&sd->groups.lock);
	g = get(sd, who);
	ret = PTR_ERR_OR_ZERO(g);
	if (ret)
		goto out;
	port->sd = sd;
	port->group = g;
	INIT_LIST_HEAD(&port->promises);
	spin_lock_init(&port->lock);
	INIT_LIST_HEAD(&port->closing);
	spin_lock_irq(&sd->lock);
	for (i = 0; i < AI_PORT_CLASSES; i++)
		WARN_ON_ONCE(arb_stream_init(&sd->arb, &port->streams[i],
					     ai_sched_arb_of(g), i,
					     ARB_DEFAULT_WEIGHT));
	spin_unlock_irq(&sd->lock);
	list_add(&port->node, &g->ports);
	ret = g->parent && g->refs == 1;
	g->nr_ports++;
out:
	mutex_unlock(&sd->groups.lock);
	return ret;
}

/* With sd->lock: add what a port's jobs had, but for those of promises. */
static void add_port(struct ai_sched_port *port, struct arb_stats *sum)
{
	int i;

	for (i = 0; i < AI_PORT_CLASSES; i++)
		ai_sched_add_stats(&sum[i], &port->streams[i].stats);
	spin_lock(&port->lock);
	for (i = 0; i < ARB_NR_CLASSES; i++)
		ai_sched_add_stats(&sum[i], &port->more[i]);
	spin_unlock(&port->lock);
}

/*
 * ai_sched_port_close() - none of a port's jobs and promises is left
 *
 * May sleep. Return: true if it is closed. False: it pays for jobs that still
 * run, of somebody it lent its place to; @close_work is queued when they have
 * stopped, to call this again.
 */
bool ai_sched_port_close(struct ai_sched_port *port)
{
	struct ai_sched_dev *sd = port->sd;
	struct ai_sched_group *g = port->group;
	int i;

	mutex_lock(&sd->groups.lock);
	spin_lock_irq(&sd->lock);
	if (ai_sched_port_pays(port)) {
		list_add(&port->closing, &sd->closing);
		spin_unlock_irq(&sd->lock);
		mutex_unlock(&sd->groups.lock);
		return false;
	}
	add_port(port, g->gone);
	for (i = 0; i < AI_PORT_CLASSES; i++)
		WARN_ON_ONCE(arb_stream_exit(&sd->arb, &port->streams[i]));
	spin_unlock_irq(&sd->lock);
	list_del(&port->node);
	g->nr_ports--;
	put(sd, g);
	mutex_unlock(&sd->groups.lock);
	return true;
}

/* Add what jobs had that no stream tells of. */
void ai_sched_count(struct ai_sched_port *port, u32 cls,
		    const struct arb_stats *more)
{
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	ai_sched_add_stats(&port->more[cls], more);
	spin_unlock_irqrestore(&port->lock, flags);
}

/*
 * ai_sched_host_ended() - a job has ended that the host's scheduler ran
 * @cls:	its class
 * @late:	by how much it missed its deadline
 */
void ai_sched_host_ended(struct ai_sched_port *port, u32 cls, u64 waited,
			 u64 ns, u64 late)
{
	const struct arb_stats job = {
		.served = ns,
		.done = 1,
		.misses = !!late,
		.late_max = late,
		.waited = waited,
		.wait_max = waited,
	};

	ai_sched_count(port, cls, &job);
	atomic64_add(ns, &port->sd->host_ns);
}

/* ---- for people --------------------------------------------------------- */

/* With the lock: from this number on the first that is @top's or below it. */
static struct ai_sched_group *group_from(struct ai_sched_dev *sd, u64 from,
					 struct cgroup *top)
{
	struct ai_sched_group *g = &sd->groups.root;
	unsigned long id = from;

	/* Nobody has a lower number. */
	if (from <= ai_group_id(g->who) && ai_group_within(g->who, top))
		return g;
	for (g = xa_find(&sd->groups.by_id, &id, ULONG_MAX, XA_PRESENT); g;
	     g = xa_find_after(&sd->groups.by_id, &id, ULONG_MAX, XA_PRESENT))
		if (ai_group_within(g->who, top))
			return g;
	return NULL;
}

/* With the lock: the group's own, apart from its ports. */
static void tell_group(struct ai_sched_dev *sd, struct ai_sched_group *g,
		       struct ai_sched_report *r)
{
	int i;

	*r = (struct ai_sched_report) {
		.who = ai_group_get(g->who),
		.parent = g->parent ? ai_group_get(g->parent->who) : NULL,
		.contexts = g->nr_ports,
	};
	memcpy(r->sum, g->gone, sizeof(r->sum));
	if (!g->parent)
		return;
	spin_lock_irq(&sd->lock);
	for (i = 0; i < ARB_NR_TREES; i++)
		r->lag[i] = arb_lag(&g->arb.level[i].ent);
	spin_unlock_irq(&sd->lock);
}

/* With the lock. Interrupts are off for one port at a time. */
static void tell_port(struct ai_sched_port *port, struct ai_sched_report *r)
{
	struct ai_sched_dev *sd = port->sd;
	int i;

	spin_lock_irq(&sd->lock);
	add_port(port, r->sum);
	for (i = 0; i < AI_PORT_CLASSES; i++) {
		r->waiting[i] += port->streams[i].waiting;
		r->running[i] += port->streams[i].running;
	}
	ai_sched_tell_promises(port, &r->sum[ARB_REALTIME],
			       &r->waiting[ARB_REALTIME],
			       &r->running[ARB_REALTIME]);
	spin_unlock_irq(&sd->lock);
	cond_resched();
}

/**
 * ai_sched_tell() - how a group does on a device
 * @sd:		the device
 * @from:	the group with the lowest number that is not below this
 * @top:	only the group of this cgroup and those below it
 * @r:		filled in; its references are the caller's
 *
 * May sleep. Return: 0; -ENOENT: there is none.
 */
int ai_sched_tell(struct ai_sched_dev *sd, u64 from, struct cgroup *top,
		  struct ai_sched_report *r)
{
	struct ai_sched_group *g;
	struct ai_sched_port *port;

	mutex_lock(&sd->groups.lock);
	g = group_from(sd, from, top);
	if (g) {
		tell_group(sd, g, r);
		list_for_each_entry(port, &g->ports, node)
			tell_port(port, r);
	}
	mutex_unlock(&sd->groups.lock);
	return g ? 0 : -ENOENT;
}

/* Time of the device that jobs had, whosever they were. */
u64 ai_sched_total(struct ai_sched_dev *sd)
{
	u64 ns = atomic64_read(&sd->host_ns);
	int i;

	spin_lock_irq(&sd->lock);
	for (i = 0; i < ARB_NR_CLASSES; i++)
		ns += sd->arb.served[i];
	spin_unlock_irq(&sd->lock);
	return ns;
}
