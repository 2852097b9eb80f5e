#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs scenarios in a real dom0, on real Xen, under emulation.

A scenario is a bash script which dom0 runs as root, with lib.sh at hand. Lines
of its head comment tell what it wants:

    # bed: disk 1024                a disk (MiB): /dev/vda, the next /dev/vdb, ...
    # bed: disk 4096 parts=1024,0   with partitions; 0 is all that is left
    # bed: disk 1024 volatile       what it was not told to flush may be lost at a power_cut
    # bed: disk 1024 volatile safe=4    the same, but for its last 4 MiB
    # bed: disk 9000 cuts=99        after a power_cut, what cuts at 99 earlier moments would have left of the disk before
                                    it is made too: `thinback check` has to find a sound pool on each, and as many as
                                    fit here, one after the other, are for the next boot to judge
    # bed: timeout 1800             seconds for the whole run (default 900)
    # bed: silence 600              seconds without a line before it counts as hung (default 300)
    # bed: dom0 2048                dom0's memory in MiB
    # bed: memory 4096              the machine's
    # bed: needs thinback           the module, the command line and the scripts of this tree
    # bed: needs fio                fio in dom0
    # bed: needs guest-fio          the guest image fio, with fio and e2fsprogs
    # bed: needs stock-guests       guests have Debian's kernel, whose frontend is a module and can be left out
    # bed: needs hostile            kunit/hostile in /usr/bin
    # bed: needs loaders            GRUBs in /testbed, and the guests' kernel as they take it
    # bed: program stamps.c         a program in C, built without shared libraries, in /usr/bin
    # bed: allow REGEX              kernel complaints that are no failure
    # bed: without xen              dom0's kernel on the machine itself

It reports with ok, not_ok and check; a kernel that complains is a failure too.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

sys.dont_write_bytecode = True
import cpio  # noqa: E402
import images  # noqa: E402
import loaders  # noqa: E402
import machine  # noqa: E402
import powercut  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))


@dataclass
class Scenario:
    """A script and what its head asks for."""
    path: str
    disks: list = field(default_factory=list)
    numbers: dict = field(default_factory=lambda: {"timeout": 900, "silence": 300, "dom0": 2048, "memory": 4096})
    allow: list = field(default_factory=list)
    needs: set = field(default_factory=set)
    programs: list = field(default_factory=list)
    xen: bool = True

    @property
    def name(self):
        return os.path.basename(self.path).removesuffix(".sh")

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            for line in file:
                if match := re.match(r"# bed: (\w+) (.*)", line):
                    self.directive(match[1], match[2].strip())
        return self

    def directive(self, key, value):
        if key == "disk":
            self.disks.append(disk_of(value))
        elif key in self.numbers:
            self.numbers[key] = int(value)
        elif key == "allow":
            self.allow.append(re.compile(value))
        elif key == "needs":
            self.needs.add(value)
        elif key == "program":
            self.programs.append(value)
        elif key == "without" and value == "xen":
            self.xen = False
        else:
            raise ValueError(f"{self.path}: no such directive: {key}")


def disk_of(words):
    """The disk that "SIZE [parts=N,...] [volatile [safe=N]] [cuts=N]" describes."""
    size, *rest = words.split()
    values = dict(word.split("=") for word in rest if "=" in word)
    parts = [int(part) for part in values.get("parts", "").split(",") if part]
    return machine.Disk(int(size), parts, "volatile" in rest, int(values.get("safe", 0)), int(values.get("cuts", 0)))


class Report:
    """Counts results; prints them as they come."""

    def __init__(self, scenario):
        self.scenario = scenario
        self.passed = self.failed = 0
        self.cut = self.complaints = 0

    def fail(self, what):
        self.failed += 1
        print(f"not ok {self.scenario.name}: {what}", flush=True)

    def result(self, line):
        word, _, rest = line.removeprefix("TBED ").partition(" ")
        if word == "ok":
            self.passed += 1
            print(f"ok {self.scenario.name}: {rest}", flush=True)
        elif word == "not":
            self.fail(rest.removeprefix("ok "))
        elif word == "say":
            print(f"# {rest}", flush=True)
        elif word == "end" and rest != "0":
            self.fail(f"the scenario ended with status {rest}")
        return word if word in ("cut", "end") else None

    def console(self, line):
        if not machine.TROUBLE.search(line) or any(allowed.search(line) for allowed in self.scenario.allow):
            return
        self.complaints += 1
        if self.complaints <= 5:
            self.fail(f"kernel: {line.strip()}")


def product(folder, kernel):
    """Builds this tree for dom0's @kernel and installs it into @folder."""
    built = images.run(f"{HERE}/build-for", kernel.headers(), f"{TREE}/build/for-{kernel.release}").strip()
    module = f"{folder}/lib/modules/{kernel.release}/updates"
    os.makedirs(module)
    shutil.copy(f"{built}/xen-thinback.ko", module)
    subprocess.run(["make", "-s", "-C", TREE, "install-tools", f"DESTDIR={folder}"], check=True, stdout=sys.stderr)


