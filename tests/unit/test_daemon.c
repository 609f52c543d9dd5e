// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffloadd: files, patterns, and what becomes of them in a fake kernel. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../userspace/common/keyring.h"
#include "../../userspace/daemon/daemon.h"
#include "fakekernel.h"
#include "fakesec.h"

#define EXEC	AIOFFLOAD_RIGHT_EXEC
#define LOAD	AIOFFLOAD_RIGHT_LOAD
#define RT	AIOFFLOAD_RIGHT_RT
#define ZEROES	"0000000000000000000000000000000000000000000000000000000000000000"

static char dir[64];
static struct config c;
static struct applied applied;
static struct aioffload_ctx *ctx;
static unsigned int watched;
static int saved_stderr = -1;

/* Messages are read back: what is wrong must be told, with file and line. */
static char said[65536];

static void listen(void)
{
	fflush(stderr);
	saved_stderr = dup(2);
	dup2(memfd_create("log", 0), 2);
}

static const char *heard(void)
{
	ssize_t n;

	fflush(stderr);
	n = pread(2, said, sizeof(said) - 1, 0);
	assert_true(n >= 0);
	said[n] = '\0';
	dup2(saved_stderr, 2);
	close(saved_stderr);
	return said;
}

static void assert_says(const char *text, const char *has)
{
	if (!strstr(text, has))
		fail_msg("'%s' lacks '%s'", text, has);
}

static void put(const char *name, const char *text, mode_t mode)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void make(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static int set_up(void **state)
{
	strcpy(dir, "/tmp/testdaemonXXXXXX");
	assert_non_null(mkdtemp(dir));
	make("groups.d");
	make("blocked.d");
	make("keys.d");
	memset(&c, 0, sizeof(c));
	memset(&applied, 0, sizeof(applied));
	log_errors = 0;
	watched = 0;
	fake_boot();
	fake_sec_boot();
	return aioffload_open(AIOFFLOAD_DEVICE_ANY, &ctx);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

static int tear_down(void **state)
{
	config_free(&c);
	targets_free(&(struct targets){ applied.t, applied.n });
	aioffload_close(ctx);
	fake_sec_shutdown();
	fake_shutdown();
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* ---- configuration ------------------------------------------------------ */

static void groups_read(void **state)
{
	assert_int_equal(config_groups(&c, "x", "# one\n"
		"cgroup \"/a/b-*\" {\n rights = \"exec load\"\n"
		" devices = 'class:cpu, 3'\n bytes = 2M\n models = none\n"
		" time = \"1ms/10ms\"\n}\n"
		"cgroup /sys/fs/cgroup/c// { jobs = 4 }\n"
		"cgroup '/d/x\\x2dy' { rights = none }\n"
		"cgroup / { queues = 9 }\n"), 0);
	assert_int_equal(c.nr_rules, 4);
	assert_string_equal(c.rules[0].pattern, "a/b-*");
	assert_int_equal(c.rules[0].s.set, SET_RIGHTS | SET_DEVICES |
			 1 << AIOFFLOAD_RES_BYTES | 1 << AIOFFLOAD_RES_MODELS |
			 1 << AIOFFLOAD_RES_TIME);
	assert_int_equal(c.rules[0].s.rights, EXEC | LOAD);
	assert_string_equal(c.rules[0].s.devices, "class:cpu, 3");
	assert_int_equal(c.rules[0].s.limit[AIOFFLOAD_RES_BYTES], 2 << 20);
	assert_true(c.rules[0].s.limit[AIOFFLOAD_RES_MODELS] == AIOFFLOAD_NO_LIMIT);
	assert_int_equal(c.rules[0].s.period[AIOFFLOAD_RES_TIME], 10000000);
	assert_string_equal(c.rules[1].pattern, "c");
	assert_string_equal(c.rules[2].pattern, "d/x\\x2dy");
	assert_int_equal(c.rules[2].s.rights, 0);
	assert_string_equal(c.rules[3].pattern, "");
	assert_int_equal(config_groups(&c, "x", ""), 0);
	assert_int_equal(config_groups(&c, "x", "# nothing"), 0);
	assert_int_equal(c.nr_rules, 4);
}

static void groups_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "cgroup a { rights = exec", "'}' is missing" },
		{ "cgroup a { rights = exec }\n/* x", "'*/' is missing" },
		{ "cgroup a { rights = \"exec", "x:" },
		{ "cgroup a {\n rights = fly }", "x:2: 'fly'" },
		{ "cgroup a {\n\n bytes = 1X }", "x:3: bytes: '1X'" },
		{ "cgroup a { time = 5ms }", "20ms/100ms" },
		{ "cgroup a { weight = 0 }", "weight: '0' is not 1 to 10000" },
		{ "cgroup a { weight = heavy }", "'heavy'" },
		{ "cgroup a { devices = 999 }", "'999'" },
		{ "cgroup a { devices = \"\" }", "names no device" },
		{ "cgroup a { rights = \"\" }", "no list of rights" },
		{ "cgroup a { frob = 1 }", "frob" },
		{ "cgroup a { }", "says nothing" },
		{ "cgroup \"\" { jobs = 1 }", "name is missing" },
		{ "cgroup a/../b { jobs = 1 }", "no place" },
		{ "cgroup ./a { jobs = 1 }", "no place" },
		{ "cgroup a { jobs = 1 }\ncgroup a { jobs = 2 }", "duplicate" },
		{ "rights = exec", "rights" },
		{ "cgroup { jobs = 1 }", "x:1" },
		{ "}", "x:1" },
		{ "include(\"/etc/passwd\")", "include" },
	};
	size_t i;

	/* what was read before stays, of the bad file nothing */
	assert_int_equal(config_groups(&c, "ok", "cgroup k { jobs = 1 }"), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unsigned int before = log_errors;

		listen();
		assert_int_not_equal(config_groups(&c, "x", bad[i].text), 0);
		assert_says(heard(), bad[i].says);
		assert_true(log_errors > before);
		assert_int_equal(c.nr_rules, 1);
	}
	assert_int_equal(config_groups(&c, "y", "cgroup z { jobs = 1 }"), 0);
	assert_int_equal(c.nr_rules, 2);
}

