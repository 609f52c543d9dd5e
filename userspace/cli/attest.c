// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * aioffload attest log: the models in a measurement list.
 * aioffload attest verify: those that a TPM vouches for.
 */
#include <errno.h>
#include <linux/aioffload.h>
#include <stdlib.h>
#include <string.h>

#include "attest.h"
#include "cli.h"

#define LOCAL_LIST	"/sys/kernel/security/ima/binary_runtime_measurements"
#define MAX_SMALL	(1U << 20)
#define MAX_WANTED	256

struct attest_args {
	const char *list;
	const char *quote;
	const char *sig;
	const char *key;
	const char *pcrs;
	const char *nonce;
	const char *wanted[MAX_WANTED];
	size_t nr_wanted;
	bool only;
	bool enforced;
	bool json;
};

/**
 * struct models - what a list holds
 * @entry:	number of the list's entry, from 1
 */
struct models {
	struct {
		struct aim_measured m;
		size_t entry;
	} *of;
	size_t n;
	size_t room;
};

static int model_add(struct models *models, const struct aim_measured *m,
		     size_t entry)
{
	if (models->n == models->room) {
		size_t room = models->room ? 2 * models->room : 64;
		void *more = realloc(models->of, room * sizeof(*models->of));

		if (!more)
			return cli_error(CLI_FAILED, "out of memory");
		models->of = more;
		models->room = room;
	}
	models->of[models->n].m = *m;
	models->of[models->n++].entry = entry;
	return CLI_OK;
}

/*
 * The kernel's lists are files without a size: read until the end. "-" is
 * standard input.
 */
static int load(const char *path, size_t max, uint8_t **data, size_t *bytes)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	uint8_t *buf = NULL, *more;
	size_t n = 0, room = 0;

	if (!f)
		return cli_error(errno == EACCES ? CLI_SETUP : CLI_FAILED,
				 "can't open %s: %s", path, strerror(errno));
	while (!feof(f) && !ferror(f) && n <= max) {
		if (n == room) {
			room = room ? 2 * room : 65536;
			more = realloc(buf, room);
			if (!more) {
				errno = ENOMEM;
				break;
			}
			buf = more;
		}
		n += fread(buf + n, 1, room - n, f);
	}
	if (!feof(f) || ferror(f)) {
		int err = errno;

		if (f != stdin)
			fclose(f);
		free(buf);
		if (n > max)
			return cli_error(CLI_REFUSED, "%s has more than %zu bytes",
					 path, max);
		return cli_error(CLI_FAILED, "can't read %s: %s", path,
				 strerror(err));
	}
	if (f != stdin)
		fclose(f);
	*data = buf;
	*bytes = n;
	return CLI_OK;
}

static int refused(const char *path, int err, const struct attest_reason *why)
{
	if (err == -ENOMEM)
		return cli_error(CLI_FAILED, "out of memory");
	return cli_error(CLI_REFUSED, "%s: %s", path, why->text);
}

/* ---- the quote ---------------------------------------------------------- */

struct evidence {
	struct attest_quote quote;
	struct attest_sig sig;
	struct attest_pcrs pcrs;
	uint8_t now[ATTEST_MAX_BANKS][ATTEST_MAX_HASH];	/* PCR, replayed */
};

static int check_nonce(const struct attest_args *args,
		       const struct attest_quote *q)
{
	char have[2 * sizeof(q->nonce) + 1];

	if (!args->nonce)
		return CLI_OK;
	text_hex(q->nonce, q->nonce_len, have);
	if (strcasecmp(have, args->nonce))
		return cli_error(CLI_REFUSED, "%s: the nonce is %s, not the one asked for: an old quote?",
				 args->quote, q->nonce_len ? have : "empty");
	return CLI_OK;
}

/* Before anything in it is believed: is it the TPM's own? */
static int check_signature(const struct attest_args *args,
			   struct evidence *e, const uint8_t *quote,
			   size_t quote_len)
{
	uint8_t *sig = NULL, *key = NULL;
	size_t sig_len, key_len;
	struct attest_reason why;
	int ret, err;

	ret = load(args->sig, MAX_SMALL, &sig, &sig_len);
	if (!ret)
		ret = load(args->key, MAX_SMALL, &key, &key_len);
	if (ret)
		goto out;
	err = attest_sig_read(sig, sig_len, &e->sig, &why);
	if (err) {
		ret = refused(args->sig, err, &why);
		goto out;
	}
	err = attest_sig_check(&e->sig, quote, quote_len, key, key_len, &why);
	if (err)
		ret = refused(args->quote, err, &why);
out:
	free(sig);
	free(key);
	return ret;
}

