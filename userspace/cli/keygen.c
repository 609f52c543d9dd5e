// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload model keygen: a key to sign models with, and its certificate. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sign.h"

#define PASS_MAX_LEN	256
/* OWASP's figure for PBKDF2 with HMAC-SHA-256 */
#define PBKDF2_ROUNDS	600000
#define KEY_PASS_FILE	0x100
#define KEY_CN		0x101

struct keygen_args {
	const char *dir;
	const char *name;
	const char *type;
	const char *cn;
	const char *pass_file;
	uint32_t days;
	bool ask;
	bool json;
};

static const struct {
	const char *name;
	int rsa_bits;
	const char *curve;
} types[] = {
	{ "rsa3072", 3072, NULL },
	{ "rsa4096", 4096, NULL },
	{ "ec-p256", 0, "P-256" },
	{ "ec-p384", 0, "P-384" },
};

#define NR_TYPES	(sizeof(types) / sizeof(types[0]))

static const struct argp_option options[] = {
	{ "out", 'o', "DIR", 0, "Where to put both files; default: here", 0 },
	{ "name", 'n', "NAME", 0,
	  "Call them NAME.key and NAME.pem; default: aioffload", 0 },
	{ "type", 't', "TYPE", 0,
	  "rsa3072 (default), rsa4096, ec-p256 or ec-p384", 0 },
	{ "days", 'd', "N", 0,
	  "How long the certificate is valid; default: 3650", 0 },
	{ "cn", KEY_CN, "TEXT", 0,
	  "Whom the certificate names; default: aioffload model signing key", 0 },
	{ "passphrase", 'p', NULL, 0,
	  "Encrypt the private key; asks for a passphrase", 0 },
	{ "passphrase-file", KEY_PASS_FILE, "FILE", 0,
	  "The same, with the first line of FILE", 0 },
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

static void parse_type(struct keygen_args *args, const char *arg,
		       struct argp_state *state)
{
	size_t i;

	for (i = 0; i < NR_TYPES; i++)
		if (!strcmp(arg, types[i].name)) {
			args->type = types[i].name;
			return;
		}
	argp_error(state, "--type: '%s' is none of rsa3072, rsa4096, ec-p256, ec-p384",
		   arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct keygen_args *args = state->input;

	switch (key) {
	case 'o':
		args->dir = arg;
		return 0;
	case 'n':
		if (!*arg || *arg == '.' || strchr(arg, '/') || strlen(arg) > 200)
			argp_error(state, "--name: '%s' can't be a file's name",
				   arg);
		args->name = arg;
		return 0;
	case 't':
		parse_type(args, arg, state);
		return 0;
	case 'd':
		args->days = (uint32_t)cli_number(state, "--days", arg, 1, 36500);
		return 0;
	case KEY_CN:
		/* 64 is what X.509 allows a common name */
		if (!*arg || strlen(arg) > 64)
			argp_error(state, "--cn: 1 to 64 bytes");
		args->cn = arg;
		return 0;
	case 'p':
		args->ask = true;
		return 0;
	case KEY_PASS_FILE:
		args->pass_file = arg;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Make a private key to sign models with, and its certificate, by "
	       "which kernels know it.\v"
	       "Existing files are never overwritten. RSA works with every "
	       "kernel; EC keys need one with ECDSA (Debian 12's 6.1 has none).",
};

static EVP_PKEY *make_key(const char *type)
{
	size_t i;

	for (i = 0; i < NR_TYPES; i++) {
		if (strcmp(type, types[i].name))
			continue;
		return types[i].curve ? EVP_EC_gen(types[i].curve) :
			EVP_RSA_gen((unsigned int)types[i].rsa_bits);
	}
	return NULL;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	int ok;

	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (!ext)
		return false;
	ok = X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

/* 159 random bits: unique without a register, and positive in 20 bytes. */
static bool set_serial(X509 *cert)
{
	BIGNUM *n = BN_new();
	bool ok = n && BN_rand(n, 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));

	BN_free(n);
	return ok;
}

/*
 * The extensions are those that the kernel's own module signing key has: it
 * finds a key by issuer and serial or by the subject key id.
 */
static bool fill_cert(X509 *cert, EVP_PKEY *key, const struct keygen_args *args)
{
	X509_NAME *name = X509_get_subject_name(cert);

	return X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
		X509_gmtime_adj(X509_getm_notBefore(cert), 0) &&
		X509_time_adj_ex(X509_getm_notAfter(cert), (int)args->days, 0,
				 NULL) &&
		X509_set_pubkey(cert, key) &&
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					   (const unsigned char *)args->cn, -1,
					   -1, 0) &&
		X509_set_issuer_name(cert, name) &&
		add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
		add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
		add_extension(cert, NID_subject_key_identifier, "hash") &&
		add_extension(cert, NID_authority_key_identifier, "keyid:always") &&
		X509_sign(cert, key, key_digest(key));
}

/* A new file, never an old one or one behind a link. */
static int write_new(const char *path, mode_t mode, BIO *bio)
{
	struct iovec iov = { 0 };
	char *data = NULL;
	int64_t done;
	int fd;

	iov.iov_len = (size_t)BIO_get_mem_data(bio, &data);
	iov.iov_base = data;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  mode);
	if (fd < 0)
		return cli_error(CLI_FAILED, "can't create %s: %s", path,
				 strerror(errno));
	done = writev_full(fd, &iov, 1);
	if (!done)
		done = -EIO;
	if (done > 0 && fsync(fd))
		done = -errno;
	close(fd);
	if (done > 0)
		return CLI_OK;
	unlink(path);
	return cli_error(CLI_FAILED, "can't write %s: %s", path,
			 strerror((int)-done));
}

static bool encrypt_key(BIO *bio, EVP_PKEY *key, const char *pass)
{
	PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
	X509_SIG *sealed = NULL;
	bool ok;

	if (plain)
		sealed = PKCS8_encrypt(-1, EVP_aes_256_cbc(), pass,
				       (int)strlen(pass), NULL, 0, PBKDF2_ROUNDS,
				       plain);
	ok = sealed && PEM_write_bio_PKCS8(bio, sealed);
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(plain);
	return ok;
}

static int write_key(const char *path, EVP_PKEY *key, const char *pass)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	bool ok;
	int ret;

	ok = bio && (pass ? encrypt_key(bio, key, pass) :
		     PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
	ret = ok ? write_new(path, 0600, bio) :
		cli_error(CLI_FAILED, "can't encode the key: %s", ssl_error());
	BIO_free(bio);
	return ret;
}

static int write_cert(const char *path, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int ret;

	ret = bio && PEM_write_bio_X509(bio, cert) ? write_new(path, 0644, bio) :
		cli_error(CLI_FAILED, "can't encode the certificate: %s",
			  ssl_error());
	BIO_free(bio);
	return ret;
}

static int get_pass(const struct keygen_args *args, char pass[PASS_MAX_LEN])
{
	int ret;

	if (args->pass_file) {
		ret = pass_read(args->pass_file, pass, PASS_MAX_LEN);
		if (ret)
			return cli_error(CLI_FAILED, "can't read %s: %s",
					 args->pass_file, strerror(-ret));
	} else if (EVP_read_pw_string(pass, PASS_MAX_LEN, "Passphrase: ", 1)) {
		return cli_error(CLI_FAILED, "no passphrase was given, or not the same twice");
	}
	if (strlen(pass) < 4)
		return cli_error(CLI_REFUSED, "the passphrase is shorter than 4 characters");
	return CLI_OK;
}

static int report(const struct keygen_args *args, const char *key_path,
		  const char *cert_path, EVP_PKEY *key, X509 *cert)
{
	char id[TEXT_DIGEST_LEN], name[80], until[32] = "", clean[1024];
	uint8_t raw[KEY_ID_LEN];
	struct json_object *obj;
	struct tm tm;
	bool sealed = args->ask || args->pass_file;

	if (key_id(key, raw))
		return cli_error(CLI_FAILED, "%s", ssl_error());
	text_hex(raw, sizeof(raw), id);
	key_name(key, name, sizeof(name));
	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm))
		strftime(until, sizeof(until), "%Y-%m-%d", &tm);
	if (args->json) {
		obj = json_object_new_object();
		json_str(obj, "key", key_path);
		json_str(obj, "certificate", cert_path);
		json_str(obj, "type", name);
		json_str(obj, "key_id", id);
		json_str(obj, "not_after", until);
		json_object_object_add(obj, "encrypted",
				       json_object_new_boolean(sealed));
		return json_print(obj);
	}
	text_clean(key_path, clean, sizeof(clean));
	printf("private key  %s (%s%s; keep it secret)\n", clean, name,
	       sealed ? ", encrypted" : "");
	text_clean(cert_path, clean, sizeof(clean));
	printf("certificate  %s (valid until %s)\n", clean, until);
	printf("key id       %s\n", id);
	printf("trust it on a machine, at once and at each boot (a copy in %s):\n"
	       "             sudo aioffload model trust %s\n", KEYS_DIR, clean);
	text_clean(key_path, clean, sizeof(clean));
	printf("sign models: aioffload model sign MODEL.aim --key %s\n", clean);
	return CLI_OK;
}

