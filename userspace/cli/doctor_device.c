// SPDX-License-Identifier: LGPL-2.1-or-later
/* doctor: the loaded module, device nodes, who may open them, devices. */
#include <aioffload.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"

#define GROUP	"aioffload"

void doctor_loaded(struct doctor *d)
{
	struct doctor_check *c;
	char version[64];

	d->loaded = doctor_exists(d, "/sys/module/aioffload");
	if (!d->loaded) {
		c = doctor_add(d, "loaded", DOCTOR_FAIL);
		doctor_say(c, "the module aioffload is not loaded");
		doctor_fix(c, "sudo modprobe -a aioffload aioffload_cpu");
		return;
	}
	c = doctor_add(d, "loaded", DOCTOR_OK);
	if (doctor_line(d, "/sys/module/aioffload/version", version,
			sizeof(version)) && *version)
		doctor_say(c, "aioffload %s is loaded", version);
	else
		doctor_say(c, "aioffload is loaded");
}

/*
 * The group's id and members from etc/group below the root: not getgrnam(),
 * which would look at this machine. False if there is no such group.
 */
static bool find_group(const struct doctor *d, gid_t *gid, bool *member)
{
	char *line = NULL, *name, *id, *users, *save, *end;
	size_t room = 0;
	bool found = false;
	FILE *f;

	*member = false;
	f = doctor_fopen(d, "/etc/group");
	if (!f)
		return false;
	while (!found && getline(&line, &room, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		users = line;
		name = strsep(&users, ":");
		strsep(&users, ":");		/* password */
		id = strsep(&users, ":");
		if (!id || strcmp(name, GROUP))
			continue;
		*gid = (gid_t)strtoul(id, &end, 10);
		found = end != id && !*end;
		for (name = users ? strtok_r(users, ",", &save) : NULL; name;
		     name = strtok_r(NULL, ",", &save))
			if (!strcmp(name, d->user))
				*member = true;
	}
	free(line);
	fclose(f);
	return found;
}

static bool in_session(const struct doctor *d, gid_t gid)
{
	size_t i;

	for (i = 0; i < d->nr_groups; i++)
		if (d->groups[i] == gid)
			return true;
	return false;
}

static bool rule_installed(const struct doctor *d)
{
	static const char *const dirs[] = {
		"/etc/udev/rules.d", "/run/udev/rules.d",
		"/usr/lib/udev/rules.d", "/lib/udev/rules.d",
	};
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (doctor_exists(d, "%s/60-aioffload.rules", dirs[i]))
			return true;
	return false;
}

static bool stat_node(const struct doctor *d, struct stat *st)
{
	int fd = doctor_open(d, O_PATH, "/dev/aioffload");
	bool ok;

	if (fd < 0)
		return false;
	ok = !fstat(fd, st);
	close(fd);
	return ok;
}

static void check_node(struct doctor *d, gid_t gid, bool have_group)
{
	struct doctor_check *c;
	struct stat st;

	if (!stat_node(d, &st)) {
		c = doctor_add(d, "node", DOCTOR_FAIL);
		doctor_say(c, "the module is loaded, but /dev/aioffload does not exist: udev or devtmpfs is not running (or a container hides it)");
		doctor_fix(c, "sudo udevadm trigger --subsystem-match=aioffload");
		return;
	}
	if (!*d->root && !S_ISCHR(st.st_mode)) {
		c = doctor_add(d, "node", DOCTOR_FAIL);
		doctor_say(c, "/dev/aioffload is not a device node; something else put a file there");
		doctor_fix(c, "sudo rm /dev/aioffload && sudo udevadm trigger --subsystem-match=aioffload");
		return;
	}
	if (!have_group || st.st_gid == gid) {
		c = doctor_add(d, "node", st.st_mode & 0006 ? DOCTOR_WARN :
			       DOCTOR_OK);
		doctor_say(c, "/dev/aioffload has mode %04o%s",
			   (unsigned int)st.st_mode & 07777,
			   st.st_mode & 0006 ? ": everyone may use it" : "");
		if (st.st_mode & 0006)
			doctor_fix(c, "sudo chmod 0660 /dev/aioffload*");
		return;
	}
	c = doctor_add(d, "node", DOCTOR_FAIL);
	if (rule_installed(d)) {
		doctor_say(c, "/dev/aioffload does not belong to group " GROUP ": the udev rule has not run yet");
		doctor_fix(c, "sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=aioffload");
	} else {
		doctor_say(c, "/dev/aioffload does not belong to group " GROUP ": the udev rule is missing");
		doctor_fix(c, "sudo %s install aioffload",
			   d->debian ? "apt" : "dnf");
	}
}

static void check_member(struct doctor *d, gid_t gid, bool have_group,
			 bool member)
{
	struct doctor_check *c;

	if (!have_group) {
		/* root needs none */
		c = doctor_add(d, "group", d->uid ? DOCTOR_FAIL : DOCTOR_WARN);
		doctor_say(c, "there is no group " GROUP ": only root may use the devices");
		if (rule_installed(d))
			doctor_fix(c, "sudo groupadd --system " GROUP " && sudo udevadm trigger --subsystem-match=aioffload");
		else
			doctor_fix(c, "sudo %s install aioffload",
				   d->debian ? "apt" : "dnf");
	} else if (in_session(d, gid)) {
		c = doctor_add(d, "group", DOCTOR_OK);
		doctor_say(c, "%s is in group " GROUP, d->user);
	} else if (!d->uid) {
		c = doctor_add(d, "group", DOCTOR_OK);
		doctor_say(c, "root may use the devices; others join group " GROUP);
	} else if (member) {
		c = doctor_add(d, "group", DOCTOR_FAIL);
		doctor_say(c, "%s is in group " GROUP ", but this session is older than that: log out and in again",
			   d->user);
		doctor_fix(c, "newgrp " GROUP);
	} else {
		c = doctor_add(d, "group", DOCTOR_FAIL);
		doctor_say(c, "%s is not in group " GROUP ": opening a device fails with EACCES. Log in again after the command",
			   d->user);
		doctor_fix(c, "sudo usermod -aG " GROUP " %s", d->user);
	}
}

void doctor_nodes(struct doctor *d)
{
	bool member, have_group;
	gid_t gid = 0;

	have_group = find_group(d, &gid, &member);
	if (d->loaded)
		check_node(d, gid, have_group);
	check_member(d, gid, have_group, member);
}

/* ---- through the library ------------------------------------------------ */

static void check_abi(struct doctor *d, const struct aioffload_info *info)
{
	struct doctor_check *c;
	char version[AIOFFLOAD_NAME_LEN];

	snprintf(version, sizeof(version), "%.*s",
		 (int)sizeof(info->module_version) - 1, info->module_version);
	if (info->abi_version == AIOFFLOAD_ABI_VERSION) {
		c = doctor_add(d, "abi", DOCTOR_OK);
		doctor_say(c, "module %s and library %s speak ABI %u", version,
			   aioffload_version(), info->abi_version);
		return;
	}
	/* older kernels fail in aioffload_open() already */
	c = doctor_add(d, "abi", DOCTOR_WARN);
	doctor_say(c, "module %s speaks ABI %u, this library %s speaks ABI %u: all works, but newer features are out of reach",
		   version, info->abi_version, aioffload_version(),
		   AIOFFLOAD_ABI_VERSION);
	doctor_fix(c, "sudo %s install aioffload libaioffload1",
		   d->debian ? "apt" : "dnf");
}

static void check_devices(struct doctor *d, struct aioffload_ctx *ctx)
{
	struct aioffload_device_info dev;
	struct doctor_check *c;
	uint32_t from = 0, n = 0;

	while (!aioffload_get_device(ctx, from, &dev)) {
		c = doctor_add(d, "device", dev.state == AIOFFLOAD_STATE_READY ?
			       DOCTOR_OK : DOCTOR_WARN);
		doctor_say(c, "%s: %s, %s, %s", dev.name, dev.driver, dev.desc,
			   aioffload_state_name(dev.state));
		if (dev.state == AIOFFLOAD_STATE_FAILED)
			doctor_fix(c, "sudo modprobe -r %s && sudo modprobe %s",
				   dev.driver, dev.driver);
		if (++n == 8 || dev.id < from || dev.id == UINT32_MAX)
			break;		/* enough to see that there are some */
		from = dev.id + 1;
	}
	if (!n) {
		c = doctor_add(d, "device", DOCTOR_FAIL);
		doctor_say(c, "no device is registered: nothing can run");
		doctor_fix(c, "sudo modprobe aioffload_cpu");
	}
}

void doctor_devices(struct doctor *d)
{
	struct aioffload_info info;
	struct aioffload_ctx *ctx;
	struct doctor_check *c;
	int ret;

	if (!d->loaded)
		return;		/* said already, with the command */
	ret = aioffload_open(AIOFFLOAD_DEVICE_ANY, &ctx);
	if (!ret)
		ret = aioffload_get_info(ctx, &info);
	/* who may not open it was told so, with the command */
	if (ret == -EACCES && doctor_worst(d) == DOCTOR_FAIL)
		return;
	if (ret) {
		c = doctor_add(d, "abi", DOCTOR_FAIL);
		doctor_say(c, "%s", aioffload_last_error());
		if (ret == -EACCES)
			doctor_fix(c, "sudo usermod -aG " GROUP " %s", d->user);
		if (ret == -EPROTO)
			doctor_fix(c, "sudo %s install aioffload-dkms && sudo modprobe -r aioffload_cpu aioffload && sudo modprobe -a aioffload aioffload_cpu",
				   d->debian ? "apt" : "dnf");
		return;
	}
	check_abi(d, &info);
	doctor_policy(d, ctx);
	check_devices(d, ctx);
	aioffload_close(ctx);
}
