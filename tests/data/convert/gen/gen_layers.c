// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operators that compute. */
#include "gen_nets.h"

/* @dw: depthwise */
void op_conv(struct value *x, int dw)
{
	float *ws = keep(MAX_CHANNELS * sizeof(*ws));
	int ns;
	int kh = between(1, 4), kw = between(1, 4), sh = between(1, 3),
	    sw = between(1, 3), dh = between(0, 3) ? 1 : between(1, 3),
	    dl = between(0, 3) ? 1 : between(1, 3);
	int same = between(0, 1);
	int ekh = (kh - 1) * dh + 1, ekw = (kw - 1) * dl + 1;

	if (!same && (ekh > x->d[1] || ekw > x->d[2]))
		same = 1;
	int oc = dw ? x->d[3] * between(1, 3) : between(1, 20);

	if (dw && oc > 64)
		oc = x->d[3];
	int wd[4] = {dw ? 1 : oc, kh, kw, dw ? oc : x->d[3]};
	double terms = (double)kh * kw * (dw ? 1 : x->d[3]);
	int w = weights(4, wd, oc, dw ? 3 : 0, 0.02f, ws, &ns);
	int bi = bias(oc, x->s, ws, ns ? ns : 1);
	int od[4] = {x->d[0], same ? (x->d[1] + sh - 1) / sh : (x->d[1] - ekh) / sh + 1,
		     same ? (x->d[2] + sw - 1) / sw : (x->d[2] - ekw) / sw + 1, oc};
	struct value y = new_scaled(4, od, x->s * 0.02 * 74 * sqrt(terms));
	int in[3] = {x->t, w, bi};
	struct tb_op *o = tb_operator(&b, dw ? TFL_DEPTHWISE_CONV_2D : TFL_CONV_2D,
				      bi < 0 ? 2 : 3, in, 1, &y.t);
	int options = dw ? TFL_OPT_DEPTHWISE : TFL_OPT_CONV_2D;

	tb_option(o, options, 0, 1, same ? 0 : 1);
	tb_option(o, options, 1, 4, sw);
	tb_option(o, options, 2, 4, sh);
	if (dw) {
		tb_option(o, options, 3, 4, oc / x->d[3]);
		tb_option(o, options, 4, 1, activation());
		tb_option(o, options, 5, 4, dl);
		tb_option(o, options, 6, 4, dh);
	} else {
		tb_option(o, options, 3, 1, activation());
		tb_option(o, options, 4, 4, dl);
		tb_option(o, options, 5, 4, dh);
	}
	result(y);
}

/* A convolution whose filters see a part of the channels */
void op_group(struct value *x)
{
	int C = x->d[3], gs[8], ng = 0;

	for (int q = 2; q <= C && ng < 8; q++)
		if (C % q == 0)
			gs[ng++] = q;
	if (!ng)
		return;
	int G = gs[between(0, ng - 1)];
	float *ws = keep(MAX_CHANNELS * sizeof(*ws));
	int ns;
	int kh = between(1, 3), kw = between(1, 3), sh = between(1, 2),
	    sw = between(1, 2);
	int oc = G * between(1, 3);
	int wd[4] = {oc, kh, kw, C / G};
	int w = weights(4, wd, oc, 0, 0.02f, ws, &ns);
	int bi = bias(oc, x->s, ws, ns ? ns : 1);
	int od[4] = {x->d[0], (x->d[1] + sh - 1) / sh, (x->d[2] + sw - 1) / sw, oc};
	struct value y = new_scaled(4, od, x->s * 0.02 * 74 * sqrt(kh * kw * C / G));
	int in[3] = {x->t, w, bi};
	struct tb_op *o = tb_operator(&b, TFL_CONV_2D, 3, in, 1, &y.t);

	tb_option(o, TFL_OPT_CONV_2D, 0, 1, 0);
	tb_option(o, TFL_OPT_CONV_2D, 1, 4, sw);
	tb_option(o, TFL_OPT_CONV_2D, 2, 4, sh);
	tb_option(o, TFL_OPT_CONV_2D, 3, 1, activation());
	tb_option(o, TFL_OPT_CONV_2D, 4, 4, 1);
	tb_option(o, TFL_OPT_CONV_2D, 5, 4, 1);
	result(y);
}