def build_program(folder, name):
    """Builds a program of the bed; returns its path."""
    program = f"{folder}/{name.removesuffix('.c')}"
    subprocess.run(["gcc-12", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", program,
                    f"{HERE}/{name}"], check=True)
    return program


def overlay(archive, scenario, boot, args, roots):
    """What differs from run to run: the scenario, and what is under test."""
    archive.copy(boot["guest-vmlinux"], "testbed/guest-vmlinux")
    if "loaders" in scenario.needs:
        archive.copy(boot["guest-image"], "testbed/guest-vmlinuz")
    for name in ["mini", "fio"] if "guest-fio" in scenario.needs else ["mini"]:
        archive.copy(boot[name], f"testbed/{name}.cpio")
    archive.copy(f"{HERE}/dom0-init", "init")
    archive.copy(f"{HERE}/lib.sh", "testbed/lib.sh")
    if scenario.path:
        archive.copy(scenario.path, "testbed/scenario.sh")
    files = []
    for extra in args.file:
        source, _, target = extra.partition(":")
        files.append((source, target or f"/usr/bin/{os.path.basename(source)}"))
    for root in roots:
        files += [(path, "/" + os.path.relpath(path, root)) for path in tree_files(root)]
    for source, target in files:
        archive.copy(source, merged(target))
    for path in cpio.libraries([source for source, _ in files if not source.endswith(".ko")]):
        archive.host(path)


def merged(path):
    """/lib is a link to /usr/lib in dom0: an archive must not make a folder of it."""
    return "/usr" + path if re.match(r"/(s?bin|lib|lib64)/", path) else path


def tree_files(root):
    return [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names]


def initramfs(folder, scenario, boot, args, roots):
    path = f"{folder}/initramfs"
    with open(path, "wb") as file:
        for name in ["dom0", "dom0-fio"] if "fio" in scenario.needs else ["dom0"]:
            with open(boot[name], "rb") as base:
                shutil.copyfileobj(base, file, 1 << 20)
        archive = cpio.Archive(file)
        overlay(archive, scenario, boot, args, roots)
        archive.close()
    return path


def prepare(scenario, args, folder):
    """The machine for one scenario, its disks new unless kept ones are there."""
    stock = args.stock_guests or "stock-guests" in scenario.needs
    guest = images.Kernel() if stock else images.lean_guest()
    kernel = images.Kernel(args.kernel_build, args.dom0_kernel)
    boot = images.make_all(kernel, guest)
    roots = list(args.root)
    if "thinback" in scenario.needs and not roots:
        product(f"{folder}/product", kernel)
        roots = [f"{folder}/product"]
    programs = [build_program(folder, name) for name in scenario.programs]
    if "hostile" in scenario.needs:
        subprocess.run(["make", "-s", "-C", TREE, "build/hostile"], check=True, stdout=sys.stderr)
        programs.append(f"{TREE}/build/hostile")
    if "loaders" in scenario.needs:
        programs += loaders.make(folder)
    args = argparse.Namespace(**{**vars(args), "file": [*args.file, *programs]})
    for index, wanted in enumerate(scenario.disks):
        wanted.path = os.path.join(args.disks or folder, f"{scenario.name}-disk{index}")
        if not (args.disks and os.path.exists(wanted.path)):
            wanted.make()
    return machine.Machine(folder, boot, initramfs(folder, scenario, boot, args, roots), scenario.disks,
                           memory=scenario.numbers["memory"], dom0=scenario.numbers["dom0"], cpus=args.cpus,
                           cache=args.cache, icount=args.icount, boot_args=args.boot_args, xen=scenario.xen)


