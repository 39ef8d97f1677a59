"""What tcpmuxd says of a configuration: -t, -T and --explain."""

import os
import pathlib
import pwd
import re
import shutil
import subprocess
import tempfile

import pytest

from config_writer import Writer
from server import TCPMUXD

HERE = pathlib.Path(__file__).parent
CONFIG = HERE / "config"
IS_ROOT = os.getuid() == 0
USER = "nobody" if IS_ROOT else pwd.getpwuid(os.getuid()).pw_name
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
NEEDS_ROOT = pytest.mark.skipif(not IS_ROOT, reason="only root can do this")


def run(*words, folder=None, prefix=()):
    """Run tcpmuxd: its status, what it prints, and the lines it says."""
    done = subprocess.run(
        [*prefix, TCPMUXD, *words], cwd=folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        check=False)
    said = [line.removeprefix("tcpmuxd: ")
            for line in done.stderr.splitlines()]
    return done.returncode, done.stdout, said


def print_canonical(path):
    """The canonical form of a good configuration."""
    status, text, said = run("-T", "-f", path)
    assert (status, [line for line in said if "warning:" not in line]) == \
        (0, []), said
    return text


@pytest.fixture
def folder():
    """A folder that everybody can look into."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="tcpmux-config-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def conf(folder):
    """Write texts to files; the first is what is read."""
    def write(text, **more):
        (folder / "t.conf").write_text(text)
        for name, each in more.items():
            path = folder / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(each)
        return folder / "t.conf"
    return write


# The folder of bad files

def bad_files(name):
    """The files of a folder, each a test."""
    return [pytest.param(path, id=path.stem)
            for path in sorted((CONFIG / name).glob("*.conf"))]


def check_bad(path, prefix=()):
    """A bad file is refused, with the messages that are beside it."""
    status, text, said = run("-t", "-f", path.name, folder=path.parent,
                             prefix=prefix)
    want = path.with_suffix(".expect").read_text(encoding="utf-8")
    assert said == want.splitlines()
    assert (status, text) == (78, "")


@pytest.mark.parametrize("path", bad_files("bad"))
def test_every_mistake_is_said_in_one_run(path):
    check_bad(path)


@NEEDS_ROOT
@pytest.mark.parametrize("path", bad_files("as-root"))
def test_t1_every_mistake_is_said_to_root(path):
    check_bad(path)


@pytest.mark.parametrize("path", bad_files("as-user"))
def test_t1_every_mistake_is_said_to_a_user(path, folder):
    copy = folder / path.name       # which nobody may read, wherever we are
    copy.write_bytes(path.read_bytes())
    copy.with_suffix(".expect").write_bytes(
        path.with_suffix(".expect").read_bytes())
    if IS_ROOT:
        check_bad(copy, prefix=NOBODY)
    else:
        expect = copy.with_suffix(".expect")
        expect.write_text(
            expect.read_text().replace("user nobody", f"user {USER}"))
        check_bad(copy)


def test_each_bad_file_has_its_messages():
    for path in CONFIG.glob("*/*.conf"):
        want = path.with_suffix(".expect").read_text(encoding="utf-8")
        assert want.strip(), path


def test_a_bad_configuration_does_not_start(conf):
    status, _, said = run("-f", conf("max = ten\n"), "-l", "127.0.0.1:0")
    assert status == 78
    assert len(said) == 1


def test_so_many_mistakes_that_the_rest_is_counted(conf):
    path = conf("".join(f"x{number} = 1\n" for number in range(300)))
    status, _, said = run("-t", "-f", path)
    assert status == 78
    assert len(said) == 201
    assert said[-1] == "and 100 more"


def test_a_file_that_is_not_there(folder):
    status, _, said = run("-t", "-f", folder / "none.conf")
    assert status == 78
    assert said == [f"{folder}/none.conf: {folder}/none.conf: "
                    "no such file: write where it is"]


def test_a_file_with_a_nul_is_no_text(conf):
    path = conf("max = 5\n\0")
    assert run("-t", "-f", path)[2] == [f"{path}: {path}: has a NUL: no text"]


def test_a_file_that_everybody_may_write_is_warned_of(conf):
    path = conf("max = 5\n")
    path.chmod(0o666)
    status, _, said = run("-t", "-f", path)
    assert status == 0
    assert said == [f"{path}: warning: everybody may write it: chmod o-w it"]


# Includes

def test_includes_are_relative_to_their_file_and_drop_ins_come_last(conf):
    path = conf('include = "sub/a.conf"\nmax = 1\n',
                sub__a_conf='include = "b.conf"\nmax = 2\nfronts = 2\n',
                sub__b_conf='max = 3\nrelays = 3\n',
                t_conf_d__2_conf='max = 5\n',
                t_conf_d__1_conf='max = 4\nfronts = 4\n',
                t_conf_d__3_txt='max = no\n')
    assert print_canonical(path) == \
        'fronts = 4\nmax = 5\nrelays = 3\nlisten "*" {\n}\n'


def test_what_matches_is_included_in_order(conf):
    path = conf('include = "sub/*.conf"\ninclude = "none/*.conf"\n',
                sub__b_conf='max = 2\n', sub__a_conf='max = 1\n',
                sub__c_txt='max = no\n')
    assert print_canonical(path) == 'max = 2\nlisten "*" {\n}\n'


def test_mistakes_of_all_files_come_in_one_run(conf):
    path = conf('max = a\ninclude = "b.conf"\n', b_conf='\nmax = b\n',
                t_conf_d__c_conf='\n\nmax = c\n')
    said = run("-t", "-f", path)[2]
    places = [line.split(": ")[0].removeprefix(f"{path.parent}/")
              for line in said]
    assert places == ["t.conf:1", "b.conf:2", "t.conf.d/c.conf:3"]


@NEEDS_ROOT
def test_drop_ins_that_cannot_be_read_are_a_mistake(conf):
    """Or whoever has given up root's rights would lose half of the files."""
    path = conf('service "a" { builtin = echo }\n',
                t_conf_d__b_conf='service "b" { builtin = echo }\n')
    (path.parent / "t.conf.d").chmod(0o700)
    status, text, said = run("-t", "-f", path, prefix=NOBODY)
    assert (status, text, len(said)) == (78, "", 1)
    assert "t.conf.d/*.conf: the folder cannot be read" in said[0]


