// SPDX-License-Identifier: GPL-2.0
/*
 * Fences, out of queues and into jobs.
 *
 * A fence of a queue is a point: it signals when all jobs that were taken before
 * it was made have ended. Nothing is done for it when a job is taken. Making one
 * looks through the queue's requests and marks those that are on their way and
 * have no fence yet; each counts it down when it ends. So a job that fences have
 * nothing to do with pays nothing for them.
 *
 * A job that waits for a fence is FENCED, and whoever changes that by cmpxchg
 * has it: the fence's callback makes it READY and leaves it to its queue's work,
 * since it is called with the fence's lock, in whatever context; a canceller
 * makes it HELD and ends it. Nobody sleeps for a fence: one of another driver
 * that never signals costs the job its budget and no more.
 *
 * Fences of ours can't form cycles: a job names a fence when it is taken, which
 * stands for jobs that were taken before.
 *
 * Who waits for a fence of ours lends its place to those that the fence waits for:
 * on the same accelerator its stream's (sched.h), to the host's threads its class
 * (sched/host.h).
 *
 * LOCK ORDER: queue->cq_lock, fence->lock, dev->sched.lock. Fences are signalled
 * with none of our locks held, and callbacks of ours take the last one alone.
 *
 * A sync_file may outlive the queue, and the module. It can since all fences of
 * a queue are signalled before it goes, and from then on only the kernel's own
 * code has to do with them (compat_fence_ops()).
 */
#include <linux/dma-fence-chain.h>
#include <linux/file.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/sync_file.h>

#include "queue.h"

/* Timelines that are ours: one for each queue that ever had a fence. */
#define AI_FENCE_CONTEXTS	U32_MAX

/* Streams that a fence waits for, and may borrow for; of more, the first. */
#define AI_FENCE_OWED		8

/* Requests looked at with the lock held. */
#define AI_FENCE_BATCH		64

/**
 * struct ai_owed - a stream in which jobs wait or run that a fence waits for
 * @binding:	of one of them, referenced: keeps the stream
 * @sd:		the device
 * @stream:	see arb.h
 */
struct ai_owed {
	struct ai_binding *binding;
	struct ai_sched_dev *sd;
	struct arb_stream *stream;
};

/**
 * struct ai_fence - a point of a queue
 * @base:	first, since the kernel frees the whole by it
 * @lock:	of @base
 * @node:	in the queue's list until it has signalled
 * @queue:	there until it has signalled
 * @pending:	jobs of its own that have not ended; under cq_lock
 * @host:	classes of jobs that it waits for and that run in the host, as bits;
 *		constant
 * @lenders:	jobs that wait for it, by the class that they lend to those; under
 *		@lock
 * @nr_owed:	entries of @owed
 * @owed:	constant until it has signalled
 */
struct ai_fence {
	struct dma_fence base;
	spinlock_t lock;	/* see above */
	struct list_head node;
	struct ai_queue *queue;
	u32 pending;
	u32 host;
	u32 lenders[AI_NR_QOS];
	u32 nr_owed;
	struct ai_owed owed[AI_FENCE_OWED];
};

/*
 * What lockdep knows the lock of a fence by. A fence may outlive the module, so
 * these are in the kernel: an address, which is all that a key is, and a text.
 */
#define LOCK_KEY	((struct lock_class_key *)&dma_fence_chain_ops)
#define LOCK_NAME	dma_fence_chain_ops.get_driver_name(NULL)

static u64 ai_fence_base;	/* first of AI_FENCE_CONTEXTS */
static atomic64_t ai_fence_contexts;

static const char *fence_name(struct dma_fence *fence)
{
	return "aioffload";
}

/* No release() and no wait(): they would be called when we may be gone. */
static const struct dma_fence_ops ai_fence_ops = {
	.get_driver_name = fence_name,
	.get_timeline_name = fence_name,
};

/* It is one of ours, and then there is more to it. */
static struct ai_fence *ours(struct dma_fence *fence)
{
	if (fence->context - ai_fence_base >= AI_FENCE_CONTEXTS)
		return NULL;
	return container_of(fence, struct ai_fence, base);
}

