// SPDX-License-Identifier: GPL-2.0
/*
 * Bindings: model + buffers + devices, registered once, named by slot.
 *
 * All checks are made here, so that a job needs none but its sample numbers.
 */
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "internal.h"

/* What is needed while a binding is built. */
struct bind_args {
	const struct aioffload_bind_io *ios;
	u16 buf_of[AIM_MAX_IO];
	u64 stride[AIM_MAX_IO];
	u64 end[AIM_MAX_IO];
};

static const struct aim_tensor *io_tensor(const struct ai_binding *b, u32 i)
{
	const struct aim_view *v = b->model->model.view;

	return &v->tensors[v->io[i]];
}

/* Does input or output @i lie within its buffer, and properly? */
static int check_io(struct ai_binding *b, struct bind_args *a, u32 i)
{
	const struct dma_buf *dmabuf = b->bufs[a->buf_of[i]].dmabuf;
	const struct aim_tensor *t = io_tensor(b, i);
	u64 offset = a->ios[i].offset;
	u64 stride = a->ios[i].stride ?: t->bytes;
	u64 end;

	if (!IS_ALIGNED(offset, AIM_ALIGN) || stride < t->bytes ||
	    stride % aim_type_size(t->type))
		return -EINVAL;
	if (check_mul_overflow(stride, (u64)b->samples - 1, &end) ||
	    check_add_overflow(end, t->bytes, &end) ||
	    check_add_overflow(end, offset, &end) || end > dmabuf->size)
		return -EINVAL;
	a->stride[i] = stride;
	a->end[i] = end;
	return 0;
}

/* An output has its bytes to itself. */
static int check_overlap(const struct ai_binding *b, const struct bind_args *a)
{
	u32 i, j, n = b->nr_inputs + b->nr_outputs;

	for (i = b->nr_inputs; i < n; i++)
		for (j = 0; j < i; j++)
			if (a->buf_of[i] == a->buf_of[j] &&
			    a->ios[i].offset < a->end[j] &&
			    a->ios[j].offset < a->end[i])
				return -EINVAL;
	return 0;
}

static int check_ios(struct ai_binding *b, struct bind_args *a)
{
	u32 i, n = b->nr_inputs + b->nr_outputs;
	int ret;

	for (i = 0; i < n; i++) {
		ret = check_io(b, a, i);
		if (ret)
			return ret;
	}
	return check_overlap(b, a);
}

static int fill_ios(struct ai_binding *b, struct ai_target *t,
		    const struct bind_args *a)
{
	u32 i, n = b->nr_inputs + b->nr_outputs;

	t->io = kcalloc(n, sizeof(*t->io), GFP_KERNEL_ACCOUNT);
	if (!t->io)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		struct ai_bind_buf *buf = &b->bufs[a->buf_of[i]];

		t->io[i] = (struct ai_io) {
			.offset = a->ios[i].offset,
			.stride = a->stride[i],
			.bytes = io_tensor(b, i)->bytes,
		};
		if (t->dev->caps & AIOFFLOAD_CAP_CPU_ACCESS)
			t->io[i].vaddr = buf->map.vaddr + a->ios[i].offset;
		if (t->maps)
			t->io[i].sgt = t->maps[a->buf_of[i]].sgt;
	}
	return 0;
}

static void target_close(struct ai_binding *b, struct ai_target *t)
{
	ai_dma_maps_close(b, t);
	kfree(t->io);
	ai_port_put(t->port);
	ai_device_put(t->dev);
}

/* Does its signer let the model run there? The driver's module must stay. */
static int model_on(const struct ai_binding *b, struct ai_device *dev)
{
	int ret;

	if (!percpu_ref_tryget_live(&dev->users))
		return -ENODEV;
	ret = ai_sec_model_on(&b->model->sec, dev->dev_class, dev->driver,
			      dev->owner);
	percpu_ref_put(&dev->users);
	return ret;
}

/* Make @b able to run on @dev. */
static int target_open(struct ai_ctx *ctx, struct ai_binding *b,
		       struct ai_device *dev, const struct bind_args *a)
{
	struct ai_target *t = &b->targets[b->nr_targets];
	struct ai_prepared *p;
	struct ai_port *port;
	int ret;

	ret = model_on(b, dev);
	if (ret)
		return ret;
	p = ai_prepared_get(b->model, dev);
	if (IS_ERR(p))
		return PTR_ERR(p);
	port = ai_port_get(ctx, dev);
	if (IS_ERR(port))
		return PTR_ERR(port);
	*t = (struct ai_target) {
		.dev = ai_device_get(dev),
		.prepared = p,
		.port = port,
	};
	if (dev->caps & AIOFFLOAD_CAP_CPU_ACCESS)
		ret = ai_bind_bufs_vmap(b);
	if (!ret && dev->caps & AIOFFLOAD_CAP_DMA)
		ret = ai_dma_maps_open(b, t);
	if (!ret)
		ret = fill_ios(b, t, a);
	if (ret) {
		target_close(b, t);
		return ret;
	}
	b->nr_targets++;
	if (dev->host) {
		b->host = true;
		b->node = ai_bind_node(b, t->io);
	}
	return 0;
}

