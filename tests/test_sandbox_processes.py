"""What each process of tcpmuxd has given up (T8): seen from outside, tried."""

import os
import pwd
import signal

import pytest

import callers
import inject
import proc
from offerers import Offers
from services import OK, as_nobody

# The processes that strangers, back ends or takers could get at, and the
# logger; spawn and the monitor keep what they use.
CONFINED = ("front", "relay", "regis", "logger")
LISTED = ("front", "relay", "regis")
CALLS_MAX = {"front": 16, "relay": 32, "regis": 16}

# System calls of x86-64 that lead out of any sandbox, with arguments.
WAYS_OUT = {
    "open": (2, 0, 0), "openat": (257, 0, 0, 0), "execve": (59, 0, 0, 0),
    "fork": (57,), "clone": (56, 17), "clone3": (435, 0, 0),
    "ptrace": (101, 0), "kill": (62, 1, 0), "setuid": (105, 0),
    "chroot": (161, 0), "mount": (165, 0, 0, 0), "unshare": (272, 0),
    "setns": (308, 0, 0), "bpf": (321, 0, 0, 0), "mprotect": (10, 0, 0, 7),
    "io_uring_setup": (425, 1, 0), "process_vm_writev": (311, 1),
    "socket-inet": (41, 2, 1, 0), "socket-packet": (41, 17, 3, 0),
    "bind": (49, 0, 0, 0), "listen": (50, 0, 0), "unlink": (87, 0),
    "memfd_create": (319, 0, 0), "keyctl": (250, 0), "prctl": (157, 38),
}
TRIED = ("openat", "execve", "fork", "socket-packet")


def settings(host):
    """Services of every kind, so that every process is there."""
    return (host.echo("relay-tcp", "relay") + host.echo("socket", "socket") +
            host.echo("cat", "exec") + host.echo("builtin", "builtin"))


@pytest.fixture
def everybody(host, tcpmuxd):
    """A daemon with every kind of process."""
    started = tcpmuxd(conf=settings(host))
    for name in ("logger", "regis", "relay", "spawn", "front"):
        started.wait_named(name)
    with Offers(started, ["offered"], again=True):
        started.settle()
        yield started


def user_id():
    """Whom tcpmuxd becomes."""
    if os.getuid() != 0:
        return os.getuid()
    try:
        return pwd.getpwnam("tcpmux").pw_uid
    except KeyError:
        return pwd.getpwnam("nobody").pw_uid


@pytest.mark.parametrize("name", CONFINED)
def test_t8_process_has_no_rights(everybody, name):
    """T8: ids, groups, capabilities, no_new_privs, no children, no cores."""
    for pid in everybody.wait_named(name):
        status = proc.status(pid)
        assert status["Uid"].split() == [str(user_id())] * 4
        for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert int(status[kind], 16) == 0, kind
        if os.getuid() == 0:
            assert status["Groups"] == ""
        assert status["NoNewPrivs"] == "1"
        limits = proc.read(pid, "limits")
        for limit in ("Max processes", "Max core file size"):
            line, = [line for line in limits.splitlines()
                     if line.startswith(limit)]
            assert line[len(limit):].split()[:2] == ["0", "0"], line


@pytest.mark.parametrize("name", LISTED)
def test_t8_process_has_a_list_of_system_calls(everybody, name):
    """T8: seccomp is on."""
    for pid in everybody.wait_named(name):
        assert proc.status(pid)["Seccomp"] == "2"


@pytest.mark.parametrize("name", ("front", "relay"))
def test_t8_process_sees_no_file(everybody, name):
    """T8: started as root, the root directory is empty."""
    if os.getuid() != 0:
        pytest.skip("only root can have an empty root directory")
    for pid in everybody.wait_named(name):
        if name == "front":
            assert os.listdir(f"/proc/{pid}/root") == []
            assert os.listdir(f"/proc/{pid}/cwd") == []
            assert os.readlink(f"/proc/{pid}/ns/net") != \
                os.readlink("/proc/self/ns/net")


