// SPDX-License-Identifier: LGPL-2.1-or-later
/* More than one's share, by being many, or elsewhere, or quick. */
#include <pthread.h>
#include <sys/socket.h>
#include "sectest.h"

#define THREADS		64
#define EACH		4

struct race {
	int ctx;
	struct bound *b;
	pthread_barrier_t start;
	/* One attempt: 0, or -1 and errno */
	int (*attempt)(struct race *r);
	unsigned int each, got, refused;
};

static void *racer(void *arg)
{
	struct race *r = arg;

	pthread_barrier_wait(&r->start);
	for (unsigned int i = 0; i < r->each; i++) {
		if (!r->attempt(r))
			__atomic_fetch_add(&r->got, 1, __ATOMIC_RELAXED);
		else if (errno == EDQUOT)
			__atomic_fetch_add(&r->refused, 1, __ATOMIC_RELAXED);
		else
			FAIL("neither yes nor EDQUOT: %s", strerror(errno));
	}
	return NULL;
}

static void race(struct race *r)
{
	pthread_t t[THREADS];

	EXPECT(!pthread_barrier_init(&r->start, NULL, THREADS));
	for (int i = 0; i < THREADS; i++)
		EXPECT(!pthread_create(&t[i], NULL, racer, r));
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(r->got + r->refused, THREADS * r->each);
}

static int take_model(struct race *r)
{
	return load_file(r->ctx, "good") < 0 ? -1 : 0;
}

static int take_page(struct race *r)
{
	return buf_create(r->ctx, 4096) < 0 ? -1 : 0;
}

static int take_queue(struct race *r)
{
	struct aioffload_queue_create c = ARG(queue_create);

	c.sq_entries = 1;
	return ioctl(r->ctx, AIOFFLOAD_IOC_QUEUE_CREATE, &c);
}

static int take_job(struct race *r)
{
	return run_slot(r->b->ctx, r->b->slot, 0, 1, 0);
}

static int take_and_give_back(struct race *r)
{
	int fd = buf_create(r->ctx, 8192);

	return fd < 0 ? -1 : close(fd);
}

struct tenant {
	int admin, cgroup, id;
};

static void set_tenant(struct tenant *t)
{
	fresh();
	t->admin = open_ctx(-1);
	t->cgroup = cg_open("tenant");
	t->id = find_device("aioffload_cpu");
	open_to_all();
}

/* In the tenant: exactly n get through, and all that is said of it fits. */
static void exactly(struct tenant *t, uint32_t resource, uint64_t n, uint64_t unit,
		    int (*attempt)(struct race *r))
{
	struct race r = { .each = EACH, .attempt = attempt };
	struct aioffload_usage u;

	cg_enter("tenant");
	become(NOBODY);
	r.ctx = open_ctx(t->id);
	race(&r);
	u = usage(r.ctx, -1, resource);
	EXPECT_EQ(r.got, n);
	EXPECT_EQ(u.used, n * unit);
	EXPECT_EQ(u.peak, n * unit);
	EXPECT_EQ(u.events, THREADS * EACH - n);
	EXPECT_EQ(u.limit, n * unit);
}

static void comes_back(struct tenant *t, uint32_t resource)
{
	uint64_t end = now_ns() + 5000000000ULL;

	while (usage(t->admin, t->cgroup, resource).used && now_ns() < end)
		sleep_ms(10);
	EXPECT_EQ(usage(t->admin, t->cgroup, resource).used, 0);
}

static void models(void *arg)
{
	exactly(arg, AIOFFLOAD_RES_MODELS, 10, 1, take_model);
}

static void pages(void *arg)
{
	exactly(arg, AIOFFLOAD_RES_BYTES, 40, 4096, take_page);
}

static void queues(void *arg)
{
	exactly(arg, AIOFFLOAD_RES_QUEUES, 7, 1, take_queue);
}

