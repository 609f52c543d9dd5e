// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Buffers of ours in the hands of another device, one that is reached through
 * bounce pages (the guest boots with swiotlb=force): what it sees is a copy,
 * and follows only where somebody says that the buffer changes hands.
 */
#include <fcntl.h>
#include <linux/dma-buf.h>
#include "vmtest.h"
#include "../kmod/importer.h"

enum { BOTH, TO_DEVICE, FROM_DEVICE };

#define BYTES	(64 << 10)

static int buf, dev;
static uint8_t *p;
static uint8_t seen[BYTES];

static void load_importer(void)
{
	char cmd[300];

	if (!access("/sys/module/importer", F_OK))
		return;
	snprintf(cmd, sizeof(cmd), "insmod %s/importer.ko", getenv("VMTEST_KMOD"));
	if (run_command(cmd))
		FAIL("%s", cmd);
}

static int import_buf(int fd, unsigned int dir)
{
	struct importer_map map = { .fd = fd, .dir = dir };
	int d = -1;

	load_importer();
	for (int i = 0; d < 0 && i < 200; i++) {
		d = open("/dev/vmtest_importer", O_RDWR | O_CLOEXEC);
		if (d < 0)
			sleep_ms(10);
	}
	MUST(d);
	MUST(ioctl(d, IMPORTER_MAP, &map));
	if (!ioctl(d, IMPORTER_BOUNCED))
		SKIP("nothing is bounced here");
	return d;
}

static void sync_buf(unsigned int flags)
{
	struct dma_buf_sync s = { .flags = flags };

	MUST(ioctl(buf, DMA_BUF_IOCTL_SYNC, &s));
}

#define BEGIN_READ	(DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ)
#define BEGIN_RW	(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW)
#define END_READ	(DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ)
#define END_RW		(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW)
#define END_WRITE	(DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE)

static void device_write(int d, unsigned int at, int byte, unsigned int n)
{
	struct importer_copy c = { (uintptr_t)seen, at, n };

	memset(seen, byte, n);
	MUST(ioctl(d, IMPORTER_WRITE, &c));
}

static void device_sees(int d, unsigned int at, int byte, unsigned int n)
{
	struct importer_copy c = { (uintptr_t)seen, at, n };

	MUST(ioctl(d, IMPORTER_READ, &c));
	for (unsigned int i = 0; i < n; i++)
		if (seen[i] != byte)
			FAIL("the device sees %#x at %u, expected %#x", seen[i],
			     at + i, byte);
}

static void cpu_sees(unsigned int at, int byte, unsigned int n)
{
	for (unsigned int i = at; i < at + n; i++)
		if (p[i] != byte)
			FAIL("the CPU sees %#x at %u, expected %#x", p[i], i, byte);
}

static void setup(unsigned int dir)
{
	buf = MUST(buf_create(open_ctx(-1), BYTES));
	p = buf_map(buf, BYTES);
	memset(p, 0x11, BYTES);
	dev = import_buf(buf, dir);
}

TEST(mapping_and_unmapping_pass_everything_on)
{
	setup(BOTH);
	device_sees(dev, 0, 0x11, BYTES);
	device_write(dev, 5000, 0x22, 100);
	MUST(ioctl(dev, IMPORTER_UNMAP));
	cpu_sees(5000, 0x22, 100);
	cpu_sees(5100, 0x11, BYTES - 5100);
}

TEST(begin_shows_what_the_device_wrote)
{
	setup(BOTH);
	device_write(dev, 0, 0x22, BYTES);
	sync_buf(BEGIN_READ);
	cpu_sees(0, 0x22, BYTES);
	sync_buf(END_READ);
	device_write(dev, 4096, 0x33, 4096);
	sync_buf(BEGIN_READ);
	cpu_sees(0, 0x22, 4096);
	cpu_sees(4096, 0x33, 4096);
	sync_buf(END_READ);
}

TEST(end_passes_on_what_the_cpu_wrote)
{
	setup(BOTH);
	sync_buf(BEGIN_RW);
	memset(p + 100, 0x44, 100);
	device_sees(dev, 0, 0x11, BYTES);	/* not yet */
	sync_buf(END_RW);
	device_sees(dev, 100, 0x44, 100);
	device_sees(dev, 200, 0x11, BYTES - 200);
}

