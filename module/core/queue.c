// SPDX-License-Identifier: GPL-2.0
/*
 * Queues: rings in shared memory behind a descriptor. Submission and waiting
 * are in enter.c, budgets and the end of a closed queue in watch.c.
 */
#include <linux/anon_inodes.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/log2.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "queue.h"
#include "ring.h"

/* @bytes: of its rings */
static int charge(struct ai_queue *q, u64 bytes)
{
	struct ai_group *group = q->ctx->sec.group;
	int ret;

	ret = ai_quota_charge(group, AIOFFLOAD_RES_QUEUES, 1);
	if (ret)
		return ret;
	ret = ai_quota_charge(group, AIOFFLOAD_RES_BYTES, bytes);
	if (ret)
		ai_quota_uncharge(group, AIOFFLOAD_RES_QUEUES, 1);
	else
		q->charged = bytes;
	return ret;
}

static void uncharge(struct ai_queue *q)
{
	struct ai_group *group = q->ctx->sec.group;

	if (!q->charged)
		return;
	ai_quota_uncharge(group, AIOFFLOAD_RES_BYTES, q->charged);
	ai_quota_uncharge(group, AIOFFLOAD_RES_QUEUES, 1);
}

static void queue_free(struct ai_queue *q)
{
	struct eventfd_ctx *eventfd = rcu_dereference_raw(q->eventfd);

	/* Set off once more by the last completion, perhaps. */
	cancel_delayed_work_sync(&q->watch_work);
	ai_fence_queue_exit(q);
	if (eventfd)
		eventfd_ctx_put(eventfd);
	if (q->host)
		ai_host_leave(q->host);
	if (!list_empty(&q->promised_node))
		ai_promise_end(q);
	ai_rt_release(&q->rt);
	vunmap(q->ring);
	ai_pages_free(&q->pages);
	kvfree(q->requests);
	uncharge(q);
	ai_ctx_put(q->ctx);
	kfree(q);
	ai_object_dead();
}

static void queue_free_work(struct work_struct *work)
{
	queue_free(container_of(to_rcu_work(work), struct ai_queue, free_work));
}

/* After a grace period: a completer may still be waking us. */
void ai_queue_free_later(struct ai_queue *q)
{
	queue_rcu_work(ai_wq, &q->free_work);
}

static void leave_ctx(struct ai_queue *q)
{
	mutex_lock(&q->ctx->lock);
	list_del(&q->ctx_node);
	q->ctx->nr_queues--;
	mutex_unlock(&q->ctx->lock);
}

/*
 * Jobs in flight are cancelled and the rest happens in a worker: whoever
 * closes, perhaps because it was killed, does not wait for a device.
 */
static int queue_release(struct inode *inode, struct file *file)
{
	struct ai_queue *q = file->private_data;

	leave_ctx(q);
	spin_lock_irq(&q->cq_lock);
	q->dead = true;
	q->freeing = q->cq_tail == q->taken;
	if (q->freeing)
		ai_queue_free_later(q);
	else
		mod_delayed_work(ai_job_wq, &q->watch_work, 0);
	spin_unlock_irq(&q->cq_lock);
	return 0;
}

void ai_queue_notify(struct ai_queue *q)
{
	struct eventfd_ctx *eventfd = rcu_dereference_sched(q->eventfd);

	if (eventfd)
		compat_eventfd_signal(eventfd);
	if (wq_has_sleeper(&q->wait))
		wake_up_poll(&q->wait, EPOLLIN | EPOLLRDNORM |
				       EPOLLOUT | EPOLLWRNORM);
}

/*
 * ai_queue_complete() - a job that was on its way has ended
 *
 * Any context. After the lock is let go, a queue whose descriptor is closed
 * may end too, but not before this reader does.
 */
void ai_queue_complete(struct ai_queue *q, struct ai_request *rq, int status,
		       u32 device, u64 duration_ns)
{
	unsigned long flags;
	bool signal = false;

	rcu_read_lock_sched();
	spin_lock_irqsave(&q->cq_lock, flags);
	ai_ring_write(&q->cqes[q->cq_tail & (q->cq_entries - 1)],
		      rq->user_data, status, device, duration_ns);
	ai_ring_publish(q, q->cq_tail + 1);
	WRITE_ONCE(rq->state, AI_RQ_FREE);
	rq->next = q->returned;
	q->returned = rq;
	if (unlikely(q->dead && q->cq_tail == q->taken))
		mod_delayed_work(ai_job_wq, &q->watch_work, 0);
	if (unlikely(rq->fence.out || status))
		signal = ai_fence_job_ended(q, rq, status);
	spin_unlock_irqrestore(&q->cq_lock, flags);
	ai_queue_notify(q);
	if (unlikely(signal))
		ai_fence_signal(q);
	rcu_read_unlock_sched();
}

