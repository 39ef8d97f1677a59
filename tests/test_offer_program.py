"""tcpmux-offer with a program for each connection, and with --to."""

import contextlib
import os
import pathlib
import pwd
import queue
import signal
import socket
import subprocess
import threading

import pytest

import callers
import doors
import offers
import proc
import server
import services
import test_services
from callers import call, converse, digest, read_line
from client import Forwarder
from offers import get, python
from services import OK, Backend, need


# A program for each connection

PYTHON_IGNORES = [int(signal.SIGPIPE), int(signal.SIGXFSZ)]

SELF = """\
import os, signal, socket, sys
sock = socket.socket(fileno=0)
names = ("PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP",
         "TCPLOCALPORT", "REMOTE_ADDR", "REMOTE_PORT", "TCPMUX_SERVICE",
         "TCPREMOTEHOST")
ignored = [number for number in range(1, 65) if number not in (32, 33)
           and signal.getsignal(number) == signal.SIG_IGN]
sys.stdout.write(repr((
    [os.environ.get(name) for name in names],
    sorted(fd for fd in range(256) if os.path.exists(f"/proc/self/fd/{fd}")),
    os.readlink("/proc/self/fd/0") == os.readlink("/proc/self/fd/1"),
    os.get_blocking(0), ignored, signal.pthread_sigmask(0, []))))
"""


def test_what_a_program_gets(host, mux):
    """Rule 32: 0 and 1 are the connection, blocking; who is there."""
    mux.offered("Me", "--", *python(host, "self.py", SELF),
                env=os.environ | {"TCPREMOTEHOST": "of.somebody.else"})
    with call(mux.address, "me", source="127.0.0.2") as sock:
        peer, local = sock.getsockname(), sock.getpeername()
        assert read_line(sock) == OK
        heard = server.read_all(sock).decode()
    remote = [peer[0], str(peer[1])]
    assert heard == repr((
        ["TCP", *remote, local[0], str(local[1]), *remote, "Me", None],
        [0, 1, 2], True, True, PYTHON_IGNORES, set()))


def test_a_program_is_sent_what_came_early(mux):
    """Rules 20 and 31: bytes behind the line, half-close, 64 MiB."""
    data = callers.many_bytes()
    mux.offered("echo", "--", need("cat"))
    with call(mux.address, "echo", b"early") as sock:
        heard = converse(sock, data)
    assert digest(heard) == digest(OK + b"early" + data)


def test_a_program_that_has_gone(host, mux):
    """The client hears of it, though it has spoken; and may try again."""
    path = pathlib.Path(host.path("echo"))
    path.symlink_to(need("cat"))
    offer = mux.offered("echo", "--", str(path))
    path.unlink()
    for _ in range(20):
        with call(mux.address, "echo", b"early") as sock:
            assert server.read_all(sock) == b"-the program is not there\r\n"
    offer.wait_for("No such file")
    path.symlink_to(need("cat"))
    assert server.ask(mux.address, b"echo\r\nx") == OK + b"x"


def test_programs_are_reaped(mux):
    """None is left when its connection has ended."""
    offer = mux.offered("echo", "--", need("cat"))
    for _ in range(20):
        assert server.ask(mux.address, b"echo\r\nx") == OK + b"x"
    proc.wait_until(lambda: not offer.tree(), "the programs to end")
    assert offer.stop() == 0


def test_max_is_told_busy(mux):
    """--max 2: the third is refused at once, and a place is free again."""
    offer = mux.offered("--max", "2", "echo", "--", need("cat"))
    socks = [call(mux.address, "echo") for _ in range(2)]
    for sock in socks:
        assert read_line(sock) == OK
    with call(mux.address, "echo", b"more") as third:
        assert server.read_all(third).startswith(b"-busy")
    for sock in socks:
        sock.close()
    proc.wait_until(lambda: not offer.tree(), "the programs to end")
    assert server.ask(mux.address, b"echo\r\nx") == OK + b"x"


