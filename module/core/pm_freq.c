// SPDX-License-Identifier: GPL-2.0
/*
 * Operating points: who says at which one a device works.
 *
 *	want	the governor of devfreq, by load; full speed where there is none
 *	floor	what was promised to realtime needs no less
 *	limit	it is too hot for more: a cooling device, or the device itself
 *
 * It is min(max(want, floor), limit): saving power breaks no promise, whatever
 * governor and limits devfreq was given; heat comes before everything, and is
 * told to those who were promised something, see tell_short().
 */
#include <linux/kobject.h>
#include <linux/pm_opp.h>

#include "../compat/devfreq.h"
#include "activity.h"
#include "internal.h"

static u32 limit_of(const struct ai_pm *pm)
{
	return min(pm->cool_limit, pm->own_limit);
}

/* At which it works now, and up to which it may go, in thousandths. */
u32 ai_freq_speed(const struct ai_device *dev)
{
	const struct ai_pm *pm = dev->pm;

	return pm && pm->nr_points ? pm->speeds[READ_ONCE(pm->point)] :
				     POWER_FULL_SPEED;
}

u32 ai_freq_limit(const struct ai_device *dev)
{
	const struct ai_pm *pm = dev->pm;

	return pm && pm->nr_points ? pm->speeds[READ_ONCE(pm->limit)] :
				     POWER_FULL_SPEED;
}

u32 ai_freq_khz(const struct ai_device *dev)
{
	const struct ai_pm *pm = dev->pm;

	return pm && pm->nr_points ? pm->points[READ_ONCE(pm->point)].khz : 0;
}

u64 ai_freq_short(const struct ai_device *dev)
{
	return dev->pm ? READ_ONCE(dev->pm->short_ppm) : 0;
}

/*
 * Promises that don't hold at the limit: whoever made them is to hear of it, and
 * when they hold again.
 */
static void tell_short(struct ai_device *dev, u64 short_ppm)
{
	struct ai_pm *pm = dev->pm;
	bool was = pm->short_ppm;
	char *env[2] = { };
	char word[32];

	WRITE_ONCE(pm->short_ppm, short_ppm);
	if (was == !!short_ppm)
		return;
	if (short_ppm)
		dev_warn(&dev->device, "too hot for what realtime was promised: %llu ppm too much\n",
			 short_ppm);
	snprintf(word, sizeof(word), "AIOFFLOAD_REALTIME=%s",
		 short_ppm ? "short" : "kept");
	env[0] = word;
	kobject_uevent_env(&dev->device.kobj, KOBJ_CHANGE, env);
}

/* With pm->lock. @short_ppm: out: what was promised beyond @limit's speed */
static u32 floor_of(struct ai_device *dev, u32 limit, u64 *short_ppm)
{
	struct ai_sched_dev *sd = &dev->sched;
	struct ai_pm *pm = dev->pm;
	u32 speed;

	spin_lock_irq(&sd->lock);
	if (!sd->arb.density)
		pm->shortest_ns = U64_MAX;
	speed = power_rt_speed(&sd->arb, pm->shortest_ns, ai_sched_block_ns(sd));
	*short_ppm = power_rt_short(&sd->arb, pm->speeds[limit]);
	spin_unlock_irq(&sd->lock);
	return speed ? power_point(pm->speeds, pm->nr_points, speed) : 0;
}

static void tell_place(struct ai_device *dev, u32 limit)
{
	struct ai_pm *pm = dev->pm;
	unsigned long flags;

	spin_lock_irqsave(&dev->place_lock, flags);
	place_dev_speed(&dev->place, pm->speeds[limit], pm->speeds[pm->point],
			ai_now());
	spin_unlock_irqrestore(&dev->place_lock, flags);
	if (pm->points[limit].power_uw)
		ai_place_power(dev, dev->place.idle_uw,
			       pm->points[limit].power_uw);
}

/*
 * ai_freq_settle() - go to the point that is right now
 * @again:	tell the driver even if it is the same one
 *
 * With pm->lock. One that is down is told when it is up. Return: 0 or an errno of
 * the driver: it stays at the point where it was.
 */
