// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a request between core and driver: start, complete, end, cancel.
 * Who owns it when is written down in internal.h.
 */
#include <linux/sched/signal.h>

#include "activity.h"
#include "queue.h"

/* A credit came back while the gate was not open: who has waited for it? */
void ai_credit_awaited(struct ai_device *dev)
{
	if (ai_sched_want_dispatch(&dev->sched))
		ai_dispatch(dev);
	else if (ai_sched_gate(&dev->sched) & AI_GATE_HALTED &&
		 !atomic_read(&dev->sched.inflight))
		wake_up_all(&dev->drained);
}

/* What the owner is told, which is not always what the driver said. */
int ai_rq_failed(const struct ai_request *rq)
{
	if (ai_sched_gate(&rq->dev->sched) & AI_GATE_GONE)
		return -ENODEV;
	if (READ_ONCE(rq->why))
		return READ_ONCE(rq->why);
	/* A driver that answers nonsense has failed the job. */
	return IS_ERR_VALUE((long)rq->status) ? rq->status : -EIO;
}

/*
 * Before a request goes its own way: others may end it from then on. One that
 * had to wait comes here again when it is dispatched, and finds its queue
 * shared.
 */
static void pin(struct ai_request *rq)
{
	refcount_inc(&rq->binding->refs);
	if (rq->queue && READ_ONCE(rq->queue->alone))
		ai_queue_share(rq->queue);
}

/* The arbiter hears, if it knows of it, that a job has left its device. */
void ai_rq_left(struct ai_request *rq)
{
	u64 since = READ_ONCE(rq->job.begun_ns) ?: rq->start_ns;
	u64 now = ai_now();

	/* Of two CPUs' clocks one may be a trifle behind. */
	if (ai_sched_ended(&rq->dev->sched, &rq->sched,
			   since && since < now ? now - since : 0, now))
		ai_freq_again(rq->dev);
}

/*
 * The rest of ai_rq_start(): ->submit() has returned @ret, and if that is 0 the
 * request was still the driver's a moment ago.
 */
bool ai_rq_start_slow(struct ai_request *rq, int ret)
{
	if (ret) {
		rq->status = ret;
		rq->state = AI_RQ_DONE;
		return true;
	}
	/*
	 * Asynchronous. Only now is the clock read and the binding pinned. The
	 * driver may complete it at any moment, but until the cmpxchg that
	 * merely sets the state.
	 */
	WRITE_ONCE(rq->start_ns, ai_now());
	pin(rq);
	/* Between the host's jobs its own scheduler decides. */
	if (!rq->dev->host) {
		ai_rq_route(rq);
		ai_sched_started(&rq->dev->sched, &rq->sched, rq->start_ns);
	}
	if (cmpxchg(&rq->state, AI_RQ_HELD, AI_RQ_INFLIGHT) == AI_RQ_HELD)
		return false;
	ai_rq_left(rq);
	ai_binding_put(rq->binding);
	return true;
}

/*
 * ai_rq_enqueue() - let a request wait for its device
 *
 * Return: 0, the scheduler has it; or an errno, it is still the caller's.
 */
int ai_rq_enqueue(struct ai_request *rq)
{
	struct ai_device *dev = rq->dev;
	struct ai_binding *b = rq->binding;
	bool kick;
	int ret;

	pin(rq);
	ai_rq_route(rq);
	/* Whoever sees it waiting (ai_rq_cancel()) sees where. */
	smp_store_release(&rq->state, AI_RQ_WAITING);
	ret = ai_sched_enqueue(&dev->sched, &rq->sched, ai_now(), &kick);
	if (unlikely(ret && rq->placed && ai_place_again(rq, 0, ret)))
		return 0;
	if (ret) {
		rq->state = AI_RQ_DONE;
		ai_binding_put(b);
		return ret;
	}
	ai_pm_awaited(dev);
	if (kick)
		ai_dispatch(dev);
	return 0;
}

/* Tell the owner. The request is the owner's again. */
static void report(struct ai_request *rq, int status, bool ran)
{
	u64 ns = 0;

	ai_activity_count(rq->dev, status);
	ai_exec_count(rq->binding, ran ? rq->dev->id : AIOFFLOAD_DEVICE_ANY,
		      status);
	/* Waiting for a thread of one's own is not use of the device. */
	ai_rq_settle(rq, rq->dev->host ? rq->job.begun_ns : rq->start_ns,
		     status);
	if (!rq->queue) {
		rq->status = status;
		complete(rq->done);
		return;
	}
	if (rq->start_ns)
		ns = ai_now() - rq->start_ns;
	ai_queue_complete(rq->queue, rq, status,
			  ran ? rq->dev->id : AIOFFLOAD_DEVICE_ANY, ns);
}

/* End a request that waited: nobody has it now. No credit, one binding. */
void ai_rq_end_waiting(struct ai_request *rq, int status)
{
	struct ai_binding *b = rq->binding;

	rq->state = AI_RQ_DONE;
	rq->start_ns = 0;
	rq->job.begun_ns = 0;
	report(rq, status, false);
	ai_binding_put(b);
}

