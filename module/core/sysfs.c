// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/aioffload/aioffloadN/: one value a file, what DEVICE_INFO tells.
 */
#include <linux/sysfs.h>

#include "activity.h"
#include "internal.h"

static struct ai_device *to_ai(struct device *device)
{
	return dev_get_drvdata(device);
}

static ssize_t class_show(struct device *device, struct device_attribute *attr,
			  char *buf)
{
	static const char * const names[] = {
		[AIOFFLOAD_CLASS_CPU] = "cpu",
		[AIOFFLOAD_CLASS_GPU] = "gpu",
		[AIOFFLOAD_CLASS_NPU] = "npu",
		[AIOFFLOAD_CLASS_ASIC] = "asic",
		[AIOFFLOAD_CLASS_VIRTUAL] = "virtual",
	};

	return sysfs_emit(buf, "%s\n", names[to_ai(device)->dev_class]);
}
static DEVICE_ATTR_RO(class);

static ssize_t driver_name_show(struct device *device,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_ai(device)->driver);
}
static DEVICE_ATTR_RO(driver_name);

static ssize_t desc_show(struct device *device, struct device_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%s\n", to_ai(device)->desc);
}
static DEVICE_ATTR_RO(desc);

static ssize_t state_show(struct device *device, struct device_attribute *attr,
			  char *buf)
{
	static const char * const names[] = {
		[AIOFFLOAD_STATE_READY] = "ready",
		[AIOFFLOAD_STATE_FAILED] = "failed",
		[AIOFFLOAD_STATE_GONE] = "gone",
		[AIOFFLOAD_STATE_RESETTING] = "resetting",
	};

	return sysfs_emit(buf, "%s\n", names[ai_device_state(to_ai(device))]);
}
static DEVICE_ATTR_RO(state);

static ssize_t queue_depth_show(struct device *device,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", to_ai(device)->sched.depth);
}
static DEVICE_ATTR_RO(queue_depth);

/* Of a device's counters, summed up */
#define STATS_ATTR(attribute, field)					\
static ssize_t attribute##_show(struct device *device,			\
				struct device_attribute *attr, char *buf) \
{									\
	struct ai_stats sum;						\
									\
	ai_device_stats(to_ai(device), &sum);				\
	return sysfs_emit(buf, "%llu\n", sum.field);			\
}									\
static DEVICE_ATTR_RO(attribute)

STATS_ATTR(jobs_done, done);
STATS_ATTR(jobs_failed, failed);

static ssize_t jobs_inflight_show(struct device *device,
				  struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", ai_activity_jobs(to_ai(device)));
}
static DEVICE_ATTR_RO(jobs_inflight);

static ssize_t resets_show(struct device *device,
			   struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", atomic_read(&to_ai(device)->resets));
}
static DEVICE_ATTR_RO(resets);

static ssize_t busy_ns_show(struct device *device,
			    struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", ai_activity_busy_ns(to_ai(device)));
}
static DEVICE_ATTR_RO(busy_ns);

/* Asked of the driver */
#define STATUS_ATTR(attribute, field, format)				\
static ssize_t attribute##_show(struct device *device,			\
				struct device_attribute *attr, char *buf) \
{									\
	struct ai_device_status status;					\
									\
	ai_device_query(to_ai(device), &status);			\
	return sysfs_emit(buf, format "\n", status.field);		\
}									\
static DEVICE_ATTR_RO(attribute)

STATUS_ATTR(power_uw, power_uw, "%llu");
STATUS_ATTR(temp_mc, temp_mc, "%d");
STATUS_ATTR(load_permille, load_permille, "%u");

static struct attribute *ai_device_attrs[] = {
	&dev_attr_class.attr,
	&dev_attr_driver_name.attr,
	&dev_attr_desc.attr,
	&dev_attr_state.attr,
	&dev_attr_queue_depth.attr,
	&dev_attr_jobs_done.attr,
	&dev_attr_jobs_failed.attr,
	&dev_attr_jobs_inflight.attr,
	&dev_attr_resets.attr,
	&dev_attr_busy_ns.attr,
	&dev_attr_power_uw.attr,
	&dev_attr_temp_mc.attr,
	&dev_attr_load_permille.attr,
	NULL
};

static const struct attribute_group ai_device_group = {
	.attrs = ai_device_attrs,
};

const struct attribute_group *ai_device_groups[] = {
	&ai_device_group,
	NULL
};
