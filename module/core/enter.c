// SPDX-License-Identifier: GPL-2.0
/*
 * ENTER: take submissions in batches, then wait for completions.
 *
 * What a job costs here is what the product costs, so whatever can be is done
 * once per batch: the reader section, the credit, the lock of the completion
 * ring, the look at the clock, waking. A job that ends within ->submit() takes
 * no lock and touches no reference count; its request serves the next job, and
 * as long as no job is on its way its completion is written straight into the
 * ring, since nobody else posts there.
 */
#include <linux/sched/signal.h>

#include "activity.h"
#include "internal.h"
#include "ring.h"

/* bt->slot when no binding is at hand: equal to no number an entry can have. */
#define NO_SLOT		U64_MAX

/**
 * struct batch - up to AI_BATCH submissions, within one reader section
 * @dev:	whose credit is held, or NULL
 * @rq:		request for the next job, or NULL
 * @slot:	the slot that @rq is filled for, on its only device; or NO_SLOT
 * @samples:	of the binding there
 * @async:	some jobs are on their way
 * @special:	jobs are metered, or recorded one by one
 * @done:	jobs of @binding that succeeded, not yet counted there
 * @failed:	and that did not
 * @binding:	whose they are, or NULL
 * @metered:	the group that jobs are charged to, or NULL
 * @now:	when the batch began
 * @deadline:	of a job that names no budget
 * @earliest:	of the jobs on their way the first deadline
 */
struct batch {
	struct ai_device *dev;
	struct ai_request *rq;
	u64 slot;
	u32 samples;
	bool async;
	bool special;
	u32 done;
	u32 failed;
	struct ai_binding *binding;
	struct ai_group *metered;
	u64 now;
	u64 deadline;
	u64 earliest;
};

static noinline void post_shared(struct ai_queue *q, u64 user_data, int status,
				 u32 device)
{
	spin_lock_irq(&q->cq_lock);
	ai_ring_write(&q->cqes[q->cq_tail & (q->cq_entries - 1)], user_data,
		      status, device, 0);
	ai_ring_publish(q, q->cq_tail + 1);
	spin_unlock_irq(&q->cq_lock);
	q->posted = true;
}

/* A job that has ended already. What is posted alone is published later. */
static __always_inline void ended(struct ai_queue *q, u64 user_data, int status,
				  u32 device)
{
	if (likely(q->alone))
		ai_ring_write(&q->cqes[q->tail++ & (q->cq_entries - 1)],
			      user_data, status, device, 0);
	else
		post_shared(q, user_data, status, device);
}

/*
 * ai_queue_share() - others may post completions from here on
 * @q:	a queue in ENTER, of which a job is about to go its own way
 */
void ai_queue_share(struct ai_queue *q)
{
	if (!q->alone)
		return;
	q->alone = false;
	if (q->tail == q->cq_tail)
		return;
	spin_lock_irq(&q->cq_lock);
	ai_ring_publish(q, q->tail);
	spin_unlock_irq(&q->cq_lock);
	q->posted = true;
}

/* Tell the audit system what was counted, while the binding is sure to be there. */
static void flush_counts(struct batch *bt)
{
	if (!bt->binding)
		return;
	ai_audit_count(&bt->binding->exec, bt->done, bt->failed);
	if (bt->done)
		ai_sec_model_succeeded(&bt->binding->model->sec);
	bt->done = 0;
	bt->failed = 0;
	bt->binding = NULL;
}

static void drop_credit(struct batch *bt)
{
	if (bt->dev) {
		ai_credit_put(bt->dev);
		bt->dev = NULL;
	}
}

static noinline bool change_credit(struct batch *bt, struct ai_device *dev)
{
	drop_credit(bt);
	if (!ai_credit_get(dev, bt->now))
		return false;
	bt->dev = dev;
	return true;
}

/* False: the job has to wait, or the device takes none. */
static __always_inline bool hold_credit(struct batch *bt, struct ai_device *dev)
{
	/* A gate that is not open also tells that others wait: let them. */
	if (likely(bt->dev == dev && !ai_sched_gate(&dev->sched)))
		return true;
	return change_credit(bt, dev);
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
	bt->slot = NO_SLOT;
}

