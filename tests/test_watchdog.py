"""The watchdog: a process that is stuck is replaced (T10)."""

import contextlib
import os
import platform
import signal

import pytest

import callers
import load
import proc
import server
from asking import ask
from offerers import Offer, needs_root

ROLES = ("front", "relay", "regis", "spawn")

# An instruction that goes nowhere but back to itself.
SPIN = {"x86_64": b"\xeb\xfe", "aarch64": b"\x00\x00\x00\x14"}


def stop(pid):
    """Let a process be stuck."""
    os.kill(pid, signal.SIGSTOP)
    proc.wait_until(lambda: proc.state(pid) == "T", "it to stop")


def spin(pid):
    """Let a process that waits for the kernel go round for ever after."""
    needs_root()
    if platform.machine() not in SPIN:
        pytest.skip("no instruction known that spins on this machine")
    proc.wait_until(lambda: proc.state(pid) == "S", "it to wait")
    counter = proc.read(pid, "syscall").split()[-1]
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(int(counter, 16))
        memory.write(SPIN[platform.machine()])


def wait_replaced(started, name, pid):
    """Wait until pid is gone, and its place taken."""
    proc.wait_gone(pid)
    proc.wait_until(lambda: started.named(name) and
                    pid not in started.named(name), f"another {name}")
    proc.wait_until(lambda: any(
        line.endswith(f"(process {pid}) is stuck: it is replaced")
        for line in started.said), "it to be said")


@pytest.mark.parametrize("way", (stop, spin))
def test_t10_stuck_processes_are_replaced(host, tcpmuxd, way):
    """T10: those that stand still, and those that spin; and all is served."""
    started = tcpmuxd(conf="fronts = 1\nrelays = 1\n" +
                      load.configuration(host))
    stuck = {name: started.wait_named(name)[0] for name in ROLES}
    for pid in stuck.values():
        way(pid)
    for name, pid in stuck.items():
        wait_replaced(started, name, pid)
    replaced = ask(started, "snapshot").lines("tcpmuxd")[0]["replaced"]
    assert replaced == str(len(stuck))
    with load.Load(started.addresses[0]) as clients:
        clients.wait_served()
    assert clients.wrong == []


def test_t10_one_stuck_front_of_two_loses_its_own_only(host, tcpmuxd):
    """T10: the other front serves everybody meanwhile."""
    started = tcpmuxd(conf="fronts = 2\n" + host.echo("cat"))
    fronts = proc.wait_until(
        lambda: len(started.named("front")) == 2 and started.named("front"),
        "two fronts")
    stop(fronts[0])
    assert callers.is_served(started.addresses[0], "echo")
    wait_replaced(started, "front", fronts[0])
    assert fronts[1] in started.named("front")
    assert callers.is_served(started.addresses[0], "echo")


def test_nobody_is_killed_who_had_no_time(host, tcpmuxd):
    """What counts is the monitor's own time: it has stood still as well."""
    asleep, clock = (tcpmuxd(conf="fronts = 1\n" + host.echo("cat"))
                     for _ in range(2))
    front = asleep.front
    for pid in (asleep.pid, front, clock.front):
        os.kill(pid, signal.SIGSTOP)
    clock.wait_for("is stuck: it is replaced")  # a long time has passed
    for pid in (asleep.pid, front):
        os.kill(pid, signal.SIGCONT)
    for _ in range(100):
        assert callers.is_served(asleep.addresses[0], "echo")
    assert asleep.front == front


def test_t8_what_confines_a_process_is_known(host, tcpmuxd):
    """T8: a front has every layer that there is."""
    needs_root()
    started = tcpmuxd(conf=load.configuration(host))
    lines = ask(started, "snapshot").lines("process")
    layers = {line["role"]: line["layers"].split(",") for line in lines}
    assert {"user", "caps", "no-new-privs", "root", "seccomp",
            "limits"} <= set(layers["front"])
    assert {"user", "caps", "seccomp", "limits"} <= set(layers["relay"])
    assert {"user", "caps", "seccomp"} <= set(layers["logger"])
    assert "user" not in layers["spawn"] and "caps" in layers["spawn"]
    assert layers["monitor"] == ["none"] or "user" not in layers["monitor"]
    assert all(int(line["rss-kb"]) > 0 for line in lines)


def test_t8_a_plain_users_monitor_is_not_root(host, tcpmuxd):
    """T8: also where it keeps what it needs to run programs."""
    started = tcpmuxd(conf=load.configuration(host))
    monitor = ask(started, "snapshot").lines("process")[0]
    assert (os.geteuid() != 0) == ("user" in monitor["layers"].split(","))


def test_t11_reload_does_not_wait_for_a_stuck_registrar(tcpmuxd):
    """T11: the next one begins with what the stuck one had claimed."""
    started = tcpmuxd()
    stop(started.wait_named("regis")[0])
    assert started.reload(server.ONE_LISTENER) == 1
    with Offer(started, "s") as offer:
        assert offer.taken


def test_busy_processes_are_left_alone(host, tcpmuxd):
    """Who has much to do has a pulse all the same."""
    started = tcpmuxd(conf=load.configuration(host))
    before = started.processes()
    with load.Load(started.addresses[0]) as clients:
        clients.wait_served(300)
    assert started.processes() == before
    assert clients.wrong == []


def test_a_front_that_has_long_lists_to_send_is_left_alone(tcpmuxd):
    """Nobody can have it killed by asking for many of them at once."""
    rule = ", ".join(f'"10.{i}.0.0/16"' for i in range(40))
    started = tcpmuxd(conf="fronts = 1\n" + "".join(
        f"service s{i} {{\n builtin = echo\n from = {{{rule}}}\n}}\n"
        for i in range(60000)))
    front = started.front
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect(started.addresses[0]))
                   for _ in range(600)]
        os.kill(front, signal.SIGSTOP)      # all of them in one turn
        for client in clients:
            client.sendall(b"HELP\r\n")
        os.kill(front, signal.SIGCONT)
        for client in clients:
            assert server.read_all(client) == b"tcpmux\r\n"
    assert started.named("front") == [front]


def test_stuck_logger_holds_up_nobody(host, tcpmuxd):
    """It may wait for a disk, so it is not replaced; and nobody waits."""
    started = tcpmuxd(conf=load.configuration(host))
    logger = started.wait_named("logger")[0]
    stop(logger)
    with load.Load(started.addresses[0]) as clients:
        clients.wait_served(50)
    assert clients.wrong == []
    assert started.named("logger") == [logger]
    os.kill(logger, signal.SIGCONT)
