// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The structure of what the converter makes: which operators are left, where
 * tensors lie, what becomes an output, what is computed at conversion. What the
 * operators compute is test_convert_nets' business.
 */
#include <stdio.h>
#include <stdlib.h>
#include <aim_convert.h>
#include <aim/verify.h>
#include "tfl_builder.h"
#include "unit.h"

#define D(...)	((const int[]){ __VA_ARGS__ })

static struct tfl_builder b;
static struct aim_view v;
static void *file;

static void convert_opt(const struct aim_convert_options *opt)
{
	char text[AIM_CONVERT_REASON_LEN];
	struct aim_reason reason;
	size_t bytes, out_bytes;
	void *scratch, *src;

	src = tb_finish(&b, &bytes);
	if (aim_convert_tflite(src, bytes, opt, &file, &out_bytes, text,
			       sizeof(text)))
		fail_msg("%s", text);
	assert_int_equal((uintptr_t)file % 64, 0);
	scratch = malloc(aim_verify_scratch(file, out_bytes));
	assert_non_null(scratch);
	if (aim_verify(file, out_bytes, scratch, &v, &reason))
		fail_msg("%s", reason.text);
	free(scratch);
	free(src);
}

static void convert(void)
{
	convert_opt(NULL);
}

static int done(void **state)
{
	free(file);
	file = NULL;
	tb_free(&b);
	tb_init(&b);
	return 0;
}

static int input(int type, int rank, const int *dims)
{
	int x = tb_act(&b, "x", type, type == TB_F32 ? 0 : 0.5f, 0, rank, dims);

	b.inputs[b.nr_inputs++] = x;
	return x;
}

static int output(int t)
{
	b.outputs[b.nr_outputs++] = t;
	return t;
}

static int act(const char *name, int type, int rank, const int *dims)
{
	return tb_act(&b, name, type, type == TB_F32 ? 0 : 0.5f, 0, rank, dims);
}

static struct tb_op *op1(int code, int x, int y)
{
	return tb_operator(&b, code, 1, &x, 1, &y);
}

static struct tb_op *op2(int code, int x0, int x1, int y)
{
	return tb_operator(&b, code, 2, D(x0, x1), 1, &y);
}

static void reshape(int x, int y, int n, const int *shape)
{
	op2(22, x, tb_ints(&b, "shape", n, shape), y);
}

static const struct aim_tensor *model_output(u32 i)
{
	return &v.tensors[v.io[v.header->nr_inputs + i]];
}

static u32 count_ops(u16 code)
{
	u32 i, n = 0;

	for (i = 0; i < v.nr_ops; i++)
		n += v.ops[i].code == code;
	return n;
}

/* A result that is read on, too, is an output where it lies. */
static void test_output_read_on(void **state)
{
	int x = input(TB_F32, 1, D(8)), y, z;

	y = output(act("y", TB_F32, 1, D(8)));
	z = output(act("z", TB_F32, 1, D(8)));
	op1(14, x, y);
	op1(28, y, z);
	convert();
	assert_int_equal(v.nr_ops, 2);
	assert_int_equal(v.header->nr_outputs, 2);
	assert_int_equal(v.header->arena_bytes, 0);
	assert_int_equal(aim_operand(&v, &v.ops[1], 0)->place, AIM_PLACE_OUTPUT);
}

/* Inputs, constants and what is listed twice are copied to their outputs. */
static void test_output_copied(void **state)
{
	static const float numbers[2] = { 1, 2 };
	int x = input(TB_F32, 1, D(8)), y, k;

	y = act("y", TB_F32, 1, D(8));
	k = tb_const(&b, "k", TB_F32, 0, 0, 1, D(2), numbers);
	op1(14, x, y);
	output(y);
	output(y);
	output(x);
	output(k);
	convert();
	assert_int_equal(v.header->nr_outputs, 4);
	assert_int_equal(count_ops(AIM_OP_RESHAPE), 3);
	assert_int_equal(model_output(3)->bytes, 8);
	assert_memory_equal(aim_str(&v, model_output(2)->name), "x", 2);
}

