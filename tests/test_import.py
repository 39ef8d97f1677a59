"""The configurations of inetd and xinetd, carried over: what was served, to
whom and as whom, is served again.

The real servers and tcpmuxd run on one file, each in a network of its own,
and get the same requests.  All that they differ in is in DIFFERENCES.
"""

import collections
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading

import pytest

import callers
import doors
import proc
import server
import services
from server import BUILD, TCPMUXD
from test_loss import inside, new_namespace

SAMPLES = pathlib.Path(__file__).parent / "import"
REPLAY = BUILD / "tests" / "replay-import"
PROBE = BUILD / "tests" / "import-probe"
PEERS = doors.PEERS.resolve()

HERE = "127.0.0.1"
BACKEND = 7300
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "MARK": "inherited"}
ANY = "*"

Difference = collections.namedtuple(
    "Difference", "peer request what theirs ours why")

BYTES = "-Not a service name: send printable ASCII without spaces, then CR LF"
EMPTY = ("-No service name: send a name and CR LF, or HELP and CR LF for a "
         "list")
LONG = "-Service name too long: send 255 bytes at most"
OK = "+OK FINE"
NONE = "-No such service: send HELP and CR LF for a list"
FAST = "-busy: connections come too fast, try again in a moment"

WORDS = "the words are ours; the sign is the same"
PORTS = "at a port of its own it has no reply, and behind the mux it has one"
RULE_24 = "rule 24: what is no name is refused, and the refusal arrives"
RULE_29 = "rule 29: denied and unknown cannot be told apart"
RULE_32 = "rule 32: an environment and signals that the daemon does not shape"
GROUPS = ("initgroups(3) is given the group of the service, as inetd does, and "
          "not the user's own")
SPLIT = "rules 20 to 22: any segments, and what comes behind the name is kept"
SILENT = "it closes without a reply; ours says why"
HELP = "rules 10 and 33: HELP in any case, sorted, with all that is served"
RATE = "a limit refuses; it does not switch the service off for ten minutes"

