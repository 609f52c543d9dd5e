// SPDX-License-Identifier: GPL-2.0
/*
 * A device that imports dma-bufs; see importer.h. No stock driver shows what a
 * device would see: with swiotlb=force that is a bounce buffer, which this one
 * reads and writes as the device.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "compat/compat.h"
#include "importer.h"

struct mapping {
	struct mutex lock;	/* all */
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *at;
	struct sg_table *sgt;
	enum dma_data_direction dir;
};

static struct platform_device *pdev;

static void undo(struct mapping *m)
{
	if (m->sgt)
		dma_buf_unmap_attachment_unlocked(m->at, m->sgt, m->dir);
	if (m->at)
		dma_buf_detach(m->dmabuf, m->at);
	if (m->dmabuf)
		dma_buf_put(m->dmabuf);
	m->sgt = NULL;
	m->at = NULL;
	m->dmabuf = NULL;
}

static int do_map(struct mapping *m, const struct importer_map *k)
{
	void *p;

	if (m->dmabuf || k->dir > DMA_FROM_DEVICE)
		return -EINVAL;
	m->dir = k->dir;
	p = dma_buf_get(k->fd);
	if (IS_ERR(p))
		return PTR_ERR(p);
	m->dmabuf = p;
	p = dma_buf_attach(m->dmabuf, &pdev->dev);
	if (IS_ERR(p))
		goto err;
	m->at = p;
	p = dma_buf_map_attachment_unlocked(m->at, m->dir);
	if (IS_ERR(p))
		goto err;
	m->sgt = p;
	return 0;

err:
	undo(m);
	return PTR_ERR(p);
}

/* DMABUF_DEBUG inverts an exporter's page links, so that no importer looks. */
static phys_addr_t exporters_phys(const struct scatterlist *sg)
{
	struct scatterlist plain = *sg;

	if (IS_ENABLED(CONFIG_DMABUF_DEBUG))
		plain.page_link ^= ~0xffUL;
	return sg_phys(&plain);
}

static int bounced(const struct mapping *m)
{
	struct scatterlist *sg;
	int i, n = 0;

	for_each_sgtable_dma_sg(m->sgt, sg, i)
		n += dma_to_phys(&pdev->dev, sg_dma_address(sg)) !=
		     exporters_phys(sg);
	return n > 0;
}

/* Where the device finds the byte at @offset, and how many follow there. */
static void *device_view(const struct mapping *m, size_t offset, size_t *left)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(m->sgt, sg, i) {
		size_t len = sg_dma_len(sg);

		if (offset < len) {
			*left = len - offset;
			return phys_to_virt(dma_to_phys(&pdev->dev,
							sg_dma_address(sg))) +
			       offset;
		}
		offset -= len;
	}
	return NULL;
}

static int copy(const struct mapping *m, const struct importer_copy *k,
		bool write)
{
	char __user *user = u64_to_user_ptr(k->user);
	size_t done, n;

	for (done = 0; done < k->bytes; done += n) {
		void *p = device_view(m, (size_t)k->offset + done, &n);

		if (!p)
			return -EINVAL;
		n = min_t(size_t, n, k->bytes - done);
		if (write ? copy_from_user(p, user + done, n) :
			    copy_to_user(user + done, p, n))
			return -EFAULT;
	}
	return 0;
}

static long importer_locked(struct mapping *m, unsigned int cmd,
			    void __user *uarg)
{
	struct importer_copy c;
	struct importer_map k;

	if (cmd == IMPORTER_MAP)
		return copy_from_user(&k, uarg, sizeof(k)) ? -EFAULT :
		       do_map(m, &k);
	if (!m->sgt)
		return -EINVAL;
	switch (cmd) {
	case IMPORTER_UNMAP:
		undo(m);
		return 0;
	case IMPORTER_BOUNCED:
		return bounced(m);
	case IMPORTER_READ:
	case IMPORTER_WRITE:
		return copy_from_user(&c, uarg, sizeof(c)) ? -EFAULT :
		       copy(m, &c, cmd == IMPORTER_WRITE);
	}
	return -ENOTTY;
}

static long importer_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	struct mapping *m = file->private_data;
	long ret;

	mutex_lock(&m->lock);
	ret = importer_locked(m, cmd, (void __user *)arg);
	mutex_unlock(&m->lock);
	return ret;
}

static int importer_open(struct inode *inode, struct file *file)
{
	struct mapping *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return -ENOMEM;
	mutex_init(&m->lock);
	file->private_data = m;
	return 0;
}

static int importer_release(struct inode *inode, struct file *file)
{
	struct mapping *m = file->private_data;

	undo(m);
	kfree(m);
	return 0;
}

static const struct file_operations importer_fops = {
	.owner = THIS_MODULE,
	.open = importer_open,
	.release = importer_release,
	.unlocked_ioctl = importer_ioctl,
};

static struct miscdevice importer_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vmtest_importer",
	.fops = &importer_fops,
	.mode = 0600,
};

static int __init importer_init(void)
{
	int ret;

	pdev = platform_device_register_simple("vmtest_importer", -1, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	ret = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (!ret)
		ret = misc_register(&importer_misc);
	if (ret)
		platform_device_unregister(pdev);
	return ret;
}
module_init(importer_init);

static void __exit importer_exit(void)
{
	misc_deregister(&importer_misc);
	platform_device_unregister(pdev);
}
module_exit(importer_exit);

COMPAT_IMPORT_NS_DMA_BUF;
MODULE_AUTHOR("The aioffload authors");
MODULE_DESCRIPTION("Imports dma-bufs, for tests of aioffload");
MODULE_LICENSE("GPL");