/*
 * A device that goes away takes its jobs along, and one that is reset ends all
 * of them, yet only one had overstayed: the others are started again, on another
 * device if there is one, otherwise there, once.
 */
static bool requeue(struct ai_request *rq)
{
	struct ai_device *dev = rq->dev;
	bool kick;

	if (unlikely(rq->placed && rq->status) &&
	    ai_place_again(rq, rq->start_ns, rq->status))
		return true;
	if (rq->status != -EIO || rq->retried || READ_ONCE(rq->why) ||
	    !(ai_sched_gate(&dev->sched) & AI_GATE_RESETTING))
		return false;
	rq->retried = true;
	rq->start_ns = 0;
	smp_store_release(&rq->state, AI_RQ_WAITING);	/* as above */
	/* Keeps its reference on the binding. Not kicked: gate is shut. */
	if (!ai_sched_enqueue(&dev->sched, &rq->sched, ai_now(), &kick))
		return true;
	rq->state = AI_RQ_DONE;
	return false;
}

/*
 * ai_rq_finish() - end a request that was INFLIGHT
 * @rq:	DONE; has a credit and a reference on its binding. Any context.
 */
void ai_rq_finish(struct ai_request *rq)
{
	struct ai_device *dev = rq->dev;
	struct ai_binding *b = rq->binding;

	/*
	 * The last credit may be all that an unregistering device waits for,
	 * and a requeued job takes its reference along: a reader, so that the
	 * device is there to the end.
	 */
	rcu_read_lock_sched();
	if (likely(!requeue(rq))) {
		ai_rq_left(rq);
		report(rq, ai_rq_status(rq), true);
		ai_credit_put(dev);
		ai_binding_put(b);
	} else {
		ai_credit_put(dev);
	}
	rcu_read_unlock_sched();
}

static void complete_slow(struct ai_device *dev, struct ai_request *rq,
			  int state)
{
	while (state == AI_RQ_HELD || state == AI_RQ_INFLIGHT) {
		if (!try_cmpxchg(&rq->state, &state, AI_RQ_DONE))
			continue;
		if (state == AI_RQ_INFLIGHT)
			ai_rq_finish(rq);
		return;
	}
	WARN_ONCE(1, "%s: completed a job that it does not have\n",
		  ai_device_name(dev));
}

void ai_job_complete(struct ai_device *dev, struct ai_job *job, int status)
{
	struct ai_request *rq = ai_rq_of(job);
	int state = AI_RQ_HELD;

	/* Before the state: whoever sees DONE also sees it. */
	rq->status = status;
	/* Within ->submit() or ->cancel(): whoever called that ends it. */
	if (likely(try_cmpxchg(&rq->state, &state, AI_RQ_DONE)))
		return;
	complete_slow(dev, rq, state);
}
EXPORT_SYMBOL_GPL(ai_job_complete);

/* A dispatched request ended within ->submit(). */
static void finish_started(struct ai_request *rq, u64 began)
{
	struct ai_device *dev = rq->dev;
	struct ai_binding *b = rq->binding;

	ai_sched_ended(&dev->sched, &rq->sched, 0, began);
	ai_rq_settle(rq, began, ai_rq_status(rq));
	report(rq, ai_rq_status(rq), true);
	ai_credit_put(dev);
	ai_binding_put(b);
}

/*
 * ai_rq_go() - what a request waited for has come: on to its device
 * @rq:	the caller's, with a reference on its binding; shared with its queue
 */
void ai_rq_go(struct ai_request *rq)
{
	struct ai_binding *b = rq->binding;
	u64 now = ai_now();
	int ret;

	rcu_read_lock_sched();
	if (b->nr_targets > 1)
		ai_place_sets_out(rq);
	if (!ai_credit_get(rq->dev, now)) {
		ret = ai_rq_enqueue(rq);
		if (ret)
			ai_rq_end_waiting(rq, ret);
		else
			ai_binding_put(b);
	} else if (ai_rq_start(rq)) {
		finish_started(rq, now);
	} else {
		ai_binding_put(b);
	}
	rcu_read_unlock_sched();
}

/*
 * ai_dispatch() - start waiting jobs while there are credits
 *
 * Any context. One dispatcher runs for a device at a time and is never
 * preempted, so nobody waits for it long; after a batch it passes the rest to
 * a worker, so that one caller does not serve all others for ever.
 */
void ai_dispatch(struct ai_device *dev)
{
	struct ai_sched_job *sj;
	unsigned int n = 0;
	u64 now = ai_now();

	rcu_read_lock_sched();
	sj = ai_sched_next(&dev->sched, now, true);
	while (sj) {
		struct ai_request *rq =
			container_of(sj, struct ai_request, sched);
		struct ai_binding *b = rq->binding;

		ai_activity_begin(dev, now);
		/* It has one reference from waiting; ai_rq_start() takes its own. */
		if (ai_rq_start(rq))
			finish_started(rq, now);
		else
			ai_binding_put(b);
		if (++n == AI_DISPATCH_BATCH) {
			ai_sched_leave(&dev->sched);
			queue_work(ai_job_wq, &dev->dispatch_work);
			break;
		}
		now = ai_now();
		sj = ai_sched_next(&dev->sched, now, false);
	}
	rcu_read_unlock_sched();
}

