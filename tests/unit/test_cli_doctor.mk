# SPDX-License-Identifier: LGPL-2.1-or-later
include cli_sources.inc
SRCS_test_cli_doctor := $(SRCS_CLI)
LIBS_test_cli_doctor := $(LIBS_CLI)
