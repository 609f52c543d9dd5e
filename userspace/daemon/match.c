// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Patterns of cgroups: glob(7), component by component. Names of cgroups are
 * others' choice: they are compared and opened, one component at a time, and
 * never become part of a path that is resolved as a whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

/*
 * The kernel knows rights and limits of 4096 cgroups. Who may make cgroups that
 * fit a pattern must take them neither from other patterns nor from an
 * administrator in need.
 */
#define MAX_TARGETS	3072
#define MAX_OF_RULE	1024

const char *pattern_check(const char *text, char out[PATH_MAX])
{
	static const char *const prefix = "/sys/fs/cgroup";
	size_t at = 0, len;

	if (!strncmp(text, prefix, strlen(prefix)) &&
	    (text[strlen(prefix)] == '/' || !text[strlen(prefix)]))
		text += strlen(prefix);
	else if (!*text)
		return "a cgroup's name is missing; the root is '/'";
	for (;;) {
		text += strspn(text, "/");
		len = strcspn(text, "/");
		if (!len)
			break;
		if ((len == 1 && *text == '.') || (len == 2 && !strncmp(text, "..", 2)))
			return "'.' and '..' have no place here";
		if (len > NAME_MAX)
			return "a component is longer than a name can be";
		if (at + len + 2 > PATH_MAX)
			return "longer than a path can be";
		if (at)
			out[at++] = '/';
		memcpy(out + at, text, len);
		at += len;
		text += len;
	}
	out[at] = '\0';
	return NULL;
}

struct walk {
	struct targets *out;
	const struct rule *rule;
	void (*watch)(int dir_fd);
	size_t fresh;			/* that this rule alone speaks of so far */
	char path[PATH_MAX];
};

static void settle(struct settings *s, const struct settings *more)
{
	uint32_t r;

	if (more->set & SET_RIGHTS)
		s->rights = more->rights;
	if (more->set & SET_DEVICES)
		s->devices = more->devices;
	if (more->set & SET_WEIGHT)
		s->weight = more->weight;
	for (r = 0; r < AIOFFLOAD_RES_NR; r++) {
		if (!(more->set & 1U << r))
			continue;
		s->limit[r] = more->limit[r];
		s->period[r] = more->period[r];
	}
	s->set |= more->set;
}

/* The cgroup that is open at @fd fits the rule. */
static int found(struct walk *w, int fd)
{
	struct targets *out = w->out;
	struct target *t = NULL;
	struct stat st;
	size_t i;

	if (fstat(fd, &st))
		return -errno;
	for (i = 0; i < out->n; i++)
		if (out->t[i].id == st.st_ino)
			t = &out->t[i];
	if (!t) {
		if (out->n >= MAX_TARGETS || w->fresh >= MAX_OF_RULE)
			return -E2BIG;
		t = reallocarray(out->t, out->n + 1, sizeof(*t));
		if (!t)
			return -ENOMEM;
		out->t = t;
		t += out->n;
		memset(t, 0, sizeof(*t));
		t->path = strdup(w->path);
		if (!t->path)
			return -ENOMEM;
		t->id = st.st_ino;
		out->n++;
		w->fresh++;
	}
	t->from = w->rule;
	settle(&t->s, &w->rule->s);
	return 0;
}

static int descend(struct walk *w, int dir, const char *pattern);

/* Go on below one directory that fits; what is gone again fits no more. */
static int enter(struct walk *w, int dir, const char *name, const char *rest)
{
	size_t len = strlen(w->path);
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? -errno : 0;
	if (len + strlen(name) + 2 > sizeof(w->path)) {
		close(fd);
		return 0;
	}
	sprintf(w->path + len, "%s%s", len ? "/" : "", name);
	ret = descend(w, fd, rest);
	w->path[len] = '\0';
	close(fd);
	return ret == -ENODEV || ret == -ENOENT ? 0 : ret;
}

static int enter_all(struct walk *w, int dir, const char *glob, const char *rest)
{
	struct dirent *entry;
	DIR *list;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	list = fdopendir(fd);
	if (!list) {
		close(fd);
		return -ENOMEM;
	}
	while (!ret && (entry = readdir(list)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") &&
		    strcmp(entry->d_name, "..") &&
		    !fnmatch(glob, entry->d_name, FNM_NOESCAPE))
			ret = enter(w, dir, entry->d_name, rest);
	closedir(list);
	return ret;
}

static int descend(struct walk *w, int dir, const char *pattern)
{
	char part[NAME_MAX + 1];
	const char *rest;
	size_t len = strcspn(pattern, "/");

	if (!*pattern)
		return found(w, dir);
	if (w->watch)
		w->watch(dir);
	memcpy(part, pattern, len);
	part[len] = '\0';
	rest = pattern[len] ? pattern + len + 1 : pattern + len;
	/* a backslash is a letter: systemd writes its names with them */
	if (strpbrk(part, "*?["))
		return enter_all(w, dir, part, rest);
	return enter(w, dir, part, rest);
}

static int depth(const char *path)
{
	int n = *path != '\0';

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* Parents first: a child's grant is measured against its parent's. */
static int by_depth(const void *a, const void *b)
{
	const struct target *x = a, *y = b;
	int d = depth(x->path) - depth(y->path);

	return d ? d : strcmp(x->path, y->path);
}

int match_rules(const struct config *c, struct targets *out,
		void (*watch)(int dir_fd))
{
	const char *root = cgroup_root();
	struct walk w = { .out = out, .watch = watch };
	int fd, err, ret = 0;
	size_t i;

	memset(out, 0, sizeof(*out));
	if (!c->nr_rules)
		return 0;
	if (!root) {
		log_err("the cgroup 2 hierarchy is not mounted at /sys/fs/cgroup");
		return -ENODEV;
	}
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		log_err("%s: %s", root, strerror(-ret));
		return ret;
	}
	for (i = 0; i < c->nr_rules; i++) {
		w.rule = &c->rules[i];
		w.fresh = 0;
		w.path[0] = '\0';
		err = descend(&w, fd, w.rule->pattern);
		/* one rule's trouble is not another's */
		if (err)
			log_err("%s:%d: '%s': %s", w.rule->file, w.rule->line,
				w.rule->pattern, err == -E2BIG ?
				"more cgroups fit than the kernel has room for; the others keep what their parents have" :
				strerror(-err));
		if (!ret)
			ret = err;
	}
	close(fd);
	if (out->n)
		qsort(out->t, out->n, sizeof(*out->t), by_depth);
	return ret;
}

void targets_free(struct targets *t)
{
	while (t->n)
		free(t->t[--t->n].path);
	free(t->t);
	t->t = NULL;
}
