/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libaioffload: inference through the kernel's /dev/aioffload.
 *
 *	struct aioffload_ctx *ctx;	an open /dev/aioffload[N]: whose jobs
 *	struct aioffload_model *model;	an admitted, immutable network
 *	struct aioffload_buf *buf;	a dma-buf; inputs and outputs lie here
 *	struct aioffload_binding *b;	model + buffer, ready to run
 *	struct aioffload_queue *q;	submission and completion rings
 *
 * Errors
 *	Functions that return int return 0 (or a count, where said) or a
 *	negative errno value. aioffload_last_error() then gives one sentence
 *	for people: what failed, why, and what to do about it. It belongs to the
 *	calling thread. errno itself is not part of the interface. Pointers
 *	passed for results are written on success only, unless said otherwise.
 *
 * Units
 *	Times are nanoseconds, sizes bytes, shapes elements (outermost dimension
 *	first). Tensors are raw arrays in host byte order without padding.
 *
 * Ownership
 *	What a function hands out through a pointer to a pointer is the caller's
 *	and is given back by the _free() of the same name; NULL may be given to
 *	any of them. Objects may be freed in any order: what the kernel still
 *	needs stays alive in the kernel. Only aioffload_binding_free() and calls
 *	that take a ctx need that ctx to be open still. File descriptors
 *	returned by ..._fd() stay the object's. All are close-on-exec.
 *
 * Threads
 *	A ctx, a model and a buf may be used from several threads at once. A
 *	queue has two sides: one thread at a time may fill and submit, and one
 *	at a time may wait and reap; these two may differ. Freeing an object
 *	while another thread uses it is an error.
 *	After fork() the child may free its copies and use ctx and model; it
 *	shares queues with its parent, so at most one of the two may use them.
 */
#ifndef AIOFFLOAD_H
#define AIOFFLOAD_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/aioffload.h>

#define AIOFFLOAD_VERSION_MAJOR	0
#define AIOFFLOAD_VERSION_MINOR	1
#define AIOFFLOAD_VERSION_PATCH	0

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct aioffload_ctx;
struct aioffload_buf;
struct aioffload_model;
struct aioffload_binding;

/* ---- library and errors ------------------------------------------------- */

/* Version of the library that runs, "0.1.0". */
const char *aioffload_version(void);

/*
 * What an error means for aioffload; takes -EACCES or EACCES. Never NULL;
 * constant text.
 */
const char *aioffload_strerror(int err);

/*
 * The calling thread's last failure, one sentence with the reason and, where
 * there is one, the command that mends it; "" before the first. For a refused
 * model it holds the kernel's own words. Valid until the thread's next call
 * into the library.
 */
const char *aioffload_last_error(void);

/*
 * Look for device nodes in another directory than /dev (containers, tests);
 * NULL goes back to /dev. Returns 0, or -ENAMETOOLONG. Process-wide; call it
 * before any thread calls aioffload_open().
 */
int aioffload_set_device_dir(const char *dir);

/* ---- contexts and devices ----------------------------------------------- */

/*
 * Open a context. @device is a device's id, to pin all jobs to that device, or
 * AIOFFLOAD_DEVICE_ANY to let the kernel place each job.
 * -ENOENT: no such node (module not loaded, or no such device); -EACCES or
 * -EPERM: not allowed; -ENOTTY: the node is something else; -EPROTO: the
 * module's ABI is older than this library.
 */
int aioffload_open(uint32_t device, struct aioffload_ctx **ctx);

/* Likewise from a node anywhere, or from an open fd, which the ctx then owns
 * (on failure it stays the caller's).
 */
int aioffload_open_path(const char *path, struct aioffload_ctx **ctx);
int aioffload_open_fd(int fd, struct aioffload_ctx **ctx);

/* Ends the context: its bindings go, its queues answer -ENODEV. */
void aioffload_close(struct aioffload_ctx *ctx);

int aioffload_ctx_fd(const struct aioffload_ctx *ctx);

