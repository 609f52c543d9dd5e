// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A job reads its inputs and writes its outputs in place. Shown from several
 * sides: the very pages, foreign memory, and costs that do not grow with size.
 */
#include <fcntl.h>
#include "vmtest.h"

#define MIB	(1UL << 20)

static int open_cpu(void)
{
	int id = find_device("aioffload_cpu");

	if (id < 0)
		SKIP("no CPU device");
	return open_ctx(id);
}

static uint64_t page_frame(const void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (fd < 0 || pread(fd, &entry, 8, (uintptr_t)p / 4096 * 8) != 8)
		FAIL("pagemap: %s", strerror(errno));
	close(fd);
	return entry & ((1ULL << 55) - 1);
}

/* The result stands in the mapping when RUN returns, in the same page frame. */
TEST(result_is_in_the_mapping)
{
	struct bound b;
	uint64_t in, out;

	bound_open(&b, open_cpu(), 8192, 1);
	bound_fill(&b);
	in = page_frame(b.map);
	out = page_frame(b.map + b.out_offset);
	EXPECT(in && out && in != out);
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	bound_check_done(&b, 0, 1);
	EXPECT_EQ(page_frame(b.map), in);
	EXPECT_EQ(page_frame(b.map + b.out_offset), out);
}

/* No call at all between the job's end and the look at its result. */
TEST(result_seen_by_another_process)
{
	struct bound b;
	struct queue q;
	struct aioffload_cqe cqe;
	int pid, fd;
	uint8_t *other;

	bound_open(&b, open_cpu(), 4096, 1);
	bound_fill(&b);
	queue_open(&q, b.ctx, 4, 0);
	fd = dup(b.buf);
	other = buf_map(fd, b.bytes);
	pid = fork();
	if (!pid) {
		/* a reader that never enters the kernel for it */
		uint64_t end = now_ns() + 20000000000ULL;

		while (*(volatile uint8_t *)(other + b.out_offset + 4095) == 0) {
			if (now_ns() > end)
				_exit(1);
		}
		_exit(0);
	}
	b.map[4095] = 0x21;	/* so that the last output byte is not 0 */
	queue_run(&q, b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&q, 1, 1, 0), 1);
	EXPECT(queue_reap(&q, &cqe));
	EXPECT_EQ(cqe.status, 0);
	reap(pid);
	bound_check_done(&b, 0, 1);
}

/* What user space writes between two jobs is what the second one reads. */
TEST(input_is_read_in_place)
{
	struct bound b;

	bound_open(&b, open_cpu(), 64, 1);
	for (int v = 0; v < 256; v++) {
		memset(b.map, v, 64);
		MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
		EXPECT_EQ(b.map[b.out_offset], v ^ LUT_XOR);
		EXPECT_EQ(b.map[b.out_offset + 63], v ^ LUT_XOR);
	}
}

/* ---- memory of others ---- */

static void check_foreign(struct foreign f)
{
	static struct model_bytes m;
	struct aioffload_bind_io ios[2] = { { .buf_fd = f.fd },
					    { .buf_fd = f.fd, .offset = 8192 } };
	int ctx = open_cpu(), model, slot;
	uint64_t frame;

	for (int i = 0; i < 8192; i++)
		f.map[i] = i * 3;
	memset(f.map + 8192, 0, 8192);
	make_lut(&m, 8192);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	slot = MUST(bind_slot(ctx, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY));
	frame = page_frame(f.map + 8192);
	MUST(run_slot(ctx, slot, 0, 1, 0));
	for (int i = 0; i < 8192; i++)
		EXPECT_EQ(f.map[8192 + i], f.map[i] ^ LUT_XOR);
	EXPECT_EQ(page_frame(f.map + 8192), frame);
}

TEST(udmabufs_memory_is_read_and_written)
{
	struct foreign f;

	if (!foreign_udmabuf(&f, 4 * 4096))
		SKIP("no /dev/udmabuf on this kernel");
	check_foreign(f);
}

TEST(vgems_memory_is_read_and_written)
{
	struct foreign f;

	if (!foreign_vgem(&f, 4 * 4096))
		SKIP("no vgem on this kernel");
	check_foreign(f);
}

