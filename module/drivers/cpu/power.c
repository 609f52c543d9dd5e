// SPDX-License-Identifier: GPL-2.0
/*
 * What the CPUs take, as far as the kernel has a model of that.
 */
#include <linux/cpumask.h>
#include <linux/energy_model.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include "../../compat/compat.h"
#include "cpu.h"

/* Of one CPU at its highest clock, in microwatt. */
static unsigned long top_power(struct em_perf_domain *pd)
{
	unsigned long power;
#if HAVE_EM_TABLE_RCU
	rcu_read_lock();
	power = em_perf_state_from_pd(pd)[pd->nr_perf_states - 1].power;
	rcu_read_unlock();
#else
	power = pd->table[pd->nr_perf_states - 1].power;
#endif
	return power;
}

/*
 * Of @jobs CPUs that are busy, above idling, as placement wants to know. 0, that
 * is unknown, if a CPU has no energy model, or one that is not in watts: a guess
 * would be compared with what other devices measure.
 */
u32 cpudev_power_uw(unsigned int jobs)
{
	u64 sum = 0;
	int cpu;

	for_each_online_cpu(cpu) {
		struct em_perf_domain *pd = em_cpu_get(cpu);

		if (!pd || em_is_artificial(pd))
			return 0;
		sum += top_power(pd);
	}
	return min_t(u64, div_u64(sum * jobs, num_online_cpus()), U32_MAX);
}
