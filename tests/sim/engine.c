// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The run: jobs arrive, wait in streams, are picked into a device, run in its
 * slots, give way at tile boundaries, end.
 *
 * Nothing happens between events, so what ran since the last one is accounted
 * when the next one touches the device. A preemptible device has an event at
 * each tile boundary only while somebody waits for it.
 */
#include <stdlib.h>

#include "sim.h"

const char *const qos_names[QOS_N] = {
	"normal", "background", "interactive", "realtime",
};

/* Which of the device's trees of groups: realtime has none. */
static int tree_of(const struct queue *q)
{
	switch (q->spec->qos) {
	case ARB_REALTIME:
		return -1;
	case ARB_BACKGROUND:
		return 1;
	default:
		return 0;
	}
}

static u64 clip(u64 from, u64 to, const struct world *w)
{
	if (from < w->warm)
		from = w->warm;
	if (to > w->end)
		to = w->end;
	return to > from ? to - from : 0;
}

static u64 cost_on(const struct device *d, const struct job *j)
{
	double speed = d->speed * d->model_speed[j->queue->spec->model];
	double ns = (double)d->fixed + (double)j->work / speed;

	ns *= j->noise;
	return ns < 1 ? 1 : (u64)ns;
}

/* ---- accounting ---- */

static void account_slot(struct device *d, struct slot *slot)
{
	struct world *w = d->w;
	struct job *j = slot->job;
	struct stream *s = j->stream;
	struct queue *q = s->queue;
	u64 dt = w->now - slot->since, in = clip(slot->since, w->now, w);
	int tree = tree_of(q);
	struct dgroup *g;

	slot->since = w->now;
	if (!dt)
		return;
	j->left -= dt;
	j->stretch += dt;
	s->served += (double)dt;
	s->idle_since = w->now;
	q->served += in;
	q->group->served[q->spec->qos] += in;
	d->busy_ns += in;
	d->tier_ns[tree + 1] += in;
	d->energy_nj += (dt / 1000) * (d->active_mw - d->idle_mw);
	if (tree < 0 || !d->has_fluid)
		return;
	fluid_serve(&d->fluid[tree], (double)dt);
	for (g = s->group; g; g = g->parent) {
		g->served[tree] += (double)dt;
		fluid_serve(&g->level[tree], (double)dt);
	}
	fluid_serve(&d->level[tree], (double)dt);
}

/* The ideals hear of work that comes, or (negative) goes away undone. */
static void ideal_work(struct stream *s, double work)
{
	void (*tell)(struct fluid *f, struct fluid_node *n, double work) =
		work < 0 ? fluid_withdraw : fluid_arrive;
	struct device *d = s->dev;
	int tree = tree_of(s->queue);
	struct fluid_node *n = &s->at_level;
	struct dgroup *g;

	if (tree < 0 || !d->has_fluid)
		return;
	work = work < 0 ? -work : work;
	tell(&d->fluid[tree], &s->fluid, work);
	for (g = s->group; g; g = g->parent) {
		tell(&g->level[tree], n, work);
		n = &g->at_level[tree];
	}
	tell(&d->level[tree], n, work);
}

/* Bring all of a device up to now. */
void engine_account(struct device *d)
{
	bool any = false;
	u32 i;

	if (d->state != DEV_UP)
		return;
	for (i = 0; i < d->parallel; i++) {
		if (d->slots[i].job) {
			account_slot(d, &d->slots[i]);
			any = true;
		}
	}
	if (any && d->has_fluid)
		metrics_lag(d);
}

/* Work conservation: was the device able to take a job, and one there? */
static void account_idle(struct device *d)
{
	struct world *w = d->w;
	bool wrong = d->state == DEV_UP && d->held < d->parallel && d->waiting;

	if (d->idle_from != SIM_NEVER)
		d->idle_with_work += w->now - d->idle_from;
	d->idle_from = wrong ? w->now : SIM_NEVER;
}

