// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operating points: as slow as can be, and no promise is broken by that. */
#include <stdio.h>
#include <string.h>
#include <sched/power.h>
#include "arb_drive.h"
#include "unit.h"

#define MS	1000000ULL
#define US	1000ULL
#define SEC	1000000000ULL

static const u32 points[] = { 200, 400, 600, 800, 1000 };
#define NR	5

static struct power_look look(u64 busy_permille, u32 speed, u32 present)
{
	return (struct power_look){
		.time_ns = 20 * MS,
		.busy_ns = 20 * US * busy_permille,
		.ended = 10,
		.present = present,
		.speed = speed,
	};
}

/* ---- by load ------------------------------------------------------------ */

static u32 speed_for(u64 busy_permille, u32 speed)
{
	struct power_policy p = { 0 };
	struct power_look l = look(busy_permille, speed, 0);

	return power_load_speed(&p, &l);
}

static void test_speed_follows_load(void **state)
{
	assert_int_equal(speed_for(0, 1000), 0);
	assert_int_equal(speed_for(400, 1000), 500);
	assert_int_equal(speed_for(800, 1000), 1000);
	assert_int_equal(speed_for(801, 1000), 1000);
	/* The same work, seen at another speed. */
	assert_int_equal(speed_for(800, 500), 500);
	assert_int_equal(speed_for(500, 400), 250);
	/* A little is more than none. */
	assert_int_equal(speed_for(1, 200), 1);
	/* Always busy: how much more it could do can't be seen. */
	assert_int_equal(speed_for(950, 200), 1000);
	assert_int_equal(speed_for(1000, 200), 1000);
}

static void test_odd_looks(void **state)
{
	struct power_policy p = { 0 };
	struct power_look l = { 0 };

	l.speed = 1000;
	assert_int_equal(power_load_speed(&p, &l), 1000);
	/* More busy than there was time; clocks of CPUs differ. */
	l.time_ns = 1;
	l.busy_ns = 2;
	assert_int_equal(power_load_speed(&p, &l), 1000);
	l.time_ns = ~0ULL;
	l.busy_ns = ~0ULL;
	l.ended = 1;
	l.present = ~0U;
	assert_int_equal(power_load_speed(&p, &l), 1000);
	l.busy_ns = 0;
	l.ended = ~0ULL;
	assert_int_equal(power_load_speed(&p, &l), 1000);
	l.present = 0;
	assert_int_equal(power_load_speed(&p, &l), 0);
}

/* Jobs of 1 ms at full speed: 50 of them want all of it, 25 half. */
static void test_what_waits_is_done_soon(void **state)
{
	struct power_policy p = { 0 };
	struct power_look l = look(500, 1000, 0);
	u32 i;

	for (i = 0; i < 50; i++)
		power_load_speed(&p, &l);
	assert_true(p.job_ns > 990 * US && p.job_ns <= MS);
	l = look(0, 1000, 25);
	l.ended = 0;
	assert_true(power_load_speed(&p, &l) >= 495);
	assert_true(power_load_speed(&p, &l) <= 501);
	l.present = 60;
	assert_int_equal(power_load_speed(&p, &l), 1000);
	/* Half as long at twice the speed is the same job. */
	for (i = 0; i < 50; i++) {
		l = look(900, 500, 0);
		l.ended = 9;
		power_load_speed(&p, &l);
	}
	assert_true(p.job_ns > 980 * US && p.job_ns <= 1010 * US);
}

static void test_the_slowest_point_that_will_do(void **state)
{
	assert_int_equal(power_point(points, NR, 0), 0);
	assert_int_equal(power_point(points, NR, 200), 0);
	assert_int_equal(power_point(points, NR, 201), 1);
	assert_int_equal(power_point(points, NR, 999), 4);
	assert_int_equal(power_point(points, NR, 1000), 4);
	assert_int_equal(power_point(points, NR, 5000), 4);
	assert_int_equal(power_point(points, 1, 1000), 0);
}

