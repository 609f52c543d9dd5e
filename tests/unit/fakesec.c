// SPDX-License-Identifier: LGPL-2.1-or-later
/* See fakesec.h. */
#include <aioffload.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../userspace/common/common.h"
#include "fakesec.h"

static struct fake_security off;
struct fake_security *fake_secp = &off;

static int do_policy(struct aioffload_policy *arg)
{
	struct aioffload_policy *p = &fake_sec.policy;
	__u32 set = arg->flags;

	if (arg->size != sizeof(*arg) || set & ~0x1fU)
		return -EINVAL;
	if (set && fake_sec.denied)
		return -EPERM;
	if (set & AIOFFLOAD_POLICY_SET_MODE && p->locked && arg->mode < p->mode)
		return -EPERM;
	if (set & AIOFFLOAD_POLICY_SET_MODE)
		p->mode = arg->mode;
	if (set & AIOFFLOAD_POLICY_SET_KEYRINGS)
		p->keyrings = arg->keyrings;
	if (set & AIOFFLOAD_POLICY_SET_DRIVERS)
		p->signed_drivers = arg->signed_drivers;
	if (set & AIOFFLOAD_POLICY_SET_AUDIT)
		p->audit = arg->audit;
	if (set & AIOFFLOAD_POLICY_SET_LOCKED)
		p->locked = arg->locked;
	fake_sec.changes += set != 0;
	*arg = *p;
	arg->size = sizeof(*arg);
	return 0;
}

static int find_block(const struct aioffload_block *b)
{
	unsigned int i;

	for (i = 0; i < fake_sec.nr_blocks; i++)
		if (fake_sec.blocks[i].kind == b->kind &&
		    !memcmp(fake_sec.blocks[i].id, b->id, sizeof(b->id)) &&
		    !strcmp(fake_sec.blocks[i].name, b->name))
			return (int)i;
	return -ENOENT;
}

static int do_block(struct aioffload_block *arg)
{
	unsigned int max = sizeof(fake_sec.blocks) / sizeof(fake_sec.blocks[0]);
	int i;

	if (arg->size != sizeof(*arg) || arg->flags || arg->reserved)
		return -EINVAL;
	if (arg->op == AIOFFLOAD_BLOCK_GET) {
		if (arg->index >= fake_sec.nr_blocks)
			return -ENOENT;
		*arg = fake_sec.blocks[arg->index];
		return 0;
	}
	if (fake_sec.denied)
		return -EPERM;
	i = find_block(arg);
	fake_sec.changes++;
	if (arg->op == AIOFFLOAD_BLOCK_DEL) {
		if (i < 0)
			return i;
		fake_sec.blocks[i] = fake_sec.blocks[--fake_sec.nr_blocks];
		return 0;
	}
	if (i >= 0 && fake_sec.blocks[i].version > arg->version)
		return -EEXIST;
	if (i < 0 && fake_sec.nr_blocks == max)
		return -ENOSPC;
	if (i < 0)
		i = (int)fake_sec.nr_blocks++;
	fake_sec.blocks[i] = *arg;
	return 0;
}

/* The cgroup of a fd, remembered from the first time on. */
static struct fake_grant *group_of(int fd)
{
	struct fake_grant *g, *empty = NULL;
	char link[40], path[PATH_MAX];
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0 || fstat(fd, &st) ||
	    strncmp(path, fake_sec.root, strlen(fake_sec.root)))
		return NULL;
	path[n] = '\0';
	for (g = fake_sec.grants; g < fake_sec.grants + FAKE_GRANTS; g++) {
		if (g->used && g->id == st.st_ino)
			return g;
		if (!g->used && !empty)
			empty = g;
	}
	if (!empty)
		abort();
	empty->used = true;
	empty->id = st.st_ino;
	snprintf(empty->path, sizeof(empty->path), "%s",
		 path[strlen(fake_sec.root)] ? path + strlen(fake_sec.root) : "/");
	for (n = 0; n < AIOFFLOAD_RES_NR; n++)
		empty->res[n].limit = AIOFFLOAD_NO_LIMIT;
	return empty;
}

static bool is_above(const char *above, const char *path)
{
	size_t len = strlen(above);

	if (!strcmp(above, "/"))
		return true;
	return !strncmp(above, path, len) && (path[len] == '/' || !path[len]);
}

