// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files of /etc/aioffload: aioffloadd.conf(5). libconfuse takes them apart;
 * what the words mean is said in userspace/common, as for the command.
 *
 * A file of rights counts whole or not at all: half of what an administrator
 * wrote is something that he did not write.
 */
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

/*
 * libconfuse takes a file that ends within a section or comment for complete.
 * So a line of our own follows the text; it must arrive.
 */
#define END_MARK	"end-of-the-file"

/* The file that is read now; libconfuse has one parser, and so have we. */
static const char *now_file;

static void parse_error(cfg_t *cfg, const char *fmt, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, args);
	if (strstr(text, END_MARK))
		log_err("%s: ends within a section: a '}' is missing", now_file);
	else
		log_err("%s:%d: %s", now_file, cfg ? cfg->line : 0, text);
}

static int parse(cfg_t *cfg, const char *name, const char *text)
{
	char *marked;
	int ret;

	now_file = name;
	cfg_set_error_function(cfg, parse_error);
	if (asprintf(&marked, "%s\n" END_MARK " = 1\n", text) < 0) {
		log_err("%s: out of memory", name);
		return -EINVAL;
	}
	ret = cfg_parse_buf(cfg, marked);
	free(marked);
	if (ret != CFG_SUCCESS)
		return -EINVAL;
	if (cfg_getint(cfg, END_MARK) != 1) {
		log_err("%s: ends within a comment: a '*/' is missing", name);
		return -EINVAL;
	}
	return 0;
}

/* Room for one more; zeroed. */
static void *more(void *array, size_t n, size_t size)
{
	char *a = reallocarray(array, n + 1, size);

	if (a)
		memset(a + n * size, 0, size);
	return a;
}

/* ---- groups.d ----------------------------------------------------------- */

static const char *const limit_names[AIOFFLOAD_RES_NR] = {
	[AIOFFLOAD_RES_BYTES] = "bytes", [AIOFFLOAD_RES_MODELS] = "models",
	[AIOFFLOAD_RES_QUEUES] = "queues", [AIOFFLOAD_RES_JOBS] = "jobs",
	[AIOFFLOAD_RES_TIME] = "time",
};

static int check_rights(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getstr(opt);
	uint32_t rights;

	if (text && !words_rights(text, &rights))
		return 0;
	cfg_error(cfg, "'%s' is no list of rights: exec, load, rt, admin, all, none",
		  text ? text : "");
	return -1;
}

static int check_devices(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getstr(opt);
	char bad[80] = "";

	if (text && !devices_check(text, bad, sizeof(bad)))
		return 0;
	cfg_error(cfg, "'%s' names no device: all, none, 0, 2-3, class:npu, driver:aioffload_cpu",
		  bad);
	return -1;
}

static int check_limit(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getstr(opt);
	uint64_t limit, period;
	uint32_t r;

	for (r = 0; r < AIOFFLOAD_RES_NR; r++)
		if (!strcmp(opt->name, limit_names[r]))
			break;
	if (text && r < AIOFFLOAD_RES_NR &&
	    !words_limit(r, text, &limit, &period))
		return 0;
	cfg_error(cfg, "%s: '%s' is not %s, nor none", opt->name,
		  text ? text : "", r == AIOFFLOAD_RES_BYTES ?
		  "a size, such as 512M" : r == AIOFFLOAD_RES_TIME ?
		  "a time and a period of 1ms to 100s, such as 20ms/100ms" :
		  "a whole number");
	return -1;
}

static int check_weight(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getstr(opt);
	uint32_t weight;

	if (text && !words_weight(text, &weight))
		return 0;
	cfg_error(cfg, "weight: '%s' is not 1 to %u, nor none",
		  text ? text : "", AIOFFLOAD_WEIGHT_MAX);
	return -1;
}

static void fill_settings(struct rule *rule, cfg_t *sec)
{
	struct settings *s = &rule->s;
	const char *text;
	uint32_t r;

	text = cfg_getstr(sec, "rights");
	if (text && !words_rights(text, &s->rights))
		s->set |= SET_RIGHTS;
	if (rule->devices) {
		s->devices = rule->devices;
		s->set |= SET_DEVICES;
	}
	text = cfg_getstr(sec, "weight");
	if (text && !words_weight(text, &s->weight))
		s->set |= SET_WEIGHT;
	for (r = 0; r < AIOFFLOAD_RES_NR; r++) {
		text = cfg_getstr(sec, limit_names[r]);
		if (text && !words_limit(r, text, &s->limit[r], &s->period[r]))
			s->set |= 1U << r;
	}
}

