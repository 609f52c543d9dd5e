// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of devices: a driver comes, and goes at any moment.
 *
 * Clients hold references on struct ai_device, never on the driver's module.
 * What keeps a driver's code from being called after it left is the gate
 * (submit, cancel), the percpu_ref (ops that sleep) and dev->held_lock
 * (unprepare).
 */
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "activity.h"
#include "internal.h"

/* How long a driver may owe jobs after it was told to give them up. */
#define AI_DRAIN_PATIENCE	(10 * HZ)

static DEFINE_MUTEX(ai_registry_lock);
static LIST_HEAD(ai_devices);		/* by id */
static DEFINE_IDA(ai_ids);

void *ai_device_priv(const struct ai_device *dev)
{
	return dev->priv;
}
EXPORT_SYMBOL_GPL(ai_device_priv);

const char *ai_device_name(const struct ai_device *dev)
{
	return dev_name(&dev->device);
}
EXPORT_SYMBOL_GPL(ai_device_name);

u32 ai_device_id(const struct ai_device *dev)
{
	return dev->id;
}
EXPORT_SYMBOL_GPL(ai_device_id);

/* The device with the lowest id from @id on, referenced, or NULL. */
struct ai_device *ai_device_find_from(u32 id)
{
	struct ai_device *dev, *found = NULL;

	mutex_lock(&ai_registry_lock);
	list_for_each_entry(dev, &ai_devices, node) {
		if (dev->id >= id) {
			found = ai_device_get(dev);
			break;
		}
	}
	mutex_unlock(&ai_registry_lock);
	return found;
}

struct ai_device *ai_device_find(u32 id)
{
	struct ai_device *dev = ai_device_find_from(id);

	if (dev && dev->id != id) {
		ai_device_put(dev);
		dev = NULL;
	}
	return dev;
}

/* Reference up to @max devices, in order of their ids. */
unsigned int ai_device_snapshot(struct ai_device **devs, unsigned int max)
{
	struct ai_device *dev;
	unsigned int n = 0;

	mutex_lock(&ai_registry_lock);
	list_for_each_entry(dev, &ai_devices, node) {
		if (n == max)
			break;
		devs[n++] = ai_device_get(dev);
	}
	mutex_unlock(&ai_registry_lock);
	return n;
}

u32 ai_device_state(const struct ai_device *dev)
{
	u32 gate = ai_sched_gate(&dev->sched);

	if (gate & AI_GATE_GONE)
		return AIOFFLOAD_STATE_GONE;
	if (gate & AI_GATE_FAILED)
		return AIOFFLOAD_STATE_FAILED;
	return gate & AI_GATE_RESETTING ? AIOFFLOAD_STATE_RESETTING :
					  AIOFFLOAD_STATE_READY;
}

void ai_device_stats(const struct ai_device *dev, struct ai_stats *sum)
{
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct ai_stats *s = per_cpu_ptr(dev->stats, cpu);

		sum->done += READ_ONCE(s->done);
		sum->failed += READ_ONCE(s->failed);
		sum->busy += READ_ONCE(s->busy);
	}
}

static void users_release(struct percpu_ref *ref)
{
	struct ai_device *dev = container_of(ref, struct ai_device, users);

	complete(&dev->users_gone);
}

static void device_free_rcu(struct rcu_head *rcu)
{
	struct ai_device *dev = container_of(rcu, struct ai_device, rcu);

	percpu_ref_exit(&dev->users);
	free_percpu(dev->stats);
	kfree(dev->pm);
	kfree(dev);
	ai_object_dead();
}

/* Readers (cancelling, dispatching) may still look at the gate. */
static void device_release(struct device *device)
{
	struct ai_device *dev = container_of(device, struct ai_device, device);

	put_device(dev->parent);
	call_rcu(&dev->rcu, device_free_rcu);
}

