# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_fuzz_attest := userspace/cli/attest_list.c userspace/cli/attest_quote.c \
	userspace/cli/attest_verify.c module/model/measured.c
LIBS_fuzz_attest := -lcrypto
