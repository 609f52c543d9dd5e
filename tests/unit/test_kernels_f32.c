// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fp32 kernels: every vector unit of this CPU against the scalar ones. The
 * order of sums differs and products are fused, so results agree only within a
 * bound that grows with the sum of the products' magnitudes.
 */
#include "kernels_common.h"

struct layer {
	struct eng_conv c;
	size_t in, out, pixels, window;
	float *x, *weights, *bias;
};

static s32 bits(float f)
{
	s32 b;

	memcpy(&b, &f, sizeof(b));
	return b;
}

static void layer_make(struct layer *l, size_t in, size_t weights)
{
	struct eng_conv *c = &l->c;

	l->in = in;
	l->pixels = (size_t)c->batch * c->out_h * c->out_w;
	l->out = (l->pixels - 1) * c->out_stride + c->out_c;
	l->x = rnd_f32(in);
	l->weights = rnd_f32(weights);
	l->bias = rnd_f32(c->out_c);
	c->weights = l->weights;
	c->bias = rnd() % 4 ? l->bias : NULL;
	c->clamp.min = bits(rnd() % 2 ? 0.0f : -3.4e38f);
	c->clamp.max = bits(rnd() % 2 ? 6.0f : 3.4e38f);
}

static void layer_free(struct layer *l)
{
	free(l->x);
	free(l->weights);
	free(l->bias);
}

static void compare(const struct eng_isa *isa, struct layer *l,
		    const struct eng_conv_kernel *k,
		    const struct eng_conv_kernel *ref)
{
	const struct eng_conv *c = &l->c;
	size_t bytes = k->packed_bytes(c), i;
	u32 units = k->by_channel(c) ? c->out_c : (u32)l->pixels, at = 0, n;
	float *want, *got, tolerance = 1e-6f * 4.0f * (float)(l->window + 1);
	void *packed, *scratch;

	if (!bytes)	/* left to the scalar kernels */
		return;
	want = exact(l->out * sizeof(float));
	got = exact(l->out * sizeof(float));
	for (i = 0; i < l->out; i++)
		want[i] = got[i] = 77.0f;
	packed = exact64(bytes);
	scratch = exact64(k->scratch_bytes(c));
	memset(scratch, 0xff, k->scratch_bytes(c));	/* NaN */
	ref->run(c, NULL, l->x, want, NULL, 0, units);
	k->pack(c, packed);
	while (at < units) {
		n = (u32)rnd_in(1, (s32)(units - at));
		k->run(c, packed, l->x, got, scratch, at, at + n);
		at += n;
	}
	for (i = 0; i < l->out; i++)
		if (!(__builtin_fabsf(want[i] - got[i]) <= tolerance))
			fail_msg("%s: [%zu] is %g, not %g (in %ux%ux%u, out %ux%ux%u, kernel %ux%u)",
				 isa->name, i, got[i], want[i], c->in_h,
				 c->in_w, c->in_c, c->out_h, c->out_w,
				 c->out_c, c->kernel_h, c->kernel_w);
	free(want);
	free(got);
	free(packed);
	free(scratch);
}

static u32 sized(u32 in, u32 kernel, u32 stride, u32 dilation, u32 pad)
{
	u32 span = (kernel - 1) * dilation + 1;

	return in + 2 * pad < span ? 0 : (in + 2 * pad - span) / stride + 1;
}

static bool rnd_shape(struct eng_conv *c)
{
	*c = (struct eng_conv){
		.batch = (u32)rnd_in(1, 2),
		.in_h = (u32)rnd_in(1, 12), .in_w = (u32)rnd_in(1, 12),
		.kernel_h = (u32)rnd_in(1, 4), .kernel_w = (u32)rnd_in(1, 4),
		.stride_h = (u32)rnd_in(1, 2), .stride_w = (u32)rnd_in(1, 2),
		.dilation_h = (u32)rnd_in(1, 2),
		.dilation_w = (u32)rnd_in(1, 2),
	};
	c->pad_top = (u32)rnd_in(0, (s32)c->kernel_h - 1);
	c->pad_left = (u32)rnd_in(0, (s32)c->kernel_w - 1);
	c->out_h = sized(c->in_h, c->kernel_h, c->stride_h, c->dilation_h,
			 c->pad_top);
	c->out_w = sized(c->in_w, c->kernel_w, c->stride_w, c->dilation_w,
			 c->pad_left);
	return c->out_h && c->out_w;
}

