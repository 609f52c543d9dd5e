// SPDX-License-Identifier: GPL-2.0
/*
 * Making a device usable again after a job that would not end.
 *
 * Every job at the device ends with it. The one that had overstayed is told
 * why by whoever cancelled it; the others are put back to the front of the
 * queue once (job.c), so that their owners see nothing but a delay.
 */
#include "internal.h"

/* A driver that has returned from reset() owes nothing but a wakeup. */
#define AI_RESET_PATIENCE	(10 * HZ)

/* It can't be used any more, as @what has failed. Its jobs go or end. */
void ai_device_fail(struct ai_device *dev, const char *what, int err)
{
	if (!(ai_sched_halt(&dev->sched, AI_GATE_FAILED) & AI_GATE_CLOSED))
		dev_err(&dev->device, "%s failed (%d), taken out of use\n",
			what, err);
	ai_sched_resume(&dev->sched, AI_GATE_RESETTING | AI_GATE_ASLEEP);
	ai_device_evict(dev);
}

static void reset_done(struct ai_device *dev, int ret)
{
	if (ret) {
		ai_device_fail(dev, "reset", ret);
		return;
	}
	dev_info(&dev->device, "reset after a job that did not end\n");
	ai_place_reset(dev);
	ai_sched_resume(&dev->sched, AI_GATE_RESETTING);
	ai_dispatch(dev);
}

void ai_device_reset_work(struct work_struct *work)
{
	struct ai_device *dev = container_of(work, struct ai_device,
					     reset_work);
	int ret;

	if (!percpu_ref_tryget_live(&dev->users))
		return;		/* being unregistered, which resets too */
	if (ai_pm_get(dev))
		goto out;
	if (ai_sched_halt(&dev->sched, AI_GATE_RESETTING) & AI_GATE_HALTED)
		goto out_pm;
	/* Whoever saw the gate open has left submit() and cancel(). */
	synchronize_rcu();
	atomic_inc(&dev->resets);
	ret = dev->ops.reset(dev);
	if (!ret)
		ret = ai_device_drain(dev, AI_RESET_PATIENCE);
	reset_done(dev, ret);
out_pm:
	ai_pm_put(dev);
out:
	percpu_ref_put(&dev->users);
}

/*
 * In the host there is nothing to be reset: a job there ends as soon as its
 * thread gets a CPU, which only its own cgroup can keep from it.
 *
 * The caller is an RCU-sched reader. So unregistering, which shuts the gate,
 * waits for readers and then cancels the work, can't miss it.
 */
void ai_device_reset_async(struct ai_device *dev)
{
	if (!dev->host && !(ai_sched_gate(&dev->sched) & AI_GATE_HALTED))
		queue_work(ai_wq, &dev->reset_work);
}
