// SPDX-License-Identifier: LGPL-2.1-or-later
/* The shape of the calls: numbers, sizes, growth, pointers, fds. */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include "vmtest.h"

/* ---- one entry for each call ---- */

enum target { ON_CTX, ON_MODEL, ON_QUEUE };

struct call {
	const char *name;
	unsigned long nr;
	enum target on;
	unsigned int size;		/* as it is now */
	int reserved;			/* offset of a reserved u32, or -1 */
	void (*fill)(void *arg);	/* valid but for what a test breaks */
	int gives_fd;			/* offset of an fd it makes, or -1 */
};

/* What the calls work on, made anew in each test. */
static struct bound bound;
static struct queue queue;
static struct model_bytes lut;
static struct aioffload_bind_io ios[2];

static void setup(void)
{
	int ctx = open_null("");

	bound_open(&bound, ctx, 64, 2);
	queue_open(&queue, ctx, 4, 0);
	make_lut(&lut, 64);
	ios[0] = (struct aioffload_bind_io){ .buf_fd = bound.buf };
	ios[1] = (struct aioffload_bind_io){ .buf_fd = bound.buf, .offset = 128 };
}

static void fill_none(void *arg)
{
	(void)arg;
}

static void fill_buf(void *arg)
{
	((struct aioffload_buf_create *)arg)->bytes = 4096;
}

static void fill_load(void *arg)
{
	struct aioffload_model_load *a = arg;

	a->data = (uintptr_t)lut.data;
	a->bytes = lut.bytes;
}

static void fill_bind(void *arg)
{
	struct aioffload_bind *a = arg;

	a->model_fd = bound.model;
	a->slot = AIOFFLOAD_SLOT_ANY;
	a->ios = (uintptr_t)ios;
	a->nr_ios = 2;
	a->samples = 2;
}

static void fill_unbind(void *arg)
{
	struct aioffload_bind_io two[2];

	memcpy(two, ios, sizeof(two));
	((struct aioffload_unbind *)arg)->slot =
		MUST(bind_slot(bound.ctx, bound.model, two, 2, 2, AIOFFLOAD_SLOT_ANY));
}

static void fill_run(void *arg)
{
	struct aioffload_run *a = arg;

	a->slot = bound.slot;
	a->count = 1;
}

static void fill_queue(void *arg)
{
	((struct aioffload_queue_create *)arg)->sq_entries = 4;
}

static void fill_eventfd(void *arg)
{
	((struct aioffload_queue_eventfd *)arg)->fd = -1;
}

static int some_cgroup(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = cg_open("");
	return fd;
}

static void fill_grant(void *arg)
{
	((struct aioffload_grant *)arg)->cgroup_fd = some_cgroup();
}

/* For USAGE and WEIGHT as well. */
static void fill_own_cgroup(void *arg)
{
	((struct aioffload_rights *)arg)->cgroup_fd = -1;
}

static void fill_limit(void *arg)
{
	struct aioffload_limit *a = arg;

	a->cgroup_fd = some_cgroup();
	a->limit = AIOFFLOAD_NO_LIMIT;
}

/* Any device: the root is always told. */
static void fill_sched(void *arg)
{
	struct aioffload_device_info info;

	MUST(device_info(bound.ctx, 0, &info));
	((struct aioffload_sched *)arg)->device = info.id;
}

#define SIZE(type) sizeof(struct aioffload_##type)
#define AT(type, field) ((int)offsetof(struct aioffload_##type, field))
_Static_assert(AT(usage, cgroup_fd) == AT(rights, cgroup_fd) &&
	       AT(weight, cgroup_fd) == AT(rights, cgroup_fd), "one fill for all");

