// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The look into signatures: real ones, made by OpenSSL and by the kernel's
 * sign-file (the fuzzer's corpus), and what can be wrong with them.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <aim/pkcs7.h>
#include <aim/verify.h>
#include "unit.h"

struct blob {
	u8 *p;
	size_t n;
};

static struct blob load(const char *name)
{
	const char *top = getenv("AIOFFLOAD_TOP");
	struct blob b = { malloc(65536), 0 };
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/fuzz_pkcs7/%s",
		 top ? top : "../..", name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s", path);
	b.n = fread(b.p, 1, 65536, f);
	fclose(f);
	b.p = realloc(b.p, b.n);
	return b;
}

static int find(const struct blob *b, struct aim_signer *s,
		struct aim_reason *reason)
{
	memset(reason, 0, sizeof(*reason));
	return aim_signer_find(b->p, b->n, s, reason);
}

static void real_ones(void **state)
{
	static const struct {
		const char *name;
		u32 digest;
		bool ecdsa, cert, keyid;
		size_t sig;
	} t[] = {
		{ "valid-rsa-sha256", 256, false, false, false, 384 },
		{ "valid-rsa-sha512", 512, false, false, false, 512 },
		{ "valid-sign-file", 256, false, false, false, 384 },
		{ "valid-keyid", 384, false, false, true, 384 },
		{ "valid-cert", 256, false, true, false, 384 },
		{ "valid-p256", 256, true, false, false, 0 },
		{ "valid-p384", 384, true, false, false, 0 },
	};
	struct aim_reason reason;
	struct aim_signer s;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct blob b = load(t[i].name);

		if (find(&b, &s, &reason))
			fail_msg("%s: %s", t[i].name, reason.text);
		assert_int_equal(s.digest_bits, t[i].digest);
		assert_int_equal(s.ecdsa, t[i].ecdsa);
		assert_int_equal(!!s.cert.n, t[i].cert);
		assert_int_equal(!s.id[1].n, t[i].keyid);
		if (t[i].keyid)
			assert_int_equal(s.id[0].n, 20);
		if (t[i].sig)
			assert_int_equal(s.sig.n, t[i].sig);
		free(b.p);
	}
}

static void refused_ones(void **state)
{
	static const struct {
		const char *name;
		int err;
		const char *words;
	} t[] = {
		{ "hostile-signed-attributes", -EKEYREJECTED, "signed attributes" },
		{ "hostile-content", -EBADMSG, "detached" },
		{ "hostile-sha1", -ENOPKG, "SHA-256" },
		{ "hostile-two-signers", -EKEYREJECTED, "more than one signer" },
		{ "hostile-two-certificates", -EKEYREJECTED, "more than one certificate" },
		{ "hostile-pss", -ENOPKG, "PKCS#1 v1.5" },
	};
	struct aim_reason reason;
	struct aim_signer s;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct blob b = load(t[i].name);
		int ret = find(&b, &s, &reason);

		if (ret != t[i].err || !strstr(reason.text, t[i].words))
			fail_msg("%s: %d, %s", t[i].name, ret, reason.text);
		free(b.p);
	}
}

/* RSA signatures are the same each time, so OpenSSL's own without one compares. */
static void stripped(void **state)
{
	static const char *const with[] = {
		"valid-cert", "valid-rsa-sha256", "valid-keyid", "valid-p384",
	};
	static const char *const without[] = {
		"valid-rsa-sha256", "valid-rsa-sha256", "valid-keyid",
		"valid-p384",
	};
	struct aim_reason reason;
	struct aim_signer s;
	size_t i;

	for (i = 0; i < 4; i++) {
		struct blob a = load(with[i]), b = load(without[i]);
		u8 *out = malloc(a.n);
		size_t n;

		assert_int_equal(find(&a, &s, &reason), 0);
		n = aim_signer_strip(&s, out);
		assert_int_equal(n, b.n);
		assert_memory_equal(out, b.p, n);
		free(out);
		free(a.p);
		free(b.p);
	}
}

/* Whatever the fuzzer kept: the name says how it must end. */
static void corpus(void **state)
{
	const char *top = getenv("AIOFFLOAD_TOP");
	struct aim_reason reason;
	struct aim_signer s;
	struct dirent *e;
	char path[512];
	DIR *d;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/fuzz_pkcs7",
		 top ? top : "../..");
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d))) {
		struct blob b;

		if (e->d_name[0] == '.')
			continue;
		b = load(e->d_name);
		if (strncmp(e->d_name, "key-", 4) &&
		    !strncmp(e->d_name, "valid-", 6) != !find(&b, &s, &reason))
			fail_msg("%s: %s", e->d_name, reason.text);
		free(b.p);
	}
	closedir(d);
}

