// SPDX-License-Identifier: LGPL-2.1-or-later
/* Buffers: dma-bufs that are zeroed, charged, shared, passed on and given back. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <linux/dma-buf.h>
#include "vmtest.h"

#define MIB	(1UL << 20)

static bool all_zero(const uint8_t *p, size_t n)
{
	return !*p && !memcmp(p, p + 1, n - 1);
}

TEST(new_buffers_are_zeroed)
{
	int ctx = open_ctx(-1);

	/* Dirty memory and give it back, then look at what comes next */
	for (int round = 0; round < 8; round++) {
		int fd = MUST(buf_create(ctx, 4 * MIB));
		uint8_t *p = buf_map(fd, 4 * MIB);

		EXPECT(all_zero(p, 4 * MIB));
		memset(p, 0xa5, 4 * MIB);
		munmap(p, 4 * MIB);
		close(fd);
	}
}

TEST(sizes_are_rounded_up_to_pages)
{
	static const uint64_t want[][2] = {
		{ 1, 4096 }, { 4095, 4096 }, { 4096, 4096 }, { 4097, 8192 },
		{ 65537, 69632 },
	};
	int ctx = open_ctx(-1);

	for (int i = 0; i < 5; i++) {
		struct aioffload_buf_create a = ARG(buf_create);

		a.bytes = want[i][0];
		MUST(ioctl(ctx, AIOFFLOAD_IOC_BUF_CREATE, &a));
		EXPECT_EQ(a.bytes, want[i][1]);
		EXPECT_EQ(lseek(a.fd, 0, SEEK_END), want[i][1]);
		close(a.fd);
	}
}

TEST(impossible_sizes)
{
	struct aioffload_info info;
	int ctx = open_ctx(-1), fds = count_fds();

	MUST(get_info(ctx, &info));
	EXPECT_ERRNO(buf_create(ctx, 0), EINVAL);
	EXPECT_ERRNO(buf_create(ctx, info.max_buffer_bytes + 1), E2BIG);
	EXPECT_ERRNO(buf_create(ctx, 1ULL << 62), E2BIG);
	EXPECT_ERRNO(buf_create(ctx, ~0ULL), E2BIG);
	EXPECT_ERRNO(buf_create(ctx, ~0ULL - 4094), E2BIG);
	EXPECT_ERRNO(buf_create(ctx, 1ULL << 63), E2BIG);
	EXPECT_EQ(count_fds(), fds);
}

TEST(mappings_have_the_buffers_length)
{
	int fd = MUST(buf_create(open_ctx(-1), 8192));

	EXPECT(mmap(NULL, 12288, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	EXPECT_EQ(errno, EINVAL);
	EXPECT(mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 4096) == MAP_FAILED);
	EXPECT_EQ(errno, EINVAL);
	EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 1L << 40) == MAP_FAILED);
	EXPECT_EQ(errno, EINVAL);
	EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096) != MAP_FAILED);
}

TEST(part_of_a_buffer_can_be_mapped)
{
	int fd = MUST(buf_create(open_ctx(-1), 3 * 4096));
	uint8_t *all = buf_map(fd, 3 * 4096), *mid;

	all[4096] = 1;
	all[8191] = 2;
	mid = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	EXPECT(mid != MAP_FAILED);
	EXPECT_EQ(mid[0], 1);
	EXPECT_EQ(mid[4095], 2);
	mid[7] = 3;
	EXPECT_EQ(all[4096 + 7], 3);
}

