// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* Names of operators and element types, as messages and tools show them. */
#include <aim/verify.h>

static const char *const op_names[AIM_OP_LAST + 1] = {
	[AIM_OP_CONV2D]		= "conv2d",
	[AIM_OP_DEPTHWISE]	= "depthwise",
	[AIM_OP_FC]		= "fully-connected",
	[AIM_OP_AVGPOOL]	= "avgpool",
	[AIM_OP_MAXPOOL]	= "maxpool",
	[AIM_OP_ADD]		= "add",
	[AIM_OP_MUL]		= "mul",
	[AIM_OP_SUB]		= "sub",
	[AIM_OP_CONCAT]		= "concat",
	[AIM_OP_PAD]		= "pad",
	[AIM_OP_RESHAPE]	= "reshape",
	[AIM_OP_TRANSPOSE]	= "transpose",
	[AIM_OP_MEAN]		= "mean",
	[AIM_OP_SOFTMAX]	= "softmax",
	[AIM_OP_LUT8]		= "lut8",
	[AIM_OP_QUANTIZE]	= "quantize",
	[AIM_OP_DEQUANTIZE]	= "dequantize",
	[AIM_OP_UNARY]		= "unary",
	[AIM_OP_SLICE]		= "slice",
};

const char *aim_op_name(u32 code)
{
	if (code > AIM_OP_LAST || !op_names[code])
		return "unknown";
	return op_names[code];
}

const char *aim_type_name(u32 type)
{
	switch (type) {
	case AIM_TYPE_S8:
		return "int8";
	case AIM_TYPE_U8:
		return "uint8";
	case AIM_TYPE_S16:
		return "int16";
	case AIM_TYPE_S32:
		return "int32";
	case AIM_TYPE_F32:
		return "float32";
	default:
		return "unknown";
	}
}
