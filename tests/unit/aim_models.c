// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Valid models for every operator. Shapes are small but not all alike, so that
 * a mixed-up dimension shows.
 */
#include "aim_builder.h"

#define IN	AIM_PLACE_INPUT
#define OUT	AIM_PLACE_OUTPUT
#define ARENA	AIM_PLACE_ARENA
#define CONST	AIM_PLACE_CONST
#define S8	AIM_TYPE_S8
#define U8	AIM_TYPE_U8
#define S16	AIM_TYPE_S16
#define S32	AIM_TYPE_S32
#define F32	AIM_TYPE_F32
#define M	0x60000000	/* a multiplier: 0.75 */

static const struct aim_clamp full_s8 = { -128, 127 };
static const struct aim_clamp full_f32 = { (s32)0xff800000, AB_INFINITY };

static u32 tensor(struct aim_builder *b, const char *name, u32 type, u32 where,
		  u32 rank, const u32 *dims)
{
	u32 t = ab_tensor(b, name, type, where, rank, dims);

	if (type != F32 && type != S32)
		ab_quant(b, t, AB_HALF, type == U8 ? 128 : 3);
	if (where == CONST) {
		b->tensors[t].zero_point = 0;
		ab_fill(b, t, t + 1);
	}
	return t;
}

static void start(struct aim_builder *b, const char *name)
{
	b->h.name = ab_string(b, name);
	ab_meta(b, "source", "aim_models.c");
}

static struct aim_p_conv *image_layer(struct aim_builder *b, u32 code, u32 type,
				      u32 out_c, u32 kernel_h, u32 kernel_w)
{
	struct aim_op *op = ab_op(b, code, AB_IN(0, 2, 3), 1);
	u32 w;

	if (code == AIM_OP_CONV2D)
		w = tensor(b, "weights", type, CONST,
			   AB_DIMS(out_c, kernel_h, kernel_w, 3));
	else
		w = tensor(b, "weights", type, CONST,
			   AB_DIMS(1, kernel_h, kernel_w, out_c));
	tensor(b, "bias", type == S8 ? S32 : F32, CONST, AB_DIMS(out_c));
	op->name = ab_string(b, "layer");
	op->p.conv.stride_h = op->p.conv.stride_w = 1;
	op->p.conv.dilation_h = op->p.conv.dilation_w = 1;
	op->p.conv.clamp = type == S8 ? full_s8 : full_f32;
	if (type == S8) {
		op->p.conv.requant_first = ab_requant(b, out_c, M, -8);
		ab_scales(b, w, out_c, AB_HALF);
	}
	return &op->p.conv;
}

static void conv(struct aim_builder *b, u32 type)
{
	struct aim_p_conv *p;

	start(b, "conv");
	tensor(b, "x", type, IN, AB_DIMS(2, 7, 6, 3));
	tensor(b, "y", type, OUT, AB_DIMS(2, 4, 5, 5));
	p = image_layer(b, AIM_OP_CONV2D, type, 5, 3, 2);
	p->stride_h = 2;
	p->pad_top = 1;
	p->pad_bottom = 1;
}

static void conv_s8(struct aim_builder *b)
{
	conv(b, S8);
}

static void conv_f32(struct aim_builder *b)
{
	conv(b, F32);
}

/* dilated, padded more than it needs, no bias, multiplier above one */
static void conv_dilated_s8(struct aim_builder *b)
{
	struct aim_p_conv *p;

	start(b, "dilated");
	tensor(b, "x", S8, IN, AB_DIMS(1, 6, 6, 3));
	tensor(b, "y", S8, OUT, AB_DIMS(1, 6, 8, 2));
	p = image_layer(b, AIM_OP_CONV2D, S8, 2, 3, 3);
	b->operands[2] = AB_NONE;
	p->dilation_h = 2;
	p->pad_top = 2;
	p->pad_bottom = 2;
	p->pad_left = 2;
	p->pad_right = 2;
	b->requants[p->requant_first].shift = 3;
}

static void depthwise(struct aim_builder *b, u32 type)
{
	struct aim_p_conv *p;

	start(b, "depthwise");
	tensor(b, "x", type, IN, AB_DIMS(1, 5, 6, 3));
	tensor(b, "y", type, OUT, AB_DIMS(1, 5, 3, 6));
	p = image_layer(b, AIM_OP_DEPTHWISE, type, 6, 3, 3);
	p->stride_w = 2;
	p->pad_top = 1;
	p->pad_bottom = 1;
	p->pad_right = 1;
	p->depth_multiplier = 2;
}

static void depthwise_s8(struct aim_builder *b)
{
	depthwise(b, S8);
}

static void depthwise_f32(struct aim_builder *b)
{
	depthwise(b, F32);
}