static void test_up_at_once_down_after_a_while(void **state)
{
	struct power_policy p = { 0 };
	struct power_look busy = look(1000, 200, 8), calm = look(100, 1000, 0);
	struct power_look some = look(450, 1000, 0);

	assert_int_equal(power_next(&p, points, NR, 0, &busy), 4);
	assert_int_equal(power_next(&p, points, NR, 4, &calm), 4);
	assert_int_equal(power_next(&p, points, NR, 4, &calm), 4);
	assert_int_equal(power_next(&p, points, NR, 4, &calm), 0);
	/* One busy look, and the patience begins anew. */
	assert_int_equal(power_next(&p, points, NR, 4, &calm), 4);
	assert_int_equal(power_next(&p, points, NR, 4, &calm), 4);
	assert_int_equal(power_next(&p, points, NR, 4, &busy), 4);
	assert_int_equal(power_next(&p, points, NR, 4, &calm), 4);
	assert_int_equal(power_next(&p, points, NR, 4, &calm), 4);
	/* No lower than the busiest of the looks asked for. */
	p = (struct power_policy){ 0 };
	assert_int_equal(power_next(&p, points, NR, 4, &calm), 4);
	assert_int_equal(power_next(&p, points, NR, 4, &some), 4);
	assert_int_equal(power_next(&p, points, NR, 4, &calm), 2);
}

/*
 * A device whose load is constant comes to rest at a point that bears it, from
 * wherever it began.
 */
static void test_it_comes_to_rest(void **state)
{
	u32 load, begin;

	for (load = 0; load <= 1000; load += 10) {
		for (begin = 0; begin < NR; begin++) {
			struct power_policy p = { 0 };
			u32 at = begin, i, moves = 0;

			for (i = 0; i < 40; i++) {
				u32 busy = load * 1000 / points[at];
				struct power_look l = look(busy > 1000 ? 1000 :
							   busy, points[at], 0);
				u32 next = power_next(&p, points, NR, at, &l);

				moves += i >= 20 && next != at;
				at = next;
			}
			assert_int_equal(moves, 0);
			assert_true(points[at] >= load);
			/* and is no faster than it need be */
			assert_true(!at || load * 1000 > 790 * points[at - 1]);
		}
	}
}

/* ---- by promises --------------------------------------------------------- */

static struct arb_params params_of(u32 limit, u32 servers)
{
	struct arb_params params;

	arb_params_default(&params);
	params.limit_ppm = limit;
	if (limit == ARB_PPM)
		params.floor_ppm = 0;
	params.servers = servers;
	return params;
}

static void promised(struct drive *d, struct source *src, u64 runtime, u64 period)
{
	assert_int_equal(arb_stream_init(&d->a, &src->stream, NULL, ARB_NORMAL,
					 100), 0);
	assert_int_equal(arb_stream_set_realtime(&d->a, &src->stream, runtime,
						 period, 0, NULL), 0);
}

static void test_promises_want_speed(void **state)
{
	struct arb_params params = params_of(800000, 1);
	struct source src[2];
	struct drive d;

	drive_init(&d, &params, src, 2);
	assert_int_equal(power_rt_speed(&d.a, 10 * MS, MS), 0);
	assert_int_equal(power_rt_short(&d.a, 1), 0);
	promised(&d, &src[0], 2 * MS, 10 * MS);
	/* 20 % of 80 %, with nothing in the way */
	assert_int_equal(power_rt_speed(&d.a, 10 * MS, 0), 250);
	assert_int_equal(power_rt_speed(&d.a, 10 * MS, MS), 350);
	assert_int_equal(power_rt_speed(&d.a, 10 * MS, 8 * MS), 1000);
	assert_int_equal(power_rt_speed(&d.a, 10 * MS, 10 * MS), 1000);
	assert_int_equal(power_rt_speed(&d.a, 0, MS), 1000);
	assert_int_equal(power_rt_speed(&d.a, ~0ULL, 0), 250);
	assert_int_equal(power_rt_speed(&d.a, 1, ~0ULL), 1000);
	promised(&d, &src[1], 6 * MS, 10 * MS);
	assert_int_equal(power_rt_speed(&d.a, 10 * MS, 0), 1000);
	assert_int_equal(power_rt_speed(&d.a, 10 * MS, MS), 1000);
	/* At half speed half of what may be promised is there. */
	assert_int_equal(power_rt_short(&d.a, 1000), 0);
	assert_int_equal(power_rt_short(&d.a, 500), 400000);
	/* What was promised stays if less may be, and then needs it all. */
	d.a.params.limit_ppm = 0;
	assert_int_equal(power_rt_speed(&d.a, 10 * MS, 0), 1000);
	assert_int_equal(power_rt_short(&d.a, 1000), 800000);
	drive_end(&d);
}

