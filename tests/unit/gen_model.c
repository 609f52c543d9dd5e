// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random models, see gen_model.h.
 *
 * Floats that were computed in an order of the unit's own choice never reach
 * an operator where a rounding could flip (quantise), so that results of
 * integer type are exact.
 */
#include <stdlib.h>
#include "gen_model.h"

#define F32_MINUS_INFINITY	((s32)0xff800000)

struct gen {
	struct aim_builder *b;
	u64 state;
	bool last;		/* the operator being made is the last one */
	bool exact[AB_TENSORS];	/* same bits in whatever order it was summed */
};

static u32 rnd(struct gen *g, u32 n)	/* 0 .. n - 1 */
{
	g->state = g->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(g->state >> 33) % n;
}

static s32 rnd_in(struct gen *g, s32 lo, s32 hi)
{
	return lo + (s32)rnd(g, (u32)(hi - lo + 1));
}

static struct aim_tensor *tensor(struct gen *g, u32 t)
{
	return &g->b->tensors[t];
}

static bool is_f32(struct gen *g, u32 t)
{
	return tensor(g, t)->type == AIM_TYPE_F32;
}

/* An output like @x but for its shape. */
static u32 result(struct gen *g, u32 x, u32 type, u32 rank, const u32 *dims)
{
	u32 place = g->last || rnd(g, 5) == 0 ? AIM_PLACE_OUTPUT :
						AIM_PLACE_ARENA;
	u32 y = ab_tensor(g->b, NULL, type, place, rank, dims);

	if (type != AIM_TYPE_F32)
		ab_quant(g->b, y, AB_ONE, type == AIM_TYPE_U8 ?
			 rnd_in(g, 0, 255) : rnd_in(g, -128, 127));
	g->exact[y] = type != AIM_TYPE_F32;
	return y;
}

/* An output with the values of @x: the same quantisation. */
static u32 moved(struct gen *g, u32 x, u32 rank, const u32 *dims)
{
	u32 y = result(g, x, tensor(g, x)->type, rank, dims);

	tensor(g, y)->scale_bits = tensor(g, x)->scale_bits;
	tensor(g, y)->zero_point = tensor(g, x)->zero_point;
	g->exact[y] = g->exact[x];
	return y;
}

static u32 constant(struct gen *g, u32 type, u32 rank, const u32 *dims)
{
	u32 t = ab_tensor(g->b, NULL, type, AIM_PLACE_CONST, rank, dims);

	if (type == AIM_TYPE_S8)
		ab_quant(g->b, t, AB_ONE, 0);
	ab_fill(g->b, t, rnd(g, 1U << 30));
	return t;
}

static struct aim_clamp some_clamp(struct gen *g, bool f32)
{
	struct aim_clamp c = { -128, 127 };

	if (f32) {
		c.min = rnd(g, 2) ? F32_MINUS_INFINITY : 0;
		c.max = rnd(g, 2) ? AB_INFINITY : 0x40c00000; /* 6 */
	} else if (rnd(g, 2)) {
		c.min = rnd_in(g, -128, 0);
		c.max = rnd_in(g, c.min, 127);
	}
	return c;
}

static struct aim_requant some_requant(struct gen *g, s32 lo, s32 hi)
{
	return (struct aim_requant){
		rnd_in(g, 1 << 30, 2147483646), rnd_in(g, lo, hi) };
}

static u32 requants(struct gen *g, u32 n)
{
	u32 first = g->b->nr_requants;

	while (n--) {
		struct aim_requant r = some_requant(g, -11, -6);

		ab_requant(g->b, 1, r.multiplier, r.shift);
	}
	return first;
}

/* One axis of a window over @in elements; returns the output's extent or 0. */
static u32 axis(struct gen *g, u32 in, u32 *kernel, u32 *stride, u32 *dilation,
		u32 *before, u32 *after)
{
	u32 extent, span;

	*kernel = 1 + rnd(g, 4);
	*stride = 1 + rnd(g, 3);
	*dilation = rnd(g, 4) ? 1 : 1 + rnd(g, 3);
	extent = (*kernel - 1) * *dilation + 1;
	*before = rnd(g, 2) ? rnd(g, extent) : 0;
	*after = rnd(g, 2) ? rnd(g, extent) : 0;
	span = in + *before + *after;
	return span < extent ? 0 : (span - extent) / *stride + 1;
}