def earlier_cuts(cutter, disk, target, report, keep):
    """Lets `thinback check` judge what cuts at earlier moments left of @disk; fills @target with some of that."""
    image, every = f"{disk.path}.cut", max(1, -(-target.cuts * disk.size // target.size))
    sound = 0
    with open(target.path, "r+b") as kept:
        kept.truncate(0)
        kept.truncate(target.size << 20)
        for index, moment in enumerate(cutter.moments(target.cuts)):
            said = cutter.earlier(moment, image)
            checked = subprocess.run([f"{TREE}/build/thinback", "check", image], capture_output=True, text=True, check=False)
            if checked.returncode:
                # The first is kept.
                if sound == index:
                    shutil.copy(image, f"{keep}/cut.img")
                report.fail(f"thinback check after a cut at {said}: {checked.stdout[-300:]} {checked.stderr[-300:]}")
            sound += checked.returncode == 0
            if index % every == 0:
                powercut.copy_into(image, kept, (index // every * disk.size) << 20)
                print(f"# {target.path}, place {index // every}: {said}", flush=True)
    os.unlink(image)
    report.passed += sound
    print(f"ok thinback check after each of {sound} power cuts", flush=True)


def cut_power(box, ends, seed, report, keep):
    for disk, following in zip(box.disks, [*box.disks[1:], None]):
        if not disk.volatile:
            continue
        with powercut.Cutter(disk.path, ends[disk.path], seed, disk.safe << 20) as cutter:
            if following and following.cuts:
                earlier_cuts(cutter, disk, following, report, keep)
            print(f"# power cut: {cutter.finish()} (seed {seed})", flush=True)


def boot_until_end(scenario, report, box, seed):
    """Boots, and again after each power cut, until the scenario ends."""
    boots = 1
    while True:
        process = box.start([f"tbed.boot={boots}", f"tbed.seed={seed}"])
        reason, ends = "told to stop", {}
        try:
            reason = machine.watch(box, process, scenario.numbers["timeout"], scenario.numbers["silence"],
                                   report.result, report.console)
            ends = {disk.path: powercut.mark(disk.path) for disk in box.disks if disk.volatile}
        finally:
            machine.stop(process, gently=reason == "cut")
        if reason != "cut":
            return reason
        cut_power(box, ends, seed + boots, report, os.path.dirname(box.console))
        boots += 1


def run(path, args):
    scenario = Scenario(path).read()
    report = Report(scenario)
    started = time.monotonic()
    logs = os.path.join(args.logs, scenario.name)
    os.makedirs(logs, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="testbed.", dir=args.scratch) as folder:
        box = prepare(scenario, args, folder)
        box.console = f"{logs}/console.log"
        open(box.console, "wb").close()
        reason = boot_until_end(scenario, report, box, args.seed)
        shutil.copy(f"{folder}/qemu.log", logs)
    if reason != "end":
        report.fail(reason)
    print(f"# {scenario.name}: {time.monotonic() - started:.0f} s, console in {box.console}")
    return report


def shell(args):
    scenario = Scenario(args.scenarios[0]).read() if args.scenarios else Scenario("")
    with tempfile.TemporaryDirectory(prefix="testbed.", dir=args.scratch) as folder:
        box = prepare(scenario, args, folder)
        print("testbed: bash in dom0 follows; ctrl-a x ends the machine", file=sys.stderr)
        return box.shell()


def arguments(words=None):
    """Of the command line, or of words in its place."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO.sh")
    parser.add_argument("--shell", action="store_true", help="an interactive bash in dom0 instead of the scenario")
    parser.add_argument("--file", action="append", default=[], metavar="SOURCE[:PATH]",
                        help="copy a file (a program with its libraries) into dom0, to /usr/bin unless PATH is given")
    parser.add_argument("--root", action="append", default=[], metavar="FOLDER",
                        help="copy a tree into dom0, say one filled by make install DESTDIR=FOLDER; "
                        "without it, 'needs thinback' runs make install itself")
    parser.add_argument("--dom0-kernel", metavar="VERSION", default="6.1",
                        help="dom0's kernel is Debian's newest of that version, say 6.12 (default 6.1)")
    parser.add_argument("--kernel-build", metavar="FOLDER", help="dom0's kernel, as x86-kernel prints it")
    parser.add_argument("--stock-guests", action="store_true",
                        help="guests get Debian's kernel even where x86-kernel built a lean one")
    parser.add_argument("--disks", metavar="FOLDER", help="keep the disks there, and use those found there")
    parser.add_argument("--logs", metavar="FOLDER", default=f"{TREE}/build/testbed", help="default build/testbed")
    parser.add_argument("--scratch", metavar="FOLDER", help="where temporary files go, 300 MiB a run")
    parser.add_argument("--cache", default="unsafe", help="qemu's cache mode of the disks (default unsafe)")
    parser.add_argument("--boot-args", default="", help="more arguments for dom0's kernel")
    parser.add_argument("--seed", type=int, default=1, help="what a power cut leaves, and $TBED_seed (default 1)")
    parser.add_argument("--cpus", type=int, default=2, help="of the machine and of dom0 (default 2)")
    parser.add_argument("--icount", action="store_true", help="time counts instructions, one CPU: figures repeat")
    return parser.parse_args(words)


def main():
    args = arguments()
    # A bed that is told to go takes its emulator and its files along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if args.shell:
        return shell(args)
    reports = [run(path, args) for path in args.scenarios]
    passed, failed = sum(report.passed for report in reports), sum(report.failed for report in reports)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (FileNotFoundError, subprocess.CalledProcessError) as problem:
        print(f"bed: {problem}; have scripts/packages build testbed been run?", file=sys.stderr)
        sys.exit(1)
