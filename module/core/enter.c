// SPDX-License-Identifier: GPL-2.0
/*
 * ENTER: take submissions in batches, then wait for completions.
 *
 * What a job costs here is what the product costs, so whatever can be is done
 * once per batch: the reader section, the credit, the lock of the completion
 * ring, the look at the clock, waking. A job that ends within ->submit() takes
 * no lock and touches no reference count; its request serves the next job.
 */
#include <linux/sched/signal.h>

#include "activity.h"
#include "internal.h"
#include "ring.h"

/**
 * struct batch - up to AI_BATCH submissions, within one reader section
 * @dev:	whose credit is held, or NULL
 * @rq:		request for the next job, or NULL
 * @target:	what @rq is filled for, or NULL
 * @binding:	behind @slot, or NULL
 * @now:	when it began
 * @deadline:	of a job that names no budget
 * @earliest:	deadline of the jobs that are on their way, if @async
 */
struct batch {
	struct ai_device *dev;
	struct ai_request *rq;
	struct ai_target *target;
	struct ai_binding *binding;
	u32 slot;
	int refused;
	bool async;
	u64 now;
	u64 deadline;
	u64 earliest;
};

/* It has ended already: goes to the ring with the rest of the batch. */
static void ended(struct ai_queue *q, u64 user_data, int status, u32 device)
{
	q->ended[q->nr_ended++] = (struct ai_ended) {
		.user_data = user_data,
		.status = status,
		.device = device,
	};
}

static void drop_credit(struct batch *bt)
{
	if (bt->dev) {
		ai_credit_put(bt->dev);
		bt->dev = NULL;
	}
}

/* False: the job has to wait, or the device takes none. */
static bool hold_credit(struct batch *bt, struct ai_device *dev)
{
	/* A gate that is not open also tells that others wait: let them. */
	if (likely(bt->dev == dev && !ai_sched_gate(&dev->sched)))
		return true;
	drop_credit(bt);
	if (!ai_credit_get(dev, bt->now))
		return false;
	bt->dev = dev;
	return true;
}

/*
 * There is one: no more are out than completions are owed, one is owed for the
 * present job, and there are as many as the completion ring has entries.
 */
static struct ai_request *get_request(struct ai_queue *q)
{
	struct ai_request *rq;

	if (!q->free) {
		spin_lock_irq(&q->cq_lock);
		q->free = q->returned;
		q->returned = NULL;
		spin_unlock_irq(&q->cq_lock);
	}
	rq = q->free;
	q->free = rq->next;
	return rq;
}

static void gone_async(struct batch *bt, u64 deadline)
{
	if (!bt->async || deadline < bt->earliest)
		bt->earliest = deadline;
	bt->async = true;
	bt->rq = NULL;
	bt->target = NULL;
}

static void start(struct ai_queue *q, struct batch *bt, struct ai_request *rq)
{
	struct ai_device *dev = rq->dev;
	u64 deadline = rq->deadline;
	int status;

	if (likely(hold_credit(bt, dev))) {
		rq->state = AI_RQ_HELD;
		if (likely(ai_rq_start(rq))) {
			status = ai_rq_status(rq);
			rq->state = AI_RQ_FREE;
			ai_activity_count(dev, status);
			ended(q, rq->user_data, status, dev->id);
			return;
		}
		bt->dev = NULL;		/* the credit went with the job */
	} else {
		status = ai_rq_enqueue(rq);
		if (status) {
			rq->state = AI_RQ_FREE;
			ended(q, rq->user_data, status, AIOFFLOAD_DEVICE_ANY);
			return;
		}
	}
	gone_async(bt, deadline);
}

static void take_run(struct ai_queue *q, struct batch *bt,
		     const struct aioffload_sqe *s)
{
	struct ai_binding *b = bt->binding;
	struct ai_request *rq = bt->rq;
	struct ai_target *t;
	int ret = bt->refused;

	if (unlikely(ret))
		goto refuse;
	if (!b || s->slot != bt->slot) {
		b = ai_ctx_slot(q->ctx, s->slot);
		bt->binding = b;
		bt->slot = s->slot;
		bt->target = NULL;
		ret = -ENOENT;
		if (unlikely(!b))
			goto refuse;
	}
	ret = -EINVAL;
	if (unlikely(!ai_binding_has(b, s->first, s->count)))
		goto refuse;

	t = likely(b->nr_targets == 1) ? b->targets : ai_target_pick(b);
	if (!rq)
		rq = bt->rq = get_request(q);
	if (t != bt->target) {
		ai_rq_fill(rq, b, t);
		bt->target = t;
	}
	rq->job.first = s->first;
	rq->job.count = s->count;
	rq->user_data = s->user_data;
	rq->deadline = likely(!s->timeout_ns) ? bt->deadline :
					ai_deadline(bt->now, s->timeout_ns);
	start(q, bt, rq);
	return;

refuse:
	ended(q, s->user_data, ret, AIOFFLOAD_DEVICE_ANY);
}

