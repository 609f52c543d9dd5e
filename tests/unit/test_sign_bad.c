// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Signed files that were tampered with, or never were what they seem: each is
 * refused, with the errno that the kernel has for it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/cli/sign.h"
#include "aim_builder.h"
#include "clitest.h"

#define NOW	1800000000ULL

static struct {
	EVP_PKEY *key;		/* trusted, EC P-256 */
	X509 *cert;
	EVP_PKEY *other;	/* same name and serial number, not trusted */
	X509 *other_cert;
	EVP_PKEY *weak;		/* RSA 2048, trusted */
	X509 *weak_cert;
	EVP_PKEY *rsa;		/* RSA 3072, trusted */
	X509 *rsa_cert;
	STACK_OF(X509) *trusted;
	bool system;
	struct aim_file model;
} t;

static X509 *make_cert(EVP_PKEY *key, const char *name)
{
	X509 *x = X509_new();
	X509_EXTENSION *id;
	X509V3_CTX ctx;

	assert_non_null(x);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 77);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	id = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_key_identifier, "hash");
	assert_true(X509_add_ext(x, id, -1));
	X509_EXTENSION_free(id);
	assert_true(X509_sign(x, key, EVP_sha256()));
	return x;
}

static int set_up(void **state)
{
	t.key = EVP_EC_gen("P-256");
	t.cert = make_cert(t.key, "good");
	t.other = EVP_EC_gen("P-256");
	t.other_cert = make_cert(t.other, "good");
	t.weak = EVP_RSA_gen(2048);
	t.weak_cert = make_cert(t.weak, "weak");
	t.rsa = EVP_RSA_gen(3072);
	t.rsa_cert = make_cert(t.rsa, "rsa");
	t.trusted = sk_X509_new_null();
	sk_X509_push(t.trusted, t.rsa_cert);
	sk_X509_push(t.trusted, t.cert);
	sk_X509_push(t.trusted, t.weak_cert);
	return ab_model_file("fc_s8", &t.model);
}

static int tear_down(void **state)
{
	ab_release(&t.model);
	sk_X509_free(t.trusted);
	X509_free(t.cert);
	X509_free(t.other_cert);
	X509_free(t.weak_cert);
	EVP_PKEY_free(t.key);
	EVP_PKEY_free(t.other);
	EVP_PKEY_free(t.weak);
	X509_free(t.rsa_cert);
	EVP_PKEY_free(t.rsa);
	return 0;
}

/* ---- files -------------------------------------------------------------- */

static struct aim_manifest good_manifest(void)
{
	struct aim_manifest m = {
		.magic = AIM_MANIFEST_MAGIC, .version = AIM_MANIFEST_VERSION,
		.bytes = sizeof(m), .model_bytes = t.model.bytes,
		.name = "test", .model_version = 1,
	};

	assert_int_equal(EVP_Digest(t.model.data, t.model.bytes, m.model_digest,
				    NULL, EVP_sha256(), NULL), 1);
	return m;
}

static struct sealed with_manifest(const struct aim_manifest *m)
{
	struct signed_file f = {
		.data = t.model.data, .bytes = t.model.bytes,
		.env.model_bytes = t.model.bytes,
	};
	struct sealed s;

	assert_int_equal(seal_manifest(&f, m, &s), 0);
	return s;
}

static struct sealed good_file(void)
{
	struct aim_manifest m = good_manifest();
	struct sealed s = with_manifest(&m);

	assert_int_equal(seal_sign(&s, t.key, t.cert, false), 0);
	return s;
}

/* From an exact copy, so that ASan sees a read past the end. */
static struct verdict judge_at(const void *data, size_t bytes, uint64_t now)
{
	struct signed_file f = { .bytes = bytes };
	struct aim_reason reason = { "" };
	struct verdict v = { 0 };
	X509 *by;

	f.data = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
	assert_non_null(f.data);
	memcpy(f.data, data, bytes);
	if (aim_envelope_open(f.data, bytes, &f.env, &reason))
		verdict_set(&v, EBADMSG, "%s", reason.text);
	else
		envelope_judge(&f, t.trusted, t.system, now, &by, &v);
	free(f.data);
	return v;
}

static struct verdict judge(const struct sealed *s)
{
	return judge_at(s->data, s->bytes, NOW);
}

static void expect(const struct sealed *s, int err, const char *says)
{
	struct verdict v = judge(s);

	if (v.err != err || !strstr(v.reason, says))
		print_error("%s: %s\n", v.err ? strerrorname_np(v.err) : "good",
			    v.reason);
	assert_int_equal(v.err, err);
	assert_non_null(strstr(v.reason, says));
}

/* ---- tampering ---------------------------------------------------------- */

static void good(void **state)
{
	struct sealed s = good_file();

	expect(&s, 0, "");
	seal_free(&s);
}

