// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Arithmetic on shapes. Models that were exported with an open batch compute
 * the shapes they reshape to: SHAPE, then parts of it, put together again. All
 * shapes are fixed here, so this is done at conversion, and no operator is left
 * of it.
 */
#include "lower.h"

#define MAX_INTS 16

bool cv_is_ints(const struct cv *c, u32 value)
{
	u8 type = c->m->tensors[value].type;

	return type == TFL_INT32 || type == TFL_INT64;
}

bool cv_ints_known(const struct cv *c, u32 value)
{
	return cv_is_ints(c, value) &&
	       (c->values[value].ints ||
		(c->m->tensors[value].data && !c->values[value].written));
}

/* The current operator's result is @n numbers; @scalar: one without dimension. */
static int ints_result(struct cv *c, const s64 *ints, u32 n, bool scalar)
{
	struct cv_value *v = &c->values[cv_output(c, 0)];
	s64 *copy;
	int err;

	if (v->known || v->ints || c->m->tensors[cv_output(c, 0)].data)
		return cv_refuse(c, -EINVAL, "its output has a value already");
	if (!cv_is_ints(c, cv_output(c, 0)))
		return cv_refuse(c, -EINVAL,
				 "its output must be of type int32 or int64");
	if (n > MAX_INTS)
		return cv_refuse(c, -EOPNOTSUPP,
				 "computes %u integers; only shapes, of at most %u, are computed",
				 n, MAX_INTS);
	copy = cv_alloc(c, sizeof(*copy) * MAX_INTS, &err);
	if (err)
		return err;
	memcpy(copy, ints, n * sizeof(*ints));
	v->ints = copy;
	v->nr_ints = (u8)n;
	v->rank = scalar ? 0 : 1;
	return 0;
}

int cv_lower_shape(struct cv *c)
{
	s64 ints[AIM_MAX_RANK];
	struct cv_value *v;
	u32 i;
	int err;

	err = cv_arity(c, 1, 1, 1);
	if (!err)
		err = cv_need(c, cv_input(c, 0));
	if (err)
		return err;
	v = &c->values[cv_input(c, 0)];
	for (i = 0; i < v->rank; i++)
		ints[i] = v->dims[i];
	return ints_result(c, ints, v->rank, false);
}

int cv_ints_strided_slice(struct cv *c)
{
	s64 x[MAX_INTS], out[MAX_INTS];
	struct cv_strided s;
	u32 n, dims, begin, count, i;
	int err;

	err = cv_strided_read(c, &s, &dims);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 0), x, MAX_INTS, &n);
	if (err)
		return err;
	if (dims != 1 || !n || s.ellipsis_mask || s.new_mask)
		return cv_refuse(c, -EOPNOTSUPP,
				 "slices integers of more than one dimension");
	err = cv_strided_dim(c, &s, 0, n, &begin, &count);
	if (err)
		return err;
	for (i = 0; i < count; i++)
		out[i] = x[begin + i * s.stride[0]];
	return ints_result(c, out, count, s.shrink_mask & 1);
}

/* PACK of scalars, CONCATENATION of vectors, CAST: one behind the other. */
int cv_ints_join(struct cv *c)
{
	s64 out[MAX_INTS];
	u32 i, n, sum = 0;
	int err;

	err = cv_arity(c, 1, MAX_INTS, 1);
	for (i = 0; !err && i < c->op->inputs.n; i++) {
		if (cv_input(c, i) == CV_NONE)
			return cv_refuse(c, -EINVAL, "lacks its input %u", i);
		err = cv_const_ints(c, cv_input(c, i), out + sum,
				    MAX_INTS - sum, &n);
		if (!err && c->op->code == TFL_PACK && n != 1)
			err = cv_refuse(c, -EOPNOTSUPP,
					"packs vectors of integers");
		sum += n;
	}
	if (err)
		return err;
	return ints_result(c, out, sum, c->op->code == TFL_CAST &&
			   cv_ints_scalar(c, cv_input(c, 0)));
}

static bool calculate(s32 code, s64 a, s64 b, s64 *out)
{
	bool over = code == TFL_ADD ? __builtin_add_overflow(a, b, out) :
		    code == TFL_SUB ? __builtin_sub_overflow(a, b, out) :
				      __builtin_mul_overflow(a, b, out);

	return !over && *out >= INT32_MIN && *out <= INT32_MAX;
}

/* ADD, SUB, MUL of as many numbers each, or of many and one */
int cv_ints_pair(struct cv *c)
{
	s64 x[MAX_INTS], y[MAX_INTS], out[MAX_INTS];
	u32 nx, ny, n, i;
	int err;

	err = cv_const_ints(c, cv_input(c, 0), x, MAX_INTS, &nx);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 1), y, MAX_INTS, &ny);
	if (err)
		return err;
	if (nx != ny && nx != 1 && ny != 1)
		return cv_refuse(c, -EINVAL,
				 "its inputs have %u and %u elements", nx, ny);
	n = nx == 1 ? ny : nx;		/* one and none make none */
	for (i = 0; i < n; i++)
		if (!calculate(c->op->code, x[nx == 1 ? 0 : i],
			       y[ny == 1 ? 0 : i], &out[i]))
			return cv_refuse(c, -EINVAL, "a result is too large");
	return ints_result(c, out, n, cv_ints_scalar(c, cv_input(c, 0)) &&
			   cv_ints_scalar(c, cv_input(c, 1)));
}

int cv_lower_gather(struct cv *c)
{
	s64 x[MAX_INTS], at[MAX_INTS], out[MAX_INTS];
	struct fb_table o;
	u32 n, k, i;
	int err;

	err = cv_arity(c, 2, 2, 1);
	if (!err && !cv_is_ints(c, cv_input(c, 0)))
		err = cv_refuse(c, -EOPNOTSUPP,
				"is supported on shapes only, not on %s",
				tfl_type_name(c->m->tensors[cv_input(c, 0)].type));
	if (!err)
		err = cv_options(c, TFL_OPT_GATHER, &o);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 0), x, MAX_INTS, &n);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 1), at, MAX_INTS, &k);
	if (!err && fb_s32(&o, 0, 0))
		err = cv_refuse(c, -EOPNOTSUPP, "gathers along another axis than 0");
	if (err)
		return err;
	for (i = 0; i < k; i++) {
		if (at[i] < 0 || at[i] >= n)
			return cv_refuse(c, -EINVAL, "takes element %lld of %u",
					 (long long)at[i], n);
		out[i] = x[at[i]];
	}
	return ints_result(c, out, k, cv_ints_scalar(c, cv_input(c, 1)));
}

int cv_lower_prod(struct cv *c)
{
	s64 x[MAX_INTS], product = 1;
	struct fb_table o;
	u32 n, i;
	int err;

	err = cv_arity(c, 2, 2, 1);
	if (!err && !cv_is_ints(c, cv_input(c, 0)))
		err = cv_refuse(c, -EOPNOTSUPP,
				"is supported on shapes only, not on %s",
				tfl_type_name(c->m->tensors[cv_input(c, 0)].type));
	if (!err)
		err = cv_options(c, TFL_OPT_REDUCER, &o);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 0), x, MAX_INTS, &n);
	if (err)
		return err;
	for (i = 0; i < n; i++) {
		/* both factors stay within 2^31 */
		product *= x[i];
		if (x[i] < 0 || x[i] > INT32_MAX || product > INT32_MAX)
			return cv_refuse(c, -EINVAL, "the product is too large");
	}
	return ints_result(c, &product, 1, !fb_u8(&o, 0, 0));
}
