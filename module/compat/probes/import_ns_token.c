// SPDX-License-Identifier: GPL-2.0
/* MODULE_IMPORT_NS(NAME), later MODULE_IMPORT_NS("NAME"). */
#include <linux/module.h>

MODULE_IMPORT_NS(DMA_BUF);
MODULE_LICENSE("GPL");
