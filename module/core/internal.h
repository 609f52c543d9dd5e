/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of core share.
 *
 * LOCK ORDER, outermost first. A lock may be taken while holding any above it.
 *
 *	ai_registry_lock	mutex	ids and list of devices
 *	ai_promised_lock	mutex	realtime queues (realtime.c)
 *	ctx->lock		mutex	slots and queues of a context
 *	queue->submit_lock	mutex	consumer side of a submission ring
 *	ai_hosts_lock		mutex	threads that work in the host (sched/host.c)
 *	model->lock		mutex	which devices a model was prepared for
 *	dev->held_lock		mutex	what drivers hold: prepared models, DMA maps
 *	thread->lock		mutex	a host thread is being hurried (likewise)
 *	dev->sched.groups.lock	mutex	who has a share of a device
 *	(devfreq's and thermal's locks)
 *	dev->pm->lock		mutex	the device is up or down, and how fast (pm.h)
 *	(dma-buf core's locks: reservation, exporter's)
 *	dev->sched.lock		spin, irq	credits and waiting jobs
 *	pool->lock		spin, irq	jobs that wait for a host thread
 *	port->sched.lock	spin, irq	what its jobs had in the host
 *	queue->cq_lock		spin, irq	producer side of a completion ring
 *	fence->lock		spin, irq	of a dma_fence, ours or not; see fence.c
 *	dev->place_lock		spin, irq	what placement knows (place.c); innermost
 *	ai_group_lock		spin	the tree of groups (sec/group.h)
 *	ai_quota_lock		spin, irq	what groups have in use (likewise)
 *
 * dev->sched.lock, pool->lock and queue->cq_lock are never held together (but
 * dev->sched.lock is taken with a fence's lock), nor
 * with one of the last two, which are taken for a moment by calls into sec. No
 * lock is held across a driver's submit(), run(), cancel(), reset() or prepare()
 * (but model->lock across prepare()); unprepare() runs under dev->held_lock,
 * query() and the ops for power under dev->pm->lock, if there is one.
 *
 * RCU is the sched flavour: a reader runs with preemption off. It protects
 *  - ctx->slots[]: a binding found there stays until the reader ends;
 *  - a device's ->submit() and ->cancel(): both are called by readers that have
 *    seen the gate open, so after shutting it and synchronize_rcu() none runs;
 *  - the queue against the end of a completer that has posted its last job.
 *
 * OWNERSHIP OF A REQUEST is its state, changed by cmpxchg only:
 *
 *	FREE	  the queue's (or nobody's: RUN has it on its stack)
 *	FENCED	  the fence's that it waits for
 *	READY	  its queue's work's, since that fence has signalled
 *	WAITING	  the scheduler's, under dev->sched.lock
 *	HELD	  the core code's that calls ->submit() or ->cancel() with it
 *	INFLIGHT  the driver's
 *	DONE	  the core code's that ends it
 *
 * ai_job_complete() ends a request that it finds INFLIGHT. One that is HELD it
 * marks DONE, and the holder ends it when the driver's op has returned: so a
 * job that completes within ->submit() is ended by the submitter with no lock
 * taken, and one that completes during ->cancel() stays valid until that
 * returns.
 */
#ifndef AIOFFLOAD_INTERNAL_H
#define AIOFFLOAD_INTERNAL_H

#include <linux/ai_device.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/dma-direction.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/percpu-refcount.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/aioffload.h>

#include "../compat/compat.h"
#include "../sched/host.h"
#include "../sched/place.h"
#include "../sched/sched.h"
#include "../sec/sec.h"
#include "copy.h"
#include "fence.h"
#include "pm.h"

/* There spinlocks sleep, and jobs are handed over with preemption off. */
#ifdef CONFIG_PREEMPT_RT
#error "aioffload does not work on PREEMPT_RT kernels"
#endif

#define AI_MODULE_VERSION	"0.1.0"

