"""Rules that hold for every kind of taker, and the queues to them."""

import contextlib
import os
import pathlib
import select
import shutil
import socket
import struct

import pytest

import callers
import doors
import proc
import server
from callers import call, converse, digest
from services import CHUNK, HANDOVER, OK, as_nobody, need, script

DOWN = b"-Service not running: try again later\r\n"
KINDS = ("cat", "exec", "relay-tcp", "relay-unix", "socket", "builtin")
RESET = struct.pack("ii", 1, 0)
ENDING = ("exec", "relay-tcp", "relay-unix", "socket")


@pytest.fixture(params=KINDS)
def echoing(request, host, tcpmuxd):
    """A tcpmuxd with a service that sends back what comes."""
    return tcpmuxd(conf=host.echo(request.param)).addresses[0]


@pytest.mark.parametrize("name", [b"echo", b"ECHO", b"eChO"])
def test_rule_20_bytes_in_the_same_segment_reach_the_service(echoing, name):
    """Rule 20: what stands behind the CRLF comes whole and in order."""
    with server.connect(echoing) as sock:
        sock.sendall(name + b"\r\n\n\r\n\0first\r\n")
        assert callers.read_exactly(sock, len(OK)) == OK
        assert converse(sock, b"second") == b"\n\r\n\0first\r\nsecond"


def test_rule_20_64_mebibytes_each_way(echoing):
    """Rule 20: name, bytes and bytes, and the digests are equal."""
    data = callers.many_bytes()
    with server.connect(echoing) as sock:
        heard = converse(sock, b"echo\r\n" + data)
    assert heard[:len(OK)] == OK
    assert digest(heard[len(OK):]) == digest(data)


def test_t16_urgent_data_is_no_end(echoing):
    """T16: splice(2) stops there, as at an end; nothing behind it is lost."""
    data = callers.many_bytes()[:32 * CHUNK]
    with server.connect(echoing) as sock:
        sock.sendall(b"echo\r\n")
        assert callers.read_exactly(sock, len(OK)) == OK
        heard = converse(sock, data, urgent=16 * CHUNK)
    assert digest(heard) == digest(data)


def test_rule_21_a_byte_at_a_time(echoing):
    """Rules 21 and 22: any segmentation; no LF of the line leaks."""
    with server.connect(echoing) as sock:
        for byte in b"echo\r\n\nx":
            sock.sendall(bytes([byte]))
        assert converse(sock, b"") == OK + b"\nx"


def test_rule_31_the_end_alone(echoing):
    """Rule 31: a client that has nothing to say hears + and the end."""
    with call(echoing, "echo") as sock:
        assert converse(sock, b"") == OK


def test_rule_34_tcpmux_first_and_then_the_service(echoing):
    """Rule 34: the next name on the same connection is another service's."""
    with server.connect(echoing) as sock:
        heard = converse(sock, b"tcpmux\r\nTcpMux\r\necho\r\ntcpmux\r\n")
    assert heard == OK + OK + OK + b"tcpmux\r\n"


@pytest.mark.parametrize("kind", ENDING)
def test_rule_31_a_service_that_ends_first_hears_the_rest(host, tcpmuxd,
                                                          kind):
    """Rule 31: the end comes at once, and what is sent later still arrives."""
    address = tcpmuxd(conf=host.farewell(kind)).addresses[0]
    data = callers.many_bytes()[:8 << 20]
    with call(address, "farewell", b"early") as sock:
        assert server.read_all(sock) == OK + b"bye\n"
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        heard = host.mailbox.get(timeout=proc.PATIENCE)
    assert heard.decode() == digest(b"early" + data)


def test_rule_16_a_program_may_answer_itself(host, tcpmuxd):
    """Rule 16: with reply = service the mux says nothing."""
    program = script(host.folder, "own.py", "import os, sys\n"
                     "os.write(1, b'+Mine\\r\\n' + os.read(0, 100))\n")
    address = tcpmuxd(conf=host.service(
        "own", f"exec = {{{program}}} {as_nobody()} reply = service")
                      ).addresses[0]
    with call(address, "own", b"x") as sock:
        assert server.read_all(sock) == b"+Mine\r\nx"


