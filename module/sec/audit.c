// SPDX-License-Identifier: GPL-2.0
/*
 * Records on a caller's behalf, and what all records are made of.
 *
 * ausearch finds the fields of a record by looking for their names, in a fixed
 * order, each followed by a blank; so the order here is that of the kernel's
 * own integrity records, and res= comes last. docs/audit.md lists them.
 */
#include <linux/cgroup.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "../compat/compat.h"
#include "audit.h"
#include "audit_text.h"
#include "group.h"

#define SHORT_STRING	64
#define MAX_DETAIL	192

struct ai_audit_totals ai_audit_totals;
struct workqueue_struct *ai_audit_wq;

/* ---- who ---------------------------------------------------------------- */

void ai_audit_id_quick(struct ai_audit_id *id)
{
	memset(id, 0, sizeof(*id));
	id->uid = INVALID_UID;
	id->auid = INVALID_UID;
	id->ses = AUDIT_SID_UNSET;
	if (!in_task() || (current->flags & PF_KTHREAD))
		return;
	id->pid = task_tgid_nr(current);
	id->uid = current_uid();
	id->auid = audit_get_loginuid(current);
	id->ses = audit_get_sessionid(current);
	get_task_comm(id->comm, current);
	rcu_read_lock();
	id->cgroup = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
}

/* The path of the caller's program, or NULL. */
static char *current_exe(void)
{
	struct file *file = current->mm ? compat_exe_file(current->mm) : NULL;
	char *room, *path, *exe = NULL;

	if (!file)
		return NULL;
	room = kmalloc(PATH_MAX, GFP_KERNEL);
	if (room) {
		path = file_path(file, room, PATH_MAX);
		if (!IS_ERR(path))
			exe = kstrdup(path, GFP_KERNEL_ACCOUNT);
		kfree(room);
	}
	fput(file);
	return exe;
}

void ai_audit_ctx_open(struct ai_sec_ctx *sec)
{
	struct ai_audit_id id;

	ai_audit_id_quick(&id);
	sec->auid = id.auid;
	sec->ses = id.ses;
	sec->pid = id.pid;
	sec->cgroup = id.cgroup;
	memcpy(sec->comm, id.comm, sizeof(sec->comm));
	sec->exe = current_exe();
	sec->subj = compat_current_label();
}

void ai_audit_ctx_close(struct ai_sec_ctx *sec)
{
	kfree(sec->exe);
	kfree(sec->subj);
}

/* ---- fields ------------------------------------------------------------- */

u64 ai_audit_now(void)
{
	return div_u64(ktime_get_real_ns(), NSEC_PER_MSEC);
}

void ai_audit_put_string(struct audit_buffer *ab, const char *name,
			 const char *s, size_t n)
{
	char few[AI_TEXT_VALUE_ROOM(SHORT_STRING)];
	char *text = few;
	size_t room;

	n = strnlen(s, n);
	room = AI_TEXT_VALUE_ROOM(n);
	if (room > sizeof(few)) {
		text = kmalloc(room, AI_AUDIT_NOWAIT);
		if (!text) {
			audit_log_format(ab, " %s=?", name);
			return;
		}
	}
	ai_text_value(text, room, s, n);
	audit_log_format(ab, " %s=%s", name, text);
	if (text != few)
		kfree(text);
}

/* The kernel writes labels without quotes. One that could mislead is encoded. */
static void put_subj(struct audit_buffer *ab, const char *subj)
{
	size_t n = strlen(subj);
	char *text = kmalloc(AI_TEXT_VALUE_ROOM(n), AI_AUDIT_NOWAIT);

	if (!text)
		return;
	if (ai_text_value(text, AI_TEXT_VALUE_ROOM(n), subj, n) == n + 2 &&
	    text[0] == '"')
		audit_log_format(ab, " subj=%s", subj);
	else
		audit_log_format(ab, " subj=%s", text);
	kfree(text);
}

/*
 * Referenced, or ERR_PTR. Looking for a number finds only what the caller's cgroup
 * namespace shows, and he may have moved out of that: his own we have without.
 */
static struct cgroup *cgroup_of_id(u64 id)
{
	struct cgroup *cgrp;

	rcu_read_lock();
	cgrp = task_dfl_cgroup(current);
	if (cgroup_id(cgrp) != id || !cgroup_tryget(cgrp))
		cgrp = NULL;
	rcu_read_unlock();
	return cgrp ?: cgroup_get_from_id(id);
}

/* Its number always; its path if it is still there. */
void ai_audit_put_cgroup(struct audit_buffer *ab, const char *name, u64 id,
			 gfp_t gfp)
{
	struct cgroup *cgrp;
	char *path;

	if (!id)	/* a call that did not get as far as finding it */
		return;
	audit_log_format(ab, " %s_id=%llu", name, id);
	cgrp = cgroup_of_id(id);
	if (IS_ERR(cgrp))
		return;
	path = kmalloc(PATH_MAX, gfp);
	if (path) {
		path[0] = '\0';
		cgroup_path(cgrp, path, PATH_MAX);
		ai_audit_put_string(ab, name, path, PATH_MAX);
		kfree(path);
	}
	cgroup_put(cgrp);
}

