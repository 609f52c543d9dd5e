// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Models that must not be admitted. Files come from forge.py; the numbers are
 * those of docs/threat-model.md. Every case also shows what is admitted.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include "sectest.h"

struct want {
	const char *file;
	int err;
};

static void all_refused(const struct want *w)
{
	int ctx = open_ctx(-1);

	for (; w->file; w++)
		refused(ctx, w->file, w->err);
	unharmed();
}

TEST(t01_unsigned)
{
	fresh();
	all_refused((const struct want[]){
		{ "unsigned", EKEYREJECTED },
		{ "cut-end", EKEYREJECTED },
		{ "text", EBADMSG },	/* signed, but no model */
		{ NULL, 0 },
	});
	close(admitted(open_ctx(-1), "good-sha512"));
	close(admitted(open_ctx(-1), "good-second"));
}

TEST(t02_wrong_key)
{
	int ctx;

	fresh();
	all_refused((const struct want[]){ { "wrong-key", ENOKEY }, { NULL, 0 } });
	/* The key decides, nothing else: with it, the same file is admitted. */
	ctx = open_ctx(-1);
	MUST(key_add("evil", ring_id()));
	close(admitted(ctx, "wrong-key"));
}

TEST(t03_expired)
{
	fresh();
	all_refused((const struct want[]){
		{ "expired", EKEYEXPIRED },
		{ "not-yet", EKEYEXPIRED },
		{ NULL, 0 },
	});
}

/* Loaded models included: from the next submission on. */
static void block_bites(uint32_t kind, const void *id, const char *file)
{
	int ctx = open_ctx(-1);
	struct bound b;

	bound_file(&b, ctx, file);
	bound_works(&b);
	MUST(block(ctx, AIOFFLOAD_BLOCK_ADD, kind, id));
	AUDIT_EXPECT("op=block", "res=1");
	EXPECT_ERRNO(run_slot(ctx, b.slot, 0, 1, 0), EKEYREVOKED);
	refused(ctx, file, EKEYREVOKED);
	/* A binding made now is no way round, nor is another context. */
	EXPECT_ERRNO(({
		struct bound again;
		int other = open_ctx(-1);

		bound_model(&again, other, b.model);
		run_slot(other, again.slot, 0, 1, 0);
	}), EKEYREVOKED);
	MUST(block(ctx, AIOFFLOAD_BLOCK_DEL, kind, id));
	bound_close(&b);
	bound_file(&b, ctx, file);
	bound_works(&b);
}

TEST(t04_revoked_hash)
{
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	close(admitted(ctx, "good"));
	block_bites(AIOFFLOAD_BLOCK_DIGEST, load_digest, "good");
	/* Signing the same model anew does not make it another. */
	MUST(block(ctx, AIOFFLOAD_BLOCK_ADD, AIOFFLOAD_BLOCK_DIGEST, load_digest));
	refused(ctx, "good-second", EKEYREVOKED);
	refused(ctx, "good-sha512", EKEYREVOKED);
	refused(ctx, "old", EKEYREVOKED);
	close(admitted(ctx, "other"));
}

TEST(t05_revoked_key)
{
	struct blob id;

	fresh();
	blob_read(&id, "second.id");
	EXPECT_EQ(id.bytes, 32);
	block_bites(AIOFFLOAD_BLOCK_KEY, id.data, "good-second");
	MUST(block(open_ctx(-1), AIOFFLOAD_BLOCK_ADD, AIOFFLOAD_BLOCK_KEY, id.data));
	/* The other key's models are not touched. */
	unharmed();
	refused(open_ctx(-1), "good-second", EKEYREVOKED);
}

TEST(t06_rolled_back)
{
	struct bound old;
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	bound_file(&old, ctx, "old");
	bound_works(&old);
	MUST(block_version(ctx, AIOFFLOAD_BLOCK_ADD, "sec.lut", 5));
	AUDIT_EXPECT("op=block", "res=1");
	EXPECT_ERRNO(run_slot(ctx, old.slot, 0, 1, 0), EKEYREVOKED);
	refused(ctx, "old", EKEYREVOKED);
	unharmed();		/* version 5 */
	close(admitted(ctx, "other"));
	MUST(block_version(ctx, AIOFFLOAD_BLOCK_ADD, "sec.lut", 6));
	refused(ctx, "good", EKEYREVOKED);
	/* The floor never sinks by ADD alone. */
	EXPECT(block_version(ctx, AIOFFLOAD_BLOCK_ADD, "sec.lut", 5) < 0);
	refused(ctx, "good", EKEYREVOKED);
	MUST(block_version(ctx, AIOFFLOAD_BLOCK_DEL, "sec.lut", 6));
	unharmed();
}