/* What no output depends on is left out, with its constants. */
static void test_dead(void **state)
{
	static const signed char w[64] = { 0 };
	int x = input(TB_I8, 2, D(1, 8)), dead, y;

	dead = act("dead", TB_I8, 2, D(1, 8));
	y = output(act("y", TB_I8, 2, D(1, 8)));
	op2(9, x, tb_const(&b, "w", TB_I8, 0.5f, 0, 2, D(8, 8), w), dead);
	op1(19, x, y);
	convert();
	assert_int_equal(v.nr_ops, 1);
	assert_int_equal(v.ops[0].code, AIM_OP_LUT8);
	assert_int_equal(v.header->macs, 0);
	/* x, table, y */
	assert_int_equal(v.nr_tensors, 3);
	assert_memory_equal(aim_str(&v, v.ops[0].name), "1 RELU", 7);
}

/* A model input that nothing reads stays an input. */
static void test_unused_input(void **state)
{
	int x = input(TB_I8, 1, D(8)), y;

	input(TB_F32, 2, D(3, 3));
	y = output(act("y", TB_I8, 1, D(8)));
	op1(19, x, y);
	convert();
	assert_int_equal(v.header->nr_inputs, 2);
	assert_int_equal(v.tensors[v.io[1]].bytes, 36);
}

/* Reshaping and tables work in place where their input ends. */
static void test_in_place(void **state)
{
	int x = input(TB_I8, 1, D(600)), a, c, d, e, y;

	a = act("a", TB_I8, 1, D(600));
	c = act("c", TB_I8, 2, D(20, 30));
	d = act("d", TB_I8, 2, D(20, 30));
	e = act("e", TB_I8, 2, D(20, 30));
	y = output(act("y", TB_I8, 2, D(20, 30)));
	op1(19, x, a);
	reshape(a, c, 2, D(20, 30));
	op1(20, c, d);
	/* c is read again: this one needs a place of its own */
	op1(21, c, e);
	op2(0, d, e, y);
	convert();
	assert_int_equal(v.nr_ops, 5);
	assert_int_equal(aim_out(&v, &v.ops[1], 0)->offset,
			 aim_out(&v, &v.ops[0], 0)->offset);
	assert_true(aim_out(&v, &v.ops[2], 0)->offset !=
		    aim_out(&v, &v.ops[1], 0)->offset);
	assert_int_equal(aim_out(&v, &v.ops[3], 0)->offset,
			 aim_out(&v, &v.ops[1], 0)->offset);
	assert_int_equal(v.header->arena_bytes, 2 * 640);
}

/* A chain needs the two largest neighbours, not the sum of all. */
static void test_arena_chain(void **state)
{
	int x = input(TB_F32, 2, D(4, 100)), y, i, t, mean;
	char name[8];

	for (i = 0; i < 6; i++, x = t) {
		snprintf(name, sizeof(name), "t%d", i);
		t = act(name, TB_F32, 2, D(4, 100));
		op1(14, x, t);
	}
	mean = tb_ints(&b, "axes", 1, D(0));
	y = output(act("y", TB_F32, 1, D(100)));
	op2(40, x, mean, y);
	convert();
	assert_int_equal(v.nr_ops, 7);
	assert_int_equal(v.header->arena_bytes, 2 * 1600);
}

