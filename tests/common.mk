# SPDX-License-Identifier: LGPL-2.1-or-later
# Shared by tests/unit, tests/fuzz and tests/bench: freestanding sources are
# compiled straight from module/ and userspace/, with the flags each needs.
#
# A program X is X.c plus X.mk beside it, which sets
#   SRCS_X    further sources, relative to the top of the tree
#   CFLAGS_X, LIBS_X   optional
TOP := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/..)
ARCH ?= $(shell $(CC) -dumpmachine | cut -d- -f1)

# Freestanding parts
SRCS_VERIFY := $(patsubst $(TOP)/%,%,$(wildcard $(TOP)/module/model/*.c))
SRCS_ARB := module/sched/arb_build.c
ENGINE_ALL := $(patsubst $(TOP)/%,%,$(wildcard $(TOP)/module/drivers/cpu/engine/*.c))
ENGINE_X86 := $(filter %_avx2.c %_avxvnni.c %_avx512.c %_avx512vnni.c %_x86.c,$(ENGINE_ALL))
ENGINE_ARM := $(filter %_neon.c %_neondot.c %_arm64.c,$(ENGINE_ALL))
SRCS_ENGINE := $(filter-out $(ENGINE_X86) $(ENGINE_ARM),$(ENGINE_ALL))
ifeq ($(ARCH),x86_64)
SRCS_ENGINE += $(ENGINE_X86)
endif
ifeq ($(ARCH),aarch64)
SRCS_ENGINE += $(ENGINE_ARM)
endif
SRCS_CONVERT := $(patsubst $(TOP)/%,%,$(wildcard $(TOP)/userspace/convert/*.c))

# Flags by file name, the same ones as in module/drivers/cpu/Kbuild
isa_flags = $(if $(filter %_avx2.c,$(1)),-mavx2 -mfma) \
	$(if $(filter %_avxvnni.c,$(1)),-mavx2 -mfma -mavxvnni) \
	$(if $(filter %_avx512.c,$(1)),-mavx512f -mavx512bw -mavx512dq -mavx512vl) \
	$(if $(filter %_avx512vnni.c,$(1)),-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni) \
	$(if $(filter %_neondot.c,$(1)),-march=armv8.2-a+dotprod)
# Exactness: no contraction of a*b+c, no value-changing optimisation
engine_flags = $(if $(filter module/drivers/cpu/engine/%,$(1)),-ffp-contract=off)

CPPFLAGS_ALL := -I$(TOP)/module/include -I$(TOP)/module/include/uapi \
	-I$(TOP)/module/drivers/cpu/engine -I$(TOP)/userspace/lib \
	-I$(TOP)/userspace/convert -I$(TOP)/module -D_GNU_SOURCE
WARN := -Wall -Wextra -Wno-unused-parameter -Werror

# $(call program,name,dir,object-dir,mode-flags)
define program
-include $(2)/$(1).mk
OBJS_$(1) := $$(patsubst %.c,$(3)/%.o,$$(sort $(patsubst $(TOP)/%,%,$(2))/$(1).c $$(SRCS_$(1))))
$(3)/$(1): $$(OBJS_$(1))
	$$(CC) $(4) -o $$@ $$^ $$(LIBS_$(1)) $$(LIBS) -lm
endef

$(O)/%.o: $(TOP)/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(MODE) $(WARN) $(CPPFLAGS_ALL) \
		$(call isa_flags,$<) $(call engine_flags,$*.c) $(CFLAGS_EXTRA) \
		-MMD -MP -c -o $@ $<
-include $(shell find $(O) -name '*.d' 2>/dev/null)
