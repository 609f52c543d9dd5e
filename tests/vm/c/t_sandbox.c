// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a job can't do, whatever its model: outlast its budget, keep others from
 * the CPU, show memory that is not its own. The models are valid, and as bad as
 * the verifier lets them be.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "vmtest.h"

#define MS	1000000ULL
#define S	1000000000ULL

#define POISON	"/sys/module/aioffload_cpu/parameters/poison"
#define TIMEOUT_MS	"/sys/module/aioffload/parameters/job_timeout_ms"

/* 2^24 values of 2^16 comparisons each: days, in one operator */
#define SIDE	4096
#define WINDOW	256

static int ctx, model;
static unsigned int slot;

static void bind_hostile(void)
{
	static struct model_bytes m;
	struct aioffload_bind_io ios[2] = { 0 };
	int cpu = find_device("aioffload_cpu"), buf;
	char why[200];

	if (cpu < 0)
		SKIP("no CPU device");
	ctx = open_ctx(cpu);
	make_work(&m, SIDE, WINDOW);
	model = model_load(ctx, m.data, m.bytes, why, sizeof(why));
	if (model < 0)
		FAIL("the hostile model is refused: %s", why);
	buf = MUST(buf_create(ctx, 2 * SIDE * SIDE));
	ios[0].buf_fd = buf;
	ios[1].buf_fd = buf;
	ios[1].offset = SIDE * SIDE;
	slot = MUST(bind_slot(ctx, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY));
}

/* Not before, and not long after: emulated CPUs are shared with others. */
static void check_ended(uint64_t begin, uint64_t budget)
{
	uint64_t took = now_ns() - begin;

	if (took < budget)
		FAIL("ended after %llu ms", (unsigned long long)(took / MS));
	if (took > budget + 3 * S)
		FAIL("a budget of %llu ms took %llu ms",
		     (unsigned long long)(budget / MS),
		     (unsigned long long)(took / MS));
}

TEST(budget_ends_a_huge_operator)
{
	uint64_t begin;

	bind_hostile();
	for (uint64_t budget = 50 * MS; budget <= 800 * MS; budget *= 4) {
		begin = now_ns();
		EXPECT_ERRNO(run_slot(ctx, slot, 0, 1, budget), ETIME);
		check_ended(begin, budget);
	}
}

TEST(budget_ends_a_huge_operator_of_a_queue)
{
	uint64_t begin;
	struct queue q;

	bind_hostile();
	queue_open(&q, ctx, 8, 0);
	begin = now_ns();
	for (int i = 0; i < 4; i++)
		queue_run(&q, slot, 0, 1, i, 500 * MS);
	EXPECT_EQ(queue_enter(&q, 4, 4, 20 * S), 4);
	check_ended(begin, 500 * MS);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(queue_reap_one(&q).status, -ETIME);
	/* and the device is as good as before: nothing had to be reset */
	EXPECT_EQ(read_long("/sys/class/aioffload/aioffload0/resets"), 0);
}

TEST(killed_caller_of_a_huge_operator_is_gone)
{
	uint64_t begin;
	int pid;

	bind_hostile();
	pid = fork();
	if (!pid) {
		run_slot(ctx, slot, 0, 1, 20 * S);
		_exit(0);
	}
	sleep_ms(200);
	begin = now_ns();
	kill(pid, SIGKILL);
	MUST(waitpid(pid, NULL, 0));
	check_ended(begin, 0);
}

/* ---- others meanwhile ---- */

static void stay_on_first_cpu(void)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	MUST(sched_setaffinity(0, sizeof(first), &first));
}

static uint64_t cpu_time_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_utime.tv_sec * 1000000ULL + r.ru_utime.tv_usec +
	       r.ru_stime.tv_sec * 1000000ULL + r.ru_stime.tv_usec;
}

#define TURNS	100

/*
 * On the CPU that the job computes on: of two that want all of it each gets
 * about a half, and who only wants it for a moment waits less than a slice or
 * two. The bounds are wide, for the CPU itself is not there all the time.
 */
static void check_not_hogged(void)
{
	uint64_t begin = now_ns(), used = cpu_time_us(), worst = 0;

	stay_on_first_cpu();
	while (now_ns() - begin < 2 * S)
		;
	used = cpu_time_us() - used;
	if (used < 500000)
		FAIL("beside a job only %llu ms of 2 s are left",
		     (unsigned long long)(used / 1000));
	for (int i = 0; i < TURNS; i++) {
		uint64_t took, at = now_ns();

		sleep_ms(2);
		took = now_ns() - at;
		worst = took > worst ? took : worst;
	}
	if (worst > 500 * MS)
		FAIL("waiting for 2 ms took %llu ms",
		     (unsigned long long)(worst / MS));
}

