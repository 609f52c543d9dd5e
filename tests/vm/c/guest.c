// SPDX-License-Identifier: LGPL-2.1-or-later
/* Files, modules and devices of the guest. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include "vmtest.h"

#define NULL_PARAM "/sys/module/aioffload_null/parameters/"

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

long read_long(const char *path)
{
	FILE *f = fopen(path, "re");
	long v = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &v) != 1)
		v = -1;
	fclose(f);
	return v;
}

int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (!d)
		FAIL("/proc/self/fd: %s", strerror(errno));
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

long free_kib(void)
{
	FILE *f;
	char line[128];
	long v = -1;

	/* Else each CPU may keep tens of MiB of free pages to itself. */
	write_text("/proc/sys/vm/percpu_pagelist_high_fraction", "1000000");
	write_text("/proc/sys/vm/drop_caches", "3");
	f = fopen("/proc/meminfo", "re");
	if (!f)
		FAIL("/proc/meminfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), f))
		sscanf(line, "MemFree: %ld kB", &v);
	fclose(f);
	return v;
}

int run_command(const char *cmd)
{
	int status = system(cmd);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* AIOFFLOAD_MODULES: a directory of .ko files, for guests without packages. */
int module_load(const char *name, const char *param)
{
	const char *dir = getenv("AIOFFLOAD_MODULES");
	char path[256], cmd[600];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (!access(path, F_OK))
		return 0;
	snprintf(path, sizeof(path), "%s/%s.ko", dir, name);
	if (dir && access(path, F_OK))
		return 0;	/* built without it */
	if (dir)
		snprintf(cmd, sizeof(cmd), "insmod %s %s", path, param);
	else
		snprintf(cmd, sizeof(cmd), "modprobe %s %s", name, param);
	return run_command(cmd);
}

static void must_load(const char *name, const char *param)
{
	if (module_load(name, param)) {
		printf("Bail out! loading %s %s failed\n", name, param);
		exit(2);
	}
}

/*
 * Most programs make their own models, which nobody has signed. Those of
 * tests/security ask for the default, by VMTEST_POLICY=enforce.
 */
void modules_load(void)
{
	const char *policy = getenv("VMTEST_POLICY");
	char param[64];

	snprintf(param, sizeof(param), "policy=%s", policy ? policy : "off");
	must_load("aioffload", param);
	must_load("aioffload_cpu", "");
	must_load("aioffload_null", "nr_devices=0");
}

/* ids in /sys/module/aioffload_null/parameters/devices, the last one */
static int last_null(void)
{
	FILE *f = fopen(NULL_PARAM "devices", "re");
	int id = -1;

	if (!f)
		FAIL("aioffload_null: %s", strerror(errno));
	while (fscanf(f, " aioffload%d", &id) == 1)
		;
	fclose(f);
	return id;
}

int null_add(const char *settings)
{
	int lock = open("/tmp/vmtest-null", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int err, id;

	/* Two processes of one test may add at once */
	flock(lock, LOCK_EX);
	err = write_text(NULL_PARAM "add", *settings ? settings : "\n");
	if (err)
		FAIL("adding a null device (%s): %s", settings, strerror(-err));
	id = last_null();
	close(lock);
	return id;
}

void null_set(int id, const char *settings)
{
	char text[400];
	int err;

	snprintf(text, sizeof(text), "aioffload%d %s", id, settings);
	err = write_text(NULL_PARAM "set", text);
	if (err)
		FAIL("set %s: %s", text, strerror(-err));
}

void null_remove(int id)
{
	char text[40];
	int err;

	snprintf(text, sizeof(text), "aioffload%d", id);
	err = write_text(NULL_PARAM "remove", text);
	if (err)
		FAIL("remove %s: %s", text, strerror(-err));
}

int open_ctx(int id)
{
	char path[40] = "/dev/aioffload";
	int fd;

	if (id >= 0)
		snprintf(path, sizeof(path), "/dev/aioffload%d", id);
	/* udev may need a moment to make or chmod a node that is new */
	for (int i = 0; ; i++) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (i == 200 || (errno != ENOENT && errno != EACCES))
			FAIL("%s: %s", path, strerror(errno));
		sleep_ms(10);
	}
}

int open_null(const char *settings)
{
	return open_ctx(null_add(settings));
}

int find_device(const char *driver)
{
	struct aioffload_device_info di;
	int ctx = open_ctx(-1), found = -1;

	for (int id = 0; !device_info(ctx, id, &di); id = di.id + 1) {
		if (!strcmp(di.driver, driver)) {
			found = di.id;
			break;
		}
	}
	close(ctx);
	return found;
}

unsigned int find_threads(const char *name, int *tids, unsigned int room)
{
	DIR *d = opendir("/proc");
	unsigned int n = 0;
	struct dirent *e;
	char path[300], comm[64];
	FILE *f;

	while ((e = readdir(d))) {
		int tid = atoi(e->d_name);

		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		f = tid > 0 ? fopen(path, "r") : NULL;
		if (!f)
			continue;
		if (fscanf(f, "%63s", comm) == 1 && !strcmp(comm, name)) {
			if (n < room)
				tids[n] = tid;
			n++;
		}
		fclose(f);
	}
	closedir(d);
	return n;
}

int spawn(void (*fn)(void *), void *arg)
{
	int pid = fork();

	if (pid < 0)
		FAIL("fork: %s", strerror(errno));
	if (!pid) {
		fn(arg);
		_exit(0);
	}
	return pid;
}

void reap(int pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		FAIL("waitpid: %s", strerror(errno));
	if (status)
		FAIL("child ended with status %#x", status);
}
