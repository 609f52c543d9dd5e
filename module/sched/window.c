// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* The in-flight window, see window.h. */
#include "window.h"

void window_init(struct window *w, u32 depth, u32 lanes)
{
	if (!lanes)
		lanes = 1;
	*w = (struct window) {
		.depth = depth,
		.lanes = lanes < depth ? lanes : depth,
		.realtime_ns = WINDOW_ANY,
		.interactive_ns = WINDOW_ANY,
	};
}

void window_realtime(struct window *w, u64 ns)
{
	w->realtime_ns = ns;
}

void window_interactive(struct window *w, u64 ns, u64 now)
{
	w->interactive_ns = ns;
	w->until = now + WINDOW_HOLD_NS;
}

void window_stranger(struct window *w)
{
	w->strangers++;
}

void window_no_stranger(struct window *w)
{
	w->strangers--;
}

void window_ran(struct window *w, u64 ns)
{
	if (ns > w->longest[0])
		w->longest[0] = ns;
	if (++w->ran < WINDOW_JOBS)
		return;
	w->ran = 0;
	w->longest[1] = w->longest[0];
	w->longest[0] = 0;
}

u32 window_size(const struct window *w, u64 now)
{
	u64 longest, fit, bear = w->realtime_ns;

	if (w->interactive_ns < bear && now < w->until)
		bear = w->interactive_ns;
	if (bear == WINDOW_ANY)
		return w->depth;
	longest = w->longest[0] > w->longest[1] ? w->longest[0] :
						  w->longest[1];
	fit = longest && !w->strangers ? bear / longest : 1;
	if (fit <= 1)
		return w->lanes;
	return fit < w->depth / w->lanes ? fit * w->lanes : w->depth;
}
