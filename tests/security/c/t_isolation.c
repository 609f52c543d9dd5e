// SPDX-License-Identifier: LGPL-2.1-or-later
/* One tenant's way to another's jobs, memory, models or records. */
#include <fcntl.h>
#include <linux/audit.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "sectest.h"

/* ---- T50 ---- */

#define FLOODERS	8
#define FLOOD		400

static void *flood(void *arg)
{
	static struct blob bad;
	int ctx = *(int *)arg;

	if (!bad.bytes)
		blob_read(&bad, "unsigned");
	for (int i = 0; i < FLOOD; i++)
		EXPECT_ERRNO(model_load(ctx, bad.data, bad.bytes, NULL, 0), EKEYREJECTED);
	return NULL;
}

static void flooder(void *arg)
{
	pthread_t t[FLOODERS];
	int ctx;

	(void)arg;
	become(NOBODY);
	ctx = open_ctx(-1);
	for (int i = 0; i < FLOODERS; i++)
		EXPECT(!pthread_create(&t[i], NULL, flood, &ctx));
	for (int i = 0; i < FLOODERS; i++)
		pthread_join(t[i], NULL);
}

TEST_SECONDS(t50_audit_flood, 60)
{
	uint64_t refused_before, took;
	struct bound b;

	fresh();
	open_to_all();
	/* A small backlog that nobody empties quickly, and no patience */
	EXPECT_EQ(audit_set(AUDIT_STATUS_BACKLOG_LIMIT, 16), 0);
	bound_file(&b, open_ctx(-1), "good");
	refused_before = policy_now().refused;
	took = now_ns();
	in_child(flooder, NULL);
	took = now_ns() - took;
	bound_works(&b);	/* jobs don't wait for records */
	EXPECT_EQ(audit_set(AUDIT_STATUS_BACKLOG_LIMIT, 8192), 0);
	/* Each is counted, though not each has a record of its own. */
	EXPECT_EQ(policy_now().refused - refused_before, FLOODERS * FLOOD);
	EXPECT(audit_count("op=model_refuse") > 0);
	EXPECT(took < 45000000000ULL * slower());
	/* And who comes after it is heard again. */
	sleep_ms(1500);
	refused(open_ctx(-1), "wrong-key", ENOKEY);
	unharmed();
}

/* Who may grant has every record of it, but not all of the log. */
static void grants_without_end(void *arg)
{
	int below = cg_open("delegate/below"), ctx;

	(void)arg;
	cg_enter("delegate");
	become(NOBODY);
	ctx = open_ctx(-1);
	for (int i = 0; i < 1000; i++) {
		MUST(grant(ctx, below, AIOFFLOAD_RIGHT_EXEC));
		MUST(set_limit(ctx, below, AIOFFLOAD_RES_MODELS, i, 0));
	}
}

TEST_SECONDS(t50_audit_flood_by_a_delegate, 60)
{
	int admin, i;

	fresh();
	admin = open_ctx(-1);
	MUST(grant(admin, cg_open("delegate"), AIOFFLOAD_RIGHT_EXEC |
		   AIOFFLOAD_RIGHT_LOAD | AIOFFLOAD_RIGHT_ADMIN));
	open_to_all();
	audit_watch();
	in_child(grants_without_end, NULL);
	sleep_ms(1500);
	EXPECT(audit_count("op=grant") + audit_count("op=limit_set") < 250);
	EXPECT(audit_count("count=") > 0);
	AUDIT_EXPECT("op=grant", "uid=65534 ", "rights=0x1 ", "/below", "count=", "res=1");
	AUDIT_EXPECT("op=limit_set", "uid=65534 ", "resource=models", "count=", "res=1");
	/* The administrator's own are told one by one. */
	audit_watch();
	for (i = 0; i < 200; i++)
		MUST(grant(admin, cg_open("delegate"), 0));
	EXPECT_EQ(audit_count("op=grant"), 200);
	unharmed();
}

/* ---- T51 ---- */

static void lies(void *arg)
{
	(void)arg;
	cg_enter("x res=1 op=y\" z");
	prctl(PR_SET_NAME, "a\" res=1 op=x");
	become(NOBODY);
	EXPECT_ERRNO(load_file(open_ctx(-1), "unsigned"), EKEYREJECTED);
}

