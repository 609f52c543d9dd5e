/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * At which speeds a device has worked, so that what was measured can be told as
 * time at full speed. Freestanding. Speeds are in thousandths of full speed.
 */
#ifndef AIOFFLOAD_PACE_H
#define AIOFFLOAD_PACE_H

#include <aim/types.h>

#define POWER_FULL_SPEED 1000

/* Changes of speed that are remembered; of what was before, the first one left. */
#define POWER_PACES	8

/**
 * struct power_pace - at which speeds a device has worked
 * @past:	since @at at @speed, having done by then what takes @done at full
 *		speed; the latest one is @past[@last]
 */
struct power_pace {
	struct {
		u64 at;
		u64 done;
		u32 speed;
	} past[POWER_PACES];
	u32 last;
};

void power_pace_init(struct power_pace *p);
void power_pace_set(struct power_pace *p, u32 speed, u64 now);
u64 power_pace_done(const struct power_pace *p, u64 from, u64 to);

#endif /* AIOFFLOAD_PACE_H */
