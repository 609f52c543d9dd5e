// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Element-wise functions of one tensor: a table for 8-bit types, an operator
 * for float. And constants that are stored in a smaller type than used.
 */
#include <math.h>

#include "lower.h"
#include "lut.h"

static int unary_operands(struct cv *c, u32 *x, u32 *y)
{
	u32 dims[AIM_MAX_RANK];
	struct cv_value *v;
	int err;

	err = cv_arity(c, 1, 1, 1);
	if (!err)
		err = cv_either(c, cv_input(c, 0), x);
	if (err)
		return err;
	v = &c->values[cv_input(c, 0)];
	memcpy(dims, v->dims, sizeof(dims));
	return cv_result_either(c, cv_output(c, 0), v->rank, dims, y);
}

static bool is_8bit(const struct cv *c, u32 tensor)
{
	u8 type = c->tensors[tensor].t.type;

	return type == AIM_TYPE_S8 || type == AIM_TYPE_U8;
}

static int lut_quant_of(struct cv *c, u32 x, u32 y, struct lut_quant *q)
{
	struct cv_kind in = cv_kind_of(c, x), out = cv_kind_of(c, y);
	u32 bad;

	if (in.scale == 0 || out.scale == 0) {
		bad = in.scale == 0 ? cv_input(c, 0) : cv_output(c, 0);
		return cv_refuse(c, -EINVAL, "tensor '%s' has no scale of its own",
				 cv_name(c, bad));
	}
	*q = (struct lut_quant){
		.in_scale = in.scale, .out_scale = out.scale,
		.in_zero = in.zero_point, .out_zero = out.zero_point,
		.in_lo = in.type == AIM_TYPE_S8 ? -128 : 0,
		.out_lo = out.type == AIM_TYPE_S8 ? -128 : 0,
	};
	return 0;
}

static int bad_scales(struct cv *c, const struct lut_quant *q)
{
	return cv_refuse(c, -EINVAL,
			 "input scale %g with output scale %g is out of range",
			 (double)q->in_scale, (double)q->out_scale);
}

/*
 * One description of each function: as a table (@real where TFLite evaluates
 * it in float, else @relu_lo and @relu_hi, or by kind), and as an operator.
 */
struct function {
	enum aim_unary kind;	/* 0: no float operator in the format */
	float (*real)(float x);
	float lo, hi, alpha;
};

static int fill_table(struct cv *c, const struct function *f, u32 x, u32 y,
		      u8 table[256])
{
	struct lut_quant q;
	int err = lut_quant_of(c, x, y, &q);
	bool ok;

	if (err)
		return err;
	if (f->real)
		ok = lut_real(&q, f->real, table);
	else if (f->kind == AIM_UNARY_HARD_SWISH)
		ok = lut_hard_swish(&q, table);
	else if (f->kind == AIM_UNARY_LEAKY_RELU)
		ok = lut_leaky_relu(&q, f->alpha, table);
	else
		ok = lut_relu(&q, f->lo, f->hi, table);
	return ok ? 0 : bad_scales(c, &q);
}

static int lower_function(struct cv *c, const struct function *f)
{
	struct aim_op *op;
	u8 table[256];
	u32 x, y;
	int err;

	err = unary_operands(c, &x, &y);
	if (err)
		return err;
	if (is_8bit(c, x) && is_8bit(c, y)) {
		err = fill_table(c, f, x, y, table);
		return err ? err : cv_new_lut(c, x, y, table);
	}
	if (c->tensors[x].t.type != AIM_TYPE_F32 ||
	    c->tensors[y].t.type != AIM_TYPE_F32 || !f->kind)
		return cv_refuse(c, -EOPNOTSUPP,
				 "input of type %s with output of type %s is not supported here",
				 tfl_type_name(c->m->tensors[cv_input(c, 0)].type),
				 tfl_type_name(c->m->tensors[cv_output(c, 0)].type));
	err = cv_new_unary(c, AIM_OP_UNARY, x, y, &op);
	if (err)
		return err;
	op->p.unary.kind = f->kind;
	if (f->kind == AIM_UNARY_LEAKY_RELU)
		op->p.unary.alpha_bits = float_bits(f->alpha);
	return 0;
}

