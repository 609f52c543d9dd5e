// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * XNNPACK called directly, on the same network as the engine: the operators of
 * MODEL.aim as a subgraph. Built by tools/bench-compute inside a Debian release
 * that has XNNPACK. Serves rounds, see compute_rounds.h.
 *
 * Softmax, and tables around the network (changes of the input's or output's
 * type), are left out: XNNPACK gets the shorter work.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <xnnpack.h>
#include <aim/verify.h>
#include "compute_rounds.h"

#define EXTRA	128	/* XNNPACK may read a little beyond */

struct net {
	struct aim_view v;
	xnn_subgraph_t graph;
	xnn_runtime_t runtime;
	uint32_t *value;	/* by tensor; XNN_INVALID_VALUE_ID: not yet */
	uint32_t first, last;	/* operators [first, last) */
};

static void die(const char *what)
{
	fprintf(stderr, "compute_xnnpack: %s\n", what);
	exit(1);
}

static void must(enum xnn_status s, const char *what)
{
	if (s != xnn_status_success) {
		fprintf(stderr, "compute_xnnpack: %s: status %d\n", what, s);
		exit(1);
	}
}

static float f32(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static void *room(size_t bytes)
{
	void *p = NULL;

	if (posix_memalign(&p, 64, bytes + EXTRA))
		die("no memory");
	memset(p, 0, bytes + EXTRA);
	return p;
}

static void load(struct net *n, const char *path)
{
	struct aim_reason why;
	FILE *f = fopen(path, "rb");
	size_t bytes;
	void *data;
	long end;

	if (!f || fseek(f, 0, SEEK_END) || (end = ftell(f)) < 0)
		die(path);
	bytes = (size_t)end;
	data = room(bytes);
	rewind(f);
	if (fread(data, 1, bytes, f) != bytes)
		die(path);
	fclose(f);
	if (aim_verify(data, bytes, room(aim_verify_scratch(data, bytes)), &n->v,
		       &why))
		die(why.text);
}

static const struct aim_tensor *tensor(struct net *n, uint32_t t)
{
	return &n->v.tensors[t];
}

static uint32_t operand(struct net *n, const struct aim_op *op, uint32_t i)
{
	return n->v.operands[op->operands + i];
}

static size_t dims_of(const struct aim_tensor *t, size_t dims[AIM_MAX_RANK])
{
	for (uint32_t i = 0; i < t->rank; i++)
		dims[i] = t->dims[i];
	return t->rank;
}

/* An activation */
static uint32_t value(struct net *n, uint32_t t, uint32_t external,
		      uint32_t flags)
{
	const struct aim_tensor *d = tensor(n, t);
	size_t dims[AIM_MAX_RANK], rank = dims_of(d, dims);

	if (n->value[t] != XNN_INVALID_VALUE_ID)
		return n->value[t];
	if (d->type == AIM_TYPE_F32)
		must(xnn_define_tensor_value(n->graph, xnn_datatype_fp32, rank,
					     dims, NULL, external, flags,
					     &n->value[t]), "value");
	else
		must(xnn_define_quantized_tensor_value(n->graph,
			xnn_datatype_qint8, d->zero_point, f32(d->scale_bits),
			rank, dims, NULL, external, flags, &n->value[t]),
		     "value");
	return n->value[t];
}

static uint32_t inner(struct net *n, uint32_t t)
{
	return value(n, t, XNN_INVALID_VALUE_ID, 0);
}

/* Scales of @w, times @by, one for each channel */
static float *scales(struct net *n, const struct aim_tensor *w, size_t channels,
		     float by)
{
	float *s = room(channels * sizeof(*s));

	for (size_t i = 0; i < channels; i++)
		s[i] = by * f32(w->scales_count ?
				n->v.scales[w->scales_first + i] :
				w->scale_bits);
	return s;
}

static uint32_t weights(struct net *n, uint32_t t, size_t channel_dim)
{
	const struct aim_tensor *w = tensor(n, t);
	size_t dims[AIM_MAX_RANK], rank = dims_of(w, dims);
	uint32_t id;
	void *data = room(w->bytes);

	memcpy(data, n->v.consts + w->offset, w->bytes);
	if (w->type == AIM_TYPE_F32)
		must(xnn_define_tensor_value(n->graph, xnn_datatype_fp32, rank,
					     dims, data, XNN_INVALID_VALUE_ID,
					     0, &id), "weights");
	else
		must(xnn_define_channelwise_quantized_tensor_value(n->graph,
			xnn_datatype_qcint8,
			scales(n, w, dims[channel_dim], 1.0f), rank,
			channel_dim, dims, data, XNN_INVALID_VALUE_ID, 0, &id),
		     "weights");
	return id;
}

static uint32_t bias(struct net *n, const struct aim_op *op, size_t channels)
{
	const struct aim_tensor *x = tensor(n, operand(n, op, 0));
	const struct aim_tensor *w = tensor(n, operand(n, op, 1));
	uint32_t t = operand(n, op, 2), id;
	void *data;

	if (t == AIM_NO_TENSOR)
		return XNN_INVALID_VALUE_ID;
	data = room(tensor(n, t)->bytes);
	memcpy(data, n->v.consts + tensor(n, t)->offset, tensor(n, t)->bytes);
	if (x->type == AIM_TYPE_F32)
		must(xnn_define_tensor_value(n->graph, xnn_datatype_fp32, 1,
					     &channels, data,
					     XNN_INVALID_VALUE_ID, 0, &id),
		     "bias");
	else
		must(xnn_define_channelwise_quantized_tensor_value(n->graph,
			xnn_datatype_qcint32,
			scales(n, w, channels, f32(x->scale_bits)), 1, 0,
			&channels, data, XNN_INVALID_VALUE_ID, 0, &id), "bias");
	return id;
}

/* The clamp in real numbers; all of int8 is no clamp */
static void range(const struct aim_tensor *y, struct aim_clamp c, float *min,
		  float *max)
{
	float scale = f32(y->scale_bits);

	if (y->type == AIM_TYPE_F32) {
		*min = f32((uint32_t)c.min);
		*max = f32((uint32_t)c.max);
		if (*max > 3e38f)
			*max = INFINITY;
		if (*min < -3e38f)
			*min = -INFINITY;
		return;
	}
	*min = c.min <= -128 ? -INFINITY :
	       scale * (float)(c.min - y->zero_point);
	*max = c.max >= 127 ? INFINITY : scale * (float)(c.max - y->zero_point);
}

static void conv(struct net *n, const struct aim_op *op)
{
	const struct aim_p_conv *p = &op->p.conv;
	const struct aim_tensor *x = tensor(n, operand(n, op, 0));
	const struct aim_tensor *w = tensor(n, operand(n, op, 1));
	const struct aim_tensor *y = tensor(n, operand(n, op, 3));
	uint32_t in = inner(n, operand(n, op, 0));
	uint32_t out = inner(n, operand(n, op, 3));
	uint32_t b = bias(n, op, y->dims[3]);
	float min, max;

	range(y, p->clamp, &min, &max);
	if (op->code == AIM_OP_CONV2D)
		must(xnn_define_convolution_2d(n->graph, p->pad_top,
			p->pad_right, p->pad_bottom, p->pad_left, w->dims[1],
			w->dims[2], p->stride_h, p->stride_w, p->dilation_h,
			p->dilation_w, 1, x->dims[3], y->dims[3], min, max, in,
			weights(n, operand(n, op, 1), 0), b, out, 0), "conv");
	else
		must(xnn_define_depthwise_convolution_2d(n->graph, p->pad_top,
			p->pad_right, p->pad_bottom, p->pad_left, w->dims[1],
			w->dims[2], p->stride_h, p->stride_w, p->dilation_h,
			p->dilation_w, p->depth_multiplier, x->dims[3], min,
			max, in, weights(n, operand(n, op, 1), 3), b, out, 0),
		     "depthwise");
}

static void fc(struct net *n, const struct aim_op *op)
{
	const struct aim_tensor *w = tensor(n, operand(n, op, 1));
	uint32_t in = inner(n, operand(n, op, 0));
	uint32_t out = inner(n, operand(n, op, 3));
	uint32_t b = bias(n, op, w->dims[0]);
	float min, max;

	range(tensor(n, operand(n, op, 3)), op->p.fc.clamp, &min, &max);
	must(xnn_define_fully_connected(n->graph, min, max, in,
		weights(n, operand(n, op, 1), 0), b, out,
		XNN_FLAG_TENSORFLOW_RESHAPE_2D), "fully connected");
}

/* Average over the whole image, as every network here wants it */
static void mean(struct net *n, const struct aim_op *op)
{
	const struct aim_tensor *x = tensor(n, operand(n, op, 0));
	static const size_t axes[] = { 1, 2 };

	if (op->code == AIM_OP_AVGPOOL ?
	    op->p.pool.kernel_h != x->dims[1] ||
	    op->p.pool.kernel_w != x->dims[2] : op->p.mean.axes != 6)
		die("only means over the whole image");
	must(xnn_define_static_reduce(n->graph, xnn_reduce_mean, 2, axes,
				      inner(n, operand(n, op, 0)),
				      inner(n, operand(n, op, 1)),
				      XNN_FLAG_KEEP_DIMS), "mean");
}

static void pad(struct net *n, const struct aim_op *op)
{
	const struct aim_tensor *x = tensor(n, operand(n, op, 0));
	size_t before[AIM_MAX_RANK], after[AIM_MAX_RANK];
	float v = x->type == AIM_TYPE_F32 ? f32((uint32_t)op->p.pad.value) :
		  f32(x->scale_bits) *
		  (float)(op->p.pad.value - x->zero_point);

	for (uint32_t i = 0; i < x->rank; i++) {
		before[i] = op->p.pad.before[i];
		after[i] = op->p.pad.after[i];
	}
	must(xnn_define_static_constant_pad(n->graph, before, after, v,
					    inner(n, operand(n, op, 0)),
					    inner(n, operand(n, op, 1)), 0),
	     "pad");
}

static void add(struct net *n, const struct aim_op *op)
{
	struct xnn_binary_params p;
	float min, max;

	range(tensor(n, operand(n, op, 2)), op->p.binary.clamp, &min, &max);
	p.output_min = min;
	p.output_max = max;
	must(xnn_define_binary(n->graph, xnn_binary_add, &p,
			       inner(n, operand(n, op, 0)),
			       inner(n, operand(n, op, 1)),
			       inner(n, operand(n, op, 2)), 0), "add");
}

static void move(struct net *n, const struct aim_op *op)
{
	const struct aim_tensor *y = tensor(n, operand(n, op, 1));
	size_t dims[AIM_MAX_RANK], perm[AIM_MAX_RANK];
	size_t rank = dims_of(y, dims);
	uint32_t in = inner(n, operand(n, op, 0));
	uint32_t out = inner(n, operand(n, op, 1));

	for (uint32_t i = 0; i < rank; i++)
		perm[i] = op->p.transpose.perm[i];
	if (op->code == AIM_OP_RESHAPE)
		must(xnn_define_static_reshape(n->graph, rank, dims, in, out,
					       0), "reshape");
	else
		must(xnn_define_static_transpose(n->graph, rank, perm, in, out,
						 0), "transpose");
}

static void define(struct net *n, const struct aim_op *op)
{
	switch (op->code) {
	case AIM_OP_CONV2D:
	case AIM_OP_DEPTHWISE:
		conv(n, op);
		return;
	case AIM_OP_FC:
		fc(n, op);
		return;
	case AIM_OP_AVGPOOL:
	case AIM_OP_MEAN:
		mean(n, op);
		return;
	case AIM_OP_PAD:
		pad(n, op);
		return;
	case AIM_OP_ADD:
		add(n, op);
		return;
	case AIM_OP_RESHAPE:
	case AIM_OP_TRANSPOSE:
		move(n, op);
		return;
	}
	die(aim_op_name(op->code));
}

static bool is_core(const struct aim_op *op)
{
	return op->code != AIM_OP_LUT8 && op->code != AIM_OP_SOFTMAX;
}

static void build(struct net *n)
{
	uint32_t i, in, out;

	n->value = room(n->v.nr_tensors * sizeof(*n->value));
	memset(n->value, 0xff, n->v.nr_tensors * sizeof(*n->value));
	n->last = n->v.nr_ops;
	while (n->first < n->last && !is_core(&n->v.ops[n->first]))
		n->first++;
	while (n->last > n->first && !is_core(&n->v.ops[n->last - 1]))
		n->last--;
	must(xnn_initialize(NULL), "initialize");
	must(xnn_create_subgraph(2, 0, &n->graph), "subgraph");
	in = operand(n, &n->v.ops[n->first], 0);
	out = operand(n, &n->v.ops[n->last - 1],
		      n->v.ops[n->last - 1].nr_inputs);
	value(n, in, 0, XNN_VALUE_FLAG_EXTERNAL_INPUT);
	value(n, out, 1, XNN_VALUE_FLAG_EXTERNAL_OUTPUT);
	for (i = n->first; i < n->last; i++)
		define(n, &n->v.ops[i]);
	must(xnn_create_runtime_v2(n->graph, NULL, 0, &n->runtime), "runtime");
	must(xnn_reshape_runtime(n->runtime), "reshape");
	{
		struct xnn_external_value io[] = {
			{ 0, room(tensor(n, in)->bytes) },
			{ 1, room(tensor(n, out)->bytes) },
		};
		uint8_t *x = io[0].data;

		for (i = 0; i < tensor(n, in)->bytes; i++)
			x[i] = tensor(n, in)->type == AIM_TYPE_F32 ? 0 :
			       (uint8_t)(i * 37 % 64);
		must(xnn_setup_runtime_v2(n->runtime, 2, io), "setup");
	}
}

static void infer(void *arg)
{
	struct net *n = arg;

	must(xnn_invoke_runtime(n->runtime), "invoke");
}

int main(int argc, char **argv)
{
	struct net n = { 0 };

	if (argc != 2)
		return 2;
	load(&n, argv[1]);
	build(&n);
	serve_rounds(infer, &n);
	return 0;
}