TEST_SECONDS(others_compute_beside_a_synchronous_job, 60)
{
	int pid;

	bind_hostile();
	pid = fork();
	if (!pid) {
		stay_on_first_cpu();
		run_slot(ctx, slot, 0, 1, 30 * S);
		_exit(0);
	}
	sleep_ms(100);
	check_not_hogged();
	EXPECT_EQ(waitpid(pid, NULL, WNOHANG), 0);	/* it was there */
	kill(pid, SIGKILL);
	MUST(waitpid(pid, NULL, 0));
}

TEST_SECONDS(others_compute_beside_queued_jobs, 60)
{
	cpu_set_t first;
	struct queue q;
	int tids[64];

	bind_hostile();
	queue_open(&q, ctx, 8, 0);
	for (int i = 0; i < 4; i++)
		queue_run(&q, slot, 0, 1, i, 10 * S);
	EXPECT_EQ(queue_enter(&q, 4, 0, 0), 4);
	sleep_ms(100);
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	for (unsigned int i = find_threads("aioff-normal", tids, 64); i > 0; i--)
		MUST(sched_setaffinity(tids[i - 1], sizeof(first), &first));
	check_not_hogged();
	EXPECT_EQ(queue_ready(&q), 0);		/* they were there */
	queue_close(&q);
}

/* ---- memory ---- */

/* Of other jobs, contexts and samples: see also the golden tests. */
TEST(poisoned_memory_does_not_show)
{
	static const char * const bytes[] = { "0xa5", "0x5a", "0", "255" };
	static struct model_bytes m;
	struct aioffload_bind_io ios[2] = { 0 };
	int cpu = find_device("aioffload_cpu"), buf;
	uint8_t *p;

	if (cpu < 0)
		SKIP("no CPU device");
	ctx = open_ctx(cpu);
	make_chain(&m, 1000, 21);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	buf = MUST(buf_create(ctx, 16384));
	p = buf_map(buf, 16384);
	for (int i = 0; i < 8192; i++)
		p[i] = i * 13;
	ios[0] = (struct aioffload_bind_io){ .buf_fd = buf, .stride = 1024 };
	ios[1] = (struct aioffload_bind_io){ .buf_fd = buf, .offset = 8192,
					     .stride = 1024 };
	slot = MUST(bind_slot(ctx, model, ios, 2, 8, AIOFFLOAD_SLOT_ANY));
	for (int k = 0; k < 4; k++) {
		if (write_text(POISON, bytes[k]))
			FAIL("can't write " POISON);
		memset(p + 8192, 0x77, 8192);
		MUST(run_slot(ctx, slot, 1, 5, 0));
		/* neither samples that were not asked for, nor between two */
		for (int i = 0; i < 8192; i++) {
			bool ours = i / 1024 >= 1 && i / 1024 < 6 && i % 1024 < 1000;
			uint8_t want = ours ? p[i] ^ LUT_XOR : 0x77;

			if (p[8192 + i] != want)
				FAIL("poison %s: byte %d is %#x, expected %#x",
				     bytes[k], i, p[8192 + i], want);
		}
	}
	write_text(POISON, "-1");
}

TEST(poison_takes_bytes_only)
{
	EXPECT_EQ(write_text(POISON, "256"), -EINVAL);
	EXPECT_EQ(write_text(POISON, "-2"), -EINVAL);
	EXPECT_EQ(write_text(POISON, "x"), -EINVAL);
	EXPECT_EQ(read_long(POISON), -1);
}

/* Memory that was somebody's, full of it, and then given back. */
static void dirty_memory(__attribute__((unused)) void *arg)
{
	enum { BYTES = 64 << 20 };
	void *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	memset(p, 0xd5, BYTES);
}

static void check_zero(const uint8_t *p, size_t from, size_t to, const char *what)
{
	for (size_t i = from; i < to; i++)
		if (p[i])
			FAIL("%s: byte %zu is %#x", what, i, p[i]);
}

TEST(rings_begin_empty)
{
	ctx = open_null("");
	for (unsigned int n = 1; n <= 4096; n *= 8) {
		struct queue q;

		reap(spawn(dirty_memory, NULL));
		queue_open(&q, ctx, n, 0);
		*(uint32_t *)(q.map + q.c.sq.mask) = 0;
		*(uint32_t *)(q.map + q.c.cq.mask) = 0;
		check_zero(q.map, 0, q.c.ring_bytes, "ring");
		queue_close(&q);
	}
}

