"""Names that programs offer: served, listed, withdrawn; many, and often."""

import contextlib
import os
import random
import select
import socket
import threading

import pytest

import callers
import load
import proc
import server
from offerers import Offer, Offers, Program, dial, hear, listed, refused
from services import OK

CYCLES = int(os.environ.get("TCPMUX_CYCLES", "1000"))
NAMES = 1000
UNKNOWN = b"-No such service: send HELP and CR LF for a list\r\n"
DOWN = b"-Service not running: try again later\r\n"

# What the tests below change nothing of.
CONF = "fronts = 2\nlog { level = nothing }\n"


def ask(address, name, word=b"word\n"):
    """One conversation with an offered name; what is heard."""
    with callers.call(address, name, word) as sock:
        return server.read_all(sock)


def answer(name, word=b"word\n"):
    """What is to be heard of it."""
    return OK + name.encode("ascii") + b" " + word


def fold(names):
    """In the order of HELP."""
    return sorted(names, key=lambda name: name.encode("ascii").lower())


def test_an_offered_name_is_served_and_withdrawn(tcpmuxd):
    """+ with the name; any case; in HELP; and the end of it is at once."""
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]
    before = listed(address)
    with Offers(started, ["My-Name"]):
        for name in ("My-Name", "my-name", "MY-NAME"):
            assert ask(address, name) == answer("My-Name")
        assert listed(address) == fold(before + ["My-Name"])
    proc.wait_until(lambda: callers.reply(address, "my-name") == DOWN,
                    "it to be withdrawn")
    assert listed(address) == before
    assert callers.reply(address, "my-nam") == UNKNOWN
    with Offers(started, ["MY-name"]):
        assert ask(address, "my-name") == answer("MY-name")


def test_what_an_offer_is_sent(tcpmuxd):
    """The header, the name, and a blocking socket behind the line."""
    started = tcpmuxd(conf=CONF)
    with Offer(started, "Name") as offer, \
            callers.call(started.addresses[0], "tcpmux", b"nAME\r\nx") as sock:
        assert offer.taken
        ours = sock.getsockname()
        taken, header = offer.take()
        with taken:
            version, _, _, listener, since, peer, port, known, scope, *_, \
                _, proxied, zero = header
            assert (version, listener, known, scope) == (1, 0, 1, 0)
            assert port == ours[1] and proxied == 0 and zero == bytes(48)
            assert peer == bytes(10) + b"\xff\xff" + socket.inet_aton(ours[0])
            assert since > 0
            assert os.get_blocking(taken.fileno())
            assert taken.getpeername() == ours
            assert taken.recv(10) == b"x"
            taken.sendall(b"-Not today.\r\n")
        assert server.read_all(sock) == OK + b"-Not today.\r\n"


def test_rule_20_bytes_in_the_same_segment_reach_an_offer(tcpmuxd):
    """Rule 20: 8 MiB behind the CRLF come whole and in order, both ways."""
    data = callers.many_bytes()[:8 << 20]
    started = tcpmuxd(conf=CONF)
    with Offer(started, "echo") as offer:
        heard = []
        with server.connect(started.addresses[0]) as sock:
            thread = threading.Thread(target=lambda: heard.append(
                callers.converse(sock, b"ECHO\r\n" + data)))
            thread.start()
            taken, _ = offer.take()
            with taken:
                taken.sendall(OK)
                callers.copy(taken, taken)
            thread.join()
    assert heard[0][:len(OK)] == OK
    assert callers.digest(heard[0][len(OK):]) == callers.digest(data)


@pytest.mark.parametrize("name", [
    "HELP", "help", "tcpmux", "+x", "-x", "x" * 201])
def test_names_that_nobody_can_offer(tcpmuxd, name):
    """Rule 10, and what could not be listed or is too long."""
    started = tcpmuxd(conf=CONF)
    assert refused(started, name) in ("name", "configured")
    assert refused(started, "x" * 200) is None


def test_a_configured_name_is_the_configuration_s(host, tcpmuxd):
    """The service of the configuration wins, and the reason is said."""
    started = tcpmuxd(conf=CONF + host.echo("builtin", "echo", "alias = oche"))
    for name in ("echo", "ECHO", "oche"):
        assert refused(started, name) == "configured"


def test_a_hidden_name_is_served_and_not_listed(tcpmuxd):
    """hidden: like the option of a service."""
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]
    with Offers(started, ["secret"], "hidden"):
        assert "secret" not in listed(address)
        assert ask(address, "secret") == answer("secret")


def test_control_none_takes_no_offers(folder, tcpmuxd):
    """control = none: there is no socket at all."""
    tcpmuxd(conf="control = none\n")
    assert not [name for name in os.listdir(folder) if "control" in name]


def test_a_thousand_names(tcpmuxd):
    """1,000 at once: all served, each by its own, and listed in order."""
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]
    names = [f"{random.choice('NnMm')}ame-{i}" for i in range(NAMES)]
    random.shuffle(names)
    before = listed(address)
    with Offers(started, names) as offers:
        assert listed(address) == fold(before + names)
        for name in names:
            assert ask(address, name.upper()) == answer(name)
        assert set(offers.counts.values()) == {1} and not offers.ended
    proc.wait_until(lambda: listed(address) == before, "all to be withdrawn")


