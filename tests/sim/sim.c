// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulator's command line. */
#include <argp.h>
#include <stdlib.h>

#include "sim.h"

struct args {
	const char *scenario;
	char *set;		/* lines for the end of the scenario */
	const char *trace, *record, *series;
	bool json, list, print;
};

enum { OPT_LIST = 256, OPT_PRINT, OPT_TRACE, OPT_RECORD, OPT_SERIES };

static const struct argp_option options[] = {
	{ "set", 's', "KEY=VALUE", 0,
	  "As a line 'set KEY=VALUE' at the end of the scenario: time, warm, seed, policy "
	  "(arb, fifo, rr, prio), placer (place, least, rr), floor, limit, slice, window, drain, "
	  "watch, sample, fluid", 0 },
	{ "add", 'a', "LINE", 0, "Any line at the end of the scenario", 0 },
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ "list", OPT_LIST, NULL, 0, "List the scenarios that are built in", 0 },
	{ "print", OPT_PRINT, NULL, 0, "Print the scenario, don't run it", 0 },
	{ "trace", OPT_TRACE, "FILE", 0,
	  "Let jobs of queues with load=trace arrive as FILE says: lines of "
	  "time,queue,index,work,deadline in ns", 0 },
	{ "record", OPT_RECORD, "FILE", 0, "Write such a trace of all arrivals", 0 },
	{ "series", OPT_SERIES, "FILE", 0,
	  "Write a CSV row each 'set sample=': device time and lag of each group", 0 },
	{ 0 }
};

static void append(struct args *a, const char *word, const char *line)
{
	char *old = a->set;

	if (asprintf(&a->set, "%s%s%s\n", old ? old : "", word, line) < 0)
		abort();
	free(old);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case 's':
		append(a, "set ", arg);
		return 0;
	case 'a':
		append(a, "", arg);
		return 0;
	case 'j':
		a->json = true;
		return 0;
	case OPT_LIST:
		a->list = true;
		return 0;
	case OPT_PRINT:
		a->print = true;
		return 0;
	case OPT_TRACE:
		a->trace = arg;
		return 0;
	case OPT_RECORD:
		a->record = arg;
		return 0;
	case OPT_SERIES:
		a->series = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (a->scenario)
			argp_error(state, "one scenario at a time; '%s' is too many", arg);
		a->scenario = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->scenario && !a->list)
			argp_error(state, "a scenario is missing; --list shows some");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "SCENARIO",
	.doc = "Simulate accelerators under the scheduler of aioffload.ko: its arbiter and "
	       "its placement, from the very same files.\v"
	       "SCENARIO is one that is built in, or a file; docs/scheduling.md describes "
	       "the language. The same scenario and seed give the same output.",
};

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n = 0, got;
	char *s = NULL;

	if (!f)
		return NULL;
	do {
		s = realloc(s, n + 65537);
		if (!s)
			abort();
		got = fread(s + n, 1, 65536, f);
		n += got;
	} while (got);
	s[n] = 0;
	fclose(f);
	return s;
}

static FILE *open_out(const char *path)
{
	FILE *f = path ? fopen(path, "w") : NULL;

	if (path && !f) {
		fprintf(stderr, "sim: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return f;
}

static char *scenario_text(const struct args *a)
{
	const char *builtin = scenario_builtin(a->scenario);
	char *text = builtin ? strdup(builtin) : read_file(a->scenario), *all;

	if (!text) {
		fprintf(stderr, "sim: %s: neither a file nor built in (--list)\n", a->scenario);
		exit(1);
	}
	if (asprintf(&all, "%s%s%s", text, *text && text[strlen(text) - 1] != '\n' ? "\n" : "",
		     a->set ? a->set : "") < 0)
		abort();
	free(text);
	return all;
}

static int run(struct args *a, const char *text)
{
	struct world *w = world_new();
	char err[512];
	int ret = scenario_parse(w, text, err, sizeof(err));

	if (ret)
		fprintf(stderr, "sim: %s: %s\n", a->scenario, err);
	if (!ret && a->trace) {
		ret = trace_load(w, a->trace, err, sizeof(err));
		if (ret)
			fprintf(stderr, "sim: %s\n", err);
	}
	if (!ret) {
		w->record = open_out(a->record);
		w->series = open_out(a->series);
		world_run(w);
		(a->json ? report_json : report_text)(w, stdout);
		if ((w->record && fclose(w->record)) || (w->series && fclose(w->series))) {
			perror("sim");
			ret = -EIO;
		}
	}
	world_free(w);
	return ret ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct args a = { 0 };
	char *text;
	int ret = 0;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (a.list) {
		scenario_list(stdout);
		return 0;
	}
	text = scenario_text(&a);
	if (a.print)
		fputs(text, stdout);
	else
		ret = run(&a, text);
	free(text);
	free(a.set);
	return ret;
}
