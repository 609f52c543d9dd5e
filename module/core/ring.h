/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rings themselves. What lies in them is shared with user space, which may
 * write anything at any time: its two indices are read once per decision and
 * checked, its entries are copied before they are looked at, and everything
 * that the kernel relies on is kept in struct ai_queue.
 */
#ifndef AIOFFLOAD_RING_H
#define AIOFFLOAD_RING_H

#include "internal.h"

/* Read every word of an entry exactly once. */
static inline void ai_ring_copy_sqe(struct aioffload_sqe *to,
				    const struct aioffload_sqe *from)
{
	const u64 *f = (const u64 *)from;
	u64 *t = (u64 *)to;
	unsigned int i;

	BUILD_BUG_ON(sizeof(*from) != 64);
	for (i = 0; i < sizeof(*from) / sizeof(u64); i++)
		t[i] = READ_ONCE(f[i]);
}

/* With q->cq_lock. A place was reserved when the submission was taken. */
static inline void ai_ring_post(struct ai_queue *q, u64 user_data, s32 status,
				u32 device, u64 duration_ns)
{
	struct aioffload_cqe *cqe = &q->cqes[q->cq_tail & (q->cq_entries - 1)];

	*cqe = (struct aioffload_cqe) {
		.user_data = user_data,
		.status = status,
		.device = device,
		.duration_ns = duration_ns,
	};
	WRITE_ONCE(q->cq_tail, q->cq_tail + 1);
}

/* With q->cq_lock. Let the application see what was posted. */
static inline void ai_ring_publish(struct ai_queue *q)
{
	smp_store_release(&q->ring->cq_tail, q->cq_tail);
}

/**
 * ai_ring_unread() - completions that the application has not reaped
 *
 * Its index is read first: what it has seen of ours is then no newer than what
 * we read. Return: the number, or -EPROTO if the index is wild.
 */
static inline int ai_ring_unread(const struct ai_queue *q, u32 *head)
{
	u32 unread;

	*head = smp_load_acquire(&q->ring->cq_head);
	unread = READ_ONCE(q->cq_tail) - *head;
	return unread <= q->cq_entries ? (int)unread : -EPROTO;
}

#endif /* AIOFFLOAD_RING_H */
