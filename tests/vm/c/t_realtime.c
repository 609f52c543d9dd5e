// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Realtime on devices that are not the host: what is promised to whom and for
 * how long, and that it is kept, whoever else has jobs there.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include "vmtest.h"

#define MS	1000000ULL
#define S	1000000000ULL

#define NORMAL		AIOFFLOAD_QOS_NORMAL
#define INTERACTIVE	AIOFFLOAD_QOS_INTERACTIVE
#define REALTIME	AIOFFLOAD_QOS_REALTIME
#define BASIC		(AIOFFLOAD_RIGHT_EXEC | AIOFFLOAD_RIGHT_LOAD)

static struct bound b;
static struct queue q, other;

/* rt_percent of one device. */
static long limit(void)
{
	return read_long("/sys/module/aioffload/parameters/rt_percent") * 10000;
}

/* So many thousandths of a device, in periods of 100 ms. */
static int reserve(int ctx, struct queue *to, unsigned int permille)
{
	return queue_create_qos(ctx, to, 16, REALTIME, permille * 100000ULL, 100 * MS);
}

/* What goes in a worker does so within 10 s: until then, -EBUSY. */
static void reserve_soon(int ctx, struct queue *to, unsigned int permille)
{
	int i;

	for (i = 0; i < 1000 && reserve(ctx, to, permille); i++) {
		EXPECT_EQ(errno, EBUSY);
		sleep_ms(10);
	}
	EXPECT(i < 1000);
}

static void expect_left(int ctx, unsigned int permille, long left)
{
	struct queue no;

	EXPECT_ERRNO(reserve(ctx, &no, permille), EBUSY);
	EXPECT_EQ(no.c.rt_left_ppm, left);
}

static struct aioffload_sched_class told(int ctx, int device, unsigned int qos)
{
	struct aioffload_sched s;

	/* The root, where this process is. */
	MUST(get_sched(ctx, device, 0, &s));
	return s.classes[qos];
}

static void submit(struct queue *to, unsigned int slot, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		queue_run(to, slot, 0, 1, i, 60 * S);
	EXPECT_EQ(queue_enter(to, n, 0, 0), n);
}

static void finish(struct queue *of, unsigned int n)
{
	EXPECT_EQ(queue_enter(of, 0, n, 60 * S), 0);
	while (n--)
		EXPECT_EQ(queue_reap_one(of).status, 0);
}

/* ---- what is promised ---- */

TEST(a_device_promises_its_time_once)
{
	struct queue all[8];
	int n;

	bound_open(&b, open_null(""), 64, 4);
	for (n = 0; n < 8 && !reserve(b.ctx, &all[n], 300); n++)
		;
	EXPECT_EQ(n, limit() / 300000);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(all[n].c.rt_left_ppm, limit() - n * 300000);
	/* exactly the rest fits, and nothing more */
	MUST(reserve(b.ctx, &q, all[n].c.rt_left_ppm / 1000));
	EXPECT_EQ(q.c.rt_left_ppm, 0);
	expect_left(b.ctx, 1, 0);
	close(q.fd);
	while (n > 1)
		close(all[--n].fd);
	reserve_soon(b.ctx, &q, limit() / 1000 - 300);
	close(q.fd);
	close(all[0].fd);
	reserve_soon(b.ctx, &q, limit() / 1000);
}

/* Whichever comes first; who is refused has what he had. */
TEST(bindings_ask_for_queues_that_there_are)
{
	struct bound c;
	int id = null_add(""), ctx = open_ctx(id);

	bound_open(&b, open_ctx(id), 64, 4);
	MUST(reserve(b.ctx, &q, 500));
	/* nothing is bound, nothing asked for */
	MUST(reserve(ctx, &other, 500));
	c = b;
	c.ctx = ctx;
	EXPECT_ERRNO(bound_again(&c), EBUSY);
	MUST(bound_again(&b));
	expect_left(b.ctx, 500, limit() - 500000);
	close(q.fd);
	for (int i = 0; bound_again(&c) < 0; i++) {
		EXPECT_EQ(errno, EBUSY);
		EXPECT(i < 1000);
		sleep_ms(10);
	}
	expect_left(b.ctx, 500, limit() - 500000);
	MUST(bound_again(&c));
	/* with the last binding it is given back; the queue stays */
	MUST(unbind(ctx, 0));
	expect_left(b.ctx, 500, limit() - 500000);
	MUST(unbind(ctx, 1));
	reserve_soon(b.ctx, &q, 500);
	EXPECT_ERRNO(bound_again(&c), EBUSY);
}

