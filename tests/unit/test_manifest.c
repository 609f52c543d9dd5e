// SPDX-License-Identifier: LGPL-2.1-or-later
/* Signed files: taking them apart, and the rules of the manifest. */
#include <stdio.h>
#include <stdlib.h>
#include <aim/manifest.h>
#include <aim/verify.h>
#include "unit.h"

#define MODEL	100	/* not a multiple of 8: there is a gap */
#define AT	104
#define SIG	37

static const u8 digest[32] = { 1, 2, 3, 4 };

/* In a buffer of its own size, so that a sanitizer sees the next byte. */
struct file {
	u8 *data;
	size_t bytes;
	struct aim_manifest *m;
	u8 *trailer;
};

static void put_trailer(u8 *t, u32 len)
{
	memset(t, 0, 12);
	t[2] = AIM_SIG_PKCS7;
	t[8] = len >> 24;
	t[9] = len >> 16;
	t[10] = len >> 8;
	t[11] = len;
	memcpy(t + 12, AIM_SIG_MARKER, AIM_SIG_MARKER_LEN);
}

static struct file make(size_t model, size_t sig)
{
	size_t at = (model + 7) / 8 * 8;
	struct file f;

	f.bytes = at + sizeof(*f.m) + sig + (sig ? 12 + AIM_SIG_MARKER_LEN : 0);
	f.data = calloc(1, f.bytes);
	memset(f.data, 0x5a, model);
	f.m = (void *)(f.data + at);
	memcpy(f.m->magic, AIM_MANIFEST_MAGIC, AIM_MANIFEST_MAGIC_LEN);
	f.m->version = AIM_MANIFEST_VERSION;
	f.m->bytes = sizeof(*f.m);
	f.m->model_bytes = model;
	memcpy(f.m->model_digest, digest, sizeof(digest));
	strcpy(f.m->name, "net");
	f.m->model_version = 7;
	f.trailer = NULL;
	if (sig) {
		memset(f.m + 1, 0x30, sig);
		f.trailer = (u8 *)(f.m + 1) + sig;
		put_trailer(f.trailer, sig);
	}
	return f;
}

static void opens(const void *data, size_t bytes, struct aim_envelope *env)
{
	struct aim_reason reason = { };

	if (aim_envelope_open(data, bytes, env, &reason))
		fail_msg("%s", reason.text);
}

static void refused(const void *data, size_t bytes, const char *words)
{
	struct aim_reason reason = { };
	struct aim_envelope env;

	assert_int_equal(aim_envelope_open(data, bytes, &env, &reason),
			 -EBADMSG);
	if (!strstr(reason.text, words))
		fail_msg("\"%s\" lacks \"%s\"", reason.text, words);
}

static void taken_apart(void **state)
{
	static const size_t models[] = { 0, 1, 7, 8, 9, 100, 4096 };
	static const size_t sigs[] = { 0, 1, 37, AIM_MAX_SIG_BYTES };
	struct aim_reason reason = { };
	struct aim_envelope env;
	size_t i, k;

	for (i = 0; i < sizeof(models) / sizeof(*models); i++) {
		for (k = 0; k < sizeof(sigs) / sizeof(*sigs); k++) {
			struct file f = make(models[i], sigs[k]);

			opens(f.data, f.bytes, &env);
			assert_int_equal(env.model_bytes, models[i]);
			assert_ptr_equal(env.manifest, f.m);
			assert_int_equal(env.sig_bytes, sigs[k]);
			assert_ptr_equal(env.sig, sigs[k] ? (u8 *)(f.m + 1)
							  : NULL);
			assert_int_equal(env.signed_bytes,
					 (u8 *)(f.m + 1) - f.data);
			assert_int_equal(aim_manifest_check(env.manifest,
							    env.model_bytes,
							    digest, &reason),
					 0);
			free(f.data);
		}
	}
}

/* Kernel modules and anything else that a key may have signed. */
static void without_manifest(void **state)
{
	struct file f = make(MODEL, SIG);
	struct aim_envelope env;

	f.m->magic[31] = 1;	/* the final NUL is part of the magic */
	opens(f.data, f.bytes, &env);
	assert_null(env.manifest);
	assert_int_equal(env.sig_bytes, SIG);
	assert_int_equal(env.model_bytes, AT + sizeof(*f.m));
	assert_int_equal(env.signed_bytes, env.model_bytes);
	free(f.data);
}

