// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine's own promises: what is fused, that any allocation may fail, that
 * no tile is too long whatever the layer, that memory which others write to
 * meanwhile is harmless, and its mathematical functions.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "aim_builder.h"
#include "f32.h"
#include "gen_model.h"
#include "kernels_common.h"
#include "model_run.h"
#include "program.h"
#include "unit.h"

static struct aim_builder b;

static const struct aim_clamp whole = { -128, 127 };

static struct model finish(void)
{
	char reason[512];
	struct aim_file f;
	struct model m;

	assert_int_equal(ab_finish(&b, &f), 0);
	if (model_open((struct blob){ f.data, f.bytes }, &m, reason,
		       sizeof(reason)))
		fail_msg("refused: %s", reason);
	return m;
}

static u32 s8_tensor(u32 place, u32 rank, const u32 *dims)
{
	u32 t = ab_tensor(&b, NULL, AIM_TYPE_S8, place, rank, dims);

	ab_quant(&b, t, AB_ONE, 0);
	if (place == AIM_PLACE_CONST)
		ab_fill(&b, t, 7);
	return t;
}

/* y = conv(x) with an unpadded 3x3 kernel */
static struct aim_op *conv3x3(u32 x, u32 y, u32 in_c, u32 out_c)
{
	u32 w = s8_tensor(AIM_PLACE_CONST, AB_DIMS(out_c, 3, 3, in_c));
	struct aim_op *op = ab_op(&b, AIM_OP_CONV2D, AB_IN(x, w, AB_NONE), y);

	op->p.conv = (struct aim_p_conv){
		.stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1,
		.requant_first = ab_requant(&b, out_c, 1 << 30, -9),
		.clamp = whole,
	};
	return op;
}

static u32 nr_tasks(const struct model *m)
{
	struct eng_program *prog = model_compile(m, &eng_isa_scalar);
	u32 n;

	assert_non_null(prog);
	n = prog->nr_tasks;
	eng_free(prog);
	return n;
}

/* input -> pad -> conv -> output, the pad with @value */
static struct model padded_conv(s32 value, u32 border, bool keep)
{
	u32 x, p, y;

	ab_init(&b);
	x = s8_tensor(AIM_PLACE_INPUT, AB_DIMS(1, 6, 6, 3));
	p = s8_tensor(keep ? AIM_PLACE_OUTPUT : AIM_PLACE_ARENA,
		      AB_DIMS(1, 6 + 2 * border, 6 + 2 * border, 3));
	y = s8_tensor(AIM_PLACE_OUTPUT,
		      AB_DIMS(1, 4 + 2 * border, 4 + 2 * border, 5));
	ab_op(&b, AIM_OP_PAD, AB_IN(x), p)->p.pad = (struct aim_p_pad){
		.before = { 0, border, border, 0 },
		.after = { 0, border, border, 0 }, .value = value,
	};
	conv3x3(p, y, 3, 5);
	return finish();
}

static void pads_are_fused(void **state)
{
	struct model m = padded_conv(0, 1, false);

	assert_int_equal(nr_tasks(&m), 1);
	model_close(&m);
	m = padded_conv(0, 2, false);
	assert_int_equal(nr_tasks(&m), 1);
	model_close(&m);
	/* not the zero point; as large as the kernel; an output itself */
	m = padded_conv(1, 1, false);
	assert_int_equal(nr_tasks(&m), 3);
	model_close(&m);
	m = padded_conv(0, 3, false);
	assert_int_equal(nr_tasks(&m), 3);
	model_close(&m);
	m = padded_conv(0, 1, true);
	assert_int_equal(nr_tasks(&m), 3);
	model_close(&m);
}

