"""Relaying: connections to back ends, and the services without a program."""

import contextlib
import errno
import hashlib
import os
import re
import signal
import socket
import struct
import threading

import pytest

import proc
from callers import reset
from server import connect, read_all

BIG = 64 << 20
OK = b"+OK FINE\r\n"


class BackEnd:
    """A listening socket that a test answers by hand."""

    def __init__(self, path=None):
        if path is None:
            self.socket = socket.create_server(("127.0.0.1", 0))
            self.text = f"127.0.0.1:{self.socket.getsockname()[1]}"
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(path)
            os.chmod(path, 0o666)     # for the daemon's own user
            self.socket.listen()
            self.text = f"unix:{path}"
        self.socket.settimeout(proc.PATIENCE)

    def accept(self):
        """The connection that the relay has made."""
        sock = self.socket.accept()[0]
        sock.settimeout(proc.PATIENCE)
        return sock

    def close(self):
        """Listen no more."""
        self.socket.close()


@pytest.fixture
def back_end():
    """A back end of TCP."""
    with contextlib.closing(BackEnd()) as one:
        yield one


@pytest.fixture
def closed_port():
    """An address where nobody listens, and nobody else will."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{sock.getsockname()[1]}"


@pytest.fixture
def serve(tcpmuxd):
    """Start tcpmuxd with services: name to what is configured of it."""
    def start(top="", **services):
        return tcpmuxd(conf=top + "\n" + "".join(
            f'service "{name}" {{\n{body}\n}}\n'
            for name, body in services.items()))
    return start


def relay_of(server):
    """The process that relays."""
    return proc.wait_until(
        lambda: [pid for pid in proc.children(server.pid)
                 if proc.read(pid, "comm") == "tcpmuxd-relay\n"],
        "a relay")[0]


def logged(server, name):
    """The log line of the next finished connection to a service, as a dict."""
    while True:
        line = server.wait_line()
        assert line is not None
        found = dict(re.findall(r"([a-z]+)=(\S+)", line))
        if found.get("name") == name:
            return found


def ask_for(server, name, first=b""):
    """A connection that has asked for a service, with bytes behind it."""
    sock = connect(server.addresses[0])
    sock.sendall(name + b"\r\n" + first)
    return sock


def read_exactly(sock, size):
    """So many bytes."""
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        assert more, f"ended behind {data!r}"
        data += more
    return data


def begin(server, back_end, name=b"it"):
    """A conversation, from both sides."""
    client = ask_for(server, name)
    assert read_exactly(client, len(OK)) == OK
    return client, back_end.accept()


def assert_reset(sock):
    """It ends, and not by a FIN."""
    with pytest.raises(ConnectionResetError):
        while sock.recv(65536):
            pass


def send_stream(sock, size, seed):
    """Send bytes that are easily told, then FIN; return their digest."""
    digest = hashlib.sha256()
    block = hashlib.shake_256(seed).digest(1 << 20)
    for _ in range(size >> 20):
        digest.update(block)
        sock.sendall(block)
        block = block[1:] + block[:1]
    sock.shutdown(socket.SHUT_WR)
    return digest.hexdigest()


def digest_stream(sock):
    """Read up to the FIN; return the digest."""
    digest = hashlib.sha256()
    while data := sock.recv(1 << 20):
        digest.update(data)
    return digest.hexdigest()


def in_threads(*calls):
    """Call all at once, and return what they return."""
    results = [None] * len(calls)

    def run(i):
        results[i] = calls[i][0](*calls[i][1:])

    threads = [threading.Thread(target=run, args=(i,))
               for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_28_ok_is_said_once_the_back_end_has_answered(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"')
    client, other = begin(server, back_end)
    with client, other:
        client.sendall(b"hello")
        assert read_exactly(other, 5) == b"hello"
        other.sendall(b"good day")
        assert read_exactly(client, 8) == b"good day"


def test_20_bytes_behind_the_name_reach_the_back_end_first(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"')
    first = os.urandom(30000)
    with ask_for(server, b"it", first) as client, back_end.accept() as other:
        assert read_exactly(client, len(OK)) == OK
        client.sendall(b"more")
        assert read_exactly(other, 30004) == first + b"more"


def test_a_banner_of_the_back_end_comes_behind_ok(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"')
    with ask_for(server, b"it") as client, back_end.accept() as other:
        other.sendall(b"220 ready\r\n")
        assert read_exactly(client, 21) == OK + b"220 ready\r\n"


def test_31_a_client_that_has_ended_gets_the_whole_answer(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"')
    client, other = begin(server, back_end)
    with client, other:
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        assert read_all(other) == b"question"
        other.sendall(b"answer" * 1000)
        other.close()
        assert read_all(client) == b"answer" * 1000
    line = logged(server, "it")
    assert line["verdict"] == "served" and line["to"] == back_end.text
    assert (line["in"], line["out"]) == ("8", "6000")


def test_31_a_back_end_that_has_ended_gets_the_whole_rest(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"')
    client, other = begin(server, back_end)
    with client, other:
        other.sendall(b"all I say")
        other.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"all I say"
        client.sendall(b"rest" * 1000)
        client.close()
        assert read_all(other) == b"rest" * 1000
    assert logged(server, "it")["verdict"] == "served"


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_64_mib_each_way_at_once_arrive_whole(serve, folder, kind):
    path = None if kind == "tcp" else f"{folder}/back"
    with contextlib.closing(BackEnd(path)) as back_end:
        server = serve(it=f'relay = "{back_end.text}"')
        client, other = begin(server, back_end)
        with client, other:
            sent_up, sent_down, up, down = in_threads(
                (send_stream, client, BIG, b"up"),
                (send_stream, other, BIG, b"down"),
                (digest_stream, other), (digest_stream, client))
    assert (up, down) == (sent_up, sent_down)
    line = logged(server, "it")
    assert (line["in"], line["out"]) == (str(BIG), str(BIG))


def test_urgent_data_is_not_the_end(serve, back_end):
    """In front of it splice() says that nothing is left, in midstream."""
    server = serve(it=f'relay = "{back_end.text}"')
    block = bytes(range(128, 256)) * 8192

    def speak():
        for _ in range(4):
            other.sendall(block)
            other.send(b"!", socket.MSG_OOB)
        other.sendall(block)
        other.shutdown(socket.SHUT_WR)

    client, other = begin(server, back_end)
    with client, other:
        heard = in_threads((speak,), (read_all, client))[1]
    # One that is overtaken by the next is urgent no more, and arrives.
    assert heard.replace(b"!", b"") == block * 5


def test_a_slow_reader_slows_the_sender(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"')
    client, other = begin(server, back_end)
    with client, other:
        other.setblocking(False)
        sent = 0
        block = bytes(range(256)) * 256
        with pytest.raises(BlockingIOError):
            while sent < BIG:
                sent += other.send(block)
                # Blocked is whoever is so when all others rest.
                if sent % (1 << 20) == 0:
                    server.settle()
        server.settle()
        other.setblocking(True)
        other.shutdown(socket.SHUT_WR)
        client.sendall(b"the other way is free")
        assert read_exactly(other, 21) == b"the other way is free"
        got = 0
        while data := client.recv(1 << 20):
            start = got % 256
            want = (block[start:start + 256] * (len(data) // 256 + 1))
            assert data == want[:len(data)]
            got += len(data)
        assert got == sent


def test_without_a_back_end_the_client_is_refused(serve, closed_port):
    server = serve(it=f'relay = "{closed_port}"')
    with ask_for(server, b"it", b"early bytes") as client:
        assert read_all(client).startswith(b"-Service not running")
    line = logged(server, "it")
    assert (line["verdict"], line["reason"]) == ("failed", "down")


def test_the_next_back_end_takes_over(serve, back_end, closed_port, folder):
    server = serve(
        it=f'relay = {{"{closed_port}", "unix:{folder}/nobody", '
           f'"[::1]:1", "{back_end.text}"}}')
    client, other = begin(server, back_end)
    with client, other:
        client.sendall(b"x")
        assert read_exactly(other, 1) == b"x"
    assert logged(server, "it")["to"] == back_end.text


@pytest.fixture
def black_hole():
    """An address that does not answer: its queue is full."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(2):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            assert sock.connect_ex(address) == errno.EINPROGRESS
        yield f"127.0.0.1:{address[1]}"


