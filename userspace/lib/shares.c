// SPDX-License-Identifier: LGPL-2.1-or-later
/* What share of devices cgroups are to have, and what they have had. */
#include <errno.h>
#include <stdint.h>

#include "internal.h"

static int set_weight(struct aioffload_ctx *ctx, struct aioffload_weight *arg)
{
	int ret;

	arg->size = sizeof(*arg);
	ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_WEIGHT, arg);
	if (ret == -EINVAL)
		return lib_fail(ret, "can't set the weight: it is 1 to %u, and the root has none",
				AIOFFLOAD_WEIGHT_MAX);
	return ret < 0 ? lib_refused(ret, "can't set the weight") : 0;
}

int aioffload_weight_set(struct aioffload_ctx *ctx, int cgroup_fd,
			 uint32_t weight)
{
	struct aioffload_weight arg = {
		.flags = AIOFFLOAD_WEIGHT_SET,
		.cgroup_fd = cgroup_fd,
		.weight = weight,
	};

	return set_weight(ctx, &arg);
}

int aioffload_weight_set_cpu(struct aioffload_ctx *ctx, int cgroup_fd,
			     uint32_t cpu_weight)
{
	struct aioffload_weight arg = {
		.flags = AIOFFLOAD_WEIGHT_SET_CPU,
		.cgroup_fd = cgroup_fd,
		.cpu_weight = cpu_weight,
	};

	return set_weight(ctx, &arg);
}

int aioffload_weight_get(struct aioffload_ctx *ctx, int cgroup_fd,
			 struct aioffload_weight *weight)
{
	struct aioffload_weight arg = {
		.size = sizeof(arg),
		.cgroup_fd = cgroup_fd,
	};
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_WEIGHT, &arg);

	if (ret == -EACCES)
		return lib_fail(ret, "this cgroup lies outside of the caller's cgroup namespace");
	if (ret < 0)
		return lib_refused(ret, "can't read the weight");
	*weight = arg;
	return 0;
}

int aioffload_sched_get(struct aioffload_ctx *ctx, uint32_t device,
			uint64_t from, struct aioffload_sched *sched,
			char *path, size_t path_len)
{
	struct aioffload_sched arg = {
		.size = sizeof(arg),
		.device = device,
		.cgroup_id = from,
	};
	int ret;

	if (path && path_len) {
		path[0] = '\0';
		arg.path = (uintptr_t)path;
		arg.path_len = path_len > UINT32_MAX ? UINT32_MAX :
			(uint32_t)path_len;
	}
	ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_SCHED, &arg);
	switch (ret) {
	case -ENOENT:
		return lib_fail(ret, "no cgroup from number %llu on shares device %u",
				(unsigned long long)from, device);
	case -ENODEV:
		return lib_fail(ret, "there is no device %u, or not for this cgroup",
				device);
	case -ERANGE:
		return lib_fail(ret, "the cgroup's path is longer than %zu bytes",
				path_len);
	}
	if (ret < 0)
		return lib_refused(ret, "can't read shares");
	*sched = arg;
	return 0;
}
