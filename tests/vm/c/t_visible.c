// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a cgroup can see: devices, and other cgroups. */
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "vmtest.h"

#define EXEC	AIOFFLOAD_RIGHT_EXEC
#define LOAD	AIOFFLOAD_RIGHT_LOAD

static struct bound bound;
static struct queue queue;
static int null_id;
static int admin;		/* a context of root's */

static void setup(const char *settings)
{
	null_id = null_add(settings);
	admin = open_ctx(-1);
}

/* ---- devices ---- */

static int count_listed(int ctx, int *last)
{
	struct aioffload_device_info di;
	int n = 0;

	for (unsigned int id = 0; !device_info(ctx, id, &di); id = di.id + 1) {
		*last = di.id;
		n++;
	}
	EXPECT_EQ(errno, ENOENT);
	return n;
}

static void sees_one(void *arg)
{
	struct aioffload_device_info di;
	int hidden = *(int *)arg, ctx, last = -1;
	struct aioffload_info info;
	char path[40];

	cg_become("a");
	ctx = open_ctx(-1);
	EXPECT_EQ(count_listed(ctx, &last), 1);
	EXPECT_EQ(last, null_id);
	MUST(get_info(ctx, &info));
	EXPECT_EQ(info.nr_devices, 1);
	if (hidden > null_id)
		EXPECT_ERRNO(device_info(ctx, hidden, &di), ENOENT);
	snprintf(path, sizeof(path), "/dev/aioffload%d", hidden);
	EXPECT_ERRNO(open(path, O_RDWR), ENODEV);
	EXPECT_ERRNO(open("/tmp/t_rights.absent", O_RDWR), ENODEV);
	close(open_ctx(null_id));
	bound_open(&bound, ctx, 64, 1);
	MUST(run_slot(bound.ctx, bound.slot, 0, 1, 0));
}

TEST(what_may_not_be_used_can_not_be_seen)
{
	int hidden;
	struct stat st;

	setup("");
	hidden = null_add("");
	close(open_ctx(hidden));
	MUST(stat("/dev/aioffload", &st));
	/* a device that is not there */
	unlink("/tmp/t_rights.absent");
	MUST(mknod("/tmp/t_rights.absent", S_IFCHR | 0600,
		   makedev(major(st.st_rdev), 250)));
	MUST(grant_devices(admin, cg_make("a"), EXEC | LOAD, only_device(null_id)));
	reap(spawn(sees_one, &hidden));
	unlink("/tmp/t_rights.absent");
}

static void uses_pinned(void *arg)
{
	struct aioffload_info info;
	struct queue q;

	(void)arg;
	cg_become("a");
	EXPECT_ERRNO(run_slot(bound.ctx, bound.slot, 0, 1, 0), ENODEV);
	EXPECT_ERRNO(bound_again(&bound), ENODEV);
	EXPECT_ERRNO(queue_create(bound.ctx, &q, 4, 0), ENODEV);
	EXPECT_EQ(queue_one(&queue, bound.slot).status, -ENODEV);
	MUST(get_info(bound.ctx, &info));
	EXPECT_EQ(info.nr_devices, 0);
}

TEST(a_device_that_became_invisible_is_enodev)
{
	int other;

	setup("");
	other = null_add("");
	bound_open(&bound, open_ctx(null_id), 64, 1);
	queue_open(&queue, bound.ctx, 4, 0);
	MUST(grant_devices(admin, cg_make("a"), EXEC | LOAD, only_device(other)));
	reap(spawn(uses_pinned, NULL));
}

static void runs_on_the_other(void *arg)
{
	struct aioffload_cqe cqe;

	cg_become("a");
	for (int i = 0; i < 100; i++) {
		cqe = queue_one(&queue, bound.slot);
		EXPECT_EQ(cqe.status, 0);
		EXPECT_EQ(cqe.device, *(int *)arg);
	}
	MUST(run_slot(bound.ctx, bound.slot, 0, 1, 0));
}

static void sees_none(void *arg)
{
	(void)arg;
	cg_become("a");
	EXPECT_EQ(queue_one(&queue, bound.slot).status, -ENODEV);
	EXPECT_ERRNO(run_slot(bound.ctx, bound.slot, 0, 1, 0), ENODEV);
	EXPECT_ERRNO(bound_again(&bound), ENODEV);
}

TEST(jobs_go_to_visible_devices_only)
{
	uint64_t none[4] = { 0 };
	int other, a;

	setup("");
	other = null_add("");
	a = cg_make("a");
	bound_open(&bound, open_ctx(-1), 64, 1);
	queue_open(&queue, bound.ctx, 4, 0);
	MUST(grant_devices(admin, a, EXEC | LOAD, only_device(null_id)));
	reap(spawn(runs_on_the_other, &null_id));
	MUST(grant_devices(admin, a, EXEC | LOAD, only_device(other)));
	reap(spawn(runs_on_the_other, &other));
	MUST(grant_devices(admin, a, EXEC | LOAD, none));
	reap(spawn(sees_none, NULL));
}

/* ---- cgroups ---- */

static int list_paths(int ctx, char paths[][256], int most)
{
	struct aioffload_rights r;
	int n;

	for (n = 0; n < most; n++) {
		r = ARG(rights);
		r.flags = AIOFFLOAD_RIGHTS_LIST;
		r.cgroup_fd = -1;
		r.index = n;
		r.path = (uintptr_t)paths[n];
		r.path_len = 256;
		if (ioctl(ctx, AIOFFLOAD_IOC_RIGHTS, &r)) {
			EXPECT_EQ(errno, ENOENT);
			return n;
		}
		EXPECT_EQ(r.has_grant, 1);
	}
	return n;
}

static void in_a_cgroup_namespace(void *arg)
{
	int outside = cg_open("out"), inside = cg_open("a/b"), ctx;
	struct aioffload_usage u;
	struct aioffload_rights r;
	static char paths[8][256];

	(void)arg;
	cg_enter("a");
	MUST(unshare(CLONE_NEWCGROUP));
	drop_caps();
	ctx = open_ctx(-1);
	EXPECT_EQ(list_paths(ctx, paths, 8), 2);
	EXPECT((!strcmp(paths[0], "/") && !strcmp(paths[1], "/b")));
	EXPECT_ERRNO(get_rights(ctx, outside, &r), EACCES);
	EXPECT_ERRNO(get_usage(ctx, outside, AIOFFLOAD_RES_BYTES, &u), EACCES);
	MUST(get_rights(ctx, inside, &r));
	MUST(get_usage(ctx, inside, AIOFFLOAD_RES_BYTES, &u));
	MUST(get_usage(ctx, -1, AIOFFLOAD_RES_BYTES, &u));
}

TEST(a_cgroup_namespace_shows_its_own_only)
{
	static char paths[16][256];
	char want[256];
	int before, out;

	setup("");
	out = cg_make("out");
	before = list_paths(admin, paths, 12);
	MUST(grant(admin, out, EXEC | LOAD));
	MUST(grant(admin, cg_make("a"), EXEC | LOAD));
	MUST(grant(admin, cg_make("a/b"), EXEC));
	EXPECT_EQ(list_paths(admin, paths, 16), before + 3);
	cg_path(want, sizeof(want), "a/b");
	EXPECT(!strcmp(paths[before + 2], want + strlen("/sys/fs/cgroup")));
	reap(spawn(in_a_cgroup_namespace, NULL));
	/* grants of removed cgroups are not told any more */
	cg_remove("a/b");
	cg_remove("a");
	cg_remove("out");
	EXPECT_EQ(list_paths(admin, paths, 16), before);
}
