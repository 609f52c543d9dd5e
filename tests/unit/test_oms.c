// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * OpenSSF Model Signing: bundles made and checked, directories with all that
 * makes two programs disagree about them, hostile bundles, and the published
 * test vectors where they are at hand.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../userspace/cli/oms.h"
#include "aim_builder.h"
#include "clitest.h"

static EVP_PKEY *key;

static int set_up_all(void **state)
{
	key = EVP_EC_gen("P-256");
	return !key;
}

static int tear_down_all(void **state)
{
	EVP_PKEY_free(key);
	return 0;
}

/* A model in a directory, and keys beside it. */
static int set_up(void **state)
{
	cli_set_up();
	assert_int_equal(cli_run("model keygen -n k -t ec-p256"), 0);
	cli_puts("m/b", "two");
	cli_puts("m/a/x", "one");
	cli_puts("m/a.x", "three");
	cli_puts("m/empty", "");
	return 0;
}

static int tear_down(void **state)
{
	cli_tear_down();
	return 0;
}

static int sign(void)
{
	return cli_run("model sign --oms m -k k.key");
}

static int verify(void)
{
	return cli_run("model verify m --oms m/model.sig --pubkey k.pem");
}

static void path_in(char out[256], const char *name)
{
	snprintf(out, 256, "%s/%s", cli_dir, name);
}

static void remove_file(const char *name)
{
	char path[256];

	path_in(path, name);
	assert_int_equal(remove(path), 0);
}

static void link_in(const char *name, const char *target)
{
	char path[256];

	path_in(path, name);
	assert_int_equal(symlink(target, path), 0);
}

/* Whatever was done to the model, the file is named. */
static void spoilt(const char *says)
{
	assert_int_equal(verify(), CLI_REFUSED);
	assert_says(cli.err, says);
	assert_string_equal(cli.out, "");
}

/* ---- directories -------------------------------------------------------- */

static void round_trip(void **state)
{
	struct json_object *obj, *val;

	assert_int_equal(sign(), 0);
	assert_int_equal(verify(), 0);
	assert_says(cli.out, "4 files as signed");
	assert_int_equal(cli_run("model verify m --oms m/model.sig --pubkey k.pem --json"), 0);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "files", &val));
	assert_int_equal(json_object_get_int(val), 4);
	json_object_put(obj);
	/* by any way that leads there */
	assert_int_equal(cli_run("model verify ./m/../m/ --oms ./m/../m/model.sig --pubkey k.pem"), 0);
	assert_int_equal(cli_run("model verify %s/m --oms m/model.sig --pubkey k.pem",
				 cli_dir), 0);
	/* again, over the old one */
	assert_int_equal(sign(), 0);
	assert_int_equal(verify(), 0);
}

static void changes(void **state)
{
	assert_int_equal(sign(), 0);
	cli_puts("m/b", "twO");
	spoilt("b was changed");
	cli_puts("m/b", "two");
	cli_puts("m/empty", "x");
	spoilt("empty was changed");
	cli_puts("m/empty", "");
	cli_puts("m/new", "");
	spoilt("new is there, but not signed");
	remove_file("m/new");
	cli_puts("m/a/deeper/new", "");
	spoilt("a/deeper/new is there");
	remove_file("m/a/deeper/new");
	assert_int_equal(verify(), 0);	/* an empty directory is nothing */
	remove_file("m/a/x");
	spoilt("a/x is signed, but missing");
	cli_puts("m/a/X", "one");
	spoilt("a/X is there");		/* case counts */
	remove_file("m/a/X");
	cli_puts("m/a/x", "one");
	assert_int_equal(verify(), 0);
}

/*
 * By bytes "a.x" comes before "a/x", by path components after it; the root
 * digest depends on it.
 */
static void order(void **state)
{
	struct oms_rules rules = { .hash = "sha256" };
	struct oms_list list;
	struct verdict v;
	char path[256];

	path_in(path, "m");
	cli_puts("m/\xc3\xa9", "");		/* after all of ASCII */
	cli_puts("m/Z", "");
	assert_int_equal(oms_list_model(path, &rules, NULL, &list, &v), 0);
	assert_int_equal(list.nr, 6);
	assert_string_equal(list.items[0].name, "Z");
	assert_string_equal(list.items[1].name, "a.x");
	assert_string_equal(list.items[2].name, "a/x");
	assert_string_equal(list.items[3].name, "b");
	assert_string_equal(list.items[4].name, "empty");
	assert_string_equal(list.items[5].name, "\xc3\xa9");
	oms_list_free(&list);
}

