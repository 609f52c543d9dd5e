/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Placement: which of several devices gets a job.
 *
 * A device has a struct place_dev, a model prepared for it a struct place_cost.
 * The caller allocates and initialises both (..._init()), passes the time in,
 * and keeps calls that name one device from running at once: one lock per device
 * covers its place_dev and every place_cost of it. Nothing here allocates, locks
 * or looks at a clock; place_pick() is O(candidates).
 *
 * The life of a job:
 *
 *	i = place_pick(candidates, n, &job, now);
 *	expect = place_sent(dev, cost, &job, now);	keep it with the job
 *	and then exactly one of, where @began says since when the device has
 *	worked on it, or 0 if it never did:
 *	place_ran(dev, cost, samples, expect, began, now);
 *	place_failed(dev, cost, expect, began, now);	the device's fault
 *	place_dropped(dev, cost, expect, began, now);	cancelled, refused
 *
 * All times are ns of one clock that does not go back; any value is safe.
 */
#ifndef AIOFFLOAD_PLACE_H
#define AIOFFLOAD_PLACE_H

#include "pace.h"

#define PLACE_NONE	0xffffffffU	/* no candidate */
#define PLACE_NS_MAX	0x3ffffffffffULL /* longest time believed: 73 minutes */

/* What a job wants; the numbers of enum aioffload_hint (uapi). */
enum place_hint {
	PLACE_LATENCY = 0,	/* to end soon */
	PLACE_THROUGHPUT,	/* that as many jobs as possible end */
	PLACE_EFFICIENCY,	/* least energy, its deadline met */
	PLACE_KEEP_WARM,	/* where it ran last, unless that is much later */
};

/*
 * What the caller knows of a device, from best to worst: a worse one is picked
 * only if there is no better. Throttling is a speed, place_dev_speed(); that a
 * device fails jobs is found out here.
 */
enum place_state {
	PLACE_UP = 0,
	PLACE_DRAINING,		/* should get no new work */
	PLACE_DOWN,		/* would fail a job */
	PLACE_GONE,
};

/**
 * struct place_health - how far a device, or a device with one model, is trusted
 * @retry_ns:	not before then, unless nobody else can
 * @backoff_ns:	how long it was last avoided
 * @streak:	failures in a row
 */
struct place_health {
	u64 retry_ns;
	u64 backoff_ns;
	u32 streak;
};

/**
 * struct place_cost - what a model costs on a device; learned, see place_cost.c
 * @mean:	time of a job of @centre samples, in 1/16 ns
 * @dev:	mean absolute deviation from what was predicted, likewise
 * @slope:	time per sample, in 1/256 ns
 * @spread:	weighted sum of squared distances from @centre; 0: @slope is a
 *		guess, as all jobs had the same number of samples
 * @measured_ns: when the last job was measured
 * @centre:	mean number of samples, in 1/16
 * @runs:	jobs measured, as far as that matters
 * @sent:	jobs on their way
 * @strikes:	surprising jobs in a row, all on one @side
 */
struct place_cost {
	u64 mean;
	u64 dev;
	u64 slope;
	u64 spread;
	u64 measured_ns;
	u32 centre;
	u32 runs;
	u32 sent;
	s8 side;
	u8 strikes;
	struct place_health health;
};

/**
 * struct place_dev - a device
 * @backlog_ns:	predicted time of all jobs sent and not ended
 * @served_ns:	of that, what has been worked off
 * @seen_ns:	when @served_ns was brought up to date
 * @ended_ns:	when the last job ended
 * @typical_ns:	mean time of the jobs measured there, whatever the model
 * @jobs:	sent and not ended
 * @lanes:	jobs it works on at a time
 * @speed:	up to which it may go, in thousandths of its full speed,
 *		1..POWER_FULL_SPEED
 * @pace:	at which it works and has worked: slower for lack of work, perhaps
 * @state:	enum place_state
 * @idle_uw:	power when idle
 * @busy_uw:	power when it has one job; 0: unknown
 * @wake_ns:	time until it could begin with anything: it is down
 * @byte_ps:	cost of moving a byte to or from it, in picoseconds, where that
 *		is not part of the time measured
 */
struct place_dev {
	u64 backlog_ns;
	u64 served_ns;
	u64 seen_ns;
	u64 ended_ns;
	u64 typical_ns;
	u64 wake_ns;
	u32 jobs;
	u32 lanes;
	u32 speed;
	u32 state;
	u32 idle_uw;
	u32 busy_uw;
	u32 byte_ps;
	struct power_pace pace;
	struct place_health health;
};

