# SPDX-License-Identifier: GPL-2.0
"""A fresh machine has what scripts/packages names, and nothing else."""

import re
import sys
import unittest

from places import TOP, run

sys.path.insert(0, str(TOP / "scripts/testbed"))
import images  # noqa: E402  pylint: disable=wrong-import-position


def group(name):
    text = (TOP / "scripts/packages").read_text()
    return set(re.search(rf'\[{name}\]="([^"]*)"', text)[1].split())


def is_everywhere(package):
    found = run("dpkg-query", "-W", "-f", "${Priority}", package)
    return found.returncode == 0 and found.stdout == "required"


class Packages(unittest.TestCase):
    # xxd was there on all machines that it was tried on.
    def test_dom0_is_made_of_what_is_installed(self):
        wanted = {name for name in images.DOM0_PACKAGES if not is_everywhere(name)}
        self.assertEqual(set(), wanted - group("testbed"))

    # gcc-12 is no gcc, which kernels are built with, and their modules with g++.
    def test_kernels_have_compilers(self):
        self.assertLessEqual({"gcc", "g++"}, group("test") & group("testbed"))


if __name__ == "__main__":
    unittest.main()
