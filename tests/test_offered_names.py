"""Offered names as clients see them: who finds them, and who is refused."""

import contextlib
import os
import signal
import socket

import pytest

import callers
import server
from offerers import Offer
from services import OK

UNKNOWN = b"-No such service: send HELP and CR LF for a list\r\n"
DOWN = b"-Service not running: try again later\r\n"
OTHER = "127.0.0.2"


def answer(offer):
    """Say + to the next client, and end it; return its header."""
    sock, header = offer.take()
    with sock:
        sock.sendall(OK)
    return header


class Mux:
    """A tcpmuxd, and the offers to it."""

    def __init__(self, started, stack):
        self.stack = stack
        self.started = started
        self.address = started.addresses[0]

    def offer(self, name, *options):
        """Offer a name until the test ends, and every front knows it."""
        offer = self.stack.enter_context(
            Offer(self.started, name, *options, rest=False))
        assert offer.taken, offer.answer
        self.started.settle()
        return offer

    def ask(self, name, source=None):
        """The first line of the answer to a name."""
        return callers.reply(self.address, name, source)

    def names(self, source=None):
        """What HELP lists."""
        with callers.call(self.address, "HELP", source=source) as sock:
            return server.read_all(sock).decode().split("\r\n")[:-1]


@pytest.fixture
def mux(tcpmuxd):
    """Start a Mux with more in its configuration."""
    with contextlib.ExitStack() as stack:
        yield lambda more="": Mux(tcpmuxd(conf=more), stack)


def test_rule_29_an_offered_name_is_for_whom_the_table_lets_in(mux):
    """Rule 29: to the others it is a name that nobody has."""
    started = mux(f'from = {{"{OTHER}"}}\n')
    offer = started.offer("web")
    assert started.ask("web") == started.ask("nobody") == UNKNOWN
    assert started.names() == []
    with callers.call(started.address, "WEB", source=OTHER) as sock:
        answer(offer)
        assert server.read_all(sock) == OK
    assert started.names(OTHER) == ["tcpmux", "web"]


def test_rule_29_a_listener_hides_offered_names_too(mux):
    """Rule 29: from of a listener holds for every name."""
    started = mux(f'listen "127.0.0.1" {{ port = 0 from = {{"{OTHER}"}} }}\n')
    started.offer("web")
    assert started.ask("web") == started.ask("nobody") == UNKNOWN
    assert started.names() == [] and "web" in started.names(OTHER)


def test_rule_33_help_lists_what_is_there_now(mux):
    """Rule 33: services and offers in one list, those that can be had."""
    started = mux('service "offered" { offered-by = {"root"} }\n'
                  'service "socket" { socket = "/nonexistent" }\n')
    assert started.names() == ["socket", "tcpmux"]
    shown = started.offer("Zebra")
    started.offer("quiet", "hidden")
    started.offer("alpha")
    started.offer("offered")
    assert started.names() == ["alpha", "offered", "socket", "tcpmux",
                               "Zebra"]
    shown.link.close()
    started.started.settle()
    assert started.names() == ["alpha", "offered", "socket", "tcpmux"]


def test_a_name_that_is_kept_is_down_and_not_unknown(mux):
    """Whoever asks for it guesses at nothing, and is not counted for it."""
    started = mux('wrong-names-per-source = "1/1h"\n')
    started.offer("web").link.close()
    started.started.settle()
    for _ in range(3):
        assert started.ask("WEB") == DOWN
    assert started.ask("wrong") == UNKNOWN
    assert started.ask("web").startswith(b"-busy")


def test_the_log_tells_that_an_offer_took_it(mux):
    """by=offer, and the name as it was offered."""
    started = mux()
    offer = started.offer("Web")
    with callers.call(started.address, "wEB"):
        answer(offer)
    started.started.wait_for("name=Web verdict=handed-over by=offer ")
    offer.link.close()
    started.started.settle()
    assert started.ask("web") == DOWN
    started.started.wait_for(
        "name=Web verdict=refused reason=down by=offer ")


def test_an_offer_is_told_whom_a_proxy_names(mux):
    """proxied, and both ends, if a PROXY header told them."""
    started = mux('listen "127.0.0.1" { port = 0 proxy = require '
                  'trust = {"127.0.0.1"} }\n')
    offer = started.offer("web")
    header = b"PROXY TCP4 192.0.2.1 192.0.2.9 4711 7\r\n"
    with server.connect(started.address) as sock:
        sock.sendall(header + b"web\r\nearly")
        taken, (version, service, source, _, _, *ends) = offer.take()
        with taken:
            assert taken.recv(100) == b"early"
    assert (version, service, source) == (1, 0, 0)
    mapped = bytes(10) + b"\xff\xff"
    assert ends == [mapped + socket.inet_aton("192.0.2.1"), 4711, 1, 0,
                    mapped + socket.inet_aton("192.0.2.9"), 7, 1, 0,
                    1, 1, bytes(48)]


def test_who_is_gone_is_passed_over_for_the_next(mux):
    """A front sees the end of a queue before anybody tells it of that."""
    started = mux("fronts = 1\n")
    first = started.offer("web", "share")
    second = started.offer("web", "share")
    registrar = started.started.wait_named("regis")[0]
    os.kill(registrar, signal.SIGSTOP)
    try:
        first.link.close()
        for _ in range(4):
            with callers.call(started.address, "web") as sock:
                answer(second)
                assert server.read_all(sock) == OK
        second.link.close()
        assert started.ask("web") == DOWN
    finally:
        os.kill(registrar, signal.SIGCONT)


def test_rule_3_a_stuck_offer_is_busy_and_another_is_not(mux):
    """T15: 64 wait in the queue, the next is told -busy at once."""
    started = mux("fronts = 1\n")
    started.offer("stuck")
    good = started.offer("good")
    with contextlib.ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(callers.call(started.address, "stuck"))
        assert started.ask("stuck").startswith(b"-busy")
        with callers.call(started.address, "good") as sock:
            answer(good)
            assert server.read_all(sock) == OK


def test_a_list_that_nobody_reads_survives_offers(mux):
    """The list goes on whole and sorted, whatever has come and gone."""
    started = mux("".join(f'service "s{i:04}-{"x" * 200}" '
                          '{ builtin = echo }\n' for i in range(2000)))
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(started.address)
        sock.sendall(b"HELP\r\n")
        callers.read_exactly(sock, 1000)
        for i in range(0, 2000, 100):
            started.offer(f"s{i:04}").link.close()
            started.offer(f"s{i:04}-y")
        names = server.read_all(sock).decode().split("\r\n")[1:-1]
    assert names == sorted(names)
    assert sum(name.endswith("x") for name in names) >= 1990