int cv_lower_relu(struct cv *c)
{
	return lower_function(c, &(struct function){
		.kind = AIM_UNARY_RELU, .lo = 0, .hi = INFINITY });
}

int cv_lower_relu6(struct cv *c)
{
	return lower_function(c, &(struct function){
		.kind = AIM_UNARY_RELU6, .lo = 0, .hi = 6 });
}

int cv_lower_relu_n1_to_1(struct cv *c)
{
	return lower_function(c, &(struct function){
		.kind = AIM_UNARY_RELU_N1_TO_1, .lo = -1, .hi = 1 });
}

int cv_lower_leaky_relu(struct cv *c)
{
	struct function f = { .kind = AIM_UNARY_LEAKY_RELU };
	struct fb_table o;
	int err = cv_options(c, TFL_OPT_LEAKY_RELU, &o);

	if (err)
		return err;
	f.alpha = fb_f32(&o, 0, 0);
	if (!isfinite(f.alpha))
		return cv_refuse(c, -EINVAL, "alpha is not finite");
	return lower_function(c, &f);
}

int cv_lower_elu(struct cv *c)
{
	return lower_function(c, &(struct function){ .real = lut_elu });
}

int cv_lower_hard_swish(struct cv *c)
{
	return lower_function(c, &(struct function){
		.kind = AIM_UNARY_HARD_SWISH });
}

int cv_lower_logistic(struct cv *c)
{
	return lower_function(c, &(struct function){
		.kind = AIM_UNARY_LOGISTIC, .real = lut_logistic });
}

int cv_lower_tanh(struct cv *c)
{
	return lower_function(c, &(struct function){
		.kind = AIM_UNARY_TANH, .real = lut_tanh });
}

int cv_lower_quantize(struct cv *c)
{
	struct lut_quant q;
	struct aim_op *op;
	u8 table[256];
	u32 x, y;
	int err;

	err = unary_operands(c, &x, &y);
	if (err)
		return err;
	if (c->tensors[x].t.type == AIM_TYPE_F32 &&
	    (is_8bit(c, y) || c->tensors[y].t.type == AIM_TYPE_S16)) {
		float scale;
		s32 zp;

		err = cv_quant(c, cv_output(c, 0), &scale, &zp);
		return err ? err : cv_new_unary(c, AIM_OP_QUANTIZE, x, y, &op);
	}
	if (!is_8bit(c, x) || !is_8bit(c, y))
		return cv_refuse(c, -EOPNOTSUPP,
				 "quantising %s to %s is not supported",
				 tfl_type_name(c->m->tensors[cv_input(c, 0)].type),
				 tfl_type_name(c->m->tensors[cv_output(c, 0)].type));
	err = lut_quant_of(c, x, y, &q);
	if (err)
		return err;
	if (!lut_requantize(&q, table))
		return bad_scales(c, &q);
	return cv_new_lut(c, x, y, table);
}

/* ---- DEQUANTIZE, and constants behind it ---- */

static u32 half_to_float(u16 h)
{
	u32 sign = (u32)(h & 0x8000) << 16, exponent = h >> 10 & 31;
	u32 mantissa = h & 0x3ff;

	if (exponent == 31)
		return sign | 0x7f800000 | mantissa << 13;
	if (exponent)
		return sign | (exponent + 112) << 23 | mantissa << 13;
	if (!mantissa)
		return sign;
	/* subnormal there, normal here */
	exponent = 113;
	while (!(mantissa & 0x400)) {
		mantissa <<= 1;
		exponent--;
	}
	return sign | exponent << 23 | (mantissa & 0x3ff) << 13;
}

/* Which channel an element belongs to: its index along one dimension. */
struct channels {
	u32 count;
	u64 inner;	/* elements between two neighbours */
};

static int dequant_channels(struct cv *c, u32 value, struct channels *ch)
{
	const struct tfl_tensor *t = &c->m->tensors[value];
	u32 dim = (u32)t->quantized_dimension, i;

	ch->count = t->scales.n;
	ch->inner = 1;
	if (t->scales.n == 1)
		return 0;
	if (!t->scales.n || dim >= t->rank || dim >= AIM_MAX_RANK ||
	    t->dims[dim] != (s32)t->scales.n ||
	    (t->zero_points.n && t->zero_points.n < t->scales.n))
		return cv_refuse(c, -EINVAL,
				 "the scales of constant '%s' don't fit its shape",
				 cv_name(c, value));
	for (i = dim + 1; i < t->rank && i < AIM_MAX_RANK; i++)
		ch->inner *= (u32)t->dims[i];
	return 0;
}

