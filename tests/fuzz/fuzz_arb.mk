# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_fuzz_arb := tests/unit/arb_check.c $(SRCS_ARB)
