// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the converter refuses: each case is a small model with one thing wrong,
 * the errno it must get, and words that the sentence must have.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <aim_convert.h>
#include "tfl_builder.h"
#include "unit.h"

#define D4(a, b, c, d)	((const int[]){ a, b, c, d })

static struct tfl_builder b;
static char reason[AIM_CONVERT_REASON_LEN];

/* Convert what was built; @words: NULL, it must succeed. */
static void expect(int err, const char *words)
{
	struct aim_tfl_info info;
	size_t bytes, out_bytes;
	void *file, *out;
	int got;

	file = tb_finish(&b, &bytes);
	got = aim_convert_tflite(file, bytes, NULL, &out, &out_bytes, reason,
				 sizeof(reason));
	if (got != err)
		fail_msg("%d instead of %d: %s", got, err, reason);
	if (words && !strstr(reason, words))
		fail_msg("\"%s\" lacks \"%s\"", reason, words);
	assert_true(!!words == !!reason[0]);
	free(out);
	/* what conversion refuses, inspection lists, and the other way round */
	got = aim_tfl_inspect(file, bytes, &info, reason, sizeof(reason));
	if (!got) {
		if (!!words != !!info.nr_issues)
			fail_msg("%zu issues for \"%s\"", info.nr_issues,
				 words ? words : "");
		aim_tfl_info_free(&info);
	} else {
		assert_true(err == got);
	}
	free(file);
	tb_free(&b);
	tb_init(&b);
}

/* An int8 image as the model's input. */
static int image(int type)
{
	int x = tb_act(&b, "x", type, type == TB_F32 ? 0 : 0.5f, 0, 4,
		       D4(1, 4, 4, 2));

	b.inputs[0] = x;
	b.nr_inputs = 1;
	return x;
}

static int result(int t)
{
	b.outputs[0] = t;
	b.nr_outputs = 1;
	return t;
}

static struct tb_op *op1(int code, int x, int y)
{
	return tb_operator(&b, code, 1, &x, 1, &y);
}

/* A convolution of 1x1 that converts, to be spoiled. */
struct conv {
	struct tb_op *op;
	int x, w, bias, y;
};

static const signed char weights[6] = { 1, 2, 3, 4, 5, 6 };
static const int biases[3] = { 1, 2, 3 };

static struct conv conv(void)
{
	struct conv k;
	int in[3];

	k.x = image(TB_I8);
	k.w = tb_const(&b, "w", TB_I8, 0.01f, 0, 4, D4(3, 1, 1, 2), weights);
	k.bias = tb_ints(&b, "bias", 3, biases);
	k.y = result(tb_act(&b, "y", TB_I8, 0.25f, 3, 4, D4(1, 4, 4, 3)));
	in[0] = k.x;
	in[1] = k.w;
	in[2] = k.bias;
	k.op = tb_operator(&b, 3, 3, in, 1, &k.y);
	tb_option(k.op, 1, 0, 1, 1);
	tb_option(k.op, 1, 1, 4, 1);
	tb_option(k.op, 1, 2, 4, 1);
	return k;
}

static void test_conv_converts(void **state)
{
	conv();
	expect(0, NULL);
}

static void test_scales(void **state)
{
	static const float bad[] = { NAN, INFINITY, -1, 0 };
	static const float some[3] = { 0.1f, NAN, 0.1f };
	static const float two[2] = { 0.1f, 0.1f };
	struct conv k;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		k = conv();
		b.tensors[k.y].scale = bad[i];
		expect(-EINVAL, "tensor 'y'");
		k = conv();
		b.tensors[k.x].scale = bad[i];
		expect(-EINVAL, "tensor 'x'");
		k = conv();
		b.tensors[k.w].scale = bad[i];
		expect(-EINVAL, "'w'");
	}
	k = conv();
	b.tensors[k.w].nr_scales = 3;
	b.tensors[k.w].scales = some;
	expect(-EINVAL, "scale 1 of weights 'w' is nan");
	k = conv();
	b.tensors[k.w].nr_scales = 2;
	b.tensors[k.w].scales = two;
	expect(-EINVAL, "2 scales for 3 channels");
	k = conv();
	b.tensors[k.y].nr_scales = 0;
	expect(-EINVAL, "tensor 'y' has no scale");
	k = conv();
	b.tensors[k.y].scale = 1e-30f;
	expect(-EINVAL, "multiplier");
	k = conv();
	b.tensors[k.y].zero = 128;
	expect(-EINVAL, "zero point 128");
	k = conv();
	b.tensors[k.w].zero = 5;
	expect(-EOPNOTSUPP, "zero point of weights 'w'");
}

