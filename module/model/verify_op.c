// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * Operators: operands, the flow of data, then the rules of each kind. What is
 * common to all kinds stands in a table; the rest is in verify_conv.c,
 * verify_arith.c and verify_move.c.
 */
#include "verify_internal.h"

enum {
	S8	= 1 << AIM_TYPE_S8,
	U8	= 1 << AIM_TYPE_U8,
	S16	= 1 << AIM_TYPE_S16,
	F32	= 1 << AIM_TYPE_F32,
};

#define PARAMS(member)	(sizeof(((struct aim_op *)0)->p.member) / sizeof(u32))

/* What the table knows of a kind of operator. */
struct rule {
	u8 types;	/* element types that input 0 may have */
	u8 same;	/* the output has input 0's type */
	u8 min_in, max_in;
	u8 consts;	/* bit i: input i is a constant, if it is there */
	u8 optional;	/* bit i: input i may be AIM_NO_TENSOR */
	u8 params;	/* words of parameters; those behind are zero */
	int (*check)(struct aim_ctx *c, const struct aim_op *op);	/* the rest */
};

static const struct rule rules[AIM_OP_LAST + 1] = {
	[AIM_OP_CONV2D] = { S8 | F32, 1, 3, 3, 6, 4, PARAMS(conv),
			    aim_check_conv2d },
	[AIM_OP_DEPTHWISE] = { S8 | F32, 1, 3, 3, 6, 4, PARAMS(conv),
			       aim_check_depthwise },
	[AIM_OP_FC] = { S8 | F32, 1, 3, 3, 6, 4, PARAMS(fc), aim_check_fc },
	[AIM_OP_AVGPOOL] = { S8 | F32, 1, 1, 1, 0, 0, PARAMS(pool),
			     aim_check_pool },
	[AIM_OP_MAXPOOL] = { S8 | F32, 1, 1, 1, 0, 0, PARAMS(pool),
			     aim_check_pool },
	[AIM_OP_ADD] = { S8 | F32, 1, 2, 2, 0, 0, PARAMS(binary),
			 aim_check_binary },
	[AIM_OP_MUL] = { S8 | F32, 1, 2, 2, 0, 0, PARAMS(binary),
			 aim_check_binary },
	[AIM_OP_SUB] = { S8 | F32, 1, 2, 2, 0, 0, PARAMS(binary),
			 aim_check_binary },
	[AIM_OP_CONCAT] = { S8 | U8 | S16 | F32, 1, 1, AIM_MAX_OP_OPERANDS - 1,
			    0, 0, PARAMS(concat), aim_check_concat },
	[AIM_OP_PAD] = { S8 | U8 | S16 | F32, 1, 1, 1, 0, 0, PARAMS(pad),
			 aim_check_pad },
	[AIM_OP_RESHAPE] = { S8 | U8 | S16 | F32, 1, 1, 1, 0, 0, 0,
			     aim_check_reshape },
	[AIM_OP_TRANSPOSE] = { S8 | U8 | S16 | F32, 1, 1, 1, 0, 0,
			       PARAMS(transpose), aim_check_transpose },
	[AIM_OP_MEAN] = { S8 | F32, 1, 1, 1, 0, 0, PARAMS(mean),
			  aim_check_mean },
	[AIM_OP_SOFTMAX] = { S8 | F32, 1, 1, 1, 0, 0, PARAMS(softmax),
			     aim_check_softmax },
	[AIM_OP_LUT8] = { S8 | U8, 0, 2, 2, 2, 0, 0, aim_check_lut8 },
	[AIM_OP_QUANTIZE] = { F32, 0, 1, 1, 0, 0, 0, aim_check_quantize },
	[AIM_OP_DEQUANTIZE] = { S8 | U8 | S16, 0, 1, 1, 0, 0, 0,
				aim_check_dequantize },
	[AIM_OP_UNARY] = { F32, 1, 1, 1, 0, 0, PARAMS(unary),
			   aim_check_unary },
	[AIM_OP_SLICE] = { S8 | U8 | S16 | F32, 1, 1, 1, 0, 0, PARAMS(slice),
			   aim_check_slice },
};

int aim_check_requant(struct aim_ctx *c, const struct aim_requant *rq)
{
	if (rq->multiplier && rq->multiplier < (1 << 30))
		return aim_refuse_got(c, -EINVAL,
				      "a multiplier is neither 0 nor in 2^30..2^31-1",
				      rq->multiplier);
	if (rq->shift < -31 || rq->shift > 30)
		return aim_refuse_got(c, -EINVAL, "a shift is not in -31..30",
				      rq->shift);
	return 0;
}

/* fp32 bits as integers that compare as the numbers do. */
static s32 f32_order(s32 bits)
{
	return bits < 0 ? (s32)(0x80000000U - (u32)bits) : bits;
}

