/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * aioffload: the user-space interface. The reference with every field, rule
 * and errno is docs/uapi.md.
 *
 * Rules that hold for every call:
 *  - each structure begins with its own size in bytes, as the caller knows it.
 *    It grows only at the end. A caller newer than the kernel gets E2BIG if it
 *    sets a field the kernel does not know; a caller older than the kernel gets
 *    zeroes for what it left out; a size below the first version is EINVAL.
 *  - unknown flags and non-zero reserved fields are EINVAL.
 *  - every integer is in host order; pointers travel as __u64.
 *  - numbers carry no size (as in vfio and iommufd), so they never change.
 */
#ifndef _UAPI_LINUX_AIOFFLOAD_H
#define _UAPI_LINUX_AIOFFLOAD_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define AIOFFLOAD_ABI_VERSION		1

#define AIOFFLOAD_IOC_MAGIC		0xa9

/* On a context: /dev/aioffload (any device) or /dev/aioffloadN (pinned). */
#define AIOFFLOAD_IOC_INFO		_IO(AIOFFLOAD_IOC_MAGIC, 0x00)
#define AIOFFLOAD_IOC_DEVICE_INFO	_IO(AIOFFLOAD_IOC_MAGIC, 0x01)
#define AIOFFLOAD_IOC_BUF_CREATE	_IO(AIOFFLOAD_IOC_MAGIC, 0x02)
#define AIOFFLOAD_IOC_MODEL_LOAD	_IO(AIOFFLOAD_IOC_MAGIC, 0x03)
#define AIOFFLOAD_IOC_BIND		_IO(AIOFFLOAD_IOC_MAGIC, 0x04)
#define AIOFFLOAD_IOC_UNBIND		_IO(AIOFFLOAD_IOC_MAGIC, 0x05)
#define AIOFFLOAD_IOC_RUN		_IO(AIOFFLOAD_IOC_MAGIC, 0x06)
#define AIOFFLOAD_IOC_QUEUE_CREATE	_IO(AIOFFLOAD_IOC_MAGIC, 0x07)
#define AIOFFLOAD_IOC_POLICY		_IO(AIOFFLOAD_IOC_MAGIC, 0x08)
#define AIOFFLOAD_IOC_BLOCK		_IO(AIOFFLOAD_IOC_MAGIC, 0x09)
#define AIOFFLOAD_IOC_GRANT		_IO(AIOFFLOAD_IOC_MAGIC, 0x0a)
#define AIOFFLOAD_IOC_RIGHTS		_IO(AIOFFLOAD_IOC_MAGIC, 0x0b)
#define AIOFFLOAD_IOC_LIMIT		_IO(AIOFFLOAD_IOC_MAGIC, 0x0c)
#define AIOFFLOAD_IOC_USAGE		_IO(AIOFFLOAD_IOC_MAGIC, 0x0d)
#define AIOFFLOAD_IOC_WEIGHT		_IO(AIOFFLOAD_IOC_MAGIC, 0x0e)
#define AIOFFLOAD_IOC_SCHED		_IO(AIOFFLOAD_IOC_MAGIC, 0x0f)

/* On a model. */
#define AIOFFLOAD_IOC_MODEL_INFO	_IO(AIOFFLOAD_IOC_MAGIC, 0x20)
#define AIOFFLOAD_IOC_MODEL_TENSOR	_IO(AIOFFLOAD_IOC_MAGIC, 0x21)

/* On a queue. */
#define AIOFFLOAD_IOC_ENTER		_IO(AIOFFLOAD_IOC_MAGIC, 0x40)
#define AIOFFLOAD_IOC_QUEUE_EVENTFD	_IO(AIOFFLOAD_IOC_MAGIC, 0x41)
#define AIOFFLOAD_IOC_QUEUE_FENCE	_IO(AIOFFLOAD_IOC_MAGIC, 0x42)

#define AIOFFLOAD_NAME_LEN		64	/* with the final NUL */
#define AIOFFLOAD_MAX_RANK		6
#define AIOFFLOAD_DIGEST_LEN		32	/* SHA-256 */

/* Names for "no choice made". */
#define AIOFFLOAD_DEVICE_ANY		0xffffffffU
#define AIOFFLOAD_SLOT_ANY		0xffffffffU

