// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The scenario language: a line for a thing, key=value after it, # starts a
 * comment. docs/scheduling.md describes it.
 *
 *	set time=10s seed=1
 *	device gpu count=2 tile=100us active=30W idle=5W
 *	group a weight=100
 *	group b weight=200 parent=a
 *	queue q group=b class=interactive load=poisson:2ms len=exp:1ms
 *	at 3s kill gpu0
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>

#include "sim.h"

#define MAX_WORDS 32

struct parser {
	struct world *w;
	char *err;
	size_t err_len;
	unsigned int line;
	char *word[MAX_WORDS];
	char *value[MAX_WORDS];		/* behind the =, or NULL */
	unsigned int n;
	bool used[MAX_WORDS];
	bool bad;
};

static void complain(struct parser *p, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (p->bad)
		return;
	p->bad = true;
	n = (size_t)snprintf(p->err, p->err_len, "line %u: ", p->line);
	va_start(ap, fmt);
	if (n < p->err_len)
		vsnprintf(p->err + n, p->err_len - n, fmt, ap);
	va_end(ap);
}

/* ---- values ---- */

static double number(struct parser *p, const char *s, const char **end)
{
	char *e;
	double v = strtod(s, &e);

	if (e == s || !(v >= 0) || v > 1e18)
		complain(p, "'%s' is not a number", s);
	*end = e;
	return v;
}

/* A number with a unit out of a list; the first one needs not be named. */
struct unit {
	const char *name;
	double factor;
};

static double with_unit(struct parser *p, const char *s, const struct unit *u,
			const char **end)
{
	const char *e;
	double v = number(p, s, &e);
	size_t len = strcspn(e, ":");
	const struct unit *first = u;

	for (; u->name; u++) {
		if (strlen(u->name) == len && !strncmp(e, u->name, len)) {
			*end = e + len;
			return v * u->factor;
		}
	}
	if (len)
		complain(p, "'%s': unknown unit", s);
	*end = e;
	return v * first->factor;
}

static const struct unit time_units[] = {
	{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "min", 6e10 },
	{ "h", 3.6e12 }, { NULL, 0 },
};

static const struct unit power_units[] = {
	{ "mW", 1 }, { "W", 1e3 }, { NULL, 0 },
};

static const struct unit ratio_units[] = {
	{ "", 1 }, { "%", 0.01 }, { NULL, 0 },
};

static double whole(struct parser *p, const char *s, const struct unit *u)
{
	const char *end;
	double v = with_unit(p, s, u, &end);

	if (*end)
		complain(p, "'%s': unexpected '%s'", s, end);
	return v;
}

static u64 time_value(struct parser *p, const char *s)
{
	double v = whole(p, s, time_units);

	return v > 9e18 ? (u64)9e18 : (u64)v;
}

/* The value of @key, or NULL; a key that nobody asks for is an error later. */
static const char *get(struct parser *p, const char *key)
{
	unsigned int i;

	for (i = 1; i < p->n; i++) {
		if (p->value[i] && !strcmp(p->word[i], key)) {
			p->used[i] = true;
			return p->value[i];
		}
	}
	return NULL;
}

static u64 get_time(struct parser *p, const char *key, u64 def)
{
	const char *s = get(p, key);

	return s ? time_value(p, s) : def;
}

static double get_ratio(struct parser *p, const char *key, double def)
{
	const char *s = get(p, key);

	return s ? whole(p, s, ratio_units) : def;
}

static u32 get_count(struct parser *p, const char *key, u32 def, u32 min, u32 max)
{
	double v = get_ratio(p, key, def);

	if (v < min || v > max || v != (u32)v)
		complain(p, "%s= must be from %u to %u", key, min, max);
	return (u32)v;
}

static u64 get_power(struct parser *p, const char *key)
{
	const char *s = get(p, key);

	return s ? (u64)whole(p, s, power_units) : 0;
}

static u32 get_word(struct parser *p, const char *key, const char *const *list,
		    u32 n, u32 def)
{
	const char *s = get(p, key);
	u32 i;

	if (!s)
		return def;
	for (i = 0; i < n; i++)
		if (list[i] && !strncmp(s, list[i], strcspn(s, ":")) &&
		    strlen(list[i]) == strcspn(s, ":"))
			return i;
	complain(p, "%s=%s: unknown", key, s);
	return def;
}

/* kind:a:b:c; what is missing is 0 */
static u32 get_spec(struct parser *p, const char *key, const char *const *list,
		    u32 n, u64 v[3])
{
	u32 kind = get_word(p, key, list, n, n), i;
	const char *s = get(p, key), *end;

	v[0] = v[1] = v[2] = 0;
	if (!s) {
		complain(p, "%s= is missing", key);
		return 0;
	}
	s += strcspn(s, ":");
	for (i = 0; i < 3 && *s == ':' && !p->bad; i++, s = end)
		v[i] = (u64)with_unit(p, s + 1, time_units, &end);
	if (*s)
		complain(p, "%s=: unexpected '%s'", key, s);
	return p->bad ? 0 : kind;
}

