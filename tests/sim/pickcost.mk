# SPDX-License-Identifier: LGPL-2.1-or-later
include sim_sources.inc
SRCS_pickcost := tests/sim/rng.c $(SRCS_ARB)
