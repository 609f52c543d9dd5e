// SPDX-License-Identifier: GPL-2.0
/* The _unlocked calls, for importers that hold no reservation lock. */
#include <linux/dma-buf.h>
#include <linux/module.h>

int probe(struct dma_buf *buf, struct iosys_map *map);
int probe(struct dma_buf *buf, struct iosys_map *map)
{
	return dma_buf_vmap_unlocked(buf, map);
}

MODULE_LICENSE("GPL");
