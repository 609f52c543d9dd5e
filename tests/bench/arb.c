// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the arbiter adds to a job, by the number of streams that have work:
 *
 *	arb [LARGEST [GROUPS]]
 *
 * Streams of random weight and job length, shared out over GROUPS groups (0:
 * none). First each has a job waiting or running at all times ("full"); then
 * one has work at a time, among as many that have none ("idle"). Columns:
 * streams; ns of processor time and user instructions of all that a job goes
 * through (arb_arrive(), arb_pick(), arb_done()); the same for arb_pick() alone,
 * of BATCH jobs in a row. "-": can't be said, or this machine doesn't count.
 */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <sched/arb.h>

#define ROUNDS	200000
#define BATCH	64

struct member {
	struct arb_stream stream;
	struct arb_job job;
	u64 ns;
};

struct cost {
	u64 ns;
	u64 instructions;
};

static int counter = -1;
static u64 rnd = 88172645463325252ULL;

static u64 random_below(u64 n)
{
	rnd ^= rnd << 13;
	rnd ^= rnd >> 7;
	rnd ^= rnd << 17;
	return rnd % n;
}

static void open_counter(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	counter = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static struct cost read_cost(void)
{
	struct cost c = { 0, 0 };
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	c.ns = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
	if (counter >= 0 && read(counter, &c.instructions, 8) != 8)
		c.instructions = 0;
	return c;
}

static void since(struct cost *sum, struct cost start)
{
	struct cost end = read_cost();

	sum->ns += end.ns - start.ns;
	sum->instructions += end.instructions - start.instructions;
}

static void print_cost(struct cost c)
{
	printf(" %8.1f", (double)c.ns / ROUNDS);
	if (counter < 0)
		printf(" %8s", "-");
	else
		printf(" %8.1f", (double)c.instructions / ROUNDS);
}

static struct member *member(struct arb_job *job)
{
	return (struct member *)((char *)job - offsetof(struct member, job));
}

/* ROUNDS jobs, one after the other. */
static void run(struct arb *a, struct member *m, u32 n, bool full, u64 *now)
{
	struct member *who;
	struct arb_job *job;
	u32 i;

	for (i = 0; i < ROUNDS; i++) {
		if (!full) {
			who = &m[random_below(n)];
			arb_arrive(a, &who->stream, &who->job, *now, 0,
				   who->ns);
		}
		job = arb_pick(a, *now);
		who = member(job);
		*now += who->ns;
		arb_done(a, job, who->ns, *now);
		if (full)
			arb_arrive(a, &who->stream, job, *now, 0, who->ns);
	}
}

/* ROUNDS jobs, some at a time, for what their picks cost. */
static struct cost run_picks(struct arb *a, u64 *now)
{
	struct cost sum = { 0, 0 }, start;
	struct arb_job *job[BATCH];
	struct member *who;
	u32 i, k;

	for (i = 0; i < ROUNDS / BATCH; i++) {
		start = read_cost();
		for (k = 0; k < BATCH; k++)
			job[k] = arb_pick(a, *now);
		since(&sum, start);
		for (k = 0; k < BATCH; k++) {
			who = member(job[k]);
			*now += who->ns;
			arb_done(a, job[k], who->ns, *now);
			arb_arrive(a, &who->stream, job[k], *now, 0, who->ns);
		}
	}
	return sum;
}

static void measure(u32 n, u32 nr_groups, bool full)
{
	struct member *m = calloc(n, sizeof(*m));
	struct arb_group *g = calloc(nr_groups + 1, sizeof(*g));
	struct cost all = { 0, 0 }, start;
	struct arb_params params;
	u64 now = 1;
	struct arb a;
	u32 i;

	if (!m || !g)
		exit(1);
	arb_params_default(&params);
	arb_init(&a, &params);
	for (i = 0; i < nr_groups; i++)
		arb_group_init(&a, &g[i], NULL, 1 + random_below(1000));
	for (i = 0; i < n; i++) {
		arb_stream_init(&a, &m[i].stream,
				nr_groups ? &g[i % nr_groups] : NULL,
				i % 4 ? ARB_NORMAL : ARB_INTERACTIVE,
				1 + random_below(1000));
		m[i].ns = 1000 + random_below(100000);
		if (full)
			arb_arrive(&a, &m[i].stream, &m[i].job, now, 0,
				   m[i].ns);
	}
	run(&a, m, n, full, &now);	/* warm */
	start = read_cost();
	run(&a, m, n, full, &now);
	since(&all, start);
	printf("%s %8u", full ? "full" : "idle", n);
	print_cost(all);
	if (full && n >= 2 * BATCH)
		print_cost(run_picks(&a, &now));
	else
		printf(" %8s %8s", "-", "-");
	putchar('\n');
	fflush(stdout);
	free(m);
	free(g);
}

int main(int argc, char **argv)
{
	u32 most = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	u32 groups = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	u32 n, full;

	open_counter();
	printf("# %u groups; ns and instructions of a job, and of a pick\n",
	       groups);
	for (full = 2; full--; )
		for (n = 1; n && n <= most; n *= 10)
			measure(n, groups, full);
	return 0;
}
