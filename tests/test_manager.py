"""Service managers: sockets that they open, what they are told, offers that
they keep."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

import manager
import proc
import server
from server import ONE_LISTENER, TCPMUXD, ask
from services import as_nobody

HELP = b"HELP\r\n"


@pytest.fixture(name="sd")
def service_manager(folder):
    """A service manager of the test's own."""
    new = manager.Manager(folder)
    yield new
    new.close()


def named(name, *options):
    """A configuration that listens at a socket of this name."""
    return f'listen "systemd:{name}" {{ {" ".join(options)} }}\n'


def test_a_socket_is_used_by_its_name(sd, tcpmuxd):
    where = sd.open("web")
    started = tcpmuxd(conf=named("web"), **sd.popen())
    assert started.addresses == [where]
    assert ask(where, HELP) == b"tcpmux\r\n"


def test_all_sockets_of_a_name_are_used(sd, tcpmuxd):
    wanted = [sd.open("web"), sd.open("web")]
    started = tcpmuxd(conf=named("web"), sockets=2, **sd.popen())
    assert started.addresses == wanted
    assert [ask(where, HELP) for where in wanted] == [b"tcpmux\r\n"] * 2


def test_a_socket_is_used_by_its_address(sd, tcpmuxd):
    """A shipped unit and a shipped configuration need no further word."""
    host, port = sd.open("whatever")
    started = tcpmuxd(conf=f'listen "{host}" {{ port = {port} }}\n',
                      **sd.popen())
    assert started.addresses == [(host, port)]
    assert ask((host, port), HELP) == b"tcpmux\r\n"


def test_a_socket_of_both_families_is_all_addresses(sd, tcpmuxd):
    """As ListenStream=1 opens it."""
    port = sd.open("any", ("::", 0), socket.AF_INET6, both=True)[1]
    started = tcpmuxd("-l", f"*:{port}", **sd.popen())
    assert started.addresses == [("::", port)]
    for host in "127.0.0.1", "::1":
        assert ask((host, port), HELP) == b"tcpmux\r\n"


def test_sockets_of_each_family_are_all_addresses(sd, tcpmuxd):
    """As the shipped unit opens them."""
    port = sd.open("a", ("::", 0), socket.AF_INET6, both=False)[1]
    sd.open("a", ("0.0.0.0", port))
    started = tcpmuxd("-l", f"*:{port}", sockets=2, **sd.popen())
    assert started.addresses == [("0.0.0.0", port), ("::", port)]
    for host in "127.0.0.1", "::1":
        assert ask((host, port), HELP) == b"tcpmux\r\n"


def test_options_of_a_listener_hold_for_its_socket(sd, tcpmuxd):
    where = sd.open("web")
    tcpmuxd(conf=named("web", "lenient = true"), **sd.popen())
    assert ask(where, b"HELP\n") == b"tcpmux\r\n"


def failed_start(conf, folder, **popen):
    """Start one that cannot; its exit status and what it says."""
    path = f"{folder}/bad.conf"
    server.write_conf(path, "control = none\n" + conf)
    done = subprocess.run(
        [*popen.pop("prefix", ()), TCPMUXD, "-f", path], text=True,
        stderr=subprocess.PIPE, timeout=proc.PATIENCE, check=False, **popen)
    return done.returncode, done.stderr


def test_a_name_without_a_socket_is_an_error(sd, folder):
    sd.open("web")
    assert failed_start(named("wbe"), folder, **sd.popen()) == (
        71, "tcpmuxd: cannot listen on systemd:wbe: the service manager has "
        "opened no listening TCP socket of this name: see "
        "FileDescriptorName= in the .socket unit\n")


def test_a_socket_is_in_one_listener_only(sd, folder):
    host, port = sd.open("web")
    status, said = failed_start(
        f'listen "{host}" {{ port = {port} }}\n' + named("web"), folder,
        **sd.popen())
    assert status == 71
    assert "another listener has this socket" in said


def test_an_unused_socket_is_said(sd, tcpmuxd):
    host, port = sd.open("web")
    started = tcpmuxd(**sd.popen())
    assert started.wait_for("warning: the service manager's socket (.*)")[1] \
        == (f"web, {host}:{port}, is in no listener: clients wait there in "
            "vain")


