// SPDX-License-Identifier: GPL-2.0
/*
 * Between core and the arbiter: jobs that wait for a device, credits, the gate.
 */
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/time64.h>

#include "power.h"
#include "sched.h"

/* The arbiter's clock must not go back; those of two CPUs may differ a trifle. */
static u64 forward(struct ai_sched_dev *sd, u64 now)
{
	sd->now = max(sd->now, now);
	return sd->now;
}

int ai_sched_init(struct ai_sched_dev *sd, u32 depth, u32 lanes)
{
	struct arb_params params;

	arb_params_default(&params);
	window_init(&sd->window, depth, lanes);
	params.servers = sd->window.lanes;
	sd->gate = 0;
	atomic_set(&sd->inflight, 0);
	sd->credits = depth;
	spin_lock_init(&sd->lock);
	sd->waiting = 0;
	sd->dispatching = false;
	INIT_LIST_HEAD(&sd->closing);
	sd->now = 0;
	sd->longest_ns = 0;
	power_pace_init(&sd->pace);
	atomic64_set(&sd->host_ns, 0);
	ai_sched_groups_init(&sd->groups);
	return arb_init(&sd->arb, &params);
}

/* Gate and counters are read without the lock elsewhere, hence WRITE_ONCE. */
static void set_gate(struct ai_sched_dev *sd, u32 gate)
{
	WRITE_ONCE(sd->gate, gate);
}

static void waits(struct ai_sched_dev *sd, struct ai_sched_job *job)
{
	WRITE_ONCE(job->sd, sd);
	WRITE_ONCE(sd->waiting, sd->waiting + 1);
	set_gate(sd, sd->gate | AI_GATE_WAITERS);
}

static void waits_no_more(struct ai_sched_dev *sd, struct ai_sched_job *job)
{
	WRITE_ONCE(job->sd, NULL);
	WRITE_ONCE(sd->waiting, sd->waiting - 1);
	if (!sd->waiting)
		set_gate(sd, sd->gate & ~AI_GATE_WAITERS);
}

/*
 * With sd->lock: a job has stopped. If one that was taken at another's turn was
 * all that a closing port paid for, that can close now.
 */
static void stopped(struct ai_sched_dev *sd)
{
	struct ai_sched_port *port, *next;

	list_for_each_entry_safe(port, next, &sd->closing, closing) {
		if (ai_sched_port_pays(port))
			continue;
		list_del_init(&port->closing);
		queue_work(ai_wq, &port->close_work);
	}
}

/* With sd->lock: is there a job, a credit for it, and an open way? */
static bool startable(const struct ai_sched_dev *sd)
{
	return sd->waiting && atomic_read(&sd->inflight) < sd->credits &&
	       !(sd->gate & AI_GATE_SHUT);
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

static unsigned int ai_interactive_us = 1000;
module_param_named(interactive_us, ai_interactive_us, uint, 0644);
MODULE_PARM_DESC(interactive_us,
		 "Time's worth of jobs that a device may hold when interactive ones come, in us; 0: no bound");

/* With sd->lock: a job has come, to wait or to the device. */
static void came(struct ai_sched_dev *sd, const struct ai_sched_job *job)
{
	u64 us = READ_ONCE(ai_interactive_us);

	/* Who has the device to himself waits for nobody else. */
	if (job->stream->cls == ARB_INTERACTIVE && !sd->arb.alone)
		window_interactive(&sd->window, us ? us * NSEC_PER_USEC :
						     WINDOW_ANY, sd->now);
	ai_sched_resize(sd);
}

/* With sd->lock: the device gets it. */
static void begins(struct ai_sched_dev *sd, struct ai_sched_job *job)
{
	job->strange = !job->stream->stats.done;
	if (job->strange)
		window_stranger(&sd->window);
}

/* With sd->lock: the device has it no more. */
static void ends(struct ai_sched_dev *sd, struct ai_sched_job *job)
{
	if (job->strange)
		window_no_stranger(&sd->window);
	job->strange = false;
}

/*
 * ai_sched_enqueue() - let a job wait for the device
 * @job:	its stream set. One that was at the device before, and is not
 *		ended yet (ai_sched_ended()), waits before others of its stream.
 * @kick:	out: whether waiting jobs should be dispatched now
 *
 * Return: 0, or -ENODEV or -EIO if the device takes no more jobs.
 */
int ai_sched_enqueue(struct ai_sched_dev *sd, struct ai_sched_job *job, u64 now,
		     bool *kick)
{
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&sd->lock, flags);
	*kick = false;
	ret = ai_sched_gate_errno(sd->gate);
	if (!ret) {
		now = forward(sd, now);
		if (job->arb.state == ARB_JOB_RUNNING) {
			ends(sd, job);
			ret = arb_yield(&sd->arb, &job->arb, 0, now, 0);
			stopped(sd);
		} else {
			ret = arb_arrive(&sd->arb, job->stream, &job->arb, now,
					 job->due, 0);
		}
	}
	if (!ret) {
		came(sd, job);
		waits(sd, job);
		smp_mb();	/* pairs with ai_sched_credit_put() */
		*kick = !sd->dispatching && startable(sd);
	}
	spin_unlock_irqrestore(&sd->lock, flags);
	return ret;
}

