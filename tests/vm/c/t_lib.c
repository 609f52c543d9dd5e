// SPDX-License-Identifier: LGPL-2.1-or-later
/* The library on a real kernel: what an application does with it. */
#include <aioffload.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "vmtest.h"

#define IN	AIOFFLOAD_DIR_INPUT
#define OUT	AIOFFLOAD_DIR_OUTPUT
#define ANY	AIOFFLOAD_DEVICE_ANY

/* A call of the library that must succeed; its value. */
#define LIB(call) ({							\
		int lib_ret_ = (call);					\
		if (lib_ret_ < 0)					\
			FAIL("%s: %s", #call, aioffload_last_error());	\
		lib_ret_; })

static struct model_bytes bytes;

static struct aioffload_sqe *get_sqe(struct aioffload_queue *q)
{
	struct aioffload_sqe *sqe = aioffload_get_sqe(q);

	if (!sqe)
		FAIL("the submission ring is full");
	return sqe;
}

static struct aioffload_ctx *open_cpu(void)
{
	struct aioffload_ctx *ctx;
	int id = find_device("aioffload_cpu");

	if (id < 0)
		SKIP("no CPU device");
	LIB(aioffload_open((uint32_t)id, &ctx));
	return ctx;
}

static struct aioffload_ctx *open_null_ctx(const char *settings)
{
	struct aioffload_ctx *ctx;

	LIB(aioffload_open((uint32_t)null_add(settings), &ctx));
	return ctx;
}

static struct aioffload_model *load_lut(struct aioffload_ctx *ctx,
					unsigned int n)
{
	struct aioffload_model *model;

	make_lut(&bytes, n);
	LIB(aioffload_model_load(ctx, bytes.data, bytes.bytes, &model));
	return model;
}

TEST(library_lists_devices)
{
	struct aioffload_device_info dev;
	struct aioffload_info info;
	struct aioffload_ctx *ctx;
	uint32_t from = 0, seen = 0;
	int id = null_add("");

	LIB(aioffload_open(ANY, &ctx));
	LIB(aioffload_get_info(ctx, &info));
	EXPECT_EQ(info.abi_version, AIOFFLOAD_ABI_VERSION);
	EXPECT_EQ(info.pinned_device, ANY);
	while (!aioffload_get_device(ctx, from, &dev)) {
		seen += dev.id == (uint32_t)id;
		from = dev.id + 1;
	}
	EXPECT_EQ(seen, 1);
	aioffload_close(ctx);
	EXPECT_EQ(aioffload_open(99999, &ctx), -ENOENT);
	EXPECT(strstr(aioffload_last_error(), "no device 99999"));
}

TEST(library_binding_runs_in_place)
{
	struct aioffload_ctx *ctx = open_cpu();
	struct aioffload_model *model = load_lut(ctx, 37);
	struct aioffload_binding *b;
	uint8_t *in, *out;
	unsigned int s, i;

	LIB(aioffload_binding_create(ctx, model, 50, &b));
	aioffload_model_free(model);	/* the binding keeps it */
	for (s = 0; s < 50; s++) {
		in = aioffload_binding_data(b, IN, 0, s);
		for (i = 0; i < 37; i++)
			in[i] = (uint8_t)(s * 3 + i);
	}
	LIB(aioffload_run(ctx, aioffload_binding_slot(b), 10, 20, 0));
	for (s = 0; s < 50; s++) {
		in = aioffload_binding_data(b, IN, 0, s);
		out = aioffload_binding_data(b, OUT, 0, s);
		for (i = 0; i < 37; i++)
			EXPECT_EQ(out[i], s >= 10 && s < 30 ?
				  in[i] ^ LUT_XOR : 0);
	}
	LIB(aioffload_binding_run(b, 50));
	out = aioffload_binding_data(b, OUT, 0, 49);
	EXPECT_EQ(out[0], (uint8_t)(49 * 3) ^ LUT_XOR);
	EXPECT_EQ(aioffload_binding_run(b, 51), -EINVAL);
	aioffload_binding_free(b);
	aioffload_close(ctx);
}

