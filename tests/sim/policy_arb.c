// SPDX-License-Identifier: LGPL-2.1-or-later
/* The arbiter of module/sched, as the engine sees it. */
#include <stdlib.h>

#include "sim.h"

#define INTERACTIVE_NS	MSEC	/* as the module's parameter by default */

#define OF(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

/* Whatever the arbiter refuses here, the simulator has done wrong. */
static void must(int ret, const char *what)
{
	if (ret < 0) {
		fprintf(stderr, "sim: %s: %s\n", what, strerror(-ret));
		abort();
	}
}

static void dev_add(struct device *d)
{
	struct arb_params p = d->w->arb_params;

	p.servers = d->parallel;
	must(arb_init(&d->arb, &p), "arb_init");
	window_init(&d->window, d->depth, d->parallel);
}

static void group_add(struct dgroup *g, u64 now)
{
	must(arb_group_init(&g->dev->arb, &g->arb, g->parent ? &g->parent->arb : NULL,
			    g->group->weight), "arb_group_init");
}

static void group_weight(struct dgroup *g, u64 now)
{
	must(arb_group_set_weight(&g->dev->arb, &g->arb, g->group->weight),
	     "arb_group_set_weight");
}

static int stream_add(struct stream *s, u64 now)
{
	const struct qspec *sp = s->queue->spec;
	struct device *d = s->dev;
	bool rt = sp->qos == ARB_REALTIME;
	int ret;

	must(arb_stream_init(&d->arb, &s->arb, &s->group->arb,
			     rt ? ARB_NORMAL : sp->qos, ARB_DEFAULT_WEIGHT),
	     "arb_stream_init");
	if (!rt)
		return 0;
	ret = arb_stream_set_realtime(&d->arb, &s->arb, sp->runtime, sp->period,
				      sp->deadline, NULL);
	window_realtime(&d->window, arb_tolerance(&d->arb));
	return ret;
}

static u64 estimate(const struct device *d, const struct job *j)
{
	return d->tile && d->tile < j->est ? d->tile : j->est;
}

static void ready(struct stream *s, struct job *j, u64 now)
{
	struct device *d = s->dev;

	if (j->arb.state == ARB_JOB_OUT)
		must(arb_arrive(&d->arb, &s->arb, &j->arb, now, j->deadline,
				estimate(d, j)), "arb_arrive");
	if (s->arb.cls == ARB_INTERACTIVE && !d->arb.alone)
		window_interactive(&d->window, INTERACTIVE_NS, now);
}

static struct stream *pick(struct device *d, u64 now)
{
	struct arb_job *aj = arb_pick(&d->arb, now);
	struct job *j;

	if (!aj)
		return NULL;
	j = OF(aj, struct job, arb);
	if (j != j->stream->head) {
		fputs("sim: arb_pick: not the first job of its stream\n", stderr);
		abort();
	}
	j->strange = !j->stream->arb.stats.done;
	if (j->strange)
		window_stranger(&d->window);
	return j->stream;
}

static bool tile(struct stream *s, struct job *j, u64 ns, u64 now)
{
	int ret = arb_tile(&s->dev->arb, &j->arb, ns, now);

	must(ret, "arb_tile");
	return ret;
}

static void ran(struct stream *s, struct job *j, u64 ns, bool done, u64 now)
{
	if (j->strange)
		window_no_stranger(&s->dev->window);
	j->strange = false;
	if (done) {
		must(arb_done(&s->dev->arb, &j->arb, ns, now), "arb_done");
		window_ran(&s->dev->window, j->stretch);
	} else {
		must(arb_yield(&s->dev->arb, &j->arb, ns, now,
			       estimate(s->dev, j)), "arb_yield");
	}
}

static void withdraw(struct stream *s, struct job *j, u64 now)
{
	must(arb_leave(&s->dev->arb, &j->arb, now), "arb_leave");
}

static u32 window(struct device *d, u64 now)
{
	return d->w->window_off ? d->depth : window_size(&d->window, now);
}

const struct policy policy_arb = {
	.name = "arb", .dev_add = dev_add, .group_add = group_add,
	.group_weight = group_weight, .stream_add = stream_add, .ready = ready,
	.pick = pick, .tile = tile, .ran = ran, .withdraw = withdraw,
	.window = window,
};
