// SPDX-License-Identifier: LGPL-2.1-or-later
/* Keys, signing, verifying: the ways that lead somewhere, as a user goes them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../userspace/cli/sign.h"
#include "../../userspace/common/common.h"
#include "aim_builder.h"
#include "clitest.h"
#include "fakekernel.h"

static int set_up(void **state)
{
	cli_set_up();
	return 0;
}

static int tear_down(void **state)
{
	cli_tear_down();
	return 0;
}

static void put_model(const char *file, const char *name)
{
	struct aim_file f;

	assert_int_equal(ab_model_file(name, &f), 0);
	cli_put(file, f.data, f.bytes);
	ab_release(&f);
}

static int run_json(struct json_object **obj, const char *words)
{
	int status = cli_run("%s", words);

	*obj = cli_json();
	return status;
}

/* The member's text, from two levels if @in is given. */
static const char *text(struct json_object *obj, const char *in, const char *key)
{
	struct json_object *val = obj;

	if (in)
		assert_true(json_object_object_get_ex(val, in, &val));
	assert_true(json_object_object_get_ex(val, key, &val));
	return json_object_get_string(val);
}

static mode_t mode_of(const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", cli_dir, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* ---- keys --------------------------------------------------------------- */

/* The id is what the kernel and the daemon compute: of the bits of the key. */
static void check_id(const char *pem, const char *id)
{
	char hex[TEXT_DIGEST_LEN];
	struct cert *certs;
	const char *why;
	size_t bytes;
	void *data = cli_get(pem, &bytes);

	assert_non_null(data);
	assert_int_equal(certs_parse(data, bytes, &certs, &why), 1);
	assert_string_equal(text_hex(certs->key_id, 32, hex), id);
	assert_null(certs->weak);
	certs_free(certs, 1);
	free(data);
}

static void keygen(void **state)
{
	static const char *const types[] = {
		"rsa3072", "RSA 3072", "ec-p256", "EC P-256",
		"ec-p384", "EC P-384", "rsa4096", "RSA 4096",
	};
	struct json_object *obj;
	char words[128], name[32];
	size_t i;

	for (i = 0; i < 8; i += 2) {
		snprintf(words, sizeof(words),
			 "model keygen --out keys -n k%zu --json --type %s", i,
			 types[i]);
		assert_int_equal(run_json(&obj, words), 0);
		assert_string_equal(text(obj, NULL, "type"), types[i + 1]);
		snprintf(name, sizeof(name), "keys/k%zu.pem", i);
		check_id(name, text(obj, NULL, "key_id"));
		assert_int_equal(mode_of(name), 0644 & ~umask(022));
		snprintf(name, sizeof(name), "keys/k%zu.key", i);
		assert_int_equal(mode_of(name), 0600);
		json_object_put(obj);
	}
	assert_int_equal(mode_of("keys"), 0700);
}

static void keygen_overwrites_nothing(void **state)
{
	size_t bytes;
	char *data;

	cli_puts("aioffload.pem", "mine");
	assert_int_equal(cli_run("model keygen -t ec-p256"), CLI_REFUSED);
	assert_says(cli.err, "never overwritten");
	data = cli_get("aioffload.pem", &bytes);
	assert_string_equal(data, "mine");
	free(data);
	assert_null(cli_get("aioffload.key", NULL));
	cli_puts("two.key", "mine too");
	assert_int_equal(cli_run("model keygen -n two -t ec-p256"), CLI_REFUSED);
	assert_null(cli_get("two.pem", NULL));
	assert_int_equal(cli_run("model keygen -o aioffload.pem -t ec-p256"),
			 CLI_FAILED);
}

static void passphrases(void **state)
{
	char *data;

	put_model("m.aim", "conv_s8");
	cli_puts("right", "four words and more\n");
	cli_puts("wrong", "another\n");
	cli_puts("short", "abc\n");
	cli_puts("none", "");
	assert_int_equal(cli_run("model keygen -t ec-p256 --passphrase-file right"), 0);
	assert_says(cli.out, "encrypted");
	data = cli_get("aioffload.key", NULL);
	assert_says(data, "ENCRYPTED PRIVATE KEY");
	free(data);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key -o s.aim --passphrase-file right"), 0);
	assert_int_equal(cli_run("model verify s.aim -c aioffload.pem"), 0);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key -o t.aim --passphrase-file wrong"),
			 CLI_REFUSED);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key -o t.aim --passphrase-file none"),
			 CLI_REFUSED);
	assert_says(cli.err, "passphrase");
	assert_null(cli_get("t.aim", NULL));
	assert_int_equal(cli_run("model keygen -n x --passphrase-file short"),
			 CLI_REFUSED);
	assert_int_equal(cli_run("model keygen -n x --passphrase-file absent"),
			 CLI_FAILED);
	assert_null(cli_get("x.key", NULL));
}

