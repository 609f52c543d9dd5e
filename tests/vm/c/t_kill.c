// SPDX-License-Identifier: LGPL-2.1-or-later
/* Clients that are killed at any moment, modules that come and go under them. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include "vmtest.h"

#define MS	1000000ULL
#define S	1000000000ULL

static unsigned int random_below(unsigned int n)
{
	static uint32_t seed = 12345;

	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* Everything a client does, over and over; errors are of no interest. */
static void client(int node)
{
	static struct model_bytes m;
	char path[40] = "/dev/aioffload";

	if (node >= 0)
		snprintf(path, sizeof(path), "/dev/aioffload%d", node);
	make_chain(&m, 4096, 20);
	for (;;) {
		struct aioffload_bind_io ios[2] = { 0 };
		int ctx = open(path, O_RDWR), buf, model, slot;
		struct queue q;
		uint8_t *p;

		if (ctx < 0) {
			sleep_ms(1);
			continue;
		}
		buf = buf_create(ctx, 65536);
		p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, buf, 0);
		if (p != MAP_FAILED)
			memset(p, 1, 65536);
		model = model_load(ctx, m.data, m.bytes, NULL, 0);
		ios[0].buf_fd = buf;
		ios[1] = (struct aioffload_bind_io){ buf, 0, 32768, 0 };
		slot = bind_slot(ctx, model, ios, 2, 4, AIOFFLOAD_SLOT_ANY);
		run_slot(ctx, slot, 0, 1, 50 * MS);
		if (!queue_create(ctx, &q, 16, 0)) {
			q.map = mmap(NULL, q.c.ring_bytes, PROT_READ | PROT_WRITE,
				     MAP_SHARED, q.fd, 0);
			if (q.map != MAP_FAILED) {
				q.sq_tail = (void *)(q.map + q.c.sq.tail);
				q.sqes = (void *)(q.map + q.c.sq.entries);
				for (int i = 0; i < 16; i++)
					queue_run(&q, slot, i % 4, 1, i, 50 * MS);
				queue_enter(&q, 16, 8, 100 * MS);
				munmap(q.map, q.c.ring_bytes);
			}
			close(q.fd);
		}
		unbind(ctx, slot);
		if (p != MAP_FAILED)
			munmap(p, 65536);
		close(model);
		close(buf);
		close(ctx);
	}
}

static int start_client(int node)
{
	int pid = fork();

	if (!pid) {
		client(node);
		_exit(0);
	}
	return pid;
}

static void kill_client(int pid)
{
	int status;

	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		FAIL("waitpid: %s", strerror(errno));
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Slab objects in use, over all caches that carry our name. */
static long own_slab_objects(void)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	char line[512], name[64];
	long active, sum = 0;

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %ld", name, &active) == 2 &&
		    !strncmp(name, "aioffload", 9))
			sum += active;
	}
	fclose(f);
	return sum;
}

/* In use by anyone, unreclaimable: a leak of kmalloc'ed objects shows here. */
static long unreclaimable_slab_kib(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	long v = 0;

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "SUnreclaim: %ld kB", &v);
	if (f)
		fclose(f);
	return v;
}

/* KiB */
struct figures {
	long free;
	long slab;
};

static struct figures figures_now(void)
{
	return (struct figures) { free_kib(), unreclaimable_slab_kib() };
}

static void check_figures(const struct figures *before, long free_room,
			  long slab_room)
{
	struct figures now = figures_now();

	/* KASAN keeps what is freed; what leaks is kmemleak's business there. */
	if (!access("/sys/kernel/debug/kmemleak", F_OK))
		return;
	if (before->free - now.free > free_room)
		FAIL("%ld KiB are missing", before->free - now.free);
	if (now.slab - before->slab > slab_room)
		FAIL("%ld KiB of slab are missing", now.slab - before->slab);
}

static void check_kills(int node, int rounds, int at_a_time)
{
	int *pids = calloc(at_a_time, sizeof(int));
	struct figures before = { };

	for (int round = -rounds / 4; round < rounds; round++) {
		if (!round) {		/* warm: caches are filled now */
			sleep_ms(300);
			before = figures_now();
		}
		for (int i = 0; i < at_a_time; i++)
			pids[i] = start_client(node);
		for (int i = 0; i < at_a_time; i++) {
			struct timespec ts = { 0, random_below(30000) * 1000 };

			nanosleep(&ts, NULL);
			kill_client(pids[i]);
		}
	}
	sleep_ms(500);
	check_figures(&before, 8 * 1024, 3 * 1024);
	for (int i = 0; own_slab_objects() && i < 300; i++)
		sleep_ms(10);
	EXPECT_EQ(own_slab_objects(), 0);
}

