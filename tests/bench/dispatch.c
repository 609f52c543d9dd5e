// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a round trip costs: a bare ioctl, an io_uring NOP, a request to a daemon
 * over a Unix socket, and aioffload's ways with a model and a device that do
 * nothing. tools/bench-dispatch runs it in a guest whose clock counts
 * instructions, and makes the tables.
 *
 * Prints one line for each: NAME MEDIAN MIN MAX, in ns for one round trip.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/io_uring.h>
#include "../vm/c/vmtest.h"

#define ROUNDS	9
#define TIMES	2048		/* round trips in a round; a multiple of 32 */

/* vmtest.h's way out of a failed expectation */
void vmt_fail(const char *file, int line, const char *fmt, ...)
{
	fprintf(stderr, "dispatch: %s:%d: %s (errno: %s)\n", file, line, fmt,
		strerror(errno));
	exit(1);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void measure(const char *name, void (*trip)(void *), void *arg,
		    unsigned int jobs)
{
	double cost[ROUNDS];

	trip(arg);			/* warm */
	for (int r = 0; r < ROUNDS; r++) {
		uint64_t t = now_ns();

		for (unsigned int i = 0; i < TIMES / jobs; i++)
			trip(arg);
		cost[r] = (double)(now_ns() - t) / TIMES;
	}
	qsort(cost, ROUNDS, sizeof(cost[0]), by_value);
	printf("%s %.1f %.1f %.1f\n", name, cost[ROUNDS / 2], cost[0], cost[ROUNDS - 1]);
	fflush(stdout);
}

/* ---- what there is without us ---- */

static void trip_ioctl(void *arg)
{
	if (ioctl(*(int *)arg, 0x12345678, NULL) != -1 || errno != ENOTTY)
		FAIL("the ioctl that nobody knows");
}

static void bench_ioctl(void)
{
	int null = MUST(open("/dev/null", O_RDWR)), ctx = open_ctx(-1);

	measure("ioctl_dev_null", trip_ioctl, &null, 1);
	measure("ioctl_aioffload", trip_ioctl, &ctx, 1);
}

struct uring {
	int fd;
	unsigned int batch;
	uint32_t *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail;
	struct io_uring_sqe *sqes;
};

static void trip_uring(void *arg)
{
	struct uring *u = arg;
	uint32_t tail = *u->sq_tail;

	for (unsigned int i = 0; i < u->batch; i++) {
		uint32_t at = tail++ & *u->sq_mask;

		memset(&u->sqes[at], 0, sizeof(u->sqes[at]));
		u->sqes[at].opcode = IORING_OP_NOP;
		u->sq_array[at] = at;
	}
	__atomic_store_n(u->sq_tail, tail, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, u->fd, u->batch, u->batch,
		    IORING_ENTER_GETEVENTS, NULL, 0) != (long)u->batch)
		FAIL("io_uring_enter");
	if (__atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE) - *u->cq_head != u->batch)
		FAIL("io_uring completions");
	__atomic_store_n(u->cq_head, *u->cq_head + u->batch, __ATOMIC_RELEASE);
}

static void bench_uring(void)
{
	struct io_uring_params p = { 0 };
	struct uring u = { .batch = 1 };
	uint8_t *sq, *cq;

	u.fd = syscall(SYS_io_uring_setup, 64, &p);
	if (u.fd < 0) {
		fprintf(stderr, "dispatch: no io_uring here\n");
		return;
	}
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, u.fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u.fd,
		  IORING_OFF_CQ_RING);
	u.sqes = mmap(NULL, p.sq_entries * sizeof(*u.sqes), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_POPULATE, u.fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || u.sqes == MAP_FAILED)
		FAIL("mapping the io_uring");
	u.sq_tail = (void *)(sq + p.sq_off.tail);
	u.sq_mask = (void *)(sq + p.sq_off.ring_mask);
	u.sq_array = (void *)(sq + p.sq_off.array);
	u.cq_head = (void *)(cq + p.cq_off.head);
	u.cq_tail = (void *)(cq + p.cq_off.tail);
	measure("io_uring_nop", trip_uring, &u, 1);
	u.batch = 32;
	measure("io_uring_nop_32", trip_uring, &u, 32);
	close(u.fd);
}

