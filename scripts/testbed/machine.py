# SPDX-License-Identifier: GPL-2.0
"""One emulated machine: Xen, a dom0 and its disks, watched until it ends. Without Xen if need be."""
import os
import re
import struct
import subprocess
import time
from dataclasses import dataclass, field

import powercut

XEN_ARGS = ("console=com1 com1=115200,8n1 noreboot=1 sched=credit spec-ctrl=no spec-ctrl=eager-fpu xpti=no "
            "dom0_mem={dom0}M,max:{dom0}M dom0_max_vcpus={cpus}")
# A busy host may let a virtual CPU wait for half a minute: that is no lockup.
DOM0_ARGS = ("loglevel=5 mitigations=off panic=-1 watchdog_thresh=60 "
             "rcupdate.rcu_cpu_stall_timeout=240")
# SMAP faults the iret of a PV kernel under emulation: dom0 would die at once.
CPU = "max,-smap"
# Each turn of a string instruction counts: by words then, so that copies cost about what they do elsewhere.
CPU_COUNTED = ",-erms,-fsrm"
# What a kernel says when something is wrong with it. Guests' consoles count too.
TROUBLE = re.compile(
    r"\bBUG:|\bWARNING:|\bOops\b|general protection|Kernel panic|possible (circular|recursive) locking|"
    r"possible irq lock inversion|INFO: task .* blocked|rcu.*self-detected stall|rcu.*detected stalls|KASAN|"
    r"UBSAN:|scheduling while atomic|sleeping function called|refcount_t:|list_(add|del) corruption|"
    r"unable to handle|inconsistent lock state|Bad page state|soft lockup|\(XEN\).*(FATAL|Assertion)|"
    r"kmem_cache_destroy.*still has objects|ODEBUG:|DEBUG_LOCKS_WARN_ON|suspicious RCU usage")


@dataclass
class Disk:
    """A raw sparse file; with @parts, sizes in MiB, an MBR table with that many primary partitions.

    A volatile disk loses at a power cut what was not flushed, but for its last @safe MiB. With @cuts it is the place
    for what the disk before it would have been after so many earlier cuts.
    """
    size: int
    parts: list = field(default_factory=list)
    volatile: bool = False
    safe: int = 0
    cuts: int = 0
    path: str = ""

    def make(self):
        with open(self.path, "wb") as file:
            file.truncate(self.size << 20)
            if self.parts:
                file.write(partition_table(self.parts, self.size))


def partition_table(parts, size):
    """A disk's first sector. The last partition may say 0: all that is left."""
    start, entries = 1, b""
    for part in parts:
        part = part or size - start
        entries += struct.pack("<B3sB3sII", 0, b"\0\2\0", 0x83, b"\0\2\0", start << 11, part << 11)
        start += part
    if len(parts) > 4 or start > size:
        raise ValueError(f"partitions {parts} do not fit a disk of {size} MiB")
    return bytes(446) + entries.ljust(64, b"\0") + b"\x55\xaa"


@dataclass
class Machine:
    """What to boot, and where its files are."""
    folder: str
    images: dict
    initramfs: str
    disks: list
    memory: int = 4096
    dom0: int = 2048
    cpus: int = 2
    cache: str = "unsafe"
    icount: bool = False
    boot_args: str = ""
    xen: bool = True

    def __post_init__(self):
        self.cpus = 1 if self.icount else self.cpus
        self.console = f"{self.folder}/console.log"
        self.results = f"{self.folder}/results"

    def accelerator(self):
        if self.icount:
            # Guest time counts instructions: the same run gives the same figures.
            return ["-accel", "tcg,thread=single,tb-size=512", "-icount", "shift=1,sleep=off,align=off"]
        return ["-accel", "tcg,thread=multi,tb-size=512"]

    def command(self, words, interactive=False):
        images = self.images
        # Commas part modules; one inside an argument is doubled.
        dom0 = f"console={'hvc0' if self.xen else 'ttyS0'} {DOM0_ARGS} {self.boot_args} {' '.join(words)}"
        modules = f"{images['dom0-vmlinux']} {dom0}".replace(",", ",,")
        command = ["qemu-system-x86_64", "-machine", "q35,smm=off", *self.accelerator(), "-smp",
                   str(self.cpus), "-cpu", CPU + (CPU_COUNTED if self.icount else ""), "-m", str(self.memory), "-display", "none", "-no-reboot", "-nic", "none",
                   *(["-kernel", images["xen"], "-initrd", f"{modules},{self.initramfs}",
                      "-append", XEN_ARGS.format(dom0=self.dom0, cpus=self.cpus)] if self.xen else
                     ["-kernel", images["dom0-image"], "-initrd", self.initramfs, "-append", dom0])]
        command += ["-device", "virtio-serial-pci", "-chardev", f"file,id=results,path={self.results}",
                    "-device", "virtserialport,chardev=results,name=results"]
        for index, disk in enumerate(self.disks):
            command += powercut.options(index, disk.path) if disk.volatile else [
                "-drive", f"if=none,id=d{index},file={disk.path},format=raw,cache={self.cache},discard=unmap"]
            command += ["-device", f"virtio-blk-pci,drive=d{index},serial=d{index},write-cache=on"]
        if interactive:
            return command + ["-serial", "mon:stdio"]
        return command + ["-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console",
                          "-monitor", "none"]

    def shell(self):
        return subprocess.run(self.command(["tbed.shell=1"], interactive=True), check=False).returncode

    def start(self, words):
        open(self.results, "wb").close()
        with open(f"{self.folder}/qemu.log", "ab") as log:
            return subprocess.Popen(self.command(words), stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def stop(process, gently):
    """Ends the emulator: at once, or after it has written down the requests it has."""
    if gently:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            pass
    process.kill()
    process.wait()


class Tail:
    """The whole lines that a growing file gains."""

    def __init__(self, path, offset=0):
        self.path, self.offset, self.rest = path, offset, ""

    def lines(self):
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                new = file.read()
        except FileNotFoundError:
            return []
        self.offset += len(new)
        *lines, self.rest = (self.rest + new.decode(errors="replace")).split("\n")
        return [line.rstrip("\r") for line in lines]


def watch(machine, process, timeout, silence, on_result, on_console):
    """Feeds lines to the callbacks until on_result() says to stop; returns why it stopped."""
    start = active = time.monotonic()
    results = Tail(machine.results)
    console = Tail(machine.console, os.path.getsize(machine.console) if os.path.exists(machine.console) else 0)
    while True:
        dead = process.poll() is not None
        printed, reported = console.lines(), results.lines()
        for line in printed:
            on_console(line)
        for line in reported:
            if reason := on_result(line):
                return reason
        now = time.monotonic()
        active = now if printed or reported else active
        if dead:
            return "the emulator ended"
        if now - start > timeout:
            return f"not done after {timeout} s"
        if now - active > silence:
            return f"silent for {silence} s"
        time.sleep(0.1)