#define AI_MAX_DEVICES		256
#define AI_MAX_DEPTH		4096
#define AI_HOST_DEPTH		1000000	/* jobs in the host; see activity.h */
#define AI_MAX_SLOTS		1024
#define AI_MAX_QUEUES		64
#define AI_MAX_SQ_ENTRIES	4096
#define AI_MAX_CQ_ENTRIES	(2 * AI_MAX_SQ_ENTRIES)
#define AI_MAX_SAMPLES		0x1000000U
#define AI_BATCH		32	/* jobs between two looks at the world */
#define AI_BATCH_LOOKS		256	/* ... and devices that were compared for them */
#define AI_DISPATCH_BATCH	64	/* jobs one dispatcher starts in a row */
#define AI_LINE			64	/* cache line, as far as the uapi goes */

/* Module parameters, main.c, and the limits that follow from them. */
extern unsigned int ai_max_model_mib;
extern unsigned int ai_max_buffer_mib;
extern unsigned int ai_job_timeout_ms;
extern unsigned int ai_max_job_timeout_ms;
extern unsigned int ai_cancel_grace_ms;

u64 ai_max_model_bytes(void);
u64 ai_max_buffer_bytes(void);

extern struct workqueue_struct *ai_job_wq;	/* without it jobs would not end */
extern struct class *ai_class;
extern dev_t ai_devt;

/* ---- devices ------------------------------------------------------------ */

/* @busy: in units of 1024 ns */
struct ai_stats {
	u64 done;
	u64 failed;
	u64 busy;
};

/**
 * struct ai_device - a registered device
 * @sched:	credits and waiting jobs
 * @activity:	jobs at the device and since when; see activity.h
 * @stats:	per CPU, so that counting costs no shared cache line
 * @ops:	copy; what the driver lacks is NULL
 * @users:	ops that may sleep (prepare, run, reset, query) in progress
 * @users_gone:	the last of them has left, after unregistering began
 * @queue_depth: as the driver said; @sched may be given more
 * @host:	it works in the host: core makes ->run() do for ->submit()
 * @stopping:	tells jobs in ->run() to end
 * @drained:	woken when a halted device gets its last credit back
 * @held_lock:	guards @prepared and @maps
 * @prepared:	struct ai_prepared.dev_node; unprepared by whoever unlinks it
 * @maps:	struct ai_dma_map.dev_node; unmapped by whoever unlinks it
 * @owner:	the driver's module; not to be looked at without @users
 * @place:	what placement knows of it, under @place_lock
 * @pm:		of one that idles down or has operating points, else NULL
 * @hwmon:	of one that can be asked, or NULL
 * @load_*:	for load_permille, under @load_lock
 */
struct ai_device {
	struct ai_sched_dev sched;
	atomic64_t activity;
	struct ai_stats __percpu *stats;
	u64 caps;
	void *priv;
	struct ai_device_ops ops;
	struct percpu_ref users;
	u32 id;
	u32 queue_depth;
	bool host;
	bool stopping;
	struct completion users_gone;
	wait_queue_head_t drained;

	struct mutex held_lock;	/* see above */
	struct list_head prepared;
	struct list_head maps;

	struct work_struct dispatch_work;
	struct work_struct reset_work;
	atomic_t resets;

	spinlock_t place_lock;	/* place, and cost of what is prepared for it */
	struct place_dev place;

	struct ai_pm *pm;
	struct device *hwmon;

	struct mutex load_lock;	/* load_* */
	u64 load_at_ns;
	u64 load_busy_ns;
	u32 load_permille;

	struct device device;
	struct device *parent;
	struct module *owner;
	struct list_head node;
	struct rcu_head rcu;
	u32 dev_class;
	char driver[AIOFFLOAD_NAME_LEN];
	char desc[AIOFFLOAD_NAME_LEN];
};

