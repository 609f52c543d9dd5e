// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Convolutions, depthwise convolutions and fully connected layers: which
 * kernel, packed how, cut into which parts.
 */
#include "program.h"
#include "scalar.h"

/*
 * Weights packed in one go. Packing runs in an FPU section, so it is bounded;
 * larger layers are cut by output channels.
 */
#define PACK_BYTES	(128U << 10)

/* A vector kernel takes as long for fewer channels as for these. */
#define LANES		32

/* With more rows a fully connected layer is done as a convolution. */
#define FC_ROWS		8

struct layer {
	struct eng_conv c;
	const struct eng_conv_kernel *best;	/* of the unit, may be NULL */
	const struct eng_conv_kernel *scalar;
	u32 x, y;		/* tensors */
	u32 type;
	u32 taps;		/* products in one output value */
	u64 mac_cost;		/* of one product */
};

/* fp32 is slower by what the unit gains on bytes, at least by the size. */
static u64 mac_cost(const struct eng_compiler *c, u32 type)
{
	u32 f32 = c->isa->macs_per_ns_x16 / (16 * 10);

	return type != AIM_TYPE_F32 ? 1 : f32 > 4 ? f32 : 4;
}

static void set_common(struct eng_compiler *c, const struct aim_op *op,
		       struct layer *l, u32 requant_first,
		       struct aim_clamp clamp)
{
	const struct aim_view *v = c->view;
	const struct aim_tensor *w = aim_operand(v, op, 1);
	u32 bias = eng_operand(c, op, 2);

	l->y = eng_output(c, op);
	l->type = v->tensors[l->x].type;
	l->mac_cost = mac_cost(c, l->type);
	l->c.in_zp = v->tensors[l->x].zero_point;
	l->c.out_zp = v->tensors[l->y].zero_point;
	l->c.clamp = clamp;
	l->c.weights = v->consts + w->offset;
	if (bias != AIM_NO_TENSOR)
		l->c.bias = v->consts + v->tensors[bias].offset;
	if (l->type != AIM_TYPE_F32)
		l->c.requant = v->requants + requant_first;
}

/* The input, or what a fused PAD reads, with its padding added. */
static void set_input(struct eng_compiler *c, const struct aim_op *op,
		      struct layer *l)
{
	const struct aim_op *pad;

	l->c.pad_top = op->p.conv.pad_top;
	l->c.pad_left = op->p.conv.pad_left;
	l->x = eng_operand(c, op, 0);
	if (!c->info[l->x].skipped)
		return;
	pad = &c->view->ops[c->info[l->x].writer];
	l->c.pad_top += pad->p.pad.before[1];
	l->c.pad_left += pad->p.pad.before[2];
	l->x = eng_operand(c, pad, 0);
}

static void set_window(struct eng_compiler *c, const struct aim_op *op,
		       struct layer *l)
{
	const struct aim_p_conv *p = &op->p.conv;
	const struct aim_tensor *w = aim_operand(c->view, op, 1);
	const struct aim_tensor *y = aim_out(c->view, op, 0);
	const struct aim_tensor *x;

	set_input(c, op, l);
	x = &c->view->tensors[l->x];
	l->c.batch = x->dims[0];
	l->c.in_h = x->dims[1];
	l->c.in_w = x->dims[2];
	l->c.in_c = x->dims[3];
	l->c.out_h = y->dims[1];
	l->c.out_w = y->dims[2];
	l->c.out_c = y->dims[3];
	l->c.out_stride = l->c.out_c;
	l->c.kernel_h = w->dims[1];
	l->c.kernel_w = w->dims[2];
	l->c.stride_h = p->stride_h;
	l->c.stride_w = p->stride_w;
	l->c.dilation_h = p->dilation_h;
	l->c.dilation_w = p->dilation_w;
	l->c.depth_multiplier = p->depth_multiplier;
	l->taps = l->c.kernel_h * l->c.kernel_w;
	set_common(c, op, l, p->requant_first, p->clamp);
}

static u64 pixels_of(const struct eng_conv *c)
{
	return (u64)c->batch * c->out_h * c->out_w;
}

/* Cost of one output value: its products and its requantisation. */
static u64 value_cost(const struct eng_compiler *c, const struct layer *l,
		      const struct eng_conv_kernel *k)
{
	u64 cost = l->taps * l->mac_cost + 8;

	if (k == l->scalar)
		cost = cost * c->isa->macs_per_ns_x16 /
		       eng_isa_scalar.macs_per_ns_x16 + 1;
	return cost;
}

/* Cost of @channels of an output pixel */
static u64 pixel_cost(const struct eng_compiler *c, const struct layer *l,
		      const struct eng_conv_kernel *k, u32 channels)
{
	if (k != l->scalar && channels < LANES)
		channels = LANES;
	return value_cost(c, l, k) * channels;
}

