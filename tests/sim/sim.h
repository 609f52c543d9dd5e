/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A discrete-event simulator of accelerators and those who use them, for the
 * scheduler of module/sched: the arbiter and the placer are linked in from
 * the very files that go into the module.
 *
 * Time is in ns, work is in ns on a device of speed 1. One world is one run:
 * everything random comes from its seed, so the same scenario and seed give
 * the same output to the byte.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include <stdio.h>

#include <aim/types.h>

#include "sched/arb.h"
#include "sched/place.h"
#include "sched/window.h"

#define SIM_NEVER	UINT64_MAX
#define SIM_NAME	24

#define USEC		1000ULL
#define MSEC		1000000ULL
#define SEC		1000000000ULL

/* ---- random numbers (rng.c) ---- */

struct rng {
	u64 s[4];
};

void rng_seed(struct rng *r, u64 seed);
u64 rng_u64(struct rng *r);
u64 rng_below(struct rng *r, u64 n);
double rng_unit(struct rng *r);		/* in (0, 1] */
double rng_exp(struct rng *r, double mean);

/* ---- what happens when (heap.c) ---- */

enum event_kind {
	EV_ARRIVE,	/* a queue's next job */
	EV_SLOT,	/* a slot's job reaches a tile boundary or its end */
	EV_ACTION,	/* a line "at TIME ..." of the scenario */
	EV_WATCH,	/* a device's watchdog looks */
	EV_TRACE,	/* the next line of the trace */
	EV_SAMPLE,	/* a row of the series */
};

struct event {
	u64 at;
	u64 seq;	/* events of one moment keep their order */
	void *obj;
	u32 kind;
	u32 gen;	/* stale if the object's differs */
};

struct heap {
	struct event *v;
	size_t n;
	size_t room;
	u64 seq;
};

void heap_push(struct heap *h, u64 at, u32 kind, void *obj, u32 gen);
bool heap_pop(struct heap *h, struct event *ev);
void heap_free(struct heap *h);

/* ---- load ---- */

#define QOS_N	ARB_NR_CLASSES

extern const char *const qos_names[QOS_N];

#define HINT_N	4	/* enum place_hint */
extern const char *const hint_names[HINT_N];

enum load_kind {
	LOAD_CLOSED,	/* a: jobs kept outstanding, b: pause between them */
	LOAD_PERIODIC,	/* a: period */
	LOAD_POISSON,	/* a: mean gap */
	LOAD_BURSTY,	/* a: mean gap while on, b: mean on, c: mean off */
	LOAD_DIURNAL,	/* a: mean gap at the peak, b: length of a day */
	LOAD_NAP,	/* adversary: works for a, sleeps for b */
	LOAD_FLOOD,	/* adversary: b jobs at once every a */
	LOAD_ONCE,	/* a: jobs, all at the start */
	LOAD_TRACE,	/* arrivals come from a file */
	LOAD_N,
};
extern const char *const load_names[LOAD_N];

struct load {
	enum load_kind kind;
	u64 a, b, c;
};

enum dist_kind { DIST_CONST, DIST_UNIFORM, DIST_EXP, DIST_TWO, DIST_PARETO, DIST_N };
extern const char *const dist_names[DIST_N];

/* const a; uniform a..b; exp mean a; two: b every c-th, else a; pareto a..b */
struct dist {
	enum dist_kind kind;
	u64 a, b, c;
};

u64 dist_draw(const struct dist *d, struct rng *r);

/* ---- histograms (metrics.c): 32 buckets for each doubling, 3 % wide ---- */

#define HIST_SUB	32
#define HIST_N		(60 * HIST_SUB)

struct hist {
	u64 count, sum, max;
	u64 bucket[HIST_N];
};

void hist_add(struct hist *h, u64 v);
u64 hist_quantile(const struct hist *h, double q);

/* ---- the fluid reference (fluid.c): generalised processor sharing ---- */

