// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Realtime on the CPU device: how much of it is promised, who goes first, and how
 * soon those at work let others run.
 */
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#include "vmtest.h"

#define MS	1000000ULL
#define S	1000000000ULL

#define REALTIME	AIOFFLOAD_QOS_REALTIME

static struct queue q;

/* ---- how much there is ---- */

/* What so many CPUs can promise if the largest density is @largest, in ppm. */
static long can_promise(long cpus, long largest)
{
	long limit = read_long("/sys/module/aioffload/parameters/rt_percent") * 10000;

	return limit * (cpus * 1000000 - (cpus - 1) * largest) / 1000000;
}

static void use_cpus(unsigned int first, unsigned int n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	while (n--)
		CPU_SET(first + n, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set));
}

/* Time is promised once only, and the refused are told what is left. */
TEST(realtime_is_admitted_by_what_is_left)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), total = can_promise(cpus, 300000);
	struct aioffload_queue_create c = ARG(queue_create);
	int ctx = open_cpu_ctx(), n = 0;
	struct queue *all = calloc(1000, sizeof(*all));

	for (int round = 0; round < 2; round++) {
		for (n = 0; !queue_create_qos(ctx, &all[n], 1, REALTIME, 30 * MS, 100 * MS); n++)
			;
		EXPECT_EQ(errno, EBUSY);
		EXPECT_EQ(all[n].c.rt_left_ppm, total - n * 300000L);
		EXPECT_EQ(n, total / 300000);
		/* exactly the rest fits; nothing more does */
		c = all[n].c;
		c.size = sizeof(c);
		c.runtime_ns = c.rt_left_ppm;
		c.period_ns = MS;
		c.deadline_ns = 0;
		MUST(ioctl(ctx, AIOFFLOAD_IOC_QUEUE_CREATE, &c));
		EXPECT_EQ(c.rt_left_ppm, 0);
		EXPECT_ERRNO(queue_create_qos(ctx, &q, 1, REALTIME, 1000, S), EBUSY);
		EXPECT_EQ(q.c.rt_left_ppm, 0);
		close(c.fd);
		while (n > 0)
			close(all[--n].fd);
		sleep_ms(300);	/* they go in a worker */
	}
	/* a short deadline takes as much as a short period */
	c.runtime_ns = 7 * MS;
	c.period_ns = S;
	c.deadline_ns = 10 * MS;
	for (n = 0; !ioctl(ctx, AIOFFLOAD_IOC_QUEUE_CREATE, &c); n++)
		c.rt_left_ppm = 0;
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(n, can_promise(cpus, 700000) / 700000);
}

/* Who may use one CPU is promised no more than one has. */
TEST(realtime_is_admitted_by_the_cpus_that_there_are)
{
	long total = can_promise(1, 300000);
	int ctx = open_cpu_ctx(), n;

	use_cpus(0, 1);
	sleep_ms(300);	/* others' queues go in a worker */
	for (n = 0; !queue_create_qos(ctx, &q, 1, REALTIME, 30 * MS, 100 * MS); n++)
		;
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(n, total / 300000);
	EXPECT_EQ(q.c.rt_left_ppm, total - n * 300000L);
}

/* ---- the earliest deadline first ---- */

static void become_fifo(int priority)
{
	struct sched_param p = { .sched_priority = priority };

	MUST(sched_setscheduler(0, SCHED_FIFO, &p));
}

/* Samples of a slot that take the CPU device about @ns. */
static unsigned int samples_in(int ctx, unsigned int slot, uint64_t ns,
			       unsigned int most)
{
	struct aioffload_cqe cqe;

	queue_open(&q, ctx, 8, 0);
	queue_one(&q, slot);
	cqe = queue_one(&q, slot);
	EXPECT_EQ(cqe.status, 0);
	queue_close(&q);
	ns /= cqe.duration_ns ?: 1;
	return ns > most ? most : ns ? ns : 1;
}

/*
 * Every CPU has a job at work that is due late; then one comes that is due
 * soon. It has ended before any of them.
 */
