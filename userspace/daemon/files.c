// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files that grant rights must come from who may grant them. What anybody else
 * could have written is refused, not repaired: it may be too late for that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

static int check_owner(const char *path, const struct stat *st)
{
	if (st->st_uid && st->st_uid != geteuid()) {
		log_err("%s: belongs to user %u, not to root: ignored", path,
			st->st_uid);
		return -EPERM;
	}
	if (st->st_mode & 0022) {
		log_err("%s: writable for %s: ignored; mend it with: chmod go-w %s",
			path, st->st_mode & 0002 ? "others" : "its group",
			path);
		return -EPERM;
	}
	return 0;
}

/* Whoever may write to a directory may put any file there. */
static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int ret;

	if (fd < 0) {
		ret = -errno;
		if (ret != -ENOENT)
			log_err("%s: %s", path, strerror(-ret));
		return ret;
	}
	ret = fstat(fd, &st) ? -errno : check_owner(path, &st);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int dir_check(const char *path)
{
	int fd = open_dir(path);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int read_all(int fd, size_t max, char **data, size_t *bytes)
{
	char *buf = malloc(max + 1);
	size_t at = 0;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	/* a file may grow while it is read: one byte too many tells */
	while (at <= max && (n = read(fd, buf + at, max + 1 - at))) {
		if (n > 0) {
			at += (size_t)n;
		} else if (errno != EINTR) {
			free(buf);
			return -errno;
		}
	}
	if (at > max) {
		free(buf);
		return -EFBIG;
	}
	buf[at] = '\0';
	*data = buf;
	*bytes = at;
	return 0;
}

static int open_file(const char *path)
{
	char dir[PATH_MAX];
	char *slash;
	int dir_fd, fd;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	dir_fd = open_dir(dir);
	if (dir_fd < 0)
		return dir_fd;
	/* a FIFO must not make us wait */
	fd = openat(dir_fd, slash + 1, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	close(dir_fd);
	if (fd < 0 && fd != -ENOENT)
		log_err("%s: %s", path, strerror(-fd));
	return fd;
}

int file_read(const char *path, size_t max, char **data, size_t *bytes)
{
	int fd = open_file(path), ret;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		ret = -errno;
	else if (!S_ISREG(st.st_mode))
		ret = -EINVAL;
	else
		ret = check_owner(path, &st);
	if (ret == -EPERM)
		goto out;		/* told already */
	if (!ret)
		ret = read_all(fd, max, data, bytes);
	if (ret == -EINVAL)
		log_err("%s: not a regular file: ignored", path);
	else if (ret == -EFBIG)
		log_err("%s: more than %zu bytes: ignored", path, max);
	else if (ret)
		log_err("%s: %s", path, strerror(-ret));
out:
	close(fd);
	return ret;
}

static bool wanted(const char *name, const char *const *suffixes)
{
	size_t len = strlen(name), end;

	if (*name == '.')
		return false;
	for (; *suffixes; suffixes++) {
		end = strlen(*suffixes);
		if (len > end && !strcmp(name + len - end, *suffixes))
			return true;
	}
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct names *names, const char *dir, const char *name)
{
	char **more = realloc(names->path, (names->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	names->path = more;
	if (asprintf(&more[names->n], "%s/%s", dir, name) < 0)
		return -ENOMEM;
	names->n++;
	return 0;
}

int dir_list(const char *path, const char *const *suffixes, struct names *names)
{
	int fd = open_dir(path), ret = 0;
	struct dirent *entry;
	DIR *dir;

	memset(names, 0, sizeof(*names));
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		log_err("%s: %s", path, strerror(errno));
		return -ENOMEM;
	}
	while (!ret && (errno = 0, entry = readdir(dir)))
		if (wanted(entry->d_name, suffixes))
			ret = add_name(names, path, entry->d_name);
	if (!ret)
		ret = -errno;
	closedir(dir);
	if (ret) {
		log_err("%s: %s", path, strerror(-ret));
		names_free(names);
		return ret;
	}
	if (names->n)
		qsort(names->path, names->n, sizeof(*names->path), by_name);
	return 0;
}

void names_free(struct names *names)
{
	while (names->n)
		free(names->path[--names->n]);
	free(names->path);
	names->path = NULL;
}
