"""How clients reach a service by its name, in the tests."""

import contextlib
import hashlib
import random
import socket
import threading

import server
from services import CHUNK, OK, Backend

MANY = 64 << 20         # the bytes of a long transfer

# For programs that want a command: their input and output is the service.
CONNECTOR = """\
import socket, sys, threading
host, port, name = sys.argv[1:4]
sock = socket.create_connection((host, int(port)))
sock.sendall(name.encode() + b"\\r\\n")
line = b""
while not line.endswith(b"\\r\\n"):
    byte = sock.recv(1)
    if not byte:
        sys.exit("no reply")
    line += byte
if not line.startswith(b"+"):
    sys.exit(line.decode())
def upload():
    while True:
        data = sys.stdin.buffer.raw.read(65536)
        if not data:
            break
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
threading.Thread(target=upload, daemon=True).start()
while True:
    data = sock.recv(65536)
    if not data:
        break
    while data:
        data = data[sys.stdout.buffer.raw.write(data):]
"""


def many_bytes():
    """The bytes of a long transfer, without a pattern that hides a fault."""
    return random.Random(1078).randbytes(MANY)


def read_line(sock):
    """One line and not a byte more; or what came before the end."""
    line = b""
    while not line.endswith(b"\n"):
        byte = sock.recv(1)
        if not byte:
            break
        line += byte
    return line


def read_exactly(sock, size):
    """So many bytes, or what came before the end."""
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            break
        data += more
    return data


def call(address, name, data=b"", source=None):
    """Ask for a service, with data in the same segment."""
    sock = server.connect(address, source)
    sock.sendall(name.encode("ascii") + b"\r\n" + data)
    return sock


def reply(address, name, source=None):
    """The first line of the answer to a name."""
    with call(address, name, source=source) as sock:
        return read_line(sock)


def is_served(address, name, source=None):
    """Is the service there?"""
    with contextlib.suppress(OSError):
        return reply(address, name, source).startswith(b"+")
    return False


def converse(sock, data, end=True):
    """Send data and an end, and meanwhile read to the end; what was heard."""
    def send():
        with contextlib.suppress(OSError):      # the reader hears of it, too
            for i in range(0, len(data), CHUNK):
                sock.sendall(view[i:i + CHUNK])
            if end:
                sock.shutdown(socket.SHUT_WR)

    view = memoryview(data)
    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    heard = server.read_all(sock)
    thread.join()
    return heard


def digest(data):
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def copy(source, target):
    """Move bytes one way, and then the end."""
    while True:
        data = source.recv(CHUNK)
        if not data:
            break
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


class Forwarder(Backend):
    """A local port for clients that cannot send a name, as tcpmux -L.

    The name is sent with the first of the client's bytes behind it, when the
    client speaks first.
    """

    def __init__(self, address, name, speaks_first=True):
        self.address = address
        self.name = name.encode("ascii") + b"\r\n"
        self.speaks_first = speaks_first
        super().__init__(self.forward)

    @property
    def port(self):
        """Where it listens, on 127.0.0.1."""
        return self.listener.getsockname()[1]

    def forward(self, sock):
        """Carry one conversation."""
        first = sock.recv(CHUNK) if self.speaks_first else b""
        with server.connect(self.address) as mux, self.held(mux):
            mux.settimeout(None)
            mux.sendall(self.name + first)
            line = read_line(mux)
            assert line == OK, line
            self.spawn(copy, sock, mux)
            copy(mux, sock)
