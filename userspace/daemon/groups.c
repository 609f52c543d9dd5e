// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rights, limits and weights of cgroups, as groups.d says. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

#define SET_GRANT	(SET_RIGHTS | SET_DEVICES)
#define DEFAULT_RIGHTS	(AIOFFLOAD_RIGHT_EXEC | AIOFFLOAD_RIGHT_LOAD)

/* The very cgroup that was meant: paths are reused, numbers are not. */
static int open_target(const struct target *t)
{
	char path[PATH_MAX + 1];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/%s", t->path);
	fd = cgroup_open(path);
	if (fd < 0)
		return fd;
	if (!fstat(fd, &st) && st.st_ino == t->id)
		return fd;
	close(fd);
	return -ENOENT;
}

static const struct target *find(const struct target *t, size_t n, uint64_t id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (t[i].id == id)
			return &t[i];
	return NULL;
}

static bool same(const struct target *a, const struct target *b)
{
	uint32_t r;

	if (a->s.set != b->s.set || a->s.rights != b->s.rights ||
	    a->s.weight != b->s.weight ||
	    a->all_devices != b->all_devices ||
	    memcmp(a->devices, b->devices, sizeof(a->devices)))
		return false;
	for (r = 0; r < AIOFFLOAD_RES_NR; r++)
		if (a->s.limit[r] != b->s.limit[r] ||
		    a->s.period[r] != b->s.period[r])
			return false;
	return true;
}

/* What nobody spoke of gets the value that it has without a grant. */
static int complete(struct aioffload_ctx *ctx, struct target *t)
{
	int ret;

	if (!(t->s.set & SET_GRANT))
		return 0;
	if (!(t->s.set & SET_RIGHTS))
		t->s.rights = DEFAULT_RIGHTS;
	t->all_devices = true;
	if (!(t->s.set & SET_DEVICES))
		return 0;
	ret = devices_resolve(ctx, t->s.devices, t->devices);
	t->all_devices = ret == 1;
	return ret < 0 ? ret : 0;
}

static int apply_weight(struct aioffload_ctx *ctx, const struct target *t,
			uint32_t old, int fd)
{
	if (t->s.set & SET_WEIGHT)
		return aioffload_weight_set(ctx, fd, t->s.weight);
	return old & SET_WEIGHT ? aioffload_weight_set(ctx, fd, 0) : 0;
}

/* Set what @t says; lift what only @old had. */
static int apply_one(struct aioffload_ctx *ctx, const struct target *t,
		     uint32_t old, int fd)
{
	uint32_t r;
	int ret = 0, err = 0;

	if (t->s.set & SET_GRANT)
		ret = aioffload_grant(ctx, fd, t->s.rights,
				      t->all_devices ? NULL : t->devices);
	else if (old & SET_GRANT)
		ret = aioffload_grant_clear(ctx, fd);
	err = apply_weight(ctx, t, old, fd);
	if (err && !ret)
		ret = err;
	for (r = 0; r < AIOFFLOAD_RES_NR; r++) {
		if (t->s.set & 1U << r)
			err = aioffload_limit(ctx, fd, r, t->s.limit[r],
					      t->s.period[r]);
		else if (old & 1U << r)
			err = aioffload_limit(ctx, fd, r, AIOFFLOAD_NO_LIMIT, 0);
		else
			err = 0;
		if (err && !ret)
			ret = err;
	}
	return ret;
}

static void apply_target(struct aioffload_ctx *ctx, struct target *t,
			 uint32_t old)
{
	int fd = open_target(t), ret;

	if (fd < 0)
		return;		/* gone again: nothing to do */
	ret = apply_one(ctx, t, old, fd);
	close(fd);
	if (ret && ret != -ENODEV && ret != -ENOENT)
		log_err("%s:%d: cgroup /%s: %s", t->from->file, t->from->line,
			t->path, aioffload_last_error());
}

/* Nobody speaks of this cgroup any more: no grant, no limits. */
static void take_back(struct aioffload_ctx *ctx, const struct target *old)
{
	struct target none = { .path = old->path };
	int fd = open_target(old), ret;

	if (fd < 0)
		return;
	ret = apply_one(ctx, &none, old->s.set, fd);
	close(fd);
	if (ret && ret != -ENOENT)
		log_err("cgroup /%s: its rights and limits can't be taken back: %s",
			old->path, aioffload_last_error());
	else
		log_info("cgroup /%s: rights and limits taken back", old->path);
}

/* Move an entry that nobody may touch now to the new list. */
static int keep(struct targets *out, struct target *old)
{
	struct target *t = reallocarray(out->t, out->n + 1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	out->t = t;
	t[out->n++] = *old;
	old->path = NULL;
	return 0;
}

void groups_apply(struct aioffload_ctx *ctx, const struct config *c,
		  struct applied *a, bool all, void (*watch)(int dir_fd))
{
	struct targets now;
	const struct target *old;
	bool whole = !c->groups_bad;
	size_t i, fresh;

	if (match_rules(c, &now, watch))
		whole = false;
	for (i = 0; i < now.n; i++) {
		old = find(a->t, a->n, now.t[i].id);
		if (complete(ctx, &now.t[i]))
			log_err("cgroup /%s: devices: %s", now.t[i].path,
				aioffload_last_error());
		else if (all || a->unknown || !old || !same(old, &now.t[i]))
			apply_target(ctx, &now.t[i], old ? old->s.set : 0);
	}
	fresh = now.n;
	for (i = 0; i < a->n; i++) {
		if (find(now.t, fresh, a->t[i].id))
			continue;
		/* what a file said that can't be read now goes on to hold */
		if (whole)
			take_back(ctx, &a->t[i]);
		else if (keep(&now, &a->t[i]))
			log_err("out of memory");
	}
	targets_free(&(struct targets){ a->t, a->n });
	a->t = now.t;
	a->n = now.n;
	a->unknown = false;
}
