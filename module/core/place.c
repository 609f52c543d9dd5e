// SPDX-License-Identifier: GPL-2.0
/*
 * Which device gets a job, where its binding has several: what sched/place.h
 * wants to know, and the locks that it wants held. Jobs of bindings with one
 * device never come here.
 */
#include "activity.h"
#include "queue.h"

static u32 place_state(u32 gate)
{
	if (gate & AI_GATE_GONE)
		return PLACE_GONE;
	if (gate & AI_GATE_FAILED)
		return PLACE_DOWN;
	return gate & AI_GATE_RESETTING ? PLACE_DRAINING : PLACE_UP;
}

/*
 * What it takes when idle, and when all lanes are busy, in microwatt; 0: unknown.
 * Placement reckons with one job.
 */
void ai_place_power(struct ai_device *dev, u32 idle_uw, u32 busy_uw)
{
	struct place_dev *place = &dev->place;
	unsigned long flags;

	if (busy_uw > idle_uw)
		busy_uw = idle_uw + max((busy_uw - idle_uw) / place->lanes, 1U);
	spin_lock_irqsave(&dev->place_lock, flags);
	place_dev_power(place, idle_uw, busy_uw);
	spin_unlock_irqrestore(&dev->place_lock, flags);
}

/* What the caller has of a device where jobs wait, as far as it is shared out. */
static void share_of(struct place_candidate *cand, struct ai_target *t, u32 qos)
{
	struct ai_sched_dev *sd = &t->dev->sched;
	unsigned long flags;

	if (qos != AIOFFLOAD_QOS_NORMAL && qos != AIOFFLOAD_QOS_INTERACTIVE)
		return;
	spin_lock_irqsave(&sd->lock, flags);
	cand->share_ppm = arb_share(ai_port_stream(t->port, qos));
	spin_unlock_irqrestore(&sd->lock, flags);
	cand->own_ns = atomic64_read(&t->port->expect_ns[qos]);
}

static void consider(struct place_choice *ch, u32 index, struct ai_target *t,
		     u32 qos)
{
	struct ai_device *dev = t->dev;
	u32 waiting = READ_ONCE(dev->sched.waiting);
	struct place_candidate cand = {
		.dev = &dev->place,
		.cost = &t->prepared->cost,
		.jobs = ai_activity_jobs(dev) + waiting,
	};
	unsigned long flags;

	if (waiting && !dev->host)
		share_of(&cand, t, qos);
	spin_lock_irqsave(&dev->place_lock, flags);
	place_dev_state(&dev->place, place_state(ai_sched_gate(&dev->sched)));
	place_consider(ch, index, &cand);
	spin_unlock_irqrestore(&dev->place_lock, flags);
}

struct ai_target *ai_target_pick(struct ai_ctx *ctx, struct ai_binding *b,
				 u32 samples, u32 qos, u32 hint, u64 deadline)
{
	struct place_job job = {
		.samples = samples,
		.hint = hint,
		.deadline_ns = deadline,
		.last = READ_ONCE(b->last),
		.turn = READ_ONCE(b->turn),
	};
	struct place_choice ch;
	u32 i;

	place_choose(&ch, &job, ai_now());
	for (i = 0; i < b->nr_targets; i++)
		if (!ai_sec_may(&ctx->sec, 0, b->targets[i].dev->id))
			consider(&ch, i, &b->targets[i], qos);
	i = place_chosen(&ch);
	if (i == PLACE_NONE)
		return b->targets;
	WRITE_ONCE(b->last, i);
	WRITE_ONCE(b->turn, job.turn + 1);
	return &b->targets[i];
}

static void sent(struct ai_request *rq, struct ai_target *t)
{
	struct place_job job = { .samples = rq->job.count };
	struct ai_device *dev = t->dev;
	unsigned long flags;

	spin_lock_irqsave(&dev->place_lock, flags);
	rq->expect_ns = place_sent(&dev->place, &t->prepared->cost, &job,
				   ai_now());
	spin_unlock_irqrestore(&dev->place_lock, flags);
	atomic64_add(rq->expect_ns, &t->port->expect_ns[rq->qos]);
	rq->placed = t;
}