static u32 make_conv(struct gen *g, u32 x, bool depthwise)
{
	struct aim_tensor *t = tensor(g, x);
	struct aim_p_conv p = { .depth_multiplier = depthwise ?
				1 + (rnd(g, 3) == 0) * rnd(g, 3) : 0 };
	u32 c = depthwise ? t->dims[3] * p.depth_multiplier : 1 + rnd(g, 40);
	u32 w[4] = { depthwise ? 1 : c, 0, 0, depthwise ? c : t->dims[3] };
	u32 y[4] = { t->dims[0], 0, 0, c };
	u32 ops[3], type = t->type, kind;
	struct aim_op *op;

	y[1] = axis(g, t->dims[1], &w[1], &p.stride_h, &p.dilation_h,
		    &p.pad_top, &p.pad_bottom);
	y[2] = axis(g, t->dims[2], &w[2], &p.stride_w, &p.dilation_w,
		    &p.pad_left, &p.pad_right);
	if (!y[1] || !y[2] || c > 200 || y[1] * y[2] * c > 20000)
		return AB_NONE;
	p.clamp = some_clamp(g, is_f32(g, x));
	kind = type == AIM_TYPE_F32 ? AIM_TYPE_F32 : AIM_TYPE_S32;
	ops[0] = x;
	ops[1] = constant(g, type, 4, w);
	ops[2] = rnd(g, 4) ? constant(g, kind, AB_DIMS(c)) : AB_NONE;
	if (type != AIM_TYPE_F32)
		p.requant_first = requants(g, c);
	op = ab_op(g->b, depthwise ? AIM_OP_DEPTHWISE : AIM_OP_CONV2D, 3, ops,
		   result(g, x, type, 4, y));
	op->p.conv = p;
	return g->b->nr_tensors - 1;
}

static u32 make_fc(struct gen *g, u32 x)
{
	struct aim_tensor *t = tensor(g, x);
	u32 depth = t->dims[t->rank - 1], type = t->type;
	u32 o = 1 + rnd(g, 70);
	u32 y[AIM_MAX_RANK], ops[3];
	struct aim_op *op;

	memcpy(y, t->dims, sizeof(y));
	y[t->rank - 1] = o;
	if (depth * o > 8000 || t->bytes > 8000)
		return AB_NONE;
	ops[0] = x;
	ops[1] = constant(g, type, AB_DIMS(o, depth));
	ops[2] = rnd(g, 4) ? constant(g, type == AIM_TYPE_F32 ? AIM_TYPE_F32 :
				      AIM_TYPE_S32, AB_DIMS(o)) : AB_NONE;
	op = ab_op(g->b, AIM_OP_FC, 3, ops,
		   result(g, x, type, tensor(g, x)->rank, y));
	op->p.fc.clamp = some_clamp(g, type == AIM_TYPE_F32);
	if (type != AIM_TYPE_F32)
		op->p.fc.requant_first = requants(g, o);
	return g->b->nr_tensors - 1;
}

static u32 make_pool(struct gen *g, u32 x)
{
	struct aim_tensor *t = tensor(g, x);
	struct aim_p_pool p;
	u32 y[4] = { t->dims[0], 0, 0, t->dims[3] };
	u32 d[2];
	struct aim_op *op;

	y[1] = axis(g, t->dims[1], &p.kernel_h, &p.stride_h, &d[0], &p.pad_top,
		    &p.pad_bottom);
	y[2] = axis(g, t->dims[2], &p.kernel_w, &p.stride_w, &d[1], &p.pad_left,
		    &p.pad_right);
	if (!y[1] || !y[2] || d[0] != 1 || d[1] != 1)
		return AB_NONE;
	p.clamp = some_clamp(g, is_f32(g, x));
	op = ab_op(g->b, rnd(g, 2) ? AIM_OP_AVGPOOL : AIM_OP_MAXPOOL, 1, &x,
		   moved(g, x, 4, y));
	op->p.pool = p;
	g->exact[g->b->nr_tensors - 1] = !is_f32(g, x);
	return g->b->nr_tensors - 1;
}

