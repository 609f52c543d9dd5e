# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_test_daemon := $(filter-out userspace/daemon/main.c,$(patsubst $(TOP)/%,%,\
	$(wildcard $(TOP)/userspace/daemon/*.c $(TOP)/userspace/lib/*.c \
	$(TOP)/userspace/common/*.c))) $(SRCS_VERIFY) \
	tests/unit/fakekernel.c tests/unit/fakesec.c
LIBS_test_daemon := -Wl,--wrap=ioctl -Wl,--wrap=open -Wl,--wrap=keyring_find -lconfuse -lcrypto
