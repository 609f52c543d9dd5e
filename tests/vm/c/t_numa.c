// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where jobs of the CPU device run, on a machine of three nodes with a CPU each,
 * the last of them isolated (test_numa.py).
 */
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include "vmtest.h"

#define S	1000000000ULL

#define NORMAL		AIOFFLOAD_QOS_NORMAL
#define REALTIME	AIOFFLOAD_QOS_REALTIME
#define WORKER		"aioff-normal"
#define GUIDE		"aioff-guide"
#define ISOLATED	2
#define SIDE		64
#define WORK		64
#define BYTES		(2 * SIDE * SIDE)

static int ctx;
static struct queue q;

/* ---- the machine ---- */

static void open_nodes(void)
{
	if (access("/sys/devices/system/node/node2", F_OK))
		SKIP("needs three NUMA nodes");
	ctx = open_cpu_ctx();
}

/* Each node has the CPU of its number. */
static void open_all(void)
{
	open_nodes();
	for (int n = 0; n < 3; n++) {
		char path[80];

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/node%d", n, n);
		EXPECT(!access(path, F_OK));
	}
	queue_open(&q, ctx, 8, 0);
}

/* New memory is on these nodes alone, in turn if several; 0: as ever. */
static void memory_on(unsigned long nodes)
{
	int mode = !nodes ? MPOL_DEFAULT : nodes & (nodes - 1) ? MPOL_INTERLEAVE : MPOL_BIND;

	MUST(syscall(SYS_set_mempolicy, mode, nodes ? &nodes : NULL, nodes ? 64 : 0));
}

/* The node of each page of a buffer, as the kernel sees it. */
static void expect_on(int buf, size_t bytes, int node)
{
	unsigned int nr = bytes / 4096;
	uint8_t *map = buf_map(buf, bytes);
	void *pages[64];
	int status[64];

	EXPECT(nr && nr <= 64);
	for (unsigned int i = 0; i < nr; i++) {
		pages[i] = map + i * 4096;
		*(volatile uint8_t *)pages[i] = 1;
	}
	MUST(syscall(SYS_move_pages, 0, nr, pages, NULL, status, 0));
	for (unsigned int i = 0; i < nr; i++)
		EXPECT_EQ(status[i], node);
	munmap(map, bytes);
}

/* A slot whose jobs take some tens of milliseconds if @window is WORK, with its buffer on these nodes. */
static unsigned int bind_on(unsigned long nodes, unsigned int window)
{
	static struct model_bytes m;
	struct aioffload_bind_io ios[2] = { 0 };
	unsigned int slot;
	int buf, model;

	make_work(&m, SIDE, window);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	memory_on(nodes);
	buf = MUST(buf_create(ctx, BYTES));
	memory_on(0);
	if (!(nodes & (nodes - 1)))
		expect_on(buf, BYTES, __builtin_ctzl(nodes));
	ios[0].buf_fd = buf;
	ios[1].buf_fd = buf;
	ios[1].offset = SIDE * SIDE;
	slot = MUST(bind_slot(ctx, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY));
	close(buf);
	close(model);
	return slot;
}

/* ---- who ran, and where ---- */

struct worker {
	int tid;
	uint64_t ran_ns;
};

static FILE *open_proc(int tid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, file);
	return fopen(path, "re");
}

static uint64_t ran_ns(int tid)
{
	FILE *f = open_proc(tid, "schedstat");
	unsigned long long ns = 0;

	if (f) {
		EXPECT_EQ(fscanf(f, "%llu", &ns), 1);
		fclose(f);
	}
	return ns;
}

/* Where it is or was last. */
static int cpu_of(int tid)
{
	FILE *f = open_proc(tid, "stat");
	int cpu = -1;

	if (!f)
		return -1;
	/* the 39th field; names of ours have no blanks */
	EXPECT_EQ(fscanf(f, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d",
			 &cpu), 1);
	fclose(f);
	return cpu;
}

static void may_use(int tid, char *list, size_t room)
{
	FILE *f = open_proc(tid, "status");
	char line[256];

	*list = 0;
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Cpus_allowed_list:", 18))
			snprintf(list, room, "%.*s", (int)strcspn(line + 19, "\n"), line + 19);
	if (f)
		fclose(f);
}

static unsigned int workers(struct worker *w, unsigned int room)
{
	int tids[16];
	unsigned int n = find_threads(WORKER, tids, 16);

	EXPECT(n <= room);
	for (unsigned int i = 0; i < n; i++)
		w[i] = (struct worker){ tids[i], ran_ns(tids[i]) };
	return n;
}

/* Who used most CPU time since @before, and how much that is. */
static int who_ran(const struct worker *before, unsigned int nr, uint64_t *most)
{
	struct worker after[16];
	unsigned int n = workers(after, 16);
	int tid = -1;

	*most = 0;
	for (unsigned int i = 0; i < n; i++) {
		uint64_t ns = after[i].ran_ns;

		for (unsigned int k = 0; k < nr; k++)
			if (before[k].tid == after[i].tid)
				ns -= before[k].ran_ns;
		if (ns > *most) {
			*most = ns;
			tid = after[i].tid;
		}
	}
	return tid;
}