static const struct call calls[] = {
	{ "INFO", AIOFFLOAD_IOC_INFO, ON_CTX, SIZE(info), -1, fill_none, -1 },
	{ "DEVICE_INFO", AIOFFLOAD_IOC_DEVICE_INFO, ON_CTX, SIZE(device_info), -1,
	  fill_none, -1 },
	{ "BUF_CREATE", AIOFFLOAD_IOC_BUF_CREATE, ON_CTX, SIZE(buf_create),
	  AT(buf_create, reserved), fill_buf, AT(buf_create, fd) },
	{ "MODEL_LOAD", AIOFFLOAD_IOC_MODEL_LOAD, ON_CTX, SIZE(model_load), -1,
	  fill_load, AT(model_load, fd) },
	{ "BIND", AIOFFLOAD_IOC_BIND, ON_CTX, SIZE(bind), -1, fill_bind, -1 },
	{ "UNBIND", AIOFFLOAD_IOC_UNBIND, ON_CTX, SIZE(unbind),
	  AT(unbind, reserved), fill_unbind, -1 },
	{ "RUN", AIOFFLOAD_IOC_RUN, ON_CTX, SIZE(run), AT(run, reserved), fill_run, -1 },
	{ "QUEUE_CREATE", AIOFFLOAD_IOC_QUEUE_CREATE, ON_CTX, SIZE(queue_create),
	  AT(queue_create, reserved), fill_queue, AT(queue_create, fd) },
	{ "GRANT", AIOFFLOAD_IOC_GRANT, ON_CTX, SIZE(grant), -1, fill_grant, -1 },
	{ "RIGHTS", AIOFFLOAD_IOC_RIGHTS, ON_CTX, SIZE(rights), -1, fill_own_cgroup, -1 },
	{ "LIMIT", AIOFFLOAD_IOC_LIMIT, ON_CTX, SIZE(limit), -1, fill_limit, -1 },
	{ "USAGE", AIOFFLOAD_IOC_USAGE, ON_CTX, SIZE(usage), -1, fill_own_cgroup, -1 },
	{ "WEIGHT", AIOFFLOAD_IOC_WEIGHT, ON_CTX, SIZE(weight), -1, fill_own_cgroup, -1 },
	{ "SCHED", AIOFFLOAD_IOC_SCHED, ON_CTX, SIZE(sched), -1, fill_sched, -1 },
	{ "MODEL_INFO", AIOFFLOAD_IOC_MODEL_INFO, ON_MODEL, SIZE(model_info),
	  AT(model_info, reserved), fill_none, -1 },
	{ "MODEL_TENSOR", AIOFFLOAD_IOC_MODEL_TENSOR, ON_MODEL, SIZE(model_tensor), -1,
	  fill_none, -1 },
	{ "ENTER", AIOFFLOAD_IOC_ENTER, ON_QUEUE, SIZE(enter), -1, fill_none, -1 },
	{ "QUEUE_EVENTFD", AIOFFLOAD_IOC_QUEUE_EVENTFD, ON_QUEUE,
	  SIZE(queue_eventfd), AT(queue_eventfd, reserved), fill_eventfd, -1 },
	{ "QUEUE_FENCE", AIOFFLOAD_IOC_QUEUE_FENCE, ON_QUEUE, SIZE(queue_fence),
	  AT(queue_fence, reserved), fill_none, AT(queue_fence, fd) },
};

#define FOR_EACH_CALL(c) \
	for (const struct call *c = calls; c < calls + sizeof(calls) / sizeof(*calls); c++)

static int target_fd(const struct call *c)
{
	return c->on == ON_CTX ? bound.ctx : c->on == ON_MODEL ? bound.model : queue.fd;
}

/* Call with a valid argument of which @size bytes are claimed. */
static long call_sized(const struct call *c, unsigned char *arg, unsigned int size)
{
	long ret;

	memset(arg, 0, c->size);
	c->fill(arg);
	memcpy(arg, &size, sizeof(size));
	ret = ioctl(target_fd(c), c->nr, arg);
	if (!ret && c->gives_fd >= 0) {
		int fd;

		memcpy(&fd, arg + c->gives_fd, sizeof(fd));
		close(fd);
	}
	return ret;
}

static void expect_call(const struct call *c, const char *what, long ret, int want)
{
	int err = errno;

	if (!want && ret < 0)
		FAIL("%s, %s: %s", c->name, what, vmt_errno_name(err));
	if (want && (ret >= 0 || err != want))
		FAIL("%s, %s: %s, expected %s", c->name, what,
		     ret < 0 ? vmt_errno_name(err) : "success", vmt_errno_name(want));
}

