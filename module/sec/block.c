// SPDX-License-Identifier: GPL-2.0
/*
 * Models, keys and versions that are not admitted; quarantine.
 *
 * What an administrator blocks holds where the policy is enforce. It holds for
 * models that are loaded, too: each of them is looked at again whenever the
 * list or the policy changes.
 *
 * Quarantine is no matter of trust and holds in every mode: jobs of this model
 * overstayed their whole budget at a device, several times in a row. It holds
 * for the cgroup that loaded it, so that nobody can have another's model put
 * there. What is in it is forgotten, oldest first, when there is too much.
 */
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <aim/manifest.h>

#include "../core/internal.h"
#include "admission.h"

#define MAX_BLOCKED	4096
#define MAX_QUARANTINED	1024

static unsigned int quarantine_after = 3;
module_param(quarantine_after, uint, 0644);
MODULE_PARM_DESC(quarantine_after,
		 "Jobs of a model that overstay in a row until it is put in quarantine, 0: never");

/* @version and @id as in struct aioffload_block */
struct blocked {
	struct list_head node;
	u32 kind;
	u64 version;
	u8 id[AIOFFLOAD_DIGEST_LEN];
	char name[AIOFFLOAD_NAME_LEN];
};

/**
 * struct quarantined - a model that a cgroup may not run
 * @hash:	by digest
 * @age:	oldest first
 * @cgroup:	id of the one that loaded it
 * @told:	recorded
 * @model:	what it was: digest, key, name, version
 */
struct quarantined {
	struct hlist_node hash;
	struct list_head age;
	u64 cgroup;
	bool told;
	struct ai_sec_model model;
};

static DEFINE_MUTEX(ai_block_lock);	/* next three */
static LIST_HEAD(blocked_list);
static u32 nr_blocked;
static LIST_HEAD(loaded_models);

/* Any context. Inside ai_block_lock. */
static DEFINE_SPINLOCK(quarantine_lock);	/* next three, and @told */
static DEFINE_HASHTABLE(quarantine, 8);
static LIST_HEAD(quarantine_ages);
static u32 nr_quarantined;

/* Digests can be chosen, within limits; chains of the hash should not. */
static u32 digest_seed __ro_after_init;

static void review_work_fn(struct work_struct *work);
static DECLARE_WORK(review_work, review_work_fn);

/* ---- quarantine --------------------------------------------------------- */

static u32 digest_hash(const u8 *digest)
{
	return jhash(digest, AIOFFLOAD_DIGEST_LEN, digest_seed);
}

static u64 cgroup_of(const struct ai_sec_model *m)
{
	return cgroup_id(m->group->cgrp);
}

static struct quarantined *quarantine_find(const u8 *digest, u64 cgroup)
{
	struct quarantined *q;

	lockdep_assert_held(&quarantine_lock);
	hash_for_each_possible(quarantine, q, hash, digest_hash(digest)) {
		if (q->cgroup == cgroup &&
		    !memcmp(q->model.digest, digest, AIOFFLOAD_DIGEST_LEN))
			return q;
	}
	return NULL;
}

static bool is_quarantined(const struct ai_sec_model *m)
{
	unsigned long flags;
	bool found;

	spin_lock_irqsave(&quarantine_lock, flags);
	found = quarantine_find(m->digest, cgroup_of(m));
	spin_unlock_irqrestore(&quarantine_lock, flags);
	return found;
}

static void quarantine_remove(struct quarantined *q)
{
	lockdep_assert_held(&quarantine_lock);
	hash_del(&q->hash);
	list_del(&q->age);
	nr_quarantined--;
	kfree(q);
}

/* Without memory the model itself is refused all the same. */
static void quarantine_add(const struct ai_sec_model *m)
{
	struct quarantined *q = kzalloc(sizeof(*q), GFP_ATOMIC);
	unsigned long flags;

	if (!q)
		return;
	q->cgroup = cgroup_of(m);
	memcpy(q->model.digest, m->digest, sizeof(m->digest));
	memcpy(q->model.key, m->key, sizeof(m->key));
	memcpy(q->model.name, m->name, sizeof(m->name));
	q->model.version = m->version;

	spin_lock_irqsave(&quarantine_lock, flags);
	if (quarantine_find(m->digest, q->cgroup)) {
		kfree(q);
	} else {
		if (nr_quarantined == MAX_QUARANTINED)
			quarantine_remove(list_first_entry(&quarantine_ages,
							   struct quarantined,
							   age));
		hash_add(quarantine, &q->hash, digest_hash(m->digest));
		list_add_tail(&q->age, &quarantine_ages);
		nr_quarantined++;
	}
	spin_unlock_irqrestore(&quarantine_lock, flags);
}