/* The magic counts only where a manifest would end with what is signed. */
static void magic_elsewhere(void **state)
{
	struct file f = make(MODEL, SIG);
	struct aim_envelope env;

	memmove(f.data + AT - 8, f.m, sizeof(*f.m));
	memset(f.data + AT + sizeof(*f.m) - 8, 0, 8);
	opens(f.data, f.bytes, &env);
	assert_null(env.manifest);
	free(f.data);
}

static void short_files(void **state)
{
	struct file f = make(MODEL, 0);
	struct aim_envelope env;
	size_t n;

	/* From the front: every length, each in a buffer of its own. */
	for (n = 0; n < f.bytes; n++) {
		u8 *copy = malloc(n ? n : 1);

		memcpy(copy, f.data, n);
		opens(copy, n, &env);
		assert_int_equal(env.model_bytes, n);
		assert_null(env.sig);
		assert_null(env.manifest);
		free(copy);
	}
	free(f.data);
}

/* From the back: a tail that is the end of a signed file. */
static void tails(void **state)
{
	struct file f = make(MODEL, SIG);
	struct aim_reason reason;
	struct aim_envelope env;
	size_t n;

	for (n = 0; n < f.bytes; n++) {
		u8 *copy = malloc(n ? n : 1);
		int ret;

		memcpy(copy, f.data + f.bytes - n, n);
		ret = aim_envelope_open(copy, n, &env, &reason);
		if (n < AIM_SIG_MARKER_LEN) {
			assert_int_equal(ret, 0);
			assert_null(env.sig);
		} else if (n < AIM_SIG_MARKER_LEN + 12 + SIG) {
			assert_int_equal(ret, -EBADMSG);
		} else if (n < AIM_SIG_MARKER_LEN + 12 + SIG + sizeof(*f.m)) {
			assert_int_equal(ret, 0);
			assert_non_null(env.sig);
			assert_null(env.manifest);
		} else {
			/* There is less model than the manifest says. */
			assert_int_equal(ret, -EBADMSG);
		}
		free(copy);
	}
	free(f.data);
}

static void trailer_fields(void **state)
{
	static const u8 zero[] = { 0, 1, 3, 4, 5, 6, 7 };
	struct file f = make(MODEL, SIG);
	size_t i;

	for (i = 0; i < sizeof(zero); i++) {
		f.trailer[zero[i]] = 0x80;
		refused(f.data, f.bytes, "must be zero");
		f.trailer[zero[i]] = 0;
	}
	for (i = 0; i < 256; i++) {
		if (i == AIM_SIG_PKCS7)
			continue;
		f.trailer[2] = i;
		refused(f.data, f.bytes, "type is");
	}
	f.trailer[2] = AIM_SIG_PKCS7;
	put_trailer(f.trailer, 0);
	refused(f.data, f.bytes, "empty");
	put_trailer(f.trailer, AIM_MAX_SIG_BYTES + 1);
	refused(f.data, f.bytes, "too long (65537)");
	put_trailer(f.trailer, 0xffffffff);
	refused(f.data, f.bytes, "too long (4294967295)");
	put_trailer(f.trailer, AT + sizeof(*f.m) + SIG + 1);
	refused(f.data, f.bytes, "longer than the file");
	free(f.data);
}

/* A length that is wrong and possible: then no manifest is where it ought be. */
static void moved_boundary(void **state)
{
	struct file f = make(MODEL, SIG);
	struct aim_envelope env;

	put_trailer(f.trailer, SIG - 8);
	opens(f.data, f.bytes, &env);
	assert_null(env.manifest);
	put_trailer(f.trailer, AT + sizeof(*f.m) + SIG);
	opens(f.data, f.bytes, &env);
	assert_null(env.manifest);
	assert_int_equal(env.signed_bytes, 0);
	free(f.data);
}

static void gap(void **state)
{
	struct file f = make(MODEL, SIG);
	int i;

	for (i = MODEL; i < AT; i++) {
		f.data[i] = 1;
		refused(f.data, f.bytes, "gap");
		f.data[i] = 0;
	}
	f.m->model_bytes = AT - 8;
	refused(f.data, f.bytes, "does not follow");
	f.m->model_bytes = AT + 1;
	refused(f.data, f.bytes, "does not follow");
	f.m->model_bytes = ~0ULL;
	refused(f.data, f.bytes, "does not follow");
	f.m->model_bytes = -8ULL;
	refused(f.data, f.bytes, "does not follow");
	free(f.data);
}

