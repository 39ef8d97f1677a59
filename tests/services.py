"""What serves names in the tests: back ends, takers and programs."""

import contextlib
import hashlib
import os
import pathlib
import queue
import shutil
import socket
import struct
import subprocess
import sys
import threading

import pytest

import proc
import server

OK = b"+OK FINE\r\n"
HANDOVER = struct.Struct("=IIIIq16sHHI16sHHIII48s")   # tcpmux.h
CHUNK = 1 << 18

# Copies its input to its output, both of them the connection.
ECHO = """\
import socket
sock = socket.socket(fileno=0)
while True:
    data = sock.recv(262144)
    if not data:
        break
    sock.sendall(data)
"""

# Ends its own side first, and tells by mail what it hears then.
FAREWELL = """\
import hashlib, socket, sys
sock = socket.socket(fileno=0)
sock.sendall(b"bye\\n")
sock.shutdown(socket.SHUT_WR)
digest = hashlib.sha256()
while True:
    data = sock.recv(262144)
    if not data:
        break
    digest.update(data)
with socket.socket(socket.AF_UNIX) as mail:
    mail.connect(sys.argv[1])
    mail.sendall(digest.hexdigest().encode())
"""


def need(program):
    """The path of a program of this machine; without it, no test."""
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def as_nobody():
    """The option for a program that needs no rights."""
    return 'user = "nobody"' if os.getuid() == 0 else ""


def script(folder, name, text):
    """Write a program in Python; return what exec = is to be."""
    path = pathlib.Path(folder, name)
    path.write_text(text, encoding="ascii")
    path.chmod(0o644)
    return f'"{os.path.realpath(sys.executable)}", "-IBS", "{path}"'


def echo(sock):
    """Send back what comes, to the end."""
    while True:
        data = sock.recv(CHUNK)
        if not data:
            return
        sock.sendall(data)


def read_mail(mailbox):
    """A way to serve: all that comes is one letter to the test."""
    return lambda sock: mailbox.put(server.read_all(sock))


