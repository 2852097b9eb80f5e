# SPDX-License-Identifier: GPL-2.0
"""The bench's figures as tables in Markdown."""
from measure import ROWS, SYSTEMS


def table(numbers, rows, corner, text):
    """Rows down, systems across; text(numbers) fills a cell."""
    systems = [system for system in SYSTEMS if system in numbers]
    lines = [f"| {corner} | " + " | ".join(SYSTEMS[system] for system in systems) + " |",
             "| --- |" + " ---: |" * len(systems)]
    for row in rows:
        cells = [text(numbers[system][row]) if row in numbers[system] else "" for system in systems]
        lines.append(f"| {ROWS[row]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def speed(cell):
    ratio = f" ({cell['ratio']:.2f})" if "ratio" in cell else ""
    return f"{cell['iops']:.0f}{ratio}"


def traffic(written, read):
    return f"{written:.2f}, {read:.2f} read" if read >= 0.005 else f"{written:.2f}"


def write_bytes(cell):
    return traffic(cell["write_bytes"], cell["read_bytes"])


def requests(cell):
    return f"{cell['reads']:.2f} / {cell['writes']:.2f} / {cell['flushes']:.2f}"


def cpu(cell):
    return f"{cell['domain0_us']:.1f}" if "domain0_us" in cell else ""


def markdown(numbers, parameters):
    rows = [row for row in ROWS if any(row in cells for cells in numbers.values())]
    writes = [row for row in rows if row.startswith(("write", "rewrite"))]
    parts = [
        f"4 KiB requests of a guest with one vCPU on a disk of {parameters['disk_mib']} MiB, fio with libaio and direct I/O. "
        f"Time counts instructions: {parameters['ns_per_instruction']} ns each. The device under all: null_blk, "
        f"{parameters['device']}. dm-thin has chunks of 64 KiB and its metadata on a second such device.",
        "Requests a second, and as a multiple of raw blkback:",
        table(numbers, rows, "IOPS", speed),
        "Bytes written to the device for each byte the guest wrote, metadata included:",
        table(numbers, writes, "bytes", write_bytes),
        "Requests that reached the device for each of the guest's: reads / writes / flushes (a flush alone counts as a write too):",
        table(numbers, rows, "requests", requests),
    ]
    if any("domain0_us" in cell for cells in numbers.values() for cell in cells.values()):
        parts += ["Microseconds of dom0's CPU for each of the guest's requests:", table(numbers, rows, "µs", cpu)]
    return "\n\n".join(parts) + "\n"
