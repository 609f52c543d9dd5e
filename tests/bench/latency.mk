# SPDX-License-Identifier: LGPL-2.1-or-later
# For guests of any release: static, without cmocka.
SRCS_latency := $(patsubst %,tests/vm/c/%.c,guest models objects queue) \
	$(SRCS_ENGINE) $(SRCS_VERIFY)
LIBS_latency := -static -pthread
$(O)/latency: LIBS :=
