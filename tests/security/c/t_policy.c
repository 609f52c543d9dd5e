// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What POLICY, BLOCK and admission do for those who use them as meant. Files
 * come from forge.py and more_files.py.
 */
#include <linux/audit.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include "sectest.h"

static bool have_file(const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", getenv("SECTEST_FILES"), name);
	return !stat(path, &st);
}

/* ---- kinds of keys and signatures ---- */

static void curve(const char *key, const char *file)
{
	int ctx = open_ctx(-1);

	/* Where the kernel has no ECDSA it takes no such certificate either. */
	if (key_add(key, ring_id()) < 0)
		refused(ctx, file, ENOPKG);
	else
		close(admitted(ctx, file));
}

TEST_SECONDS(elliptic_curves_where_the_kernel_has_them, 90)
{
	fresh();
	curve("curve", "good-curve");
	curve("curve384", "curve384");
	curve("curve", "curve-longer-digest");
}

TEST(the_kernels_own_tool_signs_models)
{
	fresh();
	if (!have_file("by-sign-file"))
		SKIP("no sign-file on the machine that made the files");
	close(admitted(open_ctx(-1), "by-sign-file"));
}

TEST(other_honest_signatures)
{
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	close(admitted(ctx, "key-identifier"));
	refused(ctx, "rsa4096", ENOKEY);
	MUST(key_add("rsa4096", ring_id()));
	close(admitted(ctx, "rsa4096"));
}

TEST(an_exponent_of_three_is_weak)
{
	fresh();
	MUST(key_add("exponent3", ring_id()));
	refused(open_ctx(-1), "exponent3", ENOPKG);
}

TEST(a_key_taken_out_of_the_ring_signs_no_more)
{
	int ctx;
	long key;

	fresh();
	ctx = open_ctx(-1);
	key = MUST(key_add("rsa4096", ring_id()));
	close(admitted(ctx, "rsa4096"));
	MUST(key_ctl(KEYCTL_UNLINK_, key, ring_id(), 0));
	refused(ctx, "rsa4096", ENOKEY);
	MUST(key_add("rsa4096", ring_id()));
	close(admitted(ctx, "rsa4096"));
	MUST(key_ctl(KEYCTL_CLEAR_, ring_id(), 0, 0));
	EXPECT_EQ(policy_now().nr_keys, 0);
	refused(ctx, "rsa4096", ENOKEY);
}

static void load_as_nobody(void *arg)
{
	(void)arg;
	become(NOBODY);
	close(admitted(open_ctx(-1), "rsa4096"));
}

/* He who loads is not he who looks for keys: else an LSM could refuse him. */
TEST(a_key_that_only_root_may_find_serves_everybody)
{
	const unsigned long perm = 0x31000000 |	/* possessor: link, setattr, view */
				   0x00080000;	/* uid 0: search */
	long key;

	fresh();
	open_to_all();
	key = MUST(key_add("rsa4096", KEYCTL_PROCESS_RING_));
	MUST(key_ctl(KEYCTL_SETPERM_, key, perm, 0));
	MUST(key_ctl(KEYCTL_LINK_, key, ring_id(), 0));
	close(admitted(open_ctx(-1), "rsa4096"));
	in_child(load_as_nobody, NULL);
}

/* firmware.py put a certificate where the kernel takes platform keys from. */
static bool firmware_has_key(void)
{
	FILE *f = fopen("/proc/keys", "re");
	bool has = false;
	char line[512];

	EXPECT(f);
	while (fgets(line, sizeof(line), f))
		has |= !!strstr(line, "aioffload test firmware:");
	fclose(f);
	return has;
}

