// SPDX-License-Identifier: LGPL-2.1-or-later
/* The arbiter: the order of the classes, its contract, and its limits. */
#include <stdio.h>
#include <stdlib.h>
#include <sched/arb_tree.c>
#include "arb_drive.h"
#include "unit.h"

#define MS	1000000ULL
#define US	1000ULL
#define SEC	1000000000ULL
#define YEAR	(31557600ULL * SEC)

static struct arb a;
static struct arb_stream s[8];
static struct arb_job job[16];

static void fresh(const struct arb_params *params)
{
	struct arb_params p;

	arb_params_default(&p);
	assert_int_equal(arb_init(&a, params ? params : &p), 0);
	memset(s, 0, sizeof(s));
	memset(job, 0, sizeof(job));
}

/* Streams 0 to 3: one of each class, s[ARB_NORMAL] normal and so on. */
static void one_of_each(void)
{
	u32 i;

	fresh(NULL);
	for (i = 0; i < ARB_NR_CLASSES; i++)
		assert_int_equal(arb_stream_init(&a, &s[i], NULL,
						 i == ARB_REALTIME ? 0 : i,
						 100), 0);
	assert_int_equal(arb_stream_set_realtime(&a, &s[ARB_REALTIME], MS,
						 10 * MS, 0, NULL), 0);
}

static void check(void)
{
	const struct arb_stream *all[8];
	u32 i, n = 0;

	for (i = 0; i < 8; i++)
		if (s[i].group)
			all[n++] = &s[i];
	arb_check(&a, all, n, NULL, 0);
}

static void arrive(u32 stream, u32 j, u64 now)
{
	assert_int_equal(arb_arrive(&a, &s[stream], &job[j], now, 0, 100 * US),
			 0);
	check();
}

static void test_order_of_classes(void **state)
{
	one_of_each();
	arrive(ARB_BACKGROUND, 0, 10);
	arrive(ARB_NORMAL, 1, 11);
	arrive(ARB_INTERACTIVE, 2, 12);
	arrive(ARB_REALTIME, 3, 13);
	assert_ptr_equal(arb_pick(&a, 20), &job[3]);
	assert_ptr_equal(arb_pick(&a, 20), &job[2]);
	assert_ptr_equal(arb_pick(&a, 20), &job[1]);
	assert_ptr_equal(arb_pick(&a, 20), &job[0]);
	assert_null(arb_pick(&a, 20));
	check();
}

/* Each class interrupts those below, and none above. */
static void test_who_must_yield(void **state)
{
	static const u32 by_rank[] = { ARB_REALTIME, ARB_INTERACTIVE,
				       ARB_BACKGROUND };
	u32 hi, lo;

	for (hi = 0; hi < 3; hi++)
		for (lo = 0; lo < 3; lo++) {
			if (hi == lo)
				continue;
			one_of_each();
			arrive(by_rank[lo], 0, 10);
			assert_ptr_equal(arb_pick(&a, 10), &job[0]);
			assert_false(arb_should_yield(&a, &job[0], 11));
			arrive(by_rank[hi], 1, 12);
			assert_int_equal(arb_tile(&a, &job[0], 50 * US,
						  50 * US), hi < lo);
			assert_int_equal(arb_should_yield(&a, &job[0], 50 * US),
					 hi < lo);
			assert_int_equal(arb_yield(&a, &job[0], 0, 50 * US, 0),
					 0);
			check();
			assert_ptr_equal(arb_pick(&a, 50 * US),
					 &job[hi < lo]);
		}
}

