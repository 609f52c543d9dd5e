// SPDX-License-Identifier: LGPL-2.1-or-later
/* Policy, blocks, rights and limits: words, library, command. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <aioffload.h>

#include "../../userspace/cli/cli.h"
#include "../../userspace/common/common.h"
#include "clitest.h"
#include "fakekernel.h"
#include "fakesec.h"

#define EXEC	AIOFFLOAD_RIGHT_EXEC
#define LOAD	AIOFFLOAD_RIGHT_LOAD
#define RT	AIOFFLOAD_RIGHT_RT
#define ADMIN	AIOFFLOAD_RIGHT_ADMIN
#define HEX	"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static struct aioffload_ctx *ctx;

static int set_up(void **state)
{
	cli_set_up();
	fake_boot();
	fake_sec_boot();
	return aioffload_open(AIOFFLOAD_DEVICE_ANY, &ctx);
}

static int tear_down(void **state)
{
	aioffload_close(ctx);
	fake_sec_shutdown();
	fake_shutdown();
	cli_tear_down();
	return 0;
}

/* ---- words -------------------------------------------------------------- */

static void rights_as_words(void **state)
{
	static const struct {
		const char *text;
		uint32_t from, to;
	} good[] = {
		{ "exec", 0, EXEC }, { "exec,load", 0, EXEC | LOAD },
		{ " exec , load\trt ", 0, EXEC | LOAD | RT },
		{ "ALL", 0, 15 }, { "none", 15, 0 }, { "all,exec", 0, 15 },
		{ "+rt", EXEC, EXEC | RT }, { "-load,+rt", EXEC | LOAD, EXEC | RT },
		{ "-all", 15, 0 }, { "+exec -exec", 0, 0 },
	};
	static const char *const bad[] = {
		"", ",", "fly", "exec,fly", "execute", "exe", "+", "-", "+fly",
		"+exec,load", "exec,none", "none,exec", "exec+load",
	};
	char text[WORDS_RIGHTS_LEN];
	uint32_t rights;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		rights = good[i].from;
		assert_int_equal(words_rights_change(good[i].text, &rights), 0);
		assert_int_equal(rights, good[i].to);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rights = 5;
		assert_int_equal(words_rights_change(bad[i], &rights), -EINVAL);
		assert_int_equal(rights, 5);
	}
	assert_int_equal(words_rights("+rt", &rights), -EINVAL);
	assert_string_equal(words_from_rights(15, text), "exec,load,rt,admin");
	assert_string_equal(words_from_rights(0, text), "none");
	assert_string_equal(words_from_rights(RT, text), "rt");
	for (rights = 0; rights < 16; rights++) {
		uint32_t back = 99;

		words_rights(words_from_rights(rights, text), &back);
		assert_int_equal(back, rights);
	}
}

