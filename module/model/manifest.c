// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * A signed file taken apart, and the manifest's own rules. Neither function
 * knows of keys: what they pass is well-formed, not yet trusted.
 */
#include <aim/manifest.h>

#include "verify_internal.h"

/* The kernel's struct module_signature, which user space has no header for. */
struct trailer {
	u8 algo;
	u8 hash;
	u8 id_type;
	u8 signer_len;
	u8 key_id_len;
	u8 pad[3];
	u8 sig_len[4];	/* big-endian */
};

static_assert(sizeof(struct trailer) == 12, "trailer");
static_assert(sizeof(AIM_MANIFEST_MAGIC) == AIM_MANIFEST_MAGIC_LEN, "magic");
static_assert(sizeof(AIM_SIG_MARKER) - 1 == AIM_SIG_MARKER_LEN, "marker");

/* Every byte of it is signed: none may be padding of the compiler's. */
static_assert(sizeof(struct aim_manifest) ==
	      AIM_MANIFEST_MAGIC_LEN + 2 * sizeof(u32) + sizeof(u64) + 32 +
	      AIM_NAME_LEN + 3 * sizeof(u64) + 2 * sizeof(u32) + AIM_NAME_LEN +
	      2 * sizeof(u64) + 32 + 32 + 64,
	      "holes");
static_assert(sizeof(struct aim_manifest) == 384, "size");

