// SPDX-License-Identifier: GPL-2.0
/*
 * The dma-bufs of a binding: found, mapped for the CPU, mapped for devices.
 */
#include <linux/dma-buf.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "internal.h"

static int add_buf(struct ai_binding *b, int fd, u16 *index)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	u32 i;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	for (i = 0; i < b->nr_bufs; i++) {
		if (b->bufs[i].dmabuf == dmabuf) {
			dma_buf_put(dmabuf);
			*index = i;
			return 0;
		}
	}
	b->bufs[b->nr_bufs++] = (struct ai_bind_buf) {
		.dmabuf = dmabuf,
		.dir = DMA_FROM_DEVICE,
	};
	*index = i;
	return 0;
}

/*
 * ai_bind_bufs_open() - take the buffers that a binding names, each once
 * @buf_of:	out: for each input and output its place in b->bufs
 *
 * On failure ai_bind_bufs_close() undoes what was done.
 */
int ai_bind_bufs_open(struct ai_binding *b, const struct aioffload_bind_io *ios,
		      u16 *buf_of)
{
	u32 i, n = b->nr_inputs + b->nr_outputs;
	int ret;

	for (i = 0; i < n; i++) {
		ret = add_buf(b, ios[i].buf_fd, &buf_of[i]);
		if (ret)
			return ret;
		if (i < b->nr_inputs)
			continue;
		/* dma-bufs can be exported read-only. */
		if (!(b->bufs[buf_of[i]].dmabuf->file->f_mode & FMODE_WRITE))
			return -EACCES;
		b->bufs[buf_of[i]].dir = DMA_BIDIRECTIONAL;
	}
	return 0;
}

static int vmap_one(struct ai_bind_buf *buf)
{
	int ret;

	if (!buf->dmabuf->ops->vmap)
		return -EOPNOTSUPP;
	if (!buf->accessed) {
		ret = dma_buf_begin_cpu_access(buf->dmabuf, buf->dir);
		if (ret)
			return ret;
		buf->accessed = true;
	}
	ret = dma_buf_vmap_unlocked(buf->dmabuf, &buf->map);
	if (ret)
		return ret;
	buf->mapped = true;
	return 0;
}

/*
 * ai_bind_bufs_vmap() - kernel addresses for all buffers
 *
 * CPU access begins here and ends with the binding: jobs start in contexts
 * that can't sleep. That is enough where I/O is coherent and not bounced; else
 * the application says when a buffer changes hands in between, as it does for
 * its own accesses, by DMA_BUF_IOCTL_SYNC. See docs/uapi.md, BIND.
 */
int ai_bind_bufs_vmap(struct ai_binding *b)
{
	struct ai_bind_buf *buf;
	int ret;

	for (buf = b->bufs; buf < b->bufs + b->nr_bufs; buf++) {
		ret = buf->mapped ? 0 : vmap_one(buf);
		if (ret)
			return ret;
		/* Memory of a device: the CPU must not read it like RAM. */
		if (buf->map.is_iomem)
			return -EOPNOTSUPP;
		if (!IS_ALIGNED((unsigned long)buf->map.vaddr, AIM_ALIGN))
			return -EOPNOTSUPP;
	}
	return 0;
}

/* Pages of a binding that are looked at. */
#define AI_NODE_PAGES	64U

/* Any exporter's memory, if it has a struct page. */
static int node_of(const void *vaddr)
{
	struct page *page = NULL;

	if (is_vmalloc_addr(vaddr))
		page = vmalloc_to_page(vaddr);
	else if (virt_addr_valid(vaddr))
		page = virt_to_page(vaddr);
	if (!page || !pfn_valid(page_to_pfn(page)))
		return NUMA_NO_NODE;
	return page_to_nid(page);
}

static u64 io_span(const struct ai_binding *b, const struct ai_io *io)
{
	return io->stride * (b->samples - 1) + io->bytes;
}

/* Nodes of pages spread evenly over inputs and outputs. Return: how many. */
static u32 look_at_pages(const struct ai_binding *b, const struct ai_io *io,
			 int *nodes)
{
	u32 i, n = 0, nr = b->nr_inputs + b->nr_outputs;
	u64 total = 0, at = 0, step;

	for (i = 0; i < nr; i++)
		total += io_span(b, &io[i]);
	step = max_t(u64, DIV_ROUND_UP_ULL(total, AI_NODE_PAGES), PAGE_SIZE);
	for (i = 0; i < nr; i++) {
		u64 span = io_span(b, &io[i]);

		for (; at < span && n < AI_NODE_PAGES; at += step)
			nodes[n++] = node_of(io[i].vaddr + at);
		at -= min(at, span);
	}
	return n;
}

