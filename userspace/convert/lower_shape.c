// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operators that give values another shape or order. */
#include "lower.h"
#include "lut.h"

/* RESHAPE of the operator's input 0 to a shape of as many elements. */
static int reshape_to(struct cv *c, u32 rank, const u32 *dims)
{
	struct aim_op *op;
	u32 x, y;
	int err;

	err = cv_signed(c, cv_input(c, 0), &x);
	if (!err)
		err = cv_result_moved(c, cv_output(c, 0), x, rank, dims, &y);
	if (!err && c->tensors[x].t.bytes != c->tensors[y].t.bytes)
		err = cv_refuse(c, -EINVAL,
				"its output has %llu elements, its input %llu",
				(unsigned long long)cv_count(&c->tensors[y].t),
				(unsigned long long)cv_count(&c->tensors[x].t));
	return err ? err : cv_new_unary(c, AIM_OP_RESHAPE, x, y, &op);
}

/* The shape RESHAPE asks for: from its second input or from its options. */
static int wanted_shape(struct cv *c, s64 *shape, u32 *n)
{
	struct fb_vec v;
	struct fb_table o;
	u32 i;
	int err;

	if (cv_input(c, 1) != CV_NONE)
		return cv_const_ints(c, cv_input(c, 1), shape, AIM_MAX_RANK, n);
	err = cv_options(c, TFL_OPT_RESHAPE, &o);
	if (err)
		return err;
	if (!fb_vector(&o, 0, 4, &v) || v.n > AIM_MAX_RANK)
		return cv_refuse(c, -EOPNOTSUPP,
				 "names no shape, or one of more than %u dimensions",
				 AIM_MAX_RANK);
	for (i = 0; i < v.n; i++)
		shape[i] = fb_vec_s32(&c->m->fb, &v, i);
	*n = v.n;
	return 0;
}

/* One dimension may be -1: what is left of @count. */
static int resolve_shape(struct cv *c, u64 count, const s64 *shape, u32 n,
			 u32 *dims)
{
	u64 product = 1;
	u32 i, open = CV_NONE;

	for (i = 0; i < n; i++) {
		if (shape[i] == -1 && open == CV_NONE) {
			open = i;
			continue;
		}
		if (shape[i] <= 0 || shape[i] > AIM_MAX_DIM)
			return cv_refuse(c, -EINVAL,
					 "asks for a dimension of %lld",
					 (long long)shape[i]);
		dims[i] = (u32)shape[i];
		product *= dims[i];
		if (product > count)
			return cv_refuse(c, -EINVAL,
					 "asks for more elements than its input has");
	}
	if (open != CV_NONE) {
		if (count % product || count / product > AIM_MAX_DIM)
			return cv_refuse(c, -EINVAL,
					 "its input's %llu elements can't be given that shape",
					 (unsigned long long)count);
		dims[open] = (u32)(count / product);
	}
	return 0;
}

int cv_lower_reshape(struct cv *c)
{
	u32 dims[AIM_MAX_RANK], n, x;
	s64 shape[AIM_MAX_RANK];
	int err;

	err = cv_arity(c, 1, 2, 1);
	if (!err)
		err = cv_either(c, cv_input(c, 0), &x);
	if (!err)
		err = wanted_shape(c, shape, &n);
	if (err)
		return err;
	/* an old way to say "scalar" */
	if (n == 1 && shape[0] == 0)
		n = 0;
	err = resolve_shape(c, cv_count(&c->tensors[x].t), shape, n, dims);
	return err ? err : reshape_to(c, n, dims);
}

int cv_lower_squeeze(struct cv *c)
{
	u32 i, rank = 0, drop = 0, dims[AIM_MAX_RANK];
	struct cv_value *v;
	struct fb_table o;
	struct fb_vec list;
	int err;

	err = cv_arity(c, 1, 1, 1);
	if (!err)
		err = cv_need(c, cv_input(c, 0));
	if (!err)
		err = cv_options(c, TFL_OPT_SQUEEZE, &o);
	if (err)
		return err;
	v = &c->values[cv_input(c, 0)];
	fb_vector(&o, 0, 4, &list);
	if (list.n > AIM_MAX_RANK)
		return cv_refuse(c, -EINVAL, "names more than %u dimensions",
				 AIM_MAX_RANK);
	for (i = 0; i < list.n; i++) {
		s64 d = fb_vec_s32(&c->m->fb, &list, i);

		d = d < 0 ? d + v->rank : d;
		if (d < 0 || d >= v->rank || v->dims[d] != 1)
			return cv_refuse(c, -EINVAL, "can't drop dimension %lld",
					 (long long)d);
		drop |= 1U << d;
	}
	for (i = 0; i < v->rank; i++)
		if (list.n ? !(drop >> i & 1) : v->dims[i] != 1)
			dims[rank++] = v->dims[i];
	return reshape_to(c, rank, dims);
}

