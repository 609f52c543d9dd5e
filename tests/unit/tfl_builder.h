/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes small .tflite files for tests: a list of tensors and a list of
 * operators, written as a FlatBuffer that TFLite itself accepts. It knows the
 * layout and no rule, so it makes files that must be refused as well.
 */
#ifndef TFL_BUILDER_H
#define TFL_BUILDER_H

#include <aim/types.h>

#define TB_TENSORS	128
#define TB_OPS		64
#define TB_OPERANDS	16
#define TB_FIELDS	12
#define TB_RANK		8
#define TB_NONE		(-1)
#define TB_CUSTOM	32

/* Element types and operators by their numbers in TFLite's schema. */
enum tb_type {
	TB_F32 = 0, TB_F16 = 1, TB_I32 = 2, TB_U8 = 3, TB_I64 = 4,
	TB_STRING = 5, TB_I16 = 7, TB_I8 = 9,
};

/**
 * struct tb_tensor - what a tensor says of itself
 * @nr_scales:  0: none, 1: @scale and @zero, more: @scales (zero points 0)
 * @data:	constant's bytes (copied), or NULL
 */
struct tb_tensor {
	const char *name;
	int type;
	int rank;
	int dims[TB_RANK];
	int nr_scales;
	float scale;
	long long zero;
	const float *scales;
	int quantized_dimension;
	const void *data;
	int bytes;
	bool is_variable;
	bool sparse;
	bool large;		/* data behind the FlatBuffer, by offset */
};

/* A field of an options table: a scalar of 1 or 4 bytes, or a vector of int. */
struct tb_field {
	int id;
	int size;		/* 0: vector */
	int value;		/* bits, for floats */
	const int *list;
	int n;
};

struct tb_op {
	int code;
	const char *custom;
	int inputs[TB_OPERANDS];
	int nr_inputs;
	int outputs[TB_OPERANDS];
	int nr_outputs;
	int options_type;
	struct tb_field fields[TB_FIELDS];
	int nr_fields;
};

struct tfl_builder {
	struct tb_tensor tensors[TB_TENSORS];
	int nr_tensors;
	struct tb_op ops[TB_OPS];
	int nr_ops;
	int inputs[TB_OPERANDS], nr_inputs;
	int outputs[TB_OPERANDS], nr_outputs;
	int version;		/* 0: 3 */
	int subgraphs;		/* 0: 1; the same one again and again */
	void *copies[TB_TENSORS];
};

void tb_init(struct tfl_builder *b);
void tb_free(struct tfl_builder *b);

/* Return the tensor's number. */
int tb_add(struct tfl_builder *b, const struct tb_tensor *t);
/* An activation: type, quantisation (scale 0: none), rank and dims. */
int tb_act(struct tfl_builder *b, const char *name, int type, float scale,
	   int zero, int rank, const int *dims);
/* A constant; as tb_act() with data. */
int tb_const(struct tfl_builder *b, const char *name, int type, float scale,
	     int zero, int rank, const int *dims, const void *data);
/* A constant vector of int32. */
int tb_ints(struct tfl_builder *b, const char *name, int n, const int *values);

/* Return the operator, to which fields may be added. */
struct tb_op *tb_operator(struct tfl_builder *b, int code, int nr_inputs,
			  const int *inputs, int nr_outputs,
			  const int *outputs);
void tb_option(struct tb_op *op, int type, int id, int size, int value);
void tb_option_float(struct tb_op *op, int type, int id, float value);
void tb_option_list(struct tb_op *op, int type, int id, int n, const int *list);

/* The file; free() it. */
void *tb_finish(const struct tfl_builder *b, size_t *bytes);

size_t tb_type_bytes(int type);

#endif /* TFL_BUILDER_H */
