"""Includes go down the floors of ARCHITECTURE.md, and never back up."""

import pathlib
import re

import pytest

TOP = pathlib.Path(__file__).parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)

PROCESSES = ("setup", "logger", "front", "registrar", "relay", "spawn")
DAEMON = {"include", "table", "conf", "os", "daemon"}

# What the files of each folder may include, besides their own folder's.
FLOORS = {
    "include": set(),
    "lib": {"include"},
    "table": {"include"},
    "conf": {"include", "table"},
    "os": set(),
    # The start of tcpmuxd, and what its processes share.
    "daemon": DAEMON | {"daemon/setup", "daemon/monitor", "daemon/logger"},
    "daemon/setup": DAEMON,
    "daemon/monitor": DAEMON | {f"daemon/{process}" for process in PROCESSES},
    "daemon/logger": DAEMON,
    "daemon/front": DAEMON,
    "daemon/registrar": DAEMON | {"daemon/front"},
    "daemon/relay": DAEMON,
    "daemon/spawn": DAEMON | {"daemon/logger"},
    "cmd": {"include"},
    "cmd/tcpmux": {"include", "cmd"},
    "cmd/offer": {"include", "cmd"},
    "cmd/ctl": {"include", "cmd"},
    "cmd/wrap": {"include", "cmd"},
    "cmd/exporter": {"include", "cmd"},
}

FILES = sorted(f for floor in FLOORS for f in (TOP / floor).glob("*.[ch]"))


def folder_of(name):
    """The folder that an include names; the public header has none."""
    return "include" if name == "tcpmux.h" else name.rpartition("/")[0]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_includes_go_down_only(file):
    floor = str(file.parent.relative_to(TOP))
    for name in INCLUDE.findall(file.read_text()):
        folder = folder_of(name)
        assert folder == floor or folder in FLOORS[floor], name


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_a_file_opens_with_its_sentence(file):
    assert file.read_text().startswith("/*\n * ")


@pytest.mark.parametrize("name", ["wire.c", "words.c"])
def test_the_wire_and_its_words_need_next_to_nothing(name):
    """Rule 7 of the style: not even memory."""
    allowed = {"stdbool.h", "string.h"}
    file = next(f for f in FILES if f.name == name)
    assert set(re.findall(r"#include <([^>]+)>", file.read_text())) <= allowed


@pytest.mark.parametrize(
    "file", sorted((TOP / "table").glob("*.[ch]")), ids=lambda f: f.name)
def test_a_table_is_pure(file):
    """Rule 7 of the style: no descriptor, clock, log or exit."""
    io = {"fcntl.h", "grp.h", "netdb.h", "poll.h", "pwd.h", "signal.h",
          "sys/epoll.h", "sys/mman.h", "sys/socket.h", "sys/stat.h",
          "syslog.h", "time.h", "unistd.h"}
    assert not set(re.findall(r"#include <([^>]+)>", file.read_text())) & io
