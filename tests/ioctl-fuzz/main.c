// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 *	ioctl-fuzz [--seed N] [--seconds N] [--models DIR] [--cert FILE]
 *		   [--out DIR] [--program-ms N] [--keep-going]
 *	ioctl-fuzz --replay FILE [--rounds N]
 *	ioctl-fuzz --shrink FILE [--rounds N] >SMALLER
 *	ioctl-fuzz --print SEED
 *	ioctl-fuzz --write-models DIR
 *
 * Ends with 0 if nothing was found, 1 if something was, 2 if it can't work.
 * The last two run nowhere near a device: they are for the host.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "fuzz.h"

#define RELOAD_EVERY	150	/* programs */
#define CHECK_EVERY	16
/* What may be missing in the end: caches of a kernel that is at rest. */
#define SLACK_KIB	(12 * 1024)

static struct options {
	uint64_t seed;
	unsigned int seconds;
	unsigned int rounds;
	const char *models;
	const char *out;
	const char *replay;
	const char *shrink;
	const char *write_models;
	bool print;
	bool keep_going;
} opt = { .seed = 1, .seconds = 60, .rounds = 20 };

static unsigned int nr_findings;

/* ---- findings ---- */

static void keep_finding(const char *what, const struct program *p)
{
	char path[300];
	FILE *f;

	if (!opt.out)
		return;
	mkdir(opt.out, 0777);
	snprintf(path, sizeof(path), "%s/%#" PRIx64 ".txt", opt.out, p->seed);
	f = fopen(path, "we");
	if (!f)
		return;
	fprintf(f, "# %s\n", what);
	program_print(f, p);
	fclose(f);
}

static void found(const char *what, const struct program *p)
{
	nr_findings++;
	printf("FOUND: %s\n", what);
	program_print(stdout, p);
	fflush(stdout);
	keep_finding(what, p);
}

/* What is wrong after a program, or NULL. @last: what ran before it, or NULL */
static const char *try(const struct program *p, const struct program *last,
		       bool check)
{
	const char *what;

	stage_reset(last);
	if (!program_run(p)) {
		write_file("/proc/sysrq-trigger", "w");
		return "a process of it could not be killed";
	}
	what = watch_complaint();
	if (what || !check)
		return what;
	write_file(NULL_PARAM "remove", "all");
	return watch_leftovers();
}

/* ---- fuzzing ---- */

static bool reload(uint64_t *rng)
{
	if (!modules_delete())
		return false;
	if (!modules_insert(rng))
		return false;
	write_file(NULL_PARAM "remove", "all");
	watch_baseline();
	return true;
}

/* The errno that a call failed with most often, and is not looked at again. */
static void print_most(struct op_stats *s)
{
	unsigned int most = 0;

	for (unsigned int e = 1; e < NR_ERRNOS; e++) {
		if (s->with[e] > s->with[most])
			most = e;
	}
	if (s->with[most])
		printf(" %s %u", most ? strerrorname_np(most) : "not called",
		       s->with[most]);
	s->with[most] = 0;
}

/* A call that never succeeds is not tested: look here after a change. */
static void print_stats(void)
{
	for (unsigned int i = 0; i < nr_ops; i++) {
		printf("%-14s %7u ok %7u failed:", ops[i].name, op_stats[i].ok,
		       op_stats[i].failed);
		for (unsigned int n = 0; n < 4; n++)
			print_most(&op_stats[i]);
		putchar('\n');
	}
}

static int fuzz(void)
{
	uint64_t end = now_ms() + opt.seconds * 1000, rng = opt.seed, n, slow = 0;
	static struct program p, last;
	uint64_t start;
	const char *what = NULL;
	long before = 0, after;

	for (n = 0; now_ms() < end && (!what || opt.keep_going); n++) {
		bool fresh = n % RELOAD_EVERY == 0;

		if (fresh && !reload(&rng)) {
			found("the modules can't be unloaded and loaded", &p);
			break;
		}
		/* The first round filled caches */
		if (n == 2 * RELOAD_EVERY)
			before = watch_memory();
		program_make(&p, opt.seed * 1000000 + n);
		printf("run %" PRIu64 "\n", p.seed);
		fflush(stdout);
		start = now_ms();
		what = try(&p, fresh ? NULL : &last, n % CHECK_EVERY == 0);
		slow += now_ms() - start > program_ms;
		last = p;
		if (what)
			found(what, &p);
	}
	if (!modules_delete())
		found("the modules can't be unloaded", &p);
	what = watch_complaint();
	if (what)
		found(what, &p);
	after = before ? watch_memory() : 0;
	if (after - before > SLACK_KIB)
		found("memory is missing", &p);
	what = watch_leaks();
	if (what)
		found(what, &p);
	print_stats();
	printf("%" PRIu64 " programs, %" PRIu64 " cut short, %u findings\n", n,
	       slow, nr_findings);
	return nr_findings ? 1 : 0;
}