/* ---- finding things ---- */

const char *const dist_names[DIST_N] = { "const", "uniform", "exp", "two", "pareto" };

static void set_name(struct parser *p, char *to, const char *base, u32 i, u32 count)
{
	int n = count > 1 ? snprintf(to, SIM_NAME, "%.16s%u", base, i) :
			    snprintf(to, SIM_NAME, "%s", base);

	if (n >= SIM_NAME || (count > 1 && strlen(base) > 16))
		complain(p, "'%s': too long", base);
}

/* "any", a name, or a beginning with * behind it */
static bool matches(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	if (!strcmp(pattern, "any"))
		return true;
	if (n && pattern[n - 1] == '*')
		return !strncmp(pattern, name, n - 1);
	return !strcmp(pattern, name);
}

static struct group *find_group(struct parser *p, const char *name)
{
	u32 i;

	for (i = 0; i < p->w->n_groups; i++)
		if (!strcmp(p->w->groups[i]->name, name))
			return p->w->groups[i];
	complain(p, "no group '%s'", name);
	return NULL;
}

static void *grow(struct parser *p, void *array, u32 n)
{
	void **v = array;

	if (n & (n - 1))
		return v;
	v = realloc(array, (n ? 2 * n : 1) * sizeof(*v));
	if (!v)
		abort();
	return v;
}

/* ---- lines ---- */

static void parse_set(struct parser *p)
{
	struct world *w = p->w;
	const char *s;

	w->end = get_time(p, "time", w->end);
	w->warm = get_time(p, "warm", w->warm);
	w->watch = get_time(p, "watch", w->watch);
	w->sample = get_time(p, "sample", w->sample);
	w->seed = get_count(p, "seed", (u32)w->seed, 0, UINT32_MAX);
	w->drain = get_count(p, "drain", w->drain, 0, 1);
	w->fluid_off = !get_count(p, "fluid", !w->fluid_off, 0, 1);
	w->window_off = !get_count(p, "window", !w->window_off, 0, 1);
	w->arb_params.floor_ppm = (u32)(1e6 * get_ratio(p, "floor",
					w->arb_params.floor_ppm / 1e6) + 0.5);
	w->arb_params.limit_ppm = (u32)(1e6 * get_ratio(p, "limit",
					w->arb_params.limit_ppm / 1e6) + 0.5);
	w->arb_params.slice_ns[ARB_NORMAL] =
		get_time(p, "slice", w->arb_params.slice_ns[ARB_NORMAL]);
	w->arb_params.slice_ns[ARB_INTERACTIVE] =
		get_time(p, "slice_interactive", w->arb_params.slice_ns[ARB_INTERACTIVE]);
	w->arb_params.slice_ns[ARB_BACKGROUND] =
		get_time(p, "slice_background", w->arb_params.slice_ns[ARB_BACKGROUND]);
	s = get(p, "policy");
	if (s)
		w->policy = policy_find(s);
	if (!w->policy)
		complain(p, "no policy '%s'", s);
	s = get(p, "placer");
	if (s)
		w->placer = placer_find(s);
	if (!w->placer)
		complain(p, "no placer '%s'", s);
}

static void parse_device(struct parser *p)
{
	static const char *const keys[SIM_MODELS] = { "m0", "m1", "m2", "m3" };
	struct world *w = p->w;
	u32 count = get_count(p, "count", 1, 1, 100000), i, m;

	for (i = 0; i < count && !p->bad; i++) {
		struct device *d = world_alloc(w, sizeof(*d));

		w->devices = grow(p, w->devices, w->n_devices);
		d->index = w->n_devices;
		w->devices[w->n_devices++] = d;
		d->w = w;
		set_name(p, d->name, p->word[1], i, count);
		d->speed = get_ratio(p, "speed", 1);
		d->full_speed = d->speed;
		d->told_speed = get_count(p, "told", 1, 0, 1);
		for (m = 0; m < SIM_MODELS; m++)
			d->model_speed[m] = get_ratio(p, keys[m], 1);
		d->parallel = get_count(p, "parallel", 1, 1, 1024);
		d->depth = get_count(p, "depth", d->parallel, d->parallel, 65536);
		d->tile = get_time(p, "tile", 0);
		d->fixed = get_time(p, "fixed", 0);
		d->active_mw = get_power(p, "active");
		d->idle_mw = get_power(p, "idle");
		if (d->speed <= 0 || d->active_mw < d->idle_mw)
			complain(p, "speed is 0, or idling costs more than working");
		if (d->tile && d->depth > d->parallel)
			complain(p, "a device that can be preempted has no window");
	}
}

