// SPDX-License-Identifier: LGPL-2.1-or-later
/* X.509 certificates, as they lie in keys.d. */
#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common.h"

/* The subject's CN, else the whole subject; nothing that steers a terminal. */
static void subject(X509 *x, char name[CERT_NAME_LEN])
{
	X509_NAME *subj = X509_get_subject_name(x);
	char *p;

	if (X509_NAME_get_text_by_NID(subj, NID_commonName, name,
				      CERT_NAME_LEN) <= 0)
		X509_NAME_oneline(subj, name, CERT_NAME_LEN);
	for (p = name; *p; p++)
		if (*p < 0x20 || *p == 0x7f || *(unsigned char *)p >= 0x80)
			*p = '?';
}

static const char *weakness(X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);

	switch (key ? EVP_PKEY_base_id(key) : EVP_PKEY_NONE) {
	case EVP_PKEY_RSA:
		return EVP_PKEY_bits(key) < 3072 ?
			"its RSA key has less than 3072 bits" : NULL;
	case EVP_PKEY_EC:
		return EVP_PKEY_bits(key) < 256 ?
			"its EC key has less than 256 bits" : NULL;
	default:
		return "its key is neither RSA nor EC";
	}
}

static int64_t seconds(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}

static int fill(struct cert *c, X509 *x)
{
	ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(x);
	int n = i2d_X509(x, &c->der);

	if (n <= 0 || !bits)
		return -ENOMEM;
	c->der_bytes = (size_t)n;
	if (!EVP_Digest(ASN1_STRING_get0_data(bits),
			(size_t)ASN1_STRING_length(bits), c->key_id, NULL,
			EVP_sha256(), NULL))
		return -EIO;
	subject(x, c->name);
	c->weak = weakness(x);
	c->not_after = seconds(X509_get0_notAfter(x));
	return 0;
}

static X509 *next_pem(BIO *bio, bool *end)
{
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	*end = !x && ERR_GET_REASON(ERR_peek_last_error()) ==
		PEM_R_NO_START_LINE;
	ERR_clear_error();
	return x;
}

static int parse_pem(BIO *bio, struct cert *certs, const char **why)
{
	bool end = false;
	int n = 0, ret;
	X509 *x;

	while (n < CERTS_MAX && (x = next_pem(bio, &end))) {
		ret = fill(&certs[n++], x);
		X509_free(x);
		if (ret)
			return ret;
	}
	if (n == CERTS_MAX) {
		*why = "more certificates than a file may hold";
		return -E2BIG;
	}
	if (!end) {
		*why = "one of its certificates is damaged";
		return -EBADMSG;
	}
	return n;
}

static int parse_der(const void *data, size_t bytes, struct cert *cert,
		     const char **why)
{
	const unsigned char *p = data;
	X509 *x = d2i_X509(NULL, &p, (long)bytes);
	int ret;

	ERR_clear_error();
	if (!x || p != (const unsigned char *)data + bytes) {
		X509_free(x);
		*why = "not an X.509 certificate, neither PEM nor DER";
		return -EBADMSG;
	}
	ret = fill(cert, x);
	X509_free(x);
	return ret ? ret : 1;
}

int certs_parse(const void *data, size_t bytes, struct cert **out,
		const char **why)
{
	struct cert *certs;
	BIO *bio;
	int n;

	*why = "out of memory";
	if (!bytes || bytes > INT_MAX) {
		*why = bytes ? "too large" : "empty";
		return -EBADMSG;
	}
	certs = calloc(CERTS_MAX, sizeof(*certs));
	bio = BIO_new_mem_buf(data, (int)bytes);
	if (!certs || !bio) {
		n = -ENOMEM;
		goto out;
	}
	n = parse_pem(bio, certs, why);
	if (!n)
		n = parse_der(data, bytes, certs, why);
out:
	BIO_free(bio);
	if (n < 0) {
		certs_free(certs, CERTS_MAX);
		return n;
	}
	*out = certs;
	return n;
}

void certs_free(struct cert *certs, int n)
{
	int i;

	for (i = 0; certs && i < n; i++)
		OPENSSL_free(certs[i].der);
	free(certs);
}