/* What the kernel offers: ABI, features, limits. Fields: <linux/aioffload.h> */
int aioffload_get_info(struct aioffload_ctx *ctx, struct aioffload_info *info);

/*
 * The first device with an id of at least @from. -ENOENT: there is none. To
 * list: start at 0, continue at dev->id + 1.
 */
int aioffload_get_device(struct aioffload_ctx *ctx, uint32_t from,
			 struct aioffload_device_info *dev);

/* Names for AIOFFLOAD_CLASS_* ("cpu"), AIOFFLOAD_STATE_* ("ready") and tensor
 * types ("int8"); "unknown" for other values. aioffload_type_size() is 0 then.
 */
const char *aioffload_class_name(uint32_t dev_class);
const char *aioffload_state_name(uint32_t state);
const char *aioffload_type_name(uint32_t type);
size_t aioffload_type_size(uint32_t type);

/* ---- security: what is admitted ----------------------------------------- */

/*
 * What is demanded of models, and what was done with them. Anybody who may
 * open a context may read it. Fields: <linux/aioffload.h>
 */
int aioffload_policy_get(struct aioffload_ctx *ctx,
			 struct aioffload_policy *policy);

/*
 * Set those fields of @policy that @set (AIOFFLOAD_POLICY_SET_*) names, all or
 * nothing; @policy then holds what is in force. -EPERM: the caller lacks
 * CAP_SYS_ADMIN in the initial user namespace, or a lock forbids it; -EINVAL:
 * a value or bit that does not exist.
 */
int aioffload_policy_set(struct aioffload_ctx *ctx,
			 struct aioffload_policy *policy, uint32_t set);

/*
 * Models that are not admitted, nor run if they are loaded: by digest, by the
 * key that signed them, or by name below a version. Of @entry kind, id, name
 * and version count. Both need CAP_SYS_ADMIN in the initial user namespace
 * (-EPERM). Add: -ENOSPC: the table is full; -EEXIST: a higher minimum version
 * is in force. Delete: -ENOENT: there is no such
 * entry; -EPERM also: the policy is locked.
 */
int aioffload_block_add(struct aioffload_ctx *ctx,
			const struct aioffload_block *entry);
int aioffload_block_del(struct aioffload_ctx *ctx,
			const struct aioffload_block *entry);

/* Entry number @index, quarantined models included; -ENOENT past the last. */
int aioffload_block_get(struct aioffload_ctx *ctx, uint32_t index,
			struct aioffload_block *entry);

/* ---- security: rights and limits of cgroups ----------------------------- */

/* Bit N of @devices: device N. A set of devices has AIOFFLOAD_MAX_DEVICES. */
#define AIOFFLOAD_DEVICE_WORDS	(AIOFFLOAD_MAX_DEVICES / 64)

/*
 * @cgroup_fd in these calls is a directory of the cgroup 2 hierarchy, opened
 * with O_RDONLY | O_DIRECTORY; -EBADF for anything else.
 *
 * Replace what was granted to a cgroup before: @rights (AIOFFLOAD_RIGHT_*) on
 * @devices, or on all for NULL. -EPERM: the caller has neither CAP_SYS_ADMIN in
 * the initial user namespace nor the right ADMIN and a cgroup above this one;
 * or the grant exceeds what a cgroup above has. -E2BIG: the cgroup is nested too
 * deeply. -ENOSPC: too many cgroups have grants or limits of their own.
 */
int aioffload_grant(struct aioffload_ctx *ctx, int cgroup_fd, uint32_t rights,
		    const uint64_t *devices);

/* Take the grant away: the cgroup then has what its parent has. */
int aioffload_grant_clear(struct aioffload_ctx *ctx, int cgroup_fd);

/*
 * What the caller may do, in this context; what a cgroup may do; what is
 * granted to the cgroup with grant number @index (-ENOENT past the last).
 * @path, if not NULL, gets the cgroup's path as seen from the caller's cgroup
 * namespace; -ERANGE if @path_len is too small (PATH_MAX is enough). -EACCES:
 * the cgroup lies outside of the caller's cgroup namespace.
 */
