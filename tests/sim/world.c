// SPDX-License-Identifier: LGPL-2.1-or-later
/* The memory of a run: taken in large pieces, given back all at once. */
#include <stdlib.h>

#include "sim.h"

#define CHUNK	(1UL << 20)

struct chunk {
	struct chunk *next;
	size_t used, size;
	char mem[] __attribute__((aligned(16)));
};

void *world_alloc(struct world *w, size_t size)
{
	struct chunk *c = w->chunks;
	void *p;

	size = (size + 15) & ~15UL;
	if (!c || c->size - c->used < size) {
		size_t room = size > CHUNK ? size : CHUNK;

		c = calloc(1, sizeof(*c) + room);
		if (!c) {
			fputs("sim: out of memory\n", stderr);
			exit(1);
		}
		c->size = room;
		c->next = w->chunks;
		w->chunks = c;
		w->memory += room;
	}
	p = c->mem + c->used;
	c->used += size;
	return p;
}

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->policy = &policy_arb;
	w->placer = &placer_place;
	w->end = 10 * SEC;
	w->sample = 10 * MSEC;
	w->seed = 1;
	arb_params_default(&w->arb_params);
	return w;
}

/* How many leaves a fluid reference is kept for. */
#define FLUID_LEAVES	256

/* The scenario is complete: let the devices come up. */
void world_ready(struct world *w)
{
	u32 i, m;

	for (i = 0; i < w->n_specs; i++)
		for (m = 0; m < w->specs[i]->count; m++)
			rng_seed(&w->specs[i]->queues[m].rng, w->seed * 0x100000001b3ULL +
				 w->specs[i]->queues[m].id);
	for (i = 0; i < w->n_devices; i++) {
		struct device *d = w->devices[i];

		d->slots = world_alloc(w, d->parallel * sizeof(*d->slots));
		for (m = 0; m < d->parallel; m++)
			d->slots[m].dev = d;
		d->inbox_tail = &d->inbox;
		d->idle_from = SIM_NEVER;
		d->has_fluid = !w->fluid_off && d->parallel == 1 &&
			       w->n_queues <= FLUID_LEAVES;
		place_dev_init(&d->place, d->parallel);
		place_dev_power(&d->place, (u32)d->idle_mw * 1000,
				(u32)d->active_mw * 1000);
		for (m = 0; m < SIM_MODELS; m++)
			place_cost_init(&d->cost[m]);
		w->policy->dev_add(d);
	}
}

void world_free(struct world *w)
{
	struct chunk *c;

	while ((c = w->chunks)) {
		w->chunks = c->next;
		free(c);
	}
	heap_free(&w->heap);
	trace_free(w);
	free(w->devices);
	free(w->groups);
	free(w->specs);
	free(w->actions);
	free(w);
}
