// SPDX-License-Identifier: LGPL-2.1-or-later
/* The events to come: a binary heap by time, then by order of being pushed. */
#include <stdlib.h>

#include "sim.h"

static bool before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

void heap_push(struct heap *h, u64 at, u32 kind, void *obj, u32 gen)
{
	struct event ev = { at, h->seq++, obj, kind, gen };
	size_t i;

	if (h->n == h->room) {
		h->room = h->room ? 2 * h->room : 1024;
		h->v = realloc(h->v, h->room * sizeof(*h->v));
		if (!h->v)
			abort();
	}
	for (i = h->n++; i && before(&ev, &h->v[(i - 1) / 2]); i = (i - 1) / 2)
		h->v[i] = h->v[(i - 1) / 2];
	h->v[i] = ev;
}

bool heap_pop(struct heap *h, struct event *ev)
{
	struct event last;
	size_t i = 0, child;

	if (!h->n)
		return false;
	*ev = h->v[0];
	last = h->v[--h->n];
	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && before(&h->v[child + 1], &h->v[child]))
			child++;
		if (!before(&h->v[child], &last))
			break;
		h->v[i] = h->v[child];
		i = child;
	}
	if (h->n)
		h->v[i] = last;
	return true;
}

void heap_free(struct heap *h)
{
	free(h->v);
	memset(h, 0, sizeof(*h));
}
