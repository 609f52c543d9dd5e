# SPDX-License-Identifier: LGPL-2.1-or-later
include cli_sources.inc
SRCS_test_sign := $(SRCS_CLI)
# no test touches this machine's keyring
LIBS_test_sign := $(LIBS_CLI) -Wl,--wrap=keyring_find -Wl,--wrap=keyring_add
