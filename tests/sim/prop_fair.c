// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the arbiter promises about fair shares, looked for in many runs. The
 * ideal, generalised processor sharing, is computed by fluid.c, which shares
 * nothing with the arbiter.
 */
#include <math.h>

#include "simtest.h"

#define TILE	100000.0
#define SLICE	100000.0
#define ROUNDING 2000.0		/* of virtual times over a run, ns */

static u64 pick(struct rng *r, u64 lo, u64 hi)
{
	return lo + rng_below(r, hi - lo + 1);
}

/* Lengths from below a tile to a hundred of them. */
static const char *any_length(struct rng *r)
{
	static const char *const lens[] = {
		"const:100us", "const:10ms", "const:1ms", "const:730us",
		"uniform:100us:10ms", "exp:2ms", "pareto:100us:100ms", "two:100us:10ms:10",
	};

	return lens[rng_below(r, sizeof(lens) / sizeof(lens[0]))];
}

/* Groups in groups, as deep as three levels; the number of those made. */
static unsigned int any_tree(struct text *t, struct rng *r, bool equal)
{
	unsigned int n = (unsigned int)pick(r, 2, 8), i, depth[8];

	for (i = 0; i < n; i++) {
		unsigned int up = i ? (unsigned int)rng_below(r, i + 1) : 0;
		u64 weight = equal ? 100 : pick(r, 1, 10) * pick(r, 1, 100);

		depth[i] = i && up < i ? depth[up] + 1 : 0;
		if (depth[i] == 0 || depth[i] > 2) {
			depth[i] = 0;
			text_add(t, "group g%u weight=%llu", i, (unsigned long long)weight);
		} else {
			text_add(t, "group g%u weight=%llu parent=g%u", i,
				 (unsigned long long)weight, up);
		}
	}
	return n;
}

static void weights_hold(const char *name, const char *more, double error, double lag)
{
	struct world *w = run_builtin(name, more);

	expect(w, world_share_error(w, false) <= error);
	expect(w, w->max_level <= lag + ROUNDING && w->min_level >= -lag - ROUNDING);
	expect(w, idle_with_work(w) == 0);
	world_free(w);
}

/* 10 s, weights 1:2:4:8, lengths 1:100: shares within 1 %, lag within a tile. */
static void weights_of_1_2_4_8(void **state)
{
	char more[64];
	unsigned int seed;

	for (seed = 1; seed <= runs(20); seed++) {
		snprintf(more, sizeof(more), "set seed=%u\n", seed);
		weights_hold("weights", more, 0.01, TILE);
		weights_hold("nested", more, 0.01, TILE);
		weights_hold("several", more, 0.01, TILE);
	}
}

/* Each has its share of all devices together, wherever its jobs are placed. */
static void shares_hold_of_devices_together(void **state)
{
	unsigned int seed;
	char more[64];

	for (seed = 1; seed <= runs(20); seed++) {
		struct world *w;

		snprintf(more, sizeof(more), "set seed=%u\n", seed);
		w = run_builtin("either", more);
		expect(w, world_share_error(w, false) <= 0.002);
		expect(w, idle_with_work(w) == 0);
		world_free(w);
	}
}

/* Without preemption the longest job takes the place of the tile. */
static void whole_jobs_share_by_time(void **state)
{
	char more[64];
	unsigned int seed;

	for (seed = 1; seed <= runs(20); seed++) {
		snprintf(more, sizeof(more), "set seed=%u time=40s\n", seed);
		weights_hold("weights-whole", more, 0.01, 10e6);
	}
}

/*
 * A long job after many short ones, from many at a time: each has to stand in
 * line for as long as it is, not as long as others before it were.
 */
static void rare_long_jobs_put_nobody_behind(void **state)
{
	static const char *const lens[] = {
		"two:100us:10ms:50", "two:100us:10ms:100", "two:100us:10ms:400",
	};
	unsigned int i;

	for (i = 0; i < 6; i++) {
		struct text t = { 0 };
		struct world *w;

		text_add(&t, "set time=20s\ndevice d\ngroup steady weight=%u", i % 2 ? 5000 : 100);
		text_add(&t, "group moody count=19 weight=%u", i % 2 ? 10 : 100);
		text_add(&t, "queue s group=steady load=closed:%u len=const:%s",
			 i % 2 ? 600 : 40, i % 2 ? "100us" : "10ms");
		text_add(&t, "queue m group=moody* count=19 load=closed:1000 len=%s", lens[i / 2]);
		w = run_text(&t);
		expect(w, w->max_level <= 10e6 + ROUNDING);
		expect(w, w->min_level >= -10e6 - ROUNDING);
		world_free(w);
	}
}

