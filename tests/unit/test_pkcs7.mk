# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_test_pkcs7 := $(SRCS_VERIFY)
