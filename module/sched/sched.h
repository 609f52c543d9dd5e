/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which job next, on which device. Asked by core; knows jobs, groups, devices
 * and time, never files, ioctls or models.
 *
 * A device has queue_depth credits, or fewer while somebody is in a hurry
 * (window.h). Whoever hands it a job holds one from before ->submit() until the
 * job has ended; a caller that submits many jobs which end at once keeps the same
 * credit for all of them. Jobs that get none wait here, and the arbiter (arb.h)
 * says whose turn is next.
 *
 * The arbiter is told of every job that takes the device some time, also if it
 * never had to wait: that is what shares are reckoned from. A job that ends
 * within ->submit() costs its caller, not the device, and stays untold.
 */
#ifndef AIOFFLOAD_SCHED_H
#define AIOFFLOAD_SCHED_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "arb.h"
#include "power.h"
#include "window.h"

struct ai_group;
struct cgroup;

extern struct workqueue_struct *ai_wq;	/* core's, for work without haste */

/* Why a job may not simply be handed to a device. 0: it may. */
#define AI_GATE_WAITERS		BIT(0)	/* others wait already */
#define AI_GATE_RESETTING	BIT(1)	/* jobs wait until it is over */
#define AI_GATE_FAILED		BIT(2)	/* jobs end with -EIO */
#define AI_GATE_GONE		BIT(3)	/* jobs end with -ENODEV */
#define AI_GATE_ASLEEP		BIT(4)	/* jobs wait until it is up: core/pm.c */
#define AI_GATE_CLOSED		(AI_GATE_FAILED | AI_GATE_GONE)
#define AI_GATE_HALTED		(AI_GATE_CLOSED | AI_GATE_RESETTING)
#define AI_GATE_SHUT		(AI_GATE_HALTED | AI_GATE_ASLEEP)

/**
 * struct ai_sched_group - a cgroup on a device, while it has ports there
 * @arb:	its share
 * @parent:	above it; NULL: it is the root, whose share the arbiter has
 * @who:	referenced, but for the root
 * @refs:	ports and groups below, one of the root; under the groups' lock
 * @ports:	struct ai_sched_port.node, likewise
 * @nr_ports:	likewise
 * @gone:	what ports had that have gone, and groups below, by class; likewise
 */
struct ai_sched_group {
	struct arb_group arb;
	struct ai_sched_group *parent;
	struct ai_group *who;
	u32 refs;
	u32 nr_ports;
	struct list_head ports;
	struct arb_stats gone[ARB_NR_CLASSES];
};

/**
 * struct ai_sched_groups - who has a share of a device
 * @lock:	guards them and their references; taken around sd->lock
 * @by_id:	all but the root, by the number of the cgroup
 * @root:	its @arb is not used
 */
struct ai_sched_groups {
	struct mutex lock;	/* by_id */
	struct xarray by_id;
	struct ai_sched_group root;
};

/**
 * struct ai_sched_dev - a device as the scheduler sees it
 * @gate:	AI_GATE_*; written with @lock, read without
 * @credits:	there are so many; written with @lock, read without
 * @inflight:	of those that are out
 * @lock:	guards the following; taken in interrupts
 * @window:	what @credits comes from
 * @waiting:	jobs that wait, also read without
 * @dispatching: somebody is in ai_sched_next()'s loop and will look again
 * @closing:	ports that have yet to pay for jobs they lent their place to
 * @now:	latest time that @arb was told
 * @longest_ns:	that a job has taken lately, at full speed
 * @pace:	at which speeds the device has worked
 * @arb:	jobs and whose they are
 * @groups:	not under @lock
 * @host_ns:	time that the host's scheduler gave to jobs
 */
struct ai_sched_dev {
	u32 gate;
	int credits;
	atomic_t inflight;
	/* gate and credits (writers), window to pace, arb */
	spinlock_t lock;
	struct window window;
	u32 waiting;
	bool dispatching;
	struct list_head closing;
	u64 now;
	u64 longest_ns;
	struct power_pace pace;
	struct arb arb;
	struct ai_sched_groups groups;
	atomic64_t host_ns;
};

/* Of what a port lends at a time; bits of a mask. */
#define AI_PORT_LOANS		16

/**
 * struct ai_sched_loan - a stream of a port lends its place to another one
 * @refs:	jobs on whose behalf; 0: not in use
 */
struct ai_sched_loan {
	struct arb_loan arb;
	u32 refs;
};

