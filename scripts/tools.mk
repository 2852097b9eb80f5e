# SPDX-License-Identifier: GPL-2.0
#
# The command line. Included by the Makefile after hosted.mk, which makes the
# library of the core.
#
#   make tools        build/thinback
#   make check-tools  its tests, its manual, its hotplug script
#
# With W=1, warnings are errors.

# The contracts are plain C, in which a function may be called as a structure is;
# -isystem keeps -Wshadow quiet about that.
tool-libs := -lsmartcols -lblkid -lfmt
tool-flags := -std=c++20 -g -O1 -Wall -Wextra -Wshadow $(if $(W),-Werror) \
	-isystem include -isystem include/uapi

tool := $(wildcard scripts/thinback/*.cc)
# What needs the real core or is main() has no place beside the pretended kernel.
tool-tested := $(filter-out %/main.cc %/fd_device.cc,$(filter-out scripts/thinback/hosted_%,$(tool)))
tool-tests := $(wildcard kunit/tool/*.cc)
tool-object = $(patsubst %,$(B)/tool/%.o,$(1))

$(B)/tool/%.o: %
	@mkdir -p $(@D)
	$(CXX) $(tool-flags) -MD -MP -c $< -o $@

$(B)/thinback: $(call tool-object,$(tool)) $(B)/libthinback.a
	$(CXX) $^ $(tool-libs) -o $@

$(B)/screens: $(call tool-object,$(tool-tested) $(tool-tests))
	$(CXX) $^ $(tool-libs) -o $@

tools: $(B)/thinback

check-tools: $(B)/screens $(B)/thinback
	python3 kunit/tool/run.py --build $(B)

-include $(patsubst %.o,%.d,$(call tool-object,$(tool) $(tool-tests)))

.PHONY: tools check-tools