static void amounts_as_words(void **state)
{
	uint64_t n = 1, p = 1;
	bool yes;
	static const char *const bad_bytes[] = {
		"", "M", "-1", " 1", "1X", "1MM", "1 M", "0x10", "1.5M", "12/3",
		"18446744073709551615", "18446744073709551616", "16777216T",
	};
	static const char *const bad_times[] = {
		"", "20ms", "20ms/", "/100ms", "20ms/100ms/1", "20m/100ms",
		"20ms/999us", "20ms/101s", "1ms/0", "-1ms/100ms",
		"18446744073709551615s/1s", "20ms /100ms",
	};
	size_t i;

	assert_int_equal(words_bytes("512M", &n), 0);
	assert_int_equal(n, 512ULL << 20);
	assert_int_equal(words_bytes("0", &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(words_bytes("3gib", &n), 0);
	assert_int_equal(n, 3ULL << 30);
	assert_int_equal(words_bytes("none", &n), 0);
	assert_int_equal(n, AIOFFLOAD_NO_LIMIT);
	for (i = 0; i < sizeof(bad_bytes) / sizeof(bad_bytes[0]); i++)
		assert_int_equal(words_bytes(bad_bytes[i], &n), -EINVAL);

	assert_int_equal(words_time("20000/100000", &n, &p), 0);
	assert_int_equal(n, 20000000);
	assert_int_equal(p, 100000000);
	assert_int_equal(words_time("1s/100s", &n, &p), 0);
	assert_int_equal(p, 100000000000ULL);
	assert_int_equal(words_time("none", &n, &p), 0);
	assert_int_equal(n, AIOFFLOAD_NO_LIMIT);
	for (i = 0; i < sizeof(bad_times) / sizeof(bad_times[0]); i++)
		assert_int_equal(words_time(bad_times[i], &n, &p), -EINVAL);

	assert_int_equal(words_count("12", &n), 0);
	assert_int_equal(words_count("12M", &n), -EINVAL);
	assert_int_equal(words_bool("Yes", &yes), 0);
	assert_true(yes);
	assert_int_equal(words_bool("perhaps", &yes), -EINVAL);
}

static void digests_as_words(void **state)
{
	uint8_t id[AIOFFLOAD_DIGEST_LEN] = { 7 };
	char odd[] = HEX;

	assert_int_equal(words_digest(HEX, id), 0);
	assert_int_equal(id[1], 0x11);
	assert_int_equal(id[31], 0xff);
	assert_int_equal(words_digest("sha256:" HEX, id), 0);
	assert_int_equal(words_digest(HEX "0", id), -EINVAL);
	assert_int_equal(words_digest(HEX + 1, id), -EINVAL);
	assert_int_equal(words_digest("", id), -EINVAL);
	odd[63] = 'g';
	assert_int_equal(words_digest(odd, id), -EINVAL);
}

static void devices_as_words(void **state)
{
	static const char *const bad[] = {
		"", ",", "256", "-1", "3-2", "0-256", "class:", "class:fast",
		"driver:", "aioffload", "aioffloadx", "1-2-3", "0x1", "all,",
		"driver:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	};
	uint64_t dev[AIOFFLOAD_DEVICE_WORDS];
	char text[64], word[80];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (strcmp(bad[i], "all,"))
			assert_int_equal(devices_check(bad[i], word,
						       sizeof(word)), -EINVAL);
	fake.nr_devices = 3;
	fake.device_step = 70;
	assert_int_equal(devices_resolve(ctx, "all", dev), 1);
	assert_string_equal(devices_text(dev, text, sizeof(text)), "all");
	assert_int_equal(devices_resolve(ctx, "none", dev), 0);
	assert_string_equal(devices_text(dev, text, sizeof(text)), "none");
	assert_int_equal(devices_resolve(ctx, "5,0-2 aioffload255,63-64", dev), 0);
	assert_string_equal(devices_text(dev, text, sizeof(text)),
			    "0-2,5,63-64,255");
	assert_int_equal(devices_resolve(ctx, "driver:aioffload_cpu", dev), 0);
	assert_string_equal(devices_text(dev, text, sizeof(text)), "0,70,140");
	assert_int_equal(devices_resolve(ctx, "class:cpu,1", dev), 0);
	assert_string_equal(devices_text(dev, text, sizeof(text)), "0-1,70,140");
	assert_int_equal(devices_resolve(ctx, "class:npu,driver:x", dev), 0);
	assert_string_equal(devices_text(dev, text, sizeof(text)), "none");
	assert_int_equal(devices_resolve(ctx, "0-255", dev), 0);
	assert_string_equal(devices_text(dev, text, sizeof(text)), "all");
	/* text that is cut stays within its room */
	assert_int_equal(devices_resolve(ctx, "0,2,4,6,8,10", dev), 0);
	assert_int_equal(strlen(devices_text(dev, text, 6)), 5);
}

/* ---- library ------------------------------------------------------------ */

static void library_policy(void **state)
{
	struct aioffload_policy p = { .mode = AIOFFLOAD_POLICY_PERMISSIVE };

	assert_int_equal(aioffload_policy_set(ctx, &p, 0), -EINVAL);
	assert_int_equal(aioffload_policy_set(ctx, &p,
					      AIOFFLOAD_POLICY_SET_MODE), 0);
	assert_int_equal(aioffload_policy_get(ctx, &p), 0);
	assert_int_equal(p.mode, AIOFFLOAD_POLICY_PERMISSIVE);
	p.locked = 1;
	assert_int_equal(aioffload_policy_set(ctx, &p,
					      AIOFFLOAD_POLICY_SET_LOCKED), 0);
	p.mode = AIOFFLOAD_POLICY_OFF;
	assert_int_equal(aioffload_policy_set(ctx, &p,
					      AIOFFLOAD_POLICY_SET_MODE), -EPERM);
	assert_string_equal(aioffload_policy_mode_name(2), "enforce");
	assert_string_equal(aioffload_policy_mode_name(3), "unknown");
	assert_string_equal(aioffload_block_kind_name(3), "quarantine");
	assert_string_equal(aioffload_block_kind_name(4), "unknown");
	assert_string_equal(aioffload_resource_name(5), "unknown");
	assert_string_equal(aioffload_right_name(EXEC | LOAD), "unknown");

	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_POLICY);
	fake.fail_errno = EOPNOTSUPP;
	assert_int_equal(aioffload_policy_get(ctx, &p), -EOPNOTSUPP);
	assert_says(aioffload_last_error(), "too old");
	fake.fail_errno = 0;
}

static void library_rights(void **state)
{
	uint64_t dev[AIOFFLOAD_DEVICE_WORDS] = { 5 };
	struct aioffload_rights r;
	char path[64], tiny[3];
	int a, b;

	fake_cgroup("a/b");
	a = cgroup_open("/a");
	b = cgroup_open("a/b");
	assert_true(a >= 0 && b >= 0);
	assert_int_equal(aioffload_rights_of(ctx, b, &r, NULL, 0), 0);
	assert_int_equal(r.rights, EXEC | LOAD);
	assert_false(r.has_grant);
	assert_int_equal(aioffload_grant(ctx, a, EXEC | RT, dev), 0);
	assert_int_equal(aioffload_rights_of(ctx, b, &r, path, sizeof(path)), 0);
	assert_string_equal(path, "/a/b");
	assert_int_equal(r.rights, EXEC | RT);
	assert_int_equal(r.devices[0], 5);
	assert_int_equal(aioffload_rights_of(ctx, b, &r, tiny, sizeof(tiny)),
			 -ERANGE);
	/* never wider than above */
	assert_int_equal(aioffload_grant(ctx, b, LOAD, NULL), -EPERM);
	assert_says(aioffload_last_error(), "can't grant");
	assert_int_equal(aioffload_rights_list(ctx, 0, &r, path, sizeof(path)), 0);
	assert_string_equal(path, "/a");
	assert_int_equal(aioffload_rights_list(ctx, 1, &r, NULL, 0), -ENOENT);
	assert_int_equal(aioffload_grant_clear(ctx, a), 0);
	assert_int_equal(aioffload_rights_get(ctx, &r, path, sizeof(path)), 0);
	assert_string_equal(path, "/");
	assert_int_equal(aioffload_grant(ctx, 0, EXEC, NULL), -EBADF);
	assert_says(aioffload_last_error(), "cgroup 2");
	close(a);
	close(b);
}

static void library_limits(void **state)
{
	struct aioffload_usage u;
	int a;

	fake_cgroup("a");
	a = cgroup_open("a");
	assert_int_equal(aioffload_limit(ctx, a, AIOFFLOAD_RES_JOBS, 7, 0), 0);
	assert_int_equal(aioffload_limit(ctx, a, AIOFFLOAD_RES_JOBS, 7, 1),
			 -EINVAL);
	assert_int_equal(aioffload_limit(ctx, a, 9, 7, 0), -EINVAL);
	assert_int_equal(aioffload_usage(ctx, a, AIOFFLOAD_RES_JOBS, &u), 0);
	assert_int_equal(u.limit, 7);
	assert_int_equal(aioffload_usage(ctx, -1, AIOFFLOAD_RES_BYTES, &u), 0);
	assert_int_equal(u.limit, AIOFFLOAD_NO_LIMIT);
	close(a);
}

/* A refusal names the right or limit, the cgroup, and the way out. */
static void refusals_are_explained(void **state)
{
	struct aioffload_queue *q;
	struct aioffload_buf *buf;
	struct fake_grant *g;
	int a;

	fake_cgroup("svc");
	a = cgroup_open("svc");
	strcpy(fake_sec.self, "/svc");
	assert_int_equal(aioffload_grant(ctx, a, LOAD, NULL), 0);
	fake.fail_errno = EACCES;
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_RUN);
	assert_int_equal(aioffload_run(ctx, 0, 0, 1, 0), -EACCES);
	assert_says(aioffload_last_error(), "/svc lacks the right 'exec'");
	assert_says(aioffload_last_error(), "aioffload grant /svc +exec");
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_QUEUE_CREATE);
	assert_int_equal(aioffload_queue_create(ctx, 4, 0, &q), -EACCES);
	assert_says(aioffload_last_error(), "make a queue");

	fake.fail_errno = EDQUOT;
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_BUF_CREATE);
	assert_int_equal(aioffload_buf_create(ctx, 4096, &buf), -EDQUOT);
	assert_says(aioffload_last_error(), "one above it");
	g = fake_granted("/svc");
	g->res[AIOFFLOAD_RES_BYTES].limit = 4096;
	g->res[AIOFFLOAD_RES_BYTES].events = 3;
	assert_int_equal(aioffload_buf_create(ctx, 4096, &buf), -EDQUOT);
	assert_says(aioffload_last_error(), "bytes: 0 of 4096 in use");
	assert_says(aioffload_strerror(-EDQUOT), "limit");
	fake.fail_errno = 0;
	close(a);
}

