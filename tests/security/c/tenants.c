// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cgroups, users, and what they may do. */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "sectest.h"

#define CGROUPS "/sys/fs/cgroup/sec"

static void full_path(char *to, size_t room, const char *path)
{
	snprintf(to, room, CGROUPS "%s%s", *path ? "/" : "", path);
}

int cg_open(const char *path)
{
	char full[200];
	int fd;

	mkdir(CGROUPS, 0755);
	full_path(full, sizeof(full), path);
	if (mkdir(full, 0755) && errno != EEXIST)
		FAIL("%s: %s", full, strerror(errno));
	fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		FAIL("%s: %s", full, strerror(errno));
	return fd;
}

int cg_move(const char *path, pid_t pid)
{
	char full[220], text[20];

	full_path(full, sizeof(full), path);
	strncat(full, "/cgroup.procs", sizeof(full) - strlen(full) - 1);
	snprintf(text, sizeof(text), "%d", pid);
	return write_text(full, text);
}

void cg_enter(const char *path)
{
	int err;

	close(cg_open(path));
	err = cg_move(path, getpid());
	if (err)
		FAIL("entering %s: %s", path, strerror(-err));
}

int grant_one_device(int ctx, int cgroup, uint32_t rights, int device)
{
	uint64_t none[AIOFFLOAD_MAX_DEVICES / 64] = { 0 };

	return grant_devices(ctx, cgroup, rights,
			     device >= 0 ? only_device(device) : none);
}

struct aioffload_usage usage(int ctx, int cgroup, uint32_t resource)
{
	struct aioffload_usage u;

	MUST(get_usage(ctx, cgroup, resource, &u));
	return u;
}

/* ---- who ---- */

void become(uid_t uid)
{
	MUST(setgroups(0, NULL));
	MUST(setgid(uid));
	MUST(setuid(uid));
	/* /proc/self belongs to us again: uid_map wants that */
	MUST(prctl(PR_SET_DUMPABLE, 1));
}

void drop_capabilities(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	MUST(syscall(SYS_capset, &h, none));
	EXPECT_EQ(geteuid(), 0);
}

void become_ns_root(void)
{
	int err;

	become(NOBODY);
	if (unshare(CLONE_NEWUSER))
		SKIP("no user namespaces for users: %s", strerror(errno));
	MUST(write_text("/proc/self/setgroups", "deny"));
	err = write_text("/proc/self/uid_map", "0 65534 1");
	if (!err)
		err = write_text("/proc/self/gid_map", "0 65534 1");
	if (err)
		FAIL("uid_map: %s", strerror(-err));
	MUST(setuid(0));
	EXPECT_EQ(geteuid(), 0);
}

void open_to_all(void)
{
	EXPECT_EQ(run_command("udevadm settle 2>/dev/null; chmod 666 /dev/aioffload*"), 0);
}

void in_child(void (*fn)(void *), void *arg)
{
	reap(spawn(fn, arg));
}