/* ---- tests ---- */

TEST(structs_have_their_sizes)
{
	EXPECT_EQ(SIZE(info), 136);
	EXPECT_EQ(SIZE(device_info), 288);
	EXPECT_EQ(SIZE(buf_create), 24);
	EXPECT_EQ(SIZE(model_load), 72);
	EXPECT_EQ(SIZE(model_info), 136);
	EXPECT_EQ(SIZE(model_tensor), 128);
	EXPECT_EQ(SIZE(bind_io), 24);
	EXPECT_EQ(SIZE(bind), 32);
	EXPECT_EQ(SIZE(unbind), 16);
	EXPECT_EQ(SIZE(run), 32);
	EXPECT_EQ(SIZE(sqe), 64);
	EXPECT_EQ(SIZE(cqe), 32);
	EXPECT_EQ(SIZE(queue_create), 104);
	EXPECT_EQ(SIZE(grant), 48);
	EXPECT_EQ(SIZE(rights), 80);
	EXPECT_EQ(SIZE(limit), 32);
	EXPECT_EQ(SIZE(usage), 56);
	EXPECT_EQ(SIZE(weight), 24);
	EXPECT_EQ(SIZE(sched_class), 56);
	EXPECT_EQ(SIZE(sched), 312);
	EXPECT_EQ(SIZE(enter), 24);
	EXPECT_EQ(SIZE(queue_eventfd), 16);
	EXPECT_EQ(SIZE(queue_fence), 16);
	EXPECT_EQ(AT(sqe, fence_fd), 40);
	EXPECT_EQ(AT(sqe, hint), 44);
}

TEST(numbers_are_fixed)
{
	EXPECT_EQ(AIOFFLOAD_IOC_INFO, 0xa900);
	EXPECT_EQ(AIOFFLOAD_IOC_DEVICE_INFO, 0xa901);
	EXPECT_EQ(AIOFFLOAD_IOC_BUF_CREATE, 0xa902);
	EXPECT_EQ(AIOFFLOAD_IOC_MODEL_LOAD, 0xa903);
	EXPECT_EQ(AIOFFLOAD_IOC_BIND, 0xa904);
	EXPECT_EQ(AIOFFLOAD_IOC_UNBIND, 0xa905);
	EXPECT_EQ(AIOFFLOAD_IOC_RUN, 0xa906);
	EXPECT_EQ(AIOFFLOAD_IOC_QUEUE_CREATE, 0xa907);
	EXPECT_EQ(AIOFFLOAD_IOC_GRANT, 0xa90a);
	EXPECT_EQ(AIOFFLOAD_IOC_RIGHTS, 0xa90b);
	EXPECT_EQ(AIOFFLOAD_IOC_LIMIT, 0xa90c);
	EXPECT_EQ(AIOFFLOAD_IOC_USAGE, 0xa90d);
	EXPECT_EQ(AIOFFLOAD_IOC_WEIGHT, 0xa90e);
	EXPECT_EQ(AIOFFLOAD_IOC_SCHED, 0xa90f);
	EXPECT_EQ(AIOFFLOAD_IOC_MODEL_INFO, 0xa920);
	EXPECT_EQ(AIOFFLOAD_IOC_MODEL_TENSOR, 0xa921);
	EXPECT_EQ(AIOFFLOAD_IOC_ENTER, 0xa940);
	EXPECT_EQ(AIOFFLOAD_IOC_QUEUE_EVENTFD, 0xa941);
	EXPECT_EQ(AIOFFLOAD_IOC_QUEUE_FENCE, 0xa942);
}

TEST(every_call_works_as_filled)
{
	unsigned char arg[512];

	setup();
	FOR_EACH_CALL(c)
		expect_call(c, "valid", call_sized(c, arg, c->size), 0);
}

