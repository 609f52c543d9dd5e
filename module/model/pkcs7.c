// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * A strict look into PKCS#7 signatures (RFC 2315, RFC 5652) and RSA keys: see
 * aim/pkcs7.h for why.
 */
#include <aim/pkcs7.h>

#include "verify_internal.h"

enum {
	TAG_INTEGER	= 0x02,
	TAG_OCTETS	= 0x04,
	TAG_NULL	= 0x05,
	TAG_OID		= 0x06,
	TAG_SEQUENCE	= 0x30,
	TAG_SET		= 0x31,
	TAG_0_OCTETS	= 0x80,	/* [0], primitive */
	TAG_0		= 0xa0,	/* [0], constructed */
	TAG_1		= 0xa1,
	TAG_2		= 0xa2,
	TAG_3		= 0xa3,
};

struct oid {
	u8 n;
	u8 p[10];
};

static const struct oid oid_data = { 9,
	{ 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 } };

static const struct oid oid_signed_data = { 9,
	{ 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 } };

static const struct oid oid_rsa = { 9,
	{ 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 } };

/* By strength: SHA-256, SHA-384, SHA-512. */
#define NR_DIGESTS	3

static const u32 digest_bits[NR_DIGESTS] = { 256, 384, 512 };

static const struct oid oid_sha2[NR_DIGESTS] = {
	{ 9, { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 } },
	{ 9, { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02 } },
	{ 9, { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03 } },
};

static const struct oid oid_ecdsa[NR_DIGESTS] = {
	{ 8, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 } },
	{ 8, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 } },
	{ 8, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04 } },
};

/* ---- DER ---------------------------------------------------------------- */

static bool next_is(const struct aim_bytes *in, u8 tag)
{
	return in->n && in->p[0] == tag;
}

/*
 * Takes the next element off @in: one of that tag, definite length in its
 * shortest form, all of it there.
 */
static bool take(struct aim_bytes *in, u8 tag, struct aim_bytes *body)
{
	size_t len, head = 2, i, octets;

	if (in->n < 2 || in->p[0] != tag)
		return false;
	len = in->p[1];
	if (len & 0x80) {
		octets = len & 0x7f;
		if (!octets || octets > 3 || in->n < 2 + octets)
			return false;
		for (len = 0, i = 0; i < octets; i++)
			len = len << 8 | in->p[2 + i];
		if (len < 0x80 || !in->p[2])
			return false;
		head += octets;
	}
	if (len > in->n - head)
		return false;
	body->p = in->p + head;
	body->n = len;
	in->p += head + len;
	in->n -= head + len;
	return true;
}

static bool is_oid(const struct aim_bytes *b, const struct oid *oid)
{
	return b->n == oid->n && !memcmp(b->p, oid->p, oid->n);
}

static bool take_oid(struct aim_bytes *in, const struct oid *oid)
{
	struct aim_bytes body;

	return take(in, TAG_OID, &body) && is_oid(&body, oid);
}

/*
 * AlgorithmIdentifier. Those that we know have no parameters, or NULL: with
 * others the OID comes back empty, so that it is none that we know.
 */
static bool take_algorithm(struct aim_bytes *in, struct aim_bytes *oid)
{
	struct aim_bytes seq, null;

	if (!take(in, TAG_SEQUENCE, &seq) || !take(&seq, TAG_OID, oid))
		return false;
	if (seq.n && (!take(&seq, TAG_NULL, &null) || null.n || seq.n))
		oid->n = 0;
	return true;
}

/* A version number of one digit. */
static bool take_version(struct aim_bytes *in, u8 *version)
{
	struct aim_bytes body;

	if (!take(in, TAG_INTEGER, &body) || body.n != 1)
		return false;
	*version = body.p[0];
	return true;
}

static int find_oid(const struct aim_bytes *oid, const struct oid *of)
{
	int i;

	for (i = 0; i < NR_DIGESTS; i++) {
		if (is_oid(oid, &of[i]))
			return i;
	}
	return -1;
}

/* ---- PKCS#7 ------------------------------------------------------------- */

static int malformed(struct aim_ctx *c)
{
	return aim_refuse(c, -EBADMSG,
			  "signature: not a detached PKCS#7 in DER");
}

/* Versions 1 and 3 are those of issuer and serial, and of a key identifier. */
static int find_id(struct aim_ctx *c, struct aim_bytes *info, u8 version,
		   struct aim_signer *s)
{
	struct aim_bytes who;

	if (version == 1) {
		if (!take(info, TAG_SEQUENCE, &who) ||
		    !take(&who, TAG_SEQUENCE, &s->id[1]) ||
		    !take(&who, TAG_INTEGER, &s->id[0]) || who.n)
			return malformed(c);
	} else if (version == 3) {
		if (!take(info, TAG_0_OCTETS, &s->id[0]))
			return malformed(c);
		s->id[1].p = s->id[0].p + s->id[0].n;
		s->id[1].n = 0;
	} else {
		return malformed(c);
	}
	if (!s->id[0].n)
		return malformed(c);
	if (s->id[0].n + s->id[1].n > AIM_MAX_SIGNER_ID)
		return aim_refuse(c, -EBADMSG,
				  "signature: the signer's name is too long");
	return 0;
}

