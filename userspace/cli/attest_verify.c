// SPDX-License-Identifier: LGPL-2.1-or-later
/* Hashes and signatures of quotes, with OpenSSL. */
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "attest.h"

static const struct hash {
	const EVP_MD *(*md)(void);
	unsigned int alg;
	size_t bytes;
	const char *name;
} hashes[] = {
	{ EVP_sha1, ATTEST_SHA1, 20, "sha1" },
	{ EVP_sha256, ATTEST_SHA256, 32, "sha256" },
	{ EVP_sha384, ATTEST_SHA384, 48, "sha384" },
	{ EVP_sha512, ATTEST_SHA512, 64, "sha512" },
};

static const struct hash *hash_of(unsigned int alg)
{
	size_t i;

	for (i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		if (hashes[i].alg == alg)
			return &hashes[i];
	}
	return NULL;
}

size_t attest_hash_bytes(unsigned int alg)
{
	const struct hash *h = hash_of(alg);

	return h ? h->bytes : 0;
}

const char *attest_hash_name(unsigned int alg)
{
	const struct hash *h = hash_of(alg);

	return h ? h->name : "unknown";
}

int attest_hash(unsigned int alg, const struct attest_piece *pieces, size_t n,
		uint8_t out[ATTEST_MAX_HASH])
{
	const struct hash *h = hash_of(alg);
	EVP_MD_CTX *ctx = h ? EVP_MD_CTX_new() : NULL;
	bool ok = ctx && EVP_DigestInit_ex(ctx, h->md(), NULL);
	size_t i;

	for (i = 0; i < n && ok; i++)
		ok = EVP_DigestUpdate(ctx, pieces[i].data, pieces[i].bytes);
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

static EVP_PKEY *read_key(const void *key, size_t bytes)
{
	BIO *bio = bytes > 1 << 20 ? NULL : BIO_new_mem_buf(key, (int)bytes);
	EVP_PKEY *pkey = NULL;

	if (bio)
		pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return pkey;
}

/* A TPM's two numbers as OpenSSL wants them: DER. */
static int ecdsa_der(const struct attest_sig *sig, unsigned char **der)
{
	BIGNUM *r = BN_bin2bn(sig->r, (int)sig->r_len, NULL);
	BIGNUM *s = BN_bin2bn(sig->s, (int)sig->s_len, NULL);
	ECDSA_SIG *both = ECDSA_SIG_new();
	int len = -1;

	if (r && s && both && ECDSA_SIG_set0(both, r, s)) {
		len = i2d_ECDSA_SIG(both, der);
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(both);
	return len;
}

/* 1024-bit keys and the like prove nothing. */
static bool strong(EVP_PKEY *pkey)
{
	int bits = EVP_PKEY_bits(pkey);

	if (EVP_PKEY_base_id(pkey) == EVP_PKEY_RSA)
		return bits >= 2048;
	return EVP_PKEY_base_id(pkey) == EVP_PKEY_EC && bits >= 256;
}

static bool fits(EVP_PKEY *pkey, const struct attest_sig *sig, EVP_MD_CTX *md,
		 const void *data, size_t bytes)
{
	bool rsa = sig->scheme != ATTEST_ECDSA;
	const unsigned char *raw = sig->r;
	unsigned char *der = NULL;
	int len = (int)sig->r_len;
	EVP_PKEY_CTX *ctx;
	bool ok;

	if (rsa != (EVP_PKEY_base_id(pkey) == EVP_PKEY_RSA))
		return false;
	ok = EVP_DigestVerifyInit(md, &ctx, hash_of(sig->hash)->md(), NULL,
				  pkey) == 1;
	if (ok && sig->scheme == ATTEST_RSAPSS)
		ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_AUTO) == 1;
	if (ok && !rsa) {
		len = ecdsa_der(sig, &der);
		raw = der;
		ok = len > 0;
	}
	ok = ok && EVP_DigestVerify(md, raw, (size_t)len, data, bytes) == 1;
	OPENSSL_free(der);
	return ok;
}

int attest_sig_check(const struct attest_sig *sig, const void *data,
		     size_t bytes, const void *key, size_t key_bytes,
		     struct attest_reason *why)
{
	EVP_PKEY *pkey = read_key(key, key_bytes);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int ret = 0;

	if (!pkey)
		ret = attest_refuse(why, "the attestation key is no public key in PEM");
	else if (!strong(pkey))
		ret = attest_refuse(why, "the attestation key is too weak: RSA of 2048 or EC of 256 bits at least");
	else if (!md || !fits(pkey, sig, md, data, bytes))
		ret = attest_refuse(why, "the quote was not signed by this key");
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(pkey);
	return ret;
}
