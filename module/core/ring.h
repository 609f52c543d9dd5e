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

static inline void ai_ring_write(struct aioffload_cqe *cqe, u64 user_data,
				 s32 status, u32 device, u64 duration_ns)
{
	*cqe = (struct aioffload_cqe) {
		.user_data = user_data,
		.status = status,
		.device = device,
		.duration_ns = duration_ns,
	};
}

/*
 * With q->cq_lock. Let the application see what was written up to @tail. There
 * was room: a place is reserved when a submission is taken.
 */
static inline void ai_ring_publish(struct ai_queue *q, u32 tail)
{
	WRITE_ONCE(q->cq_tail, tail);
	/* Pairs with the application's acquire: entries are written. */
	smp_store_release(&q->ring->cq_tail, tail);
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

	/* Pairs with the application's release: it has read its entries. */
	*head = smp_load_acquire(&q->ring->cq_head);
	unread = READ_ONCE(q->cq_tail) - *head;
	return unread <= q->cq_entries ? (int)unread : -EPROTO;
}

#endif /* AIOFFLOAD_RING_H */
