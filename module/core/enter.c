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
#include <linux/sync_file.h>

#include "activity.h"
#include "queue.h"
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
 * @special:	jobs are metered, placed, recorded one by one, or wait for a fence
 * @fence:	that the next job waits for, referenced, or NULL
 * @done:	jobs of @binding that succeeded, not yet counted there
 * @failed:	and that did not
 * @binding:	whose they are, or NULL
 * @metered:	the group that jobs are charged to, or NULL
 * @now:	when the batch began
 * @deadline:	of a job that names no budget
 * @qos:	class of the next job
 * @hint:	what it wants most, enum aioffload_hint
 * @due_ns:	from now it should have ended, if it is realtime
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
	struct dma_fence *fence;
	u64 now;
	u64 deadline;
	u64 due_ns;
	u32 qos;
	u32 hint;
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

static noinline void failed(struct ai_queue *q, u64 user_data, int status,
			    u32 device)
{
	ai_fence_note_error(&q->fences, status);
	ended(q, user_data, status, device);
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

/* One that goes nowhere: what was promised for it is taken back. */
static void refused(struct ai_queue *q, struct ai_request *rq, int ret)
{
	ai_exec_count(rq->binding, AIOFFLOAD_DEVICE_ANY, ret);
	ai_rq_settle(rq, 0, ret);
	failed(q, rq->user_data, ret, AIOFFLOAD_DEVICE_ANY);
}

/* A job that can't be handed over now waits; one that never can has ended. */
static void start_later(struct ai_queue *q, struct batch *bt,
			struct ai_request *rq)
{
	u64 deadline = rq->deadline;
	int ret;

	if (rq->placed && rq->others)
		deadline = min(deadline, bt->now + AI_STALL_POLL);
	ret = ai_rq_enqueue(rq);
	if (ret)
		refused(q, rq, ret);
	else
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
		ai_rq_settle(rq, began, status);
		if (status)
			ai_fence_note_error(&q->fences, status);
	} else if (likely(!status)) {
		bt->done++;
	} else {
		bt->failed++;
		ai_fence_note_error(&q->fences, status);
	}
	ended(q, user_data, status, dev->id);
}

/* False: the job waits for its fence, or has ended as that has failed. */
static bool fence_passed(struct ai_queue *q, struct batch *bt,
			 struct ai_request *rq)
{
	u64 deadline = rq->deadline;

	if (ai_fence_wait(rq, bt->fence)) {
		bt->fence = NULL;
		gone_async(bt, deadline);
		return false;
	}
	if (dma_fence_get_status(bt->fence) >= 0)
		return true;
	refused(q, rq, -ECANCELED);
	return false;
}

static noinline void start_special(struct ai_queue *q, struct batch *bt,
				   struct ai_request *rq)
{
	int ret = 0;

	if (bt->metered)
		ret = ai_quota_job_start(bt->metered);
	if (ret) {
		ai_exec_count(rq->binding, AIOFFLOAD_DEVICE_ANY, ret);
		failed(q, rq->user_data, ret, AIOFFLOAD_DEVICE_ANY);
		return;
	}
	rq->metered = bt->metered;
	if (rq->binding->nr_targets > 1)
		ai_place_scope(q->ctx, rq);
	if (bt->fence && !fence_passed(q, bt, rq))
		return;
	if (rq->binding->nr_targets > 1)
		ai_place_sets_out(rq);
	start(q, bt, rq, true);
}

/**
 * struct entry - a submission, copied; every word was read once
 * @op:		opcode, flags and class, as they lie there
 * @slot:	and so on: as in struct aioffload_sqe
 * @user_data:
 * @first:
 * @count:
 * @timeout_ns:
 * @deadline_ns:
 * @fence:	fence_fd and hint, as they lie there
 * @reserved:	or'ed
 */
struct entry {
	u32 op;
	u32 slot;
	u64 user_data;
	u32 first;
	u32 count;
	u64 timeout_ns;
	u64 deadline_ns;
	u64 fence;
	u64 reserved;
};

