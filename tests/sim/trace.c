// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Traces: a line for each job, "time,queue,index,work,deadline", all in ns, in
 * order of time; queue and index say which queue of which line of the scenario
 * (load=trace), deadline is absolute or 0. What --record writes is what --trace
 * reads.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "sim.h"

struct trace_row {
	u64 at, work, deadline;
	struct queue *queue;
};

struct trace {
	struct trace_row *rows;
	size_t n, room, next;
};

static struct queue *find_queue(struct world *w, const char *name, u32 index)
{
	u32 i;

	for (i = 0; i < w->n_specs; i++)
		if (!strcmp(w->specs[i]->name, name) && index < w->specs[i]->count)
			return &w->specs[i]->queues[index];
	return NULL;
}

static const char *add_row(struct world *w, struct trace *t, const char *line)
{
	struct trace_row r;
	char name[SIM_NAME];
	u32 index;
	int end = -1;

	if (sscanf(line, "%" SCNu64 ",%23[^,],%u,%" SCNu64 ",%" SCNu64 " %n", &r.at,
		   name, &index, &r.work, &r.deadline, &end) != 5 || end < 0 || line[end])
		return "not time,queue,index,work,deadline";
	r.queue = find_queue(w, name, index);
	if (!r.queue)
		return "no such queue";
	if (!r.work || r.work > 1000 * SEC)
		return "work of 0 or beyond 1000 s";
	if (r.at > 1ULL << 62 || (t->n && r.at < t->rows[t->n - 1].at))
		return "out of order";
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 1024;
		t->rows = realloc(t->rows, t->room * sizeof(*t->rows));
		if (!t->rows)
			abort();
	}
	t->rows[t->n++] = r;
	return NULL;
}

int trace_load(struct world *w, const char *path, char *err, size_t len)
{
	FILE *f = fopen(path, "r");
	const char *wrong = NULL;
	unsigned int line = 0;
	char buf[256];

	if (!f) {
		snprintf(err, len, "%s: %s", path, strerror(errno));
		return -errno;
	}
	w->trace = calloc(1, sizeof(*w->trace));
	if (!w->trace)
		abort();
	while (!wrong && fgets(buf, sizeof(buf), f)) {
		line++;
		if (buf[0] != '#' && buf[0] != '\n')
			wrong = add_row(w, w->trace, buf);
	}
	fclose(f);
	if (wrong)
		snprintf(err, len, "%s:%u: %s", path, line, wrong);
	return wrong ? -EINVAL : 0;
}

void trace_start(struct world *w)
{
	if (w->trace && w->trace->n)
		heap_push(&w->heap, w->trace->rows[0].at, EV_TRACE, NULL, 0);
}

void trace_next(struct world *w)
{
	struct trace *t = w->trace;
	const struct trace_row *r = &t->rows[t->next++];

	engine_arrive(w, r->queue, r->work, r->deadline);
	if (t->next < t->n)
		heap_push(&w->heap, t->rows[t->next].at, EV_TRACE, NULL, 0);
}

void trace_free(struct world *w)
{
	if (w->trace)
		free(w->trace->rows);
	free(w->trace);
}
