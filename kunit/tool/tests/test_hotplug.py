# SPDX-License-Identifier: GPL-2.0
"""block-thinback as xl runs it, with a pretended xenstore, below a stand-in for
Xen's scripts and, where they are installed, below Xen's own."""

import os
import pathlib
import re
import shutil
import stat
import tempfile
import unittest

from places import SCRIPTS, run

STAND_IN = pathlib.Path(__file__).resolve().parents[1] / "xen"
INSTALLED = pathlib.Path("/etc/xen/scripts")
BACKEND = "backend/vbd/5/51712"

# xenstore: a folder of files.
PROGRAMS = {
    "xenstore-read": 'cat "$STORE/$1" 2>/dev/null',
    "xenstore-exists": 'test -e "$STORE/$1"',
    "xenstore-write": 'while [ $# -ge 2 ]; do mkdir -p "$(dirname "$STORE/$1")"; '
                      'printf "%s\\n" "$2" >"$STORE/$1"; shift 2; done',
    "thinback": 'echo "$*" >>"$STORE/asked"; if [ -e "$STORE/refuse" ]; then '
                'cat "$STORE/refuse" >&2; exit 10; fi; '
                'case "$2" in add) echo /dev/null ;; esac',
    "logger": ":",
}


class Hotplug(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.store = self.folder / "store"
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        for name, body in PROGRAMS.items():
            path = self.programs / name
            path.write_text(f"#!/bin/bash\n{body}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.scripts = self.folder / "scripts"
        self.place_scripts()
        shutil.copy(SCRIPTS / "block-thinback", self.scripts)
        self.write(f"{BACKEND}/params", "tank/web17,from=tank/deb@v1,size=8G")
        self.write(f"{BACKEND}/mode", "w")
        self.write(f"{BACKEND}/frontend-id", "5")
        self.write("/local/domain/5/name", "web17")

    def place_scripts(self):
        shutil.copytree(STAND_IN, self.scripts)

    def write(self, key, value):
        path = self.store / key.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value + "\n")

    def read(self, key):
        path = self.store / key
        return path.read_text().strip() if path.exists() else None

    def call(self, action):
        environment = {"PATH": f"{self.programs}:{os.environ['PATH']}", "STORE": str(self.store),
                       "XENBUS_PATH": BACKEND, "XENBUS_TYPE": "vbd", "XENBUS_BASE_PATH": "backend"}
        return run(self.scripts / "block-thinback", action, env=environment).returncode

    def test_add(self):
        self.assertEqual(0, self.call("add"))
        self.assertEqual("hotplug add tank/web17,from=tank/deb@v1,size=8G --mode w --guest 5 "
                         "--create yes", self.read("asked"))
        self.assertEqual("1:3", self.read(f"{BACKEND}/physical-device"))
        self.assertEqual("/dev/null", self.read(f"{BACKEND}/physical-device-path"))
        self.assertEqual("connected", self.read(f"{BACKEND}/hotplug-status"))
        self.assertIsNone(self.read(f"{BACKEND}/hotplug-error"))

    def test_add_twice(self):
        self.assertEqual(0, self.call("add"))
        (self.store / "asked").unlink()
        self.assertEqual(0, self.call("add"))
        self.assertIsNone(self.read("asked"))

    def test_no_clone_for_an_arriving_guest(self):
        self.write("/local/domain/5/name", "web17--incoming")
        self.assertEqual(0, self.call("add"))
        self.assertRegex(self.read("asked"), r"--create no$")

    def test_no_clone_for_a_guest_without_a_name(self):
        (self.store / "local/domain/5/name").unlink()
        self.assertEqual(0, self.call("add"))
        self.assertRegex(self.read("asked"), r"--create no$")

    def test_modes(self):
        for mode, wanted in (("r", "r"), ("ro", "r"), ("w", "w"), ("rw", "w"), ("w!", "!")):
            with self.subTest(mode):
                self.write(f"{BACKEND}/mode", mode)
                shutil.rmtree(self.store / BACKEND / "physical-device", ignore_errors=True)
                (self.store / BACKEND / "physical-device").unlink(missing_ok=True)
                self.assertEqual(0, self.call("add"))
                self.assertIn(f"--mode {wanted} ", self.read("asked").splitlines()[-1])

    def test_reason_reaches_xl(self):
        self.write("refuse", "thinback: cannot connect tank/web17 to guest 5: in use by guest 12\n"
                             "  first: xl block-detach 12 xvda")
        self.assertNotEqual(0, self.call("add"))
        self.assertEqual("thinback: cannot connect tank/web17 to guest 5: in use by guest 12",
                         self.read(f"{BACKEND}/hotplug-error"))
        self.assertEqual("error", self.read(f"{BACKEND}/hotplug-status"))
        self.assertIsNone(self.read(f"{BACKEND}/physical-device"))

    def test_no_program(self):
        (self.programs / "thinback").unlink()
        if shutil.which("thinback"):
            self.skipTest("thinback is installed here")
        self.assertNotEqual(0, self.call("add"))
        self.assertRegex(self.read(f"{BACKEND}/hotplug-error"), "thinback")

    def test_remove(self):
        self.assertEqual(0, self.call("remove"))
        self.assertEqual("hotplug remove tank/web17,from=tank/deb@v1,size=8G --guest 5",
                         self.read("asked"))

    def test_remove_never_fails(self):
        self.write("refuse", "thinback: cannot list: the module is not loaded")
        self.assertEqual(0, self.call("remove"))
        shutil.rmtree(self.store / "backend")
        self.assertEqual(0, self.call("remove"))


@unittest.skipUnless((INSTALLED / "block-common.sh").exists(), "Xen is not installed")
class HotplugWithXen(Hotplug):
    """The same below Xen's scripts, which look for programs and a log where we say."""

    def place_scripts(self):
        shutil.copytree(INSTALLED, self.scripts)
        (self.scripts / "hotplugpath.sh").write_text(f'bindir="{self.programs}"\nsbindir="{self.programs}"\n'
                                                     f'LIBEXEC_BIN="{self.programs}"\n')
        common = self.scripts / "xen-hotplug-common.sh"
        common.write_text(re.sub(r"/var/log/xen/\S+", str(self.folder / "log"), common.read_text()))
