// SPDX-License-Identifier: GPL-2.0
/* A label is found by a number: the form before lsm_prop. */
#include <linux/module.h>
#include <linux/security.h>

int probe(char **data, u32 *len);
int probe(char **data, u32 *len)
{
	u32 secid;
	int ret;

	security_current_getsecid_subj(&secid);
	ret = security_secid_to_secctx(secid, data, len);
	security_release_secctx(*data, *len);
	return ret;
}

MODULE_LICENSE("GPL");
