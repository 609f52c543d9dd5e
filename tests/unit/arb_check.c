// SPDX-License-Identifier: LGPL-2.1-or-later
/* Does everything that the arbiter keeps about itself fit together? */
#include <stdio.h>
#include <stdlib.h>
#include <sched/arb_internal.h>
#include "arb_drive.h"

/* Whoever follows @n. Return: how many, with it. */
static u32 check_ring(const struct arb_node *n)
{
	const struct arb_node *i = n;
	u32 count = 0;

	do {
		must(i->follows == (i != n));
		must(i->next->prev == i);
		count++;
		i = i->next;
	} while (i != n);
	return count;
}

/* Shape and order of a subtree. Return: nodes in it. */
static u32 check_node(const struct arb_tree *tree, const struct arb_node *n,
		      const struct arb_node *parent,
		      const struct arb_node **last)
{
	u32 count = check_ring(n), i;

	must(n->parent == parent);
	must(n->tree == tree);
	for (i = 0; i < 2; i++) {
		const struct arb_node *c = n->child[i];

		if (i) {
			must(!*last || arb_before((*last)->key, n->key) ||
			     (n->key == (*last)->key &&
			      arb_before((*last)->also, n->also)));
			*last = n;
		}
		if (!c)
			continue;
		count += check_node(tree, c, n, last);
		must(c->rank <= n->rank);
	}
	return count;
}

static u32 check_tree(const struct arb_tree *tree)
{
	const struct arb_node *last = NULL, *first = tree->root;

	while (first && first->child[0])
		first = first->child[0];
	must(tree->first == first);
	return first ? check_node(tree, tree->root, NULL, &last) : 0;
}

/* Who is in the table stands in its tree. */
static void check_seen(const struct arb *a)
{
	const struct arb_node *n;
	u32 i;

	for (i = 0; i < ARB_SEEN; i++) {
		n = a->seen[i];
		if (!n)
			continue;
		must(!n->follows && n->tree->seen == a->seen);
		while (n->parent)
			n = n->parent;
		must(n->tree->root == n);
	}
}

static bool queued(const struct arb_stream *s)
{
	u32 i;

	for (i = 0; i < s->nr_lent; i++)
		if (s->lent[i]->borrower->waiting)
			return true;
	return s->waiting;
}

struct sums {
	u64 weight;
	s64 off;
	u32 queued;
	u32 active;
	u32 linger;
	u32 urgent;
};

static void add(struct sums *sum, const struct arb_ent *ent,
		const struct arb_level *lv)
{
	if (ent->level != lv)
		return;
	must(ent->active || !ent->queued);
	must(ent->rest < ent->weight);
	must(!ent->active || !ent->lingers);
	must(ent->lag >= 0);
	sum->active += ent->active;
	sum->linger += ent->lingers;
	if (ent->lingers) {
		must(ent == lv->left || ent->node.key == ent->vtime);
		must(ent == lv->left || arb_before(lv->vtime, ent->vtime));
	}
	if (ent->active || ent->lingers) {
		sum->weight += ent->weight;
		sum->off += (s64)(ent->vtime - lv->vtime) * ent->weight;
	}
	if (ent->queued) {
		sum->queued++;
		sum->urgent += ent->urgent;
		must(arb_before(ent->vtime, ent->due));
	}
}

/* V is the weighted mean of those who are there. */
static void check_level(const struct arb_level *lv,
			const struct arb_stream *const *streams, u32 nr_streams,
			const struct arb_group *const *groups, u32 nr_groups)
{
	struct sums sum = { 0 };
	u32 i, k;

	for (i = 0; i < nr_streams; i++)
		if (streams[i]->cls != ARB_REALTIME)
			add(&sum, &streams[i]->ent, lv);
	for (i = 0; i < nr_groups; i++)
		for (k = 0; k < ARB_NR_TREES; k++)
			add(&sum, &groups[i]->level[k].ent, lv);
	must(sum.weight == lv->weight);
	must(sum.off == (s64)lv->rest);
	must(lv->weight ? lv->rest < lv->weight : !lv->rest);
	must(sum.active == lv->nr_active);
	must(sum.linger == check_tree(&lv->linger) + !!lv->left);
	must(!lv->left || lv->left->lingers);
	must(sum.queued == check_tree(&lv->ready) + check_tree(&lv->later));
	must(sum.queued == lv->nr_queued);
	must(sum.urgent == lv->urgent);
	must(lv->ent.active == (lv->nr_active > 0) || !lv->ent.level);
	must(lv->ent.queued == !!lv->nr_queued || !lv->ent.level);
	must(lv->ent.urgent == (lv->urgent > 0) || !lv->ent.level);
}

static void check_server(const struct arb_stream *s)
{
	const struct arb_server *srv = &s->server;

	must(srv->budget > 0 && srv->budget <= (s64)srv->runtime_ns);
	must((srv->state == ARB_SRV_IDLE) == !queued(s));
	must(srv->state != ARB_SRV_SPENT || srv->node.key == srv->release);
	must(srv->state != ARB_SRV_READY ||
	     (s->first && s->first->deadline > srv->deadline ?
	      srv->node.key == s->first->deadline :
	      srv->node.key == srv->deadline));
}

void arb_check(const struct arb *a, const struct arb_stream *const *streams,
	       u32 nr_streams, const struct arb_group *const *groups,
	       u32 nr_groups)
{
	u32 waiting = 0, running = 0, paying = 0, ready = 0, spent = 0, rt = 0;
	u64 density = 0;
	u32 i, k;

	check_seen(a);
	for (i = 0; i < nr_streams; i++) {
		const struct arb_stream *s = streams[i];
		const struct arb_job *job;
		u32 n = 0;

		for (job = s->first; job; job = job->next) {
			must(job->stream == s && job->state == ARB_JOB_WAITING);
			must((job->next ? job->next->prev : s->last) == job);
			n++;
		}
		must(n == s->waiting);
		waiting += n;
		running += s->running;
		paying += s->paying;
		if (s->cls == ARB_REALTIME) {
			check_server(s);
			ready += s->server.state == ARB_SRV_READY;
			spent += s->server.state == ARB_SRV_SPENT;
			density += s->server.density;
			rt++;
		} else if (s == a->alone) {
			must(!s->ent.queued && !s->ent.active);
			must(s->waiting == a->waiting);
			must(s->running == a->running);
		} else {
			must(s->ent.queued == queued(s));
			must(s->ent.active == (queued(s) || s->paying));
		}
	}
	must(waiting == a->waiting && running == a->running);
	must(paying == running);
	must(check_tree(&a->ready) == ready);
	must(check_tree(&a->spent) == spent);
	must(check_tree(&a->admitted) == rt && density == a->density);
	must(density <= (u64)a->params.limit_ppm * a->params.servers);
	for (k = 0; k < ARB_NR_TREES; k++) {
		check_level(&a->root.level[k], streams, nr_streams, groups,
			    nr_groups);
		for (i = 0; i < nr_groups; i++)
			check_level(&groups[i]->level[k], streams, nr_streams,
				    groups, nr_groups);
	}
}
