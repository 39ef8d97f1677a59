"""What the daemon does and tells when it is asked at its control socket."""

import contextlib
import errno
import fcntl
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys

import pytest

import asking
import callers
import offerers
import proc
import server
from asking import ask, ask_as, conns, service, wait_conns
from offerers import ALICE, BOB, IDS, STRANGER, Offers, as_user, needs_root
from services import as_nobody, echo, script

CONF = "fronts = 1\nlog { level = refusals }\n"
LISTEN = 'listen "127.0.0.1" { port = 0 }\n'
BUILTIN = 'service "echo" { builtin = echo alias = "again" }\n'

READING = ("snapshot", "conns", "explain/echo")
CHANGING = ("reload", "drain/echo", "undrain/echo", "drain", "undrain",
            "kick/echo", "kick,1/", "log/refusals", "log/configured",
            "upgrade")
ONE = "+1 connection is told to end.\r\n"
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | \
    fcntl.F_SEAL_WRITE


@pytest.fixture
def daemon(tcpmuxd):
    """One with a service."""
    return tcpmuxd(conf=CONF + BUILTIN)


def drained(started, name):
    """Is a client told that it is out of service?"""
    return callers.reply(started.addresses[0], name).startswith(
        b"-Out of service for now")


# What comes back.

@pytest.mark.parametrize("request_line", READING)
def test_what_is_read_is_a_file_that_nobody_can_change(daemon, request_line):
    """It is sealed, and read from its start."""
    with offerers.dial(daemon.control) as link:
        link.send(request_line.encode() + b"\r\n")
        line, fds, _, _ = socket.recv_fds(link, asking.LINE, 4)
        assert line.startswith(b"+") and line.endswith(b"\r\n")
        fd, = fds
        with open(fd, "rb") as file:
            assert fcntl.fcntl(fd, fcntl.F_GET_SEALS) == SEALS
            with pytest.raises(OSError) as caught:
                os.write(fd, b"x")
            assert caught.value.errno == errno.EBADF
            # What others have is the same, and root may open all.
            assert os.stat(fd).st_mode & 0o777 == 0o400
            if os.getuid() == 0:
                with open(f"/proc/self/fd/{fd}", "r+b", 0) as again:
                    for change in (lambda: again.write(b"x"),
                                   lambda: again.truncate(1)):
                        with pytest.raises(OSError) as caught:
                            change()
                        assert caught.value.errno == errno.EPERM
            assert os.lseek(fd, 0, os.SEEK_CUR) == 0
            text = file.read()
        assert text.endswith(b"\n") or request_line == "conns"
        assert link.recv(asking.LINE) == b""


def test_readers_do_not_share_a_place_in_it(daemon):
    """Who reads on cannot move another's place in the same snapshot."""
    taken = []
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            link = stack.enter_context(offerers.dial(daemon.control))
            link.send(b"snapshot\r\n")
            _, (fd,), _, _ = socket.recv_fds(link, asking.LINE, 4)
            taken.append(stack.enter_context(open(fd, "rb")))
        first = taken[0].read()
        assert first and taken[1].read() == first


def test_who_asks_at_once_gets_the_same_memory(daemon):
    """T3: many who keep what they got have no more of ours than one."""
    with contextlib.ExitStack() as stack:
        def one():
            link = stack.enter_context(offerers.dial(daemon.control))
            link.send(b"snapshot\r\n")
            _, (fd,), _, _ = socket.recv_fds(link, asking.LINE, 4)
            return os.stat(stack.enter_context(open(fd, "rb")).fileno()).st_ino
        proc.wait_until(lambda: one() == one(), "two at the same moment")


def test_requests_in_any_case(daemon):
    """As names are (rule 4)."""
    assert ask(daemon, "SnapShot").granted
    assert ask(daemon, "EXPLAIN/ECHO").granted


