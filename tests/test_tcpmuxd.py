"""tcpmuxd as its operator sees it: start, limits, trouble and end."""

import contextlib
import os
import pathlib
import pwd
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

import proc
import server
import test_log

OK = b"+OK FINE\r\n"
UNKNOWN = b"-No such service: send HELP and CR LF for a list\r\n"
LATE = b"-No name in time: connect again and send it at once\r\n"
BUSY = b"-busy: too many connections wait here, try again in a moment\r\n"
STOPPING = b"-Going down: try again in a moment\r\n"

EX_USAGE = 64
FIRST_FREE_PORT = pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
SO_LINGER_RST = struct.pack("ii", 1, 0)

# Where a test looks at the front, there is one; and nothing else is said.
ONE = "fronts = 1\nlog { level = nothing }\n"


def needs_root():
    """Skip where only root can see to it."""
    if os.getuid() != 0:
        pytest.skip("only root can do this")


def fails(*words, **popen):
    """Start a server that cannot start: its exit status and what it says."""
    failed = server.Server("-f", server.BARE, *words, **popen)
    status = failed.wait()
    return status, failed.said


def is_served(address):
    """Does a new client get an answer?"""
    with server.connect(address) as sock:
        sock.sendall(b"tcpmux\r\n")
        return sock.recv(512) == OK


def half_request(started):
    """A client that waits in the middle of a name."""
    sock = server.connect(started.addresses[0])
    sock.sendall(b"tcp")
    started.settle()
    return sock


# Start.

@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_listening_line_names_address_and_port(tcpmuxd, host):
    """For port 0 the line says which port it has become."""
    text = f"[{host}]:0" if ":" in host else f"{host}:0"
    started = tcpmuxd("-l", text)
    assert started.addresses[0][0] == host
    assert started.addresses[0][1] > 0
    assert is_served(started.addresses[0])


def test_each_listener_has_its_line(tcpmuxd):
    """Several -l, in their order."""
    started = tcpmuxd("-l", "127.0.0.1:0", "-l", "[::1]:0",
                      "-l", "127.0.0.2:0", sockets=3)
    hosts = [host for host, _ in started.addresses]
    assert hosts == ["127.0.0.1", "::1", "127.0.0.2"]
    assert all(is_served(address) for address in started.addresses)


def test_star_is_both_families_at_one_port(tcpmuxd):
    """*:0 takes one port for IPv4 and IPv6."""
    started = tcpmuxd("-l", "*:0", sockets=2)
    (_, port), (_, port6) = started.addresses
    assert port == port6
    assert is_served(("127.0.0.1", port))
    assert is_served(("::1", port))


def test_rule_01_the_default_port_is_1():
    """Rule 1: without -l it is port 1 of every address."""
    needs_root()
    # A /run of its own, too: that is where the control socket is by default.
    started = server.Server(prefix=("unshare", "--net", *test_log.among_mounts(
        "mount -t tmpfs -o mode=755 none /run")))
    started.wait_ready(2)
    assert started.addresses == [("0.0.0.0", 1), ("::", 1)]
    assert started.stop() == 0


