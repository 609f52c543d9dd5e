// SPDX-License-Identifier: LGPL-2.1-or-later
/* Weights of cgroups: who may set them, and the shares of a device they give. */
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include "vmtest.h"

#define MS	1000000ULL
#define EXEC	AIOFFLOAD_RIGHT_EXEC
#define LOAD	AIOFFLOAD_RIGHT_LOAD
#define ADMIN	AIOFFLOAD_RIGHT_ADMIN

static int admin;		/* a context of root's */

static int raw_weight(int ctx, struct aioffload_weight w)
{
	w.size = sizeof(w);
	return ioctl(ctx, AIOFFLOAD_IOC_WEIGHT, &w);
}

static struct aioffload_weight weight_of(int cg)
{
	struct aioffload_weight w = ARG(weight);

	w.cgroup_fd = cg;
	MUST(ioctl(admin, AIOFFLOAD_IOC_WEIGHT, &w));
	return w;
}

/* ---- what can be asked for ---- */

TEST(weights_that_make_no_sense)
{
#define BAD(want, ...) \
	EXPECT_ERRNO(raw_weight(admin, (struct aioffload_weight){ __VA_ARGS__ }), want)
	const unsigned int set = AIOFFLOAD_WEIGHT_SET, cpu = AIOFFLOAD_WEIGHT_SET_CPU;
	int a, root, file, dir;
	struct aioffload_weight w = ARG(weight);
	char path[300];

	admin = open_ctx(-1);
	a = cg_make("a");
	BAD(EINVAL, .flags = 4, .cgroup_fd = a);
	BAD(EINVAL, .flags = set | 8, .cgroup_fd = a);
	BAD(EINVAL, .cgroup_fd = -2);
	BAD(EINVAL, .flags = set, .cgroup_fd = a, .weight = 10001);
	BAD(EINVAL, .flags = set, .cgroup_fd = a, .weight = ~0U);
	BAD(EINVAL, .flags = cpu, .cgroup_fd = a, .cpu_weight = 10001);
	BAD(EINVAL, .flags = set | cpu, .cgroup_fd = a, .weight = 1, .cpu_weight = 10001);
	EXPECT_EQ(weight_of(a).effective, 100);	/* nor half of it was done */
	BAD(EBADF, .flags = set, .cgroup_fd = -1, .weight = 5);
	BAD(EBADF, .flags = set, .cgroup_fd = 1000, .weight = 5);
	dir = MUST(open("/tmp", O_RDONLY | O_DIRECTORY));
	BAD(EBADF, .flags = set, .cgroup_fd = dir, .weight = 5);
	cg_path(path, sizeof(path) - 20, "a");
	strcat(path, "/cgroup.procs");
	file = MUST(open(path, O_RDONLY));
	BAD(EBADF, .flags = set, .cgroup_fd = file, .weight = 5);
	root = MUST(open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY));
	BAD(EINVAL, .flags = set, .cgroup_fd = root, .weight = 5);
	BAD(EINVAL, .flags = cpu, .cgroup_fd = root, .cpu_weight = 5);
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_WEIGHT, NULL), EFAULT);
	w.size = sizeof(w) - 1;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_WEIGHT, &w), EINVAL);
	cg_make("b");
	int gone = cg_open("b");

	cg_remove("b");
	BAD(ENOENT, .flags = set, .cgroup_fd = gone, .weight = 5);
	BAD(ENOENT, .cgroup_fd = gone);
	/* looking at weights takes as much as setting them */
	snprintf(path, sizeof(path), "/dev/aioffload");
	EXPECT_ERRNO(set_weight(MUST(open(path, O_RDONLY)), a, 5), EBADF);
}

TEST(too_deep_for_a_weight)
{
	char name[200] = "d";
	int cg = cg_make(name);

	admin = open_ctx(-1);
	for (int level = 3; level <= 33; level++) {	/* the base is at 1 */
		strcat(name, "/d");
		cg = cg_make(name);
		if (level == 32)
			MUST(set_weight(admin, cg, 5));
	}
	EXPECT_ERRNO(set_weight(admin, cg, 5), E2BIG);
}

