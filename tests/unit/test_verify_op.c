// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules of the operators that compute. */
#include "aim_break.h"

static void set_bias(struct aim_file *f, u32 i, s32 value)
{
	memcpy(f->consts + T(3).offset + 4 * i, &value, 4);
}

static void fill_weights(struct aim_file *f, u8 value)
{
	memset(f->consts + T(2).offset, value, T(2).bytes);
}

#define LAYER(X)							\
X(conv_x_type, conv_s8, -EOPNOTSUPP,					\
  "operator 0 (conv2d \"layer\"): does not support its input's element type: tensor 0 \"x\"", \
  T(0).type = AIM_TYPE_U8; T(0).zero_point = 3)				\
X(conv_y_type, conv_s8, -EINVAL, "input and output have different",	\
  T(1).type = AIM_TYPE_U8)						\
X(conv_w_type, conv_s8, -EINVAL, "input and weights have different",	\
  T(2).type = AIM_TYPE_U8)						\
X(conv_b_type, conv_s8, -EINVAL, "bias is not int32", T(3).type = AIM_TYPE_F32) \
X(conv_b_type_f32, conv_f32, -EINVAL, "bias is not float32",		\
  T(3).type = AIM_TYPE_S32)						\
X(conv_w_input, conv_s8, -EINVAL, "must be a constant: tensor 0",	\
  f->operands[1] = 0)							\
X(conv_b_input, conv_s8, -EINVAL, "must be a constant: tensor 0",	\
  f->operands[2] = 0)							\
X(conv_no_w, conv_s8, -EINVAL, "lacks an input, number (1)",		\
  f->operands[1] = AIM_NO_TENSOR)					\
X(conv_x_rank, conv_s8, -EINVAL, "rank of the input is 5, must be 4",	\
  T(0).rank = 5)							\
X(conv_w_rank, conv_s8, -EINVAL, "rank of the weights", T(2).rank = 5)	\
X(conv_y_rank, conv_s8, -EINVAL, "rank of the output", T(1).rank = 5)	\
X(conv_batch, conv_s8, -EINVAL, "batch of the output is 1, must be 2",	\
  T(1).dims[0] = 1; T(1).bytes /= 2)					\
X(conv_in_channels, conv_s8, -EINVAL, "channels of the weights (no groups) is 2", \
  T(2).dims[3] = 2; T(2).bytes = 60)					\
X(conv_groups, conv_s8, -EOPNOTSUPP, "no groups", T(2).dims[3] = 1;	\
  T(2).bytes = 30)							\
X(conv_out_channels, conv_s8, -EINVAL, "channels of the output is 4, must be 5", \
  T(1).dims[3] = 4; T(1).bytes = 160)					\
X(conv_out_h, conv_s8, -EINVAL, "height of the output is 5, must be 4",	\
  T(1).dims[1] = 5; T(1).bytes = 250)					\
X(conv_out_w, conv_s8, -EINVAL, "width of the output is 6, must be 5",	\
  T(1).dims[2] = 6; T(1).bytes = 240)					\
X(conv_kernel_large, conv_s8, -EINVAL, "lower than the kernel",		\
  P.conv.dilation_h = 5; P.conv.pad_top = 0)				\
X(conv_kernel_wide, conv_s8, -EINVAL, "narrower than the kernel",	\
  P.conv.dilation_w = 7)						\
X(conv_stride_h, conv_s8, -EINVAL, "vertical stride is not in", P.conv.stride_h = 0) \
X(conv_stride_w, conv_s8, -EINVAL, "horizontal stride is not in",	\
  P.conv.stride_w = 0)							\
X(conv_stride_large, conv_s8, -EINVAL, "vertical stride is not in 1..65535 (65536)", \
  P.conv.stride_h = 65536)						\
X(conv_stride_huge, conv_s8, -EINVAL, "horizontal stride is not in",	\
  P.conv.stride_w = 0xffffffff)						\