/* In a list of what is refused, one bad entry must not free the others. */
static void blocks_read(void **state)
{
	listen();
	assert_int_equal(config_blocks(&c, "b",
		"digest = {" ZEROES ", 12, " ZEROES "}\nkey = {" ZEROES "}\n"
		"certificate = {\"/nowhere\", relative}\n"
		"model kws { minimum = 4 }\nmodel old { minimum = 0 }\n"
		"model none { }\n"), 0);
	heard();
	assert_says(said, "digest: '12'");
	assert_says(said, "'/nowhere': can't be read");
	assert_says(said, "must begin with '/'");
	assert_says(said, "b:5: model 'old'");
	assert_int_equal(c.nr_blocks, 4);
	assert_int_equal(c.blocks[3].entry.kind, AIOFFLOAD_BLOCK_VERSION);
	assert_int_equal(c.blocks[3].entry.version, 4);
	assert_string_equal(c.blocks[3].entry.name, "kws");
}

static void policy_read(void **state)
{
	assert_int_equal(config_policy(&c, "p", "mode = permissive\n"
		"keyrings = \"secondary platform\"\nsigned-drivers = yes\n"
		"audit = exec\nlock = on\nclose-keyring = true\n"), 0);
	assert_int_equal(c.policy_set, 31);
	assert_int_equal(c.policy.mode, AIOFFLOAD_POLICY_PERMISSIVE);
	assert_int_equal(c.policy.keyrings, 3);
	assert_true(c.close_keyring);
	config_free(&c);
	assert_int_equal(config_policy(&c, "p", "# all defaults\n"), 0);
	assert_int_equal(c.policy_set, 0);
	listen();
	/* the first setting is good, and counts for nothing either */
	assert_int_not_equal(config_policy(&c, "p", "mode = off\naudit = x\n"), 0);
	assert_int_not_equal(config_policy(&c, "p", "mode = loud\n"), 0);
	assert_int_not_equal(config_policy(&c, "p", "lock = maybe\n"), 0);
	heard();
	assert_int_equal(c.policy_set, 0);
	assert_says(said, "audit: 'x'");
}

