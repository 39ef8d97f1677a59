"""tcpmux-control(7): what it says is what the daemon says, and no less."""

import pathlib
import re
import socket
import subprocess
import sys

import callers
import proc
import server

TOP = pathlib.Path(__file__).parent.parent
PAGE = (TOP / "man/tcpmux-control.7"
        ).read_text("ascii")

# Keys of lines whose meaning differs by service, offer or process; a line of
# a word has all others.
SOMETIMES = {
    "refused": {"name"},
    "service": {"line", "to", "current", "queue", "queue-max", "in", "out"},
    "conn": {"listener", "name", "in", "out", "pid"},
}


def documented():
    """The words of the texts and their keys, as the page has them."""
    words = {}
    text = PAGE.partition("\n.Sh THE TEXTS\n")[2].partition("\n.Sh ")[0]
    for line in text.splitlines():
        if line.startswith(".It Ic "):
            word = line.removeprefix(".It Ic ")
            assert word not in words
            words[word] = set()
        elif line.startswith(".It Va "):
            keys = line.removeprefix(".It Va ").split(" , ")
            assert not words[word] & set(keys)
            words[word] |= set(keys)
    return words


def ask(control, request):
    """The answer, and the text that came with it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as channel:
        channel.settimeout(proc.PATIENCE)
        channel.connect(control)
        channel.send(request.encode() + b"\r\n")
        answer, fds, _, _ = socket.recv_fds(channel, 512, 1)
    if not fds:
        return answer, None
    with open(fds[0], encoding="ascii") as text:
        return answer, text.read()


def shown(text):
    """The words of a text, each with the keys that its lines have."""
    for line in text.splitlines():
        word, *pairs = line.split(" ")
        yield word, [pair.split("=", 1)[0] for pair in pairs]


def test_every_word_and_key_is_in_the_page_and_none_else(host, tcpmuxd):
    """Of a daemon with services of every kind, used and refused."""
    path = host.path("taker")
    host.taker(lambda sock: sock.recv(1), path)
    started = tcpmuxd(conf=(
        host.echo("exec", "exec") + host.echo("relay-tcp", "relay") +
        host.echo("builtin", "echo") +
        host.service("socket", f'socket = "{path}"') +
        host.service("mine", 'offered-by = {"root"}')))
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with channel, server.connect(started.addresses[0]) as waits, \
            callers.call(started.addresses[0], "exec") as runs, \
            callers.call(started.addresses[0], "relay") as relayed:
        channel.connect(started.control)
        channel.send(b"offer/some\r\n")
        assert channel.recv(512) == b"+some\r\n"
        assert callers.read_line(runs).startswith(b"+")
        assert callers.read_line(relayed).startswith(b"+")
        assert server.ask(started.addresses[0], b"mine\r\n").startswith(b"-")
        waits.send(b"w")
        # Who started a program writes it down a moment later.
        proc.wait_until(lambda: re.search(
            "name=exec .* pid=", ask(started.control, "conns")[1]), "its pid")
        text = "".join(ask(started.control, request)[1]
                       for request in ("snapshot", "conns"))
    words = documented()
    found = {}
    for word, keys in shown(text):
        assert len(set(keys)) == len(keys)
        assert set(keys) <= words[word], (word, set(keys) - words[word])
        needed = words[word] - SOMETIMES.get(word, set())
        assert needed <= set(keys), (word, needed - set(keys))
        found.setdefault(word, set()).update(keys)
    assert found == {word: keys for word, keys in words.items()
                     if word != "more"}     # there would have to be too many


def test_every_reason_and_layer_is_in_the_manual(tcpmuxd):
    """Words that values may be."""
    started = tcpmuxd()
    text = ask(started.control, "snapshot")[1]
    conf = (TOP / "man/tcpmuxd.conf.5"
            ).read_text("ascii")
    replies = " ".join(re.findall(r"^\.It Ic (.*)$", conf, re.MULTILINE))
    for reason in re.findall(r" reason=(\S+)", text):
        assert reason in replies.replace(",", " ").split(), reason
    for layers in re.findall(r" layers=(\S+)", text):
        for layer in layers.split(","):
            assert f".Li {layer}" in PAGE, layer
    for role in re.findall(r" role=(\S+)", text):
        assert re.search(rf"^\.Li .*\b{role}\b", PAGE, re.MULTILINE), role


def test_every_request_is_in_the_page(tcpmuxd):
    """Those of the page, and no others."""
    started = tcpmuxd(conf='service "echo" { builtin = echo }\n')
    told = set(re.findall(
        r"^\.It Ic (\w+)", PAGE.partition("\n.Ss Asking\n")[2].partition(
            "\n.Ss ")[0], re.MULTILINE))
    assert told == {"snapshot", "conns", "explain", "reload", "upgrade",
                    "drain", "undrain", "kick", "log"}
    for request in ("explain/echo", "explain,192.0.2.1/echo", "reload",
                    "drain", "undrain", "drain/echo", "undrain/echo",
                    "kick/echo", "log/refusals", "log/configured"):
        assert ask(started.control, request)[0].startswith(b"+"), request
    for request, word in (("kick,1/", b"name"), ("kick/none", b"name"),
                          ("other", b"request"), ("log/x", b"request")):
        assert ask(started.control, request)[0].startswith(b"-" + word)


def test_the_manuals_example(folder, tcpmuxd):
    """It says which services have refused anybody."""
    started = tcpmuxd(conf='service "a=b\\"c" { from = "192.0.2.1" '
                      'builtin = echo }\nservice "echo" { builtin = echo }\n')
    assert server.ask(started.addresses[0], b'a=b"c\r\n').startswith(b"-")
    block = next(each for each in PAGE.split(".Bd -literal\n")
                 if "control-asker" in each).partition(".Ed\n")[0]
    path = pathlib.Path(folder, "asker")
    path.write_text(block.replace("\\e", "\\"), "ascii")
    said = subprocess.run(
        [sys.executable, "-B", path, started.control], check=True,
        stdout=subprocess.PIPE).stdout
    assert said == b'a=b"c 1\n'


# tcpmux_ask(3)

ASKER = """\
#include <err.h>
#include <stdio.h>
#include <tcpmux.h>
#include <unistd.h>
int main(void)
{
%s	return 0;
}
"""


def test_the_manuals_example_in_c(folder, tcpmuxd):
    """It compiles without a warning, and shows the snapshot."""
    started = tcpmuxd()
    page = (TOP / "man/tcpmux_ask.3").read_text("ascii")
    code = page.partition(".Bd -literal -offset indent\n")[2]
    code = code.partition(".Ed\n")[0].replace("\\e", "\\")
    subprocess.run(
        ["cc", "-Wall", "-Wextra", "-Werror", "-x", "c", "-", "-x", "none",
         f"-I{TOP}/include", "-o", f"{folder}/asker",
         server.BUILD / "lib/libtcpmux.a", "-lpthread"],
        input=ASKER % code, text=True, check=True)
    said = subprocess.run(
        [f"{folder}/asker"], check=True, stdout=subprocess.PIPE,
        env={"TCPMUX_CONTROL": started.control}).stdout
    assert said.startswith(b"tcpmuxd version=")
