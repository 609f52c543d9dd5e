// SPDX-License-Identifier: LGPL-2.1-or-later
/* Models: admission, identity, and every way in which a file can be bad. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_alg.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <aim/format.h>
#include "vmtest.h"

static struct model_bytes m;

/* The errnos that docs/uapi.md allows for a refused file. */
static bool documented(int err)
{
	return err == ENOEXEC || err == EBADMSG || err == EINVAL ||
	       err == EOPNOTSUPP || err == E2BIG;
}

/* Load; 1: admitted, 0: refused as documented, else the test fails. */
static int try_load(int ctx, const void *data, size_t bytes, const char *what)
{
	char reason[256];
	int fd, err;

	memset(reason, 0x7f, sizeof(reason));
	fd = model_load(ctx, data, bytes, reason, sizeof(reason));
	if (fd >= 0) {
		close(fd);
		return 1;
	}
	err = errno;
	if (!documented(err))
		FAIL("%s: %s is no documented errno", what, vmt_errno_name(err));
	if (!memchr(reason, 0, sizeof(reason)))
		FAIL("%s: the reason has no end", what);
	if (strlen(reason) < 5)
		FAIL("%s: refused with %s, but no reason", what, vmt_errno_name(err));
	for (const char *c = reason; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			FAIL("%s: control character in \"%s\"", what, reason);
	}
	return 0;
}

static bool sha256(const void *data, size_t n, uint8_t *digest)
{
	struct sockaddr_alg sa = { .salg_family = AF_ALG, .salg_type = "hash",
				   .salg_name = "sha256" };
	int s = socket(AF_ALG, SOCK_SEQPACKET, 0), op;

	if (s < 0 || bind(s, (void *)&sa, sizeof(sa)))
		return false;
	op = accept(s, NULL, 0);
	if (op < 0 || send(op, data, n, 0) != (ssize_t)n || read(op, digest, 32) != 32)
		return false;
	close(op);
	close(s);
	return true;
}

TEST(identity_is_the_sha256_of_the_bytes)
{
	struct aioffload_model_load a = ARG(model_load);
	struct aioffload_model_info info = ARG(model_info);
	uint8_t want[32];

	make_lut(&m, 64);
	if (!sha256(m.data, m.bytes, want))
		SKIP("no AF_ALG");
	a.data = (uintptr_t)m.data;
	a.bytes = m.bytes;
	MUST(ioctl(open_ctx(-1), AIOFFLOAD_IOC_MODEL_LOAD, &a));
	EXPECT(!memcmp(a.digest, want, 32));
	MUST(ioctl(a.fd, AIOFFLOAD_IOC_MODEL_INFO, &info));
	EXPECT(!memcmp(info.digest, want, 32));
	EXPECT_EQ(info.bytes, m.bytes);
	EXPECT_EQ(info.nr_inputs, 1);
	EXPECT_EQ(info.nr_outputs, 1);
	EXPECT_EQ(info.nr_ops, 1);
	EXPECT_EQ(info.macs, 0);
	EXPECT_EQ(info.name[0], 0);
}

TEST(tensors_are_described)
{
	struct aioffload_model_tensor t = ARG(model_tensor);
	int ctx = open_ctx(-1), fd;

	make_two(&m, 100);
	fd = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	t.dir = AIOFFLOAD_DIR_INPUT;
	MUST(ioctl(fd, AIOFFLOAD_IOC_MODEL_TENSOR, &t));
	EXPECT_EQ(t.type, AIM_TYPE_S8);
	EXPECT_EQ(t.rank, 2);
	EXPECT_EQ(t.dims[0], 1);
	EXPECT_EQ(t.dims[1], 100);
	EXPECT_EQ(t.bytes, 100);
	EXPECT_EQ(t.scale_bits, 0x3f800000);
	t.dir = AIOFFLOAD_DIR_OUTPUT;
	t.index = 1;
	MUST(ioctl(fd, AIOFFLOAD_IOC_MODEL_TENSOR, &t));
	t.index = 2;
	EXPECT_ERRNO(ioctl(fd, AIOFFLOAD_IOC_MODEL_TENSOR, &t), ENOENT);
	t.index = 0xffffffff;
	EXPECT_ERRNO(ioctl(fd, AIOFFLOAD_IOC_MODEL_TENSOR, &t), ENOENT);
	t.dir = AIOFFLOAD_DIR_INPUT;
	t.index = 1;
	EXPECT_ERRNO(ioctl(fd, AIOFFLOAD_IOC_MODEL_TENSOR, &t), ENOENT);
	t.dir = 2;
	t.index = 0;
	EXPECT_ERRNO(ioctl(fd, AIOFFLOAD_IOC_MODEL_TENSOR, &t), EINVAL);
}

