/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * The model file (.aim), version 1. The text with every rule is
 * docs/model-format.md; the verifier (module/model/verify.c) enforces it.
 *
 * Little-endian throughout, fixed-size records, no pointers: a reader needs no
 * parser. User space converts and decides; the kernel only verifies. All
 * quantisation arithmetic that needs floating point is done by the converter,
 * so integer models need none in the kernel.
 *
 *   header | sections, each 64-byte aligned, none overlapping
 *
 * Layout of tensors is that of TFLite: NHWC, convolution weights [O][H][W][I],
 * depthwise weights [1][H][W][C*M], fully connected weights [O][I].
 */
#ifndef _AIM_FORMAT_H
#define _AIM_FORMAT_H

#include <aim/types.h>

#define AIM_MAGIC		"AIMODEL\x1a"
#define AIM_MAGIC_LEN		8
#define AIM_VERSION_MAJOR	1	/* readers refuse another major */
#define AIM_VERSION_MINOR	0	/* readers refuse a higher minor */
#define AIM_ALIGN		64

#define AIM_MAX_RANK		6
#define AIM_MAX_TENSORS		16384
#define AIM_MAX_OPS		8192
#define AIM_MAX_OPERANDS	65536	/* sum over all operators */
#define AIM_MAX_OP_OPERANDS	128	/* inputs + outputs of one operator */
#define AIM_MAX_IO		256	/* inputs + outputs of a model */
#define AIM_MAX_LIVE		256	/* arena tensors alive at one time */
#define AIM_MAX_TENSOR_BYTES	0x40000000ULL	/* 1 GiB */
#define AIM_MAX_ARENA_BYTES	0x40000000ULL
#define AIM_MAX_FILE_BYTES	0x40000000ULL
#define AIM_MAX_DIM		0x1000000U
#define AIM_MAX_MACS		0x40000000000ULL	/* bounds a job's run time */
#define AIM_MAX_WINDOW		0x10000U	/* kernel_h * kernel_w */
#define AIM_MAX_ACC_TERMS	0x10000U	/* see "accumulators" in the doc */
#define AIM_ACC_LIMIT		0x7fffff00U	/* largest integer sum, shifted */
#define AIM_MAX_WORK		0x40000000000ULL	/* macs and everything else */
#define AIM_MAX_SOFTMAX		4095		/* integer: last dimension */
#define AIM_NO_TENSOR		0xffffffffU	/* an absent optional operand */
#define AIM_NAME_LEN		64		/* with the final NUL */

enum aim_type {
	AIM_TYPE_S8	= 1,
	AIM_TYPE_U8	= 2,
	AIM_TYPE_S16	= 3,
	AIM_TYPE_S32	= 4,
	AIM_TYPE_F32	= 5,
};

/* Where a tensor's bytes are. */
enum aim_place {
	AIM_PLACE_CONST		= 1,	/* AIM_SEC_DATA + offset, read only */
	AIM_PLACE_ARENA		= 2,	/* arena + offset */
	AIM_PLACE_INPUT		= 3,	/* model input number offset */
	AIM_PLACE_OUTPUT	= 4,	/* model output number offset */
};

enum aim_section_id {
	AIM_SEC_TENSORS		= 0,	/* struct aim_tensor[] */
	AIM_SEC_OPS		= 1,	/* struct aim_op[], in execution order */
	AIM_SEC_OPERANDS	= 2,	/* u32[]: tensor numbers */
	AIM_SEC_REQUANT		= 3,	/* struct aim_requant[] */
	AIM_SEC_SCALES		= 4,	/* u32[]: fp32 bits, per-channel scales */
	AIM_SEC_DATA		= 5,	/* constants, each 64-byte aligned */
	AIM_SEC_STRINGS		= 6,	/* NUL-terminated; byte 0 is NUL */
	AIM_SEC_META		= 7,	/* "key\0value\0" pairs, UTF-8 */
	AIM_SEC_NR		= 8,
};

struct aim_section {
	/*
	 * From the start of the file, a multiple of AIM_ALIGN. Gaps between
	 * sections are zero and shorter than AIM_ALIGN.
	 */
	u64 offset;
	u64 bytes;	/* a multiple of the record's size; 0: offset is 0 */
};