static void test_conv_shapes(void **state)
{
	struct conv k;

	k = conv();
	b.tensors[k.w].dims[3] = 3;
	b.tensors[k.w].dims[0] = 2;
	expect(-EINVAL, "weights for 3 channels don't fit an input of 2");
	k = conv();
	b.tensors[k.w].dims[3] = 1;
	b.tensors[k.w].dims[1] = 2;
	expect(-EINVAL, "weights for 1 channels don't fit an input of 2");
	k = conv();
	b.tensors[k.w].dims[0] = 4;
	expect(-EINVAL, "constant 'w' has 6 bytes, its shape needs 8");
	k = conv();
	k.op->fields[1].value = 0;
	expect(-EINVAL, "stride 0");
	k = conv();
	k.op->fields[0].value = 7;
	expect(-EINVAL, "padding 7");
	k = conv();
	tb_option(k.op, 1, 3, 1, 4);
	expect(-EOPNOTSUPP, "fused activation 4");
	k = conv();
	tb_option(k.op, 1, 4, 4, 0);
	expect(-EINVAL, "dilation 0");
	k = conv();
	k.op->options_type = 9;
	expect(-EBADMSG, "options of another kind");
	k = conv();
	b.tensors[k.bias].dims[0] = 2;
	b.tensors[k.bias].bytes = 8;
	expect(-EINVAL, "bias 'bias' must have 3 elements");
	k = conv();
	b.tensors[k.x].rank = 3;
	expect(-EINVAL, "4 dimensions");
	k = conv();
	b.tensors[k.x].dims[1] = -1;
	expect(-EOPNOTSUPP, "dimension 1 of tensor 'x' is not fixed");
	k = conv();
	b.tensors[k.x].dims[2] = 0;
	expect(-EOPNOTSUPP, "dimension 2 of tensor 'x' is 0");
	k = conv();
	b.tensors[k.x].dims[1] = 1 << 25;
	expect(-E2BIG, "too large");
	/* a batch that was left open is one */
	k = conv();
	b.tensors[k.x].dims[0] = -1;
	expect(0, NULL);
}

static void test_conv_operands(void **state)
{
	struct conv k;

	k = conv();
	k.op->nr_inputs = 1;
	expect(-EINVAL, "has 1 inputs");
	k = conv();
	k.op->inputs[1] = k.x;
	expect(-EOPNOTSUPP, "only constant weights");
	k = conv();
	k.op->inputs[1] = TB_NONE;
	expect(-EINVAL, "lacks its input 1");
	k = conv();
	k.op->outputs[0] = k.x;
	result(k.x);
	expect(-EINVAL, "has a value already");
	k = conv();
	k.op->outputs[0] = k.bias;
	expect(-EINVAL, "has a value already");
	k = conv();
	k.op->inputs[0] = k.y;
	expect(-EINVAL, "read before any operator writes it");
	k = conv();
	k.op->inputs[0] = 99;
	expect(-EBADMSG, "damaged");
	k = conv();
	k.op->inputs[2] = TB_NONE;
	expect(0, NULL);
}

static void test_types(void **state)
{
	struct conv k;

	k = conv();
	b.tensors[k.x].type = TB_F32;
	b.tensors[k.x].nr_scales = 0;
	expect(-EOPNOTSUPP, "hybrid operators");
	k = conv();
	b.tensors[k.x].type = TB_I16;
	expect(-EOPNOTSUPP, "int16 activations are not supported");
	k = conv();
	b.tensors[k.x].type = TB_STRING;
	expect(-EOPNOTSUPP, "holds strings");
	k = conv();
	b.tensors[k.x].type = TB_I64;
	expect(-EOPNOTSUPP, "type int64");
	k = conv();
	b.tensors[k.x].type = 77;
	expect(-EOPNOTSUPP, "unknown type");
	k = conv();
	b.tensors[k.y].type = TB_F32;
	b.tensors[k.y].nr_scales = 0;
	expect(-EOPNOTSUPP, "output of type float32");
	k = conv();
	b.tensors[k.bias].type = TB_F32;
	expect(-EOPNOTSUPP, "bias 'bias' must be of type int32");
	k = conv();
	b.tensors[k.x].is_variable = true;
	expect(-EOPNOTSUPP, "keeps state between runs");
	k = conv();
	b.tensors[k.w].sparse = true;
	expect(-EOPNOTSUPP, "is sparse");
}

