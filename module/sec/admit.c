// SPDX-License-Identifier: GPL-2.0
/*
 * From a file's bytes to an admitted model. All is read from the kernel's own
 * copy, and nothing in it is believed before the signature over it is.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <aim/manifest.h>

#include "../compat/compat.h"
#include "admission.h"

#define HASH_CHUNK	SZ_1M

int ai_refuse(struct aim_reason *reason, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason->text, sizeof(reason->text), fmt, args);
	va_end(args);
	return err;
}

/* In pieces: large models take a while. */
static void hash(const u8 *data, size_t bytes, u8 digest[32])
{
	struct sha256_ctx ctx;
	size_t n;

	sha256_init(&ctx);
	for (; bytes; data += n, bytes -= n) {
		n = min_t(size_t, bytes, HASH_CHUNK);
		sha256_update(&ctx, data, n);
		cond_resched();
	}
	sha256_final(&ctx, digest);
}

static void take_manifest(struct ai_sec_model *m, const struct aim_manifest *from)
{
	BUILD_BUG_ON(sizeof(m->name) != sizeof(from->name));
	BUILD_BUG_ON(sizeof(m->driver) != sizeof(from->driver));
	memcpy(m->name, from->name, sizeof(m->name));
	memcpy(m->driver, from->driver, sizeof(m->driver));
	m->version = from->model_version;
	m->not_after = from->not_after;
	m->class_mask = from->class_mask;
	m->max_job_ns = from->max_job_ns;
	m->max_memory = from->max_memory;
}

static int check_time(const struct aim_manifest *from, struct aim_reason *reason)
{
	u64 now = ktime_get_real_seconds();

	if (from->not_before && now < from->not_before)
		return ai_refuse(reason, -EKEYEXPIRED,
				 "the signature holds from second %llu of 1970 on, now is %llu; is the clock right?",
				 from->not_before, now);
	if (from->not_after && now > from->not_after)
		return ai_refuse(reason, -EKEYEXPIRED,
				 "the signature held until second %llu of 1970, now is %llu; the model must be signed anew",
				 from->not_after, now);
	return 0;
}

static int check_keys(struct aim_reason *reason)
{
	if (ai_keyring_count() || ai_policy_keyrings())
		return 0;
	return ai_refuse(reason, -ENOKEY,
			 "only signed models are admitted, and .aioffload holds no key; 'aioffload model trust CERTIFICATE' adds one");
}

/*
 * Signature and manifest. @m->digest is set. What is blocked is looked up by
 * enforce at once, a key before anything that it signed is read; permissive
 * leaves that to the end, when it is recorded.
 */
static int check_signed(struct ai_sec_model *m, const void *data,
			const struct aim_envelope *env, u32 mode,
			struct aim_reason *reason)
{
	int ret;

	if (!env->sig)
		return ai_refuse(reason, -EKEYREJECTED,
				 "the model is not signed; 'aioffload model sign' signs it");
	ret = ai_keyring_verify(data, env->signed_bytes, env->sig,
				env->sig_bytes, m->key, reason);
	if (!ret && mode == AIOFFLOAD_POLICY_ENFORCE)
		ret = ai_block_check_key(m, reason);
	if (!ret && !env->manifest)
		ret = ai_refuse(reason, -EBADMSG,
				"what is signed is no model: it does not end with a manifest; 'aioffload model sign' adds one");
	if (!ret)
		ret = aim_manifest_check(env->manifest, env->model_bytes, NULL,
					 reason);
	if (ret)
		return ret;
	take_manifest(m, env->manifest);
	ret = check_time(env->manifest, reason);
	if (ret)
		return ret;
	/* Again as a whole: the digest is known now. */
	return aim_manifest_check(env->manifest, env->model_bytes, m->digest,
				  reason);
}