static void ignored(void **state)
{
	cli_puts("m/.git/config", "1");
	cli_puts("m/.gitignore", "1");
	cli_puts("m/.gitattributes", "1");
	cli_puts("m/.github/x/y", "1");
	cli_puts("m/a/.git/config", "1");	/* only at the top */
	cli_puts("m/cache/1", "1");
	cli_puts("m/cached", "1");
	cli_puts("m/a/cache", "1");
	assert_int_equal(cli_run("model sign --oms m -k k.key --ignore cache --ignore a/none"), 0);
	assert_says(cli.out, "7 files");
	assert_int_equal(verify(), 0);
	cli_puts("m/.git/config", "2");
	cli_puts("m/.github/z", "2");
	cli_puts("m/cache/2", "2");
	assert_int_equal(verify(), 0);
	cli_puts("m/a/.git/config", "2");
	spoilt("a/.git/config was changed");
	cli_puts("m/a/.git/config", "1");
	cli_puts("m/cached", "2");
	spoilt("cached was changed");
	cli_puts("m/cached", "1");
	cli_puts("m/.gitmodules", "");
	spoilt(".gitmodules");
	/* the verifier's own exceptions */
	assert_int_equal(cli_run("model verify m --oms m/model.sig --pubkey k.pem --ignore .gitmodules"), 0);
	assert_int_equal(cli_run("model verify m --oms m/model.sig --pubkey k.pem --ignore b --ignore .gitmodules"),
			 CLI_REFUSED);
	assert_says(cli.err, "b is signed, but missing");
}

/* Links are not followed, wherever they lead. */
static void links(void **state)
{
	link_in("m/link", "b");
	assert_int_equal(sign(), CLI_REFUSED);
	assert_says(cli.err, "link is a symbolic link");
	remove_file("m/link");
	assert_int_equal(sign(), 0);
	link_in("m/link", "/etc/passwd");
	spoilt("link is a symbolic link");
	remove_file("m/link");
	link_in("m/loop", ".");
	spoilt("loop is a symbolic link");
	remove_file("m/loop");
	/* in the place of a file or directory with the same contents */
	cli_puts("out/x", "one");
	remove_file("m/a/x");
	link_in("m/a/x", "../../out/x");
	spoilt("a/x is a symbolic link");
	remove_file("m/a/x");
	remove_file("m/a");
	link_in("m/a", "../out");
	spoilt("a is a symbolic link");
}

/* What never ends or answers is not read. */
static void oddities(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char path[256];
	int fd;

	assert_int_equal(sign(), 0);
	path_in(path, "m/fifo");
	assert_int_equal(mkfifo(path, 0600), 0);
	spoilt("fifo is neither file nor directory");
	assert_int_equal(sign(), CLI_REFUSED);
	remove_file("m/fifo");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/m/sock", cli_dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	spoilt("sock is neither");
	close(fd);
	remove_file("m/sock");
	cli_puts("m/\xff\xfe", "");
	spoilt("not UTF-8");
	assert_int_equal(sign(), CLI_REFUSED);
	remove_file("m/\xff\xfe");
	/* odd, but as good as any other */
	cli_puts("m/\"quote\\ \n\t\x01:0:5 *[?", "odd");
	cli_puts("m/...", "");
	cli_puts("m/-rf", "");
	assert_int_equal(sign(), 0);
	assert_int_equal(verify(), 0);
	assert_says(cli.out, "7 files");
}

static void depth(void **state)
{
	char name[256] = "m", *p = name + 1;
	int i;

	for (i = 0; i < 80; i++)
		p += sprintf(p, "/d");
	strcpy(p, "/x");
	cli_puts(name, "");
	assert_int_equal(sign(), CLI_FAILED);
}

static void nothing(void **state)
{
	cli_puts("void/.git/x", "");
	assert_int_equal(cli_run("model sign --oms void -k k.key"), CLI_REFUSED);
	assert_says(cli.err, "no file");
	assert_null(cli_get("void/model.sig", NULL));
	assert_int_equal(cli_run("model sign --oms absent -k k.key"), CLI_FAILED);
	assert_int_equal(cli_run("model sign --oms /dev/null -k k.key -o x"),
			 CLI_REFUSED);
}

/* The bundle is no part of the model, wherever it lies in it. */
static void own_place(void **state)
{
	assert_int_equal(cli_run("model sign --oms m -k k.key -o m/a/sig"), 0);
	assert_int_equal(cli_run("model verify m --oms m/a/sig --pubkey k.pem"), 0);
	/* under another name: that name is left out, too */
	free(cli_get("m/a/sig", NULL));
	assert_int_equal(cli_run("model sign --oms m -k k.key -o outside.sig --ignore a/sig"), 0);
	assert_int_equal(cli_run("model verify m --oms outside.sig --pubkey k.pem"), 0);
	assert_int_equal(cli_run("model sign --oms m -k k.key -o -"), 0);
	assert_says(cli.err, "5 files");
	cli_put("piped.sig", cli.out, cli.out_bytes);
	assert_int_equal(cli_run("model verify m --oms piped.sig --pubkey k.pem"), 0);
}

