// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From a seed to a program, and from nothing else: the same seed gives the same
 * program for as long as this file and the table of calls stay as they are.
 * What is to be kept longer is kept as text.
 */
#include <string.h>
#include "fuzz.h"

/* splitmix64 */
uint64_t rng_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static bool chance(uint64_t *r, unsigned int percent)
{
	return rng_below(r, 100) < percent;
}

/* Numbers at which programs break. */
static uint64_t edge(uint64_t *r)
{
	static const uint64_t edges[] = {
		0, 1, 2, 63, 64, 65, 255, 256, 1023, 1024, 4095, 4096, 4097,
		8191, 8192, 0xffff, 0x10000, 0xffffff, 0x1000000, 0x1000001,
		0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x100000000,
		0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000,
		0xffffffffffffffff,
	};

	switch (rng_below(r, 4)) {
	case 0:
		return 1ULL << rng_below(r, 64);
	case 1:
		return rng_next(r) >> rng_below(r, 64);
	default:
		return edges[rng_below(r, sizeof(edges) / sizeof(edges[0]))];
	}
}

/* Few of each, so that calls meet. */
static uint64_t object(uint64_t *r)
{
	return chance(r, 85) ? 0 : rng_below(r, NR_SLOTS);
}

static uint64_t how(uint64_t *r)
{
	uint64_t z = 0;

	if (chance(r, 88))
		return 0;
	switch (rng_below(r, 4)) {
	case 0:
		return rng_below(r, 16);
	case 1:
		return rng_below(r, NR_PLACES) << 4;
	case 2:
		return 1ULL << (8 + rng_below(r, 8));
	default:
		z = (1 + rng_below(r, 0xffff)) << 16;
		return z | (chance(r, 30) ? PLACE_RACED << 4 : 0);
	}
}

static uint64_t timeout(uint64_t *r)
{
	switch (rng_below(r, 16)) {
	case 0:
		return chance(r, 20) ? 0 : edge(r);
	case 1 ... 5:
		return 1 + rng_below(r, 2000);
	default:
		return 1 + rng_below(r, 20000000);
	}
}

static uint64_t ordinary(uint64_t *r, char kind)
{
	switch (kind) {
	case 'c': case 'b': case 'm': case 'q': case 'e':
		return object(r);
	case 'N':
		return chance(r, 8) ? 0 : 1 + rng_below(r, NR_SLOTS - 1);
	case 'g':
		return rng_below(r, NR_CGROUPS);
	case 'K':
		return rng_below(r, NR_KINDS);
	case 'v':
		if (chance(r, 30))
			return AIOFFLOAD_DEVICE_ANY;
		return chance(r, 80) ? rng_below(r, 2) : rng_below(r, 5);
	case 's':
		return chance(r, 85) ? rng_below(r, 3) : rng_below(r, 8);
	case 'S':
		return chance(r, 60) ? AIOFFLOAD_SLOT_ANY : rng_below(r, 4);
	case 'n':
		return chance(r, 80) ? 1 + rng_below(r, 4) : rng_below(r, 130);
	case 'B':
		return chance(r, 80) ? PAGE << rng_below(r, 5) : rng_below(r, 1 << 20);
	case 'p':
		return chance(r, 80) ? 0 : rng_below(r, 8);
	case 'o':
		return chance(r, 50) ? 0 : 64 * rng_below(r, 64);
	case 't':
		return timeout(r);
	case 'k':
		return rng_below(r, MAX_MODELS);
	case 'f':
		return rng_below(r, 16);
	case 'z':
		return how(r);
	default:
		return rng_next(r);
	}
}

static uint64_t argument(uint64_t *r, char kind)
{
	uint64_t v = ordinary(r, kind);

	if (strchr("sSvnpBo", kind) && chance(r, 6))
		v = edge(r);
	if (kind == 'w' && chance(r, 70))
		v = edge(r);
	return v;
}

