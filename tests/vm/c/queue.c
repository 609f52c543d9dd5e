// SPDX-License-Identifier: LGPL-2.1-or-later
/* The rings, as an application uses them. */
#include "vmtest.h"

int queue_create(int ctx, struct queue *q, unsigned int sq, unsigned int cq)
{
	memset(q, 0, sizeof(*q));
	q->c = ARG(queue_create);
	q->c.sq_entries = sq;
	q->c.cq_entries = cq;
	if (ioctl(ctx, AIOFFLOAD_IOC_QUEUE_CREATE, &q->c))
		return -1;
	q->fd = q->c.fd;
	return 0;
}

int queue_create_qos(int ctx, struct queue *q, unsigned int sq, unsigned int qos,
		     uint64_t runtime_ns, uint64_t period_ns)
{
	memset(q, 0, sizeof(*q));
	q->c = ARG(queue_create);
	q->c.sq_entries = sq;
	q->c.qos = qos;
	q->c.runtime_ns = runtime_ns;
	q->c.period_ns = period_ns;
	if (ioctl(ctx, AIOFFLOAD_IOC_QUEUE_CREATE, &q->c))
		return -1;
	q->fd = q->c.fd;
	return 0;
}

void queue_open_hint(struct queue *q, int ctx, unsigned int sq, unsigned int hint)
{
	memset(q, 0, sizeof(*q));
	q->c = ARG(queue_create);
	q->c.sq_entries = sq;
	q->c.hint = hint;
	MUST(ioctl(ctx, AIOFFLOAD_IOC_QUEUE_CREATE, &q->c));
	q->fd = q->c.fd;
	queue_map(q);
}

void queue_map(struct queue *q)
{
	q->map = mmap(NULL, q->c.ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      q->fd, 0);
	if (q->map == MAP_FAILED)
		FAIL("mmap of the rings: %s", strerror(errno));
	q->sq_head = (void *)(q->map + q->c.sq.head);
	q->sq_tail = (void *)(q->map + q->c.sq.tail);
	q->cq_head = (void *)(q->map + q->c.cq.head);
	q->cq_tail = (void *)(q->map + q->c.cq.tail);
	q->sqes = (void *)(q->map + q->c.sq.entries);
	q->cqes = (void *)(q->map + q->c.cq.entries);
}

void queue_open(struct queue *q, int ctx, unsigned int sq, unsigned int cq)
{
	MUST(queue_create(ctx, q, sq, cq));
	queue_map(q);
}

void queue_of_null(struct bound *b, struct queue *q, const char *settings,
		   unsigned int sq, unsigned int cq)
{
	bound_open(b, open_null(settings), 64, 4);
	queue_open(q, b->ctx, sq, cq);
}

void queue_close(struct queue *q)
{
	if (q->map)
		munmap(q->map, q->c.ring_bytes);
	close(q->fd);
}

struct aioffload_sqe *queue_next(struct queue *q)
{
	struct aioffload_sqe *e = &q->sqes[*q->sq_tail & (q->c.sq_entries - 1)];

	memset(e, 0, sizeof(*e));
	return e;
}

void queue_publish(struct queue *q, unsigned int n)
{
	__atomic_store_n(q->sq_tail, *q->sq_tail + n, __ATOMIC_RELEASE);
}

void queue_nop(struct queue *q, uint64_t user_data)
{
	struct aioffload_sqe *e = queue_next(q);

	e->opcode = AIOFFLOAD_OP_NOP;
	e->user_data = user_data;
	queue_publish(q, 1);
}

void queue_run(struct queue *q, uint32_t slot, uint32_t first, uint32_t count,
	       uint64_t user_data, uint64_t timeout_ns)
{
	struct aioffload_sqe *e = queue_next(q);

	e->opcode = AIOFFLOAD_OP_RUN;
	e->slot = slot;
	e->first = first;
	e->count = count;
	e->user_data = user_data;
	e->timeout_ns = timeout_ns;
	queue_publish(q, 1);
}

int queue_enter(struct queue *q, unsigned int submit, unsigned int wait,
		uint64_t timeout_ns)
{
	struct aioffload_enter a = ARG(enter);

	a.to_submit = submit;
	a.min_complete = wait;
	a.timeout_ns = timeout_ns;
	return ioctl(q->fd, AIOFFLOAD_IOC_ENTER, &a);
}

unsigned int queue_ready(struct queue *q)
{
	return __atomic_load_n(q->cq_tail, __ATOMIC_ACQUIRE) - *q->cq_head;
}

bool queue_reap(struct queue *q, struct aioffload_cqe *cqe)
{
	if (!queue_ready(q))
		return false;
	*cqe = q->cqes[*q->cq_head & (q->c.cq_entries - 1)];
	__atomic_store_n(q->cq_head, *q->cq_head + 1, __ATOMIC_RELEASE);
	return true;
}

struct aioffload_cqe queue_reap_one(struct queue *q)
{
	struct aioffload_cqe cqe;

	if (!queue_reap(q, &cqe))
		FAIL("no completion to reap");
	return cqe;
}

struct aioffload_cqe queue_one(struct queue *q, unsigned int slot)
{
	queue_run(q, slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(q, 1, 1, 30000000000ULL), 1);
	return queue_reap_one(q);
}
