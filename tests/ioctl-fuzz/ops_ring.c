// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Calls on queues, and what an application does to its rings. Threads do it
 * without any order between them, as a hostile application would.
 */
#include <string.h>
#include <poll.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "ops.h"

static volatile uint32_t *index_at(const struct ring *q, uint32_t offset)
{
	return (volatile uint32_t *)(q->map + (offset & ~3U));
}

static bool usable(const struct ring *q)
{
	return q->map && q->c.sq_entries && q->c.cq_entries;
}

/* a[1]: length instead of the right one, a[2] other ways to go wrong */
long op_queue_map(struct world *w, const uint64_t *a)
{
	struct ring *q = world_ring(w, a[0]);
	int prot = a[2] == 7 ? PROT_READ : PROT_READ | PROT_WRITE;
	size_t len = a[1] && a[2] == 5 ? a[1] : q->c.ring_bytes;
	uint8_t *p = mmap(NULL, len, prot, a[2] == 6 ? MAP_PRIVATE : MAP_SHARED,
			  world_fd(w, K_QUEUE, a[0]), a[2] == 4 ? PAGE : 0);

	if (p == MAP_FAILED)
		return -1;
	q->len = len;
	q->map = p;
	return 0;
}

long op_queue_unmap(struct world *w, const uint64_t *a)
{
	struct ring *q = world_ring(w, a[0]);
	uint8_t *p = q->map;

	q->map = NULL;
	return p ? munmap(p, q->len) : 0;
}

static void publish(struct ring *q, const struct aioffload_sqe *e, bool tell)
{
	volatile uint32_t *tail = index_at(q, q->c.sq.tail);

	memcpy(q->map + q->c.sq.entries +
	       (*tail & (q->c.sq_entries - 1)) * sizeof(*e), e, sizeof(*e));
	if (tell)
		__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
}

/*
 * As a good application, so that jobs run at all: what was answered is taken,
 * a[3] jobs of a[1]'s slot are published and submitted. One in four waits.
 */
long op_submit(struct world *w, const uint64_t *a)
{
	struct ring *q = world_ring(w, a[0]);
	struct aioffload_sqe e = {
		.opcode = AIOFFLOAD_OP_RUN, .slot = a[1], .first = a[2],
		.count = 1 + a[4] % 4,
	};
	struct aioffload_enter s = STRUCT(enter);

	if (!usable(q))
		return -1;
	/* Other calls may have left the indices anywhere. */
	*index_at(q, q->c.sq.tail) = *index_at(q, q->c.sq.head);
	*index_at(q, q->c.cq.head) = *index_at(q, q->c.cq.tail);
	s.to_submit = 1 + a[3] % (q->c.sq_entries < 16 ? q->c.sq_entries : 16);
	for (unsigned int i = 0; i < s.to_submit; i++) {
		e.user_data = i;
		publish(q, &e, true);
	}
	s.min_complete = a[4] % 4 ? 0 : 1;
	s.timeout_ns = a[5];
	return hand_over(w, world_fd(w, K_QUEUE, a[0]), AIOFFLOAD_IOC_ENTER, &s,
			 sizeof(s), 0);
}

/*
 * a[5]: 0..11 published (11: with a class, 10: a fence, 9 and 10: a hint), flags above 13; a[6]:
 * user_data, reserved
 */
long op_sqe(struct world *w, const uint64_t *a)
{
	struct ring *q = world_ring(w, a[0]);
	struct aioffload_sqe e = {
		.opcode = a[6] % 16 ? AIOFFLOAD_OP_RUN : a[6] >> 8,
		.slot = a[1], .first = a[2], .count = a[3],
		.timeout_ns = a[4], .user_data = a[6],
	};

	if (!usable(q))
		return -1;
	if (a[5] == 15)
		e.flags = a[6] >> 16;
	if (a[5] == 14)
		e.reserved[(a[6] >> 16) % 2] = a[6];
	if (a[5] == 11) {
		e.flags = AIOFFLOAD_SQE_QOS;
		e.qos = a[6] % 5;
		e.deadline_ns = a[6] >> 16 & 1 ? a[4] : 0;
	}
	if (a[5] == 10) {
		e.flags = AIOFFLOAD_SQE_FENCE;
		e.fence_fd = world_fd(w, K_EVENT, a[6]);
	}
	if (a[5] == 9 || a[5] == 10) {
		e.flags |= a[6] >> 8 & 1 ? AIOFFLOAD_SQE_HINT : 0;
		e.hint = a[6] >> 9 & 3 ? a[6] >> 11 & 3 : a[6];
	}
	publish(q, &e, a[5] < 12);
	return 0;
}

/*
 * Words of some entry change while it may be looked at, and change back: what
 * is good when it is checked is not when it is used.
 */