struct aim_header {
	u8  magic[AIM_MAGIC_LEN];
	u16 version_major;
	u16 version_minor;
	u32 header_bytes;	/* sizeof(struct aim_header) */
	u64 file_bytes;		/* exact size of the file */
	u64 arena_bytes;	/* multiple of AIM_ALIGN */
	u32 flags;		/* 0 */
	u32 nr_inputs;		/* tensors with AIM_PLACE_INPUT */
	u32 nr_outputs;		/* tensors with AIM_PLACE_OUTPUT */
	/* A name is shorter than AIM_NAME_LEN and has no control characters. */
	u32 name;		/* in AIM_SEC_STRINGS, 0: none */
	/* Multiply-adds of one run, padding counted as if it were data. */
	u64 macs;		/* must be exact */
	u64 reserved[4];	/* 0 */
	struct aim_section sections[AIM_SEC_NR];
};

struct aim_tensor {
	u8  type;		/* enum aim_type */
	u8  rank;		/* 0..AIM_MAX_RANK; 0 is a scalar */
	u8  place;		/* enum aim_place */
	u8  reserved0;
	u32 name;		/* in AIM_SEC_STRINGS, 0: none */
	u32 dims[AIM_MAX_RANK];	/* outermost first; 1 past the rank; never 0 */
	/* Meaning by place; a multiple of AIM_ALIGN for CONST and ARENA. */
	u64 offset;
	u64 bytes;		/* product of dims times element size */
	u32 scale_bits;		/* fp32, finite, > 0; 0: not quantised */
	s32 zero_point;		/* within the type's range */
	u32 scales_first;	/* per-channel scales in AIM_SEC_SCALES */
	u32 scales_count;	/* 0: per tensor */
};

/*
 * Fixed-point multiplier of TFLite: x * multiplier * 2^(shift - 31), rounded
 * in two steps (SaturatingRoundingDoublingHighMul, RoundingDivideByPOT).
 * multiplier is 0 or in [2^30, 2^31); shift is in [-31, 30].
 */
struct aim_requant {
	s32 multiplier;
	s32 shift;
};

/*
 * Operators. "in"/"out" list the operands in order. Shapes must agree exactly
 * as stated in the doc; nothing is inferred and nothing broadcast unless said.
 */
enum aim_opcode {
	/* in: x, w, bias (s32 or f32; may be AIM_NO_TENSOR). p.conv */
	AIM_OP_CONV2D		= 1,
	AIM_OP_DEPTHWISE	= 2,
	/* in: x [..., I], w [O, I], bias. p.fc. x is read as [rows][I] */
	AIM_OP_FC		= 3,
	/* in: x. p.pool */
	AIM_OP_AVGPOOL		= 4,
	AIM_OP_MAXPOOL		= 5,
	/*
	 * in: a, b: out's shape, or broadcast (aligned at the last dimension;
	 * each dim equal to out's, or 1, or absent). p.binary
	 */
	AIM_OP_ADD		= 6,
	AIM_OP_MUL		= 7,
	AIM_OP_SUB		= 8,
	/* in: 1..; equal but along p.concat.axis; same quantisation */
	AIM_OP_CONCAT		= 9,
	/* in: x. p.pad */
	AIM_OP_PAD		= 10,
	/* in: x. Same bytes, other shape. out may lie on x exactly */
	AIM_OP_RESHAPE		= 11,
	/* in: x. p.transpose */
	AIM_OP_TRANSPOSE	= 12,
	/* in: x. p.mean */
	AIM_OP_MEAN		= 13,
	/* in: x, along the last dimension. p.softmax */
	AIM_OP_SOFTMAX		= 14,
	/*
	 * in: x (s8|u8), table (s8|u8[256], CONST): out[i] = table[(u8)x[i]].
	 * Every element-wise 8-bit function: requantise, s8<->u8, relu with
	 * rescale, hard-swish, logistic, tanh, ... exact by construction.
	 * out may lie on x exactly
	 */
	AIM_OP_LUT8		= 15,
	/* in: f32 x; out s8|u8|s16 with out's scale and zero point. p.none */
	AIM_OP_QUANTIZE		= 16,
	/* in: s8|u8|s16 x; out f32. p.none */
	AIM_OP_DEQUANTIZE	= 17,
	/* in: f32 x; out f32. p.unary */
	AIM_OP_UNARY		= 18,
	/* in: x. Strided part of x. p.slice */
	AIM_OP_SLICE		= 19,
	AIM_OP_LAST		= AIM_OP_SLICE,
};

enum aim_unary {
	AIM_UNARY_RELU		= 1,
	AIM_UNARY_RELU6		= 2,
	AIM_UNARY_HARD_SWISH	= 3,
	AIM_UNARY_LOGISTIC	= 4,
	AIM_UNARY_TANH		= 5,
	AIM_UNARY_LEAKY_RELU	= 6,	/* alpha */
	AIM_UNARY_RELU_N1_TO_1	= 7,
};