/*
 * A job of a slot; the thread that ran it. The kernel writes its time down when it
 * falls asleep, and now and then. Others may just have been made, which takes time
 * as well, but not as much.
 */
static int job(unsigned int slot)
{
	static uint64_t takes_ns;
	struct worker before[16];
	uint64_t most = 0;
	unsigned int nr;
	int tid = -1;

	sleep_ms(5);
	nr = workers(before, 16);
	EXPECT_EQ(queue_one(&q, slot).status, 0);
	for (int i = 0; i < 100 && (!most || most < takes_ns / 2); i++) {
		sleep_ms(5);
		tid = who_ran(before, nr, &most);
	}
	if (!takes_ns || most < takes_ns)
		takes_ns = most;
	EXPECT(tid > 0);
	return tid;
}

static void expect_job_on(unsigned int slot, int cpu)
{
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(cpu_of(job(slot)), cpu);
}

/* ---- near their memory ---- */

TEST(jobs_run_where_their_memory_is)
{
	unsigned int slot[2];

	open_all();
	for (int n = 0; n < 2; n++)
		slot[n] = bind_on(1UL << n, WORK);
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(cpu_of(job(slot[i % 2])), i % 2);
	for (int n = 0; n < 2; n++)
		expect_job_on(slot[n], n);
}

/* So that nobody moves for each job. */
TEST(each_node_in_use_gets_a_thread)
{
	unsigned int slot[2];
	char list[64];
	int tid[2];

	open_all();
	for (int n = 0; n < 2; n++)
		slot[n] = bind_on(1UL << n, WORK);
	for (int i = 0; i < 6; i++) {
		job(slot[i % 2]);
		sleep_ms(50);	/* a thread is made meanwhile */
	}
	for (int n = 0; n < 2; n++)
		tid[n] = job(slot[n]);
	EXPECT(tid[0] != tid[1]);
	for (int i = 0; i < 10; i++) {
		EXPECT_EQ(job(slot[i % 2]), tid[i % 2]);
		for (int n = 0; n < 2; n++) {
			may_use(tid[n], list, sizeof(list));
			EXPECT_EQ(atoi(list), n);
			EXPECT_EQ(strlen(list), 1);
		}
	}
}

TEST(memory_on_many_nodes_is_near_none)
{
	unsigned int both, one;
	char list[64];

	open_all();
	both = bind_on(3, WORK);
	one = bind_on(2, WORK);
	expect_job_on(one, 1);
	may_use(job(both), list, sizeof(list));
	if (strcmp(list, "0-1"))
		FAIL("may use %s", list);
	expect_job_on(one, 1);
}

/* Threads that have no room where the memory is work elsewhere. */
TEST_SECONDS(no_cpu_is_idle_while_jobs_wait, 60)
{
	unsigned int slot, on[3] = { 0 };
	struct queue all;
	int tids[16];

	open_all();
	slot = bind_on(1, WORK / 4);
	queue_open(&all, ctx, 512, 0);
	for (int i = 0; i < 512; i++)
		queue_run(&all, slot, 0, 1, i, 50 * S);
	EXPECT_EQ(queue_enter(&all, 512, 0, 0), 512);
	while (queue_ready(&all) < 512) {
		unsigned int n = find_threads(WORKER, tids, 16);

		for (unsigned int i = 0; i < n; i++) {
			int cpu = cpu_of(tids[i]);

			EXPECT(cpu >= 0 && cpu < 3);
			on[cpu]++;
		}
		sleep_ms(5);
	}
	EXPECT(on[0] > 0);
	EXPECT(on[1] > 0);
	EXPECT_EQ(on[ISOLATED], 0);
	queue_close(&all);
	/* and the place is free again */
	expect_job_on(bind_on(1, WORK), 0);
}

/* What is admitted counts on all CPUs. */
TEST(realtime_is_not_narrowed)
{
	unsigned int slot;
	char list[64];
	int tid;

	open_nodes();
	slot = bind_on(2, WORK / 8);
	MUST(queue_create_qos(ctx, &q, 8, REALTIME, 20 * 1000000, S));
	queue_map(&q);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(queue_one(&q, slot).status, 0);
	EXPECT(find_threads("aioff-realt", &tid, 1) >= 1);
	may_use(tid, list, sizeof(list));
	EXPECT(strchr(list, '-'));
}

