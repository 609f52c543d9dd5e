// SPDX-License-Identifier: LGPL-2.1-or-later
/* What TFLite's tensors become, and the operands of an operator. */
#include "graph.h"

static bool aim_type_of(u8 tfl, u8 *out)
{
	switch (tfl) {
	case TFL_FLOAT32:
		*out = AIM_TYPE_F32;
		return true;
	case TFL_INT8:
		*out = AIM_TYPE_S8;
		return true;
	case TFL_UINT8:
		*out = AIM_TYPE_U8;
		return true;
	case TFL_INT16:
		*out = AIM_TYPE_S16;
		return true;
	case TFL_INT32:
		*out = AIM_TYPE_S32;
		return true;
	default:
		return false;
	}
}

u32 cv_input(const struct cv *c, u32 i)
{
	s32 t;

	if (i >= c->op->inputs.n)
		return CV_NONE;
	t = fb_vec_s32(&c->m->fb, &c->op->inputs, i);
	return t < 0 ? CV_NONE : (u32)t;
}

u32 cv_output(const struct cv *c, u32 i)
{
	return (u32)fb_vec_s32(&c->m->fb, &c->op->outputs, i);
}

int cv_arity(struct cv *c, u32 min_in, u32 max_in, u32 nr_out)
{
	u32 i;

	if (c->op->inputs.n < min_in || c->op->inputs.n > max_in)
		return cv_refuse(c, -EINVAL, "has %u inputs, which is not its kind",
				 c->op->inputs.n);
	if (c->op->outputs.n != nr_out)
		return cv_refuse(c, -EINVAL, "has %u outputs instead of %u",
				 c->op->outputs.n, nr_out);
	for (i = 0; i < min_in; i++)
		if (cv_input(c, i) == CV_NONE)
			return cv_refuse(c, -EINVAL, "lacks its input %u", i);
	return 0;
}

bool cv_is_const(const struct cv *c, u32 value)
{
	const struct cv_value *v = &c->values[value];
	u32 t = v->native == CV_NONE ? v->twin : v->native;

	if (!v->known)
		return c->m->tensors[value].data;
	return c->tensors[t].t.place == AIM_PLACE_CONST;
}

static int zero_point_of(struct cv *c, u32 value, u8 type, s32 *out)
{
	const struct tfl_tensor *t = &c->m->tensors[value];
	s64 zp = fb_vec_s64(&c->m->fb, &t->zero_points, 0);
	s64 lo = type == AIM_TYPE_U8 ? 0 : type == AIM_TYPE_S8 ? -128 : -32768;
	s64 hi = type == AIM_TYPE_U8 ? 255 : type == AIM_TYPE_S8 ? 127 : 32767;

	if (zp < lo || zp > hi)
		return cv_refuse(c, -EINVAL,
				 "the zero point %lld of tensor '%s' is out of its type's range",
				 (long long)zp, cv_name(c, value));
	*out = (s32)zp;
	return 0;
}

/* Type and quantisation that a TFLite tensor says it has; not its shape. */
static int declared_kind(struct cv *c, u32 value, struct cv_kind *k)
{
	const struct tfl_tensor *t = &c->m->tensors[value];
	float scale;

	memset(k, 0, sizeof(*k));
	if (t->special)
		return cv_refuse(c, -EOPNOTSUPP,
				 "tensor '%s' %s, which this version does not support",
				 cv_name(c, value), t->special);
	if (!aim_type_of(t->type, &k->type))
		return cv_refuse(c, -EOPNOTSUPP,
				 "tensor '%s' is of type %s; only float32, int8, uint8 and, at some places, int16 and int32 are supported",
				 cv_name(c, value), tfl_type_name(t->type));
	if (k->type == AIM_TYPE_F32 || k->type == AIM_TYPE_S32 ||
	    t->scales.n != 1)
		return 0;
	scale = fb_vec_f32(&c->m->fb, &t->scales, 0);
	if (!quant_scale_ok(scale))
		return cv_refuse(c, -EINVAL,
				 "the scale of tensor '%s' is %g; it must be finite and above 0",
				 cv_name(c, value), (double)scale);
	k->scale = scale;
	return zero_point_of(c, value, k->type, &k->zero_point);
}

