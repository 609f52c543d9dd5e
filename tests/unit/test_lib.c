// SPDX-License-Identifier: LGPL-2.1-or-later
/* libaioffload against a kernel in this process (fakekernel.h). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <aioffload.h>

#include "aim_builder.h"
#include "fakekernel.h"

#define ANY	AIOFFLOAD_DEVICE_ANY
#define IN	AIOFFLOAD_DIR_INPUT
#define OUT	AIOFFLOAD_DIR_OUTPUT

#define assert_error(has) assert_non_null(strstr(aioffload_last_error(), (has)))

static int fds_before;
static struct aioffload_ctx *ctx;
static struct aioffload_model *model;

static int set_up(void **state)
{
	fds_before = fake_open_fds();
	fake_boot();
	return aioffload_open(ANY, &ctx);
}

/* Whatever a test did, nothing is left open or bound. */
static int tear_down(void **state)
{
	aioffload_model_free(model);
	model = NULL;
	aioffload_close(ctx);
	assert_int_equal(fake.slots, 0);
	fake_shutdown();
	assert_int_equal(fake_open_fds(), fds_before);
	return 0;
}

/* Two inputs of 3 and 5 bytes, copied to two outputs. */
static void load_two(void)
{
	static struct aim_builder b;
	struct aim_file f;
	u32 a, c, x, y;

	ab_init(&b);
	b.h.name = ab_string(&b, "two");
	a = ab_tensor(&b, "a", AIM_TYPE_S8, AIM_PLACE_INPUT, AB_DIMS(1, 3));
	c = ab_tensor(&b, "c", AIM_TYPE_S8, AIM_PLACE_INPUT, AB_DIMS(5));
	x = ab_tensor(&b, "x", AIM_TYPE_S8, AIM_PLACE_OUTPUT, AB_DIMS(3));
	y = ab_tensor(&b, "y", AIM_TYPE_S8, AIM_PLACE_OUTPUT, AB_DIMS(1, 5));
	ab_op(&b, AIM_OP_RESHAPE, AB_IN(a), x);
	ab_op(&b, AIM_OP_RESHAPE, AB_IN(c), y);
	assert_int_equal(ab_finish(&b, &f), 0);
	assert_int_equal(aioffload_model_load(ctx, f.data, f.bytes, &model), 0);
	ab_release(&f);
}

static void open_errors(void **state)
{
	static const struct {
		int err;
		const char *says;
	} cases[] = {
		{ ENOENT, "modprobe aioffload" },
		{ EACCES, "EACCES" },
		{ EPERM, "EPERM" },
		{ ENXIO, "no driver" },
		{ ENODEV, "no driver" },
		{ EMFILE, "can't open" },
	};
	struct aioffload_ctx *c = NULL;
	char dir[5000];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake.open_errno = cases[i].err;
		assert_int_equal(aioffload_open(ANY, &c), -cases[i].err);
		assert_null(c);
		assert_error(cases[i].says);
	}
	fake.open_errno = 0;
	assert_int_equal(aioffload_open(77, &c), -ENOENT);
	assert_error("no device 77");
	assert_int_equal(aioffload_open(0, &c), 0);
	aioffload_close(c);

	memset(dir, 'x', sizeof(dir));
	dir[sizeof(dir) - 1] = '\0';
	assert_int_equal(aioffload_set_device_dir(dir), -ENAMETOOLONG);
}

static void abi(void **state)
{
	struct aioffload_ctx *c = NULL;
	int fd;

	fake.abi = 0;
	assert_int_equal(aioffload_open(ANY, &c), -EPROTO);
	assert_error("ABI 0");
	fake.abi = 99;		/* newer kernels go on serving old libraries */
	assert_int_equal(aioffload_open(ANY, &c), 0);
	aioffload_close(c);

	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_INFO);
	fake.fail_errno = ENOTTY;
	assert_int_equal(aioffload_open(ANY, &c), -ENOTTY);
	assert_error("is not an aioffload device");
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(aioffload_open_fd(fd, &c), -ENOTTY);
	assert_int_equal(close(fd), 0);		/* stayed the caller's */
	fake.fail_errno = 0;
}