/* Not able, not allowed, leaving, or out of use: others may do. */
static bool can_do_without(const struct ai_device *dev, int err)
{
	return err == -EOPNOTSUPP || err == -EPERM || err == -ENODEV ||
	       (err == -EIO && ai_sched_gate(&dev->sched) & AI_GATE_FAILED);
}

/* What to say if there is no other; EPERM before all else, then the first. */
static int reason(int why, int err)
{
	if (err == -EPERM || why != -ENODEV)
		return err == -EPERM ? err : why;
	return err == -EIO ? err : -EOPNOTSUPP;
}

/* A context on any device: all that it sees and that can run the model. */
static int targets_open_any(struct ai_ctx *ctx, struct ai_binding *b,
			    const struct bind_args *a)
{
	struct ai_device **devs;
	int ret = 0, why = -ENODEV;
	unsigned int i, n;

	devs = kmalloc_array(AI_MAX_DEVICES, sizeof(*devs), GFP_KERNEL);
	if (!devs)
		return -ENOMEM;
	n = ai_device_snapshot(devs, AI_MAX_DEVICES);
	b->targets = kcalloc(n ?: 1, sizeof(*b->targets), GFP_KERNEL_ACCOUNT);
	if (!b->targets)
		ret = -ENOMEM;
	for (i = 0; i < n; i++) {
		if (!ret && !ai_sec_may(&ctx->sec, 0, devs[i]->id)) {
			ret = target_open(ctx, b, devs[i], a);
			why = reason(why, ret);
			if (can_do_without(devs[i], ret))
				ret = 0;
		}
		ai_device_put(devs[i]);
	}
	kfree(devs);
	return ret || b->nr_targets ? ret : why;
}

static int targets_open(struct ai_ctx *ctx, struct ai_binding *b,
			const struct bind_args *a)
{
	if (!ctx->pinned)
		return targets_open_any(ctx, b, a);
	b->targets = kcalloc(1, sizeof(*b->targets), GFP_KERNEL_ACCOUNT);
	if (!b->targets)
		return -ENOMEM;
	return target_open(ctx, b, ctx->pinned, a);
}

/* Nobody uses it any more. May sleep. */
void ai_binding_free(struct ai_binding *b)
{
	if (b->counted)
		ai_audit_exec_close(&b->exec);
	while (b->nr_targets)
		target_close(b, &b->targets[--b->nr_targets]);
	kfree(b->targets);
	ai_bind_bufs_close(b);
	kfree(b->bufs);
	ai_model_put(b->model);
	kfree(b);
	ai_object_dead();
}

static void binding_free_work(struct work_struct *work)
{
	ai_binding_free(container_of(work, struct ai_binding, free_work));
}

static void binding_retired(struct rcu_head *rcu)
{
	ai_binding_put(container_of(rcu, struct ai_binding, rcu));
}

/* It has just left its slot; readers may still be taking references. */
void ai_binding_retire(struct ai_binding *b)
{
	call_rcu(&b->rcu, binding_retired);
}

/* Takes over the reference on @model, also on failure. */
static struct ai_binding *binding_new(struct ai_ctx *ctx,
				      struct ai_model_obj *model,
				      const struct aioffload_bind *k,
				      struct bind_args *a)
{
	const struct aim_header *h = model->model.view->header;
	struct ai_binding *b;
	int ret = -ENOMEM;

	b = kzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	if (!b) {
		ai_model_put(model);
		return ERR_PTR(-ENOMEM);
	}
	ai_object_born();
	refcount_set(&b->refs, 1);
	INIT_WORK(&b->free_work, binding_free_work);
	b->node = NUMA_NO_NODE;
	b->model = model;
	b->own_model = model->sec.group == ctx->sec.group;
	b->samples = k->samples;
	b->max_job_ns = model->sec.max_job_ns ?: U64_MAX;
	b->nr_inputs = h->nr_inputs;
	b->nr_outputs = h->nr_outputs;
	b->bufs = kcalloc(k->nr_ios, sizeof(*b->bufs), GFP_KERNEL_ACCOUNT);
	if (!b->bufs)
		goto err;
	ret = ai_bind_bufs_open(b, a->ios, a->buf_of);
	if (!ret)
		ret = check_ios(b, a);
	if (!ret)
		ret = targets_open(ctx, b, a);
	if (!ret)
		ret = ai_audit_exec_open(&b->exec, &ctx->sec, &model->sec);
	if (!ret) {
		b->counted = true;
		return b;
	}
err:
	ai_binding_free(b);
	return ERR_PTR(ret);
}