static int check_ops(const struct ai_device_info *info,
		     const struct ai_device_ops *ops)
{
	const u64 caps = AIOFFLOAD_CAP_SYNC | AIOFFLOAD_CAP_CPU_ACCESS |
			 AIOFFLOAD_CAP_DMA;

	if (!info || !ops)
		return -EINVAL;
	if (ops->size < offsetofend(struct ai_device_ops, version))
		return -EINVAL;
	if (ops->version != AI_DEVICE_API_VERSION)
		return -EPROTO;
	if (ops->size < offsetofend(struct ai_device_ops, query) ||
	    info->size < offsetofend(struct ai_device_info, desc))
		return -EINVAL;
	if (!ops->prepare || !ops->unprepare || !ops->submit != !ops->reset)
		return -EINVAL;
	/* Working in the host, or not. */
	if (!ops->submit && (!(info->caps & AIOFFLOAD_CAP_SYNC) || ops->cancel))
		return -EINVAL;
	if (info->dev_class > AIOFFLOAD_CLASS_VIRTUAL || info->caps & ~caps)
		return -EINVAL;
	if (info->caps & AIOFFLOAD_CAP_SYNC && !ops->run)
		return -EINVAL;
	if (info->caps & AIOFFLOAD_CAP_DMA && !info->parent)
		return -EINVAL;
	if (!info->queue_depth || info->queue_depth > AI_MAX_DEPTH)
		return -EINVAL;
	if (!info->driver || !info->desc)
		return -EINVAL;
	return 0;
}

/* A device that works in the host has whatever does not fit wait there. */
static void host_init(struct ai_device *dev)
{
	dev->host = true;
	dev->ops.submit = ai_host_submit;
	dev->ops.cancel = ai_host_cancel;
	dev->ops.reset = ai_host_reset;
	dev->sched.credits = AI_HOST_DEPTH;
	window_init(&dev->sched.window, AI_HOST_DEPTH, AI_HOST_DEPTH);
}

static void place_init(struct ai_device *dev, const struct ai_device_info *info)
{
	spin_lock_init(&dev->place_lock);
	place_dev_init(&dev->place, info->lanes);
	ai_place_power(dev, info->power_idle_uw, info->power_busy_uw);
}

static struct ai_device *device_new(const struct ai_device_info *info,
				    const struct ai_device_ops *ops, void *priv)
{
	struct ai_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int ret = -ENOMEM;

	if (!dev)
		return ERR_PTR(-ENOMEM);
	dev->stats = alloc_percpu(struct ai_stats);
	if (!dev->stats)
		goto err_free;
	ret = percpu_ref_init(&dev->users, users_release, 0, GFP_KERNEL);
	if (ret)
		goto err_stats;

	/* An older driver's ops are shorter, a newer one's longer. */
	memcpy(&dev->ops, ops, min_t(size_t, ops->size, sizeof(*ops)));
	ret = ai_sched_init(&dev->sched, info->queue_depth, info->lanes);
	if (ret)
		goto err_users;
	dev->queue_depth = info->queue_depth;
	place_init(dev, info);
	ret = ai_pm_init(dev, info);
	if (ret)
		goto err_users;
	if (!dev->ops.submit)
		host_init(dev);
	dev->priv = priv;
	dev->caps = info->caps;
	dev->dev_class = info->dev_class;
	dev->owner = info->owner;
	strscpy(dev->driver, info->driver, sizeof(dev->driver));
	strscpy(dev->desc, info->desc, sizeof(dev->desc));
	init_completion(&dev->users_gone);
	init_waitqueue_head(&dev->drained);
	mutex_init(&dev->held_lock);
	mutex_init(&dev->load_lock);
	INIT_LIST_HEAD(&dev->prepared);
	INIT_LIST_HEAD(&dev->maps);
	INIT_LIST_HEAD(&dev->node);
	INIT_WORK(&dev->dispatch_work, ai_device_dispatch_work);
	INIT_WORK(&dev->reset_work, ai_device_reset_work);
	dev->load_at_ns = ktime_get_ns();
	dev->parent = get_device(info->parent);

	device_initialize(&dev->device);
	dev->device.class = ai_class;
	dev->device.parent = info->parent;
	dev->device.groups = ai_device_groups;
	dev->device.release = device_release;
	dev_set_drvdata(&dev->device, dev);
	ai_object_born();
	return dev;

err_users:
	percpu_ref_exit(&dev->users);
err_stats:
	free_percpu(dev->stats);
err_free:
	kfree(dev);
	return ERR_PTR(ret);
}

