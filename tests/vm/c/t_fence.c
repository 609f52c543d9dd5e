// SPDX-License-Identifier: LGPL-2.1-or-later
/* Fences: out of queues, into jobs, ours and others'. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <linux/sync_file.h>
#include "vmtest.h"
#include "../kmod/fencer.h"

#define MS	1000000ULL
#define S	1000000000ULL

static struct bound b;
static struct queue q;

static void setup(const char *settings)
{
	queue_of_null(&b, &q, settings, 16, 0);
}

/* A sync_file of what the queue has taken, or -1. */
static int fence_of(const struct queue *from)
{
	struct aioffload_queue_fence k = ARG(queue_fence);

	return ioctl(from->fd, AIOFFLOAD_IOC_QUEUE_FENCE, &k) ? -1 : k.fd;
}

/* 0: not signalled; 1: signalled; negative: so with an error. */
static int status_of(int fence)
{
	struct sync_file_info info = { 0 };

	MUST(ioctl(fence, SYNC_IOC_FILE_INFO, &info));
	return info.status;
}

static bool signals_within(int fence, unsigned int ms)
{
	struct pollfd p = { .fd = fence, .events = POLLIN };

	return MUST(poll(&p, 1, ms)) == 1;
}

static int wait_status(int fence)
{
	EXPECT(signals_within(fence, 20000));
	return status_of(fence);
}

static void queue_run_after(struct queue *on, uint32_t slot, uint64_t user_data,
			    int fence, uint64_t timeout_ns)
{
	struct aioffload_sqe *e = queue_next(on);

	*e = (struct aioffload_sqe){
		.opcode = AIOFFLOAD_OP_RUN, .flags = AIOFFLOAD_SQE_FENCE,
		.slot = slot, .count = 1, .user_data = user_data,
		.timeout_ns = timeout_ns, .fence_fd = fence,
	};
	queue_publish(on, 1);
}

static int reaped(struct queue *from)
{
	return queue_reap_one(from).status;
}

/* ---- out of a queue ---- */

TEST(of_an_idle_queue_it_has_signalled)
{
	struct aioffload_info info;

	setup("");
	MUST(get_info(b.ctx, &info));
	EXPECT(info.features & AIOFFLOAD_FEAT_FENCES);
	EXPECT_EQ(status_of(MUST(fence_of(&q))), 1);
	queue_run(&q, b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 1, S), 1);
	EXPECT_EQ(status_of(MUST(fence_of(&q))), 1);
}

TEST(it_signals_when_all_that_was_taken_has_ended)
{
	int first, second;

	setup("latency_ns=100000000 parallelism=2");
	for (int i = 0; i < 4; i++)
		queue_run(&q, b.slot, i, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 4, 0, 0), 4);
	first = MUST(fence_of(&q));
	EXPECT_EQ(status_of(first), 0);
	EXPECT(!signals_within(first, 20));
	/* what comes later is none of its business */
	queue_run(&q, b.slot, 0, 1, 4, 0);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	second = MUST(fence_of(&q));
	EXPECT_EQ(wait_status(first), 1);
	EXPECT(queue_ready(&q) >= 4);
	EXPECT_EQ(status_of(second), 0);
	EXPECT_EQ(wait_status(second), 1);
	EXPECT_EQ(queue_ready(&q), 5);
}

/* Of jobs that end within ENTER, and of those that are on their way. */
TEST(it_tells_the_failure_of_its_own_jobs)
{
	for (int latency = 0; latency < 2; latency++) {
		int failed, good;

		setup(latency ? "latency_ns=30000000 error_every=2" :
				"error_every=2");
		queue_run(&q, b.slot, 0, 1, 1, 0);
		queue_run(&q, b.slot, 1, 1, 2, 0);
		EXPECT_EQ(queue_enter(&q, 2, 0, 0), 2);
		failed = MUST(fence_of(&q));
		queue_run(&q, b.slot, 2, 1, 3, 0);
		EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
		good = MUST(fence_of(&q));
		EXPECT_EQ(wait_status(failed), -EIO);
		EXPECT_EQ(wait_status(good), 1);
		queue_close(&q);
	}
	/* a job that ended before anybody asked for a fence; a bad entry */
	setup("latency_ns=10000000 error_every=1");
	queue_run(&q, b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 1, S), 1);
	queue_run(&q, 77, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 2, S), 1);
	EXPECT_EQ(status_of(MUST(fence_of(&q))), -EIO);
	queue_run(&q, 77, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 3, S), 1);
	EXPECT_EQ(status_of(MUST(fence_of(&q))), -ENOENT);
	EXPECT_EQ(status_of(MUST(fence_of(&q))), 1);
}