/* With sd->lock: a waiting job won't run. */
static void withdraw(struct ai_sched_dev *sd, struct ai_sched_job *job, u64 now)
{
	arb_leave(&sd->arb, &job->arb, forward(sd, now));
	waits_no_more(sd, job);
}

/*
 * ai_sched_dequeue() - take a waiting job back
 * @due:	if not NULL, only if the time there has come
 *
 * Return: false if it does not wait (any more), or is not due.
 */
bool ai_sched_dequeue(struct ai_sched_dev *sd, struct ai_sched_job *job,
		      const u64 *due, u64 now)
{
	unsigned long flags;
	bool mine;

	spin_lock_irqsave(&sd->lock, flags);
	mine = READ_ONCE(job->sd) == sd && (!due || READ_ONCE(*due) <= now);
	if (mine)
		withdraw(sd, job, now);
	spin_unlock_irqrestore(&sd->lock, flags);
	return mine;
}

/* With sd->lock. The arbiter has one, since some wait. */
static struct ai_sched_job *pick(struct ai_sched_dev *sd, u64 now)
{
	struct arb_job *next = arb_pick(&sd->arb, forward(sd, now));
	struct ai_sched_job *job;

	if (WARN_ON_ONCE(!next))
		return NULL;
	job = container_of(next, struct ai_sched_job, arb);
	waits_no_more(sd, job);
	begins(sd, job);
	ai_sched_resize(sd);
	return job;
}

/*
 * ai_sched_next() - the job to hand to the device now, with a credit
 * @enter:	true on the first call of a dispatch loop
 *
 * One loop at a time runs for a device: whoever comes while another one runs
 * gets NULL, and the running one sees what the newcomer changed. NULL ends the
 * loop; a loop that stops earlier calls ai_sched_leave().
 */
struct ai_sched_job *ai_sched_next(struct ai_sched_dev *sd, u64 now, bool enter)
{
	struct ai_sched_job *job = NULL;
	unsigned long flags;

