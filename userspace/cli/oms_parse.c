// SPDX-License-Identifier: LGPL-2.1-or-later
/* OpenSSF Model Signing: bundles and statements, parsed strictly. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "oms.h"

#define MAX_DEPTH	32
#define MAX_IGNORE	4096

struct json_object *oms_json_parse(const void *data, size_t bytes)
{
	struct json_tokener *tok;
	struct json_object *obj;
	const char *text = data;

	while (bytes && strchr(" \t\r\n", text[bytes - 1]) && text[bytes - 1])
		bytes--;
	if (!bytes || bytes > OMS_MAX_BYTES)
		return NULL;
	tok = json_tokener_new_ex(MAX_DEPTH);
	if (!tok)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
			       JSON_TOKENER_VALIDATE_UTF8);
	obj = json_tokener_parse_ex(tok, text, (int)bytes);
	if (json_tokener_get_error(tok) != json_tokener_success ||
	    json_tokener_get_parse_end(tok) != bytes) {
		json_object_put(obj);
		obj = NULL;
	}
	json_tokener_free(tok);
	return obj;
}

/* ---- members ------------------------------------------------------------ */

static struct json_object *member(struct json_object *obj, const char *key,
				  enum json_type type)
{
	struct json_object *val;

	if (!json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, key, &val) ||
	    !json_object_is_type(val, type))
		return NULL;
	return val;
}

/* A string without NUL in it, or NULL. */
static const char *text_of(struct json_object *val)
{
	const char *text;

	if (!json_object_is_type(val, json_type_string))
		return NULL;
	text = json_object_get_string(val);
	return strlen(text) == (size_t)json_object_get_string_len(val) ? text :
		NULL;
}

static const char *text_member(struct json_object *obj, const char *key)
{
	struct json_object *val = member(obj, key, json_type_string);

	return val ? text_of(val) : NULL;
}

/* Every member's name is one of these. */
static bool only_members(struct json_object *obj, const char *const *names,
			 struct verdict *v, const char *where)
{
	char clean[200];
	size_t i;

	json_object_object_foreach(obj, key, val) {
		(void)val;
		for (i = 0; names[i] && strcmp(names[i], key); i++)
			;
		if (!names[i]) {
			verdict_set(v, EBADMSG, "%s has an unknown member '%s'",
				    where, text_clean(key, clean, sizeof(clean)));
			return false;
		}
	}
	return true;
}

static int value_of(char ch)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = ch ? strchr(alphabet, ch) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* RFC 4648, padded, nothing between the characters and no stray bits. */
static uint8_t *base64(const char *text, size_t *bytes)
{
	size_t len = strlen(text), pad, i, at = 0;
	unsigned int bits = 0, have = 0;
	uint8_t *out;
	int six;

	if (!len || len % 4)
		return NULL;
	pad = text[len - 1] != '=' ? 0 : text[len - 2] != '=' ? 1 : 2;
	out = malloc(len / 4 * 3 + 1);
	for (i = 0; out && i < len - pad; i++) {
		six = value_of(text[i]);
		if (six < 0)
			goto bad;
		bits = bits << 6 | (unsigned int)six;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[at++] = (uint8_t)(bits >> have);
		}
	}
	if (out && bits & ((1U << have) - 1))
		goto bad;
	*bytes = at;
	return out;
bad:
	free(out);
	return NULL;
}

