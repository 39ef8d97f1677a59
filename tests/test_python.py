"""The Python module: what it reaches, and what it offers."""

import asyncio
import errno
import gc
import os
import pathlib
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import threading

import pytest

import proc
import server
from fake_daemon import FakeDaemon
from module import FOLDER, LIBRARY, tcpmux
from services import OK

TOP = pathlib.Path(__file__).parent.parent
TAKEN = b"-taken Another user has it.\r\n"
PROGRAM = """\
import sys, tcpmux
print("ready", flush=True)
"""


@pytest.fixture
def daemon(folder):
    """A control socket, and who listens there."""
    new = FakeDaemon(f"{folder}/control")
    yield new
    new.close()


@pytest.fixture
def offer(daemon):
    """The name web, offered to the daemon."""
    daemon.answer_next(b"+web\r\n")
    with tcpmux.listen("web", control=daemon.path) as new:
        daemon.connected()
        yield new


@pytest.fixture
def echoing(host, tcpmuxd):
    """A tcpmuxd with a service that sends back what comes."""
    return tcpmuxd(conf=host.echo("builtin"))


def says(sock, data, answer):
    """Send data, and hear answer and no more."""
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
    assert server.read_all(sock) == answer


def test_codes_are_those_of_the_header():
    header = (TOP / "include/tcpmux.h").read_text(encoding="ascii")
    codes = re.findall(r"TCPMUX_ERR_(\w+) *=\s+(-\d+)", header)
    assert {name: int(number) for name, number in codes} == \
        {code.name: code.value for code in tcpmux.Code}


# Reaching a service.

def test_connect_is_at_the_first_byte_of_the_service(echoing):
    address, port = echoing.addresses[0]
    with tcpmux.connect(address, "ECHO", port, timeout=proc.PATIENCE) as sock:
        assert sock.getblocking()
        assert not os.get_inheritable(sock.fileno())
        says(sock, b"hello", b"hello")


def test_connect_leads_through_several_multiplexers(echoing):
    address, port = echoing.addresses[0]
    with tcpmux.connect(address, ["tcpmux", "echo"], port) as sock:
        says(sock, b"hello", b"hello")


def test_list_has_the_names(echoing):
    address, port = echoing.addresses[0]
    assert tcpmux.list(address, port) == ["echo", "tcpmux"]


def test_what_the_server_refuses_is_an_error_with_its_reason(echoing):
    address, port = echoing.addresses[0]
    with pytest.raises(tcpmux.Error) as caught:
        tcpmux.connect(address, "nothing", port)
    assert caught.value.code == tcpmux.Code.REFUSED
    assert caught.value.text in str(caught.value)
    assert caught.value.text != ""


def test_who_does_not_listen_is_an_error_with_errno():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(tcpmux.Error) as caught:
        tcpmux.connect("127.0.0.1", "echo", port)
    assert caught.value.code == tcpmux.Code.UNREACHABLE
    assert caught.value.errno == errno.ECONNREFUSED


def test_a_server_that_says_nothing_is_a_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(TimeoutError) as caught:
            tcpmux.list("127.0.0.1", silent.getsockname()[1], timeout=0.01)
    assert isinstance(caught.value, tcpmux.Timeout)
    assert caught.value.code == tcpmux.Code.TIMEOUT


def test_what_cannot_be_a_name_is_refused_before_anything_is_sent():
    with pytest.raises(tcpmux.Error):
        tcpmux.connect("127.0.0.1", "a b", 9)
    with pytest.raises(ValueError):
        tcpmux.connect("127.0.0.1", "a\0b", 9)
    for port in -1, 65536 + 9:
        with pytest.raises(OverflowError):
            tcpmux.connect("127.0.0.1", "a", port)


def test_open_connection_is_for_asyncio(echoing):
    async def run():
        reader, writer = await tcpmux.open_connection(address, "echo", port)
        writer.write(b"hello")
        writer.write_eof()
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()

    address, port = echoing.addresses[0]
    asyncio.run(run())


