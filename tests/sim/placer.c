// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The placer of module/sched, as the engine sees it, and what it is compared
 * with: the fewest jobs (what the module did before), and by turns.
 */
#include "sim.h"

const char *const hint_names[HINT_N] = {
	"latency", "throughput", "efficiency", "warm",
};

static struct place_cost *cost_of(struct device *d, const struct job *j)
{
	return &d->cost[j->queue->spec->model];
}

static void describe(const struct queue *q, const struct job *j, struct place_job *pj)
{
	memset(pj, 0, sizeof(*pj));
	pj->deadline_ns = j->deadline;
	pj->samples = j->samples;
	pj->hint = q->spec->hint;
	pj->last = q->turn > 1 ? q->last : PLACE_NONE;
	pj->turn = j->turn;
}

/* What a queue has of a device by its share, once it has been there. */
static void share_of(struct place_candidate *c, const struct queue *q, u32 i)
{
	const struct stream *s = q->streams ? q->streams[i] : NULL;

	if (!s || q->w->policy != &policy_arb || !s->dev->arb.waiting ||
	    (s->arb.cls != ARB_NORMAL && s->arb.cls != ARB_INTERACTIVE))
		return;
	c->share_ppm = arb_share(&s->arb);
	c->own_ns = s->expect;
}

static u32 place_choice(struct queue *q, struct job *j, u64 now)
{
	const struct qspec *sp = q->spec;
	struct place_choice ch;
	struct place_job pj;
	u32 i;

	describe(q, j, &pj);
	place_choose(&ch, &pj, now);
	for (i = 0; i < sp->n_devices; i++) {
		struct place_candidate c = {
			.dev = &sp->devices[i]->place,
			.cost = cost_of(sp->devices[i], j),
		};

		share_of(&c, q, i);
		place_consider(&ch, i, &c);
	}
	return place_chosen(&ch);
}

static void place_sent_to(struct device *d, struct job *j, u64 now)
{
	struct place_job pj;

	describe(j->queue, j, &pj);
	j->expect = place_sent(&d->place, cost_of(d, j), &pj, now);
	j->stream->expect += j->expect;
}

static void place_ran_on(struct device *d, struct job *j, u64 now)
{
	j->stream->expect -= j->expect;
	place_ran(&d->place, cost_of(d, j), j->samples, j->expect,
		  now - j->cost, now);
}

static void place_failed_on(struct device *d, struct job *j, u64 now)
{
	j->stream->expect -= j->expect;
	place_failed(&d->place, cost_of(d, j), j->expect, j->exec_began, now);
}

static void place_dropped_on(struct device *d, struct job *j, u64 now)
{
	j->stream->expect -= j->expect;
	place_dropped(&d->place, cost_of(d, j), j->expect, now, now);
}

static void place_state_of(struct device *d, u64 now)
{
	u32 speed = (u32)(1000 * d->speed / d->full_speed);

	place_dev_state(&d->place, d->state == DEV_DEAD ? PLACE_DOWN : PLACE_UP);
	if (d->told_speed)
		place_dev_speed(&d->place, speed, speed, now);
}

const struct placer placer_place = {
	"place", place_choice, place_sent_to, place_ran_on, place_failed_on,
	place_dropped_on, place_state_of,
};

/* ---- what it is compared with ---- */

static u32 least_jobs(struct queue *q, struct job *j, u64 now)
{
	struct device *const *dev = q->spec->devices;
	u32 i, best = 0;

	for (i = 1; i < q->spec->n_devices; i++)
		if ((dev[i]->state != DEV_DEAD) > (dev[best]->state != DEV_DEAD) ||
		    (dev[i]->state != DEV_DEAD &&
		     dev[i]->held + dev[i]->waiting < dev[best]->held + dev[best]->waiting))
			best = i;
	return best;
}

static u32 by_turns(struct queue *q, struct job *j, u64 now)
{
	u32 n = q->spec->n_devices, i;

	for (i = 0; i < n; i++)
		if (q->spec->devices[q->rr++ % n]->state != DEV_DEAD)
			break;
	return (q->rr - 1) % n;
}

static void no_job(struct device *d, struct job *j, u64 now)
{
}

static void no_state(struct device *d, u64 now)
{
}

const struct placer placer_least = {
	"least", least_jobs, no_job, no_job, no_job, no_job, no_state,
};

const struct placer placer_rr = {
	"rr", by_turns, no_job, no_job, no_job, no_job, no_state,
};

const struct placer *placer_find(const char *name)
{
	static const struct placer *const all[] = {
		&placer_place, &placer_least, &placer_rr,
	};
	unsigned int i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}
