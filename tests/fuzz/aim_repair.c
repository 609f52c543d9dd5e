// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes a mutated model consistent again, as far as that is cheap: each
 * operator's output gets the shape that follows from its inputs, constants and
 * requant records get room, inputs and outputs are numbered, arena tensors get
 * places of their own. What it leaves wrong, the verifier is to find.
 */
#include "aim_mutate.h"

static u32 type_size(u32 type)
{
	return type == AIM_TYPE_S16 ? 2 :
	       type == AIM_TYPE_S32 || type == AIM_TYPE_F32 ? 4 : 1;
}

static void set_shape(struct aim_tensor *t, u32 type, u32 rank, const u32 *dims)
{
	u32 i;

	t->type = type;
	t->rank = rank;
	t->bytes = type_size(type);
	for (i = 0; i < AIM_MAX_RANK; i++) {
		t->dims[i] = i < rank ? dims[i] : 1;
		t->bytes *= t->dims[i];
	}
	if (type == AIM_TYPE_F32) {
		t->scale_bits = 0;
		t->scales_count = 0;
		t->scales_first = 0;
	}
	if (type == AIM_TYPE_F32 || type == AIM_TYPE_S32)
		t->zero_point = 0;
	else if (type == AIM_TYPE_U8)
		t->zero_point = (u8)t->zero_point;
	else
		t->zero_point = (s8)t->zero_point;
}

static u32 extent(u32 in, u32 before, u32 after, u32 kernel, u32 dilation,
		  u32 stride)
{
	u64 span = (u64)in + before + after;
	u64 size = (u64)(kernel - 1) * dilation + 1;

	return span < size || !stride ? 0 : (span - size) / stride + 1;
}

static void make_constant(struct aim_builder *b, u32 tensor)
{
	struct aim_tensor *t = &b->tensors[tensor];

	t->place = AIM_PLACE_CONST;
	if (t->offset % 64 == 0 && t->offset <= b->data_bytes &&
	    t->bytes <= b->data_bytes - t->offset)
		return;
	t->offset = (b->data_bytes + 63) & ~63U;
	if (t->offset > AB_DATA || t->bytes > AB_DATA - t->offset)
		return;
	b->data_bytes = t->offset + t->bytes;
	ab_fill(b, tensor, tensor);
}

static void repair_layer(struct aim_builder *b, struct aim_op *op, const u32 *o)
{
	struct aim_tensor *x = &b->tensors[o[0]], *w = &b->tensors[o[1]];
	u32 y[AIM_MAX_RANK] = { 0 };
	u32 channels = 0, *requant = &op->p.conv.requant_first, i;
	const u32 *p = op->p.raw;

	if (op->code == AIM_OP_FC) {
		u64 n = x->bytes / type_size(x->type);

		requant = &op->p.fc.requant_first;
		if (w->rank != 2 || !w->dims[1] || n % w->dims[1])
			set_shape(w, x->type, 2, (u32[]){
				w->dims[0] < 64 ? w->dims[0] : 7, n });
		if (!w->dims[1])
			return;
		channels = w->dims[0];
		y[0] = n / w->dims[1];
		y[1] = channels;
		set_shape(&b->tensors[o[3]], x->type, 2, y);
	} else {
		memcpy(y, w->dims, 16);
		if (op->code == AIM_OP_CONV2D) {
			y[3] = x->dims[3];
		} else {
			y[0] = 1;
			y[3] = x->dims[3] * op->p.conv.depth_multiplier;
		}
		if (x->rank == 4)
			set_shape(w, x->type, 4, y);
		channels = op->code == AIM_OP_CONV2D ? y[0] : y[3];
		y[0] = x->dims[0];
		for (i = 0; i < 2; i++)
			y[1 + i] = extent(x->dims[1 + i], p[4 + 2 * i],
					  p[5 + 2 * i], w->dims[1 + i],
					  p[2 + i], p[i]);
		y[3] = channels;
		set_shape(&b->tensors[o[3]], x->type, 4, y);
	}
	w->type = x->type;
	w->zero_point = 0;
	make_constant(b, o[1]);
	if (w->scales_count && w->scales_count != channels)
		w->scales_count = w->scales_first = 0;
	if (o[2] < b->nr_tensors) {
		set_shape(&b->tensors[o[2]], x->type == AIM_TYPE_F32 ?
			  AIM_TYPE_F32 : AIM_TYPE_S32, 1, &channels);
		make_constant(b, o[2]);
	}
	if (x->type == AIM_TYPE_F32)
		*requant = 0;
	else if ((u64)*requant + channels > b->nr_requants &&
		 channels <= AB_RECORDS - b->nr_requants)
		*requant = ab_requant(b, channels, 0x4b3a2917, -7);
}

