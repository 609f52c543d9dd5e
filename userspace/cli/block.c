// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload block, unblock: models that are not admitted. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <stdlib.h>

#include "../common/common.h"
#include "cli.h"

#define MAX_CERT_BYTES	(1U << 20)
#define MAX_ENTRIES	(1U << 20)	/* a kernel that never comes to an end */

struct block_args {
	bool unblock;		/* which of the two commands it is */
	bool list, json, below, has;
	bool all;		/* --quarantine all */
	const char *cert;
	struct aioffload_block entry;
};

#define DIGEST_OPT { "digest", 'd', "SHA256", 0, \
	"A model, by its digest ('aioffload model info' says it)", 0 }
#define KEY_OPT { "key", 'k', "SHA256", 0, \
	"What this key signed, by its key id", 0 }
#define CERT_OPT { "cert", 'c', "FILE", 0, \
	"What the key of this certificate signed", 0 }

static const struct argp_option block_options[] = {
	DIGEST_OPT, KEY_OPT, CERT_OPT,
	{ "name", 'n', "NAME", 0, "Models of this name, with --below", 0 },
	{ "below", 'b', "VERSION", 0, "Versions below this one", 0 },
	{ "list", 'l', NULL, 0, "List what is blocked, and quarantined", 0 },
	{ "json", 'j', NULL, 0, "Print the list as JSON", 0 },
	{ 0 }
};

static const struct argp_option unblock_options[] = {
	DIGEST_OPT, KEY_OPT, CERT_OPT,
	{ "name", 'n', "NAME", 0, "Models of this name", 0 },
	{ "quarantine", 'q', "SHA256|all", 0,
	  "A model that the kernel has put into quarantine, or all of them", 0 },
	{ 0 }
};

static void one_only(struct argp_state *state, uint32_t kind)
{
	struct block_args *args = state->input;

	if (args->has)
		argp_error(state, "one of --digest, --key, --cert, --name%s at a time",
			   args->unblock ? ", --quarantine" : "");
	args->has = true;
	args->entry.kind = kind;
}

static void digest(struct argp_state *state, uint32_t kind, const char *arg)
{
	struct block_args *args = state->input;

	one_only(state, kind);
	if (words_digest(arg, args->entry.id))
		argp_error(state, "'%s' is not a SHA-256 of 64 hexadecimal digits",
			   arg);
}

static void name(struct argp_state *state, const char *arg)
{
	struct block_args *args = state->input;

	one_only(state, AIOFFLOAD_BLOCK_VERSION);
	if (!*arg || strlen(arg) >= sizeof(args->entry.name))
		argp_error(state, "a name has 1 to %zu characters",
			   sizeof(args->entry.name) - 1);
	strcpy(args->entry.name, arg);
}

