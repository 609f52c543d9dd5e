/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CMocka, or where the compiler has none (cross builds) the few names of it
 * that freestanding tests use: assertions that end the program.
 */
#ifndef _TESTS_UNIT_H
#define _TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#ifndef UNIT_WITHOUT_CMOCKA
#include <cmocka.h>
#else
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
	const char *name;
	void (*run)(void **state);
};

#define cmocka_unit_test(f)	{ #f, f }

#define fail_msg(...) do {						\
	fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);			\
	fprintf(stderr, __VA_ARGS__);					\
	fputc('\n', stderr);						\
	exit(1);							\
} while (0)

#define assert_true(c) do {						\
	if (!(c))							\
		fail_msg("%s", #c);					\
} while (0)
#define assert_false(c)			assert_true(!(c))
#define assert_non_null(p)		assert_true((p) != NULL)
#define assert_null(p)			assert_true((p) == NULL)
#define assert_int_equal(a, b)		assert_true((a) == (b))
#define assert_ptr_equal(a, b)		assert_true((a) == (b))
#define skip()				return
#define assert_memory_equal(a, b, n)	assert_true(!memcmp(a, b, n))

static inline int unit_run(const struct CMUnitTest *tests, size_t n,
			   int (*setup)(void **state),
			   int (*teardown)(void **state))
{
	void *state = NULL;
	size_t i;

	if (setup && setup(&state))
		return 1;
	for (i = 0; i < n; i++) {
		tests[i].run(&state);
		printf("ok %s\n", tests[i].name);
	}
	return teardown && teardown(&state);
}

#define cmocka_run_group_tests(tests, setup, teardown)			\
	unit_run(tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#endif
#endif /* _TESTS_UNIT_H */