TEST(library_gives_the_kernels_reason)
{
	struct aioffload_ctx *ctx = open_cpu();
	struct aioffload_model *model = NULL;
	int ret;

	make_lut(&bytes, 64);
	ret = aioffload_model_load(ctx, bytes.data, bytes.bytes - 1, &model);
	EXPECT(ret == -EBADMSG || ret == -EINVAL);
	EXPECT(!model);
	EXPECT(strstr(aioffload_last_error(), "refused by the kernel ("));
	EXPECT(strlen(strstr(aioffload_last_error(), "): ")) > 12);
	EXPECT_EQ(aioffload_model_load(ctx, "no model", 8, &model), -ENOEXEC);
	EXPECT_EQ(aioffload_model_load(ctx, NULL, 4096, &model), -EFAULT);
	aioffload_close(ctx);
}

/* ---- one thread submits, another reaps ---------------------------------- */

#define PAIR_JOBS	5000U	/* 7.3 ends short timers late under TCG */
#define PAIR_SAMPLES	64U

struct pair {
	struct aioffload_queue *q;
	uint32_t slot;
	uint8_t seen[PAIR_JOBS];
	const char *failed;
};

static void *pair_reap(void *arg)
{
	const struct aioffload_cqe *cqe;
	struct pair *p = arg;
	uint32_t n;
	int ret;

	for (n = 0; n < PAIR_JOBS; n++) {
		do {
			ret = aioffload_wait_cqe(p->q, 0, &cqe);
		} while (ret == -EINTR);
		if (ret) {
			p->failed = "wait";
			return NULL;
		}
		if (cqe->status || cqe->user_data >= PAIR_JOBS ||
		    p->seen[cqe->user_data]++) {
			p->failed = "completion";
			return NULL;
		}
		aioffload_cq_advance(p->q, 1);
	}
	return NULL;
}

static void pair_submit(struct pair *p)
{
	struct aioffload_sqe *sqe;
	uint32_t n = 0;
	int ret;

	while (n < PAIR_JOBS && !p->failed) {
		while (n < PAIR_JOBS && (sqe = aioffload_get_sqe(p->q))) {
			aioffload_prep_run(sqe, p->slot, n % PAIR_SAMPLES, 1, 0,
					   n);
			n++;
		}
		ret = aioffload_submit(p->q);
		if (ret < 0 && ret != -EBUSY)
			FAIL("submit: %s", aioffload_last_error());
	}
	/* what did not fit into the completion ring yet */
	while (!p->failed && aioffload_sq_space(p->q) != p->q->sq.mask + 1)
		aioffload_submit(p->q);
}

static void pair(struct aioffload_ctx *ctx)
{
	struct aioffload_model *model = load_lut(ctx, 64);
	struct aioffload_binding *b;
	static struct pair p;
	pthread_t reaper;
	uint32_t i;

	memset(&p, 0, sizeof(p));
	LIB(aioffload_binding_create(ctx, model, PAIR_SAMPLES, &b));
	LIB(aioffload_queue_create(ctx, 32, 0, &p.q));
	p.slot = aioffload_binding_slot(b);
	MUST(-pthread_create(&reaper, NULL, pair_reap, &p));
	pair_submit(&p);
	pthread_join(reaper, NULL);
	if (p.failed)
		FAIL("reaper: %s", p.failed);
	for (i = 0; i < PAIR_JOBS; i++)
		EXPECT_EQ(p.seen[i], 1);
	aioffload_queue_free(p.q);
	aioffload_binding_free(b);
	aioffload_model_free(model);
	aioffload_close(ctx);
}

TEST_SECONDS(library_two_threads_cpu, 120)
{
	pair(open_cpu());
}

TEST_SECONDS(library_two_threads_null, 120)
{
	pair(open_null_ctx("parallelism=4 latency_ns=1000"));
}

/* ---- waiting in an event loop ------------------------------------------- */

