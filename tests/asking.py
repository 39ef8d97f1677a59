"""Asking a tcpmuxd at its control socket by hand, as tcpmux-control(7) says."""

import array
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys

import offerers
import proc
from services import script

LINE = 600              # longer than any answer

# A program of its own, for those who ask as another user: each word is a
# request, and each line that it says an answer and the text that came along.
PROGRAM = """\
import array, json, os, socket, sys
for word in sys.argv[2:]:
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link.connect(sys.argv[1])
    link.settimeout(20)
    link.send(word.encode() + b"\\r\\n")
    line, fds, _, _ = socket.recv_fds(link, 600, 4)
    text = [os.pread(fd, 1 << 24, 0).decode("ascii") for fd in fds]
    print(json.dumps([line.decode("ascii"), *text]), flush=True)
    for fd in fds:
        os.close(fd)
    link.close()
"""


class Answer:
    """One answer: its line, and the text that came along or None."""

    def __init__(self, line, text=None):
        self.line = line
        self.text = text
        assert line == "" or line[0] in "+-" and line.endswith("\r\n"), line

    @property
    def granted(self):
        """Was it +?"""
        return self.line.startswith("+")

    @property
    def word(self):
        """+, or the word behind -; or nothing, without an answer."""
        if self.granted or not self.line:
            return self.line[:1]
        return self.line[1:].split()[0]

    def lines(self, word):
        """The pairs of each line that begins with a word."""
        return [dict(pair.split("=", 1) for pair in line.split()[1:])
                for line in self.text.splitlines()
                if line.split()[0] == word]


def receive(link):
    """The answer that waits at a connection; its file is closed again."""
    try:
        line, fds, flags, _ = socket.recv_fds(link, LINE, 4)
    except ConnectionResetError:
        return Answer("")
    assert flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) == 0
    assert len(fds) <= 1
    text = None
    for fd in fds:
        text = os.pread(fd, 1 << 26, 0).decode("ascii")
        os.close(fd)
    return Answer(line.decode("ascii"), text)


def ask(started, request):
    """Ask for one thing, as whoever runs the test."""
    with offerers.dial(started.control) as link:
        link.send(request.encode("ascii") + b"\r\n")
        return receive(link)


def ask_as(folder, started, prefix, *requests):
    """Ask for several, as another user; returns the answers."""
    path = pathlib.Path(folder, "asker.py")
    if not path.exists():
        script(folder, path.name, PROGRAM)
    done = subprocess.run(
        [*prefix, os.path.realpath(sys.executable), "-IBS", path,
         started.control, *requests], stdout=subprocess.PIPE, check=True,
        timeout=proc.PATIENCE)
    return [Answer(answer[0], *answer[1:])
            for answer in map(json.loads, done.stdout.splitlines())]


def conns(started, **wanted):
    """The connections that the daemon holds, or those that are so."""
    return [line for line in ask(started, "conns").lines("conn")
            if all(line.get(key) == value for key, value in wanted.items())]


def wait_conns(started, count, **wanted):
    """Wait until there are so many of them."""
    return proc.wait_until(
        lambda: (found := conns(started, **wanted)) and
        len(found) == count and found, f"{count} connections")


def service(started, name):
    """The line of a service in the snapshot."""
    line, = [line for line in ask(started, "snapshot").lines("service")
             if line["name"] == name]
    return line


@contextlib.contextmanager
def with_descriptors(control, fds):
    """A connection at which a request is sent with descriptors."""
    with offerers.dial(control) as link:
        link.sendmsg([b"snapshot\r\n"], [(
            socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
        yield link