static void others_files_are_refused(void **state)
{
	char path[256];

	put("groups.d/a.conf", "cgroup a { jobs = 1 }", 0664);
	put("groups.d/b.conf", "cgroup b { jobs = 1 }", 0646);
	put("groups.d/c.conf", "cgroup c { jobs = 1 }", 0644);
	put("groups.d/d.conf~", "cgroup d { jobs = 1 }", 0644);
	put("groups.d/.e.conf", "cgroup e { jobs = 1 }", 0644);
	put("groups.d/f.conf", "cgroup f { frob }", 0644);
	put("groups.d/g.conf", "cgroup g { jobs = 1 }", 0644);
	snprintf(path, sizeof(path), "%s/groups.d/h.conf", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	put("policy.conf", "mode = off\n", 0666);
	listen();
	config_load(&c, dir);
	heard();
	assert_says(said, "a.conf: writable for its group");
	assert_says(said, "chmod go-w");
	assert_says(said, "b.conf: writable for others");
	assert_says(said, "f.conf:1");
	assert_says(said, "h.conf: not a regular file");
	assert_says(said, "policy.conf: writable for others");
	assert_int_equal(c.policy_set, 0);
	assert_int_equal(c.nr_rules, 2);
	assert_true(c.groups_bad);
	config_free(&c);

	/* who may write to a directory may put files there */
	snprintf(path, sizeof(path), "%s/groups.d", dir);
	assert_int_equal(chmod(path, 0777), 0);
	put("policy.conf", "audit = exec\n", 0600);
	listen();
	config_load(&c, dir);
	assert_says(heard(), "groups.d: writable for others");
	assert_int_equal(c.nr_rules, 0);
	assert_int_equal(c.policy_set, AIOFFLOAD_POLICY_SET_AUDIT);
	config_free(&c);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	listen();
	config_load(&c, dir);
	keys_load(dir, KEYS_CHECK);
	heard();
	assert_int_equal(c.nr_rules, 0);
	assert_int_equal(c.policy_set, 0);
	assert_int_equal(chmod(dir, 0700), 0);
	if (!geteuid() && !chown(path, 12345, 0)) {
		listen();
		config_load(&c, dir);
		assert_says(heard(), "belongs to user 12345");
	}
}

static void large_and_binary_files(void **state)
{
	char *big = malloc(CONFIG_MAX_BYTES + 2), path[256];
	FILE *f;

	memset(big, '#', CONFIG_MAX_BYTES + 1);
	big[CONFIG_MAX_BYTES + 1] = '\0';
	put("groups.d/a.conf", big, 0644);
	big[CONFIG_MAX_BYTES] = '\0';
	put("groups.d/b.conf", big, 0644);
	free(big);
	snprintf(path, sizeof(path), "%s/groups.d/c.conf", dir);
	f = fopen(path, "w");
	fwrite("cgroup a { jobs = 1 }\n\0 cgroup b { jobs = 1 }", 1, 46, f);
	fclose(f);
	listen();
	config_load(&c, dir);
	heard();
	assert_says(said, "a.conf: more than 1048576 bytes");
	assert_says(said, "c.conf: holds a NUL byte");
	assert_null(strstr(said, "b.conf"));
	assert_int_equal(c.nr_rules, 0);
}

static void nothing_is_in_order(void **state)
{
	config_load(&c, "/nonexistent/etc");
	keys_load("/nonexistent/etc", KEYS_CHECK);
	assert_int_equal(log_errors, 0);
	assert_false(c.groups_bad);
}

/* ---- cgroups ------------------------------------------------------------ */

static void count_watch(int fd)
{
	watched++;
}

static void apply(bool all)
{
	groups_apply(ctx, &c, &applied, all, count_watch);
}

static void configure(const char *text)
{
	config_free(&c);
	assert_int_equal(config_groups(&c, "x", text), 0);
}

static void patterns(void **state)
{
	struct targets t;

	fake_cgroup("s/web-1.service");
	fake_cgroup("s/web-2.service/sub");
	fake_cgroup("s/db.service");
	fake_cgroup("s/x\\x2dy");
	configure("cgroup 's/web-*.service' { jobs = 1 }\n"
		  "cgroup 's/web-?.service/*' { jobs = 2 }\n"
		  "cgroup 's/x\\x2d*' { jobs = 3 }\n"
		  "cgroup 's/nothing/*/x' { jobs = 4 }\n"
		  "cgroup '/' { queues = 4 }\n"
		  "cgroup 's/web-[2-9].*' { models = 7 }\n");
	assert_int_equal(match_rules(&c, &t, count_watch), 0);
	assert_int_equal(t.n, 5);
	assert_true(watched >= 8);
	/* parents first */
	assert_string_equal(t.t[0].path, "");
	assert_string_equal(t.t[1].path, "s/web-1.service");
	assert_string_equal(t.t[2].path, "s/web-2.service");
	assert_int_equal(t.t[2].s.set, 1 << AIOFFLOAD_RES_JOBS |
			 1 << AIOFFLOAD_RES_MODELS);
	assert_string_equal(t.t[3].path, "s/x\\x2dy");
	assert_string_equal(t.t[4].path, "s/web-2.service/sub");
	targets_free(&t);
}

/* Somebody makes cgroups without end where a pattern lets him. */
static void one_pattern_does_not_take_all(void **state)
{
	struct targets t;
	char name[32];
	size_t i;

	for (i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "tenant/%zu", i);
		fake_cgroup(name);
	}
	fake_cgroup("z/victim");
	configure("cgroup '/tenant/*' { jobs = 1 }\n"
		  "cgroup '/z/*' { rights = none }\n"
		  "cgroup '/tenant' { jobs = 9 }");
	listen();
	assert_int_not_equal(match_rules(&c, &t, NULL), 0);
	assert_says(heard(), "x:1: 'tenant/*': more cgroups fit");
	assert_int_equal(t.n, 1024 + 2);
	for (i = 0; i < t.n && strcmp(t.t[i].path, "z/victim"); i++)
		;
	assert_true(i < t.n);
	assert_string_equal(t.t[0].path, "tenant");
	targets_free(&t);
}