/* A rule of a section that is checked already, but for its title. */
static int add_rule(struct config *c, const char *name, cfg_t *sec)
{
	char pattern[PATH_MAX];
	struct rule *rule, *all;
	const char *why, *text;

	why = pattern_check(cfg_title(sec), pattern);
	if (why) {
		log_err("%s: cgroup '%s': %s", name, cfg_title(sec), why);
		return -EINVAL;
	}
	all = more(c->rules, c->nr_rules, sizeof(*all));
	if (!all)
		return -ENOMEM;
	c->rules = all;
	rule = &all[c->nr_rules++];
	text = cfg_getstr(sec, "devices");
	rule->file = strdup(name);
	rule->line = sec->line;
	rule->pattern = strdup(pattern);
	rule->devices = text ? strdup(text) : NULL;
	if (!rule->file || !rule->pattern || (text && !rule->devices))
		return -ENOMEM;
	fill_settings(rule, sec);
	if (!rule->s.set) {
		log_err("%s:%d: cgroup '%s': says nothing", name, rule->line,
			cfg_title(sec));
		return -EINVAL;
	}
	return 0;
}

static void drop_rules(struct config *c, size_t keep)
{
	struct rule *rule;

	while (c->nr_rules > keep) {
		rule = &c->rules[--c->nr_rules];
		free(rule->file);
		free(rule->pattern);
		free(rule->devices);
	}
}

