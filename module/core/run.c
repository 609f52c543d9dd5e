// SPDX-License-Identifier: GPL-2.0
/*
 * RUN: one job, now. In the caller's own context if the device can do that,
 * otherwise submitted and waited for.
 */
#include <linux/sched/signal.h>

#include "activity.h"
#include "queue.h"

/* How often a job that will not end is looked at again. */
#define AI_RUN_POLL	(HZ / 50 + 1)

/*
 * Asked by a job in ->run() through ai_job_cancelled(). It runs in the context
 * of the caller, so current is who would be killed; or, if it came from a queue,
 * on a thread of ours: then core watches over it.
 */
bool ai_job_sync_cancelled(const struct ai_job *job)
{
	struct ai_request *rq = ai_rq_of((struct ai_job *)job);

	if (READ_ONCE(rq->dev->stopping))
		return true;
	if (rq->queue) {
		ai_host_stretch(rq);
		return false;
	}
	return ai_now() >= rq->deadline || fatal_signal_pending(current);
}
EXPORT_SYMBOL_GPL(ai_job_sync_cancelled);

/* A job in ->run() that failed: because it was told to stop? */
static int sync_status(const struct ai_request *rq, int status)
{
	if (READ_ONCE(rq->dev->stopping))
		return -ENODEV;
	if (ai_now() >= rq->deadline)
		return -ETIME;
	if (fatal_signal_pending(current))
		return -EINTR;
	return IS_ERR_VALUE((long)status) ? status : -EIO;
}

/* It has ended without going its own way; @began: 0 if it never did at all. */
static void ended(struct ai_request *rq, u64 began, int status)
{
	if (began)
		ai_activity_count(rq->dev, status);
	ai_exec_count(rq->binding, began ? rq->dev->id : AIOFFLOAD_DEVICE_ANY,
		      status);
	ai_rq_settle(rq, began, status);
}

/* -EAGAIN: the device has no room, submit it. */
static int run_sync(struct ai_request *rq, u64 now)
{
	struct ai_device *dev = rq->dev;
	int ret;

	if (unlikely(!percpu_ref_tryget_live(&dev->users))) {
		ended(rq, 0, -ENODEV);
		return -ENODEV;
	}
	rq->job.sync = true;
	ai_activity_begin(dev, now);
	ret = dev->ops.run(dev, &rq->job);
	ai_activity_end(dev);
	if (unlikely(ret && ret != -EAGAIN))
		ret = sync_status(rq, ret);
	if (ret != -EAGAIN)
		ended(rq, now, ret);
	percpu_ref_put(&dev->users);
	return ret;
}

/*
 * Wait for a submitted job. The request is on our stack, so we can't leave
 * before it has ended, killed or not: cancel it, and if it does not heed that,
 * have the device reset.
 */
static int wait_for(struct ai_request *rq)
{
	u64 now = ai_now();
	long ret = 0;
	int why;

	while (!ret && now < rq->deadline) {
		ret = wait_for_completion_killable_timeout(rq->done,
							   ai_delay(now, rq->deadline));
		now = ai_now();
	}
	if (ret > 0)
		return rq->status;
	why = ret < 0 ? -EINTR : -ETIME;
	/* A killed caller's budget ends here, and its device's patience soon. */
	WRITE_ONCE(rq->deadline, min(now, rq->deadline));
	do {
		ai_rq_cancel(rq, why, false);
		ai_rq_escalate(rq);
	} while (!wait_for_completion_timeout(rq->done, AI_RUN_POLL));
	return rq->status;
}

/* What is left to do for a job, where it is not an errno or 0 (done). */
#define RUN_WAIT	1	/* it was submitted */
#define RUN_SYNC	2	/* it can run here; its binding is pinned */

/* Hand it over, as RCU-sched reader. */
static int submit(struct ai_request *rq, u64 now)
{
	struct ai_device *dev = rq->dev;
	int status;

	rq->job.sync = false;
	rq->due = 0;
	init_completion(rq->done);
	if (unlikely(!ai_credit_get(dev, now))) {
		status = ai_rq_enqueue(rq);
		if (!status)
			return RUN_WAIT;
		ended(rq, 0, status);
		return status;
	}
	if (unlikely(!ai_rq_start(rq)))
		return RUN_WAIT;
	status = ai_rq_status(rq);
	ended(rq, now, status);
	ai_credit_put(dev);
	return status;
}

