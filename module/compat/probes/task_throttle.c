// SPDX-License-Identifier: GPL-2.0
/*
 * cpu.max stops a task on its way back to user space, and so no kernel thread.
 * Before, it stopped whatever was on a CPU.
 */
#include <linux/module.h>
#include <linux/sched.h>

void *probe(struct task_struct *t);
void *probe(struct task_struct *t)
{
	return &t->sched_throttle_work;
}

MODULE_LICENSE("GPL");
