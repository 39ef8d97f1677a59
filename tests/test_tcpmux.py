"""tcpmux, the client: lists, and a service joined with standard input and
output."""

import json
import os
import pathlib
import pty
import select
import signal
import socket
import subprocess
import tempfile
import threading

import pytest

import callers
import client
import doors
import proc
import server
from callers import digest, many_bytes
from client import Stub, assert_fails, run, start, where
from services import CHUNK, OK, as_nobody, echo, need


def date(host):
    """A service that speaks and ends, and hears nothing."""
    return host.service(
        "date", f'exec = {{"{need("date")}", "+%Y"}} {as_nobody()}')


@pytest.fixture
def address(host, tcpmuxd):
    """A tcpmuxd with date, echo and farewell."""
    return tcpmuxd(conf=date(host) + host.echo("relay-tcp") +
                   host.farewell("relay-tcp")).addresses[0]


# Lists

LIST = b"date\necho\nfarewell\ntcpmux\n"


def test_a_host_alone_lists(address):
    """Rule 12: the names, one a line, and nothing else."""
    assert run(where(address)) == (0, LIST, "")


@pytest.mark.parametrize("words", [
    ["HELP"], ["help"], ["tcpmux", "HELP"], ["TCPMUX", "tcpmux", "Help"]])
def test_help_lists_whatever_is_in_front_of_it(address, words):
    """Rule 10, and through multiplexers on the way."""
    assert run(where(address), *words) == (0, LIST, "")


def test_json_is_json(address):
    """--json, with the address that was reached."""
    status, out, said = run("--json", where(address))
    assert (status, said) == (0, "")
    assert json.loads(out) == {"address": "%s:%d" % address,
                               "services": LIST.decode().split()}


def test_json_of_names_that_json_must_quote():
    """Names may have any printable character."""
    with Stub(b'"a"\r\n\\b\r\n$(c)\r\n') as stub:
        status, out, _ = run("--json", where(stub.address))
    assert status == 0
    assert json.loads(out)["services"] == ['"a"', "\\b", "$(c)"]


@pytest.mark.parametrize("said, names", [
    (b"date\ntime\n", b"date\ntime\n"),
    (b"+Services are:\r\ndate\r\n", b"date\n"),
    (b"date\r\n\0time\r\n\0", b"date\ntime\n"),
    (b"date\r\ntime", b"date\ntime\n"),
    (b"Available:\r\n\r\ndate a clock\r\ntime\r\n", b"Available:\ntime\n"),
])
def test_foreign_lists_are_understood(said, names):
    """Rule 35."""
    with Stub(said) as stub:
        assert run(where(stub.address)) == (0, names, "")


@pytest.mark.parametrize("said, status", [
    (b"-No help for you\r\n", 1), (b"", 76), (b"HTTP/1.1 400 x\r\n", 76)])
def test_a_list_that_is_none(said, status):
    """Rule 35: refused, closed, not TCPMUX."""
    with Stub(said) as stub:
        assert_fails(status, where(stub.address))


def test_a_list_that_cannot_be_written(address):
    """A full disk is no success."""
    with open("/dev/full", "wb") as full:
        assert_fails(74, where(address), stdout=full)


# Replies of others

@pytest.mark.parametrize("reply", [
    b"+Go\r\n", b"+OK\r\n", b"+\r\n", b"+OK name\r\n", b"+ \xff\r\n"])
def test_every_positive_reply_connects(reply):
    """Rule 6: the message is optional, and free."""
    with Stub(reply, b"data") as stub:
        assert run(where(stub.address), "name") == (0, b"data", "")
        assert stub.names == ["name"]


@pytest.mark.parametrize("reply, data", [
    (b"+ connected\n", b"\0data"), (b"+Go\r\n\0", b"data")])
def test_lenient_replies(reply, data):
    """Rule 35: LF alone; a stray NUL, which is there in the same segment."""
    with Stub(reply + data) as stub:
        assert run("--lenient", where(stub.address), "x") == (0, data, "")


