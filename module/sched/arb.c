// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * The arbiter: what callers call. See arb.h for what it does; arb_share.c has
 * the order of the classes, arb_fair.c and arb_rt.c decide within them.
 */
#include "arb_internal.h"

#define DEPTH_LIMIT	65536	/* servers */

/* What who is alone goes through is small if it isn't made part of what is large. */
#define APART		__attribute__((__noinline__))

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

static void group_init(struct arb *a, struct arb_group *g,
		       struct arb_group *parent, u32 weight)
{
	const u64 *slice = a->params.slice_ns;

	memset(g, 0, sizeof(*g));
	arb_level_init(a, &g->level[ARB_FAIR],
		       parent ? &parent->level[ARB_FAIR] : NULL, weight,
		       slice[ARB_NORMAL], slice[ARB_INTERACTIVE]);
	arb_level_init(a, &g->level[ARB_IDLE],
		       parent ? &parent->level[ARB_IDLE] : NULL, weight,
		       slice[ARB_BACKGROUND], slice[ARB_BACKGROUND]);
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
	group_init(a, &a->root, NULL, ARB_DEFAULT_WEIGHT);
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
	group_init(a, g, parent, weight);
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
		arb_ent_set_weight(&g->level[i].ent, weight);
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
	s->plain = true;
	s->mean_ns = a->params.slice_ns[cls];
	level = &group->level[cls == ARB_BACKGROUND ? ARB_IDLE : ARB_FAIR];
	arb_ent_init(&s->ent, level, weight);
	s->ent.urgent = cls == ARB_INTERACTIVE;
	s->ent.was_urgent = s->ent.urgent;
	group->children++;
	return 0;
}

int arb_stream_exit(struct arb *a, struct arb_stream *s)
{
	if (arb_stream_busy(s))
		return -EBUSY;
	if (a->alone == s)
		a->alone = NULL;
	arb_stream_forgo(a, s);
	arb_ent_exit(&s->ent);
	s->group->children--;
	return 0;
}

/* ---- streams ------------------------------------------------------------ */

/* What waits in it, or what it pays for, has changed. */
static inline void stream_update(struct arb *a, struct arb_stream *s, u64 now)
{
	if (s == a->alone)
		return;
	arb_stream_update(a, s, now);
	if (s->nr_borrowed)
		arb_lenders_update(a, s, now);
}

static __always_inline void push_last(struct arb *a, struct arb_job *job)
{
	struct arb_stream *s = job->stream;

	job->next = NULL;
	job->prev = s->last;
	if (s->last)
		s->last->next = job;
	else
		s->first = job;
	s->last = job;
	job->state = ARB_JOB_WAITING;
	s->waiting++;
	a->waiting++;
}

static void push_first(struct arb *a, struct arb_job *job)
{
	struct arb_stream *s = job->stream;

	job->next = s->first;
	job->prev = NULL;
	if (s->first)
		s->first->prev = job;
	else
		s->last = job;
	s->first = job;
	job->state = ARB_JOB_WAITING;
	s->waiting++;
	a->waiting++;
}

/* The first one of its stream. */
static __always_inline void pull_first(struct arb *a, struct arb_job *job)
{
	struct arb_stream *s = job->stream;

	s->first = job->next;
	if (s->first)
		s->first->prev = NULL;
	else
		s->last = NULL;
	s->waiting--;
	a->waiting--;
}

static void pull(struct arb *a, struct arb_job *job)
{
	struct arb_stream *s = job->stream;

	if (job->prev)
		job->prev->next = job->next;
	else
		s->first = job->next;
	if (job->next)
		job->next->prev = job->prev;
	else
		s->last = job->prev;
	s->waiting--;
	a->waiting--;
}

/* ---- jobs --------------------------------------------------------------- */

static __always_inline u64 estimate(const struct arb_stream *s, u64 est_ns)
{
	return arb_min(est_ns ? est_ns : s->mean_ns, ARB_MAX_NS);
}

/* @s, which isn't alone, is about to have one more job. */
static __always_inline void meet(struct arb *a, struct arb_stream *s, u64 now)
{
	if (a->alone || !(a->waiting | a->running))
		arb_meet(a, s, now);
	if (a->unpaid && s != a->alone && (!s->ent.active || s->nr_borrowed))
		arb_charge_ahead(a);
}

/* A job comes; it neither waits nor runs yet. */
static __always_inline void begin(struct arb_stream *s, struct arb_job *job,
				  u64 now, u64 deadline, u64 est_ns)
{
	if (!deadline && s->cls == ARB_REALTIME)
		deadline = now + s->server.deadline_ns;
	job->stream = s;
	job->deadline = deadline;
	job->arrived = now;
	job->est_ns = estimate(s, est_ns);
	job->ahead_ns = 0;
	job->picked = false;
}

static APART int arrive_alone(struct arb *a, struct arb_stream *s,
			      struct arb_job *job, u64 now, u64 deadline,
			      u64 est_ns)
{
	begin(s, job, now, deadline, est_ns);
	push_last(a, job);
	return 0;
}

