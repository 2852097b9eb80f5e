#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of the command line and of what is installed with it.

    run.py --build DIR [--accept] [NAME...]

DIR has the programs screens and, if it could be linked, thinback. --accept takes
the screens as they come out now for right. The last line is "N passed, N failed".
"""

import argparse
import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE / "tests"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--accept", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()

    os.environ.update(TZ="UTC", LC_ALL="C.UTF-8", TOOL_BUILD=str(pathlib.Path(options.build).resolve()))
    os.environ["TOOL_ACCEPT"] = "1" if options.accept else ""
    os.environ.pop("MAKEFLAGS", None)
    sys.path.insert(0, str(TESTS))
    loader = unittest.TestLoader()
    if options.names:
        loader.testNamePatterns = [f"*{name}*" for name in options.names]
    result = unittest.TextTestRunner(verbosity=1).run(loader.discover(str(TESTS), "test_*.py"))
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    print(f"{result.testsRun - failed - skipped} passed, {failed} failed"
          + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or result.testsRun == 0 else 0


sys.exit(main())
