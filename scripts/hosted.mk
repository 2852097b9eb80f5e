# SPDX-License-Identifier: GPL-2.0
#
# The core in a process. Included by the Makefile.
#
#   make test        build and run the tests: RUN="--seeds 20 tree" names arguments
#   make lint        clang's thread-safety analysis, clang-tidy, format, layers, evidence
#   make check       both
#   make tsan        the core on real threads under ThreadSanitizer: RUN="--seconds 20 snapshots"
#   make scale       pools of terabytes, of thousands of volumes: figures, and what must be exact
#   make coverage    which share of each file of the core the tests run
#   make fuzz        each target of kunit/fuzz for FUZZ_SECONDS
#
# LAYERS="store" leaves the other layers, and their tests, out; LAYERS= all of them;
# what still calls them crashes. B=/tmp/x builds elsewhere, for when two work in
# one tree.

CXX := g++-12
CLANGXX ?= clang++-14
CLANG_TIDY ?= clang-tidy-14
CLANG_FORMAT ?= clang-format-14
LAYERS ?= store vbd backend
FUZZ_SECONDS ?= 60

language := -std=c++20 -fno-exceptions -fno-rtti -fno-strict-aliasing -Iinclude -Iinclude/uapi
warnings := -Wall -Wextra -Wshadow -Wno-unused-parameter
# What the core may rely on is the same here and in the kernel.
freestanding := -ffreestanding -nostdinc++ -fno-threadsafe-statics
SANITIZE ?= address,undefined
sanitize := $(if $(SANITIZE),-g -O1 -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer,-g -O2)

