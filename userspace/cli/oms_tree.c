// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * OpenSSF Model Signing: a model's files as a sorted list of digests.
 * Links are never followed; what is neither file nor directory is refused.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oms.h"

#define MAX_LEVELS	64
#define CHUNK		(1U << 20)

/* ---- lists -------------------------------------------------------------- */

int oms_list_add(struct oms_list *list, char *name,
		 const uint8_t digest[OMS_MAX_DIGEST])
{
	size_t room = list->room ? 2 * list->room : 64;
	struct oms_resource *items;

	if (list->nr == list->room) {
		items = realloc(list->items, room * sizeof(*items));
		if (!items) {
			free(name);
			return -ENOMEM;
		}
		list->items = items;
		list->room = room;
	}
	list->items[list->nr].name = name;
	memcpy(list->items[list->nr++].digest, digest, OMS_MAX_DIGEST);
	return 0;
}

void oms_list_free(struct oms_list *list)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		free(list->items[i].name);
	free(list->items);
	*list = (struct oms_list){ 0 };
}

/* UTF-8 sorts by its bytes as by its code points. */
static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct oms_resource *)a)->name,
		      ((const struct oms_resource *)b)->name);
}

void oms_list_sort(struct oms_list *list)
{
	if (list->nr)
		qsort(list->items, list->nr, sizeof(*list->items), by_name);
}

size_t oms_hash_bytes(const char *hash)
{
	return !strcmp(hash, "sha256") ? 32 : !strcmp(hash, "blake2b") ? 64 : 0;
}

int oms_root_digest(const struct oms_list *list, size_t len, uint8_t root[32])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned int out = 0;
	bool ok;
	size_t i;

	ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	for (i = 0; ok && i < list->nr; i++)
		ok = EVP_DigestUpdate(md, list->items[i].digest, len);
	ok = ok && EVP_DigestFinal_ex(md, root, &out) && out == 32;
	EVP_MD_CTX_free(md);
	return ok ? 0 : -EIO;
}

/* ---- paths -------------------------------------------------------------- */

char *oms_base_name(const char *path)
{
	char *real = realpath(path, NULL), *base;

	if (!real)
		return NULL;
	base = strrchr(real, '/');
	base = base ? strdup(base + 1) : NULL;
	free(real);
	return base;
}

/* @file need not exist, its directory must. */
char *oms_path_below(const char *dir, const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *base = slash ? slash + 1 : file;
	char *root = realpath(dir, NULL), *parent, *home, *out = NULL;
	size_t len = root ? strlen(root) : 0;

	parent = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
	home = parent ? realpath(parent, NULL) : NULL;
	if (root && home && *base && !strncmp(root, home, len) &&
	    (!home[len] || home[len] == '/')) {
		const char *rest = home + len + (home[len] == '/');

		if (asprintf(&out, "%s%s%s", rest, *rest ? "/" : "", base) < 0)
			out = NULL;
	}
	free(root);
	free(home);
	free(parent);
	return out;
}

/* ---- walking ------------------------------------------------------------ */

struct walk {
	const struct oms_rules *rules;
	const char *skip;
	struct oms_list *list;
	struct verdict *v;
	const EVP_MD *md;
	uint8_t *chunk;
};

/* The path itself, or what it is the top of. */
static bool covers(const char *ignored, const char *path)
{
	size_t len = strlen(ignored);

	return !strncmp(ignored, path, len) && (!path[len] || path[len] == '/');
}

static bool is_ignored(const struct walk *w, const char *path)
{
	static const char *const always[] = {
		".git", ".gitignore", ".gitattributes", ".github",
	};
	size_t i;

	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (covers(always[i], path))
			return true;
	for (i = 0; i < w->rules->nr_ignore; i++)
		if (covers(w->rules->ignore[i], path))
			return true;
	return w->skip && !strcmp(w->skip, path);
}

static bool is_utf8(const char *text)
{
	/* the tokener knows; quotes and backslashes would need escapes */
	struct json_object *str = json_object_new_string(text);
	const char *json = json_object_to_json_string(str);
	struct json_object *back = oms_json_parse(json, strlen(json));
	bool ok = back && !strcmp(json_object_get_string(back), text);

	json_object_put(back);
	json_object_put(str);
	return ok;
}

static int io_error(struct walk *w, const char *path, int err)
{
	char clean[300];

	return verdict_set(w->v, EIO, "%s: %s", text_clean(path, clean,
							   sizeof(clean)),
			   strerror(err));
}

static int add(struct walk *w, char *name, const uint8_t *digest)
{
	if (!name || oms_list_add(w->list, name, digest))
		return verdict_set(w->v, ENOMEM, "out of memory");
	if (w->list->nr > OMS_MAX_FILES)
		return verdict_set(w->v, E2BIG, "more than %u files or shards",
				   OMS_MAX_FILES);
	return 0;
}

/* Up to @most bytes from where the file is: how many there were, or -1. */
static int64_t hash_range(struct walk *w, int fd, uint64_t most, uint8_t *digest)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint64_t done = 0;
	ssize_t n = 0;
	bool ok;

	ok = md && EVP_DigestInit_ex(md, w->md, NULL);
	while (ok && done < most) {
		n = read(fd, w->chunk, most - done < CHUNK ? most - done : CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		ok = EVP_DigestUpdate(md, w->chunk, (size_t)n);
		done += (uint64_t)n;
	}
	if (ok && n >= 0)
		ok = EVP_DigestFinal_ex(md, digest, NULL);
	EVP_MD_CTX_free(md);
	if (!ok)
		errno = EIO;
	return ok && n >= 0 ? (int64_t)done : -1;
}

