// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rights by cgroup. Tests run as root, who is above grants: whoever is to be
 * refused drops his capabilities first.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "vmtest.h"

#define EXEC	AIOFFLOAD_RIGHT_EXEC
#define LOAD	AIOFFLOAD_RIGHT_LOAD
#define RT	AIOFFLOAD_RIGHT_RT
#define ADMIN	AIOFFLOAD_RIGHT_ADMIN

static struct bound bound;
static struct queue queue;
static struct model_bytes lut;
static int null_id;
static int admin;		/* a context of root's */

static void setup(const char *settings)
{
	null_id = null_add(settings);
	admin = open_ctx(-1);
	make_lut(&lut, 64);
}

/* ---- what there is without grants, and what grants do ---- */

static void sees_default(void *arg)
{
	struct aioffload_rights r;
	struct stat st;
	char path[256] = "", dir[256];

	(void)arg;
	cg_become("a");
	r = ARG(rights);
	r.cgroup_fd = -1;
	r.path = (uintptr_t)path;
	r.path_len = sizeof(path);
	MUST(ioctl(open_ctx(-1), AIOFFLOAD_IOC_RIGHTS, &r));
	EXPECT_EQ(r.rights, EXEC | LOAD);
	EXPECT_EQ(r.has_grant, 0);
	EXPECT_EQ(r.granted, 0);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(r.devices[i], ~0ULL);
	cg_path(dir, sizeof(dir), "a");
	EXPECT(!strcmp(path, dir + strlen("/sys/fs/cgroup")));
	MUST(stat(dir, &st));
	EXPECT_EQ(r.cgroup_id, st.st_ino);
	bound_open(&bound, open_ctx(null_id), 64, 1);
	MUST(run_slot(bound.ctx, bound.slot, 0, 1, 0));
}

TEST(without_a_grant_everybody_may_run_and_load)
{
	setup("");
	cg_make("a");
	reap(spawn(sees_default, NULL));
}

static void lacks_exec(void *arg)
{
	struct queue q;

	(void)arg;
	cg_become("a");
	EXPECT_ERRNO(run_slot(bound.ctx, bound.slot, 0, 1, 0), EACCES);
	EXPECT_ERRNO(bound_again(&bound), EACCES);
	EXPECT_ERRNO(queue_create(bound.ctx, &q, 4, 0), EACCES);
	EXPECT_EQ(queue_one(&queue, bound.slot).status, -EACCES);
	MUST(model_load(bound.ctx, lut.data, lut.bytes, NULL, 0));
	MUST(buf_create(bound.ctx, 4096));
	MUST(unbind(bound.ctx, bound.slot));
}

static void lacks_load(void *arg)
{
	(void)arg;
	cg_become("a");
	EXPECT_ERRNO(model_load(bound.ctx, lut.data, lut.bytes, NULL, 0), EACCES);
	MUST(run_slot(bound.ctx, bound.slot, 0, 1, 0));
	EXPECT_EQ(queue_one(&queue, bound.slot).status, 0);
}

TEST(a_missing_right_is_eacces)
{
	struct aioffload_rights r;
	int a;

	setup("");
	a = cg_make("a");
	bound_open(&bound, open_ctx(null_id), 64, 1);
	queue_open(&queue, bound.ctx, 4, 0);
	MUST(grant(admin, a, EXEC));
	reap(spawn(lacks_load, NULL));
	MUST(grant(admin, a, LOAD));
	MUST(get_rights(admin, a, &r));
	EXPECT_EQ(r.rights, LOAD);
	EXPECT_EQ(r.granted, LOAD);
	EXPECT_EQ(r.has_grant, 1);
	reap(spawn(lacks_exec, NULL));
	MUST(grant_clear(admin, a));
	MUST(grant_clear(admin, a));	/* nothing there: nothing to do */
	MUST(get_rights(admin, a, &r));
	EXPECT_EQ(r.rights, EXEC | LOAD);
	EXPECT_EQ(r.has_grant, 0);
}

static void submits_in_turn(void *arg)
{
	struct turns *t = arg;

	cg_become("a");
	for (int n = 1; ; n += 2) {
		wait_turn(t, n);
		if (t->expect > 0)
			break;
		EXPECT_EQ(queue_one(&queue, bound.slot).status, t->expect);
		if (t->expect)
			EXPECT_ERRNO(run_slot(bound.ctx, bound.slot, 0, 1, 0), -t->expect);
		else
			MUST(run_slot(bound.ctx, bound.slot, 0, 1, 0));
		t->word = n + 1;
	}
}