# Every difference.  A row that no request shows any more fails, too.
DIFFERENCES = [Difference(*row) for row in (
    # All.
    (ANY, ANY, "environment", "MARK=inherited", "", RULE_32),
    (ANY, ANY, "reply", "+Go", OK, WORDS),
    ("gnu", ANY, "ignored", "13", "", RULE_32),
    ("xinetd", ANY, "NUL", "yes", "", "a NUL behind each reply"),
    # Services that had a port of their own.
    ("gnu", "7201", "reply", "", OK, PORTS),
    ("gnu", "7202", "reply", "", OK, PORTS),
    ("gnu", "7203", "reply", "", OK, PORTS),
    ("gnu", "7203 from elsewhere", "reply", "", OK, PORTS),
    ("gnu", "fast 1", "reply", "", OK, PORTS),
    ("gnu", "fast 2", "reply", "", OK, PORTS),
    ("openbsd", "7201", "reply", "", OK, PORTS),
    ("openbsd", "7202", "reply", "", OK, PORTS),
    ("openbsd", "7203", "reply", "", OK, PORTS),
    ("openbsd", "7205", "reply", "", OK, PORTS),
    ("openbsd", "7206", "reply", "", OK, PORTS),
    ("openbsd", "7207", "reply", "", OK, PORTS),
    ("openbsd", "fast 1", "reply", "", OK, PORTS),
    ("xinetd", "7201", "reply", "", OK, PORTS),
    ("xinetd", "7202", "reply", "", OK, PORTS),
    ("xinetd", "7203 from 127.0.0.2", "reply", "", OK, PORTS),
    ("xinetd", "7205", "reply", "", OK, PORTS),
    # Groups.
    ("xinetd", "both", "groups", "65534", "1", GROUPS),
    ("gnu", "root", "groups", "", "0", "root's groups are set, too"),
    # Limits.
    ("gnu", "fast 3", "reply", "", FAST, RATE),
    ("openbsd", "fast 2", "reply", "", OK, "nowait.2 lets one in a minute"),
    ("openbsd", "fast 2", "served", "no", "yes",
     "nowait.2 lets one in a minute"),
    ("openbsd", "fast 3", "reply", "", FAST, RATE),
    ("xinetd", "crowd", "crowd", "served served served",
     "served served refused", "limits behind the mux are not kept; ours are"),
    # What is not there.
    ("gnu", "unknown", "reply", "-Service not available", NONE, WORDS),
    ("xinetd", "unknown", "reply", "-Service name not found", NONE, WORDS),
    ("xinetd", "off", "reply", "-Service name not found", NONE, WORDS),
    ("gnu", "tcpmux", "reply", "-Service not available", OK,
     "rule 34: tcpmux is a service"),
    ("xinetd", "tcpmux", "reply", "-Service name not found", OK,
     "rule 34: tcpmux is a service"),
    ("xinetd", "other", "reply", "-Service name not found", OK,
     "only one of the services without a port is started; ours starts all"),
    ("xinetd", "other", "served", "no", "yes", "the same"),
    # HELP.
    ("gnu", "HELP", "rest", ANY, ANY, HELP),
    ("gnu", "help", "rest", ANY, ANY, HELP),
    ("xinetd", "HELP", "reply", "-Service name not found", "", HELP),
    ("xinetd", "help", "reply", "-Service name not found", "", HELP),
    ("xinetd", "HELP", "rest", "", ANY, HELP),
    ("xinetd", "help", "rest", "", ANY, HELP),
    # What is no name.
    ("gnu", "no name", "reply", "-Service not available", EMPTY, RULE_24),
    ("gnu", "a space", "reply", "-Service not available", BYTES, RULE_24),
    ("gnu", "300 bytes", "reply", "-Service not available", LONG, RULE_24),
    ("gnu", "300 bytes", "end", "reset", "in order", RULE_24),
    ("gnu", "half a name", "reply", "-Service not available", "",
     "rule 26: nothing was asked"),
    ("gnu", "bare LF", "reply", "+Go", ANY, "rule 23: CR LF only"),
    ("gnu", "bare LF", "served", "yes", "no", "rule 23: CR LF only"),
    ("xinetd", "no name", "reply", "", EMPTY, SILENT),
    ("xinetd", "a space", "reply", "-Service name not found", BYTES, RULE_24),
    ("xinetd", "300 bytes", "reply", "-Service name not found", LONG,
     RULE_24),
    ("xinetd", "bare LF", "reply", "", ANY, SILENT),
    # Segments.
    ("gnu", "CR and LF apart", "rest", ANY, "body", SPLIT),
    ("gnu", "pipelined", "rest", "", "body", SPLIT),
    ("xinetd", "CR and LF apart", "reply", "", OK, SPLIT),
    ("xinetd", "CR and LF apart", "rest", "", "body", SPLIT),
    ("xinetd", "in two", "reply", "", OK, SPLIT),
    ("xinetd", "in two", "served", "no", "yes", SPLIT),
    ("xinetd", "pipelined", "reply", "", OK, SPLIT),
    ("xinetd", "pipelined", "rest", "", "body", SPLIT),
    # Who is not let in.
    *(("xinetd", request, "reply", "", NONE, RULE_29) for request in (
        "from from 127.0.0.1", "from from 127.1.1.1", "not from 127.0.0.2",
        "not from 127.1.1.1", "not from 127.1.2.3", "lists from 127.0.0.1",
        "lists from 127.0.0.2", "lists from 127.1.2.3", "lists from 127.2.9.9",
        "inside from 127.0.0.1", "inside from 127.0.0.2",
        "inside from 127.1.1.1", "inside from 127.1.2.3",
        "inside from 127.2.9.9", "nobody", "7203",
        "the mux from 127.9.1.1")),
)]

GNU = """\
tcpmux stream tcp nowait root internal
tcpmux/+plus stream tcp nowait nobody {probe} zero one two
tcpmux/self stream tcp nowait nobody {probe} probe answer
tcpmux/+bare stream tcp nowait nobody {probe}
tcpmux/+grouped stream tcp nowait nobody:daemon {probe} probe
tcpmux/+dotted stream tcp nowait nobody.daemon {probe} probe
tcpmux/+root stream tcp nowait root {probe} probe
tcpmux/+quoted stream tcp nowait nobody {probe} probe "a b" 'c d'
tcpmux/+cat stream tcp nowait nobody /bin/cat cat
7201 stream tcp nowait nobody {probe} zero one
7202 stream tcp nowait nobody /bin/cat cat
127.0.0.1:7203 stream tcp nowait nobody {probe} probe
7204 stream tcp nowait.2 nobody {probe} probe
"""

