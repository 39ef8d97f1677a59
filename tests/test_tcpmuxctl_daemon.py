"""tcpmuxctl and a real tcpmuxd: what each command shows and changes."""

import contextlib
import os
import signal

import pytest

import callers
import offerers
import offers
import proc
import server
from callers import call
from ctl import CTL, Ctl
from module import tcpmux
from services import OK, as_nobody, need
from terminal import Terminal

@pytest.fixture
def served(host, tcpmuxd):
    """A tcpmuxd with a service of most kinds."""
    conf = (host.echo("builtin") +
            f'service "cat" {{ exec = {{"{need("cat")}"}} {as_nobody()} }}\n'
            'service "dead" { relay = "127.0.0.1:9" }\n'
            'service "Secret" { hidden = true\n'
            '  offered-by = {"root"} }\n')
    return tcpmuxd(conf=conf)


@pytest.fixture
def ctl(served):
    """Who asks it."""
    return Ctl(served.control)


@contextlib.contextmanager
def talking(served, name="echo"):
    """A conversation with a service."""
    with call(served.addresses[0], name) as sock:
        assert sock.recv(len(OK)) == OK
        sock.sendall(b"hello")
        assert sock.recv(5) == b"hello"
        yield sock


def service(ctl, name):
    """What ls says of it."""
    return next(each for each in ctl.json("ls")["services"]
                if each["name"] == name)


def conns(served):
    """The lines of the connections that it has."""
    return tcpmux.ask("conns", control=served.control).more.splitlines()


def test_every_word_and_key_of_a_snapshot_is_in_the_document(ctl, served):
    """So that nothing is forgotten that the daemon learns to say."""
    with talking(served), talking(served, "cat"):
        # A program says + before spawn has noted that it runs.
        proc.wait_until(lambda: len(conns(served)) == 2, "both to be noted")
        text = tcpmux.ask("snapshot", control=served.control).more
        more = tcpmux.ask("conns", control=served.control).more
        document = ctl.json("stats") | ctl.json("conns")
    plural = {"listener": "listeners", "process": "processes",
              "service": "services", "offer": "offers", "conn": "conns"}
    for line in (text + more).splitlines():
        word, *pairs = line.split(" ")
        found = document[plural.get(word, word)]
        found = found if isinstance(found, list) else [found]
        keys = {pair.partition("=")[0].replace("-", "_") for pair in pairs}
        assert any(keys == set(each) for each in found), line


def test_ls_follows_what_happens(ctl, served):
    assert service(ctl, "dead")["refused"] == 0
    assert service(ctl, "Secret")["hidden"]
    with talking(served):
        proc.wait_until(lambda: service(ctl, "echo")["current"] == 1, "it")
    assert server.ask(served.addresses[0], b"dead\r\n").startswith(b"-")
    proc.wait_until(lambda: service(ctl, "dead")["refused"] == 1, "refusal")
    proc.wait_until(lambda: service(ctl, "echo")["current"] == 0, "its end")
    names = ctl.out("ls", "--names").split()
    assert set(names) == {"echo", "cat", "dead", "Secret", "tcpmux"}
    assert max(map(len, ctl.out("ls").splitlines())) <= 80


def test_status_of_a_good_daemon(ctl, served):
    page = ctl.out("status")
    assert page.startswith(f"tcpmuxd 0.1.0 is serving, pid {served.pid}, for ")
    assert ctl.json("status")["problems"] == [
        "service Secret: nobody serves it"]
    assert max(map(len, page.splitlines())) <= 80


def test_sandbox_and_the_kernel_agree(ctl):
    """Each process of a real daemon is in what it says."""
    for each in ctl.json("sandbox")["processes"]:
        assert each["denied"] is None and each["kernel"] is not None
    rows = ctl.rows("sandbox")
    assert {row["KERNEL"] for row in rows} == {"agrees"}
    assert {"monitor.0", "logger.0", "registrar.0", "front.0"} <= {
        row["PROCESS"] for row in rows}


def test_explain_is_as_of_the_daemon(ctl):
    assert ctl.out("explain", "ECHO").startswith("It would be served.\n")
    assert ctl.out("explain", "echo", "192.0.2.1").startswith(
        "It would be served.\n")
    assert ctl.out("explain", "none").startswith("It would be refused.\n")


def test_a_service_is_drained_and_comes_back(ctl, served):
    """Its connections go on meanwhile."""
    with talking(served) as sock:
        ctl.out("drain", "echo")
        assert service(ctl, "echo")["state"] == "drained"
        assert ("service echo refuses new connections: tcpmuxctl undrain echo"
                in ctl.json("status")["problems"])
        assert server.ask(served.addresses[0], b"echo\r\n").startswith(b"-")
        assert callers.is_served(served.addresses[0], "cat")
        sock.sendall(b"still")
        assert sock.recv(5) == b"still"
    ctl.out("undrain", "echo")
    assert callers.is_served(served.addresses[0], "echo")


