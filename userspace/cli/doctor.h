/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What aioffload doctor looks at; also its tests' way in. */
#ifndef AIOFFLOAD_CLI_DOCTOR_H
#define AIOFFLOAD_CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define DOCTOR_MAX_CHECKS	32
#define DOCTOR_TEXT		768

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

/**
 * struct doctor_check - one line of the report
 * @name:	fixed, for programs ("headers")
 * @text:	what was found
 * @fix:	the command that mends it, or ""
 */
struct doctor_check {
	const char *name;
	enum doctor_verdict verdict;
	char text[DOCTOR_TEXT];
	char fix[DOCTOR_TEXT];
};

/**
 * struct doctor - the machine, as far as it is known
 * @root:	"" for this machine; tests give a directory that looks like one
 * @uid:	whose permissions count
 * @user:	that user's name
 * @groups:	that user's groups now, in this session
 * @release:	of the running kernel
 * @debian:	packages are named as Debian names them
 * @module_path: of aioffload.ko for this kernel, without @root; "" if missing
 * @loaded:	the module is
 * @enforced:	the kernel takes signed modules only
 * @nr_certs:	certificates kept for aioffloadd, negative if they can't be seen
 */
struct doctor {
	const char *root;
	uid_t uid;
	char user[64];
	gid_t groups[256];
	size_t nr_groups;

	char release[128];
	bool debian;
	char module_path[512];
	bool loaded;
	bool enforced;
	int nr_certs;

	struct doctor_check checks[DOCTOR_MAX_CHECKS];
	size_t nr_checks;
};

/* Fill in who the caller is. */
void doctor_identify(struct doctor *d);

/* All checks, in order. */
void doctor_examine(struct doctor *d);
enum doctor_verdict doctor_worst(const struct doctor *d);

/* ---- parts -------------------------------------------------------------- */

void doctor_kernel(struct doctor *d);		/* kernel, headers */
void doctor_module(struct doctor *d);		/* module, dkms */
void doctor_signing(struct doctor *d);		/* secure-boot, signature */
void doctor_loaded(struct doctor *d);		/* loaded */
void doctor_nodes(struct doctor *d);		/* node, group */
void doctor_keys(struct doctor *d);		/* keys */
void doctor_devices(struct doctor *d);		/* abi, policy, devices */

struct aioffload_ctx;
void doctor_policy(struct doctor *d, struct aioffload_ctx *ctx);

/* Add a line; doctor_say() gives it its text, doctor_fix() its command. */
struct doctor_check *doctor_add(struct doctor *d, const char *name,
				enum doctor_verdict verdict);
__attribute__((format(printf, 2, 3)))
void doctor_say(struct doctor_check *c, const char *fmt, ...);
__attribute__((format(printf, 2, 3)))
void doctor_fix(struct doctor_check *c, const char *fmt, ...);

/*
 * Files below the root, whose links stay below it. doctor_open() answers -1
 * with errno set.
 */
__attribute__((format(printf, 3, 4)))
int doctor_open(const struct doctor *d, int flags, const char *fmt, ...);
FILE *doctor_fopen(const struct doctor *d, const char *path);
__attribute__((format(printf, 2, 3)))
bool doctor_exists(const struct doctor *d, const char *fmt, ...);

/*
 * Up to @len - 1 bytes of a file under the root, NUL-terminated. The number
 * read, or -errno.
 */
ssize_t doctor_read(const struct doctor *d, const char *path, char *buf,
		    size_t len);
/* Likewise, first line only, without its newline. False if unreadable. */
bool doctor_line(const struct doctor *d, const char *path, char *buf,
		 size_t len);

#endif /* AIOFFLOAD_CLI_DOCTOR_H */
