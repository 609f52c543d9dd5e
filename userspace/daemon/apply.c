// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Blocks, policy and keys to the kernel; and what comes when.
 *
 * A module that was just loaded admits nothing, since it knows no key. So what
 * refuses comes before what admits: a model that is blocked, a cgroup without
 * rights and a driver without a signature must not have their moment in between,
 * least of all since what is bound by then stays so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define MAX_ENTRIES	(1U << 20)	/* a kernel that never comes to an end */

struct table {
	struct aioffload_block *b;
	size_t n;
};

static int read_table(struct aioffload_ctx *ctx, struct table *t)
{
	struct aioffload_block entry, *more;
	int ret = 0;

	while (t->n < MAX_ENTRIES) {
		ret = aioffload_block_get(ctx, (uint32_t)t->n, &entry);
		if (ret)
			break;
		more = reallocarray(t->b, t->n + 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		t->b = more;
		t->b[t->n++] = entry;
	}
	return ret == -ENOENT ? 0 : ret;
}

/* A higher minimum than ours may have been set by hand: it stays. */
static bool in_table(const struct table *t, const struct aioffload_block *want)
{
	const struct aioffload_block *b;
	size_t i;

	for (i = 0; i < t->n; i++) {
		b = &t->b[i];
		if (b->kind != want->kind)
			continue;
		if (b->kind == AIOFFLOAD_BLOCK_VERSION ?
		    !strcmp(b->name, want->name) && b->version >= want->version :
		    !memcmp(b->id, want->id, sizeof(b->id)))
			return true;
	}
	return false;
}

void apply_blocks(struct aioffload_ctx *ctx, const struct config *c)
{
	struct table t = { 0 };
	size_t i;

	if (!c->nr_blocks)
		return;
	if (read_table(ctx, &t))
		log_err("%s", aioffload_last_error());
	for (i = 0; i < c->nr_blocks; i++) {
		if (in_table(&t, &c->blocks[i].entry))
			continue;
		if (aioffload_block_add(ctx, &c->blocks[i].entry))
			log_err("%s: %s", c->blocks[i].file,
				aioffload_last_error());
	}
	free(t.b);
}

/* Which of its settings make the policy stricter than it is now? */
static uint32_t rises(const struct aioffload_policy *want,
		      const struct aioffload_policy *now)
{
	uint32_t set = 0;

	if (want->mode > now->mode)
		set |= AIOFFLOAD_POLICY_SET_MODE;
	if (!(want->keyrings & ~now->keyrings))
		set |= AIOFFLOAD_POLICY_SET_KEYRINGS;
	if (want->signed_drivers && !now->signed_drivers)
		set |= AIOFFLOAD_POLICY_SET_DRIVERS;
	if (want->locked)
		set |= AIOFFLOAD_POLICY_SET_LOCKED;
	return set;
}

void apply_policy(struct aioffload_ctx *ctx, const struct config *c)
{
	struct aioffload_policy now, want = c->policy;
	uint32_t set = c->policy_set, rest;

	if (!set)
		return;
	if (aioffload_policy_get(ctx, &now)) {
		log_err("%s", aioffload_last_error());
		return;
	}
	if (want.mode == now.mode)
		set &= ~AIOFFLOAD_POLICY_SET_MODE;
	/* as for keys of our own: none more while nobody knows what is refused */
	if (want.keyrings == now.keyrings ||
	    (c->trust_bad && want.keyrings & ~now.keyrings))
		set &= ~AIOFFLOAD_POLICY_SET_KEYRINGS;
	if (!!want.signed_drivers == !!now.signed_drivers)
		set &= ~AIOFFLOAD_POLICY_SET_DRIVERS;
	if (want.audit == now.audit)
		set &= ~AIOFFLOAD_POLICY_SET_AUDIT;
	if (!want.locked || now.locked)
		set &= ~AIOFFLOAD_POLICY_SET_LOCKED;
	if (set && aioffload_policy_set(ctx, &want, set)) {
		log_err("policy.conf: %s", aioffload_last_error());
		/* what can't be lowered must not keep the rest from rising */
		rest = set & rises(&want, &now);
		if (rest && rest != set &&
		    aioffload_policy_set(ctx, &want, rest))
			log_err("policy.conf: %s", aioffload_last_error());
	}
}

void apply_keys(const struct config *c, const char *dir)
{
	if (c->trust_bad)
		log_err("no key is added: policy.conf or a file of blocked.d can't be read, and nobody knows what it refuses");
	keys_load(dir, c->trust_bad ? KEYS_TAKE_OUT : KEYS_ADD);
	if (c->close_keyring)
		keys_close();
}

void apply_config(struct aioffload_ctx *ctx, const struct config *c,
		  const char *dir, struct applied *a, void (*watch)(int dir_fd))
{
	apply_blocks(ctx, c);
	groups_apply(ctx, c, a, true, watch);
	apply_policy(ctx, c);
	apply_keys(c, dir);
}
