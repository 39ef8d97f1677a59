"""A service manager, as far as tcpmuxd can tell: it opens sockets, is told
what becomes of the daemon, and keeps descriptors while that is away."""

import array
import os
import select
import socket
import struct
import sys
import time

import proc

# Put the descriptors where the protocol wants them, and become the program.
LAUNCH = """
import fcntl, os, sys
given = [int(word) for word in sys.argv[1].split(",") if word]
high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 3 + len(given)) for fd in given]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
os.closerange(3 + len(given), 1024)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


class Manager:
    """One service manager, of one service.

    sockets are those that it opens, and store what it keeps: (name, socket).
    """

    def __init__(self, folder, address=None):
        self.address = address or f"{folder}/notify"
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.notify.bind("\0" + self.address[1:]
                         if self.address[0] == "@" else self.address)
        if self.address[0] != "@":
            os.chmod(self.address, 0o666)
        self.sockets, self.store = [], []
        self.told, self.senders = [], set()
        self.environment = {}

    def open(self, name, address=("127.0.0.1", 0), family=socket.AF_INET,
             listen=True, kind=socket.SOCK_STREAM, both=None):
        """Open one more socket, and return its address."""
        new = socket.socket(family, kind)
        if family != socket.AF_UNIX:
            new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if both is not None:
            new.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both)
        new.bind(address)
        if listen:
            new.listen()
        self.sockets.append((name, new))
        return new.getsockname()

    def popen(self, **environment):
        """What starts a program as its service, for subprocess.Popen."""
        given = self.sockets + self.store
        numbers = [each.fileno() for _, each in given]
        return {
            "prefix": [sys.executable, "-IBSc", LAUNCH,
                       ",".join(map(str, numbers))],
            "pass_fds": numbers,
            "env": {**os.environ, "NOTIFY_SOCKET": self.address,
                    "LISTEN_FDS": str(len(given)),
                    "LISTEN_FDNAMES": ":".join(name for name, _ in given),
                    **self.environment, **environment},
        }

    def hear(self):
        """Take one message; what it said, by variable."""
        ready, _, _ = select.select([self.notify], [], [], proc.PATIENCE)
        assert ready, f"nothing more was told: {self.told}"
        data, ancillary, flags, _ = self.notify.recvmsg(
            65536, socket.CMSG_SPACE(4) + socket.CMSG_SPACE(12))
        assert not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)
        said = dict(line.split("=", 1)
                    for line in data.decode("ascii").splitlines())
        passed = []
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                passed += array.array("i", content)
            elif kind == socket.SCM_CREDENTIALS:
                self.senders.add(struct.unpack("3i", content)[0])
        self.keep(said, [socket.socket(fileno=fd) for fd in passed])
        self.told.append(said)
        return said

    def keep(self, said, passed):
        """Do what is asked of the descriptor store."""
        name = said.get("FDNAME")
        if said.get("FDSTORE") == "1":
            assert len(passed) == 1 and 0 < len(name) <= 255, said
            assert ":" not in name and name.isprintable(), said
            self.store += [(name, each) for each in passed]
            return
        for each in passed:
            each.close()
        if said.get("FDSTOREREMOVE") == "1":
            for entry in [e for e in self.store if e[0] == name]:
                entry[1].close()
                self.store.remove(entry)

    def wait_told(self, **wanted):
        """Wait for a message with these variables, and return it."""
        deadline = time.monotonic() + proc.PATIENCE
        while time.monotonic() < deadline:
            said = self.hear()
            if all(said.get(name) == value for name, value in wanted.items()):
                return said
        raise AssertionError(f"never told {wanted}: {self.told}")

    def forget_ended(self):
        """Keep none that has come to its end; how many are left."""
        for entry in list(self.store):
            poll = select.poll()
            poll.register(entry[1], 0)
            if poll.poll(0):
                entry[1].close()
                self.store.remove(entry)
        return len(self.store)

    def wait_stored(self, number):
        """Hear until so many descriptors are kept."""
        while len(self.store) != number:
            self.hear()

    def close(self):
        """Close all that it has."""
        for _, each in self.sockets + self.store:
            each.close()
        self.notify.close()