int aim_check_clamp(struct aim_ctx *c, const struct aim_clamp *clamp, u32 type)
{
	const u32 infinity = 0x7f800000U;
	s32 min = clamp->min, max = clamp->max;

	if (type == AIM_TYPE_F32) {
		if (((u32)min & 0x7fffffffU) > infinity ||
		    ((u32)max & 0x7fffffffU) > infinity)
			return aim_refuse(c, -EINVAL, "a bound of the clamp is NaN");
		min = f32_order(min);
		max = f32_order(max);
	} else if (min < -128 || max > 127) {
		return aim_refuse_got(c, -EINVAL,
				      "the clamp exceeds the type's range",
				      min < -128 ? min : max);
	}
	if (min > max)
		return aim_refuse(c, -EINVAL, "the clamp's minimum is above its maximum");
	return 0;
}

int aim_check_same_shape(struct aim_ctx *c, const struct aim_tensor *a,
			 const struct aim_tensor *b)
{
	u32 i;

	if (a->rank != b->rank)
		return aim_refuse_pair(c, -EINVAL, "rank of the output", b->rank,
				       a->rank);
	for (i = 0; i < a->rank; i++)
		if (a->dims[i] != b->dims[i])
			return aim_refuse_pair(c, -EINVAL,
					       "a dimension of the output",
					       b->dims[i], a->dims[i]);
	return 0;
}

int aim_check_rank(struct aim_ctx *c, const struct aim_tensor *t, u32 rank,
		   const char *what)
{
	return t->rank == rank ? 0 :
		aim_refuse_pair(c, -EINVAL, what, t->rank, rank);
}

int aim_check_dim(struct aim_ctx *c, const struct aim_tensor *t, u32 dim,
		  u64 want, const char *what)
{
	return t->dims[dim] == want ? 0 :
		aim_refuse_pair(c, -EINVAL, what, t->dims[dim], aim_clip(want));
}

int aim_check_zero(struct aim_ctx *c, const u32 *words, u32 from, u32 to)
{
	u32 i;

	for (i = from; i < to; i++)
		if (words[i])
			return aim_refuse(c, -EBADMSG,
					  "an unused or reserved parameter is not zero");
	return 0;
}

/* Work is what an operator touches or computes; it bounds a job's run time. */
int aim_add_work(struct aim_ctx *c, u64 work)
{
	/* one operator's is below 2^53, so the sum can't wrap */
	c->work += work;
	if (c->work > AIM_MAX_WORK)
		return aim_refuse_got(c, -E2BIG, "the model takes too much work",
				      aim_clip(c->work));
	return 0;
}

int aim_add_macs(struct aim_ctx *c, u64 macs)
{
	c->macs += macs;
	if (c->macs > AIM_MAX_MACS)
		return aim_refuse_got(c, -E2BIG,
				      "the model takes too many multiply-adds",
				      aim_clip(c->macs));
	return aim_add_work(c, macs);
}

/* Largest |x - zero point| of an 8-bit tensor. */
u32 aim_max_distance(const struct aim_tensor *t)
{
	s32 low = t->zero_point + 128, high = 127 - t->zero_point;

	return low > high ? low : high;
}

/*
 * Requantising shifts left first. A sum within @bound must stay an int32 then,
 * with room for the output's zero point.
 */
bool aim_requant_fits(u64 bound, s32 shift)
{
	return bound <= AIM_ACC_LIMIT >> (shift > 0 ? shift : 0);
}

/* Bound of the result, if aim_requant_fits() */
u64 aim_requant_bound(u64 bound, const struct aim_requant *rq)
{
	u64 shifted = bound << (rq->shift > 0 ? rq->shift : 0);
	u64 scaled = ((shifted * (u64)rq->multiplier) >> 31) + 1;

	return (scaled >> (rq->shift < 0 ? -rq->shift : 0)) + 1;
}

static int check_input(struct aim_ctx *c, const struct rule *rule, u32 i, u32 k,
		       u32 tensor)
{
	const struct aim_tensor *t;
	struct aim_vtensor *s;

	if (tensor == AIM_NO_TENSOR) {
		if (k < 8 && (rule->optional >> k & 1))
			return 0;
		return aim_refuse_got(c, -EINVAL, "lacks an input, number", k);
	}
	if (tensor >= c->v->nr_tensors)
		return aim_refuse_got(c, -EINVAL, "an operand is no tensor",
				      tensor);
	tensor = aim_index(tensor, c->v->nr_tensors);
	t = &c->v->tensors[tensor];
	s = &c->state[tensor];
	if (k < 8 && (rule->consts >> k & 1) && t->place != AIM_PLACE_CONST)
		return aim_refuse_tensor(c, -EINVAL, "must be a constant", tensor);
	if ((t->place == AIM_PLACE_ARENA || t->place == AIM_PLACE_OUTPUT) &&
	    !s->writer)
		return aim_refuse_tensor(c, -EINVAL,
					 "reads a tensor that nothing wrote before",
					 tensor);
	if (t->scales_count && !(k < 8 && (rule->consts >> k & 1)))
		return aim_refuse_tensor(c, -EOPNOTSUPP,
					 "can't use per-channel scales", tensor);
	s->reader = i + 1;
	return 0;
}