/* In buffers of their own size: a sanitizer sees the byte behind. */
static void cut_and_lengthened(void **state)
{
	struct blob whole = load("valid-cert"), b;
	struct aim_reason reason;
	struct aim_signer s;

	for (b.n = 0; b.n < whole.n; b.n++) {
		b.p = malloc(b.n ? b.n : 1);
		memcpy(b.p, whole.p, b.n);
		assert_int_equal(find(&b, &s, &reason), -EBADMSG);
		assert_true(reason.text[0]);
		free(b.p);
	}
	b.n = whole.n + 1;
	b.p = calloc(1, b.n);
	memcpy(b.p, whole.p, whole.n);
	assert_int_equal(find(&b, &s, &reason), -EBADMSG);
	assert_non_null(strstr(reason.text, "follows"));
	free(b.p);
	free(whole.p);
}

/*
 * One byte changed. What then still passes differs in what the parser hands
 * on (name, serial number, value, certificate), never in the form.
 */
static void changed_bytes(void **state)
{
	struct blob b = load("valid-rsa-sha256");
	struct aim_signer good, s;
	struct aim_reason reason;
	size_t i;
	int bit;

	assert_int_equal(find(&b, &good, &reason), 0);
	for (i = 0; i < b.n; i++) {
		for (bit = 0; bit < 8; bit++) {
			const u8 *at = b.p + i;
			bool value;

			b.p[i] ^= 1 << bit;
			value = (at >= good.id[1].p &&
				 at < good.id[1].p + good.id[1].n) ||
				(at >= good.id[0].p &&
				 at < good.id[0].p + good.id[0].n) ||
				(at >= good.sig.p &&
				 at < good.sig.p + good.sig.n);
			if (!find(&b, &s, &reason) != value)
				fail_msg("byte %zu, bit %d: %s", i, bit,
					 reason.text);
			b.p[i] ^= 1 << bit;
		}
	}
	free(b.p);
}

/* ---- other encodings of the same ---------------------------------------- */

/* Builds from the inside out: the newest element is wrapped in a header. */
struct build {
	u8 p[8192];
	size_t n;	/* used, at the end of p */
};

static void prepend(struct build *b, const void *p, size_t n)
{
	b->n += n;
	memcpy(b->p + sizeof(b->p) - b->n, p, n);
}

static void wrap(struct build *b, u8 tag, size_t len)
{
	u8 head[4] = { tag, 0x82, len >> 8, len };
	u8 mid[3] = { tag, 0x81, len }, small[2] = { tag, len };

	if (len >= 256)
		prepend(b, head, 4);
	else if (len >= 128)
		prepend(b, mid, 3);
	else
		prepend(b, small, 2);
}

static size_t rsa_key(struct build *b, size_t n_bytes, u8 top, u8 last,
		      u32 e, size_t e_bytes)
{
	u8 n[2048] = { 0 };
	u8 exp[9] = { 0 };
	size_t i;

	b->n = 0;
	for (i = 0; i < 4 && i < e_bytes; i++)
		exp[e_bytes - 1 - i] = e >> 8 * i;
	prepend(b, exp, e_bytes);
	wrap(b, 0x02, e_bytes);
	memset(n, 0x77, n_bytes + 1);
	n[0] = 0;
	n[1] = top;
	n[n_bytes] = last;
	if (top & 0x80) {
		prepend(b, n, n_bytes + 1);
		wrap(b, 0x02, n_bytes + 1);
	} else {
		prepend(b, n + 1, n_bytes);
		wrap(b, 0x02, n_bytes);
	}
	wrap(b, 0x30, b->n);
	return b->n;
}

static int rsa(struct build *b)
{
	struct aim_reason reason;
	u8 *copy = malloc(b->n);
	int ret;

	memcpy(copy, b->p + sizeof(b->p) - b->n, b->n);
	ret = aim_rsa_check(copy, b->n, &reason);
	free(copy);
	return ret;
}

