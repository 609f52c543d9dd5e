/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How many jobs a device has and since when it has any, in one word, so that
 * synchronous jobs on many CPUs need no lock:
 *
 *	bits 0..21	jobs (a thread has one at most; 4 million threads)
 *	bits 22..63	start of the busy stretch in units of 1024 ns, modulo
 *			2^42 (52 days)
 *
 * A batch of jobs that end within ->submit() counts as one stretch.
 */
#ifndef AIOFFLOAD_ACTIVITY_H
#define AIOFFLOAD_ACTIVITY_H

#include <linux/percpu.h>

#include "internal.h"

#define AI_ACTIVITY_SHIFT	22
#define AI_ACTIVITY_JOBS	((1ULL << AI_ACTIVITY_SHIFT) - 1)
#define AI_ACTIVITY_TIME	(~0ULL >> AI_ACTIVITY_SHIFT)

/*
 * Length of the stretch that began as @word says, in its units. Another CPU's
 * clock may be a trifle behind the one that told the beginning: then 0, and not
 * nearly 2^42.
 */
static inline u64 ai_activity_since(u64 word, u64 now)
{
	u64 units = ((now >> 10) - (word >> AI_ACTIVITY_SHIFT)) &
		    AI_ACTIVITY_TIME;

	return units <= AI_ACTIVITY_TIME / 2 ? units : 0;
}

static inline void ai_activity_begin(struct ai_device *dev, u64 now)
{
	s64 old = atomic64_read(&dev->activity);
	s64 new;

	do {
		if (old & AI_ACTIVITY_JOBS)
			new = old + 1;
		else
			new = now >> 10 << AI_ACTIVITY_SHIFT | 1;
	} while (!atomic64_try_cmpxchg(&dev->activity, &old, new));
}

static inline void ai_activity_end(struct ai_device *dev)
{
	s64 old = atomic64_read(&dev->activity);
	s64 new;

	do {
		new = (old & AI_ACTIVITY_JOBS) == 1 ? 0 : old - 1;
	} while (!atomic64_try_cmpxchg(&dev->activity, &old, new));
	if (!new)
		this_cpu_add(dev->stats->busy,
			     ai_activity_since(old, ai_now()));
}

static inline u32 ai_activity_jobs(const struct ai_device *dev)
{
	return atomic64_read(&dev->activity) & AI_ACTIVITY_JOBS;
}

static inline void ai_activity_count(struct ai_device *dev, int status)
{
	if (unlikely(status))
		this_cpu_inc(dev->stats->failed);
	else
		this_cpu_inc(dev->stats->done);
}

u64 ai_activity_busy_ns(const struct ai_device *dev);

/* A credit of the device, and with it a share in its activity. */
static inline bool ai_credit_get(struct ai_device *dev, u64 now)
{
	if (unlikely(!ai_sched_credit_get(&dev->sched)))
		return false;
	ai_activity_begin(dev, now);
	return true;
}

void ai_credit_awaited(struct ai_device *dev);

static inline void ai_credit_put(struct ai_device *dev)
{
	ai_activity_end(dev);
	if (unlikely(ai_sched_credit_put(&dev->sched)))
		ai_credit_awaited(dev);
}

#endif /* AIOFFLOAD_ACTIVITY_H */
