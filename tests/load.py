"""Clients that ask all the time, and judge each answer that they get.

Each conversation carries a word of its own, so an answer that is another
service's or another client's is seen.
"""

import collections
import contextlib
import itertools
import pathlib
import threading
import time

import proc
import server
from services import OK, as_nobody

SCRIPT = 'read -r word\necho "exec $word"\n'
KINDS = ("exec", "relay", "socket", "tcpmux", "nested")
CLIENTS = 4

# How often service tcpmux says + to a kind.
WELCOMES = {"tcpmux": 2, "nested": 1}

# What may be said instead of +, while something is being replaced.
REFUSALS = {
    b"-Service not running: try again later\r\n": "down",
    b"-busy: this service is full, try again in a moment\r\n": "full",
    b"-Going down: try again in a moment\r\n": "stopping",
}


def say(text):
    """A way to serve: a line of text and the word that has come."""
    def serve(sock):
        line = b""
        while not line.endswith(b"\n"):
            more = sock.recv(512)
            if not more:
                return
            line += more
        sock.sendall(text + line)
    return serve


def configuration(host):
    """Services of the kinds that Load asks for."""
    path = pathlib.Path(host.path("answer"))
    path.write_text(SCRIPT, encoding="ascii")
    taker = host.taker(say(b"socket "), host.path("load.take"))
    backend = host.backend(say(b"relay "))
    return (
        "log { level = refusals }\n" +
        host.service("exec", f'exec = {{"/bin/sh", "{path}"}} {as_nobody()}') +
        host.service("relay", f'relay = "{backend.where}"') +
        host.service("socket", f'socket = "{taker.path}"'))


def talk(kind, word):
    """What is sent to a kind of service, and what is to be heard."""
    word = word.encode("ascii")
    if kind == "tcpmux":
        # The list of HELP, which a reload may change, is judged elsewhere.
        return b"tcpmux\r\nTCPMUX\r\n", OK + OK
    if kind == "nested":
        return (b"tcpmux\r\nrelay\r\n" + word + b"\n",
                OK + OK + b"relay " + word + b"\n")
    name = kind.encode("ascii")
    return (name.upper() + b"\r\n" + word + b"\n",
            OK + name + b" " + word + b"\n")


def judge(kind, heard, wanted):
    """One word for what was heard until the connection ended."""
    if heard == wanted:
        return "served"
    # Whoever asks for tcpmux may be refused behind each + of it.
    for _ in range(WELCOMES.get(kind, 0)):
        if heard in REFUSALS or not heard.startswith(OK):
            break
        heard, wanted = heard[len(OK):], wanted[len(OK):]
    if heard in REFUSALS:
        return REFUSALS[heard]
    if wanted.startswith(heard) or any(
            line.startswith(heard) for line in REFUSALS):
        return "cut"
    return "wrong"


def converse(address, kind, word):
    """One conversation: how it went, and what was heard."""
    request, wanted = talk(kind, word)
    heard = b""
    try:
        with server.connect(address) as sock:
            sock.sendall(request)
            if kind == "tcpmux":
                sock.shutdown(server.socket.SHUT_WR)
            while True:
                more = sock.recv(4096)
                if not more:
                    return judge(kind, heard, wanted), heard
                heard += more
    except ConnectionRefusedError:
        return "no connection", heard
    except TimeoutError:
        return "unanswered", heard
    except OSError:
        how = judge(kind, heard, wanted)
        return "reset" if how in ("cut", "served") else how, heard


class Load:
    """CLIENTS threads, which ask until the end of the with block."""

    def __init__(self, address, kinds=KINDS):
        self.address = address
        self.kinds = kinds
        self.words = itertools.count()
        self.counts = collections.Counter()
        self.wrong = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,))
                        for i in range(CLIENTS)]

    def run(self, first):
        """Ask for one kind after the other."""
        for kind in itertools.islice(itertools.cycle(self.kinds), first,
                                     None):
            if self.stop.is_set():
                return
            how, heard = converse(self.address, kind, f"w{next(self.words)}")
            self.counts[kind, how] += 1
            if how in ("wrong", "unanswered"):
                self.wrong.append((kind, how, heard))

    def served(self):
        """How many have been served, by kind; only those asked for."""
        return {kind: self.counts[kind, "served"] for kind in self.kinds}

    def wait_served(self, more=3):
        """Wait until so many more of each kind have been served in full."""
        before = self.served()
        proc.wait_until(
            lambda: all(self.served()[kind] >= before[kind] + more
                        for kind in self.kinds),
            f"every service: {dict(self.counts)}")

    def outcomes(self):
        """How often each outcome was, of all kinds together."""
        found = collections.Counter()
        for (_, how), number in self.counts.items():
            found[how] += number
        return dict(found)

    def show(self, title):
        """Print the counts, for those who run pytest -s."""
        for kind in self.kinds:
            row = {how: n for (k, how), n in sorted(self.counts.items())
                   if k == kind}
            print(f"{title}: {kind}: {row}")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


@contextlib.contextmanager
def under_load(address, kinds=KINDS):
    """A Load that is at work; no answer of it may be anybody else's."""
    began = time.monotonic()
    with Load(address, kinds) as load:
        load.wait_served()
        yield load
        load.wait_served()
    load.seconds = time.monotonic() - began
    assert not load.wrong, load.wrong[:3]
