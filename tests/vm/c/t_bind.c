// SPDX-License-Identifier: LGPL-2.1-or-later
/* Bindings: what may be bound where, and how slots are taken and given back. */
#include "vmtest.h"

static struct model_bytes m;
static int ctx, buf, model;
static struct aioffload_bind_io ios[4];

/* A LUT model of 64 bytes each way, a buffer of 8 KiB, offsets 0 and 4096. */
static void setup(void)
{
	ctx = open_null("");
	make_lut(&m, 64);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	buf = MUST(buf_create(ctx, 8192));
	memset(ios, 0, sizeof(ios));
	ios[0].buf_fd = buf;
	ios[1].buf_fd = buf;
	ios[1].offset = 4096;
}

static int try_bind(unsigned int nr, unsigned int samples)
{
	return bind_slot(ctx, model, ios, nr, samples, AIOFFLOAD_SLOT_ANY);
}

TEST(offsets_are_multiples_of_64)
{
	setup();
	for (int off = 1; off < 64; off++) {
		ios[0].offset = off;
		EXPECT_ERRNO(try_bind(2, 1), EINVAL);
	}
	for (int off = 0; off <= 4096 - 64; off += 64) {
		ios[0].offset = off;
		MUST(unbind(ctx, MUST(try_bind(2, 1))));
	}
}

TEST(ranges_lie_within_the_buffer)
{
	setup();
	ios[0].offset = 8192 - 64;		/* the last place */
	ios[1].offset = 0;
	MUST(try_bind(2, 1));
	ios[0].offset = 8192;
	EXPECT_ERRNO(try_bind(2, 1), EINVAL);
	ios[0].offset = 8192 - 64;
	EXPECT_ERRNO(try_bind(2, 2), EINVAL);	/* the second sample is outside */
	ios[0].offset = 4096;
	MUST(try_bind(2, 64));			/* exactly up to the end */
	EXPECT_ERRNO(try_bind(2, 65), EINVAL);
}

TEST(sums_that_overflow)
{
	static const uint64_t wild[] = { 1ULL << 63, ~0ULL << 6, 1ULL << 62,
					 (1ULL << 32) * 64, ~0ULL - 4095 };

	setup();
	for (int i = 0; i < 5; i++) {
		ios[0].offset = wild[i];
		ios[0].stride = 0;
		EXPECT_ERRNO(try_bind(2, 1), EINVAL);
		ios[0].offset = 0;
		ios[0].stride = wild[i];
		EXPECT_ERRNO(try_bind(2, 2), EINVAL);
		EXPECT_ERRNO(try_bind(2, 64), EINVAL);
		ios[0].offset = wild[i];
		EXPECT_ERRNO(try_bind(2, 64), EINVAL);
	}
	/* 2^58 * 64 samples wraps to 0 */
	ios[0].offset = 0;
	ios[0].stride = 1ULL << 58;
	EXPECT_ERRNO(try_bind(2, 64), EINVAL);
}

TEST(strides)
{
	setup();
	ios[0].stride = 63;			/* below the tensor */
	EXPECT_ERRNO(try_bind(2, 1), EINVAL);
	EXPECT_ERRNO(try_bind(2, 4), EINVAL);
	ios[0].stride = 64;
	MUST(try_bind(2, 4));
	ios[0].stride = 65;			/* one byte an element: any will do */
	MUST(try_bind(2, 4));
	ios[0].stride = 1024;
	MUST(try_bind(2, 4));			/* last: 3072 + 64 */
}

TEST(strides_are_whole_elements)
{
	setup();
	make_relu(&m, 16);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	for (int stride = 65; stride < 68; stride++) {
		ios[0].stride = stride;
		EXPECT_ERRNO(try_bind(2, 2), EINVAL);
	}
	ios[0].stride = 68;
	MUST(try_bind(2, 2));
}

TEST(strided_samples_go_where_they_should)
{
	int cpu = find_device("aioffload_cpu");
	uint8_t *p;
	int slot;

	if (cpu < 0)
		SKIP("no CPU device");
	setup();
	ctx = open_ctx(cpu);
	p = buf_map(buf, 8192);
	for (int i = 0; i < 4096; i++)
		p[i] = i * 11;
	ios[0].stride = 200;
	ios[1].stride = 72;
	slot = MUST(try_bind(2, 8));
	MUST(run_slot(ctx, slot, 2, 3, 0));
	for (int s = 0; s < 8; s++) {
		for (int i = 0; i < 72; i++) {
			int want = s >= 2 && s < 5 && i < 64 ?
				(p[s * 200 + i] ^ LUT_XOR) : 0;

			if (p[4096 + s * 72 + i] != want)
				FAIL("sample %d byte %d is %#x, expected %#x", s, i,
				     p[4096 + s * 72 + i], want);
		}
	}
}

