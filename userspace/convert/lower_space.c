// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Operators that move blocks of an image between space and depth, or space and
 * batch: each is the input seen with a dimension for every factor, those put
 * into another order, and seen with fewer dimensions again.
 */
#include "lower.h"

#define MAX_SPATIAL 2	/* twice that and batch and channels make six */

static int new_transpose(struct cv *c, u32 x, const u32 *perm, u32 *out)
{
	struct cv_kind k = cv_kind_of(c, x), from = k;
	struct aim_op *op;
	u32 i;
	int err;

	for (i = 0; i < k.rank; i++)
		k.dims[i] = from.dims[perm[i]];
	err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, out);
	if (!err)
		err = cv_new_unary(c, AIM_OP_TRANSPOSE, x, *out, &op);
	if (!err)
		memcpy(op->p.transpose.perm, perm, k.rank * sizeof(*perm));
	return err;
}

/* See @x as @factors, reorder them, and see that as @y. */
static int regroup(struct cv *c, u32 x, u32 rank, const u32 *factors,
		   const u32 *perm, u32 y)
{
	struct aim_op *op;
	int err;

	err = cv_new_reshape(c, x, rank, factors, &x);
	if (!err)
		err = new_transpose(c, x, perm, &x);
	return err ? err : cv_new_unary(c, AIM_OP_RESHAPE, x, y, &op);
}

static int block_of(struct cv *c, enum tfl_options type, u32 *x, u32 *block)
{
	struct fb_table o;
	int err;

	err = cv_arity(c, 1, 1, 1);
	if (!err)
		err = cv_options(c, type, &o);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), x);
	if (err)
		return err;
	*block = fb_u32(&o, 0, 0);
	if (c->tensors[*x].t.rank != 4 || !*block || *block > 4096)
		return cv_refuse(c, -EINVAL,
				 "blocks of %u of an input of %u dimensions",
				 *block, c->tensors[*x].t.rank);
	return 0;
}

int cv_lower_space_to_depth(struct cv *c)
{
	static const u32 perm[6] = { 0, 1, 3, 2, 4, 5 };
	u32 x, y, b, d[4];
	int err = block_of(c, TFL_OPT_SPACE_TO_DEPTH, &x, &b);

	if (err)
		return err;
	memcpy(d, c->tensors[x].t.dims, sizeof(d));
	if (d[1] % b || d[2] % b)
		return cv_refuse(c, -EINVAL, "can't make blocks of %u of %u by %u",
				 b, d[1], d[2]);
	err = cv_result_moved(c, cv_output(c, 0), x, 4,
			      (const u32[]){ d[0], d[1] / b, d[2] / b,
					     d[3] * b * b }, &y);
	return err ? err : regroup(c, x, 6,
				   (const u32[]){ d[0], d[1] / b, b, d[2] / b,
						  b, d[3] }, perm, y);
}

int cv_lower_depth_to_space(struct cv *c)
{
	static const u32 perm[6] = { 0, 1, 3, 2, 4, 5 };
	u32 x, y, b, d[4];
	int err = block_of(c, TFL_OPT_DEPTH_TO_SPACE, &x, &b);

	if (err)
		return err;
	memcpy(d, c->tensors[x].t.dims, sizeof(d));
	if (d[3] % (b * b))
		return cv_refuse(c, -EINVAL, "can't make blocks of %u of %u channels",
				 b, d[3]);
	err = cv_result_moved(c, cv_output(c, 0), x, 4,
			      (const u32[]){ d[0], d[1] * b, d[2] * b,
					     d[3] / (b * b) }, &y);
	return err ? err : regroup(c, x, 6,
				   (const u32[]){ d[0], d[1], d[2], b, b,
						  d[3] / (b * b) }, perm, y);
}

/*
 * Between space and batch.
 * @n:	   spatial dimensions, which stand between batch and channels
 * @block: of each
 * @edge:  padding, or what is cropped: before and after each
 */
struct space {
	u32 x;
	u32 n;
	u32 dims[AIM_MAX_RANK];
	u32 block[MAX_SPATIAL];
	u32 edge[MAX_SPATIAL][2];
	u64 blocks;
};

static int read_space(struct cv *c, struct space *s)
{
	s64 block[MAX_SPATIAL], edge[2 * MAX_SPATIAL];
	u32 i, ne;
	int err;

	err = cv_arity(c, 3, 3, 1);
	if (!err)
		err = cv_signed(c, cv_input(c, 0), &s->x);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 1), block, MAX_SPATIAL, &s->n);
	if (!err)
		err = cv_const_ints(c, cv_input(c, 2), edge, 2 * MAX_SPATIAL, &ne);
	if (err)
		return err;
	memcpy(s->dims, c->tensors[s->x].t.dims, sizeof(s->dims));
	if (!s->n || ne != 2 * s->n || c->tensors[s->x].t.rank != s->n + 2)
		return cv_refuse(c, -EOPNOTSUPP,
				 "blocks of %u dimensions of an input of %u",
				 s->n, c->tensors[s->x].t.rank);
	s->blocks = 1;
	for (i = 0; i < s->n; i++) {
		if (block[i] < 1 || block[i] > 4096 || edge[2 * i] < 0 ||
		    edge[2 * i + 1] < 0 || edge[2 * i] > AIM_MAX_DIM ||
		    edge[2 * i + 1] > AIM_MAX_DIM)
			return cv_refuse(c, -EINVAL,
					 "a block of %lld with edges of %lld and %lld is out of range",
					 (long long)block[i],
					 (long long)edge[2 * i],
					 (long long)edge[2 * i + 1]);
		s->block[i] = (u32)block[i];
		s->blocks *= s->block[i];
		s->edge[i][0] = (u32)edge[2 * i];
		s->edge[i][1] = (u32)edge[2 * i + 1];
	}
	return 0;
}

