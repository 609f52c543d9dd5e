// SPDX-License-Identifier: LGPL-2.1-or-later
/* Convolutions and fully connected layers. */
#include "lower.h"

static int layer_types(struct cv *c, struct cv_layer *l)
{
	u8 x = c->tensors[l->x].t.type, w = c->tensors[l->w].t.type;

	if (x == AIM_TYPE_F32 && w == AIM_TYPE_S8)
		return cv_refuse(c, -EOPNOTSUPP,
				 "hybrid operators (float32 input, int8 weights '%s') are not supported; quantise the model fully or not at all",
				 cv_name(c, l->weights));
	if (x == AIM_TYPE_S16)
		return cv_refuse(c, -EOPNOTSUPP,
				 "int16 activations are not supported; quantise the model to int8");
	if (x != w || (x != AIM_TYPE_F32 && x != AIM_TYPE_S8))
		return cv_refuse(c, -EOPNOTSUPP,
				 "input of type %s with weights of type %s is not supported",
				 tfl_type_name(c->m->tensors[l->input].type),
				 tfl_type_name(c->m->tensors[l->weights].type));
	l->quantised = x == AIM_TYPE_S8;
	/* the reference kernel would ignore it */
	if (c->m->tensors[l->weights].type == TFL_INT8 &&
	    c->op->code != TFL_FULLY_CONNECTED &&
	    c->tensors[l->w].t.zero_point)
		return cv_refuse(c, -EOPNOTSUPP,
				 "the zero point of weights '%s' must be 0",
				 cv_name(c, l->weights));
	return 0;
}

int cv_layer_weights(struct cv *c, struct cv_layer *l)
{
	int err;

	l->bias = CV_NONE;
	err = cv_signed(c, l->input, &l->x);
	if (err)
		return err;
	err = cv_need(c, l->weights);
	if (!err && !cv_is_const(c, l->weights))
		err = cv_refuse(c, -EOPNOTSUPP,
				"its weights '%s' are computed; only constant weights are supported",
				cv_name(c, l->weights));
	if (!err)
		err = cv_signed(c, l->weights, &l->w);
	if (!err)
		err = layer_types(c, l);
	return err;
}

static int layer_operands(struct cv *c, struct cv_layer *l)
{
	int err = cv_arity(c, 2, 3, 1);

	if (err)
		return err;
	l->input = cv_input(c, 0);
	l->weights = cv_input(c, 1);
	return cv_layer_weights(c, l);
}

int cv_layer_bias(struct cv *c, struct cv_layer *l, u32 value)
{
	u32 dims[1] = { l->channels };
	struct cv_kind k;
	int err;

	if (value == CV_NONE)
		return 0;
	err = cv_need(c, value);
	if (!err && !cv_is_const(c, value))
		err = cv_refuse(c, -EOPNOTSUPP,
				"its bias '%s' is computed; only a constant bias is supported",
				cv_name(c, value));
	if (!err)
		err = cv_native(c, value, &l->bias);
	if (err)
		return err;
	k = cv_kind_of(c, l->bias);
	if (k.type != (l->quantised ? AIM_TYPE_S32 : AIM_TYPE_F32))
		return cv_refuse(c, -EOPNOTSUPP, "its bias '%s' must be of type %s",
				 cv_name(c, value),
				 l->quantised ? "int32" : "float32");
	if (cv_count(&c->tensors[l->bias].t) != l->channels)
		return cv_refuse(c, -EINVAL, "its bias '%s' must have %u elements",
				 cv_name(c, value), l->channels);
	if (k.rank == 1)
		return 0;
	k.rank = 1;
	k.dims[0] = dims[0];
	return cv_new_const(c, &k, c->tensors[l->bias].data, value, &l->bias);
}