/* The second operand: @x, a constant that repeats, or one that @x repeats over */
static u32 partner(struct gen *g, u32 x, u32 *dims)
{
	struct aim_tensor *t = tensor(g, x);
	u32 own[AIM_MAX_RANK], rank = t->rank, skip = 0, i;

	memcpy(dims, t->dims, sizeof(own));
	if (rnd(g, 4) == 0)
		return x;
	memcpy(own, t->dims, sizeof(own));
	for (i = 0; i < rank; i++) {
		if (rnd(g, 3) == 0)
			own[i] = 1;
		else if (own[i] == 1 && rnd(g, 3) == 0)
			own[i] = dims[i] = 1 + rnd(g, 5);
	}
	while (skip + 1 < rank && own[skip] == 1 && rnd(g, 2))
		skip++;
	return constant(g, t->type, rank - skip, own + skip);
}

static u32 make_binary(struct gen *g, u32 x)
{
	static const u32 codes[] = { AIM_OP_ADD, AIM_OP_SUB, AIM_OP_MUL };
	u32 code = codes[rnd(g, 3)], dims[AIM_MAX_RANK], ops[2], y;
	struct aim_p_binary *p;
	u32 other = partner(g, x, dims);
	bool turn = rnd(g, 2);

	ops[turn] = x;
	ops[!turn] = other;
	y = result(g, x, tensor(g, x)->type, tensor(g, x)->rank, dims);
	p = &ab_op(g->b, code, 2, ops, y)->p.binary;
	p->clamp = some_clamp(g, is_f32(g, x));
	if (is_f32(g, x))
		return y;
	if (code == AIM_OP_MUL) {
		p->out = some_requant(g, -10, -5);
		return y;
	}
	p->left_shift = rnd_in(g, 10, 20);
	p->a = some_requant(g, -3, 0);
	p->b = some_requant(g, -3, 0);
	p->out = some_requant(g, -p->left_shift, 2 - p->left_shift);
	return y;
}

static u32 make_concat(struct gen *g, u32 x)
{
	struct aim_tensor *t = tensor(g, x);
	u32 axis = rnd(g, t->rank), nr = 1 + rnd(g, 3), dims[AIM_MAX_RANK];
	u32 ops[3] = { x, x, x }, y;

	memcpy(dims, t->dims, sizeof(dims));
	if (nr > 1 && rnd(g, 2)) {
		dims[axis] = 1 + rnd(g, 5);
		ops[1] = constant(g, t->type, t->rank, dims);
		tensor(g, ops[1])->scale_bits = tensor(g, x)->scale_bits;
		tensor(g, ops[1])->zero_point = tensor(g, x)->zero_point;
	}
	t = tensor(g, x);
	dims[axis] = t->dims[axis] * (nr - (nr > 1 && ops[1] != x)) +
		     (nr > 1 && ops[1] != x ? dims[axis] : 0);
	y = moved(g, x, t->rank, dims);
	ab_op(g->b, AIM_OP_CONCAT, nr, ops, y)->p.concat.axis = axis;
	return y;
}

static u32 make_pad(struct gen *g, u32 x)
{
	struct aim_tensor *t = tensor(g, x);
	struct aim_p_pad p = { .value = rnd(g, 4) ? t->zero_point :
			       is_f32(g, x) ? AB_ONE : 5 };
	u32 dims[AIM_MAX_RANK], i, y;
	bool image = t->rank == 4 && rnd(g, 2);

	memcpy(dims, t->dims, sizeof(dims));
	for (i = 0; i < t->rank; i++) {
		if (image && (i == 0 || i == 3))
			continue;
		p.before[i] = rnd(g, 3);
		p.after[i] = rnd(g, 3);
		dims[i] += p.before[i] + p.after[i];
	}
	y = moved(g, x, t->rank, dims);
	ab_op(g->b, AIM_OP_PAD, 1, &x, y)->p.pad = p;
	return y;
}

static u32 make_reshape(struct gen *g, u32 x)
{
	struct aim_tensor *t = tensor(g, x);
	u32 n = 1, i, dims[4] = { 1, 1, 1, 1 }, rank = 1 + rnd(g, 4), y;

	for (i = 0; i < t->rank; i++)
		n *= t->dims[i];
	for (i = 0; i + 1 < rank; i++) {
		u32 f = 1 + rnd(g, 6);

		while (n % f)
			f--;
		dims[i] = f;
		n /= f;
	}
	dims[rank - 1] = n;
	y = moved(g, x, rank, dims);
	ab_op(g->b, AIM_OP_RESHAPE, 1, &x, y);
	return y;
}

