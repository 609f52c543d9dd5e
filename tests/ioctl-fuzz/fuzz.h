/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fuzzer of /dev/aioffload that knows its calls: it makes programs of calls
 * that mostly fit together, with some of their numbers wrong, and runs each in
 * a process of its own, on several threads. Runs in a guest; docs/testing.md.
 *
 *	main.c		options; one program after the other
 *	gen.c		from a seed to a program: nothing else goes in
 *	text.c		a program as text and back: the reproducers
 *	world.c		what the calls of a running program share
 *	exec.c		running a program: processes, threads, time
 *	ops.c		the table of calls
 *	ops_*.c		what each does
 *	watch.c		has the kernel complained, is anything left?
 *	modules.c	loading and unloading ours
 */
#ifndef IOCTL_FUZZ_H
#define IOCTL_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/aioffload.h>

#define NR_ARGS		8
#define MAX_CALLS	128
#define MAX_THREADS	3
#define SETUP		MAX_THREADS	/* "thread" of what runs before them */

/* ---- programs ---- */

/**
 * struct call - one call of a program
 * @op:		index in ops[]
 * @thread:	0..MAX_THREADS-1, or SETUP
 * @fail:	the so-many-th allocation within it fails; 0: none
 */
struct call {
	uint8_t op;
	uint8_t thread;
	uint16_t fail;
	uint64_t arg[NR_ARGS];
};

enum program_flags {
	PROG_USER	= 1,	/* not as root */
	PROG_CGROUP_NS	= 2,	/* in a cgroup namespace of its own */
};

struct program {
	uint64_t seed;
	uint32_t flags;
	uint32_t nr;
	struct call call[MAX_CALLS];
};

/*
 * The kinds of arguments, by which gen.c chooses values:
 *	c b m q e g	number of a context, buffer, model, queue, eventfd, cgroup
 *	N		where a new object is put: seldom in place of the first
 *	K		one of these kinds of descriptors
 *	v		a device's number, or any
 *	s S		a slot; S: mostly any
 *	n		a count		B	bytes
 *	p		a position: mostly the first
 *	o		an offset	t	a time in ns
 *	k		which model	r	a seed for what is arbitrary
 *	w		any number	f	a few low bits
 *	z		how the structure is handed over: enum hand
 */
struct world;
struct op {
	const char *name;
	const char *args;
	unsigned int weight;
	long (*run)(struct world *w, const uint64_t *a);
};

extern const struct op ops[];
extern const unsigned int nr_ops;
int op_find(const char *name);		/* -1: none */

uint64_t rng_next(uint64_t *state);
static inline uint64_t rng_below(uint64_t *state, uint64_t n)
{
	return rng_next(state) % n;
}

void program_make(struct program *p, uint64_t seed);
void program_print(FILE *f, const struct program *p);
/* NULL, or what is wrong with it, with the line's number in *line. */
const char *program_parse(FILE *f, struct program *p, unsigned int *line);

/* ---- handing structures over ---- */

enum hand {
	HAND_SIZE	= 0xf,		/* 0: right; see ops_call.c */
	HAND_PLACE	= 0xf0,
	HAND_FLAGS	= 0xff00,	/* xor */
	HAND_FLIPS	= 0xffff0000,	/* seed of flipped bits; 0: none */
};

enum place {
	PLACE_GOOD,
	PLACE_NULL,
	PLACE_UNMAPPED,
	PLACE_READONLY,
	PLACE_EDGE,		/* ends where the mapping ends */
	PLACE_ACROSS,		/* goes on where nothing is mapped */
	PLACE_RACED,		/* another thread keeps changing it */
	PLACE_KERNEL,
	NR_PLACES,
};

long hand_over(struct world *w, int fd, unsigned int cmd, void *arg, size_t size,
	       uint64_t how);

/* ---- worlds ---- */

#define NR_SLOTS	4

enum kind { K_CTX, K_BUF, K_MODEL, K_QUEUE, K_EVENT, K_CGROUP, NR_KINDS };

struct ring {
	uint8_t *map;
	size_t len;
	struct aioffload_queue_create c;
};

struct mapping {
	uint8_t *map;
	size_t len;
};

struct world {
	int fd[NR_KINDS][NR_SLOTS];
	struct ring ring[NR_SLOTS];
	struct mapping buf[NR_SLOTS];
	uint8_t *arena;		/* per thread: two pages, then a hole */
	uint8_t *raced;
	int epoll;
	bool racing;
	const struct program *program;
};

#define ARENA_PAGES	4	/* of a thread: rw, rw, read-only, none */
#define PAGE		4096UL

extern _Thread_local unsigned int my_thread;

void world_open(struct world *w, const struct program *p);
int world_fd(struct world *w, enum kind kind, uint64_t slot);
void world_put(struct world *w, enum kind kind, uint64_t slot, int fd);
struct ring *world_ring(struct world *w, uint64_t slot);

/* ---- models, made once ---- */

#define MAX_MODELS	32
#define MODEL_ROOM	(1 << 16)

struct model_file {
	size_t bytes;
	uint8_t *data;
};

extern struct model_file model_files[MAX_MODELS];
extern unsigned int nr_model_files;
void models_make(const char *dir);	/* and those of a directory, if given */
bool models_write(const char *dir);	/* to be signed; says their names */

/* ---- running ---- */

extern unsigned int program_ms;		/* then it is killed */

/* How often each call succeeded, shared with the programs' processes. */
#define NR_ERRNOS	136

struct op_stats {
	uint32_t ok;
	uint32_t failed;
	uint32_t with[NR_ERRNOS];	/* 0: it was not called at all */
};

extern struct op_stats *op_stats;

uint64_t now_ms(void);
/* False: it could not be killed. */
bool program_run(const struct program *p);
long run_call(struct world *w, const struct call *c);

/* ---- watching ---- */

int watch_open(void);
/* A line of the kernel log that should not be there, or NULL. */
const char *watch_complaint(void);
/* Wait for it to come back to that after a program; NULL or what is left. */
const char *watch_leftovers(void);
void watch_baseline(void);
/* Memory at rest, in KiB. */
long watch_memory(void);
/* On a debug kernel: leaked memory, or NULL. */
const char *watch_leaks(void);
void watch_mark(const char *text);

/* ---- modules ---- */

#define NULL_PARAM	"/sys/module/aioffload_null/parameters/"
#define CORE_PARAM	"/sys/module/aioffload/parameters/"
#define CGROUPS		"/sys/fs/cgroup/fuzz"
#define NR_CGROUPS	6
#define USER_ID		1000

int write_file(const char *path, const char *text);	/* 0 or -errno */
extern const char *trusted_cert;	/* DER, or NULL */
bool modules_insert(uint64_t *rng);
bool modules_delete(void);
/* What the programs find: cgroups, permissions, parameters. */
void stage_prepare(void);
void stage_reset(const struct program *last);
const char *cgroup_path(uint64_t n);
bool null_insert(void);
int null_add(const char *settings);	/* for everyone; 0 or -errno */

#endif /* IOCTL_FUZZ_H */
