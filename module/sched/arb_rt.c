// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Realtime: EDF among constant-bandwidth servers, and who is admitted.
 *
 * A server's (release, deadline, budget) says: from release on, budget ns may
 * be had, and will be by deadline. Budgets are above 0 at all times: one that
 * is used up is replaced by the next period's right away, which then lies in
 * the future.
 */
#include "arb_internal.h"

/* Periods that an overrun may cost at most: 2 years, and no overflow. */
#define MAX_DEBT	16777216ULL

/* ---- admission ---------------------------------------------------------- */

static u32 largest(const struct arb *a)
{
	struct arb_node *n = arb_tree_last(&a->admitted);

	return n ? n->key : 0;
}

u32 arb_rt_left(u64 m, u64 l, u64 s, u64 u)
{
	u64 room = l * (m * ARB_PPM - (m - 1) * u) / ARB_PPM;
	u64 x = room > s ? room - s : 0;

	if (x > u) {
		/* It would be the largest one itself */
		room = l * m - s;
		x = room * ARB_PPM / (ARB_PPM + l * (m - 1));
		if (x < u)
			x = u;
	}
	return arb_min(x, l);
}

static u32 most(const struct arb *a)
{
	return arb_rt_left(a->params.servers, a->params.limit_ppm, a->density,
			   largest(a));
}

static void admit(struct arb *a, struct arb_server *srv)
{
	srv->admitted.key = srv->density;
	srv->hurried.key = srv->deadline_ns;
	arb_tree_insert(&a->admitted, &srv->admitted);
	arb_tree_insert(&a->hurried, &srv->hurried);
	a->density += srv->density;
}

void arb_stream_forgo(struct arb *a, struct arb_stream *s)
{
	if (s->cls != ARB_REALTIME || !s->server.density)
		return;
	arb_tree_erase(&s->server.admitted);
	arb_tree_erase(&s->server.hurried);
	a->density -= s->server.density;
	s->server.density = 0;
}

u64 arb_tolerance(const struct arb *a)
{
	u32 m = a->params.servers;
	u64 share = (a->density + m - 1) / m;

	if (!a->hurried.first)
		return ~0ULL;
	return a->hurried.first->key * (ARB_PPM - arb_min(share, ARB_PPM)) /
	       ARB_PPM;
}

int arb_stream_set_realtime(struct arb *a, struct arb_stream *s,
			    u64 runtime_ns, u64 period_ns, u64 deadline_ns,
			    u32 *left_ppm)
{
	struct arb_server *srv = &s->server;
	u32 had, density, left;

	if (!deadline_ns)
		deadline_ns = period_ns;
	if (!runtime_ns || runtime_ns > deadline_ns ||
	    deadline_ns > period_ns || period_ns > ARB_MAX_PERIOD_NS)
		return -EINVAL;
	if (arb_stream_busy(s))
		return -EBUSY;
	/* up, so that a sum never says less than was promised */
	density = (runtime_ns * ARB_PPM + deadline_ns - 1) / deadline_ns;
	had = s->cls == ARB_REALTIME ? srv->density : 0;
	arb_stream_forgo(a, s);
	left = most(a);
	if (density > left) {
		srv->density = had;
		if (had)
			admit(a, srv);
		if (left_ppm)
			*left_ppm = left;
		return -ENOSPC;
	}
	if (a->alone == s)
		a->alone = NULL;
	arb_ent_exit(&s->ent);
	memset(srv, 0, sizeof(*srv));
	srv->runtime_ns = runtime_ns;
	srv->period_ns = period_ns;
	srv->deadline_ns = deadline_ns;
	srv->density = density;
	srv->budget = runtime_ns;
	s->cls = ARB_REALTIME;
	s->plain = false;
	s->mean_ns = runtime_ns;
	admit(a, srv);
	return 0;
}

/* ---- servers ------------------------------------------------------------ */

/*
 * A stream that slept has work. It keeps what it has if it can use that up by
 * the deadline without passing its density; if the deadline is nearer or over,
 * a full budget due one relative deadline from now is no more than its density
 * either. A budget that was used up stays that until the next release.
 *
 * The products fit: no factor has more than 32 bits (ARB_MAX_PERIOD_NS).
 */
static void arb_rt_wake(struct arb_stream *s, u64 now)
{
	struct arb_server *srv = &s->server;

	if (srv->state != ARB_SRV_IDLE || s->paying || srv->release > now)
		return;
	if (srv->deadline > now &&
	    srv->budget * srv->deadline_ns <=
	    (srv->deadline - now) * srv->runtime_ns)
		return;
	srv->release = now;
	srv->deadline = now + srv->deadline_ns;
	srv->budget = srv->runtime_ns;
}

/* A deadline that is over before the budget could be used is no deadline. */
static void not_too_late(struct arb_server *srv, u64 now)
{
	if (srv->deadline > now)
		return;
	srv->release = now;
	srv->deadline = now + srv->deadline_ns;
}

/* What orders it. A job may say that it isn't needed before some later time. */
static u64 due(const struct arb_stream *s)
{
	u64 own = s->first ? s->first->deadline : 0;

	return own > s->server.deadline ? own : s->server.deadline;
}

/* Put its server where it belongs. @queued: it has something waiting. */
static void arb_rt_update(struct arb *a, struct arb_stream *s, bool queued, u64 now)
{
	struct arb_server *srv = &s->server;

	if (srv->state == ARB_SRV_IDLE && !queued)
		return;
	if (srv->state == ARB_SRV_IDLE)
		arb_rt_wake(s, now);
	else
		arb_tree_erase(&srv->node);

	srv->state = ARB_SRV_IDLE;
	if (queued && srv->release > now) {
		srv->state = ARB_SRV_SPENT;
		srv->node.key = srv->release;
		arb_tree_insert(&a->spent, &srv->node);
	} else if (queued) {
		srv->state = ARB_SRV_READY;
		srv->node.key = due(s);
		arb_tree_insert(&a->ready, &srv->node);
	}
}

/* Device time from the budget. The caller goes on with arb_rt_update(). */
static void arb_rt_charge(struct arb_stream *s, u64 ns, u64 now)
{
	struct arb_server *srv = &s->server;
	u64 periods;

	srv->budget -= ns;
	if (srv->budget > 0)
		return;
	s->stats.overruns += srv->budget < 0;
	periods = -srv->budget / srv->runtime_ns + 1;
	if (periods > MAX_DEBT)
		periods = MAX_DEBT;
	srv->budget += periods * srv->runtime_ns;
	if (srv->budget <= 0)
		srv->budget = srv->runtime_ns;
	if (srv->release < now + MAX_DEBT * ARB_MAX_PERIOD_NS)
		srv->release += periods * srv->period_ns;
	srv->deadline = srv->release + srv->deadline_ns;
	not_too_late(srv, now);
}

/* Those whose next period has begun have a budget again. */
static void arb_rt_release(struct arb *a, u64 now)
{
	struct arb_stream *s = arb_rt_stream(a->spent.first);

	while (s && s->server.release <= now) {
		not_too_late(&s->server, now);
		arb_rt_update(a, s, true, now);
		s = arb_rt_stream(a->spent.first);
	}
}
