// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * int8 convolution, depthwise convolution and fully connected layers: every
 * vector unit of this CPU against the scalar kernels, byte for byte, on random
 * shapes and values and on chosen ones.
 */
#include "kernels_common.h"

enum kind { CONV, DEPTHWISE, FC };

/* One layer with its operands, all in buffers of exact size */
struct layer {
	struct eng_conv c;
	enum kind kind;
	size_t in, out, pixels;
	s8 *x, *weights;
	s32 *bias;
	struct aim_requant *requant;
};

static const struct eng_conv_kernel *kernel_of(const struct eng_isa *isa,
					       enum kind kind)
{
	if (kind == CONV)
		return isa->conv_s8;
	return kind == DEPTHWISE ? isa->depthwise_s8 : isa->fc_s8;
}

/* Output size for VALID or SAME-like padding of a dimension */
static u32 out_size(u32 in, u32 kernel, u32 stride, u32 dilation, u32 before,
		    u32 after)
{
	u32 span = (kernel - 1) * dilation + 1;

	if (in + before + after < span)
		return 0;
	return (in + before + after - span) / stride + 1;
}

static void layer_fill(struct layer *l, s8 lowest, s32 shift_max)
{
	struct eng_conv *c = &l->c;
	size_t window = (size_t)c->kernel_h * c->kernel_w, weights, i;
	bool by_tensor = rnd() % 2;	/* one requantisation for all channels */

	l->pixels = (size_t)c->batch * c->out_h * c->out_w;
	l->in = (size_t)c->batch * c->in_h * c->in_w * c->in_c;
	if (l->kind == FC)
		l->in = l->pixels * c->in_c;
	l->out = (l->pixels - 1) * c->out_stride + c->out_c;
	weights = window * c->out_c * (l->kind == DEPTHWISE ? 1 : c->in_c);
	l->x = rnd_s8(l->in, -128);
	l->weights = rnd_s8(weights, lowest);
	l->bias = exact(c->out_c * sizeof(s32));
	l->requant = exact(c->out_c * sizeof(*l->requant));
	for (i = 0; i < c->out_c; i++) {
		l->bias[i] = rnd_in(-100000, 100000);
		l->requant[i] = by_tensor && i ? l->requant[0] :
				rnd_requant(-12, shift_max);
	}
	c->weights = l->weights;
	c->bias = rnd() % 8 ? l->bias : NULL;
	c->requant = l->requant;
	c->in_zp = rnd_in(-128, 127);
	c->out_zp = rnd_in(-128, 127);
	c->clamp = rnd_clamp();
}

static void layer_free(struct layer *l)
{
	free(l->x);
	free(l->weights);
	free(l->bias);
	free(l->requant);
}

/* In pieces as the planner would, random cuts */
static void run_in_pieces(const struct eng_conv_kernel *k,
			  const struct eng_conv *c, const void *packed,
			  const s8 *x, s8 *y, void *scratch, u32 units)
{
	u32 at = 0, n;

	while (at < units) {
		n = rnd() % 3 ? (u32)rnd_in(1, (s32)(units - at)) : units - at;
		k->run(c, packed, x, y, scratch, at, at + n);
		at += n;
	}
}

/* Sums that a left shift could wrap are left to the scalar kernels */
static bool may_refuse(const struct eng_conv *c)
{
	u32 o;

	for (o = 0; o < c->out_c; o++)
		if (c->requant[o].shift > 0)
			return true;
	return false;
}