/* A shape as the file says it; a batch that was left open is taken as 1. */
static int declared_shape(struct cv *c, u32 value, struct cv_kind *k)
{
	const struct tfl_tensor *t = &c->m->tensors[value];
	u32 i;

	if (t->rank > AIM_MAX_RANK)
		return cv_refuse(c, -EOPNOTSUPP,
				 "tensor '%s' has %u dimensions; at most %u are supported",
				 cv_name(c, value), t->rank, AIM_MAX_RANK);
	k->rank = (u8)t->rank;
	for (i = 0; i < t->rank; i++) {
		s32 d = t->dims[i];

		if (d == -1 && i == 0)
			d = 1;
		if (d < 0)
			return cv_refuse(c, -EOPNOTSUPP,
					 "dimension %u of tensor '%s' is not fixed; export the model with static shapes",
					 i, cv_name(c, value));
		if (!d)
			return cv_refuse(c, -EOPNOTSUPP,
					 "dimension %u of tensor '%s' is 0", i,
					 cv_name(c, value));
		k->dims[i] = (u32)d;
	}
	return 0;
}

static void set_shape(struct cv_value *v, const struct cv_kind *k)
{
	v->rank = k->rank;
	memcpy(v->dims, k->dims, sizeof(v->dims));
	v->known = true;
}

int cv_add_input(struct cv *c, u32 value)
{
	struct cv_value *v = &c->values[value];
	struct cv_kind k;
	int err;

	if (v->known)
		return cv_refuse(c, -EINVAL,
				 "tensor '%s' is listed twice among the model's inputs",
				 cv_name(c, value));
	err = declared_kind(c, value, &k);
	if (!err)
		err = declared_shape(c, value, &k);
	if (!err)
		err = cv_new_tensor(c, &k, AIM_PLACE_INPUT, value, &v->native);
	if (err)
		return err;
	c->tensors[v->native].t.offset = c->nr_inputs++;
	set_shape(v, &k);
	v->written = true;
	return 0;
}

void cv_stand_in(struct cv *c, u32 value)
{
	struct cv_value *v = &c->values[value];
	struct cv_kind k;

	if (v->known || v->ints)
		return;
	if (declared_kind(c, value, &k) || declared_shape(c, value, &k) ||
	    cv_new_tensor(c, &k, AIM_PLACE_ARENA, value, &v->native)) {
		v->native = CV_NONE;
		v->broken = true;
		return;
	}
	set_shape(v, &k);
	v->written = true;
}

static int load_const(struct cv *c, u32 value)
{
	const struct tfl_tensor *t = &c->m->tensors[value];
	struct cv_value *v = &c->values[value];
	struct cv_kind k;
	int err;

	err = declared_kind(c, value, &k);
	if (!err)
		err = declared_shape(c, value, &k);
	if (!err)
		err = cv_new_const(c, &k, t->data, value, &v->native);
	if (err)
		return err;
	if (c->tensors[v->native].t.bytes != t->data_bytes)
		return cv_refuse(c, -EINVAL,
				 "the constant '%s' has %u bytes, its shape needs %llu",
				 cv_name(c, value), t->data_bytes,
				 (unsigned long long)c->tensors[v->native].t.bytes);
	set_shape(v, &k);
	return 0;
}

int cv_need(struct cv *c, u32 value)
{
	if (c->values[value].ints)
		return cv_refuse(c, -EOPNOTSUPP,
				 "tensor '%s' is a computed shape; it can be used to shape other tensors only",
				 cv_name(c, value));
	if (c->values[value].known)
		return 0;
	if (c->m->tensors[value].data)
		return load_const(c, value);
	if (c->m->tensors[value].special)
		return cv_refuse(c, -EOPNOTSUPP,
				 "tensor '%s' %s, which this version does not support",
				 cv_name(c, value), c->m->tensors[value].special);
	return cv_refuse(c, -EINVAL,
			 "tensor '%s' is read before any operator writes it",
			 cv_name(c, value));
}

/* The same 8-bit values, 128 higher or lower: the top bit flipped. */
static int flipped(struct cv *c, u32 from, u8 type, u32 source, u32 *out)
{
	struct cv_kind k = cv_kind_of(c, from);
	u8 table[256];
	u8 *copy;
	u64 i;
	int err;

	k.type = type;
	k.zero_point += type == AIM_TYPE_U8 ? 128 : -128;
	/* what has no scale has no zero point either */
	if (k.scale == 0)
		k.zero_point = 0;
	if (c->tensors[from].t.place == AIM_PLACE_CONST) {
		copy = cv_alloc(c, c->tensors[from].t.bytes, &err);
		if (err)
			return err;
		for (i = 0; i < c->tensors[from].t.bytes; i++)
			copy[i] = c->tensors[from].data[i] ^ 0x80;
		return cv_new_const(c, &k, copy, source, out);
	}
	err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, source, out);
	if (err)
		return err;
	for (i = 0; i < 256; i++)
		table[i] = (u8)(i ^ 0x80);
	return cv_new_lut(c, from, *out, table);
}

