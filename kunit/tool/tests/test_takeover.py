# SPDX-License-Identifier: GPL-2.0
"""thinback-takeover, with xenstore, the bus and both drivers pretended: moves, what is refused, what fails."""

import fcntl
import os
import pathlib
import shutil
import tempfile
import unittest

from places import SCRIPTS, run

# What the kernel makes of bind and unbind: done before xenstore answers.
KERNEL = """
for name in vbd thinback; do
    folder=$SYS/bus/xen-backend/drivers/$name
    if [ -s $folder/unbind ]; then
        disk=$(cat $folder/unbind); : >$folder/unbind
        rm $SYS/bus/xen-backend/devices/$disk/driver
        [ ! -e $STATE/detach ] || rm -r $SYS/bus/xen-backend/devices/$disk
    fi
    [ -s $folder/bind ] || continue
    disk=$(cat $folder/bind); : >$folder/bind
    echo "$disk $name $(cat $SYS/module/xen_blkback/parameters/feature_persistent)" >>$STATE/log
    [ -e $SYS/bus/xen-backend/devices/$disk ] || continue
    ln -s ../../drivers/$name $SYS/bus/xen-backend/devices/$disk/driver
    place=$(echo ${disk#vbd-} | tr - /)
    echo 4 >$STORE/backend/vbd/$place/state
    if [ -e $STATE/$name-refuses ]; then
        echo 2 >$STORE/backend/vbd/$place/state
        mkdir -p $STORE/error/backend/vbd/$place
        echo "16 it does not work" >$STORE/error/backend/vbd/$place/error
    elif [ -e $STATE/$name-waits ]; then
        echo 2 >$STORE/backend/vbd/$place/state
    fi
done
"""
PROGRAMS = {
    "xenstore-read": "kernel\ncat $STORE/$1 2>/dev/null\n",
    "xenstore-rm": "kernel\nrm -r $STORE/$1 2>/dev/null\n",
    "modprobe": 'echo "modprobe $*" >>$STATE/log\n[ ! -e $STATE/no-module ] || { echo "no such module" >&2; exit 1; }\n'
                "case $1 in xen-blkback) name=vbd ;; *) name=thinback ;; esac\n"
                "mkdir -p $SYS/bus/xen-backend/drivers/$name\n",
    "insmod": 'echo "insmod $*" >>$STATE/log\n[ ! -e $STATE/no-module ] || { echo "bad module" >&2; exit 1; }\n',
    "rmmod": 'echo "rmmod $*" >>$STATE/log\n[ ! -e $STATE/in-use ] || { echo "it is in use" >&2; exit 1; }\n',
    "logger": 'echo "$*" >>$STATE/syslog\n',
    "kernel": KERNEL,
}


