/* SPDX-License-Identifier: GPL-2.0 */
/*
 * aioffload_null: devices that do nothing, as slowly and as badly as told.
 *
 *   main.c     the module's parameters; devices come and go
 *   device.c   what a driver of a real device would have: the ops
 *   power.c    those for power
 *
 * Locks:
 *   null_lock (mutex, main.c)  the list of devices; held while one is added or
 *	removed. No op takes it, so ai_device_unregister() may be called with it
 *	held although that waits for the ops.
 *   null_device.lock (spinlock, interrupts off)  everything below "lock" in
 *	struct null_device. Never held when calling into core: ai_job_complete()
 *	may come back with the next ->submit().
 */
#ifndef _AIOFFLOAD_NULL_H
#define _AIOFFLOAD_NULL_H

#include <linux/ai_device.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/prandom.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#define NULL_MAX_DEPTH	4096
/*
 * Soft: a device that is set up to be faster than the CPU is then throttled like
 * any flood of softirqs, where hard timers would leave the CPU to nobody else.
 */
#define NULL_TIMER_MODE	HRTIMER_MODE_REL_SOFT
#define NULL_MAX_NS	(3600ULL * NSEC_PER_SEC)	/* no job is longer */
#define NULL_MAX_WAKE	(10ULL * NSEC_PER_SEC)
#define NULL_MAX_POINTS	16

/*
 * What can be set for each device; main.c has the table with names, limits and
 * texts. All u64, so that one parser serves all.
 */
struct null_config {
	u64 latency_ns;
	u64 jitter_ns;
	u64 ps_per_mac;
	u64 parallelism;
	u64 queue_depth;
	u64 sync_run;
	u64 power_idle_uw;
	u64 power_busy_uw;
	u64 power_down_uw;
	u64 idle_down;
	u64 wake_ns;
	u64 suspend_fails;
	u64 resume_fails;
	u64 points;
	u64 power_exp;
	u64 point_fails;
	u64 heat_mc_per_w;
	u64 heat_ms;
	u64 trip_mc;
	u64 error_every;
	u64 error_ppm;
	u64 stall_every;
	u64 ignore_cancel;
	u64 reset_fails;
	u64 remove_after;
	u64 ownerless;
};

/* One job at a time; a device has @parallelism of them. */
struct null_lane {
	struct hrtimer timer;
	struct null_device *nd;
	struct ai_job *job;	/* NULL: idle, or just robbed by cancel or reset */
	struct list_head idle;	/* in null_device.idle if it is */
};

struct null_device {
	struct ai_device *dev;		/* null_lock */
	struct list_head entry;		/* null_lock */
	u64 caps;

	/*
	 * No latency, no fault: a job ends where it begins, and nothing is
	 * counted. Written under the lock, read without: a job sees the
	 * settings before a change or those after it.
	 */
	bool at_once;

	spinlock_t lock;		/* all below */
	struct null_config cfg;
	struct rnd_state rnd;
	u64 jobs;			/* since added or last set */
	bool dying;			/* remove_after was reached */
	bool down;			/* suspended: has no job, and gets none */
	u32 speed;			/* in thousandths */
	u64 busy_uw;			/* at this speed, all lanes busy */
	s64 temp_mc;			/* as of */
	ktime_t heat_at;		/* this */
	bool hot;			/* slowed down for that */
	u32 busy;			/* lanes not idle */
	struct list_head idle;		/* lanes */
	struct list_head waiting;	/* jobs, for a lane */
	struct list_head stalled;	/* jobs, for cancel or reset */

	struct delayed_work heat_work;	/* not under the lock */
	u32 nr_lanes;
	struct null_lane lanes[];
};

struct null_device *null_device_create(const struct null_config *cfg);
void null_device_destroy(struct null_device *nd);
void null_device_set(struct null_device *nd, const struct null_config *cfg);
void null_repace(struct null_device *nd, u32 old);

/* power.c */
void null_power_init(struct null_device *nd);
void null_power_start(struct null_device *nd);
void null_power_stop(struct null_device *nd);
u32 null_points(const struct null_config *cfg, struct ai_point *points);
void null_at_speed(struct null_device *nd, u32 speed);
void null_heat(struct null_device *nd);
int null_query(struct ai_device *dev, struct ai_device_status *status);
int null_suspend(struct ai_device *dev);
int null_resume(struct ai_device *dev);
int null_set_point(struct ai_device *dev, u32 point);

/* main.c: take the device away soon, from any context */
void null_device_vanish(void);

#endif /* _AIOFFLOAD_NULL_H */