static void reshapes_cost_nothing(void **state)
{
	u32 x, t[4], y, i;
	struct model m;

	/* input -> reshape -> conv -> reshape -> reshape -> output */
	ab_init(&b);
	x = s8_tensor(AIM_PLACE_INPUT, AB_DIMS(1, 108));
	t[0] = s8_tensor(AIM_PLACE_ARENA, AB_DIMS(1, 6, 6, 3));
	t[1] = s8_tensor(AIM_PLACE_ARENA, AB_DIMS(1, 4, 4, 2));
	t[2] = s8_tensor(AIM_PLACE_ARENA, AB_DIMS(2, 16));
	y = s8_tensor(AIM_PLACE_OUTPUT, AB_DIMS(32));
	ab_op(&b, AIM_OP_RESHAPE, AB_IN(x), t[0]);
	conv3x3(t[0], t[1], 3, 2);
	ab_op(&b, AIM_OP_RESHAPE, AB_IN(t[1]), t[2]);
	ab_op(&b, AIM_OP_RESHAPE, AB_IN(t[2]), y);
	m = finish();
	assert_int_equal(nr_tasks(&m), 1);
	model_close(&m);

	/* from input to output, and twice to outputs: someone has to copy */
	ab_init(&b);
	x = s8_tensor(AIM_PLACE_INPUT, AB_DIMS(1, 108));
	for (i = 0; i < 2; i++)
		ab_op(&b, AIM_OP_RESHAPE, AB_IN(x),
		      s8_tensor(AIM_PLACE_OUTPUT, AB_DIMS(108)));
	m = finish();
	assert_int_equal(nr_tasks(&m), 2);
	model_close(&m);
}

/* Allocation number @fail_at fails. */
static int fail_at, allocations, live;

static void *failing_alloc(size_t bytes)
{
	void *p;

	if (allocations++ == fail_at)
		return NULL;
	p = exact64(bytes);
	memset(p, 0, bytes);
	live++;
	return p;
}

static void counting_free(void *p)
{
	live -= p != NULL;
	free(p);
}

static const struct eng_env failing = {
	.alloc = failing_alloc, .free = counting_free,
};

static void compile_with_failures(const struct eng_isa *isa, void *arg)
{
	const struct model *m = arg;
	struct eng_program *prog;
	int err = -ENOMEM;

	for (fail_at = 0; err; fail_at++) {
		allocations = 0;
		err = eng_compile(&m->view, isa, &failing, &prog);
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(live, 0);
		}
	}
	eng_free(prog);
	assert_int_equal(live, 0);
}

static void allocations_may_fail(void **state)
{
	char reason[512];
	struct aim_file f;
	struct model m;
	u64 seed;

	for (seed = 1; seed <= 60; seed++) {
		if (gen_model(seed, &f))
			continue;
		assert_int_equal(model_open((struct blob){ f.data, f.bytes },
					    &m, reason, sizeof(reason)), 0);
		model_each_isa(compile_with_failures, &m);
		model_close(&m);
	}
}

/*
 * No tile of any task may be beyond two budgets; but for a single value, which
 * can't be cut, of far more products than networks have.
 */
static void tiles_are_short(const struct eng_isa *isa, void *arg)
{
	const struct model *m = arg;
	struct eng_program *prog = model_compile(m, isa);
	u64 budget;
	u32 i, n;

	assert_non_null(prog);
	budget = eng_budget(prog);
	for (i = 0; i < prog->nr_tasks; i++) {
		const struct eng_task *t = &prog->tasks[i];

		assert_true(t->units > 0 && t->unit_cost > 0);
		n = t->granule < t->units ? t->granule : t->units;
		if (t->unit_cost * n > (n > 1 ? 2 : 4) * budget)
			fail_msg("%s: task %u costs %llu a unit of %u at a time, the budget is %llu",
				 eng_isa_name(isa), i,
				 (unsigned long long)t->unit_cost, t->granule,
				 (unsigned long long)budget);
	}
	eng_free(prog);
}

/* A builder with more room for constants than the shared one has. */
static struct model big_layer(u32 code, u32 taps_h, u32 in_c, u32 out_c)
{
	struct aim_tensor *w;
	struct model m;
	struct aim_p_conv *p;
	u32 x, t, y, bytes;
	u32 m1 = code == AIM_OP_DEPTHWISE;