def test_open_connection_can_be_given_up():
    async def run(port):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(
                tcpmux.open_connection("127.0.0.1", "echo", port), 0.01)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(run(silent.getsockname()[1]))
        taken, _ = silent.accept()
        assert server.read_all(taken) == b"echo\r\n"
        taken.close()


# Offering one.

def test_accept_has_said_plus_and_knows_the_caller(daemon, offer):
    assert offer.is_up and offer.text == "web"
    client = daemon.hand_over(b"Web")
    connection, caller = offer.accept()
    with client, connection:
        assert connection.getblocking()
        assert not os.get_inheritable(connection.fileno())
        assert client.recv(100) == OK
        assert caller == tcpmux.Caller(
            ("192.0.2.7", 77), connection.getsockname(), "Web", 1.5, 2, True,
            True)


def test_an_address_of_ipv6_is_as_the_socket_module_has_it(daemon, offer):
    with daemon.hand_over(peer="2001:db8::1"), offer.accept()[0]:
        pass
    with daemon.hand_over(peer="fe80::1"):
        connection, caller = offer.accept()
        connection.close()
    assert caller.peer == ("fe80::1", 77, 0, 0)


def test_options_stand_in_the_request(daemon):
    daemon.answer_next(b"+web\r\n")
    tcpmux.listen("web", share=True, replace=True, hidden=True,
                  control=daemon.path).close()
    assert daemon.requests == [b"offer,share,replace,hidden/web\r\n"]
    assert daemon.connected().recv(1) == b""


def test_a_program_may_reply_itself(daemon, offer):
    client = daemon.hand_over()
    connection, _ = offer.accept(silent=True)
    with client, connection:
        tcpmux.reply(connection, "-", "Not today")
        assert client.recv(100) == b"-Not today\r\n"
        with pytest.raises(tcpmux.Error):
            tcpmux.reply(connection, "+", "a\nb")


def test_nobody_comes_in_time(offer):
    with pytest.raises(tcpmux.Timeout):
        offer.accept(timeout=0.01)
    with pytest.raises(tcpmux.Timeout):
        offer.accept(timeout=0)


def test_a_refused_offer_is_an_error_with_its_reason(daemon):
    daemon.answer_next(TAKEN)
    with pytest.raises(tcpmux.Error) as caught:
        tcpmux.listen("web", control=daemon.path)
    assert caught.value.code == tcpmux.Code.REFUSED
    assert caught.value.text == "taken Another user has it."
    gc.collect()
    assert daemon.connected().recv(1) == b""


def test_no_daemon_is_an_error_unless_one_waits(daemon, folder):
    with pytest.raises(tcpmux.Error) as caught:
        tcpmux.listen("web", control=f"{folder}/nobody")
    assert caught.value.code == tcpmux.Code.NO_DAEMON
    daemon.stop()
    with tcpmux.listen("web", wait=True, control=daemon.path) as offer:
        assert not offer.is_up
        daemon.start()
        daemon.answer_next(b"+web\r\n")
        threading.Thread(
            target=lambda: (daemon.connected(), daemon.hand_over().close())
        ).start()
        offer.accept(proc.PATIENCE)[0].close()
        assert offer.is_up


def test_what_the_daemon_has_ended_raises(daemon, offer):
    daemon.channel.send(b"-replaced Another offer has it.\r\n")
    with pytest.raises(tcpmux.Error) as caught:
        offer.accept()
    assert caught.value.code == tcpmux.Code.REFUSED
    assert caught.value.text == "replaced Another offer has it."


def test_a_closed_offer_says_so(offer):
    offer.close()
    offer.close()
    with pytest.raises(ValueError):
        offer.accept()


def test_none_is_lost_for_want_of_a_descriptor(daemon, offer):
    client = daemon.hand_over()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        with pytest.raises(tcpmux.Error) as caught:
            offer.accept()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert caught.value.errno == errno.EMFILE
    offer.accept()[0].close()
    assert client.recv(100) == OK
    client.close()


