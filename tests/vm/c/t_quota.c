// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a cgroup may take: exact, hierarchical, also under contention. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "vmtest.h"

#define BYTES	AIOFFLOAD_RES_BYTES
#define MODELS	AIOFFLOAD_RES_MODELS
#define QUEUES	AIOFFLOAD_RES_QUEUES
#define JOBS	AIOFFLOAD_RES_JOBS
#define TIME	AIOFFLOAD_RES_TIME
#define NONE	AIOFFLOAD_NO_LIMIT
#define PAGE	4096ULL
#define THREADS	64
#define MS	1000000ULL

static struct model_bytes lut;
static int admin;		/* a context of root's, in the root cgroup */

/* Cgroups p and p/c; we are in p/c. Returns their directories. */
static void setup(int *p, int *c)
{
	make_lut(&lut, 64);
	admin = open_ctx(-1);
	*p = cg_make("p");
	*c = cg_make("p/c");
	cg_enter("p/c");
}

static struct aioffload_usage usage(int cg, unsigned int resource)
{
	struct aioffload_usage u;

	MUST(get_usage(admin, cg, resource, &u));
	return u;
}

/* What has been closed may still be on its way out. */
static void expect_used(int cg, unsigned int resource, uint64_t want)
{
	for (int i = 0; used(admin, cg, resource) != want; i++) {
		if (i == 500)
			FAIL("resource %u: %llu in use, expected %llu", resource,
			     (unsigned long long)used(admin, cg, resource),
			     (unsigned long long)want);
		sleep_ms(10);
	}
}

TEST(bytes_are_exact_and_hierarchical)
{
	int p, c, ctx, a, b;

	setup(&p, &c);
	ctx = open_ctx(-1);
	MUST(set_limit(admin, p, BYTES, 8 * PAGE, 0));
	MUST(set_limit(admin, c, BYTES, 6 * PAGE, 0));
	a = MUST(buf_create(ctx, 5 * PAGE - 100));	/* whole pages count */
	EXPECT_EQ(used(admin, c, BYTES), 5 * PAGE);
	EXPECT_EQ(used(admin, p, BYTES), 5 * PAGE);
	EXPECT_ERRNO(buf_create(ctx, 2 * PAGE), EDQUOT);
	EXPECT_EQ(used(admin, c, BYTES), 5 * PAGE);
	b = MUST(buf_create(ctx, PAGE));
	EXPECT_ERRNO(buf_create(ctx, 1), EDQUOT);
	EXPECT_EQ(usage(c, BYTES).events, 2);
	EXPECT_EQ(usage(p, BYTES).events, 0);
	EXPECT_EQ(usage(c, BYTES).limit, 6 * PAGE);

	MUST(set_limit(admin, c, BYTES, NONE, 0));	/* now the parent's */
	EXPECT_ERRNO(buf_create(ctx, 3 * PAGE), EDQUOT);
	EXPECT_EQ(usage(p, BYTES).events, 1);
	close(a);
	expect_used(c, BYTES, PAGE);
	a = MUST(buf_create(ctx, 7 * PAGE));
	EXPECT_EQ(usage(p, BYTES).peak, 8 * PAGE);
	/* a limit below what is in use: nothing more until enough came back */
	MUST(set_limit(admin, p, BYTES, PAGE, 0));
	EXPECT_ERRNO(buf_create(ctx, 1), EDQUOT);
	close(a);
	expect_used(p, BYTES, PAGE);
	EXPECT_ERRNO(buf_create(ctx, 1), EDQUOT);
	close(b);
	expect_used(p, BYTES, 0);
	close(MUST(buf_create(ctx, PAGE)));
	expect_used(p, BYTES, 0);
	EXPECT_ERRNO(buf_create(ctx, 1ULL << 30), EDQUOT);
	cg_leave();
}