static int find_algorithms(struct aim_ctx *c, const struct aim_bytes *digest,
			   const struct aim_bytes *sig, struct aim_signer *s)
{
	int d = find_oid(digest, oid_sha2);

	if (d < 0)
		return aim_refuse(c, -ENOPKG,
				  "signature: the digest must be SHA-256, SHA-384 or SHA-512");
	s->digest_bits = digest_bits[d];
	s->ecdsa = is_oid(sig, &oid_ecdsa[d]);
	if (!s->ecdsa && !is_oid(sig, &oid_rsa))
		return aim_refuse(c, -ENOPKG,
				  "signature: must be RSA (PKCS#1 v1.5), or ECDSA with the same digest");
	return 0;
}

/* @digest: what the message said before of its digest */
static int open_signer(struct aim_ctx *c, struct aim_bytes *info, u8 version,
		       const struct aim_bytes *digest, struct aim_signer *s)
{
	struct aim_bytes digest_again, sig_alg;
	u8 own_version;
	int ret;

	if (!take_version(info, &own_version) || own_version != version)
		return malformed(c);
	ret = find_id(c, info, version, s);
	if (ret)
		return ret;
	if (!take_algorithm(info, &digest_again) ||
	    digest_again.n != digest->n ||
	    memcmp(digest_again.p, digest->p, digest->n))
		return malformed(c);
	if (next_is(info, TAG_0) || next_is(info, TAG_2))
		return aim_refuse(c, -EKEYREJECTED,
				  "signature: it has signed attributes (sign with -noattr)");
	if (!take_algorithm(info, &sig_alg))
		return malformed(c);
	ret = find_algorithms(c, digest, &sig_alg, s);
	if (ret)
		return ret;
	if (!take(info, TAG_OCTETS, &s->sig) || !s->sig.n)
		return malformed(c);
	if (next_is(info, TAG_1) || next_is(info, TAG_3))
		return aim_refuse(c, -EKEYREJECTED,
				  "signature: it has unsigned attributes");
	return info->n ? malformed(c) : 0;
}

/* The only certificate, header included. */
static int find_cert(struct aim_ctx *c, struct aim_bytes certs,
		     struct aim_signer *s)
{
	struct aim_bytes body;

	s->cert.p = certs.p;
	if (!take(&certs, TAG_SEQUENCE, &body))
		return malformed(c);
	s->cert.n = certs.p - s->cert.p;
	if (certs.n)
		return aim_refuse(c, -EKEYREJECTED,
				  "signature: it has more than one certificate");
	return 0;
}

/* After the version: digest algorithm, absent content, certificates. */
static int open_head(struct aim_ctx *c, struct aim_bytes *data,
		     struct aim_bytes *digest, struct aim_signer *s)
{
	struct aim_bytes set, content, certs;

	if (!take(data, TAG_SET, &set) || !take_algorithm(&set, digest))
		return malformed(c);
	if (set.n)
		return aim_refuse(c, -EKEYREJECTED,
				  "signature: it has more than one digest");
	if (!take(data, TAG_SEQUENCE, &content))
		return malformed(c);
	if (!take_oid(&content, &oid_data))
		return aim_refuse(c, -EBADMSG,
				  "signature: it is not one over plain data");
	if (content.n)
		return aim_refuse(c, -EBADMSG,
				  "signature: it carries what was signed (must be detached)");
	s->before.n = data->p - s->before.p;
	if (!next_is(data, TAG_0))
		return 0;
	if (!take(data, TAG_0, &certs))
		return malformed(c);
	return find_cert(c, certs, s);
}

int aim_signer_find(const u8 *der, size_t bytes, struct aim_signer *s,
		    struct aim_reason *reason)
{
	struct aim_ctx c = { .reason = reason };
	struct aim_bytes in = { der, bytes }, outer, explicit, data;
	struct aim_bytes digest, signers, info;
	u8 version;
	int ret;

	memset(s, 0, sizeof(*s));
	if (!take(&in, TAG_SEQUENCE, &outer))
		return malformed(&c);
	if (in.n)
		return aim_refuse(&c, -EBADMSG,
				  "signature: something follows it");
	if (!take_oid(&outer, &oid_signed_data) ||
	    !take(&outer, TAG_0, &explicit) || outer.n ||
	    !take(&explicit, TAG_SEQUENCE, &data) || explicit.n)
		return malformed(&c);
	s->before.p = data.p;
	if (!take_version(&data, &version))
		return malformed(&c);
	ret = open_head(&c, &data, &digest, s);
	if (ret)
		return ret;
	s->after = data;
	if (!take(&data, TAG_SET, &signers) || data.n)
		return malformed(&c);
	if (!signers.n)
		return aim_refuse(&c, -EKEYREJECTED, "signature: nobody signed");
	if (!take(&signers, TAG_SEQUENCE, &info))
		return malformed(&c);
	if (signers.n)
		return aim_refuse(&c, -EKEYREJECTED,
				  "signature: it has more than one signer");
	return open_signer(&c, &info, version, &digest, s);
}