@pytest.mark.parametrize("reply", [
    b"-Service not available\r\n", b"-Service name not found\r\n\0",
    b"-Service not found\r\n", b"-unknown service\r\n", b"-NO x\r\n",
    b"-\r\n", b"-LF alone\n"])
def test_every_negative_reply_is_said(reply):
    """Exit status 1, and the server's own words."""
    text = reply.rstrip(b"\r\n\0").decode("ascii")
    with Stub(reply) as stub:
        assert_fails(1, where(stub.address), "name", says=f"says {text}\n")


def test_the_words_of_a_server_cannot_command_a_terminal():
    """They are escaped."""
    with Stub(b"-\x1b[2J\x07\r\n") as stub:
        assert_fails(1, where(stub.address), "x", says=r"-\x1b[2J\x07")


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("said", [b"", b"+O"])
def test_closed_without_a_whole_reply(end, said):
    """Rule 35: it is told apart from a refusal."""
    with Stub(said, end=end) as stub:
        assert_fails(76, where(stub.address), "x", says="without a reply")


@pytest.mark.parametrize("said", [
    b"SSH-2.0-OpenSSH_9.2p1\r\n", b"HTTP/1.1 400 Bad Request\r\n",
    b"\x15\x03\x01\x00\x02", b"220 smtp\r\n", b"+ LF alone\n"])
def test_whoever_does_not_speak_tcpmux(said):
    """Rule 35: and it is told apart from one that closed."""
    with Stub(said, end="stay") as stub:
        assert_fails(76, where(stub.address), "x", says="TCPMUX")


def test_urgent_data_is_no_end():
    """splice(2) stops there, as at an end; nothing behind it is lost."""
    data = many_bytes()[:4 * CHUNK]

    def serve(sock):
        sock.sendall(data[:CHUNK])
        sock.send(b"!", socket.MSG_OOB)
        sock.sendall(data[CHUNK:])

    with Stub(OK, serve=serve) as stub:
        status, out, said = run(where(stub.address), "it")
    assert (status, digest(out), said) == (0, digest(data), "")


def test_a_silent_server():
    """-w: time is up."""
    with Stub(end="stay") as stub:
        assert_fails(75, "-w", "0.1", where(stub.address), "x", says="-w")
        assert_fails(75, "-w", "0.1", where(stub.address), says="-w")


def test_a_shell_as_a_server(host):
    """A server of one line, which reads byte by byte."""
    socat = host.program(
        need("socat"), "-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1,fork",
        r"SYSTEM:'read name; printf \"+Go\r\n\"; exec cat'",
        stderr=subprocess.PIPE)
    with socat.stderr:
        line = socat.stderr.readline()
        while b"listening on" not in line:
            line = socat.stderr.readline()
        port = int(line.split(b":")[-1])
        data = many_bytes()[:1 << 20]
        assert run(f"127.0.0.1:{port}", "x", input=data) == (0, data, "")


# Where

def test_a_port_of_the_environment(address):
    """$TCPMUX_PORT is for those that have none."""
    env = os.environ | {"TCPMUX_PORT": str(address[1])}
    assert run(address[0], env=env)[:2] == (0, LIST)
    env["TCPMUX_PORT"] = "1"
    assert run(where(address), env=env)[:2] == (0, LIST)
    for wrong in ("0", "65536", "x", "-1"):
        env["TCPMUX_PORT"] = wrong
        assert_fails(64, address[0], env=env, says="$TCPMUX_PORT")


def test_ipv6_in_brackets(tcpmuxd):
    """[V6]:PORT; and bare, with the port of the environment."""
    port = tcpmuxd("-l", "[::1]:0").addresses[0][1]
    env = os.environ | {"TCPMUX_PORT": str(port)}
    for words in ([f"[::1]:{port}"], ["::1"], ["[::1]"], ["-6", "::1"],
                  [f"tcpmux://[::1]:{port}"], [f"TCPMUX://[::1]:{port}/"]):
        assert run(*words, env=env) == (0, b"tcpmux\n", ""), words
    assert_fails(68, "-4", "::1", env=env)