void ai_sec_model_timed_out(struct ai_sec_model *m)
{
	unsigned int limit = READ_ONCE(quarantine_after);
	unsigned int n = atomic_inc_return(&m->timeouts);

	if (!limit || n < limit || READ_ONCE(m->refused))
		return;
	/* First the entry: a review that finds none would take this back. */
	quarantine_add(m);
	WRITE_ONCE(m->refused, -ENOTRECOVERABLE);
	/* For the record, and for others of the same digest and group. */
	queue_work(ai_wq, &review_work);
}

/* ---- what is blocked ---------------------------------------------------- */

static bool matches(const struct blocked *b, const struct ai_sec_model *m)
{
	switch (b->kind) {
	case AIOFFLOAD_BLOCK_DIGEST:
		return !memcmp(b->id, m->digest, sizeof(b->id));
	case AIOFFLOAD_BLOCK_KEY:
		return !memcmp(b->id, m->key, sizeof(b->id));
	case AIOFFLOAD_BLOCK_VERSION:
		return m->version < b->version && !strcmp(b->name, m->name);
	default:
		return false;
	}
}

static const struct blocked *blocked_by(const struct ai_sec_model *m, u32 kinds)
{
	const struct blocked *b;

	lockdep_assert_held(&ai_block_lock);
	list_for_each_entry(b, &blocked_list, node) {
		if (kinds >> b->kind & 1 && matches(b, m))
			return b;
	}
	return NULL;
}

static int tell_blocked(const struct blocked *b, const struct ai_sec_model *m,
			struct aim_reason *reason)
{
	switch (b->kind) {
	case AIOFFLOAD_BLOCK_DIGEST:
		return ai_refuse(reason, -EKEYREVOKED,
				 "the model is blocked by its digest");
	case AIOFFLOAD_BLOCK_KEY:
		return ai_refuse(reason, -EKEYREVOKED,
				 "the key that signed the model is blocked");
	default:
		return ai_refuse(reason, -EKEYREVOKED,
				 "version %llu of %s is blocked, %llu is the oldest that is admitted",
				 m->version, m->name, b->version);
	}
}

static int check_blocked(const struct ai_sec_model *m, u32 kinds,
			 struct aim_reason *reason)
{
	const struct blocked *b = blocked_by(m, kinds);

	return b ? tell_blocked(b, m, reason) : 0;
}

#define ANY_KIND	(~0U)

/* Would enforce let it be used? */
static int would_stand(const struct ai_sec_model *m, struct aim_reason *reason)
{
	if (m->verdict)
		return ai_refuse(reason, m->verdict, "%s", m->why);
	return check_blocked(m, ANY_KIND, reason);
}

/* May a model be used, as things are now? */
static int stands(const struct ai_sec_model *m, struct aim_reason *reason)
{
	if (is_quarantined(m))
		return ai_refuse(reason, -ENOTRECOVERABLE,
				 "the model is in quarantine: its jobs did not end in time, again and again; 'aioffload block' lists it");
	if (ai_policy_mode() != AIOFFLOAD_POLICY_ENFORCE)
		return 0;
	return would_stand(m, reason);
}

int ai_block_check_key(const struct ai_sec_model *m, struct aim_reason *reason)
{
	int ret;

	mutex_lock(&ai_block_lock);
	ret = check_blocked(m, BIT(AIOFFLOAD_BLOCK_KEY), reason);
	mutex_unlock(&ai_block_lock);
	return ret;
}

int ai_block_check(const struct ai_sec_model *m, struct aim_reason *reason)
{
	int ret;

	mutex_lock(&ai_block_lock);
	ret = stands(m, reason);
	mutex_unlock(&ai_block_lock);
	return ret;
}

/*
 * ai_block_join() - from now on a loaded model, if it may still be one
 *
 * Return: 0; a negative errno: it may not; or, positive, the errno that
 * enforce would have refused it with, with @reason.
 */
int ai_block_join(struct ai_sec_model *m, struct aim_reason *reason)
{
	int ret;

	mutex_lock(&ai_block_lock);
	ret = stands(m, reason);
	if (!ret) {
		m->mode = ai_policy_mode();
		if (m->mode == AIOFFLOAD_POLICY_PERMISSIVE)
			ret = -would_stand(m, reason);
		list_add(&m->node, &loaded_models);
	}
	mutex_unlock(&ai_block_lock);
	return ret;
}