TEST(what_is_set_is_told)
{
	struct aioffload_weight w;
	int a, b;

	admin = open_ctx(-1);
	a = cg_make("a");
	b = cg_make("a/b");
	w = weight_of(a);
	EXPECT_EQ(w.size, sizeof(w));
	EXPECT_EQ(w.weight, 0);
	EXPECT_EQ(w.cpu_weight, 0);
	EXPECT_EQ(w.effective, 100);
	MUST(set_weight(admin, a, 10000));
	MUST(set_weight(admin, b, 1));
	EXPECT_EQ(weight_of(a).effective, 10000);
	EXPECT_EQ(weight_of(a).weight, 10000);
	EXPECT_EQ(weight_of(b).effective, 1);
	/* one's own, for those who are in it */
	cg_enter("a/b");
	EXPECT_EQ(weight_of(-1).effective, 1);
	cg_leave();
	/* one that is set comes before the one of CPU time */
	MUST(raw_weight(admin, (struct aioffload_weight){
		.flags = AIOFFLOAD_WEIGHT_SET_CPU, .cgroup_fd = a, .cpu_weight = 30 }));
	w = weight_of(a);
	EXPECT_EQ(w.effective, 10000);
	EXPECT_EQ(w.cpu_weight, 30);
	/* none: b inherits nothing. That of CPU time was a's in vain: nobody there */
	MUST(set_weight(admin, a, 0));
	MUST(set_weight(admin, b, 0));
	EXPECT_EQ(weight_of(a).effective, 100);
	EXPECT_EQ(weight_of(b).effective, 100);
	MUST(set_weight(admin, b, 0));		/* again: nothing to be done */
	/* it counts while somebody uses the device */
	cg_enter("a");
	int ctx = open_ctx(-1);

	cg_leave();
	MUST(raw_weight(admin, (struct aioffload_weight){
		.flags = AIOFFLOAD_WEIGHT_SET_CPU, .cgroup_fd = a, .cpu_weight = 30 }));
	EXPECT_EQ(weight_of(a).effective, 30);
	MUST(raw_weight(admin, (struct aioffload_weight){
		.flags = AIOFFLOAD_WEIGHT_SET_CPU | AIOFFLOAD_WEIGHT_SET,
		.cgroup_fd = a, .cpu_weight = 40, .weight = 50 }));
	EXPECT_EQ(weight_of(a).effective, 50);
	MUST(set_weight(admin, a, 0));
	EXPECT_EQ(weight_of(a).effective, 40);
	close(ctx);
}

static void not_even_below(void *arg)
{
	int ctx, below;

	(void)arg;
	below = cg_open("u/below");
	cg_become("u");
	ctx = open_ctx(-1);
	EXPECT_ERRNO(set_weight(ctx, below, 5), EPERM);
	EXPECT_ERRNO(set_weight(ctx, cg_open("u"), 5), EPERM);
	/* a descriptor of root's makes nobody root */
	EXPECT_ERRNO(set_weight(admin, below, 5), EPERM);
	EXPECT_EQ(weight_of(below).effective, 100);
}

static void below_only(void *arg)
{
	int ctx;

	(void)arg;
	cg_become("u");
	ctx = open_ctx(-1);
	MUST(set_weight(ctx, cg_open("u/below"), 7));
	EXPECT_EQ(weight_of(cg_open("u/below")).effective, 7);
	MUST(set_weight(ctx, cg_open("u/below"), 0));
	EXPECT_ERRNO(set_weight(ctx, cg_open("u"), 5), EPERM);
	EXPECT_ERRNO(set_weight(ctx, cg_open("beside"), 5), EPERM);
	EXPECT_ERRNO(set_weight(ctx, cg_open(""), 5), EPERM);
}