TEST(a_key_of_the_platform_keyring_signs_models_if_policy_says_so)
{
	struct aioffload_policy p = { .keyrings = 0 };
	struct bound b;
	int ctx;

	fresh();
	if (!firmware_has_key())
		SKIP("the firmware brought no key: without OVMF there is none");
	ctx = open_ctx(-1);
	refused(ctx, "firmware", EKEYREJECTED);
	p.keyrings = AIOFFLOAD_KEYS_SECONDARY;
	MUST(policy_set(ctx, AIOFFLOAD_POLICY_SET_KEYRINGS, p));
	refused(ctx, "firmware", ENOKEY);
	p.keyrings = AIOFFLOAD_KEYS_PLATFORM;
	MUST(policy_set(ctx, AIOFFLOAD_POLICY_SET_KEYRINGS, p));
	bound_file(&b, ctx, "firmware");
	bound_works(&b);
	refused(ctx, "firmware-flipped", EKEYREJECTED);
	p.keyrings |= AIOFFLOAD_KEYS_SECONDARY;
	MUST(policy_set(ctx, AIOFFLOAD_POLICY_SET_KEYRINGS, p));
	close(admitted(ctx, "firmware"));
	MUST(key_ctl(KEYCTL_CLEAR_, ring_id(), 0, 0));
	close(admitted(ctx, "firmware"));
}

/* Ours are not taken for one of the system's, whatever the certificate says. */
TEST(system_keyrings_take_their_own_keys_only)
{
	struct aioffload_policy p = { .keyrings = 0 };
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	refused(ctx, "with-certificate", EKEYREJECTED);
	for (p.keyrings = 1; p.keyrings <= 3; p.keyrings++) {
		MUST(policy_set(ctx, AIOFFLOAD_POLICY_SET_KEYRINGS, p));
		EXPECT_EQ(policy_now().keyrings, p.keyrings);
		refused(ctx, "with-certificate", ENOKEY);
		refused(ctx, "with-certificate-weak", ENOPKG);
		refused(ctx, "with-certificate-curve", ENOPKG);
		refused(ctx, "wrong-key", ENOKEY);
		close(admitted(ctx, "good"));
	}
	/* With an empty ring of ours, these are still asked. */
	MUST(key_ctl(KEYCTL_CLEAR_, ring_id(), 0, 0));
	refused(ctx, "with-certificate", ENOKEY);
	refused(ctx, "good", ENOKEY);
	EXPECT(strstr(load_reason, "certificate"));
	refused(ctx, "unsigned", EKEYREJECTED);
}

/* ---- permissive and off ---- */

TEST(permissive_admits_and_says_so)
{
	static const char *const files[] = {
		"unsigned", "wrong-key", "weak-key", "expired", "attributes",
	};
	static const int errs[] = {
		EKEYREJECTED, ENOKEY, ENOKEY, EKEYEXPIRED, EKEYREJECTED,
	};
	struct aioffload_policy before;
	struct bound b[5];
	char word[32];
	int ctx, i;

	fresh();
	ctx = open_ctx(-1);
	MUST(policy_mode(ctx, AIOFFLOAD_POLICY_PERMISSIVE));
	for (i = 0; i < 5; i++) {
		before = policy_now();
		bound_file(&b[i], ctx, files[i]);
		bound_works(&b[i]);
		EXPECT_EQ(policy_now().admitted, before.admitted + 1);
		EXPECT_EQ(policy_now().refused, before.refused);
		snprintf(word, sizeof(word), "errno=%d ", errs[i]);
		AUDIT_EXPECT("op=model_permit", word);
	}
	/* What enforce would not have admitted stops when it begins. */
	MUST(policy_mode(ctx, AIOFFLOAD_POLICY_ENFORCE));
	for (i = 0; i < 5; i++)
		EXPECT_ERRNO(run_slot(ctx, b[i].slot, 0, 1, 0), errs[i]);
	unharmed();
	MUST(policy_mode(ctx, AIOFFLOAD_POLICY_PERMISSIVE));
	for (i = 0; i < 5; i++)
		bound_works(&b[i]);
}

TEST(permissive_records_what_is_blocked)
{
	struct bound b;
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	MUST(policy_mode(ctx, AIOFFLOAD_POLICY_PERMISSIVE));
	MUST(block_version(ctx, AIOFFLOAD_BLOCK_ADD, "sec.lut", 6));
	bound_file(&b, ctx, "good");
	AUDIT_EXPECT("op=model_permit", "errno=128 ");
	bound_works(&b);
	MUST(policy_mode(ctx, AIOFFLOAD_POLICY_ENFORCE));
	EXPECT_ERRNO(run_slot(ctx, b.slot, 0, 1, 0), EKEYREVOKED);
	MUST(block_version(ctx, AIOFFLOAD_BLOCK_DEL, "sec.lut", 0));
	bound_works(&b);
}