struct fluid_node {
	struct fluid_node *parent;	/* NULL: the device */
	struct fluid_node *next;	/* leaves only */
	const double *real;		/* leaves only: what it really got */
	double weight;
	double backlog;			/* leaves only: work that waits */
	double served;			/* of it and all below */
	double active;			/* children's weights; a leaf: 1 or 0 */
};

struct fluid {
	struct fluid_node root;
	struct fluid_node *leaves;
	double backlog;
};

void fluid_node_init(struct fluid_node *n, struct fluid_node *parent, double weight);
void fluid_leaf_add(struct fluid *f, struct fluid_node *n, const double *real);
void fluid_arrive(struct fluid *f, struct fluid_node *leaf, double work);
void fluid_withdraw(struct fluid *f, struct fluid_node *leaf, double work);
void fluid_weight(struct fluid *f, struct fluid_node *n, double weight);
void fluid_serve(struct fluid *f, double amount);

/* ---- the objects ---- */

struct world;
struct device;
struct group;
struct queue;
struct stream;

/**
 * struct job - one piece of work
 * @next:	in its stream's list, or in its device's inbox
 * @stream:	where it waits or runs
 * @work:	on a device of speed 1
 * @noise:	what chance makes of it: 1 on average
 * @cost:	on the device where it is, ns
 * @left:	of @cost
 * @est:	what the scheduler is told beforehand of @left; 0: nothing
 * @stretch:	run since it was last given to a device
 * @told:	of that, what the policy was told of
 * @expect:	the placer's prediction
 * @exec_began:	when a slot first took it
 * @strange:	at a device that has not ended any job of its stream before
 */
struct job {
	struct job *next;
	struct queue *queue;
	struct stream *stream;
	u64 arrived;
	u64 deadline;	/* absolute; 0: none */
	u64 work;
	double noise;
	u64 cost;
	u64 left;
	u64 est;
	u64 stretch;
	u64 told;
	u64 expect;
	u64 exec_began;
	bool strange;
	u32 samples;
	u32 turn;
	struct arb_job arb;
};

/* One cgroup. */
struct group {
	char name[SIM_NAME];
	struct group *parent;
	u32 weight;
	u32 index;
	struct dgroup **on;	/* by device */
	u64 served[QOS_N];	/* device time in the measured window */
	u64 sampled;		/* of that, up to the last row of the series */
};

/* A cgroup on a device. */
struct dgroup {
	struct group *group;
	struct device *dev;
	struct dgroup *parent;
	struct dgroup *next;	/* of this device */
	struct fluid_node fluid[2];	/* fair, background; whole tree */
	struct fluid_node at_level[2];	/* among its siblings */
	struct fluid level[2];		/* of its children */
	double served[2];
	struct arb_group arb;
};

/**
 * struct stream - a queue on a device
 * @head:	jobs that wait, oldest first
 * @running:	jobs that the device has
 * @idle_since:	last time that it wanted nothing or got something
 */
struct stream {
	struct queue *queue;
	struct device *dev;
	struct dgroup *group;
	struct job *head;
	struct job **tail;
	u32 waiting;
	u32 running;
	struct stream *next_ready;	/* baselines: in the device's ring */
	bool in_ring;
	u64 idle_since;
	u64 expect;		/* the placer's: predicted time of its jobs */
	double served;		/* device time, since the start */
	struct fluid_node fluid;	/* in the ideal of the whole tree */
	struct fluid_node at_level;	/* among its siblings */
	struct arb_stream arb;
};

struct queue {
	struct world *w;
	const struct qspec *spec;
	struct group *group;
	struct stream **streams;	/* by device; spread: just one */
	struct rng rng;
	u32 index;			/* within its line */
	u32 id;				/* among all */
	u32 outstanding;
	u64 phase;			/* bursty: end of this phase */
	u64 submitted, done, missed;
	u64 switches;			/* jobs placed elsewhere than the last one */
	u64 served;			/* device time in the measured window */
	u64 max_gap;			/* longest without service though wanted */
	bool refused;			/* realtime, and not admitted */
	bool on;			/* bursty */
	u32 last;			/* the placer's: index of the last device */
	u32 turn;
	u32 rr;
};

