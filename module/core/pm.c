// SPDX-License-Identifier: GPL-2.0
/*
 * Devices idle down when they have had no job for a while, and come up for the
 * next one.
 *
 * No job holds a device up, as counting them would cost each one something:
 * whoever is to idle it down looks whether there were any. So runtime PM's use
 * count is 0 while jobs run, and the suspend callback refuses.
 */
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include "activity.h"
#include "internal.h"

/* As long without a job, at least, unless sysfs says otherwise. */
#define AI_PM_DELAY_MS	2000
/* A device found busy is looked at again after this, if not later. */
#define AI_PM_LOOK_NS	(10 * NSEC_PER_MSEC)

/* Waking up would come too late for whom it was promised to. */
static bool is_promised(struct ai_device *dev)
{
	bool promised;

	spin_lock_irq(&dev->sched.lock);
	promised = dev->sched.arb.density;
	spin_unlock_irq(&dev->sched.lock);
	return promised;
}

/* Is there a job, at the device or waiting? */
static bool has_jobs(const struct ai_device *dev)
{
	return ai_activity_jobs(dev) || ai_sched_backlog(&dev->sched);
}

/* That, or has there been one since it was last asked? */
static bool was_used(struct ai_device *dev)
{
	struct ai_stats sum;
	bool used;

	ai_device_stats(dev, &sum);
	sum.done += sum.failed;
	used = sum.done != dev->pm->jobs || has_jobs(dev);
	dev->pm->jobs = sum.done;
	return used;
}

static void tell_wake(struct ai_device *dev, u64 wake_ns)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->place_lock, flags);
	place_dev_wake(&dev->place, wake_ns);
	spin_unlock_irqrestore(&dev->place_lock, flags);
}

/* The driver's part. An errno: it is still up. */
static int go_down(struct ai_device *dev)
{
	struct ai_pm *pm = dev->pm;
	int ret;

	mutex_lock(&pm->lock);
	ret = dev->ops.suspend(dev);
	if (!ret) {
		WRITE_ONCE(pm->down, true);
		tell_wake(dev, pm->wake_ns);
	}
	mutex_unlock(&pm->lock);
	if (ret)
		dev_warn_ratelimited(&dev->device, "can't idle down (%d)\n",
				     ret);
	return ret;
}

/* An errno: it is still down. */
static int come_up(struct ai_device *dev)
{
	struct ai_pm *pm = dev->pm;
	u64 start = ai_now(), took;
	int ret;

	mutex_lock(&pm->lock);
	ret = dev->ops.resume(dev);
	if (!ret) {
		took = ai_now() - start;
		pm->wake_ns = pm->wake_ns ? (3 * pm->wake_ns + took) / 4 : took;
		WRITE_ONCE(pm->down, false);
		tell_wake(dev, 0);
		if (pm->nr_points)
			ai_freq_settle(dev, true);
	}
	mutex_unlock(&pm->lock);
	return ret;
}

static struct ai_device *to_ai(struct device *device)
{
	return container_of(device, struct ai_device, device);
}

static void open_gate(struct ai_device *dev)
{
	ai_sched_resume(&dev->sched, AI_GATE_ASLEEP);
	ai_dispatch(dev);
}

/*
 * -EBUSY lets runtime PM try again when the delay is over, as reckoned from the
 * last use; but at once is never, so that is set a little into the future.
 */
static int pm_suspend(struct device *device)
{
	struct ai_device *dev = to_ai(device);

	if (ai_sched_gate(&dev->sched) & AI_GATE_CLOSED)
		return -EIO;
	if (was_used(dev) || is_promised(dev))
		goto busy;
	ai_sched_halt(&dev->sched, AI_GATE_ASLEEP);
	/* Whoever saw the gate open has handed over its jobs. */
	synchronize_rcu();
	if (!has_jobs(dev) && !is_promised(dev) && !go_down(dev)) {
		ai_freq_pause(dev);
		return 0;
	}
	open_gate(dev);
busy:
	compat_pm_last_busy(device, ktime_get_mono_fast_ns() + AI_PM_LOOK_NS);
	return -EBUSY;
}

static int pm_resume(struct device *device)
{
	struct ai_device *dev = to_ai(device);
	int ret = come_up(dev);

	if (ret) {
		ai_device_fail(dev, "resume", ret);
		return -EIO;
	}
	ai_freq_go_on(dev);
	open_gate(dev);
	return 0;
}

static const struct dev_pm_ops ai_pm_ops = {
	RUNTIME_PM_OPS(pm_suspend, pm_resume, NULL)
};

static const struct device_type ai_pm_type = {
	.pm = &ai_pm_ops,
};

bool ai_pm_is_ours(const struct device *device)
{
	return device->type == &ai_pm_type;
}

/**
 * ai_pm_get() - have the device up, until ai_pm_put()
 * @dev:	of any kind; not one that is being freed
 *
 * May sleep. Return: 0; or what a job would end with: -ENODEV, -EIO.
 */
int ai_pm_get(struct ai_device *dev)
{
	int ret;

	if (!dev->ops.suspend)
		return 0;
	ret = pm_runtime_resume_and_get(&dev->device);
	if (!ret)
		return 0;
	/* Its parent, perhaps. -EACCES: it is leaving, or the system sleeps. */
	if (ret != -EACCES)
		ai_device_fail(dev, "resume", ret);
	return ai_sched_gate_errno(ai_sched_gate(&dev->sched)) ?: -EIO;
}