def test_a_duplicate_in_another_file_is_said_with_both_places(conf):
    path = conf('service "x" { builtin = echo }\ninclude = "b.conf"\n',
                b_conf='\nservice "X" { builtin = echo }\n')
    said = run("-t", "-f", path)[2]
    assert said == [
        f'{path.parent}/b.conf:2: service "X": has a name that service "x" '
        f'has, in {path}:1, whatever the case: choose another']


def test_an_import_is_relative_to_its_file(conf):
    path = conf('import = "inetd.conf"\nservice "x" { builtin = echo }\n',
                inetd_conf=f"tcpmux/+date stream tcp nowait {USER} "
                "/bin/date date\n")
    status, text, _ = run("-f", path, "--explain", "date")
    assert status == 0
    assert f"found: service date, {path.parent}/inetd.conf (imported):" in text


def test_what_xinetd_includes_is_imported_with_its_places(conf):
    service = ("service {0}\n{{\n\ttype = TCPMUXPLUS UNLISTED\n"
               "\tsocket_type = stream\n\tprotocol = tcp\n\twait = no\n"
               "\tuser = nobody\n\tserver = /bin/date\n}}\n")
    path = conf("", xinetd_conf="# The main file.\nincludedir D\n"
                "include nowhere\n" + service.format("third"),
                d__b=service.format("second"), d__a=service.format("first"),
                d__c_off=service.format("no"))
    main = path.parent / "xinetd.conf"
    main.write_text(
        main.read_text().replace("includedir D", f"includedir {path.parent}/d"))
    status, text, said = run("--import", main)
    assert (status, said) == (0, [])
    names = re.findall(r'^service "(.*)"', text, re.MULTILINE)
    assert names == ["first", "second", "third"]
    assert "nowhere" in text
    for place in (f"{path.parent}/d/a", f"{path.parent}/d/b"):
        assert place in text


# Programs

@NEEDS_ROOT
@pytest.mark.parametrize("mode, user, good", [
    (0o755, "nobody", True), (0o750, "nobody", False),
    (0o705, "nobody", True), (0o700, "nobody", False),
    (0o700, "root", True), (0o644, "root", False)])
def test_a_program_is_one_that_its_user_may_run(conf, mode, user, good):
    path = conf(f'service "x" {{ exec = "bin/x"  user = {user} }}\n')
    program = path.parent / "x"
    program.write_text("#!/bin/sh\n")
    program.chmod(mode)
    path.write_text(f'service "x" {{\nexec = "{program}"\nuser = {user} }}\n')
    status, _, said = run("-t", "-f", path)
    if good:
        assert (status, said) == (0, [])
    else:
        assert status == 78
        assert len(said) == 1
        assert said[0].startswith(
            f"{path}:2: exec = {program}: user {user} cannot run it: "
            "Permission denied: ")


