"""What is counted, and told: exactly what has happened, whoever dies."""

import contextlib
import os
import re
import signal

import pytest

import callers
import load
import offerers
import proc
import server
import told
from callers import call, converse, read_line
from services import OK, as_nobody, need

N = 7


def ends(all_):
    """What became of requests; a hand-over is counted behind the reply."""
    return sum(all_.refused().values()) + sum(
        all_.total(key) for key in ("help", "tcpmux", "handed-exec",
                                    "handed-relay", "handed-socket",
                                    "handed-offer"))


def settle(started, requests):
    """The snapshot that has so many requests in it, and their ends."""
    return told.wait_for(
        started, lambda all_: all_.total("requests") == requests and
        ends(all_) >= requests, f"{requests} requests")


@pytest.mark.parametrize("kind, word, handed", [
    ("cat", "exec", "handed-exec"), ("relay-tcp", "relay", "handed-relay"),
    ("relay-unix", "relay", "handed-relay"),
    ("socket", "socket", "handed-socket"),
    ("builtin", "echo", "handed-relay")])
def test_each_request_is_counted_once(host, tcpmuxd, kind, word, handed):
    """requests, handed, the histogram, and the total of the kind."""
    started = tcpmuxd(conf=host.echo(kind))
    for _ in range(N):
        assert callers.reply(started.addresses[0], "echo").startswith(OK)
    all_ = settle(started, N)
    echo = all_.service("echo")
    assert (echo["kind"], echo["requests"], echo["handed"],
            echo["refused"]) == (word, N, N, 0)
    assert sum(map(int, echo["times"].split(","))) == N
    assert 0 < echo["time-us"] < 10**7 * N
    assert all_.total("accepted") == N
    assert [key for key in ("exec", "relay", "socket", "offer")
            if all_.total(f"handed-{key}")] == [handed[7:]]
    assert all_.total(handed) == N
    assert all_.refused() == {}


def test_offers_are_counted_by_their_name(tcpmuxd):
    """Names of the configuration, and others; and each program has a line."""
    started = tcpmuxd(conf='service "Web" { offered-by = {"root"} }\n')
    address = started.addresses[0]
    with offerers.Offers(started, ("web", "free"), "share"), \
            offerers.Offers(started, ("FREE",), "share", "hidden"):
        for _ in range(N):
            assert callers.reply(address, "wEb").startswith(OK)
            assert callers.reply(address, "fREE").startswith(OK)
        all_ = settle(started, 2 * N)
        assert all_.total("handed-offer") == 2 * N
        web, free = all_.service("Web"), all_.service("free")
        for each in (web, free):
            assert (each["kind"], each["state"], each["requests"],
                    each["handed"]) == ("offer", "up", N, N)
            assert each["queue"] == 0 and each["queue-max"] >= 8
        assert "line" in web and "line" not in free
        assert (web["hidden"], free["hidden"]) == ("no", "yes")
        me = {"uid": str(os.getuid()), "pid": str(os.getpid())}
        assert len(all_.all("offer", name="free", **me)) == 2
        assert all_.one("offer", name="Web", **me)["shared"] == "yes"
    told.wait_for(started, lambda all_: not all_.all("offer"), "no offer")
    all_ = told.snapshot(started)
    assert all_.service("Web")["state"] == "down"
    # It is kept for its user, and so is what was counted for it.
    assert all_.service("free")["state"] == "down"
    assert all_.service("free")["handed"] == N
    assert callers.reply(address, "free").startswith(b"-Service not running")
    all_ = settle(started, 2 * N + 1)
    assert all_.refused("free") == all_.refused() == {"down": 1}


def test_those_that_wait_for_a_program_are_told(tcpmuxd):
    """queue= is how many connections nobody has taken yet."""
    started = tcpmuxd()
    with offerers.Offer(started, "slow") as offer, \
            contextlib.ExitStack() as stack:
        assert offer.taken
        for _ in range(3):
            stack.enter_context(call(started.addresses[0], "slow"))
        all_ = told.wait_for(
            started, lambda all_: all_.service("slow")["queue"] == 3,
            "three that wait")
        line = all_.one("offer", name="slow")
        assert line["queue"] == "3" and int(line["queue-max"]) >= 8
        offer.take()[0].close()
        told.wait_for(started,
                      lambda all_: all_.service("slow")["queue"] == 2,
                      "two that wait")


