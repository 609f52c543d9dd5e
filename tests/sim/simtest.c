// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>

#include "simtest.h"

void text_add(struct text *t, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof(line));
	t->s = realloc(t->s, t->n + (size_t)n + 2);
	assert_non_null(t->s);
	memcpy(t->s + t->n, line, (size_t)n);
	t->n += (size_t)n;
	t->s[t->n++] = '\n';
	t->s[t->n] = 0;
}

struct world *run_text(struct text *t)
{
	struct world *w = world_new();
	char err[512];

	if (scenario_parse(w, t->s, err, sizeof(err)))
		fail_msg("%s in:\n%s", err, t->s);
	free(t->s);
	memset(t, 0, sizeof(*t));
	world_run(w);
	return w;
}

struct world *run_builtin(const char *name, const char *more)
{
	struct world *w = world_new();
	char err[512], *text;

	assert_non_null(scenario_builtin(name));
	assert_true(asprintf(&text, "%s%s", scenario_builtin(name), more) > 0);
	if (scenario_parse(w, text, err, sizeof(err)))
		fail_msg("%s in:\n%s", err, text);
	free(text);
	world_run(w);
	return w;
}

unsigned int runs(unsigned int n)
{
	if (!getenv("SIM_SHORT"))
		return n;
	return n / 10 > 2 ? n / 10 : 2;
}

struct qspec *spec_named(const struct world *w, const char *name)
{
	u32 i;

	for (i = 0; i < w->n_specs; i++)
		if (!strcmp(w->specs[i]->name, name))
			return w->specs[i];
	fail_msg("no queue %s", name);
	return NULL;
}

u64 idle_with_work(const struct world *w)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < w->n_devices; i++)
		sum += w->devices[i]->idle_with_work;
	return sum;
}
