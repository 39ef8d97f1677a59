"""tcpmuxctl, which asks a daemon: what it shows, and what it says if not.

The daemon is played by the test; test_tcpmuxctl_daemon.py has the real one.
"""

import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

import offerers
import offers
import proc
from ctl import CTL, Ctl
from fake_desk import FakeDesk, service, snapshot
from services import need
from terminal import Terminal

TOP = pathlib.Path(__file__).parent.parent
READING = ("status", "ls", "conns", "stats", "sandbox")
CONNS = (b"conn id=7 process=front.0 generation=1 peer=192.0.2.1:5 "
         b"state=waiting ms=12\n"
         b"conn id=4711 process=spawn generation=1 peer=[2001:db8::1]:65535 "
         b"name=date state=running ms=90061000 in=5 out=12345678 pid=99\n")


@pytest.fixture
def desk(folder):
    """A daemon that has two services."""
    new = FakeDesk(f"{folder}/control", {
        "snapshot": (b"+\r\n", snapshot(
            service(), service("web", "offer", "down", "0", 123456789,
                               2**64 - 1))),
        "conns": (b"+\r\n", CONNS)})
    yield new
    new.close()


@pytest.fixture
def ctl(desk):
    """Who asks it."""
    return Ctl(desk.path)


# What is shown.

def test_ls_is_a_table_of_services(ctl):
    assert ctl.out("ls") == """\
SERVICE  KIND   STATE  NOW  QUEUE  TOTAL  REFUSED  SERVED BY
ssh      relay  up       2   1/64     20        0  127.0.0.1:22
web      offer  down     2   1/64   123M        0  root
"""


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_table_fits_the_terminal(desk, columns):
    """Names are cut there, and nowhere else."""
    name = "a" * 100
    desk.answers["snapshot"] = (b"+\r\n", snapshot(
        service(name, to="/usr/libexec/" + "b" * 40)))
    terminal = Terminal(CTL, "--control", desk.path, "ls", columns=columns)
    try:
        assert terminal.wait() == 0
        title, line = terminal.raw.decode().split("\r\n")[:2]
        assert line.startswith("aaaaa") and "...  relay  up" in line
        assert len(title) <= columns and len(line) == columns
    finally:
        terminal.close()
    assert name in Ctl(desk.path).out("ls")


def test_ls_has_names_alone_for_scripts(ctl):
    assert ctl.out("ls", "--names") == "ssh\nweb\n"


def test_ls_is_exact_as_json(ctl):
    one, two = ctl.json("ls")["services"]
    assert one == {
        "name": "ssh", "kind": "relay", "state": "up", "hidden": False,
        "line": 3, "to": "127.0.0.1:22", "requests": 20, "handed": 20,
        "refused": 0, "current": 2, "queue": 1, "queue_max": 64, "in": 1000,
        "out": 2000, "time_us": 4000, "times": [0, 1, 2, 3, 4, 5]}
    assert two["requests"] == 123456789 and two["in"] == 2**64 - 1


def test_conns_is_a_table_of_connections(ctl):
    assert ctl.out("conns") == """\
  ID  CLIENT               SERVICE  STATE      FOR  IN    OUT  PROCESS
   7  192.0.2.1:5          -        waiting   12ms   -      -  front.0
4711  [2001:db8::1]:65535  date     running  1d01h   5  12.3M  spawn, pid 99
"""
    assert ctl.json("conns") == {"conns": [
        {"id": 7, "process": "front.0", "generation": 1,
         "peer": "192.0.2.1:5", "state": "waiting", "ms": 12},
        {"id": 4711, "process": "spawn", "generation": 1,
         "peer": "[2001:db8::1]:65535", "name": "date", "state": "running",
         "ms": 90061000, "in": 5, "out": 12345678, "pid": 99}], "more": 0}


def test_conns_says_what_is_not_listed(ctl, desk):
    desk.answers["conns"] = (b"+\r\n", CONNS + b"more n=12\n")
    assert ctl.out("conns").endswith("\nand 12 more\n")
    assert ctl.json("conns")["more"] == 12


