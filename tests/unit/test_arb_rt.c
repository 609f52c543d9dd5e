// SPDX-License-Identifier: LGPL-2.1-or-later
/* The arbiter's realtime class: what is promised is kept, whoever else runs. */
#include <stdio.h>
#include "arb_drive.h"
#include "unit.h"

#define MS	1000000ULL
#define US	1000ULL
#define SEC	1000000000ULL
#define TILE	(100 * US)

/* All of the device may be promised, and nothing is kept for background. */
static struct arb_params all_of_it(void)
{
	struct arb_params params;

	arb_params_default(&params);
	params.limit_ppm = ARB_PPM;
	params.floor_ppm = 0;
	return params;
}

static void stream(struct drive *d, struct source *src, enum arb_class cls,
		   u64 job_ns)
{
	assert_int_equal(arb_stream_init(&d->a, &src->stream, NULL, cls, 100),
			 0);
	src->job_ns = job_ns;
}

static int promise(struct drive *d, struct source *src, u64 runtime, u64 period,
		   u64 deadline)
{
	return arb_stream_set_realtime(&d->a, &src->stream, runtime, period,
				       deadline, NULL);
}

/* One that others are measured by: normal or background, always busy. */
static void hog(struct drive *d, struct source *src, enum arb_class cls)
{
	stream(d, src, cls, drive_between(d, 50 * US, 5 * MS));
	source_backlog(d, src);
}

/* ---- EDF ---------------------------------------------------------------- */

/* Jobs of @job_ns, or less if @arg; not sooner than @period, or at random. */
static void sporadic(struct drive *d, struct source *src)
{
	u64 ns = src->job_ns, gap = src->period;

	if (src->arg & 1)
		ns = drive_between(d, 1, ns);
	if (src->arg & 2)
		gap += drive_between(d, 0, gap);
	drive_arrive(d, src, ns, 0);
	src->next_at += gap;
}

/*
 * @n tasks that together ask for all that the device promises. The last one
 * takes what is left.
 */
static void task_set(struct drive *d, u32 n, bool constrained, u64 arg)
{
	u64 left = d->a.params.limit_ppm, share;
	u32 i;

	for (i = 0; i < n; i++) {
		struct source *src = &d->src[i];
		u64 deadline;

		share = i + 1 < n ? drive_between(d, 1, 2 * left / (n - i)) :
				    left;
		src->period = drive_between(d, MS, 50 * MS);
		deadline = constrained ?
			   drive_between(d, src->period / 4, src->period) :
			   src->period;
		stream(d, src, ARB_NORMAL, deadline * share / ARB_PPM);
		assert_int_equal(promise(d, src, src->job_ns, src->period,
					 deadline), 0);
		left -= src->stream.server.density;
		src->arg = arg;
		src->arrive = sporadic;
		src->next_at = d->now + drive_between(d, 0, src->period);
	}
}

static u64 latest(const struct drive *d, u32 n)
{
	u64 late = 0;
	u32 i;

	for (i = 0; i < n; i++) {
		assert_true(d->src[i].stream.stats.done > 0);
		if (d->src[i].stream.stats.late_max > late)
			late = d->src[i].stream.stats.late_max;
	}
	return late;
}

/*
 * EDF is optimal on one server: what can be done in time, is. Each set fills
 * the device; late by one tile at most, which nobody could have interrupted.
 */
static void test_edf_is_optimal(void **state)
{
	struct arb_params params = all_of_it();
	u64 late, worst = 0;
	u32 round;

	for (round = 0; round < 300; round++) {
		u32 n = 1 + round % 17;
		struct source src[20];
		struct drive d;

		drive_init(&d, &params, src, n + 2);
		d.rnd += round * 7919;
		d.tile = TILE;
		task_set(&d, n, round & 1, round / 17 % 4);
		hog(&d, &src[n], ARB_NORMAL);
		hog(&d, &src[n + 1], ARB_BACKGROUND);
		drive_run(&d, SEC);
		late = latest(&d, n);
		if (late > worst)
			worst = late;
		if (late > TILE)
			fail_msg("set %u of %u tasks: %llu ns late", round, n,
				 (unsigned long long)late);
		drive_end(&d);
	}
	printf("late by at most %llu ns\n", (unsigned long long)worst);
	assert_true(worst > 0);		/* the sets were as full as they say */
}

