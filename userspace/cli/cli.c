// SPDX-License-Identifier: LGPL-2.1-or-later
/* The command aioffload: global options, subcommands, messages. */
#include <aioffload.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static void print_version(FILE *to, struct argp_state *state)
{
	fprintf(to, "aioffload %s (ABI %u)\n", aioffload_version(),
		AIOFFLOAD_ABI_VERSION);
}

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "devices", cmd_devices, "list the devices and their state" },
	{ "model",   cmd_model,	  "convert, sign and check models; say what is in one" },
	{ "run",     cmd_run,	  "run a model on raw tensors from a file" },
	{ "bench",   cmd_bench,	  "measure what a job costs on this machine" },
	{ "policy",  cmd_policy,  "show what is demanded of models, or change it" },
	{ "block",   cmd_block,	  "refuse models by digest, key or version" },
	{ "unblock", cmd_unblock, "no longer refuse them; end a quarantine" },
	{ "grant",   cmd_grant,	  "say what a cgroup may do" },
	{ "revoke",  cmd_revoke,  "take rights from a cgroup" },
	{ "rights",  cmd_rights,  "show what cgroups may do" },
	{ "limit",   cmd_limit,	  "limit what a cgroup may take" },
	{ "usage",   cmd_usage,	  "show what a cgroup has taken" },
	{ "sched",   cmd_sched,	  "show how devices are shared out" },
	{ "attest",  cmd_attest,  "which models were admitted, as a TPM vouches for" },
	{ "doctor",  cmd_doctor,  "say what is missing and what mends it" },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

struct top_args {
	const struct command *command;
	int argc;
	char **argv;
};

