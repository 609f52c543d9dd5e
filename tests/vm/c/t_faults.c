// SPDX-License-Identifier: LGPL-2.1-or-later
/* Devices that fail, stall, can't be reset, and vanish. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include "vmtest.h"

#define MS	1000000ULL
#define S	1000000000ULL

/* A client of a device: a slot, a queue. */
struct client {
	struct bound b;
	struct queue q;
	int id;
};

static void client_open(struct client *c, const char *settings)
{
	c->id = null_add(settings);
	bound_open(&c->b, open_ctx(c->id), 64, 4);
	queue_open(&c->q, c->b.ctx, 32, 0);
}

static void send_jobs(struct client *c, int n, uint64_t timeout)
{
	for (int i = 0; i < n; i++)
		queue_run(&c->q, c->b.slot, 0, 1, i, timeout);
	EXPECT_EQ(queue_enter(&c->q, n, 0, 0), n);
}

/* All @n completions come within @ns and have one status. */
static void expect_all(struct client *c, int n, int status, uint64_t ns)
{
	struct aioffload_cqe cqe;

	if (queue_enter(&c->q, 0, n, ns) < 0 && errno != ENODEV)
		FAIL("waiting for %d completions: %s, %u came", n,
		     vmt_errno_name(errno), queue_ready(&c->q));
	for (int i = 0; i < n; i++) {
		if (!queue_reap(&c->q, &cqe))
			FAIL("only %d of %d completions", i, n);
		if (cqe.status != status)
			FAIL("status %d, expected %d", cqe.status, status);
	}
}

static struct aioffload_device_info state_of(struct client *c)
{
	struct aioffload_device_info di;

	MUST(device_info(c->b.ctx, c->id, &di));
	return di;
}

/* A reset ends its jobs before it is over itself. */
static __u32 state_after_reset(struct client *c)
{
	for (int i = 0; i < 1000; i++) {
		__u32 state = state_of(c).state;

		if (state != AIOFFLOAD_STATE_RESETTING)
			return state;
		sleep_ms(10);
	}
	return AIOFFLOAD_STATE_RESETTING;
}

TEST(stalled_jobs_are_cancelled_then_all_is_well)
{
	struct client c;

	client_open(&c, "stall_every=1");
	send_jobs(&c, 8, 50 * MS);
	expect_all(&c, 8, -ETIME, 5 * S);
	null_set(c.id, "stall_every=0");
	send_jobs(&c, 8, S);
	expect_all(&c, 8, 0, 5 * S);
	EXPECT_EQ(state_of(&c).resets, 0);	/* cancel was enough */
}

/* cancel does nothing: the device is reset, and works again. */
TEST(deaf_device_is_reset)
{
	struct client c;

	client_open(&c, "stall_every=1 ignore_cancel=1");
	send_jobs(&c, 4, 50 * MS);
	expect_all(&c, 4, -ETIME, 10 * S);
	EXPECT(state_of(&c).resets >= 1);
	EXPECT_EQ(state_after_reset(&c), AIOFFLOAD_STATE_READY);
	null_set(c.id, "stall_every=0");
	send_jobs(&c, 8, S);
	expect_all(&c, 8, 0, 5 * S);
}

TEST(deaf_device_is_reset_under_run)
{
	struct client c;

	client_open(&c, "stall_every=1 ignore_cancel=1");
	EXPECT_ERRNO(run_slot(c.b.ctx, c.b.slot, 0, 1, 50 * MS), ETIME);
	null_set(c.id, "stall_every=0");
	MUST(run_slot(c.b.ctx, c.b.slot, 0, 1, S));
}

/* Nobody waits for as long as the jobs of a closed queue were allowed to take. */
TEST(deaf_device_is_reset_when_its_client_leaves)
{
	struct client c;

	client_open(&c, "stall_every=1 ignore_cancel=1");
	send_jobs(&c, 4, 1000 * S);
	queue_close(&c.q);
	for (int i = 0; i < 100 && !state_of(&c).resets; i++)
		sleep_ms(100);
	EXPECT(state_of(&c).resets >= 1);
	EXPECT_EQ(state_after_reset(&c), AIOFFLOAD_STATE_READY);
	null_set(c.id, "stall_every=0");
	MUST(run_slot(c.b.ctx, c.b.slot, 0, 1, S));
}