/* A job that can't be handed over now waits; one that never can has ended. */
static void start_later(struct ai_queue *q, struct batch *bt,
			struct ai_request *rq)
{
	u64 user_data = rq->user_data, deadline = rq->deadline;
	int ret = ai_rq_enqueue(rq);

	if (ret) {
		ai_exec_count(rq->binding, AIOFFLOAD_DEVICE_ANY, ret);
		ai_rq_settle(rq, 0);
		ended(q, user_data, ret, AIOFFLOAD_DEVICE_ANY);
		return;
	}
	gone_async(bt, deadline);
}

static __always_inline void start(struct ai_queue *q, struct batch *bt,
				  struct ai_request *rq, const bool special)
{
	struct ai_device *dev = rq->dev;
	u64 user_data = rq->user_data, deadline = rq->deadline;
	u64 began = special ? ai_now() : 0;
	int status;

	if (unlikely(!hold_credit(bt, dev))) {
		start_later(q, bt, rq);
		return;
	}
	if (unlikely(!ai_rq_start(rq))) {
		bt->dev = NULL;		/* the credit went with the job */
		gone_async(bt, deadline);
		return;
	}
	status = ai_rq_status(rq);
	ai_activity_count(dev, status);
	if (special) {
		ai_exec_count(rq->binding, dev->id, status);
		ai_rq_settle(rq, began);
	} else if (likely(!status)) {
		bt->done++;
	} else {
		bt->failed++;
	}
	ended(q, user_data, status, dev->id);
}

static noinline void start_special(struct ai_queue *q, struct batch *bt,
				   struct ai_request *rq)
{
	int ret = 0;

	if (bt->metered)
		ret = ai_quota_job_start(bt->metered);
	if (ret) {
		ai_exec_count(rq->binding, AIOFFLOAD_DEVICE_ANY, ret);
		ended(q, rq->user_data, ret, AIOFFLOAD_DEVICE_ANY);
		return;
	}
	rq->metered = bt->metered;
	start(q, bt, rq, true);
}

/**
 * struct entry - a submission, copied; every word was read once
 * @op:		opcode, flags and the first reserved field, as they lie there
 * @slot:	and so on: as in struct aioffload_sqe
 * @user_data:
 * @first:
 * @count:
 * @timeout_ns:
 * @reserved:	the other reserved ones, or'ed
 */
struct entry {
	u32 op;
	u32 slot;
	u64 user_data;
	u32 first;
	u32 count;
	u64 timeout_ns;
	u64 reserved;
};

static __always_inline struct entry read_entry(const struct aioffload_sqe *s)
{
	BUILD_BUG_ON(sizeof(*s) != 64);
	return (struct entry) {
		.op = le32_to_cpu(READ_ONCE(*(const __le32 *)s)),
		.slot = READ_ONCE(s->slot),
		.user_data = READ_ONCE(s->user_data),
		.first = READ_ONCE(s->first),
		.count = READ_ONCE(s->count),
		.timeout_ns = READ_ONCE(s->timeout_ns),
		.reserved = READ_ONCE(s->reserved[0]) |
			    READ_ONCE(s->reserved[1]) |
			    READ_ONCE(s->reserved[2]) |
			    READ_ONCE(s->reserved[3]),
	};
}

/*
 * Make the request at hand, or a new one, one of this slot, if the caller may.
 * If its binding has several devices, one is chosen for each job anew.
 */
static noinline int fill(struct ai_queue *q, struct batch *bt, u32 slot)
{
	struct ai_ctx *ctx = q->ctx;
	struct ai_target *t;
	struct ai_binding *b;
	int ret;

	bt->slot = NO_SLOT;
	b = ai_ctx_slot(ctx, slot);
	if (!b)
		return -ENOENT;
	t = ai_target_of(ctx, b);
	ret = ai_job_may(ctx, b, t->dev);
	if (ret) {
		ai_exec_count(b, AIOFFLOAD_DEVICE_ANY, ret);
		return ret;
	}
	if (!bt->rq)
		bt->rq = get_request(q);
	ai_rq_fill(bt->rq, b, t);
	if (bt->binding != b)
		flush_counts(bt);
	bt->binding = b;
	bt->metered = ai_sec_metered(&ctx->sec);
	bt->special = bt->metered || READ_ONCE(ai_audit_each);
	bt->deadline = bt->now + ai_budget(0, b->max_job_ns);
	bt->samples = b->samples;
	if (b->nr_targets == 1)
		bt->slot = slot;
	return 0;
}