/* A budget that ends makes the job give way at the next tile. */
static void test_a_spent_budget_yields(void **state)
{
	one_of_each();
	arrive(ARB_REALTIME, 0, 0);
	arrive(ARB_NORMAL, 1, 0);
	assert_ptr_equal(arb_pick(&a, 0), &job[0]);
	assert_int_equal(arb_tile(&a, &job[0], 900 * US, 900 * US), 0);
	assert_int_equal(arb_tile(&a, &job[0], 100 * US, MS), 1);
	assert_int_equal(arb_yield(&a, &job[0], 0, MS, 0), 0);
	assert_ptr_equal(arb_pick(&a, MS), &job[1]);
	assert_int_equal(arb_done(&a, &job[1], 100 * US, 2 * MS), 0);
	/* for free, as nobody else wants to */
	assert_ptr_equal(arb_pick(&a, 2 * MS), &job[0]);
	assert_int_equal(arb_tile(&a, &job[0], MS, 3 * MS), 0);
	assert_true(s[ARB_REALTIME].server.budget == MS);
	arrive(ARB_NORMAL, 1, 4 * MS);
	assert_true(arb_should_yield(&a, &job[0], 4 * MS));
	/* its next period begins meanwhile */
	assert_int_equal(arb_tile(&a, &job[0], MS, 11 * MS), 0);
	assert_int_equal(arb_tile(&a, &job[0], MS / 2, 12 * MS), 0);
	assert_true(s[ARB_REALTIME].server.budget == MS / 2);
	check();
}

static void test_misuse_is_refused(void **state)
{
	struct arb_loan loan;

	one_of_each();
	assert_int_equal(arb_leave(&a, &job[0], 1), -ENOENT);
	assert_int_equal(arb_done(&a, &job[0], 1, 1), -EINVAL);
	assert_int_equal(arb_tile(&a, &job[0], 1, 1), -EINVAL);
	assert_int_equal(arb_yield(&a, &job[0], 1, 1, 1), -EINVAL);
	assert_false(arb_should_yield(&a, &job[0], 1));

	arrive(ARB_NORMAL, 0, 1);
	assert_int_equal(arb_arrive(&a, &s[1], &job[0], 1, 0, 0), -EBUSY);
	assert_int_equal(arb_done(&a, &job[0], 1, 1), -EINVAL);
	assert_int_equal(arb_tile(&a, &job[0], 1, 1), -EINVAL);
	assert_int_equal(arb_yield(&a, &job[0], 1, 1, 1), -EINVAL);
	assert_int_equal(arb_stream_exit(&a, &s[ARB_NORMAL]), -EBUSY);
	assert_ptr_equal(arb_pick(&a, 1), &job[0]);
	assert_int_equal(arb_leave(&a, &job[0], 1), -ENOENT);
	assert_int_equal(arb_arrive(&a, &s[1], &job[0], 1, 0, 0), -EBUSY);
	assert_int_equal(arb_stream_exit(&a, &s[ARB_NORMAL]), -EBUSY);
	assert_int_equal(arb_done(&a, &job[0], 1, 1), 0);
	assert_int_equal(arb_done(&a, &job[0], 1, 1), -EINVAL);

	arrive(ARB_NORMAL, 0, 1);
	assert_int_equal(arb_leave(&a, &job[0], 1), 0);
	assert_int_equal(arb_leave(&a, &job[0], 1), -ENOENT);
	assert_null(arb_pick(&a, 1));
	assert_int_equal(arb_lend(&a, &loan, &s[0], &s[1], 1), 0);
	assert_int_equal(arb_stream_exit(&a, &s[0]), -EBUSY);
	assert_int_equal(arb_stream_exit(&a, &s[1]), -EBUSY);
	arb_unlend(&a, &loan, 1);
	check();
	assert_int_equal(arb_stream_exit(&a, &s[0]), 0);
}

/* A job that runs at a lender's cost goes on doing so when the loan ends. */
static void test_a_loan_ends_while_the_job_runs(void **state)
{
	struct arb_loan loan;
	struct arb_job *ran;

	one_of_each();
	arrive(ARB_BACKGROUND, 0, 1);
	arrive(ARB_NORMAL, 1, 1);
	assert_int_equal(arb_lend(&a, &loan, &s[ARB_NORMAL],
				  &s[ARB_BACKGROUND], 1), 0);
	ran = arb_pick(&a, 1);
	assert_ptr_equal(ran, &job[0]);
	assert_ptr_equal(ran->payer, &s[ARB_NORMAL]);
	arb_unlend(&a, &loan, 2);
	check();
	assert_int_equal(arb_done(&a, ran, 10, 12), 0);
	check();
	assert_ptr_equal(arb_pick(&a, 12), &job[1]);
	assert_int_equal(arb_done(&a, &job[1], 10, 22), 0);
	check();
}

