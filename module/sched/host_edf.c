// SPDX-License-Identifier: GPL-2.0
/*
 * Earliest deadline first among the realtime jobs of different cgroups.
 *
 * Those of one cgroup are its threads' own affair (host_job.c). Threads of
 * different cgroups have the same priority, and who has a CPU keeps it: so
 * between two stretches it looks whether a job that is due earlier could go on if
 * it had one, and then lets others have its CPU. Those who are due later still
 * do the same, until it is the turn of that one.
 */
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "../core/internal.h"

#define AI_EDF_LOOKS	16	/* jobs that are looked at, with the lock */

/* Innermost; all of them from submission to their end. */
static DEFINE_SPINLOCK(ai_edf_lock);
static struct rb_root_cached ai_edf_jobs = RB_ROOT_CACHED;
static u64 ai_edf_first = U64_MAX;	/* its key; read without the lock */

static struct ai_request *rq_of(const struct rb_node *node)
{
	return rb_entry(node, struct ai_request, host.due);
}

static bool before(struct rb_node *a, const struct rb_node *b)
{
	return rq_of(a)->host.key < rq_of(b)->host.key;
}

/* With the lock. */
static void changed(void)
{
	struct rb_node *first = rb_first_cached(&ai_edf_jobs);

	WRITE_ONCE(ai_edf_first, first ? rq_of(first)->host.key : U64_MAX);
}

void ai_edf_begin(struct ai_request *rq)
{
	unsigned long flags;

	spin_lock_irqsave(&ai_edf_lock, flags);
	rb_add_cached(&rq->host.due, &ai_edf_jobs, before);
	changed();
	spin_unlock_irqrestore(&ai_edf_lock, flags);
}

/* Before its end is told, as that may take its queue along, and its thread. */
void ai_edf_end(struct ai_request *rq)
{
	unsigned long flags;

	spin_lock_irqsave(&ai_edf_lock, flags);
	rb_erase_cached(&rq->host.due, &ai_edf_jobs);
	changed();
	spin_unlock_irqrestore(&ai_edf_lock, flags);
}

/* Is there a realtime thread for it that has no CPU? */
static bool lacks_cpu(const struct ai_request *rq)
{
	const struct ai_host_thread *t = READ_ONCE(rq->host.thread);

	if (!t)
		return READ_ONCE(rq->host.woken);
	return !READ_ONCE(t->spent) && task_is_running(t->task) &&
	       !compat_task_on_cpu(t->task);
}

/* Should the thread of this job let others have its CPU? */
bool ai_edf_beaten(const struct ai_request *rq)
{
	bool beaten = false;
	struct rb_node *node;
	u32 n;

	if (READ_ONCE(ai_edf_first) >= rq->host.key)
		return false;
	spin_lock_irq(&ai_edf_lock);
	node = rb_first_cached(&ai_edf_jobs);
	for (n = 0; node && n < AI_EDF_LOOKS && !beaten; n++) {
		if (rq_of(node)->host.key >= rq->host.key)
			break;
		beaten = lacks_cpu(rq_of(node));
		node = rb_next(node);
	}
	spin_unlock_irq(&ai_edf_lock);
	return beaten;
}