static void single_files(void **state)
{
	assert_int_equal(cli_run("model sign --oms m/b -k k.key"), 0);
	assert_int_equal(cli_run("model verify m/b --oms m/b.sig --pubkey k.pem"), 0);
	assert_int_equal(cli_run("model verify m/a.x --oms m/b.sig --pubkey k.pem"),
			 CLI_REFUSED);
	/* the same bytes under another name are another model */
	cli_puts("m/c", "two");
	assert_int_equal(cli_run("model verify m/c --oms m/b.sig --pubkey k.pem"),
			 CLI_REFUSED);
	assert_says(cli.err, "missing");
	cli_puts("m/b", "Two");
	assert_int_equal(cli_run("model verify m/b --oms m/b.sig --pubkey k.pem"),
			 CLI_REFUSED);
	assert_says(cli.err, "changed");
}

static void keys(void **state)
{
	static const char *const types[] = { "ec-p256", "ec-p384" };
	size_t i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(cli_run("model keygen -n t%zu -t %s", i, types[i]), 0);
		assert_int_equal(cli_run("model sign --oms m -k t%zu.key", i), 0);
		assert_int_equal(cli_run("model verify m --oms m/model.sig --pubkey t%zu.pem", i), 0);
		spoilt("another key");
	}
	assert_int_equal(cli_run("model keygen -n r"), 0);
	assert_int_equal(cli_run("model sign --oms m -k r.key"), CLI_REFUSED);
	assert_says(cli.err, "ec-p256");
	assert_int_equal(cli_run("model verify m --oms m/model.sig --pubkey r.pem"),
			 CLI_REFUSED);
	assert_int_equal(cli_run("model verify m --oms m/model.sig --pubkey m/b"),
			 CLI_REFUSED);
}

/* ---- bundles that nobody sane would write ------------------------------- */

static char *encode(const void *data, size_t bytes)
{
	char *out = calloc(1, 4 * (bytes / 3 + 1) + 1);

	EVP_EncodeBlock((unsigned char *)out, data, (int)bytes);
	return out;
}

/* A bundle around any payload, well signed. free() it. */
static char *bundle(const char *payload)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char sig[256];
	size_t n = sizeof(sig);
	char *pae, *p64, *s64, *out;
	int len;

	len = asprintf(&pae, "DSSEv1 %zu %s %zu %s", strlen(OMS_PAYLOAD_TYPE),
		       OMS_PAYLOAD_TYPE, strlen(payload), payload);
	assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(md, sig, &n, (unsigned char *)pae,
					(size_t)len), 1);
	p64 = encode(payload, strlen(payload));
	s64 = encode(sig, n);
	assert_true(asprintf(&out, "{\"mediaType\":\"" OMS_MEDIA_TYPE "\","
			     "\"verificationMaterial\":{\"publicKey\":{\"hint\":\"x\"}},"
			     "\"dsseEnvelope\":{\"payload\":\"%s\",\"payloadType\":\""
			     OMS_PAYLOAD_TYPE "\",\"signatures\":[{\"sig\":\"%s\"}]}}",
			     p64, s64) > 0);
	EVP_MD_CTX_free(md);
	free(pae);
	free(p64);
	free(s64);
	return out;
}

/* From an exact copy, so that ASan sees a read past the end. */
static int open_bundle(const void *data, size_t bytes, struct oms **oms,
		       struct verdict *v)
{
	char *copy = malloc(bytes ? bytes : 1);
	int err;

	memcpy(copy, data, bytes);
	err = oms_parse_bundle(copy, bytes, oms, v);
	free(copy);
	if (!err)
		err = oms_check_signature(*oms, key, v);
	return err;
}

