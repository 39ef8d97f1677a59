"""tcpmux, the client, run by a test; and servers that others might have."""

import array
import contextlib
import fcntl
import socket
import subprocess
import termios

import callers
import proc
import server
from server import BUILD
from services import Backend

TCPMUX = BUILD / "cmd" / "tcpmux"


def where(address):
    """An address as tcpmux wants it."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def start(*words, **popen):
    """Start tcpmux; the test waits for its end."""
    popen.setdefault("stdin", subprocess.DEVNULL)
    popen.setdefault("stdout", subprocess.PIPE)
    popen.setdefault("stderr", subprocess.PIPE)
    return subprocess.Popen([TCPMUX, *words], **popen)


def run(*words, **popen):
    """Run tcpmux to its end: (status, output, what it says)."""
    if "input" not in popen:
        popen.setdefault("stdin", subprocess.DEVNULL)
    popen.setdefault("stdout", subprocess.PIPE)
    popen.setdefault("stderr", subprocess.PIPE)
    done = subprocess.run([TCPMUX, *words], check=False,
                          timeout=3 * proc.PATIENCE, **popen)
    return done.returncode, done.stdout, (done.stderr or b"").decode("ascii")


def assert_fails(status, *words, says="", **popen):
    """It must fail so, with one sentence; return that."""
    got, out, said = run(*words, **popen)
    assert got == status, (got, said)
    assert not out, out
    assert said.startswith("tcpmux: ") and said.count("\n") == 1, said
    assert says in said, said
    return said


def wait_taken(sock):
    """Wait until the other side's kernel has all that was sent."""
    def left():
        number = array.array("i", [0])
        fcntl.ioctl(sock, termios.TIOCOUTQ, number)
        return number[0]

    proc.wait_until(lambda: left() == 0, "what was sent to arrive")


def read_request(sock):
    """A name, as a good server reads it."""
    return callers.read_line(sock).rstrip(b"\r\n").decode("ascii")


class Stub(Backend):
    """A server of somebody else's: it reads a line, and says what it says.

    said is sent as it is, in pieces if it is several; and then serve(sock),
    if there is one.  end is how it closes.  The names it was asked for are in
    names.
    """

    def __init__(self, *said, serve=None, end="close", path=None):
        self.said = said
        self.names = []
        self.rest = serve
        self.end = end
        super().__init__(self.play, path)
        self.address = self.listener.getsockname()

    def play(self, sock):
        """One conversation."""
        self.names.append(read_request(sock))
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in self.said:
            sock.sendall(piece)
            if len(self.said) > 1:
                wait_taken(sock)
        if self.rest is not None:
            self.rest(sock)
        if self.end == "reset":
            callers.reset(sock)
        elif self.end == "stay":
            server.read_all(sock)


class Forwarding:
    """tcpmux -L in the background.  ports has the ports by their names."""

    def __init__(self, *words, **popen):
        self.process = start(*words, stdout=subprocess.DEVNULL, **popen)
        self.ports = {}
        self.said = []

    def wait_listening(self, sockets):
        """Wait until it has said so often that it listens."""
        while sockets > 0:
            words = self.wait_line().split()
            assert words[1:3] == ["listening", "on"], words
            if not words[3].startswith("unix:"):
                port = int(words[3].rpartition(":")[2])
                assert self.ports.setdefault(words[5], port) == port
            sockets -= 1
        return self

    def wait_line(self):
        """The next line that it says."""
        line = self.process.stderr.readline().decode("ascii")
        assert line, "it has ended"
        self.said.append(line)
        return line

    def stop(self):
        """Tell it to end, and return its status."""
        self.process.terminate()
        return self.wait()

    def wait(self):
        """Wait for its end; return the status."""
        self.said += self.process.stderr.read().decode("ascii").splitlines()
        self.process.stderr.close()
        return self.process.wait(proc.PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        with contextlib.suppress(ValueError):
            self.wait()


class Forwarder(Forwarding):
    """A local port for clients that cannot send a name."""

    def __init__(self, address, name):
        super().__init__("-L", f"127.0.0.1:0:{name}", where(address))
        self.port = self.wait_listening(1).ports[name]
