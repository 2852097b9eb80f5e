# SPDX-License-Identifier: GPL-2.0
"""The images a run boots: kernels, dom0's root file system, the guests'.

They are made out of this machine's installed packages and kept in the cache
under a hash of those packages' versions and of this code.
"""
import contextlib
import fcntl
import gzip
import hashlib
import lzma
import os
import pathlib
import re
import struct
import subprocess
import sys
import time

import cpio

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.environ.get("THINBACK_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "thinback")
KEEP_SECONDS = 24 * 3600

DOM0_PACKAGES = """bash dash coreutils util-linux mount bsdutils kmod lvm2 dmsetup thin-provisioning-tools e2fsprogs
    jq xxd xen-utils-4.17 xen-utils-common xenstore-utils procps sed grep findutils mawk diffutils""".split()
DOM0_MODULES = """xen-blkback xen-blkfront xenfs xen-gntdev xen-gntalloc xen-evtchn xen-privcmd virtio_pci virtio_blk
    virtio_console dm-mod dm-thin-pool dm-snapshot dm-flakey ext4 vfat nls_cp437 nls_ascii loop null_blk crc32c
    libcrc32c crc32c-intel crc32c_generic""".split()
# Python programs have no interpreter there; qemu, firmware and test programs no use.
DOM0_UNWANTED = re.compile(r"/(python3?|doc|man|locale|perl5|pkgconfig)/|/(xen(alyze|paging|monitor)|oxenstored|test-[^/]*)$")
DOM0_FOLDERS = re.compile(r"^(/usr)?/(s?bin|lib(/xen-4\.17/bin|/xen-common/bin)?)/[^/]+$|^/etc/(xen|lvm)/|mke2fs\.conf$")
GUEST_MODULES = ["xen-blkfront", "xen-gntalloc", "xen-evtchn", "ext4", "crc32c_generic"]
# busybox's own takes twenty times as long, under emulation most of a scenario.
GUEST_MINI = ["/usr/bin/sha256sum"]
GUEST_FIO = "/usr/bin/sha256sum /usr/bin/fio /sbin/mkfs.ext4 /sbin/e2fsck /usr/sbin/blkdiscard /usr/bin/fallocate".split()


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


class Kernel:
    """A kernel image and its modules: Debian's newest of @version unless a build folder is named."""

    def __init__(self, build=None, version="6.1"):
        self.own = build is not None
        if self.own:
            self.image = f"{build}/arch/x86/boot/bzImage"
            self.build = build
            self.root = f"{build}/root"
            with open(f"{build}/include/config/kernel.release", encoding="ascii") as file:
                self.release = file.read().strip()
            return
        wanted = re.escape(f"vmlinuz-{version}.") + r"\d+(-\d+|\+deb\d+)-amd64"
        images = [name for name in os.listdir("/boot") if re.fullmatch(wanted, name)]
        if not images:
            raise FileNotFoundError(f"no Debian {version} kernel in /boot: run scripts/packages "
                                    f"{'testbed' if version == '6.1' else f'kernel-{version}'}")
        self.image = "/boot/" + max(images, key=lambda name: [int(part) for part in re.findall(r"\d+", name)])
        self.release = self.image.removeprefix("/boot/vmlinuz-")
        self.root = "/"

    def headers(self):
        """The folder to build modules against."""
        folder = self.build if self.own else f"/usr/src/linux-headers-{self.release}"
        if not os.path.exists(f"{folder}/Makefile"):
            raise FileNotFoundError(f"no {folder}: install linux-headers-{self.release}")
        return folder

    def key(self):
        info = os.stat(self.image)
        return f"{self.image} {info.st_size} {info.st_mtime_ns}"

    def depends(self, name):
        """The module files of @name, in the order in which they load."""
        command = ["modprobe", "-d", self.root, "-S", self.release, "--show-depends", name]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode and not self.own:
            raise FileNotFoundError(f"{name}: {answer.stderr.strip()}")
        return [line.split()[1] for line in answer.stdout.splitlines() if line.startswith("insmod ")]

    def modules(self, names):
        found = [path for name in names for path in self.depends(name)]
        return list(dict.fromkeys(found))

    def unpacked(self):
        """The ELF inside the bzImage: unpacking it under emulation would cost seconds at each boot."""
        with open(self.image, "rb") as file:
            image = file.read()
        offset, length = struct.unpack_from("<II", image, 0x248)
        start = (image[0x1F1] + 1) * 512 + offset
        payload = image[start:start + length]
        if payload.startswith(b"\xfd7zXZ"):
            return lzma.LZMADecompressor().decompress(payload)
        if payload.startswith(b"\x1f\x8b"):
            return gzip.decompress(payload)
        return subprocess.run(["zstd", "-dcq"], input=payload[:-4], stdout=subprocess.PIPE, check=True).stdout


def package_files(packages):
    """Programs, libraries and configuration of installed packages."""
    listed = run("dpkg", "-L", *packages).splitlines()
    return sorted({path for path in listed if DOM0_FOLDERS.search(path) and not DOM0_UNWANTED.search(path)
                   and os.path.isfile(path)})


def add_programs(archive, paths):
    for path in [*paths, *cpio.libraries(paths)]:
        archive.host(path)


def dom0_root(archive, kernel):
    for link in ("bin", "sbin", "lib", "lib64"):
        if os.path.islink("/" + link):
            archive.symlink(link, os.readlink("/" + link))
    add_programs(archive, [*package_files(DOM0_PACKAGES), "/bin/busybox"])
    # Which awk it is is for Debian's alternatives to say, not for a package.
    archive.symlink("usr/bin/awk", "mawk")
    archive.host("/etc/ld.so.cache")
    archive.data("/etc/passwd", b"root:x:0:0:root:/root:/bin/bash\n")
    archive.data("/etc/group", b"root:x:0:\ndisk:x:6:\n")
    folder = f"lib/modules/{kernel.release}"
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        archive.copy(os.path.join(kernel.root, folder, name), f"/usr/{folder}/{name}")
    for path in kernel.modules(DOM0_MODULES):
        archive.copy(path, "/usr/" + os.path.relpath(path, kernel.root).removeprefix("usr/"))


def fio_root(archive):
    """fio apart: its seventy libraries are half of all, and unpacking them costs seconds."""
    add_programs(archive, ["/usr/bin/fio"])


def guest_root(archive, kernel, programs):
    for folder in ("bin", "sbin", "dev", "proc", "sys", "tmp", "mnt", "modules"):
        archive.directory(folder)
    archive.device("dev/console", 5, 1)
    archive.copy("/bin/busybox", "bin/busybox")
    archive.copy(f"{HERE}/guest-init", "init")
    modules = kernel.modules(GUEST_MODULES)
    for index, path in enumerate(modules):
        archive.copy(path, f"modules/{index:02}-{os.path.basename(path)}")
    for path in [*programs, *cpio.libraries(programs)]:
        # As they are named: there is no merged /usr, and both are the loader's default folders.
        with open(path, "rb") as file:
            archive.data(path, file.read(), 0o755)


@contextlib.contextmanager
def locked_cache():
    os.makedirs(f"{CACHE}/images", exist_ok=True)
    with open(f"{CACHE}/images/lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield f"{CACHE}/images"


def forget_old(folder):
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name != "lock" and os.stat(path).st_mtime < time.time() - KEEP_SECONDS:
            os.unlink(path)


def cached(name, key, make):
    """The path of image @name, made by make(file) unless it is there under @key."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    with locked_cache() as folder:
        path = f"{folder}/{name}-{digest}"
        if not os.path.exists(path):
            print(f"testbed: making {path}", file=sys.stderr)
            forget_old(folder)
            with open(path + ".new", "wb") as file:
                make(file)
            os.rename(path + ".new", path)
        os.utime(path)
    return path


def archive_of(fill, *args):
    def make(file):
        archive = cpio.Archive(file)
        fill(archive, *args)
        archive.close()
    return make


def code_key():
    """What the root file systems depend on: the versions of packages, and how they are put together."""
    versions = run("dpkg-query", "-W", *DOM0_PACKAGES, "busybox-static", "fio", "lib*")
    packages = "\n".join(line for line in versions.splitlines() if not re.search(r"-(dev|doc|perl)(:|\t)", line))
    sources = [pathlib.Path(HERE, name).read_text(encoding="utf-8") for name in ("images.py", "cpio.py", "guest-init")]
    return "\n".join([packages, *sources])


def xen():
    with gzip.open("/boot/xen-4.17-amd64.gz") as packed:
        content = packed.read()
    return cached("xen", hashlib.sha256(content).hexdigest(), lambda file: file.write(content))


def lean_guest():
    """Our own guest kernel once x86-kernel has built it, else Debian's: slower to boot, the same frontend."""
    builds = [f"{CACHE}/{name}" for name in os.listdir(CACHE) if name.startswith("guest-")]
    builds = [build for build in builds if os.path.exists(f"{build}/done")]
    return Kernel(max(builds, key=os.path.getmtime)) if builds else Kernel()


def make_all(dom0_kernel, guest_kernel):
    """Makes what is missing; returns the paths by name."""
    common = code_key()

    def vmlinux(kernel):
        return cached("vmlinux", kernel.key(), lambda file: file.write(kernel.unpacked()))

    return {
        "xen": xen(),
        "dom0-vmlinux": vmlinux(dom0_kernel),
        "dom0-image": dom0_kernel.image,
        "guest-vmlinux": vmlinux(guest_kernel),
        "guest-image": guest_kernel.image,
        "dom0": cached("dom0.cpio", common + dom0_kernel.key(), archive_of(dom0_root, dom0_kernel)),
        "dom0-fio": cached("dom0-fio.cpio", common, archive_of(fio_root)),
        "mini": cached("mini.cpio", common + guest_kernel.key(), archive_of(guest_root, guest_kernel, GUEST_MINI)),
        "fio": cached("fio.cpio", common + guest_kernel.key(), archive_of(guest_root, guest_kernel, GUEST_FIO)),
    }