def test_answers_of_the_mux_itself(tcpmuxd):
    """HELP and tcpmux are requests, and handed to nobody."""
    started = tcpmuxd()
    address = started.addresses[0]
    assert server.ask(address, b"help\r\n").endswith(b"\r\n")
    with server.connect(address) as sock:
        assert converse(sock, b"tcpmux\r\nTCPMUX\r\nhelp\r\n").startswith(OK)
    all_ = settle(started, 4)
    assert (all_.total("help"), all_.total("tcpmux")) == (2, 2)
    assert all_.total("accepted") == 2
    assert all_.service("tcpmux")["requests"] == 2
    assert all_.service("tcpmux")["handed"] == 0


def test_refusals_are_counted_by_their_reason(host, tcpmuxd, folder):
    """In all, and for the name, if one was asked for that is known."""
    started = tcpmuxd(
        conf=host.service("full", f'exec = {{"{need("cat")}"}} max = 1 ' +
                          as_nobody()) +
        host.service("down", f'socket = "{folder}/nobody"') +
        host.service("gone", f'relay = "unix:{folder}/nobody"') +
        host.service("mine", 'builtin = echo from = {"127.0.0.9"}') +
        host.service("fast", 'builtin = echo rate = "1/1h"') +
        host.service("tcpmux", 'builtin = tcpmux rate = "1/1h"'))
    address = started.addresses[0]

    def refuse(name, times=1):
        for _ in range(times):
            assert callers.reply(address, name).startswith(b"-")

    with call(address, "full") as sock:
        assert read_line(sock) == OK
        refuse("full", 2)
    refuse("down", 3)
    refuse("gone", 4)
    refuse("mine", 5)
    refuse("nothing", 6)
    refuse("bad name", 7)
    assert callers.reply(address, "fast").startswith(OK)
    refuse("fast", 2)
    assert callers.reply(address, "tcpmux").startswith(OK)
    refuse("tcpmux", 1)
    all_ = told.wait_for(
        started, lambda all_: sum(all_.refused().values()) == 30,
        "all refusals")
    assert all_.refused("full") == {"full": 2}
    assert all_.refused("down") == {"down": 3}
    assert all_.refused("gone") == {"down": 4}
    assert all_.refused("mine") == {"unknown": 5}
    assert all_.refused("fast") == {"rate": 2}
    assert all_.refused("tcpmux") == {"rate": 1}
    assert all_.refused() == {"full": 2, "down": 7, "unknown": 11,
                              "byte": 7, "rate": 3}
    assert all_.service("gone")["refused"] == 4
    # Who takes it may refuse it: then it was handed over all the same.
    assert all_.service("full")["handed"] == 3
    assert all_.service("mine")["handed"] == 0


def test_bytes_are_counted_while_they_move(host, tcpmuxd):
    """in and out: those that a relay has moved so far, not at the end."""
    started = tcpmuxd(conf=host.echo("relay-tcp") +
                      host.echo("builtin", "own") +
                      host.service("date", "builtin = daytime"))
    address = started.addresses[0]
    with call(address, "echo") as sock, call(address, "own") as own:
        for each in (sock, own):
            assert read_line(each) == OK
            each.sendall(b"x" * 1000)
            assert callers.read_exactly(each, 1000) == b"x" * 1000
        all_ = told.wait_for(
            started, lambda all_: all_.total("out") >= 2000, "the bytes")
        for name in ("echo", "own"):
            line = all_.service(name)
            assert (line["in"], line["out"], line["current"]) == \
                (1000, 1000, 1)
        assert (all_.total("in"), all_.total("out")) == (2000, 2000)
    with call(address, "date") as sock:
        date = converse(sock, b"")
    all_ = settle(started, 3)
    assert all_.service("date")["out"] == len(date) - len(OK)
    assert all_.service("date")["in"] == 0
    told.wait_for(started,
                  lambda all_: all_.service("echo")["current"] == 0,
                  "the end of it")