@pytest.mark.parametrize("path, name", [
    ("echo", "echo"), ("%65c%48o", "ecHo"), ("a/b", "a/b"), ("%2f", "/")])
def test_a_url(path, name):
    """The name is the rest, and %HH are bytes."""
    with Stub(OK) as stub:
        assert run("tcpmux://%s:%d/%s" % (*stub.address, path))[0] == 0
        assert stub.names == [name]


def test_a_unix_socket(host):
    """unix:PATH."""
    path = host.path("mux")
    with Stub(OK, serve=echo, path=path):
        assert run(f"unix:{path}", "x", input=b"hello") == (0, b"hello", "")
    assert_fails(2, f"unix:{path}", "x", says=path)


@pytest.mark.parametrize("words", [
    [], ["-x", "h"], ["--no-such", "h"], ["-w"], ["-w", "0", "h"],
    ["-w", "nan", "h"], ["-w", "1x", "h"], ["-w", "86401", "h"],
    ["--wait", "-1", "h"], ["--eager=1", "h"], [""], ["h:0"], ["h:65536"],
    ["h:"], [":1"], ["[::1"], ["[::1]x"], ["[]:1"], ["h:x"], ["unix:"],
    ["tcpmux://"], ["tcpmux://h/%4"], ["tcpmux://h/%00"], ["tcpmux://h/a b"],
    ["tcpmux://h/" + 256 * "a"], [256 * "h"], ["h", ""], ["h", "a b"],
    ["h", "\x7f"], ["h", 256 * "a"], ["-4", "-6", "h"], ["-F", "h"],
    ["h", "-e"], ["h", "-e", "x"], ["-F", "h", "n", "-e", "x"],
    ["--json", "h", "n"], ["--json", "-L", "0:a", "h"],
    ["--wait", "1", "-L", "0:a", "h"], ["--srv", "h:1"], ["--srv", "1.2.3.4"],
    ["--srv", "::1"], ["--srv", "unix:/x"], ["-L", "0:a"], ["-L", "a", "h"],
    ["-L", "0", "h"], ["-L", "65536:a", "h"], ["-L", "0:", "h"],
    ["-L", "0:a b", "h"], ["-L", "[::1:0:a", "h"], ["-L", "[]:0:a", "h"],
    ["-L", "x:y:a", "h"], ["-L", "unix:/x", "h"], ["-L", "unix::a", "h"],
    ["-L", "unix:/" + 200 * "x" + ":a", "h"], ["-F", "-L", "0:a", "h"]],
    ids=lambda words: " ".join(words)[:30] or "nothing")
def test_a_command_line_without_sense(words):
    """Exit status 64, and a sentence."""
    assert_fails(64, *words)


def test_help_and_version():
    """On standard output; both end it with success."""
    status, out, said = run("--help")
    assert (status, said) == (0, "") and out.startswith(b"usage: tcpmux")
    status, out, said = run("--version", "--no-such")
    assert (status, said) == (0, "") and out.startswith(b"tcpmux 0.")
    with open("/dev/full", "wb") as full:
        assert_fails(74, "--help", stdout=full)


def test_every_option_is_in_the_manual_and_in_the_summary():
    """And in the completion of each shell."""
    top = pathlib.Path(__file__).parent.parent
    manual = (top / "man/tcpmux.1").read_text()
    summary = run("--help")[1].decode()
    longs = ("eager", "follow", "help", "json", "lenient", "srv", "version",
             "wait")
    for name in longs:
        assert f".It Fl -{name}" in manual and f"--{name}" in summary
    for letter in "FELevw":
        assert f"-{letter} " in summary
    for shell in ("tcpmux.bash", "_tcpmux", "tcpmux.fish"):
        text = (top / "contrib/completion" / shell).read_text()
        for name in longs:
            assert name in text, (shell, name)


