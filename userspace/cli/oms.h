/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OpenSSF Model Signing v1.0: a sigstore bundle, in it a DSSE envelope, in it
 * an in-toto statement that lists the files of a model with their digests.
 * docs/signing.md says what of it is done here.
 */
#ifndef AIOFFLOAD_CLI_OMS_H
#define AIOFFLOAD_CLI_OMS_H

#include "sign.h"

#define OMS_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define OMS_STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define OMS_PREDICATE_TYPE "https://model_signing/signature/v1.0"
#define OMS_MEDIA_TYPE	"application/vnd.dev.sigstore.bundle.v0.3+json"

#define OMS_MAX_BYTES	(64U << 20)	/* of a bundle */
#define OMS_MAX_FILES	(1U << 20)	/* or shards */
#define OMS_MAX_DIGEST	64

enum oms_method { OMS_KEY, OMS_CERTIFICATE, OMS_SIGSTORE };

struct oms_resource {
	char *name;
	uint8_t digest[OMS_MAX_DIGEST];
};

struct oms_list {
	struct oms_resource *items;
	size_t nr, room;
};

/**
 * struct oms_rules - how a model is turned into a list
 * @hash:	"sha256" or "blake2b"
 * @shard_size:	0: whole files
 * @ignore:	paths below the model, beside the four that always are
 */
struct oms_rules {
	const char *hash;
	uint64_t shard_size;
	bool allow_symlinks;
	char **ignore;
	size_t nr_ignore;
};

/**
 * struct oms - a bundle
 * @method:	how it was signed
 * @hint:	which key it names, may be NULL
 * @payload:	the statement's bytes, @sig the signature over them
 * @root:	from here on of the statement; valid after oms_parse_statement()
 */
struct oms {
	enum oms_method method;
	char *hint;
	uint8_t *payload, *sig;
	size_t payload_bytes, sig_bytes;

	uint8_t root[32];
	char *subject;
	struct oms_rules rules;
	struct oms_list list;
};

/* ---- oms_parse.c -------------------------------------------------------- */

/* Strict JSON, no deeper than needed, UTF-8; NULL if it is not. */
struct json_object *oms_json_parse(const void *data, size_t bytes);

/* The errno in @v is EBADMSG for all that is malformed. */
int oms_parse_bundle(const void *data, size_t bytes, struct oms **out,
		     struct verdict *v);
int oms_parse_statement(struct oms *oms, struct verdict *v);
void oms_free(struct oms *oms);

/* A path below a model in its one form: no ".", "..", "//", "/" at either end. */
bool oms_path_ok(const char *path);

/* ---- oms_tree.c --------------------------------------------------------- */

/*
 * Lists a file or directory by the rules, sorted by name. What is below it at
 * @skip (NULL: nothing) is left out: the bundle itself.
 */
int oms_list_model(const char *path, const struct oms_rules *rules,
		   const char *skip, struct oms_list *list, struct verdict *v);
void oms_list_free(struct oms_list *list);
/* Takes @name over. 0 or -ENOMEM. */
int oms_list_add(struct oms_list *list, char *name,
		 const uint8_t digest[OMS_MAX_DIGEST]);
void oms_list_sort(struct oms_list *list);
size_t oms_hash_bytes(const char *hash);	/* 0: not supported */

/*
 * SHA-256 over the digests, in the list's order; @len: bytes of each digest.
 * 0 or -EIO.
 */
int oms_root_digest(const struct oms_list *list, size_t len, uint8_t root[32]);

/* Where @file lies below @dir, as a path relative to it; NULL: not there. */
char *oms_path_below(const char *dir, const char *file);
/* The last component; never empty or ".." for what exists. free() it. */
char *oms_base_name(const char *path);

/* The option --ignore PATH of both ways, as an argp child. */
#define OMS_MAX_IGNORE	64
struct oms_ignore {
	char *path[OMS_MAX_IGNORE];
	size_t nr;
};
extern const struct argp oms_ignore_argp;

/* ---- oms.c -------------------------------------------------------------- */

/* Reads and parses the outer layers. CLI status, message printed. */
int oms_load(const char *path, struct oms **out);

/*
 * Is it signed by @key? Only then is the statement parsed: on success all of
 * @oms is valid, but nothing is compared with any file yet.
 */
int oms_check_signature(struct oms *oms, EVP_PKEY *key, struct verdict *v);

/* The verifier's own exceptions, beside those of the statement. */
int oms_ignore_more(struct oms *oms, const struct oms_ignore *more,
		    struct verdict *v);

/* Are the files at @path those that are listed, no less and no more? */
int oms_check_files(const struct oms *oms, const char *bundle,
		    const char *path, struct verdict *v);

/* Is a file with this SHA-256 among them? */
bool oms_lists(const struct oms *oms, const uint8_t digest[32]);

struct oms_sign_args {
	const char *path;
	const char *key;
	const char *pass_file;
	const char *out;	/* NULL: beside the file, in the directory */
	const struct oms_ignore *ignore;
	bool json;
};
int oms_sign(const struct oms_sign_args *args);

#endif /* AIOFFLOAD_CLI_OMS_H */