static void test_bad_parameters_are_refused(void **state)
{
	struct arb_params p, ok;
	struct arb_group g;

	arb_params_default(&ok);
	p = ok;
	p.servers = 0;
	assert_int_equal(arb_init(&a, &p), -EINVAL);
	p.servers = 65537;
	assert_int_equal(arb_init(&a, &p), -EINVAL);
	p = ok;
	p.slice_ns[ARB_INTERACTIVE] = 0;
	assert_int_equal(arb_init(&a, &p), -EINVAL);
	p.slice_ns[ARB_INTERACTIVE] = ARB_MAX_NS + 1;
	assert_int_equal(arb_init(&a, &p), -EINVAL);
	p = ok;
	p.floor_ppm = 50001;
	assert_int_equal(arb_init(&a, &p), -EINVAL);
	p.floor_ppm = ~0U;
	assert_int_equal(arb_init(&a, &p), -EINVAL);
	p = ok;
	p.limit_ppm = ~0U;
	assert_int_equal(arb_init(&a, &p), -EINVAL);

	fresh(NULL);
	assert_int_equal(arb_stream_init(&a, &s[0], NULL, ARB_NORMAL, 0),
			 -EINVAL);
	assert_int_equal(arb_stream_init(&a, &s[0], NULL, ARB_NORMAL, 10001),
			 -EINVAL);
	assert_int_equal(arb_stream_init(&a, &s[0], NULL, ARB_REALTIME, 1),
			 -EINVAL);
	assert_int_equal(arb_stream_init(&a, &s[0], NULL, 77, 1), -EINVAL);
	assert_int_equal(arb_group_init(&a, &g, NULL, 0), -EINVAL);
	assert_int_equal(arb_group_init(&a, &g, NULL, 10001), -EINVAL);
	assert_int_equal(arb_group_set_weight(&a, &a.root, 100), -EINVAL);
	assert_int_equal(arb_group_exit(&a, &a.root), -EBUSY);
	assert_int_equal(arb_group_init(&a, &g, NULL, 1), 0);
	assert_int_equal(arb_group_set_weight(&a, &g, 0), -EINVAL);
	assert_int_equal(arb_stream_init(&a, &s[0], &g, ARB_NORMAL, 1), 0);
	assert_int_equal(arb_group_exit(&a, &g), -EBUSY);
	assert_int_equal(arb_stream_exit(&a, &s[0]), 0);
	assert_int_equal(arb_group_exit(&a, &g), 0);
	assert_true(a.root.children == 0);
}

/* Down to the deepest group there may be, and no further. */
static void test_depth_is_limited(void **state)
{
	struct arb_group g[ARB_MAX_DEPTH];
	u32 i;

	fresh(NULL);
	for (i = 0; i < ARB_MAX_DEPTH - 1; i++)
		assert_int_equal(arb_group_init(&a, &g[i], i ? &g[i - 1] : NULL,
						1 + i), 0);
	assert_int_equal(arb_group_init(&a, &g[i], &g[i - 1], 1), -E2BIG);
	assert_int_equal(arb_stream_init(&a, &s[0], &g[i - 1], ARB_INTERACTIVE,
					 1), 0);
	assert_int_equal(arb_stream_init(&a, &s[1], NULL, ARB_NORMAL, 1), 0);
	arb_arrive(&a, &s[0], &job[0], 1, 0, 5 * MS);
	assert_ptr_equal(arb_pick(&a, 1), &job[0]);
	arb_arrive(&a, &s[1], &job[1], 1, 0, 0);
	assert_int_equal(arb_tile(&a, &job[0], 20 * MS, 20 * MS), 1);
	assert_int_equal(arb_yield(&a, &job[0], 0, 20 * MS, 0), 0);
	assert_ptr_equal(arb_pick(&a, 20 * MS), &job[1]);
	assert_true(arb_lag(&g[0].level[ARB_FAIR].ent) < 0);
	arb_done(&a, &job[1], 1, 21 * MS);
	assert_int_equal(arb_leave(&a, &job[0], 21 * MS), 0);
	assert_int_equal(arb_stream_exit(&a, &s[0]), 0);
	while (i--)
		assert_int_equal(arb_group_exit(&a, &g[i]), 0);
}

