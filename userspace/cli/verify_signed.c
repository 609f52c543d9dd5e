// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload model verify: would a signed model be admitted, as far as is known? */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "oms.h"
#include "sign.h"

enum {
	KEY_CERT = 'c', KEY_DIR = 0x400, KEY_OMS, KEY_PUB, KEY_SYSTEM,
};

struct verify_args {
	struct subject of;
	const char *cert;
	const char *dir;
	const char *oms;
	const char *pubkey;
	struct oms_ignore ignore;
	bool system;
};

static const struct argp_option options[] = {
	{ "cert", KEY_CERT, "CERT", 0, "The certificate of who may have signed", 0 },
	{ "keys", KEY_DIR, "DIR", 0,
	  "All certificates there, such as /etc/aioffload/keys.d", 0 },
	{ "system-keyrings", KEY_SYSTEM, NULL, 0,
	  "They are in the kernel's own keyrings, not in .aioffload", 0 },
	{ "oms", KEY_OMS, "BUNDLE", 0,
	  "An OpenSSF model signature: of FILE, or with --cert or --keys the one that FILE's manifest names",
	  0 },
	{ "pubkey", KEY_PUB, "KEY", 0,
	  "Public key or certificate that made the bundle", 0 },
	{ 0 }
};

static void check_args(struct argp_state *state, const struct verify_args *args)
{
	if (args->cert && args->dir)
		argp_error(state, "--cert or --keys, not both");
	if (!args->cert && !args->dir && !args->oms)
		argp_error(state, "whose signature? Give --cert CERT, --keys %s, or --oms BUNDLE --pubkey KEY",
			   KEYS_DIR);
	if (!args->oms != !args->pubkey)
		argp_error(state, "--oms and --pubkey go together");
	if (args->system && !args->cert && !args->dir)
		argp_error(state, "--system-keyrings says where the certificates of --cert or --keys are");
	if (args->ignore.nr && (args->cert || args->dir))
		argp_error(state, "--ignore belongs to --oms alone");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct verify_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->of;
		state->child_inputs[1] = &args->ignore;
		return 0;
	case KEY_CERT:
		args->cert = arg;
		return 0;
	case KEY_DIR:
		args->dir = arg;
		return 0;
	case KEY_SYSTEM:
		args->system = true;
		return 0;
	case KEY_OMS:
		args->oms = arg;
		return 0;
	case KEY_PUB:
		args->pubkey = arg;
		return 0;
	case ARGP_KEY_END:
		check_args(state, args);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &subject_json_argp, 0, NULL, 0 },
	{ &oms_ignore_argp, 0, NULL, 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FILE",
	.children = children,
	.doc = "Say whether a signed model would be admitted: everything that "
	       "can be checked without the kernel.\v"
	       "What only the kernel knows, which keys it has and what is "
	       "blocked, is not looked at. Exit status 3: it would be refused.",
};

/* ---- what was found ----------------------------------------------------- */

/* The kernel's errno is told where the kernel would be asked. */
static int refuse(const struct verify_args *args, const struct verdict *v)
{
	struct json_object *obj;

	if (!args->of.json && (args->cert || args->dir))
		return cli_error(CLI_REFUSED, "%s would be refused (%s): %s",
				 args->of.name, strerrorname_np(v->err), v->reason);
	if (!args->of.json)
		return cli_error(CLI_REFUSED, "%s is not as signed: %s",
				 args->of.name, v->reason);
	obj = json_object_new_object();
	json_object_object_add(obj, "ok", json_object_new_boolean(false));
	json_str(obj, "file", args->of.name);
	json_str(obj, "error", strerrorname_np(v->err));
	json_str(obj, "reason", v->reason);
	json_print(obj);
	return CLI_REFUSED;
}

static void cert_json(struct json_object *obj, X509 *by, const char *id)
{
	char text[512];

	json_str(obj, "key_id", id);
	json_str(obj, "key", key_name(X509_get0_pubkey(by), text, sizeof(text)));
	json_str(obj, "signer", cert_subject(by, text, sizeof(text)));
}