TEST_SECONDS(the_earliest_deadline_goes_first_on_busy_cpus, 60)
{
	unsigned int cpus = sysconf(_SC_NPROCESSORS_ONLN), n = cpus > 2 ? 2 : cpus;
	unsigned int slot, soon_slot, samples;
	struct queue late[2], soon;
	int ctx = open_cpu_ctx();

	use_cpus(0, n);
	become_fifo(10);
	MUST(write_text("/sys/module/aioffload/parameters/rt_percent", "100"));
	slot = bind_work(ctx, 128, 16, 200);
	soon_slot = bind_work(ctx, 16, 4, 1);
	samples = samples_in(ctx, slot, S, 200);
	MUST(queue_create_qos(ctx, &soon, 8, REALTIME, 100 * MS, 400 * MS));
	queue_map(&soon);
	EXPECT_EQ(queue_one(&soon, soon_slot).status, 0);
	for (unsigned int i = 0; i < n; i++) {
		MUST(queue_create_qos(ctx, &late[i], 8, REALTIME, 1900 * MS, 4 * S));
		queue_map(&late[i]);
		queue_run(&late[i], slot, 0, samples, i, 20 * S);
		EXPECT_EQ(queue_enter(&late[i], 1, 0, 0), 1);
	}
	sleep_ms(100);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(queue_one(&soon, soon_slot).status, 0);
		for (unsigned int l = 0; l < n; l++)
			EXPECT_EQ(queue_ready(&late[l]), 0);
	}
	for (unsigned int i = 0; i < n; i++) {
		EXPECT_EQ(queue_enter(&late[i], 0, 1, 20 * S), 0);
		EXPECT_EQ(queue_reap_one(&late[i]).status, 0);
	}
	MUST(write_text("/sys/module/aioffload/parameters/rt_percent", "80"));
}

/* What those in another cgroup have done. */
struct late {
	unsigned int n, samples;
	_Atomic int begun, ended;
};

static void works_late(void *arg)
{
	struct late *late = arg;
	struct queue qs[2];
	unsigned int slot;
	int ctx;

	cg_enter("late");
	ctx = open_cpu_ctx();
	slot = bind_work(ctx, 128, 16, 200);
	for (unsigned int i = 0; i < late->n; i++) {
		MUST(queue_create_qos(ctx, &qs[i], 8, REALTIME, 1900 * MS, 4 * S));
		queue_map(&qs[i]);
		queue_run(&qs[i], slot, 0, late->samples, i, 20 * S);
		EXPECT_EQ(queue_enter(&qs[i], 1, 0, 0), 1);
	}
	late->begun = 1;
	for (unsigned int i = 0; i < late->n; i++) {
		EXPECT_EQ(queue_enter(&qs[i], 0, 1, 20 * S), 0);
		EXPECT_EQ(queue_reap_one(&qs[i]).status, 0);
		late->ended++;
	}
}

/* The same where those at work are somebody else's. */
TEST_SECONDS(the_earliest_deadline_goes_first_of_all_cgroups, 60)
{
	unsigned int cpus = sysconf(_SC_NPROCESSORS_ONLN), slot, soon_slot;
	struct late *late = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct queue soon;
	int ctx, pid;

	EXPECT(late != MAP_FAILED);
	close(cg_make("late"));
	close(cg_make("soon"));
	late->n = cpus > 2 ? 2 : cpus;
	use_cpus(0, late->n);
	cg_enter("soon");
	ctx = open_cpu_ctx();
	become_fifo(10);
	MUST(write_text("/sys/module/aioffload/parameters/rt_percent", "100"));
	slot = bind_work(ctx, 128, 16, 200);
	soon_slot = bind_work(ctx, 16, 4, 1);
	late->samples = samples_in(ctx, slot, S, 200);
	MUST(queue_create_qos(ctx, &soon, 8, REALTIME, 100 * MS, 400 * MS));
	queue_map(&soon);
	EXPECT_EQ(queue_one(&soon, soon_slot).status, 0);
	pid = spawn(works_late, late);
	while (!late->begun)
		sleep_ms(1);
	sleep_ms(100);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(queue_one(&soon, soon_slot).status, 0);
		EXPECT_EQ(late->ended, 0);
	}
	reap(pid);
	EXPECT_EQ(late->ended, late->n);
	MUST(write_text("/sys/module/aioffload/parameters/rt_percent", "80"));
	cg_leave();
}

#define LONGEST	"/sys/module/aioffload_cpu/parameters/longest_stretch_ns"

/* By the clock of an emulated machine nothing is short. */
TEST_SECONDS(a_job_lets_others_run_often, 60)
{
	int ctx = open_cpu_ctx();
	unsigned int slot = bind_work(ctx, 256, 16, 4);
	long ns;

	MUST(write_text(LONGEST, "0"));
	queue_open(&q, ctx, 8, 0);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(queue_one(&q, slot).status, 0);
	ns = read_long(LONGEST);
	EXPECT(ns > 0);
	figure("longest time for which a job lets nobody else run, us", ns / 1e3, 0, 100);
}