static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	struct top_args *args = state->input;
	size_t i;

	switch (key) {
	case ARGP_KEY_ARG:
		for (i = 0; i < NR_COMMANDS; i++)
			if (!strcmp(arg, commands[i].name))
				args->command = &commands[i];
		if (!args->command)
			argp_error(state, "there is no command '%s'", arg);
		args->argc = state->argc - state->next + 1;
		args->argv = state->argv + state->next - 1;
		state->next = state->argc;	/* the rest is the command's */
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a command is missing");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The list of commands, after the options. argp frees what is returned. */
static char *list_commands(const char *text, const struct command *list,
			   size_t n, const char *tail)
{
	char *out = NULL;
	size_t len = 0, i;
	FILE *f;

	f = open_memstream(&out, &len);
	if (!f)
		return (char *)text;
	fputs("Commands:\n", f);
	for (i = 0; i < n; i++)
		fprintf(f, "  %-10s %s\n", list[i].name, list[i].help);
	fprintf(f, "\n%s", tail);
	if (fclose(f))
		return (char *)text;
	return out;
}

static char *top_help(int key, const char *text, void *input)
{
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	return list_commands(text, commands, NR_COMMANDS,
			     "'aioffload COMMAND --help' says more, as does 'man aioffload'.");
}

static const struct argp top_argp = {
	.parser = parse_top,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "AI inference in the kernel.\v-",
	.help_filter = top_help,
};

int cli_main(int argc, char **argv)
{
	struct top_args args = { 0 };
	char name[64];
	error_t err;
	int status;

	argp_program_version_hook = print_version;
	argp_err_exit_status = CLI_USAGE;
	err = argp_parse(&top_argp, argc, argv, ARGP_IN_ORDER, NULL, &args);
	if (err)
		return cli_error(CLI_USAGE, "%s", strerror(err));
	/* so that messages of the command's own parser name it */
	snprintf(name, sizeof(name), "aioffload %s", args.command->name);
	args.argv[0] = name;
	status = args.command->run(args.argc, args.argv);
	err = cli_flush();
	return status ? status : err;
}

static const struct command model_commands[] = {
	{ "convert",  cmd_model_convert,  "make a .aim file from a .tflite file" },
	{ "info",     cmd_model_info,	  "say what is in a model file" },
	{ "keygen",   cmd_model_keygen,	  "make a key to sign with" },
	{ "sign",     cmd_model_sign,	  "sign a model" },
	{ "manifest", cmd_model_manifest, "prepare it for the kernel's sign-file" },
	{ "verify",   cmd_model_verify,	  "say whether a signed model would be admitted" },
	{ "trust",    cmd_model_trust,	  "have this machine admit what a key signs" },
};

#define NR_MODEL_COMMANDS (sizeof(model_commands) / sizeof(model_commands[0]))

static error_t parse_model(int key, char *arg, struct argp_state *state)
{
	struct top_args *args = state->input;
	size_t i;

	switch (key) {
	case ARGP_KEY_ARG:
		for (i = 0; i < NR_MODEL_COMMANDS; i++)
			if (!strcmp(arg, model_commands[i].name))
				args->command = &model_commands[i];
		if (!args->command)
			argp_error(state, "there is no command 'model %s'", arg);
		args->argc = state->argc - state->next + 1;
		args->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a command is missing: convert, info, keygen, sign, manifest, verify or trust");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static char *model_help(int key, const char *text, void *input)
{
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	return list_commands(text, model_commands, NR_MODEL_COMMANDS,
			     "'aioffload model COMMAND --help' says more.");
}

static const struct argp model_argp = {
	.parser = parse_model,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "Convert, sign and check models.\v-",
	.help_filter = model_help,
};

int cmd_model(int argc, char **argv)
{
	struct top_args args = { 0 };
	char name[64];
	error_t err;

	err = argp_parse(&model_argp, argc, argv, ARGP_IN_ORDER, NULL, &args);
	if (err)
		return cli_error(CLI_USAGE, "%s", strerror(err));
	snprintf(name, sizeof(name), "aioffload model %s", args.command->name);
	args.argv[0] = name;
	return args.command->run(args.argc, args.argv);
}

int cli_error(int status, const char *fmt, ...)
{
	va_list args;

	fflush(stdout);		/* keep the order when both go to one place */
	fputs("aioffload: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

int cli_lib_error(int err)
{
	char clean[1024];
	int status;

	switch (err < 0 ? -err : err) {
	case EACCES:
	case EPERM:
	case ENOENT:
	case ENODEV:
	case ENXIO:
	case ENOTTY:
	case EPROTO:
		status = CLI_SETUP;
		break;
	case ENOEXEC:
	case EBADMSG:
	case EINVAL:
	case EOPNOTSUPP:
	case E2BIG:
	case ENOKEY:
	case EKEYREJECTED:
	case EKEYREVOKED:
	case EKEYEXPIRED:
	case ENOPKG:
	case ENOTRECOVERABLE:
		status = CLI_REFUSED;
		break;
	default:
		status = CLI_FAILED;
	}
	return cli_error(status, "%s", text_clean(aioffload_last_error(), clean,
						  sizeof(clean)));
}

uint64_t cli_number(struct argp_state *state, const char *what,
		    const char *text, uint64_t min, uint64_t max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	/* strtoull() takes "-1" and leading blanks; a number starts with a digit */
	value = strtoull(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || value < min ||
	    value > max)
		argp_error(state, "%s: '%s' is not a whole number from %llu to %llu",
			   what, text, (unsigned long long)min,
			   (unsigned long long)max);
	return value;
}

static error_t parse_subject(int key, char *arg, struct argp_state *state)
{
	struct subject *s = state->input;

	switch (key) {
	case 'j':
		s->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (s->name)
			argp_error(state, "one %s at a time; '%s' is too many",
				   s->what, arg);
		s->name = arg;
		return 0;
	case ARGP_KEY_END:
		if (!s->name && !s->optional)
			argp_error(state, "the %s is missing", s->what);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option json_option[] = {
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

const struct argp subject_argp = { .parser = parse_subject };

const struct argp subject_json_argp = {
	.options = json_option,
	.parser = parse_subject,
};

const struct argp_child subject_child[] = {
	{ &subject_argp, 0, NULL, 0 },
	{ 0 }
};

const struct argp_child subject_json_child[] = {
	{ &subject_json_argp, 0, NULL, 0 },
	{ 0 }
};

uint32_t cli_device(struct argp_state *state, const char *text)
{
	static const char prefix[] = "aioffload";

	if (!strcmp(text, "any"))
		return AIOFFLOAD_DEVICE_ANY;
	if (!strncmp(text, "/dev/", 5))
		text += 5;
	if (!strncmp(text, prefix, sizeof(prefix) - 1))
		text += sizeof(prefix) - 1;
	return (uint32_t)cli_number(state, "--device", text, 0,
				    AIOFFLOAD_DEVICE_ANY - 1);
}