int aioffload_rights_get(struct aioffload_ctx *ctx,
			 struct aioffload_rights *rights, char *path,
			 size_t path_len);
int aioffload_rights_of(struct aioffload_ctx *ctx, int cgroup_fd,
			struct aioffload_rights *rights, char *path,
			size_t path_len);
int aioffload_rights_list(struct aioffload_ctx *ctx, uint32_t index,
			  struct aioffload_rights *rights, char *path,
			  size_t path_len);

/*
 * Limit @resource (AIOFFLOAD_RES_*) of a cgroup and all below it, or lift the
 * limit with AIOFFLOAD_NO_LIMIT. @period_ns: for a limit of AIOFFLOAD_RES_TIME
 * 1 ms to 100 s, else 0. -EPERM as for a grant.
 */
int aioffload_limit(struct aioffload_ctx *ctx, int cgroup_fd, uint32_t resource,
		    uint64_t limit, uint64_t period_ns);

/*
 * Limit, present use, peak and refusals of one resource of a cgroup, or of the
 * caller's own for @cgroup_fd -1.
 */
int aioffload_usage(struct aioffload_ctx *ctx, int cgroup_fd, uint32_t resource,
		    struct aioffload_usage *usage);

/* ---- shares of devices -------------------------------------------------- */

/*
 * A cgroup's weight (1 to AIOFFLOAD_WEIGHT_MAX) among its siblings, on all
 * devices but the CPU; 0: none of its own. Then the weight of its CPU time
 * counts, which the kernel has to be told: aioffloadd does that by the second
 * call. Permissions and errors as for aioffload_limit(); -EINVAL also for the
 * root, which has no siblings.
 */
int aioffload_weight_set(struct aioffload_ctx *ctx, int cgroup_fd,
			 uint32_t weight);
int aioffload_weight_set_cpu(struct aioffload_ctx *ctx, int cgroup_fd,
			     uint32_t cpu_weight);

/* What holds; of the caller's own cgroup if @cgroup_fd is -1. */
int aioffload_weight_get(struct aioffload_ctx *ctx, int cgroup_fd,
			 struct aioffload_weight *weight);

/*
 * How a cgroup does on a device: the one with the lowest number of at least
 * @from that the caller can see. -ENOENT: there is none. To list: start at 0,
 * continue at sched->cgroup_id + 1. @path as for aioffload_rights_get().
 * -ENODEV: no such device. Fields: <linux/aioffload.h>
 */
int aioffload_sched_get(struct aioffload_ctx *ctx, uint32_t device,
			uint64_t from, struct aioffload_sched *sched,
			char *path, size_t path_len);

/*
 * Names: "enforce"; "digest"; "bytes"; "exec" for a single AIOFFLOAD_RIGHT_*.
 * "unknown" for other values.
 */
const char *aioffload_policy_mode_name(uint32_t mode);
const char *aioffload_block_kind_name(uint32_t kind);
const char *aioffload_resource_name(uint32_t resource);
const char *aioffload_right_name(uint32_t right);
const char *aioffload_qos_name(uint32_t qos);	/* "realtime" */
const char *aioffload_hint_name(uint32_t hint);	/* "keep-warm" */

/* ---- buffers ------------------------------------------------------------ */

/*
 * A zeroed dma-buf of at least @bytes, mapped. -EINVAL: 0 bytes; -E2BIG: above
 * max_buffer_bytes of the info; -ENOMEM.
 */
int aioffload_buf_create(struct aioffload_ctx *ctx, size_t bytes,
			 struct aioffload_buf **buf);

/*
 * Use a dma-buf made by someone else (a camera, a GPU, another process). The
 * fd is duplicated. It is mapped when aioffload_buf_data() first asks.
 */
int aioffload_buf_import(int dmabuf_fd, struct aioffload_buf **buf);

void aioffload_buf_free(struct aioffload_buf *buf);	/* unmaps */

