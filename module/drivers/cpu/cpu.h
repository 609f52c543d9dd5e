/* SPDX-License-Identifier: GPL-2.0 */
/*
 * aioffload_cpu: the engine (engine/) as a device.
 */
#ifndef AIOFFLOAD_CPU_H
#define AIOFFLOAD_CPU_H

#include <linux/ai_device.h>
#include <linux/bitops.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "engine/engine.h"

#define CPU_MAX_WORKERS	32U
#define CPU_QUEUE_DEPTH	256U

struct cpu_device;

/* A worker takes the oldest job it can run until there is none. */
struct cpu_worker {
	struct work_struct work;
	struct cpu_device *cpu;
	bool idle;		/* under cpu_device.lock */
};

/**
 * struct cpu_device - the one device of this module
 * @lock:	protects @pending and the workers' idle flags; taken with
 *		interrupts off, since jobs may be submitted anywhere
 * @pending:	jobs submitted and not begun, oldest first, by ai_job.node
 * @aborting:	jobs at work shall end with -EIO
 */
struct cpu_device {
	struct ai_device *dev;
	const struct eng_isa *isa;
	struct workqueue_struct *wq;
	spinlock_t lock;	/* pending, worker.idle */
	struct list_head pending;
	bool aborting;
	unsigned int nr_workers;
	struct cpu_worker workers[CPU_MAX_WORKERS];
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
 * @budget:	of one stretch with the FPU held
 * @batch:	samples that fit in one stretch, at least 1
 * @free:	bit i: arenas[i] is free
 */
struct cpu_model {
	struct eng_program *prog;
	bool fpu;
	u64 budget;
	u32 batch;
	unsigned int nr_arenas;
	unsigned long free;
	struct cpu_arena arenas[BITS_PER_LONG];
};

/* main.c: byte to fill memory with before each sample, or -1 */
extern int cpudev_poison;

/* detect.c */
void cpudev_detect(struct eng_cpu *cpu);
const char *cpudev_describe(const struct eng_isa *isa);

/* model.c */
int cpudev_prepare(struct ai_device *dev, const struct ai_model *model,
		   void **prepared);
void cpudev_unprepare(struct ai_device *dev, void *prepared);
struct cpu_arena *cpudev_arena_get(struct cpu_model *m);	/* NULL: none free */
void cpudev_arena_put(struct cpu_model *m, struct cpu_arena *a);

/* run.c */
int cpudev_run(struct ai_device *dev, struct ai_job *job);
int cpudev_submit(struct ai_device *dev, struct ai_job *job);
void cpudev_cancel(struct ai_device *dev, struct ai_job *job);
int cpudev_reset(struct ai_device *dev);
void cpudev_work(struct work_struct *work);

#endif /* AIOFFLOAD_CPU_H */