static __always_inline struct entry read_entry(const struct aioffload_sqe *s)
{
	BUILD_BUG_ON(sizeof(*s) != 64);
	BUILD_BUG_ON(offsetof(struct aioffload_sqe, fence_fd) % 8);
	return (struct entry) {
		.op = le32_to_cpu(READ_ONCE(*(const __le32 *)s)),
		.slot = READ_ONCE(s->slot),
		.user_data = READ_ONCE(s->user_data),
		.first = READ_ONCE(s->first),
		.count = READ_ONCE(s->count),
		.timeout_ns = READ_ONCE(s->timeout_ns),
		.deadline_ns = READ_ONCE(s->deadline_ns),
		.fence = READ_ONCE(*(const u64 *)&s->fence_fd),
		.reserved = READ_ONCE(s->reserved[0]) |
			    READ_ONCE(s->reserved[1]),
	};
}

/*
 * Make the request at hand, or a new one, one of this slot, if the caller may.
 * If its binding has several devices, one is chosen for each job anew.
 */
static noinline int fill(struct ai_queue *q, struct batch *bt, u32 slot,
			 u32 count, u64 timeout_ns)
{
	struct ai_ctx *ctx = q->ctx;
	u32 right = AI_RIGHT_EXEC;
	struct ai_target *t;
	struct ai_binding *b;
	u64 within;
	int ret;

	bt->slot = NO_SLOT;
	b = ai_ctx_slot(ctx, slot);
	if (!b)
		return -ENOENT;
	within = ai_budget(timeout_ns, b->max_job_ns);
	if (bt->due_ns)
		within = min(within, bt->due_ns);
	t = ai_target_of(ctx, b, count, bt->qos, bt->hint, bt->now + within);
	if (bt->qos == AIOFFLOAD_QOS_REALTIME)
		right |= AI_RIGHT_RT;
	ret = ai_job_may(ctx, b, t->dev, right);
	if (ret) {
		ai_exec_count(b, AIOFFLOAD_DEVICE_ANY, ret);
		return ret;
	}
	if (!bt->rq)
		bt->rq = get_request(q);
	ai_rq_fill(bt->rq, b, t);
	bt->rq->qos = bt->qos;
	bt->rq->due = bt->due_ns ? bt->now + bt->due_ns : 0;
	if (bt->binding != b)
		flush_counts(bt);
	bt->binding = b;
	bt->metered = ai_sec_metered(&ctx->sec);
	bt->special = bt->metered || b->nr_targets > 1 || bt->fence ||
		      READ_ONCE(ai_audit_each);
	bt->deadline = bt->now + ai_budget(0, b->max_job_ns);
	bt->samples = b->samples;
	if (b->nr_targets == 1)
		bt->slot = slot;
	return 0;
}

static __always_inline void take_run(struct ai_queue *q, struct batch *bt,
				     const struct entry *e)
{
	struct ai_request *rq;
	int ret;

	if (unlikely(e->slot != bt->slot)) {
		ret = fill(q, bt, e->slot, e->count, e->timeout_ns);
		if (ret)
			goto end;
	}
	ret = -EINVAL;
	if (unlikely(!ai_samples_ok(bt->samples, e->first, e->count)))
		goto end;

	rq = bt->rq;
	rq->job.first = e->first;
	rq->job.count = e->count;
	rq->user_data = e->user_data;
	rq->deadline = bt->deadline;
	if (unlikely(e->timeout_ns))
		rq->deadline = bt->now + ai_budget(e->timeout_ns,
						   bt->binding->max_job_ns);
	if (unlikely(bt->special))
		start_special(q, bt, rq);
	else
		start(q, bt, rq, false);
	return;

end:
	failed(q, e->user_data, ret, AIOFFLOAD_DEVICE_ANY);
}

/* The class that an entry names, or its queue's. Return: 0 or -EINVAL. */
static int entry_class(const struct ai_queue *q, struct batch *bt,
		       const struct entry *e)
{
	u32 flags = e->op >> 8 & 0xff, qos = e->op >> 16;

	if (flags & AIOFFLOAD_SQE_QOS) {
		if (qos > AIOFFLOAD_QOS_REALTIME || ai_qos_rank(qos) > ai_qos_rank(q->qos))
			return -EINVAL;
		bt->qos = qos;
	} else if (qos) {
		return -EINVAL;
	}
	if (bt->qos != AIOFFLOAD_QOS_REALTIME) {
		bt->due_ns = 0;
		return e->deadline_ns ? -EINVAL : 0;
	}
	if (!e->deadline_ns)
		return 0;
	/* What was admitted counts on nobody being in a greater hurry. */
	if (e->deadline_ns < q->rt.deadline_ns)
		return -EINVAL;
	/* Nobody waits for so long; and times stay comparable (arb_before()). */
	bt->due_ns = min_t(u64, e->deadline_ns, S64_MAX / 2);
	return 0;
}

