// SPDX-License-Identifier: LGPL-2.1-or-later
/* Queues: sizes, batches, the overflow rule, waiting. Hostile use: t_rings.c. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include "vmtest.h"

#define MS	1000000ULL
#define S	1000000000ULL

static struct bound b;
static struct queue q;

static void setup(const char *settings, unsigned int sq, unsigned int cq)
{
	queue_of_null(&b, &q, settings, sq, cq);
}

/* ---- making one ---- */

TEST(sizes_are_rounded_up_to_powers_of_two)
{
	struct aioffload_info info;
	int ctx = open_null("");

	MUST(get_info(ctx, &info));
	for (unsigned int n = 1; n <= info.max_sq_entries; n = n < 70 ? n + 1 : n * 2) {
		unsigned int want = 1;

		while (want < n)
			want *= 2;
		queue_open(&q, ctx, n, 0);
		EXPECT_EQ(q.c.sq_entries, want);
		EXPECT_EQ(q.c.cq_entries, 2 * want);
		EXPECT_EQ(*(uint32_t *)(q.map + q.c.sq.mask), want - 1);
		EXPECT_EQ(*(uint32_t *)(q.map + q.c.cq.mask), 2 * want - 1);
		EXPECT_EQ(*q.sq_head | *q.sq_tail | *q.cq_head | *q.cq_tail, 0);
		queue_close(&q);
	}
}

TEST(impossible_sizes_are_einval)
{
	struct aioffload_info info;
	int ctx = open_null("");

	MUST(get_info(ctx, &info));
	EXPECT_ERRNO(queue_create(ctx, &q, 0, 0), EINVAL);
	EXPECT_ERRNO(queue_create(ctx, &q, 0, 16), EINVAL);
	EXPECT_ERRNO(queue_create(ctx, &q, info.max_sq_entries + 1, 0), EINVAL);
	EXPECT_ERRNO(queue_create(ctx, &q, 0x80000001, 0), EINVAL);
	EXPECT_ERRNO(queue_create(ctx, &q, 0xffffffff, 0), EINVAL);
	EXPECT_ERRNO(queue_create(ctx, &q, 8, 0xffffffff), EINVAL);
	EXPECT_ERRNO(queue_create(ctx, &q, 8, 0x80000001), EINVAL);
}

/* Parts that different sides write lie on cache lines of their own, in order. */
TEST(layout_of_the_mapping)
{
	uint32_t at[4];
	struct aioffload_ring_offsets *r;

	setup("", 16, 64);
	at[0] = q.c.sq.head;
	at[1] = q.c.sq.tail;
	at[2] = q.c.cq.head;
	at[3] = q.c.cq.tail;
	for (int i = 0; i < 4; i++) {
		EXPECT(at[i] % 4 == 0 && at[i] + 4 <= q.c.ring_bytes);
		for (int k = 0; k < i; k++)
			EXPECT(at[i] / 64 != at[k] / 64);
	}
	r = &q.c.sq;
	EXPECT(r->entries % 64 == 0 && r->entries + 16 * 64 <= q.c.ring_bytes);
	r = &q.c.cq;
	EXPECT(r->entries % 32 == 0 && r->entries + 64 * 32 <= q.c.ring_bytes);
	EXPECT(q.c.sq.entries + 16 * 64 <= q.c.cq.entries ||
	       q.c.cq.entries + 64 * 32 <= q.c.sq.entries);
}

static void expect_no_map(size_t len, int prot, int flags, off_t off)
{
	void *p = mmap(NULL, len, prot, flags, q.fd, off);

	if (p != MAP_FAILED)
		FAIL("mmap of %zu bytes at %ld, prot %d, flags %d went through", len,
		     (long)off, prot, flags);
	if (errno != EINVAL && errno != EPERM && errno != EACCES)
		FAIL("mmap: %s", vmt_errno_name(errno));
}

TEST(mappings_that_are_refused)
{
	const int rw = PROT_READ | PROT_WRITE;

	setup("", 16, 0);
	expect_no_map(q.c.ring_bytes + 4096, rw, MAP_SHARED, 0);
	expect_no_map(q.c.ring_bytes, rw, MAP_SHARED, 4096);
	expect_no_map(4096, rw, MAP_SHARED, 1L << 40);
	expect_no_map(q.c.ring_bytes, rw, MAP_PRIVATE, 0);
	EXPECT(mmap(NULL, q.c.ring_bytes, rw, MAP_SHARED, q.fd, 0) != MAP_FAILED);
}

