"""What a daemon tells of itself at its control socket, in the tests."""

import array
import os
import re
import socket

import offerers
import proc


def ask(started, request):
    """The line of the answer, and the text that comes with it, or None."""
    with offerers.dial(started.control) as link:
        link.send(request.encode("ascii") + b"\r\n")
        data, more, _, _ = link.recvmsg(offerers.LINE, socket.CMSG_SPACE(4))
    fds = array.array("i")
    for _, _, fd in more:
        fds.frombytes(fd)
    if not fds:
        return data, None
    with open(fds[0], "rb") as file:
        return data, os.pread(file.fileno(), 1 << 28, 0).decode("ascii")


def unescape(value):
    """A value as it was before it was escaped."""
    return re.sub(r"\\x([0-9a-f]{2})",
                  lambda match: chr(int(match[1], 16)), value)


class Snapshot:
    """All that was told: lines, each a word and a dictionary."""

    def __init__(self, text):
        self.text = text
        self.lines = []
        assert text.endswith("\n")
        for line in text[:-1].split("\n"):
            word, *pairs = line.split(" ")
            found = dict(pair.split("=", 1) for pair in pairs)
            assert len(found) == len(pairs), line
            self.lines.append((word, found))

    def all(self, word, **wanted):
        """The lines of a word that have these values."""
        return [line for name, line in self.lines if name == word and
                all(line.get(key) == value for key, value in wanted.items())]

    def one(self, word, **wanted):
        """The only one of them."""
        found = self.all(word, **wanted)
        assert len(found) == 1, f"{word} {wanted}: {found}"
        return found[0]

    def service(self, name):
        """What is told of a service, with numbers as such."""
        line = self.one("service", name=name)
        return {key: int(value) if value.isdigit() else value
                for key, value in line.items()}

    def total(self, key):
        """A number of all."""
        return int(self.one("total")[key])

    def refused(self, name=None):
        """The refusals above 0: of a name, or of all."""
        lines = [line for line in self.all("refused")
                 if line.get("name") == name]
        return {line["reason"]: int(line["n"]) for line in lines
                if line["n"] != "0"}


def snapshot(started):
    """What it is now.  An answer may be as old as 100 ms, but no older."""
    line, text = ask(started, "snapshot")
    assert line.startswith(b"+"), line
    return Snapshot(text)


def wait_for(started, condition, what):
    """Wait until a snapshot is such; returns it."""
    def look():
        told = snapshot(started)
        return told if condition(told) else None
    return proc.wait_until(look, what)