TEST(library_poll_and_eventfd)
{
	struct aioffload_ctx *ctx = open_null_ctx("latency_ns=20000000");
	struct aioffload_model *model = load_lut(ctx, 64);
	const struct aioffload_cqe *cqe;
	struct aioffload_binding *b;
	struct aioffload_queue *q;
	struct pollfd fds[2];
	uint64_t count = 0;

	LIB(aioffload_binding_create(ctx, model, 1, &b));
	LIB(aioffload_queue_create(ctx, 4, 0, &q));
	fds[0] = (struct pollfd){ .fd = aioffload_queue_fd(q), .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = MUST(eventfd(0, EFD_CLOEXEC)),
				  .events = POLLIN };
	LIB(aioffload_queue_set_eventfd(q, fds[1].fd));
	EXPECT_EQ(poll(fds, 2, 0), 0);
	aioffload_prep_run(get_sqe(q), aioffload_binding_slot(b), 0, 1, 0,
			   5);
	EXPECT_EQ(LIB(aioffload_submit(q)), 1);
	EXPECT(!aioffload_peek_cqe(q));
	EXPECT_EQ(poll(&fds[0], 1, 5000), 1);
	EXPECT_EQ(poll(&fds[1], 1, 5000), 1);
	EXPECT_EQ(read(fds[1].fd, &count, 8), 8);
	EXPECT_EQ(count, 1);
	LIB(aioffload_wait_cqe(q, 0, &cqe));
	EXPECT_EQ(cqe->user_data, 5);
	EXPECT_EQ(cqe->status, 0);
	EXPECT(cqe->duration_ns >= 20000000);
	aioffload_cq_advance(q, 1);
	EXPECT_EQ(poll(&fds[0], 1, 0), 0);
	LIB(aioffload_queue_set_eventfd(q, -1));
	EXPECT_EQ(aioffload_wait(q, 1, 1000000), -ETIME);
	close(fds[1].fd);
	aioffload_queue_free(q);
	aioffload_binding_free(b);
	aioffload_model_free(model);
	aioffload_close(ctx);
}

/* ---- things that end early ---------------------------------------------- */

TEST(library_budget_device_and_context_end)
{
	int id = null_add("latency_ns=3000000000");
	struct aioffload_model *model;
	struct aioffload_binding *b;
	struct aioffload_queue *q;
	struct aioffload_ctx *ctx;

	LIB(aioffload_open((uint32_t)id, &ctx));
	model = load_lut(ctx, 64);
	LIB(aioffload_binding_create(ctx, model, 1, &b));
	EXPECT_EQ(aioffload_run(ctx, aioffload_binding_slot(b), 0, 1,
				5000000), -ETIME);
	EXPECT(strstr(aioffload_last_error(), "time"));

	LIB(aioffload_queue_create(ctx, 4, 0, &q));
	aioffload_prep_run(get_sqe(q), aioffload_binding_slot(b), 0, 1, 0,
			   1);
	EXPECT_EQ(LIB(aioffload_submit(q)), 1);
	null_remove(id);
	LIB(aioffload_wait(q, 1, 10000000000ULL));
	EXPECT_EQ(aioffload_peek_cqe(q)->status, -ENODEV);
	EXPECT_EQ(aioffload_binding_run(b, 1), -ENODEV);

	aioffload_binding_free(b);
	aioffload_close(ctx);
	aioffload_cq_advance(q, 1);
	EXPECT_EQ(aioffload_wait(q, 1, 0), -ENODEV);
	aioffload_queue_free(q);
	aioffload_model_free(model);
}

/* ---- objects of others --------------------------------------------------- */

static void send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	MUST(sendmsg(sock, &msg, 0));
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd;

	MUST(recvmsg(sock, &msg, MSG_CMSG_CLOEXEC));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

