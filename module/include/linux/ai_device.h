/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface between aioffload.ko and the modules that drive devices.
 * Guide: docs/writing-a-driver.md. Smallest example: module/drivers/null/.
 *
 * A driver sees models, mapped buffers and jobs. It never sees user memory,
 * credentials or cgroups.
 */
#ifndef _LINUX_AI_DEVICE_H
#define _LINUX_AI_DEVICE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/timekeeping.h>
#include <linux/types.h>
#include <aim/verify.h>

#define AI_DEVICE_API_VERSION	1

struct ai_device;	/* opaque; one registered device */
struct device;
struct sg_table;

/**
 * struct ai_model - a verified model as a driver sees it
 * @view:	its parts; valid until the last unprepare() returns
 * @digest:	SHA-256 of its bytes
 */
struct ai_model {
	const struct aim_view *view;
	const u8 *digest;
};

/**
 * struct ai_io - one input or output of a binding
 * @vaddr:	kernel address of sample 0 (AIOFFLOAD_CAP_CPU_ACCESS), 64-byte
 *		aligned
 * @sgt:	DMA-mapped pages of the whole buffer (AIOFFLOAD_CAP_DMA)
 * @offset:	of sample 0 in @sgt
 * @stride:	bytes between samples
 * @bytes:	of one sample
 *
 * User space may write to the memory at any time, also while a job runs: no
 * value read from it may be trusted, or read twice and assumed the same.
 */
struct ai_io {
	void *vaddr;
	struct sg_table *sgt;
	u64 offset;
	u64 stride;
	u64 bytes;
};

/**
 * struct ai_job - one job as a driver sees it
 * @prepared:	what ->prepare() gave for its model
 * @io:		inputs in order, then outputs
 * @nr_inputs:	of these
 * @nr_outputs:	of these
 * @first:	first sample
 * @count:	samples
 * @sync:	it came through ->run()
 * @urgent:	it is not to wait for others where that can be helped
 * @nowait:	->run() answers -EAGAIN if another job has to end before this one
 *		can begin: it may be one that this one has interrupted
 * @cancelled:	set by core before ->cancel(); a driver that works through a
 *		job in pieces asks ai_job_cancelled() between them
 * @begun_ns:	0, or since when the device works on it: ai_job_begins()
 * @node:	the driver's, between submit and completion
 * @driver:	the driver's, likewise
 *
 * Owned by the driver from a successful ->submit() until ai_job_complete().
 */
struct ai_job {
	void *prepared;
	const struct ai_io *io;
	u32 nr_inputs;
	u32 nr_outputs;
	u32 first;
	u32 count;
	bool sync;
	bool urgent;
	bool nowait;
	bool cancelled;
	u64 begun_ns;
	struct list_head node;
	u64 driver[4];
};

/*
 * The device takes up a job that was submitted. Optional. A driver that holds
 * more jobs than it works on tells it, so that a job which then overstays its
 * budget is told from one that only waited behind others. Before it completes.
 */
static inline void ai_job_begins(struct ai_job *job)
{
	WRITE_ONCE(job->begun_ns, ktime_get_mono_fast_ns());
}

bool ai_job_sync_cancelled(const struct ai_job *job);

/*
 * Should this job stop? For one in ->run() that means: its budget is spent, its
 * caller was killed or its owner is gone, or the device is being unregistered.
 * Cheap.
 */
static inline bool ai_job_cancelled(const struct ai_job *job)
{
	return READ_ONCE(job->cancelled) ||
	       (job->sync && ai_job_sync_cancelled(job));
}

/**
 * struct ai_device_status - what ->query() reports
 * @power_uw:	present power, microwatt; 0 unknown
 * @temp_mc:	1/1000 degree Celsius; S32_MIN unknown
 * @load_permille: 0..1000; U32_MAX unknown (core then computes it)
 */
struct ai_device_status {
	u64 power_uw;
	s32 temp_mc;
	u32 load_permille;
};

/**
 * struct ai_device_ops - what a driver implements
 * @size:	sizeof(struct ai_device_ops) as the driver was built; grows only
 *		at the end, what a driver does not have is NULL
 * @version:	AI_DEVICE_API_VERSION as the driver was built
 * @prepare:	compile a model for the device. May sleep. Called once for each
 *		model and device. -EOPNOTSUPP: this device can't run it.
 * @unprepare:	undo. May sleep. No job of it is in flight.
 * @submit:	start a job; optional, see run(). Atomic context, must not sleep.
 *		0: the driver owns the job and completes it exactly once with
 *		ai_job_complete(), also from within this call. Negative: not
 *		taken, job fails. Never called with more than queue_depth jobs
 *		outstanding. May be called from within ai_job_complete(), in
 *		whatever context that was called: hold no lock across
 *		ai_job_complete() that submit() takes, and disable interrupts
 *		while holding such a lock if jobs complete in interrupts.
 * @run:	optional (AIOFFLOAD_CAP_SYNC): do a job here and now in the caller's
 *		context and return its status. May sleep. -EAGAIN: no room at the
 *		moment, core uses submit(). Must look at ai_job_cancelled() and
 *		then return -ECANCELED. Runs beside submitted jobs and is not
 *		counted in queue_depth.
 *		A device with run() and without submit(), cancel() and reset()
 *		works in the host: core calls run() for jobs of queues as well,
 *		from threads in their submitters' cgroups. Such a driver waits
 *		for room, and answers -EAGAIN to a job with @nowait alone. Within
 *		ai_job_cancelled() another job may be run, in this context.
 * @cancel:	optional. A submitted job should end soon: complete it with
 *		-ECANCELED, or let it finish. Atomic context. The job may complete
 *		while this runs; it stays valid until this returns.
 * @reset:	goes with submit(): make the device usable again and complete every outstanding job
 *		with -EIO before returning. May sleep. Called when a cancelled job
 *		does not end, and on unregistering with jobs left. No submit() or
 *		cancel() runs meanwhile; run() may. An error: the device is taken
 *		out of use (AIOFFLOAD_STATE_FAILED).
 * @query:	optional. May sleep. Not called while the device is down.
 * @suspend:	optional, goes with submit() and without AIOFFLOAD_CAP_SYNC: the
 *		device is down after this. It has no job, and gets none until
 *		resume(). May sleep. An error: it stays up, and is asked again
 *		after another while of idleness.
 * @resume:	goes with suspend(): the device is up after this, with all that
 *		was prepared. May sleep. An error: it is taken out of use
 *		(AIOFFLOAD_STATE_FAILED).
 *
 * @set_point:	goes with operating points in struct ai_device_info and with
 *		submit(): work at this one from now on. May sleep. An error: it
 *		stays at the one before. Called once before ai_device_register()
 *		returns, after each resume(), and whenever another one is wanted.
 *
 * suspend(), resume(), set_point() and query() are called one at a time.
 * prepare(), reset() and set_point() find the device up; unprepare() need not.
 */
