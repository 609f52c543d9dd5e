// SPDX-License-Identifier: GPL-2.0
/*
 * Watching over jobs that are on their way: budgets, and the end of a queue
 * whose descriptor is closed.
 *
 * There is no timer per job. A queue has one work item that is due when the
 * first deadline is, looks at all requests, and is not queued at all while
 * nothing is on its way. So a job is never cancelled before its budget is
 * spent, and about two ticks after at most.
 */
#include "queue.h"

#define AI_NEVER	U64_MAX

/*
 * Look after one request. Return: when to look again, or AI_NEVER.
 *
 * It may end and become another job under our eyes; what is done to it is
 * decided anew once it can't (ai_rq_cancel(), ai_rq_escalate()).
 */
static u64 watch_one(struct ai_request *rq, bool dead, u64 now)
{
	u64 deadline, reset_at;

	/* Pairs with where it goes its way: the deadline is set. */
	if (smp_load_acquire(&rq->state) == AI_RQ_FREE)
		return AI_NEVER;
	deadline = READ_ONCE(rq->deadline);
	if (!dead && now < deadline)
		return min(deadline, ai_place_watch(rq));

	/*
	 * In a closed queue it becomes no other job any more. Its budget ends
	 * here: the device's patience must not last as long as that, which is
	 * the application's to choose.
	 */
	if (dead && now < deadline) {
		deadline = now;
		WRITE_ONCE(rq->deadline, now);
	}
	ai_rq_cancel(rq, dead ? -ECANCELED : -ETIME, !dead);
	switch (READ_ONCE(rq->state)) {
	case AI_RQ_FREE:
		return AI_NEVER;
	case AI_RQ_INFLIGHT:
		break;
	default:
		return now;		/* between two states */
	}
	/* Told to end; the device has until then before it is reset. */
	reset_at = deadline + ai_grace();
	if (now < reset_at)
		return reset_at;
	ai_rq_escalate(rq);
	return now + ai_grace();
}

void ai_queue_watch_work(struct work_struct *work)
{
	struct ai_queue *q = container_of(to_delayed_work(work),
					  struct ai_queue, watch_work);
	u64 now = ai_now(), next = AI_NEVER;
	bool dead;
	u32 i;

	/* Submitters from now on tell their deadlines themselves. */
	spin_lock_irq(&q->cq_lock);
	q->watch_at = AI_NEVER;
	dead = q->dead;
	spin_unlock_irq(&q->cq_lock);

	for (i = 0; i < q->cq_entries; i++)
		next = min(next, watch_one(&q->requests[i], dead, now));

	spin_lock_irq(&q->cq_lock);
	if (q->taken == q->cq_tail) {
		q->watching = false;
		if (q->dead && !q->freeing) {
			q->freeing = true;
			ai_queue_free_later(q);
		}
	} else {
		/*
		 * Closed while we looked: nothing has been told to end. What
		 * queue_release() set off is put off by the call below.
		 */
		if (q->dead != dead)
			next = 0;
		q->watch_at = min(next, q->watch_at);
		mod_delayed_work(ai_job_wq, &q->watch_work,
				 ai_delay(ai_now(), q->watch_at));
	}
	spin_unlock_irq(&q->cq_lock);
}

/* Jobs are on their way, the first of which has until @deadline. */
void ai_queue_watch(struct ai_queue *q, u64 deadline)
{
	spin_lock_irq(&q->cq_lock);
	if (q->taken != q->cq_tail &&
	    (!q->watching || deadline < q->watch_at)) {
		q->watching = true;
		q->watch_at = deadline;
		mod_delayed_work(ai_job_wq, &q->watch_work,
				 ai_delay(ai_now(), deadline));
	}
	spin_unlock_irq(&q->cq_lock);
}
