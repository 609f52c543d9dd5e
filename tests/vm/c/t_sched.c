// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is told of cgroups on devices: that it is right, and to whom. */
#include <fcntl.h>
#include <sys/stat.h>
#include "vmtest.h"

#define MS	1000000ULL
#define EXEC	AIOFFLOAD_RIGHT_EXEC
#define LOAD	AIOFFLOAD_RIGHT_LOAD
#define NORMAL	AIOFFLOAD_QOS_NORMAL

static int admin;		/* a context of root's */
static int device;

static void setup(const char *settings)
{
	device = null_add(settings);
	admin = open_ctx(-1);
}

/* Context of a cgroup on the device, with a slot; the caller is in the root after. */
static struct bound bound_in(const char *cg)
{
	struct bound b;

	cg_enter(cg);
	bound_open(&b, open_ctx(device), 64, 4);
	cg_leave();
	return b;
}

static struct aioffload_sched told(int cg)
{
	struct aioffload_sched s;

	MUST(get_sched(admin, device, cg_id(cg), &s));
	EXPECT_EQ(s.cgroup_id, cg_id(cg));
	return s;
}

/* ---- bad questions ---- */

TEST(questions_that_make_no_sense)
{
	struct aioffload_sched s = ARG(sched);
	char path[64];
	int a;

	setup("");
	a = cg_make("a");
	bound_in("a");
	s.device = device;
	s.flags = 1;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_SCHED, &s), EINVAL);
	s.flags = 0;
	s.device = device + 1;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_SCHED, &s), ENODEV);
	s.device = ~0U;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_SCHED, &s), ENODEV);
	s.device = device;
	s.cgroup_id = ~0ULL;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_SCHED, &s), ENOENT);
	s.cgroup_id = cg_id(a);
	s.path = (uintptr_t)path;
	s.path_len = 6;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_SCHED, &s), ERANGE);
	s.path_len = 0;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_SCHED, &s), ERANGE);
	s.path = 8;
	s.path_len = 4096;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_SCHED, &s), EFAULT);
	s.path = 0;
	MUST(ioctl(admin, AIOFFLOAD_IOC_SCHED, &s));
	s.size = sizeof(s) - 1;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_SCHED, &s), EINVAL);
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_SCHED, NULL), EFAULT);
	/* looking is free: a descriptor for reading will do */
	MUST(get_sched(MUST(open("/dev/aioffload", O_RDONLY)), device, 0, &s));
}

/* ---- who is there ---- */

static unsigned int list(int ctx, uint64_t *ids, unsigned int room)
{
	struct aioffload_sched s;
	unsigned int n = 0;

	for (uint64_t id = 0; n < room && !get_sched(ctx, device, id, &s);
	     id = s.cgroup_id + 1) {
		EXPECT(s.cgroup_id >= id);
		ids[n++] = s.cgroup_id;
	}
	if (n < room)
		EXPECT_EQ(errno, ENOENT);
	return n;
}

TEST(cgroups_are_told_while_they_use_the_device)
{
	struct aioffload_sched s = ARG(sched);
	uint64_t ids[8], root;
	char path[4096], want[4096];
	struct bound b, c;
	struct stat st;
	int a, ab;

	setup("");
	MUST(stat("/sys/fs/cgroup", &st));
	root = st.st_ino;
	a = cg_make("a");
	ab = cg_make("a/b");
	cg_make("c");
	EXPECT_EQ(list(admin, ids, 8), 1);	/* the root is always there */
	EXPECT_EQ(ids[0], root);
	b = bound_in("a/b");
	/* with all above it: root, this test's, a, a/b */
	EXPECT_EQ(list(admin, ids, 8), 4);
	EXPECT_EQ(ids[2], cg_id(a));
	EXPECT_EQ(ids[3], cg_id(ab));
	s = told(ab);
	EXPECT_EQ(s.parent_id, cg_id(a));
	EXPECT_EQ(s.contexts, 1);
	EXPECT_EQ(s.queues, 0);
	EXPECT_EQ(s.host, 0);
	EXPECT_EQ(s.effective, 100);
	EXPECT_EQ(told(a).contexts, 0);
	s.path = (uintptr_t)path;
	s.path_len = sizeof(path);
	MUST(ioctl(admin, AIOFFLOAD_IOC_SCHED, &s));
	cg_path(want, sizeof(want), "a/b");
	EXPECT(!strcmp(path, want + strlen("/sys/fs/cgroup")));
	MUST(get_sched(admin, device, 0, &s));
	EXPECT_EQ(s.parent_id, 0);
	EXPECT_EQ(s.effective, 0);
	c = bound_in("a/b");
	MUST(bound_again(&c));			/* the same context */
	EXPECT_EQ(told(ab).contexts, 2);
	close(c.ctx);
	close(b.ctx);
	for (int i = 0; list(admin, ids, 8) != 1; i++) {
		EXPECT(i < 500);		/* they go in a worker */
		sleep_ms(10);
	}
}