def test_whoever_starts_it_may_ignore_its_children(mux):
    """SIGCHLD ignored: they are counted all the same."""
    def ignore():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    offer = mux.offered("--max", "1", "echo", "--", need("cat"),
                        preexec_fn=ignore)
    for _ in range(3):
        proc.wait_until(lambda: not offer.tree(), "the program to end")
        assert server.ask(mux.address, b"echo\r\nx") == OK + b"x"


def test_without_standard_files(mux):
    """Whoever starts it may have closed 0 and 1."""
    def close():
        os.closerange(0, 2)

    mux.offered("echo", "--", need("cat"), stdin=None, preexec_fn=close)
    for _ in range(3):
        assert server.ask(mux.address, b"echo\r\nx") == OK + b"x"


def test_programs_go_on_without_the_offer(mux):
    """SIGTERM withdraws the name; a conversation goes on to its end."""
    offer = mux.offered("echo", "--", need("cat"))
    with call(mux.address, "echo") as sock:
        assert read_line(sock) == OK
        assert offer.process.poll() is None
        offer.process.send_signal(signal.SIGTERM)
        assert offer.process.wait(proc.PATIENCE) == 0
        assert converse(sock, b"still") == b"still"


# --to

def test_relay_both_ways(host, mux):
    """64 MiB both ways at a time, to a port and to a path; half-close."""
    data = callers.many_bytes()
    for name, path in (("tcp", None), ("unix", host.path("echo.sock"))):
        mux.offered("--to", host.backend(services.echo, path).where, name)
        with call(mux.address, name, b"early") as sock:
            heard = converse(sock, data)
        assert digest(heard) == digest(OK + b"early" + data)


def test_relay_urgent_data_is_no_end(host, mux):
    """splice(2) stops there, as at an end; nothing behind it is lost."""
    data = callers.many_bytes()[:4 * services.CHUNK]
    mux.offered("--to", host.backend(services.echo).where, "it")
    with call(mux.address, "it") as sock:
        assert read_line(sock) == OK
        heard = converse(sock, data, urgent=2 * services.CHUNK)
    assert digest(heard) == digest(data)


def test_relay_farewell(host, mux):
    """The back end ends its side first, and still hears all."""
    heard = []

    def serve(sock):
        sock.sendall(b"bye\n")
        sock.shutdown(socket.SHUT_WR)
        heard.append(server.read_all(sock))

    backend = host.backend(serve)
    mux.offered("--to", backend.where, "it")
    with call(mux.address, "it") as sock:
        assert server.read_all(sock) == OK + b"bye\n"
        sock.sendall(b"and then")
    proc.wait_until(lambda: heard, "the back end")
    assert heard == [b"and then"]


def test_relay_a_reset_stays_a_reset(host, mux):
    """Either way: a stream that is cut never looks complete."""
    ends = []
    done = threading.Event()

    def serve(sock):
        if sock.recv(1) == b"r":
            callers.reset(sock)
            return
        try:
            ends.append(sock.recv(1))
        except ConnectionResetError:
            ends.append("reset")
        done.set()

    mux.offered("--to", host.backend(serve).where, "it")
    with call(mux.address, "it", b"r") as sock:
        assert read_line(sock) == OK
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    sock = call(mux.address, "it", b"x")
    assert read_line(sock) == OK
    callers.reset(sock)
    assert done.wait(proc.PATIENCE)
    assert ends == ["reset"]


def test_relay_loses_nothing_before_a_reset(host, mux):
    """What the back end has said is heard, and then that it was cut."""
    def serve(sock):
        assert sock.recv(1) == b"x"
        sock.sendall(b"half")
        callers.reset(sock)

    mux.offered("--to", host.backend(serve).where, "it")
    for _ in range(20):
        with call(mux.address, "it", b"x") as sock:
            assert callers.read_exactly(sock, len(OK) + 4) == OK + b"half"
            with pytest.raises(ConnectionResetError):
                sock.recv(1)


