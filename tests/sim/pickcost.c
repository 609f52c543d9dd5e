// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the arbiter adds to a job, in instructions: its arrival, its pick and
 * its end, with so many streams waiting. Counted exactly, by a parent that
 * lets the measured process do one instruction at a time: the same on every
 * machine and every run, whatever else is going on. What the loop around it
 * takes is counted too, with calls of nothing, and taken off. Prints CSV.
 *
 *	pickcost [MAX-STREAMS]		default: 1000000
 *	pickcost check			is it what was asked for? 1: no
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim.h"

#define JOBS	100	/* measured at each size */

struct member {
	struct arb_stream s;
	struct arb_job job[2];
};

enum mix {
	FLAT,		/* streams of all fair classes */
	GROUPS,		/* those in groups of a hundred, these below the root */
	REALTIME,
	NR_MIXES
};

static struct member *populate(struct arb *a, u32 n, enum mix mix)
{
	struct member *m = calloc(n, sizeof(*m));
	struct arb_group *g = calloc(n / 100 + 1, sizeof(*g));
	struct rng r;
	u32 i;

	rng_seed(&r, n);
	for (i = 0; i <= n / 100; i++)
		if (arb_group_init(a, &g[i], NULL, 100))
			abort();
	for (i = 0; i < n; i++) {
		enum arb_class cls = rng_below(&r, 3);

		if (arb_stream_init(a, &m[i].s, mix == FLAT ? NULL : &g[i / 100],
				    cls, 100))
			abort();
		if (mix == REALTIME && arb_stream_set_realtime(a, &m[i].s, 1000,
							4000000000ULL, 0, NULL))
			abort();
		if (arb_arrive(a, &m[i].s, &m[i].job[0], i, 0, 1000 + rng_below(&r, 100000)))
			abort();
	}
	return m;
}

struct calls {
	struct arb_job *(*pick)(struct arb *a, u64 now);
	int (*done)(struct arb *a, struct arb_job *job, u64 ns, u64 now);
	int (*arrive)(struct arb *a, struct arb_stream *s, struct arb_job *job,
		      u64 now, u64 deadline, u64 est_ns);
};

static const struct calls arbiter = { arb_pick, arb_done, arb_arrive };

static struct arb_job *no_pick(struct arb *a, u64 now)
{
	static struct arb_job job;

	return &job;
}

static int no_done(struct arb *a, struct arb_job *job, u64 ns, u64 now)
{
	return 0;
}

static int no_arrive(struct arb *a, struct arb_stream *s, struct arb_job *job,
		     u64 now, u64 deadline, u64 est_ns)
{
	return 0;
}

static const struct calls nothing = { no_pick, no_done, no_arrive };

static void round_trip(const struct calls *call, struct arb *a, u64 *now)
{
	struct arb_job *j = call->pick(a, *now);
	struct arb_stream *s = j->stream;
	u64 ns = 1000 + *now % 50000;

	*now += ns;
	if (call->done(a, j, ns, *now) || call->arrive(a, s, j, *now, 0, ns))
		abort();
}

/* Warms up, then stops itself before and after what is to be counted. */
static void measured(const struct calls *call, u32 n, enum mix mix)
{
	struct arb_params p;
	struct arb a;
	u64 now = SEC;
	int i;

	arb_params_default(&p);
	if (arb_init(&a, &p))
		abort();
	populate(&a, n, mix);
	for (i = 0; i < 1000 + (int)n / 4; i++)
		round_trip(call, &a, &now);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	for (i = 0; i < JOBS; i++)
		round_trip(call, &a, &now);
	raise(SIGSTOP);
	_exit(0);
}

/* Instructions from the first SIGSTOP to the second. */
static u64 steps(const struct calls *call, u32 n, enum mix mix)
{
	pid_t pid = fork();
	int status;
	u64 steps = 0;

	if (pid < 0)
		exit(1);
	if (!pid)
		measured(call, n, mix);
	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGSTOP) {
		fputs("pickcost: can't be traced here\n", stderr);
		exit(1);
	}
	do {
		steps++;
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
		waitpid(pid, &status, 0);
	} while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return steps;
}

static double count(u32 n, enum mix mix)
{
	double all = steps(&arbiter, n, mix);

	return (all - steps(&nothing, 1, FLAT)) / JOBS;
}

/* Less than 200 for one stream, less than 600 for 100,000. */
static int check(void)
{
	double one = count(1, FLAT), many = count(100000, FLAT);

	printf("instructions for a job: %.1f of one stream, %.1f of 100,000\n",
	       one, many);
	return one >= 200 || many >= 600;
}

int main(int argc, char **argv)
{
	u32 max = argc > 1 ? (u32)strtoul(argv[1], NULL, 0) : 1000000, n;

	if (argc > 1 && !strcmp(argv[1], "check"))
		return check();
	puts("streams,flat_instructions,groups_instructions,realtime_instructions");
	for (n = 1; n <= max; n *= 10) {
		printf("%u,%.1f,%.1f,", n, count(n, FLAT), count(n, GROUPS));
		/* a device promises no more than 950,000 ppm, of which 1 each */
		if (n <= 100000)
			printf("%.1f", count(n, REALTIME));
		puts("");
		fflush(stdout);
	}
	return 0;
}