/* Keep the scales with the weights, for whoever looks into the file. */
static int keep_scales(struct cv *c, struct cv_layer *l)
{
	const struct tfl_tensor *t = &c->m->tensors[l->weights];
	struct aim_tensor *w = &c->tensors[l->w].t;
	u32 first, i;
	int err;

	if (w->scales_count || t->scales.n == 1)
		return 0;
	err = cv_new_scales(c, t->scales.n, &first);
	if (err)
		return err;
	for (i = 0; i < t->scales.n; i++)
		c->scales[first + i] =
			float_bits(fb_vec_f32(&c->m->fb, &t->scales, i));
	w->scales_first = first;
	w->scales_count = t->scales.n;
	return 0;
}

static int check_scales(struct cv *c, struct cv_layer *l)
{
	const struct tfl_tensor *t = &c->m->tensors[l->weights];
	u32 i, dim = (u32)t->quantized_dimension;

	if (t->scales.n != 1 && t->scales.n != l->channels)
		return cv_refuse(c, -EINVAL,
				 "weights '%s' have %u scales for %u channels",
				 cv_name(c, l->weights), t->scales.n, l->channels);
	if (t->scales.n > 1 &&
	    (dim >= t->rank || dim >= TFL_MAX_RANK ||
	     t->dims[dim] != (s32)l->channels))
		return cv_refuse(c, -EINVAL,
				 "weights '%s' are quantised along dimension %d, which is not that of the channels",
				 cv_name(c, l->weights), t->quantized_dimension);
	for (i = 0; i < t->scales.n; i++) {
		float s = fb_vec_f32(&c->m->fb, &t->scales, i);

		if (!quant_scale_ok(s))
			return cv_refuse(c, -EINVAL,
					 "scale %u of weights '%s' is %g; it must be finite and above 0",
					 i, cv_name(c, l->weights), (double)s);
	}
	for (i = 0; i < t->zero_points.n && i < l->channels && t->scales.n > 1; i++)
		if (fb_vec_s64(&c->m->fb, &t->zero_points, i))
			return cv_refuse(c, -EOPNOTSUPP,
					 "zero point %u of weights '%s' is not 0",
					 i, cv_name(c, l->weights));
	return 0;
}

/*
 * A channel whose multiplier is 0 has the same result whatever it sums. Its
 * weights were all but 0, so its bias, in units of their scale, may be as large
 * as an int32 can be: more than the verifier lets any sum begin with.
 */
static int drop_bias(struct cv *c, struct cv_layer *l, u32 first)
{
	u32 i = 0, bytes = 4 * l->channels;
	struct cv_kind k;
	u8 *data;
	int err;

	while (i < l->channels && c->requants[first + i].multiplier)
		i++;
	if (l->bias == CV_NONE || i == l->channels)
		return 0;
	data = cv_alloc(c, bytes, &err);
	if (err)
		return err;
	memcpy(data, c->tensors[l->bias].data, bytes);
	for (; i < l->channels; i++)
		if (!c->requants[first + i].multiplier)
			memset(data + 4 * i, 0, 4);
	k = cv_kind_of(c, l->bias);
	return cv_new_const(c, &k, data, c->tensors[l->bias].source, &l->bias);
}

/*
 * One multiplier per output channel: s_in * s_w / s_out. Where the reference
 * has one for the whole layer, it multiplies the first two as floats.
 */
static int layer_requants(struct cv *c, struct cv_layer *l, u32 *first)
{
	const struct tfl_tensor *t = &c->m->tensors[l->weights];
	float in = 0, out = 0, w;
	double product, real;
	s32 zp;
	u32 i;
	int err;

	*first = 0;
	if (!l->quantised)
		return 0;
	err = cv_quant(c, l->input, &in, &zp);
	if (!err)
		err = cv_quant(c, cv_output(c, 0), &out, &zp);
	if (!err)
		err = check_scales(c, l);
	if (!err)
		err = keep_scales(c, l);
	if (!err)
		err = cv_new_requants(c, l->channels, first);
	if (err)
		return err;
	for (i = 0; i < l->channels; i++) {
		w = fb_vec_f32(&c->m->fb, &t->scales, t->scales.n == 1 ? 0 : i);
		product = l->per_tensor_float && t->scales.n == 1 ?
			  (double)(in * w) : (double)in * (double)w;
		real = product / (double)out;
		if (!quant_split(real, &c->requants[*first + i]))
			return cv_refuse(c, -EINVAL,
					 "the multiplier of channel %u, %g, is too large",
					 i, real);
	}
	return drop_bias(c, l, *first);
}

