// SPDX-License-Identifier: LGPL-2.1-or-later
/* The command: arguments, help and man pages, devices, models, text, numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <aioffload.h>

#include "../../userspace/cli/bench.h"
#include "../../userspace/cli/cli.h"
#include "aim_builder.h"
#include "clitest.h"
#include "fakekernel.h"

static int set_up(void **state)
{
	cli_set_up();
	fake_boot();
	return 0;
}

static int tear_down(void **state)
{
	fake_shutdown();
	cli_tear_down();
	return 0;
}

static void usage(void **state)
{
	static const char *const wrong[] = {
		"", "frobnicate", "--frobnicate", "model", "model frobnicate",
		"devices extra", "devices --frob", "run", "run x.aim",
		"run --input a", "run a b --input c", "run a --input",
		"run a --input b --mode fast", "run a --input b --depth 0",
		"run a --input b --depth 4097", "run a --input b --depth 1x",
		"run a --input b --depth -1", "run a --input b --repeat 0",
		"run a --input b --repeat 4294967296",
		"run a --input b --timeout 99999999999999999999",
		"run a --input b --device x", "run a --input b --device -1",
		"run a --input b --device 4294967295",
		"run a --input b --batch 0", "run a -i b --json -o -",
		"bench a b", "bench --rounds 1001", "bench --round-time 0",
		"doctor extra", "doctor --root", "model convert",
		"model convert a b", "model convert a -o - --json",
		"model convert a --name xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"model info", "model info a b", "model keygen x",
		"model keygen --type rsa2048", "model keygen --days 0",
		"attest verify --quote a --sig b --ak c --log d --nonce=",
		"model keygen --name a/b", "model keygen --name .x",
		"run a -i b -m queue --hint fast", "run a -i b --hint efficiency",
		"model sign", "model sign a", "model sign a b --key k",
		"model sign a --key k --name sp\001ace",
		"model sign a --key k --not-after tomorrow",
		"model sign a --key k --not-after 2027-13-01",
		"model sign a --key k --not-before +9999999d",
		"model sign a --key k --not-before +2d --not-after +1d",
		"model sign a --key k --class tpu", "model sign a --key k --class ,",
		"model sign a --key k --max-job 0",
		"model sign a --key k --max-memory 1T",
		"model sign a --key k --max-memory 99999999999G",
		"model sign a --key k --model-version -1",
		"model sign a --key k --oms-bundle b",
		"model sign a --key k --oms --name n",
		"model sign a --key k --oms --cert n", "model sign a --key k --ignore x",
		"model sign a --key k --oms --ignore ../x",
		"model sign a --key k --oms --ignore /x",
		"model sign a --key k --oms --ignore .",
		"model sign a --key k --oms --ignore *.x",
		"model sign a --key k --json -o -",
		"model manifest", "model manifest a b", "model manifest a --key k",
		"model verify", "model verify a", "model verify a --oms b",
		"model verify a --pubkey b", "model verify a --cert c --keys d",
		"model verify a b --cert c", "model trust", "model trust a b",
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (cli_run("%s", wrong[i]) != CLI_USAGE)
			print_error("aioffload %s: status %d\n%s", wrong[i],
				    cli.status, cli.err);
		assert_int_equal(cli.status, CLI_USAGE);
		assert_string_equal(cli.out, "");
		assert_true(strlen(cli.err) > 20);
	}
}

static void help(void **state)
{
	assert_int_equal(cli_run("--help"), 0);
	assert_says(cli.out, "doctor");
	assert_says(cli.out, "bench");
	assert_int_equal(cli_run("--version"), 0);
	assert_says(cli.out, aioffload_version());
	assert_int_equal(cli_run("run --version"), 0);
	assert_says(cli.out, aioffload_version());
	assert_int_equal(cli_run("model --help"), 0);
	assert_says(cli.out, "convert");
	assert_says(cli.out, "verify");
	assert_int_equal(cli_run("run --help"), 0);
	assert_says(cli.out, "aioffload run");
}

/* Sorted "--input -i" words of either source, one option a line. */
struct options {
	char list[64][40];
	int n;
};