/* Of its first version. */
static unsigned int first_size(const struct call *c)
{
	if (c->nr == AIOFFLOAD_IOC_QUEUE_CREATE)
		return AT(queue_create, qos);
	return c->nr == AIOFFLOAD_IOC_DEVICE_INFO ? AT(device_info, pm) : c->size;
}

TEST(smaller_sizes_are_einval)
{
	unsigned char arg[512];

	setup();
	FOR_EACH_CALL(c) {
		unsigned int first = first_size(c);

		for (unsigned int size = 0; size < first; size++)
			expect_call(c, "a size below the first version",
				    call_sized(c, arg, size), EINVAL);
		for (unsigned int size = first; size < c->size; size++)
			expect_call(c, "a size of an older version",
				    call_sized(c, arg, size), 0);
	}
}

TEST(larger_with_zero_tail_works)
{
	static unsigned char arg[4096];

	setup();
	FOR_EACH_CALL(c) {
		unsigned int sizes[] = { c->size + 1, c->size + 8, 1024, 4096 };

		for (int i = 0; i < 4; i++) {
			memset(arg, 0, sizeof(arg));
			expect_call(c, "larger, zero tail",
				    call_sized(c, arg, sizes[i]), 0);
		}
	}
}

TEST(larger_with_other_tail_is_e2big)
{
	static unsigned char arg[4096];

	setup();
	FOR_EACH_CALL(c) {
		unsigned int spots[] = { c->size, c->size + 3, 4095 };

		for (int i = 0; i < 3; i++) {
			memset(arg, 0, sizeof(arg));
			arg[spots[i]] = 1;
			expect_call(c, "larger, tail not zero",
				    call_sized(c, arg, 4096), E2BIG);
		}
	}
}

TEST(absurd_sizes_are_e2big)
{
	static unsigned char arg[8192];

	setup();
	FOR_EACH_CALL(c) {
		memset(arg, 0, sizeof(arg));
		expect_call(c, "size 4097", call_sized(c, arg, 4097), E2BIG);
		expect_call(c, "size 2^32-1", call_sized(c, arg, 0xffffffff), E2BIG);
		expect_call(c, "size 2^31", call_sized(c, arg, 0x80000000), E2BIG);
	}
}

TEST(kernel_size_comes_back)
{
	static unsigned char arg[4096];

	setup();
	FOR_EACH_CALL(c) {
		unsigned int size;

		/* these do not write back */
		if (c->nr == AIOFFLOAD_IOC_RUN || c->on == ON_QUEUE ||
		    c->nr == AIOFFLOAD_IOC_GRANT || c->nr == AIOFFLOAD_IOC_LIMIT)
			continue;
		memset(arg, 0, sizeof(arg));
		expect_call(c, "larger", call_sized(c, arg, 1024), 0);
		memcpy(&size, arg, sizeof(size));
		if (size != c->size)
			FAIL("%s: the kernel says size %u, expected %u", c->name,
			     size, c->size);
	}
}

/* Nothing past the size that the caller named may be written. */
TEST(nothing_past_the_callers_size)
{
	static unsigned char arg[1024];

	setup();
	FOR_EACH_CALL(c) {
		memset(arg, 0xee, sizeof(arg));
		expect_call(c, "valid", call_sized(c, arg, c->size), 0);
		for (unsigned int i = c->size; i < sizeof(arg); i++) {
			if (arg[i] != 0xee)
				FAIL("%s wrote byte %u, past its %u", c->name, i,
				     c->size);
		}
	}
}

TEST(unknown_flags_are_einval)
{
	static unsigned char arg[512];

	setup();
	FOR_EACH_CALL(c) {
		for (int bit = 0; bit < 32; bit++) {
			uint32_t flags = 1u << bit;

			/* these have two; t_rights.c, t_weights.c */
			if (bit < 2 && (c->nr == AIOFFLOAD_IOC_GRANT ||
					c->nr == AIOFFLOAD_IOC_RIGHTS ||
					c->nr == AIOFFLOAD_IOC_WEIGHT))
				continue;
			memset(arg, 0, sizeof(arg));
			c->fill(arg);
			memcpy(arg, &c->size, 4);
			memcpy(arg + 4, &flags, 4);
			expect_call(c, "a flag", ioctl(target_fd(c), c->nr, arg), EINVAL);
		}
	}
}

