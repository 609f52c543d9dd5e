// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Programs as text, one call a line:
 *
 *	flags user cgroupns
 *	+ open 0 0xffffffff		before the threads start
 *	0 buf_create 0 0 0x4000 0	on thread 0
 *	1/7 bind 0 0 0 0 1 0 0 0	on thread 1; the 7th allocation fails
 *
 * Any line but a call's may be missing, any call may be deleted: objects are
 * numbered places, not results of calls. '#' begins a comment.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "fuzz.h"

void program_print(FILE *f, const struct program *p)
{
	fprintf(f, "# seed %#" PRIx64 "\n", p->seed);
	if (p->flags)
		fprintf(f, "flags%s%s\n", p->flags & PROG_USER ? " user" : "",
			p->flags & PROG_CGROUP_NS ? " cgroupns" : "");
	for (unsigned int i = 0; i < p->nr; i++) {
		const struct call *c = &p->call[i];

		if (c->thread == SETUP)
			fprintf(f, "+");
		else
			fprintf(f, "%u", c->thread);
		if (c->fail)
			fprintf(f, "/%u", c->fail);
		fprintf(f, " %s", ops[c->op].name);
		for (unsigned int k = 0; ops[c->op].args[k]; k++)
			fprintf(f, c->arg[k] < 10 ? " %" PRIu64 : " %#" PRIx64,
				c->arg[k]);
		fprintf(f, "\n");
	}
}

static bool number(const char *text, uint64_t *v)
{
	char *end;

	*v = strtoull(text, &end, 0);
	return *text && !*end;
}

static const char *parse_flags(struct program *p, char **save)
{
	char *word;

	while ((word = strtok_r(NULL, " \t\n", save))) {
		if (!strcmp(word, "user"))
			p->flags |= PROG_USER;
		else if (!strcmp(word, "cgroupns"))
			p->flags |= PROG_CGROUP_NS;
		else
			return "unknown flag";
	}
	return NULL;
}

static const char *parse_call(struct program *p, char *first, char **save)
{
	struct call c = { 0 };
	char *word, *slash = strchr(first, '/');
	unsigned int i;
	uint64_t v;
	int op;

	if (slash) {
		*slash++ = '\0';
		if (!number(slash, &v) || v > UINT16_MAX)
			return "which allocation fails is no number";
		c.fail = v;
	}
	if (!strcmp(first, "+"))
		v = SETUP;
	else if (!number(first, &v) || v >= MAX_THREADS)
		return "no such thread";
	c.thread = v;
	word = strtok_r(NULL, " \t\n", save);
	op = word ? op_find(word) : -1;
	if (op < 0)
		return "no such call";
	c.op = op;
	for (i = 0; ops[op].args[i]; i++) {
		word = strtok_r(NULL, " \t\n", save);
		if (!word || !number(word, &c.arg[i]))
			return "an argument is missing or no number";
	}
	if (strtok_r(NULL, " \t\n", save))
		return "too many arguments";
	if (p->nr == MAX_CALLS)
		return "too many calls";
	p->call[p->nr++] = c;
	return NULL;
}

const char *program_parse(FILE *f, struct program *p, unsigned int *line)
{
	char text[512];

	*p = (struct program){ 0 };
	*line = 0;
	while (fgets(text, sizeof(text), f)) {
		char *save, *word, *hash = strchr(text, '#');
		const char *wrong;

		++*line;
		if (hash)
			*hash = '\0';
		word = strtok_r(text, " \t\n", &save);
		if (!word)
			continue;
		wrong = strcmp(word, "flags") ? parse_call(p, word, &save) :
						parse_flags(p, &save);
		if (wrong)
			return wrong;
	}
	return NULL;
}