static int check_pcrs(const struct attest_args *args, struct evidence *e)
{
	struct attest_reason why;
	uint8_t *data;
	size_t bytes;
	int ret, err;

	if (!args->pcrs)
		return CLI_OK;
	ret = load(args->pcrs, MAX_SMALL, &data, &bytes);
	if (ret)
		return ret;
	err = attest_pcrs_read(data, bytes, &e->quote, &e->pcrs, &why);
	if (!err)
		err = attest_pcrs_check(&e->quote, e->sig.hash, &e->pcrs, &why);
	free(data);
	return err ? refused(args->pcrs, err, &why) : CLI_OK;
}

/* Without a file of PCRs only our own may have been quoted: it is replayed. */
static int check_banks(const struct attest_args *args,
		       const struct attest_quote *q)
{
	bool ours = false;
	unsigned int i;

	for (i = 0; i < q->nr_banks; i++) {
		uint32_t pcrs = q->banks[i].pcrs;

		if (!args->pcrs && pcrs & ~(1U << ATTEST_PCR))
			return cli_error(CLI_REFUSED, "%s: it covers more PCRs than %d: give their values with --pcrs",
					 args->quote, ATTEST_PCR);
		/* A SHA-1 bank alone proves little; beside others it must fit. */
		if (pcrs >> ATTEST_PCR & 1 && q->banks[i].alg != ATTEST_SHA1)
			ours = true;
	}
	if (!ours)
		return cli_error(CLI_REFUSED, "%s: it does not cover PCR %d of a SHA-256 bank or better",
				 args->quote, ATTEST_PCR);
	return CLI_OK;
}

static int check_quote(const struct attest_args *args, struct evidence *e)
{
	struct attest_reason why;
	uint8_t *quote;
	size_t len;
	int ret, err;

	ret = load(args->quote, MAX_SMALL, &quote, &len);
	if (ret)
		return ret;
	ret = check_signature(args, e, quote, len);
	if (!ret) {
		err = attest_quote_read(quote, len, &e->quote, &why);
		if (err)
			ret = refused(args->quote, err, &why);
	}
	free(quote);
	if (!ret)
		ret = check_nonce(args, &e->quote);
	if (!ret)
		ret = check_banks(args, &e->quote);
	if (!ret)
		ret = check_pcrs(args, e);
	return ret;
}

/* ---- the list ----------------------------------------------------------- */