static void rsa_keys(void **state)
{
	struct build b;

	rsa_key(&b, 384, 0x80, 1, 65537, 3);
	assert_int_equal(rsa(&b), 0);
	rsa_key(&b, 384, 0x40, 1, 65537, 3);	/* 3071 bits */
	assert_int_equal(rsa(&b), -ENOPKG);
	rsa_key(&b, 256, 0xff, 1, 65537, 3);
	assert_int_equal(rsa(&b), -ENOPKG);
	rsa_key(&b, 385, 0x01, 1, 65537, 3);	/* 3073 */
	assert_int_equal(rsa(&b), 0);
	rsa_key(&b, 512, 0x80, 1, 1, 1);
	assert_int_equal(rsa(&b), -ENOPKG);
	rsa_key(&b, 512, 0x80, 1, 3, 1);
	assert_int_equal(rsa(&b), -ENOPKG);
	rsa_key(&b, 512, 0x80, 1, 65538, 3);
	assert_int_equal(rsa(&b), -ENOPKG);
	rsa_key(&b, 512, 0x80, 1, 0x7fffffff, 4);
	assert_int_equal(rsa(&b), 0);
	/* Not the shortest form, negative, zero, something behind. */
	rsa_key(&b, 384, 0x80, 1, 65537, 4);
	assert_int_equal(rsa(&b), -EBADMSG);
	rsa_key(&b, 384, 0x80, 1, 0x800001, 3);
	assert_int_equal(rsa(&b), -EBADMSG);
	rsa_key(&b, 384, 0x80, 1, 0, 1);
	assert_int_equal(rsa(&b), -EBADMSG);
	rsa_key(&b, 384, 0x00, 1, 65537, 3);
	assert_int_equal(rsa(&b), -EBADMSG);
	rsa_key(&b, 384, 0x80, 1, 65537, 3);
	b.n--;
	assert_int_equal(rsa(&b), -EBADMSG);
}

static bool only(struct build *b)
{
	return aim_rsa_is_only(b->p + sizeof(b->p) - b->n, b->n);
}

/* A modulus times a small number fits the signatures of the modulus. */
static void rsa_multiples(void **state)
{
	/* 2^3071 + 2^16 + k: no factor below 256 for the first, 3 and 251 */
	static const u32 k_of[] = { 0, 3, 251 };
	struct build b;
	u8 n[384] = { 0x80 };
	u32 i, k, p;

	for (i = 0; i < 3; i++) {
		bool any = false;

		for (k = 1; k < 65536; k += 2) {
			bool small = false, want = false;
			size_t j;

			n[382] = k >> 8;
			n[383] = k;
			for (p = 3; p < 256; p += 2) {
				u32 rest = 0;

				for (j = 0; j < sizeof(n); j++)
					rest = (rest * 256 + n[j]) % p;
				small |= !rest;
				want |= !rest && p == k_of[i];
			}
			if (k_of[i] ? want : !small) {
				any = true;
				break;
			}
		}
		assert_true(any);
		b.n = 0;
		prepend(&b, "\1\0\1", 3);
		wrap(&b, 0x02, 3);
		prepend(&b, n, sizeof(n));
		prepend(&b, "", 1);
		wrap(&b, 0x02, sizeof(n) + 1);
		wrap(&b, 0x30, b.n);
		assert_int_equal(rsa(&b), 0);
		assert_int_equal(only(&b), !k_of[i]);
	}
	rsa_key(&b, 384, 0x80, 2, 65537, 3);
	assert_false(only(&b));
	rsa_key(&b, 384, 0x80, 1, 65539, 3);
	assert_false(only(&b));
}

static void ec_keys(void **state)
{
	struct aim_reason reason;

	assert_int_equal(aim_ec_check(65, &reason), 0);
	assert_int_equal(aim_ec_check(97, &reason), 0);
	assert_int_equal(aim_ec_check(133, &reason), 0);
	assert_int_equal(aim_ec_check(49, &reason), -ENOPKG);
	assert_int_equal(aim_ec_check(0, &reason), -ENOPKG);
}

/* The outer length in a longer form than needed, or without an end. */
static void other_lengths(void **state)
{
	struct blob b = load("valid-p256"), longer;
	struct aim_reason reason;
	struct aim_signer s;

	assert_int_equal(b.p[1], 0x81);
	longer.n = b.n + 1;
	longer.p = malloc(longer.n);
	memcpy(longer.p + 1, b.p, b.n);
	longer.p[0] = 0x30;
	longer.p[1] = 0x82;
	longer.p[2] = 0;
	assert_int_equal(find(&longer, &s, &reason), -EBADMSG);
	b.p[1] = 0x80;
	assert_int_equal(find(&b, &s, &reason), -EBADMSG);
	b.p[1] = 0x84;
	assert_int_equal(find(&b, &s, &reason), -EBADMSG);
	free(longer.p);
	free(b.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_ones),
		cmocka_unit_test(refused_ones),
		cmocka_unit_test(stripped),
		cmocka_unit_test(corpus),
		cmocka_unit_test(cut_and_lengthened),
		cmocka_unit_test(changed_bytes),
		cmocka_unit_test(rsa_keys),
		cmocka_unit_test(rsa_multiples),
		cmocka_unit_test(ec_keys),
		cmocka_unit_test(other_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
