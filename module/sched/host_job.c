// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs that run in the host: what submit(), cancel() and reset() are for a
 * device that has but run().
 *
 * A job waits in its pool, or a thread has it; pool->lock decides. One that
 * waits is ended by whoever takes it out; one at work by its thread, which asks
 * ai_job_cancelled() every few tens of microseconds.
 */
#include <linux/delay.h>
#include <linux/sched.h>

#include "../core/queue.h"

static struct ai_request *rq_of(struct rb_node *node)
{
	return rb_entry(node, struct ai_request, host.node);
}

static bool before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ai_host_job, node)->key <
	       rb_entry(b, struct ai_host_job, node)->key;
}

/* With the pool's lock. */
static void waiting_changed(struct ai_host_pool *pool)
{
	struct rb_node *first = rb_first_cached(&pool->waiting);

	WRITE_ONCE(pool->first_key, first ? rq_of(first)->host.key : U64_MAX);
}

/* With the pool's lock. */
static void take_out(struct ai_host_pool *pool, struct ai_request *rq)
{
	rb_erase_cached(&rq->host.node, &pool->waiting);
	RB_CLEAR_NODE(&rq->host.node);
	waiting_changed(pool);
}

/*
 * An idle thread for a job, or NULL; @grow: there should be one more. With the
 * pool's lock.
 */
static struct ai_host_thread *idle_thread(struct ai_host_pool *pool,
					  const struct ai_request *rq,
					  bool *grow)
{
	struct ai_host_thread *t;

	if (likely(!pool->host->guide))
		t = list_first_entry_or_null(&pool->idle,
					     struct ai_host_thread, idle);
	else
		t = ai_node_idle(pool, rq->binding->node);
	if (t)
		list_del_init(&t->idle);
	*grow = (!t || pool->apart) && ai_host_short(pool);
	return t;
}

/*
 * Let a job wait, and somebody look for it. As RCU-sched reader, or with another
 * hold on the queue: neither that nor threads go before the job ends.
 */
static void put_in(struct ai_host_pool *pool, struct ai_request *rq)
{
	struct ai_host_thread *t;
	unsigned long flags;
	bool grow;

	spin_lock_irqsave(&pool->lock, flags);
	WRITE_ONCE(rq->host.thread, NULL);
	rb_add_cached(&rq->host.node, &pool->waiting, before);
	waiting_changed(pool);
	t = idle_thread(pool, rq, &grow);
	WRITE_ONCE(rq->host.woken, t);
	spin_unlock_irqrestore(&pool->lock, flags);

	if (t)
		wake_up_process(t->task);
	if (grow)
		ai_host_grow(pool->host);
}

/*
 * With the pool's lock: does a job wait for which a thread should be made? One
 * whose job's queue has spent its runtime is in nobody's way, nor of use to
 * others.
 */
bool ai_host_short(const struct ai_host_pool *pool)
{
	u32 most = ai_host_most(pool->host) + pool->nr_spent;

	if (pool->nr >= min(most, AI_HOST_THREADS))
		return false;
	return pool->apart || (!RB_EMPTY_ROOT(&pool->waiting.rb_root) &&
			       list_empty(&pool->idle));
}

int ai_host_submit(struct ai_device *dev, struct ai_job *job)
{
	struct ai_request *rq = ai_rq_of(job);
	struct ai_host *host = rq->queue ? rq->queue->host : NULL;
	struct ai_host_pool *pool;

	/* Its slot came after ENTER had begun. */
	if (unlikely(!host))
		return -ENOENT;
	pool = &host->pools[rq->qos];
	job->urgent = rq->qos == AIOFFLOAD_QOS_REALTIME;
	rq->host.pool = pool;
	rq->host.key = rq->due ?: (u64)atomic64_inc_return(&pool->next_key);
	if (job->urgent)
		ai_edf_begin(rq);
	put_in(pool, rq);
	return 0;
}

/* Nobody else has it any more. */
static void complete_job(struct ai_device *dev, struct ai_request *rq, int ret)
{
	if (rq->job.urgent)
		ai_edf_end(rq);
	ai_job_complete(dev, &rq->job, ret);
}

void ai_host_cancel(struct ai_device *dev, struct ai_job *job)
{
	struct ai_request *rq = ai_rq_of(job);
	struct ai_host_pool *pool = rq->host.pool;
	struct ai_host_thread *t;
	unsigned long flags;
	bool waits;

	spin_lock_irqsave(&pool->lock, flags);
	waits = !RB_EMPTY_NODE(&rq->host.node);
	if (waits)
		take_out(pool, rq);
	t = rq->host.thread;
	spin_unlock_irqrestore(&pool->lock, flags);
	if (waits)
		complete_job(dev, rq, -ECANCELED);
	else if (t)
		wake_up_process(t->task);	/* it may rest with it */
}

/*
 * ai_host_evict() - end the jobs that wait in a pool
 * @dev:	only those of this device; NULL: of all
 */
