"""Programs that offer names at the control socket, in the tests: by hand, as
tcpmux-offer(7) says, so that neither libtcpmux nor the tools are needed."""

import contextlib
import os
import pathlib
import selectors
import signal
import socket
import subprocess
import sys
import threading

import pytest

import load
import proc
import server
from services import HANDOVER, OK, script

# Logins of every machine, with their user and group ids; and none's.
ALICE, BOB = "daemon", "games"
IDS = {ALICE: (1, 1), BOB: (5, 60)}
STRANGER = 12345

LINE = 512              # longer than any line of the daemon's
MESSAGE = HANDOVER.size + 256

# A program of its own, for those tests that kill it or that need another
# user: it offers names, says what it was told of each, and answers with the
# name and the word that comes.
PROGRAM = """\
import os, socket, sys, threading
control, options, names = sys.argv[1], sys.argv[2], sys.argv[3:]

def talk(sock, name):
    try:
        sock.sendall(b"+OK FINE\\r\\n" + name + b" ")
        while True:
            data = sock.recv(4096)
            if data:
                sock.sendall(data)
            if not data or data.endswith(b"\\n"):
                break
    except OSError:
        pass
    sock.close()

def take(link, name):
    while True:
        data, fds, _, _ = socket.recv_fds(link, 1024, 1)
        if not fds:
            print(data.decode("ascii").strip() or "end", flush=True)
            return
        assert data[128:] == name, data
        threading.Thread(target=talk, daemon=True, args=(
            socket.socket(fileno=fds[0]), name)).start()

links = []
for name in names:
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link.connect(control)
    link.send(f"offer{options}/{name}\\r\\n".encode())
    print(link.recv(1024).decode().strip() or "end", flush=True)
    links.append(threading.Thread(target=take, args=(link, name.encode())))
for thread in links:
    thread.start()
for thread in links:
    thread.join()
"""


def needs_root():
    """Skip where only root can see to it."""
    if os.getuid() != 0:
        pytest.skip("only root can be other users")


def as_user(uid, gid=None, groups=()):
    """The words before a command that make it this user's."""
    needs_root()
    more = f"--groups={','.join(map(str, groups))}" if groups else \
        "--clear-groups"
    return ("setpriv", f"--reuid={uid}", f"--regid={gid or uid}", more)


def dial(control):
    """A connection to the control socket."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link.connect(control)       # this waits for room in a full queue
    link.settimeout(proc.PATIENCE)
    return link


def hear(link):
    """The next line of the daemon's; empty at the end."""
    try:
        return link.recv(LINE)
    except ConnectionResetError:
        return b""


def wait_told(started):
    """Wait until the registrar rests: all fronts can know what it knows."""
    proc.wait_until(lambda: all(proc.state(pid) == "S" for pid in
                                started.named("regis")), "the registrar")


class Offer:
    """One name, offered to a tcpmuxd on a connection of its own.

    answer is the line that came back; the daemon's word is kept, not judged.
    Without rest nobody waits until the fronts can know of it.
    """

    def __init__(self, started, name, *options, rest=True):
        self.name = name.encode("ascii")
        self.link = dial(started.control)
        self.link.send(",".join(("offer", *options)).encode("ascii") + b"/" +
                       self.name + b"\r\n")
        self.answer = hear(self.link)
        if rest and self.taken:
            wait_told(started)

    @property
    def taken(self):
        """Has the daemon taken it?"""
        return self.answer.lower() == b"+" + self.name.lower() + b"\r\n"

    def fileno(self):
        """For select."""
        return self.link.fileno()

    def take(self):
        """The next connection and its header; or None and a last line."""
        data, fds, flags, _ = socket.recv_fds(self.link, MESSAGE, 4)
        if not fds:
            return None, data
        assert flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) == 0
        assert len(fds) == 1 and data[HANDOVER.size:].lower() == \
            self.name.lower(), data
        return socket.socket(fileno=fds[0]), HANDOVER.unpack_from(data)

    def close(self):
        """Withdraw it."""
        self.link.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def refused(started, name, *options):
    """The first word behind the - that an offer was answered with; or None.
    """
    with Offer(started, name, *options, rest=False) as offer:
        if offer.taken:
            return None
        assert offer.answer.startswith(b"-"), offer.answer
        assert offer.answer.endswith(b".\r\n"), offer.answer
        assert hear(offer.link) == b"", "the daemon closes behind it"
        return offer.answer[1:].split()[0].decode("ascii")


