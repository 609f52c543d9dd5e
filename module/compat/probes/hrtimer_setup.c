// SPDX-License-Identifier: GPL-2.0
#include <linux/hrtimer.h>
#include <linux/module.h>

static enum hrtimer_restart tick(struct hrtimer *t)
{
	return HRTIMER_NORESTART;
}

void probe(struct hrtimer *t);
void probe(struct hrtimer *t)
{
	hrtimer_setup(t, tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
}

MODULE_LICENSE("GPL");