/* RUN's jobs run in the host in their callers' context only (run.c). */
static bool goes_to(const struct ai_request *rq, const struct ai_device *dev)
{
	return rq->queue || !dev->host;
}

/*
 * Where else than to the device that was picked for it a job might go. It is
 * found out when the job is submitted, as later nobody may be there to ask on
 * whose behalf.
 */
void ai_place_scope(struct ai_ctx *ctx, struct ai_request *rq)
{
	const struct ai_binding *b = rq->binding;
	u32 i;

	rq->others = 0;
	for (i = 0; i < b->nr_targets; i++) {
		struct ai_target *t = &b->targets[i];

		if (t->dev != rq->dev && i < BITS_PER_TYPE(rq->others) &&
		    goes_to(rq, t->dev) &&
		    !ai_sec_may(&ctx->sec, 0, t->dev->id))
			rq->others |= BIT_ULL(i);
	}
}

/* A job that has its scope sets out for the device that was picked for it. */
void ai_place_sets_out(struct ai_request *rq)
{
	struct ai_target *t = rq->binding->targets;

	while (t->dev != rq->dev)
		t++;
	sent(rq, t);
}

/* Was it the device that could not do it? Not if it was told to stop. */
static bool device_failed(const struct ai_request *rq, int status)
{
	return status == -EIO && !READ_ONCE(rq->why) &&
	       !(ai_sched_gate(&rq->dev->sched) & AI_GATE_HALTED);
}

/*
 * It has ended. @began: when the device was given it, 0 if it never was; the
 * driver may know better since when the device worked on it.
 */
void ai_place_ended(struct ai_request *rq, u64 began, int status)
{
	const struct ai_target *t = rq->placed;
	struct place_cost *cost = &t->prepared->cost;
	struct ai_device *dev = rq->dev;
	u64 now = ai_now();
	unsigned long flags;

	/* ->run() begins at once, and tells nothing. */
	if (began && !rq->job.sync)
		began = READ_ONCE(rq->job.begun_ns) ?: began;
	rq->placed = NULL;
	atomic64_sub(rq->expect_ns, &t->port->expect_ns[rq->qos]);
	spin_lock_irqsave(&dev->place_lock, flags);
	if (!status)
		place_ran(&dev->place, cost, rq->job.count, rq->expect_ns,
			  began, now);
	else if (device_failed(rq, status))
		place_failed(&dev->place, cost, rq->expect_ns, began, now);
	else
		place_dropped(&dev->place, cost, rq->expect_ns, began, now);
	spin_unlock_irqrestore(&dev->place_lock, flags);
}

/* May a job that ended with @status begin again somewhere else? */
static bool may_move(struct ai_request *rq, int status)
{
	if (!rq->others || READ_ONCE(rq->why) || ai_now() >= rq->deadline ||
	    READ_ONCE(rq->binding->model->sec.refused))
		return false;
	if (ai_sched_gate(&rq->dev->sched) & AI_GATE_HALTED || status == -EAGAIN)
		return true;
	/* It failed alone: that may be its own fault. Two devices will tell. */
	if (status != -EIO || rq->retried)
		return false;
	rq->retried = true;
	return true;
}

/* The best of the devices where it has not been. */
static struct ai_target *pick_other(struct ai_request *rq)
{
	struct ai_target *targets = rq->binding->targets;
	struct place_job job = {
		.samples = rq->job.count,
		.last = PLACE_NONE,
		.steady = true,
	};
	struct place_choice ch;
	u64 left = rq->others;
	u32 i;

	place_choose(&ch, &job, ai_now());
	while (left) {
		i = __ffs64(left);
		left &= left - 1;
		consider(&ch, i, &targets[i], rq->qos);
	}
	i = place_chosen(&ch);
	rq->others &= ~BIT_ULL(i);
	return &targets[i];
}