/* Transposed convolution */
void op_tconv(struct value *x)
{
	float *ws = keep(MAX_CHANNELS * sizeof(*ws));
	int ns;
	int kh = between(1, 5), kw = between(1, 5), sh = between(1, 3),
	    sw = between(1, 3), same = between(0, 1);
	int oc = between(1, 8);
	int oh, ow;

	if (same) {
		oh = x->d[1] * sh -
		     (between(0, 3) == 0 && sh > 1 ? between(0, sh - 1) : 0);
		ow = x->d[2] * sw;
		if (kh < sh)
			kh = sh;
		if (kw < sw)
			kw = sw;
	} else {
		oh = (x->d[1] - 1) * sh + kh;
		ow = (x->d[2] - 1) * sw + kw;
	}
	int wd[4] = {oc, kh, kw, x->d[3]};
	int w = weights(4, wd, oc, 0, 0.02f, ws, &ns);
	int od[4] = {x->d[0], oh, ow, oc};
	struct value y = new_scaled(
	    4, od, x->s * 0.02 * 74 * sqrt((double)kh * kw * x->d[3] / sh / sw));
	int hb = between(0, 1);
	int in[4] = {tb_ints(&b, "os", 4, od), w, x->t, -1};

	if (hb)
		in[3] = bias(oc, x->s, ws, ns ? ns : 1);
	struct tb_op *o = tb_operator(&b, TFL_TRANSPOSE_CONV, hb ? 4 : 3, in, 1, &y.t);

	b.ops[b.nr_ops - 1].code = TFL_TRANSPOSE_CONV;
	tb_option(o, TFL_OPT_TRANSPOSE_CONV, 0, 1, same ? 0 : 1);
	tb_option(o, TFL_OPT_TRANSPOSE_CONV, 1, 4, sw);
	tb_option(o, TFL_OPT_TRANSPOSE_CONV, 2, 4, sh);
	result(y);
}

/* Of the last dimension, or of all but the first */
void op_fc(struct value *x)
{
	float *ws = keep(MAX_CHANNELS * sizeof(*ws));
	int ns;
	int I = x->d[x->rank - 1];
	int keep = between(0, 1);

	if (!keep && between(0, 1))
		I = (int)elements(x) / x->d[0];
	if (I > 3000)
		return;
	int O = between(1, 40);
	int wd[2] = {O, I};
	int w = weights(2, wd, 1, 0, 0.02f, ws, &ns);
	int bi = between(0, 4) == 0 ? -1 : bias(O, x->s, ws, 1);
	int d[6];
	int rank;

	if (keep) {
		I = x->d[x->rank - 1];
		rank = x->rank;
		memcpy(d, x->d, sizeof(d));
		d[rank - 1] = O;
	} else {
		rank = 2;
		d[0] = (int)(elements(x) / I);
		d[1] = O;
	}
	struct value y = new_scaled(rank, d, x->s * 0.02 * 74 * sqrt(I));
	int in[3] = {x->t, w, bi};
	struct tb_op *o = tb_operator(&b, TFL_FULLY_CONNECTED, 3, in, 1, &y.t);

	tb_option(o, TFL_OPT_FULLY_CONNECTED, 0, 1, activation());
	tb_option(o, TFL_OPT_FULLY_CONNECTED, 2, 1, keep);
	result(y);
}

/* @mx: the largest, else the average */
void op_pool(struct value *x, int mx)
{
	int kh = between(1, 4), kw = between(1, 4), sh = between(1, 3),
	    sw = between(1, 3), same = between(0, 1);

	if (type == TB_U8 && !mx)
		same = 0;
	if (kh > x->d[1])
		kh = x->d[1];
	if (kw > x->d[2])
		kw = x->d[2];
	int od[4] = {x->d[0], same ? (x->d[1] + sh - 1) / sh : (x->d[1] - kh) / sh + 1,
		     same ? (x->d[2] + sw - 1) / sw : (x->d[2] - kw) / sw + 1, x->d[3]};
	struct value y = new_act(4, od, x->s, x->z);
	struct tb_op *o = tb_operator(&b, mx ? TFL_MAX_POOL_2D : TFL_AVERAGE_POOL_2D, 1,
				      &x->t, 1, &y.t);

	tb_option(o, TFL_OPT_POOL_2D, 0, 1, same ? 0 : 1);
	tb_option(o, TFL_OPT_POOL_2D, 1, 4, sw);
	tb_option(o, TFL_OPT_POOL_2D, 2, 4, sh);
	tb_option(o, TFL_OPT_POOL_2D, 3, 4, kw);
	tb_option(o, TFL_OPT_POOL_2D, 4, 4, kh);
	tb_option(o, TFL_OPT_POOL_2D, 5, 1, activation());
	result(y);
}