/**
 * struct aioffload_info - AIOFFLOAD_IOC_INFO: what this kernel offers
 * @size:		in: sizeof of the caller; out: sizeof of the kernel
 * @flags:		must be 0
 * @abi_version:	AIOFFLOAD_ABI_VERSION of the kernel
 * @pinned_device:	device this context is pinned to, or DEVICE_ANY
 * @features:		bits AIOFFLOAD_FEAT_*
 * @max_buffer_bytes:	largest BUF_CREATE
 * @max_model_bytes:	largest MODEL_LOAD
 * @max_slots:		bindings per context
 * @max_queues:		queues per context
 * @max_sq_entries:	largest submission ring
 * @max_samples:	largest @count of one job
 * @max_tensors:	largest number of inputs plus outputs of a model
 * @nr_devices:		devices registered now that this caller may use
 * @job_timeout_ns:	budget of a job that names none
 * @module_version:	version string of aioffload.ko, NUL-terminated
 */
struct aioffload_info {
	__u32 size;
	__u32 flags;
	__u32 abi_version;
	__u32 pinned_device;
	__u64 features;
	__u64 max_buffer_bytes;
	__u64 max_model_bytes;
	__u32 max_slots;
	__u32 max_queues;
	__u32 max_sq_entries;
	__u32 max_samples;
	__u32 max_tensors;
	__u32 nr_devices;
	__u64 job_timeout_ns;
	char module_version[AIOFFLOAD_NAME_LEN];
};

#define AIOFFLOAD_FEAT_SYNC_RUN		(1ULL << 0)	/* IOC_RUN */
#define AIOFFLOAD_FEAT_QUEUE		(1ULL << 1)	/* rings */
#define AIOFFLOAD_FEAT_EVENTFD		(1ULL << 2)
#define AIOFFLOAD_FEAT_FOREIGN_DMABUF	(1ULL << 3)	/* bind other drivers' buffers */
#define AIOFFLOAD_FEAT_SIGNED_MODELS	(1ULL << 4)	/* POLICY, BLOCK */
#define AIOFFLOAD_FEAT_RIGHTS		(1ULL << 5)	/* GRANT, RIGHTS */
#define AIOFFLOAD_FEAT_QUOTAS		(1ULL << 6)	/* LIMIT, USAGE */
#define AIOFFLOAD_FEAT_CLASSES		(1ULL << 7)	/* classes of queues and jobs */
#define AIOFFLOAD_FEAT_SHARES		(1ULL << 8)	/* WEIGHT, SCHED */
#define AIOFFLOAD_FEAT_FENCES		(1ULL << 9)	/* QUEUE_FENCE, SQE_FENCE */
#define AIOFFLOAD_FEAT_HINTS		(1ULL << 10)	/* SQE_HINT */

enum aioffload_device_class {
	AIOFFLOAD_CLASS_CPU	= 0,	/* vector units of the host */
	AIOFFLOAD_CLASS_GPU	= 1,
	AIOFFLOAD_CLASS_NPU	= 2,
	AIOFFLOAD_CLASS_ASIC	= 3,
	AIOFFLOAD_CLASS_VIRTUAL	= 4,	/* null devices, user-space bridges */
};

enum aioffload_device_state {
	AIOFFLOAD_STATE_READY	= 0,
	AIOFFLOAD_STATE_FAILED	= 1,	/* a reset failed; takes no jobs */
	AIOFFLOAD_STATE_GONE	= 2,	/* being removed */
	AIOFFLOAD_STATE_RESETTING = 3,	/* for a moment; jobs wait */
};

/**
 * struct aioffload_device_info - AIOFFLOAD_IOC_DEVICE_INFO: one device
 * @size:	in/out as in struct aioffload_info
 * @flags:	must be 0
 * @id:		in: look from this id upwards; out: the id found. To list all,
 *		start at 0 and go on from id + 1 until ENOENT.
 * @dev_class:	enum aioffload_device_class
 * @state:	enum aioffload_device_state
 * @queue_depth: jobs the device holds at a time
 * @caps:	AIOFFLOAD_CAP_*
 * @jobs_done:	jobs completed with success since registration
 * @jobs_failed: jobs completed with an error
 * @jobs_inflight: jobs at the device now
 * @resets:	resets since registration
 * @busy_ns:	time with at least one job at the device
 * @power_uw:	present power in microwatt, 0 if unknown
 * @temp_mc:	temperature in 1/1000 degree Celsius, INT32_MIN if unknown
 * @load_permille: load over the last second, 0..1000, ~0 if unknown
 * @name:	as in /dev and sysfs ("aioffload0")
 * @driver:	module that drives it ("aioffload_cpu")
 * @desc:	for people: model or instruction set ("x86-64 AVX-512 VNNI")
 * @pm:		enum aioffload_pm
 * @khz:	its clock, 0 if unknown
 * @speed_permille: at which it works now, of its full speed, 1..1000
 * @limit_permille: which it may go up to: less than 1000 while it is too hot
 */