static void fc(struct aim_builder *b, u32 type)
{
	struct aim_op *op;

	start(b, "fc");
	tensor(b, "x", type, IN, AB_DIMS(2, 12));
	tensor(b, "y", type, OUT, AB_DIMS(2, 5));
	tensor(b, "weights", type, CONST, AB_DIMS(5, 12));
	tensor(b, "bias", type == S8 ? S32 : F32, CONST, AB_DIMS(5));
	op = ab_op(b, AIM_OP_FC, AB_IN(0, 2, 3), 1);
	op->name = ab_string(b, "layer");
	op->p.fc.clamp = type == S8 ? full_s8 : full_f32;
	if (type == S8)
		op->p.fc.requant_first = ab_requant(b, 5, M, -8);
}

static void fc_s8(struct aim_builder *b)
{
	fc(b, S8);
}

static void fc_f32(struct aim_builder *b)
{
	fc(b, F32);
}

static void pool(struct aim_builder *b, u32 code, u32 type)
{
	struct aim_op *op;

	start(b, "pool");
	tensor(b, "x", type, IN, AB_DIMS(2, 5, 7, 3));
	tensor(b, "y", type, OUT, AB_DIMS(2, 3, 3, 3));
	op = ab_op(b, code, AB_IN(0), 1);
	op->name = ab_string(b, "pool");
	op->p.pool = (struct aim_p_pool){
		.kernel_h = 3, .kernel_w = 2, .stride_h = 2, .stride_w = 2,
		.pad_top = 1, .pad_bottom = 1,
		.clamp = type == S8 ? full_s8 : full_f32,
	};
}

static void avgpool_s8(struct aim_builder *b)
{
	pool(b, AIM_OP_AVGPOOL, S8);
}

static void avgpool_f32(struct aim_builder *b)
{
	pool(b, AIM_OP_AVGPOOL, F32);
}

static void maxpool_s8(struct aim_builder *b)
{
	pool(b, AIM_OP_MAXPOOL, S8);
}

static void maxpool_f32(struct aim_builder *b)
{
	pool(b, AIM_OP_MAXPOOL, F32);
}

static void binary(struct aim_builder *b, u32 code, u32 type, u32 rank,
		   const u32 *dims)
{
	struct aim_p_binary *p;

	start(b, "binary");
	tensor(b, "a", type, IN, AB_DIMS(2, 3, 4));
	tensor(b, "y", type, OUT, AB_DIMS(2, 3, 4));
	tensor(b, "b", type, IN, rank, dims);
	p = &ab_op(b, code, AB_IN(0, 2), 1)->p.binary;
	b->ops[0].name = ab_string(b, "pair");
	p->clamp = type == S8 ? full_s8 : full_f32;
	if (type == F32)
		return;
	p->out = (struct aim_requant){ M, code == AIM_OP_MUL ? -4 : -18 };
	if (code == AIM_OP_MUL)
		return;
	p->a = (struct aim_requant){ M, -1 };
	p->b = (struct aim_requant){ M, 0 };
	p->left_shift = 20;
}

static void add_s8(struct aim_builder *b)
{
	binary(b, AIM_OP_ADD, S8, AB_DIMS(2, 3, 4));
}

static void add_f32(struct aim_builder *b)
{
	binary(b, AIM_OP_ADD, F32, AB_DIMS(2, 3, 4));
}

static void add_broadcast_s8(struct aim_builder *b)
{
	binary(b, AIM_OP_ADD, S8, AB_DIMS(3, 1));
}

static void sub_s8(struct aim_builder *b)
{
	binary(b, AIM_OP_SUB, S8, AB_DIMS(1, 3, 4));
}

static void sub_f32(struct aim_builder *b)
{
	binary(b, AIM_OP_SUB, F32, AB_DIMS(4));
}

static void mul_s8(struct aim_builder *b)
{
	binary(b, AIM_OP_MUL, S8, AB_DIMS(2, 1, 4));
}

static void mul_f32(struct aim_builder *b)
{
	binary(b, AIM_OP_MUL, F32, 0, NULL);
}

static void concat_s8(struct aim_builder *b)
{
	start(b, "concat");
	tensor(b, "a", S8, IN, AB_DIMS(2, 3, 4));
	tensor(b, "y", S8, OUT, AB_DIMS(2, 6, 4));
	tensor(b, "b", S8, IN, AB_DIMS(2, 1, 4));
	tensor(b, "c", S8, IN, AB_DIMS(2, 2, 4));
	ab_op(b, AIM_OP_CONCAT, AB_IN(0, 2, 3), 1)->p.concat.axis = 1;
}