TEST_SECONDS(t40_quota_race, 90)
{
	struct tenant t;

	set_tenant(&t);
	MUST(set_limit(t.admin, t.cgroup, AIOFFLOAD_RES_MODELS, 10, 0));
	in_child(models, &t);
	comes_back(&t, AIOFFLOAD_RES_MODELS);
	AUDIT_EXPECT("op=limit", "res=0");
	MUST(set_limit(t.admin, t.cgroup, AIOFFLOAD_RES_QUEUES, 7, 0));
	in_child(queues, &t);
	comes_back(&t, AIOFFLOAD_RES_QUEUES);
	comes_back(&t, AIOFFLOAD_RES_BYTES);
	unharmed();
}

TEST_SECONDS(t40_quota_race_for_bytes, 60)
{
	struct tenant t;

	set_tenant(&t);
	MUST(set_limit(t.admin, t.cgroup, AIOFFLOAD_RES_BYTES, 40 * 4096, 0));
	in_child(pages, &t);
	comes_back(&t, AIOFFLOAD_RES_BYTES);
	unharmed();
}

static void jobs(void *arg)
{
	struct race r = { .each = EACH, .attempt = take_job };
	struct tenant *t = arg;
	struct aioffload_usage u;
	struct bound b;

	cg_enter("tenant");
	become(NOBODY);
	r.ctx = open_ctx(t->id);
	r.b = &b;
	bound_file(&b, r.ctx, "good");
	race(&r);
	u = usage(r.ctx, -1, AIOFFLOAD_RES_JOBS);
	EXPECT(u.peak <= 5);
	EXPECT(r.got >= 5 && r.refused > 0);
	EXPECT_EQ(u.events, r.refused);
	EXPECT_EQ(u.used, 0);
	/* What is on its way ends, and then there is room again. */
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
}

TEST_SECONDS(t40_quota_race_for_jobs, 60)
{
	struct tenant t;

	set_tenant(&t);
	t.id = null_add("latency_ns=300000000");
	open_to_all();
	MUST(set_limit(t.admin, t.cgroup, AIOFFLOAD_RES_JOBS, 5, 0));
	in_child(jobs, &t);
	comes_back(&t, AIOFFLOAD_RES_JOBS);
	unharmed();
}

static void churn(void *arg)
{
	struct race r = { .each = 50, .attempt = take_and_give_back };
	struct tenant *t = arg;

	cg_enter("tenant/inner");
	become(NOBODY);
	r.ctx = open_ctx(t->id);
	race(&r);
	EXPECT(r.got > 0);
}

/* Giving back races with taking, and with limits that change meanwhile. */
TEST_SECONDS(t40_quota_race_with_changing_limits, 60)
{
	struct aioffload_usage u;
	struct tenant t;
	int pid;

	set_tenant(&t);
	close(cg_open("tenant/inner"));
	MUST(set_limit(t.admin, t.cgroup, AIOFFLOAD_RES_BYTES, 8 * 8192, 0));
	pid = spawn(churn, &t);
	for (int i = 0; i < 100; i++) {
		MUST(set_limit(t.admin, t.cgroup, AIOFFLOAD_RES_BYTES, (i % 8 + 1) * 8192, 0));
		sleep_ms(2);
	}
	reap(pid);
	u = usage(t.admin, t.cgroup, AIOFFLOAD_RES_BYTES);
	EXPECT(u.peak <= 8 * 8192);
	comes_back(&t, AIOFFLOAD_RES_BYTES);
	unharmed();
}

/* ---- T41, T42 ---- */

static void fills(void *arg)
{
	int *sock = arg, ctx, n = 0;
	char c;

	cg_enter("tenant/a");
	become(NOBODY);
	ctx = open_ctx(-1);
	while (load_file(ctx, "good") >= 0)
		n++;
	EXPECT_EQ(errno, EDQUOT);
	EXPECT_EQ(n, 3);
	MUST(write(sock[0], "f", 1));
	EXPECT_EQ(read(sock[0], &c, 1), 1);
}

static void finds_nothing_left(void *arg)
{
	int ctx;

	(void)arg;
	cg_enter("tenant/b");
	become(NOBODY);
	ctx = open_ctx(-1);
	EXPECT_ERRNO(load_file(ctx, "good"), EDQUOT);
	close(MUST(buf_create(ctx, 4096)));
}