TEST(lengths_that_are_no_file)
{
	struct aioffload_info info;
	int ctx = open_ctx(-1), fds;

	MUST(get_info(ctx, &info));
	make_lut(&m, 64);
	fds = count_fds();
	EXPECT(!try_load(ctx, m.data, 0, "empty"));
	EXPECT(!try_load(ctx, m.data, 1, "one byte"));
	EXPECT_ERRNO(model_load(ctx, m.data, info.max_model_bytes + 1, NULL, 0), E2BIG);
	EXPECT_ERRNO(model_load(ctx, m.data, ~0UL, NULL, 0), E2BIG);
	EXPECT_ERRNO(model_load(ctx, m.data, 1UL << 63, NULL, 0), E2BIG);
	EXPECT_EQ(count_fds(), fds);
}

TEST(data_that_can_not_be_read)
{
	int ctx = open_ctx(-1);
	uint8_t *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	make_lut(&m, 64);
	EXPECT_ERRNO(model_load(ctx, NULL, m.bytes, NULL, 0), EFAULT);
	EXPECT_ERRNO(model_load(ctx, (void *)~0xfffUL, m.bytes, NULL, 0), EFAULT);
	EXPECT_ERRNO(model_load(ctx, (void *)0xffffffff81000000UL, m.bytes, NULL, 0), EFAULT);
	/* half of it is there */
	MUST(munmap(p + 4096, 4096));
	memcpy(p + 4096 - 100, m.data, 100);
	EXPECT_ERRNO(model_load(ctx, p + 4096 - 100, m.bytes, NULL, 0), EFAULT);
	/* a length with no memory behind it: must not be taken at its word */
	EXPECT_ERRNO(model_load(ctx, p, 512UL << 20, NULL, 0), EFAULT);
}

TEST(reason_is_cut_to_its_room)
{
	char text[256], full[256];
	int ctx = open_ctx(-1);

	EXPECT_ERRNO(model_load(ctx, "nonsense", 8, full, sizeof(full)), ENOEXEC);
	EXPECT(strlen(full) > 10);
	for (size_t room = 1; room < 12; room++) {
		memset(text, 'x', sizeof(text));
		EXPECT_ERRNO(model_load(ctx, "nonsense", 8, text, room), ENOEXEC);
		EXPECT_EQ(strlen(text), room - 1);
		EXPECT(!strncmp(text, full, room - 1));
		EXPECT_EQ(text[room], 'x');
	}
	memset(text, 'x', sizeof(text));
	EXPECT_ERRNO(model_load(ctx, "nonsense", 8, text, 0), ENOEXEC);
	EXPECT_EQ(text[0], 'x');
	EXPECT_ERRNO(model_load(ctx, "nonsense", 8, NULL, 100), ENOEXEC);
	/* a place that can't be written: a clear errno, no crash */
	EXPECT(model_load(ctx, "nonsense", 8, (char *)8, 100) < 0);
	EXPECT(errno == EFAULT || errno == ENOEXEC);
}

TEST_SECONDS(every_truncation_is_refused, 120)
{
	int ctx = open_ctx(-1);

	make_chain(&m, 64, 4);
	for (size_t n = 0; n < m.bytes; n++) {
		char what[40];

		snprintf(what, sizeof(what), "cut to %zu", n);
		if (try_load(ctx, m.data, n, what))
			FAIL("a file cut to %zu of %zu bytes was admitted", n, m.bytes);
	}
	EXPECT(try_load(ctx, m.data, m.bytes, "whole"));
}

TEST(trailing_bytes_are_refused)
{
	int ctx = open_ctx(-1);

	make_lut(&m, 64);
	for (int more = 1; more < 300; more++) {
		memset(m.data + m.bytes, 0, more);
		EXPECT(!try_load(ctx, m.data, m.bytes + more, "longer"));
	}
}

