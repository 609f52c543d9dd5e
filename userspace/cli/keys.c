// SPDX-License-Identifier: LGPL-2.1-or-later
/* Private keys and certificates: reading them, and what they are worth. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/common.h"
#include "sign.h"

#define MAX_CERTS	1024	/* files looked at in a directory */

int verdict_set(struct verdict *v, int err, const char *fmt, ...)
{
	va_list args;

	v->err = err;
	va_start(args, fmt);
	vsnprintf(v->reason, sizeof(v->reason), fmt, args);
	va_end(args);
	return err;
}

const char *ssl_error(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return text ? text : "unknown error of libcrypto";
}

/* ---- private keys ------------------------------------------------------- */

int pass_read(const char *path, char *buf, size_t len)
{
	FILE *f = fopen(path, "re");
	char *ok;

	if (!f)
		return -errno;
	/* no copy of the secret in a stream's buffer that nobody wipes */
	setvbuf(f, NULL, _IONBF, 0);
	ok = fgets(buf, (int)len, f);
	fclose(f);
	if (!ok)
		return -ENODATA;
	buf[strcspn(buf, "\r\n")] = '\0';
	return 0;
}

static int pass_callback(char *buf, int size, int writing, void *data)
{
	int ret = pass_read(data, buf, (size_t)size);

	if (ret) {
		cli_error(CLI_FAILED, "can't read the passphrase from %s: %s",
			  (const char *)data, strerror(-ret));
		return -1;
	}
	return (int)strlen(buf);
}

/* A file that others may read is no secret. Not an error: it may be a test's. */
static void warn_of_mode(const char *path)
{
	struct stat st;

	if (!stat(path, &st) && S_ISREG(st.st_mode) && (st.st_mode & 0077))
		cli_error(CLI_OK, "warning: %s has mode %04o, others may get at the private key: chmod 600 %s",
			  path, (unsigned int)st.st_mode & 07777, path);
}

static EVP_PKEY *store_key(const char *uri, UI_METHOD *ui, void *ui_data)
{
	OSSL_STORE_CTX *store = OSSL_STORE_open(uri, ui, ui_data, NULL, NULL);
	OSSL_STORE_INFO *info;
	EVP_PKEY *key = NULL;

	if (!store)
		return NULL;
	if (OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY)) {
		while (!key && !OSSL_STORE_eof(store)) {
			info = OSSL_STORE_load(store);
			if (!info)
				break;
			key = OSSL_STORE_INFO_get1_PKEY(info);
			OSSL_STORE_INFO_free(info);
		}
	}
	OSSL_STORE_close(store);
	return key;
}

int key_load(const char *uri, const char *pass_file, EVP_PKEY **key)
{
	UI_METHOD *wrapped = NULL;

	warn_of_mode(uri);
	if (pass_file) {
		wrapped = UI_UTIL_wrap_read_pem_callback(pass_callback, 0);
		if (!wrapped)
			return cli_error(CLI_FAILED, "out of memory");
	}
	ERR_clear_error();
	*key = store_key(uri, wrapped ? wrapped : UI_OpenSSL(),
			 (void *)pass_file);
	UI_destroy_method(wrapped);
	if (*key)
		return CLI_OK;
	if (!strchr(uri, ':') && access(uri, R_OK))
		return cli_error(CLI_FAILED, "can't open %s: %s", uri,
				 strerror(errno));
	return cli_error(CLI_REFUSED, "%s: no private key, or not its passphrase: %s",
			 uri, ssl_error());
}

/* ---- certificates ------------------------------------------------------- */

static int push_cert(struct stack_st_X509 *certs, const struct cert *c)
{
	const unsigned char *p = c->der;
	X509 *cert = d2i_X509(NULL, &p, (long)c->der_bytes);

	if (cert && sk_X509_push(certs, cert))
		return CLI_OK;
	X509_free(cert);
	return cli_error(CLI_FAILED, "out of memory");
}

int certs_load(const char *path, struct stack_st_X509 *certs)
{
	struct cert *parsed = NULL;
	const char *why = "";
	size_t bytes = 0;
	void *data = NULL;
	int ret, n, i;

	ret = file_load(path, CERT_MAX_BYTES, &data, &bytes);
	if (ret)
		return ret;
	n = certs_parse(data, bytes, &parsed, &why);
	free(data);
	if (n < 0)
		return cli_error(CLI_REFUSED, "%s: %s", path, why);
	for (i = 0; i < n && !ret; i++)
		ret = push_cert(certs, &parsed[i]);
	certs_free(parsed, n);
	return ret;
}

int cert_load(const char *path, X509 **cert)
{
	struct stack_st_X509 *certs = sk_X509_new_null();
	int ret;

	ret = certs ? certs_load(path, certs) :
		cli_error(CLI_FAILED, "out of memory");
	if (!ret && sk_X509_num(certs) != 1)
		ret = cli_error(CLI_REFUSED, "%s holds %d certificates; one is wanted here",
				path, sk_X509_num(certs));
	*cert = ret ? NULL : sk_X509_pop(certs);
	sk_X509_pop_free(certs, X509_free);
	return ret;
}

