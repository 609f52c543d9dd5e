// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operators that take parts of a tensor. */
#include "lower.h"

/*
 * Part of the input.
 * @dims:  what is taken of each dimension
 * @shape: the output's, of as many elements
 */
struct part {
	u32 x;
	u32 dims[AIM_MAX_RANK];
	u32 shape[2 * AIM_MAX_RANK];
	u32 rank;
	struct aim_p_slice p;
};

/* All of the input. */
static void part_init(struct cv *c, struct part *part)
{
	u32 i;

	memcpy(part->dims, c->tensors[part->x].t.dims, sizeof(part->dims));
	part->rank = 0;
	memset(&part->p, 0, sizeof(part->p));
	for (i = 0; i < c->tensors[part->x].t.rank; i++)
		part->p.stride[i] = 1;
}

static void part_keep(struct part *part, u32 dim)
{
	part->shape[part->rank++] = dim;
}

/* As output number @i. */
static int emit_part(struct cv *c, const struct part *part, u32 i)
{
	struct cv_kind k = cv_kind_of(c, part->x);
	struct aim_op *op, *shape;
	u32 y, whole;
	int err;

	err = cv_result_moved(c, cv_output(c, i), part->x, part->rank,
			      part->shape, &y);
	if (err)
		return err;
	whole = y;
	if (part->rank != k.rank ||
	    memcmp(part->shape, part->dims, k.rank * sizeof(k.dims[0]))) {
		memcpy(k.dims, part->dims, sizeof(k.dims));
		err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, &whole);
		if (err)
			return err;
	}
	err = cv_new_unary(c, AIM_OP_SLICE, part->x, whole, &op);
	if (err)
		return err;
	op->p.slice = part->p;
	return whole == y ? 0 :
	       cv_new_unary(c, AIM_OP_RESHAPE, whole, y, &shape);
}

int cv_lower_slice(struct cv *c)
{
	s64 begin[AIM_MAX_RANK], size[AIM_MAX_RANK];
	u32 nb, ns, i, rank;
	struct part part;
	int err;

	err = cv_arity(c, 3, 3, 1);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), &part.x);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 1), begin, AIM_MAX_RANK, &nb);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 2), size, AIM_MAX_RANK, &ns);
	if (err)
		return err;
	rank = c->tensors[part.x].t.rank;
	if (nb != rank || ns != rank)
		return cv_refuse(c, -EINVAL,
				 "has %u begins and %u sizes for %u dimensions",
				 nb, ns, rank);
	part_init(c, &part);
	for (i = 0; i < rank; i++) {
		s64 dim = part.dims[i];

		if (begin[i] < 0 || begin[i] >= dim)
			return cv_refuse(c, -EINVAL,
					 "begins at %lld of %lld",
					 (long long)begin[i], (long long)dim);
		if (size[i] == -1)
			size[i] = dim - begin[i];
		if (size[i] < 1 || size[i] > dim - begin[i])
			return cv_refuse(c, -EINVAL, "takes %lld of %lld",
					 (long long)size[i], (long long)dim);
		part.p.begin[i] = (u32)begin[i];
		part.dims[i] = (u32)size[i];
		part_keep(&part, part.dims[i]);
	}
	return emit_part(c, &part, 0);
}

int cv_strided_read(struct cv *c, struct cv_strided *s, u32 *n)
{
	struct fb_table o;
	u32 ne, ns;
	int err;

	err = cv_arity(c, 4, 4, 1);
	if (!err)
		err = cv_options(c, TFL_OPT_STRIDED_SLICE, &o);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 1), s->begin, AIM_MAX_RANK, n);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 2), s->end, AIM_MAX_RANK, &ne);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 3), s->stride, AIM_MAX_RANK, &ns);
	if (err)
		return err;
	if (*n != ne || *n != ns)
		return cv_refuse(c, -EINVAL, "has %u begins, %u ends, %u strides",
				 *n, ne, ns);
	if (fb_u8(&o, 5, 0))
		return cv_refuse(c, -EOPNOTSUPP,
				 "ends that count from the begin are not supported");
	s->ellipsis_mask = fb_s32(&o, 2, 0);
	s->new_mask = fb_s32(&o, 3, 0);
	s->begin_mask = fb_s32(&o, 0, 0);
	s->end_mask = fb_s32(&o, 1, 0);
	s->shrink_mask = fb_s32(&o, 4, 0);
	return 0;
}

