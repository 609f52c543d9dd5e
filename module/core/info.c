// SPDX-License-Identifier: GPL-2.0
/*
 * INFO and DEVICE_INFO: what this kernel and its devices offer.
 */
#include <linux/math64.h>

#include "activity.h"
#include "internal.h"

/* The device with the lowest id from @id on that the caller can see. */
struct ai_device *ai_ctx_device_from(struct ai_ctx *ctx, u32 id)
{
	struct ai_device *dev;

	while ((dev = ai_device_find_from(id))) {
		if (!ai_sec_may(&ctx->sec, 0, dev->id))
			break;
		id = dev->id + 1;
		ai_device_put(dev);
	}
	return dev;
}

static u32 count_devices(struct ai_ctx *ctx)
{
	struct ai_device *dev;
	u32 n = 0, id = 0;

	if (ctx->pinned)
		return !ai_ctx_alive(ctx) && !ai_ctx_may(ctx, 0);
	while ((dev = ai_ctx_device_from(ctx, id))) {
		id = dev->id + 1;
		ai_device_put(dev);
		n++;
	}
	return n;
}

long ai_ctx_info(struct ai_ctx *ctx, void __user *uarg)
{
	struct aioffload_info k;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (ret)
		return ret;
	if (k.flags)
		return -EINVAL;

	k = (struct aioffload_info) {
		.size = k.size,
		.abi_version = AIOFFLOAD_ABI_VERSION,
		.pinned_device = ctx->pinned ? ctx->pinned->id :
					       AIOFFLOAD_DEVICE_ANY,
		.features = AIOFFLOAD_FEAT_SYNC_RUN | AIOFFLOAD_FEAT_QUEUE |
			    AIOFFLOAD_FEAT_EVENTFD |
			    AIOFFLOAD_FEAT_FOREIGN_DMABUF |
			    AIOFFLOAD_FEAT_SIGNED_MODELS |
			    AIOFFLOAD_FEAT_RIGHTS | AIOFFLOAD_FEAT_QUOTAS |
			    AIOFFLOAD_FEAT_CLASSES | AIOFFLOAD_FEAT_SHARES |
			    AIOFFLOAD_FEAT_FENCES |
			    AIOFFLOAD_FEAT_HINTS,
		.max_buffer_bytes = ai_max_buffer_bytes(),
		.max_model_bytes = ai_max_model_bytes(),
		.max_slots = AI_MAX_SLOTS,
		.max_queues = AI_MAX_QUEUES,
		.max_sq_entries = AI_MAX_SQ_ENTRIES,
		.max_samples = AI_MAX_SAMPLES,
		.max_tensors = AIM_MAX_IO,
		.job_timeout_ns = (u64)READ_ONCE(ai_job_timeout_ms) *
				  NSEC_PER_MSEC,
	};
	k.nr_devices = count_devices(ctx);
	strscpy(k.module_version, AI_MODULE_VERSION, sizeof(k.module_version));
	return ai_copy_out(uarg, &k, sizeof(k));
}

/* With the stretch that is still going on. */
u64 ai_activity_busy_ns(const struct ai_device *dev)
{
	u64 word = atomic64_read(&dev->activity);
	struct ai_stats sum;

	ai_device_stats(dev, &sum);
	if (word & AI_ACTIVITY_JOBS)
		sum.busy += ai_activity_since(word, ai_now());
	return sum.busy << 10;
}

/*
 * Share of time with a job at the device since the last time that anybody
 * asked, if that is at least a second ago; otherwise the answer given then.
 */
static u32 load_permille(struct ai_device *dev)
{
	u64 now = ktime_get_ns();
	u32 load;

	mutex_lock(&dev->load_lock);
	if (now - dev->load_at_ns >= NSEC_PER_SEC) {
		u64 busy = ai_activity_busy_ns(dev);
		/* The sum is no snapshot: it can be less than the last one. */
		u64 part = busy - min(busy, dev->load_busy_ns);

		load = div64_u64(part, div_u64(now - dev->load_at_ns, 1000));
		dev->load_permille = min(load, 1000U);
		dev->load_busy_ns = busy;
		dev->load_at_ns = now;
	}
	load = dev->load_permille;
	mutex_unlock(&dev->load_lock);
	return load;
}

/* Ask the driver, unless the device is leaving; never fails. */
int ai_device_query(struct ai_device *dev, struct ai_device_status *status)
{
	int ret = -EOPNOTSUPP;

	*status = (struct ai_device_status) {
		.temp_mc = S32_MIN,
		.load_permille = U32_MAX,
	};
	if (dev->ops.query && percpu_ref_tryget_live(&dev->users)) {
		ret = ai_pm_query(dev, status);
		percpu_ref_put(&dev->users);
	}
	if (ret)
		*status = (struct ai_device_status) {
			.temp_mc = S32_MIN,
			.load_permille = U32_MAX,
		};
	if (status->load_permille > 1000)
		status->load_permille = load_permille(dev);
	return ret;
}

static void device_info(struct ai_device *dev, struct aioffload_device_info *k)
{
	struct ai_device_status status;
	struct ai_stats sum;

	ai_device_query(dev, &status);
	ai_device_stats(dev, &sum);
	*k = (struct aioffload_device_info) {
		.size = k->size,
		.id = dev->id,
		.dev_class = dev->dev_class,
		.state = ai_device_state(dev),
		.queue_depth = dev->queue_depth,
		.caps = dev->caps,
		.jobs_done = sum.done,
		.jobs_failed = sum.failed,
		.jobs_inflight = ai_activity_jobs(dev),
		.resets = atomic_read(&dev->resets),
		.busy_ns = ai_activity_busy_ns(dev),
		.power_uw = status.power_uw,
		.temp_mc = status.temp_mc,
		.load_permille = status.load_permille,
		.pm = ai_pm_state(dev),
		.khz = ai_freq_khz(dev),
		.speed_permille = ai_freq_speed(dev),
		.limit_permille = ai_freq_limit(dev),
	};
	strscpy(k->name, ai_device_name(dev), sizeof(k->name));
	strscpy(k->driver, dev->driver, sizeof(k->driver));
	strscpy(k->desc, dev->desc, sizeof(k->desc));
}

long ai_ctx_device_info(struct ai_ctx *ctx, void __user *uarg)
{
	struct aioffload_device_info k;
	struct ai_device *dev;
	int ret;

	ret = ai_copy_in(&k, sizeof(k),
			 offsetof(struct aioffload_device_info, pm), uarg);
	if (ret)
		return ret;
	if (k.flags)
		return -EINVAL;
	dev = ai_ctx_device_from(ctx, k.id);
	if (!dev)
		return -ENOENT;
	device_info(dev, &k);
	ai_device_put(dev);
	return ai_copy_out(uarg, &k, sizeof(k));
}