static int dequant_ints(struct cv *c, u32 value, u64 n, u8 *out)
{
	const struct tfl_tensor *t = &c->m->tensors[value];
	struct channels ch;
	u64 i;
	int err = dequant_channels(c, value, &ch);

	for (i = 0; !err && i < n; i++) {
		u32 k = ch.count == 1 ? 0 : (u32)(i / ch.inner % ch.count);
		float s = fb_vec_f32(&c->m->fb, &t->scales, k), y;
		s64 zp = fb_vec_s64(&c->m->fb, &t->zero_points, k);
		s32 q = t->type == TFL_UINT8 ? t->data[i] : (s8)t->data[i];

		if (!quant_scale_ok(s) || zp < -128 || zp > 255)
			return cv_refuse(c, -EINVAL,
					 "scale %g or zero point %lld of constant '%s' is out of range",
					 (double)s, (long long)zp,
					 cv_name(c, value));
		y = s * (float)(q - (s32)zp);
		memcpy(out + 4 * i, &y, 4);
	}
	return err;
}

/* A constant that is stored smaller than it is used is converted here. */
static int fold_dequantize(struct cv *c, u32 value)
{
	const struct tfl_tensor *t = &c->m->tensors[value];
	struct cv_kind k = { .type = AIM_TYPE_F32 };
	u32 size = t->type == TFL_FLOAT16 ? 2 : 1, folded, i;
	u64 n = 1, e;
	u8 *out;
	int err;

	if (t->rank > AIM_MAX_RANK || t->special)
		return cv_refuse(c, -EOPNOTSUPP, "the constant '%s' %s",
				 cv_name(c, value), t->special ? t->special :
				 "has too many dimensions");
	k.rank = (u8)t->rank;
	for (i = 0; i < t->rank; i++) {
		if (t->dims[i] <= 0 || n > t->data_bytes)
			return cv_refuse(c, -EINVAL,
					 "the shape of constant '%s' does not fit its data",
					 cv_name(c, value));
		k.dims[i] = (u32)t->dims[i];
		n *= k.dims[i];
	}
	if (n * size != t->data_bytes)
		return cv_refuse(c, -EINVAL,
				 "the constant '%s' has %u bytes, its shape needs %llu",
				 cv_name(c, value), t->data_bytes,
				 (unsigned long long)n * size);
	out = cv_alloc(c, n * 4, &err);
	if (err)
		return err;
	for (e = 0; size == 2 && e < n; e++) {
		u32 bits = half_to_float(le16_load(t->data + 2 * e));

		memcpy(out + 4 * e, &bits, 4);
	}
	if (size == 1)
		err = dequant_ints(c, value, n, out);
	if (!err)
		err = cv_new_const(c, &k, out, cv_output(c, 0), &folded);
	if (!err)
		err = cv_result_is(c, cv_output(c, 0), folded);
	return err;
}

int cv_lower_dequantize(struct cv *c)
{
	const struct tfl_tensor *t;
	struct aim_op *op;
	u32 x, y;
	float scale;
	s32 zp;
	int err = cv_arity(c, 1, 1, 1);

	if (err)
		return err;
	t = &c->m->tensors[cv_input(c, 0)];
	if (t->data && !c->values[cv_input(c, 0)].written &&
	    (t->type == TFL_FLOAT16 || t->type == TFL_INT8 ||
	     t->type == TFL_UINT8))
		return fold_dequantize(c, cv_input(c, 0));
	err = cv_quant(c, cv_input(c, 0), &scale, &zp);
	if (!err)
		err = unary_operands(c, &x, &y);
	if (!err && c->tensors[y].t.type != AIM_TYPE_F32)
		err = cv_refuse(c, -EOPNOTSUPP, "its output must be of type float32");
	if (!err)
		err = cv_new_unary(c, AIM_OP_DEQUANTIZE, x, y, &op);
	return err;
}
