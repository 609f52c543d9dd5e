// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * The arbiter's tree: a treap (Seidel and Aragon 1996), by key, equal keys in
 * order of insertion. A node stands above those of lower rank, and each draws
 * its rank by lot, once: so the tree looks as if its nodes had come in random
 * order, whatever the order they did come in, and its height can be expected to
 * be logarithmic (4.3 ln n; a node's depth 2 ln n). Nothing is kept for the
 * balance, so nothing has to be put right: what goes in or out moves about two
 * others.
 *
 * It finds the first one by key whose val isn't beyond some limit. For that,
 * nodes know the smallest val in their subtree. What is looked for lies near
 * the first node nearly always, so that is where a search begins: up the spine,
 * which is the way from the first node to the root, and down to the right where
 * there is one. So nobody asks for the smallest val below a node of the spine,
 * and none is kept there: the first one goes without a trace further up.
 */
#include "arb_internal.h"

/* The smallest val of @n and below; not for the spine. */
static u64 min_of(const struct arb_node *n)
{
	const struct arb_node *l = n->child[0], *r = n->child[1];
	u64 min = n->val;

	if (l && arb_before(l->min, min))
		min = l->min;
	if (r && arb_before(r->min, min))
		min = r->min;
	return min;
}

/* What is below these has changed: from @n up to below @end. */
static void refresh(struct arb_node *n, const struct arb_node *end)
{
	for (; n != end; n = n->parent)
		n->min = min_of(n);
}

/* @n's val, or what is below it, has changed. */
static void mend(struct arb_node *n)
{
	u64 min;

	for (; n && !n->spine; n = n->parent) {
		min = min_of(n);
		if (min == n->min)
			return;
		n->min = min;
	}
}

/* Knuth's MMIX generator; and keys come from measurements. */
static u32 draw(struct arb_tree *tree, u64 key)
{
	tree->lot = (tree->lot ^ key) * 6364136223846793005ULL +
		    1442695040888963407ULL;
	return tree->lot >> 32 | 1;
}

/* The next one below @t on the way to @key. */
static struct arb_node *towards(const struct arb_node *t, u64 key)
{
	struct arb_node *l = t->child[0], *r = t->child[1];

	return arb_before(key, t->key) ? l : r;
}

/* @n has come to stand where @t did: hang t's nodes below, on their sides. */
static void split(struct arb_node *n, struct arb_node *t)
{
	struct arb_node *l = n, *r = n, **left = &n->child[0],
			**right = &n->child[1];

	while (t) {
		if (arb_before(n->key, t->key)) {
			*right = t;
			t->parent = r;
			t->spine = false;
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
	refresh(l, n);
	refresh(r, n);
	n->min = min_of(n);
}

void arb_tree_insert(struct arb_tree *tree, struct arb_node *n)
{
	struct arb_node **at = &tree->root, *parent = NULL, *t = tree->root;
	u64 key = n->key;
	u32 rank = n->rank;

	if (!rank) {
		rank = draw(tree, key);
		n->rank = rank;
	}
	for (; t && t->rank >= rank; t = towards(t, key))
		parent = t;
	if (parent)
		at = &parent->child[!arb_before(key, parent->key)];
	*at = n;
	n->parent = parent;
	n->child[0] = NULL;
	n->child[1] = NULL;
	n->min = n->val;
	n->spine = !parent || (parent->spine && at == &parent->child[0]);
	if (t)
		split(n, t);
	if (n->spine && !n->child[0])
		tree->first = n;
	for (; parent && !parent->spine && arb_before(n->val, parent->min);
	     parent = parent->parent)
		parent->min = n->val;
}

/* The first one is gone; @n, which is what was to its right, is in its place. */
static void new_first(struct arb_tree *tree, struct arb_node *n,
		      struct arb_node *parent)
{
	for (; n; n = n->child[0]) {
		n->spine = true;
		parent = n;
	}
	tree->first = parent;
}

void arb_tree_erase(struct arb_tree *tree, struct arb_node *n)
{
	struct arb_node *l = n->child[0], *r = n->child[1], *top = n->parent;
	struct arb_node *parent = top, **at = &tree->root;
	bool spine = n->spine;

	if (top)
		at = &top->child[n == top->child[1]];
	/* Its two sides become one, which ends where one of them does. */
	while (l && r) {
		if (l->rank >= r->rank) {
			*at = l;
			l->parent = parent;
			parent = l;
			at = &l->child[1];
			l = *at;
			spine = false;
		} else {
			*at = r;
			r->parent = parent;
			r->spine = spine;
			parent = r;
			at = &r->child[0];
			r = *at;
		}
	}
	*at = l ? l : r;
	if (*at)
		(*at)->parent = parent;
	if (tree->first == n)
		new_first(tree, r, parent);
	refresh(parent, top);
	mend(top);
}

void arb_tree_set_val(struct arb_node *n, u64 val)
{
	n->val = val;
	mend(n);
}

/* The first by key whose val is @upto or before, or NULL. */
struct arb_node *arb_tree_find(const struct arb_tree *tree, u64 upto)
{
	struct arb_node *n = tree->first, *l;

	for (;; n = n->parent) {
		if (!n || !arb_before(upto, n->val))
			return n;
		if (n->child[1] && !arb_before(upto, n->child[1]->min))
			break;
	}
	/* There is one in here: the leftmost of them. */
	n = n->child[1];
	for (;;) {
		l = n->child[0];
		if (l && !arb_before(upto, l->min)) {
			n = l;
			continue;
		}
		if (!arb_before(upto, n->val))
			return n;
		n = n->child[1];
	}
}

/* The smallest val; of a tree that isn't empty. */
u64 arb_tree_min(const struct arb_tree *tree)
{
	const struct arb_node *n = tree->first;
	u64 min = n->val;

	for (; n; n = n->parent) {
		if (arb_before(n->val, min))
			min = n->val;
		if (n->child[1] && arb_before(n->child[1]->min, min))
			min = n->child[1]->min;
	}
	return min;
}

struct arb_node *arb_tree_last(const struct arb_tree *tree)
{
	struct arb_node *n = tree->root;

	while (n && n->child[1])
		n = n->child[1];
	return n;
}