static void test_frame(void **state)
{
	char junk[64] = "not a model";
	size_t out_bytes;
	struct conv k;
	void *out;

	conv();
	b.subgraphs = 2;
	expect(-EOPNOTSUPP, "2 graphs");
	conv();
	b.version = 2;
	expect(-ENOEXEC, "schema version 2");
	conv();
	b.nr_inputs = 0;
	expect(-EINVAL, "no input");
	conv();
	b.nr_outputs = 0;
	expect(-EINVAL, "no output");
	k = conv();
	b.inputs[b.nr_inputs++] = k.x;
	expect(-EINVAL, "listed twice");
	conv();
	b.nr_ops = 0;
	expect(-EINVAL, "no operator");
	conv();
	b.outputs[0] = 50;
	expect(-EBADMSG, "the graph's outputs");
	assert_int_equal(aim_convert_tflite(junk, sizeof(junk), NULL, &out,
					    &out_bytes, reason, sizeof(reason)),
			 -ENOEXEC);
	assert_null(out);
	assert_int_equal(aim_convert_tflite("", 0, NULL, &out, &out_bytes,
					    reason, 0), -ENOEXEC);
	assert_false(aim_is_tflite(junk, sizeof(junk)));
}

/* The operator's number, kind and tensor stand in front; then what to do. */
static void test_named(void **state)
{
	static const struct {
		int code;
		const char *words;
	} kinds[] = {
		{ 27, "operator 0 (SVDF, tensor 'cell1'): recurrent" },
		{ 44, "(UNIDIRECTIONAL_SEQUENCE_LSTM, tensor 'cell1'): recurrent" },
		{ 23, "(RESIZE_BILINEAR, tensor 'cell1'): resizing" },
		{ 119, "(WHILE, tensor 'cell1'): control flow" },
		{ 126, "(BATCH_MATMUL, tensor 'cell1'): this operator is not" },
		{ 206, "(STABLEHLO_COMPOSITE, tensor 'cell1')" },
		{ 100, "(MIRROR_PAD, tensor 'cell1')" },
		{ 3000, "(unknown operator 3000, tensor 'cell1')" },
		{ -7, "unknown operator" },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int x = image(TB_I8);

		op1(kinds[i].code, x,
		    result(tb_act(&b, "cell1", TB_I8, 1, 0, 4, D4(1, 4, 4, 2))));
		expect(-EOPNOTSUPP, kinds[i].words);
	}
}

static void test_custom(void **state)
{
	int x = image(TB_I8);
	char name[300];

	op1(TB_CUSTOM, x, result(tb_act(&b, "boxes", TB_I8, 1, 0, 1,
					(const int[]){ 4 })))->custom =
		"TFLite_Detection_PostProcess";
	expect(-EOPNOTSUPP, "custom 'TFLite_Detection_PostProcess'");

	/* names are cut and made harmless */
	memset(name, 'n', sizeof(name));
	name[299] = '\0';
	memcpy(name, "a\033[2J'\n\xff", 8);
	x = image(TB_I8);
	op1(TB_CUSTOM, x, result(tb_act(&b, name, TB_I8, 1, 0, 1,
					(const int[]){ 4 })))->custom = name;
	expect(-EOPNOTSUPP, "a?[2J???nnn");
}

static void test_pools(void **state)
{
	struct tb_op *op;
	int x, y;

	x = image(TB_I8);
	y = result(tb_act(&b, "y", TB_I8, 0.25f, 0, 4, D4(1, 2, 2, 2)));
	op = op1(1, x, y);
	tb_option(op, 5, 1, 4, 2);
	tb_option(op, 5, 2, 4, 2);
	tb_option(op, 5, 3, 4, 2);
	tb_option(op, 5, 4, 4, 2);
	expect(-EOPNOTSUPP, "must be quantised alike");

	x = image(TB_U8);
	y = result(tb_act(&b, "y", TB_U8, 0.5f, 0, 4, D4(1, 2, 2, 2)));
	op = op1(1, x, y);
	tb_option(op, 5, 1, 4, 2);
	tb_option(op, 5, 2, 4, 2);
	tb_option(op, 5, 3, 4, 3);
	tb_option(op, 5, 4, 4, 2);
	expect(-EOPNOTSUPP, "padded uint8 average");

	x = image(TB_I8);
	y = result(tb_act(&b, "y", TB_I8, 0.5f, 0, 4, D4(1, 2, 2, 2)));
	op = op1(17, x, y);
	tb_option(op, 5, 0, 1, 1);
	tb_option(op, 5, 1, 4, 1);
	tb_option(op, 5, 2, 4, 1);
	tb_option(op, 5, 3, 4, 5);
	tb_option(op, 5, 4, 4, 2);
	expect(-EINVAL, "window of 5 is larger than its input of 4");
}

