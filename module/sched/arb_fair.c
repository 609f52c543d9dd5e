// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Fair shares: EEVDF among those who compete at a level, level by level.
 *
 * In the names of Stoica and Abdel-Wahab: own virtual time is ent->vtime, the
 * virtual deadline ent->due, V level->vtime. Who waits stands in one of two
 * lines: those who were eligible when looked at last, by deadline (`ready`), and
 * the others, by virtual time (`later`). A pick first lets those over whom V
 * has passed meanwhile. Who is ready stays that until it is served, even if V
 * falls (see lag_on_return()).
 *
 * Where many stand in line, they do so in steps: their virtual time is rounded
 * down, by less than a 16th of their request, their deadline up, by less than an
 * 8th. So many have the same place, and those of one place in `later` become
 * ready at once: an operation takes a number of steps that depends on how
 * different requests are, and hardly on how many. It is as if requests were
 * longer by as much, and began earlier.
 *
 * Virtual time is in ns * SCALE / weight. It wraps, and is only ever compared
 * to another one of the same level.
 *
 * Part of arb_build.c.
 */
#include "arb_internal.h"

#define SCALE	1024
#define FEW	64	/* of so many each has a place of its own */

static struct arb_ent *ent_of(struct arb_node *n)
{
	return arb_entry(n, struct arb_ent, node);
}

static __always_inline bool eligible(const struct arb_level *lv, u64 vtime)
{
	return !arb_before(lv->vtime, vtime);
}

/* Rounds down. @rest: what that leaves, from 0 up to but less than @d */
static __always_inline s64 floor_div(s64 n, s64 d, s64 *rest)
{
	s64 q = n / d;

	*rest = n % d;
	if (*rest < 0) {
		*rest += d;
		q--;
	}
	return q;
}

/* A length of time for somebody of this weight. */
static __always_inline u64 virtual_ns(u64 ns, u32 weight)
{
	u64 v = ns * SCALE / weight;

	return v ? v : 1;
}

/* The weighted sum of (own - V) has changed by @change: V is the mean again. */
static __always_inline void set_mean(struct arb_level *lv, s64 change)
{
	s64 rest;

	lv->vtime += floor_div(lv->rest + change, lv->weight, &rest);
	lv->rest = rest;
	if (arb_before(lv->high, lv->vtime))
		lv->high = lv->vtime;
}

/* It doesn't compete any more. */
static void take_out(struct arb_level *lv, struct arb_ent *ent)
{
	s64 lag = lv->vtime - ent->vtime;

	lv->weight -= ent->weight;
	if (lv->weight)
		set_mean(lv, lag * ent->weight);
	else
		lv->rest = 0;
}

static __always_inline void stop_lingering(struct arb_level *lv, struct arb_ent *ent)
{
	if (lv->left == ent)
		lv->left = NULL;
	else
		arb_tree_erase(&ent->node);
	ent->lingers = false;
}

/* It is owed no more than when it left. */
static void go(struct arb_level *lv, struct arb_ent *ent)
{
	s64 lag = lv->vtime - ent->vtime;

	stop_lingering(lv, ent);
	take_out(lv, ent);
	if (ent->lag > lag)
		ent->lag = lag;
}

/* Who lingered until V had come to its own time, may go. */
static void let_go(struct arb_level *lv)
{
	struct arb_node *n;

	do {
		if (lv->left && eligible(lv, lv->left->vtime))
			go(lv, lv->left);
		n = lv->linger.first;
		if (n && eligible(lv, n->key))
			go(lv, ent_of(n));
		else
			n = NULL;
	} while (n);
}

static __always_inline void level_shift(struct arb_level *lv, s64 change)
{
	set_mean(lv, change);
	if (lv->left || lv->linger.first)
		let_go(lv);
}

/* The lag there can be: a slice, or what somebody lately had the device for. */
static __always_inline u64 largest_lag(const struct arb_level *lv)
{
	const u64 *longest = lv->ent.longest;
	u64 ns = longest[0] > longest[1] ? longest[0] : longest[1];

	return ns > lv->slice[0] ? ns : lv->slice[0];
}

/*
 * Who returns and is owed something gets it from all who are there: V falls.
 * Not further than by one largest lag of the level's time below where it has
 * been: or many who return at once would push the others far behind, who owe
 * them nothing.
 */
static s64 lag_on_return(const struct arb_ent *ent)
{
	const struct arb_level *lv = ent->level;
	u64 most = largest_lag(lv) * SCALE;
	u64 fallen = lv->high - lv->vtime;

	if (!ent->lag || fallen >= most / lv->weight)
		return 0;
	most = (most - fallen * lv->weight) / ent->weight;
	return arb_min(ent->lag, most);
}

/*
 * @ent competes again. With W the weight of the others, V falls by w / W of its
 * lag; it did rise as much when it left, so who returns at once finds
 * everything as it was.
 */
