// SPDX-License-Identifier: GPL-2.0
/*
 * Models: bytes copied once, measured, admitted, verified; then immutable.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/kernel.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "internal.h"

#define AI_COPY_CHUNK	SZ_1M

static const struct file_operations ai_model_fops;

u64 ai_max_model_bytes(void)
{
	return min_t(u64, (u64)READ_ONCE(ai_max_model_mib) << 20,
		     AIM_MAX_FILE_BYTES);
}

/* In pieces, so that a kill is heeded and nobody waits for the CPU. */
static int copy_file(struct ai_model_obj *m, const void __user *data)
{
	u64 at, nr;

	for (at = 0; at < m->bytes; at += nr) {
		nr = min_t(u64, m->bytes - at, AI_COPY_CHUNK);
		if (copy_from_user(m->data + at, data + at, nr))
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int verify(struct ai_model_obj *m, size_t model_bytes,
		  struct aim_reason *reason)
{
	size_t bytes = aim_verify_scratch(m->data, model_bytes);
	void *scratch = kvmalloc(bytes, GFP_KERNEL_ACCOUNT);
	int ret;

	if (!scratch)
		return -ENOMEM;
	ret = aim_verify(m->data, model_bytes, scratch, &m->view, reason);
	kvfree(scratch);
	return ret;
}

/* Memory is taken from its maker's group before there is any. */
static int charge(struct ai_model_obj *m, struct ai_group *group)
{
	u64 bytes = PAGE_ALIGN(max_t(u64, m->bytes, 1));
	int ret;

	ret = ai_quota_charge(group, AIOFFLOAD_RES_MODELS, 1);
	if (ret)
		return ret;
	ret = ai_quota_charge(group, AIOFFLOAD_RES_BYTES, bytes);
	if (ret) {
		ai_quota_uncharge(group, AIOFFLOAD_RES_MODELS, 1);
		return ret;
	}
	m->sec.group = ai_group_get(group);
	m->sec.charged = bytes;
	return 0;
}

static void uncharge(struct ai_model_obj *m)
{
	if (!m->sec.group)
		return;
	ai_quota_uncharge(m->sec.group, AIOFFLOAD_RES_BYTES, m->sec.charged);
	ai_quota_uncharge(m->sec.group, AIOFFLOAD_RES_MODELS, 1);
	ai_group_put(m->sec.group);
}

void ai_model_put(struct ai_model_obj *m)
{
	if (!refcount_dec_and_test(&m->refs))
		return;
	ai_prepared_release_model(m);
	if (m->loaded)
		ai_sec_model_gone(&m->sec);
	vfree(m->data);
	uncharge(m);
	kfree(m);
	ai_object_dead();
}

/* A refusal fills @reason; other failures speak for themselves. */
static struct ai_model_obj *model_new(struct ai_ctx *ctx,
				      const struct aioffload_model_load *k,
				      struct aim_reason *reason)
{
	struct ai_model_obj *m;
	size_t model_bytes;
	int ret;

	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return ERR_PTR(-ENOMEM);
	refcount_set(&m->refs, 1);
	mutex_init(&m->lock);
	INIT_LIST_HEAD(&m->prepared);
	m->bytes = k->bytes;
	ai_object_born();

	ret = charge(m, ctx->sec.group);
	if (ret)
		goto err;
	ret = -ENOMEM;
	/* Pages of its own: aligned, and not beside anything else. */
	m->data = __vmalloc(max_t(u64, m->bytes, 1),
			    GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
			    __GFP_RETRY_MAYFAIL);
	if (!m->data)
		goto err;
	ret = copy_file(m, u64_to_user_ptr(k->data));
	if (ret)
		goto err;
	ret = ai_sec_admit(&ctx->sec, &m->sec, m->data, m->bytes, &model_bytes,
			   reason);
	if (ret)
		goto err;
	ret = verify(m, model_bytes, reason);
	if (ret) {
		ai_sec_model_refused(&ctx->sec, &m->sec, ret, reason->text);
		goto err;
	}
	ret = ai_sec_model_loaded(&ctx->sec, &m->sec,
				  m->view.header->arena_bytes, reason);
	if (ret)
		goto err;
	m->loaded = true;
	m->model.view = &m->view;
	m->model.digest = m->sec.digest;
	return m;

err:
	ai_model_put(m);
	return ERR_PTR(ret);
}

/* As much as the caller has room for, always with a final NUL. */
static int tell_reason(const struct aioffload_model_load *k,
		       const struct aim_reason *reason)
{
	size_t n = strnlen(reason->text, sizeof(reason->text) - 1);
	char __user *to = u64_to_user_ptr(k->reason);

	if (!k->reason || !k->reason_len)
		return 0;
	n = min_t(size_t, n, k->reason_len - 1);
	if (copy_to_user(to, reason->text, n) || clear_user(to + n, 1))
		return -EFAULT;
	return 0;
}

static int model_install(struct ai_model_obj *m, struct aioffload_model_load *k,
			 void __user *uarg)
{
	struct file *file;
	int ret, fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile("[aioffload-model]", &ai_model_fops, m,
				  O_RDWR | O_CLOEXEC);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	ai_model_get(m);	/* the file's */
	k->fd = fd;
	memcpy(k->digest, m->sec.digest, sizeof(k->digest));
	ret = ai_copy_out(uarg, k, sizeof(*k));
	if (ret) {
		fput(file);
		put_unused_fd(fd);
		return ret;
	}
	fd_install(fd, file);
	return 0;
}

long ai_ctx_model_load(struct ai_ctx *ctx, void __user *uarg)
{
	struct aioffload_model_load k;
	struct aim_reason reason = { };
	struct ai_model_obj *m;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (ret)
		return ret;
	if (k.flags)
		return -EINVAL;
	ret = ai_sec_may(&ctx->sec, AI_RIGHT_LOAD, AIOFFLOAD_DEVICE_ANY);
	if (ret)
		return ret;
	if (k.bytes > ai_max_model_bytes()) {
		snprintf(reason.text, sizeof(reason.text),
			 "the file has %llu bytes, the limit is %llu (module parameter max_model_mib)",
			 k.bytes, ai_max_model_bytes());
		return tell_reason(&k, &reason) ?: -E2BIG;
	}
	m = model_new(ctx, &k, &reason);
	if (IS_ERR(m)) {
		if (reason.text[0] && tell_reason(&k, &reason))
			return -EFAULT;
		return PTR_ERR(m);
	}
	ret = model_install(m, &k, uarg);
	ai_model_put(m);
	return ret;
}

static long model_info(struct ai_model_obj *m, void __user *uarg)
{
	struct aioffload_model_info k;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (ret)
		return ret;
	if (k.flags || k.reserved)
		return -EINVAL;
	k = (struct aioffload_model_info) {
		.size = k.size,
		.nr_inputs = m->view.header->nr_inputs,
		.nr_outputs = m->view.header->nr_outputs,
		.nr_ops = m->view.nr_ops,
		.macs = m->view.header->macs,
		.bytes = m->bytes,
	};
	memcpy(k.digest, m->sec.digest, sizeof(k.digest));
	strscpy(k.name, aim_str(&m->view, m->view.header->name),
		sizeof(k.name));
	return ai_copy_out(uarg, &k, sizeof(k));
}

static long model_tensor(struct ai_model_obj *m, void __user *uarg)
{
	const struct aim_header *h = m->view.header;
	struct aioffload_model_tensor k;
	const struct aim_tensor *t;
	u32 i, n;
	int ret;

	BUILD_BUG_ON(AIOFFLOAD_MAX_RANK != AIM_MAX_RANK);
	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (ret)
		return ret;
	if (k.flags || k.dir > AIOFFLOAD_DIR_OUTPUT)
		return -EINVAL;
	n = k.dir == AIOFFLOAD_DIR_INPUT ? h->nr_inputs : h->nr_outputs;
	if (k.index >= n)
		return -ENOENT;
	i = array_index_nospec(k.index, n);
	if (k.dir == AIOFFLOAD_DIR_OUTPUT)
		i += h->nr_inputs;
	t = &m->view.tensors[m->view.io[i]];

	k = (struct aioffload_model_tensor) {
		.size = k.size,
		.dir = k.dir,
		.index = k.index,
		.type = t->type,
		.rank = t->rank,
		.scale_bits = t->scale_bits,
		.zero_point = t->zero_point,
		.bytes = t->bytes,
	};
	memcpy(k.dims, t->dims, sizeof(k.dims));
	strscpy(k.name, aim_str(&m->view, t->name), sizeof(k.name));
	return ai_copy_out(uarg, &k, sizeof(k));
}

static long model_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ai_model_obj *m = file->private_data;
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case AIOFFLOAD_IOC_MODEL_INFO:
		return model_info(m, uarg);
	case AIOFFLOAD_IOC_MODEL_TENSOR:
		return model_tensor(m, uarg);
	default:
		return -ENOTTY;
	}
}

static int model_release(struct inode *inode, struct file *file)
{
	ai_model_put(file->private_data);
	return 0;
}

static const struct file_operations ai_model_fops = {
	.owner = THIS_MODULE,
	.release = model_release,
	.unlocked_ioctl = model_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/*
 * ai_model_from_fd() - a reference on the model behind a descriptor
 *
 * Return: it, or ERR_PTR: -EBADF not open, -EINVAL something else (as for the
 * kernel's own dma_buf_get() and eventfd_ctx_fdget()).
 */
struct ai_model_obj *ai_model_from_fd(int fd)
{
	struct file *file = fget(fd);
	struct ai_model_obj *m;

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &ai_model_fops)
		m = ai_model_get(file->private_data);
	else
		m = ERR_PTR(-EINVAL);
	fput(file);
	return m;
}