TEST(outputs_overlap_nothing)
{
	setup();
	ios[1].offset = 0;			/* output on the input */
	EXPECT_ERRNO(try_bind(2, 1), EINVAL);
	ios[0].offset = 64;
	ios[1].offset = 0;
	MUST(try_bind(2, 1));			/* side by side */
	ios[0].offset = 0;
	ios[1].offset = 64;
	EXPECT_ERRNO(try_bind(2, 2), EINVAL);	/* second input = first output */
}

TEST(overlap_is_seen_through_different_fds)
{
	setup();
	ios[1].buf_fd = dup(buf);		/* the same buffer, another number */
	ios[1].offset = 0;
	EXPECT_ERRNO(try_bind(2, 1), EINVAL);
}

TEST(two_outputs_overlap_not)
{
	setup();
	make_two(&m, 64);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	ios[2] = ios[1];
	EXPECT_ERRNO(try_bind(3, 1), EINVAL);
	ios[2].offset = 4096 + 64;
	MUST(try_bind(3, 1));
	EXPECT_ERRNO(try_bind(3, 2), EINVAL);
	/* interleaved by stride: each sample's outputs side by side */
	ios[1].stride = 128;
	ios[2].stride = 128;
	int slot = try_bind(3, 2);

	/* whole ranges are compared, or single samples: both are honest */
	if (slot < 0)
		EXPECT_EQ(errno, EINVAL);
}

TEST(inputs_may_share_bytes)
{
	setup();
	make_two_in(&m, 64);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	ios[1].offset = 0;
	ios[2] = (struct aioffload_bind_io){ .buf_fd = buf, .offset = 1024 };
	ios[3] = (struct aioffload_bind_io){ .buf_fd = buf, .offset = 2048 };
	MUST(try_bind(4, 1));
}

TEST(number_of_ios)
{
	setup();
	for (unsigned int nr = 0; nr < 5; nr++) {
		if (nr != 2)
			EXPECT_ERRNO(try_bind(nr, 1), EINVAL);
	}
	EXPECT_ERRNO(try_bind(0xffffffff, 1), EINVAL);
	EXPECT_ERRNO(try_bind(0x10000002, 1), EINVAL);
}

TEST(ios_that_can_not_be_read)
{
	setup();
	EXPECT_ERRNO(bind_slot(ctx, model, NULL, 2, 1, AIOFFLOAD_SLOT_ANY), EFAULT);
	EXPECT_ERRNO(bind_slot(ctx, model, (void *)~0xffUL, 2, 1, AIOFFLOAD_SLOT_ANY),
		     EFAULT);
	uint8_t *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(munmap(p + 4096, 4096));
	memcpy(p + 4096 - sizeof(ios[0]), ios, sizeof(ios[0]));
	EXPECT_ERRNO(bind_slot(ctx, model, (void *)(p + 4096 - sizeof(ios[0])), 2, 1,
			       AIOFFLOAD_SLOT_ANY), EFAULT);
}

TEST(number_of_samples)
{
	struct aioffload_info info;

	setup();
	MUST(get_info(ctx, &info));
	EXPECT_ERRNO(try_bind(2, 0), EINVAL);
	/* bounded by the buffer; beyond max_samples no buffer helps */
	EXPECT_ERRNO(try_bind(2, 0xffffffff), EINVAL);
}

TEST(a_slot_of_choice)
{
	struct aioffload_info info;

	setup();
	MUST(get_info(ctx, &info));
	EXPECT_EQ(bind_slot(ctx, model, ios, 2, 1, 5), 5);
	EXPECT_ERRNO(bind_slot(ctx, model, ios, 2, 1, 5), EEXIST);
	EXPECT_EQ(bind_slot(ctx, model, ios, 2, 1, info.max_slots - 1), info.max_slots - 1);
	EXPECT_ERRNO(bind_slot(ctx, model, ios, 2, 1, info.max_slots), EINVAL);
	EXPECT_ERRNO(bind_slot(ctx, model, ios, 2, 1, 0xfffffffe), EINVAL);
	MUST(unbind(ctx, 5));
	EXPECT_EQ(bind_slot(ctx, model, ios, 2, 1, 5), 5);
}

