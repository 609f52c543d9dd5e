/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the command aioffload in a child of the test, in a directory of its own. */
#ifndef CLITEST_H
#define CLITEST_H

#include <json-c/json.h>
#include <stddef.h>

#define CLI_OUT_MAX	(1 << 20)

struct cli_result {
	int status;		/* exit status, 1000 + signal if killed */
	char *out;		/* NUL-terminated */
	size_t out_bytes;
	char *err;
};

extern struct cli_result cli;	/* of the last run */
extern char cli_dir[64];

/* A scratch directory that the command runs in; gone at the end. */
void cli_set_up(void);
void cli_tear_down(void);

/* Words separated by blanks; quoting does not exist. Returns the status. */
__attribute__((format(printf, 1, 2)))
int cli_run(const char *fmt, ...);
/* Likewise with standard input. */
__attribute__((format(printf, 3, 4)))
int cli_run_stdin(const void *in, size_t bytes, const char *fmt, ...);

/* The last run's standard output as JSON; the test fails if it is not. */
struct json_object *cli_json(void);

/* Files in the scratch directory; directories are made as needed. */
void cli_put(const char *name, const void *data, size_t bytes);
void cli_puts(const char *name, const char *text);
void *cli_get(const char *name, size_t *bytes);		/* NULL: none */
int cli_count_files(void);

#define assert_says(text, has) do { \
	if (!strstr((text), (has))) \
		print_error("'%s' lacks '%s'\n", (text), (has)); \
	assert_non_null(strstr((text), (has))); \
} while (0)

#endif /* CLITEST_H */