def test_all_services_are_drained(ctl, served):
    ctl.out("drain")
    assert ctl.json("status")["tcpmuxd"]["state"] == "draining"
    assert server.ask(served.addresses[0], b"cat\r\n").startswith(b"-")
    assert ctl.out("status").splitlines()[1] == (
        "  ! it refuses all new connections: tcpmuxctl undrain")
    ctl.out("undrain")
    assert callers.is_served(served.addresses[0], "cat")


@pytest.mark.parametrize("name", ["echo", "cat"])
def test_connections_are_kicked(ctl, served, name):
    """One by its number, and then those of a service."""
    with talking(served, name) as one, talking(served, name) as two:
        conns = ctl.json("conns")["conns"]
        port = one.getsockname()[1]
        number = next(each["id"] for each in conns
                      if each["peer"].endswith(f":{port}"))
        ctl.out("kick", str(number))
        with contextlib.suppress(ConnectionResetError):
            assert one.recv(1) == b""
        two.sendall(b"on")
        assert two.recv(2) == b"on"
        ctl.out("kick", name)
        with contextlib.suppress(ConnectionResetError):
            assert two.recv(1) == b""
    proc.wait_until(lambda: not ctl.json("conns")["conns"], "their end")


def test_what_is_not_there_is_refused(ctl):
    for words in (["drain", "none"], ["kick", "none"], ["kick", "1"],
                  ["log", "everything"]):
        ctl.assert_fails(1, *words, says="refused: ")


def test_the_level_of_the_log(ctl):
    for level in ("nothing", "refusals", "connections", "configured"):
        ctl.out("log", level)
        shown = ctl.json("status")["tcpmuxd"]["log"]
        assert shown == level or level == "configured"


def test_reload_waits_for_its_result(ctl, served):
    """And shows the mistakes, with which nothing is changed."""
    status, out, _ = ctl.run("reload")
    assert status == 0 and out.startswith("Serving generation 2: ")
    assert ctl.json("status")["tcpmuxd"]["generation"] == 2
    server.write_conf(served.conf, 'service "x" { }\n')
    said = ctl.assert_fails(1, "reload", says="refused: ")
    assert f"{served.conf}:1: " in said
    assert ctl.json("status")["tcpmuxd"]["generation"] == 2


def test_upgrade_waits_for_its_result(ctl, served):
    """What was counted stays, and top goes on."""
    terminal = Terminal(CTL, "--control", ctl.control, "--every", "0.1", "top")
    try:
        terminal.wait_for("Secret")
        with talking(served):
            pass
        before = ctl.json("status")
        status, out, _ = ctl.run("upgrade")
        assert (status, out) == (0, "The new program serves.\n")
        after = ctl.json("status")
        assert after["tcpmuxd"]["upgrades"] == 1
        assert after["tcpmuxd"]["pid"] != before["tcpmuxd"]["pid"]
        assert after["tcpmuxd"]["started"] == before["tcpmuxd"]["started"]
        assert service(ctl, "echo")["requests"] == 1
        terminal.wait_for("generation 2")
        terminal.press(b"q")
        assert terminal.wait() == 0 and terminal.is_as_before()
    finally:
        terminal.close()


def test_a_stranger_may_neither_look_nor_change(ctl, served):
    """He is told who may."""
    if os.getuid() != 0:
        pytest.skip("only root can ask as somebody else")
    offers.need_open_build()
    stranger = Ctl(served.control, offerers.as_user(12345))
    for words in (["ls"], ["conns"], ["explain", "x"]):
        stranger.assert_fails(1, *words, says="refused: You may not read")
    for words in (["reload"], ["drain"], ["kick", "echo"]):
        stranger.assert_fails(1, *words, says="refused: Only root and")


def test_a_daemon_that_is_stopped_does_not_answer(ctl, served):
    """Its registrar has the question, and the monitor no time."""
    os.kill(served.pid, signal.SIGSTOP)
    try:
        ctl.assert_fails(75, "ls", "-w", "0.2", says="in time")
    finally:
        os.kill(served.pid, signal.SIGCONT)
    assert ctl.out("ls")


def test_top_shows_a_real_daemon(ctl, served):
    terminal = Terminal(CTL, "--control", ctl.control, "--every", "0.1", "top")
    try:
        terminal.wait_for("SERVICE")
        terminal.wait_for("Secret")
        with talking(served):
            terminal.wait_for(lambda: any(
                line.split()[:1] == ["echo"] and line.split()[3:4] == ["1"]
                for line in terminal.lines), "a connection")
        terminal.press(b"q")
        assert terminal.wait() == 0 and terminal.is_as_before()
    finally:
        terminal.close()
