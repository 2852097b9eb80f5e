# SPDX-License-Identifier: GPL-2.0
#
# make install [DESTDIR=...] [KVER=...]: everything, for the kernel KVER.
# make install-module, install-tools: the parts, for packages.
# make uninstall takes the same words.

KVER ?= $(shell uname -r)

module-dir := $(DESTDIR)/lib/modules/$(KVER)/updates
sbin-dir := $(DESTDIR)/usr/sbin
script-dir := $(DESTDIR)/etc/xen/scripts
rules-dir := $(DESTDIR)/usr/lib/udev/rules.d
man-dir := $(DESTDIR)/usr/share/man/man8
completion-dir := $(DESTDIR)/usr/share/bash-completion/completions

# A tree that is packed is not this machine's.
depmod = $(if $(DESTDIR),,depmod $(KVER))

install: install-module install-tools

install-module:
	install -D -m 644 xen-thinback.ko $(module-dir)/xen-thinback.ko
	$(depmod)

install-tools: $(B)/thinback
	install -D -s -m 755 $(B)/thinback $(sbin-dir)/thinback
	install -D -m 755 scripts/thinback-extend $(sbin-dir)/thinback-extend
	install -D -m 755 scripts/thinback-takeover $(sbin-dir)/thinback-takeover
	install -D -m 755 scripts/block-thinback $(script-dir)/block-thinback
	install -D -m 644 scripts/62-thinback.rules $(rules-dir)/62-thinback.rules
	install -D -m 644 -t $(man-dir) scripts/thinback.8 scripts/thinback-takeover.8 scripts/block-thinback.8
	install -D -m 644 scripts/thinback.bash-completion $(completion-dir)/thinback

uninstall:
	rm -f $(module-dir)/xen-thinback.ko $(sbin-dir)/thinback $(sbin-dir)/thinback-extend \
		$(sbin-dir)/thinback-takeover $(script-dir)/block-thinback $(rules-dir)/62-thinback.rules \
		$(man-dir)/thinback.8 $(man-dir)/thinback-takeover.8 $(man-dir)/block-thinback.8 \
		$(completion-dir)/thinback
	$(depmod)

.PHONY: install install-module install-tools uninstall