struct aioffload_device_info {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 dev_class;
	__u32 state;
	__u32 queue_depth;
	__u64 caps;
	__u64 jobs_done;
	__u64 jobs_failed;
	__u32 jobs_inflight;
	__u32 resets;
	__u64 busy_ns;
	__u64 power_uw;
	__s32 temp_mc;
	__u32 load_permille;
	char name[AIOFFLOAD_NAME_LEN];
	char driver[AIOFFLOAD_NAME_LEN];
	char desc[AIOFFLOAD_NAME_LEN];
	__u32 pm;
	__u32 khz;
	__u32 speed_permille;
	__u32 limit_permille;
};

/* Does a device idle down? */
enum aioffload_pm {
	AIOFFLOAD_PM_ALWAYS_ON = 0,
	AIOFFLOAD_PM_ACTIVE = 1,	/* is up, and idles down when it has no job */
	AIOFFLOAD_PM_SUSPENDED = 2,	/* is down; the next job wakes it */
};

#define AIOFFLOAD_CAP_SYNC	(1ULL << 0)	/* may run in the caller's context */
#define AIOFFLOAD_CAP_CPU_ACCESS (1ULL << 1)	/* reads buffers through the CPU */
#define AIOFFLOAD_CAP_DMA	(1ULL << 2)	/* reads buffers by DMA */

/**
 * struct aioffload_buf_create - AIOFFLOAD_IOC_BUF_CREATE: a zeroed dma-buf
 * @size:	in/out
 * @flags:	must be 0; the fd is always close-on-exec
 * @bytes:	size wanted; rounded up to whole pages; out: the size given
 * @fd:		out: the dma-buf. Charged to the caller's memory cgroup.
 * @reserved:	must be 0
 */
struct aioffload_buf_create {
	__u32 size;
	__u32 flags;
	__u64 bytes;
	__s32 fd;
	__u32 reserved;
};

/**
 * struct aioffload_model_load - AIOFFLOAD_IOC_MODEL_LOAD: admit a model
 * @size:	in/out
 * @flags:	must be 0
 * @data:	the file's bytes; copied once, verified in the copy
 * @bytes:	their number
 * @reason:	where a refusal is explained, as text, or 0
 * @reason_len:	room at @reason, final NUL included; longer text is cut
 * @fd:		out: the model
 * @digest:	out: SHA-256 of the model, without manifest and signature: its
 *		identity
 *
 * On a refusal, @reason holds one sentence; errno says the kind (docs/uapi.md).
 */
struct aioffload_model_load {
	__u32 size;
	__u32 flags;
	__u64 data;
	__u64 bytes;
	__u64 reason;
	__u32 reason_len;
	__s32 fd;
	__u8 digest[AIOFFLOAD_DIGEST_LEN];
};

/**
 * struct aioffload_model_info - AIOFFLOAD_IOC_MODEL_INFO
 * @size:	in/out
 * @flags:	must be 0
 * @nr_inputs:	number of inputs
 * @nr_outputs:	number of outputs
 * @nr_ops:	operators in the graph
 * @reserved:	must be 0
 * @macs:	multiply-adds for one sample
 * @bytes:	size of the model's file
 * @digest:	SHA-256 of the file
 * @name:	name in the file, or empty
 */
struct aioffload_model_info {
	__u32 size;
	__u32 flags;
	__u32 nr_inputs;
	__u32 nr_outputs;
	__u32 nr_ops;
	__u32 reserved;
	__u64 macs;
	__u64 bytes;
	__u8 digest[AIOFFLOAD_DIGEST_LEN];
	char name[AIOFFLOAD_NAME_LEN];
};

#define AIOFFLOAD_DIR_INPUT	0
#define AIOFFLOAD_DIR_OUTPUT	1

