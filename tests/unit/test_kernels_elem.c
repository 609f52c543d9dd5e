// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Element-wise int8 operators and pooling: every vector unit of this CPU
 * against the scalar kernels, byte for byte.
 */
#include "kernels_common.h"

typedef void (*binary_fn)(const struct eng_binary *p, const s8 *a, const s8 *b,
			  s8 *y, size_t n);
typedef void (*pool_fn)(const struct eng_pool *p, const s8 *x, s8 *y, u32 begin,
			u32 end);

/* Every pair of values is in there when n allows */
static void pairs(s8 *a, s8 *b, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		a[i] = (s8)(n < 65536 ? rnd() : i);
		b[i] = (s8)(n < 65536 ? rnd() : i >> 8);
	}
}

static void compare_binary(const char *name, binary_fn unit, binary_fn scalar,
			   const struct eng_binary *p, size_t n)
{
	s8 *a = exact(n), *b = exact(n), *want = exact(n), *got = exact(n);
	size_t i;

	pairs(a, b, n);
	scalar(p, a, b, want, n);
	unit(p, a, b, got, n);
	for (i = 0; i < n; i++)
		if (want[i] != got[i])
			fail_msg("%s: %d, %d gives %d, not %d (n %zu at %zu)",
				 name, a[i], b[i], got[i], want[i], n, i);
	free(a);
	free(b);
	free(want);
	free(got);
}

static struct eng_binary rnd_binary(s32 shift_max)
{
	return (struct eng_binary){
		.a = rnd_requant(-20, shift_max),
		.b = rnd_requant(-20, shift_max),
		.out = rnd_requant(-26, shift_max),
		.a_zp = rnd_in(-128, 127),
		.b_zp = rnd_in(-128, 127),
		.out_zp = rnd_in(-128, 127),
		.left_shift = rnd() % 4 ? 20 : rnd_in(0, 20),
		.clamp = rnd_clamp(),
	};
}

static size_t rnd_count(u32 i)
{
	return i % 50 == 0 ? 65536 : (size_t)rnd_in(0, 300);
}

static void binary_random(const struct eng_isa *isa)
{
	u32 i;

	for (i = 0; i < 300; i++) {
		struct eng_binary p = rnd_binary(i % 4 ? 0 : 5);

		compare_binary(isa->name, isa->add_s8, eng_isa_scalar.add_s8,
			       &p, rnd_count(i));
		compare_binary(isa->name, isa->sub_s8, eng_isa_scalar.sub_s8,
			       &p, rnd_count(i));
		p.a = p.b = (struct aim_requant){ 0 };
		p.left_shift = 0;
		p.out = rnd_requant(-16, i % 4 ? 0 : 5);
		compare_binary(isa->name, isa->mul_s8, eng_isa_scalar.mul_s8,
			       &p, rnd_count(i));
	}
}

/* Parameters as networks have them, every pair of values: ties included */
static void sum_usual(const struct eng_isa *isa)
{
	u32 i;

	for (i = 0; i < 120; i++) {
		struct eng_binary p = rnd_binary(0);

		p.left_shift = 20;
		p.a.shift = rnd_in(-3, 0);
		p.b.shift = rnd_in(-3, 0);
		p.out.shift = rnd_in(-20, -15);
		if (i % 4 == 0)	/* powers of two: exact ties everywhere */
			p.a.multiplier = p.b.multiplier = p.out.multiplier =
				1 << 30;
		p.clamp = (struct aim_clamp){ -128, 127 };
		compare_binary(isa->name, isa->add_s8, eng_isa_scalar.add_s8,
			       &p, 65536);
		compare_binary(isa->name, isa->sub_s8, eng_isa_scalar.sub_s8,
			       &p, 65536);
	}
}

static void lut_random(const struct eng_isa *isa)
{
	u32 i, j;

	if (!isa->lut8)
		return;
	for (i = 0; i < 200; i++) {
		size_t n = (size_t)rnd_in(0, 400);
		u8 *table = exact(256), *x = exact(n), *want = exact(n);
		u8 *got = exact(n);

		for (j = 0; j < 256; j++)
			table[j] = (u8)rnd();
		for (j = 0; j < n; j++)
			x[j] = (u8)(i ? rnd() : j);
		eng_isa_scalar.lut8(table, x, want, n);
		isa->lut8(table, x, got, n);
		assert_memory_equal(want, got, n);
		isa->lut8(table, x, x, n);	/* in place is allowed */
		assert_memory_equal(want, x, n);
		free(table);
		free(x);
		free(want);
		free(got);
	}
}

