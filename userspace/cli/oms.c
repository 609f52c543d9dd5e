// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * OpenSSF Model Signing: making and checking signatures, method "key" (EC).
 * The statement is looked at only when its signature has been found good.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oms.h"

/* ---- DSSE --------------------------------------------------------------- */

/* What is signed: "DSSEv1", type and payload, each with its length. free() it. */
static uint8_t *pae(const void *payload, size_t bytes, size_t *len)
{
	char head[128];
	int n = snprintf(head, sizeof(head), "DSSEv1 %zu %s %zu ",
			 strlen(OMS_PAYLOAD_TYPE), OMS_PAYLOAD_TYPE, bytes);
	uint8_t *out = malloc((size_t)n + bytes);

	if (out) {
		memcpy(out, head, (size_t)n);
		memcpy(out + n, payload, bytes);
		*len = (size_t)n + bytes;
	}
	return out;
}

/* P-256, P-384, P-521, each with the digest of its strength. */
static int check_curve(EVP_PKEY *key, struct verdict *v)
{
	char name[80];

	if (EVP_PKEY_is_a(key, "EC") && !key_strong(key, v))
		return 0;
	return verdict_set(v, ENOPKG, "the key is %s; the format has EC P-256, P-384 and P-521 (aioffload model keygen --type ec-p256)",
			   key_name(key, name, sizeof(name)));
}

/* SHA-256 of the public key in PEM form, as the reference implementation. */
static int key_hint(EVP_PKEY *key, char hex[TEXT_DIGEST_LEN])
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	long len;
	int ret = -EIO;

	if (bio && PEM_write_bio_PUBKEY(bio, key)) {
		len = BIO_get_mem_data(bio, &pem);
		ret = digest_hex(pem, (size_t)len, hex);
	}
	BIO_free(bio);
	return ret;
}

/*
 * A hint of another form than ours is nobody's business: the signature
 * decides. One of our form that differs says plainly what is wrong.
 */
static int check_hint(const struct oms *oms, EVP_PKEY *key, struct verdict *v)
{
	char hex[TEXT_DIGEST_LEN];

	if (!oms->hint || strlen(oms->hint) != 64 ||
	    strspn(oms->hint, "0123456789abcdef") != 64)
		return 0;
	if (key_hint(key, hex))
		return verdict_set(v, EIO, "%s", ssl_error());
	return strcmp(hex, oms->hint) ?
		verdict_set(v, ENOKEY, "the bundle was made with another key, %.64s", oms->hint) : 0;
}

static int check_dsse(const struct oms *oms, EVP_PKEY *key, struct verdict *v)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t len = 0;
	uint8_t *text = pae(oms->payload, oms->payload_bytes, &len);
	int ok;

	ok = md && text &&
		EVP_DigestVerifyInit(md, NULL, key_digest(key), NULL, key) == 1 &&
		EVP_DigestVerify(md, oms->sig, oms->sig_bytes, text, len) == 1;
	EVP_MD_CTX_free(md);
	free(text);
	ERR_clear_error();
	return ok ? 0 : verdict_set(v, EKEYREJECTED, "the bundle's signature does not fit: it was changed, or another key made it");
}

int oms_check_signature(struct oms *oms, EVP_PKEY *key, struct verdict *v)
{
	*v = (struct verdict){ 0 };
	if (oms->method != OMS_KEY)
		return verdict_set(v, EOPNOTSUPP, "the bundle was signed by way of %s; only those made with a key are checked here",
				   oms->method == OMS_SIGSTORE ? "sigstore" :
				   "a chain of certificates");
	if (check_curve(key, v) || check_hint(oms, key, v) ||
	    check_dsse(oms, key, v))
		return v->err;
	return oms_parse_statement(oms, v);
}

int oms_load(const char *path, struct oms **out)
{
	struct verdict v = { 0 };
	size_t bytes = 0;
	void *data = NULL;
	int ret = file_load(path, OMS_MAX_BYTES, &data, &bytes);

	if (ret)
		return ret;
	if (oms_parse_bundle(data, bytes, out, &v))
		ret = cli_error(CLI_REFUSED, "%s: %s", path, v.reason);
	free(data);
	return ret;
}