/**
 * struct aioffload_model_tensor - AIOFFLOAD_IOC_MODEL_TENSOR: one input/output
 * @size:	in/out
 * @flags:	must be 0
 * @dir:	in: AIOFFLOAD_DIR_*
 * @index:	in: which; ENOENT past the last
 * @type:	enum aim_type (model format): 1 int8, 2 uint8, 3 int16, 4 int32, 5 fp32
 * @rank:	dimensions used of @dims
 * @dims:	outermost first
 * @scale_bits:	IEEE-754 bits of the quantisation scale, 0 if not quantised
 * @zero_point:	real = scale * (q - zero_point)
 * @bytes:	of one sample
 * @name:	name in the file, or empty
 */
struct aioffload_model_tensor {
	__u32 size;
	__u32 flags;
	__u32 dir;
	__u32 index;
	__u32 type;
	__u32 rank;
	__u32 dims[AIOFFLOAD_MAX_RANK];
	__u32 scale_bits;
	__s32 zero_point;
	__u64 bytes;
	char name[AIOFFLOAD_NAME_LEN];
};

/**
 * struct aioffload_bind_io - where one input or output lives
 * @buf_fd:	a dma-buf, of aioffload or of another driver
 * @reserved:	must be 0
 * @offset:	of sample 0 in bytes; a multiple of 64
 * @stride:	bytes from one sample to the next; at least the tensor's size;
 *		0 stands for exactly the tensor's size. Must be a multiple of the
 *		element's size.
 */
struct aioffload_bind_io {
	__s32 buf_fd;
	__u32 reserved;
	__u64 offset;
	__u64 stride;
};

/**
 * struct aioffload_bind - AIOFFLOAD_IOC_BIND: model + buffers = a slot
 * @size:	in/out
 * @flags:	must be 0
 * @model_fd:	a model
 * @slot:	in: slot wanted (EEXIST if taken) or SLOT_ANY; out: the slot
 * @ios:	struct aioffload_bind_io[@nr_ios]: inputs in order, then outputs
 * @nr_ios:	must equal the model's inputs + outputs
 * @samples:	samples that each buffer holds, at least 1
 *
 * The slot keeps model and buffers alive; fds may be closed afterwards. Inputs
 * are read and outputs are written in place. Output ranges of one binding may
 * overlap neither each other nor an input (EINVAL).
 */
struct aioffload_bind {
	__u32 size;
	__u32 flags;
	__s32 model_fd;
	__u32 slot;
	__u64 ios;
	__u32 nr_ios;
	__u32 samples;
};

/**
 * struct aioffload_unbind - AIOFFLOAD_IOC_UNBIND: free a slot
 * @size:	in/out
 * @flags:	must be 0
 * @slot:	which; ENOENT if free
 * @reserved:	must be 0
 *
 * Jobs that already took the slot finish undisturbed.
 */
struct aioffload_unbind {
	__u32 size;
	__u32 flags;
	__u32 slot;
	__u32 reserved;
};

/**
 * struct aioffload_run - AIOFFLOAD_IOC_RUN: run now, return when done
 * @size:	in (not written back: the call has no outputs but its result)
 * @flags:	must be 0
 * @slot:	a binding
 * @first:	first sample
 * @count:	samples, at least 1; @first + @count within the binding
 * @reserved:	must be 0
 * @timeout_ns:	budget from now; 0: job_timeout_ns of INFO
 *
 * Result 0, or the job's errno: ETIME past its budget, ENODEV its device went
 * away, EIO the device failed it, EINTR a fatal signal.
 */
struct aioffload_run {
	__u32 size;
	__u32 flags;
	__u32 slot;
	__u32 first;
	__u32 count;
	__u32 reserved;
	__u64 timeout_ns;
};

#define AIOFFLOAD_OP_NOP	0	/* completes with status 0 */
#define AIOFFLOAD_OP_RUN	1

/*
 * Classes of queues and jobs. From the one that comes last to the one that
 * comes first: BACKGROUND, NORMAL, INTERACTIVE, REALTIME.
 */
enum aioffload_qos {
	AIOFFLOAD_QOS_NORMAL		= 0,	/* a fair share */
	AIOFFLOAD_QOS_BACKGROUND	= 1,	/* what others leave */
	AIOFFLOAD_QOS_INTERACTIVE	= 2,	/* a fair share, soon */
	AIOFFLOAD_QOS_REALTIME		= 3,	/* earliest deadline first; RIGHT_RT */
};

