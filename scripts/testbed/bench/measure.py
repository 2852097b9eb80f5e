# SPDX-License-Identifier: GPL-2.0
"""What one run of the bench measured, from the lines that dom0 reports."""
from dataclasses import dataclass, field

BLOCK = 4096
TARGET = 1.1

SYSTEMS = {
    "raw": "blkback, raw",
    "thin": "blkback, dm-thin",
    "thin-snapshot": "blkback, dm-thin snapshot",
    "thinback-phy": "thinback, plain disk",
    "thinback": "thinback, volume",
    "thinback-clone": "thinback, clone",
}
ROWS = {
    "write-sparse": "first random write, 1 block in 16, qd 16",
    "write-first": "first random write, every block, qd 16",
    "rewrite": "rewrite, qd 16",
    "read-16": "random read, qd 16",
    "read-1": "random read, qd 1",
    "write-sync": "rewrite, fsync after each",
    "write-first-sync": "first write, fsync after each",
}

# /sys/block/DEV/stat, by position.
STAT = {"reads": 0, "read_sectors": 2, "writes": 4, "write_sectors": 6, "flushes": 15}
# fio's terse format, version 3: of reads and of writes.
TERSE = {"kib": (5, 46), "iops": (7, 48), "ms": (8, 49)}


@dataclass
class Cell:
    """One row on one system."""
    before: dict = field(default_factory=dict)
    after: dict = field(default_factory=dict)
    fio: list = field(default_factory=list)

    def of_fio(self, name):
        return sum(int(self.fio[at]) for at in TERSE[name])

    def moved(self, device, name):
        at = STAT[name]
        return self.after[device][at] - self.before[device][at]

    def devices(self):
        return [name for name in self.after if name.startswith("nullb")]

    def numbers(self):
        """Everything per request of the guest; bytes per byte."""
        requests = self.of_fio("kib") * 1024 // BLOCK
        # Milliseconds are finer than fio's whole numbers of requests a second.
        answer = {"requests": requests, "iops": requests * 1000 / self.of_fio("ms")}
        for name in ("reads", "writes", "flushes"):
            answer[name] = sum(self.moved(device, name) for device in self.devices()) / requests
        for name in ("read", "write"):
            moved = {device: self.moved(device, f"{name}_sectors") * 512 for device in self.devices()}
            answer[f"{name}_bytes"] = sum(moved.values()) / requests / BLOCK
            if "nullb1" in moved:
                answer[f"{name}_bytes_metadata"] = moved["nullb1"] / requests / BLOCK
        # The guest's own is not told: starting fio is most of it.
        if "domain0" in self.after:
            answer["domain0_us"] = (self.after["domain0"][0] - self.before["domain0"][0]) / requests / 1000
        return answer


class Measurements:
    """Cells by system and row, as they come in."""

    def __init__(self):
        self.cells = {}

    def take(self, words):
        """One line: SYSTEM ROW before|after NAME NUMBER..., or SYSTEM ROW fio RESULT."""
        system, row, what, *rest = words
        cell = self.cells.setdefault((system, row), Cell())
        if what == "fio":
            cell.fio = " ".join(rest).split(";")
            return
        getattr(cell, what)[rest[0]] = [int(number) for number in rest[1:]]

    def systems(self):
        return [system for system in SYSTEMS if any(key[0] == system for key in self.cells)]

    def rows(self):
        return [row for row in ROWS if any(key[1] == row for key in self.cells)]

    def numbers(self):
        """{system: {row: {name: number}}}, with the ratio to raw where that was measured."""
        answer = {}
        for (system, row), cell in self.cells.items():
            if cell.fio and cell.after:
                answer.setdefault(system, {})[row] = cell.numbers()
        for system in answer.values():
            for row, numbers in system.items():
                if base := answer.get("raw", {}).get(row):
                    numbers["ratio"] = numbers["iops"] / base["iops"]
        return answer


def broken(numbers):
    """Sentences on what does not hold in @numbers."""
    found = []
    for system in ("thinback", "thinback-clone"):
        for row in ("write-sparse", "write-first"):
            written = numbers.get(system, {}).get(row, {}).get("write_bytes")
            if written is not None and written > TARGET:
                found.append(f"{SYSTEMS[system]}: {ROWS[row]}: {written:.3f} bytes on the device for each of the guest's, "
                             f"more than {TARGET}")
    return found
