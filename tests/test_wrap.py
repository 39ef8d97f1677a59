"""tcpmux-offer --wrap: servers of others take the connections themselves."""

import contextlib
import os
import pathlib
import pwd
import re
import select
import shutil
import signal
import subprocess
import threading

import pytest

import callers
import doors
import offers
import proc
import server
import test_services
from callers import call, read_line
from client import Forwarder
from offers import get, python
from services import OK, need

HTTP_SERVERS = ("nginx", "nginx-reuseport", "node", "node-cluster",
                "node-cluster-shared", "haproxy")

QUEUE = 64              # connections in each of the two on the way


@pytest.fixture
def port():
    """A port that the servers believe to have."""
    return doors.free_port()


# Real servers

@pytest.mark.parametrize("kind", HTTP_SERVERS)
def test_a_web_server_sees_who_is_there(host, mux, port, kind):
    """The real address and port of the client; and no TCP port is open."""
    offer = mux.offered("--wrap", "web", "--",
                        *offers.servers(host, port)[kind]())
    for _ in range(20):
        body, where = get(mux.address, "web", "127.0.0.2")
        assert body.decode().split()[1:] == [where[0], str(where[1])]
    assert offer.listeners(port) == []
    assert offer.stop() == 0


def test_nginx_reloads(host, mux, port):
    """SIGHUP: new workers take what comes, and the port stays closed."""
    offer = mux.offered("--wrap", "web", "--", *offers.nginx(host, port))
    master, = proc.children(offer.pid)
    old = set(proc.wait_until(lambda: proc.children(master), "workers"))
    offer.process.send_signal(signal.SIGHUP)
    proc.wait_until(lambda: proc.children(master) and
                    not old & set(proc.children(master)), "new workers")
    for _ in range(5):
        assert get(mux.address, "web")[0].startswith(b"nginx ")
    assert offer.listeners(port) == []
    assert offer.stop(signal.SIGQUIT) == 0


def test_http_server_of_python(host, mux, port):
    """python3 -m http.server: 64 MiB, and its log names the client."""
    data = callers.many_bytes()
    pathlib.Path(host.path("big")).write_bytes(data)
    offer = mux.offered("--wrap", "web", "--", shutil.which("python3"), "-m",
                        "http.server", str(port), "-d", host.folder)
    with call(mux.address, "web", b"GET /big HTTP/1.0\r\n\r\n",
              source="127.0.0.2") as sock:
        assert read_line(sock) == OK
        body = server.read_all(sock).partition(b"\r\n\r\n")[2]
    assert callers.digest(body) == callers.digest(data)
    offer.wait_for(r'^127\.0\.0\.2 .*"GET /big HTTP/1.0" 200')
    assert offer.listeners(port) == []


def test_redis(host, mux, port):
    """redis-server: commands in one go, 64 MiB, and whom it sees."""
    mux.offered("--wrap", "db", "--", need("redis-server"), "--port",
                str(port), "--save", "", "--dir", host.folder,
                "--protected-mode", "no",
                stdout=subprocess.DEVNULL)
    data = callers.many_bytes()
    bulk = test_services.bulk
    with call(mux.address, "db", bulk(b"PING") + bulk(b"CLIENT", b"INFO"),
              source="127.0.0.2") as sock:
        where = "%s:%d" % sock.getsockname()
        assert read_line(sock) == OK
        heard = callers.converse(sock, bulk(b"QUIT"))
    assert heard.startswith(b"+PONG\r\n")
    assert f" addr={where} ".encode() in heard
    with call(mux.address, "db") as sock:
        heard = callers.converse(sock, bulk(b"SET", b"k", data) + bulk(
            b"GET", b"k") + bulk(b"QUIT"), end=False)
    assert callers.digest(heard) == callers.digest(
        OK + b"+OK\r\n$%d\r\n" % len(data) + data + b"\r\n+OK\r\n")