def muxed(host, name, taker, more=""):
    """A service whose + the mux says, and whose program does not."""
    return host.service(name, f'socket = "{taker.path}" reply = mux {more}')


def test_rule_16_the_mux_may_answer_for_a_program(host, tcpmuxd):
    """Rule 16: with reply = mux it says +, and what comes early is whole."""
    seen = []

    def look(sock):
        seen.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        sock.sendall(sock.recv(100))

    taker = host.taker(look, host.path("quiet"), replies=False)
    address = tcpmuxd(conf=muxed(host, "quiet", taker, 'ok = "Welcome"')
                      ).addresses[0]
    proc.wait_until(lambda: callers.reply(address, "quiet") != DOWN, "taker")
    for before in (b"", b"tcpmux\r\ntcpmux\r\n"):
        with server.connect(address) as sock:
            sock.sendall(before + b"QUIET\r\n\n\0x")
            sock.shutdown(socket.SHUT_WR)
            assert server.read_all(sock) == \
                OK * before.count(b"\n") + b"+Welcome\r\n\n\0x"
    assert not any(seen) and taker.names[-1] == b"quiet"
    assert taker.headers[-1][-3] == 1     # it was early


def test_text_of_the_positive_reply(host, tcpmuxd):
    """ok = is what the taker says, whoever it is."""
    text = "".join(
        host.echo(kind, kind, f'ok = "Welcome to {kind}" alias = "a-{kind}"')
        for kind in KINDS if kind != "socket")
    address = tcpmuxd(conf=text).addresses[0]
    for kind in KINDS:
        if kind == "socket":
            continue
        for name in (kind, f"A-{kind}"):
            with call(address, name, b"x") as sock:
                assert converse(sock, b"y") == \
                    f"+Welcome to {kind}\r\nxy".encode()


# Rule 28: + only from the taker.

def test_rule_28_relay_with_its_back_end_down(host, tcpmuxd):
    """Rule 28: -, never +, by TCP and by a path; and + once it is there."""
    gone = host.backend(lambda sock: None)
    path = host.path("late.sock")
    gone.close()
    address = tcpmuxd(conf=host.service("tcp", f'relay = "{gone.where}"') +
                      host.service("unix", f'relay = "unix:{path}"')
                      ).addresses[0]
    for name in ("tcp", "unix"):
        with call(address, name, b"x" * 9999) as sock:
            assert converse(sock, b"more") == DOWN
    host.backend(lambda sock: sock.sendall(b"here"), path)
    with call(address, "unix") as sock:
        assert server.read_all(sock) == OK + b"here"


def test_relay_takes_the_next_back_end(host, tcpmuxd):
    """Fail-over in the order of preference."""
    gone = host.backend(lambda sock: None)
    second = host.backend(lambda sock: sock.sendall(b"second"))
    gone.close()
    address = tcpmuxd(conf=host.service(
        "two", f'relay = {{"{gone.where}", "{second.where}"}}')).addresses[0]
    with call(address, "two") as sock:
        assert server.read_all(sock) == OK + b"second"


def test_rule_28_program_that_has_gone(host, tcpmuxd):
    """Rule 28: - for a program that was there when the table was read."""
    path = pathlib.Path(host.path("program"))
    shutil.copy(need("date"), path)
    path.chmod(0o755)
    address = tcpmuxd(conf=host.service(
        "gone", f'exec = {{"{path}"}} {as_nobody()}')).addresses[0]
    with call(address, "gone") as sock:
        assert server.read_all(sock).startswith(OK)
    path.unlink()
    with call(address, "gone", b"x") as sock:
        heard = server.read_all(sock)
    assert heard.startswith(b"-") and heard.endswith(b"\r\n"), heard


