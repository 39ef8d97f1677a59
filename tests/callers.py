"""How clients reach a service by its name, in the tests."""

import contextlib
import hashlib
import random
import socket
import struct
import threading

import server
from services import CHUNK

MANY = 64 << 20         # the bytes of a long transfer


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


def converse(sock, data, end=True, urgent=None):
    """Send data and an end, and meanwhile read to the end; what was heard.

    An urgent byte, which is not part of it, comes before that chunk.
    """
    def send():
        with contextlib.suppress(OSError):      # the reader hears of it, too
            for i in range(0, len(data), CHUNK):
                if i == urgent:
                    sock.send(b"!", socket.MSG_OOB)
                sock.sendall(view[i:i + CHUNK])
            if end:
                sock.shutdown(socket.SHUT_WR)

    view = memoryview(data)
    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    heard = server.read_all(sock)
    thread.join()
    return heard


def reset(sock):
    """Close a connection so that the other side sees a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()


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
