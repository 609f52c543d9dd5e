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

static void reset_done(struct ai_device *dev, int ret)
{
	if (ret) {
		dev_err(&dev->device, "reset failed (%d), taken out of use\n",
			ret);
		ai_sched_halt(&dev->sched, AI_GATE_FAILED);
		ai_sched_resume(&dev->sched, AI_GATE_RESETTING);
		ai_device_evict(dev);
		return;
	}
	dev_info(&dev->device, "reset after a job that did not end\n");
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
	if (ai_sched_halt(&dev->sched, AI_GATE_RESETTING) & AI_GATE_HALTED)
		goto out;
	/* Whoever saw the gate open has left submit() and cancel(). */
	synchronize_rcu();
	atomic_inc(&dev->resets);
	ret = dev->ops.reset(dev);
	if (!ret)
		ret = ai_device_drain(dev, AI_RESET_PATIENCE);
	reset_done(dev, ret);
out:
	percpu_ref_put(&dev->users);
}

/*
 * The caller is an RCU-sched reader. So unregistering, which shuts the gate,
 * waits for readers and then cancels the work, can't miss it.
 */
void ai_device_reset_async(struct ai_device *dev)
{
	if (!(ai_sched_gate(&dev->sched) & AI_GATE_HALTED))
		queue_work(ai_wq, &dev->reset_work);
}
