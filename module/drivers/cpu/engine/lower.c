// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Operators that compute element by element or reduce; the others are in
 * lower_conv.c and lower_move.c.
 */
#include "program.h"
#include "scalar.h"

#define VECTOR_COST	8	/* an element, where the unit has a kernel */

static bool is_f32(const struct eng_compiler *c, const struct aim_op *op)
{
	return aim_operand(c->view, op, 0)->type == AIM_TYPE_F32;
}

/* Strides of @t as it is repeated to @rank dimensions; 0: repeats. */
static void broadcast(const struct aim_tensor *t, u32 rank, size_t *strides)
{
	size_t step = 1;
	u32 i;

	for (i = 0; i < rank; i++) {
		u32 d = rank - 1 - i;
		u32 dim = i < t->rank ? t->dims[t->rank - 1 - i] : 1;

		strides[d] = dim == 1 ? 0 : step;
		step *= dim;
	}
}

static void pick_s8(const struct eng_isa *isa, u32 code, struct eng_task *t,
		    u64 *tenths)
{
	struct eng_p_binary *b = &t->p.binary;

	switch (code) {
	case AIM_OP_ADD:
		b->s8_fn = isa->add_s8;
		break;
	case AIM_OP_SUB:
		b->s8_fn = isa->sub_s8;
		break;
	case AIM_OP_MUL:
		b->s8_fn = isa->mul_s8;
		break;
	}
	if (b->s8_fn)
		return;
	*tenths = 60;
	b->s8_fn = code == AIM_OP_ADD ? eng_scalar_add_s8 :
		   code == AIM_OP_SUB ? eng_scalar_sub_s8 : eng_scalar_mul_s8;
}

static void pick_f32(const struct eng_isa *isa, u32 code, struct eng_task *t,
		     u64 *tenths)
{
	struct eng_p_binary *b = &t->p.binary;

	if (code == AIM_OP_ADD && isa->add_f32) {
		b->f32_fn = isa->add_f32;
		return;
	}
	*tenths = 10;
	b->f32_fn = code == AIM_OP_ADD ? eng_scalar_add_f32 :
		    code == AIM_OP_SUB ? eng_sub_f32 : eng_mul_f32;
}

static int lower_binary(struct eng_compiler *c, const struct aim_op *op)
{
	const struct aim_tensor *a = aim_operand(c->view, op, 0);
	const struct aim_tensor *b = aim_operand(c->view, op, 1);
	const struct aim_tensor *y = aim_out(c->view, op, 0);
	const struct aim_p_binary *p = &op->p.binary;
	struct eng_task *t;
	struct eng_walk *w;
	u64 tenths = 0;
	u32 i;

	t = eng_new_task(c, is_f32(c, op) ? eng_run_binary_f32 :
			 eng_run_binary_s8, eng_operand(c, op, 0),
			 eng_operand(c, op, 1), eng_output(c, op));
	if (!t)
		return -ENOMEM;
	t->p.binary.p = (struct eng_binary){
		.a = p->a, .b = p->b, .out = p->out,
		.a_zp = a->zero_point, .b_zp = b->zero_point,
		.out_zp = y->zero_point, .left_shift = p->left_shift,
		.clamp = p->clamp,
	};
	w = &t->p.binary.walk;
	w->rank = y->rank;
	for (i = 0; i < y->rank; i++)
		w->dims[i] = y->dims[i];
	broadcast(a, y->rank, w->xs);
	broadcast(b, y->rank, w->ys);
	eng_walk_merge(w);
	if (is_f32(c, op))
		pick_f32(c->isa, op->code, t, &tenths);
	else
		pick_s8(c->isa, op->code, t, &tenths);
	/* short runs and repeated operands cost more than the kernel itself */
	if (w->dims[w->rank - 1] < 32 || !w->xs[w->rank - 1] ||
	    !w->ys[w->rank - 1])
		tenths += 60;
	t->units = eng_elements(y);
	t->granule = 64;
	t->unit_cost = tenths ? eng_scalar_cost(c, tenths) : VECTOR_COST;
	return 0;
}

