"""Another program takes the place of the one that runs (T11)."""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess

import pytest

import callers
import pace
import proc
import server
from asking import ask
from callers import call, converse, read_exactly
from offerers import Offer, Offers
from services import OK

UPGRADES = int(os.environ.get("TCPMUX_UPGRADES", "10"))
RELOADS = int(os.environ.get("TCPMUX_RELOADS", "50"))
GOES_ON = "not upgraded: the old program goes on"


@pytest.fixture
def movable(folder, tcpmuxd):
    """Start a copy of tcpmuxd that a test may replace; its path is .path."""
    def start(*words, **options):
        path = f"{folder}/tcpmuxd"
        shutil.copy(server.TCPMUXD, path)
        started = tcpmuxd(*words, executable=path, **options)
        started.path = path
        return started
    return start


def put(started, write):
    """Replace its program as a package does: whole, at once."""
    write(f"{started.path}.new")
    os.rename(f"{started.path}.new", started.path)


def name_of(pid):
    """As ps shows it."""
    return proc.read(pid, "comm").rstrip("\n")


def wait_rest(started):
    """Wait until all that there was before the last upgrade is over."""
    proc.wait_until(lambda: proc.children(started.pid) == [started.monitor],
                    "all others to leave")
    proc.wait_until(lambda: proc.status(started.pid).get("Seccomp") == "2",
                    "the keeper to rest")


def test_another_program_serves(host, movable):
    """It is the file that is there now; and whoever was known stays."""
    started = movable(conf=host.echo("cat"))
    put(started, lambda path: shutil.copy(server.TCPMUXD, path))
    before = started.processes()
    started.upgrade()
    assert os.path.samefile(f"/proc/{started.monitor}/exe", started.path)
    for pid in before[1:]:
        proc.wait_gone(pid)
    proc.wait_until(lambda: name_of(started.pid) == "tcpmuxd-keeper",
                    "the keeper")
    assert callers.is_served(started.addresses[0], "echo")


def test_what_is_asked_at_the_control_socket_is_answered(movable):
    """Whoever asks hears when it is done."""
    started = movable()
    answer = ask(started, "upgrade")
    started.upgraded = int(started.wait_for(server.UPGRADED)[1])
    assert answer.line == "+The new program serves.\r\n"
    assert answer.text == f"tcpmuxd: upgraded: process {started.monitor} serves\n"
    assert callers.is_served(started.addresses[0], "tcpmux")


def fail_missing(path):
    """Nothing is there."""
    pathlib.Path(path).unlink()


def fail_not_executable(path):
    """A file that is no program."""
    os.chmod(path, 0o644)


def replaced_by(text):
    """A program that does something else."""
    def fail(path):
        pathlib.Path(f"{path}.new").write_text(text, encoding="ascii")
        os.chmod(f"{path}.new", 0o755)
        os.rename(f"{path}.new", path)
    return fail


FAILURES = {
    "missing": (fail_missing, "No such file or directory"),
    "not executable": (fail_not_executable, "Permission denied"),
    "no program": (replaced_by("\x7fELF nonsense\n"), "Exec format error"),
    "ends": (replaced_by("#!/bin/sh\necho 'I do \x1bnot' >&2\nexit 3\n"),
             "I do ?not"),
    "crashes": (replaced_by("#!/bin/sh\nkill -SEGV $$\n"),
                "has ended, and never served"),
    "says nonsense": (replaced_by("#!/bin/sh\necho nonsense >&3\n"), ""),
    "says too much": (replaced_by("#!/bin/sh\nyes >&2 &\nsleep 0.2\n"
                                  "kill $!\nexit 1\n"), "tcpmuxd: y"),
    "hangs": (replaced_by("#!/bin/sh\nexec sleep 1000\n"),
              "does not serve after 15 seconds"),
}


@pytest.mark.parametrize("how", FAILURES)
def test_a_program_that_does_not_serve_changes_nothing(host, movable, how):
    """What it has said is in the log, and whoever has asked hears it."""
    fail, said = FAILURES[how]
    started = movable(conf=host.echo("cat"))
    with Offer(started, "mine") as offer:
        assert offer.taken
        before = started.processes()
        fail(started.path)
        answer = ask(started, "upgrade")
        assert answer.word == "failed"
        assert said in answer.text and GOES_ON in answer.text
        started.wait_for(GOES_ON)
        assert any(said in line for line in started.said)
        proc.wait_until(lambda: started.processes() == before, "it to go")
        assert callers.is_served(started.addresses[0], "echo")
        # The registrar has given nothing away for good.
        with call(started.addresses[0], "mine"):
            assert offer.take()[0] is not None