struct ai_device_ops {
	u32 size;
	u32 version;
	int (*prepare)(struct ai_device *dev, const struct ai_model *model,
		       void **prepared);
	void (*unprepare)(struct ai_device *dev, void *prepared);
	int (*submit)(struct ai_device *dev, struct ai_job *job);
	int (*run)(struct ai_device *dev, struct ai_job *job);
	void (*cancel)(struct ai_device *dev, struct ai_job *job);
	int (*reset)(struct ai_device *dev);
	int (*query)(struct ai_device *dev, struct ai_device_status *status);
	int (*suspend)(struct ai_device *dev);
	int (*resume)(struct ai_device *dev);
	int (*set_point)(struct ai_device *dev, u32 point);
};

#define AI_MAX_POINTS	32

/**
 * struct ai_point - an operating point
 * @khz:	clock
 * @speed:	in thousandths of the fastest one's, which is 1000
 * @power_uw:	power when all lanes are busy, in microwatt; 0: unknown
 */
struct ai_point {
	u32 khz;
	u32 speed;
	u32 power_uw;
};

/**
 * struct ai_device_info - what a driver says of its device
 * @size:	sizeof(struct ai_device_info), as above
 * @dev_class:	enum aioffload_device_class (uapi)
 * @caps:	AIOFFLOAD_CAP_* (uapi)
 * @queue_depth: jobs the device takes at a time, 1..4096
 * @parent:	its bus device, or NULL; needed for AIOFFLOAD_CAP_DMA
 * @owner:	THIS_MODULE; without it the device counts as unsigned
 * @driver:	name of the driver's module
 * @desc:	for people; copied
 * @lanes:	jobs that the device works on side by side; 0: one at a time
 * @power_idle_uw: power when idle, and when all lanes are busy, in microwatt;
 * @power_busy_uw: 0: unknown
 * @power_down_uw: power after suspend(), likewise
 * @wake_ns:	what resume() takes; a first guess, as it is measured
 * @points:	operating points, slowest first: clocks and speeds rise; copied
 * @nr_points:	of them, up to AI_MAX_POINTS; 0: it has none to choose from
 */
struct ai_device_info {
	u32 size;
	u32 dev_class;
	u64 caps;
	u32 queue_depth;
	struct device *parent;
	struct module *owner;
	const char *driver;
	const char *desc;
	u32 lanes;
	u32 power_idle_uw;
	u32 power_busy_uw;
	u32 power_down_uw;
	u64 wake_ns;
	const struct ai_point *points;
	u32 nr_points;
};

/**
 * ai_device_register() - make a device known; jobs may arrive before it returns
 * @info:	copied
 * @ops:	copied (so a driver may be older or newer than core)
 * @priv:	for ai_device_priv()
 *
 * May sleep. Return: the device, or ERR_PTR: -EINVAL bad info or ops,
 * -EPROTO another API version, -ENOSPC too many devices, -ENOMEM.
 */
struct ai_device *ai_device_register(const struct ai_device_info *info,
				     const struct ai_device_ops *ops,
				     void *priv);

/**
 * ai_device_unregister() - the device is gone
 *
 * May be called at any moment, with jobs in flight: they end with -ENODEV for
 * their owners, every model is unprepared, and when it returns no op runs or
 * will run again. No reference of a client can delay it. May sleep. It is not
 * woken up for this: afterwards it is up or down as suspend() and resume() left
 * it.
 */
void ai_device_unregister(struct ai_device *dev);

/**
 * ai_device_limit() - it is too hot for more than this operating point
 * @dev:	registered
 * @point:	the highest that is left; the highest of all: no limit
 *
 * For a device that limits itself, by its firmware or for another reason than
 * the kernel's. May sleep; not from within an op for power, which this calls.
 */
void ai_device_limit(struct ai_device *dev, u32 point);

void *ai_device_priv(const struct ai_device *dev);
const char *ai_device_name(const struct ai_device *dev);
u32 ai_device_id(const struct ai_device *dev);

/**
 * ai_job_complete() - a job is done
 * @job:	taken by ->submit(); no longer the driver's after this call
 * @status:	0, or -EIO (fault), -ECANCELED, -ENODEV, -ETIME
 *
 * Any context, hard interrupts included.
 */
void ai_job_complete(struct ai_device *dev, struct ai_job *job, int status);

#endif /* _LINUX_AI_DEVICE_H */