def test_relay_of_a_client_that_speaks_and_resets(host, mux):
    """What it has said is heard, and then that it was cut."""
    heard = queue.Queue()

    def serve(sock):
        data = callers.read_exactly(sock, 1000)
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
        heard.put(data)

    mux.offered("--to", host.backend(serve).where, "it")
    for _ in range(20):
        sock = call(mux.address, "it", b"x" * 500)
        assert read_line(sock) == OK
        sock.sendall(b"y" * 500)
        callers.reset(sock)
        assert heard.get(timeout=proc.PATIENCE) == b"x" * 500 + b"y" * 500


def test_relay_that_is_killed(host, mux):
    """SIGKILL: both sides see that the stream was cut."""
    ends = queue.Queue()

    def serve(sock):
        sock.sendall(b"x")
        try:
            ends.put(sock.recv(1))
        except ConnectionResetError:
            ends.put("reset")

    offer = mux.offered("--to", host.backend(serve).where, "it")
    with call(mux.address, "it") as sock:
        assert callers.read_exactly(sock, len(OK) + 1) == OK + b"x"
        offer.process.kill()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    assert ends.get(timeout=proc.PATIENCE) == "reset"


def test_relay_without_its_back_end(host, mux):
    """- and a sentence, once it has not answered; later it is there."""
    path = host.path("later.sock")
    offer = mux.offered("--to", f"unix:{path}", "it")
    assert server.ask(mux.address, b"it\r\n").startswith(b"-the service does")
    offer.wait_for("No such file or directory")
    with Backend(services.echo, path):
        assert server.ask(mux.address, b"it\r\nx") == OK + b"x"


def test_relay_to_a_path_without_room(host, mux):
    """A Unix socket whose queue is full: its clients wait, and are served."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(host.path("full.sock"))
        listener.listen(0)
        listener.settimeout(proc.PATIENCE)
        offer = mux.offered("--to", f"unix:{host.path('full.sock')}", "it")
        with contextlib.ExitStack() as stack:
            socks = [stack.enter_context(call(mux.address, "it", b"%d" % i))
                     for i in range(8)]
            # Each client is a socket, and so are the offer and one dialled.
            proc.wait_until(lambda: len([
                fd for fd in proc.fds(offer.pid).values()
                if fd.startswith("socket:")]) >= 10, "all to wait")
            heard = []
            for _ in socks:
                with listener.accept()[0] as back:
                    heard.append(back.recv(1))
            assert sorted(heard) == [b"%d" % i for i in range(8)]
            assert all(read_line(sock) == OK for sock in socks)


def test_relay_many_at_a_time(host, mux):
    """Two hundred conversations, all open; none sees another's bytes."""
    offer = mux.offered("--max", "200", "--to",
                        host.backend(services.echo).where, "it")
    socks = []
    for i in range(200):
        socks.append(call(mux.address, "it", b"%d\n" % i))
        assert read_line(socks[i]) == OK
    for i, sock in enumerate(socks):
        assert read_line(sock) == b"%d\n" % i
    with call(mux.address, "it") as sock:
        assert server.read_all(sock).startswith(b"-busy")
    many = len(proc.fds(offer.pid))
    for sock in socks:
        sock.close()
    proc.wait_until(lambda: len(proc.fds(offer.pid)) < many - 350,
                    "the conversations to end")
    assert server.ask(mux.address, b"it\r\nx") == OK + b"x"


@pytest.mark.parametrize("kind", ("nginx", "node"))
def test_relay_to_a_web_server(host, mux, kind):
    """Which sees the relay, and not the client."""
    port = doors.free_port()
    host.program(*offers.servers(host, port)[kind](),
                 stderr=subprocess.DEVNULL)
    mux.offered("--to", f"localhost:{port}", "web")
    proc.wait_until(lambda: callers.is_served(mux.address, "web"), kind)
    assert get(mux.address, "web", "127.0.0.2")[0].split()[1] != b"127.0.0.2"