def test_a_program_that_fails_late_changes_nothing(host, movable):
    """Out of descriptors sooner and later, also when it has the offers."""
    started = movable(conf=host.echo("builtin"))
    said = ""
    with Offers(started, ["offered"]):
        for files in range(8, 64, 2):
            replaced_by(f"#!/bin/sh\nexec prlimit --nofile={files}:{files} "
                        f'"{server.TCPMUXD}" "$@"\n')(started.path)
            answer = ask(started, "upgrade")
            if answer.granted:
                break
            said += answer.text
            for name in ("echo", "offered"):
                assert callers.is_served(started.addresses[0], name)
        started.upgraded = int(started.wait_for(server.UPGRADED)[1])
        assert callers.is_served(started.addresses[0], "offered")
    for what in ("does not understand", "cannot start", "did not start"):
        assert what in said


def test_a_configuration_with_mistakes_changes_nothing(host, movable):
    """The new program reads it, and says what is wrong."""
    started = movable(conf=host.echo("cat"))
    before = started.processes()
    server.write_conf(started.conf, "nonsense = 1\n")
    answer = ask(started, "upgrade")
    assert answer.word == "failed" and "nonsense" in answer.text
    proc.wait_until(lambda: started.processes() == before, "it to go")
    assert callers.is_served(started.addresses[0], "echo")


def item(what, version=1, mark=0x54554d58, place=0, length=16):
    """One of what a monitor leaves to the next; see legacy.c."""
    address = struct.pack("=I28s", length, b"")
    return struct.pack("=12Iq", mark, version, what, 0, place,
                       *(0 for _ in range(8))) + 2 * address + bytes(112)


# Numbers, each of four that come with a descriptor, and the end.
LISTENER, CONTROL, END = 6, 7, 8
BAD_LEGACIES = {
    "nothing": [b""],
    "noise": [random.Random(1).randbytes(232)],
    "too short": [item(0)[:-1]],
    "too long": [item(0) + b"x"],
    "another mark": [item(0, mark=1)],
    "a newer version": [item(0, version=2)],
    "an unknown item": [item(END + 1)],
    "no descriptor": [item(1)],
    "a listener without one": [item(LISTENER)],
    "a listener nowhere": [item(LISTENER, place=64)],
    "an address too long": [item(LISTENER, length=29)],
    "nothing but an end": [item(END)],
    "not all": [item(0), item(CONTROL), item(END)],
}


@pytest.mark.parametrize("how", BAD_LEGACIES)
def test_nobody_can_pretend_to_be_an_upgrade(folder, how):
    """Who does not leave all that is needed, in order, leaves nothing."""
    conf = f"{folder}/conf"
    server.write_conf(conf, server.ONE_LISTENER)
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, its:
        for message in BAD_LEGACIES[how]:
            fds = [its.fileno()] if message[8:9] == bytes([LISTENER]) and \
                how != "a listener without one" else []
            socket.send_fds(ours, [message], fds)
        ours.shutdown(socket.SHUT_WR)
        done = subprocess.run(
            [server.TCPMUXD, "--inherit", str(its.fileno()), "-f", conf],
            pass_fds=[its.fileno()], stderr=subprocess.PIPE, check=False,
            timeout=proc.PATIENCE)
    assert done.returncode == 71
    assert b"does not understand" in done.stderr or \
        b"has not left all" in done.stderr


def test_the_hidden_option_alone_is_nothing(folder):
    """A descriptor that is none, and one of another kind."""
    conf = f"{folder}/conf"
    server.write_conf(conf, server.ONE_LISTENER)
    for number in ("77", "x", "0"):
        done = subprocess.run(
            [server.TCPMUXD, "--inherit", number, "-f", conf], check=False,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=proc.PATIENCE)
        assert done.returncode in (64, 71)


def test_conversations_go_on_through_upgrades(host, movable):
    """Monitors leave with their last conversation, and only then."""
    started = movable(conf=host.echo("relay-tcp", "relay") +
                      host.echo("cat", "exec"))
    held, monitors = [], []
    for _ in range(3):
        for name in ("relay", "exec"):
            held.append(call(started.addresses[0], name, b"before"))
            assert read_exactly(held[-1], len(OK) + 6) == OK + b"before"
        monitors.append(started.monitor)
        front = started.front
        started.upgrade()
        proc.wait_gone(front)   # which takes the next ones until it knows
    for monitor in monitors[1:]:
        assert name_of(monitor) == "tcpmuxd-old"
    for monitor in monitors:
        for _ in range(2):
            with held.pop(0) as sock:
                assert converse(sock, b"after") == b"after"
        if monitor != started.pid:
            proc.wait_gone(monitor)
    proc.wait_until(lambda: proc.children(started.pid) == [started.monitor],
                    "the keeper to have one child")


