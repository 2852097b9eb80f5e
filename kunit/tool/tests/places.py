# SPDX-License-Identifier: GPL-2.0
"""Where things are, and how to run them."""

import os
import pathlib
import subprocess
import unittest

TOP = pathlib.Path(__file__).resolve().parents[3]
SCRIPTS = TOP / "scripts"
BUILD = pathlib.Path(os.environ["TOOL_BUILD"])
SCREENS = BUILD / "screens"
TOOL = BUILD / "thinback"


def run(*words, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          timeout=120, check=False, **options)


def pretend(text, folder=None):
    """Put a transcript through the pretended kernel."""
    done = subprocess.run([str(SCREENS), "/dev/stdin"], input=text, capture_output=True, text=True,
                          timeout=120, check=True, cwd=folder)
    return done.stdout


def help_of(verb=""):
    """The help as the program prints it."""
    command = f"# thinback {verb} --help".replace("  ", " ")
    return pretend(command + "\n").removeprefix(command + "\n")


def needs_tool(test):
    return unittest.skipUnless(TOOL.exists(), "thinback is not linked")(test)