/* The operator itself, once its parameters but for requants are known. */
int cv_layer_emit(struct cv *c, u16 code, struct cv_layer *l, u32 out,
		  struct aim_op **op, u32 *requant_first)
{
	int err;

	if (c->tensors[out].t.type != c->tensors[l->x].t.type)
		return cv_refuse(c, -EOPNOTSUPP,
				 "an output of type %s is not supported here",
				 tfl_type_name(c->m->tensors[cv_output(c, 0)].type));
	err = layer_requants(c, l, requant_first);
	if (err)
		return err;
	return cv_new_op(c, code, (const u32[]){ l->x, l->w, l->bias }, 3, &out,
			 1, op);
}

static int rank4(struct cv *c, const struct cv_layer *l)
{
	if (c->tensors[l->x].t.rank != 4 || c->tensors[l->w].t.rank != 4)
		return cv_refuse(c, -EINVAL,
				 "input and weights must have 4 dimensions, not %u and %u",
				 c->tensors[l->x].t.rank, c->tensors[l->w].t.rank);
	return 0;
}

/* Where the options of both kinds of convolution have the same fields. */
struct conv_fields {
	enum tfl_options type;
	u32 activation, dilation_w, dilation_h;
};

static int conv_params(struct cv *c, const struct cv_layer *l,
		       const struct conv_fields *f, struct aim_p_conv *p,
		       u8 *activation, u32 *out_h, u32 *out_w)
{
	const u32 *x = c->tensors[l->x].t.dims, *w = c->tensors[l->w].t.dims;
	struct cv_window h, v;
	struct fb_table o;
	u8 padding;
	int err;

	err = cv_options(c, f->type, &o);
	if (err)
		return err;
	padding = fb_u8(&o, 0, 0);
	*activation = fb_u8(&o, f->activation, 0);
	v = (struct cv_window){ .in = x[1], .kernel = w[1],
				.stride = fb_u32(&o, 2, 0),
				.dilation = fb_u32(&o, f->dilation_h, 1) };
	h = (struct cv_window){ .in = x[2], .kernel = w[2],
				.stride = fb_u32(&o, 1, 0),
				.dilation = fb_u32(&o, f->dilation_w, 1) };
	err = cv_window(c, padding, &v);
	if (!err)
		err = cv_window(c, padding, &h);
	if (err)
		return err;
	if ((u64)v.kernel * h.kernel > AIM_MAX_WINDOW)
		return cv_refuse(c, -E2BIG, "its kernel of %u by %u is too large",
				 v.kernel, h.kernel);
	p->stride_h = v.stride;
	p->stride_w = h.stride;
	p->dilation_h = v.dilation;
	p->dilation_w = h.dilation;
	p->pad_top = v.before;
	p->pad_bottom = v.after;
	p->pad_left = h.before;
	p->pad_right = h.after;
	*out_h = v.out;
	*out_w = h.out;
	return 0;
}

/* Channels of one group, out of an image or a layer's weights and bias. */
static int group_input(struct cv *c, const struct cv_layer *l, u32 g, u32 *x)
{
	struct cv_kind k = cv_kind_of(c, l->x);
	struct aim_op *op;
	u32 i;
	int err;

	k.dims[3] /= l->groups;
	err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, x);
	if (!err)
		err = cv_new_unary(c, AIM_OP_SLICE, l->x, *x, &op);
	if (err)
		return err;
	for (i = 0; i < 4; i++)
		op->p.slice.stride[i] = 1;
	op->p.slice.begin[3] = g * k.dims[3];
	return 0;
}