/* ---- files -------------------------------------------------------------- */

static int differs(struct verdict *v, const char *name, const char *how)
{
	char clean[300];

	return verdict_set(v, EBADMSG, "%s %s",
			   text_clean(name, clean, sizeof(clean)), how);
}

/* Two sorted lists, side by side. */
static int compare(const struct oms_list *listed, const struct oms_list *found,
		   size_t len, struct verdict *v)
{
	size_t i = 0, j = 0;
	int order;

	while (i < listed->nr || j < found->nr) {
		order = i == listed->nr ? 1 : j == found->nr ? -1 :
			strcmp(listed->items[i].name, found->items[j].name);
		if (order < 0)
			return differs(v, listed->items[i].name,
				       "is signed, but missing");
		if (order > 0)
			return differs(v, found->items[j].name,
				       "is there, but not signed");
		if (memcmp(listed->items[i].digest, found->items[j].digest, len))
			return differs(v, listed->items[i].name,
				       "was changed after it was signed");
		i++;
		j++;
	}
	return 0;
}

int oms_ignore_more(struct oms *oms, const struct oms_ignore *more,
		    struct verdict *v)
{
	struct oms_rules *rules = &oms->rules;
	char **all;
	size_t i;

	all = realloc(rules->ignore,
		      (rules->nr_ignore + more->nr + 1) * sizeof(*all));
	if (!all)
		return verdict_set(v, ENOMEM, "out of memory");
	rules->ignore = all;
	for (i = 0; i < more->nr; i++) {
		all[rules->nr_ignore] = strdup(more->path[i]);
		if (!all[rules->nr_ignore])
			return verdict_set(v, ENOMEM, "out of memory");
		rules->nr_ignore++;
	}
	return 0;
}

int oms_check_files(const struct oms *oms, const char *bundle,
		    const char *path, struct verdict *v)
{
	char *skip = oms_path_below(path, bundle);
	struct oms_list found = { 0 };
	struct stat st;
	int err;

	err = oms_list_model(path, &oms->rules, skip, &found, v);
	/* before version 1.1 of the reference a single file had no name */
	if (!err && found.nr == 1 && oms->list.nr == 1 &&
	    !strcmp(oms->list.items[0].name, ".") && !stat(path, &st) &&
	    S_ISREG(st.st_mode))
		strcpy(found.items[0].name, ".");
	if (!err)
		err = compare(&oms->list, &found, oms_hash_bytes(oms->rules.hash),
			      v);
	oms_list_free(&found);
	free(skip);
	return err;
}

bool oms_lists(const struct oms *oms, const uint8_t digest[32])
{
	size_t i;

	if (strcmp(oms->rules.hash, "sha256") || oms->rules.shard_size)
		return false;
	for (i = 0; i < oms->list.nr; i++)
		if (!memcmp(oms->list.items[i].digest, digest, 32))
			return true;
	return false;
}

/* ---- signing ------------------------------------------------------------ */

static struct json_object *text_json(const char *text)
{
	return json_object_new_string(text);
}

/* json_str() would clean it: names must come back byte by byte. */
static void put_text(struct json_object *obj, const char *key, const char *text)
{
	json_object_object_add(obj, key, text_json(text));
}

static struct json_object *subject_json(const char *name, const uint8_t root[32])
{
	struct json_object *subject = json_object_new_object();
	struct json_object *digest = json_object_new_object();
	struct json_object *list = json_object_new_array();
	char hex[TEXT_DIGEST_LEN];

	put_text(digest, "sha256", text_hex(root, 32, hex));
	put_text(subject, "name", name);
	json_object_object_add(subject, "digest", digest);
	json_object_array_add(list, subject);
	return list;
}

static struct json_object *rules_json(const struct oms_rules *rules)
{
	static const char *const always[] = {
		".git", ".gitattributes", ".github", ".gitignore",
	};
	struct json_object *obj = json_object_new_object();
	struct json_object *ignore = json_object_new_array();
	size_t i;

