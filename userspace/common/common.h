/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the command and the daemon both read and write: words, cgroups, devices. */
#ifndef AIOFFLOAD_COMMON_H
#define AIOFFLOAD_COMMON_H

#include <aioffload.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- words.c ------------------------------------------------------------ */

/*
 * Parsers return 0, or -EINVAL for what is not a sentence of the language.
 * Lists are separated by commas or blanks.
 */

/* "exec,load", "all", "none" */
int words_rights(const char *text, uint32_t *rights);

/*
 * What the command takes: a set as above, or changes, "+rt,-load", of the set
 * in @rights.
 */
int words_rights_change(const char *text, uint32_t *rights);

#define WORDS_RIGHTS_LEN	32
const char *words_from_rights(uint32_t rights, char out[WORDS_RIGHTS_LEN]);

int words_bool(const char *text, bool *value);		/* yes no on off ... */
int words_mode(const char *text, uint32_t *mode);	/* enforce ... */
int words_audit(const char *text, uint32_t *audit);	/* batch exec */
int words_keyrings(const char *text, uint32_t *keyrings);

#define WORDS_KEYRINGS_LEN	32
const char *words_from_keyrings(uint32_t rings, char out[WORDS_KEYRINGS_LEN]);

/* "512M" (units of 1024), "12", "none": AIOFFLOAD_NO_LIMIT */
int words_bytes(const char *text, uint64_t *bytes);
int words_count(const char *text, uint64_t *count);

/* "20ms/100ms", "20000/100000" (microseconds), "none" */
int words_time(const char *text, uint64_t *ns, uint64_t *period_ns);

/* A value of any of the five for that resource; @period_ns is 0 but for time. */
int words_limit(uint32_t resource, const char *text, uint64_t *limit,
		uint64_t *period_ns);

/* "200", 1 to 10000; "none": 0 */
int words_weight(const char *text, uint32_t *weight);

int words_digest(const char *hex, uint8_t digest[AIOFFLOAD_DIGEST_LEN]);

/* ---- cgroup.c ----------------------------------------------------------- */

/* Where the cgroup 2 hierarchy is mounted; NULL: nowhere. */
const char *cgroup_root(void);
void cgroup_set_root(const char *root);		/* for tests */

/*
 * Open a cgroup's directory: "/system.slice", "system.slice" and
 * "/sys/fs/cgroup/system.slice" are the same; "self" is the caller's own. A fd
 * or a negative errno value, -ENODEV if there is no cgroup 2 hierarchy.
 */
int cgroup_open(const char *name);

/* Is this fd in a cgroup 2 hierarchy? Always, after cgroup_set_root(). */
bool cgroup_is_one(int fd);

/* ---- devices.c ---------------------------------------------------------- */

/*
 * Devices by name: "all", "none", numbers "3", "aioffload3", "0-2",
 * "class:npu", "driver:aioffload_cpu". A list is parsed once and resolved when
 * asked, since devices come and go.
 */

/* 0 or -EINVAL; then *bad (at most @bad_len bytes) is the word that is wrong. */
int devices_check(const char *list, char *bad, size_t bad_len);

/*
 * Bits of @devices that @list means now. Returns 1 if the list is "all": then
 * all that will ever come are meant too; 0, or a negative errno value.
 */
int devices_resolve(struct aioffload_ctx *ctx, const char *list,
		    uint64_t devices[AIOFFLOAD_DEVICE_WORDS]);

/* "all", "none", "0-2,5". Cut to fit. Returns @out. */
const char *devices_text(const uint64_t devices[AIOFFLOAD_DEVICE_WORDS],
			 char *out, size_t len);
bool devices_are_all(const uint64_t devices[AIOFFLOAD_DEVICE_WORDS]);

/* ---- certs.c ------------------------------------------------------------ */

#define CERT_NAME_LEN	128
#define CERTS_MAX	64	/* in one file */

struct cert {
	uint8_t *der;
	size_t der_bytes;
	uint8_t key_id[AIOFFLOAD_DIGEST_LEN];
	char name[CERT_NAME_LEN];	/* of the subject; printable */
	const char *weak;	/* why the kernel won't take it, or NULL */
	int64_t not_after;	/* seconds since 1970 */
};

/*
 * All certificates of a file in memory, PEM or DER. Returns their number, or a
 * negative errno value with a sentence in @why. Free with certs_free().
 */
int certs_parse(const void *data, size_t bytes, struct cert **certs,
		const char **why);
void certs_free(struct cert *certs, int n);

#endif /* AIOFFLOAD_COMMON_H */
