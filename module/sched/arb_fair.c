// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Fair shares: EEVDF among those who compete at a level, level by level.
 *
 * In the names of Stoica and Abdel-Wahab: own virtual time is ent->node.val,
 * the virtual deadline ent->node.key, V level->vtime. The tree is ordered by
 * deadline and knows the smallest virtual time of each subtree; so "the
 * earliest deadline among the eligible" is found on one path, see arb_tree.c.
 *
 * Virtual time is in ns * SCALE / weight. It wraps, and is only ever compared
 * to another one of the same level.
 */
#include "arb_internal.h"

#define SCALE	1024

static struct arb_ent *ent_of(struct arb_node *n)
{
	return arb_entry(n, struct arb_ent, node);
}

static bool eligible(const struct arb_level *lv, u64 val)
{
	return !arb_before(lv->vtime, val);
}

/* Rounds down. @rest: what that leaves, from 0 up to but less than @d */
static s64 floor_div(s64 n, s64 d, s64 *rest)
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
static u64 virtual_ns(u64 ns, u32 weight)
{
	u64 v = ns * SCALE / weight;

	return v ? v : 1;
}

/* The weighted sum of (own - V) has changed by @change: V is the mean again. */
static void set_mean(struct arb_level *lv, s64 change)
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
	s64 lag = lv->vtime - ent->node.val;

	lv->weight -= ent->weight;
	if (lv->weight)
		set_mean(lv, lag * ent->weight);
	else
		lv->rest = 0;
}

static void stop_lingering(struct arb_level *lv, struct arb_ent *ent)
{
	arb_tree_erase(&lv->linger, &ent->node);
	ent->lingers = false;
}

/* Who lingered until V had come to its own time, may go. */
static void let_go(struct arb_level *lv)
{
	struct arb_node *n;

	while ((n = lv->linger.first) && eligible(lv, n->val)) {
		stop_lingering(lv, ent_of(n));
		take_out(lv, ent_of(n));
		ent_of(n)->lag = 0;
	}
}

static void level_shift(struct arb_level *lv, s64 change)
{
	set_mean(lv, change);
	if (lv->linger.first)
		let_go(lv);
}

/* The lag there can be: a slice, or what somebody lately had the device for. */
static u64 largest_lag(const struct arb_level *lv)
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
static void join(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;
	s64 lag;

	ent->active = true;
	lv->nr_active++;
	if (ent->lingers) {
		stop_lingering(lv, ent);
	} else if (!lv->weight) {
		ent->node.val = lv->vtime;
		lv->weight = ent->weight;
	} else {
		lag = lag_on_return(ent);
		if (lag)
			lag += lag * ent->weight / (s64)lv->weight;
		ent->node.val = lv->vtime - lag;
		lv->weight += ent->weight;
		level_shift(lv, -lag * ent->weight);
	}
	ent->node.key = ent->node.val;	/* a new request, see deadline() */
}

/* Who owes stays in the competition until it has paid by waiting. */
static void leave(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;

	ent->active = false;
	lv->nr_active--;
	if (!eligible(lv, ent->node.val)) {
		ent->lingers = true;
		ent->node.key = ent->node.val;
		arb_tree_insert(&lv->linger, &ent->node);
		return;
	}
	ent->lag = lv->vtime - ent->node.val;
	take_out(lv, ent);
	let_go(lv);
}

/*
 * Who had all its jobs running meanwhile, on some of several servers, could not
 * use what it was due; it gets no more back than who was away.
 */
static void forfeit(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;
	s64 over = lv->vtime - ent->node.val;

	if (over > 0)
		over -= virtual_ns(largest_lag(lv), ent->weight);
	if (over <= 0)
		return;
	ent->node.val += over;
	level_shift(lv, over * ent->weight);
}

/*
 * The virtual deadline at @val. A request that can't hold one more job is
 * followed by the next one: if jobs were longer than what they are queued with,
 * those with early deadlines would together take more than there is, and
 * somebody's lag would grow with their number. See favour() for an exception.
 */
