"""Clients that others wrote, talking to tcpmuxd."""

import os
import pty
import shutil
import subprocess

import pytest

import proc

OK = b"+OK FINE\r\n"
LIST = b"tcpmux\r\n"
REQUESTS = b"tcpmux\r\nHELP\r\n"


@pytest.fixture
def address(tcpmuxd):
    """Where a new tcpmuxd listens."""
    return tcpmuxd().addresses[0]


def run(*words, **popen):
    """Run a client to its end and return its output."""
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    return subprocess.run(words, stdout=subprocess.PIPE, check=True,
                          timeout=6 * proc.PATIENCE, **popen).stdout


def ask(*words):
    """What a client prints that copies its standard input."""
    return run(*words, input=REQUESTS)


def test_nc_traditional(address):
    """Hobbit's netcat."""
    host, port = address
    assert ask("nc.traditional", host, str(port)) == OK + LIST


def test_nc_openbsd(address):
    """OpenBSD's netcat, which keeps its side open."""
    host, port = address
    assert ask("nc.openbsd", host, str(port)) == OK + LIST


def test_nc_openbsd_half_closed(address):
    """OpenBSD's netcat, which shuts down its side: rule 31."""
    host, port = address
    assert ask("nc.openbsd", "-N", host, str(port)) == OK + LIST


def test_socat(address):
    """socat."""
    host, port = address
    assert ask("socat", "-", f"TCP:{host}:{port}") == OK + LIST


def test_bash(address):
    """A shell with no client at all."""
    host, port = address
    script = f"exec 3<>/dev/tcp/{host}/{port}; cat >&3; cat <&3"
    assert ask("bash", "-c", script) == OK + LIST


def read_until(fd, wanted):
    """Read a terminal until it shows wanted."""
    shown = b""
    while wanted not in shown:
        try:
            more = os.read(fd, 4096)
        except OSError:         # the other side of the terminal has closed
            more = b""
        assert more, f"the terminal shows {shown}, and no {wanted}"
        shown += more
    return shown


def test_telnet(address):
    """A person at a terminal, typing."""
    if shutil.which("telnet") is None:
        pytest.skip("telnet is not installed")
    host, port = address
    ours, its = pty.openpty()
    with subprocess.Popen(["telnet", host, str(port)], stdin=its, stdout=its,
                          stderr=its) as telnet:
        os.close(its)
        read_until(ours, b"Escape character")
        os.write(ours, b"TCPmux\n")
        read_until(ours, b"+OK FINE")
        os.write(ours, b"help\n")
        shown = read_until(ours, b"Connection closed by foreign host")
        assert b"\ntcpmux" in shown
        telnet.wait(proc.PATIENCE)
        os.close(ours)


def test_nmap_finds_the_port_open(tcpmuxd):
    """A version scan, with every probe that it has, does no harm."""
    started = tcpmuxd(conf="fronts = 1\n")
    front = started.front
    host, port = started.addresses[0]
    shown = run("nmap", "-Pn", "-n", "-sT", "-sV", "--version-all",
                "-p", str(port), host)
    assert b"%d/tcp open" % port in shown
    assert started.front == front
    assert ask("nc.openbsd", host, str(port)) == OK + LIST