X(conv_dilation_h, conv_s8, -EINVAL, "vertical dilation is not in",	\
  P.conv.dilation_h = 0)						\
X(conv_dilation_w, conv_s8, -EINVAL, "horizontal dilation is not in",	\
  P.conv.dilation_w = 65536)						\
X(conv_pad_top, conv_s8, -EINVAL, "padding above or below is not smaller than the kernel (3)", \
  P.conv.pad_top = 3)							\
X(conv_pad_bottom, conv_s8, -EINVAL, "padding above or below",		\
  P.conv.pad_bottom = 0xffffffff)					\
X(conv_pad_left, conv_s8, -EINVAL, "padding left or right", P.conv.pad_left = 2) \
X(conv_pad_right, conv_s8, -EINVAL, "padding left or right",		\
  P.conv.pad_right = 2)							\
X(conv_multiplier, conv_s8, -EBADMSG, "no depth multiplier",		\
  P.conv.depth_multiplier = 1)						\
X(conv_bias_count, conv_s8, -EINVAL, "number of bias elements is 4, must be 5", \
  T(3).dims[0] = 4; T(3).bytes = 16)					\
X(conv_scales_count, conv_s8, -EINVAL, "number of the weights' scales is 4", \
  T(2).scales_count = 4)						\
X(conv_bias_scales, conv_s8, -EINVAL, "number of the bias' scales is 2",	\
  T(3).scales_count = 2)						\
X(conv_w_zero_point, conv_s8, -EINVAL, "zero point of the weights is 1, must be 0", \
  T(2).zero_point = 1)							\
X(conv_requant_outside, conv_s8, -EINVAL, "requant records lie outside the section (1)", \
  P.conv.requant_first = 1)						\
X(conv_requant_wraps, conv_s8, -EINVAL, "requant records lie outside",	\
  P.conv.requant_first = 0xffffffff)					\
X(conv_requant_f32, conv_f32, -EBADMSG, "float32 has no requant",	\
  P.conv.requant_first = 1)						\
X(conv_clamp_low, conv_s8, -EINVAL, "clamp exceeds the type's range (-129)", \
  P.conv.clamp.min = -129)						\
X(conv_clamp_high, conv_s8, -EINVAL, "clamp exceeds the type's range (128)", \
  P.conv.clamp.max = 128)						\
X(conv_clamp_order, conv_s8, -EINVAL, "minimum is above its maximum",	\
  P.conv.clamp.min = 5; P.conv.clamp.max = 4)				\
X(conv_clamp_nan, conv_f32, -EINVAL, "clamp is NaN",			\
  P.conv.clamp.max = (s32)AB_NAN)					\
X(conv_clamp_minus_nan, conv_f32, -EINVAL, "clamp is NaN",		\
  P.conv.clamp.min = (s32)0xffffffff)					\
X(conv_clamp_order_f32, conv_f32, -EINVAL, "minimum is above",		\
  P.conv.clamp.min = AB_ONE; P.conv.clamp.max = AB_HALF)		\
X(conv_clamp_order_signs, conv_f32, -EINVAL, "minimum is above",		\
  P.conv.clamp.min = AB_ONE; P.conv.clamp.max = (s32)0xbf800000)	\
X(conv_clamp_order_minus, conv_f32, -EINVAL, "minimum is above",		\
  P.conv.clamp.min = (s32)0xbf000000; P.conv.clamp.max = (s32)0xbf800000) \
X(conv_bias_overflow, conv_s8, -EINVAL, "a sum may overflow int32 in output channel (4)", \
  set_bias(f, 4, INT32_MAX))						\
X(conv_bias_underflow, conv_s8, -EINVAL, "output channel (0)",		\
  set_bias(f, 0, INT32_MIN))						\
X(conv_shift_overflow, conv_s8, -EINVAL, "a sum may overflow int32 in output channel (2)", \
  fill_weights(f, 127); f->rq[2].shift = 20)				\
