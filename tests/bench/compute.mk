# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_compute := tests/unit/model_run.c tests/bench/compute_peak.c \
	$(patsubst $(TOP)/%,%,$(if $(filter x86_64,$(ARCH)),$(wildcard $(TOP)/tests/bench/compute_peak_avx*.c))) \
	$(SRCS_ENGINE) $(SRCS_VERIFY) $(SRCS_CONVERT)
