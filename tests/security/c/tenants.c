// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cgroups, users, and what they may do. */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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

int grant(int ctx, int cgroup, uint32_t rights)
{
	struct aioffload_grant g = ARG(grant);

	g.cgroup_fd = cgroup;
	g.rights = rights;
	return ioctl(ctx, AIOFFLOAD_IOC_GRANT, &g);
}

int grant_one_device(int ctx, int cgroup, uint32_t rights, int device)
{
	struct aioffload_grant g = ARG(grant);

	g.flags = AIOFFLOAD_GRANT_DEVICES;
	g.cgroup_fd = cgroup;
	g.rights = rights;
	if (device >= 0)
		g.devices[device / 64] = 1ULL << device % 64;
	return ioctl(ctx, AIOFFLOAD_IOC_GRANT, &g);
}

int grant_clear(int ctx, int cgroup)
{
	struct aioffload_grant g = ARG(grant);

	g.flags = AIOFFLOAD_GRANT_CLEAR;
	g.cgroup_fd = cgroup;
	return ioctl(ctx, AIOFFLOAD_IOC_GRANT, &g);
}

int rights_of(int ctx, int cgroup, struct aioffload_rights *r)
{
	*r = ARG(rights);
	r->flags = cgroup >= 0 ? AIOFFLOAD_RIGHTS_OF : 0;
	r->cgroup_fd = cgroup;
	return ioctl(ctx, AIOFFLOAD_IOC_RIGHTS, r);
}

int limit(int ctx, int cgroup, uint32_t resource, uint64_t n)
{
	struct aioffload_limit l = ARG(limit);

	l.cgroup_fd = cgroup;
	l.resource = resource;
	l.limit = n;
	return ioctl(ctx, AIOFFLOAD_IOC_LIMIT, &l);
}

int limit_time(int ctx, int cgroup, uint64_t ns, uint64_t period)
{
	struct aioffload_limit l = ARG(limit);

	l.cgroup_fd = cgroup;
	l.resource = AIOFFLOAD_RES_TIME;
	l.limit = ns;
	l.period_ns = period;
	return ioctl(ctx, AIOFFLOAD_IOC_LIMIT, &l);
}

struct aioffload_usage usage(int ctx, int cgroup, uint32_t resource)
{
	struct aioffload_usage u = ARG(usage);

	u.cgroup_fd = cgroup;
	u.resource = resource;
	MUST(ioctl(ctx, AIOFFLOAD_IOC_USAGE, &u));
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

union fd_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(int))];
};

int send_fd(int sock, int fd)
{
	union fd_control c = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = c.buf,
			      .msg_controllen = sizeof(c.buf) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -1;
}

int recv_fd(int sock)
{
	union fd_control c;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = c.buf,
			      .msg_controllen = sizeof(c.buf) };
	struct cmsghdr *h;
	int fd;

	if (recvmsg(sock, &msg, 0) != 1)
		FAIL("recvmsg: %s", strerror(errno));
	h = CMSG_FIRSTHDR(&msg);
	if (!h || h->cmsg_type != SCM_RIGHTS)
		FAIL("no descriptor came");
	memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	return fd;
}
