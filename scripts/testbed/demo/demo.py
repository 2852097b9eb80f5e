#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The demonstration, once its packages are there; started by scripts/demo.

Makes two Debian root file systems and the machine to show them on, lets dom0.sh
run in it, and tells which of the claims hold.
"""
import concurrent.futures
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import bed  # noqa: E402
import images  # noqa: E402
import machine  # noqa: E402
import screen  # noqa: E402

TREE = bed.TREE
LOGS = f"{TREE}/build/demo"
ROOTS = f"{images.CACHE}/demo"
SCENARIO = f"{HERE}/dom0.sh"
BASES = {"debian-12": "bookworm", "debian-13": "trixie"}
SCREENS = {"before": "thinback list tank --snapshots, before the first guest", "after": "thinback list tank, at the end"}
MIB = 1 << 20
NEEDS_DISK = 5 << 30
NEEDS_MEMORY = 3 << 30


class Trouble(Exception):
    """What stops the demonstration; its text says what would help."""


@dataclass
class Claim:
    text: str
    evidence: str
    holds: bool


def last_lines(path, count=15):
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join(f"| {line}" for line in file.readlines()[-count:])


def logged(name, command, hint):
    """Runs @command; what it says is for the log, and for the screen if it fails."""
    path = f"{LOGS}/{name}.log"
    with open(path, "wb") as log:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False).returncode
    if status:
        raise Trouble(f"{name} failed\n{last_lines(path)}all of it: {path}\n{hint}")


# --- what is built on the host ----------------------------------------------


def as_root(command):
    return command if os.geteuid() == 0 else ["sudo", "-n", *command]


def root_image(suite):
    """Where the image of @suite is kept: a name for each way of making it."""
    sources = b"".join(pathlib.Path(HERE, name).read_bytes() for name in ("make-root", "guest-job"))
    return f"{ROOTS}/{suite}-{hashlib.sha256(sources).hexdigest()[:12]}.ext4"


def make_root(show, base, suite):
    image = root_image(suite)
    if os.path.exists(image):
        return
    with show.step(f"{base}'s root file system, with mmdebstrap"):
        for old in pathlib.Path(ROOTS).glob(f"{suite}-*"):
            old.unlink()
        logged(base, as_root([f"{HERE}/make-root", suite, image]),
               "it takes packages from deb.debian.org; another mirror: DEMO_MIRROR=http://… scripts/demo")


def build(show, folder):
    """The module for dom0's kernel and the command line, as they would be installed."""
    with show.step("xen-thinback.ko and the command line, with make"):
        logged("make", ["make", "-C", TREE, f"-j{os.cpu_count()}", "tools"], "the compiler's words tell")
        logged("build", [sys.executable, __file__, "--stage", "product", folder], "the compiler's words tell")


def make_images(show):
    with show.step("Xen, Debian's kernel and dom0's root file system"):
        logged("images", [sys.executable, __file__, "--stage", "images"],
               "packages may have changed meanwhile: scripts/packages testbed")


def stage(words):
    """What a child of this program does, so that all it says is in a log."""
    kernel = images.Kernel()
    if words[0] == "product":
        bed.product(words[1], kernel)
    else:
        images.make_all(kernel, kernel)


def build_all(show, folder):
    """All at once: some wait for mirrors while others keep the processors busy."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = [pool.submit(build, show, folder), pool.submit(make_images, show)]
        jobs += [pool.submit(make_root, show, base, suite) for base, suite in BASES.items()]
        for job in concurrent.futures.as_completed(jobs):
            job.result()


# --- the machine -------------------------------------------------------------


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(MIB):
            digest.update(data)
    return digest.hexdigest()


def guest_boot(archive, kernel):
    """The initramfs of the test bed's guests, with another first process."""
    archive.copy(f"{HERE}/guest-boot", "init")
    images.guest_root(archive, kernel, [])


def make_machine(folder, product):
    scenario = bed.Scenario(SCENARIO).read()
    kernel = images.Kernel()
    boot = images.make_all(kernel, kernel)
    key = images.code_key() + kernel.key() + pathlib.Path(HERE, "guest-boot").read_text(encoding="utf-8")
    initramfs = images.cached("demo.cpio", key, images.archive_of(guest_boot, kernel))
    scenario.disks[0].path = f"{folder}/pool"
    scenario.disks[0].make()
    with open(f"{folder}/bases", "w", encoding="ascii") as bases:
        for letter, (base, suite) in zip("bc", BASES.items()):
            image = root_image(suite)
            mib = os.path.getsize(image) // MIB
            bases.write(f"{base} /dev/vd{letter} {mib} {sha256_of(image)}\n")
            scenario.disks.append(machine.Disk(size=mib, path=image))
    args = bed.arguments([f"--file={initramfs}:/testbed/demo.cpio", f"--file={folder}/bases:/testbed/bases"])
    box = machine.Machine(folder, boot, bed.initramfs(folder, scenario, boot, args, [product]), scenario.disks,
                          memory=scenario.numbers["memory"], dom0=scenario.numbers["dom0"])
    box.console = f"{LOGS}/console.log"
    open(box.console, "wb").close()
    return scenario, box