static __poll_t queue_poll(struct file *file, struct poll_table_struct *wait)
{
	struct ai_queue *q = file->private_data;
	__poll_t mask = 0;
	int unread;
	u32 head;

	poll_wait(file, &q->wait, wait);
	if (READ_ONCE(q->ctx->closed))
		mask |= EPOLLERR | EPOLLHUP;
	unread = ai_ring_unread(q, &head);
	if (unread < 0)
		return mask | EPOLLERR;
	if (unread)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(q->taken) - head < q->cq_entries)
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static vm_fault_t queue_fault(struct vm_fault *vmf)
{
	struct ai_queue *q = vmf->vma->vm_private_data;

	return ai_pages_fault(&q->pages, vmf);
}

static const struct vm_operations_struct queue_vm_ops = {
	.fault = queue_fault,
};

/* The mapping holds the file, and thereby the queue. */
static int queue_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ai_queue *q = file->private_data;

	if (!(vma->vm_flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	if (vma->vm_pgoff || vma_pages(vma) > q->pages.nr)
		return -EINVAL;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &queue_vm_ops;
	vma->vm_private_data = q;
	return 0;
}

static long queue_eventfd(struct ai_queue *q, void __user *uarg)
{
	struct aioffload_queue_eventfd k;
	struct eventfd_ctx *eventfd = NULL;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (ret)
		return ret;
	if (k.flags || k.reserved || k.fd < -1)
		return -EINVAL;
	if (k.fd >= 0) {
		eventfd = eventfd_ctx_fdget(k.fd);
		if (IS_ERR(eventfd))
			return PTR_ERR(eventfd);
	}
	mutex_lock(&q->submit_lock);
	eventfd = rcu_replace_pointer(q->eventfd, eventfd,
				      lockdep_is_held(&q->submit_lock));
	mutex_unlock(&q->submit_lock);
	if (eventfd) {
		synchronize_rcu();
		eventfd_ctx_put(eventfd);
	}
	return 0;
}

static long queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ai_queue *q = file->private_data;
	void __user *uarg = (void __user *)arg;

	if (likely(cmd == AIOFFLOAD_IOC_ENTER))
		return ai_queue_enter(q, uarg);
	if (cmd == AIOFFLOAD_IOC_QUEUE_EVENTFD)
		return queue_eventfd(q, uarg);
	if (cmd == AIOFFLOAD_IOC_QUEUE_FENCE)
		return ai_queue_fence(q, uarg);
	return -ENOTTY;
}

const struct file_operations ai_queue_fops = {
	.owner = THIS_MODULE,
	.release = queue_release,
	.unlocked_ioctl = queue_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = queue_poll,
	.mmap = queue_mmap,
	.llseek = noop_llseek,
};

/* Ring memory: the ends, then submissions, then completions. */
static int alloc_rings(struct ai_queue *q, struct aioffload_queue_create *k)
{
	u32 sqes = ALIGN(sizeof(struct ai_ring_page), AI_LINE);
	u32 cqes = sqes + q->sq_entries * sizeof(struct aioffload_sqe);
	u32 end = cqes + q->cq_entries * sizeof(struct aioffload_cqe);
	void *base;
	int ret;

	ret = charge(q, PAGE_ALIGN(end));
	if (ret)
		return ret;
	ret = ai_pages_alloc(&q->pages, DIV_ROUND_UP(end, PAGE_SIZE));
	if (ret)
		return ret;
	base = vmap(q->pages.pages, q->pages.nr, VM_MAP, PAGE_KERNEL);
	if (!base)
		return -ENOMEM;
	q->ring = base;
	q->sqes = base + sqes;
	q->cqes = base + cqes;
	q->ring->sq_mask = q->sq_entries - 1;
	q->ring->cq_mask = q->cq_entries - 1;
	k->ring_bytes = (u64)q->pages.nr << PAGE_SHIFT;
	k->sq = (struct aioffload_ring_offsets) {
		.head = offsetof(struct ai_ring_page, sq_head),
		.tail = offsetof(struct ai_ring_page, sq_tail),
		.mask = offsetof(struct ai_ring_page, sq_mask),
		.entries = sqes,
	};
	k->cq = (struct aioffload_ring_offsets) {
		.head = offsetof(struct ai_ring_page, cq_head),
		.tail = offsetof(struct ai_ring_page, cq_tail),
		.mask = offsetof(struct ai_ring_page, cq_mask),
		.entries = cqes,
	};
	return 0;
}

/* As many requests as completions can be owed: submitting never allocates. */
static int alloc_requests(struct ai_queue *q)
{
	struct ai_request *rq;
	u32 i;

	q->requests = kvcalloc(q->cq_entries, sizeof(*q->requests),
			       GFP_KERNEL_ACCOUNT);
	if (!q->requests)
		return -ENOMEM;
	for (i = 0; i < q->cq_entries; i++) {
		rq = &q->requests[i];
		rq->queue = q;
		rq->next = q->free;
		q->free = rq;
	}
	return 0;
}