/* A line "queue ..." of the scenario. */
struct qspec {
	char name[SIM_NAME];
	u32 count;
	enum arb_class qos;
	u32 hint;
	struct load load;
	struct dist len;
	u64 unit;		/* of work in a sample; 0: one sample a job */
	double jitter;		/* of the cost, either way */
	u64 deadline;		/* relative; 0: none */
	u64 runtime, period;	/* realtime */
	double est;		/* what it says of its cost / what it is */
	u64 from, to;
	u64 jobs;		/* stops after so many; 0: never */
	bool spread;		/* each on one device, by turns */
	u32 model;
	struct queue *queues;
	struct device **devices;
	u32 n_devices;
	struct hist response;
};

static inline u32 queue_streams(const struct queue *q)
{
	return q->spec->spread ? 1 : q->spec->n_devices;
}

struct slot {
	struct device *dev;
	struct job *job;
	u64 since;	/* accounted up to here */
	u64 start;	/* of this stretch: tiles are counted from it */
	u32 gen;
};

enum dev_state { DEV_UP, DEV_STALLED, DEV_DEAD };

#define SIM_MODELS	4

struct device {
	char name[SIM_NAME];
	struct world *w;
	u32 index;
	/* what it is */
	double speed;
	double full_speed;	/* what it was at first */
	bool told_speed;	/* the placer hears of throttling */
	double model_speed[SIM_MODELS];
	u32 parallel;
	u32 depth;		/* jobs it may hold */
	u64 tile;		/* 0: can't preempt */
	u64 fixed;		/* per job */
	u64 active_mw, idle_mw;
	/* what it does */
	enum dev_state state;
	struct slot *slots;
	u64 idle_from;
	u32 held;		/* jobs it has */
	u32 gen;		/* of its state */
	struct job *inbox;	/* those that no slot runs yet */
	struct job **inbox_tail;
	u32 waiting;		/* jobs in its streams */
	struct stream *ring;	/* baselines: ready streams, last one */
	struct device *next_dirty;
	bool dirty;
	struct dgroup *groups;
	struct fluid fluid[2];	/* fair, background: the whole tree */
	struct fluid level[2];	/* the topmost groups */
	bool has_fluid;
	struct arb arb;
	struct window window;	/* of @depth, what it is given */
	struct place_dev place;
	struct place_cost cost[SIM_MODELS];
	/* what it did, in the measured window */
	u64 busy_ns;		/* slots * time */
	u64 tier_ns[3];		/* realtime, fair, background */
	u64 idle_with_work;	/* work conservation says: none */
	u64 jobs, preempted;
	u64 energy_nj;		/* active part, whole run */
};

/* ---- policies ---- */

/**
 * struct policy - who decides which job a device takes next
 * @ready:	@j has just been put into @s
 * @pick:	the stream whose first job @d should have, or NULL; the engine
 *		takes it out then
 * @tile:	@j has come to a tile boundary, @ns after it was picked or the
 *		last one: should it give way?
 * @ran:	@j is off the device, @ns after the same; if it isn't @done it
 *		is about to wait in @s again, before all others
 * @withdraw:	@j, which waits in @s, goes away
 * @window:	how many jobs @d may hold now; NULL: its depth
 */
struct policy {
	const char *name;
	void (*dev_add)(struct device *d);
	void (*group_add)(struct dgroup *g, u64 now);
	void (*group_weight)(struct dgroup *g, u64 now);
	int (*stream_add)(struct stream *s, u64 now);
	void (*ready)(struct stream *s, struct job *j, u64 now);
	struct stream *(*pick)(struct device *d, u64 now);
	bool (*tile)(struct stream *s, struct job *j, u64 ns, u64 now);
	void (*ran)(struct stream *s, struct job *j, u64 ns, bool done, u64 now);
	void (*withdraw)(struct stream *s, struct job *j, u64 now);
	u32 (*window)(struct device *d, u64 now);
};

