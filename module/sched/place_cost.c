// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * What a model costs on a device: a fixed part and one per sample, learned from
 * jobs that ran there.
 *
 * A straight line through the centre of what was seen: (mean count, mean time),
 * both exponentially weighted. Its slope is least squares, done recursively: a
 * job at distance d from the centre with error e turns it by
 *
 *	e * d / (sum of all d^2)
 *
 * written as e / (d + sum/d), which fits into 64 bits. Neither part of a cost is
 * negative, so the slope lies between 0 and mean time / mean count.
 *
 * Not every measurement is believed:
 *  - the first job is often slow, as caches and clocks are cold: of the first
 *    two, the faster one counts;
 *  - an error beyond four deviations and a quarter of the prediction (downward,
 *    beyond three quarters of it) is cut back to that, so one job that met with
 *    an interrupt storm moves the mean little;
 *  - but three such in a row on the same side are no accident: the device runs
 *    at another speed, and the line is scaled to it at once.
 *
 * The deviation is the mean absolute one: it needs no squares of times, and
 * outliers weigh less. For a normal distribution it is 0.8 standard deviations.
 */
#include "place.h"
#include "place_math.h"

#define NS_SHIFT	4	/* fractions in mean and dev, */
#define SLOPE_SHIFT	8	/* slope, */
#define COUNT_SHIFT	4	/* and centre */
#define ONE_SAMPLE	16U	/* with its fraction */
#define COUNT_MAX	0x1000000U
#define TIME_MAX	(PLACE_NS_MAX << NS_SHIFT)

#define WEIGHT		8	/* a new job counts 1/8, */
#define SPREAD_WEIGHT	16	/* and its distance 1/16 */
#define STRIKES		3

void place_cost_init(struct place_cost *cost)
{
	memset(cost, 0, sizeof(*cost));
}

/* The highest slope: all of the time is spent on samples. */
static u64 steepest(const struct place_cost *c)
{
	return (c->mean << (SLOPE_SHIFT - NS_SHIFT + COUNT_SHIFT)) / c->centre;
}

/* Time of a job of @count samples (<< COUNT_SHIFT), << NS_SHIFT */
static u64 line(const struct place_cost *c, u32 count)
{
	const unsigned int shift = SLOPE_SHIFT + COUNT_SHIFT - NS_SHIFT;
	u64 rise;

	if (count >= c->centre) {
		rise = place_mul(c->slope, count - c->centre) >> shift;
		return place_min(place_add(c->mean, rise), TIME_MAX);
	}
	/* At most the mean, as the slope is no steeper than that allows. */
	rise = place_mul(c->slope, c->centre - count) >> shift;
	return c->mean - place_min(rise, c->mean);
}

static u32 count_of(u32 samples)
{
	if (!samples)
		samples = 1;
	return (samples < COUNT_MAX ? samples : COUNT_MAX) << COUNT_SHIFT;
}

/* Predicted time of a job on a device at full speed; 0: nothing is known. */
u64 place_cost_of(const struct place_cost *cost, u32 samples)
{
	if (!cost->runs)
		return 0;
	return place_max(line(cost, count_of(samples)) >> NS_SHIFT, 1);
}

/* Mean absolute deviation from such predictions. */
u64 place_cost_dev(const struct place_cost *cost)
{
	return cost->dev >> NS_SHIFT;
}

/* Nothing is known but this one job: its time may well be off by half. */
static void begin(struct place_cost *c, u32 count, u64 time)
{
	c->centre = count;
	c->mean = time;
	c->dev = time / 2;
	c->spread = 0;
	c->slope = steepest(c);
	c->strikes = 0;
}

/* All jobs take another time than they did: by the same factor as this one. */
static void begin_anew(struct place_cost *c, u32 count, u64 time, u64 predicted)
{
	c->slope = place_scale(c->slope, time, place_max(predicted, 1));
	c->centre = count;
	c->mean = time;
	c->dev = time / 8;
	c->runs = 2;
	c->strikes = 0;
}

/* A job at distance @far had @error; @up: both were on the same side. */
static void turn(struct place_cost *c, u64 far, u64 error, bool up)
{
	u64 step;

	if (far < ONE_SAMPLE)
		return;
	/* The fractions of time and count are as long: they cancel out. */
	step = (error << SLOPE_SHIFT) / (far + c->spread / far);
	if (up)
		c->slope = place_add(c->slope, step);
	else
		c->slope -= place_min(step, c->slope);
	c->spread -= c->spread / SPREAD_WEIGHT;
	c->spread += far * far;
}

/* Count a surprise. Return: whether it is none any more. */
static bool third_strike(struct place_cost *c, s8 side)
{
	if (c->strikes && c->side != side)
		c->strikes = 0;
	c->side = side;
	return ++c->strikes == STRIKES;
}

static u64 towards(u64 from, u64 to, u32 weight)
{
	return to >= from ? from + (to - from) / weight :
			    from - (from - to) / weight;
}

/* The fixed and the other part are as they must be, whatever was measured. */
static void straighten(struct place_cost *c)
{
	u64 most = steepest(c);

	if (!c->spread || c->slope > most)
		c->slope = most;
}

/* The greatest error that is no surprise. A quarter of the time always is one. */
static u64 tolerance(const struct place_cost *c, u64 predicted, bool above)
{
	u64 most = 4 * c->dev + predicted / 4;

	return above ? most : place_min(most, predicted - predicted / 4);
}

static void learn(struct place_cost *c, u32 count, u64 time)
{
	u32 weight = c->runs < WEIGHT ? c->runs + 1 : WEIGHT;
	u64 predicted = line(c, count);
	bool above = time >= predicted, beyond = count >= c->centre;
	u64 error = above ? time - predicted : predicted - time;
	u64 far = beyond ? count - c->centre : c->centre - count;
	u64 most = tolerance(c, predicted, above);

	/* The first job of another size tells the slope; how can it surprise? */
	bool surprise = error > most && (c->spread || far < ONE_SAMPLE);

	if (surprise && third_strike(c, above ? 1 : -1)) {
		begin_anew(c, count, time, predicted);
		return;
	}
	if (!surprise) {
		c->strikes = 0;
		c->dev = towards(c->dev, error, weight);
	} else {
		error = most;
		time = above ? predicted + error : predicted - error;
		weight = WEIGHT;
		/* If there is no end of them, this is how things are. */
		c->dev = place_min(c->dev + c->dev / WEIGHT, TIME_MAX);
	}
	turn(c, far, error, above == beyond);
	c->centre = towards(c->centre, count, weight);
	c->mean = towards(c->mean, time, weight);
	straighten(c);
}

/**
 * place_cost_learn() - a job has run
 * @cost:	of such jobs there
 * @samples:	that it had
 * @ns:		it took, had the device been at full speed
 * @now:	when it ended
 */
void place_cost_learn(struct place_cost *cost, u32 samples, u64 ns, u64 now)
{
	u32 count = count_of(samples);
	u64 time = place_min(place_max(ns, 1), PLACE_NS_MAX) << NS_SHIFT;

	if (!cost->runs || (cost->runs == 1 && time < line(cost, count)))
		begin(cost, count, time);
	else
		learn(cost, count, time);
	if (cost->runs < WEIGHT)
		cost->runs++;
	cost->measured_ns = now;
}