/* uint8 in and out: tables at the edge, int8 between them. */
static void test_uint8_edges(void **state)
{
	int x = input(TB_U8, 4, D(1, 4, 4, 1)), p, y;
	struct tb_op *op;

	p = act("p", TB_U8, 4, D(1, 2, 2, 1));
	y = output(act("y", TB_U8, 2, D(1, 4)));
	op = op1(17, x, p);
	tb_option(op, 5, 1, 4, 2);
	tb_option(op, 5, 2, 4, 2);
	tb_option(op, 5, 3, 4, 2);
	tb_option(op, 5, 4, 4, 2);
	reshape(p, y, 2, D(1, -1));
	convert();
	assert_int_equal(v.tensors[v.io[0]].type, AIM_TYPE_U8);
	assert_int_equal(model_output(0)->type, AIM_TYPE_U8);
	assert_int_equal(model_output(0)->zero_point, 0);
	assert_int_equal(count_ops(AIM_OP_LUT8), 2);
	assert_int_equal(aim_operand(&v, &v.ops[1], 0)->type, AIM_TYPE_S8);
	assert_int_equal(aim_operand(&v, &v.ops[1], 0)->zero_point, -128);
}

/* Between uint8 edges and int8 layers one table each is enough. */
static void test_uint8_quantize(void **state)
{
	int x = input(TB_U8, 1, D(8)), a, c, y;

	a = act("a", TB_I8, 1, D(8));
	c = act("c", TB_I8, 1, D(8));
	y = output(act("y", TB_U8, 1, D(8)));
	op1(114, x, a);
	op2(0, a, a, c);
	op1(114, c, y);
	convert();
	assert_int_equal(v.nr_ops, 3);
	assert_int_equal(count_ops(AIM_OP_LUT8), 2);
}

/* SHAPE and what is made of it leave no operator. */
static void test_computed_shape(void **state)
{
	int x = input(TB_F32, 3, D(-1, 4, 5)), shape, batch, pair, y;
	struct tb_op *op;

	shape = tb_act(&b, "shape", TB_I32, 0, 0, 1, D(3));
	batch = tb_act(&b, "batch", TB_I32, 0, 0, 0, NULL);
	pair = tb_act(&b, "pair", TB_I32, 0, 0, 1, D(2));
	y = output(act("y", TB_F32, 2, D(-1, 20)));
	op1(77, x, shape);
	op = tb_operator(&b, 45, 4, D(shape, tb_ints(&b, "b", 1, D(0)),
				      tb_ints(&b, "e", 1, D(1)),
				      tb_ints(&b, "s", 1, D(1))), 1, &batch);
	tb_option(op, 32, 4, 4, 1);
	op = op2(83, batch, tb_const(&b, "rest", TB_I32, 0, 0, 0, NULL, D(-1)),
		 pair);
	tb_option(op, 59, 0, 4, 2);
	op2(22, x, pair, y);
	convert_opt(&(struct aim_convert_options){ .keep_all = true });
	assert_int_equal(v.nr_ops, 1);
	assert_int_equal(v.ops[0].code, AIM_OP_RESHAPE);
	assert_int_equal(v.header->nr_outputs, 1);
	assert_int_equal(model_output(0)->rank, 2);
	assert_int_equal(model_output(0)->dims[0], 1);
	assert_int_equal(model_output(0)->dims[1], 20);
}

/* Sums, differences and products of dimensions, too */
static void test_calculated_shape(void **state)
{
	int x = input(TB_F32, 3, D(3, 5, 7)), shape, less, ends, y;
	int two = tb_const(&b, "2", TB_I32, 0, 0, 0, NULL, D(2));
	struct tb_op *op;

	shape = tb_act(&b, "shape", TB_I32, 0, 0, 1, D(3));
	less = tb_act(&b, "less", TB_I32, 0, 0, 1, D(3));
	ends = tb_act(&b, "ends", TB_I32, 0, 0, 1, D(3));
	y = output(act("y", TB_F32, 3, D(15, 7, 1)));
	op1(77, x, shape);
	/* 1 3 5, then 15 6 0, then 15 7 1 */
	op2(41, shape, two, less);
	op2(18, less, tb_ints(&b, "by", 3, D(15, 2, 0)), ends);
	shape = tb_act(&b, "sum", TB_I32, 0, 0, 1, D(3));
	op = op2(0, tb_ints(&b, "with", 3, D(0, 1, 1)), ends, shape);
	tb_option(op, 11, 0, 1, 0);
	op2(22, x, shape, y);
	convert();
	assert_int_equal(v.nr_ops, 1);
	assert_int_equal(model_output(0)->rank, 3);
	assert_int_equal(model_output(0)->dims[0], 15);
	assert_int_equal(model_output(0)->dims[1], 7);
	assert_int_equal(model_output(0)->dims[2], 1);
}

