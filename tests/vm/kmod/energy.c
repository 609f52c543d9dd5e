// SPDX-License-Identifier: GPL-2.0
/*
 * An energy model for the guest's CPUs, which have none: 1.5 W each at the top.
 * It stays until the guest ends, as any energy model of CPUs.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/energy_model.h>
#include <linux/module.h>

/* Of two states: the lowest above *freq. */
static int power_of(struct device *dev, unsigned long *power, unsigned long *freq)
{
	*freq = *freq < 500000 ? 500000 : 1000000;
	*power = *freq == 500000 ? 400000 : 1500000;
	return 0;
}

static struct em_data_callback model = EM_DATA_CB(power_of);

static int __init energy_init(void)
{
	static cpumask_t cpus;

	cpumask_copy(&cpus, cpu_possible_mask);
	return em_dev_register_perf_domain(get_cpu_device(0), 2, &model, &cpus,
					   true);
}
module_init(energy_init);

static void __exit energy_exit(void)
{
}
module_exit(energy_exit);

MODULE_DESCRIPTION("an energy model of CPUs, for tests");
MODULE_LICENSE("GPL");
