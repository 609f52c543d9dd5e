# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   make [KERNELRELEASE=6.1.0-40-amd64 | KDIR=DIR]   modules and user space
#   make modules, make userspace                     one of them
#   make deb, make rpm           packages, in build/deb and build/rpm
#   make demo                    real networks in a stock 6.1 kernel, in a VM
#   make test                    everything that a change must pass
#   make lint, unit, fuzz-quick, test-vm             parts of it
#   make debug-kernel            a 6.12 with KASAN, lockdep, kmemleak; cached
#   make test-debug              the VM tests on it
#   make fuzz                    the ioctls fuzzed on it, FUZZ_MINUTES=45
#   make bench                   benchmarks, into docs/benchmarks
#   make install, modules_install (DESTDIR=, PREFIX=), clean, distclean
#
# Outputs lie under build/ only. `make`, `make deb` and `make rpm` install
# nothing on this machine; tools/deps names what they need. `make demo`,
# `make test` and `make bench` call tools/deps themselves.

TOP := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
B := $(TOP)/build
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' $(TOP)/dkms.conf)
PYTEST ?= /usr/bin/python3 -m pytest
# capture=sys: what machines and images being made have to say is seen at once
PYTEST_VM := $(PYTEST) --capture=sys -p no:cacheprovider -ra
FUZZ_SECONDS ?= 30
FUZZ_MINUTES ?= 45

