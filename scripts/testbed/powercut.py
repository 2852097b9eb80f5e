# SPDX-License-Identifier: GPL-2.0
"""Disks with a volatile cache, for pulling the plug.

While the machine runs, qemu's blklogwrites driver keeps every write, discard
and flush of such a disk in a log. At a power cut the disk is put together anew:
as it was at the start, then all that the log has before its last flush, then
a part of the rest, chosen by chance, as a real cache would have written it.
"""
import os
import random
import struct
import subprocess

MAGIC = 0x6A736677736872
SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4
HEAD = struct.Struct("<QQQQ")
# Of a write that was not flushed: nothing, its first sectors, or all of it.
LOST, TORN, WHOLE = "lost", "torn", "whole"


def copy(source, target):
    subprocess.run(["cp", "--sparse=always", source, target], check=True)


def options(index, path):
    """qemu's options for the disk in @path, whose log is made beside it."""
    with open(path + ".log", "wb"):
        pass
    copy(path, path + ".before")
    file = f"driver=file,cache.no-flush=on,discard=unmap,filename={path}"
    log = f"driver=file,cache.no-flush=on,filename={path}.log"
    return ["-blockdev", f"node-name=f{index},{file}", "-blockdev", f"node-name=l{index},{log}",
            "-blockdev", f"driver=blklogwrites,node-name=d{index},file=f{index},log=l{index},log-sector-size={SECTOR}"]


def entries(log):
    """What the log holds: (sector, sectors, flags, offset of the data), in order."""
    size = os.fstat(log.fileno()).st_size
    magic, version, _, sector = struct.unpack("<QQQI", log.read(28))
    if magic != MAGIC or version != 1 or sector != SECTOR:
        raise ValueError("not a log of blklogwrites")
    offset = SECTOR
    while offset + SECTOR <= size:
        log.seek(offset)
        start, count, flags, _ = HEAD.unpack(log.read(HEAD.size))
        data = offset + SECTOR
        offset = data + (0 if flags & DISCARD else count * SECTOR)
        # A last write may have been cut off; it counts as lost.
        if offset > size:
            return
        yield start, count, flags, data


def apply(disk, log, entry, count):
    start, _, flags, data = entry
    log.seek(data)
    disk.seek(start * SECTOR)
    disk.write(bytes(count * SECTOR) if flags & DISCARD else log.read(count * SECTOR))


def fate(entry, chance):
    """How many of a write's sectors the cache had written when the power went."""
    pick = chance.choice([LOST, TORN, WHOLE, WHOLE])
    return {LOST: 0, TORN: chance.randint(0, entry[1]), WHOLE: entry[1]}[pick]


def mark(path):
    """Where the log is now: an emulator that ends flushes once more, which no cut would have done."""
    return os.path.getsize(path + ".log")


def cut(path, end, seed):
    """Makes the disk in @path what a cut when its log had @end bytes left of it; says what was lost."""
    chance = random.Random(seed)
    with open(path + ".log", "rb") as log, open(path + ".before", "r+b") as disk:
        found = list(entries(log))
        flushed = max((index + 1 for index, entry in enumerate(found) if entry[2] & FLUSH and entry[3] <= end), default=0)
        lost = 0
        for index, entry in enumerate(found):
            count = entry[1] if index < flushed or entry[2] & FUA else fate(entry, chance)
            lost += entry[1] - count
            apply(disk, log, entry, count)
    os.replace(path + ".before", path)
    os.unlink(path + ".log")
    return f"{len(found)} requests, {len(found) - flushed} not flushed, {lost} sectors of them lost (seed {seed})"
