// SPDX-License-Identifier: LGPL-2.1-or-later
/* The arbiter's fair shares, and background's floor. */
#include <stdio.h>
#include "arb_drive.h"
#include "unit.h"

#define MS	1000000ULL
#define US	1000ULL
#define SEC	1000000000ULL

/* Bounds for drive_lag_bound(): the longest job or tile, and slice. */
static u64 bound_low, bound_high;
static s64 lag_min, lag_max;

static void note_lag(const struct arb_ent *ent)
{
	s64 lag = arb_lag(ent);

	if (lag < lag_min)
		lag_min = lag;
	if (lag > lag_max)
		lag_max = lag;
	if (lag < -(s64)bound_low - 16 || lag > (s64)bound_high + 16)
		fail_msg("lag %lld not in -%llu..%llu", (long long)lag,
			 (unsigned long long)bound_low,
			 (unsigned long long)bound_high);
}

static void note_lags(struct drive *d)
{
	u32 i;

	for (i = 0; i < d->nr_src; i++)
		if (d->src[i].stream.cls != ARB_REALTIME)
			note_lag(&d->src[i].stream.ent);
	for (i = 0; i < d->nr_groups; i++)
		note_lag(&d->groups[i].level[ARB_FAIR].ent);
}

static void bound(struct drive *d, u64 longest, u64 slice)
{
	bound_low = longest;
	bound_high = longest > slice ? longest : slice;
	lag_min = 0;
	lag_max = 0;
	d->each = note_lags;
}

static void stream(struct drive *d, u32 i, struct arb_group *g,
		   enum arb_class cls, u32 weight, u64 job_ns)
{
	assert_int_equal(arb_stream_init(&d->a, &d->src[i].stream, g, cls,
					 weight), 0);
	d->src[i].job_ns = job_ns;
}

static u64 served(const struct drive *d, u32 i)
{
	return d->src[i].stream.stats.served;
}

/* Is @part of @all the share it should be, in ns? */
static void assert_share(u64 part, u64 all, u64 weight, u64 weights, u64 within)
{
	u64 due = all * weight / weights;
	u64 off = part > due ? part - due : due - part;

	if (off > within)
		fail_msg("%llu of %llu ns, not %llu", (unsigned long long)part,
			 (unsigned long long)all, (unsigned long long)due);
}

/* Weights 1:2:4:8, jobs of 100 us to 10 ms, whole or in tiles of @tile. */
static void weights(u64 tile, u32 lie, bool reversed)
{
	static const u64 len[] = { 10 * MS, 100 * US, 3 * MS, 700 * US };
	u64 longest = tile ? tile : 10 * MS;
	struct source src[4];
	struct drive d;
	u32 i;

	drive_init(&d, NULL, src, 4);
	d.tile = tile;
	d.lie = lie;
	bound(&d, longest * lie, 100 * US);
	for (i = 0; i < 4; i++) {
		stream(&d, i, NULL, ARB_NORMAL, 100 << i,
		       len[reversed ? 3 - i : i]);
		source_backlog(&d, &src[i]);
	}
	drive_run(&d, 10 * SEC);
	for (i = 0; i < 4; i++) {
		assert_share(served(&d, i), d.a.served[ARB_NORMAL], 1 << i, 15,
			     longest + US);
		/* within 1 % of its share, if it has 100 tiles in it */
		if (tile)
			assert_share(served(&d, i), d.a.served[ARB_NORMAL],
				     1 << i, 15, 10 * SEC / 100 * (1 << i) / 15);
	}
	assert_true(d.idle_ns == 0);
	printf("tile %llu us: lag %lld to %lld us\n",
	       (unsigned long long)tile / 1000, (long long)lag_min / 1000,
	       (long long)lag_max / 1000);
	drive_end(&d);
}

static void test_weights_in_tiles(void **state)
{
	weights(100 * US, 1, false);
	weights(100 * US, 1, true);
}

static void test_weights_of_whole_jobs(void **state)
{
	weights(0, 1, false);
	weights(0, 1, true);
}

/* What was guessed is put right by what was measured. */
static void test_weights_with_bad_estimates(void **state)
{
	weights(100 * US, 10, false);
	weights(0, 10, true);
}

/*
 * root - A (1) - A1 (1), A2 (3)
 *      - B (2) - B1 (1) - two streams 1:1
 *              - B2 (2)
 *      - stream (1)
 */