TEST(reserved_fields_are_einval)
{
	static unsigned char arg[512];

	setup();
	FOR_EACH_CALL(c) {
		if (c->reserved < 0)
			continue;
		memset(arg, 0, sizeof(arg));
		c->fill(arg);
		memcpy(arg, &c->size, 4);
		arg[c->reserved + 3] = 0x80;
		expect_call(c, "reserved set", ioctl(target_fd(c), c->nr, arg), EINVAL);
	}
}

TEST(bind_io_reserved_is_einval)
{
	setup();
	ios[1].reserved = 1;
	EXPECT_ERRNO(bind_slot(bound.ctx, bound.model, ios, 2, 1, AIOFFLOAD_SLOT_ANY),
		     EINVAL);
}

/* Two pages, the second one not there: its first byte. */
static unsigned char *edge(void)
{
	unsigned char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	MUST(munmap(p + 4096, 4096));
	return p + 4096;
}

TEST(bad_pointers_are_efault)
{
	unsigned char *end;

	setup();
	end = edge();		/* after it, so that no mapping fills the hole */
	FOR_EACH_CALL(c) {
		void *wild[] = { NULL, (void *)8, (void *)-4096L, (void *)(1UL << 63),
				 (void *)0xffffffff80000000UL, end };

		for (int i = 0; i < 6; i++)
			expect_call(c, "wild pointer",
				    ioctl(target_fd(c), c->nr, wild[i]), EFAULT);
		/* the size can be read, the rest not */
		memset(end - 8, 0, 8);
		memcpy(end - 8, &c->size, 4);
		expect_call(c, "structure cut by a hole",
			    ioctl(target_fd(c), c->nr, end - 8), EFAULT);
	}
}

/* Results can't be written back: no fd may stay open, no slot taken. */
TEST(read_only_argument_leaks_nothing)
{
	unsigned char *arg = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fds;

	setup();
	EXPECT(arg != MAP_FAILED);
	fds = count_fds();
	FOR_EACH_CALL(c) {
		if (c->nr == AIOFFLOAD_IOC_RUN || c->nr == AIOFFLOAD_IOC_UNBIND ||
		    c->nr == AIOFFLOAD_IOC_GRANT || c->nr == AIOFFLOAD_IOC_LIMIT ||
		    c->on == ON_QUEUE)
			continue;
		mprotect(arg, 4096, PROT_READ | PROT_WRITE);
		memset(arg, 0, 4096);
		c->fill(arg);
		memcpy(arg, &c->size, 4);
		mprotect(arg, 4096, PROT_READ);
		expect_call(c, "read-only argument",
			    ioctl(target_fd(c), c->nr, arg), EFAULT);
	}
	EXPECT_EQ(count_fds(), fds);
	/* the slot that BIND could not report is free: all others can be had */
	struct aioffload_info info;
	unsigned int n = 0;

	MUST(get_info(bound.ctx, &info));
	while (n < info.max_slots &&
	       bind_slot(bound.ctx, bound.model, ios, 2, 1, AIOFFLOAD_SLOT_ANY) >= 0)
		n++;
	EXPECT_EQ(n, info.max_slots - 1);	/* bound holds one */
}

TEST(unknown_calls_are_enotty)
{
	unsigned char arg[512] = { 0 };

	setup();
	for (unsigned int nr = 0; nr < 256; nr++) {
		/* POLICY and BLOCK have tests of their own */
		bool on[3] = { nr == 8 || nr == 9, false, false };
		int fds[] = { bound.ctx, bound.model, queue.fd };

		FOR_EACH_CALL(c) {
			if ((c->nr & 0xff) == nr)
				on[c->on] = true;
		}
		for (int i = 0; i < 3; i++) {
			if (!on[i])
				EXPECT_ERRNO(ioctl(fds[i], 0xa900 | nr, arg), ENOTTY);
		}
	}
}

