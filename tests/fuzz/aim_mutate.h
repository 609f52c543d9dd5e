/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A mutator that knows the records of .aim files. Random bytes die at the
 * header; this one changes records, keeps what ties them together right most
 * of the time, and so reaches the rules behind.
 */
#ifndef AIM_MUTATE_H
#define AIM_MUTATE_H

#include "../unit/aim_builder.h"

/* libFuzzer's own, for the rest */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* As LLVMFuzzerCustomMutator(). */
size_t aim_mutate(u8 *data, size_t size, size_t max_size, u32 seed);

/* Restores most of what ties a model's records together. */
void aim_repair(struct aim_builder *b);

#endif /* AIM_MUTATE_H */