class Offers:
    """Any number of offers, served by two threads until close().

    What is served is serve(sock), behind the + and the name.  ended has what
    was said of each name that the daemon has ended.
    """

    def __init__(self, started, names=(), *options, again=False):
        self.started, self.options, self.again = started, options, again
        self.selector = selectors.DefaultSelector()
        self.ours, self.its = socket.socketpair()
        self.selector.register(self.its, selectors.EVENT_READ)
        self.offers = {}
        self.counts = {}        # connections, by name
        self.ended = {}
        for name in names:
            self.add(name)
        wait_told(started)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def add(self, name):
        """Offer one more; before or while others are served."""
        offer = Offer(self.started, name, *self.options, rest=False)
        assert offer.taken, offer.answer
        self.counts.setdefault(name, 0)
        self.offers[name] = offer
        self.selector.register(offer, selectors.EVENT_READ, name)

    def run(self):
        """Take what comes."""
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return
                self.take(key.data)

    def take(self, name):
        """Take one connection, or the end of an offer."""
        offer = self.offers[name]
        try:
            sock, line = offer.take()
        except OSError:
            sock, line = None, b""
        if sock is not None:
            self.counts[name] += 1
            threading.Thread(target=self.talk, args=(sock, offer.name),
                             daemon=True).start()
            return
        self.selector.unregister(offer)
        offer.close()
        self.ended[name] = line
        if self.again and not line:
            threading.Thread(target=self.return_to, args=(name,),
                             daemon=True).start()

    def return_to(self, name):
        """Offer a name again, until a daemon takes it, as libtcpmux does."""
        def offered():
            try:
                self.add(name)
                return True
            except (AssertionError, OSError):
                return False
        proc.wait_until(offered, f"{name} to be taken again")

    @staticmethod
    def talk(sock, name):
        """Say +, and then serve the one word of tests/load.py."""
        with sock, contextlib.suppress(OSError):
            sock.settimeout(proc.PATIENCE)
            sock.sendall(OK)
            load.say(name + b" ")(sock)

    def close(self):
        """Withdraw them all."""
        self.ours.close()
        self.thread.join()
        for offer in self.offers.values():
            offer.close()
        self.its.close()
        self.selector.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Program:
    """A process that offers names; answers are the lines that it was told."""

    def __init__(self, folder, started, names, *options, prefix=(),
                 rest=True):
        self.names = names
        path = pathlib.Path(folder, "offerer.py")
        if not path.exists():
            script(folder, path.name, PROGRAM)
        self.process = subprocess.Popen(
            [*prefix, os.path.realpath(sys.executable), "-IBS", path,
             started.control,
             "".join(f",{option}" for option in options), *names],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.answers = [self.line() for _ in names]
        if rest:
            wait_told(started)

    def line(self):
        """The next thing that it says."""
        return self.process.stdout.readline().decode("ascii").rstrip("\n")

    @property
    def pid(self):
        """Its number."""
        return self.process.pid

    @property
    def taken(self):
        """Have all of them been taken?"""
        return self.answers == [f"+{name}" for name in self.names]

    def kill(self, number=signal.SIGKILL):
        """End it, and wait for that."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(proc.PATIENCE)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def words(program):
    """+ or the reason, for each name."""
    return ["+" if answer.startswith("+") else answer.lstrip("-").split()[0]
            for answer in program.answers]


def listed(address):
    """The names that HELP has."""
    text = server.ask(address, b"HELP\r\n").decode("ascii")
    assert not text or text.endswith("\r\n"), text
    return text.split("\r\n")[:-1]
