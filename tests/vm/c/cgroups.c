// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cgroups, privileges, and the calls about rights and quotas. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "vmtest.h"

#define ROOT	"/sys/fs/cgroup"

/* What an earlier test left, deepest first; busy ones stay. */
static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char sub[512];

	while (d && (e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		remove_tree(sub);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static const char *base(void)
{
	static char path[64];
	struct dirent *e;
	char old[512];
	DIR *d;

	if (path[0])
		return path;
	d = opendir(ROOT);
	if (!d || access(ROOT "/cgroup.procs", F_OK))
		SKIP("no cgroup 2 at " ROOT);
	while ((e = readdir(d))) {
		if (strncmp(e->d_name, "vmt.", 4))
			continue;
		snprintf(old, sizeof(old), ROOT "/%s", e->d_name);
		remove_tree(old);
	}
	closedir(d);
	snprintf(path, sizeof(path), ROOT "/vmt.%d", getpid());
	MUST(mkdir(path, 0755));
	return path;
}

void cg_path(char *to, size_t room, const char *name)
{
	snprintf(to, room, "%s%s%s", base(), *name ? "/" : "", name);
}

int cg_open(const char *name)
{
	char path[2048];

	cg_path(path, sizeof(path), name);
	return MUST(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int cg_make(const char *name)
{
	char path[2048];

	cg_path(path, sizeof(path), name);
	MUST(mkdir(path, 0755));
	return cg_open(name);
}

void cg_remove(const char *name)
{
	char path[2048];

	cg_path(path, sizeof(path), name);
	/* who has just been reaped may still be counted */
	for (int i = 0; rmdir(path); i++) {
		if (errno != EBUSY || i == 200)
			FAIL("rmdir %s: %s", path, strerror(errno));
		sleep_ms(10);
	}
}

void cg_enter(const char *name)
{
	char path[2048];
	size_t n;
	int err;

	cg_path(path, sizeof(path), name);
	n = strlen(path);
	snprintf(path + n, sizeof(path) - n, "/cgroup.procs");
	err = write_text(path, "0");
	if (err)
		FAIL("entering %s: %s", path, strerror(-err));
}

void cg_leave(void)
{
	int err = write_text(ROOT "/cgroup.procs", "0");

	if (err)
		FAIL("entering " ROOT ": %s", strerror(-err));
}

void drop_caps(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { };

	/* uid 0 stays, so that files can be opened; exec gives nothing back */
	MUST(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED));
	MUST(syscall(SYS_capset, &h, d));
}

void cg_become(const char *name)
{
	cg_enter(name);
	drop_caps();
}

uint64_t *only_device(int id)
{
	static uint64_t devices[AIOFFLOAD_MAX_DEVICES / 64];

	memset(devices, 0, sizeof(devices));
	devices[id / 64] = 1ULL << id % 64;
	return devices;
}

struct turns *turns_new(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	return p;
}

void wait_turn(struct turns *t, int word)
{
	while (t->word != word)
		sched_yield();
}

int grant_devices(int ctx, int cg, unsigned int rights, const uint64_t *devices)
{
	struct aioffload_grant g = ARG(grant);

	g.cgroup_fd = cg;
	g.rights = rights;
	if (devices) {
		g.flags = AIOFFLOAD_GRANT_DEVICES;
		memcpy(g.devices, devices, sizeof(g.devices));
	}
	return ioctl(ctx, AIOFFLOAD_IOC_GRANT, &g);
}

int grant(int ctx, int cg, unsigned int rights)
{
	return grant_devices(ctx, cg, rights, NULL);
}

int grant_clear(int ctx, int cg)
{
	struct aioffload_grant g = ARG(grant);

	g.cgroup_fd = cg;
	g.flags = AIOFFLOAD_GRANT_CLEAR;
	return ioctl(ctx, AIOFFLOAD_IOC_GRANT, &g);
}

int get_rights(int ctx, int cg, struct aioffload_rights *r)
{
	*r = ARG(rights);
	r->cgroup_fd = cg;
	r->flags = cg < 0 ? 0 : AIOFFLOAD_RIGHTS_OF;
	return ioctl(ctx, AIOFFLOAD_IOC_RIGHTS, r);
}

int set_limit(int ctx, int cg, unsigned int resource, uint64_t limit,
	      uint64_t period_ns)
{
	struct aioffload_limit l = ARG(limit);

	l.cgroup_fd = cg;
	l.resource = resource;
	l.limit = limit;
	l.period_ns = period_ns;
	return ioctl(ctx, AIOFFLOAD_IOC_LIMIT, &l);
}

int get_usage(int ctx, int cg, unsigned int resource, struct aioffload_usage *u)
{
	*u = ARG(usage);
	u->cgroup_fd = cg;
	u->resource = resource;
	return ioctl(ctx, AIOFFLOAD_IOC_USAGE, u);
}

uint64_t used(int ctx, int cg, unsigned int resource)
{
	struct aioffload_usage u;

	MUST(get_usage(ctx, cg, resource, &u));
	return u.used;
}

void pass_fd(int sock, int fd)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } c = { };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
			    .msg_controllen = sizeof(c) };

	c.align.cmsg_level = SOL_SOCKET;
	c.align.cmsg_type = SCM_RIGHTS;
	c.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.align), &fd, sizeof(fd));
	MUST(sendmsg(sock, &m, 0));
}

int take_fd(int sock)
{
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } c = { };
	char byte;
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
			    .msg_controllen = sizeof(c) };
	int fd;

	EXPECT_EQ(MUST(recvmsg(sock, &m, MSG_CMSG_CLOEXEC)), 1);
	memcpy(&fd, CMSG_DATA(&c.align), sizeof(fd));
	return fd;
}
