# SPDX-License-Identifier: GPL-2.0
"""Writes initramfs archives: "newc" cpio, everything owned by root.

Written by hand so that an archive needs no staging folder, no root, and comes
out the same for the same input.
"""
import os
import shutil
import stat
import subprocess

ALIGN = 4


class Archive:
    """A cpio being written to @file. Parent folders come by themselves."""

    def __init__(self, file):
        self.file = file
        self.names = set()
        self.size = 0

    def _put(self, data):
        self.file.write(data)
        self.size += len(data)

    def _pad(self):
        self._put(b"\0" * (-self.size % ALIGN))

    def _header(self, name, mode, length, rdev=(0, 0)):
        encoded = name.encode() + b"\0"
        fields = [len(self.names) + 1, mode, 0, 0, 1, 0, length, 0, 0, *rdev, len(encoded), 0]
        self._put(b"070701" + b"".join(b"%08X" % field for field in fields) + encoded)
        self._pad()

    def _new(self, path):
        """The name of @path inside the archive, or None if it is there already."""
        name = path.strip("/")
        if not name or name in self.names:
            return None
        self.directory(os.path.dirname(name))
        self.names.add(name)
        return name

    def directory(self, path):
        if name := self._new(path):
            self._header(name, stat.S_IFDIR | 0o755, 0)

    def symlink(self, path, target):
        if name := self._new(path):
            self._header(name, stat.S_IFLNK | 0o777, len(target))
            self._put(target.encode())
            self._pad()

    def data(self, path, content, mode=0o644):
        if name := self._new(path):
            self._header(name, stat.S_IFREG | mode, len(content))
            self._put(content)
            self._pad()

    def device(self, path, major, minor):
        if name := self._new(path):
            self._header(name, stat.S_IFCHR | 0o600, 0, (major, minor))

    def copy(self, source, path=None):
        """Copies @source to @path (its own, by default), following the links on the way."""
        path = path or source
        if os.path.islink(source):
            target = os.readlink(source)
            self.symlink(path, target)
            if path == source:
                self.host(os.path.join(os.path.dirname(source), target))
            return
        name = self._new(path)
        if name is None:
            return
        info = os.stat(source)
        self._header(name, stat.S_IFREG | stat.S_IMODE(info.st_mode), info.st_size)
        with open(source, "rb") as file:
            shutil.copyfileobj(file, self.file, 1 << 20)
        self.size += info.st_size
        self._pad()

    def host(self, path):
        """Copies a file of this machine to the folder it really lies in: /lib is /usr/lib."""
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        if os.path.isdir(path) and not os.path.islink(path):
            self.directory(path)
        elif os.path.exists(path):
            self.copy(path)

    def tree(self, source, prefix="", want=lambda path: True):
        """Copies what lies under the folder @source to the folder @prefix."""
        for folder, _, files in sorted(os.walk(source)):
            for file in sorted(files):
                path = os.path.join(folder, file)
                if want(path):
                    self.copy(path, os.path.join("/", prefix, os.path.relpath(path, source)))

    def close(self):
        self._header("TRAILER!!!", 0, 0)
        # Archives may follow each other, on a boundary of their own.
        self._put(b"\0" * (-self.size % 512))


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def libraries(paths):
    """The shared libraries, and the loader, that the programs in @paths need."""
    programs = [path for path in paths if os.path.isfile(path) and is_elf(path)]
    if not programs:
        return []
    # ldd fails as a whole for one static program among them, and says which.
    listing = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    words = (word for line in listing.splitlines() if not line.endswith(":") for word in line.split())
    lost = [line.strip() for line in listing.splitlines() if "not found" in line]
    if lost:
        raise FileNotFoundError(f"shared library missing here: {lost[0]}")
    return sorted({word for word in words if word.startswith("/") and os.path.exists(word)})