void ai_pm_put(struct ai_device *dev)
{
	if (!dev->ops.suspend)
		return;
	pm_runtime_mark_last_busy(&dev->device);
	pm_runtime_put_autosuspend(&dev->device);
}

static void wake_work(struct work_struct *work)
{
	struct ai_device *dev = container_of(work, struct ai_pm,
					     wake_work)->dev;

	if (!ai_pm_get(dev))
		ai_pm_put(dev);
}

/*
 * A job waits. The caller is an RCU-sched reader that has seen the scheduler
 * take it: so unregistering, which waits for readers, can't miss the work. Not
 * before user space thaws, as runtime PM is at rest then.
 */
void ai_pm_awaited(struct ai_device *dev)
{
	if (unlikely(ai_sched_gate(&dev->sched) & AI_GATE_ASLEEP))
		queue_work(system_freezable_wq, &dev->pm->wake_work);
}

/* enum aioffload_pm */
u32 ai_pm_state(struct ai_device *dev)
{
	if (!dev->ops.suspend)
		return AIOFFLOAD_PM_ALWAYS_ON;
	return READ_ONCE(dev->pm->down) ? AIOFFLOAD_PM_SUSPENDED :
					  AIOFFLOAD_PM_ACTIVE;
}

/* The driver is asked if that does not disturb the device. */
int ai_pm_query(struct ai_device *dev, struct ai_device_status *status)
{
	struct ai_pm *pm = dev->pm;
	int ret = 0;

	if (!pm)
		return dev->ops.query(dev, status);
	mutex_lock(&pm->lock);
	if (pm->down)
		status->power_uw = pm->down_uw;
	else
		ret = dev->ops.query(dev, status);
	mutex_unlock(&pm->lock);
	return ret;
}

/*
 * ai_pm_promised() - realtime was promised something, due @deadline_ns after its
 * release. When this returns, the device is up and as fast as that needs.
 */
void ai_pm_promised(struct ai_device *dev, u64 deadline_ns)
{
	ai_freq_promised(dev, deadline_ns);
	if (!ai_pm_get(dev))
		ai_pm_put(dev);
}

static int check_ops(const struct ai_device_ops *ops,
		     const struct ai_device_info *info)
{
	if (!ops->suspend && !ops->resume)
		return 0;
	/* Nothing keeps up a device that works in its callers' context. */
	if (!ops->suspend || !ops->resume || !ops->submit ||
	    info->caps & AIOFFLOAD_CAP_SYNC)
		return -EINVAL;
	return 0;
}

/*
 * Before the device can be found. Return: 0, -ENOMEM, or -EINVAL: ops or points
 * that make no sense.
 */
int ai_pm_init(struct ai_device *dev, const struct ai_device_info *info)
{
	const struct ai_device_ops *ops = &dev->ops;
	struct ai_pm *pm;
	int ret;

	ret = check_ops(ops, info);
	if (ret || (!ops->suspend && !ops->set_point && !info->nr_points))
		return ret;
	pm = kzalloc(sizeof(*pm), GFP_KERNEL);
	if (!pm)
		return -ENOMEM;
	pm->dev = dev;
	pm->wake_ns = info->wake_ns;
	pm->down_uw = info->power_down_uw;
	mutex_init(&pm->lock);
	INIT_WORK(&pm->wake_work, wake_work);
	dev->pm = pm;
	ret = ai_freq_init(dev, info);
	if (ret) {
		dev->pm = NULL;
		kfree(pm);
	}
	return ret;
}

static int runtime_start(struct device *device)
{
	int ret;

	ret = pm_runtime_set_active(device);
	if (ret)
		return ret;
	pm_runtime_set_autosuspend_delay(device, AI_PM_DELAY_MS);
	pm_runtime_use_autosuspend(device);
	pm_runtime_mark_last_busy(device);
	pm_runtime_enable(device);
	/* From here on it idles down, even if it is never used. */
	pm_request_autosuspend(device);
	return 0;
}

/* It is up, as is its parent, since somebody is registering it. */
int ai_pm_start(struct ai_device *dev)
{
	int ret;

	if (!dev->pm)
		return 0;
	dev->device.type = &ai_pm_type;
	ret = ai_freq_start(dev);
	if (!ret && dev->ops.suspend)
		ret = runtime_start(&dev->device);
	return ret;
}

/* Nothing comes after its gate has been shut for good. It stays as it is. */
void ai_pm_stop(struct ai_device *dev)
{
	if (!dev->ops.suspend)
		return;
	cancel_work_sync(&dev->pm->wake_work);
	pm_runtime_disable(&dev->device);
	pm_runtime_dont_use_autosuspend(&dev->device);
	pm_runtime_set_suspended(&dev->device);
}

/* In sysfs, below the device, which is there. */
void ai_pm_show(struct ai_device *dev)
{
	int up = ai_pm_get(dev);

	ai_hwmon_add(dev);
	ai_freq_add(dev);
	ai_cool_add(dev);
	if (!up)
		ai_pm_put(dev);
}

/* After ai_pm_stop(). Waits for whoever reads or writes there. */
void ai_pm_hide(struct ai_device *dev)
{
	ai_cool_remove(dev);
	ai_freq_remove(dev);
	ai_hwmon_remove(dev);
}
