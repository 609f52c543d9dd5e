/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Template: the table of one unit. Included last, by a file that has defined
 * VEC_UNIT (its name as in VEC_UNITS) and VEC_SPEED (multiply-adds per ns, times
 * 16, of one core at 3 GHz, about half of the peak).
 */
#define VEC_PASTE_(a, b)	a##b
#define VEC_PASTE(a, b)		VEC_PASTE_(a, b)
#define VEC_NAME(prefix)	VEC_PASTE(prefix, VEC_UNIT)
#define VEC_STRING_(s)		#s
#define VEC_STRING(s)		VEC_STRING_(s)

#include "vec_gemm.h"
#include "vec_depthwise.h"
#include "vec_elem.h"
#include "vec_f32.h"

static const struct eng_conv_kernel vec_kernel_conv_s8 = {
	.packed_bytes = VEC_NAME(vec_conv_bytes_),
	.pack = vec_conv_pack,
	.scratch_bytes = VEC_NAME(vec_conv_scratch_),
	.granule = vec_conv_granule,
	.run = vec_conv_run,
	.by_channel = vec_by_pixel,
};

static const struct eng_conv_kernel vec_kernel_depthwise_s8 = {
	.packed_bytes = VEC_NAME(vec_dw_bytes_),
	.pack = vec_dw_pack,
	.scratch_bytes = VEC_NAME(vec_dw_scratch_),
	.granule = vec_dw_granule,
	.run = vec_dw_run,
	.by_channel = vec_by_pixel,
};

static const struct eng_conv_kernel vec_kernel_fc_s8 = {
	.packed_bytes = VEC_NAME(vec_conv_bytes_),
	.pack = vec_conv_pack,
	.scratch_bytes = VEC_NAME(vec_conv_scratch_),
	.granule = VEC_NAME(vec_fc_granule_),
	.run = vec_fc_run,
	.by_channel = vec_by_channel,
};

static const struct eng_conv_kernel vec_kernel_conv_f32 = {
	.packed_bytes = VEC_NAME(vec_conv_f32_bytes_),
	.pack = vecf_conv_pack,
	.scratch_bytes = VEC_NAME(vec_conv_f32_scratch_),
	.granule = vec_conv_granule,
	.run = vecf_conv_run,
	.by_channel = vec_by_pixel,
};

static const struct eng_conv_kernel vec_kernel_depthwise_f32 = {
	.packed_bytes = VEC_NAME(vec_dw_f32_bytes_),
	.pack = vecf_dw_pack,
	.scratch_bytes = VEC_NAME(vec_dw_f32_scratch_),
	.granule = vec_conv_granule,
	.run = vecf_dw_run,
	.by_channel = vec_by_pixel,
};

static const struct eng_conv_kernel vec_kernel_fc_f32 = {
	.packed_bytes = VEC_NAME(vec_conv_f32_bytes_),
	.pack = vecf_conv_pack,
	.scratch_bytes = vec_none,
	.granule = VEC_NAME(vec_fc_granule_),
	.run = vecf_fc_run,
	.by_channel = vec_by_channel,
};

const struct eng_isa VEC_NAME(eng_isa_) = {
	.name = VEC_STRING(VEC_UNIT),
	.usable = VEC_NAME(vec_usable_),
	.macs_per_ns_x16 = VEC_SPEED,
	.conv_s8 = &vec_kernel_conv_s8,
	.depthwise_s8 = &vec_kernel_depthwise_s8,
	.fc_s8 = &vec_kernel_fc_s8,
	.conv_f32 = &vec_kernel_conv_f32,
	.depthwise_f32 = &vec_kernel_depthwise_f32,
	.fc_f32 = &vec_kernel_fc_f32,
	.add_s8 = vec_add_s8,
	.sub_s8 = vec_sub_s8,
	.mul_s8 = vec_mul_s8,
	.add_f32 = vecf_add_f32,
	.avgpool_s8 = vec_avgpool_s8,
	.maxpool_s8 = vec_maxpool_s8,
};
