/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes small .aim files for tests and fuzzers: one record after the other,
 * exactly as told. It knows the layout and nothing of the rules, so that it can
 * make bad files as well as good ones; only macs and the arena's size are
 * worked out, independently of the verifier.
 */
#ifndef AIM_BUILDER_H
#define AIM_BUILDER_H

#include <aim/verify.h>

#define AB_NONE		AIM_NO_TENSOR
#define AB_OPS		300
#define AB_TENSORS	400
#define AB_OPERANDS	2048
#define AB_RECORDS	1024
#define AB_DATA		70000
#define AB_TEXT		16384

struct aim_builder {
	struct aim_header h;
	struct aim_tensor tensors[AB_TENSORS];
	struct aim_op ops[AB_OPS];
	u32 operands[AB_OPERANDS];
	struct aim_requant requants[AB_RECORDS];
	u32 scales[AB_RECORDS];
	u8 data[AB_DATA];
	char strings[AB_TEXT];
	char meta[AB_TEXT];
	u32 nr_tensors, nr_ops, nr_operands, nr_requants, nr_scales;
	u32 data_bytes, strings_bytes, meta_bytes;
	bool full;		/* something did not fit */
};

/* A finished file, by part, for breaking. All parts point into @data. */
struct aim_file {
	u8 *data;		/* 64-byte aligned, exactly @bytes long */
	size_t bytes;
	struct aim_header *h;
	struct aim_tensor *t;
	struct aim_op *ops;
	u32 *operands;
	struct aim_requant *rq;
	u32 *scales;
	u8 *consts;
	char *strings;
	char *meta;
};

void ab_init(struct aim_builder *b);
u32 ab_string(struct aim_builder *b, const char *s);
void ab_meta(struct aim_builder *b, const char *key, const char *value);

/*
 * A tensor; its number. @dims has @rank entries. INPUT and OUTPUT are numbered
 * in order; ARENA tensors lie one after the other, CONST ones are zero-filled
 * until ab_fill().
 */
u32 ab_tensor(struct aim_builder *b, const char *name, u32 type, u32 place,
	      u32 rank, const u32 *dims);
#define AB_DIMS(...) \
	(sizeof((const u32[]){ __VA_ARGS__ }) / sizeof(u32)), \
	((const u32[]){ __VA_ARGS__ })
void ab_quant(struct aim_builder *b, u32 tensor, u32 scale_bits, s32 zero_point);
/* Bytes of a constant: small values that depend on @seed. */
void ab_fill(struct aim_builder *b, u32 tensor, u32 seed);
/* @n equal requant records; the first one's number */
u32 ab_requant(struct aim_builder *b, u32 n, s32 multiplier, s32 shift);
void ab_scales(struct aim_builder *b, u32 tensor, u32 n, u32 bits);

/* An operator with up to three inputs (AB_NONE ends the list unless @nr says). */
struct aim_op *ab_op(struct aim_builder *b, u32 code, u32 nr_inputs,
		     const u32 *inputs, u32 out);
#define AB_IN(...) \
	(sizeof((const u32[]){ __VA_ARGS__ }) / sizeof(u32)), \
	((const u32[]){ __VA_ARGS__ })

/* The file; 0, or -1: out of memory or something did not fit. */
int ab_finish(struct aim_builder *b, struct aim_file *f);
/* Looks up the parts of @data again, as its header says, if that is sane. */
int ab_open(struct aim_file *f, void *data, size_t bytes);
void ab_release(struct aim_file *f);

/* aim_verify() with its scratch and a copy of exactly that size. */
int ab_verify(const void *data, size_t bytes, struct aim_view *view,
	      struct aim_reason *reason);

/*
 * Valid models, one or more for each operator. Tensor 0 is the model's input,
 * 1 its output, 2 weights, table or second input, 3 the bias.
 */
struct ab_model {
	const char *name;
	void (*build)(struct aim_builder *b);
};

extern const struct ab_model ab_models[];
extern const u32 ab_nr_models;
int ab_model_file(const char *name, struct aim_file *f);

#define AB_ONE		0x3f800000	/* 1.0f */
#define AB_HALF		0x3f000000
#define AB_INFINITY	0x7f800000
#define AB_NAN		0x7fc00000

#endif /* AIM_BUILDER_H */