/* The AND over all grants from the root to @path; @but: leave this one out. */
static void in_effect(const char *path, const struct fake_grant *but,
		      __u32 *rights, __u64 *devices)
{
	const struct fake_grant *g;
	bool any = false;
	int i;

	*rights = AIOFFLOAD_RIGHTS_ALL;
	memset(devices, 0xff, sizeof(g->devices));
	for (g = fake_sec.grants; g < fake_sec.grants + FAKE_GRANTS; g++) {
		if (!g->used || !g->has || g == but || !is_above(g->path, path))
			continue;
		any = true;
		*rights &= g->rights;
		for (i = 0; i < AIOFFLOAD_MAX_DEVICES / 64; i++)
			devices[i] &= g->devices[i];
	}
	if (!any && !but)
		*rights = AIOFFLOAD_RIGHT_EXEC | AIOFFLOAD_RIGHT_LOAD;
}

static int do_grant(const struct aioffload_grant *arg)
{
	struct fake_grant *g = group_of(arg->cgroup_fd);
	__u64 above[AIOFFLOAD_MAX_DEVICES / 64];
	__u32 rights;

	if (arg->size != sizeof(*arg) || arg->flags & ~3U ||
	    arg->rights & ~AIOFFLOAD_RIGHTS_ALL)
		return -EINVAL;
	if (!g)
		return -EBADF;
	if (fake_sec.denied)
		return -EPERM;
	in_effect(g->path, g, &rights, above);
	if (arg->rights & ~rights)
		return -EPERM;
	fake_sec.changes++;
	g->has = !(arg->flags & AIOFFLOAD_GRANT_CLEAR);
	g->rights = arg->rights;
	if (arg->flags & AIOFFLOAD_GRANT_DEVICES)
		memcpy(g->devices, arg->devices, sizeof(g->devices));
	else
		memset(g->devices, 0xff, sizeof(g->devices));
	return 0;
}

static struct fake_grant *grant_number(__u32 index)
{
	struct fake_grant *g;

	for (g = fake_sec.grants; g < fake_sec.grants + FAKE_GRANTS; g++)
		if (g->used && g->has && !index--)
			return g;
	return NULL;
}

static int do_rights(struct aioffload_rights *arg)
{
	struct fake_grant *g = NULL;
	const char *path = fake_sec.self;

	if (arg->size != sizeof(*arg) || arg->flags > 2)
		return -EINVAL;
	if (arg->flags == AIOFFLOAD_RIGHTS_OF) {
		g = group_of(arg->cgroup_fd);
		if (!g)
			return -EBADF;
	} else if (arg->flags == AIOFFLOAD_RIGHTS_LIST) {
		g = grant_number(arg->index);
		if (!g)
			return -ENOENT;
	}
	if (g)
		path = g->path;
	else
		g = fake_granted(path);
	arg->has_grant = g && g->has;
	arg->granted = arg->has_grant ? g->rights : 0;
	arg->cgroup_id = g ? g->id : 1;
	in_effect(path, NULL, &arg->rights, arg->devices);
	if (!arg->path)
		return 0;
	if (strlen(path) >= arg->path_len)
		return -ERANGE;
	strcpy((char *)(uintptr_t)arg->path, path);
	return 0;
}

static int do_limit(const struct aioffload_limit *arg)
{
	struct fake_grant *g = group_of(arg->cgroup_fd);
	bool timed = arg->resource == AIOFFLOAD_RES_TIME &&
		     arg->limit != AIOFFLOAD_NO_LIMIT;

	if (arg->size != sizeof(*arg) || arg->flags ||
	    arg->resource >= AIOFFLOAD_RES_NR || !arg->period_ns == timed)
		return -EINVAL;
	if (!g)
		return -EBADF;
	if (fake_sec.denied)
		return -EPERM;
	fake_sec.changes++;
	g->res[arg->resource].limit = arg->limit;
	g->res[arg->resource].period_ns = arg->period_ns;
	return 0;
}

static int do_usage(struct aioffload_usage *arg)
{
	struct fake_grant *g = arg->cgroup_fd == -1 ?
		fake_granted(fake_sec.self) : group_of(arg->cgroup_fd);
	__u32 r = arg->resource, size = arg->size;

	if (size != sizeof(*arg) || arg->flags || r >= AIOFFLOAD_RES_NR)
		return -EINVAL;
	if (!g && arg->cgroup_fd != -1)
		return -EBADF;
	memset(arg, 0, sizeof(*arg));
	arg->limit = AIOFFLOAD_NO_LIMIT;
	if (g)
		*arg = g->res[r];
	arg->size = size;
	arg->resource = r;
	return 0;
}

