"""What another local user does against the control socket (T7)."""

import contextlib
import os
import random
import socket
import subprocess

import pytest

import callers
import load
import proc
import services
from offerers import (ALICE, BOB, IDS, Offer, Offers, as_user, dial, hear,
                      needs_root, refused, words)

CONF = "fronts = 1\nlog { level = refusals }\n"


def junk():
    """Messages that are no request."""
    rand = random.Random(7)
    yield from (b"offer/x", b"offer/x\n", b"offer/x\r", b"offer/\r\n",
                b"offer\r\n", b"\r\n", b"\n", b"\0", b"offer/x\r\n\r\n",
                b"offer/x\r\nmore", b"offer/a b\r\n", b"offer/\xff\r\n",
                b"OFFER /x\r\n", b"offer,/x\r\n", b"offer,nosuch/x\r\n",
                b"offer,share,share,share/\r\n", b"withdraw/x\r\n",
                b"offer/" + b"x" * 255 + b"\r\n",
                b"offer" + b",share" * 60 + b"/x\r\n", b"HELP\r\n",
                b"x" * 70000)
    for _ in range(200):
        yield rand.randbytes(rand.randint(1, 600))
    for _ in range(200):
        text = bytearray(b"offer,share/name\r\n")
        text[rand.randrange(len(text))] = rand.randrange(256)
        yield bytes(text)


def test_junk_on_the_control_socket(tcpmuxd):
    """Each gets a line or the end; nothing of it becomes an offer."""
    started = tcpmuxd(conf=CONF)
    everybody = started.processes()
    good = (b"+name\r\n", b"-request ", b"-name ", b"-denied ")
    for message in junk():
        with dial(started.control) as link:
            link.send(message)
            line = hear(link)
            assert line == b"" or line.startswith(b"+") or \
                line.startswith(good), (message, line)
            if line.startswith(b"+"):
                assert message.lower().startswith(b"offer"), message
    with dial(started.control) as link:
        link.send(b"")                  # on such a socket, not the end
        hear(link)
    assert refused(started, "healthy") is None
    assert started.processes() == everybody


def test_messages_with_descriptors(tcpmuxd):
    """Descriptors sent to the daemon: it keeps none."""
    started = tcpmuxd(conf=CONF)
    registrar, = started.wait_named("regis")
    assert refused(started, "first") is None
    started.settle()
    before = proc.fds(registrar)
    reader, writer = os.pipe()
    for i in range(1, 50):
        with dial(started.control) as link:
            socket.send_fds(link, [b"offer/name\r\n"], [writer] * i)
            line = hear(link)
            assert line.startswith((b"+name", b"-request ")) or line == b""
    os.close(writer)
    assert os.read(reader, 1) == b"", "somebody has kept it"
    os.close(reader)
    proc.wait_until(lambda: proc.fds(registrar) == before, "the closes")


def test_a_program_that_talks_on(tcpmuxd):
    """The daemon hears no more than the request; and the offer stays."""
    started = tcpmuxd(conf=CONF)
    with Offer(started, "talks") as offer:
        assert offer.taken
        with contextlib.suppress(OSError):
            for _ in range(100):
                offer.link.send(b"offer/more\r\n", socket.MSG_DONTWAIT)
        with callers.call(started.addresses[0], "talks") as sock:
            taken, _ = offer.take()
            with taken:
                taken.sendall(b"+\r\n")
            assert callers.read_line(sock) == b"+\r\n"
    assert callers.reply(started.addresses[0], "more").startswith(b"-No such")


def test_other_kinds_of_socket_are_refused(tcpmuxd):
    """SOCK_STREAM and SOCK_DGRAM do not fit."""
    started = tcpmuxd(conf=CONF)
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_UNIX, kind) as sock, \
                pytest.raises(OSError):
            sock.connect(started.control)


FLOOD = """\
import resource, socket, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
socks, number = [], int(sys.argv[2])
print("begin", flush=True)
while True:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.setblocking(False)
    try:
        sock.connect(sys.argv[1])
    except OSError:
        sock.close()
        if socks:
            socks.pop(0).close()
        continue
    if sys.argv[3] == "junk":
        try:
            sock.send(b"junk" * 50)
        except OSError:
            pass
    socks.append(sock)
    if len(socks) > number:
        socks.pop(0).close()
"""


