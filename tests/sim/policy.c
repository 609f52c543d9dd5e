// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the arbiter is compared with: first come, first served (what the module
 * did before); streams by turns, one job each (what a GPU scheduler without
 * weights does); and fixed priority of classes, by turns within one.
 */
#include "sim.h"

static void no_dev(struct device *d)
{
}

static void no_group(struct dgroup *g, u64 now)
{
}

static void no_weight(struct dgroup *g, u64 now)
{
}

static int no_stream(struct stream *s, u64 now)
{
	return 0;
}

static void no_ran(struct stream *s, struct job *j, u64 ns, bool done, u64 now)
{
}

static bool never(struct stream *s, struct job *j, u64 ns, u64 now)
{
	return false;
}

/* d->ring is the last of a ring, its next the first. */
static void ring_add(struct device *d, struct stream *s)
{
	if (s->in_ring)
		return;
	s->in_ring = true;
	if (d->ring) {
		s->next_ready = d->ring->next_ready;
		d->ring->next_ready = s;
	} else {
		s->next_ready = s;
	}
	d->ring = s;
}

static void ring_del(struct device *d, struct stream *prev, struct stream *s)
{
	s->in_ring = false;
	if (prev == s) {
		d->ring = NULL;
		return;
	}
	prev->next_ready = s->next_ready;
	if (d->ring == s)
		d->ring = prev;
}

static void ring_ready(struct stream *s, struct job *j, u64 now)
{
	ring_add(s->dev, s);
}

/* The first for which nobody else is better; those with nothing leave. */
static struct stream *ring_best(struct device *d,
				bool (*better)(const struct stream *, const struct stream *))
{
	struct stream *prev = d->ring, *s, *best = NULL, *end;

	if (!prev)
		return NULL;
	end = d->ring;
	do {
		s = prev->next_ready;
		if (!s->waiting) {
			bool last = s == end;

			ring_del(d, prev, s);
			if (last || !d->ring)
				break;
			continue;
		}
		if (!best || better(s, best))
			best = s;
		prev = s;
	} while (prev != end);
	return best;
}

static bool by_turns(const struct stream *a, const struct stream *b)
{
	return false;
}

static bool older(const struct stream *a, const struct stream *b)
{
	return a->head->arrived < b->head->arrived;
}

static unsigned int rank(const struct queue *q)
{
	static const unsigned int r[QOS_N] = { 1, 0, 2, 3 };

	return r[q->spec->qos];
}

static bool higher(const struct stream *a, const struct stream *b)
{
	return rank(a->queue) > rank(b->queue);
}

static void to_the_end(struct device *d, struct stream *s)
{
	struct stream *prev = s;

	while (prev->next_ready != s)
		prev = prev->next_ready;
	ring_del(d, prev, s);
	ring_add(d, s);
}

static struct stream *fifo_pick(struct device *d, u64 now)
{
	return ring_best(d, older);
}

static struct stream *rr_pick(struct device *d, u64 now)
{
	struct stream *s = ring_best(d, by_turns);

	if (s)
		to_the_end(d, s);
	return s;
}

static struct stream *prio_pick(struct device *d, u64 now)
{
	struct stream *s = ring_best(d, higher);

	if (s)
		to_the_end(d, s);
	return s;
}

static bool prio_tile(struct stream *s, struct job *j, u64 ns, u64 now)
{
	struct stream *best = ring_best(s->dev, higher);

	return best && rank(best->queue) > rank(s->queue);
}

static void ring_withdraw(struct stream *s, struct job *j, u64 now)
{
}

#define BASELINE(n, p, y)						\
	const struct policy policy_##n = {				\
		.name = #n, .dev_add = no_dev, .group_add = no_group,	\
		.group_weight = no_weight, .stream_add = no_stream,	\
		.ready = ring_ready, .pick = p, .ran = no_ran,		\
		.withdraw = ring_withdraw, .tile = y,			\
	}

BASELINE(fifo, fifo_pick, never);
BASELINE(rr, rr_pick, never);
BASELINE(prio, prio_pick, prio_tile);

const struct policy *policy_find(const char *name)
{
	static const struct policy *const all[] = {
		&policy_arb, &policy_fifo, &policy_rr, &policy_prio,
	};
	unsigned int i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}