static void add_option(struct options *o, const char *name, size_t len,
		       char letter)
{
	assert_true(o->n < 64);
	snprintf(o->list[o->n++], 40, "%.*s %c", (int)len, name,
		 letter ? letter : '-');
}

static size_t name_length(const char *p)
{
	return strspn(p, "abcdefghijklmnopqrstuvwxyz-");
}

/* "  -i, --input=FILE   Text", "      --usage    Text" */
static void options_from_help(struct options *o, const char *text)
{
	const char *p = text, *dashes;
	char letter;

	for (; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		if (strncmp(p, "  -", 3) && strncmp(p, "      --", 8))
			continue;
		p += strspn(p, " ");
		letter = p[1] == '-' ? 0 : p[1];
		dashes = strstr(p, "--");
		if (!dashes || dashes > p + 6)
			continue;
		add_option(o, dashes, name_length(dashes), letter);
	}
}

/* "*--input*, *-i* _FILE_"; three common ones in one line. */
static void options_from_man(struct options *o, const char *text)
{
	const char *p = strstr(text, "# OPTIONS"), *end, *dashes;
	size_t len;

	assert_non_null(p);
	end = strstr(p + 2, "\n# ");
	while ((p = strstr(p, "\n*--")) && p < end) {
		const char *eol = strchr(++p, '\n');

		for (dashes = p; (dashes = strstr(dashes, "*--")) &&
		     dashes < eol; dashes += len) {
			len = 1 + name_length(dashes + 1);
			add_option(o, dashes + 1, len - 1,
				   !strncmp(dashes + len, "*, *-", 5) &&
				   dashes[len + 6] == '*' ? dashes[len + 5] : 0);
		}
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* --help and the man page list the same options. */
static void man_matches_help(void **state)
{
	static const char *const commands[] = {
		"", "devices", "model convert", "model info", "model keygen",
		"model sign", "model manifest", "model verify", "model trust",
		"run", "bench",
		"doctor", "policy", "block", "unblock", "grant", "revoke",
		"rights", "limit", "usage",
	};
	const char *top = getenv("AIOFFLOAD_TOP");
	char path[4096], name[64], *page, *p;
	struct options h, m;
	size_t i;
	int j;

	if (!top)
		skip();
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		memset(&h, 0, sizeof(h));
		memset(&m, 0, sizeof(m));
		snprintf(name, sizeof(name), "%s%s", *commands[i] ? "-" : "",
			 commands[i]);
		for (p = name; *p; p++)
			*p = *p == ' ' ? '-' : *p;
		snprintf(path, sizeof(path), "%s/userspace/man/aioffload%s.1.scd",
			 top, name);
		page = cli_get(path, NULL);
		assert_non_null(page);
		options_from_man(&m, page);
		free(page);
		assert_int_equal(cli_run("%s --help", commands[i]), 0);
		options_from_help(&h, cli.out);
		qsort(h.list, (size_t)h.n, sizeof(h.list[0]), by_name);
		qsort(m.list, (size_t)m.n, sizeof(m.list[0]), by_name);
		for (j = 0; j < h.n && j < m.n; j++)
			assert_string_equal(h.list[j], m.list[j]);
		assert_int_equal(h.n, m.n);
		assert_true(h.n >= 3);
	}
}

static void devices(void **state)
{
	struct json_object *obj, *list, *dev, *val;

	fake.nr_devices = 2;
	fake.first_device = 3;
	fake.device_step = 4;
	assert_int_equal(cli_run("devices"), 0);
	assert_says(cli.out, "aioffload3");
	assert_says(cli.out, "aioffload7");
	/* a driver's text can't steer the terminal */
	assert_says(cli.out, "a fake \\x1b[31mCPU");
	assert_null(strchr(cli.out, '\033'));
	assert_says(cli.out, ", 800 MHz, throttled to 75.1%, suspended\n");
	assert_int_equal(cli_run("devices --json"), 0);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "devices", &list));
	assert_int_equal(json_object_array_length(list), 2);
	dev = json_object_array_get_idx(list, 1);
	assert_true(json_object_object_get_ex(dev, "id", &val));
	assert_int_equal(json_object_get_int(val), 7);
	assert_false(json_object_object_get_ex(dev, "temperature_mc", &val));
	assert_true(json_object_object_get_ex(dev, "runtime_status", &val));
	assert_string_equal(json_object_get_string(val), "suspended");
	assert_true(json_object_object_get_ex(dev, "limit_permille", &val));
	assert_int_equal(json_object_get_int(val), 751);
	/* of a kernel that does not tell */
	dev = json_object_array_get_idx(list, 0);
	assert_false(json_object_object_get_ex(dev, "runtime_status", &val));
	assert_false(json_object_object_get_ex(dev, "frequency_khz", &val));
	json_object_put(obj);

	fake.nr_devices = 0;
	assert_int_equal(cli_run("devices --json"), 0);
	json_object_put(cli_json());
	assert_says(cli.err, "modprobe aioffload_cpu");

	fake.open_errno = EACCES;
	assert_int_equal(cli_run("devices --json"), CLI_SETUP);
	assert_string_equal(cli.out, "");
	assert_says(cli.err, "EACCES");
	fake.open_errno = ENOENT;
	assert_int_equal(cli_run("devices"), CLI_SETUP);
	assert_says(cli.err, "modprobe aioffload");
}