struct ai_device *ai_device_find(u32 id);
struct ai_device *ai_device_find_from(u32 id);
unsigned int ai_device_snapshot(struct ai_device **devs, unsigned int max);
u32 ai_device_state(const struct ai_device *dev);
void ai_device_stats(const struct ai_device *dev, struct ai_stats *sum);
int ai_device_query(struct ai_device *dev, struct ai_device_status *status);
void ai_device_reset_async(struct ai_device *dev);
void ai_device_reset_work(struct work_struct *work);
void ai_device_dispatch_work(struct work_struct *work);
int ai_device_drain(struct ai_device *dev, unsigned long timeout);
void ai_device_evict(struct ai_device *dev);
void ai_device_fail(struct ai_device *dev, const char *what, int err);
extern const struct attribute_group *ai_device_groups[];

static inline struct ai_device *ai_device_get(struct ai_device *dev)
{
	get_device(&dev->device);
	return dev;
}

static inline void ai_device_put(struct ai_device *dev)
{
	put_device(&dev->device);
}

/* ---- pages shared with user space --------------------------------------- */

/**
 * struct ai_pages - zeroed pages, charged to the memory cgroup of the maker
 */
struct ai_pages {
	struct page **pages;
	unsigned long nr;
};

int ai_pages_alloc(struct ai_pages *p, unsigned long nr);
void ai_pages_free(struct ai_pages *p);
vm_fault_t ai_pages_fault(struct ai_pages *p, struct vm_fault *vmf);

/* ---- models ------------------------------------------------------------- */

/**
 * struct ai_model_obj - an admitted model
 * @data:	the file, signature included
 * @bytes:	its size
 * @loaded:	sec was told that it is
 * @lock:	guards @prepared
 * @prepared:	struct ai_prepared.model_node, one for each device it was bound
 *		for; they live as long as the model
 */
struct ai_model_obj {
	refcount_t refs;
	struct ai_model model;
	struct aim_view view;
	struct ai_sec_model sec;
	void *data;
	u64 bytes;
	bool loaded;
	struct mutex lock;	/* prepared */
	struct list_head prepared;
};

struct ai_model_obj *ai_model_from_fd(int fd);
void ai_model_put(struct ai_model_obj *model);

static inline struct ai_model_obj *ai_model_get(struct ai_model_obj *model)
{
	refcount_inc(&model->refs);
	return model;
}

/**
 * struct ai_prepared - what a driver made of a model
 * @ptr:	the driver's; not to be used once the device's gate says GONE
 * @cost:	of jobs there, as far as they could have gone elsewhere; under
 *		dev->place_lock
 * @dev_node:	in dev->prepared; empty once unprepared
 */
struct ai_prepared {
	struct ai_device *dev;
	void *ptr;
	struct place_cost cost;
	struct list_head model_node;
	struct list_head dev_node;
};

struct ai_prepared *ai_prepared_get(struct ai_model_obj *model,
				    struct ai_device *dev);
void ai_prepared_release_model(struct ai_model_obj *model);
void ai_prepared_release_device(struct ai_device *dev);

/* ---- bindings ----------------------------------------------------------- */

/**
 * struct ai_bind_buf - one dma-buf that a binding uses
 * @map:	its kernel address, if a device of the binding needs one
 * @dir:	DMA_FROM_DEVICE if the CPU will only read it (it holds no output)
 */
struct ai_bind_buf {
	struct dma_buf *dmabuf;
	struct iosys_map map;
	enum dma_data_direction dir;
	bool mapped;
	bool accessed;
};

/**
 * struct ai_dma_map - one dma-buf mapped for one device
 * @dev_node:	in dev->maps; empty once unmapped
 */
struct ai_dma_map {
	struct ai_device *dev;
	struct dma_buf_attachment *at;
	struct sg_table *sgt;
	struct list_head dev_node;
};

struct ai_ctx;

/**
 * struct ai_port - a context on a device
 * @refs:	targets, under ctx->lock
 * @expect_ns:	predicted time of the jobs that were placed there, by class
 * @ctx:	referenced
 * @node:	in ctx->ports
 */
