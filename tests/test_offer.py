"""Offers of libtcpmux, by its Python module, to a tcpmuxd that has its days."""

import os
import pathlib
import signal
import socket
import subprocess
import threading

import pytest

import callers
import proc
import server
from module import LIBRARY, tcpmux
from services import OK

TOP = pathlib.Path(__file__).parent.parent
NAME = b"web\r\n"
PROGRAM = """\
#include <err.h>
#include <stdio.h>
#include <unistd.h>
#include "tcpmux.h"
int
main(void)
{
%s
}
"""
SEQUENCE = 1000


class Mux:
    """A tcpmuxd with a control socket, which may be started again."""

    def __init__(self, folder, tcpmuxd):
        os.mkdir(f"{folder}/run", 0o755)
        self.control = f"{folder}/run/control"
        self.tcpmuxd = tcpmuxd
        self.offers = []
        self.start()

    def start(self, more=""):
        """Start it, or the next."""
        self.conf = f'control = "{self.control}"\n'
        self.started = self.tcpmuxd(conf=self.conf + more)
        self.address = self.started.addresses[0]

    def kill(self):
        """Kill all of it."""
        gone = self.started.processes()
        self.started.process.kill()
        self.started.process.wait()
        for pid in gone:
            proc.wait_gone(pid)

    def offer(self, name="web", **options):
        """Offer a name until the test ends, and every front knows it."""
        self.offers.append(tcpmux.listen(name, control=self.control,
                                         **options))
        self.started.settle()
        return self.offers[-1]

    def close(self):
        """Withdraw all that was offered."""
        for offer in self.offers:
            offer.close()


@pytest.fixture
def mux(folder, tcpmuxd):
    """A tcpmuxd that takes offers."""
    new = Mux(folder, tcpmuxd)
    yield new
    new.close()


def serve(offer, address, name=NAME, data=b"hello"):
    """Call, answer, and see that it was heard."""
    with server.connect(address) as client:
        client.sendall(name + data)
        connection, caller = offer.accept(proc.PATIENCE)
        with connection:
            assert caller.peer == client.getsockname()
            assert caller.local == client.getpeername()
            assert connection.recv(100) == data
            connection.sendall(data[::-1])
        assert server.read_all(client) == OK + data[::-1]


def serve_when_up(offer, mux):
    """The same as soon as the name is there again."""
    def is_there():
        with server.connect(mux.address) as client:
            client.sendall(b"HELP\r\n")
            return b"web\r\n" in server.read_all(client)

    def is_up():
        with pytest.raises(tcpmux.Timeout):
            offer.accept(0.01)
        return offer.is_up

    # The end of the old offer may still be on its way.
    proc.wait_until(lambda: is_up() and is_there(), "the name to be back")
    serve(offer, mux.address)


def test_a_thousand_connections_in_sequence(mux):
    """Each comes once, with its bytes, and nothing is left behind."""
    offer = mux.offer()
    serve(offer, mux.address)
    before = os.listdir("/proc/self/fd")
    for _ in range(SEQUENCE):
        serve(offer, mux.address, b"WEB\r\n")
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_it_is_offered_again_when_the_daemon_has_been_killed(mux):
    offer = mux.offer(replace=True)
    serve(offer, mux.address)
    for _ in range(2):
        mux.kill()
        mux.start()
        serve_when_up(offer, mux)


def test_it_is_offered_again_when_the_daemon_has_ended(mux):
    offer = mux.offer()
    mux.started.stop()
    with pytest.raises(tcpmux.Timeout):
        offer.accept(0.1)
    assert not offer.is_up
    mux.start()
    serve_when_up(offer, mux)


def test_it_is_offered_again_when_the_registrar_has_been_killed(mux):
    offer = mux.offer()
    for _ in range(3):
        os.kill(mux.started.wait_named("regis")[0], signal.SIGKILL)
        serve_when_up(offer, mux)