TEST(t41_quota_by_hierarchy)
{
	struct tenant t;
	int sock[2], pid, a, b;
	char c;

	set_tenant(&t);
	a = cg_open("tenant/a");
	b = cg_open("tenant/b");
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	MUST(set_limit(t.admin, t.cgroup, AIOFFLOAD_RES_MODELS, 3, 0));
	MUST(set_limit(t.admin, a, AIOFFLOAD_RES_MODELS, 100, 0));
	pid = spawn(fills, sock);
	EXPECT_EQ(read(sock[1], &c, 1), 1);
	in_child(finds_nothing_left, NULL);
	EXPECT_EQ(usage(t.admin, t.cgroup, AIOFFLOAD_RES_MODELS).used, 3);
	EXPECT_EQ(usage(t.admin, a, AIOFFLOAD_RES_MODELS).used, 3);
	EXPECT_EQ(usage(t.admin, b, AIOFFLOAD_RES_MODELS).used, 0);
	EXPECT(usage(t.admin, t.cgroup, AIOFFLOAD_RES_MODELS).events >= 2);
	/* Whose limit it was, which is not whoever hit it. */
	AUDIT_EXPECT("op=limit", "/tenant\"", "resource=models limit=3 ", "errno=122 res=0");
	MUST(write(sock[1], "e", 1));
	reap(pid);
	comes_back(&t, AIOFFLOAD_RES_MODELS);
	unharmed();
}

static void opens_for_another(void *arg)
{
	int *sock = arg;

	cg_enter("tenant");
	become(NOBODY);
	pass_fd(sock[0], open_ctx(-1));
}

static void loads_elsewhere(void *arg)
{
	int *sock = arg, ctx = take_fd(sock[1]);

	cg_enter("other");
	become(NOBODY);
	MUST(load_file(ctx, "good"));
	MUST(load_file(ctx, "good"));
	EXPECT_ERRNO(load_file(ctx, "good"), EDQUOT);
	EXPECT_EQ(usage(ctx, -1, AIOFFLOAD_RES_MODELS).used, 0);
}

/* The cgroup that opened a context pays, wherever the caller is. */
TEST(t42_quota_by_fd_passing)
{
	struct tenant t;
	int sock[2];

	set_tenant(&t);
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	MUST(set_limit(t.admin, t.cgroup, AIOFFLOAD_RES_MODELS, 2, 0));
	in_child(opens_for_another, sock);
	in_child(loads_elsewhere, sock);
	EXPECT_EQ(usage(t.admin, t.cgroup, AIOFFLOAD_RES_MODELS).peak, 2);
	AUDIT_EXPECT("op=limit", "/tenant\"", "resource=models limit=2 ", "errno=122 res=0");
	comes_back(&t, AIOFFLOAD_RES_MODELS);
	unharmed();
}

/* ---- T43 ---- */

static void burns(void *arg)
{
	struct tenant *t = arg;
	unsigned int yes = 0, no = 0;
	struct bound b;

	cg_enter("tenant");
	become(NOBODY);
	bound_file(&b, open_ctx(t->id), "good");
	for (uint64_t end = now_ns() + 1000000000ULL; now_ns() < end; ) {
		if (!run_slot(b.ctx, b.slot, 0, 1, 0)) {
			yes++;
		} else {
			EXPECT_EQ(errno, EDQUOT);
			no++;
			sleep_ms(1);
		}
	}
	EXPECT(yes && no);
	/* 50 jobs of 20 ms would fit into the second; the share is a tenth. */
	EXPECT(yes <= 15);
}

TEST(t43_device_time)
{
	struct tenant t;

	set_tenant(&t);
	t.id = null_add("latency_ns=20000000");
	open_to_all();
	MUST(set_limit(t.admin, t.cgroup, AIOFFLOAD_RES_TIME, 10000000, 100000000));
	in_child(burns, &t);
	EXPECT(usage(t.admin, t.cgroup, AIOFFLOAD_RES_TIME).events > 0);
	AUDIT_EXPECT("op=limit", "/tenant\"", "resource=time limit=10000000 ", "count=",
		     "errno=122 res=0");
	unharmed();
}
