// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Which of several devices gets a job: what each offers, and which offer is the
 * best by the job's hint.
 *
 *	latency		least predicted finish
 *	throughput	an idle device, unless it takes eight times as long as
 *			waiting for another one
 *	efficiency	least energy above idling, of those that are in time even
 *			with bad luck; if none is, least finish
 *	keep warm	where it ran last, unless it would end there after more
 *			than twice the least finish
 *
 * Equal offers go to the candidate named first. What has not been measured has
 * no offer: then, as long as nothing has been, the fewest jobs decide.
 *
 * Trying out: a device that this model was never measured on, or not for long
 * (so that one which was slow is found fast again), or that failed and whose
 * time of grace is over, gets one job at a time, from at most every fourth turn,
 * and never one whose deadline that puts at risk; of several the one measured
 * the longest ago. Where energy counts, to look again at a device that is known
 * takes no more than a 128th of it.
 */
#include "place.h"
#include "place_math.h"

enum place_rank {
	RANK_KNOWN,
	RANK_UNKNOWN,		/* never measured */
	RANK_AVOIDED,		/* failed lately */
	RANK_STATE,		/* + enum place_state */
};

#define TRIAL_TURNS	4	/* one job out of so many may be a trial */
#define TRIAL_SLACK	8	/* has so much more time than it needs */
#define TRIAL_ENERGY	128	/* one part in so many is for trials */
#define TRIAL_RATIO_MAX	0xffffU	/* of a trial's energy to another job's */
#define STALE_NS	1000000000ULL	/* not measured for as long, */
#define STALE_JOBS	64		/* and for as long as so many jobs take */
#define WARM_FACTOR	2
#define IDLE_FACTOR	8
#define POWER_UNKNOWN_UW 1000000
#define SHARE_ALL	1000000

/* At the speed of now, with moving its data. */
static u64 time_on(const struct place_dev *dev, const struct place_job *job,
		   u64 ns)
{
	if (dev->speed != POWER_FULL_SPEED)
		ns = place_mul(ns, POWER_FULL_SPEED) / dev->speed;
	ns = place_add(ns, place_mul(job->bytes, dev->byte_ps) / 1000);
	return place_min(place_max(ns, 1), PLACE_NS_MAX);
}

/* What is not measured on a device costs what others do there. */
static u64 cost_on(const struct place_dev *dev, const struct place_cost *cost,
		   const struct place_job *job)
{
	u64 ns = place_cost_of(cost, job->samples);

	return time_on(dev, job, ns ? ns : dev->typical_ns);
}

/* Above idling, in uW. */
static u64 power_of(const struct place_dev *dev)
{
	if (!dev->busy_uw)
		return POWER_UNKNOWN_UW;
	return dev->busy_uw > dev->idle_uw ? dev->busy_uw - dev->idle_uw : 0;
}

/* Should what is known of an idle device be looked at again? */
static bool is_stale(const struct place_dev *dev, const struct place_cost *cost,
		     u64 ns, u64 now)
{
	if (dev->jobs)
		return false;
	/* The last job was a surprise: the start of something new? */
	return cost->strikes || place_since(cost->measured_ns, now) >
				place_max(STALE_NS, place_mul(ns, STALE_JOBS));
}

/* How far a candidate is to be trusted, and whether to try it. */
static void judge(struct place_offer *o, const struct place_dev *dev,
		  const struct place_cost *cost, u64 now)
{
	bool alone = !cost->sent;

	if (dev->state != PLACE_UP) {
		o->rank = RANK_STATE + dev->state;
	} else if (place_health_bad(&dev->health)) {
		o->rank = RANK_AVOIDED;
		o->trial = !dev->jobs && now >= dev->health.retry_ns;
	} else if (place_health_bad(&cost->health)) {
		o->rank = RANK_AVOIDED;
		o->trial = alone && now >= cost->health.retry_ns;
	} else if (!cost->runs) {
		o->rank = RANK_UNKNOWN;
		o->trial = alone;
	} else {
		o->rank = RANK_KNOWN;
		o->trial = alone && is_stale(dev, cost, o->cost, now);
	}
}

/*
 * Until it would begin. Where devices are shared by weight, what others have
 * waiting is not in its way: its owner's jobs are, at its owner's share. So
 * whoever has work for several devices keeps some at each of them, and its share
 * of each. To place by what all have waiting would starve it of jobs where it
 * gets most done.
 */
static u64 wait_at(const struct place_candidate *cand, u64 cost, u64 now)
{
	u64 all = place_dev_wait(cand->dev, cand->jobs, cost, now), own;

	if (!cand->share_ppm)
		return all;
	own = place_mul(place_add(cand->own_ns / cand->dev->lanes, cost),
			SHARE_ALL) / cand->share_ppm;
	return place_min(all, own - place_min(own, cost));
}