def test_port_in_use_is_said_in_one_sentence():
    """EADDRINUSE names address and port, and nothing is left half started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = fails("-l", "127.0.0.1:0", "-l", f"127.0.0.1:{port}")
    assert status not in (0, EX_USAGE)
    assert len(said) == 1
    assert f"127.0.0.1:{port}" in said[0]
    assert "Address already in use" in said[0]


def test_port_of_root_is_said_in_one_sentence(folder):
    """EACCES names address and port too, and says what to do."""
    if int(FIRST_FREE_PORT.read_text()) < 2:
        pytest.skip("every port is anybody's on this machine")
    prefix = AS_NOBODY if os.getuid() == 0 else ()
    conf = shutil.copy(server.BARE, folder)     # where anybody may read it
    status, said = fails("-f", conf, "-l", "127.0.0.1:1", prefix=prefix)
    assert status not in (0, EX_USAGE)
    assert len(said) == 1
    assert "127.0.0.1:1:" in said[0]
    assert "Permission denied" in said[0]


@pytest.mark.parametrize("text", [
    "", ":", ":1", "x", "1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
    "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.1:1 ",
    "127.0.0.1:65536", "127.0.0.1:4294967297", "127.0.0.1:0x50",
    "256.0.0.1:0", "localhost:0", "::1:0", "[::1]", "[::1", "[::1:0", "[]:0",
    "[::1]0", "[::1]x:0", "[127.0.0.1:0", "*", "**:0", "x" * 5000 + ":0"])
def test_bad_address_is_a_usage_error(text):
    """-l takes a numeric address and a port, and nothing like them."""
    status, said = fails("-l", text)
    assert status == EX_USAGE
    assert len(said) == 1 and said[0].startswith("tcpmuxd: ")


@pytest.mark.parametrize("words", [
    ("-w", ""), ("-w", "x"), ("-w", "-1"), ("-w", "1.5"), ("-w", " 1"),
    ("-w", "0"), ("-w", "99999999999999999999"), ("-w",), ("-l",), ("-x",),
    ("--nosuch",), ("--classic",), ("--lenient=1",), ("argument",)])
def test_bad_option_is_a_usage_error(words):
    """Whatever is no option is said so, before anything else is done."""
    status, said = fails("-l", "127.0.0.1:0", *words)
    assert status == EX_USAGE
    assert len(said) == 1 and "tcpmuxd: " in said[0]


@pytest.mark.parametrize("option, says", [
    ("--help", b"usage: tcpmuxd "), ("--version", b"tcpmuxd 0.")])
def test_help_and_version(option, says):
    """On standard output, and nothing else is done."""
    done = subprocess.run([server.TCPMUXD, option], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.stdout.startswith(says) and done.stderr == b""


def test_descriptors_0_to_2_closed(tcpmuxd):
    """Started with 0 and 1 closed, no socket takes their place."""
    started = tcpmuxd(preexec_fn=lambda: (os.close(0), os.close(1)))
    assert is_served(started.addresses[0])
    for pid in started.processes():
        held = proc.fds(pid)
        assert held[0] == held[1] == "/dev/null"


def test_signals_inherited_ignored_and_blocked(tcpmuxd):
    """A careless parent's SIGCHLD and SIGTERM do not keep it from its work."""
    def careless():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    started = tcpmuxd(conf=ONE, preexec_fn=careless)
    first = started.front
    os.kill(first, signal.SIGKILL)
    proc.wait_gone(first)
    assert is_served(started.addresses[0])
    assert started.front != first


# Privileges.

def test_every_process_has_given_up_its_privileges(tcpmuxd):
    """Ids, groups, capabilities, no_new_privs, seccomp: read from /proc."""
    started = tcpmuxd()
    for pid in started.processes():
        status = proc.status(pid)
        for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert int(status[name], 16) == 0, f"{pid} {name}"
        assert status["NoNewPrivs"] == "1"
    assert proc.status(started.front)["Seccomp"] == "2"


def user_id():
    """Whom tcpmuxd becomes: tcpmux, or nobody where there is no such user."""
    try:
        return pwd.getpwnam("tcpmux")
    except KeyError:
        return pwd.getpwnam("nobody")


def test_root_becomes_nobody(tcpmuxd):
    """Started as root, no process of it is root's, nor in root's groups."""
    needs_root()
    started = tcpmuxd(extra_groups=[0, 1, 4])
    who = user_id()
    for pid in started.processes():
        status = proc.status(pid)
        assert status["Uid"].split() == [str(who.pw_uid)] * 4
        assert status["Gid"].split() == [str(who.pw_gid)] * 4
        assert status["Groups"] == ""


def test_root_sees_no_file(tcpmuxd):
    """Started as root, its root directory is empty and its network too."""
    needs_root()
    nobody = ["setpriv", "--reuid=65534", "--clear-groups"]
    if subprocess.run([*nobody, "unshare", "--user", "--map-root-user",
                       "chroot", "/", "true"], check=False,
                      stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("only root may have a user namespace here")
    started = tcpmuxd()
    ours = os.readlink("/proc/self/ns/net")
    for pid in started.named("front"):
        assert os.listdir(f"/proc/{pid}/root") == []
        assert os.listdir(f"/proc/{pid}/cwd") == []
        assert os.readlink(f"/proc/{pid}/ns/net") != ours


def test_front_holds_no_file(tcpmuxd):
    """Beside /dev/null the front has its sockets and its loop only.

    Standard error, which may be a socket of somebody's log, is not his.
    """
    started = tcpmuxd(conf=ONE)
    kinds = [name.partition(":")[0] for name in
             proc.fds(started.front).values()]
    assert sorted(kinds) == ["/dev/null", "/dev/null", "anon_inode"] + \
        ["socket"] * 4      # listener, control, log, the registrar's channel


def test_user_ids_that_differ_are_refused():
    """Half of a change of user is not taken for a plain user."""
    needs_root()
    done = subprocess.run(
        [server.TCPMUXD, "-f", server.BARE, "-l", "127.0.0.1:0"],
        stderr=subprocess.PIPE,
        preexec_fn=lambda: os.setresuid(65534, 0, 0), check=False,
        timeout=proc.PATIENCE)
    assert b"more than one user id" in done.stderr
    assert done.returncode == 71


def assert_it_carries_on(process, address):
    """What kills a front makes it speak; then it serves, and ends well."""
    for pid in proc.children(process.pid):
        if proc.read(pid, "comm") == "tcpmuxd-front\n":
            os.kill(pid, signal.SIGKILL)
            proc.wait_gone(pid)
    assert is_served(address)
    process.terminate()
    assert process.wait(proc.PATIENCE) == 0


def test_log_that_nobody_reads_holds_up_nothing():
    """Standard error is full: the line is lost, and the service is not."""
    reader, writer = os.pipe()
    with open(reader, "rb") as said, subprocess.Popen(
            [server.TCPMUXD, "-f", server.BARE, "-l", "127.0.0.1:0"],
            stderr=writer) as process:
        address = "127.0.0.1", int(said.readline().rpartition(b":")[2])
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, bytes(4096))
        assert_it_carries_on(process, address)
        os.close(writer)