static void repair_clamp(struct aim_clamp *c, u32 type)
{
	const struct aim_clamp f32 = { (s32)0xc1200000, 0x41200000 };

	if (type == AIM_TYPE_F32) {
		*c = f32;
	} else if (c->min < -128 || c->max > 127 || c->min > c->max) {
		c->min = -128;
		c->max = 127;
	}
}

static void repair_pool(struct aim_tensor *x, struct aim_tensor *y,
			struct aim_p_pool *p)
{
	const u32 dims[] = {
		x->dims[0],
		extent(x->dims[1], p->pad_top, p->pad_bottom, p->kernel_h, 1,
		       p->stride_h),
		extent(x->dims[2], p->pad_left, p->pad_right, p->kernel_w, 1,
		       p->stride_w),
		x->dims[3],
	};

	if (x->rank == 4)
		set_shape(y, x->type, 4, dims);
	repair_clamp(&p->clamp, x->type);
}

static void repair_binary(struct aim_op *op, struct aim_tensor *a,
			  struct aim_tensor *b, struct aim_tensor *y)
{
	struct aim_p_binary *p = &op->p.binary;
	struct aim_tensor *large = a->bytes >= b->bytes ? a : b;

	b->type = a->type;
	set_shape(b, b->type, b->rank > AIM_MAX_RANK ? 0 : b->rank, b->dims);
	set_shape(y, a->type, large->rank > AIM_MAX_RANK ? 0 : large->rank,
		  large->dims);
	repair_clamp(&p->clamp, a->type);
	if (a->type == AIM_TYPE_F32 || op->code == AIM_OP_MUL) {
		p->left_shift = 0;
		memset(&p->a, 0, 2 * sizeof(p->a));
		if (a->type == AIM_TYPE_F32)
			memset(&p->out, 0, sizeof(p->out));
	}
}

static void repair_move(struct aim_builder *b, struct aim_op *op, const u32 *o,
			struct aim_tensor *y)
{
	const struct aim_tensor *x = &b->tensors[o[0]];
	u32 dims[AIM_MAX_RANK], i, k;

	memcpy(dims, x->dims, sizeof(dims));
	for (i = 0; i < x->rank; i++) {
		switch (op->code) {
		case AIM_OP_PAD:
			dims[i] = x->dims[i] + op->p.pad.before[i] +
				  op->p.pad.after[i];
			break;
		case AIM_OP_TRANSPOSE:
			dims[i] = x->dims[op->p.transpose.perm[i] % AIM_MAX_RANK];
			break;
		case AIM_OP_SLICE:
			dims[i] = y->dims[i];
			break;
		case AIM_OP_CONCAT:
			for (k = 1; k < op->nr_inputs && i == op->p.concat.axis; k++)
				dims[i] += b->tensors[o[k]].dims[i];
			break;
		}
	}
	if (op->code == AIM_OP_RESHAPE && y->bytes == x->bytes)
		set_shape(y, x->type, y->rank > AIM_MAX_RANK ? 0 : y->rank, y->dims);
	else
		set_shape(y, x->type, x->rank, dims);
	y->scale_bits = x->scale_bits;
	y->zero_point = x->zero_point;
}

static void repair_mean(struct aim_op *op, const struct aim_tensor *x,
			struct aim_tensor *y)
{
	bool keep = y->rank == x->rank;
	u32 dims[AIM_MAX_RANK], n = 0, i;

	for (i = 0; i < x->rank; i++) {
		if (!(op->p.mean.axes >> i & 1))
			dims[n++] = x->dims[i];
		else if (keep)
			dims[n++] = 1;
	}
	set_shape(y, x->type, n, dims);
	repair_clamp(&op->p.mean.clamp, x->type);
	if (x->type == AIM_TYPE_F32)
		memset(&op->p.mean.requant, 0, sizeof(op->p.mean.requant));
}