TEST_SECONDS(clients_of_a_null_device, 200)
{
	check_kills(null_add("latency_ns=300000 parallelism=2 jitter_ns=1000000"), 60, 3);
}

TEST_SECONDS(clients_of_a_device_that_stalls, 200)
{
	check_kills(null_add("latency_ns=100000 stall_every=5"), 40, 3);
}

TEST_SECONDS(clients_of_the_cpu, 200)
{
	int cpu = find_device("aioffload_cpu");

	if (cpu < 0)
		SKIP("no CPU device");
	check_kills(cpu, 40, 3);
}

TEST_SECONDS(clients_of_any_device, 200)
{
	null_add("latency_ns=200000 error_every=7");
	check_kills(-1, 40, 3);
}

/* ---- modules ---- */

static void unload(const char *module)
{
	char cmd[80], path[80];

	snprintf(cmd, sizeof(cmd), "rmmod %s", module);
	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
	/* the last close of a killed client may still be under way */
	for (int i = 0; read_long(path) > 0 && i < 500; i++)
		sleep_ms(10);
	if (read_long(path))
		FAIL("%s has %ld references", module, read_long(path));
	if (run_command(cmd))
		FAIL("%s", cmd);
}

/*
 * The drivers go while clients run; then clients are killed and core goes. A
 * round takes seconds under emulation, so the full 200 are for the long form.
 */
TEST_SECONDS(modules_come_and_go, 1800)
{
	const char *wanted = getenv("VMTEST_MODULE_ROUNDS");
	int rounds = wanted ? atoi(wanted) : 10;
	struct figures before = { };

	EXPECT(rounds > 0);
	for (int round = -4; round < rounds; round++) {
		int pids[2];

		if (!round) {
			sleep_ms(300);
			before = figures_now();
		}
		modules_load();
		write_text("/sys/module/aioffload_null/parameters/add", "latency_ns=50000");
		for (int i = 0; i < 2; i++)
			pids[i] = start_client(-1);
		sleep_ms(random_below(20));
		if (round % 2)
			kill_client(pids[0]);
		unload("aioffload_null");
		if (round % 3)
			unload("aioffload_cpu");
		if (!(round % 2))
			kill_client(pids[0]);
		kill_client(pids[1]);
		if (!(round % 3))
			unload("aioffload_cpu");
		unload("aioffload");
	}
	sleep_ms(500);
	check_figures(&before, 10 * 1024, 4 * 1024);
	modules_load();
}

static void toggle(void *arg)
{
	volatile bool *enough = arg;

	while (!*enough) {
		run_command("rmmod aioffload_null 2>/dev/null");
		if (module_load("aioffload_null", "nr_devices=3 latency_ns=0,10000,100000"))
			FAIL("loading aioffload_null");
	}
}

/* Loading and unloading at full speed, clients killed and started beside it. */
TEST_SECONDS(driver_toggled_under_killed_clients, 120)
{
	volatile bool *enough = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int pid, pids[3];
	uint64_t end = now_ns() + 15 * S;

	EXPECT(enough != MAP_FAILED);
	pid = spawn(toggle, (void *)enough);
	for (int i = 0; i < 3; i++)
		pids[i] = start_client(-1);
	while (now_ns() < end) {
		int i = random_below(3);

		kill_client(pids[i]);
		pids[i] = start_client(-1);
		sleep_ms(random_below(15));
	}
	for (int i = 0; i < 3; i++)
		kill_client(pids[i]);
	/* let it end by itself: a killed one may leave an insmod running */
	*enough = true;
	reap(pid);
	run_command("rmmod aioffload_null");
	modules_load();
}

/* Parameters of a module that is just going away or not yet there. */
TEST_SECONDS(parameters_written_during_unload, 120)
{
	int pid = fork();

	if (!pid) {
		for (;;) {
			write_text("/sys/module/aioffload_null/parameters/add", "latency_ns=1");
			write_text("/sys/module/aioffload_null/parameters/remove", "all");
		}
	}
	for (int i = 0; i < 20; i++) {
		modules_load();
		sleep_ms(random_below(10));
		unload("aioffload_null");
	}
	kill_client(pid);
	modules_load();
}
