"""What is measured: each figure has its contenders, which take their turns in
each round, and its rows, which say who is compared with whom."""

import contextlib
import statistics
import subprocess
import time
import typing

from place import Missing, settle_child
from process import PATIENCE
from servers import (Direct, Floor, Former, Haproxy, Inetutils, Nginx,
                     Offering, Quiet, Socat, Sslh, Tcpmuxd, Xinetd)

KIB, MIB = 1024, 1024 * 1024


class Row(typing.NamedTuple):
    """One line of the table."""

    figure: str
    ours: float
    peer: str = ""
    theirs: float = None
    ratios: tuple = ()      # of ours to theirs, in each round
    target: float = None
    least: bool = False     # the target is a least, not a most


class Pair(typing.NamedTuple):
    """Who is compared with whom, and the ratio that is wanted."""

    ours: str
    theirs: str
    target: float = None
    least: bool = False


class Figure:
    """A quantity that several servers have."""

    title = ""
    contenders = {}         # label: (class of server, door, its options)
    pairs = ()

    def __init__(self, bench):
        self.bench = bench
        self.found = {}

    def measure(self, server, kind):
        """One number, of one server in one round."""
        raise NotImplementedError

    def start(self):
        """Start who is there, say who is not."""
        servers, doors = {}, {}
        for label, (kind, door, *options) in self.contenders.items():
            key = (kind, *options)
            try:
                if key not in servers:
                    servers[key] = kind(self.bench, *options)
                    servers[key].start()
            except Missing as why:
                self.bench.complain(f"{self.title}: {label}: {why}")
                servers[key] = None
            if servers[key] is not None:
                doors[label] = (servers[key], door)
        return doors

    def run(self):
        """All rounds.  Returns the rows."""
        with self.bench.servers():
            doors = self.start()
            if not any(isinstance(server, Tcpmuxd)
                       for server, _ in doors.values()):
                return []
            self.found = {label: [] for label in doors}
            for _ in range(self.bench.rounds):
                for label, (server, kind) in doors.items():
                    self.found[label].append(self.measure(server, kind))
        return [self.row(pair) for pair in self.pairs
                if pair.ours in doors and pair.theirs in doors]

    def row(self, pair):
        """The line of the table for two of them."""
        ours, theirs = self.found[pair.ours], self.found[pair.theirs]
        return Row(f"{self.title}: {pair.ours}", statistics.median(ours),
                   pair.theirs, statistics.median(theirs),
                   tuple(a / b for a, b in zip(ours, theirs)), pair.target,
                   pair.least)

    def client(self, program, *words, port, core=None):
        """Run a client.  Returns what it says."""
        core = self.bench.client_core if core is None else core
        done = subprocess.run(
            [self.bench.programs / program, *words[:-1], str(port),
             *words[-1]], check=True, stdout=subprocess.PIPE,
            preexec_fn=settle_child(core))
        return done.stdout.decode("ascii")

    def spent(self, server, door, work, helpers=True):
        """Nanoseconds of CPU that some work costs the server."""
        processes = [server.process, *(door.helpers if helpers else ())]
        before = sum(process.cpu() for process in processes)
        work()
        for process in processes:
            process.settle()
        return sum(process.cpu() for process in processes) - before


def ask(door):
    """What tells a client which name to say."""
    return ("-n", door.name) if door.name is not None else ()


class PerConnection(Figure):
    """CPU of the server, and of the service behind it, for a connection."""

    options = ()
    count = 20000
    count_inetd = 1000

    def measure(self, server, kind):
        door = server.door(kind)
        slow = isinstance(server, (Inetutils, Xinetd))
        count = (self.count_inetd if slow else self.count) // self.bench.share
        options = self.options + server.tolerance

        def work():
            self.client("client", *options, *ask(door), (str(count),),
                        port=door.port)
        return self.spent(server, door, work) / count / 1000