X(conv_bias_shifted, conv_s8, -EINVAL, "output channel (3)",		\
  fill_weights(f, 0); f->rq[3].shift = 30; set_bias(f, 3, 2))		\
X(dw_first_dim, depthwise_s8, -EINVAL, "first dimension of the weights is 3", \
  T(2).dims[0] = 3; T(2).dims[1] = 1)					\
X(dw_multiplier, depthwise_s8, -EINVAL, "channels of the weights is 6, must be 3", \
  P.conv.depth_multiplier = 1)						\
X(dw_multiplier_zero, depthwise_s8, -EINVAL, "channels of the weights is 6, must be 0", \
  P.conv.depth_multiplier = 0)						\
X(dw_multiplier_wraps, depthwise_s8, -EINVAL, "channels of the weights",	\
  P.conv.depth_multiplier = 0x55555558)					\
X(dw_out_channels, depthwise_s8, -EINVAL, "channels of the output",	\
  T(1).dims[3] = 3; T(1).bytes = 45)					\
X(dw_out_h, depthwise_s8, -EINVAL, "height of the output", P.conv.pad_top = 0) \
X(dw_channel_overflow, depthwise_s8, -EINVAL, "output channel (5)",	\
  fill_weights(f, 0x80); f->rq[5].shift = 14)				\
X(fc_w_rank, fc_s8, -EINVAL, "rank of the weights is 3, must be 2", T(2).rank = 3) \
X(fc_rows, fc_s8, -EINVAL, "not a whole number of rows of the weights' length (12)", \
  T(0).dims[1] = 13; T(0).bytes = 26)					\
X(fc_out_rows, fc_s8, -EINVAL, "number of output rows is 3, must be 2",	\
  T(1).dims[0] = 3; T(1).bytes = 15)					\
X(fc_out_columns, fc_s8, -EINVAL, "output's last dimension is not",	\
  T(1).dims[1] = 10; T(1).dims[0] = 1)					\
X(fc_out_scalar, fc_f32, -EINVAL, "output's last dimension is not",	\
  T(1).rank = 0; T(1).dims[0] = T(1).dims[1] = 1; T(1).bytes = 4)	\
X(fc_reserved, fc_s8, -EBADMSG, "reserved parameter", P.fc.reserved = 1)	\
X(fc_sum, fc_s8, -EINVAL, "output channel (1)", fill_weights(f, 0x80);	\
  f->rq[1].shift = 14)

#define POOL(X)								\
X(pool_x_type, avgpool_s8, -EOPNOTSUPP, "operator 0 (avgpool \"pool\"): does not support", \
  T(0).type = AIM_TYPE_U8)						\
X(pool_x_rank, maxpool_s8, -EINVAL, "rank of the input", T(0).rank = 5)	\
X(pool_y_rank, maxpool_s8, -EINVAL, "rank of the output", T(1).rank = 5)	\
X(pool_batch, avgpool_s8, -EINVAL, "batch of the output", T(1).dims[0] = 1; \
  T(1).bytes = 27)							\
X(pool_channels, avgpool_s8, -EINVAL, "channels of the output",		\
  T(1).dims[3] = 2; T(1).bytes = 36)					\
X(pool_out_h, avgpool_s8, -EINVAL, "height of the output", P.pool.pad_top = 2; \
  P.pool.pad_bottom = 2)						\
X(pool_kernel, avgpool_s8, -EINVAL, "the kernel is empty", P.pool.kernel_h = 0) \
X(pool_kernel_w, maxpool_s8, -EINVAL, "the kernel is empty", P.pool.kernel_w = 0) \
X(pool_window, maxpool_s8, -E2BIG, "the kernel is too large (65792)",	\
  P.pool.kernel_h = 256; P.pool.kernel_w = 257)				\
X(pool_window_wraps, maxpool_s8, -E2BIG, "the kernel is too large",	\
  P.pool.kernel_h = 65536; P.pool.kernel_w = 65536)			\
