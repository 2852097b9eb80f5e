# SPDX-License-Identifier: GPL-2.0
"""The bench starts the test bed with options of its own."""

import importlib.machinery
import importlib.util
import sys
import types
import unittest
from unittest import mock

from places import TOP


def bench():
    loader = importlib.machinery.SourceFileLoader("bench", str(TOP / "scripts/bench"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
    loader.exec_module(module)
    return module


class Bench(unittest.TestCase):
    # One that only the bed's command line knew had stopped it before its machine ran.
    def test_bench_leaves_out_no_option_of_the_bed(self):
        module = bench()
        args = types.SimpleNamespace(root=["/root"], quick=True)
        with mock.patch.object(module.subprocess, "run"):
            made = module.bed_options(args, "/folder", ["blkback"], ["read-1"])
        with mock.patch.object(sys, "argv", ["bed.py"]):
            self.assertEqual(set(vars(module.bed.arguments())), set(vars(made)))
        self.assertEqual((["/root"], 1, True), (made.root, made.cpus, made.icount))
        self.assertIn("tbed.rows=read-1 tbed.mib=16", made.boot_args)


if __name__ == "__main__":
    unittest.main()