static void gap_ended(struct stream *s)
{
	struct world *w = s->queue->w;
	u64 gap = w->now - s->idle_since;

	s->idle_since = w->now;
	if (gap > s->queue->max_gap)
		s->queue->max_gap = gap;
	if (gap > w->max_gap[s->queue->spec->qos])
		w->max_gap[s->queue->spec->qos] = gap;
}

/* ---- streams ---- */

static struct dgroup *dgroup_of(struct group *g, struct device *d)
{
	struct world *w = d->w;
	struct dgroup *dg;
	int i;

	if (!g)
		return NULL;
	if (!g->on)
		g->on = world_alloc(w, w->n_devices * sizeof(*g->on));
	if (g->on[d->index])
		return g->on[d->index];
	dg = world_alloc(w, sizeof(*dg));
	dg->group = g;
	dg->dev = d;
	dg->parent = dgroup_of(g->parent, d);
	dg->next = d->groups;
	d->groups = dg;
	for (i = 0; i < 2; i++) {
		struct fluid *level = dg->parent ? &dg->parent->level[i] : &d->level[i];

		fluid_node_init(&dg->fluid[i], dg->parent ? &dg->parent->fluid[i] :
				&d->fluid[i].root, g->weight);
		fluid_node_init(&dg->at_level[i], &level->root, g->weight);
		fluid_leaf_add(level, &dg->at_level[i], &dg->served[i]);
	}
	g->on[d->index] = dg;
	w->policy->group_add(dg, w->now);
	return dg;
}

/* The queue's stream on its @i-th device; NULL if it is not admitted there. */
static struct stream *stream_of(struct queue *q, u32 i)
{
	struct device *d = q->spec->devices[i];
	int tree = tree_of(q);
	struct stream **at = &q->streams[q->spec->spread ? 0 : i], *s = *at;

	if (s)
		return s;
	s = world_alloc(q->w, sizeof(*s));
	s->queue = q;
	s->dev = d;
	s->group = dgroup_of(q->group, d);
	s->tail = &s->head;
	if (q->w->policy->stream_add(s, q->w->now))
		return NULL;
	if (tree >= 0 && d->has_fluid) {
		fluid_node_init(&s->fluid, &s->group->fluid[tree], ARB_DEFAULT_WEIGHT);
		fluid_leaf_add(&d->fluid[tree], &s->fluid, &s->served);
		fluid_node_init(&s->at_level, &s->group->level[tree].root,
				ARB_DEFAULT_WEIGHT);
		fluid_leaf_add(&s->group->level[tree], &s->at_level, &s->served);
	}
	*at = s;
	return s;
}

static void put_job(struct stream *s, struct job *j, bool first)
{
	if (!s->waiting && !s->running)
		s->idle_since = s->queue->w->now;
	if (first) {
		j->next = s->head;
		s->head = j;
		if (!j->next)
			s->tail = &j->next;
	} else {
		j->next = NULL;
		*s->tail = j;
		s->tail = &j->next;
	}
	s->waiting++;
	s->dev->waiting++;
}

static struct job *take_job(struct stream *s)
{
	struct job *j = s->head;

	s->head = j->next;
	if (!s->head)
		s->tail = &s->head;
	s->waiting--;
	s->dev->waiting--;
	return j;
}

/* ---- slots ---- */

static void plan_slot(struct slot *slot)
{
	struct device *d = slot->dev;
	struct world *w = d->w;
	u64 at = w->now + slot->job->left, ran = w->now - slot->start;

	if (d->tile && d->waiting && (ran / d->tile + 1) * d->tile - ran < slot->job->left)
		at = w->now + (ran / d->tile + 1) * d->tile - ran;
	heap_push(&w->heap, at, EV_SLOT, slot, ++slot->gen);
}

static void fill_slots(struct device *d)
{
	struct world *w = d->w;
	u32 i;

	for (i = 0; i < d->parallel && d->inbox; i++) {
		struct slot *slot = &d->slots[i];
		struct job *j = d->inbox;

		if (slot->job)
			continue;
		d->inbox = j->next;
		if (!d->inbox)
			d->inbox_tail = &d->inbox;
		slot->job = j;
		slot->since = w->now;
		slot->start = w->now;
		if (j->left == j->cost)
			j->exec_began = w->now;
		plan_slot(slot);
	}
}