def test_postgresql(host, mux, port):
    """psql through a forwarder: a query, and a table in and out."""
    offers.need_open_build()    # PostgreSQL becomes another user
    base = test_services.Postgres(host)
    base.process.terminate()
    base.process.wait(proc.PATIENCE)
    offer = mux.offered("--wrap", "db", "--", *base.words(port))
    offer.wait_for("ready to accept connections")
    rows = "".join(f"{i:063d}\n" for i in range(1 << 16)).encode()
    with Forwarder(mux.address, "db") as forwarder:
        words = (need("psql"), "-X", "-q", "-t", "-A", "-h", "127.0.0.1", "-p",
                 str(forwarder.port), "-U", "tester", "-d", "postgres")
        run = test_services.run
        assert run(*words, "-c", "select 6*7, inet_client_addr()") == \
            b"42|127.0.0.1\n"
        run(*words, "-c", "create unlogged table t (x text)", "-c",
            "copy t from stdin", input=rows)
        assert run(*words, "-c", "copy t to stdout") == rows
    assert offer.listeners(port) == []


@pytest.mark.usefixtures("empty_folder_of_sshd")
def test_sshd(host, mux, port):
    """sshd: a session, which gets nothing of the library; and 64 MiB."""
    test_services.ssh_keys(host)
    user = pwd.getpwuid(os.getuid()).pw_name
    offer = mux.offered(
        "--wrap", "ssh", "--", need("sshd"), "-D", "-e", "-f",
        host.path("sshd_config"), "-p", str(port))
    test_services.assert_ssh_works(host, mux.address, "ssh", user)
    heard = test_services.ssh(host, mux.address, "ssh", user,
                              "env; ls -l /proc/self/fd")
    assert b"TCPMUX" not in heard and b"LD_PRELOAD" not in heard
    assert b"socket:" not in heard
    assert offer.listeners(port) == []


@pytest.mark.parametrize("kind", ("memcached", "lighttpd", "socat"))
def test_other_servers(host, mux, port, kind):
    """memcached with its threads, lighttpd, socat with a child for each."""
    pathlib.Path(host.path("page.html")).write_text("a page", "ascii")
    words, request, answer = {
        "memcached": lambda: (
            (need("memcached"), "-u", pwd.getpwuid(os.getuid()).pw_name,
             "-U", "0", "-p", str(port)), b"version\r\n", b"VERSION "),
        "lighttpd": lambda: (
            (need("lighttpd"), "-D", "-f", offers.write(
                host, "lighttpd.conf",
                f'server.document-root = "{host.folder}"\n'
                f"server.port = {port}\n")),
            b"GET /page.html HTTP/1.0\r\n\r\n", b"HTTP/1.0 200"),
        "socat": lambda: (
            (need("socat"), f"TCP-LISTEN:{port},fork,reuseaddr", "EXEC:cat"),
            b"hello", b"hello"),
    }[kind]()
    offer = mux.offered("--wrap", "it", "--", *words)
    for _ in range(5):
        with call(mux.address, "it", request) as sock:
            assert read_line(sock) == OK
            assert callers.read_exactly(sock, len(answer)) == answer
    assert offer.listeners(port) == []
    assert offer.stop() == 0


# What the server is led to believe

LOOK = """\
import socket, sys
lone = socket.create_server(("127.0.0.1", 0))
lone.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
sock = socket.socket()
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
sock.bind(("127.0.0.1", int(sys.argv[1])))
sock.listen(5)
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
sock.listen(7)
try:
    sock.getpeername()
except OSError as error:
    peer = error.errno
conn, where = sock.accept()
with conn:
    answer = repr((
        sock.getsockname(), peer,
        [sock.getsockopt(socket.SOL_SOCKET, option) for option in (
            socket.SO_ACCEPTCONN, socket.SO_TYPE, socket.SO_DOMAIN,
            socket.SO_PROTOCOL)],
        where, conn.getpeername() == where, conn.getblocking(),
        conn.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
        lone.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)))
    conn.sendall(answer.encode())
"""


