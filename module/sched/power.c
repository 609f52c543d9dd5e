// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Operating points, see power.h.
 *
 * By load. A device that was busy for a part u of the time at speed s does u s of
 * what it could do at full speed, and is given speed for that and a quarter more.
 * One that was busy nearly always might have had more to do: how much can't be
 * seen, so it gets full speed. What waits is to be gone soon. Up at once, down
 * only after several looks that agree: coming too late costs somebody time, going
 * down too late costs a little energy.
 *
 * By promises. Let f be the speed, U what was promised to realtime at full speed.
 * Work takes 1/f of the time, so densities are U/f. What may be in the way is work
 * that was begun before and can't be made to give way, of B at full speed. EDF
 * keeps all deadlines if, in each interval d from a release to a deadline,
 *	B/f + (U/f) d <= d		that is		f >= U + B/d
 * and the shortest one says most. Where that is more than full speed, deadlines
 * are missed anyhow, by no more than B at full speed, and so that it is.
 */
#include "arb_internal.h"
#include "power.h"

#define TARGET		800	/* thousandths of the time to be busy */
#define SATURATED	950	/* busy for so many: its load is not known */
#define HORIZON_NS	50000000ULL	/* in which what waits is to be done */
#define PATIENCE	3	/* looks in a row */
#define WEIGHT		4
#define MAX_NS		0xffffffffffULL	/* 18 minutes: products fit */

static u64 least(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* Rounded up, at most full speed. */
static u32 ratio(u64 part, u64 whole)
{
	return least((part * POWER_FULL_SPEED + whole - 1) / whole,
		     POWER_FULL_SPEED);
}

/* What a job takes, at full speed. Those that run beside each other count less. */
static void learn(struct power_policy *p, const struct power_look *look, u64 busy)
{
	u64 ns;

	if (!look->ended)
		return;
	ns = busy / look->ended * look->speed / POWER_FULL_SPEED;
	if (p->job_ns)
		p->job_ns += ns / WEIGHT - p->job_ns / WEIGHT;
	else
		p->job_ns = ns;
}

/* The speed that what was seen asks for. */
u32 power_load_speed(struct power_policy *p, const struct power_look *look)
{
	u64 time = least(look->time_ns, MAX_NS);
	u64 busy = least(look->busy_ns, time);
	u64 used, waits;

	learn(p, look, busy);
	if (!time)
		return POWER_FULL_SPEED;
	used = busy * 1000 / time;
	if (used >= SATURATED)
		return POWER_FULL_SPEED;
	waits = least(p->job_ns, HORIZON_NS) * look->present;
	waits = ratio(least(waits, HORIZON_NS), HORIZON_NS);
	used = ratio(used * look->speed, TARGET * 1000);
	return used > waits ? used : waits;
}

/* The slowest point that is as fast as that. @speeds: slowest first */
u32 power_point(const u32 *speeds, u32 nr, u32 speed)
{
	u32 i;

	for (i = 0; i + 1 < nr; i++)
		if (speeds[i] >= speed)
			break;
	return i;
}

/*
 * power_next() - at which point to go on
 * @point:	the present one
 */
u32 power_next(struct power_policy *p, const u32 *speeds, u32 nr, u32 point,
	       const struct power_look *look)
{
	u32 want = power_point(speeds, nr, power_load_speed(p, look));

	if (want >= point) {
		p->slower = 0;
		return want;
	}
	if (!p->slower || want > p->most)
		p->most = want;
	if (++p->slower < PATIENCE)
		return point;
	p->slower = 0;
	return p->most;
}

/* What EDF needs with nothing in the way, in ppm; see arb_rt.c: most(). */
static u64 edf_speed(const struct arb *a)
{
	struct arb_node *n = arb_tree_last(&a->admitted);
	u64 m = a->params.servers, l = a->params.limit_ppm;
	u64 u = n ? n->key : 0, all, one;

	/* It was lowered to nothing after it was promised. */
	if (!l)
		return ARB_PPM;
	/* s / f <= l (m - (m - 1) u / f), and u / f <= l */
	all = (a->density * ARB_PPM + l * (m - 1) * u + l * m - 1) / (l * m);
	one = (u * ARB_PPM + l - 1) / l;
	return least(all > one ? all : one, ARB_PPM);
}

/**
 * power_rt_speed() - the least speed at which realtime ends in time
 * @a:		of the device
 * @shortest_ns: no relative deadline is shorter
 * @block_ns:	what can't be made to give way may take so long, at full speed
 *
 * Return: in thousandths; 0: nothing was promised.
 */
u32 power_rt_speed(const struct arb *a, u64 shortest_ns, u64 block_ns)
{
	u64 d = least(shortest_ns, MAX_NS), b = least(block_ns, MAX_NS);
	u64 ppm;

	if (!a->density)
		return 0;
	if (b >= d)
		return POWER_FULL_SPEED;
	ppm = edf_speed(a) + (ARB_PPM * b + d - 1) / d;
	return least((ppm + 999) / 1000, POWER_FULL_SPEED);
}

/* How much of what was promised is too much at that speed, in ppm of a server. */
u64 power_rt_short(const struct arb *a, u32 speed)
{
	u64 most = (u64)a->params.limit_ppm * a->params.servers * speed /
		   POWER_FULL_SPEED;

	return a->density > most ? a->density - most : 0;
}
