// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * The table of the scalar unit. Complete: it is what others fall back to.
 */
#include "scalar.h"

size_t eng_none_bytes(const struct eng_conv *c)
{
	return 0;
}

void eng_none_pack(const struct eng_conv *c, void *packed)
{
}

u32 eng_granule_one(const struct eng_conv *c)
{
	return 1;
}

u32 eng_granule_four(const struct eng_conv *c)
{
	return 4;
}

bool eng_by_pixel(const struct eng_conv *c)
{
	return false;
}

bool eng_by_channel(const struct eng_conv *c)
{
	return true;
}

static bool always(const struct eng_cpu *cpu)
{
	return true;
}

const struct eng_isa eng_isa_scalar = {
	.name = "scalar",
	.usable = always,
	.macs_per_ns_x16 = 16,
	.conv_s8 = &eng_scalar_conv_s8,
	.depthwise_s8 = &eng_scalar_depthwise_s8,
	.fc_s8 = &eng_scalar_fc_s8,
	.conv_f32 = &eng_scalar_conv_f32,
	.depthwise_f32 = &eng_scalar_depthwise_f32,
	.fc_f32 = &eng_scalar_fc_f32,
	.add_s8 = eng_scalar_add_s8,
	.sub_s8 = eng_scalar_sub_s8,
	.mul_s8 = eng_scalar_mul_s8,
	.add_f32 = eng_scalar_add_f32,
	.lut8 = eng_scalar_lut8,
	.avgpool_s8 = eng_scalar_avgpool_s8,
	.maxpool_s8 = eng_scalar_maxpool_s8,
};