class NameAndReply(PerConnection):
    """Connect, say tcpmux, read the reply, close."""

    title = "name and reply, us of CPU"
    contenders = {"accept and close": (Floor, "answers"),
                  "tcpmuxd": (Tcpmuxd, "answers"),
                  "haproxy, Lua": (Haproxy, "answers"),
                  "inetutils": (Inetutils, "program"),
                  "xinetd": (Xinetd, "program")}
    pairs = (Pair("tcpmuxd", "accept and close", 1.35),
             Pair("tcpmuxd", "haproxy, Lua", 0.55),
             Pair("tcpmuxd", "inetutils", 1 / 30),
             Pair("tcpmuxd", "xinetd", 1 / 40))


class Echo(PerConnection):
    """Connect, say a name and 64 bytes, read the reply and the echo, close;
    and the same through a relay."""

    title = "echo, us of CPU"
    options = ("-e",)
    count = 10000
    contenders = {"direct": (Direct, "echo"),
                  "hand-over": (Tcpmuxd, "echo"),
                  "relay, TCP": (Tcpmuxd, "relay"),
                  "relay, Unix": (Tcpmuxd, "relay-unix"),
                  "haproxy": (Haproxy, "echo"),
                  "nginx": (Nginx, "echo"),
                  "sslh": (Sslh, "echo")}
    pairs = (Pair("hand-over", "direct", 1.40),
             Pair("hand-over", "haproxy", 0.40),
             Pair("hand-over", "nginx", 0.37),
             Pair("hand-over", "sslh", 0.42),
             Pair("relay, TCP", "haproxy", 0.90),
             Pair("relay, Unix", "haproxy", 0.60))


class Accounted(PerConnection):
    """What is spent on being able to tell afterwards: the log, against none;
    and all that another build does not do."""

    title = "accounting, us of CPU"
    contenders = {"name and reply": (Tcpmuxd, "answers"),
                  "name and reply, no log": (Quiet, "answers"),
                  "name and reply, former": (Former, "answers"),
                  "hand-over, echo": (Tcpmuxd, "echo"),
                  "hand-over, echo, no log": (Quiet, "echo"),
                  "hand-over, echo, former": (Former, "echo")}
    pairs = tuple(Pair(what, f"{what}, {other}", 1.03)
                  for what in ("name and reply", "hand-over, echo")
                  for other in ("no log", "former"))

    def measure(self, server, kind):
        self.options = ("-e",) if kind == "echo" else ()
        return super().measure(server, kind)


class Offered(PerConnection):
    """The same echo by programs that have offered the name: one takes its
    connections by libtcpmux, and one knows nothing of it, and is wrapped."""

    title = "offered echo, us of CPU"
    options = ("-e",)
    count = 10000
    contenders = {"direct": (Direct, "echo"),
                  "offered": (Offering, "offered", "offered", "wrapped"),
                  "wrapped": (Offering, "wrapped", "offered", "wrapped"),
                  "haproxy": (Haproxy, "echo"),
                  "nginx": (Nginx, "echo"),
                  "sslh": (Sslh, "echo")}
    pairs = (Pair("offered", "direct", 1.40),
             Pair("offered", "haproxy", 0.40),
             Pair("offered", "nginx", 0.37),
             Pair("offered", "sslh", 0.42),
             Pair("wrapped", "direct"), Pair("wrapped", "haproxy"),
             Pair("wrapped", "nginx"), Pair("wrapped", "sslh"))


class PerGigabyte(Figure):
    """CPU of the relay alone for bytes there and bytes back."""

    title = "CPU s per GB"
    contenders = {"relay": (Tcpmuxd, ""), "haproxy": (Haproxy, ""),
                  "nginx": (Nginx, ""), "socat": (Socat, "")}
    pairs = (Pair("relay", "haproxy", 0.50), Pair("relay", "nginx", 0.60),
             Pair("relay", "socat", 0.55))

    def measure(self, server, _kind):
        size = self.bench.stream_bytes
        total = 0
        for way in ("up", "down"):
            door = server.door(way)

            def work(way=way, door=door):
                self.client("stream", *ask(door), (way, str(size)),
                            port=door.port)
            total += self.spent(server, door, work, helpers=False)
        return total / (2 * size)


