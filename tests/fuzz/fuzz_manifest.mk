# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_fuzz_manifest := $(SRCS_VERIFY)