TEST(shared_with_a_child)
{
	int fd = MUST(buf_create(open_ctx(-1), MIB)), pid, status;
	uint8_t *p = buf_map(fd, MIB);

	p[5] = 1;
	pid = fork();
	if (!pid) {
		uint8_t *again = buf_map(fd, MIB);

		p[6] = p[5] + 1;
		again[MIB - 1] = 9;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	EXPECT_EQ(p[6], 2);
	EXPECT_EQ(p[MIB - 1], 9);
}

static void send_fds(int sock, const int *fds, int n)
{
	char byte = 0, control[CMSG_SPACE(8 * sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	MUST(sendmsg(sock, &msg, 0));
}

static void receive_fds(int sock, int *fds, int n)
{
	char byte, control[CMSG_SPACE(8 * sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };

	MUST(recvmsg(sock, &msg, 0));
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&msg)), n * sizeof(int));
}

/*
 * A loader admits a model once and hands model and buffer to a worker, which
 * has nothing but a context of its own.
 */
TEST(passed_over_a_socket)
{
	static struct model_bytes m;
	int pair[2], pid, status, id = null_add(""), cpu = find_device("aioffload_cpu");

	if (cpu < 0)
		cpu = id;
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	pid = fork();
	if (!pid) {
		struct aioffload_bind_io ios[2] = { 0 };
		int ctx = open_ctx(cpu), fds[2], slot;

		close(pair[0]);
		receive_fds(pair[1], fds, 2);
		ios[0].buf_fd = fds[1];
		ios[1].buf_fd = fds[1];
		ios[1].offset = 64;
		slot = MUST(bind_slot(ctx, fds[0], ios, 2, 1, AIOFFLOAD_SLOT_ANY));
		MUST(run_slot(ctx, slot, 0, 1, 0));
		_exit(0);
	}
	close(pair[1]);
	{
		int ctx = open_ctx(-1), fds[2];
		uint8_t *p;

		make_lut(&m, 64);
		fds[0] = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
		fds[1] = MUST(buf_create(ctx, 4096));
		p = buf_map(fds[1], 4096);
		memset(p, 0x11, 64);
		send_fds(pair[0], fds, 2);
		close(ctx);		/* what was made outlives its maker */
		close(fds[0]);
		waitpid(pid, &status, 0);
		EXPECT_EQ(status, 0);
		if (cpu != id)
			EXPECT_EQ(p[64], 0x11 ^ LUT_XOR);
	}
}

TEST(queue_fd_passed_over_a_socket)
{
	struct bound b;
	struct queue q;
	struct aioffload_cqe cqe;
	int pair[2], pid, status;

	bound_open(&b, open_null(""), 64, 1);
	queue_open(&q, b.ctx, 4, 0);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	pid = fork();
	if (!pid) {
		struct queue mine = q;

		receive_fds(pair[1], &mine.fd, 1);
		mine.map = mmap(NULL, q.c.ring_bytes, PROT_READ | PROT_WRITE,
				MAP_SHARED, mine.fd, 0);
		EXPECT(mine.map != MAP_FAILED);
		queue_run(&mine, b.slot, 0, 1, 77, 0);
		EXPECT_EQ(queue_enter(&mine, 1, 1, 0), 1);
		_exit(0);
	}
	send_fds(pair[0], &q.fd, 1);
	waitpid(pid, &status, 0);
	EXPECT_EQ(status, 0);
	EXPECT(queue_reap(&q, &cqe));
	EXPECT_EQ(cqe.user_data, 77);
	EXPECT_EQ(cqe.status, 0);
}

TEST(slot_keeps_model_and_buffers)
{
	struct bound b;

	bound_open(&b, open_null(""), 64, 4);
	bound_fill(&b);
	close(b.buf);
	close(b.model);
	MUST(run_slot(b.ctx, b.slot, 0, 4, 0));
	b.map[0] = 1;	/* the mapping stands by itself */
	MUST(unbind(b.ctx, b.slot));
	EXPECT_EQ(b.map[0], 1);
}

TEST(buffer_outlives_its_context)
{
	int ctx = open_ctx(-1), fd = MUST(buf_create(ctx, 4096));
	uint8_t *p;

	close(ctx);
	p = buf_map(fd, 4096);
	p[0] = 1;
	close(fd);
	EXPECT_EQ(p[0], 1);
}

TEST(cpu_access_is_announced_by_sync)
{
	int fd = MUST(buf_create(open_ctx(-1), 4096));
	struct dma_buf_sync s = { DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };

	MUST(ioctl(fd, DMA_BUF_IOCTL_SYNC, &s));
	s.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW;
	MUST(ioctl(fd, DMA_BUF_IOCTL_SYNC, &s));
}

TEST(no_free_fd_is_emfile_and_leaks_nothing)
{
	struct rlimit lim = { 32, 32 };
	int ctx = open_ctx(-1), fd;

	MUST(setrlimit(RLIMIT_NOFILE, &lim));
	while ((fd = dup(ctx)) >= 0)
		;
	EXPECT_ERRNO(buf_create(ctx, MIB), EMFILE);
	/* the frame of the tests counts the dma-bufs afterwards */
}

/* ---- memory comes back, and is charged ---- */

TEST_SECONDS(memory_comes_back, 60)
{
	int ctx = open_ctx(-1);
	long before, after, gone = 0;

	for (int round = 0; round < 2; round++) {	/* the first one warms up */
		before = free_kib();
		for (int i = 0; i < 100; i++) {
			int fd = MUST(buf_create(ctx, 2 * MIB));
			uint8_t *p = buf_map(fd, 2 * MIB);

			p[i * 4096] = 1;
			munmap(p, 2 * MIB);
			close(fd);
		}
		sleep_ms(200);
		after = free_kib();
		gone = before - after;
	}
	/* 200 MiB were made; per-CPU lists and the log may hold some */
	if (gone > 6 * 1024)
		FAIL("%ld KiB did not come back", gone);
}

static const char *my_cgroup(const char *limit)
{
	static char dir[64];
	char path[128], text[32];

	snprintf(dir, sizeof(dir), "/sys/fs/cgroup/vmtest-%d", getpid());
	if (mkdir(dir, 0755))
		SKIP("no cgroup2: %s", strerror(errno));
	if (limit) {
		snprintf(path, sizeof(path), "%s/memory.max", dir);
		if (write_text(path, limit))
			SKIP("no memory controller");
	}
	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	snprintf(text, sizeof(text), "%d", getpid());
	if (write_text(path, text))
		FAIL("can't enter %s", dir);
	return dir;
}

static long charged(const char *dir)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/memory.current", dir);
	return read_long(path);
}

