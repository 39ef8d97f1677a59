"""kill -9 of each process while clients ask: what is lost, and what is not.

Wherever it strikes: no answer is another's, no connection is refused, and
all is back.
"""

import collections
import contextlib
import os
import random
import signal
import time

import pytest

import callers
import load
import pace
import proc
import server
from offerers import Offers
from services import OK

KILLS = int(os.environ.get("TCPMUX_KILLS", "5"))
RANDOM_KILLS = int(os.environ.get("TCPMUX_RANDOM_KILLS", "40"))

# What may become of conversations; those that a process held end with it.
ALLOWED = {
    "front": {"served", "cut", "reset"},
    "relay": {"served", "cut", "reset"},
    "spawn": {"served", "cut", "reset"},
    "logger": {"served"},
    "regis": {"served", "down"},
}


def kill_one(started, name):
    """kill -9 the oldest process of a name; wait until another is there."""
    before = started.wait_named(name)
    os.kill(before[0], signal.SIGKILL)
    proc.wait_gone(before[0])
    proc.wait_until(
        lambda: len(started.named(name)) >= len(before) and
        before[0] not in started.named(name), f"another {name}")


@pytest.mark.parametrize("name", ALLOWED)
def test_t10_killed_process_is_replaced_under_load(host, tcpmuxd, name):
    """T10: the loss is limited to its own connections, and all is back."""
    started = tcpmuxd(conf=load.configuration(host))
    with load.under_load(started.addresses[0]) as clients:
        for _ in range(KILLS):
            kill_one(started, name)
            clients.wait_served()
    clients.show(f"{KILLS} kills of {name}")
    assert set(clients.outcomes()) <= ALLOWED[name], clients.counts
    others = {kind: how for (kind, how) in clients.counts if how != "served"}
    if name == "relay":
        assert set(others) <= {"relay", "nested"}
    if name == "spawn":
        assert set(others) <= {"exec"}
    if name == "regis":
        assert set(others) <= {"socket"}


def test_t10_killed_logger_of_older_processes_is_replaced(host, tcpmuxd):
    """T10: what they have to say to the end of conversations is logged."""
    started = tcpmuxd(conf=host.echo("cat"))
    with callers.call(started.addresses[0], "echo", b"x") as held:
        assert callers.read_exactly(held, len(OK) + 1) == OK + b"x"
        port = held.getsockname()[1]
        started.reload(server.ONE_LISTENER + host.echo("cat"))
        older = started.named("logger")[0]
        os.kill(older, signal.SIGKILL)
        proc.wait_gone(older)
    started.wait_for(f"peer=127.0.0.1:{port} .*verdict=served")
    proc.wait_until(lambda: len(started.named("logger")) == 1,
                    "the older logger to end")


def test_t10_killed_monitor_takes_all_along(host, tcpmuxd):
    """T10: kill -9 of the monitor: every process of the daemon ends."""
    started = tcpmuxd(conf=load.configuration(host))
    with load.Load(started.addresses[0]) as clients:
        clients.wait_served()
        processes = started.processes()
        started.process.kill()
        assert started.wait() == -signal.SIGKILL
        for pid in processes[1:]:
            proc.wait_gone(pid)
    assert clients.wrong == []
    with pytest.raises(ConnectionRefusedError):
        server.connect(started.addresses[0])


def test_t10_killed_spawn_leaves_its_programs(host, tcpmuxd):
    """T10: a program that has begun has nothing to do with spawn any more."""
    started = tcpmuxd(conf=host.echo("cat"))
    with callers.call(started.addresses[0], "echo", b"before") as sock:
        assert callers.read_exactly(sock, len(OK)) == OK
        assert callers.read_exactly(sock, 6) == b"before"
        kill_one(started, "spawn")
        assert callers.converse(sock, b"after") == b"after"
    assert callers.is_served(started.addresses[0], "echo")


def test_t10_killed_relay_never_looks_complete(host, tcpmuxd):
    """T16: what a relay carried when it died ends with a reset."""
    started = tcpmuxd(conf="relays = 1\n" + host.echo("relay-tcp"))
    with callers.call(started.addresses[0], "echo", b"before") as sock:
        assert callers.read_exactly(sock, len(OK)) == OK
        assert callers.read_exactly(sock, 6) == b"before"
        kill_one(started, "relay")
        with pytest.raises(ConnectionResetError):
            server.read_all(sock)
    assert callers.is_served(started.addresses[0], "echo")


