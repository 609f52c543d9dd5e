// SPDX-License-Identifier: LGPL-2.1-or-later
/* Is the simulator itself right? By cases that can be worked out by hand. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "simtest.h"

static void events_come_in_order(void **state)
{
	struct heap h = { 0 };
	struct event ev;
	struct rng r;
	u64 last = 0, seq = 0, i;

	rng_seed(&r, 1);
	for (i = 0; i < 10000; i++)
		heap_push(&h, rng_below(&r, 500), EV_ARRIVE, NULL, 0);
	for (i = 0; heap_pop(&h, &ev); i++) {
		assert_true(ev.at > last || (ev.at == last && (!i || ev.seq > seq)));
		last = ev.at;
		seq = ev.seq;
	}
	assert_int_equal(i, 10000);
	heap_free(&h);
}

static void quantiles_are_near(void **state)
{
	static struct hist h;
	u64 i;

	for (i = 1; i <= 100000; i++)
		hist_add(&h, i * 1000);
	for (i = 1; i < 1000; i++) {
		double q = (double)i / 1000, v = (double)hist_quantile(&h, q);

		assert_true(v >= q * 1e8 && v <= q * 1e8 * 1.032);
	}
	assert_int_equal(hist_quantile(&h, 1), 100000000);
	hist_add(&h, UINT64_MAX);
	assert_int_equal(hist_quantile(&h, 1), UINT64_MAX);
}

static void jain_by_hand(void **state)
{
	static const double same[] = { 3, 3, 3 }, one[] = { 5, 0, 0, 0 }, two[] = { 1, 2 };

	assert_true(fabs(jain(same, 3) - 1) < 1e-12);
	assert_true(fabs(jain(one, 4) - 0.25) < 1e-12);
	assert_true(fabs(jain(two, 2) - 0.9) < 1e-12);
}

/* Means and shapes of what is drawn. */
static void distributions_have_their_mean(void **state)
{
	static const struct {
		struct dist d;
		double mean;
	} cases[] = {
		{ { DIST_CONST, 700, 0, 0 }, 700 },
		{ { DIST_UNIFORM, 1000, 3000, 0 }, 2000 },
		{ { DIST_EXP, 100000, 0, 0 }, 100000 },
		{ { DIST_TWO, 1000, 11000, 10 }, 2000 },
		/* k=1.5: 3 a (1 - sqrt(a/b)) / (1 - (a/b)^1.5) */
		{ { DIST_PARETO, 1000, 100000, 0 }, 2702.7 },
	};
	struct rng r;
	unsigned int i, n;

	rng_seed(&r, 7);
	for (i = 0; i < 5; i++) {
		double sum = 0;

		for (n = 0; n < 400000; n++)
			sum += (double)dist_draw(&cases[i].d, &r);
		assert_true(fabs(sum / 400000 / cases[i].mean - 1) < 0.02);
	}
}

/*
 * Two groups 1:3; in the second two streams of the same weight. Until the
 * first stream of it runs dry, rates are 1/4, 3/8, 3/8, then 1/4, 0, 3/4.
 */
static void fluid_by_hand(void **state)
{
	struct fluid f = { 0 };
	struct fluid_node a, b, s, t, u;
	double none = 0;

	fluid_node_init(&a, &f.root, 100);
	fluid_node_init(&b, &f.root, 300);
	fluid_node_init(&s, &a, 100);
	fluid_node_init(&t, &b, 100);
	fluid_node_init(&u, &b, 100);
	fluid_leaf_add(&f, &s, &none);
	fluid_leaf_add(&f, &t, &none);
	fluid_leaf_add(&f, &u, &none);
	fluid_arrive(&f, &s, 1000);
	fluid_arrive(&f, &t, 300);
	fluid_arrive(&f, &u, 3000);
	fluid_serve(&f, 400);
	assert_true(fabs(s.served - 100) < 1e-6 && fabs(t.served - 150) < 1e-6);
	fluid_serve(&f, 800);
	/* t is dry at 800 in all; then 400 more */
	assert_true(fabs(t.served - 300) < 1e-6);
	assert_true(fabs(s.served - 300) < 1e-6 && fabs(u.served - 600) < 1e-6);
	assert_true(fabs(b.served - 900) < 1e-6);
	fluid_weight(&f, &a, 300);
	fluid_serve(&f, 200);
	assert_true(fabs(s.served - 400) < 1e-6 && fabs(u.served - 700) < 1e-6);
}

/* A device, its queue, and what must come of it, to the nanosecond. */
static void one_device_by_hand(void **state)
{
	struct text t = { 0 };
	struct world *w;

	text_add(&t, "set time=1s drain=1");
	text_add(&t, "device d speed=2 fixed=10us active=10W idle=2W");
	text_add(&t, "group g\nqueue q load=once:5 len=const:1ms deadline=1530us");
	w = run_text(&t);
	/* 10 us + 1 ms / 2 each; the third ends at the deadline */
	expect(w, w->drained == 5 * 510 * USEC);
	expect(w, w->done == 5 && w->missed == 2);
	expect(w, w->lateness.max == 1020 * USEC);
	expect(w, fabs(world_energy_j(w) - 2.55e-3 * 10) < 1e-9);
	world_free(w);
}

static char *output(const char *name, const char *more)
{
	struct world *w = run_builtin(name, more);
	char *buf = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&buf, &n);

	assert_non_null(f);
	report_json(w, f);
	fclose(f);
	world_free(w);
	return buf;
}