/* ---- models ------------------------------------------------------------- */

static void put_model(const char *file, const char *name)
{
	struct aim_file f;

	assert_int_equal(ab_model_file(name, &f), 0);
	cli_put(file, f.data, f.bytes);
	ab_release(&f);
}

static void info_aim_files(void **state)
{
	struct json_object *obj, *val;
	char *data, file[64];
	size_t bytes;
	u32 i;

	for (i = 0; i < ab_nr_models; i++) {
		snprintf(file, sizeof(file), "m%u.aim", i);
		put_model(file, ab_models[i].name);
		assert_int_equal(cli_run("model info %s", file), 0);
		assert_says(cli.out, "source = aim_models.c");
		assert_int_equal(cli_run("model info %s --json", file), 0);
		obj = cli_json();
		assert_true(json_object_object_get_ex(obj, "sha256", &val));
		assert_int_equal(json_object_get_string_len(val), 64);
		assert_true(json_object_object_get_ex(obj, "inputs", &val));
		assert_true(json_object_array_length(val) >= 1);
		json_object_put(obj);
	}
	/* damaged in several ways: refused with the kernel's words */
	data = cli_get("m0.aim", &bytes);
	cli_put("cut.aim", data, bytes - 1);
	assert_int_equal(cli_run("model info cut.aim"), CLI_REFUSED);
	assert_says(cli.err, "would be refused");
	data[0] ^= 1;
	cli_put("bad.aim", data, bytes);
	assert_int_equal(cli_run("model info bad.aim --json"), CLI_REFUSED);
	assert_string_equal(cli.out, "");
	free(data);
	cli_put("empty.aim", "", 0);
	assert_int_equal(cli_run("model info empty.aim"), CLI_REFUSED);
	assert_int_equal(cli_run("model info ."), CLI_REFUSED);
	assert_int_equal(cli_run("model info none.aim"), CLI_FAILED);
	assert_says(cli.err, "none.aim");
}

/* Names in a file are someone else's: control characters never get out. */
static void info_hostile_names(void **state)
{
	static struct aim_builder b;
	struct json_object *obj;
	struct aim_file f;
	u32 x, y;

	ab_init(&b);
	b.h.name = ab_string(&b, "\033]0;pwned\007\xff\xc3");
	x = ab_tensor(&b, "a\nb", AIM_TYPE_S8, AIM_PLACE_INPUT, AB_DIMS(4));
	y = ab_tensor(&b, "\xe2\x80\xae", AIM_TYPE_S8, AIM_PLACE_OUTPUT,
		      AB_DIMS(4));
	ab_op(&b, AIM_OP_RESHAPE, AB_IN(x), y);
	ab_meta(&b, "k\033ey", "va\x01lue");
	assert_int_equal(ab_finish(&b, &f), 0);
	cli_put("hostile.aim", f.data, f.bytes);
	ab_release(&f);
	/* whether the verifier takes such names or not */
	cli_run("model info hostile.aim");
	assert_null(strchr(cli.out, '\033'));
	assert_null(strchr(cli.err, '\033'));
	assert_null(strstr(cli.out, "\xe2\x80\xae"));
	if (!cli_run("model info hostile.aim --json")) {
		obj = cli_json();
		json_object_put(obj);
	}
}