# End.

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_with_status_0(tcpmuxd, number):
    """Told to end, it ends, and calls that no failure."""
    started = tcpmuxd()
    others = proc.children(started.pid)
    assert others and started.stop(number) == 0
    for pid in others:
        proc.wait_gone(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_those_who_wait_are_told_of_the_end(tcpmuxd, number):
    """Silent, in a name, behind a reply: each hears that it goes down."""
    started = tcpmuxd()
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(server.connect(started.addresses[0]))
                 for _ in range(30)]
        for sock in socks[10:20]:
            sock.sendall(b"tcpm")
        for sock in socks[20:]:
            sock.sendall(b"tcpmux\r\n")
            assert sock.recv(512) == OK
        started.settle()
        started.process.send_signal(number)
        for sock in socks:
            assert server.read_all(sock) == STOPPING
            sock.close()
    assert started.wait() == 0


def test_ends_though_clients_stay(tcpmuxd):
    """Clients that never close do not keep it."""
    started = tcpmuxd()
    with half_request(started) as sock:
        assert started.stop() == 0
        assert server.read_all(sock) == STOPPING


def test_port_is_free_at_once(tcpmuxd):
    """A new server can listen where an ended one has just been talking."""
    started = tcpmuxd()
    host, port = started.addresses[0]
    with half_request(started):
        assert started.stop() == 0
        again = tcpmuxd("-l", f"{host}:{port}")
    assert is_served(again.addresses[0])


# Processes that die.

def test_killed_front_is_replaced(tcpmuxd):
    """kill -9 of the front: the monitor starts the next, time after time."""
    started = tcpmuxd(conf=ONE)
    for _ in range(5):
        front = started.front
        os.kill(front, signal.SIGKILL)
        proc.wait_gone(front)
        assert is_served(started.addresses[0])
        assert started.front != front
        assert started.process.poll() is None


def test_killed_front_loses_only_its_own(tcpmuxd):
    """Its connections end; one that comes while there is no front waits."""
    started = tcpmuxd(conf=ONE)
    with half_request(started) as sock:
        os.kill(started.pid, signal.SIGSTOP)
        front = started.front
        os.kill(front, signal.SIGKILL)
        proc.wait_until(lambda: proc.state(front) == "Z", "the front's death")
        with server.connect(started.addresses[0]) as late:
            late.sendall(b"tcpmux\r\n")
            os.kill(started.pid, signal.SIGCONT)
            assert late.recv(512) == OK
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(512) == b""


def test_killed_monitor_takes_the_others_along(tcpmuxd):
    """kill -9 of the monitor: everybody ends by himself."""
    started = tcpmuxd()
    others = proc.children(started.pid)
    with half_request(started):
        started.process.kill()
        assert started.wait() == -signal.SIGKILL
        for pid in others:
            proc.wait_gone(pid)
    with pytest.raises(ConnectionRefusedError):
        server.connect(started.addresses[0])


# Limits.

def wall_ticks():
    """The time, in the unit of proc.cpu_ticks()."""
    return time.monotonic() * os.sysconf("SC_CLK_TCK")


def test_out_of_descriptors_it_rests_and_recovers(tcpmuxd):
    """EMFILE: no spinning; the next close lets the next client in."""
    started = tcpmuxd("-w", "1", conf=ONE)
    front, address = started.front, started.addresses[0]
    files = max(proc.fds(front)) + 1     # with gaps, as standard error
    gaps = files - len(proc.fds(front))
    started.limit_files(files)
    with contextlib.ExitStack() as stack:
        first, *_ = [stack.enter_context(half_request(started))
                     for _ in range(gaps)]
        waiting = [stack.enter_context(server.connect(address))
                   for _ in range(5)]
        for sock in waiting:
            sock.sendall(b"tcpmux\r\n")
        began = wall_ticks()
        used = proc.cpu_ticks(front)
        assert first.recv(512) == LATE
        used = proc.cpu_ticks(front) - used
        assert used < (wall_ticks() - began) / 4, "the front spins"
        assert len(proc.fds(front)) <= files
        assert not select.select(waiting, [], [], 0)[0]
        first.close()
        assert waiting[0].recv(512) == OK
        assert not select.select(waiting[1:], [], [], 0)[0]
        started.limit_files(files + 100)
        for sock in waiting[1:]:
            assert sock.recv(512) == OK


