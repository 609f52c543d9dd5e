// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rights that nobody gave. Tenants are processes of user nobody in cgroups
 * "rich" (may run and load) and "poor" (may nothing); root would be overridden.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include "sectest.h"

#define RUN_AND_LOAD	(AIOFFLOAD_RIGHT_EXEC | AIOFFLOAD_RIGHT_LOAD)

struct stage {
	int admin;		/* root's context */
	int rich, poor;		/* cgroups */
	int cpu;		/* id */
	int sock[2];
	struct bound b;
	struct queue q;
};

static void set_stage(struct stage *s)
{
	fresh();
	s->admin = open_ctx(-1);
	s->rich = cg_open("rich");
	s->poor = cg_open("poor");
	s->cpu = find_device("aioffload_cpu");
	MUST(grant(s->admin, s->rich, RUN_AND_LOAD));
	MUST(grant(s->admin, s->poor, 0));
	AUDIT_EXPECT("op=grant", "res=1");
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, s->sock));
	open_to_all();
}

static void say(int fd, char c)
{
	MUST(write(fd, &c, 1));
}

static void hear(int fd, char want)
{
	char c = 0;

	if (read(fd, &c, 1) != 1 || c != want)
		FAIL("expected '%c', heard '%c'", want, c);
}

/* Everything that a right is asked for. */
static void nothing_allowed(struct stage *s)
{
	struct queue q;

	EXPECT_ERRNO(run_slot(s->b.ctx, s->b.slot, 0, 1, 0), EACCES);
	EXPECT_EQ(queue_one(&s->q, s->b.slot).status, -EACCES);
	EXPECT_ERRNO(load_file(s->b.ctx, "good"), EACCES);
	EXPECT_ERRNO(queue_create(s->b.ctx, &q, 8, 0), EACCES);
	EXPECT_ERRNO(bound_again(&s->b), EACCES);
}

static void all_allowed(struct stage *s)
{
	bound_works(&s->b);
	EXPECT_EQ(queue_one(&s->q, s->b.slot).status, 0);
	close(admitted(s->b.ctx, "good"));
}

static void set_up_work(struct stage *s)
{
	bound_file(&s->b, open_ctx(s->cpu), "good");
	queue_open(&s->q, s->b.ctx, 8, 0);
}

/* ---- T30 ---- */

static void poor_child(void *arg)
{
	nothing_allowed(arg);
}

static void poor_from_start(void *arg)
{
	struct aioffload_rights r;
	int ctx;

	cg_enter("poor");
	become(NOBODY);
	ctx = open_ctx(-1);
	EXPECT_ERRNO(load_file(ctx, "good"), EACCES);
	MUST(get_rights(ctx, -1, &r));
	EXPECT_EQ(r.rights, 0);
	(void)arg;
}

static void rich_forks(void *arg)
{
	struct stage *s = arg;
	int child, self;

	cg_enter("rich");
	become(NOBODY);
	set_up_work(s);
	all_allowed(s);
	/* Forked, and put elsewhere by who may: its inherited fds are dead. */
	child = fork();
	if (!child) {
		self = getpid();
		MUST(write(s->sock[0], &self, sizeof(self)));
		hear(s->sock[0], 'p');
		poor_child(s);
		_exit(0);
	}
	reap(child);
	all_allowed(s);
}

TEST(t30_rights_by_fork_and_exec)
{
	struct stage s;
	int pid, child;

	set_stage(&s);
	in_child(poor_from_start, &s);
	pid = spawn(rich_forks, &s);
	EXPECT_EQ(read(s.sock[1], &child, sizeof(child)), sizeof(child));
	EXPECT_EQ(cg_move("poor", child), 0);
	say(s.sock[1], 'p');
	reap(pid);
	AUDIT_EXPECT("op=deny", "res=0");
	unharmed();
}