struct ai_port {
	struct ai_sched_port sched;
	u32 refs;
	atomic64_t expect_ns[AIOFFLOAD_NR_QOS];
	struct ai_device *dev;
	struct ai_ctx *ctx;
	struct list_head node;
};

struct ai_port *ai_port_get(struct ai_ctx *ctx, struct ai_device *dev);
void ai_port_put(struct ai_port *p);

/**
 * struct ai_target - a device that a binding can run on
 * @port:	through which its jobs go there
 * @io:		nr_inputs + nr_outputs
 * @maps:	nr_bufs, or NULL if it does no DMA
 */
struct ai_target {
	struct ai_device *dev;
	struct ai_prepared *prepared;
	struct ai_port *port;
	struct ai_io *io;
	struct ai_dma_map *maps;
};

/**
 * struct ai_binding - a slot: model, buffers, devices
 * @refs:	one of the slot (until a grace period after UNBIND), one of each
 *		job at a device or waiting for one
 * @max_job_ns:	the model's budget, U64_MAX if it has none
 * @exec:	counts its jobs for the audit system, once @counted
 * @own_model:	the model was loaded by the group of the binding's context
 * @host:	a device of it works in the host
 * @node:	if so, the NUMA node that most of its memory is on, or NUMA_NO_NODE
 * @last:	target that was picked last, and how many were: hints, if it has
 * @turn:	several
 */
struct ai_binding {
	refcount_t refs;
	bool counted;
	bool own_model;
	bool host;
	int node;
	u32 samples;
	u32 nr_targets;
	u32 nr_inputs;
	u32 nr_outputs;
	u32 nr_bufs;
	struct ai_target *targets;
	u32 last;
	u32 turn;
	struct ai_model_obj *model;
	struct ai_bind_buf *bufs;
	u64 max_job_ns;
	struct ai_sec_exec exec;
	struct rcu_head rcu;
	struct work_struct free_work;
};

long ai_ctx_bind(struct ai_ctx *ctx, void __user *uarg);
long ai_ctx_unbind(struct ai_ctx *ctx, void __user *uarg);
void ai_binding_free(struct ai_binding *b);
void ai_binding_retire(struct ai_binding *b);
int ai_bind_bufs_open(struct ai_binding *b, const struct aioffload_bind_io *ios,
		      u16 *buf_of);
int ai_bind_bufs_vmap(struct ai_binding *b);
void ai_bind_bufs_close(struct ai_binding *b);
int ai_bind_node(const struct ai_binding *b, const struct ai_io *io);
int ai_dma_maps_open(struct ai_binding *b, struct ai_target *t);
void ai_dma_maps_close(struct ai_binding *b, struct ai_target *t);
void ai_dma_maps_release_device(struct ai_device *dev);

/* The last reference may go in an interrupt, freeing needs to sleep. */
static inline void ai_binding_put(struct ai_binding *b)
{
	if (refcount_dec_and_test(&b->refs))
		queue_work(ai_wq, &b->free_work);
}

/* ---- contexts ----------------------------------------------------------- */

/**
 * struct ai_ctx - an open /dev/aioffload or /dev/aioffloadN
 * @refs:	the fd, each queue and each port
 * @pinned:	its only device, or NULL
 * @closed:	the fd is gone; queues answer ENODEV
 * @host:	there was a binding for a device that works in the host
 * @widest:	most targets that a binding of it has had
 * @slots:	AI_MAX_SLOTS bindings
 * @queues:	struct ai_queue.ctx_node
 * @ports:	struct ai_port.node
 */
struct ai_ctx {
	struct ai_binding __rcu **slots;
	struct ai_sec_ctx sec;
	struct ai_device *pinned;
	bool closed;
	bool host;
	u32 widest;
	refcount_t refs;
	struct mutex lock;	/* slots (writers), queues, nr_queues, ports */
	u32 nr_queues;
	u32 slot_hint;
	struct list_head queues;
	struct list_head ports;
};

