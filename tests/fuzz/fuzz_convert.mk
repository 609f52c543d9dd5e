# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_fuzz_convert := $(SRCS_VERIFY) $(SRCS_CONVERT)