static void concat_f32(struct aim_builder *b)
{
	start(b, "concat");
	tensor(b, "a", F32, IN, AB_DIMS(2, 3));
	tensor(b, "y", F32, OUT, AB_DIMS(2, 6));
	ab_op(b, AIM_OP_CONCAT, AB_IN(0, 0), 1)->p.concat.axis = 1;
}

static void pad(struct aim_builder *b, u32 type)
{
	struct aim_p_pad *p;

	start(b, "pad");
	tensor(b, "x", type, IN, AB_DIMS(2, 3, 1, 2));
	tensor(b, "y", type, OUT, AB_DIMS(2, 6, 1, 7));
	p = &ab_op(b, AIM_OP_PAD, AB_IN(0), 1)->p.pad;
	p->before[1] = 1;
	p->after[1] = 2;
	p->after[3] = 5;
	p->value = type == S8 ? -7 : 7;
}

static void pad_s8(struct aim_builder *b)
{
	pad(b, S8);
}

static void pad_u8(struct aim_builder *b)
{
	pad(b, U8);
}

static void pad_s16(struct aim_builder *b)
{
	pad(b, S16);
}

static void pad_f32(struct aim_builder *b)
{
	pad(b, F32);
}

static void reshape_s8(struct aim_builder *b)
{
	start(b, "reshape");
	tensor(b, "x", S8, IN, AB_DIMS(2, 3, 4));
	tensor(b, "y", S8, OUT, AB_DIMS(4, 6));
	ab_op(b, AIM_OP_RESHAPE, AB_IN(0), 1);
}

static void transpose(struct aim_builder *b, u32 type)
{
	u32 *perm;

	start(b, "transpose");
	tensor(b, "x", type, IN, AB_DIMS(2, 3, 4, 5));
	tensor(b, "y", type, OUT, AB_DIMS(2, 5, 3, 4));
	perm = ab_op(b, AIM_OP_TRANSPOSE, AB_IN(0), 1)->p.transpose.perm;
	perm[1] = 3;
	perm[2] = 1;
	perm[3] = 2;
}

static void transpose_u8(struct aim_builder *b)
{
	transpose(b, U8);
}

static void transpose_f32(struct aim_builder *b)
{
	transpose(b, F32);
}

static void mean(struct aim_builder *b, u32 type, u32 rank, const u32 *dims)
{
	struct aim_p_mean *p;

	start(b, "mean");
	tensor(b, "x", type, IN, AB_DIMS(2, 3, 4, 5));
	tensor(b, "y", type, OUT, rank, dims);
	p = &ab_op(b, AIM_OP_MEAN, AB_IN(0), 1)->p.mean;
	p->axes = 6;
	p->clamp = type == S8 ? full_s8 : full_f32;
	if (type == S8)
		p->requant = (struct aim_requant){ M, -3 };
}

static void mean_s8(struct aim_builder *b)
{
	mean(b, S8, AB_DIMS(2, 1, 1, 5));
}

static void mean_dropped_s8(struct aim_builder *b)
{
	mean(b, S8, AB_DIMS(2, 5));
}

static void mean_f32(struct aim_builder *b)
{
	mean(b, F32, AB_DIMS(2, 5));
}

static void softmax_s8(struct aim_builder *b)
{
	struct aim_op *op;

	start(b, "softmax");
	tensor(b, "x", S8, IN, AB_DIMS(2, 10));
	ab_quant(b, tensor(b, "y", S8, OUT, AB_DIMS(2, 10)), 0x3b800000, -128);
	op = ab_op(b, AIM_OP_SOFTMAX, AB_IN(0), 1);
	op->p.softmax = (struct aim_p_softmax){ 0, M, 23, -248 };
}

static void softmax_f32(struct aim_builder *b)
{
	start(b, "softmax");
	tensor(b, "x", F32, IN, AB_DIMS(3, 2, 5));
	tensor(b, "y", F32, OUT, AB_DIMS(3, 2, 5));
	ab_op(b, AIM_OP_SOFTMAX, AB_IN(0), 1)->p.softmax.beta_bits = AB_ONE;
}

static void lut8(struct aim_builder *b)
{
	start(b, "lut8");
	tensor(b, "x", U8, IN, AB_DIMS(3, 7));
	tensor(b, "y", S8, OUT, AB_DIMS(3, 7));
	tensor(b, "table", S8, CONST, AB_DIMS(256));
	ab_op(b, AIM_OP_LUT8, AB_IN(0, 2), 1);
}

static void quantize(struct aim_builder *b)
{
	start(b, "quantize");
	tensor(b, "x", F32, IN, AB_DIMS(3, 7));
	tensor(b, "y", S16, OUT, AB_DIMS(3, 7));
	ab_op(b, AIM_OP_QUANTIZE, AB_IN(0), 1);
}