TEST_SECONDS(all_slots, 60)
{
	struct aioffload_info info;
	unsigned int n = 0;
	uint8_t *seen;

	setup();
	MUST(get_info(ctx, &info));
	seen = calloc(info.max_slots, 1);
	for (; n < info.max_slots; n++) {
		int slot = MUST(try_bind(2, 1));

		EXPECT(slot >= 0 && slot < (int)info.max_slots && !seen[slot]);
		seen[slot] = 1;
	}
	EXPECT_ERRNO(try_bind(2, 1), ENOSPC);
	MUST(unbind(ctx, n / 2));
	EXPECT_EQ(try_bind(2, 1), n / 2);
	EXPECT_ERRNO(try_bind(2, 1), ENOSPC);
}

TEST(free_slots_are_enoent)
{
	setup();
	EXPECT_ERRNO(unbind(ctx, 0), ENOENT);
	EXPECT_ERRNO(unbind(ctx, 0xffffffff), ENOENT);
	EXPECT_ERRNO(unbind(ctx, 0x7fffffff), ENOENT);
	EXPECT_ERRNO(run_slot(ctx, 0, 0, 1, 0), ENOENT);
	EXPECT_ERRNO(run_slot(ctx, 0xffffffff, 0, 1, 0), ENOENT);
	int slot = MUST(try_bind(2, 1));

	MUST(unbind(ctx, slot));
	EXPECT_ERRNO(unbind(ctx, slot), ENOENT);
	EXPECT_ERRNO(run_slot(ctx, slot, 0, 1, 0), ENOENT);
}

TEST(slots_belong_to_one_context)
{
	int other;

	setup();
	MUST(bind_slot(ctx, model, ios, 2, 1, 3));
	other = open_ctx(-1);
	EXPECT_ERRNO(run_slot(other, 3, 0, 1, 0), ENOENT);
	EXPECT_ERRNO(unbind(other, 3), ENOENT);
	MUST(run_slot(ctx, 3, 0, 1, 0));
}

TEST(unbind_under_load)
{
	struct aioffload_cqe cqe;
	struct queue q;

	setup();
	ctx = open_null("latency_ns=30000000 parallelism=4");
	int slot = MUST(try_bind(2, 4));

	queue_open(&q, ctx, 16, 0);
	for (int i = 0; i < 16; i++)
		queue_run(&q, slot, i % 4, 1, i, 0);
	EXPECT_EQ(queue_enter(&q, 16, 0, 0), 16);
	MUST(unbind(ctx, slot));
	/* the slot is free at once, and can hold something else */
	EXPECT_EQ(bind_slot(ctx, model, ios, 2, 1, slot), slot);
	EXPECT_EQ(queue_enter(&q, 0, 16, 5000000000ULL), 0);
	for (int i = 0; i < 16; i++) {
		EXPECT(queue_reap(&q, &cqe));
		EXPECT_EQ(cqe.status, 0);
	}
}

TEST(bind_fails_where_no_device_can)
{
	int any;

	/* all null devices gone; if a CPU device is there it takes the model */
	setup();
	write_text("/sys/module/aioffload_null/parameters/remove", "all");
	EXPECT_ERRNO(try_bind(2, 1), ENODEV);
	any = open_ctx(-1);
	if (find_device("aioffload_cpu") < 0)
		EXPECT_ERRNO(bind_slot(any, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY), ENODEV);
	else
		MUST(bind_slot(any, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY));
}

/* On the context of any device, what was bound before a device came works on. */
TEST(devices_come_and_go_around_a_binding)
{
	int first, second, any, slot;

	setup();
	if (find_device("aioffload_cpu") >= 0 && run_command("rmmod aioffload_cpu"))
		SKIP("can't unload aioffload_cpu");
	write_text("/sys/module/aioffload_null/parameters/remove", "all");
	first = null_add("latency_ns=1000");
	any = open_ctx(-1);
	slot = MUST(bind_slot(any, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY));
	MUST(run_slot(any, slot, 0, 1, 0));
	second = null_add("latency_ns=1000");
	MUST(run_slot(any, slot, 0, 1, 0));
	null_remove(first);
	/* prepared at BIND: the second one may or may not serve this slot */
	if (run_slot(any, slot, 0, 1, 0))
		EXPECT_EQ(errno, ENODEV);
	slot = MUST(bind_slot(any, model, ios, 2, 1, AIOFFLOAD_SLOT_ANY));
	MUST(run_slot(any, slot, 0, 1, 0));
	null_remove(second);
	EXPECT_ERRNO(run_slot(any, slot, 0, 1, 0), ENODEV);
}