void ai_block_leave(struct ai_sec_model *m)
{
	mutex_lock(&ai_block_lock);
	list_del(&m->node);
	mutex_unlock(&ai_block_lock);
}

/* Of all loaded models, which may still be used, and which again? */
static void review(void)
{
	struct aim_reason why;
	struct ai_sec_model *m;
	int err;

	lockdep_assert_held(&ai_block_lock);
	list_for_each_entry(m, &loaded_models, node) {
		err = stands(m, &why);
		if (!err && m->refused == -ENOTRECOVERABLE)
			atomic_set(&m->timeouts, 0);
		WRITE_ONCE(m->refused, err);
		cond_resched();
	}
}

void ai_block_review(void)
{
	mutex_lock(&ai_block_lock);
	review();
	mutex_unlock(&ai_block_lock);
}

/* The next model whose quarantine is not recorded yet, if there is one. */
static bool next_untold(struct ai_sec_model *what)
{
	struct quarantined *q;
	bool found = false;

	spin_lock_irq(&quarantine_lock);
	list_for_each_entry(q, &quarantine_ages, age) {
		if (q->told)
			continue;
		q->told = true;
		*what = q->model;
		found = true;
		break;
	}
	spin_unlock_irq(&quarantine_lock);
	return found;
}

static void review_work_fn(struct work_struct *work)
{
	struct ai_sec_model what;

	ai_block_review();
	while (next_untold(&what))
		ai_audit_model(NULL, &what, "quarantine", -ENOTRECOVERABLE,
			       NULL);
}

/* ---- the ioctl ---------------------------------------------------------- */

static bool is_zero(const void *p, size_t n)
{
	return !memchr_inv(p, 0, n);
}

