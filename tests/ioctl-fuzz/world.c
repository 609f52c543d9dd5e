// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the calls of a program share: descriptors and mappings in numbered
 * places. Threads take and put them without locks, so that they race for the
 * kernel's objects; descriptors are swapped atomically, mappings may be stale,
 * and touching one that has gone ends that call only (exec.c).
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fuzz.h"

_Thread_local unsigned int my_thread;

/* Two views of the same pages: one to write, one with the holes. */
static uint8_t *arena_map(void)
{
	size_t bytes = (MAX_THREADS + 1) * ARENA_PAGES * PAGE;
	int fd = memfd_create("arena", 0);
	uint8_t *p;

	if (fd < 0 || ftruncate(fd, bytes))
		return NULL;
	p = mmap(NULL, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	mmap(p, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	for (unsigned int t = 0; t <= MAX_THREADS; t++) {
		size_t at = (size_t)t * ARENA_PAGES * PAGE;

		mmap(p + bytes + at, 2 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED, fd, at);
		mmap(p + bytes + at + 2 * PAGE, PAGE, PROT_READ,
		     MAP_SHARED | MAP_FIXED, fd, at + 2 * PAGE);
	}
	close(fd);
	return p;
}

void world_open(struct world *w, const struct program *p)
{
	memset(w, 0, sizeof(*w));
	for (unsigned int k = 0; k < NR_KINDS; k++)
		for (unsigned int i = 0; i < NR_SLOTS; i++)
			w->fd[k][i] = -1;
	w->epoll = -1;
	w->program = p;
	w->arena = arena_map();
	w->raced = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

int world_fd(struct world *w, enum kind kind, uint64_t slot)
{
	return __atomic_load_n(&w->fd[kind % NR_KINDS][slot % NR_SLOTS],
			       __ATOMIC_RELAXED);
}

void world_put(struct world *w, enum kind kind, uint64_t slot, int fd)
{
	int old = __atomic_exchange_n(&w->fd[kind % NR_KINDS][slot % NR_SLOTS],
				      fd, __ATOMIC_RELAXED);

	if (old >= 0)
		close(old);
}

struct ring *world_ring(struct world *w, uint64_t slot)
{
	return &w->ring[slot % NR_SLOTS];
}
