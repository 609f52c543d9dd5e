/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the command aioffload share. */
#ifndef AIOFFLOAD_CLI_H
#define AIOFFLOAD_CLI_H

#include <argp.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses; aioffload(1) lists them. */
enum {
	CLI_OK		= 0,
	CLI_FAILED	= 1,	/* a job, a device or a file operation failed */
	CLI_USAGE	= 2,
	CLI_REFUSED	= 3,	/* a model or an input is not acceptable */
	CLI_SETUP	= 4,	/* no module, device or permission: see doctor */
};

/* ---- cli.c -------------------------------------------------------------- */

/* The whole command; argv[0] is the program's name. Returns the exit status. */
int cli_main(int argc, char **argv);

int cmd_devices(int argc, char **argv);
int cmd_model(int argc, char **argv);
int cmd_model_convert(int argc, char **argv);
int cmd_model_info(int argc, char **argv);
int cmd_model_keygen(int argc, char **argv);
int cmd_model_manifest(int argc, char **argv);
int cmd_model_sign(int argc, char **argv);
int cmd_model_verify(int argc, char **argv);
int cmd_model_trust(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_attest(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_block(int argc, char **argv);
int cmd_unblock(int argc, char **argv);
int cmd_grant(int argc, char **argv);
int cmd_revoke(int argc, char **argv);
int cmd_rights(int argc, char **argv);
int cmd_limit(int argc, char **argv);
int cmd_usage(int argc, char **argv);
int cmd_sched(int argc, char **argv);

/* "aioffload: message" on stderr; returns @status. */
__attribute__((format(printf, 2, 3)))
int cli_error(int status, const char *fmt, ...);

/* The library's last error, with the exit status that fits @err. */
int cli_lib_error(int err);

/* A whole number in [@min, @max] for an option, or argp_error(). */
uint64_t cli_number(struct argp_state *state, const char *what,
		    const char *text, uint64_t min, uint64_t max);

/*
 * What most commands are about: one argument. Children for argp, with the option
 * --json and without.
 */
struct subject {
	const char *what;	/* "model", for messages */
	bool optional;
	const char *name;	/* what was given, or NULL */
	bool json;
};
extern const struct argp subject_argp, subject_json_argp;
extern const struct argp_child subject_child[], subject_json_child[];

/* A device's number ("0" or "aioffload0") or "any", or argp_error(). */
uint32_t cli_device(struct argp_state *state, const char *text);

/* ---- rights.c ----------------------------------------------------------- */

/* Open a cgroup by name. CLI_OK, or a status with the message printed. */
int cli_cgroup(const char *name, int *fd);

struct aioffload_ctx;

/* Likewise with a context; cli_release() both. */
struct cli_target {
	struct aioffload_ctx *ctx;
	int fd;
};
int cli_on_cgroup(const char *name, struct cli_target *t);
void cli_release(struct cli_target *t);

/* ---- text.c ------------------------------------------------------------- */

#define CLI_NUM_LEN	32

/* "12.3 us", "1.50 ms"; "4.0 KiB"; "2.66 M". Return @buf. */
const char *text_ns(double ns, char buf[CLI_NUM_LEN]);
const char *text_bytes(uint64_t bytes, char buf[CLI_NUM_LEN]);
const char *text_count(double n, char buf[CLI_NUM_LEN]);

/*
 * Text from a file as printable UTF-8: control characters and invalid bytes
 * become \xNN, so that a hostile name can't steer the terminal or break JSON.
 * Cut to fit. Returns @out.
 */
const char *text_clean(const char *text, char *out, size_t len);

#define TEXT_DIGEST_LEN	65
const char *text_hex(const uint8_t *data, size_t bytes, char *out);

/* Print and release. Returns CLI_OK, or CLI_FAILED if stdout can't take it. */
int json_print(struct json_object *obj);
void json_str(struct json_object *obj, const char *key, const char *text);
void json_u64(struct json_object *obj, const char *key, uint64_t value);
void json_dbl(struct json_object *obj, const char *key, double value);

/* Was everything on stdout taken? CLI_OK, or CLI_FAILED with a message. */
int cli_flush(void);

/* A line on stderr that counts; nothing unless stderr is a terminal. */
struct progress {
	const char *what;
	uint64_t next_ns;	/* when to print again */
	bool active;
	bool shown;
};
void progress_start(struct progress *p, const char *what);
void progress_show(struct progress *p, uint64_t done, uint64_t total);
void progress_end(struct progress *p);

uint64_t now_ns(void);

/* ---- file.c ------------------------------------------------------------- */

/*
 * A whole regular file, at most @max bytes, in memory aligned to 64 bytes.
 * free() it. Returns CLI_OK, or a status with the message printed.
 */
int file_load(const char *path, uint64_t max, void **data, size_t *bytes);

/*
 * A file that comes into being whole or not at all: written under a temporary
 * name in the same directory, renamed by out_commit(). "-" is stdout; devices
 * and pipes are written directly.
 */
struct out_file {
	int fd;
	const char *path;	/* as the user wrote it */
	char *target;		/* what a rename replaces; NULL: direct */
	char *temp;
};
int out_open(struct out_file *out, const char *path);
int out_write(struct out_file *out, const void *data, size_t bytes);
int out_commit(struct out_file *out);
void out_abort(struct out_file *out);	/* also after commit: no effect */

struct iovec;

/* readv()/writev() until done; advances @iov. Bytes moved, or -errno. */
int64_t readv_full(int fd, struct iovec *iov, size_t n);
int64_t writev_full(int fd, struct iovec *iov, size_t n);

/* ---- stats.c ------------------------------------------------------------ */

#define STATS_MAX	(1U << 20)	/* values kept; more are sampled */

struct stats {
	uint64_t *values;
	size_t kept, room;
	uint64_t seen, min, max;
	double sum;
	uint64_t random;
};

struct stats_summary {
	uint64_t count, min, median, p99, max;
	double mean;
};

void stats_init(struct stats *s);
void stats_free(struct stats *s);
int stats_add(struct stats *s, uint64_t value);		/* 0 or -ENOMEM */
void stats_reset(struct stats *s);
struct stats_summary stats_summarise(struct stats *s);
struct json_object *stats_json(const struct stats_summary *sum);

/* ---- digest.c ----------------------------------------------------------- */

/* SHA-256 as hex. 0 or -EIO. */
int digest_hex(const void *data, size_t bytes, char out[TEXT_DIGEST_LEN]);

/* ---- info_aim.c, info_tflite.c ------------------------------------------ */

int info_aim(const char *path, const void *data, size_t bytes, bool json);
int info_tflite(const char *path, const void *data, size_t bytes, bool json);

/* What a line of `model info` says of a tensor, from either kind of file. */
struct tensor_line {
	const char *kind;	/* "input", "output" */
	unsigned int index;
	const char *name;
	const char *type;
	unsigned int rank;
	const int64_t *dims;
	double scale;		/* 0: not quantised */
	long long zero_point;
	uint64_t bytes;		/* 0: unknown */
};
void tensor_print(const struct tensor_line *t);
struct json_object *tensor_json(const struct tensor_line *t);

#endif /* AIOFFLOAD_CLI_H */
