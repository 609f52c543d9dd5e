// SPDX-License-Identifier: GPL-2.0
/*
 * .aioffload, and which key made a signature.
 *
 * The kernel says whether any key of a keyring fits a signature, not which one.
 * But we need to know: keys are judged for strength, blocked, and recorded. So
 * the signer is looked up first (the signature says who it claims to be), put
 * into a keyring of its own, and the signature is then verified with that
 * keyring. Whatever the PKCS#7 parser and the trust code make of the signature,
 * no other key can have verified it, also if .aioffload changes meanwhile.
 *
 * The system's keyrings can't be searched by a module. There the signature must
 * bring its signer's certificate along. The key in it is treated as above; then
 * the signature, with the certificate cut out so that no chain can be built,
 * must also satisfy the system's keyring: a key in there that has the
 * certificate's issuer and serial number made it. It can only be the same one,
 * see aim_rsa_is_only().
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/key.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/verification.h>
#include <aim/pkcs7.h>
#include <crypto/public_key.h>
#include <keys/asymmetric-subtype.h>
#include <keys/asymmetric-type.h>

#include "../compat/compat.h"
#include "admission.h"

#ifndef CONFIG_SYSTEM_DATA_VERIFICATION
#error "aioffload needs a kernel with CONFIG_SYSTEM_DATA_VERIFICATION"
#endif

#define ADD_KEY	"'aioffload model trust CERTIFICATE' adds one"

static struct key *ai_keyring;

/*
 * Keys are looked for with these. Whoever loads a model is not asked whether
 * an LSM lets him search keyrings: it is not he who looks.
 */
static const struct cred *ai_keyring_cred;

/* Whatever is linked into it; keys in keyrings in it are not counted. */
u32 ai_keyring_count(void)
{
	return READ_ONCE(ai_keyring->keys.nr_leaves_on_tree);
}

/* Each file with its key alone. Nobody else sees this keyring. */
static struct key *keyring_of_one(void)
{
	return keyring_alloc(".aioffload_signer", GLOBAL_ROOT_UID,
			     GLOBAL_ROOT_GID, current_cred(),
			     KEY_POS_SEARCH | KEY_POS_WRITE,
			     KEY_ALLOC_NOT_IN_QUOTA, NULL, NULL);
}

/* The key that the signature claims, or -ENOKEY. */
static struct key *find_signer(struct key *ring, const struct aim_signer *s)
{
	struct asymmetric_key_id *id;
	struct key *key;

	id = asymmetric_key_generate_id(s->id[0].p, s->id[0].n,
					s->id[1].p, s->id[1].n);
	if (IS_ERR(id))
		return ERR_CAST(id);
	key = find_asymmetric_key(ring, id, NULL, NULL, false);
	kfree(id);
	return key;
}

/* The payload of an asymmetric key never changes while we have a reference. */
static int judge_key(const struct key *key, const struct aim_signer *s,
		     u8 id[32], struct aim_reason *reason)
{
	const struct public_key *pub = asymmetric_key_public_key(key);
	bool ecdsa;
	int ret;

	if (asymmetric_key_subtype(key) != &public_key_subtype || !pub ||
	    pub->key_is_private)
		return ai_refuse(reason, -ENOKEY,
				 "the signer's key is no public key");
	ecdsa = strstarts(pub->pkey_algo, "ecdsa");
	if (!ecdsa && strcmp(pub->pkey_algo, "rsa"))
		return ai_refuse(reason, -ENOPKG,
				 "the signer's key is neither RSA nor ECDSA");
	if (ecdsa != s->ecdsa)
		return ai_refuse(reason, -EKEYREJECTED,
				 "the signature is of another kind than its signer's key");
	ret = ecdsa ? aim_ec_check(pub->keylen, reason) :
		      aim_rsa_check(pub->key, pub->keylen, reason);
	if (ret)
		return ret;
	sha256(pub->key, pub->keylen, id);
	return 0;
}

/*
 * One errno and sentence for each way in which the kernel refuses. The use
 * whose rules are ours: plain detached data, no signed attributes.
 */