TEST(buffers_are_charged_to_the_cgroup)
{
	const char *dir = my_cgroup(NULL);
	int ctx = open_ctx(-1), fd;
	long before, with, after = 0;

	before = charged(dir);
	if (before < 0)
		SKIP("no memory controller");
	fd = MUST(buf_create(ctx, 32 * MIB));
	with = charged(dir);
	EXPECT(with - before >= (long)(32 * MIB));
	EXPECT(with - before < (long)(34 * MIB));
	close(fd);
	for (int i = 0; i < 100; i++) {
		after = charged(dir);
		if (after - before < (long)MIB)
			return;
		sleep_ms(20);
	}
	FAIL("%ld bytes are still charged", after - before);
}

TEST(models_are_charged_to_the_cgroup)
{
	static struct model_bytes m;
	const char *dir = my_cgroup(NULL);
	int ctx = open_ctx(-1);
	long before;

	make_lut(&m, 64);
	before = charged(dir);
	if (before < 0)
		SKIP("no memory controller");
	for (int i = 0; i < 400; i++)
		MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	if (charged(dir) - before < (long)(400 * m.bytes))
		FAIL("400 models of %zu bytes charged %ld", m.bytes,
		     charged(dir) - before);
}

TEST(cgroup_limit_is_enomem)
{
	int ctx, fds;

	my_cgroup("16777216");
	ctx = open_ctx(-1);
	fds = count_fds();
	EXPECT_ERRNO(buf_create(ctx, 64 * MIB), ENOMEM);
	EXPECT_EQ(count_fds(), fds);
	MUST(buf_create(ctx, 4 * MIB));		/* what fits still works */
}

/* Buffer by buffer up to the limit: refused, nobody is killed for it. */
TEST(cgroup_limit_is_reached_gently)
{
	int ctx, held = 0;

	my_cgroup("67108864");
	ctx = open_ctx(-1);
	while (held < 64 && buf_create(ctx, 4 * MIB) >= 0)
		held++;
	EXPECT_EQ(errno, ENOMEM);
	EXPECT(held >= 12 && held < 16);
}

/* A hint for the eye: our buffers carry our name in debugfs. */
TEST(exporter_is_named)
{
	static char text[1 << 20];
	int fd, n;

	MUST(buf_create(open_ctx(-1), 4096));
	fd = open("/sys/kernel/debug/dma_buf/bufinfo", O_RDONLY);
	if (fd < 0)
		SKIP("no debugfs");
	n = MUST(read(fd, text, sizeof(text) - 1));
	text[n] = '\0';
	EXPECT(strstr(text, "aioffload"));
}
