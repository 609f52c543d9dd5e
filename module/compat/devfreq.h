/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a devfreq governor needs. Older kernels export all of it to modules, but
 * have the declarations in a header of drivers/devfreq, which is not installed
 * with the others. These are the same from 5.12 on, up to where
 * <linux/devfreq-governor.h> came.
 */
#ifndef AIOFFLOAD_COMPAT_DEVFREQ_H
#define AIOFFLOAD_COMPAT_DEVFREQ_H

#include <linux/devfreq.h>

#include "compat.h"

#if HAVE_DEVFREQ_GOVERNOR_H
#include <linux/devfreq-governor.h>
#else
#define DEVFREQ_GOV_START		1
#define DEVFREQ_GOV_STOP		2
#define DEVFREQ_GOV_UPDATE_INTERVAL	3
#define DEVFREQ_GOV_SUSPEND		4
#define DEVFREQ_GOV_RESUME		5

#define DEVFREQ_GOV_ATTR_POLLING_INTERVAL	BIT(0)
#define DEVFREQ_GOV_ATTR_TIMER			BIT(1)

struct devfreq_governor {
	struct list_head node;
	const char name[16];
	const u64 attrs;
	const u64 flags;
	int (*get_target_freq)(struct devfreq *df, unsigned long *freq);
	int (*event_handler)(struct devfreq *df, unsigned int event, void *data);
};

int devfreq_add_governor(struct devfreq_governor *governor);
int devfreq_remove_governor(struct devfreq_governor *governor);
void devfreq_monitor_start(struct devfreq *df);
void devfreq_monitor_stop(struct devfreq *df);
void devfreq_monitor_suspend(struct devfreq *df);
void devfreq_monitor_resume(struct devfreq *df);
void devfreq_update_interval(struct devfreq *df, unsigned int *delay);
#endif

#endif /* AIOFFLOAD_COMPAT_DEVFREQ_H */
