// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cgroups by name. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common.h"

static char root_path[PATH_MAX];
static bool for_tests;

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

const char *cgroup_root(void)
{
	static const char *const places[] = {
		"/sys/fs/cgroup", "/sys/fs/cgroup/unified",
	};
	size_t i;

	for (i = 0; !*root_path && i < 2; i++)
		if (is_cgroup2(places[i]))
			snprintf(root_path, sizeof(root_path), "%s", places[i]);
	return *root_path ? root_path : NULL;
}

void cgroup_set_root(const char *root)
{
	snprintf(root_path, sizeof(root_path), "%s", root ? root : "");
	for_tests = root;
}

bool cgroup_is_one(int fd)
{
	struct statfs fs;

	return for_tests || (!fstatfs(fd, &fs) &&
			     fs.f_type == CGROUP2_SUPER_MAGIC);
}

/* The line "0::/path" of /proc/self/cgroup. */
static int own_path(char *path, size_t len)
{
	char line[PATH_MAX + 16];
	FILE *f = fopen("/proc/self/cgroup", "re");
	int ret = -ENODEV;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::", 3))
			continue;
		line[strcspn(line, "\n")] = '\0';
		ret = (size_t)snprintf(path, len, "%s", line + 3) < len ? 0 :
			-ENAMETOOLONG;
	}
	fclose(f);
	return ret;
}

int cgroup_open(const char *name)
{
	const char *root = cgroup_root();
	char path[2 * PATH_MAX], own[PATH_MAX];
	size_t len;
	int fd, ret;

	if (!root)
		return -ENODEV;
	if (!*name)
		return -EINVAL;
	if (!strcmp(name, "self")) {
		ret = own_path(own, sizeof(own));
		if (ret)
			return ret;
		name = own;
	}
	len = strlen(root);
	if (!strncmp(name, root, len) && (name[len] == '/' || !name[len]))
		name += len;
	snprintf(path, sizeof(path), "%s/%s", root, name);
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!cgroup_is_one(fd)) {
		close(fd);
		return -EBADF;
	}
	return fd;
}