@NEEDS_ROOT
def test_a_program_that_the_group_may_run(conf):
    path = conf("")
    program = path.parent / "x"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o710)
    os.chown(program, 0, 12345)
    shutil.chown(program, group="daemon")
    text = f'service "x" {{ exec = "{program}"  user = nobody'
    path.write_text(text + " }\n")
    assert run("-t", "-f", path)[0] == 78
    path.write_text(text + "  group = daemon }\n")
    assert run("-t", "-f", path)[0] == 0
    path.write_text(text + "  groups = {daemon} }\n")
    assert run("-t", "-f", path)[0] == 0


@NEEDS_ROOT
def test_a_program_behind_a_closed_folder(conf):
    path = conf("")
    inner = path.parent / "inner"
    inner.mkdir(mode=0o700)
    shutil.copy("/bin/true", inner / "x")
    (path.parent / "link").symlink_to("inner/x")
    for program in (inner / "x", path.parent / "link"):
        path.write_text(
            f'service "x" {{ exec = "{program}"  user = nobody }}\n')
        assert run("-t", "-f", path)[0] == 78
    inner.chmod(0o711)
    assert run("-t", "-f", path)[0] == 0


@NEEDS_ROOT
def test_a_program_that_everybody_may_change_is_warned_of(conf):
    path = conf("")
    program = path.parent / "x"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o777)
    path.write_text(f'service "x" {{ exec = "{program}"  user = nobody }}\n')
    status, _, said = run("-t", "-f", path)
    assert status == 0
    assert said == [f"{path}:1: warning: exec = {program}: "
                    "everybody may change it: chmod o-w it"]


@NEEDS_ROOT
def test_t1_nobody_is_a_user_like_any_other(conf):
    path = conf('service "x" { exec = "/bin/true"  user = nobody }\n')
    status, text, _ = run("--explain", "x", "-f", path)
    assert status == 0
    assert "as nobody (uid 65534, gid 65534)" in text


def test_t1_a_program_of_the_daemons_own_user(conf):
    path = conf('service "x" { exec = "/bin/true" }\n')
    prefix = NOBODY if IS_ROOT else ()
    status, _, said = run("-t", "-f", path, prefix=prefix)
    assert (status, said) == (0, [])


def test_a_back_end_that_is_not_there_yet_is_warned_of(conf):
    path = conf('service "x" {\nsocket = "/nowhere/x.sock" }\n')
    status, _, said = run("-t", "-f", path)
    assert status == 0
    assert said == [f"{path}:2: warning: socket = /nowhere/x.sock: No such "
                    "file or directory: start what listens there"]


# What would be served

def test_it_shows_what_would_be_served(conf):
    path = conf('listen "127.0.0.1" { port = 10001 }\n'
                'service "ssh" { relay = {"127.0.0.1:22", "h.example:22"}\n'
                'from = {"10.0.0.0/8"} not-from = {"10.1.0.0/16"} }\n'
                'service "e" { builtin = echo  alias = "f"  hidden = yes\n'
                'max = 5  rate = "10/1m" }\n')
    status, text, said = run("-t", "-f", path)
    assert (status, said) == (0, [])
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines == [
        "listen 127.0.0.1:10001",
        "service kind who may runs as what",
        "e echo everybody - built in (also f, hidden, at most 5, 10/1m)",
        "ssh relay 10.0.0.0/8 but not 10.1.0.0/16 - "
        "127.0.0.1:22, else h.example:22",
        "tcpmux tcpmux everybody - built in"]


OFFERED = '''control = "{folder}/control/socket"
readers = {{"games", "%games"}}
offered-by = {{"daemon", "%daemon:web-*"}}
offers = prefix
service "db" {{
	offered-by = {{"root", "%daemon"}}
	alias = "sql"
}}
'''


def test_it_shows_who_may_offer_names_and_read(conf):
    path = conf("")
    path.write_text(OFFERED.format(folder=path.parent))
    status, text, said = run("-t", "-f", path)
    assert (status, said) == (0, [])
    assert [" ".join(line.split()) for line in text.splitlines()] == [
        "listen *:1",
        f"control {path.parent}/control/socket",
        "readers games, %games",
        "offers of daemon, %daemon:web-*, each user, as LOGIN.NAME",
        "service kind who may runs as what",
        "db offered-by everybody - root, %daemon (also sql)",
        "tcpmux tcpmux everybody - built in"]


