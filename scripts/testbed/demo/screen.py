# SPDX-License-Identifier: GPL-2.0
"""What the demonstration shows while it runs, and at its end.

A line for each step that is done; below them, on a terminal alone, what is
being done now.
"""
import contextlib
import os
import shutil
import sys
import textwrap
import threading
import time

SPINNER = "|/-\\"
GREEN, RED, BOLD, DIM = "32", "31", "1", "2"


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class Screen:
    """Steps may overlap, and end in threads of their own."""

    def __init__(self, started):
        self.started = started
        self.terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.coloured = self.terminal and not os.environ.get("NO_COLOR")
        self.running = {}
        self.lock = threading.Lock()
        self.turn = 0
        if self.terminal:
            threading.Thread(target=self._spin, daemon=True).start()

    def paint(self, colour, text):
        return f"\033[{colour}m{text}\033[m" if self.coloured else text

    def line(self, text=""):
        with self.lock:
            self._wipe()
            print(text, flush=True)

    def begin(self, name):
        with self.lock:
            self.running[name] = time.monotonic()

    def end(self, name, well=True):
        with self.lock:
            took = time.monotonic() - self.running.pop(name)
        mark = "" if well else self.paint(RED, "  failed")
        self.line(f"{clock(time.monotonic() - self.started):>6}  {name:<72} {took:4.0f} s{mark}")

    @contextlib.contextmanager
    def step(self, name):
        self.begin(name)
        try:
            yield
        except BaseException:
            self.end(name, well=False)
            raise
        self.end(name)

    def _wipe(self):
        if self.terminal:
            print("\r\033[K", end="")

    def _spin(self):
        while True:
            time.sleep(0.25)
            with self.lock:
                if not self.running:
                    continue
                self.turn += 1
                now = f"{clock(time.monotonic() - self.started):>6}  {SPINNER[self.turn % 4]} {', '.join(self.running)}"
                self._wipe()
                print(self.paint(DIM, now[:shutil.get_terminal_size().columns - 1]), end="", flush=True)

    def heading(self, text):
        self.line()
        self.line(self.paint(BOLD, text))

    def claims(self, claims):
        """The evidence beside each claim, or below it where the terminal is narrow."""
        width = max(len(claim.text) for claim in claims)
        needed = width + max(len(claim.evidence) for claim in claims) + 12
        between = "  " if needed <= shutil.get_terminal_size((needed, 24)).columns else f"\n{'':10}"
        for claim in claims:
            mark = self.paint(GREEN, "ok    ") if claim.holds else self.paint(RED, "FAILED")
            text = claim.text.ljust(width if between == "  " else 0)
            self.line(f"  {mark}  {text}{between}{claim.evidence}")

    def trouble(self, message):
        """For the error output: the first line says what, the others what helps."""
        with self.lock:
            self._wipe()
        first, *rest = message.split("\n")
        print(f"demo: {first}", file=sys.stderr)
        print(textwrap.indent("\n".join(rest), "  "), file=sys.stderr)
