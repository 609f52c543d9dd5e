// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers: dma-bufs made of ordinary, charged pages.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "internal.h"

/**
 * struct ai_buf - behind a dma-buf of ours
 * @pages:	its memory
 * @group:	pays for it
 * @lock:	guards the rest
 * @vaddr:	kernel mapping, made when first wanted, kept to the end
 * @maps:	struct buf_map, of devices that it is mapped for now
 */
struct ai_buf {
	struct ai_pages pages;
	struct ai_group *group;
	struct mutex lock;	/* see above */
	void *vaddr;
	struct list_head maps;
};

struct buf_map {
	struct sg_table sgt;
	struct device *dev;
	enum dma_data_direction dir;
	struct list_head node;
};

u64 ai_max_buffer_bytes(void)
{
	/* A page count must fit an int for scatter lists. */
	return min_t(u64, (u64)READ_ONCE(ai_max_buffer_mib) << 20,
		     (u64)INT_MAX << PAGE_SHIFT);
}

/* The largest piece that the device takes, and that bounce pages can hold. */
static unsigned int max_segment(struct device *dev)
{
	return min_t(size_t, dma_get_max_seg_size(dev),
		     dma_max_mapping_size(dev));
}

static struct sg_table *buf_map(struct dma_buf_attachment *at,
				enum dma_data_direction dir)
{
	struct ai_buf *buf = at->dmabuf->priv;
	struct buf_map *map;
	int ret;

	map = kzalloc(sizeof(*map), GFP_KERNEL);
	if (!map)
		return ERR_PTR(-ENOMEM);
	map->dev = at->dev;
	map->dir = dir;
	/* Neighbouring pages become one entry. */
	ret = sg_alloc_table_from_pages_segment(&map->sgt, buf->pages.pages,
						buf->pages.nr, 0,
						buf->pages.nr << PAGE_SHIFT,
						max_segment(at->dev),
						GFP_KERNEL);
	if (ret)
		goto err_free;
	ret = dma_map_sgtable(at->dev, &map->sgt, dir, 0);
	if (ret)
		goto err_table;
	mutex_lock(&buf->lock);
	list_add_tail(&map->node, &buf->maps);
	mutex_unlock(&buf->lock);
	return &map->sgt;

err_table:
	sg_free_table(&map->sgt);
err_free:
	kfree(map);
	return ERR_PTR(ret);
}

static void buf_unmap(struct dma_buf_attachment *at, struct sg_table *sgt,
		      enum dma_data_direction dir)
{
	struct ai_buf *buf = at->dmabuf->priv;
	struct buf_map *map = container_of(sgt, struct buf_map, sgt);

	mutex_lock(&buf->lock);
	list_del(&map->node);
	mutex_unlock(&buf->lock);
	dma_unmap_sgtable(at->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(map);
}

/*
 * What devices wrote becomes visible here. They see our pages themselves where
 * I/O is coherent; copies, where they are reached through bounce pages.
 */
static int buf_begin_cpu_access(struct dma_buf *dmabuf,
				enum dma_data_direction dir)
{
	struct ai_buf *buf = dmabuf->priv;
	struct buf_map *map;

	mutex_lock(&buf->lock);
	/* Also for who will only write: perhaps not all of it. */
	list_for_each_entry(map, &buf->maps, node)
		dma_sync_sgtable_for_cpu(map->dev, &map->sgt, map->dir);
	mutex_unlock(&buf->lock);
	return 0;
}

/* And here the other way; who has only read passes nothing on. */
static int buf_end_cpu_access(struct dma_buf *dmabuf,
			      enum dma_data_direction dir)
{
	struct ai_buf *buf = dmabuf->priv;
	struct buf_map *map;