static void test_nested_groups(void **state)
{
	static const u64 len[] = { 5 * MS, 50 * US, 900 * US, 120 * US,
				   2 * MS, 300 * US };
	static const u32 share[] = { 3, 9, 4, 4, 16, 12 };	/* of 48 */
	struct arb_group g[5];
	struct source src[6];
	struct drive d;
	u64 all;
	u32 i;

	drive_init(&d, NULL, src, 6);
	d.tile = 100 * US;
	d.groups = g;
	d.nr_groups = 5;
	assert_int_equal(arb_group_init(&d.a, &g[0], NULL, 100), 0);
	assert_int_equal(arb_group_init(&d.a, &g[1], NULL, 200), 0);
	assert_int_equal(arb_group_init(&d.a, &g[2], &g[0], 7), 0);
	assert_int_equal(arb_group_init(&d.a, &g[3], &g[0], 21), 0);
	assert_int_equal(arb_group_init(&d.a, &g[4], &g[1], 5000), 0);
	stream(&d, 0, &g[2], ARB_NORMAL, 100, len[0]);
	stream(&d, 1, &g[3], ARB_INTERACTIVE, 1, len[1]);
	stream(&d, 2, &g[4], ARB_NORMAL, 10000, len[2]);
	stream(&d, 3, &g[4], ARB_NORMAL, 10000, len[3]);
	stream(&d, 4, &g[1], ARB_NORMAL, 10000, len[4]);
	stream(&d, 5, NULL, ARB_NORMAL, 100, len[5]);
	for (i = 0; i < 6; i++)
		source_backlog(&d, &src[i]);
	bound(&d, 100 * US, 100 * US);
	drive_run(&d, 10 * SEC);
	all = d.a.served[ARB_NORMAL] + d.a.served[ARB_INTERACTIVE];
	for (i = 0; i < 6; i++)
		/* a tile per level */
		assert_share(served(&d, i), all, share[i], 48, 300 * US);
	assert_share(g[1].served[ARB_NORMAL], all, 24, 48, 100 * US);
	drive_end(&d);
}

/*
 * One stays, others come and go after each job: nobody gets more than its
 * share of the time it was there, and who stays never less.
 */
static void come_and_go(struct drive *d, struct source *src)
{
	drive_arrive(d, src, drive_between(d, 10 * US, 2 * MS), 0);
	src->next_at = NEVER;
}

static void sleep_then_again(struct drive *d, struct source *src, u64 arrived)
{
	u64 most[] = { 1, 50 * US, 5 * MS };

	src->next_at = d->now + drive_between(d, 0, most[drive_random(d) % 3]);
}

static void test_nothing_is_gained_by_sleeping(void **state)
{
	u32 round, i;

	for (round = 0; round < 20; round++) {
		struct source src[8];
		struct drive d;
		u64 all;

		drive_init(&d, NULL, src, 8);
		d.rnd += round * 977;
		d.tile = round % 2 ? 100 * US : 0;
		/* with those who come back: a tile more than among who stay */
		bound(&d, d.tile ? 2 * d.tile : 4 * MS, 100 * US);
		stream(&d, 0, NULL, ARB_NORMAL, 100, 2 * MS);
		source_backlog(&d, &src[0]);
		for (i = 1; i < 8; i++) {
			stream(&d, i, NULL,
			       i % 2 ? ARB_NORMAL : ARB_INTERACTIVE, 100, 0);
			src[i].arrive = come_and_go;
			src[i].ended = sleep_then_again;
			src[i].next_at = d.now;
		}
		drive_run(&d, 2 * SEC);
		all = d.a.served[ARB_NORMAL] + d.a.served[ARB_INTERACTIVE];
		assert_true(served(&d, 0) + 4 * MS > all / 8);
		for (i = 1; i < 8; i++)
			assert_true(served(&d, i) < served(&d, 0) + 4 * MS);
		drive_end(&d);
	}
}

/*
 * The bounds in arb.h, for random sets: one heavy and many light ones, or
 * weights of all sizes; jobs whole or in tiles; three of four stay, or come
 * and go.
 */
