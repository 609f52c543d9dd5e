// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* Element-wise operators, mean and softmax. */
#include "verify_internal.h"

#define MAX_LEFT_SHIFT	20
#define SOFTMAX_SCALE	0x3b800000U	/* 1/256 */
#define LUT_ENTRIES	256
#define EXP_COST	16		/* an exponential, in units of work */

static int check_broadcast(struct aim_ctx *c, const struct aim_tensor *x,
			   const struct aim_tensor *y, u32 *covered)
{
	u32 skip, i;

	if (x->rank > y->rank)
		return aim_refuse_got(c, -EINVAL,
				      "an input has more dimensions than the output",
				      x->rank);
	skip = y->rank - x->rank;
	for (i = 0; i < x->rank; i++) {
		u32 want = y->dims[skip + i];

		if (x->dims[i] != want && x->dims[i] != 1)
			return aim_refuse_pair(c, -EINVAL,
					       "a dimension that broadcasts",
					       x->dims[i], want);
		if (x->dims[i] == want)
			*covered |= 1U << (skip + i);
	}
	/* what a lacks counts as 1 */
	for (i = 0; i < skip; i++)
		if (y->dims[i] == 1)
			*covered |= 1U << i;
	return 0;
}

static bool requant_is_zero(const struct aim_requant *rq)
{
	return !rq->multiplier && !rq->shift;
}

/* a and b shifted left, requantised, added, requantised: all within int32 */
static int check_sum(struct aim_ctx *c, const struct aim_p_binary *p,
		     const struct aim_tensor *a, const struct aim_tensor *b)
{
	u64 ba, bb;

	if (p->left_shift < 0 || p->left_shift > MAX_LEFT_SHIFT)
		return aim_refuse_got(c, -EINVAL, "left_shift is not in 0..20",
				      p->left_shift);
	ba = (u64)aim_max_distance(a) << p->left_shift;
	bb = (u64)aim_max_distance(b) << p->left_shift;
	if (!aim_requant_fits(ba, p->a.shift) || !aim_requant_fits(bb, p->b.shift))
		return aim_refuse(c, -EINVAL, "a rescaled input may overflow int32");
	ba = aim_requant_bound(ba, &p->a);
	bb = aim_requant_bound(bb, &p->b);
	if (!aim_requant_fits(ba + bb, p->out.shift))
		return aim_refuse(c, -EINVAL, "the sum may overflow int32");
	return 0;
}

static int check_product(struct aim_ctx *c, const struct aim_p_binary *p,
			 const struct aim_tensor *a, const struct aim_tensor *b)
{
	u64 bound = (u64)aim_max_distance(a) * aim_max_distance(b);

	if (p->left_shift || !requant_is_zero(&p->a) || !requant_is_zero(&p->b))
		return aim_refuse(c, -EBADMSG,
				  "mul has no left_shift and no input requant");
	if (!aim_requant_fits(bound, p->out.shift))
		return aim_refuse(c, -EINVAL, "the product may overflow int32");
	return 0;
}

int aim_check_binary(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_p_binary *p = &op->p.binary;
	const struct aim_tensor *a = aim_operand(c->v, op, 0);
	const struct aim_tensor *b = aim_operand(c->v, op, 1);
	const struct aim_tensor *y = aim_out(c->v, op, 0);
	u32 covered = 0;
	int err;

	if (a->type != b->type)
		return aim_refuse(c, -EINVAL,
				  "its inputs have different element types");
	err = check_broadcast(c, a, y, &covered);
	if (!err)
		err = check_broadcast(c, b, y, &covered);
	if (err)
		return err;
	if (covered != (1U << y->rank) - 1)
		return aim_refuse(c, -EINVAL,
				  "the output is larger than both inputs");
	err = aim_check_clamp(c, &p->clamp, a->type);
	if (err)
		return err;
	if (p->reserved)
		return aim_refuse(c, -EBADMSG, "a reserved parameter is not zero");
	if (a->type == AIM_TYPE_F32) {
		if (p->left_shift || !requant_is_zero(&p->a) ||
		    !requant_is_zero(&p->b) || !requant_is_zero(&p->out))
			return aim_refuse(c, -EBADMSG, "float32 has no requant");
		return 0;
	}
	err = aim_check_requant(c, &p->a);
	if (!err)
		err = aim_check_requant(c, &p->b);
	if (!err)
		err = aim_check_requant(c, &p->out);
	if (err)
		return err;
	return op->code == AIM_OP_MUL ? check_product(c, p, a, b) :
					check_sum(c, p, a, b);
}

