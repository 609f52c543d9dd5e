/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device of one or more servers under the arbiter, driven by sources of
 * jobs, and a check of everything that the arbiter keeps about itself.
 */
#ifndef _TESTS_ARB_DRIVE_H
#define _TESTS_ARB_DRIVE_H

#include <stdio.h>
#include <stdlib.h>
#include <sched/arb.h>

/* An assertion for where CMocka is not. */
#define must(c) do {							\
	if (!(c)) {							\
		fprintf(stderr, "%s:%d: %s\n", __func__, __LINE__, #c);	\
		abort();						\
	}								\
} while (0)

#define DRIVE_SERVERS	8
#define NEVER		(~0ULL >> 1)

struct drive;

/**
 * struct source - jobs of one stream
 * @stream:	initialised by the test
 * @next_at:	next arrival; NEVER: none
 * @arrive:	an arrival is due: bring jobs by drive_arrive(), set @next_at
 * @ended:	a job of it has ended
 * @job_ns:	for tests' own use, like @period and @arg
 * @backlog:	jobs to keep waiting or running
 * @free:	jobs to use again
 */
struct source {
	struct arb_stream stream;
	u64 next_at;
	void (*arrive)(struct drive *d, struct source *src);
	void (*ended)(struct drive *d, struct source *src, u64 arrived);
	u64 job_ns;
	u64 period;
	u64 arg;
	u32 backlog;
	struct work *free;
};

struct work {
	struct arb_job job;
	struct source *src;
	struct work *next;
	u64 left;
	u64 arrived;
	u64 tile;	/* what runs now */
	u64 until;
};

/**
 * struct drive - the device
 * @tile:	jobs may be interrupted that often; 0: never
 * @each:	called after every measurement, if set
 * @straight:	jobs that find a server idle and nobody waiting start at once
 * @lie:	estimates are off by up to this factor
 * @idle_ns:	time that a server had nothing to run
 */
struct drive {
	struct arb a;
	u64 now;
	u64 tile;
	u32 servers;
	bool straight;
	u32 lie;
	u64 rnd;
	u64 idle_ns;
	struct source *src;
	u32 nr_src;
	struct arb_group *groups;
	u32 nr_groups;
	void (*each)(struct drive *d);
	struct work *running[DRIVE_SERVERS];
	u64 checks;
};

u64 drive_random(struct drive *d);
u64 drive_between(struct drive *d, u64 lo, u64 hi);
void drive_init(struct drive *d, const struct arb_params *params,
		struct source *src, u32 nr_src);
void drive_arrive(struct drive *d, struct source *src, u64 ns, u64 deadline);
void drive_run(struct drive *d, u64 until);
void drive_end(struct drive *d);

/* Sources: @backlog jobs of @job_ns at all times; one each @period. */
void source_backlog(struct drive *d, struct source *src);
void source_periodic(struct drive *d, struct source *src);

/* Aborts with a sentence if something in there doesn't fit. */
void arb_check(const struct arb *a, const struct arb_stream *const *streams,
	       u32 nr_streams, const struct arb_group *const *groups,
	       u32 nr_groups);

#endif /* _TESTS_ARB_DRIVE_H */
