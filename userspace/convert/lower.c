// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which operator is lowered by whom, and what several of them need. */
#include <math.h>

#include "lower.h"

/* What an unsupported operator is answered with. */
#define RECURRENT \
	"recurrent operators are not supported by this version; run this model in user space"
#define RESIZE \
	"resizing is not supported by this version; cut the model before it, or resize outside"
#define CONTROL \
	"control flow and calls are not supported; export the model as one plain graph"
#define DETECTION \
	"post-processing of detections is not supported; export the model without it"

static const struct {
	int (*lower)(struct cv *c);
	const char *advice;
} kinds[] = {
	[TFL_ADD] = { cv_lower_add, NULL },
	[TFL_AVERAGE_POOL_2D] = { cv_lower_average_pool, NULL },
	[TFL_CONCATENATION] = { cv_lower_concat, NULL },
	[TFL_CONV_2D] = { cv_lower_conv, NULL },
	[TFL_DEPTHWISE_CONV_2D] = { cv_lower_depthwise, NULL },
	[TFL_DEQUANTIZE] = { cv_lower_dequantize, NULL },
	[TFL_FULLY_CONNECTED] = { cv_lower_fc, NULL },
	[TFL_LOGISTIC] = { cv_lower_logistic, NULL },
	[TFL_MAX_POOL_2D] = { cv_lower_max_pool, NULL },
	[TFL_MUL] = { cv_lower_mul, NULL },
	[TFL_RELU] = { cv_lower_relu, NULL },
	[TFL_RELU_N1_TO_1] = { cv_lower_relu_n1_to_1, NULL },
	[TFL_RELU6] = { cv_lower_relu6, NULL },
	[TFL_RESHAPE] = { cv_lower_reshape, NULL },
	[TFL_SOFTMAX] = { cv_lower_softmax, NULL },
	[TFL_TANH] = { cv_lower_tanh, NULL },
	[TFL_PAD] = { cv_lower_pad, NULL },
	[TFL_TRANSPOSE] = { cv_lower_transpose, NULL },
	[TFL_MEAN] = { cv_lower_mean, NULL },
	[TFL_SUB] = { cv_lower_sub, NULL },
	[TFL_SQUEEZE] = { cv_lower_squeeze, NULL },
	[TFL_STRIDED_SLICE] = { cv_lower_strided_slice, NULL },
	[TFL_SPLIT] = { cv_lower_split, NULL },
	[TFL_PADV2] = { cv_lower_padv2, NULL },
	[TFL_SLICE] = { cv_lower_slice, NULL },
	[TFL_EXPAND_DIMS] = { cv_lower_expand_dims, NULL },
	[TFL_GATHER] = { cv_lower_gather, NULL },
	[TFL_SHAPE] = { cv_lower_shape, NULL },
	[TFL_REDUCE_PROD] = { cv_lower_prod, NULL },
	[TFL_PACK] = { cv_lower_pack, NULL },
	[TFL_UNPACK] = { cv_lower_unpack, NULL },
	[TFL_LEAKY_RELU] = { cv_lower_leaky_relu, NULL },
	[TFL_SPLIT_V] = { cv_lower_split_v, NULL },
	[TFL_ELU] = { cv_lower_elu, NULL },
	[TFL_QUANTIZE] = { cv_lower_quantize, NULL },
	[TFL_HARD_SWISH] = { cv_lower_hard_swish, NULL },
	[TFL_SPACE_TO_DEPTH] = { cv_lower_space_to_depth, NULL },
	[TFL_DEPTH_TO_SPACE] = { cv_lower_depth_to_space, NULL },
	[TFL_SPACE_TO_BATCH_ND] = { cv_lower_space_to_batch, NULL },
	[TFL_BATCH_TO_SPACE_ND] = { cv_lower_batch_to_space, NULL },
	[TFL_MAXIMUM] = { cv_lower_maximum, NULL },
	[TFL_MINIMUM] = { cv_lower_minimum, NULL },
	[TFL_PRELU] = { cv_lower_prelu, NULL },
	[TFL_RELU_0_TO_1] = { cv_lower_relu_0_to_1, NULL },
	[TFL_REDUCE_MAX] = { cv_lower_reduce_max, NULL },
	[TFL_DIV] = { cv_lower_div, NULL },
	[TFL_CAST] = { cv_lower_cast, NULL },
	[TFL_TRANSPOSE_CONV] = { cv_lower_transpose_conv, NULL },
	[TFL_RESIZE_NEAREST] = { cv_lower_resize_nearest, NULL },
	/* known by name only */
	[16] = { NULL, RECURRENT },	/* LSTM */
	[23] = { NULL, RESIZE },	/* RESIZE_BILINEAR */
	[24] = { NULL, RECURRENT },	/* RNN */
	[27] = { NULL, RECURRENT },	/* SVDF */
	[31] = { NULL, CONTROL },	/* CALL */
	[35] = { NULL, RECURRENT },	/* UNIDIRECTIONAL_SEQUENCE_RNN */
	[44] = { NULL, RECURRENT },	/* UNIDIRECTIONAL_SEQUENCE_LSTM */
	[46] = { NULL, RECURRENT },	/* BIDIRECTIONAL_SEQUENCE_RNN */
	[52] = { NULL, RECURRENT },	/* BIDIRECTIONAL_SEQUENCE_LSTM */
	[118] = { NULL, CONTROL },	/* IF */
	[119] = { NULL, CONTROL },	/* WHILE */
	[120] = { NULL, DETECTION },	/* NON_MAX_SUPPRESSION_V4 */
	[121] = { NULL, DETECTION },	/* NON_MAX_SUPPRESSION_V5 */
	[129] = { NULL, CONTROL },	/* CALL_ONCE */
};