static void take(struct ai_queue *q, struct batch *bt,
		 const struct aioffload_sqe *from)
{
	struct aioffload_sqe s;

	ai_ring_copy_sqe(&s, from);
	if (unlikely(s.flags || s.reserved0 ||
		     s.reserved[0] | s.reserved[1] |
		     s.reserved[2] | s.reserved[3]))
		ended(q, s.user_data, -EINVAL, AIOFFLOAD_DEVICE_ANY);
	else if (likely(s.opcode == AIOFFLOAD_OP_RUN))
		take_run(q, bt, &s);
	else if (s.opcode == AIOFFLOAD_OP_NOP)
		ended(q, s.user_data, 0, AIOFFLOAD_DEVICE_ANY);
	else
		ended(q, s.user_data, -EINVAL, AIOFFLOAD_DEVICE_ANY);
}

static void post_ended(struct ai_queue *q)
{
	struct ai_ended *e;

	if (!q->nr_ended)
		return;
	spin_lock_irq(&q->cq_lock);
	for (e = q->ended; e < q->ended + q->nr_ended; e++)
		ai_ring_post(q, e->user_data, e->status, e->device, 0);
	ai_ring_publish(q);
	spin_unlock_irq(&q->cq_lock);
	q->nr_ended = 0;
	ai_queue_notify(q);
}

/* @n of at most AI_BATCH submissions. Return: whether some are on their way. */
static void submit_batch(struct ai_queue *q, struct batch *bt, u32 n)
{
	u32 mask = q->sq_entries - 1;

	bt->now = ai_now();
	bt->deadline = ai_deadline(bt->now, 0);
	WRITE_ONCE(q->taken, q->taken + n);

	rcu_read_lock_sched();
	bt->binding = NULL;	/* known within one reader section only */
	bt->target = NULL;
	while (n--)
		take(q, bt, &q->sqes[q->sq_head++ & mask]);
	drop_credit(bt);
	smp_store_release(&q->ring->sq_head, q->sq_head);
	post_ended(q);
	rcu_read_unlock_sched();
}

/* How many can be taken now; -EBUSY: none for want of room for completions. */
static int takeable(struct ai_queue *q, u32 to_submit)
{
	u32 tail = smp_load_acquire(&q->ring->sq_tail);
	u32 avail = tail - q->sq_head;
	u32 head, posted, room;
	int unread;

	if (avail > q->sq_entries)
		return -EPROTO;
	unread = ai_ring_unread(q, &head);
	posted = READ_ONCE(q->cq_tail);
	/* It may go forward only: room was promised on its account. */
	if (unread < 0 || head - q->cq_seen > posted - q->cq_seen)
		return -EPROTO;
	q->cq_seen = head;
	room = q->cq_entries - (q->taken - head);
	avail = min(avail, to_submit);
	if (avail && !room)
		return -EBUSY;
	return min(avail, room);
}

/* Return: entries taken, or an errno if none was. */
static int submit(struct ai_queue *q, u32 to_submit)
{
	struct batch bt = {
		.refused = ai_sec_may(&q->ctx->sec, AI_RIGHT_EXEC,
				      AIOFFLOAD_DEVICE_ANY),
	};
	int todo, left;

	if (mutex_lock_interruptible(&q->submit_lock))
		return -EINTR;
	todo = takeable(q, to_submit);
	for (left = todo; left > 0; left -= AI_BATCH) {
		submit_batch(q, &bt, min(left, AI_BATCH));
		if (left > AI_BATCH)
			cond_resched();
	}
	if (bt.rq) {
		bt.rq->next = q->free;
		q->free = bt.rq;
	}
	mutex_unlock(&q->submit_lock);
	if (bt.async)
		ai_queue_watch(q, bt.earliest);
	return todo;
}

/* 1: enough can be reaped; 0: not yet; or an errno. */
static int ready(struct ai_queue *q, u32 min_complete)
{
	u32 head;
	int unread = ai_ring_unread(q, &head);

	if (unread < 0)
		return unread;
	if (unread >= min_complete)
		return 1;
	return READ_ONCE(q->ctx->closed) ? -ENODEV : 0;
}

static int wait_for(struct ai_queue *q, u32 min_complete, u64 timeout_ns)
{
	int ret, why = 0;

	if (timeout_ns)
		ret = wait_event_interruptible_hrtimeout(q->wait,
				(why = ready(q, min_complete)),
				min_t(u64, timeout_ns, KTIME_MAX));
	else
		ret = wait_event_interruptible(q->wait,
				(why = ready(q, min_complete)));
	if (ret)
		return ret == -ETIME ? -ETIME : -EINTR;
	return min(why, 0);
}

long ai_queue_enter(struct ai_queue *q, void __user *uarg)
{
	struct aioffload_enter k;
	int ret, taken = 0;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (unlikely(ret))
		return ret;
	if (unlikely(k.flags))
		return -EINVAL;
	if (unlikely(READ_ONCE(q->ctx->closed)))
		return -ENODEV;
	if (k.to_submit) {
		taken = submit(q, k.to_submit);
		if (taken < 0)
			return taken;
	}
	if (k.min_complete) {
		ret = wait_for(q, min(k.min_complete, q->cq_entries),
			       k.timeout_ns);
		if (ret && !taken)
			return ret;
	}
	return taken;
}