/* A reset ends every job, but only the one that overstayed is to blame. */
TEST(bystanders_of_a_reset_see_a_delay)
{
	struct client c;
	struct aioffload_cqe cqe;

	/* four at a time, none fast enough to be gone before the reset */
	client_open(&c, "stall_every=4 ignore_cancel=1 latency_ns=400000000 parallelism=4");
	for (int i = 1; i <= 3; i++)
		queue_run(&c.q, c.b.slot, 0, 1, i, 20 * S);
	queue_run(&c.q, c.b.slot, 0, 1, 4, 50 * MS);	/* stalls */
	EXPECT_EQ(queue_enter(&c.q, 4, 4, 10 * S), 4);
	for (int i = 0; i < 4; i++) {
		EXPECT(queue_reap(&c.q, &cqe));
		EXPECT_EQ(cqe.status, cqe.user_data == 4 ? -ETIME : 0);
	}
	EXPECT(state_of(&c).resets >= 1);
}

TEST(failed_reset_takes_the_device_out_of_use)
{
	struct client c;
	char path[80], text[32] = "";
	FILE *f;

	client_open(&c, "stall_every=1 ignore_cancel=1 reset_fails=1");
	send_jobs(&c, 4, 50 * MS);
	expect_all(&c, 4, -ETIME, 10 * S);
	EXPECT_EQ(state_after_reset(&c), AIOFFLOAD_STATE_FAILED);
	snprintf(path, sizeof(path), "/sys/class/aioffload/aioffload%d/state", c.id);
	f = fopen(path, "re");
	EXPECT(f && fgets(text, sizeof(text), f));
	fclose(f);
	EXPECT(!strcmp(text, "failed\n"));
	/* takes no jobs */
	EXPECT_ERRNO(run_slot(c.b.ctx, c.b.slot, 0, 1, S), EIO);
	/* and can be taken away like any other */
	null_remove(c.id);
}

TEST(half_of_the_jobs_fail_by_chance)
{
	struct client c;
	int failed = 0;

	client_open(&c, "error_ppm=500000");
	for (int i = 0; i < 400; i++) {
		if (run_slot(c.b.ctx, c.b.slot, 0, 1, 0)) {
			EXPECT_EQ(errno, EIO);
			failed++;
		}
	}
	EXPECT(failed > 100 && failed < 300);
}

/* ---- removal ---- */

TEST(removed_with_jobs_in_flight)
{
	struct client gone, stays;

	client_open(&gone, "latency_ns=10000000000 parallelism=4");
	client_open(&stays, "latency_ns=200000000 parallelism=16");
	send_jobs(&gone, 16, 0);
	send_jobs(&stays, 16, 0);
	null_remove(gone.id);
	expect_all(&gone, 16, -ENODEV, 3 * S);
	expect_all(&stays, 16, 0, 3 * S);
	/* what the client holds is dead, clearly so */
	EXPECT_ERRNO(run_slot(gone.b.ctx, gone.b.slot, 0, 1, 0), ENODEV);
	MUST(run_slot(stays.b.ctx, stays.b.slot, 0, 1, 0));
}

TEST(removed_with_stalled_deaf_jobs)
{
	struct client c;

	client_open(&c, "stall_every=1 ignore_cancel=1");
	send_jobs(&c, 16, 100 * S);
	null_remove(c.id);
	expect_all(&c, 16, -ENODEV, 3 * S);
}

TEST(removed_while_its_reset_fails)
{
	struct client c;

	client_open(&c, "stall_every=1 ignore_cancel=1 reset_fails=1");
	send_jobs(&c, 16, 100 * S);
	null_remove(c.id);
	expect_all(&c, 16, -ENODEV, 3 * S);
}

static void run_until_gone(void *arg)
{
	struct client *c = arg;

	EXPECT_ERRNO(run_slot(c->b.ctx, c->b.slot, 0, 1, 100 * S), ENODEV);
}