static void parse_group(struct parser *p)
{
	struct world *w = p->w;
	u32 count = get_count(p, "count", 1, 1, 100000), i;
	const char *parent = get(p, "parent");
	struct group *above = parent ? find_group(p, parent) : NULL;
	u32 weight = get_count(p, "weight", 100, 1, 10000);

	for (i = 0; i < count && !p->bad; i++) {
		struct group *g = world_alloc(w, sizeof(*g));

		w->groups = grow(p, w->groups, w->n_groups);
		g->index = w->n_groups;
		w->groups[w->n_groups++] = g;
		set_name(p, g->name, p->word[1], i, count);
		g->parent = above;
		g->weight = weight;
	}
}

static void parse_load(struct parser *p, struct qspec *sp)
{
	u64 v[3];

	sp->load.kind = get_spec(p, "load", load_names, LOAD_N, v);
	sp->load.a = v[0];
	sp->load.b = v[1];
	sp->load.c = v[2];
	if (!v[0] && sp->load.kind != LOAD_TRACE)
		complain(p, "load=: needs a number that is not 0");
	if ((sp->load.kind == LOAD_BURSTY && (!v[1] || !v[2])) ||
	    ((sp->load.kind == LOAD_DIURNAL || sp->load.kind == LOAD_FLOOD) && !v[1]))
		complain(p, "load=: needs more numbers");
	if (sp->load.kind == LOAD_TRACE && !get(p, "len"))
		return;
	sp->len.kind = get_spec(p, "len", dist_names, DIST_N, v);
	sp->len.a = v[0];
	sp->len.b = v[1];
	sp->len.c = v[2];
	if (!v[0] || (sp->len.kind == DIST_TWO && (!v[1] || !v[2])) ||
	    ((sp->len.kind == DIST_UNIFORM || sp->len.kind == DIST_PARETO) && v[1] <= v[0]))
		complain(p, "len=: numbers are missing, 0 or the wrong way round");
}

static void bind_devices(struct parser *p, struct qspec *sp, const char *pattern)
{
	struct world *w = p->w;
	u32 i, n = 0;

	for (i = 0; i < w->n_devices; i++)
		n += matches(pattern, w->devices[i]->name);
	if (!n) {
		complain(p, "no device '%s'", pattern);
		return;
	}
	sp->devices = world_alloc(w, n * sizeof(struct device *));
	for (i = 0; i < w->n_devices; i++)
		if (matches(pattern, w->devices[i]->name))
			sp->devices[sp->n_devices++] = w->devices[i];
}

/* Queues of a line go to the groups that its pattern matches, by turns. */
static void make_queues(struct parser *p, struct qspec *sp, const char *pattern)
{
	struct world *w = p->w;
	struct group **match = world_alloc(w, (w->n_groups + 1) * sizeof(*match));
	u32 n = 0, i;

	for (i = 0; i < w->n_groups; i++)
		if (matches(pattern, w->groups[i]->name))
			match[n++] = w->groups[i];
	if (!n) {
		complain(p, "no group '%s'", pattern);
		return;
	}
	sp->queues = world_alloc(w, sp->count * sizeof(*sp->queues));
	for (i = 0; i < sp->count; i++) {
		struct queue *q = &sp->queues[i];

		q->w = w;
		q->spec = sp;
		q->index = i;
		/* with a device by turns as well, not always the same pairs */
		q->group = match[(sp->spread ? i / sp->n_devices : i) % n];
		q->streams = world_alloc(w, queue_streams(q) * sizeof(*q->streams));
		q->id = w->n_queues++;
	}
}