@pytest.mark.parametrize("name, who", [
    ("x", "root, the daemon's own user, daemon"),
    ("WEB-1", "root, the daemon's own user, daemon, %daemon:web-*"),
    ("Bin.x", "root, the daemon's own user, daemon, bin by offers = prefix"),
    ("bin.", "root, the daemon's own user, daemon"),
    ("SQL", "root, the daemon's own user, root, %daemon"),
    ("tcpmux", "nobody, as it is served already"),
    ("-x", "nobody, as such a name cannot be offered"),
    ("x" * 200, "root, the daemon's own user, daemon"),
    ("x" * 201, "nobody, as such a name cannot be offered")])
def test_it_explains_who_may_offer_a_name(conf, name, who):
    path = conf("")
    path.write_text(OFFERED.format(folder=path.parent))
    _, text, said = run("-f", path, "--explain", name)
    assert said == []
    assert f"may be offered by: {who}" in text.splitlines()


def test_without_a_control_socket_nobody_offers(conf):
    path = conf("readers = root\ncontrol = none\noffers = prefix\n")
    status, text, said = run("-t", "-f", path)
    assert status == 0
    assert "control none" in text.splitlines()
    assert said == [f"{path}:2: warning: control = none: and so nobody can "
                    + what for what in (
                        "offer a name, whatever offered-by and offers say",
                        "read anything, whatever readers says")]
    assert "may be offered by: nobody, as control = none" in \
        run("-f", path, "--explain", "x")[1].splitlines()


@pytest.mark.parametrize("mode, good", [
    (0o700, True), (0o755, True), (0o775, False), (0o757, False),
    (0o1777, False)])
def test_t7_control_is_where_nobody_else_can_write(conf, mode, good):
    path = conf("")
    inner = path.parent / "inner"
    inner.mkdir()
    for socket in (inner / "control", inner / "deeper" / "control"):
        path.write_text(f'control = "{socket}"\n')
        inner.chmod(mode)
        status, _, said = run("-t", "-f", path)
        if good:
            assert (status, said) == (0, [])
        else:
            assert status == 78
            assert said == [
                f"{path}:1: control = {socket}: others may write to {inner}, "
                "and put a socket of theirs there: write a path in a folder "
                "that is the daemon's alone"]


@NEEDS_ROOT
def test_t7_control_is_in_no_folder_of_another_user(conf):
    path = conf("")
    inner = path.parent / "inner"
    inner.mkdir(mode=0o755)
    shutil.chown(inner, "daemon")
    path.write_text(f'control = "{inner}/control"\n')
    said = run("-t", "-f", path)[2]
    assert said == [f"{path}:1: control = {inner}/control: {inner} is another "
                    "user's folder: write a path in one of the daemon's own"]
    path.write_text(f'control = "{inner}/control"\nuser = daemon\n')
    assert run("-t", "-f", path)[::2] == (0, [])


def test_a_control_folder_that_cannot_be_made(conf):
    path = conf('control = "/etc/tcpmux-none/control"\n')
    prefix = NOBODY if IS_ROOT else ()
    status, _, said = run("-t", "-f", path, prefix=prefix)
    assert status == 78
    assert said == [f"{path}:1: control = /etc/tcpmux-none/control: no folder "
                    "can be made in /etc: Permission denied: make it first"]


EXPLAINED = '''listen "*" { }
listen "127.0.0.1" {
	port = 10001
	from = {"192.0.2.0/24"}
}
from = {"192.0.2.0/24"}
service "ssh" {
	relay = "127.0.0.1:22"
	alias = {"shell"}
	from = {"10.0.0.0/8"}
	not-from = {"10.1.0.0/16"}
	max = 3
}
service "plain" {
	builtin = echo
}
'''