static struct call *append(struct program *p, unsigned int op, unsigned int thread)
{
	struct call *c = &p->call[p->nr++];

	*c = (struct call){ .op = op, .thread = thread };
	return c;
}

static void add(struct program *p, uint64_t *r, unsigned int op,
		unsigned int thread)
{
	struct call *c = append(p, op, thread);

	for (unsigned int i = 0; ops[op].args[i]; i++)
		c->arg[i] = argument(r, ops[op].args[i]);
	if (chance(r, 4))
		c->fail = 1 + rng_below(r, chance(r, 80) ? 12 : 200);
}

static void set_up(struct program *p, const char *name, const uint64_t *arg,
		   unsigned int nr)
{
	struct call *c = append(p, op_find(name), SETUP);

	memcpy(c->arg, arg, nr * sizeof(*arg));
}

#define SET_UP(p, name, ...) do {					\
		const uint64_t args_[] = { __VA_ARGS__ };		\
		set_up(p, name, args_, sizeof(args_) / 8);		\
	} while (0)

/*
 * A context of a device that is there, mostly the null device, whose jobs are
 * in flight when other calls come; models of the half that is signed, which
 * every policy admits; and they are bound, so that most jobs run.
 */
static void set_up_context(struct program *p, uint64_t *r, uint64_t c)
{
	static const uint64_t devices[] = { 1, 1, 1, 0, AIOFFLOAD_DEVICE_ANY, 2 };
	uint64_t buf = c && chance(r, 15) ? 0 : c;

	SET_UP(p, "open", c, devices[rng_below(r, 6)]);
	SET_UP(p, "buf_create", c, c, 16 * PAGE, 0);
	SET_UP(p, "model_load", c, c, 6 + rng_below(r, 6), 0, 0);
	for (uint64_t slot = 0; slot < 3; slot++)
		SET_UP(p, "bind", c, c, slot, 0x4000, 4, buf, buf, 0);
	SET_UP(p, "queue_create", c, c, 1 << rng_below(r, 6), 0, 0);
	SET_UP(p, "queue_map", c, 0, 0);
}

static void leave_out(struct program *p, uint64_t *r)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < p->nr; i++) {
		if (!chance(r, 10))
			p->call[n++] = p->call[i];
	}
	p->nr = n;
}

/* Without objects most calls end at the door. */
static void make_setup(struct program *p, uint64_t *r)
{
	for (unsigned int i = rng_below(r, 3); i; i--)
		SET_UP(p, "null_add", rng_next(r));
	set_up_context(p, r, 0);
	if (chance(r, 30))
		set_up_context(p, r, 1);
	if (chance(r, 30))
		SET_UP(p, "buf_map", 0, 0, 0);
	if (chance(r, 20)) {
		SET_UP(p, "eventfd", 0);
		SET_UP(p, "queue_eventfd", 0, 0, 0);
	}
	if (chance(r, 15))
		leave_out(p, r);
}

void program_make(struct program *p, uint64_t seed)
{
	static unsigned int total;
	uint64_t r = seed;
	unsigned int threads, calls;

	if (!total)
		for (unsigned int i = 0; i < nr_ops; i++)
			total += ops[i].weight;
	*p = (struct program){ .seed = seed };
	rng_next(&r);
	if (chance(&r, 25))
		p->flags |= PROG_USER;
	if (chance(&r, 10))
		p->flags |= PROG_CGROUP_NS;
	threads = 1 + rng_below(&r, MAX_THREADS);
	calls = 4 + rng_below(&r, chance(&r, 30) ? 20 : 100);
	make_setup(p, &r);
	while (calls-- && p->nr < MAX_CALLS) {
		unsigned int pick = rng_below(&r, total), op = 0;

		while (pick >= ops[op].weight)
			pick -= ops[op++].weight;
		add(p, &r, op, rng_below(&r, threads));
	}
}