@pytest.mark.parametrize("request_line", [
    "snapshot/", "snapshot/x", "snapshot,x", "conns/x", "reload/x", "explain",
    "explain/", "explain,/x", "explain,127.0.0.1", "drain/", "drain,x/echo",
    "kick", "kick/", "kick,/", "kick,x/", "kick,1x/", "kick,-1/", "log",
    "log/", "log/all", "log,x/", "log/" + "x" * 200, "upgrade/x", "what",
    "explain,name.example/x", "explain,1/x"])
def test_what_is_no_request_is_told_so(daemon, request_line):
    assert ask(daemon, request_line).word == "request"


def test_names_that_are_not_there(daemon):
    """drain and kick want a service; explain can tell of any name."""
    for what in ("drain", "kick"):
        assert ask(daemon, f"{what}/nix").word == "name"
    assert ask(daemon, "drain/tcpmux").word == "name"
    assert ask(daemon, "drain/help").word == "name"
    assert ask(daemon, "kick,12345/").word == "name"
    assert "not found" in ask(daemon, "explain/nix").text


@pytest.mark.parametrize("message", [
    b"snapshot", b"snapshot\n", b"snapshot\r\nx", b"snap shot\r\n",
    b"x" * 400 + b"\r\n", b"snapshot\r\n" * 100, b"\xff\r\n", b"\0\r\n"])
def test_a_message_that_is_no_line_is_told_so(daemon, message):
    with offerers.dial(daemon.control) as link:
        link.send(message)
        assert asking.receive(link).word == "request"
    assert ask(daemon, "snapshot").granted


def test_descriptors_that_are_sent_along_are_dropped(daemon):
    """T3: the daemon gives them no room."""
    daemon.settle()
    before = [proc.fds(pid) for pid in daemon.processes()]
    with open(os.devnull, "rb") as null:
        for _ in range(10):
            with asking.with_descriptors(daemon.control,
                                         [null.fileno()] * 8) as link:
                assert asking.receive(link).granted
    proc.wait_until(lambda: [proc.fds(pid) for pid in daemon.processes()] ==
                    before, "no descriptor to be left")


