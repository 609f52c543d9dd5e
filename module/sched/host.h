/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Jobs of devices that work in the host: those that have run() and no submit().
 *
 * Between processes and cgroups the kernel's own scheduler decides, not we: a
 * queue's jobs run on threads that belong to the cgroup of the queue's first
 * submitter, so what is set there (cpu.weight, cpu.max, cpuset) holds for them,
 * and what they use is on its account. The class of a job says the policy of
 * its thread:
 *
 *	realtime	SCHED_FIFO, of one cgroup's jobs the earliest deadline
 *			first, which those at work give way to; normal while its
 *			queue has used up its runtime
 *	interactive	a little nicer than normal, a short slice
 *	normal		as any thread
 *	background	SCHED_IDLE
 *
 * A cgroup has a pool of threads for each class that is used, which grows with
 * what waits, up to the number of CPUs that the cgroup may use, and goes with
 * the last queue.
 *
 *	host.c		pools, and the threads' coming and going
 *	host_job.c	jobs: waiting, run, cancelled
 *	host_edf.c	realtime jobs of different cgroups, the earliest first
 *	host_rt.c	how much realtime there may be
 *	host_max.c	cpu.max where the kernel spares threads of its own
 *	host_node.c	near the memory of their jobs
 */
#ifndef AIOFFLOAD_SCHED_HOST_H
#define AIOFFLOAD_SCHED_HOST_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/pm_qos.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <uapi/linux/aioffload.h>

#define AI_NR_QOS	(AIOFFLOAD_QOS_REALTIME + 1)

/* Threads of one pool, however many CPUs there are. */
#define AI_HOST_THREADS	64

/* Cgroups above one, from the top, whose cpu.max we look at. */
#define AI_MAX_LEVELS	32

/* There may be several NUMA nodes. */
#define AI_NODES	IS_ENABLED(CONFIG_NUMA)

/* Place of a class in the order in which they are served. */
static inline u32 ai_qos_rank(u32 qos)
{
	static const u8 ranks[] = {
		[AIOFFLOAD_QOS_BACKGROUND]	= 0,
		[AIOFFLOAD_QOS_NORMAL]		= 1,
		[AIOFFLOAD_QOS_INTERACTIVE]	= 2,
		[AIOFFLOAD_QOS_REALTIME]	= 3,
	};

	return ranks[array_index_nospec(qos, ARRAY_SIZE(ranks))];
}

struct ai_device;
struct ai_host;
struct ai_job;
struct ai_max;
struct ai_request;
struct cgroup;
struct cpumask;
struct task_struct;

/**
 * struct ai_rate - so much time in each period
 * @end_ns:	of the present period
 * @used_ns:	in this period; what exceeds @most_ns is owed in the next
 */
struct ai_rate {
	u64 most_ns;
	u64 period_ns;
	u64 end_ns;
	u64 used_ns;
};

/**
 * struct ai_host_pool - jobs and threads of one class in one cgroup
 * @lock:	guards all but what follows @host; taken in interrupts
 * @waiting:	struct ai_host_job.node, by key
 * @first_key:	of the first that waits, else U64_MAX; read without the lock
 * @next_key:	of a job that has no deadline: first come, first served
 * @idle:	struct ai_host_thread.idle, the last to fall asleep first
 * @nr:		threads
 * @nr_spent:	of them, those whose job's queue has used up its runtime
 * @apart:	there should be one more, on another node
 * @threads:	struct ai_host_thread.node, under the lock of all hosts
 * @lent:	queues that lend it a class, by class, likewise
 * @as:		the class that its threads have: @qos or the highest one lent; read
 *		by them without
 */
struct ai_host_pool {
	spinlock_t lock;	/* see above */
	struct rb_root_cached waiting;
	u64 first_key;
	atomic64_t next_key;
	struct list_head idle;
	u32 nr;
	u32 nr_spent;
	bool apart;
	u32 qos;
	struct ai_host *host;
	struct list_head threads;
	u32 lent[AI_NR_QOS];
	u32 as;
};

/**
 * struct ai_host - the pools of one cgroup
 * @refs:	queues, under the lock of all hosts
 * @leader:	its first thread, which shows the others where they belong; of a
 *		machine with several nodes, @guide's
 * @guide:	a thread that does nothing else, or NULL; see host_node.c
 * @at_node:	threads at work near their job's memory, by class and node
 * @max:	quotas of this cgroup and those above, see host_max.c
 * @max_at:	when they were last asked for
 * @limited:	there is one
 */
struct ai_host {
	struct hlist_node node;
	struct cgroup *cgrp;
	u32 refs;
	struct task_struct *leader;
	struct ai_host_thread *guide;
	atomic_t *at_node;
	struct work_struct grow_work;
	struct work_struct max_work;
	struct ai_max *max[AI_MAX_LEVELS];
	u32 nr_max;
	bool limited;
	u64 max_at;
	struct ai_host_pool pools[AI_NR_QOS];
};

/**
 * struct ai_near - which CPUs a thread uses; nobody else's but @home
 * @home:	node of its last job that had one; read with the pool's lock
 * @placed:	it counts as one of those at work there
 * @nr_local:	CPUs in @local
 * @seen:	what the guide's were when it last looked
 * @may:	those of them that are not isolated
 * @local:	those of them at home
 */
struct ai_near {
	int home;
	bool placed;
	u32 nr_local;
	struct cpumask *seen;
	struct cpumask *may;
	struct cpumask *local;
};

