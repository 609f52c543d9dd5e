// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which device gets a job. A handful of devices are played through here, one
 * event after the other; tests/sim does it with thousands.
 */
#include "../../module/sched/place.h"
#include "unit.h"

#define US	1000ULL
#define MS	1000000ULL
#define SEC	1000000000ULL
#define MAX	8
#define FLIGHT	64

/**
 * struct world - devices that work, and what placement thinks of them
 * @ns:		what a job takes
 * @fails:	it then fails
 * @busy:	until then with what it has
 * @flying:	jobs on their way, each with its device (0: unused) + 1
 */
struct world {
	u64 now;
	u32 n;
	struct place_dev dev[MAX];
	struct place_cost cost[MAX];
	u64 ns[MAX];
	bool fails[MAX];
	u64 busy[MAX];
	u32 went[MAX];
	u32 failed;
	struct place_job job;
	struct {
		u32 at;
		u64 expect, begin, end;
	} flying[FLIGHT];
};

static void world_init(struct world *w, u32 n, const u64 *ns)
{
	u32 i;

	memset(w, 0, sizeof(*w));
	w->now = 5 * SEC;
	w->n = n;
	for (i = 0; i < n; i++) {
		place_dev_init(&w->dev[i], 1);
		place_cost_init(&w->cost[i]);
		w->ns[i] = ns[i];
	}
	w->job.samples = 1;
	w->job.last = PLACE_NONE;
}

static u32 pick(const struct world *w)
{
	struct place_candidate cands[MAX];
	u32 i;

	for (i = 0; i < w->n; i++)
		cands[i] = (struct place_candidate) {
			.dev = &w->dev[i], .cost = &w->cost[i],
		};
	return place_pick(cands, w->n, &w->job, w->now);
}

/* A job sets out. Return: its device. */
static u32 send(struct world *w)
{
	u32 i = pick(w), k;

	assert_true(i < w->n);
	for (k = 0; w->flying[k].at; k++)
		assert_true(k < FLIGHT - 1);
	w->flying[k].at = i + 1;
	w->flying[k].expect = place_sent(&w->dev[i], &w->cost[i], &w->job, w->now);
	w->flying[k].begin = w->busy[i] > w->now ? w->busy[i] : w->now;
	w->flying[k].end = w->flying[k].begin + w->ns[i];
	w->busy[i] = w->flying[k].end;
	w->went[i]++;
	w->job.last = i;
	w->job.turn++;
	return i;
}

/* The job that ends first does. False: there is none. */
static bool end_one(struct world *w)
{
	u32 k, first = FLIGHT;

	for (k = 0; k < FLIGHT; k++)
		if (w->flying[k].at && (first == FLIGHT ||
					w->flying[k].end < w->flying[first].end))
			first = k;
	if (first == FLIGHT)
		return false;
	k = w->flying[first].at - 1;
	w->now = w->flying[first].end;
	w->flying[first].at = 0;
	if (w->fails[k]) {
		place_failed(&w->dev[k], &w->cost[k], w->flying[first].expect,
			     w->flying[first].begin, w->now);
		w->failed++;
	} else {
		place_ran(&w->dev[k], &w->cost[k], w->job.samples,
			  w->flying[first].expect, w->flying[first].begin,
			  w->now);
	}
	return true;
}

/* Nothing is left to find out. */
static void know(struct world *w)
{
	u32 i, k;

	for (i = 0; i < w->n; i++)
		for (k = 0; k < 20; k++)
			place_cost_learn(&w->cost[i], 1, w->ns[i], w->now);
}

/* @jobs of them, @window at a time. Return: how long it took. */
static u64 play(struct world *w, u32 jobs, u32 window)
{
	u64 start = w->now;
	u32 flying = 0;

	memset(w->went, 0, sizeof(w->went));
	while (jobs || flying) {
		if (jobs && flying < window) {
			send(w);
			jobs--;
			flying++;
		} else {
			assert_true(end_one(w));
			flying--;
		}
	}
	return w->now - start;
}