/* ---- command ------------------------------------------------------------ */

static void usage(void **state)
{
	static const char *const wrong[] = {
		"grant", "grant a", "grant a fly", "grant a exec b",
		"grant a exec --devices 256", "grant a exec --devices class:x",
		"grant --inherit a exec", "grant --inherit", "revoke",
		"revoke a fly", "revoke a +rt", "revoke a exec b", "rights a b",
		"rights --all a", "limit", "limit a", "limit a --bytes x",
		"limit a --time 20ms", "limit a b --jobs 3", "limit --jobs 3",
		"limit a --jobs -1", "usage a b", "policy frobnicate",
		"policy show set", "policy set", "policy --mode off",
		"policy lock --mode off", "policy set --mode loud",
		"policy set --keyrings x", "policy set --audit x",
		"policy set --signed-drivers x", "block", "block x",
		"block --digest 12", "block --name a", "block --below 3",
		"block --name a --below 0", "block --digest " HEX " --key " HEX,
		"block --list --digest " HEX, "block --json",
		"block --digest " HEX " --below 3", "unblock", "unblock --list",
		"unblock --quarantine x",
		"block --below 2 --name xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (cli_run("%s", wrong[i]) != CLI_USAGE)
			print_error("aioffload %s: status %d\n%s", wrong[i],
				    cli.status, cli.err);
		assert_int_equal(cli.status, CLI_USAGE);
		assert_string_equal(cli.out, "");
	}
	assert_int_equal(fake_sec.changes, 0);
}