static u64 deadline(const struct arb_ent *ent, u64 val)
{
	u64 slice = ent->level->slice[ent->urgent];
	u64 job = ent->woke ? 0 : ent->longest[ent->urgent];
	s64 left = ent->node.key - val;
	s64 request;

	if (job >= slice)
		return val + virtual_ns(job, ent->weight);
	request = virtual_ns(slice, ent->weight);
	if (left > request || left < (s64)virtual_ns(job, ent->weight))
		return val + request;
	return ent->node.key;
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

/* In the order of deadlines, with a new one at @val. */
static void requeue(struct arb_ent *ent, u64 val)
{
	struct arb_tree *tree = &ent->level->tree;
	u64 key = deadline(ent, val);

	if (key == ent->node.key) {
		arb_tree_set_val(&ent->node, val);
		return;
	}
	arb_tree_erase(tree, &ent->node);
	ent->node.key = key;
	ent->node.val = val;
	arb_tree_insert(tree, &ent->node);
}

static void enqueue(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;

	ent->queued = true;
	lv->urgent += ent->urgent;
	if (ent->urgent)
		favour(ent);
	ent->node.key = deadline(ent, ent->node.val);
	arb_tree_insert(&lv->tree, &ent->node);
}

static void dequeue(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;

	arb_tree_erase(&lv->tree, &ent->node);
	lv->urgent -= ent->urgent;
	ent->queued = false;
	ent->woke = false;
}

/* Is its group other than what is in it? */
static bool is_news(const struct arb_level *lv)
{
	const struct arb_ent *ent = &lv->ent;

	return ent->level && (ent->queued != !!lv->tree.root ||
			      ent->urgent != !!lv->urgent ||
			      ent->active != !!lv->nr_active);
}

/* Something in @lv waits or runs, or doesn't any more: tell those above. */
static void tell(struct arb_level *lv)
{
	for (; is_news(lv); lv = lv->ent.level) {
		struct arb_ent *ent = &lv->ent;
		bool queued = lv->tree.root, urgent = lv->urgent;
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

	for (; ent->level; ent = &ent->level->ent) {
		longest = &ent->longest[ent->urgent];
		if (*longest < ns)
			*longest = ns;
	}
}

/* A stream has something waiting, first of all a job of @ns. */
void arb_ent_queue(struct arb_ent *ent, u64 ns)
{
	struct arb_level *lv = ent->level;

	expect(ent, ns);
	if (!ent->active)
		join(ent);
	forfeit(ent);
	enqueue(ent);
	if (is_news(lv))
		tell(lv);
}

/* It hasn't, but runs, if @active. */
void arb_ent_unqueue(struct arb_ent *ent, bool active)
{
	struct arb_level *lv = ent->level;

	if (ent->queued)
		dequeue(ent);
	if (!active)
		leave(ent);
	else if (!ent->active)
		join(ent);
	if (is_news(lv))
		tell(lv);
}

/*
 * A job of @ns is to go from here to the device. Return: false if somebody on
 * the way stood in line with a request that is too short for it; then it has
 * another place now, by which the job may have to wait.
 */
bool arb_ent_take(struct arb_ent *ent, u64 ns)
{
	bool fits = true;

	for (; ent->level; ent = &ent->level->ent) {
		u64 *longest = &ent->longest[ent->urgent];

		ent->was_urgent = ent->urgent;
		if (*longest >= ns || ent->woke)
			continue;
		*longest = ns;
		if (ent->queued && deadline(ent, ent->node.val) != ent->node.key) {
			requeue(ent, ent->node.val);
			fits = false;
		}
	}
	return fits;
}

/*
 * Device time for somebody active: @ns more than was charged before, of @ran
 * that were measured (0: none yet).
 */
void arb_ent_charge(struct arb_ent *ent, s64 ns, u64 ran)
{
	for (; ent->level; ent = &ent->level->ent) {
		s64 rest, d = floor_div(ns * SCALE + ent->rest, ent->weight, &rest);

		ent->rest = rest;
		ent->woke = false;
		if (ran)
			arb_note_longest(&ent->longest[ent->was_urgent], ran);
		if (ent->queued)
			requeue(ent, ent->node.val + d);
		else
			ent->node.val += d;
		level_shift(ent->level, d * ent->weight);
	}
	if (ran)
		arb_note_longest(&ent->longest[ent->was_urgent], ran);
}

/*
 * What it is owed or owes stays the same in device time; then V stays where it
 * is, but for the rounding.
 */
void arb_ent_set_weight(struct arb_ent *ent, u32 weight)
{
	struct arb_level *lv = ent->level;
	bool competes = ent->active || ent->lingers;
	s64 lag = competes ? (s64)(lv->vtime - ent->node.val) : ent->lag;
	s64 owed = lag * ent->weight;
	u32 old = ent->weight;
	s64 rest;

	ent->weight = weight;
	ent->rest = 0;
	lag = floor_div(owed, weight, &rest);
	if (!competes) {
		ent->lag = lag;
		return;
	}
	if (ent->lingers) {
		arb_tree_erase(&lv->linger, &ent->node);
		ent->node.key = lv->vtime - lag;
		ent->node.val = ent->node.key;
		arb_tree_insert(&lv->linger, &ent->node);
	} else if (ent->queued) {
		requeue(ent, lv->vtime - lag);
	} else {
		ent->node.val = lv->vtime - lag;
	}
	lv->weight += weight;
	lv->weight -= old;
	level_shift(lv, owed - lag * weight);
}

/* For good; its debts are lost. */
void arb_ent_exit(struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;

	if (!ent->lingers)
		return;
	stop_lingering(lv, ent);
	take_out(lv, ent);
	let_go(lv);
}

void arb_ent_init(struct arb_ent *ent, struct arb_level *level, u32 weight)
{
	memset(ent, 0, sizeof(*ent));
	ent->level = level;
	ent->weight = weight;
}

void arb_level_init(struct arb_level *lv, struct arb_level *up, u32 weight,
		    u64 slice, u64 urgent_slice)
{
	memset(lv, 0, sizeof(*lv));
	lv->slice[false] = slice;
	lv->slice[true] = urgent_slice;
	arb_ent_init(&lv->ent, up, weight);
	lv->ent.is_group = true;
}

/* The earliest deadline among the eligible; else who was given least. */
static struct arb_ent *level_pick(const struct arb_level *lv)
{
	struct arb_node *n;

	if (!lv->tree.first)
		return NULL;
	if (eligible(lv, lv->tree.first->val))
		return ent_of(lv->tree.first);
	n = arb_tree_find(&lv->tree, lv->vtime);
	if (!n)
		n = arb_tree_find(&lv->tree, arb_tree_min(&lv->tree));
	return ent_of(n);
}

/* Whose turn it is; NULL: nothing waits. */
struct arb_stream *arb_fair_pick(const struct arb_level *lv)
{
	struct arb_ent *ent = level_pick(lv);

	if (!ent)
		return NULL;
	while (ent->is_group)
		ent = level_pick(arb_entry(ent, struct arb_level, ent));
	return arb_entry(ent, struct arb_stream, ent);
}

/* One of those who have something waiting; there is one. */
struct arb_stream *arb_fair_any(const struct arb_level *lv)
{
	struct arb_ent *ent = ent_of(lv->tree.root);

	while (ent->is_group)
		ent = ent_of(arb_entry(ent, struct arb_level, ent)->tree.root);
	return arb_entry(ent, struct arb_stream, ent);
}

/* Does @other, who waits, come before @ent, who runs and has nothing waiting? */
static bool comes_before(const struct arb_ent *other,
			 const struct arb_ent *ent)
{
	const struct arb_level *lv = ent->level;
	bool e = eligible(lv, ent->node.val);

	if (e != eligible(lv, other->node.val))
		return !e;
	if (!e)
		return arb_before(other->node.val, ent->node.val);
	return arb_before(other->node.key, deadline(ent, ent->node.val));
}

/* Would a pick choose somebody else than @ent, if what runs in it waited? */
bool arb_fair_beaten(const struct arb_ent *ent)
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
	behind = ent->level->vtime - ent->node.val;
	return behind * ent->weight / SCALE;
}