TEST(t07_truncated_signature)
{
	fresh();
	all_refused((const struct want[]){
		{ "cut-signature", EBADMSG },
		{ "cut-middle", EBADMSG },
		{ "cut-to-nothing", EBADMSG },
		{ "length-too-long", EBADMSG },
		{ "length-huge", EBADMSG },
		{ "length-one-more", EBADMSG },
		{ "padded-signature", EBADMSG },
		{ "trailer-garbage", EBADMSG },
		{ "trailer-pgp", EBADMSG },
		{ "only-trailer", EBADMSG },
		{ NULL, 0 },
	});
}

TEST(t08_signature_of_another_domain)
{
	fresh();
	/* All but fs-verity's are valid signatures of a trusted key. */
	all_refused((const struct want[]){
		{ "like-a-module", EBADMSG },
		{ "a-module", EBADMSG },
		{ "text", EBADMSG },
		{ "signed-twice", EBADMSG },
		{ "fs-verity", EKEYREJECTED },
		{ "manifest-alone", ENOEXEC },
		{ NULL, 0 },
	});
}

TEST(t09_swapped_after_check)
{
	static struct blob good, now;
	struct aioffload_model_info mi = ARG(model_info);
	uint8_t digest[sizeof(load_digest)];
	struct bound b;
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	/* One file's signature under another's bytes */
	all_refused((const struct want[]){
		{ "flipped", EKEYREJECTED },
		{ "edited-manifest", EKEYREJECTED },
		{ "other-with-our-manifest", EKEYREJECTED },
		{ "appended-model", EKEYREJECTED },
		{ "manifest-of-another", EBADMSG },
		{ NULL, 0 },
	});
	/* The bytes given change after MODEL_LOAD has returned. */
	blob_read(&good, "good");
	now = good;
	bound_model(&b, ctx, MUST(model_load(ctx, now.data, now.bytes, NULL, 0)));
	memset(now.data, 0xff, sizeof(now.data));
	MUST(ioctl(b.model, AIOFFLOAD_IOC_MODEL_INFO, &mi));
	close(admitted(ctx, "good"));
	memcpy(digest, load_digest, sizeof(digest));
	EXPECT(!memcmp(mi.digest, digest, sizeof(digest)));
	bound_works(&b);
	/* And a model's descriptor gives nobody a way to its bytes. */
	EXPECT(write(b.model, &now, 64) < 0);
	EXPECT(read(b.model, &now, 64) < 0);
	EXPECT(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, b.model, 0) ==
	       MAP_FAILED);
	EXPECT(ftruncate(b.model, 0) < 0);
}

/* ---- T10: the caller's memory changes while the kernel reads it ---- */

/* So much of the file lies in the first page, the rest in the second. */
#define FIRST	1000

struct rewriter {
	struct held held;
	const struct blob *before, *after;
	int faults;
};

/*
 * The kernel has copied the first page and waits for the second: now the first
 * one becomes another.
 */
static void *rewrite_behind(void *arg)
{
	struct rewriter *r = arg;

	if (!held_wait(&r->held, 5000))
		return NULL;
	r->faults++;
	memcpy(r->held.mem + HELD_PAGE - FIRST, r->after->data, FIRST);
	held_give(&r->held, r->before->data + FIRST, r->before->bytes - FIRST);
	return NULL;
}

static long load_rewritten(int ctx, const struct blob *before, const struct blob *after)
{
	struct rewriter r = { .before = before, .after = after };
	struct aioffload_model_load a = ARG(model_load);
	pthread_t t;
	long ret;

	held_open(&r.held);
	memcpy(r.held.mem + HELD_PAGE - FIRST, before->data, FIRST);
	EXPECT(!pthread_create(&t, NULL, rewrite_behind, &r));
	a.data = (uintptr_t)r.held.mem + HELD_PAGE - FIRST;
	a.bytes = before->bytes;
	ret = ioctl(ctx, AIOFFLOAD_IOC_MODEL_LOAD, &a);
	if (ret)
		ret = -errno;
	else
		close(a.fd);
	memcpy(load_digest, a.digest, sizeof(load_digest));
	pthread_join(t, NULL);
	EXPECT_EQ(r.faults, 1);		/* a second look would have been a fault or seen "after" */
	held_close(&r.held);
	return ret;
}

TEST(t10_double_fetch_while_the_kernel_waits)
{
	static struct blob good, flipped;
	uint8_t digest[sizeof(load_digest)];
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	close(admitted(ctx, "good"));
	memcpy(digest, load_digest, sizeof(digest));
	blob_read(&good, "good");
	blob_read(&flipped, "flipped");
	EXPECT(memcmp(good.data, flipped.data, FIRST));
	/* Good bytes that turn bad are what was good, */
	EXPECT_EQ(load_rewritten(ctx, &good, &flipped), 0);
	EXPECT(!memcmp(digest, load_digest, sizeof(digest)));
	/* bad ones that turn good are what was bad. */
	EXPECT_EQ(load_rewritten(ctx, &flipped, &good), -EKEYREJECTED);
	unharmed();
}

