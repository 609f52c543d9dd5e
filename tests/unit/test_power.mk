# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_test_power := tests/unit/arb_drive.c tests/unit/arb_check.c $(SRCS_ARB) \
	module/sched/power.c module/sched/pace.c
