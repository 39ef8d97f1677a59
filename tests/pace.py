"""Clients that come at a fixed rate, by a program of ours (programs/pace.c)."""

import collections
import contextlib
import os
import subprocess

import proc
import server

RATE = int(os.environ.get("TCPMUX_RATE", "500"))


class Pace:
    """So many clients a second until stop(), and what became of them."""

    def __init__(self, address, rate, *kinds):
        self.counts = collections.Counter()
        self.rate = 0
        self.process = subprocess.Popen(
            [server.BUILD / "tests" / "pace", str(address[1]), str(rate),
             *kinds], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            encoding="ascii")

    def stop(self):
        """Let no more come, and wait for all answers."""
        text, _ = self.process.communicate(timeout=2 * proc.PATIENCE)
        for line in text.splitlines():
            words = line.split()
            if words[0] == "rate":
                self.rate = int(words[1])
            else:
                self.counts[words[0], words[1]] += int(words[2])
        assert self.process.returncode == 0

    def outcomes(self):
        """How often each outcome was, of all kinds together."""
        found = collections.Counter()
        for (_, how), number in self.counts.items():
            found[how] += number
        return dict(found)

    def show(self, title):
        """Print the counts, for those who run pytest -s."""
        print(f"{title}: {self.rate} a second: {self.outcomes()}")


@contextlib.contextmanager
def under_pace(address, rate, *kinds):
    """Clients that come meanwhile."""
    paced = Pace(address, rate, *kinds)
    try:
        yield paced
    finally:
        paced.stop()
