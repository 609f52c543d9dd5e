// SPDX-License-Identifier: LGPL-2.1-or-later
/* doctor: the kernel, its headers, and whether a module was built for it. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

/* Oldest kernel that the modules are built and tested for. */
#define MIN_MAJOR	6
#define MIN_MINOR	1

static void find_distribution(struct doctor *d)
{
	char text[4096];

	if (doctor_read(d, "/etc/os-release", text, sizeof(text)) <= 0)
		doctor_read(d, "/usr/lib/os-release", text, sizeof(text));
	d->debian = strstr(text, "ID=debian") || strstr(text, "ID=ubuntu") ||
		strstr(text, "ID_LIKE=debian") ||
		strstr(text, "ID_LIKE=\"ubuntu") ||
		strstr(text, "ID_LIKE=\"debian") ||
		doctor_exists(d, "/etc/debian_version");
}

static void check_headers(struct doctor *d)
{
	struct doctor_check *c;

	if (doctor_exists(d, "/lib/modules/%s/build/Makefile", d->release)) {
		c = doctor_add(d, "headers", DOCTOR_OK);
		doctor_say(c, "kernel headers for %s are installed", d->release);
		return;
	}
	/* Headers are needed to build only; doctor_module() may lower this. */
	c = doctor_add(d, "headers", DOCTOR_FAIL);
	doctor_say(c, "kernel headers for %s are missing: no module can be built for this kernel",
		   d->release);
	if (d->debian)
		doctor_fix(c, "sudo apt install linux-headers-%s", d->release);
	else
		doctor_fix(c, "sudo dnf install kernel-devel-%s", d->release);
}

void doctor_kernel(struct doctor *d)
{
	struct doctor_check *c;
	int major = 0, minor = 0;

	find_distribution(d);
	if (!doctor_line(d, "/proc/sys/kernel/osrelease", d->release,
			 sizeof(d->release)) || !*d->release ||
	    strchr(d->release, '/')) {
		d->release[0] = '\0';
		c = doctor_add(d, "kernel", DOCTOR_FAIL);
		doctor_say(c, "can't tell the running kernel: /proc is not mounted?");
		doctor_fix(c, "sudo mount -t proc proc /proc");
		return;
	}
	if (sscanf(d->release, "%d.%d", &major, &minor) == 2 &&
	    (major < MIN_MAJOR || (major == MIN_MAJOR && minor < MIN_MINOR))) {
		c = doctor_add(d, "kernel", DOCTOR_WARN);
		doctor_say(c, "kernel %s is older than %d.%d, the oldest that is tested",
			   d->release, MIN_MAJOR, MIN_MINOR);
	} else {
		c = doctor_add(d, "kernel", DOCTOR_OK);
		doctor_say(c, "kernel %s", d->release);
	}
	check_headers(d);
}

/* ---- the module's file -------------------------------------------------- */

/* Where DKMS, distributions and `make install` put it; first match wins. */
static const char *const module_dirs[] = {
	"updates/dkms", "updates", "updates/aioffload", "extra",
	"extra/aioffload", "weak-updates/aioffload", "weak-updates",
	"kernel/drivers/misc",
};
static const char *const suffixes[] = { "", ".xz", ".zst", ".gz" };

static bool find_module_file(struct doctor *d)
{
	size_t i, j;

	for (i = 0; i < sizeof(module_dirs) / sizeof(module_dirs[0]); i++) {
		for (j = 0; j < sizeof(suffixes) / sizeof(suffixes[0]); j++) {
			snprintf(d->module_path, sizeof(d->module_path),
				 "/lib/modules/%s/%s/aioffload.ko%s",
				 d->release, module_dirs[i], suffixes[j]);
			if (doctor_exists(d, "%s", d->module_path))
				return true;
		}
	}
	d->module_path[0] = '\0';
	return false;
}

/* modprobe's own index; lines are "path.ko: dependencies". */
static bool in_modules_dep(const struct doctor *d, char *path, size_t len)
{
	char file[256], *line = NULL, *name;
	size_t room = 0;
	bool found = false;
	FILE *f;

	snprintf(file, sizeof(file), "/lib/modules/%s/modules.dep", d->release);
	f = doctor_fopen(d, file);
	if (!f)
		return false;
	while (!found && getline(&line, &room, f) > 0) {
		line[strcspn(line, ":\n")] = '\0';
		name = strrchr(line, '/');
		name = name ? name + 1 : line;
		if (strncmp(name, "aioffload.ko", 12))
			continue;
		found = true;
		if (line[0] == '/')
			snprintf(path, len, "%s", line);
		else
			snprintf(path, len, "/lib/modules/%s/%s", d->release,
				 line);
	}
	free(line);
	fclose(f);
	return found;
}

