"""Offers and their ends under load: reloads, kill -9 of each process and of
the programs themselves (T10, T11).

Each name answers with itself, so an answer that is another's is seen.
"""

import contextlib
import os
import resource
import signal
import threading

import pytest

import callers
import load
import proc
import server
from offerers import Offer, Offers, Program, dial, hear, listed
from services import OK
from test_kill import kill_one

RELOADS = int(os.environ.get("TCPMUX_RELOADS", "50"))
KILLS = int(os.environ.get("TCPMUX_KILLS", "10"))
NAMES = ("offer-a", "offer-b", "offer-c")
LISTEN = server.ONE_LISTENER
CONF = LISTEN + "log { level = refusals }\n"

# What may become of a conversation while a process of the daemon's dies.
ALLOWED = {
    "front": {"served", "cut", "reset"},
    "regis": {"served", "down"},
    "logger": {"served"},
}


def test_t11_offers_outlive_reloads_under_load(host, tcpmuxd):
    """T11: RELOADS times SIGHUP; no conversation is lost or another's."""
    started = tcpmuxd(conf=CONF)
    with Offers(started, NAMES) as offers:
        with load.under_load(started.addresses[0], NAMES) as clients:
            for i in range(RELOADS):
                more = "".join(host.service(f"a{j}", "builtin = daytime")
                               for j in range(i % 3))
                started.reload(CONF + more)
                with Offer(started, f"new-{i}") as offer:
                    assert offer.taken, offer.answer
        clients.show(f"{RELOADS} reloads in {clients.seconds:.0f} s")
        assert set(clients.outcomes()) == {"served"}, clients.counts
        assert not offers.ended
        assert set(NAMES) <= set(listed(started.addresses[0]))


def test_t11_all_that_is_offered_passes_a_reload(tcpmuxd):
    """T11: 300 names, some with connections in the queue; all are there."""
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]
    names = [f"n{i}" for i in range(300)]
    with Offers(started, names), \
            Offer(started, "waits") as waits:
        before = listed(address)
        socks = [callers.call(address, "waits", b"%d\n" % i)
                 for i in range(20)]
        started.settle()
        started.reload(CONF)
        assert listed(address) == before
        for name in names[::7]:
            assert callers.is_served(address, name)
        for _ in socks:     # two fronts, so they come in any order
            taken, _ = waits.take()
            with taken:
                taken.sendall(OK + taken.recv(10))
        for i, sock in enumerate(socks):
            with sock:
                assert server.read_all(sock) == OK + b"%d\n" % i
    proc.wait_until(lambda: listed(address) == ["tcpmux"], "their ends")


def test_t11_a_reload_that_fails_leaves_offers_alone(tcpmuxd):
    """The old registrar goes on, as if nothing had been."""
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]
    with Offers(started, NAMES) as offers:
        server.write_conf(started.conf,
                          CONF + 'log { to = "/nosuch/log" }\n')
        started.process.send_signal(signal.SIGHUP)
        started.wait_for("^tcpmuxd: configuration not changed")
        for name in NAMES:
            assert callers.is_served(address, name)
        with Offers(started, ["another"]):
            assert callers.is_served(address, "another")
        server.write_conf(started.conf, CONF)
        started.process.send_signal(signal.SIGHUP)
        started.wait_for(server.SERVING)
        assert callers.is_served(address, "offer-a") and not offers.ended


def test_t11_a_service_takes_over_an_offered_name(host, tcpmuxd):
    """A configuration that has the name now: it wins, and the offer is told.
    """
    started = tcpmuxd(conf=CONF)
    with Offer(started, "echo") as offer:
        assert offer.taken
        started.reload(CONF + host.echo("builtin"))
        with callers.call(started.addresses[0], "echo") as sock:
            assert callers.converse(sock, b"x") == OK + b"x"
        line = hear(offer.link)
        assert line.startswith(b"-configured ") or line == b"", line
    assert listed(started.addresses[0]).count("echo") == 1


def test_t11_a_request_in_the_midst_of_a_reload(tcpmuxd):
    """A program that is slow to say what it wants may do so behind it."""
    started = tcpmuxd(conf=CONF)
    with dial(started.control) as link:
        started.settle()
        started.reload(CONF)
        try:
            link.send(b"offer/slow\r\n")
            line = hear(link)
        except BrokenPipeError:
            line = b""
        # At worst it has to come again, which is what libtcpmux does.
        assert line in (b"+slow\r\n", b"") or \
            line.startswith((b"-stopping ", b"-busy ")), line
    with Offer(started, "slow") as offer:
        assert offer.taken, offer.answer


@pytest.mark.parametrize("name", ALLOWED)
def test_t10_killed_process_is_replaced_and_offers_are_back(tcpmuxd, name):
    """T10: what is lost is its own; all names are served again."""
    started = tcpmuxd(conf=CONF)
    with Offers(started, NAMES, again=True):
        with load.under_load(started.addresses[0], NAMES) as clients:
            for _ in range(KILLS):
                kill_one(started, name)
                clients.wait_served()
        clients.show(f"{KILLS} kills of {name}")
        assert set(clients.outcomes()) <= ALLOWED[name], clients.counts
        proc.wait_until(
            lambda: set(NAMES) <= set(listed(started.addresses[0])), "all")


