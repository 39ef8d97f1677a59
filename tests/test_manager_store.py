"""Offers outlive the daemon: the service manager keeps their sockets."""

import contextlib
import os
import select
import signal
import socket

import pytest

import callers
import manager
import offerers
import offers
import proc
import server
from offerers import ALICE, BOB, Offer
from server import ONE_LISTENER, ask
from services import OK

HELP = b"HELP\r\n"


class Service:
    """A tcpmuxd that a service manager starts, and starts again."""

    def __init__(self, folder, tcpmuxd, conf=""):
        self.sd = manager.Manager(folder)
        self.where = self.sd.open("web")
        self.control = f"{folder}/control"
        self.sd.open("control", self.control, socket.AF_UNIX,
                     kind=socket.SOCK_SEQPACKET)
        os.chmod(self.control, 0o666)
        self.tcpmuxd = tcpmuxd
        self.start(conf)

    def start(self, conf=""):
        """Start it; what serves then is there."""
        self.started = self.tcpmuxd(conf=self.conf(conf), **self.sd.popen())
        self.started.control = self.control

    def conf(self, more=""):
        """The text of its configuration."""
        return f'control = "{self.control}"\nlisten "systemd:web" {{ }}\n' \
            + more

    def end(self, number=signal.SIGTERM):
        """End it, and all of its processes."""
        gone = self.started.processes()
        self.started.stop(number)
        for pid in gone:
            proc.wait_gone(pid)

    def restart(self, number=signal.SIGTERM, conf=""):
        """End it, and start another."""
        self.end(number)
        self.start(conf)

    def offer(self, name, *options):
        """Offer a name, once it is kept as well."""
        stored = len(self.sd.store)
        new = Offer(self.started, name, *options)
        assert new.taken, new.answer
        self.sd.wait_stored(stored + 1)
        return new

    def names(self):
        """What it says that it has."""
        return ask(self.where, HELP).decode("ascii").split()


@pytest.fixture(name="service")
def started_service(folder, tcpmuxd):
    """A tcpmuxd under a service manager of the test's own."""
    new = Service(folder, tcpmuxd)
    yield new
    new.sd.close()


def is_silent(link):
    """Has nothing come, not even the end?"""
    return select.select([link], [], [], 0) == ([], [], [])