OPENBSD = """\
7201 stream tcp nowait nobody {probe} zero one
7202 stream tcp nowait nobody /bin/cat cat
127.0.0.1:7203 stream tcp nowait nobody {probe} probe
7204 stream tcp nowait.2 nobody {probe} probe
7205 stream tcp nowait nobody:daemon {probe} probe
7206 stream tcp nowait nobody.daemon {probe} probe two words
7207 stream tcp nowait root {probe} probe
	and a line that goes on
"""

# Each has a port, for xinetd starts none that is identical to another, and
# behind the mux it looks at the port all the same.
XINETD_DEFAULTS = """\
defaults
{{
	instances = 60
	log_type = FILE {folder}/log
	cps = 1000 1
	bind = 127.0.0.1
	umask = 027
}}
service tcpmux
{{
	type = INTERNAL UNLISTED
	id = tcpmux-server
	socket_type = stream
	protocol = tcp
	user = root
	wait = no
	port = 1
	flags = NOLIBWRAP
	no_access = 127.9.0.0
}}
"""

XINETD_SERVICES = {
    "plus": ("TCPMUXPLUS", "server_args = one two"),
    "self": ("TCPMUX", "server_args = answer"),
    "named": ("TCPMUXPLUS", "flags = NAMEINARGS\nserver_args = zero one"),
    "grouped": ("TCPMUXPLUS", "group = daemon"),
    "groups": ("TCPMUXPLUS", "groups = yes"),
    "both": ("TCPMUXPLUS", "group = daemon\ngroups = yes"),
    "root": ("TCPMUXPLUS", "user = root"),
    "around": ("TCPMUXPLUS", "umask = 077\nnice = 5\nrlimit_as = 512M\n"
                             "rlimit_cpu = 20\nrlimit_stack = 4096K\n"
                             "env = TZ=UTC\nenv += LC_ALL=C\npassenv ="),
    "from": ("TCPMUXPLUS", "only_from = 127.0.0.2 127.1.{{2,3}} 127.2.3.4/16"),
    "not": ("TCPMUXPLUS", "no_access = 127.0.0.2 127.1.0.0"),
    "lists": ("TCPMUXPLUS", "only_from = 127.0.0.0\nonly_from -= 127.0.0.0\n"
                            "only_from += 127.1.0.0\nno_access = 127.1.2.0"),
    "inside": ("TCPMUXPLUS", "no_access = 127.1.0.0\nonly_from = 127.1.2.3"),
    "nobody": ("TCPMUXPLUS", "only_from ="),
    "off": ("TCPMUXPLUS", "disable = yes"),
    "crowd": ("TCPMUXPLUS", "server_args = hold\ninstances = 2"),
    "cat": ("TCPMUXPLUS", "server = /bin/cat"),
    "7201": ("", "server_args = one"),
    "7202": ("", "server = /bin/cat"),
    "7203": ("", "only_from = 127.0.0.2"),
    "7204": ("", "server_args = hold\ninstances = 3\nper_source = 2"),
    "7205": ("", "redirect = 127.0.0.1 7300"),
}


def xinetd_service(name, kind, lines):
    """One entry; what lines says of user and server comes before the rest."""
    port = name if name.isdigit() else 9000 + list(XINETD_SERVICES).index(name)
    for option in ("user = nobody", "server = {probe}", "flags = NOLIBWRAP"):
        word = option.split()[0]
        if "flags = " in lines and word == "flags":
            lines = lines.replace("flags = ", "flags = NOLIBWRAP ")
        elif f"{word} = " not in lines:
            lines += "\n" + option
    lines += (f"\ntype = {kind} UNLISTED\nsocket_type = stream\n"
              f"protocol = tcp\nwait = no\nport = {port}")
    return f"service {name}\n{{{{\n" + lines + "\n}}\n"