static void warns_of_open_keys(void **state)
{
	char path[256];

	put_model("m.aim", "conv_s8");
	assert_int_equal(cli_run("model keygen -t ec-p256"), 0);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key"), 0);
	assert_string_equal(cli.err, "");
	snprintf(path, sizeof(path), "%s/aioffload.key", cli_dir);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key"), 0);
	assert_says(cli.err, "chmod 600");
}

/* ---- signing ------------------------------------------------------------ */

/* Every model, so that every gap before the manifest comes up; any order. */
static void round_trip(void **state)
{
	struct json_object *before, *after;
	char file[32], words[128];
	u32 i;

	assert_int_equal(cli_run("model keygen"), 0);
	for (i = 0; i < ab_nr_models; i++) {
		snprintf(file, sizeof(file), "m%u.aim", i);
		put_model(file, ab_models[i].name);
		snprintf(words, sizeof(words), "model info %s --json", file);
		assert_int_equal(run_json(&before, words), 0);
		assert_int_equal(cli_run("model verify %s -c aioffload.pem", file),
				 CLI_REFUSED);
		assert_says(cli.err, "EKEYREJECTED");
		assert_int_equal(cli_run("model sign %s -k aioffload.key -n m%u",
					 file, i), 0);
		assert_int_equal(cli_run("model verify %s -c aioffload.pem", file), 0);
		/* what it is has not changed: signing is no part of it */
		assert_int_equal(run_json(&after, words), 0);
		assert_string_equal(text(before, NULL, "sha256"),
				    text(after, NULL, "sha256"));
		assert_string_equal(text(before, NULL, "bytes"),
				    text(after, NULL, "bytes"));
		assert_string_equal(text(after, "manifest", "name"), file[0] ?
				    (file[strlen(file) - 4] = 0, file) : "");
		json_object_put(before);
		json_object_put(after);
	}
}

static void manifest_fields(void **state)
{
	struct json_object *obj;
	time_t now = time(NULL);
	long long till;

	put_model("m.aim", "conv_s8");
	assert_int_equal(cli_run("model keygen -t ec-p384"), 0);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key -n acme/x -v 18446744073709551615 --not-before 2020-02-29 --not-after +3d --class cpu,virtual --driver aioffload_cpu --max-job 7 --max-memory 3K"), 0);
	assert_int_equal(run_json(&obj, "model verify m.aim -c aioffload.pem --json"), 0);
	assert_string_equal(text(obj, "manifest", "name"), "acme/x");
	assert_string_equal(text(obj, "manifest", "version"),
			    "18446744073709551615");
	assert_string_equal(text(obj, "manifest", "not_before"), "1582934400");
	till = atoll(text(obj, "manifest", "not_after"));
	assert_in_range(till, now + 3 * 86400, now + 3 * 86400 + 60);
	assert_says(text(obj, "manifest", "classes"), "cpu");
	assert_says(text(obj, "manifest", "classes"), "virtual");
	assert_string_equal(text(obj, "manifest", "driver"), "aioffload_cpu");
	assert_string_equal(text(obj, "manifest", "max_job_ns"), "7000000");
	assert_string_equal(text(obj, "manifest", "max_memory"), "3072");
	assert_string_equal(text(obj, NULL, "key"), "EC P-384");
	json_object_put(obj);
	/* a day that a model is good for lasts until its end */
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key --not-after 2027-12-31"), 0);
	assert_int_equal(cli_run("model info m.aim"), 0);
	assert_says(cli.out, "2027-12-31T23:59:59Z");
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key --not-after 2027-12-31T10:11:12Z"), 0);
	assert_int_equal(cli_run("model info m.aim"), 0);
	assert_says(cli.out, "2027-12-31T10:11:12Z");
}