static bool signalled(struct dma_fence *fence)
{
	return test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

/* ---- out of a queue ----------------------------------------------------- */

/* With cq_lock, before anybody else can see the fence: owed for one more. */
static void owe(struct ai_fence *f, struct ai_binding *b,
		struct ai_sched_dev *sd, struct arb_stream *stream)
{
	u32 i;

	for (i = 0; i < f->nr_owed; i++)
		if (f->owed[i].stream == stream)
			return;
	if (i == AI_FENCE_OWED)
		return;
	refcount_inc(&b->refs);
	f->owed[i] = (struct ai_owed) { b, sd, stream };
	f->nr_owed = i + 1;
}

/* Whoever waits for the new one waits for those as well. */
static void owe_all(struct ai_fence *f, struct ai_fence *from)
{
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&from->lock, flags);
	for (i = 0; !signalled(&from->base) && i < from->nr_owed; i++)
		owe(f, from->owed[i].binding, from->owed[i].sd,
		    from->owed[i].stream);
	spin_unlock_irqrestore(&from->lock, flags);
}

static void let_wait(struct ai_request *rq, struct dma_fence *fence);

/*
 * With cq_lock, and so as RCU-sched reader. It has a place of its own, and needs
 * no other; its port's other streams have nothing to do with it.
 */
static bool is_promised(const struct ai_request *rq, struct ai_port *port)
{
	return rq->qos == AIOFFLOAD_QOS_REALTIME &&
	       ai_sched_promised(&port->sched, rq->queue);
}

/*
 * With q->cq_lock: a request that is on its way can't end, and so keeps its
 * binding. If it waits for a fence itself, it is that one's jobs that count.
 */
static void owe_for(struct ai_fence *f, struct ai_request *rq)
{
	struct ai_fence *on;
	struct ai_port *port;

	if (cmpxchg(&rq->state, AI_RQ_FENCED, AI_RQ_HELD) == AI_RQ_FENCED) {
		struct dma_fence *fence = dma_fence_get(rq->fence.on);

		on = ours(fence);
		if (on)
			owe_all(f, on);
		let_wait(rq, fence);
		dma_fence_put(fence);
	}
	/* It may be on its way to another device: look once. */
	port = READ_ONCE(rq->port);
	if (port->dev->host)
		f->host |= BIT(rq->qos);
	else if (!is_promised(rq, port))
		owe(f, rq->binding, port->sched.sd,
		    ai_port_stream(port, rq->qos));
}

/* With q->cq_lock. All that are on their way, and wait for no other fence. */
static void mark(struct ai_queue *q, struct ai_fence *f, u32 from, u32 to)
{
	for (; from < to; from++) {
		struct ai_request *rq = &q->requests[from];

		if (READ_ONCE(rq->state) == AI_RQ_FREE || rq->fence.out)
			continue;
		rq->fence.out = f;
		f->pending++;
		owe_for(f, rq);
	}
}

/*
 * With q->submit_lock, so that no job is taken meanwhile. One that ends before
 * we come to it has left its error in the queue.
 */
static void arm(struct ai_queue *q, struct ai_fence *f)
{
	struct ai_fence *last;
	u32 i;
	int error;

	spin_lock_irq(&q->cq_lock);
	f->queue = q;
	f->pending = 1;		/* ourselves */
	if (!list_empty(&q->fences.list)) {
		last = list_last_entry(&q->fences.list, struct ai_fence, node);
		f->host = last->host;
		owe_all(f, last);
	}
	list_add_tail(&f->node, &q->fences.list);
	dma_fence_get(&f->base);
	q->fences.nr++;
	for (i = 0; i < q->cq_entries; i += AI_FENCE_BATCH) {
		mark(q, f, i, min(i + AI_FENCE_BATCH, q->cq_entries));
		spin_unlock_irq(&q->cq_lock);
		cond_resched();
		spin_lock_irq(&q->cq_lock);
	}
	f->pending--;
	error = xchg(&q->fences.error, 0);
	if (error)
		dma_fence_set_error(&f->base, error);
	spin_unlock_irq(&q->cq_lock);
	ai_fence_signal(q);
}

/*
 * ai_fence_job_ended() - a job that was on its way has ended
 *
 * With q->cq_lock. Return: true if fences are to be signalled: the caller goes
 * on with ai_fence_signal(), without the lock.
 */