/* One dimension, as numpy does: negative counts from the end, then clamped. */
int cv_strided_dim(struct cv *c, const struct cv_strided *s, u32 i, s64 dim,
		   u32 *begin, u32 *count)
{
	s64 b = s->begin[i], e = s->end[i], stride = s->stride[i];
	bool shrink = s->shrink_mask >> i & 1;

	if (stride < 1 || stride > AIM_MAX_DIM)
		return cv_refuse(c, -EOPNOTSUPP,
				 "a stride of %lld is not supported; only positive ones are",
				 (long long)stride);
	b = s->begin_mask >> i & 1 ? 0 : b < 0 ? b + dim : b;
	if (shrink && (b < 0 || b >= dim))
		return cv_refuse(c, -EINVAL, "takes element %lld of %lld",
				 (long long)b, (long long)dim);
	b = b < 0 ? 0 : b > dim ? dim : b;
	e = s->end_mask >> i & 1 ? dim : e < 0 ? e + dim : e;
	if (shrink)
		e = b + 1;
	e = e < 0 ? 0 : e > dim ? dim : e;
	if (e <= b)
		return cv_refuse(c, -EINVAL, "takes nothing of dimension %u", i);
	*begin = (u32)b;
	*count = (u32)((e - b + stride - 1) / stride);
	return 0;
}

/* How many of the input's dimensions entry @i of @n stands for. */
static u32 strided_span(const struct cv_strided *s, u32 i, u32 n, u32 rank)
{
	u32 k, named = 0;

	if (!(s->ellipsis_mask >> i & 1))
		return s->new_mask >> i & 1 ? 0 : 1;
	for (k = 0; k < n; k++)
		named += k != i && !(s->new_mask >> k & 1);
	return named < rank ? rank - named : 0;
}

/* One entry: @d is the first dimension that it stands for. */
static int strided_entry(struct cv *c, const struct cv_strided *s, u32 i,
			 struct part *part, u32 d, u32 span)
{
	bool all = s->ellipsis_mask >> i & 1;
	u32 k;
	int err;

	for (k = 0; all && k < span; k++)
		part_keep(part, part->dims[d + k]);
	if (!span && !all)
		part_keep(part, 1);
	if (all || !span)
		return 0;
	err = cv_strided_dim(c, s, i, part->dims[d], &part->p.begin[d],
			     &part->dims[d]);
	part->p.stride[d] = (u32)s->stride[i];
	if (!(s->shrink_mask >> i & 1))
		part_keep(part, part->dims[d]);
	return err;
}

int cv_lower_strided_slice(struct cv *c)
{
	struct cv_strided s;
	u32 n, i, d = 0, rank, span;
	struct part part;
	int err;

	err = cv_arity(c, 4, 4, 1);
	if (!err && cv_is_ints(c, cv_input(c, 0)))
		return cv_ints_strided_slice(c);
	if (!err)
		err = cv_strided_read(c, &s, &n);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), &part.x);
	if (err)
		return err;
	rank = c->tensors[part.x].t.rank;
	part_init(c, &part);
	for (i = 0; i < n; i++, d += span) {
		span = strided_span(&s, i, n, rank);
		if (d + span > rank)
			return cv_refuse(c, -EINVAL,
					 "names more than its input's %u dimensions",
					 rank);
		err = strided_entry(c, &s, i, &part, d, span);
		if (err)
			return err;
	}
	for (; d < rank; d++)
		part_keep(&part, part.dims[d]);
	return emit_part(c, &part, 0);
}

