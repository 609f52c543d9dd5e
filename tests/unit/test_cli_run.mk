# SPDX-License-Identifier: LGPL-2.1-or-later
include cli_sources.inc
SRCS_test_cli_run := $(SRCS_CLI)
LIBS_test_cli_run := $(LIBS_CLI)
