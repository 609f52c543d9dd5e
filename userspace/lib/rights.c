// SPDX-License-Identifier: LGPL-2.1-or-later
/* What cgroups may do, see and take. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "internal.h"

static int too_old(int err, const char *what)
{
	return lib_fail(err, "%s: aioffload.ko is too old for it: install the matching aioffload-dkms and reload the module",
			what);
}

int lib_refused(int err, const char *what)
{
	switch (-err) {
	case ENOTTY:
	case EOPNOTSUPP:
		return too_old(err, what);
	case EBADF:
		return lib_fail(err, "%s: this is not a directory of the cgroup 2 hierarchy",
				what);
	case EPERM:
		if (!lib_is_admin())
			return lib_fail(err, "%s: this takes root (CAP_SYS_ADMIN in the initial user namespace), or the right 'admin' and a cgroup below one's own",
					what);
		return lib_fail(err, "%s: it exceeds what a cgroup above it has (see 'aioffload rights --all'), or this is a container's root",
				what);
	case ENOENT:
		return lib_fail(err, "%s: the cgroup is gone", what);
	case E2BIG:
		return lib_fail(err, "%s: the cgroup is nested too deeply", what);
	case ENOSPC:
		return lib_fail(err, "%s: too many cgroups have a grant or limit of their own; give it to one above them",
				what);
	default:
		return lib_fail(err, "%s: %s", what, aioffload_strerror(err));
	}
}

int aioffload_grant(struct aioffload_ctx *ctx, int cgroup_fd, uint32_t rights,
		    const uint64_t *devices)
{
	struct aioffload_grant arg = {
		.size = sizeof(arg),
		.flags = devices ? AIOFFLOAD_GRANT_DEVICES : 0,
		.cgroup_fd = cgroup_fd,
		.rights = rights,
	};
	int ret;

	if (devices)
		memcpy(arg.devices, devices, sizeof(arg.devices));
	ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_GRANT, &arg);
	return ret < 0 ? lib_refused(ret, "can't grant it") : 0;
}

int aioffload_grant_clear(struct aioffload_ctx *ctx, int cgroup_fd)
{
	struct aioffload_grant arg = {
		.size = sizeof(arg),
		.flags = AIOFFLOAD_GRANT_CLEAR,
		.cgroup_fd = cgroup_fd,
	};
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_GRANT, &arg);

	return ret < 0 ? lib_refused(ret, "can't take the grant away") : 0;
}

static int get_rights(struct aioffload_ctx *ctx, struct aioffload_rights *arg,
		      struct aioffload_rights *rights, char *path,
		      size_t path_len)
{
	int ret;

	arg->size = sizeof(*arg);
	if (path && path_len) {
		path[0] = '\0';
		arg->path = (uintptr_t)path;
		arg->path_len = path_len > UINT32_MAX ? UINT32_MAX :
			(uint32_t)path_len;
	}
	ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_RIGHTS, arg);
	switch (ret) {
	case -ENOENT:
		return lib_fail(ret, "no grant from number %u on", arg->index);
	case -EACCES:
		return lib_fail(ret, "this cgroup lies outside of the caller's cgroup namespace");
	case -EBADF:
		return lib_fail(ret, "this is not a directory of the cgroup 2 hierarchy");
	case -ERANGE:
		return lib_fail(ret, "the cgroup's path is longer than %zu bytes",
				path_len);
	case -ENOTTY:
	case -EOPNOTSUPP:
		return too_old(ret, "can't read rights");
	}
	if (ret < 0)
		return lib_fail(ret, "can't read rights: %s",
				aioffload_strerror(ret));
	*rights = *arg;
	return 0;
}

int aioffload_rights_get(struct aioffload_ctx *ctx,
			 struct aioffload_rights *rights, char *path,
			 size_t path_len)
{
	struct aioffload_rights arg = { .cgroup_fd = -1 };

	return get_rights(ctx, &arg, rights, path, path_len);
}

int aioffload_rights_of(struct aioffload_ctx *ctx, int cgroup_fd,
			struct aioffload_rights *rights, char *path,
			size_t path_len)
{
	struct aioffload_rights arg = {
		.flags = AIOFFLOAD_RIGHTS_OF,
		.cgroup_fd = cgroup_fd,
	};

	return get_rights(ctx, &arg, rights, path, path_len);
}

int aioffload_rights_list(struct aioffload_ctx *ctx, uint32_t index,
			  struct aioffload_rights *rights, char *path,
			  size_t path_len)
{
	struct aioffload_rights arg = {
		.flags = AIOFFLOAD_RIGHTS_LIST,
		.cgroup_fd = -1,
		.index = index,
	};

	return get_rights(ctx, &arg, rights, path, path_len);
}

int aioffload_limit(struct aioffload_ctx *ctx, int cgroup_fd, uint32_t resource,
		    uint64_t limit, uint64_t period_ns)
{
	struct aioffload_limit arg = {
		.size = sizeof(arg),
		.cgroup_fd = cgroup_fd,
		.resource = resource,
		.limit = limit,
		.period_ns = period_ns,
	};
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_LIMIT, &arg);

	if (ret == -EINVAL)
		return lib_fail(ret, "can't limit it: no such resource, or a period that is not 1 ms to 100 s");
	return ret < 0 ? lib_refused(ret, "can't limit it") : 0;
}

int aioffload_usage(struct aioffload_ctx *ctx, int cgroup_fd, uint32_t resource,
		    struct aioffload_usage *usage)
{
	struct aioffload_usage arg = {
		.size = sizeof(arg),
		.cgroup_fd = cgroup_fd,
		.resource = resource,
	};
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_USAGE, &arg);

	if (ret == -EACCES)
		return lib_fail(ret, "this cgroup lies outside of the caller's cgroup namespace");
	if (ret < 0)
		return lib_refused(ret, "can't read the usage");
	*usage = arg;
	return 0;
}

static void no_right(int ctx_fd, uint32_t right, const char *did)
{
	char path[PATH_MAX] = "";
	struct aioffload_rights arg = {
		.size = sizeof(arg),
		.cgroup_fd = -1,
		.path_len = sizeof(path),
		.path = (uintptr_t)path,
	};
	const char *name = aioffload_right_name(right);

	if (lib_ioctl(ctx_fd, AIOFFLOAD_IOC_RIGHTS, &arg) < 0 || !*path)
		lib_fail(EACCES, "may not %s: the right '%s' is missing; root, or who has 'admin' in a cgroup above, can grant it: aioffload grant CGROUP +%s",
			 did, name, name);
	else if (arg.has_grant && !(arg.granted & right))
		lib_fail(EACCES, "may not %s: the cgroup %s lacks the right '%s'; root, or who has 'admin' in a cgroup above, can grant it: aioffload grant %s +%s",
			 did, path, name, path, name);
	else
		lib_fail(EACCES, "may not %s: the right '%s' is missing in the cgroup %s, in one above it, or in the one that opened the device; see: aioffload rights --all",
			 did, name, path);
}

static void over_limit(int ctx_fd, const char *did)
{
	struct aioffload_usage arg;
	uint32_t r;

	for (r = 0; r < AIOFFLOAD_RES_NR; r++) {
		memset(&arg, 0, sizeof(arg));
		arg.size = sizeof(arg);
		arg.cgroup_fd = -1;
		arg.resource = r;
		if (lib_ioctl(ctx_fd, AIOFFLOAD_IOC_USAGE, &arg) < 0)
			break;
		if (arg.limit == AIOFFLOAD_NO_LIMIT || !arg.events)
			continue;
		lib_fail(EDQUOT, "can't %s: above a limit of this cgroup (%s: %" PRIu64 " of %" PRIu64 " in use, refused %" PRIu64 " times); see: aioffload usage",
			 did, aioffload_resource_name(r), (uint64_t)arg.used,
			 (uint64_t)arg.limit, (uint64_t)arg.events);
		return;
	}
	lib_fail(EDQUOT, "can't %s: above a limit of this cgroup or of one above it; see: aioffload usage",
		 did);
}

int lib_denied(struct aioffload_ctx *ctx, int err, uint32_t right,
	       const char *did)
{
	if (err == -EACCES)
		no_right(ctx->fd, right, did);
	else if (err == -EDQUOT)
		over_limit(ctx->fd, did);
	else
		return 0;
	return 1;
}

const char *aioffload_resource_name(uint32_t resource)
{
	static const char *const names[AIOFFLOAD_RES_NR] = {
		[AIOFFLOAD_RES_BYTES]	= "bytes",
		[AIOFFLOAD_RES_MODELS]	= "models",
		[AIOFFLOAD_RES_QUEUES]	= "queues",
		[AIOFFLOAD_RES_JOBS]	= "jobs",
		[AIOFFLOAD_RES_TIME]	= "time",
	};

	return resource < AIOFFLOAD_RES_NR ? names[resource] : "unknown";
}

const char *aioffload_right_name(uint32_t right)
{
	switch (right) {
	case AIOFFLOAD_RIGHT_EXEC:
		return "exec";
	case AIOFFLOAD_RIGHT_LOAD:
		return "load";
	case AIOFFLOAD_RIGHT_RT:
		return "rt";
	case AIOFFLOAD_RIGHT_ADMIN:
		return "admin";
	default:
		return "unknown";
	}
}