/* Whoever runs a job finds work memory near: there is some on each node. */
TEST(work_memory_is_on_all_nodes)
{
	static struct model_bytes m;
	struct aioffload_bind_io ios[2] = { 0 };
	unsigned int n = 4 << 20, on[3] = { 0 };
	char line[512];
	FILE *f;

	open_nodes();
	/* more than comes in one piece: such areas are listed */
	make_chain(&m, n, 3);
	ios[0].buf_fd = MUST(buf_create(ctx, 2ULL * n));
	ios[1].buf_fd = ios[0].buf_fd;
	ios[1].offset = n;
	MUST(bind_slot(ctx, MUST(model_load(ctx, m.data, m.bytes, NULL, 0)), ios, 2, 1,
		       AIOFFLOAD_SLOT_ANY));
	f = fopen("/proc/vmallocinfo", "re");
	EXPECT(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "[aioffload_cpu]") || !strstr(line, "pages=2048"))
			continue;
		for (unsigned int node = 0; node < 3; node++) {
			char all[16];

			snprintf(all, sizeof(all), " N%u=2048", node);
			on[node] += !!strstr(line, all);
		}
	}
	fclose(f);
	/* five, in turn */
	for (unsigned int node = 0; node < 3; node++)
		EXPECT(on[node] >= 1);
	EXPECT_EQ(on[0] + on[1] + on[2], 5);
}

/* ---- whatever the cgroup may use ---- */

static void works_in_cpuset(void *arg)
{
	struct queue other;
	unsigned int slot[2];

	(void)arg;
	cg_enter("job");
	open_all();
	for (int n = 0; n < 2; n++)
		slot[n] = bind_on(1UL << n, WORK);
	expect_job_on(slot[1], 0);
	expect_job_on(slot[0], 0);
	cg_write("job", "cpuset.cpus", "0-1");
	expect_job_on(slot[1], 1);
	expect_job_on(slot[0], 0);
	cg_write("job", "cpuset.cpus", "1");
	expect_job_on(slot[0], 1);
	expect_job_on(slot[1], 1);
	cg_write("job", "cpuset.cpus", "0-1");
	expect_job_on(slot[0], 0);
	/* what is at work leaves as well */
	slot[0] = bind_on(1, 4 * WORK - 1);
	queue_open(&other, ctx, 8, 0);
	queue_run(&other, slot[0], 0, 1, 0, 50 * S);
	EXPECT_EQ(queue_enter(&other, 1, 0, 0), 1);
	sleep_ms(20);
	cg_write("job", "cpuset.cpus", "1");
	expect_job_on(slot[1], 1);
}

/* Of somebody whose cgroup may use these CPUs. */
static void job_confined_to(const char *cpus, void (*works)(void *))
{
	open_nodes();
	cg_with("cpuset");
	close(cg_make("job"));
	cg_write("job", "cpuset.cpus", cpus);
	reap(spawn(works, NULL));
	cg_remove("job");
}

TEST(the_cpuset_wins)
{
	job_confined_to("0", works_in_cpuset);
}

TEST(isolated_cpus_are_left_alone)
{
	unsigned int slot;
	struct queue all;

	open_all();
	slot = bind_on(1UL << ISOLATED, WORK);
	for (int i = 0; i < 10; i++)
		EXPECT(cpu_of(job(slot)) != ISOLATED);
	slot = bind_on(1UL << ISOLATED, WORK / 4);
	/* nor is one used for want of others */
	queue_open(&all, ctx, 256, 0);
	for (int i = 0; i < 256; i++)
		queue_run(&all, slot, 0, 1, i, 50 * S);
	EXPECT_EQ(queue_enter(&all, 256, 0, 0), 256);
	while (queue_ready(&all) < 256) {
		int tids[16];
		unsigned int n = find_threads(WORKER, tids, 16);

		for (unsigned int i = 0; i < n; i++)
			EXPECT(cpu_of(tids[i]) != ISOLATED);
		sleep_ms(5);
	}
}

static void works_on_isolated(void *arg)
{
	unsigned int slot[2];

	(void)arg;
	cg_enter("job");
	open_all();
	slot[0] = bind_on(1UL << ISOLATED, WORK);
	slot[1] = bind_on(2, WORK);
	for (int n = 0; n < 2; n++)
		expect_job_on(slot[n], ISOLATED);
	/* with others it has a choice */
	cg_write("job", "cpuset.cpus", "1-2");
	for (int n = 0; n < 2; n++)
		expect_job_on(slot[n], 1);
}

TEST(isolated_cpus_are_used_if_the_cpuset_says_so)
{
	job_confined_to("2", works_on_isolated);
}

/* The thread that shows where others may run goes with them. */
TEST(no_thread_stays_behind)
{
	open_nodes();
	EXPECT_EQ(find_threads(GUIDE, NULL, 0), 0);
	queue_open(&q, ctx, 8, 0);
	EXPECT_EQ(queue_one(&q, bind_on(1, WORK / 8)).status, 0);
	EXPECT_EQ(find_threads(GUIDE, NULL, 0), 1);
	queue_close(&q);
	for (int i = 0; i < 200 && find_threads(GUIDE, NULL, 0); i++)
		sleep_ms(10);
	EXPECT_EQ(find_threads(GUIDE, NULL, 0), 0);
	EXPECT_EQ(find_threads(WORKER, NULL, 0), 0);
}