def test_rule_28_taker_that_is_not_there_yet(host, tcpmuxd):
    """Rule 28: - while nobody listens at the path, + when somebody does."""
    path = host.path("late.take")
    address = tcpmuxd(conf=host.service("late", f'socket = "{path}"')
                      ).addresses[0]
    assert callers.reply(address, "late") == DOWN
    for _ in range(2):
        with_taker = host.taker(lambda sock: sock.sendall(b"here"), path)
        proc.wait_until(lambda: callers.is_served(address, "late"), "taker")
        with call(address, "late") as sock:
            assert server.read_all(sock) == OK + b"here"
        with_taker.close()
        proc.wait_until(lambda: callers.reply(address, "late") == DOWN,
                        "the taker to be missed")


def test_relay_reset_stays_a_reset(host, tcpmuxd):
    """T16: a stream that is cut never looks complete."""
    def cut(sock):
        sock.recv(1)
        sock.sendall(b"half")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.close()

    address = tcpmuxd(conf=host.service(
        "cut", f'relay = "{host.backend(cut).where}"')).addresses[0]
    with call(address, "cut", b"x") as sock, \
            pytest.raises(ConnectionResetError):
        server.read_all(sock)


# What a taker is given.

def test_taker_gets_the_connection_as_accept_gives_it(host, tcpmuxd):
    """Blocking, no option left behind; the header tells who it is."""
    path = host.path("take")
    seen = []

    def look(sock):
        tcp = socket.IPPROTO_TCP
        seen.append((sock.getpeername(), os.get_blocking(sock.fileno()),
                     sock.getsockopt(tcp, socket.TCP_NODELAY),
                     sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)))

    taker = host.taker(look, path)
    address = tcpmuxd(conf=host.service("Take", f'socket = "{path}"')
                      ).addresses[0]
    proc.wait_until(lambda: callers.is_served(address, "take"), "the taker")
    with server.connect(address) as sock:
        ours = sock.getsockname()
        sock.sendall(b"tcpmux\r\ntcpmux\r\ntake\r\n")
        assert server.read_all(sock) == OK * 3
    assert seen[-1] == (ours, True, 0, 1)
    version, service, source, listener, _, *ends = taker.headers[-1]
    assert (version, service, source, listener) == (1, 0, 0, 0)
    peer, port, known, scope, local, *rest = ends
    assert (port, known, scope) == (ours[1], 1, 0)
    assert peer == bytes(10) + b"\xff\xff" + socket.inet_aton(ours[0])
    # local, early, proxied and the zeroes: there was no PROXY header.
    assert (local, *rest) == (bytes(16), 0, 0, 0, 0, 0, bytes(48))
    assert taker.names[-1] == b"Take"


def test_rule_32_program_knows_its_peer(host, tcpmuxd):
    """Rule 32: UCSPI's names, systemd's, and the configured spelling."""
    program = script(host.folder, "env.py", "import os\n"
                     "for item in sorted(os.environ.items()):\n"
                     "    print('%s=%s' % item)\n")
    address = tcpmuxd(conf=host.service(
        "Env", f'exec = {{{program}}} {as_nobody()} environment = {{"A=b"}}'
        " alias = alias")).addresses[0]
    with call(address, "ALIAS") as sock:
        port = sock.getsockname()[1]
        lines = server.read_all(sock)[len(OK):].decode().splitlines()
    env = dict(line.split("=", 1) for line in lines)
    assert env["TCPREMOTEIP"] == env["REMOTE_ADDR"] == "127.0.0.1"
    assert env["TCPREMOTEPORT"] == env["REMOTE_PORT"] == str(port)
    assert env["TCPLOCALIP"] == address[0]
    assert env["TCPLOCALPORT"] == str(address[1])
    assert env["PROTO"] == "TCP" and env["TCPMUX_SERVICE"] == "Env"
    assert env["A"] == "b"
    assert "LANG" not in env and "TCPMUX_BUILD" not in env


# Connections that end in every way leave nothing (T3).

def leave_at_once(sock):
    """Close, whatever comes."""
    sock.close()


