/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lowering: each function turns the current TFLite operator into operators of
 * the model file, or says why it can't.
 */
#ifndef AIM_CONVERT_LOWER_H
#define AIM_CONVERT_LOWER_H

#include "graph.h"

/* convert.c: the steps before lowering */
int cv_check_frame(struct cv *c);	/* what no operator is to blame for */
int cv_add_inputs(struct cv *c);
void cv_set_op(struct cv *c, u32 i);	/* make operator @i the current one */

/* Whether the current operator's kind is supported at all. */
int cv_check_kind(struct cv *c);
/* Lower the current operator, by its kind. */
int cv_lower(struct cv *c);

/* lower.c: fused activations, sliding windows */
int cv_clamp(struct cv *c, u8 activation, u32 tensor, struct aim_clamp *out);

struct cv_window {
	u32 in, kernel, stride, dilation;
	u32 out, before, after;		/* computed */
};

/* @padding: 0 same, 1 valid, as the options say it */
int cv_window(struct cv *c, u8 padding, struct cv_window *w);

/* lower_shape.c: an axis, counted from the end where negative */
int cv_axis(struct cv *c, s64 axis, u32 rank, u32 *out);

/* lower_conv.c */

/*
 * A layer with weights, as far as all three kinds go the same way.
 * @x, @w, @bias: tensors; @bias may be CV_NONE
 * @channels: of the output
 * @groups: into which the channels are divided
 * @per_tensor_float: the one-scale multiplier's product is computed in float
 */
struct cv_layer {
	u32 x, w, bias;
	u32 input, weights;	/* TFLite tensors */
	u32 channels;
	u32 groups;
	bool quantised;
	bool per_tensor_float;
};

/* @input and @weights are set: fills in the rest but for @bias and @channels */
int cv_layer_weights(struct cv *c, struct cv_layer *l);
/* @value: TFLite tensor, or CV_NONE */
int cv_layer_bias(struct cv *c, struct cv_layer *l, u32 value);
/* The operator, whose parameters are then filled in through @op. */
int cv_layer_emit(struct cv *c, u16 code, struct cv_layer *l, u32 out,
		  struct aim_op **op, u32 *requant_first);

int cv_lower_conv(struct cv *c);
int cv_lower_depthwise(struct cv *c);
int cv_lower_fc(struct cv *c);

/* lower_space.c */
int cv_lower_space_to_depth(struct cv *c);
int cv_lower_depth_to_space(struct cv *c);
int cv_lower_space_to_batch(struct cv *c);
int cv_lower_batch_to_space(struct cv *c);

/* lower_limit.c */
int cv_lower_maximum(struct cv *c);
int cv_lower_minimum(struct cv *c);
int cv_lower_prelu(struct cv *c);
int cv_lower_relu_0_to_1(struct cv *c);
int cv_lower_reduce_max(struct cv *c);
int cv_lower_div(struct cv *c);
int cv_lower_cast(struct cv *c);

/* lower_math.c */
int cv_broadcast_shape(struct cv *c, u32 a, u32 b, u32 *rank, u32 *dims);
int cv_lower_add(struct cv *c);
int cv_lower_sub(struct cv *c);
int cv_lower_mul(struct cv *c);
int cv_lower_mean(struct cv *c);
int cv_lower_softmax(struct cv *c);

/* lower_pool.c */
int cv_lower_average_pool(struct cv *c);
int cv_lower_max_pool(struct cv *c);

/* lower_unary.c */
int cv_lower_relu(struct cv *c);
int cv_lower_relu6(struct cv *c);
int cv_lower_relu_n1_to_1(struct cv *c);
int cv_lower_leaky_relu(struct cv *c);
int cv_lower_elu(struct cv *c);
int cv_lower_hard_swish(struct cv *c);
int cv_lower_logistic(struct cv *c);
int cv_lower_tanh(struct cv *c);
int cv_lower_quantize(struct cv *c);
int cv_lower_dequantize(struct cv *c);

/* lower_centre.c: weights whose zero point is not 0 */
int cv_centre_conv(struct cv *c, struct cv_layer *l);
int cv_centre_depthwise(struct cv *c, struct cv_layer *l, struct aim_p_conv *p);
int cv_centre_fc(struct cv *c, struct cv_layer *l);

/* lower_upsample.c */
int cv_lower_transpose_conv(struct cv *c);
int cv_lower_resize_nearest(struct cv *c);

/* lower_shape.c */
int cv_lower_reshape(struct cv *c);
int cv_lower_squeeze(struct cv *c);
int cv_lower_expand_dims(struct cv *c);
int cv_lower_concat(struct cv *c);
int cv_lower_pack(struct cv *c);
int cv_lower_pad(struct cv *c);
int cv_lower_padv2(struct cv *c);
int cv_lower_transpose(struct cv *c);

/* lower_slice.c */

/* STRIDED_SLICE's operands and options, by dimension: bit i of each mask. */
struct cv_strided {
	s64 begin[AIM_MAX_RANK], end[AIM_MAX_RANK], stride[AIM_MAX_RANK];
	s32 begin_mask, end_mask, shrink_mask, ellipsis_mask, new_mask;
};

int cv_strided_read(struct cv *c, struct cv_strided *s, u32 *n);
int cv_strided_dim(struct cv *c, const struct cv_strided *s, u32 i, s64 dim,
		   u32 *begin, u32 *count);
int cv_lower_slice(struct cv *c);
int cv_lower_strided_slice(struct cv *c);
int cv_lower_split(struct cv *c);
int cv_lower_split_v(struct cv *c);
int cv_lower_unpack(struct cv *c);

/* lower_ints.c: arithmetic on shapes, done at conversion */
bool cv_is_ints(const struct cv *c, u32 value);
/* It is ints, and which ones is known now. */
bool cv_ints_known(const struct cv *c, u32 value);
int cv_lower_shape(struct cv *c);
int cv_lower_gather(struct cv *c);
int cv_lower_prod(struct cv *c);
int cv_ints_strided_slice(struct cv *c);
int cv_ints_join(struct cv *c);
int cv_ints_pair(struct cv *c);

#endif /* AIM_CONVERT_LOWER_H */