static int group_const(struct cv *c, const struct cv_layer *l, u32 g, u32 whole,
		       u32 *part)
{
	struct cv_kind k = cv_kind_of(c, whole);
	u64 bytes = c->tensors[whole].t.bytes / l->groups;

	k.dims[0] /= l->groups;
	return cv_new_const(c, &k, c->tensors[whole].data + g * bytes,
			    c->tensors[whole].source, part);
}

static int group_emit(struct cv *c, const struct cv_layer *l,
		      const struct aim_p_conv *p, u32 g, const struct cv_kind *k,
		      u32 *y)
{
	u32 in[3] = { 0, 0, CV_NONE };
	struct aim_op *op;
	int err;

	err = group_input(c, l, g, &in[0]);
	if (!err)
		err = group_const(c, l, g, l->w, &in[1]);
	if (!err && l->bias != CV_NONE)
		err = group_const(c, l, g, l->bias, &in[2]);
	if (!err)
		err = cv_new_tensor(c, k, AIM_PLACE_ARENA, CV_NONE, y);
	if (!err)
		err = cv_new_op(c, AIM_OP_CONV2D, in, 3, y, 1, &op);
	if (err)
		return err;
	op->p.conv = *p;
	if (l->quantised)
		op->p.conv.requant_first += g * k->dims[3];
	return 0;
}

/* Groups are convolutions of their own, whose results are joined. */
static int emit_groups(struct cv *c, struct cv_layer *l, struct aim_p_conv *p,
		       u32 out)
{
	u32 parts[AIM_MAX_OP_OPERANDS], g;
	struct cv_kind k = cv_kind_of(c, out);
	struct aim_op *op;
	int err;

	err = cv_same_type(c, l->x, out);
	if (!err)
		err = layer_requants(c, l, &p->requant_first);
	k.dims[3] /= l->groups;
	for (g = 0; !err && g < l->groups; g++)
		err = group_emit(c, l, p, g, &k, &parts[g]);
	if (!err)
		err = cv_new_op(c, AIM_OP_CONCAT, parts, l->groups, &out, 1, &op);
	if (!err)
		op->p.concat.axis = 3;
	return err;
}

static int lower_window(struct cv *c, u16 code, struct cv_layer *l,
			const struct conv_fields *f, u32 depth_multiplier)
{
	struct aim_p_conv p = { .depth_multiplier = depth_multiplier };
	u32 dims[4], out;
	struct aim_op *op;
	u8 activation;
	int err;

	err = conv_params(c, l, f, &p, &activation, &dims[1], &dims[2]);
	if (!err)
		err = cv_layer_bias(c, l, cv_input(c, 2));
	if (err)
		return err;
	dims[0] = c->tensors[l->x].t.dims[0];
	dims[3] = l->channels;
	err = cv_result(c, cv_output(c, 0), 4, dims, &out);
	if (!err)
		err = cv_clamp(c, activation, out, &p.clamp);
	if (!err)
		err = code == AIM_OP_DEPTHWISE ? cv_centre_depthwise(c, l, &p) :
						 cv_centre_conv(c, l);
	if (!err && l->groups > 1)
		return emit_groups(c, l, &p, out);
	if (!err)
		err = cv_layer_emit(c, code, l, out, &op, &p.requant_first);
	if (!err)
		op->p.conv = p;
	return err;
}

static int count_groups(struct cv *c, struct cv_layer *l)
{
	u32 in = c->tensors[l->x].t.dims[3], per = c->tensors[l->w].t.dims[3];

	l->groups = in / per;
	if (in % per || l->channels % l->groups)
		return cv_refuse(c, -EINVAL,
				 "weights for %u channels don't fit an input of %u",
				 per, in);
	if (l->groups >= AIM_MAX_OP_OPERANDS)
		return cv_refuse(c, -EOPNOTSUPP,
				 "a convolution of %u groups is not supported; at most %u are",
				 l->groups, AIM_MAX_OP_OPERANDS - 1);
	return 0;
}

