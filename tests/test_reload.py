"""SIGHUP: another configuration, and nobody is dropped (T11)."""

import os
import re
import select
import signal

import pytest

import callers
import load
import proc
import server
from callers import call, converse, read_line
from services import OK

UNKNOWN = b"-No such service: send HELP and CR LF for a list\r\n"
RELOADS = int(os.environ.get("TCPMUX_RELOADS", "50"))


def settings(*options):
    """A configuration with one listener, and these lines."""
    return server.ONE_LISTENER + "".join(f"{line}\n" for line in options)


def test_t11_reloads_under_load(host, tcpmuxd):
    """T11: no connection refused, reset, unanswered or at a wrong service."""
    services = load.configuration(host)
    started = tcpmuxd(conf=settings() + services)
    before = counts(started)
    with load.under_load(started.addresses[0]) as clients:
        for i in range(RELOADS):
            # The places of all services in the table change every time.
            more = "".join(host.service(f"a{j}", "builtin = daytime")
                           for j in range(i % 3))
            assert started.reload(settings() + more + services) == 4 + i % 3
    clients.show(f"{RELOADS} reloads in {clients.seconds:.0f} s")
    assert set(clients.outcomes()) == {"served"}, clients.counts
    # T3: neither a process nor a descriptor of the others is left.
    assert started.reload(settings() + services) == 4
    proc.wait_until(lambda: counts(started) == before, f"{before} again")


def counts(started):
    """How many processes there are, and descriptors of the monitor's."""
    return len(started.processes()), len(proc.fds(started.pid))


def test_reload_moves_new_connections_only(host, tcpmuxd):
    """A changed service: old conversations go on where they are."""
    def tell(text):
        def serve(sock):
            sock.sendall(text)
            sock.sendall(server.read_all(sock))
        return serve

    old, new = host.backend(tell(b"old ")), host.backend(tell(b"new "))
    started = tcpmuxd(conf=settings(f'service "s" {{ relay = "{old.where}" }}',
                                    host.echo("cat", "cat")))
    address = started.addresses[0]
    with call(address, "s") as sock, call(address, "cat") as cat:
        assert callers.read_exactly(sock, 14) == OK + b"old "
        assert read_line(cat) == OK
        started.reload(settings(f'service "s" {{ relay = "{new.where}" }}'))
        with call(address, "s") as fresh:
            assert converse(fresh, b"x") == OK + b"new x"
        assert callers.reply(address, "cat") == UNKNOWN
        assert converse(sock, b"data") == b"data"
        assert converse(cat, b"data") == b"data"
    for name, number in (("relay", os.cpu_count()), ("spawn", 0),
                         ("front", os.cpu_count())):
        proc.wait_until(lambda n=name, m=number: len(started.named(n)) == m,
                        "the old processes to end")


def test_reload_of_who_waits_for_a_name(host, tcpmuxd):
    """Who is in the middle of a name is answered, by one table or the other.
    """
    started = tcpmuxd(conf=settings())
    with server.connect(started.addresses[0]) as sock:
        sock.sendall(b"tcp")
        started.settle()
        started.reload(settings(host.echo("builtin")))
        sock.sendall(b"mux\r\n")
        assert read_line(sock) == OK
        sock.sendall(b"tcpmux\r\n")
        assert read_line(sock) in (OK, b"-Going down: try again in a moment"
                                   b"\r\n")


@pytest.mark.parametrize("bad", [
    'service "x" {', "nosuch = 1", 'service "help" { builtin = echo }',
    'service "x" { exec = {"/nosuch/program"} user = "nobody" }',
    'service "x" { relay = "nowhere" }', 'from = {"10.0.0.1/33"}'])
def test_bad_file_changes_nothing_and_says_why(host, tcpmuxd, bad):
    """A mistake: its file and line are said, and all stays as it was."""
    good = settings(host.echo("builtin"))
    started = tcpmuxd(conf=good)
    server.write_conf(started.conf, good + "\n\n" + bad + "\n")
    processes = started.processes()
    started.process.send_signal(signal.SIGHUP)
    line = good.count("\n") + 3
    # The end of the file is where an open brace is missed.
    started.wait_for(rf"^tcpmuxd: {re.escape(started.conf)}:"
                     rf"({line}|{line + 1}): .")
    started.wait_for("^tcpmuxd: configuration not changed")
    with call(started.addresses[0], "echo") as sock:
        assert converse(sock, b"x") == OK + b"x"
    assert started.processes() == processes
    started.reload(good + host.echo("builtin", "more"))
    assert callers.is_served(started.addresses[0], "more")


def test_missing_file_changes_nothing(host, tcpmuxd):
    """The configuration is gone: it is said, and all stays as it was."""
    started = tcpmuxd(conf=settings(host.echo("builtin")))
    os.unlink(started.conf)
    started.process.send_signal(signal.SIGHUP)
    started.wait_for(re.escape(started.conf))
    started.wait_for("^tcpmuxd: configuration not changed")
    assert callers.is_served(started.addresses[0], "echo")