/* Realtime has streams of its own: what is promised belongs to one queue. */
#define AI_PORT_CLASSES		ARB_REALTIME

/**
 * struct ai_sched_port - a context on a device: where its jobs queue up
 * @sd:		the device
 * @group:	who pays
 * @node:	in its ports
 * @streams:	by enum arb_class
 * @promises:	struct ai_sched_promise.node, by RCU and @sd's lock
 * @loans:	of @streams, under the device's lock
 * @closing:	in its list, empty unless it is to close, likewise
 * @close_work:	then queued, core's
 * @lock:	guards @more; taken in interrupts
 * @more:	of jobs that have no stream (any more): the host's scheduler ran
 *		them, or their queue has gone; by class
 */
struct ai_sched_port {
	struct ai_sched_dev *sd;
	struct ai_sched_group *group;
	struct list_head node;
	struct arb_stream streams[AI_PORT_CLASSES];
	struct list_head promises;
	struct ai_sched_loan loans[AI_PORT_LOANS];
	struct list_head closing;
	struct work_struct close_work;
	spinlock_t lock;	/* more */
	struct arb_stats more[ARB_NR_CLASSES];
};

/**
 * struct ai_sched_wish - what a realtime queue wants of a device
 * @runtime_ns:	device time in each period
 * @period_ns:	up to ARB_MAX_PERIOD_NS
 * @deadline_ns: from a job's arrival
 * @limit_ppm:	what may be promised of a device altogether
 * @speed:	up to which it may go, in thousandths: less than all if it is hot
 */
struct ai_sched_wish {
	u64 runtime_ns;
	u64 period_ns;
	u64 deadline_ns;
	u32 limit_ppm;
	u32 speed;
};

/**
 * struct ai_sched_job - a job as the scheduler sees it
 * @arb:	zeroed before the first use
 * @stream:	of the port it goes through
 * @due:	when it should have ended, 0: nobody said
 * @strange:	at a device that has not ended any job of @stream before; under
 *		its lock
 * @sd:		where it waits, or NULL. Only a holder of that device's lock
 *		writes that device's address here or takes it away, so holding
 *		the lock, comparing is enough, even if the job is not the
 *		caller's.
 */
struct ai_sched_job {
	struct arb_job arb;
	struct arb_stream *stream;
	u64 due;
	bool strange;
	struct ai_sched_dev *sd;
};

/**
 * struct ai_sched_report - a group on a device, for people
 * @who:	referenced
 * @parent:	likewise, or NULL: it is the root
 * @contexts:	ports
 * @lag:	by hierarchy, ns
 * @sum:	of its own ports, and of what has gone, by class
 * @waiting:	jobs of its own, by class
 * @running:	likewise
 */
struct ai_sched_report {
	struct ai_group *who;
	struct ai_group *parent;
	u32 contexts;
	s64 lag[ARB_NR_TREES];
	struct arb_stats sum[ARB_NR_CLASSES];
	u32 waiting[ARB_NR_CLASSES];
	u32 running[ARB_NR_CLASSES];
};

/* With the device's lock: for a job that runs, whosever it is? */
static inline bool ai_sched_port_pays(const struct ai_sched_port *port)
{
	int i;

	for (i = 0; i < AI_PORT_CLASSES; i++)
		if (port->streams[i].paying)
			return true;
	return false;
}

static inline u32 ai_sched_gate(const struct ai_sched_dev *sd)
{
	return READ_ONCE(sd->gate);
}

/* Jobs that a new one would find before it. A hint: read without the lock. */
static inline u32 ai_sched_backlog(const struct ai_sched_dev *sd)
{
	return atomic_read(&sd->inflight) + READ_ONCE(sd->waiting);
}

/* For the arbiter, which has the root itself. */
static inline struct arb_group *ai_sched_arb_of(struct ai_sched_group *g)
{
	return g->parent ? &g->arb : NULL;
}

/* One credit, if there is one. */
static inline bool ai_sched_credit_take(struct ai_sched_dev *sd)
{
	int n = atomic_read(&sd->inflight);

	do {
		if (unlikely(n >= READ_ONCE(sd->credits)))
			return false;
	} while (unlikely(!atomic_try_cmpxchg(&sd->inflight, &n, n + 1)));
	return true;
}

/**
 * ai_sched_credit_get() - may a job go to the device right now?
 * @sd:	the device
 *
 * False: all credits are out, others wait, or the gate is shut.
 */
