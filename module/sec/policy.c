// SPDX-License-Identifier: GPL-2.0
/*
 * What is demanded of models; and the beginning and end of sec.
 *
 * A policy can be locked: from then on, until the module is unloaded, it only
 * gets stricter. Kernel lockdown locks it as well.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/security.h>
#include <linux/string.h>

#include "../core/internal.h"
#include "admission.h"

static char *policy_param = "enforce";
module_param_named(policy, policy_param, charp, 0444);
MODULE_PARM_DESC(policy,
		 "Of models at load time: enforce (only signed ones), permissive (refusals are only recorded) or off; see AIOFFLOAD_IOC_POLICY");

static const char *const mode_names[] = {
	[AIOFFLOAD_POLICY_OFF]		= "off",
	[AIOFFLOAD_POLICY_PERMISSIVE]	= "permissive",
	[AIOFFLOAD_POLICY_ENFORCE]	= "enforce",
};

/* Written under policy_lock; each value is read by itself, without it. */
static struct {
	u32 mode;
	u32 keyrings;
	u32 signed_drivers;
	u32 locked;
} policy;

static DEFINE_MUTEX(policy_lock);

#define SET_ALL	(AIOFFLOAD_POLICY_SET_MODE | AIOFFLOAD_POLICY_SET_KEYRINGS | \
		 AIOFFLOAD_POLICY_SET_DRIVERS | AIOFFLOAD_POLICY_SET_AUDIT | \
		 AIOFFLOAD_POLICY_SET_LOCKED)

u32 ai_policy_mode(void)
{
	return READ_ONCE(policy.mode);
}

u32 ai_policy_keyrings(void)
{
	return READ_ONCE(policy.keyrings);
}

bool ai_policy_signed_drivers(void)
{
	return READ_ONCE(policy.signed_drivers);
}

/* Asking about lockdown leaves a line in the log, so only when it matters. */
static bool kernel_locked_down(void)
{
	return security_locked_down(LOCKDOWN_MODULE_PARAMETERS);
}

bool ai_policy_is_locked(void)
{
	return READ_ONCE(policy.locked) || kernel_locked_down();
}

/* ---- the ioctl ---------------------------------------------------------- */

static int check_values(const struct aioffload_policy *k)
{
	if (k->flags & ~SET_ALL)
		return -EINVAL;
	if (k->flags & AIOFFLOAD_POLICY_SET_MODE &&
	    k->mode > AIOFFLOAD_POLICY_ENFORCE)
		return -EINVAL;
	if (k->flags & AIOFFLOAD_POLICY_SET_KEYRINGS &&
	    k->keyrings & ~(AIOFFLOAD_KEYS_SECONDARY |
			    AIOFFLOAD_KEYS_PLATFORM))
		return -EINVAL;
	if (k->flags & AIOFFLOAD_POLICY_SET_DRIVERS && k->signed_drivers > 1)
		return -EINVAL;
	if (k->flags & AIOFFLOAD_POLICY_SET_AUDIT &&
	    k->audit > AIOFFLOAD_AUDIT_EXEC)
		return -EINVAL;
	if (k->flags & AIOFFLOAD_POLICY_SET_LOCKED && k->locked > 1)
		return -EINVAL;
	return 0;
}

/* Does it ask for less than holds now? */
static bool is_weaker(const struct aioffload_policy *k)
{
	return (k->flags & AIOFFLOAD_POLICY_SET_MODE &&
		k->mode < policy.mode) ||
	       (k->flags & AIOFFLOAD_POLICY_SET_KEYRINGS &&
		k->keyrings & ~policy.keyrings) ||
	       (k->flags & AIOFFLOAD_POLICY_SET_DRIVERS &&
		k->signed_drivers < policy.signed_drivers) ||
	       (k->flags & AIOFFLOAD_POLICY_SET_LOCKED &&
		k->locked < policy.locked);
}

static int change(const struct ai_sec_ctx *sec,
		  const struct aioffload_policy *k)
{
	if (!ai_sec_override(sec))
		return -EPERM;
	/* Nobody would be let in who asks whether a driver is signed. */
	if (k->flags & AIOFFLOAD_POLICY_SET_DRIVERS && k->signed_drivers &&
	    !IS_ENABLED(CONFIG_MODULE_SIG))
		return -EOPNOTSUPP;
	if (is_weaker(k) && ai_policy_is_locked())
		return -EPERM;
	if (k->flags & AIOFFLOAD_POLICY_SET_MODE)
		WRITE_ONCE(policy.mode, k->mode);
	if (k->flags & AIOFFLOAD_POLICY_SET_KEYRINGS)
		WRITE_ONCE(policy.keyrings, k->keyrings);
	if (k->flags & AIOFFLOAD_POLICY_SET_DRIVERS)
		WRITE_ONCE(policy.signed_drivers, k->signed_drivers);
	if (k->flags & AIOFFLOAD_POLICY_SET_AUDIT)
		WRITE_ONCE(ai_audit_each, k->audit == AIOFFLOAD_AUDIT_EXEC);
	if (k->flags & AIOFFLOAD_POLICY_SET_LOCKED)
		WRITE_ONCE(policy.locked, k->locked);
	return 0;
}

