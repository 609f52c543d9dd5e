# SPDX-License-Identifier: LGPL-2.1-or-later
include cli_sources.inc
SRCS_test_sign_bad := $(SRCS_CLI)
LIBS_test_sign_bad := $(LIBS_CLI)