bool ai_fence_job_ended(struct ai_queue *q, struct ai_request *rq, int status)
{
	struct ai_fence *f = rq->fence.out;

	if (!f) {
		if (status)
			ai_fence_note_error(&q->fences, status);
		return false;
	}
	rq->fence.out = NULL;
	if (status && !f->base.error)
		dma_fence_set_error(&f->base, status);
	return !--f->pending;
}

/*
 * It has signalled, so nobody asks any more what it waits for. The lock: another
 * one may still be calling the callbacks, which take loans back.
 */
static void disown(struct ai_fence *f)
{
	u32 i;

	spin_lock(&f->lock);
	for (i = 0; i < f->nr_owed; i++)
		ai_binding_put(f->owed[i].binding);
	spin_unlock(&f->lock);
}

/*
 * ai_fence_signal() - signal the fences of a queue that have nothing to wait for
 *
 * In order, also if two do it at a time: a fence leaves the list when it has
 * signalled. Any context; as RCU-sched reader, or with another hold on the queue.
 */
void ai_fence_signal(struct ai_queue *q)
{
	unsigned long flags;
	struct ai_fence *f;

	spin_lock_irqsave(&q->cq_lock, flags);
	while ((f = list_first_entry_or_null(&q->fences.list, struct ai_fence,
					     node)) && !f->pending) {
		bool mine;

		dma_fence_get(&f->base);
		spin_unlock_irqrestore(&q->cq_lock, flags);
		dma_fence_signal(&f->base);
		spin_lock_irqsave(&q->cq_lock, flags);
		mine = !list_empty(&f->node);
		if (mine) {
			list_del_init(&f->node);
			q->fences.nr--;
			disown(f);
			if (f->host)
				queue_work(system_highpri_wq,
					   &q->fences.lend_work);
			dma_fence_put(&f->base);	/* the list's */
		}
		dma_fence_put(&f->base);
	}
	spin_unlock_irqrestore(&q->cq_lock, flags);
}

/* With q->submit_lock: a fence with a number, as they are made. */
static int fence_init(struct ai_queue *q, struct ai_fence *f)
{
	struct ai_fence_queue *fq = &q->fences;

	if (READ_ONCE(fq->nr) >= AI_MAX_FENCES)
		return -EBUSY;
	if (!fq->context)
		fq->context = ai_fence_base +
			      (u32)atomic64_inc_return(&ai_fence_contexts) %
			      AI_FENCE_CONTEXTS;
	spin_lock_init(&f->lock);
	lockdep_set_class_and_name(&f->lock, LOCK_KEY, LOCK_NAME);
	dma_fence_init(&f->base, compat_fence_ops(&ai_fence_ops), &f->lock,
		       fq->context, ++fq->seqno);
	return 0;
}

/* With q->submit_lock. @f: taken over, also on failure. */
static int fence_make(struct ai_queue *q, struct ai_fence *f, int fd)
{
	struct sync_file *sync;
	int ret;

	ret = fence_init(q, f);
	if (ret) {
		kfree(f);
		return ret;
	}
	sync = sync_file_create(&f->base);
	if (sync) {
		arm(q, f);
		fd_install(fd, sync->file);
	}
	dma_fence_put(&f->base);
	return sync ? 0 : -ENOMEM;
}

/*
 * The answer is written first: not under the lock, as user memory can make us
 * wait for as long as somebody likes, and with us whoever else uses the queue.
 */
long ai_queue_fence(struct ai_queue *q, void __user *uarg)
{
	struct aioffload_queue_fence k;
	struct ai_fence *f;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (ret)
		return ret;
	if (k.flags || k.reserved)
		return -EINVAL;
	k.fd = get_unused_fd_flags(O_CLOEXEC);
	if (k.fd < 0)
		return k.fd;
	ret = ai_copy_out(uarg, &k, sizeof(k));
	if (ret)
		goto err_fd;
	ret = -ENOMEM;
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		goto err_fd;
	ret = -EINTR;
	if (mutex_lock_interruptible(&q->submit_lock)) {
		kfree(f);
		goto err_fd;
	}
	ret = fence_make(q, f, k.fd);
	mutex_unlock(&q->submit_lock);
	if (!ret)
		return 0;

err_fd:
	put_unused_fd(k.fd);
	return ret;
}

/* ---- into a job --------------------------------------------------------- */

