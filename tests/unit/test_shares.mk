# SPDX-License-Identifier: LGPL-2.1-or-later
include cli_sources.inc
SRCS_test_shares := $(SRCS_CLI) userspace/daemon/follow.c userspace/daemon/log.c
LIBS_test_shares := $(LIBS_CLI)
