// SPDX-License-Identifier: LGPL-2.1-or-later
/* How many jobs a device may hold: what the window is, and when it changes. */
#include "../../module/sched/window.h"
#include "unit.h"

#define MS	1000000ULL

static struct window of(u32 depth, u32 lanes, u64 job_ns)
{
	struct window w;

	window_init(&w, depth, lanes);
	if (job_ns)
		window_ran(&w, job_ns);
	return w;
}

static void test_nobody_in_a_hurry(void **state)
{
	struct window w = of(64, 1, 0);

	assert_int_equal(window_size(&w, 0), 64);
	window_ran(&w, 1000 * MS);
	assert_int_equal(window_size(&w, ~0ULL), 64);
	window_realtime(&w, MS);
	window_realtime(&w, WINDOW_ANY);
	assert_int_equal(window_size(&w, 5), 64);
}

static void test_as_much_as_realtime_can_bear(void **state)
{
	struct window w = of(64, 1, MS);

	window_realtime(&w, 10 * MS);
	assert_int_equal(window_size(&w, 0), 10);
	window_realtime(&w, 10 * MS - 1);
	assert_int_equal(window_size(&w, 0), 9);
	window_realtime(&w, 1000 * MS);
	assert_int_equal(window_size(&w, 0), 64);
	/* never below one */
	window_realtime(&w, 1);
	assert_int_equal(window_size(&w, 0), 1);
	window_realtime(&w, 0);
	assert_int_equal(window_size(&w, 0), 1);
}

static void test_every_lane_has_a_job(void **state)
{
	struct window w = of(64, 4, MS);

	window_realtime(&w, 0);
	assert_int_equal(window_size(&w, 0), 4);
	window_realtime(&w, 3 * MS);
	assert_int_equal(window_size(&w, 0), 12);
	window_realtime(&w, 16 * MS);
	assert_int_equal(window_size(&w, 0), 64);
	window_realtime(&w, ~0ULL - 1);
	assert_int_equal(window_size(&w, 0), 64);
	/* lanes that don't divide the depth, that are none, or too many */
	w = of(10, 4, MS);
	window_realtime(&w, 2 * MS);
	assert_int_equal(window_size(&w, 0), 10);
	w = of(10, 0, MS);
	window_realtime(&w, 2 * MS);
	assert_int_equal(window_size(&w, 0), 2);
	w = of(10, ~0U, MS);
	window_realtime(&w, 0);
	assert_int_equal(window_size(&w, 0), 10);
}

static void test_what_is_not_known_is_long(void **state)
{
	struct window w = of(64, 2, 0);

	window_realtime(&w, 4000 * MS);
	assert_int_equal(window_size(&w, 0), 2);
	window_ran(&w, 1);
	assert_int_equal(window_size(&w, 0), 64);
	window_stranger(&w);
	window_stranger(&w);
	assert_int_equal(window_size(&w, 0), 2);
	window_no_stranger(&w);
	assert_int_equal(window_size(&w, 0), 2);
	window_no_stranger(&w);
	assert_int_equal(window_size(&w, 0), 64);
	/* nobody minds */
	window_realtime(&w, WINDOW_ANY);
	window_stranger(&w);
	assert_int_equal(window_size(&w, 0), 64);
}

/* It is remembered for 512 jobs at least, and for 1024 at most. */
static void test_the_longest_job_counts(void **state)
{
	u32 i, n;

	for (i = 0; i <= WINDOW_JOBS; i++) {
		struct window w = of(64, 1, 0);

		window_realtime(&w, 10 * MS);
		for (n = 0; n < i; n++)
			window_ran(&w, MS);
		window_ran(&w, 5 * MS);
		for (n = 0; n < WINDOW_JOBS - 1; n++) {
			window_ran(&w, MS);
			assert_int_equal(window_size(&w, 0), 2);
		}
		for (n = 0; n <= WINDOW_JOBS; n++)
			window_ran(&w, MS);
		assert_int_equal(window_size(&w, 0), 10);
	}
}

static void test_interactive_jobs_for_a_while(void **state)
{
	struct window w = of(64, 1, MS);

	window_interactive(&w, 2 * MS, 7);
	assert_int_equal(window_size(&w, 7), 2);
	assert_int_equal(window_size(&w, 6 + WINDOW_HOLD_NS), 2);
	assert_int_equal(window_size(&w, 7 + WINDOW_HOLD_NS), 64);
	/* the tighter of the two */
	window_realtime(&w, 5 * MS);
	assert_int_equal(window_size(&w, 7), 2);
	assert_int_equal(window_size(&w, 7 + WINDOW_HOLD_NS), 5);
	window_realtime(&w, MS);
	assert_int_equal(window_size(&w, 7), 1);
	/* no bound was asked for, any more */
	window_realtime(&w, WINDOW_ANY);
	window_interactive(&w, WINDOW_ANY, 8);
	assert_int_equal(window_size(&w, 8), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_in_a_hurry),
		cmocka_unit_test(test_as_much_as_realtime_can_bear),
		cmocka_unit_test(test_every_lane_has_a_job),
		cmocka_unit_test(test_what_is_not_known_is_long),
		cmocka_unit_test(test_the_longest_job_counts),
		cmocka_unit_test(test_interactive_jobs_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