@pytest.mark.parametrize("name, how, why", [
    ("web", {"listen": False},
     "it does not listen; Accept=yes is for in.tcpmuxd(8)"),
    ("web", {"kind": socket.SOCK_DGRAM, "listen": False}, "no TCP socket"),
    ("web", {"family": socket.AF_UNIX, "address": "\0tcpmux-test-web"},
     "no TCP socket"),
    ("control", {"family": socket.AF_UNIX, "address": "\0tcpmux-test-ctl"},
     "no Unix socket of ListenSequentialPacket="),
    ("control", {"family": socket.AF_UNIX, "address": "\0tcpmux-test-ctl",
                 "kind": socket.SOCK_SEQPACKET, "listen": False},
     "it does not listen"),
])
def test_what_is_no_socket_for_us_is_left_alone(sd, tcpmuxd, name, how, why):
    sd.open(name, **how)
    started = tcpmuxd(**sd.popen())
    assert f"tcpmuxd: the service manager's socket {name} is of no use: {why}" \
        in started.said


def test_variables_of_another_process_mean_nothing(sd, tcpmuxd):
    """LISTEN_PID is whoever started us; the socket is closed."""
    where = sd.open("web")
    popen = sd.popen(LISTEN_PID="1")
    started = tcpmuxd(env=popen["env"], pass_fds=popen["pass_fds"])
    assert ask(started.addresses[0], HELP) == b"tcpmux\r\n"
    assert f"{where[1]}" not in str(started.addresses)
    with socket.create_connection(where) as sock:
        assert sd.sockets[0][1].accept()[1] == sock.getsockname()


@pytest.mark.parametrize("fds", ["many", "-1", "", "2147483647"])
def test_variables_that_make_no_sense_stop_it(sd, folder, fds):
    status, said = failed_start(ONE_LISTENER, folder,
                                **sd.popen(LISTEN_FDS=fds))
    assert status == 71
    assert said.startswith("tcpmuxd: what the service manager has left")


def test_sockets_stay_over_a_reload(sd, tcpmuxd):
    """By name and by address, and back: nobody is refused."""
    host, port = sd.open("web")
    started = tcpmuxd(conf=named("web"), **sd.popen())
    for conf in (f'listen "{host}" {{ port = {port} }}\n', named("web")):
        assert started.reload(conf) == 1
        assert ask((host, port), HELP) == b"tcpmux\r\n"


def test_a_socket_that_is_not_used_any_more_stays_the_managers(sd, tcpmuxd):
    """It is not shut down: the next reload, or start, takes it again."""
    where = sd.open("web")
    started = tcpmuxd(conf=named("web"), **sd.popen())
    started.reload(ONE_LISTENER)
    assert any("is in no listener" in line for line in started.said)
    proc.wait_until(lambda: len(started.named("front")) == os.cpu_count(),
                    "the old fronts to end")
    with server.connect(where) as sock:
        sock.sendall(HELP)
        started.reload(named("web"))
        assert server.read_all(sock) == b"tcpmux\r\n"


def test_a_restart_refuses_nobody(sd, tcpmuxd):
    """Who connects between two daemons waits for the second."""
    where = sd.open("web")
    assert tcpmuxd(conf=named("web"), **sd.popen()).stop() == 0
    with server.connect(where) as sock:
        sock.sendall(HELP)
        tcpmuxd(conf=named("web"), **sd.popen())
        assert server.read_all(sock) == b"tcpmux\r\n"


