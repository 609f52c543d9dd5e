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
 * Its index may go forward only, up to ours: room was promised on its account.
 * What it has shown before is read first and ours last, so that a sane one lies
 * between them whoever else is at work. Return: the number, or -EPROTO if the
 * index is wild.
 */
static inline int ai_ring_unread(const struct ai_queue *q, u32 *head)
{
	/* Pairs with ai_ring_saw(): the index now is no older than that. */
	u32 seen = smp_load_acquire(&q->cq_seen);
	u32 tail;

	/* Pairs with the application's release: it has read its entries. */
	*head = smp_load_acquire(&q->ring->cq_head);
	tail = READ_ONCE(q->cq_tail);
	return *head - seen <= tail - seen ? (int)(tail - *head) : -EPROTO;
}

/* With q->submit_lock: it is at @head now and must not go back. */
static inline void ai_ring_saw(struct ai_queue *q, u32 head)
{
	/* Pairs with ai_ring_unread(): who reads this reads @head or later. */
	smp_store_release(&q->cq_seen, head);
}

#endif /* AIOFFLOAD_RING_H */
