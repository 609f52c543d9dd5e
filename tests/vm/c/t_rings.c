// SPDX-License-Identifier: LGPL-2.1-or-later
/* Queues in bad hands: entries, indices, scribblers, and how queues end. */
#include <poll.h>
#include <pthread.h>
#include "vmtest.h"

#define MS	1000000ULL
#define S	1000000000ULL

static struct bound b;
static struct queue q;

static void setup(const char *settings, unsigned int sq, unsigned int cq)
{
	queue_of_null(&b, &q, settings, sq, cq);
}

/* ---- entries that are no good ---- */

static void expect_bad(const struct aioffload_sqe *bad, int want)
{
	struct aioffload_cqe cqe;

	*queue_next(&q) = *bad;
	queue_publish(&q, 1);
	queue_nop(&q, 4711);		/* the good one behind it is not harmed */
	EXPECT_EQ(queue_enter(&q, 2, 2, 5 * S), 2);
	cqe = queue_reap_one(&q);
	EXPECT_EQ(cqe.user_data, bad->user_data);
	EXPECT_EQ(cqe.status, -want);
	EXPECT_EQ(cqe.device, AIOFFLOAD_DEVICE_ANY);
	EXPECT_EQ(cqe.duration_ns, 0);
	cqe = queue_reap_one(&q);
	EXPECT_EQ(cqe.user_data, 4711);
	EXPECT_EQ(cqe.status, 0);
}

TEST(bad_entries_complete_with_an_errno)
{
	struct aioffload_sqe good, bad;

	setup("", 8, 0);
	good = (struct aioffload_sqe){ .opcode = AIOFFLOAD_OP_RUN, .slot = b.slot,
				       .user_data = 0x1122334455667788, .count = 1 };
#define BAD(field, value, want) do {					\
		bad = good;						\
		bad.field = value;					\
		expect_bad(&bad, want);					\
	} while (0)
	for (int op = 2; op < 256; op++)
		BAD(opcode, op, EINVAL);
	for (int bit = 3; bit < 8; bit++)
		BAD(flags, 1 << bit, EINVAL);
	BAD(qos, 1, EINVAL);
	BAD(qos, 0x8000, EINVAL);
	for (int i = 0; i < 2; i++)
		BAD(reserved[i], 1ULL << (i * 20), EINVAL);
	BAD(hint, 1, EINVAL);
	BAD(hint, AIOFFLOAD_HINT_EFFICIENCY, EINVAL);
	good.flags = AIOFFLOAD_SQE_HINT;
	BAD(hint, AIOFFLOAD_HINT_KEEP_WARM + 1, EINVAL);
	BAD(hint, 0x80000000, EINVAL);
	BAD(fence_fd, 1, EINVAL);
	good.flags = 0;
	BAD(fence_fd, 1, EINVAL);
	BAD(fence_fd, -1, EINVAL);
	BAD(deadline_ns, 1, EINVAL);
	BAD(slot, b.slot + 1, ENOENT);
	BAD(slot, 0x7fffffff, ENOENT);
	BAD(slot, 0xffffffff, ENOENT);
	BAD(count, 0, EINVAL);
	BAD(count, 5, EINVAL);
	BAD(count, 0xffffffff, EINVAL);
	BAD(first, 4, EINVAL);
	BAD(first, 0xffffffff, EINVAL);
}

TEST(bad_nops_too)
{
	struct aioffload_sqe bad = { .opcode = AIOFFLOAD_OP_NOP, .user_data = 5 };

	setup("", 8, 0);
	bad.flags = 1;
	expect_bad(&bad, EINVAL);
	bad.flags = AIOFFLOAD_SQE_HINT;
	expect_bad(&bad, EINVAL);
	bad.flags = 0;
	bad.hint = 1;
	expect_bad(&bad, EINVAL);
	bad.hint = 0;
	bad.reserved[1] = 1;
	expect_bad(&bad, EINVAL);
}

TEST(faults_reach_the_right_entry)
{
	setup("error_every=3 latency_ns=100000 parallelism=1", 16, 0);
	for (int i = 1; i <= 12; i++)
		queue_run(&q, b.slot, 0, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 12, 12, 10 * S), 12);
	for (int i = 1; i <= 12; i++) {
		struct aioffload_cqe cqe = queue_reap_one(&q);

		EXPECT_EQ(cqe.status, cqe.user_data % 3 ? 0 : -EIO);
	}
}

TEST(budget_counts_from_submission)
{
	/* one at a time: the second one is over before it begins */
	setup("latency_ns=200000000 parallelism=1", 8, 0);
	queue_run(&q, b.slot, 0, 1, 1, 10 * S);
	queue_run(&q, b.slot, 0, 1, 2, 100 * MS);
	EXPECT_EQ(queue_enter(&q, 2, 2, 10 * S), 2);
	for (int i = 0; i < 2; i++) {
		struct aioffload_cqe cqe = queue_reap_one(&q);

		EXPECT_EQ(cqe.status, cqe.user_data == 1 ? 0 : -ETIME);
	}
}

/* ---- wild indices ---- */

