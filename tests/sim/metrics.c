// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a run is judged by. */
#include <math.h>

#include "sim.h"

static unsigned int bucket_of(u64 v)
{
	unsigned int msb;

	if (v < HIST_SUB)
		return (unsigned int)v;
	msb = 63 - (unsigned int)__builtin_clzll(v);
	return (msb - 4) * HIST_SUB + (unsigned int)((v >> (msb - 5)) & (HIST_SUB - 1));
}

/* The largest value that falls into a bucket. */
static u64 bucket_top(unsigned int b)
{
	unsigned int msb = b / HIST_SUB + 4;

	if (b < HIST_SUB)
		return b;
	return ((u64)(HIST_SUB + b % HIST_SUB + 1) << (msb - 5)) - 1;
}

void hist_add(struct hist *h, u64 v)
{
	h->count++;
	h->sum += v;
	if (v > h->max)
		h->max = v;
	h->bucket[bucket_of(v)]++;
}

/* Never below the true quantile, and at most 3 % above it. */
u64 hist_quantile(const struct hist *h, double q)
{
	u64 want = (u64)ceil(q * (double)h->count), seen = 0;
	unsigned int b;

	if (!h->count)
		return 0;
	for (b = 0; b < HIST_N; b++) {
		seen += h->bucket[b];
		if (seen >= want && seen)
			return bucket_top(b) < h->max ? bucket_top(b) : h->max;
	}
	return h->max;
}

/* Jain's index: 1 if all are equal, 1/n if one has everything. */
double jain(const double *x, size_t n)
{
	double sum = 0, sq = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		sum += x[i];
		sq += x[i] * x[i];
	}
	return sq > 0 ? sum * sum / ((double)n * sq) : 1;
}

static void extremes(const struct fluid *f, double *min, double *max)
{
	const struct fluid_node *n;
	double lag;

	for (n = f->leaves; n; n = n->next) {
		lag = n->served - *n->real;
		if (lag > *max)
			*max = lag;
		if (lag < *min)
			*min = lag;
	}
}

/* How far is everybody on @d from what the ideal would have given? */
void metrics_lag(struct device *d)
{
	struct world *w = d->w;
	struct dgroup *g;
	int tree;

	for (tree = 0; tree < 2; tree++) {
		extremes(&d->fluid[tree], &w->min_lag, &w->max_lag);
		extremes(&d->level[tree], &w->min_level, &w->max_level);
		for (g = d->groups; g; g = g->next)
			extremes(&g->level[tree], &w->min_level, &w->max_level);
	}
}

static double group_served(const struct group *g)
{
	double sum = 0;
	u32 q;

	for (q = 0; q < QOS_N; q++)
		if (q != ARB_REALTIME)
			sum += (double)g->served[q];
	return sum;
}

static bool inside(const struct group *g, const struct group *of)
{
	for (; g; g = g->parent)
		if (g == of)
			return true;
	return false;
}

static double tree_served(const struct world *w, const struct group *of)
{
	double sum = 0;
	u32 i;

	for (i = 0; i < w->n_groups; i++)
		if (inside(w->groups[i], of))
			sum += group_served(w->groups[i]);
	return sum;
}

/* What share of all should @g have, of those who got anything at all? */
double group_ideal(const struct world *w, const struct group *g)
{
	double share = 1, sum;
	u32 i;

	for (; g; g = g->parent) {
		sum = 0;
		for (i = 0; i < w->n_groups; i++)
			if (w->groups[i]->parent == g->parent &&
			    tree_served(w, w->groups[i]) > 0)
				sum += w->groups[i]->weight;
		share *= sum > 0 ? g->weight / sum : 0;
	}
	return share;
}

double group_share(const struct world *w, const struct group *g)
{
	double all = 0;
	u32 i;

	for (i = 0; i < w->n_groups; i++)
		all += group_served(w->groups[i]);
	return all > 0 ? group_served(g) / all : 0;
}

/* What @g got, and what the ideal would have given it for the same arrivals. */
static void against_fluid(const struct world *w, const struct group *g,
			  double *real, double *ideal)
{
	u32 d, tree;

	*real = 0;
	*ideal = 0;
	for (d = 0; g->on && d < w->n_devices; d++) {
		for (tree = 0; g->on[d] && tree < 2; tree++) {
			*real += g->on[d]->served[tree];
			*ideal += g->on[d]->fluid[tree].served;
		}
	}
}

/* Groups with queues of their own, by how much they got for what is due. */
static size_t ratios(const struct world *w, bool fluid, double *x, size_t room)
{
	double real, ideal;
	size_t n = 0;
	u32 i;

	for (i = 0; i < w->n_groups && n < room; i++) {
		real = group_share(w, w->groups[i]);
		ideal = group_ideal(w, w->groups[i]);
		if (!(real > 0))
			continue;
		if (fluid)
			against_fluid(w, w->groups[i], &real, &ideal);
		if (ideal > 0)
			x[n++] = real / ideal;
	}
	return n;
}

/* By weight alone this says something only if all have work all the time. */
double world_jain(const struct world *w, bool fluid)
{
	double x[256];

	return jain(x, ratios(w, fluid, x, 256));
}

/* The worst relative error of a group's share. */
double world_share_error(const struct world *w, bool fluid)
{
	double x[256], worst = 0;
	size_t n = ratios(w, fluid, x, 256);

	while (n--)
		if (fabs(x[n] - 1) > worst)
			worst = fabs(x[n] - 1);
	return worst;
}

double world_energy_j(const struct world *w)
{
	double nj = 0;
	u64 span = w->drain ? w->drained : w->end;
	u32 i;

	for (i = 0; i < w->n_devices; i++)
		nj += (double)w->devices[i]->energy_nj +
		      (double)w->devices[i]->idle_mw * (double)span / 1e3;
	return nj / 1e9;
}