static void devices(void **state)
{
	struct aioffload_device_info dev;
	u32 from = 0, seen = 0;
	int ret;

	fake.nr_devices = 3;
	fake.first_device = 4;
	fake.device_step = 7;
	while (!(ret = aioffload_get_device(ctx, from, &dev))) {
		assert_int_equal(dev.id, 4 + 7 * seen);
		from = dev.id + 1;
		seen++;
	}
	assert_int_equal(ret, -ENOENT);
	assert_int_equal(seen, 3);
	fake.nr_devices = 0;
	assert_int_equal(aioffload_get_device(ctx, 0, &dev), -ENOENT);
	assert_error("modprobe aioffload_cpu");

	assert_string_equal(aioffload_class_name(AIOFFLOAD_CLASS_VIRTUAL),
			    "virtual");
	assert_string_equal(aioffload_class_name(5), "unknown");
	assert_string_equal(aioffload_state_name(UINT32_MAX), "unknown");
	assert_string_equal(aioffload_type_name(AIM_TYPE_F32), "float32");
	assert_int_equal(aioffload_type_size(AIM_TYPE_S16), 2);
	assert_int_equal(aioffload_type_size(6), 0);
}

/* The library's own table of types, which has no access to the verifier. */
static void types_agree(void **state)
{
	u32 t;

	for (t = AIM_TYPE_S8; t <= AIM_TYPE_F32; t++)
		assert_string_equal(aioffload_type_name(t), aim_type_name(t));
}

static void errors_as_text(void **state)
{
	assert_string_equal(aioffload_strerror(0), "success");
	assert_string_equal(aioffload_strerror(EACCES),
			    aioffload_strerror(-EACCES));
	assert_string_equal(aioffload_strerror(-EXDEV), strerror(EXDEV));
	assert_string_equal(aioffload_strerror(INT32_MIN), "unknown error");
	assert_string_equal(aioffload_strerror(INT32_MAX), "unknown error");
	assert_string_equal(aioffload_strerror(-4095), "unknown error");
}

static void buffers(void **state)
{
	struct aioffload_buf *buf = NULL, *twin = NULL;
	int null_fd;

	assert_int_equal(aioffload_buf_create(ctx, 0, &buf), -EINVAL);
	assert_int_equal(aioffload_buf_create(ctx, SIZE_MAX, &buf), -E2BIG);
	assert_null(buf);
	assert_int_equal(aioffload_buf_create(ctx, 5000, &buf), 0);
	assert_int_equal(aioffload_buf_bytes(buf), 8192);
	strcpy(aioffload_buf_data(buf), "hello");

	assert_int_equal(aioffload_buf_import(aioffload_buf_fd(buf), &twin), 0);
	assert_int_equal(aioffload_buf_bytes(twin), 8192);
	assert_int_not_equal(aioffload_buf_fd(twin), aioffload_buf_fd(buf));
	aioffload_buf_free(buf);
	assert_string_equal(aioffload_buf_data(twin), "hello");
	assert_ptr_equal(aioffload_buf_data(twin), aioffload_buf_data(twin));

	/* dma-buf may ask for another try */
	fake.fail_nr = 'b';
	fake.fail_errno = EAGAIN;
	fake.fail_times = 3;
	assert_int_equal(aioffload_buf_begin_cpu(twin, 1), 0);
	assert_int_equal(fake.fail_times, 0);
	fake.fail_errno = EIO;
	fake.fail_times = 1;
	assert_int_equal(aioffload_buf_end_cpu(twin, 1), -EIO);
	fake.fail_errno = 0;
	aioffload_buf_free(twin);
	aioffload_buf_free(NULL);

	assert_int_equal(aioffload_buf_import(-1, &twin), -EBADF);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(aioffload_buf_import(null_fd, &twin), -EINVAL);
	close(null_fd);
}