class Takeover(unittest.TestCase):
    def setUp(self):
        self.state = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.state)
        self.sys = self.state / "sys"
        self.bus = self.sys / "bus/xen-backend"
        for name, text in PROGRAMS.items():
            self.put(f"bin/{name}", f"#!/bin/bash\n{text}").chmod(0o755)
        for folder in ("drivers/vbd", "drivers/thinback", "devices"):
            (self.bus / folder).mkdir(parents=True)
        for name, value in (("feature_persistent", "Y"), ("max_queues", 4), ("max_ring_page_order", 1)):
            self.put(f"sys/module/xen_blkback/parameters/{name}", value)
        self.put("sys/module/xen_blkback/refcnt", 0)
        self.put("mounts", "36 35 8:1 / /home rw - ext4 /dev/sda1 rw")
        self.disk(5, 51712, "web1", "xvda")
        self.disk(5, 51728, "web1", "xvdb")
        self.disk(15, 51712, "db", "xvda", driver="thinback")

    def put(self, name, value):
        path = self.state / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")
        return path

    def disk(self, domid, devid, guest, vdev, driver="vbd"):
        device = self.bus / f"devices/vbd-{domid}-{devid}"
        device.mkdir()
        (device / "driver").symlink_to(f"../../drivers/{driver}")
        number = len(list((self.bus / "devices").iterdir()))
        frontend = f"/local/domain/{domid}/device/vbd/{devid}"
        self.put(f"store/local/domain/{domid}/name", guest)
        self.put(f"store/{frontend}/feature-persistent", 1)
        for key, value in (("dev", vdev), ("state", 4), ("online", 1), ("mode", "w"), ("frontend", frontend),
                           ("physical-device", f"fd:{number:x}"), ("feature-persistent", 1)):
            self.key(domid, devid, **{key: value})
        self.put(f"sys/dev/block/253:{number}/dev", f"253:{number}")
        self.put(f"sys/dev/block/253:{number}/uevent", f"DEVNAME=dm-{number}")

    def key(self, domid, devid, **keys):
        for name, value in keys.items():
            self.put(f"store/backend/vbd/{domid}/{devid}/{name}", value)

    def drivers(self):
        return {path.name: os.readlink(path / "driver").rsplit("/", 1)[1] if (path / "driver").is_symlink() else None
                for path in (self.bus / "devices").iterdir()}

    def log(self):
        log = self.state / "log"
        return log.read_text().splitlines() if log.exists() else []

    def takeover(self, *arguments, status=0):
        environment = {**os.environ, "PATH": f"{self.state}/bin:{os.environ['PATH']}", "STATE": str(self.state),
                       "STORE": str(self.state / "store"), "SYS": str(self.sys), "THINBACK_TAKEOVER_SYS": str(self.sys),
                       "THINBACK_TAKEOVER_MOUNTS": str(self.state / "mounts"),
                       "THINBACK_TAKEOVER_LOCK": str(self.state / "lock")}
        done = run(SCRIPTS / "thinback-takeover", *arguments, env=environment)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return done

    def refused(self, status, text, *arguments):
        """Nothing is moved."""
        before = self.drivers()
        self.assertIn(text, self.takeover(*arguments, status=status).stderr)
        self.assertEqual((before, []), (self.drivers(), self.log()))

    def test_one_disk(self):
        done = self.takeover("web1", "xvdb")
        self.assertEqual("web1 xvdb: xen-blkback -> xen-thinback\n", done.stdout)
        self.assertIn(done.stdout.strip(), (self.state / "syslog").read_text())
        self.assertEqual({"vbd-5-51712": "vbd", "vbd-5-51728": "thinback", "vbd-15-51712": "thinback"}, self.drivers())

    def test_a_guest_by_number_and_back(self):
        done = self.takeover("5")
        self.assertEqual({"thinback"}, set(self.drivers().values()))
        self.assertIn("rmmod xen-blkback", done.stdout)
        self.takeover("--back", "5")
        self.assertEqual({"vbd-5-51712": "vbd", "vbd-5-51728": "vbd", "vbd-15-51712": "thinback"}, self.drivers())

    def test_all(self):
        self.takeover("--all")
        self.assertEqual({"thinback"}, set(self.drivers().values()))
        self.takeover("--back", "--all")
        self.assertEqual({"vbd"}, set(self.drivers().values()))

    def test_nothing_to_do(self):
        self.assertIn("nothing to move", self.takeover("db").stdout)
        self.assertEqual([], self.log())

    def test_dry_run(self):
        self.assertEqual("would move web1 xvda to xen-thinback\nwould move web1 xvdb to xen-thinback\n",
                         self.takeover("--dry-run", "--all").stdout)
        self.assertEqual([], self.log())

    def test_module_is_loaded(self):
        (self.bus / "drivers/thinback").rmdir()
        (self.bus / "devices/vbd-15-51712/driver").unlink()
        self.put("no-module", "")
        self.assertIn("no such module", self.takeover("web1", status=1).stderr)
        (self.state / "no-module").unlink()
        self.takeover("web1", "xvda")
        self.assertEqual("thinback", self.drivers()["vbd-5-51712"])

    def test_without_a_driver(self):
        (self.bus / "devices/vbd-5-51728/driver").unlink()
        self.takeover("web1", "xvdb")
        self.assertEqual("thinback", self.drivers()["vbd-5-51728"])

    def test_what_fails_goes_back(self):
        self.put("thinback-refuses", "")
        done = self.takeover("web1", status=1)
        self.assertIn("it does not work", done.stderr)
        self.assertIn("back with xen-blkback", done.stderr)
        self.assertIn("0 of 2 disks were moved", done.stderr)
        self.assertEqual({"vbd-5-51712": "vbd", "vbd-5-51728": "vbd", "vbd-15-51712": "thinback"}, self.drivers())
        self.assertEqual(["thinback", "vbd"], [line.split()[1] for line in self.log()])

    def test_not_back_while_blkback_is_not_done(self):
        self.put("thinback-refuses", "")
        self.put("sys/module/xen_blkback/refcnt", 3)
        self.assertIn("still waits", self.takeover("--timeout", "0", "web1", "xvda", status=1).stderr)
        self.assertEqual(["thinback"], [line.split()[1] for line in self.log()])

    def test_blkback_takes_its_time(self):
        self.put("thinback-waits", "")
        self.assertIn("Nothing is lost", self.takeover("--timeout=0", "web1", status=12).stderr)
        self.assertEqual({"vbd-5-51712": "thinback", "vbd-5-51728": "vbd", "vbd-15-51712": "thinback"}, self.drivers())

    def test_detached_meanwhile(self):
        self.put("detach", "")
        self.assertIn("has been detached", self.takeover("web1", "xvda").stdout)

    def test_not_persistent(self):
        self.key(15, 51712, **{"feature-persistent": 0})
        self.takeover("--back", "db")
        self.assertEqual(["vbd-15-51712 vbd N"], self.log())
        self.assertEqual("Y\n", (self.sys / "module/xen_blkback/parameters/feature_persistent").read_text())

    def test_volume(self):
        self.put("sys/dev/block/253:3/uevent", "DEVNAME=thinback/tank/db")
        self.refused(14, "db xvda: it is volume tank/db", "--back", "--all")
        self.refused(14, "db xvda: it is volume tank/db", "--upgrade")

    def test_more_than_blkback_allows(self):
        self.put("store/local/domain/15/device/vbd/51712/multi-queue-num-queues", 8)
        self.refused(14, "echo 8 >", "--back", "db")
        self.put("store/local/domain/15/device/vbd/51712/multi-queue-num-queues", 4)
        self.put("store/local/domain/15/device/vbd/51712/ring-page-order", 2)
        self.refused(14, "max_ring_page_order=2", "--back", "db")

    def test_in_use_in_dom0(self):
        self.put("sys/dev/block/253:1/part/dev", "8:1")
        self.put("sys/dev/block/253:1/part/partition", 1)
        self.refused(12, "for /home", "web1")
        self.key(5, 51712, mode="w!")
        self.takeover("web1")

    def test_held(self):
        (self.sys / "dev/block/253:2/holders/dm-9").mkdir(parents=True)
        self.refused(12, "web1 xvdb: its device is used in dom0, for dm-9", "--all")

    def test_secure(self):
        self.key(5, 51728, **{"discard-secure": 1})
        self.refused(14, "discard-secure", "web1")

    def test_coming_or_going(self):
        self.key(5, 51712, state=5)
        self.refused(12, "coming or going (state 5)", "web1")
        self.key(5, 51712, state=4, online=0)
        self.refused(12, "coming or going", "web1")

    def test_upgrade(self):
        self.put("sys/bus/xen-backend/devices/vbd-15-51712/iops_limit", 500)
        self.takeover("--upgrade", "--dry-run")
        self.assertEqual([], self.log())
        module = self.put("new.ko", "")
        self.takeover("--upgrade", module)
        self.assertEqual(["vbd-15-51712 vbd Y", "rmmod xen_thinback", f"insmod {module}", "vbd-15-51712 thinback Y"], self.log())
        self.assertEqual("500\n", (self.bus / "devices/vbd-15-51712/iops_limit").read_text())

    def test_upgrade_with_a_pool(self):
        (self.sys / "fs/thinback/tank").mkdir(parents=True)
        self.refused(12, "thinback detach tank", "--upgrade")

    def test_upgrade_fails(self):
        self.put("no-module", "")
        self.assertIn("xen-blkback has the disks", self.takeover("--upgrade", status=1).stderr)
        self.assertEqual({"vbd"}, set(self.drivers().values()))

    def test_upgrade_in_use(self):
        self.put("in-use", "")
        self.assertIn("it is in use", self.takeover("--upgrade", status=12).stderr)
        self.assertEqual("thinback", self.drivers()["vbd-15-51712"])

    def test_nobody(self):
        self.refused(10, "xl list", "nobody")
        self.refused(10, "xl block-list web1", "web1", "xvdz")
        self.refused(10, "no such module", "--upgrade", "/nowhere.ko")

    def test_one_at_a_time(self):
        with open(self.state / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused(12, "another thinback-takeover", "--all")

    def test_usage(self):
        for wrong in ([], ["a", "b", "c"], ["--all", "a"], ["--all", "--upgrade"], ["--upgrade", "--back"], ["--timeout"],
                      ["--timeout", "x", "a"], ["--so", "a"]):
            with self.subTest(wrong):
                self.assertIn("usage: thinback-takeover", self.takeover(*wrong, status=2).stderr)
        self.assertIn("usage: thinback-takeover", self.takeover("--help").stdout)
