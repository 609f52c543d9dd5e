// SPDX-License-Identifier: LGPL-2.1-or-later
/* Keys, blocks and policy to the kernel. */
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

static void apply_blocks(struct aioffload_ctx *ctx, const struct config *c)
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

void apply_trust(struct aioffload_ctx *ctx, const struct config *c,
		 const char *dir)
{
	keys_load(dir, true);
	apply_blocks(ctx, c);
}

void apply_policy(struct aioffload_ctx *ctx, const struct config *c)
{
	struct aioffload_policy now, want = c->policy;
	uint32_t set = c->policy_set;

	/* closing and locking come last: they end what can be changed */
	if (!set)
		goto out;
	if (aioffload_policy_get(ctx, &now)) {
		log_err("%s", aioffload_last_error());
		goto out;
	}
	if (want.mode == now.mode)
		set &= ~AIOFFLOAD_POLICY_SET_MODE;
	if (want.keyrings == now.keyrings)
		set &= ~AIOFFLOAD_POLICY_SET_KEYRINGS;
	if (!!want.signed_drivers == !!now.signed_drivers)
		set &= ~AIOFFLOAD_POLICY_SET_DRIVERS;
	if (want.audit == now.audit)
		set &= ~AIOFFLOAD_POLICY_SET_AUDIT;
	if (!want.locked || now.locked)
		set &= ~AIOFFLOAD_POLICY_SET_LOCKED;
	if (set && aioffload_policy_set(ctx, &want, set)) {
		log_err("policy.conf: %s", aioffload_last_error());
		/* what can't be changed must not keep what can from being locked */
		if (set & AIOFFLOAD_POLICY_SET_LOCKED &&
		    set != AIOFFLOAD_POLICY_SET_LOCKED &&
		    aioffload_policy_set(ctx, &want, AIOFFLOAD_POLICY_SET_LOCKED))
			log_err("policy.conf: %s", aioffload_last_error());
	}
out:
	if (c->close_keyring)
		keys_close();
}