/* Input from our memory, output to another driver's. */
static void check_between(struct foreign f)
{
	static struct model_bytes m;
	struct aioffload_bind_io ios[2] = { 0 };
	int ctx = open_cpu(), own, model, slot;
	uint8_t *o;

	own = MUST(buf_create(ctx, 4096));
	o = buf_map(own, 4096);
	memset(o, 0x77, 4096);
	make_lut(&m, 4096);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	ios[0].buf_fd = own;
	ios[1].buf_fd = f.fd;
	slot = MUST(bind_slot(ctx, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY));
	MUST(run_slot(ctx, slot, 0, 1, 0));
	EXPECT_EQ(f.map[0], 0x77 ^ LUT_XOR);
	EXPECT_EQ(f.map[4095], 0x77 ^ LUT_XOR);
	/* foreign memory stays for the slot after all its fds are closed */
	close(f.fd);
	memset(o, 0x12, 4096);
	MUST(run_slot(ctx, slot, 0, 1, 0));
	EXPECT_EQ(f.map[17], 0x12 ^ LUT_XOR);
}

TEST(from_own_memory_to_anothers)
{
	struct foreign f;

	check_between(foreign_any(4096));
	if (foreign_vgem(&f, 4096))
		check_between(f);
}

/* ---- nothing is allocated and nothing copied ---- */

static long pages_allocated(void)
{
	FILE *f = fopen("/proc/vmstat", "re");
	char name[64];
	long v, sum = 0;

	if (!f)
		FAIL("/proc/vmstat: %s", strerror(errno));
	while (fscanf(f, "%63s %ld", name, &v) == 2) {
		if (!strncmp(name, "pgalloc_", 8))
			sum += v;
	}
	fclose(f);
	return sum;
}

static struct queue alloc_queue;

static void run_both_ways(struct bound *b, int times)
{
	struct aioffload_cqe cqe;

	for (int i = 0; i < times; i++) {
		MUST(run_slot(b->ctx, b->slot, 0, b->samples, 0));
		queue_run(&alloc_queue, b->slot, 0, b->samples, i, 0);
		EXPECT_EQ(queue_enter(&alloc_queue, 1, 1, 0), 1);
		EXPECT(queue_reap(&alloc_queue, &cqe));
		EXPECT_EQ(cqe.status, 0);
	}
}

/* 100 jobs of 2 MiB each way; had they been copied, 100,000 pages would pass. */
TEST_SECONDS(jobs_allocate_no_pages, 60)
{
	struct bound b;
	long before, after;

	bound_open(&b, open_cpu(), 65536, 32);
	bound_fill(&b);
	queue_open(&alloc_queue, b.ctx, 4, 0);
	run_both_ways(&b, 2);
	before = pages_allocated();
	run_both_ways(&b, 50);
	after = pages_allocated();
	bound_check_done(&b, 0, 32);
	/* the rest of the system allocates too: reading /proc, timers, ... */
	if (after - before > 2000)
		FAIL("%ld pages were allocated during 100 jobs of 1024 pages",
		     after - before);
}

static uint64_t cost_of_jobs(unsigned int n, unsigned int samples)
{
	struct bound b;
	uint64_t best = ~0ULL;

	bound_open(&b, open_null(""), n, samples);
	memset(b.map, 1, b.bytes);
	for (int round = 0; round < 20; round++) {
		uint64_t t = now_ns();

		for (int i = 0; i < 50; i++)
			MUST(run_slot(b.ctx, b.slot, 0, samples, 0));
		t = now_ns() - t;
		best = t < best ? t : best;
	}
	bound_close(&b);
	return best;
}

/*
 * A device that computes nothing: what is left is the core's work. Copying
 * 32 MiB would take some 1000 times as long as the call itself.
 */
TEST_SECONDS(cost_does_not_grow_with_size, 60)
{
	uint64_t small = cost_of_jobs(64, 1), large = cost_of_jobs(65536, 256);

	if (large > 5 * small)
		FAIL("a job on 32 MiB costs %llu ns, on 128 bytes %llu ns",
		     (unsigned long long)large / 50, (unsigned long long)small / 50);
}

/* A null device leaves outputs as they were: nobody clears or copies them. */
TEST(null_device_leaves_outputs_alone)
{
	struct bound b;

	bound_open(&b, open_null("latency_ns=1000"), 4096, 1);
	memset(b.map, 0x3c, b.bytes);
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	for (size_t i = 0; i < b.bytes; i++)
		EXPECT_EQ(b.map[i], 0x3c);
}