/* The rings' pages are zeroed: nothing of the kernel's shines through. */
TEST(rings_begin_zeroed)
{
	setup("", 64, 64);
	for (unsigned int i = 0; i < 64 * 64; i++)
		EXPECT_EQ(((uint8_t *)q.sqes)[i], 0);
	for (unsigned int i = 0; i < 64 * 32; i++)
		EXPECT_EQ(((uint8_t *)q.cqes)[i], 0);
}

TEST(as_many_queues_as_stated)
{
	struct aioffload_info info;
	struct queue one;
	unsigned int n = 0;
	int ctx = open_null("");

	MUST(get_info(ctx, &info));
	for (; n < info.max_queues; n++)
		MUST(queue_create(ctx, &one, 1, 0));
	EXPECT_ERRNO(queue_create(ctx, &one, 1, 0), ENOSPC);
	close(one.fd);		/* fd of the failed call: none */
	EXPECT_EQ(get_info(ctx, &info), 0);
}

/* ---- using one ---- */

TEST(nops_in_every_depth)
{
	for (unsigned int depth = 1; depth <= 256; depth *= 4) {
		int ctx = open_null("");

		queue_open(&q, ctx, depth, 0);
		for (unsigned int round = 0; round < 3 * depth + 5; round += depth) {
			for (unsigned int i = 0; i < depth; i++)
				queue_nop(&q, round + i);
			EXPECT_EQ(queue_enter(&q, depth, depth, 0), depth);
			for (unsigned int i = 0; i < depth; i++) {
				struct aioffload_cqe cqe = queue_reap_one(&q);

				EXPECT_EQ(cqe.user_data, round + i);
				EXPECT_EQ(cqe.status, 0);
				EXPECT_EQ(cqe.device, AIOFFLOAD_DEVICE_ANY);
				EXPECT_EQ(cqe.reserved, 0);
			}
			EXPECT_EQ(*q.sq_head, *q.sq_tail);
		}
		queue_close(&q);
		close(ctx);
	}
}

static void check_run(const char *settings, unsigned int depth, unsigned int total)
{
	unsigned int sent = 0, done = 0;
	uint8_t *seen = calloc(total, 1);
	int id = null_add(settings);

	bound_open(&b, open_ctx(id), 64, 4);
	queue_open(&q, b.ctx, depth, 0);
	while (done < total) {
		unsigned int batch = 0;

		while (sent < total && sent - done < depth) {
			queue_run(&q, b.slot, sent % 4, 1, sent, 0);
			sent++;
			batch++;
		}
		EXPECT_EQ(queue_enter(&q, batch, 1, 10 * S), batch);
		while (queue_ready(&q)) {
			struct aioffload_cqe cqe = queue_reap_one(&q);

			EXPECT(cqe.user_data < total && !seen[cqe.user_data]);
			seen[cqe.user_data] = 1;
			EXPECT_EQ(cqe.status, 0);
			EXPECT_EQ(cqe.device, id);
			done++;
		}
	}
}

TEST(runs_at_depth_1)
{
	check_run("", 1, 200);
}

TEST(runs_at_depth_32)
{
	check_run("", 32, 2000);
}

TEST(runs_at_depth_256_on_a_slow_device)
{
	check_run("latency_ns=200000 parallelism=8 jitter_ns=400000", 256, 2000);
}

TEST(runs_at_depth_64_on_a_shallow_device)
{
	check_run("latency_ns=100000 queue_depth=3 parallelism=2", 64, 500);
}

TEST(runs_on_the_cpu)
{
	int cpu = find_device("aioffload_cpu");

	if (cpu < 0)
		SKIP("no CPU device");
	bound_open(&b, open_ctx(cpu), 1000, 64);
	bound_fill(&b);
	queue_open(&q, b.ctx, 64, 0);
	for (int i = 0; i < 64; i++)
		queue_run(&q, b.slot, i, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 64, 64, 10 * S), 64);
	for (int i = 0; i < 64; i++)
		EXPECT_EQ(queue_reap_one(&q).status, 0);
	bound_check_done(&b, 0, 64);
}

TEST(duration_is_the_devices_time)
{
	struct aioffload_cqe cqe;

	setup("latency_ns=20000000", 4, 0);
	queue_run(&q, b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 1, 0), 1);
	cqe = queue_reap_one(&q);
	EXPECT(cqe.duration_ns >= 20 * MS && cqe.duration_ns < 2 * S);
}