static int pad_space(struct cv *c, struct space *s)
{
	struct cv_kind k = cv_kind_of(c, s->x);
	struct aim_p_pad p = { .value = k.type == AIM_TYPE_F32 ? 0 :
				       k.zero_point };
	struct aim_op *op;
	u32 i, padded, any = 0;
	int err;

	for (i = 0; i < s->n; i++) {
		p.before[1 + i] = s->edge[i][0];
		p.after[1 + i] = s->edge[i][1];
		any |= s->edge[i][0] | s->edge[i][1];
		s->dims[1 + i] += s->edge[i][0] + s->edge[i][1];
	}
	if (!any)
		return 0;
	memcpy(k.dims, s->dims, sizeof(k.dims));
	err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, &padded);
	if (!err)
		err = cv_new_unary(c, AIM_OP_PAD, s->x, padded, &op);
	if (!err)
		op->p.pad = p;
	s->x = padded;
	return err;
}

int cv_lower_space_to_batch(struct cv *c)
{
	static const u32 perms[MAX_SPATIAL + 1][AIM_MAX_RANK] = {
		[1] = { 2, 0, 1, 3 }, [2] = { 2, 4, 0, 1, 3, 5 },
	};
	u32 factors[AIM_MAX_RANK], dims[AIM_MAX_RANK], i, rank = 1, y;
	struct space s;
	int err = read_space(c, &s);

	if (!err)
		err = pad_space(c, &s);
	if (err)
		return err;
	dims[0] = s.dims[0] * (u32)s.blocks;
	if (s.blocks * s.dims[0] > AIM_MAX_DIM)
		return cv_refuse(c, -E2BIG, "its output has too large a batch");
	factors[0] = s.dims[0];
	for (i = 0; i < s.n; i++) {
		if (s.dims[1 + i] % s.block[i])
			return cv_refuse(c, -EINVAL,
					 "can't make blocks of %u of %u",
					 s.block[i], s.dims[1 + i]);
		dims[1 + i] = s.dims[1 + i] / s.block[i];
		factors[rank++] = dims[1 + i];
		factors[rank++] = s.block[i];
	}
	factors[rank++] = s.dims[1 + s.n];
	dims[1 + s.n] = s.dims[1 + s.n];
	err = cv_result_moved(c, cv_output(c, 0), s.x, s.n + 2, dims, &y);
	return err ? err : regroup(c, s.x, rank, factors, perms[s.n], y);
}

/* What is left of @whole, in @y, without the edges. */
static int crop_space(struct cv *c, const struct space *s, u32 whole, u32 y)
{
	struct aim_op *op;
	u32 i;
	int err = cv_new_unary(c, AIM_OP_SLICE, whole, y, &op);

	if (err)
		return err;
	for (i = 0; i < s->n + 2; i++)
		op->p.slice.stride[i] = 1;
	for (i = 0; i < s->n; i++)
		op->p.slice.begin[1 + i] = s->edge[i][0];
	return 0;
}

int cv_lower_batch_to_space(struct cv *c)
{
	static const u32 perms[MAX_SPATIAL + 1][AIM_MAX_RANK] = {
		[1] = { 1, 2, 0, 3 }, [2] = { 2, 3, 0, 4, 1, 5 },
	};
	u32 factors[AIM_MAX_RANK], i, whole, y, any = 0;
	struct cv_kind k;
	struct space s;
	int err = read_space(c, &s);

	if (err)
		return err;
	k = cv_kind_of(c, s.x);
	if (k.dims[0] % s.blocks)
		return cv_refuse(c, -EINVAL, "can't spread a batch of %u over %llu",
				 k.dims[0], (unsigned long long)s.blocks);
	k.dims[0] /= (u32)s.blocks;
	for (i = 0; i < s.n; i++)
		factors[i] = s.block[i];
	factors[s.n] = k.dims[0];
	memcpy(factors + s.n + 1, s.dims + 1, (s.n + 1) * sizeof(factors[0]));
	for (i = 0; i < s.n; i++) {
		u64 full = (u64)s.dims[1 + i] * s.block[i];
		u64 cut = (u64)s.edge[i][0] + s.edge[i][1];

		if (full > AIM_MAX_DIM || cut >= full)
			return cv_refuse(c, -EINVAL, "crops %llu of %llu",
					 (unsigned long long)cut,
					 (unsigned long long)full);
		k.dims[1 + i] = (u32)full;
		s.dims[1 + i] = (u32)(full - cut);
		any |= s.edge[i][0] | s.edge[i][1];
	}
	s.dims[0] = k.dims[0];
	err = cv_result_moved(c, cv_output(c, 0), s.x, s.n + 2, s.dims, &y);
	whole = y;
	if (!err && any)
		err = cv_new_tensor(c, &k, AIM_PLACE_ARENA, CV_NONE, &whole);
	if (!err)
		err = regroup(c, s.x, 2 * s.n + 2, factors, perms[s.n], whole);
	return err || !any ? err : crop_space(c, &s, whole, y);
}