def test_who_waits_and_who_lingers(tcpmuxd):
    """Gauges of the fronts: each by its state, and none for ever."""
    started = tcpmuxd()
    address = started.addresses[0]
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(server.connect(address)).sendall(b"hal")
        for _ in range(2):
            sock = stack.enter_context(server.connect(address))
            sock.sendall(b"nothing\r\n")
            assert read_line(sock).startswith(b"-No such")
        told.wait_for(started, lambda all_: (
            all_.total("waiting"), all_.total("lingering")) == (3, 2),
            "three and two")
    told.wait_for(started, lambda all_: (
        all_.total("waiting"), all_.total("lingering")) == (0, 0), "nobody")


@pytest.mark.parametrize("kind, process", [
    ("cat", "spawn"), ("relay-tcp", "relay"), ("builtin", "relay")])
def test_t10_current_is_right_after_a_kill(host, tcpmuxd, kind, process):
    """kill -9 of whoever holds connections gives back what was counted, and
    forgets nothing of what has happened."""
    started = tcpmuxd(conf="relays = 1\n" + host.echo(kind))
    address = started.addresses[0]
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            sock = stack.enter_context(call(address, "echo"))
            assert read_line(sock) == OK
        settle(started, 3)
        told.wait_for(started,
                      lambda all_: all_.service("echo")["current"] == 3,
                      "three")
        victim = started.wait_named(process)[0]
        os.kill(victim, signal.SIGKILL)
        proc.wait_gone(victim)
        told.wait_for(started,
                      lambda all_: all_.service("echo")["current"] == 0,
                      "none")
    assert callers.reply(address, "echo").startswith(OK)
    all_ = settle(started, 4)
    assert all_.service("echo")["handed"] == 4


def test_t10_a_killed_front_forgets_nothing(host, tcpmuxd):
    """What it had counted stays; who waited there does not."""
    started = tcpmuxd(conf="fronts = 1\n" + host.echo("builtin"))
    address = started.addresses[0]
    assert callers.reply(address, "echo").startswith(OK)
    settle(started, 1)
    with server.connect(address):
        told.wait_for(started, lambda all_: all_.total("waiting") == 1,
                      "one that waits")
        victim = started.wait_named("front")[0]
        os.kill(victim, signal.SIGKILL)
        proc.wait_gone(victim)
        told.wait_for(started, lambda all_: all_.total("waiting") == 0,
                      "none that waits")
    assert callers.reply(address, "echo").startswith(OK)
    all_ = settle(started, 2)
    assert all_.service("echo")["requests"] == 2
    assert all_.total("accepted") == 3


def test_numbers_go_on_over_a_reload(host, tcpmuxd):
    """By the name, wherever it stands now; one that is new begins at 0."""
    echo = server.ONE_LISTENER + host.echo("builtin")
    started = tcpmuxd(conf=echo + host.echo("builtin", "old"))
    address = started.addresses[0]
    with offerers.Offers(started, ("free",)):
        for name in ("echo", "old", "free"):
            assert callers.reply(address, name).startswith(OK)
        settle(started, 3)
        started.reload(host.echo("builtin", "aaa") + echo)
        for name in ("echo", "free"):
            assert callers.reply(address, name).startswith(OK)
        all_ = settle(started, 5)
        assert [all_.service(name)["handed"]
                for name in ("aaa", "echo", "free")] == [0, 2, 2]
        assert all_.all("service", name="old") == []
        # It may get the place that "old" had, but not its numbers.
        for new in ("bbb", "ccc", "old"):
            started.reload(host.echo("builtin", new) + echo)
            all_ = told.wait_for(
                started, lambda all_, new=new: all_.all("service", name=new),
                "the new generation")
            assert all_.service(new)["requests"] == 0
            assert all_.service("echo")["requests"] == 2
    assert all_.total("requests") == 5
    assert int(all_.one("tcpmuxd")["reloads"]) == 4