static int do_weight(struct aioffload_weight *arg)
{
	struct fake_grant *g = arg->cgroup_fd == -1 ?
		fake_granted(fake_sec.self) : group_of(arg->cgroup_fd);

	if (arg->size != sizeof(*arg) || arg->flags & ~3U)
		return -EINVAL;
	if (!g && arg->cgroup_fd != -1)
		return -EBADF;
	if (!arg->flags) {
		arg->weight = g ? g->weight : 0;
		arg->cpu_weight = g ? g->cpu_weight : 0;
		arg->effective = arg->weight ? arg->weight : arg->cpu_weight ?
			arg->cpu_weight : AIOFFLOAD_WEIGHT_DEFAULT;
		return 0;
	}
	if (fake_sec.denied)
		return -EPERM;
	if (!g || !strcmp(g->path, "/") || arg->weight > AIOFFLOAD_WEIGHT_MAX ||
	    arg->cpu_weight > AIOFFLOAD_WEIGHT_MAX)
		return -EINVAL;
	fake_sec.changes++;
	if (arg->flags & AIOFFLOAD_WEIGHT_SET)
		g->weight = arg->weight;
	if (arg->flags & AIOFFLOAD_WEIGHT_SET_CPU)
		g->cpu_weight = arg->cpu_weight;
	return 0;
}

static int do_sched(struct aioffload_sched *arg)
{
	struct fake_grant *g, *first = NULL;
	__u32 size = arg->size, room = arg->path_len;
	char *path = (char *)(uintptr_t)arg->path;

	if (size != sizeof(*arg) || arg->flags)
		return -EINVAL;
	for (g = fake_sec.grants; g < fake_sec.grants + FAKE_GRANTS; g++)
		if (g->used && g->shares && g->id >= arg->cgroup_id &&
		    (!first || g->id < first->id))
			first = g;
	if (arg->device || !first)
		return -ENOENT;
	if (path && strlen(first->path) >= room)
		return -ERANGE;
	if (path)
		strcpy(path, first->path);
	*arg = first->share;
	arg->size = size;
	arg->cgroup_id = first->id;
	arg->weight = first->weight;
	arg->cpu_weight = first->cpu_weight;
	arg->effective = strcmp(first->path, "/") ? first->weight ?
		first->weight : first->cpu_weight ? first->cpu_weight :
		AIOFFLOAD_WEIGHT_DEFAULT : 0;
	return 0;
}

int fake_sec_ioctl(unsigned long req, void *arg)
{
	if (fake_secp == &off)
		return -ENOTTY;
	switch (req) {
	case AIOFFLOAD_IOC_POLICY:
		return do_policy(arg);
	case AIOFFLOAD_IOC_BLOCK:
		return do_block(arg);
	case AIOFFLOAD_IOC_GRANT:
		return do_grant(arg);
	case AIOFFLOAD_IOC_RIGHTS:
		return do_rights(arg);
	case AIOFFLOAD_IOC_LIMIT:
		return do_limit(arg);
	case AIOFFLOAD_IOC_USAGE:
		return do_usage(arg);
	case AIOFFLOAD_IOC_WEIGHT:
		return do_weight(arg);
	case AIOFFLOAD_IOC_SCHED:
		return do_sched(arg);
	default:
		return -ENOTTY;
	}
}

struct fake_grant *fake_granted(const char *path)
{
	struct fake_grant *g;

	for (g = fake_sec.grants; g < fake_sec.grants + FAKE_GRANTS; g++)
		if (g->used && !strcmp(g->path, path))
			return g;
	return NULL;
}

struct aioffload_sched *fake_share(const char *path)
{
	int fd = cgroup_open(path);
	struct fake_grant *g = fd < 0 ? NULL : group_of(fd);

	if (!g)
		abort();
	close(fd);
	g->shares = true;
	return &g->share;
}

void fake_cgroup(const char *path)
{
	char full[PATH_MAX];
	char *p;

	snprintf(full, sizeof(full), "%s/%s/", fake_sec.root, path);
	for (p = full + strlen(fake_sec.root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(full, 0755) && errno != EEXIST)
			abort();
		*p = '/';
	}
}

void fake_sec_boot(void)
{
	fake_secp = mmap(NULL, sizeof(fake_sec), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fake_secp == MAP_FAILED)
		abort();
	fake_sec.policy.mode = AIOFFLOAD_POLICY_ENFORCE;
	strcpy(fake_sec.self, "/");
	strcpy(fake_sec.root, "/tmp/fakecgroupXXXXXX");
	if (!mkdtemp(fake_sec.root))
		abort();
	cgroup_set_root(fake_sec.root);
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	return remove(path);
}

void fake_sec_shutdown(void)
{
	nftw(fake_sec.root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	munmap(fake_secp, sizeof(fake_sec));
	fake_secp = &off;
	cgroup_set_root(NULL);
}
