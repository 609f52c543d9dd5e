// SPDX-License-Identifier: GPL-2.0
/* get_file_rcu() of a pointer to the pointer, formerly of the file. */
#include <linux/fs.h>
#include <linux/module.h>

struct file *probe(struct file __rcu **f);
struct file *probe(struct file __rcu **f)
{
	return get_file_rcu(f);
}

MODULE_LICENSE("GPL");