/* When GRANT has returned, no submission gets through by an older answer. */
TEST_SECONDS(a_running_queue_loses_rights_at_once, 60)
{
	struct turns *t = turns_new();
	int a, pid, n = 0;

	setup("");
	a = cg_make("a");
	bound_open(&bound, open_ctx(null_id), 64, 1);
	queue_open(&queue, bound.ctx, 4, 0);
	pid = spawn(submits_in_turn, t);
	for (int i = 0; i < 200; i++) {
		MUST(grant(admin, a, i & 1 ? EXEC : LOAD));
		t->expect = i & 1 ? 0 : -EACCES;
		t->word = n + 1;
		wait_turn(t, n + 2);
		n += 2;
	}
	t->expect = 1;
	t->word = n + 1;
	reap(pid);
}

static void revoked_in_flight(void *arg)
{
	struct aioffload_cqe cqe;
	struct turns *t = arg;

	cg_become("a");
	queue_run(&queue, bound.slot, 0, 1, 7, 0);
	EXPECT_EQ(queue_enter(&queue, 1, 0, 0), 1);
	t->word = 1;
	wait_turn(t, 2);
	EXPECT_EQ(queue_enter(&queue, 0, 1, 0), 0);
	EXPECT(queue_reap(&queue, &cqe));
	EXPECT_EQ(cqe.status, 0);
}

TEST(a_job_on_its_way_ends_undisturbed)
{
	struct turns *t = turns_new();
	int a, pid;

	setup("latency_ns=300000000");
	a = cg_make("a");
	bound_open(&bound, open_ctx(null_id), 64, 1);
	queue_open(&queue, bound.ctx, 4, 0);
	pid = spawn(revoked_in_flight, t);
	wait_turn(t, 1);
	MUST(grant(admin, a, LOAD));
	t->word = 2;
	reap(pid);
}

/* ---- ways around ---- */

/* What an exec'ed process finds: environment T_RIGHTS_EXEC="FD SLOT". */
__attribute__((constructor)) static void after_exec(void)
{
	const char *what = getenv("T_RIGHTS_EXEC");
	unsigned int slot;
	int ctx;

	if (!what || sscanf(what, "%d %u", &ctx, &slot) != 2)
		return;
	_exit(run_slot(ctx, slot, 0, 1, 0) < 0 ? errno : 0);
}

static int status_after_exec(void)
{
	char env[64], *argv[] = { "rights", NULL }, *envp[] = { env, NULL };
	int status, pid = fork();

	if (!pid) {
		int fd = dup(bound.ctx);	/* without close-on-exec */

		snprintf(env, sizeof(env), "T_RIGHTS_EXEC=%d %u", fd, bound.slot);
		execve("/proc/self/exe", argv, envp);
		_exit(255);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void forks_and_execs(void *arg)
{
	int want = *(int *)arg, pid;

	cg_become("a");
	EXPECT_EQ(status_after_exec(), want);
	pid = fork();
	if (!pid) {
		int err = run_slot(bound.ctx, bound.slot, 0, 1, 0) ? errno : 0;

		_exit(err == want ? 0 : 1);
	}
	reap(pid);
}

TEST(fork_and_exec_change_nothing)
{
	int a, want = 0;

	setup("");
	a = cg_make("a");
	bound_open(&bound, open_ctx(null_id), 64, 1);
	reap(spawn(forks_and_execs, &want));
	MUST(grant(admin, a, LOAD));
	want = EACCES;
	reap(spawn(forks_and_execs, &want));
}

struct passing {
	int sock[2];
	struct turns *turns;
};

static void opens_and_sends(void *arg)
{
	struct passing *p = arg;

	cg_become("poor");
	bound_open(&bound, open_ctx(null_id), 64, 1);
	pass_fd(p->sock[0], bound.ctx);
}

static void uses_received(void *arg)
{
	struct passing *p = arg;
	int ctx = take_fd(p->sock[1]);
	struct queue q;

	cg_become("rich");
	MUST(run_slot(ctx, 0, 0, 1, 0));
	p->turns->word = 1;
	wait_turn(p->turns, 2);
	EXPECT_ERRNO(run_slot(ctx, 0, 0, 1, 0), EACCES);
	EXPECT_ERRNO(queue_create(ctx, &q, 4, 0), EACCES);
	p->turns->word = 3;
	wait_turn(p->turns, 4);
	EXPECT_ERRNO(run_slot(ctx, 0, 0, 1, 0), EACCES);
	p->turns->word = 5;
	wait_turn(p->turns, 6);
	MUST(run_slot(ctx, 0, 0, 1, 0));
}

/* Neither a richer opener nor a richer user makes a context richer. */
TEST(passing_a_descriptor_gives_nothing)
{
	struct passing p = { .turns = turns_new() };
	int poor, rich, pid;

	setup("");
	poor = cg_make("poor");
	rich = cg_make("rich");
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, p.sock));
	reap(spawn(opens_and_sends, &p));
	pid = spawn(uses_received, &p);
	wait_turn(p.turns, 1);
	MUST(grant(admin, poor, 0));
	p.turns->word = 2;
	wait_turn(p.turns, 3);
	MUST(grant(admin, poor, EXEC));
	MUST(grant(admin, rich, LOAD));
	p.turns->word = 4;
	wait_turn(p.turns, 5);
	MUST(grant(admin, rich, EXEC));
	p.turns->word = 6;
	reap(pid);
}