/* Signing again: one signature, and whose manifest it is is clear. */
static void signing_again(void **state)
{
	size_t once, again, plain;
	struct json_object *obj;

	put_model("m.aim", "conv_s8");
	free(cli_get("m.aim", &plain));
	assert_int_equal(cli_run("model keygen -n a -t rsa3072"), 0);
	assert_int_equal(cli_run("model keygen -n b -t rsa3072"), 0);
	assert_int_equal(cli_run("model sign m.aim -k a.key -n one -v 5 --driver d"), 0);
	free(cli_get("m.aim", &once));
	assert_true(once > plain + sizeof(struct aim_manifest));
	/* by another, nothing else said: the manifest stays */
	assert_int_equal(cli_run("model sign m.aim -k b.key"), 0);
	free(cli_get("m.aim", &again));
	assert_int_equal(once, again);
	assert_int_equal(cli_run("model verify m.aim -c a.pem"), CLI_REFUSED);
	assert_says(cli.err, "ENOKEY");
	assert_int_equal(run_json(&obj, "model verify m.aim -c b.pem --json"), 0);
	assert_string_equal(text(obj, "manifest", "name"), "one");
	assert_string_equal(text(obj, "manifest", "version"), "5");
	json_object_put(obj);
	/* anything said: a new one, of what was said alone */
	assert_int_equal(cli_run("model sign m.aim -k a.key -n two"), 0);
	assert_int_equal(run_json(&obj, "model verify m.aim -c a.pem --json"), 0);
	assert_string_equal(text(obj, "manifest", "version"), "1");
	assert_string_equal(text(obj, "manifest", "driver"), "");
	json_object_put(obj);
	/* the manifest alone: the signature is gone */
	assert_int_equal(cli_run("model manifest m.aim -n three -v 2"), 0);
	assert_says(cli.out, "not signed yet");
	free(cli_get("m.aim", &again));
	assert_true(again < once);
	assert_int_equal(cli_run("model verify m.aim -c a.pem"), CLI_REFUSED);
	assert_int_equal(cli_run("model info m.aim"), 0);
	assert_says(cli.out, "three, version 2");
	assert_int_equal(cli_run("model sign m.aim -k a.key"), 0);
	assert_int_equal(cli_run("model verify m.aim -c a.pem"), 0);
	assert_says(cli.out, "three, version 2");
}

static void outputs(void **state)
{
	size_t bytes;
	void *data;

	put_model("m.aim", "conv_s8");
	data = cli_get("m.aim", &bytes);
	assert_int_equal(cli_run("model keygen -t ec-p256"), 0);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key -o -"), 0);
	assert_says(cli.err, "signed with key");
	assert_true(cli.out_bytes > bytes);
	assert_memory_equal(cli.out, data, bytes);
	cli_put("piped.aim", cli.out, cli.out_bytes);
	assert_int_equal(cli_run("model verify piped.aim -c aioffload.pem"), 0);
	free(data);
	/* a failure leaves what was there */
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key -o nowhere/x"),
			 CLI_FAILED);
	cli_puts("kept.aim", "kept");
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key -c kept.aim -o kept.aim"),
			 CLI_REFUSED);
	data = cli_get("kept.aim", NULL);
	assert_string_equal(data, "kept");
	free(data);
}

/* A model that is nobody else's business is none after it was signed. */
static void a_private_model_stays_private(void **state)
{
	char path[256];
	mode_t mask;

	put_model("m.aim", "conv_s8");
	snprintf(path, sizeof(path), "%s/m.aim", cli_dir);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(cli_run("model keygen -t ec-p256"), 0);
	mask = umask(022);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key"), 0);
	assert_int_equal(mode_of("m.aim"), 0600);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key -o new.aim"), 0);
	assert_int_equal(mode_of("new.aim"), 0644);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(cli_run("model manifest m.aim"), 0);
	assert_int_equal(mode_of("m.aim"), 0755);
	umask(mask);
}

/* Names that no manifest can bear are not bent until they fit. */
static void names(void **state)
{
	struct json_object *obj;

	put_model("a b.aim", "conv_s8");
	put_model("good.aim", "conv_s8");
	assert_int_equal(cli_run("model keygen -t ec-p256"), 0);
	assert_int_equal(cli_run("model sign good.aim -k aioffload.key"), 0);
	assert_int_equal(run_json(&obj, "model verify good.aim -c aioffload.pem --json"), 0);
	assert_true(strlen(text(obj, "manifest", "name")) > 0);
	json_object_put(obj);
}

/* ---- keys by directory -------------------------------------------------- */