/* Output channels [first, first + n) of @l */
static struct eng_conv part_of(const struct layer *l, u32 first, u32 n)
{
	size_t size = l->type == AIM_TYPE_F32 ? 4 : 1;
	struct eng_conv c = l->c;

	c.out_c = n;
	c.weights = (const u8 *)c.weights + (size_t)first * l->taps * size;
	if (c.bias)
		c.bias = (const u32 *)c.bias + first;
	if (c.requant)
		c.requant += first;
	return c;
}

/* The unit's kernel if it takes this shape within the budget, else the scalar. */
static const struct eng_conv_kernel *choose(struct eng_compiler *c,
					    const struct layer *l,
					    const struct eng_conv *part)
{
	const struct eng_conv_kernel *k = l->best;
	u64 cost;

	if (!k || k == l->scalar || !k->packed_bytes(part))
		return l->scalar;
	/* a single pixel, but channels are done together */
	cost = k->by_channel(part) ?
	       value_cost(c, l, k) * pixels_of(part) * k->granule(part) :
	       pixel_cost(c, l, k, part->out_c);
	return cost > eng_most(c) ? l->scalar : k;
}

static int pack(struct eng_compiler *c, struct eng_task *t)
{
	const struct eng_conv *part = &t->p.conv.c;
	size_t bytes = t->p.conv.kernel->packed_bytes(part);

	if (!bytes)
		return 0;
	eng_fpu_end(c);		/* allocating may sleep */
	t->packed = c->prog->env.alloc(bytes);
	eng_fpu_begin(c);
	if (!t->packed)
		return -ENOMEM;
	t->p.conv.kernel->pack(part, t->packed);
	return 0;
}

/* At a time, where as many as the kernel likes are too many. */
static u32 few_units(const struct eng_compiler *c, u64 unit_cost)
{
	u64 n = eng_most(c) / unit_cost;

	return n >= 8 ? (u32)(n & ~7ULL) : 1;
}

/* Inside an FPU section: what a unit answers may have been computed in it. */
static int fill_part(struct eng_compiler *c, const struct layer *l, u32 first,
		     u32 n, struct eng_task *t)
{
	struct eng_conv *part = &t->p.conv.c;
	const struct eng_conv_kernel *k;
	u64 cost;

	*part = part_of(l, first, n);
	k = choose(c, l, part);
	t->p.conv.kernel = k;
	cost = value_cost(c, l, k);
	if (k->by_channel(part)) {
		t->units = n;
		t->unit_cost = cost * pixels_of(part);
	} else {
		t->units = (u32)pixels_of(part);
		t->unit_cost = pixel_cost(c, l, k, n);
	}
	t->granule = k->granule(part);
	if (!t->granule || t->granule * t->unit_cost > eng_most(c))
		t->granule = few_units(c, t->unit_cost);
	t->scratch_bytes = k->scratch_bytes(part);
	return pack(c, t);
}

static int add_part(struct eng_compiler *c, const struct layer *l, u32 first,
		    u32 n)
{
	struct eng_task *t = eng_new_task(c, eng_run_conv, l->x, AIM_NO_TENSOR,
					  l->y);
	int err;

	if (!t)
		return -ENOMEM;
	t->y.at = (size_t)first * (l->type == AIM_TYPE_F32 ? 4 : 1);
	eng_fpu_begin(c);
	err = fill_part(c, l, first, n, t);
	eng_fpu_end(c);
	return err;
}

/* Channels of a part that kernel @k does: bounded by packing and by the budget. */
static u32 cut_for(struct eng_compiler *c, const struct layer *l,
		   const struct eng_conv_kernel *k)
{
	u64 filter = (u64)l->taps * (l->type == AIM_TYPE_F32 ? 4 : 1);
	u64 n = l->c.out_c, fits;

	if (k != l->scalar && filter * n > PACK_BYTES)
		n = PACK_BYTES / filter;
	if (!k->by_channel(&l->c)) {
		fits = c->budget / (k->granule(&l->c) * value_cost(c, l, k));
		n = n < fits ? n : fits;
	}
	if (n >= l->c.out_c)
		return l->c.out_c;
	if (n >= 64)
		return (u32)(n & ~63ULL);
	if (n >= 16)
		return (u32)(n & ~15ULL);
	return n ? (u32)n : 1;
}

/* How many channels one part has. */
static u32 part_channels(struct eng_compiler *c, const struct layer *l)
{
	const struct eng_conv_kernel *k = l->best ? l->best : l->scalar;
	struct eng_conv part;
	u32 n;

	eng_fpu_begin(c);
	n = cut_for(c, l, k);
	part = part_of(l, 0, n);
	if (choose(c, l, &part) != k)	/* then it is the scalar one */
		n = cut_for(c, l, l->scalar);
	eng_fpu_end(c);
	return n;
}

static int add_parts(struct eng_compiler *c, const struct layer *l)
{
	u32 step = part_channels(c, l);
	u32 first;
	int err;

	for (first = 0; first < l->c.out_c; first += step) {
		u32 left = l->c.out_c - first;

		err = add_part(c, l, first, left < step ? left : step);
		if (err)
			return err;
	}
	return 0;
}