static void soften_headers(struct doctor *d)
{
	size_t i;

	for (i = 0; i < d->nr_checks; i++)
		if (!strcmp(d->checks[i].name, "headers") &&
		    d->checks[i].verdict == DOCTOR_FAIL) {
			d->checks[i].verdict = DOCTOR_WARN;
			doctor_say(&d->checks[i], "kernel headers for %s are missing; the module is built already, but the next version can't be",
				   d->release);
		}
}

static void check_module(struct doctor *d)
{
	struct doctor_check *c;
	char dep[512];

	if (in_modules_dep(d, dep, sizeof(dep)) && doctor_exists(d, "%s", dep)) {
		snprintf(d->module_path, sizeof(d->module_path), "%s", dep);
		c = doctor_add(d, "module", DOCTOR_OK);
		doctor_say(c, "%s", d->module_path);
		soften_headers(d);
		return;
	}
	if (find_module_file(d)) {
		c = doctor_add(d, "module", DOCTOR_FAIL);
		doctor_say(c, "%s exists, but modprobe's index does not list it",
			   d->module_path);
		doctor_fix(c, "sudo depmod %s", d->release);
		soften_headers(d);
		return;
	}
	if (doctor_exists(d, "/sys/module/aioffload")) {
		c = doctor_add(d, "module", DOCTOR_WARN);
		doctor_say(c, "aioffload is loaded, but not installed for %s: it will be gone after a reboot",
			   d->release);
		soften_headers(d);
	} else {
		c = doctor_add(d, "module", DOCTOR_FAIL);
		doctor_say(c, "aioffload was not built for %s", d->release);
	}
	if (doctor_exists(d, "/var/lib/dkms/aioffload"))
		doctor_fix(c, "sudo dkms autoinstall -k %s", d->release);
	else if (d->debian)
		doctor_fix(c, "sudo apt install aioffload-dkms");
	else
		doctor_fix(c, "sudo dnf install aioffload-dkms");
}

/* ---- DKMS --------------------------------------------------------------- */

/* Is some version below /var/lib/dkms/aioffload built for this kernel? */
static bool dkms_state(const struct doctor *d, char version[NAME_MAX + 1],
		       bool *built, bool *log)
{
	struct dirent *e;
	bool found = false;
	DIR *dir;
	int fd;

	*built = *log = false;
	fd = doctor_open(d, O_RDONLY | O_DIRECTORY, "/var/lib/dkms/aioffload");
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while ((e = readdir(dir))) {
		/* beside versions lie links named kernel-RELEASE-ARCH */
		if (e->d_name[0] == '.' || !strncmp(e->d_name, "kernel-", 7) ||
		    !doctor_exists(d, "/var/lib/dkms/aioffload/%s/source",
				   e->d_name))
			continue;
		found = true;
		snprintf(version, NAME_MAX + 1, "%s", e->d_name);
		*built = doctor_exists(d, "/var/lib/dkms/aioffload/%s/%s",
				       version, d->release);
		*log = doctor_exists(d, "/var/lib/dkms/aioffload/%s/build/make.log",
				     version);
		if (*built)
			break;
	}
	closedir(dir);
	return found;
}

static void check_dkms(struct doctor *d)
{
	struct doctor_check *c;
	char version[NAME_MAX + 1] = "";
	bool built, log;

	if (!dkms_state(d, version, &built, &log)) {
		c = doctor_add(d, "dkms", DOCTOR_WARN);
		doctor_say(c, "DKMS does not know aioffload: the next kernel will be without it");
		doctor_fix(c, "sudo %s install aioffload-dkms",
			   d->debian ? "apt" : "dnf");
		return;
	}
	if (built) {
		c = doctor_add(d, "dkms", DOCTOR_OK);
		doctor_say(c, "version %s is built for this kernel", version);
		return;
	}
	/* grave only if the module did not come some other way */
	c = doctor_add(d, "dkms", *d->module_path ? DOCTOR_WARN : DOCTOR_FAIL);
	if (log)
		doctor_say(c, "version %s is not built for %s; the last build's log is /var/lib/dkms/aioffload/%s/build/make.log",
			   version, d->release, version);
	else
		doctor_say(c, "version %s is not built for %s", version,
			   d->release);
	doctor_fix(c, "sudo dkms install aioffload/%s -k %s", version,
		   d->release);
}

void doctor_module(struct doctor *d)
{
	if (!*d->release)
		return;		/* said already */
	check_module(d);
	check_dkms(d);
}