static void pair(int code, float scale_b, float scale_y, const int *dims_b)
{
	int x = image(TB_I8), in[2] = { x, 0 }, y;

	in[1] = tb_const(&b, "c", TB_I8, scale_b, 0, 4, dims_b,
			 "01234567890123456789012345678901234567890123456789");
	y = result(tb_act(&b, "y", TB_I8, scale_y, 0, 4, D4(1, 4, 4, 2)));
	tb_operator(&b, code, 2, in, 1, &y);
}

static void test_pairs(void **state)
{
	pair(0, 0.5f, 0.5f, D4(1, 1, 1, 2));
	expect(0, NULL);
	pair(0, 0.5f, 0.5f, D4(1, 3, 1, 2));
	expect(-EINVAL, "dimensions 4 and 3");
	pair(0, 0.5f, 1e-8f, D4(1, 1, 1, 2));
	expect(-EINVAL, "too large for 1e-08");
	pair(18, 1e20f, 1e-20f, D4(1, 1, 1, 2));
	expect(-EINVAL, "too large");
}

static void reshape_to(int n, const int *shape)
{
	int x = image(TB_I8), in[2] = { x, tb_ints(&b, "shape", n, shape) }, y;

	y = result(tb_act(&b, "y", TB_I8, 0.5f, 0, 2, (const int[]){ 1, 32 }));
	tb_operator(&b, 22, 2, in, 1, &y);
}

static void test_shapes(void **state)
{
	int x, in[2], y;

	reshape_to(2, (const int[]){ 4, -1 });
	expect(0, NULL);
	reshape_to(2, (const int[]){ 5, -1 });
	expect(-EINVAL, "can't be given that shape");
	reshape_to(2, (const int[]){ -1, -1 });
	expect(-EINVAL, "dimension of -1");
	reshape_to(2, (const int[]){ 8, 2 });
	expect(-EINVAL, "16 elements, its input 32");
	reshape_to(2, (const int[]){ 1 << 20, 1 << 20 });
	expect(-EINVAL, "more elements");
	reshape_to(7, (const int[]){ 1, 1, 1, 1, 1, 1, 32 });
	expect(-EINVAL, "more than 6 elements");

	x = image(TB_I8);
	in[0] = x;
	in[1] = tb_ints(&b, "perm", 4, (const int[]){ 0, 1, 2, 2 });
	y = result(tb_act(&b, "y", TB_I8, 0.5f, 0, 4, D4(1, 4, 4, 2)));
	tb_operator(&b, 39, 2, in, 1, &y);
	expect(-EINVAL, "names dimension 2 twice");

	x = image(TB_I8);
	in[0] = x;
	in[1] = tb_const(&b, "pads", TB_I32, 0, 0, 2, (const int[]){ 4, 2 },
			 (const int[]){ 0, 0, -1, 0, 0, 0, 0, 0 });
	y = result(tb_act(&b, "y", TB_I8, 0.5f, 0, 4, D4(1, 3, 4, 2)));
	tb_operator(&b, 34, 2, in, 1, &y);
	expect(-EINVAL, "paddings -1 and 0");

	x = image(TB_I8);
	in[0] = x;
	in[1] = tb_ints(&b, "axes", 1, (const int[]){ 4 });
	y = result(tb_act(&b, "y", TB_I8, 0.5f, 0, 3, (const int[]){ 1, 4, 4 }));
	tb_operator(&b, 40, 2, in, 1, &y);
	expect(-EINVAL, "axis 4 is not one of its input's 4");
}