static void random_set(u32 round, bool come)
{
	u64 q = round % 2 ? 100 * US : 2 * MS;
	u32 n = 2 + round * 37 % 120, i;
	struct source src[122];
	struct drive d;

	drive_init(&d, NULL, src, n);
	d.rnd += round * 1000003;
	d.tile = round % 2 ? q : 0;
	bound(&d, come ? 2 * q : q, 100 * US);
	if (come)
		bound_high = SEC;	/* who stays is given what others left */
	for (i = 0; i < n; i++) {
		u32 weight = round % 4 < 2 ? (i ? 1 : 5000) :
			     1U << drive_between(&d, 0, 13);

		stream(&d, i, NULL, i % 3 ? ARB_NORMAL : ARB_INTERACTIVE,
		       weight, drive_between(&d, q / 200, q));
		source_backlog(&d, &src[i]);
		if (come && i % 4) {
			src[i].arrive = come_and_go;
			src[i].ended = sleep_then_again;
		}
	}
	drive_run(&d, SEC / 2);
	drive_end(&d);
}

static void test_bounds_of_lag_for_random_sets(void **state)
{
	u32 round;

	for (round = 0; round < 24; round++) {
		random_set(round, false);
		random_set(round, true);
	}
}

/* Leaves right after being served and comes back: owes all the same. */
static void test_debts_survive_leaving(void **state)
{
	struct source src[2];
	struct drive d;

	drive_init(&d, NULL, src, 2);
	stream(&d, 0, NULL, ARB_NORMAL, 100, MS);
	source_backlog(&d, &src[0]);
	stream(&d, 1, NULL, ARB_NORMAL, 100, 5 * MS);
	/* leaves in arb_done(), and is back before the next pick */
	src[1].backlog = 1;
	source_backlog(&d, &src[1]);
	bound(&d, 5 * MS, 100 * US);
	drive_run(&d, 10 * SEC);
	assert_share(served(&d, 0), d.a.served[ARB_NORMAL], 1, 2, 5 * MS);
	drive_end(&d);
}

/* A short job among long ones, every 20 ms. */
static u64 wake_worst;

static void note_wake(struct drive *d, struct source *src, u64 arrived)
{
	u64 took = d->now - arrived - src->job_ns;

	if (took > wake_worst)
		wake_worst = took;
}

static u64 wake_latency(enum arb_class cls, u64 slice)
{
	struct arb_params params;
	struct source src[9];
	struct drive d;
	u32 i;

	arb_params_default(&params);
	params.slice_ns[ARB_NORMAL] = slice;
	drive_init(&d, &params, src, 9);
	d.tile = 100 * US;
	for (i = 0; i < 8; i++) {
		stream(&d, i, NULL, ARB_NORMAL, 100, 50 * MS);
		source_backlog(&d, &src[i]);
	}
	stream(&d, 8, NULL, cls, 100, 80 * US);
	src[8].period = 20011 * US;
	source_periodic(&d, &src[8]);
	src[8].ended = note_wake;
	wake_worst = 0;
	drive_run(&d, 10 * SEC);
	assert_true(src[8].stream.stats.done > 490);
	drive_end(&d);
	return wake_worst;
}

static void test_interactive_wakes_at_the_next_tile(void **state)
{
	u64 interactive = wake_latency(ARB_INTERACTIVE, 3 * MS);
	u64 normal = wake_latency(ARB_NORMAL, 3 * MS);

	printf("wake-up to start at most: interactive %llu us, normal %llu us\n",
	       (unsigned long long)interactive / 1000,
	       (unsigned long long)normal / 1000);
	assert_true(interactive <= 100 * US);
	assert_true(normal > 2 * interactive);
}

/* ... in a group of its own as well, beside others that are full. */
static void test_a_group_is_as_urgent_as_what_waits(void **state)
{
	struct arb_params params;
	struct arb_group g[2];
	struct source src[4];
	struct drive d;
	u32 i;

	arb_params_default(&params);
	params.slice_ns[ARB_NORMAL] = 3 * MS;
	drive_init(&d, &params, src, 4);
	d.tile = 100 * US;
	d.groups = g;
	d.nr_groups = 2;
	arb_group_init(&d.a, &g[0], NULL, 100);
	arb_group_init(&d.a, &g[1], NULL, 100);
	for (i = 0; i < 3; i++) {
		stream(&d, i, &g[0], ARB_NORMAL, 100, 50 * MS);
		source_backlog(&d, &src[i]);
	}
	stream(&d, 3, &g[1], ARB_INTERACTIVE, 100, 80 * US);
	src[3].period = 5003 * US;
	source_periodic(&d, &src[3]);
	src[3].ended = note_wake;
	wake_worst = 0;
	drive_run(&d, 5 * SEC);
	assert_true(wake_worst <= 100 * US);
	drive_end(&d);
}