/* What can't be mapped is an error of the call, and nothing stays open. */
static void buffer_unmappable(void **state)
{
	struct aioffload_buf *buf = NULL;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_int_equal(aioffload_buf_import(fd, &buf), 0);
	assert_null(aioffload_buf_data(buf));	/* read-only: no shared write */
	assert_error("can't map");
	aioffload_buf_free(buf);
	close(fd);
}

static void *map_it(void *buf)
{
	return aioffload_buf_data(buf);
}

static void buffer_mapped_once(void **state)
{
	struct aioffload_buf *buf, *twin;
	pthread_t threads[8];
	void *data[8];
	int round, i;

	assert_int_equal(aioffload_buf_create(ctx, 4096, &buf), 0);
	for (round = 0; round < 50; round++) {
		aioffload_buf_import(aioffload_buf_fd(buf), &twin);
		for (i = 0; i < 8; i++)
			pthread_create(&threads[i], NULL, map_it, twin);
		for (i = 0; i < 8; i++)
			pthread_join(threads[i], &data[i]);
		for (i = 1; i < 8; i++)
			assert_ptr_equal(data[i], data[0]);
		aioffload_buf_free(twin);
	}
	aioffload_buf_free(buf);
}

static void *other_thread(void *unused)
{
	struct aioffload_ctx *c;
	void *wrong = *aioffload_last_error() ? (void *)1 : NULL;

	aioffload_open(123, &c);
	return wrong;
}

static void last_error_is_per_thread(void **state)
{
	struct aioffload_ctx *c;
	pthread_t thread;
	void *wrong;

	aioffload_open(55, &c);
	pthread_create(&thread, NULL, other_thread, NULL);
	pthread_join(thread, &wrong);
	assert_null(wrong);
	assert_error("no device 55");
}

static void model_described(void **state)
{
	const struct aioffload_model_tensor *t;
	struct aioffload_model *twin;

	load_two();
	assert_int_equal(aioffload_model_get_info(model)->nr_inputs, 2);
	assert_string_equal(aioffload_model_get_info(model)->name, "two");
	assert_int_equal(aioffload_model_sample_bytes(model, IN), 8);
	assert_int_equal(aioffload_model_sample_bytes(model, OUT), 8);
	assert_int_equal(aioffload_model_sample_bytes(model, 2), 0);
	t = aioffload_model_get_tensor(model, OUT, 1);
	assert_int_equal(t->rank, 2);
	assert_int_equal(t->dims[1], 5);
	assert_null(aioffload_model_get_tensor(model, IN, 2));
	assert_null(aioffload_model_get_tensor(model, 2, 0));

	assert_int_equal(aioffload_model_import(-1, &twin), -EBADF);
	assert_int_equal(aioffload_model_import(aioffload_ctx_fd(ctx), &twin),
			 -ENOTTY);
}

static void model_refused(void **state)
{
	struct aim_file f;

	assert_int_equal(ab_model_file(ab_models[0].name, &f), 0);
	f.h->reserved[0] = 1;
	assert_int_equal(aioffload_model_load(ctx, f.data, f.bytes, &model),
			 -EBADMSG);
	assert_error("refused by the kernel (EBADMSG): ");
	assert_true(strlen(strstr(aioffload_last_error(), "): ")) > 10);
	ab_release(&f);

	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_MODEL_LOAD);
	fake.fail_errno = ENOMEM;	/* without a reason: errno's meaning */
	assert_int_equal(aioffload_model_load(ctx, "x", 1, &model), -ENOMEM);
	assert_error("out of memory");
	fake.fail_errno = 0;

	/* a kernel that takes a model and then does not describe it */
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_MODEL_TENSOR);
	fake.fail_errno = EIO;
	assert_int_equal(ab_model_file(ab_models[0].name, &f), 0);
	assert_int_equal(aioffload_model_load(ctx, f.data, f.bytes, &model),
			 -EIO);
	ab_release(&f);
	fake.fail_errno = 0;
	assert_null(model);
}

