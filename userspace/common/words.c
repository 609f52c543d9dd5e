// SPDX-License-Identifier: LGPL-2.1-or-later
/* Words of the command line and of configuration files, and their values. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common.h"

#define SEPARATORS	", \t\n"

struct word {
	const char *name;
	uint32_t value;
};

static const struct word rights_words[] = {
	{ "exec", AIOFFLOAD_RIGHT_EXEC },
	{ "load", AIOFFLOAD_RIGHT_LOAD },
	{ "rt", AIOFFLOAD_RIGHT_RT },
	{ "admin", AIOFFLOAD_RIGHT_ADMIN },
	{ "all", AIOFFLOAD_RIGHTS_ALL },
	{ NULL, 0 }
};

static const struct word keyring_words[] = {
	{ "secondary", AIOFFLOAD_KEYS_SECONDARY },
	{ "platform", AIOFFLOAD_KEYS_PLATFORM },
	{ NULL, 0 }
};

static const struct word mode_words[] = {
	{ "off", AIOFFLOAD_POLICY_OFF },
	{ "permissive", AIOFFLOAD_POLICY_PERMISSIVE },
	{ "enforce", AIOFFLOAD_POLICY_ENFORCE },
	{ NULL, 0 }
};

static const struct word audit_words[] = {
	{ "batch", AIOFFLOAD_AUDIT_BATCH },
	{ "exec", AIOFFLOAD_AUDIT_EXEC },
	{ NULL, 0 }
};

static const struct word bool_words[] = {
	{ "yes", 1 }, { "no", 0 }, { "true", 1 }, { "false", 0 }, { "on", 1 },
	{ "off", 0 }, { "1", 1 }, { "0", 0 }, { NULL, 0 }
};

static int find(const struct word *words, const char *text, size_t len,
		uint32_t *value)
{
	for (; words->name; words++) {
		if (strlen(words->name) == len &&
		    !strncasecmp(words->name, text, len)) {
			*value = words->value;
			return 0;
		}
	}
	return -EINVAL;
}

static int one(const struct word *words, const char *text, uint32_t *value)
{
	return find(words, text, strlen(text), value);
}

/* The OR of a list; "none" alone is 0, and an empty list means nothing. */
static int set_of(const struct word *words, const char *text, uint32_t *set)
{
	uint32_t all = 0, value;
	size_t len;

	text += strspn(text, SEPARATORS);
	if (!strcasecmp(text, "none")) {
		*set = 0;
		return 0;
	}
	if (!*text)
		return -EINVAL;
	while (*text) {
		len = strcspn(text, SEPARATORS);
		if (find(words, text, len, &value))
			return -EINVAL;
		all |= value;
		text += len;
		text += strspn(text, SEPARATORS);
	}
	*set = all;
	return 0;
}

/* The reverse: "a,b", or "none" */
static const char *set_text(const struct word *words, uint32_t set, char *out,
			    size_t len)
{
	size_t at = 0;

	snprintf(out, len, "none");
	for (; words->name; words++) {
		if (!(words->value & set) || (words->value & (words->value - 1)))
			continue;
		at += (size_t)snprintf(out + at, len - at, "%s%s",
				       at ? "," : "", words->name);
	}
	return out;
}

int words_rights(const char *text, uint32_t *rights)
{
	return set_of(rights_words, text, rights);
}

int words_rights_change(const char *text, uint32_t *rights)
{
	uint32_t now = *rights, value;
	size_t len;
	char sign;

	text += strspn(text, SEPARATORS);
	if (*text != '+' && *text != '-')
		return words_rights(text, rights);
	while (*text) {
		sign = *text++;
		len = strcspn(text, SEPARATORS);
		if ((sign != '+' && sign != '-') ||
		    find(rights_words, text, len, &value))
			return -EINVAL;
		now = sign == '+' ? now | value : now & ~value;
		text += len;
		text += strspn(text, SEPARATORS);
	}
	*rights = now;
	return 0;
}

const char *words_from_rights(uint32_t rights, char out[WORDS_RIGHTS_LEN])
{
	return set_text(rights_words, rights, out, WORDS_RIGHTS_LEN);
}

int words_keyrings(const char *text, uint32_t *keyrings)
{
	return set_of(keyring_words, text, keyrings);
}

const char *words_from_keyrings(uint32_t rings, char out[WORDS_KEYRINGS_LEN])
{
	return set_text(keyring_words, rings, out, WORDS_KEYRINGS_LEN);
}

