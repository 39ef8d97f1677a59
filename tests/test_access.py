"""Who may, and how often: from, HELP, limits, and PROXY headers."""

import contextlib
import socket
import struct

import pytest

import callers
import load
import proc
import server
from callers import call, converse, read_line, reply
from services import OK, as_nobody, script

UNKNOWN = b"-No such service: send HELP and CR LF for a list\r\n"
FULL = b"-busy: this service is full, try again in a moment\r\n"
SOURCE = (b"-busy: too many connections from your address, "
          b"end one first\r\n")
RATE = b"-busy: connections come too fast, try again in a moment\r\n"
NAMES = (b"-busy: too many unknown names from your address, "
         b"try again later\r\n")
BUSY = (b"-busy: too many connections wait here, "
        b"try again in a moment\r\n")

OTHER = "127.0.0.2"


def echo(name, *options):
    """A built-in service with these options."""
    return f'service "{name}" {{ builtin = echo {" ".join(options)} }}\n'


def listing(address, source=None):
    """The lines of the answer to HELP."""
    with call(address, "help", source=source) as sock:
        text = server.read_all(sock)
    assert text.endswith(b"\r\n")
    return text.decode("ascii").split("\r\n")[:-1]


# Access.

@pytest.mark.parametrize("rule, allowed", [
    ('from = {"127.0.0.1"}', (True, False)),
    ('from = {"127.0.0.0/30"}', (True, True)),
    ('from = {"127.0.0.0/8"} not-from = {"127.0.0.2/31"}', (True, False)),
    ('not-from = {"127.0.0.1/32"}', (False, True)),
    ('from = {"::ffff:127.0.0.1"}', (True, False)),
    ('from = {"::1", "10.0.0.0/8"}', (False, False)),
    ('from = {"0.0.0.0/0"}', (True, True)),
])
@pytest.mark.parametrize("where", ["service", "default", "listener"])
def test_rule_29_access_is_decided_before_the_reply(tcpmuxd, where, rule,
                                                    allowed):
    """Rule 29: for whom it is not, a service is not there at all."""
    if where == "service":
        conf = echo("s", rule)
    elif where == "default":
        conf = rule + "\n" + echo("s")
    else:
        conf = f'listen "127.0.0.1" {{ port = 0 {rule} }}\n' + echo("s")
    address = tcpmuxd(conf=conf).addresses[0]
    for source, may in zip(("127.0.0.1", OTHER), allowed):
        with call(address, "s", source=source) as sock:
            heard = converse(sock, b"x")
        assert heard == (OK + b"x" if may else UNKNOWN)


def test_rule_29_the_rule_of_a_service_replaces_the_default(tcpmuxd):
    """A service with a rule of its own has that, and not the default."""
    address = tcpmuxd(conf='from = {"10.0.0.0/8"}\n' + echo("closed") +
                      echo("open", 'from = {"127.0.0.0/8"}')).addresses[0]
    assert reply(address, "closed") == UNKNOWN
    assert reply(address, "open") == OK


def test_rule_29_unknown_and_denied_are_the_same_bytes(tcpmuxd):
    """Rule 29: unknown, denied, denied by its alias, in any case."""
    address = tcpmuxd(conf=echo("denied", 'from = {"10.0.0.1"}',
                                'alias = "other"')).addresses[0]
    heard = set()
    for name in ("nosuch", "denied", "DENIED", "other", "denieda", "denie"):
        with call(address, name, b"x" * 100) as sock:
            heard.add(converse(sock, b"more"))
    assert heard == {UNKNOWN}


def test_rule_29_ipv6(tcpmuxd):
    """An IPv6 peer, and an IPv4 one at the listener for both."""
    started = tcpmuxd(
        conf='listen "*" { port = 0 }\n' + echo("six", 'from = {"::1/128"}') +
        echo("four", 'from = {"127.0.0.0/8"}'), sockets=2)
    port = started.addresses[0][1]
    for host, mine, other in (("127.0.0.1", "four", "six"),
                              ("::1", "six", "four")):
        assert reply((host, port), mine) == OK
        assert reply((host, port), other) == UNKNOWN
        assert listing((host, port)) == sorted([mine, "tcpmux"])


# HELP.

def test_rule_33_help_is_sorted_and_for_this_peer(tcpmuxd):
    """Rule 33: listed services that this peer may use now; and tcpmux."""
    address = tcpmuxd(conf=echo("zebra") + echo("Apple") + echo(
        "mine", 'from = {"127.0.0.1"}') + echo(
            "theirs", f'from = {{"{OTHER}"}}') + echo(
                "secret", "hidden = true")).addresses[0]
    assert listing(address) == ["Apple", "mine", "tcpmux", "zebra"]
    assert listing(address, OTHER) == ["Apple", "tcpmux", "theirs", "zebra"]
    assert reply(address, "secret") == OK