static void in_a_namespace(void *arg)
{
	struct aioffload_weight w = ARG(weight);

	(void)arg;
	cg_enter("u");
	MUST(unshare(CLONE_NEWCGROUP));
	drop_caps();
	w.cgroup_fd = cg_open("beside");
	EXPECT_ERRNO(ioctl(open_ctx(-1), AIOFFLOAD_IOC_WEIGHT, &w), EACCES);
	w.cgroup_fd = cg_open("u/below");
	MUST(ioctl(open_ctx(-1), AIOFFLOAD_IOC_WEIGHT, &w));
}

TEST(weights_take_the_right_to_give_them)
{
	int u;

	admin = open_ctx(-1);
	u = cg_make("u");
	cg_make("u/below");
	cg_make("beside");
	reap(spawn(not_even_below, NULL));
	MUST(grant(admin, u, EXEC | LOAD | ADMIN));
	reap(spawn(below_only, NULL));
	reap(spawn(in_a_namespace, NULL));
}

/* ---- shares ---- */

#define WORKERS		6
#define AHEAD		1024U		/* jobs of a worker that wait */
/* Of one sample. Where shares must be exact no job may be a part of them. */
#define UNIT_NS		(is_exact() ? 20000ULL : 200000ULL)
#define TRIES		4

/* Who submits what; the last ones shared with the process that does. */
struct worker {
	const char *cg;
	unsigned int weight;
	unsigned int samples;		/* in a job: its length */
	unsigned int qos;
	double share;			/* that it should get */
	int fd, pid;
	_Atomic uint64_t had_ns;
	_Atomic uint64_t gap;		/* longest between two looks at completions */
	_Atomic uint64_t longest;	/* job so far: stretched where the machine stands still */
	_Atomic bool dry;		/* had no job waiting */
};

#define W(c, w, n, s) { .cg = (c), .weight = (w), .samples = (n), .share = (s) }

static struct worker *all;		/* in shared memory */
static unsigned int nr;
static int device;
static int other = -1;			/* a second device: jobs go to either */
static _Atomic int *ready, *stop;

static unsigned int bind_fc(int ctx, unsigned int samples)
{
	static struct model_bytes m;
	struct aioffload_bind_io ios[2] = { 0 };
	int model;

	make_fc(&m);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	ios[0].buf_fd = MUST(buf_create(ctx, 64 * samples + 64));
	ios[1].buf_fd = ios[0].buf_fd;
	ios[1].offset = (32 * samples + 63) / 64 * 64;
	return MUST(bind_slot(ctx, model, ios, 2, samples, AIOFFLOAD_SLOT_ANY));
}

static void work(void *arg)
{
	struct worker *w = arg;
	struct aioffload_cqe cqe;
	unsigned int slot, out = 0;
	uint64_t last, now;
	struct queue q;
	int ctx;

	cg_enter(w->cg);
	ctx = open_ctx(other < 0 ? device : -1);
	slot = bind_fc(ctx, 128);
	MUST(queue_create_qos(ctx, &q, AHEAD, w->qos, 0, 0));
	queue_map(&q);
	last = now_ns();
	++*ready;
	while (!*stop) {
		unsigned int fresh = AHEAD - out;

		for (unsigned int i = 0; i < fresh; i++)
			queue_run(&q, slot, 0, w->samples, 0, 3600000 * MS);
		EXPECT(queue_enter(&q, fresh, 8, 20 * MS) >= 0 || errno == ETIME);
		out += fresh;
		while (queue_reap(&q, &cqe)) {
			EXPECT_EQ(cqe.status, 0);
			w->had_ns += cqe.duration_ns;
			if (w->longest < cqe.duration_ns)
				w->longest = cqe.duration_ns;
			out--;
		}
		now = now_ns();
		if (w->gap < now - last)
			w->gap = now - last;
		last = now;
		if (!out)
			w->dry = true;
	}
	_exit(0);
}

/* A device that takes one job at a time, @ns for each of its samples. */
static int one_at_a_time(uint64_t ns)
{
	char settings[80];

	snprintf(settings, sizeof(settings), "ps_per_mac=%llu queue_depth=1",
		 (unsigned long long)ns * 1000 / FC_MACS);
	return null_add(settings);
}