static __always_inline void take(struct ai_queue *q, struct batch *bt,
				 const struct aioffload_sqe *from)
{
	struct entry e = read_entry(from);
	struct ai_request *rq;
	int ret = -EINVAL;

	/* Compares the flags and the reserved field as well, with 0. */
	if (unlikely(e.op != AIOFFLOAD_OP_RUN || e.reserved)) {
		if (e.op == AIOFFLOAD_OP_NOP && !e.reserved)
			ret = 0;
		goto end;
	}
	if (unlikely(e.slot != bt->slot)) {
		ret = fill(q, bt, e.slot);
		if (ret)
			goto end;
		ret = -EINVAL;
	}
	if (unlikely(!ai_samples_ok(bt->samples, e.first, e.count)))
		goto end;

	rq = bt->rq;
	rq->job.first = e.first;
	rq->job.count = e.count;
	rq->user_data = e.user_data;
	rq->deadline = bt->deadline;
	if (unlikely(e.timeout_ns))
		rq->deadline = bt->now + ai_budget(e.timeout_ns,
						   bt->binding->max_job_ns);
	if (unlikely(bt->special))
		start_special(q, bt, rq);
	else
		start(q, bt, rq, false);
	return;

end:
	ended(q, e.user_data, ret, AIOFFLOAD_DEVICE_ANY);
}

/* Take @n submissions, at most AI_BATCH. */
static void submit_batch(struct ai_queue *q, struct batch *bt, u32 n)
{
	const struct aioffload_sqe *sqes = q->sqes;
	u32 mask = q->sq_entries - 1;
	u32 head = q->sq_head;
	u32 end = head + n;

	bt->now = ai_now();
	bt->slot = NO_SLOT;	/* bindings are known to one reader only */

	/* Everything taken has been posted: then nobody posts but us. */
	q->tail = READ_ONCE(q->cq_tail);
	q->alone = q->taken == q->tail;
	q->posted = false;
	WRITE_ONCE(q->taken, q->taken + n);

	rcu_read_lock_sched();
	while (head != end)
		take(q, bt, &sqes[head++ & mask]);
	drop_credit(bt);
	flush_counts(bt);
	q->sq_head = end;
	/* Entries were read: the application may write them anew. */
	smp_store_release(&q->ring->sq_head, end);
	ai_queue_share(q);
	if (q->posted)
		ai_queue_notify(q);
	rcu_read_unlock_sched();
}

/* How many can be taken now; -EBUSY: none for want of room for completions. */
static int takeable(struct ai_queue *q, u32 to_submit)
{
	/* Pairs with the application's release: entries are written. */
	u32 tail = smp_load_acquire(&q->ring->sq_tail);
	u32 avail = tail - q->sq_head;
	u32 head, room;
	int unread;

	if (avail > q->sq_entries)
		return -EPROTO;
	unread = ai_ring_unread(q, &head);
	if (unread < 0)
		return unread;
	ai_ring_saw(q, head);
	room = q->cq_entries - (q->taken - head);
	avail = min(avail, to_submit);
	if (avail && !room)
		return -EBUSY;
	return min(avail, room);
}

/* Return: entries taken, or an errno if none was. */
static int submit(struct ai_queue *q, u32 to_submit)
{
	struct batch bt = { };
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
		bt.rq->state = AI_RQ_FREE;
		bt.rq->next = q->free;
		q->free = bt.rq;
	}
	mutex_unlock(&q->submit_lock);
	if (unlikely(bt.async))
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
	ktime_t timeout = min_t(u64, timeout_ns, KTIME_MAX);
	int ret, why = ready(q, min_complete);

	if (likely(why))
		return min(why, 0);
	if (timeout_ns)
		ret = wait_event_interruptible_hrtimeout(q->wait, (why = ready(q, min_complete)),
							 timeout);
	else
		ret = wait_event_interruptible(q->wait, (why = ready(q, min_complete)));
	if (ret)
		return ret == -ETIME ? -ETIME : -EINTR;
	return min(why, 0);
}

long ai_queue_enter(struct ai_queue *q, void __user *uarg)
{
	struct aioffload_enter k __uninitialized;
	int ret, taken = 0;

	ret = ai_copy_in_fast(&k, sizeof(k), uarg);
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
