# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_fuzz_config := userspace/daemon/config.c userspace/daemon/log.c \
	userspace/daemon/files.c userspace/daemon/match.c \
	$(patsubst $(TOP)/%,%,$(wildcard $(TOP)/userspace/lib/*.c \
	$(TOP)/userspace/common/*.c))
LIBS_fuzz_config := -lconfuse -lcrypto