int key_load_public(const char *path, EVP_PKEY **key)
{
	size_t bytes = 0;
	void *data = NULL;
	X509 *cert = NULL;
	BIO *bio;
	int ret;

	ret = file_load(path, CERT_MAX_BYTES, &data, &bytes);
	if (ret)
		return ret;
	bio = BIO_new_mem_buf(data, (int)bytes);
	*key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	free(data);
	ERR_clear_error();
	if (*key)
		return CLI_OK;
	/* no bare key: its message, if it is none, is of certificates */
	ret = cert_load(path, &cert);
	if (!ret) {
		*key = X509_get_pubkey(cert);
		if (!*key)
			ret = cli_error(CLI_REFUSED, "%s: %s", path, ssl_error());
	}
	X509_free(cert);
	return ret;
}

static int is_cert_name(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return e->d_name[0] != '.' && dot &&
		(!strcmp(dot, ".pem") || !strcmp(dot, ".der") ||
		 !strcmp(dot, ".crt"));
}

int certs_load_dir(const char *dir, struct stack_st_X509 *certs)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, is_cert_name, alphasort);
	char *path;
	int i;

	if (n < 0)
		return cli_error(CLI_FAILED, "can't read %s: %s", dir,
				 strerror(errno));
	for (i = 0; i < n; i++) {
		/* one bad file, named already, must not take the good ones with it */
		if (i < MAX_CERTS &&
		    asprintf(&path, "%s/%s", dir, names[i]->d_name) >= 0) {
			certs_load(path, certs);
			free(path);
		}
		free(names[i]);
	}
	free(names);
	return CLI_OK;
}

/* ---- what they are worth ------------------------------------------------ */

int key_id(EVP_PKEY *key, uint8_t id[KEY_ID_LEN])
{
	unsigned char *bits = NULL;
	unsigned int len = 0;
	int n, ok;

	n = i2d_PublicKey(key, &bits);
	if (n <= 0)
		return -EIO;
	ok = EVP_Digest(bits, (size_t)n, id, &len, EVP_sha256(), NULL);
	OPENSSL_free(bits);
	return ok && len == KEY_ID_LEN ? 0 : -EIO;
}

const char *key_name(EVP_PKEY *key, char *out, size_t len)
{
	char group[64] = "";

	if (EVP_PKEY_is_a(key, "RSA")) {
		snprintf(out, len, "RSA %d", EVP_PKEY_get_bits(key));
	} else if (EVP_PKEY_is_a(key, "EC") &&
		   EVP_PKEY_get_group_name(key, group, sizeof(group), NULL)) {
		const char *nist = EC_curve_nid2nist(OBJ_sn2nid(group));

		snprintf(out, len, "EC %s", nist ? nist : group);
	} else {
		snprintf(out, len, "%s %d", EVP_PKEY_get0_type_name(key),
			 EVP_PKEY_get_bits(key));
	}
	return out;
}

/* The kernel's own rules (aim/pkcs7.h), and the curves that it has. */
static int check_bits(EVP_PKEY *key, const char *name, struct aim_reason *reason)
{
	unsigned char *bits = NULL;
	int n = i2d_PublicKey(key, &bits);
	int ret = -ENOPKG;

	if (n > 0 && EVP_PKEY_is_a(key, "RSA"))
		ret = aim_rsa_check(bits, (size_t)n, reason);
	else if (n > 0 && (!strcmp(name, "EC P-256") ||
			   !strcmp(name, "EC P-384") || !strcmp(name, "EC P-521")))
		ret = aim_ec_check((size_t)n, reason);
	OPENSSL_free(bits);
	return ret;
}

int key_strong(EVP_PKEY *key, struct verdict *v)
{
	struct aim_reason reason = { "" };
	char name[80];

	key_name(key, name, sizeof(name));
	if (!check_bits(key, name, &reason))
		return 0;
	return verdict_set(v, ENOPKG, "the key is %s, which the kernel does not take: RSA of at least %d bits, EC P-256, P-384 or P-521%s%s",
			   name, AIM_MIN_RSA_BITS, *reason.text ? "; " : "",
			   reason.text);
}

int key_strong_system(EVP_PKEY *key, struct verdict *v)
{
	unsigned char *bits = NULL;
	bool ok;
	int n;

	if (key_strong(key, v))
		return v->err;
	n = i2d_PublicKey(key, &bits);
	ok = n > 0 && EVP_PKEY_is_a(key, "RSA") &&
		aim_rsa_is_only(bits, (size_t)n);
	OPENSSL_free(bits);
	return ok ? 0 : verdict_set(v, ENOPKG, "keys in the system's keyrings must be RSA with exponent 65537");
}

const EVP_MD *key_digest(EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	if (!EVP_PKEY_is_a(key, "EC") || bits <= AIM_MIN_EC_BITS)
		return EVP_sha256();
	return bits <= 384 ? EVP_sha384() : EVP_sha512();
}

const char *cert_name_text(const X509_NAME *name, char *out, size_t len)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, raw[256];
	long n;

	out[0] = '\0';
	if (!bio)
		return out;
	if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
		n = BIO_get_mem_data(bio, &text);
		snprintf(raw, sizeof(raw), "%.*s", (int)n, n ? text : "");
		text_clean(raw, out, len);
	}
	BIO_free(bio);
	return out;
}

const char *cert_subject(const X509 *cert, char *out, size_t len)
{
	return cert_name_text(X509_get_subject_name(cert), out, len);
}