extern const struct file_operations ai_ctx_fops;
struct ai_device *ai_ctx_device_from(struct ai_ctx *ctx, u32 id);
void ai_ctx_put(struct ai_ctx *ctx);
long ai_ctx_info(struct ai_ctx *ctx, void __user *uarg);
long ai_ctx_device_info(struct ai_ctx *ctx, void __user *uarg);
long ai_ctx_buf_create(struct ai_ctx *ctx, void __user *uarg);
long ai_ctx_model_load(struct ai_ctx *ctx, void __user *uarg);
long ai_ctx_run(struct ai_ctx *ctx, void __user *uarg);
long ai_ctx_queue_create(struct ai_ctx *ctx, void __user *uarg);
long ai_ctx_grant(struct ai_ctx *ctx, void __user *uarg);
long ai_ctx_weight(struct ai_ctx *ctx, void __user *uarg);
long ai_ctx_sched(struct ai_ctx *ctx, void __user *uarg);

/* 0 unless the context is pinned to a device that went away. */
static inline int ai_ctx_alive(const struct ai_ctx *ctx)
{
	if (ctx->pinned && ai_sched_gate(&ctx->pinned->sched) & AI_GATE_GONE)
		return -ENODEV;
	return 0;
}

/* Has the context's caller a right, on its device if it has but one? */
static inline int ai_ctx_may(struct ai_ctx *ctx, u32 right)
{
	return ai_sec_may(&ctx->sec, right, ctx->pinned ? ctx->pinned->id :
							  AIOFFLOAD_DEVICE_ANY);
}

/* Reader side of the slots: call with preemption off (RCU-sched). */
static inline struct ai_binding *ai_ctx_slot(struct ai_ctx *ctx, u32 slot)
{
	if (unlikely(slot >= AI_MAX_SLOTS))
		return NULL;
	slot = array_index_nospec(slot, AI_MAX_SLOTS);
	return rcu_dereference_sched(ctx->slots[slot]);
}

/* Are there so many samples from the first on in a binding? */
static inline bool ai_samples_ok(u32 samples, u32 first, u32 count)
{
	return count && first < samples && count <= samples - first;
}

/* ---- requests ----------------------------------------------------------- */

enum ai_rq_state {
	AI_RQ_FREE,
	AI_RQ_FENCED,
	AI_RQ_READY,
	AI_RQ_WAITING,
	AI_RQ_HELD,
	AI_RQ_INFLIGHT,
	AI_RQ_DONE,
};

struct ai_queue;

/**
 * struct ai_request - core's side of a job
 * @job:	the driver's side
 * @state:	enum ai_rq_state
 * @status:	the driver's verdict, valid when DONE
 * @why:	errno for a job that core ended, 0 if it did not
 * @retried:	a reset killed it once already, and it was started again
 * @cancel_sent: ->cancel() was called
 * @dev:	where it is or waits
 * @binding:	its own reference, when WAITING or INFLIGHT
 * @queue:	who wants the completion,
 * @done:	or, for RUN, where it sleeps; NULL for a queue's
 * @next:	in the queue's list of free requests
 * @metered:	the group that it was charged to as a job, or NULL
 * @qos:	its class; set where a job is submitted, not for ->run()
 * @due:	when a realtime job should have ended, else 0
 * @port:	through which it goes to @dev
 * @host:	of a job that runs in the host
 * @fence:	of a queue's job: what it waits for, and who waits for it
 * @placed:	its target, if that is one of several and was told of it
 * @expect_ns:	what it then was expected to take
 * @others:	bit N: it may also go to target N of its binding
 * @deadline:	end of its budget, by ai_now()
 * @start_ns:	when the driver had taken it, 0 if it never did
 */
struct ai_request {
	struct ai_job job;
	int state;
	int status;
	int why;
	bool retried;
	bool cancel_sent;
	struct ai_device *dev;
	struct ai_binding *binding;
	struct ai_queue *queue;
	struct completion *done;
	struct ai_request *next;
	struct ai_sched_job sched;
	struct ai_group *metered;
	u32 qos;
	u64 due;
	struct ai_port *port;
	struct ai_host_job host;
	struct ai_fence_rq fence;
	struct ai_target *placed;
	u64 expect_ns;
	u64 others;
	u64 deadline;
	u64 start_ns;
	u64 user_data;
};