static int add_file(struct walk *w, int fd, const char *name)
{
	uint64_t size = w->rules->shard_size, at = 0;
	uint8_t digest[OMS_MAX_DIGEST] = { 0 };
	char *shard;
	int64_t n;
	int err;

	if (!size) {
		n = hash_range(w, fd, INT64_MAX, digest);
		return n < 0 ? io_error(w, name, errno) :
			add(w, strdup(name), digest);
	}
	for (;;) {
		n = hash_range(w, fd, size, digest);
		if (n < 0)
			return io_error(w, name, errno);
		if (!n)
			return 0;
		if (asprintf(&shard, "%s:%" PRIu64 ":%" PRIu64, name, at,
			     at + (uint64_t)n) < 0)
			shard = NULL;
		err = add(w, shard, digest);
		if (err)
			return err;
		at += (uint64_t)n;
	}
}

static int walk_dir(struct walk *w, int dir, const char *path, int level);

/* One name in a directory. O_NONBLOCK: a fifo must not hold us up. */
static int walk_entry(struct walk *w, int dir, const char *name,
		      const char *path, int level)
{
	char clean[300];
	struct stat st;
	int fd, err;

	if (is_ignored(w, path))
		return 0;
	text_clean(path, clean, sizeof(clean));
	if (!is_utf8(path))
		return verdict_set(w->v, EBADMSG, "%s: the name is not UTF-8", clean);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return io_error(w, path, errno);
	if (S_ISLNK(st.st_mode))
		return verdict_set(w->v, ELOOP, "%s is a symbolic link; links are not followed", clean);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return verdict_set(w->v, EINVAL, "%s is neither file nor directory", clean);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
		    O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		err = io_error(w, path, errno);
		if (fd >= 0)
			close(fd);
		return err;
	}
	if (S_ISDIR(st.st_mode))
		return walk_dir(w, fd, path, level + 1);
	err = S_ISREG(st.st_mode) ? add_file(w, fd, path) :
		verdict_set(w->v, EINVAL, "%s changed while it was read", clean);
	close(fd);
	return err;
}

/* Takes the descriptor over. @path: "" for the top. */
static int walk_dir(struct walk *w, int dir, const char *path, int level)
{
	struct dirent *e;
	char *below;
	DIR *d;
	int err = 0;

	d = level <= MAX_LEVELS ? fdopendir(dir) : NULL;
	if (!d) {
		err = io_error(w, path, level <= MAX_LEVELS ? errno : ELOOP);
		close(dir);
		return err;
	}
	while (!err && (errno = 0, e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (asprintf(&below, "%s%s%s", path, *path ? "/" : "",
			     e->d_name) < 0) {
			err = verdict_set(w->v, ENOMEM, "out of memory");
			break;
		}
		err = walk_entry(w, dirfd(d), e->d_name, below, level);
		free(below);
	}
	if (!err && errno)
		err = io_error(w, path, errno);
	closedir(d);
	return err;
}

/* A model of one file goes by its own name alone. */
static int walk_single(struct walk *w, int fd, const char *path)
{
	char *name = oms_base_name(path);
	int err;

	if (!name)
		return io_error(w, path, errno);
	err = is_utf8(name) ? add_file(w, fd, name) :
		verdict_set(w->v, EBADMSG, "the file's name is not UTF-8");
	free(name);
	return err;
}

int oms_list_model(const char *path, const struct oms_rules *rules,
		   const char *skip, struct oms_list *list, struct verdict *v)
{
	struct walk w = {
		.rules = rules, .skip = skip, .list = list, .v = v,
		.md = !strcmp(rules->hash, "sha256") ? EVP_sha256() :
			EVP_blake2b512(),
	};
	struct stat st;
	int fd, err;

	*list = (struct oms_list){ 0 };
	*v = (struct verdict){ 0 };
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		err = io_error(&w, path, errno);
		if (fd >= 0)
			close(fd);
		return err;
	}
	w.chunk = malloc(CHUNK);
	if (!w.chunk) {
		err = verdict_set(v, ENOMEM, "out of memory");
		close(fd);
	} else if (S_ISDIR(st.st_mode)) {
		err = walk_dir(&w, fd, "", 0);
	} else {
		err = S_ISREG(st.st_mode) ? walk_single(&w, fd, path) :
			verdict_set(v, EINVAL, "%s is neither file nor directory", path);
		close(fd);
	}
	free(w.chunk);
	if (!err && !list->nr)
		err = verdict_set(v, EINVAL, "there is no file in it");
	oms_list_sort(list);
	if (err)
		oms_list_free(list);
	return err;
}

/* ---- the option --------------------------------------------------------- */

#define KEY_IGNORE	0x600

static error_t parse_ignore(int key, char *arg, struct argp_state *state)
{
	struct oms_ignore *args = state->input;

	if (key != KEY_IGNORE)
		return ARGP_ERR_UNKNOWN;
	if (!oms_path_ok(arg))
		argp_error(state, "--ignore: '%s' is no plain path below the directory",
			   arg);
	if (args->nr == OMS_MAX_IGNORE)
		argp_error(state, "--ignore: more than %d paths", OMS_MAX_IGNORE);
	args->path[args->nr++] = arg;
	return 0;
}

static const struct argp_option ignore_options[] = {
	{ "ignore", KEY_IGNORE, "PATH", 0,
	  "With --oms alone: leave out this path below the directory; may be repeated",
	  0 },
	{ 0 }
};

const struct argp oms_ignore_argp = {
	.options = ignore_options,
	.parser = parse_ignore,
};
