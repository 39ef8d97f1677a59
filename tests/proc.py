"""What /proc says of a process, and how to wait for it to say so."""

import os
import select
import time

import pytest

PATIENCE = 20.0         # seconds; no test passes by waiting this long


def wait_until(condition, what):
    """Poll for what no descriptor reports; return the first true value."""
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.001)


def read(pid, name):
    """The text of /proc/PID/name; empty once the process has gone."""
    try:
        with open(f"/proc/{pid}/{name}", encoding="ascii",
                  errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def stat(pid):
    """The fields of /proc/PID/stat from the state on; empty if gone."""
    return read(pid, "stat").rpartition(")")[2].split()


def state(pid):
    """One letter, or "" once the process has gone."""
    fields = stat(pid)
    return fields[0] if fields else ""


def cpu_ticks(pid):
    """Time on the processor, user and system, in clock ticks."""
    return int(stat(pid)[11]) + int(stat(pid)[12])


def private(pid):
    """Bytes of memory that are its own and no file's."""
    lines = dict(line.split(":", 1) for line in
                 read(pid, "smaps_rollup").splitlines()[1:])
    return int(lines["Pss_Anon"].split()[0]) * 1024


def status(pid):
    """The lines of /proc/PID/status, by name."""
    lines = (line.partition(":") for line in read(pid, "status").split("\n"))
    return {name: value.strip() for name, _, value in lines}


def children(pid):
    """The children of every thread of pid."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return []
    return [int(child) for thread in threads
            for child in read(pid, f"task/{thread}/children").split()]


def descendants(pid):
    """The children of pid and theirs, to the last."""
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def fds(pid):
    """What each descriptor of pid is, by number."""
    found = {}
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        # Where programs run as the daemon's own user, it hides from him.
        pytest.skip("only root can look into the daemon's processes here")
    for fd in numbers:
        try:
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            pass
    return found


def at_rest(pid):
    """Do pid and its descendants sleep, so that nothing is in progress?"""
    return (state(pid) in ("S", "Z", "") and
            all(at_rest(child) for child in children(pid)))


def wait_gone(pid):
    """Wait for a process, not always our own child, to have ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    ended = poll.poll(PATIENCE * 1000)
    os.close(fd)
    assert ended, f"process {pid} did not end"


def listens(pid, port):
    """Does pid hold a listening TCP socket on this port?"""
    held = fds(pid).values()
    for line in (read(pid, "net/tcp") + read(pid, "net/tcp6")).split("\n"):
        field = line.split()
        if len(field) > 9 and field[3] == "0A" and \
                int(field[1].rpartition(":")[2], 16) == port and \
                f"socket:[{field[9]}]" in held:
            return True
    return False