static void exec_self(void *arg)
{
	char ctx[12], slot[12];
	struct stage *s = arg;

	cg_enter("rich");
	become(NOBODY);
	set_up_work(s);
	cg_move("poor", 0);	/* not allowed to, so what follows must work */
	fcntl(s->b.ctx, F_SETFD, 0);
	snprintf(ctx, sizeof(ctx), "%d", s->b.ctx);
	snprintf(slot, sizeof(slot), "%d", s->b.slot);
	setenv("SECTEST_EXEC_CTX", ctx, 1);
	setenv("SECTEST_EXEC_SLOT", slot, 1);
	say(s->sock[0], 'm');
	hear(s->sock[0], 'p');
	execl("/proc/self/exe", "rights", "after_exec", NULL);
	FAIL("exec: %s", strerror(errno));
}

/* Only as what exec_self() becomes; by itself it has nothing to show. */
__attribute__((constructor)) static void after_exec(void)
{
	const char *ctx = getenv("SECTEST_EXEC_CTX");
	const char *slot = getenv("SECTEST_EXEC_SLOT");

	if (!ctx || !slot)
		return;
	errno = 0;
	_exit(run_slot(atoi(ctx), atoi(slot), 0, 1, 0) == -1 && errno == EACCES ? 0 : 1);
}

TEST(t30_rights_by_exec_of_another_program)
{
	struct stage s;
	int pid;

	set_stage(&s);
	pid = spawn(exec_self, &s);
	hear(s.sock[1], 'm');
	EXPECT_EQ(cg_move("poor", pid), 0);
	say(s.sock[1], 'p');
	reap(pid);
	unharmed();
}

/* ---- T31 ---- */

static void rich_lends(void *arg)
{
	struct stage *s = arg;

	cg_enter("rich");
	become(NOBODY);
	set_up_work(s);
	all_allowed(s);
	pass_fd(s->sock[0], s->b.ctx);
	pass_fd(s->sock[0], s->q.fd);
	pass_fd(s->sock[0], s->b.model);
	pass_fd(s->sock[0], s->b.buf);
	MUST(write(s->sock[0], &s->b, sizeof(s->b)));
	MUST(write(s->sock[0], &s->q, sizeof(s->q)));
	hear(s->sock[0], 'd');
	all_allowed(s);
}

static void poor_borrows(void *arg)
{
	struct stage *s = arg;
	int ctx, queue, model, buf;
	struct queue old;

	cg_enter("poor");
	become(NOBODY);
	ctx = take_fd(s->sock[1]);
	queue = take_fd(s->sock[1]);
	model = take_fd(s->sock[1]);
	buf = take_fd(s->sock[1]);
	EXPECT_EQ(read(s->sock[1], &s->b, sizeof(s->b)), sizeof(s->b));
	EXPECT_EQ(read(s->sock[1], &old, sizeof(old)), sizeof(old));
	s->b.ctx = ctx;
	s->b.model = model;
	s->b.buf = buf;
	s->b.map = buf_map(buf, s->b.bytes);
	s->q = old;
	s->q.fd = queue;
	s->q.map = mmap(NULL, old.c.ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, queue, 0);
	EXPECT(s->q.map != MAP_FAILED);
	s->q.sq_head = (void *)(s->q.map + old.c.sq.head);
	s->q.sq_tail = (void *)(s->q.map + old.c.sq.tail);
	s->q.cq_head = (void *)(s->q.map + old.c.cq.head);
	s->q.cq_tail = (void *)(s->q.map + old.c.cq.tail);
	s->q.sqes = (void *)(s->q.map + old.c.sq.entries);
	s->q.cqes = (void *)(s->q.map + old.c.cq.entries);
	nothing_allowed(s);
	say(s->sock[1], 'd');
}

TEST(t31_rights_by_fd_passing)
{
	struct stage s;
	int a, b;

	set_stage(&s);
	a = spawn(rich_lends, &s);
	b = spawn(poor_borrows, &s);
	reap(b);
	reap(a);
	AUDIT_EXPECT("op=deny", "res=0");
	unharmed();
}

