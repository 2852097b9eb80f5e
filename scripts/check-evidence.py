#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Refuses a test that kunit/EVIDENCE.md or kunit/BLKBACK.md names and that is not there. Run from the top folder."""

import pathlib
import re
import subprocess
import sys

KUNIT = pathlib.Path("kunit")
SCENARIOS = pathlib.Path("scripts/testbed/scenarios")


def suites():
    """The cases of each suite that some runner has."""
    found = {}
    for file in KUNIT.rglob("*_cases.h"):
        for name, body in re.findall(r"#define TBK_(\w+)_CASES\(X\)((?:.*\\\n)*.*\n)", file.read_text()):
            found[name.lower()] = set(re.findall(r"\bX\((\w+)\)", body))
    listed = "".join(file.read_text() for file in (KUNIT / "harness").rglob("*suites*.h"))
    return {name: cases for name, cases in found.items() if f"X({name}," in listed}


def steps():
    listed = subprocess.run(["scripts/test", "--list"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listed.splitlines() if line.strip()}


def fuzzers():
    return {file.stem for file in (KUNIT / "fuzz").glob("*_fuzz.cc")}


def is_attack(name):
    """Of the hostile guest, in a table with its sentence."""
    title = name.split(": ", 1)[1]
    return any(f'{{ "{title}", ' in file.read_text() for file in (KUNIT / "hostile").glob("attacks_*.cc"))


def is_scenario_line(name):
    scenario, title = name.split(".sh: ", 1)
    file = SCENARIOS / f"{scenario}.sh"
    return file.exists() and f'"{title}"' in file.read_text()


def is_case(name, cases):
    """suite.case, or module.method of the command line's tests."""
    suite, case = name.split(".", 1)
    file = KUNIT / "tool/tests" / f"{suite}.py"
    return case in cases.get(suite, ()) or (file.exists() and f"def {case}(" in file.read_text())


def rows(file):
    """Number and cells of each row of a table, but for those at its head."""
    for number, line in enumerate(file.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[-1] not in ("test", "how often in CI") and set(cells[0]) != {"-"}:
            yield number, cells


def check_blkback(file, cases):
    for number, cells in rows(file):
        names = re.findall(r"`([^`]+)`", cells[-1])
        if len(cells) != 3 or (not names) != (cells[-1] == "not yet"):
            yield f"{file}:{number}: neither tests nor `not yet` in the last of three columns"
        for name in names:
            if ".sh: " in name:
                is_there = is_scenario_line(name)
            elif name.startswith("hostile: "):
                is_there = is_attack(name)
            else:
                is_there = is_case(name, cases) if "." in name else name in fuzzers()
            if not is_there:
                yield f"{file}:{number}: there is no {name}"


def check_evidence(file, cases):
    known = set(cases) | steps() | fuzzers() | {path.stem for path in SCENARIOS.glob("*.sh")}
    for number, cells in rows(file):
        for bracket in re.findall(r"\[([^\]]+)\]", cells[1]):
            for name in re.findall(r"`([^`]+)`", bracket):
                if name not in known:
                    yield f"{file}:{number}: there is no {name}"


def main():
    cases = suites()
    bad = [*check_blkback(KUNIT / "BLKBACK.md", cases), *check_evidence(KUNIT / "EVIDENCE.md", cases)]
    print(*bad, sep="\n", file=sys.stderr, end="\n" if bad else "")
    return bool(bad)


sys.exit(main())
