# SPDX-License-Identifier: LGPL-2.1-or-later
include cli_sources.inc
SRCS_test_oms := $(SRCS_CLI)
LIBS_test_oms := $(LIBS_CLI)