	mutex_lock(&buf->lock);
	list_for_each_entry(map, &buf->maps, node)
		dma_sync_sgtable_for_device(map->dev, &map->sgt,
					    map->dir == DMA_BIDIRECTIONAL ?
					    dir : map->dir);
	mutex_unlock(&buf->lock);
	return 0;
}

static vm_fault_t buf_fault(struct vm_fault *vmf)
{
	struct ai_buf *buf = vmf->vma->vm_private_data;

	return ai_pages_fault(&buf->pages, vmf);
}

static const struct vm_operations_struct buf_vm_ops = {
	.fault = buf_fault,
};

/* The mapping's file keeps the dma-buf, hence the buffer, alive. */
static int buf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	/* A private mapping would copy: nobody wants what it shows. */
	if (!(vma->vm_flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &buf_vm_ops;
	vma->vm_private_data = dmabuf->priv;
	return 0;
}

static void *buf_vaddr(struct ai_buf *buf)
{
	void *vaddr;

	mutex_lock(&buf->lock);
	if (!buf->vaddr)
		buf->vaddr = vmap(buf->pages.pages, buf->pages.nr, VM_MAP,
				  PAGE_KERNEL);
	vaddr = buf->vaddr;
	mutex_unlock(&buf->lock);
	return vaddr;
}

static int buf_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	void *vaddr = buf_vaddr(dmabuf->priv);

	if (!vaddr)
		return -ENOMEM;
	iosys_map_set_vaddr(map, vaddr);
	return 0;
}

static void buf_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
}

static void buf_free(struct ai_buf *buf)
{
	u64 bytes = (u64)buf->pages.nr << PAGE_SHIFT;

	vunmap(buf->vaddr);
	ai_pages_free(&buf->pages);
	ai_quota_uncharge(buf->group, AIOFFLOAD_RES_BYTES, bytes);
	ai_group_put(buf->group);
	kfree(buf);
}

static void buf_release(struct dma_buf *dmabuf)
{
	buf_free(dmabuf->priv);
}

static const struct dma_buf_ops buf_ops = {
	.map_dma_buf = buf_map,
	.unmap_dma_buf = buf_unmap,
	.begin_cpu_access = buf_begin_cpu_access,
	.end_cpu_access = buf_end_cpu_access,
	.mmap = buf_mmap,
	.vmap = buf_vmap,
	.vunmap = buf_vunmap,
	.release = buf_release,
};

static struct ai_buf *buf_new(struct ai_group *group, size_t bytes)
{
	struct ai_buf *buf;
	int ret;

	buf = kzalloc(sizeof(*buf), GFP_KERNEL_ACCOUNT);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	mutex_init(&buf->lock);
	INIT_LIST_HEAD(&buf->maps);
	ret = ai_quota_charge(group, AIOFFLOAD_RES_BYTES, bytes);
	if (ret)
		goto err_free;
	ret = ai_pages_alloc(&buf->pages, bytes >> PAGE_SHIFT);
	if (ret)
		goto err_charge;
	buf->group = ai_group_get(group);
	return buf;

err_charge:
	ai_quota_uncharge(group, AIOFFLOAD_RES_BYTES, bytes);
err_free:
	kfree(buf);
	return ERR_PTR(ret);
}

static struct dma_buf *buf_export(struct ai_group *group, size_t bytes)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct ai_buf *buf = buf_new(group, bytes);
	struct dma_buf *dmabuf;

	if (IS_ERR(buf))
		return ERR_CAST(buf);
	info.ops = &buf_ops;
	info.size = bytes;
	info.flags = O_RDWR;
	info.priv = buf;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf))
		buf_free(buf);
	return dmabuf;
}

long ai_ctx_buf_create(struct ai_ctx *ctx, void __user *uarg)
{
	struct aioffload_buf_create k;
	struct dma_buf *dmabuf;
	int ret, fd;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (ret)
		return ret;
	if (k.flags || k.reserved || !k.bytes)
		return -EINVAL;
	if (k.bytes > ai_max_buffer_bytes())
		return -E2BIG;
	k.bytes = ALIGN(k.bytes, PAGE_SIZE);

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	dmabuf = buf_export(ctx->sec.group, k.bytes);
	if (IS_ERR(dmabuf)) {
		ret = PTR_ERR(dmabuf);
		goto err_fd;
	}
	k.fd = fd;
	ret = ai_copy_out(uarg, &k, sizeof(k));
	if (ret)
		goto err_buf;
	/* Last: from here on the descriptor is user space's. */
	fd_install(fd, dmabuf->file);
	return 0;

err_buf:
	dma_buf_put(dmabuf);
err_fd:
	put_unused_fd(fd);
	return ret;
}
