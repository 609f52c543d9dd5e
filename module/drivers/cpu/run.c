// SPDX-License-Identifier: GPL-2.0
/*
 * Running jobs, in the caller's context or on a thread of core's.
 *
 * The FPU is held for one budget of the engine at a time, some tens of
 * microseconds; between two of them we look whether the job shall go on and
 * let others run.
 */
#include <linux/sched.h>
#include "../../compat/fpu.h"
#include "cpu.h"

static void set_addresses(const struct ai_job *job, struct cpu_arena *a,
			  u32 sample)
{
	const struct ai_io *io = job->io;
	u32 i;

	for (i = 0; i < job->nr_inputs; i++, io++)
		a->inputs[i] = io->vaddr + io->stride * sample;
	for (i = 0; i < job->nr_outputs; i++, io++)
		a->outputs[i] = io->vaddr + io->stride * sample;
}

#define POISON_STEP	(64UL << 10)

static void fill(void *memory, int byte, u64 bytes)
{
	u64 at, n;

	for (at = 0; at < bytes; at += n) {
		n = min_t(u64, bytes - at, POISON_STEP);
		memset(memory + at, byte, n);
		cond_resched();
	}
}

/* Whatever a job finds and has not written itself shall be this byte. */
static void poison(const struct cpu_model *m, const struct ai_job *job,
		   const struct cpu_arena *a, u32 sample, int byte)
{
	const struct ai_io *io = job->io + job->nr_inputs;
	u32 i;

	fill(a->memory, byte, eng_arena_bytes(m->prog));
	for (i = 0; i < job->nr_outputs; i++, io++)
		fill(io->vaddr + io->stride * sample, byte, io->bytes);
}

/*
 * One stretch: up to @most samples of a small model, or a part of one sample.
 * Return: samples completed; @at says where the unfinished one stands.
 */
static u32 stretch(const struct cpu_model *m, const struct ai_job *job,
		   struct cpu_arena *a, u32 sample, u32 most,
		   struct eng_cursor *at)
{
	u32 done = 0;

	do {
		set_addresses(job, a, sample + done);
		if (!eng_step(m->prog, a->inputs, a->outputs, a->memory, at,
			      m->budget))
			break;
		*at = (struct eng_cursor){ 0 };
		done++;
	} while (done < most);
	return done;
}

static int work_off(const struct ai_job *job, struct cpu_arena *a)
{
	const struct cpu_model *m = job->prepared;
	struct compat_fpu_state state;
	struct eng_cursor at = { 0 };
	u32 sample = job->first, left = job->count;
	int byte = READ_ONCE(cpudev_poison);
	u32 batch = likely(byte < 0) ? m->batch : 1;

	for (;;) {
		u32 done;

		if (unlikely(byte >= 0) && !at.op && !at.tile)
			poison(m, job, a, sample, byte);
		if (m->fpu)
			compat_fpu_begin(&state);
		done = stretch(m, job, a, sample, min(left, batch), &at);
		if (m->fpu)
			compat_fpu_end(&state);
		sample += done;
		left -= done;
		if (!left)
			return 0;
		if (ai_job_cancelled(job))
			return -ECANCELED;
		cond_resched();
	}
}

int cpudev_run(struct ai_device *dev, struct ai_job *job)
{
	struct cpu_arena *a = cpudev_arena_get(job->prepared, job);
	int err;

	if (!a)
		return -ECANCELED;
	err = work_off(job, a);
	cpudev_arena_put(job->prepared, a);
	return err;
}