/* A daemon that is sent a job's description and answers with its completion. */
static void trip_socket(void *arg)
{
	int fd = *(int *)arg;
	struct aioffload_sqe sqe = { .opcode = AIOFFLOAD_OP_RUN, .count = 1 };
	struct aioffload_cqe cqe;

	if (write(fd, &sqe, sizeof(sqe)) != sizeof(sqe) ||
	    read(fd, &cqe, sizeof(cqe)) != sizeof(cqe))
		FAIL("the daemon");
}

static void serve(void *arg)
{
	int *pair = arg;
	struct aioffload_sqe sqe;
	struct aioffload_cqe cqe = { 0 };

	close(pair[0]);
	while (read(pair[1], &sqe, sizeof(sqe)) == sizeof(sqe)) {
		cqe.user_data = sqe.user_data;
		if (write(pair[1], &cqe, sizeof(cqe)) != sizeof(cqe))
			break;
	}
}

static void bench_socket(void)
{
	int pair[2], pid;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = spawn(serve, pair);
	close(pair[1]);
	measure("socket_daemon", trip_socket, &pair[0], 1);
	close(pair[0]);
	waitpid(pid, NULL, 0);
}

/* ---- aioffload ---- */

static void trip_run(void *arg)
{
	struct bound *b = arg;
	struct aioffload_run a = { .size = sizeof(a), .slot = b->slot, .count = 1 };

	if (ioctl(b->ctx, AIOFFLOAD_IOC_RUN, &a))
		FAIL("RUN");
}

struct queue_trip {
	struct queue q;
	unsigned int slot, batch;
	uint8_t opcode;
};

/* As an application with a batch does it: one publish, one call, one release. */
static void trip_queue(void *arg)
{
	struct queue_trip *t = arg;
	uint32_t mask = t->q.c.sq_entries - 1, tail = *t->q.sq_tail;
	uint32_t cq_mask = t->q.c.cq_entries - 1, head = *t->q.cq_head;
	struct aioffload_enter a = { .size = sizeof(a), .to_submit = t->batch,
				     .min_complete = t->batch };

	for (unsigned int i = 0; i < t->batch; i++, tail++)
		t->q.sqes[tail & mask] = (struct aioffload_sqe){
			.opcode = t->opcode, .slot = t->slot, .user_data = i,
			.count = t->opcode == AIOFFLOAD_OP_RUN,
		};
	__atomic_store_n(t->q.sq_tail, tail, __ATOMIC_RELEASE);
	if (ioctl(t->q.fd, AIOFFLOAD_IOC_ENTER, &a) != (int)t->batch)
		FAIL("ENTER");
	if (__atomic_load_n(t->q.cq_tail, __ATOMIC_ACQUIRE) - head != t->batch)
		FAIL("%u completions", *t->q.cq_tail - head);
	for (unsigned int i = 0; i < t->batch; i++, head++) {
		const struct aioffload_cqe *c = &t->q.cqes[head & cq_mask];

		if (c->status || c->user_data >= t->batch)
			FAIL("completion: status %d", c->status);
	}
	__atomic_store_n(t->q.cq_head, head, __ATOMIC_RELEASE);
}

static void bench_queue(const char *name, struct bound *b, unsigned int batch,
			uint8_t opcode)
{
	struct queue_trip t = { .slot = opcode == AIOFFLOAD_OP_RUN ? b->slot : 0,
				.batch = batch, .opcode = opcode };

	queue_open(&t.q, b->ctx, 64, 0);
	measure(name, trip_queue, &t, batch);
	queue_close(&t.q);
}

static void bench_aioffload(void)
{
	struct bound b, sync;
	int cpu = find_device("aioffload_cpu");

	bound_open(&b, open_null("latency_ns=0"), 64, 1);
	bound_open(&sync, open_null("latency_ns=0 sync_run=1"), 64, 1);
	measure("run", trip_run, &b, 1);
	measure("run_sync", trip_run, &sync, 1);
	if (cpu >= 0) {
		struct bound c;

		bound_open(&c, open_ctx(cpu), 1, 1);
		measure("run_cpu", trip_run, &c, 1);
	}
	bench_queue("queue_1", &b, 1, AIOFFLOAD_OP_RUN);
	bench_queue("queue_32", &b, 32, AIOFFLOAD_OP_RUN);
	bench_queue("queue_32_nop", &b, 32, AIOFFLOAD_OP_NOP);
}

int main(void)
{
	modules_load();
	bench_ioctl();
	bench_uring();
	bench_socket();
	bench_aioffload();
	return 0;
}