TEST(models_and_queues_are_counted)
{
	struct queue q, q2;
	int p, c, ctx, m;
	uint64_t bytes;

	setup(&p, &c);
	ctx = open_ctx(-1);
	MUST(set_limit(admin, p, MODELS, 1, 0));
	MUST(set_limit(admin, c, QUEUES, 1, 0));
	bytes = (lut.bytes + PAGE - 1) / PAGE * PAGE;
	m = MUST(model_load(ctx, lut.data, lut.bytes, NULL, 0));
	EXPECT_EQ(used(admin, c, MODELS), 1);
	EXPECT_EQ(used(admin, p, BYTES), bytes);
	EXPECT_ERRNO(model_load(ctx, lut.data, lut.bytes, NULL, 0), EDQUOT);
	/* refused ones are not kept */
	MUST(set_limit(admin, p, MODELS, 9, 0));
	EXPECT_ERRNO(model_load(ctx, "nonsense", 8, NULL, 0), ENOEXEC);
	EXPECT_EQ(used(admin, p, MODELS), 1);
	EXPECT_EQ(used(admin, p, BYTES), bytes);
	/* no bytes, no model: nothing half charged */
	MUST(set_limit(admin, p, BYTES, bytes, 0));
	EXPECT_ERRNO(model_load(ctx, lut.data, lut.bytes, NULL, 0), EDQUOT);
	EXPECT_EQ(used(admin, p, MODELS), 1);
	EXPECT_ERRNO(queue_create(ctx, &q, 4, 0), EDQUOT);
	EXPECT_EQ(used(admin, p, QUEUES), 0);
	MUST(set_limit(admin, p, BYTES, NONE, 0));
	MUST(queue_create(ctx, &q, 4, 0));
	EXPECT_EQ(used(admin, p, BYTES), bytes + q.c.ring_bytes);
	EXPECT_ERRNO(queue_create(ctx, &q2, 4, 0), EDQUOT);
	EXPECT_EQ(used(admin, p, QUEUES), 1);
	close(m);
	close(q.fd);
	expect_used(p, QUEUES, 0);
	expect_used(p, MODELS, 0);
	expect_used(p, BYTES, 0);
	EXPECT_EQ(usage(p, MODELS).peak, 2);
	cg_leave();
}

/* A model that a slot still holds is still in use. */
TEST(what_a_slot_holds_stays_charged)
{
	struct bound b;
	int p, c;

	setup(&p, &c);
	bound_open(&b, open_null(""), 64, 1);
	close(b.model);
	close(b.buf);
	sleep_ms(50);
	EXPECT_EQ(used(admin, p, MODELS), 1);
	EXPECT(used(admin, p, BYTES) > 0);
	MUST(unbind(b.ctx, b.slot));
	expect_used(p, MODELS, 0);
	munmap(b.map, b.bytes);		/* it keeps the buffer's pages */
	expect_used(p, BYTES, 0);
	cg_leave();
}

static void holds_then_goes(void *arg)
{
	int *sock = arg, ctx;

	cg_enter("p/c");
	drop_caps();
	ctx = open_ctx(-1);
	pass_fd(*sock, MUST(buf_create(ctx, 3 * PAGE)));
	pass_fd(*sock, MUST(model_load(ctx, lut.data, lut.bytes, NULL, 0)));
}

/* Whoever made it pays, whoever closes it, also when his cgroup has gone. */
TEST(freed_by_another_cgroup_after_the_makers_is_gone)
{
	int p, c, s[2], buf, model;
	uint64_t root_before;

	setup(&p, &c);
	cg_leave();
	root_before = used(admin, -1, BYTES);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	int pid = spawn(holds_then_goes, &s[1]);

	buf = take_fd(s[0]);
	model = take_fd(s[0]);
	reap(pid);
	EXPECT_EQ(used(admin, p, BYTES), 3 * PAGE + (lut.bytes + PAGE - 1) / PAGE * PAGE);
	close(c);
	cg_remove("p/c");
	EXPECT(used(admin, p, BYTES) > 0);
	close(model);
	expect_used(p, BYTES, 3 * PAGE);
	close(buf);
	expect_used(p, BYTES, 0);
	expect_used(p, MODELS, 0);
	expect_used(MUST(open("/sys/fs/cgroup", O_RDONLY)), BYTES, root_before);
}

