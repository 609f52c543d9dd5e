// SPDX-License-Identifier: GPL-2.0
/*
 * A cooling device for each device that has operating points: state 0 leaves it
 * all of them, each further state takes away the fastest one that is left.
 */
#include <linux/thermal.h>

#include "internal.h"

static int cool_max(struct thermal_cooling_device *cdev, unsigned long *state)
{
	const struct ai_device *dev = cdev->devdata;

	*state = dev->pm->nr_points - 1;
	return 0;
}

static int cool_get(struct thermal_cooling_device *cdev, unsigned long *state)
{
	const struct ai_device *dev = cdev->devdata;

	*state = dev->pm->nr_points - 1 - READ_ONCE(dev->pm->cool_limit);
	return 0;
}

static int cool_set(struct thermal_cooling_device *cdev, unsigned long state)
{
	struct ai_device *dev = cdev->devdata;

	if (state >= dev->pm->nr_points)
		return -EINVAL;
	return ai_freq_cool(dev, dev->pm->nr_points - 1 - state);
}

static const struct thermal_cooling_device_ops ai_cool_ops = {
	.get_max_state = cool_max,
	.get_cur_state = cool_get,
	.set_cur_state = cool_set,
};

/* The device does without if that fails, or if the kernel has no such thing. */
void ai_cool_add(struct ai_device *dev)
{
	struct thermal_cooling_device *cdev;

	if (!dev->pm || !dev->pm->nr_points)
		return;
	cdev = thermal_cooling_device_register(ai_device_name(dev), dev,
					       &ai_cool_ops);
	if (!IS_ERR(cdev))
		dev->pm->cdev = cdev;
	else if (PTR_ERR(cdev) != -ENODEV)
		dev_warn(&dev->device, "no cooling device (%ld)\n",
			 PTR_ERR(cdev));
}

void ai_cool_remove(struct ai_device *dev)
{
	if (dev->pm && dev->pm->cdev)
		thermal_cooling_device_unregister(dev->pm->cdev);
}