static struct ai_queue *queue_new(struct ai_ctx *ctx,
				  struct aioffload_queue_create *k)
{
	struct ai_queue *q = kzalloc(sizeof(*q), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!q)
		return ERR_PTR(-ENOMEM);
	ai_object_born();
	mutex_init(&q->submit_lock);
	spin_lock_init(&q->cq_lock);
	init_waitqueue_head(&q->wait);
	INIT_LIST_HEAD(&q->promised_node);
	INIT_DELAYED_WORK(&q->watch_work, ai_queue_watch_work);
	INIT_RCU_WORK(&q->free_work, queue_free_work);
	ai_fence_queue_init(q);
	q->sq_entries = k->sq_entries;
	q->cq_entries = k->cq_entries;
	q->qos = k->qos;
	q->hint = k->hint;
	refcount_inc(&ctx->refs);
	q->ctx = ctx;
	ret = alloc_rings(q, k);
	if (!ret)
		ret = alloc_requests(q);
	if (ret) {
		queue_free(q);
		return ERR_PTR(ret);
	}
	return q;
}

/* Bindings that come from here on find it. @left_ppm: see admit(). */
static int join_ctx(struct ai_queue *q, u32 *left_ppm)
{
	struct ai_ctx *ctx = q->ctx;
	int ret = -ENOSPC;

	mutex_lock(&ctx->lock);
	if (ctx->nr_queues < AI_MAX_QUEUES) {
		ret = q->qos == AIOFFLOAD_QOS_REALTIME ?
		      ai_promise_queue(q, left_ppm) : 0;
		if (!ret) {
			ctx->nr_queues++;
			list_add_tail(&q->ctx_node, &ctx->queues);
		}
	}
	mutex_unlock(&ctx->lock);
	return ret;
}

/*
 * Let it into its context, with what is promised to a realtime queue. -EBUSY:
 * only so much is left of the host (of all its CPUs), or of the device that has
 * least.
 */
static int admit(struct ai_queue *q, const struct aioffload_queue_create *k,
		 u32 *left_ppm)
{
	struct ai_device *pinned = q->ctx->pinned;
	int ret;

	if (k->qos == AIOFFLOAD_QOS_REALTIME) {
		ret = ai_rt_admit(&q->rt, k, !pinned || pinned->host, left_ppm);
		if (ret)
			return ret;
		ai_promise_begin(q);
	}
	return join_ctx(q, left_ppm);
}

static int tell_left(const struct aioffload_queue_create *k,
		     struct aioffload_queue_create __user *uarg, u32 left_ppm)
{
	if (k->size >= offsetofend(struct aioffload_queue_create,
				   rt_left_ppm) &&
	    put_user(left_ppm, &uarg->rt_left_ppm))
		return -EFAULT;
	return -EBUSY;
}

/* It is in its context. */
static int queue_install(struct ai_queue *q, struct aioffload_queue_create *k,
			 void __user *uarg)
{
	struct file *file;
	int ret, fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ret = fd;
		goto err_leave;
	}
	file = anon_inode_getfile("[aioffload-queue]", &ai_queue_fops, q,
				  O_RDWR | O_CLOEXEC);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_fd;
	}
	k->fd = fd;
	ret = ai_copy_out(uarg, k, sizeof(*k));
	if (ret) {
		put_unused_fd(fd);
		fput(file);	/* frees the queue */
		return ret;
	}
	fd_install(fd, file);
	return 0;

err_fd:
	put_unused_fd(fd);
err_leave:
	leave_ctx(q);
	queue_free(q);
	return ret;
}

static int check_create(const struct aioffload_queue_create *k)
{
	if (k->flags || k->reserved || k->reserved2 || !k->sq_entries ||
	    k->sq_entries > AI_MAX_SQ_ENTRIES ||
	    k->cq_entries > AI_MAX_CQ_ENTRIES)
		return -EINVAL;
	if (k->qos > AIOFFLOAD_QOS_REALTIME ||
	    k->hint > AIOFFLOAD_HINT_KEEP_WARM)
		return -EINVAL;
	if (k->qos == AIOFFLOAD_QOS_REALTIME)
		return ai_rt_check(k);
	return k->runtime_ns || k->period_ns || k->deadline_ns ? -EINVAL : 0;
}

long ai_ctx_queue_create(struct ai_ctx *ctx, void __user *uarg)
{
	struct aioffload_queue_create k;
	u32 right = AI_RIGHT_EXEC;
	struct ai_queue *q;
	u32 left_ppm;
	int ret;

	ret = ai_copy_in(&k, sizeof(k),
			 offsetof(struct aioffload_queue_create, qos), uarg);
	if (!ret)
		ret = check_create(&k);
	if (ret)
		return ret;
	if (k.qos == AIOFFLOAD_QOS_REALTIME)
		right |= AI_RIGHT_RT;
	ret = ai_ctx_alive(ctx) ?: ai_ctx_may(ctx, right);
	if (ret)
		return ret;
	k.sq_entries = roundup_pow_of_two(k.sq_entries);
	k.cq_entries = k.cq_entries ? roundup_pow_of_two(k.cq_entries) :
				      2 * k.sq_entries;
	q = queue_new(ctx, &k);
	if (IS_ERR(q))
		return PTR_ERR(q);
	ret = admit(q, &k, &left_ppm);
	if (ret) {
		queue_free(q);
		return ret == -EBUSY ? tell_left(&k, uarg, left_ppm) : ret;
	}
	k.rt_left_ppm = 0;
	return queue_install(q, &k, uarg);
}