	put_text(obj, "method", "files");
	put_text(obj, "hash_type", rules->hash);
	json_object_object_add(obj, "allow_symlinks",
			       json_object_new_boolean(false));
	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		json_object_array_add(ignore, text_json(always[i]));
	for (i = 0; i < rules->nr_ignore; i++)
		json_object_array_add(ignore, text_json(rules->ignore[i]));
	json_object_object_add(obj, "ignore_paths", ignore);
	return obj;
}

static struct json_object *statement_json(const char *name,
					  const struct oms_rules *rules,
					  const struct oms_list *list,
					  const uint8_t root[32])
{
	struct json_object *top = json_object_new_object();
	struct json_object *predicate = json_object_new_object();
	struct json_object *resources = json_object_new_array(), *obj;
	char hex[2 * OMS_MAX_DIGEST + 1];
	size_t i;

	put_text(top, "_type", OMS_STATEMENT_TYPE);
	json_object_object_add(top, "subject", subject_json(name, root));
	put_text(top, "predicateType", OMS_PREDICATE_TYPE);
	for (i = 0; i < list->nr; i++) {
		obj = json_object_new_object();
		put_text(obj, "name", list->items[i].name);
		put_text(obj, "algorithm", rules->hash);
		put_text(obj, "digest", text_hex(list->items[i].digest,
						 oms_hash_bytes(rules->hash), hex));
		json_object_array_add(resources, obj);
	}
	json_object_object_add(predicate, "resources", resources);
	json_object_object_add(predicate, "serialization", rules_json(rules));
	json_object_object_add(top, "predicate", predicate);
	return top;
}

/* base64 of bytes as a JSON string; NULL if there is no memory. */
static struct json_object *base64_json(const void *data, size_t bytes)
{
	unsigned char *text = malloc(4 * (bytes / 3 + 1) + 1);
	struct json_object *str = NULL;

	if (text) {
		EVP_EncodeBlock(text, data, (int)bytes);
		str = text_json((char *)text);
	}
	free(text);
	return str;
}

static struct json_object *sign_payload(const char *payload, EVP_PKEY *key)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct json_object *sig = NULL;
	uint8_t *text, out[256];
	size_t len = 0, n = sizeof(out);

	text = pae(payload, strlen(payload), &len);
	if (md && text &&
	    EVP_DigestSignInit(md, NULL, key_digest(key), NULL, key) == 1 &&
	    EVP_DigestSign(md, out, &n, text, len) == 1)
		sig = base64_json(out, n);
	EVP_MD_CTX_free(md);
	free(text);
	return sig;
}

/* NULL: see ssl_error(). */
static struct json_object *bundle_json(struct json_object *statement,
				       EVP_PKEY *key)
{
	const char *payload = json_object_to_json_string_ext(statement,
					JSON_C_TO_STRING_NOSLASHESCAPE);
	struct json_object *top, *material, *public, *env, *list, *sig, *value;
	char hint[TEXT_DIGEST_LEN];

	value = sign_payload(payload, key);
	if (!value || key_hint(key, hint)) {
		json_object_put(value);
		return NULL;
	}
	public = json_object_new_object();
	put_text(public, "hint", hint);
	material = json_object_new_object();
	json_object_object_add(material, "publicKey", public);
	json_object_object_add(material, "tlogEntries", json_object_new_array());
	sig = json_object_new_object();
	json_object_object_add(sig, "sig", value);
	put_text(sig, "keyid", "");
	list = json_object_new_array();
	json_object_array_add(list, sig);
	env = json_object_new_object();
	json_object_object_add(env, "payload", base64_json(payload,
							   strlen(payload)));
	put_text(env, "payloadType", OMS_PAYLOAD_TYPE);
	json_object_object_add(env, "signatures", list);
	top = json_object_new_object();
	put_text(top, "mediaType", OMS_MEDIA_TYPE);
	json_object_object_add(top, "verificationMaterial", material);
	json_object_object_add(top, "dsseEnvelope", env);
	return top;
}

