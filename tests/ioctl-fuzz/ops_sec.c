// SPDX-License-Identifier: LGPL-2.1-or-later
/* Policy, rights, limits, weights; control groups that come, go and are entered. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "ops.h"

#define CALL(w, a, cmd, arg, how) \
	hand_over(w, world_fd(w, K_CTX, (a)[0]), AIOFFLOAD_IOC_##cmd, &(arg), \
		  sizeof(arg), how)

long op_policy(struct world *w, const uint64_t *a)
{
	struct aioffload_policy s = STRUCT(policy);

	/* Never locked: the rest of the run would see nothing but that */
	s.flags = a[1] & (AIOFFLOAD_POLICY_SET_MODE | AIOFFLOAD_POLICY_SET_KEYRINGS |
			  AIOFFLOAD_POLICY_SET_DRIVERS | AIOFFLOAD_POLICY_SET_AUDIT);
	s.mode = a[2] % 4;
	s.keyrings = a[2] >> 2;
	s.signed_drivers = a[3] & 7 ? 0 : 1;
	s.audit = a[3] >> 3 & 1;
	return CALL(w, a, POLICY, s, a[4] & ~(uint64_t)(HAND_FLAGS | HAND_FLIPS));
}

long op_block(struct world *w, const uint64_t *a)
{
	struct aioffload_block s = STRUCT(block);
	const struct model_file *m = &model_files[a[2] % nr_model_files];
	struct aioffload_model_info info = STRUCT(model_info);
	uint64_t r = a[3];

	s.op = a[1] & 3;
	s.kind = rng_below(&r, 5);
	s.index = s.op == AIOFFLOAD_BLOCK_GET ? rng_below(&r, 4) : 0;
	if (s.op != AIOFFLOAD_BLOCK_GET && s.kind != AIOFFLOAD_BLOCK_VERSION) {
		/* A model that is loaded, or something near */
		hand_over(w, world_fd(w, K_MODEL, a[2]), AIOFFLOAD_IOC_MODEL_INFO,
			  &info, sizeof(info), 0);
		memcpy(s.id, info.digest, sizeof(s.id));
		if (rng_below(&r, 4) == 0)
			s.id[rng_below(&r, sizeof(s.id))] ^= 1 + m->bytes % 3;
	} else if (s.op != AIOFFLOAD_BLOCK_GET) {
		s.version = rng_below(&r, 4);
		s.name[0] = 'a' + rng_below(&r, 4);
		if (rng_below(&r, 8) == 0)
			memset(s.name, 'x', sizeof(s.name));
	}
	return CALL(w, a, BLOCK, s, a[4]);
}

/* Into place a[0] a descriptor of cgroup a[1]. */
long op_cgroup(struct world *w, const uint64_t *a)
{
	int fd = open(cgroup_path(a[1]), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		world_put(w, K_CGROUP, a[0], fd);
	return fd;
}

long op_cgroup_make(struct world *w, const uint64_t *a)
{
	(void)w;
	if (a[1] & 1)
		return rmdir(cgroup_path(a[0]));
	return mkdir(cgroup_path(a[0]), 0777);
}

long op_cgroup_enter(struct world *w, const uint64_t *a)
{
	char path[160];

	(void)w;
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup_path(a[0]));
	return write_file(path, "0");
}

/* The place's descriptor; opened now if there is none, else little happens. */
static int cgroup_fd(struct world *w, uint64_t n)
{
	if (world_fd(w, K_CGROUP, n) < 0)
		op_cgroup(w, (const uint64_t[NR_ARGS]){ n, n });
	return world_fd(w, K_CGROUP, n);
}

long op_grant(struct world *w, const uint64_t *a)
{
	struct aioffload_grant s = STRUCT(grant);
	uint64_t r = a[4];

	s.cgroup_fd = cgroup_fd(w, a[1]);
	s.flags = a[2] & 3;
	s.rights = a[3];
	for (unsigned int i = 0; i < 4; i++)
		s.devices[i] = rng_below(&r, 3) ? ~0ULL : rng_next(&r);
	if (s.flags & AIOFFLOAD_GRANT_CLEAR && rng_below(&r, 4))
		s.rights = 0;
	if (!(s.flags & AIOFFLOAD_GRANT_DEVICES) && rng_below(&r, 8))
		memset(s.devices, 0, sizeof(s.devices));
	return CALL(w, a, GRANT, s, a[5]);
}

long op_rights(struct world *w, const uint64_t *a)
{
	struct aioffload_rights s = STRUCT(rights);
	char path[128];

	s.flags = a[2] & 3;
	s.cgroup_fd = s.flags & AIOFFLOAD_RIGHTS_OF ? cgroup_fd(w, a[1]) : -1;
	s.index = s.flags & AIOFFLOAD_RIGHTS_LIST ? a[3] & 3 : 0;
	if (a[2] & 4) {
		s.path = (uintptr_t)path;
		s.path_len = a[3] & 8 ? 5 : sizeof(path);
	}
	return CALL(w, a, RIGHTS, s, a[4]);
}

long op_limit(struct world *w, const uint64_t *a)
{
	struct aioffload_limit s = STRUCT(limit);

	s.cgroup_fd = cgroup_fd(w, a[1]);
	s.resource = a[2] % 6;
	s.limit = a[3];
	if (s.resource == AIOFFLOAD_RES_TIME)
		s.period_ns = a[4] < 1000000 ? 1000000 : a[4];
	return CALL(w, a, LIMIT, s, a[5]);
}

long op_usage(struct world *w, const uint64_t *a)
{
	struct aioffload_usage s = STRUCT(usage);

	s.cgroup_fd = a[2] & 8 ? -1 : cgroup_fd(w, a[1]);
	s.resource = a[2] % 6;
	return CALL(w, a, USAGE, s, a[3]);
}

long op_weight(struct world *w, const uint64_t *a)
{
	struct aioffload_weight s = STRUCT(weight);

	s.cgroup_fd = a[2] & 8 ? -1 : cgroup_fd(w, a[1]);
	s.flags = a[2] & 3;
	s.weight = a[3] % 12000;
	s.cpu_weight = a[3] / 3 % 12000;
	return CALL(w, a, WEIGHT, s, a[4]);
}

long op_sched(struct world *w, const uint64_t *a)
{
	struct aioffload_sched s = STRUCT(sched);
	struct stat st = { 0 };
	char path[128];

	s.device = a[1];
	/* That of a cgroup, the next one's, or whatever */
	if (!fstat(cgroup_fd(w, a[2]), &st))
		s.cgroup_id = st.st_ino + (a[3] & 1);
	if (a[3] & 2)
		s.cgroup_id = a[2];
	if (a[3] & 4) {
		s.path = (uintptr_t)path;
		s.path_len = a[3] & 8 ? 5 : sizeof(path);
	}
	return CALL(w, a, SCHED, s, a[4]);
}