static bool is_listed(s32 code)
{
	return code >= 0 && (size_t)code < sizeof(kinds) / sizeof(*kinds);
}

int cv_check_kind(struct cv *c)
{
	s32 code = c->op->code;

	if (code == TFL_CUSTOM)
		return cv_refuse(c, -EOPNOTSUPP,
				 "custom operators are not supported; export the model with built-in ones only");
	if (is_listed(code) && kinds[code].lower)
		return 0;
	return cv_refuse(c, -EOPNOTSUPP, "%s",
			 is_listed(code) && kinds[code].advice ?
			 kinds[code].advice :
			 "this operator is not supported by this version");
}

int cv_lower(struct cv *c)
{
	int err = cv_check_kind(c);

	return err ? err : kinds[c->op->code].lower(c);
}

static int clamp_f32(struct cv *c, u8 activation, struct aim_clamp *out)
{
	float lo = -INFINITY, hi = INFINITY;

	if (activation == TFL_ACT_RELU || activation == TFL_ACT_RELU6)
		lo = 0;
	if (activation == TFL_ACT_RELU6)
		hi = 6;
	if (activation == TFL_ACT_RELU_N1_TO_1) {
		lo = -1;
		hi = 1;
	}
	out->min = (s32)float_bits(lo);
	out->max = (s32)float_bits(hi);
	return 0;
}

int cv_clamp(struct cv *c, u8 activation, u32 tensor, struct aim_clamp *out)
{
	struct cv_kind k = cv_kind_of(c, tensor);

	if (activation > TFL_ACT_RELU6)
		return cv_refuse(c, -EOPNOTSUPP,
				 "fused activation %u is not supported; only relu, relu6 and relu_n1_to_1 are",
				 activation);
	if (k.type == AIM_TYPE_F32)
		return clamp_f32(c, activation, out);
	out->min = -128;
	out->max = 127;
	if (activation == TFL_ACT_NONE)
		return 0;
	if (k.scale == 0)
		return cv_refuse(c, -EINVAL,
				 "has an activation, but its output has no scale");
	if (activation == TFL_ACT_RELU || activation == TFL_ACT_RELU6)
		out->min = quant_value(0, k.scale, k.zero_point, -128, 127);
	if (activation == TFL_ACT_RELU6)
		out->max = quant_value(6, k.scale, k.zero_point, -128, 127);
	if (activation == TFL_ACT_RELU_N1_TO_1) {
		out->min = quant_value(-1, k.scale, k.zero_point, -128, 127);
		out->max = quant_value(1, k.scale, k.zero_point, -128, 127);
	}
	return 0;
}

int cv_window(struct cv *c, u8 padding, struct cv_window *w)
{
	u64 effective, all, need;

	if (!w->kernel || !w->stride || !w->dilation || w->stride > 65535 ||
	    w->dilation > 65535 || w->kernel > AIM_MAX_WINDOW)
		return cv_refuse(c, -EINVAL,
				 "kernel %u, stride %u, dilation %u: each must be in 1..65535",
				 w->kernel, w->stride, w->dilation);
	effective = (u64)(w->kernel - 1) * w->dilation + 1;
	w->before = 0;
	w->after = 0;
	if (padding == 0) {
		w->out = (w->in + w->stride - 1) / w->stride;
		need = (u64)(w->out - 1) * w->stride + effective;
		all = need > w->in ? need - w->in : 0;
		w->before = (u32)(all / 2);
		w->after = (u32)(all - all / 2);
		return 0;
	}
	if (padding != 1)
		return cv_refuse(c, -EINVAL, "unknown kind of padding %u", padding);
	if (effective > w->in)
		return cv_refuse(c, -EINVAL,
				 "its window of %llu is larger than its input of %u",
				 (unsigned long long)effective, w->in);
	w->out = (u32)((w->in - effective) / w->stride) + 1;
	return 0;
}