/* Return: what enforce says of signature and manifest, in @m->verdict. */
static int judge(struct ai_sec_model *m, const void *data, size_t bytes,
		 u32 mode, size_t *model_bytes, struct aim_reason *reason)
{
	struct aim_reason later = { };
	struct aim_envelope env;
	int ret;

	if (mode != AIOFFLOAD_POLICY_OFF)
		m->verdict = check_keys(reason);
	if (m->verdict && mode == AIOFFLOAD_POLICY_ENFORCE)
		return m->verdict;
	ret = aim_envelope_open(data, bytes, &env, m->verdict ? &later : reason);
	if (ret) {
		/* No mode admits what can't be taken apart. */
		if (m->verdict)
			*reason = later;
		return ret;
	}
	*model_bytes = env.model_bytes;
	hash(data, env.model_bytes, m->digest);
	if (mode == AIOFFLOAD_POLICY_OFF) {
		m->verdict = -EKEYREJECTED;
		strscpy(m->why, "loaded when the policy was off",
			sizeof(m->why));
		return 0;
	}
	if (!m->verdict)
		m->verdict = check_signed(m, data, &env, mode, reason);
	/* That says nothing of the model. */
	if (m->verdict == -ENOMEM)
		return -ENOMEM;
	if (mode == AIOFFLOAD_POLICY_ENFORCE)
		return m->verdict;
	strscpy(m->why, reason->text, sizeof(m->why));
	reason->text[0] = '\0';
	return 0;
}

int ai_sec_admit(struct ai_sec_ctx *sec, struct ai_sec_model *m,
		 const void *data, size_t bytes, size_t *model_bytes,
		 struct aim_reason *reason)
{
	u32 mode = ai_policy_mode();
	int ret;

	INIT_LIST_HEAD(&m->node);
	m->mode = mode;
	ret = judge(m, data, bytes, mode, model_bytes, reason);
	if (!ret)
		ret = ai_block_check(m, reason);
	if (ret)
		ai_sec_model_refused(sec, m, ret, reason->text);
	return ret;
}

int ai_sec_model_loaded(struct ai_sec_ctx *sec, struct ai_sec_model *m,
			u64 scratch, struct aim_reason *reason)
{
	int ret = 0;

	if (m->max_memory && scratch > m->max_memory)
		ret = ai_refuse(reason, -E2BIG,
				"the model needs %llu bytes of working memory, its manifest allows %llu",
				scratch, m->max_memory);
	if (!ret)
		ret = ai_block_join(m, reason);
	if (ret < 0) {
		ai_sec_model_refused(sec, m, ret, reason->text);
		return ret;
	}
	/* IMA may not be asked to keep such records; that is its policy. */
	ai_measure_model(m);
	if (ret)
		ai_audit_model(sec, m, "model_permit", -ret, reason->text);
	else
		ai_audit_model(sec, m, "model_load", 0, NULL);
	reason->text[0] = '\0';
	return 0;
}

void ai_sec_model_refused(struct ai_sec_ctx *sec, const struct ai_sec_model *m,
			  int err, const char *why)
{
	ai_audit_model(sec, m, "model_refuse", err, why);
}

void ai_sec_model_gone(struct ai_sec_model *m)
{
	ai_block_leave(m);
}

/*
 * We are a module, so who registers with us is one. A driver that does not say
 * which has no signature that anybody could look at.
 */
static bool driver_is_signed(const struct module *owner)
{
#ifdef CONFIG_MODULE_SIG
	return owner && owner->sig_ok;
#else
	return false;
#endif
}

int ai_sec_model_on(const struct ai_sec_model *m, u32 dev_class,
		    const char *driver, const struct module *owner)
{
	if (m->class_mask && (dev_class >= 32 ||
			      !(m->class_mask >> dev_class & 1)))
		return -EPERM;
	if (m->driver[0] && strcmp(m->driver, driver))
		return -EPERM;
	if (ai_policy_signed_drivers() && !driver_is_signed(owner))
		return -EPERM;
	return 0;
}