void ai_device_dispatch_work(struct work_struct *work)
{
	ai_dispatch(container_of(work, struct ai_device, dispatch_work));
}

/* Every job that waits for a device which takes none any more goes or ends. */
void ai_device_evict(struct ai_device *dev)
{
	int status = ai_sched_gate_errno(ai_sched_gate(&dev->sched));
	struct ai_sched_job *sj;

	while ((sj = ai_sched_evict(&dev->sched, ai_now()))) {
		struct ai_request *rq =
			container_of(sj, struct ai_request, sched);

		if (!rq->placed || !ai_place_again(rq, 0, status))
			ai_rq_end_waiting(rq, status);
		cond_resched();
	}
}

static void cancel_waiting(struct ai_request *rq, int why, bool overdue_only)
{
	struct ai_device *dev = READ_ONCE(rq->dev);

	/* If not: on its way to the device, or another job by now. */
	if (ai_sched_dequeue(&dev->sched, &rq->sched,
			     overdue_only ? &rq->deadline : NULL, ai_now()))
		ai_rq_end_waiting(rq, why);
}

/* Back to the driver, unless that has completed it meanwhile. */
static void let_go(struct ai_request *rq)
{
	if (cmpxchg(&rq->state, AI_RQ_HELD, AI_RQ_INFLIGHT) != AI_RQ_HELD)
		ai_rq_finish(rq);
}

/*
 * A job at its device is to be ended for its budget. The model is to blame, not
 * its user, if it was one sample and the device worked on it for as long as the
 * signer, or the system, gives a job: neither less by the caller's choice, nor
 * partly spent on waiting for others, which devices may have before it, or which
 * the host's scheduler prefers. And only
 * if the job is of the group that loaded the model: who was lent it could
 * otherwise take it from the lender. Jobs in ->run() don't come here: they go at
 * the pace of their caller, which he may stop. A little less than the budget
 * will do, since that began somewhat before.
 */
static void overstayed(struct ai_request *rq)
{
	struct ai_binding *b = rq->binding;
	u64 begun = READ_ONCE(rq->job.begun_ns);
	u64 budget = ai_budget(b->max_job_ns == U64_MAX ? 0 : b->max_job_ns,
			       U64_MAX);
	u64 used;

	if (!b->own_model || rq->job.count != 1 || !begun)
		return;
	used = rq->dev->host ? ai_host_used(rq) : ai_now() - begun;
	if (used >= budget - budget / 8)
		ai_sec_model_timed_out(&b->model->sec);
}

static void cancel_inflight(struct ai_request *rq, int why, bool overdue_only)
{
	struct ai_device *dev;

	if (cmpxchg(&rq->state, AI_RQ_INFLIGHT, AI_RQ_HELD) != AI_RQ_INFLIGHT)
		return;
	/* HELD: it stays the same job until it is let go. */
	dev = rq->dev;
	if (!overdue_only || ai_now() >= rq->deadline) {
		if (!rq->why) {
			WRITE_ONCE(rq->why, why);
			if (why == -ETIME)
				overstayed(rq);
		}
		WRITE_ONCE(rq->job.cancelled, true);
		if (!rq->cancel_sent && dev->ops.cancel &&
		    !(ai_sched_gate(&dev->sched) & AI_GATE_HALTED)) {
			rq->cancel_sent = true;
			dev->ops.cancel(dev, &rq->job);
		}
	}
	let_go(rq);
}

/*
 * ai_rq_cancel() - make a request end soon
 * @rq:		may end, and be used anew by its queue, at any moment
 * @why:	what its owner is told, unless it still succeeds
 * @overdue_only: leave it alone unless its budget is spent
 *
 * Not certain to work: a request that is just being handed over is left alone.
 * So whoever needs it gone calls this again until it is.
 */
void ai_rq_cancel(struct ai_request *rq, int why, bool overdue_only)
{
	rcu_read_lock_sched();
	/* Pairs with the release where it begins to wait: rq->dev is valid. */
	switch (smp_load_acquire(&rq->state)) {
	case AI_RQ_FENCED:
		ai_fence_cancel(rq, why, overdue_only);
		break;
	case AI_RQ_WAITING:
		cancel_waiting(rq, why, overdue_only);
		break;
	case AI_RQ_INFLIGHT:
		cancel_inflight(rq, why, overdue_only);
		break;
	default:
		break;
	}
	rcu_read_unlock_sched();
}

/* Have the device reset of a request that does not end. Once it is certain. */
void ai_rq_escalate(struct ai_request *rq)
{
	rcu_read_lock_sched();
	if (cmpxchg(&rq->state, AI_RQ_INFLIGHT, AI_RQ_HELD) == AI_RQ_INFLIGHT) {
		/* HELD: the same job until it is let go. */
		if (ai_now() >= rq->deadline + ai_grace())
			ai_device_reset_async(rq->dev);
		let_go(rq);
	}
	rcu_read_unlock_sched();
}