#define AT(field, offset) \
	static_assert(offsetof(struct aim_manifest, field) == (offset), #field)

AT(version, 32);
AT(model_bytes, 40);
AT(model_digest, 48);
AT(name, 80);
AT(model_version, 144);
AT(not_before, 152);
AT(not_after, 160);
AT(class_mask, 168);
AT(flags, 172);
AT(driver, 176);
AT(max_job_ns, 240);
AT(max_memory, 248);
AT(provenance, 256);
AT(oms_root, 288);
AT(reserved, 320);

/* Finds the signature; what is before it is left in @env->signed_bytes. */
static int open_trailer(struct aim_ctx *c, const u8 *data, size_t bytes,
			struct aim_envelope *env)
{
	struct trailer t;
	u32 len;

	env->signed_bytes = bytes;
	if (bytes < AIM_SIG_MARKER_LEN ||
	    memcmp(data + bytes - AIM_SIG_MARKER_LEN, AIM_SIG_MARKER,
		   AIM_SIG_MARKER_LEN))
		return 0;
	bytes -= AIM_SIG_MARKER_LEN;
	if (bytes < sizeof(t))
		return aim_refuse(c, -EBADMSG,
				  "signature: the file is cut short");
	bytes -= sizeof(t);
	memcpy(&t, data + bytes, sizeof(t));
	if (t.id_type != AIM_SIG_PKCS7)
		return aim_refuse_pair(c, -EBADMSG, "signature: its type",
				       t.id_type, AIM_SIG_PKCS7);
	if (t.algo || t.hash || t.signer_len || t.key_id_len ||
	    t.pad[0] || t.pad[1] || t.pad[2])
		return aim_refuse(c, -EBADMSG,
				  "signature: a field of the trailer that must be zero is not");
	len = (u32)t.sig_len[0] << 24 | (u32)t.sig_len[1] << 16 |
	      (u32)t.sig_len[2] << 8 | t.sig_len[3];
	if (!len)
		return aim_refuse(c, -EBADMSG, "signature: it is empty");
	if (len > AIM_MAX_SIG_BYTES)
		return aim_refuse_got(c, -EBADMSG, "signature: it is too long",
				      len);
	if (len > bytes)
		return aim_refuse_got(c, -EBADMSG,
				      "signature: it is longer than the file",
				      len);
	env->signed_bytes = bytes - len;
	env->sig = data + env->signed_bytes;
	env->sig_bytes = len;
	return 0;
}

/* Finds the manifest and with it the end of the model. */
static int open_manifest(struct aim_ctx *c, const u8 *data,
			 struct aim_envelope *env)
{
	size_t at, model_bytes;
	u64 said;

	env->model_bytes = env->signed_bytes;
	if (env->signed_bytes < sizeof(struct aim_manifest))
		return 0;
	at = env->signed_bytes - sizeof(struct aim_manifest);
	if (memcmp(data + at, AIM_MANIFEST_MAGIC, AIM_MANIFEST_MAGIC_LEN))
		return 0;
	if (at % 8)
		return aim_refuse_got(c, -EBADMSG,
				      "manifest: its offset is no multiple of 8",
				      aim_clip(at));
	memcpy(&said, data + at + offsetof(struct aim_manifest, model_bytes),
	       sizeof(said));
	if (said > at || at - said >= 8)
		return aim_refuse_got(c, -EBADMSG,
				      "manifest: does not follow the model whose size it states",
				      aim_clip(said));
	for (model_bytes = said; model_bytes < at; model_bytes++) {
		if (data[model_bytes])
			return aim_refuse(c, -EBADMSG,
					  "manifest: the gap before it is not zero");
	}
	env->model_bytes = said;
	env->manifest = (const void *)(data + at);
	return 0;
}

int aim_envelope_open(const void *data, size_t bytes, struct aim_envelope *env,
		      struct aim_reason *reason)
{
	struct aim_ctx c = { .reason = reason };
	int ret;

	memset(env, 0, sizeof(*env));
	ret = open_trailer(&c, data, bytes, env);
	if (ret)
		return ret;
	return open_manifest(&c, data, env);
}

/* Such words go into records and sentences as they are. */
bool aim_word_check(const char *s)
{
	u32 i = 0;

	while (i < AIM_NAME_LEN && s[i]) {
		if (s[i] <= ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\'')
			return false;
		i++;
	}
	if (!i || i == AIM_NAME_LEN)
		return false;
	for (; i < AIM_NAME_LEN; i++) {
		if (s[i])
			return false;
	}
	return true;
}

static bool all_zero(const u8 *p, size_t n)
{
	while (n) {
		if (p[--n])
			return false;
	}
	return true;
}

int aim_manifest_check(const struct aim_manifest *m, u64 model_bytes,
		       const u8 *digest, struct aim_reason *reason)
{
	struct aim_ctx c = { .reason = reason };

	if (memcmp(m->magic, AIM_MANIFEST_MAGIC, AIM_MANIFEST_MAGIC_LEN))
		return aim_refuse(&c, -EBADMSG, "manifest: it has not the magic");
	if (m->version != AIM_MANIFEST_VERSION)
		return aim_refuse_pair(&c, -EBADMSG, "manifest: its version",
				       m->version, AIM_MANIFEST_VERSION);
	if (m->bytes != sizeof(*m))
		return aim_refuse_pair(&c, -EBADMSG, "manifest: its size",
				       m->bytes, sizeof(*m));
	if (m->flags)
		return aim_refuse_got(&c, -EBADMSG,
				      "manifest: unknown flags", m->flags);
	if (!all_zero(m->reserved, sizeof(m->reserved)))
		return aim_refuse(&c, -EBADMSG,
				  "manifest: a reserved byte is not zero");
	if (!aim_word_check(m->name))
		return aim_refuse(&c, -EBADMSG,
				  "manifest: the name must be 1 to 63 printable characters, no blanks or quotes, then zeroes");
	if (!aim_word_check(m->driver) &&
	    !all_zero((const u8 *)m->driver, sizeof(m->driver)))
		return aim_refuse(&c, -EBADMSG,
				  "manifest: the driver must be at most 63 printable characters, no blanks or quotes, then zeroes");
	if (m->not_before && m->not_after && m->not_after < m->not_before)
		return aim_refuse(&c, -EBADMSG,
				  "manifest: not_after is before not_before");
	if (m->model_bytes != model_bytes)
		return aim_refuse_pair(&c, -EBADMSG,
				       "manifest: of another model, whose size",
				       aim_clip(m->model_bytes),
				       aim_clip(model_bytes));
	if (digest && memcmp(m->model_digest, digest, sizeof(m->model_digest)))
		return aim_refuse(&c, -EBADMSG,
				  "manifest: of another model, its SHA-256 differs");
	return 0;
}
