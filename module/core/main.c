// SPDX-License-Identifier: GPL-2.0
/*
 * aioffload.ko: module, parameters, class, character device.
 */
#include <linux/cdev.h>
#include <linux/module.h>
#include <linux/sysfs.h>
#include <linux/wait_bit.h>

#include "internal.h"

#define AI_MINORS	(AI_MAX_DEVICES + 1)

unsigned int ai_max_model_mib = 512;
module_param_named(max_model_mib, ai_max_model_mib, uint, 0644);
MODULE_PARM_DESC(max_model_mib, "Largest model in MiB (at most 1024)");

unsigned int ai_max_buffer_mib = 1024;
module_param_named(max_buffer_mib, ai_max_buffer_mib, uint, 0644);
MODULE_PARM_DESC(max_buffer_mib, "Largest buffer in MiB");

unsigned int ai_job_timeout_ms = 60000;
module_param_named(job_timeout_ms, ai_job_timeout_ms, uint, 0644);
MODULE_PARM_DESC(job_timeout_ms, "Budget of a job that names none, in ms");

unsigned int ai_max_job_timeout_ms = 3600000;
module_param_named(max_job_timeout_ms, ai_max_job_timeout_ms, uint, 0644);
MODULE_PARM_DESC(max_job_timeout_ms,
		 "Longest budget of a job, in ms; longer ones are cut to it");

unsigned int ai_cancel_grace_ms = 1000;
module_param_named(cancel_grace_ms, ai_cancel_grace_ms, uint, 0644);
MODULE_PARM_DESC(cancel_grace_ms,
		 "Time that a cancelled job has before its device is reset, in ms");

struct workqueue_struct *ai_wq;
struct workqueue_struct *ai_job_wq;
struct class *ai_class;
dev_t ai_devt;

static struct cdev ai_cdev;
static struct device *ai_any;	/* /dev/aioffload */
static atomic_t ai_objects = ATOMIC_INIT(0);

/*
 * Queues and bindings can outlive their file: jobs hold them. By the time the
 * module goes every file and device has gone, so these are about to.
 */
void ai_object_born(void)
{
	atomic_inc(&ai_objects);
}

void ai_object_dead(void)
{
	if (atomic_dec_and_test(&ai_objects))
		wake_up_var(&ai_objects);
}

/* Answer with the kernel's size, as much as the caller has room for. */
int ai_copy_out(void __user *u, void *k, size_t ksize)
{
	size_t usize = *(u32 *)k;

	*(u32 *)k = ksize;
	if (copy_to_user(u, k, min(usize, ksize)))
		return -EFAULT;
	if (usize > ksize && clear_user(u + ksize, usize - ksize))
		return -EFAULT;
	return 0;
}

static char *ai_devnode(COMPAT_DEVNODE_CONST struct device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0660;
	return NULL;
}

/*
 * Cgroups that have come to devices so far: /sys/class/aioffload/aioffload/groups.
 * For aioffloadd, which gets an event (inotify, poll) and then looks what weight
 * they have. How many others there are is nobody's business.
 */
static atomic_t ai_groups_came = ATOMIC_INIT(0);

static ssize_t groups_show(struct device *device, struct device_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%u\n", (u32)atomic_read(&ai_groups_came));
}
static DEVICE_ATTR_ADMIN_RO(groups);

static struct attribute *ai_any_attrs[] = {
	&dev_attr_groups.attr,
	NULL
};
ATTRIBUTE_GROUPS(ai_any);

/* A context is open, so the node is there. May sleep. */
void ai_group_came(void)
{
	atomic_inc(&ai_groups_came);
	sysfs_notify(&ai_any->kobj, NULL, "groups");
}

static int __init ai_nodes_init(void)
{
	int ret;

	ret = alloc_chrdev_region(&ai_devt, 0, AI_MINORS, "aioffload");
	if (ret)
		return ret;

	ai_class = compat_class_create("aioffload");
	if (IS_ERR(ai_class)) {
		ret = PTR_ERR(ai_class);
		goto err_region;
	}
	ai_class->devnode = ai_devnode;

	cdev_init(&ai_cdev, &ai_ctx_fops);
	ai_cdev.owner = THIS_MODULE;
	ret = cdev_add(&ai_cdev, ai_devt, AI_MINORS);
	if (ret)
		goto err_class;

	ai_any = device_create_with_groups(ai_class, NULL, ai_devt, NULL,
					   ai_any_groups, "aioffload");
	if (IS_ERR(ai_any)) {
		ret = PTR_ERR(ai_any);
		goto err_cdev;
	}
	return 0;

err_cdev:
	cdev_del(&ai_cdev);
err_class:
	class_destroy(ai_class);
err_region:
	unregister_chrdev_region(ai_devt, AI_MINORS);
	return ret;
}

static void ai_nodes_exit(void)
{
	device_destroy(ai_class, ai_devt);
	cdev_del(&ai_cdev);
	class_destroy(ai_class);
	unregister_chrdev_region(ai_devt, AI_MINORS);
}

static int __init ai_init(void)
{
	int ret;

	ai_wq = alloc_workqueue("aioffload", WQ_UNBOUND, 0);
	if (!ai_wq)
		return -ENOMEM;
	/* Whoever waits for a fence may be short of memory: one rescuer. */
	ai_job_wq = alloc_workqueue("aioffload_job", WQ_UNBOUND | WQ_HIGHPRI |
				    WQ_MEM_RECLAIM, 0);
	ret = -ENOMEM;
	if (!ai_job_wq)
		goto err_wq;
	ai_fence_init();
	ret = ai_sec_init();
	if (ret)
		goto err_job_wq;
	ret = ai_host_init();
	if (ret)
		goto err_sec;
	ret = ai_governor_init();
	if (ret)
		goto err_host;
	ret = ai_nodes_init();
	if (ret)
		goto err_governor;
	return 0;

err_governor:
	ai_governor_exit();
err_host:
	ai_host_exit();
err_sec:
	ai_sec_exit();
err_job_wq:
	destroy_workqueue(ai_job_wq);
err_wq:
	destroy_workqueue(ai_wq);
	return ret;
}

static void __exit ai_exit(void)
{
	ai_nodes_exit();
	wait_var_event(&ai_objects, !atomic_read(&ai_objects));
	/* Callbacks queue work, so in this order. */
	rcu_barrier();
	ai_governor_exit();
	ai_host_exit();
	ai_sec_exit();
	destroy_workqueue(ai_job_wq);
	destroy_workqueue(ai_wq);
}

module_init(ai_init);
module_exit(ai_exit);

MODULE_DESCRIPTION("Native AI offload: devices, models, buffers, queues");
MODULE_AUTHOR("The aioffload authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(AI_MODULE_VERSION);
COMPAT_IMPORT_NS_DMA_BUF;
