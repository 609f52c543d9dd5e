// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * The arbiter: streams, jobs, and the order of the classes. See arb.h for what
 * it does; arb_fair.c and arb_rt.c decide within the classes.
 */
#include "arb_internal.h"

#define DEPTH_LIMIT	65536	/* servers */

/* As what a job was picked: the order of the classes. */
enum {
	RANK_REALTIME,
	RANK_FLOOR,	/* background, by its floor */
	RANK_FAIR,
	RANK_SPENT,	/* realtime beyond its budget */
	RANK_IDLE	/* background */
};

/* ---- setting up --------------------------------------------------------- */

void arb_params_default(struct arb_params *params)
{
	memset(params, 0, sizeof(*params));
	params->slice_ns[ARB_NORMAL] = 100000;
	params->slice_ns[ARB_BACKGROUND] = 1000000;
	params->slice_ns[ARB_INTERACTIVE] = 10000;
	params->floor_ppm = 20000;
	params->limit_ppm = 950000;
	params->servers = 1;
}

static bool weight_ok(u32 weight)
{
	return weight >= ARB_MIN_WEIGHT && weight <= ARB_MAX_WEIGHT;
}

static void group_init(struct arb_group *g, struct arb_group *parent,
		       u32 weight)
{
	u32 i;

	memset(g, 0, sizeof(*g));
	for (i = 0; i < ARB_NR_TREES; i++)
		arb_level_init(&g->level[i], parent ? &parent->level[i] : NULL,
			       weight, i == ARB_IDLE);
	g->parent = parent;
	if (parent) {
		g->depth = parent->depth + 1;
		parent->children++;
	}
}

int arb_init(struct arb *a, const struct arb_params *params)
{
	u32 i;

	for (i = 0; i < ARB_NR_CLASSES; i++)
		if (i != ARB_REALTIME && (!params->slice_ns[i] ||
					  params->slice_ns[i] > ARB_MAX_NS))
			return -EINVAL;
	if (!params->servers || params->servers > DEPTH_LIMIT ||
	    params->floor_ppm > ARB_PPM ||
	    params->limit_ppm > ARB_PPM - params->floor_ppm)
		return -EINVAL;
	memset(a, 0, sizeof(*a));
	a->params = *params;
	group_init(&a->root, NULL, ARB_DEFAULT_WEIGHT);
	return 0;
}

int arb_group_init(struct arb *a, struct arb_group *g,
		   struct arb_group *parent, u32 weight)
{
	if (!parent)
		parent = &a->root;
	if (!weight_ok(weight))
		return -EINVAL;
	if (parent->depth + 1 >= ARB_MAX_DEPTH)
		return -E2BIG;
	group_init(g, parent, weight);
	return 0;
}

int arb_group_exit(struct arb *a, struct arb_group *g)
{
	u32 i;

	if (g->children || g == &a->root)
		return -EBUSY;
	for (i = 0; i < ARB_NR_TREES; i++)
		arb_ent_exit(&g->level[i].ent);
	g->parent->children--;
	return 0;
}

int arb_group_set_weight(struct arb *a, struct arb_group *g, u32 weight)
{
	u32 i;

	if (!weight_ok(weight) || g == &a->root)
		return -EINVAL;
	for (i = 0; i < ARB_NR_TREES; i++)
		arb_ent_set_weight(a, &g->level[i].ent, weight);
	return 0;
}

int arb_stream_init(struct arb *a, struct arb_stream *s,
		    struct arb_group *group, enum arb_class cls, u32 weight)
{
	struct arb_level *level;

	if (!group)
		group = &a->root;
	if (!weight_ok(weight) || cls >= ARB_REALTIME)
		return -EINVAL;
	memset(s, 0, sizeof(*s));
	s->group = group;
	s->cls = cls;
	s->mean_ns = a->params.slice_ns[cls];
	level = &group->level[cls == ARB_BACKGROUND ? ARB_IDLE : ARB_FAIR];
	arb_ent_init(&s->ent, level, weight);
	s->ent.urgent = cls == ARB_INTERACTIVE;
	group->children++;
	return 0;
}

