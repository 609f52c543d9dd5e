// SPDX-License-Identifier: GPL-2.0
/* A kernel for one CPU does not keep which task is on it. */
#include <linux/module.h>
#include <linux/sched.h>

bool probe(const struct task_struct *t);
bool probe(const struct task_struct *t)
{
	return t->on_cpu;
}

MODULE_LICENSE("GPL");
