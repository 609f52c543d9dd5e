// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the arbiter promises realtime streams: those that were admitted and
 * keep to what they asked for meet their deadlines, whatever the others do.
 */
#include <stdlib.h>

#include "simtest.h"

struct task {
	u64 cost, period;	/* us */
};


/* Periods that divide 27,720 us, so that utilisation can be as good as 1. */
static const u64 periods[] = { 840, 1260, 1980, 2520, 3080, 3960, 5544, 9240, 13860 };
#define HYPER 27720

/*
 * A set of @n tasks with a utilisation of @num / HYPER: shares cut at random,
 * the last task takes what is left, less what doesn't divide.
 */
static void any_tasks(struct rng *r, struct task *t, unsigned int n, u64 num)
{
	u64 left = num;
	unsigned int i;

	for (i = 0; i + 1 < n; i++) {
		u64 p = periods[rng_below(r, sizeof(periods) / sizeof(periods[0]))];
		u64 per = HYPER / p, most = left / per / (n - i);

		t[i].period = p;
		t[i].cost = 1 + (most > 1 ? rng_below(r, 2 * most - 1) : 0);
		if (t[i].cost * per >= left)
			t[i].cost = 1;
		left -= t[i].cost * per;
	}
	t[n - 1].period = periods[rng_below(r, 5)];
	t[n - 1].cost = left / (HYPER / t[n - 1].period);
}

/* Would rate-monotonic priorities do? Exact, by response times. */
static bool fixed_priority_does(const struct task *t, unsigned int n)
{
	unsigned int i, k;

	for (i = 0; i < n; i++) {
		u64 r = 0, next = t[i].cost;

		while (next != r && next <= t[i].period) {
			r = next;
			next = t[i].cost;
			for (k = 0; k < n; k++)
				if (t[k].period < t[i].period ||
				    (t[k].period == t[i].period && k < i))
					next += (r + t[k].period - 1) / t[k].period * t[k].cost;
		}
		if (next > t[i].period)
			return false;
	}
	return true;
}

/*
 * EDF is optimal: every set that fits at all is met, here with utilisations
 * from 0.9988 to 1 and tiles of 1 us. That the sets are hard ones is seen by most of them
 * being beyond any fixed priorities.
 */
static void edf_meets_what_can_be_met(void **state)
{
	unsigned int seed, beyond = 0, i, n;

	for (seed = 1; seed <= runs(60); seed++) {
		struct task tasks[6];
		struct text t = { 0 };
		struct world *w;
		struct rng r;

		rng_seed(&r, seed);
		n = 3 + (unsigned int)rng_below(&r, 4);
		any_tasks(&r, tasks, n, HYPER - 1);	/* densities are rounded up */
		beyond += !fixed_priority_does(tasks, n);
		text_add(&t, "set time=554400us limit=1 floor=0 seed=%u", seed);
		text_add(&t, "device d tile=1us");
		text_add(&t, "group g");
		for (i = 0; i < n; i++)
			text_add(&t, "queue r%u class=realtime runtime=%lluus period=%lluus "
				 "deadline=%lluus load=periodic:%lluus len=const:%lluus", i,
				 (unsigned long long)tasks[i].cost,
				 (unsigned long long)tasks[i].period,
				 (unsigned long long)tasks[i].period,
				 (unsigned long long)tasks[i].period,
				 (unsigned long long)tasks[i].cost);
		w = run_text(&t);
		expect(w, w->refused == 0);
		expect(w, w->done >= w->submitted - n);
		expect(w, w->lateness.max <= USEC);
		world_free(w);
	}
	assert_true(beyond > runs(60) / 3);
}

/* One more than fits is refused, and one that just fits is not. */
static void admission_is_exact(void **state)
{
	static const struct {
		const char *last;
		unsigned int refused;
	} cases[] = {
		{ "runtime=1ms period=20ms deadline=20ms", 0 },
		{ "runtime=1001us period=20ms deadline=20ms", 1 },
		{ "runtime=500us period=20ms deadline=10ms", 0 },
		{ "runtime=501us period=20ms deadline=10ms", 1 },
	};
	unsigned int i;

	for (i = 0; i < 4; i++) {
		struct text t = { 0 };
		struct world *w;

		text_add(&t, "set time=1s\ndevice d tile=100us\ngroup g");
		text_add(&t, "queue a count=9 class=realtime runtime=1ms period=10ms "
			 "deadline=10ms load=periodic:10ms len=const:900us");
		text_add(&t, "queue b class=realtime %s load=periodic:20ms len=const:500us",
			 cases[i].last);
		w = run_text(&t);
		expect(w, w->refused == cases[i].refused);
		world_free(w);
	}
}