/* The mapping, readable and writable; NULL if the exporter allows none. */
void *aioffload_buf_data(struct aioffload_buf *buf);
size_t aioffload_buf_bytes(const struct aioffload_buf *buf);	/* whole pages */
int aioffload_buf_fd(const struct aioffload_buf *buf);

/*
 * Bracket the CPU's accesses to a buffer that a device reaches by DMA (ioctl
 * DMA_BUF_IOCTL_SYNC). Not needed for buffers of aioffload_buf_create() on CPU
 * devices, harmless there.
 */
int aioffload_buf_begin_cpu(struct aioffload_buf *buf, int will_write);
int aioffload_buf_end_cpu(struct aioffload_buf *buf, int has_written);

/* ---- models ------------------------------------------------------------- */

/*
 * Give a model (.aim) to the kernel, which copies, verifies and measures it.
 * -ENOEXEC: not a model file, or another version; -EBADMSG: damaged; -EINVAL:
 * a rule is broken; -EOPNOTSUPP: needs what this kernel lacks; -E2BIG: above a
 * limit. aioffload_last_error() names the operator or tensor.
 */
int aioffload_model_load(struct aioffload_ctx *ctx, const void *data,
			 size_t bytes, struct aioffload_model **model);
int aioffload_model_load_file(struct aioffload_ctx *ctx, const char *path,
			      struct aioffload_model **model);

/* Use a model received from another process. The fd is duplicated. */
int aioffload_model_import(int model_fd, struct aioffload_model **model);

void aioffload_model_free(struct aioffload_model *model);
int aioffload_model_fd(const struct aioffload_model *model);

/* Fields: <linux/aioffload.h>. The pointers live as long as the model. */
const struct aioffload_model_info *
aioffload_model_get_info(const struct aioffload_model *model);

/*
 * Input or output number @index (@dir: AIOFFLOAD_DIR_INPUT, _OUTPUT): type,
 * shape, quantisation, bytes of one sample. NULL past the last.
 */
const struct aioffload_model_tensor *
aioffload_model_get_tensor(const struct aioffload_model *model, uint32_t dir,
			   uint32_t index);

/* Bytes of one sample: all inputs, or all outputs, one after the other. */
size_t aioffload_model_sample_bytes(const struct aioffload_model *model,
				    uint32_t dir);

/* ---- bindings and synchronous runs -------------------------------------- */

/*
 * Register model + buffers under a slot number, once; jobs name the slot.
 * @ios: inputs in order, then outputs. @slot: in the slot wanted, or
 * AIOFFLOAD_SLOT_ANY; out the slot. Offsets must be multiples of 64 bytes.
 * -EINVAL: counts, offsets or sizes do not fit; -EEXIST: slot taken; -ENOSPC:
 * no slot free; -EOPNOTSUPP: no device can run the model.
 */
int aioffload_bind(struct aioffload_ctx *ctx,
		   const struct aioffload_model *model,
		   const struct aioffload_bind_io *ios, uint32_t nr_ios,
		   uint32_t samples, uint32_t *slot);
int aioffload_unbind(struct aioffload_ctx *ctx, uint32_t slot);

/*
 * Run samples @first .. @first + @count - 1 of a slot; returns when they are
 * done. @timeout_ns: budget, 0 for the kernel's default.
 * -ENOENT: slot is free; -EINVAL: range; -ETIME: past its budget; -ENODEV: the
 * device went away; -EIO: it failed.
 */
int aioffload_run(struct aioffload_ctx *ctx, uint32_t slot, uint32_t first,
		  uint32_t count, uint64_t timeout_ns);

/*
 * The same with the buffer made to measure: room for @samples samples of every
 * input and output, each tensor's samples back to back without gaps.
 */
int aioffload_binding_create(struct aioffload_ctx *ctx,
			     const struct aioffload_model *model,
			     uint32_t samples,
			     struct aioffload_binding **binding);
void aioffload_binding_free(struct aioffload_binding *binding);