/* A symbolic link in a pattern's way leads nowhere. */
static void links_are_not_followed(void **state)
{
	char path[256];
	struct targets t;

	fake_cgroup("a");
	snprintf(path, sizeof(path), "%s/link", fake_sec.root);
	assert_int_equal(symlink("/etc", path), 0);
	configure("cgroup '/link' { jobs = 1 }\ncgroup '/l*' { jobs = 1 }");
	assert_int_equal(match_rules(&c, &t, NULL), 0);
	assert_int_equal(t.n, 0);
	targets_free(&t);
}

static void rights_and_limits(void **state)
{
	const struct fake_grant *g;
	unsigned int before;

	fake.nr_devices = 2;
	fake_cgroup("a/b");
	configure("cgroup '/a/*' { rights = exec devices = 'class:cpu' }\n"
		  "cgroup '/a' { rights = 'exec,load' bytes = 1M time = '1ms/10ms' }");
	apply(true);
	g = fake_granted("/a/b");
	assert_int_equal(log_errors, 0);
	assert_int_equal(g->rights, EXEC);
	assert_int_equal(g->devices[0], 3);
	assert_int_equal(fake_granted("/a")->res[AIOFFLOAD_RES_TIME].period_ns,
			 10000000);
	/* the same again: nothing is done, so nothing is recorded */
	before = fake_sec.changes;
	apply(false);
	assert_int_equal(fake_sec.changes, before);
	/* a device more, and a cgroup more */
	fake.nr_devices = 3;
	fake_cgroup("a/c");
	apply(false);
	assert_int_equal(fake_granted("/a/b")->devices[0], 7);
	assert_int_equal(fake_granted("/a/c")->devices[0], 7);
	assert_int_equal(fake_sec.changes, before + 2);
	/* devices alone: the rights are the ones without a grant */
	configure("cgroup '/a' { devices = none }");
	apply(true);
	assert_int_equal(fake_granted("/a")->rights, EXEC | LOAD);
	assert_int_equal(fake_granted("/a")->devices[0], 0);
	assert_true(fake_granted("/a")->res[AIOFFLOAD_RES_BYTES].limit ==
		    AIOFFLOAD_NO_LIMIT);
	assert_false(fake_granted("/a/b")->has);
	/* a weight; and later files win, also to have none */
	configure("cgroup '/a*' { weight = 300 }\ncgroup '/a/b' { weight = 5 }\n"
		  "cgroup '/a/c' { weight = none }");
	apply(false);
	assert_int_equal(fake_granted("/a")->weight, 300);
	assert_int_equal(fake_granted("/a/b")->weight, 5);
	assert_int_equal(fake_granted("/a/c")->weight, 0);
	configure("cgroup '/a' { weight = 301 }");
	apply(false);
	assert_int_equal(fake_granted("/a")->weight, 301);
	assert_int_equal(fake_granted("/a/b")->weight, 0);
	/* limits alone are no grant */
	configure("cgroup '/a' { jobs = 5 }");
	apply(false);
	assert_false(fake_granted("/a")->has);
	assert_int_equal(fake_granted("/a")->weight, 0);
	assert_int_equal(fake_granted("/a")->res[AIOFFLOAD_RES_JOBS].limit, 5);
	configure("");
	apply(false);
	assert_true(fake_granted("/a")->res[AIOFFLOAD_RES_JOBS].limit ==
		    AIOFFLOAD_NO_LIMIT);
	assert_int_equal(applied.n, 0);
	assert_int_equal(log_errors, 0);
}

