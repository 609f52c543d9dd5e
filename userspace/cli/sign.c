// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload model manifest, aioffload model sign. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "oms.h"
#include "sign.h"

enum { KEY_PASS_FILE = 0x300, KEY_OMS, KEY_EMBED };

struct sign_args {
	struct subject of;
	const char *out;
	const char *key;
	const char *cert;
	const char *pass_file;
	struct oms_ignore ignore;
	struct manifest_args manifest;
	bool oms;
	bool embed;
};

/* ---- both --------------------------------------------------------------- */

static int write_out(const char *path, const struct sealed *s)
{
	struct out_file out;
	int ret = out_open(&out, path);

	if (!ret)
		ret = out_write(&out, s->data, s->bytes);
	if (!ret)
		ret = out_commit(&out);
	return ret;
}

/* @id: of the key, or NULL: not signed. */
static int report(const char *path, const struct aim_manifest *m,
		  const uint8_t *id, bool json)
{
	char hex[TEXT_DIGEST_LEN], clean[1024];
	struct json_object *obj;
	FILE *to = strcmp(path, "-") ? stdout : stderr;

	if (json) {
		obj = json_object_new_object();
		json_str(obj, "file", path);
		json_str(obj, "sha256", text_hex(m->model_digest, 32, hex));
		if (id)
			json_str(obj, "key_id", text_hex(id, KEY_ID_LEN, hex));
		json_object_object_add(obj, "manifest", manifest_json(m));
		return json_print(obj);
	}
	fprintf(to, "%s: %s version %" PRIu64 ", %s%s\n",
		text_clean(path, clean, sizeof(clean)), m->name,
		(uint64_t)m->model_version, id ? "signed with key " :
		"with a manifest, not signed yet",
		id ? text_hex(id, KEY_ID_LEN, hex) : "");
	return CLI_OK;
}

/* What must hold of every command line of both. */
static void check_args(struct argp_state *state, const struct sign_args *args)
{
	if (args->of.json && args->out && !strcmp(args->out, "-"))
		argp_error(state, "--json and --output - both want standard output");
}

static const struct argp_child manifest_children[] = {
	{ &subject_json_argp, 0, NULL, 0 },
	{ &manifest_argp, 0, "", 1 },
	{ 0 }
};

static const struct argp_child sign_children[] = {
	{ &subject_json_argp, 0, NULL, 0 },
	{ &manifest_argp, 0, "", 1 },
	{ &oms_ignore_argp, 0, NULL, 0 },
	{ 0 }
};

/* ---- manifest ----------------------------------------------------------- */

static const struct argp_option manifest_options[] = {
	{ "output", 'o', "OUT", 0, "Where to write; default: MODEL.aim itself", 0 },
	{ 0 }
};

