// SPDX-License-Identifier: GPL-2.0
/* class_create(name), formerly class_create(owner, name). */
#include <linux/device.h>
#include <linux/module.h>

struct class *probe(void);
struct class *probe(void)
{
	return class_create("probe");
}

MODULE_LICENSE("GPL");
