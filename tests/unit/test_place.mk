# SPDX-License-Identifier: LGPL-2.1-or-later
SRCS_test_place := module/sched/place.c module/sched/place_cost.c \
	module/sched/place_dev.c module/sched/pace.c
