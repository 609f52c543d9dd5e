// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * The arbiter's tree: a treap (Seidel and Aragon 1996). A node stands above
 * those of lower rank, and each draws its rank by lot, once: so the tree looks
 * as if its nodes had come in random order, whatever the order they did come
 * in, and its height can be expected to be logarithmic (4.3 ln n; a node's depth
 * 2 ln n). Nothing is kept for the balance, so nothing has to be put right: what
 * goes in or out moves about two others.
 *
 * Of nodes with the same keys one stands in the tree and the others follow it
 * in a ring, in the order they came in. A follower goes in and out without a
 * change of the tree; and all of a ring go from one tree to another at once.
 * Only the keys of who stands in the tree count. Where many follow few, who to
 * follow is mostly found without a search, by a table of some of those that
 * stand in trees.
 *
 * Part of arb_build.c.
 */
#include "arb_internal.h"

/* Knuth's MMIX generator; and keys come from measurements. */
static u32 draw(struct arb_tree *tree, u64 key)
{
	tree->lot = (tree->lot ^ key) * 6364136223846793005ULL +
		    1442695040888963407ULL;
	return tree->lot >> 32 | 1;
}

/* Where @n stands seen from @t: before it (negative), after it, or with it (0). */
static inline s64 side(const struct arb_node *n, const struct arb_node *t)
{
	s64 d = n->key - t->key;

	return d ? d : (s64)(n->also - t->also);
}

/* The link to @n, from above. */
static inline struct arb_node **link_to(struct arb_node *n)
{
	struct arb_node *up = n->parent;

	return up ? &up->child[n == up->child[1]] : &n->tree->root;
}

/* @n's ring goes behind the one that @t stands for. */
static inline void follow(struct arb_node *t, struct arb_node *n)
{
	struct arb_node *last = n->prev;

	n->follows = true;
	n->prev = t->prev;
	t->prev->next = n;
	last->next = t;
	t->prev = last;
}

/* @n has come to stand where @t did: hang t's nodes below, on their sides. */
static void split(struct arb_node *n, struct arb_node *t)
{
	struct arb_node *l = n, *r = n, **left = &n->child[0],
			**right = &n->child[1];

	while (t) {
		if (side(n, t) < 0) {
			*right = t;
			t->parent = r;
			r = t;
			right = &t->child[0];
			t = *right;
		} else {
			*left = t;
			t->parent = l;
			l = t;
			left = &t->child[1];
			t = *left;
		}
	}
	*left = NULL;
	*right = NULL;
}

/* Where a node of these keys may be found without a search. */
static inline struct arb_node **seen(const struct arb_tree *tree,
				     const struct arb_node *n)
{
	u64 mix = (n->key ^ n->also << 1 ^ (uintptr_t)tree) *
		  0x9e3779b97f4a7c15ULL;

	return &tree->seen[mix / (~0ULL / ARB_SEEN + 1)];
}

/* @n doesn't stand in its tree any more, but @by, if there is one. */
static void not_seen(const struct arb_node *n, struct arb_node *by)
{
	struct arb_node **place;

	if (!n->tree->seen)
		return;
	place = seen(n->tree, n);
	if (*place == n)
		*place = by;
}

/* @n, and whoever follows it. */
static void insert_ring(struct arb_tree *tree, struct arb_node *n)
{
	struct arb_node *t = tree->root, *parent = NULL, *at;
	u32 rank = n->rank;
	s64 d = -1;

	if (!rank) {
		rank = draw(tree, n->key);
		n->rank = rank;
	}
	for (; t && t->rank >= rank; t = t->child[d > 0]) {
		d = side(n, t);
		if (!d) {
			follow(t, n);
			return;
		}
		parent = t;
	}
	/* Its place, unless one that it should follow is further down. */
	for (at = t; at; at = at->child[side(n, at) > 0]) {
		if (!side(n, at)) {
			follow(at, n);
			return;
		}
	}
	n->follows = false;
	n->tree = tree;
	n->parent = parent;
	if (parent)
		parent->child[d > 0] = n;
	else
		tree->root = n;
	split(n, t);
	if (!tree->first || side(n, tree->first) < 0)
		tree->first = n;
}

static void arb_tree_insert(struct arb_tree *tree, struct arb_node *n)
{
	n->next = n;
	n->prev = n;
	insert_ring(tree, n);
}

/* The same, where it is likely that there is one to follow. */
static inline void arb_tree_join_ring(struct arb_tree *tree, struct arb_node *n)
{
	struct arb_node **place = seen(tree, n), *t = *place;

	if (t && t->key == n->key && t->also == n->also && t->tree == tree) {
		follow(t, n);
		return;
	}
	insert_ring(tree, n);
	if (!n->follows)
		*place = n;
}

static inline void arb_tree_join(struct arb_tree *tree, struct arb_node *n)
{
	n->next = n;
	n->prev = n;
	arb_tree_join_ring(tree, n);
}

/* Two sides become one, below @parent. Return: what stands on top of it. */
static struct arb_node *merge(struct arb_node *l, struct arb_node *r,
			      struct arb_node *parent)
{
	struct arb_node *top = NULL, **at = &top;

	while (l && r) {
		struct arb_node *n = l->rank >= r->rank ? l : r;

		*at = n;
		n->parent = parent;
		parent = n;
		if (n == l) {
			at = &l->child[1];
			l = *at;
		} else {
			at = &r->child[0];
			r = *at;
		}
	}
	*at = l ? l : r;
	if (*at)
		(*at)->parent = parent;
	return top;
}

/* @n, which stands in the tree, and whoever follows it. */
static void arb_tree_erase_ring(struct arb_node *n)
{
	struct arb_tree *tree = n->tree;
	struct arb_node *first;

	not_seen(n, NULL);
	if (tree->first == n) {
		first = n->child[1];
		while (first && first->child[0])
			first = first->child[0];
		tree->first = first ? first : n->parent;
	}
	*link_to(n) = merge(n->child[0], n->child[1], n->parent);
}

/* @next, which followed @n, stands in its place now. */
static void succeed(struct arb_node *n, struct arb_node *next)
{
	u32 rank = next->rank;
	u32 i;

	not_seen(n, next);
	*link_to(n) = next;
	next->key = n->key;
	next->also = n->also;
	next->tree = n->tree;
	next->parent = n->parent;
	for (i = 0; i < 2; i++) {
		next->child[i] = n->child[i];
		if (next->child[i])
			next->child[i]->parent = next;
	}
	next->rank = n->rank;
	n->rank = rank;
	next->follows = false;
	if (n->tree->first == n)
		n->tree->first = next;
}

static inline void arb_tree_erase(struct arb_node *n)
{
	if (!n->follows) {
		if (n->next == n) {
			arb_tree_erase_ring(n);
			return;
		}
		succeed(n, n->next);
	}
	n->prev->next = n->next;
	n->next->prev = n->prev;
}
