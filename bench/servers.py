"""The servers that are compared, each with its doors: where a client has to
knock for a kind of service, and what name it has to say there."""

import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import typing

from place import Missing, free_port
from process import Process, wait_until

HERE = pathlib.Path(__file__).resolve().parent
NGINX_MODULES = pathlib.Path("/usr/lib/nginx/modules")


class Door(typing.NamedTuple):
    """Where a service is to be had."""

    port: int
    name: str = None        # said first, unless there is nothing to say
    helpers: tuple = ()     # processes that work with the server


class Backends:
    """The services themselves: one set, for all that stand before them."""

    def __init__(self, bench):
        programs, folder = bench.programs, bench.folder
        self.ports = {}
        self.processes = {}
        for name, words in {
                "echo": ("echo", "-n"),
                "named-sink": ("echo", "-n", "-d"),
                "plain": ("echo",),
                "unix": ("echo", folder / "plain"),
                "sink": ("echo", "-d"),
                "source": ("echo", "-s", str(bench.stream_bytes)),
                "taker": ("taker", folder / "taker"),
                "taker-sink": ("taker", "-d", folder / "taker-sink")}.items():
            process = Process(name, (programs / words[0], *words[1:]),
                              bench.server_core)
            bench.stack.callback(process.stop)
            self.ports[name] = int(process.line())
            self.processes[name] = process


class Server:
    """One server: how it is started, and where it is asked."""

    title = ""
    output = subprocess.DEVNULL
    config = ()             # files in peers/ that it needs; the first is its
    package = None          # of the program, if it may lie in peers/ of build
    doors = ()              # that it opens
    files = None            # that it may open; None: all that anybody may
    tolerance = ()          # what a client has to be told to bear it

    def __init__(self, bench):
        self.bench = bench
        self.process = None
        self.ports = {}

    def words(self):
        """The command."""
        raise NotImplementedError

    def door(self, kind):
        """Where a kind of service is to be had."""
        raise NotImplementedError

    def port_of(self, _kind):
        """A port to listen on."""
        return free_port()

    def start(self):
        """Start it, and wait until it takes connections."""
        self.ports = {kind: self.port_of(kind) for kind in self.doors}
        words = self.words()
        self.configure()
        self.process = Process(self.title, words, self.bench.server_core,
                               self.output, self.files)
        self.bench.started.append(self)
        self.wait_ready()
        self.process.settle_first()

    def stop(self):
        """End it."""
        self.process.stop()

    def settings(self):
        """What stands for the @WORDS@ in its files."""
        settings = {kind.upper(): port for kind, port in self.ports.items()}
        for name, port in self.bench.backends.ports.items():
            settings[name.upper()] = port
        settings["FOLDER"] = self.bench.folder
        settings["USER"] = self.bench.user
        # xinetd's own service is ours, or it could not become another.
        settings["OURSELVES"] = pwd.getpwuid(os.getuid()).pw_name
        settings["GROUPS"] = "yes" if os.getuid() == 0 else "no"
        settings["MODULES"] = NGINX_MODULES
        return settings

    def configure(self):
        """Write its files."""
        settings = self.settings()
        for name in self.config:
            text = (HERE / "peers" / name).read_text(encoding="ascii")
            text = re.sub("@([A-Z]+)@",
                          lambda match: str(settings[match[1]]), text)
            (self.bench.folder / name).write_text(text, encoding="ascii")

    def config_path(self):
        """Where its own file is."""
        return self.bench.folder / self.config[0]

    def is_reachable(self):
        """Does it take a connection at each door?"""
        self.process.check()
        for port in self.ports.values():
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", port)) != 0:
                    return False
        return True

    def wait_ready(self):
        """Wait until it takes connections."""
        wait_until(self.is_reachable, self.title)

    def find(self, name):
        """Its program: unpacked in the build folder, or installed."""
        if self.package is not None:
            path = self.bench.build / "peers" / self.package
            path = path / "usr/sbin" / name
            if path.exists():
                return path
        installed = shutil.which(name, path="/usr/sbin:/usr/bin")
        if installed is None:
            raise Missing(f"{name} is not installed")
        return installed


class Floor(Server):
    """Accept and close: no server can be cheaper."""

    title = "accept and close"
    tolerance = ("-q",)
    output = subprocess.PIPE

    def words(self):
        return [self.bench.programs / "accept_close"]

    def wait_ready(self):
        self.ports["answers"] = int(self.process.line())

    def door(self, kind):
        return Door(self.ports[kind], "tcpmux")