def test_the_order_of_the_text_and_its_words(host, tcpmuxd):
    """What the daemon is, its processes and listeners, and their keys."""
    started = tcpmuxd(conf="fronts = 2\n" + host.echo("cat") +
                      host.echo("relay-tcp", "relayed"))
    all_ = told.snapshot(started)
    daemon = all_.one("tcpmuxd")
    assert all_.lines[0][0] == "tcpmuxd"
    assert int(daemon["pid"]) == started.pid
    assert daemon["state"] == "serving" and daemon["fronts"] == "2"
    assert float(daemon["started"]) <= float(daemon["now"])
    assert all_.one("buckets")["us"].startswith("50,100,250,")
    host_, port = started.addresses[0]
    assert all_.one("listener")["address"] == f"{host_}:{port}"
    roles = [line["role"] for line in all_.all("process")]
    assert sorted(set(roles)) == ["front", "logger", "monitor", "registrar",
                                  "relay", "spawn"]
    assert roles.count("front") == 2
    pids = {int(line["pid"]) for line in all_.all("process")}
    assert pids == {started.pid, *started.processes()}
    for line in all_.all("process"):
        assert {"number", "generation", "state", "since", "beat-ms",
                "cpu-us", "rss-kb", "layers"} <= set(line)
    echo = all_.service("echo")
    assert echo["to"] == need("cat") and echo["line"] > 0
    assert all_.service("relayed")["to"].startswith("127.0.0.1:")


def test_t11_counts_are_exact_under_load_and_kills(host, tcpmuxd):
    """Requests are those that were asked for, while fronts and relays die and
    generations come and go; nothing is counted twice."""
    services = load.configuration(host)
    started = tcpmuxd(conf=server.ONE_LISTENER + services)
    with load.under_load(started.addresses[0]) as clients:
        for i in range(3):
            started.reload(server.ONE_LISTENER + services + "".join(
                host.service(f"a{j}", "builtin = daytime")
                for j in range(i % 3)))
            clients.wait_served()
    clients.show("with statistics")
    assert set(clients.outcomes()) == {"served"}, clients.counts
    all_ = told.wait_for(
        started, lambda all_: ends(all_) == all_.total("requests"),
        "an end of each request")
    lines = all_.all("service")
    for key in ("requests", "handed", "refused"):
        sum_ = sum(int(line[key]) for line in lines)
        total = {"requests": all_.total("requests") - all_.total("help"),
                 "handed": sum(all_.total(f"handed-{kind}") for kind in
                               ("exec", "relay", "socket", "offer")),
                 "refused": sum(all_.refused().values())}[key]
        assert sum_ == total, key
    assert all_.total("requests") == all_.total("help") + \
        all_.total("tcpmux") + sum(int(line["handed"]) for line in lines)


def mappings(pid):
    """Address ranges of the memory that a process shares, each with whether
    its children do not have it."""
    found = []
    for block in proc.read(pid, "smaps").split("VmFlags:"):
        match = re.search(r"^([0-9a-f]+)-([0-9a-f]+) .*/dev/zero", block,
                          re.MULTILINE)
        if found and found[-1][1] is None:
            found[-1][1] = " dc " in f"{block.splitlines()[0]} "
        if match:
            found.append([range(int(match[1], 16), int(match[2], 16)), None])
    if found and found[-1][1] is None:
        found.pop()
    return found


def test_t9_nobody_can_change_what_others_have_counted(host, tcpmuxd):
    """Each front, relay and spawn has one part, which is its own."""
    offerers.needs_root()
    started = tcpmuxd(conf="fronts = 2\nrelays = 2\n" + host.echo("cat") +
                      host.echo("builtin", "own"))
    whole = max((where for where, lent in mappings(started.pid) if lent),
                key=len)
    parts = []
    for name in ("front", "relay", "spawn"):
        for pid in started.named(name):
            inside = [where for where, _ in mappings(pid)
                      if where.start < whole.stop and
                      where.stop > whole.start]
            assert len(inside) == 1, (name, inside)
            parts += inside
    assert len(parts) == 5
    assert len({len(part) for part in parts}) == 1
    assert len({part.start for part in parts}) == 5
    for name in ("logger", "regis"):
        for pid in started.named(name):
            assert not [where for where, _ in mappings(pid)
                        if where.start in whole]