TEST(other_encodings_are_enotty)
{
	unsigned char arg[512] = { 0 };

	setup();
	FOR_EACH_CALL(c) {
		int fd = target_fd(c);

		/* the same number with a size, a direction, another magic, high bits */
		expect_call(c, "_IOWR", ioctl(fd, c->nr | 3UL << 30 | 64 << 16, arg), ENOTTY);
		expect_call(c, "_IOR", ioctl(fd, c->nr | 2UL << 30, arg), ENOTTY);
		expect_call(c, "other magic", ioctl(fd, c->nr ^ 0x100, arg), ENOTTY);
	}
	EXPECT_ERRNO(ioctl(bound.ctx, 0, arg), ENOTTY);
	EXPECT_ERRNO(ioctl(bound.ctx, 0xffffffff, arg), ENOTTY);
}

TEST(info_fields)
{
	struct aioffload_info info;
	int any = open_ctx(-1), id = null_add(""), pinned = open_ctx(id);

	MUST(get_info(any, &info));
	EXPECT_EQ(info.size, sizeof(info));
	EXPECT_EQ(info.abi_version, AIOFFLOAD_ABI_VERSION);
	EXPECT_EQ(info.pinned_device, AIOFFLOAD_DEVICE_ANY);
	EXPECT_EQ(info.features & 15, 15);
	EXPECT(info.max_buffer_bytes >= 1 << 30);
	EXPECT(info.max_model_bytes >= 64 << 20);
	EXPECT(info.max_slots >= 64);
	EXPECT(info.max_queues >= 1);
	EXPECT(info.max_sq_entries >= 256);
	EXPECT(info.max_samples >= 1024);
	EXPECT(info.max_tensors >= 256);
	EXPECT(info.nr_devices >= 1);
	EXPECT(info.job_timeout_ns > 0);
	EXPECT(info.module_version[0]);
	EXPECT(memchr(info.module_version, 0, sizeof(info.module_version)));
	MUST(get_info(pinned, &info));
	EXPECT_EQ(info.pinned_device, id);
}

/* In-fields of a call without in-fields need not be cleared but for flags. */
TEST(info_ignores_old_contents)
{
	struct aioffload_info info;

	memset(&info, 0xff, sizeof(info));
	info.size = sizeof(info);
	info.flags = 0;
	MUST(ioctl(open_ctx(-1), AIOFFLOAD_IOC_INFO, &info));
	EXPECT_EQ(info.abi_version, AIOFFLOAD_ABI_VERSION);
}

TEST(device_list_goes_to_enoent)
{
	struct aioffload_device_info di;
	int a = null_add(""), c = null_add(""), ctx = open_ctx(-1);
	struct aioffload_info info;
	unsigned int n = 0;
	bool saw_a = false, saw_c = false;
	int id;

	MUST(get_info(ctx, &info));
	for (id = 0; !device_info(ctx, id, &di); id = di.id + 1) {
		char name[32];

		EXPECT((int)di.id >= id);
		snprintf(name, sizeof(name), "aioffload%u", di.id);
		EXPECT(!strcmp(di.name, name));
		EXPECT(di.queue_depth >= 1);
		EXPECT(di.state == AIOFFLOAD_STATE_READY);
		saw_a |= (int)di.id == a;
		saw_c |= (int)di.id == c;
		n++;
	}
	EXPECT_EQ(errno, ENOENT);
	EXPECT(saw_a && saw_c);
	EXPECT_EQ(n, info.nr_devices);
	EXPECT_ERRNO(device_info(ctx, -1, &di), ENOENT);
	EXPECT_ERRNO(device_info(ctx, 0x7fffffff, &di), ENOENT);
}