/* A device of another class of machine: the host. */
TEST(the_cpu_is_told_as_what_it_is)
{
	struct aioffload_sched s;
	struct queue q;
	struct bound b;
	int a;

	device = find_device("aioffload_cpu");
	if (device < 0)
		SKIP("no CPU device");
	admin = open_ctx(-1);
	a = cg_make("a");
	cg_enter("a");
	bound_open(&b, open_ctx(device), 64, 4);
	queue_open(&q, b.ctx, 64, 0);
	/* many at once: some end before they are all submitted */
	for (int i = 0; i < 10; i++) {
		for (int k = 0; k < 50; k++)
			queue_run(&q, b.slot, k % 4, 1, k, 0);
		EXPECT_EQ(queue_enter(&q, 50, 50, 20000 * MS), 50);
		for (int k = 0; k < 50; k++)
			EXPECT_EQ(queue_reap_one(&q).status, 0);
	}
	cg_leave();
	s = told(a);
	EXPECT_EQ(s.host, 1);
	EXPECT_EQ(s.lag_ns, 0);
	EXPECT_EQ(s.classes[NORMAL].done, 500);
	EXPECT(s.classes[NORMAL].served_ns > 0);
	EXPECT(s.total_ns >= s.classes[NORMAL].served_ns);
	EXPECT_EQ(s.queues, 1);
	EXPECT_EQ(s.classes[AIOFFLOAD_QOS_BACKGROUND].done, 0);
}

/* ---- what they had ---- */

TEST(jobs_are_counted_where_they_belong)
{
	struct aioffload_sched s;
	uint64_t before, total;
	struct queue q;
	struct bound b;
	int a;

	setup("latency_ns=5000000 queue_depth=1");
	a = cg_make("a");
	b = bound_in("a");
	MUST(queue_create_qos(b.ctx, &q, 16, AIOFFLOAD_QOS_BACKGROUND, 0, 0));
	queue_map(&q);
	total = told(a).total_ns;
	before = now_ns();
	for (int i = 0; i < 10; i++)
		queue_run(&q, b.slot, 0, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 10, 0, 0), 10);
	s = told(a);
	EXPECT_EQ(s.classes[AIOFFLOAD_QOS_BACKGROUND].running, 1);
	EXPECT(s.classes[AIOFFLOAD_QOS_BACKGROUND].waiting >= 8);
	EXPECT_EQ(queue_enter(&q, 0, 10, 20000 * MS), 0);
	before = now_ns() - before;
	s = told(a);
	EXPECT_EQ(s.classes[AIOFFLOAD_QOS_BACKGROUND].done, 10);
	EXPECT_EQ(s.classes[AIOFFLOAD_QOS_BACKGROUND].running, 0);
	EXPECT_EQ(s.classes[AIOFFLOAD_QOS_BACKGROUND].waiting, 0);
	EXPECT(s.classes[AIOFFLOAD_QOS_BACKGROUND].served_ns >= 50 * MS);
	EXPECT(s.classes[AIOFFLOAD_QOS_BACKGROUND].served_ns <= before);
	EXPECT_EQ(s.total_ns - total, s.classes[AIOFFLOAD_QOS_BACKGROUND].served_ns);
	/* the last one waited for nine others, all together for 45 */
	EXPECT(s.classes[AIOFFLOAD_QOS_BACKGROUND].wait_max_ns >= 44 * MS);
	EXPECT(s.classes[AIOFFLOAD_QOS_BACKGROUND].waited_ns >= 220 * MS);
	EXPECT_EQ(s.classes[AIOFFLOAD_QOS_BACKGROUND].missed, 0);
	EXPECT_EQ(s.classes[NORMAL].done, 0);
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	EXPECT_EQ(told(a).classes[NORMAL].done, 1);
}

TEST(deadlines_missed_are_counted)
{
	const unsigned int rt = AIOFFLOAD_QOS_REALTIME;
	struct aioffload_sched_class c;
	struct queue q;
	struct bound b;
	int a;

	setup("latency_ns=5000000");
	a = cg_make("a");
	b = bound_in("a");
	/* due 1 ms after it was submitted: not on this device */
	MUST(queue_create_qos(b.ctx, &q, 8, rt, MS / 2, MS));
	queue_map(&q);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(queue_one(&q, b.slot).status, 0);
	c = told(a).classes[rt];
	EXPECT_EQ(c.done, 4);
	EXPECT_EQ(c.missed, 4);
	EXPECT(c.late_max_ns >= 4 * MS && c.late_max_ns < 10000 * MS);
	queue_close(&q);
	MUST(queue_create_qos(b.ctx, &q, 8, rt, MS, 4000 * MS));
	queue_map(&q);
	EXPECT_EQ(queue_one(&q, b.slot).status, 0);
	c = told(a).classes[rt];
	EXPECT_EQ(c.done, 5);
	EXPECT_EQ(c.missed, 4);
}