static int extend(struct evidence *e, const struct attest_entry *entry)
{
	static const uint8_t zeros[256];
	uint8_t digest[ATTEST_MAX_HASH];
	struct attest_piece data[2] = {
		{ entry->data, entry->bytes }, { zeros, entry->padded },
	};
	unsigned int i;

	for (i = 0; i < e->quote.nr_banks; i++) {
		unsigned int alg = e->quote.banks[i].alg;
		size_t n = attest_hash_bytes(alg);
		struct attest_piece step[2] = {
			{ e->now[i], n }, { digest, n },
		};
		int ret = 0;

		if (entry->violation)
			memset(digest, 0xff, n);
		else
			ret = attest_hash(alg, data, 2, digest);
		if (!ret)
			ret = attest_hash(alg, step, 2, e->now[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* Has the list, up to here, the PCR that was quoted? */
static bool arrived(const struct attest_args *args, const struct evidence *e)
{
	const struct attest_quote *q = &e->quote;
	struct attest_pcrs p = { 0 };
	struct attest_reason why;
	unsigned int i;

	if (!args->pcrs) {
		for (i = 0; i < q->nr_banks; i++)
			memcpy(p.value[i][ATTEST_PCR], e->now[i],
			       ATTEST_MAX_HASH);
		return !attest_pcrs_check(q, e->sig.hash, &p, &why);
	}
	for (i = 0; i < q->nr_banks; i++) {
		if (q->banks[i].pcrs >> ATTEST_PCR & 1 &&
		    memcmp(e->pcrs.value[i][ATTEST_PCR], e->now[i],
			   attest_hash_bytes(q->banks[i].alg)))
			return false;
	}
	return true;
}

struct replay {
	struct models models;
	size_t entries;		/* in the list */
	size_t covered;		/* by the quote */
};

/*
 * The list may have grown since the quote: what comes after is read, but not
 * vouched for. Without a quote all of it is.
 */
static int replay(const struct attest_args *args, struct evidence *e,
		  struct attest_list *list, struct replay *r)
{
	struct attest_reason why;
	struct attest_entry entry;
	struct aim_measured m;
	bool done = e && arrived(args, e);
	int ret;

	while ((ret = attest_list_next(list, &entry, &why)) > 0) {
		r->entries++;
		if (done || entry.pcr != ATTEST_PCR)
			continue;
		ret = attest_entry_model(&entry, &m, &why);
		if (ret < 0)
			break;
		if (ret && model_add(&r->models, &m, list->n))
			return CLI_FAILED;
		if (!e)
			continue;
		if (extend(e, &entry))
			return cli_error(CLI_FAILED, "can't compute a hash");
		done = arrived(args, e);
		if (done)
			r->covered = r->entries;
	}
	if (ret < 0)
		return refused(args->list, ret, &why);
	if (e && !done)
		return cli_error(CLI_REFUSED, "%s: the list does not lead to the PCR that the TPM quoted: it was changed, or is of another machine or boot",
				 args->list);
	if (!e)
		r->covered = r->entries;
	return CLI_OK;
}

static int read_list(const struct attest_args *args, struct evidence *e,
		     struct replay *r)
{
	struct attest_list list;
	uint8_t *data;
	size_t bytes;
	int ret;

	ret = load(args->list, ATTEST_MAX_LIST, &data, &bytes);
	if (ret)
		return ret;
	attest_list_open(&list, data, bytes);
	ret = replay(args, e, &list, r);
	attest_list_close(&list);
	free(data);
	return ret;
}

/* ---- what is asked of it ------------------------------------------------ */

static bool is_wanted(const struct aim_measured *m, const char *wanted)
{
	const char *colon = strrchr(wanted, ':');
	char hex[TEXT_DIGEST_LEN], number[24];

	if (!strncmp(wanted, "sha256:", 7))
		wanted += 7;
	text_hex(m->digest, sizeof(m->digest), hex);
	if (!strcmp(wanted, hex))
		return true;
	if (!colon)
		return false;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)m->version);
	return !strcmp(colon + 1, number) && m->name[0] &&
	       strlen(m->name) == (size_t)(colon - wanted) &&
	       !strncmp(m->name, wanted, (size_t)(colon - wanted));
}

static int check_wanted(const struct attest_args *args,
			const struct models *models)
{
	char hex[TEXT_DIGEST_LEN];
	size_t i, k;

	for (i = 0; i < args->nr_wanted; i++) {
		for (k = 0; k < models->n; k++) {
			if (is_wanted(&models->of[k].m, args->wanted[i]))
				break;
		}
		if (k == models->n)
			return cli_error(CLI_REFUSED, "model %s is not among those attested",
					 args->wanted[i]);
	}
	for (k = 0; k < models->n; k++) {
		text_hex(models->of[k].m.digest, 32, hex);
		for (i = 0; i < args->nr_wanted; i++) {
			if (is_wanted(&models->of[k].m, args->wanted[i]))
				break;
		}
		if (args->only && i == args->nr_wanted)
			return cli_error(CLI_REFUSED, "model sha256:%s was admitted, and is none of those required",
					 hex);
		if (args->enforced &&
		    models->of[k].m.mode != AIOFFLOAD_POLICY_ENFORCE)
			return cli_error(CLI_REFUSED, "model sha256:%s was admitted while the policy was not enforced",
					 hex);
	}
	return CLI_OK;
}

/* ---- output ------------------------------------------------------------- */

static const char *const mode_names[] = { "off", "permissive", "enforce" };

static bool has_key(const struct aim_measured *m)
{
	static const uint8_t zeros[32];

	return memcmp(m->key, zeros, sizeof(zeros));
}

static struct json_object *models_json(const struct models *models)
{
	struct json_object *array = json_object_new_array();
	char hex[TEXT_DIGEST_LEN], name[3 * AIM_NAME_LEN];
	size_t i;

	for (i = 0; i < models->n; i++) {
		const struct aim_measured *m = &models->of[i].m;
		struct json_object *o = json_object_new_object();

		json_str(o, "digest", text_hex(m->digest, 32, hex));
		if (has_key(m))
			json_str(o, "key", text_hex(m->key, 32, hex));
		if (m->name[0]) {
			json_str(o, "name",
				 text_clean(m->name, name, sizeof(name)));
			json_u64(o, "version", m->version);
		}
		json_str(o, "mode", mode_names[m->mode]);
		json_u64(o, "time_ns", m->time_ns);
		json_u64(o, "entry", models->of[i].entry);
		json_object_array_add(array, o);
	}
	return array;
}

static void models_print(const struct models *models)
{
	char hex[TEXT_DIGEST_LEN], name[3 * AIM_NAME_LEN];
	size_t i;

	for (i = 0; i < models->n; i++) {
		const struct aim_measured *m = &models->of[i].m;

		printf("%s %llu sha256:%s %s",
		       m->name[0] ? text_clean(m->name, name, sizeof(name)) : "-",
		       (unsigned long long)m->version,
		       text_hex(m->digest, 32, hex), mode_names[m->mode]);
		if (has_key(m))
			printf(" key %s\n", text_hex(m->key, 32, hex));
		else
			printf(" unsigned\n");
	}
}

static struct json_object *verdict_json(const struct attest_args *args,
					const struct evidence *e,
					const struct replay *r)
{
	const struct attest_quote *q = &e->quote;
	struct json_object *o = json_object_new_object();
	struct json_object *banks = json_object_new_array();
	char nonce[2 * sizeof(q->nonce) + 1];
	unsigned int i;

	json_object_object_add(o, "verified", json_object_new_boolean(true));
	json_object_object_add(o, "nonce_checked",
			       json_object_new_boolean(args->nonce != NULL));
	json_str(o, "nonce", text_hex(q->nonce, q->nonce_len, nonce));
	for (i = 0; i < q->nr_banks; i++) {
		if (q->banks[i].pcrs >> ATTEST_PCR & 1)
			json_object_array_add(banks, json_object_new_string(
				attest_hash_name(q->banks[i].alg)));
	}
	json_object_object_add(o, "banks", banks);
	json_u64(o, "entries", r->entries);
	json_u64(o, "covered", r->covered);
	json_u64(o, "clock_ms", q->clock_ms);
	json_u64(o, "resets", q->resets);
	json_object_object_add(o, "models", models_json(&r->models));
	return o;
}

static int verdict_print(const struct attest_args *args,
			 const struct replay *r)
{
	if (!args->nonce)
		cli_error(CLI_OK, "no --nonce: the quote may be old");
	printf("verified: %zu of %zu measurements, %zu of them models\n",
	       r->covered, r->entries, r->models.n);
	models_print(&r->models);
	return CLI_OK;
}

/* ---- commands ----------------------------------------------------------- */

enum {
	OPT_QUOTE = 0x100,
	OPT_SIG,
	OPT_AK,
	OPT_LOG,
	OPT_PCRS,
	OPT_NONCE,
	OPT_REQUIRE,
	OPT_ONLY,
	OPT_ENFORCED,
};

static const struct argp_option verify_options[] = {
	{ "quote", OPT_QUOTE, "FILE", 0, "What the TPM signed (tpm2_quote -m)", 0 },
	{ "sig", OPT_SIG, "FILE", 0, "Its signature (tpm2_quote -s)", 0 },
	{ "ak", OPT_AK, "FILE", 0, "The TPM's attestation key, public, PEM", 0 },
	{ "log", OPT_LOG, "FILE", 0, "The measurement list, binary or ASCII", 0 },
	{ "pcrs", OPT_PCRS, "FILE", 0, "Values of the PCRs (tpm2_quote -o); needed if more than PCR 10 was quoted", 0 },
	{ "nonce", OPT_NONCE, "HEX", 0, "What was given to tpm2_quote -q: proves that the quote is new", 0 },
	{ "require", OPT_REQUIRE, "NAME:VERSION|DIGEST", 0, "This model must have been admitted; repeatable", 0 },
	{ "only", OPT_ONLY, NULL, 0, "And no other one", 0 },
	{ "enforced", OPT_ENFORCED, NULL, 0, "All must have been admitted under enforce", 0 },
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

static void check_args(const struct attest_args *args, struct argp_state *state)
{
	const char *p;

	if (!args->quote || !args->sig || !args->key || !args->list)
		argp_error(state, "--quote, --sig, --ak and --log are needed");
	/* a variable that nobody has set must not pass for a check */
	if (args->nonce && !*args->nonce)
		argp_error(state, "--nonce is empty");
	for (p = args->nonce; p && *p; p++) {
		if (!strchr("0123456789abcdefABCDEF", *p))
			argp_error(state, "--nonce: '%s' is not hexadecimal",
				   args->nonce);
	}
	if (args->only && !args->nr_wanted)
		argp_error(state, "--only needs --require");
}

static error_t parse_verify(int key, char *arg, struct argp_state *state)
{
	struct attest_args *args = state->input;

	switch (key) {
	case OPT_QUOTE:
		args->quote = arg;
		return 0;
	case OPT_SIG:
		args->sig = arg;
		return 0;
	case OPT_AK:
		args->key = arg;
		return 0;
	case OPT_LOG:
		args->list = arg;
		return 0;
	case OPT_PCRS:
		args->pcrs = arg;
		return 0;
	case OPT_NONCE:
		args->nonce = arg;
		return 0;
	case OPT_REQUIRE:
		if (args->nr_wanted == MAX_WANTED)
			argp_error(state, "more than %d times --require",
				   MAX_WANTED);
		args->wanted[args->nr_wanted++] = arg;
		return 0;
	case OPT_ONLY:
		args->only = true;
		return 0;
	case OPT_ENFORCED:
		args->enforced = true;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_END:
		check_args(args, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp verify_argp = {
	.options = verify_options,
	.parser = parse_verify,
	.doc = "Say which models a machine has admitted, as its TPM vouches for.",
};

static int cmd_verify(int argc, char **argv)
{
	struct attest_args args = { 0 };
	struct evidence *e = calloc(1, sizeof(*e));
	struct replay r = { 0 };
	int ret;

	argp_parse(&verify_argp, argc, argv, 0, NULL, &args);
	if (!e)
		return cli_error(CLI_FAILED, "out of memory");
	ret = check_quote(&args, e);
	if (!ret)
		ret = read_list(&args, e, &r);
	if (!ret)
		ret = check_wanted(&args, &r.models);
	if (!ret)
		ret = args.json ? json_print(verdict_json(&args, e, &r)) :
				  verdict_print(&args, &r);
	free(r.models.of);
	free(e);
	return ret;
}

static const struct argp_option log_options[] = {
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

static error_t parse_log(int key, char *arg, struct argp_state *state)
{
	struct attest_args *args = state->input;

	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->list)
			argp_error(state, "unexpected argument '%s'", arg);
		args->list = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp log_argp = {
	.options = log_options,
	.parser = parse_log,
	.args_doc = "[FILE]",
	.doc = "List the models in IMA's measurement list, this machine's or FILE.\v"
	       "Nothing vouches for the list: see 'aioffload attest verify'.",
};

static int cmd_log(int argc, char **argv)
{
	struct attest_args args = { 0 };
	struct replay r = { 0 };
	int ret;

	argp_parse(&log_argp, argc, argv, 0, NULL, &args);
	if (!args.list)
		args.list = LOCAL_LIST;
	ret = read_list(&args, NULL, &r);
	if (!ret && args.json) {
		struct json_object *o = json_object_new_object();

		json_u64(o, "entries", r.entries);
		json_object_object_add(o, "models", models_json(&r.models));
		ret = json_print(o);
	} else if (!ret) {
		models_print(&r.models);
	}
	free(r.models.of);
	return ret;
}

static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	int *at = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (strcmp(arg, "log") && strcmp(arg, "verify"))
			argp_error(state, "there is no command 'attest %s'", arg);
		*at = state->next - 1;
		state->next = state->argc;	/* the rest is the command's */
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a command is missing: log or verify");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp top_argp = {
	.parser = parse_top,
	.args_doc = "log|verify [ARGUMENT...]",
	.doc = "Which models were admitted, as IMA and a TPM remember it.\v"
	       "'aioffload attest COMMAND --help' says more.",
};

int cmd_attest(int argc, char **argv)
{
	char log_name[] = "aioffload attest log";
	char verify_name[] = "aioffload attest verify";
	int at = 0;
	bool log;

	argp_parse(&top_argp, argc, argv, ARGP_IN_ORDER, NULL, &at);
	log = !strcmp(argv[at], "log");
	argv[at] = log ? log_name : verify_name;
	return log ? cmd_log(argc - at, argv + at) :
		     cmd_verify(argc - at, argv + at);
}
