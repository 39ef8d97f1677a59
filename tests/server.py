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


def connect(address):
    """A connection that sends each segment at once."""
    sock = socket.create_connection(address, timeout=proc.PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def read_all(sock):
    """What the server says until it closes, in good order."""
    data = b""
    while True:
        more = sock.recv(65536)
        if not more:
            return data
        data += more


def ask(address, request):
    """All that is said to one request, the client's end sent behind it."""
    with connect(address) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)


class Server:
    """One tcpmuxd: its monitor is process, its front a child of that."""

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
                text = line.decode("ascii").rstrip("\n")
                self.said.append(text)
                self.lines.put(text)
        self.lines.put(None)

    def wait_line(self):
        """The next line it says; None behind the last."""
        return self.lines.get(timeout=proc.PATIENCE)

    def wait_ready(self, sockets=1):
        """Wait for the listening lines; return the first address."""
        self.addresses = []
        while len(self.addresses) < sockets:
            line = self.wait_line()
            match = LISTENING.match(line or "")
            assert match, f"tcpmuxd said {line}, not where it listens"
            self.addresses.append((match[1].strip("[]"), int(match[2])))
        return self.addresses[0]

    @property
    def pid(self):
        """The monitor."""
        return self.process.pid

    @property
    def front(self):
        """The front, once there is one."""
        return proc.wait_until(lambda: proc.children(self.pid), "a front")[0]

    def settle(self):
        """Wait until every process sleeps."""
        proc.wait_until(lambda: proc.at_rest(self.pid), "tcpmuxd to rest")

    def limit_files(self, number):
        """Change how many descriptors the front may have, as its own user."""
        words = ["prlimit", f"--pid={self.front}", f"--nofile={number}:"]
        if os.getuid() == 0:
            status = proc.status(self.front)
            words = ["setpriv", "--clear-groups",
                     "--reuid=" + status["Uid"].split()[0],
                     "--regid=" + status["Gid"].split()[0]] + words
        subprocess.run(words, check=True)

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