XINETD_TWINS = """\
service twin
{{
	type = TCPMUXPLUS UNLISTED
	socket_type = stream
	protocol = tcp
	wait = no
	user = nobody
	server = {probe}
}}
service other
{{
	type = TCPMUXPLUS UNLISTED
	socket_type = stream
	protocol = tcp
	wait = no
	user = nobody
	server = {probe}
}}
"""

XINETD = XINETD_DEFAULTS + "".join(
    xinetd_service(name, *rest) for name, rest in XINETD_SERVICES.items()
) + XINETD_TWINS


def gnu_command(conf, folder):
    """GNU's, which sleeps a second whenever a program has ended."""
    return [f"{PEERS}/inetutils-inetd/usr/sbin/inetutils-inetd", "-d",
            "-R", "1000", f"--pidfile={folder}/pid", conf, f"{folder}/none"]


def openbsd_command(conf, _):
    """OpenBSD's, which knows no TCPMUX."""
    return [f"{PEERS}/openbsd-inetd/usr/sbin/inetd", "-d", conf]


def xinetd_command(conf, folder):
    """xinetd."""
    return [f"{PEERS}/xinetd/usr/sbin/xinetd", "-dontfork", "-f", conf,
            "-filelog", f"{folder}/messages", "-pidfile", f"{folder}/pid"]


REPLY = object()        # in place of a segment: wait for the first line

# A request: what is sent, in segments, from where.  The name goes first, or
# the server is asked at the port of that number.
Request = collections.namedtuple("Request", "name sent source",
                                 defaults=((), HERE))


def line(text, *more, source=HERE):
    """A request of these very bytes."""
    return Request(None, (text, *more), source)


COMMON = {
    "any case": line(b"PLus\r\n"),
    "unknown": line(b"unknown\r\n"),
    "help": line(b"help\r\n"),
    "HELP": line(b"HELP\r\n"),
    "tcpmux": line(b"tcpmux\r\n"),
    "no name": line(b"\r\n"),
    "a space": line(b"plus \r\n"),
    "bare LF": line(b"plus\n"),
    "300 bytes": line(b"n" * 300 + b"\r\n"),
    "half a name": line(b"pl"),
    "in two": line(b"pl", b"us\r\n"),
    "CR and LF apart": line(b"cat\r", b"\nbody"),
    "pipelined": line(b"cat\r\nbody"),
    "body": line(b"cat\r\n", REPLY, b"body"),
    "7201": Request("7201"),
    "7202": Request("7202", (b"body",)),
}

GNU_REQUESTS = COMMON | {name: line(name.encode() + b"\r\n") for name in (
    "plus", "self", "bare", "grouped", "dotted", "root", "quoted")} | {
    "7203": Request("7203"),
    "7203 from elsewhere": Request("7203", (), "127.0.0.2"),
    "fast 1": Request("7204"),
    "fast 2": Request("7204"),
    "fast 3": Request("7204"),
}

OPENBSD_REQUESTS = {
    "7201": Request("7201"),
    "7202": Request("7202", (b"body",)),
    "7203": Request("7203"),
    "7205": Request("7205"),
    "7206": Request("7206"),
    "7207": Request("7207"),
    "fast 1": Request("7204"),
    "fast 2": Request("7204"),
    "fast 3": Request("7204"),
}

SOURCES = (HERE, "127.0.0.2", "127.1.1.1", "127.1.2.3", "127.2.9.9")

XINETD_REQUESTS = COMMON | {name: line(name.encode() + b"\r\n") for name in (
    "plus", "self", "named", "grouped", "groups", "both", "root", "around",
    "nobody", "off", "twin", "other")} | {
    f"{name} from {source}": line(name.encode() + b"\r\n", source=source)
    for name in ("from", "not", "lists", "inside") for source in SOURCES} | {
    "the mux from 127.9.1.1": line(b"plus\r\n", source="127.9.1.1"),
    "7203": Request("7203"),
    "7203 from 127.0.0.2": Request("7203", (), "127.0.0.2"),
    "7205": Request("7205", (b"body",)),
}

# Connections that stay, one after the other, from these sources.
XINETD_CROWDS = {
    "crowd": (HERE,) * 3,
    "7204": (HERE, HERE, HERE, "127.0.0.2", "127.0.0.3"),
}

