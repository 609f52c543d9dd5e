/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a lowered graph to the bytes of a model file. */
#ifndef AIM_CONVERT_FINISH_H
#define AIM_CONVERT_FINISH_H

#include "graph.h"

/* Give the model's results their place as outputs. */
int cv_add_outputs(struct cv *c);
/* plan.c: drop what nobody uses, give the rest a place in the arena. */
int cv_plan(struct cv *c);
/* write.c: *out is 64-byte aligned; free() it */
int cv_write(struct cv *c, void **out, size_t *out_bytes);

#endif /* AIM_CONVERT_FINISH_H */