static void come_in(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;
	s64 lag;

	if (!lv->weight) {
		ent->vtime = lv->vtime;
		lv->weight = ent->weight;
	} else {
		lag = lag_on_return(ent);
		if (lag)
			lag += lag * ent->weight / (s64)lv->weight;
		ent->vtime = lv->vtime - lag;
		lv->weight += ent->weight;
		level_shift(lv, -lag * ent->weight);
	}
}

static __always_inline void join(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;

	ent->active = true;
	lv->nr_active++;
	if (ent->lingers) {
		stop_lingering(lv, ent);
	} else {
		if (lv->left)
			let_go(lv);
		come_in(ent);
	}
	ent->due = ent->vtime;	/* a new request, see deadline() */
}

static void sort_in(struct arb_level *lv, struct arb_ent *ent)
{
	ent->node.key = ent->vtime;
	ent->node.also = 0;
	arb_tree_insert(&lv->linger, &ent->node);
}

/* Another one is to be the last who left. */
static void sort_left(struct arb_level *lv)
{
	let_go(lv);
	if (lv->left)
		sort_in(lv, lv->left);
}

static __always_inline void linger(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;

	if (lv->left)
		sort_left(lv);
	ent->lingers = true;
	lv->left = ent;
}

/*
 * Who owes stays in the competition until it has paid by waiting. Who doesn't is
 * taken out before anything depends on that: if it is back at once, it never
 * was away.
 */
static __always_inline void leave(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;
	s64 lag = lv->vtime - ent->vtime;

	ent->active = false;
	lv->nr_active--;
	ent->lag = lag > 0 ? lag : 0;
	linger(ent);
}

/*
 * Who had all its jobs running meanwhile, on some of several servers, could not
 * use what it was due; it gets no more back than who was away.
 */
static __always_inline void forfeit(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;
	s64 over = lv->vtime - ent->vtime;

	if (over > 0)
		over -= virtual_ns(largest_lag(lv), ent->weight);
	if (over <= 0)
		return;
	ent->vtime += over;
	level_shift(lv, over * ent->weight);
}

/*
 * The virtual deadline, and how long the request is. One that can't hold one
 * more job is followed by the next one: if jobs were longer than what they are
 * queued with, those with early deadlines would together take more than there
 * is, and somebody's lag would grow with their number. See favour() for an
 * exception.
 */
static __always_inline u64 deadline(const struct arb_ent *ent, u64 *request)
{
	u64 slice = ent->level->slice[ent->urgent];
	u64 job = ent->woke ? 0 : ent->longest[ent->urgent];
	s64 left = ent->due - ent->vtime;

	if (left <= 0) {
		*request = virtual_ns(job > slice ? job : slice, ent->weight);
		return ent->vtime + *request;
	}
	if (job >= slice) {
		*request = virtual_ns(job, ent->weight);
		return ent->vtime + *request;
	}
	*request = virtual_ns(slice, ent->weight);
	if (left > (s64)*request || left < (s64)virtual_ns(job, ent->weight))
		return ent->vtime + *request;
	return ent->due;
}

/*
 * Something interactive that wakes is queued with its short slice alone, even
 * if its job is longer. That is one request that is longer than it says; the
 * next one may be when the first one's true deadline has passed. So it costs
 * the others the lag of one job, however many wake.
 */
static void favour(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;
	u64 longest = ent->longest[true];

	ent->woke = longest > lv->slice[true] && eligible(lv, lv->favour);
	if (ent->woke)
		lv->favour = lv->vtime + virtual_ns(longest, ent->weight);
}

/*
 * A power of two, less 1: so far from each other are deadlines in line, an 8th of
 * a request at most.
 */
static __always_inline u64 grain(const struct arb_level *lv, u64 request)
{
	if (lv->nr_queued < FEW || request < 16)
		return 0;
	return (1ULL << (60 - __builtin_clzll(request))) - 1;
}

/* Into one of the lines, with a deadline that suits its virtual time. */
static __always_inline void stand(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;
	struct arb_tree *line = &lv->ready;
	u64 request, round, from, due;

	ent->due = deadline(ent, &request);
	round = grain(lv, request);
	from = ent->vtime & ~(round >> 1);
	due = (ent->due + round) & ~round;
	if (eligible(lv, from)) {
		ent->node.key = due;
		ent->node.also = 0;
	} else {
		line = &lv->later;
		ent->node.key = from;
		ent->node.also = due;
	}
	if (round)
		arb_tree_join(line, &ent->node);
	else
		arb_tree_insert(line, &ent->node);
}

static __always_inline void step_back(struct arb_ent *ent)
{
	arb_tree_erase(&ent->node);
}

static void stand_anew(struct arb_ent *ent)
{
	step_back(ent);
	stand(ent);
}