def test_what_fuzzing_has_found_stays_found():
    """tests/fuzz/fuzz_request.c"""
    subprocess.run([server.BUILD / "tests/replay-request",
                    pathlib.Path(__file__).parent / "fuzz/corpus/request"],
                   check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


# What is told.

def test_conns_tells_of_each_connection(host, tcpmuxd):
    """Those that wait, those of programs, and those of back ends; the number
    of each is the same as long as it lives."""
    started = tcpmuxd(conf=CONF + host.service(
        "relayed", f'relay = "{host.backend(echo).where}"') + host.service(
            "cat", f'exec = "/bin/cat" {as_nobody()}'))
    address = started.addresses[0]
    with server.connect(address) as waits, \
            callers.call(address, "cat", b"x") as runs, \
            callers.call(address, "relayed", b"12345") as talks:
        waits.sendall(b"half")
        assert callers.read_exactly(runs, 11) == b"+OK FINE\r\nx"
        assert callers.read_exactly(talks, 15) == b"+OK FINE\r\n12345"
        found = wait_conns(started, 3)
        states = {line["state"]: line for line in found}
        assert set(states) == {"waiting", "running", "relayed"}
        for sock, state, name in ((waits, "waiting", None),
                                  (runs, "running", "cat"),
                                  (talks, "relayed", "relayed")):
            line = states[state]
            assert line["peer"] == "127.0.0.1:%d" % sock.getsockname()[1]
            assert line["listener"] == "127.0.0.1:%d" % address[1]
            assert line.get("name") == name
            assert 0 <= int(line["ms"]) < proc.PATIENCE * 1000
            assert 0 < int(line["id"]) < 1 << 53
        # What has come back here may not have been counted yet.
        proc.wait_until(lambda: [
            (line["in"], line["out"])
            for line in conns(started, state="relayed")] == [("5", "5")],
            "both ways to be counted")
        assert proc.read(int(states["running"]["pid"]), "comm") == "cat\n"
        assert states["waiting"]["process"] == "front.0"
        numbers = sorted(line["id"] for line in found)
        assert len(set(numbers)) == 3
        again = proc.wait_until(lambda: conns(started), "them again")
        assert sorted(line["id"] for line in again) == numbers
    proc.wait_until(lambda: not conns(started), "them to end")


def test_conns_of_ipv6(tcpmuxd):
    """In brackets, as everywhere."""
    started = tcpmuxd(conf=CONF + 'listen "::1" { port = 0 }\n')
    with server.connect(started.addresses[0]) as waits:
        line, = wait_conns(started, 1)
        assert line["peer"] == "[::1]:%d" % waits.getsockname()[1]


def test_a_large_snapshot_comes_whole(tcpmuxd):
    """More than any message holds."""
    started = tcpmuxd(conf=CONF + "".join(
        f'service "s{i}" {{ builtin = echo }}\n' for i in range(3000)))
    found = ask(started, "snapshot").lines("service")
    assert {line["name"] for line in found} == \
        {"tcpmux", *(f"s{i}" for i in range(3000))}


def test_explain_tells_what_would_become_of_a_request(tcpmuxd):
    """As tcpmuxd --explain does, and what the administrator has done."""
    started = tcpmuxd(conf=CONF + 'service "echo" { builtin = echo '
                      'from = {"10.0.0.0/8"} }\n')
    served = ask(started, "explain,10.1.2.3/ECHO")
    assert "served" in served.line
    assert re.search(r"^found: service echo, .*:\d+$", served.text, re.M)
    assert "let in: 10.1.2.3" in served.text
    refused = ask(started, "explain,2001:db8::1/echo")
    assert "refused" in refused.line and "not let in" in refused.text
    assert ask(started, "drain/echo").granted
    out = ask(started, "explain/echo")
    assert "refused" in out.line and "\ndrained: " in out.text
    assert out.text.endswith("refused: -Out of service for now: try again "
                             "later\n")


def test_explain_knows_who_is_there(tcpmuxd):
    """Programs that have offered a name, or have yet to."""
    started = tcpmuxd(conf=CONF + 'service "db" { offered-by = {"root"} }\n')
    assert "refused" in ask(started, "explain/db").line
    assert "not found" in ask(started, "explain/free").text
    with Offers(started, ["db", "Free"]):
        proc.wait_until(lambda: "served" in ask(started, "explain/db").line,
                        "it to be seen")
        free = ask(started, "explain,10.0.0.1/free")
        assert "served" in free.line
        assert "found: it is offered\n" in free.text
        assert "not found" not in free.text
        assert "\nprograms that take connections: 1\n" in free.text
        assert ask(started, "drain/FREE").granted
        assert "refused" in ask(started, "explain/free").line


# What is changed.

def test_reload_tells_what_it_did(tcpmuxd):
    """And what is wrong, and where."""
    started = tcpmuxd(conf=CONF + LISTEN)
    server.write_conf(started.conf, CONF + LISTEN + BUILTIN)
    assert ask(started, "reload").line == \
        "+Serving generation 2: 2 services.\r\n"
    assert callers.is_served(started.addresses[0], "echo")
    server.write_conf(started.conf, CONF + LISTEN + "max = ten\n" + BUILTIN)
    bad = ask(started, "reload")
    assert bad.word == "failed"
    assert f"{started.conf}:4: max = ten: " in bad.text
    assert callers.is_served(started.addresses[0], "echo")
    assert ask(started, "snapshot").lines("tcpmuxd")[0]["generation"] == "2"
    started.wait_for("tcpmuxd: user %d asks: reload$" % os.getuid())


def test_drain_refuses_one_service_and_no_other(host, tcpmuxd):
    """By any of its names; the mux's own services go on."""
    started = tcpmuxd(conf=CONF + BUILTIN +
                      'service "other" { builtin = daytime }\n')
    address = started.addresses[0]
    with callers.call(address, "echo") as begun:
        assert callers.read_line(begun) == b"+OK FINE\r\n"
        assert ask(started, "drain/AGAIN").line == \
            "+echo is out of service.\r\n"
        for name in ("echo", "ECHO", "again"):
            assert drained(started, name)
        begun.sendall(b"goes on")
        assert callers.read_exactly(begun, 7) == b"goes on"
    assert callers.is_served(address, "other")
    assert callers.is_served(address, "tcpmux")
    assert "echo" in offerers.listed(address)
    assert service(started, "echo")["state"] == "drained"
    assert service(started, "other")["state"] == "up"
    assert ask(started, "drain/echo").granted   # once more does no harm
    assert ask(started, "undrain/echo").granted
    assert callers.is_served(address, "again")
    assert service(started, "echo")["state"] == "up"


def test_drain_of_everything(tcpmuxd):
    """All services; undrain takes back all that was drained."""
    started = tcpmuxd(conf=CONF + BUILTIN +
                      'service "other" { builtin = daytime }\n')
    address = started.addresses[0]
    assert ask(started, "drain/echo").granted
    assert ask(started, "drain").granted
    assert drained(started, "echo") and drained(started, "other")
    assert callers.is_served(address, "tcpmux")
    assert offerers.listed(address) == ["echo", "other", "tcpmux"]
    assert callers.reply(address, "nix").startswith(b"-No such service")
    assert ask(started, "snapshot").lines("tcpmuxd")[0]["state"] == "draining"
    assert ask(started, "undrain/echo").word == "failed"
    assert ask(started, "undrain").granted
    assert callers.is_served(address, "echo")
    assert callers.is_served(address, "other")
    assert ask(started, "snapshot").lines("tcpmuxd")[0]["state"] == "serving"


def test_rule_29_who_may_not_use_a_service_does_not_hear_of_a_drain(tcpmuxd):
    started = tcpmuxd(conf=CONF + 'service "echo" { builtin = echo '
                      'from = {"10.0.0.0/8"} }\n')
    before = callers.reply(started.addresses[0], "echo")
    assert ask(started, "drain/echo").granted
    assert callers.reply(started.addresses[0], "echo") == before


def test_drain_survives_a_reload_and_the_death_of_anybody(tcpmuxd):
    """The monitor knows it; a service that comes back is still drained."""
    started = tcpmuxd(conf=CONF + LISTEN + BUILTIN)
    assert ask(started, "drain/echo").granted
    started.reload(CONF + LISTEN)
    assert callers.reply(started.addresses[0], "echo").startswith(b"-No such")
    started.reload(CONF + LISTEN + 'service "a" { builtin = echo }\n' +
                   BUILTIN)
    assert drained(started, "echo")
    assert callers.is_served(started.addresses[0], "a")
    for name in ("front", "regis"):
        old = started.wait_named(name)
        os.kill(old[0], signal.SIGKILL)
        proc.wait_until(lambda: started.named(name) not in ([], old),
                        "the next")
    assert drained(started, "echo")
    assert proc.wait_until(lambda: ask(started, "undrain/echo").granted,
                           "the registrar")
    assert callers.is_served(started.addresses[0], "echo")


def test_drain_survives_an_upgrade(daemon):
    """And so does the level of the log."""
    assert ask(daemon, "drain/echo").granted
    assert ask(daemon, "log/nothing").granted
    assert ask(daemon, "upgrade").line == "+The new program serves.\r\n"
    assert drained(daemon, "echo")
    line, = ask(daemon, "snapshot").lines("tcpmuxd")
    assert (line["upgrades"], line["log"]) == ("1", "nothing")
    assert ask(daemon, "undrain").granted
    assert callers.is_served(daemon.addresses[0], "echo")


def test_drain_of_an_offered_name(tcpmuxd):
    """Also while nobody offers it, for as long as it is kept."""
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]
    with Offers(started, ["Mine", "other"]):
        assert callers.is_served(address, "mine")
        assert ask(started, "drain/mine").granted
        assert drained(started, "MINE")
        assert callers.is_served(address, "other")
    with Offers(started, ["mine"]):
        assert drained(started, "mine")
        assert ask(started, "undrain/Mine").granted
        assert callers.is_served(address, "mine")


