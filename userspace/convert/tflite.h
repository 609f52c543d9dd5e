/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of the TFLite schema (version 3) that conversion needs, read into
 * plain arrays. Reading says nothing about whether a model can be converted;
 * it proves that every reference stays within the file and its tables.
 */
#ifndef AIM_CONVERT_TFLITE_H
#define AIM_CONVERT_TFLITE_H

#include <aim/format.h>

#include "flatbuf.h"

#define TFL_MAX_RANK	8	/* dims[] kept; rank may say more */
#define TFL_MAX_TENSORS	65536
#define TFL_MAX_OPS	AIM_MAX_OPS

enum tfl_type {
	TFL_FLOAT32	= 0,
	TFL_FLOAT16	= 1,
	TFL_INT32	= 2,
	TFL_UINT8	= 3,
	TFL_INT64	= 4,
	TFL_STRING	= 5,
	TFL_BOOL	= 6,
	TFL_INT16	= 7,
	TFL_INT8	= 9,
};

enum tfl_builtin {
	TFL_ADD			= 0,
	TFL_AVERAGE_POOL_2D	= 1,
	TFL_CONCATENATION	= 2,
	TFL_CONV_2D		= 3,
	TFL_DEPTHWISE_CONV_2D	= 4,
	TFL_DEPTH_TO_SPACE	= 5,
	TFL_DEQUANTIZE		= 6,
	TFL_FULLY_CONNECTED	= 9,
	TFL_LOGISTIC		= 14,
	TFL_MAX_POOL_2D		= 17,
	TFL_MUL			= 18,
	TFL_RELU		= 19,
	TFL_RELU_N1_TO_1	= 20,
	TFL_RELU6		= 21,
	TFL_RESHAPE		= 22,
	TFL_SOFTMAX		= 25,
	TFL_SPACE_TO_DEPTH	= 26,
	TFL_TANH		= 28,
	TFL_CUSTOM		= 32,
	TFL_PAD			= 34,
	TFL_GATHER		= 36,
	TFL_BATCH_TO_SPACE_ND	= 37,
	TFL_SPACE_TO_BATCH_ND	= 38,
	TFL_TRANSPOSE		= 39,
	TFL_MEAN		= 40,
	TFL_SUB			= 41,
	TFL_DIV			= 42,
	TFL_SQUEEZE		= 43,
	TFL_STRIDED_SLICE	= 45,
	TFL_SPLIT		= 49,
	TFL_CAST		= 53,
	TFL_PRELU		= 54,
	TFL_MAXIMUM		= 55,
	TFL_MINIMUM		= 57,
	TFL_PADV2		= 60,
	TFL_SLICE		= 65,
	TFL_TRANSPOSE_CONV	= 67,
	TFL_EXPAND_DIMS		= 70,
	TFL_SHAPE		= 77,
	TFL_REDUCE_PROD		= 81,
	TFL_REDUCE_MAX		= 82,
	TFL_PACK		= 83,
	TFL_UNPACK		= 88,
	TFL_RESIZE_NEAREST	= 97,
	TFL_LEAKY_RELU		= 98,
	TFL_SPLIT_V		= 102,
	TFL_ELU			= 111,
	TFL_QUANTIZE		= 114,
	TFL_HARD_SWISH		= 117,
	TFL_RELU_0_TO_1		= 152,
};

/* Values of the BuiltinOptions union, where a field of theirs is read. */
enum tfl_options {
	TFL_OPT_NONE		= 0,
	TFL_OPT_CONV_2D		= 1,
	TFL_OPT_DEPTHWISE	= 2,
	TFL_OPT_POOL_2D		= 5,
	TFL_OPT_FULLY_CONNECTED	= 8,
	TFL_OPT_SOFTMAX		= 9,
	TFL_OPT_CONCATENATION	= 10,
	TFL_OPT_ADD		= 11,
	TFL_OPT_RESHAPE		= 17,
	TFL_OPT_SPACE_TO_DEPTH	= 19,
	TFL_OPT_MUL		= 21,
	TFL_OPT_GATHER		= 23,
	TFL_OPT_REDUCER		= 27,
	TFL_OPT_SUB		= 28,
	TFL_OPT_DIV		= 29,
	TFL_OPT_SQUEEZE		= 30,
	TFL_OPT_STRIDED_SLICE	= 32,
	TFL_OPT_SPLIT		= 35,
	TFL_OPT_TRANSPOSE_CONV	= 49,
	TFL_OPT_PACK		= 59,
	TFL_OPT_UNPACK		= 64,
	TFL_OPT_RESIZE_NEAREST	= 74,
	TFL_OPT_LEAKY_RELU	= 75,
	TFL_OPT_SPLIT_V		= 79,
	TFL_OPT_DEPTH_TO_SPACE	= 94,
};

enum tfl_activation {
	TFL_ACT_NONE		= 0,
	TFL_ACT_RELU		= 1,
	TFL_ACT_RELU_N1_TO_1	= 2,
	TFL_ACT_RELU6		= 3,
};

/**
 * struct tfl_tensor - a tensor of the first subgraph
 * @data:    constant's bytes, NULL where the tensor is not a constant
 * @special: NULL, or what makes it unlike a plain dense tensor, for people
 */
struct tfl_tensor {
	s32 dims[TFL_MAX_RANK];
	u32 rank;
	u8 type;
	s32 quantized_dimension;
	struct fb_vec name;
	struct fb_vec scales;
	struct fb_vec zero_points;
	const u8 *data;
	u32 data_bytes;
	const char *special;
};

/**
 * struct tfl_op - an operator of the first subgraph
 * @code:    enum tfl_builtin, or one this version doesn't know
 * @custom:  its name where @code is TFL_CUSTOM
 */
struct tfl_op {
	s32 code;
	u8 options_type;
	struct fb_vec custom;
	struct fb_vec inputs;
	struct fb_vec outputs;
	struct fb_table options;
};

struct tfl_model {
	struct fb fb;
	u32 version;
	u32 subgraphs;
	struct fb_vec description;
	struct fb_vec inputs;
	struct fb_vec outputs;
	struct tfl_tensor *tensors;
	u32 nr_tensors;
	struct tfl_op *ops;
	u32 nr_ops;
};

/**
 * struct tfl_reason - where the sentence goes that says why
 */
struct tfl_reason {
	char *text;
	size_t len;
};

void tfl_say(const struct tfl_reason *why, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Return 0, -ENOEXEC, -EBADMSG, -E2BIG or -ENOMEM with @why said. */
int tfl_read(const void *data, size_t bytes, struct tfl_model *m,
	     const struct tfl_reason *why);
void tfl_free(struct tfl_model *m);

/*
 * Untrusted text, shortened and made printable: what is not printable ASCII,
 * and the quotes that messages put around names, become '?'.
 */
void tfl_text(const struct fb *fb, const struct fb_vec *v, char *out,
	      size_t out_len);

/* "CONV_2D", "custom 'Name'", "unknown operator 300" */
void tfl_op_text(const struct tfl_model *m, const struct tfl_op *op, char *out,
		 size_t out_len);
const char *tfl_builtin_name(s32 code);	/* NULL: unknown */
const char *tfl_type_name(u8 type);	/* never NULL */

#endif /* AIM_CONVERT_TFLITE_H */