int arb_stream_exit(struct arb *a, struct arb_stream *s)
{
	if (arb_stream_busy(s))
		return -EBUSY;
	arb_rt_forget(a, s);
	arb_ent_exit(&s->ent);
	s->group->children--;
	return 0;
}

/* ---- background's floor ------------------------------------------------- */

static bool waits(const struct arb *a, int hierarchy)
{
	return a->root.level[hierarchy].tree.root;
}

/* A slice of it at a time: from when that much is owed until nothing is. */
static void credit(struct arb *a, s64 ns_ppm)
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

/* ---- streams ------------------------------------------------------------ */

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

static void stream_update_one(struct arb *a, struct arb_stream *s, u64 now)
{
	bool queued = stream_queued(s);

	if (s->cls == ARB_REALTIME) {
		arb_rt_update(a, s, queued, now);
		return;
	}
	arb_ent_update(a, &s->ent, queued, queued || s->paying);
	/* Nobody is owed a floor who has nothing to do. */
	if (s->cls == ARB_BACKGROUND && a->credit > 0 &&
	    !a->root.level[ARB_IDLE].nr_active)
		credit(a, -a->credit);
}

/* What waits in it, or what it pays for, has changed. */
static void stream_update(struct arb *a, struct arb_stream *s, u64 now)
{
	u32 i;

	stream_update_one(a, s, now);
	for (i = 0; i < s->nr_borrowed; i++)
		stream_update_one(a, s->borrowed[i]->lender, now);
}

static void push(struct arb *a, struct arb_job *job, bool first)
{
	struct arb_stream *s = job->stream;

	job->next = first ? s->first : NULL;
	job->prev = first ? NULL : s->last;
	*(job->prev ? &job->prev->next : &s->first) = job;
	*(job->next ? &job->next->prev : &s->last) = job;
	job->state = ARB_JOB_WAITING;
	s->waiting++;
	a->waiting++;
}

static void pull(struct arb *a, struct arb_job *job)
{
	struct arb_stream *s = job->stream;

	*(job->prev ? &job->prev->next : &s->first) = job->next;
	*(job->next ? &job->next->prev : &s->last) = job->prev;
	s->waiting--;
	a->waiting--;
}

/* ---- jobs --------------------------------------------------------------- */

static void estimate(struct arb_job *job, u64 est_ns)
{
	struct arb_stream *s = job->stream;

	job->est_ns = arb_min(est_ns ? est_ns : s->mean_ns, ARB_MAX_NS);
	if (s->cls != ARB_REALTIME)
		arb_ent_expect(&s->ent, job->est_ns);
}

/*
 * In advance, so that a device with many jobs at once doesn't take them all
 * from one stream, and so that nobody who comes while a job runs is owed the
 * time before. But not before somebody else is picked or comes: a device with
 * one job at a time has it measured by then. Never from realtime: its budget
 * is no share of anything.
 */
static void charge_ahead(struct arb *a)
{
	struct arb_job *job = a->unpaid;

	if (!job)
		return;
	a->unpaid = NULL;
	job->ahead_ns = job->est_ns;
	arb_ent_charge(a, &job->payer->ent, job->ahead_ns, 0);
	if (job->rank == RANK_FLOOR)
		credit(a, -(s64)(job->ahead_ns * ARB_PPM));
}

int arb_arrive(struct arb *a, struct arb_stream *s, struct arb_job *job,
	       u64 now, u64 deadline, u64 est_ns)
{
	if (job->state != ARB_JOB_OUT)
		return -EBUSY;
	if (!s->ent.active || s->nr_borrowed)
		charge_ahead(a);
	if (!deadline && s->cls == ARB_REALTIME)
		deadline = now + s->server.deadline_ns;
	memset(job, 0, sizeof(*job));
	job->stream = s;
	job->deadline = deadline;
	job->arrived = now;
	estimate(job, est_ns);
	push(a, job, false);
	stream_update(a, s, now);
	return 0;
}

