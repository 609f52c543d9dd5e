// SPDX-License-Identifier: GPL-2.0
/* Fences of another driver; see fencer.h. It is never unloaded. */
#include <linux/dma-fence.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include "fencer.h"

struct fence {
	struct dma_fence base;	/* first: freed as such */
	spinlock_t lock;	/* base's */
};

struct fencer {
	struct mutex lock;	/* all */
	struct fence *fence;
	u64 context;
	u64 seqno;
};

static const char *fence_name(struct dma_fence *fence)
{
	return "vmtest_fencer";
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_name,
	.get_timeline_name = fence_name,
};

static void drop(struct fencer *fr)
{
	if (fr->fence)
		dma_fence_put(&fr->fence->base);
	fr->fence = NULL;
}

static int do_new(struct fencer *fr)
{
	struct sync_file *sync;
	struct fence *f;
	int fd;

	drop(fr);
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	spin_lock_init(&f->lock);
	dma_fence_init(&f->base, &fence_ops, &f->lock, fr->context,
		       ++fr->seqno);
	fr->fence = f;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	sync = sync_file_create(&f->base);
	if (!sync) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	fd_install(fd, sync->file);
	return fd;
}

static long fencer_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct fencer *fr = file->private_data;
	long ret = -EINVAL;

	mutex_lock(&fr->lock);
	if (cmd == FENCER_NEW) {
		ret = do_new(fr);
	} else if (cmd == FENCER_SIGNAL && fr->fence && arg < MAX_ERRNO) {
		if (arg)
			dma_fence_set_error(&fr->fence->base, -(int)arg);
		dma_fence_signal(&fr->fence->base);
		drop(fr);
		ret = 0;
	}
	mutex_unlock(&fr->lock);
	return ret;
}

static int fencer_open(struct inode *inode, struct file *file)
{
	struct fencer *fr = kzalloc(sizeof(*fr), GFP_KERNEL);

	if (!fr)
		return -ENOMEM;
	mutex_init(&fr->lock);
	fr->context = dma_fence_context_alloc(1);
	file->private_data = fr;
	return 0;
}

static int fencer_release(struct inode *inode, struct file *file)
{
	struct fencer *fr = file->private_data;

	drop(fr);
	kfree(fr);
	return 0;
}

static const struct file_operations fencer_fops = {
	.owner = THIS_MODULE,
	.open = fencer_open,
	.release = fencer_release,
	.unlocked_ioctl = fencer_ioctl,
};

static struct miscdevice fencer_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vmtest_fencer",
	.fops = &fencer_fops,
	.mode = 0600,
};

static int __init fencer_init(void)
{
	int ret = misc_register(&fencer_misc);

	if (!ret)
		__module_get(THIS_MODULE);
	return ret;
}
module_init(fencer_init);

MODULE_AUTHOR("The aioffload authors");
MODULE_DESCRIPTION("Fences that signal when told to, for tests of aioffload");
MODULE_LICENSE("GPL");
