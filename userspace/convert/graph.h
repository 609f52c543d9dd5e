/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The graph between .tflite and .aim: operators are already those of the model
 * file, tensors don't have their final place yet.
 *
 * A TFLite tensor becomes a "value", which has up to two tensors here: the
 * native one, and for uint8 a signed twin, 128 less in value and zero point.
 * All 8-bit arithmetic is done on signed tensors; the native one of a uint8
 * value is made (by a table) only where somebody outside looks at it.
 */
#ifndef AIM_CONVERT_GRAPH_H
#define AIM_CONVERT_GRAPH_H

#include "aim_convert.h"
#include "quant.h"
#include "tflite.h"

#define CV_NONE		0xffffffffU

/**
 * struct cv_tensor - a tensor of the model file to be
 * @t:	    its record, but for name and (until planned) offset
 * @data:   constant's bytes; in the source file or owned by the graph
 * @source: TFLite tensor whose name it gets, or CV_NONE
 * @first:  operator that writes it; CV_NONE: none
 * @last:   last operator that reads or writes it
 * @group:  tensors that lie at the same place share a group
 */
struct cv_tensor {
	struct aim_tensor t;
	const u8 *data;
	u32 source;
	u32 first;
	u32 last;
	u32 group;
};

/**
 * struct cv_op - an operator of the model file to be
 * @op:	    its record, but for the name
 * @source: TFLite operator it comes from, or CV_NONE
 * @live:   somebody uses a result
 */
struct cv_op {
	struct aim_op op;
	u32 source;
	bool live;
};

/**
 * struct cv_value - what a TFLite tensor has become
 * @ints:     or it is a shape, computed at conversion: @nr_ints numbers
 * @known:    it is an input, or a constant that was looked at, or was written
 * @written:  by an operator
 * @external: a model output: somebody outside looks at it
 * @broken:   only while inspecting: nothing is known of it
 */
struct cv_value {
	u32 native;
	u32 twin;
	u32 dims[AIM_MAX_RANK];
	const s64 *ints;
	u8 nr_ints;
	u8 rank;
	bool known;
	bool written;
	bool external;
	bool broken;
};

struct cv_block;

struct cv {
	const struct aim_convert_options *opt;
	const struct tfl_model *m;
	const struct tfl_reason *why;
	struct cv_value *values;
	struct cv_tensor *tensors;
	u32 nr_tensors, room_tensors;
	struct cv_op *ops;
	u32 nr_ops, room_ops;
	u32 *operands;
	u32 nr_operands, room_operands;
	struct aim_requant *requants;
	u32 nr_requants, room_requants;
	u32 *scales;
	u32 nr_scales, room_scales;
	struct cv_block *blocks;	/* memory that tensors' data lies in */
	u64 spent, budget;		/* bounds memory, hence time */
	u64 arena_bytes;
	u32 nr_inputs, nr_outputs;
	/* the operator being lowered, for messages */
	const struct tfl_op *op;
	u32 op_index;
	char names[4][AIM_TFL_NAME_LEN];
	u32 next_name;
};

int cv_init(struct cv *c, const struct tfl_model *m,
	    const struct aim_convert_options *opt, const struct tfl_reason *why);
void cv_free(struct cv *c);

/*
 * Say why not, with the current operator in front; returns @err, so that
 * "return cv_refuse(c, -EINVAL, ...)" reads well.
 */
