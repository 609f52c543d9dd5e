// SPDX-License-Identifier: GPL-2.0
/*
 * When a realtime queue is promised time, and for how long.
 *
 * Of each device other than the host that bindings of its context can run on: a
 * queue of those that there are when it is created, a binding of its devices for
 * the queues that there are. Either is refused where there is not enough, so
 * whatever the order, both exist only if all of it is promised. It ends with the
 * queue, with the last binding for the device, or when the opener's cgroup loses
 * the right.
 *
 * Of the host, see sched/host_rt.c: there it is the queue's alone.
 */
#include "queue.h"

static DEFINE_MUTEX(ai_promised_lock);	/* ai_promised; around ctx->lock */
static LIST_HEAD(ai_promised);		/* realtime queues */

/* May there be a promise? With ctx->lock: see ai_promise_recheck(). */
static bool may(struct ai_ctx *ctx, const struct ai_port *p)
{
	return ai_sec_opener_may(&ctx->sec, AI_RIGHT_EXEC | AI_RIGHT_RT,
				 p->dev->id);
}

/* With ctx->lock. Return: 0, -EBUSY, -ENOMEM. */
static int promise(const struct ai_queue *q, struct ai_port *p, u32 *left_ppm)
{
	const struct ai_sched_wish wish = {
		.runtime_ns = q->rt.rate.most_ns,
		.period_ns = q->rt.rate.period_ns,
		.deadline_ns = q->rt.deadline_ns,
		.limit_ppm = ai_rt_limit_ppm(),
		.speed = ai_freq_limit(p->dev),
	};
	int ret;

	if (p->dev->host || !may(q->ctx, p) ||
	    ai_sched_gate(&p->dev->sched) & AI_GATE_FAILED)
		return 0;
	/* It has gone: no job will come there. Else its driver stays meanwhile. */
	if (!percpu_ref_tryget_live(&p->dev->users))
		return 0;
	ret = ai_sched_promise(&p->sched, q, &wish, left_ppm);
	if (!ret)
		ai_pm_promised(p->dev, wish.deadline_ns);
	percpu_ref_put(&p->dev->users);
	return ret;
}

/*
 * ai_promise_queue() - of all devices that a new queue's jobs can go to
 * @left_ppm:	with -EBUSY: what the device could promise that has least
 *
 * With ctx->lock. Return: 0, -EBUSY, -ENOMEM; ai_promise_end() undoes it,
 * also what was done before an error.
 */
int ai_promise_queue(struct ai_queue *q, u32 *left_ppm)
{
	struct ai_port *p;
	u32 left;
	int ret, busy = 0;

	*left_ppm = U32_MAX;
	list_for_each_entry(p, &q->ctx->ports, node) {
		ret = promise(q, p, &left);
		if (ret == -EBUSY) {
			*left_ppm = min(*left_ppm, left);
			busy = ret;
		} else if (ret) {
			return ret;
		}
	}
	return busy;
}

/*
 * ai_promise_port() - of a device that is new to a context, for its queues
 *
 * With ctx->lock. Return: 0, -EBUSY, -ENOMEM; what was promised before an error
 * goes with the port.
 */
int ai_promise_port(struct ai_port *p)
{
	struct ai_queue *q;
	u32 left;
	int ret;

	list_for_each_entry(q, &p->ctx->queues, ctx_node) {
		if (q->qos != AIOFFLOAD_QOS_REALTIME)
			continue;
		ret = promise(q, p, &left);
		if (ret)
			return ret;
	}
	return 0;
}

/* A realtime queue comes to be, before anything is promised to it. */
void ai_promise_begin(struct ai_queue *q)
{
	mutex_lock(&ai_promised_lock);
	list_add(&q->promised_node, &ai_promised);
	mutex_unlock(&ai_promised_lock);
}

/* None of its jobs is left, and it is not (any more) in its context's list. */
void ai_promise_end(struct ai_queue *q)
{
	struct ai_port *p;

	mutex_lock(&ai_promised_lock);
	list_del(&q->promised_node);
	mutex_unlock(&ai_promised_lock);
	mutex_lock(&q->ctx->lock);
	list_for_each_entry(p, &q->ctx->ports, node) {
		ai_sched_unpromise(&p->sched, q);
		ai_freq_unpromised(p->dev);
	}
	mutex_unlock(&q->ctx->lock);
}

static void recheck(struct ai_queue *q)
{
	struct ai_port *p;

	mutex_lock(&q->ctx->lock);
	list_for_each_entry(p, &q->ctx->ports, node) {
		if (may(q->ctx, p))
			continue;
		ai_sched_take_back(&p->sched, q);
		ai_freq_unpromised(p->dev);
	}
	mutex_unlock(&q->ctx->lock);
}

/*
 * ai_promise_recheck() - rights have changed
 *
 * Whoever is just being promised something is in the list already, and asked for
 * the right with its context's lock: after the change, or before we get that.
 */
void ai_promise_recheck(void)
{
	struct ai_queue *q;

	mutex_lock(&ai_promised_lock);
	list_for_each_entry(q, &ai_promised, promised_node)
		recheck(q);
	mutex_unlock(&ai_promised_lock);
}