static void dequantize(struct aim_builder *b)
{
	start(b, "dequantize");
	tensor(b, "x", U8, IN, AB_DIMS(3, 7));
	tensor(b, "y", F32, OUT, AB_DIMS(3, 7));
	ab_op(b, AIM_OP_DEQUANTIZE, AB_IN(0), 1);
}

static void unary(struct aim_builder *b)
{
	start(b, "unary");
	tensor(b, "x", F32, IN, AB_DIMS(3, 7));
	tensor(b, "y", F32, OUT, AB_DIMS(3, 7));
	ab_op(b, AIM_OP_UNARY, AB_IN(0), 1)->p.unary =
		(struct aim_p_unary){ AIM_UNARY_LEAKY_RELU, AB_HALF };
}

static void slice(struct aim_builder *b)
{
	struct aim_p_slice *p;

	start(b, "slice");
	tensor(b, "x", S8, IN, AB_DIMS(4, 9, 3));
	tensor(b, "y", S8, OUT, AB_DIMS(2, 3, 1));
	p = &ab_op(b, AIM_OP_SLICE, AB_IN(0), 1)->p.slice;
	p->begin[0] = 2;
	p->begin[1] = 1;
	p->begin[2] = 2;
	p->stride[0] = 1;
	p->stride[1] = 3;
	p->stride[2] = 5;
}

/*
 * Six operators over an arena of two places that are used again and again:
 * quantize, lut in place, reshape in place, two branches, add.
 */
static void chain(struct aim_builder *b)
{
	u32 q, l, r, s, a;

	start(b, "chain");
	tensor(b, "x", F32, IN, AB_DIMS(2, 8));
	tensor(b, "y", S8, OUT, AB_DIMS(4, 4));
	tensor(b, "table", S8, CONST, AB_DIMS(256));
	q = tensor(b, "q", S8, ARENA, AB_DIMS(2, 8));		/* 3 */
	l = tensor(b, "l", S8, ARENA, AB_DIMS(2, 8));		/* 4 */
	r = tensor(b, "r", S8, ARENA, AB_DIMS(4, 4));		/* 5 */
	s = tensor(b, "s", S8, ARENA, AB_DIMS(4, 4));		/* 6 */
	a = tensor(b, "a", S8, ARENA, AB_DIMS(4, 4));		/* 7 */
	b->tensors[q].offset = b->tensors[l].offset = 0;
	b->tensors[r].offset = 0;
	b->tensors[s].offset = 64;
	b->tensors[a].offset = 128;
	b->h.arena_bytes = 192;
	ab_op(b, AIM_OP_QUANTIZE, AB_IN(0), q);
	ab_op(b, AIM_OP_LUT8, AB_IN(q, 2), l);
	ab_op(b, AIM_OP_RESHAPE, AB_IN(l), r);
	ab_op(b, AIM_OP_TRANSPOSE, AB_IN(r), s)->p.transpose.perm[0] = 1;
	ab_op(b, AIM_OP_ADD, AB_IN(r, s), a)->p.binary = (struct aim_p_binary){
		.a = { M, 0 }, .b = { M, 0 }, .out = { M, -19 },
		.left_shift = 20, .clamp = full_s8,
	};
	ab_op(b, AIM_OP_RESHAPE, AB_IN(a), 1);
}

#define MODEL(f) { #f, f }
const struct ab_model ab_models[] = {
	MODEL(conv_s8), MODEL(conv_f32), MODEL(conv_dilated_s8),
	MODEL(depthwise_s8), MODEL(depthwise_f32), MODEL(fc_s8), MODEL(fc_f32),
	MODEL(avgpool_s8), MODEL(avgpool_f32), MODEL(maxpool_s8),
	MODEL(maxpool_f32), MODEL(add_s8), MODEL(add_f32),
	MODEL(add_broadcast_s8), MODEL(sub_s8), MODEL(sub_f32), MODEL(mul_s8),
	MODEL(mul_f32), MODEL(concat_s8), MODEL(concat_f32), MODEL(pad_s8),
	MODEL(pad_u8), MODEL(pad_s16), MODEL(pad_f32), MODEL(reshape_s8),
	MODEL(transpose_u8), MODEL(transpose_f32), MODEL(mean_s8),
	MODEL(mean_dropped_s8), MODEL(mean_f32), MODEL(softmax_s8),
	MODEL(softmax_f32), MODEL(lut8), MODEL(quantize), MODEL(dequantize),
	MODEL(unary), MODEL(slice), MODEL(chain),
};

const u32 ab_nr_models = sizeof(ab_models) / sizeof(ab_models[0]);