void ai_host_evict(struct ai_host_pool *pool, struct ai_device *dev, int why)
{
	struct rb_node *node, *next;
	struct ai_job *job, *tmp;
	LIST_HEAD(out);
	u32 n;

	do {
		n = 0;
		spin_lock_irq(&pool->lock);
		for (node = rb_first_cached(&pool->waiting);
		     node && n < AI_BATCH; node = next) {
			struct ai_request *rq = rq_of(node);

			next = rb_next(node);
			if (dev && rq->dev != dev)
				continue;
			take_out(pool, rq);
			list_add_tail(&rq->job.node, &out);
			n++;
		}
		spin_unlock_irq(&pool->lock);
		list_for_each_entry_safe(job, tmp, &out, node)
			complete_job(ai_rq_of(job)->dev, ai_rq_of(job), why);
		INIT_LIST_HEAD(&out);
		cond_resched();
	} while (n);
}

int ai_host_reset(struct ai_device *dev)
{
	ai_host_vacate(dev);
	return 0;
}

/* With the pool's lock. */
static void assign(struct ai_host_thread *t, struct ai_request *rq)
{
	take_out(t->pool, rq);
	rq->host.cpu_ns = current->se.sum_exec_runtime;
	WRITE_ONCE(rq->host.thread, t);
	t->dev = rq->dev;
}

/* The next job, or NULL: then the thread counts, and looks, as idle. */
static struct ai_request *next_job(struct ai_host_thread *t)
{
	struct ai_host_pool *pool = t->pool;
	struct ai_request *rq = NULL;
	struct rb_node *node;
	bool grow = false;

	spin_lock_irq(&pool->lock);
	list_del_init(&t->idle);
	node = rb_first_cached(&pool->waiting);
	if (node) {
		rq = rq_of(node);
		assign(t, rq);
		grow = ai_host_short(pool);
	} else {
		set_current_state(TASK_IDLE);
		list_add(&t->idle, &pool->idle);
	}
	spin_unlock_irq(&pool->lock);
	if (grow)
		ai_host_grow(pool->host);
	return rq;
}

static void set_spent(struct ai_host_thread *t, bool spent)
{
	struct ai_host_pool *pool = t->pool;
	bool grow;

	t->spent = spent;
	spin_lock_irq(&pool->lock);
	pool->nr_spent += spent ? 1 : -1;
	grow = ai_host_short(pool);
	spin_unlock_irq(&pool->lock);
	if (grow)
		ai_host_grow(pool->host);
}

/*
 * Charge a realtime queue for what its thread did, and let that be normal while
 * the queue has no runtime left. Only what it did as realtime counts.
 */
static void charge_rt(struct ai_host_thread *t, struct ai_request *rq)
{
	u64 now = ai_now();
	u64 ns = t->spent ? 0 : now - t->since_ns;
	bool spent = ai_rt_charge(&rq->queue->rt, now, ns);

	t->since_ns = now;
	if (spent == t->spent)
		return;
	set_spent(t, spent);
	if (!READ_ONCE(t->hurried))
		ai_host_policy(current, spent ? AIOFFLOAD_QOS_NORMAL :
						AIOFFLOAD_QOS_REALTIME);
}

static void begin(struct ai_host_thread *t, struct ai_request *rq)
{
	t->since_ns = ai_now();
	rq->job.sync = true;
	ai_job_begins(&rq->job);
	if (rq->qos == AIOFFLOAD_QOS_REALTIME)
		charge_rt(t, rq);
}

/*
 * In the books of who has the device, unless the arbiter keeps them: of those
 * that had to wait for a credit. Here, as it may end within ->submit().
 */
static void account(struct ai_request *rq)
{
	u64 begun = rq->job.begun_ns, now = ai_now();
	/* 0: its submitter has not looked at the clock since */
	u64 sent = READ_ONCE(rq->start_ns) ?: begun;

	if (rq->sched.arb.state != ARB_JOB_OUT)
		return;
	ai_sched_host_ended(&rq->port->sched, rq->qos, begun - min(begun, sent),
			    now - min(now, begun),
			    rq->due && now > rq->due ? now - rq->due : 0);
}

/* As its pool is served, which may change meanwhile. */
static void resume_class(struct ai_host_thread *t)
{
	u32 as;

	do {
		as = READ_ONCE(t->pool->as);
		ai_host_policy(current, as);
	} while (as != READ_ONCE(t->pool->as));
}

/* Before its job has ended, since that may take the queue along. */
static void end(struct ai_host_thread *t, struct ai_request *rq)
{
	bool hurried;

	if (rq->qos == AIOFFLOAD_QOS_REALTIME)
		charge_rt(t, rq);
	ai_node_end(t);
	spin_lock_irq(&t->pool->lock);
	t->dev = NULL;
	hurried = t->hurried;
	t->hurried = false;
	spin_unlock_irq(&t->pool->lock);
	/* Not before it was, nor with the lock, as others wait for that. */
	if (hurried) {
		mutex_lock(&t->lock);
		mutex_unlock(&t->lock);
	}
	/* An idle thread is what its class is, so that it wakes up in time. */
	if (hurried || t->spent)
		resume_class(t);
	if (t->spent)
		set_spent(t, false);
}