/* @dims with a 1 put in front of dimension @axis */
static u32 insert_one(const u32 *dims, u32 rank, u32 axis, u32 *out)
{
	memcpy(out, dims, axis * sizeof(*dims));
	out[axis] = 1;
	memcpy(out + axis + 1, dims + axis, (rank - axis) * sizeof(*dims));
	return rank + 1;
}

int cv_axis(struct cv *c, s64 axis, u32 rank, u32 *out)
{
	s64 a = axis < 0 ? axis + rank : axis;

	*out = 0;
	if (a < 0 || a >= rank)
		return cv_refuse(c, -EINVAL,
				 "axis %lld is not one of %u dimensions",
				 (long long)axis, rank);
	*out = (u32)a;
	return 0;
}

int cv_lower_expand_dims(struct cv *c)
{
	u32 dims[AIM_MAX_RANK + 1], n, axis;
	struct cv_value *v;
	s64 a[1];
	int err;

	err = cv_arity(c, 2, 2, 1);
	if (!err)
		err = cv_need(c, cv_input(c, 0));
	if (!err)
		err = cv_const_ints(c, cv_input(c, 1), a, 1, &n);
	if (err)
		return err;
	v = &c->values[cv_input(c, 0)];
	if (!n)
		return cv_refuse(c, -EINVAL, "names no axis");
	err = cv_axis(c, a[0], v->rank + 1U, &axis);
	if (err)
		return err;
	return reshape_to(c, insert_one(v->dims, v->rank, axis, dims), dims);
}

/*
 * Inputs of a concatenation are quantised like its output. TFLite demands that
 * of int8, and rescales uint8 with arithmetic of its own.
 */
static int concat_input(struct cv *c, u32 i, u32 y, u32 *x)
{
	u32 in = cv_input(c, i), out = cv_output(c, 0);
	struct cv_kind k = cv_kind_of(c, y), from;
	struct lut_quant q;
	u8 table[256];
	int err;

	err = cv_signed(c, in, x);
	if (err || k.type != AIM_TYPE_S8)
		return err;
	if (c->m->tensors[in].type != TFL_UINT8)
		return cv_same_quant(c, in, out);
	from = cv_kind_of(c, *x);
	if (from.scale == k.scale && from.zero_point == k.zero_point)
		return 0;
	if (from.scale == 0 || k.scale == 0)
		return cv_refuse(c, -EINVAL, "input %u or the output has no scale", i);
	q = (struct lut_quant){
		.in_scale = from.scale, .in_zero = from.zero_point,
		.out_scale = k.scale, .out_zero = k.zero_point,
		.in_lo = -128, .out_lo = -128,
	};
	if (!lut_concat(&q, table))
		return cv_refuse(c, -EINVAL, "the scale of input %u is out of range",
				 i);
	from.scale = k.scale;
	from.zero_point = k.zero_point;
	k = from;
	in = *x;
	err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, x);
	return err ? err : cv_new_lut(c, in, *x, table);
}

static int concat_shape(struct cv *c, u32 axis, u32 *dims)
{
	const struct cv_value *first = &c->values[cv_input(c, 0)];
	u64 sum = 0;
	u32 i, d;

	for (i = 0; i < c->op->inputs.n; i++) {
		const struct cv_value *v = &c->values[cv_input(c, i)];

		if (v->rank != first->rank)
			return cv_refuse(c, -EINVAL,
					 "its inputs have %u and %u dimensions",
					 first->rank, v->rank);
		for (d = 0; d < v->rank; d++)
			if (d != axis && v->dims[d] != first->dims[d])
				return cv_refuse(c, -EINVAL,
						 "its inputs differ in dimension %u",
						 d);
		sum += v->dims[axis];
	}
	if (sum > AIM_MAX_DIM)
		return cv_refuse(c, -E2BIG, "its output has a dimension of %llu",
				 (unsigned long long)sum);
	memcpy(dims, first->dims, sizeof(first->dims));
	dims[axis] = (u32)sum;
	return 0;
}