/* The output is x without the dimensions in @axes, or with 1 in their place. */
static int check_reduced_shape(struct aim_ctx *c, const struct aim_tensor *x,
			       const struct aim_tensor *y, u32 axes)
{
	u32 kept = 0, i;
	bool keep = y->rank == x->rank;

	for (i = 0; i < x->rank; i++) {
		bool reduced = axes >> i & 1;
		u32 want = reduced ? 1 : x->dims[i];

		if (reduced && !keep)
			continue;
		/* kept <= i < AIM_MAX_RANK */
		if (kept >= y->rank)
			return aim_refuse_got(c, -EINVAL,
					      "the output has too few dimensions",
					      y->rank);
		if (y->dims[kept] != want)
			return aim_refuse_pair(c, -EINVAL,
					       "a dimension of the output",
					       y->dims[kept], want);
		kept++;
	}
	if (kept != y->rank)
		return aim_refuse_pair(c, -EINVAL, "rank of the output", y->rank,
				       kept);
	return 0;
}

/* The shift after the division by @terms, see struct aim_p_mean. */
static s32 mean_shift(s32 shift, u64 terms)
{
	s32 s = 0;

	while (s < 31 + shift && terms >> (s + 1))
		s++;
	return shift - s;
}

int aim_check_mean(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_p_mean *p = &op->p.mean;
	const struct aim_tensor *x = aim_operand(c->v, op, 0);
	const struct aim_tensor *y = aim_out(c->v, op, 0);
	u64 terms;
	int err;

	if (!p->axes || p->axes >> x->rank)
		return aim_refuse_got(c, -EINVAL,
				      "axes name no dimension, or one it lacks",
				      p->axes);
	if (p->reserved)
		return aim_refuse(c, -EBADMSG, "a reserved parameter is not zero");
	err = check_reduced_shape(c, x, y, p->axes);
	if (!err)
		err = aim_check_clamp(c, &p->clamp, x->type);
	if (!err)
		err = aim_add_work(c, aim_elements(x));
	if (err)
		return err;
	if (x->type == AIM_TYPE_F32)
		return requant_is_zero(&p->requant) ? 0 :
			aim_refuse(c, -EBADMSG, "float32 has no requant");
	err = aim_check_requant(c, &p->requant);
	if (err)
		return err;
	terms = aim_elements(x) / aim_elements(y);
	if (!aim_requant_fits(terms * aim_max_distance(x),
			      mean_shift(p->requant.shift, terms)))
		return aim_refuse_got(c, -EINVAL, "the sum may overflow int32, terms",
				      terms);
	return 0;
}

static int check_softmax_s8(struct aim_ctx *c, const struct aim_p_softmax *p,
			    const struct aim_tensor *x,
			    const struct aim_tensor *y)
{
	u64 diff = p->diff_min < -255 ? 255 : -(s64)p->diff_min;

	if (p->beta_bits)
		return aim_refuse(c, -EBADMSG, "int8 softmax has no beta");
	if (p->input_multiplier && p->input_multiplier < (1 << 30))
		return aim_refuse_got(c, -EINVAL,
				      "a multiplier is neither 0 nor in 2^30..2^31-1",
				      p->input_multiplier);
	if (p->input_left_shift < 0 || p->input_left_shift > 31)
		return aim_refuse_got(c, -EINVAL,
				      "input_left_shift is not in 0..31",
				      p->input_left_shift);
	if (p->diff_min > 0)
		return aim_refuse_got(c, -EINVAL, "diff_min is above zero",
				      p->diff_min);
	if (diff << p->input_left_shift > AIM_ACC_LIMIT)
		return aim_refuse_got(c, -EINVAL,
				      "a difference may overflow int32, diff_min",
				      p->diff_min);
	if (x->dims[x->rank - 1] > AIM_MAX_SOFTMAX)
		return aim_refuse_got(c, -E2BIG,
				      "int8 softmax over too many elements",
				      x->dims[x->rank - 1]);
	if (y->scale_bits != SOFTMAX_SCALE || y->zero_point != -128)
		return aim_refuse(c, -EINVAL,
				  "the output of int8 softmax must have scale 1/256 and zero point -128");
	return 0;
}

