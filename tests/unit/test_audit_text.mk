# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_test_audit_text := module/sec/audit_text.c