static void takes_all_it_can(void *arg)
{
	struct queue q;
	int ctx;

	(void)arg;
	cg_enter("p/c");
	ctx = open_ctx(-1);
	MUST(buf_create(ctx, 16 * PAGE));
	MUST(queue_create(ctx, &q, 64, 0));
	MUST(model_load(ctx, lut.data, lut.bytes, NULL, 0));
	raise(SIGKILL);
}

TEST(a_killed_process_gives_everything_back)
{
	int p, c, pid, status;

	setup(&p, &c);
	cg_leave();
	/* with a limit what was is remembered when all has gone */
	MUST(set_limit(admin, p, BYTES, 1 << 30, 0));
	pid = spawn(takes_all_it_can, NULL);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status));
	for (unsigned int r = BYTES; r <= QUEUES; r++) {
		expect_used(p, r, 0);
		EXPECT(usage(p, r).peak > 0);
	}
}

/* ---- jobs ---- */

TEST(jobs_are_counted_while_limited)
{
	struct aioffload_cqe cqe;
	struct bound b;
	struct queue q;
	int p, c, done = 0, refused = 0;

	setup(&p, &c);
	bound_open(&b, open_null("latency_ns=200000000 queue_depth=2"), 64, 1);
	queue_open(&q, b.ctx, 16, 0);
	MUST(set_limit(admin, p, JOBS, 4, 0));
	for (int i = 0; i < 10; i++)
		queue_run(&q, b.slot, 0, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 10, 0, 0), 10);
	EXPECT_EQ(used(admin, p, JOBS), 4);	/* waiting ones as well */
	EXPECT_EQ(used(admin, c, JOBS), 0);	/* counted where limited, upwards */
	EXPECT_ERRNO(run_slot(b.ctx, b.slot, 0, 1, 0), EDQUOT);
	for (int i = 0; i < 10; i++) {
		while (!queue_reap(&q, &cqe))
			queue_enter(&q, 0, 1, 0);
		done += !cqe.status;
		refused += cqe.status == -EDQUOT;
	}
	EXPECT_EQ(done, 4);
	EXPECT_EQ(refused, 6);
	EXPECT_EQ(used(admin, p, JOBS), 0);
	EXPECT_EQ(usage(p, JOBS).peak, 4);
	EXPECT_EQ(usage(p, JOBS).events, 7);
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	MUST(set_limit(admin, c, JOBS, 0, 0));
	EXPECT_ERRNO(run_slot(b.ctx, b.slot, 0, 1, 0), EDQUOT);
	MUST(set_limit(admin, c, JOBS, NONE, 0));
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	EXPECT_EQ(used(admin, p, JOBS), 0);
	cg_leave();
}

/* Limits come and go while jobs are on their way: what was counted is undone. */
TEST(limits_may_change_under_running_jobs)
{
	struct aioffload_cqe cqe;
	struct bound b;
	struct queue q;
	int p, c;

	setup(&p, &c);
	bound_open(&b, open_null("latency_ns=100000000 queue_depth=8"), 64, 1);
	queue_open(&q, b.ctx, 16, 0);
	for (int i = 0; i < 6; i++) {
		if (i == 2)
			MUST(set_limit(admin, p, JOBS, 9, 0));
		if (i == 3)
			MUST(set_limit(admin, c, TIME, 1000 * MS, 1000 * MS));
		if (i == 4)
			MUST(set_limit(admin, p, JOBS, NONE, 0));
		if (i == 5)
			MUST(set_limit(admin, c, TIME, NONE, 0));
		queue_run(&q, b.slot, 0, 1, i, 0);
		EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	}
	EXPECT_EQ(used(admin, p, JOBS), 3);
	EXPECT_EQ(used(admin, c, JOBS), 2);
	EXPECT_EQ(queue_enter(&q, 0, 6, 0), 0);
	for (int i = 0; i < 6; i++) {
		EXPECT(queue_reap(&q, &cqe));
		EXPECT_EQ(cqe.status, 0);
	}
	EXPECT_EQ(used(admin, p, JOBS), 0);
	EXPECT_EQ(used(admin, c, JOBS), 0);
	EXPECT_EQ(used(admin, c, TIME), 0);
	cg_leave();
}