/* Output clamp: s32 for integer types, fp32 bits for f32 (min <= max, no NaN). */
struct aim_clamp {
	s32 min;
	s32 max;
};

struct aim_p_conv {
	u32 stride_h, stride_w;		/* 1..65535 */
	u32 dilation_h, dilation_w;	/* 1..65535 */
	u32 pad_top, pad_bottom, pad_left, pad_right;	/* < dilated kernel */
	u32 depth_multiplier;		/* DEPTHWISE: M; CONV2D: 0 */
	u32 requant_first;		/* integer: one per output channel; f32: 0 */
	struct aim_clamp clamp;
};

struct aim_p_fc {
	u32 requant_first;		/* integer: one per output channel; f32: 0 */
	u32 reserved;
	struct aim_clamp clamp;
};

struct aim_p_pool {
	u32 kernel_h, kernel_w;
	u32 stride_h, stride_w;
	u32 pad_top, pad_bottom, pad_left, pad_right;	/* < kernel */
	struct aim_clamp clamp;
};

/*
 * Integer ADD and SUB: a' = rq(a - za << left_shift, a), b' likewise,
 * out = rq(a' +- b', out) + zo. Integer MUL: out = rq((a - za) * (b - zb), out)
 * + zo; requant a and b must be zero. f32: left_shift and requants are zero.
 */
struct aim_p_binary {
	struct aim_requant a, b, out;
	s32 left_shift;			/* 0..20 */
	u32 reserved;
	struct aim_clamp clamp;
};

struct aim_p_concat {
	u32 axis;
};

struct aim_p_pad {
	u32 before[AIM_MAX_RANK];
	u32 after[AIM_MAX_RANK];
	s32 value;			/* in x's type; fp32 bits for f32 */
};

struct aim_p_transpose {
	u32 perm[AIM_MAX_RANK];		/* out dim i is x dim perm[i] */
};

/*
 * Mean over the dimensions set in axes (bit i: dimension i); out has x's shape
 * with them 1 or dropped. Integer arithmetic follows TFLite's reference
 * kernel: out = rq(sum of (x - x.zero_point), q) + out.zero_point, where q is
 * requant divided by the number n of summed elements: with
 * s = min(floor(log2(n)), 31 + requant.shift), q's multiplier is
 * (requant.multiplier << s) / n, truncated, and its shift requant.shift - s.
 */
struct aim_p_mean {
	u32 axes;
	u32 reserved;
	struct aim_requant requant;
	struct aim_clamp clamp;
};

/*
 * Integer: TFLite's fixed-point form, out's scale 1/256 and zero point -128,
 * beta_bits 0. f32: beta alone, the others 0.
 */
struct aim_p_softmax {
	u32 beta_bits;			/* fp32, finite, > 0 */
	s32 input_multiplier;
	s32 input_left_shift;		/* 0..31 */
	s32 diff_min;			/* <= 0 */
};

struct aim_p_unary {
	u32 kind;			/* enum aim_unary */
	u32 alpha_bits;
};

struct aim_p_slice {
	u32 begin[AIM_MAX_RANK];
	u32 stride[AIM_MAX_RANK];	/* >= 1; extent is out's shape */
};

struct aim_op {
	u16 code;		/* enum aim_opcode */
	u16 flags;		/* 0 */
	u16 nr_inputs;
	u16 nr_outputs;
	u32 operands;		/* first in AIM_SEC_OPERANDS: inputs, outputs */
	u32 name;		/* in AIM_SEC_STRINGS: source operator, 0: none */
	union {
		u32 raw[20];	/* what an operator does not use is 0 */
		struct aim_p_conv conv;
		struct aim_p_fc fc;
		struct aim_p_pool pool;
		struct aim_p_binary binary;
		struct aim_p_concat concat;
		struct aim_p_pad pad;
		struct aim_p_transpose transpose;
		struct aim_p_mean mean;
		struct aim_p_softmax softmax;
		struct aim_p_unary unary;
		struct aim_p_slice slice;
	} p;
};

static_assert(sizeof(struct aim_header) == 216, "aim_header");
static_assert(sizeof(struct aim_tensor) == 64, "aim_tensor");
static_assert(sizeof(struct aim_requant) == 8, "aim_requant");
static_assert(sizeof(struct aim_op) == 96, "aim_op");

#endif /* _AIM_FORMAT_H */