static void put_file(const char *path, const void *data, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, bytes), bytes);
	close(fd);
}

static void model_files(void **state)
{
	char path[] = "/tmp/testlibXXXXXX";
	struct aim_file f;

	close(mkstemp(path));
	assert_int_equal(aioffload_model_load_file(ctx, path, &model),
			 -ENOEXEC);
	assert_error("is empty");
	put_file(path, "\x1c\0\0\0TFL3....", 12);
	assert_int_equal(aioffload_model_load_file(ctx, path, &model),
			 -ENOEXEC);
	assert_error("aioffload model convert");
	put_file(path, "garbage", 7);
	assert_int_equal(aioffload_model_load_file(ctx, path, &model),
			 -ENOEXEC);
	assert_int_equal(aioffload_model_load_file(ctx, "/tmp", &model),
			 -EINVAL);
	assert_error("regular file");
	assert_int_equal(ab_model_file(ab_models[0].name, &f), 0);
	put_file(path, f.data, f.bytes);
	ab_release(&f);
	assert_int_equal(aioffload_model_load_file(ctx, path, &model), 0);
	unlink(path);
	aioffload_model_free(model);
	model = NULL;
	assert_int_equal(aioffload_model_load_file(ctx, path, &model), -ENOENT);
}

static void bindings(void **state)
{
	struct aioffload_binding *b = NULL;
	char *p, *q;
	u32 i;

	load_two();
	assert_int_equal(aioffload_binding_create(ctx, model, 0, &b), -EINVAL);
	assert_int_equal(aioffload_binding_create(ctx, model, 100, &b), 0);
	assert_int_equal(aioffload_binding_samples(b), 100);
	for (i = 0; i < 4; i++)
		assert_int_equal(fake.last_ios[i].offset % 64, 0);
	/* 300 bytes, 500 bytes, and again */
	assert_int_equal(fake.last_ios[1].offset, 320);
	assert_int_equal(fake.last_ios[2].offset, 832);
	assert_int_equal(fake.last_ios[3].offset, 1152);
	assert_null(aioffload_binding_data(b, IN, 2, 0));
	assert_null(aioffload_binding_data(b, OUT, 0, 100));
	assert_null(aioffload_binding_data(b, 2, 0, 0));

	p = aioffload_binding_data(b, IN, 0, 7);
	memcpy(p, "abc", 3);
	memcpy(aioffload_binding_data(b, IN, 1, 7), "defgh", 5);
	assert_int_equal(aioffload_run(ctx, aioffload_binding_slot(b), 7, 1,
				       4711), 0);
	assert_int_equal(fake.last_timeout, 4711);
	p = aioffload_binding_data(b, OUT, 0, 7);
	q = aioffload_binding_data(b, OUT, 1, 7);
	assert_int_equal(p[0], 'a' ^ FAKE_KEY);
	assert_int_equal(p[2], 'c' ^ FAKE_KEY);
	assert_int_equal(q[4], 'h' ^ FAKE_KEY);
	assert_int_equal(p[3], 0);	/* sample 8: not run */

	assert_int_equal(aioffload_binding_run(b, 100), 0);
	assert_int_equal(aioffload_binding_run(b, 101), -EINVAL);
	fake.job_errno = ETIME;
	assert_int_equal(aioffload_binding_run(b, 1), -ETIME);
	assert_error("time");
	aioffload_binding_free(b);
	aioffload_binding_free(NULL);
}