/* Interactive is earlier, not more. */
static void test_interactive_has_no_larger_share(void **state)
{
	struct source src[2];
	struct drive d;

	drive_init(&d, NULL, src, 2);
	d.tile = 100 * US;
	stream(&d, 0, NULL, ARB_NORMAL, 100, 5 * MS);
	stream(&d, 1, NULL, ARB_INTERACTIVE, 100, 5 * MS);
	source_backlog(&d, &src[0]);
	source_backlog(&d, &src[1]);
	bound(&d, 100 * US, 100 * US);
	drive_run(&d, 2 * SEC);
	assert_share(served(&d, 0), served(&d, 0) + served(&d, 1), 1, 2,
		     200 * US);
	drive_end(&d);
}

/* ---- background --------------------------------------------------------- */

static void floor_holds(u64 tile, u64 job_ns)
{
	struct source src[3];
	struct drive d;
	u64 fair, t;

	drive_init(&d, NULL, src, 3);
	d.tile = tile;
	stream(&d, 0, NULL, ARB_NORMAL, 100, 3 * MS);
	stream(&d, 1, NULL, ARB_INTERACTIVE, 10000, 2 * MS);
	stream(&d, 2, NULL, ARB_BACKGROUND, 1, job_ns);
	source_backlog(&d, &src[0]);
	source_backlog(&d, &src[1]);
	source_backlog(&d, &src[2]);
	for (t = SEC; t <= 10 * SEC; t += SEC) {
		u64 most = MS + (tile ? tile : job_ns);

		drive_run(&d, t);
		fair = served(&d, 0) + served(&d, 1);
		assert_true(served(&d, 2) + most >= fair / 50);
		assert_true(served(&d, 2) <= fair / 50 + most);
	}
	drive_end(&d);
}

static void test_background_has_a_floor(void **state)
{
	floor_holds(100 * US, 20 * MS);
	floor_holds(0, 400 * US);
	floor_holds(0, 7 * MS);
}

static void test_background_takes_what_is_idle(void **state)
{
	struct source src[3];
	struct drive d;

	drive_init(&d, NULL, src, 3);
	d.tile = 100 * US;
	stream(&d, 0, NULL, ARB_NORMAL, 100, 3 * MS);
	src[0].period = 10 * MS;
	source_periodic(&d, &src[0]);
	stream(&d, 1, NULL, ARB_BACKGROUND, 100, 7 * MS);
	stream(&d, 2, NULL, ARB_BACKGROUND, 300, 90 * US);
	source_backlog(&d, &src[1]);
	source_backlog(&d, &src[2]);
	drive_run(&d, 10 * SEC);
	assert_true(d.idle_ns == 0);
	/* what ran while nothing else wanted to doesn't count for the floor */
	assert_true(served(&d, 0) > 2990 * MS);
	assert_true(src[0].stream.stats.wait_max <= 1100 * US);
	assert_share(served(&d, 1), d.a.served[ARB_BACKGROUND], 1, 4, 200 * US);
	drive_end(&d);
}

/* ---- everything else ---------------------------------------------------- */

/* 200 streams of random weight: none waits longer than its lag allows. */
static void test_nobody_starves(void **state)
{
	struct source src[200];
	struct drive d;
	u64 weights = 0;
	u32 i;

	drive_init(&d, NULL, src, 200);
	bound(&d, 2 * MS, 100 * US);
	for (i = 0; i < 200; i++) {
		u32 w = drive_between(&d, 1, i % 10 ? 100 : 10000);
		bool normal = i % 3;

		stream(&d, i, NULL, normal ? ARB_NORMAL : ARB_INTERACTIVE, w,
		       drive_between(&d, US, normal ? 2 * MS : 10 * US));
		source_backlog(&d, &src[i]);
		weights += w;
	}
	drive_run(&d, 20 * SEC);
	for (i = 0; i < 200; i++)
		assert_share(served(&d, i), 20 * SEC, src[i].stream.ent.weight,
			     weights, 3 * MS);
	drive_end(&d);
}

