// SPDX-License-Identifier: GPL-2.0
/*
 * The simplest honest policy: one queue per device, first come, first served.
 */
#include "sched.h"

void ai_sched_init(struct ai_sched_dev *sd, u32 depth)
{
	spin_lock_init(&sd->lock);
	INIT_LIST_HEAD(&sd->fifo);
	sd->gate = 0;
	atomic_set(&sd->inflight, 0);
	sd->depth = depth;
	sd->waiting = 0;
	sd->dispatching = false;
}

/* Gate and counters are read without the lock elsewhere, hence WRITE_ONCE. */
static void set_gate(struct ai_sched_dev *sd, u32 gate)
{
	WRITE_ONCE(sd->gate, gate);
}

static void unlink_job(struct ai_sched_dev *sd, struct ai_sched_job *job)
{
	list_del(&job->node);
	WRITE_ONCE(job->sd, NULL);
	WRITE_ONCE(sd->waiting, sd->waiting - 1);
	if (!sd->waiting)
		set_gate(sd, sd->gate & ~AI_GATE_WAITERS);
}

/* With sd->lock: is there a job, a credit for it, and an open way? */
static bool startable(const struct ai_sched_dev *sd)
{
	return sd->waiting && atomic_read(&sd->inflight) < sd->depth &&
	       !(sd->gate & AI_GATE_HALTED);
}

/* Should the caller start waiting jobs? Not if somebody does so already. */
bool ai_sched_want_dispatch(struct ai_sched_dev *sd)
{
	unsigned long flags;
	bool want;

	spin_lock_irqsave(&sd->lock, flags);
	want = !sd->dispatching && startable(sd);
	spin_unlock_irqrestore(&sd->lock, flags);
	return want;
}

/*
 * ai_sched_enqueue() - let a job wait for the device
 * @first:	before all others: it was taken from the device unfinished
 * @kick:	out: whether waiting jobs should be dispatched now
 *
 * Return: 0, or -ENODEV or -EIO if the device takes no more jobs.
 */
int ai_sched_enqueue(struct ai_sched_dev *sd, struct ai_sched_job *job,
		     bool first, bool *kick)
{
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&sd->lock, flags);
	*kick = false;
	ret = ai_sched_gate_errno(sd->gate);
	if (!ret) {
		if (first)
			list_add(&job->node, &sd->fifo);
		else
			list_add_tail(&job->node, &sd->fifo);
		WRITE_ONCE(job->sd, sd);
		WRITE_ONCE(sd->waiting, sd->waiting + 1);
		set_gate(sd, sd->gate | AI_GATE_WAITERS);
		smp_mb();	/* pairs with ai_sched_credit_put() */
		*kick = !sd->dispatching && startable(sd);
	}
	spin_unlock_irqrestore(&sd->lock, flags);
	return ret;
}

/* Take a waiting job back. False: it does not wait (any more). */
bool ai_sched_dequeue(struct ai_sched_dev *sd, struct ai_sched_job *job)
{
	unsigned long flags;
	bool waits;

	spin_lock_irqsave(&sd->lock, flags);
	waits = READ_ONCE(job->sd) == sd;
	if (waits)
		unlink_job(sd, job);
	spin_unlock_irqrestore(&sd->lock, flags);
	return waits;
}

/*
 * ai_sched_next() - the job to hand to the device now, with a credit
 * @enter:	true on the first call of a dispatch loop
 *
 * One loop at a time runs for a device: whoever comes while another one runs
 * gets NULL, and the running one sees what the newcomer changed. NULL ends the
 * loop; a loop that stops earlier calls ai_sched_leave().
 */
struct ai_sched_job *ai_sched_next(struct ai_sched_dev *sd, bool enter)
{
	struct ai_sched_job *job = NULL;
	unsigned long flags;

	spin_lock_irqsave(&sd->lock, flags);
	if (enter && sd->dispatching)
		goto out;
	if (startable(sd) && ai_sched_credit_take(sd)) {
		job = list_first_entry(&sd->fifo, struct ai_sched_job, node);
		unlink_job(sd, job);
	}
	sd->dispatching = job;
out:
	spin_unlock_irqrestore(&sd->lock, flags);
	return job;
}

void ai_sched_leave(struct ai_sched_dev *sd)
{
	unsigned long flags;

	spin_lock_irqsave(&sd->lock, flags);
	sd->dispatching = false;
	spin_unlock_irqrestore(&sd->lock, flags);
}

/* Shut the gate. Return: the bits that were set before. */
u32 ai_sched_halt(struct ai_sched_dev *sd, u32 bits)
{
	unsigned long flags;
	u32 old;

	spin_lock_irqsave(&sd->lock, flags);
	old = sd->gate;
	set_gate(sd, old | bits);
	spin_unlock_irqrestore(&sd->lock, flags);
	return old;
}

/* Open it. The caller then dispatches what waited. */
void ai_sched_resume(struct ai_sched_dev *sd, u32 bits)
{
	unsigned long flags;

	spin_lock_irqsave(&sd->lock, flags);
	set_gate(sd, sd->gate & ~bits);
	spin_unlock_irqrestore(&sd->lock, flags);
}

/* One waiting job out of a device that takes none any more, or NULL. */
struct ai_sched_job *ai_sched_evict(struct ai_sched_dev *sd)
{
	struct ai_sched_job *job = NULL;
	unsigned long flags;

	spin_lock_irqsave(&sd->lock, flags);
	if (sd->waiting) {
		job = list_first_entry(&sd->fifo, struct ai_sched_job, node);
		unlink_job(sd, job);
	}
	spin_unlock_irqrestore(&sd->lock, flags);
	return job;
}