@pytest.mark.parametrize("name", ("front", "relay", "regis"))
def test_t8_process_holds_no_file(everybody, name):
    """T8: sockets and a loop, and nothing else; no standard error."""
    for pid in everybody.wait_named(name):
        held = proc.fds(pid)
        kinds = {what.partition(":")[0] for what in held.values()}
        assert kinds <= {"/dev/null", "socket", "anon_inode", "pipe"}, held
        assert not held.get(2, "/dev/null").startswith("pipe"), held


def test_t8_without_programs_nobody_has_rights(host, tcpmuxd):
    """A configuration that runs no program leaves no spawn."""
    started = tcpmuxd(conf=host.echo("relay-tcp"))
    assert not started.named("spawn")
    if os.getuid() == 0:
        for pid in proc.children(started.pid):
            assert proc.status(pid)["Uid"].split() == [str(user_id())] * 4
            assert int(proc.status(pid)["CapEff"], 16) == 0


@pytest.mark.parametrize("name", LISTED)
def test_t8_filter_allows_a_dozen_calls(everybody, name):
    """T8: by the filter itself: what may happen at all, of every number."""
    inject.needs_ptrace()
    pid = everybody.wait_named(name)[0]
    with inject.Traced(pid) as traced:
        filters = traced.filters()
    # Arguments decide too: zeros are tried here, so this is the least.
    allowed = [number for number in range(-1, 1024)
               if inject.verdict(filters, number) == inject.ALLOW]
    assert len(allowed) <= CALLS_MAX[name], allowed
    for way, (number, *arguments) in WAYS_OUT.items():
        assert inject.verdict(filters, number, arguments) == \
            inject.KILL_PROCESS, way
    for number in allowed:
        for arch in (0x40000003, 0xC00000B7):       # i386, arm64
            assert inject.verdict(filters, number, (), arch) == \
                inject.KILL_PROCESS
        x32 = number | 0x40000000
        assert inject.verdict(filters, x32) == inject.KILL_PROCESS


@pytest.mark.parametrize("way", TRIED)
@pytest.mark.parametrize("name", LISTED)
def test_t8_prober_inside_dies(everybody, name, way):
    """T8: a process that tries dies of SIGSYS; another is there at once."""
    inject.needs_ptrace()
    pid = everybody.wait_named(name)[0]
    number, *arguments = WAYS_OUT[way]
    everybody.expected = {f"signal {signal.SIGSYS:d}"}
    with inject.Traced(pid) as traced:
        assert traced.call(number, *arguments) == (-signal.SIGSYS,)
    proc.wait_until(lambda: everybody.named(name) and
                    pid not in everybody.named(name), f"another {name}")
    for service in ("relay", "socket", "exec", "builtin", "tcpmux",
                    "offered"):
        proc.wait_until(lambda s=service: callers.reply(
            everybody.addresses[0], s) == OK, service)


def test_t8_programs_inherit_no_sandbox_of_the_daemon(host, tcpmuxd):
    """A program that is started is not confined by our lists."""
    program = ('"/bin/sh", "-c", "exec < /dev/null; grep -E '
               "'^(Seccomp|NoNewPrivs|CapEff|CapBnd)' /proc/self/status\"")
    address = tcpmuxd(conf=host.service(
        "status", f"exec = {{{program}}} {as_nobody()}")).addresses[0]
    with callers.call(address, "status") as sock:
        said = callers.server.read_all(sock).decode()
    lines = dict(line.split(":\t") for line in said.splitlines()[1:])
    assert lines["Seccomp"] == "0" and lines["NoNewPrivs"] == "1"
    assert int(lines["CapEff"], 16) == 0


@pytest.mark.parametrize("mode", ["best", "off"])
def test_sandbox_may_be_looser(host, tcpmuxd, mode):
    """sandbox = best and off: the same services, and rights given up still."""
    started = tcpmuxd(conf=f"sandbox = {mode}\n" + settings(host))
    for service in ("relay", "exec", "builtin", "tcpmux"):
        assert callers.reply(started.addresses[0], service) == OK
    proc.wait_until(lambda: callers.is_served(started.addresses[0], "socket"),
                    "the taker")
    status = proc.status(started.front)
    assert status["Uid"].split() == [str(user_id())] * 4
    assert int(status["CapEff"], 16) == 0
    assert status["Seccomp"] == ("0" if mode == "off" else "2")