static void unaligned(void **state)
{
	struct file f = make(MODEL, SIG);
	u8 *moved = malloc(f.bytes - 4);

	/* The same without the gap. */
	memcpy(moved, f.data, MODEL);
	memcpy(moved + MODEL, f.m, f.bytes - AT);
	refused(moved, f.bytes - 4, "multiple of 8");
	free(moved);
	free(f.data);
}

/* ---- the manifest ------------------------------------------------------- */

static void checks(const struct aim_manifest *m, int err, const char *words)
{
	struct aim_reason reason = { };
	int ret = aim_manifest_check(m, MODEL, digest, &reason);

	if (ret != err || !strstr(reason.text, words))
		fail_msg("got %d, \"%s\", expected %d, \"%s\"", ret,
			 reason.text, err, words);
}

#define BREAKS(X)							\
X(magic, "not the magic", m->magic[0]++)					\
X(magic_end, "not the magic", m->magic[31]++)					\
X(version_new, "version is 2, must be 1", m->version++)			\
X(version_zero, "version", m->version = 0)				\
X(bytes_less, "size is 376, must be 384", m->bytes -= 8)		\
X(bytes_more, "size", m->bytes = ~0U)					\
X(flags, "flags", m->flags = 1U << 31)					\
X(reserved_first, "reserved", m->reserved[0] = 1)			\
X(reserved_last, "reserved", m->reserved[63] = 1)			\
X(name_empty, "the name", memset(m->name, 0, 64))			\
X(name_endless, "the name", memset(m->name, 'a', 64))			\
X(name_blank, "the name", m->name[1] = ' ')				\
X(name_newline, "the name", m->name[1] = '\n')				\
X(name_quote, "the name", m->name[1] = '"')				\
X(name_apostrophe, "the name", m->name[1] = '\'')			\
X(name_delete, "the name", m->name[1] = 0x7f)				\
X(name_latin, "the name", m->name[1] = (char)0xe4)			\
X(name_tail, "the name", m->name[63] = 'x')				\
X(name_hidden, "the name", m->name[1] = 0)				\
X(driver_endless, "the driver", memset(m->driver, 'a', 64))		\
X(driver_blank, "the driver", m->driver[0] = ' ')			\
X(driver_tail, "the driver", m->driver[1] = 'x')			\
X(times, "not_after", m->not_before = 9; m->not_after = 8)		\
X(size_less, "whose size is 99, must be 100", m->model_bytes--)		\
X(size_more, "whose size", m->model_bytes = ~0ULL)			\
X(digest_first, "SHA-256", m->model_digest[0]++)			\
X(digest_last, "SHA-256", m->model_digest[31]++)

#define BREAK_FUNCTION(name, words, ...)				\
static void name(void **state)						\
{									\
	struct file f = make(MODEL, 0);					\
	struct aim_manifest *m = f.m;					\
									\
	checks(m, 0, "");						\
	__VA_ARGS__;							\
	checks(m, -EBADMSG, words);					\
	free(f.data);							\
}
BREAKS(BREAK_FUNCTION)

static void passes(void **state)
{
	struct file f = make(MODEL, 0);
	struct aim_reason reason;
	int i;

	memset(f.m->name, 'a', 63);
	checks(f.m, 0, "");
	memset(f.m->driver, '~', 63);
	checks(f.m, 0, "");
	memset(f.m->name, 0, sizeof(f.m->name));
	strcpy(f.m->name, "!#$%&()*+,-./09:;<=>?@AZ[]^_`az{|}");
	checks(f.m, 0, "");
	f.m->not_before = f.m->not_after = 5;
	checks(f.m, 0, "");
	f.m->not_before = ~0ULL;
	f.m->not_after = 0;
	checks(f.m, 0, "");
	f.m->class_mask = ~0U;
	f.m->model_version = f.m->max_job_ns = f.m->max_memory = ~0ULL;
	for (i = 0; i < 32; i++)
		f.m->provenance[i] = f.m->oms_root[i] = 0xff;
	checks(f.m, 0, "");
	f.m->model_digest[0]++;
	assert_int_equal(aim_manifest_check(f.m, MODEL, NULL, &reason), 0);
	free(f.data);
}

int main(void)
{
#define BREAK_TEST(name, ...) cmocka_unit_test(name),
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_apart),
		cmocka_unit_test(without_manifest),
		cmocka_unit_test(magic_elsewhere),
		cmocka_unit_test(short_files),
		cmocka_unit_test(tails),
		cmocka_unit_test(trailer_fields),
		cmocka_unit_test(moved_boundary),
		cmocka_unit_test(gap),
		cmocka_unit_test(unaligned),
		BREAKS(BREAK_TEST)
		cmocka_unit_test(passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