/*
 * ai_bind_node() - the NUMA node that the buffers of a binding are on
 *
 * Return: that of more than half of what was looked at, or NUMA_NO_NODE: also if
 * the machine has but one.
 */
int ai_bind_node(const struct ai_binding *b, const struct ai_io *io)
{
	int nodes[AI_NODE_PAGES], most = NUMA_NO_NODE;
	u32 i, n, votes = 0;

	if (nr_online_nodes == 1)
		return NUMA_NO_NODE;
	n = look_at_pages(b, io, nodes);
	/* If any has more than half, it is what is left of these. */
	for (i = 0; i < n; i++) {
		if (!votes)
			most = nodes[i];
		votes += nodes[i] == most ? 1 : -1;
	}
	for (i = 0, votes = 0; i < n; i++)
		votes += nodes[i] == most;
	return votes * 2 > n ? most : NUMA_NO_NODE;
}

void ai_bind_bufs_close(struct ai_binding *b)
{
	struct ai_bind_buf *buf;

	for (buf = b->bufs; buf < b->bufs + b->nr_bufs; buf++) {
		if (buf->mapped)
			dma_buf_vunmap_unlocked(buf->dmabuf, &buf->map);
		if (buf->accessed)
			dma_buf_end_cpu_access(buf->dmabuf, buf->dir);
		dma_buf_put(buf->dmabuf);
	}
	b->nr_bufs = 0;
}

static int map_one(struct ai_dma_map *map, struct ai_device *dev,
		   struct dma_buf *dmabuf)
{
	int ret;

	map->at = dma_buf_attach(dmabuf, dev->parent);
	if (IS_ERR(map->at))
		return PTR_ERR(map->at);
	map->sgt = dma_buf_map_attachment_unlocked(map->at, DMA_BIDIRECTIONAL);
	if (IS_ERR(map->sgt)) {
		ret = PTR_ERR(map->sgt);
		dma_buf_detach(dmabuf, map->at);
		return ret;
	}
	mutex_lock(&dev->held_lock);
	list_add_tail(&map->dev_node, &dev->maps);
	mutex_unlock(&dev->held_lock);
	return 0;
}

/* With dev->held_lock. */
static void unmap_one(struct ai_dma_map *map)
{
	struct dma_buf *dmabuf = map->at->dmabuf;

	list_del_init(&map->dev_node);
	dma_buf_unmap_attachment_unlocked(map->at, map->sgt, DMA_BIDIRECTIONAL);
	dma_buf_detach(dmabuf, map->at);
}

/*
 * ai_dma_maps_open() - map all buffers of a binding for one device
 *
 * As with prepared models, the users reference makes sure that unregistering
 * finds every mapping in the list. On failure ai_dma_maps_close() cleans up.
 */
int ai_dma_maps_open(struct ai_binding *b, struct ai_target *t)
{
	struct ai_device *dev = t->dev;
	int ret = 0;
	u32 i;

	t->maps = kcalloc(b->nr_bufs, sizeof(*t->maps), GFP_KERNEL_ACCOUNT);
	if (!t->maps)
		return -ENOMEM;
	for (i = 0; i < b->nr_bufs; i++)
		INIT_LIST_HEAD(&t->maps[i].dev_node);
	if (!percpu_ref_tryget_live(&dev->users))
		return -ENODEV;
	for (i = 0; i < b->nr_bufs && !ret; i++)
		ret = map_one(&t->maps[i], dev, b->bufs[i].dmabuf);
	percpu_ref_put(&dev->users);
	return ret;
}

void ai_dma_maps_close(struct ai_binding *b, struct ai_target *t)
{
	u32 i;

	if (!t->maps)
		return;
	mutex_lock(&t->dev->held_lock);
	for (i = 0; i < b->nr_bufs; i++)
		if (!list_empty(&t->maps[i].dev_node))
			unmap_one(&t->maps[i]);
	mutex_unlock(&t->dev->held_lock);
	kfree(t->maps);
}

void ai_dma_maps_release_device(struct ai_device *dev)
{
	struct ai_dma_map *map, *next;

	mutex_lock(&dev->held_lock);
	list_for_each_entry_safe(map, next, &dev->maps, dev_node)
		unmap_one(map);
	mutex_unlock(&dev->held_lock);
}
