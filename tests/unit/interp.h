/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A second opinion on what a model computes: one operator after the other, one
 * element after the other, straight from the definitions in
 * docs/model-format.md, in 64-bit integers and doubles. Shares no code with the
 * engine and makes no attempt at speed.
 */
#ifndef TESTS_INTERP_H
#define TESTS_INTERP_H

#include <aim/verify.h>

/*
 * @in: inputs one after the other; @out: outputs likewise. False: an operator
 * it does not know, or no memory. Softmax is computed in double precision: an
 * int8 one may differ by 1 from the exact fixed-point result.
 */
bool interp_run(const struct aim_view *v, const u8 *in, u8 *out);

#endif /* TESTS_INTERP_H */