/* Devices that work on several jobs at once, with and without tiles. */
static void several_servers_share_by_weight(void **state)
{
	static const char *const devices[] = {
		"parallel=4 tile=100us", "parallel=4 depth=12", "parallel=2",
	};
	unsigned int i;

	for (i = 0; i < 6; i++) {
		struct text t = { 0 };
		struct world *w;
		int est = i < 3;	/* or nothing is known of a job beforehand */

		text_add(&t, "set time=60s\ndevice d %s", devices[i % 3]);
		text_add(&t, "group a weight=100\ngroup b weight=200");
		text_add(&t, "group c weight=400\ngroup d weight=800");
		text_add(&t, "queue a group=a load=closed:16 len=const:10ms est=%d", est);
		text_add(&t, "queue b group=b load=closed:16 len=const:100us est=%d", est);
		text_add(&t, "queue c group=c load=closed:16 len=uniform:100us:10ms est=%d", est);
		text_add(&t, "queue d group=d load=closed:16 len=const:1ms est=%d", est);
		w = run_text(&t);
		expect(w, world_share_error(w, false) <= 0.01);
		expect(w, idle_with_work(w) == 0);
		world_free(w);
	}
}

/* Any tree, any weights, any lengths, everybody always with work to do. */
static void random_trees_share_by_weight(void **state)
{
	unsigned int seed;

	for (seed = 1; seed <= runs(100); seed++) {
		struct text t = { 0 };
		struct rng r;
		struct world *w;
		unsigned int n, i, many;

		rng_seed(&r, seed);
		text_add(&t, "set time=10s seed=%u", seed);
		text_add(&t, "device d tile=100us");
		n = any_tree(&t, &r, false);
		for (i = 0; i < n; i++) {
			many = (unsigned int)pick(&r, 1, 2);
			text_add(&t, "queue q%u group=g%u count=%u class=%s load=closed:8 len=%s",
				 i, i, many, rng_below(&r, 2) ? "normal" : "interactive",
				 any_length(&r));
		}
		w = run_text(&t);
		expect(w, w->max_level <= 2 * TILE + ROUNDING);
		expect(w, w->min_level >= -2 * TILE - ROUNDING);
		expect(w, idle_with_work(w) == 0);
		world_free(w);
	}
}

/* Arrivals that don't wait for anybody; groups come, go and change weights. */
static void open_arrivals_follow_gps(void **state)
{
	static const char *const loads[] = {
		"poisson:5ms", "bursty:1ms:30ms:90ms", "diurnal:3ms:2s", "periodic:7ms",
		"flood:100ms:20",
	};
	unsigned int seed;

	for (seed = 1; seed <= runs(100); seed++) {
		struct text t = { 0 };
		struct rng r;
		struct world *w;
		unsigned int n, i;

		rng_seed(&r, seed + 1000);
		text_add(&t, "set time=5s seed=%u", seed);
		text_add(&t, "device d tile=100us");
		n = any_tree(&t, &r, true);
		for (i = 0; i < n; i++) {
			u64 from = pick(&r, 0, 2000);

			text_add(&t, "queue q%u group=g%u count=%u load=%s len=exp:700us "
				 "from=%llums to=%llums", i, i, (unsigned int)pick(&r, 1, 2),
				 loads[rng_below(&r, 5)], (unsigned long long)from,
				 (unsigned long long)(from + pick(&r, 500, 3000)));
		}
		text_add(&t, "at 2s weight g0 %llu", (unsigned long long)pick(&r, 10, 1000));
		w = run_text(&t);
		expect(w, w->max_level <= 4 * TILE && w->min_level >= -4 * TILE);
		expect(w, world_jain(w, true) > 0.9999);
		expect(w, idle_with_work(w) == 0);
		world_free(w);
	}
}

/* Nobody gains by naps, floods or lies; the honest one loses nothing. */
static void adversaries_gain_nothing(void **state)
{
	unsigned int seed;

	for (seed = 1; seed <= runs(20); seed++) {
		char more[64];
		struct world *w;
		u32 i;

		snprintf(more, sizeof(more), "set seed=%u\n", seed);
		w = run_builtin("adversary", more);
		for (i = 1; i < w->n_groups; i++)
			expect(w, w->groups[i]->served[ARB_NORMAL] <=
				  w->groups[0]->served[ARB_NORMAL] * 1.001 + 2 * TILE);
		expect(w, w->groups[0]->served[ARB_NORMAL] >= w->end / 4);
		world_free(w);
	}
}