static void moves_about(void *arg)
{
	(void)arg;
	cg_become("poor");
	bound_open(&bound, open_ctx(null_id), 64, 1);
	MUST(run_slot(bound.ctx, bound.slot, 0, 1, 0));
	cg_enter("rich");
	MUST(run_slot(bound.ctx, bound.slot, 0, 1, 0));
	cg_enter("locked");
	EXPECT_ERRNO(run_slot(bound.ctx, bound.slot, 0, 1, 0), EACCES);
	cg_enter("poor");
	MUST(run_slot(bound.ctx, bound.slot, 0, 1, 0));
	EXPECT_ERRNO(grant(open_ctx(-1), cg_open("rich"), EXEC), EPERM);
}

static void opened_poor_used_rich(void *arg)
{
	struct aioffload_rights r;
	int ctx;

	(void)arg;
	cg_become("locked");
	ctx = open_ctx(null_id);
	MUST(get_rights(ctx, -1, &r));
	EXPECT_EQ(r.rights, 0);
	cg_enter("rich");
	MUST(get_rights(ctx, -1, &r));
	EXPECT_EQ(r.rights, 0);		/* the opener's count as well */
	EXPECT_ERRNO(model_load(ctx, lut.data, lut.bytes, NULL, 0), EACCES);
	ctx = open_ctx(null_id);
	MUST(get_rights(ctx, -1, &r));
	EXPECT_EQ(r.rights, EXEC | LOAD | RT);
}

TEST(moving_to_another_cgroup_gives_nothing)
{
	setup("");
	cg_make("poor");
	MUST(grant(admin, cg_make("rich"), EXEC | LOAD | RT));
	MUST(grant(admin, cg_make("locked"), 0));
	reap(spawn(moves_about, NULL));
	reap(spawn(opened_poor_used_rich, NULL));
}

static void root_of_a_userns(void *arg)
{
	struct bound *b = arg;
	int cg = cg_open("a");

	cg_enter("a");
	if (unshare(CLONE_NEWUSER))
		SKIP("no user namespaces: %s", strerror(errno));
	/* every capability there is, but not here */
	EXPECT_ERRNO(run_slot(b->ctx, b->slot, 0, 1, 0), EACCES);
	EXPECT_ERRNO(grant(b->ctx, cg, EXEC), EPERM);
	EXPECT_ERRNO(set_limit(b->ctx, cg, AIOFFLOAD_RES_BYTES, 1, 0), EPERM);
}

TEST(root_of_a_user_namespace_is_nobody)
{
	setup("");
	bound_open(&bound, open_ctx(null_id), 64, 1);
	MUST(grant(admin, cg_make("a"), LOAD));
	reap(spawn(root_of_a_userns, &bound));
}

static void without_capability(void *arg)
{
	int *sock = arg, ctx;

	cg_become("a");
	EXPECT_ERRNO(run_slot(bound.ctx, bound.slot, 0, 1, 0), EACCES);
	ctx = open_ctx(null_id);
	pass_fd(*sock, ctx);
}

TEST(the_override_needs_opener_and_caller)
{
	int a, s[2], ctx;
	struct queue q;

	setup("");
	a = cg_make("a");
	MUST(grant(admin, a, 0));
	cg_enter("a");
	bound_open(&bound, open_ctx(null_id), 64, 1);
	MUST(run_slot(bound.ctx, bound.slot, 0, 1, 0));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	int pid = spawn(without_capability, &s[1]);

	ctx = take_fd(s[0]);
	reap(pid);
	/* root uses what a nobody opened: a nobody's rights */
	EXPECT_ERRNO(queue_create(ctx, &q, 4, 0), EACCES);
	EXPECT_ERRNO(grant(ctx, a, EXEC), EPERM);
	/* and his own answer was not spoilt by the other one's */
	MUST(run_slot(bound.ctx, bound.slot, 0, 1, 0));
	cg_leave();
}