static void appraise(struct place_offer *o, u32 index,
		     const struct place_candidate *cand,
		     const struct place_job *job, u64 now)
{
	const struct place_dev *dev = cand->dev;
	const struct place_cost *cost = cand->cost;
	u64 doubt = place_cost_dev(cost);

	o->index = index;
	o->cost = cost_on(dev, cost, job);
	o->wait = wait_at(cand, o->cost, now);
	o->finish = place_add(o->wait, o->cost);
	/* Two standard deviations are two and a half mean absolute ones. */
	o->late = place_add(o->finish, doubt * 5 / 2);
	/* Waking up is no work, and takes as much. */
	o->energy = place_mul(place_add(o->cost, dev->wake_ns), power_of(dev));
	o->jobs = cand->jobs > dev->jobs ? cand->jobs : dev->jobs;
	o->measured_ns = cost->measured_ns;
	judge(o, dev, cost, now);
}

static bool in_time(const struct place_offer *o, const struct place_job *job,
		    u64 now)
{
	return !job->deadline_ns || o->late <= place_since(now, job->deadline_ns);
}

/* Less is better; of the same rank. */
static u64 price(const struct place_offer *o, const struct place_job *job)
{
	if (job->hint == PLACE_THROUGHPUT && !o->wait)
		return o->finish / IDLE_FACTOR;
	return o->finish;
}

static bool better(const struct place_offer *a, const struct place_offer *b,
		   const struct place_choice *ch)
{
	const struct place_job *job = ch->job;
	u64 a_price, b_price;

	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->rank != RANK_KNOWN)
		return a->jobs < b->jobs;
	if (job->hint == PLACE_EFFICIENCY) {
		bool a_ok = in_time(a, job, ch->now);
		bool b_ok = in_time(b, job, ch->now);

		if (a_ok != b_ok)
			return a_ok;
		if (a_ok && a->energy != b->energy)
			return a->energy < b->energy;
	}
	a_price = price(a, job);
	b_price = price(b, job);
	if (a_price != b_price)
		return a_price < b_price;
	return a->energy < b->energy;
}

/* Which of two to try out first. */
static bool sooner(const struct place_offer *a, const struct place_offer *b)
{
	if (a->jobs != b->jobs)
		return a->jobs < b->jobs;
	return a->measured_ns < b->measured_ns;
}

void place_choose(struct place_choice *ch, const struct place_job *job, u64 now)
{
	memset(ch, 0, sizeof(*ch));
	ch->job = job;
	ch->now = now;
	ch->best.index = PLACE_NONE;
	ch->warm.index = PLACE_NONE;
	ch->trial.index = PLACE_NONE;
}

void place_consider(struct place_choice *ch, u32 index,
		    const struct place_candidate *cand)
{
	struct place_offer o = { 0 };

	appraise(&o, index, cand, ch->job, ch->now);
	if (ch->best.index == PLACE_NONE || better(&o, &ch->best, ch))
		ch->best = o;
	if (index == ch->job->last)
		ch->warm = o;
	if (o.trial && (ch->trial.index == PLACE_NONE || sooner(&o, &ch->trial)))
		ch->trial = o;
}

/* Is the one where it ran last nearly as good as the best? */
static bool stays(const struct place_choice *ch)
{
	const struct place_offer *warm = &ch->warm, *best = &ch->best;

	if (ch->job->hint != PLACE_KEEP_WARM || warm->index == PLACE_NONE ||
	    warm->rank != best->rank)
		return false;
	return warm->rank != RANK_KNOWN ||
	       warm->finish <= place_mul(best->finish, WARM_FACTOR);
}

/* One job out of how many may be a trial. */
static u32 trial_turns(const struct place_choice *ch)
{
	u64 ratio;

	if (ch->job->hint != PLACE_EFFICIENCY || ch->trial.rank != RANK_KNOWN)
		return TRIAL_TURNS;
	ratio = ch->trial.energy / place_max(ch->best.energy, 1);
	return TRIAL_ENERGY * (1 + (u32)place_min(ratio, TRIAL_RATIO_MAX));
}

static bool worth_a_trial(const struct place_choice *ch)
{
	const struct place_job *job = ch->job;

	if (ch->trial.index == PLACE_NONE)
		return false;
	/* Nothing better at hand. */
	if (ch->best.rank >= RANK_AVOIDED)
		return true;
	if (ch->best.rank != RANK_KNOWN || job->steady ||
	    job->turn % trial_turns(ch))
		return false;
	if (!job->deadline_ns)
		return true;
	return in_time(&ch->trial, job, ch->now) &&
	       place_mul(ch->best.finish, TRIAL_SLACK) <=
	       place_since(ch->now, job->deadline_ns);
}

u32 place_chosen(const struct place_choice *ch)
{
	if (stays(ch))
		return ch->warm.index;
	if (worth_a_trial(ch))
		return ch->trial.index;
	return ch->best.index;
}

u32 place_pick(const struct place_candidate *cands, u32 n,
	       const struct place_job *job, u64 now)
{
	struct place_choice ch;
	u32 i;

	place_choose(&ch, job, now);
	for (i = 0; i < n; i++)
		place_consider(&ch, i, &cands[i]);
	return place_chosen(&ch);
}

u64 place_sent(struct place_dev *dev, struct place_cost *cost,
	       const struct place_job *job, u64 now)
{
	u64 expect = cost_on(dev, cost, job);

	place_dev_joined(dev, expect, now);
	cost->sent++;
	return expect;
}
