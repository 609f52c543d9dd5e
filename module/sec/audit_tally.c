// SPDX-License-Identifier: GPL-2.0
/*
 * Refusals that are counted, by what was refused and to whom, and recorded a
 * moment later in one record for all of a kind: those that happen on the way
 * of a job, where nothing may wait; those that come in floods; and records
 * that the audit system had no room for.
 *
 * Everything is bounded. Where the table is full, kinds of the same operation
 * are counted together, so that the sum over all records stays exact.
 */
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "audit.h"

#define NR_TALLIES	256
#define NR_PROBES	8
#define NR_REST		16	/* operations, with room to spare */
#define WRITE_DELAY	(HZ / 2)
#define RETRY_DELAY	HZ

/* Records of one cgroup that are written one by one, in so many jiffies. */
#define SHARE		64
#define SHARE_PERIOD	(10 * HZ)
#define NR_SHARES	64

/**
 * struct tally - refusals of one kind to one user in one cgroup
 * @n:		of them, not yet recorded; 0: free
 * @since:	when the first one was
 * @kind:	what it was
 * @id:		whose the first one was
 */
struct tally {
	u64 n;
	u64 since;
	struct ai_audit_kind kind;
	struct ai_audit_id id;
};

struct share {
	unsigned long begin;
	unsigned int written;
};

static void tally_work(struct work_struct *work);

static DEFINE_SPINLOCK(tally_lock);	/* irq; the three tables */
static struct tally tallies[NR_TALLIES];
static struct tally rest[NR_REST];	/* by operation; the last: any other */
static struct share shares[NR_SHARES];
static DECLARE_DELAYED_WORK(tally_dwork, tally_work);

static bool same(const struct tally *t, const struct ai_audit_kind *kind,
		 const struct ai_audit_id *id)
{
	return t->kind.op == kind->op && t->kind.type == kind->type &&
	       t->kind.arg == kind->arg && t->kind.err == kind->err &&
	       t->id.cgroup == id->cgroup && uid_eq(t->id.uid, id->uid) &&
	       uid_eq(t->id.auid, id->auid) &&
	       !memcmp(t->kind.digest, kind->digest, sizeof(kind->digest));
}

static struct tally *rest_of(const struct ai_audit_kind *kind)
{
	struct tally *t;

	for (t = rest; t < rest + NR_REST - 1; t++) {
		if (!t->kind.op || t->kind.op == kind->op)
			break;
	}
	return t;
}

/* Under tally_lock. */
static struct tally *tally_of(const struct ai_audit_kind *kind,
			      const struct ai_audit_id *id)
{
	u32 at = hash_64(id->cgroup ^ (u64)__kuid_val(id->uid) << 32 ^
			 (u64)kind->arg << 16 ^ (u32)-kind->err ^
			 (u64)kind->digest[0] << 24 ^
			 (unsigned long)kind->op, 32);
	struct tally *t, *empty = NULL;
	u32 i;

	for (i = 0; i < NR_PROBES; i++) {
		t = &tallies[(at + i) % NR_TALLIES];
		if (t->n && same(t, kind, id))
			return t;
		if (!t->n && !empty)
			empty = t;
	}
	return empty;
}

/* Under tally_lock. */
static void count(const struct ai_audit_kind *kind,
		  const struct ai_audit_id *id, u64 n, u64 since)
{
	struct tally *t = tally_of(kind, id);

	if (!t) {
		t = rest_of(kind);
		if (!t->n) {
			t->kind = (struct ai_audit_kind){
				.op = kind->op, .type = kind->type,
			};
			t->since = since;
		}
	} else if (!t->n) {
		t->kind = *kind;
		t->id = *id;
		t->id.exe = NULL;
		t->id.subj = NULL;
		t->since = since;
	}
	t->n += n;
	t->since = min(t->since, since);
}

void ai_tally_add(const struct ai_audit_kind *kind,
		  const struct ai_audit_id *id, u64 n)
{
	u64 now = ai_audit_now();
	unsigned long flags;

	spin_lock_irqsave(&tally_lock, flags);
	count(kind, id, n, now);
	spin_unlock_irqrestore(&tally_lock, flags);
	queue_delayed_work(ai_audit_wq, &tally_dwork, WRITE_DELAY);
}

