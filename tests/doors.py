"""The doors: every way in which a client reaches the mux.

A door opens a talk: send(), send_urgent(), send_end(), settle(), read(),
has_spoken(), close().  The same transcripts are played at every door.
"""

import array
import contextlib
import fcntl
import os
import pathlib
import pwd
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import termios

import proc
import server
from server import BUILD

IN_TCPMUXD = BUILD / "in.tcpmuxd"
PEERS = BUILD / "peers"

USER = pwd.getpwuid(os.getuid()).pw_name
NO_HURRY = 60                   # a deadline that no transcript meets
TCPI_STATE_CLOSE = b"\7"


def options(mode, deadline):
    """The command line of a mode."""
    words = [] if mode == "default" else [f"--{mode}"]
    return ["-w", str(deadline)] + words


def ioctl_int(fd, request):
    """What an ioctl stores into an int."""
    number = array.array("i", [0])
    fcntl.ioctl(fd, request, number)
    return number[0]


class SocketTalk:
    """A conversation on a stream socket with what pid runs."""

    def __init__(self, sock, pid):
        self.sock = sock
        self.pid = pid
        sock.settimeout(proc.PATIENCE)

    def send(self, data):
        """Send one segment.  A server that has closed tells by its reply."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(data)

    def send_urgent(self, data):
        """Send TCP urgent data: the last byte is the urgent one."""
        self.sock.send(data, socket.MSG_OOB)

    def send_end(self):
        """Send the end of the client's side."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def settle(self):
        """Wait until all that was sent has been acted upon."""
        proc.wait_until(self.is_delivered, "the server's kernel")
        proc.wait_until(lambda: proc.at_rest(self.pid), "the server to rest")

    def is_delivered(self):
        """Has the server's kernel all, or closed the connection?"""
        if self.sock.family == socket.AF_UNIX:
            return True
        return (ioctl_int(self.sock, termios.TIOCOUTQ) == 0 or
                self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
                == TCPI_STATE_CLOSE)

    def read(self, size):
        """Read size bytes, or fewer at the end."""
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                break
            data += more
        return data

    def has_spoken(self):
        """Is there anything to read, an end included?"""
        return bool(select.select([self.sock], [], [], 0)[0])

    def close(self):
        """End the conversation."""
        self.sock.close()


class PipeTalk:
    """A conversation with a process on two pipes."""

    def __init__(self, process):
        self.process = process
        self.end = process.stdin
        self.output = process.stdout

    def send(self, data):
        """Send one segment."""
        with contextlib.suppress(BrokenPipeError):
            self.end.write(data)

    def send_end(self):
        """Send the end of input."""
        self.end.close()

    def settle(self):
        """Wait until all that was sent has been acted upon."""
        proc.wait_until(lambda: proc.at_rest(self.process.pid), "rest")

    def read(self, size):
        """Read size bytes, or fewer at the end."""
        data = b""
        while len(data) < size:
            assert select.select([self.output], [], [], proc.PATIENCE)[0], \
                "the server says nothing"
            more = os.read(self.output.fileno(), size - len(data))
            if not more:
                break
            data += more
        return data

    def has_spoken(self):
        """Is there anything to read, an end included?"""
        return bool(select.select([self.output], [], [], 0)[0])

    def close(self):
        """End the conversation."""
        self.end.close()
        self.output.close()


class WireTalk(PipeTalk):
    """A conversation with wire-door, which frames both directions."""

    END = 0xffffffff

    def __init__(self, process):
        super().__init__(process)
        self.heard = b""
        self.is_over = False

    def exchange(self, head, data):
        """Send a frame and take what is said to it."""
        self.end.write(struct.pack("=I", head) + data)
        while True:
            size, = struct.unpack("=I", super().read(4))
            if size == 0:
                return
            if size == self.END:
                self.is_over = True
            else:
                self.heard += super().read(size)

    def send(self, data):
        self.exchange(len(data), data)

    def send_end(self):
        self.exchange(self.END, b"")

    def settle(self):
        """All has been acted upon when exchange() returns."""

    def read(self, size):
        data, self.heard = self.heard[:size], self.heard[size:]
        assert len(data) == size or self.is_over, \
            f"the server says no more than {data}"
        return data

    def has_spoken(self):
        return self.heard != b"" or self.is_over