int cv_lower_concat(struct cv *c)
{
	u32 in[AIM_MAX_OP_OPERANDS], dims[AIM_MAX_RANK], i, y, axis;
	struct fb_table o;
	struct aim_op *op;
	int err;

	err = cv_arity(c, 1, AIM_MAX_OP_OPERANDS - 1, 1);
	if (!err && cv_is_ints(c, cv_output(c, 0)))
		return cv_ints_join(c);
	if (!err)
		err = cv_options(c, TFL_OPT_CONCATENATION, &o);
	if (!err && fb_u8(&o, 1, 0))
		err = cv_refuse(c, -EOPNOTSUPP,
				"a fused activation is not supported here");
	for (i = 0; !err && i < c->op->inputs.n; i++)
		err = cv_input(c, i) == CV_NONE ?
			cv_refuse(c, -EINVAL, "lacks its input %u", i) :
			cv_need(c, cv_input(c, i));
	if (!err)
		err = cv_axis(c, fb_s32(&o, 0, 0),
				 c->values[cv_input(c, 0)].rank, &axis);
	if (!err)
		err = concat_shape(c, axis, dims);
	if (!err)
		err = cv_result(c, cv_output(c, 0),
				c->values[cv_input(c, 0)].rank, dims, &y);
	for (i = 0; !err && i < c->op->inputs.n; i++) {
		err = concat_input(c, i, y, &in[i]);
		if (!err && c->tensors[in[i]].t.type != c->tensors[y].t.type)
			err = cv_refuse(c, -EINVAL,
					"its inputs and output have different types");
	}
	if (!err)
		err = cv_new_op(c, AIM_OP_CONCAT, in, c->op->inputs.n, &y, 1, &op);
	if (!err)
		op->p.concat.axis = axis;
	return err;
}

/* PACK: each input gets the new dimension, then they are concatenated. */
int cv_lower_pack(struct cv *c)
{
	u32 in[AIM_MAX_OP_OPERANDS], dims[AIM_MAX_RANK + 1], i, y, rank, axis;
	struct cv_value *first;
	struct fb_table o;
	struct aim_op *op;
	int err;

	err = cv_arity(c, 1, AIM_MAX_OP_OPERANDS - 1, 1);
	if (!err && cv_is_ints(c, cv_output(c, 0)))
		return cv_ints_join(c);
	if (!err)
		err = cv_options(c, TFL_OPT_PACK, &o);
	if (!err)
		err = cv_need(c, cv_input(c, 0));
	if (err)
		return err;
	first = &c->values[cv_input(c, 0)];
	rank = first->rank + 1U;
	if (rank > AIM_MAX_RANK)
		return cv_refuse(c, -EOPNOTSUPP, "its output has %u dimensions", rank);
	err = cv_axis(c, fb_s32(&o, 1, 0), rank, &axis);
	if (err)
		return err;
	insert_one(first->dims, first->rank, axis, dims);
	for (i = 0; !err && i < c->op->inputs.n; i++) {
		struct cv_value *v;

		if (cv_input(c, i) == CV_NONE)
			return cv_refuse(c, -EINVAL, "lacks its input %u", i);
		err = cv_signed(c, cv_input(c, i), &in[i]);
		if (err)
			return err;
		v = &c->values[cv_input(c, i)];
		if (v->rank + 1U != rank ||
		    memcmp(v->dims, first->dims, v->rank * sizeof(v->dims[0])) ||
		    c->tensors[in[i]].t.type != c->tensors[in[0]].t.type)
			return cv_refuse(c, -EINVAL, "its inputs are not alike");
		if (c->tensors[in[i]].t.type == AIM_TYPE_S8)
			err = cv_same_quant(c, cv_input(c, i), cv_output(c, 0));
		if (err)
			return err;
		err = cv_new_reshape(c, in[i], rank, dims, &in[i]);
	}
	dims[axis] = c->op->inputs.n;
	if (!err)
		err = cv_result_moved(c, cv_output(c, 0), in[0], rank, dims, &y);
	if (!err)
		err = cv_new_op(c, AIM_OP_CONCAT, in, c->op->inputs.n, &y, 1, &op);
	if (!err)
		op->p.concat.axis = axis;
	return err;
}

