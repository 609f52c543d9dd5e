// SPDX-License-Identifier: LGPL-2.1-or-later
/* Devices that come, misbehave and go; modules and their parameters. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>
#include "ops.h"

static size_t setting(char *text, size_t room, uint64_t *r)
{
	static const struct {
		const char *name;
		uint64_t value[4];
	} s[] = {
		{ "latency_ns", { 0, 1000, 300000, 5000000 } },
		{ "jitter_ns", { 0, 1000, 100000, 2000000 } },
		{ "ps_per_mac", { 0, 0, 100, 1000000 } },
		{ "error_every", { 0, 1, 2, 5 } },
		{ "error_ppm", { 0, 1000, 100000, 1000000 } },
		{ "stall_every", { 0, 1, 3, 9 } },
		{ "ignore_cancel", { 0, 0, 1, 1 } },
		{ "reset_fails", { 0, 0, 0, 1 } },
		{ "remove_after", { 0, 1, 4, 20 } },
		{ "parallelism", { 1, 2, 8, 64 } },
		{ "queue_depth", { 1, 2, 7, 64 } },
		{ "sync_run", { 0, 1, 0, 1 } },
	};
	unsigned int k = rng_below(r, sizeof(s) / sizeof(s[0]));

	return snprintf(text, room, " %s=%" PRIu64, s[k].name,
			s[k].value[rng_below(r, 4)]);
}

static void settings(char *text, size_t room, uint64_t r)
{
	size_t at = 0;

	text[0] = '\0';
	for (uint64_t n = rng_below(&r, 5); n; n--)
		at += setting(text + at, room - at, &r);
}

long op_null_add(struct world *w, const uint64_t *a)
{
	char text[400] = "\n";

	(void)w;
	settings(text, sizeof(text), a[0]);
	return null_add(*text ? text : "\n");
}

static uint32_t number(uint64_t v)
{
	return v == AIOFFLOAD_DEVICE_ANY ? 1 : v % 300;
}

long op_null_set(struct world *w, const uint64_t *a)
{
	char text[440];
	int n = snprintf(text, sizeof(text), "aioffload%u", number(a[0]));

	(void)w;
	settings(text + n, sizeof(text) - n, a[1]);
	return write_file(NULL_PARAM "set", text);
}

long op_null_remove(struct world *w, const uint64_t *a)
{
	char text[40] = "all";

	(void)w;
	if (a[0] != 0)
		snprintf(text, sizeof(text), "aioffload%u", number(a[0]));
	return write_file(NULL_PARAM "remove", text);
}

/* Below its users, if it lets us. The next program finds it again. */
long op_null_module(struct world *w, const uint64_t *a)
{
	(void)w;
	if (a[0] & 1)
		return syscall(SYS_delete_module, "aioffload_null", O_NONBLOCK);
	return null_insert() ? 0 : -1;
}

long op_sysfs(struct world *w, const uint64_t *a)
{
	char path[320], text[256];
	struct dirent *e;
	DIR *d;

	(void)w;
	snprintf(path, sizeof(path), "/sys/class/aioffload/aioffload%u",
		 number(a[0]));
	d = opendir(path);
	if (!d)
		return -1;
	while ((e = readdir(d))) {
		int fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && read(fd, text, sizeof(text)) < 0)
			text[0] = '\0';
		close(fd);
	}
	closedir(d);
	return 0;
}

long op_parameter(struct world *w, const uint64_t *a)
{
	static const struct {
		const char *name;
		unsigned int most;	/* else programs take too long */
	} p[] = {
		{ CORE_PARAM "job_timeout_ms", 100 },
		{ CORE_PARAM "max_job_timeout_ms", 500 },
		{ CORE_PARAM "cancel_grace_ms", 50 },
		{ CORE_PARAM "max_model_mib", 2000 },
		{ CORE_PARAM "max_buffer_mib", 64 },
	};
	unsigned int k = a[0] % (sizeof(p) / sizeof(p[0]));
	char text[24];

	(void)w;
	snprintf(text, sizeof(text), "%" PRIu64, a[1] % p[k].most);
	return write_file(p[k].name, text);
}