OFFERS = """\
import itertools, socket, sys
print("begin", flush=True)
for i in itertools.count():
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link.connect(sys.argv[1])
    link.send(b"offer/%s\\r\\n" % sys.argv[2].replace("%d", str(i)).encode())
    if i % 3:
        link.recv(512)
    link.close()
"""


def assert_others_notice_nothing(host, started, offer_as, text, *arguments):
    """Two programs of one user's do what they do; meanwhile all that others
    offer is taken and served."""
    path = host.path("attack.py")
    services.script(host.folder, "attack.py", text)
    with Offers(started, ["before"]), \
            load.under_load(started.addresses[0], ["before"]) as clients:
        for _ in range(2):
            attack = host.program(
                *as_user(*IDS[BOB]), "/usr/bin/python3", "-IBS", path,
                started.control, *arguments, stdout=subprocess.PIPE)
            with attack.stdout:
                assert attack.stdout.readline() == b"begin\n"
        for i in range(3):
            # The registrar may never rest now.
            program = offer_as(started, ALICE, f"a{i}", rest=False)
            assert program.taken, program.answers
            proc.wait_until(lambda i=i: callers.is_served(
                started.addresses[0], f"a{i}"), "the fronts to know it")
            with Offer(started, f"r{i}", rest=False) as offer:
                assert offer.taken, offer.answer
        clients.wait_served()
        assert attack.poll() is None, "it has ended"
    assert set(clients.outcomes()) == {"served"}, clients.counts


@pytest.mark.parametrize("number, what", [(10, "junk"), (3000, "silent")])
def test_a_flood_of_connections(host, tcpmuxd, offer_as, number, what):
    """One user connects without end, and holds so many of them."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"{ALICE}", "{BOB}"}}\n')
    assert_others_notice_nothing(host, started, offer_as, FLOOD, str(number),
                                 what)


@pytest.mark.parametrize("name", ["n%d", "same", "before"])
def test_a_flood_of_offers(host, tcpmuxd, offer_as, name):
    """One user offers and withdraws without end."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"{ALICE}", "{BOB}"}}\n')
    assert_others_notice_nothing(host, started, offer_as, OFFERS, name)


def test_a_flood_where_there_are_few_descriptors(host, tcpmuxd, offer_as):
    """Far fewer than the connections that one user holds."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"{ALICE}", "{BOB}"}}\n',
                      prefix=("prlimit", "--nofile=512:512"))
    assert_others_notice_nothing(host, started, offer_as, FLOOD, "3000",
                                 "silent")


def test_thousands_that_say_nothing(tcpmuxd, offer_as):
    """2,000 connections of a user who may offer, and who says nothing."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"{ALICE}"}}\n')
    with contextlib.ExitStack() as stack:
        for _ in range(2000):
            link = stack.enter_context(socket.socket(
                socket.AF_UNIX, socket.SOCK_SEQPACKET))
            link.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                link.connect(started.control)
        assert offer_as(started, ALICE, "alice-s").taken
        assert callers.is_served(started.addresses[0], "alice-s")
    proc.wait_until(lambda: refused(started, "root-s") is None,
                    "root's turn")


CYCLE = """\
import socket, sys
for i in range(int(sys.argv[2])):
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link.connect(sys.argv[1])
    link.send(b"offer/n%d\\r\\n" % i)
    line = link.recv(512)
    link.close()
    if not line.startswith(b"+"):
        sys.exit(line.decode())
"""


def test_one_user_cannot_have_every_name_kept(host, tcpmuxd, offer_as):
    """Who offers and withdraws 1,000 names has only so many kept for him."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"{ALICE}", "{BOB}"}}\n')
    path = host.path("cycle.py")
    services.script(host.folder, "cycle.py", CYCLE)
    subprocess.run([*as_user(1), "/usr/bin/python3", "-IBS", path,
                    started.control, "1000"], check=True)
    assert words(offer_as(started, BOB, "n0", "n500", "n999")) == \
        ["+", "+", "taken"]


def test_kept_names_do_not_use_up_the_room(tcpmuxd):
    """10,000 names, one after the other: there is always room for the next.
    """
    started = tcpmuxd(conf=CONF)
    for i in range(10000):
        with Offer(started, f"n{i}", rest=False) as offer:
            assert offer.taken, (i, offer.answer)