def test_random_messages_are_dropped_with_all_they_bring(daemon, offer):
    """Whatever the daemon sends, the next connection comes."""
    chance = random.Random(1078)
    before = len(os.listdir("/proc/self/fd"))
    with open("/dev/null", "rb") as null:
        for _ in range(100):
            for _ in range(20):
                data = b"\1\0\0\0" * chance.randrange(2) + \
                    chance.randbytes(chance.choice([1, 124, 125, 130, 700]))
                fds = [null.fileno()] * chance.randrange(4)
                if not data.startswith(b"-"):
                    socket.send_fds(daemon.channel, [data], fds)
            with pytest.raises(tcpmux.Timeout):
                offer.accept(0)
    assert len(os.listdir("/proc/self/fd")) == before
    with daemon.hand_over() as client:
        offer.accept()[0].close()
        assert server.read_all(client) == OK


def test_offers_may_be_used_by_a_thread_each(folder):
    def serve(number):
        daemon = FakeDaemon(f"{folder}/{number}")
        daemon.answer_next(b"+web\r\n")
        with tcpmux.listen("web", control=daemon.path) as offer:
            daemon.connected()
            for _ in range(100):
                with daemon.hand_over(b"n%d" % number) as client:
                    connection, caller = offer.accept()
                    connection.close()
                    assert server.read_all(client) == OK
                    done.append(caller.name == f"n{number}")
        daemon.close()

    done = []
    threads = [threading.Thread(target=serve, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [True] * 800


def test_async_for_has_one_connection_after_another(daemon, offer):
    async def run():
        done = 0
        async for connection, _ in offer:
            connection.close()
            done += 1
            if done == 3:
                return
            if done == 2:
                asyncio.get_running_loop().call_later(
                    0, lambda: clients.append(daemon.hand_over()))

    clients = [daemon.hand_over(), daemon.hand_over()]
    asyncio.run(asyncio.wait_for(run(), proc.PATIENCE))
    for client in clients:
        assert server.read_all(client) == OK
        client.close()


def test_start_server_serves_as_that_of_asyncio(daemon):
    async def echo(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def run():
        daemon.answer_next(b"+web\r\n")
        async with await tcpmux.start_server(
                echo, "web", control=daemon.path) as served:
            daemon.connected()
            for _ in range(3):
                client = daemon.hand_over()
                await asyncio.to_thread(says, client, b"hello",
                                        OK + b"hello")
                client.close()
            assert served.offer.is_up
        assert daemon.channel.recv(1) == b""

    asyncio.run(asyncio.wait_for(run(), proc.PATIENCE))


def test_start_server_ends_when_the_daemon_ends_it(daemon):
    async def run():
        daemon.answer_next(b"+web\r\n")
        served = await tcpmux.start_server(
            lambda reader, writer: None, "web", control=daemon.path)
        daemon.connected().send(b"-denied You may not.\r\n")
        with pytest.raises(tcpmux.Error):
            await served.serve_forever()

    asyncio.run(asyncio.wait_for(run(), proc.PATIENCE))


# Asking the daemon.

def test_what_the_daemon_answers_has_a_line_and_perhaps_more(daemon):
    daemon.answer_next(b"+It is so.\r\n")
    assert tcpmux.ask("drain/web", control=daemon.path) == ("It is so.", "")
    daemon.answer_next(b"+\r\n", b"a\nb\xff\n" * 300000)
    before = proc.fds(os.getpid())
    answer = tcpmux.ask("snapshot", control=daemon.path)
    assert answer.more == "a\nb\\xff\n" * 300000
    assert daemon.requests == [b"drain/web\r\n", b"snapshot\r\n"]
    daemon.connected().close()
    assert len(proc.fds(os.getpid())) <= len(before) + 1   # the daemon's end


def test_what_the_daemon_refuses_is_an_error_with_all_it_says(daemon):
    daemon.answer_next(b"-failed The configuration is wrong.\r\n", b"line 3\n")
    with pytest.raises(tcpmux.Error) as caught:
        tcpmux.ask("reload", control=daemon.path)
    assert caught.value.code == tcpmux.Code.REFUSED
    assert caught.value.text == "failed The configuration is wrong."
    assert caught.value.more == "line 3\n"


def test_nobody_who_answers_is_an_error(daemon):
    with pytest.raises(tcpmux.Timeout):
        tcpmux.ask("snapshot", 0.01, daemon.path)
    daemon.stop()
    with pytest.raises(tcpmux.Error) as caught:
        tcpmux.ask("snapshot", control=daemon.path)
    assert caught.value.code == tcpmux.Code.NO_DAEMON
    with pytest.raises(tcpmux.Error) as caught:
        tcpmux.ask("two words", control=daemon.path)
    assert caught.value.code == tcpmux.Code.ARGUMENT


@pytest.mark.parametrize("wait", [
    "tcpmux.ask('snapshot', None, sys.argv[3])",
    "tcpmux.listen('web', control=sys.argv[1]).accept()",
    "tcpmux.connect('127.0.0.1', 'echo', int(sys.argv[2]))"])
def test_an_interrupt_ends_what_waits(daemon, folder, request, wait):
    silent = FakeDaemon(f"{folder}/silent")
    request.addfinalizer(silent.close)
    daemon.answer_next(b"+web\r\n")
    port = daemon.tcp.getsockname()[1]
    with subprocess.Popen(
            [sys.executable, "-B", "-c", PROGRAM + wait, daemon.path,
             str(port), silent.path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(FOLDER),
                              "LD_LIBRARY_PATH": str(LIBRARY)}) as program:
        assert program.stdout.readline() == b"ready\n"
        proc.wait_until(lambda: "poll" in proc.read(program.pid, "wchan") or
                        proc.state(program.pid) == "S" and
                        len(proc.fds(program.pid)) > 4, "it to wait")
        program.send_signal(signal.SIGINT)
        said = program.communicate(timeout=proc.PATIENCE)[1]
    assert said.rstrip().endswith(b"KeyboardInterrupt")


# The programs in the manual.

def example(word):
    """The program of tcpmux-offer(7) that calls itself so."""
    text = (TOP / "man/tcpmux-offer.7").read_text(encoding="ascii")
    blocks = [block.partition(".Ed\n")[0]
              for block in text.split(".Bd -literal\n")[1:]]
    return next(block for block in blocks if f"TCPMUX: {word} " in block
                ).replace("\\e", "\\")


@pytest.fixture
def run_example(folder):
    """Start an example; it ends with the test."""
    started = []

    def start(word, *arguments):
        path = pathlib.Path(folder, word)
        path.write_text(example(word), encoding="ascii")
        started.append(subprocess.Popen(
            [sys.executable, "-Bu", path, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for program in started:
        program.kill()
        program.communicate()


def test_the_manuals_offer_by_the_control_socket(daemon, run_example):
    daemon.answer_next(b"+Web\r\n")
    program = run_example("control-taker", daemon.path, "web")
    assert program.stdout.readline() == b"offered as Web\n"
    daemon.connected()
    assert daemon.requests == [b"offer/web\r\n"]
    for _ in range(3):
        with daemon.hand_over() as client:
            assert server.read_all(client) == OK + b"Hello.\r\n"
    daemon.channel.send(b"-replaced Another has it.\r\n")
    assert b"-replaced Another" in program.communicate()[1]


def test_the_manuals_taker_of_a_configured_socket(folder, tcpmuxd,
                                                  run_example):
    path = f"{folder}/socket"
    program = run_example("socket-taker", path)
    proc.wait_until(lambda: os.path.exists(path), "the socket")
    os.chmod(path, 0o666)
    running = tcpmuxd(conf=f'service "hello" {{ socket = "{path}" }}\n')
    address = running.addresses[0]
    proc.wait_until(lambda: server.ask(address, b"hello\r\n") ==
                    OK + b"Hello.\r\n", "the first")
    for _ in range(3):
        assert server.ask(address, b"hello\r\n") == OK + b"Hello.\r\n"
    assert b"for ::ffff:127.0.0.1" in program.stdout.readline()
