// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The interpreter of interp.h.
 */
#include <math.h>
#include <stdlib.h>
#include "interp.h"

struct interp {
	const struct aim_view *v;
	u8 **data;		/* by tensor */
};

typedef const struct aim_tensor *tensor;

static u32 size_of(tensor t)
{
	return t->type == AIM_TYPE_S16 ? 2 :
	       t->type == AIM_TYPE_S32 || t->type == AIM_TYPE_F32 ? 4 : 1;
}

static size_t count_of(tensor t)
{
	return t->bytes / size_of(t);
}

static u8 *bytes_of(struct interp *in, tensor t)
{
	return in->data[t - in->v->tensors];
}

static double get(struct interp *in, tensor t, size_t i)
{
	const u8 *p = bytes_of(in, t) + i * size_of(t);
	float f;
	s32 v;
	s16 h;

	switch (t->type) {
	case AIM_TYPE_S8:
		return (s8)*p;
	case AIM_TYPE_U8:
		return *p;
	case AIM_TYPE_S16:
		memcpy(&h, p, 2);
		return h;
	case AIM_TYPE_S32:
		memcpy(&v, p, 4);
		return v;
	}
	memcpy(&f, p, 4);
	return f;
}

static void put(struct interp *in, tensor t, size_t i, double v)
{
	u8 *p = bytes_of(in, t) + i * size_of(t);
	float f = (float)v;
	s16 h = t->type == AIM_TYPE_F32 ? 0 : (s16)v;

	if (t->type == AIM_TYPE_F32)
		memcpy(p, &f, 4);
	else if (t->type == AIM_TYPE_S16)
		memcpy(p, &h, 2);
	else
		*p = (u8)(s32)v;
}

static float f32_of(s32 bits)
{
	float f;

	memcpy(&f, &bits, 4);
	return f;
}

/* The two roundings of the reference, by division. */
static s64 requantize(s64 x, struct aim_requant r)
{
	s64 a = (s32)(u32)((u64)x << (r.shift > 0 ? r.shift : 0));
	s64 product = a * r.multiplier;
	s64 high, half;
	int right = r.shift > 0 ? 0 : -r.shift;

	high = (product + (product >= 0 ? 1LL << 30 : 1 - (1LL << 30))) /
	       (1LL << 31);
	half = right ? 1LL << (right - 1) : 0;
	return high >= 0 ? (high + half) / (1LL << right) :
			   -((-high + half) / (1LL << right));
}

static s64 clamp(s64 v, struct aim_clamp c)
{
	return v < c.min ? c.min : v > c.max ? c.max : v;
}

static double clampf_(double v, struct aim_clamp c)
{
	double lo = f32_of(c.min), hi = f32_of(c.max);

	return v < lo ? lo : v > hi ? hi : v;
}

/* Flat index to coordinates and back. */
static void split(tensor t, size_t i, u32 *at)
{
	u32 d = t->rank;

	while (d-- > 0) {
		at[d] = (u32)(i % t->dims[d]);
		i /= t->dims[d];
	}
}

static size_t join(tensor t, const u32 *at)
{
	size_t i = 0;
	u32 d;

	for (d = 0; d < t->rank; d++)
		i = i * t->dims[d] + at[d];
	return i;
}

static void conv(struct interp *in, const struct aim_op *op, bool depthwise)
{
	const struct aim_p_conv *p = &op->p.conv;
	tensor x = aim_operand(in->v, op, 0), w = aim_operand(in->v, op, 1);
	tensor b = aim_operand(in->v, op, 2), y = aim_out(in->v, op, 0);
	bool f32 = x->type == AIM_TYPE_F32;
	size_t i, n = count_of(y);
	u32 at[6], ky, kx, c;

	for (i = 0; i < n; i++) {
		double sum = 0;

		split(y, i, at);
		for (ky = 0; ky < w->dims[1]; ky++) {
			for (kx = 0; kx < w->dims[2]; kx++) {
				s64 h = (s64)at[1] * p->stride_h - p->pad_top +
					(s64)ky * p->dilation_h;
				s64 l = (s64)at[2] * p->stride_w - p->pad_left +
					(s64)kx * p->dilation_w;

				if (h < 0 || h >= x->dims[1] || l < 0 ||
				    l >= x->dims[2])
					continue;
				for (c = 0; c < (depthwise ? 1 : x->dims[3]); c++) {
					u32 xc = depthwise ?
						at[3] / p->depth_multiplier : c;
					u32 xa[4] = { at[0], (u32)h, (u32)l, xc };
					u32 wa[4] = { at[3], ky, kx, c };

					if (depthwise) {
						wa[0] = 0;
						wa[3] = at[3];
					}
					sum += (get(in, x, join(x, xa)) -
						(f32 ? 0 : x->zero_point)) *
					       get(in, w, join(w, wa));
				}
			}
		}
		if (b)
			sum += get(in, b, at[3]);
		if (f32)
			put(in, y, i, clampf_(sum, p->clamp));
		else
			put(in, y, i, (double)clamp(requantize((s64)sum,
				in->v->requants[p->requant_first + at[3]]) +
				y->zero_point, p->clamp));
	}
}

