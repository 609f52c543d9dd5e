/* SPDX-License-Identifier: GPL-2.0 */
/*
 * aioffload_cpu: the engine (engine/) as a device.
 */
#ifndef AIOFFLOAD_CPU_H
#define AIOFFLOAD_CPU_H

#include <linux/ai_device.h>
#include <linux/bitops.h>
#include <linux/wait.h>
#include "engine/engine.h"

#define CPU_MAX_JOBS	32U

/**
 * struct cpu_device - the one device of this module
 * @nr_jobs:	of one model that may be worked on at a time
 */
struct cpu_device {
	struct ai_device *dev;
	const struct eng_isa *isa;
	unsigned int nr_jobs;
};

/**
 * struct cpu_arena - what one running job needs of its own
 * @inputs:	addresses of the current sample's inputs
 * @outputs:	likewise
 * @memory:	the engine's work memory
 */
struct cpu_arena {
	const void **inputs;
	void **outputs;
	void *memory;
};

/**
 * struct cpu_model - a prepared model
 * @cost:	of one sample, in the engine's unit
 * @most:	budget of one stretch with the FPU held, on the machine that the
 *		engine reckons with
 * @budget:	the same on this one, by what stretches take
 * @batch:	samples that fit in one stretch, at least 1
 * @free:	bit i: arenas[i] is free
 * @near:	by NUMA node: those that are there; NULL if there is but one
 * @room:	where jobs wait for one
 */
struct cpu_model {
	struct eng_program *prog;
	bool fpu;
	u64 cost;
	u64 most;
	u64 budget;
	u32 batch;
	unsigned int nr_arenas;
	unsigned long free;
	unsigned long *near;
	wait_queue_head_t room;
	struct cpu_arena arenas[BITS_PER_LONG];
};

/* main.c: byte to fill memory with before each sample, or -1 */
extern int cpudev_poison;

/* power.c */
u32 cpudev_power_uw(unsigned int jobs);

/* detect.c */
void cpudev_detect(struct eng_cpu *cpu);
const char *cpudev_describe(const struct eng_isa *isa);

/* model.c */
int cpudev_prepare(struct ai_device *dev, const struct ai_model *model,
		   void **prepared);
void cpudev_unprepare(struct ai_device *dev, void *prepared);
struct cpu_arena *cpudev_arena_get(struct cpu_model *m,
				   const struct ai_job *job);
void cpudev_arena_put(struct cpu_model *m, struct cpu_arena *a);

/* run.c */
void cpudev_pace_init(struct cpu_model *m);
int cpudev_run(struct ai_device *dev, struct ai_job *job);

#endif /* AIOFFLOAD_CPU_H */