#define AIOFFLOAD_SQE_QOS	(1U << 0)	/* @qos holds */
#define AIOFFLOAD_SQE_FENCE	(1U << 1)	/* @fence_fd holds; not for NOP */
#define AIOFFLOAD_SQE_HINT	(1U << 2)	/* @hint holds; not for NOP */

/**
 * struct aioffload_sqe - one submission, 64 bytes
 * @opcode:	AIOFFLOAD_OP_*
 * @flags:	AIOFFLOAD_SQE_*
 * @qos:	with SQE_QOS: enum aioffload_qos, the queue's class or one that
 *		comes later; else 0
 * @slot:	a binding of the queue's context
 * @user_data:	handed back in the completion
 * @first:	first sample
 * @count:	samples, at least 1
 * @timeout_ns:	budget from submission; 0: job_timeout_ns of INFO
 * @deadline_ns: of a realtime job, from submission, not below the queue's; 0:
 *		the queue's
 * @fence_fd:	with SQE_FENCE: a sync_file, of any driver, that the job waits for
 *		before it may start; else 0
 * @hint:	with SQE_HINT: enum aioffload_hint, instead of the queue's; else 0
 * @reserved:	must be 0
 */
struct aioffload_sqe {
	__u8 opcode;
	__u8 flags;
	__u16 qos;
	__u32 slot;
	__u64 user_data;
	__u32 first;
	__u32 count;
	__u64 timeout_ns;
	__u64 deadline_ns;
	__s32 fence_fd;
	__u32 hint;
	__u64 reserved[2];
};

/**
 * struct aioffload_cqe - one completion, 32 bytes
 * @user_data:	from the submission
 * @status:	0 or a negative errno (EINVAL and ENOENT: the entry was bad)
 * @device:	id of the device that ran it, DEVICE_ANY if none did
 * @duration_ns: from hand-over to the device to its completion, 0 if unknown
 * @reserved:	0
 */
struct aioffload_cqe {
	__u64 user_data;
	__s32 status;
	__u32 device;
	__u64 duration_ns;
	__u64 reserved;
};

/**
 * struct aioffload_ring_offsets - where a ring's parts lie in the mapping
 * @head:	__u32, consumer's index (free running, taken modulo entries)
 * @tail:	__u32, producer's index
 * @mask:	__u32, entries - 1 (a copy for the application; the kernel does
 *		not read it)
 * @entries:	array of struct aioffload_sqe or struct aioffload_cqe
 */
struct aioffload_ring_offsets {
	__u32 head;
	__u32 tail;
	__u32 mask;
	__u32 entries;
};

/* What a job wants most, where there is a choice of devices. */
enum aioffload_hint {
	AIOFFLOAD_HINT_LATENCY		= 0,	/* to end soon */
	AIOFFLOAD_HINT_THROUGHPUT	= 1,	/* that many end */
	AIOFFLOAD_HINT_EFFICIENCY	= 2,	/* least energy */
	AIOFFLOAD_HINT_KEEP_WARM	= 3,	/* to stay on one device */
};

/**
 * struct aioffload_queue_create - AIOFFLOAD_IOC_QUEUE_CREATE
 * @size:	in/out
 * @flags:	must be 0
 * @sq_entries:	in: at least this many, rounded up to a power of 2; out: given
 * @cq_entries:	in: likewise, 0: twice @sq_entries; out: given
 * @fd:		out: the queue: mmap, poll, ENTER
 * @reserved:	must be 0
 * @ring_bytes:	out: length to mmap at offset 0, shared, read-write
 * @sq:		out: offsets of the submission ring
 * @cq:		out: offsets of the completion ring
 * @qos:	enum aioffload_qos; the first version ends before it
 * @hint:	enum aioffload_hint
 * @runtime_ns:	realtime only, else 0: device time that its jobs may take in
 * @period_ns:	each period (4 s at most); beyond that they run as normal ones
 * @deadline_ns: of a job, from submission; at least @runtime_ns and at most
 *		@period_ns; 0: @period_ns
 * @rt_left_ppm: out with EBUSY: time that is still free for realtime queues,
 *		in millionths of one CPU, or of the device that has least
 * @reserved2:	must be 0
 *
 * The application owns sq.tail and cq.head, the kernel sq.head and cq.tail;
 * each lies on a cache line of its own. Store-release after filling entries,
 * load-acquire before reading them.
 *
 * Overflow rule: the kernel takes a submission only while a place in the
 * completion ring is reserved for it. So no completion is ever lost; when
 * completions are not reaped, ENTER takes fewer than asked and says how many.
 */
