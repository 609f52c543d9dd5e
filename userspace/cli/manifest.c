// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a signer says of a model: from options, to text. */
#include <aioffload.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "oms.h"
#include "sign.h"

#define DAY		86400
#define MAX_TIME	253402300799ULL	/* the end of the year 9999 */
#define MAX_STATEMENT	(16U << 20)
#define NR_CLASSES	(AIOFFLOAD_CLASS_VIRTUAL + 1)

enum {
	KEY_BEFORE = 0x200, KEY_AFTER, KEY_CLASS, KEY_DRIVER, KEY_JOB,
	KEY_MEMORY, KEY_PROVENANCE, KEY_OMS, KEY_OMS_KEY,
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What the manifest says:", 1 },
	{ "name", 'n', "NAME", 0,
	  "Under which versions are compared; default: the model's own name", 1 },
	{ "model-version", 'v', "N", 0,
	  "Against roll-back to older ones; default: 1", 1 },
	{ "not-before", KEY_BEFORE, "DATE", 0,
	  "Refused before: 2027-01-31, 2027-01-31T12:00:00Z or +90d", 1 },
	{ "not-after", KEY_AFTER, "DATE", 0,
	  "Refused after it, likewise; a day counts to its end (UTC)", 1 },
	{ "class", KEY_CLASS, "CLASS,...", 0,
	  "Device classes that may run it: cpu, gpu, npu, asic, virtual; default: any",
	  1 },
	{ "driver", KEY_DRIVER, "MODULE", 0,
	  "The only module that may run it; default: any", 1 },
	{ "max-job", KEY_JOB, "MS", 0, "Budget of a job in milliseconds", 1 },
	{ "max-memory", KEY_MEMORY, "BYTES", 0,
	  "Most working memory of a job; K, M and G are understood", 1 },
	{ "provenance", KEY_PROVENANCE, "FILE", 0,
	  "An in-toto statement, such as SLSA provenance; its SHA-256 is kept", 1 },
	{ "oms-bundle", KEY_OMS, "BUNDLE", 0,
	  "An OpenSSF model signature; its root digest is kept", 1 },
	{ "oms-pubkey", KEY_OMS_KEY, "FILE", 0,
	  "Public key or certificate that made the bundle", 1 },
	{ 0 }
};

/* ---- options ------------------------------------------------------------ */

static bool plain_word(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (s[n] <= ' ' || s[n] > '~' || s[n] == '"' || s[n] == '\'')
			return false;
	return n && n < AIM_NAME_LEN;
}

static const char *word(struct argp_state *state, const char *what,
			const char *text)
{
	if (!plain_word(text))
		argp_error(state, "%s: 1 to %d printable characters of ASCII without blanks and quotes",
			   what, AIM_NAME_LEN - 1);
	return text;
}

/*
 * "2027-01-31", "2027-01-31T12:00:00Z", "+90d" from now. @late: a day means
 * its end.
 */
static uint64_t date(struct argp_state *state, const char *what,
		     const char *text, bool late)
{
	struct tm tm = { 0 };
	const char *end;
	unsigned long days;
	char *rest;
	time_t at = -1;

	if (*text == '+' && text[1] >= '0' && text[1] <= '9') {
		days = strtoul(text + 1, &rest, 10);
		if (!strcmp(rest, "d") && days <= 36500)
			return (uint64_t)time(NULL) + days * DAY;
	} else {
		end = strptime(text, "%Y-%m-%d", &tm);
		if (end && !*end) {
			at = timegm(&tm) + (late ? DAY - 1 : 0);
		} else if (end) {
			end = strptime(end, "T%H:%M:%SZ", &tm);
			if (end && !*end)
				at = timegm(&tm);
		}
	}
	if (at <= 0 || (uint64_t)at > MAX_TIME)
		argp_error(state, "%s: '%s' is no date like 2027-01-31, 2027-01-31T12:00:00Z or +90d",
			   what, text);
	return (uint64_t)at;
}

static uint32_t classes(struct argp_state *state, const char *text)
{
	char *copy = strdup(text), *save, *name;
	uint32_t mask = 0, i;

	for (name = copy ? strtok_r(copy, ",", &save) : NULL; name;
	     name = strtok_r(NULL, ",", &save)) {
		for (i = 0; i < NR_CLASSES; i++)
			if (!strcmp(name, aioffload_class_name(i)))
				break;
		if (i == NR_CLASSES)
			argp_error(state, "--class: there is no class '%s': cpu, gpu, npu, asic, virtual",
				   name);
		mask |= 1U << i;
	}
	free(copy);
	if (!mask)
		argp_error(state, "--class: no class in '%s'", text);
	return mask;
}