static u32 make_transpose(struct gen *g, u32 x)
{
	struct aim_tensor *t = tensor(g, x);
	struct aim_p_transpose p = { 0 };
	u32 dims[AIM_MAX_RANK], i, y;

	for (i = 0; i < t->rank; i++)
		p.perm[i] = i;
	for (i = t->rank; i-- > 1;) {
		u32 k = rnd(g, i + 1), old = p.perm[i];

		p.perm[i] = p.perm[k];
		p.perm[k] = old;
	}
	for (i = 0; i < t->rank; i++)
		dims[i] = t->dims[p.perm[i]];
	y = moved(g, x, t->rank, dims);
	ab_op(g->b, AIM_OP_TRANSPOSE, 1, &x, y)->p.transpose = p;
	return y;
}

static u32 make_slice(struct gen *g, u32 x)
{
	struct aim_tensor *t = tensor(g, x);
	struct aim_p_slice p = { 0 };
	u32 dims[AIM_MAX_RANK], i, y;

	for (i = 0; i < t->rank; i++) {
		p.begin[i] = rnd(g, t->dims[i] > 3 ? 3 : t->dims[i]);
		p.stride[i] = 1 + rnd(g, 2);
		dims[i] = 1 + rnd(g, (t->dims[i] - p.begin[i] - 1) /
				  p.stride[i] + 1);
	}
	y = moved(g, x, t->rank, dims);
	ab_op(g->b, AIM_OP_SLICE, 1, &x, y)->p.slice = p;
	return y;
}

static u32 make_mean(struct gen *g, u32 x)
{
	struct aim_tensor *t = tensor(g, x);
	u32 axes = 1 + rnd(g, (1U << t->rank) - 1);
	u32 dims[AIM_MAX_RANK], n = 0, i, y;
	bool keep = rnd(g, 2) || axes == (1U << t->rank) - 1;
	struct aim_p_mean *p;

	for (i = 0; i < t->rank; i++) {
		if (!(axes >> i & 1))
			dims[n++] = t->dims[i];
		else if (keep)
			dims[n++] = 1;
	}
	y = result(g, x, t->type, n, dims);
	p = &ab_op(g->b, AIM_OP_MEAN, 1, &x, y)->p.mean;
	p->axes = axes;
	p->clamp = is_f32(g, x) ? (struct aim_clamp){ F32_MINUS_INFINITY,
						      AB_INFINITY } :
				  (struct aim_clamp){ -128, 127 };
	if (!is_f32(g, x))
		p->requant = some_requant(g, -1, 1);
	return y;
}

static u32 make_softmax(struct gen *g, u32 x)
{
	struct aim_tensor *t = tensor(g, x);
	struct aim_p_softmax p = { .beta_bits = AB_HALF };
	u32 y;

	if (t->dims[t->rank - 1] > AIM_MAX_SOFTMAX)
		return AB_NONE;
	y = result(g, x, t->type, t->rank, t->dims);
	if (!is_f32(g, x)) {
		ab_quant(g->b, y, 0x3b800000, -128);
		p.beta_bits = 0;
		p.input_multiplier = rnd_in(g, 1 << 30, 2147483646);
		p.input_left_shift = rnd_in(g, 19, 23);
		p.diff_min = -((31 << (31 - 5 - p.input_left_shift)));
	}
	ab_op(g->b, AIM_OP_SOFTMAX, 1, &x, y)->p.softmax = p;
	g->exact[y] = false;
	return y;
}

static u32 make_lut(struct gen *g, u32 x)
{
	u32 type = rnd(g, 4) ? AIM_TYPE_S8 : AIM_TYPE_U8;
	u32 ops[2] = { x, constant(g, type, AB_DIMS(256)) };
	u32 y = result(g, x, type, tensor(g, x)->rank, tensor(g, x)->dims);

	if (type == AIM_TYPE_U8)
		ab_quant(g->b, ops[1], AB_ONE, 0);
	ab_op(g->b, AIM_OP_LUT8, 2, ops, y);
	return y;
}