static void test_slices(void **state)
{
	int x = image(TB_I8), in[4] = { x, 0, 0, 0 }, y, outs[3];
	struct tb_op *op;

	in[1] = tb_ints(&b, "begin", 4, D4(0, 3, 0, 0));
	in[2] = tb_ints(&b, "size", 4, D4(1, 2, 4, 2));
	y = result(tb_act(&b, "y", TB_I8, 0.5f, 0, 4, D4(1, 2, 4, 2)));
	tb_operator(&b, 65, 3, in, 1, &y);
	expect(-EINVAL, "takes 2 of 4");

	in[0] = image(TB_I8);
	in[1] = tb_ints(&b, "begin", 4, D4(0, 3, 0, 0));
	in[2] = tb_ints(&b, "end", 4, D4(1, 0, 4, 2));
	in[3] = tb_ints(&b, "strides", 4, D4(1, -1, 1, 1));
	y = result(tb_act(&b, "y", TB_I8, 0.5f, 0, 4, D4(1, 3, 4, 2)));
	op = tb_operator(&b, 45, 4, in, 1, &y);
	expect(-EOPNOTSUPP, "stride of -1");

	in[0] = image(TB_I8);
	in[1] = tb_ints(&b, "begin", 4, D4(0, 3, 0, 0));
	in[2] = tb_ints(&b, "end", 4, D4(1, 3, 4, 2));
	in[3] = tb_ints(&b, "strides", 4, D4(1, 1, 1, 1));
	y = result(tb_act(&b, "y", TB_I8, 0.5f, 0, 4, D4(1, 1, 4, 2)));
	op = tb_operator(&b, 45, 4, in, 1, &y);
	expect(-EINVAL, "takes nothing of dimension 1");

	x = image(TB_I8);
	in[0] = tb_const(&b, "axis", TB_I32, 0, 0, 0, NULL, (const int[]){ 1 });
	in[1] = x;
	for (y = 0; y < 3; y++)
		outs[y] = tb_act(&b, "y", TB_I8, 0.5f, 0, 4, D4(1, 1, 4, 2));
	result(outs[0]);
	op = tb_operator(&b, 49, 2, in, 3, outs);
	tb_option(op, 35, 0, 4, 3);
	expect(-EINVAL, "3 outputs of a dimension of 4");
}

static void test_softmax(void **state)
{
	int x = image(TB_I8), y;

	y = result(tb_act(&b, "y", TB_I8, 1.0f / 128, -128, 4, D4(1, 4, 4, 2)));
	tb_option_float(op1(25, x, y), 9, 0, 1);
	expect(-EOPNOTSUPP, "scale of 1/256");
	x = image(TB_I8);
	y = result(tb_act(&b, "y", TB_I8, 1.0f / 256, -128, 4, D4(1, 4, 4, 2)));
	tb_option_float(op1(25, x, y), 9, 0, NAN);
	expect(-EINVAL, "beta is nan");
	x = image(TB_I8);
	b.tensors[x].scale = 1e-12f;
	y = result(tb_act(&b, "y", TB_I8, 1.0f / 256, -128, 4, D4(1, 4, 4, 2)));
	tb_option_float(op1(25, x, y), 9, 0, 1);
	expect(-EINVAL, "out of range");
}

/* Weights less their zero point that don't even fit the sum of two int8. */
static void test_wide_weights(void **state)
{
	static const u8 w[8] = { 255, 0, 1, 2, 3, 4, 5, 6 };
	int x = image(TB_U8), in[2] = { x, 0 }, y;
	struct tb_op *op;

	in[1] = tb_const(&b, "w", TB_U8, 0.1f, 0, 2, (const int[]){ 4, 2 }, w);
	y = result(tb_act(&b, "y", TB_U8, 1, 0, 2, (const int[]){ 16, 4 }));
	tb_operator(&b, 9, 2, in, 1, &y);
	expect(-EOPNOTSUPP, "a zero point of 0 with a weight of 255");

	in[0] = image(TB_U8);
	in[1] = tb_const(&b, "w", TB_U8, 0.1f, 100, 4, D4(1, 1, 2, 2), w);
	y = result(tb_act(&b, "y", TB_U8, 1, 0, 4, D4(1, 4, 2, 2)));
	op = tb_operator(&b, 4, 2, in, 1, &y);
	tb_option(op, 2, 0, 1, 1);
	tb_option(op, 2, 1, 4, 1);
	tb_option(op, 2, 2, 4, 1);
	tb_option(op, 2, 5, 4, 2);
	expect(-EOPNOTSUPP, "dilation with weights of such a range");

	in[0] = image(TB_U8);
	in[1] = tb_const(&b, "w", TB_U8, 0.1f, 100, 4, D4(2, 1, 1, 1), w);
	y = result(tb_act(&b, "y", TB_U8, 1, 0, 4, D4(1, 4, 4, 2)));
	op = tb_operator(&b, 3, 2, in, 1, &y);
	tb_option(op, 1, 1, 4, 1);
	tb_option(op, 1, 2, 4, 1);
	expect(-EOPNOTSUPP, "groups with weights of such a range");
}

