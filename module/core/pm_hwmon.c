// SPDX-License-Identifier: GPL-2.0
/*
 * Power and temperature where sensors(1) and its like look for them: for those
 * who see the device, as all that sysfs tells of it. What the driver does not
 * know is ENODATA.
 *
 * There is no energy1_input: adding up samples that are taken when somebody
 * happens to look would not be a measurement.
 */
#include <linux/hwmon.h>

#include "internal.h"

#if IS_REACHABLE(CONFIG_HWMON)

static umode_t ai_hwmon_is_visible(const void *data,
				   enum hwmon_sensor_types type, u32 attr,
				   int channel)
{
	return 0444;
}

static int ai_hwmon_read(struct device *device, enum hwmon_sensor_types type,
			 u32 attr, int channel, long *val)
{
	struct ai_device *dev = dev_get_drvdata(device);
	struct ai_device_status status;

	if (!ai_sec_sees(dev->id))
		return -ENODEV;
	ai_device_query(dev, &status);
	switch (type) {
	case hwmon_power:
		if (!status.power_uw)
			return -ENODATA;
		*val = min_t(u64, status.power_uw, LONG_MAX);
		return 0;
	case hwmon_temp:
		if (status.temp_mc == S32_MIN)
			return -ENODATA;
		*val = status.temp_mc;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int ai_hwmon_read_string(struct device *device,
				enum hwmon_sensor_types type, u32 attr,
				int channel, const char **str)
{
	*str = ai_device_name(dev_get_drvdata(device));
	return 0;
}

static const struct hwmon_ops ai_hwmon_ops = {
	.is_visible = ai_hwmon_is_visible,
	.read = ai_hwmon_read,
	.read_string = ai_hwmon_read_string,
};

static const struct hwmon_channel_info *ai_hwmon_channels[] = {
	HWMON_CHANNEL_INFO(power, HWMON_P_INPUT | HWMON_P_LABEL),
	HWMON_CHANNEL_INFO(temp, HWMON_T_INPUT | HWMON_T_LABEL),
	NULL
};

static const struct hwmon_chip_info ai_hwmon_chip = {
	.ops = &ai_hwmon_ops,
	.info = ai_hwmon_channels,
};

/* The device does without if that fails. */
void ai_hwmon_add(struct ai_device *dev)
{
	struct device *hwmon;

	if (!dev->ops.query)
		return;
	hwmon = hwmon_device_register_with_info(&dev->device, "aioffload", dev,
						&ai_hwmon_chip, NULL);
	if (IS_ERR(hwmon))
		dev_warn(&dev->device, "no hwmon (%ld)\n", PTR_ERR(hwmon));
	else
		dev->hwmon = hwmon;
}

/* Waits for readers, who may be in query(). */
void ai_hwmon_remove(struct ai_device *dev)
{
	if (dev->hwmon)
		hwmon_device_unregister(dev->hwmon);
}

#else

void ai_hwmon_add(struct ai_device *dev)
{
}

void ai_hwmon_remove(struct ai_device *dev)
{
}

#endif
