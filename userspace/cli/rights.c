// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload grant, revoke, rights: what cgroups may do. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/common.h"
#include "cli.h"

int cli_cgroup(const char *name, int *fd)
{
	*fd = cgroup_open(name);
	switch (*fd) {
	case -ENODEV:
		return cli_error(CLI_SETUP, "the cgroup 2 hierarchy is not mounted at /sys/fs/cgroup");
	case -ENOENT:
		return cli_error(CLI_FAILED, "there is no cgroup '%s' below %s; list them with: systemd-cgls",
				 name, cgroup_root());
	case -EBADF:
		return cli_error(CLI_FAILED, "'%s' is not in the cgroup 2 hierarchy",
				 name);
	}
	if (*fd < 0)
		return cli_error(CLI_FAILED, "can't open the cgroup '%s': %s",
				 name, strerror(-*fd));
	return CLI_OK;
}

int cli_on_cgroup(const char *name, struct cli_target *t)
{
	int ret = cli_cgroup(name, &t->fd);

	if (ret)
		return ret;
	ret = aioffload_open(AIOFFLOAD_DEVICE_ANY, &t->ctx);
	if (!ret)
		return CLI_OK;
	close(t->fd);
	return cli_lib_error(ret);
}

void cli_release(struct cli_target *t)
{
	aioffload_close(t->ctx);
	close(t->fd);
}

/* ---- grant and revoke --------------------------------------------------- */

struct grant_args {
	struct subject of;
	const char *rights, *devices;
	bool inherit;
};

static const struct argp_option grant_options[] = {
	{ "devices", 'd', "LIST", 0,
	  "Devices that may be seen and used: all (default), none, 0, 2-3, class:npu, driver:aioffload_cpu, separated by commas", 0 },
	{ "inherit", 'i', NULL, 0,
	  "Take the cgroup's own grant away: it has what its parent has", 0 },
	{ 0 }
};

static void check_rights(struct argp_state *state, const char *text)
{
	uint32_t rights = 0;

	if (words_rights_change(text, &rights))
		argp_error(state, "'%s' is no list of rights: exec, load, rt, admin, all, none; with + and - to change what is there",
			   text);
}

static error_t parse_grant(int key, char *arg, struct argp_state *state)
{
	struct grant_args *args = state->input;
	char bad[80];

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->of;
		return 0;
	case 'd':
		if (devices_check(arg, bad, sizeof(bad)))
			argp_error(state, "--devices: '%s' names no device", bad);
		args->devices = arg;
		return 0;
	case 'i':
		args->inherit = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!args->of.name || args->rights)
			return ARGP_ERR_UNKNOWN;
		/* "-rt" alone would read as an option: "--" goes first */
		check_rights(state, arg);
		args->rights = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->inherit && (args->rights || args->devices))
			argp_error(state, "--inherit goes with neither rights nor devices");
		if (!args->inherit && !args->rights && !args->devices)
			argp_error(state, "the rights are missing, such as exec,load");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp grant_argp = {
	.options = grant_options,
	.parser = parse_grant,
	.args_doc = "CGROUP RIGHTS",
	.children = subject_child,
	.doc = "Say what a cgroup and all below it may do.\v"
	       "RIGHTS is the whole set, such as exec,load; or a change of it, "
	       "such as +rt or +rt,-load. 'man aioffload-grant' says what each "
	       "right means.",
};

/*
 * What holds for the cgroup now is what a change starts from, not what was once
 * granted to it: that may be more than is left above by now, and is refused.
 */
