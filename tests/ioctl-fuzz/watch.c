// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Has the kernel complained? Is anything left of a program? The log is read
 * from /dev/kmsg as it grows, so that the complaint is known while the program
 * that caused it still is.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "fuzz.h"

/* Settled once nothing holds these that did not at the baseline. */
struct census {
	long module_refs;
	long dmabufs;
};

static int kmsg = -1;
static struct census baseline;

int watch_open(void)
{
	kmsg = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0)
		return -errno;
	lseek(kmsg, 0, SEEK_END);
	return 0;
}

void watch_mark(const char *text)
{
	char line[160];
	int n = snprintf(line, sizeof(line), "<5>ioctl-fuzz: %s\n", text);

	if (write(kmsg, line, n) < 0)
		return;
}

static bool complains(const char *line)
{
	static const char *const words[] = {
		"WARNING: ", "BUG: ", "BUG ", "Oops", "general protection",
		"INFO: ", "UBSAN", "KASAN", "KFENCE", "refcount_t", "soft lockup",
		"hard LOCKUP", "Kernel panic", "cut here", "Bad page", "bad page",
		"double free", "Objects remaining", "scheduling while atomic",
		"sleeping function", "rcu_preempt detected", "self-detected stall",
		"suspected memory leaks", "ODEBUG", "nable to handle",
	};

	if (strstr(line, "ioctl-fuzz: "))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strstr(line, words[i]))
			return true;
	}
	return false;
}

/* Records are "level,number,time,flags;text\n key=value..." */
const char *watch_complaint(void)
{
	static char record[2048];
	static char found[256];
	ssize_t n;

	found[0] = '\0';
	for (;;) {
		char *text;

		n = read(kmsg, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;	/* some were overwritten: read on */
		if (n <= 0)
			break;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text || found[0] || !complains(text))
			continue;
		snprintf(found, sizeof(found), "%.*s",
			 (int)strcspn(text + 1, "\n"), text + 1);
	}
	return found[0] ? found : NULL;
}

static long number_in(const char *path, const char *format)
{
	FILE *f = fopen(path, "re");
	char line[512];
	long v = -1;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		sscanf(line, format, &v);
	fclose(f);
	return v;
}

static struct census take_census(void)
{
	return (struct census){
		number_in("/sys/module/aioffload/refcnt", "%ld"),
		number_in("/sys/kernel/debug/dma_buf/bufinfo", "Total %ld objects"),
	};
}

void watch_baseline(void)
{
	baseline = take_census();
}

const char *watch_leftovers(void)
{
	static char text[160];
	const struct timespec ms10 = { 0, 10000000 };
	/* A minute: machines may be slow, what is leaked stays */
	uint64_t end = now_ms() + 60000;
	struct census now;

	do {
		now = take_census();
		if (now.module_refs <= baseline.module_refs &&
		    now.dmabufs <= baseline.dmabufs)
			return NULL;
		nanosleep(&ms10, NULL);
	} while (now_ms() < end);
	snprintf(text, sizeof(text),
		 "left behind: %ld module references (before: %ld), %ld dma-bufs (before: %ld)",
		 now.module_refs, baseline.module_refs, now.dmabufs,
		 baseline.dmabufs);
	return text;
}

long watch_memory(void)
{
	const struct timespec second = { 1, 0 };
	long slab, stacks, total, avail;

	write_file("/proc/sys/vm/percpu_pagelist_high_fraction", "1000000");
	write_file("/proc/sys/vm/drop_caches", "3");
	nanosleep(&second, NULL);
	write_file("/proc/sys/vm/drop_caches", "3");
	slab = number_in("/proc/meminfo", "SUnreclaim: %ld");
	stacks = number_in("/proc/meminfo", "KernelStack: %ld");
	total = number_in("/proc/meminfo", "MemTotal: %ld");
	avail = number_in("/proc/meminfo", "MemFree: %ld");
	printf("memory: %ld KiB used, %ld slab, %ld stacks\n", total - avail,
	       slab, stacks);
	return total - avail;
}

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

const char *watch_leaks(void)
{
	static char text[4000];
	const struct timespec age = { 6, 0 };	/* younger ones don't count */
	ssize_t n;
	int fd;

	if (access(KMEMLEAK, W_OK))
		return NULL;
	nanosleep(&age, NULL);
	write_file(KMEMLEAK, "scan");
	write_file(KMEMLEAK, "scan");
	fd = open(KMEMLEAK, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return NULL;
	text[n] = '\0';
	return text;
}
