// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Weights whose zero point is not 0, as uint8 networks have them. The format
 * knows symmetric weights only, so the zero point is taken off here. What then
 * leaves the range of int8 is written as the sum of two weights, and the layer
 * sees its input twice: sums, and with them results, stay the same to the bit.
 */
#include "lower.h"

/* The weights less their zero point, as the sum of two. */
struct centred {
	s8 *first, *second;
	u64 n;
	bool split;	/* @second is not all zero */
};

static int centre(struct cv *c, const struct cv_layer *l, struct centred *w)
{
	const struct aim_tensor *t = &c->tensors[l->w].t;
	const s8 *from = (const s8 *)c->tensors[l->w].data;
	u64 i;
	int err;

	w->n = t->bytes;
	w->split = false;
	w->first = cv_alloc(c, 2 * w->n, &err);
	if (err)
		return err;
	w->second = w->first + w->n;
	for (i = 0; i < w->n; i++) {
		s32 v = from[i] - t->zero_point;
		s32 a = quant_clamp(v, -128, 127);

		if (v - a > 127)
			return cv_refuse(c, -EOPNOTSUPP,
					 "a zero point of %d with a weight of %d in '%s' is not supported",
					 t->zero_point + 128, from[i] + 128,
					 cv_name(c, l->weights));
		w->first[i] = (s8)a;
		w->second[i] = (s8)(v - a);
		w->split |= v != a;
	}
	return 0;
}

/* Whether there is anything to do; if so, *w and the weights' new kind. */
static int begin(struct cv *c, struct cv_layer *l, struct centred *w,
		 struct cv_kind *k, bool *needed)
{
	int err;

	*needed = l->quantised && c->tensors[l->w].t.zero_point;
	if (!*needed)
		return 0;
	err = centre(c, l, w);
	if (err)
		return err;
	*k = cv_kind_of(c, l->w);
	k->zero_point = 0;
	*needed = w->split;
	return w->split ? 0 : cv_new_const(c, k, (const u8 *)w->first,
					   l->weights, &l->w);
}

/* Runs of @run weights of the first, then of the second part, alternating. */
static int interleave(struct cv *c, struct cv_layer *l, const struct centred *w,
		      const struct cv_kind *k, u64 run)
{
	u64 i;
	int err;
	s8 *both;

	both = cv_alloc(c, 2 * w->n, &err);
	if (err)
		return err;
	for (i = 0; i < w->n; i += run) {
		memcpy(both + 2 * i, w->first + i, run);
		memcpy(both + 2 * i + run, w->second + i, run);
	}
	return cv_new_const(c, k, (const u8 *)both, l->weights, &l->w);
}

/* The input beside itself along @axis, a dimension of @k. */
static int double_input(struct cv *c, struct cv_layer *l, struct cv_kind *k,
			u32 axis)
{
	u32 in[2] = { l->x, l->x };
	struct aim_op *op;
	int err;

	k->dims[axis] *= 2;
	err = cv_new_tensor(c, k, AIM_PLACE_ARENA, CV_NONE, &l->x);
	if (!err)
		err = cv_new_op(c, AIM_OP_CONCAT, in, 2, &l->x, 1, &op);
	if (!err)
		op->p.concat.axis = axis;
	return err;
}

int cv_centre_conv(struct cv *c, struct cv_layer *l)
{
	struct cv_kind k, x;
	struct centred w;
	bool split;
	int err = begin(c, l, &w, &k, &split);

	if (err || !split)
		return err;
	if (l->groups > 1)
		return cv_refuse(c, -EOPNOTSUPP,
				 "groups with weights of such a range are not supported");
	err = interleave(c, l, &w, &(struct cv_kind){
		.type = k.type, .rank = 4, .scale = k.scale,
		.dims = { k.dims[0], k.dims[1], k.dims[2], 2 * k.dims[3] } },
		k.dims[3]);
	x = cv_kind_of(c, l->x);
	return err ? err : double_input(c, l, &x, 3);
}

int cv_centre_fc(struct cv *c, struct cv_layer *l)
{
	struct cv_kind k, x;
	struct centred w;
	bool split;
	int err = begin(c, l, &w, &k, &split);

	if (err || !split)
		return err;
	err = interleave(c, l, &w, &(struct cv_kind){
		.type = k.type, .rank = 2, .scale = k.scale,
		.dims = { k.dims[0], 2 * k.dims[1] } }, k.dims[1]);
	x = cv_kind_of(c, l->x);
	if (!err && (x.rank != 2 || x.dims[1] != k.dims[1])) {
		u32 rows = (u32)(cv_count(&c->tensors[l->x].t) / k.dims[1]);

		err = cv_new_reshape(c, l->x, 2,
				     (const u32[]){ rows, k.dims[1] }, &l->x);
		if (!err)
			x = cv_kind_of(c, l->x);
	}
	return err ? err : double_input(c, l, &x, 1);
}

/*
 * Depthwise: no sum goes over channels, so each column of the image and of the
 * kernel is doubled in place, and steps are twice as wide.
 */
int cv_centre_depthwise(struct cv *c, struct cv_layer *l, struct aim_p_conv *p)
{
	struct cv_kind k, x;
	struct centred w;
	u32 d[4];
	bool split;
	int err = begin(c, l, &w, &k, &split);

	if (err || !split)
		return err;
	if (p->stride_w > 32767 || (p->dilation_w > 1 && k.dims[2] > 1))
		return cv_refuse(c, -EOPNOTSUPP,
				 "dilation with weights of such a range is not supported");
	err = interleave(c, l, &w, &(struct cv_kind){
		.type = k.type, .rank = 4, .scale = k.scale,
		.dims = { 1, k.dims[1], 2 * k.dims[2], k.dims[3] } },
		k.dims[3]);
	memcpy(d, c->tensors[l->x].t.dims, sizeof(d));
	if (!err)
		err = cv_new_reshape(c, l->x, 5, (const u32[]){
			d[0], d[1], d[2], 1, d[3] }, &l->x);
	if (err)
		return err;
	x = cv_kind_of(c, l->x);
	err = double_input(c, l, &x, 3);
	if (!err)
		err = cv_new_reshape(c, l->x, 4, (const u32[]){
			d[0], d[1], 2 * d[2], d[3] }, &l->x);
	p->stride_w *= 2;
	p->dilation_w = 1;
	p->pad_left *= 2;
	p->pad_right *= 2;
	return err;
}