/* Of two, the one with the earlier deadline, whatever came first. */
static void test_earliest_deadline_first(void **state)
{
	struct arb_params params = all_of_it();
	struct arb_job job[3] = { 0 };
	struct source src[3];
	struct drive d;
	u32 i;

	drive_init(&d, &params, src, 3);
	for (i = 0; i < 3; i++) {
		stream(&d, &src[i], ARB_NORMAL, 0);
		assert_int_equal(promise(&d, &src[i], MS, (9 - i) * 10 * MS, 0),
				 0);
		assert_int_equal(arb_arrive(&d.a, &src[i].stream, &job[i], 1000,
					    /* the last one isn't in a hurry */
					    i == 2 ? SEC : 0, MS), 0);
	}
	assert_ptr_equal(arb_pick(&d.a, 1000), &job[1]);
	assert_ptr_equal(arb_pick(&d.a, 1000), &job[0]);
	assert_ptr_equal(arb_pick(&d.a, 1000), &job[2]);
	for (i = 0; i < 3; i++)
		assert_int_equal(arb_done(&d.a, &job[i], MS, 3 * MS), 0);
	assert_true(src[2].stream.stats.misses == 0);
	drive_end(&d);
}

/* ---- servers ------------------------------------------------------------ */

/* Asks for little and takes much, at any time. */
static void unruly(struct drive *d, struct source *src)
{
	drive_arrive(d, src, drive_between(d, 1, 10 * src->job_ns), 0);
	src->next_at += drive_between(d, 0, src->period);
}

/* No more than its density of any time, two budgets and a tile. */
static void assert_contained(const struct drive *d, const struct source *src)
{
	const struct arb_server *srv = &src->stream.server;
	u64 most = d->now * srv->density / ARB_PPM + 2 * srv->runtime_ns + TILE;

	assert_true(src->stream.stats.served <= most);
}

/* Half of the tasks do what they like. The others don't notice. */
static void test_who_overruns_harms_nobody(void **state)
{
	struct arb_params params = all_of_it();
	u32 round, i;

	for (round = 0; round < 200; round++) {
		struct source src[14];
		struct drive d;
		u64 fair;

		params.limit_ppm = round % 2 ? 700000 : ARB_PPM;
		drive_init(&d, &params, src, 14);
		d.rnd += round * 104729;
		d.tile = TILE;
		task_set(&d, 12, round & 2, round / 4 % 4);
		for (i = 1; i < 12; i += 2)
			src[i].arrive = unruly;
		hog(&d, &src[12], ARB_NORMAL);
		hog(&d, &src[13], ARB_INTERACTIVE);
		drive_run(&d, SEC);
		for (i = 0; i < 12; i += 2)
			if (src[i].stream.stats.late_max > TILE)
				fail_msg("set %u: %llu ns late", round,
					 (unsigned long long)
					 src[i].stream.stats.late_max);
		for (i = 0; i < 12; i++)
			assert_contained(&d, &src[i]);
		fair = src[12].stream.stats.served +
		       src[13].stream.stats.served;
		assert_true(fair > SEC / 5 || params.limit_ppm == ARB_PPM);
		drive_end(&d);
	}
}

