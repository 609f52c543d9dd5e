// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operators that move: shapes, parts, joins. */
#include "gen_nets.h"

void op_reshape(struct value *x)
{
	long n = elements(x);
	int d[6], r = between(1, 4);
	long rest = n;

	for (int i = 0; i < r - 1; i++) {
		int f = 1;

		for (int k = 0; k < 5; k++) {
			int t = between(1, 8);

			if (rest % t == 0)
				f = t;
		}
		d[i] = f;
		rest /= f;
	}
	d[r - 1] = (int)rest;
	struct value y = new_act(r, d, x->s, x->z);
	int nd[6];

	memcpy(nd, d, sizeof(d));
	if (between(0, 1))
		nd[between(0, r - 1)] = -1;
	int in[2] = {x->t, tb_ints(&b, "shape", r, nd)};

	tb_operator(&b, TFL_RESHAPE, 2, in, 1, &y.t);
	result(y);
}

/* Flattening as Keras writes it: the shape is computed in the network */
void op_flat(struct value *x)
{
	int sh[1] = {x->rank};
	int s = tb_act(&b, "sh", TB_I32, 0, 0, 1, sh);

	tb_option(tb_operator(&b, TFL_SHAPE, 1, &x->t, 1, &s), OPT_SHAPE, 0, 1, 2);
	int z0 = 0, o1 = 1;
	int st2 = tb_act(&b, "s0", TB_I32, 0, 0, 0, &z0);
	int in[4] = {s, tb_ints(&b, "b0", 1, &z0), tb_ints(&b, "e1", 1, &o1),
		     tb_ints(&b, "s1", 1, &o1)};
	struct tb_op *o = tb_operator(&b, TFL_STRIDED_SLICE, 4, in, 1, &st2);

	tb_option(o, TFL_OPT_STRIDED_SLICE, 4, 4, 1);
	int m1 = -1;
	int c = tb_const(&b, "m1", TB_I32, 0, 0, 0, &z0, &m1);
	int two = 2;
	int pk = tb_act(&b, "pk", TB_I32, 0, 0, 1, &two);
	int pin[2] = {st2, c};

	o = tb_operator(&b, TFL_PACK, 2, pin, 1, &pk);
	tb_option(o, TFL_OPT_PACK, 0, 4, 2);
	tb_option(o, TFL_OPT_PACK, 1, 4, 0);
	int d[2] = {x->d[0], (int)(elements(x) / x->d[0])};
	struct value y = new_act(2, d, x->s, x->z);
	int rin[2] = {x->t, pk};

	tb_operator(&b, TFL_RESHAPE, 2, rin, 1, &y.t);
	result(y);
}

/* Dimensions of 1 go or come */
void op_sq(struct value *x)
{
	int d[6], r = 0, any = 0;

	for (int i = 0; i < x->rank; i++)
		if (x->d[i] == 1)
			any = 1;
		else
			d[r++] = x->d[i];
	if (any && r && between(0, 1)) {
		struct value y = new_act(r, d, x->s, x->z);
		struct tb_op *o = tb_operator(&b, TFL_SQUEEZE, 1, &x->t, 1, &y.t);

		tb_option_list(o, TFL_OPT_SQUEEZE, 0, 0, d);
		result(y);
	} else if (x->rank < 5) {
		int ax = between(0, x->rank), z = 0;

		memcpy(d, x->d, ax * sizeof(int));
		d[ax] = 1;
		memcpy(d + ax + 1, x->d + ax, (x->rank - ax) * sizeof(int));
		struct value y = new_act(x->rank + 1, d, x->s, x->z);
		int av = between(0, 1) ? ax : ax - x->rank - 1;
		int in[2] = {x->t, tb_const(&b, "ax", TB_I32, 0, 0, 0, &z, &av)};

		tb_operator(&b, TFL_EXPAND_DIMS, 2, in, 1, &y.t);
		result(y);
	}
}