static void aim_at(struct ai_request *rq, const struct ai_target *t)
{
	rq->job.prepared = t->prepared->ptr;
	rq->job.io = t->io;
	WRITE_ONCE(rq->port, t->port);
	ai_rq_route(rq);
	WRITE_ONCE(rq->dev, t->dev);
}

/* False: its device takes no jobs. */
static bool let_wait(struct ai_request *rq)
{
	struct ai_device *dev = rq->dev;
	bool kick;

	smp_store_release(&rq->state, AI_RQ_WAITING);	/* as in ai_rq_enqueue() */
	if (ai_sched_enqueue(&dev->sched, &rq->sched, ai_now(), &kick))
		return false;
	ai_pm_awaited(dev);
	if (kick)
		ai_dispatch(dev);
	return true;
}

/* Have it wait for another device. False: that takes no jobs either. */
static bool redirect(struct ai_request *rq, struct ai_target *t)
{
	aim_at(rq, t);
	sent(rq, t);
	if (let_wait(rq))
		return true;
	ai_place_ended(rq, 0, -ENODEV);
	return false;
}

/**
 * ai_place_again() - let a job begin anew on another device
 * @rq:		told of by ai_place_sets_out(); has a reference on its binding, and is
 *		the caller's, who has taken it from its device or scheduler
 * @began:	when the device was given it, 0 if it never was
 * @status:	an errno, what it would end with; -EAGAIN: it would wait on
 *
 * A job writes nothing but its outputs, so that it was begun elsewhere does not
 * matter. Return: true if it is on its way again; the reference went with it.
 */
bool ai_place_again(struct ai_request *rq, u64 began, int status)
{
	const struct ai_target *home = rq->placed;
	struct ai_device *from = rq->dev;
	u64 start_ns = rq->start_ns;
	bool moved;

	if (!may_move(rq, status))
		return false;
	ai_place_ended(rq, began, status);
	ai_rq_left(rq);
	rq->job.sync = false;
	rq->job.cancelled = false;
	rq->cancel_sent = false;
	rq->start_ns = 0;
	/* A reader: once it waits, the binding may go, and the devices with it. */
	rcu_read_lock_sched();
	do {
		moved = redirect(rq, pick_other(rq));
	} while (!moved && rq->others);
	if (!moved) {
		/* Its end, or another try, is its device's after all. */
		aim_at(rq, home);
		rq->start_ns = start_ns;
		rq->state = AI_RQ_DONE;
	} else if (began) {
		ai_activity_count(from, status);
	}
	rcu_read_unlock_sched();
	return moved;
}

static bool stalled(struct ai_device *dev)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&dev->place_lock, flags);
	ret = place_dev_stalled(&dev->place, ai_now());
	spin_unlock_irqrestore(&dev->place_lock, flags);
	return ret;
}

/*
 * ai_place_watch() - let a job that waits go elsewhere, if its device has stalled
 * @rq:		may end, and be used anew by its queue, at any moment
 *
 * Return: when to look again, U64_MAX: not for this job's sake.
 */
u64 ai_place_watch(struct ai_request *rq)
{
	u64 again = U64_MAX;
	struct ai_device *dev;

	rcu_read_lock_sched();
	/* Pairs with the release where it begins to wait: rq->dev is valid. */
	if (smp_load_acquire(&rq->state) != AI_RQ_WAITING || !READ_ONCE(rq->others))
		goto out;
	again = ai_now() + AI_STALL_POLL;
	dev = READ_ONCE(rq->dev);
	if (!stalled(dev) || !ai_sched_dequeue(&dev->sched, &rq->sched, NULL, ai_now()))
		goto out;
	/* It is ours; by now it may be another job, that has no choice. */
	if (rq->placed && ai_place_again(rq, 0, -EAGAIN))
		goto out;
	if (!let_wait(rq))
		ai_rq_end_waiting(rq, -ENODEV);
out:
	rcu_read_unlock_sched();
	return again;
}

/* The device had to be reset: it is to prove itself first. */
void ai_place_reset(struct ai_device *dev)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->place_lock, flags);
	place_dev_failed(&dev->place, ai_now());
	spin_unlock_irqrestore(&dev->place_lock, flags);
}