/* Not a bit can change, in the signature as little as in what it is of. */
static void every_byte(void **state)
{
	struct sealed s = good_file();
	size_t i;

	for (i = 0; i < s.bytes; i++) {
		s.data[i] ^= 1U << i % 8;
		if (!judge(&s).err)
			fail_msg("byte %zu changed and nobody noticed", i);
		s.data[i] ^= 1U << i % 8;
	}
	expect(&s, 0, "");
	seal_free(&s);
}

static void every_length(void **state)
{
	struct sealed s = good_file();
	struct verdict v;
	size_t n;

	for (n = 0; n < s.bytes; n++) {
		v = judge_at(s.data, n, NOW);
		if (!v.err)
			fail_msg("cut to %zu of %zu bytes and admitted", n, s.bytes);
	}
	seal_free(&s);
}

/* Something put in front, between or behind. */
static void insertions(void **state)
{
	struct sealed s = good_file();
	size_t at[] = { 0, 8, t.model.bytes, s.bytes - 12 - 28, s.bytes - 28,
			s.bytes };
	uint8_t *copy = malloc(s.bytes + 8);
	size_t i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		memcpy(copy, s.data, at[i]);
		memset(copy + at[i], 0, 8);
		memcpy(copy + at[i] + 8, s.data + at[i], s.bytes - at[i]);
		assert_int_not_equal(judge_at(copy, s.bytes + 8, NOW).err, 0);
	}
	free(copy);
	seal_free(&s);
}

/* The signature of one model under another. */
static void swapped(void **state)
{
	struct sealed a = good_file(), b;
	struct aim_manifest m = good_manifest();
	size_t sig;

	m.model_version = 2;
	b = with_manifest(&m);
	sig = a.bytes - b.bytes;
	b.data = realloc(b.data, a.bytes);
	memcpy(b.data + b.bytes, a.data + b.bytes, sig);
	b.bytes = a.bytes;
	expect(&b, EKEYREJECTED, "does not fit");
	seal_free(&a);
	seal_free(&b);
}

/* ---- keys --------------------------------------------------------------- */

static void keys(void **state)
{
	struct aim_manifest m = good_manifest();
	struct sealed s = with_manifest(&m);
	STACK_OF(X509) *all = t.trusted;

	/* an impostor with the name and number of the trusted key */
	assert_int_equal(seal_sign(&s, t.other, t.other_cert, false), 0);
	expect(&s, EKEYREJECTED, "does not fit");
	t.trusted = sk_X509_new_null();
	expect(&s, ENOKEY, "no certificate");
	sk_X509_push(t.trusted, t.weak_cert);
	expect(&s, ENOKEY, "CN=good");
	sk_X509_free(t.trusted);
	t.trusted = all;
	seal_free(&s);
}

/* A PKCS#7 of any making over what @s holds. */
static void sign_with(struct sealed *s, EVP_PKEY *key, X509 *cert,
		      const EVP_MD *md, unsigned int flags, bool twice)
{
	static const uint8_t trailer[8] = { 0, 0, AIM_SIG_PKCS7 };
	BIO *in = BIO_new_mem_buf(s->data, (int)s->bytes);
	unsigned char *der = NULL;
	CMS_ContentInfo *cms;
	size_t at = s->bytes;
	int n;

	cms = CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_STREAM | CMS_PARTIAL);
	assert_non_null(cms);
	assert_non_null(CMS_add1_signer(cms, cert, key, md, flags));
	if (twice)
		assert_non_null(CMS_add1_signer(cms, cert, key, md, flags));
	assert_int_equal(CMS_final(cms, in, NULL, flags), 1);
	n = i2d_CMS_ContentInfo(cms, &der);
	assert_true(n > 0);
	s->bytes += (size_t)n + 12 + AIM_SIG_MARKER_LEN;
	s->data = realloc(s->data, s->bytes);
	memcpy(s->data + at, der, (size_t)n);
	at += (size_t)n;
	memcpy(s->data + at, trailer, 8);
	s->data[at + 8] = (uint8_t)(n >> 24);
	s->data[at + 9] = (uint8_t)(n >> 16);
	s->data[at + 10] = (uint8_t)(n >> 8);
	s->data[at + 11] = (uint8_t)n;
	memcpy(s->data + at + 12, AIM_SIG_MARKER, AIM_SIG_MARKER_LEN);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
}

#define PLAIN	(CMS_BINARY | CMS_DETACHED | CMS_NOATTR | CMS_NOSMIMECAP | CMS_NOCERTS)