TEST(buffers_begin_empty)
{
	ctx = open_null("");
	for (size_t n = 4096; n <= 16 << 20; n *= 16) {
		int buf;

		reap(spawn(dirty_memory, NULL));
		buf = MUST(buf_create(ctx, n));
		check_zero(buf_map(buf, n), 0, n, "buffer");
		close(buf);
	}
}

TEST(completions_are_written_whole)
{
	struct aioffload_cqe cqe;
	struct bound b;
	struct queue q;

	queue_of_null(&b, &q, "latency_ns=1000000", 8, 0);
	memset(q.cqes, 0xff, q.c.cq_entries * sizeof(*q.cqes));
	queue_run(&q, b.slot, 0, 1, 1, 0);
	queue_run(&q, 4711, 0, 1, 2, 0);
	queue_nop(&q, 3);
	EXPECT_EQ(queue_enter(&q, 3, 3, 5 * S), 3);
	for (int i = 0; i < 3; i++) {
		cqe = queue_reap_one(&q);
		EXPECT_EQ(cqe.reserved, 0);
		EXPECT(cqe.duration_ns < 5 * S);
	}
}

static void check_text(const char *text, size_t room, const char *what)
{
	check_zero((const uint8_t *)text, strnlen(text, room), room, what);
}

TEST(answers_are_written_whole)
{
	struct aioffload_device_info di;
	struct aioffload_info info;
	struct aioffload_model_info mi;
	struct aioffload_model_tensor mt;
	struct bound b;

	ctx = open_null("");
	bound_open(&b, ctx, 64, 1);
	memset(&info, 0, sizeof(info));
	info.size = sizeof(info);
	memset(info.module_version, 0xff, sizeof(info.module_version));
	MUST(ioctl(ctx, AIOFFLOAD_IOC_INFO, &info));
	check_text(info.module_version, sizeof(info.module_version), "version");

	memset(&di, 0, sizeof(di));
	di.size = sizeof(di);
	memset(di.name, 0xff, sizeof(di.name));
	memset(di.driver, 0xff, sizeof(di.driver));
	memset(di.desc, 0xff, sizeof(di.desc));
	MUST(ioctl(ctx, AIOFFLOAD_IOC_DEVICE_INFO, &di));
	check_text(di.name, sizeof(di.name), "name");
	check_text(di.driver, sizeof(di.driver), "driver");
	check_text(di.desc, sizeof(di.desc), "desc");

	memset(&mi, 0, sizeof(mi));
	mi.size = sizeof(mi);
	memset(mi.name, 0xff, sizeof(mi.name));
	MUST(ioctl(b.model, AIOFFLOAD_IOC_MODEL_INFO, &mi));
	check_text(mi.name, sizeof(mi.name), "model's name");

	memset(&mt, 0, sizeof(mt));
	mt.size = sizeof(mt);
	memset(mt.name, 0xff, sizeof(mt.name));
	MUST(ioctl(b.model, AIOFFLOAD_IOC_MODEL_TENSOR, &mt));
	check_text(mt.name, sizeof(mt.name), "tensor's name");
}

/* ---- quarantine ---- */

#define OVERSTAY	"latency_ns=20000000000"	/* any budget */

static struct model_bytes suspect;

/* @n: a model of its own for each test, lest one finds another's quarantine */
static void bind_suspect(const char *device, unsigned int n)
{
	struct aioffload_bind_io ios[2] = { 0 };

	ctx = open_null(device);
	if (write_text(TIMEOUT_MS, "200"))
		FAIL("can't write " TIMEOUT_MS);
	make_lut(&suspect, n);
	model = MUST(model_load(ctx, suspect.data, suspect.bytes, NULL, 0));
	ios[0].buf_fd = MUST(buf_create(ctx, 8192));
	ios[1].buf_fd = ios[0].buf_fd;
	ios[1].offset = 4096;
	slot = MUST(bind_slot(ctx, model, ios, 2, 8, AIOFFLOAD_SLOT_ANY));
}

static bool find_quarantined(struct aioffload_block *b)
{
	struct aioffload_model_info mi = ARG(model_info);

	MUST(ioctl(model, AIOFFLOAD_IOC_MODEL_INFO, &mi));
	for (unsigned int i = 0; ; i++) {
		*b = ARG(block);
		b->op = AIOFFLOAD_BLOCK_GET;
		b->index = i;
		if (ioctl(ctx, AIOFFLOAD_IOC_BLOCK, b))
			return false;
		if (b->kind == AIOFFLOAD_BLOCK_QUARANTINE &&
		    !memcmp(b->id, mi.digest, sizeof(b->id)))
			return true;
	}
}

