"""Each test of each unit program, as one test of this suite."""

import os
import re
import subprocess

import pytest

from server import BUILD

LINE = re.compile(r"(not )?ok \d+ (?:- (.*)|# SKIP (.*))")
# What runs a program of another architecture, as qemu does.
EMULATOR = os.environ.get("TCPMUX_EMULATOR", "").split()
PROGRAMS = sorted(path for path in (BUILD / "tests").glob("unit-*")
                  if path.is_file() and os.access(path, os.X_OK))


def parse(text):
    """The results in TAP: [name, verdict, remarks]."""
    found = []
    for line in text.split("\n"):
        match = LINE.match(line)
        if match and match[3]:
            found.append([match[3], "skip", []])
        elif match:
            found.append([match[2], "fail" if match[1] else "pass", []])
        elif line.startswith("#") and found:
            found[-1][2].append(line)
    return found


def run(program):
    """Run a program, whose own end is one more result."""
    done = subprocess.run(
        [*EMULATOR, program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
        env=os.environ | {"CMOCKA_MESSAGE_OUTPUT": "TAP"}, check=False)
    found = parse(done.stdout)
    failed = sum(verdict == "fail" for _, verdict, _ in found)
    sound = found and (done.returncode == 0) == (failed == 0)
    found.append(["ends as its tests do", "pass" if sound else "fail",
                  [f"status {done.returncode}", done.stdout]])
    return found


@pytest.mark.parametrize("verdict, remarks", [
    pytest.param(verdict, remarks, id=f"{program.name}: {name}")
    for program in PROGRAMS for name, verdict, remarks in run(program)])
def test_unit(verdict, remarks):
    """It passes, as the program says."""
    if verdict == "skip":
        pytest.skip("skipped by the program")
    assert verdict == "pass", "\n".join(remarks)


def test_programs_are_there():
    """Unit programs have been built."""
    assert PROGRAMS
