"""tcpmux-exporter, started by a test, and a daemon that says what it is told.
"""

import contextlib
import http.client
import os
import pathlib
import queue
import socket
import subprocess
import threading

import pytest

import inherit
import proc
import server

EXPORTER = server.BUILD / "cmd" / "exporter" / "tcpmux-exporter"
USER = "daemon"         # whom it becomes where the tests are root's
SAMPLE = pathlib.Path(__file__).with_name("exporter") / "sample.txt"


HOSTILE = ['"><script>alert(1)</script>', "a'b\"c\\d", "{}=,", "\\n", "&amp;",
           "%41", "--", "</table>"]


def escaped(name):
    """As the daemon writes a name into a snapshot."""
    return "".join(c if c.isalnum() or c in "-/." else f"\\x{ord(c):02x}"
                   for c in name)


def hostile():
    """A snapshot with names that want to be something else."""
    lines = ["tcpmuxd version=1 now=1.0 started=0.5 state=serving user=" +
             escaped(HOSTILE[0]), "buckets us=50,100"]
    for number, name in enumerate(HOSTILE):
        lines += [
            f"service name={escaped(name)} kind=offer state=up hidden=no "
            f"to={escaped(name)} requests={number} handed={number} refused=1 "
            f"queue=0 queue-max=64 time-us={number + 1} times=1,2,3",
            f"refused name={escaped(name)} reason=full n=1",
            f"offer name={escaped(name)} user={escaped(name)} uid=1 "
            f"pid={number + 10} queue=0 queue-max=64 hidden=no shared=no"]
    return ("\n".join(lines) + "\n").encode("ascii")


class Daemon:
    """A control socket at which a snapshot can be had."""

    def __init__(self, path, text):
        self.path = path
        self.text = text            # or None: it hears, and says nothing
        self.refusal = None
        self.asked = 0
        self.start()

    def start(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(64)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        silent = []
        with contextlib.suppress(OSError):      # it is stopped
            while True:
                asker, _ = self.listener.accept()
                self.asked += 1
                assert asker.recv(512) == b"snapshot\r\n"
                if self.text is None:
                    silent.append(asker)
                    continue
                with asker:
                    self.answer(asker)
        for asker in silent:
            asker.close()

    def answer(self, asker):
        if self.refusal:
            asker.send(self.refusal)
            return
        fd = os.memfd_create("snapshot")
        with open(fd, "wb") as file:
            file.write(self.text)
            file.flush()
            socket.send_fds(asker, [b"+\r\n"], [fd])

    def stop(self):
        """Go, as a daemon that is killed."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        os.unlink(self.path)


def need():
    """Skip a test where it was not built (-Dexporter=disabled)."""
    if not EXPORTER.exists():
        pytest.skip("tcpmux-exporter was not built")


class UnixConnection(http.client.HTTPConnection):
    """HTTP at a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=proc.PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(proc.PATIENCE)
        self.sock.connect(self.path)


class Exporter:
    """One tcpmux-exporter, at a Unix socket and a port of the kernel's."""

    def __init__(self, folder, control, *words, activated=True, **popen):
        need()
        self.path = f"{folder}/http"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.url = f"http://127.0.0.1:{self.address[1]}"
        command = [EXPORTER, "--control", control, "--socket", self.path,
                   *(["--user", USER] if os.getuid() == 0 else []), *words]
        if activated:
            command = inherit.command([self.listener.fileno()], *command)
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            pass_fds=[self.listener.fileno()], **popen)
        self.said = queue.Queue()
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()
        for _ in range(1 + activated):
            line = self.said.get(timeout=proc.PATIENCE)
            assert line and "listening on " in line, line

    def listen(self):
        with self.process.stderr as stderr:
            for line in stderr:
                self.said.put(line.decode("ascii"))
        self.said.put(None)

    def ask(self, path="/metrics", method="GET", over=None, **headers):
        """One request; the reply and its body."""
        connection = over or http.client.HTTPConnection(
            *self.address, timeout=proc.PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, headers={
                name.replace("_", "-"): value
                for name, value in headers.items()})
            reply = connection.getresponse()
            return reply, reply.read().decode("utf-8")

    def metrics(self, **headers):
        reply, body = self.ask("/metrics", **headers)
        assert reply.status == 200
        return body

    def close(self):
        self.listener.close()
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(proc.PATIENCE)
        self.thread.join()
        return status


@pytest.fixture
def sample():
    """A snapshot as of a busy daemon."""
    return SAMPLE.read_bytes()


@pytest.fixture
def daemon(folder, sample):
    new = Daemon(f"{folder}/control", sample)
    yield new
    if new.listener.fileno() != -1:
        new.stop()


@pytest.fixture
def start(folder):
    """Start a tcpmux-exporter that asks at the test's control socket."""
    started = []

    def run(*words, control=f"{folder}/control", **options):
        started.append(Exporter(folder, control, *words, **options))
        return started[-1]

    yield run
    for each in started:
        ended = each.process.poll()     # by the test, which has looked
        assert each.close() == 0 or ended is not None


@pytest.fixture
def exporter(daemon, start):
    return start()
