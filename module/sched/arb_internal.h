/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/* What the arbiter's files share. */
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

/* arb_share.c */
struct arb_job *arb_first_job(const struct arb_stream *s);
struct arb_stream *arb_choose(struct arb *a, u64 now, u8 *rank);
void arb_meet(struct arb *a, struct arb_stream *s, u64 now);
void arb_end_alone(struct arb *a, u64 now);
void arb_stream_update(struct arb *a, struct arb_stream *s, u64 now);
void arb_lenders_update(struct arb *a, struct arb_stream *s, u64 now);
void arb_charge_ahead(struct arb *a);
void arb_charge(struct arb *a, const struct arb_job *job, u64 ns, s64 more,
		u64 now);

/* Does anything wait in this hierarchy? */
static inline bool arb_waits(const struct arb *a, int hierarchy)
{
	return a->root.level[hierarchy].tree.root;
}

/* arb_tree.c */
void arb_tree_insert(struct arb_tree *tree, struct arb_node *n);
void arb_tree_erase(struct arb_tree *tree, struct arb_node *n);
void arb_tree_set_val(struct arb_node *n, u64 val);
struct arb_node *arb_tree_find(const struct arb_tree *tree, u64 upto);
u64 arb_tree_min(const struct arb_tree *tree);
struct arb_node *arb_tree_last(const struct arb_tree *tree);

/* arb_fair.c */
void arb_level_init(struct arb_level *lv, struct arb_level *up, u32 weight,
		    u64 slice, u64 urgent_slice);
void arb_ent_init(struct arb_ent *ent, struct arb_level *level, u32 weight);
void arb_ent_exit(struct arb_ent *ent);
void arb_ent_queue(struct arb_ent *ent, u64 ns);
void arb_ent_unqueue(struct arb_ent *ent, bool active);
bool arb_ent_take(struct arb_ent *ent, u64 ns);
void arb_ent_charge(struct arb_ent *ent, s64 ns, u64 ran);
void arb_ent_set_weight(struct arb_ent *ent, u32 weight);
struct arb_stream *arb_fair_pick(const struct arb_level *root);
struct arb_stream *arb_fair_any(const struct arb_level *root);
bool arb_fair_beaten(const struct arb_ent *ent);

/* How long somebody keeps the device once it has it: a maximum that fades. */
static inline void arb_note_longest(u64 *longest, u64 ns)
{
	*longest -= *longest / 64;
	if (ns > *longest)
		*longest = ns;
}

/* arb_rt.c */
void arb_rt_wake(struct arb_stream *s, u64 now);
void arb_rt_update(struct arb *a, struct arb_stream *s, bool queued, u64 now);
void arb_rt_charge(struct arb_stream *s, u64 ns, u64 now);
void arb_rt_release(struct arb *a, u64 now);

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
