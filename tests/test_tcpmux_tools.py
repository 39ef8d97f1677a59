"""What tcpmux is used from and with: the DNS, and completion in shells."""

import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading

import pytest

import client
import server
from client import Stub, where
from fake_desk import FakeDesk, service, snapshot
from services import OK, need

COMPLETION = pathlib.Path(__file__).parent.parent / "contrib/completion"

# What is run in namespaces of its own, where the DNS is a stub: records,
# hosts that serve, and then tcpmux.
INSIDE = r"""
import socket, struct, subprocess, sys, threading
tcpmux, tests, *records = sys.argv[1:sys.argv.index("--")]
words = sys.argv[sys.argv.index("--") + 1:]
sys.path.insert(0, tests)
import test_tcpmux_tools
test_tcpmux_tools.serve_inside([r.split() for r in records])
sys.exit(subprocess.run([tcpmux, *words], stdin=subprocess.DEVNULL).returncode)
"""


# The DNS

def encode_name(name):
    """A name of the DNS."""
    labels = [label for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode()
                    for label in labels) + b"\0"


def answer(question, records):
    """A reply of a name server that knows these SRV records and no others."""
    number = question[:2]
    asked = question[12:]
    if records == [["silent"]]:         # it is too long: ask by TCP
        return number + b"\x87\x80" + question[4:]
    end = asked.index(b"\0") + 5
    kind = struct.unpack("!H", asked[end - 4:end - 2])[0]
    found = []
    if kind == 33 and asked[:end - 4] == encode_name("_tcpmux._tcp.mux.test"):
        for priority, weight, port, host in records:
            data = struct.pack("!HHH", int(priority), int(weight),
                               int(port)) + encode_name(host)
            found.append(b"\xc0\x0c" + struct.pack("!HHIH", 33, 1, 1,
                                                   len(data)) + data)
    elif kind == 1 and asked[:end - 4].endswith(encode_name("test")):
        data = socket.inet_aton("127.0.0.1")
        found.append(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + data)
    return number + struct.pack("!HHHHH", 0x8580, 1, len(found), 0, 0) + \
        asked[:end] + b"".join(found)


def serve_inside(records):
    """A name server at port 53, and a mux at each port of 1001 to 1003."""
    def names(_):
        while True:
            question, peer = dns.recvfrom(512)
            dns.sendto(answer(question, records), peer)

    dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dns.bind(("127.0.0.1", 53))
    silent = socket.create_server(("127.0.0.1", 53))
    threading.Thread(target=names, args=[silent], daemon=True).start()
    for port in (1, 1001, 1002, 1003):
        listener = socket.create_server(("127.0.0.1", port))

        def mux(listener=listener, port=port):
            while True:
                with listener.accept()[0] as sock:
                    client.read_request(sock)
                    sock.sendall(OK + b"%d" % port)

        threading.Thread(target=mux, daemon=True).start()