/* Rights, budget, quota: may it start? */
static int admit(struct ai_ctx *ctx, struct ai_request *rq)
{
	struct ai_group *metered;
	int ret;

	ret = ai_job_may(ctx, rq->binding, rq->dev, AI_RIGHT_EXEC);
	if (unlikely(ret))
		goto refused;
	metered = ai_sec_metered(&ctx->sec);
	if (likely(!metered))
		return 0;
	ret = ai_quota_job_start(metered);
	if (ret)
		goto refused;
	rq->metered = metered;
	return 0;

refused:
	ended(rq, 0, ret);
	return ret;
}

/* Those that wait for a device in the host have threads of their own. */
static bool can_run_here(const struct ai_device *dev)
{
	u32 gate = ai_sched_gate(&dev->sched);

	return dev->caps & AIOFFLOAD_CAP_SYNC &&
	       (likely(!gate) || (dev->host && gate == AI_GATE_WAITERS));
}

/*
 * As RCU-sched reader, which protects the binding. It is pinned only where the
 * reader ends before the job does: by ai_rq_start() for a job that goes its own
 * way, here for one in ->run(), which may sleep.
 * @left: lowered to the number of devices that there are for the job, once it
 *	may go to one
 */
static int start(struct ai_ctx *ctx, const struct aioffload_run *k,
		 struct ai_request *rq, u64 now, u32 *left)
{
	struct ai_binding *b = ai_ctx_slot(ctx, k->slot);
	u64 deadline;
	int ret;

	if (unlikely(!b))
		return -ENOENT;
	if (unlikely(!ai_samples_ok(b->samples, k->first, k->count)))
		return -EINVAL;
	deadline = now + ai_budget(k->timeout_ns, b->max_job_ns);
	ai_rq_fill(rq, b, ai_target_of(ctx, b, k->count, AIOFFLOAD_QOS_NORMAL,
				       PLACE_LATENCY, deadline));
	rq->job.first = k->first;
	rq->job.count = k->count;
	rq->deadline = deadline;
	ret = admit(ctx, rq);
	if (unlikely(ret))
		return ret;
	*left = min(*left, b->nr_targets);
	if (unlikely(b->nr_targets > 1)) {
		ai_place_scope(ctx, rq);
		ai_place_sets_out(rq);
	}
	if (can_run_here(rq->dev)) {
		refcount_inc(&b->refs);
		return RUN_SYNC;
	}
	return submit(rq, now);
}

/* The device may have no room at the moment: then it is submitted after all. */
static int run_here(struct ai_request *rq, u64 now)
{
	struct ai_binding *b = rq->binding;
	int ret = run_sync(rq, now);

	if (unlikely(ret == -EAGAIN)) {
		rcu_read_lock_sched();
		ret = submit(rq, now);
		rcu_read_unlock_sched();
		if (ret == RUN_WAIT)
			ret = wait_for(rq);
	}
	ai_binding_put(b);
	return ret;
}

long ai_ctx_run(struct ai_ctx *ctx, void __user *uarg)
{
	/* Filled as needed; they need not be cleared by the compiler first. */
	struct completion done __uninitialized;
	struct ai_request rq __uninitialized;
	struct aioffload_run k __uninitialized;
	u32 left = U32_MAX;
	u64 now;
	int ret;

	ret = ai_copy_in_fast(&k, sizeof(k), uarg);
	if (unlikely(ret))
		return ret;
	if (unlikely(k.flags || k.reserved))
		return -EINVAL;

	now = ai_now();
again:
	rq.queue = NULL;
	rq.qos = AIOFFLOAD_QOS_NORMAL;
	rq.done = &done;
	rq.sched.sd = NULL;
	rq.sched.arb.state = ARB_JOB_OUT;
	rcu_read_lock_sched();
	ret = start(ctx, &k, &rq, now, &left);
	rcu_read_unlock_sched();
	if (ret == RUN_SYNC)
		ret = run_here(&rq, now);
	else if (unlikely(ret == RUN_WAIT))
		ret = wait_for(&rq);
	/* The device went away under it: there may be others. */
	if (unlikely(ret == -ENODEV && left != U32_MAX && --left))
		goto again;
	return ret;
}
