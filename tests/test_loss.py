"""Refusals over a network that loses packets: they arrive (rule 24)."""

import contextlib
import ctypes
import os
import select
import socket
import subprocess
import time

import pytest

import server

UNKNOWN = b"-No such service: send HELP and CR LF for a list\r\n"
CLIENTS = 1000
GOOD = 0.995
LOST = 15               # packets of a hundred, each way
SECONDS = 120           # for the last of them; TCP has long given up by then

CLONE_NEWNET = 0x40000000
SERVER, CLIENT = "10.78.0.1", "10.78.0.2"

# The handshake is the kernel's own affair, and is spared.
RULES = f"""table ip loss {{
	chain input {{
		type filter hook input priority 0;
		tcp flags & syn == 0 numgen random mod 100 < {LOST} counter drop
	}}
}}
"""

libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace):
    """Have new sockets and children belong to another network."""
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(namespace):
    """Do something in another network, and come back."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    enter(namespace)
    try:
        yield
    finally:
        enter(home)
        os.close(home)


def new_namespace():
    """A network without a name, which goes with its last user."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNET) != 0:
            pytest.skip("no network of its own: "
                        + os.strerror(ctypes.get_errno()))
        new = os.open("/proc/self/ns/net", os.O_RDONLY)
        enter(home)
    finally:
        os.close(home)
    return new


def run(*words, **popen):
    """Run a command that must not fail."""
    subprocess.run(words, check=True, **popen)


def set_up(name, address):
    """Give this side of the cable its address and its loss."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{address}/24", "dev", name)
    run("ip", "link", "set", name, "up")
    run("nft", "-f", "-", input=RULES, encoding="ascii")


@pytest.fixture
def networks():
    """Two networks and a cable that loses packets both ways."""
    if os.getuid() != 0:
        pytest.skip("only root can make networks")
    with contextlib.ExitStack() as stack:
        ours, its = new_namespace(), new_namespace()
        stack.callback(os.close, ours)
        stack.callback(os.close, its)
        with inside(ours):
            run("ip", "link", "add", "ours", "type", "veth", "peer", "name",
                "its", "netns", f"/proc/{os.getpid()}/fd/{its}")
            set_up("ours", CLIENT)
        with inside(its):
            set_up("its", SERVER)
        yield ours, its


def start_clients(port):
    """Connections that are being made, by descriptor."""
    socks = {}
    for _ in range(CLIENTS):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((SERVER, port))
        socks[sock.fileno()] = sock
    return socks


class Talks:
    """Clients that each send an unknown name, and much more behind it."""

    REQUEST = b"nosuch\r\n" + b"x" * 8192

    def __init__(self, socks):
        self.socks = socks
        self.heard = dict.fromkeys(socks, b"")
        self.ended = 0          # in good order
        self.loop = select.epoll()
        for fd in socks:
            self.loop.register(fd, select.EPOLLOUT)

    def step(self, fd, events):
        """Send once connected, then read to the end."""
        sock = self.socks[fd]
        if events & select.EPOLLOUT:
            sock.send(self.REQUEST)     # it fits a new connection's buffer
            self.loop.modify(fd, select.EPOLLIN)
            return
        data = sock.recv(4096)
        self.heard[fd] += data
        if not data:
            self.ended += 1
            self.socks.pop(fd).close()

    def run(self):
        """Let them talk; return what each has heard."""
        end = time.monotonic() + SECONDS
        while self.socks and time.monotonic() < end:
            for fd, events in self.loop.poll(1):
                try:
                    self.step(fd, events)
                except OSError:         # reset: what was heard counts
                    self.socks.pop(fd).close()
        for sock in self.socks.values():
            sock.close()
        self.loop.close()
        return list(self.heard.values())


def dropped(namespace):
    """Has the network lost anything?"""
    with inside(namespace):
        shown = subprocess.run(["nft", "list", "ruleset"], check=True,
                               stdout=subprocess.PIPE).stdout
    return b"packets 0 " not in shown


def test_rule_24_refusals_arrive_though_packets_are_lost(networks):
    """15 of 100 packets lost each way: 995 of 1000 hear the whole line."""
    ours, its = networks
    with inside(its):
        started = server.Server("-f", server.BARE, "-l", f"{SERVER}:0",
                                "-w", "120")
    try:
        _, port = started.wait_ready()
        with inside(ours):
            socks = start_clients(port)
        heard = Talks(socks).run()
    finally:
        assert started.stop() == 0
    assert dropped(ours) and dropped(its)
    assert heard.count(UNKNOWN) >= GOOD * CLIENTS
    assert set(heard) <= {UNKNOWN, UNKNOWN[:0]}, "a line was cut"