int arb_leave(struct arb *a, struct arb_job *job, u64 now)
{
	if (job->state != ARB_JOB_WAITING)
		return -ENOENT;
	pull(a, job);
	job->state = ARB_JOB_OUT;
	stream_update(a, job->stream, now);
	return 0;
}

/* Whose turn it is, and why. */
static struct arb_stream *choose(struct arb *a, u64 now, u8 *rank)
{
	struct arb_stream *s;

	arb_rt_release(a, now);
	s = arb_rt_stream(arb_tree_first(&a->ready));
	*rank = RANK_REALTIME;
	if (!s && a->floor_due) {
		s = arb_fair_pick(&a->root.level[ARB_IDLE]);
		*rank = RANK_FLOOR;
	}
	if (!s) {
		s = arb_fair_pick(&a->root.level[ARB_FAIR]);
		*rank = RANK_FAIR;
	}
	if (!s) {
		s = arb_rt_stream(arb_tree_first(&a->spent));
		*rank = RANK_SPENT;
	}
	if (!s) {
		s = arb_fair_pick(&a->root.level[ARB_IDLE]);
		*rank = RANK_IDLE;
	}
	return s;
}

/* The job it waits for, if it lends; else its own. */
static struct arb_job *first_job(const struct arb_stream *s)
{
	u32 i;

	for (i = 0; i < s->nr_lent; i++)
		if (s->lent[i]->borrower->waiting)
			return s->lent[i]->borrower->first;
	return s->first;
}

struct arb_job *arb_pick(struct arb *a, u64 now)
{
	struct arb_stream *payer, *s;
	struct arb_job *job;
	u64 waited;
	u8 rank;

	charge_ahead(a);
	payer = choose(a, now, &rank);
	if (!payer)
		return NULL;
	job = first_job(payer);
	s = job->stream;
	pull(a, job);
	job->state = ARB_JOB_RUNNING;
	job->payer = payer;
	job->rank = rank;
	a->running++;
	s->running++;
	payer->paying++;
	stream_update(a, s, now);
	if (payer->cls != ARB_REALTIME)
		a->unpaid = job;
	if (!job->picked) {
		waited = now - job->arrived;
		s->stats.waited += waited;
		if (waited > s->stats.wait_max)
			s->stats.wait_max = waited;
		job->picked = true;
	}
	return job;
}

/* What it ran, for people. */
static void count(struct arb *a, struct arb_job *job, u64 ns)
{
	struct arb_stream *s = job->stream, *payer = job->payer;
	struct arb_group *g;

	s->stats.served += ns;
	s->mean_ns = s->mean_ns - s->mean_ns / 8 + ns / 8;
	a->served[payer->cls] += ns;
	for (g = payer->group; g; g = g->parent)
		g->served[payer->cls] += ns;
}

/* It ran @ns: whoever pays, pays. */
static void settle(struct arb *a, struct arb_job *job, u64 ns, u64 now)
{
	struct arb_stream *payer = job->payer;
	s64 more;

	ns = arb_min(ns, ARB_MAX_NS);
	count(a, job, ns);
	if (a->unpaid == job)
		a->unpaid = NULL;
	more = ns - job->ahead_ns;
	job->ahead_ns = 0;
	if (job->rank == RANK_REALTIME) {
		arb_rt_charge(payer, ns, now);
		arb_rt_update(a, payer, stream_queued(payer), now);
	} else if (job->rank != RANK_SPENT && ns) {
		arb_ent_charge(a, &payer->ent, more, ns);
	}
	if (job->rank == RANK_FLOOR)
		credit(a, -more * ARB_PPM);
	else if (payer->cls != ARB_BACKGROUND && waits(a, ARB_IDLE))
		credit(a, ns * a->params.floor_ppm);
}

/* Budgets end and are renewed, floors are paid, while a job runs. */
static void update_rank(const struct arb *a, struct arb_job *job, u64 now)
{
	const struct arb_stream *payer = job->payer;

	if (payer->cls == ARB_REALTIME)
		job->rank = payer->server.release > now ? RANK_SPENT :
							  RANK_REALTIME;
	else if (payer->cls == ARB_BACKGROUND)
		job->rank = a->floor_due ? RANK_FLOOR : RANK_IDLE;
}

