// SPDX-License-Identifier: GPL-2.0
/* Tables of the energy model can change, and are read under RCU. */
#include <linux/energy_model.h>
#include <linux/module.h>

struct em_perf_state *probe(struct em_perf_domain *pd);
struct em_perf_state *probe(struct em_perf_domain *pd)
{
	return em_perf_state_from_pd(pd);
}

MODULE_LICENSE("GPL");