struct aioffload_queue_create {
	__u32 size;
	__u32 flags;
	__u32 sq_entries;
	__u32 cq_entries;
	__s32 fd;
	__u32 reserved;
	__u64 ring_bytes;
	struct aioffload_ring_offsets sq;
	struct aioffload_ring_offsets cq;
	__u32 qos;
	__u32 hint;
	__u64 runtime_ns;
	__u64 period_ns;
	__u64 deadline_ns;
	__u32 rt_left_ppm;
	__u32 reserved2;
};

/**
 * struct aioffload_enter - AIOFFLOAD_IOC_ENTER: submit and/or wait
 * @size:	in (not written back)
 * @flags:	must be 0
 * @to_submit:	take at most this many entries from the submission ring
 * @min_complete: then wait until this many completions can be reaped
 * @timeout_ns:	longest wait; 0: no limit
 *
 * Result: number of entries taken, or -1 with EBUSY (entries were waiting, yet
 * none could be taken: completion ring full), EPROTO (a ring index is wild),
 * EINTR, ETIME (nothing was taken and the wait ran out), ENODEV (the queue's
 * context was closed).
 */
struct aioffload_enter {
	__u32 size;
	__u32 flags;
	__u32 to_submit;
	__u32 min_complete;
	__u64 timeout_ns;
};

/**
 * struct aioffload_queue_eventfd - AIOFFLOAD_IOC_QUEUE_EVENTFD
 * @size:	in (not written back)
 * @flags:	must be 0
 * @fd:		an eventfd that is signalled at completions, -1: none any more
 * @reserved:	must be 0
 */
struct aioffload_queue_eventfd {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 reserved;
};

/**
 * struct aioffload_queue_fence - AIOFFLOAD_IOC_QUEUE_FENCE: when jobs have ended
 * @size:	in/out
 * @flags:	must be 0
 * @fd:		out: a sync_file. It signals when all entries that the queue has
 *		taken so far have ended; with the errno of the first to fail of
 *		those that it took since the last such call, if one did.
 * @reserved:	must be 0
 */
struct aioffload_queue_fence {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 reserved;
};

/* ---- security ----------------------------------------------------------- */

/* What a cgroup may do. */
#define AIOFFLOAD_RIGHT_EXEC	(1U << 0)	/* run jobs */
#define AIOFFLOAD_RIGHT_LOAD	(1U << 1)	/* bring models in */
#define AIOFFLOAD_RIGHT_RT	(1U << 2)	/* realtime queues */
#define AIOFFLOAD_RIGHT_ADMIN	(1U << 3)	/* rights and limits below it */
#define AIOFFLOAD_RIGHTS_ALL	0xfU

#define AIOFFLOAD_MAX_DEVICES	256

enum aioffload_policy_mode {
	AIOFFLOAD_POLICY_OFF		= 0,	/* signatures are not looked at */
	AIOFFLOAD_POLICY_PERMISSIVE	= 1,	/* what enforce would refuse is recorded */
	AIOFFLOAD_POLICY_ENFORCE	= 2,
};

/* Whose signatures count, beside the keys in .aioffload. */
#define AIOFFLOAD_KEYS_SECONDARY	(1U << 0)	/* with the machine keyring */
#define AIOFFLOAD_KEYS_PLATFORM		(1U << 1)

enum aioffload_audit_mode {
	AIOFFLOAD_AUDIT_BATCH	= 0,	/* executions are counted, counts recorded */
	AIOFFLOAD_AUDIT_EXEC	= 1,	/* a record for each */
};

#define AIOFFLOAD_POLICY_SET_MODE	(1U << 0)
#define AIOFFLOAD_POLICY_SET_KEYRINGS	(1U << 1)
#define AIOFFLOAD_POLICY_SET_DRIVERS	(1U << 2)
#define AIOFFLOAD_POLICY_SET_AUDIT	(1U << 3)
#define AIOFFLOAD_POLICY_SET_LOCKED	(1U << 4)