int cv_native(struct cv *c, u32 value, u32 *tensor)
{
	struct cv_value *v = &c->values[value];
	int err = cv_need(c, value);

	if (!err && v->native == CV_NONE)
		err = flipped(c, v->twin, AIM_TYPE_U8, value, &v->native);
	*tensor = v->native;
	return err;
}

int cv_signed(struct cv *c, u32 value, u32 *tensor)
{
	struct cv_value *v = &c->values[value];
	int err = cv_need(c, value);

	if (err)
		return err;
	if (c->m->tensors[value].type != TFL_UINT8) {
		*tensor = v->native;
		return 0;
	}
	if (v->twin == CV_NONE)
		err = flipped(c, v->native, AIM_TYPE_S8, value, &v->twin);
	*tensor = v->twin;
	return err;
}

int cv_either(struct cv *c, u32 value, u32 *tensor)
{
	struct cv_value *v = &c->values[value];
	int err = cv_need(c, value);

	*tensor = v->native == CV_NONE ? v->twin : v->native;
	return err;
}

static int claim_result(struct cv *c, u32 value, u32 rank, const u32 *dims,
			struct cv_kind *k)
{
	int err;

	if (c->values[value].known || c->values[value].ints ||
	    c->m->tensors[value].data)
		return cv_refuse(c, -EINVAL,
				 "tensor '%s' is written, but has a value already",
				 cv_name(c, value));
	err = declared_kind(c, value, k);
	if (err)
		return err;
	if (rank > AIM_MAX_RANK)
		return cv_refuse(c, -EOPNOTSUPP,
				 "tensor '%s' has %u dimensions; at most %u are supported",
				 cv_name(c, value), rank, AIM_MAX_RANK);
	k->rank = (u8)rank;
	memcpy(k->dims, dims, rank * sizeof(*dims));
	return 0;
}

static int make_result(struct cv *c, u32 value, u32 rank, const u32 *dims,
		       bool native, u32 *tensor)
{
	struct cv_value *v = &c->values[value];
	struct cv_kind k;
	int err;

	err = claim_result(c, value, rank, dims, &k);
	if (err)
		return err;
	if (k.type == AIM_TYPE_U8 && !native) {
		k.type = AIM_TYPE_S8;
		k.zero_point = k.scale == 0 ? 0 : k.zero_point - 128;
		err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, value, &v->twin);
		*tensor = v->twin;
	} else {
		err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, value, &v->native);
		*tensor = v->native;
	}
	if (err)
		return err;
	set_shape(v, &k);
	v->written = true;
	return 0;
}

int cv_result(struct cv *c, u32 value, u32 rank, const u32 *dims, u32 *tensor)
{
	return make_result(c, value, rank, dims, false, tensor);
}

int cv_result_either(struct cv *c, u32 value, u32 rank, const u32 *dims,
		     u32 *tensor)
{
	return make_result(c, value, rank, dims, c->values[value].external,
			   tensor);
}

int cv_result_moved(struct cv *c, u32 value, u32 from, u32 rank,
		    const u32 *dims, u32 *tensor)
{
	struct cv_kind k = cv_kind_of(c, from);
	int err = cv_result(c, value, rank, dims, tensor);
	struct aim_tensor *t;

	if (err)
		return err;
	err = cv_same_type(c, from, *tensor);
	if (err)
		return err;
	t = &c->tensors[*tensor].t;
	/* Some writers leave the quantisation of such results out. */
	if (!t->scale_bits && k.scale != 0) {
		t->scale_bits = float_bits(k.scale);
		t->zero_point = k.zero_point;
	}
	return 0;
}

int cv_result_is(struct cv *c, u32 value, u32 is)
{
	struct cv_value *v = &c->values[value];
	const struct aim_tensor *t = &c->tensors[is].t;
	struct cv_kind k;
	int err;

	err = claim_result(c, value, t->rank, t->dims, &k);
	if (err)
		return err;
	if (k.type == AIM_TYPE_U8 && t->type == AIM_TYPE_S8)
		v->twin = is;
	else if (k.type == t->type)
		v->native = is;
	else
		return cv_refuse(c, -EINVAL,
				 "its input and output have different types");
	set_shape(v, &k);
	v->written = true;
	return 0;
}

