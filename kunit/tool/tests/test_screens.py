# SPDX-License-Identifier: GPL-2.0
"""Every transcript in screens/ comes out as it stands there."""

import difflib
import json
import os
import pathlib
import re
import tempfile
import unittest

from places import pretend

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "screens"


class Screens(unittest.TestCase):
    def test_json_is_json(self):
        """Each document in the transcripts can be read, and has only the keys promised."""
        documents = 0
        for path in FOLDER.glob("*.screen"):
            text = re.sub(r"^! ", "", path.read_text(), flags=re.M)
            for found in re.finditer(r"^\{\n.*?^\}$", text, flags=re.M | re.S):
                document = json.loads(found.group())
                self.assertIn(list(document)[0], ("thinback", "error", "format"), path)
                self.check_values(document)
                documents += 1
        self.assertGreater(documents, 20)

    def check_values(self, value):
        """Absent is null: neither "" nor "-"."""
        if isinstance(value, dict):
            for item in value.values():
                self.check_values(item)
        elif isinstance(value, list):
            for item in value:
                self.check_values(item)
        else:
            self.assertNotIn(value, ("", "-"))

    def test_columns_are_apart(self):
        """At least two blanks between columns, none at a line's end."""
        for path in FOLDER.glob("*.screen"):
            for line in path.read_text().splitlines():
                if re.match(r"(POOL|NAME) ", line):
                    self.assertNotRegex(line, r"\S \S", path)
                if not line.endswith("[y/N] "):
                    self.assertEqual(line, line.rstrip(), path)


def screen(path):
    def test(self):
        old = path.read_text()
        with tempfile.TemporaryDirectory() as folder:
            new = pretend(old, folder)
        if os.environ["TOOL_ACCEPT"]:
            path.write_text(new)
        elif new != old:
            self.fail("\n" + "".join(difflib.unified_diff(
                old.splitlines(True), new.splitlines(True), path.name, "now")))
    return test


for each in sorted(FOLDER.glob("*.screen")):
    setattr(Screens, f"test_{each.stem}", screen(each))