def test_the_socket_looks_like_one_that_listens(host, mux, port):
    """Its own address, its options, no peer; options are inherited."""
    mux.offered("--wrap", "--port", str(port), "it", "--",
                *python(host, "look.py", LOOK), str(port))
    with call(mux.address, "it", source="127.0.0.2") as sock:
        where = sock.getsockname()
        assert read_line(sock) == OK
        heard = server.read_all(sock).decode()
    assert heard == repr((
        ("127.0.0.1", port), 107, [1, 1, 2, 6], where, True, True, 1, 1))


def test_the_client_that_a_proxy_names(host, folder, tcpmuxd):
    """accept() tells whom the PROXY header names."""
    listener = """listen "127.0.0.1" {
        port = 0 proxy = require trust = {"127.0.0.0/8"}
    }
    """
    with contextlib.closing(offers.Mux(folder, tcpmuxd, listener)) as mux:
        mux.offer("--wrap", "it", "--", *python(
            host, "who.py", "import socket\n"
            "sock = socket.create_server(('127.0.0.1', 0))\n"
            "while True:\n"
            "    conn, where = sock.accept()\n"
            "    conn.sendall(repr(where).encode())\n"
            "    conn.close()\n"))

        def heard():
            return server.ask(mux.address, b"PROXY TCP4 192.0.2.7 192.0.2.1 "
                              b"4711 1\r\nit\r\n")

        proc.wait_until(lambda: heard().startswith(b"+"), "the offer")
        assert heard() == OK + b"('192.0.2.7', 4711)"


def test_a_client_of_ipv6_at_a_server_of_ipv4(host, folder, tcpmuxd):
    """Its address has no room there: 0.0.0.0, and not one that is no one's."""
    listener = 'listen "::1" { port = 0 }\n'
    with contextlib.closing(offers.Mux(folder, tcpmuxd, listener)) as mux:
        offer = mux.offered(
            "--wrap", "web", "--", shutil.which("python3"), "-m",
            "http.server", "0", "--bind", "127.0.0.1", "-d", host.folder)
        with server.connect(mux.address) as sock:
            sock.sendall(b"web\r\nGET / HTTP/1.0\r\n\r\n")
            assert server.read_all(sock).startswith(OK)
        offer.wait_for(r'^0\.0\.0\.0 .*"GET / HTTP/1.0" 200')


POLLED = """\
import select, socket, sys
sock = socket.socket()
sock.setblocking(False)
sock.bind(("127.0.0.1", 0))
how = sys.argv[1]
if how.startswith("epoll"):
    poll = select.epoll()
    if how == "epoll-before":
        poll.register(sock, select.EPOLLIN)
    sock.listen()
    if how != "epoll-before":
        edge = select.EPOLLET if how == "epoll-edge" else 0
        poll.register(sock, select.EPOLLIN | edge)
elif how == "poll":
    sock.listen()
    poll = select.poll()
    poll.register(sock, select.POLLIN)
else:
    sock.listen()
while True:
    if how == "select":
        select.select([sock], [], [])
    else:
        poll.poll()
    while True:
        try:
            conn = sock.accept()[0]
        except BlockingIOError:
            break
        with conn:
            conn.setblocking(True)
            conn.sendall(b"done")
"""


@pytest.mark.parametrize(
    "how", ("epoll", "epoll-edge", "epoll-before", "poll", "select"))
def test_every_way_to_wait(host, mux, how):
    """As the server listens natively, it waits natively."""
    mux.offered("--wrap", "it", "--", *python(host, "poll.py", POLLED), how)
    for _ in range(3):
        assert server.ask(mux.address, b"it\r\n") == OK + b"done"


WORKERS = """\
import os, socket, sys
sock = socket.create_server(("127.0.0.1", 0))
for i in range(3):
    if os.fork() == 0:
        break
else:
    while True:
        os.wait()
while True:
    with sock.accept()[0] as conn:
        conn.sendall(b"%d\\n" % os.getpid())
        conn.recv(1)
"""


