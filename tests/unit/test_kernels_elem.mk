# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernels alone, without the planner
SRCS_test_kernels_elem := $(foreach p,scalar math_ vec_ kernels_,$(filter module/drivers/cpu/engine/$(p)%,$(SRCS_ENGINE)))