static bool has_room(struct device *d)
{
	struct world *w = d->w;
	u32 n = w->policy->window ? w->policy->window(d, w->now) : d->depth;

	return d->state == DEV_UP && d->held < n;
}

/* Give the device all that it may hold. */
static void dispatch(struct device *d)
{
	struct world *w = d->w;

	while (d->waiting && has_room(d)) {
		struct stream *s = w->policy->pick(d, w->now);
		struct job *j;

		if (!s)
			break;
		w->picks++;
		if (!s->running)
			gap_ended(s);
		j = take_job(s);
		s->running++;
		j->stretch = 0;
		j->told = 0;
		j->next = NULL;
		*d->inbox_tail = j;
		d->inbox_tail = &j->next;
		d->held++;
		fill_slots(d);
	}
	account_idle(d);
}

static bool tell_tile(struct job *j, u64 ns)
{
	struct world *w = j->queue->w;

	j->told += ns;
	return w->policy->tile(j->stream, j, ns, w->now);
}

static void tell_ran(struct job *j, bool done)
{
	struct world *w = j->queue->w;

	w->policy->ran(j->stream, j, j->stretch - j->told, done, w->now);
}

/* Boundaries that had no event, as nobody waited: the policy should know. */
static void catch_up(struct device *d)
{
	u32 i;

	for (i = 0; d->tile && d->state == DEV_UP && i < d->parallel; i++) {
		struct job *j = d->slots[i].job;
		u64 ns = j ? j->stretch / d->tile * d->tile : 0;

		if (j && ns > j->told)
			tell_tile(j, ns - j->told);
	}
}

/* Once all that happens at this moment has happened. */
static void dispatch_later(struct device *d)
{
	if (d->dirty)
		return;
	d->dirty = true;
	d->next_dirty = d->w->dirty;
	d->w->dirty = d;
}

static void dispatch_dirty(struct world *w)
{
	struct device *d;

	while ((d = w->dirty)) {
		w->dirty = d->next_dirty;
		d->dirty = false;
		fill_slots(d);
		dispatch(d);
	}
}

/* Somebody came: running jobs have tile boundaries from now on. */
static void replan(struct device *d)
{
	u32 i;

	if (!d->tile || d->state != DEV_UP)
		return;
	for (i = 0; i < d->parallel; i++)
		if (d->slots[i].job)
			plan_slot(&d->slots[i]);
}

/* ---- the life of a job ---- */

/* Chance is not known beforehand, and some don't tell the truth. */
static void estimate(struct job *j)
{
	double est = (double)j->left * j->queue->spec->est / j->noise;

	j->est = est > 0 && est < 1 ? 1 : (u64)est;
}

static void to_stream(struct stream *s, struct job *j, bool first)
{
	struct device *d = s->dev;

	engine_account(d);
	catch_up(d);
	j->stream = s;
	if (!j->left) {
		j->cost = cost_on(d, j);
		j->left = j->cost;
		ideal_work(s, (double)j->cost);
	}
	estimate(j);
	put_job(s, j, first);
	d->w->policy->ready(s, j, d->w->now);
}

void engine_place(struct world *w, struct job *j)
{
	struct queue *q = j->queue;
	const struct qspec *sp = q->spec;
	u32 i = sp->spread ? q->index % sp->n_devices : 0;
	struct stream *s;
	struct device *d;

	if (!sp->spread && sp->n_devices > 1)
		i = w->placer->pick(q, j, w->now);
	d = sp->devices[i];
	q->switches += q->submitted > 1 && i != q->last;
	q->last = i;
	s = stream_of(q, i);
	if (!s)
		abort();	/* admission was asked at the start */
	j->stream = s;
	w->placer->sent(d, j, w->now);
	j->left = 0;
	to_stream(s, j, false);
	replan(d);
	dispatch_later(d);
}