def look_up(host, *records, words=("--srv", "mux.test", "x")):
    """Run tcpmux where the DNS has these records: (status, output, said)."""
    unshare = ["unshare", "-mn"] if os.getuid() == 0 else ["unshare", "-rmn"]
    if subprocess.run([*unshare, "true"], check=False,
                      stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("no namespaces here")
    path = pathlib.Path(host.path("resolv.conf"))
    path.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    switch = pathlib.Path(host.path("nsswitch.conf"))
    switch.write_text("hosts: files dns\n")
    script = (f"mount --bind {path} /etc/resolv.conf && "
              f"mount --bind {switch} /etc/nsswitch.conf && "
              'ip link set lo up && exec "$@"')
    done = subprocess.run(
        [*unshare, "sh", "-c", script, "sh", sys.executable, "-B", "-c",
         INSIDE, client.TCPMUX, os.path.dirname(__file__), *records, "--",
         *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
        env=os.environ | {"TCPMUX_BUILD": str(server.BUILD)})
    return done.returncode, done.stdout, done.stderr.decode()


def test_srv_of_the_lowest_priority(host):
    """--srv: RFC 2782."""
    assert look_up(host, "2 9 1002 two.test", "1 0 1001 one.test",
                   "3 9 1003 three.test") == (0, b"1001", "")


def test_srv_goes_on_where_nobody_listens(host):
    """The next of them, in their order."""
    assert look_up(host, "1 0 999 none.test", "2 0 998 none.test",
                   "3 0 1003 three.test") == (0, b"1003", "")


def test_srv_by_weight(host):
    """Of equals the one with all the weight; the others hardly ever."""
    assert look_up(host, "1 0 999 none.test", "1 65535 1002 two.test") == (
        0, b"1002", "")


def test_srv_names_hosts_alone(host):
    """A path is none of them, though a label may look like one."""
    assert look_up(host, "1 0 1001 unix:/run/x") == (0, b"1", "")


def test_srv_says_that_there_is_none(host):
    """The target is the root."""
    status, out, said = look_up(host, "0 0 0 .")
    assert (status, out) == (68, b"") and "no TCPMUX service" in said


@pytest.mark.parametrize("words", [("-4",), ("-L", "0:x")])
def test_srv_does_not_wait_for_ever(host, words):
    """-w, with a name server that takes a connection and is silent."""
    status, out, said = look_up(host, "silent", words=(
        "-w", "0.2", "--srv", *words, "mux.test"))
    assert (status, out) == (75, b"") and "DNS does not answer" in said


def test_without_srv_records_it_is_the_host(host):
    """RFC 2782: then as if nobody had asked."""
    assert look_up(host) == (0, b"1", "")


# Completion

@pytest.fixture
def home(host):
    """A home with hosts that ssh knows, and tcpmux on the path."""
    ssh = pathlib.Path(host.path(".ssh"))
    ssh.mkdir()
    (ssh / "known_hosts").write_text(
        "example.org,192.0.2.1 ssh-ed25519 A\n"
        "[web.example.org]:2222 ssh-rsa B\n"
        "|1|aGFzaA==|aGFzaA== ssh-rsa C\n"
        "@cert-authority *.example.net ssh-rsa D\n# a remark\n", "ascii")
    return os.environ | {
        "HOME": host.folder,
        "PATH": f"{client.TCPMUX.parent}:{os.environ['PATH']}"}


BASH = r"""
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
tool=${2%% *}
source "$1/$tool.bash"
COMP_LINE=$2 COMP_POINT=${#2}
complete -p "$tool" | grep -q -- "-F _${tool/-/_} $tool" || exit 1
"_${tool/-/_}"
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"""


def in_bash(home, line):
    """What bash would offer."""
    out = subprocess.run(
        ["bash", "--norc", "-c", BASH, "bash", COMPLETION, line],
        env=home, stdout=subprocess.PIPE, check=True).stdout
    return out.decode().split("\n")[:-1]


def in_fish(home, line):
    """What fish would offer."""
    out = subprocess.run(
        [need("fish"), "--no-config", "-c",
         f"source {COMPLETION}/{line.split()[0]}.fish; complete -C '{line}'"],
        env=home, stdout=subprocess.PIPE, check=True).stdout
    return [row.split("\t")[0] for row in out.decode().splitlines()]


@pytest.mark.parametrize("ask", [in_bash, in_fish])
def test_completion(home, ask):
    """Options, the hosts of known_hosts, and names by asking the host."""
    with Stub(b"date\r\ndaytime\r\necho\r\n") as stub:
        mux = where(stub.address)
        assert ask(home, "tcpmux --js") == ["--json"]
        assert ask(home, "tcpmux web") == ["web.example.org"]
        assert {"example.org", "192.0.2.1"} <= set(ask(home, "tcpmux "))
        assert ask(home, f"tcpmux {mux} ") == ["date", "daytime", "echo"]
        assert ask(home, f"tcpmux -w 3 {mux} da") == ["date", "daytime"]
        assert "expr" in ask(home, f"tcpmux {mux} date -e exp")
    assert not ask(home, f"tcpmux {mux} ")


@pytest.mark.parametrize("ask", [in_bash, in_fish])
def test_completion_runs_nothing_of_a_stranger(home, host, ask):
    """A name may look like a command, and is none."""
    mark = host.path("mark")
    with Stub(f"$(touch${{IFS}}{mark})\r\n`touch<{mark}`\r\n".encode()
              ) as stub:
        assert len(ask(home, f"tcpmux {where(stub.address)} ")) == 2
    assert not os.path.exists(mark)


@pytest.mark.parametrize("ask", [in_bash, in_fish])
def test_completion_reaches_no_service(home, ask):
    """A URL with a service in it: that could do anything, for ever."""
    with Stub(b"date\r\necho\r\n") as stub:
        for scheme in ("tcpmux", "TCPmux"):
            assert ask(home, f"tcpmux {scheme}://{where(stub.address)}/x "
                       ) == ["date", "echo"]
    assert stub.names == ["HELP", "HELP"]


@pytest.mark.parametrize("ask", [in_bash, in_fish])
def test_completion_of_offers(home, ask):
    """Options in front of the name and behind it, and then the program."""
    assert ask(home, "tcpmux-offer --wr") == ["--wrap"]
    assert ask(home, "tcpmux-offer web --wr") == ["--wrap"]
    assert "expr" in ask(home, "tcpmux-offer --max 3 web -- exp")
    assert "expr" not in ask(home, "tcpmux-offer exp")


@pytest.mark.parametrize("ask", [in_bash, in_fish])
def test_completion_of_tcpmuxctl(home, host, ask):
    """Commands, options, and the names that the daemon has."""
    desk = FakeDesk(host.path("control"), {"snapshot": (
        b"+\r\n", snapshot(service("ssh"), service("Web"),
                           service(f"$(touch${{IFS}}{host.path('mark')})")))})
    ctl = f"tcpmuxctl --control {desk.path}"
    try:
        assert ask(home, "tcpmuxctl --js") == ["--json"]
        assert ask(home, "tcpmuxctl re") == ["reload"]
        assert set(ask(home, f"{ctl} -w 3 ")) >= {"ls", "top", "undrain"}
        assert ask(home, f"{ctl} drain w") == ["Web"]
        assert len(ask(home, f"{ctl} kick ")) == 3
        assert not ask(home, f"{ctl} ls ")
        assert not ask(home, f"{ctl} drain web s")
        assert "refusals" in ask(home, f"{ctl} log ")
    finally:
        desk.close()
    assert not ask(home, f"{ctl} kick ")
    assert not os.path.exists(host.path("mark"))
    assert set(desk.requests) == {"snapshot"}


ZSH = r"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; PS1=; \
    bindkey '^I' complete-word; echo REA''DY"
zpty -r -m z out '*READY*'
zpty -w -n z "echo tcpmux; $2"$'\t'
zpty -r -m z out "*$3*"
print done
zpty -d z
"""


def in_zsh(home, typed, shown):
    """What is typed, and a tab, becomes that."""
    done = subprocess.run(
        [need("zsh"), "-f", "-c", ZSH, "zsh", COMPLETION, typed, shown],
        env=home, stdout=subprocess.PIPE, check=True, timeout=60)
    assert done.stdout.endswith(b"done\n")


def test_completion_in_zsh(home):
    """The same at a terminal of its own."""
    with Stub(b"date\r\necho\r\n") as stub:
        mux = where(stub.address)
        for typed, shown in (
                ("tcpmux --js", "tcpmux --json"),
                ("tcpmux web.e", "tcpmux web.example.org"),
                (f"tcpmux {mux} ec", f"tcpmux {mux} echo"),
                (f"tcpmux tcpmux://{mux}/x ec",
                 f"tcpmux tcpmux://{mux}/x echo"),
                ("tcpmux-offer web --wr", "tcpmux-offer web --wrap"),
                ("tcpmux-offer web -- whoam", "tcpmux-offer web -- whoami")):
            in_zsh(home, typed, shown)


def test_completion_of_tcpmuxctl_in_zsh(home, host):
    """Names by asking the daemon at the socket that is named."""
    desk = FakeDesk(host.path("control"), {"snapshot": (
        b"+\r\n", snapshot(service("ssh"), service("Web")))})
    ctl = f"tcpmuxctl --control {desk.path}"
    for typed, shown in (("tcpmuxctl --js", "tcpmuxctl --json"),
                         ("tcpmuxctl relo", "tcpmuxctl reload"),
                         (f"{ctl} drain ss", f"{ctl} drain ssh"),
                         (f"{ctl} log ref", f"{ctl} log refusals")):
        in_zsh(home, typed, shown)
    desk.close()
    assert set(desk.requests) == {"snapshot"}


@pytest.mark.parametrize("shell, file", [
    ("bash", "tcpmux.bash"), ("zsh", "_tcpmux"), ("fish", "tcpmux.fish"),
    ("bash", "tcpmux-offer.bash"), ("zsh", "_tcpmux-offer"),
    ("fish", "tcpmux-offer.fish"), ("bash", "tcpmuxctl.bash"),
    ("zsh", "_tcpmuxctl"), ("fish", "tcpmuxctl.fish")])
def test_shells_can_read_it(shell, file):
    """Each its own."""
    subprocess.run([need(shell), "-n", COMPLETION / file], check=True)
