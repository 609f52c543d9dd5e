// SPDX-License-Identifier: GPL-2.0
/*
 * Threads in the cgroups of those they work for.
 */
#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/hashtable.h>
#include <linux/kthread.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <uapi/linux/sched/types.h>

#include "../core/internal.h"
#include "../sec/group.h"

#define AI_INTERACTIVE_NICE	(-5)
#define AI_INTERACTIVE_SLICE	NSEC_PER_MSEC

/* Guards the hosts, their references and lists of threads; never in a job. */
static DEFINE_MUTEX(ai_hosts_lock);
static DEFINE_HASHTABLE(ai_hosts, 6);

/* For what makes threads: one at a time has a use for ai_hosts_lock. */
static struct workqueue_struct *ai_host_wq;

static const char *const qos_names[AI_NR_QOS] = {
	[AIOFFLOAD_QOS_NORMAL]		= "normal",
	[AIOFFLOAD_QOS_BACKGROUND]	= "backgr",
	[AIOFFLOAD_QOS_INTERACTIVE]	= "inter",
	[AIOFFLOAD_QOS_REALTIME]	= "realt",
};

/*
 * ai_host_policy() - have a thread of ours scheduled as its class is
 *
 * Realtime is the lowest of its kind: above all that is not realtime, below
 * interrupt threads and what the administrator runs.
 */
void ai_host_policy(struct task_struct *task, u32 qos)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = SCHED_NORMAL,
	};

	switch (qos) {
	case AIOFFLOAD_QOS_REALTIME:
		sched_set_fifo_low(task);
		return;
	case AIOFFLOAD_QOS_INTERACTIVE:
		attr.sched_nice = AI_INTERACTIVE_NICE;
		/* Kernels before 6.12 don't look at it. */
		attr.sched_runtime = AI_INTERACTIVE_SLICE;
		break;
	case AIOFFLOAD_QOS_BACKGROUND:
		attr.sched_policy = SCHED_IDLE;
		break;
	}
	/* It may always become less. */
	WARN_ON_ONCE(sched_setattr_nocheck(task, &attr));
}

/*
 * What a new thread and its maker have to tell each other. It enters the cgroup
 * as a realtime thread, and gets its class from outside: so its maker, who
 * holds ai_hosts_lock, does not wait for the CPU time of a class or cgroup.
 */
struct birth {
	struct ai_host_thread *thread;
	struct task_struct *from;
	struct cgroup *where;
	struct completion settled;
	int err;
};

static bool is_in(const struct cgroup *cgrp)
{
	bool yes;

	rcu_read_lock();
	yes = task_dfl_cgroup(current) == cgrp;
	rcu_read_unlock();
	return yes;
}

