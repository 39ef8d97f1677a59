"""Ten thousand connections that waste tcpmuxd's time, wave after wave."""

import resource
import select
import time

import pytest

import proc
import server

LATE = b"-No name in time: connect again and send it at once\r\n"
WAVE = 10000
SPARE = 200             # descriptors that the test and the server use else
DRIP = 1.0              # seconds between two bytes


class Wave:
    """Connections by descriptor: a third each silent, stopped, dripping."""

    def __init__(self, address, number):
        self.loop = select.epoll()
        self.socks = {}
        self.heard = {}
        for i in range(number):
            sock = server.connect(address)
            self.socks[sock.fileno()] = sock
            self.heard[sock.fileno()] = b""
            self.loop.register(sock, select.EPOLLIN)
            if i % 3 != 0:
                sock.sendall(b"tc")
        self.dripping = [sock for i, sock in enumerate(self.socks.values())
                         if i % 3 == 1]

    def drip(self):
        """Send one byte on each connection that drips and is not over."""
        self.dripping = [sock for sock in self.dripping
                         if sock.fileno() != -1
                         and self.heard[sock.fileno()] == b""]
        for sock in self.dripping:
            sock.sendall(b"p")

    def take(self, fd):
        """Take what one connection says; close it at its end."""
        data = self.socks[fd].recv(512)
        self.heard[fd] += data
        if not data:
            self.socks.pop(fd).close()

    def run(self):
        """Let every connection come to its end; return what was heard."""
        due = time.monotonic() + DRIP
        end = due + proc.PATIENCE
        while self.socks:
            left = due - time.monotonic()
            if left <= 0:
                self.drip()
                due += DRIP
            assert time.monotonic() < end, \
                f"{len(self.socks)} are neither told nor dropped"
            for fd, _ in self.loop.poll(max(left, 0) + 0.001):
                self.take(fd)
        self.loop.close()
        return list(self.heard.values())


def memory(pid):
    """Data segment and pages in memory, in kilobytes."""
    lines = (line.split() for line in
             proc.read(pid, "smaps_rollup").split("\n")[1:])
    pages = {line[0]: int(line[1]) for line in lines if line}
    return proc.status(pid)["VmData"], pages["Anonymous:"]


def test_rule_27_ten_thousand_are_told_and_leave_nothing(tcpmuxd):
    """Each is refused at its deadline; descriptors and memory return."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    number = min(WAVE, limit - SPARE)
    if number < WAVE:
        pytest.skip(f"{WAVE} connections need {WAVE + SPARE} descriptors")
    started = tcpmuxd(conf="fronts = 1\nrequest-timeout = 3s\n"
                      "log { level = nothing }\n")
    front, address = started.front, started.addresses[0]
    fds = proc.fds(front)
    baseline = None
    for size in (min(number + number // 5, limit - SPARE), number, number):
        heard = Wave(address, size).run()
        assert heard == [LATE] * size
        proc.wait_until(lambda: proc.fds(front) == fds, "closes")
        baseline = baseline or memory(front)    # the first wave warms it up
        assert memory(front) == baseline
    assert started.front == front
    assert started.said == [line for line in started.said
                            if "listening" in line]
