// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * aim_envelope_open() and aim_manifest_check() on a file of exactly the stated
 * size: the parts that are found lie inside it, one behind the other, and a
 * refusal has a sentence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <aim/manifest.h>
#include <aim/verify.h>

static u64 tried, with_sig, with_manifest, sound;

/* A fuzzer that never gets past the marker proves nothing. */
__attribute__((destructor)) static void report(void)
{
	fprintf(stderr,
		"fuzz_manifest: %llu files, %llu with a signature, %llu with a manifest, %llu of them sound\n",
		(unsigned long long)tried, (unsigned long long)with_sig,
		(unsigned long long)with_manifest, (unsigned long long)sound);
}

static void check_reason(const struct aim_reason *reason)
{
	if (!reason->text[0] || strnlen(reason->text, AIM_REASON_LEN) ==
				AIM_REASON_LEN)
		abort();
}

static void check_parts(const u8 *data, size_t bytes,
			const struct aim_envelope *env)
{
	const u8 *signed_end = data + env->signed_bytes;

	if (env->model_bytes > env->signed_bytes || env->signed_bytes > bytes)
		abort();
	if (env->sig ? env->sig != signed_end || !env->sig_bytes ||
		       env->sig_bytes > bytes - env->signed_bytes ||
		       env->sig_bytes > AIM_MAX_SIG_BYTES
		     : env->sig_bytes || env->signed_bytes != bytes)
		abort();
	if (!env->manifest) {
		if (env->model_bytes != env->signed_bytes)
			abort();
		return;
	}
	if ((const u8 *)(env->manifest + 1) != signed_end ||
	    (uintptr_t)env->manifest % 8 ||
	    (const u8 *)env->manifest - data - env->model_bytes >= 8)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aim_reason reason;
	struct aim_envelope env;
	u8 *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	memset(&reason, 0xff, sizeof(reason));
	tried++;
	if (aim_envelope_open(copy, size, &env, &reason)) {
		check_reason(&reason);
	} else {
		check_parts(copy, size, &env);
		with_sig += !!env.sig;
	}
	if (env.manifest) {
		with_manifest++;
		if (!aim_manifest_check(env.manifest, env.model_bytes, NULL,
					&reason))
			sound++;
		else
			check_reason(&reason);
	}
	free(copy);
	return 0;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/*
 * libFuzzer's own mutations, and half of the time the end mended afterwards:
 * trailer and magic in place, sizes that fit.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	const size_t end = 12 + AIM_SIG_MARKER_LEN;
	struct aim_manifest m;
	size_t sig, at;

	size = LLVMFuzzerMutate(data, size, max_size);
	if (seed & 1 || size < end + sizeof(m) + 1)
		return size;
	memcpy(data + size - AIM_SIG_MARKER_LEN, AIM_SIG_MARKER,
	       AIM_SIG_MARKER_LEN);
	if (seed & 2)
		return size;
	at = (size - end - sizeof(m) - 1) / 8 * 8;
	sig = size - end - sizeof(m) - at;
	memset(data + size - end, 0, 12);
	data[size - end + 2] = AIM_SIG_PKCS7;
	data[size - end + 10] = sig >> 8;
	data[size - end + 11] = sig;
	memcpy(&m, data + at, sizeof(m));
	memcpy(m.magic, AIM_MANIFEST_MAGIC, AIM_MANIFEST_MAGIC_LEN);
	if (seed & 4) {
		m.model_bytes = at;
		m.version = AIM_MANIFEST_VERSION;
		m.bytes = sizeof(m);
		memset(m.reserved, 0, sizeof(m.reserved));
	}
	memcpy(data + at, &m, sizeof(m));
	return size;
}