#define D1	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ROOT	"4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358"
#define SUBJECT	"\"subject\":[{\"name\":\"m\",\"digest\":{\"sha256\":\"" ROOT "\"}}]"
#define RES(n)	"{\"name\":\"" n "\",\"algorithm\":\"sha256\",\"digest\":\"" D1 "\"}"
#define SER	"\"serialization\":{\"method\":\"files\",\"hash_type\":\"sha256\",\"allow_symlinks\":false}"
#define TYPE	"\"_type\":\"" OMS_STATEMENT_TYPE "\""
#define PTYPE	"\"predicateType\":\"" OMS_PREDICATE_TYPE "\""
#define PRED(r, s) "\"predicate\":{\"resources\":[" r "]," s "}"
#define ALL(p)	"{" TYPE "," SUBJECT "," PTYPE "," p "}"
#define SHARDS(n) "\"serialization\":{\"method\":\"shards\",\"hash_type\":\"sha256\",\"shard_size\":" n ",\"allow_symlinks\":false}"
#define WITH(x)	"\"serialization\":{\"method\":\"files\",\"hash_type\":\"sha256\",\"allow_symlinks\":false," x "}"

static const struct {
	const char *text, *says;	/* NULL: good */
} payloads[] = {
	{ ALL(PRED(RES("a"), SER)), NULL },
	{ ALL(PRED(RES("a/b.c"), SER)), NULL },
	{ ALL(PRED(RES("."), SER)), NULL },	/* old single files */
	{ ALL(PRED(RES("a:0:3"), SHARDS("5"))), NULL },
	{ ALL(PRED(RES("a:7:0:3"), SHARDS("5"))), NULL },
	{ " " ALL(PRED(RES("a"), SER)) "\n", NULL },
	{ "", "base64" }, { "{", "not JSON" }, { "[]", "not JSON" },
	{ "null", "not JSON" },
	{ ALL(PRED(RES("a"), SER)) "x", "not JSON" },
	{ ALL(PRED(RES("a"), SER)) "{}", "not JSON" },
	{ "/* */" ALL(PRED(RES("a"), SER)), "not JSON" },
	{ "{" TYPE "}", "predicateType" }, { "{" SUBJECT "}", "_type" },
	{ "{" TYPE "," PTYPE "," PRED(RES("a"), SER) "}", "subject" },
	{ "{" TYPE "," SUBJECT "," PTYPE "}", "no predicate" },
	{ ALL(PRED(RES("a"), SER)  ",\"x\":1"), "unknown member" },
	{ ALL(PRED(RES("a"), SER ",\"x\":1")), "unknown member" },
	{ ALL(PRED(RES("a"), WITH("\"x\":1"))), "unknown member" },
	{ ALL(PRED("", SER)), "0 files" },
	{ ALL(PRED(RES("a") "," RES("a"), SER)), "root digest" },
	{ ALL(PRED(RES("/a"), SER)), "no path" },
	{ ALL(PRED(RES("../a"), SER)), "no path" },
	{ ALL(PRED(RES("a/../b"), SER)), "no path" },
	{ ALL(PRED(RES("a/.."), SER)), "no path" },
	{ ALL(PRED(RES(".."), SER)), "no path" },
	{ ALL(PRED(RES("./a"), SER)), "no path" },
	{ ALL(PRED(RES("a/./b"), SER)), "no path" },
	{ ALL(PRED(RES("a//b"), SER)), "no path" },
	{ ALL(PRED(RES("a/"), SER)), "no path" },
	{ ALL(PRED(RES(""), SER)), "no path" },
	{ ALL(PRED(RES("a\\u0000b"), SER)), "no name" },
	{ ALL(PRED(RES("\xff"), SER)), "not JSON" },
	{ ALL(PRED(RES("a"), SHARDS("5"))), "no path" },
	{ ALL(PRED(RES("a:3"), SHARDS("5"))), "no path" },
	{ ALL(PRED(RES(":0:3"), SHARDS("5"))), "no path" },
	{ ALL(PRED(RES("0:3"), SHARDS("5"))), "no path" },
	{ ALL(PRED(RES("a:-1:3"), SHARDS("5"))), "no path" },
	{ ALL(PRED(RES("../a:0:3"), SHARDS("5"))), "no path" },
	{ ALL(PRED(RES("a:0:3"), SHARDS("0"))), "shard_size" },
	{ ALL(PRED(RES("a:0:3"), SHARDS("-5"))), "shard_size" },
	{ ALL(PRED(RES("a:0:3"), SHARDS("1.5"))), "shard_size" },
	{ ALL(PRED(RES("a"), WITH("\"shard_size\":5"))), "shard_size" },
	{ ALL(PRED(RES("a"), WITH("\"ignore_paths\":[\"x\",\"y/z\"]"))), NULL },
	{ ALL(PRED(RES("a"), WITH("\"ignore_paths\":[\".\"]"))), "ignore_paths" },
	{ ALL(PRED(RES("a"), WITH("\"ignore_paths\":[\"\"]"))), "ignore_paths" },
	{ ALL(PRED(RES("a"), WITH("\"ignore_paths\":[\"/\"]"))), "ignore_paths" },
	{ ALL(PRED(RES("a"), WITH("\"ignore_paths\":[\"../x\"]"))), "ignore_paths" },
	{ ALL(PRED(RES("a"), WITH("\"ignore_paths\":[\"*\"]"))), "ignore_paths" },
	{ ALL(PRED(RES("a"), WITH("\"ignore_paths\":[1]"))), "ignore_paths" },
	{ ALL(PRED(RES("a"), WITH("\"ignore_paths\":{}"))), "ignore_paths" },
	{ ALL(PRED(RES("a"), WITH("\"ignore_paths\":null"))), "ignore_paths" },
	{ ALL(PRED("1", SER)), "no name" },
	{ ALL(PRED("{\"name\":\"a\",\"algorithm\":\"sha256\",\"digest\":\"BA\"}", SER)), "digest" },
	{ ALL(PRED("{\"name\":\"a\",\"algorithm\":\"sha512\",\"digest\":\"" D1 "\"}", SER)), "algorithm" },
	{ ALL(PRED("{\"name\":\"a\",\"algorithm\":\"sha256\",\"digest\":\"" D1 "00\"}", SER)), "digest" },
	{ ALL(PRED("{\"name\":\"a\",\"algorithm\":\"sha256\",\"digest\":7}", SER)), "digest" },
	{ ALL(PRED(RES("a"), "\"serialization\":{\"method\":\"files\",\"hash_type\":\"sha256\"}")), "allow_symlinks" },
	{ ALL(PRED(RES("a"), "\"serialization\":{\"method\":\"tar\",\"hash_type\":\"sha256\",\"allow_symlinks\":false}")), "method" },
	{ ALL(PRED(RES("a"), "\"serialization\":{\"method\":\"files\",\"hash_type\":\"md5\",\"allow_symlinks\":false}")), "hash_type" },
	{ ALL(PRED(RES("a"), "\"serialization\":{\"method\":\"files\",\"hash_type\":\"blake3\",\"allow_symlinks\":false}")), "blake3" },
	{ ALL(PRED(RES("a"), "\"serialization\":[]")), "serialization" },
	{ "{" TYPE ",\"subject\":[]," PTYPE "," PRED(RES("a"), SER) "}", "subject" },
	{ "{" TYPE ",\"subject\":[{\"name\":\"\",\"digest\":{\"sha256\":\"" ROOT "\"}}]," PTYPE "," PRED(RES("a"), SER) "}", "no name" },
	{ "{" TYPE ",\"subject\":[{\"name\":\"m\",\"digest\":{\"sha1\":\"" ROOT "\"}}]," PTYPE "," PRED(RES("a"), SER) "}", "SHA-256" },
	{ "{" TYPE ",\"subject\":[{\"name\":\"m\",\"digest\":{\"sha256\":\"" D1 "\"}}]," PTYPE "," PRED(RES("a"), SER) "}", "root digest" },
	{ "{" TYPE "," SUBJECT ",\"predicateType\":\"https://model_signing/Digests/v0.1\"," PRED(RES("a"), SER) "}", "predicateType" },
	{ "{\"_type\":\"https://in-toto.io/Statement/v0.1\"," SUBJECT "," PTYPE "," PRED(RES("a"), SER) "}", "_type" },
};