uint32_t aioffload_binding_slot(const struct aioffload_binding *binding);
uint32_t aioffload_binding_samples(const struct aioffload_binding *binding);

/* Where sample @sample of input or output @index lies; NULL if out of range. */
void *aioffload_binding_data(const struct aioffload_binding *binding,
			     uint32_t dir, uint32_t index, uint32_t sample);

/* Run the first @count samples. */
int aioffload_binding_run(struct aioffload_binding *binding, uint32_t count);

/* ---- queues ------------------------------------------------------------- */

/*
 * Half of the rings, shared with the kernel. Public only for the inline
 * functions below; may grow at the end.
 */
struct aioffload_ring {
	uint32_t *head;		/* consumer's index, free running */
	uint32_t *tail;		/* producer's index */
	uint32_t mask;		/* entries - 1 */
	uint32_t local;		/* SQ: tail with entries not yet published */
	void *entries;
};

struct aioffload_queue {
	struct aioffload_ring sq;
	struct aioffload_ring cq;
};

/*
 * A queue with at least @sq_entries places to submit and @cq_entries to
 * complete (0: twice as many). Entries are taken by the kernel only while a
 * place for their completion is free, so no completion is ever lost.
 */
int aioffload_queue_create(struct aioffload_ctx *ctx, uint32_t sq_entries,
			   uint32_t cq_entries, struct aioffload_queue **queue);

/*
 * Likewise, with all that the kernel offers: class, hint, and what a realtime
 * queue reserves. Of @args (<linux/aioffload.h>) size is sizeof(*args), fields
 * without a wish are 0; what the kernel answers is written back.
 * -EACCES: realtime needs the right rt; -EBUSY: so much time is not free,
 * rt_left_ppm says how much is (written on this failure, too); -E2BIG: the
 * kernel's module is older and knows no classes.
 */
int aioffload_queue_create_args(struct aioffload_ctx *ctx,
				struct aioffload_queue_create *args,
				struct aioffload_queue **queue);
void aioffload_queue_free(struct aioffload_queue *queue);
int aioffload_queue_fd(const struct aioffload_queue *queue);	/* for poll() */

/* Signal an eventfd at completions; -1: none any more. */
int aioffload_queue_set_eventfd(struct aioffload_queue *queue, int eventfd);

/*
 * A sync_file, returned in *@fence, that signals when all jobs that the kernel
 * took so far have ended (poll(): readable). It has failed if one of them did
 * that was taken since the last such call. The caller closes it. -EBUSY: too
 * many of the queue have not signalled yet; -ENOTTY: the kernel's module is older.
 */
int aioffload_queue_fence(struct aioffload_queue *queue, int *fence);

/*
 * Publish what was filled since the last call and let the kernel take it.
 * Returns the number taken, which may be less than waiting (-EBUSY if none
 * could be: reap completions first). Entries not taken stay in the ring and go
 * with the next call.
 */
int aioffload_submit(struct aioffload_queue *queue);

/*
 * Likewise, then wait until @min_complete completions can be reaped, at most
 * @timeout_ns (0: no limit). -ETIME and -EINTR only if nothing was taken.
 */
int aioffload_submit_and_wait(struct aioffload_queue *queue,
			      uint32_t min_complete, uint64_t timeout_ns);

/* Wait only; for the reaping side. 0, -ETIME, -EINTR, -ENODEV. */
int aioffload_wait(struct aioffload_queue *queue, uint32_t min_complete,
		   uint64_t timeout_ns);

/* Free places in the submission ring. */
static inline uint32_t aioffload_sq_space(const struct aioffload_queue *queue)
{
	uint32_t head = __atomic_load_n(queue->sq.head, __ATOMIC_ACQUIRE);

	return queue->sq.mask + 1 - (queue->sq.local - head);
}

/*
 * The next free submission entry, or NULL if the ring is full: submit first.
 * Fill it with one of the prep functions (or zero it whole) before the next
 * call on the queue.
 */
