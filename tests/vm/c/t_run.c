// SPDX-License-Identifier: LGPL-2.1-or-later
/* RUN: the call that does one job and returns. */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include "vmtest.h"

#define MS	1000000ULL
#define S	1000000000ULL

TEST(runs_on_the_cpu)
{
	struct bound b;
	int cpu = find_device("aioffload_cpu");

	if (cpu < 0)
		SKIP("no CPU device");
	bound_open(&b, open_ctx(cpu), 1000, 16);
	bound_fill(&b);
	MUST(run_slot(b.ctx, b.slot, 0, 16, 0));
	bound_check_done(&b, 0, 16);
}

TEST(only_the_samples_named)
{
	struct bound b;
	int cpu = find_device("aioffload_cpu");

	if (cpu < 0)
		SKIP("no CPU device");
	bound_open(&b, open_ctx(cpu), 100, 16);
	bound_fill(&b);
	MUST(run_slot(b.ctx, b.slot, 3, 4, 0));
	bound_check_done(&b, 3, 4);
	for (int i = 0; i < 1600; i++) {
		if (i < 300 || i >= 700)
			EXPECT_EQ(b.map[b.out_offset + i], 0);
	}
}

TEST(two_outputs_each_in_its_place)
{
	static struct model_bytes m;
	struct aioffload_bind_io ios[3] = { 0 };
	int cpu = find_device("aioffload_cpu"), ctx, buf[3], slot;
	uint8_t *p[3];

	if (cpu < 0)
		SKIP("no CPU device");
	ctx = open_ctx(cpu);
	make_two(&m, 500);
	for (int i = 0; i < 3; i++) {
		buf[i] = MUST(buf_create(ctx, 4096));
		p[i] = buf_map(buf[i], 4096);
		ios[i].buf_fd = buf[i];
		ios[i].offset = 64 * i;
	}
	for (int i = 0; i < 500; i++)
		p[0][i] = i;
	slot = MUST(bind_slot(ctx, MUST(model_load(ctx, m.data, m.bytes, NULL, 0)), ios,
			      3, 1, AIOFFLOAD_SLOT_ANY));
	MUST(run_slot(ctx, slot, 0, 1, 0));
	for (int i = 0; i < 500; i++) {
		EXPECT_EQ(p[1][64 + i], (i & 255) ^ LUT_XOR);
		EXPECT_EQ(p[2][128 + i], (i & 255) ^ LUT_XOR2);
	}
}

TEST(wrong_samples_are_einval)
{
	struct bound b;
	static const uint32_t bad[][2] = {
		{ 0, 0 }, { 4, 1 }, { 0, 5 }, { 3, 2 }, { 5, 0 }, { 0xffffffff, 1 },
		{ 1, 0xffffffff }, { 0xffffffff, 0xffffffff }, { 0x80000000, 0x80000000 },
		{ 2, 0xfffffffe },
	};

	bound_open(&b, open_null(""), 64, 4);
	for (int i = 0; i < 10; i++)
		EXPECT_ERRNO(run_slot(b.ctx, b.slot, bad[i][0], bad[i][1], 0), EINVAL);
	MUST(run_slot(b.ctx, b.slot, 3, 1, 0));
	MUST(run_slot(b.ctx, b.slot, 0, 4, 0));
}

static void check_latency(const char *settings)
{
	struct bound b;
	uint64_t t;

	bound_open(&b, open_null(settings), 64, 1);
	t = now_ns();
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	t = now_ns() - t;
	if (t < 50 * MS || t > 2 * S)
		FAIL("a job of 50 ms took %llu us", (unsigned long long)t / 1000);
}

TEST(waits_for_a_slow_device)
{
	check_latency("latency_ns=50000000");
}

TEST(waits_for_a_slow_sync_device)
{
	check_latency("latency_ns=50000000 sync_run=1");
}

static void check_budget(const char *settings)
{
	struct aioffload_device_info di;
	struct bound b;
	int id = null_add(settings);
	uint64_t t;

	bound_open(&b, open_ctx(id), 64, 1);
	t = now_ns();
	EXPECT_ERRNO(run_slot(b.ctx, b.slot, 0, 1, 50 * MS), ETIME);
	t = now_ns() - t;
	if (t < 50 * MS || t > 3 * S)
		FAIL("a budget of 50 ms was ended after %llu us", (unsigned long long)t / 1000);
	/* the device is as good as new */
	null_set(id, "latency_ns=0 stall_every=0");
	MUST(run_slot(b.ctx, b.slot, 0, 1, S));
	MUST(device_info(b.ctx, id, &di));
	EXPECT_EQ(di.jobs_inflight, 0);
	EXPECT_EQ(di.jobs_failed, 1);
	EXPECT_EQ(di.jobs_done, 1);
	EXPECT_EQ(di.state, AIOFFLOAD_STATE_READY);
}

