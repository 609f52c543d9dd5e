// SPDX-License-Identifier: GPL-2.0
/*
 * A context's ports: one for each device that bindings of it can run on, for as
 * long as there are such bindings.
 */
#include <linux/slab.h>

#include "queue.h"

static struct ai_port *find(struct ai_ctx *ctx, const struct ai_device *dev)
{
	struct ai_port *p;

	list_for_each_entry(p, &ctx->ports, node)
		if (p->dev == dev)
			return p;
	return NULL;
}

/* Nobody has it any more; what it lent its place to may still run. */
static void port_close(struct ai_port *p)
{
	struct ai_ctx *ctx = p->ctx;

	if (!ai_sched_port_close(&p->sched))
		return;
	ai_device_put(p->dev);
	kfree(p);
	ai_ctx_put(ctx);
	ai_object_dead();
}

static void port_close_work(struct work_struct *work)
{
	port_close(container_of(work, struct ai_port, sched.close_work));
}

static struct ai_port *port_new(struct ai_ctx *ctx, struct ai_device *dev)
{
	struct ai_port *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!p)
		return ERR_PTR(-ENOMEM);
	ret = ai_sched_port_open(&p->sched, &dev->sched, ctx->sec.group);
	if (ret < 0) {
		kfree(p);
		return ERR_PTR(ret);
	}
	/* The host's own scheduler knows what cgroups weigh. */
	if (ret && !dev->host)
		ai_group_came();
	INIT_WORK(&p->sched.close_work, port_close_work);
	p->refs = 1;
	p->dev = dev;
	p->ctx = ctx;
	ret = ai_promise_port(p);
	if (ret) {
		ai_sched_unpromise_all(&p->sched);
		ai_freq_unpromised(dev);
		ai_sched_port_close(&p->sched);
		kfree(p);
		return ERR_PTR(ret);
	}
	ai_object_born();
	ai_device_get(dev);
	refcount_inc(&ctx->refs);
	list_add(&p->node, &ctx->ports);
	return p;
}

/*
 * Return: it, referenced; or ERR_PTR(-ENOMEM), or -EBUSY: the device can't
 * promise what the context's realtime queues want. May sleep.
 */
struct ai_port *ai_port_get(struct ai_ctx *ctx, struct ai_device *dev)
{
	struct ai_port *p;

	mutex_lock(&ctx->lock);
	p = find(ctx, dev);
	if (p)
		p->refs++;
	else
		p = port_new(ctx, dev);
	mutex_unlock(&ctx->lock);
	return p;
}

/* No job of the caller's binding is left. May sleep. */
void ai_port_put(struct ai_port *p)
{
	struct ai_ctx *ctx = p->ctx;
	bool last;

	mutex_lock(&ctx->lock);
	last = !--p->refs;
	if (last) {
		list_del(&p->node);
		/* With the lock: who binds again finds the time free. */
		ai_sched_unpromise_all(&p->sched);
		ai_freq_unpromised(p->dev);
	}
	mutex_unlock(&ctx->lock);
	if (last)
		port_close(p);
}
