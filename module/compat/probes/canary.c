// SPDX-License-Identifier: GPL-2.0
/* Must compile everywhere. */
#include <linux/module.h>

MODULE_LICENSE("GPL");
