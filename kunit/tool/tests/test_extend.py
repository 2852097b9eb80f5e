# SPDX-License-Identifier: GPL-2.0
"""thinback-extend, with LVM and the module pretended: one step, and what is refused."""

import fcntl
import os
import pathlib
import shutil
import tempfile
import unittest

from places import SCRIPTS, run

MIB = 1 << 20

# What each program does to the state in $STATE, a file for each number.
PROGRAMS = {
    "lvs": """
[ -e $STATE/lv ] || exit 0
echo "  vg0 tank $(cat $STATE/lv) $(cat $STATE/room)"
""",
    "lvextend": """
echo "lvextend $*" >>$STATE/log
[ ! -e $STATE/lvextend-fails ] || { echo "first line"; echo "  it cannot" >&2; exit 5; }
size=${3%b}
echo $(($(cat $STATE/room) - size + $(cat $STATE/lv))) >$STATE/room
echo $size >$STATE/lv
""",
    "thinback": """
echo "thinback $*" >>$STATE/log
[ ! -e $STATE/grow-fails ] || { echo "thinback: cannot grow tank: it has failed" >&2; exit 17; }
old=$(cat $STATE/sys/tank/size)
size=$(cat $STATE/lv 2>/dev/null || echo $old)
echo $size >$STATE/sys/tank/size
[ $size -lt $(cat $STATE/enough) ] || echo ok >$STATE/sys/tank/level
echo "tank has grown from $old to $size"
""",
    "logger": 'echo "$*" >>$STATE/syslog\n',
}


class Extend(unittest.TestCase):
    def setUp(self):
        self.state = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.state)
        (self.state / "sys/tank").mkdir(parents=True)
        (self.state / "bin").mkdir()
        for name, text in PROGRAMS.items():
            (self.state / "bin" / name).write_text(f"#!/bin/sh\n{text}")
            (self.state / "bin" / name).chmod(0o755)
        self.put(lv=1000 * MIB, room=5000 * MIB, enough=1050 * MIB)
        # Any device has numbers.
        self.put(folder="sys/tank", size=1000 * MIB, level="low", device="/dev/null")

    def put(self, folder=".", **files):
        for name, value in files.items():
            (self.state / folder / name).write_text(f"{value}\n")

    def number(self, name):
        return int((self.state / name).read_text())

    def log(self):
        log = self.state / "log"
        return log.read_text().splitlines() if log.exists() else []

    def extend(self, *arguments, status=0):
        environment = {
            **os.environ,
            "PATH": f"{self.state}/bin:{os.environ['PATH']}",
            "STATE": str(self.state),
            "THINBACK_SYSFS": str(self.state / "sys"),
            "THINBACK_EXTEND_LOCK": str(self.state / "lock"),
            "THINBACK_EXTEND_PATIENCE": "0",
            "THINBACK_EXTEND_SETTLE": "0",
        }
        done = run(SCRIPTS / "thinback-extend", *arguments, env=environment)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        if status not in (0, 2):
            self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        return done

    def test_ten_percent(self):
        done = self.extend("tank")
        self.assertEqual(1100 * MIB, self.number("lv"))
        self.assertEqual(1100 * MIB, self.number("sys/tank/size"))
        self.assertEqual("tank: extended vg0/tank from 1000M to 1.1G", done.stdout.splitlines()[0])
        syslog = (self.state / "syslog").read_text()
        self.assertIn("tank: extended vg0/tank", syslog)
        self.assertIn("tank: has grown", syslog)

    def test_size(self):
        self.extend("--by", "200M", "tank")
        self.assertEqual(1200 * MIB, self.number("lv"))

    def test_nothing_to_do(self):
        self.put(folder="sys/tank", level="ok")
        done = self.extend("tank")
        self.assertEqual(("", "", []), (done.stdout, done.stderr, self.log()))

    def test_what_was_extended_before_comes_first(self):
        self.put(lv=1060 * MIB)
        self.extend("tank")
        self.assertEqual(["thinback grow tank"], self.log())

    def test_another_step_while_it_is_no_better(self):
        self.put(enough=1250 * MIB, folder=".")
        self.extend("--by=100M", "tank")
        self.assertEqual(1300 * MIB, self.number("lv"))

    def test_max(self):
        self.extend("--by", "50%", "--max", "1200M", "tank")
        self.assertEqual(1200 * MIB, self.number("lv"))
        self.put(folder="sys/tank", level="low")
        self.put(enough=2000 * MIB)
        done = self.extend("--max", "1200M", "tank", status=16)
        self.assertIn("--max", done.stderr)
        self.assertEqual(1200 * MIB, self.number("lv"))

    def test_as_much_as_there_is(self):
        self.put(room=60 * MIB)
        self.extend("tank")
        self.assertEqual(1060 * MIB, self.number("lv"))

    def test_no_room(self):
        self.put(room=0)
        done = self.extend("tank", status=13)
        self.assertIn("vgextend vg0", done.stderr)
        self.assertIn("vgextend vg0", (self.state / "syslog").read_text())
        self.assertEqual(["thinback grow tank"], self.log())

    def test_no_logical_volume(self):
        (self.state / "lv").unlink()
        done = self.extend("tank", status=15)
        self.assertIn("/dev/null is no logical volume", done.stderr)

    def test_no_such_pool(self):
        done = self.extend("spare", status=10)
        self.assertIn("spare", done.stderr)
        self.assertEqual([], self.log())

    def test_one_at_a_time(self):
        with open(self.state / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.extend("tank", status=12)
        self.assertEqual([], self.log())

    def test_lvextend_fails(self):
        self.put(**{"lvextend-fails": ""})
        done = self.extend("tank", status=1)
        self.assertIn("vg0/tank cannot be extended:   it cannot", done.stderr)

    def test_grow_fails(self):
        self.put(**{"grow-fails": ""})
        done = self.extend("tank", status=1)
        self.assertIn("it has failed", done.stderr)

    def test_usage(self):
        for wrong in ([], ["a", "b"], ["--by", "x", "tank"], ["--by", "0%", "tank"], ["--by"],
                      ["--max", "1X", "tank"], ["--so", "tank"], ["../tank"]):
            with self.subTest(wrong):
                done = self.extend(*wrong, status=2)
                self.assertIn("usage: thinback-extend", done.stderr)
        self.assertIn("usage: thinback-extend", self.extend("--help").stdout)