class Starts(Figure):
    """Programs started in a second of the servers' CPU.  The clock on the
    wall would say less of inetutils, which now and then sleeps a second."""

    title = "programs started per s"
    count = 1500
    contenders = {"tcpmuxd": (Tcpmuxd, "nothing"),
                  "xinetd": (Xinetd, "nothing"),
                  "inetutils": (Inetutils, "nothing")}
    pairs = (Pair("tcpmuxd", "xinetd", 1.6, True),
             Pair("tcpmuxd", "inetutils", 1.25, True))

    def measure(self, server, kind):
        door, count = server.door(kind), self.count // self.bench.share

        def work():
            self.client("client", *ask(door), (str(count),), port=door.port)
        return count / self.spent(server, door, work) * 10**9


class Throughput(Figure):
    """Bytes to a service, once it has the connection."""

    title = "GB/s after the hand-over"
    contenders = {"direct": (Direct, "sink"), "hand-over": (Tcpmuxd, "sink")}
    pairs = (Pair("hand-over", "direct", 0.95, True),)

    def measure(self, server, kind):
        door, size = server.door(kind), self.bench.stream_bytes
        took = self.client("stream", *ask(door), ("up", str(size)),
                           port=door.port)
        return size / int(took)


class RoundTrip(Figure):
    """64 bytes there and back, once the service has the connection."""

    title = "us a round trip after it"
    contenders = {"direct": (Direct, "echo"), "hand-over": (Tcpmuxd, "echo")}
    pairs = (Pair("hand-over", "direct", 1.05),)
    count = 5000

    def measure(self, server, kind):
        door, count = server.door(kind), self.count // self.bench.share
        took = self.client("stream", *ask(door), ("trips", str(count)),
                           port=door.port)
        return int(took) / count / 1000


class Names(Figure):
    """A name and its reply, where many names are served."""

    title = "name and reply, us of CPU"
    count = 20000
    many = 100000

    def __init__(self, bench):
        super().__init__(bench)
        self.many //= bench.share
        text = "".join(f'service "s{i}" {{ builtin = daytime }}\n'
                       for i in range(self.many))
        first = text[:text.index("\n") + 1]
        self.contenders = {
            f"{self.many} names": (Tcpmuxd, str(self.many), "10s", text),
            "one name": (Tcpmuxd, "1", "10s", first)}
        self.pairs = (Pair(f"{self.many} names", "one name", 1.1),)

    def measure(self, server, kind):
        door, count = server.door("answers"), self.count // self.bench.share

        def work():
            self.client("client", "-n", "s", "-s", kind, (str(count),),
                        port=door.port)
        return self.spent(server, door, work) / count / 1000


# Connections that are held.