def test_slots_full_the_oldest_goes(tcpmuxd):
    """Every slot taken: the oldest hears -busy, and only the oldest."""
    started = tcpmuxd(conf=ONE, prefix=("prlimit", "--nofile=32:32"))
    with contextlib.ExitStack() as stack:
        socks = []
        while not socks or not select.select(socks, [], [], 0)[0]:
            assert len(socks) < 32, "more connections than descriptors"
            socks.append(stack.enter_context(half_request(started)))
        assert len(socks) > 16, "so few slots"
        assert select.select(socks, [], [], 0)[0] == socks[:1]
        assert server.read_all(socks[0]) == BUSY
        socks[0].close()
        socks[-1].sendall(b"mux\r\n")
        assert socks[-1].recv(512) == OK
        assert socks[1].send(b"mux\r\n") and socks[1].recv(512) == OK


def test_slots_full_of_those_who_do_not_close(tcpmuxd):
    """Clients that keep a refused connection open do not keep its slot."""
    started = tcpmuxd(conf=ONE, prefix=("prlimit", "--nofile=32:32"))
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            sock = stack.enter_context(server.connect(started.addresses[0]))
            sock.sendall(b"nosuch\r\n")
            assert server.read_all(sock) == UNKNOWN
        assert is_served(started.addresses[0])


def pipeline(sock, stop):
    """Ask for tcpmux without end, and throw the answers away."""
    requests = b"tcpmux\r\n" * 4096
    sock.setblocking(False)
    while not stop.is_set():
        readable, writable, _ = select.select([sock], [sock], [], 0.1)
        if readable:
            sock.recv(1 << 20)
        if writable:
            sock.send(requests)


def test_one_who_asks_without_end_starves_nobody(tcpmuxd):
    """Four that pipeline, and a hundred that each ask once."""
    started = tcpmuxd()
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        threads = [threading.Thread(target=pipeline, args=(
            stack.enter_context(server.connect(started.addresses[0])), stop))
            for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(100):
                assert is_served(started.addresses[0])
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def test_client_that_reads_nothing_is_dropped(tcpmuxd):
    """Replies that are not read end the connection at the deadline.

    Until then the front waits, and does not look again and again.
    """
    started = tcpmuxd("-w", "1", conf=ONE)
    before = proc.fds(started.front)
    begun = os.sysconf("SC_CLK_TCK"), proc.cpu_ticks(started.front)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(started.addresses[0])
        sock.setblocking(False)
        with pytest.raises(OSError):        # full, and then closed
            poll = select.poll()
            poll.register(sock, select.POLLOUT)
            while poll.poll(proc.PATIENCE * 1000):
                sock.send(b"tcpmux\r\n" * 4096)
        proc.wait_until(lambda: proc.fds(started.front) == before, "close")
    second, ticks = begun
    # A front that looks again and again takes a second more than its work.
    assert proc.cpu_ticks(started.front) - ticks < second
    assert is_served(started.addresses[0])


def test_client_that_reads_late_gets_every_reply(tcpmuxd):
    """A front that could not write goes on where it was, to the last."""
    requests = 240000
    started = tcpmuxd()
    with socket.socket() as sock:
        sock.settimeout(proc.PATIENCE)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(started.addresses[0])
        # The window of either side is a part of this: both come to rest.
        sender = threading.Thread(
            target=sock.sendall, args=(b"tcpmux\r\n" * requests,))
        sender.start()
        started.settle()
        heard = b""
        while len(heard) < requests * len(OK):
            more = sock.recv(65536)
            assert more
            heard += more
        sender.join()
    assert heard == OK * requests


def test_daemon_outlives_whoever_read_its_errors():
    """A line that nobody can read any more ends nothing."""
    reader, writer = os.pipe()
    with open(reader, encoding="ascii") as said, subprocess.Popen(
            [server.TCPMUXD, "-f", server.BARE, "-l", "127.0.0.1:0"],
            stderr=writer) as process:
        os.close(writer)
        address = "127.0.0.1", int(said.readline().rpartition(":")[2])
        said.close()
        assert_it_carries_on(process, address)


def test_reset_leaves_nothing(tcpmuxd):
    """Clients that reset, in a name or behind a request, leave no slot."""
    started = tcpmuxd(conf=ONE)
    before = proc.fds(started.front)
    for request in (b"", b"tcp", b"tcpmux\r\n", b"nosuch\r\n", b"HELP\r\n"):
        for _ in range(20):
            with server.connect(started.addresses[0]) as sock:
                sock.sendall(request)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                SO_LINGER_RST)
    proc.wait_until(lambda: proc.fds(started.front) == before, "closes")
    assert is_served(started.addresses[0])