/* V has passed over those. */
static void let_ready(struct arb_level *lv)
{
	struct arb_node *n;

	while ((n = lv->later.first) && eligible(lv, n->key)) {
		arb_tree_erase_ring(n);
		n->key = n->also;
		n->also = 0;
		arb_tree_join_ring(&lv->ready, n);
	}
}

static __always_inline void enqueue(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;

	ent->queued = true;
	lv->nr_queued++;
	lv->urgent += ent->urgent;
	if (ent->urgent)
		favour(ent);
	stand(ent);
}

static __always_inline void dequeue(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;

	step_back(ent);
	lv->nr_queued--;
	lv->urgent -= ent->urgent;
	ent->queued = false;
	ent->woke = false;
}

/* Is its group other than what is in it? */
static __always_inline bool is_news(const struct arb_level *lv)
{
	const struct arb_ent *ent = &lv->ent;

	return ent->level && (ent->queued != !!lv->nr_queued ||
			      ent->urgent != !!lv->urgent ||
			      ent->active != !!lv->nr_active);
}

/* Something in @lv waits or runs, or doesn't any more: tell those above. */
static void tell(struct arb_level *lv)
{
	for (; is_news(lv); lv = lv->ent.level) {
		struct arb_ent *ent = &lv->ent;
		bool queued = lv->nr_queued, urgent = lv->urgent;
		bool was_queued = ent->queued, change = urgent != ent->urgent;

		if (lv->nr_active && !ent->active)
			join(ent);
		if (was_queued && (!queued || change))
			dequeue(ent);
		else if (!was_queued && queued)
			forfeit(ent);
		ent->urgent = urgent;
		if (queued && !ent->queued)
			enqueue(ent);
		if (ent->active && !lv->nr_active)
			leave(ent);
	}
}

/* A job of @ns will be next: a request has to be that long. */
static void expect(struct arb_ent *ent, u64 ns)
{
	u64 *longest;

	do {
		longest = &ent->longest[ent->urgent];
		if (*longest < ns)
			*longest = ns;
		ent = &ent->level->ent;
	} while (ent->level);
}

/* A stream has something waiting, first of all a job of @ns. */
static __always_inline void arb_ent_queue(struct arb_ent *ent, u64 ns)
{
	struct arb_level *lv = ent->level;

	expect(ent, ns);
	if (!ent->active)
		join(ent);
	else
		forfeit(ent);
	enqueue(ent);
	if (is_news(lv))
		tell(lv);
}

/* It hasn't, but runs. */
static __always_inline void arb_ent_run(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;

	if (ent->queued)
		dequeue(ent);
	if (!ent->active)
		join(ent);
	if (is_news(lv))
		tell(lv);
}

/* It hasn't, and nothing of it runs. */
static __always_inline void arb_ent_rest(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;

	if (ent->queued)
		dequeue(ent);
	leave(ent);
	if (is_news(lv))
		tell(lv);
}

/*
 * A job of @ns is to go from here to the device. Return: false if somebody on
 * the way stood in line with a request that is too short for it; then it has
 * another place now, by which the job may have to wait.
 */
static __always_inline bool arb_ent_take(struct arb_ent *ent, u64 ns)
{
	bool fits = true;
	u64 request;

	do {
		u64 *longest = &ent->longest[ent->urgent];

		ent->was_urgent = ent->urgent;
		if (*longest < ns && !ent->woke) {
			*longest = ns;
			if (ent->queued && deadline(ent, &request) != ent->due) {
				stand_anew(ent);
				fits = false;
			}
		}
		ent = &ent->level->ent;
	} while (ent->level);
	return fits;
}

/*
 * Device time for somebody active: @ns more than was charged before, of @ran
 * that were measured (0: none yet).
 */
static __always_inline void arb_ent_charge(struct arb_ent *ent, s64 ns, u64 ran)
{
	do {
		s64 rest, d = floor_div(ns * SCALE + ent->rest, ent->weight, &rest);

		ent->rest = rest;
		ent->woke = false;
		if (ran)
			arb_note_longest(&ent->longest[ent->was_urgent], ran);
		if (ent->queued)
			step_back(ent);
		ent->vtime += d;
		level_shift(ent->level, d * ent->weight);
		if (ent->queued)
			stand(ent);
		ent = &ent->level->ent;
	} while (ent->level);
	if (ran)
		arb_note_longest(&ent->longest[ent->was_urgent], ran);
}

/*
 * What it is owed or owes stays the same in device time; then V stays where it
 * is, but for the rounding.
 */