TEST(past_its_budget_is_etime)
{
	check_budget("latency_ns=60000000000");
}

TEST(past_its_budget_in_sync_is_etime)
{
	check_budget("latency_ns=60000000000 sync_run=1");
}

TEST(stalled_is_etime)
{
	check_budget("stall_every=1");
}

TEST(stalled_in_sync_is_etime)
{
	check_budget("stall_every=1 sync_run=1");
}

TEST(cpu_job_past_its_budget_is_etime)
{
	static struct model_bytes m;
	struct aioffload_bind_io ios[2] = { 0 };
	int cpu = find_device("aioffload_cpu"), ctx, slot;
	uint64_t t;

	if (cpu < 0)
		SKIP("no CPU device");
	ctx = open_ctx(cpu);
	/* 300 operators on 1 MiB, 32 samples: seconds of work under TCG */
	make_chain(&m, 1 << 20, 300);
	ios[0].buf_fd = MUST(buf_create(ctx, 64 << 20));
	ios[1] = (struct aioffload_bind_io){ ios[0].buf_fd, 0, 32 << 20, 0 };
	slot = MUST(bind_slot(ctx, MUST(model_load(ctx, m.data, m.bytes, NULL, 0)),
			      ios, 2, 32, AIOFFLOAD_SLOT_ANY));
	t = now_ns();
	EXPECT_ERRNO(run_slot(ctx, slot, 0, 32, 20 * MS), ETIME);
	t = now_ns() - t;
	if (t > 1 * S)
		FAIL("a budget of 20 ms was ended after %llu us", (unsigned long long)t / 1000);
}

TEST(a_fault_is_eio)
{
	struct aioffload_device_info di;
	struct bound b;
	int id = null_add("error_every=3");

	bound_open(&b, open_ctx(id), 64, 1);
	for (int i = 1; i <= 12; i++) {
		if (i % 3)
			MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
		else
			EXPECT_ERRNO(run_slot(b.ctx, b.slot, 0, 1, 0), EIO);
	}
	MUST(device_info(b.ctx, id, &di));
	EXPECT_EQ(di.jobs_done, 8);
	EXPECT_EQ(di.jobs_failed, 4);
	EXPECT_EQ(di.resets, 0);
}

TEST(a_fault_in_sync_is_eio)
{
	struct bound b;

	bound_open(&b, open_null("error_every=1 sync_run=1"), 64, 1);
	EXPECT_ERRNO(run_slot(b.ctx, b.slot, 0, 1, 0), EIO);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void alarm_in(unsigned int us)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value = { 0, us } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

/* Only a fatal signal ends a job; a handler runs when it is done. */
TEST(signals_with_a_handler_do_not_end_a_job)
{
	struct bound b;
	uint64_t t;

	bound_open(&b, open_null("latency_ns=300000000"), 64, 1);
	alarm_in(30000);
	t = now_ns();
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	EXPECT(now_ns() - t >= 300 * MS);
}

static void run_forever(void *arg)
{
	struct bound *b = arg;

	run_slot(b->ctx, b->slot, 0, 1, 100 * S);
}

static void check_kill(const char *settings)
{
	struct aioffload_device_info di;
	int id = null_add(settings), pid, status;
	struct bound b;
	uint64_t t;

	bound_open(&b, open_ctx(id), 64, 1);
	pid = spawn(run_forever, &b);
	sleep_ms(100);
	t = now_ns();
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (now_ns() - t > 3 * S)
		FAIL("killed only after %llu ms",
		     (unsigned long long)(now_ns() - t) / 1000000);
	EXPECT(WIFSIGNALED(status));
	null_set(id, "stall_every=0");
	for (int i = 0; i < 300; i++) {
		MUST(device_info(b.ctx, id, &di));
		if (!di.jobs_inflight)
			break;
		sleep_ms(10);
	}
	EXPECT_EQ(di.jobs_inflight, 0);
	MUST(run_slot(b.ctx, b.slot, 0, 1, S));
}

TEST(sigkill_ends_a_waiting_caller)
{
	check_kill("stall_every=1");
}

TEST(sigkill_ends_a_sync_caller)
{
	check_kill("stall_every=1 sync_run=1");
}

TEST(unknown_timeouts)
{
	struct bound b;

	bound_open(&b, open_null("latency_ns=1000"), 64, 1);
	MUST(run_slot(b.ctx, b.slot, 0, 1, ~0ULL));
	MUST(run_slot(b.ctx, b.slot, 0, 1, 1ULL << 63));
	MUST(run_slot(b.ctx, b.slot, 0, 1, (1ULL << 63) - 1));
	/* 1 ns: over before it began, or just not */
	if (run_slot(b.ctx, b.slot, 0, 1, 1))
		EXPECT_EQ(errno, ETIME);
}

struct worker {
	pthread_t thread;
	struct bound *b;
	unsigned int first;
	int failed;
};

static void *run_many(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 300 && !w->failed; i++) {
		if (run_slot(w->b->ctx, w->b->slot, w->first, 1, 0))
			w->failed = errno;
	}
	return NULL;
}