static void expect_wild(void)
{
	EXPECT_ERRNO(queue_enter(&q, 1, 0, 0), EPROTO);
	EXPECT_ERRNO(queue_enter(&q, 0xffffffff, 0, 0), EPROTO);
}

TEST(tail_that_jumped)
{
	static const uint32_t jump[] = { 9, 100, 0x7fffffff, 0x80000000, 0xffffffff };

	setup("", 8, 0);
	for (int i = 0; i < 5; i++) {
		uint32_t good = *q.sq_tail;

		*q.sq_tail = good + jump[i];
		expect_wild();
		/* put right, all is well again */
		*q.sq_tail = good;
		queue_nop(&q, i);
		EXPECT_EQ(queue_enter(&q, 1, 1, 0), 1);
		EXPECT_EQ(queue_reap_one(&q).user_data, i);
	}
}

TEST(completion_head_from_the_future)
{
	static const uint32_t jump[] = { 1, 17, 0x7fffffff, 0x80000000, 0xfffffff0 };

	setup("", 8, 0);
	for (int i = 0; i < 5; i++) {
		uint32_t good = *q.cq_head;

		*q.cq_head = good + jump[i];
		queue_nop(&q, i);
		EXPECT_ERRNO(queue_enter(&q, 1, 0, 0), EPROTO);
		*q.cq_head = good;
		EXPECT_EQ(queue_enter(&q, 1, 1, 0), 1);
		EXPECT_EQ(queue_reap_one(&q).user_data, i);
	}
}

static short polled(void)
{
	struct pollfd p = { .fd = q.fd, .events = POLLIN | POLLOUT };

	MUST(poll(&p, 1, 0));
	return p.revents;
}

/* Submitting, waiting and polling say the same of an index, while it is wild. */
static void expect_wild_head(uint32_t wild)
{
	uint32_t good = *q.cq_head;

	*q.cq_head = wild;
	EXPECT_ERRNO(queue_enter(&q, 1, 0, 0), EPROTO);
	EXPECT_ERRNO(queue_enter(&q, 0, 1, S), EPROTO);
	EXPECT_EQ(polled(), POLLERR);
	*q.cq_head = good;
	EXPECT_EQ(polled() & POLLERR, 0);
}

TEST(completion_head_that_went_back)
{
	setup("", 8, 0);
	for (int i = 0; i < 40; i++) {
		queue_nop(&q, i);
		EXPECT_EQ(queue_enter(&q, 1, 1, 0), 1);
		EXPECT_EQ(queue_reap_one(&q).user_data, i);
		queue_nop(&q, 1000);		/* shows how far we have come */
		EXPECT_EQ(queue_enter(&q, 1, 1, 0), 1);
		expect_wild_head(*q.cq_head - 1);
		expect_wild_head(*q.cq_head - 8);
		expect_wild_head(*q.cq_head - 0x80000000);
		expect_wild_head(*q.cq_head + 2);
		EXPECT_EQ(queue_reap_one(&q).user_data, 1000);
	}
}

/* The kernel's own indices are copies for us; writing them changes nothing. */
TEST(kernels_indices_are_not_believed)
{
	setup("", 8, 8);
	*q.sq_head = 1000;
	queue_nop(&q, 1);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	EXPECT_EQ(*q.sq_head, 1);
	*q.cq_tail = 12345;
	queue_nop(&q, 2);
	EXPECT_EQ(queue_enter(&q, 1, 0, 0), 1);
	EXPECT_EQ(*q.cq_tail, 2);
	EXPECT_EQ(queue_reap_one(&q).user_data, 1);
	EXPECT_EQ(queue_reap_one(&q).user_data, 2);
	/* the masks are copies as well */
	*(uint32_t *)(q.map + q.c.sq.mask) = 0xffffffff;
	*(uint32_t *)(q.map + q.c.cq.mask) = 0xffffffff;
	for (int i = 0; i < 20; i++) {
		queue_nop(&q, i);
		EXPECT_EQ(queue_enter(&q, 1, 1, 0), 1);
		EXPECT_EQ(queue_reap_one(&q).user_data, i);
	}
}

static volatile bool stop;

static void *scribble(void *arg)
{
	uint32_t seed = (uintptr_t)arg, words = q.c.ring_bytes / 4;
	volatile uint32_t *w = (void *)q.map;

	while (!stop) {
		seed = seed * 1664525 + 1013904223;
		w[(seed >> 4) % words] = seed % 7 ? seed : seed % 64;
	}
	return NULL;
}

/*
 * A thread writes all over the rings while another submits. Anything may come
 * of its jobs, but nothing may happen to the kernel or to other queues.
 */