static u32 make_convert(struct gen *g, u32 x)
{
	static const u32 to[] = { AIM_TYPE_S8, AIM_TYPE_S8, AIM_TYPE_U8,
				  AIM_TYPE_S16 };
	bool f32 = is_f32(g, x);
	u32 y;

	if (f32 && !g->exact[x])
		return AB_NONE;
	y = result(g, x, f32 ? to[rnd(g, 4)] : AIM_TYPE_F32, tensor(g, x)->rank,
		   tensor(g, x)->dims);
	if (f32)
		tensor(g, y)->scale_bits = 0x3d000000 + rnd(g, 1 << 22);
	g->exact[y] = true;
	ab_op(g->b, f32 ? AIM_OP_QUANTIZE : AIM_OP_DEQUANTIZE, 1, &x, y);
	return y;
}

static u32 make_unary(struct gen *g, u32 x)
{
	struct aim_p_unary p = { .kind = 1 + rnd(g, 7) };
	u32 y = result(g, x, AIM_TYPE_F32, tensor(g, x)->rank,
		       tensor(g, x)->dims);

	if (p.kind == AIM_UNARY_LEAKY_RELU)
		p.alpha_bits = AB_HALF;
	ab_op(g->b, AIM_OP_UNARY, 1, &x, y)->p.unary = p;
	return y;
}

/* An operator that moves values of any type. */
static u32 make_move(struct gen *g, u32 x)
{
	switch (rnd(g, 5)) {
	case 0:
		return make_concat(g, x);
	case 1:
		return make_pad(g, x);
	case 2:
		return make_reshape(g, x);
	case 3:
		return make_transpose(g, x);
	}
	return make_slice(g, x);
}

/* An operator on @x, or AB_NONE if the dice fell on one that does not fit. */
static u32 make_op(struct gen *g, u32 x)
{
	struct aim_tensor *t = tensor(g, x);
	bool computes = t->type == AIM_TYPE_S8 || t->type == AIM_TYPE_F32;
	u32 kind = rnd(g, 12);

	if (t->bytes > 16000)
		return t->rank ? make_slice(g, x) : AB_NONE;
	if (t->rank && kind < 3)
		return make_move(g, x);
	if (!is_f32(g, x) && t->type != AIM_TYPE_S16 && kind == 3)
		return make_lut(g, x);
	if (is_f32(g, x) && kind == 3)
		return make_unary(g, x);
	if (kind == 4)
		return make_convert(g, x);
	if (!computes || !t->rank)
		return AB_NONE;
	if (t->rank == 4 && kind < 9)
		return kind == 5 ? make_pool(g, x) :
				   make_conv(g, x, kind == 6);
	if (kind == 9)
		return g->last ? make_softmax(g, x) : AB_NONE;
	if (kind == 10)
		return make_fc(g, x);
	return kind == 11 ? make_mean(g, x) : make_binary(g, x);
}

int gen_model(u64 seed, struct aim_file *f)
{
	struct aim_builder *b = malloc(sizeof(*b));
	struct gen g = { .b = b, .state = seed * 2654435761u + 12345 };
	u32 want, made = 0, tries, x, y;
	int err;

	if (!b)
		return -1;
	ab_init(b);
	want = 1 + rnd(&g, 7);
	x = ab_tensor(b, NULL, rnd(&g, 3) ? AIM_TYPE_S8 : AIM_TYPE_F32,
		      AIM_PLACE_INPUT,
		      AB_DIMS(1 + rnd(&g, 2), 1 + rnd(&g, 9), 1 + rnd(&g, 9),
			      rnd(&g, 3) ? 1 + rnd(&g, 20) : 1 + rnd(&g, 70)));
	if (!is_f32(&g, x))
		ab_quant(b, x, AB_ONE, rnd_in(&g, -128, 127));
	g.exact[x] = true;
	for (tries = 0; made < want && tries < 200; tries++) {
		g.last = made + 1 == want;
		y = make_op(&g, x);
		if (y == AB_NONE)
			continue;
		made++;
		/* mostly a chain; sometimes go on from an earlier tensor */
		do
			x = rnd(&g, 4) ? y : rnd(&g, b->nr_tensors);
		while (tensor(&g, x)->place == AIM_PLACE_CONST);
	}
	err = made ? ab_finish(b, f) : -1;
	free(b);
	return err;
}
