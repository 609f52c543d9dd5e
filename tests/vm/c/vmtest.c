// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The frame around the tests.
 *
 *	prog --list		names, one a line
 *	prog [NAME...]		run all, or these
 *
 * Output, one line each: "ok NAME", "skip NAME # why", "not ok NAME # why".
 * A line goes to the kernel log before each test, so that a complaint there
 * can be told whose it is.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "vmtest.h"

#define SKIPPED	77

static struct vmt_case *cases, **cases_end = &cases;
static int reason_fd = -1;

void vmt_register(struct vmt_case *c)
{
	*cases_end = c;
	cases_end = &c->next;
}

static void say(const char *fmt, va_list ap)
{
	char text[1024];
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	if (n > (int)sizeof(text) - 1)
		n = sizeof(text) - 1;
	if (n > 0 && write(reason_fd, text, n) < 0)
		perror("vmtest");
}

void vmt_fail(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	char where[160];
	va_list ap;

	snprintf(where, sizeof(where), "%s:%d: %s", base ? base + 1 : file, line, fmt);
	va_start(ap, fmt);
	say(where, ap);
	va_end(ap);
	_exit(1);
}

void vmt_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	_exit(SKIPPED);
}

const char *vmt_errno_name(int err)
{
	const char *name = err ? strerrorname_np(err) : "success";

	return name ? name : "unknown errno";
}

void vmt_expect_errno(const char *file, int line, const char *call, long ret,
		      int err, int want)
{
	if (ret >= 0)
		vmt_fail(file, line, "%.80s gave %ld, expected %s", call, ret,
			 vmt_errno_name(want));
	if (err != want)
		vmt_fail(file, line, "%.80s: %s, expected %s", call,
			 vmt_errno_name(err), vmt_errno_name(want));
}

int open_cpu_ctx(void)
{
	int cpu = find_device("aioffload_cpu");

	if (cpu < 0)
		SKIP("no CPU device");
	return open_ctx(cpu);
}

bool is_exact(void)
{
	return getenv("VMTEST_EXACT");
}

void figure(const char *name, double got, double least, double most)
{
	printf("= %s|%.5f|%g|%g\n", name, got, least, most);
	fflush(stdout);
	if (is_exact() && !(got >= least && got <= most))
		FAIL("%s: %.5f, expected %g to %g", name, got, least, most);
}

/* ---- what must not outlive a test ---- */

struct census {
	long module_refs;
	long dmabufs;
};

static long count_dmabufs(void)
{
	FILE *f = fopen("/sys/kernel/debug/dma_buf/bufinfo", "r");
	char line[512];
	long n = -1;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		sscanf(line, "Total %ld objects", &n);
	fclose(f);
	return n;
}

static struct census take_census(void)
{
	return (struct census){
		.module_refs = read_long("/sys/module/aioffload/refcnt"),
		.dmabufs = count_dmabufs(),
	};
}

/* Files are freed a little after their last close: give them time. */
static const char *nothing_left(struct census before)
{
	static char text[160];
	uint64_t end = now_ns() + 5000000000ULL;
	struct census now;

	for (;;) {
		now = take_census();
		/* The test itself may have (un)loaded modules: fewer is fine */
		if (now.module_refs <= before.module_refs &&
		    now.dmabufs <= before.dmabufs)
			return NULL;
		if (now_ns() > end)
			break;
		sleep_ms(10);
	}
	snprintf(text, sizeof(text),
		 "left behind: %ld module references (before: %ld), %ld dma-bufs (before: %ld)",
		 now.module_refs, before.module_refs, now.dmabufs, before.dmabufs);
	return text;
}

/* ---- running ---- */

static void mark(const char *prog, const char *name)
{
	char text[200];
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	snprintf(text, sizeof(text), "<5>vmtest: begin %s.%s\n", prog, name);
	if (write(fd, text, strlen(text)) < 0)
		perror("/dev/kmsg");
	close(fd);
}

static void child(struct vmt_case *c, int fd)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	reason_fd = fd;
	c->fn();
	_exit(0);
}

/* Read what the test says until it ends; true if it took too long. */
static bool listen_to(int fd, int pid, unsigned int seconds, char *text, size_t room)
{
	uint64_t end = now_ns() + seconds * 1000000000ULL;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t got = 0;

	for (;;) {
		int64_t left = (int64_t)(end - now_ns()) / 1000000;
		ssize_t n;
		siginfo_t si = { 0 };

		/* A grandchild may keep the pipe open: the child's end counts */
		if (!waitid(P_PID, pid, &si, WEXITED | WNOHANG | WNOWAIT) && si.si_pid) {
			if (poll(&p, 1, 0) <= 0)
				return false;
		}
		if (left <= 0)
			return true;
		if (poll(&p, 1, left < 50 ? left : 50) <= 0)
			continue;
		n = read(fd, text + got, room - 1 - got);
		if (!n)
			return false;	/* nobody holds the other end */
		if (n > 0)
			got += n;
		text[got] = '\0';
	}
}

unsigned int slower(void)
{
	const char *text = getenv("VMTEST_SLOW");

	return text ? strtoul(text, NULL, 10) : 1;
}

static bool run_one(const char *prog, struct vmt_case *c)
{
	char text[1100] = "";
	const char *left;
	struct census before;
	unsigned int seconds = c->seconds * slower();
	int p[2], pid, status;
	bool late;

	modules_load();
	mark(prog, c->name);
	before = take_census();
	fflush(stdout);
	if (pipe(p)) {
		perror("pipe");
		exit(2);
	}
	pid = fork();
	if (!pid) {
		close(p[0]);
		child(c, p[1]);
	}
	close(p[1]);
	setpgid(pid, pid);
	late = listen_to(p[0], pid, seconds, text, sizeof(text));
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	if (late && write_text("/proc/sysrq-trigger", "w"))
		fprintf(stderr, "no sysrq\n");
	waitpid(pid, &status, 0);
	close(p[0]);
	write_text("/sys/module/aioffload_null/parameters/remove", "all");
	/* What it may have set and, failing, not set back */
	write_text("/sys/module/aioffload/parameters/job_timeout_ms", "60000");
	write_text("/sys/module/aioffload_cpu/parameters/poison", "-1");
	left = nothing_left(before);

	for (char *nl = text; (nl = strchr(nl, '\n')); )
		*nl = ' ';
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		printf("skip %s # %s\n", c->name, text);
	else if (late)
		printf("not ok %s # no end after %u s %s\n", c->name, seconds, text);
	else if (WIFSIGNALED(status))
		printf("not ok %s # killed by signal %d %s\n", c->name,
		       WTERMSIG(status), text);
	else if (WEXITSTATUS(status))
		printf("not ok %s # %s\n", c->name, text);
	else if (left)
		printf("not ok %s # %s\n", c->name, left);
	else
		printf("ok %s\n", c->name);
	fflush(stdout);
	return !status && !left;
}

static bool wanted(const char *name, int argc, char **argv)
{
	if (argc < 2)
		return true;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], name))
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *prog = slash ? slash + 1 : argv[0];
	bool good = true;

	if (argc > 1 && !strcmp(argv[1], "--list")) {
		for (struct vmt_case *c = cases; c; c = c->next)
			puts(c->name);
		return 0;
	}
	for (struct vmt_case *c = cases; c; c = c->next) {
		if (wanted(c->name, argc, argv))
			good &= run_one(prog, c);
	}
	return good ? 0 : 1;
}
