// SPDX-License-Identifier: GPL-2.0
/* A label is found by struct lsm_prop and struct lsm_context. */
#include <linux/module.h>
#include <linux/security.h>

int probe(struct lsm_prop *prop, struct lsm_context *cp);
int probe(struct lsm_prop *prop, struct lsm_context *cp)
{
	int len;

	security_current_getlsmprop_subj(prop);
	len = security_lsmprop_to_secctx(prop, cp, LSM_ID_UNDEF);
	security_release_secctx(cp);
	return len;
}

MODULE_LICENSE("GPL");