static void directories(void **state)
{
	char *a, *b, *both;

	put_model("m.aim", "conv_s8");
	assert_int_equal(cli_run("model keygen -o d -n a -t ec-p256"), 0);
	assert_int_equal(cli_run("model keygen -o e -n b -t ec-p256"), 0);
	assert_int_equal(cli_run("model sign m.aim -k d/a.key"), 0);
	assert_int_equal(cli_run("model verify m.aim --keys e"), CLI_REFUSED);
	assert_says(cli.err, "ENOKEY");
	assert_int_equal(cli_run("model verify m.aim --keys d"), 0);
	/* a bad one is named and takes none with it */
	cli_puts("d/0bad.pem", "no certificate");
	cli_puts("d/README", "nor this, but nobody asks");
	assert_int_equal(cli_run("model verify m.aim --keys d"), 0);
	assert_says(cli.err, "0bad.pem");
	assert_null(strstr(cli.err, "README"));
	cli_puts("empty/x", "");
	assert_int_equal(cli_run("model verify m.aim --keys empty"), CLI_REFUSED);
	assert_says(cli.err, "ENOKEY");
	assert_int_equal(cli_run("model verify m.aim --keys absent"), CLI_FAILED);
	/* several in one file, as aioffloadd takes them */
	a = cli_get("d/a.pem", NULL);
	b = cli_get("e/b.pem", NULL);
	assert_true(asprintf(&both, "%s%s", b, a) > 0);
	cli_puts("both.pem", both);
	assert_int_equal(cli_run("model verify m.aim -c both.pem"), 0);
	assert_int_equal(cli_run("model sign m.aim -k d/a.key -c both.pem"),
			 CLI_REFUSED);
	assert_says(cli.err, "2 certificates");
	free(a);
	free(b);
	free(both);
}

/* DER as well as PEM, for keys and certificates. */
static void encodings(void **state)
{
	X509 *cert = NULL;
	unsigned char *der = NULL;
	char path[256];
	int n;

	put_model("m.aim", "conv_s8");
	assert_int_equal(cli_run("model keygen -t ec-p256"), 0);
	snprintf(path, sizeof(path), "%s/aioffload.pem", cli_dir);
	assert_int_equal(cert_load(path, &cert), 0);
	n = i2d_X509(cert, &der);
	assert_true(n > 0);
	cli_put("c.der", der, (size_t)n);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key -c c.der"), 0);
	assert_int_equal(cli_run("model verify m.aim -c c.der"), 0);
	der[n - 1] ^= 1;	/* its own signature: nobody's concern */
	cli_put("c.der", der, (size_t)n - 1);
	assert_int_equal(cli_run("model verify m.aim -c c.der"), CLI_REFUSED);
	OPENSSL_free(der);
	X509_free(cert);
}

/* ---- provenance --------------------------------------------------------- */

static void provenance(void **state)
{
	static const char good[] = "{\"_type\": \"https://in-toto.io/Statement/v1\"}\n";
	char hex[TEXT_DIGEST_LEN], *data;
	struct json_object *obj;
	size_t bytes;

	put_model("m.aim", "conv_s8");
	data = cli_get("m.aim", &bytes);
	assert_int_equal(cli_run("model keygen -t ec-p256"), 0);
	cli_puts("good.json", good);
	cli_puts("dsse.json", "{\"payloadType\":\"application/vnd.in-toto+json\"}");
	cli_puts("other.json", "{\"_type\": \"https://example.com/\"}");
	cli_puts("odd.json", "{\"_type\": [\"https://in-toto.io/Statement/v1\"]}");
	cli_puts("list.json", "[]");
	cli_puts("bad.json", "{");
	cli_puts("empty.json", "");
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key --provenance good.json"), 0);
	assert_int_equal(digest_hex(good, sizeof(good) - 1, hex), 0);
	assert_int_equal(run_json(&obj, "model verify m.aim -c aioffload.pem --json"), 0);
	assert_string_equal(text(obj, "manifest", "provenance"), hex);
	json_object_put(obj);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key --provenance dsse.json"), 0);
	cli_put("m.aim", data, bytes);
	free(data);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key --provenance other.json"), CLI_REFUSED);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key --provenance odd.json"), CLI_REFUSED);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key --provenance list.json"), CLI_REFUSED);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key --provenance bad.json"), CLI_REFUSED);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key --provenance empty.json"), CLI_REFUSED);
	assert_int_equal(cli_run("model sign m.aim -k aioffload.key --provenance absent"), CLI_FAILED);
	assert_int_equal(cli_run("model verify m.aim -c aioffload.pem"), CLI_REFUSED);
}

/* ---- trust -------------------------------------------------------------- */

static int ring_errno = ENOENT, add_errno;
static size_t added_bytes;

int __wrap_keyring_find(int32_t *serial);
int __wrap_keyring_add(int32_t ring, const char *desc, const void *der,
		       size_t bytes);

int __wrap_keyring_find(int32_t *serial)
{
	*serial = 4711;
	return -ring_errno;
}