def test_unreachable():
    """Nobody listens there: exit status 2."""
    assert_fails(2, f"127.0.0.1:{doors.free_port()}", "x",
                 says="Connection refused")


def test_a_host_that_is_none():
    """A name that no resolver is asked for, as it is none."""
    assert_fails(68, "a..b", "x", says="a..b")


# Through several multiplexers

def test_names_one_behind_the_other(address):
    """Each multiplexer is asked for the next name."""
    assert run(where(address), "tcpmux", "TCPMUX", "tcpmux", "echo",
               input=b"hello") == (0, b"hello", "")
    assert_fails(1, where(address), "tcpmux", "none", says="refuses none")


def test_the_next_name_waits_for_the_answer():
    """Without --eager nothing is said to whoever has not said +."""
    def rest(sock):
        with pytest.raises(BlockingIOError):
            sock.recv(1, socket.MSG_DONTWAIT)
        heard.append(client.read_request(sock) if sock.send(OK) else "")
        sock.sendall(OK)

    heard = []
    with Stub(serve=rest) as stub:
        assert run(where(stub.address), "one", "two")[0] == 0
    assert (stub.names, heard) == (["one"], ["two"])


def test_eager_sends_all_names_at_once():
    """--eager: both names before any answer."""
    def rest(sock):
        heard.append(client.read_request(sock))
        sock.sendall(OK + OK + b"data")

    heard = []
    with Stub(serve=rest) as stub:
        assert run("--eager", where(stub.address), "one", "two") == (
            0, b"data", "")
    assert (stub.names, heard) == (["one"], ["two"])


def test_follow():
    """@host:port is said; and with --follow it is gone to, but once."""
    with Stub(OK, b"here") as there:
        with Stub(b"@%s:%d\r\n" % (b"127.0.0.1", there.address[1])) as moved:
            assert_fails(1, where(moved.address), "x",
                         says=where(there.address))
            assert there.names == []
            assert run("--follow", where(moved.address), "x") == (
                0, b"here", "")
            with Stub(b"@127.0.0.1:%d\r\n" % moved.address[1]) as twice:
                assert_fails(1, "--follow", where(twice.address), "x",
                             says=where(there.address))


# Bytes

def open_input(kind, data):
    """Standard input of a kind, that has the data."""
    if kind == "file":
        file = tempfile.TemporaryFile()
        file.write(data)
        file.seek(0)
        return file, None
    if kind == "pipe":
        reader, writer = os.pipe()
        ours, theirs = os.fdopen(writer, "wb"), os.fdopen(reader, "rb")
    else:
        ours, theirs = socket.socketpair()
    def write():
        with ours:
            (ours.write if kind == "pipe" else ours.sendall)(data)

    thread = threading.Thread(target=write)
    thread.start()
    return theirs, thread


@pytest.mark.parametrize("output", ["file", "pipe", "socket"])
@pytest.mark.parametrize("source", ["file", "pipe", "socket"])
def test_64_mib_there_and_back(address, source, output):
    """Every kind of standard input and output; rule 31, the end goes last."""
    data = many_bytes()
    stdin, writer = open_input(source, data)
    if output == "socket":
        ours, stdout = socket.socketpair()
    else:
        ours = stdout = tempfile.TemporaryFile() if output == "file" else None
    process = start(where(address), "echo", stdin=stdin,
                    stdout=stdout or subprocess.PIPE)
    stdin.close()
    if output == "socket":
        stdout.close()
        with ours:
            heard = server.read_all(ours)
    elif output == "pipe":
        heard = process.stdout.read()
    assert process.wait(proc.PATIENCE) == 0
    if output == "file":
        with ours:
            ours.seek(0)
            heard = ours.read()
    if writer is not None:
        writer.join()
    assert process.communicate()[1] == b""
    assert digest(heard) == digest(data)


