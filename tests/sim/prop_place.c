// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Placement against oracles that know all costs beforehand, and with devices
 * that die, stall and come back.
 */
#include <math.h>

#include "simtest.h"

#define DEVICES 4

/* Three null devices of different speed and power beside the CPU. */
static const struct {
	const char *name;
	double speed, active_w, idle_w;
} dev[DEVICES] = {
	{ "cpu", 1, 15, 5 }, { "small", 2, 4, 1 }, { "mid", 4, 20, 4 }, { "big", 8, 90, 10 },
};

static void add_devices(struct text *t)
{
	unsigned int i;

	for (i = 0; i < DEVICES; i++)
		text_add(t, "device %s speed=%g active=%gW idle=%gW", dev[i].name,
			 dev[i].speed, dev[i].active_w, dev[i].idle_w);
	text_add(t, "group g");
}

/*
 * The least makespan of @n equal jobs is the least T in which the devices
 * can do as many: device d does floor(T / cost_d). @only: a device that is
 * not there; DEVICES: all are.
 */
static double best_makespan(unsigned int n, double work, unsigned int without)
{
	double lo = 0, hi = n * work, mid;
	unsigned int i, step, done;

	for (step = 0; step < 60; step++) {
		mid = (lo + hi) / 2;
		for (i = done = 0; i < DEVICES; i++)
			if (i != without)
				done += (unsigned int)floor(mid * dev[i].speed / work + 1e-9);
		if (done >= n)
			hi = mid;
		else
			lo = mid;
	}
	return hi;
}

/*
 * The least energy of @n equal jobs by a deadline: fill the device that needs
 * least for a job as far as its time goes, then the next. Exchanging any two
 * jobs of another assignment costs more, so nothing is better.
 */
static double best_energy(unsigned int n, double work, double deadline)
{
	bool used[DEVICES] = { false };
	double sum = 0;

	while (n) {
		unsigned int i, best = DEVICES, take;
		double each = 0, e;

		for (i = 0; i < DEVICES; i++) {
			e = work / dev[i].speed * (dev[i].active_w - dev[i].idle_w);
			if (!used[i] && (best == DEVICES || e < each)) {
				best = i;
				each = e;
			}
		}
		if (best == DEVICES)
			return INFINITY;	/* can't be done in time */
		used[best] = true;
		take = (unsigned int)floor(deadline * dev[best].speed / work + 1e-9);
		take = take < n ? take : n;
		sum += take * each / 1e9;
		n -= take;
	}
	return sum;
}

static double active_energy(const struct world *w)
{
	double nj = 0;
	u32 i;

	for (i = 0; i < w->n_devices; i++)
		nj += (double)w->devices[i]->energy_nj;
	return nj / 1e9;
}

/* A second in which costs are learned; then a batch at once. */
static void add_learning(struct text *t)
{
	text_add(t, "queue learn load=poisson:4ms len=const:2ms to=800ms");
}

static void latency_is_near_the_oracle(void **state)
{
	static const unsigned int batch[] = { 40, 150, 600, 2000 };
	unsigned int seed, i;

	for (seed = 1; seed <= runs(20); seed++) {
		for (i = 0; i < 4; i++) {
			struct text t = { 0 };
			struct world *w;
			double oracle = best_makespan(batch[i], 2e6, DEVICES);

			text_add(&t, "set drain=1 seed=%u", seed);
			add_devices(&t);
			add_learning(&t);
			text_add(&t, "queue q from=1s load=once:%u len=const:2ms jitter=%g",
				 batch[i], seed % 2 ? 0.05 : 0);
			w = run_text(&t);
			expect(w, w->done == w->submitted);
			expect(w, (double)(w->drained - SEC) <= 1.05 * oracle);
			world_free(w);
		}
	}
}

static struct world *efficient_batch(unsigned int seed, unsigned int jobs, double deadline_ms)
{
	struct text t = { 0 };

