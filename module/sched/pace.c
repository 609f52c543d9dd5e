// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* What a device has done at the speeds that it went, see pace.h. */
#include "pace.h"

/* Full speed ever since. */
void power_pace_init(struct power_pace *p)
{
	u32 i;

	for (i = 0; i < POWER_PACES; i++) {
		p->past[i].at = 0;
		p->past[i].done = 0;
		p->past[i].speed = POWER_FULL_SPEED;
	}
	p->last = 0;
}

static u64 at_full(u64 ns, u32 speed)
{
	return ns / POWER_FULL_SPEED * speed +
	       ns % POWER_FULL_SPEED * speed / POWER_FULL_SPEED;
}

/* From some time long ago up to @t. */
static u64 done(const struct power_pace *p, u64 t)
{
	u32 i = p->last, n;

	for (n = 1; n < POWER_PACES && p->past[i].at > t; n++)
		i = (i + POWER_PACES - 1) % POWER_PACES;
	if (p->past[i].at > t)
		return p->past[i].done - at_full(p->past[i].at - t,
						 p->past[i].speed);
	return p->past[i].done + at_full(t - p->past[i].at, p->past[i].speed);
}

/* From now on it works at that speed. Time does not go back. */
void power_pace_set(struct power_pace *p, u32 speed, u64 now)
{
	u32 next = (p->last + 1) % POWER_PACES;

	if (p->past[p->last].speed == speed)
		return;
	if (now < p->past[p->last].at)
		now = p->past[p->last].at;
	p->past[next].done = done(p, now);
	p->past[next].at = now;
	p->past[next].speed = speed;
	p->last = next;
}

/* What it did in that time, as time at full speed. */
u64 power_pace_done(const struct power_pace *p, u64 from, u64 to)
{
	return done(p, to) - done(p, from);
}
