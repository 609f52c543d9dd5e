// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How late a small network that must run every 10 ms is, alone and beside as
 * much other work as there is time for: in the kernel, by a realtime queue
 * beside background queues, and in a process with the same engine, by threads
 * with the priorities that a process can have. tools/bench-latency runs it in a
 * guest and makes the tables.
 *
 *	latency WAY MODEL.aim LOAD.aim PERIODS LOADS [DEADLINE_US]
 *
 * WAY		kernel: a realtime queue; or how the threads of a process are
 *		scheduled: fifo-idle, fifo, nice, plain
 * LOADS	queues, or threads, that run LOAD.aim all the time
 * Prints one line: the response times in ns, from when a job was due to begin
 * until its result is there, sorted, and then the number of those loads' jobs.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include "../vm/c/vmtest.h"
#include "../unit/kernels_common.h"
#include "program.h"

#define PERIOD_NS	10000000ULL
#define DEPTH		4		/* jobs that a background queue holds */
#define MAX_PERIODS	100000

static unsigned int periods, loads;
static uint64_t deadline_ns;
static const char *model_path, *load_path;

/* Jobs of the loads; shared with child processes. */
static volatile uint64_t *load_jobs;

void vmt_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "latency: %s:%d: ", file, line);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, " (errno: %s)\n", strerror(errno));
	va_end(ap);
	exit(1);
}

void vmt_expect_errno(const char *file, int line, const char *call, long ret,
		      int err, int want)
{
	if (ret != -1 || err != want)
		vmt_fail(file, line, "%s", call);
}

static void *alloc64(size_t bytes)
{
	void *p = NULL;

	if (posix_memalign(&p, 64, bytes))
		FAIL("no memory");
	memset(p, 0, bytes);
	return p;
}

struct bytes {
	void *data;
	size_t n;
};

static struct bytes read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	struct bytes b;
	long n;

	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) <= 0)
		FAIL("%s can't be read", path);
	rewind(f);
	b.n = n;
	b.data = alloc64(b.n);
	if (fread(b.data, 1, b.n, f) != b.n)
		FAIL("%s can't be read", path);
	fclose(f);
	return b;
}

/* ---- the periodic job, whoever runs it ---- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void periodic(void (*job)(void *), void *arg)
{
	uint64_t *ns = calloc(periods, sizeof(*ns)), before;
	uint64_t next;

	for (int i = 0; i < 10; i++)	/* warm; and the loads begin */
		job(arg);
	before = *load_jobs;
	next = now_ns() + PERIOD_NS;
	for (unsigned int i = 0; i < periods; i++, next += PERIOD_NS) {
		struct timespec t = { next / 1000000000, next % 1000000000 };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		job(arg);
		ns[i] = now_ns() - next;
	}
	before = *load_jobs - before;
	qsort(ns, periods, sizeof(*ns), by_value);
	for (unsigned int i = 0; i < periods; i++)
		printf("%llu ", (unsigned long long)ns[i]);
	printf("%llu\n", (unsigned long long)before);
	fflush(stdout);
}

static void become(int policy, int nice)
{
	struct sched_param p = { .sched_priority = policy == SCHED_FIFO ? 2 : 0 };

	MUST(sched_setscheduler(0, policy, &p));
	if (policy == SCHED_OTHER)
		MUST(setpriority(PRIO_PROCESS, 0, nice));
}

/* ---- in the kernel ---- */

struct kernel_job {
	int ctx;
	unsigned int slot;
	struct queue q;
};

static void kernel_open(struct kernel_job *k, const char *path)
{
	struct bytes file = read_file(path);
	void *scratch = alloc64(aim_verify_scratch(file.data, file.n));
	struct aioffload_bind_io ios[2 * AIM_MAX_IO] = { 0 };
	struct aim_reason why;
	struct aim_view view;
	uint64_t at = 0;
	unsigned int i, nr;
	int model;

	if (aim_verify(file.data, file.n, scratch, &view, &why))
		FAIL("%s: %s", path, why.text);
	k->ctx = open_ctx(find_device("aioffload_cpu"));
	model = MUST(model_load(k->ctx, file.data, file.n, NULL, 0));
	nr = view.header->nr_inputs + view.header->nr_outputs;
	for (i = 0; i < nr; i++) {
		ios[i].offset = at;
		at += (view.tensors[view.io[i]].bytes + 63) / 64 * 64;
	}
	ios[0].buf_fd = MUST(buf_create(k->ctx, at));
	for (i = 1; i < nr; i++)
		ios[i].buf_fd = ios[0].buf_fd;
	k->slot = MUST(bind_slot(k->ctx, model, ios, nr, 1, AIOFFLOAD_SLOT_ANY));
}

static void kernel_once(void *arg)
{
	struct kernel_job *k = arg;

	queue_run(&k->q, k->slot, 0, 1, 0, 0);
	EXPECT_EQ(queue_enter(&k->q, 1, 1, 0), 1);
	EXPECT_EQ(queue_reap_one(&k->q).status, 0);
}