TEST(every_device_of_the_bindings_is_asked)
{
	int one = null_add(""), two = null_add("");
	struct bound first, second, any;

	bound_open(&first, open_ctx(one), 64, 4);
	bound_open(&second, open_ctx(two), 64, 4);
	bound_open(&any, open_ctx(-1), 64, 4);
	MUST(reserve(any.ctx, &q, 300));
	expect_left(first.ctx, 600, limit() - 300000);
	expect_left(second.ctx, 600, limit() - 300000);
	MUST(reserve(second.ctx, &other, 400));
	/* all or nothing, and what the tightest has is told */
	expect_left(any.ctx, 200, limit() - 700000);
	expect_left(first.ctx, 600, limit() - 300000);
	null_remove(two);
	MUST(reserve(any.ctx, &other, 200));
	expect_left(first.ctx, 600, limit() - 500000);
}

/* ---- when it ends ---- */

static void holds_a_promise(void *arg)
{
	struct turns *t = arg;

	bound_open(&b, open_ctx(t->expect), 64, 4);
	MUST(reserve(b.ctx, &q, 500));
	queue_map(&q);
	submit(&q, b.slot, 4);
	t->word = 1;
	pause();
}

TEST(the_dead_have_no_promises)
{
	int id = null_add("latency_ns=50000000 queue_depth=1"), pid;
	struct turns *t = turns_new();

	t->expect = id;
	bound_open(&b, open_ctx(id), 64, 4);
	pid = spawn(holds_a_promise, t);
	wait_turn(t, 1);
	expect_left(b.ctx, 500, limit() - 500000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	reserve_soon(b.ctx, &q, 500);
}

TEST(a_closed_context_gives_back)
{
	int id = null_add("");

	bound_open(&b, open_ctx(id), 64, 4);
	MUST(reserve(b.ctx, &q, 500));
	close(b.ctx);			/* the queue's descriptor is open */
	bound_open(&b, open_ctx(id), 64, 4);
	reserve_soon(b.ctx, &other, 500);
}

static void promised_by_right(void *arg)
{
	struct turns *t = arg;

	cg_become("user");
	bound_open(&b, open_ctx(t->expect), 64, 4);
	MUST(reserve(b.ctx, &q, 500));
	queue_map(&q);
	EXPECT_EQ(queue_one(&q, b.slot).status, 0);
	t->word = 1;
	wait_turn(t, 2);		/* revoked */
	EXPECT_EQ(queue_one(&q, b.slot).status, -EACCES);
	EXPECT_ERRNO(reserve(b.ctx, &other, 1), EACCES);
	t->word = 3;
	wait_turn(t, 4);		/* and granted again */
	EXPECT_EQ(queue_one(&q, b.slot).status, 0);
	t->word = 5;
	wait_turn(t, 6);
}

/* Back without a promise, it is served as an interactive one. */
TEST(a_right_that_is_revoked_takes_its_promises_along)
{
	int id = null_add("latency_ns=20000000"), pid, user = cg_make("user");
	struct turns *t = turns_new();
	struct aioffload_sched s;

	t->expect = id;
	bound_open(&b, open_ctx(id), 64, 4);
	MUST(grant(b.ctx, user, BASIC | AIOFFLOAD_RIGHT_RT));
	pid = spawn(promised_by_right, t);
	wait_turn(t, 1);
	expect_left(b.ctx, 500, limit() - 500000);
	MUST(grant(b.ctx, user, BASIC));
	MUST(reserve(b.ctx, &q, 500));		/* at once */
	t->word = 2;
	wait_turn(t, 3);
	MUST(grant(b.ctx, user, BASIC | AIOFFLOAD_RIGHT_RT));
	expect_left(b.ctx, 500, limit() - 500000);
	t->word = 4;
	wait_turn(t, 5);
	MUST(get_sched(b.ctx, id, cg_id(user), &s));
	EXPECT_EQ(s.classes[REALTIME].done, 1);
	EXPECT_EQ(s.classes[INTERACTIVE].done, 1);
	t->word = 6;
	reap(pid);
}

/* ---- what it is good for ---- */

/* One job at a time: the one at the device ends, and then it is its turn. */
TEST(realtime_goes_before_all_others)
{
	int id = null_add("latency_ns=50000000 queue_depth=1");
	uint64_t before, done;

	bound_open(&b, open_ctx(id), 64, 4);
	queue_open(&other, b.ctx, 64, 0);
	MUST(queue_create_qos(b.ctx, &q, 4, REALTIME, 75 * MS, 250 * MS));
	queue_map(&q);
	submit(&other, b.slot, 60);
	for (int i = 0; i < 4; i++) {
		sleep_ms(400);		/* has paid for what took longer */
		before = told(b.ctx, id, NORMAL).done;
		EXPECT_EQ(queue_one(&q, b.slot).status, 0);
		done = told(b.ctx, id, NORMAL).done - before;
		/* what ran, what began while we slept in between */
		if (done > 3)
			FAIL("%llu jobs went before it", (unsigned long long)done);
	}
	EXPECT_EQ(told(b.ctx, id, REALTIME).done, 4);
	EXPECT_EQ(told(b.ctx, id, INTERACTIVE).done, 0);
	finish(&other, 60);
	/* counts outlive the queue */
	queue_close(&q);
	reserve_soon(b.ctx, &q, limit() / 1000);
	EXPECT_EQ(told(b.ctx, id, REALTIME).done, 4);
}

/* The earliest deadline, and a job may say that it has time. */
TEST(the_earliest_deadline_goes_first)
{
	int ctx = open_null("latency_ns=200000000 queue_depth=1");
	struct queue soon, hog;

	bound_open(&b, ctx, 64, 4);
	MUST(queue_create_qos(ctx, &soon, 4, REALTIME, 400 * MS, 1000 * MS));
	queue_map(&soon);
	MUST(queue_create_qos(ctx, &q, 4, REALTIME, 400 * MS, 2000 * MS));
	queue_map(&q);
	queue_open(&hog, ctx, 4, 0);
	submit(&hog, b.slot, 1);
	submit(&q, b.slot, 1);
	submit(&soon, b.slot, 1);
	finish(&soon, 1);
	EXPECT_EQ(queue_ready(&q), 0);
	finish(&q, 1);
	finish(&hog, 1);
	/* the other way round, by a deadline of the job's own */
	submit(&hog, b.slot, 1);
	queue_run(&soon, b.slot, 0, 1, 0, 0);
	soon.sqes[(*soon.sq_tail - 1) & (soon.c.sq_entries - 1)].deadline_ns = 60 * S;
	EXPECT_EQ(queue_enter(&soon, 1, 0, 0), 1);
	submit(&q, b.slot, 1);
	finish(&q, 1);
	EXPECT_EQ(queue_ready(&soon), 0);
	finish(&soon, 1);
	finish(&hog, 1);
}

/* It asked for a tenth and floods the device: the rest is others'. */
TEST(who_takes_more_than_promised_waits)
{
	int id = null_add("latency_ns=20000000 queue_depth=1");

	bound_open(&b, open_ctx(id), 64, 4);
	queue_open(&other, b.ctx, 16, 0);
	/* 20 ms in each 2 s: one job */
	MUST(queue_create_qos(b.ctx, &q, 16, REALTIME, 20 * MS, 2000 * MS));
	queue_map(&q);
	submit(&q, b.slot, 16);
	submit(&other, b.slot, 16);
	finish(&other, 16);
	if (told(b.ctx, id, REALTIME).done > 8)
		FAIL("%llu jobs of 1 promised", (unsigned long long)told(b.ctx, id, REALTIME).done);
	/* when nobody else wants the device it is theirs */
	finish(&q, 16);
}

/* Where it goes when its device does, it is realtime as well. */
TEST(a_moved_job_has_the_promise_of_its_new_device)
{
	int goes, stays;

	if (find_device("aioffload_cpu") >= 0 && run_command("rmmod aioffload_cpu"))
		SKIP("can't unload aioffload_cpu");
	goes = null_add("latency_ns=2000000000");
	stays = null_add("latency_ns=2000000000");
	bound_open(&b, open_ctx(-1), 64, 4);
	MUST(reserve(b.ctx, &q, 300));
	queue_map(&q);
	/* one each */
	submit(&q, b.slot, 2);
	EXPECT_EQ(told(b.ctx, goes, REALTIME).running, 1);
	EXPECT_EQ(told(b.ctx, stays, REALTIME).running, 1);
	null_remove(goes);
	finish(&q, 2);
	EXPECT_EQ(told(b.ctx, stays, REALTIME).done, 2);
	EXPECT_EQ(told(b.ctx, stays, INTERACTIVE).done, 0);
}

/* ---- how much a device is given ---- */

static long window_of(int id)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/class/aioffload/aioffload%d/window", id);
	return read_long(path);
}