static int accept_signed(const struct verify_args *args,
			 const struct aim_manifest *m, X509 *by,
			 const struct oms *oms)
{
	char id[TEXT_DIGEST_LEN] = "", hex[TEXT_DIGEST_LEN], text[512], key[80];
	struct json_object *obj;
	uint8_t raw[KEY_ID_LEN];

	if (!key_id(X509_get0_pubkey(by), raw))
		text_hex(raw, sizeof(raw), id);
	text_hex(m->model_digest, 32, hex);
	if (args->of.json) {
		obj = json_object_new_object();
		json_object_object_add(obj, "ok", json_object_new_boolean(true));
		json_str(obj, "file", args->of.name);
		json_str(obj, "sha256", hex);
		cert_json(obj, by, id);
		json_object_object_add(obj, "manifest", manifest_json(m));
		if (oms)
			json_object_object_add(obj, "oms_lists_model",
				json_object_new_boolean(oms_lists(oms,
						m->model_digest)));
		return json_print(obj);
	}
	printf("%s: good\n", text_clean(args->of.name, text, sizeof(text)));
	printf("sha256    %s\n", hex);
	printf("signed by %s, %s\n", cert_subject(by, text, sizeof(text)),
	       key_name(X509_get0_pubkey(by), key, sizeof(key)));
	printf("key id    %s\n", id);
	manifest_print(m);
	if (oms)
		printf("oms       the bundle is the one that the manifest names%s\n",
		       oms_lists(oms, m->model_digest) ? ", and lists this model" : "");
	return CLI_OK;
}

static int accept_oms(const struct verify_args *args, const struct oms *oms)
{
	char hex[TEXT_DIGEST_LEN], clean[1024];
	struct json_object *obj;

	text_hex(oms->root, 32, hex);
	if (args->of.json) {
		obj = json_object_new_object();
		json_object_object_add(obj, "ok", json_object_new_boolean(true));
		json_str(obj, "file", args->of.name);
		json_u64(obj, "files", oms->list.nr);
		json_str(obj, "oms_root", hex);
		return json_print(obj);
	}
	printf("%s: good, %zu %s as signed\n",
	       text_clean(args->of.name, clean, sizeof(clean)), oms->list.nr,
	       oms->rules.shard_size ? "shards" : "files");
	printf("oms root  %s\n", hex);
	return CLI_OK;
}

/* ---- the two ways ------------------------------------------------------- */

/* A bundle whose signature is good; CLI status, message printed. */
static int open_oms(const struct verify_args *args, struct oms **oms)
{
	struct verdict v = { 0 };
	EVP_PKEY *key = NULL;
	int ret;

	ret = key_load_public(args->pubkey, &key);
	if (!ret)
		ret = oms_load(args->oms, oms);
	if (!ret && oms_check_signature(*oms, key, &v))
		ret = refuse(args, &v);
	EVP_PKEY_free(key);
	return ret;
}

static void warn_of_dates(X509 *by)
{
	if (X509_cmp_current_time(X509_get0_notAfter(by)) < 0)
		cli_error(CLI_OK, "warning: the certificate is past its time; the kernel does not ask, but make a new key");
	else if (X509_cmp_current_time(X509_get0_notBefore(by)) > 0)
		cli_error(CLI_OK, "warning: the certificate is not valid yet; is the clock right?");
}

static int verify_signed(const struct verify_args *args, struct signed_file *f,
			 struct stack_st_X509 *certs)
{
	struct oms *oms = NULL;
	struct verdict v;
	X509 *by;
	int ret = CLI_OK;

	if (envelope_judge(f, certs, args->system, (uint64_t)time(NULL), &by,
			   &v))
		return refuse(args, &v);
	warn_of_dates(by);
	if (args->oms) {
		ret = open_oms(args, &oms);
		if (!ret && memcmp(oms->root, f->env.manifest->oms_root, 32)) {
			verdict_set(&v, EBADMSG, "the manifest names another OpenSSF signature, or none");
			ret = refuse(args, &v);
		}
	}
	if (!ret)
		ret = accept_signed(args, f->env.manifest, by, oms);
	oms_free(oms);
	return ret;
}

static int verify_kernel(const struct verify_args *args)
{
	struct stack_st_X509 *certs = sk_X509_new_null();
	struct signed_file f = { 0 };
	int ret;

	if (!certs)
		ret = cli_error(CLI_FAILED, "out of memory");
	else
		ret = args->dir ? certs_load_dir(args->dir, certs) :
			certs_load(args->cert, certs);
	if (!ret)
		ret = signed_load(args->of.name, &f);
	if (!ret)
		ret = verify_signed(args, &f, certs);
	signed_free(&f);
	sk_X509_pop_free(certs, X509_free);
	return ret;
}

static int verify_oms(struct verify_args *args)
{
	struct oms *oms = NULL;
	struct verdict v;
	int ret = open_oms(args, &oms);

	if (!ret && (oms_ignore_more(oms, &args->ignore, &v) ||
		     oms_check_files(oms, args->oms, args->of.name, &v)))
		ret = refuse(args, &v);
	if (!ret)
		ret = accept_oms(args, oms);
	oms_free(oms);
	return ret;
}

int cmd_model_verify(int argc, char **argv)
{
	struct verify_args args = { .of.what = "model" };

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	return args.cert || args.dir ? verify_kernel(&args) : verify_oms(&args);
}