/* With another value of this shape, or a constant that is repeated */
void op_bin(struct value *x, int code)
{
	int other = -1;
	float os = 0;
	struct value *q = NULL;

	for (int k = 0; k < 6 && !q; k++) {
		struct value *c = &pool[between(0, nr_pool - 1)];

		if (c->rank == x->rank && !memcmp(c->d, x->d, sizeof(int) * c->rank))
			q = c;
	}
	int rank = x->rank, d[6];

	memcpy(d, x->d, sizeof(d));
	if (q && between(0, 2)) {
		other = q->t;
		os = q->s;
	} else {
		int bd[6];
		int br = between(0, x->rank);

		for (int i = 0; i < br; i++) {
			int k = x->rank - br + i;

			bd[i] = between(0, 1) ? x->d[k] : 1;
		}
		os = scale_near(0.02);
		other = constant("c", os, some_zero(), br, bd, 1.0);
	}
	double base = code == TFL_MUL ? x->s * os * 80 : (x->s > os ? x->s : os) * 1.5;
	struct value y = new_scaled(rank, d, base);
	int in[2] = {x->t, other};

	if (between(0, 1)) {
		in[0] = other;
		in[1] = x->t;
	}
	struct tb_op *o = tb_operator(&b, code, 2, in, 1, &y.t);

	tb_option(o,
		  code == TFL_ADD   ? TFL_OPT_ADD
		  : code == TFL_MUL ? TFL_OPT_MUL
				    : TFL_OPT_SUB,
		  0, 1, activation());
	result(y);
}

/* Activations; scales as their outputs want them */
void op_un(struct value *x)
{
	static const int codes[] = {TFL_RELU,	    TFL_RELU_N1_TO_1, TFL_RELU6,
				    TFL_LOGISTIC,   TFL_TANH,	      TFL_HARD_SWISH,
				    TFL_LEAKY_RELU, TFL_ELU,	      TFL_QUANTIZE};
	int c = codes[between(0, 8)];

	/* TFLite's ELU of integers is another function's table */
	if (c == TFL_ELU || (is_float() && c == TFL_QUANTIZE))
		return;
	float s = scale_near(x->s);
	int z = some_zero();

	if (c == TFL_LOGISTIC) {
		s = 1.0f / 256;
		z = lowest();
	}
	if (c == TFL_TANH) {
		s = 1.0f / 128;
		z = lowest() + 128;
	}
	if (c == TFL_HARD_SWISH) {
		s = x->s * (float)(0.3 + uniform());
		if (s < x->s / 100)
			s = x->s;
	}
	struct value y = new_act(x->rank, x->d, s, z);
	struct tb_op *o = tb_operator(&b, c, 1, &x->t, 1, &y.t);

	if (c == TFL_LEAKY_RELU)
		tb_option_float(o, TFL_OPT_LEAKY_RELU, 0, (float)uniform());
	result(y);
}

/* MINIMUM, MAXIMUM with a constant */
void op_lim(struct value *x)
{
	int d1 = 1;
	int in[2] = {x->t, constant("lim", x->s, x->z, between(0, 1), &d1, 1.0)};

	if (between(0, 1)) {
		int t = in[0];

		in[0] = in[1];
		in[1] = t;
	}
	struct value y = new_act(x->rank, x->d, x->s, x->z);

	tb_operator(&b, between(0, 1) ? TFL_MAXIMUM : TFL_MINIMUM, 2, in, 1, &y.t);
	result(y);
}

void op_prelu(struct value *x)
{
	if (!is_float() || x->rank != 4)
		return;
	int d[3] = {1, 1, x->d[3]};

	if (between(0, 1)) {
		d[0] = x->d[1];
		d[1] = x->d[2];
	}
	int in[2] = {x->t, constant("al", 0, 0, 3, d, 1.0)};
	struct value y = new_act(4, x->d, 0, 0);

	tb_operator(&b, TFL_PRELU, 2, in, 1, &y.t);
	result(y);
}

/* RELU_0_TO_1 */
void op_r01(struct value *x)
{
	if (!is_float())
		return;
	struct value y = new_act(x->rank, x->d, 0, 0);

	tb_operator(&b, TFL_RELU_0_TO_1, 1, &x->t, 1, &y.t);
	result(y);
}

/* By constants that are not near zero */
void op_div(struct value *x)
{
	if (!is_float())
		return;
	int d[1] = {x->d[x->rank - 1]};
	int n = d[0];
	float *f = keep(n * sizeof(*f));

	for (int i = 0; i < n; i++) {
		f[i] = (float)(0.5 + uniform() * 4);
		if (between(0, 1))
			f[i] = -f[i];
	}
	int in[2] = {x->t, tb_const(&b, "dv", TB_F32, 0, 0, 1, d, f)};
	struct value y = new_act(x->rank, x->d, 0, 0);

	tb_option(tb_operator(&b, TFL_DIV, 2, in, 1, &y.t), TFL_OPT_DIV, 0, 1,
		  activation());
	result(y);
}