X(pool_stride, maxpool_s8, -EINVAL, "stride", P.pool.stride_w = 0)	\
X(pool_pad, avgpool_s8, -EINVAL, "padding above or below", P.pool.pad_top = 3) \
X(pool_clamp, avgpool_s8, -EINVAL, "clamp exceeds", P.pool.clamp.max = 999) \
X(pool_clamp_nan, maxpool_f32, -EINVAL, "clamp is NaN",			\
  P.pool.clamp.max = (s32)AB_NAN)

#define PAIR(X)								\
X(add_types, add_s8, -EINVAL, "inputs have different element types",	\
  T(2).type = AIM_TYPE_U8)						\
X(add_y_type, add_s8, -EINVAL, "input and output have different",	\
  T(1).type = AIM_TYPE_U8)						\
X(add_s32, add_f32, -EOPNOTSUPP, "does not support",			\
  T(0).type = T(1).type = T(2).type = AIM_TYPE_S32)			\
X(add_rank, add_s8, -EINVAL, "more dimensions than the output (4)", T(2).rank = 4) \
X(add_dim, add_s8, -EINVAL, "a dimension that broadcasts is 2, must be 4", \
  T(2).dims[2] = 2; T(2).bytes = 12)					\
X(add_aligned_last, add_s8, -EINVAL, "a dimension that broadcasts is 3, must be 4", \
  T(2).rank = 1; T(2).dims[0] = 3; T(2).dims[1] = T(2).dims[2] = 1;	\
  T(2).bytes = 3)							\
X(add_out_large, add_s8, -EINVAL, "larger than both inputs",		\
  T(0).dims[1] = T(2).dims[1] = 1; T(0).bytes = T(2).bytes = 8)		\
X(add_out_rank, add_s8, -EINVAL, "larger than both inputs",		\
  T(0).rank = T(2).rank = 2; T(0).dims[0] = T(2).dims[0] = 3;		\
  T(0).dims[1] = T(2).dims[1] = 4; T(0).dims[2] = T(2).dims[2] = 1;	\
  T(0).bytes = T(2).bytes = 12)						\
X(add_reserved, add_s8, -EBADMSG, "reserved parameter", P.binary.reserved = 1) \
X(add_left_shift, add_s8, -EINVAL, "left_shift is not in 0..20 (21)",	\
  P.binary.left_shift = 21)						\
X(add_left_shift_minus, add_s8, -EINVAL, "left_shift is not in",		\
  P.binary.left_shift = -1)						\
X(add_multiplier_a, add_s8, -EINVAL, "a multiplier is neither",		\
  P.binary.a.multiplier = 5)						\
X(add_multiplier_b, add_s8, -EINVAL, "a multiplier is neither",		\
  P.binary.b.multiplier = -1)						\
X(add_shift_out, add_s8, -EINVAL, "a shift is not in", P.binary.out.shift = 31) \
X(add_input_overflow, add_s8, -EINVAL, "a rescaled input may overflow",	\
  P.binary.a.shift = 4)							\
X(add_input_overflow_b, add_s8, -EINVAL, "a rescaled input may overflow", \
  P.binary.b.shift = 30)						\
X(add_sum_overflow, add_s8, -EINVAL, "the sum may overflow",		\
  P.binary.out.shift = 5)						\
X(add_sum_of_two, add_s8, -EINVAL, "the sum may overflow",		\
  P.binary.a.shift = P.binary.b.shift = 3;				\
  P.binary.a.multiplier = P.binary.b.multiplier = 0x7fffffff)		\
X(add_clamp, add_s8, -EINVAL, "clamp exceeds", P.binary.clamp.min = -200)	\
X(add_requant_f32, add_f32, -EBADMSG, "float32 has no requant",		\
  P.binary.out.shift = 1)						\
X(add_left_shift_f32, add_f32, -EBADMSG, "float32 has no requant",	\
  P.binary.left_shift = 1)						\
