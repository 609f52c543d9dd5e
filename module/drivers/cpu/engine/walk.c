// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Walks over up to six dimensions with two strides each.
 */
#include "program.h"

/* Drop dimensions of one element; merge those that follow each other. */
void eng_walk_merge(struct eng_walk *w)
{
	u32 i, n = 0;

	for (i = 0; i < w->rank; i++) {
		if (w->dims[i] == 1)
			continue;
		if (n && w->xs[n - 1] == w->xs[i] * w->dims[i] &&
		    w->ys[n - 1] == w->ys[i] * w->dims[i]) {
			w->dims[n - 1] *= w->dims[i];
			w->xs[n - 1] = w->xs[i];
			w->ys[n - 1] = w->ys[i];
			continue;
		}
		w->dims[n] = w->dims[i];
		w->xs[n] = w->xs[i];
		w->ys[n] = w->ys[i];
		n++;
	}
	if (!n) {		/* a single element */
		w->dims[0] = 1;
		w->xs[0] = 1;
		w->ys[0] = 1;
		n = 1;
	}
	w->rank = n;
}

void eng_walk_seek(const struct eng_walk *w, struct eng_walker *at, u64 element)
{
	u32 i = w->rank;

	at->x = 0;
	at->y = 0;
	while (i-- > 0) {
		at->at[i] = (u32)(element % w->dims[i]);
		element /= w->dims[i];
		at->x += at->at[i] * w->xs[i];
		at->y += at->at[i] * w->ys[i];
	}
}

void eng_walk_next(const struct eng_walk *w, struct eng_walker *at, u32 n)
{
	u32 i = w->rank - 1;

	at->at[i] += n;
	at->x += n * w->xs[i];
	at->y += n * w->ys[i];
	while (i > 0 && at->at[i] == w->dims[i]) {
		at->x -= w->dims[i] * w->xs[i];
		at->y -= w->dims[i] * w->ys[i];
		at->at[i] = 0;
		i--;
		at->at[i]++;
		at->x += w->xs[i];
		at->y += w->ys[i];
	}
}
