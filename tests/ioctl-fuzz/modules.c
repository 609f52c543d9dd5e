// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The modules, and what else a program finds: control groups, permissions,
 * parameters that keep it short.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "fuzz.h"

int write_file(const char *path, const char *text)
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

/* AIOFFLOAD_MODULES: a directory of .ko files; else they are installed. */
static bool insert(const char *name, const char *param)
{
	const char *dir = getenv("AIOFFLOAD_MODULES");
	char path[300];
	int fd, ret, pid;

	if (dir) {
		snprintf(path, sizeof(path), "%s/%s.ko", dir, name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		ret = syscall(SYS_finit_module, fd, param, 0);
		ret = ret && errno != EEXIST ? -errno : 0;
		close(fd);
		return !ret;
	}
	pid = fork();
	if (!pid) {
		execlp("modprobe", "modprobe", name, *param ? param : NULL, NULL);
		_exit(127);
	}
	return waitpid(pid, &ret, 0) == pid && !ret;
}

bool null_insert(void)
{
	return insert("aioffload_null", "");
}

/* What rests in a work queue or waits for RCU may hold one for a moment. */
static bool delete(const char *name)
{
	const struct timespec ms20 = { 0, 20000000 };

	for (unsigned int i = 0; i < 500; i++) {
		if (!syscall(SYS_delete_module, name, O_NONBLOCK) ||
		    errno == ENOENT)
			return true;
		nanosleep(&ms20, NULL);
	}
	return false;
}

bool modules_delete(void)
{
	return delete("aioffload_null") && delete("aioffload_cpu") &&
	       delete("aioffload");
}

/* Mostly models need no signature: they could not do much else. */
bool modules_insert(uint64_t *rng)
{
	static const char *const policy[] = {
		"policy=off", "policy=off", "policy=permissive", "policy=enforce",
	};
	static const char *const workers[] = { "", "workers=1", "workers=3" };

	return insert("aioffload", policy[rng_below(rng, 4)]) &&
	       insert("aioffload_cpu", workers[rng_below(rng, 3)]) &&
	       insert("aioffload_null", "");
}

const char *cgroup_path(uint64_t n)
{
	static const char *const path[NR_CGROUPS] = {
		CGROUPS, CGROUPS "/a", CGROUPS "/a/b", CGROUPS "/a/b/c",
		CGROUPS "/d", CGROUPS "/a/e",
	};

	return path[n % NR_CGROUPS];
}

/* The groups belong to the user, as those of a container do. */
void stage_prepare(void)
{
	static const char *const setup[][2] = {
		/* Failing allocations are the test, not news */
		{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/failslab/verbose", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
		{ "/sys/kernel/debug/fail_usercopy/verbose", "0" },
		/* Records without a daemon go to the kernel log, by thousands */
		{ "/proc/sys/kernel/printk_ratelimit", "0" },
		{ "/proc/sys/kernel/printk", "4" },
		{ "/proc/sys/kernel/hung_task_timeout_secs", "60" },
		{ "/proc/sys/vm/max_map_count", "65530" },
	};

	for (unsigned int i = 0; i < sizeof(setup) / sizeof(setup[0]); i++)
		write_file(setup[i][0], setup[i][1]);
}

/* Before each program: as the one before could not have left it. */
void stage_reset(void)
{
	static const char *const param[][2] = {
		{ NULL_PARAM "remove", "all" },
		{ CORE_PARAM "job_timeout_ms", "50" },
		{ CORE_PARAM "max_job_timeout_ms", "500" },
		{ CORE_PARAM "cancel_grace_ms", "20" },
		{ CORE_PARAM "max_model_mib", "64" },
		{ CORE_PARAM "max_buffer_mib", "16" },
	};
	char path[200];

	null_insert();
	for (unsigned int i = 0; i < sizeof(param) / sizeof(param[0]); i++)
		write_file(param[i][0], param[i][1]);
	/* Grants and limits go with the groups */
	for (unsigned int i = NR_CGROUPS; i-- > 0; )
		rmdir(cgroup_path(i));
	for (unsigned int i = 0; i < NR_CGROUPS; i++) {
		if (mkdir(cgroup_path(i), 0755) && errno != EEXIST)
			perror(cgroup_path(i));
		snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup_path(i));
		if (chown(path, USER_ID, USER_ID) ||
		    chown(cgroup_path(i), USER_ID, USER_ID))
			perror(path);
	}
	write_file(NULL_PARAM "add", "latency_ns=100000");
	chmod("/dev/aioffload", 0666);
	chmod("/dev/aioffload0", 0666);
	chmod("/dev/aioffload1", 0666);
}