static void grant(void **state)
{
	const struct fake_grant *g;

	fake_cgroup("a/b");
	fake.nr_devices = 2;
	assert_int_equal(cli_run("grant /a exec,rt"), 0);
	g = fake_granted("/a");
	assert_int_equal(g->rights, EXEC | RT);
	assert_int_equal(~g->devices[3], 0);
	assert_int_equal(cli_run("grant a/b --devices 1 exec"), 0);
	assert_int_equal(fake_granted("/a/b")->devices[0], 2);
	/* a change keeps the devices */
	assert_int_equal(cli_run("grant a/b +rt"), 0);
	assert_int_equal(fake_granted("/a/b")->rights, EXEC | RT);
	assert_int_equal(fake_granted("/a/b")->devices[0], 2);
	assert_int_equal(cli_run("grant a/b -- -rt"), 0);
	assert_int_equal(fake_granted("/a/b")->rights, EXEC);
	assert_int_equal(cli_run("grant a/b --devices class:cpu"), 0);
	assert_int_equal(fake_granted("/a/b")->devices[0], 3);
	assert_int_equal(fake_granted("/a/b")->rights, EXEC);
	/* beyond what is above */
	assert_int_equal(cli_run("grant a/b load"), CLI_SETUP);
	assert_says(cli.err, "can't grant");
	assert_int_equal(cli_run("grant %s/a/b --inherit", fake_sec.root), 0);
	assert_false(fake_granted("/a/b")->has);
	assert_int_equal(cli_run("grant nowhere exec"), CLI_FAILED);
	assert_says(cli.err, "no cgroup 'nowhere'");
	fake_sec.denied = true;
	assert_int_equal(cli_run("grant a exec"), CLI_SETUP);
}

static void revoking(void **state)
{
	fake_cgroup("a");
	assert_int_equal(cli_run("revoke a load"), 0);
	assert_int_equal(fake_granted("/a")->rights, EXEC);
	assert_int_equal(cli_run("grant a --devices 3 all"), 0);
	assert_int_equal(cli_run("revoke a rt,exec"), 0);
	assert_int_equal(fake_granted("/a")->rights, LOAD | ADMIN);
	assert_int_equal(fake_granted("/a")->devices[0], 8);
	assert_int_equal(cli_run("revoke a"), 0);
	assert_int_equal(fake_granted("/a")->rights, 0);
	assert_true(fake_granted("/a")->has);
}

