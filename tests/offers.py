"""tcpmux-offer, started and watched by a test, and servers for it."""

import contextlib
import os
import pathlib
import queue
import signal
import stat
import subprocess
import sys
import threading

import pytest

import callers
import proc
import server
from services import OK, need

OFFER = server.BUILD / "cmd" / "tcpmux-offer"
HTTP = b"GET / HTTP/1.0\r\n\r\n"


def need_open_build():
    """Other users must be able to reach what was built; or no test."""
    for folder in server.BUILD.parents:
        if not folder.stat().st_mode & stat.S_IXOTH:
            pytest.skip(f"other users cannot enter {folder}")


class Mux:
    """A tcpmuxd with a control socket, at which the test's own user offers."""

    def __init__(self, folder, tcpmuxd, conf=""):
        self.control = f"{folder}/control"
        self.offers = []
        if tcpmuxd is not None:
            self.server = tcpmuxd(conf=f'control = "{self.control}"\n{conf}')
            self.address = self.server.addresses[0]

    @classmethod
    def alone(cls, folder):
        """The same without a tcpmuxd, as yet."""
        return cls(folder, None)

    def offer(self, *words, **popen):
        """Start a tcpmux-offer with these words."""
        new = Offer("--control", self.control, *words, **popen)
        self.offers.append(new)
        return new

    def offered(self, *words, **popen):
        """The same, once the name is offered."""
        new = self.offer(*words, **popen)
        name = new.wait_for("^tcpmux-offer: (.+): offered$")[1]
        line = f"{name}\r\n".encode()
        proc.wait_until(
            lambda: line in server.ask(self.address, b"HELP\r\n"), name)
        return new

    def close(self):
        """End them all."""
        for each in self.offers:
            each.stop()


class Offer(server.Server):
    """One tcpmux-offer; what it and its server say on standard error."""

    def __init__(self, *words, **popen):    # pylint: disable=W0231
        self.process = subprocess.Popen(
            [OFFER, *words], stderr=subprocess.PIPE,
            **{"stdin": subprocess.DEVNULL, **popen})
        self.said = []
        self.lines = queue.Queue()
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def ended(self):
        """Wait for its end; the exit status, and all that it said."""
        status = self.wait()
        return status, "\n".join(self.said)

    def tree(self):
        """Its server, and all processes of that."""
        return proc.descendants(self.pid)

    def listeners(self, port):
        """Those of its processes that hold a listening TCP socket there."""
        found = []
        for pid in [self.pid, *self.tree()]:
            with contextlib.suppress(FileNotFoundError):    # it has ended
                if proc.listens(pid, port):
                    found.append(pid)
        return found


def python(host, name, text):
    """The words that run a program in Python."""
    path = pathlib.Path(host.path(name))
    path.write_text(text, encoding="ascii")
    return os.path.realpath(sys.executable), "-IBS", str(path)


def write(host, name, text):
    """Write a file of the test, and return its path."""
    path = pathlib.Path(host.path(name))
    path.write_text(text, encoding="ascii")
    return str(path)


def nginx(host, port, how=""):
    """nginx with two workers, which says whom it sees and who it is."""
    folders = "".join(
        f"{kind}_temp_path {host.folder}/{kind};\n" for kind in
        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path = write(host, "nginx.conf", f"""\
daemon off;
worker_processes 2;
user {"root" if os.getuid() == 0 else "nobody"};
pid {host.folder}/nginx.pid;
error_log {host.folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
{folders}
access_log off;
server {{
    listen {port} {how};
    listen [::]:{port} {how};
    return 200 "nginx $remote_addr $remote_port\\n";
}}
}}
""")
    return need("nginx"), "-e", f"{host.folder}/nginx.log", "-c", path


NODE = """\
require('http').createServer((request, response) => response.end(
    'node ' + request.socket.remoteAddress + ' ' +
    request.socket.remotePort + '\\n')).listen(PORT);
"""

CLUSTER = """\
const cluster = require('cluster');
if (cluster.isPrimary) {
    cluster.fork();
    cluster.fork();
    process.on('SIGTERM', () => process.exit(0));
} else
""" + NODE


def servers(host, port):
    """Servers of HTTP, that listen at port and say who is there."""
    return {
        "nginx": lambda: nginx(host, port),
        "nginx-reuseport": lambda: nginx(host, port, "reuseport"),
        "node": lambda: (need("node"), write(
            host, "node.js", NODE.replace("PORT", str(port)))),
        "node-cluster": lambda: (need("node"), write(
            host, "cluster.js", CLUSTER.replace("PORT", str(port)))),
        "node-cluster-shared": lambda: (
            need("env"), "NODE_CLUSTER_SCHED_POLICY=none", need("node"),
            write(host, "cluster.js", CLUSTER.replace("PORT", str(port)))),
        "haproxy": lambda: (need("haproxy"), "-f", write(
            host, "haproxy.cfg", f"""\
defaults
    mode http
    timeout client 20s
    timeout server 20s
    timeout connect 20s
frontend all
    bind 127.0.0.1:{port}
    http-request return status 200 content-type text/plain """
            'lf-string "haproxy %[src] %[src_port]\\n"\n')),
    }


def get(address, name, source="127.0.0.1"):
    """The body of a page, and the client's address and port."""
    with callers.call(address, name, HTTP, source=source) as sock:
        where = sock.getsockname()
        line = callers.read_line(sock)
        assert line == OK, line
        head, _, body = server.read_all(sock).partition(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0], head
    return body, where


def kill(pid):
    """End a process as hard as it goes."""
    with contextlib.suppress(ProcessLookupError):   # it has ended already
        os.kill(pid, signal.SIGKILL)