/* Nobody is made realtime for being waited for: that is more than it may be. */
static u32 class_lent(const struct ai_request *rq)
{
	return rq->qos == AIOFFLOAD_QOS_REALTIME ? AIOFFLOAD_QOS_INTERACTIVE :
						   rq->qos;
}

/*
 * What is lent to the host's jobs of a queue is what lend_work() finds. Threads
 * are given another class where one may sleep, and soon: it is for somebody who
 * waits. With the lock of a fence that has not signalled, so the queue is there.
 */
static void lenders_changed(struct ai_fence *f)
{
	queue_work(system_highpri_wq, &f->queue->fences.lend_work);
}

/*
 * Who lends can only do so as long as the fence has not signalled, and takes it
 * back before that has been done with: then the streams are there.
 */
static void lend(struct ai_request *rq, struct ai_fence *f)
{
	struct ai_sched_dev *sd = &rq->dev->sched;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&f->lock, flags);
	if (signalled(&f->base))
		goto out;
	for (i = 0; i < f->nr_owed; i++)
		if (f->owed[i].sd == sd)
			rq->fence.loans |=
				ai_sched_lend(&rq->port->sched,
					      ai_port_stream(rq->port, rq->qos),
					      f->owed[i].stream, ai_now());
	if (f->host) {
		rq->fence.lent = true;
		f->lenders[class_lent(rq)]++;
		lenders_changed(f);
	}
out:
	spin_unlock_irqrestore(&f->lock, flags);
}

/* With the lock of the fence that it waits for, which is one of ours. */
static void take_back(struct ai_request *rq, struct ai_fence *f)
{
	if (rq->fence.loans)
		ai_sched_unlend(&rq->port->sched, rq->fence.loans, ai_now());
	rq->fence.loans = 0;
	if (rq->fence.lent) {
		f->lenders[class_lent(rq)]--;
		if (!signalled(&f->base))
			lenders_changed(f);
	}
	rq->fence.lent = false;
}

static const u32 nothing_lent[AI_NR_QOS] = { 0, 1, 2, 3 };

/* Of each class of jobs in the host, the highest class of those who wait. */
static void find_lent(struct ai_queue *q, u32 *as)
{
	struct ai_fence *f;
	u32 from, to;

	memcpy(as, nothing_lent, sizeof(nothing_lent));
	spin_lock_irq(&q->cq_lock);
	list_for_each_entry(f, &q->fences.list, node) {
		for (from = 0; from < AI_NR_QOS; from++) {
			if (!READ_ONCE(f->lenders[from]))
				continue;
			for (to = 0; to < AI_NR_QOS; to++)
				if (f->host & BIT(to) &&
				    ai_qos_rank(from) > ai_qos_rank(as[to]))
					as[to] = from;
		}
	}
	spin_unlock_irq(&q->cq_lock);
}

static void set_lent(struct ai_queue *q, const u32 *as)
{
	u32 i;

	for (i = 0; i < AI_NR_QOS; i++) {
		if (as[i] == q->fences.as[i])
			continue;
		ai_host_lend(q->host, i, q->fences.as[i], as[i]);
		q->fences.as[i] = as[i];
	}
}

static void lend_work(struct work_struct *work)
{
	struct ai_queue *q = container_of(work, struct ai_queue,
					  fences.lend_work);
	u32 as[AI_NR_QOS];

	/* Some may be about to find that they can't run in the host. */
	if (!READ_ONCE(q->host))
		return;
	find_lent(q, as);
	set_lent(q, as);
}

/* READY: to be started by its queue, which is there until it has ended. */
static void ready(struct ai_request *rq)
{
	struct ai_fence_queue *fq = &rq->queue->fences;

	if (llist_add(&rq->fence.ready, &fq->ready))
		queue_work(ai_job_wq, &fq->work);
}

/* Any context, with the fence's lock and interrupts off. */
static void fence_cb(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct ai_request *rq = container_of(cb, struct ai_request, fence.cb);

	if (ours(fence))
		take_back(rq, ours(fence));
	/* If it is HELD, the holder looks whether we have been here. */
	if (cmpxchg(&rq->state, AI_RQ_FENCED, AI_RQ_READY) == AI_RQ_FENCED)
		ready(rq);
}