/* Over some dimensions, often those of a picture */
void op_mean(struct value *x)
{
	int mask = between(1, (1 << x->rank) - 1);

	if (x->rank == 4 && between(0, 1))
		mask = 6;
	int ax[6], na = 0, keep = between(0, 1), d[6], r = 0;

	for (int i = 0; i < x->rank; i++) {
		if (mask >> i & 1)
			ax[na++] = between(0, 1) ? i : i - x->rank;
		if (!(mask >> i & 1))
			d[r++] = x->d[i];
		else if (keep)
			d[r++] = 1;
	}
	if (!r)
		return;
	struct value y = new_scaled(r, d, x->s);
	int in[2] = {x->t, tb_ints(&b, "axes", na, ax)};
	struct tb_op *o = tb_operator(&b, TFL_MEAN, 2, in, 1, &y.t);

	tb_option(o, TFL_OPT_REDUCER, 0, 1, keep);
	result(y);
}

/* Largest of each channel */
void op_rmax(struct value *x)
{
	int ax[2] = {between(0, 1) ? 1 : -3, between(0, 1) ? 2 : -2};
	int keep = between(0, 1);
	int d4[4] = {x->d[0], 1, 1, x->d[3]}, d2[2] = {x->d[0], x->d[3]};
	struct value y = keep ? new_act(4, d4, x->s, x->z) : new_act(2, d2, x->s, x->z);
	int in[2] = {x->t, tb_ints(&b, "ax", 2, ax)};

	tb_option(tb_operator(&b, TFL_REDUCE_MAX, 2, in, 1, &y.t), TFL_OPT_REDUCER, 0, 1,
		  keep);
	result(y);
}

void op_softmax(struct value *x)
{
	if (x->rank < 1)
		return;
	struct value y = new_act(x->rank, x->d, 1.0f / 256, lowest());
	struct tb_op *o = tb_operator(&b, TFL_SOFTMAX, 1, &x->t, 1, &y.t);

	tb_option_float(o, TFL_OPT_SOFTMAX, 0,
			between(0, 1) ? 1.0f : (float)(0.3 + uniform() * 2));
	result(y);
}

/* By way of floats and back */
void op_mixed(struct value *x)
{
	if (is_float())
		return;
	int f = tb_act(&b, "f", TB_F32, 0, 0, x->rank, x->d);

	tb_operator(&b, TFL_DEQUANTIZE, 1, &x->t, 1, &f);
	int g = f;
	double rg = x->s;

	if (between(0, 1)) {
		g = tb_act(&b, "g", TB_F32, 0, 0, x->rank, x->d);
		static const int cs[] = {TFL_RELU, TFL_RELU6, TFL_HARD_SWISH,
					 TFL_RELU_N1_TO_1};

		tb_operator(&b, cs[between(0, 3)], 1, &f, 1, &g);
	}
	struct value y = new_scaled(x->rank, x->d, rg);

	tb_operator(&b, TFL_QUANTIZE, 1, &g, 1, &y.t);
	result(y);
}

/* To floats, and back by QUANTIZE */
void op_cast(struct value *x)
{
	if (is_float())
		return;
	int f = tb_act(&b, "f", TB_F32, 0, 0, x->rank, x->d);
	struct tb_op *o = tb_operator(&b, TFL_CAST, 1, &x->t, 1, &f);

	tb_option(o, OPT_CAST, 0, 1, type);
	tb_option(o, OPT_CAST, 1, 1, 0);
	struct value y = new_scaled(x->rank, x->d, 1.0);

	tb_operator(&b, TFL_QUANTIZE, 1, &f, 1, &y.t);
	result(y);
}

/* RESIZE_NEAREST_NEIGHBOR by whole factors */
void op_rnn(struct value *x)
{
	int k1 = between(1, 4), k2 = between(1, 4);
	int sz[2] = {x->d[1] * k1, x->d[2] * k2};
	int od[4] = {x->d[0], sz[0], sz[1], x->d[3]};
	struct value y = new_act(4, od, x->s, x->z);
	int in[2] = {x->t, tb_ints(&b, "sz", 2, sz)};
	struct tb_op *o = tb_operator(&b, TFL_RESIZE_NEAREST, 2, in, 1, &y.t);

	tb_option(o, TFL_OPT_RESIZE_NEAREST, 0, 1, 0);
	tb_option(o, TFL_OPT_RESIZE_NEAREST, 1, 1, between(0, 1));
	result(y);
}
