/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fences: a point of a queue that can be waited for as a sync_file, and jobs
 * that wait for a sync_file. See fence.c.
 */
#ifndef AIOFFLOAD_FENCE_H
#define AIOFFLOAD_FENCE_H

#include <linux/dma-fence.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <uapi/linux/aioffload.h>

struct ai_fence;
struct ai_queue;
struct ai_request;

/* Of a queue, that are not signalled yet; so many may be at once. */
#define AI_MAX_FENCES	256

/**
 * struct ai_fence_rq - what a request has to do with fences
 * @on:		the one it waits for, referenced; while FENCED or READY
 * @cb:		how it hears of that
 * @ready:	in its queue's list, when READY
 * @loans:	of its port, to those that @on waits for; under @on's lock
 * @lent:	it lends its class to those in the host, likewise
 * @out:	the fence of its queue that waits for it, or NULL; under cq_lock
 */
struct ai_fence_rq {
	struct dma_fence *on;
	struct dma_fence_cb cb;
	struct llist_node ready;
	u32 loans;
	bool lent;
	struct ai_fence *out;
};

/**
 * struct ai_fence_queue - a queue's fences
 * @context:	by which the kernel tells timelines apart, 0: none was made yet
 * @seqno:	of the newest; both under submit_lock
 * @error:	of the first job that failed since that, and isn't one of its own;
 *		xchg() and cmpxchg() only
 * @nr:		of @list
 * @list:	struct ai_fence.node, oldest first; both under cq_lock
 * @ready:	requests whose fence has signalled
 * @work:	starts them
 * @as:		class that its jobs in the host are served as, by their own
 * @lend_work:	sees to that, and has @as for itself
 */
struct ai_fence_queue {
	u64 context;
	u64 seqno;
	int error;
	u32 nr;
	struct list_head list;
	struct llist_head ready;
	struct work_struct work;
	u32 as[AIOFFLOAD_QOS_REALTIME + 1];
	struct work_struct lend_work;
};

void ai_fence_init(void);
void ai_fence_queue_init(struct ai_queue *q);
void ai_fence_queue_exit(struct ai_queue *q);
long ai_queue_fence(struct ai_queue *q, void __user *uarg);
bool ai_fence_job_ended(struct ai_queue *q, struct ai_request *rq, int status);
void ai_fence_signal(struct ai_queue *q);
bool ai_fence_wait(struct ai_request *rq, struct dma_fence *fence);
void ai_fence_cancel(struct ai_request *rq, int why, bool overdue_only);

/* A job that its queue took, and that is none of a fence's, has failed. */
static inline void ai_fence_note_error(struct ai_fence_queue *fq, int error)
{
	if (!READ_ONCE(fq->error))
		cmpxchg(&fq->error, 0, error);
}

#endif /* AIOFFLOAD_FENCE_H */
