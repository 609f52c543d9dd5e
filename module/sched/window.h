/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * The in-flight window: how many jobs a device may hold at a time.
 *
 * Freestanding, like the arbiter: no clock, no lock, no allocation.
 *
 * What a device holds can't be overtaken any more, so it keeps realtime and
 * interactive jobs waiting that come later. The deeper a device, the less idle
 * it is between two jobs and the longer they wait; all of its depth is right
 * only while nobody is in a hurry.
 *
 * With m lanes (jobs side by side), L the longest of the last jobs and S what
 * those who are in a hurry can bear, the window is
 *
 *	m * max(1, S / L)	and no more than the depth.
 *
 * What holds: a device that takes jobs in order, none longer than L, has a lane
 * for a job that is given to it next within floor(window / m) * L, which is no
 * more than max(L, S). And as a window is never below m, no lane idles while
 * jobs wait (but for the time that it takes to hand over the next one).
 *
 * S is the least of
 *   - what the admitted realtime streams can bear, arb_tolerance(), whether or
 *     not they have jobs at the moment: those come without warning;
 *   - a bound for interactive jobs, while those come beside jobs of others, and
 *     for WINDOW_HOLD_NS after the last one: else each would find the device
 *     full that came after a pause.
 * Nobody in a hurry: all of the depth.
 *
 * L is the longest of at least the last WINDOW_JOBS jobs, and of no more than
 * twice as many. While a stranger is at the device, a job of whom none has ended
 * yet, it may be anything: the window is m. What is at the device already when S
 * falls, or when a job turns out longer than those before it, stays there: for
 * that long nothing holds.
 */
#ifndef AIOFFLOAD_SCHED_WINDOW_H
#define AIOFFLOAD_SCHED_WINDOW_H

#include <aim/types.h>

#define WINDOW_ANY	(~0ULL)		/* no bound */
#define WINDOW_JOBS	512
#define WINDOW_HOLD_NS	1000000000ULL

/**
 * struct window - of one device
 * @depth:	jobs that it can hold
 * @lanes:	jobs that it works on side by side; 1 to @depth
 * @longest:	job of this run of WINDOW_JOBS, and of the one before; ns
 * @ran:	jobs of this run
 * @strangers:	jobs at the device that nobody knows anything of
 * @realtime_ns: what realtime can bear, WINDOW_ANY: there is none
 * @interactive_ns: likewise interactive jobs
 * @until:	when that ceases to count
 */
struct window {
	u32 depth;
	u32 lanes;
	u64 longest[2];
	u32 ran;
	u32 strangers;
	u64 realtime_ns;
	u64 interactive_ns;
	u64 until;
};

/* @lanes: 0 is taken for 1, and more than @depth for that. @depth: not 0 */
void window_init(struct window *w, u32 depth, u32 lanes);

/* What is promised to realtime has changed. @ns: arb_tolerance() */
void window_realtime(struct window *w, u64 ns);

/* An interactive job has come that shares the device. @ns: WINDOW_ANY: no bound */
void window_interactive(struct window *w, u64 ns, u64 now);

/* A job comes to the device whose stream has never ended one. */
void window_stranger(struct window *w);

/* Such a job is not there any more. */
void window_no_stranger(struct window *w);

/* The device has done a job, for so long. */
void window_ran(struct window *w, u64 ns);

/* Return: the window. It changes with the above, and at w->until. */
u32 window_size(const struct window *w, u64 now);

#endif /* AIOFFLOAD_SCHED_WINDOW_H */
