// SPDX-License-Identifier: LGPL-2.1-or-later
/* Errors as text: a table of meanings, and the thread's last failure. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "internal.h"

#define STR_(x)	#x
#define STR(x)	STR_(x)

static __thread char last_error[REASON_LEN + 256];

const char *aioffload_version(void)
{
	return STR(AIOFFLOAD_VERSION_MAJOR) "." STR(AIOFFLOAD_VERSION_MINOR)
		"." STR(AIOFFLOAD_VERSION_PATCH);
}

static const struct {
	int err;
	const char *text;
} meanings[] = {
	{ EPERM,	"not permitted: the device cgroup, a security module or the policy forbids it" },
	{ EACCES,	"permission denied: not a member of the group that owns the device node, or the cgroup lacks the right" },
	{ ENOENT,	"no such thing: device node, slot or tensor" },
	{ EEXIST,	"the slot is taken already" },
	{ ENODEV,	"the device, or the queue's context, went away" },
	{ ENXIO,	"no device behind this node" },
	{ ENOTTY,	"not an aioffload object" },
	{ EBADF,	"not an open file descriptor of the kind needed" },
	{ EINVAL,	"invalid argument: a count, offset, size, flag or rule is broken" },
	{ E2BIG,	"above a limit of the kernel, or a newer call than it knows" },
	{ ENOEXEC,	"not a model file, or another version of the format" },
	{ EBADMSG,	"the model file is damaged" },
	{ EOPNOTSUPP,	"an operator, type or feature that the kernel or device lacks" },
	{ EPROTO,	"kernel and user space do not understand each other" },
	{ EBUSY,	"the completion ring is full: reap completions first" },
	{ ENOSPC,	"no free slot or queue left in this context" },
	{ ENOMEM,	"out of memory" },
	{ EFAULT,	"a pointer leads nowhere" },
	{ ETIME,	"did not end within its time" },
	{ EIO,		"the device failed the job" },
	{ ECANCELED,	"the job was cancelled" },
	{ EINTR,	"interrupted by a signal" },
	{ ENOKEY,	"no key is known that this signature could be checked with" },
	{ EKEYREJECTED,	"not signed, or the signature does not fit" },
	{ EKEYREVOKED,	"the model, its key or its version is blocked" },
	{ EKEYEXPIRED,	"out of its time" },
	{ ENOPKG,	"signed with an algorithm that the kernel lacks, or too weak a key" },
	{ ENOTRECOVERABLE, "in quarantine: its jobs timed out again and again" },
	{ EDQUOT,	"above a limit of the cgroup" },
};

const char *aioffload_strerror(int err)
{
	const char *text;
	size_t i;

	/* not abs(): INT_MIN has no positive twin */
	if (err > 0)
		err = -err;
	if (!err)
		return "success";
	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (err == -meanings[i].err)
			return meanings[i].text;
	text = err > -4096 ? strerrordesc_np(-err) : NULL;
	return text ? text : "unknown error";
}

const char *aioffload_last_error(void)
{
	return last_error;
}

int lib_fail(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, args);
	va_end(args);
	return err > 0 ? -err : err;
}

int lib_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}