static void list_insert(struct ai_device *dev)
{
	struct ai_device *pos;

	list_for_each_entry(pos, &ai_devices, node)
		if (pos->id > dev->id)
			break;
	list_add_tail(&dev->node, &pos->node);
}

struct ai_device *ai_device_register(const struct ai_device_info *info,
				     const struct ai_device_ops *ops,
				     void *priv)
{
	struct ai_device_info k = { };
	struct ai_device *dev;
	int ret, id;

	ret = check_ops(info, ops);
	if (ret)
		return ERR_PTR(ret);
	/* What an older driver doesn't tell is 0. */
	memcpy(&k, info, min_t(size_t, info->size, sizeof(k)));
	dev = device_new(&k, ops, priv);
	if (IS_ERR(dev))
		return dev;

	id = ida_alloc_max(&ai_ids, AI_MAX_DEVICES - 1, GFP_KERNEL);
	if (id < 0) {
		ret = id;
		goto err_put;
	}
	dev->id = id;
	dev->device.devt = ai_devt + 1 + id;
	ret = dev_set_name(&dev->device, "aioffload%d", id);
	if (ret)
		goto err_id;

	ret = ai_pm_start(dev);
	if (ret)
		goto err_id;

	/* In the registry before in /dev: whoever opens the node finds it. */
	mutex_lock(&ai_registry_lock);
	list_insert(dev);
	mutex_unlock(&ai_registry_lock);

	ret = device_add(&dev->device);
	if (ret)
		goto err_unlist;
	ai_pm_show(dev);
	return dev;

err_unlist:
	/* Somebody may have bound to it meanwhile. */
	dev->device.groups = NULL;
	ai_device_unregister(dev);
	return ERR_PTR(ret);
err_id:
	ida_free(&ai_ids, id);
err_put:
	ai_device_put(dev);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(ai_device_register);

/*
 * ai_device_drain() - wait until a halted device owes no job
 *
 * Return: 0, or -ETIMEDOUT.
 */
int ai_device_drain(struct ai_device *dev, unsigned long timeout)
{
	if (!wait_event_timeout(dev->drained,
				!atomic_read(&dev->sched.inflight), timeout))
		return -ETIMEDOUT;
	return 0;
}

/* Get back what the driver still has. It is told so by reset(). */
static void reclaim_jobs(struct ai_device *dev)
{
	if (!atomic_read(&dev->sched.inflight))
		return;
	dev->ops.reset(dev);
	/*
	 * A driver that keeps jobs now is broken, and ending them over its
	 * head would let it write to freed memory.
	 */
	while (ai_device_drain(dev, AI_DRAIN_PATIENCE)) {
		dev_err(&dev->device, "driver %s still owes %d jobs\n",
			dev->driver, atomic_read(&dev->sched.inflight));
		dev->ops.reset(dev);
	}
}

void ai_device_unregister(struct ai_device *dev)
{
	mutex_lock(&ai_registry_lock);
	list_del_init(&dev->node);
	mutex_unlock(&ai_registry_lock);

	/* From here on new jobs are refused, and running ones told to end. */
	WRITE_ONCE(dev->stopping, true);
	ai_sched_halt(&dev->sched, AI_GATE_GONE);
	ai_device_evict(dev);
	synchronize_rcu();
	ai_pm_stop(dev);
	if (dev->host)
		ai_host_vacate(dev);

	ai_pm_hide(dev);
	/* Waits for readers of attributes, who may be in query(). */
	if (device_is_registered(&dev->device))
		device_del(&dev->device);

	/* No op that sleeps is running after this, resets included. */
	percpu_ref_kill(&dev->users);
	while (!wait_for_completion_timeout(&dev->users_gone, HZ / 50 + 1))
		if (dev->host)
			ai_host_vacate(dev);
	cancel_work_sync(&dev->reset_work);

	reclaim_jobs(dev);
	/* Completers may have dispatched; nothing is left to start. */
	cancel_work_sync(&dev->dispatch_work);
	ai_freq_stop(dev);

	ai_dma_maps_release_device(dev);
	ai_prepared_release_device(dev);
	ida_free(&ai_ids, dev->id);
	ai_device_put(dev);
}
EXPORT_SYMBOL_GPL(ai_device_unregister);
