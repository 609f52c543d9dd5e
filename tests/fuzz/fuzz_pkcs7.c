// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What looks into signatures and keys, on exactly the stated bytes: what it
 * finds lies inside, a refusal has a sentence, and a signature without its
 * certificate is the same one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <aim/pkcs7.h>
#include <aim/verify.h>

static u64 tried, accepted, keys;

__attribute__((destructor)) static void report(void)
{
	fprintf(stderr,
		"fuzz_pkcs7: %llu inputs, accepted %llu signatures, %llu keys\n",
		(unsigned long long)tried, (unsigned long long)accepted,
		(unsigned long long)keys);
}

static void inside(const struct aim_bytes *b, const u8 *data, size_t size)
{
	if (b->n && (b->p < data || b->p > data + size ||
		     b->n > (size_t)(data + size - b->p)))
		abort();
}

static void check_reason(struct aim_reason *reason)
{
	if (!reason->text[0] ||
	    strnlen(reason->text, AIM_REASON_LEN) == AIM_REASON_LEN)
		abort();
	memset(reason, 0xff, sizeof(*reason));
}

static bool same(const struct aim_bytes *a, const struct aim_bytes *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->p, b->p, a->n));
}

static void check_strip(const struct aim_signer *s, const u8 *data, size_t size)
{
	struct aim_reason reason;
	struct aim_signer again;
	u8 *out = malloc(size);
	size_t n = aim_signer_strip(s, out);

	if (aim_signer_find(out, n, &again, &reason) || again.cert.n ||
	    !same(&s->id[0], &again.id[0]) || !same(&s->id[1], &again.id[1]) ||
	    !same(&s->sig, &again.sig) || s->ecdsa != again.ecdsa ||
	    s->digest_bits != again.digest_bits)
		abort();
	if (!s->cert.n && (n != size || memcmp(out, data, size)))
		abort();
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aim_reason reason;
	struct aim_signer s;
	u8 *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	memset(&reason, 0xff, sizeof(reason));
	tried++;
	if (!aim_signer_find(copy, size, &s, &reason)) {
		accepted++;
		inside(&s.id[0], copy, size);
		inside(&s.id[1], copy, size);
		inside(&s.cert, copy, size);
		inside(&s.sig, copy, size);
		if (!s.id[0].n || !s.sig.n || s.digest_bits < 256 ||
		    s.id[0].n + s.id[1].n > AIM_MAX_SIGNER_ID)
			abort();
		check_strip(&s, copy, size);
	} else {
		check_reason(&reason);
	}
	if (!aim_rsa_check(copy, size, &reason)) {
		keys++;
		aim_rsa_is_only(copy, size);
	} else {
		check_reason(&reason);
	}
	free(copy);
	return 0;
}
