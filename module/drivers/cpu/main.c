// SPDX-License-Identifier: GPL-2.0
/*
 * aioffload_cpu: the host's own vector units as a device.
 *
 *	modprobe aioffload_cpu [isa=NAME] [workers=N] [poison=BYTE]
 *
 * isa: scalar, avx2, avxvnni, avx512, avx512vnni, neon or neondot; by default
 * the best that this processor has. A name that does not exist, or that the
 * processor can't do, is refused.
 *
 * poison: fill work memory and outputs with this byte before each sample.
 * Results must be the same whatever the byte: then nothing that a job shows
 * comes from memory that it has not written itself. For tests; costs time.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <uapi/linux/aioffload.h>
#include "cpu.h"

static char *isa = "";
module_param(isa, charp, 0444);
MODULE_PARM_DESC(isa, "vector unit to use (default: the best there is)");

static unsigned int workers;
module_param(workers, uint, 0444);
MODULE_PARM_DESC(workers, "jobs of one model worked on at a time, 1..32 (default: one a CPU)");

int cpudev_poison = -1;

static int poison_set(const char *text, const struct kernel_param *kp)
{
	int byte, err = kstrtoint(text, 0, &byte);

	if (err)
		return err;
	if (byte < -1 || byte > 255)
		return -EINVAL;
	WRITE_ONCE(cpudev_poison, byte);
	return 0;
}

static const struct kernel_param_ops poison_ops = {
	.set = poison_set,
	.get = param_get_int,
};
module_param_cb(poison, &poison_ops, &cpudev_poison, 0644);
MODULE_PARM_DESC(poison, "byte to fill work memory and outputs with before each sample, for tests (default: -1, none)");

static struct cpu_device *the_cpu;

static const struct ai_device_ops ops = {
	.size = sizeof(ops),
	.version = AI_DEVICE_API_VERSION,
	.prepare = cpudev_prepare,
	.unprepare = cpudev_unprepare,
	.run = cpudev_run,
};

static int pick_isa(const struct eng_isa **out)
{
	struct eng_cpu has = { 0 };

	cpudev_detect(&has);
	if (!*isa) {
		*out = eng_isa_best(&has);
		return 0;
	}
	*out = eng_isa_by_name(isa, &has);
	if (*out)
		return 0;
	pr_err("isa=%s: no such vector unit, or not on this processor (best here: %s)\n",
	       isa, eng_isa_name(eng_isa_best(&has)));
	return -ENODEV;
}

static int pick_workers(unsigned int *out)
{
	if (workers > CPU_MAX_JOBS) {
		pr_err("workers=%u: at most %u\n", workers, CPU_MAX_JOBS);
		return -EINVAL;
	}
	*out = workers ? workers : min(num_online_cpus(), CPU_MAX_JOBS);
	return 0;
}

static int add_device(struct cpu_device *cpu)
{
	const struct ai_device_info info = {
		.size = sizeof(info),
		.dev_class = AIOFFLOAD_CLASS_CPU,
		.caps = AIOFFLOAD_CAP_SYNC | AIOFFLOAD_CAP_CPU_ACCESS,
		.queue_depth = cpu->nr_jobs,
		.lanes = cpu->nr_jobs,
		.owner = THIS_MODULE,
		.driver = KBUILD_MODNAME,
		.desc = cpudev_describe(cpu->isa),
		.power_busy_uw = cpudev_power_uw(cpu->nr_jobs),
	};
	struct ai_device *dev = ai_device_register(&info, &ops, cpu);

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	cpu->dev = dev;
	pr_info("%s, %u jobs of a model at a time\n", info.desc, cpu->nr_jobs);
	if (info.power_busy_uw)
		pr_info("%u mW by the energy model\n",
			info.power_busy_uw / 1000);
	return 0;
}

static int __init cpudev_init(void)
{
	struct cpu_device *cpu;
	int err;

	cpu = kzalloc(sizeof(*cpu), GFP_KERNEL);
	if (!cpu)
		return -ENOMEM;
	err = pick_isa(&cpu->isa);
	if (!err)
		err = pick_workers(&cpu->nr_jobs);
	if (err)
		goto free_cpu;
	err = add_device(cpu);
	if (err)
		goto free_cpu;
	the_cpu = cpu;
	return 0;

free_cpu:
	kfree(cpu);
	return err;
}
module_init(cpudev_init);

static void __exit cpudev_exit(void)
{
	ai_device_unregister(the_cpu->dev);
	kfree(the_cpu);
}
module_exit(cpudev_exit);

MODULE_AUTHOR("The aioffload authors");
MODULE_DESCRIPTION("AI offload: the CPU's vector units");
MODULE_LICENSE("GPL");
