"""Real programs behind one port, by name, with their own clients."""

import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import sys

import pytest

import callers
import client
import doors
import proc
import server
from callers import call, converse, digest, read_line
from client import Forwarder
from services import OK, as_nobody, need


def run(*words, **popen):
    """Run a client that must not fail; return what it prints."""
    if "input" not in popen:
        popen.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(words, stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.PIPE,
                          timeout=3 * proc.PATIENCE, **popen)
    assert done.returncode == 0, (words[0], done.stderr)
    return done.stdout


def connector(address, name):
    """A command whose input and output are the service of that name."""
    return f"{client.TCPMUX} {client.where(address)} {name}"


def test_date(host, tcpmuxd):
    """/bin/date, which neither reads nor knows a network."""
    address = tcpmuxd(conf=host.service(
        "date", f'exec = {{"{need("date")}", "+%Y"}} {as_nobody()}')
                      ).addresses[0]
    with call(address, "date") as sock:
        assert re.fullmatch(rb"\+OK FINE\r\n20\d\d\n", server.read_all(sock))


def test_http_server(host, tcpmuxd):
    """python -m http.server behind a relay; 64 MiB and a half-closed side."""
    data = callers.many_bytes()
    site = pathlib.Path(host.path("site"))
    site.mkdir()
    (site / "big").write_bytes(data)
    web = host.program(sys.executable, "-u", "-m", "http.server", "0",
                       "--bind", "127.0.0.1", "--directory", str(site),
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with web.stdout:
        port = re.search(rb"port (\d+)", web.stdout.readline())[1].decode()
    address = tcpmuxd(conf=host.service(
        "www", f'relay = "127.0.0.1:{port}"')).addresses[0]
    with call(address, "www", b"GET /big HTTP/1.0\r\n\r\n") as sock:
        assert read_line(sock) == OK
        sock.shutdown(socket.SHUT_WR)
        head, _, body = server.read_all(sock).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200")
    assert digest(body) == digest(data)
    with call(address, "www", b"GET /none HTTP/1.0\r\n\r\n") as sock:
        assert b" 404 " in server.read_all(sock)


def bulk(*words):
    """A command in redis' protocol."""
    return b"*%d\r\n" % len(words) + b"".join(
        b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def test_redis(host, tcpmuxd):
    """redis-server at a path: pipelined commands, 64 MiB there and back."""
    path = host.path("redis.sock")
    host.program(need("redis-server"), "--port", "0", "--unixsocket", path,
                 "--unixsocketperm", "777", "--save", "", "--dir",
                 host.folder, stdout=subprocess.DEVNULL)
    address = tcpmuxd(conf=host.service("db", f'relay = "unix:{path}"')
                      ).addresses[0]
    proc.wait_until(lambda: callers.is_served(address, "db"), "redis")
    data = callers.many_bytes()
    with call(address, "db", bulk(b"PING") + bulk(b"ECHO", b"+")) as sock:
        assert callers.read_exactly(sock, len(OK)) == OK
        assert converse(sock, bulk(b"QUIT")) == b"+PONG\r\n$1\r\n+\r\n+OK\r\n"
    with call(address, "db") as sock:
        heard = converse(sock, bulk(b"SET", b"k", data) + bulk(b"GET", b"k") +
                         bulk(b"QUIT"), end=False)
    assert digest(heard) == digest(
        OK + b"+OK\r\n$%d\r\n" % len(data) + data + b"\r\n+OK\r\n")


class Postgres:
    """A database of its own, in a folder of its own user."""

    def __init__(self, host):
        self.folder = host.path("pg")
        os.mkdir(self.folder)
        self.user, as_user = pwd.getpwuid(os.getuid()).pw_name, ()
        if os.getuid() == 0:
            self.user = "postgres"
            try:
                who = pwd.getpwnam(self.user)
            except KeyError:
                pytest.skip("there is no user postgres")
            os.chown(self.folder, who.pw_uid, who.pw_gid)
            as_user = ("setpriv", f"--reuid={who.pw_uid}",
                       f"--regid={who.pw_gid}", "--clear-groups")
        tools = run(need("pg_config"), "--bindir").decode().strip() \
            if shutil.which("pg_config") else os.path.dirname(need("initdb"))
        self.data = f"{self.folder}/data"
        self.as_user, self.tools = as_user, tools
        run(*as_user, f"{tools}/initdb", "-A", "trust", "-N", "--locale=C",
            "-D", self.data, "-U", "tester")
        for _ in range(5):
            self.port = doors.free_port()
            log = open(f"{self.folder}/log", "wb")
            with log:
                process = self.process = host.program(
                    *self.words(self.port), stdout=log, stderr=log,
                    cwd=self.folder)
            proc.wait_until(
                lambda: b"ready to accept" in pathlib.Path(
                    self.folder, "log").read_bytes() or
                process.poll() is not None, "PostgreSQL")
            if process.poll() is None:
                return
        raise AssertionError(pathlib.Path(self.folder, "log").read_text())

    def words(self, port):
        """What runs it at a port."""
        return (*self.as_user, f"{self.tools}/postgres", "-D", self.data,
                "-F", "-k", self.folder, "-h", "127.0.0.1", "-p", str(port))


def test_postgresql(host, tcpmuxd):
    """psql by TCP and by a path: queries, 64 MiB in and out."""
    psql = need("psql")
    base = Postgres(host)
    address = tcpmuxd(conf=host.service(
        "tcp", f'relay = "127.0.0.1:{base.port}"') + host.service(
            "unix", f'relay = "unix:{base.folder}/.s.PGSQL.{base.port}"')
                      ).addresses[0]
    rows = "".join(f"{i:063d}\n" for i in range(1 << 20)).encode()
    for name in ("tcp", "unix"):
        with Forwarder(address, name) as forwarder:
            words = (psql, "-X", "-q", "-t", "-A", "-h", "127.0.0.1", "-p",
                     str(forwarder.port), "-U", "tester", "-d", "postgres")
            assert run(*words, "-c", "select 6*7") == b"42\n"
            run(*words, "-c", "create unlogged table if not exists t (x text)",
                "-c", "truncate t", "-c", "copy t from stdin", input=rows)
            heard = run(*words, "-c", "copy t to stdout")
            assert digest(heard) == digest(rows)


# ssh

def ssh_keys(host):
    """A host key and a user's key, and what sshd and ssh say of them."""
    for name in ("host", "user"):
        run(need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f",
            host.path(name))
    public = pathlib.Path(host.path("host.pub")).read_text("ascii")
    pathlib.Path(host.path("known")).write_text(f"mux {public}", "ascii")
    pathlib.Path(host.path("sshd_config")).write_text(
        f"HostKey {host.path('host')}\n"
        f"AuthorizedKeysFile {host.path('user.pub')}\n"
        "StrictModes no\nPidFile none\nUsePAM no\nPermitRootLogin yes\n"
        "PasswordAuthentication no\nPrintLastLog no\n", "ascii")


def ssh(host, address, name, user, command, passed=False, **popen):
    """Run a command on the other side of a service.

    passed is that tcpmux passes the connection to ssh, and is gone.
    """
    how = " -F" if passed else ""
    return run(
        need("ssh"), "-F", "none", "-o", "IdentitiesOnly=yes", "-o",
        f"ProxyCommand={connector(address, name)}{how}", "-o",
        f"ProxyUseFdpass={'yes' if passed else 'no'}", "-o",
        f"UserKnownHostsFile={host.path('known')}", "-o", "LogLevel=ERROR",
        "-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes",
        "-o", "BatchMode=yes", "-i", host.path("user"), "-l", user, "mux",
        command, **popen)


def assert_ssh_works(host, address, name, user):
    """A command, and 64 MiB through it and back."""
    data = callers.many_bytes()
    for passed in (False, True):
        assert ssh(host, address, name, user, "id -un", passed) == \
            f"{user}\n".encode()
        heard = ssh(host, address, name, user, "cat", passed, input=data)
        assert digest(heard) == digest(data)


@pytest.mark.usefixtures("empty_folder_of_sshd")
def test_sshd_by_exec(host, tcpmuxd):
    """sshd -i, a process for each connection, as inetd starts it."""
    ssh_keys(host)
    user = pwd.getpwuid(os.getuid()).pw_name
    as_user = f'user = "{user}"' if os.getuid() == 0 else ""
    address = tcpmuxd(conf=host.service(
        "ssh", f'exec = {{"{need("sshd")}", "-i", "-f", '
        f'"{host.path("sshd_config")}"}} {as_user}')).addresses[0]
    assert_ssh_works(host, address, "ssh", user)


@pytest.mark.usefixtures("empty_folder_of_sshd")
def test_sshd_by_exec_as_a_plain_user(host, tcpmuxd):
    """sshd -i without any right serves the one user that it is."""
    if os.getuid() != 0:
        pytest.skip("test_sshd_by_exec is this, for who is not root")
    user = "postgres"       # who has a shell, where it is installed
    try:
        who = pwd.getpwnam(user)
    except KeyError:
        pytest.skip(f"there is no user {user}")
    ssh_keys(host)
    os.chown(host.path("host"), who.pw_uid, who.pw_gid)
    address = tcpmuxd(conf=host.service(
        "ssh", f'exec = {{"{need("sshd")}", "-i", "-f", '
        f'"{host.path("sshd_config")}"}} user = "{user}"')).addresses[0]
    assert_ssh_works(host, address, "ssh", user)


@pytest.mark.usefixtures("empty_folder_of_sshd")
def test_sshd_by_relay(host, tcpmuxd):
    """An sshd that listens on its own, behind a relay."""
    ssh_keys(host)
    for _ in range(5):
        port = doors.free_port()
        sshd = host.program(
            need("sshd"), "-D", "-e", "-f", host.path("sshd_config"), "-o",
            f"ListenAddress=127.0.0.1:{port}", stderr=subprocess.DEVNULL)
        proc.wait_until(lambda: proc.listens(sshd.pid, port) or
                        sshd.poll() is not None, "sshd")
        if sshd.poll() is None:
            break
    address = tcpmuxd(conf=host.service(
        "ssh", f'relay = "127.0.0.1:{port}"')).addresses[0]
    assert_ssh_works(host, address, "ssh", pwd.getpwuid(os.getuid()).pw_name)


# rsync

@pytest.fixture
def rsync(host, tcpmuxd):
    """The address of rsync --daemon, started on each connection."""
    program = need("rsync")
    module = pathlib.Path(host.path("module"))
    module.mkdir()
    module.chmod(0o777)
    (module / "big").write_bytes(callers.many_bytes())
    pathlib.Path(host.path("rsyncd.conf")).write_text(
        f"use chroot = no\n[m]\npath = {module}\nread only = no\n", "ascii")
    return tcpmuxd(conf=host.service(
        "rsync", f'exec = {{"{program}", "--daemon", '
        f'"--config={host.path("rsyncd.conf")}"}} {as_nobody()}')
                   ).addresses[0]


def assert_rsync_works(host, *words, **popen):
    """64 MiB down and up again."""
    down = host.path("down")
    run(*words[:-1], f"{words[-1]}/m/big", down, **popen)
    run(*words[:-1], down, f"{words[-1]}/m/up", **popen)
    data = callers.many_bytes()
    for path in (down, host.path("module/up")):
        assert digest(pathlib.Path(path).read_bytes()) == digest(data)


def test_rsync_by_a_port(host, rsync):
    """Through a forwarder, as a client that knows nothing of names."""
    with Forwarder(rsync, "rsync") as forwarder:
        assert_rsync_works(host, need("rsync"), "-W",
                           f"rsync://127.0.0.1:{forwarder.port}")


def test_rsync_by_its_connect_program(host, rsync):
    """RSYNC_CONNECT_PROG: rsync's own way to reach a service by name."""
    env = dict(os.environ, RSYNC_CONNECT_PROG=connector(rsync, "rsync"))
    assert_rsync_works(host, need("rsync"), "-W", "rsync://mux", env=env)


def test_git_daemon(host, tcpmuxd):
    """git daemon --inetd, git clone through a forwarder, and a command."""
    git = need("git")
    env = dict(os.environ, HOME=host.folder, GIT_CONFIG_NOSYSTEM="1",
               GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@example.org",
               GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@example.org")
    work = host.path("work")
    run(git, "init", "-q", work, env=env)
    data = callers.many_bytes()
    pathlib.Path(work, "big").write_bytes(data)
    run(git, "-C", work, "-c", "core.compression=0", "add", "big", env=env)
    run(git, "-C", work, "commit", "-q", "-m", "big", env=env)
    address = tcpmuxd(conf=host.service(
        "git", f'exec = {{"{git}", "daemon", "--inetd", "--export-all", '
        f'"--base-path={host.folder}"}} {as_nobody()} environment = '
        '{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", '
        f'"GIT_CONFIG_VALUE_0=*", "HOME={host.folder}"}}')).addresses[0]
    with Forwarder(address, "git") as forwarder:
        run(git, "clone", "-q", f"git://127.0.0.1:{forwarder.port}/work",
            host.path("clone"), env=env)
    run(git, "-c", "protocol.ext.allow=always", "clone", "-q",
        f"ext::{connector(address, 'git')} %G/work", host.path("again"),
        env=env)
    for clone in ("clone", "again"):
        heard = pathlib.Path(host.path(clone), "big").read_bytes()
        assert digest(heard) == digest(data)
