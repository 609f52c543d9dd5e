# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_test_measured := module/model/measured.c
