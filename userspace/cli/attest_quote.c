// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a TPM signed, its signature, and values of PCRs, as the TPM 2.0 Library
 * Specification (part 2) and tpm2-tools write them. Big-endian, but for the
 * last, which tpm2_quote writes as its machine has them in memory.
 */
#include "attest.h"

#define GENERATED	0xff544347U	/* TPM_GENERATED_VALUE */
#define ST_QUOTE	0x8018U		/* TPM_ST_ATTEST_QUOTE */

/* tpm2_quote --pcrs_format=serialized: sizes of what it dumps. */
#define SELECTION_BYTES	8		/* of TPMS_PCR_SELECTION */
#define SELECTIONS_BYTES (4 + 16 * SELECTION_BYTES)
#define DIGEST_BYTES	66		/* of TPM2B_DIGEST */
#define DIGESTS		8
#define DIGESTS_BYTES	(4 + DIGESTS * DIGEST_BYTES)

struct bytes {
	const uint8_t *p;
	size_t left;
};

static bool take(struct bytes *b, size_t n, const uint8_t **out)
{
	if (b->left < n)
		return false;
	*out = b->p;
	b->p += n;
	b->left -= n;
	return true;
}

static bool take_be(struct bytes *b, size_t n, uint64_t *v)
{
	const uint8_t *p;

	if (!take(b, n, &p))
		return false;
	for (*v = 0; n--; p++)
		*v = *v << 8 | *p;
	return true;
}

/* A length in two bytes, then so many. */
static bool take_sized(struct bytes *b, const uint8_t **p, size_t *n)
{
	uint64_t len;

	if (!take_be(b, 2, &len) || !take(b, len, p))
		return false;
	*n = len;
	return true;
}

/* ---- the quote ---------------------------------------------------------- */

static bool take_bank(struct bytes *b, struct attest_bank *bank)
{
	const uint8_t *select;
	uint64_t alg, n, i;

	if (!take_be(b, 2, &alg) || !take_be(b, 1, &n) || n > 4 ||
	    !take(b, n, &select))
		return false;
	bank->alg = (unsigned int)alg;
	bank->pcrs = 0;
	for (i = 0; i < n; i++)
		bank->pcrs |= (uint32_t)select[i] << 8 * i;
	return bank->pcrs < 1U << ATTEST_PCRS;
}

static bool take_header(struct bytes *b, struct attest_quote *q)
{
	const uint8_t *p;
	uint64_t v;
	size_t n;

	if (!take_sized(b, &p, &n) ||		/* qualifiedSigner */
	    !take_sized(b, &p, &n) || n > sizeof(q->nonce))
		return false;
	memcpy(q->nonce, p, n);
	q->nonce_len = n;
	if (!take_be(b, 8, &q->clock_ms) || !take_be(b, 4, &v))
		return false;
	q->resets = (uint32_t)v;
	if (!take_be(b, 4, &v))
		return false;
	q->restarts = (uint32_t)v;
	if (!take_be(b, 1, &v) || v > 1)
		return false;
	q->clock_safe = v;
	return take_be(b, 8, &q->firmware);
}

int attest_quote_read(const void *data, size_t bytes, struct attest_quote *q,
		      struct attest_reason *why)
{
	struct bytes b = { data, bytes };
	const uint8_t *p;
	uint64_t v, n;

	memset(q, 0, sizeof(*q));
	if (!take_be(&b, 4, &v) || v != GENERATED)
		return attest_refuse(why, "the quote was not made by a TPM");
	if (!take_be(&b, 2, &v) || v != ST_QUOTE)
		return attest_refuse(why, "the TPM signed something else than a quote");
	if (!take_header(&b, q) || !take_be(&b, 4, &n))
		goto bad;
	if (!n || n > ATTEST_MAX_BANKS)
		return attest_refuse(why, "the quote has no PCR banks, or more than %d",
				     ATTEST_MAX_BANKS);
	for (q->nr_banks = 0; q->nr_banks < n; q->nr_banks++) {
		if (!take_bank(&b, &q->banks[q->nr_banks]))
			goto bad;
		if (!attest_hash_bytes(q->banks[q->nr_banks].alg))
			return attest_refuse(why, "the quote has a PCR bank of an unknown hash");
	}
	if (!take_sized(&b, &p, &q->digest_len) ||
	    q->digest_len > sizeof(q->digest) || b.left)
		goto bad;
	memcpy(q->digest, p, q->digest_len);
	return 0;

bad:
	return attest_refuse(why, "the quote is damaged");
}

int attest_sig_read(const void *data, size_t bytes, struct attest_sig *sig,
		    struct attest_reason *why)
{
	struct bytes b = { data, bytes };
	uint64_t scheme, hash;

	memset(sig, 0, sizeof(*sig));
	if (!take_be(&b, 2, &scheme) || !take_be(&b, 2, &hash))
		goto bad;
	sig->scheme = (unsigned int)scheme;
	sig->hash = (unsigned int)hash;
	if (sig->scheme != ATTEST_RSASSA && sig->scheme != ATTEST_RSAPSS &&
	    sig->scheme != ATTEST_ECDSA)
		goto bad;
	if (!take_sized(&b, &sig->r, &sig->r_len))
		goto bad;
	if (sig->scheme == ATTEST_ECDSA &&
	    !take_sized(&b, &sig->s, &sig->s_len))
		goto bad;
	if (b.left)
		goto bad;
	if (sig->hash == ATTEST_SHA1 || !attest_hash_bytes(sig->hash))
		return attest_refuse(why, "the signature's hash is not SHA-256, SHA-384 or SHA-512");
	return 0;

bad:
	return attest_refuse(why, "the signature is none that tpm2_quote writes (--format=tss)");
}

/* ---- PCRs --------------------------------------------------------------- */

/* The values one after the other: tpm2_quote --pcrs_format=values. */
static int read_values(struct bytes *b, const struct attest_quote *q,
		       struct attest_pcrs *p)
{
	const uint8_t *value;
	unsigned int bank, pcr;

	for (bank = 0; bank < q->nr_banks; bank++) {
		size_t n = attest_hash_bytes(q->banks[bank].alg);

		for (pcr = 0; pcr < ATTEST_PCRS; pcr++) {
			if (!(q->banks[bank].pcrs >> pcr & 1))
				continue;
			if (!take(b, n, &value))
				return -EBADMSG;
			memcpy(p->value[bank][pcr], value, n);
		}
	}
	return b->left ? -EBADMSG : 0;
}

/* The default: selections, a count, groups of up to eight digests. */
static int read_serialized(struct bytes *b, const struct attest_quote *q,
			   struct attest_pcrs *p)
{
	unsigned int bank, pcr, at = 0;
	const uint8_t *group = NULL;

	for (bank = 0; bank < q->nr_banks; bank++) {
		size_t n = attest_hash_bytes(q->banks[bank].alg);

		for (pcr = 0; pcr < ATTEST_PCRS; pcr++) {
			const uint8_t *digest;

			if (!(q->banks[bank].pcrs >> pcr & 1))
				continue;
			if (!group || at == group[0]) {
				if (!take(b, DIGESTS_BYTES, &group) ||
				    !group[0] || group[0] > DIGESTS)
					return -EBADMSG;
				at = 0;
			}
			digest = group + 4 + at++ * DIGEST_BYTES;
			if (digest[0] != n || digest[1])
				return -EBADMSG;
			memcpy(p->value[bank][pcr], digest + 2, n);
		}
	}
	return b->left ? -EBADMSG : 0;
}

int attest_pcrs_read(const void *data, size_t bytes,
		     const struct attest_quote *q, struct attest_pcrs *p,
		     struct attest_reason *why)
{
	struct bytes b = { data, bytes };
	const uint8_t *skip;
	int ret;

	memset(p, 0, sizeof(*p));
	ret = read_values(&b, q, p);
	if (ret) {
		b = (struct bytes){ data, bytes };
		if (take(&b, SELECTIONS_BYTES + 4, &skip))
			ret = read_serialized(&b, q, p);
	}
	if (ret)
		return attest_refuse(why, "the file of PCRs is not of this quote");
	return 0;
}

int attest_pcrs_check(const struct attest_quote *q, unsigned int hash,
		      const struct attest_pcrs *p, struct attest_reason *why)
{
	struct attest_piece pieces[ATTEST_MAX_BANKS * ATTEST_PCRS];
	uint8_t digest[ATTEST_MAX_HASH];
	unsigned int bank, pcr, n = 0;

	for (bank = 0; bank < q->nr_banks; bank++) {
		for (pcr = 0; pcr < ATTEST_PCRS; pcr++) {
			if (!(q->banks[bank].pcrs >> pcr & 1))
				continue;
			pieces[n].data = p->value[bank][pcr];
			pieces[n++].bytes =
				attest_hash_bytes(q->banks[bank].alg);
		}
	}
	if (attest_hash(hash, pieces, n, digest))
		return attest_refuse(why, "this library has no %s",
				     attest_hash_name(hash));
	if (q->digest_len != attest_hash_bytes(hash) ||
	    memcmp(digest, q->digest, q->digest_len))
		return attest_refuse(why, "the PCRs are not those that the TPM quoted");
	return 0;
}