static void overstay(unsigned int times)
{
	for (unsigned int i = 0; i < times; i++)
		EXPECT_ERRNO(run_slot(ctx, slot, 0, 1, 0), ETIME);
}

/* The third time in a row; for its cgroup, until an administrator lifts it. */
TEST(models_that_overstay_are_quarantined)
{
	struct aioffload_block b;
	struct bound other;

	bind_suspect(OVERSTAY, 111);
	overstay(3);
	for (int i = 0; i < 3; i++)
		EXPECT_ERRNO(run_slot(ctx, slot, 0, 1, 0), ENOTRECOVERABLE);
	EXPECT_ERRNO(model_load(ctx, suspect.data, suspect.bytes, NULL, 0),
		     ENOTRECOVERABLE);
	EXPECT(find_quarantined(&b));
	/* other models, on the same device */
	bound_open(&other, ctx, 64, 1);
	null_set(find_device("aioffload_null"), "latency_ns=1000");
	MUST(run_slot(ctx, other.slot, 0, 1, 0));

	b.op = AIOFFLOAD_BLOCK_DEL;
	b.index = 0;
	MUST(ioctl(ctx, AIOFFLOAD_IOC_BLOCK, &b));
	EXPECT(!find_quarantined(&b));
	MUST(run_slot(ctx, slot, 0, 1, 0));
	MUST(model_load(ctx, suspect.data, suspect.bytes, NULL, 0));
}

TEST(quarantined_models_are_refused_in_queues)
{
	struct aioffload_block b;
	struct queue q;

	bind_suspect(OVERSTAY " parallelism=4", 112);
	queue_open(&q, ctx, 8, 0);
	for (int i = 0; i < 4; i++)
		queue_run(&q, slot, i, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 4, 4, 20 * S), 4);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(queue_reap_one(&q).status, -ETIME);
	queue_run(&q, slot, 0, 1, 5, 0);
	EXPECT_EQ(queue_enter(&q, 1, 1, 20 * S), 1);
	EXPECT_EQ(queue_reap_one(&q).status, -ENOTRECOVERABLE);
	EXPECT(find_quarantined(&b));
	b.op = AIOFFLOAD_BLOCK_DEL;
	b.index = 0;
	MUST(ioctl(ctx, AIOFFLOAD_IOC_BLOCK, &b));
}

/* What the caller brought about himself says nothing of the model. */
TEST(impatient_callers_quarantine_nothing)
{
	struct aioffload_block b;

	bind_suspect(OVERSTAY, 113);
	for (int i = 0; i < 10; i++) {
		/* a budget of his own; many samples */
		EXPECT_ERRNO(run_slot(ctx, slot, 0, 1, 20 * MS), ETIME);
		EXPECT_ERRNO(run_slot(ctx, slot, 0, 8, 0), ETIME);
	}
	EXPECT(!find_quarantined(&b));
	overstay(2);
}

TEST(time_spent_waiting_quarantines_nothing)
{
	struct aioffload_block b;
	struct queue q;

	/* the first one has the device to itself, for longer than a budget */
	bind_suspect("latency_ns=180000000 parallelism=1", 114);
	queue_open(&q, ctx, 8, 0);
	for (int i = 0; i < 6; i++)
		queue_run(&q, slot, 0, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 6, 6, 20 * S), 6);
	EXPECT(!find_quarantined(&b));
}

TEST(success_in_between_clears_a_model)
{
	struct aioffload_block b;

	bind_suspect(OVERSTAY, 115);
	for (int i = 0; i < 3; i++) {
		overstay(2);
		null_set(find_device("aioffload_null"), "latency_ns=1000");
		MUST(run_slot(ctx, slot, 0, 1, 0));
		null_set(find_device("aioffload_null"), OVERSTAY);
	}
	EXPECT(!find_quarantined(&b));
}

/* A job in ->run() goes at its caller's pace, who may be stopped meanwhile. */
TEST(synchronous_jobs_quarantine_nothing)
{
	struct aioffload_block b;

	bind_hostile();
	if (write_text(TIMEOUT_MS, "200"))
		FAIL("can't write " TIMEOUT_MS);
	overstay(6);
	EXPECT(!find_quarantined(&b));
}
