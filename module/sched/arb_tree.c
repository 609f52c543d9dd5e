// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * The arbiter's tree: AVL (Adelson-Velsky and Landis 1962), by key, equal keys
 * in order of insertion. Each node knows the smallest val in its subtree.
 *
 * Nodes are part of what they order; an operation walks one path down and as
 * much of it up again as has changed.
 */
#include "arb_internal.h"

static u32 height(const struct arb_node *n)
{
	return n ? n->height : 0;
}

/* Height and min from the children. Return: whether that changed anything. */
static bool refresh(struct arb_node *n)
{
	u32 l = height(n->child[0]), r = height(n->child[1]);
	u32 h = (l > r ? l : r) + 1;
	u64 min = n->val;
	bool changed;

	if (l && arb_before(n->child[0]->min, min))
		min = n->child[0]->min;
	if (r && arb_before(n->child[1]->min, min))
		min = n->child[1]->min;
	changed = h != n->height || min != n->min;
	n->height = h;
	n->min = min;
	return changed;
}

/* Put @with where @n hangs. */
static void replace(struct arb_tree *tree, const struct arb_node *n,
		    struct arb_node *with)
{
	struct arb_node *parent = n->parent;

	if (!parent)
		tree->root = with;
	else
		parent->child[n == parent->child[1]] = with;
	if (with)
		with->parent = parent;
}

/* Lift the child at @side above @n. */
static struct arb_node *rotate(struct arb_tree *tree, struct arb_node *n,
			       int side)
{
	struct arb_node *c = n->child[side];
	struct arb_node *inner = c->child[!side];

	replace(tree, n, c);
	n->child[side] = inner;
	if (inner)
		inner->parent = n;
	c->child[!side] = n;
	n->parent = c;
	refresh(n);
	refresh(c);
	return c;
}

/* From @n up, until nothing changes. */
static void mend(struct arb_tree *tree, struct arb_node *n)
{
	bool changed = true;

	while (n && changed) {
		u32 l = height(n->child[0]), r = height(n->child[1]);
		u32 h = n->height;
		u64 min = n->min;

		if (l > r + 1 || r > l + 1) {
			int side = r > l;
			struct arb_node *c = n->child[side];

			if (height(c->child[!side]) > height(c->child[side]))
				rotate(tree, c, !side);
			n = rotate(tree, n, side);
			changed = n->height != h || n->min != min;
		} else {
			changed = refresh(n);
		}
		n = n->parent;
	}
}

void arb_tree_insert(struct arb_tree *tree, struct arb_node *n)
{
	struct arb_node **at = &tree->root, *parent = NULL;

	while (*at) {
		parent = *at;
		at = &parent->child[!arb_before(n->key, parent->key)];
	}
	n->parent = parent;
	n->child[0] = NULL;
	n->child[1] = NULL;
	n->height = 1;
	n->min = n->val;
	*at = n;
	mend(tree, parent);
}

void arb_tree_erase(struct arb_tree *tree, struct arb_node *n)
{
	struct arb_node *next = n->child[1], *from;

	if (!n->child[0] || !next) {
		replace(tree, n, next ? next : n->child[0]);
		mend(tree, n->parent);
		return;
	}
	/* The next one by key takes its place; it has no left child. */
	while (next->child[0])
		next = next->child[0];
	from = next->parent == n ? next : next->parent;
	replace(tree, next, next->child[1]);
	replace(tree, n, next);
	next->child[0] = n->child[0];
	next->child[1] = n->child[1];
	next->child[0]->parent = next;
	if (next->child[1])
		next->child[1]->parent = next;
	/* Those above know the old one's figures. */
	next->height = n->height;
	next->min = n->min;
	mend(tree, from);
	mend(tree, next);
}

void arb_tree_set_val(struct arb_tree *tree, struct arb_node *n, u64 val)
{
	n->val = val;
	mend(tree, n);
}

static struct arb_node *outermost(const struct arb_tree *tree, int side)
{
	struct arb_node *n = tree->root;

	while (n && n->child[side])
		n = n->child[side];
	return n;
}

struct arb_node *arb_tree_first(const struct arb_tree *tree)
{
	return outermost(tree, 0);
}

struct arb_node *arb_tree_last(const struct arb_tree *tree)
{
	return outermost(tree, 1);
}
