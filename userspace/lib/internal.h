/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the library share; nothing here is exported. */
#ifndef AIOFFLOAD_INTERNAL_H
#define AIOFFLOAD_INTERNAL_H

#include "aioffload.h"

#define REASON_LEN	512	/* room for the kernel's words on a model */
#define OFFSET_ALIGN	64	/* of sample 0 of every input and output */

struct aioffload_ctx {
	int fd;
	char name[AIOFFLOAD_NAME_LEN];	/* of the node, for messages */
};

struct aioffload_buf {
	int fd;
	size_t bytes;
	void *data;		/* set once, atomically; NULL until mapped */
};

struct aioffload_model {
	int fd;
	struct aioffload_model_info info;
	struct aioffload_model_tensor *tensors;	/* inputs, then outputs */
	size_t sample_bytes[2];			/* by AIOFFLOAD_DIR_* */
};

struct aioffload_binding {
	struct aioffload_ctx *ctx;
	struct aioffload_buf *buf;
	uint32_t slot;
	uint32_t samples;
	uint32_t nr[2];				/* by AIOFFLOAD_DIR_* */
	struct aioffload_bind_io ios[];		/* inputs, then outputs */
};

/* Keep one sentence for aioffload_last_error(); returns -abs(err). */
__attribute__((format(printf, 2, 3)))
int lib_fail(int err, const char *fmt, ...);

/* ioctl() that answers its result or -errno. */
int lib_ioctl(int fd, unsigned long request, void *arg);

/* "/dev/aioffload" or "/dev/aioffload3", or -ENAMETOOLONG */
int lib_node_path(uint32_t device, char *path, size_t len);

/*
 * If @err is -EACCES or -EDQUOT, keep a sentence that names the right (@right)
 * or the limit, the cgroup, and who can change it; else do nothing. @did: what
 * was wanted, "run jobs". Returns whether it was.
 */
int lib_denied(struct aioffload_ctx *ctx, int err, uint32_t right,
	       const char *did);

/*
 * A change of a cgroup, or a look at one, was refused: say which of the reasons
 * it is. @what: "can't grant it". Returns -abs(err).
 */
int lib_refused(int err, const char *what);

/* Has this process CAP_SYS_ADMIN (in whatever user namespace it is in)? */
int lib_is_admin(void);

#endif /* AIOFFLOAD_INTERNAL_H */