def test_so_many_names_are_drained_one_by_one(tcpmuxd):
    """The next is -busy; to drain everything always works."""
    started = tcpmuxd(conf=CONF + "".join(
        f'service "s{i}" {{ builtin = daytime }}\n' for i in range(257)))
    answers = [ask(started, f"drain/s{i}").word for i in range(257)]
    assert answers == ["+"] * 256 + ["busy"]
    assert drained(started, "s255")
    assert callers.is_served(started.addresses[0], "s256")
    assert ask(started, "drain").granted and drained(started, "s256")
    assert ask(started, "undrain").granted
    assert callers.is_served(started.addresses[0], "s0")


def test_t16_a_relayed_conversation_that_is_kicked_is_reset(host, tcpmuxd):
    """On both sides: it never looks complete; the others go on."""
    started = tcpmuxd(conf=CONF + BUILTIN + host.service(
        "it", f'relay = "{host.backend(echo).where}"'))
    address = started.addresses[0]
    with callers.call(address, "it", b"1") as one, \
            callers.call(address, "it", b"2") as two, \
            callers.call(address, "echo", b"3") as other:
        for sock in (one, two, other):
            assert len(callers.read_exactly(sock, 11)) == 11
        line = next(line for line in wait_conns(started, 2, name="it")
                    if line["peer"].endswith(":%d" % one.getsockname()[1]))
        assert ask(started, f"kick,{line['id']}/").line == ONE
        with pytest.raises(ConnectionResetError):
            one.recv(1)
        wait_conns(started, 1, name="it")
        assert ask(started, f"kick,{line['id']}/").word == "name"
        two.sendall(b"x")
        assert callers.read_exactly(two, 1) == b"x"
        assert ask(started, "kick/IT").line == ONE
        with pytest.raises(ConnectionResetError):
            two.recv(1)
        other.sendall(b"x")
        assert callers.read_exactly(other, 1) == b"x"
        assert ask(started, "kick/again").line == ONE
        with pytest.raises(ConnectionResetError):
            other.recv(1)
    proc.wait_until(lambda: not conns(started), "them to end")