/* Consecutive parts of @sizes along @axis, one for each output. */
static int emit_parts(struct cv *c, u32 x, u32 axis, const s64 *sizes,
		      u32 n, bool drop)
{
	struct part part = { .x = x };
	u64 at = 0, dim = c->tensors[x].t.dims[axis];
	u32 i, d;
	int err;

	for (i = 0; i < n; i++) {
		if (sizes[i] < 1 || (u64)sizes[i] > dim - at)
			return cv_refuse(c, -EINVAL,
					 "part %u takes %lld of the %llu left", i,
					 (long long)sizes[i],
					 (unsigned long long)(dim - at));
		part_init(c, &part);
		part.dims[axis] = (u32)sizes[i];
		part.p.begin[axis] = (u32)at;
		for (d = 0; d < c->tensors[x].t.rank; d++)
			if (!drop || d != axis)
				part_keep(&part, part.dims[d]);
		err = emit_part(c, &part, i);
		if (err)
			return err;
		at += (u64)sizes[i];
	}
	if (at != dim)
		return cv_refuse(c, -EINVAL, "its parts make up %llu of %llu",
				 (unsigned long long)at, (unsigned long long)dim);
	return 0;
}

static int axis_operand(struct cv *c, u32 input, u32 x, u32 *axis)
{
	s64 a[1];
	u32 n;
	int err = cv_const_ints(c, cv_input(c, input), a, 1, &n);

	if (!err && !n)
		err = cv_refuse(c, -EINVAL, "names no axis");
	return err ? err : cv_axis(c, a[0], c->tensors[x].t.rank, axis);
}

/* As many outputs as there are, each of the same size. */
static int split_evenly(struct cv *c, u32 x, u32 axis, bool drop)
{
	u32 n = c->op->outputs.n, dim = c->tensors[x].t.dims[axis], i;
	s64 sizes[AIM_MAX_OP_OPERANDS];

	if (!n || dim % n || (drop && dim != n))
		return cv_refuse(c, -EINVAL,
				 "can't make %u outputs of a dimension of %u", n,
				 dim);
	for (i = 0; i < n; i++)
		sizes[i] = dim / n;
	return emit_parts(c, x, axis, sizes, n, drop);
}

int cv_lower_split(struct cv *c)
{
	u32 x, axis;
	int err;

	err = cv_arity(c, 2, 2, c->op->outputs.n);
	if (!err)
		err = cv_signed(c, cv_input(c, 1), &x);
	if (!err)
		err = axis_operand(c, 0, x, &axis);
	return err ? err : split_evenly(c, x, axis, false);
}

int cv_lower_split_v(struct cv *c)
{
	s64 sizes[AIM_MAX_OP_OPERANDS], rest;
	u32 x, axis, n, i, open = CV_NONE;
	int err;

	err = cv_arity(c, 3, 3, c->op->outputs.n);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), &x);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 1), sizes,
				    AIM_MAX_OP_OPERANDS, &n);
	if (!err)
		err = axis_operand(c, 2, x, &axis);
	if (err)
		return err;
	if (n != c->op->outputs.n)
		return cv_refuse(c, -EINVAL, "has %u sizes for %u outputs", n,
				 c->op->outputs.n);
	rest = c->tensors[x].t.dims[axis];
	for (i = 0; i < n; i++) {
		if (sizes[i] == -1 && open == CV_NONE)
			open = i;
		else if (sizes[i] < 1 || sizes[i] > rest)
			return cv_refuse(c, -EINVAL, "asks for a part of %lld",
					 (long long)sizes[i]);
		else
			rest -= sizes[i];
	}
	if (open != CV_NONE)
		sizes[open] = rest;
	return emit_parts(c, x, axis, sizes, n, false);
}

int cv_lower_unpack(struct cv *c)
{
	struct fb_table o;
	u32 x, axis;
	int err;

	err = cv_arity(c, 1, 1, c->op->outputs.n);
	if (!err)
		err = cv_options(c, TFL_OPT_UNPACK, &o);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), &x);
	if (!err)
		err = cv_axis(c, fb_s32(&o, 1, 0), c->tensors[x].t.rank, &axis);
	return err ? err : split_evenly(c, x, axis, true);
}