/**
 * struct place_job - a job that wants a place
 * @deadline_ns: when it must have ended; 0: whenever
 * @bytes:	to be moved to or from the device
 * @samples:	at least 1
 * @hint:	enum place_hint
 * @last:	candidate where the last job of its kind went, or PLACE_NONE
 * @turn:	jobs of its kind placed before; they share the cost of trying
 *		out devices
 * @steady:	never a guinea pig
 */
struct place_job {
	u64 deadline_ns;
	u64 bytes;
	u32 samples;
	u32 hint;
	u32 last;
	u32 turn;
	bool steady;
};

/**
 * struct place_candidate - a device that can run the job
 * @jobs:	all that are at the device or wait for it; those that were never
 *		told here count as typical ones. 0 if it is told of all.
 * @share_ppm:	of the device, that its owner gets as long as others want it; 0:
 *		it is not shared so, and the job begins when all those are done
 * @own_ns:	time of the owner's jobs among those
 */
struct place_candidate {
	const struct place_dev *dev;
	const struct place_cost *cost;
	u32 jobs;
	u32 share_ppm;
	u64 own_ns;
};

/**
 * struct place_offer - what a candidate has to offer; all from now, in ns
 * @wait:	until it would begin
 * @cost:	of device time
 * @finish:	until it would have ended
 * @late:	the same with bad luck: two standard deviations
 * @energy:	in units of 10^-15 J (uW * ns)
 * @measured_ns: when the last such job was measured there
 * @jobs:	before it
 * @rank:	how far it is to be trusted; less is better
 * @trial:	should be tried out
 */
struct place_offer {
	u64 wait;
	u64 cost;
	u64 finish;
	u64 late;
	u64 energy;
	u64 measured_ns;
	u32 jobs;
	u32 index;
	u32 rank;
	bool trial;
};

/**
 * struct place_choice - candidates compared so far
 * @best:	of them, by the hint
 * @warm:	the one where it ran last
 * @trial:	one to try out
 */
struct place_choice {
	const struct place_job *job;
	u64 now;
	struct place_offer best;
	struct place_offer warm;
	struct place_offer trial;
};

/* One model on one device; a zeroed one is as good. */
void place_cost_init(struct place_cost *cost);
void place_cost_learn(struct place_cost *cost, u32 samples, u64 ns, u64 now);
u64 place_cost_of(const struct place_cost *cost, u32 samples);
u64 place_cost_dev(const struct place_cost *cost);

void place_dev_init(struct place_dev *dev, u32 lanes);
void place_dev_power(struct place_dev *dev, u32 idle_uw, u32 busy_uw);
void place_dev_speed(struct place_dev *dev, u32 most, u32 pace, u64 now);
void place_dev_wake(struct place_dev *dev, u64 ns);
void place_dev_state(struct place_dev *dev, u32 state);
void place_dev_failed(struct place_dev *dev, u64 now);
bool place_dev_stalled(const struct place_dev *dev, u64 now);
u64 place_dev_wait(const struct place_dev *dev, u32 jobs, u64 cost, u64 now);
void place_dev_joined(struct place_dev *dev, u64 expect, u64 now);
bool place_health_bad(const struct place_health *h);

/* Returns the index of the best candidate; PLACE_NONE only if @n is 0. */
u32 place_pick(const struct place_candidate *cands, u32 n,
	       const struct place_job *job, u64 now);

/* The same step by step, for callers that lock one device after the other. */
void place_choose(struct place_choice *ch, const struct place_job *job,
		  u64 now);
void place_consider(struct place_choice *ch, u32 index,
		    const struct place_candidate *cand);
u32 place_chosen(const struct place_choice *ch);

u64 place_sent(struct place_dev *dev, struct place_cost *cost,
	       const struct place_job *job, u64 now);
void place_ran(struct place_dev *dev, struct place_cost *cost, u32 samples,
	       u64 expect, u64 began, u64 now);
void place_failed(struct place_dev *dev, struct place_cost *cost, u64 expect,
		  u64 began, u64 now);
void place_dropped(struct place_dev *dev, struct place_cost *cost, u64 expect,
		   u64 began, u64 now);

#endif /* AIOFFLOAD_PLACE_H */