class Door:
    """One way in.  What it lacks, its transcripts are not played at."""

    name = ""
    modes = ("default", "lenient", "classic")
    lacks = ()                  # verbs of transcript.py

    def missing(self):
        """Why this door cannot be opened here; "" if it can."""
        return ""

    def open(self, mode, deadline):
        """A context manager that yields a talk."""
        raise NotImplementedError

    def pids(self):
        """The processes that stay from one talk to the next."""
        return []

    def close(self):
        """End those processes."""


class WireDoor(Door):
    """lib/wire.c and table/table.c in memory."""

    name = "wire"
    modes = ("default", "lenient")
    lacks = ("!", "wait deadline")

    @contextlib.contextmanager
    def open(self, mode, deadline):
        with subprocess.Popen(
                [BUILD / "tests" / "wire-door"] + options(mode, 0)[2:],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                bufsize=0) as process:
            talk = WireTalk(process)
            yield talk
            talk.close()
        assert process.returncode == 0


class PipeDoor(Door):
    """in.tcpmuxd on two pipes."""

    name = "pipe"
    lacks = ("!",)

    @contextlib.contextmanager
    def open(self, mode, deadline):
        with subprocess.Popen([IN_TCPMUXD] + options(mode, deadline),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              bufsize=0) as process:
            talk = PipeTalk(process)
            yield talk
            talk.close()
        assert process.returncode == 0


class SocketpairDoor(Door):
    """in.tcpmuxd on one end of a socketpair."""

    name = "socketpair"
    lacks = ("!",)

    def connect(self):
        """The two ends of a new connection."""
        return socket.socketpair()

    @contextlib.contextmanager
    def open(self, mode, deadline):
        ours, its = self.connect()
        with its:
            process = subprocess.Popen(
                [IN_TCPMUXD] + options(mode, deadline), stdin=its, stdout=its)
        with process, ours:
            yield SocketTalk(ours, process.pid)
        assert process.returncode == 0


class TCPDoor(SocketpairDoor):
    """in.tcpmuxd on a TCP connection, without an inetd."""

    name = "tcp"
    lacks = ()

    def connect(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ours = socket.create_connection(listener.getsockname())
            its, _ = listener.accept()
        ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return ours, its


class StandingDoor(Door):
    """A server that stays from one talk to the next, by its options."""

    def __init__(self):
        self.standing = {}      # (mode, deadline): (process, address)

    def start(self, mode, deadline):
        """Start the server; return the process and the address."""
        raise NotImplementedError

    @contextlib.contextmanager
    def open(self, mode, deadline):
        if (mode, deadline) not in self.standing:
            self.standing[mode, deadline] = self.start(mode, deadline)
        process, address = self.standing[mode, deadline]
        with server.connect(address) as sock:
            yield SocketTalk(sock, process.pid)
        self.rest(process.pid)

    def rest(self, pid):
        """Wait until nothing is left of the last talk."""

    def pids(self):
        return [process.pid for process, _ in self.standing.values()]

    def close(self):
        for process, _ in self.standing.values():
            process.terminate()
            process.wait(proc.PATIENCE)
        self.standing.clear()


def free_port():
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


class InetdDoor(StandingDoor):
    """in.tcpmuxd under an inetd; each is told its port in its own way."""

    program = ""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="tcpmux-test-")

    def missing(self):
        if shutil.which(self.program) is None:
            return f"{self.program} is not there: run tests/peers.sh"
        return ""

    def command(self, port, words):
        """The command line for in.tcpmuxd with words, after configuring."""
        raise NotImplementedError

    def configure(self, text):
        """Write a configuration file and return its name."""
        fd, name = tempfile.mkstemp(dir=self.folder)
        with open(fd, "w", encoding="ascii") as file:
            file.write(text)
        return name

    def start(self, mode, deadline):
        words = [str(IN_TCPMUXD)] + options(mode, deadline)
        for _ in range(5):
            port = free_port()
            with open(f"{self.folder}/log", "wb") as log:
                process = subprocess.Popen(self.command(port, words),
                                           cwd=self.folder, stdout=log,
                                           stderr=log)
            if self.is_up(process, port):
                return process, ("127.0.0.1", port)
            process.kill()
            process.wait()
        log = pathlib.Path(self.folder, "log").read_text("ascii", "replace")
        raise AssertionError(f"{self.program} does not listen: {log}")

    def is_up(self, process, port):
        """Wait until process listens at port, or cannot."""
        proc.wait_until(
            lambda: proc.listens(process.pid, port) or
            process.poll() is not None or self.is_taken(), self.name)
        return process.poll() is None and proc.listens(process.pid, port)

    def is_taken(self):
        """Does the log say that somebody else has the port?"""
        log = pathlib.Path(self.folder, "log").read_bytes()
        return b"already in use" in log

    def rest(self, pid):
        for child in proc.children(pid):
            proc.wait_gone(child)
        proc.wait_until(lambda: not proc.children(pid), "inetd's wait()")

    def close(self):
        super().close()
        shutil.rmtree(self.folder)