static int verify_with(struct key *ring, const void *data, size_t bytes,
		       const u8 *sig, size_t sig_bytes,
		       struct aim_reason *reason)
{
	int ret = verify_pkcs7_signature(data, bytes, sig, sig_bytes, ring,
					 VERIFYING_MODULE_SIGNATURE, NULL,
					 NULL);

	switch (ret) {
	case 0:
	case -ENOMEM:
		return ret;
	case -ENOKEY:
		return ai_refuse(reason, ret,
				 "no key known here made the signature; " ADD_KEY);
	case -ENOPKG:
	case -ENOENT:
		return ai_refuse(reason, -ENOPKG,
				 "this kernel lacks an algorithm of the signature");
	case -EBADMSG:
	case -EINVAL:
		return ai_refuse(reason, -EBADMSG,
				 "the kernel can't read the signature");
	default:
		return ai_refuse(reason, -EKEYREJECTED,
				 "the signature does not fit: the file was changed after signing, or the signer revoked");
	}
}

static int verify_own(const void *data, size_t bytes, const u8 *sig,
		      size_t sig_bytes, const struct aim_signer *s,
		      u8 id[32], struct aim_reason *reason)
{
	struct key *key, *ring;
	int ret;

	key = find_signer(ai_keyring, s);
	if (key == ERR_PTR(-ENOMEM))
		return -ENOMEM;
	if (IS_ERR(key) && ai_policy_keyrings())
		return ai_refuse(reason, -ENOKEY,
				 "the signer's key is not in .aioffload; for the system's keyrings the signature must carry the certificate");
	if (IS_ERR(key))
		return ai_refuse(reason, -ENOKEY,
				 "the signer's key is not in .aioffload; " ADD_KEY);
	ret = judge_key(key, s, id, reason);
	if (ret)
		goto out_key;
	ring = keyring_of_one();
	if (IS_ERR(ring)) {
		ret = PTR_ERR(ring);
		goto out_key;
	}
	ret = key_link(ring, key);
	if (ret)
		ret = ai_refuse(reason, -ENOKEY,
				"the signer's key was revoked just now");
	else
		ret = verify_with(ring, data, bytes, sig, sig_bytes, reason);
	key_put(ring);
out_key:
	key_put(key);
	return ret;
}

/* The certificate's key, as the only one in @ring. */
static struct key *add_cert(struct key *ring, const struct aim_bytes *cert,
			    struct aim_reason *reason)
{
	key_ref_t ref;
	int ret;

	ref = key_create_or_update(make_key_ref(ring, true), "asymmetric",
				   "signer", cert->p, cert->n, KEY_POS_SEARCH,
				   KEY_ALLOC_NOT_IN_QUOTA);
	if (!IS_ERR(ref))
		return key_ref_to_ptr(ref);
	ret = PTR_ERR(ref);
	if (ret != -ENOMEM)
		ret = ai_refuse(reason, ret == -ENOPKG || ret == -ENOENT ?
				-ENOPKG : -EKEYREJECTED,
				"the certificate in the signature can't be used (error %d)",
				ret);
	return ERR_PTR(ret);
}

/* @sig: without the certificate */
static int verify_twice(struct key *ring, const void *data, size_t bytes,
			const u8 *sig, size_t sig_bytes,
			struct aim_reason *reason)
{
	u32 keyrings = ai_policy_keyrings();
	int ret;

	ret = verify_with(ring, data, bytes, sig, sig_bytes, reason);
	if (ret)
		return ret;
	ret = -ENOKEY;
	if (keyrings & AIOFFLOAD_KEYS_SECONDARY)
		ret = verify_with(VERIFY_USE_SECONDARY_KEYRING, data, bytes,
				  sig, sig_bytes, reason);
	if (ret == -ENOKEY && keyrings & AIOFFLOAD_KEYS_PLATFORM)
		ret = verify_with(VERIFY_USE_PLATFORM_KEYRING, data, bytes,
				  sig, sig_bytes, reason);
	if (ret == -ENOKEY)
		ai_refuse(reason, ret,
			  "the signer's key is in none of the system's keyrings that the policy names");
	return ret;
}

