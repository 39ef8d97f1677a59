"""The queues of offers: programs that are stuck (T15), and several that share
a name or take it over."""

import contextlib
import os
import select
import socket
import threading

import callers
import load
import proc
import server
from offerers import Offer, Offers, hear, listed, refused
from services import OK

CONF = "fronts = 1\nlog { level = refusals }\n"
QUEUE = 64


def can_be_read(*socks):
    """Those that have something to read, or their end."""
    poll = select.poll()
    for sock in socks:
        poll.register(sock, select.POLLIN)
    ready = {fd for fd, _ in poll.poll(0)}
    return [sock for sock in socks if sock.fileno() in ready]


def fill(stack, address, name):
    """Connect more often than there is room; how many wait then."""
    socks = [stack.enter_context(callers.call(address, name))
             for _ in range(QUEUE + 6)]
    proc.wait_until(lambda: len(can_be_read(*socks)) >= 6, "busy")
    # The one front has been through all of them when this one is served.
    assert callers.reply(address, "tcpmux") == OK
    refused_ones = can_be_read(*socks)
    for sock in refused_ones:
        heard = server.read_all(sock)
        sock.close()
        assert heard.startswith(b"-busy") and heard.endswith(b"\r\n"), heard
    return len(socks) - len(refused_ones)


def test_a_stuck_offer_gets_64_and_the_next_hears_busy(tcpmuxd):
    """Its queue is bounded; and it gets them all when it goes on."""
    started = tcpmuxd(conf=CONF)
    with contextlib.ExitStack() as stack, \
            Offer(started, "stuck") as offer:
        assert fill(stack, started.addresses[0], "stuck") == QUEUE
        for _ in range(QUEUE):
            taken, _ = offer.take()
            taken.close()
        assert not can_be_read(offer)
        assert fill(stack, started.addresses[0], "stuck") == QUEUE


def test_the_queue_of_a_long_name(tcpmuxd):
    """The bound does not depend on the name's length very much."""
    started = tcpmuxd(conf=CONF)
    with contextlib.ExitStack() as stack, \
            Offer(started, "x" * 200) as offer:
        assert offer.taken
        assert QUEUE // 2 <= fill(
            stack, started.addresses[0], "x" * 200) <= QUEUE


def services(host):
    """Of all kinds, without the log that is there already."""
    return "".join(line for line in load.configuration(host).splitlines(True)
                   if not line.startswith("log "))


def all_stuck_but_one(started, least):
    """99 offers that nobody reads, each filled; and one is served in full, as
    are services of other kinds."""
    address = started.addresses[0]
    kinds = ("healthy", "exec", "relay", "socket")
    with contextlib.ExitStack() as stack:
        for i in range(99):
            offer = stack.enter_context(Offer(started, f"stuck-{i}"))
            assert offer.taken, offer.answer
        with Offers(started, ["healthy"]), \
                load.under_load(address, kinds) as clients:
            for i in range(99):
                assert least <= fill(stack, address, f"stuck-{i}") <= QUEUE
                assert callers.is_served(address, "healthy")
            clients.wait_served(100)
        clients.show("99 stuck")
        assert set(clients.outcomes()) == {"served"}, clients.counts


def test_t15_99_of_100_offers_stuck(host, tcpmuxd):
    """T15: the healthy one is served in full, and the others say -busy."""
    all_stuck_but_one(tcpmuxd(conf=CONF + "max = 20000\n"
                              "max-per-source = 20000\n" + services(host)), 8)


def test_t15_99_of_100_offers_stuck_and_few_descriptors(host, tcpmuxd):
    """T15: where there are few descriptors, the queues are short."""
    all_stuck_but_one(tcpmuxd(
        conf=CONF + "max-per-source = 2000\n" + services(host),
        prefix=("prlimit", "--nofile=4096:4096")), 8)


def test_queues_shrink_as_offers_come(tcpmuxd):
    """Few have 64 places each; when there are many, all have fewer, and
    their sum stays within half of what may be open."""
    limit = 2048
    started = tcpmuxd(conf=CONF + "max-per-source = 2000\n",
                      prefix=("prlimit", f"--nofile={limit}:{limit}"))
    address = started.addresses[0]
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(Offer(started, "first"))
        assert fill(stack, address, "first") == QUEUE
        for _ in range(QUEUE):
            first.take()[0].close()
        with Offers(started, [f"n{i}" for i in range(60)]):
            for i in range(60):
                assert callers.is_served(address, f"n{i}")
            few = fill(stack, address, "first")
            assert 8 <= few <= limit // 2 // 60 + 1
            for _ in range(few):
                first.take()[0].close()
        proc.wait_until(lambda: listed(address) == ["first", "tcpmux"],
                        "their ends")
        assert fill(stack, address, "first") == QUEUE


# Several programs for one name.

class Share:
    """One of several offers of a name: it says which it is."""

    def __init__(self, started, word, *options, name="name"):
        self.offer = Offer(started, name, *options)
        assert self.offer.taken, self.offer.answer
        self.word = word
        self.count = 0
        self.last = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """Serve until it is closed, or ended by the daemon."""
        while True:
            sock, self.last = self.offer.take()
            if sock is None:
                return
            with sock, contextlib.suppress(OSError):
                self.count += 1
                sock.sendall(OK + self.word)

    def close(self):
        """Withdraw it."""
        with contextlib.suppress(OSError):      # it may be done already
            self.offer.link.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.offer.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ask(address, name="name"):
    """Who answers."""
    with callers.call(address, name) as sock:
        return server.read_all(sock)


