// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a model costs on a device: learned from honest and other measurements. */
#include "../../module/sched/place.h"
#include "unit.h"

static u32 seed;

static u32 rnd(u32 below)
{
	seed = seed * 1664525 + 1013904223;
	return (u32)((u64)seed * below >> 32);
}

static void close_to(u64 got, u64 want, u32 percent)
{
	u64 off = got > want ? got - want : want - got;

	if (off * 100 > want * percent)
		fail_msg("%llu is not within %u %% of %llu",
			 (unsigned long long)got, percent,
			 (unsigned long long)want);
}

static void learn_n(struct place_cost *c, u32 n, u32 samples, u64 ns)
{
	while (n--)
		place_cost_learn(c, samples, ns, 1);
}

static void test_nothing_is_known_at_first(void **state)
{
	struct place_cost c;

	place_cost_init(&c);
	assert_int_equal(place_cost_of(&c, 1), 0);
	assert_int_equal(place_cost_of(&c, 0xffffffff), 0);
}

static void test_a_constant_cost_is_met_exactly(void **state)
{
	struct place_cost c;

	place_cost_init(&c);
	learn_n(&c, 1, 4, 123456);
	assert_int_equal(place_cost_of(&c, 4), 123456);
	learn_n(&c, 50, 4, 123456);
	assert_int_equal(place_cost_of(&c, 4), 123456);
	close_to(123456 + place_cost_dev(&c), 123456, 1);
}

/* Counts in any order, noise of 5 %: fixed and per-sample part come apart. */
static void test_both_parts_are_learned(void **state)
{
	static const u64 parts[][2] = {
		{ 100000, 0 }, { 0, 10000 }, { 50000, 2000 }, { 1000, 1000000 },
		{ 5000000, 100 },
	};
	struct place_cost c;
	u32 i, j;

	seed = 1;
	for (i = 0; i < 5; i++) {
		u64 fixed = parts[i][0], each = parts[i][1];

		place_cost_init(&c);
		for (j = 0; j < 400; j++) {
			u32 n = 1 + rnd(64);
			u64 ns = fixed + each * n;

			place_cost_learn(&c, n, ns + ns / 20 - rnd(ns / 10), j);
		}
		close_to(place_cost_of(&c, 1), fixed + each, fixed ? 30 : 60);
		close_to(place_cost_of(&c, 32), fixed + each * 32, 5);
		close_to(place_cost_of(&c, 64), fixed + each * 64, 8);
		close_to(place_cost_of(&c, 256), fixed + each * 256, 25);
	}
}

static void test_two_sizes_tell_the_slope_at_once(void **state)
{
	struct place_cost c;

	place_cost_init(&c);
	learn_n(&c, 8, 1, 100000);
	/* Until then a sample is all that could cost. */
	close_to(place_cost_of(&c, 32), 3200000, 1);
	learn_n(&c, 1, 32, 100000 + 31 * 500);
	close_to(place_cost_of(&c, 32), 115500, 2);
	close_to(place_cost_of(&c, 1), 100000, 2);
	close_to(place_cost_of(&c, 16), 107500, 2);
}

static void test_the_first_job_may_be_slow(void **state)
{
	struct place_cost c;

	place_cost_init(&c);
	learn_n(&c, 1, 1, 10000000);
	learn_n(&c, 1, 1, 100000);
	close_to(place_cost_of(&c, 1), 100000, 1);
	/* And the second: then the first one counts. */
	place_cost_init(&c);
	learn_n(&c, 1, 1, 100000);
	learn_n(&c, 1, 1, 10000000);
	assert_true(place_cost_of(&c, 1) < 300000);
	learn_n(&c, 20, 1, 100000);
	close_to(place_cost_of(&c, 1), 100000, 10);
}

