// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * A device as placement sees it: how long it has to work on what was sent
 * there, and whether it can be trusted.
 *
 * The backlog is the sum of the predicted times of its jobs. What has been
 * worked off is known between two events by the clock alone: so many lanes were
 * busy for so long. A job that ends takes its prediction from the one and what
 * it really used from the other, so errors of prediction don't add up.
 *
 * A job that is overdue is expected to go on for as long again as it has been
 * overdue. So a device that has stalled looks worse and worse, without a timer
 * and without a limit to tune, and recovers the moment it ends a job.
 */
#include "place.h"
#include "place_math.h"

#define FAILURES	3	/* in a row, and it is avoided */
#define BACKOFF_MIN_NS	100000000ULL
#define BACKOFF_MAX_NS	10000000000ULL
#define WEIGHT		8
#define STALL_TIMES	8	/* what was predicted, and then: */
#define STALL_NS	100000000ULL

void place_dev_init(struct place_dev *dev, u32 lanes)
{
	memset(dev, 0, sizeof(*dev));
	dev->lanes = lanes ? lanes : 1;
	dev->speed = POWER_FULL_SPEED;
	power_pace_init(&dev->pace);
}

void place_dev_power(struct place_dev *dev, u32 idle_uw, u32 busy_uw)
{
	dev->idle_uw = idle_uw;
	dev->busy_uw = busy_uw;
}

/*
 * It can work at @most, and does at @pace: slower, as long as it has little to
 * do. If that counted against it, it would be given no work, and stay slow.
 */
void place_dev_speed(struct place_dev *dev, u32 most, u32 pace, u64 now)
{
	dev->speed = place_min(place_max(most, 1), POWER_FULL_SPEED);
	power_pace_set(&dev->pace, place_min(place_max(pace, 1), dev->speed), now);
}

/* It is down, and up again after @ns; 0: it is up. */
void place_dev_wake(struct place_dev *dev, u64 ns)
{
	dev->wake_ns = place_min(ns, PLACE_NS_MAX);
}

void place_dev_state(struct place_dev *dev, u32 state)
{
	dev->state = state < PLACE_GONE ? state : PLACE_GONE;
}

bool place_health_bad(const struct place_health *h)
{
	return h->streak >= FAILURES;
}

static void avoid(struct place_health *h, u64 now)
{
	h->backoff_ns = place_min(place_max(h->backoff_ns * 2, BACKOFF_MIN_NS),
				  BACKOFF_MAX_NS);
	h->retry_ns = place_add(now, h->backoff_ns);
}

static void health_failed(struct place_health *h, u64 now)
{
	if (h->streak < FAILURES)
		h->streak++;
	if (place_health_bad(h))
		avoid(h, now);
}

/* The time of grace is forgotten bit by bit: one success may be luck. */
static void health_ran(struct place_health *h)
{
	h->streak = 0;
	h->backoff_ns -= h->backoff_ns / WEIGHT;
}

/* The device itself is in trouble, whatever the model: it was reset, say. */
void place_dev_failed(struct place_dev *dev, u64 now)
{
	dev->health.streak = FAILURES;
	avoid(&dev->health, now);
}

static u32 running(const struct place_dev *dev)
{
	return dev->jobs < dev->lanes ? dev->jobs : dev->lanes;
}

static u64 served(const struct place_dev *dev, u64 now)
{
	return place_add(dev->served_ns,
			 place_mul(place_since(dev->seen_ns, now), running(dev)));
}

static void advance(struct place_dev *dev, u64 now)
{
	dev->served_ns = served(dev, now);
	dev->seen_ns = now;
}

/* Predicted time of all jobs that is still to come. */
static u64 remaining(const struct place_dev *dev, u64 now)
{
	u64 done = served(dev, now), due = dev->backlog_ns;

	if (!dev->jobs)
		return 0;
	/* Of those that run; the others have to wait for them. */
	if (dev->jobs > dev->lanes)
		due = due / dev->jobs * dev->lanes;
	return place_add(dev->backlog_ns - due,
			 done < due ? due - done : done - due);
}

/*
 * Has what runs there been overdue for so long that no bad luck explains it?
 * What waits is better off elsewhere then.
 */
bool place_dev_stalled(const struct place_dev *dev, u64 now)
{
	u64 lanes = running(dev), done, due;

	if (!dev->jobs)
		return false;
	done = served(dev, now) / lanes;
	due = dev->backlog_ns / dev->jobs;
	return done > place_add(place_mul(due, STALL_TIMES), STALL_NS);
}

/*
 * place_dev_wait() - until the device would begin with one more job
 * @jobs:	all that it has, if more than it was told
 * @cost:	of a job that nobody told it of, if it knows of none
 */
u64 place_dev_wait(const struct place_dev *dev, u32 jobs, u64 cost, u64 now)
{
	u64 left = remaining(dev, now);

	if (jobs > dev->jobs) {
		if (dev->typical_ns)
			cost = dev->typical_ns;
		left = place_add(left, place_mul(cost, jobs - dev->jobs));
	} else {
		jobs = dev->jobs;
	}
	return place_add(dev->wake_ns,
			 jobs < dev->lanes ? 0 : left / dev->lanes);
}

void place_dev_joined(struct place_dev *dev, u64 expect, u64 now)
{
	if (dev->jobs)
		advance(dev, now);
	else
		dev->seen_ns = now;
	dev->backlog_ns = place_add(dev->backlog_ns, expect);
	dev->jobs++;
}

/*
 * A job has left, and with it what was worked off of it. @began: since when it
 * ran, 0 if it never did. Return: for how long.
 */
static u64 left(struct place_dev *dev, struct place_cost *cost, u64 expect,
		u64 began, u64 now)
{
	u64 ns;

	if (cost->sent)
		cost->sent--;
	advance(dev, now);
	/* With one lane it began when the one before it had ended, or later. */
	if (began && dev->lanes == 1)
		began = place_max(began, dev->ended_ns);
	ns = began ? place_since(began, now) : 0;
	if (began) {
		dev->ended_ns = now;
		dev->served_ns -= dev->lanes == 1 ?
				  dev->served_ns : place_min(dev->served_ns, ns);
	}
	dev->backlog_ns -= place_min(dev->backlog_ns, expect);
	if (dev->jobs)
		dev->jobs--;
	if (!dev->jobs) {
		dev->backlog_ns = 0;
		dev->served_ns = 0;
	}
	return ns;
}

/* A job has ended well. */
void place_ran(struct place_dev *dev, struct place_cost *cost, u32 samples,
	       u64 expect, u64 began, u64 now)
{
	u64 ns = place_min(left(dev, cost, expect, began, now), PLACE_NS_MAX);

	if (dev->typical_ns)
		dev->typical_ns += ns / WEIGHT - dev->typical_ns / WEIGHT;
	else
		dev->typical_ns = ns;
	place_cost_learn(cost, samples, power_pace_done(&dev->pace, now - ns, now),
			 now);
	health_ran(&cost->health);
	health_ran(&dev->health);
}

/* The device has failed it. */
void place_failed(struct place_dev *dev, struct place_cost *cost, u64 expect,
		  u64 began, u64 now)
{
	left(dev, cost, expect, began, now);
	health_failed(&cost->health, now);
}

/* It ended, or never began, for another reason. */
void place_dropped(struct place_dev *dev, struct place_cost *cost, u64 expect,
		   u64 began, u64 now)
{
	left(dev, cost, expect, began, now);
}