TEST(off_only_takes_the_signature_away)
{
	uint8_t digest[AIOFFLOAD_DIGEST_LEN];
	struct bound b;
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	close(admitted(ctx, "good"));
	memcpy(digest, load_digest, sizeof(digest));
	MUST(policy_mode(ctx, AIOFFLOAD_POLICY_OFF));
	bound_file(&b, ctx, "lut");
	EXPECT(!memcmp(digest, load_digest, sizeof(digest)));
	bound_works(&b);
	close(admitted(ctx, "wrong-key"));
	EXPECT(!memcmp(digest, load_digest, sizeof(digest)));
	close(admitted(ctx, "npu-only"));
	/* What can't be taken apart is refused all the same. */
	refused(ctx, "trailer-garbage", EBADMSG);
	MUST(policy_mode(ctx, AIOFFLOAD_POLICY_ENFORCE));
	EXPECT_ERRNO(run_slot(ctx, b.slot, 0, 1, 0), EKEYREJECTED);
}

/* ---- counting ---- */

static void is_refused_much(void *arg)
{
	struct bound b = { .ctx = open_ctx(-1) };
	int sec = cg_open("poor");

	(void)arg;
	cg_enter("poor");
	become(NOBODY);
	EXPECT_ERRNO(load_file(b.ctx, "good"), EACCES);
	EXPECT_ERRNO(policy_mode(b.ctx, AIOFFLOAD_POLICY_OFF), EPERM);
	EXPECT_ERRNO(grant(b.ctx, sec, AIOFFLOAD_RIGHT_EXEC), EPERM);
}

/* Where nobody listens, what was refused is counted all the same. */
TEST(refusals_count_without_audit)
{
	struct aioffload_policy before, after;
	int admin;

	fresh();
	admin = open_ctx(-1);
	MUST(grant(admin, cg_open("poor"), 0));
	open_to_all();
	EXPECT_EQ(audit_set(AUDIT_STATUS_ENABLED, 0), 0);
	before = policy_now();
	in_child(is_refused_much, NULL);
	EXPECT_ERRNO(load_file(admin, "unsigned"), EKEYREJECTED);
	after = policy_now();
	EXPECT_EQ(audit_set(AUDIT_STATUS_ENABLED, 1), 0);
	EXPECT_EQ(after.denied - before.denied, 3);
	EXPECT_EQ(after.refused - before.refused, 1);
	/* Who knows nothing of that number gets the rest. */
	after.size = offsetof(struct aioffload_policy, denied);
	after.flags = 0;
	after.denied = 77;
	MUST(ioctl(admin, AIOFFLOAD_IOC_POLICY, &after));
	EXPECT_EQ(after.denied, 77);
	after.size = offsetof(struct aioffload_policy, denied) - 1;
	after.flags = 0;
	EXPECT_ERRNO(ioctl(admin, AIOFFLOAD_IOC_POLICY, &after), EINVAL);
}

/* ---- calls ---- */

TEST(policy_arguments)
{
	struct aioffload_policy now, p;
	unsigned int bit;
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	now = policy_now();
	EXPECT_EQ(now.mode, AIOFFLOAD_POLICY_ENFORCE);
	EXPECT_EQ(now.locked, 0);
	EXPECT_EQ(now.nr_keys, 2);
	for (bit = 5; bit < 32; bit++)
		EXPECT_ERRNO(policy_set(ctx, 1U << bit, now), EINVAL);
	p = now;
	p.mode = 3;
	EXPECT_ERRNO(policy_set(ctx, AIOFFLOAD_POLICY_SET_MODE, p), EINVAL);
	p = now;
	p.keyrings = 4;
	EXPECT_ERRNO(policy_set(ctx, AIOFFLOAD_POLICY_SET_KEYRINGS, p), EINVAL);
	p = now;
	p.signed_drivers = 2;
	EXPECT_ERRNO(policy_set(ctx, AIOFFLOAD_POLICY_SET_DRIVERS, p), EINVAL);
	p = now;
	p.audit = 2;
	EXPECT_ERRNO(policy_set(ctx, AIOFFLOAD_POLICY_SET_AUDIT, p), EINVAL);
	p = now;
	p.locked = 2;
	EXPECT_ERRNO(policy_set(ctx, AIOFFLOAD_POLICY_SET_LOCKED, p), EINVAL);
	/* All or nothing, and what is not named is not looked at. */
	p.audit = AIOFFLOAD_AUDIT_EXEC;
	EXPECT_ERRNO(policy_set(ctx, AIOFFLOAD_POLICY_SET_AUDIT |
				AIOFFLOAD_POLICY_SET_LOCKED, p), EINVAL);
	EXPECT_EQ(policy_now().audit, now.audit);
	MUST(policy_set(ctx, AIOFFLOAD_POLICY_SET_AUDIT, p));
	EXPECT_EQ(policy_now().audit, AIOFFLOAD_AUDIT_EXEC);
	EXPECT_EQ(policy_now().locked, 0);
}