static void test_promises_of_several_servers(void **state)
{
	struct arb_params params = params_of(ARB_PPM, 4);
	struct source src[2];
	struct drive d;

	drive_init(&d, &params, src, 2);
	promised(&d, &src[0], 5 * MS, 10 * MS);
	/* One stream can't be spread: it needs its own density. */
	assert_int_equal(power_rt_speed(&d.a, 10 * MS, 0), 500);
	promised(&d, &src[1], 5 * MS, 10 * MS);
	/* (1 + 3 * 0.5) / 4 */
	assert_int_equal(power_rt_speed(&d.a, 10 * MS, 0), 625);
	drive_end(&d);
}

static void sporadic(struct drive *d, struct source *src)
{
	u64 gap = src->arg & 1 ? drive_between(d, 0, src->period / 2) : 0;

	drive_arrive(d, src, src->job_ns, 0);
	src->next_at += src->period + gap;
}

#define STREAMS	6

/**
 * struct task_set - streams, and what can't be made to give way
 * @speed:	said to do for them
 */
struct task_set {
	u32 n;
	u64 runtime[STREAMS], period[STREAMS];
	u64 block_ns;
	u64 speed;
};

/* Drawn by lot, promised at full speed. */
static void draw(struct task_set *t, u32 round)
{
	struct arb_params params = params_of(950000, 1);
	struct source src[STREAMS];
	u64 shortest = ~0ULL;
	struct drive d;
	u32 i;

	t->n = 1 + round % STREAMS;
	drive_init(&d, &params, src, t->n);
	d.rnd += round * 7919;
	t->block_ns = drive_between(&d, 10 * US, 5 * MS);
	for (i = 0; i < t->n; i++) {
		t->period[i] = drive_between(&d, 2 * MS, 50 * MS);
		t->runtime[i] = drive_between(&d, US, t->period[i] * 9 / 10 / t->n);
		promised(&d, &src[i], t->runtime[i], t->period[i]);
		if (t->period[i] < shortest)
			shortest = t->period[i];
		/* These are not interrupted either. */
		if (t->runtime[i] > t->block_ns)
			t->block_ns = t->runtime[i];
	}
	/* As long as that even at full speed no promise would hold. */
	if (t->block_ns > shortest)
		t->block_ns = shortest;
	for (i = 0; i < t->n; i++)
		if (t->runtime[i] > t->block_ns)
			t->runtime[i] = t->block_ns;
	t->speed = power_rt_speed(&d.a, shortest, t->block_ns);
	assert_true(t->speed >= 1 && t->speed <= POWER_FULL_SPEED);
	drive_end(&d);
}

/*
 * At that speed, beside others whose jobs are as long as they may be. Jobs take
 * 1/f of the time there, and so do budgets. Return: by how much anybody was late.
 */
static u64 play(const struct task_set *t, u32 round)
{
	struct arb_params params = params_of(ARB_PPM, 1);
	struct source src[STREAMS + 2];
	struct drive d;
	u64 late = 0;
	u32 i;

	drive_init(&d, &params, src, t->n + 2);
	d.rnd += round;
	for (i = 0; i < t->n; i++) {
		src[i].job_ns = t->runtime[i] * 1000 / t->speed;
		src[i].period = t->period[i];
		promised(&d, &src[i], src[i].job_ns, src[i].period);
		src[i].arg = round / STREAMS;
		src[i].arrive = sporadic;
		src[i].next_at = drive_between(&d, 0, t->period[i]);
	}
	for (; i < t->n + 2; i++) {
		assert_int_equal(arb_stream_init(&d.a, &src[i].stream, NULL,
						 i == t->n ? ARB_NORMAL :
						 ARB_BACKGROUND, 100), 0);
		src[i].job_ns = t->block_ns * 1000 / t->speed;
		source_backlog(&d, &src[i]);
	}
	drive_run(&d, 2 * SEC);
	for (i = 0; i < t->n; i++) {
		assert_true(src[i].stream.stats.done > 0);
		if (src[i].stream.stats.late_max > late)
			late = src[i].stream.stats.late_max;
	}
	drive_end(&d);
	return late;
}