static void workers_start(const struct worker *from, unsigned int n)
{
	admin = open_ctx(-1);
	device = one_at_a_time(UNIT_NS);
	all = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(all != MAP_FAILED);
	ready = (void *)(all + WORKERS);
	stop = ready + 1;
	nr = n;
	for (unsigned int i = 0; i < n; i++) {
		all[i] = from[i];
		all[i].fd = cg_make(from[i].cg);
		if (from[i].weight)
			MUST(set_weight(admin, all[i].fd, from[i].weight));
		if (from[i].samples)
			all[i].pid = spawn(work, &all[i]);
	}
}

/* They end with their jobs on the way: that is cheap to take back. */
static void workers_stop(void)
{
	*stop = 1;
	for (unsigned int i = 0; i < nr; i++)
		if (all[i].pid)
			reap(all[i].pid);
}

/* So far; and how much of the device, or of both, all had then. */
static uint64_t served(int cg, uint64_t *total)
{
	struct aioffload_sched s;
	uint64_t ns = 0;

	*total = 0;
	for (int id = device; id >= 0; id = id == device ? other : -1) {
		MUST(get_sched(admin, id, cg_id(cg), &s));
		EXPECT_EQ(s.cgroup_id, cg_id(cg));
		for (unsigned int i = 0; i < AIOFFLOAD_NR_QOS; i++)
			ns += s.classes[i].served_ns;
		*total += s.total_ns;
	}
	return ns;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What it is owed or has had too much, of that device where this is more. */
static uint64_t lag_of(int cg)
{
	struct aioffload_sched s;
	uint64_t lag = 0;

	for (int id = device; id >= 0; id = id == device ? other : -1) {
		MUST(get_sched(admin, id, cg_id(cg), &s));
		lag = larger(lag, llabs(s.lag_ns));
	}
	return lag;
}

/* A worker's part of what all had while it was watched, in two ways. */
struct part {
	uint64_t given, of;
	uint64_t saw;
};

/* The most that anybody was owed, or had had too much, among its siblings. */
static uint64_t watch_shares(uint64_t ms, struct part *parts)
{
	uint64_t total, lag = 0;

	for (unsigned int i = 0; i < nr; i++) {
		parts[i].given = -served(all[i].fd, &total);
		parts[i].of = -total;
		parts[i].saw = -all[i].had_ns;
		all[i].gap = 0;
		all[i].dry = false;
	}
	for (int i = 0; ; i++) {
		EXPECT(i < 6000);
		sleep_ms(10);
		for (unsigned int j = 0; j < nr; j++)
			lag = larger(lag, lag_of(all[j].fd));
		served(all[nr - 1].fd, &total);
		if (total + parts[nr - 1].of >= ms * MS)
			break;
	}
	for (unsigned int i = 0; i < nr; i++) {
		parts[i].given += served(all[i].fd, &total);
		parts[i].of += total;
		parts[i].saw += all[i].had_ns;
	}
	return lag;
}

static bool somebody_was_dry(void)
{
	for (unsigned int i = 0; i < nr; i++)
		if (all[i].dry)
			return true;
	return false;
}

/*
 * What each was given in so much time of the device, by the kernel's count and
 * by what completions say, is its share of it: within 1 % of that, and the lag
 * there can be at either end, of a job and a slice; and what one did not look at
 * yet, besides. Who got no CPU for so long that its jobs ran out wants less than
 * its share: then once more. Where time is exact it is 1 % and no more, of what
 * was asked for by @name.
 */
static void expect_shares_of(const char *name, uint64_t device_ms)
{
	double worst = 0, sum = 0, squares = 0, n = 0;
	uint64_t saw = 0, longest = 0, gap = 0, lag;
	struct part parts[WORKERS];
	char text[120];
	int tries = 0;

	do {
		EXPECT(tries++ < TRIES);
		lag = watch_shares(device_ms, parts);
	} while (somebody_was_dry());
	for (unsigned int i = 0; i < nr; i++) {
		saw += parts[i].saw;
		if (longest < all[i].longest)
			longest = all[i].longest;
		if (gap < all[i].gap)
			gap = all[i].gap;
	}
	for (unsigned int i = 0; i < nr; i++) {
		double of = parts[i].of, late = 2.0 * gap / of;
		double may = 0.01 * all[i].share + (2.0 * longest + MS) / of;
		double got = parts[i].given / of, told = parts[i].saw / (double)saw;
		double part = got / all[i].share;

		printf("# %s: share %.4f by the kernel, %.4f by completions, due %.4f (%.4f)\n",
		       all[i].cg, got, told, all[i].share, may);
		fflush(stdout);
		if (fabs(got - all[i].share) > may || fabs(told - all[i].share) > may + late)
			FAIL("%s: share %.4f, told %.4f, expected %.4f", all[i].cg, got,
			     told, all[i].share);
		if (!all[i].share)
			continue;
		if (worst < fabs(part - 1))
			worst = fabs(part - 1);
		sum += part;
		squares += part * part;
		n++;
	}
	if (name) {
		snprintf(text, sizeof(text), "%s: most lag, in longest jobs", name);
		figure(text, (double)lag / longest, 0, 1);
		snprintf(text, sizeof(text), "%s: worst share off by, %% of it", name);
		figure(text, 100 * worst, 0, 1);
		snprintf(text, sizeof(text), "%s: Jain's index", name);
		figure(text, sum * sum / (n * squares), 0.999, 1);
	}
}

static void expect_shares(uint64_t device_ms)
{
	expect_shares_of(NULL, device_ms);
}

static void await_workers(int n)
{
	for (int i = 0; *ready < n; i++) {
		EXPECT(i < 3000);
		sleep_ms(10);
	}
	sleep_ms(200);		/* all of them wait for their turn by now */
}

TEST_SECONDS(shares_follow_weights_whatever_jobs_cost, 180)
{
	static const struct worker lengths[2][4] = {
		{ W("a", 100, 100, 1 / 15.), W("b", 200, 10, 2 / 15.),
		  W("c", 400, 1, 4 / 15.), W("d", 800, 3, 8 / 15.) },
		{ W("e", 100, 1, 1 / 15.), W("f", 200, 1, 2 / 15.),
		  W("g", 400, 10, 4 / 15.), W("h", 800, 100, 8 / 15.) },
	};

	for (int i = 0; i < 2; i++) {
		workers_start(lengths[i], 4);
		await_workers(4);
		expect_shares_of(i ? "weights 1:2:4:8, long jobs where most is due"
				 : "weights 1:2:4:8, long jobs where least is due", 10000);
		workers_stop();
	}
}

TEST_SECONDS(shares_are_nested, 120)
{
	static const struct worker tree[] = {
		W("p", 300, 0, 0), W("p/x", 100, 100, 3 / 16.),
		W("p/y", 300, 1, 9 / 16.), W("q", 0, 2, 1 / 4.),
	};

	workers_start(tree, 4);
	await_workers(3);
	expect_shares_of("weights 3:1, in it 1:3, long jobs where least is due",
			 is_exact() ? 10000 : 6000);
	workers_stop();
}

/* Who comes and who goes changes the others' shares at once. */
TEST_SECONDS(who_leaves_leaves_its_share_to_others, 120)
{
	static const struct worker three[] = {
		W("a", 100, 1, .1), W("b", 300, 10, .3), W("c", 600, 5, .6),
	};

	workers_start(three, 3);
	await_workers(3);
	expect_shares(4000);
	MUST(kill(all[2].pid, SIGKILL));
	MUST(waitpid(all[2].pid, NULL, 0));
	sleep_ms(500);
	nr = 2;
	all[0].share = .25;
	all[1].share = .75;
	expect_shares(4000);
	workers_stop();
}

TEST_SECONDS(weights_change_while_jobs_run, 180)
{
	static const struct worker two[] = { W("a", 0, 10, .5), W("b", 0, 1, .5) };

	workers_start(two, 2);
	await_workers(2);
	expect_shares(4000);
	MUST(set_weight(admin, all[1].fd, 300));
	all[0].share = .25;
	all[1].share = .75;
	expect_shares(4000);
	/* what cpu.weight says counts where nothing is set, and not before */
	MUST(raw_weight(admin, (struct aioffload_weight){
		.flags = AIOFFLOAD_WEIGHT_SET_CPU, .cgroup_fd = all[1].fd, .cpu_weight = 25 }));
	expect_shares(3000);
	MUST(set_weight(admin, all[1].fd, 0));
	all[0].share = .8;
	all[1].share = .2;
	expect_shares(4000);
	workers_stop();
}

/* Every device has shares of its own, and each cgroup's weight on all of them. */
TEST_SECONDS(weights_hold_on_several_devices, 120)
{
	static const struct worker two[] = { W("a", 0, 7, .25), W("b", 300, 3, .75) };
	struct aioffload_sched s;
	int second, ctx;

	workers_start(two, 2);
	await_workers(2);
	second = null_add("latency_ns=1000000");
	cg_enter("a");
	ctx = open_ctx(second);
	cg_leave();
	MUST(run_slot(ctx, bind_fc(ctx, 1), 0, 1, 0));
	MUST(set_weight(admin, all[0].fd, 900));
	MUST(get_sched(admin, device, cg_id(all[0].fd), &s));
	EXPECT_EQ(s.effective, 900);
	MUST(get_sched(admin, second, cg_id(all[0].fd), &s));
	EXPECT_EQ(s.effective, 900);
	all[0].share = .75;
	all[1].share = .25;
	expect_shares(4000);
	workers_stop();
}

/* Jobs that may go to either: of both together each cgroup has its share. */
TEST_SECONDS(shares_hold_of_several_devices_together, 180)
{
	static const struct worker three[] = {
		W("a", 100, 7, .1), W("b", 300, 2, .3), W("c", 600, 1, .6),
	};

	if (find_device("aioffload_cpu") >= 0 && run_command("rmmod aioffload_cpu"))
		SKIP("can't unload aioffload_cpu");
	other = one_at_a_time(3 * UNIT_NS);
	workers_start(three, 3);
	await_workers(3);
	expect_shares_of("two devices, weights 1:3:6", is_exact() ? 10000 : 6000);
	workers_stop();
	modules_load();
}

/* Somebody who always has something to do does not keep background off for ever. */
TEST_SECONDS(background_has_its_floor, 120)
{
	struct worker two[] = {
		W("a", 100, 10, 1 / 1.02), W("b", 10000, 5, .02 / 1.02),
	};

	two[1].qos = AIOFFLOAD_QOS_BACKGROUND;
	workers_start(two, 2);
	await_workers(2);
	expect_shares(is_exact() ? 10000 : 6000);
	workers_stop();
}

/* ---- what follows cpu.weight is told of who comes ---- */

#define GROUPS	"/sys/class/aioffload/aioffload/groups"

static bool notified(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	char text[16];

	if (poll(&p, 1, 2000) != 1)
		return false;
	MUST(pread(fd, text, sizeof(text), 0));
	return true;
}

TEST(who_comes_is_an_event)
{
	int fd = MUST(open(GROUPS, O_RDONLY)), id = null_add(""), ctx;
	long before = read_long(GROUPS);
	char text[16];

	EXPECT(before >= 0);
	MUST(pread(fd, text, sizeof(text), 0));
	cg_make("a");
	cg_enter("a");
	ctx = open_ctx(id);
	EXPECT_EQ(read_long(GROUPS), before);	/* it does nothing yet */
	bind_fc(ctx, 1);
	EXPECT(notified(fd));
	EXPECT_EQ(read_long(GROUPS), before + 1);
	bind_fc(ctx, 1);			/* there already */
	bind_fc(open_ctx(id), 1);
	EXPECT_EQ(read_long(GROUPS), before + 1);
	cg_leave();
}

static void may_not_read(void *arg)
{
	(void)arg;
	MUST(setuid(1000));
	EXPECT_ERRNO(open(GROUPS, O_RDONLY), EACCES);
}

TEST(who_comes_is_for_root_to_know)
{
	reap(spawn(may_not_read, NULL));
}