/*
 * Admitted streams of any kind beside background, interactive and normal work
 * and beside streams that break their promise: late by a tile at most.
 */
static void admitted_streams_are_in_time(void **state)
{
	unsigned int seed, i, n, whole;

	for (seed = 1; seed <= runs(100); seed++) {
		struct text t = { 0 };
		struct world *w;
		struct rng r;

		rng_seed(&r, seed);
		text_add(&t, "set time=4s seed=%u", seed);
		whole = !rng_below(&r, 4);
		text_add(&t, whole ? "device d" : "device d tile=100us");
		text_add(&t, "group a weight=1\ngroup b weight=10000");
		n = 1 + (unsigned int)rng_below(&r, 8);
		for (i = 0; i < n; i++) {
			u64 period = 2000 + rng_below(&r, 20000);
			u64 cost = 1 + rng_below(&r, period * 90 / 100 / n);
			u64 due = cost + rng_below(&r, period - cost + 1);

			text_add(&t, "queue r%u group=a class=realtime runtime=%lluus "
				 "period=%lluus deadline=%lluus load=periodic:%lluus:1 "
				 "len=uniform:1us:%lluus", i, (unsigned long long)cost,
				 (unsigned long long)period, (unsigned long long)due,
				 (unsigned long long)period, (unsigned long long)cost + 1);
		}
		text_add(&t, "queue bad group=b class=realtime runtime=100us period=10ms "
			 "load=closed:4 len=const:%s", whole ? "100us" : "3ms");
		text_add(&t, "queue i group=b count=3 class=interactive load=poisson:2ms "
			 "len=const:100us");
		text_add(&t, "queue n group=b load=closed:8 len=%s",
			 whole ? "const:100us" : "exp:2ms");
		text_add(&t, "queue bg group=b class=background load=closed:8 len=%s",
			 whole ? "const:100us" : "const:50ms");
		w = run_text(&t);
		/* whole jobs: the longest that can't be stopped, realtime included */
		if (!whole)
			expect(w, w->lateness.max <= 100 * USEC);
		expect(w, idle_with_work(w) == 0);
		expect(w, w->response[ARB_NORMAL].count > 0);
		world_free(w);
	}
}

/*
 * Devices that hold many jobs and can't be preempted. What may be there before
 * a realtime job is as much as all streams can bear, or one job: so they are in
 * time if jobs are no longer than that, else late by what they are longer at most.
 * And the device is never idle while jobs wait.
 */
static void deep_devices_are_in_time(void **state)
{
	unsigned int seed, i, n, full = 0, fits = 0;

	for (seed = 1; seed <= runs(100); seed++) {
		struct text t = { 0 };
		struct world *w;
		struct rng r;
		u64 len, bear;

		rng_seed(&r, seed);
		len = 100 + rng_below(&r, 3000);
		n = 1 + (unsigned int)rng_below(&r, 4);
		text_add(&t, "set time=4s seed=%u\ndevice d depth=%llu\ngroup a\ngroup b", seed,
			 1 + (unsigned long long)rng_below(&r, 64));
		for (i = 0; i < n; i++) {
			u64 period = 2000 + rng_below(&r, 30000);
			u64 cost = 1 + rng_below(&r, period * 60 / 100 / n);
			u64 due = cost + rng_below(&r, period - cost + 1);

			/* no longer than the others' jobs: L is theirs */
			cost = cost < len ? cost : len;
			text_add(&t, "queue r%u group=a class=realtime runtime=%lluus "
				 "period=%lluus deadline=%lluus load=periodic:%lluus:1 "
				 "len=const:%lluus", i, (unsigned long long)cost,
				 (unsigned long long)period, (unsigned long long)due,
				 (unsigned long long)period, (unsigned long long)cost);
		}
		text_add(&t, "queue n group=b count=3 load=closed:40 len=const:%lluus",
			 (unsigned long long)len);
		text_add(&t, "queue bg group=b class=background load=closed:40 len=const:%lluus",
			 (unsigned long long)len);
		w = run_text(&t);
		bear = arb_tolerance(&w->devices[0]->arb);
		if (len * USEC <= bear)
			expect(w, w->missed == 0);
		else
			expect(w, w->lateness.max <= len * USEC - bear);
		fits += len * USEC <= bear;
		full += window_size(&w->devices[0]->window, w->now) > 1;
		expect(w, idle_with_work(w) == 0);
		expect(w, w->response[ARB_NORMAL].count > 0);
		world_free(w);
	}
	assert_true(fits > 0 && full > 0 && fits < runs(100));
}