X(add_nan_f32, sub_f32, -EINVAL, "clamp is NaN",				\
  P.binary.clamp.min = (s32)AB_NAN)					\
X(mul_left_shift, mul_s8, -EBADMSG, "mul has no left_shift", P.binary.left_shift = 1) \
X(mul_requant_a, mul_s8, -EBADMSG, "no input requant", P.binary.a.shift = 1) \
X(mul_requant_b, mul_s8, -EBADMSG, "no input requant",			\
  P.binary.b.multiplier = 1 << 30)					\
X(mul_overflow, mul_s8, -EINVAL, "the product may overflow", P.binary.out.shift = 18)

#define REDUCE(X)							\
X(mean_axes_none, mean_s8, -EINVAL, "axes name no dimension", P.mean.axes = 0) \
X(mean_axes_far, mean_s8, -EINVAL, "axes name no dimension, or one it lacks (22)", \
  P.mean.axes = 22)							\
X(mean_axes_huge, mean_s8, -EINVAL, "axes name no", P.mean.axes = 0x80000002) \
X(mean_reserved, mean_s8, -EBADMSG, "reserved parameter", P.mean.reserved = 1) \
X(mean_kept, mean_s8, -EINVAL, "a dimension of the output is 2, must be 1", \
  T(1).dims[1] = 2; T(1).bytes = 20)					\
X(mean_other_dim, mean_s8, -EINVAL, "a dimension of the output is 4, must be 5", \
  T(1).dims[3] = 4; T(1).bytes = 8)					\
X(mean_dropped, mean_dropped_s8, -EINVAL, "a dimension of the output",	\
  T(1).dims[1] = 4; T(1).bytes = 8)					\
X(mean_rank_small, mean_dropped_s8, -EINVAL, "too few dimensions (1)",	\
  T(1).rank = 1; T(1).dims[1] = 1; T(1).bytes = 2)			\
X(mean_rank_large, mean_dropped_s8, -EINVAL, "rank of the output is 3, must be 2", \
  T(1).rank = 3)							\
X(mean_multiplier, mean_s8, -EINVAL, "a multiplier is neither",		\
  P.mean.requant.multiplier = 2)					\
X(mean_shift, mean_s8, -EINVAL, "a shift is not in", P.mean.requant.shift = -40) \
X(mean_overflow, mean_s8, -EINVAL, "the sum may overflow int32, terms (12)", \
  P.mean.requant.shift = 24)						\
X(mean_clamp, mean_s8, -EINVAL, "clamp", P.mean.clamp.min = 128)		\
X(mean_requant_f32, mean_f32, -EBADMSG, "float32 has no requant",	\
  P.mean.requant.multiplier = 1 << 30)					\
X(softmax_scalar, softmax_f32, -EINVAL, "its input is a scalar",		\
  T(0).rank = T(1).rank = 0;						\
  memcpy(T(0).dims, (u32[]){ 1, 1, 1, 1, 1, 1 }, 24);			\
  memcpy(T(1).dims, T(0).dims, 24); T(0).bytes = T(1).bytes = 4)	\
X(softmax_shape, softmax_s8, -EINVAL, "a dimension of the output",	\
  T(1).dims[0] = 5; T(1).dims[1] = 4)					\
X(softmax_rank, softmax_s8, -EINVAL, "rank of the output is 3", T(1).rank = 3) \
X(softmax_beta, softmax_f32, -EINVAL, "beta is not finite", P.softmax.beta_bits = 0) \
X(softmax_beta_nan, softmax_f32, -EINVAL, "beta is not finite",		\
  P.softmax.beta_bits = AB_NAN)						\
X(softmax_beta_minus, softmax_f32, -EINVAL, "beta is not finite",	\
  P.softmax.beta_bits = 0xbf800000)					\
X(softmax_f32_rest, softmax_f32, -EBADMSG, "unused", P.softmax.diff_min = -1) \
X(softmax_s8_beta, softmax_s8, -EBADMSG, "int8 softmax has no beta",	\
  P.softmax.beta_bits = AB_ONE)						\