static APART int arrive_among(struct arb *a, struct arb_stream *s,
			      struct arb_job *job, u64 now, u64 deadline,
			      u64 est_ns)
{
	meet(a, s, now);
	begin(s, job, now, deadline, est_ns);
	push_last(a, job);
	if (!s->plain)
		stream_update(a, s, now);
	else if (!s->ent.queued && s != a->alone)
		arb_ent_queue(&s->ent, s->first->est_ns);
	return 0;
}

int arb_arrive(struct arb *a, struct arb_stream *s, struct arb_job *job,
	       u64 now, u64 deadline, u64 est_ns)
{
	if (job->state != ARB_JOB_OUT)
		return -EBUSY;
	if (s == a->alone)
		return arrive_alone(a, s, job, now, deadline, est_ns);
	return arrive_among(a, s, job, now, deadline, est_ns);
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

struct arb_job *arb_any(const struct arb *a)
{
	const struct arb_tree *rt = a->ready.first ? &a->ready : &a->spent;
	u32 i;

	if (a->alone)
		return a->alone->first;
	if (rt->first)
		return arb_first_job(arb_rt_stream(rt->first));
	for (i = 0; i < ARB_NR_TREES; i++)
		if (arb_waits(a, i))
			return arb_first_job(arb_fair_any(&a->root.level[i]));
	return NULL;
}

/* A job goes to the device; its payer and rank are set. */
static __always_inline void launch(struct arb *a, struct arb_job *job, u64 now)
{
	struct arb_stream *s = job->stream, *payer = job->payer;
	u64 waited;

	job->state = ARB_JOB_RUNNING;
	a->running++;
	s->running++;
	payer->paying++;
	if (payer->cls != ARB_REALTIME)
		a->unpaid = job;
	if (!job->picked) {
		waited = now - job->arrived;
		s->stats.waited += waited;
		if (waited > s->stats.wait_max)
			s->stats.wait_max = waited;
		job->picked = true;
	}
}

/* The same for who may not be alone. */
static __always_inline void give(struct arb *a, struct arb_job *job, u64 now)
{
	struct arb_stream *s = job->stream;

	launch(a, job, now);
	if (!s->plain)
		stream_update(a, s, now);
	else if (!s->waiting && s != a->alone)
		arb_ent_run(&s->ent);
}

static APART struct arb_job *pick_alone(struct arb *a, u64 now)
{
	struct arb_stream *s = a->alone;
	struct arb_job *job = s->first;

	if (a->unpaid)
		arb_charge_ahead(a);
	job->payer = s;
	job->rank = s->cls == ARB_BACKGROUND ? ARB_RANK_IDLE : ARB_RANK_FAIR;
	pull_first(a, job);
	launch(a, job, now);
	return job;
}

static APART struct arb_job *pick_among(struct arb *a, u64 now)
{
	struct arb_stream *payer;
	struct arb_job *job;
	u8 rank;

	if (a->unpaid)
		arb_charge_ahead(a);
	job = arb_choose(a, now, &payer, &rank);
	if (!job)
		return NULL;
	job->payer = payer;
	job->rank = rank;
	pull_first(a, job);
	give(a, job, now);
	return job;
}

struct arb_job *arb_pick(struct arb *a, u64 now)
{
	if (!a->waiting)
		return NULL;
	return a->alone ? pick_alone(a, now) : pick_among(a, now);
}

/* It ran @ns. Return: what wasn't charged in advance. */
static __always_inline s64 account(struct arb *a, struct arb_job *job, u64 ns)
{
	struct arb_stream *s = job->stream, *payer = job->payer;
	struct arb_group *g;
	s64 more = ns - job->ahead_ns;

	s->stats.served += ns;
	s->mean_ns += ns / 8 - s->mean_ns / 8;
	a->served[payer->cls] += ns;
	for (g = payer->group; g; g = g->parent)
		g->served[payer->cls] += ns;

	if (a->unpaid == job)
		a->unpaid = NULL;
	job->ahead_ns = 0;
	return more;
}

/* The same of who doesn't compete, and pays nothing. */
static __always_inline void settle_alone(struct arb *a, struct arb_job *job,
					 u64 ns)
{
	struct arb_ent *ent = &job->payer->ent;

	ns = arb_min(ns, ARB_MAX_NS);
	account(a, job, ns);
	arb_note_longest(&ent->longest[ent->urgent], ns);
}

static __always_inline void settle(struct arb *a, struct arb_job *job, u64 ns,
				   u64 now)
{
	if (job->payer == a->alone) {
		settle_alone(a, job, ns);
		return;
	}
	ns = arb_min(ns, ARB_MAX_NS);
	arb_charge(a, job, ns, account(a, job, ns), now);
}

/* Budgets end and are renewed, floors are paid, while a job runs. */
static void update_rank(const struct arb *a, struct arb_job *job, u64 now)
{
	const struct arb_stream *payer = job->payer;

	if (payer->cls == ARB_REALTIME)
		job->rank = payer->server.release > now ? ARB_RANK_SPENT :
							  ARB_RANK_REALTIME;
	else if (payer->cls == ARB_BACKGROUND)
		job->rank = a->floor_due ? ARB_RANK_FLOOR : ARB_RANK_IDLE;
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

	if (job->state != ARB_JOB_RUNNING || a->alone)
		return false;
	arb_charge_ahead(a);
	arb_rt_release(a, now);
	first = arb_rt_stream(a->ready.first);
	if (first)
		return job->rank != ARB_RANK_REALTIME || earlier_due(first, job);
	if (job->rank == ARB_RANK_REALTIME)
		return false;
	if (job->rank != ARB_RANK_FLOOR && a->floor_due && arb_waits(a, ARB_IDLE))
		return true;
	if (job->rank > ARB_RANK_FAIR && arb_waits(a, ARB_FAIR))
		return true;
	if (job->rank > ARB_RANK_SPENT && a->spent.root)
		return true;
	return job->rank != ARB_RANK_SPENT && arb_fair_beaten(&job->payer->ent);
}

int arb_start(struct arb *a, struct arb_stream *s, struct arb_job *job,
	      u64 now, u64 deadline, u64 est_ns)
{
	if (job->state != ARB_JOB_OUT)
		return -EBUSY;
	if (s != a->alone)
		meet(a, s, now);
	begin(s, job, now, deadline, est_ns);
	arb_charge_ahead(a);
	job->payer = s;
	job->rank = ARB_RANK_FAIR;
	if (s->cls == ARB_REALTIME)
		arb_rt_wake(s, now);
	else if (s != a->alone)
		arb_ent_take(&s->ent, job->est_ns);
	update_rank(a, job, now);
	give(a, job, now);
	return 0;
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
static __always_inline void land(struct arb *a, const struct arb_job *job)
{
	a->running--;
	job->stream->running--;
	job->payer->paying--;
}

/* The same for who may not be alone. */
static __always_inline void stop(struct arb *a, struct arb_job *job, u64 now)
{
	struct arb_stream *s = job->stream, *payer = job->payer;

	land(a, job);
	if (!s->plain)
		stream_update(a, s, now);
	else if (!(s->waiting | s->paying) && s->ent.active)
		stream_rests(a, s);
	if (payer != s)
		arb_stream_update(a, payer, now);
}

int arb_yield(struct arb *a, struct arb_job *job, u64 ns, u64 now, u64 est_ns)
{
	struct arb_stream *s = job->stream;

	if (job->state != ARB_JOB_RUNNING)
		return -EINVAL;
	settle(a, job, ns, now);
	job->est_ns = estimate(s, est_ns);
	s->stats.yields++;
	push_first(a, job);
	/* before it stops: a stream whose job was interrupted doesn't wake */
	stream_update(a, s, now);
	stop(a, job, now);
	return 0;
}

static __always_inline void end(struct arb_job *job, u64 now)
{
	struct arb_stats *stats = &job->stream->stats;
	u64 late;

	job->state = ARB_JOB_OUT;
	stats->done++;
	if (job->deadline && now > job->deadline) {
		late = now - job->deadline;
		stats->misses++;
		if (late > stats->late_max)
			stats->late_max = late;
	}
}

static APART int done_alone(struct arb *a, struct arb_job *job, u64 ns, u64 now)
{
	settle_alone(a, job, ns);
	land(a, job);
	end(job, now);
	return 0;
}

static APART int done_among(struct arb *a, struct arb_job *job, u64 ns, u64 now)
{
	settle(a, job, ns, now);
	stop(a, job, now);
	end(job, now);
	return 0;
}

int arb_done(struct arb *a, struct arb_job *job, u64 ns, u64 now)
{
	if (job->state != ARB_JOB_RUNNING)
		return -EINVAL;
	if (job->payer == a->alone)
		return done_alone(a, job, ns, now);
	return done_among(a, job, ns, now);
}

/* ---- inheritance -------------------------------------------------------- */

static void is_plain(struct arb_stream *s)
{
	s->plain = s->cls != ARB_REALTIME && !s->nr_lent && !s->nr_borrowed;
}

int arb_lend(struct arb *a, struct arb_loan *loan, struct arb_stream *lender,
	     struct arb_stream *borrower, u64 now)
{
	if (lender == borrower)
		return -EINVAL;
	if (lender->nr_lent == ARB_MAX_LOANS ||
	    borrower->nr_borrowed == ARB_MAX_LOANS)
		return -ENOSPC;
	if (a->alone)
		arb_end_alone(a, now);
	arb_charge_ahead(a);
	loan->lender = lender;
	loan->borrower = borrower;
	lender->lent[lender->nr_lent++] = loan;
	borrower->borrowed[borrower->nr_borrowed++] = loan;
	is_plain(lender);
	is_plain(borrower);
	arb_stream_update(a, lender, now);
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
	is_plain(lender);
	is_plain(loan->borrower);
	arb_stream_update(a, lender, now);
}