static size_t put_head(u8 *out, u8 tag, size_t len)
{
	size_t n = 0;

	out[n++] = tag;
	if (len >= 0x80) {
		out[n++] = len < 0x100 ? 0x81 : len < 0x10000 ? 0x82 : 0x83;
		if (len >= 0x10000)
			out[n++] = len >> 16;
		if (len >= 0x100)
			out[n++] = len >> 8;
	}
	out[n++] = len;
	return n;
}

size_t aim_signer_strip(const struct aim_signer *s, u8 *out)
{
	size_t data = s->before.n + s->after.n, oid = 2 + oid_signed_data.n;
	size_t seq, outer, n;
	u8 head[5];

	seq = put_head(head, TAG_SEQUENCE, data) + data;
	outer = oid + put_head(head, TAG_0, seq) + seq;
	n = put_head(out, TAG_SEQUENCE, outer);
	n += put_head(out + n, TAG_OID, oid_signed_data.n);
	memcpy(out + n, oid_signed_data.p, oid_signed_data.n);
	n += oid_signed_data.n;
	n += put_head(out + n, TAG_0, seq);
	n += put_head(out + n, TAG_SEQUENCE, data);
	memcpy(out + n, s->before.p, s->before.n);
	n += s->before.n;
	memcpy(out + n, s->after.p, s->after.n);
	return n + s->after.n;
}

/* ---- keys --------------------------------------------------------------- */

/* A positive INTEGER in its shortest form, without the sign's zero byte. */
static bool take_number(struct aim_bytes *in, struct aim_bytes *number)
{
	if (!take(in, TAG_INTEGER, number) || !number->n ||
	    number->p[0] & 0x80)
		return false;
	if (!number->p[0]) {
		number->p++;
		number->n--;
		return number->n && number->p[0] & 0x80;
	}
	return true;
}

static bool open_rsa(const u8 *key, size_t bytes, struct aim_bytes *n,
		     struct aim_bytes *e)
{
	struct aim_bytes in = { key, bytes }, seq;

	return take(&in, TAG_SEQUENCE, &seq) && !in.n && take_number(&seq, n) &&
	       take_number(&seq, e) && !seq.n;
}

static size_t bits_of(const struct aim_bytes *number)
{
	size_t bits = number->n * 8;
	u8 first;

	for (first = number->p[0]; !(first & 0x80); first <<= 1)
		bits--;
	return bits;
}

/* Large exponents are as good, so only the last four bytes are looked at. */
static u32 exponent(const struct aim_bytes *e)
{
	u32 v = 0;
	size_t i;

	if (e->n > sizeof(v))
		return e->p[e->n - 1] & 1 ? 0xffffffff : 0;
	for (i = 0; i < e->n; i++)
		v = v << 8 | e->p[i];
	return v;
}

int aim_rsa_check(const u8 *key, size_t bytes, struct aim_reason *reason)
{
	struct aim_ctx c = { .reason = reason };
	struct aim_bytes n, e;
	u32 exp;

	if (!open_rsa(key, bytes, &n, &e))
		return aim_refuse(&c, -EBADMSG, "key: not an RSA key");
	if (bits_of(&n) < AIM_MIN_RSA_BITS)
		return aim_refuse_got(&c, -ENOPKG,
				      "key: RSA keys need 3072 bits at least",
				      bits_of(&n));
	exp = exponent(&e);
	if (exp < 65537 || !(exp & 1))
		return aim_refuse_got(&c, -ENOPKG,
				      "key: the RSA exponent must be odd and 65537 at least",
				      exp);
	return 0;
}

bool aim_rsa_is_only(const u8 *key, size_t bytes)
{
	struct aim_bytes n, e;
	u32 p, rest;
	size_t i;

	if (!open_rsa(key, bytes, &n, &e) || exponent(&e) != 65537 ||
	    !(n.p[n.n - 1] & 1))
		return false;
	/* A multiple with as many bytes has a factor below 256. */
	for (p = 3; p < 256; p += 2) {
		for (rest = 0, i = 0; i < n.n; i++)
			rest = (rest << 8 | n.p[i]) % p;
		if (!rest)
			return false;
	}
	return true;
}

int aim_ec_check(size_t bytes, struct aim_reason *reason)
{
	struct aim_ctx c = { .reason = reason };
	size_t bits = bytes / 2 * 8;

	if (bits < AIM_MIN_EC_BITS)
		return aim_refuse_got(&c, -ENOPKG,
				      "key: elliptic curves need 256 bits at least",
				      bits);
	return 0;
}