def test_three_share_a_name_equally(tcpmuxd):
    """share: about as many connections each, and all are served."""
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]
    with contextlib.ExitStack() as stack:
        three = [stack.enter_context(Share(started, word, "share"))
                 for word in (b"a", b"b", b"c")]
        for _ in range(300):
            assert ask(address)[len(OK):] in (b"a", b"b", b"c")
        counts = [each.count for each in three]
        print(counts)
        assert sum(counts) == 300 and min(counts) >= 60
        assert listed(address).count("name") == 1
        three[1].close()
        for _ in range(50):
            assert ask(address)[len(OK):] in (b"a", b"c")


def test_least_queued_first(tcpmuxd):
    """Of two the one that is stuck gets one, and the other all the rest."""
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]
    with Offer(started, "name", "share") as stuck, \
            Share(started, b"well", "share"), \
            contextlib.ExitStack() as stack:
        while not can_be_read(stuck):
            waiting = stack.enter_context(callers.call(address, "name"))
            proc.wait_until(lambda w=waiting: can_be_read(w, stuck), "either")
        for _ in range(100):
            assert ask(address) == OK + b"well"
        taken, _ = stuck.take()
        with taken:
            taken.sendall(OK)
        assert server.read_all(waiting) == OK
        assert not can_be_read(stuck)


def test_a_taker_that_cannot_take_any_more(tcpmuxd):
    """It shuts down its receiving side: the other one gets them all."""
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]
    with Offer(started, "name", "share") as deaf, \
            Share(started, b"well", "share"), \
            Offer(started, "alone") as alone:
        deaf.link.shutdown(socket.SHUT_RD)
        alone.link.shutdown(socket.SHUT_RD)
        for _ in range(20):
            assert ask(address) == OK + b"well"
        assert callers.reply(address, "alone") in load.REFUSALS


def test_sharing_needs_all_to_agree(tcpmuxd):
    """Who does not share has the name alone; and who does, shares only."""
    started = tcpmuxd(conf=CONF)
    with Offer(started, "alone"), Offer(started, "ours",
                                                "share"):
        assert refused(started, "alone") == "taken"
        assert refused(started, "ALONE", "share") == "taken"
        assert refused(started, "ours") == "taken"
        assert refused(started, "Ours", "share") is None


def test_replace_takes_a_name_over(tcpmuxd):
    """replace: the old one is told why it has ended, behind its last
    connection."""
    started = tcpmuxd(conf=CONF)
    address = started.addresses[0]
    with Offer(started, "name") as old:
        with callers.call(address, "name") as sock:
            started.settle()
            with Share(started, b"new", "replace"):
                assert ask(address) == OK + b"new"
                taken, _ = old.take()
                with taken:
                    taken.sendall(OK + b"old")
                assert server.read_all(sock) == OK + b"old"
                assert hear(old.link).startswith(b"-replaced ")
                assert hear(old.link) == b""
                assert ask(address) == OK + b"new"


def test_replace_takes_over_all_who_share(tcpmuxd):
    """replace: of three who share nobody is left."""
    started = tcpmuxd(conf=CONF)
    with contextlib.ExitStack() as stack:
        three = [stack.enter_context(Share(started, b"old", "share"))
                 for _ in range(3)]
        with Share(started, b"new", "replace", "share"):
            for each in three:
                each.thread.join(proc.PATIENCE)
                assert each.last.startswith(b"-replaced "), each.last
            for _ in range(10):
                assert ask(started.addresses[0]) == OK + b"new"


def test_replace_without_anybody_to_replace(tcpmuxd):
    """replace: of a free name it is an offer like any other."""
    started = tcpmuxd(conf=CONF)
    with Share(started, b"new", "replace"):
        assert ask(started.addresses[0]) == OK + b"new"


def test_replace_leaves_no_gap_under_load(tcpmuxd):
    """replace: 30 times, and each conversation is served."""
    started = tcpmuxd(conf=CONF)
    with contextlib.ExitStack() as stack:
        stack.enter_context(Offers(started, ["name"]))
        with load.under_load(started.addresses[0], ["name"]) as clients:
            for _ in range(30):
                stack.enter_context(
                    Offers(started, ["name"], "replace"))
                clients.wait_served()
        clients.show("30 replacements")
        assert set(clients.outcomes()) == {"served"}, clients.counts


def test_few_descriptors_of_the_programs_own(tcpmuxd, folder):
    """A program at its own limit of descriptors loses what it cannot take,
    and no other program notices."""
    del folder
    started = tcpmuxd(conf=CONF)
    with Offers(started, ["well"]), \
            Offer(started, "poor") as poor:
        with contextlib.ExitStack() as stack:
            socks = [stack.enter_context(callers.call(
                started.addresses[0], "poor")) for _ in range(5)]
            started.settle()
            # No room for a descriptor: the kernel closes it.
            for _ in socks:
                assert os.read(poor.fileno(), 4096)[:4] == b"\1\0\0\0"
            for sock in socks:
                try:
                    assert server.read_all(sock) == b""
                except ConnectionResetError:
                    pass
            assert callers.is_served(started.addresses[0], "well")