class Direct(Server):
    """The service itself, with nothing before it."""

    title = "direct"
    served = {"echo": "echo", "sink": "named-sink"}

    def start(self):
        """It is there already."""

    def stop(self):
        """It stays."""

    def door(self, kind):
        name = self.served[kind]
        self.process = self.bench.backends.processes[name]
        return Door(self.bench.backends.ports[name], kind)


class Tcpmuxd(Server):
    """What is measured, as it is shipped, with all its limits and rules."""

    title = "tcpmuxd"
    output = subprocess.PIPE
    config = ("tcpmuxd.conf",)
    doors = ("port",)
    helpers = {"echo": "taker", "sink": "taker-sink", "relay": "plain",
               "relay-unix": "unix"}

    def __init__(self, bench, timeout="10s", extra="", fronts=1,
                 level="connections"):
        super().__init__(bench)
        self.timeout = timeout
        self.level = level      # of the log
        self.fronts = fronts    # one, as it has one core here
        self.extra = extra      # more configuration

    def words(self):
        return [self.bench.build / "tcpmuxd", "-f", self.config_path()]

    def settings(self):
        return super().settings() | {"TIMEOUT": self.timeout,
                                     "FRONTS": self.fronts,
                                     "LEVEL": self.level}

    def configure(self):
        super().configure()
        with open(self.config_path(), "a", encoding="ascii") as file:
            file.write(self.extra)

    def is_reachable(self):
        """Does it answer?"""
        if self.process.popen.poll() is not None:
            said = self.process.popen.stdout.read().decode("ascii")
            raise Missing(" ".join(said.split("\n")))
        try:
            with socket.create_connection(
                    ("127.0.0.1", self.ports["port"]), 1) as sock:
                sock.sendall(b"tcpmux\r\n")
                return sock.recv(1) == b"+"
        except OSError:
            return False

    def door(self, kind):
        name = "tcpmux" if kind == "answers" else kind
        helpers = ()
        if kind in self.helpers:
            helpers = (self.bench.backends.processes[self.helpers[kind]],)
        return Door(self.ports["port"], name, helpers)


class Quiet(Tcpmuxd):
    """The same without its log; of another build, if there is one."""

    def __init__(self, bench):
        super().__init__(bench, level="nothing")

    def words(self):
        _, *words = super().words()
        return [(self.bench.against or self.bench.build) / "tcpmuxd", *words]


class Former(Tcpmuxd):
    """Another build, in all else the same."""

    def words(self):
        if self.bench.against is None:
            raise Missing("--against tells of no other build")
        _, *words = super().words()
        return [self.bench.against / "tcpmuxd", *words]


class Offering(Tcpmuxd):
    """The same with programs that offer their names: one with libtcpmux, and
    others that know nothing of it, under tcpmux-offer --wrap."""

    helpers = {}

    def __init__(self, bench, *names):
        super().__init__(bench)
        self.offerers = {}
        self.names = names

    def offerer(self, name):
        """The command that offers a name."""
        folder, programs = self.bench.folder, self.bench.programs
        if name == "offered":
            return (programs / "offered", name)
        words = {"wrapped": lambda: (programs / "echo",),
                 "redis": lambda: redis_words(free_port()),
                 "web": lambda: web_words(folder, name, free_port())}
        return (self.bench.build / "cmd/tcpmux-offer", "--wrap", name, "--",
                *words[name]())

    def start(self):
        super().start()
        env = os.environ | {
            "TCPMUX_CONTROL":
            self.bench.folder / f"control-{self.ports['port']}",
            "TCPMUX_WRAP_LIBRARY": self.bench.build / "cmd/wrap.so"}
        for name in self.names:
            process = Process(name, self.offerer(name), self.bench.server_core,
                              subprocess.DEVNULL, env=env)
            self.offerers[name] = process
            wait_until(lambda n=name, p=process: self.is_offered(n, p), name)
            process.settle_first()

    def is_offered(self, name, process):
        """Is it served?"""
        process.check()
        with socket.create_connection(
                ("127.0.0.1", self.ports["port"]), 1) as sock:
            sock.sendall(name.encode("ascii") + b"\r\n")
            return sock.recv(1) == b"+"

    def stop(self):
        for process in self.offerers.values():
            process.stop()
        super().stop()

    def door(self, kind):
        return Door(self.ports["port"], kind, (self.offerers[kind],))


