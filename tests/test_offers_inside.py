"""What somebody inside the machine does who may offer a name (T7, T15); and
what a process of the daemon that has gone bad could reach (T9)."""

import contextlib
import os
import select
import signal
import socket
import stat
import subprocess

import pytest

import callers
import proc
import server
import services
from offerers import (ALICE, BOB, IDS, Offer, Offers, as_user, hear,
                      needs_root, words)
from test_offers_queue import fill

CONF = (f'fronts = 1\nlog {{ level = refusals }}\nmax-per-source = 60000\n'
        f'offered-by = {{"{ALICE}", "{BOB}"}}\n')

# Fills the queue of its own name and has the offer end, again and again, and
# keeps its ends of the sockets.  How often says how far it has come.
HOARD = """\
import select, socket, sys
control, host, port, how, most = sys.argv[1:]
links, socks = [], []

def fill():
    poll = select.poll()
    mine = [socket.create_connection((host, int(port))) for _ in range(70)]
    for sock in mine:
        sock.sendall(b"evil\\r\\n")
        poll.register(sock, select.POLLIN)
    while len(poll.poll()) < 6:
        pass
    for sock in mine:
        sock.close()

while len(links) < int(most):
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link.connect(control)
    link.sendall(b"offer%s/evil\\r\\n" % how.encode())
    if not link.recv(512).startswith(b"+"):
        break
    links.append(link)
    fill()
    if not how:
        link.shutdown(socket.SHUT_RD)
print(len(links), flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def hoarder(host, started, how, most):
    """A program of Alice's that hoards; yields how many offers it has had."""
    services.script(host.folder, "hoard.py", HOARD)
    words_ = [*as_user(*IDS[ALICE]), "/usr/bin/python3", "-IBS",
              host.path("hoard.py"), started.control,
              *map(str, started.addresses[0]), how, str(most)]
    with subprocess.Popen(words_, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        yield int(process.stdout.readline())
        process.stdin.close()


@pytest.mark.parametrize("how", [",replace", ""])
def test_t15_connections_that_a_program_never_takes(host, tcpmuxd, how):
    """Offers that have ended, and whose connections nobody takes: they count
    as offers of their user, and do not stop all others."""
    needs_root()
    started = tcpmuxd(conf=CONF + "max-offers-per-user = 16\n",
                      prefix=("prlimit", "--nofile=1024:1024"))
    address = started.addresses[0]
    with Offers(started, ["good"]):
        with hoarder(host, started, how, 40) as had:
            assert 16 <= had <= 19, had
            for _ in range(5):
                assert callers.is_served(address, "good")
            started.reload(started_conf(started))
            with Offer(started, "more") as offer:
                assert offer.taken, offer.answer
            with hoarder(host, started, how, 40) as again:
                assert again <= 3, "a reload has forgotten them"
            assert callers.is_served(address, "good")

        def is_forgiven():
            with hoarder(host, started, how, 2) as had:
                return had == 2
        proc.wait_until(is_forgiven, "their ends")


def started_conf(started):
    """The text of its configuration."""
    with open(started.conf, encoding="ascii") as file:
        return file.read()


def test_t15_a_dialled_program_that_never_takes(host, tcpmuxd):
    """It hangs up without having taken what waits: nobody dials it again."""
    path = host.path("evil.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen()
        listener.settimeout(proc.PATIENCE)
        started = tcpmuxd(conf=CONF + host.service(
            "evil", f'socket = "{path}"'))
        link, _ = listener.accept()
        with link:
            proc.wait_until(lambda: not callers.reply(
                started.addresses[0], "tcpmux").startswith(b"-"), "it")
            socks = [callers.call(started.addresses[0], "evil")
                     for _ in range(5)]
            link.settimeout(proc.PATIENCE)
            link.recv(1, socket.MSG_PEEK)
            link.shutdown(socket.SHUT_RDWR)
            listener.settimeout(1)
            with pytest.raises(TimeoutError):
                listener.accept()
        listener.settimeout(proc.PATIENCE)
        listener.accept()[0].close()
        for sock in socks:
            sock.close()


def shared(pid):
    """What memory it can write to that others have, too."""
    maps = proc.read(pid, "maps").splitlines()
    return {line.split()[4] for line in maps
            if line.split()[1].startswith("rw-s")}


def test_t9_no_other_process_has_what_the_registrar_notes(tcpmuxd):
    """Nor those that are started while another generation is there."""
    needs_root()
    started = tcpmuxd(conf=CONF)
    registrar, = started.wait_named("regis")
    claims = shared(registrar) - shared(started.front)
    assert claims
    with server.connect(started.addresses[0]) as waits:
        assert callers.reply(started.addresses[0], "tcpmux")
        started.reload(started_conf(started))
        registrars = started.named("regis")
        assert registrar in registrars and len(registrars) == 2
        claims |= shared(registrars[-1]) - shared(started.named("front")[-1])
        for pid in started.processes():
            if pid != started.pid and pid not in registrars:
                assert not shared(pid) & claims, proc.read(pid, "comm")
        waits.sendall(b"tcpmux\r\n")
        assert callers.read_line(waits).startswith(b"+")


def test_t10_names_of_a_registrar_that_dies_while_it_gives(tcpmuxd, offer_as):
    """They are kept for their users."""
    needs_root()
    started = tcpmuxd(conf=CONF)
    program = offer_as(started, ALICE, "name")
    assert program.taken
    registrar, = started.wait_named("regis")
    os.kill(registrar, signal.SIGSTOP)
    server.write_conf(started.conf, started_conf(started) + "\n")
    started.process.send_signal(signal.SIGHUP)
    proc.wait_until(lambda: len(started.named("regis")) == 2, "another")
    os.kill(registrar, signal.SIGKILL)
    started.wait_for(server.SERVING)
    assert words(offer_as(started, BOB, "name", rest=False)) == ["taken"]
    assert offer_as(started, ALICE, "name", rest=False).taken


def test_t10_names_of_registrars_that_are_killed_as_they_start(tcpmuxd,
                                                               offer_as):
    """Each notes anew who has which name, and is killed at once."""
    needs_root()
    started = tcpmuxd(conf=CONF)
    names = [f"n{i}" for i in range(20)]
    assert offer_as(started, ALICE, *names).taken
    for _ in range(10):
        registrar, = started.wait_named("regis")
        os.kill(registrar, signal.SIGKILL)
        proc.wait_until(lambda pid=registrar: pid not in
                        started.named("regis"), "its end")
    assert words(offer_as(started, BOB, *names, rest=False)) == \
        ["taken"] * len(names)


def test_t15_queues_that_were_longer_once(tcpmuxd):
    """They are full before they are made shorter: all of them together still
    leave room for others."""
    needs_root()
    started = tcpmuxd(conf=CONF, prefix=("prlimit", "--nofile=1024:1024"))
    address = started.addresses[0]
    with Offers(started, ["good"]), contextlib.ExitStack() as stack:
        for i in range(60):
            offer = stack.enter_context(Offer(started, f"n{i}"))
            assert offer.taken, offer.answer
            with contextlib.ExitStack() as socks:
                assert fill(socks, address, f"n{i}") >= 8
            assert callers.is_served(address, "good"), i


def test_t10_a_front_that_hears_nothing_is_given_up(tcpmuxd):
    """It does not keep programs from offering; and when it comes back to
    life another takes its place."""
    started = tcpmuxd(conf="fronts = 2\nlog { level = refusals }\n",
                      prefix=("prlimit", "--nofile=1024:1024"))
    started.expected = {*started.expected, "status 0"}
    stuck = started.front
    os.kill(stuck, signal.SIGSTOP)

    def offered(i):
        with Offer(started, f"n{i}", rest=False) as offer:
            return offer.taken
    count = 0
    while offered(count):
        count += 1
        assert count < 3000, "it was not stuck"
    proc.wait_until(lambda: offered(count), "the other front alone")
    with contextlib.suppress(ProcessLookupError):   # the watchdog was first
        os.kill(stuck, signal.SIGCONT)
    proc.wait_gone(stuck)
    proc.wait_until(lambda: len(started.named("front")) == 2, "another front")
    with Offers(started, ["name"]):
        for _ in range(20):
            proc.wait_until(lambda: callers.is_served(
                started.addresses[0], "name"), "all fronts to know it")


def test_t10_a_stuck_registrar_leaves_all_other_services_alone(tcpmuxd):
    """Also when a front dies, and the next one hears nothing of takers."""
    started = tcpmuxd(conf="fronts = 1\nlog { level = refusals }\n")
    registrar, = started.wait_named("regis")
    os.kill(registrar, signal.SIGSTOP)
    try:
        os.kill(started.front, signal.SIGKILL)
        assert callers.is_served(started.addresses[0], "tcpmux")
    finally:
        os.kill(registrar, signal.SIGCONT)
    with Offers(started, ["name"]):
        assert callers.is_served(started.addresses[0], "name")


def test_a_program_with_a_full_queue_hears_why_it_has_ended(tcpmuxd):
    """Behind the connections that wait: else it would offer the name again."""
    started = tcpmuxd(conf="fronts = 1\nlog { level = refusals }\n")
    with contextlib.ExitStack() as stack, Offer(started, "full") as old:
        count = fill(stack, started.addresses[0], "full")
        with Offer(started, "full", "replace") as new:
            assert new.taken, new.answer
            poll = select.poll()
            poll.register(old, select.POLLRDHUP)
            assert poll.poll(proc.PATIENCE * 1000), "it has not ended"
            for _ in range(count):
                old.take()[0].close()
            assert hear(old.link).startswith(b"-replaced ")


def test_the_control_socket_has_its_mode_whatever_the_umask(tcpmuxd):
    """And from the start: nobody can change a path under it."""
    before = os.umask(0o077)
    try:
        started = tcpmuxd(conf=CONF)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(started.control).st_mode) == 0o666
