# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_compute_convert := tests/unit/model_run.c $(SRCS_ENGINE) $(SRCS_VERIFY) $(SRCS_CONVERT)
