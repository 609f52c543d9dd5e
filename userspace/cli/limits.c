// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload limit, usage: what cgroups may take, and have taken. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "../common/common.h"
#include "cli.h"

struct limit_args {
	struct subject of;
	bool weigh;
	uint32_t weight;
	unsigned int given;			/* bits: resources */
	uint64_t limit[AIOFFLOAD_RES_NR];
	uint64_t period[AIOFFLOAD_RES_NR];
};

static const struct argp_option limit_options[] = {
	{ "bytes", 'b', "SIZE", 0,
	  "Memory of buffers, models and rings, such as 512M", 0 },
	{ "models", 'm', "N", 0, "Models", 0 },
	{ "queues", 'q', "N", 0, "Queues", 0 },
	{ "jobs", 'n', "N", 0, "Jobs submitted and not ended", 0 },
	{ "time", 't', "USEC/PERIOD", 0,
	  "Device time in each period: microseconds, or such as 20ms/100ms", 0 },
	{ "weight", 'w', "N", 0,
	  "Share of devices beside other cgroups: 1 to 10000", 0 },
	{ 0 }
};

static const char resource_keys[AIOFFLOAD_RES_NR] = {
	[AIOFFLOAD_RES_BYTES] = 'b', [AIOFFLOAD_RES_MODELS] = 'm',
	[AIOFFLOAD_RES_QUEUES] = 'q', [AIOFFLOAD_RES_JOBS] = 'n',
	[AIOFFLOAD_RES_TIME] = 't',
};

static void add_limit(struct argp_state *state, uint32_t r, const char *text)
{
	struct limit_args *args = state->input;

	if (words_limit(r, text, &args->limit[r], &args->period[r]))
		argp_error(state, "--%s: '%s' is not %s, nor 'none'",
			   aioffload_resource_name(r), text,
			   r == AIOFFLOAD_RES_TIME ?
			   "a time and a period of 1ms to 100s, such as 20ms/100ms" :
			   r == AIOFFLOAD_RES_BYTES ? "a size, such as 512M" :
			   "a whole number");
	args->given |= 1U << r;
}

