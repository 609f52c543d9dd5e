/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * Between the parts of the verifier: header and sections (verify.c), tensors,
 * operators, arena plan, and the sentences of refusals.
 */
#ifndef _AIM_VERIFY_INTERNAL_H
#define _AIM_VERIFY_INTERNAL_H

#include <aim/verify.h>

#ifdef __KERNEL__
#include <linux/nospec.h>
#include <linux/sched.h>
/* A large file takes a while to prove; let others run in between. */
#define aim_relax()	cond_resched()
/* An index that was checked, not to be used earlier by speculation. */
#define aim_index(i, n)	array_index_nospec(i, n)
#else
#define aim_relax()	do { } while (0)
#define aim_index(i, n)	(i)
#endif

/* What a refusal talks about; the sentence begins with it. */
enum aim_subject {
	AIM_SUBJ_FILE,
	AIM_SUBJ_SECTION,
	AIM_SUBJ_TENSOR,
	AIM_SUBJ_OP,
};

/* One for each tensor, in the caller's scratch. */
struct aim_vtensor {
	u32 writer;	/* operator that writes it + 1; 0: none so far */
	u32 reader;	/* last operator that reads it + 1; 0: none */
	u32 slot;	/* its place in aim_ctx.live, while it is there */
	u32 alive;
};

/* An arena tensor whose bytes are needed now. */
struct aim_vlive {
	u64 begin;
	u64 end;
	u32 tensor;
	u32 reserved;
};

struct aim_ctx {
	struct aim_view *v;
	struct aim_reason *reason;
	struct aim_vtensor *state;	/* nr_tensors */
	struct aim_vlive *live;		/* AIM_MAX_LIVE */
	u32 nr_live;
	u32 index;			/* of the subject */
	enum aim_subject subject;
	u64 macs;
	u64 work;
	u64 operands;			/* seen so far */
	u64 named;			/* bytes of constants that layers may name */
};

/* verify_reason.c: each writes the sentence and returns @err */
int aim_refuse(struct aim_ctx *c, int err, const char *what);
int aim_refuse_got(struct aim_ctx *c, int err, const char *what, s64 got);
int aim_refuse_pair(struct aim_ctx *c, int err, const char *what, s64 got,
		    s64 want);
int aim_refuse_tensor(struct aim_ctx *c, int err, const char *what, u32 tensor);
int aim_refuse_tensors(struct aim_ctx *c, int err, const char *what, u32 a,
		       u32 b);

/* For values that may not fit: a sentence says the largest instead. */
static inline s64 aim_clip(u64 v)
{
	return v > 0x7fffffffffffffffULL ? 0x7fffffffffffffffLL : (s64)v;
}

/* verify_tensor.c */
int aim_check_name(struct aim_ctx *c, u32 name);
int aim_check_tensors(struct aim_ctx *c);
bool aim_bits_finite(u32 bits);		/* neither infinite nor NaN */
bool aim_bits_scale(u32 bits);		/* finite and above zero */

static inline u64 aim_elements(const struct aim_tensor *t)
{
	return t->bytes / aim_type_size(t->type);
}

/* verify_plan.c */
int aim_check_plan(struct aim_ctx *c);

/* verify_op.c */
int aim_check_ops(struct aim_ctx *c);
int aim_check_requant(struct aim_ctx *c, const struct aim_requant *rq);
int aim_check_clamp(struct aim_ctx *c, const struct aim_clamp *clamp, u32 type);
int aim_check_same_shape(struct aim_ctx *c, const struct aim_tensor *a,
			 const struct aim_tensor *b);
int aim_check_rank(struct aim_ctx *c, const struct aim_tensor *t, u32 rank,
		   const char *what);
int aim_check_dim(struct aim_ctx *c, const struct aim_tensor *t, u32 dim,
		  u64 want, const char *what);
int aim_check_zero(struct aim_ctx *c, const u32 *words, u32 from, u32 to);
int aim_add_work(struct aim_ctx *c, u64 work);
int aim_add_macs(struct aim_ctx *c, u64 macs);
u32 aim_max_distance(const struct aim_tensor *t);	/* |x - zero point| */
bool aim_requant_fits(u64 bound, s32 shift);
u64 aim_requant_bound(u64 bound, const struct aim_requant *rq);

/* verify_conv.c: convolutions, fully connected, pools */
struct aim_axis {
	u32 in, out;
	u32 kernel, stride, dilation;
	u32 pad_before, pad_after;
};

int aim_check_axis(struct aim_ctx *c, const struct aim_axis *a, bool height);
int aim_check_conv2d(struct aim_ctx *c, const struct aim_op *op);
int aim_check_depthwise(struct aim_ctx *c, const struct aim_op *op);
int aim_check_fc(struct aim_ctx *c, const struct aim_op *op);
int aim_check_pool(struct aim_ctx *c, const struct aim_op *op);

/* verify_arith.c: element-wise and reducing operators */
int aim_check_binary(struct aim_ctx *c, const struct aim_op *op);
int aim_check_mean(struct aim_ctx *c, const struct aim_op *op);
int aim_check_softmax(struct aim_ctx *c, const struct aim_op *op);
int aim_check_lut8(struct aim_ctx *c, const struct aim_op *op);
int aim_check_quantize(struct aim_ctx *c, const struct aim_op *op);
int aim_check_dequantize(struct aim_ctx *c, const struct aim_op *op);
int aim_check_unary(struct aim_ctx *c, const struct aim_op *op);

/* verify_move.c: operators that move values and compute nothing */
int aim_check_concat(struct aim_ctx *c, const struct aim_op *op);
int aim_check_pad(struct aim_ctx *c, const struct aim_op *op);
int aim_check_reshape(struct aim_ctx *c, const struct aim_op *op);
int aim_check_transpose(struct aim_ctx *c, const struct aim_op *op);
int aim_check_slice(struct aim_ctx *c, const struct aim_op *op);

#endif /* _AIM_VERIFY_INTERNAL_H */