void ai_audit_put_id(struct audit_buffer *ab, const struct ai_audit_id *id)
{
	audit_log_format(ab, " pid=%d uid=%u auid=%u ses=%u", id->pid,
			 from_kuid(&init_user_ns, id->uid),
			 from_kuid(&init_user_ns, id->auid), id->ses);
	if (id->subj)
		put_subj(ab, id->subj);
	ai_audit_put_string(ab, "comm", id->comm, sizeof(id->comm));
	if (id->exe)
		ai_audit_put_string(ab, "exe", id->exe, PATH_MAX);
}

static bool is_zero(const u8 digest[32])
{
	return !memchr_inv(digest, 0, 32);
}

void ai_audit_put_model(struct audit_buffer *ab, const u8 digest[32],
			const u8 key[32], const char *name, u64 version)
{
	if (name[0]) {
		ai_audit_put_string(ab, "name", name, AIOFFLOAD_NAME_LEN);
		audit_log_format(ab, " version=%llu", version);
	}
	if (!is_zero(digest))
		audit_log_format(ab, " hash=\"sha256:%*phN\"", 32, digest);
	if (key && !is_zero(key))
		audit_log_format(ab, " key_id=%*phN", 32, key);
}

void ai_audit_put_limit(struct audit_buffer *ab, u32 resource, u64 limit)
{
	static const char *const names[AIOFFLOAD_RES_NR] = {
		[AIOFFLOAD_RES_BYTES] = "bytes",
		[AIOFFLOAD_RES_MODELS] = "models",
		[AIOFFLOAD_RES_QUEUES] = "queues",
		[AIOFFLOAD_RES_JOBS] = "jobs",
		[AIOFFLOAD_RES_TIME] = "time",
	};

	if (resource < AIOFFLOAD_RES_NR)
		audit_log_format(ab, " resource=%s", names[resource]);
	else
		audit_log_format(ab, " resource=%u", resource);
	if (limit == AIOFFLOAD_NO_LIMIT)
		audit_log_format(ab, " limit=none");
	else
		audit_log_format(ab, " limit=%llu", limit);
}

void ai_audit_put_since(struct audit_buffer *ab, u64 ms)
{
	u32 rest;
	u64 s = div_u64_rem(ms, MSEC_PER_SEC, &rest);

	audit_log_format(ab, " since=%llu.%03u", s, rest);
}

void ai_audit_end(struct audit_buffer *ab, int err, bool res)
{
	audit_log_format(ab, " errno=%d res=%d", -err, res);
	audit_log_end(ab);
}

/* ---- records of what the caller does ------------------------------------ */

/* Refusals but those of models, whether somebody wants records or not. */
static void count_denied(int err)
{
	if (err)
		atomic64_inc(&ai_audit_totals.denied);
}

/* One that is being written. */
struct record {
	struct audit_buffer *ab;
	struct ai_audit_kind kind;
	struct ai_audit_id id;
};

/*
 * Begin a record, or count it where it can't or should not be written.
 * @tenants: anybody can have many of them made, so they have their share
 */
static bool record_begin(struct record *r, const struct ai_audit_kind *kind,
			 bool tenants)
{
	bool alone;

	r->kind = *kind;
	if (!ai_audit_on())
		return false;
	ai_audit_id_quick(&r->id);
	if (tenants && !ai_tally_allows(r->id.cgroup)) {
		ai_tally_add(&r->kind, &r->id, 1);
		return false;
	}
	/* A kernel thread acts for nobody, and many may wait for it. */
	alone = current->flags & PF_KTHREAD;
	r->ab = audit_log_start(alone ? NULL : audit_context(),
				alone ? AI_AUDIT_NOWAIT : GFP_KERNEL, kind->type);
	if (!r->ab) {
		atomic64_inc(&ai_audit_totals.lost);
		ai_tally_add(&r->kind, &r->id, 1);
		return false;
	}
	audit_log_format(r->ab, "op=%s", kind->op);
	if (alone)
		return true;
	r->id.exe = current_exe();
	r->id.subj = compat_current_label();
	ai_audit_put_id(r->ab, &r->id);
	ai_audit_put_cgroup(r->ab, "cgroup", r->id.cgroup, GFP_KERNEL);
	kfree(r->id.exe);
	kfree(r->id.subj);
	return true;
}

static void record_end(struct record *r, bool res)
{
	ai_audit_end(r->ab, r->kind.err, res);
}

