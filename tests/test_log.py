"""What tcpmuxd writes about connections: where, in which form, how much."""

import json
import os
import pwd
import re
import signal
import socket
import stat
import subprocess

import pytest

import proc
import server

OK = b"+OK FINE\r\n"
UNKNOWN = b"-No such service: send HELP and CR LF for a list\r\n"
KEYS = ["time", "peer", "listener", "name", "verdict", "reason", "by", "user",
        "to", "message", "in", "out", "ms", "status", "signal", "suppressed"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
PAIR = re.compile(r'(\w+)=("[^"]*"|\S*)(?: |$)')

# A program that needs no user but ours.
TRUE = """service "true" {{ exec = {{"/bin/true"}} {user} {options} }}
"""


def needs_root():
    """Skip where only root can see to it."""
    if os.getuid() != 0:
        pytest.skip("only root can do this")


def conf(log, options=""):
    """A configuration with this log section and one program."""
    user = 'user = "daemon"' if os.getuid() == 0 else ""
    return f"log {{ {log} }}\n" + TRUE.format(user=user, options=options)


def ask(started, name):
    """What is said to one name."""
    return server.ask(started.addresses[0], name + b"\r\n")


def pairs(line):
    """The keys and values of a line of text, in their order."""
    found = PAIR.findall(line)
    assert " ".join(f"{key}={value}" for key, value in found) == line
    return [(key, value.strip('"')) for key, value in found]


def assert_is_record(found, **wanted):
    """Known keys, in their order, with these values among them."""
    keys = [key for key, _ in found]
    assert keys == sorted(keys, key=KEYS.index)
    values = dict(found)
    assert TIME.match(values["time"])
    for key, value in wanted.items():
        assert str(values[key]) == value


def read_lines(path):
    """The lines of a log, all of them whole."""
    with open(path, encoding="ascii") as file:
        text = file.read()
    assert text == "" or text.endswith("\n")
    return text.split("\n")[:-1]


def wait_lines(path, pattern, number=1):
    """Wait until a file has so many lines that match; return them."""
    def found():
        if not os.path.exists(path):
            return None
        with open(path, encoding="ascii") as file:
            lines = [line.rstrip("\n") for line in file
                     if re.search(pattern, line) and line.endswith("\n")]
        return lines if len(lines) >= number else None

    return proc.wait_until(found, pattern)


# Forms.

def test_each_connection_has_one_line(tcpmuxd):
    """Served, refused, answered and closed: key=value, one line each."""
    started = tcpmuxd(conf=conf(""))
    peers = []
    for request, wanted in (
            (b"true\r\n", {"name": "true", "verdict": "served",
                           "status": "0", "by": "exec"}),
            (b"nothing\r\n", {"name": "nothing", "verdict": "refused",
                              "reason": "unknown"}),
            (b"HELP\r\n", {"verdict": "answered"}),
            (b"", {"verdict": "closed"})):
        with server.connect(started.addresses[0]) as sock:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
            server.read_all(sock)
            peer = "127.0.0.1:%d" % sock.getsockname()[1]
        peers.append(peer)
        line = started.wait_for(f"peer={peer} ").string
        host, port = started.addresses[0]
        assert_is_record(pairs(line), peer=peer, listener=f"{host}:{port}",
                         **wanted)
    started.stop()
    for peer in peers:
        assert sum(peer in line for line in started.said) == 1


def test_json_is_json(tcpmuxd):
    """format = json: every line is an object, whatever it tells."""
    started = tcpmuxd(conf=conf('format = "json"'))
    assert ask(started, b"true") == OK
    assert ask(started, b'"\\\\') == UNKNOWN
    line = started.wait_for('"verdict":"served"').string
    assert_is_record(list(json.loads(line).items()), name="true", status="0")
    proc.wait_until(lambda: any('"unknown"' in line for line in started.said),
                    "the front's own line")
    os.kill(started.front, signal.SIGKILL)
    line = started.wait_for("was ended by signal 9").string
    assert_is_record(list(json.loads(line).items()))
    started.stop()
    for line in started.said:
        if "listening on" not in line:
            assert TIME.match(json.loads(line)["time"])
    names = [json.loads(line).get("name") for line in started.said
             if line.startswith("{")]
    assert r"\x22\x5c\x5c" in names


def test_t6_names_are_escaped_and_cut(tcpmuxd):
    """Bytes that a terminal or a parser would take for more, and length."""
    started = tcpmuxd(conf=conf(""))
    for name, wanted in (
            (b"a\"b\\c", r"a\x22b\x5cc"), (b"a=b", '"a=b"'),
            (b"x" * 64, "x" * 64), (b"x" * 65, "x" * 64 + "..."),
            (b'"' * 255, r"\x22" * 64 + "...")):
        assert ask(started, name) == UNKNOWN
        line = started.wait_for("verdict=refused").string
        assert f" name={wanted} verdict" in line


# Places.

def test_a_file_is_the_daemons_and_is_appended_to(tcpmuxd, folder):
    """Owner and mode; messages have a time there; SIGHUP opens it anew."""
    path = f"{folder}/log"
    with open(path, "w", encoding="ascii") as file:
        file.write("before\n")
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    text = 'user = "nobody"\n' if os.getuid() == 0 else ""
    started = tcpmuxd(conf=text + conf(f'to = "{path}"'))
    assert ask(started, b"true") == OK
    wait_lines(path, "verdict=served")
    assert read_lines(path)[0] == "before"
    os.rename(path, f"{path}.1")
    started.process.send_signal(signal.SIGHUP)
    line = wait_lines(path, "serving generation 2")[0]
    assert pairs(line)[1][0] == "message"
    assert ask(started, b"true") == OK
    wait_lines(path, "verdict=served")
    now = os.stat(path)
    assert stat.S_IMODE(now.st_mode) == 0o640
    if os.getuid() == 0:
        assert now.st_uid == nobody.pw_uid
    assert len(wait_lines(f"{path}.1", "verdict=served")) == 1


def test_t1_a_log_file_is_not_opened_as_root(folder):
    """A folder of root's own is not for the daemon's user."""
    needs_root()
    path = f"{folder}/log"
    text = "control = none\n" + server.ONE_LISTENER + conf(f'to = "{path}"')
    server.write_conf(f"{folder}/own.conf", text)
    failed = server.Server("-f", f"{folder}/own.conf")
    assert failed.wait() != 0
    assert any(path in line and "Permission denied" in line
               for line in failed.said)
    assert not os.path.exists(path)


def datagrams(path):
    """A socket as syslog or the journal has it."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    os.chmod(path, 0o666)
    sock.settimeout(proc.PATIENCE)
    return sock


def among_mounts(script):
    """A prefix: mounts of its own, as the lines of script make them."""
    probe = ("unshare", "--mount", "--propagation", "private", "true")
    if subprocess.run(probe, check=False).returncode != 0:
        pytest.skip("no mounts of its own can be had here")
    return ("unshare", "--mount", "--propagation", "private", "sh", "-ec",
            script + '\nexec "$@"', "sh")


def test_a_log_file_without_a_program_to_run(tcpmuxd, folder):
    """The monitor has given up its rights then, but not this one."""
    os.chmod(folder, 0o777)
    path = f"{folder}/no-program.log"
    started = tcpmuxd(conf=f'log {{ to = "{path}" }}\n'
                      'service "echo" { builtin = echo }\n')
    assert ask(started, b"echo") == OK
    proc.wait_until(lambda: "name=echo" in open(path, encoding="ascii").read(),
                    "the line")


def test_syslog(tcpmuxd, folder):
    """RFC 3164 to /dev/log: facility daemon, our name, the same line."""
    needs_root()
    os.mkdir(f"{folder}/dev")
    with datagrams(f"{folder}/socket") as sock:
        prefix = among_mounts(
            f"mount --rbind /dev {folder}/dev\n"
            "mount -t tmpfs -o mode=755 none /dev\n"
            "touch /dev/null /dev/log\n"
            f"mount --bind {folder}/dev/null /dev/null\n"
            f"mount --bind {folder}/socket /dev/log\n")
        started = tcpmuxd(conf=conf('to = "syslog"'), prefix=prefix)
        assert ask(started, b"true") == OK
        text = sock.recv(8192).decode("ascii")
        head, _, line = text.partition(": ")
        assert re.match(r"<30>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "
                        rf"tcpmuxd\[{started.pid}\]$", head)
        assert_is_record(pairs(line), name="true", verdict="served")
        os.kill(started.front, signal.SIGKILL)
        text = sock.recv(8192).decode("ascii")
        assert re.match(r"<29>.*: the front .* was ended by signal 9$", text)


def test_journal(tcpmuxd, folder):
    """The journal's own protocol: each key is a field."""
    needs_root()
    with datagrams(f"{folder}/socket") as sock:
        prefix = among_mounts(
            "mount -t tmpfs none /run\n"
            "mkdir -p /run/systemd/journal\n"
            "touch /run/systemd/journal/socket\n"
            f"mount --bind {folder}/socket /run/systemd/journal/socket\n")
        started = tcpmuxd(conf=conf('to = "journal" format = "json"'),
                          prefix=prefix)
        assert ask(started, b"true") == OK
        entry = sock.recv(8192).decode("ascii")
        assert entry.endswith("\n")
        fields = dict(line.split("=", 1) for line in entry.split("\n")[:-1])
        assert fields["PRIORITY"] == "6"
        assert fields["SYSLOG_IDENTIFIER"] == "tcpmuxd"
        assert {f"TCPMUX_{key.upper()}": value
                for key, value in pairs(fields["MESSAGE"])} == \
            {key: value for key, value in fields.items()
             if key.startswith("TCPMUX_")}
        assert fields["TCPMUX_VERDICT"] == "served"
        os.kill(started.front, signal.SIGKILL)
        entry = sock.recv(8192).decode("ascii").split("\n")
        assert entry[0] == "PRIORITY=5"
        assert "was ended by signal 9" in entry[2]


# How much.

@pytest.mark.parametrize("level, wanted", [
    ("nothing", []), ("refusals", ["refused"]),
    ("connections", ["refused", "served"])])
def test_level_is_how_much_is_logged(tcpmuxd, level, wanted):
    """nothing, refusals, connections: each has those before it, too."""
    started = tcpmuxd(conf=conf(f"level = {level}"))
    assert ask(started, b"nothing") == UNKNOWN
    assert ask(started, b"true") == OK
    started.settle()
    started.stop()
    verdicts = re.findall(r"verdict=(\S+)", "\n".join(started.said))
    assert verdicts == wanted


@pytest.mark.parametrize("budget", ['lines = "10/1h"', 'bytes = "1K/1h"'])
def test_t6_a_budget_holds_back_lines_and_counts_them(tcpmuxd, budget):
    """Of what is over the budget the number is told, at the next line."""
    started = tcpmuxd(conf="fronts = 1\n" + conf(budget))
    for _ in range(50):
        assert ask(started, b"nothing") == UNKNOWN
    started.settle()
    started.stop()
    lines = [line for line in started.said if "verdict=" in line]
    assert 5 <= len(lines) <= 11


def test_t6_the_suppressed_are_told(tcpmuxd):
    """Once there is budget again, the next line says how many are missing."""
    started = tcpmuxd(conf="fronts = 1\n" + conf('lines = "2/2s"'))
    asked, told = 0, 0
    while told == 0:
        assert ask(started, b"nothing") == UNKNOWN
        asked += 1
        told = sum(int(number) for number in re.findall(
            r"suppressed=(\d+)", "\n".join(started.said)))
    started.settle()
    started.stop()
    lines = [line for line in started.said if "verdict=" in line]
    assert len(lines) + told <= asked


def test_nobody_waits_for_the_log(tcpmuxd):
    """A log that stands still: all are served, and what is lost is told."""
    started = tcpmuxd(conf=conf('lines = "0" bytes = "0"'))
    logger = started.wait_named("logger")[0]
    os.kill(logger, signal.SIGSTOP)
    for _ in range(2000):
        assert ask(started, b"nothing") == UNKNOWN
        assert ask(started, b"true") == OK
    os.kill(logger, signal.SIGCONT)
    while not any("suppressed=" in line for line in started.said):
        assert ask(started, b"nothing") == UNKNOWN


def test_t10_a_killed_logger_is_replaced(tcpmuxd):
    """kill -9: the queue stays, and the next one goes on with it."""
    started = tcpmuxd(conf=conf(""))
    first = started.wait_named("logger")[0]
    os.kill(first, signal.SIGKILL)
    assert ask(started, b"true") == OK
    started.wait_for("verdict=served")
    assert started.wait_named("logger")[0] != first