def redis_words(port):
    """redis, which keeps nothing."""
    program = shutil.which("redis-server")
    if program is None:
        raise Missing("redis-server is not installed")
    return (program, "--port", str(port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no")


def web_words(folder, side, port):
    """nginx as a web server, and its page."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if program is None:
        raise Missing("nginx is not installed")
    (folder / "page").write_text("x" * 1023 + "\n", encoding="ascii")
    path = folder / f"{side}.conf"
    text = (HERE / "peers/web.conf").read_text(encoding="ascii")
    for word, value in (("@FOLDER@", folder), ("@SIDE@", side),
                        ("@PORT@", port)):
        text = text.replace(word, str(value))
    path.write_text(text, encoding="ascii")
    return (program, "-c", path)


class Unwrapped(Server):
    """A server that people have, as they have it."""

    doors = ("port",)

    def __init__(self, bench, name):
        super().__init__(bench)
        self.title = name

    def words(self):
        if self.title == "redis":
            return redis_words(self.ports["port"])
        return web_words(self.bench.folder, "direct", self.ports["port"])

    def door(self, kind):
        return Door(self.ports["port"])


class Proxy(Server):
    """A peer that stands in the middle: its back end is the named echo."""

    def door(self, kind):
        if kind == "echo":
            helper = self.bench.backends.processes["echo"]
            return Door(self.ports["chooses"], "echo", (helper,))
        return Door(self.ports[kind])


class Haproxy(Proxy):
    """haproxy."""

    title = "haproxy"
    config = ("haproxy.cfg", "haproxy.lua")
    doors = ("answers", "chooses", "up", "down")

    def words(self):
        return [self.find("haproxy"), "-db", "-f", self.config_path()]

    def door(self, kind):
        if kind == "answers":
            return Door(self.ports[kind], "tcpmux")
        return super().door(kind)


class Nginx(Proxy):
    """nginx, with its modules stream and njs."""

    title = "nginx"
    config = ("nginx.conf", "nginx.js")
    doors = ("chooses", "up", "down")

    def words(self):
        for module in ("ngx_stream_module.so", "ngx_stream_js_module.so"):
            if not (NGINX_MODULES / module).exists():
                raise Missing(f"{module} is not installed")
        return [self.find("nginx"), "-c", self.config_path()]


class Sslh(Proxy):
    """sslh, of its two programs the one that does not fork.  With several
    connections at once it closes some in the midst of the conversation."""

    title = "sslh"
    tolerance = ("-f", "10")
    config = ("sslh.cfg",)
    doors = ("chooses",)

    def words(self):
        return [self.find("sslh-select"), f"-F{self.config_path()}"]


class Socat(Proxy):
    """socat, which has one back end only; here another for each way."""

    title = "socat"
    doors = ("up", "down")
    backends = {"up": "sink", "down": "source"}

    def words(self):
        # The shell waits for both, and ends them with itself.
        lines = [f"{self.find('socat')} -b 65536 TCP-LISTEN:{port},fork,"
                 "reuseaddr,bind=127.0.0.1,backlog=4096 "
                 f"TCP:127.0.0.1:{self.bench.backends.ports[backend]} & "
                 for port, backend in (
                     (self.ports[kind], self.backends[kind])
                     for kind in self.doors)]
        return ["/bin/sh", "-c",
                "trap 'kill $(jobs -p); exit' TERM; " + "".join(lines) +
                "wait"]


class Inetd(Server):
    """A server that starts a program for each connection."""

    files = 1024            # it closes that many for each program

    def door(self, kind):
        return Door(self.ports["port"], "nothing")


class Inetutils(Inetd):
    """inetd of GNU inetutils."""

    title = "inetutils"
    config = ("inetutils.conf",)
    package = "inetutils-inetd"
    doors = ("port",)

    def port_of(self, _kind):
        return free_port(1)     # it knows its own service by this name only

    def words(self):
        # -d keeps it in the foreground; -R, it allows so many a minute.
        return [self.find("inetutils-inetd"), "-d", "-R", "100000000",
                self.config_path()]


class Xinetd(Inetd):
    """xinetd."""

    title = "xinetd"
    config = ("xinetd.conf",)
    package = "xinetd"
    doors = ("port",)

    def words(self):
        return [self.find("xinetd"), "-dontfork", "-pidfile",
                self.bench.folder / "xinetd.pid", "-f", self.config_path()]


def user():
    """Whom programs are started for: nobody, if there is a choice."""
    uid = os.getuid()
    return pwd.getpwuid(uid).pw_name if uid != 0 else "nobody"