def test_kick_reaches_what_older_generations_have(host, tcpmuxd):
    """A conversation that a reload has left to its old relay."""
    conf = CONF + LISTEN + host.service(
        "it", f'relay = "{host.backend(echo).where}"')
    started = tcpmuxd(conf=conf)
    with callers.call(started.addresses[0], "it", b"1") as one, \
            callers.call(started.addresses[0], "it", b"2") as two:
        for sock in (one, two):
            assert len(callers.read_exactly(sock, 11)) == 11
        old = wait_conns(started, 2, generation="1")
        # The service has another place in the next table.
        started.reload(conf + 'service "a" { builtin = echo }\n')
        assert {line["id"] for line in conns(started, name="it")} == \
            {line["id"] for line in old}
        number, = [line["id"] for line in old
                   if line["peer"].endswith(":%d" % one.getsockname()[1])]
        assert ask(started, f"kick,{number}/").line == ONE
        with pytest.raises(ConnectionResetError):
            one.recv(1)
        wait_conns(started, 1, name="it")
        assert ask(started, "kick/it").line == ONE
        with pytest.raises(ConnectionResetError):
            two.recv(1)


STUBBORN = """\
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    print("child", flush=True)
    time.sleep(1000)
print("parent", flush=True)
time.sleep(1000)
"""