static void fc(struct interp *in, const struct aim_op *op)
{
	const struct aim_p_fc *p = &op->p.fc;
	tensor x = aim_operand(in->v, op, 0), w = aim_operand(in->v, op, 1);
	tensor b = aim_operand(in->v, op, 2), y = aim_out(in->v, op, 0);
	bool f32 = x->type == AIM_TYPE_F32;
	size_t i, k, depth = w->dims[1];

	for (i = 0; i < count_of(y); i++) {
		size_t o = i % w->dims[0], row = i / w->dims[0];
		double sum = b ? get(in, b, o) : 0;

		for (k = 0; k < depth; k++)
			sum += (get(in, x, row * depth + k) -
				(f32 ? 0 : x->zero_point)) *
			       get(in, w, o * depth + k);
		if (f32)
			put(in, y, i, clampf_(sum, p->clamp));
		else
			put(in, y, i, (double)clamp(requantize((s64)sum,
				in->v->requants[p->requant_first + o]) +
				y->zero_point, p->clamp));
	}
}

static void pool(struct interp *in, const struct aim_op *op, bool max)
{
	const struct aim_p_pool *p = &op->p.pool;
	tensor x = aim_operand(in->v, op, 0), y = aim_out(in->v, op, 0);
	size_t i;
	u32 at[6], ky, kx;

	for (i = 0; i < count_of(y); i++) {
		double sum = 0, best = -INFINITY;
		s64 n = 0, s;

		split(y, i, at);
		for (ky = 0; ky < p->kernel_h; ky++) {
			for (kx = 0; kx < p->kernel_w; kx++) {
				s64 h = (s64)at[1] * p->stride_h - p->pad_top + ky;
				s64 l = (s64)at[2] * p->stride_w - p->pad_left + kx;
				u32 xa[4] = { at[0], (u32)h, (u32)l, at[3] };
				double v;

				if (h < 0 || h >= x->dims[1] || l < 0 ||
				    l >= x->dims[2])
					continue;
				v = get(in, x, join(x, xa));
				sum += v;
				best = v > best ? v : best;
				n++;
			}
		}
		if (x->type == AIM_TYPE_F32) {
			put(in, y, i, clampf_(max ? best : sum / (double)n,
					      p->clamp));
			continue;
		}
		s = (s64)sum;
		s = s > 0 ? (s + n / 2) / n : (s - n / 2) / n;
		put(in, y, i, (double)clamp(max ? (s64)best : s, p->clamp));
	}
}

/* Element of @t that broadcasts to the element at @at of @y */
static double spread(struct interp *in, tensor t, tensor y, const u32 *at)
{
	u32 own[6], d;

	for (d = 0; d < t->rank; d++)
		own[d] = t->dims[d] == 1 ? 0 : at[y->rank - t->rank + d];
	return get(in, t, join(t, own));
}

static void binary(struct interp *in, const struct aim_op *op)
{
	const struct aim_p_binary *p = &op->p.binary;
	tensor a = aim_operand(in->v, op, 0), b = aim_operand(in->v, op, 1);
	tensor y = aim_out(in->v, op, 0);
	size_t i;
	u32 at[6];

	for (i = 0; i < count_of(y); i++) {
		double l, r;
		s64 v;

		split(y, i, at);
		l = spread(in, a, y, at);
		r = spread(in, b, y, at);
		if (a->type == AIM_TYPE_F32) {
			put(in, y, i, clampf_(op->code == AIM_OP_ADD ? l + r :
					      op->code == AIM_OP_SUB ? l - r :
					      l * r, p->clamp));
			continue;
		}
		l -= a->zero_point;
		r -= b->zero_point;
		if (op->code == AIM_OP_MUL) {
			v = (s64)(l * r);
		} else {
			s64 x = requantize((s64)l * (1 << p->left_shift), p->a);
			s64 z = requantize((s64)r * (1 << p->left_shift), p->b);

			v = op->code == AIM_OP_ADD ? x + z : x - z;
		}
		put(in, y, i, (double)clamp(requantize(v, p->out) +
					    y->zero_point, p->clamp));
	}
}