static void bind_errors(void **state)
{
	struct aioffload_bind_io ios[4] = { 0 };
	struct aioffload_binding *b = NULL;
	u32 slot = AIOFFLOAD_SLOT_ANY;
	struct aioffload_buf *buf;
	u32 i;

	load_two();
	assert_int_equal(aioffload_buf_create(ctx, 4096, &buf), 0);
	for (i = 0; i < 4; i++) {
		ios[i].buf_fd = aioffload_buf_fd(buf);
		ios[i].offset = 64 * i;
	}
	assert_int_equal(aioffload_bind(ctx, model, ios, 3, 1, &slot), -EINVAL);
	assert_error("4 inputs and outputs, 3 places");
	assert_int_equal(slot, AIOFFLOAD_SLOT_ANY);
	slot = 5;
	assert_int_equal(aioffload_bind(ctx, model, ios, 4, 1, &slot), 0);
	assert_int_equal(slot, 5);
	assert_int_equal(aioffload_bind(ctx, model, ios, 4, 1, &slot), -EEXIST);
	aioffload_buf_free(buf);	/* the slot keeps the memory */
	assert_int_equal(aioffload_run(ctx, 5, 0, 1, 0), 0);
	assert_int_equal(aioffload_unbind(ctx, 5), 0);
	assert_int_equal(aioffload_unbind(ctx, 5), -ENOENT);
	assert_int_equal(aioffload_run(ctx, 5, 0, 1, 0), -ENOENT);

	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_BIND);
	fake.fail_errno = EOPNOTSUPP;
	assert_int_equal(aioffload_binding_create(ctx, model, 1, &b),
			 -EOPNOTSUPP);
	assert_error("no device");
	assert_null(b);
	/* more than the kernel gives: nothing half made stays */
	fake.fail_errno = 0;
	assert_int_equal(aioffload_binding_create(ctx, model, UINT32_MAX, &b),
			 -E2BIG);
}

static int submit_runs(struct aioffload_queue *q, u32 slot, u32 n, u64 base)
{
	struct aioffload_sqe *sqe;
	u32 i;

	for (i = 0; i < n; i++) {
		sqe = aioffload_get_sqe(q);
		if (!sqe)
			return -1;
		aioffload_prep_run(sqe, slot, i, 1, 0, base + i);
	}
	return aioffload_submit(q);
}

static void queue_full(void **state)
{
	struct aioffload_binding *b;
	struct aioffload_queue *q;
	u32 i;

	load_two();
	assert_int_equal(aioffload_binding_create(ctx, model, 8, &b), 0);
	assert_int_equal(aioffload_queue_create(ctx, 5, 0, &q), 0);
	assert_int_equal(aioffload_sq_space(q), 8);
	for (i = 0; i < 8; i++)
		aioffload_prep_nop(aioffload_get_sqe(q), i);
	assert_null(aioffload_get_sqe(q));
	assert_int_equal(aioffload_cq_ready(q), 0);
	assert_null(aioffload_peek_cqe(q));
	assert_int_equal(aioffload_submit(q), 8);
	assert_int_equal(aioffload_cq_ready(q), 8);
	assert_int_equal(submit_runs(q, aioffload_binding_slot(b), 8, 8), 8);
	/* 16 completions wait: no more is taken, nothing is lost */
	aioffload_prep_nop(aioffload_get_sqe(q), 16);
	aioffload_prep_nop(aioffload_get_sqe(q), 17);
	assert_int_equal(aioffload_submit(q), -EBUSY);
	assert_error("reap");
	for (i = 0; i < 16; i++)
		assert_int_equal(aioffload_cqe_at(q, i)->user_data, i);
	aioffload_cq_advance(q, 1);
	assert_int_equal(aioffload_submit(q), 1);
	aioffload_cq_advance(q, 15);
	/* the entry left over goes with the next call */
	assert_int_equal(aioffload_submit_and_wait(q, 2, 0), 1);
	assert_int_equal(aioffload_cqe_at(q, 1)->user_data, 17);
	aioffload_cq_advance(q, 2);
	aioffload_queue_free(q);
	aioffload_queue_free(NULL);
	aioffload_binding_free(b);
}