def test_relay_to_http_server_of_python(host, mux):
    """python3 -m http.server: 64 MiB."""
    data = callers.many_bytes()
    pathlib.Path(host.path("big")).write_bytes(data)
    port = doors.free_port()
    host.program("python3", "-m", "http.server", str(port), "-d", host.folder,
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    mux.offered("--to", f"127.0.0.1:{port}", "web")
    proc.wait_until(lambda: callers.is_served(mux.address, "web"), "python")
    with call(mux.address, "web", b"GET /big HTTP/1.0\r\n\r\n") as sock:
        assert read_line(sock) == OK
        body = server.read_all(sock).partition(b"\r\n\r\n")[2]
    assert digest(body) == digest(data)


def test_relay_to_redis(host, mux):
    """redis-server, at a path."""
    path = host.path("redis.sock")
    host.program(need("redis-server"), "--port", "0", "--unixsocket", path,
                 "--save", "", "--dir", host.folder,
                 stdout=subprocess.DEVNULL)
    mux.offered("--to", f"unix:{path}", "db")
    proc.wait_until(lambda: callers.is_served(mux.address, "db"), "redis")
    with call(mux.address, "db", test_services.bulk(b"PING")) as sock:
        assert converse(sock, test_services.bulk(b"QUIT")) == \
            OK + b"+PONG\r\n+OK\r\n"


def test_relay_to_postgresql(host, mux):
    """psql through a forwarder and the relay."""
    base = test_services.Postgres(host)
    mux.offered("--to", f"127.0.0.1:{base.port}", "db")
    with Forwarder(mux.address, "db") as forwarder:
        assert test_services.run(
            need("psql"), "-X", "-q", "-t", "-A", "-h", "127.0.0.1", "-p",
            str(forwarder.port), "-U", "tester", "-d", "postgres", "-c",
            "select 6*7") == b"42\n"


@pytest.mark.usefixtures("empty_folder_of_sshd")
def test_relay_to_sshd(host, mux):
    """ssh, and 64 MiB through it and back."""
    test_services.ssh_keys(host)
    port = doors.free_port()
    sshd = host.program(
        need("sshd"), "-D", "-e", "-f", host.path("sshd_config"), "-o",
        f"ListenAddress=127.0.0.1:{port}", stderr=subprocess.DEVNULL)
    proc.wait_until(lambda: proc.listens(sshd.pid, port), "sshd")
    mux.offered("--to", f"127.0.0.1:{port}", "ssh")
    test_services.assert_ssh_works(
        host, mux.address, "ssh", pwd.getpwuid(os.getuid()).pw_name)


# The offer itself

def test_a_name_that_is_taken_is_refused(mux):
    """With the daemon's sentence, and status 1."""
    mux.offered("it", "--", need("cat"))
    status, said = mux.offer("it", "--", need("cat")).ended()
    assert status == 1
    assert "tcpmux-offer: it: refused: Somebody has" in said


def test_who_is_replaced_ends(mux):
    """--replace takes the name over; the other one says so: status 1."""
    first = mux.offered("it", "--", need("echo"), "first")
    mux.offered("--replace", "it", "--", need("echo"), "second")
    status, said = first.ended()
    assert status == 1
    assert "the daemon has ended the offer: " in said
    assert server.ask(mux.address, b"it\r\n") == OK + b"second\n"


def test_sharing_a_name(mux):
    """--share: two of a user, and one is enough when the other has gone."""
    first = mux.offered("--share", "it", "--", need("echo"), "x")
    mux.offered("--share", "it", "--", need("echo"), "x")
    assert server.ask(mux.address, b"it\r\n") == OK + b"x\n"
    assert first.stop() == 0
    assert server.ask(mux.address, b"it\r\n") == OK + b"x\n"


def test_a_hidden_name_is_served_and_not_listed(mux):
    """--hidden."""
    offer = mux.offer("--hidden", "it", "--", need("echo"), "x")
    offer.wait_for(": offered$")
    proc.wait_until(lambda: callers.is_served(mux.address, "it"), "it")
    assert b"it" not in server.ask(mux.address, b"HELP\r\n")


def test_without_a_daemon(folder):
    """Status 2, at once."""
    with contextlib.closing(offers.Mux.alone(folder)) as mux:
        status, said = mux.offer("it", "--", need("cat")).ended()
        assert status == 2
        assert "tcpmux-offer: it: " in said


def test_it_waits_for_a_daemon_and_survives_another(folder, tcpmuxd):
    """--wait; then the daemon goes, and comes back."""
    with contextlib.closing(offers.Mux.alone(folder)) as mux:
        offer = mux.offer("--wait", "it", "--", need("echo"), "x")
        offer.wait_for("no daemon is there yet; waiting for it$")
        conf = f'control = "{mux.control}"\n'
        for words in ("offered again$", "offered again$"):
            new = tcpmuxd(conf=conf)
            offer.wait_for(words)
            address = new.addresses[0]
            proc.wait_until(lambda at=address: callers.is_served(at, "it"),
                            "the offer")
            assert new.stop() == 0
            offer.wait_for("the daemon is gone; offering again$")


@pytest.mark.parametrize("words", (
    (), ("it",), ("--to", "localhost:1", "it", "cat"),
    ("--to", "localhost:1", "--wrap", "it"), ("--port", "1", "it", "cat"),
    ("--wrap", "--port", "0", "it", "cat"), ("--max", "x", "it", "cat"),
    ("--wrap", "--max", "1", "it", "cat"), ("--to", "nonsense", "it"),
    ("--to", "unix:", "it"), ("--to", "::1:80", "it"),
    ("no name", "cat"), ("it", "/no/such/program"), ("--frob",)))
def test_usage(folder, words):
    """Status 64, and a sentence."""
    with contextlib.closing(offers.Mux.alone(folder)) as mux:
        status, said = mux.offer(*words).ended()
        assert status == 64
        assert "tcpmux-offer: " in said


@pytest.mark.parametrize("words", [
    ("web", "--max", "3", "--", "echo", "served"),
    ("--max", "3", "web", "-q", "echo", "served"),
    ("--max", "3", "--", "web", "--", "echo", "served"),
    ("web", "--max", "3", "echo", "served")])
def test_options_stand_on_both_sides_of_the_name(mux, words):
    """And what follows the program is the program's."""
    mux.offer(*words)
    proc.wait_until(lambda: callers.is_served(mux.address, "web"), "web")
    with call(mux.address, "web") as sock:
        assert server.read_all(sock) == OK + b"served\n"


def test_a_host_that_is_none(folder):
    """--to: status 68, as of tcpmux."""
    with contextlib.closing(offers.Mux.alone(folder)) as mux:
        status, said = mux.offer("--to", "none.invalid:1", "it").ended()
        assert status == 68
        assert said.startswith("tcpmux-offer: it: --to none.invalid:1: ")


def test_an_ignored_hangup_stays_ignored(mux):
    """As under nohup(1)."""
    offer = mux.offered("web", "--", need("true"), preexec_fn=lambda:
                        signal.signal(signal.SIGHUP, signal.SIG_IGN))
    blocked = int(proc.status(offer.pid)["SigBlk"], 16)
    assert not blocked >> (signal.SIGHUP - 1) & 1
    assert blocked >> (signal.SIGTERM - 1) & 1
    offer.process.send_signal(signal.SIGHUP)
    assert callers.is_served(mux.address, "web")


def test_every_option_is_in_the_manual_and_in_the_summary():
    """And in the completion of each shell."""
    top = pathlib.Path(__file__).parent.parent
    manual = (top / "man/tcpmux-offer.1").read_text("ascii")
    summary = subprocess.run([offers.OFFER, "--help"], check=True,
                             stdout=subprocess.PIPE).stdout.decode()
    for name in ("control", "help", "hidden", "max", "port", "replace",
                 "share", "to", "version", "wait", "wrap"):
        assert f".It Fl -{name}" in manual and f"--{name}" in summary
        for shell in ("tcpmux-offer.bash", "_tcpmux-offer",
                      "tcpmux-offer.fish"):
            text = (top / "contrib/completion" / shell).read_text("ascii")
            assert name in text, (shell, name)


def test_help_and_version():
    """On standard output, and status 0."""
    for option in ("--help", "--version"):
        heard = subprocess.run([offers.OFFER, option], check=True,
                               stdout=subprocess.PIPE).stdout
        assert b"tcpmux-offer" in heard