static error_t parse_limit(int key, char *arg, struct argp_state *state)
{
	struct limit_args *args = state->input;
	uint32_t r;

	for (r = 0; r < AIOFFLOAD_RES_NR; r++) {
		if (key == resource_keys[r]) {
			add_limit(state, r, arg);
			return 0;
		}
	}
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->of;
		return 0;
	case 'w':
		if (words_weight(arg, &args->weight))
			argp_error(state, "--weight: '%s' is not 1 to %u, nor 'none'",
				   arg, AIOFFLOAD_WEIGHT_MAX);
		args->weigh = true;
		return 0;
	case ARGP_KEY_END:
		if (!args->given && !args->weigh)
			argp_error(state, "a limit is missing, such as --bytes 512M");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp limit_argp = {
	.options = limit_options,
	.parser = parse_limit,
	.args_doc = "CGROUP",
	.children = subject_child,
	.doc = "Limit what a cgroup and all below it may take together.\v"
	       "'none' lifts a limit; a cgroup without a weight has that of its "
	       "CPU time. 'aioffload usage CGROUP' shows what is in "
	       "use. What would exceed a limit is refused with EDQUOT.",
};

int cmd_limit(int argc, char **argv)
{
	struct limit_args args = { .of.what = "cgroup" };
	struct cli_target t;
	uint32_t r;
	int ret;

	argp_parse(&limit_argp, argc, argv, 0, NULL, &args);
	ret = cli_on_cgroup(args.of.name, &t);
	if (ret)
		return ret;
	for (r = 0; !ret && r < AIOFFLOAD_RES_NR; r++)
		if (args.given & 1U << r)
			ret = aioffload_limit(t.ctx, t.fd, r, args.limit[r],
					      args.period[r]);
	if (!ret && args.weigh)
		ret = aioffload_weight_set(t.ctx, t.fd, args.weight);
	cli_release(&t);
	return ret ? cli_lib_error(ret) : CLI_OK;
}

/* ---- usage -------------------------------------------------------------- */

static const struct argp usage_argp = {
	.args_doc = "[CGROUP]",
	.children = subject_json_child,
	.doc = "What a cgroup (by default the caller's own) and all below it "
	       "have in use, at most had, and were refused.",
};

static const char *amount(uint32_t r, uint64_t n, char buf[CLI_NUM_LEN])
{
	if (n != AIOFFLOAD_NO_LIMIT && r == AIOFFLOAD_RES_BYTES)
		return text_bytes(n, buf);
	if (n != AIOFFLOAD_NO_LIMIT && r == AIOFFLOAD_RES_TIME)
		return text_ns((double)n, buf);
	if (n == AIOFFLOAD_NO_LIMIT)
		snprintf(buf, CLI_NUM_LEN, "none");
	else
		snprintf(buf, CLI_NUM_LEN, "%" PRIu64, n);
	return buf;
}

static void usage_print(uint32_t r, const struct aioffload_usage *u)
{
	char used[CLI_NUM_LEN], peak[CLI_NUM_LEN], limit[CLI_NUM_LEN];
	char period[CLI_NUM_LEN];

	if (!r)
		printf("%-8s %12s %12s %12s %10s\n", "RESOURCE", "USED", "PEAK",
		       "LIMIT", "REFUSED");
	printf("%-8s %12s %12s %12s %10" PRIu64, aioffload_resource_name(r),
	       amount(r, u->used, used), amount(r, u->peak, peak),
	       amount(r, u->limit, limit), (uint64_t)u->events);
	if (r == AIOFFLOAD_RES_TIME && u->limit != AIOFFLOAD_NO_LIMIT)
		printf("  in each %s", text_ns((double)u->period_ns, period));
	putchar('\n');
}

static struct json_object *usage_json(uint32_t r, const struct aioffload_usage *u)
{
	struct json_object *o = json_object_new_object();

	json_u64(o, r == AIOFFLOAD_RES_TIME ? "used_ns" : "used", u->used);
	json_u64(o, r == AIOFFLOAD_RES_TIME ? "peak_ns" : "peak", u->peak);
	if (u->limit != AIOFFLOAD_NO_LIMIT)
		json_u64(o, r == AIOFFLOAD_RES_TIME ? "limit_ns" : "limit",
			 u->limit);
	if (r == AIOFFLOAD_RES_TIME && u->limit != AIOFFLOAD_NO_LIMIT)
		json_u64(o, "period_ns", u->period_ns);
	json_u64(o, "refused", u->events);
	return o;
}

/* Where it comes from is what one wants to know when it is not as expected. */
static void weight_print(const struct aioffload_weight *w)
{
	printf("\nweight %u (%s)\n", w->effective, w->weight ? "set" :
	       w->cpu_weight ? "from cpu.weight" : "by default");
}

static struct json_object *weight_json(const struct aioffload_weight *w)
{
	struct json_object *o = json_object_new_object();

	json_u64(o, "effective", w->effective);
	if (w->weight)
		json_u64(o, "set", w->weight);
	if (w->cpu_weight)
		json_u64(o, "cpu_weight", w->cpu_weight);
	return o;
}

static int show_weight(struct aioffload_ctx *ctx, int fd, struct json_object *top)
{
	struct aioffload_weight w;
	int ret = aioffload_weight_get(ctx, fd, &w);

	if (ret == -ENOTTY)	/* an older module, which knows none */
		return CLI_OK;
	if (ret)
		return cli_lib_error(ret);
	if (top)
		json_object_object_add(top, "weight", weight_json(&w));
	else
		weight_print(&w);
	return CLI_OK;
}

static int show_usage(struct aioffload_ctx *ctx, int fd, struct json_object *top)
{
	struct aioffload_usage u;
	uint32_t r;
	int ret;

	for (r = 0; r < AIOFFLOAD_RES_NR; r++) {
		ret = aioffload_usage(ctx, fd, r, &u);
		if (ret)
			return cli_lib_error(ret);
		if (top)
			json_object_object_add(top, aioffload_resource_name(r),
					       usage_json(r, &u));
		else
			usage_print(r, &u);
	}
	return show_weight(ctx, fd, top);
}

int cmd_usage(int argc, char **argv)
{
	struct subject of = { .what = "cgroup", .optional = true };
	struct json_object *top = NULL;
	struct aioffload_ctx *ctx;
	int fd = -1, ret;

	argp_parse(&usage_argp, argc, argv, 0, NULL, &of);
	if (of.name) {
		ret = cli_cgroup(of.name, &fd);
		if (ret)
			return ret;
	}
	ret = aioffload_open(AIOFFLOAD_DEVICE_ANY, &ctx);
	if (ret) {
		ret = cli_lib_error(ret);
		goto out;
	}
	if (of.json)
		top = json_object_new_object();
	ret = show_usage(ctx, fd, top);
	if (top && ret == CLI_OK)
		ret = json_print(top);
	else
		json_object_put(top);
	aioffload_close(ctx);
out:
	if (fd >= 0)
		close(fd);
	return ret;
}