static void serve(struct ai_host_thread *t)
{
	while (!kthread_should_stop()) {
		if (ai_host_work(t))
			continue;
		/* Idle, and its state says so: whoever has work changes that. */
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	/* Others of the pool may still use the list. */
	spin_lock_irq(&t->pool->lock);
	list_del_init(&t->idle);
	spin_unlock_irq(&t->pool->lock);
}

/* Nothing to do but to be there. */
static void stand(void)
{
	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

static int thread_fn(void *arg)
{
	struct birth *b = arg;
	struct ai_host_thread *t = b->thread;
	int ret;

	/* From within: a thread that has not run yet is not where it will be. */
	ret = cgroup_attach_task_all(b->from, current);
	if (!ret && b->where && !is_in(b->where))
		ret = -ESTALE;
	b->err = ret;
	t->cpu_ns = current->se.sum_exec_runtime;
	complete(&b->settled);
	if (ret)
		return ret;
	wait_for_completion(&t->born);
	if (t->pool)
		serve(t);
	else
		stand();
	return 0;
}

/* Threads that a pool may have, as many as CPUs may be used just now. */
u32 ai_host_most(const struct ai_host *host)
{
	const struct task_struct *leader = READ_ONCE(host->leader);
	u32 cpus = leader ? READ_ONCE(leader->nr_cpus_allowed) : 1;

	return clamp_t(u32, cpus, 1, num_online_cpus());
}

static void thread_free(struct ai_host_thread *t)
{
	if (!IS_ERR_OR_NULL(t->task))
		put_task_struct(t->task);
	ai_near_free(&t->near);
	kfree(t);
}

static void thread_end(struct ai_host_thread *t)
{
	/* The cgroup is not to wait for one that gets no CPU. */
	sched_set_fifo_low(t->task);
	kthread_stop(t->task);
	thread_free(t);
}

static struct ai_host_thread *thread_new(struct ai_host_pool *pool)
{
	struct ai_host_thread *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return NULL;
	t->pool = pool;
	mutex_init(&t->lock);
	INIT_LIST_HEAD(&t->idle);
	init_completion(&t->born);
	if (pool && pool->host->guide && ai_near_init(&t->near)) {
		kfree(t);
		return NULL;
	}
	return t;
}

/*
 * Make a thread, in all cgroups of the leader; @pool: its own, or NULL. The first
 * one goes where @from is, and -ESTALE says it has been moved meanwhile. Then it
 * waits to be born. With ai_hosts_lock.
 */
static struct ai_host_thread *create(struct ai_host *host,
				     struct ai_host_pool *pool,
				     struct task_struct *from)
{
	struct birth b = {
		.from = host->leader ?: from,
		.where = host->leader ? NULL : host->cgrp,
	};
	struct ai_host_thread *t = thread_new(pool);

	if (!t)
		return ERR_PTR(-ENOMEM);
	init_completion(&b.settled);
	b.thread = t;
	t->task = kthread_create(thread_fn, &b, "aioff-%s",
				 pool ? qos_names[pool->qos] : "guide");
	if (IS_ERR(t->task)) {
		int ret = PTR_ERR(t->task);

		thread_free(t);
		return ERR_PTR(ret);
	}
	/* It may end by itself. */
	get_task_struct(t->task);
	sched_set_fifo_low(t->task);
	wake_up_process(t->task);
	wait_for_completion(&b.settled);
	if (b.err) {
		kthread_stop(t->task);
		thread_free(t);
		return ERR_PTR(b.err);
	}
	if (!host->leader)
		WRITE_ONCE(host->leader, t->task);
	return t;
}

/*
 * On a machine with several nodes its other threads follow one that nobody but
 * cpuset tells which CPUs to use. With ai_hosts_lock.
 */
static int add_guide(struct ai_host *host, struct task_struct *from)
{
	struct ai_host_thread *t;
	int ret;

	if (!AI_NODES || nr_online_nodes == 1 || host->guide)
		return 0;
	ret = ai_node_open(host);
	if (ret)
		return ret;
	t = create(host, NULL, from);
	if (IS_ERR(t))
		return PTR_ERR(t);
	host->guide = t;
	ai_host_policy(t->task, AIOFFLOAD_QOS_NORMAL);
	complete(&t->born);
	return 0;
}

/* A thread more for a pool. With ai_hosts_lock. */
static int spawn(struct ai_host_pool *pool, struct task_struct *from)
{
	struct ai_host_thread *t = create(pool->host, pool, from);

	if (IS_ERR(t))
		return PTR_ERR(t);
	list_add_tail(&t->node, &pool->threads);
	spin_lock_irq(&pool->lock);
	pool->nr++;
	/* About to look for a job: as good as one that is woken for it. */
	list_add(&t->idle, &pool->idle);
	spin_unlock_irq(&pool->lock);
	ai_host_policy(t->task, pool->as);
	complete(&t->born);
	return 0;
}

static bool wants_thread(struct ai_host_pool *pool)
{
	bool wants;

	spin_lock_irq(&pool->lock);
	wants = ai_host_short(pool);
	pool->apart = false;
	spin_unlock_irq(&pool->lock);
	return wants;
}

void ai_host_grow(struct ai_host *host)
{
	queue_work(ai_host_wq, &host->grow_work);
}

/*
 * More waits than there are threads for. One for each class: if that is not
 * enough, it asks for the next one itself.
 */
static void grow_work(struct work_struct *work)
{
	struct ai_host *host = container_of(work, struct ai_host, grow_work);
	u32 i;

	mutex_lock(&ai_hosts_lock);
	for (i = 0; i < AI_NR_QOS; i++) {
		struct ai_host_pool *pool = &host->pools[i];
		int ret = wants_thread(pool) ? spawn(pool, NULL) : 0;

		/* Those that there are will do; if there are any. */
		if (ret && !pool->nr)
			ai_host_evict(pool, NULL, ret);
	}
	mutex_unlock(&ai_hosts_lock);
}

static struct ai_host *host_new(struct cgroup *cgrp)
{
	struct ai_host *host = kzalloc(sizeof(*host), GFP_KERNEL);
	u32 i;

	if (!host)
		return NULL;
	INIT_WORK(&host->grow_work, grow_work);
	for (i = 0; i < AI_NR_QOS; i++) {
		struct ai_host_pool *pool = &host->pools[i];

		spin_lock_init(&pool->lock);
		pool->waiting = RB_ROOT_CACHED;
		pool->first_key = U64_MAX;
		INIT_LIST_HEAD(&pool->idle);
		INIT_LIST_HEAD(&pool->threads);
		pool->qos = i;
		pool->as = i;
		pool->host = host;
	}
	cgroup_get(cgrp);
	host->cgrp = cgrp;
	hash_add(ai_hosts, &host->node, cgroup_id(cgrp));
	return host;
}

static struct ai_host *host_find(struct cgroup *cgrp)
{
	struct ai_host *host;

	hash_for_each_possible(ai_hosts, host, node, cgroup_id(cgrp))
		if (host->cgrp == cgrp)
			return host;
	return NULL;
}

/* Nobody uses it, and nobody can find it. */
static void host_free(struct ai_host *host)
{
	struct ai_host_thread *t, *next;
	u32 i;

	cancel_work_sync(&host->grow_work);
	for (i = 0; i < AI_NR_QOS; i++)
		list_for_each_entry_safe(t, next, &host->pools[i].threads,
					 node)
			thread_end(t);
	if (host->guide)
		thread_end(host->guide);
	ai_node_close(host);
	/* After the threads, which ask for it. */
	ai_max_close(host);
	cgroup_put(host->cgrp);
	kfree(host);
}

/* A queue begins to use the host, on behalf of a task in a cgroup. */
struct join {
	struct work_struct work;
	struct task_struct *from;
	struct cgroup *cgrp;
	u32 qos;
	struct ai_host *host;	/* out: referenced, unless: */
	int ret;
};

/* Of a realtime queue no job shall wait for a thread to be made. */
static int first_threads(struct ai_host *host, const struct join *j)
{
	struct ai_host_pool *pool = &host->pools[j->qos];
	int ret = 0;

	if (!pool->nr || (j->qos == AIOFFLOAD_QOS_REALTIME &&
			  pool->nr < min(ai_host_most(host), AI_HOST_THREADS)))
		ret = spawn(pool, j->from);
	return pool->nr ? 0 : ret;
}

static void join_work(struct work_struct *work)
{
	struct join *j = container_of(work, struct join, work);
	struct ai_host *host;
	int ret = 0;

	mutex_lock(&ai_hosts_lock);
	host = host_find(j->cgrp) ?: host_new(j->cgrp);
	if (!host)
		ret = -ENOMEM;
	else if (!host->refs)
		ret = ai_max_open(host) ?: add_guide(host, j->from);
	if (!ret)
		ret = first_threads(host, j);
	if (!ret) {
		host->refs++;
		j->host = host;
	} else if (host && !host->refs) {
		hash_del(&host->node);
	} else {
		host = NULL;
	}
	mutex_unlock(&ai_hosts_lock);
	if (ret && host)
		host_free(host);
	j->ret = ret;
}

/*
 * ai_host_join() - a queue of this class begins to use the host
 *
 * Its jobs belong to the caller's cgroup from now on. May sleep. What there is
 * to do is done by a worker: the caller, whose cgroup may give him little CPU
 * time, would hold up all others. Return: the pools, with a thread for the
 * class, or ERR_PTR: -ENOMEM, -EAGAIN (too many threads in the system), -EINTR
 * (killed while somebody moved it about), or why a thread could not enter the
 * cgroup.
 */
struct ai_host *ai_host_join(u32 qos)
{
	struct join j = { .from = current, .qos = qos };

	do {
		j.cgrp = ai_cgroup_current();
		INIT_WORK_ONSTACK(&j.work, join_work);
		queue_work(ai_host_wq, &j.work);
		flush_work(&j.work);
		destroy_work_on_stack(&j.work);
		cgroup_put(j.cgrp);
	} while (j.ret == -ESTALE && !fatal_signal_pending(current));
	if (j.ret)
		return ERR_PTR(j.ret == -ESTALE ? -EINTR : j.ret);
	ai_max_wait(j.host);
	return j.host;
}

/* The queue has ended; its jobs have. */
void ai_host_leave(struct ai_host *host)
{
	bool last;

	mutex_lock(&ai_hosts_lock);
	last = !--host->refs;
	if (last)
		hash_del(&host->node);
	mutex_unlock(&ai_hosts_lock);
	if (last)
		host_free(host);
}

/* With ai_hosts_lock, which also keeps threads from being hurried. */
static void reclass(struct ai_host_pool *pool)
{
	struct ai_host_thread *t;
	u32 as = pool->qos, i;

	for (i = 0; i < AI_NR_QOS; i++)
		if (pool->lent[i] && ai_qos_rank(i) > ai_qos_rank(as))
			as = i;
	if (as == pool->as)
		return;
	WRITE_ONCE(pool->as, as);
	list_for_each_entry(t, &pool->threads, node)
		if (!READ_ONCE(t->hurried))
			ai_host_policy(t->task, as);
}

/*
 * ai_host_lend() - jobs of a queue are waited for by those of a higher class
 * @qos:	their class
 * @was:	what was lent by the last such call, @qos: nothing
 * @as:		what is lent now, likewise; below realtime
 *
 * May sleep. Jobs of a pool go in order, so that all of it is served as @as:
 * that is between jobs of one cgroup, and takes nothing from others.
 */
void ai_host_lend(struct ai_host *host, u32 qos, u32 was, u32 as)
{
	struct ai_host_pool *pool = &host->pools[qos];

	mutex_lock(&ai_hosts_lock);
	if (as != qos)
		pool->lent[as]++;
	if (was != qos)
		pool->lent[was]--;
	reclass(pool);
	mutex_unlock(&ai_hosts_lock);
}

/* Its driver waits for its job: let it have a CPU, whatever its cgroup may. */
static void hurry(struct ai_host_thread *t, struct ai_device *dev)
{
	bool at_it;

	mutex_lock(&t->lock);
	spin_lock_irq(&t->pool->lock);
	at_it = t->dev == dev;
	if (at_it)
		t->hurried = true;
	spin_unlock_irq(&t->pool->lock);
	/* When that job has ended, the thread waits for the lock. */
	if (at_it) {
		sched_set_fifo_low(t->task);
		wake_up_process(t->task);
	}
	mutex_unlock(&t->lock);
}

int ai_host_init(void)
{
	ai_host_wq = alloc_ordered_workqueue("aioffload_host", 0);
	if (!ai_host_wq)
		return -ENOMEM;
	ai_max_init();
	return 0;
}

/* No queue is left. */
void ai_host_exit(void)
{
	ai_max_exit();
	destroy_workqueue(ai_host_wq);
}

/*
 * ai_host_vacate() - have all jobs of a device end that takes none any more
 *
 * Those that wait end here, with -ENODEV; those at work are told to stop by
 * dev->stopping and see it as soon as they run. A thread that has just become
 * less than realtime by itself takes another call.
 */
void ai_host_vacate(struct ai_device *dev)
{
	struct ai_host_thread *t;
	struct ai_host *host;
	u32 i, bucket;

	mutex_lock(&ai_hosts_lock);
	hash_for_each(ai_hosts, bucket, host, node) {
		for (i = 0; i < AI_NR_QOS; i++) {
			ai_host_evict(&host->pools[i], dev, -ENODEV);
			list_for_each_entry(t, &host->pools[i].threads, node)
				hurry(t, dev);
		}
	}
	mutex_unlock(&ai_hosts_lock);
}
