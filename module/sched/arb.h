/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * The arbiter: which job a device takes next.
 *
 * Freestanding: the same files run in the kernel, in the simulator (tests/sim)
 * and in the tests. It allocates nothing, takes no lock and reads no clock: the
 * caller embeds the structures, serialises the calls for one arbiter and says
 * what time it is. Every operation can be expected to be O(log n) in the
 * streams of the device (by lots that it draws itself, see arb_tree.c), times
 * the depth of the groups (ARB_MAX_DEPTH at most); but a pick may besides let
 * over those who have become eligible, by the place (see arb_fair.c).
 *
 * What there is
 *	struct arb		a device's arbiter
 *	struct arb_group	a cgroup on this device, with its weight; nested
 *	struct arb_stream	the jobs of one queue, of one class, in order
 *	struct arb_job		one job
 *
 * What a job goes through
 *
 *	arb_arrive() --> waiting --> arb_pick() --> running --> arb_done()
 *	                  |   ^                     ^  |  ^
 *	   arb_leave() <--+   |       arb_start() --+  |  +-- arb_tile()
 *	                      +------ arb_yield() -----+
 *
 * Who goes first
 *	1. realtime streams with budget left: the earliest deadline
 *	2. background, if its floor is due
 *	3. interactive and normal: fair shares, by group
 *	4. realtime streams that have used up their budget
 *	5. background
 *
 * arb_pick() answers NULL only if nothing waits (work conservation).
 *
 * Realtime. EDF (Liu and Layland 1973) over constant-bandwidth servers (Abeni
 * and Buttazzo 1998), one to a stream: `runtime` of device time in each
 * `period`, to be had within `deadline` of its release. A server has a budget
 * and an absolute deadline.
 *   - A stream that wakes keeps both if the budget can be used up by then at
 *     the density runtime / deadline; else it starts anew: a full budget, due
 *     `deadline` from now.
 *   - All measured time is taken from the budget. When that is used up, the
 *     stream waits for its next period: the deadline is postponed by a period,
 *     or by as many as it takes to pay for what it has overrun (hard
 *     reservation; the paper's server goes on at once with a later deadline,
 *     and would keep the classes below from ever running). Until then it may
 *     have what nobody of the fair classes wants, for free.
 *   - Admission: the densities runtime / min(deadline, period) sum up to
 *     `limit_ppm` at most; with m servers to m - (m - 1) times the largest one
 *     (Goossens, Funk and Baruah 2003), times that limit.
 *   - A job may state a later deadline than its server has, never an earlier.
 * What holds: on one server, jobs of admitted streams that keep to their
 * runtime and period end by their deadline, plus the longest time during which
 * the device can't be made to give way (one tile), whatever other streams do.
 * The other classes together get 1 - limit_ppm of any long time.
 *
 * Fair shares. EEVDF (Stoica and Abdel-Wahab 1995) at each group: whoever
 * competes there, streams and groups, has a virtual time that advances by the
 * device time it was given over its weight. V is the mean of those, by weight.
 * lag = weight * (V - own) is what it is owed. Eligible is whose lag is not
 * negative; of those, the earliest virtual deadline (own + slice / weight) is
 * next. A short slice means an earlier turn, and not more of them: that's all
 * that makes a stream interactive. A group is as urgent as what waits in it.
 *   - V is kept as an exact quotient and remainder and the virtual times keep
 *     what division leaves: no drift, however long it runs.
 *   - Jobs can't be cut at the slice. Charged is what was measured; and a
 *     request is as long as what somebody lately had the device for, if that is
 *     longer than a slice. (With requests that say less than they take, many
 *     put somebody behind by a job each.) Whoever is picked for a job that is
 *     said to be longer still gets the place in line that goes with it, and the
 *     pick is made again. Only something interactive that wakes may once say
 *     less, one at a time.
 *   - A stream that has the device to itself doesn't compete: nothing is shared,
 *     and V would keep pace with it. It starts to when a second one comes.
 *   - The estimated cost is charged in advance when somebody else is picked or
 *     comes meanwhile, and settled with the measurement: a deep device doesn't
 *     take all from one stream.
 *   - Who leaves and owes stays in the competition until V has caught up (the
 *     paper's leaving with lag 0). Who leaves while owed is owed the same on
 *     return, as far as V need not fall by more than one job's time for it.
 *     Sleep itself earns nothing. An exit loses debts.
 *   - If nobody who waits is eligible (whoever is has all its jobs running, on
 *     several servers), whoever was given least is next: the device doesn't
 *     idle.
 * What holds on one server at each level, with q the longest job or tile and
 * r the larger of q and slice (where more than 64 stand in line, q and r are
 * larger by what places are rounded: a 16th and an 8th of a request): among who
 * waits or runs all the time
 *	-q <= lag <= r
 * and thus, over any time, shares in proportion to weights within q + r; and
 * with others that come and go at will
 *	-(q + r) <= lag
 * docs/scheduling.md has the proof, tests/unit/test_arb_fair.c and tests/sim hold
 * both against what comes out. By as much as jobs turn out longer than they were
 * said to be, and than those before them, others may once wait longer.
 *
 * Background. The same again in a second hierarchy, for idle capacity. While
 * background waits, it is credited floor_ppm of the time that other classes are
 * given; rank 2 spends it, a slice at a time. So of any time T in which others
 * are busy, background that waits gets floor_ppm * T, less a slice and a job.
 *
 * Inheritance. Whoever waits for another stream's job (a fence) lends that
 * stream its own place and pays for it (bandwidth inheritance; Lipari, Lamastra
 * and Abeni 2004): so nobody else loses by it, and admission still holds.
 */
#ifndef AIOFFLOAD_ARB_H
#define AIOFFLOAD_ARB_H

#include <aim/types.h>

/* As in enum aioffload_qos */
enum arb_class {
	ARB_NORMAL,
	ARB_BACKGROUND,
	ARB_INTERACTIVE,
	ARB_REALTIME,
	ARB_NR_CLASSES
};

#define ARB_MIN_WEIGHT		1
#define ARB_DEFAULT_WEIGHT	100
#define ARB_MAX_WEIGHT		10000	/* cgroup v2's range */
#define ARB_MAX_DEPTH		16	/* groups above a stream, with the root */
#define ARB_MAX_LOANS		8	/* per lender and per borrower */
#define ARB_PPM			1000000
#define ARB_MAX_NS		1000000000000ULL /* more is taken for that */
#define ARB_MAX_PERIOD_NS	0xffffffffULL	/* 4.3 s */

/**
 * struct arb_node - a node of a tree, see arb_tree.c
 * @key:	what orders it
 * @also:	what orders those of the same key
 * @tree:	where it stands, not kept for who only follows
 * @parent:	above it
 * @child:	left and right
 * @next:	a ring of those with the same keys: one stands in the tree, the
 *		others follow it
 * @prev:	the other way round
 * @rank:	drawn by lot; no lower than of those below
 * @follows:	it doesn't stand in the tree itself
 */
struct arb_node {
	u64 key;
	u64 also;
	struct arb_tree *tree;
	struct arb_node *parent;
	struct arb_node *child[2];
	struct arb_node *next, *prev;
	u32 rank;
	bool follows;
};

#define ARB_SEEN	2048

/**
 * struct arb_tree - a tree
 * @root:	on top
 * @first:	the first in order
 * @seen:	NULL, or ARB_SEEN nodes that stand in trees, each in the place
 *		that its keys give it; trees may share it
 * @lot:	for ranks
 */
struct arb_tree {
	struct arb_node *root;
	struct arb_node *first;
	struct arb_node **seen;
	u64 lot;
};

/**
 * struct arb_params - what may be set per device
 * @slice_ns:	by class; realtime has none
 * @floor_ppm:	background's floor, of the time given to others
 * @limit_ppm:	what may be promised to realtime, of each server
 * @servers:	jobs that the device works on at the same time (not the jobs
 *		that it has room for)
 *
 * See arb_params_default().
 */
struct arb_params {
	u64 slice_ns[ARB_NR_CLASSES];
	u32 floor_ppm;
	u32 limit_ppm;
	u32 servers;
};

struct arb_level;

/**
 * struct arb_ent - who competes at a level: a stream or a group
 * @node:	in one of the level's lines, or among who lingers
 * @level:	where it competes, or NULL (the root)
 * @vtime:	its virtual time
 * @due:	the virtual deadline of its request
 * @lag:	when it left: V less its virtual time, not negative
 * @longest:	for how long it has kept the device lately, at most: as it is,
 *		and when picked as urgent
 * @rest:	what division left of the charges, less than @weight
 * @weight:	its share among those at @level
 * @queued:	something in it waits, it stands in line
 * @active:	something in it waits or runs
 * @lingers:	not @active, but owes, or has left last
 * @urgent:	something interactive in it waits (stream: would be)
 * @woke:	favoured until it has run
 * @was_urgent:	@urgent when it was picked
 * @is_group:	part of an arb_level, else of an arb_stream
 */
struct arb_ent {
	struct arb_node node;
	struct arb_level *level;
	u64 vtime;
	u64 due;
	s64 lag;
	u64 longest[2];
	u32 rest;
	u32 weight;
	bool queued;
	bool active;
	bool lingers;
	bool urgent;
	bool woke;
	bool was_urgent;
	bool is_group;
};

/**
 * struct arb_level - those who share what one group is given
 * @ready:	who has something waiting and is eligible, by deadline
 * @later:	who has, but isn't or wasn't yet, by virtual time; at one place
 *		are only those of one deadline
 * @linger:	who has left and owes, by virtual time; but not
 * @left:	who has left last, and may be back before that matters
 * @vtime:	V, rounded down
 * @high:	the largest it has been
 * @favour:	V from which on somebody may be favoured
 * @rest:	what that left: the sum of weight * (own - V), from 0 up to
 *		but less than @weight
 * @weight:	sum of the weights of who is active or lingers
 * @nr_active:	how many are active
 * @nr_queued:	how many stand in line
 * @urgent:	how many of those are urgent
 * @slice:	of a request; [1]: of who is urgent
 * @ent:	the group's own place among others
 */
struct arb_level {
	struct arb_tree ready;
	struct arb_tree later;
	struct arb_tree linger;
	struct arb_ent *left;
	u64 vtime;
	u64 high;
	u64 favour;
	u64 rest;
	u64 weight;
	u32 nr_active;
	u32 nr_queued;
	u32 urgent;
	u64 slice[2];
	struct arb_ent ent;
};

enum { ARB_FAIR, ARB_IDLE, ARB_NR_TREES };	/* hierarchies */

/**
 * struct arb_group - a cgroup on a device
 * @parent:	group above, NULL for the root
 * @level:	interactive and normal streams below, background streams below
 * @served:	device time given to streams of this group and below, in ns,
 *		by class
 * @children:	groups and streams of this group
 * @depth:	of nesting, 0 for the root
 */
struct arb_group {
	struct arb_group *parent;
	struct arb_level level[ARB_NR_TREES];
	u64 served[ARB_NR_CLASSES];
	u32 children;
	u32 depth;
};

/**
 * struct arb_stats - what a stream has seen
 * @served:	device time, ns
 * @done:	jobs that ended
 * @misses:	those of them that had a deadline and ended later
 * @late_max:	by how much at most, ns
 * @waited:	sum of the times from arrival to the first pick, ns
 * @wait_max:	the longest of them
 * @yields:	times that a job gave way
 * @overruns:	times that a realtime budget was exceeded
 */
struct arb_stats {
	u64 served;
	u64 done;
	u64 misses;
	u64 late_max;
	u64 waited;
	u64 wait_max;
	u64 yields;
	u64 overruns;
};

/**
 * struct arb_server - a realtime stream's constant-bandwidth server
 * @node:	among those with budget, by deadline; or among the exhausted, by
 *		the time of the next release
 * @admitted:	among the admitted, by density
 * @hurried:	among the admitted, by relative deadline
 * @runtime_ns:	promised per period
 * @period_ns:	the period
 * @deadline_ns: relative deadline
 * @release:	start of the period that @budget is for; in the future if the
 *		budgets up to then are used up
 * @deadline:	absolute, of @budget
 * @budget:	ns, above 0
 * @density:	ppm, rounded up; 0: it is not admitted any more
 * @state:	where @node is
 */
struct arb_server {
	struct arb_node node;
	struct arb_node admitted;
	struct arb_node hurried;
	u64 runtime_ns;
	u64 period_ns;
	u64 deadline_ns;
	u64 release;
	u64 deadline;
	s64 budget;
	u32 density;
	enum { ARB_SRV_IDLE, ARB_SRV_READY, ARB_SRV_SPENT } state;
};

struct arb_loan;

/**
 * struct arb_stream - the jobs of one queue and class on a device
 * @group:	whose share it uses
 * @cls:	its class; a queue whose jobs have several has several streams
 * @plain:	it isn't realtime, and has no loans
 * @ent:	place in one of the fair hierarchies (not realtime)
 * @server:	realtime only
 * @first:	first waiting job
 * @last:	last waiting job
 * @waiting:	jobs of its own that wait
 * @running:	jobs of its own that run
 * @paying:	running jobs that it pays for: its own and borrowers'
 * @mean_ns:	average of what was measured, for estimates that are missing
 * @nr_lent:	entries of @lent
 * @nr_borrowed: entries of @borrowed
 * @lent:	loans to others, see arb_lend()
 * @borrowed:	loans from others
 * @stats:	for people
 */
struct arb_stream {
	struct arb_group *group;
	enum arb_class cls;
	bool plain;
	struct arb_ent ent;
	struct arb_server server;
	struct arb_job *first, *last;
	u32 waiting;
	u32 running;
	u32 paying;
	u64 mean_ns;
	u32 nr_lent;
	u32 nr_borrowed;
	struct arb_loan *lent[ARB_MAX_LOANS];
	struct arb_loan *borrowed[ARB_MAX_LOANS];
	struct arb_stats stats;
};

/**
 * struct arb_job - a job; all fields are the arbiter's own
 * @stream:	where it belongs
 * @payer:	while it runs: who pays, @stream or a lender
 * @next:	behind it in @stream
 * @prev:	before it
 * @deadline:	absolute, 0: none
 * @arrived:	when
 * @est_ns:	estimated cost up to its end or first tile boundary
 * @ahead_ns:	charged in advance and not settled yet
 * @state:	where it is; zero-filled memory is a job that is out
 * @rank:	as what it was picked
 * @picked:	has run before
 */
struct arb_job {
	struct arb_stream *stream;
	struct arb_stream *payer;
	struct arb_job *next, *prev;
	u64 deadline;
	u64 arrived;
	u64 est_ns;
	u64 ahead_ns;
	enum { ARB_JOB_OUT, ARB_JOB_WAITING, ARB_JOB_RUNNING } state;
	u8 rank;
	bool picked;
};

/* A lender's place for a borrower, from arb_lend() to arb_unlend(). */
struct arb_loan {
	struct arb_stream *lender;
	struct arb_stream *borrower;
};

/**
 * struct arb - a device's arbiter
 * @params:	as given
 * @root:	the root group
 * @ready:	realtime servers with budget and something waiting
 * @spent:	realtime servers without budget and something waiting
 * @admitted:	all realtime servers, by density
 * @hurried:	the same by relative deadline
 * @density:	sum of their densities, ppm
 * @alone:	all that waits or runs is this one's: it doesn't compete
 * @unpaid:	the last job picked, if it isn't charged for yet
 * @credit:	what background is owed by its floor: ns times ARB_PPM
 * @floor_due:	it is being paid
 * @served:	device time by class, ns
 * @waiting:	jobs that wait
 * @running:	jobs that run
 * @seen:	of the lines of all levels
 */
struct arb {
	struct arb_params params;
	struct arb_group root;
	struct arb_tree ready;
	struct arb_tree spent;
	struct arb_tree admitted;
	struct arb_tree hurried;
	u64 density;
	struct arb_stream *alone;
	struct arb_job *unpaid;
	s64 credit;
	bool floor_due;
	u64 served[ARB_NR_CLASSES];
	u32 waiting;
	u32 running;
	struct arb_node *seen[ARB_SEEN];
};

/*
 * For a device with one server: slices 100 us, background 1 ms, interactive
 * 10 us; floor 2 %, limit 95 %.
 */
void arb_params_default(struct arb_params *params);

/**
 * arb_init() - an arbiter without streams
 * @a:		to be filled
 * @params:	copied
 *
 * Return: 0; -EINVAL if a slice is 0 or above ARB_MAX_NS, there are no servers
 * or more than 65536, or limit and floor are more than all.
 */
int arb_init(struct arb *a, const struct arb_params *params);

/**
 * arb_group_init() - a group below another
 * @a:		the arbiter
 * @g:		to be filled
 * @parent:	the group above, NULL: the root group
 * @weight:	ARB_MIN_WEIGHT to ARB_MAX_WEIGHT
 *
 * Return: 0; -EINVAL for the weight; -E2BIG below ARB_MAX_DEPTH (the caller
 * uses the parent then).
 */
int arb_group_init(struct arb *a, struct arb_group *g,
		   struct arb_group *parent, u32 weight);

/* Return: 0; -EBUSY if it still has groups or streams. */
int arb_group_exit(struct arb *a, struct arb_group *g);

/* At any time. What it is owed or owes stays. Return: 0 or -EINVAL. */
int arb_group_set_weight(struct arb *a, struct arb_group *g, u32 weight);

/**
 * arb_stream_init() - a stream without jobs
 * @a:		the arbiter
 * @s:		to be filled
 * @group:	whose share it uses, NULL: the root group
 * @cls:	any but ARB_REALTIME, which arb_stream_set_realtime() gives
 * @weight:	among the streams and groups of its group
 *
 * Return: 0; -EINVAL for class or weight.
 */
int arb_stream_init(struct arb *a, struct arb_stream *s,
		    struct arb_group *group, enum arb_class cls, u32 weight);

/*
 * Gives back what it was promised. Return: 0; -EBUSY with jobs or loans, or
 * while it pays for a borrower's job that runs.
 */
int arb_stream_exit(struct arb *a, struct arb_stream *s);

/**
 * arb_stream_set_realtime() - promise a stream device time
 * @a:		the arbiter
 * @s:		a stream without jobs and loans
 * @runtime_ns:	device time in each period, for all its jobs in it
 * @period_ns:	the period
 * @deadline_ns: from a job's arrival; up to @period_ns; 0: @period_ns
 * @left_ppm:	out, if not NULL and admission failed: the largest density that
 *		would be admitted now
 *
 * Again for a stream that has been promised something: replaces that, or
 * leaves it as it is on refusal.
 *
 * Return: 0; -EINVAL unless 0 < runtime <= deadline <= period <=
 * ARB_MAX_PERIOD_NS; -EBUSY with jobs or loans; -ENOSPC if the device has
 * promised too much.
 */
int arb_stream_set_realtime(struct arb *a, struct arb_stream *s,
			    u64 runtime_ns, u64 period_ns, u64 deadline_ns,
			    u32 *left_ppm);

/*
 * arb_rt_left() - the largest density x that m servers can promise
 *
 * By global EDF, of whose time l may be promised, beside densities whose sum is
 * s and whose largest is u (Goossens, Funk and Baruah 2003), all in ppm:
 *	s + x <= l * (m - (m - 1) * max(u, x))   and   x <= l
 */
u32 arb_rt_left(u64 m, u64 l, u64 s, u64 u);

/*
 * Take back what a realtime stream was promised; others may have it at once.
 * The stream stays realtime for the jobs that it has.
 */
void arb_stream_forgo(struct arb *a, struct arb_stream *s);

/**
 * arb_tolerance() - for how long may the device be deaf to realtime jobs?
 * @a:	the arbiter
 *
 * With the densities' sum s (of each server, if there are several) and the
 * shortest relative deadline D, that is D * (1 - s): by so much all deadlines
 * could be earlier, and on one server all would still be met. For one stream it
 * is its deadline less its runtime.
 *
 * Return: ns; ~0: nothing is promised.
 */
u64 arb_tolerance(const struct arb *a);

/**
 * arb_arrive() - a job is ready to run
 * @a:		the arbiter
 * @s:		its stream; jobs of a stream start in order of arrival
 * @job:	zero-filled, or one that has ended or left
 * @now:	never less than in an earlier call; below 2^63
 * @deadline:	absolute; 0: none (realtime: the stream's, from now). It orders
 *		realtime jobs, as far as it isn't before the server's; for the
 *		others it is only counted whether they met it.
 * @est_ns:	device time until it ends or, on a device that runs in tiles,
 *		until its first tile boundary; 0: the stream's average
 *
 * Return: 0; -EBUSY if the job is waiting or running.
 */
int arb_arrive(struct arb *a, struct arb_stream *s, struct arb_job *job,
	       u64 now, u64 deadline, u64 est_ns);

/**
 * arb_start() - a job is ready to run, and runs
 *
 * For a device that had room when nobody waited: as arb_arrive() and then
 * arb_pick(), but it is this very job, whoever has come meanwhile.
 * Return: as arb_arrive().
 */
int arb_start(struct arb *a, struct arb_stream *s, struct arb_job *job,
	      u64 now, u64 deadline, u64 est_ns);

/* Take a waiting job back. Return: 0; -ENOENT if it doesn't wait. */
int arb_leave(struct arb *a, struct arb_job *job, u64 now);

/* One of the jobs that wait, whose turn it need not be; NULL: none does. */
struct arb_job *arb_any(const struct arb *a);

/**
 * arb_pick() - the job to give to the device now
 * @a:		the arbiter
 * @now:	the time
 *
 * It runs from here on. How many do at a time is the caller's affair.
 * Return: NULL if none waits.
 */
struct arb_job *arb_pick(struct arb *a, u64 now);

/**
 * arb_tile() - a running job has come to a tile boundary
 * @a:		the arbiter
 * @job:	a running one
 * @ns:		device time since it was picked or last measured
 * @now:	the time
 *
 * Return: 1: it must give way to another one: go on with arb_yield();
 * 0: it goes on; -EINVAL if it isn't running.
 */
int arb_tile(struct arb *a, struct arb_job *job, u64 ns, u64 now);

/* The same without a measurement: is it worth to stop this job? */
bool arb_should_yield(struct arb *a, const struct arb_job *job, u64 now);

/**
 * arb_yield() - a running job is off the device, unfinished
 * @a:		the arbiter
 * @job:	a running one; waits then, before the other jobs of its stream
 * @ns:		device time since it was picked or last measured
 * @now:	the time
 * @est_ns:	as in arb_arrive()
 *
 * Return: 0; -EINVAL if it isn't running.
 */
int arb_yield(struct arb *a, struct arb_job *job, u64 ns, u64 now, u64 est_ns);

/**
 * arb_done() - a running job has ended
 * @a:		the arbiter
 * @job:	a running one; afterwards the caller's again
 * @ns:		device time since it was picked or last measured
 * @now:	the time
 *
 * Return: 0; -EINVAL if it isn't running.
 */
int arb_done(struct arb *a, struct arb_job *job, u64 ns, u64 now);

/**
 * arb_lend() - priority inheritance
 * @a:		the arbiter
 * @loan:	to be filled; kept until arb_unlend()
 * @lender:	has a job that can't run before one of @borrower's has ended
 * @borrower:	its jobs may be taken at the lender's turn too; the lender pays
 * @now:	the time
 *
 * Loans don't add up along a chain: a caller whose fences depend on each other
 * lends to each stream of the chain.
 *
 * Return: 0; -EINVAL for a stream and itself; -ENOSPC if either has
 * ARB_MAX_LOANS already.
 */
int arb_lend(struct arb *a, struct arb_loan *loan, struct arb_stream *lender,
	     struct arb_stream *borrower, u64 now);

/* The end of it; once, for each arb_lend() that returned 0. */
void arb_unlend(struct arb *a, struct arb_loan *loan, u64 now);

/**
 * arb_lag() - what somebody is owed at its level, in ns
 * @ent:	a stream's, or a group's level[].ent
 *
 * Negative: was given more than its share. 0 for who neither waits nor runs.
 * What was charged in advance counts as given.
 */
s64 arb_lag(const struct arb_ent *ent);

/*
 * arb_share() - what part of the device a stream of a fair class has, or would
 * have with something to do, while all others have who have now; in ppm, at least 1
 */
u32 arb_share(const struct arb_stream *s);

#endif /* AIOFFLOAD_ARB_H */