static void too_wide_a_grant_is_told(void **state)
{
	fake_cgroup("a/b");
	configure("cgroup '/a' { rights = exec }\n"
		  "cgroup '/a/b' {\n rights = 'exec,rt'\n jobs = 3 }");
	listen();
	apply(true);
	assert_says(heard(), "x:4: cgroup /a/b: can't grant it");
	/* the rest of it is applied all the same */
	assert_int_equal(fake_granted("/a/b")->res[AIOFFLOAD_RES_JOBS].limit, 3);
}

/* What a file said that can't be read now goes on to hold. */
static void bad_files_take_nothing_back(void **state)
{
	fake_cgroup("a");
	put("groups.d/a.conf", "cgroup /a { rights = none }", 0644);
	config_load(&c, dir);
	apply(true);
	assert_true(fake_granted("/a")->has);
	config_free(&c);
	put("groups.d/a.conf", "cgroup /a { rights = ", 0644);
	listen();
	config_load(&c, dir);
	apply(true);
	heard();
	assert_true(fake_granted("/a")->has);
	assert_int_equal(applied.n, 1);
	config_free(&c);
	put("groups.d/a.conf", "", 0644);
	config_load(&c, dir);
	apply(true);
	assert_false(fake_granted("/a")->has);
}

static void state_outlives_a_restart(void **state)
{
	char path[256];

	fake_cgroup("a");
	fake_cgroup("b c");
	configure("cgroup '/a' { rights = exec jobs = 3 }\n"
		  "cgroup '/b c' { rights = exec }");
	apply(true);
	state_save(dir, &applied);
	targets_free(&(struct targets){ applied.t, applied.n });
	state_load(dir, &applied);
	assert_int_equal(applied.n, 2);
	assert_true(applied.unknown);
	configure("cgroup '/a' { rights = exec }");
	apply(true);
	assert_false(fake_granted("/b c")->has);
	assert_true(fake_granted("/a")->has);
	assert_true(fake_granted("/a")->res[AIOFFLOAD_RES_JOBS].limit ==
		    AIOFFLOAD_NO_LIMIT);
	/* another cgroup under an old name is not touched */
	state_save(dir, &applied);
	targets_free(&(struct targets){ applied.t, applied.n });
	put("applied", "100 99999999 /a\n100 x /b\n junk\n300\n", 0644);
	state_load(dir, &applied);
	assert_int_equal(applied.n, 1);
	configure("");
	apply(true);
	assert_true(fake_granted("/a")->has);
	/* nor is a file that others can write believed */
	put("applied", "100 1 /a\n", 0666);
	targets_free(&(struct targets){ applied.t, applied.n });
	listen();
	state_load(dir, &applied);
	heard();
	assert_int_equal(applied.n, 0);
	snprintf(path, sizeof(path), "%s/applied.new", dir);
	assert_int_not_equal(access(path, F_OK), 0);
}