TEST(t51_forged_record)
{
	fresh();
	open_to_all();
	audit_watch();
	in_child(lies, NULL);
	AUDIT_EXPECT("op=model_refuse", "res=0");
	/* What a tenant names is in hex, so it forges no field. */
	EXPECT_EQ(audit_count("res=1 op="), 0);
	EXPECT_EQ(audit_count("a\" "), 0);
	/* A manifest can't carry such names at all: t14. */
	unharmed();
}

static void walks_away(void *arg)
{
	(void)arg;
	cg_open("hides");
	cg_open("hides/here");
	cg_open("hides/behind");
	cg_enter("hides/behind");
	MUST(unshare(CLONE_NEWCGROUP));
	cg_enter("hides/here");
	become(NOBODY);
	EXPECT_ERRNO(load_file(open_ctx(-1), "unsigned"), EKEYREJECTED);
}

/* Who leaves his own cgroup namespace is named all the same. */
TEST(t51_record_without_a_place)
{
	fresh();
	open_to_all();
	audit_watch();
	in_child(walks_away, NULL);
	AUDIT_EXPECT("op=model_refuse", "uid=65534 ", "/hides/here\" ", "res=0");
	unharmed();
}

/* ---- T60 ---- */

static void steal(void *arg)
{
	int victim = getppid(), pidfd;
	char path[64];
	int *fds = arg;

	become(NOBODY);
	pidfd = syscall(SYS_pidfd_open, victim, 0);
	if (pidfd >= 0)
		EXPECT(syscall(SYS_pidfd_getfd, pidfd, fds[0], 0) < 0);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", victim, fds[i]);
		EXPECT(open(path, O_RDWR) < 0);
	}
}

