/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tests that run in a guest, against /dev/aioffload itself. Raw ioctls: what is
 * tested is the kernel, not the library.
 *
 *	TEST(name) { EXPECT(1 + 1 == 2); }
 *
 * Each test is a process of its own, with a limit of time. After it, pass or
 * fail, the frame takes every null device away and checks that nothing of the
 * test outlives it: references to the module, dma-bufs. See docs/testing.md.
 */
#ifndef VMTEST_H
#define VMTEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/aioffload.h>

struct vmt_case {
	const char *name;
	void (*fn)(void);
	unsigned int seconds;
	struct vmt_case *next;
};

void vmt_register(struct vmt_case *c);

#define TEST_SECONDS(id, secs)						\
	static void test_##id(void);					\
	static struct vmt_case case_##id = { #id, test_##id, secs, NULL }; \
	__attribute__((constructor)) static void register_##id(void)	\
	{								\
		vmt_register(&case_##id);				\
	}								\
	static void test_##id(void)
#define TEST(id) TEST_SECONDS(id, 30)

/* End the test. */
__attribute__((noreturn, format(printf, 3, 4)))
void vmt_fail(const char *file, int line, const char *fmt, ...);
__attribute__((noreturn, format(printf, 1, 2)))
void vmt_skip(const char *fmt, ...);

#define FAIL(...)	vmt_fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(...)	vmt_skip(__VA_ARGS__)
#define EXPECT(cond)	do { if (!(cond)) FAIL("%s", #cond); } while (0)
#define EXPECT_EQ(got, want) do {					\
		long long got_ = (long long)(got), want_ = (long long)(want); \
		if (got_ != want_)					\
			FAIL("%s is %lld, expected %lld", #got, got_, want_); \
	} while (0)
/* A call that must give 0 or more; its value. */
#define MUST(call) ({							\
		long ret_ = (long)(call);				\
		if (ret_ < 0)						\
			FAIL("%s: %s", #call, strerror(errno));		\
		ret_; })
/* A call that must fail with one errno. */
#define EXPECT_ERRNO(call, want) do {					\
		errno = 0;						\
		long ret_ = (long)(call);				\
		vmt_expect_errno(__FILE__, __LINE__, #call, ret_, errno, want); \
	} while (0)
void vmt_expect_errno(const char *file, int line, const char *call, long ret,
		      int err, int want);
const char *vmt_errno_name(int err);

int open_cpu_ctx(void);			/* of the CPU device; skips if there is none */

/*
 * VMTEST_EXACT=1: the clock counts instructions (tools/bench-sched), so times
 * mean something, and what was asked of the scheduler must hold as it was said.
 */
bool is_exact(void);
/* What bench-sched makes its table of; where things are exact it must be within. */
void figure(const char *name, double got, double least, double most);

/* ---- guest.c: files, devices, modules ---- */
uint64_t now_ns(void);
void sleep_ms(unsigned int ms);
long read_long(const char *path);			/* -1: can't */
int write_text(const char *path, const char *text);	/* 0 or -errno */
int count_fds(void);
unsigned int slower(void);		/* so many times, a debug kernel, than a stock one */
long free_kib(void);			/* MemFree after caches settled */
int run_command(const char *cmd);	/* status of the shell's command */
int module_load(const char *name, const char *param);
void modules_load(void);		/* what is missing of the three */

/* A null device with these settings (see modinfo aioffload_null); its id. */
int null_add(const char *settings);
void null_set(int id, const char *settings);
void null_remove(int id);
int find_device(const char *driver);	/* id, or -1 */
int open_ctx(int id);			/* /dev/aioffloadID, or -1: any device */
int open_null(const char *settings);	/* null_add and open_ctx */
/* Threads named so of the whole system: how many, and up to @room of their ids. */
unsigned int find_threads(const char *name, int *tids, unsigned int room);

/* ---- objects.c: one call each; -1 and errno like ioctl ---- */
#define ARG(type) ((struct aioffload_##type){ .size = sizeof(struct aioffload_##type) })

int get_info(int ctx, struct aioffload_info *info);
int device_info(int ctx, int id, struct aioffload_device_info *info);
int buf_create(int ctx, uint64_t bytes);
void *buf_map(int fd, size_t bytes);			/* fails the test */
int model_load(int ctx, const void *data, size_t bytes, char *reason,
	       size_t reason_len);
int bind_slot(int ctx, int model, const struct aioffload_bind_io *ios,
	      unsigned int nr, unsigned int samples, unsigned int slot);
int unbind(int ctx, unsigned int slot);
int run_slot(int ctx, unsigned int slot, unsigned int first, unsigned int count,
	     uint64_t timeout_ns);

/* ---- models.c: small model files, made here ---- */
struct model_bytes {
	size_t bytes;
	_Alignas(64) uint8_t data[1 << 16];
};

/* s8[n] -> s8[n], out[i] = in[i] ^ 0x5a */
void make_lut(struct model_bytes *m, unsigned int n);
/* f32[n] -> f32[n], relu */
void make_relu(struct model_bytes *m, unsigned int n);
/* s8[n] -> s8[n] and s8[n]: two outputs, in ^ 0x5a and in ^ 0x33 */
void make_two(struct model_bytes *m, unsigned int n);
/* two s8[n] inputs, one output; the second one goes through */
void make_two_in(struct model_bytes *m, unsigned int n);
/* s8[n] through @ops such tables, one after the other: work for the CPU */
void make_chain(struct model_bytes *m, unsigned int n, unsigned int ops);
/* s8[1, side, side, 1], largest value of a window of window x window: one
 * operator with side^2 window^2 comparisons, however long that takes */
