// SPDX-License-Identifier: GPL-2.0
/*
 * The device: it takes any verified model, waits as long as a device of the
 * configured speed would compute, and completes. It touches neither inputs nor
 * outputs: an output buffer holds after a job what it held before.
 *
 * A job is in one of the states of enum null_state, kept in job->driver[0] and
 * changed under nd->lock alone. Whoever moves it to NULL_JOB_OURS_NO_MORE, be
 * it the timer, cancel or reset, drops the lock and completes it. That makes
 * "exactly once" a matter of one lock.
 */
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <uapi/linux/aioffload.h>
#include "../../compat/compat.h"
#include "null.h"

enum null_state {
	NULL_JOB_OURS_NO_MORE = 0,
	NULL_JOB_WAITING,		/* in nd->waiting */
	NULL_JOB_RUNNING,		/* in the lane at driver[1] */
	NULL_JOB_STALLED,		/* in nd->stalled */
};

/* driver[] of a job: its state, lane, time to take, and what it will end with */
#define JOB_STATE	0
#define JOB_LANE	1
#define JOB_NS		2
#define JOB_STATUS	3

/* A prepared model: all that a null device wants to know of one. */
struct null_model {
	struct null_device *nd;	/* the shortest way there from a job */
	u64 macs;
};

#define NULL_STALL	1	/* as a status: never completes by itself */
#define NULL_VANISH	2	/* likewise, and the device goes away */
#define NULL_POLL_NS	(100 * NSEC_PER_USEC)	/* ->run() looks up this often */

static int null_prepare(struct ai_device *dev, const struct ai_model *model,
			void **prepared)
{
	struct null_device *nd = ai_device_priv(dev);
	struct null_model *nm = kmalloc(sizeof(*nm), GFP_KERNEL);

	if (!nm)
		return -ENOMEM;
	/*
	 * Jobs may come before ai_device_register() has returned the device,
	 * but never before a prepare(). Later calls write the same value.
	 */
	WRITE_ONCE(nd->dev, dev);
	nm->nd = nd;
	nm->macs = model->view->header->macs;
	*prepared = nm;
	return 0;
}

static void null_unprepare(struct ai_device *dev, void *prepared)
{
	kfree(prepared);
}

/* latency + jitter + time for the multiply-adds, at most NULL_MAX_NS; at full speed */
static u64 null_duration(struct null_device *nd, const struct ai_job *job)
{
	const struct null_model *nm = job->prepared;
	const struct null_config *cfg = &nd->cfg;
	u64 macs, ps, ns;

	ns = cfg->latency_ns;
	if (cfg->jitter_ns)
		ns += mul_u64_u32_shr(cfg->jitter_ns,
				      prandom_u32_state(&nd->rnd), 32);
	if (cfg->ps_per_mac) {
		if (check_mul_overflow(nm->macs, (u64)job->count, &macs) ||
		    check_mul_overflow(macs, cfg->ps_per_mac, &ps))
			return NULL_MAX_NS;
		ns += div_u64(ps, 1000);
	}
	return min(ns, NULL_MAX_NS);
}

/* What takes @ns at one speed, in thousandths, at another one. */
static u64 null_paced(u64 ns, u32 from, u32 to)
{
	return from == to ? ns : div_u64(ns * from, to);
}

/* With nd->lock: jobs on their way go on at another speed. */
void null_repace(struct null_device *nd, u32 old)
{
	s64 left;
	u32 i;

	for (i = 0; i < nd->nr_lanes; i++) {
		struct null_lane *lane = &nd->lanes[i];

		left = ktime_to_ns(hrtimer_get_remaining(&lane->timer));
		/* Else its timer has fired, and waits for the lock. */
		if (lane->job && left > 0)
			hrtimer_start(&lane->timer,
				      ns_to_ktime(null_paced(left, old, nd->speed)),
				      NULL_TIMER_MODE);
	}
}

static bool null_nth(u64 job, u64 every)
{
	u64 rest;

	if (!every)
		return false;
	div64_u64_rem(job, every, &rest);
	return !rest;
}

/* Count the job in and say how it will end. */
static int null_fate(struct null_device *nd)
{
	const struct null_config *cfg = &nd->cfg;
	u64 n = ++nd->jobs;

	if (cfg->remove_after && n >= cfg->remove_after)
		return NULL_VANISH;
	if (null_nth(n, cfg->stall_every))
		return NULL_STALL;
	if (null_nth(n, cfg->error_every))
		return -EIO;
	if (cfg->error_ppm &&
	    mul_u64_u32_shr(1000000, prandom_u32_state(&nd->rnd), 32) < cfg->error_ppm)
		return -EIO;
	return 0;
}