int cv_refuse(struct cv *c, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Memory that lives as long as the graph, counted against the budget. */
void *cv_alloc(struct cv *c, u64 bytes, int *err);
/* Count work or output against the budget. */
int cv_spend(struct cv *c, u64 bytes);

/* Name of a TFLite tensor, or its number, in one of four rotating buffers. */
const char *cv_name(struct cv *c, u32 tensor);

u32 cv_elem_bytes(u8 aim_type);
u64 cv_count(const struct aim_tensor *t);

/* The shape and quantisation that a new tensor gets. */
struct cv_kind {
	u8 type;	/* enum aim_type */
	u8 rank;
	u32 dims[AIM_MAX_RANK];
	float scale;	/* 0: none */
	s32 zero_point;
};

int cv_new_tensor(struct cv *c, const struct cv_kind *kind, u8 place,
		  u32 source, u32 *out);
int cv_new_const(struct cv *c, const struct cv_kind *kind, const u8 *data,
		 u32 source, u32 *out);
struct cv_kind cv_kind_of(const struct cv *c, u32 tensor);

/*
 * Append an operator; its parameters are filled in by the caller through the
 * pointer, before the next one is appended.
 */
int cv_new_op(struct cv *c, u16 code, const u32 *in, u32 nr_in, const u32 *out,
	      u32 nr_out, struct aim_op **op);
/* As cv_new_op() with one input and one output. */
int cv_new_unary(struct cv *c, u16 code, u32 in, u32 out, struct aim_op **op);

/* Append 256 table entries and an AIM_OP_LUT8. */
int cv_new_lut(struct cv *c, u32 in, u32 out, const u8 table[256]);
/* RESHAPE @in to a new tensor with @dims. */
int cv_new_reshape(struct cv *c, u32 in, u32 rank, const u32 *dims, u32 *out);
/* Requants and per-channel scales of one layer: index of the first. */
int cv_new_requants(struct cv *c, u32 n, u32 *first);
int cv_new_scales(struct cv *c, u32 n, u32 *first);

/* ---- operands of the current TFLite operator ---- */

/* Refuse unless min <= inputs <= max and that many outputs. */
int cv_arity(struct cv *c, u32 min_in, u32 max_in, u32 nr_out);
/* TFLite tensor number of input i, CV_NONE where it is absent */
u32 cv_input(const struct cv *c, u32 i);
u32 cv_output(const struct cv *c, u32 i);
bool cv_is_const(const struct cv *c, u32 value);

/* The value is a model input. */
int cv_add_input(struct cv *c, u32 value);
/* Make sure the value exists; its shape is then in c->values[value]. */
int cv_need(struct cv *c, u32 value);
/* The value's tensor, of the type TFLite gives it. */
int cv_native(struct cv *c, u32 value, u32 *tensor);
/* The same, but uint8 is given as its signed twin. */
int cv_signed(struct cv *c, u32 value, u32 *tensor);
/* Whichever of both is there already. */
int cv_either(struct cv *c, u32 value, u32 *tensor);

/* Declare a result with its shape: the tensor that cv_signed() will find. */
int cv_result(struct cv *c, u32 value, u32 rank, const u32 *dims, u32 *tensor);
/* As cv_result(), but uint8 is made natively where it is a model output. */
int cv_result_either(struct cv *c, u32 value, u32 rank, const u32 *dims,
		     u32 *tensor);
/*
 * While inspecting: the result of an operator that can't be lowered, as the
 * file declares it, so that the ones behind it can be looked at too.
 */
void cv_stand_in(struct cv *c, u32 value);
/* As cv_result(), for values that are only moved: quantised like @from. */
int cv_result_moved(struct cv *c, u32 value, u32 from, u32 rank,
		    const u32 *dims, u32 *tensor);
/* The value is the same as tensor @is, which exists already. */
int cv_result_is(struct cv *c, u32 value, u32 is);

/* The one scale and zero point of an 8-bit (or 16-bit) value; refuses others. */
int cv_quant(struct cv *c, u32 value, float *scale, s32 *zero_point);
/* Refuse unless both values are quantised alike. */
int cv_same_quant(struct cv *c, u32 a, u32 b);

/* Refuse unless both tensors, input and output, have the same element type. */
int cv_same_type(struct cv *c, u32 x, u32 y);

/* A constant that describes the operator (axes, shapes, sizes). */
int cv_const_ints(struct cv *c, u32 value, s64 *out, u32 max, u32 *n);
/* Whether that constant is a single number without dimension. */
bool cv_ints_scalar(const struct cv *c, u32 value);

/* An operator's options; absent ones read as their defaults. */
int cv_options(struct cv *c, enum tfl_options type, struct fb_table *out);

#endif /* AIM_CONVERT_GRAPH_H */