TEST(device_info_of_a_null_device)
{
	struct aioffload_device_info di;
	int id = null_add("power_idle_uw=1500 power_busy_uw=9000 queue_depth=17"
			  " latency_ns=777");

	MUST(device_info(open_ctx(-1), id, &di));
	EXPECT_EQ(di.id, id);
	EXPECT_EQ(di.dev_class, AIOFFLOAD_CLASS_VIRTUAL);
	EXPECT_EQ(di.queue_depth, 17);
	EXPECT_EQ(di.power_uw, 1500);
	EXPECT_EQ(di.temp_mc, INT32_MIN);
	EXPECT_EQ(di.pm, AIOFFLOAD_PM_ALWAYS_ON);
	EXPECT_EQ(di.khz, 0);
	EXPECT_EQ(di.speed_permille, 1000);
	EXPECT_EQ(di.limit_permille, 1000);
	EXPECT_EQ(di.caps & AIOFFLOAD_CAP_SYNC, 0);
	EXPECT_EQ(di.jobs_done, 0);
	EXPECT(!strcmp(di.driver, "aioffload_null"));
	EXPECT(strstr(di.desc, "777 ns"));
}

/* A 32-bit program on the same kernel: structures have no pointers or longs. */
TEST(compat_ioctl)
{
#ifdef __x86_64__
	struct aioffload_info *info;
	long ret;
	int ctx = open_ctx(-1);

	info = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	EXPECT(info != MAP_FAILED);
	*info = ARG(info);
	/* ioctl is 54 there */
	asm volatile("int $0x80" : "=a"(ret)
		     : "a"(54), "b"(ctx), "c"(AIOFFLOAD_IOC_INFO), "d"(info)
		     : "memory");
	if (ret == -ENOSYS)
		SKIP("this kernel runs no 32-bit programs");
	EXPECT_EQ(ret, 0);
	EXPECT_EQ(info->abi_version, AIOFFLOAD_ABI_VERSION);
#else
	SKIP("x86-64 only");
#endif
}

TEST(made_fds_are_close_on_exec)
{
	setup();
	EXPECT(fcntl(bound.buf, F_GETFD) & FD_CLOEXEC);
	EXPECT(fcntl(bound.model, F_GETFD) & FD_CLOEXEC);
	EXPECT(fcntl(queue.fd, F_GETFD) & FD_CLOEXEC);
}

TEST(files_have_no_read_write_or_stray_mmap)
{
	char c = 0;

	setup();
	int fds[] = { bound.ctx, bound.model, queue.fd };

	for (int i = 0; i < 3; i++) {
		EXPECT_ERRNO(read(fds[i], &c, 1), EINVAL);
		EXPECT_ERRNO(write(fds[i], &c, 1), EINVAL);
	}
	EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, bound.ctx, 0) == MAP_FAILED);
	EXPECT_EQ(errno, ENODEV);
	EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, bound.model, 0) == MAP_FAILED);
	EXPECT_EQ(errno, ENODEV);
}

/* Fds of every other kind where a model is expected. */
static int other_fds(int *fds)
{
	int pair[2], n = 0;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	fds[n++] = pair[0];
	MUST(pipe(pair));
	fds[n++] = pair[0];
	fds[n++] = MUST(eventfd(0, 0));
	fds[n++] = MUST(open("/dev/null", O_RDWR));
	fds[n++] = MUST(open("/", O_RDONLY | O_DIRECTORY));
	fds[n++] = MUST(memfd_create("x", 0));
	fds[n++] = bound.ctx;
	fds[n++] = queue.fd;
	return n;
}

