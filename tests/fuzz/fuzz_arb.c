// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The arbiter under any sequence of calls: after each one, all that it keeps
 * fits together (arb_check()), what it answers is what its header says, nothing
 * waits while it picks none, and the classes go first in their order. At the
 * end everything can be taken out again.
 */
#include <stdio.h>
#include <stdlib.h>
#include "../unit/arb_drive.h"

#define NR_GROUPS	6
#define NR_STREAMS	10
#define NR_JOBS		24
#define NR_LOANS	12

struct input {
	const u8 *p;
	size_t left;
};

struct world {
	struct arb a;
	struct arb_group group[NR_GROUPS];
	struct arb_stream stream[NR_STREAMS];
	struct arb_job job[NR_JOBS];
	struct arb_loan loan[NR_LOANS];
	bool has_group[NR_GROUPS], has_stream[NR_STREAMS], has_loan[NR_LOANS];
	u64 now;
};

static u64 calls, picks, admitted, refused, lent;

/* A fuzzer that never gets to the point proves nothing. */
__attribute__((destructor)) static void report(void)
{
	fprintf(stderr, "fuzz_arb: %llu calls, %llu picks, %llu admitted, %llu refused, %llu loans\n",
		(unsigned long long)calls, (unsigned long long)picks,
		(unsigned long long)admitted, (unsigned long long)refused,
		(unsigned long long)lent);
}

static u8 byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

/* Of any size: a few bits, anywhere. */
static u64 length(struct input *in)
{
	u64 v = byte(in);
	u8 shift = byte(in);

	return shift == 255 ? ~0ULL : v << shift % 57;
}

static u32 weight(struct input *in)
{
	return byte(in) % 3 ? 1 + byte(in) * 39 : byte(in);
}

static void check(const struct world *w)
{
	const struct arb_stream *streams[NR_STREAMS];
	const struct arb_group *groups[NR_GROUPS];
	u32 i, ns = 0, ng = 0;

	for (i = 0; i < NR_STREAMS; i++)
		if (w->has_stream[i])
			streams[ns++] = &w->stream[i];
	for (i = 0; i < NR_GROUPS; i++)
		if (w->has_group[i])
			groups[ng++] = &w->group[i];
	arb_check(&w->a, streams, ns, groups, ng);
}

static struct arb_group *some_group(struct world *w, struct input *in)
{
	u32 i = byte(in) % (NR_GROUPS + 1);

	return i < NR_GROUPS && w->has_group[i] ? &w->group[i] : NULL;
}

static bool weight_ok(u32 v)
{
	return v >= 1 && v <= 10000;
}

static void groups(struct world *w, struct input *in)
{
	u32 i = byte(in) % NR_GROUPS, v = weight(in);
	struct arb_group *g = &w->group[i];
	int ret;

	if (!w->has_group[i]) {
		ret = arb_group_init(&w->a, g, some_group(w, in), v);
		must(ret == (weight_ok(v) ? 0 : -EINVAL));
		w->has_group[i] = !ret;
	} else if (byte(in) % 2) {
		ret = arb_group_set_weight(&w->a, g, v);
		must(ret == (weight_ok(v) ? 0 : -EINVAL));
	} else {
		ret = arb_group_exit(&w->a, g);
		must(ret == (g->children ? -EBUSY : 0));
		w->has_group[i] = ret;
	}
}

static bool busy(const struct arb_stream *s)
{
	return s->waiting || s->running || s->paying || s->nr_lent ||
	       s->nr_borrowed;
}

static void streams(struct world *w, struct input *in)
{
	u32 i = byte(in) % NR_STREAMS, v = weight(in), cls = byte(in) % 4;
	struct arb_stream *s = &w->stream[i];
	int ret;

	if (!w->has_stream[i]) {
		ret = arb_stream_init(&w->a, s, some_group(w, in), cls, v);
		must(ret == (weight_ok(v) && cls < 3 ? 0 : -EINVAL));
		w->has_stream[i] = !ret;
		return;
	}
	ret = arb_stream_exit(&w->a, s);
	must(ret == (busy(s) ? -EBUSY : 0));
	w->has_stream[i] = ret;
}

static void promise(struct world *w, struct input *in)
{
	u32 i = byte(in) % NR_STREAMS, left = ~0U;
	u64 runtime = length(in), period = length(in), deadline = length(in);
	u64 before = w->a.density;
	int ret;

	if (!w->has_stream[i])
		return;
	ret = arb_stream_set_realtime(&w->a, &w->stream[i], runtime, period,
				      deadline, &left);
	if (!ret) {
		admitted++;
		return;
	}
	must(w->a.density == before);
	must(ret != -EBUSY || busy(&w->stream[i]));
	must((ret == -ENOSPC) == (left != ~0U));
	refused += ret == -ENOSPC;
}

static void arrive(struct world *w, struct input *in, bool start)
{
	u32 s = byte(in) % NR_STREAMS;
	struct arb_job *job = &w->job[byte(in) % NR_JOBS];
	bool out = job->state == ARB_JOB_OUT;
	u64 deadline = byte(in) % 2 ? w->now + length(in) : 0;

	u64 est = byte(in) % 4 ? length(in) : 0;
	int ret;

	if (!w->has_stream[s])
		return;
	ret = start ? arb_start(&w->a, &w->stream[s], job, w->now, deadline,
				est) :
		      arb_arrive(&w->a, &w->stream[s], job, w->now, deadline,
				 est);
	must(ret == (out ? 0 : -EBUSY));
	must(ret || job->state == (start ? ARB_JOB_RUNNING : ARB_JOB_WAITING));
}