bool ai_rq_start_slow(struct ai_request *rq, int ret);
int ai_rq_enqueue(struct ai_request *rq);
int ai_rq_failed(const struct ai_request *rq);
void ai_rq_left(struct ai_request *rq);
void ai_rq_finish(struct ai_request *rq);
void ai_rq_end_waiting(struct ai_request *rq, int status);
void ai_rq_go(struct ai_request *rq);
void ai_rq_cancel(struct ai_request *rq, int why, bool overdue_only);
void ai_rq_escalate(struct ai_request *rq);
void ai_dispatch(struct ai_device *dev);
struct ai_target *ai_target_pick(struct ai_ctx *ctx, struct ai_binding *b,
				 u32 samples, u32 qos, u32 hint, u64 deadline);
void ai_place_scope(struct ai_ctx *ctx, struct ai_request *rq);
void ai_place_sets_out(struct ai_request *rq);
bool ai_place_again(struct ai_request *rq, u64 began, int status);
void ai_place_ended(struct ai_request *rq, u64 began, int status);
void ai_place_reset(struct ai_device *dev);
u64 ai_place_watch(struct ai_request *rq);

/* How often jobs that wait are looked after, if they have a choice. */
#define AI_STALL_POLL	(250 * NSEC_PER_MSEC)
void ai_place_power(struct ai_device *dev, u32 idle_uw, u32 busy_uw);

static inline struct ai_request *ai_rq_of(struct ai_job *job)
{
	return container_of(job, struct ai_request, job);
}

/* The clock of all budgets and statistics: monotonic, cheap, any context. */
static inline u64 ai_now(void)
{
	return ktime_get_mono_fast_ns();
}

/* A budget; 0 stands for the default one. @most: the model's own. */
static inline u64 ai_budget(u64 timeout_ns, u64 most)
{
	if (!timeout_ns)
		timeout_ns = (u64)READ_ONCE(ai_job_timeout_ms) * NSEC_PER_MSEC;
	/* Nobody keeps a device that has stopped answering for ever. */
	return min3(timeout_ns, most,
		    (u64)READ_ONCE(ai_max_job_timeout_ms) * NSEC_PER_MSEC);
}

/* Everything that depends on the binding alone. */
static inline void ai_rq_fill(struct ai_request *rq, struct ai_binding *b,
			      const struct ai_target *t)
{
	rq->job.prepared = t->prepared->ptr;
	rq->job.io = t->io;
	rq->job.nr_inputs = b->nr_inputs;
	rq->job.nr_outputs = b->nr_outputs;
	rq->job.sync = false;
	rq->job.cancelled = false;
	rq->job.urgent = false;
	rq->job.nowait = false;
	rq->port = t->port;
	rq->binding = b;
	rq->metered = NULL;
	rq->placed = NULL;
	rq->others = 0;
	rq->why = 0;
	rq->retried = false;
	rq->cancel_sent = false;
	rq->start_ns = 0;
	WRITE_ONCE(rq->dev, t->dev);
}

/**
 * ai_rq_start() - hand a request to its device
 * @rq:	filled; the caller has a credit and is an RCU-sched reader that saw the
 *	gate open
 *
 * Return: true if it has ended already: it is DONE, the caller's to end, and
 * the credit stays with the caller. False: request and credit have gone.
 */
static __always_inline bool ai_rq_start(struct ai_request *rq)
{
	int ret;

	rq->state = AI_RQ_HELD;
	rq->job.begun_ns = 0;
	ret = rq->dev->ops.submit(rq->dev, &rq->job);
	/* The acquire pairs with ai_job_complete(): the status is valid. */
	if (likely(!ret && smp_load_acquire(&rq->state) == AI_RQ_DONE))
		return true;
	return ai_rq_start_slow(rq, ret);
}