static void concat(struct interp *in, const struct aim_op *op)
{
	tensor y = aim_out(in->v, op, 0);
	u32 at[6], base = 0, k;
	size_t i;

	for (k = 0; k < op->nr_inputs; k++) {
		tensor x = aim_operand(in->v, op, k);

		for (i = 0; i < count_of(x); i++) {
			split(x, i, at);
			at[op->p.concat.axis] += base;
			put(in, y, join(y, at), get(in, x, i));
		}
		base += x->dims[op->p.concat.axis];
	}
}

static void pad(struct interp *in, const struct aim_op *op)
{
	tensor x = aim_operand(in->v, op, 0), y = aim_out(in->v, op, 0);
	u32 at[6], d;
	size_t i;

	for (i = 0; i < count_of(y); i++)
		put(in, y, i, y->type == AIM_TYPE_F32 ?
		    f32_of(op->p.pad.value) : op->p.pad.value);
	for (i = 0; i < count_of(x); i++) {
		split(x, i, at);
		for (d = 0; d < x->rank; d++)
			at[d] += op->p.pad.before[d];
		put(in, y, join(y, at), get(in, x, i));
	}
}

static void transpose_or_slice(struct interp *in, const struct aim_op *op)
{
	tensor x = aim_operand(in->v, op, 0), y = aim_out(in->v, op, 0);
	u32 at[6], from[6], d;
	size_t i;

	for (i = 0; i < count_of(y); i++) {
		split(y, i, at);
		for (d = 0; d < y->rank; d++) {
			if (op->code == AIM_OP_TRANSPOSE)
				from[op->p.transpose.perm[d]] = at[d];
			else
				from[d] = op->p.slice.begin[d] +
					  at[d] * op->p.slice.stride[d];
		}
		put(in, y, i, get(in, x, join(x, from)));
	}
}

static struct aim_requant divided(struct aim_requant r, s64 terms)
{
	s32 shift = 0;

	while (terms >> (shift + 1))
		shift++;
	if (shift > 31 + r.shift)
		shift = 31 + r.shift;
	r.multiplier = (s32)(((s64)r.multiplier << shift) / terms);
	r.shift -= shift;
	return r;
}

static void mean(struct interp *in, const struct aim_op *op)
{
	const struct aim_p_mean *p = &op->p.mean;
	tensor x = aim_operand(in->v, op, 0), y = aim_out(in->v, op, 0);
	size_t i, n = count_of(y), terms = count_of(x) / n;
	double *sums = calloc(n, sizeof(*sums));
	u32 at[6], d;

	for (i = 0; sums && i < count_of(x); i++) {
		size_t to = 0;

		split(x, i, at);
		for (d = 0; d < x->rank; d++)
			if (!(p->axes >> d & 1))
				to = to * x->dims[d] + at[d];
		sums[to] += get(in, x, i);
	}
	for (i = 0; sums && i < n; i++) {
		s64 v = (s64)sums[i] - x->zero_point * (s64)terms;

		if (x->type == AIM_TYPE_F32)
			put(in, y, i, clampf_(sums[i] / (double)terms, p->clamp));
		else
			put(in, y, i, (double)clamp(requantize(v,
				divided(p->requant, (s64)terms)) +
				y->zero_point, p->clamp));
	}
	free(sums);
}

static void softmax(struct interp *in, const struct aim_op *op)
{
	const struct aim_p_softmax *p = &op->p.softmax;
	tensor x = aim_operand(in->v, op, 0), y = aim_out(in->v, op, 0);
	size_t depth = x->dims[x->rank - 1], row, i;
	/* int8: the scale of a difference, Q5.26 */
	double beta = x->type == AIM_TYPE_F32 ? f32_of((s32)p->beta_bits) :
		p->input_multiplier * pow(2, p->input_left_shift - 31 - 26);

	for (row = 0; row < count_of(x); row += depth) {
		double max = -INFINITY, sum = 0;

		for (i = row; i < row + depth; i++)
			max = fmax(max, get(in, x, i));
		for (i = row; i < row + depth; i++)
			sum += exp((get(in, x, i) - max) * beta);
		for (i = row; i < row + depth; i++) {
			double v = exp((get(in, x, i) - max) * beta) / sum;

			if (x->type == AIM_TYPE_S8) {
				v = round(v * 256) - 128;
				v = v > 127 ? 127 : v;
			}
			put(in, y, i, v);
		}
	}
}