/* x[..., newaxis] and x[a:b, newaxis, ...] */
void op_na(struct value *x)
{
	if (x->rank > 3 || x->rank < 1)
		return;
	int d[6];

	if (between(0, 1)) {
		int z2[2] = {0, 0}, o2[2] = {1, 1};

		memcpy(d, x->d, sizeof(d));
		d[x->rank] = 1;
		struct value y = new_act(x->rank + 1, d, x->s, x->z);
		int in[4] = {x->t, tb_ints(&b, "b", 2, z2), tb_ints(&b, "e", 2, z2),
			     tb_ints(&b, "s", 2, o2)};
		struct tb_op *o = tb_operator(&b, TFL_STRIDED_SLICE, 4, in, 1, &y.t);

		tb_option(o, TFL_OPT_STRIDED_SLICE, 2, 4, 1);
		tb_option(o, TFL_OPT_STRIDED_SLICE, 3, 4, 2);
		result(y);
	} else {
		int B = between(0, x->d[0] - 1);
		int b3[2] = {B, 0}, e3[2] = {x->d[0], 0}, o2[2] = {1, 1};

		d[0] = x->d[0] - B;
		d[1] = 1;
		memcpy(d + 2, x->d + 1, (x->rank - 1) * sizeof(int));
		struct value y = new_act(x->rank + 1, d, x->s, x->z);
		int in[4] = {x->t, tb_ints(&b, "b", 2, b3), tb_ints(&b, "e", 2, e3),
			     tb_ints(&b, "s", 2, o2)};
		struct tb_op *o = tb_operator(&b, TFL_STRIDED_SLICE, 4, in, 1, &y.t);

		tb_option(o, TFL_OPT_STRIDED_SLICE, 3, 4, 2);
		result(y);
	}
}

/* x[..., k] */
void op_ell(struct value *x)
{
	int k = between(0, x->d[x->rank - 1] - 1);

	if (x->rank < 2)
		return;
	int b2[2] = {0, k}, e2[2] = {0, k + 1}, o2[2] = {1, 1};
	struct value y = new_act(x->rank - 1, x->d, x->s, x->z);
	int in[4] = {x->t, tb_ints(&b, "b", 2, b2), tb_ints(&b, "e", 2, e2),
		     tb_ints(&b, "s", 2, o2)};
	struct tb_op *o = tb_operator(&b, TFL_STRIDED_SLICE, 4, in, 1, &y.t);

	tb_option(o, TFL_OPT_STRIDED_SLICE, 2, 4, 1);
	tb_option(o, TFL_OPT_STRIDED_SLICE, 4, 4, 2);
	result(y);
}

void op_transpose(struct value *x)
{
	int p[6], d[6];

	for (int i = 0; i < x->rank; i++)
		p[i] = i;
	for (int i = x->rank - 1; i > 0; i--) {
		int j = between(0, i), t = p[i];

		p[i] = p[j];
		p[j] = t;
	}
	for (int i = 0; i < x->rank; i++)
		d[i] = x->d[p[i]];
	struct value y = new_act(x->rank, d, x->s, x->z);
	int in[2] = {x->t, tb_ints(&b, "perm", x->rank, p)};

	tb_operator(&b, TFL_TRANSPOSE, 2, in, 1, &y.t);
	result(y);
}

/* PAD, or PADV2 with a value of its own */
void op_pad(struct value *x)
{
	int p[12], d[6];

	for (int i = 0; i < x->rank; i++) {
		p[2 * i] = between(0, 2);
		p[2 * i + 1] = between(0, 2);
		d[i] = x->d[i] + p[2 * i] + p[2 * i + 1];
	}
	if (between(0, 1) && x->rank == 4) {
		p[0] = p[1] = p[6] = p[7] = 0;
		d[0] = x->d[0];
		d[3] = x->d[3];
	}
	struct value y = new_act(x->rank, d, x->s, x->z);
	int pd[2] = {x->rank, 2};
	int pt = tb_const(&b, "pads", TB_I32, 0, 0, 2, pd, p);
	int v2 = between(0, 2) == 0;
	int in[3] = {x->t, pt, 0};

	if (v2) {
		int dd[1] = {1};

		in[2] = constant("v", x->s, x->z, 1, dd, 2.0);
	}
	tb_operator(&b, v2 ? TFL_PADV2 : TFL_PAD, v2 ? 3 : 2, in, 1, &y.t);
	result(y);
}

/* With values of fitting shapes, or constants */
void op_concat(struct value *x)
{
	int n = between(2, 3), in[3] = {x->t};
	int ax = between(0, x->rank - 1), d[6];

	memcpy(d, x->d, sizeof(d));
	for (int i = 1; i < n; i++) {
		struct value *c = NULL;

		for (int k = 0; k < 8 && !c; k++) {
			struct value *q = &pool[between(0, nr_pool - 1)];

			if (q->rank != x->rank)
				continue;
			if (type == TB_I8 && (q->s != x->s || q->z != x->z))
				continue;
			int ok = 1;

			for (int a = 0; a < x->rank; a++)
				if (a != ax && q->d[a] != x->d[a])
					ok = 0;
			if (ok)
				c = q;
		}
		if (c) {
			in[i] = c->t;
			d[ax] += c->d[ax];
		} else {
			int cd[6];

			memcpy(cd, x->d, sizeof(cd));
			cd[ax] = between(1, 3);
			float s = type == TB_U8 ? scale_near(x->s) : x->s;
			int z = type == TB_U8 ? some_zero() : x->z;

			in[i] = constant("cc", s, z, x->rank, cd, 1.0);
			d[ax] += cd[ax];
		}
	}
	struct value y = new_act(
	    x->rank, d, type == TB_U8 && between(0, 1) ? scale_near(x->s) : x->s, x->z);
	struct tb_op *o = tb_operator(&b, TFL_CONCATENATION, n, in, 1, &y.t);

	tb_option(o, TFL_OPT_CONCATENATION, 0, 4, between(0, 1) ? ax : ax - x->rank);
	result(y);
}