@pytest.mark.parametrize("name", ["front", "regis"])
def test_t10_who_cannot_be_introduced_is_tried_again(tcpmuxd, name):
    """T10: as many descriptors as may be are on their way, when the registrar
    is to be told of a front."""
    started = tcpmuxd(conf=CONF + "fronts = 1\n")
    address = started.addresses[0]
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    # Where there are too few descriptors, a front ends by itself.
    started.expected = started.expected | {"status 71"}
    with contextlib.ExitStack() as stack:
        stack.enter_context(Offer(started, "stuck"))
        for _ in range(60):
            stack.enter_context(callers.call(address, "stuck"))
        started.settle()
        started.limit_files(50, started.pid)
        os.kill(started.wait_named(name)[0], signal.SIGKILL)
        started.wait_for(f"cannot introduce the {name}")
        started.limit_files(files, started.pid)
    with Offer(started, "good") as offer:
        assert offer.taken
        proc.wait_until(lambda: "good" in listed(address), "the front")
        with callers.call(address, "good") as sock:
            taken, _ = offer.take()
            with taken:
                taken.sendall(OK)
            assert server.read_all(sock) == OK


def test_t10_killed_registrar_loses_no_connection_in_a_queue(tcpmuxd):
    """T10: what has been handed over is the program's, whoever dies."""
    started = tcpmuxd(conf=CONF)
    with Offer(started, "name") as offer:
        socks = [callers.call(started.addresses[0], "name") for _ in range(9)]
        started.settle()
        kill_one(started, "regis")
        for _ in socks:         # in whatever order the fronts have sent them
            taken, _ = offer.take()
            with taken:
                taken.sendall(OK)
        for sock in socks:
            with sock:
                assert server.read_all(sock) == OK
        assert offer.take() == (None, b"")


def test_t10_killed_daemon_and_the_next_one(tcpmuxd, folder):
    """kill -9 of the monitor: the programs see it, and offer to the next
    daemon at the same place."""
    conf = CONF + f'control = "{folder}/own-control"\n'
    first = tcpmuxd(conf=conf)
    with Offers(first, NAMES, again=True) as offers:
        processes = first.processes()
        first.process.kill()
        first.wait()
        for pid in processes[1:]:
            proc.wait_gone(pid)
        proc.wait_until(lambda: set(offers.ended) == set(NAMES), "the end")
        second = tcpmuxd(conf=conf)
        for name in NAMES:
            proc.wait_until(lambda n=name: callers.is_served(
                second.addresses[0], n), f"{name} to be back")


def test_a_second_daemon_does_not_take_the_socket(tcpmuxd, folder):
    """Two daemons with one control socket: the first one keeps it."""
    conf = CONF + f'control = "{folder}/own-control"\n'
    first = tcpmuxd(conf=conf)
    server.write_conf(f"{folder}/second.conf", conf)
    second = server.Server("-f", f"{folder}/second.conf")
    assert second.wait() != 0
    assert any("own-control" in line for line in second.said), second.said
    with Offers(first, ["name"]):
        assert callers.is_served(first.addresses[0], "name")


def test_a_daemon_that_stops_says_so(tcpmuxd):
    """SIGTERM: the offers are told, or see the end; nobody listens then."""
    started = tcpmuxd(conf=CONF)
    with Offer(started, "name") as offer:
        assert offer.taken
        assert started.stop() == 0
        line = hear(offer.link)
        assert line == b"" or line.startswith(b"-stopping "), line
    # Who has given up root's rights cannot remove it from root's folder.
    with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
        dial(started.control)


def test_t10_kill_9_of_programs_during_the_hand_over(folder, tcpmuxd):
    """T10: their clients see an end, a reset or -; never another service."""
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]
    victims = ("victim-a", "victim-b", "victim-c")
    broken = []

    def offer(name):
        with Program(folder, started, [name]) as program:
            if not program.taken:
                broken.append(program.answers)
            for _ in range(20):         # and then, in the midst of its work
                if not callers.is_served(address, name):
                    break

    def offer_on(name):
        for _ in range(KILLS):
            if not broken:
                offer(name)

    for name in victims:
        offer(name)             # from now on, its name is kept
    with Offers(started, ["steady"]):
        with load.Load(address, (*victims, "steady")) as clients:
            threads = [threading.Thread(target=offer_on, args=(name,))
                       for name in victims]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            before = clients.served()["steady"]
            proc.wait_until(
                lambda: clients.served()["steady"] > before, "the steady one")
    clients.show(f"{KILLS} kills of each")
    assert not broken and not clients.wrong
    assert set(clients.outcomes()) <= {"served", "down", "cut", "reset"}
    others = {how for (kind, how) in clients.counts if kind == "steady"}
    assert others == {"served"}, clients.counts
    assert all(clients.served().values())


def test_t10_kill_9_with_connections_in_the_queue(folder, tcpmuxd):
    """What waits in the queue of a program that dies sees the end at once."""
    started = tcpmuxd(conf=CONF)
    with Program(folder, started, ["name"]) as program:
        assert program.taken
        program.process.send_signal(signal.SIGSTOP)
        proc.wait_until(lambda: proc.state(program.pid) == "T", "the stop")
        socks = [callers.call(started.addresses[0], "name") for _ in range(9)]
        started.settle()
        program.kill()
        for sock in socks:
            with sock:
                try:
                    assert server.read_all(sock) == b""
                except ConnectionResetError:
                    pass
    assert callers.reply(started.addresses[0], "name") in load.REFUSALS
