# SPDX-License-Identifier: GPL-2.0
"""What the tab key adds to a line, as readline would ask."""

import unittest

from places import SCRIPTS, run

# Two pools; one of them has a removed snapshot, which nobody can name.
PRELUDE = f'''. "{SCRIPTS / "thinback.bash-completion"}"
thinback() {{
	case "$*" in
	"list -o pool") printf '%s\\n' POOL tank spare ;;
	"list tank -o name") printf '%s\\n' NAME tank/web17 tank/deb ;;
	"list tank -o name --snapshots")
		printf '%s\\n' NAME tank/web17 tank/deb tank/deb@v1 'tank/old@v7(removed)' ;;
	esac
}}
compopt() {{ :; }}
'''


def complete(line, *words):
    """@words: as readline splits the line, where that differs from blanks."""
    words = list(words) or line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    script = (f"{PRELUDE}COMP_LINE='{line}' COMP_POINT={len(line)} COMP_CWORD={len(words) - 1}\n"
              f"COMP_WORDS=({quoted})\n_thinback\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"")
    return run("bash", "-c", script).stdout.split()


class Completion(unittest.TestCase):
    def test_verbs(self):
        self.assertEqual(["remove"], complete("thinback rem"))
        self.assertEqual(["detach"], complete("thinback -J det"))

    def test_options(self):
        self.assertEqual(["--sort", "--snapshots"], complete("thinback list --s"))
        self.assertEqual(["--json"], complete("thinback --j"))

    def test_pools(self):
        self.assertEqual(["tank"], complete("thinback -J detach t"))
        self.assertEqual(["spare/"], complete("thinback create sp"))

    def test_volumes_and_snapshots(self):
        self.assertEqual(["tank/web17", "tank/deb", "tank/deb@v1"], complete("thinback remove "))
        self.assertEqual(["tank/deb@v1", "tank/", "spare/"], complete("thinback clone "))
        self.assertEqual(["tank/web17@"], complete("thinback snapshot tank/w"))

    def test_at_sign_splits_words_or_not(self):
        self.assertEqual(["tank/deb@v1"], complete("thinback remove tank/deb@"))
        self.assertEqual(["@v1"], complete("thinback remove tank/deb@", "thinback", "remove",
                                           "tank/deb", "@"))
