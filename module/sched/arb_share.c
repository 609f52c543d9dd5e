// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * The arbiter: streams that compete. Whose turn it is, in the order of the
 * classes, and who pays for what ran. (What one that is alone needs is in
 * arb.c, and nothing else is in its way there.)
 */
#include "arb_internal.h"

#define MOST_TRIES	8	/* of a pick */

/* A slice of it at a time: from when that much is owed until nothing is. */
static __always_inline void credit(struct arb *a, s64 ns_ppm)
{
	const s64 most = ARB_MAX_NS * ARB_PPM;

	a->credit += ns_ppm;
	if (a->credit > most)
		a->credit = most;
	if (a->credit < -most)
		a->credit = -most;
	if (a->credit <= 0)
		a->floor_due = false;
	else if (a->credit >= (s64)a->params.slice_ns[ARB_BACKGROUND] * ARB_PPM)
		a->floor_due = true;
}

/* Has it a job to run at its turn: its own, or one of those it lends to? */
static bool stream_queued(const struct arb_stream *s)
{
	u32 i;

	if (s->waiting)
		return true;
	for (i = 0; i < s->nr_lent; i++)
		if (s->lent[i]->borrower->waiting)
			return true;
	return false;
}

/* The job it waits for, if it lends; else its own. */
static struct arb_job *arb_first_job(const struct arb_stream *s)
{
	u32 i;

	for (i = 0; i < s->nr_lent; i++)
		if (s->lent[i]->borrower->waiting)
			return s->lent[i]->borrower->first;
	return s->first;
}

static __always_inline void stream_rests(struct arb *a, struct arb_stream *s)
{
	arb_ent_rest(&s->ent);
	/* Nobody is owed a floor who has nothing to do. */
	if (s->cls == ARB_BACKGROUND && a->credit > 0 &&
	    !a->root.level[ARB_IDLE].nr_active)
		credit(a, -a->credit);
}

/*
 * A stream may have come to have something waiting or running, or not to have
 * it any more.
 */
static void arb_stream_update(struct arb *a, struct arb_stream *s, u64 now)
{
	bool queued = stream_queued(s);

	if (s->cls == ARB_REALTIME) {
		arb_rt_update(a, s, queued, now);
		return;
	}
	if (queued) {
		if (!s->ent.queued)
			arb_ent_queue(&s->ent, arb_first_job(s)->est_ns);
		return;
	}
	if (!s->ent.queued && s->ent.active == !!s->paying)
		return;
	if (s->paying)
		arb_ent_run(&s->ent);
	else
		stream_rests(a, s);
}

static void arb_lenders_update(struct arb *a, struct arb_stream *s, u64 now)
{
	u32 i;

	for (i = 0; i < s->nr_borrowed; i++)
		arb_stream_update(a, s->borrowed[i]->lender, now);
}

/*
 * In advance, so that a device with many jobs at once doesn't take them all
 * from one stream, and so that nobody who comes while a job runs is owed the
 * time before. But not before somebody else is picked or comes: a device with
 * one job at a time has it measured by then. Never from realtime: its budget
 * is no share of anything.
 */
static void arb_charge_ahead(struct arb *a)
{
	struct arb_job *job = a->unpaid;

	if (!job)
		return;
	a->unpaid = NULL;
	job->ahead_ns = job->est_ns;
	if (job->payer == a->alone)
		return;
	arb_ent_charge(&job->payer->ent, job->ahead_ns, 0);
	if (job->rank == ARB_RANK_FLOOR)
		credit(a, -(s64)(job->ahead_ns * ARB_PPM));
}

/*
 * If all that waits or runs is one stream's, there is nothing to share: V would
 * advance just as its own time does. So it doesn't compete, until somebody else
 * has something to do; then it begins to, with the jobs that it has.
 */
static void arb_end_alone(struct arb *a, u64 now)
{
	struct arb_stream *s = a->alone;

	a->alone = NULL;
	arb_ent_take(&s->ent, s->ent.longest[s->ent.urgent]);
	arb_stream_update(a, s, now);
}

/* A job comes to @s, which isn't alone yet: is it now? */
static void arb_meet(struct arb *a, struct arb_stream *s, u64 now)
{
	if (!(a->waiting | a->running) && s->cls != ARB_REALTIME &&
	    !s->nr_lent && !s->nr_borrowed) {
		a->alone = s;
		return;
	}
	if (a->alone)
		arb_end_alone(a, now);
}

/* Whose turn it is in a hierarchy. Each has to stand in line for its job. */
static __always_inline struct arb_job *fair_pick(struct arb *a, int hierarchy,
						 struct arb_stream **payer)
{
	struct arb_level *root = &a->root.level[hierarchy];
	u32 tries = MOST_TRIES;
	struct arb_job *job;

	do {
		*payer = arb_fair_pick(root);
		job = arb_first_job(*payer);
	} while (!arb_ent_take(&(*payer)->ent, job->est_ns) && --tries);
	return job;
}

static struct arb_job *rt_pick(const struct arb_tree *tree,
			       struct arb_stream **payer)
{
	*payer = arb_rt_stream(tree->first);
	return arb_first_job(*payer);
}

/* Whose turn it is, at whose cost, and why; something waits. */
static __always_inline struct arb_job *arb_choose(struct arb *a, u64 now,
						  struct arb_stream **payer,
						  u8 *rank)
{
	if (a->spent.first)
		arb_rt_release(a, now);
	if (a->ready.first) {
		*rank = ARB_RANK_REALTIME;
		return rt_pick(&a->ready, payer);
	}
	if (a->floor_due && arb_waits(a, ARB_IDLE)) {
		*rank = ARB_RANK_FLOOR;
		return fair_pick(a, ARB_IDLE, payer);
	}
	if (arb_waits(a, ARB_FAIR)) {
		*rank = ARB_RANK_FAIR;
		return fair_pick(a, ARB_FAIR, payer);
	}
	if (a->spent.first) {
		*rank = ARB_RANK_SPENT;
		return rt_pick(&a->spent, payer);
	}
	*rank = ARB_RANK_IDLE;
	return arb_waits(a, ARB_IDLE) ? fair_pick(a, ARB_IDLE, payer) : NULL;
}

/* Who competes pays: @more than was charged in advance. */
static __always_inline void arb_charge(struct arb *a, const struct arb_job *job,
				       u64 ns, s64 more, u64 now)
{
	struct arb_stream *payer = job->payer;

	if (job->rank == ARB_RANK_REALTIME) {
		arb_rt_charge(payer, ns, now);
		arb_rt_update(a, payer, stream_queued(payer), now);
	} else if (job->rank != ARB_RANK_SPENT && ns) {
		arb_ent_charge(&payer->ent, more, ns);
	}
	if (job->rank == ARB_RANK_FLOOR)
		credit(a, -more * ARB_PPM);
	else if (payer->cls != ARB_BACKGROUND && arb_waits(a, ARB_IDLE))
		credit(a, ns * a->params.floor_ppm);
}