static void parse_queue(struct parser *p)
{
	struct world *w = p->w;
	struct qspec *sp = world_alloc(w, sizeof(*sp));
	const char *group = get(p, "group"), *device = get(p, "device");

	w->specs = grow(p, w->specs, w->n_specs);
	w->specs[w->n_specs++] = sp;
	set_name(p, sp->name, p->word[1], 0, 1);
	sp->count = get_count(p, "count", 1, 1, 10000000);
	sp->qos = get_word(p, "class", qos_names, QOS_N, ARB_NORMAL);
	sp->hint = get_word(p, "hint", hint_names, HINT_N, PLACE_LATENCY);
	parse_load(p, sp);
	sp->unit = get_time(p, "unit", 0);
	sp->jitter = get_ratio(p, "jitter", 0);
	sp->est = get_ratio(p, "est", 1);
	sp->deadline = get_time(p, "deadline", 0);
	sp->runtime = get_time(p, "runtime", 0);
	sp->period = get_time(p, "period", 0);
	sp->from = get_time(p, "from", 0);
	sp->to = get_time(p, "to", SIM_NEVER);
	sp->jobs = get_count(p, "jobs", 0, 0, UINT32_MAX);
	sp->spread = get_count(p, "spread", 0, 0, 1);
	sp->model = get_count(p, "model", 0, 0, SIM_MODELS - 1);
	if (sp->jitter >= 1)
		complain(p, "jitter= must be below 1");
	if (sp->qos == ARB_REALTIME && (!sp->runtime || !sp->period))
		complain(p, "realtime needs runtime= and period=");
	bind_devices(p, sp, device ? device : "any");
	if (sp->qos == ARB_REALTIME && sp->n_devices > 1 && !sp->spread)
		complain(p, "realtime is promised by one device: device=, or spread=1");
	if (!p->bad)
		make_queues(p, sp, group ? group : "any");
}

static struct device *find_device(struct parser *p, const char *name)
{
	u32 i;

	for (i = 0; i < p->w->n_devices; i++)
		if (!strcmp(p->w->devices[i]->name, name))
			return p->w->devices[i];
	complain(p, "no device '%s'", name);
	return NULL;
}

/* at TIME kill|stall|return DEVICE; at TIME speed DEVICE X; at TIME weight GROUP N */
static void parse_at(struct parser *p)
{
	static const char *const kinds[] = { "kill", "stall", "return", "speed", "weight" };
	struct world *w = p->w;
	struct action *a = world_alloc(w, sizeof(*a));
	unsigned int i;

	for (i = 0; i < 5; i++)
		if (p->n > 3 && !strcmp(p->word[2], kinds[i]))
			break;
	if (i == 5 || p->n != (i < ACT_SPEED ? 4U : 5U)) {
		complain(p, "at TIME kill|stall|return DEVICE, speed DEVICE X, weight GROUP N");
		return;
	}
	a->kind = i;
	a->at = time_value(p, p->word[1]);
	if (i == ACT_WEIGHT)
		a->group = find_group(p, p->word[3]);
	else
		a->dev = find_device(p, p->word[3]);
	if (p->n == 5)
		a->value = whole(p, p->word[4], ratio_units);
	if ((i == ACT_SPEED && a->value <= 0) ||
	    (i == ACT_WEIGHT && (a->value < 1 || a->value > 10000)))
		complain(p, "'%s' is out of range", p->word[4]);
	w->actions = grow(p, w->actions, w->n_actions);
	w->actions[w->n_actions++] = a;
}

static void split(struct parser *p, char *line)
{
	char *save = NULL, *s;

	line[strcspn(line, "#")] = 0;
	memset(p->used, 0, sizeof(p->used));
	p->n = 0;
	for (s = strtok_r(line, " \t\r", &save); s; s = strtok_r(NULL, " \t\r", &save)) {
		if (p->n == MAX_WORDS) {
			complain(p, "too many words");
			return;
		}
		p->value[p->n] = strchr(s, '=');
		if (p->value[p->n])
			*p->value[p->n]++ = 0;
		p->word[p->n++] = s;
	}
}

static void parse_line(struct parser *p)
{
	const char *kind = p->word[0];
	unsigned int i, first = 2;

	if (!strcmp(kind, "set")) {
		first = 1;
		parse_set(p);
	} else if (!strcmp(kind, "at")) {
		first = p->n;
		parse_at(p);
	} else if (p->n < 2 || p->value[1]) {
		complain(p, "'%s' needs a name", kind);
	} else if (!strcmp(kind, "device")) {
		parse_device(p);
	} else if (!strcmp(kind, "group")) {
		parse_group(p);
	} else if (!strcmp(kind, "queue")) {
		parse_queue(p);
	} else {
		complain(p, "'%s': unknown", kind);
	}
	for (i = first; i < p->n; i++)
		if (!p->used[i])
			complain(p, "'%s': not here", p->word[i]);
}

int scenario_parse(struct world *w, const char *text, char *err, size_t len)
{
	struct parser p = { .w = w, .err = err, .err_len = len };
	char *copy = strdup(text), *line, *next = copy;

	if (!copy)
		abort();
	err[0] = 0;
	while (next && !p.bad) {
		line = next;
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		p.line++;
		split(&p, line);
		if (p.n && !p.bad)
			parse_line(&p);
	}
	free(copy);
	if (!p.bad && (!w->n_devices || !w->n_specs || !w->n_groups))
		complain(&p, "a scenario needs a device, a group and a queue");
	if (!p.bad)
		world_ready(w);
	return p.bad ? -EINVAL : 0;
}