/* What the window is for; and what it costs nobody, as all are served. */
static void without_a_window_they_are_late(void **state)
{
	struct world *w = run_builtin("deep", "");
	u64 jobs = w->done;

	expect(w, w->missed == 0);
	expect(w, hist_quantile(&w->response[ARB_INTERACTIVE], 0.99) < 4 * MSEC);
	world_free(w);
	w = run_builtin("deep", "set window=0\n");
	expect(w, w->missed > w->submitted / 100);
	expect(w, hist_quantile(&w->response[ARB_INTERACTIVE], 0.5) > 20 * MSEC);
	expect(w, w->done <= jobs + 64);
	world_free(w);
}

/* The same on devices with several servers, where EDF isn't optimal. */
static void admitted_on_several_servers(void **state)
{
	unsigned int seed, i, n, m, admitted = 0;

	for (seed = 1; seed <= runs(60); seed++) {
		struct text t = { 0 };
		struct world *w;
		struct rng r;

		rng_seed(&r, seed);
		m = 2 + (unsigned int)rng_below(&r, 3);
		n = m + 1 + (unsigned int)rng_below(&r, 6);
		text_add(&t, "set time=3s seed=%u\ndevice d parallel=%u tile=100us", seed, m);
		text_add(&t, "group a");
		for (i = 0; i < n; i++) {
			u64 period = 2000 + rng_below(&r, 20000);
			u64 cost = 1 + rng_below(&r, period / 2);
			u64 due = cost + rng_below(&r, period - cost + 1);

			text_add(&t, "queue r%u class=realtime runtime=%lluus period=%lluus "
				 "deadline=%lluus load=periodic:%lluus:1 len=const:%lluus", i,
				 (unsigned long long)cost, (unsigned long long)period,
				 (unsigned long long)due, (unsigned long long)period,
				 (unsigned long long)cost);
		}
		text_add(&t, "queue n load=closed:16 len=exp:2ms");
		w = run_text(&t);
		expect(w, w->lateness.max <= 100 * USEC);
		expect(w, idle_with_work(w) == 0);
		admitted += n - w->refused > m;
		world_free(w);
	}
	assert_true(admitted > 0);
}

/* An overrunner pays for it: nobody else notices, fair classes keep theirs. */
static void overruns_hurt_their_stream_alone(void **state)
{
	struct world *w = run_builtin("overrun", "");
	struct qspec *good = spec_named(w, "good"), *bad = spec_named(w, "bad");

	expect(w, good->queues[0].missed == 0);
	expect(w, bad->queues[0].missed > 0);
	expect(w, bad->queues[0].served <= w->end / 10 * 1.01 + 5 * MSEC);
	expect(w, w->groups[1]->served[ARB_NORMAL] >= w->end * 80 / 100);
	world_free(w);
}

/*
 * 10,000 periods of the keyword network beside saturating work: nothing is
 * missed, nothing takes longer than alone by more than a tile.
 */
static void ten_thousand_periods(void **state)
{
	struct world *w = run_builtin("realtime", getenv("SIM_SHORT") ? "set time=10s\n" :
					"set time=100s\n");
	struct qspec *kws = spec_named(w, "kws");

	expect(w, kws->queues[0].done >= (getenv("SIM_SHORT") ? 999 : 9999));
	expect(w, kws->queues[0].missed == 0);
	expect(w, kws->response.max <= 136 * USEC + 100 * USEC);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edf_meets_what_can_be_met),
		cmocka_unit_test(admission_is_exact),
		cmocka_unit_test(admitted_streams_are_in_time),
		cmocka_unit_test(deep_devices_are_in_time),
		cmocka_unit_test(without_a_window_they_are_late),
		cmocka_unit_test(admitted_on_several_servers),
		cmocka_unit_test(overruns_hurt_their_stream_alone),
		cmocka_unit_test(ten_thousand_periods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