def serve(offer, where, name):
    """Call a name, and see that this offer gets the connection."""
    with callers.call(where, name, b"hello") as sock:
        connection, header = offer.take()
        assert header is not None
        with connection:
            connection.sendall(OK + b"it is me")
            connection.shutdown(socket.SHUT_WR)
        assert callers.read_line(sock) == OK


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_offer_outlives_the_daemon(service, number):
    """It is there with the first front, and its program has not noticed."""
    with contextlib.closing(service.offer("web")) as offer:
        for _ in range(3):
            service.restart(number)
            assert "web" in service.names()
            serve(offer, service.where, "web")
            assert is_silent(offer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_tcpmux_offer_notices_nothing(service, number):
    program = offers.Offer("--control", service.control, "hello", "--",
                           "/bin/echo", "hello")
    program.wait_for("offered$")
    service.sd.wait_stored(1)
    said = list(program.said)
    for _ in range(3):
        service.restart(number)
        assert ask(service.where, b"hello\r\n") == OK + b"hello\n"
    assert program.said == said
    program.stop()


def test_clients_that_come_between_two_daemons_are_served(service):
    with contextlib.closing(service.offer("web")) as offer:
        service.end()
        with server.connect(service.where) as sock:
            sock.sendall(b"web\r\n")
            service.start()
            connection, _ = offer.take()
            with connection:
                connection.sendall(OK)
            assert server.read_all(sock) == OK


@pytest.mark.parametrize("name", ["a:b", "a%20b", "::", "x" * 200,
                                  ":" * 200, "1.2.3.4", "caf\\xe9", "A-Name"])
def test_every_name_that_can_be_offered_can_be_kept(service, name):
    with contextlib.closing(service.offer(name)) as offer:
        service.restart()
        assert name in service.names()
        serve(offer, service.where, name)


def test_what_an_offer_asked_for_is_kept(service):
    """Hidden ones stay hidden, and shared ones stay shared."""
    with contextlib.ExitStack() as stack:
        hidden, first, second = (
            stack.enter_context(contextlib.closing(service.offer(*words)))
            for words in (("hidden", "hidden"), ("both", "share"),
                          ("both", "share")))
        service.restart()
        assert service.names() == ["both", "tcpmux"]
        serve(hidden, service.where, "hidden")
        with server.connect(service.where) as one, \
                server.connect(service.where) as other:
            one.sendall(b"both\r\n")
            proc.wait_until(lambda: not is_silent(first) or
                            not is_silent(second), "the first connection")
            other.sendall(b"both\r\n")
            proc.wait_until(lambda: not is_silent(first) and
                            not is_silent(second), "the other, elsewhere")
            for offer in (first, second):
                offer.take()[0].close()


def test_an_offer_that_ends_is_kept_no_more(service):
    service.offer("web").close()
    service.sd.wait_stored(0)
    assert service.names() == ["tcpmux"]


def test_an_offer_that_is_replaced_is_kept_no_more(service):
    old = service.offer("web")
    new = Offer(service.started, "web", "replace")
    assert new.taken
    assert old.take()[1].startswith(b"-replaced")
    service.sd.wait_told(FDSTOREREMOVE="1")
    service.sd.wait_stored(1)
    service.restart()
    serve(new, service.where, "web")
    old.close()
    new.close()


def test_an_offer_that_ends_while_there_is_no_daemon_is_gone(service):
    offer = service.offer("web")
    service.end()
    offer.close()
    service.start()
    assert service.names() == ["tcpmux"]
    assert any("it has ended" in line for line in service.started.said)


def test_offers_end_with_the_service(service):
    """Once the service manager lets go of them."""
    offer = service.offer("web")
    service.end()
    assert is_silent(offer)
    service.sd.store.pop()[1].close()
    assert offer.take() == (None, b"")


def test_an_offer_stays_kept_over_a_reload(service):
    with contextlib.closing(service.offer("web")) as offer:
        service.started.reload(service.conf())
        assert is_silent(offer)
        service.restart()
        serve(offer, service.where, "web")


def test_what_the_configuration_forbids_by_now_is_not_taken_back(service):
    with contextlib.closing(service.offer("web")) as offer:
        service.restart(conf='service "web" { builtin = daytime }\n')
        assert offer.take()[1].startswith(b"-configured")
        proc.wait_until(lambda: service.sd.forget_ended() == 0, "its end")


def test_who_may_not_offer_any_more_is_told_so(folder, tcpmuxd):
    offerers.needs_root()
    service = Service(folder, tcpmuxd, f'offered-by = {{"{ALICE}"}}\n')
    with offerers.Program(folder, service.started, ["web"],
                          prefix=offerers.as_user(*offerers.IDS[ALICE])) as a:
        service.sd.wait_stored(1)
        service.restart(conf=f'offered-by = {{"{ALICE}"}}\n')
        assert "web" in service.names()
        service.restart(conf=f'offered-by = {{"{BOB}"}}\n')
        assert "web" not in service.names()
        assert a.line().startswith("-denied")
    service.sd.close()


def test_without_a_control_socket_all_offers_end(service):
    offer = service.offer("web")
    service.end()
    conf = 'control = none\nlisten "systemd:web" { }\n'
    service.started = service.tcpmuxd(conf=conf, **service.sd.popen())
    service.sd.wait_told(FDSTOREREMOVE="1")
    assert offer.take() == (None, b"")
    assert service.names() == ["tcpmux"]


def pair():
    """Two ends of what looks like an offer."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


@pytest.mark.parametrize("name, why", [
    ("offer.0.{uid}.1.", "no offer of this daemon"),
    ("offer.0.{uid}.1.a b c", None),
    ("offer.0.{uid}.1." + "x" * 201, "no offer of this daemon"),
    ("offer.0.99999999999.1.web", "no offer of this daemon"),
    ("offer.100.{uid}.1.web", "no offer of this daemon"),
    ("offer.0.{uid}.xyz.web", "no offer of this daemon"),
    ("offer.0.{uid}.11111111111111111.web", "no offer of this daemon"),
    ("offer.0.{uid}", "no offer of this daemon"),
    ("offer.", "no offer of this daemon"),
    ("offer.0.{other}.1.web", "somebody else's"),
])
def test_what_the_store_gives_is_looked_at(folder, tcpmuxd, name, why):
    sd = manager.Manager(folder)
    name = name.format(uid=os.getuid(), other=os.getuid() + 1)
    ours, theirs = pair()
    with ours, theirs:
        sd.store.append((name, ours))
        started = tcpmuxd(**sd.popen())
        listed = ask(started.addresses[0], HELP).split()
        if why is None:
            assert listed == [b"a:b:c", b"tcpmux"]
        else:
            assert f"tcpmuxd: the service manager's socket {name} is of no " \
                f"use: {why}" in started.said
            assert listed == [b"tcpmux"]
        started.stop()
    sd.close()


def test_other_sockets_than_those_of_offers_are_not_taken(folder, tcpmuxd):
    sd = manager.Manager(folder)
    sd.open(f"offer.0.{os.getuid()}.1.web")
    started = tcpmuxd(**sd.popen())
    assert any("no socket of an offer" in line for line in started.said)
    assert ask(started.addresses[0], HELP) == b"tcpmux\r\n"
    started.stop()
    sd.close()


def test_many_offers_at_once_are_all_kept(service):
    """More than there is room for in the manager's queue."""
    with contextlib.ExitStack() as stack:
        for i in range(500):
            new = Offer(service.started, f"n{i}", rest=False)
            stack.enter_context(contextlib.closing(new))
            assert new.taken, new.answer
        service.sd.wait_stored(500)
        service.restart(signal.SIGKILL)
        assert len(service.names()) == 501


def test_after_an_upgrade_the_first_process_still_speaks(service):
    """The service manager listens to no other; and all offers are kept."""
    first = service.offer("first")
    for number in 2, 3:
        service.started.process.send_signal(signal.SIGUSR2)
        assert f"generation {number}" in \
            service.sd.wait_told(READY="1")["STATUS"]
    second = service.offer("second")
    service.started.process.send_signal(signal.SIGHUP)
    assert service.sd.hear()["RELOADING"] == "1"
    assert "generation 4" in service.sd.hear()["STATUS"]
    assert service.sd.senders == {service.started.pid}
    service.restart()
    for name, offer in (("first", first), ("second", second)):
        serve(offer, service.where, name)
        offer.close()
