/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Inside the engine: what a compiled model is made of.
 *
 * An operator of the model becomes zero or more tasks. A task knows how to
 * compute any range of its units, in ascending order, from its operands alone,
 * so that eng_step() can stop between any two units.
 */
#ifndef _ENG_PROGRAM_H
#define _ENG_PROGRAM_H

#include "kernels.h"

/* Where an operand lies; resolved to an address for each tile. */
struct eng_ref {
	u32 place;		/* enum aim_place, 0: none */
	u32 index;		/* INPUT, OUTPUT: which */
	size_t at;		/* bytes from there */
	const u8 *base;		/* CONST */
};

/* The memory of one running sample. */
struct eng_run {
	const void *const *inputs;
	void *const *outputs;
	u8 *arena;
};

static inline void *eng_at(const struct eng_run *r, const struct eng_ref *ref)
{
	switch (ref->place) {
	case AIM_PLACE_ARENA:
		return r->arena + ref->at;
	case AIM_PLACE_INPUT:
		return (u8 *)r->inputs[ref->index] + ref->at;
	case AIM_PLACE_OUTPUT:
		return (u8 *)r->outputs[ref->index] + ref->at;
	case AIM_PLACE_CONST:
		return (u8 *)ref->base + ref->at;
	}
	return NULL;
}

/*
 * A walk over elements, outermost dimension first; neighbours are merged where
 * that is possible. Strides in elements; 0 repeats.
 */
struct eng_walk {
	u32 rank;		/* at least 1 */
	u32 dims[AIM_MAX_RANK];
	size_t xs[AIM_MAX_RANK];
	size_t ys[AIM_MAX_RANK];
};

/* Position of a walk; step with eng_walk_next(). */
struct eng_walker {
	u32 at[AIM_MAX_RANK];
	size_t x, y;		/* element offsets of the current position */
};

struct eng_p_copy {
	struct eng_walk walk;
	u32 size;		/* of an element: 1, 2, 4 */
	u32 lanes;		/* > 1: interleave this many rows, see copy */
};

struct eng_p_fill {
	u32 size;
	u32 value;		/* bits of the element */
};

/* Inner runs of @n elements; walk.xs belongs to a, walk.ys to b. */
struct eng_p_binary {
	struct eng_binary p;
	struct eng_walk walk;
	void (*s8_fn)(const struct eng_binary *p, const s8 *a, const s8 *b,
		      s8 *y, size_t n);
	void (*f32_fn)(const struct eng_binary *p, const float *a,
		       const float *b, float *y, size_t n);
};

struct eng_p_conv {
	struct eng_conv c;
	const struct eng_conv_kernel *kernel;
};

struct eng_p_pool {
	struct eng_pool p;
	void (*s8_fn)(const struct eng_pool *p, const s8 *x, s8 *y, u32 begin,
		      u32 end);
};

/*
 * Three phases in one range of units: clear the sums, add the inputs, write
 * the means. The sums lie in scratch.
 */
struct eng_p_mean {
	struct eng_walk walk;	/* over x; ys leads to the sum */
	u32 nr_in, nr_out;	/* elements */
	s32 in_zp, out_zp;
	u32 terms;		/* inputs per output */
	struct aim_requant requant;
	struct aim_clamp clamp;
};

/* Units: for each row, depth times each of find, sum, write. */
struct eng_p_softmax {
	u32 depth;
	u32 beta_bits;		/* f32 */
	const s32 *exps;	/* s8: by difference to the largest, 0..255 */
};

struct eng_p_lut {
	void (*fn)(const u8 *table, const u8 *x, u8 *y, size_t n);
};

struct eng_p_unary {
	u32 kind;		/* enum aim_unary */
	u32 alpha_bits;
};

struct eng_p_quant {
	u32 type;		/* of the integer side */
	u32 scale_bits;
	s32 zero_point;
};

struct eng_task;
typedef void (*eng_task_fn)(const struct eng_task *t, const struct eng_run *r,
			    u32 begin, u32 end);

#define ENG_TASK_OPERANDS	3

/**
 * struct eng_task - a piece of the program
 * @run:	compute units [begin, end)
 * @units:	of work; @granule of them are cheaper together
 * @unit_cost:	in the unit of eng_step()'s budget
 * @x:		first input, @z: second, @y: output, @scratch: work memory;
 *		the planner adds to their @at, which begins as the offset into
 *		the tensor
 * @packed:	owned by the task: packed weights, tables
 * @tensor:	of x, z, y in the model: what the planner goes by
 * @scratch_bytes: of @scratch, alive during the task only
 * @op:		the operator it came from
 */
struct eng_task {
	eng_task_fn run;
	u32 units;
	u32 granule;
	u64 unit_cost;
	struct eng_ref x, z, y, scratch;
	void *packed;
	u32 tensor[ENG_TASK_OPERANDS];
	u32 op;
	size_t scratch_bytes;
	union {
		struct eng_p_copy copy;
		struct eng_p_fill fill;
		struct eng_p_binary binary;
		struct eng_p_conv conv;
		struct eng_p_pool pool;
		struct eng_p_mean mean;
		struct eng_p_softmax softmax;
		struct eng_p_lut lut;
		struct eng_p_unary unary;
		struct eng_p_quant quant;
	} p;
};

struct eng_program {
	const struct eng_isa *isa;
	struct eng_env env;
	struct eng_task *tasks;
	u32 nr_tasks;
	u32 room;		/* tasks allocated */
	size_t arena_bytes;
	u64 cost;
	bool fpu;		/* some task needs it */
};

