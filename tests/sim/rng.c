// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random numbers that are the same everywhere: a 256-bit xoshiro-style
 * generator, seeded through splitmix. Distributions are drawn by inversion.
 */
#include <math.h>

#include "sim.h"

static u64 splitmix(u64 *x)
{
	u64 z = *x += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static u64 rotl(u64 x, int k)
{
	return x << k | x >> (64 - k);
}

void rng_seed(struct rng *r, u64 seed)
{
	int i;

	for (i = 0; i < 4; i++)
		r->s[i] = splitmix(&seed);
}

u64 rng_u64(struct rng *r)
{
	u64 *s = r->s, ret = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return ret;
}

/* The bias, at most n / 2^64, is of no concern here. */
u64 rng_below(struct rng *r, u64 n)
{
	return (u64)(((unsigned __int128)rng_u64(r) * n) >> 64);
}

double rng_unit(struct rng *r)
{
	return (double)((rng_u64(r) >> 11) + 1) / 9007199254740992.0;
}

double rng_exp(struct rng *r, double mean)
{
	return -mean * log(rng_unit(r));
}

/* Pareto with shape 1.5, cut off at b: few long ones carry much of the work. */
static double pareto(const struct dist *d, struct rng *r)
{
	double lo = (double)d->a, hi = (double)d->b, k = 1.5;
	double cut = 1 - pow(lo / hi, k);

	return lo / pow(1 - cut * (1 - rng_unit(r)), 1 / k);
}

u64 dist_draw(const struct dist *d, struct rng *r)
{
	double v = (double)d->a;

	switch (d->kind) {
	case DIST_UNIFORM:
		return d->a + rng_below(r, d->b - d->a + 1);
	case DIST_EXP:
		v = rng_exp(r, (double)d->a);
		break;
	case DIST_TWO:
		return rng_below(r, d->c) ? d->a : d->b;
	case DIST_PARETO:
		v = pareto(d, r);
		break;
	default:
		return d->a;
	}
	return v < 1 ? 1 : (u64)v;
}