static void test_weights_change(void **state)
{
	struct arb_group g[2];
	struct source src[2];
	struct drive d;
	u64 before[2];
	u32 round, i;

	drive_init(&d, NULL, src, 2);
	d.tile = 100 * US;
	d.groups = g;
	d.nr_groups = 2;
	for (i = 0; i < 2; i++) {
		arb_group_init(&d.a, &g[i], NULL, 100);
		stream(&d, i, &g[i], ARB_NORMAL, 100, (1 + 9 * i) * MS);
		source_backlog(&d, &src[i]);
	}
	bound(&d, 100 * US, 100 * US);
	for (round = 0; round < 200; round++) {
		u32 w[2] = { drive_between(&d, 1, 10000),
			     drive_between(&d, 1, 10000) };

		for (i = 0; i < 2; i++) {
			before[i] = served(&d, i);
			assert_int_equal(arb_group_set_weight(&d.a, &g[i],
							      w[i]), 0);
		}
		drive_run(&d, d.now + 100 * MS);
		for (i = 0; i < 2; i++)
			assert_share(served(&d, i) - before[i], 100 * MS, w[i],
				     w[0] + w[1], 300 * US);
	}
	drive_end(&d);
}

/* A device that works on several jobs at once. */
static void test_several_servers(void **state)
{
	static const u64 len[] = { 4 * MS, 100 * US, 800 * US, 2 * MS };
	u32 servers, i;

	for (servers = 2; servers <= 8; servers *= 2) {
		struct arb_params params;
		struct source src[5];
		struct drive d;
		u64 all;

		arb_params_default(&params);
		params.servers = servers;
		drive_init(&d, &params, src, 5);
		bound(&d, servers * 4 * MS, 100 * US);
		for (i = 0; i < 4; i++) {
			stream(&d, i, NULL, ARB_NORMAL, 100 << i, len[i]);
			src[i].backlog = 2 * servers;
			source_backlog(&d, &src[i]);
		}
		/* has one job at a time, and is owed no more for that */
		stream(&d, 4, NULL, ARB_NORMAL, 10000, MS);
		src[4].backlog = 1;
		source_backlog(&d, &src[4]);
		d.each = NULL;
		drive_run(&d, 10 * SEC);
		assert_true(d.idle_ns == 0);
		all = d.a.served[ARB_NORMAL] - served(&d, 4);
		for (i = 0; i < 4; i++)
			assert_share(served(&d, i), all, 1 << i, 15,
				     servers * 4 * MS);
		assert_true(served(&d, 4) > 9 * SEC);
		drive_end(&d);
	}
}

/* Who had an idle device to itself owes nothing to who comes later. */
static void test_starting_at_once(void **state)
{
	struct source src[2];
	struct drive d;
	u64 before;

	drive_init(&d, NULL, src, 2);
	d.straight = true;
	stream(&d, 0, NULL, ARB_NORMAL, 100, MS);
	src[0].backlog = 1;
	source_backlog(&d, &src[0]);
	drive_run(&d, SEC);
	assert_int_equal(src[0].stream.running, 1);
	before = served(&d, 0);
	assert_true(before + MS >= SEC - 1000);
	stream(&d, 1, NULL, ARB_NORMAL, 300, 5 * MS);
	src[1].backlog = 1;
	source_backlog(&d, &src[1]);
	bound(&d, 5 * MS, 100 * US);
	drive_run(&d, 11 * SEC);
	assert_share(served(&d, 0) - before, 10 * SEC, 1, 4, 5 * MS);
	assert_share(served(&d, 1), 10 * SEC, 3, 4, 5 * MS);
	drive_end(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights_in_tiles),
		cmocka_unit_test(test_weights_of_whole_jobs),
		cmocka_unit_test(test_weights_with_bad_estimates),
		cmocka_unit_test(test_nested_groups),
		cmocka_unit_test(test_nothing_is_gained_by_sleeping),
		cmocka_unit_test(test_bounds_of_lag_for_random_sets),
		cmocka_unit_test(test_debts_survive_leaving),
		cmocka_unit_test(test_interactive_wakes_at_the_next_tile),
		cmocka_unit_test(test_a_group_is_as_urgent_as_what_waits),
		cmocka_unit_test(test_interactive_has_no_larger_share),
		cmocka_unit_test(test_background_has_a_floor),
		cmocka_unit_test(test_background_takes_what_is_idle),
		cmocka_unit_test(test_nobody_starves),
		cmocka_unit_test(test_weights_change),
		cmocka_unit_test(test_several_servers),
		cmocka_unit_test(test_starting_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