static void check_scribbling(const char *settings)
{
	struct queue good;
	uint64_t end = now_ns() + 4 * S;
	pthread_t t[2];
	unsigned int calls = 0;

	setup(settings, 32, 0);
	queue_open(&good, b.ctx, 4, 0);
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, scribble, (void *)(i + 1));
	while (now_ns() < end) {
		struct aioffload_cqe cqe;

		if (queue_enter(&q, 32, calls % 4 == 0, MS) < 0 && errno != EPROTO &&
		    errno != EBUSY && errno != ETIME && errno != EINTR)
			FAIL("ENTER: %s", vmt_errno_name(errno));
		if (calls++ % 64)
			continue;
		queue_run(&good, b.slot, 0, 1, calls, 0);
		EXPECT_EQ(queue_enter(&good, 1, 1, 10 * S), 1);
		EXPECT(queue_reap(&good, &cqe));
		EXPECT_EQ(cqe.user_data, calls);
		EXPECT_EQ(cqe.status, 0);
	}
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
}

TEST(scribbling_over_the_rings)
{
	check_scribbling("");
}

TEST(scribbling_over_the_rings_of_a_slow_device)
{
	check_scribbling("latency_ns=50000 parallelism=4");
}

/* ---- endings ---- */

TEST(closed_with_jobs_in_flight)
{
	struct aioffload_device_info di;
	int id = null_add("latency_ns=100000000 parallelism=2");

	bound_open(&b, open_ctx(id), 64, 4);
	queue_open(&q, b.ctx, 32, 0);
	for (int i = 0; i < 32; i++)
		queue_run(&q, b.slot, 0, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 32, 0, 0), 32);
	queue_close(&q);
	/* nobody waits for these jobs any more: they end soon */
	for (int i = 0; i < 500; i++) {
		MUST(device_info(b.ctx, id, &di));
		if (!di.jobs_inflight)
			break;
		sleep_ms(10);
	}
	EXPECT_EQ(di.jobs_inflight, 0);
	MUST(run_slot(b.ctx, b.slot, 0, 1, 5 * S));
}

TEST(closed_with_stalled_jobs)
{
	struct aioffload_device_info di;
	int id = null_add("stall_every=1");

	bound_open(&b, open_ctx(id), 64, 4);
	queue_open(&q, b.ctx, 8, 0);
	for (int i = 0; i < 8; i++)
		queue_run(&q, b.slot, 0, 1, i, 1000 * S);
	EXPECT_EQ(queue_enter(&q, 8, 0, 0), 8);
	queue_close(&q);
	null_set(id, "stall_every=0");
	for (int i = 0; i < 500; i++) {
		MUST(device_info(b.ctx, id, &di));
		if (!di.jobs_inflight)
			break;
		sleep_ms(10);
	}
	EXPECT_EQ(di.jobs_inflight, 0);
	MUST(run_slot(b.ctx, b.slot, 0, 1, 5 * S));
}

TEST(rings_stay_mapped_after_close)
{
	setup("", 8, 0);
	queue_nop(&q, 9);
	EXPECT_EQ(queue_enter(&q, 1, 1, 0), 1);
	close(q.fd);
	EXPECT_EQ(queue_reap_one(&q).user_data, 9);
	*q.sq_tail = 77;
}

TEST(context_closed_before_its_queue)
{
	struct pollfd p;
	uint64_t t;

	setup("latency_ns=200000000", 8, 0);
	for (int i = 0; i < 4; i++)
		queue_run(&q, b.slot, 0, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 4, 0, 0), 4);
	close(b.ctx);
	t = now_ns();
	/* what was taken completes, one way or the other */
	while (queue_ready(&q) < 4 && now_ns() - t < 5 * S)
		sleep_ms(5);
	EXPECT_EQ(queue_ready(&q), 4);
	queue_nop(&q, 5);
	EXPECT_ERRNO(queue_enter(&q, 1, 0, 0), ENODEV);
	EXPECT_ERRNO(queue_enter(&q, 0, 100, S), ENODEV);
	p = (struct pollfd){ .fd = q.fd, .events = POLLIN };
	EXPECT_EQ(poll(&p, 1, 0), 1);
}

static void *close_soon(void *arg)
{
	sleep_ms(100);
	close(*(int *)arg);
	return NULL;
}

/* Someone waits while another thread closes the context. */
TEST(context_closed_while_waiting)
{
	pthread_t t;
	uint64_t start = now_ns();

	setup("", 8, 0);
	pthread_create(&t, NULL, close_soon, &b.ctx);
	EXPECT_ERRNO(queue_enter(&q, 0, 1, 20 * S), ENODEV);
	EXPECT(now_ns() - start < 5 * S);
	pthread_join(t, NULL);
}

TEST(queue_closed_while_waiting)
{
	pthread_t t;

	/* the waiter holds the file: it waits on, undisturbed */
	setup("", 8, 0);
	pthread_create(&t, NULL, close_soon, &q.fd);
	EXPECT_ERRNO(queue_enter(&q, 0, 1, 300 * MS), ETIME);
	pthread_join(t, NULL);
}

TEST(slots_of_another_context_are_enoent)
{
	struct queue other;
	struct aioffload_cqe cqe;

	setup("", 8, 0);
	queue_open(&other, open_ctx(-1), 4, 0);
	queue_run(&other, b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&other, 1, 1, S), 1);
	EXPECT(queue_reap(&other, &cqe));
	EXPECT_EQ(cqe.status, -ENOENT);
}