static struct null_lane *null_take_lane(struct null_device *nd)
{
	struct null_lane *lane;

	lane = list_first_entry_or_null(&nd->idle, struct null_lane, idle);
	if (lane) {
		list_del_init(&lane->idle);
		null_heat(nd);
		nd->busy++;
	}
	return lane;
}

static void null_start(struct null_lane *lane, struct ai_job *job)
{
	job->driver[JOB_STATE] = NULL_JOB_RUNNING;
	job->driver[JOB_LANE] = lane - lane->nd->lanes;
	lane->job = job;
	ai_job_begins(job);
	hrtimer_start(&lane->timer,
		      ns_to_ktime(null_paced(job->driver[JOB_NS], 1000,
					     lane->nd->speed)),
		      NULL_TIMER_MODE);
}

/* The lane has nothing to do: give it the longest waiting job, or let it idle. */
static void null_next(struct null_lane *lane)
{
	struct null_device *nd = lane->nd;
	struct ai_job *job;

	job = list_first_entry_or_null(&nd->waiting, struct ai_job, node);
	if (job) {
		list_del(&job->node);
		null_start(lane, job);
	} else {
		null_heat(nd);
		nd->busy--;
		list_add(&lane->idle, &nd->idle);
	}
}

static enum hrtimer_restart null_timer(struct hrtimer *timer)
{
	struct null_lane *lane = container_of(timer, struct null_lane, timer);
	struct null_device *nd = lane->nd;
	struct ai_job *job;
	unsigned long flags;

	spin_lock_irqsave(&nd->lock, flags);
	/* Armed anew while this firing waited for the lock: it is a stale one. */
	if (hrtimer_is_queued(timer)) {
		spin_unlock_irqrestore(&nd->lock, flags);
		return HRTIMER_NORESTART;
	}
	job = lane->job;
	lane->job = NULL;
	if (job)
		job->driver[JOB_STATE] = NULL_JOB_OURS_NO_MORE;
	null_next(lane);
	spin_unlock_irqrestore(&nd->lock, flags);

	if (job)
		ai_job_complete(nd->dev, job, (int)job->driver[JOB_STATUS]);
	return HRTIMER_NORESTART;
}

static noinline int null_submit_slow(struct null_device *nd,
				     struct ai_device *dev, struct ai_job *job)
{
	bool vanish = false, done = false;
	struct null_lane *lane;
	unsigned long flags;
	int fate;

	spin_lock_irqsave(&nd->lock, flags);
	if (WARN_ON_ONCE(nd->down)) {
		spin_unlock_irqrestore(&nd->lock, flags);
		return -EIO;
	}
	fate = null_fate(nd);
	job->driver[JOB_NS] = null_duration(nd, job);
	job->driver[JOB_STATUS] = fate;
	if (fate > 0) {
		vanish = fate == NULL_VANISH;
		nd->dying |= vanish;
		job->driver[JOB_STATE] = NULL_JOB_STALLED;
		ai_job_begins(job);
		list_add_tail(&job->node, &nd->stalled);
	} else if (!job->driver[JOB_NS]) {
		job->driver[JOB_STATE] = NULL_JOB_OURS_NO_MORE;
		done = true;
	} else {
		lane = null_take_lane(nd);
		if (lane) {
			null_start(lane, job);
		} else {
			job->driver[JOB_STATE] = NULL_JOB_WAITING;
			list_add_tail(&job->node, &nd->waiting);
		}
	}
	spin_unlock_irqrestore(&nd->lock, flags);

	if (vanish)
		null_device_vanish();
	if (done)
		ai_job_complete(dev, job, fate);
	return 0;
}

/* A function of its own, so that a job that does nothing saves no registers. */
static int null_submit(struct ai_device *dev, struct ai_job *job)
{
	const struct null_model *nm = job->prepared;
	struct null_device *nd = nm->nd;

	if (!READ_ONCE(nd->at_once))
		return null_submit_slow(nd, dev, job);
	ai_job_complete(dev, job, 0);
	return 0;
}

/* Wait in the caller's context. A stalled job ends by being cancelled alone. */
static int null_wait(struct ai_job *job, u64 ns, bool stalled)
{
	ktime_t end = ktime_add_ns(ktime_get(), ns);
	ktime_t slice;

	while (!ai_job_cancelled(job)) {
		slice = ns_to_ktime(NULL_POLL_NS);
		if (!stalled) {
			ktime_t left = ktime_sub(end, ktime_get());

			if (left <= 0)
				return 0;
			slice = min(slice, left);
		}
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_hrtimeout(&slice, HRTIMER_MODE_REL);
	}
	return -ECANCELED;
}