/* Well signed, and still not to be believed. */
static void statements(void **state)
{
	struct verdict v;
	struct oms *oms;
	char *text;
	size_t i;

	for (i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		text = bundle(payloads[i].text);
		oms = NULL;
		v = (struct verdict){ 0 };
		open_bundle(text, strlen(text), &oms, &v);
		if (payloads[i].says ? !strstr(v.reason, payloads[i].says) : v.err)
			fail_msg("%s: %s", payloads[i].text, v.reason);
		if (payloads[i].says)
			assert_int_not_equal(v.err, 0);
		oms_free(oms);
		free(text);
	}
}

/* The same name twice, root digest and all: the later one can't hide there. */
static void twice(void **state)
{
	struct oms_list list = { 0 };
	uint8_t digest[OMS_MAX_DIGEST] = { 0 }, root[32];
	char hex[TEXT_DIGEST_LEN], *text, *json, zero[65];
	struct verdict v = { 0 };
	struct oms *oms = NULL;

	assert_int_equal(oms_list_add(&list, strdup("a"), digest), 0);
	assert_int_equal(oms_list_add(&list, strdup("a"), digest), 0);
	assert_int_equal(oms_root_digest(&list, 32, root), 0);
	text_hex(root, 32, hex);
	memset(zero, '0', 64);
	zero[64] = '\0';
	assert_true(asprintf(&json, "{" TYPE ",\"subject\":[{\"name\":\"m\",\"digest\":{\"sha256\":\"%s\"}}]," PTYPE
			     ",\"predicate\":{\"resources\":[{\"name\":\"a\",\"algorithm\":\"sha256\",\"digest\":\"%s\"},{\"name\":\"a\",\"algorithm\":\"sha256\",\"digest\":\"%s\"}]," SER "}}",
			     hex, zero, zero) > 0);
	text = bundle(json);
	assert_int_equal(open_bundle(text, strlen(text), &oms, &v), EBADMSG);
	assert_says(v.reason, "listed twice");
	oms_free(oms);
	oms_list_free(&list);
	free(text);
	free(json);
}