static struct job *job_new(struct world *w)
{
	struct job *j = w->free_jobs;

	if (j)
		w->free_jobs = j->next;
	else
		j = world_alloc(w, sizeof(*j));
	memset(j, 0, sizeof(*j));
	return j;
}

void engine_arrive(struct world *w, struct queue *q, u64 work, u64 deadline)
{
	const struct qspec *sp = q->spec;
	struct job *j;

	if (q->refused)
		return;
	j = job_new(w);
	j->queue = q;
	j->arrived = w->now;
	j->deadline = deadline;
	j->work = work;
	j->noise = 1;
	if (sp->jitter)
		j->noise += sp->jitter * (2 * rng_unit(&q->rng) - 1);
	j->samples = sp->unit && work > sp->unit ? (u32)(work / sp->unit) : 1;
	j->turn = q->turn++;
	q->submitted++;
	q->outstanding++;
	w->submitted++;
	if (w->record)
		fprintf(w->record, "%llu,%s,%u,%llu,%llu\n", (unsigned long long)w->now,
			sp->name, q->index, (unsigned long long)work,
			(unsigned long long)deadline);
	engine_place(w, j);
}

static void job_done(struct device *d, struct job *j)
{
	struct world *w = d->w;
	struct queue *q = j->queue;
	u64 response = w->now - j->arrived;

	w->placer->ran(d, j, w->now);
	d->jobs++;
	q->done++;
	q->outstanding--;
	w->done++;
	w->drained = w->now;
	if (j->arrived >= w->warm) {
		hist_add(&w->response[q->spec->qos], response);
		hist_add(&((struct qspec *)q->spec)->response, response);
	}
	if (j->deadline && w->now > j->deadline) {
		q->missed++;
		w->missed++;
		hist_add(&w->lateness, w->now - j->deadline);
	}
	j->next = w->free_jobs;
	w->free_jobs = j;
	load_done(q);
}

static void slot_event(struct slot *slot)
{
	struct device *d = slot->dev;
	struct job *j = slot->job;
	struct stream *s = j->stream;

	engine_account(d);
	if (j->left && !(d->waiting && tell_tile(j, j->stretch - j->told))) {
		plan_slot(slot);
		return;
	}
	slot->job = NULL;
	slot->gen++;
	d->held--;
	s->running--;
	if (j->left) {
		d->preempted++;
		estimate(j);
		tell_ran(j, false);
		to_stream(s, j, true);
	} else {
		tell_ran(j, true);
		job_done(d, j);
	}
	dispatch_later(d);
}

/* ---- faults ---- */

/* Slots of a device that was stopped go on, from where they were. */
void engine_resume(struct device *d)
{
	u32 i;

	for (i = 0; i < d->parallel; i++) {
		if (d->slots[i].job) {
			d->slots[i].since = d->w->now;
			d->slots[i].start = d->w->now;
			plan_slot(&d->slots[i]);
		}
	}
	dispatch_later(d);
}

static bool movable(const struct queue *q)
{
	return q->spec->n_devices > 1 && !q->spec->spread;
}

/* Out of the hands of the device: all that it did of it is lost. */
static struct job *grab_running(struct device *d)
{
	struct job *all = NULL, *j;
	u32 i;

	for (i = 0; i < d->parallel; i++) {
		j = d->slots[i].job;
		if (!j)
			continue;
		d->slots[i].job = NULL;
		d->slots[i].gen++;
		j->next = all;
		all = j;
	}
	while ((j = d->inbox)) {
		d->inbox = j->next;
		j->next = all;
		all = j;
	}
	d->inbox_tail = &d->inbox;
	return all;
}

/* Jobs that may go elsewhere are placed anew, the others wait here. */
static void replace(struct device *d, struct job *j)
{
	struct world *w = d->w;

	j->left = 0;
	if (movable(j->queue)) {
		w->moved++;
		engine_place(w, j);
	} else {
		w->placer->sent(d, j, w->now);
		to_stream(j->stream, j, true);
	}
}