def test_systemds_own_activation(folder):
    """systemd-socket-activate speaks the protocol as systemd does."""
    conf = f"{folder}/conf"
    server.write_conf(conf, "control = none\n" + named("web"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = server.Server("-f", conf, prefix=[
        "systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=web"])
    started.wait_for("Listening on")
    assert ask(("127.0.0.1", port), HELP) == b"tcpmux\r\n"
    assert started.stop() == 0


@pytest.mark.parametrize("address", ["", "@tcpmux-test-notify"])
def test_the_manager_is_told_of_each_state(folder, tcpmuxd, address):
    sd = manager.Manager(folder, address)
    started = tcpmuxd(**sd.popen())
    assert sd.hear() == {
        "READY": "1",
        "STATUS": "serving 1 service on 1 socket, generation 1"}
    started.reload(ONE_LISTENER + 'service "e" { builtin = echo }\n')
    said = sd.hear()
    assert said["RELOADING"] == "1" and int(said["MONOTONIC_USEC"]) > 0
    assert sd.hear() == {
        "READY": "1",
        "STATUS": "serving 2 services on 1 socket, generation 2"}
    server.write_conf(started.conf, "nonsense\n")
    started.process.send_signal(signal.SIGHUP)
    assert sd.hear()["RELOADING"] == "1"
    assert sd.hear() == {
        "READY": "1",
        "STATUS": "serving 2 services on 1 socket, generation 2; the "
                  "last reload failed, see the log"}
    assert started.stop() == 0
    assert sd.hear() == {"STOPPING": "1", "STATUS": "stopping"}
    assert sd.senders == {started.pid}
    sd.close()


def test_a_reload_is_told_with_a_time_of_its_own(sd, tcpmuxd):
    """Type=notify-reload takes no answer to an earlier reload."""
    started = tcpmuxd(**sd.popen())
    before = time.monotonic_ns() // 1000
    started.process.send_signal(signal.SIGHUP)
    said = sd.wait_told(RELOADING="1")
    assert before <= int(said["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000


def test_signs_of_life_come_in_time(sd, tcpmuxd):
    """Two of them, of a process that has nothing else to do."""
    tcpmuxd(**sd.popen(WATCHDOG_USEC="200000"))
    assert [sd.wait_told(WATCHDOG="1") for _ in range(3)]


def test_signs_of_life_are_for_whom_they_are_wanted(sd, tcpmuxd):
    started = tcpmuxd(**sd.popen(WATCHDOG_USEC="1000", WATCHDOG_PID="1"))
    started.process.send_signal(signal.SIGHUP)
    sd.wait_told(RELOADING="1")
    sd.wait_told(READY="1")
    assert not [said for said in sd.told if "WATCHDOG" in said]


def test_a_manager_that_hears_nothing_holds_up_nobody(sd, tcpmuxd):
    """Its queue is full; the last state is told when there is room."""
    stuffer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    stuffer.setblocking(False)
    with stuffer, pytest.raises(BlockingIOError):
        while True:
            stuffer.sendto(b"X=1", sd.address)
    started = tcpmuxd(**sd.popen(WATCHDOG_USEC="200000"))
    assert ask(started.addresses[0], HELP) == b"tcpmux\r\n"
    started.reload(ONE_LISTENER)
    assert sd.wait_told(READY="1")["STATUS"].endswith("generation 2")


@pytest.mark.parametrize("address", ["relative", "/nowhere/notify", "@"])
def test_a_manager_that_is_not_there_is_said(folder, tcpmuxd, address):
    del folder
    started = tcpmuxd(env={**os.environ, "NOTIFY_SOCKET": address})
    assert ask(started.addresses[0], HELP) == b"tcpmux\r\n"
    assert any("cannot be told anything: NOTIFY_SOCKET" in line
               for line in started.said)


def test_the_managers_variables_reach_no_service(sd, host, tcpmuxd):
    where = sd.open("web")
    program = [os.path.realpath(sys.executable), "-IBSc",
               "import os; print(sorted(os.environ))"]
    words = ", ".join(f'"{word}"' for word in program)
    tcpmuxd(conf=named("web") +
            host.service("env", f"exec = {{{words}}} {as_nobody()}"),
            **sd.popen(WATCHDOG_USEC="30000000"))
    said = ask(where, b"env\r\n")
    assert b"PATH" in said or b"TCPREMOTEIP" in said
    for word in (b"LISTEN_", b"NOTIFY_", b"WATCHDOG_"):
        assert word not in said


def test_t_and_capital_t_show_the_name(folder):
    """As it was written, and without a port."""
    conf = f"{folder}/conf"
    server.write_conf(conf, "control = none\n" + named("web", "lenient = yes"))
    for option, wanted in (("-t", "listen systemd:web, lenient\n"),
                           ("-T", 'listen "systemd:web" {\n'
                                  "\tlenient = true\n}\n")):
        said = subprocess.run([TCPMUXD, option, "-f", conf], text=True,
                              stdout=subprocess.PIPE, check=True).stdout
        assert wanted in said


def test_a_control_socket_elsewhere_is_said(sd, folder, tcpmuxd):
    """It is used wherever the service manager has it."""
    path = f"{folder}/elsewhere"
    sd.open("control", path, socket.AF_UNIX, kind=socket.SOCK_SEQPACKET)
    started = tcpmuxd(conf=f'control = "{folder}/here"\n', **sd.popen())
    assert f"tcpmuxd: warning: control = {folder}/here: the service manager " \
        f"has opened the control socket, and elsewhere: {path}" in started.said
    assert not os.path.exists(f"{folder}/here")
    started.stop()
    assert os.path.exists(path)