static void poor_opens(void *arg)
{
	struct stage *s = arg;

	cg_enter("poor");
	become(NOBODY);
	pass_fd(s->sock[0], open_ctx(s->cpu));
}

static void rich_uses(void *arg)
{
	struct stage *s = arg;
	int ctx = take_fd(s->sock[1]);

	cg_enter("rich");
	become(NOBODY);
	EXPECT_ERRNO(load_file(ctx, "good"), EACCES);
	close(admitted(open_ctx(s->cpu), "good"));
}

TEST(t31_a_poor_opener_gets_nothing_done_by_the_rich)
{
	struct stage s;

	set_stage(&s);
	in_child(poor_opens, &s);
	in_child(rich_uses, &s);
	unharmed();
}

/* ---- T32 ---- */

static void moved_about(void *arg)
{
	struct stage *s = arg;
	int ctx;

	cg_enter("poor");
	become(NOBODY);
	ctx = open_ctx(s->cpu);
	say(s->sock[0], 'r');		/* to rich */
	hear(s->sock[0], 'r');
	EXPECT_ERRNO(load_file(ctx, "good"), EACCES);	/* opened as poor */
	set_up_work(s);			/* opened as rich */
	all_allowed(s);
	say(s->sock[0], 'p');		/* to poor */
	hear(s->sock[0], 'p');
	nothing_allowed(s);
	say(s->sock[0], 'r');		/* and back */
	hear(s->sock[0], 'r');
	all_allowed(s);
}

TEST(t32_rights_by_cgroup_move)
{
	struct stage s;
	int pid;

	set_stage(&s);
	pid = spawn(moved_about, &s);
	hear(s.sock[1], 'r');
	EXPECT_EQ(cg_move("rich", pid), 0);
	say(s.sock[1], 'r');
	hear(s.sock[1], 'p');
	EXPECT_EQ(cg_move("poor", pid), 0);
	say(s.sock[1], 'p');
	hear(s.sock[1], 'r');
	EXPECT_EQ(cg_move("rich", pid), 0);
	say(s.sock[1], 'r');
	reap(pid);
	AUDIT_EXPECT("op=deny", "uid=65534 ", "res=0");
	unharmed();
}

/* ---- T33 ---- */

static void poor_ns_root(void *arg)
{
	struct stage *s = arg;
	int ctx;

	cg_enter("poor");
	become_ns_root();
	ctx = open_ctx(s->cpu);
	EXPECT_ERRNO(load_file(ctx, "good"), EACCES);
	EXPECT_ERRNO(grant(ctx, s->poor, RUN_AND_LOAD), EPERM);
	EXPECT_ERRNO(grant_clear(ctx, s->poor), EPERM);
	EXPECT_ERRNO(policy_mode(ctx, AIOFFLOAD_POLICY_OFF), EPERM);
}

TEST(t33_rights_by_user_namespace)
{
	struct stage s;

	set_stage(&s);
	in_child(poor_ns_root, &s);
	/* As those outside know him */
	AUDIT_EXPECT("op=deny", "uid=65534 ", "rights=0x2 ", "errno=13 res=0");
	AUDIT_EXPECT("op=grant", "uid=65534 ", "rights=0x3 ", "errno=1 res=0");
	AUDIT_EXPECT("op=revoke", "uid=65534 ", "errno=1 res=0");
	AUDIT_EXPECT("op=policy", "uid=65534 ", "mode=off ", "errno=1 res=0");
	unharmed();
}

/* ---- T34 ---- */