def test_no_input_at_all(address):
    """/dev/null, and a standard input that is closed."""
    assert run(where(address), "echo") == (0, b"", "")
    for redirection in ("<&-", "</dev/null"):
        out = subprocess.run(
            ["sh", "-c", f'exec "$0" "$@" {redirection}', client.TCPMUX,
             where(address), "date"], stdout=subprocess.PIPE, check=True)
        assert out.stdout.startswith(b"20")


def test_what_comes_with_the_reply_is_the_services():
    """Rule 8: its first byte is the one behind CR LF, in one segment too."""
    with Stub(OK + b"\r\n+\0first") as stub:
        assert run(where(stub.address), "x") == (0, b"\r\n+\0first", "")


def test_a_reply_that_drips():
    """Any segmentation works, and nothing is lost."""
    said = b"+drip\r\n\r\nslow"
    pieces = [said[i:i + 1] for i in range(len(said))]
    with Stub(*pieces) as stub:
        assert run(where(stub.address), "x") == (0, b"\r\nslow", "")


def test_nothing_is_delayed(address):
    """Each byte comes back before the next is sent."""
    process = start(where(address), "echo", stdin=subprocess.PIPE, bufsize=0)
    for i in range(256):
        process.stdin.write(bytes([i]))
        assert process.stdout.read(1) == bytes([i])
    assert process.communicate() == (b"", b"")
    assert process.returncode == 0


def test_the_service_ends_first(host, address):
    """Rule 31: what is sent behind that is still heard."""
    data = many_bytes()
    assert run(where(address), "farewell", input=data) == (0, b"bye\n", "")
    assert host.mailbox.get(timeout=proc.PATIENCE) == digest(data).encode()


def test_output_that_nobody_reads_does_not_stop_input(host):
    """The two directions wait for nobody but their own ends."""
    data = many_bytes()[:8 << 20]

    def rest(sock):
        thread = threading.Thread(target=sock.sendall, args=[data])
        thread.start()
        host.mailbox.put(digest(server.read_all(sock)))
        thread.join()

    for kind in ("pipe", "socket"):
        ours, stdout = socket.socketpair()
        with Stub(OK, serve=rest) as stub, ours:
            process = start(where(stub.address), "x", stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE if kind == "pipe" else
                            stdout)
            stdout.close()
            process.stdin.write(data)
            process.stdin.close()
            assert host.mailbox.get(timeout=proc.PATIENCE) == digest(data)
            heard = process.stdout.read() if kind == "pipe" else \
                server.read_all(ours)
            assert process.wait(proc.PATIENCE) == 0
            process.stderr.close()
            if kind == "pipe":
                process.stdout.close()
        assert digest(heard) == digest(data)


def test_a_cut_stream_does_not_look_whole():
    """T16: a reset is no end: exit status 74."""
    def rest(sock):
        sock.sendall(b"half")
        sock.recv(1)

    with Stub(OK, serve=rest, end="reset") as stub:
        status, out, said = run(where(stub.address), "x", input=b"x")
        assert (status, out) == (74, b"half") and "broke" in said


def test_input_that_cannot_be_read_cuts_the_stream(host):
    """A folder is no input: exit status 66, and a reset over there."""
    def rest(sock):
        with pytest.raises(ConnectionResetError):
            server.read_all(sock)
        host.mailbox.put("reset")

    folder = os.open("/", os.O_RDONLY)
    with Stub(OK, serve=rest) as stub:
        assert_fails(66, where(stub.address), "x", stdin=folder)
        assert host.mailbox.get(timeout=proc.PATIENCE) == "reset"
    os.close(folder)


