// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Order statistics over any number of values in bounded memory: exact up to
 * STATS_MAX values, from a uniform random sample of that size beyond. Minimum,
 * maximum, count and mean are always exact.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void stats_init(struct stats *s)
{
	memset(s, 0, sizeof(*s));
	s->random = 0x9e3779b97f4a7c15ULL;
}

void stats_free(struct stats *s)
{
	free(s->values);
	s->values = NULL;
}

void stats_reset(struct stats *s)
{
	uint64_t *values = s->values;
	size_t room = s->room;

	stats_init(s);
	s->values = values;
	s->room = room;
}

static uint64_t next_random(struct stats *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

int stats_add(struct stats *s, uint64_t value)
{
	uint64_t *values, at;

	if (s->kept == s->room && s->room < STATS_MAX) {
		size_t room = s->room ? s->room * 2 : 1024;

		values = realloc(s->values, room * sizeof(*values));
		if (!values)
			return -ENOMEM;
		s->values = values;
		s->room = room;
	}
	if (!s->seen || value < s->min)
		s->min = value;
	if (!s->seen || value > s->max)
		s->max = value;
	s->seen++;
	s->sum += (double)value;
	if (s->kept < s->room) {
		s->values[s->kept++] = value;
		return 0;
	}
	at = next_random(s) % s->seen;
	if (at < s->kept)
		s->values[at] = value;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Nearest rank: the smallest value that @percent of all do not exceed. */
static uint64_t percentile(const struct stats *s, unsigned int percent)
{
	size_t rank = (s->kept * percent + 99) / 100;

	return s->values[rank ? rank - 1 : 0];
}

struct stats_summary stats_summarise(struct stats *s)
{
	struct stats_summary sum = { .count = s->seen };

	if (!s->seen)
		return sum;
	qsort(s->values, s->kept, sizeof(*s->values), by_value);
	sum.min = s->min;
	sum.max = s->max;
	sum.median = percentile(s, 50);
	sum.p99 = percentile(s, 99);
	sum.mean = s->sum / (double)s->seen;
	return sum;
}

struct json_object *stats_json(const struct stats_summary *sum)
{
	struct json_object *obj = json_object_new_object();

	json_u64(obj, "min", sum->min);
	json_u64(obj, "median", sum->median);
	json_u64(obj, "p99", sum->p99);
	json_u64(obj, "max", sum->max);
	json_dbl(obj, "mean", sum->mean);
	return obj;
}