static inline bool ai_sched_credit_get(struct ai_sched_dev *sd)
{
	return likely(!ai_sched_gate(sd)) && ai_sched_credit_take(sd);
}

/**
 * ai_sched_credit_put() - give a credit back
 * @sd:	the device
 *
 * Return: true if that matters to somebody, who waits for it: then the caller
 * goes on with ai_sched_want_dispatch().
 *
 * The decrement is a full barrier before the gate is read. ai_sched_enqueue()
 * has one between shutting the gate (AI_GATE_WAITERS) and counting credits, so
 * one of the two sees the other.
 */
static inline bool ai_sched_credit_put(struct ai_sched_dev *sd)
{
	atomic_dec_return(&sd->inflight);
	return unlikely(ai_sched_gate(sd));
}

/*
 * With sd->lock. It may grow: what waits need not be told, as a job is at the
 * device then, or nothing waits.
 */
static inline void ai_sched_resize(struct ai_sched_dev *sd)
{
	WRITE_ONCE(sd->credits, window_size(&sd->window, sd->now));
}

/* -ENODEV or -EIO for a gate that lets no job in, 0 otherwise. */
static inline int ai_sched_gate_errno(u32 gate)
{
	if (gate & AI_GATE_GONE)
		return -ENODEV;
	return gate & AI_GATE_FAILED ? -EIO : 0;
}

int ai_sched_init(struct ai_sched_dev *sd, u32 depth, u32 lanes);
void ai_sched_groups_init(struct ai_sched_groups *gs);
void ai_sched_reweigh(struct ai_sched_dev *sd, const struct ai_group *who);
int ai_sched_tell(struct ai_sched_dev *sd, u64 from, struct cgroup *top,
		  struct ai_sched_report *r);
u64 ai_sched_total(struct ai_sched_dev *sd);
int ai_sched_port_open(struct ai_sched_port *port, struct ai_sched_dev *sd,
		       struct ai_group *who);
bool ai_sched_port_close(struct ai_sched_port *port);
void ai_sched_add_stats(struct arb_stats *to, const struct arb_stats *more);
void ai_sched_count(struct ai_sched_port *port, u32 cls,
		    const struct arb_stats *more);
int ai_sched_promise(struct ai_sched_port *port, const void *owner,
		     const struct ai_sched_wish *w, u32 *left_ppm);
void ai_sched_unpromise(struct ai_sched_port *port, const void *owner);
void ai_sched_unpromise_all(struct ai_sched_port *port);
void ai_sched_take_back(struct ai_sched_port *port, const void *owner);
struct arb_stream *ai_sched_promised(struct ai_sched_port *port,
				     const void *owner);
void ai_sched_tell_promises(const struct ai_sched_port *port,
			    struct arb_stats *sum, u32 *waiting, u32 *running);
u32 ai_sched_lend(struct ai_sched_port *port, struct arb_stream *lender,
		  struct arb_stream *borrower, u64 now);
void ai_sched_unlend(struct ai_sched_port *port, u32 loans, u64 now);
bool ai_sched_want_dispatch(struct ai_sched_dev *sd);
int ai_sched_enqueue(struct ai_sched_dev *sd, struct ai_sched_job *job, u64 now,
		     bool *kick);
bool ai_sched_dequeue(struct ai_sched_dev *sd, struct ai_sched_job *job,
		      const u64 *due, u64 now);
struct ai_sched_job *ai_sched_next(struct ai_sched_dev *sd, u64 now, bool enter);
void ai_sched_leave(struct ai_sched_dev *sd);
void ai_sched_started(struct ai_sched_dev *sd, struct ai_sched_job *job, u64 now);
bool ai_sched_ended(struct ai_sched_dev *sd, struct ai_sched_job *job, u64 ns,
		    u64 now);
void ai_sched_host_ended(struct ai_sched_port *port, u32 cls, u64 waited,
			 u64 ns, u64 late);
void ai_sched_pace(struct ai_sched_dev *sd, u32 speed, u64 now);
u64 ai_sched_block_ns(const struct ai_sched_dev *sd);
u32 ai_sched_halt(struct ai_sched_dev *sd, u32 bits);
void ai_sched_resume(struct ai_sched_dev *sd, u32 bits);
struct ai_sched_job *ai_sched_evict(struct ai_sched_dev *sd, u64 now);

#endif /* AIOFFLOAD_SCHED_H */