TEST(removed_under_a_run)
{
	struct client c;
	int pid;

	client_open(&c, "stall_every=1");
	pid = spawn(run_until_gone, &c);
	sleep_ms(100);
	null_remove(c.id);
	reap(pid);
}

TEST(removed_under_a_sync_run)
{
	struct client c;
	int pid;

	client_open(&c, "stall_every=1 sync_run=1");
	pid = spawn(run_until_gone, &c);
	sleep_ms(100);
	null_remove(c.id);
	reap(pid);
}

static void hammer(void *arg)
{
	struct client *c = arg;
	int ret;

	do {
		ret = run_slot(c->b.ctx, c->b.slot, 0, 1, 10 * S);
	} while (!ret);
	EXPECT_EQ(errno, ENODEV);
}

static void check_vanish(const char *settings)
{
	struct client c;
	int pids[4];

	client_open(&c, settings);
	for (int i = 0; i < 4; i++)
		pids[i] = spawn(hammer, &c);
	for (int i = 0; i < 4; i++)
		reap(pids[i]);
}

TEST(vanishes_after_some_jobs)
{
	check_vanish("remove_after=100");
}

TEST(vanishes_after_some_slow_jobs)
{
	check_vanish("remove_after=50 latency_ns=500000 parallelism=2");
}

TEST(vanishes_after_some_sync_jobs)
{
	check_vanish("remove_after=100 sync_run=1");
}

/* Added and removed while clients run: every number is used and freed. */
TEST_SECONDS(comes_and_goes_under_load, 60)
{
	for (int round = 0; round < 20; round++) {
		struct client c;
		int pids[2];

		client_open(&c, round % 2 ? "latency_ns=20000" : "latency_ns=0");
		for (int i = 0; i < 2; i++)
			pids[i] = spawn(hammer, &c);
		send_jobs(&c, 16, 0);
		sleep_ms(20);
		null_remove(c.id);
		for (int i = 0; i < 2; i++)
			reap(pids[i]);
		queue_close(&c.q);
		munmap(c.b.map, c.b.bytes);
		close(c.b.buf);
		close(c.b.model);
		close(c.b.ctx);
	}
}

TEST(calls_on_a_context_whose_device_is_gone)
{
	static struct model_bytes m;
	struct aioffload_device_info di;
	struct aioffload_info info;
	struct client c;

	client_open(&c, "");
	null_remove(c.id);
	make_lut(&m, 64);
	/* what needs no device still works, the rest is ENODEV */
	MUST(get_info(c.b.ctx, &info));
	EXPECT_EQ(info.nr_devices, 0);
	EXPECT_ERRNO(device_info(c.b.ctx, c.id, &di), ENOENT);
	EXPECT_ERRNO(run_slot(c.b.ctx, c.b.slot, 0, 1, 0), ENODEV);
	queue_run(&c.q, c.b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&c.q, 1, 1, S), 1);
	expect_all(&c, 1, -ENODEV, S);
	MUST(unbind(c.b.ctx, c.b.slot));
}

TEST(node_disappears_with_its_device)
{
	char path[40];
	int id = null_add("");

	snprintf(path, sizeof(path), "/dev/aioffload%d", id);
	close(open_ctx(id));
	null_remove(id);
	for (int i = 0; i < 200 && !access(path, F_OK); i++)
		sleep_ms(10);
	EXPECT(access(path, F_OK));
}

/* ---- whole modules ---- */

/* The driver goes while a client holds a context, slot, queue, job on it. */
TEST_SECONDS(driver_unloaded_under_its_clients, 60)
{
	struct client c;

	client_open(&c, "latency_ns=10000000000 parallelism=2");
	send_jobs(&c, 8, 0);
	EXPECT_EQ(run_command("rmmod aioffload_null"), 0);
	expect_all(&c, 8, -ENODEV, 3 * S);
	EXPECT_ERRNO(run_slot(c.b.ctx, c.b.slot, 0, 1, 0), ENODEV);
	/* core is in use by us: it can't go */
	EXPECT(run_command("rmmod aioffload 2>/dev/null") != 0);
	/* loaded anew, it serves new clients while the old one holds on */
	modules_load();
	struct client d;

	client_open(&d, "latency_ns=1000");
	send_jobs(&d, 8, 0);
	expect_all(&d, 8, 0, 3 * S);
	EXPECT_ERRNO(run_slot(c.b.ctx, c.b.slot, 0, 1, 0), ENODEV);
}

