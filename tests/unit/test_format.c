// SPDX-License-Identifier: LGPL-2.1-or-later
/* The records of the model format have no holes and fixed places. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <aim/format.h>

static void records_have_fixed_sizes(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct aim_section), 16);
	assert_int_equal(offsetof(struct aim_header, sections), 88);
	assert_int_equal(offsetof(struct aim_tensor, offset), 32);
	assert_int_equal(offsetof(struct aim_op, p), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_have_fixed_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