/* Cancelled, timed out, device taken away: each gives back what it took. */
TEST(jobs_that_fail_are_uncharged)
{
	struct bound b;
	struct queue q;
	int p, c, id;

	setup(&p, &c);
	id = null_add("latency_ns=10000000000 queue_depth=2");
	bound_open(&b, open_ctx(id), 64, 1);
	queue_open(&q, b.ctx, 16, 0);
	MUST(set_limit(admin, p, JOBS, 100, 0));
	EXPECT_ERRNO(run_slot(b.ctx, b.slot, 0, 1, 20 * MS), ETIME);
	expect_used(p, JOBS, 0);
	for (int i = 0; i < 6; i++)
		queue_run(&q, b.slot, 0, 1, i, i % 2 ? 20 * MS : 0);
	EXPECT_EQ(queue_enter(&q, 6, 0, 0), 6);
	expect_used(p, JOBS, 3);
	null_remove(id);
	expect_used(p, JOBS, 0);
	EXPECT_ERRNO(run_slot(b.ctx, b.slot, 0, 1, 0), ENODEV);
	queue_close(&q);
	expect_used(p, JOBS, 0);
	EXPECT_EQ(usage(p, JOBS).peak, 6);
	cg_leave();
}

/* ---- device time ---- */

TEST(time_is_limited_in_each_period)
{
	uint64_t start, end;
	struct bound b;
	int p, c, n = 0;

	setup(&p, &c);
	bound_open(&b, open_null("latency_ns=5000000"), 64, 1);
	MUST(set_limit(admin, p, TIME, 50 * MS, 2000 * MS));
	start = now_ns();
	while (!run_slot(b.ctx, b.slot, 0, 1, 0))
		n++;
	EXPECT_EQ(errno, EDQUOT);
	end = now_ns();
	EXPECT(n >= 1 && n <= 10);
	if (end - start < 1500 * MS)
		EXPECT(usage(p, TIME).used >= 50 * MS);
	EXPECT_EQ(usage(p, TIME).events, 1);
	EXPECT_EQ(usage(p, TIME).period_ns, 2000 * MS);
	EXPECT_EQ(used(admin, p, JOBS), 0);
	while (now_ns() < start + 2100 * MS)
		sleep_ms(20);
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	cg_leave();
}

/* One long job in a short period is paid off by the periods after it. */
TEST(time_overdrawn_is_owed)
{
	struct bound b;
	uint64_t start;
	int p, c;

	setup(&p, &c);
	bound_open(&b, open_null("latency_ns=100000000"), 64, 1);
	MUST(set_limit(admin, p, TIME, 10 * MS, 100 * MS));
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	start = now_ns();
	EXPECT(usage(p, TIME).used >= 80 * MS);
	while (run_slot(b.ctx, b.slot, 0, 1, 0)) {
		EXPECT_EQ(errno, EDQUOT);
		sleep_ms(10);
	}
	/* 100 ms at 10 in each 100: about a second; the second job took 0.1 */
	EXPECT(now_ns() - start >= 700 * MS);
	cg_leave();
}

/* ---- 64 at once ---- */

static struct {
	int ctx;
	unsigned int slot, rounds;
	_Atomic long good, refused, other;
} race;

static void count(long ret)
{
	if (ret >= 0)
		race.good++;
	else if (errno == EDQUOT)
		race.refused++;
	else
		race.other++;
}

