// SPDX-License-Identifier: GPL-2.0
/*
 * Executions. The way of a job only counts (audit=batch), or leaves a note in a
 * ring (audit=exec); a worker writes the records. What can't be written is kept
 * and added up, so that the sum of done= and failed= over all records is the
 * number of jobs, exactly.
 *
 * Only the worker waits for the audit system: a full backlog must stop neither
 * jobs nor processes that end.
 */
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "audit.h"

#define NOTES		4096	/* power of two */
#define MAX_CLOSED	1024
#define RETRY_DELAY	(HZ / 4)
#define TOLD_AT_EXIT	16

static unsigned int audit_flush_ms = 10000;
module_param(audit_flush_ms, uint, 0644);
MODULE_PARM_DESC(audit_flush_ms,
		 "How often counts of executions are recorded, in ms (100 to 3600000)");

bool ai_audit_each;

/**
 * struct counts - jobs of which there is no record yet
 * @done:	they succeeded
 * @failed:	they did not
 * @since:	when the last record was written, or the first job may have been
 */
struct counts {
	u64 done;
	u64 failed;
	u64 since;
};

/* The model, as records tell it; compared as a whole. */
struct what {
	u8 digest[32];
	u8 key[32];
	u64 version;
	char name[AIOFFLOAD_NAME_LEN];
};

/**
 * struct ai_audit_who - executions of a model by a context, of all bindings
 * @users:	bindings; once 0 it is closed, and only waits to be written
 * @kept:	counted by nr_closed
 * @held:	by notes in the ring, and by the worker
 * @ctx:	only compared
 * @id:		the context's opener
 * @what:	the model
 * @c:		of closed bindings, and what could not be written
 * @hash:	while it has users
 * @node:	in all_whos
 * @execs:	struct ai_sec_exec.node
 */
struct ai_audit_who {
	u32 users;
	bool kept;
	atomic_t held;
	const void *ctx;
	struct ai_audit_id id;
	struct what what;
	struct counts c;
	struct hlist_node hash;
	struct list_head node;
	struct list_head execs;
};

struct note {
	struct ai_audit_who *who;
	u64 at;
	u32 device;
	int status;
};

static void exec_flush_work(struct work_struct *work);
static void exec_note_work(struct work_struct *work);

static DEFINE_MUTEX(exec_lock);		/* down to others */
static DEFINE_HASHTABLE(open_whos, 8);
static LIST_HEAD(all_whos);
static u32 nr_whos;
static u32 nr_closed;			/* and not written */
static struct ai_audit_who others;	/* those beyond MAX_CLOSED, together */
static struct counts unheard;		/* closed while audit was off */
static atomic64_t recorded;		/* jobs of which there is a record */

static DEFINE_SPINLOCK(note_lock);	/* irq; the ring */
static struct note *notes;
static u32 note_head;
static u32 note_tail;

static DECLARE_DELAYED_WORK(flush_dwork, exec_flush_work);
static DECLARE_DELAYED_WORK(note_dwork, exec_note_work);

static unsigned long flush_delay(void)
{
	return msecs_to_jiffies(clamp(READ_ONCE(audit_flush_ms), 100U, 3600000U));
}

/* ---- counts, under exec_lock -------------------------------------------- */

static bool any(const struct counts *c)
{
	return c->done || c->failed;
}

/* All of @from is @to's from now on. */
static void move(struct counts *to, struct counts *from)
{
	to->since = any(to) ? min(to->since, from->since) : from->since;
	to->done += from->done;
	to->failed += from->failed;
	from->done = 0;
	from->failed = 0;
	from->since = ai_audit_now();
}

/* What its bindings have counted until now becomes its own. */
static void gather(struct ai_audit_who *who)
{
	struct ai_sec_exec *e;

	list_for_each_entry(e, &who->execs, node) {
		who->c.done += atomic64_xchg(&e->done, 0);
		who->c.failed += atomic64_xchg(&e->failed, 0);
	}
}

/* ---- records ------------------------------------------------------------ */

static struct audit_buffer *exec_record(const struct ai_audit_who *who,
					gfp_t gfp)
{
	struct audit_buffer *ab;

	ab = audit_log_start(NULL, gfp, AI_AUDIT_OTHER);
	if (!ab) {
		atomic64_inc(&ai_audit_totals.lost);
		return NULL;
	}
	audit_log_format(ab, "op=exec");
	if (who == &others)
		return ab;
	ai_audit_put_id(ab, &who->id);
	ai_audit_put_cgroup(ab, "cgroup", who->id.cgroup, gfp);
	ai_audit_put_model(ab, who->what.digest, who->what.key, who->what.name,
			   who->what.version);
	return ab;
}

