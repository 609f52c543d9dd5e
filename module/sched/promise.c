// SPDX-License-Identifier: GPL-2.0
/*
 * What realtime queues were promised of a device. A promise is a realtime stream
 * with a server of its own (arb.h), made when a queue and a port come together,
 * and gone with the first of them: core/realtime.c says when that is.
 */
#include <linux/minmax.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "power.h"
#include "sched.h"

/**
 * struct ai_sched_promise - a queue's on a device
 * @stream:	its realtime jobs there
 * @owner:	the queue; only compared
 * @kept:	not taken back; written with the device's lock, read without
 * @node:	in its port's
 * @rcu:	frees it
 */
struct ai_sched_promise {
	struct arb_stream stream;
	const void *owner;
	bool kept;
	struct list_head node;
	struct rcu_head rcu;
};

/* With sd->lock, or as the only one who has the port. */
static struct ai_sched_promise *find(struct ai_sched_port *port,
				     const void *owner)
{
	struct ai_sched_promise *p;

	list_for_each_entry(p, &port->promises, node)
		if (p->owner == owner)
			return p;
	return NULL;
}

/* With sd->lock: what is promised has changed. */
static void changed(struct ai_sched_dev *sd)
{
	window_realtime(&sd->window, arb_tolerance(&sd->arb));
	ai_sched_resize(sd);
}

/* With sd->lock. */
static int admit(struct ai_sched_port *port, struct arb_stream *s,
		 const struct ai_sched_wish *w, u32 *left_ppm)
{
	struct arb *a = &port->sd->arb;
	u32 limit = min(w->limit_ppm, ARB_PPM - a->params.floor_ppm);
	int ret;

	/* It may have been changed; what was promised before stays. */
	a->params.limit_ppm = limit;
	ret = arb_stream_init(a, s, ai_sched_arb_of(port->group), ARB_NORMAL,
			      ARB_DEFAULT_WEIGHT);
	if (WARN_ON_ONCE(ret))
		return ret;
	/* Heat passes; who is promised something now wants it now. */
	a->params.limit_ppm = (u64)limit * w->speed / POWER_FULL_SPEED;
	ret = arb_stream_set_realtime(a, s, w->runtime_ns, w->period_ns,
				      w->deadline_ns, left_ppm);
	a->params.limit_ppm = limit;
	if (ret)
		arb_stream_exit(a, s);
	return ret == -ENOSPC ? -EBUSY : ret;
}

/**
 * ai_sched_promise() - a realtime queue's jobs may come through a port
 * @port:	where
 * @owner:	the queue; it has none there
 * @w:		what it wants
 * @left_ppm:	with -EBUSY: what it could have
 *
 * May sleep. Return: 0, -EBUSY (the device has promised too much), -ENOMEM.
 */
int ai_sched_promise(struct ai_sched_port *port, const void *owner,
		     const struct ai_sched_wish *w, u32 *left_ppm)
{
	struct ai_sched_promise *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!p)
		return -ENOMEM;
	p->owner = owner;
	p->kept = true;
	spin_lock_irq(&port->sd->lock);
	ret = admit(port, &p->stream, w, left_ppm);
	if (!ret)
		list_add_rcu(&p->node, &port->promises);
	changed(port->sd);
	spin_unlock_irq(&port->sd->lock);
	if (ret)
		kfree(p);
	return ret;
}

/*
 * With sd->lock. None of its jobs is left; whoever looks for another promise
 * may still come by.
 */
static void end(struct ai_sched_port *port, struct ai_sched_promise *p)
{
	list_del_rcu(&p->node);
	ai_sched_count(port, ARB_REALTIME, &p->stream.stats);
	WARN_ON_ONCE(arb_stream_exit(&port->sd->arb, &p->stream));
	changed(port->sd);
	kfree_rcu(p, rcu);
}

/* The queue ends: none of its jobs is left. If it has no promise: nothing. */
void ai_sched_unpromise(struct ai_sched_port *port, const void *owner)
{
	struct ai_sched_promise *p;

	spin_lock_irq(&port->sd->lock);
	p = find(port, owner);
	if (p)
		end(port, p);
	spin_unlock_irq(&port->sd->lock);
}

/* Likewise the port, before ai_sched_port_close(). */
void ai_sched_unpromise_all(struct ai_sched_port *port)
{
	struct ai_sched_promise *p, *next;

	spin_lock_irq(&port->sd->lock);
	list_for_each_entry_safe(p, next, &port->promises, node)
		end(port, p);
	spin_unlock_irq(&port->sd->lock);
}

/* Others may have it; jobs that are on their way go on as they were. */
void ai_sched_take_back(struct ai_sched_port *port, const void *owner)
{
	struct ai_sched_promise *p;

	spin_lock_irq(&port->sd->lock);
	p = find(port, owner);
	if (p) {
		WRITE_ONCE(p->kept, false);
		arb_stream_forgo(&port->sd->arb, &p->stream);
		changed(port->sd);
	}
	spin_unlock_irq(&port->sd->lock);
}

/*
 * For a realtime job, as RCU-sched reader: the stream of its queue, as which it
 * is served, or NULL. The job keeps queue and port, and they the stream.
 */
struct arb_stream *ai_sched_promised(struct ai_sched_port *port,
				     const void *owner)
{
	struct ai_sched_promise *p;

	list_for_each_entry_rcu(p, &port->promises, node,
				rcu_read_lock_sched_held())
		if (p->owner == owner)
			return READ_ONCE(p->kept) ? &p->stream : NULL;
	return NULL;
}

/* With sd->lock: add what is told of them, see struct ai_sched_report. */
void ai_sched_tell_promises(const struct ai_sched_port *port,
			    struct arb_stats *sum, u32 *waiting, u32 *running)
{
	const struct ai_sched_promise *p;

	list_for_each_entry(p, &port->promises, node) {
		ai_sched_add_stats(sum, &p->stream.stats);
		*waiting += p->stream.waiting;
		*running += p->stream.running;
	}
}