	ab_init(&b);
	x = s8_tensor(AIM_PLACE_INPUT, AB_DIMS(1, taps_h + 1, 1, in_c));
	t = s8_tensor(AIM_PLACE_CONST,
		      AB_DIMS(m1 ? 1 : out_c, taps_h, 1, m1 ? out_c : in_c));
	y = s8_tensor(AIM_PLACE_OUTPUT, AB_DIMS(1, 2, 1, out_c));
	p = &ab_op(&b, code, AB_IN(x, t, AB_NONE), y)->p.conv;
	*p = (struct aim_p_conv){
		.stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1,
		.depth_multiplier = m1, .clamp = whole,
	};
	/* same weights and requantisation, only more of them: no builder */
	w = &b.tensors[t];
	bytes = (u32)w->bytes;
	m = (struct model){ 0 };
	m.view = (struct aim_view){
		.header = &b.h, .tensors = b.tensors, .ops = b.ops,
		.operands = b.operands, .nr_tensors = b.nr_tensors,
		.nr_ops = b.nr_ops, .nr_operands = b.nr_operands,
		.io = { x, y },
	};
	m.view.consts = calloc(bytes, 1);
	m.view.requants = calloc(out_c, sizeof(struct aim_requant));
	memset((void *)m.view.consts, 1, bytes);
	for (bytes = 0; bytes < out_c; bytes++)
		((struct aim_requant *)m.view.requants)[bytes] =
			(struct aim_requant){ 1 << 30, -10 };
	w->offset = 0;
	return m;
}

static void close_big(struct model *m)
{
	free((void *)m->view.consts);
	free((void *)m->view.requants);
}

/* All weights 1, all inputs 1: every output is known. */
static void run_big(const struct eng_isa *isa, void *arg)
{
	const struct model *m = arg;
	const struct aim_tensor *x = model_io(m, false, 0);
	const struct aim_tensor *y = model_io(m, true, 0);
	const struct aim_op *op = m->view.ops;
	u32 taps = aim_operand(&m->view, op, 1)->dims[1] *
		   (op->code == AIM_OP_DEPTHWISE ? 1 : x->dims[3]);
	s32 want = eng_requant((s32)taps, (struct aim_requant){ 1 << 30, -10 });
	struct eng_program *prog = model_compile(m, isa);
	u8 *in = exact(x->bytes), *out = exact(y->bytes);
	size_t i;

	assert_non_null(prog);
	memset(in, 1, x->bytes);
	model_run(m, prog, in, out, 0);
	for (i = 0; i < y->bytes; i++)
		assert_int_equal((s8)out[i], want > 127 ? 127 : want);
	free(in);
	free(out);
	eng_free(prog);
}

static void large_layers_are_cut(void **state)
{
	static const struct {
		u32 code, taps, in_c, out_c;
	} shapes[] = {
		{ AIM_OP_CONV2D, 1, 65536, 500 },
		{ AIM_OP_CONV2D, 16, 4096, 70 },
		{ AIM_OP_CONV2D, 1, 1, 1 << 19 },
		{ AIM_OP_CONV2D, 1, 700, 3001 },
		{ AIM_OP_DEPTHWISE, 4096, 300, 300 },
		{ AIM_OP_DEPTHWISE, 3, 1 << 18, 1 << 18 },
	};
	size_t i;

	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct model m = big_layer(shapes[i].code, shapes[i].taps,
					   shapes[i].in_c, shapes[i].out_c);

		m.in_bytes = model_io(&m, false, 0)->bytes;
		m.out_bytes = model_io(&m, true, 0)->bytes;
		model_each_isa(tiles_are_short, &m);
		model_each_isa(run_big, &m);
		close_big(&m);
	}
}

static void random_tiles_are_short(void **state)
{
	char reason[512];
	struct aim_file f;
	struct model m;
	u64 seed;

	for (seed = 1; seed <= 300; seed++) {
		if (gen_model(seed, &f))
			continue;
		assert_int_equal(model_open((struct blob){ f.data, f.bytes },
					    &m, reason, sizeof(reason)), 0);
		model_each_isa(tiles_are_short, &m);
		model_close(&m);
	}
}