/* In the command's process: what it saw can be told by its exit alone. */
int __wrap_keyring_add(int32_t ring, const char *desc, const void *der,
		       size_t bytes)
{
	if (ring != 4711 || bytes != added_bytes)
		abort();
	return -add_errno;
}

/* With one: in effect at once, or the kernel's reason in words. */
static void trust_at_once(void **state)
{
	static const struct {
		int err, status;
		const char *says;
	} table[] = {
		{ 0, 0, "in effect" }, { EACCES, CLI_SETUP, "sudo" },
		{ EPERM, CLI_REFUSED, "closed" }, { ENOENT, CLI_REFUSED, "RSA key" },
		{ ENOPKG, CLI_REFUSED, "RSA key" }, { EDQUOT, CLI_FAILED, "quota" },
		{ EBADMSG, CLI_FAILED, "refused the certificate" },
	};
	unsigned char *der = NULL;
	char path[256];
	X509 *cert;
	size_t i;

	assert_int_equal(cli_run("model keygen -t ec-p256"), 0);
	assert_int_equal(cli_run("model trust aioffload.pem --now-only"), CLI_SETUP);
	snprintf(path, sizeof(path), "%s/aioffload.pem", cli_dir);
	assert_int_equal(cert_load(path, &cert), 0);
	added_bytes = (size_t)i2d_X509(cert, &der);
	OPENSSL_free(der);
	X509_free(cert);
	ring_errno = 0;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		add_errno = table[i].err;
		assert_int_equal(cli_run("model trust aioffload.pem -d kept%zu", i),
				 table[i].status);
		assert_says(table[i].err ? cli.err : cli.out, table[i].says);
		/* what the kernel did not take is not kept for the next boot */
		snprintf(path, sizeof(path), "%s/kept%zu", cli_dir, i);
		assert_int_equal(access(path, F_OK), table[i].err ? -1 : 0);
	}
	add_errno = 0;
	assert_int_equal(cli_run("model trust aioffload.pem --now-only --json"), 0);
	assert_null(strstr(cli.out, "\"file\""));
	ring_errno = ENOENT;
}

/* Without a module: kept for later, said so. */
static void trust(void **state)
{
	struct json_object *obj, *gen;
	char path[128], *data, *pem;

	assert_int_equal(run_json(&gen, "model keygen -t ec-p256 --json"), 0);
	assert_int_equal(run_json(&obj, "model trust aioffload.pem -d etc/keys.d --json"), 0);
	assert_string_equal(text(obj, NULL, "key_id"), text(gen, NULL, "key_id"));
	snprintf(path, sizeof(path), "etc/keys.d/%.16s.pem",
		 text(gen, NULL, "key_id"));
	data = cli_get(path, NULL);
	pem = cli_get("aioffload.pem", NULL);
	assert_non_null(data);
	assert_string_equal(data, pem);
	free(data);
	free(pem);
	json_object_put(obj);
	json_object_put(gen);
	assert_int_equal(cli_run("model trust aioffload.pem -d etc/keys.d"), 0);
	assert_int_equal(cli_run("model trust aioffload.key -d etc"), CLI_REFUSED);
	assert_int_equal(cli_run("model trust absent -d etc"), CLI_FAILED);
	assert_int_equal(cli_run("model trust aioffload.pem -d aioffload.key/x"),
			 CLI_FAILED);
}

/* ---- refusals of the kernel --------------------------------------------- */

/* Whatever the policy objects to, the way out is named. */
static void advice(void **state)
{
	static const struct {
		int err;
		const char *says;
	} table[] = {
		{ ENOKEY, "model trust" }, { EKEYREJECTED, "model sign" },
		{ EKEYREVOKED, "block --list" }, { EKEYEXPIRED, "signed anew" },
		{ ENOPKG, "RSA key" }, { ENOTRECOVERABLE, "unblock" },
	};
	size_t i;

	fake_boot();
	put_model("m.aim", "conv_s8");
	cli_puts("in", "x");
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_MODEL_LOAD);
		fake.fail_errno = table[i].err;
		assert_int_equal(cli_run("run m.aim --input in"), CLI_REFUSED);
		assert_says(cli.err, strerrorname_np(table[i].err));
		assert_says(cli.err, table[i].says);
	}
	fake_shutdown();
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(keygen), test(keygen_overwrites_nothing), test(passphrases),
		test(warns_of_open_keys), test(round_trip), test(manifest_fields),
		test(signing_again), test(outputs),
		test(a_private_model_stays_private), test(names),
		test(directories), test(encodings), test(provenance),
		test(trust), test(trust_at_once), test(advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