static void check_end(struct argp_state *state)
{
	struct block_args *args = state->input;
	bool version = args->has && args->entry.kind == AIOFFLOAD_BLOCK_VERSION;

	if (args->list && args->has)
		argp_error(state, "--list goes with nothing else but --json");
	if (args->json && !args->list)
		argp_error(state, "--json goes with --list");
	if (!args->list && !args->has)
		argp_error(state, "what to %s is missing; see --help",
			   args->unblock ? "unblock" : "block");
	if (args->below != version && !args->unblock)
		argp_error(state, "--name and --below go together");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct block_args *args = state->input;

	switch (key) {
	case 'd':
		digest(state, AIOFFLOAD_BLOCK_DIGEST, arg);
		return 0;
	case 'k':
		digest(state, AIOFFLOAD_BLOCK_KEY, arg);
		return 0;
	case 'c':
		one_only(state, AIOFFLOAD_BLOCK_KEY);
		args->cert = arg;
		return 0;
	case 'n':
		name(state, arg);
		return 0;
	case 'b':
		args->entry.version = cli_number(state, "--below", arg, 1,
						 UINT64_MAX);
		args->below = true;
		return 0;
	case 'q':
		args->all = !strcmp(arg, "all");
		if (args->all)
			one_only(state, AIOFFLOAD_BLOCK_QUARANTINE);
		else
			digest(state, AIOFFLOAD_BLOCK_QUARANTINE, arg);
		return 0;
	case 'l':
		args->list = true;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_END:
		check_end(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp block_argp = {
	.options = block_options,
	.parser = parse,
	.doc = "Refuse models, and stop those of them that are loaded.\v"
	       "Holds until the module is loaded anew; to make it last, write it "
	       "into a file of /etc/aioffload/blocked.d.",
};

static const struct argp unblock_argp = {
	.options = unblock_options,
	.parser = parse,
	.doc = "Take models off the list of those that are refused.",
};

/* ---- list --------------------------------------------------------------- */

static void print_entry(const struct aioffload_block *b)
{
	char hex[TEXT_DIGEST_LEN], clean[4 * AIOFFLOAD_NAME_LEN];

	if (b->kind == AIOFFLOAD_BLOCK_VERSION)
		printf("%-10s %s below %" PRIu64 "\n",
		       aioffload_block_kind_name(b->kind),
		       text_clean(b->name, clean, sizeof(clean)),
		       (uint64_t)b->version);
	else if (b->kind == AIOFFLOAD_BLOCK_QUARANTINE)
		printf("%-10s %s for cgroup %" PRIu64 "\n",
		       aioffload_block_kind_name(b->kind),
		       text_hex(b->id, sizeof(b->id), hex), (uint64_t)b->version);
	else
		printf("%-10s %s\n", aioffload_block_kind_name(b->kind),
		       text_hex(b->id, sizeof(b->id), hex));
}

static struct json_object *entry_json(const struct aioffload_block *b)
{
	struct json_object *o = json_object_new_object();
	char hex[TEXT_DIGEST_LEN];

	json_str(o, "kind", aioffload_block_kind_name(b->kind));
	if (b->kind == AIOFFLOAD_BLOCK_VERSION) {
		json_str(o, "name", b->name);
		json_u64(o, "below", b->version);
	} else {
		json_str(o, "sha256", text_hex(b->id, sizeof(b->id), hex));
		if (b->kind == AIOFFLOAD_BLOCK_QUARANTINE)
			json_u64(o, "cgroup_id", b->version);
	}
	return o;
}

static int list(struct aioffload_ctx *ctx, bool json)
{
	struct json_object *top = NULL, *array = NULL;
	struct aioffload_block b;
	uint32_t i;
	int ret = 0;

	if (json) {
		top = json_object_new_object();
		array = json_object_new_array();
		json_object_object_add(top, "blocked", array);
	}
	for (i = 0; i < MAX_ENTRIES; i++) {
		ret = aioffload_block_get(ctx, i, &b);
		if (ret)
			break;
		if (json)
			json_object_array_add(array, entry_json(&b));
		else
			print_entry(&b);
	}
	if (ret && ret != -ENOENT) {
		json_object_put(top);
		return cli_lib_error(ret);
	}
	if (json)
		return json_print(top);
	if (!i)
		puts("Nothing is blocked, nothing is in quarantine.");
	return CLI_OK;
}

/* ---- block, unblock ----------------------------------------------------- */

static int key_of_cert(const char *path, uint8_t id[AIOFFLOAD_DIGEST_LEN])
{
	struct cert *certs = NULL;
	const char *why;
	size_t bytes;
	void *data;
	int n, ret;

	ret = file_load(path, MAX_CERT_BYTES, &data, &bytes);
	if (ret)
		return ret;
	n = certs_parse(data, bytes, &certs, &why);
	free(data);
	if (n < 0)
		return cli_error(CLI_REFUSED, "%s: %s", path, why);
	if (n != 1)
		ret = cli_error(CLI_REFUSED, "%s holds %d certificates, not one",
				path, n);
	else
		memcpy(id, certs[0].key_id, AIOFFLOAD_DIGEST_LEN);
	certs_free(certs, n);
	return ret;
}

static int find_quarantined(struct aioffload_ctx *ctx, struct aioffload_block *b)
{
	uint32_t i;
	int ret = 0;

	for (i = 0; !ret && i < MAX_ENTRIES; i++) {
		ret = aioffload_block_get(ctx, i, b);
		if (!ret && b->kind == AIOFFLOAD_BLOCK_QUARANTINE)
			return 0;
	}
	return ret ? ret : -ENOENT;
}

static int clear_quarantine(struct aioffload_ctx *ctx)
{
	struct aioffload_block b;
	unsigned int n = 0;
	int ret;

	/* Deleting moves the others; so from the start each time. */
	while (!(ret = find_quarantined(ctx, &b)) && n < MAX_ENTRIES) {
		ret = aioffload_block_del(ctx, &b);
		if (ret && ret != -ENOENT)
			break;
		n++;
	}
	if (ret && ret != -ENOENT)
		return cli_lib_error(ret);
	printf("%u models taken out of quarantine\n", n);
	return CLI_OK;
}

/* What is named by version alone is deleted whatever the version is. */
static int find_version(struct aioffload_ctx *ctx, struct aioffload_block *want)
{
	struct aioffload_block b;
	uint32_t i;

	for (i = 0; i < MAX_ENTRIES && !aioffload_block_get(ctx, i, &b); i++) {
		if (b.kind == AIOFFLOAD_BLOCK_VERSION &&
		    !strcmp(b.name, want->name)) {
			want->version = b.version;
			return 0;
		}
	}
	return -ENOENT;
}

static int act(struct aioffload_ctx *ctx, struct block_args *args)
{
	int ret;

	if (args->list)
		return list(ctx, args->json);
	if (args->all)
		return clear_quarantine(ctx);
	if (args->unblock) {
		if (args->entry.kind == AIOFFLOAD_BLOCK_VERSION)
			find_version(ctx, &args->entry);
		ret = aioffload_block_del(ctx, &args->entry);
		if (ret == -ENOENT)
			return cli_error(CLI_FAILED, "%s", aioffload_last_error());
	} else {
		ret = aioffload_block_add(ctx, &args->entry);
	}
	return ret ? cli_lib_error(ret) : CLI_OK;
}

static int block_or_unblock(struct block_args *args)
{
	struct aioffload_ctx *ctx;
	int ret;

	if (args->cert) {
		ret = key_of_cert(args->cert, args->entry.id);
		if (ret)
			return ret;
	}
	ret = aioffload_open(AIOFFLOAD_DEVICE_ANY, &ctx);
	if (ret)
		return cli_lib_error(ret);
	ret = act(ctx, args);
	aioffload_close(ctx);
	return ret;
}

int cmd_block(int argc, char **argv)
{
	struct block_args args = { 0 };

	argp_parse(&block_argp, argc, argv, 0, NULL, &args);
	return block_or_unblock(&args);
}

int cmd_unblock(int argc, char **argv)
{
	struct block_args args = { .unblock = true };

	argp_parse(&unblock_argp, argc, argv, 0, NULL, &args);
	return block_or_unblock(&args);
}
