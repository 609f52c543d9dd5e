// SPDX-License-Identifier: GPL-2.0
/* eventfd_signal(ctx), formerly eventfd_signal(ctx, n). */
#include <linux/eventfd.h>
#include <linux/module.h>

void probe(struct eventfd_ctx *ctx);
void probe(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}

MODULE_LICENSE("GPL");
