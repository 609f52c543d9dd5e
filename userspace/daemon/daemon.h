/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aioffloadd: brings the kernel to what /etc/aioffload says, and keeps it there.
 *
 *	main.c		options, events, what is done when
 *	log.c		messages
 *	files.c		files that only their owner can have written
 *	config.c	what they say: policy, blocks, groups
 *	keys.c		certificates to the keyring
 *	match.c		patterns to cgroups
 *	groups.c	rights, limits and weights to cgroups
 *	follow.c	weights that nobody set: those of CPU time
 *	state.c		which cgroups have theirs from us, across restarts
 *	apply.c		all of it, in the right order
 */
#ifndef AIOFFLOADD_H
#define AIOFFLOADD_H

#include <aioffload.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#include "../common/common.h"

/* ---- log.c -------------------------------------------------------------- */

enum log_to { TO_STDERR, TO_JOURNAL, TO_SYSLOG, TO_NOTHING };

void log_open(enum log_to to);
__attribute__((format(printf, 2, 3)))
void log_msg(int priority, const char *fmt, ...);	/* LOG_ERR ... */

/* Messages of LOG_ERR and worse so far. */
extern unsigned int log_errors;

#define log_err(...)	log_msg(LOG_ERR, __VA_ARGS__)
#define log_warn(...)	log_msg(LOG_WARNING, __VA_ARGS__)
#define log_info(...)	log_msg(LOG_INFO, __VA_ARGS__)

/* ---- files.c ------------------------------------------------------------ */

/*
 * A whole file, NUL-terminated, if nobody but root (or who runs this) can have
 * written it: no other owner, not writable for group or others, and the same
 * for its directory. 0, -ENOENT (not logged), or another errno, logged.
 */
int file_read(const char *path, size_t max, char **data, size_t *bytes);

/* May one trust what is below it? 0, -ENOENT, or another errno, logged. */
int dir_check(const char *path);

/*
 * Names in a directory that end in one of the @suffixes (NULL-terminated), in
 * the order of strcmp(); hidden ones and backups are left out. Frees with
 * names_free(). 0, -ENOENT (not logged), or another errno, logged.
 */
struct names {
	char **path;
	size_t n;
};
int dir_list(const char *dir, const char *const *suffixes, struct names *names);
void names_free(struct names *names);

/* ---- config.c ----------------------------------------------------------- */

#define CONFIG_MAX_BYTES	(1U << 20)	/* of one file */

/* Which settings a rule or a target has, beside limits (bit: resource) */
#define SET_RIGHTS	(1U << 8)
#define SET_DEVICES	(1U << 9)
#define SET_WEIGHT	(1U << 10)

struct settings {
	uint32_t set;			/* SET_*, and 1 << resource */
	uint32_t rights;
	const char *devices;		/* a list; the rule's string */
	uint64_t limit[AIOFFLOAD_RES_NR];
	uint64_t period[AIOFFLOAD_RES_NR];
	uint32_t weight;		/* 0: that of CPU time */
};

struct rule {
	char *file;
	int line;
	char *pattern;			/* "a/b*"; "" is the root */
	char *devices;			/* what settings.devices points at */
	struct settings s;
};

struct block {
	char *file;
	int line;
	struct aioffload_block entry;
};

struct config {
	struct rule *rules;
	size_t nr_rules;
	struct block *blocks;
	size_t nr_blocks;
	struct aioffload_policy policy;
	uint32_t policy_set;		/* AIOFFLOAD_POLICY_SET_* */
	bool close_keyring;
	bool groups_bad;		/* a file of groups.d was left out */
	bool trust_bad;			/* policy.conf was, or one of blocked.d */
};

/* Reads all files. What is wrong is logged, and its file left out. */
void config_load(struct config *c, const char *dir);
void config_free(struct config *c);

/* One file's text; for config_load(), tests and fuzzers. 0 or -EINVAL. */
int config_groups(struct config *c, const char *name, const char *text);
int config_blocks(struct config *c, const char *name, const char *text);
int config_policy(struct config *c, const char *name, const char *text);

/* ---- keys.c ------------------------------------------------------------- */

/*
 * Certificates of DIR/keys.d: looked at; those that have gone taken out of the
 * keyring; new ones added to it.
 */
enum keys_how { KEYS_CHECK, KEYS_TAKE_OUT, KEYS_ADD };
void keys_load(const char *dir, enum keys_how how);
void keys_close(void);

/* ---- match.c ------------------------------------------------------------ */

/* A cgroup that rules speak of. */
struct target {
	char *path;			/* below the root, "a/b"; "" is it */
	uint64_t id;
	const struct rule *from;	/* the last one that matched */
	struct settings s;		/* of all that matched, later ones win */
	uint64_t devices[AIOFFLOAD_DEVICE_WORDS];
	bool all_devices;
};

struct targets {
	struct target *t;
	size_t n;
};

/*
 * Cgroups that match now, parents before their children. Calls @watch for every
 * directory in which another match may come into being, before it is read.
 */
int match_rules(const struct config *c, struct targets *out,
		void (*watch)(int dir_fd));
void targets_free(struct targets *t);

/* Is this a pattern? NULL, or what is wrong with it; else normal in @out. */
const char *pattern_check(const char *text, char out[PATH_MAX]);

/* ---- state.c, groups.c -------------------------------------------------- */

/*
 * Cgroups that have rights, limits or weights from us. On record in a file, so that a
 * daemon that is started anew knows what to take back.
 */
struct applied {
	struct target *t;
	size_t n;
	bool unknown;	/* read from the file: what they have is not known */
};

void state_load(const char *dir, struct applied *a);
void state_save(const char *dir, const struct applied *a);

/*
 * Give every target its rights and limits; those that have them already are
 * left alone unless @all. What is no target any more is taken back.
 */
void groups_apply(struct aioffload_ctx *ctx, const struct config *c,
		  struct applied *a, bool all, void (*watch)(int dir_fd));

/* ---- follow.c ----------------------------------------------------------- */

/*
 * Begin; @groups: the module's file that tells of cgroups that come to devices.
 * Returns a descriptor for poll(), or -1: there will be no events.
 */
int follow_start(const char *groups);
void follow_stop(void);

/* What is readable there: is a round due? */
bool follow_events(void);

/* How long to wait for an event before the next round, in ms; -1: for ever. */
int follow_timeout(void);

/* Tell the kernel what has changed. */
void follow_round(struct aioffload_ctx *ctx);

/* ---- apply.c ------------------------------------------------------------ */

/* Everything, in the order that is safe. */
void apply_config(struct aioffload_ctx *ctx, const struct config *c,
		  const char *dir, struct applied *a,
		  void (*watch)(int dir_fd));

/* The parts of it, for tests. */
void apply_blocks(struct aioffload_ctx *ctx, const struct config *c);
void apply_policy(struct aioffload_ctx *ctx, const struct config *c);
void apply_keys(const struct config *c, const char *dir);

#endif /* AIOFFLOADD_H */