def test_offers_outlive_upgrades(movable):
    """T11: programs that have offered names do not even notice."""
    started = movable()
    with Offers(started, ["a", "b"]):
        for _ in range(3):
            started.upgrade()
            for name in ("a", "b"):
                assert callers.is_served(started.addresses[0], name)


def test_what_is_drained_stays_drained(host, movable):
    """So does the level of the log."""
    started = movable(conf=host.echo("cat") + host.echo("relay-tcp", "other"))
    assert ask(started, "drain/echo").granted
    assert ask(started, "log/nothing").granted
    started.upgrade()
    assert not callers.is_served(started.addresses[0], "echo")
    assert callers.is_served(started.addresses[0], "other")
    assert ask(started, "snapshot").lines("tcpmuxd")[0]["log"] == "nothing"
    assert ask(started, "undrain/echo").granted
    assert callers.is_served(started.addresses[0], "echo")


def test_numbers_go_on(host, movable):
    """T11: what was counted before is counted, also what ends after."""
    started = movable(conf=host.echo("relay-tcp"))
    with call(started.addresses[0], "echo", b"x" * 1000) as sock:
        assert read_exactly(sock, len(OK) + 1000)
        started.upgrade()
        assert converse(sock, b"y" * 500) == b"y" * 500

    def numbers():
        answer = ask(started, "snapshot")
        return answer.lines("tcpmuxd")[0] | answer.lines("total")[0]
    proc.wait_until(lambda: numbers()["in"] == "1500", "all bytes")
    found = numbers()
    assert found["upgrades"] == "1" and found["generation"] == "2"
    assert found["accepted"] == found["handed-relay"] == "1"


def test_signals_to_the_process_that_was_started(host, movable):
    """It passes them on, and ends as the daemon does."""
    for number in (signal.SIGTERM, signal.SIGINT):
        started = movable(conf=host.echo("cat"))
        started.upgrade()
        # HUP means what it always does.
        started.reload(server.ONE_LISTENER + host.echo("cat", "other"))
        assert callers.is_served(started.addresses[0], "other")
        started.upgrade()
        monitor = started.monitor
        assert started.stop(number) == 0
        assert proc.state(monitor) == ""
        assert not os.path.exists(started.control)


@pytest.mark.parametrize("again", (False, True))
def test_a_reload_that_is_wanted_meanwhile_is_done_after(folder, movable,
                                                         again):
    """By the program that serves by then; an upgrade, likewise."""
    started = movable()
    if again:
        started.upgrade()
    fifo = f"{folder}/fifo"
    os.mkfifo(fifo)
    replaced_by(f'#!/bin/sh\nread -r line <"{fifo}"\n'
                f'exec "{server.TCPMUXD}" "$@"\n')(started.path)
    started.process.send_signal(signal.SIGUSR2)
    with open(fifo, "w", encoding="ascii") as file:     # it reads there
        started.process.send_signal(signal.SIGHUP)
        server.write_conf(started.conf, server.ONE_LISTENER)
        proc.wait_until(lambda: "HUP" not in pending(started.pid), "the HUP")
        # It is not deaf meanwhile, but does one thing at a time.
        assert ask(started, "snapshot").granted
        assert ask(started, "reload").word == "busy"
        assert ask(started, "upgrade").word == "busy"
        # What changes the board by now, the new program would not know.
        for words in ("drain", "undrain/echo", "log/nothing"):
            assert ask(started, words).word == "busy"
        file.write("go\n")
    started.upgraded = int(started.wait_for(server.UPGRADED)[1])
    # Its line may be there already, as each program has its own logger.
    proc.wait_until(
        lambda: ask(started, "snapshot").lines("tcpmuxd")[0]["reloads"] == "1",
        "the reload")
    assert callers.is_served(started.addresses[0], "tcpmux")


def pending(pid):
    """The names of signals that wait for a process."""
    mask = int(proc.status(pid)["ShdPnd"], 16)
    return [signal.Signals(number).name[3:] for number in signal.Signals
            if mask >> number - 1 & 1]