static u64 share_of_overrunner(u64 deadline, u32 hogs)
{
	struct source src[3];
	struct drive d;
	u64 got;
	u32 i;

	drive_init(&d, NULL, src, 1 + hogs);
	d.tile = TILE;
	stream(&d, &src[0], ARB_NORMAL, 35 * MS);
	assert_int_equal(promise(&d, &src[0], 2 * MS, 10 * MS, deadline), 0);
	source_backlog(&d, &src[0]);
	for (i = 0; i < hogs; i++)
		hog(&d, &src[1 + i], i ? ARB_BACKGROUND : ARB_NORMAL);
	drive_run(&d, 10 * SEC);
	got = src[0].stream.stats.served;
	assert_true(src[0].stream.stats.overruns == 0 || hogs);
	assert_true(d.idle_ns == 0);
	drive_end(&d);
	return got;
}

/* Always busy: has its bandwidth if others want to run, else all. */
static void test_budget_is_a_bandwidth(void **state)
{
	u64 deadline;

	for (deadline = 3 * MS; deadline <= 10 * MS; deadline += 7 * MS) {
		u64 got = share_of_overrunner(deadline, 1);

		assert_true(got <= 2 * SEC + TILE && got >= 2 * SEC - 2 * MS);
		got = share_of_overrunner(deadline, 2);
		assert_true(got <= 2 * SEC + TILE && got >= 2 * SEC - 2 * MS);
		assert_true(share_of_overrunner(deadline, 0) >= 9999 * MS);
	}
}

/* One job that takes 5 budgets costs 5 periods. */
static void test_debts_are_paid(void **state)
{
	struct arb_job job = { 0 };
	struct source src[2];
	struct drive d;

	drive_init(&d, NULL, src, 2);
	stream(&d, &src[0], ARB_NORMAL, 0);
	stream(&d, &src[1], ARB_NORMAL, MS);
	assert_int_equal(promise(&d, &src[0], 2 * MS, 10 * MS, 0), 0);
	arb_arrive(&d.a, &src[0].stream, &job, 1000, 0, 0);
	assert_ptr_equal(arb_pick(&d.a, 1000), &job);
	arb_done(&d.a, &job, 11 * MS, 11 * MS + 1000);
	assert_true(src[0].stream.stats.overruns == 1);
	assert_true(src[0].stream.stats.misses == 1);
	assert_true(src[0].stream.stats.late_max == MS);
	assert_true(src[0].stream.server.release == 50 * MS + 1000);
	assert_true(src[0].stream.server.budget == MS);
	/* it has to wait, as long as somebody else wants to run */
	source_backlog(&d, &src[1]);
	drive_run(&d, 20 * MS);
	arb_arrive(&d.a, &src[0].stream, &job, d.now, 0, MS);
	assert_true(src[0].stream.server.state == ARB_SRV_SPENT);
	drive_run(&d, 49 * MS);
	assert_true(src[0].stream.waiting == 1);
	assert_int_equal(arb_leave(&d.a, &job, d.now), 0);
	drive_end(&d);
}

/* ---- admission ---------------------------------------------------------- */

static void test_admission(void **state)
{
	struct source src[4];
	struct drive d;
	u32 left = 7;

	drive_init(&d, NULL, src, 4);
	stream(&d, &src[0], ARB_NORMAL, 0);
	stream(&d, &src[1], ARB_INTERACTIVE, 0);
	stream(&d, &src[2], ARB_BACKGROUND, 0);
	stream(&d, &src[3], ARB_BACKGROUND, 0);
	/* 50 % by density, not 10 % by use */
	assert_int_equal(promise(&d, &src[0], 1 * MS, 10 * MS, 2 * MS), 0);
	assert_int_equal(arb_stream_set_realtime(&d.a, &src[1].stream,
						 46 * MS, 100 * MS, 0, &left),
			 -ENOSPC);
	assert_true(left == 450000);
	assert_true(src[1].stream.cls == ARB_INTERACTIVE);
	left = 7;
	assert_int_equal(arb_stream_set_realtime(&d.a, &src[1].stream,
						 45 * MS, 100 * MS, 0, &left),
			 0);
	assert_true(left == 7);
	assert_int_equal(arb_stream_set_realtime(&d.a, &src[2].stream,
						 1, 0xffffffff, 0, &left),
			 -ENOSPC);
	assert_true(left == 0);
	/* less for one: refused again, admitted, or left as it was */
	assert_int_equal(promise(&d, &src[1], 46 * MS, 100 * MS, 0), -ENOSPC);
	assert_true(d.a.density == 950000);
	assert_int_equal(promise(&d, &src[1], 44 * MS, 100 * MS, 0), 0);
	assert_int_equal(promise(&d, &src[2], 10001, MS, 0), -ENOSPC);
	assert_int_equal(promise(&d, &src[2], 10000, MS, 0), 0);
	assert_int_equal(arb_stream_exit(&d.a, &src[0].stream), 0);
	assert_int_equal(promise(&d, &src[3], 500 * US, MS, 0), 0);
	assert_true(d.a.density == 950000);
	stream(&d, &src[0], ARB_NORMAL, 0);
	drive_end(&d);
	assert_true(d.a.density == 0);
}

