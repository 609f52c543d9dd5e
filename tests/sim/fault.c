// SPDX-License-Identifier: LGPL-2.1-or-later
/* What befalls devices and groups: the scenario's "at TIME ..." lines. */
#include "sim.h"

static void new_state(struct device *d, enum dev_state state)
{
	engine_account(d);
	d->state = state;
	d->gen++;
}

static void kill_device(struct world *w, struct device *d)
{
	if (d->state == DEV_DEAD)
		return;
	new_state(d, DEV_DEAD);
	w->placer->state(d, w->now);
	engine_empty(d);
}

/*
 * Nobody is told that a device has stalled: the watchdog finds out when its
 * jobs have taken too long.
 */
static void stall_device(struct world *w, struct device *d)
{
	u32 i;

	if (d->state != DEV_UP)
		return;
	new_state(d, DEV_STALLED);
	for (i = 0; i < d->parallel; i++)
		d->slots[i].gen++;
	if (w->watch)
		heap_push(&w->heap, w->now + w->watch, EV_WATCH, d, d->gen);
}

/* A stalled device that can't be reset is as good as a dead one, until it
 * comes back.
 */
void fault_watch(struct world *w, struct device *d, u32 gen)
{
	if (d->state == DEV_STALLED && d->gen == gen)
		kill_device(w, d);
}

static void return_device(struct world *w, struct device *d)
{
	u32 i;

	if (d->state == DEV_UP)
		return;
	/* time has stood still for its jobs */
	for (i = 0; i < d->parallel; i++)
		d->slots[i].since = w->now;
	d->state = DEV_UP;
	d->gen++;
	w->placer->state(d, w->now);
	engine_resume(d);
}

/* Jobs that run go on at the new speed. */
static void speed_device(struct world *w, struct device *d, double speed)
{
	u32 i;

	engine_account(d);
	for (i = 0; i < d->parallel; i++) {
		struct job *j = d->slots[i].job;

		if (j)
			j->left = 1 + (u64)((double)j->left * d->speed / speed);
	}
	d->speed = speed;
	w->placer->state(d, w->now);
	if (d->state == DEV_UP)
		engine_resume(d);
}

static void weight_group(struct world *w, struct group *g, u32 weight)
{
	u32 i;
	int t;

	g->weight = weight;
	for (i = 0; g->on && i < w->n_devices; i++) {
		struct dgroup *dg = g->on[i];

		if (!dg)
			continue;
		engine_account(dg->dev);
		for (t = 0; t < 2; t++) {
			struct fluid *level = dg->parent ? &dg->parent->level[t] :
							   &dg->dev->level[t];

			fluid_weight(&dg->dev->fluid[t], &dg->fluid[t], weight);
			fluid_weight(level, &dg->at_level[t], weight);
		}
		w->policy->group_weight(dg, w->now);
	}
}

void fault_action(struct world *w, struct action *a)
{
	switch (a->kind) {
	case ACT_KILL:
		kill_device(w, a->dev);
		break;
	case ACT_STALL:
		stall_device(w, a->dev);
		break;
	case ACT_RETURN:
		return_device(w, a->dev);
		break;
	case ACT_SPEED:
		speed_device(w, a->dev, a->value);
		break;
	case ACT_WEIGHT:
		weight_group(w, a->group, (u32)a->value);
		break;
	}
}
