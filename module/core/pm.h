/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Power of devices: docs/power.md.
 *
 *	pm.c		idling down and waking up
 *	pm_freq.c	operating points, and devfreq
 *	pm_cool.c	a cooling device
 *	pm_hwmon.c	power and temperature for hwmon
 *
 * A device whose driver has suspend() and resume() is under runtime PM as any
 * other in the kernel: its power/ directory in sysfs says when it idles down.
 * While it is down its gate is shut (AI_GATE_ASLEEP): jobs wait, the first one
 * has a worker wake it. Jobs of a device that is up know nothing of all this.
 */
#ifndef AIOFFLOAD_PM_H
#define AIOFFLOAD_PM_H

#include <linux/ai_device.h>
#include <linux/compiler.h>
#include <linux/devfreq.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "../sched/power.h"

struct thermal_cooling_device;

/**
 * struct ai_pm - a device that idles down, or has operating points, or both
 * @dev:	the device
 * @lock:	guards @down, @wake_ns, all of points up to @short_ppm, and that
 *		the driver's ops for power are called one at a time
 * @down:	by suspend()
 * @wake_ns:	what resume() takes
 * @down_uw:	power while down
 * @jobs:	that had ended when runtime PM last looked; by its callbacks alone,
 *		of which one runs at a time
 * @wake_work:	has it resumed
 *
 * @nr_points:	operating points, 0: it has none
 * @points:	slowest first
 * @speeds:	theirs
 * @point:	the present one
 * @want:	what the governor wants
 * @cool_limit:	no point above, by the cooling device,
 * @own_limit:	and by the device itself,
 * @limit:	and so by both
 * @settle_work: goes to the point that is right now
 * @shortest_ns: no relative deadline that was promised is shorter
 * @short_ppm:	promised to realtime beyond what is left at @limit
 *
 * @cdev:	its cooling device, or NULL
 * @df:		its devfreq, or NULL
 * @profile:	and what that wants to know
 * @hz:		likewise
 * @policy:	of our governor; this and the following under devfreq's lock
 * @look_at:	when it last looked,
 * @look_busy:	busy time
 * @look_ended:	and jobs that had ended by then
 */
struct ai_pm {
	struct ai_device *dev;
	struct mutex lock;	/* see above */
	bool down;
	u64 wake_ns;
	u32 down_uw;
	u64 jobs;
	struct work_struct wake_work;

	u32 nr_points;
	struct ai_point points[AI_MAX_POINTS];
	u32 speeds[AI_MAX_POINTS];
	u32 point;
	u32 want;
	u32 cool_limit;
	u32 own_limit;
	u32 limit;
	struct work_struct settle_work;
	u64 shortest_ns;
	u64 short_ppm;

	struct thermal_cooling_device *cdev;
	struct devfreq *df;
	struct devfreq_dev_profile profile;
	unsigned long hz[AI_MAX_POINTS];
	struct power_policy policy;
	u64 look_at;
	u64 look_busy;
	u64 look_ended;
};

/* pm.c */
int ai_pm_init(struct ai_device *dev, const struct ai_device_info *info);
int ai_pm_start(struct ai_device *dev);
void ai_pm_stop(struct ai_device *dev);
int ai_pm_get(struct ai_device *dev);
void ai_pm_put(struct ai_device *dev);
void ai_pm_awaited(struct ai_device *dev);
void ai_pm_promised(struct ai_device *dev, u64 deadline_ns);
bool ai_pm_is_ours(const struct device *device);
void ai_pm_show(struct ai_device *dev);
void ai_pm_hide(struct ai_device *dev);
u32 ai_pm_state(struct ai_device *dev);
int ai_pm_query(struct ai_device *dev, struct ai_device_status *status);

/* pm_freq.c */
int ai_freq_init(struct ai_device *dev, const struct ai_device_info *info);
int ai_freq_start(struct ai_device *dev);
int ai_freq_settle(struct ai_device *dev, bool again);
int ai_freq_cool(struct ai_device *dev, u32 limit);
void ai_freq_promised(struct ai_device *dev, u64 deadline_ns);
void ai_freq_again(struct ai_device *dev);
void ai_freq_unpromised(struct ai_device *dev);
void ai_freq_stop(struct ai_device *dev);
u32 ai_freq_speed(const struct ai_device *dev);
u32 ai_freq_limit(const struct ai_device *dev);
u32 ai_freq_khz(const struct ai_device *dev);
u64 ai_freq_short(const struct ai_device *dev);
#if IS_ENABLED(CONFIG_PM_DEVFREQ)
void ai_freq_add(struct ai_device *dev);
void ai_freq_remove(struct ai_device *dev);
void ai_freq_pause(struct ai_device *dev);
void ai_freq_go_on(struct ai_device *dev);
int ai_governor_init(void);
void ai_governor_exit(void);
#else
static inline void ai_freq_add(struct ai_device *dev) { }
static inline void ai_freq_remove(struct ai_device *dev) { }
static inline void ai_freq_pause(struct ai_device *dev) { }
static inline void ai_freq_go_on(struct ai_device *dev) { }

static inline int ai_governor_init(void)
{
	return 0;
}

static inline void ai_governor_exit(void) { }
#endif

/* pm_cool.c */
void ai_cool_add(struct ai_device *dev);
void ai_cool_remove(struct ai_device *dev);

/* pm_hwmon.c */
void ai_hwmon_add(struct ai_device *dev);
void ai_hwmon_remove(struct ai_device *dev);

#endif /* AIOFFLOAD_PM_H */