TEST(bind_with_fds_of_other_kinds)
{
	struct aioffload_bind_io two[2];
	int fds[16], n;

	setup();
	n = other_fds(fds);
	memcpy(two, ios, sizeof(two));
	for (int i = 0; i < n; i++)
		EXPECT_ERRNO(bind_slot(bound.ctx, fds[i], ios, 2, 1, AIOFFLOAD_SLOT_ANY),
			     EINVAL);
	EXPECT_ERRNO(bind_slot(bound.ctx, bound.buf, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EINVAL);
	for (int i = 0; i < n; i++) {
		two[1].buf_fd = fds[i];
		EXPECT_ERRNO(bind_slot(bound.ctx, bound.model, two, 2, 1,
				       AIOFFLOAD_SLOT_ANY), EINVAL);
	}
	two[1].buf_fd = bound.model;
	EXPECT_ERRNO(bind_slot(bound.ctx, bound.model, two, 2, 1, AIOFFLOAD_SLOT_ANY), EINVAL);
}

TEST(closed_fds_are_ebadf)
{
	struct aioffload_bind_io two[2];
	unsigned char arg[512] = { 0 };
	int bad[] = { -1, -2, INT32_MIN, INT32_MAX, 1000 };

	setup();
	memcpy(two, ios, sizeof(two));
	for (int i = 0; i < 5; i++) {
		EXPECT_ERRNO(bind_slot(bound.ctx, bad[i], ios, 2, 1, AIOFFLOAD_SLOT_ANY),
			     EBADF);
		two[0].buf_fd = bad[i];
		EXPECT_ERRNO(bind_slot(bound.ctx, bound.model, two, 2, 1,
				       AIOFFLOAD_SLOT_ANY), EBADF);
	}
	close(bound.model);
	EXPECT_ERRNO(bind_slot(bound.ctx, bound.model, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EBADF);
	FOR_EACH_CALL(c)
		expect_call(c, "closed fd", ioctl(1000, c->nr, arg), EBADF);
}

TEST(path_only_fds_are_ebadf)
{
	struct aioffload_info info;
	int fd = MUST(open("/dev/aioffload", O_PATH));

	EXPECT_ERRNO(get_info(fd, &info), EBADF);
	setup();
	EXPECT_ERRNO(bind_slot(bound.ctx, fd, ios, 2, 1, AIOFFLOAD_SLOT_ANY), EBADF);
}

TEST(context_calls_on_other_objects_are_enotty)
{
	unsigned char arg[512] = { 0 };

	setup();
	FOR_EACH_CALL(c) {
		int fds[] = { bound.ctx, bound.model, queue.fd, bound.buf };

		for (int i = 0; i < 4; i++) {
			if (fds[i] != target_fd(c))
				expect_call(c, "on another object",
					    ioctl(fds[i], c->nr, arg), ENOTTY);
		}
	}
}

/*
 * The order of checks is part of the contract: size, then what was not known,
 * then flags, then the fields in order, then objects.
 */
TEST(order_of_checks)
{
	unsigned char arg[4096] = { 0 };
	struct aioffload_bind *b = (void *)arg;

	setup();
	b->size = 8;		/* too small, and a flag */
	b->flags = 1;
	EXPECT_ERRNO(ioctl(bound.ctx, AIOFFLOAD_IOC_BIND, b), EINVAL);
	b->size = 4096;		/* unknown tail, and a flag, and a bad fd */
	arg[4000] = 1;
	b->model_fd = -1;
	EXPECT_ERRNO(ioctl(bound.ctx, AIOFFLOAD_IOC_BIND, b), E2BIG);
	arg[4000] = 0;		/* a flag, and a bad fd */
	EXPECT_ERRNO(ioctl(bound.ctx, AIOFFLOAD_IOC_BIND, b), EINVAL);
	b->flags = 0;		/* bad fd, good numbers */
	b->slot = AIOFFLOAD_SLOT_ANY;
	b->ios = (uintptr_t)ios;
	b->nr_ios = 2;
	b->samples = 1;
	EXPECT_ERRNO(ioctl(bound.ctx, AIOFFLOAD_IOC_BIND, b), EBADF);
}

TEST(eventfd_of_other_kinds)
{
	struct aioffload_queue_eventfd a = ARG(queue_eventfd);
	int fds[16], n;

	setup();
	n = other_fds(fds);
	for (int i = 0; i < n; i++) {
		if (i == 2)
			continue;	/* the eventfd */
		a.fd = fds[i];
		EXPECT_ERRNO(ioctl(queue.fd, AIOFFLOAD_IOC_QUEUE_EVENTFD, &a), EINVAL);
	}
	a.fd = 1000;
	EXPECT_ERRNO(ioctl(queue.fd, AIOFFLOAD_IOC_QUEUE_EVENTFD, &a), EBADF);
	a.fd = -2;		/* neither an fd nor -1, "none any more" */
	EXPECT_ERRNO(ioctl(queue.fd, AIOFFLOAD_IOC_QUEUE_EVENTFD, &a), EINVAL);
}