/* The hint and the fence that an entry names. Return: 0, -EINVAL or -EBADF. */
static int entry_hint_fence(struct batch *bt, const struct entry *e)
{
	u32 flags = e->op >> 8 & 0xff;
	struct {
		s32 fd;
		u32 hint;
	} named;

	BUILD_BUG_ON(sizeof(named) != sizeof(e->fence));
	memcpy(&named, &e->fence, sizeof(named));
	if (flags & AIOFFLOAD_SQE_HINT) {
		if (named.hint > AIOFFLOAD_HINT_KEEP_WARM)
			return -EINVAL;
		bt->hint = named.hint;
	} else if (named.hint) {
		return -EINVAL;
	}
	if (!(flags & AIOFFLOAD_SQE_FENCE))
		return named.fd ? -EINVAL : 0;
	bt->fence = sync_file_get_fence(named.fd);
	return bt->fence ? 0 : -EBADF;
}

/* One that is not simply a job of its queue's class. */
static noinline void take_other(struct ai_queue *q, struct batch *bt,
				const struct entry *e)
{
	u32 op = e->op & 0xff, flags = e->op >> 8 & 0xff;
	int ret = -EINVAL;

	if (e->reserved || flags & ~(AIOFFLOAD_SQE_QOS | AIOFFLOAD_SQE_FENCE |
				     AIOFFLOAD_SQE_HINT))
		goto end;
	if (op == AIOFFLOAD_OP_NOP && !(e->op >> 8) && !e->deadline_ns &&
	    !e->fence)
		ret = 0;
	if (op != AIOFFLOAD_OP_RUN)
		goto end;
	ret = entry_class(q, bt, e) ?: entry_hint_fence(bt, e);
	/* The request at hand may be of another class, and device. */
	bt->slot = NO_SLOT;
	if (!ret)
		take_run(q, bt, e);
	dma_fence_put(bt->fence);
	bt->fence = NULL;
	bt->qos = q->qos;
	bt->hint = q->hint;
	bt->due_ns = q->rt.deadline_ns;
	bt->slot = NO_SLOT;
	if (!ret)
		return;
end:
	if (ret)
		failed(q, e->user_data, ret, AIOFFLOAD_DEVICE_ANY);
	else
		ended(q, e->user_data, 0, AIOFFLOAD_DEVICE_ANY);
}

static __always_inline void take(struct ai_queue *q, struct batch *bt,
				 const struct aioffload_sqe *from)
{
	struct entry e = read_entry(from);

	/* Compares the flags and the class as well, with 0. */
	if (unlikely(e.op != AIOFFLOAD_OP_RUN || e.deadline_ns | e.fence | e.reserved)) {
		struct entry other = e;	/* so that others stay in registers */

		take_other(q, bt, &other);
	} else {
		take_run(q, bt, &e);
	}
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
	bt->qos = q->qos;
	bt->hint = q->hint;
	bt->due_ns = q->rt.deadline_ns;

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

/*
 * A job of it may come to run in the host: on threads in the cgroup of whoever
 * submits first. With q->submit_lock.
 */
static noinline int join_host(struct ai_queue *q)
{
	struct ai_host *host = ai_host_join(q->qos);

	if (IS_ERR(host))
		return PTR_ERR(host);
	WRITE_ONCE(q->host, host);
	return 0;
}

/* Who can't be preempted meanwhile doesn't compare any number of devices. */
static int batch_size(const struct ai_queue *q)
{
	u32 widest = READ_ONCE(q->ctx->widest);

	return clamp_t(u32, AI_BATCH_LOOKS / max(widest, 1U), 1, AI_BATCH);
}

/* Return: entries taken, or an errno if none was. */
static int submit(struct ai_queue *q, u32 to_submit)
{
	struct batch bt = { };
	int todo, left, batch;

	if (mutex_lock_interruptible(&q->submit_lock))
		return -EINTR;
	todo = takeable(q, to_submit);
	if (unlikely(!q->host && READ_ONCE(q->ctx->host) && todo > 0)) {
		int ret = join_host(q);

		if (ret)
			todo = ret;
	}
	batch = batch_size(q);
	for (left = todo; left > 0; left -= batch) {
		submit_batch(q, &bt, min(left, batch));
		if (left > batch)
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