int words_bool(const char *text, bool *value)
{
	uint32_t v;
	int ret = one(bool_words, text, &v);

	if (!ret)
		*value = v;
	return ret;
}

int words_mode(const char *text, uint32_t *mode)
{
	return one(mode_words, text, mode);
}

int words_audit(const char *text, uint32_t *audit)
{
	return one(audit_words, text, audit);
}

/* A number that starts with a digit; @end: what follows it. */
static int number(const char *text, uint64_t *value, char **end)
{
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, end, 10);
	/* the highest number stands for "no limit" */
	return errno || *value == AIOFFLOAD_NO_LIMIT ? -EINVAL : 0;
}

/* Likewise times the factor of the unit that ends the text or precedes '/'. */
struct unit {
	const char *name;
	uint64_t factor;
};

static int quantity(const char *text, const struct unit *units,
		    uint64_t *value, const char **rest)
{
	uint64_t n;
	char *end;
	size_t len;

	if (number(text, &n, &end))
		return -EINVAL;
	len = strcspn(end, "/");
	for (; units->name; units++) {
		if (strlen(units->name) != len ||
		    strncasecmp(units->name, end, len))
			continue;
		if (__builtin_mul_overflow(n, units->factor, value) ||
		    *value == AIOFFLOAD_NO_LIMIT)
			return -EINVAL;
		*rest = end + len;
		return 0;
	}
	return -EINVAL;
}

int words_bytes(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 }, { "K", 1ULL << 10 }, { "M", 1ULL << 20 },
		{ "G", 1ULL << 30 }, { "T", 1ULL << 40 }, { "KiB", 1ULL << 10 },
		{ "MiB", 1ULL << 20 }, { "GiB", 1ULL << 30 },
		{ "TiB", 1ULL << 40 }, { NULL, 0 }
	};
	const char *rest;
	uint64_t value;

	if (!strcasecmp(text, "none")) {
		*bytes = AIOFFLOAD_NO_LIMIT;
		return 0;
	}
	if (quantity(text, units, &value, &rest) || *rest)
		return -EINVAL;
	*bytes = value;
	return 0;
}

int words_count(const char *text, uint64_t *count)
{
	uint64_t value;
	char *end;

	if (!strcasecmp(text, "none")) {
		*count = AIOFFLOAD_NO_LIMIT;
		return 0;
	}
	if (number(text, &value, &end) || *end)
		return -EINVAL;
	*count = value;
	return 0;
}

int words_time(const char *text, uint64_t *ns, uint64_t *period_ns)
{
	static const struct unit units[] = {
		{ "", 1000 }, { "us", 1000 }, { "ms", 1000000 },
		{ "s", 1000000000 }, { NULL, 0 }
	};
	uint64_t used, period;
	const char *rest;

	if (!strcasecmp(text, "none")) {
		*ns = AIOFFLOAD_NO_LIMIT;
		*period_ns = 0;
		return 0;
	}
	if (quantity(text, units, &used, &rest) || *rest != '/' ||
	    quantity(rest + 1, units, &period, &rest) || *rest)
		return -EINVAL;
	if (period < 1000000ULL || period > 100000000000ULL)
		return -EINVAL;
	*ns = used;
	*period_ns = period;
	return 0;
}

int words_limit(uint32_t resource, const char *text, uint64_t *limit,
		uint64_t *period_ns)
{
	*period_ns = 0;
	switch (resource) {
	case AIOFFLOAD_RES_BYTES:
		return words_bytes(text, limit);
	case AIOFFLOAD_RES_TIME:
		return words_time(text, limit, period_ns);
	default:
		return words_count(text, limit);
	}
}

int words_weight(const char *text, uint32_t *weight)
{
	uint64_t value;

	if (words_count(text, &value))
		return -EINVAL;
	if (value == AIOFFLOAD_NO_LIMIT) {
		*weight = 0;
		return 0;
	}
	if (!value || value > AIOFFLOAD_WEIGHT_MAX)
		return -EINVAL;
	*weight = (uint32_t)value;
	return 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int words_digest(const char *hex, uint8_t digest[AIOFFLOAD_DIGEST_LEN])
{
	uint8_t out[AIOFFLOAD_DIGEST_LEN];
	size_t i;
	int hi, lo;

	if (!strncasecmp(hex, "sha256:", 7))
		hex += 7;
	if (strlen(hex) != 2 * sizeof(out))
		return -EINVAL;
	for (i = 0; i < sizeof(out); i++) {
		hi = digit(hex[2 * i]);
		lo = digit(hex[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return -EINVAL;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	memcpy(digest, out, sizeof(out));
	return 0;
}