TEST(t60_cross_context_handles)
{
	struct aioffload_bind_io ios[2] = { 0 };
	struct aioffload_cqe cqe;
	struct bound mine, theirs;
	char path[64];
	struct queue q;
	int cpu;

	fresh();
	cpu = find_device("aioffload_cpu");
	bound_file(&mine, open_ctx(cpu), "good");
	theirs.ctx = open_ctx(cpu);
	/* Slots are a context's own, */
	EXPECT_ERRNO(run_slot(theirs.ctx, mine.slot, 0, 1, 0), ENOENT);
	EXPECT_ERRNO(unbind(theirs.ctx, mine.slot), ENOENT);
	queue_open(&q, theirs.ctx, 8, 0);
	queue_run(&q, mine.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 1, 0), 1);
	EXPECT(queue_reap(&q, &cqe));
	EXPECT_EQ(cqe.status, -ENOENT);
	/* a handle is of one kind only, */
	ios[0].buf_fd = mine.model;
	ios[1] = (struct aioffload_bind_io){ .buf_fd = mine.buf, .offset = 64 };
	EXPECT_ERRNO(bind_slot(theirs.ctx, mine.model, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EINVAL);
	ios[0].buf_fd = mine.buf;
	EXPECT_ERRNO(bind_slot(theirs.ctx, mine.buf, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EINVAL);
	EXPECT_ERRNO(bind_slot(theirs.ctx, q.fd, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EINVAL);
	EXPECT_ERRNO(bind_slot(theirs.ctx, 999, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EBADF);
	/* has no name in the file system to open it by, */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mine.model);
	EXPECT_ERRNO(open(path, O_RDWR), ENXIO);
	/* and can't be taken from a process of another user. */
	in_child(steal, (int[]){ mine.ctx, mine.model, mine.buf });
	/* Given away, a model is of use: that is what descriptors are for. */
	bound_model(&theirs, theirs.ctx, mine.model);
	bound_works(&theirs);
	bound_works(&mine);
	unharmed();
}

/* ---- T61 ---- */

static void abuses(void *arg)
{
	int *ids = arg;
	struct bound b;

	cg_enter("abuser");
	become(NOBODY);
	bound_file(&b, open_ctx(ids[0]), "good");
	for (int i = 0; i < 12; i++)
		EXPECT_ERRNO(run_slot(b.ctx, b.slot, 0, 1, 1000000), ETIME);
}

/* Its own impatience is not the model's fault. */
TEST_SECONDS(t61_cross_tenant_quarantine, 60)
{
	struct aioffload_block g = ARG(block);
	struct bound b;
	int id;

	fresh();
	id = null_add("latency_ns=200000000");
	bound_file(&b, open_ctx(id), "good");
	open_to_all();
	in_child(abuses, &id);
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	g.op = AIOFFLOAD_BLOCK_GET;
	EXPECT_ERRNO(ioctl(b.ctx, AIOFFLOAD_IOC_BLOCK, &g), ENOENT);
	unharmed();
}

/*
 * A model that the lender loaded; jobs that really take longer than it may,
 * but they are the borrower's.
 */
static void borrows_and_stalls(void *arg)
{
	int *fds = arg;
	struct bound b;

	cg_enter("borrower");
	become(NOBODY);
	bound_model(&b, open_ctx(fds[0]), fds[1]);
	for (int i = 0; i < 8; i++)
		EXPECT_ERRNO(run_slot(b.ctx, b.slot, 0, 1, 0), ETIME);
}

TEST_SECONDS(t61_lent_model, 60)
{
	struct bound slow, fast;
	int fds[2], err = 0;

	fresh();
	fds[0] = null_add("latency_ns=400000000");	/* the model may 50 ms */
	bound_file(&fast, open_null("latency_ns=1000000"), "budget");
	fds[1] = fast.model;
	open_to_all();
	in_child(borrows_and_stalls, fds);
	MUST(run_slot(fast.ctx, fast.slot, 0, 1, 0));
	/* The lender's own jobs do count, so there is something to fear. */
	bound_model(&slow, open_ctx(fds[0]), fds[1]);
	for (int i = 0; i < 20 && err != ENOTRECOVERABLE; i++) {
		EXPECT(run_slot(slow.ctx, slow.slot, 0, 1, 0) < 0);
		err = errno;
	}
	EXPECT_EQ(err, ENOTRECOVERABLE);
	EXPECT_ERRNO(run_slot(fast.ctx, fast.slot, 0, 1, 0), ENOTRECOVERABLE);
	AUDIT_EXPECT("op=quarantine", "res=0");
	/* Until somebody has looked at it */
	EXPECT_ERRNO(load_file(slow.ctx, "budget"), ENOTRECOVERABLE);
	MUST(block(slow.ctx, AIOFFLOAD_BLOCK_DEL, AIOFFLOAD_BLOCK_QUARANTINE, load_digest));
	unharmed();
}

/* ---- T64 ---- */

static struct held held_ios, held_answer;

static void *binds(void *arg)
{
	long ret = ioctl(*(int *)arg, AIOFFLOAD_IOC_BIND, held_answer.mem + HELD_PAGE);

	return (void *)ret;
}

static volatile bool is_closed;

static void *closes(void *arg)
{
	close(*(int *)arg);
	is_closed = true;
	return NULL;
}

/* BIND waits for the page that its answer goes to; a queue is closed meanwhile. */
TEST_SECONDS(t64_lock_held_by_a_page, 60)
{
	struct aioffload_bind_io ios[2] = { 0 };
	struct aioffload_bind a = ARG(bind);
	struct queue q = { .fd = -1 };
	pthread_t binder, closer;
	int ctx, i;
	void *ret;

	fresh();
	ctx = open_ctx(find_device("aioffload_cpu"));
	MUST(queue_create(ctx, &q, 8, 0));
	ios[0].buf_fd = MUST(buf_create(ctx, 4096));
	ios[1] = (struct aioffload_bind_io){ .buf_fd = ios[0].buf_fd, .offset = 64 };
	held_open(&held_ios);
	held_open(&held_answer);
	a.model_fd = admitted(ctx, "good");
	a.slot = AIOFFLOAD_SLOT_ANY;
	a.ios = (uintptr_t)held_ios.mem + HELD_PAGE;
	a.nr_ios = 2;
	a.samples = 1;
	EXPECT(!pthread_create(&binder, NULL, binds, &ctx));
	EXPECT(held_wait(&held_answer, 5000));
	held_give(&held_answer, &a, sizeof(a));
	EXPECT(held_wait(&held_ios, 5000));
	/* What was read goes away, so that the answer meets no page. */
	MUST(madvise(held_answer.mem + HELD_PAGE, HELD_PAGE, MADV_DONTNEED));
	held_give(&held_ios, ios, sizeof(ios));
	EXPECT(held_wait(&held_answer, 5000));
	is_closed = false;
	EXPECT(!pthread_create(&closer, NULL, closes, &q.fd));
	for (i = 0; i < 50 && !is_closed; i++)
		sleep_ms(100);
	held_give(&held_answer, &a, sizeof(a));
	pthread_join(binder, &ret);
	pthread_join(closer, NULL);
	EXPECT(i < 50);
	EXPECT_EQ((long)ret, 0);
	memcpy(&a, held_answer.mem + HELD_PAGE, sizeof(a));
	EXPECT_EQ(a.slot, 0);
	MUST(run_slot(ctx, 0, 0, 1, 0));
	held_close(&held_ios);
	held_close(&held_answer);
	unharmed();
}

/* ---- T63 ---- */

static void never_ends(void *arg)
{
	struct bound b;

	cg_enter("abuser");
	become(NOBODY);
	bound_file(&b, open_ctx(*(int *)arg), "good");
	EXPECT_ERRNO(run_slot(b.ctx, b.slot, 0, 1, 200000000), ETIME);
}

TEST_SECONDS(t63_job_that_never_ends, 60)
{
	struct aioffload_device_info di;
	uint64_t start = now_ns();
	struct bound b;
	int id;

	fresh();
	id = null_add("latency_ns=1000000 stall_every=1 ignore_cancel=1");
	open_to_all();
	in_child(never_ends, &id);
	EXPECT(now_ns() - start < 20000000000ULL);
	AUDIT_EXPECT("op=exec", "uid=65534 ", "failed=1 ", "res=0");
	MUST(device_info(open_ctx(-1), id, &di));
	EXPECT(di.resets >= 1);
	/* The device is everybody's again. */
	null_set(id, "stall_every=0");
	bound_file(&b, open_ctx(id), "good");
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	unharmed();
}

/* ---- T62 ---- */

static bool all_zero(const void *p, size_t n)
{
	const uint8_t *c = p;

	while (n--) {
		if (*c++)
			return false;
	}
	return true;
}

#define SECRET	0xa5
#define BIG	(8 << 20)

static void leave_secrets(void *arg)
{
	int ctx = open_ctx(-1);

	(void)arg;
	for (int i = 0; i < 8; i++)
		memset(buf_map(MUST(buf_create(ctx, BIG)), BIG), SECRET, BIG);
}

TEST_SECONDS(t62_uninitialised_memory, 60)
{
	struct aioffload_device_info di;
	struct aioffload_info info;
	struct queue q;
	int ctx;

	fresh();
	in_child(leave_secrets, NULL);
	ctx = open_ctx(-1);
	for (int i = 0; i < 8; i++)
		EXPECT(all_zero(buf_map(MUST(buf_create(ctx, BIG)), BIG), BIG));
	for (int i = 0; i < 32; i++) {
		queue_open(&q, ctx, 64, 0);
		EXPECT(all_zero(q.sqes, 64 * sizeof(*q.sqes)));
		EXPECT(all_zero(q.cqes, 128 * sizeof(*q.cqes)));
		/* From the last entry to the end of the mapping */
		EXPECT(all_zero(q.cqes + 128, q.map + q.c.ring_bytes -
				(uint8_t *)(q.cqes + 128)));
		queue_close(&q);
	}
	/* Texts are zero to the end of their fields. */
	memset(&di, SECRET, sizeof(di));
	MUST(device_info(ctx, 0, &di));
	EXPECT(all_zero(di.name + strlen(di.name), sizeof(di.name) - strlen(di.name)));
	EXPECT(all_zero(di.driver + strlen(di.driver), sizeof(di.driver) - strlen(di.driver)));
	EXPECT(all_zero(di.desc + strlen(di.desc), sizeof(di.desc) - strlen(di.desc)));
	MUST(get_info(ctx, &info));
	EXPECT(all_zero(info.module_version + strlen(info.module_version),
			sizeof(info.module_version) - strlen(info.module_version)));
	unharmed();
}

/* Outputs are the model's bytes and nothing beside them is touched. */
TEST(t62_bytes_beside_outputs)
{
	struct bound b;

	fresh();
	bound_file(&b, open_ctx(find_device("aioffload_cpu")), "good");
	memset(b.map, SECRET, b.bytes);
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	for (size_t i = b.out_offset + SEC_N; i < b.bytes; i++)
		EXPECT_EQ(b.map[i], SECRET);
	EXPECT_EQ(b.map[b.out_offset], SECRET ^ LUT_XOR);
	/* A job that is refused or cut short writes nothing of others'. */
	memset(b.map + b.out_offset, 0, SEC_N);
	EXPECT_ERRNO(run_slot(b.ctx, b.slot, 0, 2, 0), EINVAL);
	EXPECT(all_zero(b.map + b.out_offset, SEC_N));
	unharmed();
}