def test_reload_adds_and_removes_a_listener(host, tcpmuxd):
    """New sockets are opened, the others stay, old ones are closed."""
    del host
    second = 'listen "127.0.0.2" { port = 0 }'
    started = tcpmuxd(conf=settings())
    first = started.addresses[0]
    server.write_conf(started.conf, settings(second))
    started.process.send_signal(signal.SIGHUP)
    match = started.wait_for(r"listening on 127\.0\.0\.2:(\d+)$")
    started.wait_for("serving generation 2:")
    added = ("127.0.0.2", int(match[1]))
    assert callers.reply(added, "tcpmux") == OK
    assert callers.reply(first, "tcpmux") == OK
    server.write_conf(started.conf, second + "\n")
    started.process.send_signal(signal.SIGHUP)
    started.wait_for("serving generation 3:")
    assert callers.reply(added, "tcpmux") == OK
    proc.wait_until(lambda: is_refused(first), "the listener to be closed")


def test_reload_removed_listener_never_hangs(tcpmuxd):
    """Who comes to a removed listener is refused, though one still waits."""
    second = 'listen "127.0.0.2" { port = 0 }\n'
    started = tcpmuxd(conf=settings("fronts = 1", second), sockets=2)
    first = started.addresses[0]
    with server.connect(first) as sock:
        sock.sendall(b"tcp")
        started.settle()
        started.reload("fronts = 1\n" + second)
        proc.wait_until(lambda: is_refused(first), "nobody to listen")
        sock.sendall(b"mux\r\n")
        assert read_line(sock) == OK


def test_reload_keeps_the_command_line(host, tcpmuxd):
    """-l and -w stand above the file, at a reload too."""
    started = tcpmuxd("-l", "127.0.0.1:0", conf=host.echo("builtin"))
    assert started.reload(settings(host.echo("builtin", "other"))) == 2
    assert callers.is_served(started.addresses[0], "other")


def test_reload_that_cannot_start_changes_nothing(host, tcpmuxd):
    """A log that cannot be written: it is said, and all stays as it was."""
    good = settings(host.echo("builtin"))
    started = tcpmuxd(conf=good)
    started.settle()
    processes = started.processes()
    server.write_conf(started.conf, good + 'log { to = "/nosuch/log" }\n')
    started.process.send_signal(signal.SIGHUP)
    started.wait_for("/nosuch/log")
    started.wait_for("^tcpmuxd: configuration not changed")
    assert callers.is_served(started.addresses[0], "echo")
    proc.wait_until(lambda: started.processes() == processes,
                    "the others to end")
    server.write_conf(started.conf, good)
    started.process.send_signal(signal.SIGHUP)
    started.wait_for(server.SERVING)
    assert callers.is_served(started.addresses[0], "echo")


def is_refused(address):
    """Does nobody listen there?"""
    try:
        server.connect(address).close()
    except ConnectionRefusedError:
        return True
    return False


def test_reload_keeps_who_waits_in_the_backlog(host, tcpmuxd):
    """Who has connected and was not accepted is the next generation's."""
    started = tcpmuxd(conf=settings("fronts = 1"))
    front = started.front
    os.kill(front, signal.SIGSTOP)
    proc.wait_until(lambda: proc.state(front) == "T", "the front to stop")
    with server.connect(started.addresses[0]) as sock:
        sock.sendall(b"more\r\nx")
        started.reload(settings("fronts = 1", host.echo("builtin", "more")))
        assert converse(sock, b"y") == OK + b"xy"
    os.kill(front, signal.SIGCONT)
    proc.wait_gone(front)


def test_reload_keeps_what_is_counted(host, tcpmuxd):
    """A limit holds across generations: the meter is of them all."""
    conf = settings(host.echo("relay-tcp", more="max = 1"))
    started = tcpmuxd(conf=conf)
    with call(started.addresses[0], "echo") as sock:
        assert read_line(sock) == OK
        started.reload(conf)
        with call(started.addresses[0], "echo") as refused:
            assert server.read_all(refused).startswith(b"-busy")
        assert not select.select([sock], [], [], 0)[0]
    proc.wait_until(lambda: callers.is_served(started.addresses[0], "echo"),
                    "the limit to heal")


def test_drop_in_folder_is_read(host, tcpmuxd):
    """FILE.d/*.conf belongs to FILE, at a reload too."""
    started = tcpmuxd(conf=settings())
    os.makedirs(f"{started.conf}.d", exist_ok=True)
    server.write_conf(f"{started.conf}.d/10-echo.conf", host.echo("builtin"))
    assert started.reload(settings()) == 2
    assert callers.is_served(started.addresses[0], "echo")