def test_t10_connections_wait_for_a_killed_taker(host, tcpmuxd):
    """T10: who is in the queue of a relay that died is the next one's."""
    started = tcpmuxd(conf="relays = 1\n" + host.echo("relay-tcp"))
    relay = started.wait_named("relay")[0]
    os.kill(relay, signal.SIGSTOP)
    socks = [callers.call(started.addresses[0], "echo", b"%d" % i)
             for i in range(20)]
    proc.wait_until(lambda: proc.state(relay) == "T", "the relay to stop")
    proc.wait_until(lambda: all(proc.at_rest(pid) for pid in
                                started.named("front")), "the fronts")
    os.kill(relay, signal.SIGKILL)
    for i, sock in enumerate(socks):
        with sock:
            assert callers.converse(sock, b"x") == OK + b"%dx" % i


def hold(address, service, number):
    """So many connections that are served; none if one is refused."""
    held = []
    for _ in range(number):
        held.append(callers.call(address, service))
        if callers.read_line(held[-1]) != OK:
            release(held)
            return []
    return held


def release(held):
    """Close all of these."""
    for sock in held:
        sock.close()


def test_limits_survive_a_kill(host, tcpmuxd):
    """What a killed process had counted is given back: no limit leaks."""
    started = tcpmuxd(conf="relays = 1\nfronts = 1\nmax-per-source = 4\n" +
                      host.echo("relay-tcp", "relay", "max = 2") +
                      host.echo("cat", "exec", "max = 2"))
    address = started.addresses[0]
    for name, service in (("relay", "relay"), ("spawn", "exec"),
                          ("front", "tcpmux")):
        for _ in range(3):
            held = proc.wait_until(lambda s=service: hold(address, s, 2),
                                   f"{service} to be free")
            kill_one(started, name)
            release(held)
    for service in ("relay", "exec", "tcpmux"):
        release(proc.wait_until(lambda s=service: hold(address, s, 2),
                                f"{service} to be free again"))


def end_one(started, rand):
    """kill -9 of any process but the monitor, at any instant; milliseconds
    until as many are there again."""
    everybody = proc.children(started.monitor)
    pid = rand.choice(everybody)
    name = proc.read(pid, "comm").rstrip("\n")
    began = time.monotonic()
    # One that could not be introduced, as another was killed, has gone.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    proc.wait_gone(pid)
    proc.wait_until(lambda: len(proc.children(started.monitor)) >=
                    len(everybody), f"another {name}")
    return name, 1000 * (time.monotonic() - began)


def test_t10_any_process_at_any_instant(host, tcpmuxd):
    """T10: no answer is another's, everybody is answered, and all is back."""
    rand = random.Random(10)
    started = tcpmuxd(conf="log { level = nothing }\n" +
                      host.echo("builtin", "echo") + host.echo("cat", "cat"))
    slowest = collections.defaultdict(float)
    with pace.under_pace(started.addresses[0], pace.RATE, "tcpmux", "echo=",
                         "nested=echo=") as paced, \
            Offers(started, ["offered"], again=True):
        for _ in range(RANDOM_KILLS):
            # It may strike while another is about to start.
            for _ in range(rand.randrange(50)):
                proc.children(started.monitor)
            name, ms = end_one(started, rand)
            slowest[name] = max(slowest[name], ms)
        proc.wait_until(lambda: callers.is_served(
            started.addresses[0], "offered"), "the offer to be made again")
    paced.show(f"{RANDOM_KILLS} kills, back in ms at the most " +
               str({name: round(ms) for name, ms in slowest.items()}))
    assert set(paced.outcomes()) <= {"served", "cut", "reset", "down"}
    assert callers.is_served(started.addresses[0], "cat")


def test_t10_monitor_at_any_instant(host, tcpmuxd):
    """T10: all end with it, also those that it has just started."""
    rand = random.Random(11)
    for _ in range(RANDOM_KILLS // 10):
        started = tcpmuxd(conf="log { level = nothing }\n" +
                          host.echo("builtin", "echo"))
        with pace.under_pace(started.addresses[0], pace.RATE, "tcpmux",
                             "echo=") as paced:
            number = rand.choice((signal.SIGHUP, signal.SIGUSR2, 0))
            started.process.send_signal(number)
            for _ in range(rand.randrange(1000)):
                proc.children(started.pid)
            everybody = proc.descendants(started.pid)
            started.process.kill()
            assert started.wait() == -signal.SIGKILL
            for pid in everybody:
                proc.wait_gone(pid)
        assert set(paced.outcomes()) <= {"served", "cut", "reset", "down",
                                         "no-connection", "stopping"}