static int judge_cert_key(const struct key *key, const struct aim_signer *s,
			  u8 id[32], struct aim_reason *reason)
{
	const struct public_key *pub = asymmetric_key_public_key(key);
	int ret;

	ret = judge_key(key, s, id, reason);
	if (ret)
		return ret;
	if (s->ecdsa || !aim_rsa_is_only(pub->key, pub->keylen))
		return ai_refuse(reason, -ENOPKG,
				 "keys in the system's keyrings must be RSA with exponent 65537; add this one to .aioffload");
	return 0;
}

static int verify_system(const void *data, size_t bytes, size_t sig_bytes,
			 const struct aim_signer *s, u8 id[32],
			 struct aim_reason *reason)
{
	struct key *ring, *key;
	u8 *bare;
	int ret;

	if (!ai_policy_keyrings())
		return ai_refuse(reason, -EKEYREJECTED,
				 "a certificate in the signature counts for the system's keyrings only; sign without (-nocerts)");
	bare = kvmalloc(sig_bytes, GFP_KERNEL_ACCOUNT);
	if (!bare)
		return -ENOMEM;
	ring = keyring_of_one();
	if (IS_ERR(ring)) {
		ret = PTR_ERR(ring);
		goto out_bare;
	}
	key = add_cert(ring, &s->cert, reason);
	if (IS_ERR(key)) {
		ret = PTR_ERR(key);
		goto out_ring;
	}
	ret = judge_cert_key(key, s, id, reason);
	if (!ret)
		ret = verify_twice(ring, data, bytes, bare,
				   aim_signer_strip(s, bare), reason);
	key_put(key);
out_ring:
	key_put(ring);
out_bare:
	kvfree(bare);
	return ret;
}

/**
 * ai_keyring_verify() - did a key that counts sign these bytes?
 * @data:	what is signed
 * @bytes:	its size
 * @sig:	the PKCS#7
 * @sig_bytes:	its size
 * @key_id:	zeroed; out: of the very key that verified it
 * @reason:	filled in on refusal
 *
 * Return: 0 or as ai_sec_admit().
 */
int ai_keyring_verify(const void *data, size_t bytes, const u8 *sig,
		      size_t sig_bytes, u8 key_id[32],
		      struct aim_reason *reason)
{
	const struct cred *callers;
	struct aim_signer s;
	int ret;

	ret = aim_signer_find(sig, sig_bytes, &s, reason);
	if (ret)
		return ret;
	if (s.ecdsa && !IS_ENABLED(CONFIG_CRYPTO_ECDSA))
		return ai_refuse(reason, -ENOPKG,
				 "this kernel has no ECDSA; sign with RSA");
	callers = override_creds(ai_keyring_cred);
	if (s.cert.n)
		ret = verify_system(data, bytes, sig_bytes, &s, key_id, reason);
	else
		ret = verify_own(data, bytes, sig, sig_bytes, &s, key_id,
				 reason);
	revert_creds(callers);
	if (ret)
		memset(key_id, 0, 32);
	return ret;
}

/* Root fills it (keyctl padd) and closes it (keyctl restrict_keyring). */
int ai_keyring_init(void)
{
	ai_keyring_cred = prepare_kernel_cred(&init_task);
	if (!ai_keyring_cred)
		return -ENOMEM;
	ai_keyring = keyring_alloc(".aioffload", GLOBAL_ROOT_UID,
				   GLOBAL_ROOT_GID, current_cred(),
				   KEY_POS_SEARCH | KEY_USR_VIEW |
				   KEY_USR_READ | KEY_USR_WRITE |
				   KEY_USR_SEARCH | KEY_USR_SETATTR,
				   KEY_ALLOC_NOT_IN_QUOTA, NULL, NULL);
	if (IS_ERR(ai_keyring)) {
		put_cred(ai_keyring_cred);
		return PTR_ERR(ai_keyring);
	}
	return 0;
}

void ai_keyring_exit(void)
{
	key_put(ai_keyring);
	put_cred(ai_keyring_cred);
}