X(softmax_multiplier, softmax_s8, -EINVAL, "a multiplier is neither",	\
  P.softmax.input_multiplier = 77)					\
X(softmax_shift, softmax_s8, -EINVAL, "input_left_shift is not in",	\
  P.softmax.input_left_shift = 32)					\
X(softmax_shift_minus, softmax_s8, -EINVAL, "input_left_shift is not in", \
  P.softmax.input_left_shift = -1)					\
X(softmax_diff_min, softmax_s8, -EINVAL, "diff_min is above zero",	\
  P.softmax.diff_min = 1)						\
X(softmax_overflow, softmax_s8, -EINVAL, "a difference may overflow",	\
  P.softmax.input_left_shift = 24)					\
X(softmax_overflow_min, softmax_s8, -EINVAL, "a difference may overflow", \
  P.softmax.input_left_shift = 24; P.softmax.diff_min = INT32_MIN)	\
X(softmax_scale, softmax_s8, -EINVAL, "scale 1/256 and zero point -128",	\
  T(1).scale_bits = AB_ONE)						\
X(softmax_zero_point, softmax_s8, -EINVAL, "scale 1/256 and zero point",	\
  T(1).zero_point = -127)						\
X(softmax_depth, softmax_s8, -E2BIG, "softmax over too many elements (4096)", \
  T(0).dims[1] = T(1).dims[1] = 4096; T(0).bytes = T(1).bytes = 8192)

#define ELEMENT(X)							\
X(lut_x_type, lut8, -EOPNOTSUPP, "does not support", T(0).type = AIM_TYPE_S16; \
  T(0).bytes = 42)							\
X(lut_table_type, lut8, -EINVAL, "the table is not int8 or uint8",	\
  T(2).type = AIM_TYPE_S16; T(2).dims[0] = 128)				\
X(lut_y_type, lut8, -EINVAL, "table and output have different",		\
  T(1).type = AIM_TYPE_U8; T(1).zero_point = 0)				\
X(lut_entries, lut8, -EINVAL, "number of table entries is 255, must be 256", \
  T(2).dims[0] = 255; T(2).bytes = 255)					\
X(lut_table_input, lut8, -EINVAL, "must be a constant", f->operands[1] = 0) \
X(lut_no_table, lut8, -EINVAL, "lacks an input, number (1)",		\
  f->operands[1] = AIM_NO_TENSOR)					\
X(lut_shape, lut8, -EINVAL, "a dimension of the output", T(1).dims[0] = 7; \
  T(1).dims[1] = 3)							\
X(quantize_x, quantize, -EOPNOTSUPP, "does not support", T(0).type = AIM_TYPE_S32) \
X(quantize_y, quantize, -EOPNOTSUPP, "quantises to int8, uint8 or int16",	\
  T(1).type = AIM_TYPE_S32; T(1).bytes = 84; T(1).zero_point = 0)	\
X(quantize_scale, quantize, -EINVAL, "the output has no scale", T(1).scale_bits = 0) \
X(quantize_shape, quantize, -EINVAL, "rank of the output", T(1).rank = 3) \
X(dequantize_x, dequantize, -EOPNOTSUPP, "does not support",		\
  T(0).type = AIM_TYPE_F32; T(0).bytes = 84; T(0).zero_point = 0;	\
  T(0).scale_bits = 0)							\
X(dequantize_y, dequantize, -EINVAL, "the output is not float32",	\
  T(1).type = AIM_TYPE_S32)						\
X(dequantize_scale, dequantize, -EINVAL, "the input has no scale",	\
  T(0).scale_bits = 0)							\
X(dequantize_shape, dequantize, -EINVAL, "a dimension of the output",	\
  T(1).dims[0] = 7; T(1).dims[1] = 3)					\
