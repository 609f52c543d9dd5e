/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * A signed model file, from the front:
 *
 *	the model	.aim, docs/model-format.md; its SHA-256 is the identity
 *	the manifest	struct aim_manifest, at the next multiple of 8, gap zero
 *	the signature	PKCS#7 (DER, detached) over all bytes before it
 *	the trailer	struct module_signature, then AIM_SIG_MARKER
 *
 * The last two are the kernel's own appended-signature format, so the stock
 * sign-file signs a file that ends with a manifest. The manifest's magic is the
 * domain separator: what does not end with it, such as a kernel module or an
 * fs-verity digest, is no model, whoever signed it.
 *
 * Little-endian, fixed size, no pointers. Freestanding: the same code serves
 * the kernel, the CLI and the fuzzers.
 */
#ifndef _AIM_MANIFEST_H
#define _AIM_MANIFEST_H

#include <aim/format.h>

#define AIM_MANIFEST_MAGIC	"aioffload signed model manifest"
#define AIM_MANIFEST_MAGIC_LEN	32	/* with the final NUL */
#define AIM_MANIFEST_VERSION	1
#define AIM_SIG_MARKER		"~Module signature appended~\n"
#define AIM_SIG_MARKER_LEN	28
#define AIM_SIG_PKCS7		2	/* id_type of struct module_signature */
#define AIM_MAX_SIG_BYTES	65536

/**
 * struct aim_manifest - what the signer says of a model
 * @magic:	AIM_MANIFEST_MAGIC
 * @version:	AIM_MANIFEST_VERSION
 * @bytes:	sizeof(struct aim_manifest)
 * @model_bytes: size of the model
 * @model_digest: its SHA-256
 * @name:	under which versions are compared; NUL-padded, printable ASCII
 *		without blanks or quotes, not empty
 * @model_version: for protection against roll-back
 * @not_before:	seconds since 1970, 0: no limit
 * @not_after:	likewise
 * @class_mask:	device classes it may run on, 1 << enum
 *		aioffload_device_class; 0: any
 * @flags:	0
 * @driver:	the only module that may run it, or empty; NUL-padded
 * @max_job_ns:	budget of one job; 0: the system's
 * @max_memory:	most bytes of working memory, scratch included, that it may
 *		take for one job; 0: no limit
 * @provenance:	SHA-256 of an in-toto statement, or zero
 * @oms_root:	root digest of an OpenSSF Model Signing statement, or zero
 * @reserved:	0
 */
struct aim_manifest {
	char magic[AIM_MANIFEST_MAGIC_LEN];
	u32 version;
	u32 bytes;
	u64 model_bytes;
	u8 model_digest[32];
	char name[AIM_NAME_LEN];
	u64 model_version;
	u64 not_before;
	u64 not_after;
	u32 class_mask;
	u32 flags;
	char driver[AIM_NAME_LEN];
	u64 max_job_ns;
	u64 max_memory;
	u8 provenance[32];
	u8 oms_root[32];
	u8 reserved[64];
};

/**
 * struct aim_envelope - a file taken apart; no byte of it is believed yet
 * @model_bytes: the model is the first so many
 * @signed_bytes: what the signature covers: model, gap and manifest
 * @sig:	the PKCS#7, within the file; NULL if there is none
 * @sig_bytes:	its length
 * @manifest:	at the end of what is signed; NULL if there is none. May be
 *		unaligned only if the file's buffer is.
 */
struct aim_envelope {
	size_t model_bytes;
	size_t signed_bytes;
	const u8 *sig;
	size_t sig_bytes;
	const struct aim_manifest *manifest;
};

struct aim_reason;

/**
 * aim_envelope_open() - find signature and manifest; look into neither
 * @data:	the file, 8-byte aligned
 * @bytes:	its size
 * @env:	filled in
 * @reason:	filled in on refusal
 *
 * A file without a marker at its end has no signature, one without the magic
 * has no manifest: neither is an error here. Constant time.
 *
 * Return: 0, or -EBADMSG (a trailer that makes no sense).
 */
int aim_envelope_open(const void *data, size_t bytes, struct aim_envelope *env,
		      struct aim_reason *reason);

/**
 * aim_manifest_check() - is it well-formed, and of this model?
 * @m:		the manifest
 * @model_bytes: size of the model before it
 * @digest:	SHA-256 of the model, or NULL: not compared
 * @reason:	filled in on refusal
 *
 * Time, version and devices are the caller's to judge.
 * Return: 0, or -EBADMSG.
 */
int aim_manifest_check(const struct aim_manifest *m, u64 model_bytes,
		       const u8 *digest, struct aim_reason *reason);

/**
 * aim_word_check() - is it a name as a manifest's must be?
 * @s:	AIM_NAME_LEN bytes
 *
 * Return: true if it is a string of printable ASCII without blanks or quotes,
 * not empty, and nothing but zeroes follows.
 */
bool aim_word_check(const char *s);

#endif /* _AIM_MANIFEST_H */