/* Is one of the waiting realtime jobs due before this one? */
static bool earlier_due(const struct arb_stream *first,
			const struct arb_job *job)
{
	u64 due = job->payer->server.deadline;

	if (job->payer == job->stream && job->deadline > due)
		due = job->deadline;
	return first->server.node.key < due;
}

bool arb_should_yield(struct arb *a, const struct arb_job *job, u64 now)
{
	struct arb_stream *first;

	if (job->state != ARB_JOB_RUNNING)
		return false;
	charge_ahead(a);
	arb_rt_release(a, now);
	first = arb_rt_stream(arb_tree_first(&a->ready));
	if (first)
		return job->rank != RANK_REALTIME || earlier_due(first, job);
	if (job->rank == RANK_REALTIME)
		return false;
	if (job->rank != RANK_FLOOR && a->floor_due && waits(a, ARB_IDLE))
		return true;
	if (job->rank > RANK_FAIR && waits(a, ARB_FAIR))
		return true;
	if (job->rank > RANK_SPENT && a->spent.root)
		return true;
	return job->rank != RANK_SPENT && arb_fair_beaten(a, &job->payer->ent);
}

int arb_tile(struct arb *a, struct arb_job *job, u64 ns, u64 now)
{
	if (job->state != ARB_JOB_RUNNING)
		return -EINVAL;
	settle(a, job, ns, now);
	update_rank(a, job, now);
	return arb_should_yield(a, job, now);
}

/* It is off the device. */
static void stop(struct arb *a, struct arb_job *job, u64 now)
{
	struct arb_stream *s = job->stream, *payer = job->payer;

	a->running--;
	s->running--;
	payer->paying--;
	stream_update(a, s, now);
	if (payer != s)
		stream_update_one(a, payer, now);
}

int arb_yield(struct arb *a, struct arb_job *job, u64 ns, u64 now, u64 est_ns)
{
	struct arb_stream *s = job->stream;

	if (job->state != ARB_JOB_RUNNING)
		return -EINVAL;
	settle(a, job, ns, now);
	estimate(job, est_ns);
	s->stats.yields++;
	push(a, job, true);
	/* before it stops: a stream whose job was interrupted doesn't wake */
	stream_update(a, s, now);
	stop(a, job, now);
	return 0;
}

int arb_done(struct arb *a, struct arb_job *job, u64 ns, u64 now)
{
	struct arb_stats *stats;
	u64 late;

	if (job->state != ARB_JOB_RUNNING)
		return -EINVAL;
	settle(a, job, ns, now);
	job->state = ARB_JOB_OUT;
	stop(a, job, now);
	stats = &job->stream->stats;
	stats->done++;
	if (job->deadline && now > job->deadline) {
		late = now - job->deadline;
		stats->misses++;
		if (late > stats->late_max)
			stats->late_max = late;
	}
	return 0;
}

/* ---- inheritance -------------------------------------------------------- */

int arb_lend(struct arb *a, struct arb_loan *loan, struct arb_stream *lender,
	     struct arb_stream *borrower, u64 now)
{
	if (lender == borrower)
		return -EINVAL;
	if (lender->nr_lent == ARB_MAX_LOANS ||
	    borrower->nr_borrowed == ARB_MAX_LOANS)
		return -ENOSPC;
	charge_ahead(a);
	loan->lender = lender;
	loan->borrower = borrower;
	lender->lent[lender->nr_lent++] = loan;
	borrower->borrowed[borrower->nr_borrowed++] = loan;
	stream_update_one(a, lender, now);
	return 0;
}

static void drop(struct arb_loan **list, u32 *nr, const struct arb_loan *loan)
{
	u32 i = 0;

	while (list[i] != loan)
		i++;
	list[i] = list[--*nr];
}

void arb_unlend(struct arb *a, struct arb_loan *loan, u64 now)
{
	struct arb_stream *lender = loan->lender;

	drop(lender->lent, &lender->nr_lent, loan);
	drop(loan->borrower->borrowed, &loan->borrower->nr_borrowed, loan);
	stream_update_one(a, lender, now);
}
