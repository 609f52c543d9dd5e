// SPDX-License-Identifier: LGPL-2.1-or-later
/* A device under the arbiter, see arb_drive.h. */
#include <stdio.h>
#include <stdlib.h>
#include "arb_drive.h"

#define CHECK_EVERY	64	/* checks cost more than what they check */

/* xorshift64* */
u64 drive_random(struct drive *d)
{
	d->rnd ^= d->rnd >> 12;
	d->rnd ^= d->rnd << 25;
	d->rnd ^= d->rnd >> 27;
	return d->rnd * 0x2545f4914f6cdd1dULL;
}

u64 drive_between(struct drive *d, u64 lo, u64 hi)
{
	return lo + drive_random(d) % (hi - lo + 1);
}

void drive_init(struct drive *d, const struct arb_params *params,
		struct source *src, u32 nr_src)
{
	struct arb_params p;
	u32 i;

	arb_params_default(&p);
	memset(d, 0, sizeof(*d));
	if (arb_init(&d->a, params ? params : &p))
		abort();
	d->servers = d->a.params.servers;
	d->now = 1000;
	d->rnd = 88172645463325252ULL;
	d->lie = 1;
	d->src = src;
	d->nr_src = nr_src;
	memset(src, 0, nr_src * sizeof(*src));
	for (i = 0; i < nr_src; i++)
		src[i].next_at = NEVER;
}

/* What the arbiter is told of a job or tile that takes @ns. */
static u64 guess(struct drive *d, u64 ns)
{
	if (d->tile && ns > d->tile)
		ns = d->tile;
	if (d->lie == 1)
		return ns;
	return drive_between(d, ns / d->lie + 1, ns * d->lie);
}

static void run_tile(struct drive *d, struct work *w)
{
	w->tile = d->tile && w->left > d->tile ? d->tile : w->left;
	w->until = d->now + w->tile;
}

static bool start_straight(struct drive *d, struct work *w, u64 deadline)
{
	u32 k;

	if (!d->straight || d->a.waiting)
		return false;
	for (k = 0; k < d->servers && d->running[k]; k++)
		;
	if (k == d->servers)
		return false;
	if (arb_start(&d->a, &w->src->stream, &w->job, d->now, deadline,
		      guess(d, w->left)))
		abort();
	d->running[k] = w;
	run_tile(d, w);
	return true;
}

void drive_arrive(struct drive *d, struct source *src, u64 ns, u64 deadline)
{
	struct work *w = src->free;

	if (w)
		src->free = w->next;
	else
		w = calloc(1, sizeof(*w));
	w->src = src;
	w->left = ns;
	w->arrived = d->now;
	if (start_straight(d, w, deadline))
		return;
	if (arb_arrive(&d->a, &src->stream, &w->job, d->now, deadline,
		       guess(d, ns)))
		abort();
}

static void check(struct drive *d)
{
	const struct arb_stream *streams[512];
	const struct arb_group *groups[64];
	u32 i;

	if (d->each)
		d->each(d);
	if (d->checks++ % CHECK_EVERY || d->nr_src > 512 || d->nr_groups > 64)
		return;
	for (i = 0; i < d->nr_src; i++)
		streams[i] = &d->src[i].stream;
	for (i = 0; i < d->nr_groups; i++)
		groups[i] = &d->groups[i];
	arb_check(&d->a, streams, d->nr_src, groups, d->nr_groups);
}

/* A tile of the job on server @k is over. */
static void end_tile(struct drive *d, u32 k)
{
	struct work *w = d->running[k];
	u64 arrived = w->arrived;
	int ret;

	w->left -= w->tile;
	if (!w->left) {
		d->running[k] = NULL;
		if (arb_done(&d->a, &w->job, w->tile, d->now))
			abort();
		w->next = w->src->free;
		w->src->free = w;
		if (w->src->ended)
			w->src->ended(d, w->src, arrived);
		return;
	}
	ret = arb_tile(&d->a, &w->job, w->tile, d->now);
	if (ret < 0)
		abort();
	if (!ret) {
		run_tile(d, w);
		return;
	}
	d->running[k] = NULL;
	if (arb_yield(&d->a, &w->job, 0, d->now, guess(d, w->left)))
		abort();
}

static void fill(struct drive *d)
{
	u32 k;

	for (k = 0; k < d->servers; k++) {
		struct arb_job *job;

		if (d->running[k])
			continue;
		if (!d->a.waiting) {
			if (arb_pick(&d->a, d->now))
				abort();
			continue;
		}
		job = arb_pick(&d->a, d->now);
		if (!job) {
			fprintf(stderr, "jobs wait, and none is picked\n");
			abort();
		}
		d->running[k] = (struct work *)job;	/* its first member */
		run_tile(d, d->running[k]);
	}
}

static u64 next_event(const struct drive *d)
{
	u64 at = NEVER;
	u32 i;

	for (i = 0; i < d->nr_src; i++)
		if (d->src[i].next_at < at)
			at = d->src[i].next_at;
	for (i = 0; i < d->servers; i++)
		if (d->running[i] && d->running[i]->until < at)
			at = d->running[i]->until;
	return at;
}

static void advance(struct drive *d, u64 to)
{
	u32 i;

	for (i = 0; i < d->servers; i++)
		d->idle_ns += d->running[i] ? 0 : to - d->now;
	d->now = to;
}

void drive_run(struct drive *d, u64 until)
{
	u64 at;
	u32 i;

	while ((at = next_event(d)) <= until) {
		advance(d, at);
		for (i = 0; i < d->nr_src; i++)
			while (d->src[i].next_at <= at)
				d->src[i].arrive(d, &d->src[i]);
		for (i = 0; i < d->servers; i++)
			if (d->running[i] && d->running[i]->until <= at)
				end_tile(d, i);
		fill(d);
		check(d);
	}
	advance(d, until);
}

/* Everything off the device and out of the arbiter, and memory given back. */
void drive_end(struct drive *d)
{
	struct arb_job *job;
	struct work *w;
	u32 i;

	for (i = 0; i < d->servers; i++) {
		if (!d->running[i])
			continue;
		arb_done(&d->a, &d->running[i]->job, 0, d->now);
		free(d->running[i]);
	}
	while ((job = arb_any(&d->a))) {
		if (arb_leave(&d->a, job, d->now))
			abort();
		free(job);
	}
	if (d->a.waiting)
		abort();
	for (i = 0; i < d->nr_src; i++) {
		while ((w = d->src[i].free)) {
			d->src[i].free = w->next;
			free(w);
		}
		if (arb_stream_exit(&d->a, &d->src[i].stream))
			abort();
	}
	for (i = d->nr_groups; i--; )
		if (arb_group_exit(&d->a, &d->groups[i]))
			abort();
}

/* ---- sources ------------------------------------------------------------ */

static void again(struct drive *d, struct source *src, u64 arrived)
{
	drive_arrive(d, src, src->job_ns, 0);
}

static void start_backlog(struct drive *d, struct source *src)
{
	u32 i;

	for (i = 0; i < src->backlog; i++)
		drive_arrive(d, src, src->job_ns, 0);
	src->next_at = NEVER;
}

void source_backlog(struct drive *d, struct source *src)
{
	if (!src->backlog)
		src->backlog = 2;
	src->arrive = start_backlog;
	src->ended = again;
	src->next_at = d->now;
}

static void tick(struct drive *d, struct source *src)
{
	drive_arrive(d, src, src->job_ns, 0);
	src->next_at += src->period;
}

void source_periodic(struct drive *d, struct source *src)
{
	src->arrive = tick;
	if (src->next_at == NEVER)
		src->next_at = d->now;
}