def resources(started):
    """Descriptors and memory of every process, by its number."""
    return {pid: (proc.fds(pid), proc.private(pid))
            for pid in started.processes()}


def be_asked(address, offer, name):
    """Serve one who asks.  Who is refused comes again: a front may hear of an
    offer a moment later, when very many come and go."""
    def is_served():
        with callers.call(address, name) as sock:
            poll = select.poll()
            poll.register(sock, select.POLLIN)
            poll.register(offer, select.POLLIN)
            heard = dict(poll.poll(proc.PATIENCE * 1000))
            if sock.fileno() in heard:
                assert server.read_all(sock) == DOWN
                return False
            taken, _ = offer.take()
            with taken:
                taken.sendall(OK + b"here")
            assert server.read_all(sock) == OK + b"here"
            return True

    proc.wait_until(is_served, name)


def cycle(started, number):
    """Offer and withdraw so many times; some of them are asked for."""
    for i in range(number):
        name = f"cycle-{i % 7}"
        with Offer(started, name, rest=False) as offer:
            assert offer.taken, offer.answer
            if i % 100 == 0:
                be_asked(started.addresses[0], offer, name)


def test_t3_cycles_of_offers_leave_nothing(tcpmuxd):
    """T3: TCPMUX_CYCLES offers, and every process is as it was."""
    started = tcpmuxd(conf=CONF)
    # That warms it up: each of the 4,096 places has been used once.
    cycle(started, 4200)
    started.settle()
    before = resources(started)
    cycle(started, CYCLES)
    started.settle()
    proc.wait_until(
        lambda: {pid: fds for pid, (fds, _) in resources(started).items()} ==
        {pid: fds for pid, (fds, _) in before.items()}, "the descriptors")
    after = resources(started)
    for pid, (_, memory) in before.items():
        print(f"{proc.read(pid, 'comm').strip()}: {len(after[pid][0])} "
              f"descriptors, {memory} bytes, then {after[pid][1]}")
        assert after[pid][1] == memory, proc.read(pid, "comm")


def test_t3_whatever_ends_an_offer_leaves_nothing(folder, tcpmuxd):
    """T3: killed, refused, with connections in the queue: all is given back.
    """
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]

    def end_all():
        with Program(folder, started, [f"p{i}" for i in range(10)]) as program:
            assert program.taken
            assert callers.is_served(address, "p7")
        with Offer(started, "queue") as offer:
            assert offer.taken
            socks = [callers.call(address, "queue") for _ in range(40)]
            started.settle()
        for sock in socks:
            sock.close()
        assert refused(started, "help") == "name"
        dial(started.control).close()
        with dial(started.control) as link:
            socket.send_fds(link, [b"offer/x\r\n"], [0, 1, 2])
            hear(link)
        with dial(started.control) as link:
            link.send(b"junk")
            assert hear(link).startswith(b"-request ")

    def fds():
        return {pid: proc.fds(pid) for pid in started.processes()}

    started.settle()
    before = fds()
    for _ in range(4):
        end_all()
        proc.wait_until(lambda: fds() == before, "the descriptors")


def test_help_while_names_come_and_go(tcpmuxd):
    """The list is whole, in order and of true names, whatever happens."""
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]
    steady = [f"s{i:03}-{'x' * (i % 150)}" for i in range(200)]
    others = listed(address)
    stop = threading.Event()

    def come_and_go(first):
        i = 0
        while not stop.is_set():
            i += 1
            with Offers(started, [
                    f"{word}-{first}-{i % 50}" for word in ("a", "s1", "z")]):
                pass

    threads = [threading.Thread(target=come_and_go, args=(i,))
               for i in range(2)]
    with Offers(started, steady):
        for thread in threads:
            thread.start()
        try:
            for _ in range(200):
                names = listed(address)
                assert names == fold(names) and len(set(names)) == len(names)
                assert set(names) >= {*steady, *others}
                assert all(name[0] in "as1z" and name.count("-") == 2
                           for name in set(names) - {*steady, *others})
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def test_offers_behind_offers_are_served_under_load(tcpmuxd):
    """Names come and go by the dozen, and the steady ones miss nobody."""
    started = tcpmuxd(conf="log { level = refusals }\n")
    steady = ("steady-1", "steady-2")
    with Offers(started, steady), \
            load.under_load(started.addresses[0], steady) as clients:
        for i in range(20):
            with Offers(started, [f"n{i}-{j}" for j in range(12)]):
                assert callers.is_served(started.addresses[0], f"n{i}-3")
    assert set(clients.outcomes()) == {"served"}, clients.counts


def test_a_client_that_goes_early_is_nobody_s_trouble(tcpmuxd):
    """Reset while it waits in the queue: the taker sees that, and goes on."""
    started = tcpmuxd(conf=CONF)
    with Offer(started, "name") as offer:
        for _ in range(20):
            sock = callers.call(started.addresses[0], "name", b"x")
            started.settle()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
            sock.close()
        for _ in range(20):
            taken, _ = offer.take()
            with taken, pytest.raises(OSError):
                taken.sendall(OK)
                while taken.recv(10):
                    taken.sendall(OK)
                raise ConnectionResetError
        with callers.call(started.addresses[0], "name") as sock:
            taken, _ = offer.take()
            with taken, contextlib.suppress(OSError):
                taken.sendall(OK)
            assert server.read_all(sock) == OK