static int pad_shape(struct cv *c, u32 x, struct aim_p_pad *p, u32 *dims)
{
	const struct aim_tensor *t = &c->tensors[x].t;
	s64 pads[2 * AIM_MAX_RANK];
	u32 n, i;
	int err;

	err = cv_const_ints(c, cv_input(c, 1), pads, 2 * AIM_MAX_RANK, &n);
	if (err)
		return err;
	if (n != 2U * t->rank)
		return cv_refuse(c, -EINVAL, "has %u paddings for %u dimensions",
				 n, t->rank);
	for (i = 0; i < t->rank; i++) {
		s64 before = pads[2 * i], after = pads[2 * i + 1];

		if (before < 0 || after < 0 || before > AIM_MAX_DIM ||
		    after > AIM_MAX_DIM)
			return cv_refuse(c, -EINVAL,
					 "paddings %lld and %lld are out of range",
					 (long long)before, (long long)after);
		p->before[i] = (u32)before;
		p->after[i] = (u32)after;
		dims[i] = t->dims[i] + p->before[i] + p->after[i];
	}
	return 0;
}

/* What PADV2 pads with: a scalar of the input's type. */
static int pad_value(struct cv *c, u32 y, s32 *out)
{
	u32 value = cv_input(c, 2), t;
	const u8 *data;
	int err;

	err = cv_need(c, value);
	if (!err && !cv_is_const(c, value))
		err = cv_refuse(c, -EOPNOTSUPP,
				"its padding value is computed; only a constant is supported");
	if (!err)
		err = cv_signed(c, value, &t);
	if (err)
		return err;
	if (c->tensors[t].t.type != c->tensors[y].t.type ||
	    cv_count(&c->tensors[t].t) != 1)
		return cv_refuse(c, -EINVAL,
				 "its padding value must be a scalar of its input's type");
	if (c->tensors[t].t.type == AIM_TYPE_S8 && c->tensors[y].t.scale_bits) {
		err = cv_same_quant(c, value, cv_output(c, 0));
		if (err)
			return err;
	}
	data = c->tensors[t].data;
	*out = c->tensors[t].t.type == AIM_TYPE_F32 ? (s32)le32_load(data) :
	       c->tensors[t].t.type == AIM_TYPE_S16 ? (s16)le16_load(data) :
	       (s8)data[0];
	return 0;
}

static int lower_pad(struct cv *c, bool with_value)
{
	struct aim_p_pad p = { .value = 0 };
	u32 x, y, dims[AIM_MAX_RANK];
	struct aim_op *op;
	int err;

	err = cv_arity(c, with_value ? 3 : 2, with_value ? 3 : 2, 1);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), &x);
	if (!err)
		err = pad_shape(c, x, &p, dims);
	if (!err)
		err = cv_result_moved(c, cv_output(c, 0), x,
				      c->tensors[x].t.rank, dims, &y);
	if (!err && with_value)
		err = pad_value(c, y, &p.value);
	if (err)
		return err;
	/* padding is "no signal": 0.0, whose quantised form the zero point is */
	if (!with_value && c->tensors[y].t.type != AIM_TYPE_F32)
		p.value = c->tensors[y].t.zero_point;
	err = cv_new_unary(c, AIM_OP_PAD, x, y, &op);
	if (!err)
		op->p.pad = p;
	return err;
}

int cv_lower_pad(struct cv *c)
{
	return lower_pad(c, false);
}

int cv_lower_padv2(struct cv *c)
{
	return lower_pad(c, true);
}

int cv_lower_transpose(struct cv *c)
{
	struct aim_p_transpose p = { { 0 } };
	u32 x, y, n, i, seen = 0, dims[AIM_MAX_RANK];
	s64 perm[AIM_MAX_RANK];
	struct aim_op *op;
	int err;

	err = cv_arity(c, 2, 2, 1);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), &x);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 1), perm, AIM_MAX_RANK, &n);
	if (err)
		return err;
	if (n != c->tensors[x].t.rank)
		return cv_refuse(c, -EINVAL, "permutes %u of %u dimensions", n,
				 c->tensors[x].t.rank);
	for (i = 0; i < n; i++) {
		err = cv_axis(c, perm[i], n, &p.perm[i]);
		if (err)
			return err;
		if (seen >> p.perm[i] & 1)
			return cv_refuse(c, -EINVAL, "names dimension %u twice",
					 p.perm[i]);
		seen |= 1U << p.perm[i];
		dims[i] = c->tensors[x].t.dims[p.perm[i]];
	}
	err = cv_result_moved(c, cv_output(c, 0), x, n, dims, &y);
	if (!err)
		err = cv_new_unary(c, AIM_OP_TRANSPOSE, x, y, &op);
	if (!err)
		op->p.transpose = p;
	return err;
}