/* Cgroups that share a place share its allowance; their counts stay apart. */
bool ai_tally_allows(u64 cgroup)
{
	struct share *s = &shares[hash_64(cgroup, 32) % NR_SHARES];
	unsigned long flags;
	bool yes;

	spin_lock_irqsave(&tally_lock, flags);
	if (!s->written || time_after(jiffies, s->begin + SHARE_PERIOD)) {
		s->begin = jiffies;
		s->written = 0;
	}
	yes = s->written < SHARE;
	if (yes)
		s->written++;
	spin_unlock_irqrestore(&tally_lock, flags);
	return yes;
}

static void put_kind(struct audit_buffer *ab, const struct ai_audit_kind *kind)
{
	if (!strcmp(kind->op, "limit") || !strcmp(kind->op, "limit_set")) {
		ai_audit_put_limit(ab, kind->arg, kind->limit);
	} else if (!strcmp(kind->op, "grant") || !strcmp(kind->op, "revoke")) {
		audit_log_format(ab, " rights=0x%x", kind->arg);
		ai_audit_put_cgroup(ab, "target", kind->limit, GFP_KERNEL);
	} else if (!strcmp(kind->op, "weight_set")) {
		ai_audit_put_cgroup(ab, "target", kind->limit, GFP_KERNEL);
	} else if (!strcmp(kind->op, "deny")) {
		audit_log_format(ab, " rights=0x%x", kind->arg);
		if (kind->limit != AIOFFLOAD_DEVICE_ANY)
			audit_log_format(ab, " device=\"aioffload%llu\"",
					 kind->limit);
	}
}

/* @alone: it is of one kind and one user. Return: it is written. */
static bool write(const struct tally *t, bool alone)
{
	struct audit_buffer *ab;

	ab = audit_log_start(NULL, GFP_KERNEL, t->kind.type);
	if (!ab) {
		atomic64_inc(&ai_audit_totals.lost);
		return false;
	}
	audit_log_format(ab, "op=%s", t->kind.op);
	if (alone) {
		ai_audit_put_id(ab, &t->id);
		ai_audit_put_cgroup(ab, "cgroup", t->id.cgroup, GFP_KERNEL);
		put_kind(ab, &t->kind);
		ai_audit_put_model(ab, t->kind.digest, NULL, "", 0);
	}
	audit_log_format(ab, " count=%llu", t->n);
	ai_audit_put_since(ab, t->since);
	ai_audit_end(ab, t->kind.err, alone && !t->kind.err);
	return true;
}

/* Its place may be another's by now; those of the rest stay what they are. */
static void put_back(struct tally *t, const struct tally *copy, bool alone)
{
	unsigned long flags;

	spin_lock_irqsave(&tally_lock, flags);
	if (alone) {
		count(&copy->kind, &copy->id, copy->n, copy->since);
	} else {
		t->n += copy->n;
		t->since = copy->since;
	}
	spin_unlock_irqrestore(&tally_lock, flags);
}

/* Return: false if the audit system takes no more for now. */
static bool write_all(struct tally *table, u32 nr, bool alone)
{
	struct tally *t, copy;
	unsigned long flags;

	for (t = table; t < table + nr; t++) {
		spin_lock_irqsave(&tally_lock, flags);
		copy = *t;
		t->n = 0;
		spin_unlock_irqrestore(&tally_lock, flags);
		if (!copy.n || !ai_audit_on() || write(&copy, alone))
			continue;
		put_back(t, &copy, alone);
		return false;
	}
	return true;
}

static bool write_everything(void)
{
	return write_all(tallies, NR_TALLIES, true) &&
	       write_all(rest, NR_REST, false);
}

static void tally_work(struct work_struct *work)
{
	if (!write_everything())
		queue_delayed_work(ai_audit_wq, &tally_dwork, RETRY_DELAY);
}

/* Nobody adds any more. */
void ai_tally_exit(void)
{
	struct tally *t;

	cancel_delayed_work_sync(&tally_dwork);
	if (write_everything())
		return;
	for (t = tallies; t < tallies + NR_TALLIES; t++) {
		if (t->n)
			pr_warn("aioffload: not audited: %s, errno %d, cgroup %llu, uid %u: %llu times\n",
				t->kind.op, -t->kind.err, t->id.cgroup,
				from_kuid(&init_user_ns, t->id.uid), t->n);
	}
	for (t = rest; t < rest + NR_REST; t++) {
		if (t->n)
			pr_warn("aioffload: not audited: %s: %llu times\n",
				t->kind.op, t->n);
	}
}
