# SPDX-License-Identifier: GPL-2.0
"""The program itself, with the real core, on files and loop devices."""

import json
import os
import pathlib
import pty
import re
import shutil
import tempfile
import unittest

from places import TOOL, needs_tool, run


@needs_tool
class Devices(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.disk = self.file("disk", 512 << 20)

    def file(self, name, size):
        path = self.folder / name
        with open(path, "wb") as file:
            file.truncate(size)
        return path

    def thinback(self, *words):
        return run(TOOL, *words)

    def expect(self, status, *words):
        done = self.thinback(*words)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return done

    def format(self, path, *words):
        return self.expect(0, "format", path, "--name", "tank", *words)

    def loop(self, path):
        done = run("losetup", "--find", "--show", path)
        if done.returncode:
            self.skipTest("no loop devices: " + done.stderr.strip())
        device = done.stdout.strip()
        self.addCleanup(run, "losetup", "-d", device)
        return device

    def test_format_probe_check(self):
        made = json.loads(self.format(self.disk, "-J").stdout)["pools"][0]
        self.assertEqual("tank", made["name"])
        self.assertEqual(str(self.disk), made["device"])
        self.assertRegex(made["uuid"], r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-")
        self.assertEqual(made, json.loads(self.expect(0, "probe", self.disk, "-J").stdout)["pools"][0])
        told = dict(line.split("=") for line in
                    self.expect(0, "probe", self.disk, "--udev").stdout.splitlines())
        self.assertEqual(("thinback", "tank", made["uuid"]),
                         (told["ID_FS_TYPE"], told["ID_FS_LABEL"], told["ID_FS_UUID"]))
        check = json.loads(self.expect(0, "check", self.disk, "-J").stdout)["check"]
        self.assertEqual((True, "tank", 0), (check["clean"], check["pool"], check["volumes"]))

    def test_nothing_there(self):
        self.expect(10, "probe", self.disk)
        self.expect(8, "check", self.disk)

    def test_too_small(self):
        small = self.file("small", 64 << 10)
        before = small.read_bytes()
        self.expect(2, "format", small, "--name", "tank")
        self.assertEqual(before, small.read_bytes())

    def test_bad_name_writes_nothing(self):
        before = self.disk.stat().st_blocks
        self.expect(2, "format", self.disk, "--name", "-tank")
        self.expect(2, "format", self.disk, "--name", "x" * 64)
        self.assertEqual(before, self.disk.stat().st_blocks)

    def test_signatures(self):
        for name, make in (("ext4", ["mkfs.ext4", "-q"]), ("gpt", ["sfdisk", "-q"]), ("swap", ["mkswap"])):
            if not shutil.which(make[0], path="/usr/sbin:/sbin:/usr/bin:/bin"):
                continue
            with self.subTest(name):
                path = self.file(name, 512 << 20)
                words = [shutil.which(make[0], path="/usr/sbin:/sbin:/usr/bin:/bin"), *make[1:], path]
                with open("/dev/null") if name != "gpt" else self.script("label: gpt\n") as script:
                    self.assertEqual(0, run(*words, stdin=script).returncode)
                done = self.expect(14, "format", path, "--name", "tank")
                self.assertIn(name, done.stderr)
                self.assertIn("--force", done.stderr)
                self.format(path, "--force")
                self.assertEqual("", run("blkid", "-p", path).stdout.replace(str(path), ""))
                self.expect(0, "check", path)

    def script(self, text):
        path = self.folder / "script"
        path.write_text(text)
        return open(path)

    def test_asks_at_a_terminal(self):
        self.format(self.disk)
        for answer, status in ((b"n\n", 1), (b"y\n", 0)):
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv(TOOL, ["thinback", "format", str(self.disk), "--name", "other", "--force"])
            os.write(terminal, answer)
            shown = b""
            try:
                while part := os.read(terminal, 4096):
                    shown += part
            except OSError:
                pass # what a terminal says when its last user is gone
            self.assertEqual(status, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown)
            self.assertIn(b"which holds thinback pool", shown)

    def test_damage(self):
        self.format(self.disk)
        with open(self.disk, "r+b") as file:
            file.write(os.urandom(64 << 20))
        done = self.thinback("check", self.disk)
        self.assertIn(done.returncode, (4, 8), done.stdout + done.stderr)

    def test_repair(self):
        self.format(self.disk)
        before = self.disk.read_bytes()
        self.expect(0, "check", self.disk, "--repair")
        self.assertEqual(before, self.disk.read_bytes())
        with open(self.disk, "r+b") as file:
            file.seek(17 * 4096 + 100) # the first checkpoint's superblock
            file.write(b"x")
        self.assertIn("fixable", self.expect(4, "check", self.disk).stdout)
        check = json.loads(self.expect(1, "check", self.disk, "--repair", "-J").stdout)["check"]
        self.assertEqual(("fixable", "clean", 1),
                         (check["class"], check["repair"]["class"], len(check["repair"]["mended"])))
        self.expect(0, "check", self.disk)

    def test_loop_device(self):
        device = self.loop(self.disk)
        self.expect(12, "format", self.disk, "--name", "tank")
        self.format(device)
        self.assertIn("tank", self.expect(0, "probe", device).stdout)
        self.expect(0, "check", device)

    def test_held_device(self):
        device = self.loop(self.disk)
        descriptor = os.open(device, os.O_RDONLY | os.O_EXCL)
        self.addCleanup(os.close, descriptor)
        self.assertIn("in use", self.expect(12, "format", device, "--name", "tank").stderr)
        self.expect(8, "check", device)
        self.expect(10, "probe", device)

    def test_mounted_device(self):
        device = self.loop(self.disk)
        mkfs = shutil.which("mkfs.ext4", path="/usr/sbin:/sbin")
        if not mkfs or run(mkfs, "-q", device).returncode:
            self.skipTest("no mkfs.ext4")
        where = self.folder / "mounted"
        where.mkdir()
        if run("mount", device, where).returncode:
            self.skipTest("may not mount")
        try:
            done = self.expect(12, "format", device, "--name", "tank", "--force", "--yes")
            self.assertIn(f"mounted on {where}", done.stderr)
        finally:
            run("umount", where)

    def test_full_output(self):
        self.format(self.disk)
        with open("/dev/full", "w") as full:
            import subprocess
            done = subprocess.run([TOOL, "probe", self.disk], stdout=full, stderr=subprocess.PIPE,
                                  text=True, check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("output", done.stderr)

    def test_without_the_module(self):
        if pathlib.Path("/dev/thinback-control").exists():
            self.skipTest("the module is loaded")
        done = self.expect(1, "list")
        self.assertRegex(done.stderr, re.compile(r"not loaded\n  modprobe xen-thinback$", re.M))