static void compare(const struct eng_isa *isa, struct layer *l)
{
	const struct eng_conv_kernel *k = kernel_of(isa, l->kind);
	const struct eng_conv_kernel *ref = kernel_of(&eng_isa_scalar, l->kind);
	const struct eng_conv *c = &l->c;
	size_t bytes = k->packed_bytes(c), i;
	u32 units = k->by_channel(c) ? c->out_c : (u32)l->pixels;
	void *packed, *scratch;
	s8 *want, *got;

	if (!bytes && may_refuse(c))
		return;
	packed = exact64(bytes);
	want = exact(l->out);
	got = exact(l->out);
	memset(want, 0x55, l->out);
	memset(got, 0x55, l->out);
	ref->run(c, NULL, l->x, want, NULL, 0,
		 ref->by_channel(c) ? c->out_c : (u32)l->pixels);
	assert_true(bytes > 0);
	assert_true(k->granule(c) >= 1);
	scratch = exact64(k->scratch_bytes(c));
	memset(packed, 0xa5, bytes);
	memset(scratch, 0xa5, k->scratch_bytes(c));
	k->pack(c, packed);
	run_in_pieces(k, c, packed, l->x, got, scratch, units);
	for (i = 0; i < l->out; i++)
		if (want[i] != got[i])
			fail_msg("%s kind %d: [%zu] is %d, not %d (in %ux%ux%u, out %ux%ux%u stride %u, kernel %ux%u, stride %ux%u, dilation %ux%u, pad %u,%u, M %u)",
				 isa->name, l->kind, i, got[i], want[i],
				 c->in_h, c->in_w, c->in_c, c->out_h, c->out_w,
				 c->out_c, c->out_stride, c->kernel_h,
				 c->kernel_w, c->stride_h, c->stride_w,
				 c->dilation_h, c->dilation_w, c->pad_top,
				 c->pad_left, c->depth_multiplier);
	free(want);
	free(got);
	free(packed);
	free(scratch);
}

static u32 some_channels(void)
{
	static const u32 usual[] = { 1, 2, 3, 4, 8, 10, 12, 16, 24, 32, 40, 64,
				     96, 128 };

	if (rnd() % 2)
		return usual[rnd() % (sizeof(usual) / sizeof(usual[0]))];
	return (u32)rnd_in(1, 80);
}

static bool rnd_window(struct eng_conv *c)
{
	u32 after_h, after_w;

	c->batch = rnd() % 4 ? 1 : 2;
	c->in_h = (u32)rnd_in(1, 14);
	c->in_w = (u32)rnd_in(1, 14);
	c->kernel_h = (u32)rnd_in(1, rnd() % 2 ? 3 : 6);
	c->kernel_w = rnd() % 2 ? c->kernel_h : (u32)rnd_in(1, 6);
	c->stride_h = (u32)rnd_in(1, 3);
	c->stride_w = rnd() % 2 ? c->stride_h : (u32)rnd_in(1, 3);
	c->dilation_h = rnd() % 4 ? 1 : (u32)rnd_in(1, 3);
	c->dilation_w = rnd() % 4 ? 1 : (u32)rnd_in(1, 3);
	if (rnd() % 4) {
		c->pad_top = (u32)rnd_in(0, (s32)((c->kernel_h - 1) *
						  c->dilation_h));
		c->pad_left = (u32)rnd_in(0, (s32)((c->kernel_w - 1) *
						   c->dilation_w));
	}
	after_h = (u32)rnd_in(0, (s32)((c->kernel_h - 1) * c->dilation_h));
	after_w = (u32)rnd_in(0, (s32)((c->kernel_w - 1) * c->dilation_w));
	c->out_h = out_size(c->in_h, c->kernel_h, c->stride_h, c->dilation_h,
			    c->pad_top, after_h);
	c->out_w = out_size(c->in_w, c->kernel_w, c->stride_w, c->dilation_w,
			    c->pad_left, after_w);
	return c->out_h && c->out_w;
}

static void conv_random(const struct eng_isa *isa)
{
	u32 i;

	for (i = 0; i < 600; i++) {
		struct layer l = { .kind = CONV };

		if (!rnd_window(&l.c))
			continue;
		l.c.in_c = some_channels();
		l.c.out_c = some_channels();
		l.c.out_stride = l.c.out_c + (rnd() % 4 ? 0 : rnd() % 20);
		layer_fill(&l, rnd() % 4 ? -127 : -128, rnd() % 4 ? -1 : 3);
		compare(isa, &l);
		layer_free(&l);
	}
}

