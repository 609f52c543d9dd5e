// SPDX-License-Identifier: LGPL-2.1-or-later
/* The example in docs/model-format.md is a valid file. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "aim_builder.h"

/* One line "00000100  05 02 ...   comment"; false if it is none. */
static bool dump_line(const char *line, u8 *file, size_t room, size_t *end)
{
	size_t at;
	int used, n, i;

	if (sscanf(line, "%8zx  %n", &at, &used) != 1 || used != 10 || at >= room)
		return false;
	line += used;
	for (i = 0; i < 16 && sscanf(line, "%2hhx%n", &file[at + i], &n) == 1 &&
	     n == 2 && (line[2] == ' ' || line[2] == '\n'); i++) {
		line += 3;
		/* the two halves of a line stand apart */
		if (i == 7 && *line == ' ')
			line++;
	}
	if (at + i > *end)
		*end = at + i;
	return i > 0;
}

static void the_example_is_accepted(void **state)
{
	const char *top = getenv("AIOFFLOAD_TOP");
	static u8 file[4096] __attribute__((aligned(64)));
	struct aim_reason reason;
	struct aim_view view;
	char path[4096], line[512];
	size_t end = 0;
	u32 lines = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/docs/model-format.md", top ? top : "../..");
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		lines += dump_line(line, file, sizeof(file) - 16, &end);
	fclose(f);
	assert_int_equal(lines, 17);
	assert_int_equal(end, 520);
	if (ab_verify(file, end, &view, &reason))
		fail_msg("%s", reason.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