static void arb_ent_set_weight(struct arb_ent *ent, u32 weight)
{
	struct arb_level *lv = ent->level;
	bool competes = ent->active || ent->lingers;
	s64 lag = competes ? (s64)(lv->vtime - ent->vtime) : ent->lag;
	s64 owed = lag * ent->weight;
	u32 old = ent->weight;
	s64 rest;

	ent->weight = weight;
	ent->rest = 0;
	lag = floor_div(owed, weight, &rest);
	ent->lag = lag > 0 ? lag : 0;
	if (!competes)
		return;
	if (ent->lingers && ent != lv->left) {
		arb_tree_erase(&ent->node);
		ent->vtime = lv->vtime - lag;
		sort_in(lv, ent);
	} else if (ent->queued) {
		step_back(ent);
		ent->vtime = lv->vtime - lag;
		stand(ent);
	} else {
		ent->vtime = lv->vtime - lag;
	}
	lv->weight += weight;
	lv->weight -= old;
	level_shift(lv, owed - lag * weight);
}

/* For good; its debts are lost. */
static void arb_ent_exit(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;

	if (!ent->lingers)
		return;
	stop_lingering(lv, ent);
	take_out(lv, ent);
	let_go(lv);
}

static void arb_ent_init(struct arb_ent *ent, struct arb_level *level, u32 weight)
{
	memset(ent, 0, sizeof(*ent));
	ent->level = level;
	ent->weight = weight;
}

static void arb_level_init(struct arb *a, struct arb_level *lv,
			   struct arb_level *up, u32 weight, u64 slice,
			   u64 urgent_slice)
{
	memset(lv, 0, sizeof(*lv));
	lv->slice[false] = slice;
	lv->slice[true] = urgent_slice;
	lv->ready.seen = a->seen;
	lv->later.seen = a->seen;
	arb_ent_init(&lv->ent, up, weight);
	lv->ent.is_group = true;
}

/*
 * The earliest deadline among the eligible; else who was given least. Of those
 * of one place, who has been there longest but for the one who stands in the
 * tree: it is the last to go, as others go without a change of the tree.
 */
static __always_inline struct arb_ent *level_pick(struct arb_level *lv)
{
	struct arb_node *n = lv->later.first;

	if (lv->left && eligible(lv, lv->left->vtime))
		let_go(lv);
	if (n && eligible(lv, n->key))
		let_ready(lv);
	n = lv->ready.first ? lv->ready.first : lv->later.first;
	return n ? ent_of(n->next) : NULL;
}

/* Whose turn it is; NULL: nothing waits. */
static __always_inline struct arb_stream *arb_fair_pick(struct arb_level *lv)
{
	struct arb_ent *ent = level_pick(lv);

	if (!ent)
		return NULL;
	while (ent->is_group)
		ent = level_pick(arb_entry(ent, struct arb_level, ent));
	return arb_entry(ent, struct arb_stream, ent);
}

static struct arb_ent *level_any(const struct arb_level *lv)
{
	return ent_of(lv->ready.root ? lv->ready.root : lv->later.root);
}

/* One of those who have something waiting; there is one. */
static struct arb_stream *arb_fair_any(const struct arb_level *lv)
{
	struct arb_ent *ent = level_any(lv);

	while (ent->is_group)
		ent = level_any(arb_entry(ent, struct arb_level, ent));
	return arb_entry(ent, struct arb_stream, ent);
}

/* Does @other, who waits, come before @ent, who runs and has nothing waiting? */
static bool comes_before(const struct arb_ent *other,
			 const struct arb_ent *ent)
{
	const struct arb_level *lv = ent->level;
	bool e = eligible(lv, ent->vtime);
	u64 request;

	if (e != eligible(lv, other->vtime))
		return !e;
	if (!e)
		return arb_before(other->vtime, ent->vtime);
	return arb_before(other->due, deadline(ent, &request));
}

/* Would a pick choose somebody else than @ent, if what runs in it waited? */
static bool arb_fair_beaten(const struct arb_ent *ent)
{
	const struct arb_ent *path[ARB_MAX_DEPTH + 1];
	u32 n = 0;

	for (; ent->level; ent = &ent->level->ent)
		path[n++] = ent;
	while (n--) {
		const struct arb_ent *first = level_pick(path[n]->level);

		if (!first)
			return false;
		if (first != path[n])
			return path[n]->queued || comes_before(first, path[n]);
	}
	return false;
}

u32 arb_share(const struct arb_stream *s)
{
	const struct arb_ent *ent = &s->ent;
	u64 ppm = ARB_PPM, all;

	for (; ent->level; ent = &ent->level->ent) {
		all = ent->level->weight;
		if (!ent->active && !ent->lingers)
			all += ent->weight;
		ppm = ppm * ent->weight / all;
	}
	return ppm ? ppm : 1;
}

s64 arb_lag(const struct arb_ent *ent)
{
	s64 behind;

	if (!ent->active && !ent->lingers)
		return 0;
	behind = ent->level->vtime - ent->vtime;
	return behind * ent->weight / SCALE;
}