static void depthwise_random(const struct eng_isa *isa)
{
	u32 i;

	for (i = 0; i < 900; i++) {
		struct layer l = { .kind = DEPTHWISE };

		if (!rnd_window(&l.c))
			continue;
		l.c.in_c = some_channels();
		l.c.depth_multiplier = rnd() % 3 ? 1 : (u32)rnd_in(1, 9);
		if (rnd() % 8 == 0)
			l.c.in_c = rnd() % 2 ? 1 : 200;
		l.c.out_c = l.c.in_c * l.c.depth_multiplier;
		l.c.out_stride = l.c.out_c;
		layer_fill(&l, rnd() % 4 ? -127 : -128, rnd() % 4 ? -1 : 3);
		compare(isa, &l);
		layer_free(&l);
	}
}

/*
 * So few channels that outputs may share a vector: their windows then begin
 * anywhere in the interleaved rows, odd multiples of half a vector included.
 */
static void depthwise_few(const struct eng_isa *isa)
{
	u32 i;

	for (i = 0; i < 200; i++) {
		struct layer l = { .kind = DEPTHWISE };

		if (!rnd_window(&l.c))
			continue;
		l.c.stride_w = 1;
		l.c.in_c = 2U << i % 3;
		l.c.depth_multiplier = 1U << i / 3 % 2;
		l.c.in_w = 16 + (l.c.kernel_w - 1) * l.c.dilation_w -
			   l.c.pad_left;
		l.c.out_w = 16;
		l.c.out_c = l.c.in_c * l.c.depth_multiplier;
		l.c.out_stride = l.c.out_c;
		layer_fill(&l, -127, -1);
		compare(isa, &l);
		layer_free(&l);
	}
}

/* Rows so wide that they go in several strips */
static void depthwise_wide(const struct eng_isa *isa)
{
	static const u32 widths[] = { 40, 113, 300, 1000 };
	u32 i;

	for (i = 0; i < 24; i++) {
		struct layer l = { .kind = DEPTHWISE };

		if (!rnd_window(&l.c))
			continue;
		l.c.in_w = widths[i % 4];
		l.c.in_c = (u32)rnd_in(60, 140);
		l.c.depth_multiplier = 1;
		l.c.out_w = out_size(l.c.in_w, l.c.kernel_w, l.c.stride_w,
				     l.c.dilation_w, l.c.pad_left, 0);
		l.c.out_c = l.c.in_c;
		l.c.out_stride = l.c.out_c;
		layer_fill(&l, -127, -1);
		compare(isa, &l);
		layer_free(&l);
	}
}

static void fc_layer(struct layer *l, u32 rows, u32 in, u32 out)
{
	*l = (struct layer){
		.kind = FC,
		.c = {
			.batch = 1, .in_h = 1, .in_w = 1, .in_c = in,
			.out_h = 1, .out_w = rows, .out_c = out,
			.out_stride = out + (rnd() % 4 ? 0 : rnd() % 20),
			.kernel_h = 1, .kernel_w = 1,
			.stride_h = 1, .stride_w = 1,
			.dilation_h = 1, .dilation_w = 1,
		},
	};
}

static void fc_random(const struct eng_isa *isa)
{
	struct layer l;
	u32 i;

	for (i = 0; i < 400; i++) {
		fc_layer(&l, rnd() % 2 ? 1 : (u32)rnd_in(1, 30),
			 (u32)rnd_in(1, rnd() % 4 ? 100 : 700),
			 (u32)rnd_in(1, rnd() % 4 ? 40 : 300));
		layer_fill(&l, rnd() % 4 ? -127 : -128, rnd() % 4 ? -1 : 3);
		compare(isa, &l);
		layer_free(&l);
	}
	/* more rows than a panel holds; a window as long as micro_speech's */
	fc_layer(&l, 203, 33, 17);
	layer_fill(&l, -127, -1);
	compare(isa, &l);
	layer_free(&l);
	fc_layer(&l, 1, 4000, 4);
	layer_fill(&l, -127, -1);
	compare(isa, &l);
	layer_free(&l);
}

/*
 * Ties of both roundings, for either sign: accumulators that the bias alone
 * makes, with the multipliers where halves are hit exactly.
 */
