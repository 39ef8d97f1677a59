"""tcpmuxd, started, watched and stopped by a test."""

import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import threading

import proc

BUILD = pathlib.Path(os.environ.get("TCPMUX_BUILD", "build")).resolve()
TCPMUXD = BUILD / "tcpmuxd"

LISTENING = re.compile(r"tcpmuxd: listening on (\[.+\]|[^:]+):(\d+)$")
ENDED = re.compile(r" (?:was ended by signal|ended with status) (\d+)$")
UPGRADED = re.compile(r"tcpmuxd: upgraded: process (\d+) serves$")
SERVING = re.compile(r"tcpmuxd: serving generation (\d+): (\d+) services?$")
BARE = pathlib.Path(__file__).with_name("bare.conf")
ONE_LISTENER = 'listen "127.0.0.1" { port = 0 }\n'


def write_conf(path, text):
    """Replace a configuration as a careful editor does: whole, at once."""
    with open(f"{path}.new", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(f"{path}.new", path)


def connect(address, source=None):
    """A connection that sends each segment at once, from an address."""
    sock = socket.create_connection(
        address, proc.PATIENCE, source and (source, 0))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def read_all(sock):
    """What the server says until it closes, in good order."""
    data = bytearray()
    while True:
        more = sock.recv(65536)
        if not more:
            return bytes(data)
        data += more


def ask(address, request):
    """All that is said to one request, the client's end sent behind it."""
    with connect(address) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)


class Server:
    """One tcpmuxd: its monitor is process, all others are children of that;
    after an upgrade process is the keeper, and its monitor a child of that.

    conf is the path of its configuration, and control of its control socket,
    if the fixture has chosen them.
    """

    conf = None
    control = None
    generation = 1
    upgraded = None     # the monitor that serves since an upgrade
    expected = {f"signal {signal.SIGKILL:d}"}   # what processes may die of

    def __init__(self, *words, prefix=(), **popen):
        self.process = subprocess.Popen(
            [*prefix, TCPMUXD, *words], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, **popen)
        self.said = []
        self.lines = queue.Queue()
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        """Take what it says, so that it never waits to say it."""
        with self.process.stderr as stderr:
            for line in stderr:
                text = line.decode("ascii", "replace").rstrip("\n")
                self.said.append(text)
                self.lines.put(text)
        self.lines.put(None)

    def wait_line(self):
        """The next line it says; None behind the last."""
        return self.lines.get(timeout=proc.PATIENCE)

    def wait_for(self, pattern):
        """Wait until it says a line that matches; return the match."""
        while True:
            line = self.wait_line()
            assert line is not None, f"it ended, and never said {pattern}"
            match = re.search(pattern, line)
            if match:
                return match

    def wait_ready(self, sockets=1):
        """Wait for the listening lines; return the first address."""
        self.addresses = []
        while len(self.addresses) < sockets:
            line = self.wait_line()
            assert line is not None, f"tcpmuxd ended: {self.said}"
            match = LISTENING.match(line)
            if match:
                self.addresses.append((match[1].strip("[]"), int(match[2])))
        return self.addresses[0]

    @property
    def pid(self):
        """The process that was started: the monitor, or its keeper."""
        return self.process.pid

    @property
    def monitor(self):
        """The process that all others but a keeper are children of."""
        return self.upgraded or self.pid

    def named(self, name):
        """Its processes of one kind, oldest first."""
        return [pid for pid in sorted(proc.children(self.monitor))
                if proc.read(pid, "comm").rstrip("\n") == f"tcpmuxd-{name}"
                and proc.state(pid) not in ("Z", "")]

    def wait_named(self, name):
        """The same, once there is one."""
        return proc.wait_until(lambda: self.named(name), f"a {name}")

    @property
    def front(self):
        """The oldest front, once there is one."""
        return self.wait_named("front")[0]

    def processes(self):
        """The monitor and all the others, as they are now."""
        return [self.monitor, *proc.children(self.monitor)]

    def reload(self, text):
        """Give it another configuration; wait until it serves that."""
        write_conf(self.conf, text)
        self.process.send_signal(signal.SIGHUP)
        match = self.wait_for(SERVING)
        self.generation += 1
        assert int(match[1]) == self.generation
        return int(match[2])

    def upgrade(self):
        """Let the program as it is now take over; wait until it has."""
        self.process.send_signal(signal.SIGUSR2)
        self.upgraded = int(self.wait_for(UPGRADED)[1])
        self.generation += 1
        return self.upgraded

    def settle(self):
        """Wait until every process sleeps."""
        proc.wait_until(lambda: proc.at_rest(self.pid), "tcpmuxd to rest")

    def limit_files(self, number, pid=None):
        """Change how many descriptors the front, or another of its processes,
        may have, as its own user."""
        pid = pid or self.front
        words = ["prlimit", f"--pid={pid}", f"--nofile={number}:"]
        if os.getuid() == 0:
            status = proc.status(pid)
            words = ["setpriv", "--clear-groups",
                     "--reuid=" + status["Uid"].split()[0],
                     "--regid=" + status["Gid"].split()[0]] + words
        subprocess.run(words, check=True)

    def deaths(self):
        """What it has said of processes whose end no test has caused."""
        return [line for line in self.said if ENDED.search(line)
                and not line.endswith(tuple(self.expected))]

    def wait(self):
        """Wait for its end and return the exit status."""
        status = self.process.wait(proc.PATIENCE)
        self.thread.join(proc.PATIENCE)
        assert not self.thread.is_alive(), "somebody holds its standard error"
        return status

    def stop(self, number=signal.SIGTERM):
        """Ask it to end, and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()