/* What is taken back is others' at once; the jobs that there are go on. */
static void test_promises_are_taken_back(void **state)
{
	struct source src[3];
	struct arb_job job;
	struct drive d;
	u32 left = 0;

	drive_init(&d, NULL, src, 3);
	stream(&d, &src[0], ARB_NORMAL, 0);
	stream(&d, &src[1], ARB_NORMAL, 0);
	stream(&d, &src[2], ARB_NORMAL, 0);
	memset(&job, 0, sizeof(job));
	arb_stream_forgo(&d.a, &src[2].stream);		/* nothing was promised */
	assert_int_equal(promise(&d, &src[0], 9 * MS, 10 * MS, 0), 0);
	assert_int_equal(promise(&d, &src[1], 9 * MS, 10 * MS, 0), -ENOSPC);
	assert_int_equal(arb_arrive(&d.a, &src[0].stream, &job, 1, 0, 0), 0);
	arb_stream_forgo(&d.a, &src[0].stream);
	arb_stream_forgo(&d.a, &src[0].stream);
	assert_true(d.a.density == 0);
	assert_int_equal(promise(&d, &src[1], 9 * MS, 10 * MS, 0), 0);
	assert_int_equal(promise(&d, &src[0], MS, 10 * MS, 0), -EBUSY);
	assert_ptr_equal(arb_pick(&d.a, 2), &job);
	assert_int_equal(arb_done(&d.a, &job, MS, MS), 0);
	/* again, like anybody else; refused it has nothing, as before */
	assert_int_equal(arb_stream_set_realtime(&d.a, &src[0].stream, MS,
						 10 * MS, 0, &left), -ENOSPC);
	assert_true(left == 50000 && d.a.density == 900000);
	assert_int_equal(promise(&d, &src[0], MS, 20 * MS, 0), 0);
	assert_true(d.a.density == 950000);
	arb_stream_forgo(&d.a, &src[1].stream);
	drive_end(&d);
	assert_true(d.a.density == 0);
}

