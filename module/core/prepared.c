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

static int driver_errno(int ret)
{
	return ret < 0 && ret >= -MAX_ERRNO ? ret : -EIO;
}

/*
 * The users reference is held until the entry is in the device's list, so
 * unregistering, which waits for users first, finds it there.
 */
static struct ai_prepared *prepare(struct ai_model_obj *model,
				   struct ai_device *dev)
{
	struct ai_prepared *p;
	int ret;

	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return ERR_PTR(-ENOMEM);
	ret = -ENODEV;
	if (!percpu_ref_tryget_live(&dev->users))
		goto err_free;
	ret = ai_pm_get(dev);
	if (ret)
		goto err_users;
	ret = dev->ops.prepare(dev, &model->model, &p->ptr);
	ai_pm_put(dev);
	if (ret)
		goto err_users;
	p->dev = ai_device_get(dev);
	list_add_tail(&p->model_node, &model->prepared);
	mutex_lock(&dev->held_lock);
	list_add_tail(&p->dev_node, &dev->prepared);
	mutex_unlock(&dev->held_lock);
	percpu_ref_put(&dev->users);
	return p;

err_users:
	percpu_ref_put(&dev->users);
	ret = driver_errno(ret);
err_free:
	kfree(p);
	return ERR_PTR(ret);
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

	/* Before the users reference: waiting here must not delay the device. */
	if (mutex_lock_killable(&model->lock))
		return ERR_PTR(-EINTR);
	p = find(model, dev);
	if (!p)
		p = prepare(model, dev);
	mutex_unlock(&model->lock);
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
