// SPDX-License-Identifier: GPL-2.0
/*
 * Running jobs: in the caller's context (->run) or on a worker (->submit).
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

static int work_off(struct cpu_device *cpu, struct ai_job *job,
		    struct cpu_arena *a)
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
		if (!job->sync && READ_ONCE(cpu->aborting))
			return -EIO;
		cond_resched();
	}
}

/* Wake one idle worker, if there is one. Under the lock. */
static void kick(struct cpu_device *cpu)
{
	unsigned int i;

	for (i = 0; i < cpu->nr_workers; i++) {
		struct cpu_worker *w = &cpu->workers[i];

		if (w->idle) {
			w->idle = false;
			queue_work(cpu->wq, &w->work);
			return;
		}
	}
}

int cpudev_run(struct ai_device *dev, struct ai_job *job)
{
	struct cpu_device *cpu = ai_device_priv(dev);
	struct cpu_model *m = job->prepared;
	struct cpu_arena *a;
	unsigned long flags;
	int err;

	a = cpudev_arena_get(m);
	if (!a)
		return -EAGAIN;
	INIT_LIST_HEAD(&job->node);	/* pending nowhere: see cpudev_cancel() */
	err = work_off(cpu, job, a);
	cpudev_arena_put(m, a);

	/* a job may have been passed over for lack of the arena we had */
	smp_mb__after_atomic();		/* pairs with next_job() */
	if (!list_empty_careful(&cpu->pending)) {
		spin_lock_irqsave(&cpu->lock, flags);
		kick(cpu);
		spin_unlock_irqrestore(&cpu->lock, flags);
	}
	return err;
}

int cpudev_submit(struct ai_device *dev, struct ai_job *job)
{
	struct cpu_device *cpu = ai_device_priv(dev);
	unsigned long flags;

	spin_lock_irqsave(&cpu->lock, flags);
	list_add_tail(&job->node, &cpu->pending);
	kick(cpu);
	spin_unlock_irqrestore(&cpu->lock, flags);
	return 0;
}

/*
 * The oldest job for which there is an arena. A job without one is left where
 * it is: whoever holds its model's arenas is a worker or a synchronous caller,
 * and looks again when it is done.
 */
static struct ai_job *next_job(struct cpu_device *cpu, struct cpu_arena **a)
{
	struct ai_job *job;

	smp_mb__after_spinlock();	/* pairs with cpudev_run() */
	list_for_each_entry(job, &cpu->pending, node) {
		*a = cpudev_arena_get(job->prepared);
		if (*a) {
			list_del_init(&job->node);
			return job;
		}
	}
	return NULL;
}

void cpudev_work(struct work_struct *work)
{
	struct cpu_worker *w = container_of(work, struct cpu_worker, work);
	struct cpu_device *cpu = w->cpu;
	struct cpu_arena *a;
	struct ai_job *job;
	int err;

	for (;;) {
		spin_lock_irq(&cpu->lock);
		job = next_job(cpu, &a);
		if (!job)
			w->idle = true;
		spin_unlock_irq(&cpu->lock);
		if (!job)
			return;
		ai_job_begins(job);
		err = work_off(cpu, job, a);
		cpudev_arena_put(job->prepared, a);
		ai_job_complete(cpu->dev, job, err);
		cond_resched();
	}
}

/* A pending job ends here; one at work sees ai_job_cancelled() by itself. */
void cpudev_cancel(struct ai_device *dev, struct ai_job *job)
{
	struct cpu_device *cpu = ai_device_priv(dev);
	unsigned long flags;
	bool pending;

	spin_lock_irqsave(&cpu->lock, flags);
	pending = !list_empty(&job->node);
	if (pending)
		list_del_init(&job->node);
	spin_unlock_irqrestore(&cpu->lock, flags);
	if (pending)
		ai_job_complete(dev, job, -ECANCELED);
}

int cpudev_reset(struct ai_device *dev)
{
	struct cpu_device *cpu = ai_device_priv(dev);
	struct ai_job *job, *next;
	LIST_HEAD(ended);

	WRITE_ONCE(cpu->aborting, true);
	spin_lock_irq(&cpu->lock);
	list_for_each_entry_safe(job, next, &cpu->pending, node)
		list_move_tail(&job->node, &ended);
	spin_unlock_irq(&cpu->lock);

	while (!list_empty(&ended)) {
		job = list_first_entry(&ended, struct ai_job, node);
		spin_lock_irq(&cpu->lock);
		list_del_init(&job->node);
		spin_unlock_irq(&cpu->lock);
		ai_job_complete(dev, job, -EIO);
	}
	flush_workqueue(cpu->wq);
	WRITE_ONCE(cpu->aborting, false);
	return 0;
}
