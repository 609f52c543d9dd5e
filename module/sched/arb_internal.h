/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/* What the arbiter's files share, with each other and with their tests. */
#ifndef AIOFFLOAD_ARB_INTERNAL_H
#define AIOFFLOAD_ARB_INTERNAL_H

#include "arb.h"

/* As what a job was picked: the order of the classes. */
enum {
	ARB_RANK_REALTIME,
	ARB_RANK_FLOOR,	/* background, by its floor */
	ARB_RANK_FAIR,
	ARB_RANK_SPENT,	/* realtime beyond its budget */
	ARB_RANK_IDLE	/* background */
};

#define arb_entry(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

/* Both kinds of time are compared like this; virtual time wraps. */
static inline bool arb_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static inline u64 arb_min(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* Does anything wait in this hierarchy? */
static inline bool arb_waits(const struct arb *a, int hierarchy)
{
	return a->root.level[hierarchy].nr_queued;
}

/* How long somebody keeps the device once it has it: a maximum that fades. */
static inline void arb_note_longest(u64 *longest, u64 ns)
{
	*longest -= *longest / 64;
	if (ns > *longest)
		*longest = ns;
}

static inline struct arb_node *arb_tree_last(const struct arb_tree *tree)
{
	struct arb_node *n = tree->root;

	while (n && n->child[1])
		n = n->child[1];
	return n;
}

static inline struct arb_stream *arb_rt_stream(struct arb_node *n)
{
	return n ? arb_entry(n, struct arb_stream, server.node) : NULL;
}

static inline bool arb_stream_busy(const struct arb_stream *s)
{
	return s->waiting || s->running || s->paying || s->nr_lent ||
	       s->nr_borrowed;
}

#endif /* AIOFFLOAD_ARB_INTERNAL_H */