def test_a_reload_is_not_noticed(mux):
    """The same channel stays; no connection meets another answer."""
    offer = mux.offer()
    for _ in range(5):
        mux.started.reload(server.ONE_LISTENER + mux.conf)
        serve(offer, mux.started.addresses[0])
        assert offer.is_up


def test_a_name_that_is_configured_now_ends_its_offer(mux):
    offer = mux.offer()
    mux.started.reload(server.ONE_LISTENER + mux.conf +
                       'service "web" { builtin = "discard" }\n')
    with pytest.raises(tcpmux.Error) as caught:
        offer.accept(proc.PATIENCE)
    assert caught.value.code == tcpmux.Code.REFUSED
    assert caught.value.text.startswith("configured ")


def test_replace_takes_the_name_over_without_a_gap(mux):
    """Every client is answered, by the one or the other."""
    offers = [mux.offer()]
    answers = []
    stop = threading.Event()

    def ask():
        while not stop.is_set():
            with server.connect(mux.address) as client:
                client.sendall(NAME)
                answers.append(client.recv(100))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for _ in range(20):
            offers[-1].accept(proc.PATIENCE)[0].close()
            offers.append(tcpmux.listen("web", control=mux.control,
                                        replace=True))
            with pytest.raises(tcpmux.Error) as caught:
                while True:
                    offers[-2].accept(proc.PATIENCE)[0].close()
            assert caught.value.text.startswith("replaced ")
            offers[-2].close()
        stop.set()
        while thread.is_alive():
            try:
                offers[-1].accept(0.01)[0].close()
            except tcpmux.Timeout:
                pass
    finally:
        stop.set()
        offers[-1].close()
        thread.join()
    assert set(answers) == {OK}


def test_another_cannot_have_the_name_unless_both_share(mux):
    first = mux.offer()
    with pytest.raises(tcpmux.Error) as caught:
        mux.offer()
    assert caught.value.text.startswith("taken ")
    first.close()
    both = [mux.offer(share=True), mux.offer(share=True)]
    clients = [socket.create_connection(mux.address, proc.PATIENCE)
               for _ in range(10)]
    for client in clients:
        client.sendall(NAME)
    mux.started.settle()
    for offer in both:
        for _ in range(5):
            offer.accept(proc.PATIENCE)[0].close()
    for client in clients:
        assert server.read_all(client) == OK
        client.close()


def test_a_name_that_is_withdrawn_can_be_had_at_once(mux):
    for _ in range(SEQUENCE):
        tcpmux.listen("web", control=mux.control).close()


def test_a_hidden_name_is_served_and_not_listed(mux):
    serve(mux.offer(hidden=True), mux.address)
    assert callers.reply(mux.address, "HELP") == b"tcpmux\r\n"


def test_what_waits_is_closed_with_the_offer(mux):
    offer = mux.offer()
    with server.connect(mux.address) as client:
        client.sendall(NAME)
        mux.started.settle()
        offer.close()
        assert server.read_all(client) == b""


def test_the_manuals_example_in_c(mux, folder):
    """It compiles without a warning, and says hello."""
    text = (TOP / "man/tcpmux_listen.3").read_text(encoding="ascii")
    code = text.partition(".Bd -literal -offset indent\n")[2]
    code = code.partition(".Ed\n")[0].replace("\\e", "\\")
    subprocess.run(
        ["cc", "-Wall", "-Wextra", "-Werror", "-x", "c", "-", "-x", "none",
         f"-I{TOP}/include", "-o", f"{folder}/hello",
         LIBRARY / "libtcpmux.a", "-lpthread"],
        input=PROGRAM % code, text=True, check=True)
    with subprocess.Popen([f"{folder}/hello"], stderr=subprocess.PIPE,
                          env={"TCPMUX_CONTROL": mux.control}) as program:
        proc.wait_until(
            lambda: callers.reply(mux.address, "hello") == OK, "hello")
        assert server.ask(mux.address, b"hello\r\n") == OK + b"Hello.\r\n"
        tcpmux.listen("hello", control=mux.control, replace=True).close()
        said = program.stderr.read()
    assert b"replaced " in said