static void requant_ties(const struct eng_isa *isa)
{
	s32 shift, start;

	for (shift = -31; shift <= 4; shift++) {
		for (start = -3000; start < 3000; start += 500) {
			struct layer l;
			u32 o;

			fc_layer(&l, 1, 1, 500);
			layer_fill(&l, -127, -1);
			l.c.bias = l.bias;
			l.c.clamp = (struct aim_clamp){ -128, 127 };
			for (o = 0; o < 500; o++) {
				l.weights[o] = 0;
				l.bias[o] = start + (s32)o;
				if (shift < -12)
					l.bias[o] *= 1 << (-shift - 12 < 16 ?
							   -shift - 12 : 16);
				l.requant[o].shift = shift;
				l.requant[o].multiplier = rnd() % 2 ?
					1 << 30 : rnd_in(1 << 30, 0x7fffffff);
			}
			compare(isa, &l);
			layer_free(&l);
		}
	}
}

/*
 * Channels that training has killed have tiny scales, hence biases near 2^30
 * and shifts down to -31: exact as well, and not refused without need.
 */
static void large_biases(const struct eng_isa *isa)
{
	u32 i, o, taken = 0;

	for (i = 0; i < 400; i++) {
		struct layer l;

		fc_layer(&l, 1, 3, 40);
		layer_fill(&l, -127, -1);
		l.c.bias = l.bias;
		for (o = 0; o < 40; o++) {
			l.bias[o] = rnd_in(-0x7fffffff >> rnd() % 3,
					   0x7fffffff >> rnd() % 3);
			l.requant[o] = rnd_requant(-31, -15);
			if (i % 2)	/* as in a real network */
				l.bias[o] = 1073741952;
		}
		taken += isa->fc_s8->packed_bytes(&l.c) > 0;
		if (isa->fc_s8->packed_bytes(&l.c))
			compare(isa, &l);
		layer_free(&l);
	}
	assert_true(taken >= 200);
}

/* Sums that could wrap are refused, never computed wrongly. */
static void bounds_refused(const struct eng_isa *isa)
{
	static const s32 biases[] = { 0x7fffffff, -0x7fffffff - 1,
				      0x7fffffff - 1019, -0x7fffffff + 1019 };
	struct layer l;
	size_t i;

	for (i = 0; i < sizeof(biases) / sizeof(biases[0]); i++) {
		fc_layer(&l, 1, 4, 4);
		layer_fill(&l, -127, -1);
		l.c.bias = l.bias;
		memset(l.weights, 1, 16);
		l.bias[i] = biases[i];
		assert_int_equal(isa->fc_s8->packed_bytes(&l.c), 0);
		assert_int_equal(isa->conv_s8->packed_bytes(&l.c), 0);
		layer_free(&l);
	}
	fc_layer(&l, 1, 4, 4);
	layer_fill(&l, -127, -1);
	l.requant[2].shift = 30;
	assert_int_equal(isa->fc_s8->packed_bytes(&l.c), 0);
	/* a product of nearly 2^31 has no room for the rounding's 2^30 */
	l.c.bias = l.bias;
	l.bias[2] = 0x7f000000;
	l.requant[2] = (struct aim_requant){ 0x7fffffff, -31 };
	assert_int_equal(isa->fc_s8->packed_bytes(&l.c), 0);
	layer_free(&l);
}

static void test_conv(void **state)
{
	each_unit(conv_random);
}

static void test_depthwise(void **state)
{
	each_unit(depthwise_random);
}

static void test_depthwise_few(void **state)
{
	each_unit(depthwise_few);
}

static void test_depthwise_wide(void **state)
{
	each_unit(depthwise_wide);
}

static void test_fc(void **state)
{
	each_unit(fc_random);
}

static void test_requant_ties(void **state)
{
	each_unit(requant_ties);
}

static void test_large_biases(void **state)
{
	each_unit(large_biases);
}

static void test_bounds_refused(void **state)
{
	each_unit(bounds_refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conv),
		cmocka_unit_test(test_depthwise),
		cmocka_unit_test(test_depthwise_few),
		cmocka_unit_test(test_depthwise_wide),
		cmocka_unit_test(test_fc),
		cmocka_unit_test(test_requant_ties),
		cmocka_unit_test(test_large_biases),
		cmocka_unit_test(test_bounds_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