static void repair_op(struct aim_builder *b, struct aim_op *op)
{
	const u32 *o = b->operands + op->operands;
	struct aim_tensor *x = &b->tensors[o[0]];
	struct aim_tensor *y = &b->tensors[o[op->nr_inputs]];

	if (x->rank > AIM_MAX_RANK)
		return;
	switch (op->code) {
	case AIM_OP_CONV2D:
	case AIM_OP_DEPTHWISE:
		repair_clamp(&op->p.conv.clamp, x->type);
		if (op->nr_inputs == 3)
			repair_layer(b, op, o);
		break;
	case AIM_OP_FC:
		repair_clamp(&op->p.fc.clamp, x->type);
		if (op->nr_inputs == 3)
			repair_layer(b, op, o);
		break;
	case AIM_OP_AVGPOOL:
	case AIM_OP_MAXPOOL:
		repair_pool(x, y, &op->p.pool);
		break;
	case AIM_OP_ADD:
	case AIM_OP_SUB:
	case AIM_OP_MUL:
		if (op->nr_inputs == 2)
			repair_binary(op, x, &b->tensors[o[1]], y);
		break;
	case AIM_OP_MEAN:
		repair_mean(op, x, y);
		break;
	case AIM_OP_LUT8:
		set_shape(y, b->tensors[o[1]].type, x->rank, x->dims);
		break;
	case AIM_OP_QUANTIZE:
		set_shape(y, y->type, x->rank, x->dims);
		y->scale_bits = y->scale_bits ? y->scale_bits : AB_HALF;
		break;
	case AIM_OP_DEQUANTIZE:
		set_shape(y, AIM_TYPE_F32, x->rank, x->dims);
		break;
	case AIM_OP_SOFTMAX:
	case AIM_OP_UNARY:
		set_shape(y, x->type, x->rank, x->dims);
		break;
	default:
		repair_move(b, op, o, y);
	}
}

static bool operands_exist(const struct aim_builder *b, const struct aim_op *op)
{
	u32 n = op->nr_inputs, i;

	if (!n || n > 127 || op->nr_outputs != 1 ||
	    op->operands > b->nr_operands || n + 1 > b->nr_operands - op->operands)
		return false;
	for (i = 0; i <= n; i++) {
		u32 t = b->operands[op->operands + i];

		if (t >= b->nr_tensors &&
		    (i != 2 || n != 3 || op->code > AIM_OP_FC))
			return false;
	}
	return true;
}

/* Nothing writes an input, and whatever nothing writes becomes one. */
static void repair_places(struct aim_builder *b)
{
	static bool written[AB_TENSORS];
	u64 arena = 0;
	u32 i;

	memset(written, 0, sizeof(written));
	for (i = 0; i < b->nr_ops; i++) {
		const struct aim_op *op = &b->ops[i];

		if (operands_exist(b, op))
			written[b->operands[op->operands + op->nr_inputs]] = true;
	}
	b->h.nr_inputs = 0;
	b->h.nr_outputs = 0;
	for (i = 0; i < b->nr_tensors; i++) {
		struct aim_tensor *t = &b->tensors[i];

		if (written[i] && t->place != AIM_PLACE_OUTPUT)
			t->place = AIM_PLACE_ARENA;
		if (!written[i] && t->place != AIM_PLACE_CONST)
			t->place = AIM_PLACE_INPUT;
		if (t->place != AIM_PLACE_CONST)
			t->scales_first = t->scales_count = 0;
		if (t->place == AIM_PLACE_INPUT)
			t->offset = b->h.nr_inputs++;
		if (t->place == AIM_PLACE_OUTPUT)
			t->offset = b->h.nr_outputs++;
		if (t->place == AIM_PLACE_ARENA) {
			t->offset = arena;
			arena = (arena + t->bytes + 63) & ~63ULL;
		}
	}
	b->h.arena_bytes = arena;
}

void aim_repair(struct aim_builder *b)
{
	u32 i;

	for (i = 0; i < b->nr_ops; i++)
		if (operands_exist(b, &b->ops[i]))
			repair_op(b, &b->ops[i]);
	repair_places(b);
}