/* total=: what the records since the module was loaded sum up to, with this one */
static void put_counts(struct audit_buffer *ab, u64 done, u64 failed)
{
	audit_log_format(ab, " done=%llu failed=%llu total=%llu", done, failed,
			 (u64)atomic64_add_return(done + failed, &recorded));
}

/* Return: it is written. */
static bool counts_write(const struct ai_audit_who *who,
			 const struct counts *c, gfp_t gfp)
{
	struct audit_buffer *ab = exec_record(who, gfp);

	if (!ab)
		return false;
	put_counts(ab, c->done, c->failed);
	ai_audit_put_since(ab, c->since);
	ai_audit_end(ab, 0, !c->failed);
	return true;
}

/* ---- contexts and models ------------------------------------------------ */

static void who_free(struct ai_audit_who *who)
{
	kfree(who->id.exe);
	kfree(who->id.subj);
	kfree(who);
}

static void id_of(struct ai_audit_id *id, const struct ai_sec_ctx *ctx)
{
	*id = (struct ai_audit_id){
		.pid = ctx->pid, .uid = ctx->cred->uid, .auid = ctx->auid,
		.ses = ctx->ses, .cgroup = ctx->cgroup,
	};
	memcpy(id->comm, ctx->comm, sizeof(id->comm));
}

static struct ai_audit_who *who_new(const struct ai_sec_ctx *ctx,
				    const struct what *what)
{
	struct ai_audit_who *who = kzalloc(sizeof(*who), GFP_KERNEL_ACCOUNT);

	if (!who)
		return NULL;
	INIT_LIST_HEAD(&who->execs);
	who->ctx = ctx;
	who->what = *what;
	who->c.since = ai_audit_now();
	id_of(&who->id, ctx);
	if (ctx->exe)
		who->id.exe = kstrdup(ctx->exe, GFP_KERNEL_ACCOUNT);
	if (ctx->subj)
		who->id.subj = kstrdup(ctx->subj, GFP_KERNEL_ACCOUNT);
	if ((ctx->exe && !who->id.exe) || (ctx->subj && !who->id.subj)) {
		who_free(who);
		return NULL;
	}
	return who;
}

static bool same_id(const struct ai_audit_id *a, const struct ai_audit_id *b)
{
	return a->pid == b->pid && uid_eq(a->uid, b->uid) &&
	       uid_eq(a->auid, b->auid) && a->ses == b->ses &&
	       a->cgroup == b->cgroup && !strcmp(a->comm, b->comm);
}

