// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * aioffload sched: how devices are shared out.
 *
 * The kernel tells of each cgroup what its own jobs had; here those below it are
 * added. Numbers of cgroups grow, so a parent's is less than its children's, and
 * the kernel lists them in that order.
 */
#include <aioffload.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

#define NR_QOS	AIOFFLOAD_NR_QOS

/* A cgroup on a device; @sum and @classes with all below it. */
struct group {
	struct aioffload_sched s;
	char *path;
	struct aioffload_sched_class sum;
	struct aioffload_sched_class classes[NR_QOS];
};

struct view {
	struct aioffload_device_info dev;
	struct group *g;	/* by number */
	size_t n;
};

/* All devices, or the one that was asked for. */
struct views {
	struct view *v;
	size_t n;
};

static void view_free(struct view *v)
{
	while (v->n)
		free(v->g[--v->n].path);
	free(v->g);
}

static void views_free(struct views *all)
{
	while (all->n)
		view_free(&all->v[--all->n]);
	free(all->v);
}

/* ---- reading ------------------------------------------------------------ */

static int add_group(struct view *v, const struct aioffload_sched *s,
		     const char *path)
{
	struct group *g = reallocarray(v->g, v->n + 1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	v->g = g;
	g += v->n;
	memset(g, 0, sizeof(*g));
	g->s = *s;
	g->path = strdup(path);
	if (!g->path)
		return -ENOMEM;
	v->n++;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	uint64_t x = ((const struct group *)a)->s.cgroup_id;
	uint64_t y = ((const struct group *)b)->s.cgroup_id;

	return x < y ? -1 : x > y;
}

static struct group *find(const struct view *v, uint64_t id)
{
	struct group key = { .s.cgroup_id = id };

	return v->n ? bsearch(&key, v->g, v->n, sizeof(key), by_id) : NULL;
}

static void add(struct aioffload_sched_class *to,
		const struct aioffload_sched_class *c)
{
	to->served_ns += c->served_ns;
	to->done += c->done;
	to->missed += c->missed;
	to->waited_ns += c->waited_ns;
	to->waiting += c->waiting;
	to->running += c->running;
	if (to->late_max_ns < c->late_max_ns)
		to->late_max_ns = c->late_max_ns;
	if (to->wait_max_ns < c->wait_max_ns)
		to->wait_max_ns = c->wait_max_ns;
}

/* Children first: what each has goes up. */
static void sum_up(struct view *v)
{
	struct group *g, *parent;
	size_t i, q;

	for (i = v->n; i--;) {
		g = &v->g[i];
		parent = find(v, g->s.parent_id);
		for (q = 0; q < NR_QOS; q++) {
			add(&g->classes[q], &g->s.classes[q]);
			add(&g->sum, &g->classes[q]);
			if (parent && parent < g)
				add(&parent->classes[q], &g->classes[q]);
		}
	}
}

static int read_view(struct aioffload_ctx *ctx, struct view *v)
{
	struct aioffload_sched s;
	char path[PATH_MAX];
	uint64_t from = 0;
	int ret;

	while (!(ret = aioffload_sched_get(ctx, v->dev.id, from, &s, path,
					   sizeof(path)))) {
		if (s.cgroup_id < from || s.cgroup_id == UINT64_MAX)
			break;		/* a kernel that goes backwards */
		ret = add_group(v, &s, path);
		if (ret)
			return ret;
		from = s.cgroup_id + 1;
	}
	/* It may have gone since it was listed: nobody shares it. */
	if (ret && ret != -ENOENT && ret != -ENODEV)
		return ret;
	sum_up(v);
	return 0;
}

/* @device: its number, or AIOFFLOAD_DEVICE_ANY for all. */
static int read_views(struct aioffload_ctx *ctx, uint32_t device,
		      struct views *all)
{
	bool any = device == AIOFFLOAD_DEVICE_ANY;
	struct aioffload_device_info dev;
	uint32_t from = any ? 0 : device;
	struct view *v;
	int ret;

	memset(all, 0, sizeof(*all));
	while (!(ret = aioffload_get_device(ctx, from, &dev))) {
		if (dev.id < from || (!any && dev.id != device))
			break;
		v = reallocarray(all->v, all->n + 1, sizeof(*v));
		if (!v)
			return -ENOMEM;
		all->v = v;
		v += all->n++;
		*v = (struct view){ .dev = dev };
		ret = read_view(ctx, v);
		if (ret)
			return ret;
		from = dev.id + 1;
		if (!any)
			return 0;
	}
	if (ret && ret != -ENOENT)
		return ret;
	return any ? 0 : -ENODEV;
}

/* ---- what happened between two looks ------------------------------------ */

static void subtract(struct aioffload_sched_class *from,
		     const struct aioffload_sched_class *old)
{
	from->served_ns -= old->served_ns;
	from->done -= old->done;
	from->missed -= old->missed;
	from->waited_ns -= old->waited_ns;
}

static void subtract_view(struct view *now, const struct view *before)
{
	const struct group *old;
	struct group *g;
	size_t i, q;

	for (i = 0; i < now->n; i++) {
		g = &now->g[i];
		old = find(before, g->s.cgroup_id);
		if (before->n)
			g->s.total_ns -= before->g[0].s.total_ns;
		/* one that left meanwhile and came again counts anew */
		if (!old || old->sum.done > g->sum.done)
			continue;
		subtract(&g->sum, &old->sum);
		for (q = 0; q < NR_QOS; q++)
			subtract(&g->classes[q], &old->classes[q]);
	}
}

static void subtract_views(struct views *now, const struct views *before)
{
	size_t i, j;

	for (i = 0; i < now->n; i++)
		for (j = 0; j < before->n; j++)
			if (now->v[i].dev.id == before->v[j].dev.id)
				subtract_view(&now->v[i], &before->v[j]);
}

/* ---- as a table --------------------------------------------------------- */

/* Those below a cgroup come right after it: '/' is the first of all letters. */
static int by_path(const void *a, const void *b)
{
	const char *x = ((const struct group *)a)->path;
	const char *y = ((const struct group *)b)->path;
	int p, q;

	while (*x && *x == *y)
		x++, y++;
	p = *x == '/' ? 1 : *x ? 1 + (unsigned char)*x : 0;
	q = *y == '/' ? 1 : *y ? 1 + (unsigned char)*y : 0;
	return p - q;
}

static double share(const struct group *g,
		    const struct aioffload_sched_class *c)
{
	return g->s.total_ns ? (double)c->served_ns / (double)g->s.total_ns : 0;
}

static const char *signed_ns(int64_t ns, char buf[CLI_NUM_LEN + 1])
{
	buf[0] = '-';
	if (ns < 0)
		text_ns(-(double)ns, buf + 1);
	else
		text_ns((double)ns, buf);
	return buf;
}

static void print_counts(const struct group *g,
			 const struct aioffload_sched_class *c, const char *name)
{
	char served[CLI_NUM_LEN];

	printf(" %6.2f%% %10s %8u %8u %10" PRIu64 " %8" PRIu64 "  %s\n",
	       100 * share(g, c), text_ns((double)c->served_ns, served),
	       c->waiting, c->running, (uint64_t)c->done, (uint64_t)c->missed,
	       name);
}

static void print_group(const struct group *g, bool classes)
{
	char weight[16] = "-", lag[CLI_NUM_LEN + 1] = "-", clean[1024];
	char name[sizeof(clean) + 32];
	uint32_t q;

	if (g->s.effective && !g->s.host) {
		snprintf(weight, sizeof(weight), "%u", g->s.effective);
		signed_ns(g->s.lag_ns, lag);
	}
	printf("%6s %10s", weight, lag);
	print_counts(g, &g->sum, text_clean(g->path, clean, sizeof(clean)));
	for (q = 0; classes && q < NR_QOS; q++) {
		const struct aioffload_sched_class *c = &g->classes[q];

		if (!c->done && !c->served_ns && !c->waiting && !c->running)
			continue;
		snprintf(name, sizeof(name), "  (%s)", aioffload_qos_name(q));
		printf("%6s %10s", "", "");
		print_counts(g, c, name);
	}
}

static void print_view(struct view *v, bool classes)
{
	char name[3 * AIOFFLOAD_NAME_LEN];
	size_t i;

	printf("%s, %s%s\n", text_clean(v->dev.name, name, sizeof(name)),
	       aioffload_class_name(v->dev.dev_class),
	       !v->n ? ": nobody that can be seen here shares it" :
	       v->g[0].s.host ? ": divided by the host's own scheduler" : "");
	if (!v->n)
		return;
	printf("%6s %10s %7s %10s %8s %8s %10s %8s  %s\n", "WEIGHT", "LAG",
	       "SHARE", "SERVED", "WAITING", "RUNNING", "DONE", "MISSED",
	       "CGROUP");
	qsort(v->g, v->n, sizeof(*v->g), by_path);
	for (i = 0; i < v->n; i++)
		print_group(&v->g[i], classes);
}

/* ---- as JSON ------------------------------------------------------------ */

static struct json_object *class_json(const struct group *g,
				      const struct aioffload_sched_class *c)
{
	struct json_object *o = json_object_new_object();

	json_dbl(o, "share", share(g, c));
	json_u64(o, "served_ns", c->served_ns);
	json_u64(o, "waiting", c->waiting);
	json_u64(o, "running", c->running);
	json_u64(o, "done", c->done);
	json_u64(o, "missed", c->missed);
	json_u64(o, "late_max_ns", c->late_max_ns);
	json_u64(o, "waited_ns", c->waited_ns);
	json_u64(o, "wait_max_ns", c->wait_max_ns);
	return o;
}

static struct json_object *group_json(const struct group *g)
{
	struct json_object *o = class_json(g, &g->sum), *classes;
	uint32_t q;

	json_str(o, "cgroup", g->path);
	json_u64(o, "cgroup_id", g->s.cgroup_id);
	if (g->s.parent_id)
		json_u64(o, "parent_id", g->s.parent_id);
	if (g->s.effective)
		json_u64(o, "weight", g->s.effective);
	if (g->s.weight)
		json_u64(o, "weight_set", g->s.weight);
	if (g->s.cpu_weight)
		json_u64(o, "cpu_weight", g->s.cpu_weight);
	json_u64(o, "contexts", g->s.contexts);
	json_u64(o, "queues", g->s.queues);
	json_object_object_add(o, "lag_ns", json_object_new_int64(g->s.lag_ns));
	json_object_object_add(o, "lag_background_ns",
			       json_object_new_int64(g->s.lag_background_ns));
	classes = json_object_new_object();
	for (q = 0; q < NR_QOS; q++)
		json_object_object_add(classes, aioffload_qos_name(q),
				       class_json(g, &g->classes[q]));
	json_object_object_add(o, "classes", classes);
	return o;
}

static struct json_object *view_json(const struct view *v)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	size_t i;

	json_u64(o, "id", v->dev.id);
	json_str(o, "name", v->dev.name);
	json_str(o, "class", aioffload_class_name(v->dev.dev_class));
	if (v->n) {
		json_object_object_add(o, "host",
				       json_object_new_boolean(!!v->g[0].s.host));
		json_u64(o, "total_ns", v->g[0].s.total_ns);
	}
	for (i = 0; i < v->n; i++)
		json_object_array_add(list, group_json(&v->g[i]));
	json_object_object_add(o, "groups", list);
	return o;
}

