/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which job next, on which device. Asked by core; knows jobs, devices and
 * time, never files, ioctls or models.
 *
 * A device has queue_depth credits. Whoever hands it a job holds one from
 * before ->submit() until the job has ended; a caller that submits many jobs
 * which end at once keeps the same credit for all of them. Jobs that get none
 * wait here.
 */
#ifndef AIOFFLOAD_SCHED_H
#define AIOFFLOAD_SCHED_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* Why a job may not simply be handed to a device. 0: it may. */
#define AI_GATE_WAITERS		BIT(0)	/* others wait already */
#define AI_GATE_RESETTING	BIT(1)	/* jobs wait until it is over */
#define AI_GATE_FAILED		BIT(2)	/* jobs end with -EIO */
#define AI_GATE_GONE		BIT(3)	/* jobs end with -ENODEV */
#define AI_GATE_CLOSED		(AI_GATE_FAILED | AI_GATE_GONE)
#define AI_GATE_HALTED		(AI_GATE_CLOSED | AI_GATE_RESETTING)

/**
 * struct ai_sched_dev - a device as the scheduler sees it
 * @gate:	AI_GATE_*; written with @lock, read without
 * @inflight:	credits that are out
 * @depth:	credits there are
 * @lock:	guards the rest; taken in interrupts
 * @waiting:	jobs in @fifo
 * @dispatching: somebody is in ai_sched_next()'s loop and will look again
 * @fifo:	waiting jobs, struct ai_sched_job.node
 */
struct ai_sched_dev {
	u32 gate;
	int depth;
	atomic_t inflight;
	spinlock_t lock;	/* gate (writers), waiting, dispatching, fifo */
	u32 waiting;
	bool dispatching;
	struct list_head fifo;
};

/**
 * struct ai_sched_job - a job as the scheduler sees it
 * @node:	in the fifo of @sd
 * @sd:		where it waits, or NULL. Only a holder of that device's lock
 *		writes that device's address here or takes it away, so holding
 *		the lock, comparing is enough, even if the job is not the
 *		caller's.
 */
struct ai_sched_job {
	struct list_head node;
	struct ai_sched_dev *sd;
};

static inline u32 ai_sched_gate(const struct ai_sched_dev *sd)
{
	return READ_ONCE(sd->gate);
}

/* Jobs that a new one would find before it. A hint: read without the lock. */
static inline u32 ai_sched_backlog(const struct ai_sched_dev *sd)
{
	return atomic_read(&sd->inflight) + READ_ONCE(sd->waiting);
}

/* One credit, if there is one. */
static inline bool ai_sched_credit_take(struct ai_sched_dev *sd)
{
	int n = atomic_read(&sd->inflight);

	do {
		if (unlikely(n >= sd->depth))
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

/* -ENODEV or -EIO for a gate that lets no job in, 0 otherwise. */
static inline int ai_sched_gate_errno(u32 gate)
{
	if (gate & AI_GATE_GONE)
		return -ENODEV;
	return gate & AI_GATE_FAILED ? -EIO : 0;
}

void ai_sched_init(struct ai_sched_dev *sd, u32 depth);
bool ai_sched_want_dispatch(struct ai_sched_dev *sd);
int ai_sched_enqueue(struct ai_sched_dev *sd, struct ai_sched_job *job,
		     bool first, bool *kick);
bool ai_sched_dequeue(struct ai_sched_dev *sd, struct ai_sched_job *job);
struct ai_sched_job *ai_sched_next(struct ai_sched_dev *sd, bool enter);
void ai_sched_leave(struct ai_sched_dev *sd);
u32 ai_sched_halt(struct ai_sched_dev *sd, u32 bits);
void ai_sched_resume(struct ai_sched_dev *sd, u32 bits);
struct ai_sched_job *ai_sched_evict(struct ai_sched_dev *sd);

#endif /* AIOFFLOAD_SCHED_H */