/* Whoever wants something gets it within a time that its share bounds. */
static void nobody_starves(void **state)
{
	unsigned int seed;

	for (seed = 1; seed <= runs(30); seed++) {
		struct text t = { 0 };
		struct world *w;
		double bound;

		text_add(&t, "set time=5s seed=%u", seed);
		text_add(&t, "device d tile=100us");
		text_add(&t, "group tiny weight=1");
		text_add(&t, "group big weight=999");
		text_add(&t, "group bg");
		text_add(&t, "queue a group=tiny load=closed:2 len=exp:1ms");
		text_add(&t, "queue b group=big count=10 class=interactive load=closed:4 "
			 "len=exp:300us");
		text_add(&t, "queue c group=bg class=background count=4 load=closed:2 "
			 "len=const:5ms");
		text_add(&t, "queue rt group=bg class=realtime runtime=4ms period=10ms "
			 "load=periodic:10ms len=const:4ms");
		w = run_text(&t);
		/* a tile each 1000 tiles of the 60 % that realtime leaves, twice */
		bound = 2 * TILE * 1000 / 0.58;
		expect(w, spec_named(w, "a")->queues[0].max_gap < bound);
		/* of background's 2 %, a quarter each */
		bound = 2 * (1e6 + TILE) * 4 / 0.02;
		expect(w, w->max_gap[ARB_BACKGROUND] < bound);
		expect(w, idle_with_work(w) == 0);
		world_free(w);
	}
}

/* The floor is what it is set to, and no more, beside endless other work. */
static void background_has_its_floor(void **state)
{
	static const double floors[] = { 0.02, 0.05, 0.2 };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct world *w;
		char more[64];
		double share;

		snprintf(more, sizeof(more), "set limit=0.5 floor=%g time=20s\n", floors[i]);
		w = run_builtin("floor", more);
		share = (double)w->devices[0]->tier_ns[2] / (double)w->devices[0]->tier_ns[1];
		expect(w, fabs(share / floors[i] - 1) < 0.01);
		world_free(w);
	}
}

/* Idle capacity is all background's. */
static void background_has_what_is_left(void **state)
{
	struct world *w = run_builtin("diurnal", "");

	expect(w, w->devices[0]->busy_ns > w->end - MSEC);
	expect(w, idle_with_work(w) == 0);
	world_free(w);
}

/* A short slice is an earlier turn, not a larger share. */
static void interactive_is_sooner_not_more(void **state)
{
	static const char *const text =
		"device d tile=100us\n"
		"group a\n"
		"group b count=7\n"
		"queue busy group=b* count=7 load=closed:4 len=const:5ms\n";
	struct text t = { 0 };
	struct world *w[2];
	int i;

	for (i = 0; i < 2; i++) {
		text_add(&t, "%squeue q group=a class=%s load=poisson:20ms len=const:100us",
			 text, i ? "interactive" : "normal");
		w[i] = run_text(&t);
	}
	expect(w[1], hist_quantile(&spec_named(w[1], "q")->response, 0.9) <= 300 * USEC);
	expect(w[0], hist_quantile(&spec_named(w[0], "q")->response, 0.5) >= 500 * USEC);
	world_free(w[0]);
	world_free(w[1]);
	for (i = 0; i < 2; i++) {
		text_add(&t, "%squeue q group=a class=%s load=closed:4 len=const:1ms",
			 text, i ? "interactive" : "normal");
		w[i] = run_text(&t);
		expect(w[i], fabs(group_share(w[i], w[i]->groups[0]) * 8 - 1) < 0.01);
		world_free(w[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_of_1_2_4_8),
		cmocka_unit_test(shares_hold_of_devices_together),
		cmocka_unit_test(whole_jobs_share_by_time),
		cmocka_unit_test(rare_long_jobs_put_nobody_behind),
		cmocka_unit_test(several_servers_share_by_weight),
		cmocka_unit_test(random_trees_share_by_weight),
		cmocka_unit_test(open_arrivals_follow_gps),
		cmocka_unit_test(adversaries_gain_nothing),
		cmocka_unit_test(nobody_starves),
		cmocka_unit_test(background_has_its_floor),
		cmocka_unit_test(background_has_what_is_left),
		cmocka_unit_test(interactive_is_sooner_not_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