static void signatures(void **state)
{
	static const struct {
		unsigned int flags;
		bool twice;
		int err;
		const char *says;
	} table[] = {
		{ PLAIN, false, 0, "" },
		{ PLAIN | CMS_USE_KEYID, false, 0, "" },
		{ PLAIN & ~CMS_NOATTR, false, EKEYREJECTED, "attributes" },
		{ PLAIN & ~CMS_DETACHED, false, EBADMSG, "" },
		{ PLAIN, true, EKEYREJECTED, "signer" },
	};
	struct aim_manifest m = good_manifest();
	struct sealed s;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		s = with_manifest(&m);
		sign_with(&s, t.key, t.cert, EVP_sha256(), table[i].flags,
			  table[i].twice);
		expect(&s, table[i].err, table[i].says);
		seal_free(&s);
	}
}

/* A certificate within: for the system's keyrings, and for nothing else. */
static void embedded(void **state)
{
	struct aim_manifest m = good_manifest();
	struct sealed s = with_manifest(&m);

	assert_int_equal(seal_sign(&s, t.rsa, t.rsa_cert, true), 0);
	expect(&s, EKEYREJECTED, "system's keyrings only");
	t.system = true;
	expect(&s, 0, "");
	seal_free(&s);
	s = with_manifest(&m);
	assert_int_equal(seal_sign(&s, t.rsa, t.rsa_cert, false), 0);
	expect(&s, ENOKEY, "--embed-cert");
	t.system = false;
	expect(&s, 0, "");
	seal_free(&s);
	/* only of RSA is it known that no other key fits */
	s = with_manifest(&m);
	assert_int_equal(seal_sign(&s, t.key, t.cert, true), CLI_REFUSED);
	sign_with(&s, t.key, t.cert, EVP_sha256(), PLAIN & ~CMS_NOCERTS, false);
	t.system = true;
	expect(&s, ENOPKG, "RSA");
	t.system = false;
	seal_free(&s);
}

static void strength(void **state)
{
	struct aim_manifest m = good_manifest();
	struct sealed s = with_manifest(&m);

	assert_int_equal(seal_sign(&s, t.weak, t.weak_cert, false), CLI_REFUSED);
	sign_with(&s, t.weak, t.weak_cert, EVP_sha256(), PLAIN, false);
	expect(&s, ENOPKG, "RSA 2048");
	seal_free(&s);
	s = with_manifest(&m);
	sign_with(&s, t.key, t.cert, EVP_sha1(), PLAIN, false);
	expect(&s, ENOPKG, "");
	seal_free(&s);
	s = with_manifest(&m);
	sign_with(&s, t.key, t.cert, EVP_sha512(), PLAIN, false);
	expect(&s, 0, "");
	seal_free(&s);
}

/* The certificate of another key does not get a signature. */
static void pairs(void **state)
{
	struct aim_manifest m = good_manifest();
	struct sealed s = with_manifest(&m);
	size_t bytes = s.bytes;

	assert_int_equal(seal_sign(&s, t.key, t.other_cert, false), CLI_REFUSED);
	assert_int_equal(s.bytes, bytes);
	seal_free(&s);
}

/* ---- what is signed ----------------------------------------------------- */

/* A good signature over something that is no model: a kernel module, say. */
static void other_domains(void **state)
{
	static const char *const things[] = {
		"", "\177ELF...", "FSVerity\x01\x00\x20\x00", AIM_MANIFEST_MAGIC,
	};
	struct sealed s;
	size_t i;

	for (i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
		s.bytes = 4096;
		s.data = calloc(1, s.bytes);
		strcpy((char *)s.data, things[i]);
		sign_with(&s, t.key, t.cert, EVP_sha256(), PLAIN, false);
		expect(&s, EBADMSG, "manifest");
		seal_free(&s);
	}
	/* a model alone, as sign-file would sign it */
	s.bytes = t.model.bytes;
	s.data = malloc(s.bytes);
	memcpy(s.data, t.model.data, s.bytes);
	sign_with(&s, t.key, t.cert, EVP_sha256(), PLAIN, false);
	expect(&s, EBADMSG, "manifest");
	seal_free(&s);
}

static void sign_manifest(const struct aim_manifest *m, int err, const char *says)
{
	struct sealed s = with_manifest(m);

	assert_int_equal(seal_sign(&s, t.key, t.cert, false), 0);
	expect(&s, err, says);
	seal_free(&s);
}

/* Well signed and still wrong. */
static void manifests(void **state)
{
	struct aim_manifest m = good_manifest();

	m.model_digest[31] ^= 1;
	sign_manifest(&m, EBADMSG, "another model");
	m = good_manifest();
	m.version++;
	sign_manifest(&m, EBADMSG, "version");
	m = good_manifest();
	m.reserved[63] = 1;
	sign_manifest(&m, EBADMSG, "reserved");
	m = good_manifest();
	m.flags = 1;
	sign_manifest(&m, EBADMSG, "flags");
	m = good_manifest();
	m.name[0] = 0;
	sign_manifest(&m, EBADMSG, "name");
	m = good_manifest();
	m.name[5] = 'x';	/* behind the end */
	sign_manifest(&m, EBADMSG, "name");
	m = good_manifest();
	memset(m.driver, 'd', sizeof(m.driver));
	sign_manifest(&m, EBADMSG, "driver");
	m = good_manifest();
	m.model_bytes += 64;
	sign_manifest(&m, EBADMSG, "");
	m = good_manifest();
	m.class_mask = ~0U;
	m.model_version = ~0ULL;
	m.max_job_ns = ~0ULL;
	sign_manifest(&m, 0, "");
}