def test_a_program_that_is_kicked_is_told_to_end_and_then_killed(
        host, folder, tcpmuxd):
    """And all that it has started; one that ends by itself is not killed."""
    started = tcpmuxd(conf=CONF.replace("refusals", "connections") +
                      host.service("cat", f'exec = "/bin/cat" {as_nobody()}') +
                      host.service("stubborn", "exec = {" + script(
                          folder, "stubborn.py", STUBBORN) +
                          "} " + as_nobody()))
    address = started.addresses[0]
    with callers.call(address, "cat", b"x") as cat, \
            callers.call(address, "stubborn") as stubborn:
        assert callers.read_exactly(cat, 11) == b"+OK FINE\r\nx"
        assert len(callers.read_exactly(stubborn, 23)) == 23
        assert ask(started, "kick/cat").granted
        assert cat.recv(1) == b""
        assert ask(started, "kick/stubborn").granted
        assert ask(started, "kick/stubborn").granted    # told already
        assert stubborn.recv(1) == b""      # both of them are gone
    for name, number in (("cat", 15), ("stubborn", 9)):
        started.wait_for(f"name={name} verdict=served reason=kicked .*"
                         f"signal={number}$")
    proc.wait_until(lambda: not conns(started), "them to end")


def test_a_connection_that_waits_is_closed_when_it_is_kicked(daemon):
    """It has asked for nothing, and is told nothing."""
    with server.connect(daemon.addresses[0]) as one, \
            server.connect(daemon.addresses[0]) as two:
        port = two.getsockname()[1]
        line, = [line for line in wait_conns(daemon, 2)
                 if line["peer"].endswith(f":{port}")]
        assert ask(daemon, f"kick,{line['id']}/").granted
        assert two.recv(1) == b""
        one.sendall(b"echo\r\n")
        assert callers.read_line(one) == b"+OK FINE\r\n"


def test_what_a_program_has_taken_is_not_ours_to_kick(tcpmuxd):
    """And that is what is said."""
    started = tcpmuxd(conf=CONF)
    with Offers(started, ["mine"]), \
            callers.call(started.addresses[0], "mine") as sock:
        assert callers.read_line(sock) == b"+OK FINE\r\n"
        answer = ask(started, "kick/mine")
        assert answer.line == "+0 connections are told to end; those that " \
            "programs have taken are not ours.\r\n"
        sock.sendall(b"x\n")
        assert callers.read_exactly(sock, 7) == b"mine x\n"


def test_log_level_is_changed_until_it_is_as_configured(daemon):
    """And that of every process, at once."""
    address = daemon.addresses[0]
    callers.reply(address, "one")
    daemon.wait_for("name=one verdict=refused")
    assert ask(daemon, "log/nothing").line == "+The level is nothing.\r\n"
    callers.reply(address, "two")
    assert ask(daemon, "log/connections").granted
    with callers.call(address, "echo") as sock:
        assert callers.read_line(sock) == b"+OK FINE\r\n"
    daemon.wait_for("name=echo verdict=served")
    assert ask(daemon, "snapshot").lines("tcpmuxd")[0]["log"] == "connections"
    assert ask(daemon, "log/configured").line == "+The level is refusals.\r\n"
    callers.reply(address, "three")
    daemon.wait_for("name=three")
    assert not any("name=two" in line for line in daemon.said)


# Who may.

@pytest.fixture
def policed(tcpmuxd):
    """One that some may read from."""
    needs_root()
    return tcpmuxd(conf=CONF + BUILTIN +
                   f'readers = {{"{ALICE}", "%{BOB}"}}\n')


@pytest.mark.parametrize("prefix, word", [
    (IDS[ALICE], "+"), (IDS[BOB], "+"),
    ((STRANGER, STRANGER, (7, IDS[BOB][1])), "+"),
    ((STRANGER,), "denied"), ((65534, IDS[BOB][1]), "denied")],
    ids=["user", "group", "other group", "stranger", "nobody"])
def test_t7_readers_read_and_change_nothing(folder, policed, prefix, word):
    """Users and groups of readers; uid 65534 never."""
    answers = ask_as(folder, policed, as_user(*prefix), *READING, *CHANGING)
    assert [answer.word for answer in answers] == \
        [word] * len(READING) + ["denied"] * len(CHANGING)
    assert all((answer.text is None) == (word != "+")
               for answer in answers[:len(READING)])
    assert callers.is_served(policed.addresses[0], "echo")
    policed.wait_for("name=reload verdict=refused reason=denied by=control "
                     "user=")


