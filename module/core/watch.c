// SPDX-License-Identifier: GPL-2.0
/*
 * Watching over jobs that are on their way: budgets, and the end of a queue
 * whose descriptor is closed.
 *
 * There is no timer per job. A queue has one work item that is due when the
 * first deadline is, looks at all requests, and is not queued at all while
 * nothing is on its way. Times are jiffies: a job is never cancelled before
 * its budget is spent, and at most two ticks after.
 */
#include "internal.h"

/*
 * Look after one request. Return: when to look again, or @never.
 *
 * It may end and become another job under our eyes; what is done to it is
 * decided anew once it can't (ai_rq_cancel(), ai_rq_escalate()).
 */
static unsigned long watch_one(struct ai_request *rq, bool dead,
			       unsigned long never)
{
	unsigned long deadline, reset_at, now = jiffies;

	if (smp_load_acquire(&rq->state) == AI_RQ_FREE)
		return never;
	deadline = READ_ONCE(rq->deadline);
	if (!dead && time_before(now, deadline))
		return deadline;

	ai_rq_cancel(rq, time_before(now, deadline) ? -ECANCELED : -ETIME,
		     !dead);
	switch (smp_load_acquire(&rq->state)) {
	case AI_RQ_FREE:
		return never;
	case AI_RQ_INFLIGHT:
		break;
	default:
		return now + 1;		/* between two states */
	}
	/* Told to end; the device has until then before it is reset. */
	reset_at = deadline + ai_grace();
	if (time_before(now, reset_at))
		return reset_at;
	ai_rq_escalate(rq);
	return now + ai_grace();
}

void ai_queue_watch_work(struct work_struct *work)
{
	struct ai_queue *q = container_of(to_delayed_work(work),
					  struct ai_queue, watch_work);
	unsigned long never = jiffies + MAX_JIFFY_OFFSET / 2;
	unsigned long at, next = never;
	bool dead;
	u32 i;

	/* Submitters from now on tell their deadlines themselves. */
	spin_lock_irq(&q->cq_lock);
	q->watch_at = never;
	dead = q->dead;
	spin_unlock_irq(&q->cq_lock);

	for (i = 0; i < q->cq_entries; i++) {
		at = watch_one(&q->requests[i], dead, never);
		if (time_before(at, next))
			next = at;
	}

	spin_lock_irq(&q->cq_lock);
	if (q->taken == q->cq_tail) {
		q->watching = false;
		if (q->dead && !q->freeing) {
			q->freeing = true;
			ai_queue_free_later(q);
		}
	} else {
		if (time_after(next, q->watch_at))
			next = q->watch_at;
		q->watch_at = next;
		at = jiffies;
		mod_delayed_work(ai_wq, &q->watch_work,
				 time_after(next, at) ? next - at : 1);
	}
	spin_unlock_irq(&q->cq_lock);
}

/* Jobs are on their way, the first of which has until @deadline. */
void ai_queue_watch(struct ai_queue *q, unsigned long deadline)
{
	unsigned long now = jiffies;

	spin_lock_irq(&q->cq_lock);
	if (q->taken != q->cq_tail &&
	    (!q->watching || time_before(deadline, q->watch_at))) {
		q->watching = true;
		q->watch_at = deadline;
		mod_delayed_work(ai_wq, &q->watch_work,
				 time_after(deadline, now) ? deadline - now : 0);
	}
	spin_unlock_irq(&q->cq_lock);
}
