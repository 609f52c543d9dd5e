// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sets of devices, by number, driver and class. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

#define SEPARATORS	", \t\n"
#define WORD_LEN	(AIOFFLOAD_NAME_LEN + 16)

enum kind { ALL, NONE, RANGE, CLASS, DRIVER };

struct item {
	enum kind kind;
	uint32_t first, last;		/* RANGE; first: CLASS */
	char driver[AIOFFLOAD_NAME_LEN];
};

/* "3", "aioffload3" */
static int number(const char *text, const char **rest, uint32_t *id)
{
	static const char prefix[] = "aioffload";
	unsigned long value;
	char *end;

	if (!strncmp(text, prefix, sizeof(prefix) - 1))
		text += sizeof(prefix) - 1;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || value >= AIOFFLOAD_MAX_DEVICES)
		return -EINVAL;
	*id = (uint32_t)value;
	*rest = end;
	return 0;
}

static int parse_class(const char *text, uint32_t *dev_class)
{
	uint32_t i;

	for (i = 0; i < 32; i++) {
		if (!strcmp(aioffload_class_name(i), "unknown"))
			break;
		if (!strcmp(aioffload_class_name(i), text)) {
			*dev_class = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_item(const char *word, struct item *item)
{
	const char *rest;

	memset(item, 0, sizeof(*item));
	if (!strcmp(word, "all")) {
		item->kind = ALL;
		return 0;
	}
	if (!strcmp(word, "none")) {
		item->kind = NONE;
		return 0;
	}
	if (!strncmp(word, "class:", 6)) {
		item->kind = CLASS;
		return parse_class(word + 6, &item->first);
	}
	if (!strncmp(word, "driver:", 7)) {
		item->kind = DRIVER;
		if (!word[7] || strlen(word + 7) >= sizeof(item->driver))
			return -EINVAL;
		strcpy(item->driver, word + 7);
		return 0;
	}
	item->kind = RANGE;
	if (number(word, &rest, &item->first))
		return -EINVAL;
	item->last = item->first;
	if (*rest == '-' && number(rest + 1, &rest, &item->last))
		return -EINVAL;
	return *rest || item->last < item->first ? -EINVAL : 0;
}

/* The next word of the list: 1; 0 at its end; -EINVAL with the word in @word. */
static int next_item(const char **list, char word[WORD_LEN], struct item *item)
{
	size_t len;

	*list += strspn(*list, SEPARATORS);
	if (!**list)
		return 0;
	len = strcspn(*list, SEPARATORS);
	snprintf(word, WORD_LEN, "%.*s", (int)len, *list);
	*list += len;
	if (len >= WORD_LEN)
		return -EINVAL;
	return parse_item(word, item) ? -EINVAL : 1;
}

int devices_check(const char *list, char *bad, size_t bad_len)
{
	char word[WORD_LEN] = "";
	struct item item;
	int ret, n = 0;

	while ((ret = next_item(&list, word, &item)) == 1)
		n++;
	if (!ret && n)
		return 0;
	snprintf(bad, bad_len, "%s", word);
	return -EINVAL;
}

static void set(uint64_t *devices, uint32_t id)
{
	devices[id / 64] |= 1ULL << id % 64;
}

static bool fits(const struct item *item, const struct aioffload_device_info *d)
{
	return item->kind == CLASS ? d->dev_class == item->first :
		!strcmp(d->driver, item->driver);
}

static int set_fitting(struct aioffload_ctx *ctx, const struct item *item,
		       uint64_t *devices)
{
	struct aioffload_device_info dev;
	uint32_t from = 0;
	int ret;

	while (!(ret = aioffload_get_device(ctx, from, &dev))) {
		if (dev.id < from || dev.id >= AIOFFLOAD_MAX_DEVICES)
			break;
		if (fits(item, &dev))
			set(devices, dev.id);
		from = dev.id + 1;
	}
	return ret == -ENOENT ? 0 : ret;
}

int devices_resolve(struct aioffload_ctx *ctx, const char *list,
		    uint64_t devices[AIOFFLOAD_DEVICE_WORDS])
{
	char word[WORD_LEN];
	struct item item;
	int ret, all = 0;
	uint32_t id;

	memset(devices, 0, AIOFFLOAD_DEVICE_WORDS * sizeof(*devices));
	while ((ret = next_item(&list, word, &item)) == 1) {
		if (item.kind == ALL)
			all = 1;
		for (id = item.first; item.kind == RANGE && id <= item.last; id++)
			set(devices, id);
		if (item.kind != CLASS && item.kind != DRIVER)
			continue;
		ret = set_fitting(ctx, &item, devices);
		if (ret)
			return ret;
	}
	if (ret)
		return ret;
	if (all)
		memset(devices, 0xff, AIOFFLOAD_DEVICE_WORDS * sizeof(*devices));
	return all;
}

bool devices_are_all(const uint64_t devices[AIOFFLOAD_DEVICE_WORDS])
{
	size_t i;

	for (i = 0; i < AIOFFLOAD_DEVICE_WORDS; i++)
		if (~devices[i])
			return false;
	return true;
}

static bool has(const uint64_t *devices, uint32_t id)
{
	return id < AIOFFLOAD_MAX_DEVICES && devices[id / 64] >> id % 64 & 1;
}

const char *devices_text(const uint64_t devices[AIOFFLOAD_DEVICE_WORDS],
			 char *out, size_t len)
{
	size_t at = 0;
	uint32_t id, last;

	if (devices_are_all(devices)) {
		snprintf(out, len, "all");
		return out;
	}
	snprintf(out, len, "none");
	for (id = 0; id < AIOFFLOAD_MAX_DEVICES && at < len; id = last + 1) {
		last = id;
		if (!has(devices, id))
			continue;
		while (has(devices, last + 1))
			last++;
		at += (size_t)snprintf(out + at, len - at, "%s%u",
				       at ? "," : "", id);
		if (last > id && at < len)
			at += (size_t)snprintf(out + at, len - at, "-%u", last);
	}
	return out;
}