def test_t7_nobody_may_read_by_default(folder, tcpmuxd):
    """But for root and the daemon's own user."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"{ALICE}"}}\n')
    for who in (IDS[ALICE], (STRANGER,)):
        assert ask_as(folder, started, as_user(*who),
                      "snapshot")[0].word == "denied"


def test_t7_who_has_started_the_daemon_may_everything(folder, tcpmuxd):
    needs_root()
    os.makedirs(f"{folder}/run", 0o755)
    os.chown(f"{folder}/run", STRANGER, STRANGER)
    started = tcpmuxd(conf=CONF + BUILTIN +
                      f'control = "{folder}/run/control"\n',
                      prefix=as_user(STRANGER))
    assert [answer.word for answer in ask_as(
        folder, started, as_user(STRANGER), "snapshot", "drain/echo",
        "reload")] == ["+"] * 3
    assert ask_as(folder, started, as_user(1), "snapshot",
                  "drain")[1].word == "denied"


def test_readers_of_a_reload_are_the_next_ones(folder, tcpmuxd):
    needs_root()
    started = tcpmuxd(conf=CONF + LISTEN)
    assert ask_as(folder, started, as_user(1), "snapshot")[0].word == "denied"
    started.reload(CONF + LISTEN + f'readers = {{"{ALICE}"}}\n')
    assert ask_as(folder, started, as_user(1), "snapshot")[0].granted


# How much.

FILLER = """\
import select, socket, sys
links = []
for _ in range(int(sys.argv[2])):
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link.connect(sys.argv[1])
    link.send(b"snapshot\\r\\n")
    if len(sys.argv) > 3:
        # It hears no more, and keeps what it has not read.
        poll = select.poll()
        poll.register(link, select.POLLIN)
        poll.poll()
        link.shutdown(socket.SHUT_RDWR)
    links.append(link)