@pytest.mark.parametrize("words, good, lines", [
    (["SHELL", "10.2.3.4"], True, [
        "listen 127.0.0.1:10001, for 192.0.2.0/24",
        "not let in: 10.2.3.4 is nowhere in from of this "
        "listener",
        "found: service ssh by its alias shell, t.conf:7",
        "let in: 10.2.3.4 is in 10.0.0.0/8, from of the service",
        "limits of the service (at most 3)",
        "limits of all services together: none",
        "relay: 127.0.0.1:22",
        "answered: +OK FINE",
        "may be offered by: nobody, as it is served already"]),
    (["ssh", "::ffff:10.1.3.4"], False, [
        "listen 127.0.0.1:10001, for 192.0.2.0/24",
        "not let in: ::ffff:10.1.3.4 is nowhere in from of this "
        "listener",
        "found: service ssh, t.conf:7",
        "not let in: ::ffff:10.1.3.4 is in 10.1.0.0/16, not-from of the "
        "service",
        "refused: -No such service: send HELP and CR LF for a list"]),
    (["ssh", "2001:db8::1"], False, [
        "listen 127.0.0.1:10001, for 192.0.2.0/24",
        "not let in: 2001:db8::1 is nowhere in from of this "
        "listener",
        "found: service ssh, t.conf:7",
        "not let in: 2001:db8::1 is nowhere in from of the service",
        "refused: -No such service: send HELP and CR LF for a list"]),
    (["plain", "192.0.2.9"], True, [
        "listen 127.0.0.1:10001, for 192.0.2.0/24",
        "let in: 192.0.2.9 is in 192.0.2.0/24, from of this listener",
        "found: service plain, t.conf:14",
        "let in: 192.0.2.9 is in 192.0.2.0/24, from of the top level",
        "limits of the service: none",
        "limits of all services together: none",
        "echo: built in",
        "answered: +OK FINE",
        "may be offered by: nobody, as it is served already"]),
    (["tcpmux"], True, [
        "found: service tcpmux, always there",
        "who may: 192.0.2.0/24, by the top level",
        "limits of the service: none",
        "limits of all services together: none",
        "tcpmux: built in",
        "answered: +OK FINE",
        "may be offered by: nobody, as it is served already"]),
    (["none", "10.2.3.4"], False, [
        "listen 127.0.0.1:10001, for 192.0.2.0/24",
        "not let in: 10.2.3.4 is nowhere in from of this "
        "listener",
        "not found: no service has this name",
        "may be offered by: root, the daemon's own user",
        "refused: -No such service: send HELP and CR LF for a list"]),
    (["Help"], True, ["answered: the list of services"]),
    (["two words"], False, [
        "refused: -Not a service name: send printable ASCII without spaces, "
        "then CR LF"]),
    (["ssh", "localhost"], False, [
        "localhost: not a numeric address: write one, as in 192.0.2.1 or "
        "2001:db8::1"]),
])
def test_it_explains_what_would_happen_and_why(conf, words, good, lines):
    path = conf(EXPLAINED)
    status, text, said = run("-f", "t.conf", "--explain", *words,
                             folder=path.parent)
    assert text.splitlines() == lines
    assert said == []
    assert (status == 0) == good


def test_the_example_is_right():
    status, _, said = run("-t", "-f", HERE.parent / "contrib/tcpmuxd.conf")
    if USER == "nobody":
        assert (status, said) == (0, [])
    else:
        assert all("user = nobody: only root can" in line for line in said)


def test_the_manual_has_every_option():
    source = (HERE.parent / "conf/option.c").read_text()
    names = re.findall(r'(?:\{ |REFUSAL\()"([a-z0-9-]+)",\s+[&R]', source)
    assert len(names) > 60
    manual = (HERE.parent / "man/tcpmuxd.conf.5").read_text()
    items = set(re.findall(r"[a-z0-9-]+", " ".join(
        line for line in manual.split("\n") if line.startswith(".It Ic"))))
    assert set(names) <= items


def test_a_peer_that_no_listener_lets_in(conf):
    path = conf('listen "*" { not-from = {"192.0.2.0/24"} }\n')
    status, text, _ = run("-f", path, "--explain", "tcpmux", "192.0.2.1")
    assert text.splitlines() == [
        "listen *:1, for everybody but not 192.0.2.0/24",
        "not let in: 192.0.2.1 is in 192.0.2.0/24, not-from of this listener",
        "closed: no listener lets it in"]
    assert status != 0


def test_what_fuzzing_has_found_stays_found():
    subprocess.run([TCPMUXD.parent / "tests/replay-conf", CONFIG,
                    HERE / "fuzz/corpus/conf"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# The canonical form

@pytest.mark.parametrize("seed", range(150))
def test_what_is_printed_is_read_as_the_same(conf, seed):
    path = conf(Writer(seed, IS_ROOT).configuration())
    served = run("-t", "-f", path)[1]
    once = print_canonical(path)
    path.write_text(once)
    assert print_canonical(path) == once
    assert run("-t", "-f", path)[1] == served


def test_what_is_the_default_is_not_printed(conf):
    path = conf('request-timeout = 10s\nlog { level = connections }\n'
                'listen "*" { port = 1  lenient = no }\n'
                'service "x" { builtin = echo  max-bytes = 64M  max = 0 }\n')
    assert print_canonical(path) == (
        'listen "*" {\n}\nservice "x" {\n\tbuiltin = echo\n}\n')
