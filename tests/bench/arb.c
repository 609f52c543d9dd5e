// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the arbiter adds to a job, by the number of streams that have work:
 *
 *	arb [LARGEST [GROUPS]]
 *
 * Streams of random weight and job length, shared out over GROUPS groups (0:
 * none), each with one job waiting or running at all times. Columns: streams;
 * for arb_pick() alone, and for all that a job goes through (arb_arrive(),
 * arb_pick(), arb_done()), ns and user instructions, "-" where the machine
 * doesn't count those. First with jobs that come back at once, so that all
 * streams have work ("full"); then with a single stream that has work at a time
 * among as many that have none ("idle").
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

	clock_gettime(CLOCK_MONOTONIC, &ts);
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

static void print_cost(struct cost c, u64 rounds, struct cost reading)
{
	printf(" %8.1f", ((double)c.ns - (double)reading.ns) / rounds);
	if (counter < 0)
		printf(" %8s", "-");
	else
		printf(" %8.1f", ((double)c.instructions -
				  (double)reading.instructions) / rounds);
}

static struct member *member(struct arb_job *job)
{
	return (struct member *)((char *)job - offsetof(struct member, job));
}

/* What reading clock and counter costs itself, for ROUNDS times. */
static struct cost reading_costs(void)
{
	struct cost sum = { 0, 0 };
	u32 i;

	for (i = 0; i < ROUNDS; i++)
		since(&sum, read_cost());
	return sum;
}

/* One job of each of ROUNDS, with the parts measured if @pick is not NULL. */
static void run(struct arb *a, struct member *m, u32 n, bool full, u64 *now,
		struct cost *pick)
{
	struct cost start = { 0, 0 };
	struct member *who;
	struct arb_job *job;
	u32 i;

	for (i = 0; i < ROUNDS; i++) {
		if (!full) {
			who = &m[random_below(n)];
			arb_arrive(a, &who->stream, &who->job, *now, 0,
				   who->ns);
		}
		if (pick)
			start = read_cost();
		job = arb_pick(a, *now);
		if (pick)
			since(pick, start);
		who = member(job);
		*now += who->ns;
		arb_done(a, job, who->ns, *now);
		if (full)
			arb_arrive(a, &who->stream, job, *now, 0, who->ns);
	}
}

static void measure(u32 n, u32 nr_groups, bool full, struct cost reading)
{
	struct member *m = calloc(n, sizeof(*m));
	struct arb_group *g = calloc(nr_groups + 1, sizeof(*g));
	struct cost pick = { 0, 0 }, all = { 0, 0 }, none = { 0, 0 }, start;
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
	run(&a, m, n, full, &now, NULL);	/* warm */
	start = read_cost();
	run(&a, m, n, full, &now, NULL);
	since(&all, start);
	run(&a, m, n, full, &now, &pick);
	printf("%s %8u", full ? "full" : "idle", n);
	print_cost(pick, ROUNDS, reading);
	print_cost(all, ROUNDS, none);
	putchar('\n');
	fflush(stdout);
	free(m);
	free(g);
}

int main(int argc, char **argv)
{
	u32 most = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	u32 groups = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	struct cost reading;
	u32 n, full;

	open_counter();
	reading = reading_costs();
	printf("# %u groups; ns and instructions of a pick, and of a job\n",
	       groups);
	for (full = 2; full--; )
		for (n = 1; n && n <= most; n *= 10)
			measure(n, groups, full, reading);
	return 0;
}