/* Only devices with sync_run=1 have this op; see null_device_create(). */
static int null_run(struct ai_device *dev, struct ai_job *job)
{
	struct null_device *nd = ai_device_priv(dev);
	struct null_lane *lane;
	int fate, ret;
	u64 ns;

	if (READ_ONCE(nd->at_once))
		return 0;

	spin_lock_irq(&nd->lock);
	lane = null_take_lane(nd);
	if (!lane) {
		spin_unlock_irq(&nd->lock);
		return -EAGAIN;
	}
	fate = null_fate(nd);
	ns = null_paced(null_duration(nd, job), 1000, nd->speed);
	if (fate == NULL_VANISH)
		nd->dying = true;
	if (!ns && fate <= 0)
		null_next(lane);
	spin_unlock_irq(&nd->lock);

	if (!ns && fate <= 0)
		return fate;
	if (fate == NULL_VANISH)
		null_device_vanish();
	ret = null_wait(job, ns, fate > 0);

	spin_lock_irq(&nd->lock);
	null_next(lane);
	spin_unlock_irq(&nd->lock);
	return ret ?: fate;
}

/*
 * Take a job from its lane and have the lane's timer fire at once: it finds no
 * job and goes on with the next. Arming is all that happens to a timer outside
 * its own function, so it makes no difference if that is running just now.
 */
static void null_rob_lane(struct null_lane *lane)
{
	lane->job = NULL;
	hrtimer_start(&lane->timer, 0, NULL_TIMER_MODE);
}

static void null_cancel(struct ai_device *dev, struct ai_job *job)
{
	struct null_device *nd = ai_device_priv(dev);
	bool ours = false;
	unsigned long flags;

	spin_lock_irqsave(&nd->lock, flags);
	if (!nd->cfg.ignore_cancel) {
		switch (job->driver[JOB_STATE]) {
		case NULL_JOB_WAITING:
		case NULL_JOB_STALLED:
			list_del(&job->node);
			ours = true;
			break;
		case NULL_JOB_RUNNING:
			null_rob_lane(&nd->lanes[job->driver[JOB_LANE]]);
			ours = true;
			break;
		}
		job->driver[JOB_STATE] = NULL_JOB_OURS_NO_MORE;
	}
	spin_unlock_irqrestore(&nd->lock, flags);

	if (ours)
		ai_job_complete(dev, job, -ECANCELED);
}

/* Wait for a lane's timer function to end. */
static void null_settle_lane(struct null_lane *lane)
{
	struct null_device *nd = lane->nd;

	/* True: the firing that would have freed the lane was still to come. */
	if (hrtimer_cancel(&lane->timer)) {
		spin_lock_irq(&nd->lock);
		null_next(lane);
		spin_unlock_irq(&nd->lock);
	}
}

/*
 * End every job, wherever it is. Core submits nothing meanwhile. A job whose
 * timer fired just before is being completed on another CPU: wait for that,
 * since after reset() no job may be left with us.
 */
static int null_reset(struct ai_device *dev)
{
	struct null_device *nd = ai_device_priv(dev);
	struct ai_job *job, *next;
	bool fails;
	LIST_HEAD(lost);
	u32 i;

	spin_lock_irq(&nd->lock);
	list_splice_init(&nd->waiting, &lost);
	list_splice_init(&nd->stalled, &lost);
	for (i = 0; i < nd->nr_lanes; i++) {
		struct null_lane *lane = &nd->lanes[i];

		if (lane->job) {
			list_add_tail(&lane->job->node, &lost);
			null_rob_lane(lane);
		}
	}
	list_for_each_entry(job, &lost, node)
		job->driver[JOB_STATE] = NULL_JOB_OURS_NO_MORE;
	fails = nd->cfg.reset_fails;
	spin_unlock_irq(&nd->lock);

	list_for_each_entry_safe(job, next, &lost, node)
		ai_job_complete(dev, job, -EIO);
	for (i = 0; i < nd->nr_lanes; i++)
		null_settle_lane(&nd->lanes[i]);
	return fails ? -EIO : 0;
}