class InetutilsDoor(InetdDoor):
    """Under GNU inetd."""

    name = "inetutils"
    program = f"{PEERS}/inetutils-inetd/usr/sbin/inetutils-inetd"

    def command(self, port, words):
        conf = self.configure(f"127.0.0.1:{port} stream tcp nowait {USER} " +
                              " ".join(words[:1] + words) + "\n")
        return [self.program, "-d", "-R", "1000000",
                f"--pidfile={self.folder}/pid", conf, self.folder + "/none"]


class OpenBSDDoor(InetdDoor):
    """Under OpenBSD's inetd."""

    name = "openbsd"
    program = f"{PEERS}/openbsd-inetd/usr/sbin/inetd"

    def command(self, port, words):
        conf = self.configure(f"127.0.0.1:{port} stream tcp nowait {USER} " +
                              " ".join(words[:1] + words) + "\n")
        return [self.program, "-d", "-R", "1000000", conf]


class XinetdDoor(InetdDoor):
    """Under xinetd."""

    name = "xinetd"
    program = f"{PEERS}/xinetd/usr/sbin/xinetd"

    SERVICE = """\
service tcpmux
{{
	type = UNLISTED
	bind = 127.0.0.1
	port = {port}
	socket_type = stream
	protocol = tcp
	wait = no
	flags = NOLIBWRAP
	user = {user}
	server = {server}
	server_args = {args}
	instances = UNLIMITED
	per_source = UNLIMITED
	cps = 10000000 1
	log_type = FILE /dev/null
}}
"""

    def command(self, port, words):
        conf = self.configure(self.SERVICE.format(
            port=port, user=USER, server=words[0], args=" ".join(words[1:])))
        return [self.program, "-dontfork", "-f", conf,
                "-pidfile", f"{self.folder}/pid"]


class SystemdDoor(InetdDoor):
    """Under systemd's socket activation, as from a .socket unit."""

    name = "systemd"
    program = "systemd-socket-activate"

    def command(self, port, words):
        return [self.program, "-l", f"127.0.0.1:{port}", "--accept",
                "--inetd"] + words


class DaemonDoor(StandingDoor):
    """tcpmuxd itself."""

    name = "tcpmuxd"
    modes = ("default", "lenient")

    def start(self, mode, deadline):
        started = server.Server("-f", server.BARE, "-l", "127.0.0.1:0",
                                *options(mode, deadline))
        return started.process, started.wait_ready()


DOORS = (WireDoor, PipeDoor, SocketpairDoor, TCPDoor, InetutilsDoor,
         OpenBSDDoor, XinetdDoor, SystemdDoor, DaemonDoor)
