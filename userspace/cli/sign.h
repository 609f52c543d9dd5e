/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys, certificates, signed model files. */
#ifndef AIOFFLOAD_CLI_SIGN_H
#define AIOFFLOAD_CLI_SIGN_H

#include <aim/manifest.h>
#include <aim/pkcs7.h>
#include <aim/verify.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "cli.h"

/* STACK_OF(X509) is spelled struct stack_st_X509 here, as it expands. */

#define KEYS_DIR	"/etc/aioffload/keys.d"
#define KEY_ID_LEN	32
/* Model, gap, manifest, signature, trailer. */
#define SIGNED_MAX_BYTES (AIM_MAX_FILE_BYTES + 8 + sizeof(struct aim_manifest) + \
			  AIM_MAX_SIG_BYTES + 64)
#define CERT_MAX_BYTES	65536

/**
 * struct verdict - what the kernel would say of a file
 * @err:	0, or the errno (positive) that MODEL_LOAD would fail with
 * @reason:	why
 */
struct verdict {
	int err;
	char reason[512];
};

/* Fill in; returns @err. */
__attribute__((format(printf, 3, 4)))
int verdict_set(struct verdict *v, int err, const char *fmt, ...);

/* ---- keys.c: statuses with the message printed, unless said otherwise --- */

/*
 * A private key: a file in PEM or DER form, or any URI that OpenSSL's
 * providers know (pkcs11:...). @pass_file: its first line is the passphrase;
 * NULL: asked for on the terminal.
 */
int key_load(const char *uri, const char *pass_file, EVP_PKEY **key);
/* A public key in PEM form, or that of a certificate. */
int key_load_public(const char *path, EVP_PKEY **key);
/* All certificates of a file, PEM or DER; at least one. */
int certs_load(const char *path, struct stack_st_X509 *certs);
/* A file with exactly one. */
int cert_load(const char *path, X509 **cert);
/* Those of all files *.pem, *.der, *.crt; what can't be read is warned of. */
int certs_load_dir(const char *dir, struct stack_st_X509 *certs);

/*
 * SHA-256 of the bits of the public key: what the kernel calls a key's id.
 * 0, or -EIO.
 */
int key_id(EVP_PKEY *key, uint8_t id[KEY_ID_LEN]);
/* "RSA 3072", "EC P-256"; @len of @out. */
const char *key_name(EVP_PKEY *key, char *out, size_t len);
/* 0 if the kernel takes it, else ENOPKG with the reason. */
int key_strong(EVP_PKEY *key, struct verdict *v);
/* Likewise, for a key in the kernel's own keyrings. */
int key_strong_system(EVP_PKEY *key, struct verdict *v);
/* The digest to sign with. */
const EVP_MD *key_digest(EVP_PKEY *key);
/* "CN=..., O=...", printable; @len of @out. */
const char *cert_subject(const X509 *cert, char *out, size_t len);
const char *cert_name_text(const X509_NAME *name, char *out, size_t len);

/* First line of a file, without its newline, for passphrases. 0 or -errno. */
int pass_read(const char *path, char *buf, size_t len);
/* The newest of OpenSSL's errors, in words; clears them. */
const char *ssl_error(void);

/* ---- envelope.c --------------------------------------------------------- */

/**
 * struct signed_file - a model file in memory and its parts
 * @env:	whose pointers lead into @data
 */
struct signed_file {
	void *data;
	size_t bytes;
	struct aim_envelope env;
};

/* Reads, takes apart, and has the model proper verified as the kernel does. */
int signed_load(const char *path, struct signed_file *f);
void signed_free(struct signed_file *f);
/* SHA-256 of the model proper. 0 or -EIO. */
int signed_digest(const struct signed_file *f, uint8_t digest[32]);

/* Bytes from here to a file that ends with manifest, or with a signature. */
struct sealed {
	uint8_t *data;
	size_t bytes;
};
int seal_manifest(const struct signed_file *f, const struct aim_manifest *m,
		  struct sealed *out);
/*
 * @embed: the certificate goes into the signature. That is what the kernel
 * wants of a key that it knows from its own keyrings (secondary, machine,
 * platform), and refuses of one in .aioffload.
 */
int seal_sign(struct sealed *s, EVP_PKEY *key, X509 *cert, bool embed);
void seal_free(struct sealed *s);

/*
 * All that can be said without the kernel: of the signature against @certs,
 * and of the manifest. @system: they are in the kernel's own keyrings, not in
 * .aioffload. @now: seconds since 1970. On success *@by is the certificate, one
 * of @certs. Returns the errno that is in @v.
 */
int envelope_judge(const struct signed_file *f, struct stack_st_X509 *certs,
		   bool system, uint64_t now, X509 **by, struct verdict *v);

/* Who signed, as the signature has it: "RSA, SHA-256, by CN=... serial 0x..". */
const char *signer_text(const struct signed_file *f, char *out, size_t len);

/* ---- sign.c ------------------------------------------------------------- */

/*
 * Sign a verified model in memory, nothing said of it but its name. @cert NULL:
 * beside the key. CLI status, message printed.
 */
int sign_bytes(const void *model, size_t bytes, const char *name,
	       const char *key, const char *cert, struct sealed *out);

/* ---- manifest.c --------------------------------------------------------- */

/* The manifest's options, shared by `manifest` and `sign` as an argp child. */
struct manifest_args {
	bool given;		/* any of them */
	const char *name;
	uint64_t version;
	uint64_t not_before;
	uint64_t not_after;
	uint32_t class_mask;
	const char *driver;
	uint64_t max_job_ns;
	uint64_t max_memory;
	const char *provenance;
	const char *oms_bundle;
	const char *oms_pubkey;
};
extern const struct argp manifest_argp;

/* @digest: of the model; @path: where the name comes from if none is given. */
int manifest_make(const struct manifest_args *args, const char *path,
		  const struct signed_file *f, struct aim_manifest *m);

void manifest_print(const struct aim_manifest *m);
struct json_object *manifest_json(const struct aim_manifest *m);
/* "2027-01-31T00:00:00Z"; "" for 0. */
const char *time_text(uint64_t seconds, char buf[32]);

#endif /* AIOFFLOAD_CLI_SIGN_H */