/* What the format lacks and others stand in for has limits of its own. */
static void test_stand_ins(void **state)
{
	int x = image(TB_F32), in[3] = { x, 0, 0 }, y;
	struct tb_op *op;

	in[1] = tb_const(&b, "zero", TB_F32, 0, 0, 0, NULL, &(float){ 0 });
	y = result(tb_act(&b, "y", TB_F32, 0, 0, 4, D4(1, 4, 4, 2)));
	tb_operator(&b, 42, 2, in, 1, &y);
	expect(-EINVAL, "a divisor has no inverse");

	in[0] = image(TB_F32);
	in[1] = tb_const(&b, "nan", TB_F32, 0, 0, 0, NULL, &(float){ NAN });
	y = result(tb_act(&b, "y", TB_F32, 0, 0, 4, D4(1, 4, 4, 2)));
	tb_operator(&b, 55, 2, in, 1, &y);
	expect(-EINVAL, "is not a number");

	in[0] = image(TB_I8);
	in[1] = tb_ints(&b, "axes", 1, (const int[]){ 3 });
	y = result(tb_act(&b, "y", TB_I8, 0.5f, 0, 3, (const int[]){ 1, 4, 4 }));
	tb_operator(&b, 82, 2, in, 1, &y);
	expect(-EOPNOTSUPP, "over height and width");

	in[0] = image(TB_I8);
	in[1] = tb_ints(&b, "block", 2, (const int[]){ 3, 1 });
	in[2] = tb_const(&b, "pads", TB_I32, 0, 0, 2, (const int[]){ 2, 2 },
			 D4(0, 0, 0, 0));
	y = result(tb_act(&b, "y", TB_I8, 0.5f, 0, 4, D4(3, 1, 4, 2)));
	tb_operator(&b, 38, 3, in, 1, &y);
	expect(-EINVAL, "can't make blocks of 3 of 4");

	x = image(TB_I8);
	y = result(tb_act(&b, "y", TB_I8, 0.5f, 0, 4, D4(1, 1, 1, 32)));
	op = op1(26, x, y);
	tb_option(op, 19, 0, 4, 3);
	expect(-EINVAL, "blocks of 3 of 4 by 4");

	x = image(TB_F32);
	y = result(tb_act(&b, "y", TB_U8, 1, 0, 4, D4(1, 4, 4, 2)));
	op1(53, x, y);
	expect(-EOPNOTSUPP, "from float32 to uint8");

	x = image(TB_I32);
	y = result(tb_act(&b, "y", TB_F32, 0, 0, 4, D4(1, 4, 4, 2)));
	op1(53, x, y);
	expect(-EOPNOTSUPP, "from int32 to float32");

	in[0] = tb_ints(&b, "shape", 4, D4(1, 40, 4, 2));
	in[1] = tb_const(&b, "w", TB_F32, 0, 0, 4, D4(2, 1, 1, 2),
			 (const float[4]){ 0 });
	in[2] = image(TB_F32);
	y = result(tb_act(&b, "y", TB_F32, 0, 0, 4, D4(1, 40, 4, 2)));
	op = tb_operator(&b, 67, 3, in, 1, &y);
	tb_option(op, 49, 0, 1, 1);
	tb_option(op, 49, 1, 4, 1);
	tb_option(op, 49, 2, 4, 1);
	expect(-EOPNOTSUPP, "an output of 40 for an input of 4");

	in[0] = image(TB_F32);
	in[1] = tb_ints(&b, "size", 2, (const int[]){ 6, 8 });
	y = result(tb_act(&b, "y", TB_F32, 0, 0, 4, D4(1, 6, 8, 2)));
	tb_operator(&b, 97, 2, in, 1, &y);
	expect(-EOPNOTSUPP, "from 4 to 6: only whole multiples");

	/* a shape can be computed, but not be a result */
	x = image(TB_F32);
	y = result(tb_act(&b, "y", TB_I32, 0, 0, 1, (const int[]){ 4 }));
	op1(77, x, y);
	expect(-EOPNOTSUPP, "is a computed shape");
}

