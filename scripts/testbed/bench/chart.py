# SPDX-License-Identifier: GPL-2.0
"""The bench's speeds as a chart, drawn by gnuplot."""
import subprocess

from measure import ROWS, SYSTEMS

# Greys for what there was, dark to light by how much it does; one hue for thinback.
COLOURS = {
    "raw": "#4d4d4d",
    "thin": "#999999",
    "thin-snapshot": "#cccccc",
    "thinback-phy": "#08519c",
    "thinback": "#4292c6",
    "thinback-clone": "#9ecae1",
}

HEAD = """
set terminal svg size 1000,460 font "DejaVu Sans,13" background "#ffffff"
set output "{path}"
set encoding utf8
set style data histograms
set style histogram clustered gap 1.2
set style fill solid noborder
set boxwidth 0.92 relative
set border 1 linecolor "#666666"
set xtics nomirror scale 0
set ytics nomirror scale 0 textcolor "#666666"
set grid ytics linecolor "#e0e0e0" linetype 1
set title "{title}" font ",15"
set key below center horizontal maxrows 2 samplen 1.2 width 1
set yrange [0:*]
set ylabel "{ylabel}" textcolor "#666666"
set bmargin 6
"""

# After the longest word of a row's name comes a new line.
LABELS = {
    "write-sparse": "first write,\\n1 block in 16",
    "write-first": "first write,\\nevery block",
    "rewrite": "rewrite\\nqd 16",
    "read-16": "read\\nqd 16",
    "read-1": "read\\nqd 1",
    "write-sync": "rewrite\\n+ fsync",
    "write-first-sync": "first write\\n+ fsync",
}


def data_block(numbers, systems, rows, name):
    lines = ["$figures << end"]
    for row in rows:
        values = [f"{numbers[system][row][name]:.4f}" if row in numbers[system] else "NaN" for system in systems]
        lines.append(" ".join([f'"{LABELS[row]}"', *values]))
    return "\n".join([*lines, "end"])


def draw(numbers, path):
    systems = [system for system in SYSTEMS if system in numbers]
    rows = [row for row in ROWS if any(row in cells for cells in numbers.values())]
    if not rows:
        return
    relative = all("ratio" in cell for cells in numbers.values() for cell in cells.values())
    title = "4 KiB requests of a Xen guest" + (", speed as a multiple of raw xen-blkback" if relative else "")
    script = [HEAD.format(path=path, title=title, ylabel="" if relative else "requests a second"),
              data_block(numbers, systems, rows, "ratio" if relative else "iops")]
    if relative:
        script.append('set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead back linecolor "#4d4d4d" dashtype 2')
    plots = [f"$figures using {index + 2}{':xtic(1)' if index == 0 else ''} title \"{SYSTEMS[system]}\" "
             f"linecolor \"{COLOURS[system]}\"" for index, system in enumerate(systems)]
    script.append("plot " + ", \\\n".join(plots))
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)
