# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_test_verify_corpus := $(SRCS_VERIFY) tests/unit/aim_builder.c tests/unit/aim_models.c