void make_work(struct model_bytes *m, unsigned int side, unsigned int window);
/* A slot with that model and buffers of its own; fails the test. */
unsigned int bind_work(int ctx, unsigned int side, unsigned int window,
		       unsigned int samples);
/* f32[8] -> f32[8], all 0: work for a null device with ps_per_mac */
void make_fc(struct model_bytes *m);
#define FC_MACS		64
#define LUT_XOR		0x5a
#define LUT_XOR2	0x33

/* What most tests need: a LUT model bound to one buffer, input then output. */
struct bound {
	int ctx, buf, model;
	unsigned int slot, n, samples;
	uint64_t out_offset;
	size_t bytes;
	uint8_t *map;
};

void bound_open(struct bound *b, int ctx, unsigned int n, unsigned int samples);
int bound_again(const struct bound *b);		/* once more, in any slot: -1 or that */
void bound_close(struct bound *b);
void bound_fill(struct bound *b);		/* inputs a pattern, outputs 0 */
void bound_check_done(struct bound *b, unsigned int first, unsigned int count);

/* ---- queue.c ---- */
struct queue {
	int fd;
	struct aioffload_queue_create c;
	uint8_t *map;
	uint32_t *sq_head, *sq_tail, *cq_head, *cq_tail;
	struct aioffload_sqe *sqes;
	struct aioffload_cqe *cqes;
};

int queue_create(int ctx, struct queue *q, unsigned int sq, unsigned int cq);
void queue_open(struct queue *q, int ctx, unsigned int sq, unsigned int cq);
/* Of a class; the last two 0 unless that is realtime. */
int queue_create_qos(int ctx, struct queue *q, unsigned int sq, unsigned int qos,
		     uint64_t runtime_ns, uint64_t period_ns);
/* Of normal jobs with a hint for placement. */
void queue_open_hint(struct queue *q, int ctx, unsigned int sq, unsigned int hint);
void queue_map(struct queue *q);	/* what queue_create*() made */
/* On a new null device with these settings, 4 samples of 64 bytes bound. */
void queue_of_null(struct bound *b, struct queue *q, const char *settings,
		   unsigned int sq, unsigned int cq);
void queue_close(struct queue *q);
/* Fill the next entry; the tail moves with queue_publish(). */
struct aioffload_sqe *queue_next(struct queue *q);
void queue_publish(struct queue *q, unsigned int n);
void queue_nop(struct queue *q, uint64_t user_data);
void queue_run(struct queue *q, uint32_t slot, uint32_t first, uint32_t count,
	       uint64_t user_data, uint64_t timeout_ns);
int queue_enter(struct queue *q, unsigned int submit, unsigned int wait,
		uint64_t timeout_ns);
unsigned int queue_ready(struct queue *q);
bool queue_reap(struct queue *q, struct aioffload_cqe *cqe);
struct aioffload_cqe queue_reap_one(struct queue *q);	/* there is one */
/* A job of one sample, waited for. */
struct aioffload_cqe queue_one(struct queue *q, unsigned int slot);

/* ---- foreign.c ---- */
/*
 * A dma-buf of another driver, and a look at its memory that goes through that
 * driver alone.
 */
struct foreign {
	int fd;
	uint8_t *map;
};

/* False: the kernel has no such driver. @bytes: whole pages */
bool foreign_udmabuf(struct foreign *f, size_t bytes);
bool foreign_vgem(struct foreign *f, size_t bytes);
struct foreign foreign_any(size_t bytes);

/* ---- cgroups.c: names are paths below a cgroup of the test's own ("": that one) ---- */
int cg_make(const char *name);			/* a descriptor of its directory */
int cg_open(const char *name);
void cg_remove(const char *name);
void cg_enter(const char *name);		/* the calling process moves there */
void cg_leave(void);				/* ... to the root of the hierarchy */
void cg_path(char *to, size_t room, const char *name);
/* A file of it; how often the number @tid is in its cgroup.procs. */
void cg_write(const char *name, const char *file, const char *text);
int cg_holds(const char *name, int tid);
uint64_t cg_cpu_us(const char *name);		/* CPU time used in it */
void cg_with(const char *controller);	/* have it below; skip if there is none */
/* Still uid 0, but without any capability, exec or not. */
void drop_caps(void);
void cg_become(const char *name);		/* cg_enter() and drop_caps() */

/* ---- rights.c ---- */
uint64_t *only_device(int id);			/* for grant_devices() */
int grant(int ctx, int cg, unsigned int rights);
int grant_devices(int ctx, int cg, unsigned int rights, const uint64_t *devices);
int grant_clear(int ctx, int cg);
int get_rights(int ctx, int cg, struct aioffload_rights *r);	/* -1: the caller's */
int set_limit(int ctx, int cg, unsigned int resource, uint64_t limit,
	      uint64_t period_ns);
int get_usage(int ctx, int cg, unsigned int resource, struct aioffload_usage *u);
uint64_t used(int ctx, int cg, unsigned int resource);
int set_weight(int ctx, int cg, unsigned int weight);
/* A cgroup on a device: the one with this number or the next higher one. */
int get_sched(int ctx, int device, uint64_t from, struct aioffload_sched *s);
uint64_t cg_id(int cg);

/* ---- together.c ---- */
/* Two processes take turns on a word of shared memory. */
struct turns {
	_Atomic int word;
	int expect;
};

struct turns *turns_new(void);
void wait_turn(struct turns *t, int word);
void pass_fd(int sock, int fd);
int take_fd(int sock);

/* A thread-less helper for concurrency: run fn in a child; its pid. */
int spawn(void (*fn)(void *), void *arg);
void reap(int pid);			/* it must have ended with status 0 */

#endif /* VMTEST_H */