/* ---- the command -------------------------------------------------------- */

struct sched_args {
	uint32_t device;
	uint64_t interval;	/* s */
	bool classes, json;
};

static const struct argp_option options[] = {
	{ "classes", 'c', NULL, 0, "Classes of jobs, too", 0 },
	{ "device", 'd', "DEVICE", 0, "This one only", 0 },
	{ "interval", 'i', "SECONDS", 0,
	  "Look twice, and tell what happened in between", 0 },
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct sched_args *args = state->input;

	switch (key) {
	case 'c':
		args->classes = true;
		return 0;
	case 'd':
		args->device = cli_device(state, arg);
		return 0;
	case 'i':
		args->interval = cli_number(state, "--interval", arg, 1, 86400);
		return 0;
	case 'j':
		args->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "How devices are shared out: by cgroup weight, share, lag, and "
	       "what its jobs had.\vOne's own cgroup and those below it; the "
	       "administrator sees all. 'aioffload limit --weight' changes shares.",
};

static int look(struct aioffload_ctx *ctx, const struct sched_args *args,
		struct views *all)
{
	struct timespec t = { .tv_sec = (time_t)args->interval };
	struct views before = { 0 };
	int ret = 0;

	if (args->interval) {
		ret = read_views(ctx, args->device, &before);
		if (!ret)
			nanosleep(&t, NULL);
	}
	if (!ret)
		ret = read_views(ctx, args->device, all);
	if (!ret && args->interval)
		subtract_views(all, &before);
	views_free(&before);
	return ret;
}

int cmd_sched(int argc, char **argv)
{
	struct sched_args args = { .device = AIOFFLOAD_DEVICE_ANY };
	struct json_object *top, *list;
	struct views all = { 0 };
	struct aioffload_ctx *ctx;
	int ret;
	size_t i;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	ret = aioffload_open(AIOFFLOAD_DEVICE_ANY, &ctx);
	if (ret)
		return cli_lib_error(ret);
	ret = look(ctx, &args, &all);
	aioffload_close(ctx);
	if (ret == -ENODEV)
		ret = cli_error(CLI_SETUP, "there is no device %u", args.device);
	else if (ret)
		ret = cli_lib_error(ret);
	if (!ret && args.json) {
		top = json_object_new_object();
		list = json_object_new_array();
		json_object_object_add(top, "devices", list);
		for (i = 0; i < all.n; i++)
			json_object_array_add(list, view_json(&all.v[i]));
		ret = json_print(top);
	}
	for (i = 0; !ret && !args.json && i < all.n; i++)
		print_view(&all.v[i], args.classes);
	views_free(&all);
	return ret;
}