/* What was asked for, of what was asked for. */
static void record(struct ai_sec_ctx *sec, const struct aioffload_policy *k,
		   int err)
{
	char text[128];
	size_t n = 0;

	text[0] = '\0';
	if (k->flags & AIOFFLOAD_POLICY_SET_MODE)
		n += scnprintf(text + n, sizeof(text) - n, "mode=%s ",
			       mode_names[k->mode]);
	if (k->flags & AIOFFLOAD_POLICY_SET_KEYRINGS)
		n += scnprintf(text + n, sizeof(text) - n, "keyrings=%#x ",
			       k->keyrings);
	if (k->flags & AIOFFLOAD_POLICY_SET_DRIVERS)
		n += scnprintf(text + n, sizeof(text) - n,
			       "signed_drivers=%u ", k->signed_drivers);
	if (k->flags & AIOFFLOAD_POLICY_SET_AUDIT)
		n += scnprintf(text + n, sizeof(text) - n, "audit=%s ",
			       k->audit ? "exec" : "batch");
	if (k->flags & AIOFFLOAD_POLICY_SET_LOCKED)
		n += scnprintf(text + n, sizeof(text) - n, "locked=%u ",
			       k->locked);
	if (n)
		text[n - 1] = '\0';
	ai_audit_policy(sec, "policy", text, err);
}

long ai_sec_policy(struct ai_sec_ctx *sec, void __user *uarg)
{
	struct aioffload_policy k;
	int ret;

	ret = ai_copy_in(&k, sizeof(k), offsetof(struct aioffload_policy, denied),
			 uarg);
	if (!ret)
		ret = check_values(&k);
	if (ret)
		return ret;
	if (k.flags) {
		mutex_lock(&policy_lock);
		ret = change(sec, &k);
		if (!ret && k.flags & AIOFFLOAD_POLICY_SET_MODE)
			ai_block_review();
		mutex_unlock(&policy_lock);
		record(sec, &k, ret);
		if (ret)
			return ret;
	}
	mutex_lock(&policy_lock);
	k = (struct aioffload_policy) {
		.size = k.size,
		.flags = k.flags,
		.mode = policy.mode,
		.keyrings = policy.keyrings,
		.signed_drivers = policy.signed_drivers,
		.audit = READ_ONCE(ai_audit_each) ? AIOFFLOAD_AUDIT_EXEC :
						    AIOFFLOAD_AUDIT_BATCH,
		.locked = policy.locked,
	};
	mutex_unlock(&policy_lock);
	k.nr_keys = ai_keyring_count();
	k.admitted = atomic64_read(&ai_audit_totals.admitted);
	k.refused = atomic64_read(&ai_audit_totals.refused);
	k.lost = atomic64_read(&ai_audit_totals.lost);
	k.denied = atomic64_read(&ai_audit_totals.denied);
	return ai_copy_out(uarg, &k, sizeof(k));
}

/* ---- beginning and end -------------------------------------------------- */

static int policy_init(void)
{
	int mode = match_string(mode_names, ARRAY_SIZE(mode_names),
				policy_param);

	if (mode < 0) {
		pr_err("aioffload: policy=%s is none of enforce, permissive, off\n",
		       policy_param);
		return -EINVAL;
	}
	if (mode < AIOFFLOAD_POLICY_ENFORCE && kernel_locked_down()) {
		pr_warn("aioffload: the kernel is locked down: policy=%s is not accepted, enforce holds\n",
			mode_names[mode]);
		mode = AIOFFLOAD_POLICY_ENFORCE;
	}
	policy.mode = mode;
	return 0;
}

int ai_sec_init(void)
{
	int ret;

	ret = policy_init();
	if (ret)
		return ret;
	ai_block_init();
	ret = ai_audit_init();
	if (ret)
		return ret;
	ret = ai_group_init();
	if (ret)
		goto err_audit;
	ret = ai_keyring_init();
	if (ret)
		goto err_group;
	return 0;

err_group:
	ai_group_exit();
err_audit:
	ai_audit_exit();
	return ret;
}

void ai_sec_exit(void)
{
	ai_block_exit();
	ai_keyring_exit();
	ai_group_exit();
	ai_audit_exit();
}