# Which kernel: the one named, else the running one if its headers are here,
# else the newest that has headers. In a container or chroot the running
# kernel belongs to someone else.
ifndef KDIR
ifndef KERNELRELEASE
KERNELRELEASE := $(shell \
	if [ -e /lib/modules/$$(uname -r)/build/Makefile ]; then uname -r; else \
	ls -dv /lib/modules/*/build/Makefile 2>/dev/null | tail -n 1 | cut -d/ -f4; fi)
endif
KDIR := /lib/modules/$(KERNELRELEASE)/build
else
KERNELRELEASE := $(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null)
endif
KMOD := $(B)/kmod/$(KERNELRELEASE)
# The caller's choice of compiler and architecture goes to kbuild as it is
KVARS := $(foreach v,ARCH CROSS_COMPILE LLVM,$(if $($(v)),$(v)=$($(v)))) \
	$(if $(filter command line environment,$(origin CC)),CC=$(CC))

# What a package is made from: tracked files and new ones, never build products
PKG_DIRS := module userspace packaging dkms.conf docs/example.c
PKG_FILES := $(shell cd $(TOP) && git ls-files -co --exclude-standard \
	$(PKG_DIRS) 2>/dev/null || find $(PKG_DIRS) -type f)
PKG_FILES := $(foreach f,$(PKG_FILES),$(wildcard $(TOP)/$(f)))

all: modules userspace

# A copy for each kernel: objects of one kernel confuse the kbuild of another.
# Sources are renewed, objects stay, so that a second make is quick.
modules:
	@[ -e $(KDIR)/Makefile ] || { \
		echo "No kernel headers in $(KDIR)." >&2; \
		echo "Install them (tools/deps build), or name a kernel: make KERNELRELEASE=... or KDIR=..." >&2; \
		exit 1; }
	@mkdir -p $(KMOD)
	@find $(KMOD) \( -name '*.[chS]' -o -name Kbuild -o -name configure \) \
		! -name '*.mod.c' ! -name probed.h -delete
	@cp -a $(TOP)/module/. $(KMOD)/
	sh $(KMOD)/compat/configure $(KDIR) $(KVARS)
	$(MAKE) -C $(KDIR) M=$(KMOD) $(KVARS) $(KFLAGS) modules

userspace:
	$(MAKE) -j$$(nproc) -C $(TOP)/userspace

modules_install: modules
	$(MAKE) -C $(KDIR) M=$(KMOD) $(KVARS) INSTALL_MOD_PATH=$(DESTDIR) \
		modules_install

install: userspace
	$(MAKE) -C $(TOP)/userspace install
	install -D -m 644 $(TOP)/packaging/common/60-aioffload.rules \
		$(DESTDIR)/usr/lib/udev/rules.d/60-aioffload.rules
	install -D -m 644 $(TOP)/packaging/common/modprobe.conf \
		$(DESTDIR)/usr/lib/modprobe.d/aioffload.conf
	install -D -m 644 $(TOP)/packaging/common/aioffloadd.service \
		$(DESTDIR)/usr/lib/systemd/system/aioffloadd.service

# ---- packages ----

deb: $(B)/deb/stamp
$(B)/deb/stamp: $(PKG_FILES) $(TOP)/tools/pkg
	$(TOP)/tools/pkg deb
	@touch $@

rpm: $(B)/rpm/stamp
$(B)/rpm/stamp: $(PKG_FILES) $(TOP)/tools/pkg
	$(TOP)/tools/pkg rpm
	@touch $@

# ---- tests ----

# One after the other, whatever -j says: each uses the whole machine. But the
# ioctl fuzzer mostly waits, for a fixed time, and has company.
test:
	$(TOP)/tools/deps test
	MAKE="$(MAKE)" $(TOP)/tools/stages --room 8 lint unit fuzz-quick packages \
		images test-vm,fuzz-ioctl

lint:
	$(TOP)/tools/lint

# Natively under sanitizers; the engine on arm64 too, emulated, with as many
# samples of each network as take seconds.
ARM_UNIT := test_kernels test_kernels_elem test_kernels_f32 test_engine \
	test_engine_random test_convert_nets test_golden
unit:
	$(MAKE) -j$$(nproc) --output-sync=target -C $(TOP)/tests/unit
	$(MAKE) -j$$(nproc) --output-sync=target -C $(TOP)/tests/sim short
	GOLDEN_MACS=20000000 \
	$(MAKE) -j$$(nproc) --output-sync=target -C $(TOP)/tests/unit SAN= \
		CC=aarch64-linux-gnu-gcc RUN=qemu-aarch64-static \
		LDSTATIC=-static $(ARM_UNIT)

# Not to find something new, but to see that the fuzzers work and that what
# was found stays mended; FUZZ_SECONDS is shared by all of them.
fuzz-quick:
	$(TOP)/tools/fuzz-quick $(FUZZ_SECONDS)

packages: deb rpm userspace

images: deb
	$(TOP)/tools/vm build

# The machines of the others run beside tests/packaging, so it goes first.
test-vm: packages
	$(PYTEST_VM) $(TOP)/tests/packaging \
		$(TOP)/tests/vm $(TOP)/tests/audit $(TOP)/tests/security \
		$(PYTEST_ARGS)

fuzz-ioctl: deb
	$(TOP)/tools/fuzz-ioctl --kernel auto --minutes 3 --seed 1

# ---- with every check that a kernel has ----

debug-kernel:
	$(TOP)/tools/deps test
	$(TOP)/tools/vm build --kernel debug-6.12 --bare

test-debug: debug-kernel deb userspace
	AIOFFLOAD_KERNELS=debug-6.12 $(PYTEST_VM) $(TOP)/tests/vm \
		$(TOP)/tests/audit $(TOP)/tests/security $(PYTEST_ARGS)

fuzz: debug-kernel deb userspace
	$(TOP)/tools/fuzz-ioctl --minutes $(FUZZ_MINUTES)

demo:
	$(TOP)/tools/deps demo
	$(MAKE) deb
	$(TOP)/tools/demo

bench:
	$(TOP)/tools/deps bench
	$(TOP)/tools/bench-compute
	$(TOP)/tools/bench-dispatch
	$(TOP)/tools/bench-audit
	$(TOP)/tools/bench-admission
	$(TOP)/tools/bench-sched
	$(TOP)/tools/bench-latency

# ---- ----

clean:
	rm -rf $(B)/kmod $(B)/userspace $(B)/deb $(B)/rpm $(B)/unit $(B)/fuzz \
		$(B)/lint $(B)/vmtests $(B)/security $(B)/bench

# Images of the VMs as well: minutes to make again
distclean:
	rm -rf $(B)

.PHONY: all modules userspace modules_install install deb rpm test lint unit \
	fuzz-quick packages images test-vm fuzz-ioctl debug-kernel test-debug fuzz \
	demo bench clean distclean