int aim_check_softmax(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_p_softmax *p = &op->p.softmax;
	const struct aim_tensor *x = aim_operand(c->v, op, 0);
	const struct aim_tensor *y = aim_out(c->v, op, 0);
	int err;

	if (!x->rank)
		return aim_refuse(c, -EINVAL, "its input is a scalar");
	err = aim_check_same_shape(c, x, y);
	if (!err)
		err = aim_add_work(c, aim_elements(x) * EXP_COST);
	if (err)
		return err;
	if (x->type == AIM_TYPE_S8)
		return check_softmax_s8(c, p, x, y);
	if (!aim_bits_scale(p->beta_bits))
		return aim_refuse(c, -EINVAL,
				  "beta is not finite and above zero");
	return aim_check_zero(c, op->p.raw, 1, 4);
}

int aim_check_lut8(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_tensor *x = aim_operand(c->v, op, 0);
	const struct aim_tensor *table = aim_operand(c->v, op, 1);
	const struct aim_tensor *y = aim_out(c->v, op, 0);

	if (table->type != AIM_TYPE_S8 && table->type != AIM_TYPE_U8)
		return aim_refuse(c, -EINVAL, "the table is not int8 or uint8");
	if (y->type != table->type)
		return aim_refuse(c, -EINVAL,
				  "table and output have different element types");
	if (aim_elements(table) != LUT_ENTRIES)
		return aim_refuse_pair(c, -EINVAL, "number of table entries",
				       aim_elements(table), LUT_ENTRIES);
	if (table->scales_count)
		return aim_refuse(c, -EINVAL, "the table has per-channel scales");
	return aim_check_same_shape(c, x, y);
}

int aim_check_quantize(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_tensor *x = aim_operand(c->v, op, 0);
	const struct aim_tensor *y = aim_out(c->v, op, 0);

	if (y->type != AIM_TYPE_S8 && y->type != AIM_TYPE_U8 &&
	    y->type != AIM_TYPE_S16)
		return aim_refuse(c, -EOPNOTSUPP,
				  "quantises to int8, uint8 or int16 only");
	if (!y->scale_bits)
		return aim_refuse(c, -EINVAL, "the output has no scale");
	return aim_check_same_shape(c, x, y);
}

int aim_check_dequantize(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_tensor *x = aim_operand(c->v, op, 0);
	const struct aim_tensor *y = aim_out(c->v, op, 0);

	if (y->type != AIM_TYPE_F32)
		return aim_refuse(c, -EINVAL, "the output is not float32");
	if (!x->scale_bits)
		return aim_refuse(c, -EINVAL, "the input has no scale");
	return aim_check_same_shape(c, x, y);
}

int aim_check_unary(struct aim_ctx *c, const struct aim_op *op)
{
	const struct aim_p_unary *p = &op->p.unary;
	const struct aim_tensor *x = aim_operand(c->v, op, 0);
	const struct aim_tensor *y = aim_out(c->v, op, 0);
	int err;

	if (!p->kind || p->kind > AIM_UNARY_RELU_N1_TO_1)
		return aim_refuse_got(c, -EOPNOTSUPP, "unknown function", p->kind);
	if (p->kind != AIM_UNARY_LEAKY_RELU && p->alpha_bits)
		return aim_refuse(c, -EBADMSG, "this function has no alpha");
	if (!aim_bits_finite(p->alpha_bits))
		return aim_refuse(c, -EINVAL, "alpha is not finite");
	err = aim_check_same_shape(c, x, y);
	if (!err)
		err = aim_add_work(c, aim_elements(x) * EXP_COST);
	return err;
}