@contextlib.contextmanager
def held(bench, door, count, *words, to_the_end=True):
    """So many connections, held meanwhile; none may be lost."""
    client = subprocess.Popen(
        [bench.programs / "hold", *words, "-n", door.name or "echo",
         str(door.port), str(count)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, preexec_fn=settle_child(bench.client_core))
    try:
        line = client.stdout.readline()
        if not line or int(line) != count:
            raise subprocess.CalledProcessError(1, words, line)
        yield
        if not to_the_end:
            return
        client.stdin.close()
        if client.wait(PATIENCE) != 0:
            raise subprocess.CalledProcessError(client.returncode, words)
    finally:
        client.stdin.close()
        client.stdout.close()
        if client.poll() is None:
            client.kill()
            client.wait()


class Dripping(Figure):
    """2,000 clients who send a byte of a name every 100 ms."""

    title = "2,000 slow clients, % of a core"
    clients, seconds = 2000, 3.0
    contenders = {"tcpmuxd": (Tcpmuxd, "echo", "10m"),
                  "haproxy": (Haproxy, "echo")}
    pairs = (Pair("tcpmuxd", "haproxy", 0.40),)

    def measure(self, server, kind):
        door, seconds = server.door(kind), self.seconds / self.bench.share

        def work():
            time.sleep(seconds)     # what is measured is this while
        with held(self.bench, door, self.clients, "-d", "100"):
            return self.spent_awake(server, work) / seconds / 10**7

    def spent_awake(self, server, work):
        """CPU of a server that does not come to rest."""
        before = server.process.cpu()
        work()
        return server.process.cpu() - before


class Memory(Figure):
    """User bytes for each connection that is held, each in a fresh server."""

    title = "user bytes per connection"
    count, warm = 5000, 11000
    states = {"silent": ("echo", 64), "half a name": ("echo", 320),
              "handed over": ("echo", 0), "relayed": ("relay", 256)}
    words = {"silent": (), "half a name": ("-p", "2"),
             "handed over": ("-s",), "relayed": ("-s",)}

    def measure(self, server, state):
        kind = "echo" if not isinstance(server, Tcpmuxd) else \
            self.states[state][0]
        door, count = server.door(kind), self.count // self.bench.share
        if isinstance(server, Tcpmuxd):
            # What it keeps of each source address is there already, then.
            self.client("client", "-e", *ask(door), (str(self.warm),),
                        port=door.port)
            server.process.settle()
        before = server.process.memory()
        # Of the peers nobody wants to know whether they lose any.
        with held(self.bench, door, count, *self.words[state],
                  to_the_end=isinstance(server, Tcpmuxd)):
            server.process.settle()
            return (server.process.memory() - before) / count

    def fresh(self, kind, state, *options):
        """A number of a server that has done nothing yet; or None."""
        with self.bench.servers():
            server = kind(self.bench, *options)
            try:
                server.start()
            except Missing as why:
                self.bench.complain(f"{self.title}: {kind.title}: {why}")
                return None
            return self.measure(server, state)

    def run(self):
        for state, (_, target) in self.states.items():
            ours = self.fresh(Tcpmuxd, state, "10m")
            if ours is None:
                return
            label = f"{self.title}: {state}"
            yield Row(label, ours, target=target)
            for kind in (Haproxy, Nginx):
                theirs = self.fresh(kind, state)
                if theirs is not None:
                    yield Row(label, ours, kind.title, theirs)


class Idle(Figure):
    """Memory of the process that faces strangers, when it has none."""

    title = "RSS of an idle front, MB"

    def resident(self, kind, name):
        """Its largest process of that name; or None."""
        with self.bench.servers():
            server = kind(self.bench)
            try:
                server.start()
            except Missing as why:
                self.bench.complain(f"{self.title}: {kind.title}: {why}")
                return None
            return server.process.rss(name) / MIB

    def run(self):
        ours = self.resident(Tcpmuxd, "tcpmuxd-front")
        if ours is None:
            return []
        rows = [Row(self.title, ours, target=2.0)]
        for kind in (Haproxy, Nginx):
            theirs = self.resident(kind, kind.title)
            if theirs is not None:
                rows.append(Row(self.title, ours, kind.title, theirs))
        return rows


class Held(Figure):
    """Silent connections, held by several fronts for several clients; at the
    end each says its name and gets its reply."""

    title = "waiting connections held"
    fronts, clients = 7, 6

    def run(self):
        count = 100000 // self.bench.share
        each = -(-count // self.clients)
        with self.bench.servers():
            server = Tcpmuxd(self.bench, "10m", fronts=self.fronts)
            try:
                server.start()
            except Missing as why:
                self.bench.complain(f"{self.title}: {why}")
                return []
            door = server.door("answers")
            before = server.process.memory()
            with contextlib.ExitStack() as stack:
                for _ in range(self.clients):
                    stack.enter_context(held(self.bench, door, each))
                server.process.settle()
                user = server.process.memory() - before
        return [Row(self.title, each * self.clients, target=count, least=True),
                Row(f"{self.title}: user MB", user / MIB)]


FIGURES = (NameAndReply, Echo, Accounted, Offered, PerGigabyte, Starts,
           Throughput, RoundTrip, Memory, Idle, Dripping, Names, Held)