int ai_freq_settle(struct ai_device *dev, bool again)
{
	struct ai_pm *pm = dev->pm;
	u32 limit = limit_of(pm), point;
	u64 short_ppm;
	int ret = 0;

	point = min(max(pm->want, floor_of(dev, limit, &short_ppm)), limit);
	WRITE_ONCE(pm->limit, limit);
	if (!pm->down && (again || point != pm->point)) {
		ret = dev->ops.set_point(dev, point);
		if (!ret) {
			WRITE_ONCE(pm->point, point);
			ai_sched_pace(&dev->sched, pm->speeds[point], ai_now());
		} else {
			dev_warn_ratelimited(&dev->device,
					     "can't go to %u kHz (%d)\n",
					     pm->points[point].khz, ret);
		}
	}
	tell_place(dev, limit);
	tell_short(dev, short_ppm);
	return ret;
}

/* A cooling device has a new state: no point above @limit. */
int ai_freq_cool(struct ai_device *dev, u32 limit)
{
	struct ai_pm *pm = dev->pm;
	int ret;

	mutex_lock(&pm->lock);
	pm->cool_limit = limit;
	ret = ai_freq_settle(dev, false);
	mutex_unlock(&pm->lock);
	return ret;
}

void ai_device_limit(struct ai_device *dev, u32 point)
{
	struct ai_pm *pm = dev->pm;

	if (!pm || !pm->nr_points)
		return;
	mutex_lock(&pm->lock);
	pm->own_limit = min(point, pm->nr_points - 1);
	ai_freq_settle(dev, false);
	mutex_unlock(&pm->lock);
}
EXPORT_SYMBOL_GPL(ai_device_limit);

/*
 * ai_freq_promised() - realtime was promised something, due @deadline_ns after
 * its release. May sleep; when it returns the device is as fast as that needs.
 */
void ai_freq_promised(struct ai_device *dev, u64 deadline_ns)
{
	struct ai_pm *pm = dev->pm;

	if (!pm || !pm->nr_points)
		return;
	mutex_lock(&pm->lock);
	pm->shortest_ns = min(pm->shortest_ns, deadline_ns);
	ai_freq_settle(dev, false);
	mutex_unlock(&pm->lock);
}

static void settle_work(struct work_struct *work)
{
	struct ai_pm *pm = container_of(work, struct ai_pm, settle_work);

	mutex_lock(&pm->lock);
	ai_freq_settle(pm->dev, false);
	mutex_unlock(&pm->lock);
}

/*
 * ai_freq_again() - what realtime needs has changed, by itself
 *
 * Soon, also where the governor never looks again. Any context; the caller has a
 * credit, or a users reference: unregistering waits for those, then cancels it.
 */
void ai_freq_again(struct ai_device *dev)
{
	if (dev->pm && dev->pm->nr_points)
		queue_work(ai_wq, &dev->pm->settle_work);
}

/* Less is promised than before, or nothing. */
void ai_freq_unpromised(struct ai_device *dev)
{
	if (!percpu_ref_tryget_live(&dev->users))
		return;
	ai_freq_again(dev);
	percpu_ref_put(&dev->users);
}

/* No job and no user of the device is left. */
void ai_freq_stop(struct ai_device *dev)
{
	if (dev->pm && dev->pm->nr_points)
		cancel_work_sync(&dev->pm->settle_work);
}

static int check_points(const struct ai_device_info *info)
{
	const struct ai_point *p = info->points;
	u32 i;

	if (!p || info->nr_points > AI_MAX_POINTS)
		return -EINVAL;
	for (i = 0; i < info->nr_points; i++)
		if (!p[i].khz || p[i].khz > ULONG_MAX / 1000 || !p[i].speed ||
		    (i && (p[i].khz <= p[i - 1].khz ||
			   p[i].speed <= p[i - 1].speed)))
			return -EINVAL;
	return p[i - 1].speed == POWER_FULL_SPEED ? 0 : -EINVAL;
}

