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

/* -EAGAIN: the device has no room, submit it. */
static int run_sync(struct ai_request *rq, u64 now)
{
	struct ai_device *dev = rq->dev;
	int ret;

	if (unlikely(!percpu_ref_tryget_live(&dev->users)))
		return -ENODEV;
	rq->job.sync = true;
	ai_activity_begin(dev, now);
	ret = dev->ops.run(dev, &rq->job);
	ai_activity_end(dev);
	if (unlikely(ret && ret != -EAGAIN))
		ret = sync_status(rq, ret);
	if (ret != -EAGAIN)
		ai_activity_count(dev, ret);
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
	u64 reset_at;
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
	reset_at = now + ai_grace();
	do {
		ai_rq_cancel(rq, why, false);
		if (ai_now() >= reset_at) {
			rcu_read_lock_sched();
			ai_device_reset_async(rq->dev);
			rcu_read_unlock_sched();
		}
	} while (!wait_for_completion_timeout(rq->done, AI_RUN_POLL));
	return rq->status;
}

/* Hand it over. Return: 1 if it has to be waited for, or its status. */
static int submit(struct ai_request *rq, u64 now)
{
	struct ai_device *dev = rq->dev;
	int status;

	rq->job.sync = false;
	if (!ai_credit_get(dev, now))
		return ai_rq_enqueue(rq) ?: 1;
	rq->state = AI_RQ_HELD;
	if (!ai_rq_start(rq))
		return 1;
	status = ai_rq_status(rq);
	ai_activity_count(dev, status);
	ai_credit_put(dev);
	return status;
}

static int check_run(const struct aioffload_run *k)
{
	return k->flags || k->reserved ? -EINVAL : 0;
}

long ai_ctx_run(struct ai_ctx *ctx, void __user *uarg)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct ai_request rq;
	struct aioffload_run k;
	struct ai_binding *b;
	u64 now;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (unlikely(ret))
		return ret;
	ret = check_run(&k);
	if (unlikely(ret))
		return ret;

	rcu_read_lock_sched();
	b = ai_ctx_slot(ctx, k.slot);
	if (unlikely(!b)) {
		rcu_read_unlock_sched();
		return -ENOENT;
	}
	refcount_inc(&b->refs);
	rcu_read_unlock_sched();

	ret = -EINVAL;
	if (unlikely(!ai_binding_has(b, k.first, k.count)))
		goto out;
	ai_rq_fill(&rq, b, ai_target_pick(b));
	rq.job.first = k.first;
	rq.job.count = k.count;
	now = ai_now();
	rq.deadline = ai_deadline(now, k.timeout_ns);
	ret = ai_sec_may(&ctx->sec, AI_RIGHT_EXEC, rq.dev->id);
	if (unlikely(ret))
		goto out;

	ret = -EAGAIN;
	if (rq.dev->caps & AIOFFLOAD_CAP_SYNC &&
	    likely(!ai_sched_gate(&rq.dev->sched)))
		ret = run_sync(&rq, now);
	if (ret == -EAGAIN) {
		rq.queue = NULL;
		rq.done = &done;
		rq.sched.sd = NULL;
		rq.start_ns = 0;
		rcu_read_lock_sched();
		ret = submit(&rq, now);
		rcu_read_unlock_sched();
		if (ret > 0)
			ret = wait_for(&rq);
	}
out:
	ai_binding_put(b);
	return ret;
}
