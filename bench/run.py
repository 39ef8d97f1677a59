#!/usr/bin/python3
"""What one connection costs each server, and how that compares.

The conversation is "name and reply": connect, send a name, read one line,
close.  Every server runs all the time, and each round visits them in turn, so
that whatever else the machine does falls on all alike.  What counts is the
time that the server and its children spend on the processor, as a multiple
of a server that only accepts and closes: never connections a second, as the
client would be the limit.

Client and servers have a core each; with --one-core they share one, where
each server finds its work in batches and the figures vary less.

usage: bench/run.py BUILD [--quick] [--rounds N] [--one-core]
"""

import argparse
import contextlib
import ctypes
import fcntl
import os
import pathlib
import pwd
import re
import resource
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 20.0         # seconds for a server to start, to rest or to end
PORT = 10001            # for servers that cannot let the kernel choose

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

XINETD = """
defaults
{{
    instances = UNLIMITED
    per_source = UNLIMITED
    cps = 10000000 1
    log_type = FILE /dev/null
    bind = 127.0.0.1
}}
service tcpmux
{{
    type = INTERNAL UNLISTED
    id = tcpmux-server
    socket_type = stream
    protocol = tcp
    user = {user}
    wait = no
    flags = NOLIBWRAP
    port = {port}
}}
service nothing
{{
    type = TCPMUXPLUS UNLISTED
    id = nothing
    socket_type = stream
    protocol = tcp
    wait = no
    flags = NOLIBWRAP
    user = {user}
    server = {folder}/nothing
}}
"""

INETUTILS = """
127.0.0.1:tcpmux stream tcp nowait {user} internal
tcpmux/+nothing stream tcp nowait {user} {folder}/nothing nothing
"""

HAPROXY = """
global
    nbthread 1
    maxconn 7000
    lua-load {folder}/haproxy.lua
defaults
    mode tcp
    timeout client 60s
frontend lua
    bind 127.0.0.1:{port} backlog 4096
    tcp-request inspect-delay 5s
    tcp-request content use-service lua.tcpmux
"""

HAPROXY_LUA = r"""
core.register_service("tcpmux", "tcp", function(applet)
    local line = applet:getline()
    if line and string.lower(line):match("^tcpmux\r?\n") then
        applet:send("+OK FINE\r\n")
    else
        applet:send("-no such service\r\n")
    end
end)
"""


class Missing(Exception):
    """A server that cannot be measured here, and why."""


# The place: a network where no other server is, and a core for each side.

def unshare(flags):
    """unshare(2), or OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def write(path, text):
    """Write a file of /proc in one call."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def raise_loopback():
    """Let there be 127.0.0.1."""
    with socket.socket() as sock:
        request = fcntl.ioctl(sock, SIOCGIFFLAGS, struct.pack("16s24x", b"lo"))
        name, flags = struct.unpack("16sh22x", request)
        fcntl.ioctl(sock, SIOCSIFFLAGS,
                    struct.pack("16sh22x", name, flags | IFF_UP))


def enter_network():
    """Go to a network of our own, where port 1 is free and anybody's."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        unshare(CLONE_NEWNET)
    else:
        unshare(CLONE_NEWUSER | CLONE_NEWNET)
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{uid} {uid} 1")
        write("/proc/self/gid_map", f"{gid} {gid} 1")
    raise_loopback()
    write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")


def cores():
    """The core of the client and that of the servers."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def settle_child(core):
    """What a child does first: it stays on its core, and takes the usual
    limit of open files, as an inetd closes that many for each program."""
    def settle():
        os.sched_setaffinity(0, {core})
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, most), most))
    return settle


# What /proc says of a process.

def stat(pid):
    """The fields of /proc/PID/stat from the state on."""
    path = pathlib.Path(f"/proc/{pid}/stat")
    return path.read_text(encoding="ascii").rpartition(")")[2].split()


def family(pid):
    """A process, its children and theirs."""
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    found = [pid]
    for child in path.read_text(encoding="ascii").split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += family(int(child))
    return found


def cpu(pid):
    """Nanoseconds on the processor: its own to one, its dead children's to
    a tick of the clock."""
    dead = int(stat(pid)[13]) + int(stat(pid)[14])
    # The clock of a process that is not ours: CPUCLOCK_SCHED of its pid.
    own = time.clock_gettime_ns(~pid << 3 | 2)
    return own + dead * 10**9 // os.sysconf("SC_CLK_TCK")


