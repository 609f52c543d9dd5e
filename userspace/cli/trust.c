// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * aioffload model trust: have this machine admit what a key signs, from now on
 * (the keyring) and after each boot (the directory that aioffloadd reads).
 */
#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/common.h"
#include "../common/keyring.h"
#include "sign.h"

#define KEY_NOW	0x500

struct trust_args {
	struct subject of;
	const char *dir;
	bool now_only;
};

static const struct argp_option options[] = {
	{ "dir", 'd', "DIR", 0, "Where certificates are kept; default: " KEYS_DIR,
	  0 },
	{ "now-only", KEY_NOW, NULL, 0, "Until the module is unloaded; keep no copy",
	  0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct trust_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->of;
		return 0;
	case 'd':
		args->dir = arg;
		return 0;
	case KEY_NOW:
		args->now_only = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "CERT",
	.children = subject_json_child,
	.doc = "Have this machine admit the models that a key signs: at once, and "
	       "after each boot.\v"
	       "Needs root. The way back: 'aioffload block', and removal of the "
	       "file that this command names.",
};

/* Parents one by one; 0755, as for anything below /etc. */
static int make_dirs(const char *dir)
{
	char *copy = strdup(dir), *p;
	int ret = CLI_OK;

	if (!copy)
		return cli_error(CLI_FAILED, "out of memory");
	for (p = copy + 1; !ret; p++) {
		char ch = *p;

		if (ch && ch != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) && errno != EEXIST)
			ret = cli_error(errno == EACCES ? CLI_SETUP : CLI_FAILED,
					"can't create %s: %s", copy,
					strerror(errno));
		*p = ch;
		if (!ch)
			break;
	}
	free(copy);
	return ret;
}

/* Named after the key: the same certificate twice is one file. */
static int keep(const struct trust_args *args, X509 *cert, const char *id,
		char **path)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct out_file out;
	char *pem = NULL;
	int ret;
	long n;

	ret = make_dirs(args->dir);
	if (!ret && (asprintf(path, "%s/%.16s.pem", args->dir, id) < 0 || !bio ||
		     !PEM_write_bio_X509(bio, cert))) {
		ret = cli_error(CLI_FAILED, "out of memory");
	}
	if (!ret) {
		n = BIO_get_mem_data(bio, &pem);
		ret = out_open(&out, *path);
		if (!ret)
			ret = out_write(&out, pem, (size_t)n);
		if (!ret)
			ret = out_commit(&out);
	}
	BIO_free(bio);
	return ret;
}

static int explain(int err)
{
	switch (-err) {
	case EACCES:
		return cli_error(CLI_SETUP, "the keyring " KEYRING_NAME " is root's to change: sudo aioffload model trust ...");
	case EPERM:
		return cli_error(CLI_REFUSED, "the keyring " KEYRING_NAME " is closed (keyctl restrict_keyring): it takes keys again when the module is loaded anew");
	case ENOENT:
	case ENOPKG:
		return cli_error(CLI_REFUSED, "this kernel has no code for the key's algorithm (Debian 12's 6.1 has no ECDSA): use an RSA key");
	case EDQUOT:
		return cli_error(CLI_FAILED, "the quota for keys is used up (/proc/sys/kernel/keys)");
	default:
		return cli_error(CLI_FAILED, "the kernel refused the certificate: %s",
				 strerror(-err));
	}
}

/* Under the name that aioffloadd gives it, if it is to lie in keys.d. */
static int add_der(int32_t ring, const void *der, size_t bytes, bool now_only)
{
	char desc[KEYRING_DESC_LEN];
	struct cert *certs;
	const char *why;
	int n;

	if (now_only)
		return keyring_add(ring, NULL, der, bytes);
	n = certs_parse(der, bytes, &certs, &why);
	if (n < 0)
		return n;
	keyring_describe(&certs[0], desc);
	certs_free(certs, n);
	return keyring_add(ring, desc, der, bytes);
}

/* *@added: whether it is in the keyring now; no module is no error. */
static int add_now(X509 *cert, bool now_only, bool *added)
{
	unsigned char *der = NULL;
	int32_t ring;
	int len, err;

	*added = false;
	err = keyring_find(&ring);
	if (err == -ENOENT)
		return CLI_OK;
	if (err)
		return cli_error(CLI_FAILED, "can't read /proc/keys: %s",
				 strerror(-err));
	len = i2d_X509(cert, &der);
	if (len <= 0)
		return cli_error(CLI_FAILED, "%s", ssl_error());
	err = add_der(ring, der, (size_t)len, now_only);
	OPENSSL_free(der);
	if (err)
		return explain(err);
	*added = true;
	return CLI_OK;
}

static int report(const struct trust_args *args, X509 *cert, const char *id,
		  const char *path, bool added)
{
	char text[512], clean[1024];
	struct json_object *obj;

	cert_subject(cert, text, sizeof(text));
	if (args->of.json) {
		obj = json_object_new_object();
		json_str(obj, "key_id", id);
		json_str(obj, "signer", text);
		if (path)
			json_str(obj, "file", path);
		json_object_object_add(obj, "in_keyring",
				       json_object_new_boolean(added));
		return json_print(obj);
	}
	printf("trusted   %s\nkey id    %s\n", text, id);
	if (path)
		printf("kept as   %s\n", text_clean(path, clean, sizeof(clean)));
	printf("keyring   %s\n", added ? "added, in effect" :
	       "the module is not loaded: in effect when aioffloadd has seen it");
	return CLI_OK;
}

static int trust(const struct trust_args *args, X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	char id[TEXT_DIGEST_LEN], *path = NULL;
	struct verdict v = { 0 };
	uint8_t raw[KEY_ID_LEN];
	bool added;
	int ret;

	if (!key || key_id(key, raw))
		return cli_error(CLI_REFUSED, "%s: %s", args->of.name, ssl_error());
	text_hex(raw, sizeof(raw), id);
	if (key_strong(key, &v))
		return cli_error(CLI_REFUSED, "%s: %s", args->of.name, v.reason);
	/* first what can fail for lack of an algorithm, then the copy */
	ret = add_now(cert, args->now_only, &added);
	if (!ret && args->now_only && !added)
		ret = cli_error(CLI_SETUP, "there is no keyring " KEYRING_NAME ": the module is not loaded, or only root sees it");
	if (!ret && !args->now_only)
		ret = keep(args, cert, id, &path);
	if (!ret)
		ret = report(args, cert, id, path, added);
	free(path);
	return ret;
}

int cmd_model_trust(int argc, char **argv)
{
	struct trust_args args = { .of.what = "certificate", .dir = KEYS_DIR };
	X509 *cert = NULL;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	ret = cert_load(args.of.name, &cert);
	if (!ret)
		ret = trust(&args, cert);
	X509_free(cert);
	return ret;
}
