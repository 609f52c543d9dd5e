// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload doctor: what is missing, and the command that mends it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli.h"
#include "doctor.h"

#define KEY_ROOT	0x100	/* option without a letter */

struct doctor_args {
	const char *root;
	bool json;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ "root", KEY_ROOT, "DIR", 0,
	  "Look at the system below DIR instead of this one; devices are not opened",
	  0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct doctor_args *args = state->input;

	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	case KEY_ROOT:
		args->root = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Say what is missing for aioffload to work here, and the command "
	       "that mends it. Changes nothing.\v"
	       "Exit status: 0 if nothing fails (warnings are allowed), else 1.",
};

/* ---- helpers of all parts ----------------------------------------------- */

struct doctor_check *doctor_add(struct doctor *d, const char *name,
				enum doctor_verdict verdict)
{
	/* the last place takes what would not fit: none is lost in practice */
	size_t i = d->nr_checks < DOCTOR_MAX_CHECKS ? d->nr_checks++ :
		DOCTOR_MAX_CHECKS - 1;
	struct doctor_check *c = &d->checks[i];

	memset(c, 0, sizeof(*c));
	c->name = name;
	c->verdict = verdict;
	return c;
}

void doctor_say(struct doctor_check *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(c->text, sizeof(c->text), fmt, args);
	va_end(args);
}

void doctor_fix(struct doctor_check *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(c->fix, sizeof(c->fix), fmt, args);
	va_end(args);
}

/*
 * Below another root, links are followed as that system would follow them:
 * /lib/modules/REL/build leads to DIR/usr/src there, not to our /usr/src.
 */
static int open_in_root(const struct doctor *d, const char *path, int flags)
{
	struct open_how how = { .resolve = RESOLVE_IN_ROOT };
	char full[PATH_MAX];
	int root, fd;

	/* openat2() refuses flags that have no meaning beside O_PATH */
	flags |= flags & O_PATH ? O_CLOEXEC : O_CLOEXEC | O_NOCTTY;
	how.flags = (unsigned int)flags;
	if (!*d->root)
		return open(path, flags);
	root = open(d->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	close(root);
	if (fd >= 0 || errno != ENOSYS)
		return fd;
	if (snprintf(full, sizeof(full), "%s/%s", d->root, path) >=
	    (int)sizeof(full)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(full, flags);
}

__attribute__((format(printf, 3, 0)))
static int open_va(const struct doctor *d, int flags, const char *fmt,
		   va_list args)
{
	char path[PATH_MAX];
	int n = vsnprintf(path, sizeof(path), fmt, args);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open_in_root(d, path, flags);
}

int doctor_open(const struct doctor *d, int flags, const char *fmt, ...)
{
	va_list args;
	int fd;

	va_start(args, fmt);
	fd = open_va(d, flags, fmt, args);
	va_end(args);
	return fd;
}

bool doctor_exists(const struct doctor *d, const char *fmt, ...)
{
	va_list args;
	int fd;

	va_start(args, fmt);
	fd = open_va(d, O_PATH, fmt, args);
	va_end(args);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

FILE *doctor_fopen(const struct doctor *d, const char *path)
{
	int fd = doctor_open(d, O_RDONLY | O_NONBLOCK, "%s", path);
	FILE *f;

	if (fd < 0)
		return NULL;
	f = fdopen(fd, "r");
	if (!f)
		close(fd);
	return f;
}

ssize_t doctor_read(const struct doctor *d, const char *path, char *buf,
		    size_t len)
{
	size_t at = 0;
	ssize_t n;
	int fd;

	buf[0] = '\0';
	fd = doctor_open(d, O_RDONLY | O_NONBLOCK, "%s", path);
	if (fd < 0)
		return -errno;
	while (at < len - 1) {
		n = read(fd, buf + at, len - 1 - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	close(fd);
	buf[at] = '\0';
	return (ssize_t)at;
}

bool doctor_line(const struct doctor *d, const char *path, char *buf,
		 size_t len)
{
	if (doctor_read(d, path, buf, len) < 0)
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

/* ---- the whole ---------------------------------------------------------- */

void doctor_identify(struct doctor *d)
{
	struct passwd *pw;
	int n;

	d->uid = geteuid();
	pw = getpwuid(d->uid);
	snprintf(d->user, sizeof(d->user), "%s", pw ? pw->pw_name : "$USER");
	d->groups[0] = getegid();
	d->nr_groups = 1;
	n = getgroups(255, d->groups + 1);
	if (n > 0)
		d->nr_groups += (size_t)n;
}

void doctor_examine(struct doctor *d)
{
	doctor_kernel(d);
	doctor_module(d);
	doctor_signing(d);
	doctor_loaded(d);
	doctor_nodes(d);
	doctor_keys(d);
	if (!*d->root)
		doctor_devices(d);
}

enum doctor_verdict doctor_worst(const struct doctor *d)
{
	enum doctor_verdict worst = DOCTOR_OK;
	size_t i;

	for (i = 0; i < d->nr_checks; i++)
		if (d->checks[i].verdict > worst)
			worst = d->checks[i].verdict;
	return worst;
}

static const char *const verdicts[] = {
	[DOCTOR_OK] = "OK", [DOCTOR_WARN] = "WARN", [DOCTOR_FAIL] = "FAIL",
};

static void print(const struct doctor *d)
{
	char clean[DOCTOR_TEXT * 4];
	size_t i;

	for (i = 0; i < d->nr_checks; i++) {
		const struct doctor_check *c = &d->checks[i];

		printf("%-4s  %-12s %s\n", verdicts[c->verdict], c->name,
		       text_clean(c->text, clean, sizeof(clean)));
		if (*c->fix)
			printf("                   -> %s\n",
			       text_clean(c->fix, clean, sizeof(clean)));
	}
}

static int print_json(const struct doctor *d)
{
	static const char *const lower[] = { "ok", "warn", "fail" };
	struct json_object *top = json_object_new_object();
	struct json_object *array = json_object_new_array();
	struct json_object *obj;
	size_t i;

	json_object_object_add(top, "ok", json_object_new_boolean(
				doctor_worst(d) != DOCTOR_FAIL));
	json_str(top, "kernel", d->release);
	for (i = 0; i < d->nr_checks; i++) {
		obj = json_object_new_object();
		json_str(obj, "name", d->checks[i].name);
		json_str(obj, "verdict", lower[d->checks[i].verdict]);
		json_str(obj, "text", d->checks[i].text);
		if (*d->checks[i].fix)
			json_str(obj, "fix", d->checks[i].fix);
		json_object_array_add(array, obj);
	}
	json_object_object_add(top, "checks", array);
	return json_print(top);
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor_args args = { .root = "" };
	struct doctor *d;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (!strcmp(args.root, "/"))
		args.root = "";
	d = calloc(1, sizeof(*d));
	if (!d)
		return cli_error(CLI_FAILED, "out of memory");
	d->root = args.root;
	doctor_identify(d);
	doctor_examine(d);
	ret = doctor_worst(d) == DOCTOR_FAIL ? CLI_FAILED : CLI_OK;
	if (args.json) {
		if (print_json(d))
			ret = CLI_FAILED;
	} else {
		print(d);
	}
	free(d);
	return ret;
}