/* "4096", "64K", "2M", "1G" */
static uint64_t size(struct argp_state *state, const char *what, const char *text)
{
	static const char units[] = "KMG";
	size_t len = strlen(text);
	const char *unit = len > 1 ? strchr(units, text[len - 1]) : NULL;
	unsigned int shift = 0;
	char digits[32];

	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		len--;
	}
	snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
	return cli_number(state, what, digits, 1, UINT64_MAX >> (shift + 1)) << shift;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct manifest_args *args = state->input;

	switch (key) {
	case 'n':
		args->name = word(state, "--name", arg);
		break;
	case 'v':
		args->version = cli_number(state, "--model-version", arg, 0,
					   UINT64_MAX);
		break;
	case KEY_BEFORE:
		args->not_before = date(state, "--not-before", arg, false);
		break;
	case KEY_AFTER:
		args->not_after = date(state, "--not-after", arg, true);
		break;
	case KEY_CLASS:
		args->class_mask = classes(state, arg);
		break;
	case KEY_DRIVER:
		args->driver = word(state, "--driver", arg);
		break;
	case KEY_JOB:
		args->max_job_ns = 1000000 * cli_number(state, "--max-job", arg,
							1, 86400000);
		break;
	case KEY_MEMORY:
		args->max_memory = size(state, "--max-memory", arg);
		break;
	case KEY_PROVENANCE:
		args->provenance = arg;
		break;
	case KEY_OMS:
		args->oms_bundle = arg;
		break;
	case KEY_OMS_KEY:
		args->oms_pubkey = arg;
		break;
	case ARGP_KEY_END:
		if (!args->oms_bundle != !args->oms_pubkey)
			argp_error(state, "--oms-bundle and --oms-pubkey go together: what nobody checked is not signed again");
		if (args->not_before && args->not_after &&
		    args->not_after < args->not_before)
			argp_error(state, "--not-after is before --not-before");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	args->given = true;
	return 0;
}

const struct argp manifest_argp = {
	.options = options,
	.parser = parse,
};

/* ---- making one --------------------------------------------------------- */

/*
 * An in-toto statement: the layer's type is looked at, so that not just any
 * file is taken for one. Or a DSSE envelope around one.
 */
static int statement_digest(const char *path, uint8_t digest[32])
{
	static const char type[] = "https://in-toto.io/Statement/";
	struct json_object *top, *val;
	unsigned int len = 0;
	size_t bytes = 0;
	void *data = NULL;
	bool ok = false;
	int ret;

	ret = file_load(path, MAX_STATEMENT, &data, &bytes);
	if (ret)
		return ret;
	top = oms_json_parse(data, bytes);
	if (json_object_object_get_ex(top, "_type", &val))
		ok = json_object_is_type(val, json_type_string) &&
			!strncmp(json_object_get_string(val), type,
				 sizeof(type) - 1);
	else if (json_object_object_get_ex(top, "payloadType", &val))
		ok = json_object_is_type(val, json_type_string) &&
			!strcmp(json_object_get_string(val), OMS_PAYLOAD_TYPE);
	json_object_put(top);
	if (!ok)
		ret = cli_error(CLI_REFUSED, "%s is neither an in-toto statement nor an envelope of one",
				path);
	else if (!EVP_Digest(data, bytes, digest, &len, EVP_sha256(), NULL))
		ret = cli_error(CLI_FAILED, "libcrypto can't compute SHA-256");
	free(data);
	return ret;
}

/* The bundle must be whole and of that key; whose root is then vouched for. */
static int oms_digest(const struct manifest_args *args,
		      const struct aim_manifest *m, uint8_t root[32])
{
	struct verdict v = { 0 };
	struct oms *oms = NULL;
	EVP_PKEY *key = NULL;
	int ret;

	ret = key_load_public(args->oms_pubkey, &key);
	if (!ret)
		ret = oms_load(args->oms_bundle, &oms);
	if (!ret && oms_check_signature(oms, key, &v))
		ret = cli_error(CLI_REFUSED, "%s: %s", args->oms_bundle, v.reason);
	if (!ret) {
		memcpy(root, oms->root, sizeof(oms->root));
		if (!oms_lists(oms, m->model_digest))
			cli_error(CLI_OK, "note: %s does not list this very model; it is taken for the signature of what the model was made from",
				  args->oms_bundle);
	}
	oms_free(oms);
	EVP_PKEY_free(key);
	return ret;
}

/* The model's own name if it will do, else the file's. */
static const char *default_name(const char *path, const struct signed_file *f,
				char out[AIM_NAME_LEN])
{
	const struct aim_header *h = f->data;
	const char *base = strrchr(path, '/'), *dot;

	/* signed_load() had the header verified: the name is a whole string */
	if (h->name) {
		snprintf(out, AIM_NAME_LEN, "%s", (const char *)f->data +
			 h->sections[AIM_SEC_STRINGS].offset + h->name);
		if (plain_word(out))
			return out;
	}
	base = base ? base + 1 : path;
	dot = strrchr(base, '.');
	snprintf(out, AIM_NAME_LEN, "%.*s",
		 dot && dot != base ? (int)(dot - base) : (int)strlen(base), base);
	return plain_word(out) ? out : NULL;
}

