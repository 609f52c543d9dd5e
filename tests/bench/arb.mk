# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_arb := $(SRCS_ARB)
