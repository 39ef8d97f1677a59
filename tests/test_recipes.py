"""Every recipe of tcpmux(7), with real programs, on a machine of its own."""

import pathlib
import subprocess

import pytest

import proc
import recipes
from machine import ALICE, GIT, Machine
from services import need

RECIPES = recipes.sections("tcpmux.7")
SSHD = """\
HostKey /etc/ssh/host
ListenAddress 127.0.0.1
PidFile none
UsePAM no
"""
PG = "/home/pg"


@pytest.fixture
def machine(folder):
    """A machine until the test ends."""
    new = Machine(folder)
    yield new
    new.close()


def key(machine, path, user="root"):
    """Make a key; return its public half."""
    need("ssh-keygen")
    machine.run(user, f"ssh-keygen -q -t ed25519 -N '' -f {path}")
    return machine.run(user, f"cat {path}.pub")


def ssh(machine):
    """Keys on both sides, and an sshd at its port."""
    need("sshd")
    machine.run("root", "mkdir -p /run/sshd && rm -f /etc/ssh/*host*")
    machine.write("/etc/ssh/sshd_config", SSHD)
    host = key(machine, "/etc/ssh/host")
    machine.run("alice", "mkdir -m 700 .ssh")
    machine.write("~/.ssh/authorized_keys",
                  key(machine, ".ssh/id_ed25519", "alice"))
    machine.write("~/.ssh/known_hosts", f"example.org {host}")
    machine.start("root", "/usr/sbin/sshd -D -e")
    machine.wait_port(22)


def ssh_alone(machine):
    """The same, but nobody is at the port."""
    ssh(machine)
    machine.running[-1].terminate()
    machine.running[-1].wait(proc.PATIENCE)


def git(machine):
    """A repository of git's."""
    need("git")
    machine.run("root", f"mkdir /srv/git && chown {GIT} /srv/git")
    machine.run("git", "git init -q --bare /srv/git/project && "
                "git init -q new && git -C new -c user.name=git "
                "-c user.email=git commit -q --allow-empty -m first && "
                "git -C new push -q /srv/git/project HEAD")


def postgresql(machine):
    """A database that trusts whoever is on its machine."""
    tools = pathlib.Path(subprocess.run(
        [need("pg_config"), "--bindir"], check=True,
        stdout=subprocess.PIPE).stdout.decode().strip())
    machine.run("root", f"mkdir {PG} && chown {GIT} {PG}")
    machine.run("git", f"{tools}/initdb -A trust -N --locale=C -D {PG}/data "
                "-U alice")
    machine.start("git", f"{tools}/postgres -D {PG}/data -F -k {PG} "
                  "-h 127.0.0.1")
    proc.wait_until(
        lambda: "accepting" in machine.run(
            "git", f"{tools}/pg_isready -h 127.0.0.1 || true").replace(
                "rejecting", ""), "PostgreSQL")
    machine.run("git", f"{tools}/createdb -h 127.0.0.1 -U alice mydb")


def redis(machine):
    """As it is installed, but for its folder."""
    machine.start("git", f"{need('redis-server')} --bind 127.0.0.1 "
                  "--save '' --daemonize no")
    machine.wait_port(6379)


def web(machine):
    """What alice publishes."""
    need("curl")
    machine.write("~/public/hello.txt", "Hello.\n")


def lab(machine):
    """Another mux, on another machine."""
    machine.write("/etc/lab.conf", 'control = none\n'
                  'service "echo" { builtin = echo }\n')
    machine.tcpmuxd("-f /etc/lab.conf -l 10.0.0.2:1")


def echo(machine):
    """Something to list."""
    machine.write("/etc/tcpmuxd.conf", 'service "echo" { builtin = echo }\n')


