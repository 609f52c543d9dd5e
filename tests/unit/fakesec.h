/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The security calls of fakekernel.h. Cgroups are directories below a scratch
 * directory, which fake_sec_boot() makes the root for the code under test.
 */
#ifndef FAKESEC_H
#define FAKESEC_H

#include <linux/aioffload.h>
#include <stdbool.h>

#define FAKE_GRANTS	32

struct fake_grant {
	bool used, has;
	unsigned long long id;
	char path[256];
	__u32 rights;
	__u64 devices[AIOFFLOAD_MAX_DEVICES / 64];
	struct aioffload_usage res[AIOFFLOAD_RES_NR];
	__u32 weight, cpu_weight;
	bool shares;			/* device 0, as it says here: */
	struct aioffload_sched share;
};

struct fake_security {
	bool denied;			/* whatever changes something is EPERM */
	struct aioffload_policy policy;
	struct aioffload_block blocks[16];
	unsigned int nr_blocks;
	struct fake_grant grants[FAKE_GRANTS];
	unsigned int changes;		/* calls that changed something */
	char self[256];			/* cgroup of the caller, "/" */
	char root[64];
};

/* Shared with children, in which the command runs. */
extern struct fake_security *fake_secp;
#define fake_sec (*fake_secp)

void fake_sec_boot(void);
void fake_sec_shutdown(void);
/* Make a cgroup with its parents, "a/b". */
void fake_cgroup(const char *path);
/* It shares device 0 from now on; to be filled in further. It stays there. */
struct aioffload_sched *fake_share(const char *path);
/* What was granted to it, NULL: nothing. */
struct fake_grant *fake_granted(const char *path);

/* Called by fakekernel.c; -ENOTTY: not one of these, or not booted. */
int fake_sec_ioctl(unsigned long req, void *arg);

#endif /* FAKESEC_H */