void ai_audit_model(struct ai_sec_ctx *sec, const struct ai_sec_model *m,
		    const char *op, int err, const char *why)
{
	bool refused = !strcmp(op, "model_refuse");
	bool loaded = !strcmp(op, "model_load");
	bool permitted = !strcmp(op, "model_permit");
	struct ai_audit_kind kind = {
		.op = op, .type = AI_AUDIT_MODEL, .err = err,
	};
	char word[128];
	struct record r;

	/* First of all, and whatever becomes of the record. */
	if (refused)
		atomic64_inc(&ai_audit_totals.refused);
	else if (loaded || permitted)
		atomic64_inc(&ai_audit_totals.admitted);

	/* Loads are counted apart for each model. */
	if (loaded || permitted)
		memcpy(kind.digest, m->digest, sizeof(kind.digest));
	if (!record_begin(&r, &kind, err || loaded))
		return;
	ai_audit_put_model(r.ab, m->digest, m->key, m->name, m->version);
	if (why && why[0]) {
		ai_text_word(word, sizeof(word), why);
		audit_log_format(r.ab, " cause=%s", word);
	}
	record_end(&r, !err || permitted);
}

void ai_audit_group(struct ai_sec_ctx *sec, const char *op, u64 cgroup_id,
		    u32 rights, int err)
{
	const struct ai_audit_kind kind = {
		.op = op, .type = AI_AUDIT_OTHER, .arg = rights, .err = err,
		.limit = cgroup_id,
	};
	struct record r;

	count_denied(err);
	if (!record_begin(&r, &kind, err || !ai_sec_override(sec)))
		return;
	audit_log_format(r.ab, " rights=0x%x", rights);
	ai_audit_put_cgroup(r.ab, "target", cgroup_id, GFP_KERNEL);
	record_end(&r, !err);
}

void ai_audit_limit_set(struct ai_sec_ctx *sec, u64 cgroup_id, u32 resource,
			u64 limit, u64 period_ns, int err)
{
	const struct ai_audit_kind kind = {
		.op = "limit_set", .type = AI_AUDIT_OTHER, .arg = resource,
		.err = err, .limit = limit,
	};
	struct record r;

	count_denied(err);
	if (!record_begin(&r, &kind, err || !ai_sec_override(sec)))
		return;
	ai_audit_put_limit(r.ab, resource, limit);
	if (period_ns)
		audit_log_format(r.ab, " period_ns=%llu", period_ns);
	ai_audit_put_cgroup(r.ab, "target", cgroup_id, GFP_KERNEL);
	record_end(&r, !err);
}

void ai_audit_weight_set(struct ai_sec_ctx *sec, u64 cgroup_id, u32 weight,
			 int err)
{
	/* Whatever weights somebody tries are counted together. */
	const struct ai_audit_kind kind = {
		.op = "weight_set", .type = AI_AUDIT_OTHER, .err = err,
		.limit = cgroup_id,
	};
	struct record r;

	count_denied(err);
	if (!record_begin(&r, &kind, err || !ai_sec_override(sec)))
		return;
	audit_log_format(r.ab, " weight=%u", weight);
	ai_audit_put_cgroup(r.ab, "target", cgroup_id, GFP_KERNEL);
	record_end(&r, !err);
}

void ai_audit_policy(struct ai_sec_ctx *sec, const char *op,
		     const char *detail, int err)
{
	const struct ai_audit_kind kind = {
		.op = op, .err = err,
		.type = !strcmp(op, "policy") ? AI_AUDIT_POLICY : AI_AUDIT_BLOCK,
	};
	char text[MAX_DETAIL];
	struct record r;

	count_denied(err);
	if (!record_begin(&r, &kind, err))
		return;
	if (detail && detail[0]) {
		ai_text_detail(text, sizeof(text), detail);
		audit_log_format(r.ab, " %s", text);
	}
	record_end(&r, !err);
}

/* ---- records of what is counted ----------------------------------------- */

void ai_audit_limit(u64 cgroup_id, u32 resource, u64 limit)
{
	const struct ai_audit_kind kind = {
		.op = "limit", .type = AI_AUDIT_OTHER,
		.arg = resource, .err = -EDQUOT, .limit = limit,
	};
	struct ai_audit_id id;

	count_denied(kind.err);
	if (!ai_audit_on())
		return;
	ai_audit_id_quick(&id);
	id.cgroup = cgroup_id;
	ai_tally_add(&kind, &id, 1);
}

void ai_audit_deny(struct ai_sec_ctx *sec, u32 right, u32 device, int err)
{
	const struct ai_audit_kind kind = {
		.op = "deny", .type = AI_AUDIT_OTHER,
		.arg = right, .err = err, .limit = device,
	};
	struct ai_audit_id id;

	count_denied(kind.err);
	if (!ai_audit_on())
		return;
	ai_audit_id_quick(&id);
	ai_tally_add(&kind, &id, 1);
}

int ai_audit_init(void)
{
	int ret;

	ai_audit_wq = alloc_ordered_workqueue("aioffload-audit", 0);
	if (!ai_audit_wq)
		return -ENOMEM;
	ret = ai_exec_init();
	if (ret)
		destroy_workqueue(ai_audit_wq);
	return ret;
}

void ai_audit_exit(void)
{
	ai_exec_exit();
	ai_tally_exit();
	destroy_workqueue(ai_audit_wq);
	ai_measure_exit();
}