#define KEY_M	"\"verificationMaterial\":{\"publicKey\":{\"hint\":\"x\"}}"
#define ENV	"\"dsseEnvelope\":{\"payload\":\"e30=\",\"payloadType\":\"" OMS_PAYLOAD_TYPE "\",\"signatures\":[{\"sig\":\"AAAA\"}]}"
#define MEDIA	"\"mediaType\":\"" OMS_MEDIA_TYPE "\""
#define ENV_P(p) "{" MEDIA "," KEY_M ",\"dsseEnvelope\":{\"payload\":" p ",\"payloadType\":\"" OMS_PAYLOAD_TYPE "\",\"signatures\":[{\"sig\":\"AAAA\"}]}}"
#define ENV_S(s) "{" MEDIA "," KEY_M ",\"dsseEnvelope\":{\"payload\":\"e30=\",\"payloadType\":\"" OMS_PAYLOAD_TYPE "\",\"signatures\":" s "}}"
#define MAT(m)	"{" MEDIA ",\"verificationMaterial\":" m "," ENV "}"
#define RAW	"{\"rawBytes\":\"AAAA\"}"

static void bundles(void **state)
{
	static const struct {
		const char *text, *says;
	} table[] = {
		{ "{" MEDIA "," KEY_M "," ENV "}", NULL },
		{ MAT("{\"publicKey\":" RAW "}"), NULL },
		{ MAT("{\"x509CertificateChain\":{\"certificates\":[" RAW "]}}"), NULL },
		{ MAT("{\"certificate\":" RAW ",\"tlogEntries\":[{}]}"), NULL },
		{ ENV_S("[{\"sig\":\"AAAA\",\"keyid\":null}]"), NULL },
		{ ENV_S("[{\"sig\":\"AAAA\",\"keyid\":\"\"}]"), NULL },
		{ "", "not JSON" }, { "\n", "not JSON" }, { "{}", "mediaType" },
		{ "{" KEY_M "," ENV "}", "mediaType" },
		{ "{\"mediaType\":1," KEY_M "," ENV "}", "mediaType" },
		{ "{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v9+json\"," KEY_M "," ENV "}", "mediaType" },
		{ "{" MEDIA "," ENV "}", "verificationMaterial" },
		{ "{" MEDIA "," KEY_M "}", "dsseEnvelope" },
		{ "{" MEDIA "," KEY_M "," ENV ",\"x\":1}", "unknown member" },
		{ "{" MEDIA "," KEY_M ",\"dsseEnvelope\":[]}", "dsseEnvelope" },
		{ MAT("{}"), "exactly one" }, { MAT("[]"), "verificationMaterial" },
		{ MAT("{\"publicKey\":{}}"), "neither" },
		{ MAT("{\"publicKey\":7}"), "neither" },
		{ MAT("{\"publicKey\":" RAW ",\"certificate\":" RAW "}"), "exactly one" },
		{ MAT("{\"x509CertificateChain\":{\"certificates\":[]}}"), "no certificates" },
		{ MAT("{\"x509CertificateChain\":{\"certificates\":[1]}}"), "no certificates" },
		{ MAT("{\"certificate\":" RAW "}"), "transparency" },
		{ MAT("{\"certificate\":" RAW ",\"tlogEntries\":[]}"), "transparency" },
		{ ENV_P("\"\""), "base64" }, { ENV_P("7"), "base64" },
		{ ENV_P("\"e30\""), "base64" }, { ENV_P("\"e3 =\""), "base64" },
		{ ENV_P("\"e31=\""), "base64" },	/* stray bits */
		{ ENV_P("\"====\""), "base64" }, { ENV_P("\"e=0=\""), "base64" },
		{ ENV_P("\"e30-\""), "base64" },
		{ ENV_S("[]"), "exactly one signature" }, { ENV_S("{}"), "exactly one" },
		{ ENV_S("[{\"sig\":\"AAAA\"},{\"sig\":\"AAAA\"}]"), "exactly one" },
		{ ENV_S("[{}]"), "no 'sig'" }, { ENV_S("[{\"sig\":\"\"}]"), "base64" },
		{ ENV_S("[{\"sig\":\"AAAA\",\"x\":1}]"), "unknown member" },
		{ ENV_S("[{\"sig\":\"AAAA\",\"keyid\":1}]"), "keyid" },
		{ "{" MEDIA "," KEY_M ",\"dsseEnvelope\":{\"payload\":\"e30=\",\"payloadType\":\"text/plain\",\"signatures\":[{\"sig\":\"AAAA\"}]}}", "payloadType" },
	};
	struct verdict v;
	struct oms *oms;
	size_t i;
	int err;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		err = oms_parse_bundle(table[i].text, strlen(table[i].text), &oms,
				       &v);
		if (table[i].says ? !strstr(v.reason, table[i].says) : err)
			fail_msg("%s: %s", table[i].text, v.reason);
		if (table[i].says)
			assert_int_equal(err, EBADMSG);
		oms_free(oms);
	}
}