	text_add(&t, "set drain=1 seed=%u", seed);
	add_devices(&t);
	add_learning(&t);
	if (jobs)
		text_add(&t, "queue q from=1s hint=efficiency deadline=%gms load=once:%u "
			 "len=const:2ms", deadline_ms, jobs);
	return run_text(&t);
}

/* Efficiency: the same against least energy, and nothing is late. */
static void efficiency_is_near_the_oracle(void **state)
{
	static const struct {
		unsigned int jobs;
		double deadline_ms;
	} batch[] = { { 50, 1000 }, { 300, 400 }, { 300, 150 }, { 600, 110 }, { 1000, 150 } };
	unsigned int seed, i;

	for (seed = 1; seed <= runs(20); seed++) {
		for (i = 0; i < 5; i++) {
			struct world *w, *learnt;
			double energy, oracle = best_energy(batch[i].jobs, 2e6,
							    batch[i].deadline_ms * 1e6);

			/* what learning costs is not the batch's */
			learnt = efficient_batch(seed, 0, batch[i].deadline_ms);
			w = efficient_batch(seed, batch[i].jobs, batch[i].deadline_ms);
			energy = active_energy(w) - active_energy(learnt);
			expect(w, w->done == w->submitted);
			expect(w, w->missed == 0);
			expect(w, energy <= 1.05 * oracle);
			world_free(w);
			world_free(learnt);
		}
	}
}

/* Few jobs for long: looking at the other devices again costs little as well. */
static void efficiency_lasts(void **state)
{
	unsigned int seed;

	for (seed = 1; seed <= runs(10); seed++) {
		struct text t = { 0 };
		struct world *w;
		double energy, oracle;

		text_add(&t, "set time=120s drain=1 seed=%u", seed);
		add_devices(&t);
		text_add(&t, "queue q hint=efficiency load=periodic:100ms len=const:80ms");
		w = run_text(&t);
		energy = active_energy(w);
		oracle = best_energy((unsigned int)w->submitted, 80e6, 120e9);
		expect(w, w->done == w->submitted);
		expect(w, energy <= 1.05 * oracle);
		world_free(w);
	}
}

/* The fastest device dies amid a batch: all is done, near what is possible. */
static void killed_device_loses_no_job(void **state)
{
	unsigned int seed;

	for (seed = 1; seed <= runs(20); seed++) {
		struct text t = { 0 };
		struct world *w;
		double without = best_makespan(2000, 2e6, 3);

		text_add(&t, "set drain=1 seed=%u", seed);
		add_devices(&t);
		add_learning(&t);
		text_add(&t, "queue q from=1s load=once:2000 len=const:2ms");
		text_add(&t, "at 1s kill big");
		w = run_text(&t);
		expect(w, w->done == w->submitted);
		expect(w, w->moved > 0 || w->devices[3]->jobs > 0);
		expect(w, (double)(w->drained - SEC) <= 1.06 * without);
		world_free(w);
	}
}

