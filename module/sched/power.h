/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * How fast a device should run: the slowest operating point at which nobody
 * waits for it who would not wait otherwise, and no promise is broken.
 *
 * Freestanding, as arb.h and place.h: no clock, no lock, no allocation. Speeds
 * are in thousandths of the device's full speed.
 */
#ifndef AIOFFLOAD_POWER_H
#define AIOFFLOAD_POWER_H

#include "arb.h"
#include "pace.h"

/**
 * struct power_look - what was seen of a device since the look before
 * @time_ns:	for how long
 * @busy_ns:	of that it had a job
 * @ended:	jobs that ended
 * @present:	jobs that it has or that wait now
 * @speed:	at which it worked, 1..POWER_FULL_SPEED
 */
struct power_look {
	u64 time_ns;
	u64 busy_ns;
	u64 ended;
	u32 present;
	u32 speed;
};

/**
 * struct power_policy - what is kept from look to look
 * @job_ns:	what a job takes, at full speed
 * @slower:	looks in a row after which a slower point would have done
 * @most:	the highest point that one of those asked for
 */
struct power_policy {
	u64 job_ns;
	u32 slower;
	u32 most;
};

u32 power_load_speed(struct power_policy *p, const struct power_look *look);
u32 power_point(const u32 *speeds, u32 nr, u32 speed);
u32 power_next(struct power_policy *p, const u32 *speeds, u32 nr, u32 point,
	       const struct power_look *look);
u32 power_rt_speed(const struct arb *a, u64 shortest_ns, u64 block_ns);
u64 power_rt_short(const struct arb *a, u32 speed);

#endif /* AIOFFLOAD_POWER_H */