def test_status_is_a_page(ctl):
    page = ctl.out("status")
    assert re.match(r"tcpmuxd 0\.1\.0 is serving, pid 1, for 1h00m, since "
                    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n", page)
    for line in ("  ! service web: nobody serves it",
                 "listens at    0.0.0.0:1",
                 "              [::]:1, lenient, behind a proxy",
                 "processes     2; 1.5s of CPU, 3.22MB of memory at most",
                 "services      2: 1 up, 1 down, 0 drained; 0 by offers",
                 "refused       7 unknown"):
        assert line in page.splitlines(), page
    assert max(map(len, page.splitlines())) <= 80


@pytest.mark.parametrize("sick, sentence", [
    ({"state": "draining"}, "it refuses all new connections: "
                            "tcpmuxctl undrain"),
    ({"beat": 3100}, "front.0 (pid 1) has not moved for 3.1s"),
    ({"front_state": "finishing"},
     "no front serves: nobody accepts connections"),
    ({"replaced": 1, "replaced_last": 1763743600 - 90},
     "1 process died or got stuck, the last 1m30s ago: the log has why"),
    ({"replaced": 2, "replaced_last": 1763743600 - 3599},
     "2 processes died or got stuck, the last 59m59s ago: "
     "the log has why")])
def test_what_is_wrong_comes_first(ctl, desk, sick, sentence):
    desk.answers["snapshot"] = (b"+\r\n", snapshot(service(), **sick))
    assert ctl.out("status").splitlines()[1] == f"  ! {sentence}"
    assert ctl.json("status")["problems"] == [sentence]


def test_what_is_long_over_is_not_wrong(ctl, desk):
    text = snapshot(service(), replaced=2, replaced_last=1763743600 - 3600)
    desk.answers["snapshot"] = (b"+\r\n", text)
    assert ctl.json("status")["problems"] == []


def test_nothing_wrong_says_nothing(ctl, desk):
    desk.answers["snapshot"] = (b"+\r\n", snapshot(service()))
    assert "!" not in ctl.out("status")
    document = ctl.json("status")
    assert document["problems"] == []
    assert document["tcpmuxd"]["started"] == 1763740000.123
    assert document["processes"][1]["layers"] == ["user", "caps"]


def test_many_problems_are_summed_up(ctl, desk):
    desk.answers["snapshot"] = (b"+\r\n", snapshot(
        *(service(f"s{n}", up="down") for n in range(50))))
    assert "\n  ! and 30 more\n" in ctl.out("status")
    assert len(ctl.json("status")["problems"]) == 50


def test_stats_has_times_and_refusals(ctl, desk):
    desk.answers["snapshot"] = (b"+\r\n", snapshot(
        service(n=15), "refused name=ssh reason=busy n=3\n",
        "refused name=ssh reason=late n=0\n"))
    assert ctl.out("stats") == """\
SERVICE  REQUESTS  HANDED  REFUSED    IN   OUT   MEAN    50%     99%
ssh            15      15        0  1000  2000  266us  1.0ms  longer

REFUSED  REASON   NUMBER
(all)    unknown       7
ssh      busy          3
"""
    document = ctl.json("stats")
    assert list(document) == ["tcpmuxd", "buckets", "listeners", "processes",
                              "total", "refused", "services", "offers"]
    assert document["buckets"] == {"us": [50, 100, 250, 500, 1000]}
    assert {"name": "ssh", "reason": "busy", "n": 3} in document["refused"]


def test_explain_has_the_answer_and_then_the_reasons(ctl, desk):
    desk.answers["explain/web"] = (b"+It would be served.\r\n", b"a\nb\x1b\n")
    desk.answers["explain,::1/web"] = (b"+It would be refused.\r\n", None)
    assert ctl.out("explain", "web") == "It would be served.\na\nb\\x1b\n"
    assert ctl.out("explain", "web", "::1") == "It would be refused.\n"
    assert ctl.json("explain", "web") == {
        "name": "web", "address": None, "answer": "It would be served.",
        "lines": ["a", "b\x1b"]}


# What the kernel says of the sandbox.

@pytest.fixture
def process(folder):
    """A process that might be the daemon's, and is in no sandbox."""
    path = pathlib.Path(folder, "tcpmuxd-fake")
    shutil.copy(shutil.which("sleep"), path)
    with subprocess.Popen([path, "1000"]) as started:
        yield started
        started.kill()


@pytest.mark.parametrize("layer", ["no-new-privs", "seccomp"])
def test_sandbox_says_what_the_kernel_denies(ctl, desk, process, layer):
    """And is a failure then."""
    text = snapshot(front=process.pid, layers=f"limits,{layer}")
    desk.answers["snapshot"] = (b"+\r\n", text)
    status, out, said = ctl.run("sandbox")
    assert status == 1 and said.startswith("tcpmuxctl: the kernel denies")
    assert re.match(rf"  ! front\.0 \(pid {process.pid}\) says {layer}, and "
                    "the kernel ", out)
    assert re.search(r"^front\.0 .* DENIES$", out, re.MULTILINE)
    status, out, said = ctl.run("sandbox", "--json")
    assert status == 1 and f"says {layer}" in out


def test_sandbox_agrees_with_the_kernel(ctl, desk, process):
    text = snapshot(front=process.pid, layers="network,limits,later")
    desk.answers["snapshot"] = (b"+\r\n", text)
    assert ctl.out("sandbox").splitlines()[2].split()[2:] == [
        "-", "-", "-", "-", "yes", "-", "-", "yes", "agrees"]
    seen = ctl.json("sandbox")["processes"][1]
    assert seen["process"]["layers"] == ["network", "limits", "later"]
    assert seen["kernel"]["seccomp"] == 0 and seen["denied"] is None
    assert seen["kernel"]["uid"] == os.geteuid()


def test_a_process_that_is_not_the_daemons_is_not_judged(ctl, desk):
    """Its number may be another's by now, or of another namespace."""
    for pid in (os.getpid(), 2**22 + 1):
        desk.answers["snapshot"] = (b"+\r\n", snapshot(
            front=pid, layers="seccomp"))
        assert ctl.out("sandbox").splitlines()[2].endswith(" unread")
        assert ctl.json("sandbox")["processes"][1]["kernel"] is None


# What changes the daemon.

@pytest.mark.parametrize("words, request_line", [
    (["reload"], "reload"), (["upgrade"], "upgrade"), (["drain"], "drain"),
    (["drain", "web"], "drain/web"), (["undrain"], "undrain"),
    (["undrain", "a/b,c"], "undrain/a/b,c"), (["kick", "web"], "kick/web"),
    (["kick", "4711"], "kick,4711/"), (["kick", "--name", "4711"],
                                       "kick/4711"),
    (["kick", "4711a"], "kick/4711a"), (["log", "refusals"], "log/refusals"),
    (["drain", "--", "--json"], "drain/--json")])
def test_a_change_is_asked_for_and_its_answer_shown(ctl, desk, words,
                                                    request_line):
    desk.answers[request_line] = (b"+It is done.\r\n", None)
    assert ctl.out(*words) == "It is done.\n"
    assert desk.requests == [request_line]


def test_what_a_reload_says_is_said(ctl, desk):
    """Warnings on standard error if it succeeds, and mistakes if not."""
    desk.answers["reload"] = (b"+Serving.\r\n", b"c:3: a warning\n\x1b[2J\n")
    assert ctl.run("reload") == (0, "Serving.\n",
                                 "c:3: a warning\n\\x1b[2J\n")
    desk.answers["reload"] = (b"-failed No change.\r\n", b"c:3: a mistake\n")
    assert ctl.assert_fails(1, "reload") == (
        "c:3: a mistake\ntcpmuxctl: refused: No change.\n")


# What goes wrong.

@pytest.mark.parametrize("command", READING)
def test_no_daemon(ctl, desk, command):
    """Nobody has ever been there, or the daemon has died and left its path."""
    desk.stop()
    ctl.assert_fails(2, command,
                     says=f"no tcpmuxd is at the control socket {desk.path}: "
                     "start it, or say by --control or $TCPMUX_CONTROL")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
        dead.bind(desk.path)
    ctl.assert_fails(2, command, says="no tcpmuxd is at")
    os.unlink(desk.path)


def test_the_place_that_is_not_given_is_named(folder):
    environment = os.environ | {"TCPMUX_CONTROL": f"{folder}/none"}
    said = subprocess.run([CTL, "ls"], env=environment, check=False,
                          stderr=subprocess.PIPE).stderr
    assert f" {folder}/none: start it".encode() in said


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("answer, status, says", [
    ((b"-denied You may not read this: readers says who may.\r\n", None), 1,
     "refused: You may not read this: readers says who may."),
    ((b"-busy Too much \x1b[2J is asked.\r\n", None), 1,
     r"Too much \x1b[2J is asked."),
    ((b"-request This is none.\r\n", None), 1, "refused: This is none."),
    ((b"-short\r\n", None), 1, "refused: short"),
    ((b"+\r\n", None), 76, "has answered nothing"),
    ((b"+\r\n", b"a\0b"), 76, "cannot be understood"),
    ((b"+\r\n", b"a\n" * (1 << 20) + b"b\n"), 76, "cannot be understood"),
    ((b"hello\r\n", None), 76, "not TCPMUX"),
    (None, 76, "closed without an answer")])
def test_a_bad_answer_is_a_sentence(ctl, desk, command, answer, status, says):
    desk.answers["conns" if command == "conns" else "snapshot"] = answer
    ctl.assert_fails(status, command, says=says)


def test_no_answer_is_waited_for_no_longer_than_one_likes(ctl, desk):
    ctl.assert_fails(75, "drain", "-w", "0.05",
                     says="does not answer in time: -w waits longer")
    assert desk.requests == ["drain"]


def test_a_file_that_never_ends_is_none(ctl, desk):
    """A pipe would have its reader wait."""
    def tell():
        reader, writer = os.pipe()
        desk.kept.append(os.fdopen(writer, "wb"))
        with os.fdopen(reader, "rb"):
            socket.send_fds(desk.kept[0], [b"+\r\n"], [reader])
        desk.kept[0].close()

    del desk.answers["snapshot"]
    with subprocess.Popen([CTL, "--control", desk.path, "ls"],
                          stderr=subprocess.PIPE) as asking:
        desk.wait_for("snapshot", 1, proc.PATIENCE)
        tell()
        assert asking.wait(proc.PATIENCE) == 76


def test_a_socket_that_may_not_be_reached(ctl, desk):
    """By its mode."""
    if os.getuid() != 0:
        pytest.skip("only root can ask as somebody else")
    offers.need_open_build()
    os.chmod(desk.path, 0o600)
    Ctl(desk.path, offerers.as_user(12345)).assert_fails(
        71, "ls", says=f"the control socket {desk.path} may not be reached")


def test_output_that_cannot_be_written(ctl):
    with open("/dev/full", "wb") as full:
        for command in READING:
            ctl.assert_fails(74, command, stdout=full, says="No space left")
            ctl.assert_fails(74, command, "--json", stdout=full)


@pytest.mark.parametrize("words, says", [
    ([], "what is it to do?"), (["fly"], "there is no command fly"),
    (["explain"], "explain what?"), (["kick"], "kick what?"),
    (["ls", "x"], "x is too much for ls"),
    (["explain", "a", "b", "c"], "c is too much"),
    (["reload", "--json"], "--json does not go with reload"),
    (["conns", "--names"], "--names does not go with conns"),
    (["ls", "--every", "1"], "--every does not go with ls"),
    (["ls", "--json", "--names"], "exclude each other"),
    (["drain", "a b"], "a b is no name"), (["drain", ""], "is no name"),
    (["drain", "\x1b"], r"\x1b is no name"),
    (["explain", "a", "b/c"], "b/c cannot be asked for"),
    (["drain", "a" * 250], "too long"),
    (["kick", "9" * 300], "too long"),
    (["explain", "x", "y z"], "y z cannot be asked for"),
    (["explain", "x", "1,2"], "1,2 cannot be asked for"),
    (["explain", "x", "1" * 250], "too long"),
    (["--control", "", "ls"], "empty or too long"),
    (["ls", "-w", "no"], "-w no is no time"), (["ls", "-w"], "-w wants"),
    (["top", "--every", "0"], "--every 0 is no time"),
    (["ls", "--fast"], "there is no option --fast"),
    (["ls", "-x"], "there is no option -x")])
def test_a_command_line_that_makes_no_sense(ctl, desk, words, says):
    ctl.assert_fails(64, *words, says=says)
    assert desk.requests == []


def test_top_wants_a_terminal(ctl):
    ctl.assert_fails(64, "top", says="top wants a terminal: without one, ls")


# Whatever a daemon says.

def test_names_are_escaped_for_people_and_whole_for_programs(ctl, desk):
    r"""A name may be anything that a daemon says, and \x00 stays so."""
    desk.answers["snapshot"] = (b"+\r\n", snapshot(
        service(r"a\x1b[2J\x22\x5cb\xc3\xa4\xff\x00\xf0\x9f\x90\x9f")))
    assert ctl.out("ls", "--names") == (
        r'a\x1b[2J"\b\xc3\xa4\xff\x00\xf0\x9f\x90\x9f' "\n")
    out = ctl.out("ls", "--json")
    assert out.isascii() and "\x1b" not in out
    assert ctl.json("ls")["services"][0]["name"] == (
        'a\x1b[2J"\\b\xe4\\xff\\x00\U0001f41f')


def test_a_snapshot_of_the_future_is_understood(ctl, desk):
    """Words and keys that are not known yet are passed over."""
    desk.answers["snapshot"] = (
        b"+\r\n", b"weather sky=blue\nservice name=a colour=red in=1.5\n")
    assert ctl.json("ls") == {"services": [{"name": "a", "in": None}],
                              "offers": []}
    assert ctl.json("stats")["tcpmuxd"] is None
    for command in READING[:-3]:
        assert ctl.run(command)[0] == 0


def test_many_services_are_shown(ctl, desk):
    desk.answers["snapshot"] = (b"+\r\n", snapshot(
        *(service(f"service-{n}") for n in range(20000))))
    assert len(ctl.out("ls").splitlines()) == 20001
    assert len(ctl.json("stats")["services"]) == 20000


# T12: the system says no.

SAYS_NO = [("socket", "EMFILE"), ("connect", "EAGAIN"), ("connect", "ENOMEM"),
           ("sendto", "ENOBUFS"), ("sendto", "EPIPE"), ("recvmsg", "ENOMEM"),
           ("recvmsg", "ECONNRESET"), ("poll", "EINTR"), ("poll", "ENOMEM"),
           ("pread64", "EIO"), ("pread64", "EINTR"), ("write", "EIO"),
           ("write", "ENOSPC"), ("ioctl", "ENOTTY"), ("close", "EIO")]
LOADER = 127            # the program has not even begun


def skip_if_instrumented():
    """A sanitizer wants memory without end, and nobody who traces."""
    if b"__asan_init" in CTL.read_bytes():
        pytest.skip("it is built with a sanitizer")


@pytest.mark.parametrize("call, error", SAYS_NO)
def test_t12_a_call_that_fails_is_a_sentence(desk, folder, call, error):
    """Once, and for ever: no crash, and nothing that goes on for ever."""
    skip_if_instrumented()
    strace = [need("strace"), "-o", f"{folder}/trace"]
    if subprocess.run([*strace, "true"], check=False,
                      stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("nobody may trace here")
    # The program's loader reads and closes files, too.
    for when in ("1", "2", "1+", "4", "6", "8", "10")[
            :None if call in ("pread64", "close") else 3]:
        traced = Ctl(desk.path, [
            *strace, "-e", f"trace={call}", "-e",
            f"inject={call}:error={error}:when={when}"])
        status, _, said = traced.run("-w", "1", "status")
        assert status in (0, 71, 74, 75, LOADER), (when, status, said)
        assert call == "write" or (status == 0) == (said == ""), (when, said)


def test_t12_no_memory_is_a_sentence(desk):
    """However little there is."""
    skip_if_instrumented()
    desk.answers["snapshot"] = (b"+\r\n", snapshot(
        *(service(f"service-{n}") for n in range(10000))))
    found = set()
    for megabytes in range(4, 40, 4):
        status, _, said = Ctl(desk.path, [
            need("prlimit"), f"--as={megabytes << 20}"]).run("ls")
        if status == LOADER:
            continue
        found.add(status)
        assert status in (0, 71), (status, said)
        assert (status == 0) == (said == "")
    assert found == {0, 71}


# The manual, the summary, and completion.

def test_every_command_and_option_is_told():
    """In the manual, the summary, and the completion of each shell."""
    manual = (TOP / "man/tcpmuxctl.8").read_text("ascii")
    summary = subprocess.run([CTL, "--help"], check=True,
                             stdout=subprocess.PIPE).stdout.decode()
    for word in ("conns", "drain", "explain", "kick", "log", "ls", "reload",
                 "sandbox", "stats", "status", "top", "undrain", "upgrade",
                 "--control", "--every", "--help", "--json", "--name",
                 "--names", "--version", "-w"):
        entry = f".It Fl {word[1:]}" if word[0] == "-" else f".It Cm {word}"
        assert re.search(rf"^{entry}\b", manual, re.MULTILINE), word
        assert re.search(rf"^  .*{word}\b", summary, re.MULTILINE), word
        for shell in ("tcpmuxctl.bash", "_tcpmuxctl", "tcpmuxctl.fish"):
            text = (TOP / "contrib/completion" / shell).read_text("ascii")
            assert word.lstrip("-") in text, (shell, word)


def test_help_and_version():
    """On standard output, and status 0."""
    for option in ("--help", "--version"):
        heard = subprocess.run([CTL, option], check=True,
                               stdout=subprocess.PIPE).stdout
        assert b"tcpmuxctl" in heard