static double unary_of(const struct aim_p_unary *p, double v)
{
	switch (p->kind) {
	case AIM_UNARY_RELU:
		return fmax(v, 0);
	case AIM_UNARY_RELU6:
		return fmin(fmax(v, 0), 6);
	case AIM_UNARY_RELU_N1_TO_1:
		return fmin(fmax(v, -1), 1);
	case AIM_UNARY_HARD_SWISH:
		return v * fmin(fmax(v + 3, 0), 6) / 6;
	case AIM_UNARY_LOGISTIC:
		return 1 / (1 + exp(-v));
	case AIM_UNARY_TANH:
		return tanh(v);
	}
	return v > 0 ? v : v * f32_of((s32)p->alpha_bits);
}

static double quantized(tensor y, double v)
{
	float q = (float)v / f32_of((s32)y->scale_bits);
	double r = round(q) + y->zero_point;
	double lo = y->type == AIM_TYPE_S8 ? -128 :
		    y->type == AIM_TYPE_U8 ? 0 : -32768;
	double hi = y->type == AIM_TYPE_S8 ? 127 :
		    y->type == AIM_TYPE_U8 ? 255 : 32767;

	return r < lo ? lo : r > hi ? hi : r;
}

static void elementwise(struct interp *in, const struct aim_op *op)
{
	tensor x = aim_operand(in->v, op, 0), y = aim_out(in->v, op, 0);
	size_t i;

	for (i = 0; i < count_of(y); i++) {
		double v = get(in, x, i);

		if (op->code == AIM_OP_UNARY)
			v = unary_of(&op->p.unary, v);
		else if (op->code == AIM_OP_QUANTIZE)
			v = quantized(y, v);
		else if (op->code == AIM_OP_DEQUANTIZE)
			v = (v - x->zero_point) * f32_of((s32)x->scale_bits);
		else if (op->code == AIM_OP_LUT8)
			v = get(in, aim_operand(in->v, op, 1),
				bytes_of(in, x)[i]);
		put(in, y, i, v);
	}
}

static bool run_op(struct interp *in, const struct aim_op *op)
{
	switch (op->code) {
	case AIM_OP_CONV2D:
	case AIM_OP_DEPTHWISE:
		conv(in, op, op->code == AIM_OP_DEPTHWISE);
		return true;
	case AIM_OP_FC:
		fc(in, op);
		return true;
	case AIM_OP_AVGPOOL:
	case AIM_OP_MAXPOOL:
		pool(in, op, op->code == AIM_OP_MAXPOOL);
		return true;
	case AIM_OP_ADD:
	case AIM_OP_MUL:
	case AIM_OP_SUB:
		binary(in, op);
		return true;
	case AIM_OP_CONCAT:
		concat(in, op);
		return true;
	case AIM_OP_PAD:
		pad(in, op);
		return true;
	case AIM_OP_TRANSPOSE:
	case AIM_OP_SLICE:
		transpose_or_slice(in, op);
		return true;
	case AIM_OP_MEAN:
		mean(in, op);
		return true;
	case AIM_OP_SOFTMAX:
		softmax(in, op);
		return true;
	case AIM_OP_RESHAPE:
	case AIM_OP_LUT8:
	case AIM_OP_QUANTIZE:
	case AIM_OP_DEQUANTIZE:
	case AIM_OP_UNARY:
		elementwise(in, op);
		return true;
	}
	return false;
}

bool interp_run(const struct aim_view *v, const u8 *in, u8 *out)
{
	struct interp it = { .v = v };
	u32 i, nr_in = v->header->nr_inputs, nr_out = v->header->nr_outputs;
	bool ok = true;

	it.data = calloc(v->nr_tensors, sizeof(*it.data));
	for (i = 0; it.data && i < v->nr_tensors; i++) {
		tensor t = &v->tensors[i];

		it.data[i] = calloc(1, t->bytes);
		if (t->place == AIM_PLACE_CONST)
			memcpy(it.data[i], v->consts + t->offset, t->bytes);
	}
	for (i = 0; i < nr_in; i++) {
		tensor t = &v->tensors[v->io[i]];

		memcpy(bytes_of(&it, t), in, t->bytes);
		in += t->bytes;
	}
	for (i = 0; i < v->nr_ops && ok; i++)
		ok = run_op(&it, &v->ops[i]);
	for (i = nr_in; i < nr_in + nr_out; i++) {
		tensor t = &v->tensors[v->io[i]];

		memcpy(out, bytes_of(&it, t), t->bytes);
		out += t->bytes;
	}
	for (i = 0; i < v->nr_tensors; i++)
		free(it.data[i]);
	free(it.data);
	return ok;
}