/* ---- policy and blocks -------------------------------------------------- */

static void policy_applied(void **state)
{
	unsigned int before;

	config_policy(&c, "p", "mode = enforce\naudit = exec\nlock = yes\n");
	apply_policy(ctx, &c);
	assert_int_equal(fake_sec.policy.audit, 1);
	assert_int_equal(fake_sec.policy.locked, 1);
	before = fake_sec.changes;
	apply_policy(ctx, &c);
	assert_int_equal(fake_sec.changes, before);
	assert_int_equal(log_errors, 0);
	config_policy(&c, "p", "mode = off\nlock = no");
	listen();
	apply_policy(ctx, &c);
	assert_says(heard(), "policy.conf: can't change the policy");
	assert_int_equal(fake_sec.policy.mode, AIOFFLOAD_POLICY_ENFORCE);
}

/* What may not be changed must not keep the policy from being locked. */
static void lock_comes_first_in_doubt(void **state)
{
	fake_sec.policy.locked = 1;
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_POLICY);
	config_policy(&c, "p", "mode = off\nlock = yes\n");
	listen();
	apply_policy(ctx, &c);
	heard();
	assert_int_equal(fake_sec.policy.locked, 1);
	assert_int_equal(fake_sec.policy.mode, AIOFFLOAD_POLICY_ENFORCE);
}

static void blocks_applied(void **state)
{
	unsigned int before;

	config_blocks(&c, "b", "digest = {" ZEROES "}\nmodel kws { minimum = 4 }");
	apply_blocks(ctx, &c);
	assert_int_equal(fake_sec.nr_blocks, 2);
	before = fake_sec.changes;
	fake_sec.blocks[1].version = 9;		/* raised by hand */
	apply_blocks(ctx, &c);
	assert_int_equal(fake_sec.changes, before);
	assert_int_equal(fake_sec.blocks[1].version, 9);
}

/* Under kernel lockdown, say: what may not be lowered takes nothing along. */
static void what_rises_rises(void **state)
{
	fake_sec.policy.locked = 1;
	config_policy(&c, "p", "mode = permissive\nsigned-drivers = yes\n");
	listen();
	apply_policy(ctx, &c);
	assert_says(heard(), "policy.conf: can't change the policy");
	assert_int_equal(fake_sec.policy.mode, AIOFFLOAD_POLICY_ENFORCE);
	assert_int_equal(fake_sec.policy.signed_drivers, 1);
}

/* ---- keys --------------------------------------------------------------- */

/* What held when the daemon came to the keys. */
static struct {
	unsigned int asked, blocks;
	__u32 signed_drivers, locked;
	bool granted;
} then;

int __wrap_keyring_find(int32_t *serial)
{
	if (!then.asked++) {
		then.blocks = fake_sec.nr_blocks;
		then.signed_drivers = fake_sec.policy.signed_drivers;
		then.locked = fake_sec.policy.locked;
		then.granted = fake_granted("/a") && fake_granted("/a")->has;
	}
	return -ENOENT;
}

/*
 * Until there is a key the kernel admits nothing: so all that refuses is there
 * before the first key is, or somebody slips through in between.
 */