static void info_oversized(void **state)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/huge.aim", cli_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, (off_t)AIM_MAX_FILE_BYTES + (1 << 17)), 0);
	close(fd);
	assert_int_equal(cli_run("model info huge.aim"), CLI_REFUSED);
	assert_says(cli.err, "more than a model may");
	assert_int_equal(cli_run("model convert huge.aim"), CLI_REFUSED);
}

/* A model of the shared set, or skip(). */
static void shared_model(const char *name, const char *file)
{
	const char *shared = getenv("AIOFFLOAD_SHARED");
	char path[4096];
	size_t bytes;
	void *data;

	snprintf(path, sizeof(path), "%s/models/%s/model.tflite",
		 shared ? shared : "", name);
	data = cli_get(path, &bytes);
	if (!data)
		skip();
	cli_put(file, data, bytes);
	free(data);
}

static void convert(void **state)
{
	struct json_object *obj, *val;
	void *one, *two;
	size_t n1, n2;
	int files;

	shared_model("hello_world_int8", "net.tflite");
	assert_int_equal(cli_run("model convert net.tflite"), 0);
	assert_says(cli.out, "net.aim: ");
	assert_int_equal(cli_run("model convert net.tflite -o two.aim --json"),
			 0);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "operators", &val));
	assert_int_equal(json_object_get_int(val), 3);
	json_object_put(obj);
	one = cli_get("net.aim", &n1);
	two = cli_get("two.aim", &n2);
	assert_int_equal(n1, n2);
	assert_memory_equal(one, two, n1);

	/* the model itself on standard output, and nothing else */
	assert_int_equal(cli_run("model convert net.tflite -o -"), 0);
	assert_int_equal(cli.out_bytes, n1);
	assert_memory_equal(cli.out, one, n1);
	assert_says(cli.err, "3 operators");
	free(one);
	free(two);

	assert_int_equal(cli_run("model info net.aim"), 0);
	assert_says(cli.out, "name      net");
	assert_int_equal(cli_run("model convert net.tflite --name other"), 0);
	assert_int_equal(cli_run("model info net.aim --json"), 0);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "name", &val));
	assert_string_equal(json_object_get_string(val), "other");
	json_object_put(obj);
	assert_int_equal(cli_run("model convert net.tflite -k"), 0);
	assert_int_equal(cli_run("model info net.aim"), 0);
	assert_says(cli.out, "1 inputs, 3 outputs");

	files = cli_count_files();
	assert_int_equal(cli_run("model convert net.aim"), CLI_REFUSED);
	assert_says(cli.err, "already");
	cli_puts("junk.tflite", "this is not a model at all");
	assert_int_equal(cli_run("model convert junk.tflite"), CLI_REFUSED);
	assert_int_equal(cli_run("model convert none.tflite"), CLI_FAILED);
	assert_int_equal(cli_run("model convert net.tflite -o no/dir/x.aim"),
			 CLI_FAILED);
	assert_int_equal(cli_count_files(), files + 1);	/* junk.tflite */
}

static void info_tflite_files(void **state)
{
	struct json_object *obj, *val;

	shared_model("kws_dscnn_int8", "kws.tflite");
	shared_model("mnist_lstm_int8", "lstm.tflite");
	assert_int_equal(cli_run("model info kws.tflite"), 0);
	assert_says(cli.out, "CONV_2D");
	assert_says(cli.out, "convert   possible");
	assert_says(cli.out, "[1,49,10,1]");
	assert_int_equal(cli_run("model info lstm.tflite"), CLI_REFUSED);
	assert_says(cli.out, "not possible");
	assert_says(cli.out, "LSTM");
	/* a report and a status that is not 0 */
	assert_int_equal(cli_run("model info lstm.tflite --json"), CLI_REFUSED);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "convertible", &val));
	assert_false(json_object_get_boolean(val));
	assert_true(json_object_object_get_ex(obj, "issues", &val));
	assert_true(json_object_array_length(val) >= 1);
	json_object_put(obj);
	assert_int_equal(cli_run("model convert lstm.tflite"), CLI_REFUSED);
	assert_says(cli.err, "LSTM");
}

