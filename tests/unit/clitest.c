// SPDX-License-Identifier: LGPL-2.1-or-later
/* See clitest.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../userspace/cli/cli.h"
#include "clitest.h"

#define MAX_WORDS	32

struct cli_result cli;
char cli_dir[64];

void cli_set_up(void)
{
	strcpy(cli_dir, "/tmp/testcliXXXXXX");
	assert_non_null(mkdtemp(cli_dir));
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

void cli_tear_down(void)
{
	free(cli.out);
	free(cli.err);
	memset(&cli, 0, sizeof(cli));
	nftw(cli_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static char *take(int fd, size_t *bytes)
{
	char *text = malloc(CLI_OUT_MAX);
	ssize_t n;

	assert_non_null(text);
	n = pread(fd, text, CLI_OUT_MAX - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	if (bytes)
		*bytes = (size_t)n;
	close(fd);
	return text;
}

static void child(int in, int out, int err, int argc, char **argv)
{
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
	    chdir(cli_dir))
		_exit(99);
	optind = 0;
	exit(cli_main(argc, argv));	/* not _exit(): leaks are looked for */
}

static int run(int in, char *words)
{
	char *argv[MAX_WORDS + 1] = { "aioffload" }, *save, *word;
	int out = memfd_create("out", MFD_CLOEXEC);
	int err = memfd_create("err", MFD_CLOEXEC);
	int argc = 1, status;
	pid_t pid;

	for (word = strtok_r(words, " ", &save); word && argc < MAX_WORDS;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		child(in, out, err, argc, argv);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(in);
	free(cli.out);
	free(cli.err);
	cli.out = take(out, &cli.out_bytes);
	cli.err = take(err, NULL);
	cli.status = WIFEXITED(status) ? WEXITSTATUS(status) :
		1000 + WTERMSIG(status);
	if (strstr(cli.err, "Sanitizer"))
		print_error("%s\n", cli.err);
	return cli.status;
}

int cli_run(const char *fmt, ...)
{
	char words[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	return run(open("/dev/null", O_RDONLY | O_CLOEXEC), words);
}

int cli_run_stdin(const void *in, size_t bytes, const char *fmt, ...)
{
	char words[4096];
	va_list args;
	int pipe_fds[2];
	int status;
	pid_t feeder;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	fflush(NULL);
	feeder = fork();
	if (!feeder) {
		size_t at;

		close(pipe_fds[0]);
		/* in odd pieces, as pipes do */
		for (at = 0; at < bytes; at += 7) {
			size_t n = bytes - at < 7 ? bytes - at : 7;

			if (write(pipe_fds[1], (const char *)in + at, n) < 0)
				break;
		}
		_exit(0);
	}
	close(pipe_fds[1]);
	status = run(pipe_fds[0], words);
	waitpid(feeder, NULL, 0);
	return status;
}

struct json_object *cli_json(void)
{
	struct json_object *obj = json_tokener_parse(cli.out);

	if (!obj)
		print_error("not JSON: '%s' (stderr: '%s')\n", cli.out, cli.err);
	assert_non_null(obj);
	return obj;
}

void cli_put(const char *name, const void *data, size_t bytes)
{
	char path[4096], *slash;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", cli_dir, name);
	for (slash = path + strlen(cli_dir) + 1; (slash = strchr(slash, '/'));
	     slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	if (path[strlen(path) - 1] == '/')
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, bytes), bytes);
	close(fd);
}

void cli_puts(const char *name, const char *text)
{
	cli_put(name, text, strlen(text));
}

void *cli_get(const char *name, size_t *bytes)
{
	char path[4096];
	struct stat st;
	void *data;
	int fd;

	if (name[0] == '/')
		snprintf(path, sizeof(path), "%s", name);
	else
		snprintf(path, sizeof(path), "%s/%s", cli_dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	assert_int_equal(fstat(fd, &st), 0);
	data = malloc((size_t)st.st_size + 1);
	assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
	((char *)data)[st.st_size] = '\0';
	close(fd);
	if (bytes)
		*bytes = (size_t)st.st_size;
	return data;
}

int cli_count_files(void)
{
	DIR *dir = opendir(cli_dir);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}