TEST(t34_rights_widened_by_child)
{
	struct aioffload_rights r;
	struct stage s;
	int child, grandchild;

	set_stage(&s);
	child = cg_open("rich/child");
	grandchild = cg_open("rich/child/grandchild");
	/* Root, too: the tree stays in order. */
	EXPECT_ERRNO(grant(s.admin, child, RUN_AND_LOAD | AIOFFLOAD_RIGHT_RT), EPERM);
	AUDIT_EXPECT("op=grant", "rights=0x7 ", "/rich/child\"", "errno=1 res=0");
	EXPECT_ERRNO(grant(s.admin, grandchild, AIOFFLOAD_RIGHTS_ALL), EPERM);
	AUDIT_EXPECT("op=grant", "rights=0xf ", "/grandchild\"", "errno=1 res=0");
	MUST(grant(s.admin, child, RUN_AND_LOAD));
	MUST(grant(s.admin, grandchild, RUN_AND_LOAD));
	/* Taken above, it is gone below at once. */
	MUST(grant(s.admin, s.rich, AIOFFLOAD_RIGHT_EXEC));
	MUST(get_rights(s.admin, grandchild, &r));
	EXPECT_EQ(r.rights, AIOFFLOAD_RIGHT_EXEC);
	EXPECT_EQ(r.granted, RUN_AND_LOAD);
	MUST(grant(s.admin, s.rich, 0));
	MUST(get_rights(s.admin, grandchild, &r));
	EXPECT_EQ(r.rights, 0);
	unharmed();
}

/* ---- T35 ---- */

static void delegate(void *arg)
{
	struct stage *s = arg;
	int above = cg_open(""), own = cg_open("rich"), below = cg_open("rich/below");
	int ctx;

	cg_enter("rich");
	become(NOBODY);
	ctx = open_ctx(-1);
	MUST(grant(ctx, below, AIOFFLOAD_RIGHT_EXEC));
	MUST(set_limit(ctx, below, AIOFFLOAD_RES_MODELS, 1, 0));
	EXPECT_ERRNO(grant(ctx, below, AIOFFLOAD_RIGHT_RT), EPERM);
	EXPECT_ERRNO(grant(ctx, own, RUN_AND_LOAD), EPERM);
	EXPECT_ERRNO(grant_clear(ctx, own), EPERM);
	EXPECT_ERRNO(set_limit(ctx, own, AIOFFLOAD_RES_MODELS, AIOFFLOAD_NO_LIMIT, 0), EPERM);
	EXPECT_ERRNO(grant(ctx, s->poor, RUN_AND_LOAD), EPERM);
	EXPECT_ERRNO(grant(ctx, above, RUN_AND_LOAD), EPERM);
	EXPECT_ERRNO(policy_mode(ctx, AIOFFLOAD_POLICY_OFF), EPERM);
	EXPECT_ERRNO(block_version(ctx, AIOFFLOAD_BLOCK_ADD, "sec.lut", 9), EPERM);
	pass_fd(s->sock[0], ctx);
}

/* A delegate's descriptor does not make a delegate. */
static void no_delegate(void *arg)
{
	struct stage *s = arg;
	int below = cg_open("rich/below/more");
	int ctx = take_fd(s->sock[1]);

	cg_enter("poor");
	become(NOBODY);
	EXPECT_ERRNO(grant(ctx, below, AIOFFLOAD_RIGHT_EXEC), EPERM);
	EXPECT_ERRNO(grant(ctx, s->poor, AIOFFLOAD_RIGHT_EXEC), EPERM);
}

TEST(t35_rights_granted_sideways)
{
	struct stage s;

	set_stage(&s);
	MUST(grant(s.admin, s.rich, RUN_AND_LOAD | AIOFFLOAD_RIGHT_ADMIN));
	in_child(delegate, &s);
	in_child(no_delegate, &s);
	AUDIT_EXPECT("op=grant", "res=0");
	/* Not a cgroup at all */
	EXPECT_ERRNO(grant(s.admin, s.admin, 0), EBADF);
	EXPECT_ERRNO(grant(s.admin, open("/tmp", O_RDONLY), 0), EBADF);
	EXPECT_ERRNO(grant(s.admin, open("/sys/fs/cgroup/cgroup.procs", O_RDONLY), 0), EBADF);
	EXPECT_ERRNO(grant(s.admin, -1, 0), EBADF);
	unharmed();
}