def test_output_that_cannot_be_written(address):
    """A full disk, and a standard output that is closed."""
    with open("/dev/full", "wb") as full:
        assert_fails(74, where(address), "date", stdout=full)
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" >&-', client.TCPMUX, where(address),
         "date"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        check=False)
    assert done.returncode == 74 and done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("ignored", [False, True])
def test_output_that_nobody_reads_any_more(address, ignored):
    """As a filter: SIGPIPE; and who ignores that is told. It notices at once,
    while nothing comes."""
    process = start(where(address), "echo", stdin=subprocess.PIPE, bufsize=0,
                    restore_signals=not ignored)
    process.stdin.write(b"x")
    assert process.stdout.read(1) == b"x"
    process.stdout.close()
    status = process.wait(proc.PATIENCE)
    said = process.stderr.read()
    process.stdin.close()
    process.stderr.close()
    if ignored:
        assert status == 74 and said.count(b"\n") == 1
    else:
        assert (status, said) == (-signal.SIGPIPE, b"")


# A person

def test_at_a_terminal(address):
    """It ends when the service has ended, and waits for no key."""
    ours, its = pty.openpty()
    process = start(where(address), "date", stdin=its)
    os.close(its)
    assert process.communicate()[0].startswith(b"20")
    assert process.returncode == 0
    os.close(ours)


def test_a_terminal_both_ways(address):
    """What is typed is sent line by line; ^D is the end."""
    ours, its = pty.openpty()
    process = start(where(address), "echo", stdin=its, stdout=its)
    os.close(its)
    shown = b""
    os.write(ours, b"hello\n")
    while shown.count(b"hello\r\n") < 2:    # the terminal's, and the service's
        shown += os.read(ours, 100)
    os.write(ours, b"\4")
    assert process.wait(proc.PATIENCE) == 0
    process.stderr.close()
    os.close(ours)


def test_progress_is_shown_on_a_terminal():
    """-v: bytes and rate, over and over, and at the end."""
    more = threading.Event()

    def rest(sock):
        more.wait(proc.PATIENCE)

    ours, its = pty.openpty()
    with Stub(OK + 2048 * b"x", serve=rest) as stub:
        process = start("-v", where(stub.address), "x", stderr=its)
        os.close(its)
        shown = b""
        while b"\r0 B sent, 2.0 KiB received, " not in shown:
            assert select.select([ours], [], [], proc.PATIENCE)[0], shown
            shown += os.read(ours, 1000)
        more.set()
        assert process.communicate()[0] == 2048 * b"x"
        assert process.returncode == 0
        shown += os.read(ours, 1000)
    os.close(ours)
    assert b"says +OK FINE" in shown and b"B/s, in " in shown


def test_verbose_without_a_terminal(address):
    """-v: two lines, and no control characters."""
    status, out, said = run("-v", where(address), "echo", input=b"x" * 3000)
    assert (status, out) == (0, b"x" * 3000)
    first, last = said.splitlines()
    assert first == f"tcpmux: {where(address)} says +OK FINE"
    assert last.startswith("tcpmux: 2.9 KiB sent, 2.9 KiB received, ")


# Waiting for a service

