// SPDX-License-Identifier: GPL-2.0
/*
 * What drivers made of models: one for each model and device, made when the
 * model is first bound for the device, undone when either goes.
 */
#include <linux/slab.h>

#include "internal.h"

static struct ai_prepared *find(struct ai_model_obj *model,
				struct ai_device *dev)
{
	struct ai_prepared *p;

	list_for_each_entry(p, &model->prepared, model_node)
		if (p->dev == dev)
			return p;
	return NULL;
}

/*
 * The users reference is held by the caller until the entry is in the device's
 * list, so unregistering, which waits for users first, finds it there.
 */
static struct ai_prepared *prepare(struct ai_model_obj *model,
				   struct ai_device *dev)
{
	struct ai_prepared *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!p)
		return ERR_PTR(-ENOMEM);
	ret = dev->ops.prepare(dev, &model->model, &p->ptr);
	if (ret) {
		kfree(p);
		return ERR_PTR(ret < 0 && ret >= -MAX_ERRNO ? ret : -EIO);
	}
	p->dev = ai_device_get(dev);
	list_add_tail(&p->model_node, &model->prepared);
	mutex_lock(&dev->held_lock);
	list_add_tail(&p->dev_node, &dev->prepared);
	mutex_unlock(&dev->held_lock);
	return p;
}

/*
 * ai_prepared_get() - the model as the device wants it
 *
 * It lives as long as the model does. Return: it, or ERR_PTR: -ENODEV, -EINTR
 * (killed), -EOPNOTSUPP (the device can't run it) or what else the driver says.
 */
struct ai_prepared *ai_prepared_get(struct ai_model_obj *model,
				    struct ai_device *dev)
{
	struct ai_prepared *p;

	if (!percpu_ref_tryget_live(&dev->users))
		return ERR_PTR(-ENODEV);
	if (mutex_lock_killable(&model->lock)) {
		p = ERR_PTR(-EINTR);
		goto out;
	}
	p = find(model, dev);
	if (!p)
		p = prepare(model, dev);
	mutex_unlock(&model->lock);
out:
	percpu_ref_put(&dev->users);
	return p;
}

/* With dev->held_lock: no job of it is in flight. */
static void unprepare(struct ai_prepared *p)
{
	list_del_init(&p->dev_node);
	p->dev->ops.unprepare(p->dev, p->ptr);
	p->ptr = NULL;
}

void ai_prepared_release_model(struct ai_model_obj *model)
{
	struct ai_prepared *p, *next;

	list_for_each_entry_safe(p, next, &model->prepared, model_node) {
		struct ai_device *dev = p->dev;

		mutex_lock(&dev->held_lock);
		if (!list_empty(&p->dev_node))
			unprepare(p);
		mutex_unlock(&dev->held_lock);
		kfree(p);
		ai_device_put(dev);
	}
}

void ai_prepared_release_device(struct ai_device *dev)
{
	struct ai_prepared *p, *next;

	mutex_lock(&dev->held_lock);
	list_for_each_entry_safe(p, next, &dev->prepared, dev_node)
		unprepare(p);
	mutex_unlock(&dev->held_lock);
}