/* ---- T36 ---- */

static void works_until_revoked(void *arg)
{
	struct stage *s = arg;

	cg_enter("rich");
	become(NOBODY);
	set_up_work(s);
	all_allowed(s);
	say(s->sock[0], 'w');
	hear(s->sock[0], 'r');
	nothing_allowed(s);
	say(s->sock[0], 'n');
	hear(s->sock[0], 'g');
	all_allowed(s);
}

TEST(t36_inherited_fd_after_revoke)
{
	struct stage s;
	int pid;

	set_stage(&s);
	pid = spawn(works_until_revoked, &s);
	hear(s.sock[1], 'w');
	MUST(grant(s.admin, s.rich, 0));
	say(s.sock[1], 'r');
	hear(s.sock[1], 'n');
	MUST(grant(s.admin, s.rich, RUN_AND_LOAD));
	say(s.sock[1], 'g');
	reap(pid);
	AUDIT_EXPECT("op=deny", "res=0");
	unharmed();
}

static void hammer(void *arg)
{
	unsigned int yes = 0, no = 0, both = 0;
	struct stage *s = arg;

	cg_enter("rich");
	become(NOBODY);
	set_up_work(s);
	say(s->sock[0], 'w');
	for (;;) {
		char c;

		if (!run_slot(s->b.ctx, s->b.slot, 0, 1, 0))
			yes++;
		else if (errno == EACCES)
			no++;
		else
			FAIL("run: %s", strerror(errno));
		if (yes && no && !both++)
			say(s->sock[0], 'b');
		if (recv(s->sock[0], &c, 1, MSG_DONTWAIT) == 1)
			break;
	}
	nothing_allowed(s);
}

TEST(t36_revoked_under_load)
{
	struct stage s;
	int pid;
	char c;

	set_stage(&s);
	pid = spawn(hammer, &s);
	hear(s.sock[1], 'w');
	/* At least that often, and until it has heard yes and no. */
	for (int i = 0; i < 200 || recv(s.sock[1], &c, 1, MSG_DONTWAIT) != 1; i++) {
		MUST(grant(s.admin, s.rich, i % 2 ? 0 : RUN_AND_LOAD));
		if (i % 8 == 0)
			sleep_ms(5);
	}
	MUST(grant(s.admin, s.rich, 0));
	/* The last word was no. */
	say(s.sock[1], 'e');
	reap(pid);
	AUDIT_EXPECT("op=grant", "rights=0x0 ", "/rich\"", "res=1");
	AUDIT_EXPECT("op=deny", "rights=0x1 ", "count=", "errno=13 res=0");
	unharmed();
}

/* ---- T37 ---- */

static void sees_null_only(void *arg)
{
	struct stage *s = arg;
	struct aioffload_device_info di;
	struct aioffload_info info;
	char path[40];
	int ctx;

	cg_enter("rich");
	become(NOBODY);
	ctx = open_ctx(-1);
	MUST(get_info(ctx, &info));
	EXPECT_EQ(info.nr_devices, 1);
	for (int id = 0; !device_info(ctx, id, &di); id = di.id + 1)
		EXPECT(!strcmp(di.driver, "aioffload_null"));
	EXPECT_EQ(errno, ENOENT);
	snprintf(path, sizeof(path), "/dev/aioffload%d", s->cpu);
	EXPECT_ERRNO(open(path, O_RDWR), ENODEV);
	/* Placement does not take it there either. */
	bound_file(&s->b, ctx, "good");
	bound_fill(&s->b);
	MUST(run_slot(ctx, s->b.slot, 0, 1, 0));
	/* A context on it, opened by who sees it */
	ctx = take_fd(s->sock[1]);
	EXPECT_ERRNO(run_slot(ctx, 0, 0, 1, 0), ENODEV);
	EXPECT(get_info(ctx, &info) < 0 || info.nr_devices == 0);
}