int cv_lower_conv(struct cv *c)
{
	static const struct conv_fields fields = { TFL_OPT_CONV_2D, 3, 4, 5 };
	struct cv_layer l = { 0 };
	int err;

	err = layer_operands(c, &l);
	if (!err)
		err = rank4(c, &l);
	if (err)
		return err;
	l.channels = c->tensors[l.w].t.dims[0];
	err = count_groups(c, &l);
	if (err)
		return err;
	l.per_tensor_float = c->m->tensors[l.input].type == TFL_UINT8;
	return lower_window(c, AIM_OP_CONV2D, &l, &fields, 0);
}

int cv_lower_depthwise(struct cv *c)
{
	static const struct conv_fields fields = { TFL_OPT_DEPTHWISE, 4, 5, 6 };
	struct cv_layer l = { 0 };
	u32 channels;
	int err;

	err = layer_operands(c, &l);
	if (!err)
		err = rank4(c, &l);
	if (err)
		return err;
	channels = c->tensors[l.x].t.dims[3];
	l.channels = c->tensors[l.w].t.dims[3];
	if (c->tensors[l.w].t.dims[0] != 1 || l.channels % channels)
		return cv_refuse(c, -EINVAL,
				 "weights for %u channels don't fit an input of %u",
				 l.channels, channels);
	l.per_tensor_float = c->m->tensors[l.input].type == TFL_UINT8;
	return lower_window(c, AIM_OP_DEPTHWISE, &l, &fields,
			    l.channels / channels);
}

/* The input is read as rows of the weights' length, whatever its shape. */
static int fc_shape(struct cv *c, struct cv_layer *l, bool keep_dims, u32 *rank,
		    u32 dims[AIM_MAX_RANK])
{
	const struct aim_tensor *x = &c->tensors[l->x].t;
	u32 len = c->tensors[l->w].t.dims[1];
	u64 count = cv_count(x);

	if (count % len || count / len > AIM_MAX_DIM)
		return cv_refuse(c, -EINVAL,
				 "an input of %llu elements does not fit weights of %u",
				 (unsigned long long)count, len);
	if (keep_dims && (!x->rank || x->dims[x->rank - 1] != len))
		return cv_refuse(c, -EINVAL,
				 "keeps dimensions, but the last of its input is not %u",
				 len);
	if (keep_dims) {
		*rank = x->rank;
		memcpy(dims, x->dims, sizeof(x->dims));
		dims[x->rank - 1] = l->channels;
	} else {
		*rank = 2;
		dims[0] = (u32)(count / len);
		dims[1] = l->channels;
	}
	return 0;
}

int cv_lower_fc(struct cv *c)
{
	u32 out, rank = 0, dims[AIM_MAX_RANK];
	struct aim_p_fc p = { 0 };
	struct cv_layer l = { 0 };
	struct aim_op *op;
	struct fb_table o;
	int err;

	err = layer_operands(c, &l);
	if (!err)
		err = cv_options(c, TFL_OPT_FULLY_CONNECTED, &o);
	if (err)
		return err;
	if (fb_u8(&o, 1, 0))
		return cv_refuse(c, -EOPNOTSUPP,
				 "shuffled weights are not supported; only the default layout is");
	if (c->tensors[l.w].t.rank != 2)
		return cv_refuse(c, -EINVAL, "weights must have 2 dimensions, not %u",
				 c->tensors[l.w].t.rank);
	l.channels = c->tensors[l.w].t.dims[0];
	l.per_tensor_float = true;
	err = fc_shape(c, &l, fb_u8(&o, 2, 0), &rank, dims);
	if (!err)
		err = cv_layer_bias(c, &l, cv_input(c, 2));
	if (!err)
		err = cv_result(c, cv_output(c, 0), rank, dims, &out);
	if (!err)
		err = cv_clamp(c, fb_u8(&o, 0, 0), out, &p.clamp);
	if (!err)
		err = cv_centre_fc(c, &l);
	if (!err)
		err = cv_layer_emit(c, AIM_OP_FC, &l, out, &op, &p.requant_first);
	if (!err)
		op->p.fc = p;
	return err;
}