def leave_with_reset(sock):
    """Send much, read nothing, and reset."""
    sock.sendall(bytes(100000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()


def leave_half(sock):
    """End one side, read one line, and go."""
    sock.shutdown(socket.SHUT_WR)
    callers.read_line(sock)
    sock.close()


def leave_in_good_order(sock):
    """Hear everything."""
    converse(sock, b"x")
    sock.close()


def all_fds(started):
    """The descriptors of every process, but for a relay's empty pipes."""
    found = {}
    for pid in started.processes():
        try:
            found[pid] = proc.fds(pid)
        except PermissionError:     # spawn shows its own to root alone
            assert os.getuid() != 0
    for pid in started.named("relay"):
        pipes = [fd for fd, what in found[pid].items()
                 if what.startswith("pipe:")]
        assert len(pipes) <= 8, found[pid]
        for fd in pipes:
            del found[pid][fd]
    return found


def test_t3_descriptors_and_counts_return(host, tcpmuxd):
    """T3: whatever ends a connection, nothing of it is left in anybody."""
    limits = "max = 2 max-per-source = 2"
    gone = host.backend(None)
    gone.close()
    started = tcpmuxd(conf="max = 6\nmax-per-source = 5\nfronts = 1\n" +
                      "relays = 1\nlog { level = nothing }\n" +
                      host.service("down", f'relay = "{gone.where}"') +
                      "".join(host.echo(kind, kind,
                                        "" if kind == "socket" else limits)
                              for kind in KINDS))
    address = started.addresses[0]
    baseline = None
    for _ in range(3):
        for kind in (*KINDS, "down"):
            for leave in (leave_at_once, leave_with_reset, leave_half,
                          leave_in_good_order) * 3:
                proc.wait_until(lambda k=kind: callers.reply(address, k) in
                                (OK, DOWN), f"a place for {kind}")
                with contextlib.suppress(OSError):
                    leave(call(address, kind))
        started.settle()
        if baseline is None:
            baseline = all_fds(started)     # the first round warms it up
        proc.wait_until(lambda: all_fds(started) == baseline, "closes")


def test_taker_that_talks_back(host, tcpmuxd):
    """What a taker says, and what descriptors it sends, means nothing."""
    path = host.path("bad.take")
    taker = host.taker(None, path, started=False)
    started = tcpmuxd(conf=host.service("bad", f'socket = "{path}"') +
                      host.echo("socket", "good"))
    registrar = started.wait_named("regis")[0]
    link, _ = taker.listener.accept()
    proc.wait_until(lambda: callers.is_served(started.addresses[0], "good"),
                    "the other taker")
    started.settle()
    before = proc.fds(registrar)
    with link:
        for i in range(100):
            socket.send_fds(link, [b"F" * i or b"D"], [0, 1, 2][:i % 4])
        started.settle()
        assert proc.fds(registrar) == before
        with call(started.addresses[0], "bad", b"x") as sock:
            data, fds, _, _ = socket.recv_fds(link, 1000, 4)
            assert data[HANDOVER.size:] == b"bad" and len(fds) == 1
            with socket.socket(fileno=fds[0]) as taken:
                assert taken.recv(1) == b"x"
                taken.sendall(b"-No\r\n")
            assert server.read_all(sock) == b"-No\r\n"
    assert started.named("regis") == [registrar]


def test_relay_gives_up_who_does_not_answer(host, tcpmuxd):
    """connect-timeout: a back end without an answer, and then the next."""
    second = host.backend(lambda sock: sock.sendall(b"second"))
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        where = "127.0.0.1:%d" % full.getsockname()[1]
        fill = [stack.enter_context(socket.socket()) for _ in range(8)]
        for sock in fill:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        address = tcpmuxd(conf=host.service(
            "two", f'relay = {{"{where}", "{second.where}"}} '
            "connect-timeout = 1s") + host.service(
                "one", f'relay = "{where}" connect-timeout = 1s')
                          ).addresses[0]
        one = stack.enter_context(call(address, "one"))
        with call(address, "two") as sock:
            assert server.read_all(sock) == OK + b"second"
        assert server.read_all(one) == DOWN


# Queues: stuck takers (T15, and rule 3 of the design).

def heard_something(socks):
    """Which of these have something to read?"""
    return [sock for sock in socks
            if doors.SocketTalk(sock, 0).has_spoken()]


def wait_dialled(started, *takers):
    """Wait until tcpmuxd could hand over to these, who do not look."""
    for taker in takers:
        assert select.select([taker.listener], [], [], proc.PATIENCE)[0]
    started.settle()


def test_a_stuck_taker_gets_64_and_the_next_hear_busy(host, tcpmuxd):
    """64 wait in its queue, 16 are refused at once, and then 64 are served."""
    path = host.path("stuck")
    taker = host.taker(lambda sock: sock.sendall(sock.recv(100)), path,
                       started=False)
    started = tcpmuxd(conf=host.service("stuck", f'socket = "{path}"'))
    wait_dialled(started, taker)
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(
            call(started.addresses[0], "stuck", b"%d" % i))
            for i in range(80)]
        proc.wait_until(lambda: len(heard_something(socks)) >= 16, "busy")
        started.settle()
        refused = heard_something(socks)
        assert len(refused) == 16
        for sock in refused:
            heard = server.read_all(sock)
            assert heard.startswith(b"-busy") and heard.endswith(b"\r\n")
        taker.start()
        for i, sock in enumerate(socks):
            if sock not in refused:
                assert server.read_all(sock) == OK + b"%d" % i


def test_rule_28_a_full_queue_is_no_plus(host, tcpmuxd):
    """With reply = mux 64 hear + and the others -busy, and nothing behind."""
    taker = host.taker(lambda sock: sock.sendall(sock.recv(100)),
                       host.path("stuck"), started=False, replies=False)
    started = tcpmuxd(conf="fronts = 1\n" + muxed(host, "stuck", taker))
    wait_dialled(started, taker)
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(
            call(started.addresses[0], "stuck", b"%d" % i))
            for i in range(80)]
        greeted = [sock for sock in socks
                   if callers.read_exactly(sock, 1) == b"+"]
        assert len(greeted) == 64
        for sock in set(socks) - set(greeted):
            heard = server.read_all(sock)
            assert heard.startswith(b"busy") and heard.endswith(b"\r\n")
        taker.start()
        for i, sock in enumerate(socks):
            if sock in greeted:
                assert server.read_all(sock) == OK[1:] + b"%d" % i