def test_rule_33_a_long_list_arrives_whole(tcpmuxd):
    """Rule 33: thousands of names, in pieces, each once and in order."""
    names = sorted(f"service-{i:05d}-{'x' * (i % 50)}" for i in range(5000))
    address = tcpmuxd(conf="".join(echo(name) for name in names)).addresses[0]
    assert listing(address) == names + ["tcpmux"]


def test_rule_33_tcpmux_may_be_restricted_too(tcpmuxd):
    """Service tcpmux is configured like any other."""
    address = tcpmuxd(conf='service "tcpmux" { builtin = tcpmux '
                      f'from = {{"{OTHER}"}} }}\n' + echo("e")).addresses[0]
    assert listing(address) == ["e"]
    assert listing(address, OTHER) == ["e", "tcpmux"]
    assert reply(address, "tcpmux") == UNKNOWN
    assert reply(address, "tcpmux", OTHER) == OK


# T2.

@pytest.mark.parametrize("request_line", [
    b"ech", b"echoo", b"echo ", b" echo", b"echo\0", b"\0echo", b"echo/",
    b"./echo", b"../echo", b"/bin/cat", b"%65cho", b"e\\143ho", b"\"echo\"",
    b"echo;", b"+echo", b"-echo", b"ec\xc3\xa8o", b"\xef\xbb\xbfecho",
    b"\xe5cho", b"echo\t", b"echo\x7f", b"tcpmux/echo", b"echo" * 60,
    b"echo\n", b"echo\r"])
def test_t2_name_that_is_not_configured(tcpmuxd, request_line):
    """T2: nothing that is not the name reaches the service."""
    address = tcpmuxd(conf=echo("echo")).addresses[0]
    with server.connect(address) as sock:
        sock.sendall(request_line + b"\r\nx")
        heard = converse(sock, b"y")
    assert heard.startswith(b"-") and heard.endswith(b"\r\n")
    assert heard.count(b"\n") == 1


# Limits: each is hit, says so, and heals by itself (T4).

def held(stack, address, name, number, source=None):
    """So many connections that are served until the stack ends."""
    socks = [stack.enter_context(call(address, name, source=source))
             for _ in range(number)]
    for sock in socks:
        assert read_line(sock) == OK
    return socks


def is_held(stack, address, name, source):
    """Whether one more is served, and then until the stack ends."""
    with contextlib.ExitStack() as attempt:
        sock = attempt.enter_context(call(address, name, source=source))
        if read_line(sock) != OK:
            return False
        stack.push(attempt.pop_all())
    return True


@pytest.mark.parametrize("kind", ["exec", "relay-tcp", "builtin"])
def test_t4_max_of_a_service(host, tcpmuxd, kind):
    """max: the next is refused, another service is not, and it heals."""
    address = tcpmuxd(conf=host.echo(kind, "s", "max = 3") + echo("other")
                      ).addresses[0]
    with contextlib.ExitStack() as stack:
        socks = held(stack, address, "s", 3)
        assert reply(address, "s") == FULL
        assert reply(address, "other") == OK
        socks[0].close()
        proc.wait_until(lambda: callers.is_served(address, "s"), "a place")


@pytest.mark.parametrize("kind", ["exec", "relay-tcp", "builtin"])
def test_t4_max_per_source_of_a_service(host, tcpmuxd, kind):
    """max-per-source: another source is served; it heals."""
    address = tcpmuxd(conf=host.echo(kind, "s", "max-per-source = 2") +
                      echo("other")).addresses[0]
    with contextlib.ExitStack() as stack:
        socks = held(stack, address, "s", 2)
        assert reply(address, "s") == SOURCE
        assert reply(address, "s", OTHER) == OK
        assert reply(address, "other") == OK
        socks[0].close()
        proc.wait_until(lambda: callers.is_served(address, "s"), "a place")


def test_t4_max_per_source_of_all(tcpmuxd):
    """max-per-source: whoever waits or is served counts, by his address."""
    address = tcpmuxd(conf="max-per-source = 3\n" + echo("s")).addresses[0]
    with contextlib.ExitStack() as stack:
        socks = held(stack, address, "s", 2) + held(
            stack, address, "tcpmux", 1)
        with server.connect(address) as sock:
            assert server.read_all(sock) == SOURCE
        assert reply(address, "s", OTHER) == OK
        socks[0].close()
        proc.wait_until(lambda: callers.is_served(address, "s"), "a place")