def test_workers_share_what_comes(host, mux):
    """Forked behind listen: each that is idle takes the next."""
    mux.offered("--wrap", "it", "--", *python(host, "workers.py", WORKERS))
    socks = [call(mux.address, "it") for _ in range(3)]
    heard = [callers.read_exactly(sock, len(OK)) + read_line(sock)
             for sock in socks]
    for sock in socks:
        sock.close()
    assert all(text.startswith(OK) for text in heard)
    assert len(set(heard)) == 3


TWO_PORTS = """\
import select, socket, sys
socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
sys.stderr.write("ports %d %d\\n" % tuple(s.getsockname()[1] for s in socks))
while True:
    for sock in select.select(socks, [], [])[0]:
        with sock.accept()[0] as conn:
            conn.sendall(b"%d" % socks.index(sock))
"""


def test_the_first_port_is_taken_and_no_other(host, mux):
    """The second one listens as ever."""
    offer = mux.offer("--wrap", "it", "--", *python(host, "two.py", TWO_PORTS))
    match = offer.wait_for(r"ports (\d+) (\d+)")
    proc.wait_until(lambda: callers.is_served(mux.address, "it"), "the offer")
    assert server.ask(mux.address, b"it\r\n") == OK + b"0"
    with server.connect(("127.0.0.1", int(match[2]))) as sock:
        assert server.read_all(sock) == b"1"
    with pytest.raises(ConnectionRefusedError):
        server.connect(("127.0.0.1", int(match[1])))


def test_the_port_that_was_chosen_is_taken(host, mux, port):
    """--port: the first one listens as ever."""
    text = TWO_PORTS.replace(
        "[socket.create_server((\"127.0.0.1\", 0)) for _ in range(2)]",
        f'[socket.create_server(("127.0.0.1", p)) for p in (0, {port})]')
    offer = mux.offer("--wrap", "--port", str(port), "it", "--",
                      *python(host, "two.py", text))
    match = offer.wait_for(r"ports (\d+) (\d+)")
    proc.wait_until(lambda: callers.is_served(mux.address, "it"), "the offer")
    assert server.ask(mux.address, b"it\r\n") == OK + b"1"
    with server.connect(("127.0.0.1", int(match[1]))) as sock:
        assert server.read_all(sock) == b"0"


FULL = """\
import os, resource, socket, sys
sock = socket.create_server(("127.0.0.1", 0))
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
while True:
    held = []
    while True:
        try:
            held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            break
    try:
        sock.accept()
        sys.exit("accept() worked without a descriptor")
    except OSError as error:
        assert error.errno == 24, error
    for fd in held:
        os.close(fd)
    with sock.accept()[0] as conn:
        conn.sendall(b"done")
"""


def test_a_server_out_of_descriptors_loses_no_connection(host, mux):
    """EMFILE leaves the connection where it is, as accept() always did."""
    mux.offered("--wrap", "it", "--", *python(host, "full.py", FULL))
    for _ in range(3):
        assert server.ask(mux.address, b"it\r\n") == OK + b"done"


STUCK = """\
import socket, sys
sock = socket.create_server(("127.0.0.1", 0))
sys.stdin.read(1)
while True:
    with sock.accept()[0] as conn:
        conn.sendall(b"done")
"""


def test_a_server_that_does_not_take_is_busy(host, mux):
    """Its queue is bounded, and then the daemon says -busy; it heals."""
    reader, writer = os.pipe()
    with open(reader, "rb") as stdin, open(writer, "wb") as wake:
        mux.offered("--wrap", "it", "--",
                    *python(host, "stuck.py", STUCK), stdin=stdin)
        socks = [call(mux.address, "it") for _ in range(4 * QUEUE)]
        assert select.select(socks, [], [], proc.PATIENCE)[0]
        wake.write(b"x")
    heard = []
    for sock in socks:
        with sock:
            heard.append(server.read_all(sock))
    assert set(heard) == {OK + b"done", heard[-1]}
    assert heard[-1].startswith(b"-busy")
    assert QUEUE <= heard.count(OK + b"done") <= 3 * QUEUE
    assert server.ask(mux.address, b"it\r\n") == OK + b"done"