/*
 * From HELD to FENCED. The caller has a reference on the fence, and is an
 * RCU-sched reader or holds cq_lock: the request may end at once.
 *
 * Either the callback sees FENCED, or its fence had signalled before that was
 * set, and we see this.
 */
static void let_wait(struct ai_request *rq, struct dma_fence *fence)
{
	xchg(&rq->state, AI_RQ_FENCED);
	if (signalled(fence) &&
	    cmpxchg(&rq->state, AI_RQ_FENCED, AI_RQ_READY) == AI_RQ_FENCED)
		ready(rq);
}

/*
 * ai_fence_wait() - have a job wait for a fence, unless that has signalled
 * @rq:	filled, of a queue in ENTER, whose submitter is an RCU-sched reader
 *
 * Return: true if it does: request and reference on the fence have gone.
 */
bool ai_fence_wait(struct ai_request *rq, struct dma_fence *fence)
{
	struct ai_fence *f = ours(fence);

	rq->state = AI_RQ_HELD;
	rq->fence.on = fence;
	rq->fence.loans = 0;
	rq->fence.lent = false;
	if (dma_fence_add_callback(fence, &rq->fence.cb, fence_cb))
		return false;
	/* It is HELD, and stays. */
	refcount_inc(&rq->binding->refs);
	ai_queue_share(rq->queue);
	if (f)
		lend(rq, f);
	dma_fence_get(fence);
	let_wait(rq, fence);
	dma_fence_put(fence);
	return true;
}

/* No callback runs, or will run, when it returns. */
static void forget(struct ai_request *rq)
{
	struct dma_fence *fence = rq->fence.on;
	struct ai_fence *f = ours(fence);
	unsigned long flags;

	/* First: once the callback is gone nothing keeps the streams. */
	if (f) {
		spin_lock_irqsave(&f->lock, flags);
		take_back(rq, f);
		spin_unlock_irqrestore(&f->lock, flags);
	}
	dma_fence_remove_callback(fence, &rq->fence.cb);
	rq->fence.on = NULL;
	dma_fence_put(fence);
}

/*
 * ai_fence_cancel() - end a job that waits for a fence
 *
 * As ai_rq_cancel(), from which it is called.
 */
void ai_fence_cancel(struct ai_request *rq, int why, bool overdue_only)
{
	struct dma_fence *fence;

	if (cmpxchg(&rq->state, AI_RQ_FENCED, AI_RQ_HELD) != AI_RQ_FENCED)
		return;
	if (overdue_only && ai_now() < rq->deadline) {
		fence = dma_fence_get(rq->fence.on);
		let_wait(rq, fence);
		dma_fence_put(fence);
		return;
	}
	forget(rq);
	ai_rq_end_waiting(rq, why);
}

/* Its fence has signalled: it is ours. */
static void start(struct ai_request *rq)
{
	int status = dma_fence_get_status(rq->fence.on);

	forget(rq);
	if (status < 0)
		ai_rq_end_waiting(rq, -ECANCELED);
	else
		ai_rq_go(rq);
}

/* Jobs end here, for whose fences others wait in turn. */
static void start_work(struct work_struct *work)
{
	struct ai_queue *q = container_of(work, struct ai_queue, fences.work);
	struct llist_node *first = llist_del_all(&q->fences.ready);
	struct ai_request *rq, *next;
	bool cookie = dma_fence_begin_signalling();

	llist_for_each_entry_safe(rq, next, llist_reverse_order(first),
				  fence.ready) {
		start(rq);
		cond_resched();
	}
	dma_fence_end_signalling(cookie);
}

void ai_fence_queue_init(struct ai_queue *q)
{
	INIT_LIST_HEAD(&q->fences.list);
	init_llist_head(&q->fences.ready);
	INIT_WORK(&q->fences.work, start_work);
	INIT_WORK(&q->fences.lend_work, lend_work);
	memcpy(q->fences.as, nothing_lent, sizeof(nothing_lent));
}

/* All have signalled. */
void ai_fence_queue_exit(struct ai_queue *q)
{
	cancel_work_sync(&q->fences.work);
	cancel_work_sync(&q->fences.lend_work);
	set_lent(q, nothing_lent);
}

void ai_fence_init(void)
{
	ai_fence_base = dma_fence_context_alloc(AI_FENCE_CONTEXTS);
}