@pytest.mark.parametrize("who", ("keeper", "monitor"))
def test_t10_killed_keeper_or_monitor_takes_all_along(host, movable, who):
    """T10: kill -9 of either ends every process, also older ones."""
    started = movable(conf=host.echo("relay-tcp"))
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            sock = stack.enter_context(call(started.addresses[0], "echo"))
            assert read_exactly(sock, len(OK)) == OK
            started.upgrade()
        everybody = proc.descendants(started.pid)
        os.kill(started.pid if who == "keeper" else started.monitor,
                signal.SIGKILL)
        assert started.wait() == (-9 if who == "keeper" else 128 + 9)
        for pid in everybody:
            proc.wait_gone(pid)
    with pytest.raises(ConnectionRefusedError):
        server.connect(started.addresses[0])


def test_t10_killed_older_monitor_loses_its_own_only(host, movable):
    """T10: its conversations end, and all else goes on."""
    started = movable(conf=host.echo("relay-tcp"))
    started.upgrade()
    wait_rest(started)
    with call(started.addresses[0], "echo") as sock:
        assert read_exactly(sock, len(OK)) == OK
        older = started.monitor
        started.upgrade()
        os.kill(older, signal.SIGKILL)
        with pytest.raises(ConnectionResetError):
            server.read_all(sock)
    assert callers.is_served(started.addresses[0], "echo")


def test_t8_the_keeper_has_no_rights(movable):
    """T8: no user, no capability, and a list of system calls."""
    started = movable()
    started.upgrade()
    wait_rest(started)
    status = proc.status(started.pid)
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert "0" not in status["Uid"].split()
    started.upgrade()
    assert callers.is_served(started.addresses[0], "tcpmux")


def test_t8_a_monitor_without_programs_stays_confined(host, movable):
    """T8: it can start a program, and that has no more rights than it."""
    started = movable(conf=host.echo("relay-tcp"))
    for _ in range(20):     # Landlock has 16 layers at the most
        started.upgrade()
    status = proc.status(started.monitor)
    assert int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1"
    assert "0" not in status["Uid"].split()
    monitor = ask(started, "snapshot").lines("process")[0]
    assert {"user", "caps", "landlock"} <= set(monitor["layers"].split(","))
    server.write_conf(started.conf, server.ONE_LISTENER + host.echo("cat"))
    answer = ask(started, "upgrade")
    assert answer.word == "failed" and "restart it" in answer.text


def test_listeners_that_are_not_wanted_any_more_are_closed(movable):
    """And others are opened; nobody who has connected is lost."""
    started = movable(conf=server.ONE_LISTENER)
    old = started.addresses[0]
    with server.connect(old) as waiting:
        server.write_conf(started.conf, 'listen "127.0.0.2" { port = 0 }\n')
        started.process.send_signal(signal.SIGUSR2)
        new = started.wait_ready()
        started.upgraded = int(started.wait_for(server.UPGRADED)[1])
        waiting.sendall(b"tcpmux\r\n")
        assert read_exactly(waiting, len(OK)) == OK
    assert callers.is_served(new, "tcpmux")
    with pytest.raises(ConnectionRefusedError):
        server.connect(old)


def counts(started):
    """Processes, and descriptors of the keeper and of the monitor."""
    return (len(proc.descendants(started.pid)), len(proc.fds(started.pid)),
            len(proc.fds(started.monitor)))


def test_t11_upgrades_and_reloads_under_load(host, movable):
    """T11: no connection refused, reset, unanswered or at a wrong service;
    and conversations go on."""
    conf = server.ONE_LISTENER + "log { level = refusals }\n" + \
        host.echo("builtin", "echo") + host.echo("relay-tcp", "relay")
    started = movable(conf=conf)
    address = started.addresses[0]
    started.upgrade()
    wait_rest(started)
    before = counts(started)
    with call(address, "relay", b"before") as held, \
            Offers(started, ["offered"]):
        assert read_exactly(held, len(OK) + 6) == OK + b"before"
        with pace.under_pace(address, pace.RATE, "tcpmux", "echo=",
                             "nested=echo=") as paced:
            for _ in range(UPGRADES):
                started.upgrade()
                for i in range(RELOADS // UPGRADES):
                    more = host.echo("builtin", f"more{i % 3}")
                    assert started.reload(conf + more) == 4
        paced.show(f"{UPGRADES} upgrades, {RELOADS} reloads")
        assert set(paced.outcomes()) == {"served"}
        assert callers.is_served(address, "offered")
        assert converse(held, b"after") == b"after"
    # T3: neither a process nor a descriptor is left.
    server.write_conf(started.conf, conf)
    started.upgrade()
    wait_rest(started)
    proc.wait_until(lambda: counts(started) == before, f"{before} again")
