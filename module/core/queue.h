/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Queues: pairs of rings, shared with whoever has the fd. Locks: see internal.h.
 */
#ifndef AIOFFLOAD_QUEUE_H
#define AIOFFLOAD_QUEUE_H

#include "internal.h"

/* Ends of the rings, as user space sees them: each on a line of its own. */
struct ai_ring_page {
	u32 sq_head;
	u8 pad0[AI_LINE - sizeof(u32)];
	u32 sq_tail;
	u8 pad1[AI_LINE - sizeof(u32)];
	u32 cq_head;
	u8 pad2[AI_LINE - sizeof(u32)];
	u32 cq_tail;
	u8 pad3[AI_LINE - sizeof(u32)];
	u32 sq_mask;
	u32 cq_mask;
};

/**
 * struct ai_queue - submission and completion ring
 *
 * Submitter's side, under @submit_lock:
 * @sq_head:	next entry to take
 * @taken:	entries taken since creation; also read under @cq_lock
 * @cq_seen:	the application's cq.head at the last submission; read by all
 * @free:	requests at hand
 * @alone:	no job is on its way, so nobody else posts completions
 * @tail:	if @alone: @cq_tail and what was posted without its lock since
 * @posted:	this batch has posted completions
 * @host:	where its jobs run in the host, once one could; set once
 * @qos:	its class
 * @hint:	enum aioffload_hint, of jobs that name none
 * @rt:		of a realtime queue
 *
 * Completer's side, under @cq_lock:
 * @cq_tail:	completions posted since creation; read by all
 * @returned:	requests that came back
 * @fences:	see fence.h
 * @watching:	@watch_work is or will be queued
 * @watch_at:	when, by ai_now()
 * @dead:	the fd is closed, @taken is final
 * @freeing:	on its way out
 */
struct ai_queue {
	struct mutex submit_lock;	/* submitter's side */
	struct ai_ring_page *ring;
	struct aioffload_sqe *sqes;
	struct aioffload_cqe *cqes;
	u32 sq_entries;
	u32 cq_entries;
	u32 sq_head;
	u32 taken;
	u32 cq_seen;
	u32 tail;
	bool alone;
	bool posted;
	u32 qos;
	u32 hint;
	struct ai_request *free;
	struct ai_ctx *ctx;
	struct ai_host *host;
	struct ai_rt rt;

	/* completer's side */
	spinlock_t cq_lock ____cacheline_aligned;
	u32 cq_tail;
	bool watching;
	bool dead;
	bool freeing;
	u64 watch_at;
	struct ai_request *returned;
	struct ai_fence_queue fences;
	struct eventfd_ctx __rcu *eventfd;
	wait_queue_head_t wait;

	struct ai_request *requests;
	struct ai_pages pages;
	u64 charged;		/* bytes of @pages; and one queue */
	struct delayed_work watch_work;
	struct rcu_work free_work;
	struct list_head ctx_node;
	struct list_head promised_node;	/* of a realtime queue, realtime.c */
};

extern const struct file_operations ai_queue_fops;
long ai_queue_enter(struct ai_queue *q, void __user *uarg);
void ai_queue_complete(struct ai_queue *q, struct ai_request *rq, int status,
		       u32 device, u64 duration_ns);
void ai_queue_notify(struct ai_queue *q);
void ai_queue_share(struct ai_queue *q);
void ai_queue_watch(struct ai_queue *q, u64 deadline);
void ai_queue_watch_work(struct work_struct *work);
void ai_queue_free_later(struct ai_queue *q);

/* realtime.c */
void ai_promise_begin(struct ai_queue *q);
int ai_promise_queue(struct ai_queue *q, u32 *left_ppm);
int ai_promise_port(struct ai_port *p);
void ai_promise_end(struct ai_queue *q);
void ai_promise_recheck(void);

#endif /* AIOFFLOAD_QUEUE_H */