/* The least time in which the devices can do @jobs equal jobs. */
static u64 oracle(const u64 *ns, u32 n, u32 jobs)
{
	u64 lo = 0, hi = ns[0] * jobs;

	while (lo < hi) {
		u64 mid = lo + (hi - lo) / 2, done = 0;
		u32 i;

		for (i = 0; i < n; i++)
			done += mid / ns[i];
		if (done >= jobs)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void test_one_or_no_candidate(void **state)
{
	struct world w;

	world_init(&w, 0, NULL);
	assert_int_equal(pick(&w), PLACE_NONE);
	world_init(&w, 1, (u64[]){ 1 });
	assert_int_equal(pick(&w), 0);
	place_dev_state(&w.dev[0], PLACE_GONE);
	assert_int_equal(pick(&w), 0);
	place_dev_state(&w.dev[0], 0xffffffff);
	assert_int_equal(pick(&w), 0);
}

/* Before anything is known: the fewest jobs, the first of equals. */
static void test_the_unknown_are_taken_in_turn(void **state)
{
	struct world w;
	u32 i;

	world_init(&w, 3, (u64[]){ MS, MS, MS });
	for (i = 0; i < 9; i++)
		assert_int_equal(send(&w), i % 3);
}

static void test_each_device_is_tried_soon(void **state)
{
	struct world w;
	u32 i;

	world_init(&w, 4, (u64[]){ MS, 8 * MS, 3 * MS, 2 * MS });
	play(&w, 16, 1);
	for (i = 0; i < 4; i++) {
		assert_true(w.cost[i].runs > 0);
		assert_true(i == 0 || w.went[i] <= 2);
	}
	/* And from then on the fastest is taken. */
	play(&w, 20, 1);
	assert_int_equal(w.went[0], 20);
}

static void test_latency_is_near_the_oracle(void **state)
{
	static const u64 ns[][4] = {
		{ 100 * US, 200 * US, 400 * US, 0 },
		{ MS, MS, MS, MS },
		{ 10 * US, 1000 * US, 700 * US, 33 * US },
		{ 5 * MS, 7 * MS, 11 * MS, 13 * MS },
	};
	static const u32 windows[] = { 8, 16, 32, 64 };
	struct world w;
	u32 i, j;

	for (i = 0; i < 4; i++) {
		u32 n = ns[i][3] ? 4 : 3;

		/* Few jobs at a time don't keep slow devices busy. */
		for (j = i == 2 ? 2 : 0; j < 4; j++) {
			u64 took, best = oracle(ns[i], n, 2000);

			world_init(&w, n, ns[i]);
			play(&w, 40, 4);
			took = play(&w, 2000, windows[j]);
			if (took * 100 > best * 105)
				fail_msg("case %u, window %u: %llu, oracle %llu",
					 i, windows[j],
					 (unsigned long long)took,
					 (unsigned long long)best);
		}
	}
}

static void test_a_change_of_speed_is_followed(void **state)
{
	const u64 ns[] = { 100 * US, 200 * US, 400 * US };
	struct world w;
	u64 took;

	world_init(&w, 3, ns);
	play(&w, 200, 8);
	w.ns[0] = 2 * MS;
	took = play(&w, 1000, 8);
	assert_true(took * 100 <= 110 * oracle(w.ns, 3, 1000));
	/* It is fast again, which is found out though it is hardly used. */
	w.ns[0] = 100 * US;
	w.now += 2 * SEC;
	play(&w, 20, 8);
	took = play(&w, 1000, 8);
	assert_true(took * 100 <= 105 * oracle(w.ns, 3, 1000));
}

static void test_a_slow_device_is_measured_again_seldom(void **state)
{
	struct world w;
	u64 took;

	world_init(&w, 2, (u64[]){ MS, 200 * MS });
	play(&w, 8, 1);
	/* A job of 200 ms costs at most 1/64 of the time. */
	took = play(&w, 60000, 1);
	assert_true(w.went[1] >= 2);
	assert_true(w.went[1] <= 1 + took / (64 * 200 * MS));
}

static void test_a_throttled_device_is_left_at_once(void **state)
{
	struct world w;

	world_init(&w, 2, (u64[]){ MS, 2 * MS });
	play(&w, 8, 1);
	w.job.turn = 1;
	assert_int_equal(pick(&w), 0);
	place_dev_speed(&w.dev[0], 400, 400, w.now);
	assert_int_equal(pick(&w), 1);
	place_dev_speed(&w.dev[0], 0, 0, w.now);
	assert_int_equal(pick(&w), 1);
	/* What is measured then does not count twice. */
	place_dev_speed(&w.dev[0], 400, 400, w.now);
	place_dev_state(&w.dev[1], PLACE_DRAINING);
	w.ns[0] = 2500 * US;
	play(&w, 20, 1);
	assert_true(place_cost_of(&w.cost[0], 1) < 1010 * US);
	assert_true(place_cost_of(&w.cost[0], 1) > 990 * US);
	place_dev_speed(&w.dev[0], 1000, 1000, w.now);
	place_dev_state(&w.dev[1], PLACE_UP);
	w.job.turn = 1;
	assert_int_equal(pick(&w), 0);
}

/*
 * Two devices with as much waiting each, one's own all on the first one: of that
 * it has a tenth, so it will be long. On the other one there is its share.
 */
static void test_what_others_have_waiting_is_not_in_ones_way(void **state)
{
	struct place_candidate cands[2] = { };
	struct world w;
	u32 i, k;

	world_init(&w, 2, (u64[]){ MS, MS });
	play(&w, 40, 4);
	for (i = 0; i < 2; i++) {
		for (k = 0; k < 100 + i; k++)
			place_sent(&w.dev[i], &w.cost[i], &w.job, w.now);
		cands[i].dev = &w.dev[i];
		cands[i].cost = &w.cost[i];
	}
	w.job.turn = 1;
	assert_int_equal(place_pick(cands, 2, &w.job, w.now), 0);
	cands[0].own_ns = 2 * MS;
	cands[0].share_ppm = 100000;
	cands[1].share_ppm = 100000;
	assert_int_equal(place_pick(cands, 2, &w.job, w.now), 1);
	/* A larger share of the first one makes up for that. */
	cands[0].share_ppm = 500000;
	assert_int_equal(place_pick(cands, 2, &w.job, w.now), 0);
	/* Nor does it wait longer than for all that there is. */
	cands[0].share_ppm = 1;
	cands[0].own_ns = ~0ULL;
	cands[1].share_ppm = 0;
	assert_int_equal(place_pick(cands, 2, &w.job, w.now), 0);
}

/* It goes faster as soon as it has something to do: in the midst of that. */
static void test_a_change_of_pace_amid_a_job(void **state)
{
	struct world w;
	u64 expect, began;
	u32 i;

	world_init(&w, 1, (u64[]){ MS });
	for (i = 0; i < 20; i++) {
		place_dev_speed(&w.dev[0], 1000, 200, w.now);
		expect = place_sent(&w.dev[0], &w.cost[0], &w.job, w.now);
		began = w.now;
		w.now += 4 * MS;		/* of which it needed 800 us */
		place_dev_speed(&w.dev[0], 1000, 1000, w.now);
		w.now += 200 * US;
		place_ran(&w.dev[0], &w.cost[0], 1, expect, began, w.now);
		w.now += MS;
	}
	assert_true(place_cost_of(&w.cost[0], 1) < 1010 * US);
	assert_true(place_cost_of(&w.cost[0], 1) > 990 * US);
}

/* One that idles along is taken for as fast as it can be, and learned of so. */
static void test_a_slow_pace_does_not_count(void **state)
{
	struct world w;

	world_init(&w, 2, (u64[]){ MS, 2 * MS });
	play(&w, 8, 1);
	w.job.turn = 1;
	place_dev_speed(&w.dev[0], 1000, 200, w.now);
	assert_int_equal(pick(&w), 0);
	w.ns[0] = 5 * MS;
	play(&w, 20, 1);
	assert_true(place_cost_of(&w.cost[0], 1) < 1010 * US);
	assert_true(place_cost_of(&w.cost[0], 1) > 990 * US);
	/* Never faster than it can be. */
	place_dev_speed(&w.dev[0], 400, 1000, w.now);
	w.ns[0] = 2500 * US;
	play(&w, 20, 1);
	assert_true(place_cost_of(&w.cost[0], 1) < 1010 * US);
	assert_true(place_cost_of(&w.cost[0], 1) > 990 * US);
}

/* Waking up counts as waiting, and as energy. */
static void test_a_device_that_is_down(void **state)
{
	struct world w;

	world_init(&w, 2, (u64[]){ MS, 2 * MS });
	play(&w, 40, 1);
	w.job.turn = 1;
	assert_int_equal(pick(&w), 0);
	place_dev_wake(&w.dev[0], 500 * US);
	assert_int_equal(pick(&w), 0);
	place_dev_wake(&w.dev[0], 5 * MS);
	assert_int_equal(pick(&w), 1);
	/* Not idle either, so it is not taken for that. */
	w.job.hint = PLACE_THROUGHPUT;
	assert_int_equal(pick(&w), 1);
	w.job.hint = PLACE_EFFICIENCY;
	place_dev_power(&w.dev[0], 0, 1000000);
	place_dev_power(&w.dev[1], 0, 1000000);
	assert_int_equal(pick(&w), 1);
	place_dev_wake(&w.dev[0], 0);
	assert_int_equal(pick(&w), 0);
	/* However long: no wait overflows. */
	place_dev_wake(&w.dev[0], ~0ULL);
	place_dev_wake(&w.dev[1], ~0ULL);
	assert_true(pick(&w) < 2);
	assert_true(place_dev_wait(&w.dev[0], 0, 0, w.now) <= PLACE_NS_MAX);
}

static void test_a_failing_device_is_avoided_and_returned_to(void **state)
{
	struct world w;
	u32 i;

	world_init(&w, 2, (u64[]){ 100 * US, MS });
	play(&w, 40, 1);
	w.fails[0] = true;
	play(&w, 1000, 1);
	assert_true(w.failed >= 3);
	/* Three, and one each time that it was tried again: 100 ms, 200, 400. */
	assert_true(w.failed <= 3 + 4);
	assert_int_equal(w.went[0], w.failed);
	/* For ever: the pauses grow, to ten seconds. */
	w.failed = 0;
	play(&w, 100000, 1);
	assert_true(w.failed >= 10 && w.failed <= 17);
	/* It works again. */
	w.fails[0] = false;
	w.now += 10 * SEC;
	for (i = 0; i < 4; i++)
		play(&w, 1, 1);
	play(&w, 100, 1);
	assert_true(w.went[0] >= 99);
}

/* What fails with one model is still good for others. */
static void test_only_what_failed_is_avoided(void **state)
{
	struct place_cost other;
	struct world w;

	world_init(&w, 2, (u64[]){ 100 * US, MS });
	play(&w, 40, 1);
	other = w.cost[0];
	w.fails[0] = true;
	play(&w, 100, 1);
	w.job.turn = 1;
	assert_int_equal(pick(&w), 1);
	w.cost[0] = other;
	assert_int_equal(pick(&w), 0);
	/* But not if the device itself had to be reset. */
	place_dev_failed(&w.dev[0], w.now);
	assert_int_equal(pick(&w), 1);
	w.now += SEC;
	w.job.turn = 4;
	w.fails[0] = false;
	play(&w, 2, 1);
	w.job.turn = 1;
	assert_int_equal(pick(&w), 0);
}

static void test_the_worse_states_come_last(void **state)
{
	struct world w;

	world_init(&w, 4, (u64[]){ MS, 2 * MS, 3 * MS, 4 * MS });
	play(&w, 40, 2);
	w.job.turn = 1;
	place_dev_state(&w.dev[0], PLACE_DRAINING);
	assert_int_equal(pick(&w), 1);
	place_dev_failed(&w.dev[1], w.now);
	assert_int_equal(pick(&w), 2);
	place_dev_state(&w.dev[2], PLACE_DOWN);
	place_dev_state(&w.dev[3], PLACE_GONE);
	assert_int_equal(pick(&w), 1);
	place_dev_state(&w.dev[1], PLACE_DOWN);
	assert_int_equal(pick(&w), 0);
	place_dev_state(&w.dev[0], PLACE_GONE);
	assert_true(pick(&w) == 1 || pick(&w) == 2);
	place_dev_state(&w.dev[1], PLACE_GONE);
	assert_int_equal(pick(&w), 2);
}

static void test_a_stalled_device_gets_no_more(void **state)
{
	struct world w;
	u32 i, went = 0;

	world_init(&w, 2, (u64[]){ 100 * US, MS });
	play(&w, 40, 1);
	w.ns[0] = 100 * SEC;
	for (i = 0; i < 100; i++) {
		w.now += 200 * US;
		if (w.flying[1].at && w.flying[1].end <= w.now)
			end_one(&w);
		if (!w.flying[1].at || !w.flying[0].at)
			went += send(&w) == 0;
	}
	assert_true(went <= 2);
	/* When it answers at last, it is taken again. */
	while (end_one(&w))
		;
	w.ns[0] = 100 * US;
	play(&w, 40, 1);
	assert_true(w.went[0] >= 30);
}

static void test_efficiency_takes_the_least_energy(void **state)
{
	struct world w;

	world_init(&w, 3, (u64[]){ 100 * US, 300 * US, 1000 * US });
	place_dev_power(&w.dev[0], 1000000, 41000000);	/* 4000 uJ a job */
	place_dev_power(&w.dev[1], 500000, 5500000);	/* 1500 */
	place_dev_power(&w.dev[2], 5000000, 5400000);	/* 400, idling apart */
	know(&w);
	w.job.hint = PLACE_EFFICIENCY;
	w.job.turn = 1;
	assert_int_equal(pick(&w), 2);
	w.job.deadline_ns = w.now + 500 * US;
	assert_int_equal(pick(&w), 1);
	w.job.deadline_ns = w.now + 150 * US;
	assert_int_equal(pick(&w), 0);
	/* In time nowhere: soon. */
	w.job.deadline_ns = w.now + 50 * US;
	assert_int_equal(pick(&w), 0);
	w.job.deadline_ns = 1;
	assert_int_equal(pick(&w), 0);
}

/*
 * To see whether a device has changed takes energy: a 128th of what the jobs
 * take, however few they are. That it has is found out all the same.
 */
static void test_efficiency_looks_elsewhere_seldom(void **state)
{
	struct world w;

	world_init(&w, 3, (u64[]){ 25 * MS, 100 * MS, 400 * MS });
	place_dev_power(&w.dev[0], 0, 80000000);	/* 2000 mJ a job */
	place_dev_power(&w.dev[1], 0, 3000000);		/* 300 */
	place_dev_power(&w.dev[2], 0, 10000000);	/* 4000 */
	know(&w);
	w.job.hint = PLACE_EFFICIENCY;
	play(&w, 10000, 1);
	assert_true(w.went[0] > 0 && w.went[2] > 0);
	assert_true(w.went[0] * 2000 <= 10000 * 300 / 128);
	assert_true(w.went[2] * 4000 <= 10000 * 300 / 128);
	w.ns[0] = MS;
	play(&w, 10000, 1);
	play(&w, 1000, 1);
	assert_true(w.went[0] >= 990);
}

/* With a queue before it, the efficient device is late; none must be. */
static void test_efficiency_keeps_deadlines(void **state)
{
	struct world w;
	u32 i, late = 0;

	world_init(&w, 2, (u64[]){ 100 * US, 900 * US });
	place_dev_power(&w.dev[0], 0, 10000000);
	place_dev_power(&w.dev[1], 0, 100000);
	know(&w);
	w.job.hint = PLACE_EFFICIENCY;
	for (i = 0; i < 1000; i++) {
		u32 at, k;

		w.job.deadline_ns = w.now + 2 * MS;
		at = send(&w);
		for (k = 0; k < FLIGHT; k++)
			if (w.flying[k].at == at + 1 &&
			    w.flying[k].end == w.busy[at])
				late += w.flying[k].end > w.job.deadline_ns;
		w.now += 300 * US;
		for (k = 0; k < FLIGHT; k++)
			while (w.flying[k].at && w.flying[k].end <= w.now) {
				u64 now = w.now;

				end_one(&w);
				w.now = now;
			}
	}
	assert_int_equal(late, 0);
	/* As much as it can take went there: a third. */
	assert_true(w.went[1] >= 320);
}

static void test_throughput_leaves_nobody_idle(void **state)
{
	const u64 ns[] = { 100 * US, 200 * US, 400 * US };
	struct world w;
	u64 took;

	world_init(&w, 2, (u64[]){ 100 * US, 250 * US });
	play(&w, 40, 1);
	w.job.hint = PLACE_THROUGHPUT;
	w.job.turn = 1;
	assert_int_equal(send(&w), 0);
	/* Would end there at 200, at the idle one at 250: that one is free. */
	assert_int_equal(send(&w), 1);

	world_init(&w, 3, ns);
	know(&w);
	w.job.hint = PLACE_THROUGHPUT;
	took = play(&w, 2000, 4);
	assert_true(took * 100 <= 105 * oracle(ns, 3, 2000));
}

static void test_keep_warm_stays(void **state)
{
	struct world w;

	world_init(&w, 2, (u64[]){ 100 * US, 150 * US });
	play(&w, 40, 1);
	w.job.hint = PLACE_KEEP_WARM;
	w.job.turn = 0;
	w.job.last = 1;
	assert_int_equal(pick(&w), 1);
	send(&w);
	/* 300 there, 100 elsewhere: that is clearly worse. */
	assert_int_equal(pick(&w), 0);
	/* Nor does it stay with what fails. */
	w.job.last = 0;
	place_dev_failed(&w.dev[0], w.now);
	assert_int_equal(pick(&w), 1);
	/* Where it never ran, anywhere will do. */
	w.job.last = 77;
	assert_true(pick(&w) < 2);
}

/* A deadline, or a caller who says so, is no occasion to try things out. */
static void test_trials_put_no_deadline_at_risk(void **state)
{
	struct world w;

	world_init(&w, 2, (u64[]){ 100 * US, 1 });
	send(&w);
	end_one(&w);
	w.job.turn = 0;
	assert_int_equal(pick(&w), 1);
	w.job.turn = 2;
	assert_int_equal(pick(&w), 0);
	w.job.turn = 0;
	w.job.deadline_ns = w.now + 300 * US;
	assert_int_equal(pick(&w), 0);
	w.job.deadline_ns = w.now + 3 * MS;
	assert_int_equal(pick(&w), 1);
	w.job.steady = true;
	assert_int_equal(pick(&w), 0);
	w.job.steady = false;
	/* One at a time. */
	assert_int_equal(send(&w), 1);
	w.job.turn = 0;
	assert_int_equal(pick(&w), 0);
}

/* Jobs that nobody told placement of delay those that come. */
static void test_strangers_count(void **state)
{
	struct place_candidate cands[2];
	struct world w;
	u32 i;

	world_init(&w, 2, (u64[]){ 100 * US, 150 * US });
	play(&w, 40, 1);
	w.job.turn = 1;
	for (i = 0; i < 2; i++)
		cands[i] = (struct place_candidate) {
			.dev = &w.dev[i], .cost = &w.cost[i],
		};
	assert_int_equal(place_pick(cands, 2, &w.job, w.now), 0);
	cands[0].jobs = 1;
	assert_int_equal(place_pick(cands, 2, &w.job, w.now), 1);
	cands[0].jobs = 0xffffffff;
	cands[1].jobs = 3;
	assert_int_equal(place_pick(cands, 2, &w.job, w.now), 1);
}

static void test_moving_data_costs(void **state)
{
	struct world w;

	world_init(&w, 2, (u64[]){ 100 * US, 150 * US });
	play(&w, 40, 1);
	w.job.turn = 1;
	w.dev[0].byte_ps = 1000;
	w.job.bytes = 40000;
	assert_int_equal(pick(&w), 0);
	w.job.bytes = 60000;
	assert_int_equal(pick(&w), 1);
	w.job.bytes = ~0ULL;
	assert_int_equal(pick(&w), 1);
}

static u32 seed = 5;

static u64 rnd64(void)
{
	seed = seed * 1664525 + 1013904223;
	/* Of every magnitude. */
	return ((u64)seed << 32 | (seed * 2654435761U)) >> (seed >> 26);
}

/* Whatever comes, in whatever order: a candidate is named, nothing overflows. */
static void test_nonsense_does_no_harm(void **state)
{
	struct world w;
	u32 i, d;

	world_init(&w, MAX, (u64[MAX]){ 0 });
	for (i = 0; i < 100000; i++) {
		d = rnd64() % MAX;
		w.now = rnd64();
		w.job = (struct place_job) {
			.samples = rnd64(), .hint = rnd64() % 6,
			.bytes = rnd64(), .last = rnd64() % 10,
			.turn = rnd64(), .deadline_ns = rnd64() % 2 * rnd64(),
			.steady = rnd64() % 2,
		};
		switch (rnd64() % 8) {
		case 0:
			place_dev_speed(&w.dev[d], rnd64(), rnd64(), w.now);
			break;
		case 1:
			place_dev_power(&w.dev[d], rnd64(), rnd64());
			break;
		case 2:
			place_dev_state(&w.dev[d], rnd64() % 5);
			break;
		case 3:
			place_failed(&w.dev[d], &w.cost[d], rnd64(), rnd64(),
				     w.now);
			break;
		case 4:
			place_dropped(&w.dev[d], &w.cost[d], rnd64(), rnd64(),
				      w.now);
			break;
		case 5:
			place_dev_init(&w.dev[d], rnd64());
			w.dev[d].byte_ps = rnd64();
			break;
		default:
			place_ran(&w.dev[d], &w.cost[d], w.job.samples,
				  rnd64(), rnd64(), w.now);
		}
		d = pick(&w);
		assert_true(d < MAX);
		assert_true(place_sent(&w.dev[d], &w.cost[d], &w.job, w.now));
	}
}

static void test_the_same_again(void **state)
{
	static struct world a, b;
	u32 i;

	world_init(&a, 4, (u64[]){ 3 * MS, 2 * MS, 2 * MS, 5 * MS });
	world_init(&b, 4, (u64[]){ 3 * MS, 2 * MS, 2 * MS, 5 * MS });
	for (i = 0; i < 100; i++) {
		assert_int_equal(send(&a), send(&b));
		if (i % 7 > 2) {
			end_one(&a);
			end_one(&b);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_or_no_candidate),
		cmocka_unit_test(test_the_unknown_are_taken_in_turn),
		cmocka_unit_test(test_each_device_is_tried_soon),
		cmocka_unit_test(test_latency_is_near_the_oracle),
		cmocka_unit_test(test_a_change_of_speed_is_followed),
		cmocka_unit_test(test_a_slow_device_is_measured_again_seldom),
		cmocka_unit_test(test_a_throttled_device_is_left_at_once),
		cmocka_unit_test(test_a_slow_pace_does_not_count),
		cmocka_unit_test(test_a_change_of_pace_amid_a_job),
		cmocka_unit_test(test_what_others_have_waiting_is_not_in_ones_way),
		cmocka_unit_test(test_a_device_that_is_down),
		cmocka_unit_test(test_a_failing_device_is_avoided_and_returned_to),
		cmocka_unit_test(test_only_what_failed_is_avoided),
		cmocka_unit_test(test_the_worse_states_come_last),
		cmocka_unit_test(test_a_stalled_device_gets_no_more),
		cmocka_unit_test(test_efficiency_takes_the_least_energy),
		cmocka_unit_test(test_efficiency_looks_elsewhere_seldom),
		cmocka_unit_test(test_efficiency_keeps_deadlines),
		cmocka_unit_test(test_throughput_leaves_nobody_idle),
		cmocka_unit_test(test_keep_warm_stays),
		cmocka_unit_test(test_trials_put_no_deadline_at_risk),
		cmocka_unit_test(test_strangers_count),
		cmocka_unit_test(test_moving_data_costs),
		cmocka_unit_test(test_nonsense_does_no_harm),
		cmocka_unit_test(test_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
