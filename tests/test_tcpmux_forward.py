"""tcpmux -L: local clients, each connected to a name elsewhere."""

import concurrent.futures
import contextlib
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import threading

import pytest

import callers
import client
import doors
import proc
import server
from callers import converse, digest, many_bytes
from client import Forwarding, Stub, assert_fails, where
from services import OK, need


@pytest.fixture
def address(host, tcpmuxd):
    """A tcpmuxd with echo and farewell."""
    return tcpmuxd(conf=host.echo("relay-tcp") + host.farewell("relay-tcp")
                   ).addresses[0]


def connect(port):
    """A client of the forwarder."""
    return server.connect(("127.0.0.1", port))


def expect_reset(port):
    """A client that comes to nothing, perhaps while it connects."""
    with pytest.raises(ConnectionResetError), connect(port) as sock:
        sock.recv(1)


def test_a_port_of_the_kernels_choice(address):
    """On 127.0.0.1 and ::1, the same of both; SIGTERM ends it with 0."""
    with Forwarding("-L", "0:echo", where(address)) as forwarding:
        port = forwarding.wait_listening(2).ports["echo"]
        for host in ("127.0.0.1", "::1"):
            with server.connect((host, port)) as sock:
                assert converse(sock, b"hello") == b"hello"
        assert forwarding.stop() == 0
        assert len(forwarding.said) == 2


@pytest.mark.parametrize("bind, sockets", [
    ("127.0.0.1", 1), ("[::1]", 1), ("localhost", 2), ("*", 2)])
def test_where_it_listens(address, bind, sockets):
    """BIND: an address, or all."""
    with Forwarding("-L", f"{bind}:0:echo", where(address)) as forwarding:
        port = forwarding.wait_listening(sockets).ports["echo"]
        host = "::1" if bind == "[::1]" else "127.0.0.1"
        with server.connect((host, port)) as sock:
            assert converse(sock, b"hello") == b"hello"
        assert forwarding.stop() == 0


def test_64_mib_there_and_back(address):
    """And the end goes last; half-closed both ways, rule 31."""
    data = many_bytes()
    with Forwarding("-L", "0:echo", where(address)) as forwarding:
        with connect(forwarding.wait_listening(2).ports["echo"]) as sock:
            assert digest(converse(sock, data)) == digest(data)


def test_the_service_ends_first(host, address):
    """What the client sends behind that is still heard."""
    data = many_bytes()
    with Forwarding("-L", "0:farewell", where(address)) as forwarding:
        with connect(forwarding.wait_listening(2).ports["farewell"]) as sock:
            assert converse(sock, data) == b"bye\n"
        assert host.mailbox.get(timeout=proc.PATIENCE) == \
            digest(data).encode()


def test_many_clients_at_a_time(address):
    """50 clients, each with a megabyte of its own, and one that waits."""
    data = many_bytes()

    def talk(i):
        mine = data[i << 20:(i + 1) << 20]
        with connect(port) as sock:
            together.wait(proc.PATIENCE)
            return digest(converse(sock, mine)) == digest(mine)

    together = threading.Barrier(50)
    with Forwarding("-L", "0:echo", where(address)) as forwarding:
        port = forwarding.wait_listening(2).ports["echo"]
        with connect(port) as idle, \
                concurrent.futures.ThreadPoolExecutor(50) as pool:
            assert all(pool.map(talk, range(50)))
            assert converse(idle, b"still here") == b"still here"


def test_descriptors_come_back(address):
    """Whatever becomes of a client."""
    with Forwarding("-L", "0:echo", "-L", "0:none", where(address)
                    ) as forwarding:
        ports = forwarding.wait_listening(4).ports
        before = len(proc.fds(forwarding.process.pid))
        for i in range(20):
            with connect(ports["echo"]) as sock:
                sock.sendall(b"x")
                if i % 2:
                    assert sock.recv(1) == b"x"
            with contextlib.suppress(ConnectionResetError), \
                    connect(ports["none"]) as sock:
                sock.recv(1)
        proc.wait_until(
            lambda: len(proc.fds(forwarding.process.pid)) == before,
            "its descriptors to be as they were")


def test_a_refused_client_is_reset(address):
    """And a line on standard error says why; the others go on."""
    with Forwarding("-L", "0:none", "-L", "0:echo", where(address)
                    ) as forwarding:
        ports = forwarding.wait_listening(4).ports
        with connect(ports["echo"]) as good:
            expect_reset(ports["none"])
            assert "refuses none, and says -No such service" in \
                forwarding.wait_line()
            assert converse(good, b"hello") == b"hello"


def test_a_server_that_comes_later():
    """Each client has a call of its own: unreachable today is no verdict."""
    port = doors.free_port()
    with Forwarding("-L", "0:x", f"127.0.0.1:{port}") as forwarding:
        ours = forwarding.wait_listening(2).ports["x"]
        expect_reset(ours)
        assert "cannot be reached" in forwarding.wait_line()
        with socket.create_server(("127.0.0.1", port)) as listener, \
                connect(ours) as sock:
            with listener.accept()[0] as mux:
                assert client.read_request(mux) == "x"
                mux.sendall(OK + b"late")
            assert server.read_all(sock) == b"late"


def test_a_silent_server_holds_up_nobody():
    """The calls go on side by side; -w ends the one that is not answered."""
    with Stub(end="stay") as silent:
        with Forwarding("-w", "0.5", "-L", "0:x", where(silent.address)
                        ) as forwarding:
            port = forwarding.wait_listening(2).ports["x"]
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                list(pool.map(expect_reset, (port, port)))
            assert "in time" in forwarding.wait_line()
            assert "in time" in forwarding.wait_line()


