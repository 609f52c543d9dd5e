// SPDX-License-Identifier: GPL-2.0
/*
 * Preparing a model: compile it, and lay in work memory for the jobs that may
 * run at a time, so that running allocates nothing.
 */
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include "../../compat/fpu.h"
#include "cpu.h"

/* Work memory of one model in all; more arenas than one only below this. */
#define ARENA_TOTAL	(64UL << 20)

/* For one that is urgent, and for one more, beside as many as there are CPUs. */
#define SPARE_ARENAS	2U

/* How often a job that waits for an arena asks whether it should stop. */
#define ARENA_POLL	(HZ / 50 + 1)

/*
 * FPU sections of the compiler. One at a time, so that the state that some
 * architectures save can lie here.
 */
static DEFINE_MUTEX(compile_lock);
static struct compat_fpu_state compile_fpu;

static void compile_fpu_begin(void)
{
	compat_fpu_begin(&compile_fpu);
}

static void compile_fpu_end(void)
{
	compat_fpu_end(&compile_fpu);
	cond_resched();
}

/*
 * Aligned to a cache line: caches of 256 bytes and above hold powers of two,
 * which are aligned to their size.
 */
static void *line_alloc_on(size_t bytes, int node)
{
	if (bytes > INT_MAX)
		return NULL;
	return kvzalloc_node(max_t(size_t, bytes, 256),
			     GFP_KERNEL_ACCOUNT | __GFP_NOWARN, node);
}

static void *line_alloc(size_t bytes)
{
	return line_alloc_on(bytes, NUMA_NO_NODE);
}

static void line_free(void *p)
{
	kvfree(p);
}

static const struct eng_env env = {
	.alloc = line_alloc,
	.free = line_free,
	.fpu_begin = compile_fpu_begin,
	.fpu_end = compile_fpu_end,
};

static void free_arenas(struct cpu_model *m)
{
	unsigned int i;

	for (i = 0; i < m->nr_arenas; i++) {
		kvfree(m->arenas[i].memory);
		kvfree(m->arenas[i].inputs);
	}
	kfree(m->near);
}

/*
 * Nodes take turns, those that have CPUs; the first arena is here, for models that
 * get no other.
 */
static int arena_node(const struct cpu_model *m, int last)
{
	if (!m->near)
		return NUMA_NO_NODE;
	return last == NUMA_NO_NODE ? numa_node_id() :
				      next_node_in(last, node_states[N_CPU]);
}

/* Where it came to be: the node may have been full. */
static void note_node(struct cpu_model *m, unsigned int i)
{
	const void *p = m->arenas[i].memory;

	if (m->near)
		m->near[page_to_nid(is_vmalloc_addr(p) ? vmalloc_to_page(p) :
							 virt_to_page(p))] |=
			BIT(i);
}

static int alloc_arenas(struct cpu_model *m, const struct ai_model *model,
			unsigned int want)
{
	u32 inputs = model->view->header->nr_inputs;
	u32 nr = inputs + model->view->header->nr_outputs;
	size_t bytes = eng_arena_bytes(m->prog);
	int node = NUMA_NO_NODE;

	/* Without it, if there is no memory for it, all are as good as near. */
	if (nr_online_nodes > 1)
		m->near = kcalloc(nr_node_ids, sizeof(*m->near),
				  GFP_KERNEL_ACCOUNT);
	want = min_t(unsigned int, want, BITS_PER_LONG);
	want = clamp_t(size_t, ARENA_TOTAL / bytes, 1, want);
	for (; m->nr_arenas < want; m->nr_arenas++) {
		struct cpu_arena *a = &m->arenas[m->nr_arenas];

		node = arena_node(m, node);
		a->memory = line_alloc_on(bytes, node);
		a->inputs = kvcalloc(nr, sizeof(void *), GFP_KERNEL_ACCOUNT);
		if (!a->memory || !a->inputs) {
			kvfree(a->memory);
			kvfree(a->inputs);
			break;
		}
		a->outputs = (void **)a->inputs + inputs;
		m->free |= BIT(m->nr_arenas);
		note_node(m, m->nr_arenas);
	}
	/* one is enough to run, if slower */
	return m->nr_arenas ? 0 : -ENOMEM;
}

int cpudev_prepare(struct ai_device *dev, const struct ai_model *model,
		   void **prepared)
{
	struct cpu_device *cpu = ai_device_priv(dev);
	struct cpu_model *m;
	int err;

	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return -ENOMEM;
	mutex_lock(&compile_lock);
	err = eng_compile(model->view, cpu->isa, &env, &m->prog);
	mutex_unlock(&compile_lock);
	if (err)
		goto free_model;
	init_waitqueue_head(&m->room);
	m->fpu = eng_needs_fpu(m->prog);
	cpudev_pace_init(m);
	err = alloc_arenas(m, model, cpu->nr_jobs + SPARE_ARENAS);
	if (err)
		goto free_program;
	*prepared = m;
	return 0;

free_program:
	free_arenas(m);
	eng_free(m->prog);
free_model:
	kfree(m);
	return err;
}

void cpudev_unprepare(struct ai_device *dev, void *prepared)
{
	struct cpu_model *m = prepared;

	free_arenas(m);
	eng_free(m->prog);
	kfree(m);
}

/* The last free one of several is kept for jobs that are urgent. */
static bool has_room(const struct cpu_model *m, const struct ai_job *job)
{
	unsigned long free = READ_ONCE(m->free);

	return job->urgent || m->nr_arenas == 1 ? free : free & (free - 1);
}

static struct cpu_arena *try_arena(struct cpu_model *m,
				   const struct ai_job *job)
{
	while (has_room(m, job)) {
		unsigned long free = READ_ONCE(m->free), near = 0;
		unsigned int i;

		if (!free)
			break;
		if (m->near)
			near = free & m->near[numa_node_id()];
		i = __ffs(near ?: free);
		if (test_and_clear_bit(i, &m->free))
			return &m->arenas[i];
	}
	return NULL;
}

/* Waits for one if need be, and if it may. NULL: the job should stop. */
struct cpu_arena *cpudev_arena_get(struct cpu_model *m,
				   const struct ai_job *job)
{
	struct cpu_arena *a;

	while (unlikely(!(a = try_arena(m, job)))) {
		if (job->nowait || ai_job_cancelled(job))
			break;
		wait_event_killable_timeout(m->room, has_room(m, job),
					    ARENA_POLL);
	}
	return a;
}

void cpudev_arena_put(struct cpu_model *m, struct cpu_arena *a)
{
	/* what the job wrote to the arena comes before the next owner's use */
	smp_mb__before_atomic();
	set_bit(a - m->arenas, &m->free);
	smp_mb__after_atomic();		/* pairs with the wait's */
	if (waitqueue_active(&m->room))
		wake_up(&m->room);
}
