/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For tests that run whole models in user space: convert, verify, compile,
 * step. Inputs, outputs and work memory are exactly as large as stated, so that
 * AddressSanitizer sees any access outside them.
 */
#ifndef TESTS_MODEL_RUN_H
#define TESTS_MODEL_RUN_H

#include <aim/verify.h>
#include "engine.h"

struct blob {
	u8 *data;
	size_t bytes;
};

/* A whole file, 64-byte aligned; data is NULL if it can't be read. */
struct blob blob_read(const char *path);
struct blob blob_read_in(const char *dir, const char *name);

struct model {
	struct blob file;	/* .aim */
	struct aim_view view;
	size_t in_bytes;	/* all inputs of one sample */
	size_t out_bytes;	/* all outputs */
};

/* Each: 0, or a negative errno with the sentence in @reason. */
int model_convert(const char *tflite, bool keep_all, struct model *m,
		  char *reason, size_t reason_len);
int model_open(struct blob file, struct model *m, char *reason,
	       size_t reason_len);
void model_close(struct model *m);

/* Bytes of input (or output) @i of @m, and its tensor */
const struct aim_tensor *model_io(const struct model *m, bool output, u32 i);

struct eng_program *model_compile(const struct model *m,
				  const struct eng_isa *isa);

/*
 * One sample: inputs one after the other at @in, outputs likewise to @out.
 * @budget: of each step; 0: eng_budget(). Return: steps taken.
 */
u32 model_run(const struct model *m, const struct eng_program *prog,
	      const u8 *in, u8 *out, u64 budget);

/*
 * Calls @f with the scalar unit and each vector unit this CPU has, or only with
 * the one that the environment's UNIT_ISA names.
 */
void model_each_isa(void (*f)(const struct eng_isa *isa, void *arg), void *arg);

#endif /* TESTS_MODEL_RUN_H */