/* Any faults at any time: each job is done once, and only once. */
static void faults_lose_nothing(void **state)
{
	unsigned int seed, i, n, faults;

	for (seed = 1; seed <= runs(200); seed++) {
		struct text t = { 0 };
		struct world *w;
		struct rng r;

		rng_seed(&r, seed);
		n = 2 + (unsigned int)rng_below(&r, 4);
		text_add(&t, "set time=2s drain=1 watch=20ms seed=%u", seed);
		text_add(&t, "device d count=%u %s active=10W idle=1W", n,
			 rng_below(&r, 2) ? "tile=100us" : "depth=3");
		text_add(&t, "group g count=2");
		text_add(&t, "queue any count=5 load=poisson:3ms len=exp:1ms hint=%s",
			 hint_names[rng_below(&r, HINT_N)]);
		text_add(&t, "queue own count=3 spread=1 load=closed:2 len=exp:1ms jobs=500");
		text_add(&t, "queue bg count=2 class=background load=closed:4 len=const:7ms");
		faults = 1 + (unsigned int)rng_below(&r, 6);
		for (i = 0; i < faults; i++) {
			static const char *const what[] = { "kill", "stall", "speed" };
			unsigned int d = (unsigned int)rng_below(&r, n);
			unsigned int k = (unsigned int)rng_below(&r, 3);
			u64 at = 100 + rng_below(&r, 1800);

			text_add(&t, "at %llums %s d%u%s", (unsigned long long)at, what[k], d,
				 k == 2 ? " 0.3" : "");
			text_add(&t, k == 2 ? "at %llums speed d%u 1" : "at %llums return d%u",
				 (unsigned long long)(at + 10 + rng_below(&r, 500)), d);
		}
		for (i = 0; i < n; i++)
			text_add(&t, "at 2500ms return d%u", i);
		w = run_text(&t);
		expect(w, w->done == w->submitted);
		for (i = 0; i < w->n_specs; i++)
			for (n = 0; n < w->specs[i]->count; n++)
				expect(w, w->specs[i]->queues[n].done ==
					  w->specs[i]->queues[n].submitted);
		expect(w, idle_with_work(w) == 0);
		world_free(w);
	}
}

/* A device that is back gets work again; one that was throttled gets less. */
static void devices_come_back(void **state)
{
	struct text t = { 0 };
	struct world *w;

	text_add(&t, "set time=20s drain=1 watch=20ms");
	text_add(&t, "device d count=2 speed=1");
	text_add(&t, "group g\nqueue q load=poisson:1500us len=const:2ms");
	text_add(&t, "at 2s stall d0\nat 4s return d0");
	w = run_text(&t);
	expect(w, w->done == w->submitted);
	expect(w, w->devices[0]->jobs > w->devices[1]->jobs * 7 / 10);
	world_free(w);

	text_add(&t, "set time=20s drain=1");
	text_add(&t, "device d count=2 speed=1 told=0");
	text_add(&t, "group g\nqueue q load=poisson:2ms len=const:2ms");
	text_add(&t, "at 1s speed d0 0.25");
	w = run_text(&t);
	expect(w, w->done == w->submitted);
	expect(w, w->devices[0]->jobs < w->devices[1]->jobs / 2);
	world_free(w);
}

/* Nothing tells the placer that a device is slow now, but the jobs do. */
static void costs_are_learned(void **state)
{
	struct text t = { 0 };
	struct world *w;

	text_add(&t, "set time=20s");
	text_add(&t, "device d count=2 told=0");
	text_add(&t, "group g\nqueue q load=periodic:20ms len=const:2ms");
	text_add(&t, "at 4s speed d0 0.25");
	w = run_text(&t);
	/* of the 800 jobs after that, all but a few to find out, and trials */
	expect(w, w->devices[1]->jobs > 720);
	world_free(w);
}

/* Keep warm stays where it was while that is not much worse. */
static void warm_stays(void **state)
{
	u64 switches[2];
	int i;

	for (i = 0; i < 2; i++) {
		struct text t = { 0 };
		struct world *w;

		text_add(&t, "set time=20s");
		text_add(&t, "device d count=2");
		text_add(&t, "group g\nqueue other load=poisson:4ms len=const:1ms");
		text_add(&t, "queue q hint=%s load=periodic:11ms:1 len=const:5ms",
			 i ? "warm" : "latency");
		w = run_text(&t);
		expect(w, w->done + 4 >= w->submitted);
		switches[i] = spec_named(w, "q")->queues[0].switches;
		world_free(w);
	}
	assert_true(switches[0] > 200);
	assert_true(switches[1] < switches[0] / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(latency_is_near_the_oracle),
		cmocka_unit_test(efficiency_is_near_the_oracle),
		cmocka_unit_test(efficiency_lasts),
		cmocka_unit_test(killed_device_loses_no_job),
		cmocka_unit_test(faults_lose_nothing),
		cmocka_unit_test(devices_come_back),
		cmocka_unit_test(costs_are_learned),
		cmocka_unit_test(warm_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
