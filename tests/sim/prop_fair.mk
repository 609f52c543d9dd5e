# SPDX-License-Identifier: LGPL-2.1-or-later
include sim_sources.inc
SRCS_prop_fair := $(SRCS_SIM) tests/sim/simtest.c