void op_slice(struct value *x)
{
	int bg[6], sz[6], d[6];

	for (int i = 0; i < x->rank; i++) {
		bg[i] = between(0, x->d[i] - 1);
		d[i] = between(1, x->d[i] - bg[i]);
		sz[i] = d[i] == x->d[i] - bg[i] && between(0, 1) ? -1 : d[i];
	}
	struct value y = new_act(x->rank, d, x->s, x->z);
	int in[3] = {x->t, tb_ints(&b, "bg", x->rank, bg),
		     tb_ints(&b, "sz", x->rank, sz)};

	tb_operator(&b, TFL_SLICE, 3, in, 1, &y.t);
	result(y);
}

/* STRIDED_SLICE with masks of all kinds */
void op_sslice(struct value *x)
{
	int bg[6], en[6], sr[6], d[6], r = 0, bm = 0, em = 0, sm = 0;

	for (int i = 0; i < x->rank; i++) {
		int B = between(0, x->d[i] - 1), E = between(B + 1, x->d[i]),
		    S = between(1, 3);
		int shr = between(0, 4) == 0;

		if (between(0, 4) == 0) {
			bm |= 1 << i;
			B = 0;
			if (shr)
				shr = 0;
		}
		if (between(0, 4) == 0) {
			em |= 1 << i;
			E = x->d[i];
		}
		if (shr) {
			sm |= 1 << i;
			S = 1;
			E = B + 1;
		}
		bg[i] = between(0, 1) ? B : B - x->d[i];
		en[i] = E;
		sr[i] = S;
		if (bm >> i & 1)
			bg[i] = between(-3, 3);
		if (em >> i & 1)
			en[i] = between(-3, 3);
		if (!shr)
			d[r++] = (E - B + S - 1) / S;
	}
	if (!r)
		return;
	struct value y = new_act(r, d, x->s, x->z);
	int in[4] = {x->t, tb_ints(&b, "b", x->rank, bg), tb_ints(&b, "e", x->rank, en),
		     tb_ints(&b, "s", x->rank, sr)};
	struct tb_op *o = tb_operator(&b, TFL_STRIDED_SLICE, 4, in, 1, &y.t);

	tb_option(o, TFL_OPT_STRIDED_SLICE, 0, 4, bm);
	tb_option(o, TFL_OPT_STRIDED_SLICE, 1, 4, em);
	tb_option(o, TFL_OPT_STRIDED_SLICE, 4, 4, sm);
	result(y);
}

/* Into equal parts */
void op_split(struct value *x)
{
	int ax = between(0, x->rank - 1), n = between(1, 4);

	if (x->d[ax] % n || nr_pool + n > 50)
		return;
	int d[6];

	memcpy(d, x->d, sizeof(d));
	d[ax] /= n;
	struct value y[4];
	int o[4];

	for (int i = 0; i < n; i++) {
		y[i] = new_act(x->rank, d, x->s, x->z);
		o[i] = y[i].t;
	}
	int z = 0;
	int at = tb_const(&b, "ax", TB_I32, 0, 0, 0, &z, &ax);
	int in[2] = {at, x->t};
	struct tb_op *p = tb_operator(&b, TFL_SPLIT, 2, in, n, o);

	tb_option(p, TFL_OPT_SPLIT, 0, 4, n);
	for (int i = 0; i < n; i++)
		result(y[i]);
}

/* Into two parts */
void op_splitv(struct value *x)
{
	int ax = between(0, x->rank - 1);

	if (x->d[ax] < 2 || nr_pool > 45)
		return;
	int a = between(1, x->d[ax] - 1);
	int sz[2] = {a, between(0, 1) ? -1 : x->d[ax] - a};
	int d[6];

	memcpy(d, x->d, sizeof(d));
	d[ax] = a;
	struct value y0 = new_act(x->rank, d, x->s, x->z);

	d[ax] = x->d[ax] - a;
	struct value y1 = new_act(x->rank, d, x->s, x->z);
	int z = 0, in[3] = {x->t, tb_ints(&b, "sz", 2, sz),
			    tb_const(&b, "ax", TB_I32, 0, 0, 0, &z, &ax)};
	int o[2] = {y0.t, y1.t};
	struct tb_op *p = tb_operator(&b, TFL_SPLIT_V, 3, in, 2, o);

	tb_option(p, TFL_OPT_SPLIT_V, 0, 4, 2);
	result(y0);
	result(y1);
}