/* ADD of what SHAPE says and @n numbers */
static void add_to_shape(int n, const int *numbers)
{
	int x = image(TB_F32), y, in[2];

	in[0] = tb_act(&b, "shape", TB_I32, 0, 0, 1, (const int[]){ 4 });
	in[1] = tb_ints(&b, "with", n, numbers);
	op1(77, x, in[0]);
	y = tb_act(&b, "sum", TB_I32, 0, 0, 1, (const int[]){ 4 });
	tb_operator(&b, 0, 2, in, 1, &y);
	result(x);
}

static void test_calculations(void **state)
{
	int x, in[2], y;

	add_to_shape(4, D4(0, 2147483643, 0, 0));
	expect(0, NULL);
	add_to_shape(4, D4(0, 2147483644, 0, 0));
	expect(-EINVAL, "a result is too large");
	add_to_shape(3, D4(1, 2, 3, 0));
	expect(-EINVAL, "its inputs have 4 and 3 elements");

	/* integers that only a run would tell */
	x = image(TB_I32);
	in[0] = x;
	in[1] = tb_ints(&b, "one", 1, D4(1, 0, 0, 0));
	y = result(tb_act(&b, "y", TB_I32, 0, 0, 4, D4(1, 4, 4, 2)));
	tb_operator(&b, 0, 2, in, 1, &y);
	expect(-EOPNOTSUPP, "inputs of types int32 and int32");
}

/*
 * Many operators that unpack the same constant would make a file many times as
 * large as their own: there is a limit.
 */
static void test_out_of_proportion(void **state)
{
	int n = 4 << 20, i, shared, x = image(TB_F32), y = 0;
	void *data = calloc(1, (size_t)n);

	assert_non_null(data);
	shared = tb_const(&b, "w", TB_I8, 0.5f, 0, 1, &n, data);
	for (i = 0; i < 20; i++) {
		y = tb_act(&b, "y", TB_F32, 0, 0, 1, &n);
		op1(6, shared, y);
	}
	result(y);
	op1(14, x, tb_act(&b, "z", TB_F32, 0, 0, 4, D4(1, 4, 4, 2)));
	expect(-E2BIG, "out of proportion");
	free(data);
}

/* Everything that is wrong is listed, not only what comes first. */
static void test_issues(void **state)
{
	int x = image(TB_I8), y, z, w;
	struct aim_tfl_info info;
	size_t bytes;
	void *file;

	y = tb_act(&b, "one", TB_I8, 1, 0, 4, D4(1, 4, 4, 2));
	z = tb_act(&b, "two", TB_I8, 1, 0, 4, D4(1, 4, 4, 2));
	w = result(tb_act(&b, "three", TB_I8, 1, 0, 4, D4(1, 4, 4, 2)));
	op1(27, x, y);
	op1(19, y, z);
	op1(23, z, w);
	file = tb_finish(&b, &bytes);
	assert_int_equal(aim_tfl_inspect(file, bytes, &info, reason,
					 sizeof(reason)), 0);
	assert_int_equal(info.nr_issues, 2);
	assert_non_null(strstr(info.issues[0], "operator 0 (SVDF"));
	assert_non_null(strstr(info.issues[1], "operator 2 (RESIZE_BILINEAR"));
	assert_int_equal(info.operators, 3);
	assert_int_equal(info.nr_ops, 3);
	assert_int_equal(info.nr_inputs, 1);
	assert_memory_equal(info.inputs[0].name, "x", 2);
	assert_memory_equal(info.inputs[0].type, "int8", 5);
	assert_int_equal(info.inputs[0].rank, 4);
	assert_int_equal(info.inputs[0].dims[3], 2);
	assert_true(info.inputs[0].scale == 0.5);
	assert_memory_equal(info.description, "made by a test", 15);
	aim_tfl_info_free(&info);
	free(file);
	tb_free(&b);
	tb_init(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conv_converts),
		cmocka_unit_test(test_scales),
		cmocka_unit_test(test_conv_shapes),
		cmocka_unit_test(test_conv_operands),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_frame),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_custom),
		cmocka_unit_test(test_pools),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_softmax),
		cmocka_unit_test(test_wide_weights),
		cmocka_unit_test(test_stand_ins),
		cmocka_unit_test(test_calculations),
		cmocka_unit_test(test_out_of_proportion),
		cmocka_unit_test(test_issues),
	};

	tb_init(&b);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
