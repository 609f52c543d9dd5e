// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Fair shares: EEVDF among those who compete at a level, level by level.
 *
 * In the names of Stoica and Abdel-Wahab: own virtual time is ent->node.val,
 * the virtual deadline ent->node.key, V level->vtime. The tree is ordered by
 * deadline and knows the smallest virtual time of each subtree; so "the
 * earliest deadline among the eligible" is found on one path from the root.
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

static s64 floor_div(s64 n, s64 d)
{
	return n / d - (n % d < 0);
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
	s64 sum = lv->rest + change, d;

	if (!lv->weight) {
		lv->rest = 0;
		return;
	}
	d = floor_div(sum, lv->weight);
	lv->vtime += d;
	lv->rest = sum - d * (s64)lv->weight;
	if (arb_before(lv->high, lv->vtime))
		lv->high = lv->vtime;
}

/* It doesn't compete any more. */
static void take_out(struct arb_level *lv, struct arb_ent *ent)
{
	s64 lag = lv->vtime - ent->node.val;

	lv->weight -= ent->weight;
	if (!lv->weight)
		lv->vtime = ent->node.val;
	set_mean(lv, lag * ent->weight);
}

static void stop_lingering(struct arb_level *lv, struct arb_ent *ent)
{
	arb_tree_erase(&lv->linger, &ent->node);
	ent->lingers = false;
}

/* The same; and who lingered until V had come to its own time, may go. */
static void level_shift(struct arb_level *lv, s64 change)
{
	set_mean(lv, change);
	while (lv->linger.root && eligible(lv, lv->linger.root->min)) {
		struct arb_ent *ent = ent_of(arb_tree_first(&lv->linger));

		stop_lingering(lv, ent);
		take_out(lv, ent);
		ent->lag = 0;
	}
}

/* The lag there can be: a slice, or what somebody lately had the device for. */
static u64 largest_lag(const struct arb *a, const struct arb_level *lv)
{
	u64 slice = a->params.slice_ns[lv->idle ? ARB_BACKGROUND : ARB_NORMAL];
	const u64 *longest = lv->ent.longest;
	u64 ns = longest[0] > longest[1] ? longest[0] : longest[1];

	return ns > slice ? ns : slice;
}

/*
 * Who returns and is owed something gets it from all who are there: V falls.
 * Not further than by one largest lag of the level's time below where it has
 * been: or many who return at once would push the others far behind, who owe
 * them nothing.
 */
static s64 lag_on_return(const struct arb *a, const struct arb_ent *ent)
{
	const struct arb_level *lv = ent->level;
	u64 most = largest_lag(a, lv) * SCALE;
	u64 fallen = lv->high - lv->vtime;

	if (!lv->weight || fallen >= most / lv->weight)
		return 0;
	most = (most - fallen * lv->weight) / ent->weight;
	return arb_min(ent->lag, most);
}

/*
 * @ent competes again. With W the weight of the others, V falls by w / W of its
 * lag; it did rise as much when it left, so who returns at once finds
 * everything as it was.
 */
