/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random models that the verifier accepts: chains of operators with branches,
 * of random shapes, parameters and places.
 */
#ifndef TESTS_GEN_MODEL_H
#define TESTS_GEN_MODEL_H

#include "aim_builder.h"

/* The same seed gives the same model. */
int gen_model(u64 seed, struct aim_file *f);

#endif /* TESTS_GEN_MODEL_H */