static int apply_grant(struct cli_target *t, const struct grant_args *args)
{
	uint64_t devices[AIOFFLOAD_DEVICE_WORDS];
	struct aioffload_rights now = { 0 };
	bool change = !args->rights || strchr("+-", *args->rights);
	uint32_t rights;
	bool all = true;
	int ret;

	if (change) {
		ret = aioffload_rights_of(t->ctx, t->fd, &now, NULL, 0);
		if (ret)
			return ret;
		memcpy(devices, now.devices, sizeof(devices));
		all = devices_are_all(devices);
	}
	rights = now.rights;
	if (args->rights)
		words_rights_change(args->rights, &rights);
	if (args->devices) {
		ret = devices_resolve(t->ctx, args->devices, devices);
		if (ret < 0)
			return ret;
		all = ret;
	}
	return aioffload_grant(t->ctx, t->fd, rights, all ? NULL : devices);
}

int cmd_grant(int argc, char **argv)
{
	struct grant_args args = { .of.what = "cgroup" };
	struct cli_target t;
	int ret;

	argp_parse(&grant_argp, argc, argv, 0, NULL, &args);
	ret = cli_on_cgroup(args.of.name, &t);
	if (ret)
		return ret;
	ret = args.inherit ? aioffload_grant_clear(t.ctx, t.fd) :
		apply_grant(&t, &args);
	cli_release(&t);
	return ret ? cli_lib_error(ret) : CLI_OK;
}