static inline struct aioffload_sqe *
aioffload_get_sqe(struct aioffload_queue *queue)
{
	struct aioffload_sqe *sqes = (struct aioffload_sqe *)queue->sq.entries;

	if (!aioffload_sq_space(queue))
		return NULL;
	return &sqes[queue->sq.local++ & queue->sq.mask];
}

/* @user_data comes back in the completion. @timeout_ns: 0 for the default. */
static inline void aioffload_prep_run(struct aioffload_sqe *sqe, uint32_t slot,
				      uint32_t first, uint32_t count,
				      uint64_t timeout_ns, uint64_t user_data)
{
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = AIOFFLOAD_OP_RUN;
	sqe->slot = slot;
	sqe->first = first;
	sqe->count = count;
	sqe->timeout_ns = timeout_ns;
	sqe->user_data = user_data;
}

/*
 * A job that was prepared waits for a sync_file, of a queue or of another driver,
 * before it starts; if that fails it ends with -ECANCELED. @fence may be closed
 * once the job was submitted.
 */
static inline void aioffload_sqe_wait_for(struct aioffload_sqe *sqe, int fence)
{
	sqe->flags |= AIOFFLOAD_SQE_FENCE;
	sqe->fence_fd = fence;
}

/*
 * What a job that was prepared wants most where there is a choice of devices:
 * AIOFFLOAD_HINT_*, in place of its queue's.
 */
static inline void aioffload_sqe_hint(struct aioffload_sqe *sqe, uint32_t hint)
{
	sqe->flags |= AIOFFLOAD_SQE_HINT;
	sqe->hint = hint;
}

static inline void aioffload_prep_nop(struct aioffload_sqe *sqe,
				      uint64_t user_data)
{
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = AIOFFLOAD_OP_NOP;
	sqe->user_data = user_data;
}

/* Completions that can be reaped now. */
static inline uint32_t aioffload_cq_ready(const struct aioffload_queue *queue)
{
	uint32_t tail = __atomic_load_n(queue->cq.tail, __ATOMIC_ACQUIRE);

	return tail - __atomic_load_n(queue->cq.head, __ATOMIC_RELAXED);
}

/*
 * Completion number @n from the oldest, for n < aioffload_cq_ready(). Valid
 * until aioffload_cq_advance() passes it.
 */
static inline const struct aioffload_cqe *
aioffload_cqe_at(const struct aioffload_queue *queue, uint32_t n)
{
	const struct aioffload_cqe *cqes =
		(const struct aioffload_cqe *)queue->cq.entries;
	uint32_t head = __atomic_load_n(queue->cq.head, __ATOMIC_RELAXED);

	return &cqes[(head + n) & queue->cq.mask];
}

/* The oldest completion, or NULL if there is none. */
static inline const struct aioffload_cqe *
aioffload_peek_cqe(const struct aioffload_queue *queue)
{
	return aioffload_cq_ready(queue) ? aioffload_cqe_at(queue, 0) : NULL;
}

/* Give the @n oldest completions back to the kernel. */
static inline void aioffload_cq_advance(struct aioffload_queue *queue,
					uint32_t n)
{
	uint32_t head = __atomic_load_n(queue->cq.head, __ATOMIC_RELAXED);

	__atomic_store_n(queue->cq.head, head + n, __ATOMIC_RELEASE);
}

/*
 * The oldest completion, waiting for it if need be (@timeout_ns, 0: no limit).
 * aioffload_cq_advance(queue, 1) when done with it.
 */
static inline int aioffload_wait_cqe(struct aioffload_queue *queue,
				     uint64_t timeout_ns,
				     const struct aioffload_cqe **cqe)
{
	const struct aioffload_cqe *c = aioffload_peek_cqe(queue);
	int ret = 0;

	if (!c) {
		ret = aioffload_wait(queue, 1, timeout_ns);
		if (ret < 0)
			return ret;
		c = aioffload_peek_cqe(queue);
		if (!c)
			return -EPROTO;	/* the kernel promised one */
	}
	*cqe = c;
	return 0;
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* AIOFFLOAD_H */