/* The slot wanted, or the next free one. With ctx->lock. */
static int choose_slot(struct ai_ctx *ctx, u32 *slot)
{
	u32 i, at;

	if (*slot != AIOFFLOAD_SLOT_ANY) {
		at = array_index_nospec(*slot, AI_MAX_SLOTS);
		return rcu_access_pointer(ctx->slots[at]) ? -EEXIST : 0;
	}
	for (i = 0; i < AI_MAX_SLOTS; i++) {
		at = (ctx->slot_hint + i) % AI_MAX_SLOTS;
		if (!rcu_access_pointer(ctx->slots[at])) {
			ctx->slot_hint = at + 1;
			*slot = at;
			return 0;
		}
	}
	return -ENOSPC;
}

static int find_slot(struct ai_ctx *ctx, u32 *slot)
{
	int ret;

	mutex_lock(&ctx->lock);
	ret = choose_slot(ctx, slot);
	mutex_unlock(&ctx->lock);
	return ret;
}

/* False: somebody else was quicker. */
static bool take_slot(struct ai_ctx *ctx, u32 slot, struct ai_binding *b)
{
	bool mine;

	mutex_lock(&ctx->lock);
	mine = !rcu_access_pointer(ctx->slots[slot]);
	if (mine) {
		/* Before: who finds the slot has seen what it needs. */
		if (b->host)
			WRITE_ONCE(ctx->host, true);
		if (b->nr_targets > ctx->widest)
			WRITE_ONCE(ctx->widest, b->nr_targets);
		rcu_assign_pointer(ctx->slots[slot], b);
	}
	mutex_unlock(&ctx->lock);
	return mine;
}

/*
 * The answer is written before the slot is visible: no undoing afterwards. And
 * not under the lock: user memory can make us wait for as long as somebody
 * likes, and whoever closes a queue of this context would wait as well.
 */
static int install(struct ai_ctx *ctx, struct ai_binding *b,
		   const struct aioffload_bind *k, void __user *uarg)
{
	struct aioffload_bind answer;
	int ret;

	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		answer = *k;
		ret = find_slot(ctx, &answer.slot);
		if (!ret)
			ret = ai_copy_out(uarg, &answer, sizeof(answer));
		if (ret)
			return ret;
	} while (!take_slot(ctx, answer.slot, b));
	return 0;
}

static long bind(struct ai_ctx *ctx, struct aioffload_bind *k,
		 struct bind_args *a, void __user *uarg)
{
	struct ai_model_obj *model = ai_model_from_fd(k->model_fd);
	struct ai_binding *b;
	int ret;

	if (IS_ERR(model))
		return PTR_ERR(model);
	if (k->nr_ios != model->model.view->header->nr_inputs +
			 model->model.view->header->nr_outputs) {
		ai_model_put(model);
		return -EINVAL;
	}
	b = binding_new(ctx, model, k, a);
	if (IS_ERR(b))
		return PTR_ERR(b);
	ret = install(ctx, b, k, uarg);
	if (ret)
		ai_binding_free(b);
	return ret;
}

long ai_ctx_bind(struct ai_ctx *ctx, void __user *uarg)
{
	struct aioffload_bind_io *ios;
	struct aioffload_bind k;
	struct bind_args *a;
	long ret;
	u32 i;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (ret)
		return ret;
	if (k.flags || !k.nr_ios || k.nr_ios > AIM_MAX_IO || !k.samples ||
	    k.samples > AI_MAX_SAMPLES ||
	    (k.slot >= AI_MAX_SLOTS && k.slot != AIOFFLOAD_SLOT_ANY))
		return -EINVAL;
	ret = ai_ctx_alive(ctx) ?: ai_ctx_may(ctx, AI_RIGHT_EXEC);
	if (ret)
		return ret;

	ios = memdup_user(u64_to_user_ptr(k.ios),
			  array_size(k.nr_ios, sizeof(*ios)));
	if (IS_ERR(ios))
		return PTR_ERR(ios);
	for (i = 0; i < k.nr_ios; i++) {
		if (ios[i].reserved) {
			ret = -EINVAL;
			goto out;
		}
	}
	a = kzalloc(sizeof(*a), GFP_KERNEL);
	if (!a) {
		ret = -ENOMEM;
		goto out;
	}
	a->ios = ios;
	ret = bind(ctx, &k, a, uarg);
	kfree(a);
out:
	kfree(ios);
	return ret;
}

long ai_ctx_unbind(struct ai_ctx *ctx, void __user *uarg)
{
	struct aioffload_unbind k;
	struct ai_binding *b;
	u32 slot;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (ret)
		return ret;
	if (k.flags || k.reserved)
		return -EINVAL;
	if (k.slot >= AI_MAX_SLOTS)
		return -ENOENT;
	slot = array_index_nospec(k.slot, AI_MAX_SLOTS);
	/* Answered first: a call that fails has done nothing. */
	ret = ai_copy_out(uarg, &k, sizeof(k));
	if (ret)
		return ret;
	mutex_lock(&ctx->lock);
	b = rcu_replace_pointer(ctx->slots[slot], NULL,
				lockdep_is_held(&ctx->lock));
	mutex_unlock(&ctx->lock);
	if (!b)
		return -ENOENT;
	ai_binding_retire(b);
	return 0;
}