/* One number and none, which is what a scalar has of dimensions, make none */
static void test_calculated_from_none(void **state)
{
	int x = input(TB_F32, 0, D(0)), none, shape, y;
	struct tb_op *op;

	none = tb_act(&b, "none", TB_I32, 0, 0, 1, D(0));
	shape = tb_act(&b, "sum", TB_I32, 0, 0, 1, D(0));
	op1(77, x, none);
	op = op2(0, none, tb_ints(&b, "one", 1, D(7)), shape);
	tb_option(op, 11, 0, 1, 0);
	y = output(act("y", TB_F32, 0, D(0)));
	op2(22, x, shape, y);
	convert();
	assert_int_equal(model_output(0)->rank, 0);
}

/* float16 constants are unpacked: normal, subnormal, infinite, signed zero */
static void test_float16(void **state)
{
	static const u16 half[6] = { 0x3c00, 0xc000, 0x0001, 0x8000, 0x7bff,
				     0x03ff };
	static const float want[6] = { 1, -2, 5.9604644775390625e-8f, -0.0f,
				       65504, 6.0975551605224609375e-5f };
	int x = input(TB_F32, 1, D(6)), k, f, y;

	k = tb_const(&b, "half", TB_F16, 0, 0, 1, D(6), half);
	f = act("full", TB_F32, 1, D(6));
	y = output(act("y", TB_F32, 1, D(6)));
	op1(6, k, f);
	op2(18, x, f, y);
	convert();
	assert_int_equal(v.nr_ops, 1);
	assert_memory_equal(v.consts + aim_operand(&v, &v.ops[0], 1)->offset,
			    want, sizeof(want));
}

/* Data behind the FlatBuffer, found by offset; constants are shared. */
static void test_large_buffer(void **state)
{
	static const float numbers[4] = { 1, 2, 3, 4 };
	struct tb_tensor t = { .name = "far", .type = TB_F32, .rank = 1,
			       .dims = { 4 }, .data = numbers, .bytes = 16,
			       .large = true };
	int x = input(TB_F32, 1, D(4)), k, m, y;

	k = tb_add(&b, &t);
	m = act("m", TB_F32, 1, D(4));
	y = output(act("y", TB_F32, 1, D(4)));
	op2(0, x, k, m);
	op2(18, m, k, y);
	convert();
	assert_int_equal(v.operands[v.ops[0].operands + 1],
			 v.operands[v.ops[1].operands + 1]);
	assert_memory_equal(v.consts + aim_operand(&v, &v.ops[0], 1)->offset,
			    numbers, sizeof(numbers));
	assert_int_equal(v.header->sections[AIM_SEC_DATA].bytes, 64);
}

static void test_name(void **state)
{
	int x = input(TB_I8, 1, D(8)), y;
	char longer[100];

	memset(longer, 'n', sizeof(longer));
	longer[1] = '\n';
	longer[99] = '\0';
	y = output(act("y", TB_I8, 1, D(8)));
	op1(19, x, y);
	convert_opt(&(struct aim_convert_options){ .name = longer });
	assert_int_equal(strlen(aim_str(&v, v.header->name)),
			 AIM_NAME_LEN - 1);
	assert_memory_equal(aim_str(&v, v.header->name), "n?n", 3);
	assert_true(v.meta_bytes > 0);
	assert_memory_equal(v.meta, "source\0tflite", 14);
}

