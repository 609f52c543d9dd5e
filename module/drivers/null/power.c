// SPDX-License-Identifier: GPL-2.0
/*
 * Power of a device that has none: what it says that it takes, and how warm that
 * makes it; operating points, at which jobs take longer; and idling down, which
 * does nothing but check that core keeps to its promises.
 */
#include <linux/delay.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include "null.h"

#define NULL_KHZ	1000000	/* at full speed */
#define NULL_AMBIENT	25000	/* in 1/1000 degree */
#define NULL_RELIEF	2000	/* so much cooler it is fast again */
#define NULL_LOOK_MS	20

/* All lanes busy at this speed: what is above idling goes by a power of that. */
static u64 null_busy_uw(const struct null_config *cfg, u32 speed)
{
	u64 idle = cfg->power_idle_uw, more, i;

	if (cfg->power_busy_uw <= idle)
		return cfg->power_busy_uw;
	more = cfg->power_busy_uw - idle;
	for (i = 0; i < cfg->power_exp; i++)
		more = div_u64(more * speed, 1000);
	return idle + more;
}

/* With nd->lock, or before anybody knows of it. */
void null_at_speed(struct null_device *nd, u32 speed)
{
	nd->speed = speed;
	nd->busy_uw = null_busy_uw(&nd->cfg, speed);
}

static u32 null_speed(const struct null_config *cfg, u32 point)
{
	return 1000 * (point + 1) / (u32)cfg->points;
}

u32 null_points(const struct null_config *cfg, struct ai_point *points)
{
	u32 i;

	for (i = 0; i < cfg->points; i++) {
		points[i].speed = null_speed(cfg, i);
		points[i].khz = NULL_KHZ / 1000 * points[i].speed;
		points[i].power_uw = null_busy_uw(cfg, points[i].speed);
	}
	return i;
}

int null_set_point(struct ai_device *dev, u32 point)
{
	struct null_device *nd = ai_device_priv(dev);
	int ret = 0;
	u32 old;

	spin_lock_irq(&nd->lock);
	old = nd->speed;
	WARN_ON_ONCE(nd->down || point >= nd->cfg.points);
	if (nd->cfg.point_fails) {
		ret = -EIO;
	} else {
		null_heat(nd);
		null_at_speed(nd, null_speed(&nd->cfg, point));
		null_repace(nd, old);
	}
	spin_unlock_irq(&nd->lock);
	return ret;
}

/* With nd->lock. */
static u64 null_power(const struct null_device *nd)
{
	u64 idle = nd->cfg.power_idle_uw;

	if (nd->down)
		return nd->cfg.power_down_uw;
	if (nd->busy_uw <= idle)
		return idle;
	return idle + div_u64((nd->busy_uw - idle) * nd->busy, nd->nr_lanes);
}

/*
 * With nd->lock, before its power changes: how warm it has got. Its distance from
 * where it is heading shrinks by tau / (tau + dt) in the time dt.
 */
void null_heat(struct null_device *nd)
{
	const struct null_config *cfg = &nd->cfg;
	ktime_t now;
	s64 goal, us;

	if (!cfg->heat_mc_per_w)
		return;
	now = ktime_get();
	us = min_t(s64, ktime_us_delta(now, nd->heat_at), U32_MAX);
	nd->heat_at = now;
	goal = NULL_AMBIENT + div_u64(cfg->heat_mc_per_w * null_power(nd),
				      1000000);
	goal = min_t(s64, goal, S32_MAX);
	nd->temp_mc += div64_s64((goal - nd->temp_mc) * us,
				 us + cfg->heat_ms * 1000);
}

/* As firmware would: too hot is slow, until it isn't. */
static void null_look(struct work_struct *work)
{
	struct null_device *nd = container_of(to_delayed_work(work),
					      struct null_device, heat_work);
	bool was = nd->hot, hot;

	spin_lock_irq(&nd->lock);
	null_heat(nd);
	if (nd->temp_mc >= nd->cfg.trip_mc)
		nd->hot = true;
	else if (nd->temp_mc + NULL_RELIEF < nd->cfg.trip_mc)
		nd->hot = false;
	hot = nd->hot;
	spin_unlock_irq(&nd->lock);
	if (hot != was)
		ai_device_limit(nd->dev, hot ? 0 : U32_MAX);
	schedule_delayed_work(&nd->heat_work, msecs_to_jiffies(NULL_LOOK_MS));
}

void null_power_init(struct null_device *nd)
{
	nd->speed = 1000;
	nd->temp_mc = NULL_AMBIENT;
	nd->heat_at = ktime_get();
	INIT_DELAYED_WORK(&nd->heat_work, null_look);
}

/* It is registered. */
void null_power_start(struct null_device *nd)
{
	if (nd->cfg.trip_mc && nd->cfg.heat_mc_per_w)
		schedule_delayed_work(&nd->heat_work, 0);
}

void null_power_stop(struct null_device *nd)
{
	cancel_delayed_work_sync(&nd->heat_work);
}

int null_query(struct ai_device *dev, struct ai_device_status *status)
{
	struct null_device *nd = ai_device_priv(dev);

	spin_lock_irq(&nd->lock);
	null_heat(nd);
	status->power_uw = null_power(nd);
	if (nd->cfg.heat_mc_per_w)
		status->temp_mc = nd->temp_mc;
	spin_unlock_irq(&nd->lock);
	return 0;
}

int null_suspend(struct ai_device *dev)
{
	struct null_device *nd = ai_device_priv(dev);
	int ret = 0;

	spin_lock_irq(&nd->lock);
	WARN_ON_ONCE(nd->down || nd->busy || !list_empty(&nd->waiting) ||
		     !list_empty(&nd->stalled));
	if (nd->cfg.suspend_fails) {
		ret = -EIO;
	} else {
		null_heat(nd);
		nd->down = true;
	}
	spin_unlock_irq(&nd->lock);
	return ret;
}

int null_resume(struct ai_device *dev)
{
	struct null_device *nd = ai_device_priv(dev);
	u64 wake_ns;
	int ret = 0;

	spin_lock_irq(&nd->lock);
	WARN_ON_ONCE(!nd->down);
	wake_ns = nd->cfg.wake_ns;
	spin_unlock_irq(&nd->lock);

	if (wake_ns)
		fsleep(div_u64(wake_ns, NSEC_PER_USEC));

	spin_lock_irq(&nd->lock);
	if (nd->cfg.resume_fails) {
		ret = -EIO;
	} else {
		null_heat(nd);
		nd->down = false;
	}
	spin_unlock_irq(&nd->lock);
	return ret;
}