def test_t4_max_of_all(tcpmuxd):
    """max: all connections together; the source's own limit speaks first."""
    address = tcpmuxd(conf="max = 5\nmax-per-source = 3\n" + echo("s")
                      ).addresses[0]
    with contextlib.ExitStack() as stack:
        first = held(stack, address, "s", 3)
        with server.connect(address) as sock:
            assert server.read_all(sock) == SOURCE
        # The one that was refused counts until its end has been seen.
        for _ in range(2):
            proc.wait_until(lambda: is_held(stack, address, "s", OTHER),
                            "a place of the five")
        with server.connect(address, "127.0.0.3") as sock:
            assert server.read_all(sock) == BUSY
        first[0].close()
        proc.wait_until(
            lambda: callers.is_served(address, "s", "127.0.0.3"), "a place")


def test_t4_rate_of_a_service(host, tcpmuxd):
    """rate: a burst, then no more, then again; another service is free."""
    address = tcpmuxd(conf=host.echo("exec", "s", 'rate = "3/3s"') +
                      echo("other")).addresses[0]
    heard = [reply(address, "s", f"127.0.0.{i + 1}") for i in range(6)]
    assert heard[:3] == [OK] * 3
    assert RATE in heard
    assert reply(address, "other") == OK
    proc.wait_until(lambda: callers.is_served(address, "s"), "the rate")


def test_t4_rate_per_source(tcpmuxd):
    """rate-per-source: another source is served; it heals."""
    address = tcpmuxd(conf='rate-per-source = "3/3s"\n' + echo("s")
                      ).addresses[0]
    heard = [server.ask(address, b"s\r\n") for _ in range(6)]
    assert heard[:3] == [OK] * 3
    assert RATE in heard
    assert reply(address, "s", OTHER) == OK
    proc.wait_until(lambda: callers.is_served(address, "s"), "the rate")


def test_t4_wrong_names_per_source(tcpmuxd):
    """wrong-names-per-source: who guesses is told nothing more; it heals."""
    address = tcpmuxd(conf='wrong-names-per-source = "3/3s"\n' + echo("s")
                      ).addresses[0]
    heard = [reply(address, f"guess{i}") for i in range(5)]
    assert heard[:3] == [UNKNOWN] * 3
    assert NAMES in heard
    assert reply(address, "guess", OTHER) == UNKNOWN
    proc.wait_until(lambda: callers.is_served(address, "s"), "the budget")


def test_t4_nothing_disables_a_service(host, tcpmuxd):
    """T4: two thousand requests in a moment, where inetd gives up."""
    address = tcpmuxd(conf=host.service(
        "s", f'exec = {{"/bin/true"}} {as_nobody()}') +
                      "log { level = nothing }\n").addresses[0]
    for _ in range(1000):
        assert reply(address, "nosuch") == UNKNOWN
    for _ in range(200):
        with call(address, "s") as sock:
            assert server.read_all(sock) == OK


# PROXY.

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source, port):
    """A PROXY header in text."""
    family = "TCP6" if ":" in source else "TCP4"
    target = "::1" if ":" in source else "192.0.2.9"
    return f"PROXY {family} {source} {target} {port} 1\r\n".encode("ascii")


def v2(source, port, command=0x21, more=b""):
    """A binary PROXY header."""
    if ":" in source:
        family, kind, target = socket.AF_INET6, 0x21, "::1"
    else:
        family, kind, target = socket.AF_INET, 0x11, "192.0.2.9"
    body = (socket.inet_pton(family, source) +
            socket.inet_pton(family, target) +
            struct.pack("!HH", port, 1) + more)
    return SIGNATURE + struct.pack("!BBH", command, kind, len(body)) + body


@pytest.fixture
def proxied(host, tcpmuxd):
    """A daemon behind a proxy at 127.0.0.1, that shows whom it sees."""
    program = script(host.folder, "who.py", "import os\nprint("
                     "os.environ['REMOTE_ADDR'], os.environ['REMOTE_PORT'])\n")
    return tcpmuxd(conf='listen "127.0.0.1" { port = 0 proxy = require '
                   'trust = {"127.0.0.1"} }\n' + host.service(
                       "who", f"exec = {{{program}}} {as_nobody()}") +
                   echo("near", 'from = {"192.0.2.0/24"}') +
                   echo("proxy", 'from = {"127.0.0.1"}')).addresses[0]


@pytest.mark.parametrize("header, shown", [
    (v1("192.0.2.1", 4711), b"192.0.2.1 4711\n"),
    (v1("2001:db8::1", 4711), b"2001:db8::1 4711\n"),
    (v2("192.0.2.1", 4711), b"192.0.2.1 4711\n"),
    (v2("2001:db8::1", 4711), b"2001:db8::1 4711\n"),
    (v2("192.0.2.1", 4711, more=b"\x04\0\3abc"), b"192.0.2.1 4711\n"),
], ids=["v1", "v1-ipv6", "v2", "v2-ipv6", "v2-more"])
def test_proxy_header_tells_the_peer(proxied, header, shown):
    """The program is told who is behind the proxy; whole or byte by byte."""
    assert server.ask(proxied, header + b"who\r\n") == OK + shown
    with server.connect(proxied) as sock:
        for byte in header + b"who\r\n":
            sock.sendall(bytes([byte]))
        assert server.read_all(sock) == OK + shown