/**
 * struct aioffload_policy - AIOFFLOAD_IOC_POLICY: read it, change it
 * @size:	in/out
 * @flags:	AIOFFLOAD_POLICY_SET_*: which of the next five to set; 0: none.
 *		Setting any needs CAP_SYS_ADMIN in the initial user namespace.
 *		All or nothing.
 * @mode:	in/out: enum aioffload_policy_mode
 * @keyrings:	in/out: AIOFFLOAD_KEYS_*
 * @signed_drivers: in/out: 1: models run only on devices whose module carries
 *		a valid signature itself
 * @audit:	in/out: enum aioffload_audit_mode
 * @locked:	in/out: 1: @mode and @signed_drivers can only be raised,
 *		@keyrings only be reduced, @locked not be taken back (EPERM).
 *		Kernel lockdown has the same effect.
 * @nr_keys:	out: keys in .aioffload
 * @admitted:	out: models admitted since the module was loaded
 * @refused:	out: models refused, for whatever reason
 * @lost:	out: audit records that could not be written; what they counted
 *		is in a later one
 * @denied:	out: what else was refused: rights, devices, limits, changes of
 *		policy, blocks, grants and limits
 */
struct aioffload_policy {
	__u32 size;
	__u32 flags;
	__u32 mode;
	__u32 keyrings;
	__u32 signed_drivers;
	__u32 audit;
	__u32 locked;
	__u32 nr_keys;
	__u64 admitted;
	__u64 refused;
	__u64 lost;
	__u64 denied;
};

enum aioffload_block_kind {
	AIOFFLOAD_BLOCK_DIGEST	= 0,	/* @id: a model's digest */
	AIOFFLOAD_BLOCK_KEY	= 1,	/* @id: SHA-256 of a public key: the bytes
					 * of subjectPublicKey's BIT STRING
					 */
	AIOFFLOAD_BLOCK_VERSION	= 2,	/* @name: versions below @version */
	AIOFFLOAD_BLOCK_QUARANTINE = 3,	/* @id: put there by the kernel, only to
					 * be listed and deleted
					 */
};

enum aioffload_block_op {
	AIOFFLOAD_BLOCK_ADD	= 0,
	AIOFFLOAD_BLOCK_DEL	= 1,	/* ENOENT: not there; EPERM: policy locked */
	AIOFFLOAD_BLOCK_GET	= 2,	/* entry number @index; ENOENT past the last */
};

/**
 * struct aioffload_block - AIOFFLOAD_IOC_BLOCK: models that are not admitted
 * @size:	in/out
 * @flags:	must be 0
 * @op:		enum aioffload_block_op; all but GET need CAP_SYS_ADMIN in the
 *		initial user namespace
 * @kind:	enum aioffload_block_kind; out for GET
 * @index:	for GET, else 0
 * @reserved:	must be 0
 * @version:	for BLOCK_VERSION; for BLOCK_QUARANTINE the cgroup's number, in DEL
 *		0: of every cgroup; else 0
 * @id:		zero for BLOCK_VERSION
 * @name:	for BLOCK_VERSION, else empty; NUL-terminated
 *
 * Takes effect on models that are loaded already: their jobs end with
 * EKEYREVOKED from the next submission on. ADD of what is there replaces it; a
 * smaller @version needs DEL first (EEXIST). ENOSPC: the table is full.
 */
struct aioffload_block {
	__u32 size;
	__u32 flags;
	__u32 op;
	__u32 kind;
	__u32 index;
	__u32 reserved;
	__u64 version;
	__u8 id[AIOFFLOAD_DIGEST_LEN];
	char name[AIOFFLOAD_NAME_LEN];
};

#define AIOFFLOAD_GRANT_DEVICES	(1U << 0)	/* @devices holds */
#define AIOFFLOAD_GRANT_CLEAR	(1U << 1)	/* the cgroup has no say of its own */

/**
 * struct aioffload_grant - AIOFFLOAD_IOC_GRANT: what a cgroup may do
 * @size:	in (not written back)
 * @flags:	AIOFFLOAD_GRANT_*
 * @cgroup_fd:	a directory of the cgroup 2 hierarchy, EBADF otherwise
 * @rights:	AIOFFLOAD_RIGHT_*, replacing what was granted before
 * @devices:	bit N: may see and use device N; without GRANT_DEVICES: all.
 *
 * A cgroup without a grant has what its parent has; where there is none up to
 * the root, EXEC and LOAD, as the device node's permissions allow. A grant
 * below another one never widens that: what exceeds it is EPERM, and taking
 * rights from a cgroup takes them from all below it at once.
 *
 * Needs CAP_SYS_ADMIN in the initial user namespace, or the right ADMIN and a
 * cgroup strictly below the caller's own; EPERM otherwise.
 */
