// SPDX-License-Identifier: LGPL-2.1-or-later
/* What placement knows of a device: its backlog, and whether it has stalled. */
#include "../../module/sched/place.h"
#include "unit.h"

#define US	1000ULL
#define MS	1000000ULL
#define SEC	1000000000ULL

/* A device with nothing to do, on which a sample is known to take 1 ms. */
static void known(struct place_dev *dev, u32 lanes, struct place_cost *cost,
		  u64 now)
{
	u32 i;

	place_dev_init(dev, lanes);
	place_cost_init(cost);
	for (i = 0; i < 8; i++)
		place_cost_learn(cost, 1, MS, now);
}

/* Overdue by more than bad luck: eight times what was predicted, and 100 ms. */
static void test_what_waits_for_a_stalled_device_may_go(void **state)
{
	struct place_job job = { .samples = 1 };
	struct place_cost cost;
	struct place_dev dev;
	u64 now = 5 * SEC, expect[3], i;

	place_cost_init(&cost);
	place_dev_init(&dev, 2);
	assert_false(place_dev_stalled(&dev, now));
	place_cost_learn(&cost, 1, 10 * MS, now);
	for (i = 0; i < 3; i++)
		expect[i] = place_sent(&dev, &cost, &job, now);
	assert_false(place_dev_stalled(&dev, now + 10 * MS));
	assert_false(place_dev_stalled(&dev, now + 180 * MS));
	assert_true(place_dev_stalled(&dev, now + 181 * MS));
	assert_true(place_dev_stalled(&dev, now + 100000 * SEC));
	/* The moment that it ends one all is well. */
	place_ran(&dev, &cost, 1, expect[0], now, now + 200 * MS);
	place_ran(&dev, &cost, 1, expect[1], now, now + 200 * MS);
	assert_false(place_dev_stalled(&dev, now + 201 * MS));
	place_dropped(&dev, &cost, expect[2], 0, now + 900 * MS);
	assert_false(place_dev_stalled(&dev, now + 100000 * SEC));
}

static void test_lanes_work_side_by_side(void **state)
{
	struct place_cost cost;
	struct place_dev dev;
	struct place_job job = { .samples = 1 };
	u64 now = SEC, expect[3];

	known(&dev, 2, &cost, now);
	assert_int_equal(place_dev_wait(&dev, 0, 0, now), 0);
	expect[0] = place_sent(&dev, &cost, &job, now);
	assert_int_equal(expect[0], MS);
	assert_int_equal(place_dev_wait(&dev, 0, 0, now), 0);
	expect[1] = place_sent(&dev, &cost, &job, now);
	assert_int_equal(place_dev_wait(&dev, 0, 0, now), MS);
	expect[2] = place_sent(&dev, &cost, &job, now);
	assert_int_equal(place_dev_wait(&dev, 0, 0, now), 1500 * US);
	assert_int_equal(place_dev_wait(&dev, 0, 0, now + MS / 2), MS);
	place_ran(&dev, &cost, 1, expect[0], now, now + MS);
	place_ran(&dev, &cost, 1, expect[1], now, now + MS);
	assert_int_equal(place_cost_of(&cost, 1), MS);
	assert_int_equal(place_dev_wait(&dev, 0, 0, now + MS), 0);
	place_dropped(&dev, &cost, expect[2], now + MS, now + MS);
	assert_int_equal(dev.jobs, 0);
	assert_int_equal(dev.backlog_ns, 0);
	assert_int_equal(cost.sent, 0);
}

/* A job that is taken back before it ran leaves what runs as it was. */
static void test_the_backlog_is_corrected(void **state)
{
	struct place_cost cost;
	struct place_dev dev;
	struct place_job job = { .samples = 1 };
	u64 now = SEC, expect[2];

	known(&dev, 1, &cost, now);
	expect[0] = place_sent(&dev, &cost, &job, now);
	expect[1] = place_sent(&dev, &cost, &job, now);
	now += MS / 4;
	assert_int_equal(place_dev_wait(&dev, 0, 0, now), 1750 * US);
	place_dropped(&dev, &cost, expect[1], 0, now);
	assert_int_equal(place_dev_wait(&dev, 0, 0, now), 750 * US);
	expect[1] = place_sent(&dev, &cost, &job, now);
	/* The first is done early; the second has just begun. */
	now += MS / 4;
	place_ran(&dev, &cost, 1, expect[0], SEC, now);
	assert_int_equal(place_dev_wait(&dev, 0, 0, now), MS);
	/* Overdue: as long again as it has been overdue. */
	assert_int_equal(place_dev_wait(&dev, 0, 0, now + 4 * MS), 3 * MS);
	/* The clock goes back, jobs end twice: no harm. */
	place_dropped(&dev, &cost, expect[1], now, 0);
	place_dropped(&dev, &cost, ~0ULL, ~0ULL, 1);
	assert_int_equal(place_dev_wait(&dev, 0, 0, now), 0);
	assert_int_equal(cost.sent, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_waits_for_a_stalled_device_may_go),
		cmocka_unit_test(test_lanes_work_side_by_side),
		cmocka_unit_test(test_the_backlog_is_corrected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