def test_a_cut_stream_does_not_look_whole():
    """T16: a reset stays one, in both directions."""
    def rest(sock):
        sock.sendall(b"half")
        sock.recv(1)

    with Stub(OK, serve=rest, end="reset") as stub, \
            Forwarding("-L", "0:x", where(stub.address)) as forwarding:
        with connect(forwarding.wait_listening(2).ports["x"]) as sock:
            assert callers.read_exactly(sock, 4) == b"half"
            sock.sendall(b"x")
            with pytest.raises(ConnectionResetError):
                sock.recv(1)


def test_a_client_that_is_cut(host):
    """T16: the service sees that it was."""
    def rest(sock):
        sock.sendall(b"go")
        with pytest.raises(ConnectionResetError):
            server.read_all(sock)
        host.mailbox.put("reset")

    with Stub(OK, serve=rest) as stub, \
            Forwarding("-L", "0:x", where(stub.address)) as forwarding:
        sock = connect(forwarding.wait_listening(2).ports["x"])
        assert callers.read_exactly(sock, 2) == b"go"
        callers.reset(sock)
        assert host.mailbox.get(timeout=proc.PATIENCE) == "reset"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM,
                                    signal.SIGHUP])
def test_a_signal_ends_it(address, host, number):
    """With status 0; conversations are reset, and no path is left."""
    path = host.path("here")
    with Forwarding("-L", "0:echo", "-L", f"unix:{path}:echo", where(address)
                    ) as forwarding:
        with connect(forwarding.wait_listening(3).ports["echo"]) as sock:
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"
            forwarding.process.send_signal(number)
            assert forwarding.wait() == 0
            with pytest.raises(ConnectionResetError):
                sock.recv(1)
    assert not os.path.exists(path)


def test_a_path(address, host):
    """unix:PATH:NAME, which is its owner's alone; a stale one is replaced."""
    path = host.path("here")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    with Forwarding("-L", f"unix:{path}:echo", where(address)) as forwarding:
        forwarding.wait_listening(1)
        assert os.stat(path).st_mode & 0o777 == 0o600
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)
            data = many_bytes()
            assert digest(converse(sock, data)) == digest(data)
        assert_fails(73, "-L", f"unix:{path}:echo", where(address),
                     says="in use")
        assert os.path.exists(path)
    pathlib.Path(path).write_text("precious", "ascii")
    assert_fails(73, "-L", f"unix:{path}:echo", where(address), says=path)
    assert pathlib.Path(path).read_text("ascii") == "precious"


def test_a_port_that_is_taken(address):
    """Exit status 73."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_fails(73, "-L", f"127.0.0.1:{port}:echo", where(address),
                     says=f"port {port}")


def test_multiplexers_on_the_way(address):
    """Names behind the host lead to the one of -L."""
    with Forwarding("-L", "0:echo", where(address), "tcpmux", "TCPMUX"
                    ) as forwarding:
        with connect(forwarding.wait_listening(2).ports["echo"]) as sock:
            assert converse(sock, b"hello") == b"hello"


def test_out_of_descriptors(address):
    """Clients wait, or are dropped with a line; then all is well again."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))

    with Forwarding("-L", "0:echo", where(address), preexec_fn=limit
                    ) as forwarding:
        port = forwarding.wait_listening(2).ports["echo"]
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                with contextlib.suppress(ConnectionResetError):     # dropped
                    stack.enter_context(connect(port))
            assert "Too many open files" in forwarding.wait_line()

        def is_served():
            with contextlib.suppress(OSError), connect(port) as sock:
                return converse(sock, b"hello") == b"hello"

        proc.wait_until(is_served, "a client to be served")


def test_curl(host, tcpmuxd):
    """A web server behind a name, and curl in front of a port."""
    curl = need("curl")
    site = pathlib.Path(host.path("site"))
    site.mkdir()
    data = many_bytes()
    (site / "big").write_bytes(data)
    web = host.program(sys.executable, "-u", "-m", "http.server", "0",
                       "--bind", "127.0.0.1", "--directory", str(site),
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with web.stdout:
        port = int(web.stdout.readline().split(b" port ")[1].split()[0])
    mux = tcpmuxd(conf=host.service("www", f'relay = "127.0.0.1:{port}"')
                  ).addresses[0]
    path = host.path("www.sock")
    with Forwarding("-L", "0:www", "-L", f"unix:{path}:www", where(mux)
                    ) as forwarding:
        port = forwarding.wait_listening(3).ports["www"]
        for words in ([], ["--unix-socket", path]):
            heard = subprocess.run(
                [curl, "-sSf", *words, f"http://localhost:{port}/big"],
                stdout=subprocess.PIPE, check=True).stdout
            assert digest(heard) == digest(data)


def test_redis_cli(host, tcpmuxd):
    """redis-cli at a port, with its server at a path."""
    path = host.path("redis.sock")
    host.program(need("redis-server"), "--port", "0", "--unixsocket", path,
                 "--unixsocketperm", "777", "--save", "", "--dir",
                 host.folder, stdout=subprocess.DEVNULL)
    mux = tcpmuxd(conf=host.service("db", f'relay = "unix:{path}"')
                  ).addresses[0]
    proc.wait_until(lambda: callers.is_served(mux, "db"), "redis")
    with Forwarding("-L", "0:db", where(mux)) as forwarding:
        port = forwarding.wait_listening(2).ports["db"]
        heard = subprocess.run(
            [need("redis-cli"), "-p", str(port), "--raw"], check=True,
            input=b"SET a b\nGET a\n", stdout=subprocess.PIPE).stdout
        assert heard == b"OK\nb\n"