static void test_statistics(void **state)
{
	one_of_each();
	arb_arrive(&a, &s[ARB_NORMAL], &job[0], 100, 5000, 0);
	arb_arrive(&a, &s[ARB_NORMAL], &job[1], 200, 900, 0);
	arb_pick(&a, 300);
	arb_tile(&a, &job[0], 50, 350);
	arb_yield(&a, &job[0], 10, 360, 0);
	assert_ptr_equal(arb_pick(&a, 400), &job[0]);
	arb_done(&a, &job[0], 20, 1000);
	assert_ptr_equal(arb_pick(&a, 1000), &job[1]);
	arb_done(&a, &job[1], 7, 1100);
	assert_true(s[0].stats.served == 87 && s[0].stats.done == 2);
	assert_true(s[0].stats.misses == 1 && s[0].stats.late_max == 200);
	assert_true(s[0].stats.waited == 1000 && s[0].stats.wait_max == 800);
	assert_true(s[0].stats.yields == 1);
	assert_true(a.served[ARB_NORMAL] == 87);
	assert_true(a.root.served[ARB_NORMAL] == 87);
}

/* ---- the ends of the ranges --------------------------------------------- */

/*
 * A hundred years on, weights 1 and 10000, jobs of 1 ns and 10 s: UBSan looks
 * on, and the shares are as they should be.
 */
/* As from a device that has failed: whoever they are, and as if they never came. */
static void test_all_that_wait_leave(void **state)
{
	struct arb_loan loan;
	struct arb_job *any;
	u32 i, n;

	one_of_each();
	assert_null(arb_any(&a));
	arrive(ARB_NORMAL, 0, 10);
	assert_ptr_equal(arb_any(&a), &job[0]);	/* is alone */
	for (i = 0; i < ARB_NR_CLASSES; i++)
		arrive(i, i + 1, 11 + i);
	assert_int_equal(arb_stream_init(&a, &s[4], NULL, ARB_INTERACTIVE, 100), 0);
	assert_int_equal(arb_lend(&a, &loan, &s[4], &s[ARB_BACKGROUND], 20), 0);
	for (n = 0; (any = arb_any(&a)); n++) {
		assert_int_equal(arb_leave(&a, any, 21), 0);
		check();
	}
	assert_int_equal(n, ARB_NR_CLASSES + 1);
	assert_int_equal(a.waiting, 0);
	for (i = 0; i < ARB_NR_CLASSES; i++)
		assert_int_equal(s[i].stats.done + s[i].stats.waited, 0);
	arb_unlend(&a, &loan, 22);
}

/* Of those who have something to do, and of whoever asks. */
static void test_shares_are_told(void **state)
{
	struct arb_group g[2];

	fresh(NULL);
	assert_int_equal(arb_group_init(&a, &g[0], NULL, 300), 0);
	assert_int_equal(arb_group_init(&a, &g[1], NULL, 100), 0);
	assert_int_equal(arb_stream_init(&a, &s[0], &g[0], ARB_NORMAL, 100), 0);
	assert_int_equal(arb_stream_init(&a, &s[1], &g[0], ARB_INTERACTIVE, 100), 0);
	assert_int_equal(arb_stream_init(&a, &s[2], &g[1], ARB_NORMAL, 1), 0);
	assert_int_equal(arb_share(&s[0]), 1000000);
	assert_int_equal(arb_arrive(&a, &s[0], &job[0], 10, 0, MS), 0);
	assert_int_equal(arb_share(&s[0]), 1000000);	/* alone */
	assert_int_equal(arb_arrive(&a, &s[2], &job[1], 10, 0, MS), 0);
	assert_int_equal(arb_share(&s[0]), 750000);
	assert_int_equal(arb_share(&s[1]), 375000);	/* would have */
	assert_int_equal(arb_share(&s[2]), 250000);
	assert_int_equal(arb_arrive(&a, &s[1], &job[2], 10, 0, MS), 0);
	assert_int_equal(arb_share(&s[0]), 375000);
	assert_int_equal(arb_share(&s[2]), 250000);
}