/* What the compiler knows of a tensor. */
struct eng_tensor_info {
	u32 root;		/* tensor whose memory it shares, or itself */
	u32 uses;		/* operands that read it */
	u32 writer;		/* operator that writes it, or ENG_NONE */
	u32 reader;		/* last operator that reads it, or ENG_NONE */
	bool skipped;		/* never materialised: its writer was fused */
};

#define ENG_NONE	0xffffffffU

struct eng_compiler {
	const struct aim_view *view;
	const struct eng_isa *isa;
	struct eng_program *prog;
	struct eng_tensor_info *info;	/* by tensor */
	u64 budget;
	u32 op;				/* being lowered */
};

/* What a tile may cost, but for a single value of ever so many products. */
#define ENG_TILE_BUDGETS	2

static inline u64 eng_most(const struct eng_compiler *c)
{
	return ENG_TILE_BUDGETS * c->budget;
}

/* lower*.c: operator to tasks; 0, -ENOMEM or -EOPNOTSUPP */
int eng_lower(struct eng_compiler *c, const struct aim_op *op);
int eng_lower_conv(struct eng_compiler *c, const struct aim_op *op);
int eng_lower_move(struct eng_compiler *c, const struct aim_op *op);

/*
 * compile.c. A new task is valid until the next one is made; NULL: no memory.
 * x, z, y: tensors or AIM_NO_TENSOR.
 */
struct eng_task *eng_new_task(struct eng_compiler *c, eng_task_fn run, u32 x,
			      u32 z, u32 y);
/* Cost of work that takes @tenths_ns a unit without vectors. */
u64 eng_scalar_cost(const struct eng_compiler *c, u64 tenths_ns);

static inline u32 eng_operand(const struct eng_compiler *c,
			      const struct aim_op *op, u32 i)
{
	return c->view->operands[op->operands + i];
}

static inline u32 eng_output(const struct eng_compiler *c,
			     const struct aim_op *op)
{
	return eng_operand(c, op, op->nr_inputs);
}

u32 eng_elements(const struct aim_tensor *t);
void eng_fpu_begin(const struct eng_compiler *c);
void eng_fpu_end(const struct eng_compiler *c);

/* plan.c: gives every operand its place; 0, -ENOMEM, -EINVAL */
int eng_plan(struct eng_compiler *c);

/* walk.c */
void eng_walk_merge(struct eng_walk *w);
void eng_walk_seek(const struct eng_walk *w, struct eng_walker *at, u64 element);
/* Goes on by @n <= what is left of the innermost dimension. */
void eng_walk_next(const struct eng_walk *w, struct eng_walker *at, u32 n);

static inline u32 eng_walk_left(const struct eng_walk *w,
				const struct eng_walker *at)
{
	return w->dims[w->rank - 1] - at->at[w->rank - 1];
}

/* Task functions, integer */
void eng_run_copy(const struct eng_task *t, const struct eng_run *r, u32 begin,
		  u32 end);
void eng_run_fill(const struct eng_task *t, const struct eng_run *r, u32 begin,
		  u32 end);
void eng_run_conv(const struct eng_task *t, const struct eng_run *r, u32 begin,
		  u32 end);
void eng_run_depthwise_s8_part(const struct eng_task *t,
			       const struct eng_run *r, u32 begin, u32 end);
void eng_run_binary_s8(const struct eng_task *t, const struct eng_run *r,
		       u32 begin, u32 end);
void eng_run_lut8(const struct eng_task *t, const struct eng_run *r, u32 begin,
		  u32 end);
void eng_run_pool_s8(const struct eng_task *t, const struct eng_run *r,
		     u32 begin, u32 end);
void eng_run_avgpool_s8_part(const struct eng_task *t, const struct eng_run *r,
			     u32 begin, u32 end);
void eng_run_maxpool_s8_part(const struct eng_task *t, const struct eng_run *r,
			     u32 begin, u32 end);
void eng_run_mean_s8(const struct eng_task *t, const struct eng_run *r,
		     u32 begin, u32 end);
void eng_run_softmax_s8(const struct eng_task *t, const struct eng_run *r,
			u32 begin, u32 end);

/* Task functions with floating point (ops_f32.c) */
void eng_run_depthwise_f32_part(const struct eng_task *t,
				const struct eng_run *r, u32 begin, u32 end);
void eng_run_binary_f32(const struct eng_task *t, const struct eng_run *r,
			u32 begin, u32 end);
void eng_run_avgpool_f32(const struct eng_task *t, const struct eng_run *r,
			 u32 begin, u32 end);
void eng_run_maxpool_f32(const struct eng_task *t, const struct eng_run *r,
			 u32 begin, u32 end);
void eng_run_mean_f32(const struct eng_task *t, const struct eng_run *r,
		      u32 begin, u32 end);
void eng_run_softmax_f32(const struct eng_task *t, const struct eng_run *r,
			 u32 begin, u32 end);
void eng_run_unary_f32(const struct eng_task *t, const struct eng_run *r,
		       u32 begin, u32 end);
void eng_run_quantize(const struct eng_task *t, const struct eng_run *r,
		      u32 begin, u32 end);
void eng_run_dequantize(const struct eng_task *t, const struct eng_run *r,
			u32 begin, u32 end);
void eng_sub_f32(const struct eng_binary *p, const float *a, const float *b,
		 float *y, size_t n);
void eng_mul_f32(const struct eng_binary *p, const float *a, const float *b,
		 float *y, size_t n);

/* softmax_s8.c: the table of exponentials; total for any parameters */
void eng_softmax_table(const struct aim_p_softmax *p, s32 exps[256]);

#endif /* _ENG_PROGRAM_H */