static const struct ai_device_ops null_ops = {
	.size		= sizeof(struct ai_device_ops),
	.version	= AI_DEVICE_API_VERSION,
	.prepare	= null_prepare,
	.unprepare	= null_unprepare,
	.submit		= null_submit,
	.cancel		= null_cancel,
	.reset		= null_reset,
	.query		= null_query,
};

static struct ai_device *null_register(struct null_device *nd)
{
	const struct null_config *cfg = &nd->cfg;
	struct ai_point points[NULL_MAX_POINTS];
	struct ai_device_ops ops = null_ops;	/* core copies it */
	struct ai_device_info info = {
		.size		= sizeof(info),
		.dev_class	= AIOFFLOAD_CLASS_VIRTUAL,
		.queue_depth	= cfg->queue_depth,
		.owner		= cfg->ownerless ? NULL : THIS_MODULE,
		.driver		= KBUILD_MODNAME,
		.lanes		= cfg->parallelism,
		.power_idle_uw	= min_t(u64, cfg->power_idle_uw, U32_MAX),
		.power_busy_uw	= min_t(u64, cfg->power_busy_uw, U32_MAX),
		.power_down_uw	= cfg->power_down_uw,
		.wake_ns	= cfg->wake_ns,
	};
	char desc[AIOFFLOAD_NAME_LEN];

	snprintf(desc, sizeof(desc), "null device, %llu ns, %llu at a time",
		 cfg->latency_ns, cfg->parallelism);
	info.desc = desc;
	if (cfg->sync_run) {
		info.caps |= AIOFFLOAD_CAP_SYNC;
		ops.run = null_run;
	}
	if (cfg->idle_down) {
		ops.suspend = null_suspend;
		ops.resume = null_resume;
	}
	if (cfg->points) {
		info.points = points;
		info.nr_points = null_points(cfg, points);
		ops.set_point = null_set_point;
	}
	return ai_device_register(&info, &ops, nd);
}

/* What the device does from the next job on; jobs are counted anew. */
void null_device_set(struct null_device *nd, const struct null_config *cfg)
{
	spin_lock_irq(&nd->lock);
	null_heat(nd);
	nd->cfg = *cfg;
	null_at_speed(nd, nd->speed);
	nd->jobs = 0;
	/* What has states of power looks at them for each job. */
	WRITE_ONCE(nd->at_once, !(cfg->idle_down || cfg->points ||
				  cfg->heat_mc_per_w || cfg->latency_ns || cfg->jitter_ns ||
				  cfg->ps_per_mac || cfg->error_every ||
				  cfg->error_ppm || cfg->stall_every ||
				  cfg->remove_after));
	spin_unlock_irq(&nd->lock);
}

/*
 * A device that works as @cfg says. Everything is ready before
 * ai_device_register(): jobs may come from then on.
 */
struct null_device *null_device_create(const struct null_config *cfg)
{
	struct null_device *nd;
	struct ai_device *dev;
	u32 i;

	nd = kvzalloc(struct_size(nd, lanes, cfg->parallelism), GFP_KERNEL);
	if (!nd)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&nd->lock);
	INIT_LIST_HEAD(&nd->idle);
	INIT_LIST_HEAD(&nd->waiting);
	INIT_LIST_HEAD(&nd->stalled);
	null_power_init(nd);
	null_device_set(nd, cfg);
	/* The same seed each time: benchmarks and tests repeat. */
	prandom_seed_state(&nd->rnd, 1);
	nd->nr_lanes = cfg->parallelism;
	for (i = 0; i < nd->nr_lanes; i++) {
		struct null_lane *lane = &nd->lanes[i];

		lane->nd = nd;
		hrtimer_setup(&lane->timer, null_timer, CLOCK_MONOTONIC,
			      NULL_TIMER_MODE);
		list_add_tail(&lane->idle, &nd->idle);
	}

	dev = null_register(nd);
	if (IS_ERR(dev)) {
		kvfree(nd);
		return ERR_CAST(dev);
	}
	WRITE_ONCE(nd->dev, dev);
	null_power_start(nd);
	return nd;
}

/*
 * Take the device away, with jobs in flight if need be. ai_device_unregister()
 * has core end the jobs (by ->reset()) and returns when no op runs any more.
 * What is left is to stop what the driver itself set going, the timers, and
 * only then to free the memory that they use.
 */
void null_device_destroy(struct null_device *nd)
{
	u32 i;

	null_power_stop(nd);
	ai_device_unregister(nd->dev);
	for (i = 0; i < nd->nr_lanes; i++)
		hrtimer_cancel(&nd->lanes[i].timer);
	kvfree(nd);
}