/* Owed is who waits while another one has the device. */
TEST(lag_is_told)
{
	struct queue qa, qb;
	struct bound a, b;
	int ca, cb;

	setup("latency_ns=300000000 queue_depth=1");
	ca = cg_make("a");
	cb = cg_make("b");
	a = bound_in("a");
	b = bound_in("b");
	queue_open(&qa, a.ctx, 8, 0);
	queue_open(&qb, b.ctx, 8, 0);
	for (int i = 0; i < 3; i++) {
		queue_run(&qa, a.slot, 0, 1, i, 0);
		queue_run(&qb, b.slot, 0, 1, i, 0);
	}
	EXPECT_EQ(queue_enter(&qa, 3, 0, 0), 3);
	EXPECT_EQ(queue_enter(&qb, 3, 0, 0), 3);
	EXPECT_EQ(queue_enter(&qa, 0, 1, 10000 * MS), 0);
	/* a had a job of 300 ms, b is having one and was charged its estimate */
	EXPECT(told(ca).lag_ns < 0);
	EXPECT(told(cb).lag_ns > 0);
	EXPECT_EQ(told(ca).lag_background_ns, 0);
	EXPECT_EQ(queue_enter(&qa, 0, 3, 10000 * MS), 0);
	EXPECT_EQ(queue_enter(&qb, 0, 3, 10000 * MS), 0);
}

/* What has gone is its parent's; nothing is lost, and nothing counts twice. */
TEST(what_has_gone_is_its_parents)
{
	struct aioffload_sched s;
	struct bound keep, go;
	int p, c;

	/* long enough to be seen as asynchronous, however slow the machine */
	setup("latency_ns=20000000");
	p = cg_make("p");
	c = cg_make("p/c");
	keep = bound_in("p");
	go = bound_in("p/c");
	for (int i = 0; i < 3; i++)
		MUST(run_slot(go.ctx, go.slot, 0, 1, 0));
	MUST(run_slot(keep.ctx, keep.slot, 0, 1, 0));
	EXPECT_EQ(told(c).classes[NORMAL].done, 3);
	EXPECT_EQ(told(p).classes[NORMAL].done, 1);
	close(go.ctx);
	for (int i = 0; told(p).classes[NORMAL].done != 4; i++) {
		EXPECT(i < 500);
		sleep_ms(10);
	}
	s = told(p);
	EXPECT(s.classes[NORMAL].served_ns >= 4 * MS);
	EXPECT_EQ(s.classes[NORMAL].served_ns, s.total_ns);
	/* it comes again, and begins anew */
	go = bound_in("p/c");
	EXPECT_EQ(told(c).classes[NORMAL].done, 0);
	MUST(run_slot(go.ctx, go.slot, 0, 1, 0));
	EXPECT_EQ(told(c).classes[NORMAL].done, 1);
	EXPECT_EQ(told(p).classes[NORMAL].done, 4);
}

/* ---- to whom ---- */

static void sees_its_own(void *arg)
{
	const uint64_t *others = arg;
	struct aioffload_sched s;
	uint64_t ids[8];
	int ctx, u, below;

	u = cg_open("u");
	below = cg_open("u/below");
	cg_become("u");
	ctx = open_ctx(-1);
	EXPECT_EQ(list(ctx, ids, 8), 2);
	EXPECT_EQ(ids[0], cg_id(u));
	EXPECT_EQ(ids[1], cg_id(below));
	/* what lies above is not named either */
	MUST(get_sched(ctx, device, 0, &s));
	EXPECT_EQ(s.parent_id, 0);
	MUST(get_sched(ctx, device, cg_id(below), &s));
	EXPECT_EQ(s.parent_id, cg_id(u));
	/* asking for others by number finds the next of one's own */
	for (int i = 0; i < 2; i++)
		if (!get_sched(ctx, device, others[i], &s))
			EXPECT(s.cgroup_id == cg_id(u) || s.cgroup_id == cg_id(below));
	/* a descriptor that root opened shows no more */
	EXPECT_EQ(list(admin, ids, 8), 2);
}

static void sees_nothing(void *arg)
{
	struct aioffload_sched s;
	uint64_t ids[8];

	(void)arg;
	cg_become("v");
	EXPECT_EQ(list(open_ctx(-1), ids, 8), 0);
	EXPECT_ERRNO(get_sched(open_ctx(-1), device, 0, &s), ENOENT);
}

static void sees_no_device(void *arg)
{
	struct aioffload_sched s;

	(void)arg;
	cg_become("u");
	EXPECT_ERRNO(get_sched(open_ctx(-1), device, 0, &s), ENODEV);
	EXPECT_ERRNO(get_sched(admin, device, 0, &s), ENODEV);
}

TEST(strangers_see_nothing)
{
	uint64_t others[2];
	int u;

	setup("");
	others[0] = cg_id(cg_make("w"));
	u = cg_make("u");
	cg_make("u/below");
	cg_make("v");			/* does not use the device */
	bound_in("u");
	bound_in("u/below");
	bound_in("w");
	others[1] = 1;
	reap(spawn(sees_its_own, others));
	reap(spawn(sees_nothing, NULL));
	MUST(grant_devices(admin, u, EXEC | LOAD, only_device(device + 1)));
	reap(spawn(sees_no_device, NULL));
}