static error_t parse_revoke(int key, char *arg, struct argp_state *state)
{
	struct grant_args *args = state->input;
	uint32_t rights;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->of;
		return 0;
	case ARGP_KEY_ARG:
		if (!args->of.name || args->rights)
			return ARGP_ERR_UNKNOWN;
		if (words_rights(arg, &rights))
			argp_error(state, "'%s' is no list of rights: exec, load, rt, admin, all",
				   arg);
		args->rights = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp revoke_argp = {
	.parser = parse_revoke,
	.args_doc = "CGROUP [RIGHTS]",
	.children = subject_child,
	.doc = "Take rights, or all of them, from a cgroup and all below it.\v"
	       "Holds at once, also for what is open and loaded: jobs end with "
	       "EACCES from the next submission on.",
};

int cmd_revoke(int argc, char **argv)
{
	struct aioffload_rights now = { 0 };
	struct grant_args args = { .of.what = "cgroup" };
	struct cli_target t;
	uint32_t taken = AIOFFLOAD_RIGHTS_ALL;
	int ret;

	argp_parse(&revoke_argp, argc, argv, 0, NULL, &args);
	if (args.rights)
		words_rights(args.rights, &taken);
	ret = cli_on_cgroup(args.of.name, &t);
	if (ret)
		return ret;
	ret = aioffload_rights_of(t.ctx, t.fd, &now, NULL, 0);
	if (!ret)
		ret = aioffload_grant(t.ctx, t.fd, now.rights & ~taken,
				      devices_are_all((uint64_t *)now.devices) ?
				      NULL : (uint64_t *)now.devices);
	cli_release(&t);
	return ret ? cli_lib_error(ret) : CLI_OK;
}

/* ---- rights ------------------------------------------------------------- */

struct rights_args {
	struct subject of;
	bool all;
};

static const struct argp_option rights_options[] = {
	{ "all", 'a', NULL, 0, "Every cgroup that something was granted to", 0 },
	{ 0 }
};

static error_t parse_rights(int key, char *arg, struct argp_state *state)
{
	struct rights_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->of;
		return 0;
	case 'a':
		args->all = true;
		return 0;
	case ARGP_KEY_END:
		if (args->all && args->of.name)
			argp_error(state, "--all goes with no cgroup");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp rights_argp = {
	.options = rights_options,
	.parser = parse_rights,
	.args_doc = "[CGROUP]",
	.children = subject_json_child,
	.doc = "What the caller, a cgroup, or every cgroup with a grant may do.",
};

static struct json_object *rights_words(uint32_t rights)
{
	struct json_object *list = json_object_new_array();
	uint32_t bit;

	for (bit = 1; bit <= AIOFFLOAD_RIGHTS_ALL; bit <<= 1)
		if (rights & bit)
			json_object_array_add(list, json_object_new_string(
						aioffload_right_name(bit)));
	return list;
}

static struct json_object *rights_json(const struct aioffload_rights *r,
				       const char *path)
{
	struct json_object *o = json_object_new_object();
	const uint64_t *devices = (const uint64_t *)r->devices;
	struct json_object *list;
	uint32_t id;

	json_str(o, "cgroup", path);
	json_u64(o, "cgroup_id", r->cgroup_id);
	json_object_object_add(o, "rights", rights_words(r->rights));
	json_object_object_add(o, "granted", r->has_grant ?
			       rights_words(r->granted) : NULL);
	json_object_object_add(o, "all_devices", json_object_new_boolean(
						devices_are_all(devices)));
	list = json_object_new_array();
	for (id = 0; id < AIOFFLOAD_MAX_DEVICES && !devices_are_all(devices); id++)
		if (devices[id / 64] >> id % 64 & 1)
			json_object_array_add(list, json_object_new_int((int)id));
	json_object_object_add(o, "devices", list);
	return o;
}

static void rights_print(const struct aioffload_rights *r, const char *path,
			 bool head)
{
	char in_effect[WORDS_RIGHTS_LEN], granted[WORDS_RIGHTS_LEN] = "-";
	char devices[256], clean[1024];

	if (head)
		printf("%-20s %-20s %-12s %s\n", "RIGHTS", "GRANTED", "DEVICES",
		       "CGROUP");
	if (r->has_grant)
		words_from_rights(r->granted, granted);
	printf("%-20s %-20s %-12s %s\n",
	       words_from_rights(r->rights, in_effect), granted,
	       devices_text((const uint64_t *)r->devices, devices,
			    sizeof(devices)),
	       text_clean(path, clean, sizeof(clean)));
}

static int show_all(struct aioffload_ctx *ctx, struct json_object *array)
{
	struct aioffload_rights r;
	char path[PATH_MAX];
	uint32_t i;
	int ret;

	for (i = 0; !(ret = aioffload_rights_list(ctx, i, &r, path,
						  sizeof(path))); i++) {
		if (array)
			json_object_array_add(array, rights_json(&r, path));
		else
			rights_print(&r, path, !i);
	}
	if (ret != -ENOENT)
		return cli_lib_error(ret);
	if (!i && !array)
		puts("Nothing is granted to any cgroup: each has exec,load.");
	return CLI_OK;
}

static int show_one(struct aioffload_ctx *ctx, const char *cgroup, bool json)
{
	struct aioffload_rights r;
	char path[PATH_MAX];
	int fd, ret;

	if (cgroup) {
		ret = cli_cgroup(cgroup, &fd);
		if (ret)
			return ret;
		ret = aioffload_rights_of(ctx, fd, &r, path, sizeof(path));
		close(fd);
	} else {
		ret = aioffload_rights_get(ctx, &r, path, sizeof(path));
	}
	if (ret)
		return cli_lib_error(ret);
	if (json)
		return json_print(rights_json(&r, path));
	rights_print(&r, path, true);
	return CLI_OK;
}

int cmd_rights(int argc, char **argv)
{
	struct json_object *top = NULL, *array = NULL;
	struct rights_args args = {
		.of = { .what = "cgroup", .optional = true },
	};
	struct aioffload_ctx *ctx;
	int ret;

	argp_parse(&rights_argp, argc, argv, 0, NULL, &args);
	ret = aioffload_open(AIOFFLOAD_DEVICE_ANY, &ctx);
	if (ret)
		return cli_lib_error(ret);
	if (!args.all) {
		ret = show_one(ctx, args.of.name, args.of.json);
		goto out;
	}
	if (args.of.json) {
		top = json_object_new_object();
		array = json_object_new_array();
		json_object_object_add(top, "grants", array);
	}
	ret = show_all(ctx, array);
	if (top && ret == CLI_OK)
		ret = json_print(top);
	else
		json_object_put(top);
out:
	aioffload_close(ctx);
	return ret;
}