def test_a_client_that_has_gone_is_skipped(host, mux):
    """Reset before it was taken: the server never sees it."""
    reader, writer = os.pipe()
    with open(reader, "rb") as stdin, open(writer, "wb") as wake:
        offer = mux.offered("--wrap", "it", "--",
                            *python(host, "stuck.py", STUCK), stdin=stdin)
        for _ in range(3):
            callers.reset(call(mux.address, "it"))
        with call(mux.address, "it") as sock:
            wake.write(b"x")
            wake.flush()
            assert server.read_all(sock) == OK + b"done"
    assert "Traceback" not in "".join(offer.said)


# The end

def test_kill_of_the_server_during_hand_over(host, mux):
    """Clients see the end, a reset or -, and never another service."""
    offer = mux.offered("--wrap", "it", "--",
                        *python(host, "workers.py", WORKERS))
    heard = []

    def ask():
        try:
            with call(mux.address, "it", b"x") as sock:
                heard.append(server.read_all(sock))
        except ConnectionError:
            heard.append(b"")

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for i, thread in enumerate(threads):
        thread.start()
        if i == 20:
            for pid in offer.tree():
                offers.kill(pid)
    for thread in threads:
        thread.join(proc.PATIENCE)
    status, said = offer.ended()
    assert status == 128 + 9 and "the server has ended" in said
    assert len(heard) == len(threads)
    for text in heard:
        assert re.fullmatch(rb"(\+OK FINE\r\n(\d+\n)?)?|-[^\r\n]*\r\n", text)
    assert callers.reply(mux.address, "it").startswith(b"-")


def test_the_end_of_the_server_is_our_end(host, mux):
    """Its exit status is ours, and the name is withdrawn."""
    offer = mux.offered("--wrap", "it", "--", *python(
        host, "one.py", "import socket, sys\n"
        "socket.create_server(('127.0.0.1', 0)).accept()\nsys.exit(7)\n"))
    with call(mux.address, "it") as sock:
        assert server.read_all(sock) == OK
    assert offer.ended()[0] == 7
    assert callers.reply(mux.address, "it").startswith(b"-")


def test_a_server_may_go_into_the_background(host, mux):
    """The process that was started ends; those it leaves behind serve."""
    text = "import os\nif os.fork(): os._exit(0)\n" + WORKERS
    offer = mux.offered("--wrap", "it", "--",
                        *python(host, "daemon.py", text))
    with call(mux.address, "it", b"x") as sock:
        assert server.read_all(sock).startswith(OK)
    assert offer.stop() == 0
    assert offer.tree() == []


def test_the_server_does_not_outlive_us(host, mux):
    """Killed hard, we take the server with us: nobody could reach it."""
    offer = mux.offered("--wrap", "it", "--", *python(
        host, "one.py", "import socket\n"
        "socket.create_server(('127.0.0.1', 0)).accept()\n"))
    pid, = offer.tree()
    offer.process.kill()
    offer.wait()
    proc.wait_gone(pid)
    assert callers.reply(mux.address, "it").startswith(b"-")


def test_the_servers_signals_reach_it(host, mux):
    """SIGHUP and SIGUSR1 are passed on, and do not end the offer."""
    text = ("import os, signal, socket, sys\n"
            "def say(number, frame):\n"
            "    os.write(2, b'signal %d\\n' % number)\n"
            "signal.signal(signal.SIGHUP, say)\n"
            "signal.signal(signal.SIGUSR1, say)\n" + STUCK.replace(
                "sys.stdin.read(1)\n", ""))
    offer = mux.offered("--wrap", "it", "--", *python(host, "hup.py", text))
    offer.process.send_signal(signal.SIGHUP)
    offer.wait_for(f"^signal {signal.SIGHUP:d}$")
    offer.process.send_signal(signal.SIGUSR1)
    offer.wait_for(f"^signal {signal.SIGUSR1:d}$")
    assert server.ask(mux.address, b"it\r\n") == OK + b"done"


# What cannot be wrapped

RAW = """\
#include <netinet/in.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	syscall(SYS_bind, fd, &in, sizeof(in));
	syscall(SYS_listen, fd, 5);
	for (;;)
		pause();
}
"""