/* Or the CPU's stale bytes would take the place of the device's new ones. */
TEST(writing_a_part_keeps_the_rest)
{
	setup(BOTH);
	device_write(dev, 0, 0x22, BYTES);
	sync_buf(DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	memset(p + 100, 0x44, 100);
	sync_buf(END_WRITE);
	device_sees(dev, 0, 0x22, 100);
	device_sees(dev, 100, 0x44, 100);
	device_sees(dev, 200, 0x22, BYTES - 200);
}

TEST(who_only_read_passes_nothing_on)
{
	setup(BOTH);
	sync_buf(BEGIN_READ);
	device_write(dev, 0, 0x22, BYTES);
	sync_buf(END_READ);
	device_sees(dev, 0, 0x22, BYTES);
}

TEST(one_way_mappings)
{
	setup(FROM_DEVICE);
	device_write(dev, 0, 0x22, BYTES);
	sync_buf(BEGIN_READ);
	cpu_sees(0, 0x22, BYTES);
	sync_buf(END_READ);
	MUST(ioctl(dev, IMPORTER_UNMAP));
	close(dev);
	dev = import_buf(buf, TO_DEVICE);
	device_sees(dev, 0, 0x22, BYTES);
	sync_buf(BEGIN_RW);
	memset(p, 0x55, BYTES);
	sync_buf(END_RW);
	device_sees(dev, 0, 0x55, BYTES);
}

TEST(every_device_that_maps_it)
{
	int devs[3];

	setup(BOTH);
	devs[0] = dev;
	for (int i = 1; i < 3; i++)
		devs[i] = import_buf(buf, TO_DEVICE);
	sync_buf(BEGIN_RW);
	memset(p, 0x66, BYTES);
	sync_buf(END_RW);
	for (int i = 0; i < 3; i++)
		device_sees(devs[i], 0, 0x66, BYTES);
	MUST(ioctl(devs[1], IMPORTER_UNMAP));
	sync_buf(BEGIN_RW);
	memset(p, 0x77, BYTES);
	sync_buf(END_RW);
	device_sees(devs[0], 0, 0x77, BYTES);
	device_sees(devs[2], 0, 0x77, BYTES);
}

/* Neighbouring pages are joined, but not beyond what bounce pages can hold. */
TEST(large_buffers_can_be_bounced)
{
	enum { LARGE = 8 << 20 };
	uint8_t *q;

	buf = MUST(buf_create(open_ctx(-1), LARGE));
	q = buf_map(buf, LARGE);
	memset(q, 0x21, LARGE);
	dev = import_buf(buf, BOTH);
	for (unsigned int at = 0; at < LARGE; at += BYTES)
		device_sees(dev, at, 0x21, BYTES);
}

/* The camera's way: it fills the input, a job reads it; a display shows what
 * the job wrote. The slot stays bound for good. */
TEST(jobs_between_two_devices)
{
	static struct model_bytes m;
	struct aioffload_bind_io ios[2] = { 0 };
	int cpu = find_device("aioffload_cpu"), ctx, model, slot;

	if (cpu < 0)
		SKIP("no CPU device");
	setup(BOTH);
	ctx = open_ctx(cpu);
	make_lut(&m, 4096);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	ios[0].buf_fd = buf;
	ios[1].buf_fd = buf;
	ios[1].offset = 8192;
	slot = MUST(bind_slot(ctx, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY));
	for (int i = 0x80; i < 0x90; i++) {
		device_write(dev, 0, i, 4096);
		sync_buf(BEGIN_RW);
		MUST(run_slot(ctx, slot, 0, 1, 0));
		sync_buf(END_RW);
		device_sees(dev, 8192, i ^ LUT_XOR, 4096);
		device_sees(dev, 0, i, 4096);
	}
}

/* What lay in the bounce pages at BIND is read, too: binding begins access. */
TEST(binding_looks_at_what_is_there)
{
	static struct model_bytes m;
	struct aioffload_bind_io ios[2] = { 0 };
	int cpu = find_device("aioffload_cpu"), ctx, model, out, slot;

	if (cpu < 0)
		SKIP("no CPU device");
	setup(BOTH);
	ctx = open_ctx(cpu);
	make_lut(&m, 4096);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	out = MUST(buf_create(ctx, 4096));
	ios[0].buf_fd = buf;
	ios[1].buf_fd = out;
	device_write(dev, 0, 0x38, BYTES);
	slot = MUST(bind_slot(ctx, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY));
	MUST(run_slot(ctx, slot, 0, 1, 0));
	EXPECT_EQ(*(uint8_t *)buf_map(out, 4096), 0x38 ^ LUT_XOR);
	/* the binding only read this buffer: the end of it passes nothing on */
	device_write(dev, 0, 0x39, BYTES);
	MUST(unbind(ctx, slot));
	sleep_ms(100);
	device_sees(dev, 0, 0x39, BYTES);
}