/* Rights that went above since are in nobody's way. */
static void revoking_what_went_above(void **state)
{
	fake_cgroup("a/b");
	assert_int_equal(cli_run("grant a all"), 0);
	assert_int_equal(cli_run("grant a/b exec,load,rt"), 0);
	assert_int_equal(cli_run("revoke a rt"), 0);
	assert_int_equal(cli_run("revoke a/b load"), 0);
	assert_int_equal(fake_granted("/a/b")->rights, EXEC);
	assert_int_equal(cli_run("grant a/b all"), CLI_SETUP);
	assert_int_equal(cli_run("grant a/b exec,load"), 0);
	assert_int_equal(cli_run("revoke a exec"), 0);
	assert_int_equal(cli_run("grant a/b -- -load"), 0);
	assert_int_equal(fake_granted("/a/b")->rights, 0);
}

static void rights(void **state)
{
	struct json_object *obj, *list, *val;

	fake_cgroup("a\033[31m");
	fake_cgroup("b");
	assert_int_equal(cli_run("rights --all"), 0);
	assert_says(cli.out, "Nothing is granted");
	assert_int_equal(cli_run("grant a\033[31m exec --devices 0-2,7"), 0);
	assert_int_equal(cli_run("rights --all"), 0);
	assert_says(cli.out, "0-2,7");
	assert_says(cli.out, "/a\\x1b[31m");
	assert_null(strchr(cli.out, '\033'));
	assert_int_equal(cli_run("rights --all --json"), 0);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "grants", &list));
	assert_int_equal(json_object_array_length(list), 1);
	json_object_put(obj);
	assert_int_equal(cli_run("rights b --json"), 0);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "granted", &val));
	assert_null(val);
	assert_true(json_object_object_get_ex(obj, "rights", &val));
	assert_int_equal(json_object_array_length(val), 2);
	assert_true(json_object_object_get_ex(obj, "all_devices", &val));
	assert_true(json_object_get_boolean(val));
	json_object_put(obj);
	assert_int_equal(cli_run("rights"), 0);
	assert_says(cli.out, "exec,load");
	assert_int_equal(cli_run("rights x"), CLI_FAILED);
}

static void limit_and_usage(void **state)
{
	struct json_object *obj, *res, *val;
	struct fake_grant *g;

	fake_cgroup("a");
	assert_int_equal(cli_run("limit a --bytes 1M --models 2 --queues 3 "
				 "--jobs 4 --time 20ms/100ms"), 0);
	g = fake_granted("/a");
	assert_int_equal(g->res[AIOFFLOAD_RES_BYTES].limit, 1 << 20);
	assert_int_equal(g->res[AIOFFLOAD_RES_JOBS].limit, 4);
	assert_int_equal(g->res[AIOFFLOAD_RES_TIME].limit, 20000000);
	assert_int_equal(g->res[AIOFFLOAD_RES_TIME].period_ns, 100000000);
	g->res[AIOFFLOAD_RES_BYTES].used = 4096;
	g->res[AIOFFLOAD_RES_BYTES].events = 5;
	assert_int_equal(cli_run("usage a"), 0);
	assert_says(cli.out, "4.0 KiB");
	assert_says(cli.out, "in each 100.00 ms");
	assert_int_equal(cli_run("limit a --models none"), 0);
	assert_int_equal(cli_run("limit a --time none"), 0);
	assert_true(g->res[AIOFFLOAD_RES_TIME].limit == AIOFFLOAD_NO_LIMIT);
	assert_int_equal(cli_run("limit a --time 20ms/100ms"), 0);
	assert_int_equal(cli_run("usage a --json"), 0);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "models", &res));
	assert_false(json_object_object_get_ex(res, "limit", &val));
	assert_true(json_object_object_get_ex(obj, "bytes", &res));
	assert_true(json_object_object_get_ex(res, "refused", &val));
	assert_int_equal(json_object_get_int(val), 5);
	assert_true(json_object_object_get_ex(obj, "time", &res));
	assert_true(json_object_object_get_ex(res, "limit_ns", &val));
	json_object_put(obj);
	assert_int_equal(cli_run("usage"), 0);
}