static void same_seed_same_output(void **state)
{
	static const char *const names[] = { "realtime", "bursty", "kill", "adversary" };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		char *a = output(names[i], "set time=2s seed=5\n");
		char *b = output(names[i], "set time=2s seed=5\n");
		char *c = output(names[i], "set time=2s seed=6\n");

		assert_string_equal(a, b);
		assert_string_not_equal(a, c);
		free(a);
		free(b);
		free(c);
	}
}

/* What --record writes gives, played by --trace, the same run. */
static void traces_replay(void **state)
{
	static const char *const common =
		"set time=3s drain=1\ndevice d count=2 tile=100us\ngroup g count=2\n";
	char path[] = "/tmp/sim-trace-XXXXXX", err[256];
	struct text t = { 0 };
	struct world *w[2];
	int i, fd = mkstemp(path);

	assert_true(fd >= 0);
	for (i = 0; i < 2; i++) {
		text_add(&t, "%squeue q count=6 load=%s deadline=9ms", common,
			 i ? "trace" : "poisson:5ms len=exp:1ms");
		w[i] = world_new();
		assert_int_equal(scenario_parse(w[i], t.s, err, sizeof(err)), 0);
		free(t.s);
		memset(&t, 0, sizeof(t));
		if (!i)
			w[i]->record = fdopen(fd, "w");
		else
			assert_int_equal(trace_load(w[i], path, err, sizeof(err)), 0);
		world_run(w[i]);
		if (!i)
			assert_int_equal(fclose(w[i]->record), 0);
	}
	assert_true(w[0]->done > 1000 && w[0]->missed > 0);
	assert_int_equal(w[0]->done, w[1]->done);
	assert_int_equal(w[0]->missed, w[1]->missed);
	assert_int_equal(w[0]->drained, w[1]->drained);
	assert_int_equal(w[0]->picks, w[1]->picks);
	unlink(path);
	world_free(w[0]);
	world_free(w[1]);
}

static void bad_traces_are_refused(void **state)
{
	static const char *const lines[] = {
		"1,q,0,100", "1,q,0,100,0,0", "x,q,0,1,0", "1,nobody,0,100,0", "1,q,7,100,0",
		"1,q,0,0,0", "5,q,0,1,0\n4,q,0,1,0", "1,q,0,100,0x",
	};
	char path[] = "/tmp/sim-trace-XXXXXX", err[256];
	unsigned int i;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct world *w = world_new();
		FILE *f = fopen(path, "w");

		fprintf(f, "%s\n", lines[i]);
		fclose(f);
		assert_int_equal(scenario_parse(w, "device d\ngroup g\nqueue q load=trace\n",
						err, sizeof(err)), 0);
		assert_int_equal(trace_load(w, path, err, sizeof(err)), -EINVAL);
		assert_non_null(strstr(err, ": "));
		world_free(w);
	}
	unlink(path);
}

static void bad_scenarios_are_refused(void **state)
{
	static const char *const lines[] = {
		"frob x", "device", "device d spede=1", "device d speed=0", "device d speed=x",
		"device d tile=1parsec", "device d active=1W idle=2W", "device d tile=1us depth=2",
		"device d count=0", "group h parent=nobody", "group h weight=0",
		"group h weight=10001", "queue r load=closed:1", "queue r len=const:1ms",
		"queue r load=closed:0 len=const:1ms", "queue r load=closed:1 len=const:0",
		"queue r load=bursty:1ms len=const:1ms", "queue r load=closed:1 len=uniform:2:1",
		"queue r load=closed:1 len=const:1 class=royal",
		"queue r load=closed:1 len=const:1 class=realtime",
		"queue r load=closed:1 len=const:1 device=nobody",
		"queue r load=closed:1 len=const:1 group=nobody",
		"queue r load=closed:1:2:3:4 len=const:1", "set policy=magic", "set time=-1s",
		"set what=1", "at 1s explode d", "at 1s kill nobody", "at 1s weight g 0",
		"at 1s speed d 0", "group an_unreasonably_long_name_of_a_group",
	};
	char text[256], err[256];
	unsigned int i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct world *w = world_new();

		snprintf(text, sizeof(text), "device d\ngroup g\n%s\n"
			 "queue q load=closed:1 len=const:1ms\n", lines[i]);
		if (!scenario_parse(w, text, err, sizeof(err)))
			fail_msg("taken: %s", lines[i]);
		assert_int_equal(strncmp(err, "line 3: ", 8), 0);
		world_free(w);
	}
}

/* What the arbiter is compared with does what its name says. */
static void baselines_are_unfair_in_their_way(void **state)
{
	struct world *w = run_builtin("weights", "set policy=fifo\n");

	expect(w, world_share_error(w, false) > 1);
	expect(w, idle_with_work(w) == 0);
	world_free(w);
	w = run_builtin("weights", "set policy=rr\n");
	expect(w, world_share_error(w, false) > 1);
	world_free(w);
	w = run_builtin("realtime", "set policy=prio time=5s\n");
	expect(w, spec_named(w, "batch")->queues[0].served == 0);
	expect(w, spec_named(w, "kws")->queues[0].missed == 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_in_order),
		cmocka_unit_test(quantiles_are_near),
		cmocka_unit_test(jain_by_hand),
		cmocka_unit_test(distributions_have_their_mean),
		cmocka_unit_test(fluid_by_hand),
		cmocka_unit_test(one_device_by_hand),
		cmocka_unit_test(same_seed_same_output),
		cmocka_unit_test(traces_replay),
		cmocka_unit_test(bad_traces_are_refused),
		cmocka_unit_test(bad_scenarios_are_refused),
		cmocka_unit_test(baselines_are_unfair_in_their_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
