// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which cgroups have rights or limits from us: a line "SET ID PATH" for each,
 * in a file that root alone can write. It is a note to ourselves, no more: if
 * it is lost, what was granted before stays until the module is loaded anew.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

#define MAX_STATE	(64U << 20)

static int add(struct applied *a, uint32_t set, uint64_t id, const char *path)
{
	struct target *t = reallocarray(a->t, a->n + 1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	a->t = t;
	t += a->n;
	memset(t, 0, sizeof(*t));
	t->s.set = set;
	t->id = id;
	t->path = strdup(path);
	if (!t->path)
		return -ENOMEM;
	a->n++;
	return 0;
}

void state_load(const char *dir, struct applied *a)
{
	char path[PATH_MAX], *data, *line, *save = NULL;
	uint64_t id;
	uint32_t set;
	size_t bytes;
	int at;

	memset(a, 0, sizeof(*a));
	snprintf(path, sizeof(path), "%s/applied", dir);
	if (file_read(path, MAX_STATE, &data, &bytes))
		return;
	for (line = strtok_r(data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		at = 0;
		if (sscanf(line, "%" SCNx32 " %" SCNu64 " %n", &set, &id, &at) < 2 ||
		    !at || line[at] != '/')
			continue;
		if (add(a, set, id, line + at + 1))
			break;
	}
	free(data);
	a->unknown = true;
}

void state_save(const char *dir, const struct applied *a)
{
	char path[PATH_MAX], temp[PATH_MAX + 8];
	bool bad;
	size_t i;
	FILE *f;

	snprintf(path, sizeof(path), "%s/applied", dir);
	snprintf(temp, sizeof(temp), "%s.new", path);
	mkdir(dir, 0755);
	unlink(temp);
	f = fopen(temp, "wxe");
	if (!f) {
		log_warn("%s: %s: after a restart, what is taken out of the configuration stays granted",
			 temp, strerror(errno));
		return;
	}
	for (i = 0; i < a->n; i++)
		if (!strchr(a->t[i].path, '\n'))
			fprintf(f, "%" PRIx32 " %" PRIu64 " /%s\n",
				a->t[i].s.set, a->t[i].id, a->t[i].path);
	bad = ferror(f);
	bad |= fclose(f) != 0;
	if (bad || rename(temp, path)) {
		log_warn("%s: %s", path, strerror(errno));
		unlink(temp);
	}
}