struct flipper {
	uint8_t *mem;
	const struct blob *blobs[4];
	volatile bool stop;
};

static void *flip(void *arg)
{
	struct flipper *f = arg;

	for (unsigned int i = 0; !f->stop; i++) {
		const struct blob *b = f->blobs[i % 4];

		memcpy(f->mem, b->data, b->bytes);
	}
	return NULL;
}

/* What was admitted must be one of two models, in itself and by its digest. */
static void check_admitted(int ctx, int fd, const uint8_t *digest, uint8_t good[2][32])
{
	struct aioffload_model_tensor mt = ARG(model_tensor);
	bool is_lut = !memcmp(digest, good[0], 32);

	if (!is_lut && memcmp(digest, good[1], 32))
		FAIL("something was admitted that nobody signed");
	MUST(ioctl(fd, AIOFFLOAD_IOC_MODEL_TENSOR, &mt));
	EXPECT_EQ(mt.bytes, is_lut ? 64 : 128);
	if (is_lut) {
		struct bound b;

		bound_model(&b, ctx, fd);
		bound_works(&b);
		bound_close(&b);
	} else {
		close(fd);
	}
}

TEST_SECONDS(t10_double_fetch_in_a_race, 60)
{
	static struct blob blobs[4];
	static const char *const names[4] = { "good", "flipped", "other", "wrong-key" };
	static struct flipper f;
	unsigned int admitted_nr = 0, refused_nr = 0;
	uint8_t digest[2][32];
	pthread_t t;
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	close(admitted(ctx, "good"));
	memcpy(digest[0], load_digest, 32);
	close(admitted(ctx, "other"));
	memcpy(digest[1], load_digest, 32);
	for (int i = 0; i < 4; i++) {
		blob_read(&blobs[i], names[i]);
		f.blobs[i] = &blobs[i];
		EXPECT_EQ(blobs[i].bytes, blobs[0].bytes);
	}
	f.mem = mmap(NULL, sizeof(blobs[0].data), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memcpy(f.mem, blobs[0].data, blobs[0].bytes);
	EXPECT(!pthread_create(&t, NULL, flip, &f));
	for (uint64_t end = now_ns() + 5000000000ULL; now_ns() < end; ) {
		struct aioffload_model_load a = ARG(model_load);

		a.data = (uintptr_t)f.mem;
		a.bytes = blobs[0].bytes;
		if (!ioctl(ctx, AIOFFLOAD_IOC_MODEL_LOAD, &a)) {
			check_admitted(ctx, a.fd, a.digest, digest);
			admitted_nr++;
			continue;
		}
		if (errno != EKEYREJECTED && errno != ENOKEY && errno != EBADMSG)
			FAIL("a torn file: %s", strerror(errno));
		refused_nr++;
	}
	f.stop = true;
	pthread_join(t, NULL);
	EXPECT(refused_nr > 0);
	/* The race was one: both ways it went. */
	if (!admitted_nr)
		fprintf(stderr, "t10: nothing whole was ever seen\n");
	unharmed();
}

TEST(t11_weak_keys)
{
	fresh();
	MUST(key_add("weak", ring_id()));
	MUST(key_add("cubic", ring_id()));
	all_refused((const struct want[]){
		{ "weak-key", ENOPKG },
		{ "small-exponent", ENOPKG },
		{ "sha1", ENOPKG },
		{ NULL, 0 },
	});
	/* Curves where the kernel has them. */
	if (key_add("curve", ring_id()) >= 0)
		close(admitted(open_ctx(-1), "good-curve"));
	else
		EXPECT(load_file(open_ctx(-1), "good-curve") < 0 &&
		       (errno == ENOKEY || errno == ENOPKG));
}

TEST(t12_embedded_certificates)
{
	fresh();
	all_refused((const struct want[]){
		{ "embedded-evil", EKEYREJECTED },
		{ "embedded-leaf", EKEYREJECTED },
		{ "embedded-good", EKEYREJECTED },
		{ NULL, 0 },
	});
	/* Who is to sign is put into the ring. */
	MUST(key_add("leaf", ring_id()));
	unharmed();
}

TEST(t13_two_signers)
{
	fresh();
	all_refused((const struct want[]){
		{ "two-signers", EKEYREJECTED },
		{ "two-signers-swapped", EKEYREJECTED },
		{ "two-trusted", EKEYREJECTED },
		{ NULL, 0 },
	});
}

TEST(t14_malformed_manifest)
{
	fresh();
	all_refused((const struct want[]){
		{ "magic", EBADMSG },
		{ "version", EBADMSG },
		{ "size", EBADMSG },
		{ "flags", EBADMSG },
		{ "reserved", EBADMSG },
		{ "no-name", EBADMSG },
		{ "name-blank", EBADMSG },
		{ "name-quote", EBADMSG },
		{ "name-newline", EBADMSG },
		{ "name-unended", EBADMSG },
		{ "name-tail", EBADMSG },
		{ "driver-unended", EBADMSG },
		{ "model-bytes", EBADMSG },
		{ "model-bytes-huge", EBADMSG },
		{ "digest", EBADMSG },
		{ NULL, 0 },
	});
}

TEST(t15_hostile_pkcs7)
{
	fresh();
	all_refused((const struct want[]){
		{ "attributes", EKEYREJECTED },
		{ "opaque", EBADMSG },
		{ "not-pkcs7", EBADMSG },
		{ "deep-der", EBADMSG },
		{ "huge-signature", EBADMSG },
		{ NULL, 0 },
	});
}

TEST(t23_beyond_declared_devices)
{
	struct aioffload_bind_io ios[2] = { 0 };
	struct bound b;
	int cpu, null, model;

	fresh();
	cpu = open_ctx(find_device("aioffload_cpu"));
	null = open_null("");
	ios[0].buf_fd = MUST(buf_create(cpu, 4096));
	ios[1] = (struct aioffload_bind_io){ .buf_fd = ios[0].buf_fd, .offset = 64 };
	model = admitted(cpu, "npu-only");
	EXPECT_ERRNO(bind_slot(cpu, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EPERM);
	EXPECT_ERRNO(bind_slot(null, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EPERM);
	model = admitted(cpu, "other-driver");
	EXPECT_ERRNO(bind_slot(cpu, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EPERM);
	model = admitted(cpu, "virtual-only");
	EXPECT_ERRNO(bind_slot(cpu, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EPERM);
	MUST(bind_slot(null, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY));
	model = admitted(cpu, "null-only");
	EXPECT_ERRNO(bind_slot(cpu, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EPERM);
	bound_file(&b, null, "null-only");
	MUST(run_slot(null, b.slot, 0, 1, 0));
	unharmed();
}

TEST(t24_beyond_declared_budget)
{
	struct bound b;
	uint64_t start;
	int slow;

	fresh();
	/* Working memory: more than its manifest says */
	refused(open_ctx(-1), "hungry", E2BIG);
	close(admitted(open_ctx(-1), "roomy"));
	/* Time: 50 ms by the manifest, whatever the caller asks for */
	slow = open_null("latency_ns=2000000000");
	bound_file(&b, slow, "budget");
	start = now_ns();
	EXPECT_ERRNO(run_slot(slow, b.slot, 0, 1, 10000000000ULL), ETIME);
	EXPECT(now_ns() - start < 1000000000ULL);
	bound_file(&b, open_null("latency_ns=1000000"), "budget");
	MUST(run_slot(b.ctx, b.slot, 0, 1, 10000000000ULL));
	unharmed();
}

/* None of this tree's modules carries a signature that the kernel knows. */
TEST(t25_unsigned_driver)
{
	struct aioffload_bind_io ios[2] = { 0 };
	struct aioffload_policy p = { .signed_drivers = 1 };
	int cpu, model;

	fresh();
	cpu = open_ctx(find_device("aioffload_cpu"));
	ios[0].buf_fd = MUST(buf_create(cpu, 4096));
	ios[1] = (struct aioffload_bind_io){ .buf_fd = ios[0].buf_fd, .offset = 64 };
	model = admitted(cpu, "good");
	MUST(policy_set(cpu, AIOFFLOAD_POLICY_SET_DRIVERS, p));
	EXPECT_EQ(policy_now().signed_drivers, 1);
	EXPECT_ERRNO(bind_slot(cpu, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EPERM);
	p.signed_drivers = 0;
	MUST(policy_set(cpu, AIOFFLOAD_POLICY_SET_DRIVERS, p));
	unharmed();
}

/* A driver that keeps to itself which module it is vouches for nothing. */
TEST(t25_driver_of_no_module)
{
	struct aioffload_bind_io ios[2] = { 0 };
	struct aioffload_policy p = { .signed_drivers = 1 };
	int ctx, model;

	fresh();
	ctx = open_ctx(null_add("ownerless=1"));
	ios[0].buf_fd = MUST(buf_create(ctx, 4096));
	ios[1] = (struct aioffload_bind_io){ .buf_fd = ios[0].buf_fd, .offset = 64 };
	model = admitted(ctx, "good");
	MUST(policy_set(ctx, AIOFFLOAD_POLICY_SET_DRIVERS, p));
	EXPECT_ERRNO(bind_slot(ctx, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EPERM);
	p.signed_drivers = 0;
	MUST(policy_set(ctx, AIOFFLOAD_POLICY_SET_DRIVERS, p));
	MUST(bind_slot(ctx, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY));
	unharmed();
}