static int check_args(const struct aioffload_block *k)
{
	if (k->flags || k->reserved || k->op > AIOFFLOAD_BLOCK_GET)
		return -EINVAL;
	if (k->op == AIOFFLOAD_BLOCK_GET)
		return 0;
	if (k->index)
		return -EINVAL;
	switch (k->kind) {
	case AIOFFLOAD_BLOCK_QUARANTINE:
		if (k->op == AIOFFLOAD_BLOCK_ADD)
			return -EINVAL;
		return is_zero(k->name, sizeof(k->name)) ? 0 : -EINVAL;
	case AIOFFLOAD_BLOCK_DIGEST:
	case AIOFFLOAD_BLOCK_KEY:
		return !k->version && is_zero(k->name, sizeof(k->name)) ?
		       0 : -EINVAL;
	case AIOFFLOAD_BLOCK_VERSION:
		return is_zero(k->id, sizeof(k->id)) &&
		       aim_word_check(k->name) ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static struct blocked *blocked_find(const struct aioffload_block *k)
{
	struct blocked *b;

	lockdep_assert_held(&ai_block_lock);
	list_for_each_entry(b, &blocked_list, node) {
		if (b->kind == k->kind && !memcmp(b->id, k->id, sizeof(b->id)) &&
		    !memcmp(b->name, k->name, sizeof(b->name)))
			return b;
	}
	return NULL;
}

static int block_add(const struct aioffload_block *k)
{
	struct blocked *b = blocked_find(k);

	if (b) {
		if (k->version < b->version)
			return -EEXIST;
		b->version = k->version;
		return 0;
	}
	if (nr_blocked == MAX_BLOCKED)
		return -ENOSPC;
	b = kzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	if (!b)
		return -ENOMEM;
	b->kind = k->kind;
	b->version = k->version;
	memcpy(b->id, k->id, sizeof(b->id));
	memcpy(b->name, k->name, sizeof(b->name));
	list_add_tail(&b->node, &blocked_list);
	nr_blocked++;
	return 0;
}

/* @k->version: the cgroup, 0: all that have it in quarantine */
static int quarantine_del(const struct aioffload_block *k)
{
	struct quarantined *q, *next;
	int ret = -ENOENT;

	spin_lock_irq(&quarantine_lock);
	list_for_each_entry_safe(q, next, &quarantine_ages, age) {
		if (memcmp(q->model.digest, k->id, sizeof(k->id)) ||
		    (k->version && q->cgroup != k->version))
			continue;
		quarantine_remove(q);
		ret = 0;
	}
	spin_unlock_irq(&quarantine_lock);
	return ret;
}

static int block_del(const struct aioffload_block *k)
{
	struct blocked *b;

	/* Leaving quarantine makes nothing weaker that was locked. */
	if (k->kind == AIOFFLOAD_BLOCK_QUARANTINE)
		return quarantine_del(k);
	if (ai_policy_is_locked())
		return -EPERM;
	b = blocked_find(k);
	if (!b)
		return -ENOENT;
	list_del(&b->node);
	nr_blocked--;
	kfree(b);
	return 0;
}

/* Others' models are nobody's business but the administrator's. */
static int quarantine_get(struct aioffload_block *k, u32 index, u64 of_cgroup,
			  bool all)
{
	struct quarantined *q;
	int ret = -ENOENT;

	spin_lock_irq(&quarantine_lock);
	list_for_each_entry(q, &quarantine_ages, age) {
		if ((!all && q->cgroup != of_cgroup) || index--)
			continue;
		k->kind = AIOFFLOAD_BLOCK_QUARANTINE;
		k->version = q->cgroup;
		memcpy(k->id, q->model.digest, sizeof(k->id));
		ret = 0;
		break;
	}
	spin_unlock_irq(&quarantine_lock);
	return ret;
}

static int block_get(const struct ai_sec_ctx *sec, struct aioffload_block *k)
{
	u32 index = k->index;
	struct blocked *b;

	*k = (struct aioffload_block) {
		.size = k->size,
		.op = k->op,
		.index = k->index,
	};
	if (index >= nr_blocked)
		return quarantine_get(k, index - nr_blocked,
				      cgroup_id(sec->group->cgrp),
				      ai_sec_override(sec));
	list_for_each_entry(b, &blocked_list, node) {
		if (index--)
			continue;
		k->kind = b->kind;
		k->version = b->version;
		memcpy(k->id, b->id, sizeof(k->id));
		memcpy(k->name, b->name, sizeof(k->name));
		break;
	}
	return 0;
}

static void record(struct ai_sec_ctx *sec, const struct aioffload_block *k,
		   int err)
{
	static const char *const kinds[] = {
		[AIOFFLOAD_BLOCK_DIGEST]	= "digest",
		[AIOFFLOAD_BLOCK_KEY]		= "key",
		[AIOFFLOAD_BLOCK_VERSION]	= "version",
		[AIOFFLOAD_BLOCK_QUARANTINE]	= "quarantine",
	};
	char text[128];

	if (k->kind == AIOFFLOAD_BLOCK_VERSION)
		scnprintf(text, sizeof(text), "kind=version name=%s version=%llu",
			  k->name, k->version);
	else
		scnprintf(text, sizeof(text), "kind=%s id=%*phN",
			  kinds[k->kind], AIOFFLOAD_DIGEST_LEN, k->id);
	ai_audit_policy(sec, k->op == AIOFFLOAD_BLOCK_ADD ? "block" : "unblock",
			text, err);
}

static int change(struct ai_sec_ctx *sec, const struct aioffload_block *k)
{
	int ret = -EPERM;

	if (ai_sec_override(sec)) {
		mutex_lock(&ai_block_lock);
		ret = k->op == AIOFFLOAD_BLOCK_ADD ? block_add(k) :
						     block_del(k);
		if (!ret)
			review();
		mutex_unlock(&ai_block_lock);
	}
	record(sec, k, ret);
	return ret;
}

long ai_sec_block(struct ai_sec_ctx *sec, void __user *uarg)
{
	struct aioffload_block k;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), sizeof(k), uarg);
	if (!ret)
		ret = check_args(&k);
	if (ret)
		return ret;
	if (k.op == AIOFFLOAD_BLOCK_GET) {
		mutex_lock(&ai_block_lock);
		ret = block_get(sec, &k);
		mutex_unlock(&ai_block_lock);
	} else {
		ret = change(sec, &k);
	}
	return ret ?: ai_copy_out(uarg, &k, sizeof(k));
}

/*
 * Not get_random_once(): that patches code which another CPU may be running,
 * and takes a reference on the module for a moment.
 */
void ai_block_init(void)
{
	get_random_bytes(&digest_seed, sizeof(digest_seed));
}

/* No model is loaded any more. */
void ai_block_exit(void)
{
	struct quarantined *q, *next_q;
	struct blocked *b, *next_b;

	cancel_work_sync(&review_work);
	list_for_each_entry_safe(b, next_b, &blocked_list, node)
		kfree(b);
	list_for_each_entry_safe(q, next_q, &quarantine_ages, age)
		kfree(q);
}