static int block_call(int ctx, struct aioffload_block *b)
{
	b->size = sizeof(*b);
	return ioctl(ctx, AIOFFLOAD_IOC_BLOCK, b);
}

TEST(block_arguments)
{
	const struct aioffload_block ok = {
		.kind = AIOFFLOAD_BLOCK_VERSION, .version = 3, .name = "n",
	};
	struct aioffload_block b;
	unsigned int i;
	int ctx;

	fresh();
	ctx = open_ctx(-1);
#define BAD(...) do {							\
		b = ok;							\
		__VA_ARGS__;						\
		EXPECT_ERRNO(block_call(ctx, &b), EINVAL);		\
	} while (0)
	for (i = 0; i < 32; i++)
		BAD(b.flags = 1U << i);
	BAD(b.op = 3);
	BAD(b.kind = 4);
	BAD(b.reserved = 1);
	BAD(b.index = 1);
	BAD(b.id[31] = 1);
	BAD(b.name[0] = 0);
	BAD(b.name[1] = ' '; b.name[2] = 'x');
	BAD(b.name[2] = 'x');
	BAD(memset(b.name, 'x', sizeof(b.name)));
	BAD(b.kind = AIOFFLOAD_BLOCK_DIGEST; b.version = 0);
	BAD(b.kind = AIOFFLOAD_BLOCK_KEY; b.name[0] = 0);
	BAD(b.kind = AIOFFLOAD_BLOCK_QUARANTINE; b.name[0] = 0);
	b = ok;
	b.op = AIOFFLOAD_BLOCK_GET;
	EXPECT_ERRNO(block_call(ctx, &b), ENOENT);
	b = ok;
	b.op = AIOFFLOAD_BLOCK_DEL;
	EXPECT_ERRNO(block_call(ctx, &b), ENOENT);
	b.kind = AIOFFLOAD_BLOCK_QUARANTINE;
	memset(b.name, 0, sizeof(b.name));
	EXPECT_ERRNO(block_call(ctx, &b), ENOENT);
}

static struct aioffload_block block_entry(int ctx, unsigned int index)
{
	struct aioffload_block b = {
		.op = AIOFFLOAD_BLOCK_GET, .index = index,
	};

	MUST(block_call(ctx, &b));
	return b;
}

TEST(minimum_versions_only_rise)
{
	struct aioffload_block b;
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	MUST(block_version(ctx, AIOFFLOAD_BLOCK_ADD, "sec.lut", 5));
	close(admitted(ctx, "good"));		/* version 5 */
	MUST(block_version(ctx, AIOFFLOAD_BLOCK_ADD, "sec.lut", 5));
	MUST(block_version(ctx, AIOFFLOAD_BLOCK_ADD, "sec.lut", 6));
	EXPECT_ERRNO(block_version(ctx, AIOFFLOAD_BLOCK_ADD, "sec.lut", 5), EEXIST);
	b = block_entry(ctx, 0);
	EXPECT_EQ(b.kind, AIOFFLOAD_BLOCK_VERSION);
	EXPECT_EQ(b.version, 6);
	EXPECT(!strcmp(b.name, "sec.lut"));
	refused(ctx, "good", EKEYREVOKED);
	EXPECT(strstr(load_reason, "sec.lut"));
	close(admitted(ctx, "other"));		/* another name */
	MUST(block_version(ctx, AIOFFLOAD_BLOCK_DEL, "sec.lut", 0));
	close(admitted(ctx, "good"));
}