/* ---- who may grant what ---- */

TEST(a_child_never_gets_more_than_its_parent)
{
	struct aioffload_rights r;
	uint64_t two[4] = { 0 };
	int p, c;

	setup("");
	p = cg_make("p");
	c = cg_make("p/c");
	MUST(grant(admin, c, EXEC | LOAD | RT));	/* nothing above it */
	MUST(grant(admin, p, EXEC | LOAD));
	MUST(get_rights(admin, c, &r));
	EXPECT_EQ(r.rights, EXEC | LOAD);
	EXPECT_EQ(r.granted, EXEC | LOAD | RT);
	EXPECT_ERRNO(grant(admin, c, EXEC | RT), EPERM);
	MUST(grant(admin, c, EXEC));
	MUST(grant(admin, p, LOAD));
	MUST(get_rights(admin, c, &r));
	EXPECT_EQ(r.rights, 0);
	MUST(grant_clear(admin, c));
	MUST(get_rights(admin, c, &r));
	EXPECT_EQ(r.rights, LOAD);

	MUST(grant_devices(admin, p, LOAD, only_device(null_id)));
	memcpy(two, only_device(null_id), sizeof(two));
	two[3] |= 1ULL << 63;
	EXPECT_ERRNO(grant_devices(admin, c, LOAD, two), EPERM);
	MUST(grant(admin, c, LOAD));		/* all that there are: one */
	MUST(get_rights(admin, c, &r));
	EXPECT(!memcmp(r.devices, only_device(null_id), sizeof(r.devices)));
}

static void delegate(void *arg)
{
	int d = cg_open("d"), x = cg_open("d/x"), e = cg_open("e"), ctx;
	struct aioffload_rights r;

	(void)arg;
	cg_become("d");
	ctx = open_ctx(-1);
	MUST(grant(ctx, x, EXEC));
	MUST(set_limit(ctx, x, AIOFFLOAD_RES_MODELS, 1, 0));
	MUST(get_rights(ctx, x, &r));
	EXPECT_EQ(r.rights, EXEC);
	EXPECT_ERRNO(grant(ctx, x, EXEC | RT), EPERM);	/* he has it not himself */
	EXPECT_ERRNO(grant(ctx, d, EXEC), EPERM);		/* his own */
	EXPECT_ERRNO(grant(ctx, e, 0), EPERM);		/* somebody else's */
	EXPECT_ERRNO(grant_clear(ctx, d), EPERM);
	EXPECT_ERRNO(set_limit(ctx, d, AIOFFLOAD_RES_MODELS, 9, 0), EPERM);
	EXPECT_ERRNO(set_limit(ctx, e, AIOFFLOAD_RES_MODELS, 0, 0), EPERM);
	EXPECT_ERRNO(grant(ctx, -1, EXEC), EBADF);
	MUST(set_limit(ctx, x, AIOFFLOAD_RES_MODELS, AIOFFLOAD_NO_LIMIT, 0));
	MUST(grant_clear(ctx, x));
	/* from below he can't reach up */
	cg_enter("d/x");
	EXPECT_ERRNO(grant(ctx, x, EXEC), EPERM);
	EXPECT_ERRNO(grant(ctx, d, EXEC), EPERM);
}

static void no_admin(void *arg)
{
	int x = cg_open("d/x"), ctx;

	(void)arg;
	cg_become("d");
	ctx = open_ctx(-1);
	EXPECT_ERRNO(grant(ctx, x, EXEC), EPERM);
	EXPECT_ERRNO(grant(ctx, -1, EXEC), EPERM);	/* before the descriptor */
	EXPECT_ERRNO(set_limit(ctx, x, AIOFFLOAD_RES_BYTES, 0, 0), EPERM);
}

TEST(an_admin_rules_below_his_own_cgroup_only)
{
	int d;

	setup("");
	d = cg_make("d");
	cg_make("d/x");
	cg_make("e");
	MUST(grant(admin, d, EXEC | LOAD | ADMIN));
	reap(spawn(delegate, NULL));
	MUST(grant(admin, d, EXEC | LOAD));
	reap(spawn(no_admin, NULL));
}

/* ---- removed cgroups, deep ones ---- */