Peer = collections.namedtuple("Peer", "conf command requests")

THEM = {
    "gnu": Peer(GNU, gnu_command, GNU_REQUESTS),
    "openbsd": Peer(OPENBSD, openbsd_command, OPENBSD_REQUESTS),
    "xinetd": Peer(XINETD, xinetd_command, XINETD_REQUESTS),
}


class Side:
    """A server in a network of its own."""

    def __init__(self, namespace, pid, is_ours):
        self.namespace = namespace
        self.pid = pid
        self.is_ours = is_ours

    def connect(self, request):
        """Connect, and say what comes first on the line, as bytes."""
        by_port = not self.is_ours and request.name is not None
        with inside(self.namespace):
            sock = socket.create_connection(
                (HERE, int(request.name) if by_port else 1),
                timeout=proc.PATIENCE, source_address=(request.source, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if request.name is None or by_port:
            return sock, b""
        return sock, request.name.encode() + b"\r\n"

    def settle(self):
        """Wait until nothing moves."""
        proc.wait_until(lambda: proc.at_rest(self.pid), "the server to rest")

    def ask(self, request):
        """Everything that is said to one request, and how it ends."""
        sock, head = self.connect(request)
        data = b""
        with sock:
            try:
                for segment in filter(None, (head, *request.sent)):
                    if segment is REPLY:
                        data += callers.read_line(sock)
                        continue
                    sock.sendall(segment)
                    self.settle()
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass            # It has closed, and its answer tells.
            try:
                while True:
                    more = sock.recv(65536)
                    if not more:
                        return data, "in order"
                    data += more
            except ConnectionResetError:
                return data, "reset"
            finally:
                self.settle()

    def crowd(self, name, sources):
        """Which of these connections are served while the others stay."""
        with contextlib.ExitStack() as stack:
            said = []
            for source in sources:
                request = Request(name if name.isdigit() else None, (), source)
                sock, head = self.connect(request)
                stack.enter_context(sock)
                with contextlib.suppress(ConnectionResetError):
                    sock.sendall(head or (b"" if name.isdigit() else
                                          name.encode() + b"\r\n"))
                said.append(read_until_over(sock))
        self.settle()
        return " ".join(said)


def read_until_over(sock):
    """Is there a program that says all its facts?"""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while b"over yes\n" not in data:
            more = sock.recv(65536)
            if not more:
                return "refused"
            data += more
        return "served"
    return "refused"


def understand(data, end):
    """An answer by its parts: the reply, a stray NUL, facts, and the rest."""
    answer = {"end": end}
    if not data:
        # If it closes before it is asked, the order is a matter of luck.
        answer = {"end": "in order"}
    if data[:1] in (b"+", b"-"):
        reply, crlf, data = data.partition(b"\r\n")
        answer["reply"] = reply.decode("ascii")
        if not crlf:
            answer["reply"] += " without CR LF"
    if data[:1] == b"\0":
        answer["NUL"] = "yes"
        data = data[1:]
    if data.startswith(b"argv0 "):
        for fact in data.decode("ascii").splitlines():
            word, _, value = fact.partition(" ")
            answer[word] = value
    elif data:
        answer["rest"] = data.decode("latin-1")
    return answer


def without_facts(answer):
    """Only that a program was there; not all that it says."""
    rest = {what: answer[what] for what in ("reply", "NUL", "rest", "end")
            if what in answer}
    return rest | {"served": "yes" if "argv0" in answer else "no"}


def compare(theirs, ours):
    """What is different: what, theirs, ours."""
    if ("argv0" in theirs) != ("argv0" in ours):
        theirs, ours = without_facts(theirs), without_facts(ours)
    return [(what, theirs.get(what, ""), ours.get(what, ""))
            for what in sorted(theirs.keys() | ours.keys())
            if theirs.get(what) != ours.get(what)]


def is_row(row, found):
    """Does a row of the table speak of this?"""
    return all(have in (ANY, want) for have, want in zip(row, found))


@pytest.fixture(scope="module")
def ground():
    """A folder that every user may enter, with the probe in it."""
    with tempfile.TemporaryDirectory(prefix="tcpmux-test-") as name:
        os.chmod(name, 0o755)
        path = pathlib.Path(name)
        shutil.copy(PROBE, path / "probe")
        (path / "probe").chmod(0o755)
        yield path


@contextlib.contextmanager
def serving(listener):
    """Send back what comes to a listener, one connection after the other."""
    def serve():
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                with sock:
                    services.echo(sock)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(proc.PATIENCE)
        listener.close()


@contextlib.contextmanager
def network():
    """A network of its own with nothing in it but loopback."""
    namespace = new_namespace()
    try:
        with inside(namespace):
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            backend = socket.create_server((HERE, BACKEND))
        with serving(backend):
            yield namespace
    finally:
        os.close(namespace)


@contextlib.contextmanager
def running(process):
    """End a process behind this."""
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(proc.PATIENCE)


@contextlib.contextmanager
def start_theirs(peer, conf, folder):
    """The real server."""
    command = peer.command(str(conf), str(folder))
    if not os.access(command[0], os.X_OK):
        pytest.skip(f"{command[0]} is not there: run tests/peers.sh")
    (folder / "messages").touch()
    with network() as namespace, open(folder / "said", "wb") as said:
        with inside(namespace):
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                env=ENVIRONMENT, umask=0o022, cwd="/")
        with running(process) as pid:
            proc.wait_until(
                lambda: proc.listens(pid, 7201) or proc.state(pid) == "Z",
                "the peer")
            assert proc.listens(pid, 7201), (folder / "said").read_text()
            yield Side(namespace, pid, False)


def carry_over(path):
    """What --import makes of a file."""
    return subprocess.run([TCPMUXD, "--import", path], check=True,
                          stdout=subprocess.PIPE, cwd=path.parent,
                          encoding="ascii").stdout


@contextlib.contextmanager
def start_ours(conf, folder):
    """tcpmuxd, with what it makes of their file."""
    path = folder / "tcpmuxd.conf"
    path.write_text(carry_over(conf) + "control = none\n", encoding="ascii")
    with network() as namespace:
        with inside(namespace):
            started = server.Server("-f", str(path), env=ENVIRONMENT,
                                    umask=0o022, cwd="/")
        try:
            started.wait_ready()
            yield Side(namespace, started.pid, True)
        finally:
            started.stop()


@contextlib.contextmanager
def both(name, ground):
    """Both servers, with one file, for all requests of one peer."""
    if os.getuid() != 0:
        pytest.skip("only root can start programs as other users")
    folder = ground / name
    folder.mkdir()
    conf = folder / f"{name}.conf"
    conf.write_text(THEM[name].conf.format(probe=ground / "probe",
                                           folder=folder), encoding="ascii")
    with start_theirs(THEM[name], conf, folder) as theirs, \
            start_ours(conf, folder) as ours:
        yield theirs, ours


@pytest.fixture(scope="module")
def gnu(ground):
    """GNU's inetd, and ours."""
    with both("gnu", ground) as pair:
        yield pair


@pytest.fixture(scope="module")
def openbsd(ground):
    """OpenBSD's, and ours."""
    with both("openbsd", ground) as pair:
        yield pair


@pytest.fixture(scope="module")
def xinetd(ground):
    """xinetd, and ours."""
    with both("xinetd", ground) as pair:
        yield pair


SEEN = set()


def check_documented(peer, request, found):
    """Each difference has its row."""
    missing = []
    for one in found:
        rows = [i for i, row in enumerate(DIFFERENCES)
                if is_row(row, (peer, request, *one))]
        SEEN.update(rows)
        if not rows:
            missing.append((peer, request, *one))
    assert not missing, "not documented"


def check_answer(name, pair, request_name):
    """Reply, user, arguments, surroundings, restrictions, end."""
    request = THEM[name].requests[request_name]
    theirs, ours = (understand(*side.ask(request)) for side in pair)
    check_documented(name, request_name, compare(theirs, ours))


@pytest.mark.parametrize("request_name", GNU_REQUESTS)
def test_gnu_inetd(gnu, request_name):
    """The same as GNU's inetd."""
    check_answer("gnu", gnu, request_name)


@pytest.mark.parametrize("request_name", OPENBSD_REQUESTS)
def test_openbsd_inetd(openbsd, request_name):
    """The same as OpenBSD's inetd."""
    check_answer("openbsd", openbsd, request_name)


@pytest.mark.parametrize("request_name", XINETD_REQUESTS)
def test_xinetd(xinetd, request_name):
    """The same as xinetd."""
    check_answer("xinetd", xinetd, request_name)


@pytest.mark.parametrize("crowd_name", XINETD_CROWDS)
def test_limits_of_xinetd(xinetd, crowd_name):
    """As many at a time, in all and from one source."""
    theirs, ours = (side.crowd(crowd_name, XINETD_CROWDS[crowd_name])
                    for side in xinetd)
    check_documented("xinetd", crowd_name,
                     compare({"crowd": theirs}, {"crowd": ours}))


def test_no_row_is_out_of_date():
    """Each difference in the table has been seen, if its peer was there."""
    if not SEEN:
        pytest.skip("nothing has been compared")
    stale = [row for i, row in enumerate(DIFFERENCES) if i not in SEEN]
    assert not stale


@pytest.mark.parametrize("sample", [
    pytest.param(path, id=path.stem)
    for path in sorted(SAMPLES.glob("*.expected"))])
def test_sample(sample):
    """A file with everything in it, line by line."""
    source = sample.with_suffix("")
    done = subprocess.run(
        [TCPMUXD, "--import", source.name], check=True, cwd=SAMPLES,
        stdout=subprocess.PIPE, encoding="ascii")
    assert done.stdout == sample.read_text(encoding="ascii")


def test_corpus():
    """What fuzzing has found stays found."""
    subprocess.run([REPLAY, SAMPLES.parent / "fuzz/corpus/import"],
                   check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def table_of(*words, folder):
    """What tcpmuxd would serve, in canonical form."""
    return subprocess.run([TCPMUXD, *words, "-T"], check=True, cwd=folder,
                          stdout=subprocess.PIPE, encoding="ascii").stdout


@pytest.mark.parametrize("name", ["gnu", "xinetd"])
def test_import_in_the_configuration(name, folder):
    """import = uses their file as it is, and gives the same table."""
    if os.getuid() != 0:
        pytest.skip("only root can start programs as other users")
    path = pathlib.Path(folder, f"{name}.conf")
    probe = shutil.copy(PROBE, folder)     # where any user can come
    path.write_text(THEM[name].conf.format(probe=probe, folder=folder),
                    encoding="ascii")
    ours = pathlib.Path(folder, "ours.conf")
    ours.write_text(carry_over(path), encoding="ascii")
    using = pathlib.Path(folder, "using.conf")
    using.write_text(f'import = "{path.name}"\n', encoding="ascii")
    first = table_of("-f", ours, folder=folder)
    assert 'service "plus"' in first
    assert table_of("-f", using, folder=folder) == first


def test_includes(folder):
    """What xinetd includes is read, in its order, and named in comments."""
    top = pathlib.Path(folder)
    (top / "d").mkdir()
    entry = ("service {}\n{{\nsocket_type = stream\nwait = no\nuser = u\n"
             "server = /b\n}}\n")
    (top / "main").write_text(
        f"defaults\n{{\ninstances = 3\n}}\nincludedir {top}/d\n"
        f"include {top}/none\n{entry.format('last')}", encoding="ascii")
    (top / "d" / "b").write_text(entry.format("second"), encoding="ascii")
    (top / "d" / "a").write_text("# first\n" + entry.format("first") +
                                 "defaults\n{\nper_source = 2\n}",
                                 encoding="ascii")
    (top / "d" / "c.old").write_text(entry.format("no"), encoding="ascii")
    text = carry_over(top / "main")
    assert [one for one in text.splitlines() if re.match(
        "# /|service|.*max", one)] == [
            f"# {top}/main:1",
            f"# {top}/d/a:2", 'service "first" {', "\tmax = 3",
            "\tmax-per-source = 2", f"# {top}/d/a:9",
            f"# {top}/d/b:1", 'service "second" {', "\tmax = 3",
            "\tmax-per-source = 2",
            f"# {top}/main:6: not carried over: "
            "the files that it includes are not here",
            f"# {top}/main:7", 'service "last" {', "\tmax = 3",
            "\tmax-per-source = 2"]