def haproxy(machine):
    """A certificate that signs itself, and who uses it."""
    echo(machine)
    need("socat")
    machine.write("/etc/haproxy/haproxy.cfg",
                  next(text for kind, path, text in recipes.steps(
                      RECIPES["Behind HAProxy, with TLS"]) if kind == "file"
                      and path.endswith("haproxy.cfg")))
    machine.run("root", f"{need('openssl')} req -x509 -newkey rsa:2048 "
                "-nodes -subj /CN=example.org -days 30 -keyout key "
                "-out /home/alice/ca.pem && cat /home/alice/ca.pem key "
                f">/etc/haproxy/example.org.pem && chown {ALICE} "
                "/home/alice/ca.pem")
    machine.start("root", f"{need('haproxy')} -f /etc/haproxy/haproxy.cfg")
    machine.wait_port(1001)


def nothing(_):
    """There is nothing to prepare."""


# What each of them supposes, and the options of its tcpmuxd; None: it starts
# its own, or none.
PREPARED = {
    "ssh": (ssh, ""),
    "ssh that sees its clients": (ssh_alone, ""),
    "git": (git, ""),
    "PostgreSQL": (postgresql, ""),
    "redis": (redis, ""),
    "A web server": (web, ""),
    "Out of service for a while": (nothing, ""),
    "In place of inetd": (nothing, None),
    "In place of xinetd": (nothing, None),
    "As a plain user": (nothing, None),
    "A network behind the mux": (lab, "-l 10.0.0.1:1"),
    "Privacy": (echo, ""),
    "Behind HAProxy, with TLS": (haproxy, ""),
}


def take(machine, prompt, command, shown):
    """Do as the page says, and see what it shows."""
    user = "root" if prompt == "#" else "alice"
    if not command.endswith(" &"):
        said = machine.run(user, command).splitlines()
        assert [recipes.undated(line) for line in said] == \
            [recipes.undated(line) for line in shown]
        return
    lines = machine.start(user, command.removesuffix(" &"))
    for line in shown:
        assert lines.get(timeout=proc.PATIENCE) == line


def follow(machine, title):
    """Do all that a recipe says."""
    prepare, options = PREPARED[title]
    prepare(machine)
    steps = list(recipes.steps(RECIPES[title]))
    for kind, path, text in steps:
        if kind == "file":
            machine.write(path, text)
    if options is not None:
        machine.tcpmuxd(options)
    for kind, *rest in steps:
        if kind != "file":
            take(machine, kind, *rest)


def test_there_is_no_other_recipe():
    """Each is below."""
    assert list(RECIPES) == list(PREPARED)


@pytest.mark.parametrize("title", list(RECIPES))
def test_recipe(machine, title):
    """It says what the page shows."""
    follow(machine, title)


def test_the_way_to_have_it_read(machine):
    """What stands before all recipes."""
    machine.tcpmuxd()
    machine.write("/etc/tcpmuxd.conf.d/echo.conf",
                  'service "echo" { builtin = echo }\n')
    for prompt, command, shown in recipes.steps(recipes.before("tcpmux.7")):
        take(machine, prompt, command, shown)


def test_sshd_sees_its_client(machine):
    """The recipe's point: its address, and not the mux's."""
    follow(machine, "ssh that sees its clients")
    assert machine.run(
        "alice", "ssh -o ProxyCommand='tcpmux %h ssh' example.org "
        "'echo $SSH_CLIENT'").startswith("10.0.0.1 ")


@pytest.mark.parametrize("title", ["In place of inetd", "In place of xinetd"])
def test_what_was_imported_is_served(machine, title):
    """After the recipe, the daemon."""
    follow(machine, title)
    machine.tcpmuxd()
    said = machine.run("alice", "tcpmux example.org date </dev/null")
    assert recipes.undated(said) == "DATE\n"


def test_a_network_that_is_not_private_has_no_mux(machine):
    """Of the recipe of privacy."""
    follow(machine, "Privacy")
    assert machine.run("alice", "tcpmux 127.0.0.1 || echo status $?"
                       ).endswith("status 2\n")