long op_sqe_torn(struct world *w, const uint64_t *a)
{
	struct ring *q = world_ring(w, a[0]);
	uint64_t r = a[2];
	volatile uint64_t *at;

	if (!usable(q))
		return -1;
	at = (volatile uint64_t *)(q->map + q->c.sq.entries +
	      (a[1] & (q->c.sq_entries - 1)) * sizeof(struct aioffload_sqe));
	for (unsigned int i = 0; i < 1000; i++) {
		unsigned int word = rng_below(&r, 4);
		uint64_t good = at[word];

		at[word] = rng_next(&r) >> rng_below(&r, 64);
		at[word] = good;
	}
	return 0;
}

static void move_index(volatile uint32_t *at, uint64_t by, uint64_t how)
{
	if (how < 8)
		*at += 1 + by % 3;
	else if (how < 11)
		*at -= 1 + by % 3;
	else if (how < 14)
		*at += by;
	else
		*at = by;
}

long op_sq_tail(struct world *w, const uint64_t *a)
{
	struct ring *q = world_ring(w, a[0]);

	if (!usable(q))
		return -1;
	move_index(index_at(q, q->c.sq.tail), a[1], a[2]);
	return 0;
}

long op_cq_head(struct world *w, const uint64_t *a)
{
	struct ring *q = world_ring(w, a[0]);

	if (!usable(q))
		return -1;
	move_index(index_at(q, q->c.cq.head), a[1], a[2]);
	return 0;
}

/* As a good application. */
long op_reap(struct world *w, const uint64_t *a)
{
	struct ring *q = world_ring(w, a[0]);
	volatile uint32_t *head, *tail;
	unsigned int n;

	if (!usable(q))
		return -1;
	head = index_at(q, q->c.cq.head);
	tail = index_at(q, q->c.cq.tail);
	for (n = 0; n < a[1] % 256; n++) {
		if (__atomic_load_n(tail, __ATOMIC_ACQUIRE) == *head)
			break;
		__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	}
	return n;
}

long op_scribble(struct world *w, const uint64_t *a)
{
	struct ring *q = world_ring(w, a[0]);
	uint64_t r = a[2];

	if (!usable(q))
		return -1;
	for (uint64_t n = a[3] % 256; n; n--) {
		uint64_t at = rng_below(&r, 2) ? rng_below(&r, 512) :
			a[1] + rng_below(&r, 1024);

		q->map[at % q->len] = rng_next(&r);
	}
	return 0;
}

long op_enter(struct world *w, const uint64_t *a)
{
	struct aioffload_enter s = STRUCT(enter);

	s.to_submit = a[1];
	s.min_complete = a[2] % 3 ? 0 : a[2];
	s.timeout_ns = a[3];
	return hand_over(w, world_fd(w, K_QUEUE, a[0]), AIOFFLOAD_IOC_ENTER, &s,
			 sizeof(s), a[4]);
}

long op_poll(struct world *w, const uint64_t *a)
{
	struct pollfd p[2] = {
		{ .fd = world_fd(w, K_QUEUE, a[0]), .events = POLLIN | POLLOUT },
		{ .fd = world_fd(w, a[1], a[0]), .events = POLLIN },
	};

	if (a[1] & 8)
		p[0].events = POLLIN;
	return poll(p, 2, a[2] / 1000000 % 50);
}

/* Watched by epoll while it is closed, perhaps. */
long op_epoll(struct world *w, const uint64_t *a)
{
	int fd = world_fd(w, K_QUEUE, a[0]);
	struct epoll_event ev = {
		.events = EPOLLIN | (a[1] & 1 ? EPOLLET : EPOLLONESHOT),
	};

	if (w->epoll < 0)
		w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (a[1] & 4)
		return epoll_ctl(w->epoll, EPOLL_CTL_DEL, fd, &ev);
	if (a[1] & 8)
		return epoll_wait(w->epoll, &ev, 1, 1);
	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev);
}

long op_eventfd(struct world *w, const uint64_t *a)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd >= 0)
		world_put(w, K_EVENT, a[0], fd);
	return fd;
}

long op_queue_eventfd(struct world *w, const uint64_t *a)
{
	struct aioffload_queue_eventfd s = STRUCT(queue_eventfd);

	s.fd = world_fd(w, K_EVENT, a[1]);
	return hand_over(w, world_fd(w, K_QUEUE, a[0]),
			 AIOFFLOAD_IOC_QUEUE_EVENTFD, &s, sizeof(s), a[2]);
}

/* It lies among the eventfds, which are as good and as bad as descriptors. */
long op_queue_fence(struct world *w, const uint64_t *a)
{
	struct aioffload_queue_fence s = STRUCT(queue_fence);
	long ret = hand_over(w, world_fd(w, K_QUEUE, a[0]),
			     AIOFFLOAD_IOC_QUEUE_FENCE, &s, sizeof(s), a[2]);

	if (!ret)
		world_put(w, K_EVENT, a[1], s.fd);
	return ret;
}