static int refuse_existing(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return CLI_OK;
	return cli_error(CLI_REFUSED, "%s is there already; a key is never overwritten: choose another --name, or move it away",
			 path);
}

/* Prints what went wrong; the caller frees both. */
static int make_both(const struct keygen_args *args, EVP_PKEY **key, X509 **cert)
{
	*key = make_key(args->type);
	*cert = *key ? X509_new() : NULL;
	if (*cert && fill_cert(*cert, *key, args))
		return CLI_OK;
	return cli_error(CLI_FAILED, "can't make a key: %s", ssl_error());
}

static int keygen(const struct keygen_args *args, const char *key_path,
		  const char *cert_path)
{
	char pass[PASS_MAX_LEN] = "";
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int ret;

	ret = refuse_existing(key_path);
	if (!ret)
		ret = refuse_existing(cert_path);
	if (!ret && (args->ask || args->pass_file))
		ret = get_pass(args, pass);
	if (!ret)
		ret = make_both(args, &key, &cert);
	if (!ret)
		ret = write_key(key_path, key, *pass ? pass : NULL);
	OPENSSL_cleanse(pass, sizeof(pass));
	if (!ret) {
		ret = write_cert(cert_path, cert);
		if (ret)
			unlink(key_path);	/* one without the other is of no use */
	}
	if (!ret)
		ret = report(args, key_path, cert_path, key, cert);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ret;
}

int cmd_model_keygen(int argc, char **argv)
{
	struct keygen_args args = {
		.dir = ".", .name = "aioffload", .type = "rsa3072",
		.cn = "aioffload model signing key", .days = 3650,
	};
	char *key_path = NULL, *cert_path = NULL;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (mkdir(args.dir, 0700) && errno != EEXIST)
		return cli_error(CLI_FAILED, "can't create %s: %s", args.dir,
				 strerror(errno));
	if (asprintf(&key_path, "%s/%s.key", args.dir, args.name) < 0)
		key_path = NULL;
	if (asprintf(&cert_path, "%s/%s.pem", args.dir, args.name) < 0)
		cert_path = NULL;
	if (key_path && cert_path)
		ret = keygen(&args, key_path, cert_path);
	else
		ret = cli_error(CLI_FAILED, "out of memory");
	free(key_path);
	free(cert_path);
	return ret;
}