int cv_quant(struct cv *c, u32 value, float *scale, s32 *zero_point)
{
	const struct tfl_tensor *t = &c->m->tensors[value];
	struct cv_kind k;
	int err;

	if (!t->scales.n)
		return cv_refuse(c, -EINVAL, "tensor '%s' has no scale",
				 cv_name(c, value));
	if (t->scales.n > 1)
		return cv_refuse(c, -EINVAL,
				 "tensor '%s' has one scale per channel, which only weights may have",
				 cv_name(c, value));
	err = declared_kind(c, value, &k);
	if (!err && k.scale == 0)
		err = cv_refuse(c, -EOPNOTSUPP,
				"tensor '%s' is of type %s, which is not supported here",
				cv_name(c, value), tfl_type_name(t->type));
	*scale = k.scale;
	*zero_point = k.zero_point;
	return err;
}

int cv_same_quant(struct cv *c, u32 a, u32 b)
{
	float sa = 0, sb = 0;
	s32 za = 0, zb = 0;
	int err;

	err = cv_quant(c, a, &sa, &za);
	if (!err)
		err = cv_quant(c, b, &sb, &zb);
	if (err)
		return err;
	if (sa != sb || za != zb)
		return cv_refuse(c, -EOPNOTSUPP,
				 "tensors '%s' and '%s' must be quantised alike (TFLite's reference kernel asks for it)",
				 cv_name(c, a), cv_name(c, b));
	return 0;
}

int cv_same_type(struct cv *c, u32 x, u32 y)
{
	if (c->tensors[x].t.type == c->tensors[y].t.type)
		return 0;
	return cv_refuse(c, -EOPNOTSUPP,
			 "its input and output have different types");
}

static int computed_ints(struct cv *c, u32 value, s64 *out, u32 max, u32 *n)
{
	const struct cv_value *v = &c->values[value];

	if (v->nr_ints > max)
		return cv_refuse(c, -EINVAL, "tensor '%s' has more than %u elements",
				 cv_name(c, value), max);
	*n = v->nr_ints;
	memcpy(out, v->ints, *n * sizeof(*out));
	return 0;
}

bool cv_ints_scalar(const struct cv *c, u32 value)
{
	return c->values[value].ints ? !c->values[value].rank :
	       !c->m->tensors[value].rank;
}

int cv_const_ints(struct cv *c, u32 value, s64 *out, u32 max, u32 *n)
{
	const struct tfl_tensor *t = &c->m->tensors[value];
	struct fb_vec v = { 0, 0 };
	u64 count = 1;
	u32 size, i;

	*n = 0;
	if (c->values[value].ints)
		return computed_ints(c, value, out, max, n);
	if (t->type != TFL_INT32 && t->type != TFL_INT64)
		return cv_refuse(c, -EINVAL,
				 "tensor '%s' must be of type int32 or int64, not %s",
				 cv_name(c, value), tfl_type_name(t->type));
	size = t->type == TFL_INT32 ? 4 : 8;
	for (i = 0; i < t->rank && i < TFL_MAX_RANK; i++)
		count = t->dims[i] < 0 || count > max ? max + 1ULL :
			count * (u32)t->dims[i];
	if (t->rank > TFL_MAX_RANK || count > max)
		return cv_refuse(c, -EINVAL, "tensor '%s' has more than %u elements",
				 cv_name(c, value), max);
	if (c->values[value].written || (!t->data && count))
		return cv_refuse(c, -EOPNOTSUPP,
				 "tensor '%s' is computed, but shapes must be fixed; export the model with static shapes",
				 cv_name(c, value));
	if (count * size != t->data_bytes)
		return cv_refuse(c, -EINVAL,
				 "the constant '%s' has %u bytes, its shape needs %llu",
				 cv_name(c, value), t->data_bytes,
				 (unsigned long long)count * size);
	if (t->data)
		v.pos = (u32)(t->data - c->m->fb.data);
	v.n = (u32)count;
	for (i = 0; i < count; i++)
		out[i] = size == 4 ? fb_vec_s32(&c->m->fb, &v, i) :
			 fb_vec_s64(&c->m->fb, &v, i);
	*n = (u32)count;
	return 0;
}

int cv_options(struct cv *c, enum tfl_options type, struct fb_table *out)
{
	*out = c->op->options;
	if (c->op->options_type != TFL_OPT_NONE && c->op->options_type != type)
		return cv_refuse(c, -EBADMSG,
				 "carries options of another kind of operator (%u)",
				 c->op->options_type);
	return 0;
}