def wait_until(condition, what):
    """Poll for what no descriptor reports."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited in vain for {what}")
        time.sleep(0.002)


def free(port):
    """Can this port be had?  Returns it."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as error:
            raise Missing(f"port {port}: {error.strerror}") from error
        return sock.getsockname()[1]


def find(build, package, name):
    """A peer: unpacked in the build folder, or installed."""
    unpacked = build / "peers" / package / "usr/sbin" / name
    if unpacked.exists():
        return unpacked
    installed = shutil.which(name, path="/usr/sbin:/usr/bin")
    if installed is None:
        raise Missing(f"not in {unpacked.parent}, and not installed")
    return installed


# The servers.

class Server:
    """One server: how it is started, asked and measured."""

    title = ""
    request = ("-n", "tcpmux")
    count = 40000       # connections in a round
    target = None       # tcpmuxd's cost against this one: a ratio at most
    processes = 1       # when nobody is connected
    output = subprocess.PIPE

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.process = None
        self.port = None
        self.costs = []

    def words(self):
        """The command, with self.port set unless the kernel chooses."""
        raise NotImplementedError

    def start(self, core):
        """Start it, and wait until it takes connections."""
        self.process = subprocess.Popen(
            self.words(), stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=subprocess.STDOUT, preexec_fn=settle_child(core))
        self.wait_ready()
        self.settle()

    def wait_ready(self):
        """The first line it says ends with the port it has."""
        line = self.process.stdout.readline().decode("ascii")
        match = re.search(r"(\d+)$", line)
        if not match:
            sys.exit(f"{self.title}: {line or 'it ended'}")
        self.port = int(match[1])

    def is_reachable(self):
        """Does it take a connection?"""
        if self.process.poll() is not None:
            sys.exit(f"{self.title} ended: {self.process.returncode}")
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def is_at_rest(self):
        """Is nobody at work, and everybody reaped that is to be?"""
        try:
            members = family(self.process.pid)
            return (len(members) == self.processes and
                    all(stat(pid)[0] == "S" for pid in members))
        except (FileNotFoundError, ProcessLookupError):
            return False

    def settle(self):
        """Wait until it rests: its work on the last connection is done."""
        wait_until(self.is_at_rest, f"{self.title} to rest")

    def cpu(self):
        """Nanoseconds that it and its children have spent so far."""
        return sum(cpu(pid) for pid in family(self.process.pid))

    def run_round(self, client, count, core):
        """Let the client loose on it, and note microseconds a connection."""
        before = self.cpu()
        subprocess.run([client, *self.request, str(self.port), str(count)],
                       check=True, preexec_fn=settle_child(core))
        self.settle()
        self.costs.append((self.cpu() - before) / count / 1000)

    def stop(self):
        """End it, by its number."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class AcceptClose(Server):
    """The floor."""

    title = "accept and close"
    request = ("-q", "-n", "tcpmux")
    target = 1.35

    def words(self):
        return [self.build / "bench/accept_close"]


class Tcpmuxd(Server):
    """What is measured, as it is shipped."""

    title = "tcpmuxd"
    processes = 2           # the monitor and the front

    def words(self):
        return [self.build / "tcpmuxd", "-l", "127.0.0.1:0"]


class Peer(Server):
    """A server that finds its configuration in the folder, and says nothing
    worth hearing."""

    config = {}
    output = subprocess.DEVNULL

    def configure(self):
        """Write its files."""
        for name, text in self.config.items():
            text = text.format(folder=self.folder, port=self.port,
                               user=pwd.getpwuid(os.getuid()).pw_name)
            (self.folder / name).write_text(text, encoding="ascii")

    def wait_ready(self):
        wait_until(self.is_reachable, self.title)


class Haproxy(Peer):
    """haproxy, which answers by a service in Lua."""

    title = "haproxy, by Lua"
    target = 0.55
    config = {"haproxy.cfg": HAPROXY, "haproxy.lua": HAPROXY_LUA}

    def words(self):
        program = find(self.build, "haproxy", "haproxy")
        self.port = free(0)
        self.configure()
        return [program, "-db", "-f", self.folder / "haproxy.cfg"]


class Inetutils(Peer):
    """inetd of GNU inetutils, which starts a program for each name."""

    title = "inetutils-inetd"
    request = ("-n", "nothing")
    count = 1500
    target = 1 / 30
    config = {"inetutils.conf": INETUTILS}

    def words(self):
        program = find(self.build, "inetutils-inetd", "inetutils-inetd")
        self.port = free(1)     # it knows its own service by this name only
        self.configure()
        # -d keeps it in the foreground; -R, it allows so many a minute.
        return [program, "-d", "-R", "100000000",
                self.folder / "inetutils.conf"]


class Xinetd(Peer):
    """xinetd, which starts a program for each name."""

    title = "xinetd"
    request = ("-n", "nothing")
    count = 1500
    target = 1 / 40
    config = {"xinetd.conf": XINETD}

    def words(self):
        program = find(self.build, "xinetd", "xinetd")
        self.port = free(0)
        self.configure()
        return [program, "-dontfork", "-pidfile", self.folder / "xinetd.pid",
                "-f", self.folder / "xinetd.conf"]


# The run.

SERVERS = (AcceptClose, Tcpmuxd, Haproxy, Inetutils, Xinetd)


def compile_programs(build):
    """The programs beside this file, into BUILD/bench."""
    out = build / "bench"
    out.mkdir(exist_ok=True)
    for source in sorted(HERE.glob("*.c")):
        static = ["-static"] if source.stem == "nothing" else []
        subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O2", *static,
                        "-o", out / source.stem, source], check=True)
    return out


def start_all(build, folder, core, stack):
    """Start what is there, say what is not; each ends with the stack."""
    shutil.copy(build / "bench/nothing", folder)
    folder.chmod(0o755)
    started = []
    for kind in SERVERS:
        server = kind(build, folder)
        stack.callback(server.stop)
        try:
            server.start(core)
        except Missing as why:
            print(f"NOT MEASURED: {server.title}: {why}", file=sys.stderr)
            continue
        started.append(server)
    return started


def ratios(over, under):
    """One server's cost as a multiple of another's, round by round."""
    return [a / b for a, b in zip(over.costs, under.costs)]


def as_ratio(number):
    """1.23x, or 1/45 for what is that small."""
    return f"{number:.2f}x" if number > 0.1 else f"1/{1 / number:.1f}"


def row(server, floor, ours):
    """One line of the table."""
    costs = server.costs
    spread = f"{min(costs):.1f}..{max(costs):.1f}"
    line = (f"{server.title:18}{statistics.median(costs):9.1f}  {spread:15}"
            f"{statistics.median(ratios(server, floor)):9.2f}x")
    if server.target is None:
        return line
    ratio = statistics.median(ratios(ours, server))
    verdict = "met" if ratio <= server.target else "MISSED"
    limit = "<= " + as_ratio(server.target)
    return f"{line}  {as_ratio(ratio):>10}  {limit:>9}  {verdict}"


def print_table(servers, rounds, counts, place):
    """What was found, and where."""
    by_kind = {type(server): server for server in servers}
    floor, ours = by_kind[AcceptClose], by_kind[Tcpmuxd]
    congestion = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control")
    print(f"name and reply, Linux {os.uname().release}, "
          f"{congestion.read_text(encoding='ascii').strip()}, "
          f"{os.cpu_count()} cores, {place}")
    print(f"{rounds} interleaved rounds of {counts} connections, "
          f"16 at a time; medians of the rounds\n")
    print(f"{'':18}{'CPU us':>9}  {'min..max':15}{'x floor':>10}"
          f"  {'tcpmuxd':>10}  {'target':>9}")
    for server in servers:
        print(row(server, floor, ours))


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true",
                        help="a tenth of the connections, 3 rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--one-core", action="store_true")
    args = parser.parse_args()
    args.rounds = args.rounds or (3 if args.quick else 9)
    args.build = args.build.resolve()
    return args


def main():
    """Start every server, run the rounds, print the table."""
    args = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    client = compile_programs(args.build) / "client"
    client_core, server_core = cores()
    if args.one_core:
        client_core = server_core
    enter_network()
    share = 10 if args.quick else 1
    with tempfile.TemporaryDirectory() as name, \
            contextlib.ExitStack() as stack:
        servers = start_all(args.build, pathlib.Path(name), server_core,
                            stack)
        for _ in range(args.rounds):
            for server in servers:
                server.run_round(client, server.count // share, client_core)
    place = f"servers on core {server_core}, client on core {client_core}"
    counts = f"{Server.count // share} (inetds: {Xinetd.count // share})"
    print_table(servers, args.rounds, counts, place)


if __name__ == "__main__":
    main()
