# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_fuzz_run := $(SRCS_VERIFY) $(SRCS_ENGINE) tests/fuzz/aim_mutate.c tests/fuzz/aim_repair.c \
	tests/unit/aim_builder.c tests/unit/aim_models.c