static error_t manifest_parse(int key, char *arg, struct argp_state *state)
{
	struct sign_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->of;
		state->child_inputs[1] = &args->manifest;
		return 0;
	case 'o':
		args->out = arg;
		return 0;
	case ARGP_KEY_END:
		check_args(state, args);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp manifest_command = {
	.options = manifest_options,
	.parser = manifest_parse,
	.args_doc = "MODEL.aim",
	.doc = "Add a manifest to a model, for those who sign with the kernel's "
	       "own scripts/sign-file.\v"
	       "A manifest and a signature that the file has are replaced. Then: "
	       "scripts/sign-file sha256 KEY CERT OUT. 'aioffload model sign' "
	       "does both at once.",
	.children = manifest_children,
};

int cmd_model_manifest(int argc, char **argv)
{
	struct sign_args args = {
		.of.what = "model", .manifest.version = 1,
	};
	struct sealed sealed = { 0 };
	struct aim_manifest m;
	struct signed_file f;
	const char *out;
	int ret;

	argp_parse(&manifest_command, argc, argv, 0, NULL, &args);
	out = args.out ? args.out : args.of.name;
	ret = signed_load(args.of.name, &f);
	if (ret)
		return ret;
	ret = manifest_make(&args.manifest, args.of.name, &f, &m);
	if (!ret)
		ret = seal_manifest(&f, &m, &sealed);
	if (!ret)
		ret = write_out(out, &sealed);
	if (!ret)
		ret = report(out, &m, NULL, args.of.json);
	seal_free(&sealed);
	signed_free(&f);
	return ret;
}

/* ---- sign --------------------------------------------------------------- */

static const struct argp_option sign_options[] = {
	{ "key", 'k', "KEY", 0,
	  "Private key: a file, or a URI such as pkcs11:...", 0 },
	{ "cert", 'c', "CERT", 0,
	  "Its certificate; default: KEY with the suffix .pem", 0 },
	{ "passphrase-file", KEY_PASS_FILE, "FILE", 0,
	  "First line of FILE opens the key; default: asked for", 0 },
	{ "output", 'o', "OUT", 0, "Where to write; default: MODEL.aim itself", 0 },
	{ "embed-cert", KEY_EMBED, NULL, 0,
	  "Put the certificate into the signature: for keys that the kernel's own keyrings know",
	  0 },
	{ "oms", KEY_OMS, NULL, 0,
	  "Write an OpenSSF model signature of a file or directory instead", 0 },
	{ 0 }
};

static void check_sign(struct argp_state *state, struct sign_args *args)
{
	size_t i;

	check_args(state, args);
	if (!args->key)
		argp_error(state, "--key is missing; make one with: aioffload model keygen");
	if (args->oms && (args->manifest.given || args->cert || args->embed))
		argp_error(state, "--oms knows no manifest and no certificate");
	if (!args->oms && args->ignore.nr)
		argp_error(state, "--ignore belongs to --oms");
	/* Others take these for patterns. */
	for (i = 0; i < args->ignore.nr; i++)
		if (strpbrk(args->ignore.path[i], "*?["))
			argp_error(state, "--ignore: '%s' is no plain path below the directory",
				   args->ignore.path[i]);
}

static error_t sign_parse(int key, char *arg, struct argp_state *state)
{
	struct sign_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->of;
		state->child_inputs[1] = &args->manifest;
		state->child_inputs[2] = &args->ignore;
		return 0;
	case 'k':
		args->key = arg;
		return 0;
	case 'c':
		args->cert = arg;
		return 0;
	case KEY_PASS_FILE:
		args->pass_file = arg;
		return 0;
	case 'o':
		args->out = arg;
		return 0;
	case KEY_EMBED:
		args->embed = true;
		return 0;
	case KEY_OMS:
		args->oms = true;
		return 0;
	case ARGP_KEY_END:
		check_sign(state, args);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp sign_command = {
	.options = sign_options,
	.parser = sign_parse,
	.args_doc = "MODEL.aim",
	.doc = "Sign a model for the kernel: add a manifest and a PKCS#7 "
	       "signature.\v"
	       "A signature that the file has is replaced. So is its manifest if "
	       "one of the manifest's options is given; without any it stays as "
	       "it is. See aioffload-model-sign(1).",
	.children = sign_children,
};

/* The manifest stays if there is one and nothing else is asked for. */
static int choose_manifest(const struct sign_args *args,
			   const struct signed_file *f, struct aim_manifest *m)
{
	struct aim_reason reason = { "" };
	uint8_t digest[32];

	if (args->manifest.given || !f->env.manifest)
		return manifest_make(&args->manifest, args->of.name, f, m);
	memcpy(m, f->env.manifest, sizeof(*m));
	if (signed_digest(f, digest))
		return cli_error(CLI_FAILED, "libcrypto can't compute SHA-256");
	if (aim_manifest_check(m, f->env.model_bytes, digest, &reason))
		return cli_error(CLI_REFUSED, "%s: %s", args->of.name, reason.text);
	return CLI_OK;
}

/* "dir/name.key" -> "dir/name.pem"; free() it. */
static char *default_cert(const char *key)
{
	static const char suffix[] = ".key";
	size_t len = strlen(key), cut = sizeof(suffix) - 1;
	char *out;

	if (len > cut && !strcmp(key + len - cut, suffix))
		len -= cut;
	return asprintf(&out, "%.*s.pem", (int)len, key) < 0 ? NULL : out;
}

static int load_pair(const struct sign_args *args, EVP_PKEY **key, X509 **cert)
{
	char *path = args->cert ? strdup(args->cert) : default_cert(args->key);
	int ret;

	ret = path ? cert_load(path, cert) :
		cli_error(CLI_FAILED, "out of memory");
	free(path);
	return ret ? ret : key_load(args->key, args->pass_file, key);
}

/* What was just made must pass; then it may take the place of what was there. */
static int check_result(const struct sealed *s, X509 *cert, bool system)
{
	struct signed_file f = { .data = s->data, .bytes = s->bytes };
	struct stack_st_X509 *certs = sk_X509_new_null();
	struct aim_reason reason = { "" };
	struct verdict v = { 0 };
	X509 *by;
	int ret = CLI_OK;

	if (!certs || !sk_X509_push(certs, cert))
		ret = cli_error(CLI_FAILED, "out of memory");
	else if (aim_envelope_open(f.data, f.bytes, &f.env, &reason))
		ret = cli_error(CLI_FAILED, "what was made is no signed model: %s",
				reason.text);
	/* signing what is not valid yet, or any more, is nobody's mistake */
	else if (envelope_judge(&f, certs, system, (uint64_t)time(NULL),
				&by, &v) &&
		 v.err != EKEYEXPIRED)
		ret = cli_error(CLI_FAILED, "what was made would be refused: %s",
				v.reason);
	else if (v.err)
		cli_error(CLI_OK, "note: refused now: %s", v.reason);
	sk_X509_free(certs);
	return ret;
}

static int sign_file(const struct sign_args *args, struct signed_file *f,
		     EVP_PKEY *key, X509 *cert)
{
	const char *out = args->out ? args->out : args->of.name;
	struct sealed sealed = { 0 };
	uint8_t id[KEY_ID_LEN];
	struct aim_manifest m;
	int ret;

	ret = choose_manifest(args, f, &m);
	if (!ret)
		ret = seal_manifest(f, &m, &sealed);
	if (!ret)
		ret = seal_sign(&sealed, key, cert, args->embed);
	if (!ret)
		ret = check_result(&sealed, cert, args->embed);
	if (!ret && key_id(key, id))
		ret = cli_error(CLI_FAILED, "%s", ssl_error());
	if (!ret)
		ret = write_out(out, &sealed);
	if (!ret)
		ret = report(out, &m, id, args->of.json);
	seal_free(&sealed);
	return ret;
}

int sign_bytes(const void *model, size_t bytes, const char *name,
	       const char *key_path, const char *cert_path, struct sealed *out)
{
	struct sign_args args = {
		.key = key_path, .cert = cert_path,
		.manifest = { .name = name, .version = 1 },
	};
	struct signed_file f = {
		.data = (void *)model, .bytes = bytes, .env.model_bytes = bytes,
	};
	struct aim_manifest m;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int ret;

	ret = load_pair(&args, &key, &cert);
	if (!ret)
		ret = manifest_make(&args.manifest, name, &f, &m);
	if (!ret)
		ret = seal_manifest(&f, &m, out);
	if (!ret)
		ret = seal_sign(out, key, cert, false);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ret;
}

static int sign_oms(const struct sign_args *args)
{
	struct oms_sign_args oms = {
		.path = args->of.name, .key = args->key,
		.pass_file = args->pass_file, .out = args->out,
		.ignore = &args->ignore,
		.json = args->of.json,
	};

	return oms_sign(&oms);
}

int cmd_model_sign(int argc, char **argv)
{
	struct sign_args args = {
		.of.what = "model", .manifest.version = 1,
	};
	EVP_PKEY *key = NULL;
	struct signed_file f;
	X509 *cert = NULL;
	int ret;

	argp_parse(&sign_command, argc, argv, 0, NULL, &args);
	if (args.oms)
		return sign_oms(&args);
	ret = signed_load(args.of.name, &f);
	if (ret)
		return ret;
	ret = load_pair(&args, &key, &cert);
	if (!ret)
		ret = sign_file(&args, &f, key, cert);
	X509_free(cert);
	EVP_PKEY_free(key);
	signed_free(&f);
	return ret;
}