static void kernel_load(volatile uint64_t *jobs)
{
	struct kernel_job k;

	kernel_open(&k, load_path);
	MUST(queue_create_qos(k.ctx, &k.q, DEPTH, AIOFFLOAD_QOS_BACKGROUND, 0, 0));
	queue_map(&k.q);
	for (int i = 0; i < DEPTH; i++)
		queue_run(&k.q, k.slot, 0, 1, 0, 0);
	EXPECT_EQ(queue_enter(&k.q, DEPTH, 0, 0), DEPTH);
	for (;;) {
		queue_enter(&k.q, 0, 1, 0);
		EXPECT_EQ(queue_reap_one(&k.q).status, 0);
		__atomic_add_fetch(jobs, 1, __ATOMIC_RELAXED);
		queue_run(&k.q, k.slot, 0, 1, 0, 0);
		EXPECT_EQ(queue_enter(&k.q, 1, 0, 0), 1);
	}
}

static void in_kernel(void)
{
	struct aioffload_queue_create c = ARG(queue_create);
	struct kernel_job k;

	kernel_open(&k, model_path);
	c.sq_entries = DEPTH;
	c.qos = AIOFFLOAD_QOS_REALTIME;
	c.period_ns = PERIOD_NS;
	c.deadline_ns = deadline_ns;
	/* what may be promised of one CPU */
	c.runtime_ns = deadline_ns / 4 * 3;
	MUST(ioctl(k.ctx, AIOFFLOAD_IOC_QUEUE_CREATE, &c));
	k.q = (struct queue){ .fd = c.fd, .c = c };
	queue_map(&k.q);
	for (unsigned int i = 0; i < loads; i++) {
		int pid = MUST(fork());

		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			kernel_load(load_jobs);
		}
	}
	become(SCHED_FIFO, 0);
	periodic(kernel_once, &k);
}

/* ---- in a process ---- */

static const struct eng_env env = { .alloc = alloc64, .free = free };

struct process_job {
	struct eng_program *prog;
	const void *inputs[AIM_MAX_IO];
	void *outputs[AIM_MAX_IO];
	void *arena;
};

static void process_open(struct process_job *p, const char *path)
{
	struct bytes file = read_file(path);
	void *scratch = alloc64(aim_verify_scratch(file.data, file.n));
	struct aim_view *view = alloc64(sizeof(*view));
	struct eng_cpu cpu = this_cpu();
	struct aim_reason why;
	unsigned int i, n;

	if (aim_verify(file.data, file.n, scratch, view, &why))
		FAIL("%s: %s", path, why.text);
	if (eng_compile(view, eng_isa_best(&cpu), &env, &p->prog))
		FAIL("%s does not compile", path);
	p->arena = alloc64(eng_arena_bytes(p->prog));
	for (i = 0; i < view->header->nr_inputs; i++)
		p->inputs[i] = alloc64(view->tensors[view->io[i]].bytes);
	for (n = 0; n < view->header->nr_outputs; n++)
		p->outputs[n] = alloc64(view->tensors[view->io[i + n]].bytes);
}

static void process_once(void *arg)
{
	struct process_job *p = arg;
	struct eng_cursor at = { 0 };

	while (!eng_step(p->prog, p->inputs, p->outputs, p->arena, &at,
			 eng_budget(p->prog)))
		;
}

static const struct way {
	const char *name;
	int policy, nice;		/* of the periodic thread */
	int load_policy, load_nice;	/* of the others */
} ways[] = {
	{ "fifo-idle", SCHED_FIFO, 0, SCHED_IDLE, 0 },
	{ "fifo", SCHED_FIFO, 0, SCHED_OTHER, 0 },
	{ "nice", SCHED_OTHER, -20, SCHED_OTHER, 19 },
	{ "plain", SCHED_OTHER, 0, SCHED_OTHER, 0 },
};

struct loader {
	struct process_job job;
	const struct way *way;
};

static void *process_load(void *arg)
{
	struct loader *l = arg;

	become(l->way->load_policy, l->way->load_nice);
	for (;;) {
		process_once(&l->job);
		__atomic_add_fetch(load_jobs, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void in_process(const struct way *way)
{
	struct process_job job = { 0 };

	process_open(&job, model_path);
	for (unsigned int i = 0; i < loads; i++) {
		struct loader *l = calloc(1, sizeof(*l));
		pthread_t t;

		process_open(&l->job, load_path);
		l->way = way;
		if (pthread_create(&t, NULL, process_load, l))
			FAIL("no thread");
	}
	become(way->policy, way->nice);
	periodic(process_once, &job);
}

int main(int argc, char **argv)
{
	if (argc < 6) {
		fprintf(stderr, "usage: latency WAY MODEL.aim LOAD.aim PERIODS LOADS [DEADLINE_US]\n");
		return 2;
	}
	model_path = argv[2];
	load_path = argv[3];
	periods = strtoul(argv[4], NULL, 10);
	loads = strtoul(argv[5], NULL, 10);
	deadline_ns = argc > 6 ? strtoull(argv[6], NULL, 10) * 1000 : PERIOD_NS;
	if (!periods || periods > MAX_PERIODS || loads > 32 || !deadline_ns ||
	    deadline_ns > PERIOD_NS)
		FAIL("these numbers make no sense");
	MUST(mlockall(MCL_CURRENT | MCL_FUTURE));
	load_jobs = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!strcmp(argv[1], "kernel"))
		in_kernel();
	for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(argv[1], ways[i].name))
			in_process(&ways[i]);
	return 0;
}