/* What it holds can't be overtaken: so less, while somebody may have to wait. */
TEST(a_device_holds_less_while_realtime_may_come)
{
	int id = null_add("latency_ns=20000000 queue_depth=16"), window;
	struct queue hog;

	bound_open(&b, open_ctx(id), 64, 4);
	queue_open(&hog, b.ctx, 64, 0);
	EXPECT_EQ(window_of(id), 16);
	EXPECT_EQ(queue_one(&hog, b.slot).status, 0);
	submit(&hog, b.slot, 24);
	EXPECT_EQ(told(b.ctx, id, NORMAL).running, 16);
	finish(&hog, 24);
	EXPECT_EQ(window_of(id), 16);

	/* 30 ms of 100: 70 ms may be others', which is three jobs or less */
	MUST(reserve(b.ctx, &q, 300));
	queue_map(&q);
	window = window_of(id);
	EXPECT(window >= 1 && window <= 3);
	submit(&hog, b.slot, 24);
	EXPECT(told(b.ctx, id, NORMAL).running <= (unsigned int)window);
	EXPECT(told(b.ctx, id, NORMAL).waiting >= 24 - 12);
	EXPECT_EQ(queue_one(&q, b.slot).status, 0);
	if (told(b.ctx, id, NORMAL).done > 25 + 12)
		FAIL("%d jobs went before it", (int)told(b.ctx, id, NORMAL).done - 25);
	finish(&hog, 24);

	/* and all of its depth again */
	queue_close(&q);
	for (int i = 0; window_of(id) != 16; i++) {
		EXPECT(i < 1000);
		sleep_ms(10);
	}
	submit(&hog, b.slot, 24);
	EXPECT_EQ(told(b.ctx, id, NORMAL).running, 16);
	finish(&hog, 24);
}

