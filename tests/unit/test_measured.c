// SPDX-License-Identifier: LGPL-2.1-or-later
/* The line that IMA keeps of a model: written and read the same. */
#include <aim/measured.h>
#include <stdio.h>
#include "unit.h"

static struct aim_measured example(void)
{
	struct aim_measured m = {
		.version = 3, .time_ns = 123456789, .mode = 2,
		.name = "keyword-spotter",
	};

	memset(m.digest, 0xab, sizeof(m.digest));
	memset(m.key, 0x01, sizeof(m.key));
	return m;
}

static void back_and_forth(const struct aim_measured *m)
{
	char line[AIM_MEASURED_MAX];
	struct aim_measured got;
	size_t n = aim_measured_write(m, line);

	assert_true(n < sizeof(line));
	assert_int_equal(line[n - 1], '\n');
	assert_int_equal(aim_measured_read(line, n, &got), 0);
	assert_memory_equal(got.digest, m->digest, 32);
	assert_memory_equal(got.key, m->key, 32);
	assert_string_equal(got.name, m->name);
	assert_true(got.version == m->version);
	assert_true(got.time_ns == m->time_ns);
	assert_int_equal(got.mode, m->mode);
}

static void test_reads_what_it_writes(void **state)
{
	static const char *const names[] = {
		"", "a", "-", "--", "a b", "a=b", "x\x01\xff%", "\"", "100%",
		"0123456789012345678901234567890123456789012345678901234567890123",
	};
	struct aim_measured m = example();
	size_t i;

	back_and_forth(&m);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		memset(m.name, 0, sizeof(m.name));
		strncpy(m.name, names[i], sizeof(m.name) - 1);
		back_and_forth(&m);
	}
	memset(m.name, 0xff, sizeof(m.name) - 1);
	m.version = ~0ULL;
	m.time_ns = ~0ULL;
	for (m.mode = 0; m.mode < 3; m.mode++)
		back_and_forth(&m);
	m = example();
	memset(m.key, 0, sizeof(m.key));
	back_and_forth(&m);
}

static void test_line_is_as_documented(void **state)
{
	static const char want[] = "aioffload-model 1 digest=sha256:"
		"abababababababababababababababababababababababababababababababab"
		" key=sha256:"
		"0101010101010101010101010101010101010101010101010101010101010101"
		" name=keyword-spotter version=3 mode=enforce time=123456789\n";
	struct aim_measured m = example();
	char line[AIM_MEASURED_MAX];
	size_t n = aim_measured_write(&m, line);

	assert_int_equal(n, sizeof(want) - 1);
	assert_memory_equal(line, want, n);
}

/* Whatever is changed, it is refused or means something else. */
static void test_no_two_lines_mean_the_same(void **state)
{
	char line[AIM_MEASURED_MAX], again[AIM_MEASURED_MAX];
	struct aim_measured m = example(), got;
	size_t n = aim_measured_write(&m, line), at;
	int c;

	for (at = 0; at < n; at++) {
		assert_int_not_equal(aim_measured_read(line, at, &got), 0);
		for (c = 0; c < 256; c++) {
			char old = line[at];

			line[at] = (char)c;
			if (!aim_measured_read(line, n, &got)) {
				assert_int_equal(aim_measured_write(&got, again),
						 n);
				assert_memory_equal(line, again, n);
			}
			line[at] = old;
		}
	}
	line[n] = '\n';
	assert_int_not_equal(aim_measured_read(line, n + 1, &got), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_it_writes),
		cmocka_unit_test(test_line_is_as_documented),
		cmocka_unit_test(test_no_two_lines_mean_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
