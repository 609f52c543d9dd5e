// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is admitted: the policy, and what is blocked. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

int lib_is_admin(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, data))
		return 0;
	return data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective &
		CAP_TO_MASK(CAP_SYS_ADMIN) ? 1 : 0;
}

/* What all six calls may meet; @what: "can't read the policy". */
static int failed(int err, const char *what)
{
	switch (-err) {
	case ENOTTY:
	case EOPNOTSUPP:
		return lib_fail(err, "%s: aioffload.ko is too old for it: install the matching aioffload-dkms and reload the module",
				what);
	case EPERM:
		if (!lib_is_admin())
			return lib_fail(err, "%s: only root may (CAP_SYS_ADMIN in the initial user namespace)",
					what);
		return lib_fail(err, "%s: the policy is locked, by 'aioffload policy lock' or by kernel lockdown, or this is a container's root; what is locked can only be made stricter",
				what);
	default:
		return lib_fail(err, "%s: %s", what, aioffload_strerror(err));
	}
}

int aioffload_policy_get(struct aioffload_ctx *ctx,
			 struct aioffload_policy *policy)
{
	struct aioffload_policy arg = { .size = sizeof(arg) };
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_POLICY, &arg);

	if (ret < 0)
		return failed(ret, "can't read the policy");
	*policy = arg;
	return 0;
}

int aioffload_policy_set(struct aioffload_ctx *ctx,
			 struct aioffload_policy *policy, uint32_t set)
{
	struct aioffload_policy arg = {
		.size = sizeof(arg),
		.flags = set,
		.mode = policy->mode,
		.keyrings = policy->keyrings,
		.signed_drivers = policy->signed_drivers,
		.audit = policy->audit,
		.locked = policy->locked,
	};
	int ret;

	if (!set)
		return lib_fail(EINVAL, "no part of the policy was named");
	ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_POLICY, &arg);
	if (ret < 0)
		return failed(ret, "can't change the policy");
	*policy = arg;
	return 0;
}

static int change_block(struct aioffload_ctx *ctx, uint32_t op,
			const struct aioffload_block *entry, const char *what)
{
	struct aioffload_block arg = {
		.size = sizeof(arg),
		.op = op,
		.kind = entry->kind,
		.version = entry->version,
	};
	int ret;

	memcpy(arg.id, entry->id, sizeof(arg.id));
	memcpy(arg.name, entry->name, sizeof(arg.name));
	ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_BLOCK, &arg);
	if (ret == -ENOENT)
		return lib_fail(ret, "there is no such entry; list them with: aioffload block --list");
	if (ret == -EEXIST)
		return lib_fail(ret, "%s: a higher minimum version is in force; to lower it: aioffload unblock --name NAME",
				what);
	if (ret == -ENOSPC)
		return lib_fail(ret, "%s: the table is full; block a key, or versions below one, in place of single models",
				what);
	return ret < 0 ? failed(ret, what) : 0;
}

int aioffload_block_add(struct aioffload_ctx *ctx,
			const struct aioffload_block *entry)
{
	return change_block(ctx, AIOFFLOAD_BLOCK_ADD, entry, "can't block it");
}

int aioffload_block_del(struct aioffload_ctx *ctx,
			const struct aioffload_block *entry)
{
	return change_block(ctx, AIOFFLOAD_BLOCK_DEL, entry,
			    "can't take it off the list");
}

int aioffload_block_get(struct aioffload_ctx *ctx, uint32_t index,
			struct aioffload_block *entry)
{
	struct aioffload_block arg = {
		.size = sizeof(arg),
		.op = AIOFFLOAD_BLOCK_GET,
		.index = index,
	};
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_BLOCK, &arg);

	if (ret == -ENOENT)
		return lib_fail(ret, "nothing is blocked from entry %u on", index);
	if (ret < 0)
		return failed(ret, "can't read what is blocked");
	arg.name[sizeof(arg.name) - 1] = '\0';
	*entry = arg;
	return 0;
}

const char *aioffload_policy_mode_name(uint32_t mode)
{
	static const char *const names[] = {
		[AIOFFLOAD_POLICY_OFF]		= "off",
		[AIOFFLOAD_POLICY_PERMISSIVE]	= "permissive",
		[AIOFFLOAD_POLICY_ENFORCE]	= "enforce",
	};

	return mode < sizeof(names) / sizeof(names[0]) ? names[mode] : "unknown";
}

const char *aioffload_block_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[AIOFFLOAD_BLOCK_DIGEST]	= "digest",
		[AIOFFLOAD_BLOCK_KEY]		= "key",
		[AIOFFLOAD_BLOCK_VERSION]	= "version",
		[AIOFFLOAD_BLOCK_QUARANTINE]	= "quarantine",
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}