static void test_extremes(void **state)
{
	static const u32 weight[] = { 1, 10000, 1, 10000 };
	struct source src[4];
	struct drive d;
	u64 all, due;
	u32 i;

	drive_init(&d, NULL, src, 4);
	d.now = 100 * YEAR;
	for (i = 0; i < 4; i++) {
		assert_int_equal(arb_stream_init(&d.a, &src[i].stream, NULL,
						 ARB_NORMAL, weight[i]), 0);
		src[i].job_ns = i < 2 ? 10 * SEC : 1;
		src[i].backlog = 3;
	}
	/* virtual time is about to wrap */
	d.a.root.level[ARB_FAIR].vtime = ~0ULL - 1000;
	d.a.root.level[ARB_FAIR].high = ~0ULL - 1000;
	source_backlog(&d, &src[0]);
	source_backlog(&d, &src[1]);
	drive_run(&d, 100 * YEAR + 1000000 * SEC);
	all = d.a.served[ARB_NORMAL];
	assert_true(all >= 999990 * SEC);
	due = all / 10001;
	assert_true(src[0].stream.stats.served + 10 * SEC >= due);
	assert_true(src[0].stream.stats.served <= due + 10 * SEC);
	source_backlog(&d, &src[2]);
	source_backlog(&d, &src[3]);
	/* the first few of 1 ns, 10 s of the other, 10 s that are owed then */
	drive_run(&d, d.running[0]->until + 2000);
	drive_run(&d, d.running[0]->until + 2000);
	assert_true(src[3].stream.stats.served > 1990);
	drive_end(&d);
}

/* Times and lengths beyond what is allowed are cut, not wrapped. */
static void test_absurd_lengths(void **state)
{
	static const u64 ns[] = { 0, 1, ARB_MAX_NS, ARB_MAX_NS + 1,
				  (1ULL << 63) - 1, 1ULL << 63, ~0ULL };
	u64 now = 1;
	u32 i, k, round;

	one_of_each();
	for (round = 0; round < 3; round++)
		for (i = 0; i < 7; i++)
			for (k = 0; k < 7; k++) {
				u32 c = (i + k + round) % ARB_NR_CLASSES;
				struct arb_job *j;

				assert_int_equal(arb_arrive(&a, &s[c], &job[0],
							    now, ns[i], ns[k]),
						 0);
				check();
				j = arb_pick(&a, now);
				assert_ptr_equal(j, &job[0]);
				check();
				assert_true(arb_tile(&a, j, ns[k], now) >= 0);
				check();
				now += 1000;
				assert_int_equal(arb_yield(&a, j, ns[i], now,
							   ns[i]), 0);
				check();
				j = arb_pick(&a, now);
				assert_int_equal(arb_done(&a, j, ns[k], now),
						 0);
				check();
			}
	assert_true(s[ARB_REALTIME].server.release < 1ULL << 62);
}

/* ---- the tree ----------------------------------------------------------- */

enum { MANY = 500 };

/* What a tree should be like: the keys, the order of insertion, the node. */
struct entry {
	u64 key, also, order;
	struct arb_node *node;
};

static int by_order(const void *x, const void *y)
{
	const struct entry *p = x, *q = y;

	if (p->key != q->key)
		return arb_before(p->key, q->key) ? -1 : 1;
	if (p->also != q->also)
		return arb_before(p->also, q->also) ? -1 : 1;
	return (p->order > q->order) - (p->order < q->order);
}

static struct arb_node *after(struct arb_node *at)
{
	if (at->child[1]) {
		at = at->child[1];
		while (at->child[0])
			at = at->child[0];
		return at;
	}
	while (at->parent && at == at->parent->child[1])
		at = at->parent;
	return at->parent;
}

/* Of the last keys, whoever came first. */
static struct arb_node *standing_last(const struct entry *sorted, u32 n)
{
	while (n > 1 && sorted[n - 2].key == sorted[n - 1].key &&
	       sorted[n - 2].also == sorted[n - 1].also)
		n--;
	return sorted[n - 1].node;
}

/* One stands in the tree for all of the same keys, in order of insertion. */
static void compare_tree(const struct arb_tree *tree, struct entry *sorted,
			 u32 n)
{
	struct arb_node *at = tree->first, *up, *i;
	u32 count = 0, depth;

	qsort(sorted, n, sizeof(sorted[0]), by_order);
	for (; at; at = after(at)) {
		for (depth = 0, up = at; up; up = up->parent)
			depth++;
		assert_true(depth <= 45);	/* 27 would be no surprise */
		i = at;
		do {
			assert_true(count < n);
			assert_ptr_equal(i, sorted[count].node);
			assert_int_equal(at->key, sorted[count].key);
			assert_int_equal(at->also, sorted[count].also);
			assert_int_equal(i->follows, i != at);
			count++;
			i = i->next;
		} while (i != at);
	}
	assert_int_equal(count, n);
	assert_ptr_equal(arb_tree_last(tree), n ? standing_last(sorted, n) : NULL);
}

