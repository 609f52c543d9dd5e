// SPDX-License-Identifier: GPL-2.0
/*
 * Running jobs, in the caller's context or on a thread of core's.
 *
 * The FPU is held for one budget of the engine at a time, some tens of
 * microseconds; between two of them we look whether the job shall go on and
 * let others run.
 */
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
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
 * Stretches. The engine's costs are estimates for a fast machine. So where there
 * are several, they are timed, and the budget follows: it begins small, and grows
 * as long as they are short; a stretch that took longer than it should makes the
 * next one shorter. Interrupts and a host that had other
 * things to do lengthen it too, which costs no more than somewhat shorter ones for
 * a while. Jobs on other CPUs do the same at a time: any of them may be the last
 * to write.
 */
#define STRETCH_NS	(50 * NSEC_PER_USEC)
/* Less than this part of cpu_model.most, and overhead would count. */
#define LEAST_BUDGET	8

static unsigned long longest_stretch_ns;
module_param(longest_stretch_ns, ulong, 0644);
MODULE_PARM_DESC(longest_stretch_ns,
		 "Longest time for which a job has kept a CPU without letting others run; write 0 to begin anew");

static void set_budget(struct cpu_model *m, u64 budget)
{
	WRITE_ONCE(m->budget, budget);
	WRITE_ONCE(m->batch, clamp_t(u64, div64_u64(budget, m->cost), 1, 4096));
}

void cpudev_pace_init(struct cpu_model *m)
{
	m->cost = eng_cost(m->prog) + 1;
	m->most = eng_budget(m->prog);
	set_budget(m, m->most / LEAST_BUDGET);
}

static void pace(struct cpu_model *m, u64 budget, u64 ns)
{
	u64 next = budget;

	if (ns > READ_ONCE(longest_stretch_ns))
		WRITE_ONCE(longest_stretch_ns, ns);
	if (ns > STRETCH_NS)
		next -= budget / 4;
	else if (ns < STRETCH_NS / 2)
		next += budget / 4;
	next = clamp_t(u64, next, m->most / LEAST_BUDGET, m->most);
	if (next != budget)
		set_budget(m, next);
}

/*
 * One stretch: up to @most samples of a small model, or a part of one sample.
 * Return: samples completed; @at says where the unfinished one stands.
 */
static u32 stretch(const struct cpu_model *m, const struct ai_job *job,
		   struct cpu_arena *a, u32 sample, u32 most, u64 budget,
		   struct eng_cursor *at)
{
	u32 done = 0;

	do {
		set_addresses(job, a, sample + done);
		if (!eng_step(m->prog, a->inputs, a->outputs, a->memory, at,
			      budget))
			break;
		*at = (struct eng_cursor){ 0 };
		done++;
	} while (done < most);
	return done;
}

static int work_off(const struct ai_job *job, struct cpu_arena *a)
{
	struct cpu_model *m = job->prepared;
	struct compat_fpu_state state;
	struct eng_cursor at = { 0 };
	u32 sample = job->first, left = job->count;
	int byte = READ_ONCE(cpudev_poison);

	for (;;) {
		u64 budget = READ_ONCE(m->budget), began = 0;
		u32 batch = likely(byte < 0) ? READ_ONCE(m->batch) : 1;
		u32 done;

		if (unlikely(byte >= 0) && !at.op && !at.tile)
			poison(m, job, a, sample, byte);
		if (m->fpu)
			compat_fpu_begin(&state);
		/* In here, as others may run as soon as it ends. */
		if (left > batch || m->cost > budget)
			began = ktime_get_mono_fast_ns();
		done = stretch(m, job, a, sample, min(left, batch), budget, &at);
		if (began)
			pace(m, budget, ktime_get_mono_fast_ns() - began);
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
		return job->nowait ? -EAGAIN : -ECANCELED;
	err = work_off(job, a);
	cpudev_arena_put(job->prepared, a);
	return err;
}