/* A loader admits the model; a worker without the file runs it. */
static void worker(int sock)
{
	struct aioffload_ctx *ctx = open_cpu();
	struct aioffload_model *model;
	struct aioffload_binding *b;
	int fd = receive_fd(sock);
	uint8_t *out;

	LIB(aioffload_model_import(fd, &model));
	close(fd);
	EXPECT_EQ(aioffload_model_sample_bytes(model, IN), 64);
	LIB(aioffload_binding_create(ctx, model, 1, &b));
	LIB(aioffload_binding_run(b, 1));
	out = aioffload_binding_data(b, OUT, 0, 0);
	EXPECT_EQ(out[63], LUT_XOR);
	aioffload_binding_free(b);
	aioffload_model_free(model);
	aioffload_close(ctx);
}

TEST(library_model_passed_on)
{
	struct aioffload_ctx *ctx = open_cpu();
	struct aioffload_model *model = load_lut(ctx, 64);
	int pair[2], pid;

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	pid = (int)MUST(fork());
	if (!pid) {
		worker(pair[1]);
		_exit(0);
	}
	send_fd(pair[0], aioffload_model_fd(model));
	aioffload_model_free(model);
	aioffload_close(ctx);
	reap(pid);
	close(pair[0]);
	close(pair[1]);
}

/* Input from memory that another driver made a dma-buf of. */
TEST(library_foreign_buffer)
{
	struct aioffload_ctx *ctx = open_cpu();
	struct aioffload_model *model = load_lut(ctx, 64);
	struct aioffload_buf *in, *out;
	struct aioffload_bind_io ios[2] = { 0 };
	uint32_t slot = AIOFFLOAD_SLOT_ANY;
	struct foreign f = foreign_any(4096);

	LIB(aioffload_buf_import(f.fd, &in));
	close(f.fd);
	EXPECT_EQ(aioffload_buf_bytes(in), 4096);
	LIB(aioffload_buf_create(ctx, 64, &out));
	ios[0].buf_fd = aioffload_buf_fd(in);
	ios[1].buf_fd = aioffload_buf_fd(out);
	LIB(aioffload_bind(ctx, model, ios, 2, 1, &slot));

	LIB(aioffload_buf_begin_cpu(in, 1));
	memset(aioffload_buf_data(in), 0x11, 64);
	LIB(aioffload_buf_end_cpu(in, 1));
	LIB(aioffload_run(ctx, slot, 0, 1, 0));
	LIB(aioffload_buf_begin_cpu(out, 0));
	EXPECT_EQ(((uint8_t *)aioffload_buf_data(out))[63], 0x11 ^ LUT_XOR);
	LIB(aioffload_buf_end_cpu(out, 0));
	aioffload_buf_free(in);
	aioffload_buf_free(out);
	LIB(aioffload_run(ctx, slot, 0, 1, 0));	/* the slot keeps both */
	LIB(aioffload_unbind(ctx, slot));
	aioffload_model_free(model);
	aioffload_close(ctx);
}

/* Nothing that the library makes can be inherited by a program it starts. */
TEST(library_descriptors_are_cloexec)
{
	struct aioffload_ctx *ctx = open_cpu();
	struct aioffload_model *model = load_lut(ctx, 64), *twin;
	struct aioffload_buf *buf, *other;
	struct aioffload_queue *q;
	unsigned int i;

	LIB(aioffload_buf_create(ctx, 64, &buf));
	LIB(aioffload_buf_import(aioffload_buf_fd(buf), &other));
	LIB(aioffload_model_import(aioffload_model_fd(model), &twin));
	LIB(aioffload_queue_create(ctx, 4, 0, &q));
	{
		int fds[] = { aioffload_ctx_fd(ctx), aioffload_model_fd(model),
			aioffload_buf_fd(buf), aioffload_buf_fd(other),
			aioffload_model_fd(twin), aioffload_queue_fd(q) };

		for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
			EXPECT_EQ(MUST(fcntl(fds[i], F_GETFD)), FD_CLOEXEC);
	}
	aioffload_queue_free(q);
	aioffload_model_free(twin);
	aioffload_model_free(model);
	aioffload_buf_free(other);
	aioffload_buf_free(buf);
	aioffload_close(ctx);
}