static void test_admission_refuses_nonsense(void **state)
{
	static const u64 bad[][3] = {
		{ 0, MS, 0 }, { MS + 1, MS, 0 }, { 2 * MS, 4 * MS, MS },
		{ MS, 4 * MS, 5 * MS }, { MS, 0x100000000, 0 }, { MS, 0, 0 },
		{ ~0ULL, ~0ULL, ~0ULL }, { 1, ~0ULL, 1 }, { ~0ULL, 1, 1 },
	};
	struct arb_job job = { 0 };
	struct source src[1];
	struct drive d;
	u32 i;

	drive_init(&d, NULL, src, 1);
	stream(&d, &src[0], ARB_NORMAL, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(promise(&d, &src[0], bad[i][0], bad[i][1],
					 bad[i][2]), -EINVAL);
	arb_arrive(&d.a, &src[0].stream, &job, 1, 0, 0);
	assert_int_equal(promise(&d, &src[0], MS, 4 * MS, 0), -EBUSY);
	arb_pick(&d.a, 1);
	assert_int_equal(promise(&d, &src[0], MS, 4 * MS, 0), -EBUSY);
	arb_done(&d.a, &job, 1, 2);
	assert_int_equal(promise(&d, &src[0], MS, 4 * MS, 0), 0);
	drive_end(&d);
}

/* Who still owes its fair share something leaves all of that behind. */
static void test_promised_while_it_owes(void **state)
{
	struct arb_level *lv;
	struct source src[2];
	struct drive d;

	drive_init(&d, NULL, src, 2);
	stream(&d, &src[0], ARB_NORMAL, MS);
	stream(&d, &src[1], ARB_NORMAL, MS);
	source_backlog(&d, &src[0]);
	drive_run(&d, d.now);
	drive_arrive(&d, &src[1], 5 * MS, 0);
	while (!src[1].stream.stats.done)
		drive_run(&d, d.now + MS);
	lv = src[1].stream.ent.level;
	assert_true(src[1].stream.ent.lingers);
	assert_true(lv->weight == 200);
	assert_int_equal(promise(&d, &src[1], MS, 10 * MS, 0), 0);
	assert_true(lv->weight == 100 && !lv->linger.root && !lv->left);
	drive_end(&d);
}

/* What is said to be left is admitted, and not a millionth more. */
static void test_what_is_left_is_exact(void **state)
{
	u32 round, i, m;

	for (round = 0; round < 500; round++) {
		struct arb_params params;
		struct source src[20];
		struct drive d;
		u32 left = 0;

		arb_params_default(&params);
		m = 1 + round % 5;
		params.servers = m;
		drive_init(&d, &params, src, 20);
		d.rnd += round * 31;
		for (i = 0; i < 20; i++)
			stream(&d, &src[i], ARB_NORMAL, 0);
		for (i = 0; i < 19; i++) {
			u64 ppm = drive_between(&d, 1, round % 3 ? 999999 :
							200000);

			if (arb_stream_set_realtime(&d.a, &src[i].stream, ppm,
						    ARB_PPM, 0, &left) == 0)
				continue;
			if (left) {
				assert_int_equal(promise(&d, &src[i], left + 1,
							 ARB_PPM, 0), -ENOSPC);
				assert_int_equal(promise(&d, &src[i], left,
							 ARB_PPM, 0), 0);
			}
		}
		assert_true(d.a.density <= 950000 * m);
		drive_end(&d);
	}
}

/* Several servers: whoever is admitted is in time here as well. */
static void test_several_servers(void **state)
{
	u32 round, i, m, admitted;

	for (round = 0; round < 60; round++) {
		struct arb_params params = all_of_it();
		struct source src[21];
		struct drive d;

		m = 2 + round % 3;
		params.servers = m;
		drive_init(&d, &params, src, 21);
		d.rnd += round * 65537;
		d.tile = TILE;
		admitted = 0;
		for (i = 0; i < 20; i++) {
			struct source *s = &src[i];
			u64 ppm = drive_between(&d, 10000, 600000);

			stream(&d, s, ARB_NORMAL, 0);
			s->period = drive_between(&d, MS, 30 * MS);
			s->job_ns = s->period * ppm / ARB_PPM;
			if (promise(&d, s, s->job_ns, s->period, 0))
				continue;
			admitted++;
			s->arrive = sporadic;
			s->arg = round / 3 % 4;
			s->next_at = d.now + drive_between(&d, 0, s->period);
		}
		hog(&d, &src[20], ARB_NORMAL);
		assert_true(admitted > 1);
		drive_run(&d, SEC / 2);
		for (i = 0; i < 20; i++)
			/* a tile of each server may be in the way */
			assert_true(src[i].stream.stats.late_max <= m * TILE);
		drive_end(&d);
	}
}

/* ---- inheritance -------------------------------------------------------- */

/*
 * A background job of 1 ms, before which a realtime job can't run, with the
 * device full of others. Return: when the background job ends.
 */
static u64 inversion(bool lend)
{
	struct arb_loan loan;
	struct source src[5];
	struct drive d;
	u32 i;

	drive_init(&d, NULL, src, 5);
	d.tile = TILE;
	for (i = 0; i < 3; i++)
		hog(&d, &src[i], ARB_NORMAL);
	stream(&d, &src[3], ARB_BACKGROUND, MS);
	stream(&d, &src[4], ARB_NORMAL, MS);
	assert_int_equal(promise(&d, &src[4], 3 * MS, 10 * MS, 0), 0);
	drive_run(&d, 40 * MS);
	drive_arrive(&d, &src[3], MS, d.now + SEC);
	if (lend)
		assert_int_equal(arb_lend(&d.a, &loan, &src[4].stream,
					  &src[3].stream, d.now), 0);
	while (!src[3].stream.stats.done)
		drive_run(&d, d.now + TILE);
	if (lend) {
		/* the lender has paid */
		assert_true(d.a.served[ARB_REALTIME] == MS);
		assert_true(d.a.served[ARB_BACKGROUND] == 0);
		assert_true(src[4].stream.server.budget == 2 * MS);
		arb_unlend(&d.a, &loan, d.now);
	}
	drive_end(&d);
	return d.now - 40 * MS;
}

static void test_a_lender_pays_for_its_borrower(void **state)
{
	u64 without = inversion(false), with = inversion(true);

	assert_true(with <= MS + 2 * TILE);
	assert_true(without > 10 * MS);
}

static void test_loans_are_checked(void **state)
{
	struct arb_loan loan[ARB_MAX_LOANS + 1];
	struct source src[ARB_MAX_LOANS + 2];
	struct drive d;
	u32 i;

	drive_init(&d, NULL, src, ARB_MAX_LOANS + 2);
	for (i = 0; i < ARB_MAX_LOANS + 2; i++)
		stream(&d, &src[i], i % 3, 0);
	assert_int_equal(arb_lend(&d.a, &loan[0], &src[0].stream,
				  &src[0].stream, 1), -EINVAL);
	for (i = 0; i < ARB_MAX_LOANS; i++)
		assert_int_equal(arb_lend(&d.a, &loan[i], &src[0].stream,
					  &src[i + 1].stream, 1), 0);
	assert_int_equal(arb_lend(&d.a, &loan[i], &src[0].stream,
				  &src[i + 1].stream, 1), -ENOSPC);
	assert_int_equal(arb_stream_exit(&d.a, &src[0].stream), -EBUSY);
	assert_int_equal(arb_stream_exit(&d.a, &src[1].stream), -EBUSY);
	for (i = ARB_MAX_LOANS; i--; )
		arb_unlend(&d.a, &loan[i], 1);
	for (i = 0; i < ARB_MAX_LOANS; i++)
		assert_int_equal(arb_lend(&d.a, &loan[i], &src[i + 1].stream,
					  &src[0].stream, 1), 0);
	assert_int_equal(arb_lend(&d.a, &loan[i], &src[i + 1].stream,
				  &src[0].stream, 1), -ENOSPC);
	for (i = 0; i < ARB_MAX_LOANS; i++)
		arb_unlend(&d.a, &loan[i], 1);
	drive_end(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edf_is_optimal),
		cmocka_unit_test(test_earliest_deadline_first),
		cmocka_unit_test(test_who_overruns_harms_nobody),
		cmocka_unit_test(test_budget_is_a_bandwidth),
		cmocka_unit_test(test_debts_are_paid),
		cmocka_unit_test(test_admission),
		cmocka_unit_test(test_promises_are_taken_back),
		cmocka_unit_test(test_admission_refuses_nonsense),
		cmocka_unit_test(test_promised_while_it_owes),
		cmocka_unit_test(test_what_is_left_is_exact),
		cmocka_unit_test(test_several_servers),
		cmocka_unit_test(test_a_lender_pays_for_its_borrower),
		cmocka_unit_test(test_loans_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