X(unary_kind, unary, -EOPNOTSUPP, "unknown function (8)", P.unary.kind = 8) \
X(unary_kind_zero, unary, -EOPNOTSUPP, "unknown function (0)", P.unary.kind = 0) \
X(unary_alpha, unary, -EBADMSG, "this function has no alpha",		\
  P.unary.kind = AIM_UNARY_TANH)					\
X(unary_alpha_nan, unary, -EINVAL, "alpha is not finite", P.unary.alpha_bits = AB_NAN) \
X(unary_type, unary, -EOPNOTSUPP, "does not support", T(0).type = AIM_TYPE_S32) \
X(unary_shape, unary, -EINVAL, "a dimension of the output", T(1).dims[0] = 7; \
  T(1).dims[1] = 3)

#define CASES(X) LAYER(X) POOL(X) PAIR(X) REDUCE(X) ELEMENT(X)
CASES(BREAK_FUNCTION)
static const struct breakage breakages[] = { CASES(BREAK_RECORD) };

/* What must pass: @change on a valid model keeps it valid. */
static void still_valid(const char *model, void (*change)(struct aim_file *f))
{
	struct aim_reason reason;
	struct aim_view view;
	struct aim_file f;
	int err;

	assert_int_equal(ab_model_file(model, &f), 0);
	change(&f);
	err = ab_verify(f.data, f.bytes, &view, &reason);
	if (err)
		print_error("%s\n", reason.text);
	assert_int_equal(err, 0);
	ab_release(&f);
}

/*
 * Channels that were pruned have weights of zero and whatever scale the
 * quantiser left them: the coarse bound would refuse such a shift.
 */
static void dead_channel(struct aim_file *f)
{
	fill_weights(f, 0);
	set_bias(f, 1, 1);
	f->rq[1].shift = 30;
}

static void largest_sum(struct aim_file *f)
{
	/* conv: 18 terms of |x - 3| <= 131, weights as they are 0 */
	fill_weights(f, 0);
	set_bias(f, 0, AIM_ACC_LIMIT);
	set_bias(f, 1, -(s32)AIM_ACC_LIMIT);
	f->rq[0].shift = -31;
	f->rq[1].shift = 0;
}

static void infinite_clamp(struct aim_file *f)
{
	P.conv.clamp.min = (s32)0xff800000;
	P.conv.clamp.max = AB_INFINITY;
}

static void minus_zero_clamp(struct aim_file *f)
{
	P.conv.clamp.min = 0;
	P.conv.clamp.max = (s32)0x80000000;
}

static void no_bias(struct aim_file *f)
{
	f->operands[2] = AIM_NO_TENSOR;
}

static void zero_multipliers(struct aim_file *f)
{
	u32 i;

	for (i = 0; i < 5; i++)
		f->rq[i] = (struct aim_requant){ 0, 0 };
}

static void softmax_far(struct aim_file *f)
{
	P.softmax.diff_min = 0;
	P.softmax.input_left_shift = 31;
}

/* 12 terms take three bits off the shift: 12 * 131 * 2^20 fits */
static void mean_shift_divided(struct aim_file *f)
{
	P.mean.requant.shift = 23;
}

static void exactly_at_the_limits_is_fine(void **state)
{
	still_valid("conv_s8", dead_channel);
	still_valid("conv_s8", largest_sum);
	still_valid("conv_f32", infinite_clamp);
	still_valid("conv_f32", minus_zero_clamp);
	still_valid("fc_s8", no_bias);
	still_valid("fc_f32", no_bias);
	still_valid("depthwise_s8", no_bias);
	still_valid("conv_s8", zero_multipliers);
	still_valid("softmax_s8", softmax_far);
	still_valid("mean_s8", mean_shift_divided);
}

int main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(exactly_at_the_limits_is_fine),
	};
	struct CMUnitTest tests[] = { CASES(BREAK_TEST) };
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tests[i].initial_state = (void *)&breakages[i];
	return cmocka_run_group_tests(own, NULL, NULL) |
	       cmocka_run_group_tests(tests, NULL, NULL);
}