def test_a_back_end_without_an_answer_is_left_for_the_next(
        serve, back_end, black_hole):
    server = serve(it=f'relay = {{"{black_hole}", "{back_end.text}"}}\n'
                      'connect-timeout = 250ms')
    client, other = begin(server, back_end)
    client.close()
    other.close()


def test_without_an_answer_the_client_is_refused(serve, black_hole):
    server = serve(it=f'relay = "{black_hole}"\nconnect-timeout = 250ms')
    with ask_for(server, b"it") as client:
        assert read_all(client).startswith(b"-Service not running")
    line = logged(server, "it")
    assert (line["verdict"], line["reason"]) == ("failed", "timeout")


def test_a_full_queue_of_a_unix_back_end_is_waited_for(serve, folder):
    with contextlib.closing(BackEnd(f"{folder}/back")) as back_end, \
            contextlib.ExitStack() as stack:
        back_end.socket.listen(0)
        server = serve(it=f'relay = "{back_end.text}"')
        clients = [stack.enter_context(ask_for(server, b"it"))
                   for _ in range(4)]
        for _ in clients:
            stack.enter_context(back_end.accept())
        for client in clients:
            assert read_exactly(client, len(OK)) == OK


def test_t16_a_reset_by_the_client_stays_one(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"')
    client, other = begin(server, back_end)
    with other:
        client.sendall(b"cut")
        assert read_exactly(other, 3) == b"cut"
        reset(client)
        assert_reset(other)
    line = logged(server, "it")
    assert (line["verdict"], line["reason"]) == ("failed", "reset")


def test_t16_a_reset_by_the_back_end_stays_one(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"')
    client, other = begin(server, back_end)
    with client:
        other.sendall(b"cut")
        assert read_exactly(client, 3) == b"cut"
        reset(other)
        assert_reset(client)


@pytest.mark.parametrize("first", ["client", "back end"])
def test_t16_a_reset_behind_an_end_stays_one(serve, back_end, first):
    server = serve(it=f'relay = "{back_end.text}"')
    ends = begin(server, back_end)
    one, two = ends if first == "client" else ends[::-1]
    with two:
        one.shutdown(socket.SHUT_WR)
        assert read_all(two) == b""
        two.sendall(b"x")
        assert read_exactly(one, 1) == b"x"
        reset(one)
        # Its end was a good one; that the rest is cut, the next byte tells.
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                two.sendall(b"y")
                server.settle()


def test_t16_a_reset_is_seen_while_the_other_does_not_read(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"')
    client, other = begin(server, back_end)
    with other:
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                client.send(bytes(65536))
                server.settle()
        reset(client)
        assert logged(server, "it")["reason"] == "reset"
        assert_reset(other)


@pytest.mark.parametrize("after", ["nothing", "bytes", "an end"])
def test_t16_t10_a_killed_relay_leaves_no_stream_that_looks_whole(
        serve, back_end, after):
    server = serve("relays = 1", it=f'relay = "{back_end.text}"\nmax = 1')
    client, other = begin(server, back_end)
    with client, other:
        if after != "nothing":
            other.sendall(b"half of it")
            assert read_exactly(client, 10) == b"half of it"
        if after == "an end":
            client.shutdown(socket.SHUT_WR)
            assert read_all(other) == b""
        killed = relay_of(server)
        os.kill(killed, signal.SIGKILL)
        assert_reset(client)
        if after != "an end":
            assert_reset(other)
    proc.wait_gone(killed)

    # Another takes its place, and what was counted is given back.
    def again():
        client = ask_for(server, b"it")
        if client.recv(1) == b"+":
            return client
        client.close()
        return None
    proc.wait_until(again, "another relay").close()


def test_the_end_of_the_daemon_resets_what_it_relays(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"')
    client, other = begin(server, back_end)
    with client, other:
        assert server.stop() == 0
        assert_reset(client)
        assert_reset(other)


def test_silence_ends_at_the_idle_timeout(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"\nidle-timeout = 1s')
    client, other = begin(server, back_end)
    with client, other:
        assert_reset(client)
        assert_reset(other)
    line = logged(server, "it")
    assert (line["verdict"], line["reason"]) == ("failed", "idle")
    assert int(line["ms"]) >= 1000


def test_bytes_put_the_idle_timeout_off(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"\nidle-timeout = 1s')
    client, other = begin(server, back_end)
    with client, other:
        client.settimeout(0.3)
        for _ in range(5):      # each 0.3 s
            other.sendall(b"x")
            assert read_exactly(client, 1) == b"x"
            with pytest.raises(TimeoutError):
                client.recv(1)
        client.settimeout(proc.PATIENCE)
        assert_reset(client)
    assert int(logged(server, "it")["ms"]) >= 2000


def test_one_side_alone_ends_at_the_half_closed_timeout(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"\nhalf-closed-timeout = 1s')
    client, other = begin(server, back_end)
    with client, other:
        client.shutdown(socket.SHUT_WR)
        assert read_all(other) == b""
        assert_reset(client)
    assert logged(server, "it")["reason"] == "half-closed"


def keepalive_timers(pid, port):
    """How many sockets with this port on either side wait to probe."""
    lines = proc.read(pid, "net/tcp").split("\n")[1:]
    fields = [line.split() for line in lines if line]
    return sum(f[5][:3] == "02:" for f in fields
               if f":{port:04X}" in (f[1][-5:], f[2][-5:]))


def test_t16_dead_peers_are_looked_for(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"\nkeep-alive = 1s')
    client, other = begin(server, back_end)
    with client, other:
        for port in (server.addresses[0][1], other.getsockname()[1]):
            proc.wait_until(lambda p=port: keepalive_timers(server.pid, p),
                            "a keep-alive timer")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_back_end_is_told_who_the_client_is(serve, back_end, version):
    server = serve(it=f'relay = "{back_end.text}"\nproxy = {version}')
    with ask_for(server, b"it", b"first") as client, \
            back_end.accept() as other:
        mine, its = client.getsockname()[1], client.getpeername()[1]
        if version == "v1":
            want = f"PROXY TCP4 127.0.0.1 127.0.0.1 {mine} {its}\r\n".encode()
        else:
            want = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + \
                b"\x7f\0\0\1" * 2 + struct.pack("!HH", mine, its)
        assert read_exactly(other, len(want) + 5) == want + b"first"


def test_a_unix_back_end_is_told_as_well(serve, folder):
    with contextlib.closing(BackEnd(f"{folder}/back")) as back_end:
        server = serve(it=f'relay = "{back_end.text}"\nproxy = v1')
        client, other = begin(server, back_end)
        with client, other:
            assert other.recv(100).startswith(b"PROXY TCP4 127.0.0.1 ")
            other.close()
            assert read_all(client) == b""


def test_a_name_is_as_good_as_an_address(serve, back_end):
    port = back_end.text.rpartition(":")[2]
    server = serve(it=f'relay = "localhost:{port}"',
                   no=f'relay = "no-such-host.invalid:{port}"')
    client, other = begin(server, back_end)
    client.close()
    other.close()
    with ask_for(server, b"no") as client:
        assert read_all(client).startswith(b"-Service not running")


def test_t4_a_service_that_is_full_refuses_and_heals(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"\nmax = 1')
    client, other = begin(server, back_end)
    with client, other:
        with ask_for(server, b"it") as second:
            assert read_all(second).startswith(b"-")
        assert logged(server, "it")["verdict"] == "refused"
        client.shutdown(socket.SHUT_WR)
        other.shutdown(socket.SHUT_WR)
        assert logged(server, "it")["verdict"] == "served"
    client, other = begin(server, back_end)
    client.close()
    other.close()


def test_t3_nothing_is_left_of_thousands_of_conversations(serve, back_end):
    server = serve("relays = 1", it=f'relay = "{back_end.text}"')
    relay = relay_of(server)

    def some(number):
        for i in range(number):
            client, other = begin(server, back_end)
            with client, other:
                client.sendall(bytes(i % 7 * 20000))
                if i % 3:
                    client.shutdown(socket.SHUT_WR)
                    while other.recv(65536):
                        pass
                else:
                    reset(client)
        server.settle()
        return len(proc.fds(relay)), proc.status(relay)["RssAnon"]

    before = some(200)
    assert some(3000) == before


def test_a_reload_lets_conversations_finish(serve, back_end):
    server = serve("relays = 1", it=f'relay = "{back_end.text}"')
    client, other = begin(server, back_end)
    old = relay_of(server)
    with client, other:
        os.kill(server.pid, signal.SIGHUP)
        proc.wait_until(lambda: any("generation 2" in line
                                    for line in server.said), "a reload")
        client.sendall(b"still")
        assert read_exactly(other, 5) == b"still"
        other.sendall(b"here")
        assert read_exactly(client, 4) == b"here"
        again, another = begin(server, back_end)
        again.close()
        another.close()
        assert proc.state(old) in ("S", "R")
    proc.wait_gone(old)


@pytest.mark.parametrize("early", [b"", b"early"])
def test_30_ok_does_not_wait_for_a_back_end_that_listens(
        serve, back_end, early):
    server = serve(it=f'relay = "{back_end.text}"')
    with ask_for(server, b"it", early) as client, back_end.accept() as other:
        assert read_exactly(client, len(OK)) == OK
        assert read_exactly(other, len(early)) == early


def test_30_ok_does_not_wait_if_the_client_has_ended_early(serve, back_end):
    server = serve(it=f'relay = "{back_end.text}"')
    with ask_for(server, b"it", b"all") as client:
        client.shutdown(socket.SHUT_WR)
        with back_end.accept() as other:
            assert read_exactly(client, len(OK)) == OK
            assert read_all(other) == b"all"


def test_echo_says_what_it_hears(serve):
    server = serve(echo="builtin = echo")
    with ask_for(server, b"echo", b"first ") as client:
        sent, got = in_threads((send_stream, client, 4 << 20, b"echo"),
                               (lambda: (read_exactly(client, len(OK) + 6),
                                         digest_stream(client)),))
        assert got == (OK + b"first ", sent)
    line = logged(server, "echo")
    assert line["verdict"] == "served" and line["by"] == "echo"
    assert line["in"] == line["out"] != "0"


def test_echo_is_bounded_in_bytes(serve):
    server = serve(echo="builtin = echo\nmax-bytes = 10000")
    with ask_for(server, b"echo", bytes(20000)) as client:
        assert read_all(client) == OK + bytes(10000)
    assert logged(server, "echo")["reason"] == "bytes"


def test_echo_is_bounded_in_time(serve):
    server = serve(echo="builtin = echo\nmax-time = 1s")
    with ask_for(server, b"echo") as client:
        assert read_all(client) == OK
    assert logged(server, "echo")["reason"] == "time"


def test_an_echo_that_is_cut_does_not_look_whole(serve):
    server = serve("relays = 1", echo="builtin = echo")
    with ask_for(server, b"echo", b"x") as client:
        assert read_exactly(client, len(OK) + 1) == OK + b"x"
        os.kill(relay_of(server), signal.SIGKILL)
        assert_reset(client)


def test_discard_throws_away_and_says_nothing(serve):
    server = serve(away="builtin = discard")
    with ask_for(server, b"away") as client:
        send_stream(client, 4 << 20, b"away")
        assert read_all(client) == OK
    assert logged(server, "away")["in"] == str(4 << 20)


def test_discard_is_bounded_in_bytes(serve):
    server = serve(away="builtin = discard\nmax-bytes = 1000")
    with ask_for(server, b"away", bytes(1000)) as client:
        assert read_all(client) == OK
    assert logged(server, "away")["reason"] == "bytes"


def test_daytime_is_one_line(serve):
    server = serve(daytime="builtin = daytime")
    with ask_for(server, b"daytime") as client:
        said = read_all(client)
    assert re.fullmatch(
        rb"\+OK FINE\r\n[A-Z][a-z]+day, [A-Z][a-z]+ \d+, 20\d\d "
        rb"\d\d:\d\d:\d\d-UTC\r\n", said)