/* ---- parts -------------------------------------------------------------- */

static void clean_text(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "plain text", "plain text" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "a\tb\nc", "a\\x09b\\x0ac" },
		{ "\x7f", "\\x7f" },
		{ "\xc2\x9b", "\\xc2\\x9b" },			/* C1 CSI */
		{ "\xc0\xaf", "\\xc0\\xaf" },			/* overlong */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },	/* > 10ffff */
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "\xe2\x82", "\\xe2\\x82" },			/* cut short */
		{ "\xe2\x80\xae" "x", "\\xe2\\x80\\xaex" },	/* bidi */
		{ "\xff", "\\xff" },
	};
	char out[64], small[8];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(text_clean(cases[i].in, out, sizeof(out)),
				    cases[i].out);
	assert_string_equal(text_clean("12345678", small, sizeof(small)),
			    "1234567");
	assert_string_equal(text_clean("12345\xff", small, sizeof(small)),
			    "12345");
	assert_string_equal(text_clean("123456\xc3\xbc", small, sizeof(small)),
			    "123456");
}

static void numbers(void **state)
{
	char buf[CLI_NUM_LEN];

	assert_string_equal(text_ns(0, buf), "0 ns");
	assert_string_equal(text_ns(1234, buf), "1.23 us");
	assert_string_equal(text_ns(1.5e6, buf), "1.50 ms");
	assert_string_equal(text_ns(61e9, buf), "61.00 s");
	assert_string_equal(text_bytes(1023, buf), "1023 bytes");
	assert_string_equal(text_bytes(2048, buf), "2.0 KiB");
	assert_string_equal(text_count(2656768, buf), "2.66 M");
}

static void statistics(void **state)
{
	struct stats_summary sum;
	struct stats s;
	u64 i;

	stats_init(&s);
	sum = stats_summarise(&s);
	assert_int_equal(sum.count, 0);
	stats_add(&s, 7);
	sum = stats_summarise(&s);
	assert_int_equal(sum.median, 7);
	assert_int_equal(sum.p99, 7);
	stats_reset(&s);
	for (i = 100; i >= 1; i--)
		stats_add(&s, i);
	sum = stats_summarise(&s);
	assert_int_equal(sum.min, 1);
	assert_int_equal(sum.median, 50);
	assert_int_equal(sum.p99, 99);
	assert_int_equal(sum.max, 100);
	/* beyond the room: a sample, with exact ends */
	stats_reset(&s);
	for (i = 0; i < 2 * STATS_MAX; i++)
		assert_int_equal(stats_add(&s, i), 0);
	sum = stats_summarise(&s);
	assert_int_equal(s.kept, STATS_MAX);
	assert_int_equal(sum.count, 2 * STATS_MAX);
	assert_int_equal(sum.min, 0);
	assert_int_equal(sum.max, 2 * STATS_MAX - 1);
	assert_in_range(sum.median, STATS_MAX * 0.98, STATS_MAX * 1.02);
	stats_free(&s);
}

static void digests(void **state)
{
	char hex[TEXT_DIGEST_LEN];

	assert_int_equal(digest_hex("abc", 3, hex), 0);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
			    "b00361a396177a9cb410ff61f20015ad");
}

/* What bench runs by default is a model like any other. */
static void tiny_model_is_valid(void **state)
{
	_Alignas(64) unsigned char buf[TINY_MODEL_ROOM];
	struct aim_reason reason;
	struct aim_view view;

	assert_int_equal(ab_verify(buf, tiny_model(buf), &view, &reason), 0);
	assert_int_equal(view.nr_ops, 1);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(usage), test(help), test(man_matches_help), test(devices),
		test(info_aim_files), test(info_hostile_names),
		test(info_oversized), test(convert), test(info_tflite_files),
		test(clean_text), test(numbers), test(statistics),
		test(digests), test(tiny_model_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