static void keys_come_last(void **state)
{
	fake_cgroup("a");
	put("blocked.d/x.conf", "digest = {" ZEROES "}\n", 0644);
	put("groups.d/x.conf", "cgroup /a { rights = none }\n", 0644);
	put("policy.conf", "signed-drivers = yes\nlock = yes\n", 0644);
	config_load(&c, dir);
	memset(&then, 0, sizeof(then));
	apply_config(ctx, &c, dir, &applied, NULL);
	assert_true(then.asked > 0);
	assert_int_equal(then.blocks, 1);
	assert_true(then.granted);
	assert_int_equal(then.signed_drivers, 1);
	assert_int_equal(then.locked, 1);
}

/* A list of what is refused that nobody can read may be about any model. */
static void bad_lists_add_no_keys(void **state)
{
	static const struct {
		const char *file, *text;
		mode_t mode;
		bool bad;
	} tries[] = {
		{ "blocked.d/x.conf", "digest = {" ZEROES, 0644, true },
		{ "blocked.d/x.conf", "digest = {" ZEROES "}", 0666, true },
		{ "blocked.d/x.conf", "digest = {" ZEROES "}", 0644, false },
		{ "policy.conf", "signed-drivers = perhaps", 0644, true },
		{ "policy.conf", "", 0644, false },
		{ "groups.d/x.conf", "cgroup", 0644, false },
		{ "policy.conf", "keyrings = secondary", 0644, false },
		{ "blocked.d/x.conf", "model", 0644, true },
	};
	size_t i;

	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		put(tries[i].file, tries[i].text, tries[i].mode);
		listen();
		config_load(&c, dir);
		apply_config(ctx, &c, dir, &applied, NULL);
		heard();
		assert_int_equal(c.trust_bad, tries[i].bad);
		assert_int_equal(!!strstr(said, "no key is added"), tries[i].bad);
		/* nor do the system's count from now on */
		assert_int_equal(fake_sec.policy.keyrings,
				 c.policy_set && !tries[i].bad);
		fake_sec.policy.keyrings = 0;
		config_free(&c);
	}
}


static void keys_are_judged(void **state)
{
	char command[1024];

	snprintf(command, sizeof(command), "cd %s/keys.d && "
		 "openssl req -x509 -newkey rsa:2048 -nodes -keyout ../k -days 1 "
		 "-out weak.pem -subj '/CN=we;ak' 2>/dev/null && "
		 "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
		 "-nodes -keyout ../k -out two.pem -subj /CN=good 2>/dev/null && "
		 "openssl x509 -in two.pem -outform DER -out one.der && "
		 "cat weak.pem >>two.pem && head -c 300 one.der >cut.der && "
		 "head -c 300 weak.pem >cut.crt && echo hello >text.pem", dir);
	if (system(command))
		skip();		/* no openssl(1) here */
	listen();
	keys_load(dir, KEYS_CHECK);
	heard();
	assert_says(said, "weak.pem: 'we;ak': its RSA key has less than 3072");
	assert_says(said, "two.pem: 'we;ak'");
	assert_null(strstr(said, "one.der"));
	assert_null(strstr(said, "'good'"));
	assert_says(said, "cut.der: not an X.509 certificate");
	assert_says(said, "cut.crt: ");
	assert_says(said, "text.pem: not an X.509 certificate");
	assert_int_equal(log_errors, 3);
}

/* No name in a certificate writes lines of its own into the log. */
static void log_is_one_line(void **state)
{
	listen();
	log_err("%s", "a\nb\033[31m\x7f");
	assert_string_equal(heard(), "aioffloadd: a?b?[31m?\n");
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(groups_read), test(groups_refused), test(blocks_read),
		test(policy_read), test(others_files_are_refused),
		test(large_and_binary_files), test(nothing_is_in_order),
		test(patterns), test(one_pattern_does_not_take_all),
		test(links_are_not_followed),
		test(rights_and_limits), test(too_wide_a_grant_is_told),
		test(bad_files_take_nothing_back),
		test(state_outlives_a_restart), test(policy_applied),
		test(lock_comes_first_in_doubt), test(blocks_applied),
		test(what_rises_rises), test(keys_come_last),
		test(bad_lists_add_no_keys), test(keys_are_judged),
		test(log_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