static void check_threads(int id)
{
	struct worker w[4];
	struct bound b;

	bound_open(&b, open_ctx(id), 4096, 4);
	bound_fill(&b);
	for (int i = 0; i < 4; i++) {
		w[i] = (struct worker){ .b = &b, .first = i };
		pthread_create(&w[i].thread, NULL, run_many, &w[i]);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(w[i].thread, NULL);
		if (w[i].failed)
			FAIL("thread %d: %s", i, vmt_errno_name(w[i].failed));
	}
	if (id == find_device("aioffload_cpu"))
		bound_check_done(&b, 0, 4);
}

TEST(threads_on_the_cpu)
{
	int cpu = find_device("aioffload_cpu");

	if (cpu < 0)
		SKIP("no CPU device");
	check_threads(cpu);
}

TEST(threads_on_a_null_device)
{
	check_threads(null_add("latency_ns=100000 parallelism=2"));
}

TEST(threads_on_a_sync_null_device)
{
	check_threads(null_add("latency_ns=100000 parallelism=2 sync_run=1"));
}

/* More callers than the device holds: they wait, none fails. */
TEST(more_callers_than_queue_depth)
{
	check_threads(null_add("latency_ns=100000 queue_depth=1"));
}

TEST(context_of_any_device_uses_what_is_free)
{
	struct aioffload_device_info a, c;
	struct bound b;
	int ids[2], any;

	if (find_device("aioffload_cpu") >= 0 && run_command("rmmod aioffload_cpu"))
		SKIP("can't unload aioffload_cpu");
	ids[0] = null_add("latency_ns=20000000");
	ids[1] = null_add("latency_ns=20000000");
	any = open_ctx(-1);
	bound_open(&b, any, 64, 4);

	struct queue q;

	queue_open(&q, any, 16, 0);
	for (int i = 0; i < 16; i++)
		queue_run(&q, b.slot, 0, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 16, 16, 10 * S), 16);
	EXPECT_EQ(queue_ready(&q), 16);
	MUST(device_info(any, ids[0], &a));
	MUST(device_info(any, ids[1], &c));
	EXPECT_EQ(a.jobs_done + c.jobs_done, 16);
	EXPECT(a.jobs_done >= 4 && c.jobs_done >= 4);
}

TEST(counters_of_a_device)
{
	struct aioffload_device_info di;
	char path[80];
	struct bound b;
	int id = null_add("latency_ns=10000000 power_idle_uw=100 power_busy_uw=900");

	bound_open(&b, open_ctx(id), 64, 1);
	for (int i = 0; i < 5; i++)
		MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	MUST(device_info(b.ctx, id, &di));
	EXPECT_EQ(di.jobs_done, 5);
	EXPECT(di.busy_ns >= 50 * MS && di.busy_ns < 5 * S);
	EXPECT_EQ(di.power_uw, 100);
	snprintf(path, sizeof(path), "/sys/class/aioffload/aioffload%d/jobs_done", id);
	EXPECT_EQ(read_long(path), 5);
	snprintf(path, sizeof(path), "/sys/class/aioffload/aioffload%d/power_uw", id);
	EXPECT_EQ(read_long(path), 100);
}
