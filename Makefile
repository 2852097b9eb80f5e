# SPDX-License-Identifier: GPL-2.0
#
#   make            xen-thinback.ko for the kernel in KDIR, and the command line
#   make modules    xen-thinback.ko alone          make W=1 modules: with all warnings
#   make tools      build/thinback, the command line
#   make check      the tests in a process, with sanitizers; format, tidy, layers
#   make fuzz       a minute of each fuzz target (clang's libFuzzer)
#   make install    everything, below DESTDIR, for kernel KVER
#
KDIR ?= $(shell scripts/kdir)
B ?= build

all: modules tools

# Kernels with a vmlinux beside their headers run pahole, which must not look at C++.
modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) PAHOLE_FLAGS="--btf_gen_floats -j --lang_exclude=c++14" modules

clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean
	rm -rf $(B)

include scripts/hosted.mk
include $(wildcard scripts/tools.mk scripts/install.mk)

.PHONY: all modules clean
