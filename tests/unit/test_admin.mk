# SPDX-License-Identifier: LGPL-2.1-or-later
include cli_sources.inc
SRCS_test_admin := $(SRCS_CLI)
LIBS_test_admin := $(LIBS_CLI)