/* Indices run freely through 2^32, completions come in any order. */
static void queue_wraps(void **state)
{
	struct aioffload_binding *b;
	struct aioffload_queue *q;
	const struct aioffload_cqe *cqe;
	u64 round, got, want;
	u32 i;

	fake.ring_start = 0xffffffe0;
	fake.reverse = true;
	load_two();
	assert_int_equal(aioffload_binding_create(ctx, model, 8, &b), 0);
	assert_int_equal(aioffload_queue_create(ctx, 4, 8, &q), 0);
	for (round = 0; round < 40; round++) {
		u32 n = 1 + (u32)round % 4;

		assert_int_equal(submit_runs(q, aioffload_binding_slot(b), n,
					     round * 10), n);
		got = want = 0;
		for (i = 0; i < n; i++) {
			assert_int_equal(aioffload_wait_cqe(q, 1, &cqe), 0);
			assert_int_equal(cqe->status, 0);
			got |= 1ULL << (cqe->user_data - round * 10);
			want |= 1ULL << i;
			aioffload_cq_advance(q, 1);
		}
		assert_int_equal(got, want);
		assert_null(aioffload_peek_cqe(q));
	}
	aioffload_queue_free(q);
	aioffload_binding_free(b);
}

static void queue_waits(void **state)
{
	const struct aioffload_cqe *cqe = NULL;
	struct aioffload_queue *q;
	unsigned int enters;
	struct aioffload_sqe sqe;
	int fence;

	assert_int_equal(aioffload_queue_create(ctx, 4, 0, &q), 0);
	assert_int_equal(aioffload_wait(q, 1, 1000), -ETIME);
	assert_int_equal(aioffload_wait_cqe(q, 1000, &cqe), -ETIME);
	assert_null(cqe);
	aioffload_prep_nop(aioffload_get_sqe(q), 1);
	assert_int_equal(aioffload_submit_and_wait(q, 1, 0), 1);
	/* what is there already costs no system call */
	enters = fake.enters;
	assert_int_equal(aioffload_submit(q), 0);
	assert_int_equal(aioffload_submit_and_wait(q, 1, 0), 0);
	assert_int_equal(aioffload_wait(q, 1, 0), 0);
	assert_int_equal(aioffload_wait_cqe(q, 0, &cqe), 0);
	assert_int_equal(fake.enters, enters);
	assert_int_equal(aioffload_queue_set_eventfd(q, -1), 0);
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_QUEUE_EVENTFD);
	fake.fail_errno = EBADF;
	assert_int_equal(aioffload_queue_set_eventfd(q, 77), -EBADF);
	fake.fail_errno = 0;
	assert_int_equal(aioffload_queue_fence(q, &fence), 0);
	assert_int_equal(fence, 5);
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_QUEUE_FENCE);
	fake.fail_errno = EBUSY;
	fence = 77;
	assert_int_equal(aioffload_queue_fence(q, &fence), -EBUSY);
	assert_int_equal(fence, 77);
	assert_non_null(strstr(aioffload_last_error(), "fences"));
	fake.fail_errno = 0;
	aioffload_prep_run(&sqe, 1, 2, 3, 4, 5);
	aioffload_sqe_wait_for(&sqe, 6);
	assert_int_equal(sqe.flags, AIOFFLOAD_SQE_FENCE);
	assert_int_equal(sqe.fence_fd, 6);
	aioffload_sqe_hint(&sqe, AIOFFLOAD_HINT_EFFICIENCY);
	assert_int_equal(sqe.flags, AIOFFLOAD_SQE_FENCE | AIOFFLOAD_SQE_HINT);
	assert_int_equal(sqe.hint, AIOFFLOAD_HINT_EFFICIENCY);
	assert_string_equal(aioffload_hint_name(sqe.hint), "efficiency");
	assert_string_equal(aioffload_hint_name(0), "latency");
	assert_string_equal(aioffload_hint_name(1), "throughput");
	assert_string_equal(aioffload_hint_name(3), "keep-warm");
	assert_string_equal(aioffload_hint_name(4), "unknown");
	aioffload_queue_free(q);
}