int manifest_make(const struct manifest_args *args, const char *path,
		  const struct signed_file *f, struct aim_manifest *m)
{
	char buf[AIM_NAME_LEN];
	const char *name = args->name ? args->name : default_name(path, f, buf);
	int ret = CLI_OK;

	memset(m, 0, sizeof(*m));
	memcpy(m->magic, AIM_MANIFEST_MAGIC, sizeof(m->magic));
	if (!name)
		return cli_error(CLI_USAGE, "neither the model nor %s has a name that a manifest can bear; give one with --name",
				 path);
	m->version = AIM_MANIFEST_VERSION;
	m->bytes = sizeof(*m);
	m->model_bytes = f->env.model_bytes;
	if (signed_digest(f, m->model_digest))
		return cli_error(CLI_FAILED, "libcrypto can't compute SHA-256");
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->model_version = args->version;
	m->not_before = args->not_before;
	m->not_after = args->not_after;
	m->class_mask = args->class_mask;
	snprintf(m->driver, sizeof(m->driver), "%s",
		 args->driver ? args->driver : "");
	m->max_job_ns = args->max_job_ns;
	m->max_memory = args->max_memory;
	if (args->provenance)
		ret = statement_digest(args->provenance, m->provenance);
	if (!ret && args->oms_bundle)
		ret = oms_digest(args, m, m->oms_root);
	return ret;
}

/* ---- showing one -------------------------------------------------------- */

const char *time_text(uint64_t seconds, char buf[32])
{
	time_t at = (time_t)seconds;
	struct tm tm;

	buf[0] = '\0';
	if (!seconds)
		return buf;
	if (seconds > MAX_TIME || !gmtime_r(&at, &tm))
		snprintf(buf, 32, "@%" PRIu64, seconds);
	else
		strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n)
		if (p[--n])
			return false;
	return true;
}

/* Bits that no class is known for show as their number. */
static const char *class_text(uint32_t bit, char buf[16])
{
	if (bit < NR_CLASSES)
		return aioffload_class_name(bit);
	snprintf(buf, 16, "%u", bit);
	return buf;
}

/* A field of a manifest that nobody may have checked yet. */
static const char *field(const char text[AIM_NAME_LEN], char *out, size_t len)
{
	char copy[AIM_NAME_LEN + 1];

	snprintf(copy, sizeof(copy), "%.*s", AIM_NAME_LEN, text);
	return text_clean(copy, out, len);
}

static void print_digest(const char *what, const uint8_t digest[32])
{
	char hex[TEXT_DIGEST_LEN];

	if (!is_zero(digest, 32))
		printf("  %-12s %s\n", what, text_hex(digest, 32, hex));
}

void manifest_print(const struct aim_manifest *m)
{
	char clean[5 * AIM_NAME_LEN], when[32], num[CLI_NUM_LEN], bit[16];
	uint32_t i;

	printf("manifest  %s, version %" PRIu64 "\n",
	       field(m->name, clean, sizeof(clean)), (uint64_t)m->model_version);
	if (m->not_before)
		printf("  %-12s %s\n", "not before", time_text(m->not_before, when));
	if (m->not_after)
		printf("  %-12s %s\n", "not after", time_text(m->not_after, when));
	if (m->class_mask) {
		printf("  %-12s", "classes");
		for (i = 0; i < 32; i++)
			if (m->class_mask >> i & 1)
				printf(" %s", class_text(i, bit));
		putchar('\n');
	}
	if (*m->driver)
		printf("  %-12s %s\n", "driver",
		       field(m->driver, clean, sizeof(clean)));
	if (m->max_job_ns)
		printf("  %-12s %s\n", "job budget",
		       text_ns((double)m->max_job_ns, num));
	if (m->max_memory)
		printf("  %-12s %s\n", "memory", text_bytes(m->max_memory, num));
	print_digest("provenance", m->provenance);
	print_digest("oms root", m->oms_root);
}

static void json_digest(struct json_object *obj, const char *key,
			const uint8_t digest[32])
{
	char hex[TEXT_DIGEST_LEN];

	if (!is_zero(digest, 32))
		json_str(obj, key, text_hex(digest, 32, hex));
}

struct json_object *manifest_json(const struct aim_manifest *m)
{
	struct json_object *obj = json_object_new_object(), *list;
	char clean[5 * AIM_NAME_LEN], bit[16];
	uint32_t i;

	json_str(obj, "name", field(m->name, clean, sizeof(clean)));
	json_u64(obj, "version", m->model_version);
	json_u64(obj, "not_before", m->not_before);
	json_u64(obj, "not_after", m->not_after);
	list = json_object_new_array();
	for (i = 0; i < 32; i++)
		if (m->class_mask >> i & 1)
			json_object_array_add(list, json_object_new_string(
						class_text(i, bit)));
	json_object_object_add(obj, "classes", list);
	json_str(obj, "driver", field(m->driver, clean, sizeof(clean)));
	json_u64(obj, "max_job_ns", m->max_job_ns);
	json_u64(obj, "max_memory", m->max_memory);
	json_digest(obj, "provenance", m->provenance);
	json_digest(obj, "oms_root", m->oms_root);
	return obj;
}
