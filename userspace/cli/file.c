// SPDX-License-Identifier: LGPL-2.1-or-later
/* Files: bounded reading, writing that is whole or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cli.h"

#define LOAD_ALIGN	64	/* what aim_verify() asks for */

static int load_fd(int fd, const char *path, uint64_t max, void **data,
		   size_t *bytes)
{
	struct iovec iov;
	struct stat st;
	size_t room;
	int64_t got;
	char *buf;

	if (fstat(fd, &st))
		return cli_error(CLI_FAILED, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return cli_error(CLI_REFUSED, "%s is not a regular file", path);
	if ((uint64_t)st.st_size > max)
		return cli_error(CLI_REFUSED, "%s has %" PRIu64 " bytes, more than a model may (%" PRIu64 ")",
				 path, (uint64_t)st.st_size, max);
	room = ((size_t)st.st_size / LOAD_ALIGN + 1) * LOAD_ALIGN;
	buf = aligned_alloc(LOAD_ALIGN, room);
	if (!buf)
		return cli_error(CLI_FAILED, "out of memory");
	iov.iov_base = buf;
	iov.iov_len = (size_t)st.st_size;
	got = readv_full(fd, &iov, 1);
	if (got != st.st_size) {
		free(buf);
		if (got < 0)
			return cli_error(CLI_FAILED, "can't read %s: %s", path,
					 strerror((int)-got));
		return cli_error(CLI_FAILED, "%s became shorter while it was read",
				 path);
	}
	memset(buf + got, 0, room - (size_t)got);
	*data = buf;
	*bytes = (size_t)got;
	return CLI_OK;
}

int file_load(const char *path, uint64_t max, void **data, size_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int ret;

	if (fd < 0)
		return cli_error(CLI_FAILED, "can't open %s: %s", path,
				 strerror(errno));
	ret = load_fd(fd, path, max, data, bytes);
	close(fd);
	return ret;
}

/* The temporary name, for the signal handler. One output at a time is open. */
static char *volatile temp_name;

static void on_signal(int sig)
{
	if (temp_name)
		unlink(temp_name);
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Interrupted commands leave no temporary file behind. */
static void catch_signals(void)
{
	static const int sigs[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction old, act = { .sa_handler = on_signal };
	size_t i;

	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (!sigaction(sigs[i], NULL, &old) &&
		    old.sa_handler == SIG_DFL)
			sigaction(sigs[i], &act, NULL);
}

static int out_failed(struct out_file *out, const char *what)
{
	int err = errno;

	out_abort(out);
	return cli_error(CLI_FAILED, "can't %s %s: %s", what, out->path,
			 strerror(err));
}

/*
 * Who could not read the file could not read its successor either: owner, group
 * and mode are handed on. Without its group, what that may do is left out.
 */
static int become_like(int fd, const struct stat *old)
{
	mode_t mode = old->st_mode & 0777;

	if (fchown(fd, old->st_uid, old->st_gid) &&
	    fchown(fd, (uid_t)-1, old->st_gid))
		mode &= ~(mode_t)0070;
	return fchmod(fd, mode);
}

/* A temporary file beside @target. @old: what is there; NULL: nothing yet */
static int open_temp(struct out_file *out, const struct stat *old)
{
	mode_t mask = umask(0);

	umask(mask);
	if (asprintf(&out->temp, "%s.XXXXXX", out->target) < 0) {
		out->temp = NULL;
		errno = ENOMEM;
		return -1;
	}
	catch_signals();
	temp_name = out->temp;	/* before the file exists: no gap */
	out->fd = mkostemp(out->temp, O_CLOEXEC);
	if (out->fd < 0) {
		temp_name = NULL;
		free(out->temp);
		out->temp = NULL;
		return -1;
	}
	return old ? become_like(out->fd, old) : fchmod(out->fd, 0666 & ~mask);
}

int out_open(struct out_file *out, const char *path)
{
	struct stat st;
	bool old;

	*out = (struct out_file){ .fd = -1, .path = path };
	if (!strcmp(path, "-")) {
		out->path = "standard output";
		out->fd = STDOUT_FILENO;
		return CLI_OK;
	}
	old = !stat(path, &st);
	if (old && !S_ISREG(st.st_mode)) {
		out->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return out->fd < 0 ? out_failed(out, "open") : CLI_OK;
	}
	/* through links, so that a rename replaces the file and not the link */
	out->target = realpath(path, NULL);
	if (!out->target)
		out->target = strdup(path);
	if (!out->target || open_temp(out, old ? &st : NULL))
		return out_failed(out, "create");
	return CLI_OK;
}

int out_write(struct out_file *out, const void *data, size_t bytes)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = bytes };
	int64_t done = writev_full(out->fd, &iov, 1);

	if (done < 0) {
		errno = (int)-done;
		return out_failed(out, "write");
	}
	return CLI_OK;
}

int out_commit(struct out_file *out)
{
	if (out->fd != STDOUT_FILENO) {
		int fd = out->fd;

		out->fd = -1;
		if (close(fd))
			return out_failed(out, "write");
	}
	if (out->temp) {
		if (rename(out->temp, out->target))
			return out_failed(out, "create");
		temp_name = NULL;
		free(out->temp);
		out->temp = NULL;
	}
	out_abort(out);
	return CLI_OK;
}

void out_abort(struct out_file *out)
{
	if (out->fd >= 0 && out->fd != STDOUT_FILENO)
		close(out->fd);
	out->fd = -1;
	if (out->temp)
		unlink(out->temp);
	temp_name = NULL;
	free(out->temp);
	free(out->target);
	out->temp = NULL;
	out->target = NULL;
}

typedef ssize_t (*vec_fn)(int fd, const struct iovec *iov, int n);

static int64_t vec_full(vec_fn fn, int fd, struct iovec *iov, size_t n)
{
	int64_t total = 0;
	ssize_t ret;

	while (n) {
		if (!iov->iov_len) {
			iov++;
			n--;
			continue;
		}
		ret = fn(fd, iov, n < IOV_MAX ? (int)n : IOV_MAX);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return -errno;
		if (!ret)
			return total;
		total += ret;
		while (n && (size_t)ret >= iov->iov_len) {
			ret -= (ssize_t)iov->iov_len;
			iov++;
			n--;
		}
		if (n) {
			iov->iov_base = (char *)iov->iov_base + ret;
			iov->iov_len -= (size_t)ret;
		}
	}
	return total;
}

int64_t readv_full(int fd, struct iovec *iov, size_t n)
{
	return vec_full(readv, fd, iov, n);
}

int64_t writev_full(int fd, struct iovec *iov, size_t n)
{
	return vec_full(writev, fd, iov, n);
}