static void queue_bad_kernel(void **state)
{
	struct aioffload_queue *q = NULL;

	for (fake.bad_offsets = 1; fake.bad_offsets <= 3; fake.bad_offsets++) {
		assert_int_equal(aioffload_queue_create(ctx, 4, 0, &q),
				 -EPROTO);
		assert_null(q);
	}
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_QUEUE_CREATE);
	fake.fail_errno = ENOSPC;
	assert_int_equal(aioffload_queue_create(ctx, 4, 0, &q), -ENOSPC);
	assert_error("no free slot or queue");
	fake.fail_errno = 0;
}

/* ---- what the library, its header and its manual list -------------------- */

static char *get_file(const char *name)
{
	const char *top = getenv("AIOFFLOAD_TOP");
	char path[4096], *text;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", top ? top : "", name);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	text = calloc(1, 1 << 16);
	n = fread(text, 1, (1 << 16) - 1, f);
	fclose(f);
	assert_true(n > 0);
	return text;
}

/* Is @name a whole word of @text, followed by one of @ends? */
static bool has_word(const char *text, const char *name, const char *ends)
{
	size_t len = strlen(name);
	const char *p = text;

	while ((p = strstr(p, name))) {
		if ((p == text || !strchr("abcdefghijklmnopqrstuvwxyz_0123456789",
					  p[-1])) && p[len] &&
		    strchr(ends, p[len]))
			return true;
		p += len;
	}
	return false;
}

/* Calls @check for each aioffload_... of @text, followed by @follow if not 0. */
static void each_name(const char *text, char follow,
		      void (*check)(const char *name, void *data), void *data)
{
	const char *p = text;
	char name[64];
	size_t n;

	while ((p = strstr(p, "aioffload_"))) {
		n = strspn(p, "abcdefghijklmnopqrstuvwxyz_0123456789");
		assert_true(n < sizeof(name));
		memcpy(name, p, n);
		name[n] = '\0';
		if (!follow || p[n] == follow)
			check(name, data);
		p += n;
	}
}

static void in_header(const char *name, void *header)
{
	if (!has_word(header, name, "("))
		fail_msg("%s is not in aioffload.h", name);
}

static void in_manual(const char *name, void *aliases)
{
	if (!has_word(aliases, name, " \n"))
		fail_msg("no man page names %s()", name);
}

/* Every exported function is declared, every declared one has a man page. */
static void lists_agree(void **state)
{
	char *map = get_file("userspace/lib/libaioffload.map");
	char *header = get_file("userspace/lib/aioffload.h");
	char *aliases = get_file("userspace/man/aliases");

	if (!map || !header || !aliases) {
		free(map);
		free(header);
		free(aliases);
		skip();
	}
	each_name(map, ';', in_header, header);
	each_name(aliases, 0, in_header, header);
	each_name(header, '(', in_manual, aliases);
	free(map);
	free(header);
	free(aliases);
}

/* One version: of the library, the packages and the modules. */
static void versions_agree(void **state)
{
	char *conf = get_file("dkms.conf"), want[64];

	if (!conf)
		skip();
	snprintf(want, sizeof(want), "PACKAGE_VERSION=\"%s\"",
		 aioffload_version());
	if (!strstr(conf, want))
		fail_msg("dkms.conf lacks %s", want);
	free(conf);
}

/* The README shows the example that is compiled with every build. */
static void readme_shows_example(void **state)
{
	char *readme = get_file("README.md");
	char *example = get_file("docs/example.c");
	bool shown;

	if (!readme || !example) {
		free(readme);
		free(example);
		skip();
	}
	/* without the three lines of comment above it */
	shown = strstr(readme, strstr(example, "#include"));
	free(readme);
	free(example);
	assert_true(shown);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(open_errors), test(abi), test(devices),
		test(types_agree), test(errors_as_text), test(buffers),
		test(buffer_unmappable), test(buffer_mapped_once),
		test(last_error_is_per_thread), test(model_described),
		test(model_refused), test(model_files), test(bindings),
		test(bind_errors), test(queue_full), test(queue_wraps),
		test(queue_waits), test(queue_bad_kernel),
		test(lists_agree), test(versions_agree),
		test(readme_shows_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