static void conv_random(const struct eng_isa *isa)
{
	struct layer l;
	u32 i;

	for (i = 0; i < 300; i++) {
		if (!rnd_shape(&l.c))
			continue;
		l.c.in_c = (u32)rnd_in(1, 40);
		l.c.out_c = (u32)rnd_in(1, 100);
		l.c.out_stride = l.c.out_c + rnd() % 3;
		l.window = (size_t)l.c.kernel_h * l.c.kernel_w * l.c.in_c;
		layer_make(&l, (size_t)l.c.batch * l.c.in_h * l.c.in_w *
				       l.c.in_c, l.window * l.c.out_c);
		compare(isa, &l, isa->conv_f32, eng_isa_scalar.conv_f32);
		layer_free(&l);
	}
}

static void depthwise_random(const struct eng_isa *isa)
{
	struct layer l;
	u32 i;

	for (i = 0; i < 300; i++) {
		if (!rnd_shape(&l.c))
			continue;
		l.c.in_c = rnd() % 4 ? (u32)rnd_in(1, 100) : 1;
		l.c.depth_multiplier = rnd() % 2 ? 1 : (u32)rnd_in(1, 8);
		l.c.out_c = l.c.in_c * l.c.depth_multiplier;
		l.c.out_stride = l.c.out_c;
		l.window = (size_t)l.c.kernel_h * l.c.kernel_w;
		layer_make(&l, (size_t)l.c.batch * l.c.in_h * l.c.in_w *
				       l.c.in_c, l.window * l.c.out_c);
		compare(isa, &l, isa->depthwise_f32,
			eng_isa_scalar.depthwise_f32);
		layer_free(&l);
	}
}

static void fc_random(const struct eng_isa *isa)
{
	struct layer l;
	u32 i;

	for (i = 0; i < 200; i++) {
		l.c = (struct eng_conv){
			.batch = 1, .in_h = 1, .in_w = 1, .out_h = 1,
			.in_c = (u32)rnd_in(1, 300),
			.out_c = (u32)rnd_in(1, 200),
			.out_w = rnd() % 2 ? 1 : (u32)rnd_in(1, 40),
			.kernel_h = 1, .kernel_w = 1,
			.stride_h = 1, .stride_w = 1,
			.dilation_h = 1, .dilation_w = 1,
		};
		l.c.out_stride = l.c.out_c + rnd() % 3;
		l.window = l.c.in_c;
		layer_make(&l, (size_t)l.c.out_w * l.c.in_c,
			   l.window * l.c.out_c);
		compare(isa, &l, isa->fc_f32, eng_isa_scalar.fc_f32);
		layer_free(&l);
	}
}

/* Sums are the same single operation: exactly equal, NaN and clamps included */
static void add_random(const struct eng_isa *isa)
{
	u32 i, j;

	for (i = 0; i < 200; i++) {
		struct eng_binary p = {
			.clamp = { bits(-1.0f), bits(rnd() % 2 ? 1.5f : 1e9f) },
		};
		size_t n = (size_t)rnd_in(0, 200), bytes = n * sizeof(float);
		float *a = rnd_f32(n), *b = rnd_f32(n);
		float *want = exact(bytes), *got = exact(bytes);

		for (j = 0; j < n; j += 7)
			a[j] = __builtin_nanf("");
		eng_isa_scalar.add_f32(&p, a, b, want, n);
		isa->add_f32(&p, a, b, got, n);
		assert_memory_equal(want, got, bytes);
		free(a);
		free(b);
		free(want);
		free(got);
	}
}

static void test_conv(void **state)
{
	each_unit(conv_random);
}

static void test_depthwise(void **state)
{
	each_unit(depthwise_random);
}

static void test_fc(void **state)
{
	each_unit(fc_random);
}

static void test_add(void **state)
{
	each_unit(add_random);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conv),
		cmocka_unit_test(test_depthwise),
		cmocka_unit_test(test_fc),
		cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
