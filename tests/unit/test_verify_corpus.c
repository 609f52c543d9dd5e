// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The fuzzers' corpora, without a fuzzer: what is called valid is accepted,
 * what is called hostile is refused with a reason, and the rest (found by
 * fuzzing, named by its hash) makes no one stumble.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "aim_builder.h"

#define MAX_FILE	65536

static u32 check_file(const char *dir, const char *name)
{
	static u8 data[MAX_FILE];
	struct aim_reason reason;
	struct aim_view view;
	char path[4096];
	size_t bytes;
	FILE *f;
	int err;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	bytes = fread(data, 1, sizeof(data), f);
	fclose(f);
	err = ab_verify(data, bytes, &view, &reason);
	if (!strncmp(name, "valid-", 6) && err)
		fail_msg("%s: %s", name, reason.text);
	if (!strncmp(name, "hostile-", 8) && !err)
		fail_msg("%s is accepted", name);
	assert_int_equal(!err, !reason.text[0]);
	return 1;
}

static u32 check_corpus(const char *target)
{
	const char *top = getenv("AIOFFLOAD_TOP");
	char dir[2048];
	struct dirent *e;
	u32 n = 0;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", top ? top : "../..",
		 target);
	d = opendir(dir);
	assert_non_null(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			n += check_file(dir, e->d_name);
	closedir(d);
	return n;
}

static void every_file_is_what_it_is_called(void **state)
{
	assert_true(check_corpus("fuzz_verify") >= 60);
	assert_true(check_corpus("fuzz_run") >= 38);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_is_what_it_is_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
