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

    def dump_of_many(self, extents, clones):
        """A volume of many extents, its snapshot, and clones; on this disk."""
        journal, blocks = 1024, (512 << 20) >> 12
        fields = dict.fromkeys(("id", "parent", "flags", "size", "since", "generation", "own", "mapped",
                                "created", "merged", "merge_gone", "quota", "reserve", "on_full",
                                "full_wait"), 0)
        uuid = "01020304-0506-4708-890a-0b0c0d0e0f10"

        def thing(number, **more):
            return {"volume": None, "uuid": uuid, **fields, "id": number, "size": blocks,
                    "mapped": extents, **more}

        def child(number, name):
            return thing(number, name=name, parent=2, since=1)

        things = [child(1, "base"),
                  thing(2, name="s", volume="base", flags=1, generation=1, own=extents)]
        things += [child(3 + i, f"clone{i}") for i in range(clones)]
        first = 8200 + journal
        trees = [{"id": 2, "extents": [[2 * i, 1, 1, first + 2 * i, 1] for i in range(extents)]}]
        trees += [{"id": one["id"], "extents": [[0, 1 << 40, 0]]} for one in things if one["id"] != 2]
        pool = {"name": "tank", "uuid": uuid, "blocks": blocks, "journal_blocks": journal,
                "journal_next": 7, "generation": 2, "checkpoint": 100, "created": 1, "policy": 0, "discard_rate": 0,
                "next_id": 3 + clones, "low": 0, "critical": 0}
        return {"format": "thinback-dump", "version": 1, "block": 4096, "pool": pool,
                "objects": things, "trees": trees, "lost": []}

    def write_dump(self, dump):
        path = self.folder / "dump.json"
        path.write_text(json.dumps(dump))
        return path

    def test_dump_and_restore(self):
        dump = self.dump_of_many(40000, 300)
        self.expect(0, "restore", self.write_dump(dump), self.disk)
        check = json.loads(self.expect(0, "check", self.disk, "-J").stdout)["check"]
        self.assertEqual((True, 301, 1, 40000),
                         tuple(check[key] for key in ("clean", "volumes", "snapshots", "extents")))
        again = json.loads(self.expect(0, "dump", self.disk).stdout)
        for key in ("checkpoint", "journal_next"):
            self.assertGreater(again["pool"].pop(key), dump["pool"].pop(key))
        self.assertEqual(dump, again)
        path = self.folder / "tank.json"
        done = json.loads(self.expect(0, "dump", self.disk, "--output", path, "-J").stdout)["dump"]
        self.assertEqual((301, 1, 40301, []),
                         tuple(done[key] for key in ("volumes", "snapshots", "extents", "lost")))
        self.expect(14, "restore", path, self.disk)
        with open(self.disk, "r+b") as file:
            file.write(bytes(64 << 10 << 1)) # one ring of superblocks
            file.seek(32 << 20)
            file.write(bytes(64 << 10)) # and the other
        self.expect(4, "check", self.disk)
        self.expect(0, "restore", path, self.disk)
        self.expect(0, "check", self.disk)

    def test_restore_refuses(self):
        for place, value, reason in (((2, "own"), 1, "blocks of its own and is said to have 1"),
                                     ((2, "parent"), 5, "its parent is no snapshot"),
                                     ((1, "name"), "clone0", "two of that name")):
            with self.subTest(reason):
                dump = self.dump_of_many(50, 2)
                {one["id"]: one for one in dump["objects"]}[place[0]][place[1]] = value
                before = self.disk.stat().st_blocks
                done = self.expect(17, "restore", self.write_dump(dump), self.disk)
                self.assertIn(reason, done.stderr)
                self.assertEqual(before, self.disk.stat().st_blocks)
        dump = self.dump_of_many(50, 2)
        dump["trees"][0]["extents"][7][3] = dump["trees"][0]["extents"][5][3]
        done = self.expect(17, "restore", self.write_dump(dump), self.disk)
        self.assertIn("trees[0].extents[7]: snapshot base@s: what starts at block 14 lies where "
                      "something else lies", done.stderr)

    def test_damaged_pool_is_dumped_in_part(self):
        self.expect(0, "restore", self.write_dump(self.dump_of_many(5000, 0)), self.disk)
        data = self.disk.read_bytes()
        leaf = next(at for at in range(0, len(data), 4096)
                    if data[at + 4:at + 8] == b"TBKN" and data[at + 46:at + 48] == b"\0\1")
        with open(self.disk, "r+b") as file:
            file.seek(leaf + 500)
            file.write(b"rubbish")
        path = self.folder / "part.json"
        done = self.expect(4, "dump", self.disk, "--output", path)
        self.assertRegex(done.stderr, r"snapshot base@s: blocks \d+ to \d+: tree node in block \d+: ")
        dump = json.loads(path.read_text())
        self.assertEqual(1, len(dump["lost"]))
        self.assertEqual(1, sum(extent[2] == 3 for tree in dump["trees"] for extent in tree["extents"]))
        self.expect(17, "restore", path, self.file("again", 512 << 20))
        self.expect(0, "restore", path, self.file("again", 512 << 20), "--force")
        self.expect(0, "check", self.folder / "again")

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