/* Realtime with budget before all, the earliest; background at the end. */
static void check_choice(const struct world *w, const struct arb_job *job,
			 bool floor_due, const struct arb_tree *ready, u64 first)
{
	bool background = job->payer->cls == ARB_BACKGROUND;

	if (ready) {
		must(job->payer->cls == ARB_REALTIME);
		must(job->payer->server.release <= w->now);
		must(first >= job->payer->server.deadline);
	}
	if (background && !floor_due)
		must(!w->a.ready.root && !w->a.spent.root &&
		     !w->a.root.level[ARB_FAIR].nr_queued);
}

static void pick(struct world *w, struct input *in)
{
	const struct arb_node *n = w->a.ready.root;
	bool floor_due = w->a.floor_due;
	u32 waiting = w->a.waiting;
	u64 first = 0;
	struct arb_job *job;

	while (n) {
		first = n->key;
		n = n->child[0];
	}
	n = w->a.ready.root;
	job = arb_pick(&w->a, w->now);
	must(!job == !waiting);
	if (!job)
		return;
	picks++;
	must(job >= w->job && job < w->job + NR_JOBS);
	must(job->state == ARB_JOB_RUNNING && !job->prev);
	check_choice(w, job, floor_due, n ? &w->a.ready : NULL, first);
}

static void measured(struct world *w, struct input *in)
{
	struct arb_job *job = &w->job[byte(in) % NR_JOBS];
	bool runs = job->state == ARB_JOB_RUNNING;
	u64 ns = length(in);
	int ret;

	switch (byte(in) % 4) {
	case 0:
		ret = arb_tile(&w->a, job, ns, w->now);
		must(runs ? ret == arb_should_yield(&w->a, job, w->now) :
			    ret == -EINVAL);
		return;
	case 1:
		ret = arb_yield(&w->a, job, ns, w->now, length(in));
		break;
	default:
		ret = arb_done(&w->a, job, ns, w->now);
	}
	must(ret == (runs ? 0 : -EINVAL));
}

static void leave(struct world *w, struct input *in)
{
	struct arb_job *job = &w->job[byte(in) % NR_JOBS];
	bool waits = job->state == ARB_JOB_WAITING;

	must(arb_leave(&w->a, job, w->now) == (waits ? 0 : -ENOENT));
}

static void loans(struct world *w, struct input *in)
{
	u32 i = byte(in) % NR_LOANS;
	u32 from = byte(in) % NR_STREAMS, to = byte(in) % NR_STREAMS;
	int ret;

	if (w->has_loan[i]) {
		arb_unlend(&w->a, &w->loan[i], w->now);
		w->has_loan[i] = false;
		return;
	}
	if (!w->has_stream[from] || !w->has_stream[to])
		return;
	ret = arb_lend(&w->a, &w->loan[i], &w->stream[from], &w->stream[to],
		       w->now);
	must(from != to || ret == -EINVAL);
	must(ret != -ENOSPC || w->stream[from].nr_lent == ARB_MAX_LOANS ||
	     w->stream[to].nr_borrowed == ARB_MAX_LOANS);
	w->has_loan[i] = !ret;
	lent += !ret;
}

static void operation(struct world *w, struct input *in)
{
	u8 op = byte(in);

	/* never beyond 2^63, in at most 2^16 steps */
	w->now += length(in) >> 17;
	switch (op % 16) {
	case 0:
		groups(w, in);
		break;
	case 1:
		streams(w, in);
		break;
	case 2:
		promise(w, in);
		break;
	case 3:
		leave(w, in);
		break;
	case 4:
		loans(w, in);
		break;
	case 5 ... 8:
		arrive(w, in, op % 16 == 8);
		break;
	case 9 ... 11:
		measured(w, in);
		break;
	default:
		pick(w, in);
	}
	calls++;
	check(w);
}

/* Everything comes out again. */
static void drain(struct world *w)
{
	struct arb_job *job;
	u32 i, left = NR_GROUPS;

	for (i = 0; i < NR_JOBS; i++)
		if (w->job[i].state == ARB_JOB_RUNNING)
			must(!arb_done(&w->a, &w->job[i], 1, w->now));
	while ((job = arb_pick(&w->a, w->now)))
		must(!arb_done(&w->a, job, 1, w->now));
	check(w);
	for (i = 0; i < NR_LOANS; i++)
		if (w->has_loan[i])
			arb_unlend(&w->a, &w->loan[i], w->now);
	for (i = 0; i < NR_STREAMS; i++)
		if (w->has_stream[i])
			must(!arb_stream_exit(&w->a, &w->stream[i]));
	memset(w->has_stream, 0, sizeof(w->has_stream));
	check(w);
	while (left--)		/* inner ones first */
		for (i = 0; i < NR_GROUPS; i++)
			if (w->has_group[i] && !w->group[i].children) {
				must(!arb_group_exit(&w->a, &w->group[i]));
				w->has_group[i] = false;
			}
	check(w);
	must(!w->a.root.children && !w->a.density && !w->a.waiting &&
	     !w->a.running);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct input in = { data, size };
	struct arb_params params;
	u32 i;

	memset(&w, 0, sizeof(w));
	arb_params_default(&params);
	params.servers = 1 + byte(&in) % 3;
	params.floor_ppm = byte(&in) * 190;
	must(!arb_init(&w.a, &params));
	for (i = 0; i < NR_STREAMS; i++) {
		must(!arb_stream_init(&w.a, &w.stream[i], NULL, i % 3, 1 + i));
		w.has_stream[i] = true;
	}
	while (in.left)
		operation(&w, &in);
	drain(&w);
	return 0;
}