/* Nested without end, cut anywhere, changed anywhere. */
static void hostile(void **state)
{
	char *text = bundle(ALL(PRED(RES("a"), SER))), *deep;
	size_t len = strlen(text), n;
	uint32_t random = 7;
	struct verdict v;
	struct oms *oms;
	int i;

	for (n = 0; n < len; n++) {
		oms = NULL;
		assert_int_not_equal(open_bundle(text, n, &oms, &v), 0);
		oms_free(oms);
	}
	deep = malloc(1 << 20);
	memset(deep, '[', 1 << 20);
	assert_int_equal(oms_parse_bundle(deep, 1 << 20, &oms, &v), EBADMSG);
	free(deep);
	for (i = 0; i < 20000; i++) {
		char *at, old;

		random = random * 1664525 + 1013904223;
		at = text + (random >> 8) % len;
		old = *at;
		*at = (char)(random >> 24);
		oms = NULL;
		/* what still parses says nothing but what was signed */
		if (!open_bundle(text, len, &oms, &v))
			assert_string_equal(oms->list.items[0].name, "a");
		oms_free(oms);
		*at = old;
	}
	free(text);
}

/* ---- shards ------------------------------------------------------------- */

/* Not made here, but checked: byte ranges instead of files. */
static void shards(void **state)
{
	struct oms_rules rules = { .hash = "sha256", .shard_size = 2 };
	struct oms_list list;
	struct verdict v;
	char path[256];

	path_in(path, "m");
	assert_int_equal(oms_list_model(path, &rules, NULL, &list, &v), 0);
	assert_int_equal(list.nr, 7);	/* 3 + 2 + 2, none for the empty one */
	assert_string_equal(list.items[0].name, "a.x:0:2");
	assert_string_equal(list.items[2].name, "a.x:4:5");
	assert_string_equal(list.items[4].name, "a/x:2:3");
	oms_list_free(&list);
	rules.shard_size = INT64_MAX;
	assert_int_equal(oms_list_model(path, &rules, NULL, &list, &v), 0);
	assert_int_equal(list.nr, 3);
	oms_list_free(&list);
	rules.hash = "blake2b";
	rules.shard_size = 0;
	assert_int_equal(oms_list_model(path, &rules, NULL, &list, &v), 0);
	assert_int_equal(list.nr, 4);
	oms_list_free(&list);
}

/* ---- bound into the kernel's manifest ----------------------------------- */

static void binding(void **state)
{
	struct aim_file f;

	assert_int_equal(ab_model_file("conv_s8", &f), 0);
	cli_put("net/x.aim", f.data, f.bytes);
	ab_release(&f);
	assert_int_equal(cli_run("model sign --oms net -k k.key -o net.sig"), 0);
	assert_int_equal(cli_run("model sign --oms m -k k.key -o m.sig"), 0);
	assert_int_equal(cli_run("model keygen -n other -t ec-p256"), 0);
	assert_int_equal(cli_run("model sign net/x.aim -o s.aim -k k.key --oms-bundle net.sig --oms-pubkey k.pem"), 0);
	assert_string_equal(cli.err, "");
	assert_int_equal(cli_run("model verify s.aim -c k.pem"), 0);
	assert_says(cli.out, "oms root");
	assert_int_equal(cli_run("model verify s.aim -c k.pem --oms net.sig --pubkey k.pem"), 0);
	assert_says(cli.out, "lists this model");
	assert_int_equal(cli_run("model verify s.aim -c k.pem --oms m.sig --pubkey k.pem"),
			 CLI_REFUSED);
	assert_says(cli.err, "another OpenSSF signature");
	assert_int_equal(cli_run("model verify s.aim -c k.pem --oms net.sig --pubkey other.pem"),
			 CLI_REFUSED);
	/* of its sources: allowed, and said */
	assert_int_equal(cli_run("model sign net/x.aim -o s.aim -k k.key --oms-bundle m.sig --oms-pubkey k.pem"), 0);
	assert_says(cli.err, "does not list this very model");
	/* what nobody vouches for is not bound */
	assert_int_equal(cli_run("model sign net/x.aim -o t.aim -k k.key --oms-bundle net.sig --oms-pubkey other.pem"),
			 CLI_REFUSED);
	assert_int_equal(cli_run("model sign net/x.aim -o t.aim -k k.key --oms-bundle m/b --oms-pubkey k.pem"),
			 CLI_REFUSED);
	assert_null(cli_get("t.aim", NULL));
	/* without any: a manifest that names none fits no bundle */
	assert_int_equal(cli_run("model sign net/x.aim -o s.aim -k k.key"), 0);
	assert_int_equal(cli_run("model verify s.aim -c k.pem --oms net.sig --pubkey k.pem"),
			 CLI_REFUSED);
}