static void test_an_outlier_moves_little(void **state)
{
	struct place_cost c;
	u32 i;

	place_cost_init(&c);
	learn_n(&c, 30, 1, 100000);
	learn_n(&c, 1, 1, 3600000000000ULL);
	close_to(place_cost_of(&c, 1), 100000, 5);
	learn_n(&c, 1, 1, 100000);
	learn_n(&c, 1, 1, 0);
	close_to(place_cost_of(&c, 1), 100000, 10);
	/* One job of ten for ever: the others still count. */
	for (i = 0; i < 500; i++)
		learn_n(&c, 1, 1, i % 10 ? 100000 : 5000000);
	assert_true(place_cost_of(&c, 1) < 200000);
}

static void test_a_change_of_speed_is_followed(void **state)
{
	static const u64 factor[] = { 1, 10, 1, 3, 100, 1, 2 };
	struct place_cost c;
	u32 i, j;

	place_cost_init(&c);
	seed = 2;
	for (i = 0; i < 7; i++) {
		for (j = 0; j < 40; j++) {
			u32 n = 1 + rnd(8);

			place_cost_learn(&c, n, factor[i] * (20000 + 5000 * n), 1);
		}
		close_to(place_cost_of(&c, 4), factor[i] * 40000, 3);
	}
	/* Three jobs are enough to see it. */
	learn_n(&c, 3, 4, 800000);
	close_to(place_cost_of(&c, 4), 800000, 3);
	learn_n(&c, 3, 4, 40000);
	close_to(place_cost_of(&c, 4), 40000, 3);
}

static void test_a_slow_drift_is_followed(void **state)
{
	struct place_cost c;
	u64 ns = 100000;
	u32 i;

	place_cost_init(&c);
	for (i = 0; i < 300; i++) {
		learn_n(&c, 1, 1, ns);
		ns += ns / 50;
	}
	assert_true(ns > 10000000);
	close_to(place_cost_of(&c, 1), ns, 20);
}

static void test_the_deviation_is_that_of_the_noise(void **state)
{
	struct place_cost c;
	u32 i;

	place_cost_init(&c);
	seed = 3;
	for (i = 0; i < 1000; i++)
		place_cost_learn(&c, 1, 900000 + rnd(200000), i);
	/* Evenly spread over +-100000: 50000 in the mean. */
	close_to(place_cost_dev(&c), 50000, 40);
	close_to(place_cost_of(&c, 1), 1000000, 6);
}

/* Whatever is measured, predictions grow with the count and stay in bounds. */
static void test_nonsense_does_no_harm(void **state)
{
	static const u64 times[] = {
		0, 1, 2, 1000, 3600000000000ULL, PLACE_NS_MAX - 1,
		PLACE_NS_MAX, 1ULL << 63, ~0ULL,
	};
	static const u32 counts[] = {
		0, 1, 2, 31, 1 << 12, 1 << 24, (1U << 31) - 1, 0xffffffff,
	};
	struct place_cost c;
	u32 run, i;

	seed = 4;
	for (run = 0; run < 200; run++) {
		place_cost_init(&c);
		for (i = 0; i < 500; i++) {
			u64 last = 0;
			u32 k;

			place_cost_learn(&c, counts[rnd(8)], times[rnd(9)],
					 times[rnd(9)]);
			for (k = 0; k < 8; k++) {
				u64 ns = place_cost_of(&c, counts[k]);

				assert_true(ns >= 1 && ns <= PLACE_NS_MAX);
				assert_true(ns >= last);
				last = ns;
			}
			assert_true(place_cost_dev(&c) <= PLACE_NS_MAX);
		}
		/* And honest work puts it right again. */
		for (i = 0; i < 60; i++)
			place_cost_learn(&c, 8, 50000, 1);
		close_to(place_cost_of(&c, 8), 50000, 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_known_at_first),
		cmocka_unit_test(test_a_constant_cost_is_met_exactly),
		cmocka_unit_test(test_both_parts_are_learned),
		cmocka_unit_test(test_two_sizes_tell_the_slope_at_once),
		cmocka_unit_test(test_the_first_job_may_be_slow),
		cmocka_unit_test(test_an_outlier_moves_little),
		cmocka_unit_test(test_a_change_of_speed_is_followed),
		cmocka_unit_test(test_a_slow_drift_is_followed),
		cmocka_unit_test(test_the_deviation_is_that_of_the_noise),
		cmocka_unit_test(test_nonsense_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