extern const struct policy policy_arb, policy_fifo, policy_rr, policy_prio;
const struct policy *policy_find(const char *name);

/**
 * struct placer - who decides on which device a job shall wait
 * @pick:	index of one of the queue's devices
 * @sent:	that is where it went, and then one of
 * @ran:	it is done
 * @failed:	the device's fault
 * @dropped:	taken away from there
 * @state:	@d came, went, changed speed
 */
struct placer {
	const char *name;
	u32 (*pick)(struct queue *q, struct job *j, u64 now);
	void (*sent)(struct device *d, struct job *j, u64 now);
	void (*ran)(struct device *d, struct job *j, u64 now);
	void (*failed)(struct device *d, struct job *j, u64 now);
	void (*dropped)(struct device *d, struct job *j, u64 now);
	void (*state)(struct device *d, u64 now);
};

extern const struct placer placer_place, placer_least, placer_rr;
const struct placer *placer_find(const char *name);

/* ---- a run ---- */

enum action_kind { ACT_KILL, ACT_STALL, ACT_RETURN, ACT_SPEED, ACT_WEIGHT };

struct action {
	u64 at;
	enum action_kind kind;
	struct device *dev;
	struct group *group;
	double value;
};

struct world {
	struct heap heap;
	const struct policy *policy;
	const struct placer *placer;
	struct arb_params arb_params;
	u64 now, end, warm, seed, watch, sample;
	bool drain;		/* run on until nothing is left */
	bool fluid_off;
	bool window_off;	/* devices hold what they can */
	struct device **devices;
	struct group **groups;
	struct qspec **specs;
	struct action **actions;
	struct device *dirty;		/* to be dispatched in this moment */
	u32 n_devices, n_groups, n_specs, n_actions, n_queues;
	struct job *free_jobs;
	struct chunk *chunks;
	struct trace *trace;
	FILE *series, *record;
	/* results */
	u64 events, submitted, done, missed, refused, moved;
	u64 picks;
	u64 memory;
	u64 drained;		/* when the last job was done */
	double max_lag, min_lag;	/* of a stream, ns: against the whole tree */
	double max_level, min_level;	/* of anybody among its siblings */
	u64 max_gap[QOS_N];
	struct hist response[QOS_N];
	struct hist lateness;
};

/* world.c, parse.c, scenarios.c */
struct world *world_new(void);
void world_free(struct world *w);
void *world_alloc(struct world *w, size_t size);
void world_ready(struct world *w);
/* Returns 0, or -EINVAL with a message in @err. */
int scenario_parse(struct world *w, const char *text, char *err, size_t len);
const char *scenario_builtin(const char *name);
void scenario_list(FILE *out);

/* engine.c */
void world_run(struct world *w);
void engine_arrive(struct world *w, struct queue *q, u64 work, u64 deadline);
void engine_place(struct world *w, struct job *j);
void engine_account(struct device *d);
void engine_resume(struct device *d);
void engine_empty(struct device *d);

/* fault.c */
void fault_action(struct world *w, struct action *a);
void fault_watch(struct world *w, struct device *d, u32 gen);

/* load.c */
void load_start(struct queue *q);
void load_arrive(struct queue *q);
void load_done(struct queue *q);

/* trace.c */
int trace_load(struct world *w, const char *path, char *err, size_t len);
void trace_start(struct world *w);
void trace_next(struct world *w);
void trace_free(struct world *w);

/* metrics.c */
double jain(const double *x, size_t n);
double world_share_error(const struct world *w, bool fluid);
double world_jain(const struct world *w, bool fluid);
double group_share(const struct world *w, const struct group *g);
double group_ideal(const struct world *w, const struct group *g);
double world_energy_j(const struct world *w);
void metrics_lag(struct device *d);

/* report.c */
void report_text(const struct world *w, FILE *out);
void report_json(const struct world *w, FILE *out);
void report_series_head(const struct world *w);
void report_series_row(const struct world *w);

#endif /* TESTS_SIM_H */