TEST_SECONDS(cpu_driver_unloaded_under_its_clients, 60)
{
	static struct model_bytes m;
	struct aioffload_bind_io ios[2] = { 0 };
	struct aioffload_cqe cqe;
	struct queue q;
	int cpu = find_device("aioffload_cpu"), ctx, slot, pid;

	if (cpu < 0)
		SKIP("no CPU device");
	ctx = open_ctx(cpu);
	make_chain(&m, 1 << 18, 300);
	ios[0].buf_fd = MUST(buf_create(ctx, 8 << 20));
	ios[1] = (struct aioffload_bind_io){ ios[0].buf_fd, 0, 4 << 20, 0 };
	slot = MUST(bind_slot(ctx, MUST(model_load(ctx, m.data, m.bytes, NULL, 0)),
			      ios, 2, 16, AIOFFLOAD_SLOT_ANY));
	queue_open(&q, ctx, 8, 0);
	for (int i = 0; i < 8; i++)
		queue_run(&q, slot, 0, 16, i, 100 * S);
	EXPECT_EQ(queue_enter(&q, 8, 0, 0), 8);
	pid = fork();
	if (!pid) {
		EXPECT_ERRNO(run_slot(ctx, slot, 0, 16, 100 * S), ENODEV);
		_exit(0);
	}
	sleep_ms(100);
	EXPECT_EQ(run_command("rmmod aioffload_cpu"), 0);
	reap(pid);
	for (int i = 0; i < 8; i++) {
		if (!queue_reap(&q, &cqe))
			FAIL("%d of 8 completions", i);
		EXPECT(cqe.status == -ENODEV || (!i && !cqe.status));
	}
	modules_load();
	EXPECT(find_device("aioffload_cpu") >= 0);
}

/* Parameters that make no sense are refused and change nothing. */
TEST(null_driver_refuses_nonsense)
{
	static const char *const bad[] = {
		"latency_ns", "latency_ns=", "latency_ns=x", "latency_ns=-1", "nonsense=1",
		"latency_ns=99999999999999999999999", "queue_depth=0", "queue_depth=5000",
		"parallelism=0", "sync_run=2", "error_ppm=1000001", "=", "latency_ns=1 =",
	};
	static const char *const par = "/sys/module/aioffload_null/parameters/";
	char path[120], text[80];
	int id = null_add(""), err;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(path, sizeof(path), "%sadd", par);
		err = write_text(path, bad[i]);
		if (err != -EINVAL && err != -ERANGE)
			FAIL("add \"%s\": %d", bad[i], err);
		snprintf(path, sizeof(path), "%sset", par);
		snprintf(text, sizeof(text), "aioffload%d %s", id, bad[i]);
		err = write_text(path, text);
		if (err != -EINVAL && err != -ERANGE && err != -EBUSY)
			FAIL("set \"%s\": %d", text, err);
	}
	snprintf(text, sizeof(text), "aioffload%d queue_depth=5", id);
	EXPECT_EQ(write_text(path, text), -EBUSY);
	EXPECT_EQ(write_text(path, "aioffload99999 latency_ns=1"), -ENOENT);
	EXPECT_EQ(write_text(path, "\n"), -ENOENT);
	snprintf(path, sizeof(path), "%sremove", par);
	EXPECT_EQ(write_text(path, "nothing"), -ENOENT);
}

TEST_SECONDS(a_hundred_null_devices, 60)
{
	int ids[100], ctx = open_ctx(-1);
	struct aioffload_info info;

	for (int i = 0; i < 100; i++) {
		ids[i] = null_add("");
		for (int k = 0; k < i; k++)
			EXPECT(ids[k] != ids[i]);
	}
	MUST(get_info(ctx, &info));
	EXPECT(info.nr_devices >= 100);
	for (int i = 0; i < 100; i++) {
		struct bound b;

		bound_open(&b, open_ctx(ids[i]), 64, 1);
		MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
		bound_close(&b);
		close(b.ctx);
	}
}