/* Groups are parts of the image, weights and bias, joined again. */
static void test_groups(void **state)
{
	static const float w[4] = { 1, 2, 3, 4 }, bias[4] = { 5, 6, 7, 8 };
	int x = input(TB_F32, 4, D(1, 2, 2, 2)), y;
	struct tb_op *op;
	u32 g;

	y = output(act("y", TB_F32, 4, D(1, 2, 2, 4)));
	op = tb_operator(&b, 3, 3, D(x, tb_const(&b, "w", TB_F32, 0, 0, 4,
						 D(4, 1, 1, 1), w),
				     tb_const(&b, "b", TB_F32, 0, 0, 1, D(4),
					      bias)), 1, &y);
	tb_option(op, 1, 1, 4, 1);
	tb_option(op, 1, 2, 4, 1);
	convert();
	assert_int_equal(v.nr_ops, 5);
	for (g = 0; g < 2; g++) {
		const struct aim_op *conv = &v.ops[2 * g + 1];

		assert_int_equal(v.ops[2 * g].code, AIM_OP_SLICE);
		assert_int_equal(v.ops[2 * g].p.slice.begin[3], g);
		assert_int_equal(conv->code, AIM_OP_CONV2D);
		assert_memory_equal(v.consts + aim_operand(&v, conv, 1)->offset,
				    w + 2 * g, 8);
		assert_memory_equal(v.consts + aim_operand(&v, conv, 2)->offset,
				    bias + 2 * g, 8);
	}
	assert_int_equal(v.ops[4].code, AIM_OP_CONCAT);
}

/*
 * The bias of a channel whose multiplier is 0 is no matter, however large: the
 * reference answers with the zero point.
 */
static void test_dead_channels(void **state)
{
	static const signed char w[3] = { 127, -127, 127 };
	static const float scales[3] = { 0.01f, 1e-21f, 1e-21f };
	static const int bias[3] = { 1000, -2147483647, 2147483647 };
	static const int want[3] = { 1000, 0, 0 };
	const struct tb_tensor weights = {
		.name = "w", .type = TB_I8, .rank = 4, .dims = { 3, 1, 1, 1 },
		.data = w, .bytes = 3, .nr_scales = 3, .scales = scales,
	};
	int x = input(TB_I8, 4, D(1, 2, 2, 1)), y;
	struct tb_op *op;

	y = output(act("y", TB_I8, 4, D(1, 2, 2, 3)));
	op = tb_operator(&b, 3, 3, D(x, tb_add(&b, &weights),
				     tb_ints(&b, "b", 3, bias)), 1, &y);
	tb_option(op, 1, 1, 4, 1);
	tb_option(op, 1, 2, 4, 1);
	convert();
	assert_int_equal(v.nr_ops, 1);
	assert_memory_equal(v.consts + aim_operand(&v, &v.ops[0], 2)->offset,
			    want, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_output_read_on, done),
		cmocka_unit_test_teardown(test_output_copied, done),
		cmocka_unit_test_teardown(test_dead, done),
		cmocka_unit_test_teardown(test_unused_input, done),
		cmocka_unit_test_teardown(test_in_place, done),
		cmocka_unit_test_teardown(test_arena_chain, done),
		cmocka_unit_test_teardown(test_uint8_edges, done),
		cmocka_unit_test_teardown(test_uint8_quantize, done),
		cmocka_unit_test_teardown(test_computed_shape, done),
		cmocka_unit_test_teardown(test_calculated_shape, done),
		cmocka_unit_test_teardown(test_calculated_from_none, done),
		cmocka_unit_test_teardown(test_float16, done),
		cmocka_unit_test_teardown(test_large_buffer, done),
		cmocka_unit_test_teardown(test_name, done),
		cmocka_unit_test_teardown(test_groups, done),
		cmocka_unit_test_teardown(test_dead_channels, done),
	};

	tb_init(&b);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
