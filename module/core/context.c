// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts: an open /dev/aioffload or /dev/aioffloadN, and its ioctls.
 */
#include <linux/slab.h>

#include "queue.h"

static int ctx_open(struct inode *inode, struct file *file)
{
	unsigned int minor = iminor(inode);
	struct ai_ctx *ctx;
	int ret;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return -ENOMEM;
	ctx->slots = kcalloc(AI_MAX_SLOTS, sizeof(*ctx->slots),
			     GFP_KERNEL_ACCOUNT);
	if (!ctx->slots) {
		ret = -ENOMEM;
		goto err_ctx;
	}
	ret = ai_sec_open(&ctx->sec);
	if (ret)
		goto err_slots;
	/* The first minor is any device, the others follow the ids. */
	if (minor) {
		ctx->pinned = ai_device_find(minor - 1);
		ret = -ENODEV;
		if (!ctx->pinned)
			goto err_sec;
		/* Not to be told from a device that is not there. */
		if (ai_sec_may(&ctx->sec, 0, ctx->pinned->id)) {
			ai_audit_deny(&ctx->sec, 0, ctx->pinned->id, ret);
			goto err_device;
		}
	}
	refcount_set(&ctx->refs, 1);
	mutex_init(&ctx->lock);
	INIT_LIST_HEAD(&ctx->queues);
	INIT_LIST_HEAD(&ctx->ports);
	file->private_data = ctx;
	return 0;

err_device:
	ai_device_put(ctx->pinned);
err_sec:
	ai_sec_close(&ctx->sec);
err_slots:
	kfree(ctx->slots);
err_ctx:
	kfree(ctx);
	return ret;
}

void ai_ctx_put(struct ai_ctx *ctx)
{
	if (!refcount_dec_and_test(&ctx->refs))
		return;
	ai_sec_close(&ctx->sec);
	if (ctx->pinned)
		ai_device_put(ctx->pinned);
	kfree(ctx->slots);
	kfree(ctx);
}

/*
 * The bindings go; jobs that have taken one keep it until they end. Queues
 * stay, as their fds do, but take nothing any more.
 */
static int ctx_release(struct inode *inode, struct file *file)
{
	struct ai_ctx *ctx = file->private_data;
	struct ai_queue *q;
	unsigned int i;

	mutex_lock(&ctx->lock);
	WRITE_ONCE(ctx->closed, true);
	for (i = 0; i < AI_MAX_SLOTS; i++) {
		struct ai_binding *b =
			rcu_replace_pointer(ctx->slots[i], NULL,
					    lockdep_is_held(&ctx->lock));
		if (b)
			ai_binding_retire(b);
	}
	list_for_each_entry(q, &ctx->queues, ctx_node)
		wake_up_all(&q->wait);
	mutex_unlock(&ctx->lock);
	ai_ctx_put(ctx);
	return 0;
}

static long ctx_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ai_ctx *ctx = file->private_data;
	void __user *uarg = (void __user *)arg;

	/* The one that is called often. */
	if (likely(cmd == AIOFFLOAD_IOC_RUN)) {
		if (unlikely(!(file->f_mode & FMODE_WRITE)))
			return -EBADF;
		return ai_ctx_run(ctx, uarg);
	}
	switch (cmd) {
	case AIOFFLOAD_IOC_INFO:
		return ai_ctx_info(ctx, uarg);
	case AIOFFLOAD_IOC_DEVICE_INFO:
		return ai_ctx_device_info(ctx, uarg);
	case AIOFFLOAD_IOC_RIGHTS:
		return ai_sec_rights(&ctx->sec, uarg);
	case AIOFFLOAD_IOC_USAGE:
		return ai_sec_usage(&ctx->sec, uarg);
	case AIOFFLOAD_IOC_SCHED:
		return ai_ctx_sched(ctx, uarg);
	case AIOFFLOAD_IOC_BUF_CREATE:
	case AIOFFLOAD_IOC_MODEL_LOAD:
	case AIOFFLOAD_IOC_BIND:
	case AIOFFLOAD_IOC_UNBIND:
	case AIOFFLOAD_IOC_QUEUE_CREATE:
	case AIOFFLOAD_IOC_POLICY:
	case AIOFFLOAD_IOC_BLOCK:
	case AIOFFLOAD_IOC_GRANT:
	case AIOFFLOAD_IOC_LIMIT:
	case AIOFFLOAD_IOC_WEIGHT:
		break;
	default:
		return -ENOTTY;
	}
	/* Looking is free, changing needs a descriptor opened for writing. */
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	switch (cmd) {
	case AIOFFLOAD_IOC_BUF_CREATE:
		return ai_ctx_buf_create(ctx, uarg);
	case AIOFFLOAD_IOC_MODEL_LOAD:
		return ai_ctx_model_load(ctx, uarg);
	case AIOFFLOAD_IOC_BIND:
		return ai_ctx_bind(ctx, uarg);
	case AIOFFLOAD_IOC_UNBIND:
		return ai_ctx_unbind(ctx, uarg);
	case AIOFFLOAD_IOC_POLICY:
		return ai_sec_policy(&ctx->sec, uarg);
	case AIOFFLOAD_IOC_BLOCK:
		return ai_sec_block(&ctx->sec, uarg);
	case AIOFFLOAD_IOC_GRANT:
		return ai_ctx_grant(ctx, uarg);
	case AIOFFLOAD_IOC_LIMIT:
		return ai_sec_limit(&ctx->sec, uarg);
	case AIOFFLOAD_IOC_WEIGHT:
		return ai_ctx_weight(ctx, uarg);
	default:
		return ai_ctx_queue_create(ctx, uarg);
	}
}

const struct file_operations ai_ctx_fops = {
	.owner = THIS_MODULE,
	.open = ctx_open,
	.release = ctx_release,
	.unlocked_ioctl = ctx_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