/* A job that waits and is due before this one, if a thread has that. */
static struct ai_request *earlier_job(struct ai_host_thread *t,
				      const struct ai_request *late)
{
	struct ai_host_pool *pool = t->pool;
	struct ai_request *rq = NULL;
	struct rb_node *node;

	if (READ_ONCE(pool->first_key) >= late->host.key)
		return NULL;
	spin_lock_irq(&pool->lock);
	node = rb_first_cached(&pool->waiting);
	if (node && rq_of(node)->host.key < late->host.key) {
		rq = rq_of(node);
		assign(t, rq);
	}
	spin_unlock_irq(&pool->lock);
	return rq;
}

/*
 * The job that had to give way is at hand again. Before the other one ends, as
 * that may take its queue along.
 */
static void turn_back(struct ai_host_thread *t, const struct ai_request *rq,
		      struct ai_request *late)
{
	u64 used = READ_ONCE(current->se.sum_exec_runtime) - rq->host.cpu_ns;

	spin_lock_irq(&t->pool->lock);
	t->dev = late->dev;
	spin_unlock_irq(&t->pool->lock);
	WRITE_ONCE(late->host.cpu_ns, late->host.cpu_ns + used);
}

/*
 * Run a job that was assigned to the thread; @late: in the midst of this one,
 * or NULL. Return: false if it could not be begun there, and waits again.
 */
static bool run_assigned(struct ai_host_thread *t, struct ai_request *rq,
			 struct ai_request *late)
{
	struct ai_device *dev = rq->dev;
	bool live, again;
	int ret;

	rq->job.nowait = late;
	if (!late && unlikely(t->pool->host->guide))
		ai_node_begin(t, rq->binding->node);
	begin(t, rq);
	live = percpu_ref_tryget_live(&dev->users);
	ret = live ? dev->ops.run(dev, &rq->job) : -ENODEV;
	again = late && ret == -EAGAIN;
	if (!again)
		account(rq);
	if (late) {
		charge_rt(t, rq);
		turn_back(t, rq, late);
	} else {
		end(t, rq);
	}
	/* Unless it is live, the device goes with the job. */
	if (again)
		put_in(t->pool, rq);
	else
		complete_job(dev, rq, ret);
	if (live)
		percpu_ref_put(&dev->users);
	return !again;
}

/*
 * Earliest deadline first, also if no other thread is there, or none on this CPU:
 * threads of one priority don't preempt each other. So the one at hand does the
 * job that is due before its own, on top of it. Not a third one on top of that:
 * stacks end, and so does the work memory that each job in the midst holds.
 */
static void give_way(struct ai_host_thread *t, struct ai_request *late)
{
	struct ai_request *rq;

	if (t->nested)
		return;
	t->nested = true;
	while ((rq = earlier_job(t, late))) {
		bool begun;

		/* Beyond its runtime its deadline counts for nothing. */
		if (ai_rt_charge(&rq->queue->rt, ai_now(), 0)) {
			turn_back(t, rq, late);
			put_in(t->pool, rq);
			break;
		}
		begun = run_assigned(t, rq, late);
		t->since_ns = ai_now();
		charge_rt(t, late);
		if (!begun)
			break;
	}
	t->nested = false;
}

/*
 * Those of other cgroups first whose jobs are due before this one. Who sleeps, if
 * ever so shortly, goes behind others of its priority; and a CPU without any gets
 * one that waits for another CPU.
 */
static void let_pass(struct ai_host_thread *t, const struct ai_request *rq)
{
	if (t->spent || !ai_edf_beaten(rq))
		return;
	usleep_range(1, 2);
	t->since_ns = ai_now();
}

/* Between two stretches of a job that a thread of ours runs. */
void ai_host_stretch(struct ai_request *rq)
{
	struct ai_host_thread *t = rq->host.thread;

	if (rq->qos == AIOFFLOAD_QOS_REALTIME) {
		charge_rt(t, rq);
		give_way(t, rq);
		let_pass(t, rq);
	}
	ai_max_rest(t, rq);
}

/*
 * ai_host_work() - a thread of a pool runs one job
 *
 * Return: false if there was none; then the thread's state is TASK_IDLE.
 */
bool ai_host_work(struct ai_host_thread *t)
{
	struct ai_request *rq;

	ai_max_rest(t, NULL);
	rq = next_job(t);
	if (!rq)
		return false;
	run_assigned(t, rq, NULL);
	cond_resched();
	return true;
}

/*
 * ai_host_used() - CPU time that a job has had, to about a tick
 * @rq:	HELD by the caller, who keeps it and its thread here
 */
u64 ai_host_used(const struct ai_request *rq)
{
	const struct ai_host_thread *t = READ_ONCE(rq->host.thread);

	return t ? READ_ONCE(t->task->se.sum_exec_runtime) - rq->host.cpu_ns : 0;
}