def test_wait_until_somebody_listens():
    """--wait: unreachable first, and then it is there."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    with listener:
        address = listener.getsockname()
        process = start("--wait", "20", where(address), "x")
        listener.listen()
        listener.settimeout(proc.PATIENCE)
        with listener.accept()[0] as sock:
            assert client.read_request(sock) == "x"
            sock.sendall(OK + b"there")
        assert process.communicate() == (b"there", b"")
        assert process.returncode == 0


def test_wait_until_the_name_is_there():
    """--wait: refused, closed and refused again."""
    said = [b"-busy\r\n", b"", b"-No such\r\n", OK + b"there"]
    with Stub(serve=lambda sock: sock.sendall(said.pop(0))) as stub:
        assert run("--wait", "20", where(stub.address), "x") == (
            0, b"there", "")
        assert len(stub.names) == 4


def test_wait_in_vain(address):
    """--wait: then the reason is that of the last try."""
    assert_fails(1, "--wait", "0.2", where(address), "none", says="refuses")
    assert_fails(2, "--wait", "0.2", f"127.0.0.1:{doors.free_port()}", "x")
    with Stub(end="stay") as stub:
        assert_fails(75, "--wait", "0.2", where(stub.address), "x")


def test_what_waiting_does_not_mend():
    """--wait: whoever is no TCPMUX server does not become one."""
    with Stub(b"220 smtp\r\n") as stub:
        assert_fails(76, "--wait", "20", where(stub.address), "x")
        assert len(stub.names) == 1


# Programs on the connection

SHOW = ('printf "%s\n" "$PROTO" "$TCPREMOTEIP" "$TCPREMOTEPORT" "$TCPLOCALIP"'
        ' "$TCPLOCALPORT" "$TCPMUX_SERVICE" "${TCPREMOTEHOST-unset}"')


def test_a_program_on_descriptors_6_and_7():
    """-e: as UCSPI has it; its words are its own, and so is its status."""
    def rest(sock):
        peers.append(sock.getpeername())
        assert client.read_request(sock) == "-v --help"
        sock.sendall(b"answer\n")

    peers = []
    env = os.environ | {"TCPREMOTEHOST": "stale"}
    with Stub(OK, serve=rest) as stub:
        status, out, said = run(
            where(stub.address), "Name", "-e", "sh", "-c",
            f'{SHOW}; echo "$@" >&7; cat <&6; cat; exit 9', "sh", "-v",
            "--help", input=b"mine", env=env)
    assert (status, said) == (9, "")
    assert out.decode().split("\n") == [
        "TCP", "127.0.0.1", str(stub.address[1]), "127.0.0.1",
        str(peers[0][1]), "Name", "unset", "answer", "mine"]


def test_a_program_on_descriptors_0_and_1(address):
    """-E: and nothing else is open."""
    status, out, said = run(where(address), "echo", "-E", "sh", "-c",
                            "echo hello; read x; ls /proc/self/fd >&2; "
                            "echo $x >&2")
    assert (status, out) == (0, b"")
    assert said.split() == ["0", "1", "2", "3", "hello"]


def test_a_program_over_a_unix_socket(host):
    """-e: PROTO says so, and there are no addresses."""
    path = host.path("mux")
    with Stub(OK, serve=server.read_all, path=path):
        out = run(f"unix:{path}", "x", "-e", "sh", "-c", SHOW,
                  env=os.environ | {"TCPREMOTEIP": "stale"})[1]
    assert out.decode().split("\n") == ["UNIX", "", "", "", "", "x", "unset",
                                        ""]


def test_a_program_that_is_none(address):
    """-e: the statuses that a shell has for these."""
    assert_fails(127, where(address), "echo", "-e", "/no/such/program")
    assert_fails(126, where(address), "echo", "-e", "/")
    assert_fails(1, where(address), "none", "-e", "true")


# Passing the connection on

def test_pass_the_connection(address):
    """-F: one byte, one descriptor; a blocking socket behind the reply."""
    ours, its = socket.socketpair()
    with ours:
        with its:
            process = start("-F", where(address), "echo", stdout=its)
        data, fds, _, _ = socket.recv_fds(ours, CHUNK, 4)
        assert (data, len(fds)) == (b"\0", 1)
        assert ours.recv(1) == b""
        assert process.communicate()[1] == b""
        assert process.returncode == 0
    with socket.socket(fileno=fds[0]) as sock:
        assert os.get_blocking(fds[0])
        assert sock.getpeername() == address
        assert callers.converse(sock, b"hello") == b"hello"


def test_pass_the_connection_to_nobody(address):
    """-F: what is no Unix socket cannot take it."""
    assert_fails(74, "-F", where(address), "echo", says="ProxyUseFdpass")
    assert_fails(1, "-F", where(address), "none")