core := $(sort drivers/store/error.cc $(wildcard $(LAYERS:%=drivers/%/*.cc)))
core-tests := $(wildcard kunit/harness/shared/*.cc kunit/base/*.cc kunit/model/*.cc \
	$(LAYERS:%=kunit/%/*.cc))
hosted := $(wildcard drivers/hosted/*.cc)
hosted-tests := $(wildcard kunit/harness/*.cc kunit/hosted/*.cc kunit/crash/*.cc)
fuzz := $(wildcard kunit/fuzz/*_fuzz.cc)
# What fuzzers share with tests, and what stands for the test runner there.
fuzz-help := kunit/harness/shared/ram_device.cc kunit/harness/shared/do_io.cc kunit/store/damage.cc kunit/store/damage_seal.cc \
	kunit/fuzz/no_runner.cc kunit/fuzz/formatted.cc
tools-core := $(wildcard drivers/store/*.cc)

is-freestanding := $(core) $(core-tests) $(tools-core)
flags-of = $(language) $(warnings) $(if $(filter $(1),$(is-freestanding)),$(freestanding))

# ---- tests ----

$(B)/test/%.o: %
	@mkdir -p $(@D)
	$(CXX) $(call flags-of,$<) $(sanitize) -MMD -MP -c $< -o $@

# What is called of layers that were left out traps.
missing := awk '$$1 == "U" { asked[$$2] } NF == 3 { there[$$3] } END { \
	for (name in asked) if (!(name in there) && name ~ /^(tbk_|_ZNK?8thinback)/) \
		print ".globl " name "\n" name ": ud2"; \
	print ".section .note.GNU-stack" }'

$(B)/hosted: $(patsubst %,$(B)/test/%.o,$(core) $(core-tests) $(hosted) $(hosted-tests))
ifeq ($(origin LAYERS),command line)
	nm $^ | $(missing) >$(B)/missing.s
	$(CXX) $(sanitize) $^ $(B)/missing.s -o $@
else
	$(CXX) $(sanitize) $^ -o $@
endif

test: $(B)/hosted
	$(B)/hosted $(RUN)

# ---- on real threads ----

threads := $(wildcard drivers/threads/*.cc) drivers/hosted/crc32c.cc drivers/hosted/payload.cc \
	drivers/hosted/trace.cc
threads-tests := $(wildcard kunit/threads/*.cc) kunit/harness/children.cc \
	$(wildcard kunit/harness/shared/do_io.cc) $(filter-out %_test.cc,$(wildcard kunit/model/*.cc))

$(B)/tsan/%.o: %
	@mkdir -p $(@D)
	$(CXX) $(call flags-of,$<) -g -O1 -fsanitize=thread -fno-omit-frame-pointer -Wno-tsan \
		-MMD -MP -c $< -o $@

$(B)/threads: $(patsubst %,$(B)/tsan/%.o,$(tools-core) $(threads) $(threads-tests))
	$(CXX) -fsanitize=thread $^ -o $@

tsan: $(B)/threads
	$(B)/threads $(RUN)

# ---- large pools, without sanitizers ----

scale := $(wildcard kunit/scale/*.cc)

$(B)/scale: $(patsubst %,$(B)/lib/%.o,$(scale) kunit/hosted/fleet.cc kunit/harness/children.cc) $(B)/libthinback.a
	$(CXX) $^ -o $@

scale: $(B)/scale
	$(B)/scale $(RUN)

# A build of its own; an argument beats SANITIZE in the file.
coverage:
	rm -rf $(B)/coverage/test
	-$(MAKE) test B=$(B)/coverage SANITIZE= CXX='$(CXX) --coverage -DTBK_COVERAGE' RUN='$(RUN)'
	@for file in $(core); do \
		gcov-12 -n -o $(B)/coverage/test/$$file.gcno $$file 2>/dev/null | \
			grep -A1 "^File '$$file'" | tail -n 1 | sed "s|^Lines executed:|$$file |"; \
	done | sort -k2 -t' ' -n | column -t

# ---- a guest that means harm, for the test bed; static, as a guest has no libraries ----

hostile := $(wildcard kunit/hostile/*.cc)

$(B)/hostile: $(patsubst %,$(B)/guest/%.o,$(hostile))
	$(CXX) -static -pthread $^ -o $@

$(B)/guest/%.o: %
	@mkdir -p $(@D)
	$(CXX) $(language) $(warnings) -Werror -O2 -pthread -MMD -MP -c $< -o $@

hostile: $(B)/hostile

# ---- the library that the command line is linked with ----

$(B)/lib/%.o: %
	@mkdir -p $(@D)
	$(CXX) $(call flags-of,$<) -g -O2 -MMD -MP -c $< -o $@

$(B)/libthinback.a: $(patsubst %,$(B)/lib/%.o,$(tools-core) $(hosted))
	rm -f $@
	ar rcs $@ $^

# ---- what a compiler and its friends can tell without running; a stamp for each file ----

tsa := $(patsubst %,$(B)/tsa/%.ok,$(core) $(core-tests))
tidy := $(sort $(patsubst %,$(B)/tidy/%.ok,$(core) $(core-tests) $(hosted) $(hosted-tests) \
	$(threads) $(threads-tests) $(fuzz) kunit/fuzz/no_runner.cc kunit/fuzz/formatted.cc $(wildcard kunit/scale/*.cc)))

$(B)/tsa/%.ok: %
	@mkdir -p $(@D)
	$(CLANGXX) $(call flags-of,$<) -fsyntax-only -Wthread-safety -Werror \
		-MMD -MP -MF $(@:.ok=.d) -MT $@ $<
	@touch $@

$(B)/tidy/%.ok: % .clang-tidy
	@mkdir -p $(@D)
	@$(CLANGXX) $(call flags-of,$<) -MM -MP -MF $(@:.ok=.d) -MT $@ $<
	$(CLANG_TIDY) --quiet --config-file=.clang-tidy $(tidy-less) $< -- $(call flags-of,$<)
	@touch $@

# Tests run under sanitizers: to follow their paths as well doubles the time and has found nothing.
$(B)/tidy/kunit/%.ok: tidy-less := --checks=-clang-analyzer-*

thread-safety: $(tsa)
tidy-product: $(filter $(B)/tidy/drivers/%,$(tidy))
tidy: $(tidy)

# Files that are not committed yet are their writer's business.
format:
	git ls-files 'drivers/*.[ch]' 'drivers/*.cc' 'include/*.h' 'kunit/*.[ch]' 'kunit/*.cc' \
		'scripts/*.[ch]' 'scripts/*.cc' | xargs -r ls 2>/dev/null | \
		xargs $(CLANG_FORMAT) --style=file --dry-run -Werror

layers:
	python3 scripts/check-layers.py

# What kunit's documents name as a test is one.
evidence:
	python3 scripts/check-evidence.py

lint: thread-safety tidy format layers evidence
check: test lint

# ---- fuzzing ----

fuzz-flags := -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

$(B)/fuzzed/%.o: %
	@mkdir -p $(@D)
	$(CLANGXX) $(call flags-of,$<) $(fuzz-flags) -MMD -MP -c $< -o $@

# C that meets the kernel, which is kunit/fuzz/kernel.h there: the headers it names are empty.
kernel-headers := $(patsubst %,$(B)/kernel/linux/%.h,capability completion fs kobject list \
	miscdevice module mutex rwsem slab string uaccess xarray)
kernel-objects := $(patsubst %,$(B)/fuzzed/%.o,drivers/linux/control.c drivers/linux/lists.c \
	kunit/fuzz/kernel_pools.c kunit/fuzz/kernel_user.c)

$(kernel-headers):
	@mkdir -p $(@D)
	@touch $@

$(kernel-objects): $(B)/fuzzed/%.o: % kunit/fuzz/kernel.h | $(kernel-headers)
	@mkdir -p $(@D)
	$(CLANGXX) -x c -std=gnu11 -Wall -Wno-unused-parameter -Wno-c2x-extensions -I$(B)/kernel \
		-include kunit/fuzz/kernel.h -Iinclude -Iinclude/uapi $(fuzz-flags) \
		-MMD -MP -c $< -o $@

$(B)/fuzz-control_fuzz: $(kernel-objects)

$(B)/fuzz-%: $(B)/fuzzed/kunit/fuzz/%.cc.o $(patsubst %,$(B)/fuzzed/%.o,$(core) $(hosted) $(fuzz-help))
	$(CLANGXX) -fsanitize=fuzzer,address,undefined $^ -o $@

# Each from the inputs kept in the tree, in a copy that may grow; two at a time.
fuzz: $(patsubst kunit/fuzz/%.cc,$(B)/fuzz-%,$(fuzz))
	scripts/fuzz $(FUZZ_SECONDS) $^

-include $(shell find $(B)/test $(B)/tsan $(B)/lib $(B)/tsa $(B)/tidy $(B)/fuzzed $(B)/guest -name '*.d' 2>/dev/null)

.PHONY: test tsan scale hostile coverage lint check thread-safety tidy tidy-product format layers evidence fuzz
.SECONDARY:
