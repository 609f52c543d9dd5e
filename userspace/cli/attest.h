/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Measurement lists and quotes, taken apart. The files that a verifier is given
 * come from the machine that it does not trust yet: every length is checked,
 * nothing is believed. attest_list.c and attest_quote.c need neither a TPM nor
 * the rest of the command; they are fuzzed.
 */
#ifndef AIOFFLOAD_ATTEST_H
#define AIOFFLOAD_ATTEST_H

#include <aim/measured.h>

#define ATTEST_PCR	10		/* where IMA's measurements go */
#define ATTEST_PCRS	24
#define ATTEST_MAX_HASH	64
#define ATTEST_MAX_BANKS 4
#define ATTEST_MAX_LIST	(256U << 20)

/* TPM_ALG_ID */
#define ATTEST_SHA1	0x0004
#define ATTEST_SHA256	0x000b
#define ATTEST_SHA384	0x000c
#define ATTEST_SHA512	0x000d

/* Why something was refused. */
struct attest_reason {
	char text[160];
};

__attribute__((format(printf, 2, 3)))
int attest_refuse(struct attest_reason *why, const char *fmt, ...);

/* 0 if unknown; "sha256" */
size_t attest_hash_bytes(unsigned int alg);
const char *attest_hash_name(unsigned int alg);
/* The hash of @n pieces. 0 or -EIO. */
struct attest_piece {
	const void *data;
	size_t bytes;
};
int attest_hash(unsigned int alg, const struct attest_piece *pieces, size_t n,
		uint8_t out[ATTEST_MAX_HASH]);

/* ---- attest_list.c ------------------------------------------------------ */

/**
 * struct attest_entry - one measurement
 * @violation:	IMA could not measure (a file open for writing): the list has
 *		zeros, the TPM was extended with ones
 * @digest:	of the template, as the list has it
 * @data:	the template: what was hashed
 * @padded:	by zeros up to so many bytes more
 * @event:	name of what was measured; not NUL-terminated
 * @buf:	the third field of three, or NULL: of ima-buf what was measured
 */
struct attest_entry {
	uint32_t pcr;
	bool violation;
	unsigned int digest_alg;
	uint8_t digest[ATTEST_MAX_HASH];
	char template[16];
	const uint8_t *data;
	size_t bytes;
	size_t padded;
	const char *event;
	size_t event_len;
	const uint8_t *buf;
	size_t buf_len;
};

/**
 * struct attest_list - a measurement list that is being read
 * @data:	binary_runtime_measurements or ascii_runtime_measurements
 * @at:		how far it was read
 * @n:		number of the entry that attest_list_next() gave last, from 1
 * @scratch:	of an ASCII list: the template, built again
 */
struct attest_list {
	const uint8_t *data;
	size_t bytes;
	size_t at;
	size_t n;
	bool ascii;
	unsigned int digest_alg;
	uint8_t *scratch;
	size_t room;
};

/* Finds out which kind it is. */
void attest_list_open(struct attest_list *l, const void *data, size_t bytes);
void attest_list_close(struct attest_list *l);

/*
 * The next entry; what it points to lasts until the next call. Checks that the
 * digest is the template's.
 * Return: 1, 0 at the end, or -EBADMSG or -ENOMEM with the reason.
 */
int attest_list_next(struct attest_list *l, struct attest_entry *e,
		     struct attest_reason *why);

/* Is it a model of ours? Return: 1, 0, or -EBADMSG: it says so and is not. */
int attest_entry_model(const struct attest_entry *e, struct aim_measured *m,
		       struct attest_reason *why);

/* ---- attest_quote.c ----------------------------------------------------- */

struct attest_bank {
	unsigned int alg;
	uint32_t pcrs;		/* bit N: PCR N */
};

/**
 * struct attest_quote - TPMS_ATTEST of a quote
 * @nonce:	extraData: whoever asked for the quote chose it
 * @clock_ms:	of the TPM
 * @resets:	of the TPM, that is: boots of the machine
 * @banks:	which PCRs, in this order,
 * @digest:	have this hash
 */
struct attest_quote {
	uint8_t nonce[64];
	size_t nonce_len;
	uint64_t clock_ms;
	uint32_t resets;
	uint32_t restarts;
	bool clock_safe;
	uint64_t firmware;
	struct attest_bank banks[ATTEST_MAX_BANKS];
	unsigned int nr_banks;
	uint8_t digest[ATTEST_MAX_HASH];
	size_t digest_len;
};

int attest_quote_read(const void *data, size_t bytes, struct attest_quote *q,
		      struct attest_reason *why);

/**
 * struct attest_sig - TPMT_SIGNATURE
 * @scheme:	ATTEST_RSASSA, ...
 * @r:		RSA: the signature; ECDSA: its first number
 */
#define ATTEST_RSASSA	0x0014
#define ATTEST_RSAPSS	0x0016
#define ATTEST_ECDSA	0x0018

struct attest_sig {
	unsigned int scheme;
	unsigned int hash;
	const uint8_t *r;
	size_t r_len;
	const uint8_t *s;
	size_t s_len;
};

int attest_sig_read(const void *data, size_t bytes, struct attest_sig *sig,
		    struct attest_reason *why);

/* Values of PCRs, by bank of the quote. */
struct attest_pcrs {
	uint8_t value[ATTEST_MAX_BANKS][ATTEST_PCRS][ATTEST_MAX_HASH];
};

/* What tpm2_quote -o wrote, in either of its formats. */
int attest_pcrs_read(const void *data, size_t bytes,
		     const struct attest_quote *q, struct attest_pcrs *p,
		     struct attest_reason *why);

/* Are these the values that were quoted? @hash: of the signature. */
int attest_pcrs_check(const struct attest_quote *q, unsigned int hash,
		      const struct attest_pcrs *p, struct attest_reason *why);

/* ---- attest_verify.c ---------------------------------------------------- */

/* Is it a signature of @data by @key (PEM)? */
int attest_sig_check(const struct attest_sig *sig, const void *data,
		     size_t bytes, const void *key, size_t key_bytes,
		     struct attest_reason *why);

#endif /* AIOFFLOAD_ATTEST_H */