TEST_SECONDS(the_block_list_has_an_end, 120)
{
	struct aioffload_block b = { .kind = AIOFFLOAD_BLOCK_DIGEST };
	unsigned int i;
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	for (i = 0; i < 4096; i++) {
		memcpy(b.id, &i, sizeof(i));
		b.id[31] = 1;
		MUST(block_call(ctx, &b));
	}
	b.id[31] = 2;
	EXPECT_ERRNO(block_call(ctx, &b), ENOSPC);
	b.id[31] = 1;
	MUST(block_call(ctx, &b));		/* it is there */
	EXPECT_EQ(block_entry(ctx, 17).id[0], 17);
	unharmed();
	b.op = AIOFFLOAD_BLOCK_DEL;
	for (i = 0; i < 4096; i++) {
		memcpy(b.id, &i, sizeof(i));
		MUST(block_call(ctx, &b));
	}
	b.op = AIOFFLOAD_BLOCK_GET;
	EXPECT_ERRNO(block_call(ctx, &b), ENOENT);
}

/* ---- at the same time ---- */

static atomic_int is_blocked, loads;

/* Loads on and on; what it got before the block must not run after it. */
static void *loader(void *arg)
{
	struct bound b;
	int ctx = open_ctx(-1), fd, before;

	(void)arg;
	for (;;) {
		before = atomic_load(&is_blocked);
		fd = load_file(ctx, "good");
		if (fd < 0) {
			EXPECT_EQ(errno, EKEYREVOKED);
			break;
		}
		EXPECT(!before);
		atomic_fetch_add(&loads, 1);
		bound_model(&b, ctx, fd);
		before = atomic_load(&is_blocked);
		if (!run_slot(ctx, b.slot, 0, 1, 0))
			EXPECT(!before);
		else
			EXPECT_EQ(errno, EKEYREVOKED);
		unbind(ctx, b.slot);
		munmap(b.map, b.bytes);
		close(b.buf);
		close(fd);
	}
	close(ctx);
	return NULL;
}

TEST_SECONDS(nothing_slips_past_a_block, 120)
{
	int ctx, round, had;
	pthread_t t;

	fresh();
	ctx = open_ctx(-1);
	close(admitted(ctx, "good"));
	for (round = 0; round < 20; round++) {
		atomic_store(&is_blocked, 0);
		had = atomic_load(&loads);
		EXPECT(!pthread_create(&t, NULL, loader, NULL));
		while (atomic_load(&loads) == had)
			sleep_ms(1);
		sleep_ms(round);
		MUST(block_version(ctx, AIOFFLOAD_BLOCK_ADD, "sec.lut", 9));
		atomic_store(&is_blocked, 1);
		pthread_join(t, NULL);
		MUST(block_version(ctx, AIOFFLOAD_BLOCK_DEL, "sec.lut", 0));
	}
}

/* ---- cost ---- */

static uint64_t cost(int ctx, const char *name, int err)
{
	static uint8_t data[1 << 21];
	char path[256];
	uint64_t best = ~0ULL;
	size_t n;
	FILE *f;
	int i;

	snprintf(path, sizeof(path), "%s/%s", getenv("SECTEST_FILES"), name);
	f = fopen(path, "re");
	EXPECT(f);
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	for (i = 0; i < 5; i++) {
		uint64_t from = now_ns(), took;

		EXPECT_ERRNO(model_load(ctx, data, n, NULL, 0), err);
		took = now_ns() - from;
		if (took < best)
			best = took;
	}
	return best / 1000;
}

/* Never fails for being slow; the figures are for the log. */
TEST_SECONDS(cost_of_admission, 120)
{
	unsigned long long off, on, bad;
	char text[160];
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	on = cost(ctx, "mib", ENOEXEC);
	bad = cost(ctx, "mib-flipped", EKEYREJECTED);
	MUST(policy_mode(ctx, AIOFFLOAD_POLICY_OFF));
	off = cost(ctx, "mib", ENOEXEC);
	snprintf(text, sizeof(text),
		 "admission of 1 MiB: signed %llu us, policy off %llu us, refused %llu us\n",
		 on, off, bad);
	write_text("/dev/kmsg", text);
}
