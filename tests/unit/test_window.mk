# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_test_window := module/sched/window.c
