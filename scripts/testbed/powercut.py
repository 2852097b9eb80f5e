# SPDX-License-Identifier: GPL-2.0
"""Disks with a volatile cache, for pulling the plug.

While the machine runs, qemu's blklogwrites driver keeps every write, discard
and flush of such a disk in a log. After a power cut the disk is put together
anew: as it was at the start, then all that the log has before its last flush,
then a part of the rest, chosen by chance, as a real cache would have written it.
The same can be done for any earlier moment that the log tells of: one run
gives as many power cuts as one likes.
"""
import os
import random
import struct

MAGIC = 0x6A736677736872
SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4
HEAD = struct.Struct("<QQQQ")
# Of a write that was not flushed: nothing, its first sectors, any of them, or all.
LOST, TORN, SCATTERED, WHOLE = "lost", "torn", "scattered", "whole"


def copy(source, target):
    """A sparse copy of a sparse file."""
    with open(source, "rb") as file, open(target, "wb") as new:
        new.truncate(os.fstat(file.fileno()).st_size)
    with open(target, "r+b") as new:
        copy_into(source, new, 0)


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


def apply(disk, log, entry, sectors):
    """Writes these @sectors, counted from the entry's first, a run at a time."""
    start, _, flags, data = entry
    for first, count in runs(sectors):
        log.seek(data + first * SECTOR)
        disk.seek((start + first) * SECTOR)
        disk.write(bytes(count * SECTOR) if flags & DISCARD else log.read(count * SECTOR))


def runs(numbers):
    """Ascending numbers as (first, count)."""
    first = count = 0
    for number in numbers:
        if count and number == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = number, 1
    if count:
        yield first, count


def fate(entry, chance):
    """Which of a write's sectors the cache had written when the power went."""
    count = entry[1]
    pick = chance.choice([LOST, TORN, SCATTERED, WHOLE, WHOLE])
    if pick == SCATTERED:
        return [sector for sector in range(count) if chance.random() < 0.5]
    return range({LOST: 0, TORN: chance.randint(0, count), WHOLE: count}[pick])


def mark(path):
    """Where the log is now: an emulator that ends flushes once more, which no cut would have done."""
    return os.path.getsize(path + ".log")


def copy_into(source, target, offset):
    """Copies what @source, a sparse file, holds to @offset in the open file @target."""
    with open(source, "rb") as file:
        end, start = os.fstat(file.fileno()).st_size, 0
        while start < end:
            try:
                start = os.lseek(file.fileno(), start, os.SEEK_DATA)
            except OSError:
                return
            stop = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            while start < stop:
                start += os.copy_file_range(file.fileno(), target.fileno(), stop - start, start, offset + start)


class Cutter:
    """What a disk's log of one boot says about power cuts. The last @safe bytes of the disk lose nothing."""

    def __init__(self, path, end, seed, safe=0):
        self.path, self.chance = path, random.Random(seed)
        self.log = open(path + ".log", "rb")
        self.disk = open(path + ".before", "r+b")
        self.found = [entry for entry in entries(self.log) if entry[3] <= end]
        self.flushes = [index for index, entry in enumerate(self.found) if entry[2] & FLUSH]
        self.safe_from = (os.path.getsize(path) - safe) // SECTOR
        self.safe_written = bool(safe) and self._holds(self.safe_from)
        self.settled = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.log.close()
        self.disk.close()

    def _holds(self, sector):
        self.disk.seek(sector * SECTOR)
        return any(self.disk.read(SECTOR))

    def _settle(self, moment):
        """Applies what was flushed before entry number @moment."""
        flushed = max((index + 1 for index in self.flushes if index < moment), default=0)
        for entry in self.found[self.settled:flushed]:
            apply(self.disk, self.log, entry, range(entry[1]))
        self.settled = max(self.settled, flushed)
        self.disk.flush()

    def _leave(self, disk, moment):
        """Applies of the rest what chance wants; says what was lost."""
        rest, lost = self.found[self.settled:moment], 0
        for entry in rest:
            is_safe = entry[2] & FUA or entry[0] >= self.safe_from
            sectors = range(entry[1]) if is_safe else fate(entry, self.chance)
            lost += entry[1] - len(sectors)
            apply(disk, self.log, entry, sectors)
        return f"request {moment} of {len(self.found)}, {len(rest)} not flushed, {lost} sectors of them lost"

    def moments(self, count):
        """So many, in order, of those at which the safe part of the disk says something; half of them before a flush."""
        first = 0
        if not self.safe_written:
            first = next((index + 1 for index, entry in enumerate(self.found) if entry[0] >= self.safe_from), 0)
        span = (len(self.found) - first) / count
        found = [first + int(span * (index + self.chance.random())) for index in range(count)]
        return sorted(self._flush_after(moment) if self.chance.random() < 0.5 else moment for moment in found)

    def _flush_after(self, moment):
        return next((index for index in self.flushes if index >= moment), moment)

    def earlier(self, moment, image):
        """Makes @image what a cut at @moment would have left; call with moments in order."""
        self._settle(moment)
        copy(self.path + ".before", image)
        with open(image, "r+b") as disk:
            return self._leave(disk, moment)

    def finish(self):
        """Makes the disk what the cut at the log's end left."""
        self._settle(len(self.found))
        said = self._leave(self.disk, len(self.found))
        self.disk.close()
        os.replace(self.path + ".before", self.path)
        os.unlink(self.path + ".log")
        return said