class Performance:
    """Takes what dom0.sh reports as it comes."""

    def __init__(self, show):
        self.show = show
        self.now = None
        self.claims, self.screens, self.figures = [], {name: [] for name in SCREENS}, {}
        self.failures, self.complaints = [], []

    def begin(self, name):
        self.finish()
        self.now = name
        self.show.begin(name)

    def finish(self, well=True):
        if self.now:
            self.show.end(self.now, well)
        self.now = None

    def claim(self, text, evidence, holds):
        self.claims.append(Claim(text, evidence, holds))

    def result(self, line):
        word, _, rest = line.removeprefix("TBED ").partition(" ")
        if word == "step":
            self.begin(rest)
        elif word == "claim":
            result, text, evidence = rest.split("|", 2)
            self.claim(text, evidence, result == "ok")
        elif word == "show":
            name, _, text = rest.partition(" ")
            self.screens[name].append(text)
        elif word == "figure":
            name, _, number = rest.partition(" ")
            self.figures[name] = int(number)
        elif word == "not":
            self.failures.append(rest.removeprefix("ok "))
        elif word == "end" and rest != "0" and not self.failures:
            self.failures.append(f"dom0's part ended with status {rest}")
        return word if word == "end" else None

    def console(self, line):
        if machine.TROUBLE.search(line):
            self.complaints.append(line.strip())


def perform(show, scenario, box):
    """Boots the machine and lets dom0.sh run to its end."""
    played = Performance(show)
    played.begin("Xen and dom0 boot, emulated")
    process = box.start(["tbed.boot=1"])
    try:
        reason = machine.watch(box, process, scenario.numbers["timeout"], scenario.numbers["silence"],
                               played.result, played.console)
    finally:
        process.kill()
        process.wait()
        shutil.copy(f"{box.folder}/qemu.log", LOGS)
    if reason != "end":
        played.failures.append(reason)
    played.finish(well=not played.failures)
    return played


def judge(played, pool):
    """What only the host can tell."""
    complaint = played.complaints[0] if played.complaints else "nothing on any console"
    played.claim("neither Xen nor a kernel complained", complaint, not played.complaints)
    if "used" not in played.figures:
        return
    used, data = played.figures["used"], played.figures["data"]
    taken = os.stat(pool).st_blocks * 512
    played.claim("the pool's disk, a sparse file here, took no more than that",
                 f"{taken // MIB} MiB of {os.path.getsize(pool) // MIB}", data * 0.95 <= taken <= used * 1.1 + 64 * MIB)


# --- the whole ---------------------------------------------------------------


def check_host():
    """What cannot be installed."""
    if os.uname().machine != "x86_64":
        raise Trouble("this needs an x86-64 machine: it emulates one, with Debian's own binaries")
    free = shutil.disk_usage(LOGS).free
    if free < NEEDS_DISK:
        raise Trouble(f"{free >> 30} GiB are free in {LOGS}, {NEEDS_DISK >> 30} are needed\nmake room there and try again")
    with open("/proc/meminfo", encoding="ascii") as file:
        kib = {line.split(":")[0]: int(line.split()[1]) for line in file}
    if kib["MemAvailable"] << 10 < NEEDS_MEMORY:
        raise Trouble(f"{kib['MemAvailable'] >> 10} MiB of memory are available, {NEEDS_MEMORY >> 20} are needed\n"
                      "end other programs, or use a larger machine")
    missing = [suite for suite in BASES.values() if not os.path.exists(root_image(suite))]
    if missing and os.geteuid() != 0 and subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True).returncode:
        raise Trouble("making Debian's root file systems needs root, and sudo wants a password\nfirst: sudo -v")


def conclude(show, played):
    for name, title in SCREENS.items():
        if played.screens[name]:
            show.heading(title)
        for line in played.screens[name]:
            show.line(f"  {line}")
    if played.claims:
        show.heading("What was claimed, and checked in this run")
        show.claims(played.claims)
    failed = [claim.text for claim in played.claims if not claim.holds] + played.failures
    total = screen.clock(time.monotonic() - show.started)
    if failed:
        show.line()
        show.trouble("\n".join([f"failed after {total}: {failed[0]}", *failed[1:],
                                f"consoles of Xen, dom0: {LOGS}/console.log"]))
        return 1
    show.heading(f"All {len(played.claims)} claims hold. {total} minutes in all; logs in {LOGS}")
    return 0


def run(show):
    check_host()
    # Roots are read by a machine that has them to itself.
    with open(f"{ROOTS}/lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble("another demo of yours is running\nwait for its end") from None
        with tempfile.TemporaryDirectory(prefix="run.", dir=LOGS) as folder:
            build_all(show, f"{folder}/product")
            with show.step("the machine: kernels, initramfs, disks"), open(f"{LOGS}/machine.log", "w", encoding="utf-8") as log:
                with contextlib.redirect_stderr(log):
                    scenario, box = make_machine(folder, f"{folder}/product")
            played = perform(show, scenario, box)
            judge(played, scenario.disks[0].path)
    return conclude(show, played)


def main():
    if sys.argv[1:2] == ["--stage"]:
        return stage(sys.argv[2:])
    os.makedirs(LOGS, exist_ok=True)
    os.makedirs(ROOTS, exist_ok=True)
    show = screen.Screen(time.monotonic() - int(os.environ.get("DEMO_SECONDS", "0")))
    try:
        return run(show)
    except Trouble as trouble:
        show.trouble(str(trouble))
    except KeyboardInterrupt:
        show.trouble("interrupted")
    return 1


if __name__ == "__main__":
    sys.exit(main())