/* Inputs and outputs change between any two steps: no trap, no stray access. */
static void run_disturbed(const struct eng_isa *isa, void *arg)
{
	const struct model *m = arg;
	struct eng_program *prog = model_compile(m, isa);
	const void *inputs[AIM_MAX_IO];
	void *outputs[AIM_MAX_IO];
	struct eng_cursor at = { 0 };
	u8 *arena, *in, *out, *p;
	u32 i, k;

	assert_non_null(prog);
	arena = exact64(eng_arena_bytes(prog));
	memset(arena, 0, eng_arena_bytes(prog));
	p = in = exact64(m->in_bytes + 64 * AIM_MAX_IO);
	for (i = 0; i < m->view.header->nr_inputs; i++) {
		inputs[i] = p;
		p += (model_io(m, false, i)->bytes + 63) & ~63ULL;
	}
	p = out = exact64(m->out_bytes + 64 * AIM_MAX_IO);
	for (i = 0; i < m->view.header->nr_outputs; i++) {
		outputs[i] = p;
		p += (model_io(m, true, i)->bytes + 63) & ~63ULL;
	}
	do {
		for (k = 0; k < 8; k++) {
			in[rnd() % m->in_bytes] = (u8)rnd();
			out[rnd() % m->out_bytes] = (u8)rnd();
		}
	} while (!eng_step(prog, inputs, outputs, arena, &at, 1 + rnd() % 999));
	free(arena);
	free(in);
	free(out);
	eng_free(prog);
}

static void others_may_write(void **state)
{
	char reason[512];
	struct aim_file f;
	struct model m;
	u64 s;

	for (s = 1000; s < 1200; s++) {
		if (gen_model(s, &f))
			continue;
		assert_int_equal(model_open((struct blob){ f.data, f.bytes },
					    &m, reason, sizeof(reason)), 0);
		model_each_isa(run_disturbed, &m);
		model_close(&m);
	}
}

static void units_are_chosen(void **state)
{
	struct eng_cpu none = { 0 };
	struct eng_cpu cpu = this_cpu();

	assert_ptr_equal(eng_isa_best(&none), &eng_isa_scalar);
	assert_ptr_equal(eng_isa_by_name("scalar", &none), &eng_isa_scalar);
	assert_null(eng_isa_by_name("avx2", &none));
	assert_null(eng_isa_by_name("neon", &none));
	assert_null(eng_isa_by_name("", &cpu));
	assert_null(eng_isa_by_name("avx2 ", &cpu));
	assert_null(eng_isa_by_name("AVX2", &cpu));
	assert_true(eng_isa_best(&cpu)->usable(&cpu));
#if defined(__x86_64__)
	assert_ptr_equal(eng_isa_best(&(struct eng_cpu){ .avx2 = true }),
			 &eng_isa_avx2);
	assert_ptr_equal(eng_isa_best(&(struct eng_cpu){
				.avx2 = true, .avx_vnni = true }),
			 &eng_isa_avxvnni);
#endif
}

/* The distance of @got from @want in units of the last place */
static double ulps(float got, double want)
{
	float near = (float)want;
	double ulp = fmax(nextafterf(fabsf(near), INFINITY) - fabsf(near),
			  FLT_MIN * FLT_EPSILON);

	if (isinf(near) || isinf(got))
		return near == got ? 0 : 1e9;
	return fabs(got - want) / ulp;
}

static void functions_are_exact(void **state)
{
	double worst[3] = { 0, 0, 0 };
	u32 bits;

	/* every 997th float: signs, zeros, denormals, infinities, NaNs */
	for (bits = 0; bits < 0xffffffffU - 997; bits += 997) {
		float x = eng_f32(bits);

		if (x != x) {
			assert_true(isnan(eng_expf(x)) && isnan(eng_tanhf(x)) &&
				    isnan(eng_logisticf(x)));
			continue;
		}
		worst[0] = fmax(worst[0], ulps(eng_expf(x), exp(x)));
		worst[1] = fmax(worst[1], ulps(eng_tanhf(x), tanh(x)));
		worst[2] = fmax(worst[2], ulps(eng_logisticf(x),
					       1 / (1 + exp(-(double)x))));
	}
	printf("  ulp: exp %.4f, tanh %.4f, logistic %.4f\n", worst[0],
	       worst[1], worst[2]);
	assert_true(worst[0] < 0.51 && worst[1] < 0.51 && worst[2] < 0.51);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pads_are_fused),
		cmocka_unit_test(reshapes_cost_nothing),
		cmocka_unit_test(allocations_may_fail),
		cmocka_unit_test(random_tiles_are_short),
		cmocka_unit_test(large_layers_are_cut),
		cmocka_unit_test(others_may_write),
		cmocka_unit_test(units_are_chosen),
		cmocka_unit_test(functions_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