def test_proxy_header_decides_access(proxied):
    """from means the one behind the proxy, and not the proxy."""
    assert server.ask(proxied, v1("192.0.2.1", 1) + b"near\r\nx") == OK + b"x"
    assert server.ask(proxied, v2("192.0.3.1", 1) + b"near\r\nx") == UNKNOWN
    assert server.ask(proxied, v1("192.0.2.1", 1) + b"proxy\r\nx") == UNKNOWN


def test_proxy_header_without_a_peer(proxied):
    """v2 LOCAL and v1 UNKNOWN: the proxy itself, as for a health check."""
    for header in (v2("192.0.2.1", 1, command=0x20), b"PROXY UNKNOWN\r\n"):
        assert server.ask(proxied, header + b"proxy\r\nx") == OK + b"x"


@pytest.mark.parametrize("header", [
    b"", b"who\r\n", b"PROXY\r\n", b"PROXY TCP4 1.2.3 4.5.6.7 1 1\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 70000 1\r\n", b"proxy" + v1(
        "192.0.2.1", 1)[5:], v1("192.0.2.1", 1)[:-2] + b"\n",
    v2("192.0.2.1", 1, command=0x31), v2("192.0.2.1", 1, command=0x2f),
    SIGNATURE + b"\x21\x11\0\4abcd", b"PROXY " + b"x" * 200 + b"\r\n"])
def test_proxy_header_that_is_none(proxied, header):
    """require means it: no header, or a bad one, and nothing is served."""
    with contextlib.suppress(OSError):          # it is cut at once
        assert server.ask(proxied, header + b"who\r\n") == b""


def test_proxy_header_is_believed_from_nobody_else(proxied):
    """A stranger who sends a header is not served."""
    for request in (v1("192.0.2.1", 1) + b"who\r\n", b"who\r\n"):
        with contextlib.suppress(OSError):      # it is cut at once
            with server.connect(proxied, OTHER) as sock:
                assert converse(sock, request) == b""


def test_proxy_header_is_never_guessed(tcpmuxd):
    """Where none is required, a header is a bad name."""
    address = tcpmuxd(conf=echo("near", 'from = {"192.0.2.0/24"}')
                      ).addresses[0]
    for header in (v1("192.0.2.1", 1), v2("192.0.2.1", 1)):
        heard = server.ask(address, header + b"near\r\nx")
        assert heard.startswith(b"-") and b"+" not in heard


def test_proxy_limits_are_of_the_one_behind(host, tcpmuxd):
    """A source is whom the header names."""
    address = tcpmuxd(conf='listen "127.0.0.1" { port = 0 proxy = require '
                      'trust = {"127.0.0.0/8"} }\nmax-per-source = 1\n' +
                      host.echo("relay-tcp")).addresses[0]
    with server.connect(address) as first:
        first.sendall(v1("192.0.2.1", 1) + b"echo\r\n")
        assert read_line(first) == OK
        assert server.ask(address, v1("192.0.2.1", 2) + b"echo\r\n") == SOURCE
        assert server.ask(address, v1("192.0.2.2", 2) + b"echo\r\n") == OK


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("at", ["127.0.0.1", "::1"])
def test_proxy_header_to_the_back_end(host, tcpmuxd, version, at):
    """proxy = v1 or v2: the back end hears the header first, then the rest."""
    backend = host.backend(
        lambda sock: sock.sendall(server.read_all(sock)))
    address = tcpmuxd(conf=f'listen "{at}" {{ port = 0 }}\n' + host.service(
        "back", f'relay = "{backend.where}" proxy = {version}')).addresses[0]
    with call(address, "back", b"early") as sock:
        mine = sock.getsockname()
        heard = converse(sock, b" late")
    source, port = mine[:2]
    target = address[1]
    if version == "v1":
        family = "TCP6" if ":" in source else "TCP4"
        head = f"PROXY {family} {source} {at} {port} {target}\r\n".encode()
    else:
        head = v2(source, port)
        family = socket.AF_INET6 if ":" in at else socket.AF_INET
        size = 16 if ":" in at else 4
        head = head[:16 + size] + socket.inet_pton(family, at) + \
            struct.pack("!HH", port, target)
    assert heard == OK + head + b"early late"


def test_answers_are_never_mixed_up(host, tcpmuxd):
    """Many clients at once: each hears its own service and its own word."""
    started = tcpmuxd(conf=load.configuration(host))
    with load.under_load(started.addresses[0]) as clients:
        clients.wait_served(50)
    assert set(clients.outcomes()) == {"served"}
