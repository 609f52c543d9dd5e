// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/aioffload/aioffloadN/: one value a file, what DEVICE_INFO tells, and
 * whom: for others than those who see the device the files are there, but empty.
 */
#include <linux/sysfs.h>

#include "activity.h"
#include "internal.h"

/* @show: asked on behalf of who may see the device */
struct ai_attribute {
	struct device_attribute attr;
	ssize_t (*show)(struct ai_device *dev, char *buf);
};

static ssize_t visible_show(struct device *device,
			    struct device_attribute *attr, char *buf)
{
	struct ai_attribute *a = container_of(attr, struct ai_attribute, attr);
	struct ai_device *dev = dev_get_drvdata(device);

	return ai_sec_sees(dev->id) ? a->show(dev, buf) : -ENODEV;
}

#define AI_ATTR(name)							\
static struct ai_attribute attr_##name = {				\
	__ATTR(name, 0444, visible_show, NULL), name##_show		\
}

static ssize_t class_show(struct ai_device *dev, char *buf)
{
	static const char * const names[] = {
		[AIOFFLOAD_CLASS_CPU] = "cpu",
		[AIOFFLOAD_CLASS_GPU] = "gpu",
		[AIOFFLOAD_CLASS_NPU] = "npu",
		[AIOFFLOAD_CLASS_ASIC] = "asic",
		[AIOFFLOAD_CLASS_VIRTUAL] = "virtual",
	};

	return sysfs_emit(buf, "%s\n", names[dev->dev_class]);
}
AI_ATTR(class);

static ssize_t driver_name_show(struct ai_device *dev, char *buf)
{
	return sysfs_emit(buf, "%s\n", dev->driver);
}
AI_ATTR(driver_name);

static ssize_t desc_show(struct ai_device *dev, char *buf)
{
	return sysfs_emit(buf, "%s\n", dev->desc);
}
AI_ATTR(desc);

static ssize_t state_show(struct ai_device *dev, char *buf)
{
	static const char * const names[] = {
		[AIOFFLOAD_STATE_READY] = "ready",
		[AIOFFLOAD_STATE_FAILED] = "failed",
		[AIOFFLOAD_STATE_GONE] = "gone",
		[AIOFFLOAD_STATE_RESETTING] = "resetting",
	};

	return sysfs_emit(buf, "%s\n", names[ai_device_state(dev)]);
}
AI_ATTR(state);

static ssize_t queue_depth_show(struct ai_device *dev, char *buf)
{
	return sysfs_emit(buf, "%u\n", dev->queue_depth);
}
AI_ATTR(queue_depth);

/* Of these, how many it is given at the moment. */
static ssize_t window_show(struct ai_device *dev, char *buf)
{
	u32 window = READ_ONCE(dev->sched.credits);

	return sysfs_emit(buf, "%u\n", min(window, dev->queue_depth));
}
AI_ATTR(window);

/* Of a device's counters, summed up */
#define STATS_ATTR(attribute, field)					\
static ssize_t attribute##_show(struct ai_device *dev, char *buf)	\
{									\
	struct ai_stats sum;						\
									\
	ai_device_stats(dev, &sum);					\
	return sysfs_emit(buf, "%llu\n", sum.field);			\
}									\
AI_ATTR(attribute)

STATS_ATTR(jobs_done, done);
STATS_ATTR(jobs_failed, failed);

static ssize_t jobs_inflight_show(struct ai_device *dev, char *buf)
{
	return sysfs_emit(buf, "%u\n", ai_activity_jobs(dev));
}
AI_ATTR(jobs_inflight);

static ssize_t resets_show(struct ai_device *dev, char *buf)
{
	return sysfs_emit(buf, "%u\n", atomic_read(&dev->resets));
}
AI_ATTR(resets);

static ssize_t busy_ns_show(struct ai_device *dev, char *buf)
{
	return sysfs_emit(buf, "%llu\n", ai_activity_busy_ns(dev));
}
AI_ATTR(busy_ns);

/* Asked of the driver */
#define STATUS_ATTR(attribute, field, format)				\
static ssize_t attribute##_show(struct ai_device *dev, char *buf)	\
{									\
	struct ai_device_status status;					\
									\
	ai_device_query(dev, &status);					\
	return sysfs_emit(buf, format "\n", status.field);		\
}									\
AI_ATTR(attribute)

STATUS_ATTR(power_uw, power_uw, "%llu");
STATUS_ATTR(temp_mc, temp_mc, "%d");
STATUS_ATTR(load_permille, load_permille, "%u");

/* Of its operating point */
#define FREQ_ATTR(attribute, value, format)				\
static ssize_t attribute##_show(struct ai_device *dev, char *buf)	\
{									\
	return sysfs_emit(buf, format "\n", value(dev));		\
}									\
AI_ATTR(attribute)

FREQ_ATTR(speed_permille, ai_freq_speed, "%u");
FREQ_ATTR(limit_permille, ai_freq_limit, "%u");
FREQ_ATTR(realtime_short_ppm, ai_freq_short, "%llu");

static struct attribute *ai_device_attrs[] = {
	&attr_class.attr.attr,
	&attr_driver_name.attr.attr,
	&attr_desc.attr.attr,
	&attr_state.attr.attr,
	&attr_queue_depth.attr.attr,
	&attr_window.attr.attr,
	&attr_jobs_done.attr.attr,
	&attr_jobs_failed.attr.attr,
	&attr_jobs_inflight.attr.attr,
	&attr_resets.attr.attr,
	&attr_busy_ns.attr.attr,
	&attr_power_uw.attr.attr,
	&attr_temp_mc.attr.attr,
	&attr_load_permille.attr.attr,
	&attr_speed_permille.attr.attr,
	&attr_limit_permille.attr.attr,
	&attr_realtime_short_ppm.attr.attr,
	NULL
};

static const struct attribute_group ai_device_group = {
	.attrs = ai_device_attrs,
};

const struct attribute_group *ai_device_groups[] = {
	&ai_device_group,
	NULL
};
