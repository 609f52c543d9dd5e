// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ideal that fairness is measured against: generalised processor sharing,
 * computed by its definition and with nothing in common with the arbiter. All
 * leaves with a backlog are served at once; at each level of the tree the
 * capacity is divided by weight among the children with something to do.
 *
 * It is advanced by what the device really gave to this tree, so both always
 * have the same total backlog and differ only in who got it: that difference
 * is the lag. A step costs as many operations as there are leaves, which is
 * why only small worlds have one.
 */
#include "sim.h"

/* Backlogs are sums and differences of integers below 2^53, kept as doubles
 * through divisions: what is below this many ns is rounding.
 */
#define DUST	1e-3

void fluid_node_init(struct fluid_node *n, struct fluid_node *parent, double weight)
{
	memset(n, 0, sizeof(*n));
	n->parent = parent;
	n->weight = weight;
}

void fluid_leaf_add(struct fluid *f, struct fluid_node *n, const double *real)
{
	n->real = real;
	n->next = f->leaves;
	f->leaves = n;
}

static void activate(struct fluid_node *n)
{
	bool was;

	n->active = 1;
	for (; n->parent; n = n->parent) {
		was = n->parent->active > 0;
		n->parent->active += n->weight;
		if (was)
			break;
	}
}

/* Sums of weights are recomputed, not subtracted: no residue of rounding. */
static void recount(struct fluid *f)
{
	struct fluid_node *n, *p;

	for (n = f->leaves; n; n = n->next)
		for (p = n->parent; p; p = p->parent)
			p->active = 0;
	for (n = f->leaves; n; n = n->next)
		if (n->backlog > 0)
			activate(n);
}

void fluid_arrive(struct fluid *f, struct fluid_node *leaf, double work)
{
	if (work <= 0)
		return;
	if (!(leaf->backlog > 0))
		activate(leaf);
	leaf->backlog += work;
	f->backlog += work;
}

static void drained(struct fluid *f, struct fluid_node *leaf)
{
	f->backlog -= leaf->backlog;
	leaf->backlog = 0;
	leaf->active = 0;
	recount(f);
}

/* A job went elsewhere; what the ideal has already done of it stays done. */
void fluid_withdraw(struct fluid *f, struct fluid_node *leaf, double work)
{
	double n = work < leaf->backlog ? work : leaf->backlog;

	leaf->backlog -= n;
	f->backlog -= n;
	if (leaf->active > 0 && leaf->backlog < DUST)
		drained(f, leaf);
}

void fluid_weight(struct fluid *f, struct fluid_node *n, double weight)
{
	n->weight = weight;
	recount(f);
}

static double rate(const struct fluid_node *n)
{
	double r = 1;

	for (; n->parent; n = n->parent)
		r *= n->weight / n->parent->active;
	return r;
}

static void give(struct fluid_node *leaf, double amount)
{
	struct fluid_node *n;

	leaf->backlog -= amount;
	for (n = leaf; n; n = n->parent)
		n->served += amount;
}

void fluid_serve(struct fluid *f, double amount)
{
	while (amount > 0) {
		struct fluid_node *n, *first = NULL;
		double step = amount;

		for (n = f->leaves; n; n = n->next) {
			if (n->active > 0 && n->backlog / rate(n) <= step) {
				step = n->backlog / rate(n);
				first = n;
			}
		}
		if (!(f->root.active > 0))
			return;		/* rounding: nothing left to serve */
		for (n = f->leaves; n; n = n->next)
			if (n->active > 0)
				give(n, step * rate(n));
		f->backlog -= step;
		amount -= step;
		if (first)
			drained(f, first);
	}
}