void engine_empty(struct device *d)
{
	struct world *w = d->w;
	struct job *taken = grab_running(d), *j;
	u32 i, n;

	for (j = taken; j; j = j->next) {
		d->held--;
		j->stream->running--;
		ideal_work(j->stream, -(double)j->left);
		j->left = j->cost;
		estimate(j);
		tell_ran(j, movable(j->queue));
		w->placer->failed(d, j, w->now);
	}
	/* waiting ones, of queues that have somewhere else to go */
	for (i = 0; i < w->n_specs; i++) {
		for (n = 0; n < w->specs[i]->count; n++) {
			struct queue *q = &w->specs[i]->queues[n];
			u32 k;

			for (k = 0; movable(q) && k < q->spec->n_devices; k++) {
				struct stream *s = q->streams[k];

				while (s && s->dev == d && s->waiting) {
					j = take_job(s);
					w->policy->withdraw(s, j, w->now);
					ideal_work(s, -(double)j->left);
					w->placer->dropped(d, j, w->now);
					j->next = taken;
					taken = j;
				}
			}
		}
	}
	while ((j = taken)) {
		taken = j->next;
		replace(d, j);
	}
	dispatch_later(d);
}

/* ---- the loop ---- */

static void handle(struct world *w, const struct event *ev)
{
	struct slot *slot = ev->obj;

	switch (ev->kind) {
	case EV_ARRIVE:
		load_arrive(ev->obj);
		break;
	case EV_SLOT:
		if (slot->gen == ev->gen && slot->job)
			slot_event(slot);
		break;
	case EV_ACTION:
		fault_action(w, ev->obj);
		break;
	case EV_WATCH:
		fault_watch(w, ev->obj, ev->gen);
		break;
	case EV_TRACE:
		trace_next(w);
		break;
	case EV_SAMPLE:
		report_series_row(w);
		heap_push(&w->heap, w->now + w->sample, EV_SAMPLE, NULL, 0);
		break;
	}
}

static void start_queue(struct queue *q)
{
	const struct qspec *sp = q->spec;
	u32 i = sp->spread ? q->index % sp->n_devices : 0;

	/* Admission is to one device: a realtime queue is bound to it. */
	if (sp->qos == ARB_REALTIME && !stream_of(q, i)) {
		q->refused = true;
		q->w->refused++;
		return;
	}
	load_start(q);
}

static void close_run(struct world *w)
{
	u32 i, n, k;

	for (i = 0; i < w->n_devices; i++) {
		engine_account(w->devices[i]);
		account_idle(w->devices[i]);
	}
	for (i = 0; i < w->n_specs; i++) {
		for (n = 0; n < w->specs[i]->count; n++) {
			struct queue *q = &w->specs[i]->queues[n];

			for (k = 0; k < queue_streams(q); k++)
				if (q->streams[k] && q->streams[k]->waiting &&
				    !q->streams[k]->running)
					gap_ended(q->streams[k]);
		}
	}
}

void world_run(struct world *w)
{
	struct event ev;
	u32 i, n;

	for (i = 0; i < w->n_specs; i++)
		for (n = 0; n < w->specs[i]->count; n++)
			start_queue(&w->specs[i]->queues[n]);
	for (i = 0; i < w->n_actions; i++)
		heap_push(&w->heap, w->actions[i]->at, EV_ACTION, w->actions[i], 0);
	trace_start(w);
	if (w->series) {
		report_series_head(w);
		heap_push(&w->heap, w->sample, EV_SAMPLE, NULL, 0);
	}
	while (heap_pop(&w->heap, &ev)) {
		if (ev.at > w->end && (!w->drain || ev.kind == EV_SAMPLE)) {
			if (!w->drain)
				break;
			continue;
		}
		w->now = ev.at;
		w->events++;
		handle(w, &ev);
		if (!w->heap.n || w->heap.v[0].at > w->now)
			dispatch_dirty(w);
	}
	if (!w->drain)
		w->now = w->end;
	close_run(w);
}