static int lower_conv2d(struct eng_compiler *c, const struct aim_op *op)
{
	struct layer l = { 0 };

	set_window(c, op, &l);
	l.taps *= l.c.in_c;
	if (l.type == AIM_TYPE_F32) {
		l.best = c->isa->conv_f32;
		l.scalar = &eng_scalar_conv_f32;
	} else {
		l.best = c->isa->conv_s8;
		l.scalar = &eng_scalar_conv_s8;
	}
	return add_parts(c, &l);
}

/* Whether a pixel of all channels is cheap enough, by the kernel that does it. */
static bool pixel_fits(struct eng_compiler *c, const struct layer *l)
{
	const struct eng_conv_kernel *k;

	eng_fpu_begin(c);
	k = choose(c, l, &l->c);
	eng_fpu_end(c);
	return pixel_cost(c, l, k, l->c.out_c) <= eng_most(c);
}

/*
 * A depthwise pixel is cheap unless someone wants it otherwise; then its values
 * are computed one by one.
 */
static int lower_depthwise(struct eng_compiler *c, const struct aim_op *op)
{
	struct layer l = { 0 };
	struct eng_task *t;
	u64 weights;

	set_window(c, op, &l);
	l.mac_cost *= 4;	/* little reuse: dearer than a convolution's */
	if (l.type == AIM_TYPE_F32) {
		l.best = c->isa->depthwise_f32;
		l.scalar = &eng_scalar_depthwise_f32;
	} else {
		l.best = c->isa->depthwise_s8;
		l.scalar = &eng_scalar_depthwise_s8;
	}
	weights = (u64)l.taps * l.c.out_c * (l.type == AIM_TYPE_F32 ? 4 : 1);
	if (weights <= 8 * PACK_BYTES && pixel_fits(c, &l))
		return add_part(c, &l, 0, l.c.out_c);
	t = eng_new_task(c, l.type == AIM_TYPE_F32 ?
			 eng_run_depthwise_f32_part : eng_run_depthwise_s8_part,
			 l.x, AIM_NO_TENSOR, l.y);
	if (!t)
		return -ENOMEM;
	t->p.conv.c = l.c;
	t->units = (u32)(pixels_of(&l.c) * l.c.out_c);
	t->unit_cost = value_cost(c, &l, l.scalar);
	return 0;
}

/* Whether all rows are done at a time, for as many channels as go together. */
static bool rows_fit(struct eng_compiler *c, const struct layer *l,
		     const struct eng_conv_kernel *k)
{
	u64 cost;

	if (l->c.out_w > FC_ROWS)
		return false;
	eng_fpu_begin(c);
	cost = value_cost(c, l, k) * l->c.out_w * k->granule(&l->c);
	eng_fpu_end(c);
	return l->c.out_w == 1 || cost <= eng_most(c);
}

static int lower_fc(struct eng_compiler *c, const struct aim_op *op)
{
	const struct aim_tensor *w = aim_operand(c->view, op, 1);
	struct layer l = { 0 };
	bool f32;

	l.x = eng_operand(c, op, 0);
	set_common(c, op, &l, op->p.fc.requant_first, op->p.fc.clamp);
	l.taps = w->dims[1];
	l.c.batch = 1;
	l.c.in_h = 1;
	l.c.in_w = 1;
	l.c.in_c = w->dims[1];
	l.c.out_h = 1;
	l.c.out_w = eng_elements(&c->view->tensors[l.x]) / w->dims[1];
	l.c.out_c = w->dims[0];
	l.c.out_stride = l.c.out_c;
	l.c.kernel_h = 1;
	l.c.kernel_w = 1;
	l.c.stride_h = 1;
	l.c.stride_w = 1;
	l.c.dilation_h = 1;
	l.c.dilation_w = 1;
	f32 = l.type == AIM_TYPE_F32;
	l.best = f32 ? c->isa->fc_f32 : c->isa->fc_s8;
	l.scalar = f32 ? &eng_scalar_fc_f32 : &eng_scalar_fc_s8;
	if (rows_fit(c, &l, l.best ?: l.scalar))
		return add_parts(c, &l);
	/* many rows: a convolution of 1x1 over them */
	l.c.in_w = l.c.out_w;
	l.best = f32 ? c->isa->conv_f32 : c->isa->conv_s8;
	l.scalar = f32 ? &eng_scalar_conv_f32 : &eng_scalar_conv_s8;
	return add_parts(c, &l);
}

int eng_lower_conv(struct eng_compiler *c, const struct aim_op *op)
{
	switch (op->code) {
	case AIM_OP_CONV2D:
		return lower_conv2d(c, op);
	case AIM_OP_DEPTHWISE:
		return lower_depthwise(c, op);
	case AIM_OP_FC:
		return lower_fc(c, op);
	}
	return -EOPNOTSUPP;
}