static int check_output(struct aim_ctx *c, u32 i, u32 tensor)
{
	const struct aim_tensor *t;
	struct aim_vtensor *s;

	if (tensor >= c->v->nr_tensors)
		return aim_refuse_got(c, -EINVAL, "its output is no tensor",
				      tensor);
	tensor = aim_index(tensor, c->v->nr_tensors);
	t = &c->v->tensors[tensor];
	s = &c->state[tensor];
	if (t->place != AIM_PLACE_ARENA && t->place != AIM_PLACE_OUTPUT)
		return aim_refuse_tensor(c, -EINVAL,
					 "writes to a constant or model input",
					 tensor);
	if (s->writer)
		return aim_refuse_tensor(c, -EINVAL,
					 "writes a tensor that was written before",
					 tensor);
	s->writer = i + 1;
	return 0;
}

static int check_operands(struct aim_ctx *c, const struct rule *rule,
			  const struct aim_op *op, u32 i)
{
	u32 nr = (u32)op->nr_inputs + op->nr_outputs;
	const u32 *operands;
	u32 k;
	int err;

	if (nr > AIM_MAX_OP_OPERANDS)
		return aim_refuse_got(c, -E2BIG, "has too many operands", nr);
	if (op->nr_inputs < rule->min_in || op->nr_inputs > rule->max_in)
		return aim_refuse_got(c, -EINVAL, "wrong number of inputs",
				      op->nr_inputs);
	if (op->nr_outputs != 1)
		return aim_refuse_pair(c, -EINVAL, "number of outputs",
				       op->nr_outputs, 1);
	if ((u64)op->operands + nr > c->v->nr_operands)
		return aim_refuse_got(c, -EINVAL,
				      "its operands lie outside the section",
				      op->operands);
	c->operands += nr;
	if (c->operands > AIM_MAX_OPERANDS)
		return aim_refuse_got(c, -E2BIG, "too many operands in all",
				      c->operands);
	operands = &c->v->operands[op->operands];
	for (k = 0; k < op->nr_inputs; k++) {
		err = check_input(c, rule, i, k, operands[k]);
		if (err)
			return err;
	}
	return check_output(c, i, operands[k]);
}

static int check_types(struct aim_ctx *c, const struct rule *rule,
		       const struct aim_op *op)
{
	const struct aim_tensor *x = aim_operand(c->v, op, 0);
	const struct aim_tensor *y = aim_out(c->v, op, 0);

	if (!(rule->types >> x->type & 1))
		return aim_refuse_tensor(c, -EOPNOTSUPP,
					 "does not support its input's element type",
					 c->v->operands[op->operands]);
	if (rule->same && y->type != x->type)
		return aim_refuse(c, -EINVAL,
				  "input and output have different element types");
	return 0;
}

static int check_op(struct aim_ctx *c, const struct aim_op *op, u32 i)
{
	const struct rule *rule;
	int err;

	err = aim_check_name(c, op->name);
	if (err)
		return err;
	if (!op->code || op->code > AIM_OP_LAST)
		return aim_refuse_got(c, -EOPNOTSUPP, "unknown operator code",
				      op->code);
	rule = &rules[aim_index(op->code, AIM_OP_LAST + 1)];
	if (op->flags)
		return aim_refuse(c, -EBADMSG, "its flags are not zero");
	err = aim_check_zero(c, op->p.raw, rule->params, 20);
	if (!err)
		err = check_operands(c, rule, op, i);
	if (!err)
		err = check_types(c, rule, op);
	if (!err)
		err = rule->check(c, op);
	if (!err)
		err = aim_add_work(c, aim_out(c->v, op, 0)->bytes);
	return err;
}

int aim_check_ops(struct aim_ctx *c)
{
	const struct aim_view *v = c->v;
	u32 i;
	int err;

	memset(c->state, 0, (size_t)v->nr_tensors * sizeof(*c->state));
	c->subject = AIM_SUBJ_OP;
	for (i = 0; i < v->nr_ops; i++) {
		c->index = i;
		err = check_op(c, &v->ops[i], i);
		if (err)
			return err;
		aim_relax();
	}
	c->subject = AIM_SUBJ_TENSOR;
	for (i = 0; i < v->nr_tensors; i++) {
		c->index = i;
		if ((v->tensors[i].place == AIM_PLACE_ARENA ||
		     v->tensors[i].place == AIM_PLACE_OUTPUT) &&
		    !c->state[i].writer)
			return aim_refuse(c, -EINVAL, "no operator writes it");
	}
	c->subject = AIM_SUBJ_FILE;
	if (v->header->macs != c->macs)
		return aim_refuse_pair(c, -EINVAL, "macs of the header",
				       aim_clip(v->header->macs), c->macs);
	return 0;
}