/* Who saw a job's result may still see fences of it that are about to signal. */
static int fence_when_there_is_room(const struct queue *from)
{
	int fence = fence_of(from);

	for (int i = 0; fence < 0 && errno == EBUSY && i < 500; i++) {
		sleep_ms(10);
		fence = fence_of(from);
	}
	return MUST(fence);
}

TEST(so_many_may_be_unsignalled)
{
	unsigned int n;

	setup("latency_ns=1500000000");
	queue_run(&q, b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	for (n = 0; n < 256; n++)
		close(MUST(fence_of(&q)));
	EXPECT_ERRNO(fence_of(&q), EBUSY);
	EXPECT_EQ(queue_enter(&q, 0, 1, 10 * S), 0);
	EXPECT_EQ(wait_status(fence_when_there_is_room(&q)), 1);
}

TEST(it_outlives_its_queue_and_the_module)
{
	int fence, later;

	setup("latency_ns=10000000000");
	queue_run(&q, b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	fence = MUST(fence_of(&q));
	later = MUST(fence_of(&q));
	queue_close(&q);
	EXPECT_EQ(wait_status(fence), -ECANCELED);
	EXPECT_EQ(wait_status(later), 1);
	bound_close(&b);
	close(b.ctx);
	EXPECT_EQ(run_command("rmmod aioffload_null aioffload_cpu && rmmod aioffload"),
		  0);
	EXPECT_EQ(status_of(fence), -ECANCELED);
	EXPECT(signals_within(later, 0));
	close(fence);
	modules_load();
	EXPECT_EQ(status_of(later), 1);
}

/* ---- into a job ---- */

static int fencer = -1;

static int foreign_fence(void)
{
	char cmd[300];

	snprintf(cmd, sizeof(cmd), "insmod %s/fencer.ko", getenv("VMTEST_KMOD"));
	if (access("/sys/module/fencer", F_OK) && run_command(cmd))
		FAIL("%s", cmd);
	for (int i = 0; fencer < 0 && i < 200; i++) {
		fencer = open("/dev/vmtest_fencer", O_RDWR | O_CLOEXEC);
		if (fencer < 0)
			sleep_ms(10);
	}
	return MUST(ioctl(MUST(fencer), FENCER_NEW));
}

static void foreign_signal(int error)
{
	MUST(ioctl(fencer, FENCER_SIGNAL, error));
}

TEST(a_job_waits_for_another_drivers_fence)
{
	int in, out;

	setup("");
	in = foreign_fence();
	queue_run_after(&q, b.slot, 7, in, 0);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	close(in);
	out = MUST(fence_of(&q));
	/* those behind it don't wait */
	queue_run(&q, b.slot, 1, 1, 8, 0);
	EXPECT_EQ(queue_enter(&q, 1, 1, S), 1);
	EXPECT_EQ(queue_reap_one(&q).user_data, 8);
	EXPECT(!signals_within(out, 50));
	EXPECT_EQ(queue_ready(&q), 0);
	foreign_signal(0);
	EXPECT_EQ(queue_enter(&q, 0, 1, 10 * S), 0);
	EXPECT_EQ(reaped(&q), 0);
	EXPECT_EQ(wait_status(out), 1);
}

TEST(one_that_has_signalled_holds_nobody_up)
{
	int in;

	setup("");
	in = foreign_fence();
	foreign_signal(0);
	queue_run_after(&q, b.slot, 1, in, 0);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	EXPECT_EQ(reaped(&q), 0);
}

TEST(a_failed_fence_cancels)
{
	int in;

	setup("");
	in = foreign_fence();
	queue_run_after(&q, b.slot, 1, in, 0);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	foreign_signal(ENODATA);
	EXPECT_EQ(queue_enter(&q, 0, 1, 10 * S), 0);
	EXPECT_EQ(reaped(&q), -ECANCELED);
	queue_run_after(&q, b.slot, 1, in, 0);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	EXPECT_EQ(reaped(&q), -ECANCELED);
	EXPECT_EQ(status_of(MUST(fence_of(&q))), -ECANCELED);
}

TEST(the_budget_bounds_the_wait)
{
	struct aioffload_cqe cqe;
	uint64_t began;
	int out;

	setup("");
	began = now_ns();
	queue_run_after(&q, b.slot, 1, foreign_fence(), 100 * MS);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	out = MUST(fence_of(&q));
	EXPECT_EQ(queue_enter(&q, 0, 1, 10 * S), 0);
	EXPECT(now_ns() - began >= 100 * MS);
	cqe = queue_reap_one(&q);
	EXPECT_EQ(cqe.status, -ETIME);
	EXPECT_EQ(cqe.device, AIOFFLOAD_DEVICE_ANY);
	EXPECT_EQ(wait_status(out), -ETIME);
	foreign_signal(0);
	EXPECT_EQ(queue_one(&q, b.slot).status, 0);
}

/* From device to device, from context to context, in order. */
TEST(one_queue_after_another)
{
	struct bound others[2];
	struct queue after[2];
	int fence;

	setup("latency_ns=100000000");
	for (int i = 0; i < 2; i++)
		queue_of_null(&others[i], &after[i], "latency_ns=1000000", 8, 0);
	queue_run(&q, b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	fence = MUST(fence_of(&q));
	for (int i = 0; i < 2; i++) {
		queue_run_after(&after[i], others[i].slot, 2 + i, fence, 0);
		EXPECT_EQ(queue_enter(&after[i], 1, 0, 0), 1);
		fence = MUST(fence_of(&after[i]));
	}
	EXPECT_EQ(wait_status(fence), 1);
	EXPECT_EQ(reaped(&q), 0);
	EXPECT_EQ(reaped(&after[0]), 0);
	EXPECT_EQ(reaped(&after[1]), 0);
}

TEST(a_failure_goes_down_the_line)
{
	struct bound other;
	struct queue after;

	setup("latency_ns=50000000 error_every=1");
	queue_of_null(&other, &after, "", 8, 0);
	queue_run(&q, b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	queue_run_after(&after, other.slot, 2, MUST(fence_of(&q)), 0);
	EXPECT_EQ(queue_enter(&after, 1, 1, 10 * S), 1);
	EXPECT_EQ(reaped(&after), -ECANCELED);
	EXPECT_EQ(status_of(MUST(fence_of(&after))), -ECANCELED);
}

/* A job on the host's threads, as well. */
TEST(on_the_cpu)
{
	int cpu = find_device("aioffload_cpu");

	if (cpu < 0)
		SKIP("no CPU device");
	bound_open(&b, open_ctx(cpu), 64, 4);
	queue_open(&q, b.ctx, 8, 0);
	bound_fill(&b);
	queue_run_after(&q, b.slot, 1, foreign_fence(), 0);
	queue_run(&q, b.slot, 1, 1, 2, 0);
	EXPECT_EQ(queue_enter(&q, 2, 1, 10 * S), 2);
	EXPECT_EQ(queue_reap_one(&q).user_data, 2);
	foreign_signal(0);
	EXPECT_EQ(wait_status(MUST(fence_of(&q))), 1);
	EXPECT_EQ(reaped(&q), 0);
	bound_check_done(&b, 0, 2);
}

/* ---- what goes away ---- */

TEST(queue_and_context_closed_while_jobs_wait)
{
	int out;

	for (int i = 0; i < 2; i++) {
		setup("");
		queue_run_after(&q, b.slot, 1, foreign_fence(), 0);
		EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
		out = MUST(fence_of(&q));
		if (i)
			close(b.ctx);
		queue_close(&q);
		EXPECT_EQ(wait_status(out), -ECANCELED);
		foreign_signal(0);
		close(out);
	}
}

TEST(the_device_goes_while_a_job_waits)
{
	int dev;

	dev = null_add("latency_ns=1000000");
	bound_open(&b, open_ctx(dev), 64, 4);
	queue_open(&q, b.ctx, 8, 0);
	queue_run_after(&q, b.slot, 1, foreign_fence(), 0);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	null_remove(dev);
	sleep_ms(20);
	EXPECT_EQ(queue_ready(&q), 0);
	foreign_signal(0);
	EXPECT_EQ(queue_enter(&q, 0, 1, 10 * S), 0);
	EXPECT_EQ(reaped(&q), -ENODEV);
}

TEST(killed_while_jobs_wait)
{
	int pid, status, in = foreign_fence();

	pid = MUST(fork());
	if (!pid) {
		setup("");
		for (int i = 0; i < 8; i++)
			queue_run_after(&q, b.slot, i, in, 0);
		queue_enter(&q, 8, 8, 0);
		_exit(1);
	}
	sleep_ms(200);
	kill(pid, SIGKILL);
	MUST(waitpid(pid, &status, 0));
	EXPECT(WIFSIGNALED(status));
	foreign_signal(0);
}

static volatile bool done;

static void *signaller(void *arg)
{
	unsigned int n = 0;

	while (!done) {
		close(ioctl(fencer, FENCER_NEW));
		usleep(n++ % 7 * 300);
		ioctl(fencer, FENCER_SIGNAL, n % 3 ? 0 : EIO);
	}
	return arg;
}

/* Signals, budgets and fences of the queue's own meet at any moment. */
TEST(signalled_and_overdue_at_once)
{
	uint64_t until = now_ns() + S;
	unsigned int seen = 0;
	pthread_t t;

	setup("latency_ns=200000");
	close(foreign_fence());
	MUST(-pthread_create(&t, NULL, signaller, NULL));
	for (unsigned int n = 0; now_ns() < until; n++) {
		int in = MUST(ioctl(fencer, FENCER_NEW)), out;

		for (int i = 0; i < 4; i++)
			queue_run_after(&q, b.slot, i, in, (1 + n % 5) * MS);
		EXPECT_EQ(queue_enter(&q, 4, 0, 0), 4);
		out = MUST(fence_of(&q));
		EXPECT_EQ(queue_enter(&q, 0, 4, 10 * S), 0);
		for (int i = 0; i < 4; i++) {
			int st = reaped(&q);

			EXPECT(!st || st == -ETIME || st == -ECANCELED);
			seen |= 1 << (st == -ETIME ? 1 : st ? 2 : 0);
		}
		EXPECT(signals_within(out, 10000));
		close(out);
		close(in);
	}
	done = true;
	pthread_join(t, NULL);
	EXPECT(seen & 2);
}

/* ---- what is refused ---- */

static void expect_refused(int fd, uint8_t op, uint8_t flags, int want)
{
	struct aioffload_sqe *e = queue_next(&q);

	*e = (struct aioffload_sqe){ .opcode = op, .flags = flags, .slot = b.slot,
				     .count = 1, .fence_fd = fd };
	queue_publish(&q, 1);
	EXPECT_EQ(queue_enter(&q, 1, 1, S), 1);
	EXPECT_EQ(reaped(&q), -want);
}

TEST(what_is_no_fence)
{
	const uint8_t run = AIOFFLOAD_OP_RUN, flag = AIOFFLOAD_SQE_FENCE;
	int fence;

	setup("");
	fence = MUST(fence_of(&q));
	expect_refused(-1, run, flag, EBADF);
	expect_refused(12345, run, flag, EBADF);
	expect_refused(0x7fffffff, run, flag, EBADF);
	expect_refused(q.fd, run, flag, EBADF);
	expect_refused(b.buf, run, flag, EBADF);
	expect_refused(MUST(eventfd(0, 0)), run, flag, EBADF);
	expect_refused(fence, run, 0, EINVAL);
	expect_refused(fence, AIOFFLOAD_OP_NOP, flag, EINVAL);
	expect_refused(fence, run, flag | 0x80, EINVAL);
	expect_refused(fence, run, flag, 0);
}

TEST(calls_that_make_no_sense)
{
	struct aioffload_queue_fence k = ARG(queue_fence);
	int fds;

	setup("");
	fds = count_fds();
	k.flags = 1;
	EXPECT_ERRNO(ioctl(q.fd, AIOFFLOAD_IOC_QUEUE_FENCE, &k), EINVAL);
	k.flags = 0;
	k.reserved = 1;
	EXPECT_ERRNO(ioctl(q.fd, AIOFFLOAD_IOC_QUEUE_FENCE, &k), EINVAL);
	k.reserved = 0;
	k.size--;
	EXPECT_ERRNO(ioctl(q.fd, AIOFFLOAD_IOC_QUEUE_FENCE, &k), EINVAL);
	EXPECT_ERRNO(ioctl(q.fd, AIOFFLOAD_IOC_QUEUE_FENCE, NULL), EFAULT);
	k.size++;
	EXPECT_ERRNO(ioctl(b.ctx, AIOFFLOAD_IOC_QUEUE_FENCE, &k), ENOTTY);
	EXPECT_EQ(count_fds(), fds);
}

/* ---- inheritance ---- */

#define LOAD	60	/* of the normal jobs in between */

/*
 * A busy device, one job at a time; a background queue with four jobs, whose end
 * an interactive one waits for. How many of those in between ended before that?
 */
static unsigned int overtaken_by(bool fenced)
{
	struct queue low, high, between;
	struct bound mid, top;
	int dev = null_add("latency_ns=5000000 parallelism=1 queue_depth=1"), fence;

	bound_open(&mid, open_ctx(dev), 64, 4);
	MUST(queue_create_qos(mid.ctx, &between, 64, AIOFFLOAD_QOS_NORMAL, 0, 0));
	queue_map(&between);
	bound_open(&b, open_ctx(dev), 64, 4);
	MUST(queue_create_qos(b.ctx, &low, 8, AIOFFLOAD_QOS_BACKGROUND, 0, 0));
	queue_map(&low);
	bound_open(&top, open_ctx(dev), 64, 4);
	MUST(queue_create_qos(top.ctx, &high, 8, AIOFFLOAD_QOS_INTERACTIVE, 0, 0));
	queue_map(&high);
	for (int i = 0; i < LOAD; i++)
		queue_run(&between, mid.slot, 0, 1, i, 0);
	EXPECT_EQ(queue_enter(&between, LOAD, 0, 0), LOAD);
	for (int i = 0; i < 4; i++)
		queue_run(&low, b.slot, 0, 1, i, 0);
	EXPECT_EQ(queue_enter(&low, 4, 0, 0), 4);
	fence = MUST(fence_of(&low));
	if (fenced) {
		queue_run_after(&high, top.slot, 1, fence, 0);
	} else {
		EXPECT_EQ(wait_status(fence), 1);
		queue_run(&high, top.slot, 0, 1, 1, 0);
	}
	EXPECT_EQ(queue_enter(&high, 1, 1, 20 * S), 1);
	EXPECT_EQ(reaped(&high), 0);
	return queue_ready(&between);
}

TEST(whoever_is_waited_for_goes_at_the_waiters_turn)
{
	unsigned int with = overtaken_by(true), without = overtaken_by(false);

	printf("# %u of %d jobs in between ended before, %u without a fence\n",
	       with, LOAD, without);
	EXPECT(with <= 20);
	EXPECT(without >= 40);
}

/* Days of work, one sample of it. */
static unsigned int bind_endless(int ctx)
{
	static struct model_bytes m;
	const uint64_t bytes = 4096 * 4096;
	struct aioffload_bind_io ios[2] = { 0 };
	int model;

	make_work(&m, 4096, 256);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	ios[0].buf_fd = MUST(buf_create(ctx, 2 * bytes));
	ios[1] = (struct aioffload_bind_io){ ios[0].buf_fd, 0, bytes, 0 };
	return MUST(bind_slot(ctx, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY));
}

/* Policy, and if it has niceness, as its class has it: interactive ones do. */
static void expect_policy(int tid, int policy)
{
	for (int i = 0; i < 500; i++) {
		if (MUST(sched_getscheduler(tid)) == policy &&
		    (policy == SCHED_IDLE || getpriority(PRIO_PROCESS, tid) < 0))
			return;
		sleep_ms(10);
	}
	FAIL("policy %d, nice %d", sched_getscheduler(tid),
	     getpriority(PRIO_PROCESS, tid));
}

TEST_SECONDS(on_the_cpu_it_is_served_in_the_waiters_class, 60)
{
	int cpu = find_device("aioffload_cpu"), ctx, tid, fence;
	struct queue low, high;

	if (cpu < 0)
		SKIP("no CPU device");
	ctx = open_ctx(cpu);
	MUST(queue_create_qos(ctx, &low, 8, AIOFFLOAD_QOS_BACKGROUND, 0, 0));
	queue_map(&low);
	queue_run(&low, bind_endless(ctx), 0, 1, 1, 100 * S);
	EXPECT_EQ(queue_enter(&low, 1, 0, 0), 1);
	EXPECT_EQ(find_threads("aioff-backgr", &tid, 1), 1);
	expect_policy(tid, SCHED_IDLE);
	fence = MUST(fence_of(&low));
	bound_open(&b, open_ctx(cpu), 64, 4);
	for (int i = 0; i < 2; i++) {
		MUST(queue_create_qos(b.ctx, &high, 8,
				      AIOFFLOAD_QOS_INTERACTIVE, 0, 0));
		queue_map(&high);
		queue_run_after(&high, b.slot, 1, fence, 0);
		EXPECT_EQ(queue_enter(&high, 1, 0, 0), 1);
		expect_policy(tid, SCHED_OTHER);
		if (i)
			break;
		/* who waits no longer lends no longer */
		queue_close(&high);
		expect_policy(tid, SCHED_IDLE);
	}
	queue_close(&low);
	EXPECT_EQ(queue_enter(&high, 0, 1, 20 * S), 0);
	EXPECT_EQ(reaped(&high), -ECANCELED);
}

/* The lender goes while it pays for somebody's job. */
TEST(a_lender_that_goes)
{
	struct queue low, high;
	struct bound top;
	int dev = null_add("latency_ns=100000000 parallelism=1 queue_depth=1");

	bound_open(&b, open_ctx(dev), 64, 4);
	MUST(queue_create_qos(b.ctx, &low, 8, AIOFFLOAD_QOS_BACKGROUND, 0, 0));
	queue_map(&low);
	bound_open(&top, open_ctx(dev), 64, 4);
	queue_open(&high, top.ctx, 8, 0);
	for (int i = 0; i < 3; i++)
		queue_run(&low, b.slot, 0, 1, i, 0);
	EXPECT_EQ(queue_enter(&low, 3, 0, 0), 3);
	queue_run_after(&high, top.slot, 1, MUST(fence_of(&low)), 0);
	EXPECT_EQ(queue_enter(&high, 1, 0, 0), 1);
	/* the second one runs at its turn */
	EXPECT_EQ(queue_enter(&low, 0, 1, 10 * S), 0);
	sleep_ms(20);
	queue_close(&high);
	bound_close(&top);
	close(top.ctx);
	EXPECT_EQ(queue_enter(&low, 0, 3, 10 * S), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(reaped(&low), 0);
}