/* Before the device can be found. Return: 0 or -EINVAL. */
int ai_freq_init(struct ai_device *dev, const struct ai_device_info *info)
{
	struct ai_pm *pm = dev->pm;
	u32 i;

	if (!info->nr_points)
		return dev->ops.set_point ? -EINVAL : 0;
	if (!dev->ops.set_point || !dev->ops.submit || check_points(info))
		return -EINVAL;
	INIT_WORK(&pm->settle_work, settle_work);
	pm->nr_points = info->nr_points;
	for (i = 0; i < pm->nr_points; i++) {
		pm->points[i] = info->points[i];
		pm->speeds[i] = info->points[i].speed;
	}
	pm->want = pm->nr_points - 1;
	pm->cool_limit = pm->want;
	pm->own_limit = pm->want;
	pm->limit = pm->want;
	pm->point = pm->want;
	pm->shortest_ns = U64_MAX;
	return 0;
}

/* It begins at full speed. */
int ai_freq_start(struct ai_device *dev)
{
	struct ai_pm *pm = dev->pm;
	int ret;

	if (!pm->nr_points)
		return 0;
	mutex_lock(&pm->lock);
	ret = ai_freq_settle(dev, true);
	mutex_unlock(&pm->lock);
	return ret;
}

#if IS_ENABLED(CONFIG_PM_DEVFREQ)

#define AI_FREQ_POLL_MS	20

static struct ai_device *to_ai(struct device *device)
{
	return container_of(device, struct ai_device, device);
}

static unsigned long hz(const struct ai_pm *pm, u32 point)
{
	return pm->points[point].khz * 1000UL;
}

/* What happened since this was last called. With the lock of devfreq. */
static void look(struct ai_device *dev, struct power_look *l)
{
	struct ai_pm *pm = dev->pm;
	u64 now = ai_now(), busy = ai_activity_busy_ns(dev);
	struct ai_stats sum;

	ai_device_stats(dev, &sum);
	sum.done += sum.failed;
	*l = (struct power_look) {
		.time_ns = now - pm->look_at,
		/* The sums are no snapshot: they can be less than before. */
		.busy_ns = busy - min(busy, pm->look_busy),
		.ended = sum.done - min(sum.done, pm->look_ended),
		.present = ai_activity_jobs(dev) + READ_ONCE(dev->sched.waiting),
		.speed = ai_freq_speed(dev),
	};
	pm->look_at = now;
	pm->look_busy = busy;
	pm->look_ended = sum.done;
}

/* A realtime job that waits should have ended by now. */
static bool is_late(struct ai_device *dev)
{
	struct ai_sched_dev *sd = &dev->sched;
	const struct arb_node *first;
	bool late;

	spin_lock_irq(&sd->lock);
	first = sd->arb.ready.first;
	late = first && first->key < ai_now();
	spin_unlock_irq(&sd->lock);
	return late;
}

static int governor_target(struct devfreq *df, unsigned long *freq)
{
	struct ai_device *dev = to_ai(df->dev.parent);
	struct ai_pm *pm = dev->pm;
	struct power_look l;
	u32 point;

	look(dev, &l);
	point = power_next(&pm->policy, pm->speeds, pm->nr_points,
			   READ_ONCE(pm->want), &l);
	if (is_late(dev))
		point = pm->nr_points - 1;
	*freq = hz(pm, point);
	return 0;
}

static int governor_event(struct devfreq *df, unsigned int event, void *data)
{
	switch (event) {
	case DEVFREQ_GOV_START:
		/* Devices of others have no queues of ours. */
		if (!ai_pm_is_ours(df->dev.parent))
			return -EINVAL;
		devfreq_monitor_start(df);
		break;
	case DEVFREQ_GOV_STOP:
		devfreq_monitor_stop(df);
		break;
	case DEVFREQ_GOV_UPDATE_INTERVAL:
		devfreq_update_interval(df, data);
		break;
	case DEVFREQ_GOV_SUSPEND:
		devfreq_monitor_suspend(df);
		break;
	case DEVFREQ_GOV_RESUME:
		devfreq_monitor_resume(df);
		break;
	}
	return 0;
}