/* A flipped bit is refused, or harmless: then the model must also run. */
static void flip_and_run(int ctx, int buf, size_t bit)
{
	struct aioffload_bind_io ios[2] = { { .buf_fd = buf },
					    { .buf_fd = buf, .offset = 32768 } };
	char reason[256], what[40];
	int fd, slot;

	snprintf(what, sizeof(what), "bit %zu", bit);
	m.data[bit / 8] ^= 1 << bit % 8;
	if (try_load(ctx, m.data, m.bytes, what)) {
		fd = MUST(model_load(ctx, m.data, m.bytes, reason, sizeof(reason)));
		slot = bind_slot(ctx, fd, ios, 2, 1, AIOFFLOAD_SLOT_ANY);
		if (slot >= 0) {
			MUST(run_slot(ctx, slot, 0, 1, 0));
			MUST(unbind(ctx, slot));
		} else if (errno != EINVAL && errno != EOPNOTSUPP) {
			FAIL("%s: BIND: %s", what, vmt_errno_name(errno));
		}
		close(fd);
	}
	m.data[bit / 8] ^= 1 << bit % 8;
}

TEST_SECONDS(every_flipped_bit, 200)
{
	int cpu = find_device("aioffload_cpu"), ctx = open_ctx(cpu);
	int buf = MUST(buf_create(ctx, 65536));
	size_t data;

	make_chain(&m, 64, 3);
	data = ((struct aim_header *)m.data)->sections[AIM_SEC_DATA].offset;
	for (size_t bit = 0; bit < data * 8; bit++)
		flip_and_run(ctx, buf, bit);
	for (size_t bit = data * 8; bit < m.bytes * 8; bit += 97)
		flip_and_run(ctx, buf, bit);
}

/* ---- a file that changes while it is being loaded ---- */

static volatile bool stop;

static void *scribble(void *arg)
{
	uint32_t *word = arg, seed = 1;

	while (!stop) {
		seed = seed * 1664525 + 1013904223;
		word[(seed >> 8) % (1024 / 4)] ^= 1u << (seed >> 27);
	}
	return NULL;
}

/* Copied once, then verified: what is admitted is what was measured. */
TEST_SECONDS(scribbled_on_while_loading, 60)
{
	struct aioffload_model_load a = ARG(model_load);
	int ctx = open_ctx(-1), admitted = 0;
	static struct model_bytes clean;
	uint64_t end = now_ns() + 3000000000ULL;
	pthread_t t;

	make_chain(&clean, 64, 3);
	m = clean;
	pthread_create(&t, NULL, scribble, m.data);
	while (now_ns() < end) {
		char reason[200] = "";

		a = ARG(model_load);
		a.data = (uintptr_t)m.data;
		a.bytes = m.bytes;
		a.reason = (uintptr_t)reason;
		a.reason_len = sizeof(reason);
		if (!ioctl(ctx, AIOFFLOAD_IOC_MODEL_LOAD, &a)) {
			admitted++;
			close(a.fd);
		} else if (!documented(errno)) {
			FAIL("%s", vmt_errno_name(errno));
		}
		memcpy(m.data, clean.data, 1024);
	}
	stop = true;
	pthread_join(t, NULL);
	(void)admitted;
}

/* ---- the fuzzers' corpus ---- */

static int each_file(const char *dir, int ctx)
{
	static uint8_t data[1 << 22];
	char path[512];
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	if (!d)
		return 0;
	while ((e = readdir(d))) {
		struct stat st;
		ssize_t len;
		int fd;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.200s/%.255s", dir, e->d_name);
		if (stat(path, &st))
			continue;
		if (S_ISDIR(st.st_mode)) {
			n += each_file(path, ctx);
			continue;
		}
		fd = open(path, O_RDONLY | O_CLOEXEC);
		len = fd < 0 ? -1 : read(fd, data, sizeof(data));
		if (fd >= 0)
			close(fd);
		if (len < 0)
			FAIL("%s: %s", path, strerror(errno));
		try_load(ctx, data, len, e->d_name);
		n++;
	}
	closedir(d);
	return n;
}

TEST_SECONDS(fuzzers_corpus, 200)
{
	const char *dir = getenv("VMTEST_CORPUS");

	if (!dir)
		SKIP("VMTEST_CORPUS is not set");
	if (!each_file(dir, open_ctx(-1)))
		SKIP("%s holds no file", dir);
}

/* ---- many ---- */

TEST(thousand_models)
{
	int ctx = open_ctx(-1), fds[1000];

	make_lut(&m, 64);
	for (int i = 0; i < 1000; i++)
		fds[i] = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	for (int i = 0; i < 1000; i++)
		close(fds[i]);
}
