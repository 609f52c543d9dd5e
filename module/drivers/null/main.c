// SPDX-License-Identifier: GPL-2.0
/*
 * aioffload_null: parameters, and devices that come and go.
 *
 * At load:
 *	modprobe aioffload_null nr_devices=3 latency_ns=1000,2000,4000
 * Each setting is a list; device i takes element i modulo its length.
 *
 * At run time, under /sys/module/aioffload_null/parameters/:
 *	cat devices				names of our devices
 *	echo latency_ns=500 error_every=3 >add	one more, over what was loaded
 *	echo aioffload4 stall_every=2 >set	change one; counts start anew
 *	echo aioffload4 >remove			jobs in flight end with ENODEV
 *	echo all >remove
 */
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include "null.h"

#define NULL_MAX_DEVICES	1024
#define NULL_MAX_LIST		32

static unsigned int nr_devices = 1;
module_param(nr_devices, uint, 0444);
MODULE_PARM_DESC(nr_devices, "devices made at load (default 1)");

/* A setting's list and its module parameter. */
#define NULL_PARAM(field, value)					\
	static unsigned long long field##_list[NULL_MAX_LIST] = { value }; \
	static unsigned int field##_nr = 1;				\
	module_param_array_named(field, field##_list, ullong, &field##_nr, 0444)

NULL_PARAM(latency_ns, 0);
MODULE_PARM_DESC(latency_ns, "time of a job in ns; 0 completes within submit");
NULL_PARAM(jitter_ns, 0);
MODULE_PARM_DESC(jitter_ns, "random time added, below this many ns");
NULL_PARAM(ps_per_mac, 0);
MODULE_PARM_DESC(ps_per_mac, "time added for each multiply-add, in ps");
NULL_PARAM(parallelism, 1);
MODULE_PARM_DESC(parallelism, "jobs worked on at a time");
NULL_PARAM(queue_depth, 64);
MODULE_PARM_DESC(queue_depth, "jobs held at a time");
NULL_PARAM(sync_run, 0);
MODULE_PARM_DESC(sync_run, "1: offer ->run(), in the caller's context");
NULL_PARAM(power_idle_uw, 0);
MODULE_PARM_DESC(power_idle_uw, "power reported when idle, microwatt");
NULL_PARAM(power_busy_uw, 0);
MODULE_PARM_DESC(power_busy_uw, "power reported when all lanes are busy");
NULL_PARAM(power_down_uw, 0);
MODULE_PARM_DESC(power_down_uw, "power reported when idled down");
NULL_PARAM(idle_down, 0);
MODULE_PARM_DESC(idle_down, "1: idles down when it has no jobs (runtime PM)");
NULL_PARAM(wake_ns, 0);
MODULE_PARM_DESC(wake_ns, "time that coming up again takes");
NULL_PARAM(suspend_fails, 0);
MODULE_PARM_DESC(suspend_fails, "1: idling down answers EIO");
NULL_PARAM(resume_fails, 0);
MODULE_PARM_DESC(resume_fails, "1: coming up answers EIO");
NULL_PARAM(points, 0);
MODULE_PARM_DESC(points, "operating points, up to 16; the slowest has 1/points of the speed");
NULL_PARAM(power_exp, 3);
MODULE_PARM_DESC(power_exp, "power above idling goes by speed to the power of this, 0..3");
NULL_PARAM(point_fails, 0);
MODULE_PARM_DESC(point_fails, "1: going to another operating point answers EIO");
NULL_PARAM(heat_mc_per_w, 0);
MODULE_PARM_DESC(heat_mc_per_w, "so much warmer than 25 degrees it gets, in 1/1000 degree per watt; 0: temperature unknown");
NULL_PARAM(heat_ms, 1000);
MODULE_PARM_DESC(heat_ms, "in which it gets about half of the way there");
NULL_PARAM(trip_mc, 0);
MODULE_PARM_DESC(trip_mc, "temperature at which it slows itself down; 0: never");
NULL_PARAM(error_every, 0);
MODULE_PARM_DESC(error_every, "every Nth job fails with EIO; 0: none");
NULL_PARAM(error_ppm, 0);
MODULE_PARM_DESC(error_ppm, "chance of a job to fail, parts per million");
NULL_PARAM(stall_every, 0);
MODULE_PARM_DESC(stall_every, "every Nth job never completes; 0: none");
NULL_PARAM(ignore_cancel, 0);
MODULE_PARM_DESC(ignore_cancel, "1: cancel does nothing, only reset helps");
NULL_PARAM(reset_fails, 0);
MODULE_PARM_DESC(reset_fails, "1: reset ends the jobs, yet answers EIO");
NULL_PARAM(remove_after, 0);
MODULE_PARM_DESC(remove_after, "the Nth job makes the device vanish; 0: never");
NULL_PARAM(ownerless, 0);
MODULE_PARM_DESC(ownerless, "1: do not say which module the driver is");

/* What a setting is called, where it is kept, and what it may be. */
struct null_field {
	const char *name;
	size_t offset;
	u64 min, max;
	bool fixed;		/* for the life of the device */
	const unsigned long long *list;
	const unsigned int *nr;
};

#define NULL_FIELD(field, lo, hi, is_fixed) {				\
	.name = #field, .offset = offsetof(struct null_config, field),	\
	.min = lo, .max = hi, .fixed = is_fixed,			\
	.list = field##_list, .nr = &field##_nr }

static const struct null_field null_fields[] = {
	NULL_FIELD(latency_ns, 0, NULL_MAX_NS, false),
	NULL_FIELD(jitter_ns, 0, NULL_MAX_NS, false),
	NULL_FIELD(ps_per_mac, 0, 1000000000, false),
	NULL_FIELD(parallelism, 1, NULL_MAX_DEPTH, true),
	NULL_FIELD(queue_depth, 1, NULL_MAX_DEPTH, true),
	NULL_FIELD(sync_run, 0, 1, true),
	NULL_FIELD(power_idle_uw, 0, 1000000000, false),
	NULL_FIELD(power_busy_uw, 0, 1000000000, false),
	NULL_FIELD(power_down_uw, 0, 1000000000, true),
	NULL_FIELD(idle_down, 0, 1, true),
	NULL_FIELD(wake_ns, 0, NULL_MAX_WAKE, false),
	NULL_FIELD(suspend_fails, 0, 1, false),
	NULL_FIELD(resume_fails, 0, 1, false),
	NULL_FIELD(points, 0, NULL_MAX_POINTS, true),
	NULL_FIELD(power_exp, 0, 3, true),
	NULL_FIELD(point_fails, 0, 1, false),
	NULL_FIELD(heat_mc_per_w, 0, 1000000, true),
	NULL_FIELD(heat_ms, 1, 1000000, true),
	NULL_FIELD(trip_mc, 0, 200000, true),
	NULL_FIELD(error_every, 0, U64_MAX, false),
	NULL_FIELD(error_ppm, 0, 1000000, false),
	NULL_FIELD(stall_every, 0, U64_MAX, false),
	NULL_FIELD(ignore_cancel, 0, 1, false),
	NULL_FIELD(reset_fails, 0, 1, false),
	NULL_FIELD(remove_after, 0, U64_MAX, false),
	NULL_FIELD(ownerless, 0, 1, true),
};

static DEFINE_MUTEX(null_lock);
static LIST_HEAD(null_devices);
static unsigned int null_count;		/* in the list */
static unsigned int null_made;		/* ever: picks the element of the lists */
/*
 * The files of the parameters exist before init() and after exit(), and writing
 * to one holds no reference to the module.
 */
static bool null_live;

static u64 *null_value(struct null_config *cfg, const struct null_field *f)
{
	return (void *)cfg + f->offset;
}

static int null_set_value(struct null_config *cfg, const struct null_field *f,
			  u64 value)
{
	if (value < f->min || value > f->max) {
		pr_err("aioffload_null: %s must be %llu to %llu\n", f->name,
		       f->min, f->max);
		return -ERANGE;
	}
	*null_value(cfg, f) = value;
	return 0;
}

/* What the module was loaded with, for its device number @i. */
static int null_defaults(struct null_config *cfg, unsigned int i)
{
	unsigned int k;
	int ret;

	for (k = 0; k < ARRAY_SIZE(null_fields); k++) {
		const struct null_field *f = &null_fields[k];

		/* "latency_ns=" leaves an empty list: as if not given */
		ret = null_set_value(cfg, f, f->list[*f->nr ? i % *f->nr : 0]);
		if (ret)
			return ret;
	}
	return 0;
}

/* "name=value" */
static int null_parse_word(struct null_config *cfg, char *word, bool running)
{
	char *value = strchr(word, '=');
	unsigned int k;
	u64 v;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	for (k = 0; k < ARRAY_SIZE(null_fields); k++) {
		const struct null_field *f = &null_fields[k];

		if (strcmp(f->name, word))
			continue;
		if (running && f->fixed) {
			pr_err("aioffload_null: %s can't change, add another device\n",
			       word);
			return -EBUSY;
		}
		if (kstrtou64(value, 0, &v))
			return -EINVAL;
		return null_set_value(cfg, f, v);
	}
	pr_err("aioffload_null: no setting \"%s\"\n", word);
	return -EINVAL;
}

static int null_parse(struct null_config *cfg, char *text, bool running)
{
	char *word;
	int ret;

	while ((word = strsep(&text, " \t\n"))) {
		if (!*word)
			continue;
		ret = null_parse_word(cfg, word, running);
		if (ret)
			return ret;
	}
	return 0;
}

/* With null_lock held. */
static int null_add(struct null_config *cfg)
{
	struct null_device *nd;

	if (null_count >= NULL_MAX_DEVICES)
		return -ENOSPC;
	nd = null_device_create(cfg);
	if (IS_ERR(nd))
		return PTR_ERR(nd);
	list_add_tail(&nd->entry, &null_devices);
	null_count++;
	null_made++;
	return 0;
}

static void null_remove(struct null_device *nd)
{
	list_del(&nd->entry);
	null_count--;
	null_device_destroy(nd);
}

static void null_remove_all(void)
{
	struct null_device *nd, *next;

	list_for_each_entry_safe_reverse(nd, next, &null_devices, entry)
		null_remove(nd);
}

static struct null_device *null_find(const char *name)
{
	struct null_device *nd;

	list_for_each_entry(nd, &null_devices, entry) {
		if (!strcmp(ai_device_name(nd->dev), name))
			return nd;
	}
	return NULL;
}

/* A device was told to vanish (remove_after): ops can't unregister their own. */
static void null_reap(struct work_struct *work)
{
	struct null_device *nd, *next;

	mutex_lock(&null_lock);
	list_for_each_entry_safe(nd, next, &null_devices, entry) {
		bool dying;

		spin_lock_irq(&nd->lock);
		dying = nd->dying;
		spin_unlock_irq(&nd->lock);
		if (dying)
			null_remove(nd);
	}
	mutex_unlock(&null_lock);
}

static DECLARE_WORK(null_reaper, null_reap);

void null_device_vanish(void)
{
	schedule_work(&null_reaper);
}

static int null_change(struct null_device *nd, char *text)
{
	struct null_config cfg;
	int ret;

	spin_lock_irq(&nd->lock);
	cfg = nd->cfg;
	spin_unlock_irq(&nd->lock);
	/* null_lock is held: no one else changes it meanwhile */
	ret = null_parse(&cfg, text, true);
	if (ret)
		return ret;
	null_device_set(nd, &cfg);
	return 0;
}

static int null_op_add(char *text)
{
	struct null_config cfg;
	int ret;

	ret = null_defaults(&cfg, null_made) ?: null_parse(&cfg, text, false);
	return ret ?: null_add(&cfg);
}

static int null_op_set(char *text)
{
	struct null_device *nd;
	char *name = strsep(&text, " \t\n");

	nd = null_find(name);
	return nd ? null_change(nd, text) : -ENOENT;
}

static int null_op_remove(char *text)
{
	struct null_device *nd;
	char *name = strim(text);

	if (!strcmp(name, "all")) {
		null_remove_all();
		return 0;
	}
	nd = null_find(name);
	if (!nd)
		return -ENOENT;
	null_remove(nd);
	return 0;
}

/* Common to the three: a copy to cut up, the lock, and not without a module. */
static int null_write(const char *val, const struct kernel_param *kp)
{
	int (*op)(char *text) = kp->arg;
	char *text;
	int ret = -ENODEV;

	if (!val)
		return -EINVAL;
	text = kstrdup(val, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	mutex_lock(&null_lock);
	if (null_live)
		ret = op(text);
	mutex_unlock(&null_lock);
	kfree(text);
	return ret;
}

static int null_list(char *buffer, const struct kernel_param *kp)
{
	struct null_device *nd;
	int len = 0;

	mutex_lock(&null_lock);
	list_for_each_entry(nd, &null_devices, entry)
		len += scnprintf(buffer + len, PAGE_SIZE - len, "%s\n",
				 ai_device_name(nd->dev));
	mutex_unlock(&null_lock);
	return len;
}

static const struct kernel_param_ops null_write_ops = {
	.set = null_write,
};

static const struct kernel_param_ops null_list_ops = {
	.get = null_list,
};

module_param_cb(add, &null_write_ops, null_op_add, 0200);
MODULE_PARM_DESC(add, "write \"setting=value ...\": one more device");
module_param_cb(set, &null_write_ops, null_op_set, 0200);
MODULE_PARM_DESC(set, "write \"device setting=value ...\": change a device");
module_param_cb(remove, &null_write_ops, null_op_remove, 0200);
MODULE_PARM_DESC(remove, "write a device or \"all\": take it away");
module_param_cb(devices, &null_list_ops, NULL, 0444);
MODULE_PARM_DESC(devices, "read: names of the devices");

static int __init null_init(void)
{
	struct null_config cfg;
	unsigned int i;
	int ret = 0;

	if (nr_devices > NULL_MAX_DEVICES)
		return -EINVAL;

	mutex_lock(&null_lock);
	for (i = 0; i < nr_devices && !ret; i++)
		ret = null_defaults(&cfg, i) ?: null_add(&cfg);
	if (ret)
		null_remove_all();
	null_live = !ret;
	mutex_unlock(&null_lock);
	if (ret)
		cancel_work_sync(&null_reaper);
	return ret;
}
module_init(null_init);

/* Devices first: as long as there is one, a job may still queue the reaper. */
static void __exit null_exit(void)
{
	mutex_lock(&null_lock);
	null_live = false;
	null_remove_all();
	mutex_unlock(&null_lock);
	cancel_work_sync(&null_reaper);
}
module_exit(null_exit);

MODULE_AUTHOR("aioffload developers");
MODULE_DESCRIPTION("aioffload: devices that do nothing, for tests and benchmarks");
MODULE_LICENSE("GPL");