static void policy(void **state)
{
	struct json_object *obj, *val;

	assert_int_equal(cli_run("policy"), 0);
	assert_says(cli.out, "enforce");
	assert_says(cli.out, "No key is known");
	assert_int_equal(cli_run("policy set --mode permissive --keyrings "
				 "secondary,platform --audit exec "
				 "--signed-drivers yes"), 0);
	assert_int_equal(fake_sec.policy.mode, AIOFFLOAD_POLICY_PERMISSIVE);
	assert_int_equal(fake_sec.policy.keyrings, 3);
	assert_int_equal(fake_sec.policy.audit, 1);
	assert_int_equal(fake_sec.policy.signed_drivers, 1);
	assert_int_equal(cli_run("policy lock"), 0);
	assert_int_equal(fake_sec.policy.locked, 1);
	assert_int_equal(cli_run("policy set --mode off"), CLI_SETUP);
	assert_int_equal(cli_run("policy show --json"), 0);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "mode", &val));
	assert_string_equal(json_object_get_string(val), "permissive");
	json_object_put(obj);
}

static void block(void **state)
{
	struct json_object *obj, *list;

	assert_int_equal(cli_run("block --list"), 0);
	assert_says(cli.out, "Nothing is blocked");
	assert_int_equal(cli_run("block --digest " HEX), 0);
	assert_int_equal(cli_run("block --name kws --below 7"), 0);
	assert_int_equal(cli_run("block --list"), 0);
	assert_says(cli.out, "kws below 7");
	assert_says(cli.out, "00112233445566778899aabb");
	assert_int_equal(cli_run("block --list --json"), 0);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "blocked", &list));
	assert_int_equal(json_object_array_length(list), 2);
	json_object_put(obj);
	assert_int_equal(cli_run("block --name kws --below 3"), CLI_FAILED);
	assert_says(cli.err, "higher minimum");
	assert_int_equal(cli_run("unblock --name kws"), 0);
	assert_int_equal(cli_run("unblock --digest " HEX), 0);
	assert_int_equal(cli_run("unblock --digest " HEX), CLI_FAILED);
	assert_says(cli.err, "no such entry");
	assert_int_equal(fake_sec.nr_blocks, 0);

	fake_sec.nr_blocks = 3;
	fake_sec.blocks[0].kind = AIOFFLOAD_BLOCK_QUARANTINE;
	fake_sec.blocks[1].kind = AIOFFLOAD_BLOCK_KEY;
	fake_sec.blocks[2].kind = AIOFFLOAD_BLOCK_QUARANTINE;
	fake_sec.blocks[2].id[0] = 1;
	assert_int_equal(cli_run("unblock --quarantine all"), 0);
	assert_says(cli.out, "2 models");
	assert_int_equal(fake_sec.nr_blocks, 1);
	fake_sec.denied = true;
	assert_int_equal(cli_run("block --key " HEX), CLI_SETUP);
	assert_int_equal(cli_run("unblock --quarantine all"), 0);
}

/* The key id in fixture is what openssl says of the certificate. */
static void block_certificate(void **state)
{
	char command[512], id[65] = "", hex[65];
	FILE *p;

	snprintf(command, sizeof(command),
		 "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout k.key "
		 "-out k.pem -subj /CN=test 2>/dev/null && openssl rsa -in k.key "
		 "-RSAPublicKey_out -outform DER 2>/dev/null | sha256sum | "
		 "cut -c1-64", cli_dir);
	p = popen(command, "r");
	assert_non_null(p);
	if (!fgets(id, sizeof(id), p) || strlen(id) != 64) {
		pclose(p);
		skip();		/* no openssl(1) here */
	}
	pclose(p);
	assert_int_equal(cli_run("block --cert k.pem"), 0);
	assert_int_equal(fake_sec.blocks[0].kind, AIOFFLOAD_BLOCK_KEY);
	assert_string_equal(text_hex(fake_sec.blocks[0].id, 32, hex), id);
	assert_int_equal(cli_run("unblock --key %s", id), 0);
	cli_puts("bad.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
	assert_int_equal(cli_run("block --cert bad.pem"), CLI_REFUSED);
	cli_puts("empty", "");
	assert_int_not_equal(cli_run("block --cert empty"), 0);
	assert_int_not_equal(cli_run("block --cert nothing"), 0);
	assert_int_equal(fake_sec.nr_blocks, 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(rights_as_words), test(amounts_as_words),
		test(digests_as_words), test(devices_as_words),
		test(library_policy), test(library_rights),
		test(library_limits), test(refusals_are_explained),
		test(usage), test(grant), test(revoking),
		test(revoking_what_went_above), test(rights),
		test(limit_and_usage), test(policy), test(block),
		test(block_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
