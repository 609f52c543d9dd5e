// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Devices are shared out by cpu.weight: the kernel's module can't read that, so
 * we do, of the cgroups that share a device at the moment.
 *
 * Writing to a cgroup's file is an event of inotify for its directory. That a
 * cgroup came to a device is one for the module's file "groups". Where a watch
 * can't be had, we look every now and then.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

#define PERIOD_MS	10000	/* between looks without events */

/* A directory that is watched, by its inode: the cgroup's number. */
struct watched {
	uint64_t id;
	int wd;
	bool seen;	/* in the present round */
};

static struct {
	int fd;
	const char *groups;	/* the module's file */
	int groups_wd;
	struct watched *w;
	size_t n;
	bool blind;		/* something could not be watched */
	bool told;		/* and that was said */
} f = { .fd = -1, .groups_wd = -1 };

int follow_start(const char *groups)
{
	follow_stop();
	f.groups = groups;
	f.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return f.fd;
}

void follow_stop(void)
{
	if (f.fd >= 0)
		close(f.fd);
	free(f.w);
	memset(&f, 0, sizeof(f));
	f.fd = -1;
	f.groups_wd = -1;
}

int follow_timeout(void)
{
	return f.blind ? PERIOD_MS : -1;
}

static int watch(const char *path, uint32_t mask)
{
	int wd;

	/* --once has not begun to follow anything */
	if (!f.groups)
		return -1;
	wd = inotify_add_watch(f.fd, path, mask);
	if (wd >= 0)
		return wd;
	f.blind = true;
	if (!f.told)
		log_warn("%s can't be watched (%s): changes of cpu.weight are seen within %d s",
			 path, strerror(errno), PERIOD_MS / 1000);
	f.told = true;
	return -1;
}

/* It is another file when the module is another one. */
static void watch_groups(void)
{
	int wd = f.groups ? watch(f.groups, IN_MODIFY) : -1;

	if (wd != f.groups_wd && f.groups_wd >= 0)
		inotify_rm_watch(f.fd, f.groups_wd);
	f.groups_wd = wd;
}

static void watch_dir(int dir, uint64_t id)
{
	struct watched *w;
	char path[40];
	size_t i;

	for (i = 0; i < f.n; i++) {
		if (f.w[i].id == id) {
			f.w[i].seen = true;
			return;
		}
	}
	w = reallocarray(f.w, f.n + 1, sizeof(*w));
	if (!w) {
		f.blind = true;
		return;
	}
	f.w = w;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	w += f.n;
	w->id = id;
	w->seen = true;
	w->wd = watch(path, IN_MODIFY | IN_ONLYDIR);
	f.n += w->wd >= 0;
}

/* A directory that is gone would be kept in memory by its watch. */
static void forget_unseen(void)
{
	size_t i, kept = 0;

	for (i = 0; i < f.n; i++) {
		if (f.w[i].seen)
			f.w[kept++] = f.w[i];
		else
			inotify_rm_watch(f.fd, f.w[i].wd);
	}
	f.n = kept;
}

/* 0: it has none, as where the parent does not divide CPU time. */
static uint32_t cpu_weight(int dir)
{
	int fd = openat(dir, "cpu.weight", O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	unsigned long value;
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0 || *text < '0' || *text > '9')
		return 0;
	value = strtoul(text, NULL, 10);
	/* 0 is said of a cgroup that is cpu.idle */
	return value < 1 ? 1 : value > AIOFFLOAD_WEIGHT_MAX ?
		AIOFFLOAD_WEIGHT_MAX : (uint32_t)value;
}

static void follow_one(struct aioffload_ctx *ctx,
		       const struct aioffload_sched *s, const char *path)
{
	int fd = cgroup_open(path), ret = 0;
	struct stat st;
	uint32_t weight;

	if (fd < 0)
		return;		/* removed, and still in use */
	if (fstat(fd, &st) || st.st_ino != s->cgroup_id)
		goto out;
	/* watched first: what changes after it was read is an event */
	watch_dir(fd, s->cgroup_id);
	weight = cpu_weight(fd);
	if (weight != s->cpu_weight)
		ret = aioffload_weight_set_cpu(ctx, fd, weight);
	if (ret && ret != -ENOENT)
		log_err("cgroup %s: %s", path, aioffload_last_error());
out:
	close(fd);
}

static void follow_device(struct aioffload_ctx *ctx, uint32_t device)
{
	struct aioffload_sched s;
	char path[PATH_MAX];
	uint64_t from = 0;

	while (!aioffload_sched_get(ctx, device, from, &s, path, sizeof(path))) {
		if (s.host || s.cgroup_id < from)
			break;
		follow_one(ctx, &s, path);
		from = s.cgroup_id + 1;
	}
}

void follow_round(struct aioffload_ctx *ctx)
{
	struct aioffload_device_info dev;
	uint32_t from = 0;
	size_t i;

	f.blind = false;
	watch_groups();
	for (i = 0; i < f.n; i++)
		f.w[i].seen = false;
	while (!aioffload_get_device(ctx, from, &dev) && dev.id >= from) {
		follow_device(ctx, dev.id);
		from = dev.id + 1;
	}
	forget_unseen();
}

/* Can writing to this file change a weight? */
static bool matters(const char *name)
{
	return !strncmp(name, "cpu.", 4) ||
	       !strcmp(name, "cgroup.subtree_control");
}

bool follow_events(void)
{
	char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *e;
	bool due = false;
	ssize_t n, at;

	while ((n = read(f.fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const struct inotify_event *)(buf + at);
			due |= e->mask & IN_Q_OVERFLOW ||
			       (e->wd == f.groups_wd && e->mask & IN_MODIFY) ||
			       (e->len && matters(e->name));
		}
	}
	return due;
}
