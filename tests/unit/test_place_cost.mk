# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_test_place_cost := module/sched/place_cost.c