int config_groups(struct config *c, const char *name, const char *text)
{
	cfg_opt_t group[] = {
		CFG_STR("rights", NULL, CFGF_NODEFAULT),
		CFG_STR("devices", NULL, CFGF_NODEFAULT),
		CFG_STR("bytes", NULL, CFGF_NODEFAULT),
		CFG_STR("models", NULL, CFGF_NODEFAULT),
		CFG_STR("queues", NULL, CFGF_NODEFAULT),
		CFG_STR("jobs", NULL, CFGF_NODEFAULT),
		CFG_STR("time", NULL, CFGF_NODEFAULT),
		CFG_STR("weight", NULL, CFGF_NODEFAULT),
		CFG_END()
	};
	cfg_opt_t top[] = {
		CFG_SEC("cgroup", group,
			CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_INT(END_MARK, 0, CFGF_NONE),
		CFG_END()
	};
	size_t before = c->nr_rules;
	cfg_t *cfg = cfg_init(top, CFGF_NONE);
	char path[32];
	unsigned int i;
	int ret;

	if (!cfg)
		return -ENOMEM;
	cfg_set_validate_func(cfg, "cgroup|rights", check_rights);
	cfg_set_validate_func(cfg, "cgroup|devices", check_devices);
	cfg_set_validate_func(cfg, "cgroup|weight", check_weight);
	for (i = 0; i < AIOFFLOAD_RES_NR; i++) {
		snprintf(path, sizeof(path), "cgroup|%s", limit_names[i]);
		cfg_set_validate_func(cfg, path, check_limit);
	}
	ret = parse(cfg, name, text);
	for (i = 0; !ret && i < cfg_size(cfg, "cgroup"); i++)
		ret = add_rule(c, name, cfg_getnsec(cfg, "cgroup", i));
	cfg_free(cfg);
	if (ret == -ENOMEM)
		log_err("%s: out of memory", name);
	if (ret)
		drop_rules(c, before);
	return ret;
}

/* ---- blocked.d ---------------------------------------------------------- */

static struct block *new_block(struct config *c, const char *name, int line)
{
	struct block *all = more(c->blocks, c->nr_blocks, sizeof(*all));
	struct block *b;

	if (!all)
		return NULL;
	c->blocks = all;
	b = &all[c->nr_blocks];
	b->line = line;
	b->file = strdup(name);
	if (!b->file)
		return NULL;
	c->nr_blocks++;
	return b;
}

static void drop_blocks(struct config *c, size_t keep)
{
	while (c->nr_blocks > keep)
		free(c->blocks[--c->nr_blocks].file);
}

/*
 * digest = {...}, key = {...}. A bad entry is reported and the others count:
 * here leaving something out would admit what somebody wanted refused.
 */
static int add_digests(struct config *c, const char *name, cfg_t *cfg,
		       const char *option, uint32_t kind)
{
	uint8_t id[AIOFFLOAD_DIGEST_LEN];
	unsigned int i;
	struct block *b;

	for (i = 0; i < cfg_size(cfg, option); i++) {
		if (words_digest(cfg_getnstr(cfg, option, i), id)) {
			log_err("%s: %s: '%s' is not a SHA-256 of 64 hexadecimal digits",
				name, option, cfg_getnstr(cfg, option, i));
			continue;
		}
		b = new_block(c, name, 0);
		if (!b)
			return -ENOMEM;
		b->entry.kind = kind;
		memcpy(b->entry.id, id, sizeof(id));
	}
	return 0;
}

/* certificate = {"/path", ...}: their keys */
static int add_certificate(struct config *c, const char *name, const char *path)
{
	struct cert *certs;
	struct block *b;
	const char *why;
	size_t bytes;
	char *data;
	int n, i, ret = 0;

	if (*path != '/' || file_read(path, CONFIG_MAX_BYTES, &data, &bytes)) {
		log_err("%s: certificate '%s': can't be read%s", name, path,
			*path == '/' ? "" : ": its path must begin with '/'");
		return 0;
	}
	n = certs_parse(data, bytes, &certs, &why);
	free(data);
	if (n < 0) {
		log_err("%s: certificate '%s': %s", name, path, why);
		return 0;
	}
	for (i = 0; !ret && i < n; i++) {
		b = new_block(c, name, 0);
		if (!b) {
			ret = -ENOMEM;
			break;
		}
		b->entry.kind = AIOFFLOAD_BLOCK_KEY;
		memcpy(b->entry.id, certs[i].key_id, sizeof(b->entry.id));
	}
	certs_free(certs, n);
	return ret;
}

/* model "NAME" { minimum = 7 } */
static int add_version(struct config *c, const char *name, cfg_t *sec)
{
	const char *text = cfg_getstr(sec, "minimum");
	const char *title = cfg_title(sec);
	uint64_t version = 0;
	struct block *b;

	if (!text || words_count(text, &version) || !version ||
	    version == AIOFFLOAD_NO_LIMIT) {
		log_err("%s:%d: model '%s': its minimum version is not a number of at least 1",
			name, sec->line, title);
		return 0;
	}
	if (!*title || strlen(title) >= sizeof(b->entry.name)) {
		log_err("%s:%d: a model's name has 1 to %zu characters", name,
			sec->line, sizeof(b->entry.name) - 1);
		return 0;
	}
	b = new_block(c, name, sec->line);
	if (!b)
		return -ENOMEM;
	b->entry.kind = AIOFFLOAD_BLOCK_VERSION;
	b->entry.version = version;
	strcpy(b->entry.name, title);
	return 0;
}

int config_blocks(struct config *c, const char *name, const char *text)
{
	cfg_opt_t model[] = {
		CFG_STR("minimum", NULL, CFGF_NODEFAULT),
		CFG_END()
	};
	cfg_opt_t top[] = {
		CFG_STR_LIST("digest", NULL, CFGF_NODEFAULT),
		CFG_STR_LIST("key", NULL, CFGF_NODEFAULT),
		CFG_STR_LIST("certificate", NULL, CFGF_NODEFAULT),
		CFG_SEC("model", model,
			CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_INT(END_MARK, 0, CFGF_NONE),
		CFG_END()
	};
	cfg_t *cfg = cfg_init(top, CFGF_NONE);
	unsigned int i;
	int ret;

	if (!cfg)
		return -ENOMEM;
	ret = parse(cfg, name, text);
	if (!ret)
		ret = add_digests(c, name, cfg, "digest", AIOFFLOAD_BLOCK_DIGEST);
	if (!ret)
		ret = add_digests(c, name, cfg, "key", AIOFFLOAD_BLOCK_KEY);
	for (i = 0; !ret && i < cfg_size(cfg, "certificate"); i++)
		ret = add_certificate(c, name,
				      cfg_getnstr(cfg, "certificate", i));
	for (i = 0; !ret && i < cfg_size(cfg, "model"); i++)
		ret = add_version(c, name, cfg_getnsec(cfg, "model", i));
	cfg_free(cfg);
	if (ret == -ENOMEM)
		log_err("%s: out of memory", name);
	return ret;
}

/* ---- policy.conf -------------------------------------------------------- */

/* One setting; says what is wrong with it. */
static int take(cfg_t *cfg, const char *name, const char *option,
		int (*word)(const char *text, uint32_t *value), uint32_t *value,
		uint32_t *set, uint32_t bit)
{
	const char *text = cfg_getstr(cfg, option);

	if (!text)
		return 0;
	if (word(text, value)) {
		log_err("%s: %s: '%s' is none of its values", name, option, text);
		return -EINVAL;
	}
	*set |= bit;
	return 0;
}

static int yes_or_no(const char *text, uint32_t *value)
{
	bool yes = false;
	int ret = words_bool(text, &yes);

	*value = yes;
	return ret;
}

int config_policy(struct config *c, const char *name, const char *text)
{
	cfg_opt_t top[] = {
		CFG_STR("mode", NULL, CFGF_NODEFAULT),
		CFG_STR("keyrings", NULL, CFGF_NODEFAULT),
		CFG_STR("signed-drivers", NULL, CFGF_NODEFAULT),
		CFG_STR("audit", NULL, CFGF_NODEFAULT),
		CFG_STR("lock", NULL, CFGF_NODEFAULT),
		CFG_STR("close-keyring", NULL, CFGF_NODEFAULT),
		CFG_INT(END_MARK, 0, CFGF_NONE),
		CFG_END()
	};
	cfg_t *cfg = cfg_init(top, CFGF_NONE);
	struct aioffload_policy p = { 0 };
	uint32_t set = 0, ring = 0, unused = 0;
	int ret;

	if (!cfg)
		return -ENOMEM;
	ret = parse(cfg, name, text);
	if (!ret)
		ret = take(cfg, name, "mode", words_mode, &p.mode, &set,
			   AIOFFLOAD_POLICY_SET_MODE) ||
		      take(cfg, name, "keyrings", words_keyrings, &p.keyrings,
			   &set, AIOFFLOAD_POLICY_SET_KEYRINGS) ||
		      take(cfg, name, "signed-drivers", yes_or_no,
			   &p.signed_drivers, &set, AIOFFLOAD_POLICY_SET_DRIVERS) ||
		      take(cfg, name, "audit", words_audit, &p.audit, &set,
			   AIOFFLOAD_POLICY_SET_AUDIT) ||
		      take(cfg, name, "lock", yes_or_no, &p.locked, &set,
			   AIOFFLOAD_POLICY_SET_LOCKED) ||
		      take(cfg, name, "close-keyring", yes_or_no, &ring,
			   &unused, 1) ? -EINVAL : 0;
	cfg_free(cfg);
	if (ret)
		return ret;
	c->policy = p;
	c->policy_set = set;
	c->close_keyring = ring;
	return 0;
}

/* ---- all files ---------------------------------------------------------- */

static int load_file(struct config *c, const char *path,
		     int (*parse_text)(struct config *c, const char *name,
				       const char *text))
{
	size_t bytes;
	char *data;
	int ret = file_read(path, CONFIG_MAX_BYTES, &data, &bytes);

	if (ret)
		return ret;
	if (strlen(data) != bytes) {
		log_err("%s: holds a NUL byte: ignored", path);
		ret = -EINVAL;
	} else {
		ret = parse_text(c, path, data);
		if (ret)
			log_err("%s: the whole file is ignored", path);
	}
	free(data);
	return ret;
}

/* Returns whether every file there is was taken. */
static bool load_dir(struct config *c, const char *dir, const char *sub,
		     int (*parse_text)(struct config *c, const char *name,
				       const char *text))
{
	static const char *const suffixes[] = { ".conf", NULL };
	struct names names;
	char path[PATH_MAX];
	bool good = true;
	size_t i;
	int ret;

	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	ret = dir_list(path, suffixes, &names);
	if (ret)
		return ret == -ENOENT;
	for (i = 0; i < names.n; i++)
		if (load_file(c, names.path[i], parse_text))
			good = false;
	names_free(&names);
	return good;
}

void config_load(struct config *c, const char *dir)
{
	char path[PATH_MAX];
	int ret;

	memset(c, 0, sizeof(*c));
	ret = dir_check(dir);
	if (ret) {
		c->groups_bad = ret != -ENOENT;
		c->trust_bad = c->groups_bad;
		return;
	}
	snprintf(path, sizeof(path), "%s/policy.conf", dir);
	ret = load_file(c, path, config_policy);
	c->trust_bad = !load_dir(c, dir, "blocked.d", config_blocks) ||
		(ret && ret != -ENOENT);
	c->groups_bad = !load_dir(c, dir, "groups.d", config_groups);
}

void config_free(struct config *c)
{
	drop_rules(c, 0);
	drop_blocks(c, 0);
	free(c->rules);
	free(c->blocks);
	memset(c, 0, sizeof(*c));
}