/**
 * struct ai_host_thread - a thread
 * @born:	it has its class
 * @idle:	in its pool's list; empty while it works
 * @dev:	whose job it has, or NULL; under the pool's lock
 * @hurried:	it was given another policy, so that this job ends soon; likewise
 * @lock:	held by who does that
 * @nested:	it runs a job that is due before the one it was at
 * @spent:	its job's queue has used up its runtime: no longer realtime
 * @since_ns:	until when its use was charged to the queue
 * @cpu_ns:	what of its CPU time was charged to quotas
 * @near:	of one in a host with a guide
 */
struct ai_host_thread {
	struct task_struct *task;
	struct ai_host_pool *pool;
	struct completion born;
	struct list_head node;
	struct list_head idle;
	struct ai_device *dev;
	bool hurried;
	struct mutex lock;	/* see above */
	bool nested;
	bool spent;
	u64 since_ns;
	u64 cpu_ns;
	struct ai_near near;
};

/**
 * struct ai_host_job - part of a request
 * @node:	in @pool, empty unless it waits there
 * @due:	if it is realtime, among all those, by @key
 * @key:	deadline, or its turn
 * @woken:	a thread was, to take it
 * @thread:	that has it, or NULL
 * @cpu_ns:	what that had used when the job began
 */
struct ai_host_job {
	struct rb_node node;
	struct rb_node due;
	u64 key;
	bool woken;
	struct ai_host_pool *pool;
	struct ai_host_thread *thread;
	u64 cpu_ns;
};

/**
 * struct ai_rt - what a realtime queue was promised, and what it had of it
 * @ppm:	of one CPU, as admitted; 0: nothing to give back
 * @admitted:	in the order of all that were, if @ppm
 * @latency:	keeps CPUs from sleeping too deeply for it, if @ppm
 */
struct ai_rt {
	u64 deadline_ns;
	u32 ppm;
	struct rb_node admitted;
	struct pm_qos_request latency;
	spinlock_t lock;	/* rate */
	struct ai_rate rate;
};

/* host.c */
int ai_host_init(void);
void ai_host_exit(void);
struct ai_host *ai_host_join(u32 qos);
void ai_host_leave(struct ai_host *host);
void ai_host_policy(struct task_struct *task, u32 qos);
void ai_host_vacate(struct ai_device *dev);
void ai_host_lend(struct ai_host *host, u32 qos, u32 was, u32 as);
u32 ai_host_most(const struct ai_host *host);
void ai_host_grow(struct ai_host *host);

/* host_job.c */
int ai_host_submit(struct ai_device *dev, struct ai_job *job);
void ai_host_cancel(struct ai_device *dev, struct ai_job *job);
int ai_host_reset(struct ai_device *dev);
bool ai_host_short(const struct ai_host_pool *pool);
bool ai_host_work(struct ai_host_thread *t);
void ai_host_stretch(struct ai_request *rq);
void ai_host_evict(struct ai_host_pool *pool, struct ai_device *dev, int why);
u64 ai_host_used(const struct ai_request *rq);

/* host_edf.c */
void ai_edf_begin(struct ai_request *rq);
void ai_edf_end(struct ai_request *rq);
bool ai_edf_beaten(const struct ai_request *rq);

/* host_rt.c */
u32 ai_rt_limit_ppm(void);
int ai_rt_check(const struct aioffload_queue_create *k);
int ai_rt_admit(struct ai_rt *rt, const struct aioffload_queue_create *k,
		bool host, u32 *left_ppm);
void ai_rt_release(struct ai_rt *rt);
bool ai_rt_charge(struct ai_rt *rt, u64 now, u64 ns);
bool ai_rate_charge(struct ai_rate *r, u64 now, u64 ns);

/* host_max.c */
#if HAVE_TASK_THROTTLE
int ai_max_open(struct ai_host *host);
void ai_max_wait(struct ai_host *host);
void ai_max_close(struct ai_host *host);
void ai_max_rest(struct ai_host_thread *t, struct ai_request *rq);
void ai_max_init(void);
void ai_max_exit(void);
#else
static inline int ai_max_open(struct ai_host *host)
{
	return 0;
}

static inline void ai_max_wait(struct ai_host *host) { }
static inline void ai_max_close(struct ai_host *host) { }
static inline void ai_max_rest(struct ai_host_thread *t,
			       struct ai_request *rq) { }
static inline void ai_max_init(void) { }
static inline void ai_max_exit(void) { }
#endif

/* host_node.c: in hosts with a guide alone */
#if AI_NODES
int ai_node_open(struct ai_host *host);
void ai_node_close(struct ai_host *host);
int ai_near_init(struct ai_near *near);
void ai_near_free(struct ai_near *near);
struct ai_host_thread *ai_node_idle(struct ai_host_pool *pool, int node);
void ai_node_begin(struct ai_host_thread *t, int node);
void ai_node_end(struct ai_host_thread *t);
#else
static inline int ai_node_open(struct ai_host *host)
{
	return 0;
}

static inline void ai_node_close(struct ai_host *host) { }
static inline int ai_near_init(struct ai_near *near)
{
	return 0;
}

static inline void ai_near_free(struct ai_near *near) { }
static inline struct ai_host_thread *ai_node_idle(struct ai_host_pool *pool,
						  int node)
{
	return NULL;
}

static inline void ai_node_begin(struct ai_host_thread *t, int node) { }
static inline void ai_node_end(struct ai_host_thread *t) { }
#endif

#endif /* AIOFFLOAD_SCHED_HOST_H */