class Backend:
    """A server with a thread for each connection; serve(sock) is the service.

    It listens at a free port, or at path.
    """

    kind = socket.SOCK_STREAM

    def __init__(self, serve, path=None, started=True):
        if path is None:
            self.listener = socket.create_server(("127.0.0.1", 0),
                                                 backlog=1024)
            self.where = "127.0.0.1:%d" % self.listener.getsockname()[1]
        else:
            self.listener = socket.socket(socket.AF_UNIX, self.kind)
            self.listener.bind(path)
            os.chmod(path, 0o777)
            self.listener.listen(1024)
            self.where = f"unix:{path}"
        self.path = path
        self.serve = serve
        self.lock = threading.Lock()
        self.socks = set()
        self.threads = []
        if started:
            self.start()

    def start(self):
        """Begin to accept."""
        self.spawn(self.accept)

    def spawn(self, function, *arguments):
        """Run a function in a thread; a connection that breaks ends it."""
        def run():
            with contextlib.suppress(OSError):
                function(*arguments)

        thread = threading.Thread(target=run, daemon=True)
        with self.lock:
            self.threads = [old for old in self.threads if old.is_alive()]
            self.threads.append(thread)
            thread.start()

    def accept(self):
        """Serve whoever comes, until close()."""
        while True:
            self.spawn(self.talk, self.listener.accept()[0])

    @contextlib.contextmanager
    def held(self, sock):
        """While this lasts, close() ends what is said on sock."""
        with sock:
            with self.lock:
                self.socks.add(sock)
            try:
                yield
            finally:
                with self.lock:
                    self.socks.discard(sock)

    def talk(self, sock):
        """Serve one connection, and close it in good order."""
        with self.held(sock):
            self.serve(sock)
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)

    def close(self):
        """End every conversation, and be gone."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        if self.path is not None:
            pathlib.Path(self.path).unlink(missing_ok=True)
        while True:
            with self.lock:
                for sock in self.socks:
                    with contextlib.suppress(OSError):
                        sock.shutdown(socket.SHUT_RDWR)
                left = [old for old in self.threads if old.is_alive()]
            if not left:
                return
            left[0].join(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Taker(Backend):
    """A program that takes connections itself, for socket = path.

    It says + to each, unless the mux has, and then serves it.  What came with
    them is in headers and names.
    """

    kind = socket.SOCK_SEQPACKET

    def __init__(self, serve, path, started=True, replies=True):
        self.headers = []
        self.names = []
        self.replies = replies
        super().__init__(serve, path, started)

    def talk(self, sock):
        """Take what the daemon hands over on one link."""
        with self.held(sock):
            while self.take(sock):
                pass

    def take(self, link):
        """Take one connection; False at the end of the link."""
        data, fds, flags, _ = socket.recv_fds(link, 1024, 4)
        if not data:
            return False
        assert len(data) > HANDOVER.size and len(fds) == 1, (data, fds)
        assert flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) == 0
        self.headers.append(HANDOVER.unpack(data[:HANDOVER.size]))
        self.names.append(data[HANDOVER.size:])
        self.spawn(self.answer, socket.socket(fileno=fds[0]))
        return True

    def answer(self, sock):
        """Say +, and serve."""
        sock.settimeout(None)
        with self.held(sock):
            if self.replies:
                sock.sendall(OK)
            self.serve(sock)
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)


class Host:
    """Makes services of every kind, and ends with the test what they need."""

    def __init__(self, folder):
        self.folder = folder
        self.stack = contextlib.ExitStack()
        self.mailbox = queue.Queue()

    def backend(self, serve, path=None, started=True):
        """A back end until the test ends."""
        return self.stack.enter_context(Backend(serve, path, started))

    def taker(self, serve, path, started=True, replies=True):
        """A taker until the test ends."""
        return self.stack.enter_context(Taker(serve, path, started, replies))

    def program(self, *words, **popen):
        """A server of somebody else's until the test ends."""
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, **popen)

        def end():
            process.terminate()
            process.wait(proc.PATIENCE)

        self.stack.callback(end)
        return process

    def path(self, name):
        """A path that everybody may reach."""
        return f"{self.folder}/{name}"

    def service(self, name, how):
        """The configuration of a service."""
        return f'service "{name}" {{ {how} }}\n'

    def echo(self, kind, name="echo", more=""):
        """A service that sends back what comes, of any kind."""
        if kind == "cat":
            how = f'exec = {{"{need("cat")}"}} {as_nobody()}'
        elif kind == "exec":
            words = script(self.folder, f"{name}.py", ECHO)
            how = f"exec = {{{words}}} {as_nobody()}"
        elif kind == "relay-tcp":
            how = f'relay = "{self.backend(echo).where}"'
        elif kind == "relay-unix":
            path = self.path(f"{name}.sock")
            how = f'relay = "{self.backend(echo, path).where}"'
        elif kind == "socket":
            path = self.path(f"{name}.take")
            self.taker(echo, path)
            how = f'socket = "{path}"'
        else:
            assert kind == "builtin"
            how = "builtin = echo max-bytes = 1G"
        return self.service(name, f"{how} {more}")

    def farewell(self, kind, name="farewell"):
        """A service that ends its side first, and mails what it hears."""
        if kind == "exec":
            mail = self.backend(read_mail(self.mailbox), self.path("mail"))
            words = script(self.folder, f"{name}.py", FAREWELL)
            return self.service(
                name, f'exec = {{{words}, "{mail.path}"}} {as_nobody()}')

        def serve(sock):
            sock.sendall(b"bye\n")
            sock.shutdown(socket.SHUT_WR)
            self.mailbox.put(digest(server.read_all(sock)).encode())

        if kind == "socket":
            path = self.path(f"{name}.take")
            self.taker(serve, path)
            return self.service(name, f'socket = "{path}"')
        path = self.path(f"{name}.sock") if kind == "relay-unix" else None
        return self.service(
            name, f'relay = "{self.backend(serve, path).where}"')


def digest(data):
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
