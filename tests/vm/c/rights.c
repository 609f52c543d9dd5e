// SPDX-License-Identifier: LGPL-2.1-or-later
/* The calls about rights, quotas and shares; each returns as ioctl() does. */
#include <sys/stat.h>
#include "vmtest.h"

uint64_t *only_device(int id)
{
	static uint64_t devices[AIOFFLOAD_MAX_DEVICES / 64];

	memset(devices, 0, sizeof(devices));
	devices[id / 64] = 1ULL << id % 64;
	return devices;
}

int grant_devices(int ctx, int cg, unsigned int rights, const uint64_t *devices)
{
	struct aioffload_grant g = ARG(grant);

	g.cgroup_fd = cg;
	g.rights = rights;
	if (devices) {
		g.flags = AIOFFLOAD_GRANT_DEVICES;
		memcpy(g.devices, devices, sizeof(g.devices));
	}
	return ioctl(ctx, AIOFFLOAD_IOC_GRANT, &g);
}

int grant(int ctx, int cg, unsigned int rights)
{
	return grant_devices(ctx, cg, rights, NULL);
}

int grant_clear(int ctx, int cg)
{
	struct aioffload_grant g = ARG(grant);

	g.cgroup_fd = cg;
	g.flags = AIOFFLOAD_GRANT_CLEAR;
	return ioctl(ctx, AIOFFLOAD_IOC_GRANT, &g);
}

int get_rights(int ctx, int cg, struct aioffload_rights *r)
{
	*r = ARG(rights);
	r->cgroup_fd = cg;
	r->flags = cg < 0 ? 0 : AIOFFLOAD_RIGHTS_OF;
	return ioctl(ctx, AIOFFLOAD_IOC_RIGHTS, r);
}

int set_limit(int ctx, int cg, unsigned int resource, uint64_t limit,
	      uint64_t period_ns)
{
	struct aioffload_limit l = ARG(limit);

	l.cgroup_fd = cg;
	l.resource = resource;
	l.limit = limit;
	l.period_ns = period_ns;
	return ioctl(ctx, AIOFFLOAD_IOC_LIMIT, &l);
}

int get_usage(int ctx, int cg, unsigned int resource, struct aioffload_usage *u)
{
	*u = ARG(usage);
	u->cgroup_fd = cg;
	u->resource = resource;
	return ioctl(ctx, AIOFFLOAD_IOC_USAGE, u);
}

uint64_t used(int ctx, int cg, unsigned int resource)
{
	struct aioffload_usage u;

	MUST(get_usage(ctx, cg, resource, &u));
	return u.used;
}

int set_weight(int ctx, int cg, unsigned int weight)
{
	struct aioffload_weight w = ARG(weight);

	w.flags = AIOFFLOAD_WEIGHT_SET;
	w.cgroup_fd = cg;
	w.weight = weight;
	return ioctl(ctx, AIOFFLOAD_IOC_WEIGHT, &w);
}

int get_sched(int ctx, int device, uint64_t from, struct aioffload_sched *s)
{
	*s = ARG(sched);
	s->device = device;
	s->cgroup_id = from;
	return ioctl(ctx, AIOFFLOAD_IOC_SCHED, s);
}

uint64_t cg_id(int cg)
{
	struct stat st;

	MUST(fstat(cg, &st));
	return st.st_ino;
}