/* Exactly @len bytes in lower case. */
static bool hex_digest(const char *text, uint8_t *out, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;
	size_t i;

	if (!text || strlen(text) != 2 * len)
		return false;
	for (i = 0; i < len; i++) {
		high = strchr(digits, text[2 * i]);
		low = strchr(digits, text[2 * i + 1]);
		if (!high || !low)
			return false;
		out[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return true;
}

bool oms_path_ok(const char *path)
{
	const char *end;

	for (;; path = end + 1) {
		end = strchrnul(path, '/');
		if (end == path || (end - path == 1 && path[0] == '.') ||
		    (end - path == 2 && !memcmp(path, "..", 2)))
			return false;
		if (!*end)
			return true;
	}
}

/* ---- the bundle --------------------------------------------------------- */

static bool media_type_ok(const char *type)
{
	static const char *const known[] = {
		OMS_MEDIA_TYPE,
		"application/vnd.dev.sigstore.bundle+json;version=0.3",
		"application/vnd.dev.sigstore.bundle+json;version=0.2",
		"application/vnd.dev.sigstore.bundle+json;version=0.1",
	};
	size_t i;

	for (i = 0; type && i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(type, known[i]))
			return true;
	return false;
}

static bool has_bytes(struct json_object *cert)
{
	const char *raw = text_member(cert, "rawBytes");

	return raw && *raw;
}

static bool chain_ok(struct json_object *chain)
{
	struct json_object *list = member(chain, "certificates", json_type_array);
	size_t i, n = list ? json_object_array_length(list) : 0;

	for (i = 0; i < n; i++)
		if (!has_bytes(json_object_array_get_idx(list, i)))
			return false;
	return n;
}

/* One of three kinds, not two at a time. */
static int parse_material(struct oms *oms, struct json_object *material,
			  struct verdict *v)
{
	struct json_object *key = NULL, *chain = NULL, *cert = NULL, *log;
	const char *hint;

	if (!material)
		return verdict_set(v, EBADMSG, "the bundle has no verificationMaterial");
	json_object_object_get_ex(material, "publicKey", &key);
	json_object_object_get_ex(material, "x509CertificateChain", &chain);
	json_object_object_get_ex(material, "certificate", &cert);
	if (!!key + !!chain + !!cert != 1)
		return verdict_set(v, EBADMSG, "the bundle names not exactly one of publicKey, x509CertificateChain, certificate");
	if (key) {
		hint = text_member(key, "hint");
		if (!hint && !text_member(key, "rawBytes"))
			return verdict_set(v, EBADMSG, "the bundle's publicKey has neither hint nor rawBytes");
		oms->method = OMS_KEY;
		oms->hint = hint ? strdup(hint) : NULL;
		return 0;
	}
	if (chain) {
		oms->method = OMS_CERTIFICATE;
		return chain_ok(chain) ? 0 :
			verdict_set(v, EBADMSG, "the bundle's x509CertificateChain has no certificates");
	}
	oms->method = OMS_SIGSTORE;
	log = member(material, "tlogEntries", json_type_array);
	if (!has_bytes(cert) || !log || !json_object_array_length(log))
		return verdict_set(v, EBADMSG, "the bundle's certificate has no bytes, or no transparency log entry");
	return 0;
}

static int parse_signature(struct oms *oms, struct json_object *list,
			   struct verdict *v)
{
	static const char *const members[] = { "sig", "keyid", NULL };
	struct json_object *sig, *id;
	const char *text;

	/* more than one is DSSE, but no sigstore bundle */
	if (!list || json_object_array_length(list) != 1)
		return verdict_set(v, EBADMSG, "the envelope has not exactly one signature");
	sig = json_object_array_get_idx(list, 0);
	text = text_member(sig, "sig");
	if (!text || !only_members(sig, members, v, "the signature"))
		return text ? v->err :
			verdict_set(v, EBADMSG, "the signature has no 'sig'");
	if (json_object_object_get_ex(sig, "keyid", &id) && id && !text_of(id))
		return verdict_set(v, EBADMSG, "the signature's keyid is no string");
	oms->sig = base64(text, &oms->sig_bytes);
	return oms->sig ? 0 :
		verdict_set(v, EBADMSG, "the signature is not base64");
}

static int parse_envelope(struct oms *oms, struct json_object *env,
			  struct verdict *v)
{
	static const char *const members[] = {
		"payload", "payloadType", "signatures", NULL
	};
	const char *type, *payload;

	if (!env)
		return verdict_set(v, EBADMSG, "the bundle has no dsseEnvelope");
	if (!only_members(env, members, v, "the envelope"))
		return v->err;
	type = text_member(env, "payloadType");
	if (!type || strcmp(type, OMS_PAYLOAD_TYPE))
		return verdict_set(v, EBADMSG, "the envelope's payloadType is not " OMS_PAYLOAD_TYPE);
	payload = text_member(env, "payload");
	oms->payload = payload ? base64(payload, &oms->payload_bytes) : NULL;
	if (!oms->payload)
		return verdict_set(v, EBADMSG, "the envelope's payload is not base64");
	return parse_signature(oms, member(env, "signatures", json_type_array), v);
}

static int parse_top(struct oms *oms, struct json_object *top, struct verdict *v)
{
	static const char *const members[] = {
		"mediaType", "verificationMaterial", "dsseEnvelope", NULL
	};
	const char *type;
	int err;

	if (!json_object_is_type(top, json_type_object))
		return verdict_set(v, EBADMSG, "the bundle is not JSON");
	if (!only_members(top, members, v, "the bundle"))
		return v->err;
	type = text_member(top, "mediaType");
	if (!media_type_ok(type))
		return verdict_set(v, EBADMSG, "the bundle's mediaType is not that of a sigstore bundle");
	err = parse_material(oms, member(top, "verificationMaterial",
					 json_type_object), v);
	if (err)
		return err;
	return parse_envelope(oms, member(top, "dsseEnvelope",
					  json_type_object), v);
}

int oms_parse_bundle(const void *data, size_t bytes, struct oms **out,
		     struct verdict *v)
{
	struct json_object *top = oms_json_parse(data, bytes);
	struct oms *oms = calloc(1, sizeof(*oms));
	int err;

	*v = (struct verdict){ 0 };
	*out = NULL;
	err = oms ? parse_top(oms, top, v) : verdict_set(v, ENOMEM, "out of memory");
	json_object_put(top);
	if (err)
		oms_free(oms);
	else
		*out = oms;
	return err;
}

void oms_free(struct oms *oms)
{
	size_t i;

	if (!oms)
		return;
	for (i = 0; i < oms->rules.nr_ignore; i++)
		free(oms->rules.ignore[i]);
	free(oms->rules.ignore);
	oms_list_free(&oms->list);
	free(oms->subject);
	free(oms->payload);
	free(oms->sig);
	free(oms->hint);
	free(oms);
}

/* ---- the statement ------------------------------------------------------ */

static int parse_subject(struct oms *oms, struct json_object *list,
			 uint8_t root[32], struct verdict *v)
{
	struct json_object *subject;
	const char *name;

	if (!list || json_object_array_length(list) != 1)
		return verdict_set(v, EBADMSG, "the statement has not exactly one subject");
	subject = json_object_array_get_idx(list, 0);
	name = text_member(subject, "name");
	if (!name || !*name)
		return verdict_set(v, EBADMSG, "the statement's subject has no name");
	if (!hex_digest(text_member(member(subject, "digest", json_type_object),
				    "sha256"), root, 32))
		return verdict_set(v, EBADMSG, "the statement's subject has no SHA-256");
	oms->subject = strdup(name);
	return oms->subject ? 0 : verdict_set(v, ENOMEM, "out of memory");
}

static int parse_ignore(struct oms_rules *rules, struct json_object *list,
			struct verdict *v)
{
	size_t i, n = json_object_array_length(list);
	char clean[200];
	const char *path;

	if (n > MAX_IGNORE)
		return verdict_set(v, EBADMSG, "ignore_paths has %zu entries", n);
	rules->ignore = calloc(n + 1, sizeof(*rules->ignore));
	if (!rules->ignore)
		return verdict_set(v, ENOMEM, "out of memory");
	for (i = 0; i < n; i++) {
		path = text_of(json_object_array_get_idx(list, i));
		/* "." would leave out all there is */
		if (!path || !oms_path_ok(path) || strpbrk(path, "*?["))
			return verdict_set(v, EBADMSG, "ignore_paths: '%s' is no plain path below the model",
					   path ? text_clean(path, clean,
							     sizeof(clean)) : "");
		rules->ignore[i] = strdup(path);
		if (!rules->ignore[i])
			return verdict_set(v, ENOMEM, "out of memory");
		rules->nr_ignore++;
	}
	return 0;
}

static int parse_hash(struct oms_rules *rules, const char *hash,
		      struct verdict *v)
{
	static const char *const known[] = { "sha256", "blake2b" };
	size_t i;

	for (i = 0; hash && i < 2; i++)
		if (!strcmp(hash, known[i])) {
			rules->hash = known[i];
			return 0;
		}
	if (hash && !strcmp(hash, "blake3"))
		return verdict_set(v, EOPNOTSUPP, "files are hashed with blake3, which is not supported");
	return verdict_set(v, EBADMSG, "serialization: hash_type is none that the format knows");
}

static int parse_serialization(struct oms_rules *rules, struct json_object *obj,
			       struct verdict *v)
{
	static const char *const members[] = {
		"method", "hash_type", "shard_size", "allow_symlinks",
		"ignore_paths", NULL
	};
	struct json_object *size = NULL, *links, *ignore = NULL;
	const char *method = text_member(obj, "method");
	bool shards, has_size, has_ignore;

	if (!obj || !method)
		return verdict_set(v, EBADMSG, "the statement says not how files were hashed (serialization)");
	if (!only_members(obj, members, v, "serialization"))
		return v->err;
	shards = !strcmp(method, "shards");
	if (!shards && strcmp(method, "files"))
		return verdict_set(v, EBADMSG, "serialization: method is neither files nor shards");
	has_size = json_object_object_get_ex(obj, "shard_size", &size);
	if (has_size != shards)
		return verdict_set(v, EBADMSG, "serialization: shard_size belongs to shards, and to them only");
	if (shards) {
		if (!json_object_is_type(size, json_type_int) ||
		    json_object_get_int64(size) <= 0)
			return verdict_set(v, EBADMSG, "serialization: shard_size is not a positive integer");
		rules->shard_size = (uint64_t)json_object_get_int64(size);
	}
	links = member(obj, "allow_symlinks", json_type_boolean);
	if (!links)
		return verdict_set(v, EBADMSG, "serialization: allow_symlinks is missing");
	rules->allow_symlinks = json_object_get_boolean(links);
	if (parse_hash(rules, text_member(obj, "hash_type"), v))
		return v->err;
	has_ignore = json_object_object_get_ex(obj, "ignore_paths", &ignore);
	if (has_ignore && !json_object_is_type(ignore, json_type_array))
		return verdict_set(v, EBADMSG, "serialization: ignore_paths is no list");
	return has_ignore ? parse_ignore(rules, ignore, v) : 0;
}

/* "weights.bin:0:1000": the path may hold colons itself. */
static bool shard_name_ok(const char *name)
{
	const char *last = strrchr(name, ':'), *first = last;
	char path[4096];

	if (!last || last == name || !last[1] ||
	    strspn(last + 1, "0123456789") != strlen(last + 1))
		return false;
	while (first > name && first[-1] >= '0' && first[-1] <= '9')
		first--;
	if (first == last || first <= name + 1 || first[-1] != ':' ||
	    (size_t)(first - 1 - name) >= sizeof(path))
		return false;
	snprintf(path, sizeof(path), "%.*s", (int)(first - 1 - name), name);
	return oms_path_ok(path);
}

static int parse_resource(struct oms *oms, struct json_object *obj, size_t total,
			  struct verdict *v)
{
	const char *name = text_member(obj, "name");
	const char *algorithm = text_member(obj, "algorithm");
	uint8_t digest[OMS_MAX_DIGEST] = { 0 };
	char clean[200], *copy;
	bool ok;

	if (!name || !algorithm)
		return verdict_set(v, EBADMSG, "a resource has no name or no algorithm");
	text_clean(name, clean, sizeof(clean));
	/* single files were called "." before version 1.1 of the reference */
	ok = oms->rules.shard_size ? shard_name_ok(name) :
		oms_path_ok(name) || (total == 1 && !strcmp(name, "."));
	if (!ok)
		return verdict_set(v, EBADMSG, "'%s' is no path below the model", clean);
	if (strcmp(algorithm, oms->rules.hash))
		return verdict_set(v, EBADMSG, "'%s' has another algorithm than hash_type", clean);
	if (!hex_digest(text_member(obj, "digest"), digest,
			oms_hash_bytes(oms->rules.hash)))
		return verdict_set(v, EBADMSG, "'%s' has no digest in its proper form", clean);
	copy = strdup(name);
	if (!copy || oms_list_add(&oms->list, copy, digest))
		return verdict_set(v, ENOMEM, "out of memory");
	return 0;
}

static int parse_resources(struct oms *oms, struct json_object *list,
			   struct verdict *v)
{
	size_t i, n = list ? json_object_array_length(list) : 0;
	int err = 0;

	if (!n || n > OMS_MAX_FILES)
		return verdict_set(v, EBADMSG, "the statement lists %zu files", n);
	for (i = 0; i < n && !err; i++)
		err = parse_resource(oms, json_object_array_get_idx(list, i), n, v);
	return err;
}

/*
 * The root digest is over the list in the order of the statement, which for
 * the reference implementation is not quite that of the names' bytes. Then
 * the list is sorted, to be compared.
 */
static int check_list(struct oms *oms, const uint8_t root[32], struct verdict *v)
{
	char clean[200];
	size_t i;

	if (oms_root_digest(&oms->list, oms_hash_bytes(oms->rules.hash),
			    oms->root))
		return verdict_set(v, EIO, "libcrypto can't compute SHA-256");
	if (memcmp(root, oms->root, sizeof(oms->root)))
		return verdict_set(v, EBADMSG, "the statement's root digest is not that of its list");
	oms_list_sort(&oms->list);
	for (i = 1; i < oms->list.nr; i++)
		if (!strcmp(oms->list.items[i - 1].name, oms->list.items[i].name))
			return verdict_set(v, EBADMSG, "'%s' is listed twice",
					   text_clean(oms->list.items[i].name,
						      clean, sizeof(clean)));
	return 0;
}

static int parse_payload(struct oms *oms, struct json_object *top,
			 struct verdict *v)
{
	static const char *const members[] = {
		"_type", "subject", "predicateType", "predicate", NULL
	};
	static const char *const in_predicate[] = {
		"resources", "serialization", NULL
	};
	struct json_object *predicate;
	const char *type;
	uint8_t root[32];

	if (!json_object_is_type(top, json_type_object))
		return verdict_set(v, EBADMSG, "the statement is not JSON");
	if (!only_members(top, members, v, "the statement"))
		return v->err;
	type = text_member(top, "_type");
	if (!type || strcmp(type, OMS_STATEMENT_TYPE))
		return verdict_set(v, EBADMSG, "the statement's _type is not " OMS_STATEMENT_TYPE);
	type = text_member(top, "predicateType");
	if (!type || strcmp(type, OMS_PREDICATE_TYPE))
		return verdict_set(v, EBADMSG, "the statement is no model signature: its predicateType is not " OMS_PREDICATE_TYPE);
	predicate = member(top, "predicate", json_type_object);
	if (!predicate)
		return verdict_set(v, EBADMSG, "the statement has no predicate");
	if (!only_members(predicate, in_predicate, v, "the predicate") ||
	    parse_subject(oms, member(top, "subject", json_type_array), root, v) ||
	    parse_serialization(&oms->rules, member(predicate, "serialization",
						    json_type_object), v) ||
	    parse_resources(oms, member(predicate, "resources",
					json_type_array), v))
		return v->err;
	return check_list(oms, root, v);
}

int oms_parse_statement(struct oms *oms, struct verdict *v)
{
	struct json_object *top = oms_json_parse(oms->payload, oms->payload_bytes);
	int err;

	*v = (struct verdict){ 0 };
	err = parse_payload(oms, top, v);
	json_object_put(top);
	return err;
}