TEST(t37_hidden_device)
{
	struct stage s;
	struct bound b;
	char device[40];
	int null, root;

	set_stage(&s);
	null = null_add("");
	root = open_ctx(s.cpu);
	open_to_all();
	bound_file(&b, root, "good");
	EXPECT_EQ(b.slot, 0);
	MUST(grant_one_device(s.admin, s.rich, RUN_AND_LOAD, null));
	pass_fd(s.sock[0], root);
	in_child(sees_null_only, &s);
	snprintf(device, sizeof(device), "device=\"aioffload%d\" ", s.cpu);
	AUDIT_EXPECT("op=deny", "uid=65534 ", "rights=0x1 ", device, "errno=19 res=0");
	/* A child can't bring back what its parent does not have. */
	EXPECT_ERRNO(grant_one_device(s.admin, cg_open("rich/child"), RUN_AND_LOAD, s.cpu), EPERM);
	unharmed();
}

static void reads_attributes(void *arg)
{
	static const char *const names[] = {
		"class", "driver_name", "desc", "state", "jobs_done", "busy_ns",
		"load_permille", "power_uw",
	};
	int *ids = arg, fd;
	char path[96], text[96];

	cg_enter("rich");
	become(NOBODY);
	for (int i = 0; i < 8; i++) {
		for (int k = 0; k < 2; k++) {
			snprintf(path, sizeof(path), "/sys/class/aioffload/aioffload%d/%s",
				 ids[k], names[i]);
			fd = MUST(open(path, O_RDONLY));
			if (k)
				MUST(read(fd, text, sizeof(text)));
			else
				EXPECT_ERRNO(read(fd, text, sizeof(text)), ENODEV);
			close(fd);
		}
	}
}

/* Its name is no secret, what it is and does is. */
TEST(t37_hidden_device_in_sysfs)
{
	struct stage s;
	int ids[2];

	set_stage(&s);
	ids[0] = s.cpu;
	ids[1] = null_add("");
	MUST(grant_one_device(s.admin, s.rich, RUN_AND_LOAD, ids[1]));
	in_child(reads_attributes, ids);
	unharmed();
}

/* ---- T38 ---- */

static void inside_cgroup_ns(void *arg)
{
	struct aioffload_rights r = ARG(rights);
	struct aioffload_usage u = ARG(usage);
	struct stage *s = arg;
	char path[256] = "";
	int ctx;

	cg_enter("rich");
	MUST(unshare(CLONE_NEWCGROUP));
	become(NOBODY);
	ctx = open_ctx(-1);
	r.cgroup_fd = -1;
	r.path = (uintptr_t)path;
	r.path_len = sizeof(path);
	MUST(ioctl(ctx, AIOFFLOAD_IOC_RIGHTS, &r));
	EXPECT(!strcmp(path, "/"));
	EXPECT_EQ(r.rights, RUN_AND_LOAD);
	EXPECT_ERRNO(get_rights(ctx, s->poor, &r), EACCES);
	u.cgroup_fd = s->poor;
	EXPECT_ERRNO(ioctl(ctx, AIOFFLOAD_IOC_USAGE, &u), EACCES);
	for (int i = 0; ; i++) {
		r = ARG(rights);
		r.flags = AIOFFLOAD_RIGHTS_LIST;
		r.cgroup_fd = -1;
		r.index = i;
		r.path = (uintptr_t)path;
		r.path_len = sizeof(path);
		if (ioctl(ctx, AIOFFLOAD_IOC_RIGHTS, &r))
			break;
		if (strstr(path, "poor") || strstr(path, "sec") || strstr(path, ".."))
			FAIL("sees %s", path);
	}
	EXPECT_EQ(errno, ENOENT);
}

TEST(t38_names_across_namespaces)
{
	struct stage s;

	set_stage(&s);
	in_child(inside_cgroup_ns, &s);
	unharmed();
}