/*
 * By class. What was promised to a queue is not lent, nor lent to: a loan may
 * outlive the queue, and promises need none.
 */
static inline struct arb_stream *ai_port_stream(struct ai_port *port, u32 qos)
{
	return &port->sched.streams[min_t(u32, qos, ARB_INTERACTIVE)];
}

/*
 * Whose jobs it is one of where it goes. As RCU-sched reader. A realtime job is
 * an interactive one where its queue was promised nothing.
 */
static inline struct arb_stream *ai_rq_stream(struct ai_request *rq)
{
	struct arb_stream *s;

	if (likely(rq->qos != AIOFFLOAD_QOS_REALTIME))
		return ai_port_stream(rq->port, rq->qos);
	s = ai_sched_promised(&rq->port->sched, rq->queue);
	return s ?: ai_port_stream(rq->port, rq->qos);
}

/* Before it is handed to the scheduler. As RCU-sched reader. */
static inline void ai_rq_route(struct ai_request *rq)
{
	rq->sched.stream = ai_rq_stream(rq);
	rq->sched.due = rq->due;
}

static inline int ai_rq_status(const struct ai_request *rq)
{
	return likely(!rq->status) ? 0 : ai_rq_failed(rq);
}

/*
 * The device that suits a job best, of those that the caller can see. If it
 * sees none it is one of them, and the caller's to refuse.
 * @hint: enum place_hint
 */
static inline struct ai_target *ai_target_of(struct ai_ctx *ctx,
					     struct ai_binding *b, u32 samples,
					     u32 qos, u32 hint, u64 deadline)
{
	if (likely(b->nr_targets == 1))
		return b->targets;
	return ai_target_pick(ctx, b, samples, qos, hint, deadline);
}

/*
 * May a job of this binding go to that device? @right: EXEC, and RT if it is
 * realtime. Return: 0, or what it ends with:
 * -EACCES, -ENODEV, -EKEYREVOKED, -ENOTRECOVERABLE.
 */
static inline int ai_job_may(struct ai_ctx *ctx, const struct ai_binding *b,
			     const struct ai_device *dev, u32 right)
{
	int ret = ai_sec_may(&ctx->sec, right, dev->id);

	return unlikely(ret) ? ret : READ_ONCE(b->model->sec.refused);
}

/* For the audit system: a job of this binding has ended. Any context. */
static inline void ai_exec_count(struct ai_binding *b, u32 device, int status)
{
	if (unlikely(READ_ONCE(ai_audit_each)))
		ai_audit_exec(&b->exec, device, status);
	else
		ai_audit_count(&b->exec, !status, !!status);
	if (likely(!status))
		ai_sec_model_succeeded(&b->model->sec);
}

/*
 * Whoever counted on a job hears that it has ended with @status; it began to use
 * its device at @began, or never did (0).
 */
static inline void ai_rq_settle(struct ai_request *rq, u64 began, int status)
{
	if (unlikely(rq->placed))
		ai_place_ended(rq, began, status);
	if (likely(!rq->metered))
		return;
	ai_quota_job_end(rq->metered, began ? ai_now() - began : 0);
	rq->metered = NULL;
}

static inline u64 ai_grace(void)
{
	return (u64)READ_ONCE(ai_cancel_grace_ms) * NSEC_PER_MSEC;
}

/* Jiffies to sleep until then: never too few, and one at least. */
static inline unsigned long ai_delay(u64 now, u64 then)
{
	if (then <= now)
		return 1;
	return min_t(u64, nsecs_to_jiffies64(then - now),
		     MAX_JIFFY_OFFSET / 2) + 1;
}

/* ---- the module -------------------------------------------------------- */

/* A cgroup has come to a device: whoever follows their weights wants to know. */
void ai_group_came(void);

/* Objects that outlive their fd; main.c waits for them before it lets go. */
void ai_object_born(void);
void ai_object_dead(void);

#endif /* AIOFFLOAD_INTERNAL_H */