/* Beside others' jobs, until a second after the last one. */
TEST(a_device_holds_less_while_interactive_jobs_come)
{
	int id = null_add("latency_ns=20000000 queue_depth=16");
	struct queue hog;

	bound_open(&b, open_ctx(id), 64, 4);
	queue_open(&hog, b.ctx, 64, 0);
	MUST(queue_create_qos(b.ctx, &q, 8, INTERACTIVE, 0, 0));
	queue_map(&q);
	/* alone it has all of it */
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(queue_one(&q, b.slot).status, 0);
	EXPECT_EQ(window_of(id), 16);
	submit(&hog, b.slot, 32);
	EXPECT_EQ(told(b.ctx, id, NORMAL).running, 16);
	EXPECT_EQ(queue_one(&q, b.slot).status, 0);
	EXPECT_EQ(window_of(id), 1);
	EXPECT(told(b.ctx, id, NORMAL).running <= 1);
	finish(&hog, 32);
	sleep_ms(1100);
	submit(&hog, b.slot, 32);
	EXPECT_EQ(window_of(id), 16);
	finish(&hog, 32);
}

/* A job of 1 ms each 10 ms, beside 1 s of background: the longest response. */
static uint64_t longest(struct queue *bg, unsigned int qos)
{
	uint64_t next = now_ns(), most = 0;

	submit(bg, b.slot, 1000);
	MUST(queue_create_qos(b.ctx, &q, 4, qos, qos == REALTIME ? 1200000 : 0,
			      qos == REALTIME ? 4 * MS : 0));
	queue_map(&q);
	for (int i = 0; i < 50; i++) {
		uint64_t start = now_ns();

		EXPECT_EQ(queue_one(&q, b.slot).status, 0);
		/* the first one finds the device full */
		if (i && now_ns() - start > most)
			most = now_ns() - start;
		for (next += 10 * MS; now_ns() < next; )
			sleep_ms(1);
	}
	queue_close(&q);
	finish(bg, 1000);
	return most;
}

/* Exact where the clock counts instructions (--icount --env VMTEST_EXACT=1). */
TEST_SECONDS(a_deep_device_keeps_realtime_in_time, 120)
{
	int id = null_add("latency_ns=1000000 queue_depth=64");
	struct queue bg;
	uint64_t most;

	bound_open(&b, open_ctx(id), 64, 4);
	MUST(queue_create_qos(b.ctx, &bg, 1024, AIOFFLOAD_QOS_BACKGROUND, 0, 0));
	queue_map(&bg);
	most = longest(&bg, NORMAL);
	printf("# normal: %llu us\n", (unsigned long long)most / 1000);
	if (getenv("VMTEST_EXACT"))
		EXPECT(most > 30 * MS);
	most = longest(&bg, REALTIME);
	printf("# realtime: %llu us, %llu late\n", (unsigned long long)most / 1000,
	       (unsigned long long)told(b.ctx, id, REALTIME).missed);
	fflush(stdout);
	EXPECT_EQ(told(b.ctx, id, REALTIME).done, 50);
	if (getenv("VMTEST_EXACT")) {
		EXPECT(most < 4 * MS);
		EXPECT(told(b.ctx, id, REALTIME).missed <= 1);
	}
}