static void set_pool(const struct aim_op *op, const struct aim_tensor *x,
		     const struct aim_tensor *y, struct eng_pool *p)
{
	p->batch = x->dims[0];
	p->in_h = x->dims[1];
	p->in_w = x->dims[2];
	p->c = x->dims[3];
	p->out_h = y->dims[1];
	p->out_w = y->dims[2];
	p->kernel_h = op->p.pool.kernel_h;
	p->kernel_w = op->p.pool.kernel_w;
	p->stride_h = op->p.pool.stride_h;
	p->stride_w = op->p.pool.stride_w;
	p->pad_top = op->p.pool.pad_top;
	p->pad_left = op->p.pool.pad_left;
	p->clamp = op->p.pool.clamp;
}

/*
 * int8 pools of ordinary size run by pixels with the unit's kernel; those with
 * a huge window, and float ones, element by element.
 */
static int lower_pool(struct eng_compiler *c, const struct aim_op *op)
{
	const struct aim_tensor *x = aim_operand(c->view, op, 0);
	const struct aim_tensor *y = aim_out(c->view, op, 0);
	bool max = op->code == AIM_OP_MAXPOOL;
	struct eng_task *t;
	u64 window, element, pixel;

	t = eng_new_task(c, NULL, eng_operand(c, op, 0), AIM_NO_TENSOR,
			 eng_output(c, op));
	if (!t)
		return -ENOMEM;
	set_pool(op, x, y, &t->p.pool.p);
	window = (u64)op->p.pool.kernel_h * op->p.pool.kernel_w;
	t->units = eng_elements(y);
	t->unit_cost = eng_scalar_cost(c, 40 + 10 * window);
	if (is_f32(c, op)) {
		t->run = max ? eng_run_maxpool_f32 : eng_run_avgpool_f32;
		return 0;
	}
	t->run = max ? eng_run_maxpool_s8_part : eng_run_avgpool_s8_part;
	pixel = t->unit_cost * x->dims[3];
	if (pixel > eng_most(c))
		return 0;
	t->run = eng_run_pool_s8;
	t->units /= x->dims[3];
	element = t->unit_cost;
	t->unit_cost = pixel;
	t->p.pool.s8_fn = max ? c->isa->maxpool_s8 : c->isa->avgpool_s8;
	if (t->p.pool.s8_fn)	/* at least 8 channels at a time */
		t->unit_cost = element * ((x->dims[3] + 7) / 8);
	else
		t->p.pool.s8_fn = max ? eng_scalar_maxpool_s8 :
					eng_scalar_avgpool_s8;
	return 0;
}

/*
 * A multiplier that also divides by @terms, as the reference kernel makes it:
 * the quotient may lose its highest bit, and keeps its rounding that way.
 */
static struct aim_requant divide(struct aim_requant r, u32 terms)
{
	s32 shift = 31 - __builtin_clz(terms);

	if (shift > 31 + r.shift)
		shift = 31 + r.shift;
	r.multiplier = (s32)(((s64)r.multiplier << shift) / terms);
	r.shift -= shift;
	return r;
}

static int lower_mean(struct eng_compiler *c, const struct aim_op *op)
{
	const struct aim_tensor *x = aim_operand(c->view, op, 0);
	const struct aim_tensor *y = aim_out(c->view, op, 0);
	struct eng_p_mean *p;
	struct eng_task *t;
	size_t xs = 1, ys = 1;
	u32 i;

	t = eng_new_task(c, is_f32(c, op) ? eng_run_mean_f32 : eng_run_mean_s8,
			 eng_operand(c, op, 0), AIM_NO_TENSOR,
			 eng_output(c, op));
	if (!t)
		return -ENOMEM;
	p = &t->p.mean;
	p->walk.rank = x->rank;
	for (i = x->rank; i-- > 0;) {
		bool summed = op->p.mean.axes >> i & 1;

		p->walk.dims[i] = x->dims[i];
		p->walk.xs[i] = xs;
		p->walk.ys[i] = summed ? 0 : ys;
		xs *= x->dims[i];
		ys *= summed ? 1 : x->dims[i];
	}
	eng_walk_merge(&p->walk);
	p->nr_in = eng_elements(x);
	p->nr_out = eng_elements(y);
	p->in_zp = x->zero_point;
	p->out_zp = y->zero_point;
	p->terms = p->nr_in / p->nr_out;
	p->requant = divide(op->p.mean.requant, p->terms);
	p->clamp = op->p.mean.clamp;
	t->units = p->nr_in + 2 * p->nr_out;
	t->unit_cost = eng_scalar_cost(c, 10);
	t->scratch_bytes = (size_t)p->nr_out * sizeof(u32);
	return 0;
}

