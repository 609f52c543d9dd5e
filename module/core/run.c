// SPDX-License-Identifier: GPL-2.0
/*
 * RUN: one job, now. In the caller's own context if the device can do that,
 * otherwise submitted and waited for.
 */
#include <linux/sched/signal.h>

#include "activity.h"
#include "internal.h"

/* How often a job that will not end is looked at again. */
#define AI_RUN_POLL	(HZ / 50 + 1)

/*
 * Asked by a job in ->run() through ai_job_cancelled(). It runs in the context
 * of the caller, so current is who would be killed.
 */
bool ai_job_sync_cancelled(const struct ai_job *job)
{
	const struct ai_request *rq = container_of_const(job, struct ai_request,
							 job);

	return READ_ONCE(rq->dev->stopping) ||
	       ai_now() >= rq->deadline ||
	       fatal_signal_pending(current);
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
	ai_rq_settle(rq, began);
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

	ret = ai_job_may(ctx, rq->binding, rq->dev);
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

/*
 * As RCU-sched reader, which protects the binding. It is pinned only where the
 * reader ends before the job does: by ai_rq_start() for a job that goes its own
 * way, here for one in ->run(), which may sleep.
 */
static int start(struct ai_ctx *ctx, const struct aioffload_run *k,
		 struct ai_request *rq, u64 now)
{
	struct ai_binding *b = ai_ctx_slot(ctx, k->slot);
	int ret;

	if (unlikely(!b))
		return -ENOENT;
	if (unlikely(!ai_samples_ok(b->samples, k->first, k->count)))
		return -EINVAL;
	ai_rq_fill(rq, b, ai_target_of(ctx, b));
	rq->job.first = k->first;
	rq->job.count = k->count;
	rq->deadline = now + ai_budget(k->timeout_ns, b->max_job_ns);
	ret = admit(ctx, rq);
	if (unlikely(ret))
		return ret;
	if (rq->dev->caps & AIOFFLOAD_CAP_SYNC &&
	    likely(!ai_sched_gate(&rq->dev->sched))) {
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
	u64 now;
	int ret;

	ret = ai_copy_in_fast(&k, sizeof(k), uarg);
	if (unlikely(ret))
		return ret;
	if (unlikely(k.flags || k.reserved))
		return -EINVAL;

	now = ai_now();
	rq.queue = NULL;
	rq.done = &done;
	rq.sched.sd = NULL;
	rcu_read_lock_sched();
	ret = start(ctx, &k, &rq, now);
	rcu_read_unlock_sched();
	if (ret == RUN_SYNC)
		return run_here(&rq, now);
	if (unlikely(ret == RUN_WAIT))
		return wait_for(&rq);
	return ret;
}