/* The first of @tree[@t] and all who follow it go to the other one. */
static void move_first(struct arb_tree *tree, struct entry (*sorted)[MANY],
		       u32 *n, u32 t, s32 *where, const struct arb_node *node,
		       u64 *order)
{
	struct arb_node *first = tree[t].first;
	u32 i, moved = 1, to = !t;

	qsort(sorted[t], n[t], sizeof(sorted[t][0]), by_order);
	while (moved < n[t] && sorted[t][moved].key == first->key &&
	       sorted[t][moved].also == first->also)
		moved++;
	arb_tree_erase_ring(first);
	first->key = first->also;
	if (tree[t].seen)
		arb_tree_join_ring(&tree[to], first);
	else
		insert_ring(&tree[to], first);
	for (i = 0; i < moved; i++) {
		struct entry e = sorted[t][i];

		where[e.node - node] = to;
		sorted[to][n[to]++] =
			(struct entry){ e.also, e.also, (*order)++, e.node };
	}
	n[t] -= moved;
	memmove(&sorted[t][0], &sorted[t][moved], n[t] * sizeof(sorted[t][0]));
}

/* A sorted array does the same; with and without a table of who was seen. */
static void trees_against_arrays(struct arb_node **seen)
{
	static struct arb_node node[MANY];
	static struct entry sorted[2][MANY];
	struct arb_tree tree[2] = { { .seen = seen }, { .seen = seen } };
	struct drive d = { .rnd = 42 };
	u32 n[2] = { 0 }, i, t, step;
	s32 where[MANY];
	u64 base, order = 0;

	memset(node, 0, sizeof(node));
	memset(where, -1, sizeof(where));
	for (step = 0; step < 40000; step++) {
		u32 which = drive_random(&d) % MANY;
		struct arb_node *x = &node[which];
		struct entry *e;

		base = step < 20000 ? 0 : ~0ULL - 20;	/* wraps */
		for (t = 0; step == 20000 && t < 2; t++) {
			while (tree[t].root)
				arb_tree_erase(tree[t].root);
			n[t] = 0;
			memset(where, -1, sizeof(where));
		}
		t = drive_random(&d) % 2;
		if (step % 10 == 9 && tree[t].first) {
			move_first(tree, sorted, n, t, where, node, &order);
		} else if (where[which] >= 0) {
			t = where[which];
			arb_tree_erase(x);
			for (i = 0; sorted[t][i].node != x; i++)
				;
			memmove(&sorted[t][i], &sorted[t][i + 1],
				(--n[t] - i) * sizeof(sorted[t][0]));
			where[which] = -1;
		} else {
			x->key = base + drive_random(&d) % 40;
			x->also = base + drive_random(&d) % 3;
			e = &sorted[t][n[t]++];
			*e = (struct entry){ x->key, x->also, order++, x };
			if (seen && drive_random(&d) % 2)
				arb_tree_join(&tree[t], x);
			else
				arb_tree_insert(&tree[t], x);
			where[which] = t;
		}
		if (step % 20 == 0)
			for (t = 0; t < 2; t++)
				compare_tree(&tree[t], sorted[t], n[t]);
	}
}

static void test_trees_against_arrays(void **state)
{
	static struct arb_node *seen[ARB_SEEN];

	trees_against_arrays(NULL);
	trees_against_arrays(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_of_classes),
		cmocka_unit_test(test_who_must_yield),
		cmocka_unit_test(test_a_spent_budget_yields),
		cmocka_unit_test(test_misuse_is_refused),
		cmocka_unit_test(test_a_loan_ends_while_the_job_runs),
		cmocka_unit_test(test_bad_parameters_are_refused),
		cmocka_unit_test(test_depth_is_limited),
		cmocka_unit_test(test_statistics),
		cmocka_unit_test(test_all_that_wait_leave),
		cmocka_unit_test(test_shares_are_told),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_absurd_lengths),
		cmocka_unit_test(test_trees_against_arrays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
