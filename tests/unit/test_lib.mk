# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_test_lib := $(patsubst $(TOP)/%,%,$(wildcard $(TOP)/userspace/lib/*.c)) \
	$(SRCS_VERIFY) tests/unit/aim_builder.c tests/unit/aim_models.c \
	tests/unit/fakekernel.c tests/unit/fakesec.c \
	userspace/common/cgroup.c
LIBS_test_lib := -Wl,--wrap=ioctl -Wl,--wrap=open -lpthread
