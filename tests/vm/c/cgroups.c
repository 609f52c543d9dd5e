// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cgroups and privileges of a test. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "vmtest.h"

#define ROOT	"/sys/fs/cgroup"

/* What an earlier test left, deepest first; busy ones stay. */
static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char sub[512];

	while (d && (e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		remove_tree(sub);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static const char *base(void)
{
	static char path[64];
	struct dirent *e;
	char old[512];
	DIR *d;

	if (path[0])
		return path;
	d = opendir(ROOT);
	if (!d || access(ROOT "/cgroup.procs", F_OK))
		SKIP("no cgroup 2 at " ROOT);
	while ((e = readdir(d))) {
		if (strncmp(e->d_name, "vmt.", 4))
			continue;
		snprintf(old, sizeof(old), ROOT "/%s", e->d_name);
		remove_tree(old);
	}
	closedir(d);
	snprintf(path, sizeof(path), ROOT "/vmt.%d", getpid());
	MUST(mkdir(path, 0755));
	return path;
}

void cg_path(char *to, size_t room, const char *name)
{
	snprintf(to, room, "%s%s%s", base(), *name ? "/" : "", name);
}

int cg_open(const char *name)
{
	char path[2048];

	cg_path(path, sizeof(path), name);
	return MUST(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int cg_make(const char *name)
{
	char path[2048];

	cg_path(path, sizeof(path), name);
	MUST(mkdir(path, 0755));
	return cg_open(name);
}

void cg_remove(const char *name)
{
	char path[2048];

	cg_path(path, sizeof(path), name);
	/* who has just been reaped may still be counted */
	for (int i = 0; rmdir(path); i++) {
		if (errno != EBUSY || i == 200)
			FAIL("rmdir %s: %s", path, strerror(errno));
		sleep_ms(10);
	}
}

void cg_enter(const char *name)
{
	char path[2048];
	size_t n;
	int err;

	cg_path(path, sizeof(path), name);
	n = strlen(path);
	snprintf(path + n, sizeof(path) - n, "/cgroup.procs");
	err = write_text(path, "0");
	if (err)
		FAIL("entering %s: %s", path, strerror(-err));
}

void cg_leave(void)
{
	int err = write_text(ROOT "/cgroup.procs", "0");

	if (err)
		FAIL("entering " ROOT ": %s", strerror(-err));
}

void cg_write(const char *name, const char *file, const char *text)
{
	char path[2048];
	size_t n;
	int err;

	cg_path(path, sizeof(path), name);
	n = strlen(path);
	snprintf(path + n, sizeof(path) - n, "/%s", file);
	err = write_text(path, text);
	if (err)
		FAIL("writing \"%s\" to %s: %s", text, path, strerror(-err));
}

static FILE *cg_read(const char *name, const char *file)
{
	char path[2048];
	size_t n;
	FILE *f;

	cg_path(path, sizeof(path), name);
	n = strlen(path);
	snprintf(path + n, sizeof(path) - n, "/%s", file);
	f = fopen(path, "r");
	if (!f)
		FAIL("%s: %s", path, strerror(errno));
	return f;
}

int cg_holds(const char *name, int tid)
{
	FILE *f = cg_read(name, "cgroup.threads");
	int id, n = 0;

	while (fscanf(f, "%d", &id) == 1)
		n += id == tid;
	fclose(f);
	return n;
}

uint64_t cg_cpu_us(const char *name)
{
	FILE *f = cg_read(name, "cpu.stat");
	unsigned long long us;

	if (fscanf(f, "usage_usec %llu", &us) != 1)
		FAIL("cpu.stat of '%s' does not begin with usage_usec", name);
	fclose(f);
	return us;
}

void cg_with(const char *controller)
{
	char text[32];

	snprintf(text, sizeof(text), "+%s", controller);
	if (write_text(ROOT "/cgroup.subtree_control", text))
		SKIP("no %s controller for cgroup 2", controller);
	cg_write("", "cgroup.subtree_control", text);
}

void drop_caps(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { };

	/* uid 0 stays, so that files can be opened; exec gives nothing back */
	MUST(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED));
	MUST(syscall(SYS_capset, &h, d));
}

void cg_become(const char *name)
{
	cg_enter(name);
	drop_caps();
}