/* ---- the published vectors ---------------------------------------------- */

static bool vector(const char *dir, const char *name, char **text, size_t *bytes)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
	*text = cli_get(path, bytes);
	free(path);
	return *text;
}

/*
 * ossf/model-signing-spec (test-vectors) and sigstore/model-transparency
 * (scripts/tests), as they are, below one directory. They are not kept in the
 * project.
 */
static void published(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} bundle_files[] = {
		{ "test-vectors/v1.0/valid/key.bundle.json", true },
		{ "test-vectors/v1.0/valid/certificate.bundle.json", true },
		{ "test-vectors/v1.0/valid/sigstore.bundle.json", true },
		{ "test-vectors/v1.0/invalid/empty.bundle.json", false },
		{ "test-vectors/v1.0/invalid/missing-envelope.bundle.json", false },
		{ "test-vectors/v1.0/invalid/missing-tlog-entries.bundle.json", false },
		{ "test-vectors/v1.0/invalid/missing-verification-material.bundle.json", false },
		{ "test-vectors/v1.0/invalid-payload/wrong-predicate.bundle.json", false },
	};
	static const char *const versions[] = { "v1.1.0", "v1.0.1" };
	const char *shared = getenv("AIOFFLOAD_SHARED");
	const char *dir = getenv("AIOFFLOAD_OMS_VECTORS");
	char fallback[1024], *text;
	struct verdict v;
	struct oms *oms;
	size_t bytes, i;
	bool ok;

	snprintf(fallback, sizeof(fallback), "%s/oms", shared ? shared : "");
	if (!dir)
		dir = fallback;
	if (!vector(dir, bundle_files[0].name, &text, &bytes)) {
		print_message("no vectors in %s\n", dir);
		skip();
	}
	free(text);
	for (i = 0; i < sizeof(bundle_files) / sizeof(bundle_files[0]); i++) {
		assert_true(vector(dir, bundle_files[i].name, &text, &bytes));
		ok = !oms_parse_bundle(text, bytes, &oms, &v) &&
			!oms_parse_statement(oms, &v);
		if (ok != bundle_files[i].good)
			fail_msg("%s: %s", bundle_files[i].name, v.reason);
		oms_free(oms);
		free(text);
	}
	for (i = 0; i < 2; i++)
		assert_int_equal(cli_run("model verify %s/scripts/tests/%s-elliptic-key --oms %s/scripts/tests/%s-elliptic-key/model.sig --pubkey %s/scripts/tests/keys/certificate/signing-key-pub.pem --ignore ignore-me",
					 dir, versions[i], dir, versions[i], dir), 0);
	assert_int_equal(cli_run("model verify %s/scripts/tests/v1.0.0-elliptic-key/signme-1 --oms %s/scripts/tests/v1.0.0-elliptic-key/model.sig --pubkey %s/scripts/tests/keys/certificate/signing-key-pub.pem",
				 dir, dir, dir), 0);
	assert_int_equal(cli_run("model verify %s/scripts/tests/v1.1.0-elliptic-key --oms %s/scripts/tests/v1.1.0-elliptic-key/model.sig --pubkey k.pem",
				 dir, dir), CLI_REFUSED);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(round_trip), test(changes), test(order), test(ignored),
		test(links), test(oddities), test(depth), test(nothing),
		test(own_place), test(single_files), test(keys),
		cmocka_unit_test(statements), cmocka_unit_test(twice),
		cmocka_unit_test(bundles), cmocka_unit_test(hostile),
		test(shards), test(binding), test(published),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