static void times(void **state)
{
	struct aim_manifest m = good_manifest();

	m.not_before = NOW;
	m.not_after = NOW;
	sign_manifest(&m, 0, "");
	m.not_before = NOW + 1;
	m.not_after = 0;
	sign_manifest(&m, EKEYEXPIRED, "not valid before 2027");
	m.not_before = 0;
	m.not_after = NOW - 1;
	sign_manifest(&m, EKEYEXPIRED, "not valid after 2027");
	m.not_before = 1;
	m.not_after = ~0ULL;
	sign_manifest(&m, 0, "");
	m.not_before = ~0ULL;
	sign_manifest(&m, EKEYEXPIRED, "@18446744073709551615");
}

/* Showing a file that nobody has vouched for is safe, whatever is in it. */
static void showing(void **state)
{
	struct sealed s = good_file();
	struct signed_file f = { 0 };
	struct aim_reason reason;
	uint32_t random = 1;
	char text[512];
	int i, n;

	for (i = 0; i < 3000; i++) {
		f.data = malloc(s.bytes);
		f.bytes = s.bytes;
		memcpy(f.data, s.data, s.bytes);
		for (n = 0; n < 4; n++) {
			random = random * 1664525 + 1013904223;
			((uint8_t *)f.data)[s.bytes - 41 - (random >> 8) % 400] =
				(uint8_t)(random >> 24);
		}
		if (!aim_envelope_open(f.data, f.bytes, &f.env, &reason) &&
		    f.env.sig)
			assert_true(strlen(signer_text(&f, text, sizeof(text))));
		free(f.data);
	}
	seal_free(&s);
}

/* ---- by the command ----------------------------------------------------- */

/* Statuses, JSON, and that a refusal is told without a word on stdout. */
static void command(void **state)
{
	struct sealed s = good_file();
	struct json_object *obj, *val;

	cli_set_up();
	assert_int_equal(cli_run("model keygen -t ec-p256"), 0);
	cli_put("s.aim", s.data, s.bytes);
	assert_int_equal(cli_run("model verify s.aim -c aioffload.pem"), CLI_REFUSED);
	assert_string_equal(cli.out, "");
	assert_int_equal(cli_run("model verify s.aim -c aioffload.pem --json"),
			 CLI_REFUSED);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "ok", &val));
	assert_false(json_object_get_boolean(val));
	assert_true(json_object_object_get_ex(obj, "error", &val));
	assert_string_equal(json_object_get_string(val), "ENOKEY");
	json_object_put(obj);
	/* a model that the verifier refuses is not signed either */
	((uint8_t *)t.model.data)[0] ^= 1;
	cli_put("bad.aim", t.model.data, t.model.bytes);
	((uint8_t *)t.model.data)[0] ^= 1;
	assert_int_equal(cli_run("model sign bad.aim -k aioffload.key -n x"),
			 CLI_REFUSED);
	cli_puts("x.tflite", "....TFL3....");
	assert_int_equal(cli_run("model sign x.tflite -k aioffload.key"), CLI_REFUSED);
	assert_says(cli.err, "model convert");
	cli_put("cut.aim", s.data, s.bytes - 1);
	assert_int_equal(cli_run("model verify cut.aim -c aioffload.pem"), CLI_REFUSED);
	assert_int_equal(cli_run("model info cut.aim"), CLI_REFUSED);
	cli_puts("junk.key", "no key");
	assert_int_equal(cli_run("model sign s.aim -k junk.key -c aioffload.pem"),
			 CLI_REFUSED);
	assert_int_equal(cli_run("model sign s.aim -k absent -c aioffload.pem"),
			 CLI_FAILED);
	assert_int_equal(cli_run("model sign s.aim -k aioffload.pem -c aioffload.pem"),
			 CLI_REFUSED);
	cli_tear_down();
	seal_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(every_byte),
		cmocka_unit_test(every_length), cmocka_unit_test(insertions),
		cmocka_unit_test(swapped), cmocka_unit_test(keys),
		cmocka_unit_test(signatures), cmocka_unit_test(embedded), cmocka_unit_test(strength),
		cmocka_unit_test(pairs), cmocka_unit_test(other_domains),
		cmocka_unit_test(manifests), cmocka_unit_test(times),
		cmocka_unit_test(showing), cmocka_unit_test(command),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