static void compare_pool(const struct eng_isa *isa, const struct eng_pool *p,
			 pool_fn unit, pool_fn scalar)
{
	u32 pixels = p->batch * p->out_h * p->out_w, at = 0, n;
	size_t in = (size_t)p->batch * p->in_h * p->in_w * p->c;
	size_t out = (size_t)pixels * p->c;
	s8 *x = rnd_s8(in, -128), *want = exact(out), *got = exact(out);

	scalar(p, x, want, 0, pixels);
	while (at < pixels) {
		n = (u32)rnd_in(1, (s32)(pixels - at));
		unit(p, x, got, at, at + n);
		at += n;
	}
	if (memcmp(want, got, out))
		fail_msg("%s: pool %ux%ux%u window %ux%u stride %ux%u pad %u,%u",
			 isa->name, p->in_h, p->in_w, p->c, p->kernel_h,
			 p->kernel_w, p->stride_h, p->stride_w, p->pad_top,
			 p->pad_left);
	free(x);
	free(want);
	free(got);
}

static u32 pooled(u32 in, u32 kernel, u32 stride, u32 pad)
{
	return in + 2 * pad < kernel ? 0 : (in + 2 * pad - kernel) / stride + 1;
}

static void pool_random(const struct eng_isa *isa)
{
	u32 i;

	for (i = 0; i < 500; i++) {
		struct eng_pool p = {
			.batch = (u32)rnd_in(1, 2),
			.in_h = (u32)rnd_in(1, 12),
			.in_w = (u32)rnd_in(1, 12),
			.c = (u32)rnd_in(1, rnd() % 2 ? 20 : 150),
			.kernel_h = (u32)rnd_in(1, 8),
			.kernel_w = (u32)rnd_in(1, 8),
			.stride_h = (u32)rnd_in(1, 3),
			.stride_w = (u32)rnd_in(1, 3),
			.clamp = rnd_clamp(),
		};

		p.pad_top = (u32)rnd_in(0, (s32)p.kernel_h - 1);
		p.pad_left = (u32)rnd_in(0, (s32)p.kernel_w - 1);
		p.out_h = pooled(p.in_h, p.kernel_h, p.stride_h, p.pad_top);
		p.out_w = pooled(p.in_w, p.kernel_w, p.stride_w, p.pad_left);
		if (!p.out_h || !p.out_w)
			continue;
		compare_pool(isa, &p, isa->avgpool_s8,
			     eng_isa_scalar.avgpool_s8);
		compare_pool(isa, &p, isa->maxpool_s8,
			     eng_isa_scalar.maxpool_s8);
	}
}

/* The largest windows: their sums are the ones where f32 gets tight. */
static void pool_large(const struct eng_isa *isa)
{
	static const u32 sizes[][2] = { { 256, 256 }, { 255, 257 },
					{ 1, 65521 }, { 251, 261 } };
	u32 i;

	for (i = 0; i < 12; i++) {
		struct eng_pool p = {
			.batch = 1, .c = 19, .out_h = 1, .out_w = 1,
			.in_h = sizes[i % 4][0], .in_w = sizes[i % 4][1],
			.kernel_h = sizes[i % 4][0],
			.kernel_w = sizes[i % 4][1],
			.stride_h = 1, .stride_w = 1,
			.clamp = { -128, 127 },
		};

		compare_pool(isa, &p, isa->avgpool_s8,
			     eng_isa_scalar.avgpool_s8);
	}
}

static void test_binary(void **state)
{
	each_unit(binary_random);
}

static void test_sum_usual(void **state)
{
	each_unit(sum_usual);
}

static void test_lut(void **state)
{
	each_unit(lut_random);
}

static void test_pool(void **state)
{
	each_unit(pool_random);
}

static void test_pool_large(void **state)
{
	each_unit(pool_large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_sum_usual),
		cmocka_unit_test(test_lut),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_pool_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
