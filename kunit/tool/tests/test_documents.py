# SPDX-License-Identifier: GPL-2.0
"""Help, manual and completion tell of the same verbs, options and exits."""

import re
import shutil
import unittest

from places import SCRIPTS, TOP, help_of, run

MANUAL = SCRIPTS / "thinback.8"
COMPLETION = SCRIPTS / "thinback.bash-completion"


def verbs_of_help():
    return re.findall(r"^  ([a-z]+)  +\S", help_of(), flags=re.M)


def options_of_help(verb=""):
    return set(re.findall(r"--([a-z][a-z-]+)", re.sub(r"usage:.*", "", help_of(verb)))) - {"help"}


def section(title):
    found = re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh )", MANUAL.read_text(), flags=re.M | re.S)
    return found.group(1)


def manual_entry(verb):
    found = re.search(rf"^\.It Ic {verb}\b(.*?)(?=^\.It Ic |^\.Ss |^\.Sh )", MANUAL.read_text(),
                      flags=re.M | re.S)
    return found.group(1)


def completion(function, word):
    script = f'. "{COMPLETION}"; {function} "{word}"'
    return run("bash", "-c", script).stdout.split()


class Documents(unittest.TestCase):
    def test_verbs(self):
        verbs = verbs_of_help()
        self.assertGreater(len(verbs), 10)
        self.assertEqual(len(verbs), len(set(verbs)))
        self.assertEqual(set(verbs), set(re.findall(r"^\.It Ic ([a-z]+)", section("DESCRIPTION"),
                                                    flags=re.M)))
        self.assertEqual(set(verbs), set(completion("__thinback_words", "")))

    def test_global_options(self):
        options = options_of_help()
        self.assertEqual(options, set(re.findall(r"^\.It Fl \w , Fl Fl ([a-z-]+)$",
                                                 section("OPTIONS"), flags=re.M)) - {"help"})

    def test_options_of_verbs(self):
        everywhere = options_of_help()
        for verb in verbs_of_help():
            with self.subTest(verb):
                own = options_of_help(verb) - everywhere
                entry = manual_entry(verb).replace("Fl o ", "Fl Fl output ")
                self.assertEqual(own, set(re.findall(r"Fl Fl ([a-z-]+)", entry.split("\n")[0])))
                completed = {word[2:] for word in completion("__thinback_options", verb)}
                self.assertEqual(own | everywhere | {"help"}, completed)

    def test_forms_name_the_options(self):
        for verb in verbs_of_help():
            with self.subTest(verb):
                form = re.search(r"usage: thinback (.*)", help_of(verb)).group(1)
                own = options_of_help(verb) - options_of_help()
                self.assertTrue(form.startswith(verb))
                self.assertEqual({"-o" if option == "output" else f"--{option}" for option in own},
                                 set(re.findall(r"-o\b|--[a-z-]+", form)))

    def test_exits(self):
        header = (SCRIPTS / "thinback/failure.h").read_text()
        for name, of_check in (("Exit", 0), ("CheckExit", 1)):
            values = re.search(rf"enum class {name} \{{(.*?)\}}", header, flags=re.S).group(1)
            told = section("EXIT STATUS").split(".Ic check\nalone")[of_check]
            self.assertEqual(re.findall(r"= (\d+)", values),
                             re.findall(r"^\.It (\d+)$", told, flags=re.M))

    def test_words_of_exits(self):
        source = (SCRIPTS / "thinback/failure.cc").read_text()
        words = set(re.findall(r'return "([a-z-]+)";', source[source.index("exit_name("):]))
        manual = section("EXIT STATUS")
        self.assertEqual(words - {"done"}, set(re.findall(r"^(?:\.Pq |\.Li )([a-z-]+)", manual,
                                                          flags=re.M)) - {"code"})

    def test_columns(self):
        source = (SCRIPTS / "thinback/columns.cc").read_text()
        columns = set(re.findall(r'"([A-Z]+%?)"', source))
        self.assertEqual(columns, set(re.findall(r"^\.It ([A-Z]+%?)$", section("LISTS"), flags=re.M)))

    def test_columns_of_top(self):
        source = (SCRIPTS / "thinback/top.cc").read_text()
        columns = set(re.findall(r'"([A-Z][A-Z0-9]+)"', source))
        self.assertGreater(len(columns), 5)
        self.assertEqual(columns, set(re.findall(r"^\.It ([A-Z0-9]+)$", section("WHAT VOLUMES DO"),
                                                 flags=re.M)))

    @unittest.skipUnless(shutil.which("mandoc"), "no mandoc")
    def test_mandoc(self):
        for path in (MANUAL, SCRIPTS / "block-thinback.8", SCRIPTS / "thinback-takeover.8"):
            told = run("mandoc", "-T", "lint", path).stdout.splitlines()
            # Where manuals are not installed, none can be found.
            self.assertEqual([], [line for line in told if "referenced manual not found" not in line])

    @unittest.skipUnless(shutil.which("shellcheck"), "no shellcheck")
    def test_shellcheck(self):
        for path in ("scripts/block-thinback", "scripts/thinback-takeover", "scripts/thinback.bash-completion",
                     "kunit/tool/xen/block-common.sh"):
            done = run("shellcheck", "-s", "bash", TOP / path)
            self.assertEqual("", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