/* Slowed down, nobody is late at all; at full speed by no more than @block_ns. */
static void test_slow_enough_and_still_in_time(void **state)
{
	u32 round, slowed = 0, late_at_full = 0;
	u64 slowest = POWER_FULL_SPEED, late;
	struct task_set t;

	for (round = 0; round < 200; round++) {
		draw(&t, round);
		late = play(&t, round);
		if (late > (t.speed < POWER_FULL_SPEED ? 0 : t.block_ns))
			fail_msg("round %u: late by %llu ns, in the way %llu, speed %llu",
				 round, (unsigned long long)late,
				 (unsigned long long)t.block_ns,
				 (unsigned long long)t.speed);
		slowed += t.speed < POWER_FULL_SPEED;
		late_at_full += !!late;
		if (t.speed < slowest)
			slowest = t.speed;
	}
	printf("%u slowed down, to %llu; of the others %u late\n", slowed,
	       (unsigned long long)slowest, late_at_full);
	/* It was not by being fast, nor by asking for little. */
	assert_true(slowed > 50 && slowest < 200 && late_at_full > 10);
}

/* A job is charged what it would have taken at full speed, whatever happened. */
static void test_work_is_told_through_changes(void **state)
{
	const u64 start = 400 * 86400 * SEC;	/* up for so long: no overflow */
	struct power_pace p;
	u32 i;

	power_pace_init(&p);
	assert_int_equal(power_pace_done(&p, start, start + SEC), SEC);
	assert_int_equal(power_pace_done(&p, 0, start), start);
	power_pace_set(&p, 250, start);
	assert_int_equal(power_pace_done(&p, start - SEC, start), SEC);
	assert_int_equal(power_pace_done(&p, start, start + 4 * SEC), SEC);
	/* 10 ms of work: 36 ms slowly, then fast for one */
	power_pace_set(&p, 250, start + 10 * MS);
	power_pace_set(&p, 1000, start + 36 * MS);
	assert_int_equal(power_pace_done(&p, start, start + 37 * MS), 10 * MS);
	assert_int_equal(power_pace_done(&p, start + 36 * MS, start + 37 * MS),
			 MS);
	assert_int_equal(power_pace_done(&p, start - MS, start + 40 * MS),
			 14 * MS);
	/* clocks of two CPUs differ a trifle */
	power_pace_set(&p, 500, start + 35 * MS);
	assert_int_equal(power_pace_done(&p, start + 36 * MS, start + 38 * MS),
			 MS);
	/* what is forgotten counts as the first that is not */
	for (i = 0; i < POWER_PACES; i++)
		power_pace_set(&p, i % 2 ? 500 : 100, start + (40 + i) * MS);
	assert_int_equal(power_pace_done(&p, start + 30 * MS, start + 40 * MS),
			 MS);
	assert_int_equal(power_pace_done(&p, start + 40 * MS, start + 42 * MS),
			 MS / 10 + MS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_speed_follows_load),
		cmocka_unit_test(test_odd_looks),
		cmocka_unit_test(test_what_waits_is_done_soon),
		cmocka_unit_test(test_the_slowest_point_that_will_do),
		cmocka_unit_test(test_up_at_once_down_after_a_while),
		cmocka_unit_test(test_it_comes_to_rest),
		cmocka_unit_test(test_promises_want_speed),
		cmocka_unit_test(test_promises_of_several_servers),
		cmocka_unit_test(test_slow_enough_and_still_in_time),
		cmocka_unit_test(test_work_is_told_through_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