static void join(const struct arb *a, struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;
	s64 lag;

	ent->active = true;
	lv->nr_active++;
	if (ent->lingers) {
		stop_lingering(lv, ent);
	} else {
		lag = lag_on_return(a, ent);
		if (lv->weight)
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
	level_shift(lv, 0);
}

/*
 * Who had all its jobs running meanwhile, on some of several servers, could not
 * use what it was due; it gets no more back than who was away.
 */
static void forfeit(const struct arb *a, struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;
	s64 over = lv->vtime - ent->node.val -
		   virtual_ns(largest_lag(a, lv), ent->weight);

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
static u64 deadline(const struct arb *a, const struct arb_ent *ent, u64 val)
{
	enum arb_class cls = ent->level->idle ? ARB_BACKGROUND :
			     ent->urgent ? ARB_INTERACTIVE : ARB_NORMAL;
	u64 longest = ent->woke ? 0 : ent->longest[ent->urgent];
	u64 job = virtual_ns(longest, ent->weight);
	u64 slice = virtual_ns(a->params.slice_ns[cls], ent->weight);
	u64 request = slice > job ? slice : job;
	s64 left = ent->node.key - val;

	return left < (s64)job || left > (s64)request ? val + request :
							ent->node.key;
}

/*
 * Something interactive that wakes is queued with its short slice alone, even
 * if its job is longer. That is one request that is longer than it says; the
 * next one may be when the first one's true deadline has passed. So it costs
 * the others the lag of one job, however many wake.
 */
static void favour(const struct arb *a, struct arb_ent *ent)
{
	struct arb_level *lv = ent->level;
	u64 longest = ent->longest[true];

	ent->woke = longest > a->params.slice_ns[ARB_INTERACTIVE] &&
		    eligible(lv, lv->favour);
	if (ent->woke)
		lv->favour = lv->vtime + virtual_ns(longest, ent->weight);
}

static void set_queued(const struct arb *a, struct arb_ent *ent, bool queued,
		       bool urgent)
{
	struct arb_level *lv = ent->level;

	if (ent->queued == queued && ent->urgent == urgent)
		return;
	if (ent->queued) {
		arb_tree_erase(&lv->tree, &ent->node);
		lv->urgent -= ent->urgent;
	} else if (queued) {
		forfeit(a, ent);
	}
	ent->queued = queued;
	ent->urgent = urgent;
	ent->woke = false;
	if (queued && urgent)
		favour(a, ent);
	if (queued) {
		ent->node.key = deadline(a, ent, ent->node.val);
		arb_tree_insert(&lv->tree, &ent->node);
		lv->urgent += urgent;
	}
}

/* Something in @ent waits, or runs: tell the levels above. */
void arb_ent_update(const struct arb *a, struct arb_ent *ent, bool queued,
		    bool active)
{
	bool urgent = ent->urgent;

	while (ent->level) {
		struct arb_level *lv = ent->level;

		if (active && !ent->active)
			join(a, ent);
		set_queued(a, ent, queued, urgent);
		if (!active && ent->active)
			leave(ent);

		ent = &lv->ent;
		queued = lv->tree.root;
		active = lv->nr_active;
		urgent = lv->urgent;
		if (queued == ent->queued && active == ent->active &&
		    urgent == ent->urgent)
			return;
	}
}

/* Change what orders a node of this tree; one that is alone stays in place. */
static void rekey(struct arb_tree *tree, struct arb_node *n, u64 key, u64 val)
{
	bool alone = n->height == 1 && tree->root == n;

	if (!alone && key == n->key) {
		arb_tree_set_val(tree, n, val);
		return;
	}
	if (!alone)
		arb_tree_erase(tree, n);
	n->key = key;
	n->val = val;
	if (!alone)
		arb_tree_insert(tree, n);
	else
		n->min = val;
}

/* New virtual time for @ent. Who isn't queued gets a deadline when it is. */
static void set_vtime(const struct arb *a, struct arb_ent *ent, u64 val)
{
	struct arb_level *lv = ent->level;

	if (ent->queued)
		rekey(&lv->tree, &ent->node, deadline(a, ent, val), val);
	else if (ent->lingers)
		rekey(&lv->linger, &ent->node, val, val);
	else
		ent->node.val = val;
}

/* A job that will keep the device for @ns has come: a request is that long. */
void arb_ent_expect(struct arb_ent *ent, u64 ns)
{
	bool urgent = ent->urgent;

	for (;;) {
		if (ent->longest[urgent] < ns)
			ent->longest[urgent] = ns;
		if (!ent->level)
			return;
		ent = &ent->level->ent;
	}
}

/* How long it keeps the device once it has it: a maximum that fades. */
static void note_longest(struct arb_ent *ent, u64 ns)
{
	u64 *longest = &ent->longest[ent->was_urgent];

	*longest -= *longest / 64;
	if (ns > *longest)
		*longest = ns;
}

/*
 * Device time for somebody active: @ns more than was charged before, of @ran
 * that were measured (0: none yet).
 */
void arb_ent_charge(const struct arb *a, struct arb_ent *ent, s64 ns, u64 ran)
{
	for (; ent->level; ent = &ent->level->ent) {
		s64 cost = ns * SCALE + ent->rest;
		s64 d = floor_div(cost, ent->weight);

		ent->woke = false;
		if (ran)
			note_longest(ent, ran);
		ent->rest = cost - d * ent->weight;
		set_vtime(a, ent, ent->node.val + d);
		level_shift(ent->level, d * ent->weight);
	}
	if (ran)
		note_longest(ent, ran);
}

/*
 * What it is owed or owes stays the same in device time; then V stays where it
 * is, but for the rounding.
 */
void arb_ent_set_weight(const struct arb *a, struct arb_ent *ent, u32 weight)
{
	struct arb_level *lv = ent->level;
	bool competes = ent->active || ent->lingers;
	s64 lag = competes ? (s64)(lv->vtime - ent->node.val) : ent->lag;
	s64 owed = lag * ent->weight;
	u32 old = ent->weight;

	ent->weight = weight;
	ent->rest = 0;
	lag = floor_div(owed, weight);
	if (!competes) {
		ent->lag = lag;
		return;
	}
	set_vtime(a, ent, lv->vtime - lag);
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
	level_shift(lv, 0);
}

void arb_ent_init(struct arb_ent *ent, struct arb_level *level, u32 weight)
{
	memset(ent, 0, sizeof(*ent));
	ent->level = level;
	ent->weight = weight;
}

void arb_level_init(struct arb_level *lv, struct arb_level *up, u32 weight,
		    bool idle)
{
	memset(lv, 0, sizeof(*lv));
	lv->idle = idle;
	arb_ent_init(&lv->ent, up, weight);
	lv->ent.is_group = true;
}

/* The earliest deadline among the eligible; else who was given least. */
static struct arb_ent *level_pick(const struct arb_level *lv)
{
	struct arb_node *n = lv->tree.root;
	u64 upto = lv->vtime;

	if (!n)
		return NULL;
	if (arb_before(upto, n->min))
		upto = n->min;
	/* There is one up to there in n's subtree: the leftmost of them. */
	for (;;) {
		struct arb_node *l = n->child[0];

		if (l && !arb_before(upto, l->min)) {
			n = l;
			continue;
		}
		if (!arb_before(upto, n->val))
			return ent_of(n);
		n = n->child[1];
	}
}

/* Whose turn it is; NULL: nothing waits. */
struct arb_stream *arb_fair_pick(const struct arb_level *lv)
{
	struct arb_ent *ent = level_pick(lv);

	if (!ent)
		return NULL;
	for (;;) {
		ent->was_urgent = ent->urgent;
		if (!ent->is_group)
			return arb_entry(ent, struct arb_stream, ent);
		ent = level_pick(arb_entry(ent, struct arb_level, ent));
	}
}

/* Does @other, who waits, come before @ent, who runs and has nothing waiting? */
static bool comes_before(const struct arb *a, const struct arb_ent *other,
			 const struct arb_ent *ent)
{
	const struct arb_level *lv = ent->level;
	bool e = eligible(lv, ent->node.val);

	if (e != eligible(lv, other->node.val))
		return !e;
	if (!e)
		return arb_before(other->node.val, ent->node.val);
	return arb_before(other->node.key, deadline(a, ent, ent->node.val));
}

/* Would a pick choose somebody else than @ent, if what runs in it waited? */
bool arb_fair_beaten(const struct arb *a, const struct arb_ent *ent)
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
			return path[n]->queued ||
			       comes_before(a, first, path[n]);
	}
	return false;
}

s64 arb_lag(const struct arb_ent *ent)
{
	s64 behind;

	if (!ent->active && !ent->lingers)
		return 0;
	behind = ent->level->vtime - ent->node.val;
	return behind * ent->weight / SCALE;
}