static void *make_and_close(void *arg)
{
	for (unsigned int i = 0; i < race.rounds; i++) {
		int fd = buf_create(race.ctx, ((uintptr_t)arg % 3 + 1) * PAGE);

		count(fd);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

static void *run_jobs(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < race.rounds; i++)
		count(run_slot(race.ctx, race.slot, 0, 1, 0));
	return NULL;
}

static void *run_queue(void *arg)
{
	struct aioffload_cqe cqe;
	struct queue q;

	(void)arg;
	queue_open(&q, race.ctx, 8, 0);
	for (unsigned int i = 0; i < race.rounds / 4; i++) {
		for (int j = 0; j < 4; j++)
			queue_run(&q, race.slot, 0, 1, j, 0);
		EXPECT_EQ(queue_enter(&q, 4, 4, 0), 4);
		for (int j = 0; j < 4; j++) {
			EXPECT(queue_reap(&q, &cqe));
			errno = -cqe.status;
			count(cqe.status);
		}
	}
	queue_close(&q);
	return NULL;
}

static void race_of(void *(*fn)(void *), unsigned int rounds)
{
	pthread_t t[THREADS];

	race.rounds = rounds;
	race.good = 0;
	race.refused = 0;
	race.other = 0;
	for (uintptr_t i = 0; i < THREADS; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, fn, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

TEST_SECONDS(bytes_are_exact_with_64_threads, 120)
{
	int p, c;

	setup(&p, &c);
	race.ctx = open_ctx(-1);
	MUST(set_limit(admin, p, BYTES, 5 * PAGE, 0));
	race_of(make_and_close, 60);
	EXPECT_EQ(race.other, 0);
	EXPECT(race.good > 0);
	EXPECT_EQ(race.good + race.refused, THREADS * 60);
	EXPECT_EQ(usage(p, BYTES).events, race.refused);
	EXPECT(usage(p, BYTES).peak <= 5 * PAGE);
	expect_used(p, BYTES, 0);
	expect_used(c, BYTES, 0);
	/* nothing lost: all of it can be had again */
	close(MUST(buf_create(race.ctx, 5 * PAGE)));
	cg_leave();
}

static void jobs_race(const char *settings, void *(*fn)(void *))
{
	struct bound b;
	int p, c;

	setup(&p, &c);
	bound_open(&b, open_null(settings), 64, 1);
	race.ctx = b.ctx;
	race.slot = b.slot;
	MUST(set_limit(admin, p, JOBS, 8, 0));
	MUST(set_limit(admin, c, JOBS, 12, 0));
	race_of(fn, 100);
	EXPECT_EQ(race.other, 0);
	EXPECT(race.good > 0);
	EXPECT_EQ(race.good + race.refused, THREADS * 100);
	EXPECT_EQ(usage(p, JOBS).events + usage(c, JOBS).events, race.refused);
	EXPECT(usage(p, JOBS).peak <= 8);
	EXPECT(usage(c, JOBS).peak <= 8);
	EXPECT_EQ(used(admin, p, JOBS), 0);
	EXPECT_EQ(used(admin, c, JOBS), 0);
	cg_leave();
}

TEST_SECONDS(jobs_are_exact_with_64_threads, 120)
{
	jobs_race("latency_ns=1000000 queue_depth=64", run_jobs);
}

TEST_SECONDS(queued_jobs_are_exact_with_64_threads, 120)
{
	jobs_race("latency_ns=500000 queue_depth=4", run_queue);
}

static _Atomic bool stop;

static void *change_limits(void *arg)
{
	int *cg = arg;

	for (unsigned int i = 0; !stop; i++) {
		MUST(set_limit(admin, cg[i % 2], JOBS, i % 3 ? 4 + i % 8 : NONE, 0));
		MUST(set_limit(admin, cg[i % 2], TIME, i % 5 ? 500 * MS : NONE,
			       i % 5 ? MS : 0));
		MUST(grant(admin, cg[1], AIOFFLOAD_RIGHT_EXEC | AIOFFLOAD_RIGHT_LOAD));
		if (i % 7 == 0)
			MUST(grant_clear(admin, cg[1]));
		sched_yield();
	}
	return NULL;
}

TEST_SECONDS(exact_while_limits_change, 120)
{
	struct bound b;
	pthread_t t;
	int cg[2];

	setup(&cg[0], &cg[1]);
	bound_open(&b, open_null("latency_ns=300000 queue_depth=16"), 64, 1);
	race.ctx = b.ctx;
	race.slot = b.slot;
	EXPECT_EQ(pthread_create(&t, NULL, change_limits, cg), 0);
	race_of(run_jobs, 60);
	EXPECT_EQ(race.other, 0);
	race_of(run_queue, 60);
	EXPECT_EQ(race.other, 0);
	stop = true;
	pthread_join(t, NULL);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(used(admin, cg[i], JOBS), 0);
	cg_leave();
}

/* ---- who is limited, who may look, arguments ---- */

/* Root with every capability, as here: above grants, not above limits. */
TEST(nobody_is_above_limits)
{
	struct queue q;
	int p, c;

	setup(&p, &c);
	for (unsigned int r = BYTES; r <= QUEUES; r++)
		MUST(set_limit(admin, p, r, 0, 0));
	int ctx = open_ctx(-1);

	EXPECT_ERRNO(buf_create(ctx, 1), EDQUOT);
	EXPECT_ERRNO(model_load(ctx, lut.data, lut.bytes, NULL, 0), EDQUOT);
	EXPECT_ERRNO(queue_create(ctx, &q, 4, 0), EDQUOT);
	cg_leave();
}

static int limit_raw(int cg, unsigned int resource, uint64_t limit,
		     uint64_t period)
{
	return set_limit(admin, cg, resource, limit, period);
}

TEST(arguments_are_checked)
{
	struct aioffload_usage u;
	int p, c;

	setup(&p, &c);
	EXPECT_ERRNO(limit_raw(p, 5, 0, 0), EINVAL);
	EXPECT_ERRNO(limit_raw(p, ~0U, 0, 0), EINVAL);
	EXPECT_ERRNO(limit_raw(p, BYTES, 0, MS), EINVAL);
	EXPECT_ERRNO(limit_raw(p, TIME, 0, 0), EINVAL);
	EXPECT_ERRNO(limit_raw(p, TIME, 0, MS - 1), EINVAL);
	EXPECT_ERRNO(limit_raw(p, TIME, 0, 100000 * MS + 1), EINVAL);
	EXPECT_ERRNO(limit_raw(p, TIME, NONE, MS), EINVAL);
	MUST(limit_raw(p, TIME, 0, MS));
	MUST(limit_raw(p, TIME, NONE - 1, 100000 * MS));
	EXPECT_EQ(usage(p, TIME).period_ns, 100000 * MS);
	MUST(limit_raw(p, TIME, NONE, 0));
	EXPECT_EQ(usage(p, TIME).period_ns, 0);
	EXPECT_EQ(usage(p, TIME).limit, NONE);
	EXPECT_ERRNO(limit_raw(-1, BYTES, 0, 0), EBADF);
	EXPECT_ERRNO(limit_raw(admin, BYTES, 0, 0), EBADF);
	EXPECT_ERRNO(get_usage(admin, p, 5, &u), EINVAL);
	EXPECT_ERRNO(get_usage(admin, -2, BYTES, &u), EINVAL);
	EXPECT_ERRNO(get_usage(admin, admin, BYTES, &u), EBADF);
	/* one that nobody uses: nothing there */
	EXPECT_EQ(usage(cg_make("idle"), BYTES).used, 0);
	EXPECT_EQ(usage(cg_open("idle"), BYTES).limit, NONE);
	cg_leave();
}
