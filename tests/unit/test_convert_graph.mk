# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_test_convert_graph := tests/unit/tfl_builder.c $(SRCS_VERIFY) $(SRCS_CONVERT)