/* Of a value with itself */
void op_pack(struct value *x)
{
	if (x->rank > 4)
		return;
	int ax = between(0, x->rank), d[6];

	memcpy(d, x->d, ax * sizeof(int));
	d[ax] = 2;
	memcpy(d + ax + 1, x->d + ax, (x->rank - ax) * sizeof(int));
	struct value y = new_act(x->rank + 1, d, x->s, x->z);
	int in[2] = {x->t, x->t};
	struct tb_op *o = tb_operator(&b, TFL_PACK, 2, in, 1, &y.t);

	tb_option(o, TFL_OPT_PACK, 0, 4, 2);
	tb_option(o, TFL_OPT_PACK, 1, 4, ax);
	result(y);
}

void op_unpack(struct value *x)
{
	int ax = between(0, x->rank - 1);

	if (x->d[ax] > 4 || x->rank < 2 || nr_pool + x->d[ax] > 50)
		return;
	int n = x->d[ax], d[6], r = 0;

	for (int i = 0; i < x->rank; i++)
		if (i != ax)
			d[r++] = x->d[i];
	struct value y[4];
	int o[4];

	for (int i = 0; i < n; i++) {
		y[i] = new_act(r, d, x->s, x->z);
		o[i] = y[i].t;
	}
	struct tb_op *p = tb_operator(&b, TFL_UNPACK, 1, &x->t, n, o);

	tb_option(p, TFL_OPT_UNPACK, 0, 4, n);
	tb_option(p, TFL_OPT_UNPACK, 1, 4, ax);
	for (int i = 0; i < n; i++)
		result(y[i]);
}

/* Between space and depth or batch */
void op_space(struct value *x)
{
	int k = between(0, 3);
	int bs = between(1, 3);

	if (k == 0) {
		if (x->d[1] % bs || x->d[2] % bs)
			bs = 1;
		int d[4] = {x->d[0], x->d[1] / bs, x->d[2] / bs, x->d[3] * bs * bs};
		struct value y = new_act(4, d, x->s, x->z);

		tb_option(tb_operator(&b, TFL_SPACE_TO_DEPTH, 1, &x->t, 1, &y.t),
			  TFL_OPT_SPACE_TO_DEPTH, 0, 4, bs);
		result(y);
	} else if (k == 1) {
		if (x->d[3] % (bs * bs))
			bs = 1;
		int d[4] = {x->d[0], x->d[1] * bs, x->d[2] * bs, x->d[3] / bs / bs};
		struct value y = new_act(4, d, x->s, x->z);

		tb_option(tb_operator(&b, TFL_DEPTH_TO_SPACE, 1, &x->t, 1, &y.t),
			  TFL_OPT_DEPTH_TO_SPACE, 0, 4, bs);
		result(y);
	} else if (k == 2) {
		int bl[2] = {between(1, 3), between(1, 3)}, pd[4];
		int d[4];

		d[3] = x->d[3];
		d[0] = x->d[0] * bl[0] * bl[1];
		for (int i = 0; i < 2; i++) {
			pd[2 * i] = between(0, 2);
			int tot = x->d[1 + i] + pd[2 * i];

			pd[2 * i + 1] = (bl[i] - tot % bl[i]) % bl[i];
			d[1 + i] = (tot + pd[2 * i + 1]) / bl[i];
		}
		int two[2] = {2, 2};
		struct value y = new_act(4, d, x->s, x->z);
		int in[3] = {x->t, tb_ints(&b, "bl", 2, bl),
			     tb_const(&b, "pd", TB_I32, 0, 0, 2, two, pd)};

		tb_operator(&b, TFL_SPACE_TO_BATCH_ND, 3, in, 1, &y.t);
		result(y);
	} else {
		int bl[2] = {1, 1};

		if (x->d[0] > 1)
			bl[between(0, 1)] = x->d[0];
		int pd[4] = {0};
		int d[4] = {1, x->d[1] * bl[0], x->d[2] * bl[1], x->d[3]};

		d[0] = x->d[0] / bl[0] / bl[1];
		for (int i = 0; i < 2; i++) {
			if (d[1 + i] > 2 && between(0, 1)) {
				pd[2 * i] = between(0, 1);
				pd[2 * i + 1] = between(0, 1);
				d[1 + i] -= pd[2 * i] + pd[2 * i + 1];
			}
		}
		int two[2] = {2, 2};
		struct value y = new_act(4, d, x->s, x->z);
		int in[3] = {x->t, tb_ints(&b, "bl", 2, bl),
			     tb_const(&b, "cr", TB_I32, 0, 0, 2, two, pd)};

		tb_operator(&b, TFL_BATCH_TO_SPACE_ND, 3, in, 1, &y.t);
		result(y);
	}
}
