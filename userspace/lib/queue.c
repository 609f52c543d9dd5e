// SPDX-License-Identifier: LGPL-2.1-or-later
/* Queues: setting up the rings, submitting, waiting. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

struct queue {
	struct aioffload_queue pub;	/* first: what the inline code sees */
	int fd;
	size_t map_bytes;
	char *map;
};

static struct queue *to_queue(const struct aioffload_queue *pub)
{
	return (struct queue *)pub;
}

/* One ring's pointers, from the offsets that the kernel gave. */
static int set_ring(const struct queue *q, struct aioffload_ring *ring,
		    const struct aioffload_ring_offsets *off, uint32_t entries,
		    size_t entry_size)
{
	uint64_t end = (uint64_t)off->entries + (uint64_t)entries * entry_size;

	if (!entries || (entries & (entries - 1)) || end > q->map_bytes ||
	    off->head % 4 || off->tail % 4 || off->entries % 8 ||
	    (uint64_t)off->head + 4 > q->map_bytes ||
	    (uint64_t)off->tail + 4 > q->map_bytes)
		return lib_fail(EPROTO, "the kernel describes its rings in a way this library can't follow");
	ring->head = (uint32_t *)(q->map + off->head);
	ring->tail = (uint32_t *)(q->map + off->tail);
	ring->mask = entries - 1;
	ring->local = __atomic_load_n(ring->tail, __ATOMIC_RELAXED);
	ring->entries = q->map + off->entries;
	return 0;
}

static int map_rings(struct queue *q, const struct aioffload_queue_create *arg)
{
	void *map = mmap(NULL, arg->ring_bytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED, q->fd, 0);
	int ret;

	if (map == MAP_FAILED)
		return lib_fail(errno, "can't map the rings: %s",
				aioffload_strerror(errno));
	q->map = map;
	q->map_bytes = arg->ring_bytes;
	ret = set_ring(q, &q->pub.sq, &arg->sq, arg->sq_entries,
		       sizeof(struct aioffload_sqe));
	if (ret)
		return ret;
	return set_ring(q, &q->pub.cq, &arg->cq, arg->cq_entries,
			sizeof(struct aioffload_cqe));
}

static int refused(struct aioffload_ctx *ctx,
		   const struct aioffload_queue_create *arg, int err)
{
	bool rt = arg->qos == AIOFFLOAD_QOS_REALTIME;

	if (lib_denied(ctx, err, rt ? AIOFFLOAD_RIGHT_RT : AIOFFLOAD_RIGHT_EXEC,
		       rt ? "make a realtime queue" : "make a queue"))
		return err;
	if (err == -EBUSY && rt)
		return lib_fail(err, "realtime queues have %u.%02u %% of a CPU or device left, which is not enough; ask for less, or raise rt_percent of the module aioffload",
				arg->rt_left_ppm / 10000,
				arg->rt_left_ppm / 100 % 100);
	return lib_fail(err, "no queue with %u entries: %s", arg->sq_entries,
			aioffload_strerror(err));
}

int aioffload_queue_create_args(struct aioffload_ctx *ctx,
				struct aioffload_queue_create *arg,
				struct aioffload_queue **out)
{
	struct queue *q = calloc(1, sizeof(*q));
	int ret;

	if (!q)
		return lib_fail(ENOMEM, "out of memory");
	ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_QUEUE_CREATE, arg);
	if (ret < 0) {
		free(q);
		return refused(ctx, arg, ret);
	}
	q->fd = arg->fd;
	ret = map_rings(q, arg);
	if (ret) {
		aioffload_queue_free(&q->pub);
		return ret;
	}
	*out = &q->pub;
	return 0;
}

int aioffload_queue_create(struct aioffload_ctx *ctx, uint32_t sq_entries,
			   uint32_t cq_entries, struct aioffload_queue **out)
{
	struct aioffload_queue_create arg = {
		.size = sizeof(arg),
		.sq_entries = sq_entries,
		.cq_entries = cq_entries,
	};

	return aioffload_queue_create_args(ctx, &arg, out);
}