static struct devfreq_governor ai_governor = {
	.name = "aioffload",
	.attrs = DEVFREQ_GOV_ATTR_POLLING_INTERVAL | DEVFREQ_GOV_ATTR_TIMER,
	.get_target_freq = governor_target,
	.event_handler = governor_event,
};

/* @flags: devfreq asks for no more than @freq, otherwise for no less */
static int freq_target(struct device *device, unsigned long *freq, u32 flags)
{
	struct ai_device *dev = to_ai(device);
	struct ai_pm *pm = dev->pm;
	u32 point = 0;
	int ret;

	while (point + 1 < pm->nr_points && hz(pm, point) < *freq)
		point++;
	if (flags & DEVFREQ_FLAG_LEAST_UPPER_BOUND && point &&
	    hz(pm, point) > *freq)
		point--;
	mutex_lock(&pm->lock);
	WRITE_ONCE(pm->want, point);
	ret = ai_freq_settle(dev, false);
	*freq = hz(pm, pm->point);
	mutex_unlock(&pm->lock);
	return ret;
}

static int freq_status(struct device *device, struct devfreq_dev_status *stat)
{
	struct ai_device *dev = to_ai(device);
	struct power_look l;

	look(dev, &l);
	stat->total_time = l.time_ns;
	stat->busy_time = min(l.busy_ns, l.time_ns);
	stat->current_frequency = hz(dev->pm, READ_ONCE(dev->pm->point));
	return 0;
}

static int freq_current(struct device *device, unsigned long *freq)
{
	struct ai_pm *pm = to_ai(device)->pm;

	*freq = hz(pm, READ_ONCE(pm->point));
	return 0;
}

/* devfreq finds the lowest and the highest clock here, and only here. */
static int add_opps(struct ai_device *dev)
{
	struct ai_pm *pm = dev->pm;
	int ret = 0;
	u32 i;

	for (i = 0; i < pm->nr_points && !ret; i++) {
		pm->hz[i] = hz(pm, i);
		ret = dev_pm_opp_add(&dev->device, pm->hz[i], 0);
	}
	return ret;
}

static struct devfreq *add_devfreq(struct ai_device *dev)
{
	struct ai_pm *pm = dev->pm;
	int ret = add_opps(dev);

	if (ret)
		return ERR_PTR(ret);
	pm->profile = (struct devfreq_dev_profile) {
		.initial_freq = pm->hz[pm->nr_points - 1],
		.polling_ms = AI_FREQ_POLL_MS,
		/* It has work while CPUs idle. */
		.timer = DEVFREQ_TIMER_DELAYED,
		.target = freq_target,
		.get_dev_status = freq_status,
		.get_cur_freq = freq_current,
		.freq_table = pm->hz,
		.max_state = pm->nr_points,
	};
	pm->look_at = ai_now();
	return devfreq_add_device(&dev->device, &pm->profile, ai_governor.name,
				  NULL);
}

/* Runtime PM does not run meanwhile. The device does without if that fails. */
void ai_freq_add(struct ai_device *dev)
{
	struct devfreq *df;

	if (!dev->pm || !dev->pm->nr_points)
		return;
	df = add_devfreq(dev);
	if (!IS_ERR(df)) {
		dev->pm->df = df;
		return;
	}
	dev_warn(&dev->device, "no devfreq (%ld)\n", PTR_ERR(df));
	dev_pm_opp_remove_all_dynamic(&dev->device);
}

void ai_freq_remove(struct ai_device *dev)
{
	if (!dev->pm || !dev->pm->df)
		return;
	devfreq_remove_device(dev->pm->df);
	dev_pm_opp_remove_all_dynamic(&dev->device);
}

/* Nobody looks at a device that is down. By callbacks of runtime PM. */
void ai_freq_pause(struct ai_device *dev)
{
	if (dev->pm->df)
		devfreq_suspend_device(dev->pm->df);
}

void ai_freq_go_on(struct ai_device *dev)
{
	if (dev->pm->df)
		devfreq_resume_device(dev->pm->df);
}

int ai_governor_init(void)
{
	return devfreq_add_governor(&ai_governor);
}

void ai_governor_exit(void)
{
	devfreq_remove_governor(&ai_governor);
}

#endif
