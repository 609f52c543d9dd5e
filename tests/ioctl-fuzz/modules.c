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
#include <sys/ioctl.h>
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

const char *trusted_cert;
static unsigned int policy_now;	/* what the module was loaded with */

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

	for (unsigned int i = 0; i < 3000; i++) {
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

/* The number of our keyring, which is new with each load; 0: none. */
static long find_keyring(void)
{
	FILE *f = fopen("/proc/keys", "re");
	unsigned long serial, found = 0;
	unsigned int users;
	char line[300];

	while (f && fgets(line, sizeof(line), f)) {
		/* Without users: of a module that was unloaded just now */
		if (strstr(line, " .aioffload: ") &&
		    sscanf(line, "%lx %*s %u", &serial, &users) == 2 && users)
			found = serial;
	}
	if (f)
		fclose(f);
	return found;
}

/* So that a policy that wants signatures has something to admit. */
static bool trust(void)
{
	static uint8_t der[4096];
	FILE *f = trusted_cert ? fopen(trusted_cert, "re") : NULL;
	size_t n = f ? fread(der, 1, sizeof(der), f) : 0;
	long keyring = n ? find_keyring() : 0;

	if (f)
		fclose(f);
	return !keyring || syscall(SYS_add_key, "asymmetric", "fuzz", der, n,
				   keyring) >= 0;
}

/* Mostly models need no signature: they could not do much else. */
bool modules_insert(uint64_t *rng)
{
	static const char *const policy[] = {
		[AIOFFLOAD_POLICY_OFF] = "policy=off",
		[AIOFFLOAD_POLICY_PERMISSIVE] = "policy=permissive",
		[AIOFFLOAD_POLICY_ENFORCE] = "policy=enforce",
	};
	static const char *const workers[] = { "", "workers=1", "workers=3" };

	policy_now = rng_below(rng, 4) % 3;
	return insert("aioffload", policy[policy_now]) && trust() &&
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

static bool uses(const struct program *p, const char *name)
{
	int op = op_find(name);

	for (unsigned int i = 0; i < p->nr; i++) {
		if (p->call[i].op == op)
			return true;
	}
	return false;
}

/* Blocks, and models put in quarantine because they were made to stall. */
static void blocks_clear(int ctx)
{
	struct aioffload_block b;

	for (unsigned int i = 0; i < 1000; i++) {
		b = (struct aioffload_block){ .size = sizeof(b),
					      .op = AIOFFLOAD_BLOCK_GET };
		if (ioctl(ctx, AIOFFLOAD_IOC_BLOCK, &b))
			break;
		b.op = AIOFFLOAD_BLOCK_DEL;
		b.version = 0;
		if (ioctl(ctx, AIOFFLOAD_IOC_BLOCK, &b))
			break;
	}
}

static void policy_reset(int ctx)
{
	struct aioffload_policy p = {
		.size = sizeof(p),
		.flags = AIOFFLOAD_POLICY_SET_MODE | AIOFFLOAD_POLICY_SET_KEYRINGS |
			 AIOFFLOAD_POLICY_SET_DRIVERS | AIOFFLOAD_POLICY_SET_AUDIT,
		.mode = policy_now,
	};

	ioctl(ctx, AIOFFLOAD_IOC_POLICY, &p);
}

int null_add(const char *settings)
{
	int ret = write_file(NULL_PARAM "add", settings);
	char path[40];

	for (unsigned int i = 0; i < 6 && !ret; i++) {
		snprintf(path, sizeof(path), "/dev/aioffload%u", i);
		chmod(path, 0666);
	}
	return ret;
}

/* Its own say and limits away, here and on every level. */
static void cgroups_clear(int ctx)
{
	struct aioffload_grant g = { .size = sizeof(g),
				     .flags = AIOFFLOAD_GRANT_CLEAR };
	struct aioffload_limit l = { .size = sizeof(l),
				     .limit = AIOFFLOAD_NO_LIMIT };

	for (unsigned int i = 0; i < NR_CGROUPS; i++) {
		int fd = open(cgroup_path(i), O_RDONLY | O_CLOEXEC);

		g.cgroup_fd = fd;
		l.cgroup_fd = fd;
		ioctl(ctx, AIOFFLOAD_IOC_GRANT, &g);
		for (l.resource = 0; l.resource < AIOFFLOAD_RES_NR; l.resource++) {
			l.period_ns = l.resource == AIOFFLOAD_RES_TIME ? 1000000 : 0;
			ioctl(ctx, AIOFFLOAD_IOC_LIMIT, &l);
		}
		close(fd);
	}
}

static void security_reset(const struct program *last)
{
	int ctx = open("/dev/aioffload", O_RDWR | O_CLOEXEC);

	if (!last || uses(last, "policy"))
		policy_reset(ctx);
	if (!last || uses(last, "grant") || uses(last, "limit"))
		cgroups_clear(ctx);
	blocks_clear(ctx);
	close(ctx);
}

/* The groups belong to the user, as those of a container do. */
static void cgroups_make(void)
{
	char path[200];

	for (unsigned int i = 0; i < NR_CGROUPS; i++) {
		if (mkdir(cgroup_path(i), 0755) && errno != EEXIST)
			perror(cgroup_path(i));
		snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup_path(i));
		if (chown(path, USER_ID, USER_ID) ||
		    chown(cgroup_path(i), USER_ID, USER_ID))
			perror(path);
	}
}

/*
 * Before each program: as the one before, NULL if there was none, could not
 * have left it. Making control groups anew is dear, so only if it touched them.
 */
void stage_reset(const struct program *last)
{
	static const char *const param[][2] = {
		{ NULL_PARAM "remove", "all" },
		{ CORE_PARAM "job_timeout_ms", "50" },
		{ CORE_PARAM "max_job_timeout_ms", "500" },
		{ CORE_PARAM "cancel_grace_ms", "20" },
		{ CORE_PARAM "max_model_mib", "64" },
		{ CORE_PARAM "max_buffer_mib", "16" },
	};

	if (!last || uses(last, "null_module"))
		null_insert();
	for (unsigned int i = 0; i < sizeof(param) / sizeof(param[0]); i++) {
		if (!i || !last || uses(last, "parameter"))
			write_file(param[i][0], param[i][1]);
	}
	if (!last || uses(last, "cgroup_make"))
		cgroups_make();
	security_reset(last);
	chmod("/dev/aioffload", 0666);
	/* Long for a slow machine, too: jobs are to be on their way for a while */
	null_add("latency_ns=2000000 jitter_ns=4000000");
}