def test_rule_28_nobody_there_is_no_plus(host, tcpmuxd):
    """With reply = mux, too: -, at first and when the program has gone."""
    taker = host.taker(lambda sock: None, host.path("gone"), replies=False)
    address = tcpmuxd(conf=muxed(host, "gone", taker)).addresses[0]
    proc.wait_until(lambda: callers.reply(address, "gone") == OK, "a taker")
    taker.close()
    proc.wait_until(lambda: callers.reply(address, "gone") == DOWN, "no taker")


def test_t15_nine_of_ten_takers_stuck(host, tcpmuxd):
    """T15: the healthy one is served in full, and at once."""
    text = host.echo("socket", "healthy")
    takers = [host.taker(None, host.path(f"stuck{i}"), started=False)
              for i in range(9)]
    for i, taker in enumerate(takers):
        text += host.service(f"stuck{i}", f'socket = "{taker.path}"')
    started = tcpmuxd(conf=text)
    address = started.addresses[0]
    wait_dialled(started, *takers)
    proc.wait_until(lambda: callers.is_served(address, "healthy"), "a taker")
    with contextlib.ExitStack() as stack:
        for i in range(9):
            for _ in range(70):
                stack.enter_context(call(address, f"stuck{i}", b"x"))
            for _ in range(20):
                with call(address, "healthy", b"x") as sock:
                    assert converse(sock, b"y") == OK + b"xy"
