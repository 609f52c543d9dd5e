// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload policy: what is demanded of models. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../common/common.h"
#include "cli.h"

enum verb { SHOW, SET, LOCK };

struct policy_args {
	enum verb verb;
	bool has_verb, json;
	uint32_t set;
	struct aioffload_policy policy;
};

static const struct argp_option options[] = {
	{ "mode", 'm', "MODE", 0, "enforce, permissive or off", 0 },
	{ "keyrings", 'k', "LIST", 0,
	  "Keyrings beside .aioffload: secondary, platform, none", 0 },
	{ "signed-drivers", 's', "YES|NO", 0,
	  "Run models only on devices whose module is signed itself", 0 },
	{ "audit", 'a', "MODE", 0,
	  "Records of executions: batch (counts) or exec (each)", 0 },
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

static int parse_verb(const char *arg, struct policy_args *args)
{
	static const char *const verbs[] = {
		[SHOW] = "show", [SET] = "set", [LOCK] = "lock",
	};
	enum verb v;

	for (v = SHOW; v <= LOCK; v++) {
		if (strcmp(arg, verbs[v]))
			continue;
		args->verb = v;
		args->has_verb = true;
		return 0;
	}
	return -EINVAL;
}

static void parse_setting(int key, const char *arg, struct argp_state *state)
{
	struct policy_args *args = state->input;
	struct aioffload_policy *p = &args->policy;
	bool yes = false;
	int bad;

	switch (key) {
	case 'm':
		bad = words_mode(arg, &p->mode);
		args->set |= AIOFFLOAD_POLICY_SET_MODE;
		break;
	case 'k':
		bad = words_keyrings(arg, &p->keyrings);
		args->set |= AIOFFLOAD_POLICY_SET_KEYRINGS;
		break;
	case 's':
		bad = words_bool(arg, &yes);
		p->signed_drivers = yes;
		args->set |= AIOFFLOAD_POLICY_SET_DRIVERS;
		break;
	default:
		bad = words_audit(arg, &p->audit);
		args->set |= AIOFFLOAD_POLICY_SET_AUDIT;
		break;
	}
	if (bad)
		argp_error(state, "'%s' is not a value for this option; see --help",
			   arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct policy_args *args = state->input;

	switch (key) {
	case 'm':
	case 'k':
	case 's':
	case 'a':
		parse_setting(key, arg, state);
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->has_verb || parse_verb(arg, args))
			argp_error(state, "unexpected argument '%s'", arg);
		return 0;
	case ARGP_KEY_END:
		if (args->set && args->verb != SET)
			argp_error(state, "to change the policy: aioffload policy set ...");
		if (!args->set && args->verb == SET)
			argp_error(state, "what to set is missing, such as --mode enforce");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[show|set|lock]",
	.doc = "Show what is demanded of models, change it, or lock it.\v"
	       "A locked policy can only be made stricter until the module is "
	       "loaded anew. To make a policy last, write it into "
	       "/etc/aioffload/policy.conf.",
};

static int print_json(const struct aioffload_policy *p)
{
	struct json_object *o = json_object_new_object();
	char rings[WORDS_KEYRINGS_LEN];

	json_str(o, "mode", aioffload_policy_mode_name(p->mode));
	json_str(o, "keyrings", words_from_keyrings(p->keyrings, rings));
	json_object_object_add(o, "signed_drivers",
			       json_object_new_boolean(p->signed_drivers));
	json_str(o, "audit", p->audit == AIOFFLOAD_AUDIT_EXEC ? "exec" : "batch");
	json_object_object_add(o, "locked", json_object_new_boolean(p->locked));
	json_u64(o, "keys", p->nr_keys);
	json_u64(o, "admitted", p->admitted);
	json_u64(o, "refused", p->refused);
	json_u64(o, "denied", p->denied);
	json_u64(o, "audit_lost", p->lost);
	return json_print(o);
}

static void print_text(const struct aioffload_policy *p)
{
	static const char *const meaning[] = {
		[AIOFFLOAD_POLICY_OFF] = "signatures are not looked at",
		[AIOFFLOAD_POLICY_PERMISSIVE] =
			"what enforce would refuse is recorded and admitted",
		[AIOFFLOAD_POLICY_ENFORCE] = "only signed models are admitted",
	};
	char rings[WORDS_KEYRINGS_LEN];

	printf("mode            %s: %s\n", aioffload_policy_mode_name(p->mode),
	       p->mode <= AIOFFLOAD_POLICY_ENFORCE ? meaning[p->mode] : "?");
	printf("keys            %u in .aioffload", p->nr_keys);
	if (p->keyrings)
		printf("; also the keyrings %s",
		       words_from_keyrings(p->keyrings, rings));
	printf("\nsigned drivers  %s\n", p->signed_drivers ?
	       "required: models run on no other" : "not required");
	printf("audit           %s\n", p->audit == AIOFFLOAD_AUDIT_EXEC ?
	       "exec: a record for each execution" :
	       "batch: executions are counted, counts recorded");
	printf("locked          %s\n", p->locked ?
	       "yes: can only be made stricter" : "no");
	printf("models          %" PRIu64 " admitted, %" PRIu64 " refused\n",
	       (uint64_t)p->admitted, (uint64_t)p->refused);
	if (p->denied)
		printf("other refusals  %" PRIu64 " for rights, devices, limits\n",
		       (uint64_t)p->denied);
	if (p->lost)
		printf("audit records   %" PRIu64 " could not be written; later ones hold their counts\n",
		       (uint64_t)p->lost);
	if (!p->nr_keys && !p->keyrings && p->mode == AIOFFLOAD_POLICY_ENFORCE)
		puts("\nNo key is known, so every model is refused. Put a certificate into\n"
		     "/etc/aioffload/keys.d, then: sudo systemctl reload aioffloadd");
}

int cmd_policy(int argc, char **argv)
{
	struct policy_args args = { 0 };
	struct aioffload_ctx *ctx;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	ret = aioffload_open(AIOFFLOAD_DEVICE_ANY, &ctx);
	if (ret)
		return cli_lib_error(ret);
	if (args.verb == LOCK) {
		args.policy.locked = 1;
		args.set = AIOFFLOAD_POLICY_SET_LOCKED;
	}
	ret = args.set ? aioffload_policy_set(ctx, &args.policy, args.set) :
		aioffload_policy_get(ctx, &args.policy);
	aioffload_close(ctx);
	if (ret)
		return cli_lib_error(ret);
	if (args.json)
		return print_json(&args.policy);
	if (args.verb == SHOW)
		print_text(&args.policy);
	return CLI_OK;
}
