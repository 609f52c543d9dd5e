/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Who says to have signed: a look into a PKCS#7 signature before the real
 * parser gets it, which does not tell. It takes only the one plain form that
 * sign-file and `openssl cms -sign -binary -noattr` make, in DER, nothing left
 * out and nothing added; so no two parsers can read different things in it.
 * Freestanding, total: no recursion, and no loop over anything but bytes.
 */
#ifndef _AIM_PKCS7_H
#define _AIM_PKCS7_H

#include <aim/types.h>

#define AIM_MIN_RSA_BITS	3072
#define AIM_MIN_EC_BITS		256
#define AIM_MAX_SIGNER_ID	4096

struct aim_bytes {
	const u8 *p;
	size_t n;
};

/**
 * struct aim_signer - what a signature says of itself
 * @id:		serial number and issuer, or subject key identifier and nothing:
 *		what the kernel finds keys by (asymmetric_key_generate_id())
 * @cert:	the only certificate in it, or no bytes
 * @before:	what lies before the certificate, of the innermost sequence
 * @after:	and behind it
 * @digest_bits: 256, 384 or 512: SHA-2
 * @ecdsa:	not RSA (PKCS#1 v1.5)
 * @sig:	the signature's value
 */
struct aim_signer {
	struct aim_bytes id[2];
	struct aim_bytes cert;
	struct aim_bytes before;
	struct aim_bytes after;
	u32 digest_bits;
	bool ecdsa;
	struct aim_bytes sig;
};

struct aim_reason;

/**
 * aim_signer_find() - who says to have signed?
 * @der:	the PKCS#7, detached
 * @bytes:	its length
 * @s:		filled in on success; points into @der
 * @reason:	filled in on refusal
 *
 * Return: 0, or
 *  -EBADMSG		not DER, not a detached signature, or not just that
 *  -EKEYREJECTED	more than one signer or certificate, attributes
 *  -ENOPKG		an algorithm that is too weak or not known here
 */
int aim_signer_find(const u8 *der, size_t bytes, struct aim_signer *s,
		    struct aim_reason *reason);

/**
 * aim_signer_strip() - the same signature without the certificate
 * @s:		from aim_signer_find()
 * @out:	room for as many bytes as that was given
 *
 * Return: its length.
 */
size_t aim_signer_strip(const struct aim_signer *s, u8 *out);

/**
 * aim_rsa_check() - is an RSA key strong?
 * @key:	RSAPublicKey, the bits of a certificate's subjectPublicKey
 * @bytes:	its length
 * @reason:	filled in on refusal
 *
 * Return: 0, -EBADMSG, or -ENOPKG: below AIM_MIN_RSA_BITS, or an exponent
 * below 65537 (that of 1 makes every signature good) or an even one.
 */
int aim_rsa_check(const u8 *key, size_t bytes, struct aim_reason *reason);

/**
 * aim_rsa_is_only() - does no other RSA key fit the same signatures?
 * @key:	passed by aim_rsa_check()
 * @bytes:	its length
 *
 * For two keys with exponent 65537 to fit one signature s of a message m, both
 * moduli must divide s^65537 - m', and have as many bytes as s. An attacker who
 * did not choose the first can find another one only as a small multiple of it.
 *
 * Return: true if exponent and modulus exclude that.
 */
bool aim_rsa_is_only(const u8 *key, size_t bytes);

/**
 * aim_ec_check() - is an elliptic curve key strong?
 * @bytes:	length of the uncompressed point
 * @reason:	filled in on refusal
 *
 * Return: 0, or -ENOPKG: below AIM_MIN_EC_BITS.
 */
int aim_ec_check(size_t bytes, struct aim_reason *reason);

#endif /* _AIM_PKCS7_H */