static int write_bundle(const char *path, struct json_object *bundle)
{
	const char *text = json_object_to_json_string_ext(bundle,
			JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	struct out_file out;
	int ret = out_open(&out, path);

	if (!ret)
		ret = out_write(&out, text, strlen(text));
	if (!ret)
		ret = out_write(&out, "\n", 1);
	if (!ret)
		ret = out_commit(&out);
	return ret;
}

static int report(const struct oms_sign_args *args, const char *out,
		  const struct oms_list *list, const uint8_t root[32])
{
	char hex[TEXT_DIGEST_LEN], clean[1024];
	struct json_object *obj;

	text_hex(root, 32, hex);
	if (args->json) {
		obj = json_object_new_object();
		json_str(obj, "file", out);
		json_u64(obj, "files", list->nr);
		json_str(obj, "oms_root", hex);
		return json_print(obj);
	}
	fprintf(strcmp(out, "-") ? stdout : stderr,
		"%s: %zu files signed, root digest %s\n",
		text_clean(out, clean, sizeof(clean)), list->nr, hex);
	return CLI_OK;
}

/* The bundle's own place is one more path that is left out, and said so. */
static int make_rules(const struct oms_sign_args *args, const char *out,
		      struct oms_rules *rules)
{
	char *below = strcmp(out, "-") ? oms_path_below(args->path, out) : NULL;
	size_t i;

	*rules = (struct oms_rules){ .hash = "sha256" };
	rules->ignore = calloc(args->ignore->nr + 1, sizeof(char *));
	if (!rules->ignore) {
		free(below);
		return cli_error(CLI_FAILED, "out of memory");
	}
	for (i = 0; i < args->ignore->nr; i++)
		rules->ignore[rules->nr_ignore++] = args->ignore->path[i];
	rules->ignore[rules->nr_ignore] = below;
	rules->nr_ignore += !!below;
	return CLI_OK;
}

static int sign_list(const struct oms_sign_args *args, const char *out,
		     const struct oms_rules *rules, const struct oms_list *list,
		     EVP_PKEY *key)
{
	char *name = oms_base_name(args->path);
	struct json_object *statement, *bundle;
	uint8_t root[32];
	int ret;

	if (!name || oms_root_digest(list, oms_hash_bytes(rules->hash), root)) {
		free(name);
		return cli_error(CLI_FAILED, "out of memory");
	}
	statement = statement_json(*name ? name : "model", rules, list, root);
	bundle = bundle_json(statement, key);
	json_object_put(statement);
	free(name);
	if (!bundle)
		return cli_error(CLI_FAILED, "can't sign: %s", ssl_error());
	ret = write_bundle(out, bundle);
	json_object_put(bundle);
	return ret ? ret : report(args, out, list, root);
}

static char *default_out(const char *path)
{
	struct stat st;
	char *out;

	if (asprintf(&out, "%s%s", path,
		     !stat(path, &st) && S_ISDIR(st.st_mode) ? "/model.sig" :
		     ".sig") < 0)
		return NULL;
	return out;
}

int oms_sign(const struct oms_sign_args *args)
{
	char *out = args->out ? strdup(args->out) : default_out(args->path);
	struct oms_rules rules = { 0 };
	struct oms_list list = { 0 };
	struct verdict v = { 0 };
	EVP_PKEY *key = NULL;
	int ret;

	ret = out ? key_load(args->key, args->pass_file, &key) :
		cli_error(CLI_FAILED, "out of memory");
	if (!ret && check_curve(key, &v))
		ret = cli_error(CLI_REFUSED, "%s", v.reason);
	if (!ret)
		ret = make_rules(args, out, &rules);
	if (!ret && oms_list_model(args->path, &rules, NULL, &list, &v))
		ret = cli_error(v.err == EIO ? CLI_FAILED : CLI_REFUSED, "%s",
				v.reason);
	if (!ret)
		ret = sign_list(args, out, &rules, &list, key);
	oms_list_free(&list);
	if (rules.nr_ignore > args->ignore->nr)
		free(rules.ignore[args->ignore->nr]);
	free(rules.ignore);
	EVP_PKEY_free(key);
	free(out);
	return ret;
}