void aioffload_queue_free(struct aioffload_queue *queue)
{
	struct queue *q = to_queue(queue);

	if (!q)
		return;
	if (q->map)
		munmap(q->map, q->map_bytes);
	close(q->fd);
	free(q);
}

int aioffload_queue_fd(const struct aioffload_queue *queue)
{
	return to_queue(queue)->fd;
}

int aioffload_queue_set_eventfd(struct aioffload_queue *queue, int eventfd)
{
	struct aioffload_queue_eventfd arg = {
		.size = sizeof(arg),
		.fd = eventfd,
	};
	int ret = lib_ioctl(to_queue(queue)->fd, AIOFFLOAD_IOC_QUEUE_EVENTFD,
			    &arg);

	if (ret < 0)
		return lib_fail(ret, "can't use fd %d as eventfd: %s", eventfd,
				aioffload_strerror(ret));
	return 0;
}

int aioffload_queue_fence(struct aioffload_queue *queue, int *fence)
{
	struct aioffload_queue_fence arg = { .size = sizeof(arg) };
	int ret = lib_ioctl(to_queue(queue)->fd, AIOFFLOAD_IOC_QUEUE_FENCE,
			    &arg);

	if (ret == -EBUSY)
		return lib_fail(ret, "too many fences of this queue have not signalled yet: wait for its jobs first");
	if (ret < 0)
		return lib_fail(ret, "can't make a fence: %s",
				aioffload_strerror(ret));
	*fence = arg.fd;
	return 0;
}

static int enter(struct aioffload_queue *queue, uint32_t to_submit,
		 uint32_t min_complete, uint64_t timeout_ns)
{
	struct aioffload_enter arg = {
		.size = sizeof(arg),
		.to_submit = to_submit,
		.min_complete = min_complete,
		.timeout_ns = timeout_ns,
	};
	int ret = lib_ioctl(to_queue(queue)->fd, AIOFFLOAD_IOC_ENTER, &arg);

	if (ret < 0)
		return lib_fail(ret, "queue: %s", aioffload_strerror(ret));
	return ret;
}

/*
 * Show filled entries to the kernel. Returns how many wait in the ring, older
 * ones that an earlier call did not take included.
 */
static uint32_t publish(struct aioffload_queue *queue)
{
	struct aioffload_ring *sq = &queue->sq;

	__atomic_store_n(sq->tail, sq->local, __ATOMIC_RELEASE);
	return sq->local - __atomic_load_n(sq->head, __ATOMIC_ACQUIRE);
}

int aioffload_submit(struct aioffload_queue *queue)
{
	uint32_t n = publish(queue);

	return n ? enter(queue, n, 0, 0) : 0;
}

int aioffload_submit_and_wait(struct aioffload_queue *queue,
			      uint32_t min_complete, uint64_t timeout_ns)
{
	uint32_t n = publish(queue);

	if (!n && aioffload_cq_ready(queue) >= min_complete)
		return 0;
	return enter(queue, n, min_complete, timeout_ns);
}

int aioffload_wait(struct aioffload_queue *queue, uint32_t min_complete,
		   uint64_t timeout_ns)
{
	int ret;

	if (aioffload_cq_ready(queue) >= min_complete)
		return 0;
	ret = enter(queue, 0, min_complete, timeout_ns);
	return ret < 0 ? ret : 0;
}

const char *aioffload_hint_name(uint32_t hint)
{
	switch (hint) {
	case AIOFFLOAD_HINT_LATENCY:
		return "latency";
	case AIOFFLOAD_HINT_THROUGHPUT:
		return "throughput";
	case AIOFFLOAD_HINT_EFFICIENCY:
		return "efficiency";
	case AIOFFLOAD_HINT_KEEP_WARM:
		return "keep-warm";
	default:
		return "unknown";
	}
}

const char *aioffload_qos_name(uint32_t qos)
{
	switch (qos) {
	case AIOFFLOAD_QOS_NORMAL:
		return "normal";
	case AIOFFLOAD_QOS_BACKGROUND:
		return "background";
	case AIOFFLOAD_QOS_INTERACTIVE:
		return "interactive";
	case AIOFFLOAD_QOS_REALTIME:
		return "realtime";
	default:
		return "unknown";
	}
}
