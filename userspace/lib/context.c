// SPDX-License-Identifier: LGPL-2.1-or-later
/* Contexts and devices. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static char device_dir[PATH_MAX - 32] = "/dev";

int aioffload_set_device_dir(const char *dir)
{
	size_t len;

	if (!dir)
		dir = "/dev";
	len = strlen(dir);
	if (len >= sizeof(device_dir))
		return lib_fail(ENAMETOOLONG,
				"the device directory's name is too long");
	memcpy(device_dir, dir, len + 1);
	return 0;
}

int lib_node_path(uint32_t device, char *path, size_t len)
{
	int n;

	if (device == AIOFFLOAD_DEVICE_ANY)
		n = snprintf(path, len, "%s/aioffload", device_dir);
	else
		n = snprintf(path, len, "%s/aioffload%u", device_dir, device);
	if (n < 0 || (size_t)n >= len)
		return -ENAMETOOLONG;
	return 0;
}

/* Why a node could not be opened, and what to do about it. */
static int open_failed(int err, const char *path)
{
	struct stat st;
	int known = stat(path, &st) == 0;

	switch (err) {
	case ENOENT:
		return lib_fail(err, "%s does not exist: is the module loaded? Try: sudo modprobe aioffload, or: aioffload doctor",
				path);
	case EACCES:
		if (known && !st.st_gid)
			return lib_fail(err, "%s: permission denied (EACCES), and the node belongs to group root: the udev rule has not run. Try: aioffload doctor",
					path);
		return lib_fail(err, "%s: permission denied (EACCES): join the group that owns it and log in again: sudo usermod -aG aioffload $USER",
				path);
	case EPERM:
		return lib_fail(err, "%s: not permitted (EPERM): the device cgroup, the container or a security module forbids it; give the container this device",
				path);
	case ENXIO:
	case ENODEV:
		return lib_fail(err, "%s: the node is there but no driver is behind it. Try: aioffload doctor",
				path);
	default:
		return lib_fail(err, "can't open %s: %s", path,
				aioffload_strerror(err));
	}
}

static int check_abi(struct aioffload_ctx *ctx)
{
	struct aioffload_info info;
	int ret = aioffload_get_info(ctx, &info);

	if (ret == -ENOTTY || ret == -EINVAL)
		return lib_fail(ENOTTY, "%s is not an aioffload device",
				ctx->name);
	if (ret)
		return ret;
	if (info.abi_version < AIOFFLOAD_ABI_VERSION)
		return lib_fail(EPROTO, "aioffload.ko speaks ABI %u, this library needs %u: install the matching aioffload-dkms and reload the module",
				info.abi_version, AIOFFLOAD_ABI_VERSION);
	return 0;
}

static int ctx_new(int fd, const char *path, struct aioffload_ctx **out)
{
	struct aioffload_ctx *ctx = calloc(1, sizeof(*ctx));
	int ret;

	if (!ctx)
		return lib_fail(ENOMEM, "out of memory");
	ctx->fd = fd;
	snprintf(ctx->name, sizeof(ctx->name), "%s", path);
	ret = check_abi(ctx);
	if (ret) {
		free(ctx);
		return ret;
	}
	*out = ctx;
	return 0;
}

int aioffload_open_path(const char *path, struct aioffload_ctx **ctx)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return open_failed(errno, path);
	ret = ctx_new(fd, path, ctx);
	if (ret)
		close(fd);
	return ret;
}

int aioffload_open(uint32_t device, struct aioffload_ctx **ctx)
{
	char path[PATH_MAX], any[PATH_MAX];
	int ret = lib_node_path(device, path, sizeof(path));

	if (ret)
		return lib_fail(ret, "the device directory's name is too long");
	ret = aioffload_open_path(path, ctx);
	if (ret == -ENOENT && device != AIOFFLOAD_DEVICE_ANY &&
	    !lib_node_path(AIOFFLOAD_DEVICE_ANY, any, sizeof(any)) &&
	    !access(any, F_OK))
		return lib_fail(ENOENT, "there is no device %u; list what there is with: aioffload devices",
				device);
	return ret;
}

int aioffload_open_fd(int fd, struct aioffload_ctx **ctx)
{
	char name[32];

	snprintf(name, sizeof(name), "fd %d", fd);
	return ctx_new(fd, name, ctx);
}

void aioffload_close(struct aioffload_ctx *ctx)
{
	if (!ctx)
		return;
	close(ctx->fd);
	free(ctx);
}

int aioffload_ctx_fd(const struct aioffload_ctx *ctx)
{
	return ctx->fd;
}

int aioffload_get_info(struct aioffload_ctx *ctx, struct aioffload_info *info)
{
	struct aioffload_info arg = { .size = sizeof(arg) };
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_INFO, &arg);

	if (ret < 0)
		return lib_fail(ret, "%s does not say what it is: %s",
				ctx->name, aioffload_strerror(ret));
	*info = arg;
	return 0;
}

int aioffload_get_device(struct aioffload_ctx *ctx, uint32_t from,
			 struct aioffload_device_info *dev)
{
	struct aioffload_device_info arg = { .size = sizeof(arg), .id = from };
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_DEVICE_INFO, &arg);

	if (ret == -ENOENT && !from)
		return lib_fail(ret, "no device is registered. Try: sudo modprobe aioffload_cpu");
	if (ret < 0)
		return lib_fail(ret, "can't ask %s for device %u: %s",
				ctx->name, from, aioffload_strerror(ret));
	*dev = arg;
	return 0;
}

const char *aioffload_class_name(uint32_t dev_class)
{
	static const char *const names[] = {
		[AIOFFLOAD_CLASS_CPU]	= "cpu",
		[AIOFFLOAD_CLASS_GPU]	= "gpu",
		[AIOFFLOAD_CLASS_NPU]	= "npu",
		[AIOFFLOAD_CLASS_ASIC]	= "asic",
		[AIOFFLOAD_CLASS_VIRTUAL] = "virtual",
	};

	return dev_class < sizeof(names) / sizeof(names[0]) ?
		names[dev_class] : "unknown";
}

const char *aioffload_state_name(uint32_t state)
{
	static const char *const names[] = {
		[AIOFFLOAD_STATE_READY]	 = "ready",
		[AIOFFLOAD_STATE_FAILED] = "failed",
		[AIOFFLOAD_STATE_GONE]	 = "gone",
		[AIOFFLOAD_STATE_RESETTING] = "resetting",
	};

	return state < sizeof(names) / sizeof(names[0]) ?
		names[state] : "unknown";
}

/* Numbers of enum aim_type, which the UAPI quotes. */
static const struct {
	const char *name;
	size_t size;
} types[] = {
	{ "unknown", 0 }, { "int8", 1 }, { "uint8", 1 }, { "int16", 2 },
	{ "int32", 4 }, { "float32", 4 },
};

const char *aioffload_type_name(uint32_t type)
{
	return types[type < sizeof(types) / sizeof(types[0]) ? type : 0].name;
}

size_t aioffload_type_size(uint32_t type)
{
	return types[type < sizeof(types) / sizeof(types[0]) ? type : 0].size;
}
