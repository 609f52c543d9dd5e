// SPDX-License-Identifier: LGPL-2.1-or-later
/* When queues submit. Each has a generator of its own, so that what one does
 * never changes with what others do.
 */
#include <math.h>

#include "sim.h"

const char *const load_names[LOAD_N] = {
	"closed", "periodic", "poisson", "bursty", "diurnal", "nap", "flood",
	"once", "trace",
};

static bool open_at(const struct queue *q, u64 t)
{
	return t < q->spec->to && (!q->spec->jobs || q->submitted < q->spec->jobs);
}

static void next_at(struct queue *q, u64 t)
{
	if (open_at(q, t) && t <= q->w->end)
		heap_push(&q->w->heap, t, EV_ARRIVE, q, 0);
}

static u64 later(u64 now, double by)
{
	return by < 1 ? now + 1 : now + (u64)by;
}

/* Thinning: candidates at the peak's rate, kept as the hour of day says. */
static u64 diurnal_next(struct queue *q, u64 t)
{
	const struct load *l = &q->spec->load;
	double level;

	do {
		t = later(t, rng_exp(&q->rng, (double)l->a));
		level = 0.525 - 0.475 * cos(2 * M_PI * (double)(t % l->b) / (double)l->b);
	} while (rng_unit(&q->rng) > level && t < q->w->end);
	return t;
}

static u64 bursty_next(struct queue *q, u64 t)
{
	const struct load *l = &q->spec->load;

	for (;;) {
		if (q->on) {
			u64 at = later(t, rng_exp(&q->rng, (double)l->a));

			if (at < q->phase)
				return at;
		}
		t = q->phase;
		q->on = !q->on;
		q->phase = later(t, rng_exp(&q->rng, (double)(q->on ? l->b : l->c)));
		if (t > q->w->end)
			return t;
	}
}

static u64 following(struct queue *q, u64 t)
{
	const struct load *l = &q->spec->load;

	switch (l->kind) {
	case LOAD_PERIODIC:
	case LOAD_FLOOD:
		return t + l->a;
	case LOAD_POISSON:
		return later(t, rng_exp(&q->rng, (double)l->a));
	case LOAD_BURSTY:
		return bursty_next(q, t);
	case LOAD_DIURNAL:
		return diurnal_next(q, t);
	default:
		return SIM_NEVER;
	}
}

static void submit(struct queue *q)
{
	const struct qspec *sp = q->spec;

	if (open_at(q, q->w->now) && q->w->now <= q->w->end)
		engine_arrive(q->w, q, dist_draw(&sp->len, &q->rng),
			      sp->deadline ? q->w->now + sp->deadline : 0);
}

void load_start(struct queue *q)
{
	const struct load *l = &q->spec->load;
	u64 t = q->spec->from;

	switch (l->kind) {
	case LOAD_TRACE:
		return;
	case LOAD_BURSTY:
		q->on = rng_below(&q->rng, 2);
		q->phase = later(t, rng_exp(&q->rng, (double)(q->on ? l->b : l->c)));
		t = bursty_next(q, t);
		break;
	case LOAD_POISSON:
	case LOAD_DIURNAL:
		t = following(q, t);
		break;
	case LOAD_PERIODIC:
		/* queues of one line don't march in step, unless told so */
		if (l->b)
			t += rng_below(&q->rng, l->a);
		break;
	default:
		break;
	}
	next_at(q, t);
}

/* The queue's own time has come. */
void load_arrive(struct queue *q)
{
	const struct load *l = &q->spec->load;
	u64 n = 1;

	switch (l->kind) {
	case LOAD_CLOSED:
		n = q->outstanding < l->a ? 1 : 0;
		/* at the start all at once; later each has its own event */
		if (!q->submitted)
			n = l->a;
		break;
	case LOAD_ONCE:
		n = l->a;
		break;
	case LOAD_FLOOD:
		n = l->b;
		break;
	case LOAD_NAP:
		/* awake until phase: then sleep, and come back with a clean slate */
		q->phase = q->w->now + l->a;
		n = 2;
		break;
	default:
		break;
	}
	while (n--)
		submit(q);
	next_at(q, following(q, q->w->now));
}

/* One of its jobs is done. */
void load_done(struct queue *q)
{
	const struct load *l = &q->spec->load;

	if (l->kind == LOAD_CLOSED && l->b) {
		next_at(q, q->w->now + l->b);
	} else if (l->kind == LOAD_CLOSED) {
		submit(q);
	} else if (l->kind == LOAD_NAP) {
		if (q->w->now < q->phase)
			submit(q);
		else if (!q->outstanding)
			next_at(q, q->w->now + l->b);
	}
}
