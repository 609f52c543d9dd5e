# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_test_engine := tests/unit/gen_model.c tests/unit/model_run.c tests/unit/aim_builder.c tests/unit/aim_models.c $(SRCS_ENGINE) $(SRCS_VERIFY) $(SRCS_CONVERT)