print("asked", flush=True)
sys.stdin.read(1)
"""


@contextlib.contextmanager
def filler(folder, started, prefix, count, *how):
    """While this lasts, so many connections of another user's are open at
    which he has asked, and reads nothing."""
    script(folder, "filler.py", FILLER)
    process = subprocess.Popen(
        [*prefix, os.path.realpath(sys.executable), "-IBS",
         f"{folder}/filler.py", started.control, str(count), *how],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"asked\n"
        yield
    finally:
        process.communicate(b"x", timeout=proc.PATIENCE)


def test_t3_a_reader_who_never_reads_holds_up_nobody(folder, policed):
    """His answers are descriptors on their way: he may have so many, and the
    others have theirs."""
    with filler(folder, policed, as_user(*IDS[ALICE]), 100):
        assert ask_as(folder, policed, as_user(*IDS[ALICE]),
                      "snapshot")[0].word == "busy"
        assert ask_as(folder, policed, as_user(*IDS[BOB]),
                      "snapshot")[0].granted
        assert ask(policed, "snapshot").granted
        assert callers.is_served(policed.addresses[0], "echo")
    proc.wait_until(lambda: ask_as(folder, policed, as_user(*IDS[ALICE]),
                                   "snapshot")[0].granted, "room again")


def test_t3_an_answer_that_is_kept_unread_counts(folder, policed):
    """Whoever shuts his socket down, and keeps it, has it on its way still:
    those, too, he has no more of than others."""
    alice = as_user(*IDS[ALICE])
    with filler(folder, policed, alice, 40, "shut"):
        assert ask_as(folder, policed, alice, "snapshot")[0].word == "busy"
        assert ask_as(folder, policed, as_user(*IDS[BOB]),
                      "snapshot")[0].granted
    proc.wait_until(lambda: ask_as(folder, policed, alice,
                                   "snapshot")[0].granted, "room again")


def test_a_reader_who_asks_without_end_is_told_to_wait(folder, policed):
    """And nobody else is; nor is he, a moment later."""
    many = [answer.word for answer in ask_as(
        folder, policed, as_user(*IDS[ALICE]), *["explain/echo"] * 500)]
    assert set(many) == {"+", "busy"}
    assert many[:40] == ["+"] * 40
    assert ask_as(folder, policed, as_user(*IDS[BOB]), "conns")[0].granted
    assert [ask(policed, "snapshot").word for _ in range(300)] == ["+"] * 300
    proc.wait_until(lambda: ask_as(folder, policed, as_user(*IDS[ALICE]),
                                   "snapshot")[0].granted, "his turn")


def test_t3_what_was_asked_leaves_nothing_behind(daemon):
    """10,000 times: descriptors and memory are at the baseline."""
    def state():
        return [(proc.fds(pid), proc.private(pid))
                for pid in daemon.processes()]

    def round_of(number):
        for i in range(number):
            request = ("snapshot", "conns", "explain/echo", "drain/echo",
                       "undrain/echo", "nix", "kick,1/",
                       "log/refusals")[i % 8]
            assert ask(daemon, request).line
        daemon.settle()
        # A snapshot is kept for a moment.
        proc.wait_until(lambda: not any(
            "memfd" in what for what in proc.fds(daemon.pid).values()),
            "the snapshot to be thrown away")

    round_of(2000)      # it warms up
    before = state()
    round_of(10000)
    assert [fds for fds, _ in state()] == [fds for fds, _ in before]
    if "asan" in proc.read(daemon.pid, "maps"):
        return      # it keeps for a while what has been freed
    for (_, now), (_, then) in zip(state(), before):
        assert now <= then + 64 * 1024, (now, then)


def test_who_asks_and_goes_at_once_leaves_nothing_behind(daemon):
    """T3: the answer is for nobody."""
    daemon.settle()
    before = [proc.fds(pid) for pid in daemon.processes()]
    for _ in range(300):
        with offerers.dial(daemon.control) as link:
            link.send(b"snapshot\r\n")
    daemon.settle()
    proc.wait_until(lambda: [proc.fds(pid) for pid in daemon.processes()] ==
                    before, "no descriptor to be left")
    proc.wait_until(lambda: ask(daemon, "snapshot").granted, "an answer")


@contextlib.contextmanager
def stopped(pid):
    """While this lasts, a process does nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_who_asks_too_much_for_the_monitor_is_told_so(daemon):
    """The registrar never waits for it; and what it took on is answered."""
    daemon.settle()
    pids = [daemon.pid, *daemon.named("regis")]
    before = [proc.fds(pid) for pid in pids]
    answered = select.poll()
    with contextlib.ExitStack() as stack:
        links = {}
        with stopped(daemon.pid):
            while not answered.poll(0):
                link = stack.enter_context(offerers.dial(daemon.control))
                link.send(b"explain/echo\r\n")
                links[link.fileno()] = link
                answered.register(link, select.POLLIN)
            for fd, _ in answered.poll(0):
                assert asking.receive(links.pop(fd)).word == "busy"
            assert callers.is_served(daemon.addresses[0], "echo")
        words = [asking.receive(link).word for link in links.values()]
        assert words.count("+") > 100
        assert set(words) <= {"+", "busy"}
    proc.wait_until(lambda: [proc.fds(pid) for pid in pids] == before,
                    "no descriptor to be left")


def test_asking_while_a_reload_is_under_way(tcpmuxd):
    """The monitor goes on meanwhile; a second reload is told that it is."""
    started = tcpmuxd(conf=CONF + LISTEN + BUILTIN)
    with contextlib.ExitStack() as stack:
        links = [stack.enter_context(offerers.dial(started.control))
                 for _ in range(20)]
        for link in links:
            link.send(b"reload\r\n")
        answers = [asking.receive(link).word for link in links]
    assert "+" in answers and set(answers) <= {"+", "busy", "stopping", ""}
    assert callers.is_served(started.addresses[0], "echo")
    assert proc.wait_until(lambda: ask(started, "snapshot").granted, "it")