static int lower_softmax(struct eng_compiler *c, const struct aim_op *op)
{
	const struct aim_tensor *x = aim_operand(c->view, op, 0);
	struct eng_task *t;
	s32 *exps;

	t = eng_new_task(c, is_f32(c, op) ? eng_run_softmax_f32 :
			 eng_run_softmax_s8, eng_operand(c, op, 0),
			 AIM_NO_TENSOR, eng_output(c, op));
	if (!t)
		return -ENOMEM;
	t->p.softmax.depth = x->dims[x->rank - 1];
	t->p.softmax.beta_bits = op->p.softmax.beta_bits;
	t->units = eng_elements(x) * 3;
	t->unit_cost = eng_scalar_cost(c, is_f32(c, op) ? 100 : 30);
	t->scratch_bytes = 8;
	if (is_f32(c, op))
		return 0;
	exps = c->prog->env.alloc(256 * sizeof(*exps));
	if (!exps)
		return -ENOMEM;
	t->packed = exps;
	t->p.softmax.exps = exps;
	eng_softmax_table(&op->p.softmax, exps);
	return 0;
}

static int lower_lut8(struct eng_compiler *c, const struct aim_op *op)
{
	struct eng_task *t = eng_new_task(c, eng_run_lut8,
					  eng_operand(c, op, 0),
					  eng_operand(c, op, 1),
					  eng_output(c, op));

	if (!t)
		return -ENOMEM;
	t->p.lut.fn = c->isa->lut8 ? c->isa->lut8 : eng_scalar_lut8;
	t->units = eng_elements(aim_out(c->view, op, 0));
	t->granule = 64;
	t->unit_cost = c->isa->lut8 ? VECTOR_COST : eng_scalar_cost(c, 6);
	return 0;
}

static int lower_elements(struct eng_compiler *c, const struct aim_op *op,
			  eng_task_fn run, u64 tenths)
{
	const struct aim_tensor *x = aim_operand(c->view, op, 0);
	const struct aim_tensor *y = aim_out(c->view, op, 0);
	const struct aim_tensor *whole;
	struct eng_task *t = eng_new_task(c, run, eng_operand(c, op, 0),
					  AIM_NO_TENSOR, eng_output(c, op));

	if (!t)
		return -ENOMEM;
	t->units = eng_elements(y);
	t->unit_cost = eng_scalar_cost(c, tenths);
	if (op->code == AIM_OP_UNARY) {
		t->p.unary.kind = op->p.unary.kind;
		t->p.unary.alpha_bits = op->p.unary.alpha_bits;
		return 0;
	}
	whole = op->code == AIM_OP_QUANTIZE ? y : x;
	t->p.quant.type = whole->type;
	t->p.quant.scale_bits = whole->scale_bits;
	t->p.quant.zero_point = whole->zero_point;
	return 0;
}

int eng_lower(struct eng_compiler *c, const struct aim_op *op)
{
	switch (op->code) {
	case AIM_OP_CONV2D:
	case AIM_OP_DEPTHWISE:
	case AIM_OP_FC:
		return eng_lower_conv(c, op);
	case AIM_OP_CONCAT:
	case AIM_OP_PAD:
	case AIM_OP_RESHAPE:
	case AIM_OP_TRANSPOSE:
	case AIM_OP_SLICE:
		return eng_lower_move(c, op);
	case AIM_OP_AVGPOOL:
	case AIM_OP_MAXPOOL:
		return lower_pool(c, op);
	case AIM_OP_ADD:
	case AIM_OP_MUL:
	case AIM_OP_SUB:
		return lower_binary(c, op);
	case AIM_OP_MEAN:
		return lower_mean(c, op);
	case AIM_OP_SOFTMAX:
		return lower_softmax(c, op);
	case AIM_OP_LUT8:
		return lower_lut8(c, op);
	case AIM_OP_QUANTIZE:
		return lower_elements(c, op, eng_run_quantize, 60);
	case AIM_OP_DEQUANTIZE:
		return lower_elements(c, op, eng_run_dequantize, 20);
	case AIM_OP_UNARY:
		return lower_elements(c, op, eng_run_unary_f32, 200);
	}
	return -EOPNOTSUPP;
}