static void binds_then_loses(void *arg)
{
	struct turns *t = arg;

	cg_become("a");
	bound_open(&bound, open_ctx(null_id), 64, 1);
	t->word = 1;
	wait_turn(t, 2);
	cg_leave();
	cg_remove("a");
	EXPECT_ERRNO(run_slot(bound.ctx, bound.slot, 0, 1, 0), EACCES);
	sleep_ms(11000);	/* longer than the sweeper's period */
	EXPECT_ERRNO(run_slot(bound.ctx, bound.slot, 0, 1, 0), EACCES);
}

TEST(removing_a_cgroup_sets_nobody_free)
{
	struct turns *t = turns_new();
	int a, pid;

	setup("");
	a = cg_make("a");
	pid = spawn(binds_then_loses, t);
	wait_turn(t, 1);
	MUST(grant(admin, a, 0));
	t->word = 2;
	reap(pid);
	EXPECT_ERRNO(grant(admin, a, EXEC), ENOENT);
}

static void at_the_bottom(void *arg)
{
	cg_become(arg);
	EXPECT_ERRNO(run_slot(bound.ctx, bound.slot, 0, 1, 0), EACCES);
}

TEST(deep_cgroups_share_their_ancestors_rights)
{
	char name[256] = "a";
	int a, cg = -1;

	setup("");
	a = cg_make(name);
	for (int i = 0; i < 40; i++) {
		strcat(name, "/x");
		cg = cg_make(name);
	}
	bound_open(&bound, open_ctx(null_id), 64, 1);
	EXPECT_ERRNO(grant(admin, cg, EXEC), E2BIG);
	EXPECT_ERRNO(set_limit(admin, cg, AIOFFLOAD_RES_BYTES, 0, 0), E2BIG);
	MUST(grant(admin, a, LOAD));
	reap(spawn(at_the_bottom, name));
}

/* ---- arguments ---- */

TEST(arguments_are_checked)
{
	struct aioffload_grant g = ARG(grant);
	struct aioffload_rights r = ARG(rights);
	char path[256];
	int a, file, ro;

	setup("");
	a = cg_make("a");
	cg_path(path, sizeof(path), "a/cgroup.procs");
	file = MUST(open(path, O_RDONLY));
	g.cgroup_fd = a;
	g.rights = 0x10;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_GRANT, &g), EINVAL);
	g.rights = EXEC;
	g.devices[3] = 1;				/* without the flag */
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_GRANT, &g), EINVAL);
	g.devices[3] = 0;
	g.flags = AIOFFLOAD_GRANT_CLEAR;		/* and rights */
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_GRANT, &g), EINVAL);
	g.rights = 0;
	g.flags |= AIOFFLOAD_GRANT_DEVICES;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_GRANT, &g), EINVAL);
	EXPECT_ERRNO(grant(admin, -1, EXEC), EBADF);
	EXPECT_ERRNO(grant(admin, 9999, EXEC), EBADF);
	EXPECT_ERRNO(grant(admin, admin, EXEC), EBADF);
	EXPECT_ERRNO(grant(admin, file, EXEC), EBADF);
	MUST(grant(admin, MUST(open("/sys/fs/cgroup", O_PATH | O_DIRECTORY)),
		   AIOFFLOAD_RIGHTS_ALL));
	MUST(grant_clear(admin, MUST(open("/sys/fs/cgroup", O_RDONLY))));

	r.cgroup_fd = a;				/* without the flag */
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_RIGHTS, &r), EINVAL);
	r.flags = AIOFFLOAD_RIGHTS_OF | AIOFFLOAD_RIGHTS_LIST;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_RIGHTS, &r), EINVAL);
	r.flags = AIOFFLOAD_RIGHTS_OF;
	r.index = 1;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_RIGHTS, &r), EINVAL);
	r.index = 0;
	r.path = (uintptr_t)path;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_RIGHTS, &r), ERANGE);
	r.path_len = 4;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_RIGHTS, &r), ERANGE);
	r.path = 8;
	r.path_len = 256;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_RIGHTS, &r), EFAULT);
	r.path = 0;
	r.cgroup_fd = -1;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_RIGHTS, &r), EBADF);

	ro = MUST(open("/dev/aioffload", O_RDONLY));
	EXPECT_ERRNO(grant(ro, a, EXEC), EBADF);
	EXPECT_ERRNO(set_limit(ro, a, AIOFFLOAD_RES_BYTES, 0, 0), EBADF);
	MUST(get_rights(ro, a, &r));
}