/* ---- reproducers ---- */

static bool read_program(const char *path, struct program *p)
{
	FILE *f = fopen(path, "re");
	const char *wrong;
	unsigned int line;

	if (!f) {
		perror(path);
		return false;
	}
	wrong = program_parse(f, p, &line);
	fclose(f);
	if (wrong)
		fprintf(stderr, "%s:%u: %s\n", path, line, wrong);
	return !wrong;
}

/* Does it still? Races may need some rounds. */
static const char *again(const struct program *p)
{
	const char *what = NULL;

	for (unsigned int i = 0; i < opt.rounds && !what; i++)
		what = try(p, NULL, true);
	return what;
}

static int replay(void)
{
	struct program p;
	const char *what;

	if (!read_program(opt.replay, &p))
		return 2;
	what = again(&p);
	if (!what && !modules_delete())
		what = "the modules can't be unloaded";
	if (!what)
		what = watch_leaks();
	printf("%s\n", what ? what : "nothing found");
	return what ? 1 : 0;
}

static void without(struct program *to, const struct program *from,
		    unsigned int at, unsigned int n)
{
	*to = *from;
	memmove(&to->call[at], &to->call[at + n],
		(from->nr - at - n) * sizeof(to->call[0]));
	to->nr = from->nr - n;
}

/* Leave out ever smaller pieces, as long as the kernel still complains. */
static int shrink(void)
{
	static struct program p, q;

	if (!read_program(opt.shrink, &p))
		return 2;
	if (!again(&p)) {
		fprintf(stderr, "nothing found with all of it\n");
		return 2;
	}
	for (unsigned int n = p.nr / 2; n; n /= 2) {
		for (unsigned int at = 0; at + n <= p.nr; ) {
			without(&q, &p, at, n);
			if (again(&q))
				p = q;
			else
				at += n;
		}
	}
	program_print(stdout, &p);
	return 0;
}

static void options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seed", 1, NULL, 's' }, { "seconds", 1, NULL, 't' },
		{ "models", 1, NULL, 'm' }, { "out", 1, NULL, 'o' },
		{ "replay", 1, NULL, 'r' }, { "shrink", 1, NULL, 'k' },
		{ "rounds", 1, NULL, 'n' }, { "print", 1, NULL, 'p' },
		{ "cert", 1, NULL, 'c' }, { "write-models", 1, NULL, 'w' },
		{ "program-ms", 1, NULL, 'l' }, { "keep-going", 0, NULL, 'g' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		switch (c) {
		case 's': opt.seed = strtoull(optarg, NULL, 0); break;
		case 't': opt.seconds = strtoul(optarg, NULL, 0); break;
		case 'm': opt.models = optarg; break;
		case 'o': opt.out = optarg; break;
		case 'r': opt.replay = optarg; break;
		case 'k': opt.shrink = optarg; break;
		case 'n': opt.rounds = strtoul(optarg, NULL, 0); break;
		case 'l': program_ms = strtoul(optarg, NULL, 0); break;
		case 'p':
			opt.print = true;
			opt.seed = strtoull(optarg, NULL, 0);
			break;
		case 'c': trusted_cert = optarg; break;
		case 'w': opt.write_models = optarg; break;
		case 'g': opt.keep_going = true; break;
		default: exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	static struct program p;
	uint64_t rng = 0;
	int err;

	options(argc, argv);
	if (opt.print) {
		program_make(&p, opt.seed);
		program_print(stdout, &p);
		return 0;
	}
	models_make(opt.models);
	if (opt.write_models)
		return models_write(opt.write_models) ? 0 : 2;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	op_stats = mmap(NULL, nr_ops * sizeof(*op_stats), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (op_stats == MAP_FAILED)
		return 2;
	err = watch_open();
	if (err) {
		fprintf(stderr, "/dev/kmsg: %s\n", strerror(-err));
		return 2;
	}
	stage_prepare();
	if (!reload(&rng)) {
		fprintf(stderr, "the modules can't be loaded\n");
		return 2;
	}
	if (opt.replay)
		return replay();
	if (opt.shrink)
		return shrink();
	return fuzz();
}