static bool same_what(const struct what *a, const struct what *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static unsigned long who_key(const void *ctx, const struct what *what)
{
	unsigned long digest;

	memcpy(&digest, what->digest, sizeof(digest));
	return (unsigned long)ctx ^ digest;
}

/*
 * Under exec_lock. A context that ended may have had the same address, hence
 * the comparison of owners.
 */
static struct ai_audit_who *who_find(const struct ai_sec_ctx *ctx,
				     const struct what *what)
{
	struct ai_audit_who *who;
	struct ai_audit_id id;

	id_of(&id, ctx);
	hash_for_each_possible(open_whos, who, hash, who_key(ctx, what)) {
		if (who->ctx == ctx && same_what(&who->what, what) &&
		    same_id(&who->id, &id))
			return who;
	}
	return NULL;
}

int ai_audit_exec_open(struct ai_sec_exec *e, struct ai_sec_ctx *ctx,
		       const struct ai_sec_model *model)
{
	struct ai_audit_who *who, *fresh;
	struct what what = { .version = model->version };

	memcpy(what.digest, model->digest, sizeof(what.digest));
	memcpy(what.key, model->key, sizeof(what.key));
	strscpy(what.name, model->name, sizeof(what.name));
	atomic64_set(&e->done, 0);
	atomic64_set(&e->failed, 0);
	fresh = who_new(ctx, &what);
	if (!fresh)
		return -ENOMEM;

	mutex_lock(&exec_lock);
	who = who_find(ctx, &what);
	if (!who) {
		who = fresh;
		fresh = NULL;
		hash_add(open_whos, &who->hash, who_key(ctx, &what));
		list_add_tail(&who->node, &all_whos);
		nr_whos++;
	}
	who->users++;
	list_add_tail(&e->node, &who->execs);
	e->who = who;
	mutex_unlock(&exec_lock);

	if (fresh)
		who_free(fresh);
	queue_delayed_work(ai_audit_wq, &flush_dwork, flush_delay());
	return 0;
}

/* ---- the end of a context ----------------------------------------------- */

/*
 * Under exec_lock. It is closed and could not be written. Another one of the
 * same kind takes its counts over if there is one, or one for all.
 */
static void who_keep(struct ai_audit_who *who)
{
	struct ai_audit_who *w;

	if (nr_closed < MAX_CLOSED) {
		nr_closed++;
		who->kept = true;
		return;
	}
	list_for_each_entry(w, &all_whos, node) {
		if (w != who && w->kept && same_what(&w->what, &who->what) &&
		    same_id(&w->id, &who->id)) {
			move(&w->c, &who->c);
			return;
		}
	}
	move(&others.c, &who->c);
}

/* Under exec_lock. One that is closed, has no counts and is held by nobody goes. */
static void who_settle(struct ai_audit_who *who)
{
	if (who->users || any(&who->c) || atomic_read(&who->held))
		return;
	nr_closed -= who->kept;
	list_del(&who->node);
	nr_whos--;
	who_free(who);
}

/* Under exec_lock. */
static void who_close(struct ai_audit_who *who)
{
	hash_del(&who->hash);
	if (any(&who->c) && !ai_audit_on())
		move(&unheard, &who->c);
	/* Whoever binds and unbinds in a loop does not fill the log. */
	if (any(&who->c)) {
		if (ai_tally_allows(who->id.cgroup) &&
		    counts_write(who, &who->c, AI_AUDIT_NOWAIT))
			who->c = (struct counts){ .since = who->c.since };
		else
			who_keep(who);
	}
	who_settle(who);
}

void ai_audit_exec_close(struct ai_sec_exec *e)
{
	struct ai_audit_who *who = e->who;

	mutex_lock(&exec_lock);
	list_del(&e->node);
	who->c.done += atomic64_read(&e->done);
	who->c.failed += atomic64_read(&e->failed);
	if (!--who->users)
		who_close(who);
	mutex_unlock(&exec_lock);
}

/* ---- counts, now and then ----------------------------------------------- */

/*
 * The next one's counts are taken, and itself held; NULL: nothing is to be
 * written of it. One cgroup with thousands of contexts has its share of the log
 * like any other: what is beyond that stays counted until its turn comes.
 */
static struct ai_audit_who *flush_take(struct counts *c, bool final)
{
	struct ai_audit_who *who;

	who = list_first_entry_or_null(&all_whos, struct ai_audit_who, node);
	if (!who)
		return NULL;
	list_move_tail(&who->node, &all_whos);
	gather(who);
	if (!ai_audit_on()) {
		/* It has been off since it closed: that goes unheard. */
		if (!who->users)
			move(&unheard, &who->c);
		who_settle(who);
		return NULL;
	}
	if (!any(&who->c)) {
		who->c.since = ai_audit_now();
		return NULL;
	}
	if (!final && !ai_tally_allows(who->id.cgroup))
		return NULL;
	move(c, &who->c);
	atomic_inc(&who->held);
	return who;
}

/* Return: false if the audit system takes no more. */
static bool flush_one(bool final)
{
	struct counts c = { };
	struct ai_audit_who *who;
	bool ok = true;

	mutex_lock(&exec_lock);
	who = flush_take(&c, final);
	mutex_unlock(&exec_lock);
	if (!who)
		return true;
	ok = counts_write(who, &c, GFP_KERNEL);

	mutex_lock(&exec_lock);
	if (!ok)
		move(&who->c, &c);
	atomic_dec(&who->held);
	who_settle(who);
	mutex_unlock(&exec_lock);
	return ok;
}

static bool flush_others(void)
{
	struct counts c = { };
	bool ok = true;

	mutex_lock(&exec_lock);
	move(&c, &others.c);
	mutex_unlock(&exec_lock);
	if (any(&c))
		ok = ai_audit_on() && counts_write(&others, &c, GFP_KERNEL);
	if (!ok) {
		mutex_lock(&exec_lock);
		move(&others.c, &c);
		mutex_unlock(&exec_lock);
	}
	return ok || !ai_audit_on();
}

/* Each one once; those that come meanwhile have time. */
static bool flush_all(bool final)
{
	bool ok = flush_others();
	u32 n;

	mutex_lock(&exec_lock);
	n = nr_whos;
	mutex_unlock(&exec_lock);
	while (ok && n--) {
		ok = flush_one(final);
		cond_resched();
	}
	return ok;
}

static void exec_flush_work(struct work_struct *work)
{
	bool ok = flush_all(false);
	bool more;

	mutex_lock(&exec_lock);
	more = nr_whos || any(&others.c);
	mutex_unlock(&exec_lock);
	if (more)
		queue_delayed_work(ai_audit_wq, &flush_dwork,
				   ok ? flush_delay() : RETRY_DELAY);
}

/* ---- one by one --------------------------------------------------------- */

void ai_audit_exec(struct ai_sec_exec *e, u32 device, int status)
{
	unsigned long flags;
	bool full, first;

	spin_lock_irqsave(&note_lock, flags);
	full = !ai_audit_on() || note_head - note_tail == NOTES;
	first = note_head == note_tail;
	if (likely(!full)) {
		atomic_inc(&e->who->held);
		notes[note_head++ % NOTES] = (struct note){
			.who = e->who, .at = ai_audit_now(),
			.device = device, .status = status,
		};
	}
	spin_unlock_irqrestore(&note_lock, flags);

	if (unlikely(full))
		ai_audit_count(e, !status, !!status);
	else if (first)
		queue_delayed_work(ai_audit_wq, &note_dwork, 0);
}

static bool note_first(struct note *note)
{
	bool there;

	spin_lock_irq(&note_lock);
	there = note_head != note_tail;
	if (there)
		*note = notes[note_tail % NOTES];
	spin_unlock_irq(&note_lock);
	return there;
}

static bool note_write(const struct note *note)
{
	struct audit_buffer *ab = exec_record(note->who, GFP_KERNEL);

	if (!ab)
		return false;
	if (note->device != AIOFFLOAD_DEVICE_ANY)
		audit_log_format(ab, " device=\"aioffload%u\"", note->device);
	put_counts(ab, !note->status, !!note->status);
	ai_audit_put_since(ab, note->at);
	ai_audit_end(ab, note->status, !note->status);
	return true;
}

/* It has been dealt with: by a record, or, if not @written, as a count. */
static void note_drop(const struct note *note, bool written)
{
	struct ai_audit_who *who = note->who;

	mutex_lock(&exec_lock);
	if (!written) {
		who->c.done += !note->status;
		who->c.failed += !!note->status;
	}
	atomic_dec(&who->held);
	who_settle(who);
	mutex_unlock(&exec_lock);

	spin_lock_irq(&note_lock);
	note_tail++;
	spin_unlock_irq(&note_lock);
}

static void exec_note_work(struct work_struct *work)
{
	struct note note;

	while (note_first(&note)) {
		if (ai_audit_on() && !note_write(&note)) {
			queue_delayed_work(ai_audit_wq, &note_dwork,
					   RETRY_DELAY);
			return;
		}
		note_drop(&note, ai_audit_on());
		cond_resched();
	}
}

/* ---- module ------------------------------------------------------------- */

int ai_exec_init(void)
{
	others.c.since = ai_audit_now();
	INIT_LIST_HEAD(&others.execs);
	notes = vzalloc(array_size(NOTES, sizeof(*notes)));
	return notes ? 0 : -ENOMEM;
}

static void tell_rest(void)
{
	struct ai_audit_who *who, *next;
	u32 told = 0;

	list_for_each_entry_safe(who, next, &all_whos, node) {
		if (any(&who->c) && told++ < TOLD_AT_EXIT)
			pr_warn("aioffload: not audited: %llu jobs done, %llu failed, uid %u, pid %d, model %*phN\n",
				who->c.done, who->c.failed,
				from_kuid(&init_user_ns, who->id.uid),
				who->id.pid, 32, who->what.digest);
		move(&others.c, &who->c);
		who_settle(who);
	}
	if (any(&others.c))
		pr_warn("aioffload: not audited in all: %llu jobs done, %llu failed\n",
			others.c.done, others.c.failed);
	if (any(&unheard))
		pr_info("aioffload: audit was off for %llu jobs that were done and %llu that failed\n",
			unheard.done, unheard.failed);
}

/* Every binding has gone, so nobody counts any more. */
void ai_exec_exit(void)
{
	struct note note;
	bool ok = true;

	cancel_delayed_work_sync(&flush_dwork);
	cancel_delayed_work_sync(&note_dwork);
	while (note_first(&note)) {
		ok = ok && ai_audit_on() && note_write(&note);
		note_drop(&note, ok);
	}
	if (ok)
		flush_all(true);
	tell_rest();
	vfree(notes);
}