struct aioffload_grant {
	__u32 size;
	__u32 flags;
	__s32 cgroup_fd;
	__u32 rights;
	__u64 devices[AIOFFLOAD_MAX_DEVICES / 64];
};

#define AIOFFLOAD_RIGHTS_OF	(1U << 0)	/* of @cgroup_fd, not of the caller */
#define AIOFFLOAD_RIGHTS_LIST	(1U << 1)	/* of grant number @index */

/**
 * struct aioffload_rights - AIOFFLOAD_IOC_RIGHTS: what a cgroup may do, in effect
 * @size:	in/out
 * @flags:	one of AIOFFLOAD_RIGHTS_*, or 0
 * @cgroup_fd:	for RIGHTS_OF, else -1
 * @index:	for RIGHTS_LIST, else 0; ENOENT past the last
 * @rights:	out: in effect; for the caller those of the context as well
 * @granted:	out: by a grant to this very cgroup
 * @has_grant:	out: 1: there is one
 * @path_len:	room at @path
 * @path:	where the cgroup's path goes, as seen from the caller's cgroup
 *		namespace, NUL-terminated, ERANGE if there is no room; or 0
 * @cgroup_id:	out: the cgroup's number (as in /sys/fs/cgroup: its inode)
 * @devices:	out: which it can see
 *
 * Only cgroups within the caller's cgroup namespace: others are not listed,
 * and EACCES with RIGHTS_OF.
 */
struct aioffload_rights {
	__u32 size;
	__u32 flags;
	__s32 cgroup_fd;
	__u32 index;
	__u32 rights;
	__u32 granted;
	__u32 has_grant;
	__u32 path_len;
	__u64 path;
	__u64 cgroup_id;
	__u64 devices[AIOFFLOAD_MAX_DEVICES / 64];
};

/* What is counted, and may be limited, for a cgroup and all below it. */
enum aioffload_resource {
	AIOFFLOAD_RES_BYTES	= 0,	/* of buffers, models and rings */
	AIOFFLOAD_RES_MODELS	= 1,
	AIOFFLOAD_RES_QUEUES	= 2,
	AIOFFLOAD_RES_JOBS	= 3,	/* submitted and not ended; counted while
					 * limited
					 */
	AIOFFLOAD_RES_TIME	= 4,	/* ns of device time in each period;
					 * counted while limited
					 */
	AIOFFLOAD_RES_NR	= 5,
};

#define AIOFFLOAD_NO_LIMIT	(~0ULL)

/**
 * struct aioffload_limit - AIOFFLOAD_IOC_LIMIT: set a limit
 * @size:	in (not written back)
 * @flags:	must be 0
 * @cgroup_fd:	as in struct aioffload_grant, whose permissions hold here too
 * @resource:	enum aioffload_resource
 * @limit:	what would exceed it is refused with EDQUOT; NO_LIMIT
 * @period_ns:	for RES_TIME: 1 ms to 100 s, else 0
 *
 * May be below what is in use: then nothing more is given until enough has
 * come back.
 */
struct aioffload_limit {
	__u32 size;
	__u32 flags;
	__s32 cgroup_fd;
	__u32 resource;
	__u64 limit;
	__u64 period_ns;
};

/**
 * struct aioffload_usage - AIOFFLOAD_IOC_USAGE: one resource of a cgroup
 * @size:	in/out
 * @flags:	must be 0
 * @cgroup_fd:	whose; -1: the caller's own. EACCES as in aioffload_rights
 * @resource:	enum aioffload_resource
 * @limit:	out: its own limit, NO_LIMIT if none (those above it hold too)
 * @used:	out: in use now, those below it included; RES_TIME: used in the
 *		present period
 * @peak:	out: most at any time
 * @events:	out: how often something was refused for this limit
 * @period_ns:	out: for RES_TIME
 */
struct aioffload_usage {
	__u32 size;
	__u32 flags;
	__s32 cgroup_fd;
	__u32 resource;
	__u64 limit;
	__u64 used;
	__u64 peak;
	__u64 events;
	__u64 period_ns;
};

#include <linux/aioffload_sched.h>

#endif /* _UAPI_LINUX_AIOFFLOAD_H */