	spin_lock_irqsave(&sd->lock, flags);
	if (enter && sd->dispatching)
		goto out;
	if (startable(sd) && ai_sched_credit_take(sd))
		job = pick(sd, now);
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

/*
 * ai_sched_started() - the device works on a job
 *
 * It may have waited or not. The caller's until it returns.
 */
void ai_sched_started(struct ai_sched_dev *sd, struct ai_sched_job *job, u64 now)
{
	unsigned long flags;

	if (job->arb.state != ARB_JOB_OUT)
		return;
	spin_lock_irqsave(&sd->lock, flags);
	arb_start(&sd->arb, job->stream, &job->arb, forward(sd, now), job->due,
		  0);
	begins(sd, job);
	came(sd, job);
	spin_unlock_irqrestore(&sd->lock, flags);
}

/*
 * ai_sched_ended() - a job has left the device for good
 * @ns:	time of the device that it took
 *
 * Before its binding is let go. One that ai_sched_started() was never told of
 * and that did not wait is none of ours. Return: true if longer ones can be in
 * realtime's way than it was known when that was promised something.
 */
bool ai_sched_ended(struct ai_sched_dev *sd, struct ai_sched_job *job, u64 ns,
		    u64 now)
{
	unsigned long flags;
	bool longer;
	u64 at_full;

	if (job->arb.state == ARB_JOB_OUT)
		return false;
	spin_lock_irqsave(&sd->lock, flags);
	/* It may have gone faster, or slower, while the job ran. */
	at_full = power_pace_done(&sd->pace, now - ns, now);
	/* Forgotten by halves in 700 jobs. */
	longer = at_full > sd->longest_ns && sd->arb.density;
	sd->longest_ns -= sd->longest_ns >> 10;
	sd->longest_ns = max(sd->longest_ns, at_full);
	window_ran(&sd->window, ns);
	/* Runtimes were promised of a device at full speed. */
	if (job->stream->cls == ARB_REALTIME)
		ns = at_full;
	arb_done(&sd->arb, &job->arb, ns, forward(sd, now));
	ends(sd, job);
	ai_sched_resize(sd);
	stopped(sd);
	spin_unlock_irqrestore(&sd->lock, flags);
	return longer;
}

/* The device works at another speed, in thousandths. */
void ai_sched_pace(struct ai_sched_dev *sd, u32 speed, u64 now)
{
	unsigned long flags;

	spin_lock_irqsave(&sd->lock, flags);
	power_pace_set(&sd->pace, speed, now);
	spin_unlock_irqrestore(&sd->lock, flags);
}

/*
 * What a realtime job may find in its way, at full speed. With sd->lock. All that
 * the device holds at a time is handed over in order, and none of it gives way.
 */
u64 ai_sched_block_ns(const struct ai_sched_dev *sd)
{
	/* For interactive jobs the window is smaller for a while, not for good. */
	return sd->longest_ns * DIV_ROUND_UP(window_size(&sd->window, U64_MAX),
					     sd->window.lanes);
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

/*
 * One waiting job out of a device that takes none any more, or NULL. Whoever's
 * turn it is: it won't run, so it counts for nothing.
 */
struct ai_sched_job *ai_sched_evict(struct ai_sched_dev *sd, u64 now)
{
	struct ai_sched_job *job = NULL;
	struct arb_job *next;
	unsigned long flags;

	spin_lock_irqsave(&sd->lock, flags);
	next = arb_any(&sd->arb);
	if (next) {
		job = container_of(next, struct ai_sched_job, arb);
		withdraw(sd, job, now);
	}
	spin_unlock_irqrestore(&sd->lock, flags);
	return job;
}

/*
 * ai_sched_lend() - let the jobs of one stream run at the turn of another
 * @port:	the lender's
 * @lender:	one of its streams; has a job that waits for one of @borrower's
 * @borrower:	a stream of the same device, which stays until it is taken back
 *
 * Any context. Return: what ai_sched_unlend() takes, once; 0 if there is nothing
 * to lend, as it is the same stream, or too much is lent already. The job then
 * waits all the same.
 */
u32 ai_sched_lend(struct ai_sched_port *port, struct arb_stream *lender,
		  struct arb_stream *borrower, u64 now)
{
	struct ai_sched_dev *sd = port->sd;
	struct ai_sched_loan *l, *free = NULL;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&sd->lock, flags);
	for (i = 0; i < AI_PORT_LOANS; i++) {
		l = &port->loans[i];
		if (!l->refs)
			free = free ?: l;
		else if (l->arb.lender == lender && l->arb.borrower == borrower)
			break;
	}
	if (i == AI_PORT_LOANS) {
		l = free;
		if (l && arb_lend(&sd->arb, &l->arb, lender, borrower,
				  forward(sd, now)))
			l = NULL;
	}
	if (l)
		l->refs++;
	spin_unlock_irqrestore(&sd->lock, flags);
	return l ? BIT(l - port->loans) : 0;
}

/* @loans: of one or several calls, for different streams */
void ai_sched_unlend(struct ai_sched_port *port, u32 loans, u64 now)
{
	struct ai_sched_dev *sd = port->sd;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&sd->lock, flags);
	for (i = 0; i < AI_PORT_LOANS; i++)
		if (loans & BIT(i) && !--port->loans[i].refs)
			arb_unlend(&sd->arb, &port->loans[i].arb,
				   forward(sd, now));
	spin_unlock_irqrestore(&sd->lock, flags);
}
