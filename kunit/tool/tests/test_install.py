# SPDX-License-Identifier: GPL-2.0
"""make install puts everything below DESTDIR, make uninstall takes it away."""

import os
import pathlib
import shutil
import tempfile
import unittest

from places import SCREENS, TOP, run

WANTED = {
    "lib/modules/6.1.0-test/updates/xen-thinback.ko": 0o644,
    "usr/sbin/thinback": 0o755,
    "usr/sbin/thinback-extend": 0o755,
    "usr/sbin/thinback-takeover": 0o755,
    "etc/xen/scripts/block-thinback": 0o755,
    "usr/lib/udev/rules.d/62-thinback.rules": 0o644,
    "usr/share/man/man8/thinback.8": 0o644,
    "usr/share/man/man8/thinback-takeover.8": 0o644,
    "usr/share/man/man8/block-thinback.8": 0o644,
    "usr/share/bash-completion/completions/thinback": 0o644,
}


class Install(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "scripts").symlink_to(TOP / "scripts")
        (self.folder / "xen-thinback.ko").write_text("a module\n")
        (self.folder / "build").mkdir()
        # Any program will do, as long as it can be stripped.
        shutil.copy(SCREENS, self.folder / "build/thinback")
        (self.folder / "Makefile").write_text("B := build\ninclude scripts/install.mk\n")
        # depmod must not be called for a tree that is packed.
        (self.folder / "depmod").write_text("#!/bin/sh\ntouch \"$0.called\"\n")
        (self.folder / "depmod").chmod(0o755)

    def make(self, target):
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        done = run("make", "-C", self.folder, target, f"DESTDIR={self.folder}/root",
                   "KVER=6.1.0-test", env=environment)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def installed(self):
        root = self.folder / "root"
        return {str(path.relative_to(root)): path.stat().st_mode & 0o777
                for path in root.rglob("*") if path.is_file()}

    def test_install(self):
        self.make("install")
        self.assertEqual(WANTED, self.installed())
        self.assertFalse((self.folder / "depmod.called").exists())

    def test_uninstall(self):
        self.make("install")
        (self.folder / "root/usr/sbin/other").write_text("of somebody else\n")
        self.make("uninstall")
        self.assertEqual({"usr/sbin/other"}, set(self.installed()))