TEST(partial_submission)
{
	setup("", 8, 0);
	for (int i = 0; i < 5; i++)
		queue_nop(&q, i);
	EXPECT_EQ(queue_enter(&q, 2, 2, 0), 2);
	EXPECT_EQ(*q.sq_head, 2);
	EXPECT_EQ(queue_ready(&q), 2);
	EXPECT_EQ(queue_enter(&q, 100, 5, 0), 3);
	EXPECT_EQ(*q.sq_head, 5);
	EXPECT_EQ(queue_ready(&q), 5);
	EXPECT_EQ(queue_enter(&q, 100, 0, 0), 0);
	EXPECT_EQ(queue_enter(&q, 0, 0, 0), 0);
}

/* ---- the overflow rule ---- */

TEST(no_completion_is_ever_lost)
{
	setup("", 8, 8);
	for (int i = 0; i < 8; i++)
		queue_nop(&q, i);
	EXPECT_EQ(queue_enter(&q, 8, 0, 0), 8);
	/* the completion ring is full: what comes next must wait outside */
	for (int i = 8; i < 13; i++)
		queue_nop(&q, i);
	EXPECT_ERRNO(queue_enter(&q, 5, 0, 0), EBUSY);
	EXPECT_EQ(*q.sq_head, 8);
	queue_reap_one(&q);
	queue_reap_one(&q);
	EXPECT_EQ(queue_enter(&q, 5, 0, 0), 2);
	EXPECT_ERRNO(queue_enter(&q, 3, 0, 0), EBUSY);
	for (int i = 2; i < 10; i++)
		EXPECT_EQ(queue_reap_one(&q).user_data, i);
	EXPECT_EQ(queue_enter(&q, 100, 0, 0), 3);
	for (int i = 10; i < 13; i++)
		EXPECT_EQ(queue_reap_one(&q).user_data, i);
	EXPECT_EQ(queue_ready(&q), 0);
}

/* Places are reserved at submission, not at completion. */
TEST(jobs_in_flight_hold_their_place)
{
	setup("latency_ns=50000000 parallelism=8", 4, 4);
	for (int i = 0; i < 4; i++)
		queue_run(&q, b.slot, 0, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 4, 0, 0), 4);
	queue_nop(&q, 4);
	EXPECT_ERRNO(queue_enter(&q, 1, 0, 0), EBUSY);
	EXPECT_EQ(queue_enter(&q, 0, 4, 5 * S), 0);
	EXPECT_EQ(queue_ready(&q), 4);
	EXPECT_ERRNO(queue_enter(&q, 1, 0, 0), EBUSY);
	queue_reap_one(&q);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
}

TEST(more_completions_than_fit_can_not_be_awaited_forever)
{
	uint64_t t = now_ns();

	setup("", 4, 4);
	queue_nop(&q, 1);
	/* taken, then waits in vain: what was taken is said, not lost */
	EXPECT_EQ(queue_enter(&q, 1, 5, 100 * MS), 1);
	EXPECT(now_ns() - t < 10 * S);
}

/* ---- waiting ---- */

TEST(waiting_in_vain_is_etime)
{
	uint64_t t;

	setup("", 4, 0);
	t = now_ns();
	EXPECT_ERRNO(queue_enter(&q, 0, 1, 100 * MS), ETIME);
	t = now_ns() - t;
	EXPECT(t >= 100 * MS && t < 3 * S);
	EXPECT_ERRNO(queue_enter(&q, 0, 1, 1), ETIME);
}

TEST(waiting_ends_with_the_last_one_needed)
{
	uint64_t t;

	setup("latency_ns=60000000 parallelism=1", 8, 0);
	for (int i = 0; i < 4; i++)
		queue_run(&q, b.slot, 0, 1, i, 0);
	t = now_ns();
	EXPECT_EQ(queue_enter(&q, 4, 2, 5 * S), 4);
	t = now_ns() - t;
	if (t < 120 * MS || t > 235 * MS)
		FAIL("two jobs of 60 ms in a row took %llu us", (unsigned long long)t / 1000);
	EXPECT(queue_ready(&q) >= 2);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST(signals_end_a_wait_with_eintr)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value = { 0, 50000 } };
	uint64_t t = now_ns();

	setup("", 4, 0);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	EXPECT_ERRNO(queue_enter(&q, 0, 1, 20 * S), EINTR);
	EXPECT(now_ns() - t < 5 * S);
	/* what had been taken before the wait is reported instead */
	setitimer(ITIMER_REAL, &it, NULL);
	queue_nop(&q, 1);
	EXPECT_EQ(queue_enter(&q, 1, 2, 20 * S), 1);
}

TEST(poll_says_when_there_is_something)
{
	struct pollfd p;
	uint64_t t;

	setup("latency_ns=50000000", 4, 0);
	p = (struct pollfd){ .fd = q.fd, .events = POLLIN };
	EXPECT_EQ(poll(&p, 1, 0), 0);
	queue_run(&q, b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	t = now_ns();
	EXPECT_EQ(poll(&p, 1, 5000), 1);
	EXPECT(p.revents & POLLIN);
	EXPECT(!(p.revents & (POLLERR | POLLNVAL)));
	EXPECT(now_ns() - t >= 20 * MS);
	queue_reap_one(&q);
	p.revents = 0;
	EXPECT_EQ(poll(&p, 1, 0), 0);
}

static int set_eventfd(int fd)
{
	struct aioffload_queue_eventfd a = ARG(queue_eventfd);

	a.fd = fd;
	return ioctl(q.fd, AIOFFLOAD_IOC_QUEUE_EVENTFD, &a);
}

TEST(eventfd_is_signalled)
{
	uint64_t n = 0;
	int fd = MUST(eventfd(0, EFD_NONBLOCK));
	struct pollfd p = { .fd = fd, .events = POLLIN };

	setup("latency_ns=30000000", 8, 0);
	MUST(set_eventfd(fd));
	EXPECT_ERRNO(read(fd, &n, 8), EAGAIN);
	queue_run(&q, b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	EXPECT_EQ(poll(&p, 1, 5000), 1);
	EXPECT_EQ(read(fd, &n, 8), 8);
	EXPECT(n >= 1);
	EXPECT_EQ(queue_ready(&q), 1);
	/* another takes its place, then none */
	MUST(set_eventfd(MUST(eventfd(0, EFD_NONBLOCK))));
	queue_run(&q, b.slot, 0, 1, 2, 0);
	EXPECT_EQ(queue_enter(&q, 1, 2, S), 1);
	EXPECT_ERRNO(read(fd, &n, 8), EAGAIN);
	MUST(set_eventfd(-1));
	MUST(set_eventfd(-1));
}

TEST(eventfd_lives_as_long_as_it_is_set)
{
	int fd = MUST(eventfd(0, 0));

	setup("latency_ns=10000000", 8, 0);
	MUST(set_eventfd(fd));
	close(fd);
	for (int i = 0; i < 4; i++)
		queue_run(&q, b.slot, 0, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 4, 4, 5 * S), 4);
}

struct enterer {
	pthread_t thread;
	unsigned int taken;
	int err;
};

static void *enter_loop(void *arg)
{
	struct enterer *e = arg;

	for (int i = 0; i < 2000; i++) {
		int n = queue_enter(&q, 3, 0, 0);

		if (n > 0)
			e->taken += n;
		else if (n < 0 && errno != EBUSY && !e->err)
			e->err = errno;
	}
	return NULL;
}

/* Two threads in ENTER: every entry is taken once, by one of them or by us. */
TEST_SECONDS(two_threads_in_enter, 60)
{
	struct enterer e[2] = { 0 };
	unsigned int done = 0, sent = 0;

	setup("", 64, 0);
	for (int i = 0; i < 2; i++)
		pthread_create(&e[i].thread, NULL, enter_loop, &e[i]);
	while (done < 3000) {
		while (sent < 3000 &&
		       sent - __atomic_load_n(q.sq_head, __ATOMIC_ACQUIRE) < 64) {
			queue_run(&q, b.slot, sent % 4, 1, sent, 0);
			sent++;
		}
		/* the others may be through with their calls */
		if (!queue_ready(&q))
			queue_enter(&q, 1, 0, 0);
		for (; queue_ready(&q); done++)
			EXPECT_EQ(queue_reap_one(&q).status, 0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(e[i].thread, NULL);
		EXPECT_EQ(e[i].err, 0);
	}
	EXPECT_EQ(*q.sq_head, 3000);
	EXPECT_EQ(queue_ready(&q), 0);
}

TEST(a_child_shares_the_queue)
{
	int pid;

	setup("", 16, 0);
	queue_nop(&q, 1);
	EXPECT_EQ(queue_enter(&q, 1, 1, 0), 1);
	pid = fork();
	if (!pid) {
		EXPECT_EQ(queue_reap_one(&q).user_data, 1);
		queue_run(&q, b.slot, 0, 1, 2, 0);
		EXPECT_EQ(queue_enter(&q, 1, 1, 0), 1);
		_exit(0);
	}
	reap(pid);
	EXPECT_EQ(queue_reap_one(&q).user_data, 2);
	queue_run(&q, b.slot, 0, 1, 3, 0);
	EXPECT_EQ(queue_enter(&q, 1, 1, 0), 1);
	EXPECT_EQ(queue_reap_one(&q).user_data, 3);
}
