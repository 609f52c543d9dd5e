// SPDX-License-Identifier: GPL-2.0
/* class->devnode() takes a const struct device. */
#include <linux/device.h>
#include <linux/module.h>

static char *node(const struct device *dev, umode_t *mode)
{
	return NULL;
}

void probe(struct class *class);
void probe(struct class *class)
{
	class->devnode = node;
}

MODULE_LICENSE("GPL");
