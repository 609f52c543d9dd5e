// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The verifier alone, on a file and scratch of exactly the stated sizes. What
 * passes is gone through once as an engine would: every record that it may
 * look at lies inside the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include "aim_mutate.h"

static u64 tried, accepted;

/* A fuzzer whose every input dies at the header proves nothing. */
__attribute__((destructor)) static void report(void)
{
	fprintf(stderr, "fuzz_verify: %llu files, %llu of them accepted\n",
		(unsigned long long)tried, (unsigned long long)accepted);
}

static volatile u32 sink;

static void touch(const void *p, size_t n)
{
	if (n)
		sink += ((const u8 *)p)[0] + ((const u8 *)p)[n - 1];
}

static void walk(const struct aim_view *v)
{
	u64 inside = (u64)(v->data + v->bytes - v->consts);
	u32 i, k;

	for (i = 0; i < v->nr_tensors; i++) {
		const struct aim_tensor *t = &v->tensors[i];

		sink += strlen(aim_str(v, t->name));
		if (t->place == AIM_PLACE_CONST) {
			if (t->offset + t->bytes > inside)
				abort();
			touch(v->consts + t->offset, t->bytes);
		} else if (t->place == AIM_PLACE_ARENA &&
			   t->offset + t->bytes > v->header->arena_bytes) {
			abort();
		}
		if (t->scales_count)
			touch(v->scales + t->scales_first, 4 * t->scales_count);
	}
	for (i = 0; i < v->nr_ops; i++) {
		const struct aim_op *op = &v->ops[i];

		sink += strlen(aim_str(v, op->name));
		for (k = 0; k < (u32)op->nr_inputs + op->nr_outputs; k++) {
			const struct aim_tensor *t = aim_operand(v, op, k);

			sink += t ? t->type : 0;
		}
	}
	for (i = 0; i < v->header->nr_inputs + v->header->nr_outputs; i++)
		sink += v->tensors[v->io[i]].type;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aim_reason reason;
	struct aim_view view;
	void *copy, *scratch;

	if (posix_memalign(&copy, 64, size ? size : 1))
		return 0;
	memcpy(copy, data, size);
	scratch = malloc(aim_verify_scratch(copy, size));
	memset(&reason, 0xff, sizeof(reason));
	tried++;
	if (!aim_verify(copy, size, scratch, &view, &reason)) {
		accepted++;
		walk(&view);
	} else if (!reason.text[0] || strlen(reason.text) >= AIM_REASON_LEN) {
		abort();
	}
	free(scratch);
	free(copy);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	return aim_mutate(data, size, max_size, seed);
}
