// SPDX-License-Identifier: GPL-2.0
/* timer_container_of(), formerly from_timer(). */
#include <linux/module.h>
#include <linux/timer.h>

struct owner {
	struct timer_list timer;
};

struct owner *probe(struct timer_list *t);
struct owner *probe(struct timer_list *t)
{
	struct owner *o = timer_container_of(o, t, timer);

	return o;
}

MODULE_LICENSE("GPL");