def compiled(host, *options):
    """A program that makes its system calls itself."""
    source = offers.write(host, "raw.c", RAW)
    program = host.path("raw")
    done = subprocess.run([need("gcc"), *options, "-o", program, source],
                          check=False, stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        pytest.skip(f"the compiler cannot do {options}")
    return program


def test_a_static_program_is_refused(host, mux):
    """Before it is started, with a sentence."""
    status, said = mux.offer("--wrap", "it", "--",
                             compiled(host, "-static")).ended()
    assert status == 71
    assert "cannot be wrapped: it is linked statically" in said


def test_a_program_of_another_c_library_is_refused(host, mux):
    """The library could not be loaded into it."""
    program = host.path("musl")
    subprocess.run([need("musl-gcc"), "-o", program,
                    offers.write(host, "raw.c", RAW)], check=True)
    status, said = mux.offer("--wrap", "it", "--", program).ended()
    assert status == 71
    assert "linked with another C library" in said


def test_a_script_of_a_static_program_is_refused(host, mux):
    """It is the interpreter that counts."""
    path = offers.write(host, "script", f"#!{compiled(host, '-static')}\n")
    os.chmod(path, 0o755)
    status, said = mux.offer("--wrap", "it", "--", path).ended()
    assert status == 71
    assert "cannot be wrapped: it is linked statically" in said


def test_a_program_of_raw_system_calls_is_found_out(host, mux):
    """It listens, and the library was not asked: said, and ended."""
    offer = mux.offer("--wrap", "it", "--", compiled(host))
    status, said = offer.ended()
    assert status == 71
    assert re.search(r"cannot be wrapped: it listens on port \d+ without the "
                     "C library", said)


IO_URING = """\
import ctypes, signal, socket, sys
sock = socket.create_server(("127.0.0.1", 0))
if ctypes.CDLL(None).syscall(425, 8, ctypes.create_string_buffer(256)) < 0:
    sys.exit("no io_uring here")
sys.stderr.write("it has one\\n")
signal.pause()
"""


def test_a_server_of_io_uring_is_found_out(host, mux):
    """When it does not take its connections, we say what it has."""
    offer = mux.offer("--wrap", "it", "--", *python(
        host, "uring.py", IO_URING))
    if offer.wait_for("no io_uring here|it has one")[0] != "it has one":
        pytest.skip("the kernel has no io_uring for us")
    proc.wait_until(lambda: b"it\r\n" in server.ask(
        mux.address, b"HELP\r\n"), "the offer")
    with call(mux.address, "it"):
        offer.wait_for("does not take its connections: it uses io_uring")


TLS = """\
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
sock = socket.create_server(("127.0.0.1", 0))
with context.wrap_socket(sock, server_side=True) as sock:
    while True:
        try:
            sock.accept()
        except ssl.SSLError as error:
            sys.stderr.write("a client of no TLS\\n")
"""


def test_tls_of_python_listens(host, mux):
    """It tries to read from what it listens on, to know what it is."""
    offer = mux.offered("--wrap", "it", "--", *python(host, "tls.py", TLS))
    for _ in range(3):
        with call(mux.address, "it", b"no TLS\r\n") as sock:
            assert read_line(sock) == OK
            offer.wait_for("a client of no TLS")


def test_a_set_user_id_program_is_refused(host, mux):
    """The loader would ignore the library."""
    path = host.path("other")
    shutil.copy(need("sleep"), path)
    if os.getuid() != 0:
        pytest.skip("only root can make it somebody else's")
    os.chown(path, 65534, 65534)
    os.chmod(path, 0o4755)
    status, said = mux.offer("--wrap", "it", "--", path, "1").ended()
    assert status == 71
    assert "cannot be wrapped: it runs with other rights" in said


def test_a_program_that_is_not_there(mux):
    """Said at once."""
    status, said = mux.offer("--wrap", "it", "--", "/no/such/server").ended()
    assert status == 64
    assert "/no/such/server: No such file or directory" in said
