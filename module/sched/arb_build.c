// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * The arbiter as one unit, so that what each job goes through is compiled as
 * one piece: calls from file to file would be a quarter of it.
 */
#include "arb_tree.c"
#include "arb_fair.c"
#include "arb_rt.c"
#include "arb_share.c"
#include "arb.c"
